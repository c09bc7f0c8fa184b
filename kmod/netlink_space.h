/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_NETLINK_SPACE_H
#define PTX_NETLINK_SPACE_H

#include <linux/types.h>
#include <uapi/linux/ptx.h>

struct genl_info;
struct ptx_space;
struct sk_buff;

/* An upper bound of what a space takes in a message. */
#define PTX_NL_SPACE_SIZE	(1024 + PTX_SPACE_WINDOWS_MAX * 32)

/**
 * struct ptx_nl_space - what a message says of a space
 * @given: it says something
 * @has_quota: a quota,
 * @quota: this one
 * @nr: so many windows,
 * @windows: these; an array of their own
 * @force: and to unmap what is in their way
 */
struct ptx_nl_space {
	bool given;
	bool has_quota;
	u64 quota;
	u32 nr;
	struct ptx_space_range *windows;
	bool force;
};

int ptx_nl_space_get(struct genl_info *info, struct ptx_nl_space *what);
void ptx_nl_space_put_away(struct ptx_nl_space *what);
int ptx_nl_space_apply(struct ptx_space *space, const struct ptx_nl_space *what,
		       u32 *reason);
int ptx_nl_put_space(struct sk_buff *skb, struct ptx_space *space);

#endif
