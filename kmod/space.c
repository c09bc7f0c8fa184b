// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spaces: what the devices of a lease reach by DMA. Owns the mappings, the windows,
 * the quota, and whose memory it is. The locks stand in space.h.
 */
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "domain.h"
#include "lease.h"
#include "pin.h"
#include "ptx_main.h"
#include "space.h"

/*
 * Chunks are large enough to be worth a thread's while, and small enough for there to
 * be many. Those of large mappings are as large as the largest page of an IOMMU.
 */
#define PTX_CHUNK_SHIFT		25
#define PTX_CHUNK_SHIFT_LARGE	30
#define PTX_CHUNK_LARGE_FROM	(16UL << 30)

static struct ptx_mapping *ptx_mapping_of(struct interval_tree_node *node)
{
	return container_of(node, struct ptx_mapping, range);
}

/* Mappings whose range meets [first, last]; the body may take the current one away. */
#define ptx_for_each_mapping(mapping, node, next, space, first, last)			\
	for (node = interval_tree_iter_first(&(space)->tree, first, last);		\
	     node && (mapping = ptx_mapping_of(node),					\
		      next = interval_tree_iter_next(node, first, last), true);		\
	     node = next)

/**
 * ptx_mapping_chunk() - where a chunk of a mapping is
 * @mapping: the mapping
 * @chunk: its number
 * @at: gets where it begins, in bytes from the beginning of the mapping
 * @size: gets its size in bytes
 */
void ptx_mapping_chunk(const struct ptx_mapping *mapping, u32 chunk, unsigned long *at,
		       unsigned long *size)
{
	unsigned long total = ptx_mapping_size(mapping);
	unsigned long step = 1UL << mapping->chunk_shift;
	/* The first one ends where its memory is aligned, so that no large page is cut. */
	unsigned long skew = mapping->vaddr & (step - 1);
	unsigned long end;

	*at = chunk ? chunk * step - skew : 0;
	end = (chunk + 1) * step - skew;
	*size = min(end, total) - *at;
}

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
	ptx_space_mm_free(owner);
	ptx_space_put(space);
}

static void ptx_space_mm_put(struct ptx_space_mm *owner, u64 mappings)
{
	lockdep_assert_held(&owner->space->lock);
	owner->mappings -= mappings;
	if ((owner->gone || owner->space->ended) && !owner->mappings &&
	    !list_empty(&owner->node))
		queue_work(ptx_wq, &owner->free_work);
}

/* Takes mappings away for good. They are in the tree, and nobody else's to change. */
static u64 ptx_space_leave(struct ptx_space *space, struct list_head *leaving)
{
	struct ptx_mapping *mapping, *next;
	struct ptx_space_mm *owner = NULL;
	u64 bytes = 0, pinned = 0, locked = 0;

	if (list_empty(leaving))
		return 0;
	ptx_domain_unmap(space, leaving);
	list_for_each_entry(mapping, leaving, change) {
		ptx_unpin(mapping);
		pinned += mapping->locked;
		/* Once for all that follow each other of one process. */
		if (owner != mapping->owner) {
			if (owner && !READ_ONCE(owner->gone))
				account_locked_vm(owner->notifier.mm, locked, false);
			owner = mapping->owner;
			locked = 0;
		}
		locked += mapping->locked;
	}
	if (!READ_ONCE(owner->gone))
		account_locked_vm(owner->notifier.mm, locked, false);
	mutex_lock(&space->lock);
	space->pinned -= pinned;
	list_for_each_entry_safe(mapping, next, leaving, change) {
		bytes += ptx_mapping_size(mapping);
		interval_tree_remove(&mapping->range, &space->tree);
		space->entries--;
		ptx_space_mm_put(mapping->owner, 1);
		kvfree(mapping);
	}
	space->bytes -= bytes;
	mutex_unlock(&space->lock);
	INIT_LIST_HEAD(leaving);
	return bytes;
}

static void ptx_space_choose(struct ptx_mapping *mapping, enum ptx_mapping_state state,
			     struct list_head *leaving)
{
	mapping->state = state;
	list_add_tail(&mapping->change, leaving);
}

/* The memory goes: nothing of it may be reached any more. */
static void ptx_space_mm_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct ptx_space_mm *owner = container_of(notifier, struct ptx_space_mm, notifier);
	struct interval_tree_node *node, *next;
	struct ptx_space *space = owner->space;
	struct ptx_mapping *mapping;
	LIST_HEAD(leaving);

	mutex_lock(&space->lock);
	WRITE_ONCE(owner->gone, true);
	/* What a batch of another process has chosen is looked at when that ends. */
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		if (mapping->owner == owner && mapping->state == PTX_MAPPING_LIVE)
			ptx_space_choose(mapping, PTX_MAPPING_LEAVING, &leaving);
	ptx_space_mm_put(owner, 0);
	mutex_unlock(&space->lock);
	ptx_space_leave(space, &leaving);
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

/* For so many mappings that are to come; undone by ptx_space_mm_put(). */
static struct ptx_space_mm *ptx_space_mm_get(struct ptx_space *space, u64 mappings)
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
 * ptx_space_next_window() - walk over the windows
 * @space: locked
 * @first: where to begin; set to the beginning of the window
 * @last: gets its end
 *
 * Return: false if there is none at @first or beyond.
 */
bool ptx_space_next_window(struct ptx_space *space, unsigned long *first,
			   unsigned long *last)
{
	MA_STATE(mas, &space->windows, *first, *first);
	bool found;

	lockdep_assert_held(&space->lock);
	rcu_read_lock();
	found = mas_find(&mas, ULONG_MAX);
	if (found) {
		*first = max(*first, mas.index);
		*last = mas.last;
		/* What was allowed piece by piece is one window. */
		while (*last != ULONG_MAX && mas_next(&mas, ULONG_MAX) &&
		       mas.index == *last + 1)
			*last = mas.last;
	}
	rcu_read_unlock();
	return found;
}

static bool ptx_space_in_windows(struct ptx_space *space, unsigned long first,
				 unsigned long last)
{
	unsigned long from = first, to;

	return ptx_space_next_window(space, &from, &to) && from == first && to >= last;
}

static int ptx_batch_refuse(struct ptx_batch *batch, u32 op, u32 reason, int error)
{
	batch->op = op;
	batch->reason = reason;
	return error;
}

/* What can be said of it without looking at the space. */
static int ptx_op_check(const struct ptx_space_op *op)
{
	unsigned long last;

	if (op->iova != (unsigned long)op->iova || op->vaddr != (unsigned long)op->vaddr ||
	    op->length != (unsigned long)op->length)
		return -EINVAL;
	switch (op->op) {
	case PTX_SPACE_MAP:
		if (op->flags & ~(PTX_SPACE_READ | PTX_SPACE_WRITE))
			return -EOPNOTSUPP;
		if (!op->flags || check_add_overflow(op->vaddr, op->length - 1, &last))
			return -EINVAL;
		break;
	case PTX_SPACE_UNMAP:
	case PTX_SPACE_UNMAP_ALL:
		if (op->flags)
			return -EOPNOTSUPP;
		if (op->vaddr)
			return -EINVAL;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (op->op == PTX_SPACE_UNMAP_ALL)
		return op->iova || op->length ? -EINVAL : 0;
	if (!op->length || !PAGE_ALIGNED(op->iova | op->vaddr | op->length) ||
	    check_add_overflow(op->iova, op->length - 1, &last))
		return -EINVAL;
	return 0;
}

static struct ptx_mapping *ptx_mapping_alloc(const struct ptx_space_op *op)
{
	u8 shift = op->length < PTX_CHUNK_LARGE_FROM ? PTX_CHUNK_SHIFT : PTX_CHUNK_SHIFT_LARGE;
	unsigned long nr = ((op->vaddr + op->length - 1) >> shift) - (op->vaddr >> shift) + 1;
	struct ptx_mapping *mapping;

	if (nr > U32_MAX)
		return NULL;
	mapping = kvzalloc(struct_size(mapping, chunks, nr), GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return NULL;
	mapping->range.start = op->iova;
	mapping->range.last = op->iova + op->length - 1;
	mapping->vaddr = op->vaddr;
	mapping->prot = (op->flags & PTX_SPACE_READ ? IOMMU_READ : 0) |
			(op->flags & PTX_SPACE_WRITE ? IOMMU_WRITE : 0);
	mapping->locked = op->length >> PAGE_SHIFT;
	mapping->chunk_shift = shift;
	mapping->nr_chunks = nr;
	return mapping;
}

/* Looks at each of a batch, and counts the pages it would lock. */
static int ptx_batch_check(struct ptx_batch *batch, u64 *nr, u64 *pages)
{
	const struct ptx_space_op *op;
	int ret;
	u32 i;

	for (i = 0; i < batch->nr; i++) {
		op = &batch->ops[i];
		ret = ptx_op_check(op);
		if (ret)
			return ptx_batch_refuse(batch, i, PTX_REASON_NONE, ret);
		if (op->op != PTX_SPACE_MAP)
			continue;
		/* There is no such memory: nothing is made for a number. */
		if (op->vaddr + op->length > TASK_SIZE_MAX)
			return ptx_batch_refuse(batch, i, PTX_REASON_DMA_MEMORY, -EFAULT);
		(*nr)++;
		*pages += op->length >> PAGE_SHIFT;
	}
	return 0;
}

static int ptx_batch_prepare(struct ptx_batch *batch, struct list_head *coming)
{
	struct ptx_mapping *mapping;
	u32 i;

	for (i = 0; i < batch->nr; i++) {
		if (batch->ops[i].op != PTX_SPACE_MAP)
			continue;
		mapping = ptx_mapping_alloc(&batch->ops[i]);
		if (!mapping)
			return ptx_batch_refuse(batch, i, PTX_REASON_NO_MEMORY, -ENOMEM);
		mapping->op = i;
		mapping->container = batch->container;
		list_add_tail(&mapping->change, coming);
	}
	return 0;
}

static int ptx_space_reserve(struct ptx_space *space, struct ptx_mapping *mapping,
			     struct ptx_batch *batch)
{
	unsigned long first = mapping->range.start, last = mapping->range.last;

	if (interval_tree_iter_first(&space->tree, first, last))
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_MAPPED, -EEXIST);
	if (space->entries >= PTX_SPACE_ENTRIES_MAX)
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_ENTRIES, -ENOSPC);
	if (!ptx_domain_allows(space, first, last))
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_RESERVED, -EINVAL);
	if (!ptx_space_in_windows(space, first, last))
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_WINDOW, -EINVAL);
	if (space->quota && (space->bytes >= space->quota ||
			     last - first >= space->quota - space->bytes))
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_QUOTA, -EDQUOT);
	interval_tree_insert(&mapping->range, &space->tree);
	mapping->state = PTX_MAPPING_COMING;
	space->entries++;
	space->bytes += last - first + 1;
	space->pinned += mapping->locked;
	return 0;
}

static int ptx_space_mark(struct ptx_space *space, struct ptx_batch *batch, u32 op,
			  enum ptx_mapping_state state, struct list_head *leaving)
{
	/* All of it is from 0 on, and so long that it wraps. */
	unsigned long first = batch->ops[op].iova, last = first + batch->ops[op].length - 1;
	struct interval_tree_node *node, *next;
	struct ptx_mapping *mapping;

	ptx_for_each_mapping(mapping, node, next, space, first, last) {
		/* Not there yet, or not any more. */
		if (mapping->state == PTX_MAPPING_COMING ||
		    mapping->state == PTX_MAPPING_LEAVING ||
		    (mapping->state == PTX_MAPPING_CHOSEN && mapping->chooser == batch))
			continue;
		if (mapping->range.start < first || mapping->range.last > last)
			return ptx_batch_refuse(batch, op, PTX_REASON_DMA_SPLIT, -EINVAL);
		/* Another batch may yet take it away or leave it. */
		if (mapping->state == PTX_MAPPING_CHOSEN)
			return ptx_batch_refuse(batch, op, PTX_REASON_NONE, -EBUSY);
		ptx_space_choose(mapping, state, leaving);
		mapping->chooser = batch;
	}
	return 0;
}

/* Undo ptx_space_mark(): what has lost its memory meanwhile goes all the same. */
static void ptx_space_unmark(struct ptx_space *space, struct list_head *leaving)
{
	struct ptx_mapping *mapping, *next;

	lockdep_assert_held(&space->lock);
	list_for_each_entry_safe(mapping, next, leaving, change) {
		if (mapping->owner->gone || space->cut) {
			mapping->state = PTX_MAPPING_LEAVING;
		} else {
			mapping->state = PTX_MAPPING_LIVE;
			list_del(&mapping->change);
		}
	}
}

/* Reserves what comes and chooses what goes, all of it or nothing. */
static int ptx_batch_begin(struct ptx_space *space, struct ptx_batch *batch,
			   struct list_head *coming, struct ptx_space_mm *owner,
			   struct list_head *leaving)
{
	enum ptx_mapping_state state = list_empty(coming) ? PTX_MAPPING_LEAVING :
							    PTX_MAPPING_CHOSEN;
	struct ptx_mapping *mapping;
	int ret = 0;
	u32 i;

	lockdep_assert_held(&space->lock);
	if (space->cut)
		return ptx_batch_refuse(batch, batch->nr, PTX_REASON_NOT_ACTIVE, -ESHUTDOWN);
	for (i = 0; i < batch->nr && !ret; i++)
		if (batch->ops[i].op != PTX_SPACE_MAP)
			ret = ptx_space_mark(space, batch, i, state, leaving);
	if (!ret) {
		list_for_each_entry(mapping, coming, change) {
			ret = ptx_space_reserve(space, mapping, batch);
			if (ret)
				break;
			mapping->owner = owner;
		}
	}
	if (!ret)
		return 0;
	/* Those before the one that was refused are in the tree. */
	list_for_each_entry(mapping, coming, change) {
		if (!mapping->owner)
			break;
		interval_tree_remove(&mapping->range, &space->tree);
		space->entries--;
		space->bytes -= ptx_mapping_size(mapping);
		space->pinned -= mapping->locked;
	}
	ptx_space_unmark(space, leaving);
	return ret;
}

static u32 ptx_batch_reason(int error)
{
	switch (error) {
	case -EFAULT:
	case -EOPNOTSUPP:
		return PTX_REASON_DMA_MEMORY;
	case -ENOMEM:
		return PTX_REASON_NO_MEMORY;
	case -EINTR:
		return PTX_REASON_INTERRUPTED;
	default:
		return PTX_REASON_NONE;
	}
}

/* Everything is pinned and mapped: from here on it is there, unless it may not be. */
static int ptx_batch_publish(struct ptx_space *space, struct ptx_batch *batch,
			     struct list_head *coming)
{
	struct ptx_mapping *mapping, *next;

	lockdep_assert_held(&space->lock);
	if (space->cut)
		return ptx_batch_refuse(batch, batch->nr, PTX_REASON_NOT_ACTIVE, -ESHUTDOWN);
	list_for_each_entry(mapping, coming, change)
		if (!ptx_space_in_windows(space, mapping->range.start, mapping->range.last))
			return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_WINDOW,
						-EINVAL);
	list_for_each_entry_safe(mapping, next, coming, change) {
		mapping->state = PTX_MAPPING_LIVE;
		list_del(&mapping->change);
	}
	return 0;
}

/* Pins what comes, and lets what goes go if all of it could be. */
static int ptx_batch_carry_out(struct ptx_space *space, struct ptx_batch *batch,
			       struct list_head *coming, struct list_head *leaving)
{
	struct ptx_mapping *culprit;
	int ret;

	ret = ptx_pin(space, coming, &culprit);
	if (ret)
		ptx_batch_refuse(batch, culprit ? culprit->op : batch->nr,
				 ptx_batch_reason(ret), ret);
	mutex_lock(&space->lock);
	if (!ret)
		ret = ptx_batch_publish(space, batch, coming);
	if (ret)
		ptx_space_unmark(space, leaving);
	mutex_unlock(&space->lock);
	if (ret)
		ptx_space_leave(space, coming);
	return ret;
}

static void ptx_batch_free(struct list_head *coming)
{
	struct ptx_mapping *mapping, *next;

	list_for_each_entry_safe(mapping, next, coming, change)
		kvfree(mapping);
}

/**
 * ptx_space_change() - map and unmap, all or nothing
 * @space: not locked
 * @batch: what, and how it ended
 *
 * For the calling process. Sleeps for as long as its memory takes to appear, and no
 * longer once it is killed.
 *
 * Return: 0, or an error as struct ptx_space_change has them, and nothing has changed.
 */
int ptx_space_change(struct ptx_space *space, struct ptx_batch *batch)
{
	struct ptx_space_mm *owner = NULL;
	LIST_HEAD(coming);
	LIST_HEAD(leaving);
	u64 pages = 0, nr = 0, unmapped;
	int ret;

	batch->unmapped = 0;
	ret = ptx_batch_check(batch, &nr, &pages);
	if (ret)
		return ret;
	/* Once for all of them: each time takes the lock of the whole memory. */
	ret = account_locked_vm(current->mm, pages, true);
	if (ret)
		return ptx_batch_refuse(batch, batch->nr, PTX_REASON_DMA_LOCKED, ret);
	ret = ptx_batch_prepare(batch, &coming);
	if (ret)
		goto err_free;
	if (nr) {
		owner = ptx_space_mm_get(space, nr);
		if (IS_ERR(owner)) {
			ret = ptx_batch_refuse(batch, batch->nr, PTX_REASON_NO_MEMORY,
					       PTR_ERR(owner));
			goto err_free;
		}
	}
	mutex_lock(&space->lock);
	ret = ptx_batch_begin(space, batch, &coming, owner, &leaving);
	if (ret && owner)
		ptx_space_mm_put(owner, nr);
	mutex_unlock(&space->lock);
	if (ret)
		goto err_leave;
	if (nr)
		ret = ptx_batch_carry_out(space, batch, &coming, &leaving);
	/* On failure that is what cannot stay for other reasons. */
	unmapped = ptx_space_leave(space, &leaving);
	if (!ret)
		batch->unmapped = unmapped;
	return ret;

err_leave:
	ptx_space_leave(space, &leaving);
err_free:
	ptx_batch_free(&coming);
	account_locked_vm(current->mm, pages, false);
	return ret;
}

static void ptx_space_drop(struct ptx_space *space, bool container_only)
{
	struct interval_tree_node *node, *next;
	struct ptx_mapping *mapping;
	LIST_HEAD(leaving);

	mutex_lock(&space->lock);
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		if (mapping->state == PTX_MAPPING_LIVE &&
		    (mapping->container || !container_only))
			ptx_space_choose(mapping, PTX_MAPPING_LEAVING, &leaving);
	mutex_unlock(&space->lock);
	ptx_space_leave(space, &leaving);
}

/**
 * ptx_space_join() - a VFIO container begins to be served by a space
 * @space: not locked
 *
 * Undone by ptx_space_part().
 *
 * Return: 0, or -EBUSY if another one is.
 */
int ptx_space_join(struct ptx_space *space)
{
	int ret = 0;

	mutex_lock(&space->lock);
	if (space->container)
		ret = -EBUSY;
	space->container = true;
	mutex_unlock(&space->lock);
	return ret;
}

/**
 * ptx_space_part() - undo ptx_space_join(): what came through the container goes
 * @space: not locked
 */
void ptx_space_part(struct ptx_space *space)
{
	ptx_space_drop(space, true);
	mutex_lock(&space->lock);
	space->container = false;
	mutex_unlock(&space->lock);
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
	return mapping->state == PTX_MAPPING_LIVE || mapping->state == PTX_MAPPING_CHOSEN ?
	       mapping : NULL;
}

static u32 ptx_space_windows(struct ptx_space *space)
{
	unsigned long at = 0, end = 0;
	u32 nr = 0;

	lockdep_assert_held(&space->lock);
	while (ptx_space_next_window(space, &at, &end)) {
		nr++;
		if (end == ULONG_MAX)
			break;
		at = end + 1;
	}
	return nr;
}

static int ptx_space_set_window(struct ptx_space *space, unsigned long first,
				unsigned long last, void *value, u32 *reason)
{
	int ret;

	if (ptx_space_windows(space) >= PTX_SPACE_WINDOWS_MAX) {
		*reason = PTX_REASON_LIMIT;
		return -E2BIG;
	}
	ret = mtree_store_range(&space->windows, first, last, value, GFP_KERNEL_ACCOUNT);
	if (ret)
		*reason = PTX_REASON_NO_MEMORY;
	return ret;
}

/**
 * ptx_space_allow() - let something be mapped in a range
 * @space: not locked
 * @first: of the range
 * @last: likewise
 * @reason: on failure, a value of enum ptx_reason
 *
 * Return: 0, -E2BIG, -ENOMEM.
 */
int ptx_space_allow(struct ptx_space *space, unsigned long first, unsigned long last,
		    u32 *reason)
{
	int ret;

	mutex_lock(&space->lock);
	ret = ptx_space_set_window(space, first, last, xa_mk_value(1), reason);
	mutex_unlock(&space->lock);
	return ret;
}

/**
 * ptx_space_forbid() - let nothing be mapped in a range any more
 * @space: not locked
 * @first: of the range
 * @last: likewise
 * @force: unmap what is there; a mapping that is partly in the range goes, too
 * @reason: on failure, a value of enum ptx_reason
 *
 * Return: 0; -EBUSY if something is mapped there, or is just being unmapped by a batch
 * that may yet fail; -E2BIG, -ENOMEM.
 */
int ptx_space_forbid(struct ptx_space *space, unsigned long first, unsigned long last,
		     bool force, u32 *reason)
{
	struct interval_tree_node *node, *next;
	struct ptx_mapping *mapping;
	LIST_HEAD(leaving);
	int ret = 0;

	mutex_lock(&space->lock);
	/* What is on its way sees the window when it arrives. */
	ptx_for_each_mapping(mapping, node, next, space, first, last)
		if (mapping->state == PTX_MAPPING_CHOSEN ||
		    (!force && mapping->state == PTX_MAPPING_LIVE))
			ret = -EBUSY;
	if (ret)
		*reason = PTX_REASON_DMA_WINDOW;
	else
		ret = ptx_space_set_window(space, first, last, NULL, reason);
	if (!ret)
		ptx_for_each_mapping(mapping, node, next, space, first, last)
			if (mapping->state == PTX_MAPPING_LIVE)
				ptx_space_choose(mapping, PTX_MAPPING_LEAVING, &leaving);
	mutex_unlock(&space->lock);
	ptx_space_leave(space, &leaving);
	return ret;
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
	init_rwsem(&space->domains_lock);
	space->tree = RB_ROOT_CACHED;
	mt_init(&space->windows);
	INIT_LIST_HEAD(&space->domains);
	INIT_LIST_HEAD(&space->groups);
	INIT_LIST_HEAD(&space->owners);
	if (mtree_store_range(&space->windows, 0, ULONG_MAX, xa_mk_value(1),
			      GFP_KERNEL_ACCOUNT)) {
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
	mtree_destroy(&space->windows);
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
	ptx_space_drop(space, false);
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
		ptx_space_mm_free(owner);
		ptx_space_put(space);
	}
}
