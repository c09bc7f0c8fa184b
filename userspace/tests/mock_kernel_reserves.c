// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel_reserves: the rules of the mock kernel that keep devices for its
 * pool. Like the others, it checks that requests keep to the contract, and notes
 * them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "mock_state.h"

#define A(name)	(1U << PTX_A_RESERVE_##name)

static int send_reserve(const struct mock_reserve *r, ptx_nl_reply_fn fn, void *arg)
{
	struct nl_msg *msg = nlmsg_alloc();
	int err;

	if (!msg ||
	    !genlmsg_put(msg, 0, 0, 30, 0, 0, PTX_CMD_RESERVE_GET, PTX_FAMILY_VERSION) ||
	    nla_put_u64(msg, PTX_A_RESERVE_ID, r->id) ||
	    (*r->device && nla_put_string(msg, PTX_A_RESERVE_DEVICE, r->device)) ||
	    (r->has_kind && nla_put_u32(msg, PTX_A_RESERVE_KIND, r->kind)) ||
	    (r->vendor && nla_put_u16(msg, PTX_A_RESERVE_VENDOR_ID, (uint16_t)r->vendor)) ||
	    (!strcmp(mock.bad_call, "reserve-dump") &&
	     nla_put(msg, (int)mock.bad_attr, (int)mock.bad_len, mock.root)))
		abort();
	err = fn(nlmsg_hdr(msg), arg);
	nlmsg_free(msg);
	return err;
}

/* What is asked for; @allowed are the attributes that the policy lets through. */
static bool read_reserve(struct nl_msg *msg, uint32_t allowed, struct mock_reserve *r,
			 char *text, size_t size)
{
	struct genlmsghdr *ghdr = genlmsg_hdr(nlmsg_hdr(msg));
	uint32_t seen = 0;
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
		case PTX_A_RESERVE_ID:
			ok &= ptx_nl_u64(attr, &r->id);
			snprintf(text + used, size - used, " id=%llu", (unsigned long long)r->id);
			break;
		case PTX_A_RESERVE_DEVICE:
			ok &= ptx_nl_string(attr, &name);
			snprintf(r->device, sizeof(r->device), "%s", name);
			snprintf(text + used, size - used, " device=%s", name);
			break;
		case PTX_A_RESERVE_KIND:
			ok &= ptx_nl_u32(attr, &r->kind);
			r->has_kind = true;
			snprintf(text + used, size - used, " kind=%u", r->kind);
			break;
		case PTX_A_RESERVE_VENDOR_ID:
			ok &= nla_len(attr) == 2;
			r->vendor = ok ? nla_get_u16(attr) : 0;
			snprintf(text + used, size - used, " vendor=%04x", r->vendor);
			break;
		}
	}
	return ok;
}

int mock_nl_reserve(struct nl_msg *msg, bool dump, ptx_nl_reply_fn fn, void *arg,
		    struct ptx_nl_ack *ack)
{
	uint8_t cmd = genlmsg_hdr(nlmsg_hdr(msg))->cmd;
	const char *call = dump ? "reserve-dump" :
			   cmd == PTX_CMD_RESERVE_NEW ? "reserve-new" : "reserve-del";
	struct mock_reserve r = { .id = 0 };
	const struct mock_fail *f;
	char text[256] = "";
	int err = 0;
	bool ok;

	ok = read_reserve(msg, dump ? 0 : cmd == PTX_CMD_RESERVE_DEL ? A(ID) :
			  A(DEVICE) | A(KIND) | A(VENDOR_ID), &r, text, sizeof(text));
	nlmsg_free(msg);
	mock_note("netlink %s%s", call, text);
	if (!ok) {
		mock_note("INVALID");
		return -EINVAL;
	}
	f = mock_failing(call);
	if (f) {
		ack->reason = f->reason;
		snprintf(ack->text, sizeof(ack->text), "%s", f->text);
		return -f->err;
	}
	if (cmd == PTX_CMD_RESERVE_NEW) {
		r.id = 200 + mock.nr_reserves++;
		return send_reserve(&r, fn, arg);
	}
	for (unsigned int i = 0; dump && !err && i < mock.nr_reserves; i++)
		err = send_reserve(&mock.reserves[i], fn, arg);
	return err;
}
