// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/ptx and lease files: the ioctl table and its marshalling, nothing else.
 * Owns the two kinds of file; a lease file holds one reference to its lease.
 */
#include <linux/anon_inodes.h>
#include <linux/compat.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <uapi/linux/ptx.h>

#include "access.h"
#include "batch.h"
#include "chardev.h"
#include "group.h"
#include "lease.h"
#include "ptx_main.h"
#include "revoke.h"
#include "rom.h"
#include "space.h"
#include "vfio_iommu.h"
#include "vfio_pci.h"
#include "window.h"

/* More blockers than this are counted, not listed. */
#define PTX_BLOCKERS_MAX	64

/**
 * struct ptx_call - an ioctl under way
 * @lease: for ioctls of a lease file
 * @user: where the caller's struct is
 * @user_size: and how large
 * @size: how large ours is
 * @arg: our copy of it
 * @replied: it has been copied back
 */
struct ptx_call {
	struct ptx_lease *lease;
	void __user *user;
	size_t user_size;
	size_t size;
	void *arg;
	bool replied;
};

static const struct file_operations ptx_lease_fops;

static int ptx_call_reply(struct ptx_call *call)
{
	call->replied = true;
	if (copy_to_user(call->user, call->arg, min(call->size, call->user_size)))
		return -EFAULT;
	return 0;
}

static int ptx_timeout_get(u32 given, u32 *ms)
{
	if (given > PTX_TIMEOUT_MAX_MS)
		return -EINVAL;
	*ms = given ?: PTX_TIMEOUT_DEFAULT_MS;
	return 0;
}

static struct ptx_device_name *ptx_devices_get(u64 user, u32 nr)
{
	struct ptx_device_name *devices;
	u32 i;

	if (!nr)
		return ERR_PTR(-EINVAL);
	if (nr > PTX_DEVICES_MAX)
		return ERR_PTR(-E2BIG);
	devices = memdup_array_user(u64_to_user_ptr(user), nr, sizeof(*devices));
	if (IS_ERR(devices))
		return devices;
	for (i = 0; i < nr; i++)
		if (!devices[i].name[0] ||
		    !memchr(devices[i].name, '\0', sizeof(devices[i].name))) {
			kfree(devices);
			return ERR_PTR(-EINVAL);
		}
	return devices;
}

static struct ptx_roms *ptx_roms_get(u64 user, u32 nr)
{
	struct ptx_roms *roms;

	if (!nr)
		return user ? ERR_PTR(-EINVAL) : NULL;
	if (nr > PTX_ROMS_MAX)
		return ERR_PTR(-E2BIG);
	roms = kmalloc(struct_size(roms, rom, nr), GFP_KERNEL);
	if (!roms)
		return ERR_PTR(-ENOMEM);
	roms->nr = nr;
	if (copy_from_user(roms->rom, u64_to_user_ptr(user), nr * sizeof(*roms->rom))) {
		kfree(roms);
		return ERR_PTR(-EFAULT);
	}
	return roms;
}

static int ptx_ioctl_info(struct ptx_call *call)
{
	struct ptx_info *info = call->arg;

	if (info->flags)
		return -EOPNOTSUPP;
	info->out_abi = PTX_ABI_VERSION;
	info->out_features = PTX_FEATURE_SPACE | PTX_VFIO_IOMMU_FEATURES;
	if (IS_ENABLED(CONFIG_IOMMUFD) && IS_ENABLED(CONFIG_VFIO_DEVICE_CDEV))
		info->out_features |= PTX_FEATURE_IOMMUFD;
	if (ptx_iommu_present())
		info->out_features |= PTX_FEATURE_IOMMU;
	if (ptx_inline)
		info->out_features |= PTX_FEATURE_INLINE;
	return 0;
}

static int ptx_lease_install(struct ptx_call *call, struct ptx_lease *lease)
{
	struct ptx_lease_create *create = call->arg;
	struct file *file;
	int fd, ret;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto err_drain;
	}
	/* The file takes our reference over; its release drains the lease. */
	file = anon_inode_getfile("[ptx-lease]", &ptx_lease_fops, lease,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_put_fd;
	}
	create->out_fd = fd;
	create->out_id = lease->id;
	create->out_reason = PTX_REASON_NONE;
	ret = ptx_call_reply(call);
	if (ret) {
		fput(file);
		put_unused_fd(fd);
		return ret;
	}
	fd_install(fd, file);
	return 0;

err_put_fd:
	put_unused_fd(fd);
err_drain:
	if (ret == -ENOMEM)
		create->out_reason = PTX_REASON_NO_MEMORY;
	ptx_lease_drain(lease);
	ptx_lease_put(lease);
	return ret;
}

static int ptx_ioctl_lease_create(struct ptx_call *call)
{
	struct ptx_lease_create *create = call->arg;
	bool bind = create->flags & PTX_LEASE_CREATE_BIND;
	bool owned = create->flags & PTX_LEASE_CREATE_OWNER;
	char name[PTX_LEASE_NAME_MAX];
	kuid_t owner = current_euid();
	struct file *pidfd = NULL;
	struct ptx_lease *lease;
	u32 reason = PTX_REASON_NONE;

	create->out_fd = -1;
	create->out_id = 0;
	create->out_reason = PTX_REASON_NONE;
	if (create->flags & ~(PTX_LEASE_CREATE_BIND | PTX_LEASE_CREATE_OWNER |
			      PTX_LEASE_CREATE_SPACE))
		return -EOPNOTSUPP;
	if (create->reserved || (!bind && create->pidfd) ||
	    (!owned && create->owner))
		return -EINVAL;
	if (owned) {
		owner = make_kuid(current_user_ns(), create->owner);
		if (!uid_valid(owner))
			return -EINVAL;
	}
	if (!uid_eq(owner, current_euid()) && !ptx_may(PTX_RIGHT_CHANGE)) {
		create->out_reason = PTX_REASON_NO_RIGHT;
		return -EPERM;
	}
	if (!create->name_len || create->name_len > PTX_LEASE_NAME_MAX) {
		create->out_reason = PTX_REASON_BAD_NAME;
		return -EINVAL;
	}
	if (copy_from_user(name, u64_to_user_ptr(create->name), create->name_len))
		return -EFAULT;
	if (bind) {
		pidfd = fget(create->pidfd);
		if (!pidfd) {
			create->out_reason = PTX_REASON_BAD_PROCESS;
			return -EBADF;
		}
	}
	lease = ptx_lease_create(name, create->name_len, owner, false,
				 create->flags & PTX_LEASE_CREATE_SPACE, pidfd, &reason);
	if (pidfd)
		fput(pidfd);
	if (IS_ERR(lease)) {
		create->out_reason = reason;
		return PTR_ERR(lease);
	}
	return ptx_lease_install(call, lease);
}

/**
 * struct ptx_call_add - a request to add devices, and the ioctl it came by
 * @add: first
 * @call: the ioctl
 */
struct ptx_call_add {
	struct ptx_add add;
	struct ptx_call *call;
};

static int ptx_members_put(struct ptx_lease *lease, struct ptx_claim **claims,
			   u32 nr_claims, bool publish, u64 user, u32 max, u32 *nr)
{
	struct ptx_member_info __user *out = u64_to_user_ptr(user);
	struct ptx_member_info info;
	struct ptx_member *member;
	u32 i;

	*nr = 0;
	for (i = 0; i < nr_claims; i++)
		ptx_for_each_member(member, claims[i]) {
			if (out && *nr < max) {
				ptx_member_describe(lease, member, &info, publish);
				if (copy_to_user(&out[*nr], &info, sizeof(info)))
					return -EFAULT;
			}
			(*nr)++;
		}
	return 0;
}

/* Everything that can fail happens here, before the members are published. */
static int ptx_call_add_report(struct ptx_add *add, struct ptx_lease *lease)
{
	struct ptx_call *call = container_of(add, struct ptx_call_add, add)->call;
	struct ptx_lease_add *arg = call->arg;
	int ret;

	ret = ptx_members_put(lease, add->claims, add->nr_claims, true, arg->members,
			      arg->max_members, &arg->out_nr_members);
	return ret ?: ptx_call_reply(call);
}

static int ptx_ioctl_lease_add(struct ptx_call *call)
{
	struct ptx_lease_add *arg = call->arg;
	struct ptx_call_add add = {
		.add.report = ptx_call_add_report,
		.call = call,
	};
	struct ptx_blockers blockers = {};
	struct ptx_device_name *devices;
	struct ptx_roms *roms;
	int ret;

	arg->out_nr_members = 0;
	arg->out_nr_blockers = 0;
	arg->out_reason = PTX_REASON_NONE;
	memset(arg->out_culprit, 0, sizeof(arg->out_culprit));
	if (arg->flags & ~PTX_ADD_FLAGS_ALL)
		return -EOPNOTSUPP;
	if (arg->flags & PTX_ADD_FLAGS_OVERRIDE && !ptx_may(PTX_RIGHT_FORCE)) {
		arg->out_reason = PTX_REASON_NO_RIGHT;
		return -EPERM;
	}
	if (arg->reserved || arg->reserved2 || !memchr(arg->driver, '\0', sizeof(arg->driver)) ||
	    ptx_timeout_get(arg->timeout_ms, &add.add.timeout_ms))
		return -EINVAL;
	/* A grant is for one's own leases, and for no driver but ours. */
	add.add.needs_grant = !ptx_may(PTX_RIGHT_CHANGE);
	if (add.add.needs_grant &&
	    (!uid_eq(current_euid(), READ_ONCE(call->lease->owner)) ||
	     (arg->driver[0] && !ptx_vfio_is_ours(arg->driver)))) {
		arg->out_reason = PTX_REASON_NO_RIGHT;
		return -EPERM;
	}
	devices = ptx_devices_get(arg->devices, arg->nr_devices);
	if (IS_ERR(devices)) {
		if (PTR_ERR(devices) == -E2BIG)
			arg->out_reason = PTX_REASON_LIMIT;
		return PTR_ERR(devices);
	}
	roms = ptx_roms_get(arg->roms, arg->nr_roms);
	if (IS_ERR(roms)) {
		arg->out_reason = PTR_ERR(roms) == -E2BIG ? PTX_REASON_LIMIT :
				  PTR_ERR(roms) == -ENOMEM ? PTX_REASON_NO_MEMORY :
							     PTX_REASON_NONE;
		kfree(devices);
		return PTR_ERR(roms);
	}
	if (arg->blockers && arg->max_blockers) {
		blockers.max = min_t(u32, arg->max_blockers, PTX_BLOCKERS_MAX);
		blockers.list = kcalloc(blockers.max, sizeof(*blockers.list),
					GFP_KERNEL);
		if (!blockers.list) {
			arg->out_reason = PTX_REASON_NO_MEMORY;
			kfree(roms);
			kfree(devices);
			return -ENOMEM;
		}
	}
	add.add.devices = devices;
	add.add.nr_devices = arg->nr_devices;
	add.add.flags = arg->flags;
	add.add.roms = roms;
	add.add.driver = arg->driver[0] ? arg->driver : PTX_VFIO_DRIVER;
	add.add.blockers = &blockers;
	ret = ptx_lease_add(call->lease, &add.add);
	if (ret) {
		call->replied = false;
		arg->out_nr_members = 0;
		arg->out_nr_blockers = blockers.nr;
		arg->out_reason = blockers.first.reason;
		strscpy(arg->out_culprit, blockers.first.culprit);
		if (blockers.list &&
		    copy_to_user(u64_to_user_ptr(arg->blockers), blockers.list,
				 min(blockers.nr, blockers.max) *
				 sizeof(*blockers.list)))
			ret = -EFAULT;
	}
	kfree(blockers.list);
	kfree(roms);
	kfree(devices);
	return ret;
}

static int ptx_ioctl_lease_remove(struct ptx_call *call)
{
	struct ptx_lease_remove *arg = call->arg;
	struct ptx_device_name *devices;
	struct ptx_fault fault = {};
	u32 timeout_ms;
	int ret;

	arg->out_reason = PTX_REASON_NONE;
	memset(arg->out_culprit, 0, sizeof(arg->out_culprit));
	if (arg->flags)
		return -EOPNOTSUPP;
	if (arg->reserved || ptx_timeout_get(arg->timeout_ms, &timeout_ms))
		return -EINVAL;
	devices = ptx_devices_get(arg->devices, arg->nr_devices);
	if (IS_ERR(devices)) {
		if (PTR_ERR(devices) == -E2BIG)
			arg->out_reason = PTX_REASON_LIMIT;
		return PTR_ERR(devices);
	}
	ret = ptx_lease_remove(call->lease, devices, arg->nr_devices, timeout_ms,
			       &fault);
	kfree(devices);
	arg->out_reason = fault.reason;
	strscpy(arg->out_culprit, fault.culprit);
	return ret;
}

static int ptx_ioctl_lease_query(struct ptx_call *call)
{
	struct ptx_lease_query *arg = call->arg;
	struct ptx_claim **claims;
	u32 nr;
	int ret;

	if (arg->flags)
		return -EOPNOTSUPP;
	if (arg->reserved)
		return -EINVAL;
	arg->out_id = call->lease->id;
	arg->out_state = READ_ONCE(call->lease->state);
	claims = ptx_lease_claims(call->lease, &nr);
	if (IS_ERR(claims))
		return PTR_ERR(claims);
	ret = ptx_members_put(call->lease, claims, nr, false, arg->members,
			      arg->max_members, &arg->out_nr_members);
	ptx_lease_put_claims(claims, nr);
	return ret;
}

static int ptx_ioctl_lease_release(struct ptx_call *call)
{
	struct ptx_lease_release *arg = call->arg;
	struct ptx_fault fault = {};
	u32 timeout_ms;
	int ret;

	arg->out_reason = PTX_REASON_NONE;
	memset(arg->out_culprit, 0, sizeof(arg->out_culprit));
	if (arg->flags)
		return -EOPNOTSUPP;
	if (ptx_timeout_get(arg->timeout_ms, &timeout_ms))
		return -EINVAL;
	ret = ptx_lease_release(call->lease, timeout_ms, &fault);
	arg->out_reason = fault.reason;
	strscpy(arg->out_culprit, fault.culprit);
	return ret;
}

static int ptx_ioctl_lease_revoke(struct ptx_call *call)
{
	struct ptx_lease_revoke *arg = call->arg;
	bool kill = arg->flags & PTX_REVOKE_KILL;

	arg->out_reason = PTX_REASON_NONE;
	if (arg->flags & ~PTX_REVOKE_KILL)
		return -EOPNOTSUPP;
	if (arg->reserved || arg->deadline_ms > PTX_REVOKE_MAX_MS ||
	    arg->kill_ms > PTX_REVOKE_MAX_MS || (!kill && arg->kill_ms))
		return -EINVAL;
	return ptx_lease_revoke(call->lease, arg->deadline_ms, kill, arg->kill_ms,
				&arg->out_reason);
}

static int ptx_ioctl_space_change(struct ptx_call *call)
{
	struct ptx_space_change *arg = call->arg;
	struct ptx_batch batch = { .nr = arg->nr_ops };
	struct ptx_space_op *ops;
	int ret;

	arg->out_op = arg->nr_ops;
	arg->out_unmapped = 0;
	arg->out_reason = PTX_REASON_NONE;
	if (arg->flags)
		return -EOPNOTSUPP;
	if (arg->reserved || !arg->nr_ops)
		return -EINVAL;
	if (arg->nr_ops > PTX_SPACE_OPS_MAX) {
		arg->out_reason = PTX_REASON_LIMIT;
		return -E2BIG;
	}
	if (!call->lease->space) {
		arg->out_reason = PTX_REASON_NO_SPACE;
		return -EOPNOTSUPP;
	}
	ops = vmemdup_array_user(u64_to_user_ptr(arg->ops), arg->nr_ops, sizeof(*ops));
	if (IS_ERR(ops)) {
		if (PTR_ERR(ops) == -ENOMEM)
			arg->out_reason = PTX_REASON_NO_MEMORY;
		return PTR_ERR(ops);
	}
	batch.ops = ops;
	ret = ptx_space_change(call->lease->space, &batch);
	kvfree(ops);
	if (ret) {
		arg->out_op = batch.op;
		arg->out_reason = batch.reason;
	}
	arg->out_unmapped = batch.unmapped;
	return ret;
}

static int ptx_ioctl_space_window(struct ptx_call *call)
{
	struct ptx_space_window *arg = call->arg;
	bool add = arg->flags & PTX_SPACE_WINDOW_ADD;
	bool force = arg->flags & PTX_SPACE_WINDOW_FORCE;

	arg->out_reason = PTX_REASON_NONE;
	if (arg->flags & ~(PTX_SPACE_WINDOW_ADD | PTX_SPACE_WINDOW_REMOVE |
			   PTX_SPACE_WINDOW_FORCE))
		return -EOPNOTSUPP;
	if (arg->reserved || add == !!(arg->flags & PTX_SPACE_WINDOW_REMOVE) ||
	    (add && force) || !ptx_window_is_valid(arg->first, arg->last))
		return -EINVAL;
	if (!call->lease->space) {
		arg->out_reason = PTX_REASON_NO_SPACE;
		return -EOPNOTSUPP;
	}
	/* Who is restricted may restrict itself further, and no more. */
	if (add && !ptx_may(PTX_RIGHT_CHANGE)) {
		arg->out_reason = PTX_REASON_NO_RIGHT;
		return -EPERM;
	}
	if (add)
		return ptx_window_allow(call->lease->space, arg->first, arg->last,
					&arg->out_reason);
	return ptx_window_forbid(call->lease->space, arg->first, arg->last, force,
				 &arg->out_reason);
}

static int ptx_ioctl_space_quota(struct ptx_call *call)
{
	struct ptx_space_quota *arg = call->arg;

	arg->out_reason = PTX_REASON_NONE;
	if (arg->flags)
		return -EOPNOTSUPP;
	if (arg->reserved)
		return -EINVAL;
	if (!call->lease->space) {
		arg->out_reason = PTX_REASON_NO_SPACE;
		return -EOPNOTSUPP;
	}
	return ptx_space_set_quota(call->lease->space, arg->bytes, ptx_may(PTX_RIGHT_CHANGE),
				   &arg->out_reason);
}

static int ptx_ioctl_space_stats(struct ptx_call *call)
{
	struct ptx_space_stats *arg = call->arg;
	struct ptx_windows *windows;
	int ret = 0;

	if (arg->flags || !call->lease->space)
		return -EOPNOTSUPP;
	if (arg->reserved)
		return -EINVAL;
	ptx_space_describe(call->lease->space, arg);
	windows = ptx_space_copy_windows(call->lease->space);
	if (!windows)
		return -ENOMEM;
	arg->out_nr_windows = windows->nr;
	if (arg->windows &&
	    copy_to_user(u64_to_user_ptr(arg->windows), windows->range,
			 min(windows->nr, arg->max_windows) * sizeof(*windows->range)))
		ret = -EFAULT;
	kfree(windows);
	return ret;
}

/**
 * struct ptx_ioctl - a row of the ioctl table
 * @cmd: the ioctl's number
 * @size: of its struct as we know it
 * @min_size: of its struct as it first was
 * @on_lease: it belongs to lease files, not to /dev/ptx
 * @reason: where its out_reason is, or 0
 * @right: what it asks of the caller
 * @handler: carries it out
 */
struct ptx_ioctl {
	unsigned int cmd;
	size_t size;
	size_t min_size;
	bool on_lease;
	size_t reason;
	enum ptx_right right;
	int (*handler)(struct ptx_call *call);
};

#define PTX_IOCTL(_cmd, _struct, _last, _on_lease, _reason, _right, _handler) { \
	.cmd = _cmd,							\
	.size = sizeof(struct _struct),					\
	.min_size = offsetofend(struct _struct, _last),			\
	.on_lease = _on_lease,						\
	.reason = _reason,						\
	.right = _right,						\
	.handler = _handler,						\
}

static const struct ptx_ioctl ptx_ioctls[] = {
	PTX_IOCTL(PTX_INFO, ptx_info, out_features, false, 0,
		  PTX_RIGHT_ANY, ptx_ioctl_info),
	PTX_IOCTL(PTX_LEASE_CREATE, ptx_lease_create, reserved, false,
		  offsetof(struct ptx_lease_create, out_reason),
		  PTX_RIGHT_LEASE, ptx_ioctl_lease_create),
	PTX_IOCTL(PTX_LEASE_ADD, ptx_lease_add, out_culprit, true,
		  offsetof(struct ptx_lease_add, out_reason),
		  PTX_RIGHT_LEASE, ptx_ioctl_lease_add),
	PTX_IOCTL(PTX_LEASE_REMOVE, ptx_lease_remove, out_culprit, true,
		  offsetof(struct ptx_lease_remove, out_reason),
		  PTX_RIGHT_HOLD, ptx_ioctl_lease_remove),
	PTX_IOCTL(PTX_LEASE_QUERY, ptx_lease_query, reserved, true, 0,
		  PTX_RIGHT_HOLD, ptx_ioctl_lease_query),
	PTX_IOCTL(PTX_LEASE_RELEASE, ptx_lease_release, out_culprit, true,
		  offsetof(struct ptx_lease_release, out_reason),
		  PTX_RIGHT_HOLD, ptx_ioctl_lease_release),
	PTX_IOCTL(PTX_LEASE_REVOKE, ptx_lease_revoke, reserved, true,
		  offsetof(struct ptx_lease_revoke, out_reason),
		  PTX_RIGHT_HOLD, ptx_ioctl_lease_revoke),
	PTX_IOCTL(PTX_SPACE_CHANGE, ptx_space_change, reserved, true,
		  offsetof(struct ptx_space_change, out_reason),
		  PTX_RIGHT_HOLD, ptx_ioctl_space_change),
	PTX_IOCTL(PTX_SPACE_WINDOW, ptx_space_window, reserved, true,
		  offsetof(struct ptx_space_window, out_reason),
		  PTX_RIGHT_HOLD, ptx_ioctl_space_window),
	PTX_IOCTL(PTX_SPACE_QUOTA, ptx_space_quota, reserved, true,
		  offsetof(struct ptx_space_quota, out_reason),
		  PTX_RIGHT_HOLD, ptx_ioctl_space_quota),
	PTX_IOCTL(PTX_SPACE_STATS, ptx_space_stats, out_map_times, true, 0,
		  PTX_RIGHT_HOLD, ptx_ioctl_space_stats),
};

union ptx_ioctl_arg {
	struct ptx_info info;
	struct ptx_lease_create create;
	struct ptx_lease_add add;
	struct ptx_lease_remove remove;
	struct ptx_lease_query query;
	struct ptx_lease_release release;
	struct ptx_lease_revoke revoke;
	struct ptx_space_change space_change;
	struct ptx_space_window space_window;
	struct ptx_space_quota space_quota;
	struct ptx_space_stats space_stats;
};

static long ptx_ioctl(struct ptx_lease *lease, unsigned int cmd,
		      unsigned long user)
{
	const struct ptx_ioctl *row = NULL;
	union ptx_ioctl_arg arg;
	struct ptx_call call = {
		.lease = lease,
		.user = (void __user *)user,
		.arg = &arg,
	};
	u32 user_size;
	unsigned int i;
	int ret, reply;

	for (i = 0; i < ARRAY_SIZE(ptx_ioctls); i++)
		if (ptx_ioctls[i].cmd == cmd &&
		    ptx_ioctls[i].on_lease == !!lease)
			row = &ptx_ioctls[i];
	if (!row)
		return -ENOTTY;
	if (get_user(user_size, (u32 __user *)call.user))
		return -EFAULT;
	if (user_size < row->min_size)
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;
	memset(&arg, 0, sizeof(arg));
	ret = copy_struct_from_user(&arg, row->size, call.user, user_size);
	if (ret)
		return ret;
	call.user_size = user_size;
	call.size = row->size;
	if (!ptx_may(row->right)) {
		ret = -EPERM;
		if (row->reason)
			*(u32 *)((void *)&arg + row->reason) = PTX_REASON_NO_RIGHT;
	} else {
		/* Nothing is done for somebody who cannot be told of it. */
		ret = ptx_call_reply(&call);
		call.replied = false;
		if (!ret)
			ret = row->handler(&call);
	}
	if (!call.replied) {
		/* On failure the error matters more than why it can't be told. */
		reply = ptx_call_reply(&call);
		ret = ret ?: reply;
	}
	return ret;
}

static long ptx_dev_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return ptx_ioctl(NULL, cmd, arg);
}

static const struct file_operations ptx_dev_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ptx_dev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static long ptx_lease_file_ioctl(struct file *file, unsigned int cmd,
				 unsigned long arg)
{
	return ptx_ioctl(file->private_data, cmd, arg);
}

static __poll_t ptx_lease_file_poll(struct file *file, poll_table *table)
{
	struct ptx_lease *lease = file->private_data;

	poll_wait(file, &lease->wait, table);
	switch (READ_ONCE(lease->state)) {
	case PTX_LEASE_STATE_DRAINING:
		return EPOLLPRI;
	case PTX_LEASE_STATE_RELEASED:
		return EPOLLPRI | EPOLLHUP;
	default:
		return 0;
	}
}

static int ptx_lease_file_release(struct inode *inode, struct file *file)
{
	struct ptx_lease *lease = file->private_data;

	ptx_lease_drain(lease);
	ptx_lease_put(lease);
	return 0;
}

static void ptx_lease_file_fdinfo(struct seq_file *m, struct file *file)
{
	struct ptx_lease *lease = file->private_data;

	seq_printf(m, "ptx-lease:\t%llu\nptx-name:\t%s\nptx-state:\t%d\n",
		   lease->id, lease->name, READ_ONCE(lease->state));
}

static const struct file_operations ptx_lease_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = ptx_lease_file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = ptx_lease_file_poll,
	.release = ptx_lease_file_release,
	.show_fdinfo = ptx_lease_file_fdinfo,
	.llseek = noop_llseek,
};

/* Open to all; each ioctl asks for its right. */
static struct miscdevice ptx_dev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "ptx",
	.fops = &ptx_dev_fops,
	.mode = 0666,
};

int ptx_chardev_init(void)
{
	return misc_register(&ptx_dev);
}

void ptx_chardev_exit(void)
{
	misc_deregister(&ptx_dev);
}
