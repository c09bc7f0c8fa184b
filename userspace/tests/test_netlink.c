// SPDX-License-Identifier: GPL-2.0-only
/* Reading and persistent leases: requests, replies, broken replies, events. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netlink/errno.h>
#include <libptx/grant.h>
#include "../libptx/src/internal.h"
#include "mock_kernel.h"
#include "tap.h"

static const char script[] =
	"device 0000:02:00.0 kind=gpu vendor=0x10de device=0x27b8 class=0x030000 group=10 "
	"driver=nvidia override=vfio resets=\"flr bus\" numa=1 mates=0000:02:00.1 lease=5 "
	"keeps_memory=1 faults=3\n"
	"blocker 0000:02:00.0 reason=held lease=5\n"
	"device 0000:01:00.0 kind=nvme physfn=0000:00:01.0\n"
	"device 10000:00:01.0 kind=77\n"
	"lease vm2 id=9 state=draining owner=1000 pid=4242 persistent=0 members=0000:01:00.0\n"
	"lease vm1 id=5 members=0000:02:00.0\n";

static struct ptx_ctx *ctx;

static void fresh(void)
{
	mock_reset();
	mock_script(script);
}

static void devices(void)
{
	enum ptx_member_state state;
	struct ptx_device_list *list;
	const struct ptx_device *d;
	struct ptx_device *dev;
	uint32_t group;

	fresh();
	is_int(ptx_device_list_get(ctx, &list), 0, "all devices");
	is_int(ptx_device_list_count(list), 3, "are three");
	is_str(ptx_device_name(ptx_device_list_at(list, 0)), "0000:01:00.0", "in order");
	is_str(ptx_device_name(ptx_device_list_at(list, 2)), "10000:00:01.0",
	       "long domains behind short ones");
	ok(!ptx_device_list_at(list, 3), "and no more");
	ok(!ptx_device_list_find(list, "0000:09:00.0"), "one that is not there");
	d = ptx_device_list_find(list, "0000:01:00.0");
	ok(!ptx_device_driver(d) && !ptx_device_driver_override(d) &&
	   !ptx_device_reset_methods(d), "what is not told is NULL");
	ok(!ptx_device_group(d, &group) && !ptx_device_member_state(d, &state), "or false");
	is_int(ptx_device_numa_node(d), -1, "or -1");
	is_str(ptx_device_physfn(d), "0000:00:01.0", "physical function");
	ok(!ptx_device_keeps_memory(d), "no memory that outlives a reset");
	ok(ptx_device_keeps_memory(ptx_device_list_find(list, "0000:02:00.0")), "but here");
	is_str(ptx_kind_name(ptx_device_kind(ptx_device_list_at(list, 2))), "other",
	       "a kind of the future");
	ptx_device_list_free(list);

	is_int(ptx_device_get(ctx, "0000:02:00.0", &dev), 0, "one device");
	has_str(mock_log(), "netlink device-get name=0000:02:00.0\n", "as asked");
	is_str(ptx_device_driver(dev), "nvidia", "driver");
	is_str(ptx_device_driver_override(dev), "vfio", "override");
	is_str(ptx_device_reset_methods(dev), "flr bus", "reset methods");
	ok(ptx_device_group(dev, &group) && group == 10, "group");
	ok(ptx_device_member_state(dev, &state) && state == PTX_MEMBER_STATE_READY, "state");
	is_int(ptx_device_vendor_id(dev), 0x10de, "vendor");
	is_int(ptx_device_device_id(dev), 0x27b8, "device");
	is_int(ptx_device_class(dev), 0x030000, "class");
	is_int(ptx_device_numa_node(dev), 1, "node");
	is_int(ptx_device_lease_id(dev), 5, "lease");
	ok(ptx_device_keeps_memory(dev), "memory that outlives a reset");
	is_int(ptx_device_nr_blockers(dev), 1, "blockers");
	is_int(ptx_device_blocker(dev, 0)->reason, PTX_REASON_HELD, "its reason");
	is_int(ptx_device_blocker(dev, 0)->lease, 5, "its lease");
	is_str(ptx_device_group_member(dev, 0), "0000:02:00.1", "group mate");
	ok(!ptx_device_blocker(dev, 1) && !ptx_device_group_member(dev, 1), "no more");
	ptx_device_free(dev);
	ptx_device_free(NULL);
	is_int(ptx_device_get(ctx, "0000:09:00.0", &dev), -ENODEV, "a device that is not there");
	is_int(ptx_error_reason(ptx_ctx_error(ctx)), PTX_REASON_NO_DEVICE, "its reason");
	is_str(ptx_error_culprit(ptx_ctx_error(ctx)), "0000:09:00.0", "its culprit");
	ok(!ptx_error_no_module(ptx_ctx_error(ctx)), "is not a missing module");
}

static void leases(void)
{
	struct ptx_lease_ref by_name = { .name = "vm1" }, by_id = { .id = 9 };
	struct ptx_lease_ref none = { .name = "nosuch" }, bad = { .name = "" };
	struct ptx_lease_info_list *list;
	const struct ptx_lease_info *l;
	struct ptx_lease_info *info;
	uint64_t faults = 77;

	fresh();
	is_int(ptx_lease_info_list_get(ctx, &list), 0, "all leases");
	is_int(ptx_lease_info_list_count(list), 2, "are two");
	is_int(ptx_lease_info_id(ptx_lease_info_list_at(list, 0)), 5, "in order");
	l = ptx_lease_info_list_find(list, 9);
	is_str(ptx_lease_info_name(l), "vm2", "name");
	is_int(ptx_lease_info_state(l), PTX_LEASE_STATE_DRAINING, "state");
	is_int(ptx_lease_info_owner(l), 1000, "owner");
	is_int(ptx_lease_info_pid(l), 4242, "process");
	is_int(ptx_lease_info_age_ms(l), 65000, "age");
	ok(!ptx_lease_info_persistent(l), "not persistent");
	is_int(ptx_lease_info_nr_members(l), 1, "members");
	ok(!ptx_lease_member_keeps_memory(ptx_lease_info_member(l, 0)),
	   "whose memory is empty after a reset");
	ok(!ptx_lease_member_faults(ptx_lease_info_member(l, 0), &faults) && faults == 77,
	   "and of which no faults are told");
	ok(!ptx_lease_info_list_find(list, 1) && !ptx_lease_info_list_at(list, 2), "no more");
	ptx_lease_info_list_free(list);
	is_int(ptx_lease_info_get(ctx, &by_name, &info), 0, "by name");
	is_int(ptx_lease_info_id(info), 5, "is that one");
	ok(ptx_lease_info_persistent(info), "and persistent");
	ok(ptx_lease_member_keeps_memory(ptx_lease_info_member(info, 0)),
	   "with memory that outlives a reset");
	ok(ptx_lease_member_faults(ptx_lease_info_member(info, 0), &faults) && faults == 3,
	   "which has faulted");
	ptx_lease_info_free(info);
	is_int(ptx_lease_info_get(ctx, &by_id, &info), 0, "by id");
	is_str(ptx_lease_info_name(info), "vm2", "is the other");
	ptx_lease_info_free(info);
	is_int(ptx_lease_info_get(ctx, &none, &info), -ENOENT, "none of that name");
	is_int(ptx_error_reason(ptx_ctx_error(ctx)), PTX_REASON_NO_LEASE, "its reason");
	ok(strstr(ptx_error_message(ptx_ctx_error(ctx)), "': no such lease"),
	   "the lease and the kernel's words");
	is_int(ptx_lease_info_get(ctx, &bad, &info), -EINVAL, "no name at all");
	ok(!strstr(mock_log(), "INVALID"), "every request kept to the contract");
}

static void persistent(void)
{
	static const char *const one[] = { "0000:01:00.0" };
	static const char *const two[] = { "0000:01:00.0", "0000:02:00.0" };
	struct ptx_add_options options = {
		.size = sizeof(options),
		.flags = PTX_ADD_FLAGS_EXACT,
		.timeout_ms = 77,
		.driver = "vfio-pci",
	};
	struct ptx_lease_ref ref = { .name = "new" };
	const char *many[PTX_DEVICES_MAX];
	struct ptx_lease_info *info;

	fresh();
	is_int(ptx_persistent_new(ctx, "new", 33, two, 2, &options, &info), 0, "a new lease");
	has_str(mock_log(), "lease-new name=new devices=0000:01:00.0,0000:02:00.0", "as asked");
	has_str(mock_log(), " owner=33", "with its owner");
	has_str(mock_log(), " driver=vfio-pci", "its driver");
	has_str(mock_log(), " flags=1", "its flags");
	has_str(mock_log(), " timeout=77", "its deadline");
	is_str(ptx_lease_info_name(info), "new", "the answer");
	is_int(ptx_lease_info_nr_members(info), 3, "with members");
	ptx_lease_info_free(info);
	mock_log_clear();
	is_int(ptx_persistent_new(ctx, "empty", (uid_t)-1, NULL, 0, NULL, NULL), 0, "an empty one");
	is_str(mock_log(), "netlink lease-new name=empty\n", "says only its name");
	is_int(ptx_persistent_new(ctx, "new", (uid_t)-1, NULL, 0, NULL, NULL), -EEXIST, "taken");
	is_int(ptx_error_reason(ptx_ctx_error(ctx)), PTX_REASON_NAME_TAKEN, "its reason");
	is_int(ptx_persistent_new(ctx, "a\tb", (uid_t)-1, NULL, 0, NULL, NULL), -EINVAL, "bad name");
	mock_log_clear();
	is_int(ptx_persistent_add(ctx, &ref, one, 1, NULL, &info), 0, "one more");
	is_str(mock_log(), "netlink lease-add name=new devices=0000:01:00.0\n", "as asked");
	ptx_lease_info_free(info);
	is_int(ptx_persistent_remove(ctx, &ref, one, 1, 9, NULL), 0, "one less");
	has_str(mock_log(), "netlink lease-remove name=new devices=0000:01:00.0 timeout=9\n",
		"as asked");
	for (size_t i = 0; i < PTX_ARRAY_SIZE(many); i++)
		many[i] = "0000:01:00.0-a-long-name-indeed";
	is_int(ptx_persistent_add(ctx, &ref, many, PTX_ARRAY_SIZE(many), &options, NULL), 0,
	       "a request of full length");
	is_int(ptx_persistent_release(ctx, &ref, 5), 0, "all of it");
	has_str(mock_log(), "netlink lease-release name=new timeout=5\n", "as asked");
	is_int(ptx_persistent_release(ctx, &ref, 0), -ENOENT, "only once");
	ok(!strstr(mock_log(), "INVALID"), "every request kept to the contract");
}

static void refusals(void)
{
	static const char *const devices_[] = { "0000:01:00.0", "0000:02:00.0" };
	static const char *const gone[] = { "0000:09:00.0" };
	struct ptx_add_options exact = { .size = sizeof(exact), .flags = PTX_ADD_FLAGS_EXACT };
	struct ptx_add_options clear = {
		.size = sizeof(clear),
		.flags = PTX_ADD_FLAGS_CLEAR_MEMORY,
	};
	const struct ptx_error *e = ptx_ctx_error(ctx);

	fresh();
	mock_script("fail lease-new errno=EBUSY reason=held text=\"0000:02:00.0: is held by lease 5\"");
	is_int(ptx_persistent_new(ctx, "n", (uid_t)-1, devices_, 2, NULL, NULL), -EBUSY, "held");
	is_str(ptx_error_message(e), "0000:02:00.0: is held by lease 5", "in the kernel's words");
	is_int(ptx_error_reason(e), PTX_REASON_HELD, "the reason");
	is_int(ptx_error_nr_blockers(e), 1, "and the blocker");
	is_int(ptx_error_blocker(e, 0)->lease, 5, "with its lease");
	is_str(ptx_error_culprit(e), "0000:02:00.0", "and the culprit");
	mock_script("fail lease-new errno=EBUSY reason=group-shared text=\"0000:02:00.1: shares the group\"");
	is_int(ptx_persistent_new(ctx, "n", (uid_t)-1, devices_, 1, &exact, NULL), -EBUSY, "exact");
	is_int(ptx_error_reason(e), PTX_REASON_GROUP_SHARED, "its reason");
	is_str(ptx_error_culprit(e), "0000:02:00.1", "the culprit comes from the words");
	mock_script("fail lease-new errno=EBUSY reason=keeps-memory");
	is_int(ptx_persistent_new(ctx, "n", (uid_t)-1, devices_, 1, &clear, NULL), -EBUSY,
	       "memory that cannot be cleared");
	has_str(mock_log(), " flags=16\n", "as asked");
	is_int(ptx_error_reason(e), PTX_REASON_KEEPS_MEMORY, "its reason");
	has_str(ptx_error_message(e), "it keeps its memory over a reset", "in our words");
	has_str(ptx_error_remedy(e), "lease it without --clear-memory", "and what to do");
	mock_script("fail lease-new errno=ENODEV reason=no-device text=\"0000:09:00.0: no such device\"");
	is_int(ptx_persistent_new(ctx, "n", (uid_t)-1, gone, 1, NULL, NULL), -ENODEV, "no device");
	is_int(ptx_error_reason(e), PTX_REASON_NO_DEVICE, "its reason");
	mock_script("fail lease-release errno=ETIMEDOUT reason=timeout text=\"0000:01:00.0: still under way\"");
	is_int(ptx_persistent_release(ctx, &(struct ptx_lease_ref){ .id = 5 }, 0), -ETIMEDOUT,
	       "too slow");
	is_int(ptx_error_reason(e), PTX_REASON_TIMEOUT, "its reason");
	mock_script("fail lease-release errno=EPERM reason=no-right text=\"needs CAP_SYS_ADMIN\"");
	is_int(ptx_persistent_release(ctx, &(struct ptx_lease_ref){ .id = 5 }, 0), -EPERM, "no right");
	is_int(ptx_error_reason(e), PTX_REASON_NO_RIGHT, "its reason");
	mock_script("fail lease-release errno=EIO");
	is_int(ptx_persistent_release(ctx, &(struct ptx_lease_ref){ .id = 5 }, 0), -EIO, "no words");
	ok(*ptx_error_message(e), "then there are ours");
}

/* A wait longer than one request may take is asked for again. */
static void long_waits(void)
{
	static const char *const one[] = { "0000:01:00.0" };
	struct ptx_add_options options = { .size = sizeof(options) };
	struct ptx_lease_ref vm1 = { .name = "vm1" };
	struct ptx_lease_info *info;

	fresh();
	mock_script("fail lease-release errno=ETIMEDOUT reason=timeout times=2");
	is_int(ptx_persistent_release(ctx, &vm1, 180000), 0, "released at the third try");
	has_str(mock_log(), "netlink lease-get name=vm1\n"
		"netlink lease-release by-id timeout=60000\n"
		"netlink lease-release by-id timeout=60000\n"
		"netlink lease-release by-id timeout=60000\n", "each as long as may be");
	fresh();
	mock_script("fail lease-release errno=ETIMEDOUT reason=timeout\n"
		    "fail lease-release errno=ENOENT reason=no-lease");
	is_int(ptx_persistent_release(ctx, &vm1, 60001), 0, "released between two tries");
	is_int(ptx_error_errno(ptx_ctx_error(ctx)), 0, "is no error");
	fresh();
	mock_script("fail lease-release errno=ENOENT reason=no-lease");
	is_int(ptx_persistent_release(ctx, &vm1, 60001), -ENOENT, "not there in the first place");
	fresh();
	mock_script("fail lease-get errno=ENOENT reason=no-lease");
	is_int(ptx_persistent_release(ctx, &vm1, 60001), -ENOENT, "nor by name");
	fresh();
	mock_script("fail lease-release errno=ETIMEDOUT reason=timeout\n"
		    "fail lease-release errno=EIO reason=native-refused");
	is_int(ptx_persistent_release(ctx, &vm1, 60001), -EIO, "other errors are kept");
	fresh();
	mock_script("fail lease-release errno=ETIMEDOUT reason=timeout");
	is_int(ptx_persistent_release(ctx, &vm1, 60000), -ETIMEDOUT, "one request is enough");
	fresh();
	mock_script("fail lease-remove errno=ETIMEDOUT reason=timeout\n"
		    "fail lease-remove errno=ENOENT reason=not-member");
	is_int(ptx_persistent_remove(ctx, &vm1, one, 1, 60001, &info), 0, "home between two tries");
	is_str(ptx_lease_info_name(info), "vm1", "and the lease is told");
	ptx_lease_info_free(info);
	fresh();
	mock_script("fail lease-remove errno=ETIMEDOUT reason=timeout\n"
		    "fail lease-remove errno=ENOENT reason=no-lease");
	is_int(ptx_persistent_remove(ctx, &vm1, one, 1, 60001, &info), -ENOENT, "the lease ended");
	options.timeout_ms = PTX_REQUEST_TIMEOUT_MAX_MS + 1;
	is_int(ptx_persistent_add(ctx, &vm1, one, 1, &options, NULL), -EINVAL, "taking is not");
	ok(!strstr(mock_log(), "INVALID"), "every request kept to the contract");
}

static void dumps(void)
{
	struct ptx_lease_info_list *leases_;
	struct ptx_device_list *list;

	fresh();
	mock_script("fail device-dump errno=EAGAIN times=3\nfail lease-dump errno=EAGAIN times=3");
	is_int(ptx_device_list_get(ctx, &list), 0, "a dump begun again");
	is_int(ptx_device_list_count(list), 3, "has everything once");
	ptx_device_list_free(list);
	is_int(ptx_lease_info_list_get(ctx, &leases_), 0, "leases too");
	is_int(ptx_lease_info_list_count(leases_), 2, "have everything once");
	ptx_lease_info_list_free(leases_);
	mock_script("fail device-dump errno=EAGAIN times=0");
	is_int(ptx_device_list_get(ctx, &list), -EAGAIN, "but not for ever");
	fresh();
	mock_script("fail device-dump errno=ENOMEM");
	is_int(ptx_device_list_get(ctx, &list), -ENOMEM, "no memory");
	mock_reset();
	is_int(ptx_device_list_get(ctx, &list), 0, "no devices");
	is_int(ptx_device_list_count(list), 0, "are none");
	ptx_device_list_free(list);
	mock_script("absent");
	is_int(ptx_device_list_get(ctx, &list), -ENODEV, "no module");
	ok(ptx_error_no_module(ptx_ctx_error(ctx)), "is told apart");
}

/* Attributes of wrong lengths and without ends: refused, never read beyond. */
static void hostile(void)
{
	static const unsigned int lengths[] = { 0, 1, 2, 3, 4, 7, 9, 33, 4000 };
	struct ptx_lease_ref ref = { .name = "vm1" };
	struct ptx_lease_info *info;
	struct ptx_device *dev;
	char line[64];
	int bad = 0, err;

	for (unsigned int attr = 1; attr <= PTX_A_DEVICE_MAX; attr++) {
		for (size_t i = 0; i < PTX_ARRAY_SIZE(lengths); i++) {
			fresh();
			snprintf(line, sizeof(line), "bad device-get attr=%u len=%u", attr,
				 lengths[i]);
			mock_script(line);
			err = ptx_device_get(ctx, "0000:01:00.0", &dev);
			if (!err)
				ptx_device_free(dev);
			else if (err != -EPROTO || dev)
				bad++;
			/* Numbers have one length, names an end, and flags nothing. */
			if (!err && attr != PTX_A_DEVICE_BLOCKER &&
			    !((attr == PTX_A_DEVICE_POOLED ||
			       attr == PTX_A_DEVICE_KEEPS_MEMORY) && !lengths[i]) &&
			    !(lengths[i] == 4 || lengths[i] == 2))
				bad++;
		}
	}
	is_int(bad, 0, "broken attributes of devices");
	bad = 0;
	for (unsigned int attr = 1; attr <= PTX_A_LEASE_MEMBER; attr++) {
		for (size_t i = 0; i < PTX_ARRAY_SIZE(lengths); i++) {
			fresh();
			snprintf(line, sizeof(line), "bad lease-get attr=%u len=%u", attr,
				 lengths[i]);
			mock_script(line);
			err = ptx_lease_info_get(ctx, &ref, &info);
			if (!err)
				ptx_lease_info_free(info);
			else if (err != -EPROTO || info)
				bad++;
			if (!err && attr != PTX_A_LEASE_MEMBER && attr != PTX_A_LEASE_PERSISTENT &&
			    attr != PTX_A_LEASE_FORCED && lengths[i] != 4)
				bad++;
		}
	}
	is_int(bad, 0, "broken attributes of leases");
	bad = 0;
	for (unsigned int attr = 1; attr <= PTX_A_MEMBER_MAX; attr++) {
		bool flag = attr == PTX_A_MEMBER_OPENED || attr == PTX_A_MEMBER_REQUESTED ||
			    attr == PTX_A_MEMBER_CUT || attr == PTX_A_MEMBER_KEEPS_MEMORY ||
			    attr == PTX_A_MEMBER_MEDIATED;
		bool number = attr == PTX_A_MEMBER_KIND || attr == PTX_A_MEMBER_GROUP ||
			      attr == PTX_A_MEMBER_STATE || attr == PTX_A_MEMBER_REASON;

		for (size_t i = 0; i < PTX_ARRAY_SIZE(lengths); i++) {
			fresh();
			snprintf(line, sizeof(line), "bad member attr=%u len=%u", attr, lengths[i]);
			mock_script(line);
			err = ptx_lease_info_get(ctx, &ref, &info);
			if (!err)
				ptx_lease_info_free(info);
			bad += flag || (number && lengths[i] == 4) ? err : err != -EPROTO || info;
		}
	}
	is_int(bad, 0, "broken attributes of members");
}

static void grants(void)
{
	static const unsigned int lengths[] = { 0, 1, 4, 7, 9, 33, 1000 };
	struct ptx_grant grant = {
		.size = sizeof(grant),
		.who = 1000,
		.kind = PTX_KIND_NVME,
		.dma_quota = 1ULL << 32,
		.dma_mapped = 77,
	};
	const struct ptx_error *e = ptx_ctx_error(ctx);
	struct ptx_grant *list;
	char line[64];
	size_t nr;
	int bad = 0;

	fresh();
	is_int(ptx_grant_new(ctx, &grant), 0, "a grant with a quota");
	is_str(mock_log(), "netlink grant-new uid=1000 kind=3 quota=4294967296\n", "as asked");
	is_int(grant.id, 100, "its id");
	mock_log_clear();
	grant.dma_quota = UINT64_MAX;
	is_int(ptx_grant_new(ctx, &grant), 0, "the largest there is");
	has_str(mock_log(), " quota=18446744073709551615\n", "as asked");
	mock_log_clear();
	grant.dma_quota = 0;
	is_int(ptx_grant_new(ctx, &grant), 0, "none");
	is_str(mock_log(), "netlink grant-new uid=1000 kind=3\n", "is left out");
	mock_log_clear();
	grant.dma_quota = 4096;
	grant.size = offsetof(struct ptx_grant, dma_quota);
	is_int(ptx_grant_new(ctx, &grant), 0, "by an old caller");
	is_str(mock_log(), "netlink grant-new uid=1000 kind=3\n", "who knows of none");
	mock_log_clear();
	grant.size--;
	is_int(ptx_grant_new(ctx, &grant), -EINVAL, "by one of no sense");
	is_str(mock_log(), "", "of which the kernel hears nothing");
	grant.size = sizeof(grant);
	mock_script("fail grant-new errno=EINVAL text=\"a kind or a device\"");
	is_int(ptx_grant_new(ctx, &grant), -EINVAL, "another error");
	is_str(ptx_error_message(e), "a kind or a device", "stays that");
	mock_script("fail grant-new errno=EPERM text=\"Unknown attribute type\"\n"
		    "fail grant-new errno=EINVAL reason=bad-name text=\"Unknown attribute type\"");
	is_int(ptx_grant_new(ctx, &grant), -EPERM, "another with those words");
	is_int(ptx_grant_new(ctx, &grant), -EINVAL, "and one with a reason");
	mock_script("old");
	is_int(ptx_grant_new(ctx, &grant), -EOPNOTSUPP, "an older module");
	is_int(ptx_error_errno(e), EOPNOTSUPP, "likewise in the error");
	has_str(ptx_error_message(e), "older than quotas of grants", "in words");
	has_str(ptx_error_remedy(e), "without a quota", "and what to do");
	grant.dma_quota = 0;
	is_int(ptx_grant_new(ctx, &grant), 0, "makes one without");
	mock_script("fail grant-new errno=EINVAL text=\"Unknown attribute type\"");
	is_int(ptx_grant_new(ctx, &grant), -EINVAL, "of which another attribute is unknown");
	ok(!strstr(ptx_error_message(e), "quotas"), "which is no quota");

	mock_reset();
	mock_script("grant 1 uid=0 quota=0x200000000 mapped=0x5000\n"
		    "grant 2 gid=7\n"
		    "grant 3 uid=0 quota=18446744073709551615 mapped=0");
	is_int(ptx_grant_list_get(ctx, &list, &nr), 0, "all grants");
	is_int(nr, 3, "are three");
	is_int(list[0].size, sizeof(list[0]), "of a known size");
	ok(list[0].dma_quota == 1ULL << 33 && list[0].dma_mapped == 0x5000, "one with a quota");
	ok(!list[1].dma_quota && !list[1].dma_mapped, "one without");
	ok(list[2].dma_quota == UINT64_MAX && !list[2].dma_mapped, "one with the largest");
	free(list);
	for (unsigned int attr = PTX_A_GRANT_DMA_QUOTA; attr <= PTX_A_GRANT_DMA_MAPPED; attr++) {
		for (size_t i = 0; i < PTX_ARRAY_SIZE(lengths); i++) {
			mock_reset();
			mock_script("grant 1 uid=0");
			snprintf(line, sizeof(line), "bad grant-dump attr=%u len=%u", attr,
				 lengths[i]);
			mock_script(line);
			bad += ptx_grant_list_get(ctx, &list, &nr) != -EPROTO || list || nr;
		}
	}
	is_int(bad, 0, "broken attributes of grants");
}

static void events(void)
{
	struct ptx_events *ev;
	struct ptx_notice *n;

	fresh();
	mock_script("event member-home device=0000:01:00.0 lease=vm1 id=5 driver=nvme\n"
		    "event lease-released lease=vm1 id=5 reason=native-refused\n"
		    "event 77 device=0000:02:00.0");
	is_int(ptx_events_open(ctx, &ev), 0, "a subscription");
	ok(ptx_events_fd(ev) >= 0, "has a file");
	is_int(ptx_events_read(ev, -1, &n), 1, "the first notice");
	is_int(ptx_notice_event(n), PTX_EVENT_MEMBER_HOME, "its event");
	is_str(ptx_notice_device(n), "0000:01:00.0", "its device");
	is_str(ptx_notice_lease_name(n), "vm1", "its lease");
	is_int(ptx_notice_lease_id(n), 5, "by id");
	is_str(ptx_notice_driver(n), "nvme", "its driver");
	is_int(ptx_notice_time_ns(n), 1234567890, "its time");
	is_int(ptx_notice_reason(n), PTX_REASON_NONE, "no reason");
	ptx_notice_free(n);
	is_int(ptx_events_read(ev, 1000, &n), 1, "the second");
	is_int(ptx_notice_reason(n), PTX_REASON_NATIVE_REFUSED, "has a reason");
	is_str(ptx_notice_device(n), NULL, "and no device");
	ptx_notice_free(n);
	is_int(ptx_events_read(ev, 1000, &n), 1, "the third");
	is_str(ptx_event_name(ptx_notice_event(n)), "unknown", "is of the future");
	ptx_notice_free(n);
	is_int(ptx_events_read(ev, 0, &n), 0, "no more");
	is_int(ptx_events_read(ev, 20, &n), 0, "for a while");
	ok(!n, "nothing comes of it");
	ptx_events_close(ev);
	ptx_events_close(NULL);

	mock_script("together");
	is_int(ptx_events_open(ctx, &ev), 0, "three in one datagram");
	for (int i = 0; i < 3; i++) {
		static const enum ptx_event want[] = {
			PTX_EVENT_MEMBER_HOME, PTX_EVENT_LEASE_RELEASED, (enum ptx_event)77,
		};

		is_int(ptx_events_read(ev, 0, &n), 1, "number %d", i);
		is_int(ptx_notice_event(n), want[i], "in its turn");
		ptx_notice_free(n);
	}
	is_int(ptx_events_read(ev, 0, &n), 0, "and no fourth");
	ptx_events_close(ev);

	/* Left unread; then something that is no notice, which is skipped. */
	is_int(ptx_events_open(ctx, &ev), 0, "another");
	ptx_events_close(ev);
	mock_script("bad event attr=3 len=40");
	is_int(ptx_events_open(ctx, &ev), 0, "a broken notice");
	is_int(ptx_events_read(ev, 20, &n), 0, "is none");
	ptx_events_close(ev);
	mock_script("fail events errno=EPERM");
	is_int(ptx_events_open(ctx, &ev), -EPERM, "no right");
	mock_script("absent");
	is_int(ptx_events_open(ctx, &ev), -ENODEV, "no module");
	ok(ptx_error_no_module(ptx_ctx_error(ctx)), "is told apart");
}

static void libnl_errors(void)
{
	is_int(ptx_nl_to_errno(-NLE_PERM), -EPERM, "libnl's EPERM");
	is_int(ptx_nl_to_errno(-NLE_OBJ_NOTFOUND), -ENOENT, "libnl's ENOENT");
	is_int(ptx_nl_to_errno(-NLE_DUMP_INTR), -EAGAIN, "libnl's broken dump");
	is_int(ptx_nl_to_errno(-9999), -EIO, "libnl's unknown");
	is_int(ptx_nl_to_errno(0), 0, "libnl's success");
}

int main(void)
{
	mock_install();
	if (ptx_ctx_new(&ctx))
		return 99;
	devices();
	leases();
	persistent();
	refusals();
	long_waits();
	dumps();
	hostile();
	grants();
	events();
	libnl_errors();
	ptx_ctx_free(ctx);
	mock_reset();
	return tap_done();
}
