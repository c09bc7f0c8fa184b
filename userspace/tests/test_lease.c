// SPDX-License-Identifier: GPL-2.0-only
/* Leases on files: what goes to the kernel, and every errno that comes back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "../libptx/src/internal.h"
#include "mock_kernel.h"
#include "tap.h"

static const char script[] =
	"device 0000:01:00.0 kind=nvme group=9 driver=nvme\n"
	"device 0000:02:00.0 kind=gpu group=10 mates=0000:02:00.1,0000:00:03.0 keeps_memory=1\n"
	"device 0000:02:00.1 kind=audio group=10 driver=snd_hda_intel\n"
	"device 0000:00:03.0 kind=bridge group=10\n"
	"device 0000:03:00.0 kind=other\n"
	"blocker 0000:03:00.0 reason=no-group\n"
	"blocker 0000:03:00.0 reason=held culprit=0000:04:00.0 lease=77\n";

/* The contract's own list. */
static const int errnos[] = {
	ENOTTY, EINVAL, E2BIG, EOPNOTSUPP, EFAULT, EPERM, ENODEV, EBUSY, EEXIST, ENOENT,
	ESHUTDOWN, ESRCH, ETIMEDOUT, EINTR, EIO, ENOMEM, EBADF,
};

static struct ptx_ctx *ctx;

/* A byte more than a name may have. */
static char too_long[PTX_DEVICE_NAME_SIZE + 1];

static const char *const nvme[] = { "0000:01:00.0" };
static const char *const two[] = { "0000:01:00.0", "0000:02:00.0" };

static void fresh(void)
{
	ptx_ctx_free(ctx);
	mock_reset();
	mock_script(script);
	if (ptx_ctx_new(&ctx))
		exit(99);
}

static void no_module(void)
{
	struct ptx_lease *lease;
	struct ptx_info info;

	mock_script("absent");
	is_int(ptx_ctx_info(ctx, &info), -ENODEV, "no module");
	ok(ptx_error_no_module(ptx_ctx_error(ctx)), "is told apart");
	has_str(ptx_error_message(ptx_ctx_error(ctx)), "not loaded", "says so");
	has_str(ptx_error_remedy(ptx_ctx_error(ctx)), "modprobe ptx", "and what to do");
	is_int(ptx_lease_create(ctx, "x", NULL, &lease), -ENODEV, "no lease without it");
	fresh();
	mock_script("open errno=EACCES");
	is_int(ptx_ctx_info(ctx, &info), -EACCES, "no right to open it");
	ok(!ptx_error_no_module(ptx_ctx_error(ctx)), "is something else");
	has_str(ptx_error_message(ptx_ctx_error(ctx)), "may not open /dev/ptx", "says so");
	fresh();
	mock_script("open errno=EMFILE");
	is_int(ptx_ctx_info(ctx, &info), -EMFILE, "no file left");
	fresh();
	is_int(ptx_ctx_info(ctx, &info), 0, "the module answers");
	is_int(info.out_abi, 1, "with its contract");
	mock_script("info abi=0");
	is_int(ptx_ctx_info(ctx, &info), -EPROTO, "a contract that is none");
}

static void create(void)
{
	struct ptx_lease_options options = {
		.size = sizeof(options),
		.flags = PTX_LEASE_CREATE_BIND | PTX_LEASE_CREATE_OWNER,
		.owner = 1000,
	};
	struct ptx_lease *lease;
	char name[100];

	fresh();
	is_int(ptx_lease_create(ctx, "vm", NULL, &lease), 0, "a plain lease");
	ok(fcntl(ptx_lease_fd(lease), F_GETFD) & FD_CLOEXEC, "its file is closed on exec");
	is_int(ptx_lease_id(lease), 1, "its id");
	has_str(mock_log(), "create size=ok name=vm flags=0 owner=0 pidfd=no", "as asked");
	ptx_lease_close(lease);

	mock_log_clear();
	/* The mock takes any file that never becomes readable for a process. */
	options.pidfd = eventfd(0, EFD_CLOEXEC);
	is_int(ptx_lease_create(ctx, "gr\xc3\xbc\xc3\x9f", &options, &lease), 0, "with everything");
	has_str(mock_log(), "flags=3 owner=1000 pidfd=yes", "as asked");
	ptx_lease_close(lease);

	/* Values without their flags must not reach the kernel. */
	mock_log_clear();
	options.flags = 0;
	is_int(ptx_lease_create(ctx, "v", &options, &lease), 0, "values without flags");
	has_str(mock_log(), "flags=0 owner=0 pidfd=no", "stay here");
	ptx_lease_close(lease);
	close(options.pidfd);

	options.size = 1;
	is_int(ptx_lease_create(ctx, "v", &options, &lease), -EINVAL, "options of no size");
	mock_log_clear();
	memset(name, 'a', sizeof(name));
	name[63] = '\0';
	is_int(ptx_lease_create(ctx, name, NULL, &lease), 0, "63 bytes of name");
	ptx_lease_close(lease);
	mock_log_clear();
	name[63] = 'a';
	name[64] = '\0';
	is_int(ptx_lease_create(ctx, name, NULL, &lease), -EINVAL, "64 bytes");
	is_int(ptx_error_reason(ptx_ctx_error(ctx)), PTX_REASON_BAD_NAME, "its reason");
	is_int(ptx_lease_create(ctx, "", NULL, &lease), -EINVAL, "no name");
	is_int(ptx_lease_create(ctx, NULL, NULL, &lease), -EINVAL, "really none");
	is_int(ptx_lease_create(ctx, "a\nb", NULL, &lease), -EINVAL, "a control character");
	is_int(ptx_lease_create(ctx, "\xff", NULL, &lease), -EINVAL, "no UTF-8");
	is_str(mock_log(), "", "of which the kernel hears nothing");

	mock_script("fail create errno=EEXIST reason=name-taken");
	is_int(ptx_lease_create(ctx, "vm", NULL, &lease), -EEXIST, "a name that is taken");
	has_str(ptx_error_message(ptx_ctx_error(ctx)), "'vm'", "is named");
}

static struct ptx_lease *make(void)
{
	struct ptx_lease *lease;

	if (ptx_lease_create(ctx, "vm", NULL, &lease))
		exit(99);
	return lease;
}

static void add(void)
{
	struct ptx_add_options options = {
		.size = sizeof(options),
		.flags = PTX_ADD_FLAGS_EXACT,
		.timeout_ms = 1234,
		.driver = "vfio-pci",
	};
	const struct ptx_lease_member *m;
	struct ptx_lease_info *info;
	struct ptx_lease *lease;

	fresh();
	lease = make();
	is_int(ptx_lease_add(lease, two, 2, NULL, &info), 0, "two devices");
	has_str(mock_log(), "add size=ok devices=0000:01:00.0,0000:02:00.0 flags=0 driver= timeout=0",
		"as asked");
	is_int(ptx_lease_info_nr_members(info), 3, "three come");
	is_int(ptx_lease_info_state(info), PTX_LEASE_STATE_ACTIVE, "the lease is active");
	m = ptx_lease_info_member(info, 0);
	is_str(ptx_lease_member_device(m), "0000:01:00.0", "the first");
	is_str(ptx_lease_member_native_driver(m), "nvme", "its driver at home");
	is_str(ptx_lease_member_driver(m), "ptx-vfio-pci", "its driver now");
	is_str(ptx_lease_member_cdev(m), NULL, "no character device");
	is_int(ptx_lease_member_group(m), 9, "its group");
	is_int(ptx_lease_member_kind(m), PTX_KIND_NVME, "its kind");
	ok(ptx_lease_member_requested(m) && !ptx_lease_member_opened(m), "its flags");
	m = ptx_lease_info_member(info, 2);
	is_str(ptx_lease_member_device(m), "0000:02:00.1", "the mate");
	ok(!ptx_lease_member_requested(m), "was not asked for");
	ok(ptx_lease_member_keeps_memory(ptx_lease_info_member(info, 1)),
	   "memory that outlives a reset");
	ok(!ptx_lease_member_keeps_memory(m) &&
	   !ptx_lease_member_keeps_memory(ptx_lease_info_member(info, 0)), "of no other");
	ok(!ptx_lease_info_member(info, 3), "no more");
	ptx_lease_info_free(info);

	mock_log_clear();
	is_int(ptx_lease_add(lease, nvme, 1, &options, NULL), 0, "with options");
	has_str(mock_log(), "flags=1 driver=vfio-pci timeout=1234", "as asked");
	mock_log_clear();
	options.flags = PTX_ADD_FLAGS_CLEAR_MEMORY;
	is_int(ptx_lease_add(lease, nvme, 1, &options, NULL), 0, "their memory cleared");
	has_str(mock_log(), " flags=16 ", "as asked");
	options.driver = too_long;
	is_int(ptx_lease_add(lease, nvme, 1, &options, NULL), -EINVAL, "a driver's name too long");
	options.driver = NULL;
	options.size = 3;
	is_int(ptx_lease_add(lease, nvme, 1, &options, NULL), -EINVAL, "options of no size");
	ptx_lease_close(lease);
}

static void add_vf_refused(struct ptx_lease *lease, const char *name, size_t nr, int err,
			   enum ptx_reason reason)
{
	const struct ptx_error *e = ptx_ctx_error(ctx);
	const char *names[8];

	for (size_t i = 0; i < nr; i++)
		names[i] = name;
	is_int(ptx_lease_add(lease, names, nr, NULL, NULL), -err, "%zu of %s", nr, name);
	is_int(ptx_error_reason(e), reason, "why not");
	is_str(ptx_error_culprit(e), name + strlen(PTX_VF_PREFIX), "the device");
	ok(*ptx_error_remedy(e), "and what to do");
}

static void add_vfs(void)
{
	static const char *const vfs[] = {
		"vf:0000:05:00.0", "0000:01:00.0", "vf:0000:05:00.0",
	};
	const struct ptx_error *e;
	struct ptx_lease_info *info;
	struct ptx_lease *lease;

	fresh();
	e = ptx_ctx_error(ctx);
	mock_script("device 0000:05:00.0 kind=nic group=50 total_vfs=4\n"
		    "device 0000:06:00.0 kind=nic group=60 total_vfs=4\n"
		    "device 0000:06:00.1 kind=nic group=61 physfn=0000:06:00.0 driver=igbvf\n");
	lease = make();
	is_int(ptx_lease_add(lease, vfs, 3, NULL, &info), 0, "two virtual functions and another");
	has_str(mock_log(), "devices=vf:0000:05:00.0,0000:01:00.0,vf:0000:05:00.0 ", "as asked");
	is_int(ptx_lease_info_nr_members(info), 3, "three come");
	is_str(ptx_lease_member_device(ptx_lease_info_member(info, 0)), "0000:05:00.1", "one");
	is_str(ptx_lease_member_device(ptx_lease_info_member(info, 1)), "0000:01:00.0", "two");
	is_str(ptx_lease_member_device(ptx_lease_info_member(info, 2)), "0000:05:00.2", "three");
	ok(ptx_lease_member_requested(ptx_lease_info_member(info, 2)), "it was asked for");
	ptx_lease_info_free(info);
	is_int(ptx_lease_add(lease, (const char *const[]){ "vf:0000:06:00.0" }, 1, NULL, NULL), 0,
	       "one that is there");
	add_vf_refused(lease, "vf:0000:05:00.0", 1, EBUSY, PTX_REASON_VFS_USED_UP);
	has_str(ptx_error_remedy(e), "devices/0000:05:00.0/sriov_numvfs", "where");
	is_int(ptx_error_nr_blockers(e), 1, "its blocker");
	add_vf_refused(lease, "vf:0000:06:00.0", 5, EBUSY, PTX_REASON_VFS_USED_UP);
	add_vf_refused(lease, "vf:0000:01:00.0", 1, EOPNOTSUPP, PTX_REASON_NO_SRIOV);
	add_vf_refused(lease, "vf:0000:09:00.0", 1, ENODEV, PTX_REASON_NO_DEVICE);
	mock_script("fail add errno=EIO reason=vf-failed culprit=0000:05:00.0");
	add_vf_refused(lease, "vf:0000:05:00.0", 2, EIO, PTX_REASON_VF_FAILED);
	has_str(ptx_error_remedy(e), "dmesg | grep 0000:05:00.0", "that of a driver");
	mock_script("fail add errno=EPERM reason=no-right culprit=0000:05:00.0");
	add_vf_refused(lease, "vf:0000:05:00.0", 2, EPERM, PTX_REASON_NO_RIGHT);
	has_str(ptx_error_message(e), "no virtual functions of it are enabled", "in words");
	has_str(ptx_error_remedy(e), "devices/0000:05:00.0/sriov_numvfs", "what root can do");
	mock_script("fail add errno=EPERM reason=no-right culprit=0000:01:00.0");
	is_int(ptx_lease_add(lease, vfs, 3, NULL, NULL), -EPERM, "no right to another");
	has_str(ptx_error_message(e), "0000:01:00.0: you may not", "is that");
	ptx_lease_close(lease);
}

static void add_refused(void)
{
	static const char *const odd[] = {
		"", too_long, "../../etc", "a\x1b[2J", "\xff",
	};
	const char *many[PTX_DEVICES_MAX + 1];
	const struct ptx_error *e;
	struct ptx_lease_info *info = (void *)1;
	struct ptx_lease *lease;

	fresh();
	lease = make();
	e = ptx_ctx_error(ctx);
	mock_script("fail add errno=EBUSY reason=group-blocked culprit=0000:03:00.0");
	is_int(ptx_lease_add(lease, nvme, 1, NULL, &info), -EBUSY, "a device that is blocked");
	ok(!info, "nothing comes of it");
	is_int(ptx_error_reason(e), PTX_REASON_GROUP_BLOCKED, "its reason");
	is_str(ptx_error_culprit(e), "0000:03:00.0", "its culprit");
	has_str(ptx_error_message(e), "0000:03:00.0: ", "the message names it");
	has_str(ptx_error_remedy(e), "ptxctl check 0000:03:00.0", "and so does the remedy");
	is_int(ptx_error_nr_blockers(e), 2, "every blocker");
	is_int(ptx_error_blocker(e, 1)->lease, 77, "with the lease that holds it");
	ok(!ptx_error_blocker(e, 2), "and no more");

	mock_script("fail add errno=EBUSY reason=held culprit=0000:03:00.0 text=\"many blockers\"");
	is_int(ptx_lease_add(lease, nvme, 1, NULL, NULL), -EBUSY, "more blockers than there is room");
	ok(ptx_error_nr_blockers(e) <= PTX_DEVICES_MAX, "are cut off");

	mock_script("fail add errno=EBUSY reason=999 culprit=0000:03:00.0");
	is_int(ptx_lease_add(lease, nvme, 1, NULL, NULL), -EBUSY, "a reason of the future");
	has_str(ptx_error_message(e), "0000:03:00.0: ", "still names the device");

	mock_log_clear();
	for (size_t i = 0; i < PTX_ARRAY_SIZE(odd); i++)
		is_int(ptx_lease_add(lease, &odd[i], 1, NULL, NULL), -EINVAL, "odd name %zu", i);
	is_int(ptx_lease_add(lease, nvme, 0, NULL, NULL), -EINVAL, "no device");
	for (size_t i = 0; i < PTX_ARRAY_SIZE(many); i++)
		many[i] = "0000:01:00.0";
	is_int(ptx_lease_add(lease, many, PTX_ARRAY_SIZE(many), NULL, NULL), -E2BIG, "257 devices");
	is_int(ptx_error_reason(e), PTX_REASON_LIMIT, "are too many");
	is_str(mock_log(), "", "of which the kernel hears nothing");
	ptx_lease_close(lease);
}

static void revoke_it(void)
{
	const struct ptx_revoke_options later = {
		.size = sizeof(later),
		.flags = PTX_REVOKE_KILL,
		.deadline_ms = 5000,
		.kill_ms = 200,
	};
	struct ptx_lease *lease;

	fresh();
	lease = make();
	is_int(ptx_lease_revoke(lease, NULL), 0, "taken away");
	has_str(mock_log(), "revoke size=ok flags=0 deadline=0 kill=0", "at once");
	is_int(ptx_lease_revoke(lease, &later), 0, "or later");
	has_str(mock_log(), "revoke size=ok flags=1 deadline=5000 kill=200", "as asked");
	is_int(ptx_lease_revoke(lease, &(struct ptx_revoke_options){ .size = 4 }), -EINVAL,
	       "a struct of another size");
	mock_script("fail revoke errno=ESHUTDOWN reason=not-active");
	is_int(ptx_lease_revoke(lease, NULL), -ESHUTDOWN, "one that has been released");
	is_int(ptx_error_reason(ptx_ctx_error(ctx)), PTX_REASON_NOT_ACTIVE, "its reason");
	ptx_lease_close(lease);
}

static void remove_and_release(void)
{
	struct ptx_lease *lease;

	fresh();
	lease = make();
	is_int(ptx_lease_remove(lease, two, 2, 500), 0, "devices go back");
	has_str(mock_log(), "remove size=ok devices=0000:01:00.0,0000:02:00.0 timeout=500",
		"as asked");
	mock_script("fail remove errno=ENOENT reason=not-member culprit=0000:01:00.0");
	is_int(ptx_lease_remove(lease, nvme, 1, 0), -ENOENT, "one that is no member");
	is_str(ptx_error_message(ptx_ctx_error(ctx)), "0000:01:00.0: it is not in this lease",
	       "in words");
	is_int(ptx_lease_wait(lease, PTX_LEASE_STATE_RELEASED, 0), 0, "it is not released yet");
	is_int(ptx_lease_wait(lease, PTX_LEASE_STATE_ACTIVE, 0), -EINVAL, "no state to wait for");
	mock_script("fail release errno=ETIMEDOUT reason=timeout culprit=0000:01:00.0");
	is_int(ptx_lease_release(lease, 100), -ETIMEDOUT, "a device that is slow");
	is_str(ptx_error_culprit(ptx_ctx_error(ctx)), "0000:01:00.0", "is named");
	is_int(ptx_lease_release(lease, 100), 0, "in the end it is home");
	has_str(mock_log(), "release size=ok timeout=100", "as asked");
	is_int(ptx_lease_wait(lease, PTX_LEASE_STATE_RELEASED, -1), 1, "and released");
	is_int(ptx_lease_wait(lease, PTX_LEASE_STATE_DRAINING, -1), 1, "which is beyond draining");
	ptx_lease_close(lease);
}

static void query(void)
{
	struct ptx_lease *lease, *adopted;
	struct ptx_lease_info *info;
	const char *names[200];
	char text[200][16];
	uint64_t faults = 77;
	int fd;

	fresh();
	lease = make();
	is_int(ptx_lease_query(lease, &info), 0, "an empty lease");
	is_int(ptx_lease_info_nr_members(info), 0, "has no members");
	is_str(ptx_lease_info_name(info), "", "and no known name");
	ok(ptx_lease_info_owner(info) == (uid_t)-1, "nor owner");
	ptx_lease_info_free(info);
	for (int i = 0; i < 200; i++) {
		snprintf(text[i], sizeof(text[i]), "0000:%02x:00.0", i);
		names[i] = text[i];
	}
	is_int(ptx_lease_add(lease, names, 200, NULL, &info), 0, "200 devices");
	is_int(ptx_lease_info_nr_members(info), 201, "all come, and a mate");
	ok(!ptx_lease_member_faults(ptx_lease_info_member(info, 200), &faults) && faults == 77,
	   "of which no faults are known");
	ptx_lease_info_free(info);
	is_int(ptx_lease_query(lease, &info), 0, "a large lease");
	is_int(ptx_lease_info_nr_members(info), 201, "all are told");
	is_str(ptx_lease_member_device(ptx_lease_info_member(info, 200)), "0000:c7:00.0",
	       "the last too");
	ptx_lease_info_free(info);
	mock_script("grow by=100");
	is_int(ptx_lease_query(lease, &info), 0, "one that grows meanwhile");
	is_int(ptx_lease_info_nr_members(info), 301, "is told whole");
	is_str(ptx_lease_member_device(ptx_lease_info_member(info, 300)), "0001:01:00.0",
	       "to its last member");
	ptx_lease_info_free(info);
	mock_script("fail query errno=ENOMEM");
	is_int(ptx_lease_query(lease, &info), -ENOMEM, "no memory");

	fd = ptx_lease_fd(lease);
	is_int(ptx_lease_adopt(ctx, fd, &adopted), 0, "a lease by its file");
	is_int(ptx_lease_id(adopted), ptx_lease_id(lease), "is the same lease");
	free(adopted);
	is_int(ptx_lease_adopt(ctx, STDIN_FILENO, &adopted), -ENOTTY, "another file is none");
	ptx_lease_close(lease);
	ptx_lease_close(NULL);
}

/* Every errno of the contract, from every call: returned, kept, put in words. */
static void every_errno(void)
{
	static const char *const calls[] = {
		"info", "create", "add", "remove", "query", "release", "revoke",
	};
	const struct ptx_error *e;
	struct ptx_lease_info *info;
	struct ptx_lease *lease, *other;
	struct ptx_info ptx;
	char line[128];
	int have;

	fresh();
	lease = make();
	e = ptx_ctx_error(ctx);
	for (size_t c = 0; c < PTX_ARRAY_SIZE(calls); c++) {
		for (size_t i = 0; i < PTX_ARRAY_SIZE(errnos); i++) {
			snprintf(line, sizeof(line), "fail %s errno=%s", calls[c],
				 strerrorname_np(errnos[i]));
			mock_script(line);
			switch (c) {
			case 0:
				have = ptx_ctx_info(ctx, &ptx);
				break;
			case 1:
				have = ptx_lease_create(ctx, "x", NULL, &other);
				break;
			case 2:
				have = ptx_lease_add(lease, nvme, 1, NULL, NULL);
				break;
			case 3:
				have = ptx_lease_remove(lease, nvme, 1, 0);
				break;
			case 4:
				have = ptx_lease_query(lease, &info);
				break;
			case 5:
				have = ptx_lease_release(lease, 0);
				break;
			default:
				have = ptx_lease_revoke(lease, NULL);
				break;
			}
			is_int(have, -errnos[i], "%s: %s", calls[c], strerrorname_np(errnos[i]));
			ok(ptx_error_errno(e) == errnos[i] && *ptx_error_message(e) &&
			   !ptx_error_nr_blockers(e) && !ptx_error_no_module(e),
			   "is kept and put in words");
			/* The mock has room for so many; start it afresh in time. */
			if (i % 8 == 7) {
				ptx_lease_close(lease);
				fresh();
				lease = make();
				e = ptx_ctx_error(ctx);
			}
		}
		ptx_lease_close(lease);
		fresh();
		lease = make();
		e = ptx_ctx_error(ctx);
	}
	ptx_lease_close(lease);
}

int main(void)
{
	memset(too_long, 'd', sizeof(too_long) - 1);
	mock_install();
	mock_script(script);
	if (ptx_ctx_new(&ctx))
		return 99;
	no_module();
	create();
	add();
	add_refused();
	add_vfs();
	remove_and_release();
	revoke_it();
	query();
	every_errno();
	ptx_ctx_free(ctx);
	mock_reset();
	return tap_done();
}
