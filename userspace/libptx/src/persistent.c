// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * persistent: leases by name or id, through netlink. The kernel's answer to a
 * refusal is one sentence; the blockers are asked for afterwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

static int put_ref(struct ptx_ctx *ctx, struct nl_msg *msg, const struct ptx_lease_ref *ref)
{
	int err;

	if (ref->id)
		return nla_put_u64(msg, PTX_A_LEASE_ID, ref->id) ?
		       ptx_error_no_memory(ctx) : 0;
	err = ptx_lease_name_check(ctx, ref->name);
	if (err)
		return err;
	return nla_put_string(msg, PTX_A_LEASE_NAME, ref->name) ? ptx_error_no_memory(ctx) : 0;
}

static int put_devices(struct ptx_ctx *ctx, struct nl_msg *msg,
		       const char *const *devices, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (nla_put_string(msg, PTX_A_LEASE_DEVICE, devices[i]))
			return ptx_error_no_memory(ctx);
	}
	return 0;
}

static int put_options(struct ptx_ctx *ctx, struct nl_msg *msg,
		       const struct ptx_add_options *options)
{
	int err;

	if (!options)
		return 0;
	if (options->size < sizeof(*options))
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	err = ptx_driver_check(ctx, options->driver);
	if (err)
		return err;
	if ((options->driver && *options->driver &&
	     nla_put_string(msg, PTX_A_LEASE_DRIVER, options->driver)) ||
	    (options->flags && nla_put_u32(msg, PTX_A_LEASE_ADD_FLAGS, options->flags)) ||
	    (options->timeout_ms &&
	     nla_put_u32(msg, PTX_A_LEASE_TIMEOUT_MS, options->timeout_ms)))
		return ptx_error_no_memory(ctx);
	return 0;
}

static void set_reason(struct ptx_error *e, enum ptx_reason reason)
{
	e->reason = reason;
	ptx_reason_remedy(reason, e->culprit, e->remedy, sizeof(e->remedy));
}

/*
 * Ask each device what stands in its way, and keep the kernel's words. In
 * exact mode a device can be free and still be refused.
 */
static void collect_blockers(struct ptx_ctx *ctx, const char *const *devices, size_t nr,
			     const struct ptx_add_options *options)
{
	struct ptx_error kept = ctx->error;
	struct ptx_device *dev;

	if (kept.no_module || (kept.err != EBUSY && kept.err != ENODEV))
		return;
	for (size_t i = 0; i < nr; i++) {
		memset(&ctx->error, 0, sizeof(ctx->error));
		if (ptx_device_get(ctx, devices[i], &dev)) {
			struct ptx_blocker gone = {
				.reason = ctx->error.err == ENODEV ? PTX_REASON_NO_DEVICE :
								     PTX_REASON_NONE,
			};

			strncpy(gone.culprit, devices[i], sizeof(gone.culprit) - 1);
			ptx_error_clear(&ctx->error);
			ctx->error = kept;
			if (gone.reason)
				ptx_error_add_blocker(ctx, &gone);
		} else {
			ptx_error_clear(&ctx->error);
			ctx->error = kept;
			for (size_t j = 0; j < ptx_device_nr_blockers(dev); j++)
				ptx_error_add_blocker(ctx, ptx_device_blocker(dev, j));
			ptx_device_free(dev);
		}
		kept = ctx->error;
	}
	if (kept.reason != PTX_REASON_NONE)
		return;
	if (kept.nr_blockers) {
		memcpy(kept.culprit, kept.blockers[0].culprit, sizeof(kept.culprit));
		set_reason(&kept, (enum ptx_reason)kept.blockers[0].reason);
	} else if (options && options->flags & PTX_ADD_FLAGS_EXACT) {
		set_reason(&kept, PTX_REASON_GROUP_SHARED);
	}
	ctx->error = kept;
}

/* Sends @msg, which is consumed. */
static int call(struct ptx_ctx *ctx, struct nl_msg *msg, struct ptx_lease_info **out)
{
	struct ptx_lease_info *info = NULL;
	int err;

	err = ptx_nl_call(ctx, msg, ptx_lease_info_reply, &info);
	if (!err && out && !info)
		err = ptx_error_set(ctx, EPROTO, PTX_REASON_NONE, NULL);
	if (!err && out)
		*out = info;
	else
		ptx_lease_info_free(info);
	return err;
}

int ptx_persistent_new(struct ptx_ctx *ctx, const char *name, uid_t owner,
		       const char *const *devices, size_t nr_devices,
		       const struct ptx_add_options *options,
		       struct ptx_lease_info **out)
{
	struct ptx_lease_ref ref = { .name = name };
	struct nl_msg *msg;
	int err;

	if (out)
		*out = NULL;
	err = ptx_devices_check(ctx, devices, nr_devices, true);
	if (err)
		return err;
	msg = ptx_nl_new(ctx, PTX_CMD_LEASE_NEW);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, &ref);
	if (!err && owner != (uid_t)-1 && nla_put_u32(msg, PTX_A_LEASE_OWNER, owner))
		err = ptx_error_no_memory(ctx);
	if (!err)
		err = put_devices(ctx, msg, devices, nr_devices);
	if (!err)
		err = put_options(ctx, msg, options);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = call(ctx, msg, out);
	if (err)
		collect_blockers(ctx, devices, nr_devices, options);
	return err;
}

int ptx_persistent_add(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
		       const char *const *devices, size_t nr_devices,
		       const struct ptx_add_options *options,
		       struct ptx_lease_info **out)
{
	struct nl_msg *msg;
	int err;

	if (out)
		*out = NULL;
	err = ptx_devices_check(ctx, devices, nr_devices, false);
	if (err)
		return err;
	msg = ptx_nl_new(ctx, PTX_CMD_LEASE_ADD);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, ref);
	if (!err)
		err = put_devices(ctx, msg, devices, nr_devices);
	if (!err)
		err = put_options(ctx, msg, options);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = call(ctx, msg, out);
	if (err)
		collect_blockers(ctx, devices, nr_devices, options);
	return err;
}

int ptx_persistent_remove(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			  const char *const *devices, size_t nr_devices,
			  uint32_t timeout_ms, struct ptx_lease_info **out)
{
	struct nl_msg *msg;
	int err;

	if (out)
		*out = NULL;
	err = ptx_devices_check(ctx, devices, nr_devices, false);
	if (err)
		return err;
	msg = ptx_nl_new(ctx, PTX_CMD_LEASE_REMOVE);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, ref);
	if (!err)
		err = put_devices(ctx, msg, devices, nr_devices);
	if (!err && timeout_ms && nla_put_u32(msg, PTX_A_LEASE_TIMEOUT_MS, timeout_ms))
		err = ptx_error_no_memory(ctx);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return call(ctx, msg, out);
}

int ptx_persistent_release(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			   uint32_t timeout_ms)
{
	struct nl_msg *msg;
	int err;

	msg = ptx_nl_new(ctx, PTX_CMD_LEASE_RELEASE);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, ref);
	if (!err && timeout_ms && nla_put_u32(msg, PTX_A_LEASE_TIMEOUT_MS, timeout_ms))
		err = ptx_error_no_memory(ctx);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return call(ctx, msg, NULL);
}

int ptx_lease_info_get(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
		       struct ptx_lease_info **out)
{
	struct nl_msg *msg;
	int err;

	*out = NULL;
	msg = ptx_nl_new(ctx, PTX_CMD_LEASE_GET);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, ref);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return call(ctx, msg, out);
}
