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

int ptx_nl_put_devices(struct ptx_ctx *ctx, struct nl_msg *msg,
		       const char *const *devices, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (nla_put_string(msg, PTX_A_LEASE_DEVICE, devices[i]))
			return ptx_error_no_memory(ctx);
	}
	return 0;
}

int ptx_nl_put_options(struct ptx_ctx *ctx, struct nl_msg *msg,
		       const struct ptx_add_options *options)
{
	int err;

	if (!options)
		return 0;
	if (options->size < sizeof(*options) || options->nr_roms > PTX_ROMS_MAX ||
	    !options->roms != !options->nr_roms)
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	if (options->timeout_ms > PTX_REQUEST_TIMEOUT_MAX_MS)
		return ptx_error_setf(ctx, EINVAL, PTX_REASON_NONE, NULL,
				      "taking devices for a persistent lease may take at most %d s",
				      PTX_REQUEST_TIMEOUT_MAX_MS / 1000);
	err = ptx_driver_check(ctx, options->driver);
	if (err)
		return err;
	if ((options->driver && *options->driver &&
	     nla_put_string(msg, PTX_A_LEASE_DRIVER, options->driver)) ||
	    (options->flags && nla_put_u32(msg, PTX_A_LEASE_ADD_FLAGS, options->flags)) ||
	    (options->timeout_ms &&
	     nla_put_u32(msg, PTX_A_LEASE_TIMEOUT_MS, options->timeout_ms)) ||
	    (options->nr_roms &&
	     nla_put(msg, PTX_A_LEASE_ROM_SHA256,
		     (int)(options->nr_roms * sizeof(*options->roms)), options->roms)))
		return ptx_error_no_memory(ctx);
	return 0;
}

/* Ask each device what stands in its way, and keep the kernel's words. */
void ptx_collect_blockers(struct ptx_ctx *ctx, const char *const *devices, size_t nr)
{
	struct ptx_error kept = ctx->error;
	struct ptx_device *dev;

	if (kept.no_module || (kept.err != EBUSY && kept.err != ENODEV))
		return;
	for (size_t i = 0; i < nr; i++) {
		/* Nobody knows which that would have been. */
		if (ptx_name_is_vf(devices[i]) || ptx_name_is_vgpu(devices[i]))
			continue;
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
	ctx->error = kept;
}

/* Sends @msg, which is consumed, and is about the lease @ref. */
static int call(struct ptx_ctx *ctx, struct nl_msg *msg, const struct ptx_lease_ref *ref,
		struct ptx_lease_info **out)
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
	if (err)
		ptx_error_name_lease(ctx, ref);
	return err;
}

/* A lease that lives until released is root's to make; one on a file is not. */
static void say_right(struct ptx_ctx *ctx)
{
	if (ctx->error.reason == PTX_REASON_NO_RIGHT)
		ptx_error_set_remedy(ctx, "do it as root (CAP_SYS_ADMIN); for one who is granted "
				     "the devices: ptxctl run");
}

/* Is it the limit of the lease that says no? Then say which, and how to change it. */
static void say_limit(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref)
{
	struct ptx_lease_info *info;
	uint32_t max;

	if (ctx->error.reason != PTX_REASON_LIMIT)
		return;
	if (ptx_lease_info_get(ctx, ref, &info)) {
		ptx_error_set(ctx, E2BIG, PTX_REASON_LIMIT, NULL);
		return;
	}
	max = ptx_lease_info_max_devices(info);
	if (max) {
		ptx_error_setf(ctx, E2BIG, PTX_REASON_LIMIT, NULL,
			       "lease '%s' may hold %u device%s, and this would be more",
			       ptx_lease_info_name(info), max, max == 1 ? "" : "s");
		ptx_error_set_remedy(ctx, "those that come with a group count, too; let it hold "
				     "more: ptxctl restrict --max");
	}
	ptx_lease_info_free(info);
}

static int say_no_spaces(struct ptx_ctx *ctx, int err)
{
	return ptx_error_is_unknown_attr(ctx) ? ptx_error_no_spaces(ctx, EOPNOTSUPP) : err;
}

int ptx_persistent_new(struct ptx_ctx *ctx, const char *name, uid_t owner,
		       const char *const *devices, size_t nr_devices,
		       const struct ptx_add_options *options,
		       struct ptx_lease_info **out)
{
	return ptx_persistent_new_space(ctx, name, owner, devices, nr_devices, options, NULL,
					out);
}

int ptx_persistent_new_space(struct ptx_ctx *ctx, const char *name, uid_t owner,
			     const char *const *devices, size_t nr_devices,
			     const struct ptx_add_options *options,
			     const struct ptx_space_options *space,
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
		err = ptx_nl_put_devices(ctx, msg, devices, nr_devices);
	if (!err)
		err = ptx_nl_put_options(ctx, msg, options);
	if (!err && space)
		err = ptx_nl_put_space(ctx, msg, space);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = call(ctx, msg, &ref, out);
	if (err && space)
		err = say_no_spaces(ctx, err);
	if (err) {
		say_right(ctx);
		ptx_collect_blockers(ctx, devices, nr_devices);
	}
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
		err = ptx_nl_put_devices(ctx, msg, devices, nr_devices);
	if (!err)
		err = ptx_nl_put_options(ctx, msg, options);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = call(ctx, msg, ref, out);
	if (err) {
		say_right(ctx);
		say_limit(ctx, ref);
		ptx_collect_blockers(ctx, devices, nr_devices);
	}
	return err;
}

/**
 * struct wait - for devices to come home, maybe longer than one request may take
 * @ref: the lease; if long, by id: its name may become another's meanwhile
 * @timeout_ms: as the caller gave it
 * @end: if long, when to give up, else 0
 * @again: this is not the first request
 */
struct wait {
	struct ptx_lease_ref ref;
	uint32_t timeout_ms;
	int64_t end;
	bool again;
};

static int wait_begin(struct ptx_ctx *ctx, struct wait *wait, const struct ptx_lease_ref *ref,
		      uint32_t timeout_ms)
{
	struct ptx_lease_info *info;
	int err;

	*wait = (struct wait){ .ref = *ref, .timeout_ms = timeout_ms };
	if (timeout_ms <= PTX_REQUEST_TIMEOUT_MAX_MS)
		return 0;
	wait->end = ptx_now_ms() + timeout_ms;
	err = ptx_lease_info_get(ctx, ref, &info);
	if (err)
		return err;
	wait->ref.id = ptx_lease_info_id(info);
	ptx_lease_info_free(info);
	return 0;
}

/*
 * One request, for as long as it may take. Returns -EAGAIN when the kernel has
 * only to be asked again; what is under way goes on meanwhile.
 */
static int wait_ask(struct ptx_ctx *ctx, struct wait *wait, uint8_t cmd,
		    const char *const *devices, size_t nr_devices,
		    struct ptx_lease_info **out)
{
	uint32_t timeout_ms = wait->timeout_ms;
	struct nl_msg *msg;
	int64_t left;
	int err;

	if (wait->end) {
		left = wait->end - ptx_now_ms();
		timeout_ms = left < 1 ? 1 : left > PTX_REQUEST_TIMEOUT_MAX_MS ?
			     PTX_REQUEST_TIMEOUT_MAX_MS : (uint32_t)left;
	}
	msg = ptx_nl_new(ctx, cmd);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, &wait->ref);
	if (!err)
		err = ptx_nl_put_devices(ctx, msg, devices, nr_devices);
	if (!err && timeout_ms && nla_put_u32(msg, PTX_A_LEASE_TIMEOUT_MS, timeout_ms))
		err = ptx_error_no_memory(ctx);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = call(ctx, msg, &wait->ref, out);
	if (err == -ETIMEDOUT && wait->end && ptx_now_ms() < wait->end) {
		wait->again = true;
		return -EAGAIN;
	}
	return err;
}

int ptx_persistent_remove(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			  const char *const *devices, size_t nr_devices,
			  uint32_t timeout_ms, struct ptx_lease_info **out)
{
	struct wait wait;
	int err;

	if (out)
		*out = NULL;
	err = ptx_devices_check(ctx, devices, nr_devices, false);
	if (!err)
		err = wait_begin(ctx, &wait, ref, timeout_ms);
	if (err)
		return err;
	do {
		err = wait_ask(ctx, &wait, PTX_CMD_LEASE_REMOVE, devices, nr_devices, out);
	} while (err == -EAGAIN);
	/* Home between two requests. */
	if (err == -ENOENT && wait.again && ctx->error.reason == PTX_REASON_NOT_MEMBER) {
		ptx_error_clear(&ctx->error);
		err = out ? ptx_lease_info_get(ctx, &wait.ref, out) : 0;
	}
	return err;
}

int ptx_persistent_release(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			   uint32_t timeout_ms)
{
	struct wait wait;
	int err;

	err = wait_begin(ctx, &wait, ref, timeout_ms);
	if (err)
		return err;
	do {
		err = wait_ask(ctx, &wait, PTX_CMD_LEASE_RELEASE, NULL, 0, NULL);
	} while (err == -EAGAIN);
	/* Released between two requests. */
	if (err == -ENOENT && wait.again) {
		ptx_error_clear(&ctx->error);
		err = 0;
	}
	return err;
}

int ptx_persistent_revoke(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			  const struct ptx_revoke_options *options)
{
	struct nl_msg *msg;
	int err;

	if (options && (options->size < sizeof(*options) ||
			options->flags & ~(uint32_t)PTX_REVOKE_KILL ||
			(options->kill_ms && !options->flags)))
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	msg = ptx_nl_new(ctx, PTX_CMD_LEASE_REVOKE);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, ref);
	if (!err && options &&
	    (nla_put_u32(msg, PTX_A_LEASE_DEADLINE_MS, options->deadline_ms) ||
	     (options->flags && nla_put_u32(msg, PTX_A_LEASE_KILL_MS, options->kill_ms))))
		err = ptx_error_no_memory(ctx);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return call(ctx, msg, ref, NULL);
}

/* What is mapped already is in the way, rather than what is to be mapped. */
static void say_mapped(struct ptx_ctx *ctx)
{
	if (ctx->error.err != EBUSY)
		return;
	if (ctx->error.reason == PTX_REASON_DMA_WINDOW)
		ptx_error_set_remedy(ctx, "the VMM has memory mapped beside these windows; unmap it "
				     "all the same: ptxctl restrict --force");
	else if (ctx->error.reason == PTX_REASON_DMA_QUOTA)
		ptx_error_set_remedy(ctx, "see how much is mapped: ptxctl stats");
}

int ptx_persistent_restrict(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			    const struct ptx_restrict_options *options)
{
	const struct ptx_space_options *space = NULL;
	uint32_t flags = options->flags;
	struct nl_msg *msg;
	int err;

	/* A caller from before the struct grew has no space to set. */
	if (options->size >= sizeof(*options) && flags & PTX_RESTRICT_SPACE)
		space = options->space;
	if (options->size < offsetof(struct ptx_restrict_options, space) || !flags ||
	    flags >= PTX_RESTRICT_SPACE << 1 || !(flags & PTX_RESTRICT_SPACE) != !space)
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	msg = ptx_nl_new(ctx, PTX_CMD_LEASE_RESTRICT);
	if (!msg)
		return -ENOMEM;
	err = put_ref(ctx, msg, ref);
	if (!err &&
	    ((flags & PTX_RESTRICT_OWNER &&
	      nla_put_u32(msg, PTX_A_LEASE_OWNER, options->owner)) ||
	     (flags & PTX_RESTRICT_PROCESS &&
	      nla_put_u32(msg, PTX_A_LEASE_PID, (uint32_t)options->pid)) ||
	     (flags & PTX_RESTRICT_MAX_DEVICES &&
	      nla_put_u32(msg, PTX_A_LEASE_MAX_DEVICES, options->max_devices))))
		err = ptx_error_no_memory(ctx);
	if (!err && space)
		err = ptx_nl_put_space(ctx, msg, space);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	err = call(ctx, msg, ref, NULL);
	if (err && space) {
		err = say_no_spaces(ctx, err);
		say_mapped(ctx);
	}
	return err;
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
	return call(ctx, msg, ref, out);
}
