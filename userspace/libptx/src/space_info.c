// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * space_info: copies of what the kernel says about a DMA space, read over netlink or
 * from the lease's own file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct ptx_space_info {
	uint64_t quota;
	uint64_t mapped;
	uint64_t pinned;
	uint64_t entries;
	uint64_t max_entries;
	uint64_t largest_page;
	uint64_t faults;
	uint64_t pin_times[PTX_SPACE_TIMES];
	uint64_t map_times[PTX_SPACE_TIMES];
	struct ptx_space_range *windows;
	size_t nr_windows;
	bool container;
	uint64_t refused;
	struct ptx_space_range refused_range;
	enum ptx_reason refused_reason;
};

uint64_t ptx_space_info_quota(const struct ptx_space_info *space)
{
	return space->quota;
}

uint64_t ptx_space_info_mapped(const struct ptx_space_info *space)
{
	return space->mapped;
}

uint64_t ptx_space_info_pinned(const struct ptx_space_info *space)
{
	return space->pinned;
}

uint64_t ptx_space_info_entries(const struct ptx_space_info *space)
{
	return space->entries;
}

uint64_t ptx_space_info_max_entries(const struct ptx_space_info *space)
{
	return space->max_entries;
}

uint64_t ptx_space_info_largest_page(const struct ptx_space_info *space)
{
	return space->largest_page;
}

bool ptx_space_info_faults(const struct ptx_space_info *space, uint64_t *faults)
{
	if (space->faults == PTX_SPACE_NO_FAULTS)
		return false;
	*faults = space->faults;
	return true;
}

bool ptx_space_info_container(const struct ptx_space_info *space)
{
	return space->container;
}

uint64_t ptx_space_info_refused(const struct ptx_space_info *space,
				struct ptx_space_range *range, enum ptx_reason *reason)
{
	if (range)
		*range = space->refused_range;
	if (reason)
		*reason = space->refused_reason;
	return space->refused;
}

size_t ptx_space_info_nr_windows(const struct ptx_space_info *space)
{
	return space->nr_windows;
}

const struct ptx_space_range *
ptx_space_info_window(const struct ptx_space_info *space, size_t i)
{
	return i < space->nr_windows ? &space->windows[i] : NULL;
}

const uint64_t *ptx_space_info_pin_times(const struct ptx_space_info *space)
{
	return space->pin_times;
}

const uint64_t *ptx_space_info_map_times(const struct ptx_space_info *space)
{
	return space->map_times;
}

void ptx_space_info_free(struct ptx_space_info *space)
{
	if (!space)
		return;
	free(space->windows);
	free(space);
}

/* From what the ioctl gave. Returns 0 or -ENOMEM. */
int ptx_space_info_new(const struct ptx_space_stats *stats,
		       const struct ptx_space_range *windows, struct ptx_space_info **out)
{
	struct ptx_space_info *space = calloc(1, sizeof(*space));
	size_t nr = stats->out_nr_windows;

	if (!space)
		return -ENOMEM;
	space->quota = stats->out_quota;
	space->mapped = stats->out_mapped;
	space->pinned = stats->out_pinned;
	space->entries = stats->out_entries;
	space->max_entries = stats->out_max_entries;
	space->largest_page = stats->out_largest_page;
	space->faults = stats->out_faults;
	space->refused = stats->out_refused;
	space->refused_range = stats->out_refused_range;
	space->refused_reason = (enum ptx_reason)stats->out_refused_reason;
	for (size_t i = 0; i < PTX_SPACE_TIMES; i++) {
		space->pin_times[i] = stats->out_pin_times[i];
		space->map_times[i] = stats->out_map_times[i];
	}
	space->windows = calloc(nr ? nr : 1, sizeof(*windows));
	if (!space->windows) {
		free(space);
		return -ENOMEM;
	}
	memcpy(space->windows, windows, nr * sizeof(*windows));
	space->nr_windows = nr;
	*out = space;
	return 0;
}

static int parse_window(struct ptx_space_info *space, struct nlattr *nest)
{
	bool has_first = false, has_last = false;
	uint64_t first = 0, last = 0;
	struct nlattr *attr;
	int rem;

	if (!ptx_grow(&space->windows, space->nr_windows, sizeof(*space->windows)))
		return -ENOMEM;
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == PTX_A_WINDOW_FIRST)
			has_first = ptx_nl_u64(attr, &first);
		else if (nla_type(attr) == PTX_A_WINDOW_LAST)
			has_last = ptx_nl_u64(attr, &last);
	}
	if (!has_first || !has_last || first > last)
		return -EPROTO;
	space->windows[space->nr_windows++] = (struct ptx_space_range){ first, last };
	return 0;
}

static bool parse_times(const struct nlattr *attr, uint64_t times[PTX_SPACE_TIMES])
{
	if (nla_len(attr) != PTX_SPACE_TIMES * (int)sizeof(times[0]))
		return false;
	memcpy(times, nla_data(attr), PTX_SPACE_TIMES * sizeof(times[0]));
	return true;
}

static int parse_space(struct ptx_space_info *space, struct nlattr *nest)
{
	struct nlattr *attr;
	bool ok = true;
	int rem, err;

	space->faults = PTX_SPACE_NO_FAULTS;
	nla_for_each_nested(attr, nest, rem) {
		switch (nla_type(attr)) {
		case PTX_A_SPACE_QUOTA:
			ok &= ptx_nl_u64(attr, &space->quota);
			break;
		case PTX_A_SPACE_WINDOW:
			err = parse_window(space, attr);
			if (err)
				return err;
			break;
		case PTX_A_SPACE_MAPPED:
			ok &= ptx_nl_u64(attr, &space->mapped);
			break;
		case PTX_A_SPACE_PINNED:
			ok &= ptx_nl_u64(attr, &space->pinned);
			break;
		case PTX_A_SPACE_ENTRIES:
			ok &= ptx_nl_u64(attr, &space->entries);
			break;
		case PTX_A_SPACE_MAX_ENTRIES:
			ok &= ptx_nl_u64(attr, &space->max_entries);
			break;
		case PTX_A_SPACE_LARGEST_PAGE:
			ok &= ptx_nl_u64(attr, &space->largest_page);
			break;
		case PTX_A_SPACE_FAULTS:
			ok &= ptx_nl_u64(attr, &space->faults);
			break;
		case PTX_A_SPACE_PIN_TIMES:
			ok &= parse_times(attr, space->pin_times);
			break;
		case PTX_A_SPACE_MAP_TIMES:
			ok &= parse_times(attr, space->map_times);
			break;
		case PTX_A_SPACE_CONTAINER:
			space->container = true;
			break;
		}
	}
	/* What is left over is no attribute: then it is no nest either. */
	return ok && rem <= 0 ? 0 : -EPROTO;
}

/* From a lease's attribute; what *@out was is freed. */
int ptx_space_info_parse(struct nlattr *nest, struct ptx_space_info **out)
{
	struct ptx_space_info *space = calloc(1, sizeof(*space));
	int err;

	if (!space)
		return -ENOMEM;
	err = parse_space(space, nest);
	if (err) {
		ptx_space_info_free(space);
		return err;
	}
	ptx_space_info_free(*out);
	*out = space;
	return 0;
}

/* What a new or another space of a persistent lease is to be, into a request. */
int ptx_nl_put_space(struct ptx_ctx *ctx, struct nl_msg *msg,
		     const struct ptx_space_options *options)
{
	struct ptx_space_range *windows;
	struct nlattr *nest, *inner;
	bool ok;
	size_t nr;
	int err;

	err = ptx_space_options_check(ctx, options, &windows, &nr);
	if (err)
		return err;
	nest = nla_nest_start(msg, PTX_A_LEASE_SPACE);
	ok = nest;
	if (ok && options->flags & PTX_SPACE_OPTION_QUOTA)
		ok = !nla_put_u64(msg, PTX_A_SPACE_QUOTA, options->quota);
	for (size_t i = 0; ok && i < nr; i++) {
		inner = nla_nest_start(msg, PTX_A_SPACE_WINDOW);
		ok = inner && !nla_put_u64(msg, PTX_A_WINDOW_FIRST, windows[i].first) &&
		     !nla_put_u64(msg, PTX_A_WINDOW_LAST, windows[i].last);
		if (ok)
			nla_nest_end(msg, inner);
	}
	if (ok && options->flags & PTX_SPACE_OPTION_FORCE)
		ok = !nla_put_flag(msg, PTX_A_SPACE_FORCE);
	/* An empty one has a meaning, too: libnl's plain form would take it out again. */
	if (ok)
		ok = !nla_nest_end_keep_empty(msg, nest);
	free(windows);
	return ok ? 0 : ptx_error_no_memory(ctx);
}
