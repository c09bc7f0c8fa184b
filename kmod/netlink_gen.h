/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ptx.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_PTX_GEN_H
#define _LINUX_PTX_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/ptx_netlink.h>

/* Common nested types */
extern const struct nla_policy ptx_space_nl_policy[PTX_A_SPACE_CONTAINER + 1];
extern const struct nla_policy ptx_window_nl_policy[PTX_A_WINDOW_LAST + 1];

int ptx_nl_device_get_start(struct netlink_callback *cb);
int ptx_nl_lease_get_start(struct netlink_callback *cb);
int ptx_nl_device_get_done(struct netlink_callback *cb);

int ptx_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_device_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ptx_nl_lease_get_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_lease_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ptx_nl_lease_new_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_lease_add_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_lease_remove_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_lease_release_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_device_reset_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_lease_revoke_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_lease_restrict_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_grant_new_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_grant_del_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_grant_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int ptx_nl_pool_add_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_pool_remove_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_reserve_new_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_reserve_del_doit(struct sk_buff *skb, struct genl_info *info);
int ptx_nl_reserve_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	PTX_NLGRP_EVENTS,
};

extern struct genl_family ptx_nl_family;

#endif /* _LINUX_PTX_GEN_H */
