// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lease: a lease on a file, through the ioctls. Owns the file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

struct ptx_lease {
	struct ptx_ctx *ctx;
	int fd;
	uint64_t id;
};

int ptx_lease_name_check(struct ptx_ctx *ctx, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (n && n <= PTX_LEASE_NAME_MAX && ptx_utf8_valid(name, n))
		return 0;
	return ptx_error_malformed_setf(ctx, PTX_REASON_BAD_NAME,
		"a name is 1 to 63 bytes of UTF-8 without control characters",
		!n ? "a lease's name must not be empty" :
		n > PTX_LEASE_NAME_MAX ? "the lease's name is %zu bytes long" :
		"the lease's name (%zu bytes) is not UTF-8, or has control characters", n);
}

/* Only of what is to be made is a name more than one part of a path. */
static bool has_slash(const char *name)
{
	return strchr(name, '/') && !ptx_name_is_vf(name) && !ptx_name_is_vgpu(name);
}

/* What the kernel could only call EINVAL, caught where there is room for words. */
int ptx_devices_check(struct ptx_ctx *ctx, const char *const *devices, size_t nr,
		      bool may_be_empty)
{
	if (!nr && !may_be_empty)
		return ptx_error_malformed_setf(ctx, PTX_REASON_NONE, "name a device",
						"no device is named");
	if (nr > PTX_DEVICES_MAX)
		return ptx_error_setf(ctx, E2BIG, PTX_REASON_LIMIT, NULL,
				      "%zu devices in one request, which may name %d", nr,
				      PTX_DEVICES_MAX);
	for (size_t i = 0; i < nr; i++) {
		size_t n = strlen(devices[i]);

		if (!n || n > PTX_DEVICE_NAME_MAX || has_slash(devices[i]) ||
		    !ptx_utf8_valid(devices[i], n))
			return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
				"see what there is: ptxctl list -a",
				"device %zu of the request has no possible name", i + 1);
	}
	return 0;
}

int ptx_driver_check(struct ptx_ctx *ctx, const char *driver)
{
	size_t n = driver ? strlen(driver) : 0;

	if (n <= PTX_DEVICE_NAME_MAX)
		return 0;
	return ptx_error_malformed_setf(ctx, PTX_REASON_BAD_DRIVER,
					"leave the choice to ptx",
					"the driver's name is %zu bytes long", n);
}

static int lease_new(struct ptx_ctx *ctx, int fd, uint64_t id, struct ptx_lease **out)
{
	struct ptx_lease *lease = malloc(sizeof(*lease));

	if (!lease)
		return ptx_error_no_memory(ctx);
	lease->ctx = ctx;
	lease->fd = fd;
	lease->id = id;
	*out = lease;
	return 0;
}

int ptx_lease_create(struct ptx_ctx *ctx, const char *name,
		     const struct ptx_lease_options *options,
		     struct ptx_lease **out)
{
	struct ptx_lease_create arg = { .size = sizeof(arg), .out_fd = -1 };
	int err;

	*out = NULL;
	err = ptx_lease_name_check(ctx, name);
	if (err)
		return err;
	if (options) {
		if (options->size < sizeof(*options))
			return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
		arg.flags = options->flags;
		if (options->flags & PTX_LEASE_CREATE_BIND)
			arg.pidfd = options->pidfd;
		if (options->flags & PTX_LEASE_CREATE_OWNER)
			arg.owner = options->owner;
	}
	err = ptx_ctx_open(ctx);
	if (err)
		return err;
	arg.name = (uintptr_t)name;
	arg.name_len = (uint32_t)strlen(name);
	err = ctx->sys->ioctl(ctx->fd, PTX_LEASE_CREATE, &arg);
	if (err) {
		enum ptx_reason reason = (enum ptx_reason)arg.out_reason;

		if (err == -EOPNOTSUPP && reason == PTX_REASON_NONE &&
		    arg.flags & PTX_LEASE_CREATE_SPACE)
			return ptx_error_no_spaces(ctx, EOPNOTSUPP);
		if (reason == PTX_REASON_NAME_TAKEN)
			return ptx_error_setf(ctx, -err, reason, NULL,
					      "another lease is called '%s'", name);
		if (reason == PTX_REASON_LIMIT) {
			ptx_error_setf(ctx, -err, reason, NULL,
				       "you have as many leases as one may have without root");
			ptx_error_set_remedy(ctx, "release some: ptxctl leases");
			return err;
		}
		return ptx_error_set(ctx, -err, reason, NULL);
	}
	err = lease_new(ctx, arg.out_fd, arg.out_id, out);
	if (err)
		close(arg.out_fd);
	return err;
}

static int query(struct ptx_ctx *ctx, int fd, struct ptx_member_info *members, uint32_t max,
		 struct ptx_lease_query *arg)
{
	int err;

	memset(arg, 0, sizeof(*arg));
	arg->size = sizeof(*arg);
	arg->members = (uintptr_t)members;
	arg->max_members = max;
	err = ctx->sys->ioctl(fd, PTX_LEASE_QUERY, arg);
	return err ? ptx_error_set(ctx, -err, PTX_REASON_NONE, NULL) : 0;
}

int ptx_lease_adopt(struct ptx_ctx *ctx, int fd, struct ptx_lease **out)
{
	struct ptx_lease_query arg;
	int err;

	*out = NULL;
	err = query(ctx, fd, NULL, 0, &arg);
	if (err)
		return err;
	return lease_new(ctx, fd, arg.out_id, out);
}

void ptx_lease_close(struct ptx_lease *lease)
{
	if (!lease)
		return;
	close(lease->fd);
	free(lease);
}

int ptx_lease_fd(const struct ptx_lease *lease)
{
	return lease->fd;
}

struct ptx_ctx *ptx_lease_ctx(const struct ptx_lease *lease)
{
	return lease->ctx;
}

uint64_t ptx_lease_id(const struct ptx_lease *lease)
{
	return lease->id;
}

/* The form the ioctls take; ptx_devices_check() has seen that they fit. */
static struct ptx_device_name *name_array(struct ptx_ctx *ctx, const char *const *devices,
					  size_t nr)
{
	struct ptx_device_name *names = calloc(nr, sizeof(*names));

	if (!names) {
		ptx_error_no_memory(ctx);
		return NULL;
	}
	for (size_t i = 0; i < nr; i++)
		memcpy(names[i].name, devices[i], strlen(devices[i]));
	return names;
}

static int add_failed(struct ptx_ctx *ctx, int err, struct ptx_lease_add *arg,
		      const struct ptx_blocker *blockers)
{
	uint32_t nr = arg->out_nr_blockers;

	if (nr > arg->max_blockers)
		nr = arg->max_blockers;
	arg->out_culprit[sizeof(arg->out_culprit) - 1] = '\0';
	ptx_error_set(ctx, -err, (enum ptx_reason)arg->out_reason, arg->out_culprit);
	for (uint32_t i = 0; i < nr; i++)
		ptx_error_add_blocker(ctx, &blockers[i]);
	return err;
}

/* The device is not what one needs the right to, but its sriov_numvfs. */
static void say_vf_right(struct ptx_ctx *ctx, const char *const *devices, size_t nr)
{
	char remedy[PTX_DEVICE_NAME_SIZE + 96], physfn[PTX_DEVICE_NAME_SIZE];
	size_t n;

	if (ctx->error.reason != PTX_REASON_NO_RIGHT)
		return;
	n = (size_t)snprintf(physfn, sizeof(physfn), "%s", ctx->error.culprit);
	for (size_t i = 0; i < nr; i++) {
		const char *text = devices[i] + strlen(PTX_VF_PREFIX);

		if (!ptx_name_is_vf(devices[i]) || strncmp(text, physfn, n) ||
		    (text[n] && text[n] != '/'))
			continue;
		ptx_error_setf(ctx, ctx->error.err, PTX_REASON_NO_RIGHT, physfn,
			       "%s: no virtual functions of it are enabled, and you may not enable "
			       "any", physfn);
		snprintf(remedy, sizeof(remedy), "have root enable some first: "
			 "/sys/bus/pci/devices/%s/sriov_numvfs", physfn);
		ptx_error_set_remedy(ctx, remedy);
		return;
	}
}

int ptx_lease_add(struct ptx_lease *lease, const char *const *devices,
		  size_t nr_devices, const struct ptx_add_options *options,
		  struct ptx_lease_info **added)
{
	struct ptx_lease_add arg = { .size = sizeof(arg) };
	struct ptx_device_name *names = NULL;
	struct ptx_ctx *ctx = lease->ctx;
	struct ptx_blocker *blockers = NULL;
	struct ptx_member_info *members = NULL;
	struct ptx_lease_info *info = NULL;
	uint32_t nr;
	int err;

	if (added)
		*added = NULL;
	err = ptx_devices_check(ctx, devices, nr_devices, false);
	if (!err && options)
		err = ptx_driver_check(ctx, options->driver);
	if (err)
		return err;
	if (options) {
		if (options->size < sizeof(*options) ||
		    options->nr_roms > PTX_ROMS_MAX || !options->roms != !options->nr_roms)
			return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
		arg.roms = (uintptr_t)options->roms;
		arg.nr_roms = options->nr_roms;
		arg.flags = options->flags;
		arg.timeout_ms = options->timeout_ms;
		if (options->driver)
			memcpy(arg.driver, options->driver, strlen(options->driver));
	}
	names = name_array(ctx, devices, nr_devices);
	if (!names)
		return -ENOMEM;
	/* Before the call, so that nothing can fail after it. */
	members = calloc(PTX_DEVICES_MAX, sizeof(*members));
	blockers = calloc(PTX_DEVICES_MAX, sizeof(*blockers));
	info = ptx_lease_info_new();
	if (!members || !blockers || !info || ptx_lease_info_reserve(info, PTX_DEVICES_MAX)) {
		err = ptx_error_no_memory(ctx);
		goto out;
	}
	arg.devices = (uintptr_t)names;
	arg.nr_devices = (uint32_t)nr_devices;
	arg.members = (uintptr_t)members;
	arg.max_members = PTX_DEVICES_MAX;
	arg.blockers = (uintptr_t)blockers;
	arg.max_blockers = PTX_DEVICES_MAX;
	err = ctx->sys->ioctl(lease->fd, PTX_LEASE_ADD, &arg);
	if (err) {
		err = add_failed(ctx, err, &arg, blockers);
		say_vf_right(ctx, devices, nr_devices);
		goto out;
	}
	if (!added)
		goto out;
	nr = arg.out_nr_members;
	if (nr > PTX_DEVICES_MAX)
		nr = PTX_DEVICES_MAX;
	ptx_lease_info_fill(info, members, nr);
	ptx_lease_info_set_state(info, lease->id, PTX_LEASE_STATE_ACTIVE);
	*added = info;
	info = NULL;
out:
	ptx_lease_info_free(info);
	free(blockers);
	free(members);
	free(names);
	return err;
}

int ptx_lease_remove(struct ptx_lease *lease, const char *const *devices,
		     size_t nr_devices, uint32_t timeout_ms)
{
	struct ptx_lease_remove arg = { .size = sizeof(arg), .timeout_ms = timeout_ms };
	struct ptx_ctx *ctx = lease->ctx;
	struct ptx_device_name *names;
	int err;

	err = ptx_devices_check(ctx, devices, nr_devices, false);
	if (err)
		return err;
	names = name_array(ctx, devices, nr_devices);
	if (!names)
		return -ENOMEM;
	arg.devices = (uintptr_t)names;
	arg.nr_devices = (uint32_t)nr_devices;
	err = ctx->sys->ioctl(lease->fd, PTX_LEASE_REMOVE, &arg);
	free(names);
	if (!err)
		return 0;
	arg.out_culprit[sizeof(arg.out_culprit) - 1] = '\0';
	return ptx_error_set(ctx, -err, (enum ptx_reason)arg.out_reason, arg.out_culprit);
}

int ptx_lease_query(struct ptx_lease *lease, struct ptx_lease_info **out)
{
	struct ptx_ctx *ctx = lease->ctx;
	struct ptx_lease_info *info;
	struct ptx_member_info *members = NULL, *bigger;
	struct ptx_lease_query arg;
	uint32_t max = 0;
	int err;

	*out = NULL;
	for (;;) {
		err = query(ctx, lease->fd, members, max, &arg);
		if (err || arg.out_nr_members <= max)
			break;
		/* Some room to spare: it may grow between two calls. */
		max = arg.out_nr_members + 16;
		bigger = max < 1 << 20 ? reallocarray(members, max, sizeof(*members)) : NULL;
		if (!bigger) {
			err = ptx_error_no_memory(ctx);
			break;
		}
		members = bigger;
	}
	if (!err) {
		info = ptx_lease_info_new();
		if (info && !ptx_lease_info_reserve(info, arg.out_nr_members)) {
			ptx_lease_info_fill(info, members, arg.out_nr_members);
			ptx_lease_info_set_state(info, arg.out_id,
						 (enum ptx_lease_state)arg.out_state);
			*out = info;
		} else {
			ptx_lease_info_free(info);
			err = ptx_error_no_memory(ctx);
		}
	}
	free(members);
	return err;
}

int ptx_lease_release(struct ptx_lease *lease, uint32_t timeout_ms)
{
	struct ptx_lease_release arg = { .size = sizeof(arg), .timeout_ms = timeout_ms };
	struct ptx_ctx *ctx = lease->ctx;
	int err;

	err = ctx->sys->ioctl(lease->fd, PTX_LEASE_RELEASE, &arg);
	if (!err)
		return 0;
	arg.out_culprit[sizeof(arg.out_culprit) - 1] = '\0';
	return ptx_error_set(ctx, -err, (enum ptx_reason)arg.out_reason, arg.out_culprit);
}

int ptx_lease_revoke(struct ptx_lease *lease, const struct ptx_revoke_options *options)
{
	struct ptx_lease_revoke arg = { .size = sizeof(arg) };
	struct ptx_ctx *ctx = lease->ctx;
	int err;

	if (options) {
		if (options->size < sizeof(*options))
			return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
		arg.flags = options->flags;
		arg.deadline_ms = options->deadline_ms;
		arg.kill_ms = options->kill_ms;
	}
	err = ctx->sys->ioctl(lease->fd, PTX_LEASE_REVOKE, &arg);
	return err ? ptx_error_set(ctx, -err, (enum ptx_reason)arg.out_reason, NULL) : 0;
}

int ptx_lease_wait(struct ptx_lease *lease, enum ptx_lease_state state, int timeout_ms)
{
	struct pollfd pfd = { .fd = lease->fd };
	struct ptx_ctx *ctx = lease->ctx;
	int n;

	if (state == PTX_LEASE_STATE_DRAINING)
		pfd.events = POLLPRI;
	else if (state != PTX_LEASE_STATE_RELEASED)
		return ptx_error_set(ctx, EINVAL, PTX_REASON_NONE, NULL);
	n = ctx->sys->poll(&pfd, 1, timeout_ms);
	if (n < 0)
		return ptx_error_set(ctx, -n, PTX_REASON_NONE, NULL);
	if (!n)
		return 0;
	if (pfd.revents & POLLNVAL)
		return ptx_error_set(ctx, EBADF, PTX_REASON_NONE, NULL);
	return 1;
}
