/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_NETLINK_H
#define PTX_NETLINK_H

#include <net/genetlink.h>

#include "access.h"

struct ptx_device_name;
struct ptx_fault;
struct ptx_roms;
struct ptx_selector;

int ptx_nl_fail(struct genl_info *info, int ret, const struct ptx_fault *fault);
int ptx_nl_fail_reason(struct genl_info *info, int ret, u32 reason);
int ptx_nl_check(struct genl_info *info);
int ptx_nl_right(struct sk_buff *skb, struct genl_info *info,
		 enum ptx_right right);
enum ptx_right ptx_nl_add_right(struct genl_info *info);
struct ptx_device_name *ptx_nl_devices(struct genl_info *info, u32 *nr);
struct ptx_roms *ptx_nl_roms(struct genl_info *info);
u32 ptx_nl_timeout(struct genl_info *info);
int ptx_nl_selector(struct genl_info *info, struct nlattr *device,
		    struct nlattr *kind, struct nlattr *vendor,
		    struct ptx_selector *sel);

/* What is empty is left out. */
static inline int ptx_nl_put_string(struct sk_buff *skb, int attr,
				    const char *value)
{
	return value[0] ? nla_put_string(skb, attr, value) : 0;
}

int ptx_netlink_init(void);
void ptx_netlink_exit(void);

#endif
