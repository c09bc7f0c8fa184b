// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces: what the devices of a lease reach by DMA. Owns the mappings, the windows,
 * the quota, and whose memory it is. The locks stand in space.h.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vfio.h>

#include "domain.h"
#include "lease.h"
#include "pin.h"
#include "ptx_main.h"
#include "space.h"
#include "vfio_pci.h"
#include "window.h"

/* How long until the lock of a process's memory is tried again. */
#define PTX_REFUND_WAIT		msecs_to_jiffies(50)

static void ptx_space_mm_free(struct ptx_space_mm *owner)
{
	/* Calls back if the memory is still there; there is nothing to find then. */
	mmu_notifier_unregister(&owner->notifier, owner->notifier.mm);
	kfree(owner);
}

static void ptx_space_mm_free_work(struct work_struct *work)
{
	struct ptx_space_mm *owner = container_of(work, struct ptx_space_mm, free_work);
	struct ptx_space *space = owner->space;

	mutex_lock(&space->lock);
	/* Meanwhile it may have been found by who ends the space. */
	if (list_empty(&owner->node)) {
		mutex_unlock(&space->lock);
		return;
	}
	list_del_init(&owner->node);
	mutex_unlock(&space->lock);
	flush_delayed_work(&owner->refund_work);
	flush_work(&owner->leave_work);
	ptx_space_mm_free(owner);
	ptx_space_put(space);
}

/**
 * ptx_space_mm_put() - mappings of some memory are gone, or do not come
 * @owner: the memory; its space is locked
 * @mappings: how many
 */
void ptx_space_mm_put(struct ptx_space_mm *owner, u64 mappings)
{
	lockdep_assert_held(&owner->space->lock);
	owner->mappings -= mappings;
	if ((owner->gone || owner->space->ended) && !owner->mappings &&
	    !list_empty(&owner->node))
		queue_work(ptx_wq, &owner->free_work);
}

/* It holds the module, as it may take longer than the lease. */
static void ptx_space_refund_later(struct ptx_space_mm *owner)
{
	lockdep_assert_held(&owner->space->lock);
	if (owner->refunding)
		return;
	owner->refunding = true;
	owner->mappings++;
	__module_get(THIS_MODULE);
	queue_delayed_work(ptx_wq, &owner->refund_work, 0);
}

/* Again and again until the memory's lock is free, as its process may never let go. */
static void ptx_space_refund_work(struct work_struct *work)
{
	struct ptx_space_mm *owner =
		container_of(to_delayed_work(work), struct ptx_space_mm, refund_work);
	struct mm_struct *mm = owner->notifier.mm;
	struct ptx_space *space = owner->space;

	if (!READ_ONCE(owner->gone)) {
		/* No mapping of it is touched, so that is all of the lock it takes. */
		if (!down_write_trylock(&mm->mmap_lock)) {
			queue_delayed_work(ptx_wq, &owner->refund_work, PTX_REFUND_WAIT);
			return;
		}
		__account_locked_vm(mm, atomic64_xchg(&owner->refund, 0), false, current, true);
		up_write(&mm->mmap_lock);
	}
	mutex_lock(&space->lock);
	owner->refunding = false;
	/* More has come since we looked, or it goes with the memory. */
	if (atomic64_read(&owner->refund) && !owner->gone)
		ptx_space_refund_later(owner);
	ptx_space_mm_put(owner, 1);
	mutex_unlock(&space->lock);
	module_put(THIS_MODULE);
}

/*
 * Pages of a process do not count as its locked memory any more. It may hold its lock
 * for as long as it likes, so nobody waits for that but its own threads.
 */
static void ptx_space_unlock_memory(struct ptx_space_mm *owner, u64 pages)
{
	struct mm_struct *mm = owner->notifier.mm;

	if (!pages || READ_ONCE(owner->gone))
		return;
	if (mm == current->mm && !mmap_write_lock_killable(mm)) {
		__account_locked_vm(mm, pages, false, current, true);
		mmap_write_unlock(mm);
		return;
	}
	atomic64_add(pages, &owner->refund);
	mutex_lock(&owner->space->lock);
	ptx_space_refund_later(owner);
	mutex_unlock(&owner->space->lock);
}

/* Once for all that follow each other of one process. */
static void ptx_space_refund(struct list_head *leaving)
{
	struct ptx_space_mm *owner = NULL;
	struct ptx_mapping *mapping;
	u64 locked = 0;

	list_for_each_entry(mapping, leaving, change) {
		if (owner && owner != mapping->owner) {
			ptx_space_unlock_memory(owner, locked);
			locked = 0;
		}
		owner = mapping->owner;
		locked += mapping->locked;
	}
	ptx_space_unlock_memory(owner, locked);
}

/* Mediated devices let go of pages in what is being unmapped. They must. */
static void ptx_space_ask_back(struct ptx_space *space, struct list_head *leaving)
{
	struct vfio_device *vdev;
	struct ptx_mapping *mapping;

	mutex_lock(&space->devices_lock);
	if (!list_empty(&space->devices))
		list_for_each_entry(mapping, leaving, change)
			list_for_each_entry(vdev, &space->devices, iommu_entry)
				vdev->ops->dma_unmap(vdev, mapping->range.start,
						     ptx_mapping_size(mapping));
	mutex_unlock(&space->devices_lock);
	list_for_each_entry(mapping, leaving, change)
		WARN_ON_ONCE(READ_ONCE(mapping->held));
}

/**
 * ptx_space_add_device() - a mediated device is to hear what is unmapped
 * @space: not locked
 * @vdev: the device. Undone by ptx_space_remove_device()
 */
void ptx_space_add_device(struct ptx_space *space, struct vfio_device *vdev)
{
	mutex_lock(&space->devices_lock);
	list_add(&vdev->iommu_entry, &space->devices);
	mutex_unlock(&space->devices_lock);
}

/**
 * ptx_space_remove_device() - undo ptx_space_add_device()
 * @space: not locked
 * @vdev: the device
 */
void ptx_space_remove_device(struct ptx_space *space, struct vfio_device *vdev)
{
	mutex_lock(&space->devices_lock);
	list_del(&vdev->iommu_entry);
	mutex_unlock(&space->devices_lock);
}

/**
 * ptx_space_leave() - take mappings away for good
 * @space: not locked
 * @leaving: of struct ptx_mapping, chosen with ptx_space_choose(); empty on return
 *
 * Cannot fail.
 *
 * Return: how many bytes they mapped.
 */
u64 ptx_space_leave(struct ptx_space *space, struct list_head *leaving)
{
	struct ptx_mapping *mapping, *next;
	u64 bytes = 0, pinned = 0;

	if (list_empty(leaving))
		return 0;
	ptx_space_ask_back(space, leaving);
	ptx_domain_unmap(space, leaving);
	list_for_each_entry(mapping, leaving, change)
		ptx_unpin(mapping);
	mutex_lock(&space->lock);
	list_for_each_entry(mapping, leaving, change) {
		bytes += ptx_mapping_size(mapping);
		pinned += mapping->locked;
		interval_tree_remove(&mapping->range, &space->tree);
		space->entries--;
	}
	ptx_charge_drop(&space->charge, bytes);
	space->pinned -= pinned;
	space->leaves++;
	mutex_unlock(&space->lock);
	wake_up_all(&space->left);
	/* That may take its time, and whoever waits for what has gone need not. */
	ptx_space_refund(leaving);
	mutex_lock(&space->lock);
	list_for_each_entry(mapping, leaving, change)
		ptx_space_mm_put(mapping->owner, 1);
	mutex_unlock(&space->lock);
	list_for_each_entry_safe(mapping, next, leaving, change) {
		ptx_vfio_bar_put(mapping->bar);
		kvfree(mapping);
	}
	INIT_LIST_HEAD(leaving);
	return bytes;
}

/**
 * ptx_space_choose() - choose a mapping to take away
 * @mapping: it is live; its space is locked
 * @state: PTX_MAPPING_LEAVING, or PTX_MAPPING_CHOSEN if it may yet stay
 * @leaving: gets it
 */
void ptx_space_choose(struct ptx_mapping *mapping, enum ptx_mapping_state state,
		      struct list_head *leaving)
{
	mapping->state = state;
	list_add_tail(&mapping->change, leaving);
}

/**
 * ptx_space_doom() - a mapping must go, wherever it stands
 * @space: locked
 * @mapping: the mapping
 * @leaving: gets it, for ptx_space_leave(), if nobody else works on it
 *
 * One that somebody works on is out of reach for devices then; he sees to the rest.
 */
void ptx_space_doom(struct ptx_space *space, struct ptx_mapping *mapping,
		    struct list_head *leaving)
{
	if (mapping->state == PTX_MAPPING_LIVE)
		ptx_space_choose(mapping, PTX_MAPPING_LEAVING, leaving);
	else
		ptx_domain_expel(space, mapping);
}

static void ptx_space_mm_leave_work(struct work_struct *work)
{
	struct ptx_space_mm *owner = container_of(work, struct ptx_space_mm, leave_work);
	struct ptx_space *space = owner->space;

	ptx_space_leave(space, &owner->leaving);
	mutex_lock(&space->lock);
	ptx_space_mm_put(owner, 1);
	mutex_unlock(&space->lock);
}

/*
 * The memory goes: nothing of it may be reached any more. What is pinned stays as it is
 * until then, so the one who tells need not wait; nor need those who wait for him.
 */
static void ptx_space_mm_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct ptx_space_mm *owner = container_of(notifier, struct ptx_space_mm, notifier);
	struct interval_tree_node *node, *next;
	struct ptx_space *space = owner->space;
	struct ptx_mapping *mapping;

	mutex_lock(&space->lock);
	WRITE_ONCE(owner->gone, true);
	/* What a batch of another process works on, that looks at when it ends. */
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		if (mapping->owner == owner && mapping->state == PTX_MAPPING_LIVE)
			ptx_space_choose(mapping, PTX_MAPPING_LEAVING, &owner->leaving);
	if (!list_empty(&owner->leaving))
		owner->mappings += queue_work(ptx_wq, &owner->leave_work);
	else
		ptx_space_mm_put(owner, 0);
	mutex_unlock(&space->lock);
}

static const struct mmu_notifier_ops ptx_space_mm_ops = {
	.release = ptx_space_mm_release,
};

static struct ptx_space_mm *ptx_space_mm_find(struct ptx_space *space)
{
	struct ptx_space_mm *owner;

	lockdep_assert_held(&space->lock);
	list_for_each_entry(owner, &space->owners, node)
		if (owner->notifier.mm == current->mm && !owner->gone)
			return owner;
	return NULL;
}

/**
 * ptx_space_mm_get() - the caller's memory, for mappings that are to come
 * @space: not locked
 * @mappings: so many
 *
 * Undone by ptx_space_mm_put().
 *
 * Return: the memory, or an error.
 */
struct ptx_space_mm *ptx_space_mm_get(struct ptx_space *space, u64 mappings)
{
	struct ptx_space_mm *owner, *made;
	int ret;

	mutex_lock(&space->lock);
	owner = ptx_space_mm_find(space);
	if (owner)
		owner->mappings += mappings;
	mutex_unlock(&space->lock);
	if (owner)
		return owner;

	made = kzalloc(sizeof(*made), GFP_KERNEL_ACCOUNT);
	if (!made)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&made->node);
	made->space = space;
	made->notifier.ops = &ptx_space_mm_ops;
	INIT_WORK(&made->free_work, ptx_space_mm_free_work);
	INIT_DELAYED_WORK(&made->refund_work, ptx_space_refund_work);
	INIT_LIST_HEAD(&made->leaving);
	INIT_WORK(&made->leave_work, ptx_space_mm_leave_work);
	ret = mmu_notifier_register(&made->notifier, current->mm);
	if (ret) {
		kfree(made);
		return ERR_PTR(ret);
	}
	mutex_lock(&space->lock);
	owner = ptx_space_mm_find(space);
	if (!owner) {
		owner = made;
		made = NULL;
		list_add_tail(&owner->node, &space->owners);
		ptx_space_get(space);
	}
	owner->mappings += mappings;
	mutex_unlock(&space->lock);
	if (made)
		ptx_space_mm_free(made);
	return owner;
}

/**
 * ptx_space_drop_bar() - no device reaches a device's BARs any more
 * @space: not locked
 * @bar: the device, cut or about to go
 */
void ptx_space_drop_bar(struct ptx_space *space, struct ptx_vfio_device *bar)
{
	struct interval_tree_node *node, *next;
	struct ptx_mapping *mapping;
	LIST_HEAD(leaving);

	/* Either we see whose BAR it is, or who has just found that sees that it is cut. */
	smp_mb();
	mutex_lock(&space->lock);
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		if (READ_ONCE(mapping->bar) == bar)
			ptx_space_doom(space, mapping, &leaving);
	mutex_unlock(&space->lock);
	ptx_space_leave(space, &leaving);
}

static bool ptx_space_has_leaving(struct ptx_space *space)
{
	struct interval_tree_node *node, *next;
	struct ptx_mapping *mapping;
	bool has = false;

	mutex_lock(&space->lock);
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		has |= mapping->state == PTX_MAPPING_LEAVING;
	mutex_unlock(&space->lock);
	return has;
}

/* All of a container, or with 0 all there is. */
static void ptx_space_drop(struct ptx_space *space, u32 container)
{
	struct interval_tree_node *node, *next;
	struct ptx_mapping *mapping;
	LIST_HEAD(leaving);

	mutex_lock(&space->lock);
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		if (!container || mapping->container == container)
			ptx_space_doom(space, mapping, &leaving);
	mutex_unlock(&space->lock);
	ptx_space_leave(space, &leaving);
}

/**
 * ptx_space_join() - a VFIO container begins to be served by a space
 * @space: not locked
 * @number: gets which it is, so that a late call of an earlier one is known
 *
 * Undone by ptx_space_part().
 *
 * Return: 0, or -EBUSY if another one is.
 */
int ptx_space_join(struct ptx_space *space, u32 *number)
{
	int ret = 0;

	mutex_lock(&space->lock);
	if (space->container)
		ret = -EBUSY;
	else
		*number = ++space->containers;
	space->container = true;
	mutex_unlock(&space->lock);
	return ret;
}

/**
 * ptx_space_part() - undo ptx_space_join(): what came through the container goes
 * @space: not locked
 * @number: which one
 */
void ptx_space_part(struct ptx_space *space, u32 number)
{
	mutex_lock(&space->lock);
	space->container = false;
	mutex_unlock(&space->lock);
	ptx_space_drop(space, number);
}

/**
 * ptx_space_find() - find what is mapped at an address
 * @space: locked
 * @iova: the address
 *
 * Return: the mapping, or NULL; valid as long as the lock is held.
 */
struct ptx_mapping *ptx_space_find(struct ptx_space *space, unsigned long iova)
{
	struct interval_tree_node *node;
	struct ptx_mapping *mapping;

	lockdep_assert_held(&space->lock);
	node = interval_tree_iter_first(&space->tree, iova, iova);
	if (!node)
		return NULL;
	mapping = ptx_mapping_of(node);
	return !mapping->doomed && (mapping->state == PTX_MAPPING_LIVE ||
				    mapping->state == PTX_MAPPING_CHOSEN) ? mapping : NULL;
}

/**
 * ptx_space_alloc() - make the space of a lease
 *
 * Everything may be mapped in it. Undone by ptx_space_end(), and ptx_space_put() for
 * the reference returned.
 *
 * Return: the space, or NULL without memory.
 */
struct ptx_space *ptx_space_alloc(void)
{
	struct ptx_space *space = kzalloc(sizeof(*space), GFP_KERNEL_ACCOUNT);

	if (!space)
		return NULL;
	kref_init(&space->ref);
	mutex_init(&space->lock);
	mutex_init(&space->devices_lock);
	ptx_charge_init(&space->charge);
	init_waitqueue_head(&space->left);
	INIT_LIST_HEAD(&space->devices);
	init_rwsem(&space->domains_lock);
	space->tree = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&space->domains);
	INIT_LIST_HEAD(&space->groups);
	INIT_LIST_HEAD(&space->owners);
	space->windows = ptx_windows_all();
	if (!space->windows) {
		ptx_space_put(space);
		return NULL;
	}
	return space;
}

static void ptx_space_last_put(struct kref *ref)
{
	struct ptx_space *space = container_of(ref, struct ptx_space, ref);

	WARN_ON(!RB_EMPTY_ROOT(&space->tree.rb_root));
	WARN_ON(!list_empty(&space->domains) || !list_empty(&space->owners));
	kfree(space->windows);
	mutex_destroy(&space->devices_lock);
	mutex_destroy(&space->lock);
	kfree(space);
}

/**
 * ptx_space_put() - drop a reference
 * @space: the space
 */
void ptx_space_put(struct ptx_space *space)
{
	kref_put(&space->ref, ptx_space_last_put);
}

/**
 * ptx_space_end() - nothing is mapped any more, and nothing will be
 * @space: not locked
 *
 * What is just being mapped goes when its caller sees that.
 */
void ptx_space_end(struct ptx_space *space)
{
	struct ptx_space_mm *owner, *next;
	LIST_HEAD(owners);

	ptx_domain_cut(space);
	ptx_space_drop(space, 0);
	wait_event(space->left, !ptx_space_has_leaving(space));
	mutex_lock(&space->lock);
	space->ended = true;
	list_for_each_entry_safe(owner, next, &space->owners, node)
		if (!owner->mappings)
			list_move(&owner->node, &owners);
	mutex_unlock(&space->lock);
	for (;;) {
		/* Whoever frees one by itself takes it out of the list, too. */
		mutex_lock(&space->lock);
		owner = list_first_entry_or_null(&owners, struct ptx_space_mm, node);
		if (owner)
			list_del_init(&owner->node);
		mutex_unlock(&space->lock);
		if (!owner)
			break;
		cancel_work_sync(&owner->free_work);
		/* They have counted as mappings, and are about to return. */
		flush_delayed_work(&owner->refund_work);
		flush_work(&owner->leave_work);
		ptx_space_mm_free(owner);
		ptx_space_put(space);
	}
}

/**
 * ptx_space_set_quota() - say how much may be mapped
 * @space: not locked
 * @bytes: so much, or 0 for any
 * @may_raise: it may be more than before
 * @reason: on failure, a value of enum ptx_reason
 *
 * Return: 0; -EBUSY if more is mapped; -EPERM.
 */
int ptx_space_set_quota(struct ptx_space *space, u64 bytes, bool may_raise, u32 *reason)
{
	int ret = 0;
	u64 quota;

	mutex_lock(&space->lock);
	ptx_charge_bytes(&space->charge, &quota);
	if (!may_raise && quota && (!bytes || bytes > quota)) {
		*reason = PTX_REASON_NO_RIGHT;
		ret = -EPERM;
	} else if (!ptx_charge_fits(&space->charge, bytes)) {
		*reason = PTX_REASON_DMA_QUOTA;
		ret = -EBUSY;
	} else {
		ptx_charge_set_quota(&space->charge, bytes);
	}
	mutex_unlock(&space->lock);
	return ret;
}

/**
 * ptx_space_restrict() - say how much may be mapped, and where
 * @space: not locked
 * @quota: so many bytes, or 0 for any number; NULL for as many as before
 * @ranges: only in these, which are valid
 * @nr: their number; 0 for where it was before
 * @force: unmap what is elsewhere
 * @reason: on failure, a value of enum ptx_reason
 *
 * Return: 0; -EBUSY if more is mapped, or elsewhere; -E2BIG, -ENOMEM; nothing has
 * changed then.
 */
int ptx_space_restrict(struct ptx_space *space, const u64 *quota,
		       const struct ptx_space_range *ranges, u32 nr, bool force,
		       u32 *reason)
{
	struct ptx_windows *windows = nr ? ptx_windows_make(ranges, nr) : NULL;
	LIST_HEAD(leaving);
	int ret = 0;

	mutex_lock(&space->lock);
	if (quota && !ptx_charge_fits(&space->charge, *quota)) {
		*reason = PTX_REASON_DMA_QUOTA;
		ret = -EBUSY;
		kfree(windows);
	} else if (nr) {
		ret = ptx_windows_install(space, windows, force, reason, &leaving);
	}
	if (!ret && quota)
		ptx_charge_set_quota(&space->charge, *quota);
	mutex_unlock(&space->lock);
	ptx_space_leave(space, &leaving);
	return ret;
}

/**
 * ptx_space_describe() - say what a space has
 * @space: not locked
 * @stats: gets everything but the windows and the header
 */
void ptx_space_describe(struct ptx_space *space, struct ptx_space_stats *stats)
{
	mutex_lock(&space->lock);
	stats->out_mapped = ptx_charge_bytes(&space->charge, &stats->out_quota);
	stats->out_pinned = space->pinned << PAGE_SHIFT;
	stats->out_entries = space->entries;
	stats->out_max_entries = PTX_SPACE_ENTRIES_MAX;
	stats->out_largest_page = space->page_shift ? 1ULL << space->page_shift : 0;
	stats->out_faults = space->tells_faults ? atomic64_read(&space->faults) :
						  PTX_SPACE_NO_FAULTS;
	stats->out_refused = space->refused;
	stats->out_refused_range = space->refused_range;
	stats->out_refused_reason = space->refused_reason;
	memcpy(stats->out_pin_times, space->pin_times, sizeof(space->pin_times));
	memcpy(stats->out_map_times, space->map_times, sizeof(space->map_times));
	mutex_unlock(&space->lock);
}

/**
 * ptx_space_copy_windows() - what windows a space has
 * @space: not locked
 *
 * Undone by kfree().
 *
 * Return: a copy, or NULL without memory.
 */
struct ptx_windows *ptx_space_copy_windows(struct ptx_space *space)
{
	struct ptx_windows *copy;

	mutex_lock(&space->lock);
	copy = kmemdup(space->windows, struct_size(copy, range, space->windows->nr),
		       GFP_KERNEL_ACCOUNT);
	mutex_unlock(&space->lock);
	return copy;
}
