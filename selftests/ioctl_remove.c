// SPDX-License-Identifier: GPL-2.0-only
/*
 * PTX_LEASE_REMOVE: devices go home with their groups, all or nothing; the
 * rest of the lease does not notice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(remove)
{
	struct host h;
	int fd;
	const struct pci_fn *a, *b;
	struct ptx_lease_remove out;
};

/* A lease that holds two single devices, where the topology has them. */
FIXTURE_SETUP(remove)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	self->a = host_single(&self->h, 0);
	self->b = host_single(&self->h, 1);
	if (self->a && self->b)
		ASSERT_EQ(0, lease_add_names(self->fd, self->a->name,
					     self->b->name));
}

FIXTURE_TEARDOWN(remove)
{
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_TWO() \
	NEED(self->a && self->b, "two devices that are alone in their groups")

TEST_F(remove, one_of_two)
{
	NEED_TWO();
	ASSERT_EQ(0, lease_remove(self->fd, &(const char *){ self->a->name }, 1, 0,
				  &self->out));
	EXPECT_EQ(PTX_REASON_NONE, self->out.out_reason);
	EXPECT_STREQ("", self->out.out_culprit);
	/* Home means home: on its driver by the time the call returns. */
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
	EXPECT_TRUE(pci_on_driver(self->b->name, PTX_DRIVER));
	EXPECT_EQ(1, lease_nr_members(self->fd));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	/* And it can be had again. */
	EXPECT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	EXPECT_EQ(2, lease_nr_members(self->fd));
}

TEST_F(remove, all)
{
	const char *names[2];

	NEED_TWO();
	names[0] = self->a->name;
	names[1] = self->b->name;
	ASSERT_EQ(0, lease_remove(self->fd, names, 2, 0, &self->out));
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, snapshot_check(self->h.before, 2000, NULL));
	/* An empty lease goes on. */
	EXPECT_GE(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	EXPECT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
}

TEST_F(remove, group_goes_along)
{
	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	ASSERT_EQ(0, lease_add_names(self->fd, self->h.gpu->name, NULL));
	ASSERT_EQ(0, lease_remove(self->fd, &(const char *){ self->h.audio->name },
				  1, 0, &self->out));
	EXPECT_TRUE(pci_on_driver(self->h.gpu->name, self->h.gpu->driver));
	EXPECT_TRUE(pci_on_driver(self->h.audio->name, self->h.audio->driver));
	EXPECT_EQ(2, lease_nr_members(self->fd));
}

TEST_F(remove, both_of_a_group)
{
	const char *names[2];

	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	names[0] = self->h.gpu->name;
	names[1] = self->h.audio->name;
	ASSERT_EQ(0, lease_add_names(self->fd, self->h.gpu->name, NULL));
	ASSERT_EQ(0, lease_remove(self->fd, names, 2, 0, &self->out));
	EXPECT_TRUE(pci_on_driver(self->h.gpu->name, self->h.gpu->driver));
}

/* Nothing happens when one of the names is wrong. */
TEST_F(remove, not_a_member)
{
	const char *names[2];
	int ret;

	NEED_TWO();
	NEED(self->h.bridge, "a PCI bridge");
	names[0] = self->a->name;
	names[1] = self->h.bridge->name;
	EXPECT_EQ(-ENOENT, lease_remove(self->fd, names, 2, 0, &self->out));
	EXPECT_EQ(PTX_REASON_NOT_MEMBER, self->out.out_reason);
	EXPECT_STREQ(self->h.bridge->name, self->out.out_culprit);
	names[1] = "0000:1f:1f.7";
	ret = lease_remove(self->fd, names, 2, 0, &self->out);
	EXPECT_TRUE(ret == -ENOENT || ret == -ENODEV) TH_LOG("%d", ret);
	EXPECT_STREQ(names[1], self->out.out_culprit);
	names[1] = "";
	ret = lease_remove(self->fd, names, 2, 0, &self->out);
	EXPECT_TRUE(ret == -ENOENT || ret == -ENODEV || ret == -EINVAL)
		TH_LOG("%d", ret);
	EXPECT_EQ(2, lease_nr_members(self->fd));
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
}

TEST_F(remove, member_of_another_lease)
{
	int fd;

	NEED_TWO();
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOENT, lease_remove(fd, &(const char *){ self->a->name }, 1, 0,
					&self->out));
	EXPECT_EQ(PTX_REASON_NOT_MEMBER, self->out.out_reason);
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
}

TEST_F(remove, twice_in_one_request)
{
	const char *names[2];
	int ret;

	NEED_TWO();
	names[0] = names[1] = self->a->name;
	ret = lease_remove(self->fd, names, 2, 0, &self->out);
	/* Refused and untouched, or taken as said once; nothing in between. */
	if (ret) {
		EXPECT_EQ(-EEXIST, ret);
		EXPECT_EQ(PTX_REASON_DUPLICATE, self->out.out_reason);
		EXPECT_EQ(2, lease_nr_members(self->fd));
	} else {
		EXPECT_EQ(1, lease_nr_members(self->fd));
	}
}

TEST_F(remove, removed_already)
{
	NEED_TWO();
	ASSERT_EQ(0, lease_remove(self->fd, &(const char *){ self->a->name }, 1, 0,
				  &self->out));
	EXPECT_EQ(-ENOENT, lease_remove(self->fd, &(const char *){ self->a->name },
					1, 0, &self->out));
	EXPECT_EQ(1, lease_nr_members(self->fd));
}

TEST_F(remove, numbers_out_of_range)
{
	struct ptx_device_name *names;
	struct ptx_lease_remove r = { .size = sizeof(r) };
	int i;

	NEED_TWO();
	names = calloc(PTX_DEVICES_MAX + 1, sizeof(*names));
	ASSERT_NE(NULL, names);
	for (i = 0; i <= PTX_DEVICES_MAX; i++)
		strcpy(names[i].name, self->a->name);
	r.devices = (uintptr_t)names;
	EXPECT_EQ(-EINVAL, ptx_ioctl(self->fd, PTX_LEASE_REMOVE, &r));
	r.nr_devices = PTX_DEVICES_MAX + 1;
	EXPECT_EQ(-E2BIG, ptx_ioctl(self->fd, PTX_LEASE_REMOVE, &r));
	EXPECT_EQ(PTX_REASON_LIMIT, r.out_reason);
	r.nr_devices = 1;
	r.timeout_ms = PTX_TIMEOUT_MAX_MS + 1;
	EXPECT_EQ(-EINVAL, ptx_ioctl(self->fd, PTX_LEASE_REMOVE, &r));
	r.timeout_ms = 0;
	memset(names[0].name, 'x', sizeof(names[0].name));
	EXPECT_EQ(-EINVAL, ptx_ioctl(self->fd, PTX_LEASE_REMOVE, &r));
	EXPECT_EQ(2, lease_nr_members(self->fd));
	free(names);
}

/* A VFIO file keeps it: the call gives up in time, the way home does not. */
TEST_F(remove, while_open)
{
	struct vfio v = VFIO_CLOSED;

	NEED_TWO();
	ASSERT_EQ(0, vfio_open(&v, self->a->group, self->a->name));
	EXPECT_EQ(-ETIMEDOUT, lease_remove(self->fd,
					   &(const char *){ self->a->name }, 1,
					   300, &self->out));
	EXPECT_EQ(PTX_REASON_TIMEOUT, self->out.out_reason);
	EXPECT_STREQ(self->a->name, self->out.out_culprit);
	/* The other one is not touched, and the lease goes on. */
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	EXPECT_TRUE(pci_on_driver(self->b->name, PTX_DRIVER));
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
	vfio_close(&v);
	/* By itself, now that nobody has it open. */
	ASSERT_EQ(0, lease_wait_members(self->fd, 1, 10000));
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
}

TEST_F(remove, bad_array)
{
	struct ptx_lease_remove r = { .size = sizeof(r), .nr_devices = 1 };
	const long page = sysconf(_SC_PAGESIZE);
	char *p;

	NEED_TWO();
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_REMOVE, &r));
	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, mprotect(p + page, page, PROT_NONE));
	/* The first is there, the second is not. */
	r.devices = (uintptr_t)(p + page - PTX_DEVICE_NAME_SIZE);
	strcpy(p + page - PTX_DEVICE_NAME_SIZE, self->a->name);
	r.nr_devices = 2;
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_REMOVE, &r));
	EXPECT_EQ(2, lease_nr_members(self->fd));
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
	munmap(p, 2 * page);
}

TEST_F(remove, draining_lease)
{
	NEED_TWO();
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_EQ(-ESHUTDOWN, lease_remove(self->fd,
					   &(const char *){ self->a->name }, 1,
					   0, &self->out));
	EXPECT_EQ(PTX_REASON_NOT_ACTIVE, self->out.out_reason);
}

TEST_HARNESS_MAIN
