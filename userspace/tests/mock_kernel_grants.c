// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel_grants: the grants of the mock kernel. Like the others, it checks
 * that requests keep to the contract, and notes them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "mock_state.h"

#define A(name)	(1U << PTX_A_GRANT_##name)

static int send_grant(const struct mock_grant *g, ptx_nl_reply_fn fn, void *arg)
{
	struct nl_msg *msg = nlmsg_alloc();
	int err;

	if (!msg || !genlmsg_put(msg, 0, 0, 30, 0, 0, PTX_CMD_GRANT_GET, PTX_FAMILY_VERSION) ||
	    nla_put_u64(msg, PTX_A_GRANT_ID, g->id) ||
	    (g->has_uid && nla_put_u32(msg, PTX_A_GRANT_UID, g->uid)) ||
	    (g->has_gid && nla_put_u32(msg, PTX_A_GRANT_GID, g->gid)) ||
	    (*g->device && nla_put_string(msg, PTX_A_GRANT_DEVICE, g->device)) ||
	    (g->has_kind && nla_put_u32(msg, PTX_A_GRANT_KIND, g->kind)) ||
	    (g->vendor && nla_put_u16(msg, PTX_A_GRANT_VENDOR_ID, (uint16_t)g->vendor)) ||
	    (g->max && nla_put_u32(msg, PTX_A_GRANT_MAX_DEVICES, g->max)) ||
	    nla_put_u32(msg, PTX_A_GRANT_USED, g->used) ||
	    (g->pooled && nla_put_flag(msg, PTX_A_GRANT_POOLED)) ||
	    (g->quota && (nla_put_u64(msg, PTX_A_GRANT_DMA_QUOTA, g->quota) ||
			  nla_put_u64(msg, PTX_A_GRANT_DMA_MAPPED, g->mapped))) ||
	    (!strcmp(mock.bad_call, "grant-dump") &&
	     nla_put(msg, (int)mock.bad_attr, (int)mock.bad_len, mock.root)))
		abort();
	err = fn(nlmsg_hdr(msg), arg);
	nlmsg_free(msg);
	return err;
}

/* What is asked for; @allowed are the attributes that the policy lets through. */
static bool read_grant(struct nl_msg *msg, uint32_t allowed, struct mock_grant *g,
		       char *text, size_t size)
{
	struct genlmsghdr *ghdr = genlmsg_hdr(nlmsg_hdr(msg));
	uint32_t seen = 0, u32 = 0;
	struct nlattr *attr;
	const char *name = "";
	bool ok = true;
	int rem;

	nla_for_each_attr(attr, genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), rem) {
		int type = nla_type(attr);
		size_t used = strlen(text);

		if (type >= 32 || !(allowed >> type & 1) || seen >> type & 1)
			return false;
		seen |= 1U << type;
		switch (type) {
		case PTX_A_GRANT_ID:
			ok &= ptx_nl_u64(attr, &g->id);
			snprintf(text + used, size - used, " id=%llu", (unsigned long long)g->id);
			break;
		case PTX_A_GRANT_DEVICE:
			ok &= ptx_nl_string(attr, &name);
			snprintf(g->device, sizeof(g->device), "%s", name);
			snprintf(text + used, size - used, " device=%s", name);
			break;
		case PTX_A_GRANT_VENDOR_ID:
			g->vendor = nla_get_u16(attr);
			snprintf(text + used, size - used, " vendor=%04x", g->vendor);
			break;
		case PTX_A_GRANT_POOLED:
			g->pooled = true;
			snprintf(text + used, size - used, " pooled");
			break;
		case PTX_A_GRANT_DMA_QUOTA:
			ok &= ptx_nl_u64(attr, &g->quota) && g->quota;
			snprintf(text + used, size - used, " quota=%llu",
				 (unsigned long long)g->quota);
			break;
		case PTX_A_GRANT_REVOKE:
			snprintf(text + used, size - used, " revoke");
			break;
		default:
			ok &= ptx_nl_u32(attr, &u32);
			if (type == PTX_A_GRANT_UID)
				g->uid = u32;
			else if (type == PTX_A_GRANT_GID)
				g->gid = u32;
			else if (type == PTX_A_GRANT_KIND)
				g->kind = u32;
			else
				g->max = u32;
			snprintf(text + used, size - used, " %s=%u",
				 type == PTX_A_GRANT_UID ? "uid" : type == PTX_A_GRANT_GID ? "gid" :
				 type == PTX_A_GRANT_KIND ? "kind" : "max", u32);
		}
	}
	g->has_uid = seen & A(UID);
	g->has_gid = seen & A(GID);
	g->has_kind = seen & A(KIND);
	return ok;
}

int mock_nl_grant(struct nl_msg *msg, bool dump, ptx_nl_reply_fn fn, void *arg,
		  struct ptx_nl_ack *ack)
{
	uint8_t cmd = genlmsg_hdr(nlmsg_hdr(msg))->cmd;
	const char *call = dump ? "grant-dump" : cmd == PTX_CMD_GRANT_NEW ? "grant-new" :
							   "grant-del";
	struct mock_grant g = { .id = 0 };
	const struct mock_fail *f;
	char text[256] = "";
	int err = 0;
	bool ok;

	ok = read_grant(msg, dump ? 0 : cmd == PTX_CMD_GRANT_DEL ? A(ID) | A(REVOKE) :
			A(UID) | A(GID) | A(DEVICE) | A(KIND) | A(VENDOR_ID) | A(MAX_DEVICES) |
			A(POOLED) | A(DMA_QUOTA),
			&g, text, sizeof(text));
	nlmsg_free(msg);
	mock_note("netlink %s%s", call, text);
	if (!ok || (cmd == PTX_CMD_GRANT_NEW && g.has_uid == g.has_gid)) {
		mock_note("INVALID");
		return -EINVAL;
	}
	if (mock.old && g.quota) {
		snprintf(ack->text, sizeof(ack->text), "Unknown attribute type");
		return -EINVAL;
	}
	f = mock_failing(call);
	if (f) {
		ack->reason = f->reason;
		snprintf(ack->text, sizeof(ack->text), "%s", f->text);
		return -f->err;
	}
	if (cmd == PTX_CMD_GRANT_NEW) {
		g.id = 100 + mock.nr_grants++;
		return send_grant(&g, fn, arg);
	}
	for (unsigned int i = 0; dump && !err && i < mock.nr_grants; i++)
		err = send_grant(&mock.grants[i], fn, arg);
	return err;
}
