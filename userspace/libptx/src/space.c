// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * space: the DMA space of a lease, through the ioctls. The windows that are asked for
 * become what is to be taken away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

static int by_first(const void *a, const void *b)
{
	const struct ptx_space_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/*
 * Puts ranges in order and makes one of those that touch or overlap. Returns how many
 * are left.
 */
size_t ptx_ranges_merge(struct ptx_space_range *ranges, size_t nr)
{
	size_t used = 0;

	if (!nr)
		return 0;
	qsort(ranges, nr, sizeof(*ranges), by_first);
	for (size_t i = 1; i < nr; i++) {
		struct ptx_space_range *last = &ranges[used];

		if (last->last == UINT64_MAX || ranges[i].first <= last->last + 1) {
			if (ranges[i].last > last->last)
				last->last = ranges[i].last;
		} else {
			ranges[++used] = ranges[i];
		}
	}
	return used + 1;
}

/*
 * What is beside ranges that ptx_ranges_merge() has put in order; @out has room for
 * one more than there are. Returns how many that are.
 */
size_t ptx_ranges_complement(const struct ptx_space_range *ranges, size_t nr,
			     struct ptx_space_range *out)
{
	uint64_t from = 0;
	size_t used = 0;

	for (size_t i = 0; i < nr; i++) {
		if (ranges[i].first > from)
			out[used++] = (struct ptx_space_range){ from, ranges[i].first - 1 };
		if (ranges[i].last == UINT64_MAX)
			return used;
		from = ranges[i].last + 1;
	}
	out[used++] = (struct ptx_space_range){ from, UINT64_MAX };
	return used;
}

static int range_check(struct ptx_ctx *ctx, const struct ptx_space_range *range)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (range->first <= range->last && !(range->first & (page - 1)) &&
	    !((range->last + 1) & (page - 1)))
		return 0;
	return ptx_error_malformed_setf(ctx, PTX_REASON_NONE,
		"the first address is a multiple of the page size, the last is one less than that",
		"0x%llx-0x%llx is no window: it does not begin and end with a page",
		(unsigned long long)range->first, (unsigned long long)range->last);
}

/*
 * Looks at options, and gives their windows in order; @windows is NULL where they have
 * none, else to be freed. With one more place than is needed.
 */
int ptx_space_options_check(struct ptx_ctx *ctx, const struct ptx_space_options *options,
			    struct ptx_space_range **windows, size_t *nr)
{
	struct ptx_space_range *copy;
	size_t n = options->nr_windows;
	int err = 0;

	*windows = NULL;
	*nr = 0;
	if (options->size < sizeof(*options) ||
	    options->flags & ~(uint32_t)(PTX_SPACE_OPTION_QUOTA | PTX_SPACE_OPTION_FORCE) ||
	    !options->windows != !n || (options->flags & PTX_SPACE_OPTION_FORCE && !n))
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	for (size_t i = 0; !err && i < n; i++)
		err = range_check(ctx, &options->windows[i]);
	if (err || !n)
		return err;
	copy = calloc(n + 1, sizeof(*copy));
	if (!copy)
		return ptx_error_no_memory(ctx);
	memcpy(copy, options->windows, n * sizeof(*copy));
	n = ptx_ranges_merge(copy, n);
	if (n > PTX_SPACE_WINDOWS_MAX) {
		free(copy);
		ptx_error_setf(ctx, E2BIG, PTX_REASON_LIMIT, NULL,
			       "%zu separate windows; a DMA space may have %d", n,
			       PTX_SPACE_WINDOWS_MAX);
		ptx_error_set_remedy(ctx, "make one of those that are close to each other");
		return -E2BIG;
	}
	*windows = copy;
	*nr = n;
	return 0;
}

/* An older module has none of these calls. */
static int failed(struct ptx_ctx *ctx, int err, uint32_t reason)
{
	if (err == -ENOTTY)
		return ptx_error_no_spaces(ctx, ENOTTY);
	if (reason == PTX_REASON_LIMIT) {
		ptx_error_setf(ctx, -err, PTX_REASON_LIMIT, NULL, "that is too much at once, or "
			       "more separate windows than the %d that a DMA space may have",
			       PTX_SPACE_WINDOWS_MAX);
		ptx_error_set_remedy(ctx, "split the request, or make one window of several");
		return err;
	}
	return ptx_error_set(ctx, -err, (enum ptx_reason)reason, NULL);
}

static int window(struct ptx_lease *lease, uint32_t flags, const struct ptx_space_range *range)
{
	struct ptx_ctx *ctx = ptx_lease_ctx(lease);
	struct ptx_space_window arg = {
		.size = sizeof(arg),
		.flags = flags,
		.first = range->first,
		.last = range->last,
	};
	int err;

	err = range_check(ctx, range);
	if (err)
		return err;
	err = ctx->sys->ioctl(ptx_lease_fd(lease), PTX_SPACE_WINDOW, &arg);
	return err ? failed(ctx, err, arg.out_reason) : 0;
}

int ptx_space_allow(struct ptx_lease *lease, const struct ptx_space_range *range)
{
	return window(lease, PTX_SPACE_WINDOW_ADD, range);
}

int ptx_space_forbid(struct ptx_lease *lease, const struct ptx_space_range *range, bool force)
{
	return window(lease, PTX_SPACE_WINDOW_REMOVE | (force ? PTX_SPACE_WINDOW_FORCE : 0),
		      range);
}

int ptx_space_set_quota(struct ptx_lease *lease, uint64_t bytes)
{
	struct ptx_space_quota arg = { .size = sizeof(arg), .bytes = bytes };
	struct ptx_ctx *ctx = ptx_lease_ctx(lease);
	int err;

	err = ctx->sys->ioctl(ptx_lease_fd(lease), PTX_SPACE_QUOTA, &arg);
	return err ? failed(ctx, err, arg.out_reason) : 0;
}

int ptx_space_restrict(struct ptx_lease *lease, const struct ptx_space_options *options)
{
	bool force = options->flags & PTX_SPACE_OPTION_FORCE;
	struct ptx_space_range *windows, *beside = NULL;
	struct ptx_ctx *ctx = ptx_lease_ctx(lease);
	size_t nr;
	int err;

	err = ptx_space_options_check(ctx, options, &windows, &nr);
	if (err)
		return err;
	if (windows) {
		beside = calloc(nr + 1, sizeof(*beside));
		if (beside)
			nr = ptx_ranges_complement(windows, nr, beside);
		else
			err = ptx_error_no_memory(ctx);
	}
	for (size_t i = 0; !err && beside && i < nr; i++)
		err = ptx_space_forbid(lease, &beside[i], force);
	if (!err && options->flags & PTX_SPACE_OPTION_QUOTA)
		err = ptx_space_set_quota(lease, options->quota);
	free(beside);
	free(windows);
	return err;
}

int ptx_space_change(struct ptx_lease *lease, const struct ptx_space_op *ops, size_t nr_ops,
		     uint64_t *unmapped, size_t *culprit)
{
	struct ptx_space_change arg = { .size = sizeof(arg) };
	struct ptx_ctx *ctx = ptx_lease_ctx(lease);
	int err;

	if (unmapped)
		*unmapped = 0;
	if (culprit)
		*culprit = nr_ops;
	if (!nr_ops)
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	if (nr_ops > PTX_SPACE_OPS_MAX)
		return failed(ctx, -E2BIG, PTX_REASON_LIMIT);
	arg.ops = (uintptr_t)ops;
	arg.nr_ops = (uint32_t)nr_ops;
	/* What a module that does not get as far as that leaves alone. */
	arg.out_op = arg.nr_ops;
	err = ctx->sys->ioctl(ptx_lease_fd(lease), PTX_SPACE_CHANGE, &arg);
	if (!err && unmapped)
		*unmapped = arg.out_unmapped;
	if (err && culprit && arg.out_op < nr_ops)
		*culprit = arg.out_op;
	return err ? failed(ctx, err, arg.out_reason) : 0;
}

int ptx_space_stats(struct ptx_lease *lease, struct ptx_space_info **out)
{
	struct ptx_ctx *ctx = ptx_lease_ctx(lease);
	struct ptx_space_range *windows;
	struct ptx_space_stats arg;
	uint32_t max = 1;
	int err;

	*out = NULL;
	for (;;) {
		windows = calloc(max, sizeof(*windows));
		if (!windows)
			return ptx_error_no_memory(ctx);
		memset(&arg, 0, sizeof(arg));
		arg.size = sizeof(arg);
		arg.windows = (uintptr_t)windows;
		arg.max_windows = max;
		err = ctx->sys->ioctl(ptx_lease_fd(lease), PTX_SPACE_STATS, &arg);
		if (err || arg.out_nr_windows <= max)
			break;
		/* Some room to spare: there may be more between two calls. */
		free(windows);
		if (arg.out_nr_windows > 1U << 20)
			return ptx_error_set(ctx, EPROTO, PTX_REASON_NONE, NULL);
		max = arg.out_nr_windows + 16;
	}
	if (err)
		err = failed(ctx, err, err == -EOPNOTSUPP ? PTX_REASON_NO_SPACE :
							    PTX_REASON_NONE);
	if (!err)
		err = ptx_space_info_new(&arg, windows, out) ? ptx_error_no_memory(ctx) : 0;
	free(windows);
	return err;
}
