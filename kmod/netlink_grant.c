// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grants over netlink: marshalling only. Owns no state but the position of a dump.
 */
#include <linux/cred.h>
#include <linux/netlink.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "access.h"
#include "grant.h"
#include "netlink.h"
#include "netlink_gen.h"

static int ptx_nl_put_grant(struct sk_buff *skb, const struct ptx_grant *grant,
			    struct sock *sk)
{
	struct user_namespace *ns = sk_user_ns(sk);
	int ret;

	if (grant->to_group)
		ret = nla_put_u32(skb, PTX_A_GRANT_GID,
				  from_kgid_munged(ns, grant->gid));
	else
		ret = nla_put_u32(skb, PTX_A_GRANT_UID,
				  from_kuid_munged(ns, grant->uid));
	if (ret || nla_put_u64_64bit(skb, PTX_A_GRANT_ID, grant->id, 0) ||
	    ptx_nl_put_string(skb, PTX_A_GRANT_DEVICE, grant->what.device) ||
	    (!grant->what.any_kind &&
	     nla_put_u32(skb, PTX_A_GRANT_KIND, grant->what.kind)) ||
	    (grant->what.vendor &&
	     nla_put_u16(skb, PTX_A_GRANT_VENDOR_ID, grant->what.vendor)) ||
	    (grant->pooled && nla_put_flag(skb, PTX_A_GRANT_POOLED)) ||
	    (grant->max_devices &&
	     nla_put_u32(skb, PTX_A_GRANT_MAX_DEVICES, grant->max_devices)) ||
	    nla_put_u32(skb, PTX_A_GRANT_USED, grant->used) ||
	    (grant->dma_quota &&
	     (nla_put_u64_64bit(skb, PTX_A_GRANT_DMA_QUOTA, grant->dma_quota, 0) ||
	      nla_put_u64_64bit(skb, PTX_A_GRANT_DMA_MAPPED,
				atomic64_read(&grant->dma_mapped), 0))))
		return -EMSGSIZE;
	return 0;
}

/* What a message says of the grant it wants. */
static int ptx_nl_grant(struct genl_info *info, struct user_namespace *ns,
			struct ptx_grant *rule)
{
	struct nlattr *uid = info->attrs[PTX_A_GRANT_UID];
	struct nlattr *gid = info->attrs[PTX_A_GRANT_GID];
	struct nlattr *max = info->attrs[PTX_A_GRANT_MAX_DEVICES];
	struct nlattr *quota = info->attrs[PTX_A_GRANT_DMA_QUOTA];

	if (!uid == !gid) {
		NL_SET_ERR_MSG(info->extack, "a grant is for a user or for a group");
		return -EINVAL;
	}
	rule->to_group = gid;
	rule->uid = uid ? make_kuid(ns, nla_get_u32(uid)) : INVALID_UID;
	rule->gid = gid ? make_kgid(ns, nla_get_u32(gid)) : INVALID_GID;
	if (uid ? !uid_valid(rule->uid) : !gid_valid(rule->gid)) {
		NL_SET_BAD_ATTR(info->extack, uid ?: gid);
		return -EINVAL;
	}
	rule->pooled = info->attrs[PTX_A_GRANT_POOLED];
	rule->max_devices = max ? nla_get_u32(max) : 0;
	rule->dma_quota = quota ? nla_get_u64(quota) : 0;
	if (max && !rule->max_devices) {
		NL_SET_ERR_MSG(info->extack, "leave out what does not matter");
		return -EINVAL;
	}
	return ptx_nl_selector(info, info->attrs[PTX_A_GRANT_DEVICE],
			       info->attrs[PTX_A_GRANT_KIND],
			       info->attrs[PTX_A_GRANT_VENDOR_ID], &rule->what);
}

int ptx_nl_grant_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sock *sk = NETLINK_CB(skb).sk;
	u32 reason = PTX_REASON_NONE;
	struct ptx_grant rule = {};
	struct sk_buff *msg;
	void *hdr;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE) ?:
	      ptx_nl_grant(info, sk_user_ns(sk), &rule);
	if (ret)
		return ret;
	/* The answer first, so that nothing is granted that is not told of. */
	msg = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	ret = ptx_grant_new(&rule, &reason);
	if (ret) {
		nlmsg_free(msg);
		return ptx_nl_fail_reason(info, ret, reason);
	}
	hdr = genlmsg_put_reply(msg, info, &ptx_nl_family, 0, PTX_CMD_GRANT_NEW);
	if (!hdr || ptx_nl_put_grant(msg, &rule, sk)) {
		nlmsg_free(msg);
		ptx_grant_withdraw(rule.id, true);
		return -EMSGSIZE;
	}
	genlmsg_end(msg, hdr);
	genlmsg_reply(msg, info);
	return 0;
}

int ptx_nl_grant_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_GRANT_ID))
		return -EINVAL;
	if (!ptx_grant_withdraw(nla_get_u64(info->attrs[PTX_A_GRANT_ID]),
				nla_get_flag(info->attrs[PTX_A_GRANT_REVOKE]))) {
		NL_SET_ERR_MSG(info->extack, "no such grant");
		return -ENOENT;
	}
	return 0;
}

int ptx_nl_grant_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ptx_grant grant;
	u64 *next = (u64 *)cb->ctx;

	BUILD_BUG_ON(sizeof(u64) > sizeof(cb->ctx));
	for (; ptx_grant_next(next, &grant); (*next)++) {
		void *hdr;

		if (!grant.to_group &&
		    !uid_eq(NETLINK_CREDS(cb->skb)->uid, grant.uid) &&
		    !ptx_may_message(cb->skb, PTX_RIGHT_CHANGE))
			continue;
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				  &ptx_nl_family, NLM_F_MULTI, PTX_CMD_GRANT_GET);
		if (!hdr || ptx_nl_put_grant(skb, &grant, NETLINK_CB(cb->skb).sk)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			return skb->len ?: -EMSGSIZE;
		}
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}
