// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches: changes of a space that happen together or not at all. What comes is checked,
 * counted as locked memory, made, reserved, pinned and mapped, and then published; each
 * step undoes those before it. What goes is chosen first and taken away last.
 */
#include <linux/hugetlb.h>
#include <linux/iommu.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "batch.h"
#include "domain.h"
#include "pin.h"
#include "space.h"
#include "vfio_pci.h"
#include "window.h"

/*
 * Chunks are large enough to be worth a thread's while, and small enough for there to
 * be many. Those of large mappings are as large as the largest page of an IOMMU, as are those
 * of memory in such pages.
 */
#define PTX_CHUNK_SHIFT		25
#define PTX_CHUNK_SHIFT_LARGE	30
#define PTX_CHUNK_LARGE_FROM	(16UL << 30)

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

/* What becomes of the memory meanwhile costs speed, and nothing else. */
static u8 ptx_op_chunk_shift(const struct ptx_space_op *op)
{
	struct vm_area_struct *vma;
	u8 shift = PTX_CHUNK_SHIFT;

	if (op->length >= PTX_CHUNK_LARGE_FROM)
		return PTX_CHUNK_SHIFT_LARGE;
	if (op->length >> PTX_CHUNK_SHIFT_LARGE == 0 || mmap_read_lock_killable(current->mm))
		return shift;
	vma = vma_lookup(current->mm, op->vaddr);
	if (vma && is_vm_hugetlb_page(vma))
		shift = clamp(ilog2(huge_page_size(hstate_vma(vma))), PTX_CHUNK_SHIFT,
			      PTX_CHUNK_SHIFT_LARGE);
	mmap_read_unlock(current->mm);
	return shift;
}

static struct ptx_mapping *ptx_mapping_alloc(const struct ptx_space_op *op)
{
	u8 shift = ptx_op_chunk_shift(op);
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
	mapping->chunk_shift = shift;
	mapping->nr_chunks = nr;
	return mapping;
}

/* One that is named twice would be looked for among all that goes. */
static bool ptx_batch_unmaps_twice(const struct ptx_batch *batch, u32 op)
{
	const struct ptx_space_op *this = &batch->ops[op], *other;
	u32 i;

	for (i = 0; i < op; i++) {
		other = &batch->ops[i];
		/* All of it is from 0 on, and so long that it wraps. */
		if (other->op != PTX_SPACE_MAP &&
		    this->iova <= other->iova + other->length - 1 &&
		    other->iova <= this->iova + this->length - 1)
			return true;
	}
	return false;
}

/* Looks at each of a batch, and counts those that map, and what they would lock. */
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
		if (op->op != PTX_SPACE_MAP) {
			if (ptx_batch_unmaps_twice(batch, i))
				return ptx_batch_refuse(batch, i, PTX_REASON_NONE, -EINVAL);
			continue;
		}
		/* There is no such memory: nothing is made for a number. */
		if (op->vaddr >= TASK_SIZE_MAX || op->length > TASK_SIZE_MAX - op->vaddr)
			return ptx_batch_refuse(batch, i, PTX_REASON_DMA_MEMORY, -EFAULT);
		(*nr)++;
		*pages += op->length >> PAGE_SHIFT;
	}
	return 0;
}

/* Is it the BAR of a device? That is slow to find out. */
static bool ptx_op_is_bar(struct ptx_space *space, const struct ptx_space_op *op)
{
	struct ptx_vfio_device *bar;
	unsigned long pfn;

	bar = ptx_vfio_bar_of(space, op->vaddr, op->length, op->flags & PTX_SPACE_WRITE, &pfn);
	ptx_vfio_bar_put(bar);
	return bar;
}

/* Memory through and through, or one piece of the BARs of one device. */
static bool ptx_mapping_is_one(const struct ptx_mapping *mapping)
{
	unsigned long at, size, first;
	const struct ptx_chunk *chunk;
	u32 i;

	for (i = 0; i < mapping->nr_chunks; i++) {
		chunk = &mapping->chunks[i];
		if (chunk->mmio != !!mapping->bar)
			return false;
		if (!chunk->mmio)
			continue;
		ptx_mapping_chunk(mapping, i, &at, &size);
		first = ptx_run_pfn(mapping->chunks[0].runs->run[0]);
		if (ptx_run_pfn(chunk->runs->run[0]) != first + (at >> PAGE_SHIFT))
			return false;
	}
	return true;
}

/* What turned out to be a BAR is not locked memory. */
static void ptx_batch_refund(struct ptx_space *space, struct list_head *coming)
{
	struct ptx_mapping *mapping;
	u64 pages = 0;

	/* One that is partly memory is refused as it is. */
	list_for_each_entry(mapping, coming, change)
		if (mapping->bar && ptx_mapping_is_one(mapping))
			pages += mapping->locked;
	if (!pages)
		return;
	account_locked_vm(current->mm, pages, false);
	mutex_lock(&space->lock);
	space->pinned -= pages;
	list_for_each_entry(mapping, coming, change)
		if (mapping->bar && ptx_mapping_is_one(mapping))
			mapping->locked = 0;
	mutex_unlock(&space->lock);
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
		mapping->bar_only = batch->bars && test_bit(i, batch->bars);
		mapping->locked = mapping->bar_only ? 0 : batch->ops[i].length >> PAGE_SHIFT;
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
	u32 reason;

	if (interval_tree_iter_first(&space->tree, first, last))
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_MAPPED, -EEXIST);
	if (space->entries >= PTX_SPACE_ENTRIES_MAX)
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_ENTRIES, -ENOSPC);
	if (!ptx_domain_allows(space, first, last))
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_RESERVED, -EINVAL);
	if (!ptx_windows_have(space->windows, first, last))
		return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_WINDOW, -EPERM);
	if (ptx_charge_add(&space->charge, ptx_mapping_size(mapping), &reason))
		return ptx_batch_refuse(batch, mapping->op, reason, -EDQUOT);
	interval_tree_insert(&mapping->range, &space->tree);
	mapping->state = PTX_MAPPING_COMING;
	space->entries++;
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
		/* Not there yet. */
		if (mapping->state == PTX_MAPPING_COMING)
			continue;
		/* Not there any more, soon: devices must not reach it on return. */
		if (mapping->state == PTX_MAPPING_LEAVING) {
			if (mapping->chooser == batch)
				continue;
			return -EAGAIN;
		}
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
		if (mapping->doomed || mapping->owner->gone || space->cut) {
			mapping->state = PTX_MAPPING_LEAVING;
		} else {
			mapping->state = PTX_MAPPING_LIVE;
			mapping->chooser = NULL;
			list_del(&mapping->change);
		}
	}
}

/* Nothing is mapped in a space that is cut, nor through a container that is closed. */
static int ptx_batch_may(struct ptx_space *space, struct ptx_batch *batch)
{
	lockdep_assert_held(&space->lock);
	if (space->cut)
		return ptx_batch_refuse(batch, batch->nr, PTX_REASON_NOT_ACTIVE, -ESHUTDOWN);
	if (batch->container && (!space->container || batch->container != space->containers))
		return ptx_batch_refuse(batch, batch->nr, PTX_REASON_NOT_ACTIVE, -ENODEV);
	return 0;
}

/* Reserves what comes and chooses what goes, all of it or nothing. */
static int ptx_batch_begin(struct ptx_space *space, struct ptx_batch *batch,
			   struct list_head *coming, struct ptx_space_mm *owner,
			   struct list_head *leaving)
{
	enum ptx_mapping_state state = list_empty(coming) ? PTX_MAPPING_LEAVING :
							    PTX_MAPPING_CHOSEN;
	struct ptx_mapping *mapping;
	int ret;
	u32 i;

	lockdep_assert_held(&space->lock);
	ret = ptx_batch_may(space, batch);
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
		ptx_charge_drop(&space->charge, ptx_mapping_size(mapping));
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

static unsigned int ptx_space_time_class(u64 ns)
{
	return min(fls64(div_u64(ns, NSEC_PER_USEC)), PTX_SPACE_TIMES - 1);
}

/* May what comes still be had? */
static int ptx_batch_stands(struct ptx_space *space, struct ptx_batch *batch,
			    struct list_head *coming)
{
	struct ptx_mapping *mapping;
	int ret = ptx_batch_may(space, batch);

	if (ret)
		return ret;
	list_for_each_entry(mapping, coming, change)
		if (!ptx_windows_have(space->windows, mapping->range.start,
				      mapping->range.last))
			return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_WINDOW,
						-EPERM);
	/* A window that has come back, or a BAR that has gone. */
	list_for_each_entry(mapping, coming, change)
		if (mapping->doomed || (mapping->bar && ptx_vfio_is_cut(mapping->bar)))
			return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_MEMORY,
						-EFAULT);
	return 0;
}

/* Everything is pinned and mapped: from here on it is there. */
static int ptx_batch_publish(struct ptx_space *space, struct ptx_batch *batch,
			     struct list_head *coming, struct list_head *leaving,
			     const struct ptx_pin_times *times)
{
	struct ptx_mapping *mapping, *next;
	u8 shift = 0;
	u32 i;

	lockdep_assert_held(&space->lock);
	list_for_each_entry(mapping, coming, change)
		if (!ptx_mapping_is_one(mapping))
			return ptx_batch_refuse(batch, mapping->op, PTX_REASON_DMA_MEMORY,
						-EFAULT);
	list_for_each_entry_safe(mapping, next, coming, change) {
		for (i = 0; i < mapping->nr_chunks; i++)
			shift = max(shift, mapping->chunks[i].page_shift);
		mapping->state = PTX_MAPPING_LIVE;
		list_del(&mapping->change);
	}
	list_for_each_entry(mapping, leaving, change)
		mapping->state = PTX_MAPPING_LEAVING;
	space->page_shift = max(space->page_shift, shift);
	space->pin_times[ptx_space_time_class(times->pin)]++;
	space->map_times[ptx_space_time_class(times->map)]++;
	return 0;
}

/* Pins what comes, and lets what goes go if all of it could be. */
static int ptx_batch_carry_out(struct ptx_space *space, struct ptx_batch *batch,
			       struct list_head *coming, struct list_head *leaving)
{
	struct ptx_mapping *culprit;
	struct ptx_pin_times times;
	int ret;

	ret = ptx_pin(space, coming, &culprit, &times);
	if (!ret)
		ptx_batch_refund(space, coming);
	if (ret)
		ptx_batch_refuse(batch, culprit ? culprit->op : batch->nr,
				 ptx_batch_reason(ret), ret);
	mutex_lock(&space->lock);
	/* That one is doomed is noticed while it is pinned; why, here. */
	if (!ret || ret == -ECANCELED)
		ret = ptx_batch_stands(space, batch, coming) ?: ret;
	if (!ret)
		ret = ptx_batch_publish(space, batch, coming, leaving, &times);
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

	list_for_each_entry_safe(mapping, next, coming, change) {
		ptx_vfio_bar_put(mapping->bar);
		kvfree(mapping);
	}
}

/*
 * Counts what comes as locked memory: once for all of it, as each time takes the lock of
 * the whole memory, and before anything is made, as that is what bounds the making. What
 * a BAR is, is looked at only where it would be too much.
 */
static int ptx_batch_account(struct ptx_space *space, struct ptx_batch *batch, u64 *pages)
{
	u32 i;

	if (!account_locked_vm(current->mm, *pages, true))
		return 0;
	batch->bars = bitmap_zalloc(batch->nr, GFP_KERNEL_ACCOUNT);
	for (i = 0; batch->bars && i < batch->nr; i++)
		if (batch->ops[i].op == PTX_SPACE_MAP && ptx_op_is_bar(space, &batch->ops[i])) {
			__set_bit(i, batch->bars);
			*pages -= batch->ops[i].length >> PAGE_SHIFT;
		}
	if (batch->bars && !account_locked_vm(current->mm, *pages, true))
		return 0;
	*pages = 0;
	return ptx_batch_refuse(batch, batch->nr,
				batch->bars ? PTX_REASON_DMA_LOCKED : PTX_REASON_NO_MEMORY,
				-ENOMEM);
}

static int ptx_batch_owner(struct ptx_space *space, struct ptx_batch *batch, u64 nr,
			   struct ptx_space_mm **owner)
{
	int ret;

	*owner = ptx_space_mm_get(space, nr);
	if (!IS_ERR(*owner))
		return 0;
	ret = PTR_ERR(*owner);
	*owner = NULL;
	/* Any signal will do for that one; nothing has happened, so it is done again. */
	if (ret == -EINTR && !fatal_signal_pending(current))
		ret = -ERESTARTNOINTR;
	return ptx_batch_refuse(batch, batch->nr, ptx_batch_reason(ret), ret);
}

/* Waits for what is just being taken away, if that is in the way. */
static int ptx_batch_enter(struct ptx_space *space, struct ptx_batch *batch,
			   struct list_head *coming, struct ptx_space_mm *owner,
			   struct list_head *leaving)
{
	u64 leaves;
	int ret;

	for (;;) {
		mutex_lock(&space->lock);
		leaves = space->leaves;
		ret = ptx_batch_begin(space, batch, coming, owner, leaving);
		mutex_unlock(&space->lock);
		if (ret != -EAGAIN)
			return ret;
		/* What cannot stay for other reasons. */
		ptx_space_leave(space, leaving);
		if (wait_event_killable(space->left, READ_ONCE(space->leaves) != leaves))
			return ptx_batch_refuse(batch, batch->nr, PTX_REASON_INTERRUPTED, -EINTR);
	}
}

static int ptx_batch_run(struct ptx_space *space, struct ptx_batch *batch)
{
	u64 pages = 0, nr = 0, unmapped;
	struct ptx_space_mm *owner = NULL;
	LIST_HEAD(coming);
	LIST_HEAD(leaving);
	int ret;

	batch->unmapped = 0;
	batch->bars = NULL;
	batch->reason = PTX_REASON_NONE;
	ret = ptx_batch_check(batch, &nr, &pages);
	if (ret)
		return ret;
	ret = ptx_batch_account(space, batch, &pages);
	if (!ret)
		ret = ptx_batch_prepare(batch, &coming);
	if (!ret && nr)
		ret = ptx_batch_owner(space, batch, nr, &owner);
	if (ret)
		goto err_free;
	ret = ptx_batch_enter(space, batch, &coming, owner, &leaving);
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
	if (owner) {
		mutex_lock(&space->lock);
		ptx_space_mm_put(owner, nr);
		mutex_unlock(&space->lock);
	}
err_free:
	ptx_batch_free(&coming);
	account_locked_vm(current->mm, pages, false);
	return ret;
}

static void ptx_space_note_refusal(struct ptx_space *space, const struct ptx_batch *batch)
{
	const struct ptx_space_op *op = &batch->ops[min(batch->op, batch->nr - 1)];

	mutex_lock(&space->lock);
	space->refused++;
	space->refused_reason = batch->reason;
	space->refused_range = (struct ptx_space_range) {
		.first = op->iova,
		.last = op->iova + op->length - 1,
	};
	mutex_unlock(&space->lock);
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
	int ret = ptx_batch_run(space, batch);

	bitmap_free(batch->bars);
	/* A VMM has but an errno; whoever started it may want to know more. */
	if (ret && batch->reason)
		ptx_space_note_refusal(space, batch);
	return ret;
}
