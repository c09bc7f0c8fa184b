// SPDX-License-Identifier: GPL-2.0-only
/*
 * PTX_LEASE_ADD: what can be leased, what cannot and why, and that a refusal
 * changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(add)
{
	struct host h;
	uint64_t id;
	int fd;
	struct add *add;
};

FIXTURE_SETUP(add)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
}

FIXTURE_TEARDOWN(add)
{
	EXPECT_EQ(0, host_end(&self->h));
	free(self->add);
}

/* Refused for this reason, naming this culprit; nothing has changed. */
#define EXPECT_REFUSED(err, reason, culprit)				\
	do {								\
		EXPECT_EQ(err, lease_add(self->fd, self->add));		\
		EXPECT_EQ(reason, self->add->a.out_reason)		\
			TH_LOG("%s", reason_name(self->add->a.out_reason)); \
		EXPECT_STREQ(culprit, self->add->a.out_culprit);	\
		EXPECT_EQ(0, self->add->a.out_nr_members);		\
		EXPECT_EQ(0, lease_nr_members(self->fd));		\
		EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL)); \
	} while (0)

TEST_F(add, one_device)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const struct ptx_member_info *m;
	struct nl_device d;
	struct query q;

	NEED(fn, "a device that is alone in its group");
	add_init(self->add, &(const char *){ fn->name }, 1);
	ASSERT_EQ(0, lease_add(self->fd, self->add))
		TH_LOG("%s", reason_name(self->add->a.out_reason));
	EXPECT_EQ(PTX_REASON_NONE, self->add->a.out_reason);
	EXPECT_STREQ("", self->add->a.out_culprit);
	EXPECT_EQ(0, self->add->a.out_nr_blockers);
	ASSERT_EQ(1, self->add->a.out_nr_members);
	m = add_member(self->add, fn->name);
	ASSERT_NE(NULL, m);
	EXPECT_STREQ(fn->driver, m->native_driver);
	EXPECT_STREQ(PTX_DRIVER, m->driver);
	EXPECT_EQ(fn->group, m->group);
	EXPECT_EQ(PTX_MEMBER_STATE_READY, m->state);
	EXPECT_EQ(PTX_MEMBER_REQUESTED, m->flags);
	EXPECT_EQ(vfio_has_cdev(), m->cdev[0] != '\0');
	EXPECT_TRUE(pci_on_driver(fn->name, PTX_DRIVER));

	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	ASSERT_EQ(0, lease_query(self->fd, &q));
	ASSERT_EQ(1, q.q.out_nr_members);
	EXPECT_EQ(0, memcmp(m, &q.members[0], sizeof(*m)));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, fn->name, &d));
	EXPECT_EQ(self->id, d.lease);
	EXPECT_STREQ(PTX_DRIVER, d.driver);
	EXPECT_EQ(PTX_MEMBER_STATE_READY, d.member_state);
}

TEST_F(add, many_devices_at_once)
{
	const char *names[HOST_MAX];
	int n = 0, i;

	while (n < HOST_MAX && host_single(&self->h, n)) {
		names[n] = host_single(&self->h, n)->name;
		n++;
	}
	NEED(n >= 2, "two devices that are alone in their groups");
	add_init(self->add, names, n);
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_EQ(n, self->add->a.out_nr_members);
	for (i = 0; i < n; i++) {
		EXPECT_TRUE(pci_on_driver(names[i], PTX_DRIVER));
		EXPECT_NE(NULL, add_member(self->add, names[i]));
	}
}

TEST_F(add, one_after_the_other)
{
	const struct pci_fn *a = host_single(&self->h, 0);
	const struct pci_fn *b = host_single(&self->h, 1);

	NEED(a && b, "two devices that are alone in their groups");
	ASSERT_EQ(0, lease_add_names(self->fd, a->name, NULL));
	ASSERT_EQ(0, lease_add_names(self->fd, b->name, NULL));
	EXPECT_EQ(2, lease_nr_members(self->fd));
}

TEST_F(add, again)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const struct pci_fn *other = host_single(&self->h, 1);
	const char *names[2];

	NEED(fn && other, "two devices that are alone in their groups");
	ASSERT_EQ(0, lease_add_names(self->fd, fn->name, NULL));
	/* Its own lease holds it, which is as good as another. */
	names[0] = other->name;
	names[1] = fn->name;
	add_init(self->add, names, 2);
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_HELD, self->add->a.out_reason);
	EXPECT_STREQ(fn->name, self->add->a.out_culprit);
	EXPECT_EQ(1, lease_nr_members(self->fd));
	EXPECT_TRUE(pci_on_driver(fn->name, PTX_DRIVER));
	EXPECT_TRUE(pci_on_driver(other->name, other->driver));
}

TEST_F(add, group_comes_along)
{
	const struct ptx_member_info *m;

	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	add_init(self->add, &(const char *){ self->h.gpu->name }, 1);
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	ASSERT_EQ(2, self->add->a.out_nr_members);
	m = add_member(self->add, self->h.gpu->name);
	ASSERT_NE(NULL, m);
	EXPECT_EQ(PTX_MEMBER_REQUESTED, m->flags);
	EXPECT_EQ(PTX_KIND_GPU, m->kind);
	m = add_member(self->add, self->h.audio->name);
	ASSERT_NE(NULL, m);
	EXPECT_EQ(0, m->flags);
	EXPECT_EQ(PTX_KIND_AUDIO, m->kind);
	EXPECT_EQ(self->h.gpu->group, m->group);
	EXPECT_TRUE(pci_on_driver(self->h.gpu->name, PTX_DRIVER));
	EXPECT_TRUE(pci_on_driver(self->h.audio->name, PTX_DRIVER));
}

TEST_F(add, exact_refuses_to_widen)
{
	const char *names[2];

	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	names[0] = self->h.gpu->name;
	names[1] = self->h.audio->name;
	add_init(self->add, names, 1);
	self->add->a.flags = PTX_ADD_FLAGS_EXACT;
	EXPECT_REFUSED(-EBUSY, PTX_REASON_GROUP_SHARED, self->h.audio->name);
	ASSERT_NE(NULL, add_blocker(self->add, self->h.audio->name));
	EXPECT_EQ(PTX_REASON_GROUP_SHARED,
		  add_blocker(self->add, self->h.audio->name)->reason);

	/* Both named is exact enough. */
	add_init(self->add, names, 2);
	self->add->a.flags = PTX_ADD_FLAGS_EXACT;
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	ASSERT_EQ(2, self->add->a.out_nr_members);
	EXPECT_EQ(PTX_MEMBER_REQUESTED, self->add->members[0].flags);
	EXPECT_EQ(PTX_MEMBER_REQUESTED, self->add->members[1].flags);
}

TEST_F(add, group_behind_a_conventional_bridge)
{
	const struct pci_fn *edu;
	unsigned int i;

	NEED(self->h.nr_edu_shared >= 2, "two edu behind one bridge");
	edu = self->h.edu_shared[0];
	add_init(self->add, &(const char *){ edu->name }, 1);
	self->add->a.flags = PTX_ADD_FLAGS_EXACT;
	EXPECT_REFUSED(-EBUSY, PTX_REASON_GROUP_SHARED, self->h.edu_shared[1]->name);

	add_init(self->add, &(const char *){ edu->name }, 1);
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	/* The bridge is of the group, too, but never a member. */
	EXPECT_EQ(2, self->add->a.out_nr_members);
	for (i = 0; i < self->add->a.out_nr_members; i++) {
		EXPECT_EQ(edu->group, self->add->members[i].group);
		EXPECT_NE(PTX_KIND_BRIDGE, self->add->members[i].kind);
	}
	EXPECT_TRUE(pci_on_driver(self->h.edu_shared[1]->name, PTX_DRIVER));
}

TEST_F(add, unknown_device)
{
	static const char *const unknown[] = {
		"0000:1f:1f.7", "ffff:ff:1f.7", "1234:00:00.0",
	};
	const struct pci_fn *fn = host_single(&self->h, 0);
	const char *names[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		add_init(self->add, &unknown[i], 1);
		EXPECT_REFUSED(-ENODEV, PTX_REASON_NO_DEVICE, unknown[i]);
	}
	if (!fn)
		return;
	/* After a good one, and before it. */
	names[0] = fn->name;
	names[1] = unknown[0];
	add_init(self->add, names, 2);
	EXPECT_REFUSED(-ENODEV, PTX_REASON_NO_DEVICE, unknown[0]);
	names[0] = unknown[0];
	names[1] = fn->name;
	add_init(self->add, names, 2);
	EXPECT_REFUSED(-ENODEV, PTX_REASON_NO_DEVICE, unknown[0]);
}

TEST_F(add, malformed_address)
{
	static const char *const bad[] = {
		" ", "foo", "0000", "0000:", "0000:00", "0000:00:00",
		"0000:00:00.", "0000:00:00.8", "0000:00:20.0", "00:00.0",
		"0000:00:00.0 ", " 0000:00:00.0", "0000:00:00.0\n",
		"../../../etc/passwd", ".", "..", "0000:00:00.0/driver",
		"%s%s%s%n", "\xff\xfe\xfd", "g", "0000-00-00.0",
		"0000:00:00.00", "00000:00:00.0", "0x0:0:0.0",
		"12345678901234567890123456789012345678901234567890"
		"123456789012345678901234567890123456789012345",	/* 95 bytes */
	};
	const struct pci_fn *fn = host_single(&self->h, 0);
	char upper[PTX_DEVICE_NAME_SIZE];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		add_init(self->add, &bad[i], 1);
		ret = lease_add(self->fd, self->add);
		EXPECT_TRUE(ret == -ENODEV || ret == -EINVAL)
			TH_LOG("'%s': %d", bad[i], ret);
		EXPECT_EQ(PTX_REASON_NO_DEVICE, self->add->a.out_reason)
			TH_LOG("'%s': %s", bad[i],
			       reason_name(self->add->a.out_reason));
		EXPECT_STREQ(bad[i], self->add->a.out_culprit);
	}
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL));

	/* The domain is part of the name, and so is its case. */
	if (!fn)
		return;
	snprintf(upper, sizeof(upper), "%s", strchr(fn->name, ':') + 1);
	add_init(self->add, &(const char *){ upper }, 1);
	EXPECT_REFUSED(-ENODEV, PTX_REASON_NO_DEVICE, upper);
}

TEST_F(add, name_not_terminated)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const char *name = fn ? fn->name : "0000:00:00.0";

	add_init(self->add, &name, 1);
	memset(self->add->devices[0].name, 'x', PTX_DEVICE_NAME_SIZE);
	EXPECT_EQ(-EINVAL, lease_add(self->fd, self->add));
	add_init(self->add, &name, 1);
	memset(self->add->a.driver, 'x', PTX_DEVICE_NAME_SIZE);
	EXPECT_EQ(-EINVAL, lease_add(self->fd, self->add));
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL));
}

TEST_F(add, bridge)
{
	NEED(self->h.bridge, "a PCI bridge");
	add_init(self->add, &(const char *){ self->h.bridge->name }, 1);
	EXPECT_REFUSED(-EBUSY, PTX_REASON_BRIDGE, self->h.bridge->name);
	ASSERT_EQ(1, self->add->a.out_nr_blockers);
	EXPECT_EQ(PTX_REASON_BRIDGE, self->add->blockers[0].reason);
}

TEST_F(add, host_bridge)
{
	const char *name = "0000:00:00.0";
	struct pci_fn fn;
	int ret;

	NEED(!pci_get(name, &fn) && fn.class >> 8 == 0x0600, "a host bridge");
	add_init(self->add, &name, 1);
	ret = lease_add(self->fd, self->add);
	EXPECT_EQ(-EBUSY, ret);
	EXPECT_EQ(PTX_REASON_BRIDGE, self->add->a.out_reason)
		TH_LOG("%s", reason_name(self->add->a.out_reason));
	EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL));
}

TEST_F(add, no_iommu_group)
{
	const struct pci_fn *fn = NULL;
	int i;

	for (i = 0; i < self->h.nr_nvme; i++)
		if (self->h.nvme[i]->group < 0)
			fn = self->h.nvme[i];
	if (!fn)
		SKIP(return, "every device of this topology has a group");
	add_init(self->add, &(const char *){ fn->name }, 1);
	EXPECT_REFUSED(-EBUSY, PTX_REASON_NO_GROUP, fn->name);
}

TEST_F(add, same_device_twice)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const struct pci_fn *other = host_single(&self->h, 1);
	const char *names[3];

	NEED(fn && other, "two devices that are alone in their groups");
	names[0] = names[1] = fn->name;
	add_init(self->add, names, 2);
	EXPECT_REFUSED(-EEXIST, PTX_REASON_DUPLICATE, fn->name);
	names[1] = other->name;
	names[2] = fn->name;
	add_init(self->add, names, 3);
	EXPECT_REFUSED(-EEXIST, PTX_REASON_DUPLICATE, fn->name);
}

TEST_F(add, held_by_another_lease)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const struct pci_fn *other = host_single(&self->h, 1);
	const char *names[2];
	uint64_t id;
	int fd;

	NEED(fn && other, "two devices that are alone in their groups");
	fd = lease_create(self->h.ctl, lease_name(), &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, fn->name, NULL));
	names[0] = other->name;
	names[1] = fn->name;
	add_init(self->add, names, 2);
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_HELD, self->add->a.out_reason);
	EXPECT_STREQ(fn->name, self->add->a.out_culprit);
	ASSERT_EQ(1, self->add->a.out_nr_blockers);
	EXPECT_EQ(PTX_REASON_HELD, self->add->blockers[0].reason);
	EXPECT_STREQ(fn->name, self->add->blockers[0].culprit);
	EXPECT_EQ(id, self->add->blockers[0].lease);
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_TRUE(pci_on_driver(other->name, other->driver));
	EXPECT_EQ(1, lease_nr_members(fd));

	/* Once it is home, it can be had. */
	ASSERT_EQ(0, lease_release(fd, 0, NULL));
	add_init(self->add, names, 2);
	EXPECT_EQ(0, lease_add(self->fd, self->add));
}

TEST_F(add, group_held_by_another_lease)
{
	uint64_t id;
	int fd;

	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	fd = lease_create(self->h.ctl, lease_name(), &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->h.audio->name, NULL));
	add_init(self->add, &(const char *){ self->h.gpu->name }, 1);
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_HELD, self->add->a.out_reason);
	ASSERT_LE(1, self->add->a.out_nr_blockers);
	EXPECT_EQ(id, self->add->blockers[0].lease);
	EXPECT_EQ(0, lease_nr_members(self->fd));
}

/* Every blocker is named, not just the first. */
TEST_F(add, all_blockers)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const char *names[4];
	uint64_t id;
	int fd;

	NEED(fn && self->h.bridge && self->h.gpu, "a device, a bridge and a GPU");
	fd = lease_create(self->h.ctl, lease_name(), &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, fn->name, NULL));
	names[0] = self->h.gpu->name;
	names[1] = fn->name;
	names[2] = self->h.bridge->name;
	names[3] = "0000:1f:1f.7";
	add_init(self->add, names, 4);
	self->add->a.flags = PTX_ADD_FLAGS_EXACT;
	EXPECT_GT(0, lease_add(self->fd, self->add));
	EXPECT_EQ(4, self->add->a.out_nr_blockers);
	ASSERT_NE(NULL, add_blocker(self->add, fn->name));
	EXPECT_EQ(PTX_REASON_HELD, add_blocker(self->add, fn->name)->reason);
	EXPECT_EQ(id, add_blocker(self->add, fn->name)->lease);
	ASSERT_NE(NULL, add_blocker(self->add, self->h.bridge->name));
	EXPECT_EQ(PTX_REASON_BRIDGE,
		  add_blocker(self->add, self->h.bridge->name)->reason);
	ASSERT_NE(NULL, add_blocker(self->add, names[3]));
	EXPECT_EQ(PTX_REASON_NO_DEVICE, add_blocker(self->add, names[3])->reason);
	ASSERT_NE(NULL, add_blocker(self->add, self->h.audio->name));
	EXPECT_EQ(PTX_REASON_GROUP_SHARED,
		  add_blocker(self->add, self->h.audio->name)->reason);

	/* With room for one the number is still right; with none at all, too. */
	add_init(self->add, names, 4);
	self->add->a.flags = PTX_ADD_FLAGS_EXACT;
	self->add->a.max_blockers = 1;
	EXPECT_GT(0, lease_add(self->fd, self->add));
	EXPECT_EQ(4, self->add->a.out_nr_blockers);
	EXPECT_NE('\0', self->add->blockers[0].culprit[0]);
	EXPECT_EQ('\0', self->add->blockers[1].culprit[0]);
	add_init(self->add, names, 4);
	self->add->a.flags = PTX_ADD_FLAGS_EXACT;
	self->add->a.blockers = 0;
	self->add->a.max_blockers = 0;
	EXPECT_GT(0, lease_add(self->fd, self->add));
	EXPECT_EQ(4, self->add->a.out_nr_blockers);
}

TEST_F(add, numbers_out_of_range)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const char *name = fn ? fn->name : "0000:00:00.0";
	int i;

	add_init(self->add, &name, 1);
	self->add->a.nr_devices = 0;
	EXPECT_EQ(-EINVAL, lease_add(self->fd, self->add));
	add_init(self->add, &name, 1);
	for (i = 0; i <= PTX_DEVICES_MAX; i++)
		strcpy(self->add->devices[i].name, name);
	self->add->a.nr_devices = PTX_DEVICES_MAX + 1;
	EXPECT_EQ(-E2BIG, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_LIMIT, self->add->a.out_reason);
	self->add->a.nr_devices = 0xffffffff;
	EXPECT_EQ(-E2BIG, lease_add(self->fd, self->add));
	add_init(self->add, &name, 1);
	self->add->a.timeout_ms = PTX_TIMEOUT_MAX_MS + 1;
	EXPECT_EQ(-EINVAL, lease_add(self->fd, self->add));
	self->add->a.timeout_ms = 0xffffffff;
	EXPECT_EQ(-EINVAL, lease_add(self->fd, self->add));
	/* An empty name is no name. */
	add_init(self->add, &(const char *){ "" }, 1);
	EXPECT_EQ(-EINVAL, lease_add(self->fd, self->add));
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL));
}

TEST_F(add, longest_timeout_and_most_devices)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	int i;

	NEED(fn, "a device that is alone in its group");
	add_init(self->add, &(const char *){ fn->name }, 1);
	for (i = 0; i < PTX_DEVICES_MAX; i++)
		strcpy(self->add->devices[i].name, fn->name);
	self->add->a.nr_devices = PTX_DEVICES_MAX;
	EXPECT_REFUSED(-EEXIST, PTX_REASON_DUPLICATE, fn->name);
	add_init(self->add, &(const char *){ fn->name }, 1);
	self->add->a.timeout_ms = PTX_TIMEOUT_MAX_MS;
	EXPECT_EQ(0, lease_add(self->fd, self->add));
}

TEST_F(add, less_room_than_members)
{
	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	add_init(self->add, &(const char *){ self->h.gpu->name }, 1);
	self->add->a.max_members = 1;
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_EQ(2, self->add->a.out_nr_members);
	EXPECT_NE('\0', self->add->members[0].name[0]);
	EXPECT_EQ('\0', self->add->members[1].name[0]);
}

TEST_F(add, no_room_at_all)
{
	const struct pci_fn *fn = host_single(&self->h, 0);

	NEED(fn, "a device that is alone in its group");
	add_init(self->add, &(const char *){ fn->name }, 1);
	/* An address of 0 means no room, whatever the length says. */
	self->add->a.members = 0;
	self->add->a.blockers = 0;
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_EQ(1, self->add->a.out_nr_members);
}

TEST_F(add, stock_vfio_pci)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	const struct ptx_member_info *m;

	NEED(fn, "a device that is alone in its group");
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) &&
	    system("modprobe vfio-pci"))
		SKIP(return, "this kernel has no vfio-pci");
	add_init(self->add, &(const char *){ fn->name }, 1);
	strcpy(self->add->a.driver, "vfio-pci");
	ASSERT_EQ(0, lease_add(self->fd, self->add))
		TH_LOG("%s", reason_name(self->add->a.out_reason));
	m = add_member(self->add, fn->name);
	ASSERT_NE(NULL, m);
	EXPECT_STREQ("vfio-pci", m->driver);
	EXPECT_STREQ(fn->driver, m->native_driver);
	EXPECT_TRUE(pci_on_driver(fn->name, "vfio-pci"));
}

TEST_F(add, our_driver_by_name)
{
	const struct pci_fn *fn = host_single(&self->h, 0);

	NEED(fn, "a device that is alone in its group");
	add_init(self->add, &(const char *){ fn->name }, 1);
	strcpy(self->add->a.driver, PTX_DRIVER);
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_TRUE(pci_on_driver(fn->name, PTX_DRIVER));
}

TEST_F(add, bad_driver)
{
	/*
	 * None of these is a VFIO driver, whatever else they are: absent, with
	 * characters that sysfs would choke on, the native one, one that does
	 * no DMA, one for bridges.
	 */
	static const char *const bad[] = {
		"no-such-driver", "vfio-pci\n", "vfio-pci ", "../vfio-pci", "\n",
		"(null)", "nvme", "pci-stub", "pcieport",
	};
	const struct pci_fn *fn = host_single(&self->h, 0);
	unsigned int i;
	int ret;

	NEED(fn, "a device that is alone in its group");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		add_init(self->add, &(const char *){ fn->name }, 1);
		strcpy(self->add->a.driver, bad[i]);
		ret = lease_add(self->fd, self->add);
		EXPECT_TRUE(ret == -EINVAL || ret == -EIO || ret == -EBUSY ||
			    ret == -ENODEV)
			TH_LOG("'%s': %d", bad[i], ret);
		EXPECT_EQ(PTX_REASON_BAD_DRIVER, self->add->a.out_reason)
			TH_LOG("'%s': %s", bad[i],
			       reason_name(self->add->a.out_reason));
		EXPECT_EQ(0, lease_nr_members(self->fd));
		EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL))
			TH_LOG("'%s'", bad[i]);
		if (!ret)
			EXPECT_EQ(0, lease_remove(self->fd,
						  &(const char *){ fn->name },
						  1, 0, NULL));
	}
}

struct no_right {
	int fd;
	const char *name;
};

static int no_right_child(void *arg)
{
	struct no_right *n = arg;
	struct add *add = calloc(1, sizeof(*add));
	struct ptx_lease_release r;
	struct query q;

	CHECK(add);
	add_init(add, &n->name, 1);
	CHECK_EQ(-EPERM, lease_add(n->fd, add));
	CHECK_EQ(PTX_REASON_NO_RIGHT, add->a.out_reason);
	CHECK_EQ(0, add->a.out_nr_members);
	/* The file itself is the right to look, and to give back. */
	CHECK_EQ(0, lease_query(n->fd, &q));
	CHECK_EQ(0, q.q.out_nr_members);
	CHECK_EQ(0, lease_release(n->fd, 0, &r));
	return 0;
}

TEST_F(add, no_right)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	struct no_right n = {
		.fd = self->fd,
		.name = fn ? fn->name : self->h.fns[0].name,
	};

	EXPECT_EQ(0, child_run_as(NOBODY, no_right_child, &n));
}

/* Two processes want the same device at the same moment. */
#define RACERS	4
#define ROUNDS	10

struct racer {
	const char *name;
	struct gate go, done;
	int report;
};

static int racer(void *arg)
{
	struct racer *r = arg;
	struct add *add = calloc(1, sizeof(*add));
	int ctl, fd, ret;

	ctl = ptx_open();
	fd = lease_create(ctl, lease_name(), NULL);
	CHECK(add && fd >= 0);
	add_init(add, &r->name, 1);
	CHECK(gate_wait(&r->go, 10000));
	ret = lease_add(fd, add);
	if (ret) {
		CHECK_EQ(-EBUSY, ret);
		CHECK_EQ(PTX_REASON_HELD, add->a.out_reason);
		CHECK(!strcmp(add->a.out_culprit, r->name));
		CHECK_EQ(0, lease_nr_members(fd));
	} else {
		CHECK(pci_on_driver(r->name, PTX_DRIVER));
		CHECK_EQ(1, lease_nr_members(fd));
	}
	CHECK(write(r->report, &ret, sizeof(ret)) == sizeof(ret));
	/* Hold on to it until everybody has tried. */
	CHECK(gate_wait(&r->done, 30000));
	return 0;
}

TEST_F_TIMEOUT(add, exactly_one_wins, 180)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	int round, i, won, ret, report[2];
	struct racer r[RACERS];
	pid_t pid[RACERS];

	NEED(fn, "a device that is alone in its group");
	for (round = 0; round < ROUNDS; round++) {
		ASSERT_EQ(0, pipe(report));
		for (i = 0; i < RACERS; i++) {
			r[i].name = fn->name;
			r[i].report = report[1];
			ASSERT_EQ(0, gate_init(&r[i].go));
			ASSERT_EQ(0, gate_init(&r[i].done));
			pid[i] = child_start(racer, &r[i]);
			ASSERT_LT(0, pid[i]);
		}
		for (i = 0; i < RACERS; i++)
			gate_open(&r[i].go);
		for (i = 0, won = 0; i < RACERS; i++) {
			ASSERT_EQ(sizeof(ret), read(report[0], &ret, sizeof(ret)));
			won += !ret;
		}
		EXPECT_EQ(1, won) TH_LOG("round %d", round);
		for (i = 0; i < RACERS; i++)
			gate_open(&r[i].done);
		for (i = 0; i < RACERS; i++) {
			EXPECT_EQ(0, child_wait(pid[i]));
			gate_close(&r[i].go);
			gate_close(&r[i].done);
		}
		close(report[0]);
		close(report[1]);
		/* The winner's file is closed; the device comes home. */
		close(self->fd);
		ASSERT_EQ(0, host_same(&self->h)) TH_LOG("round %d", round);
		self->fd = lease_create(self->h.ctl, lease_name(), NULL);
		ASSERT_LE(0, self->fd);
	}
}

TEST_HARNESS_MAIN
