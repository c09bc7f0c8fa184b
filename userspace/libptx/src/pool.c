// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pool: asks for devices to be pooled, and for rules that keep new ones for it.
 * No state of its own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <libptx/pool.h>
#include "internal.h"

int ptx_pool_add(struct ptx_ctx *ctx, const char *const *devices, size_t nr_devices,
		 const struct ptx_add_options *options)
{
	struct nl_msg *msg;
	int err;

	err = ptx_devices_check(ctx, devices, nr_devices, false);
	if (err)
		return err;
	if (options && options->driver && *options->driver)
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	msg = ptx_nl_new(ctx, PTX_CMD_POOL_ADD);
	if (!msg)
		return -ENOMEM;
	err = ptx_nl_put_devices(ctx, msg, devices, nr_devices);
	if (!err)
		err = ptx_nl_put_options(ctx, msg, options);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = ptx_nl_call(ctx, msg, NULL, NULL);
	if (err)
		ptx_collect_blockers(ctx, devices, nr_devices);
	if (err && ctx->error.reason == PTX_REASON_NO_RESET)
		ptx_error_set_remedy(ctx, "the pool resets what it gets: take a device that can be "
				     "reset (ptxctl info has the ways)");
	return err;
}

int ptx_pool_remove(struct ptx_ctx *ctx, const char *const *devices, size_t nr_devices,
		    uint32_t timeout_ms)
{
	struct nl_msg *msg;
	int err;

	err = ptx_devices_check(ctx, devices, nr_devices, false);
	if (err)
		return err;
	if (timeout_ms > PTX_REQUEST_TIMEOUT_MAX_MS)
		return ptx_error_setf(ctx, EINVAL, PTX_REASON_NONE, NULL,
				      "taking devices out of the pool may take at most %d s",
				      PTX_REQUEST_TIMEOUT_MAX_MS / 1000);
	msg = ptx_nl_new(ctx, PTX_CMD_POOL_REMOVE);
	if (!msg)
		return -ENOMEM;
	err = ptx_nl_put_devices(ctx, msg, devices, nr_devices);
	if (!err && timeout_ms && nla_put_u32(msg, PTX_A_LEASE_TIMEOUT_MS, timeout_ms))
		err = ptx_error_no_memory(ctx);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = ptx_nl_call(ctx, msg, NULL, NULL);
	if (err == -ENOENT)
		ptx_error_set_remedy(ctx, "see what it has: ptxctl pool show");
	return err;
}

static int parse_reserve(struct nlmsghdr *hdr, struct ptx_reserve *rule)
{
	struct genlmsghdr *ghdr;
	struct nlattr *attr;
	uint32_t u32 = 0;
	bool ok = true;
	int rem;

	if (!genlmsg_valid_hdr(hdr, 0))
		return -EPROTO;
	ghdr = genlmsg_hdr(hdr);
	memset(rule, 0, sizeof(*rule));
	rule->size = sizeof(*rule);
	rule->kind = PTX_KIND_ANY;
	nla_for_each_attr(attr, genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), rem) {
		switch (nla_type(attr)) {
		case PTX_A_RESERVE_ID:
			ok &= ptx_nl_u64(attr, &rule->id);
			break;
		case PTX_A_RESERVE_DEVICE:
			ok &= ptx_nl_name(attr, rule->device);
			break;
		case PTX_A_RESERVE_KIND:
			ok &= ptx_nl_u32(attr, &u32);
			rule->kind = (enum ptx_kind)u32;
			break;
		case PTX_A_RESERVE_VENDOR_ID:
			if (nla_len(attr) == (int)sizeof(rule->vendor))
				rule->vendor = nla_get_u16(attr);
			else
				ok = false;
			break;
		}
	}
	return ok ? 0 : -EPROTO;
}

static int take_one(struct nlmsghdr *hdr, void *arg)
{
	return parse_reserve(hdr, arg);
}

int ptx_reserve_new(struct ptx_ctx *ctx, struct ptx_reserve *rule)
{
	struct ptx_reserve made = { .id = 0 };
	struct nl_msg *msg;
	int err;

	if (rule->size < sizeof(*rule) ||
	    !memchr(rule->device, '\0', sizeof(rule->device)))
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	msg = ptx_nl_new(ctx, PTX_CMD_RESERVE_NEW);
	if (!msg)
		return -ENOMEM;
	if ((*rule->device && nla_put_string(msg, PTX_A_RESERVE_DEVICE, rule->device)) ||
	    (rule->kind != PTX_KIND_ANY &&
	     nla_put_u32(msg, PTX_A_RESERVE_KIND, (uint32_t)rule->kind)) ||
	    (rule->vendor && nla_put_u16(msg, PTX_A_RESERVE_VENDOR_ID, rule->vendor))) {
		nlmsg_free(msg);
		return ptx_error_no_memory(ctx);
	}
	err = ptx_nl_call(ctx, msg, take_one, &made);
	if (err == -E2BIG)
		return ptx_error_setf(ctx, E2BIG, PTX_REASON_NONE, NULL,
				      "there are too many rules: withdraw some");
	if (!err && !made.id)
		err = ptx_error_set(ctx, EPROTO, PTX_REASON_NONE, NULL);
	if (!err)
		rule->id = made.id;
	return err;
}

int ptx_reserve_withdraw(struct ptx_ctx *ctx, uint64_t id)
{
	struct nl_msg *msg = ptx_nl_new(ctx, PTX_CMD_RESERVE_DEL);
	int err;

	if (!msg)
		return -ENOMEM;
	if (nla_put_u64(msg, PTX_A_RESERVE_ID, id)) {
		nlmsg_free(msg);
		return ptx_error_no_memory(ctx);
	}
	err = ptx_nl_call(ctx, msg, NULL, NULL);
	if (err == -ENOENT)
		ptx_error_set_remedy(ctx, "see which there are: ptxctl pool show");
	return err;
}

/**
 * struct collect - rules being read
 * @list: so far
 * @nr: how many
 */
struct collect {
	struct ptx_reserve *list;
	size_t nr;
};

static int collect_one(struct nlmsghdr *hdr, void *arg)
{
	struct collect *c = arg;

	if (!ptx_grow(&c->list, c->nr, sizeof(*c->list)))
		return -ENOMEM;
	return parse_reserve(hdr, &c->list[c->nr++]);
}

static void forget(void *arg)
{
	struct collect *c = arg;

	c->nr = 0;
}

int ptx_reserve_list_get(struct ptx_ctx *ctx, struct ptx_reserve **list, size_t *nr)
{
	struct collect c = { .nr = 0 };
	int err;

	*list = NULL;
	*nr = 0;
	err = ptx_nl_dump(ctx, PTX_CMD_RESERVE_GET, collect_one, &c, forget);
	if (err) {
		free(c.list);
		return err;
	}
	*list = c.list;
	*nr = c.nr;
	return 0;
}
