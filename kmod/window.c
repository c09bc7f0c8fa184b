// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: where in a space something may be mapped. What is mapped is always inside
 * of them. A set of windows never changes; a space gets another one, under its lock.
 */
#include <kunit/visibility.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "space.h"
#include "window.h"

static struct ptx_windows *ptx_windows_alloc(u32 nr)
{
	struct ptx_windows *windows;

	windows = kzalloc(struct_size(windows, range, nr), GFP_KERNEL_ACCOUNT);
	return windows;
}

/**
 * ptx_windows_all() - the windows that allow everything
 *
 * Undone by kfree().
 *
 * Return: the windows, or NULL without memory.
 */
struct ptx_windows *ptx_windows_all(void)
{
	struct ptx_windows *windows = ptx_windows_alloc(1);

	if (windows) {
		windows->nr = 1;
		windows->range[0].last = ULONG_MAX;
	}
	return windows;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_windows_all);

/**
 * ptx_window_is_valid() - can a range be a window
 * @first: of the range
 * @last: likewise
 *
 * Return: true if it begins and ends with a page.
 */
bool ptx_window_is_valid(u64 first, u64 last)
{
	return first <= last && PAGE_ALIGNED(first) && PAGE_ALIGNED(last + 1);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_window_is_valid);

/**
 * ptx_windows_next() - walk over windows
 * @windows: the windows
 * @first: where to begin; set to where the next one does, if that is beyond
 * @last: gets its end
 *
 * Return: false if there is none at @first or beyond.
 */
bool ptx_windows_next(const struct ptx_windows *windows, unsigned long *first,
		      unsigned long *last)
{
	u32 i;

	for (i = 0; i < windows->nr; i++)
		if (windows->range[i].last >= *first) {
			*first = max_t(unsigned long, *first, windows->range[i].first);
			*last = windows->range[i].last;
			return true;
		}
	return false;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_windows_next);

/**
 * ptx_windows_have() - is a range inside of one
 * @windows: the windows
 * @first: of the range
 * @last: likewise
 *
 * Return: true if all of it is.
 */
bool ptx_windows_have(const struct ptx_windows *windows, unsigned long first,
		      unsigned long last)
{
	unsigned long from = first, to;

	return ptx_windows_next(windows, &from, &to) && from == first && to >= last;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_windows_have);

/* Those of @old that are not in [first, last], and that range itself if @add. */
static struct ptx_windows *ptx_windows_edit(const struct ptx_windows *old,
					    unsigned long first, unsigned long last, bool add)
{
	struct ptx_windows *new = ptx_windows_alloc(old->nr + 2);
	unsigned long from, to;
	bool added = !add;
	u32 i;

	if (!new)
		return NULL;
	for (i = 0; i < old->nr; i++) {
		from = old->range[i].first;
		to = old->range[i].last;
		/* What it touches becomes one with it. */
		if (add && (!first || to >= first - 1) && (last == ULONG_MAX || from <= last + 1)) {
			first = min(first, from);
			last = max(last, to);
			continue;
		}
		if (!added && from > last) {
			new->range[new->nr++] = (struct ptx_space_range) { first, last };
			added = true;
		}
		if (add || to < first || from > last) {
			new->range[new->nr++] = (struct ptx_space_range) { from, to };
			continue;
		}
		if (from < first)
			new->range[new->nr++] = (struct ptx_space_range) { from, first - 1 };
		if (to > last)
			new->range[new->nr++] = (struct ptx_space_range) { last + 1, to };
	}
	if (!added)
		new->range[new->nr++] = (struct ptx_space_range) { first, last };
	return new;
}

/**
 * ptx_windows_install() - give a space other windows
 * @space: locked
 * @windows: these, which it takes, also on failure; NULL where there was no memory
 * @force: what they have no room for is to be unmapped
 * @reason: on failure, a value of enum ptx_reason
 * @leaving: gets that
 *
 * What is on its way to be mapped does not arrive.
 *
 * Return: 0, -EBUSY, -E2BIG, -ENOMEM.
 */
int ptx_windows_install(struct ptx_space *space, struct ptx_windows *windows,
			bool force, u32 *reason, struct list_head *leaving)
{
	struct interval_tree_node *node, *next;
	struct ptx_mapping *mapping;
	int ret = 0;

	lockdep_assert_held(&space->lock);
	if (!windows) {
		*reason = PTX_REASON_NO_MEMORY;
		return -ENOMEM;
	}
	if (windows->nr > PTX_SPACE_WINDOWS_MAX) {
		*reason = PTX_REASON_LIMIT;
		ret = -E2BIG;
	}
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		if (!force && !ptx_windows_have(windows, node->start, node->last) &&
		    (mapping->state == PTX_MAPPING_CHOSEN ||
		     mapping->state == PTX_MAPPING_LIVE)) {
			*reason = PTX_REASON_DMA_WINDOW;
			ret = -EBUSY;
		}
	if (ret) {
		kfree(windows);
		return ret;
	}
	ptx_for_each_mapping(mapping, node, next, space, 0, ULONG_MAX)
		if (!ptx_windows_have(windows, node->start, node->last))
			ptx_space_doom(space, mapping, leaving);
	kfree(space->windows);
	space->windows = windows;
	return 0;
}

static int ptx_window_change(struct ptx_space *space, unsigned long first,
			     unsigned long last, bool add, bool force, u32 *reason)
{
	LIST_HEAD(leaving);
	int ret;

	mutex_lock(&space->lock);
	ret = ptx_windows_install(space, ptx_windows_edit(space->windows, first, last, add),
				  force, reason, &leaving);
	mutex_unlock(&space->lock);
	ptx_space_leave(space, &leaving);
	return ret;
}

/**
 * ptx_window_allow() - let something be mapped in a range
 * @space: not locked
 * @first: of the range
 * @last: likewise
 * @reason: on failure, a value of enum ptx_reason
 *
 * Return: 0, -E2BIG, -ENOMEM.
 */
int ptx_window_allow(struct ptx_space *space, unsigned long first, unsigned long last,
		     u32 *reason)
{
	return ptx_window_change(space, first, last, true, false, reason);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_window_allow);

/**
 * ptx_window_forbid() - let nothing be mapped in a range any more
 * @space: not locked
 * @first: of the range
 * @last: likewise
 * @force: unmap what is there; a mapping that is partly in the range goes, too
 * @reason: on failure, a value of enum ptx_reason
 *
 * Return: 0; -EBUSY if something is mapped there and it is not forced; -E2BIG, -ENOMEM.
 */
int ptx_window_forbid(struct ptx_space *space, unsigned long first, unsigned long last,
		      bool force, u32 *reason)
{
	return ptx_window_change(space, first, last, false, force, reason);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_window_forbid);

/**
 * ptx_windows_make() - windows of some ranges, and nothing else
 * @ranges: valid ones, in any order
 * @nr: their number
 *
 * Undone by kfree().
 *
 * Return: the windows, or NULL without memory.
 */
struct ptx_windows *ptx_windows_make(const struct ptx_space_range *ranges, u32 nr)
{
	struct ptx_windows *windows, *more;
	u32 i;

	windows = ptx_windows_alloc(0);
	for (i = 0; windows && i < nr; i++) {
		more = ptx_windows_edit(windows, ranges[i].first, ranges[i].last, true);
		kfree(windows);
		windows = more;
	}
	return windows;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_windows_make);
