// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ptx.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/ptx_netlink.h>

/* Integer value ranges */
static const struct netlink_range_validation ptx_a_lease_timeout_ms_range = {
	.max	= PTX_REQUEST_TIMEOUT_MAX_MS,
};

static const struct netlink_range_validation ptx_a_lease_deadline_ms_range = {
	.max	= PTX_REVOKE_MAX_MS,
};

static const struct netlink_range_validation ptx_a_lease_kill_ms_range = {
	.max	= PTX_REVOKE_MAX_MS,
};

/* Common nested types */
const struct nla_policy ptx_space_nl_policy[PTX_A_SPACE_CONTAINER + 1] = {
	[PTX_A_SPACE_QUOTA] = { .type = NLA_U64, },
	[PTX_A_SPACE_WINDOW] = NLA_POLICY_NESTED(ptx_window_nl_policy),
	[PTX_A_SPACE_FORCE] = { .type = NLA_FLAG, },
	[PTX_A_SPACE_MAPPED] = { .type = NLA_U64, },
	[PTX_A_SPACE_PINNED] = { .type = NLA_U64, },
	[PTX_A_SPACE_ENTRIES] = { .type = NLA_U64, },
	[PTX_A_SPACE_MAX_ENTRIES] = { .type = NLA_U64, },
	[PTX_A_SPACE_LARGEST_PAGE] = { .type = NLA_U64, },
	[PTX_A_SPACE_FAULTS] = { .type = NLA_U64, },
	[PTX_A_SPACE_PIN_TIMES] = { .type = NLA_BINARY, },
	[PTX_A_SPACE_MAP_TIMES] = { .type = NLA_BINARY, },
	[PTX_A_SPACE_CONTAINER] = { .type = NLA_FLAG, },
};

const struct nla_policy ptx_window_nl_policy[PTX_A_WINDOW_LAST + 1] = {
	[PTX_A_WINDOW_FIRST] = { .type = NLA_U64, },
	[PTX_A_WINDOW_LAST] = { .type = NLA_U64, },
};

/* PTX_CMD_DEVICE_GET - do */
static const struct nla_policy ptx_device_get_nl_policy[PTX_A_DEVICE_NAME + 1] = {
	[PTX_A_DEVICE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_DEVICE_NAME_MAX, },
};

/* PTX_CMD_LEASE_GET - do */
static const struct nla_policy ptx_lease_get_nl_policy[PTX_A_LEASE_NAME + 1] = {
	[PTX_A_LEASE_ID] = { .type = NLA_U64, },
	[PTX_A_LEASE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_LEASE_NAME_MAX, },
};

/* PTX_CMD_LEASE_NEW - do */
static const struct nla_policy ptx_lease_new_nl_policy[PTX_A_LEASE_SPACE + 1] = {
	[PTX_A_LEASE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_LEASE_NAME_MAX, },
	[PTX_A_LEASE_OWNER] = { .type = NLA_U32, },
	[PTX_A_LEASE_DEVICE] = { .type = NLA_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_LEASE_DRIVER] = { .type = NLA_NUL_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_LEASE_ADD_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1f),
	[PTX_A_LEASE_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_timeout_ms_range),
	[PTX_A_LEASE_ROM_SHA256] = { .type = NLA_BINARY, },
	[PTX_A_LEASE_SPACE] = NLA_POLICY_NESTED(ptx_space_nl_policy),
};

/* PTX_CMD_LEASE_ADD - do */
static const struct nla_policy ptx_lease_add_nl_policy[PTX_A_LEASE_ROM_SHA256 + 1] = {
	[PTX_A_LEASE_ID] = { .type = NLA_U64, },
	[PTX_A_LEASE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_LEASE_NAME_MAX, },
	[PTX_A_LEASE_DEVICE] = { .type = NLA_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_LEASE_DRIVER] = { .type = NLA_NUL_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_LEASE_ADD_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1f),
	[PTX_A_LEASE_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_timeout_ms_range),
	[PTX_A_LEASE_ROM_SHA256] = { .type = NLA_BINARY, },
};

/* PTX_CMD_LEASE_REMOVE - do */
static const struct nla_policy ptx_lease_remove_nl_policy[PTX_A_LEASE_TIMEOUT_MS + 1] = {
	[PTX_A_LEASE_ID] = { .type = NLA_U64, },
	[PTX_A_LEASE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_LEASE_NAME_MAX, },
	[PTX_A_LEASE_DEVICE] = { .type = NLA_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_LEASE_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_timeout_ms_range),
};

/* PTX_CMD_LEASE_RELEASE - do */
static const struct nla_policy ptx_lease_release_nl_policy[PTX_A_LEASE_TIMEOUT_MS + 1] = {
	[PTX_A_LEASE_ID] = { .type = NLA_U64, },
	[PTX_A_LEASE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_LEASE_NAME_MAX, },
	[PTX_A_LEASE_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_timeout_ms_range),
};

/* PTX_CMD_DEVICE_RESET - do */
static const struct nla_policy ptx_device_reset_nl_policy[PTX_A_DEVICE_NAME + 1] = {
	[PTX_A_DEVICE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_DEVICE_NAME_MAX, },
};

/* PTX_CMD_LEASE_REVOKE - do */
static const struct nla_policy ptx_lease_revoke_nl_policy[PTX_A_LEASE_KILL_MS + 1] = {
	[PTX_A_LEASE_ID] = { .type = NLA_U64, },
	[PTX_A_LEASE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_LEASE_NAME_MAX, },
	[PTX_A_LEASE_DEADLINE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_deadline_ms_range),
	[PTX_A_LEASE_KILL_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_kill_ms_range),
};

/* PTX_CMD_LEASE_RESTRICT - do */
static const struct nla_policy ptx_lease_restrict_nl_policy[PTX_A_LEASE_SPACE + 1] = {
	[PTX_A_LEASE_ID] = { .type = NLA_U64, },
	[PTX_A_LEASE_NAME] = { .type = NLA_NUL_STRING, .len = PTX_LEASE_NAME_MAX, },
	[PTX_A_LEASE_OWNER] = { .type = NLA_U32, },
	[PTX_A_LEASE_PID] = { .type = NLA_S32, },
	[PTX_A_LEASE_MAX_DEVICES] = NLA_POLICY_MAX(NLA_U32, PTX_DEVICES_MAX),
	[PTX_A_LEASE_SPACE] = NLA_POLICY_NESTED(ptx_space_nl_policy),
};

/* PTX_CMD_GRANT_NEW - do */
static const struct nla_policy ptx_grant_new_nl_policy[PTX_A_GRANT_DMA_QUOTA + 1] = {
	[PTX_A_GRANT_UID] = { .type = NLA_U32, },
	[PTX_A_GRANT_GID] = { .type = NLA_U32, },
	[PTX_A_GRANT_DEVICE] = { .type = NLA_NUL_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_GRANT_KIND] = NLA_POLICY_MAX(NLA_U32, 8),
	[PTX_A_GRANT_VENDOR_ID] = { .type = NLA_U16, },
	[PTX_A_GRANT_MAX_DEVICES] = NLA_POLICY_MAX(NLA_U32, PTX_DEVICES_MAX),
	[PTX_A_GRANT_POOLED] = { .type = NLA_FLAG, },
	[PTX_A_GRANT_DMA_QUOTA] = NLA_POLICY_MIN(NLA_U64, 1),
};

/* PTX_CMD_GRANT_DEL - do */
static const struct nla_policy ptx_grant_del_nl_policy[PTX_A_GRANT_REVOKE + 1] = {
	[PTX_A_GRANT_ID] = { .type = NLA_U64, },
	[PTX_A_GRANT_REVOKE] = { .type = NLA_FLAG, },
};

/* PTX_CMD_POOL_ADD - do */
static const struct nla_policy ptx_pool_add_nl_policy[PTX_A_LEASE_ROM_SHA256 + 1] = {
	[PTX_A_LEASE_DEVICE] = { .type = NLA_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_LEASE_ADD_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1f),
	[PTX_A_LEASE_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_timeout_ms_range),
	[PTX_A_LEASE_ROM_SHA256] = { .type = NLA_BINARY, },
};

/* PTX_CMD_POOL_REMOVE - do */
static const struct nla_policy ptx_pool_remove_nl_policy[PTX_A_LEASE_TIMEOUT_MS + 1] = {
	[PTX_A_LEASE_DEVICE] = { .type = NLA_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_LEASE_TIMEOUT_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &ptx_a_lease_timeout_ms_range),
};

/* PTX_CMD_RESERVE_NEW - do */
static const struct nla_policy ptx_reserve_new_nl_policy[PTX_A_RESERVE_VENDOR_ID + 1] = {
	[PTX_A_RESERVE_DEVICE] = { .type = NLA_NUL_STRING, .len = PTX_DEVICE_NAME_MAX, },
	[PTX_A_RESERVE_KIND] = NLA_POLICY_MAX(NLA_U32, 8),
	[PTX_A_RESERVE_VENDOR_ID] = { .type = NLA_U16, },
};

/* PTX_CMD_RESERVE_DEL - do */
static const struct nla_policy ptx_reserve_del_nl_policy[PTX_A_RESERVE_ID + 1] = {
	[PTX_A_RESERVE_ID] = { .type = NLA_U64, },
};

/* Ops table for ptx */
static const struct genl_split_ops ptx_nl_ops[] = {
	{
		.cmd		= PTX_CMD_DEVICE_GET,
		.doit		= ptx_nl_device_get_doit,
		.policy		= ptx_device_get_nl_policy,
		.maxattr	= PTX_A_DEVICE_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= PTX_CMD_DEVICE_GET,
		.start	= ptx_nl_device_get_start,
		.dumpit	= ptx_nl_device_get_dumpit,
		.done	= ptx_nl_device_get_done,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PTX_CMD_LEASE_GET,
		.doit		= ptx_nl_lease_get_doit,
		.policy		= ptx_lease_get_nl_policy,
		.maxattr	= PTX_A_LEASE_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= PTX_CMD_LEASE_GET,
		.start	= ptx_nl_lease_get_start,
		.dumpit	= ptx_nl_lease_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PTX_CMD_LEASE_NEW,
		.doit		= ptx_nl_lease_new_doit,
		.policy		= ptx_lease_new_nl_policy,
		.maxattr	= PTX_A_LEASE_SPACE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_LEASE_ADD,
		.doit		= ptx_nl_lease_add_doit,
		.policy		= ptx_lease_add_nl_policy,
		.maxattr	= PTX_A_LEASE_ROM_SHA256,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_LEASE_REMOVE,
		.doit		= ptx_nl_lease_remove_doit,
		.policy		= ptx_lease_remove_nl_policy,
		.maxattr	= PTX_A_LEASE_TIMEOUT_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_LEASE_RELEASE,
		.doit		= ptx_nl_lease_release_doit,
		.policy		= ptx_lease_release_nl_policy,
		.maxattr	= PTX_A_LEASE_TIMEOUT_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_DEVICE_RESET,
		.doit		= ptx_nl_device_reset_doit,
		.policy		= ptx_device_reset_nl_policy,
		.maxattr	= PTX_A_DEVICE_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_LEASE_REVOKE,
		.doit		= ptx_nl_lease_revoke_doit,
		.policy		= ptx_lease_revoke_nl_policy,
		.maxattr	= PTX_A_LEASE_KILL_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_LEASE_RESTRICT,
		.doit		= ptx_nl_lease_restrict_doit,
		.policy		= ptx_lease_restrict_nl_policy,
		.maxattr	= PTX_A_LEASE_SPACE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_GRANT_NEW,
		.doit		= ptx_nl_grant_new_doit,
		.policy		= ptx_grant_new_nl_policy,
		.maxattr	= PTX_A_GRANT_DMA_QUOTA,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_GRANT_DEL,
		.doit		= ptx_nl_grant_del_doit,
		.policy		= ptx_grant_del_nl_policy,
		.maxattr	= PTX_A_GRANT_REVOKE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= PTX_CMD_GRANT_GET,
		.dumpit	= ptx_nl_grant_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PTX_CMD_POOL_ADD,
		.doit		= ptx_nl_pool_add_doit,
		.policy		= ptx_pool_add_nl_policy,
		.maxattr	= PTX_A_LEASE_ROM_SHA256,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_POOL_REMOVE,
		.doit		= ptx_nl_pool_remove_doit,
		.policy		= ptx_pool_remove_nl_policy,
		.maxattr	= PTX_A_LEASE_TIMEOUT_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_RESERVE_NEW,
		.doit		= ptx_nl_reserve_new_doit,
		.policy		= ptx_reserve_new_nl_policy,
		.maxattr	= PTX_A_RESERVE_VENDOR_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PTX_CMD_RESERVE_DEL,
		.doit		= ptx_nl_reserve_del_doit,
		.policy		= ptx_reserve_del_nl_policy,
		.maxattr	= PTX_A_RESERVE_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= PTX_CMD_RESERVE_GET,
		.dumpit	= ptx_nl_reserve_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group ptx_nl_mcgrps[] = {
	[PTX_NLGRP_EVENTS] = { "events", },
};

struct genl_family ptx_nl_family __ro_after_init = {
	.name		= PTX_FAMILY_NAME,
	.version	= PTX_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= ptx_nl_ops,
	.n_split_ops	= ARRAY_SIZE(ptx_nl_ops),
	.mcgrps		= ptx_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(ptx_nl_mcgrps),
};
