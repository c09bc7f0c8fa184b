// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * grant: asks for grants and reads them. No state of its own.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <libptx/grant.h>
#include "internal.h"

/* A caller from before the struct grew has no quota to set. */
static uint64_t quota_of(const struct ptx_grant *grant)
{
	return grant->size >= sizeof(*grant) ? grant->dma_quota : 0;
}

static int put_grant(struct ptx_ctx *ctx, struct nl_msg *msg, const struct ptx_grant *grant)
{
	uint64_t quota = quota_of(grant);

	if (nla_put_u32(msg, grant->to_group ? PTX_A_GRANT_GID : PTX_A_GRANT_UID, grant->who) ||
	    (*grant->device && nla_put_string(msg, PTX_A_GRANT_DEVICE, grant->device)) ||
	    (grant->kind != PTX_KIND_ANY &&
	     nla_put_u32(msg, PTX_A_GRANT_KIND, (uint32_t)grant->kind)) ||
	    (grant->vendor && nla_put_u16(msg, PTX_A_GRANT_VENDOR_ID, grant->vendor)) ||
	    (grant->max_devices &&
	     nla_put_u32(msg, PTX_A_GRANT_MAX_DEVICES, grant->max_devices)) ||
	    (grant->pooled && nla_put_flag(msg, PTX_A_GRANT_POOLED)) ||
	    (quota && nla_put_u64(msg, PTX_A_GRANT_DMA_QUOTA, quota)))
		return ptx_error_no_memory(ctx);
	return 0;
}

static int parse_grant(struct nlmsghdr *hdr, struct ptx_grant *grant)
{
	struct genlmsghdr *ghdr;
	struct nlattr *attr;
	uint32_t u32 = 0;
	bool ok = true;
	int rem;

	if (!genlmsg_valid_hdr(hdr, 0))
		return -EPROTO;
	ghdr = genlmsg_hdr(hdr);
	memset(grant, 0, sizeof(*grant));
	grant->size = sizeof(*grant);
	grant->kind = PTX_KIND_ANY;
	nla_for_each_attr(attr, genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), rem) {
		switch (nla_type(attr)) {
		case PTX_A_GRANT_ID:
			ok &= ptx_nl_u64(attr, &grant->id);
			break;
		case PTX_A_GRANT_UID:
		case PTX_A_GRANT_GID:
			ok &= ptx_nl_u32(attr, &grant->who);
			grant->to_group = nla_type(attr) == PTX_A_GRANT_GID;
			break;
		case PTX_A_GRANT_DEVICE:
			ok &= ptx_nl_name(attr, grant->device);
			break;
		case PTX_A_GRANT_KIND:
			ok &= ptx_nl_u32(attr, &u32);
			grant->kind = (enum ptx_kind)u32;
			break;
		case PTX_A_GRANT_VENDOR_ID:
			if (nla_len(attr) == (int)sizeof(grant->vendor))
				grant->vendor = nla_get_u16(attr);
			else
				ok = false;
			break;
		case PTX_A_GRANT_MAX_DEVICES:
			ok &= ptx_nl_u32(attr, &grant->max_devices);
			break;
		case PTX_A_GRANT_USED:
			ok &= ptx_nl_u32(attr, &grant->used);
			break;
		case PTX_A_GRANT_POOLED:
			ok &= grant->pooled = !nla_len(attr);
			break;
		case PTX_A_GRANT_DMA_QUOTA:
			ok &= ptx_nl_u64(attr, &grant->dma_quota);
			break;
		case PTX_A_GRANT_DMA_MAPPED:
			ok &= ptx_nl_u64(attr, &grant->dma_mapped);
			break;
		}
	}
	return ok ? 0 : -EPROTO;
}

static int take_one(struct nlmsghdr *hdr, void *arg)
{
	return parse_grant(hdr, arg);
}

int ptx_grant_new(struct ptx_ctx *ctx, struct ptx_grant *grant)
{
	struct ptx_grant made = { .id = 0 };
	struct nl_msg *msg;
	int err;

	if (grant->size < offsetof(struct ptx_grant, dma_quota) ||
	    !memchr(grant->device, '\0', sizeof(grant->device)))
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	msg = ptx_nl_new(ctx, PTX_CMD_GRANT_NEW);
	if (!msg)
		return -ENOMEM;
	err = put_grant(ctx, msg, grant);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = ptx_nl_call(ctx, msg, take_one, &made);
	if (err == -E2BIG)
		return ptx_error_setf(ctx, E2BIG, PTX_REASON_NONE, NULL,
				      "there are too many grants: withdraw some");
	if (err && quota_of(grant) && ptx_error_is_unknown_attr(ctx)) {
		ptx_error_setf(ctx, EOPNOTSUPP, PTX_REASON_NONE, NULL,
			       "this ptx module is older than quotas of grants");
		ptx_error_set_remedy(ctx, "load the ptx module of the same version as this "
				     "program, or grant it without a quota");
		return -EOPNOTSUPP;
	}
	if (!err && !made.id)
		err = ptx_error_set(ctx, EPROTO, PTX_REASON_NONE, NULL);
	if (!err)
		grant->id = made.id;
	return err;
}

int ptx_grant_withdraw(struct ptx_ctx *ctx, uint64_t id, bool revoke)
{
	struct nl_msg *msg = ptx_nl_new(ctx, PTX_CMD_GRANT_DEL);
	int err;

	if (!msg)
		return -ENOMEM;
	if (nla_put_u64(msg, PTX_A_GRANT_ID, id) ||
	    (revoke && nla_put_flag(msg, PTX_A_GRANT_REVOKE))) {
		nlmsg_free(msg);
		return ptx_error_no_memory(ctx);
	}
	err = ptx_nl_call(ctx, msg, NULL, NULL);
	if (err == -ENOENT)
		ptx_error_set_remedy(ctx, "see which there are: ptxctl grants");
	return err;
}

/**
 * struct collect - grants being read
 * @list: so far
 * @nr: how many
 */
struct collect {
	struct ptx_grant *list;
	size_t nr;
};

static int collect_one(struct nlmsghdr *hdr, void *arg)
{
	struct collect *c = arg;

	if (!ptx_grow(&c->list, c->nr, sizeof(*c->list)))
		return -ENOMEM;
	return parse_grant(hdr, &c->list[c->nr++]);
}

static void forget(void *arg)
{
	struct collect *c = arg;

	c->nr = 0;
}

int ptx_grant_list_get(struct ptx_ctx *ctx, struct ptx_grant **list, size_t *nr)
{
	struct collect c = { .nr = 0 };
	int err;

	*list = NULL;
	*nr = 0;
	err = ptx_nl_dump(ctx, PTX_CMD_GRANT_GET, collect_one, &c, forget);
	if (err) {
		free(c.list);
		return err;
	}
	*list = c.list;
	*nr = c.nr;
	return 0;
}
