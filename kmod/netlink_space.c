// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA spaces over netlink: marshalling only.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_space.h"
#include "space.h"
#include "window.h"

static int ptx_nl_window_get(struct genl_info *info, struct nlattr *attr,
			     struct ptx_space_range *range)
{
	struct nlattr *tb[PTX_A_WINDOW_MAX + 1];
	int ret;

	ret = nla_parse_nested(tb, PTX_A_WINDOW_MAX, attr, ptx_window_nl_policy,
			       info->extack);
	if (ret)
		return ret;
	/* Each of them, and once. */
	if (tb[PTX_A_WINDOW_FIRST] && tb[PTX_A_WINDOW_LAST] &&
	    nla_len(attr) == 2 * nla_total_size(sizeof(u64))) {
		range->first = nla_get_u64(tb[PTX_A_WINDOW_FIRST]);
		range->last = nla_get_u64(tb[PTX_A_WINDOW_LAST]);
		if (ptx_window_is_valid(range->first, range->last))
			return 0;
	}
	NL_SET_ERR_MSG_ATTR(info->extack, attr,
			    "a window begins and ends with a page, and not before it begins");
	return -EINVAL;
}

/**
 * ptx_nl_space_get() - read what a message says of a space
 * @info: the message
 * @what: gets it. Undone by ptx_nl_space_put_away(), also on failure
 *
 * Return: 0, -EINVAL, -E2BIG, -ENOMEM, with the extended message set.
 */
int ptx_nl_space_get(struct genl_info *info, struct ptx_nl_space *what)
{
	struct nlattr *space = info->attrs[PTX_A_LEASE_SPACE], *attr;
	int left, ret;
	u32 nr = 0;

	*what = (struct ptx_nl_space) {};
	if (!space)
		return 0;
	what->given = true;
	nla_for_each_nested(attr, space, left)
		nr += nla_type(attr) == PTX_A_SPACE_WINDOW;
	if (nr > PTX_SPACE_WINDOWS_MAX)
		return ptx_nl_fail_reason(info, -E2BIG, PTX_REASON_LIMIT);
	if (nr) {
		what->windows = kcalloc(nr, sizeof(*what->windows), GFP_KERNEL);
		if (!what->windows)
			return -ENOMEM;
	}
	nla_for_each_nested(attr, space, left) {
		switch (nla_type(attr)) {
		case PTX_A_SPACE_QUOTA:
			if (what->has_quota) {
				NL_SET_ERR_MSG_ATTR(info->extack, attr, "attribute given twice");
				return -EINVAL;
			}
			what->has_quota = true;
			what->quota = nla_get_u64(attr);
			break;
		case PTX_A_SPACE_WINDOW:
			ret = ptx_nl_window_get(info, attr, &what->windows[what->nr]);
			if (ret)
				return ret;
			what->nr++;
			break;
		case PTX_A_SPACE_FORCE:
			what->force = true;
			break;
		default:
			NL_SET_ERR_MSG_ATTR(info->extack, attr, "this is for replies only");
			return -EINVAL;
		}
	}
	return 0;
}

/**
 * ptx_nl_space_put_away() - undo ptx_nl_space_get()
 * @what: what it got
 */
void ptx_nl_space_put_away(struct ptx_nl_space *what)
{
	kfree(what->windows);
}

/**
 * ptx_nl_space_apply() - do what a message says
 * @space: of the lease it names
 * @what: what it says
 * @reason: on failure, a value of enum ptx_reason
 *
 * Return: 0, or an error, and nothing has changed.
 */
int ptx_nl_space_apply(struct ptx_space *space, const struct ptx_nl_space *what,
		       u32 *reason)
{
	return ptx_space_restrict(space, what->has_quota ? &what->quota : NULL,
				  what->windows, what->nr, what->force, reason);
}

static int ptx_nl_put_window(struct sk_buff *skb, const struct ptx_space_range *range)
{
	struct nlattr *nest = nla_nest_start(skb, PTX_A_SPACE_WINDOW);

	if (!nest || nla_put_u64_64bit(skb, PTX_A_WINDOW_FIRST, range->first, 0) ||
	    nla_put_u64_64bit(skb, PTX_A_WINDOW_LAST, range->last, 0))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * ptx_nl_put_space() - describe a space
 * @skb: the message
 * @space: the space, or NULL, and nothing is put
 *
 * Return: 0, -EMSGSIZE, -ENOMEM.
 */
int ptx_nl_put_space(struct sk_buff *skb, struct ptx_space *space)
{
	struct ptx_space_stats stats;
	struct ptx_windows *windows;
	struct nlattr *nest;
	int ret = -EMSGSIZE;
	u32 i;

	if (!space)
		return 0;
	windows = ptx_space_copy_windows(space);
	if (!windows)
		return -ENOMEM;
	ptx_space_describe(space, &stats);
	nest = nla_nest_start(skb, PTX_A_LEASE_SPACE);
	if (!nest)
		goto out_free;
	for (i = 0; i < windows->nr; i++)
		if (ptx_nl_put_window(skb, &windows->range[i]))
			goto out_free;
	if ((stats.out_quota &&
	     nla_put_u64_64bit(skb, PTX_A_SPACE_QUOTA, stats.out_quota, 0)) ||
	    nla_put_u64_64bit(skb, PTX_A_SPACE_MAPPED, stats.out_mapped, 0) ||
	    nla_put_u64_64bit(skb, PTX_A_SPACE_PINNED, stats.out_pinned, 0) ||
	    nla_put_u64_64bit(skb, PTX_A_SPACE_ENTRIES, stats.out_entries, 0) ||
	    nla_put_u64_64bit(skb, PTX_A_SPACE_MAX_ENTRIES, stats.out_max_entries, 0) ||
	    nla_put_u64_64bit(skb, PTX_A_SPACE_LARGEST_PAGE, stats.out_largest_page, 0) ||
	    (stats.out_faults != PTX_SPACE_NO_FAULTS &&
	     nla_put_u64_64bit(skb, PTX_A_SPACE_FAULTS, stats.out_faults, 0)) ||
	    nla_put(skb, PTX_A_SPACE_PIN_TIMES, sizeof(stats.out_pin_times),
		    stats.out_pin_times) ||
	    nla_put(skb, PTX_A_SPACE_MAP_TIMES, sizeof(stats.out_map_times),
		    stats.out_map_times) ||
	    (READ_ONCE(space->container) && nla_put_flag(skb, PTX_A_SPACE_CONTAINER)))
		goto out_free;
	nla_nest_end(skb, nest);
	ret = 0;
out_free:
	kfree(windows);
	return ret;
}
