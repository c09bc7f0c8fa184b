// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool and what is reserved for it, over netlink: marshalling only. Owns no
 * state but the position of a dump.
 */
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "access.h"
#include "lease.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "pool.h"
#include "reserve.h"
#include "rom.h"

int ptx_nl_pool_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *flags = info->attrs[PTX_A_LEASE_ADD_FLAGS];
	struct ptx_device_name *devices;
	struct ptx_roms *roms;
	struct ptx_blockers blockers = {};
	u32 nr;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, ptx_nl_add_right(info));
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_LEASE_DEVICE))
		return -EINVAL;
	if (flags && nla_get_u32(flags) & PTX_ADD_FLAGS_CLEAR_MEMORY) {
		NL_SET_ERR_MSG_ATTR(info->extack, flags, "memory is cleared for a lease");
		return -EINVAL;
	}
	devices = ptx_nl_devices(info, &nr);
	if (IS_ERR(devices))
		return PTR_ERR(devices);
	roms = ptx_nl_roms(info);
	if (IS_ERR(roms)) {
		kfree(devices);
		return PTR_ERR(roms);
	}
	ret = ptx_pool_add(devices, nr, flags ? nla_get_u32(flags) : 0, roms,
			   ptx_nl_timeout(info), &blockers);
	kfree(roms);
	kfree(devices);
	return ret ? ptx_nl_fail(info, ret, &blockers.first) : 0;
}

int ptx_nl_pool_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_device_name *devices;
	struct ptx_fault fault = {};
	u32 nr;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_LEASE_DEVICE))
		return -EINVAL;
	devices = ptx_nl_devices(info, &nr);
	if (IS_ERR(devices))
		return PTR_ERR(devices);
	ret = ptx_pool_remove(devices, nr, ptx_nl_timeout(info), &fault);
	kfree(devices);
	if (ret)
		ptx_nl_fail(info, ret, &fault);
	if (ret == -ENOENT)
		GENL_SET_ERR_MSG_FMT(info, "%s: is not in the pool", fault.culprit);
	return ret;
}

static int ptx_nl_put_reserve(struct sk_buff *skb, const struct ptx_reserve *rule)
{
	const struct ptx_selector *what = &rule->what;

	if (nla_put_u64_64bit(skb, PTX_A_RESERVE_ID, rule->id, 0) ||
	    ptx_nl_put_string(skb, PTX_A_RESERVE_DEVICE, what->device) ||
	    (!what->any_kind && nla_put_u32(skb, PTX_A_RESERVE_KIND, what->kind)) ||
	    (what->vendor && nla_put_u16(skb, PTX_A_RESERVE_VENDOR_ID, what->vendor)))
		return -EMSGSIZE;
	return 0;
}

int ptx_nl_reserve_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	u32 reason = PTX_REASON_NONE;
	struct ptx_reserve rule = {};
	struct sk_buff *msg;
	void *hdr;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE) ?:
	      ptx_nl_selector(info, info->attrs[PTX_A_RESERVE_DEVICE],
			      info->attrs[PTX_A_RESERVE_KIND],
			      info->attrs[PTX_A_RESERVE_VENDOR_ID], &rule.what);
	if (ret)
		return ret;
	if (!rule.what.device[0] && rule.what.any_kind && !rule.what.vendor) {
		NL_SET_ERR_MSG(info->extack, "everything would leave the host nothing");
		return -EINVAL;
	}
	/* The answer first, so that nothing is reserved that is not told of. */
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	ret = ptx_reserve_new(&rule, &reason);
	if (ret) {
		nlmsg_free(msg);
		return ptx_nl_fail_reason(info, ret, reason);
	}
	hdr = genlmsg_put_reply(msg, info, &ptx_nl_family, 0, PTX_CMD_RESERVE_NEW);
	if (!hdr || ptx_nl_put_reserve(msg, &rule)) {
		nlmsg_free(msg);
		ptx_reserve_del(rule.id);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	genlmsg_reply(msg, info);
	return 0;
}

int ptx_nl_reserve_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_RESERVE_ID))
		return -EINVAL;
	if (!ptx_reserve_del(nla_get_u64(info->attrs[PTX_A_RESERVE_ID]))) {
		NL_SET_ERR_MSG(info->extack, "no such rule");
		return -ENOENT;
	}
	return 0;
}

int ptx_nl_reserve_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ptx_reserve rule;
	u64 *next = (u64 *)cb->ctx;

	BUILD_BUG_ON(sizeof(u64) > sizeof(cb->ctx));
	for (; ptx_reserve_next(next, &rule); (*next)++) {
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, &ptx_nl_family,
					NLM_F_MULTI, PTX_CMD_RESERVE_GET);

		if (!hdr || ptx_nl_put_reserve(skb, &rule)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			return skb->len ?: -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}
