// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pointers that go wrong in the middle of a call: arrays to read that end too
 * early, arrays and structs to write that cannot be written. EFAULT, and
 * nothing has changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(fault)
{
	struct host h;
	int fd;
	const struct pci_fn *a, *b;
	struct add *add;
	long page;
	char *p;		/* a page, and behind it one that is not there */
};

FIXTURE_SETUP(fault)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	self->a = host_single(&self->h, 0);
	self->b = host_single(&self->h, 1);
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
	self->page = sysconf(_SC_PAGESIZE);
	self->p = mmap(NULL, 2 * self->page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->p);
	ASSERT_EQ(0, mprotect(self->p + self->page, self->page, PROT_NONE));
}

FIXTURE_TEARDOWN(fault)
{
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_TWO() \
	NEED(self->a && self->b, "two devices that are alone in their groups")

#define ADD_FAULTS()							\
	do {								\
		EXPECT_EQ(-EFAULT, lease_add(self->fd, self->add));	\
		EXPECT_EQ(0, lease_nr_members(self->fd));		\
		EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL)); \
	} while (0)

TEST_F(fault, add_devices)
{
	NEED_TWO();
	add_init(self->add, &(const char *){ self->a->name }, 1);
	self->add->a.devices = 0;
	ADD_FAULTS();
	self->add->a.devices = 1;
	ADD_FAULTS();
	self->add->a.devices = (uintptr_t)(self->p + self->page);
	ADD_FAULTS();
	self->add->a.devices = ~0ULL;
	ADD_FAULTS();
	self->add->a.devices = 1ULL << 63;
	ADD_FAULTS();
	/* The first name is there, the second only in part. */
	self->add->a.devices = (uintptr_t)(self->p + self->page -
					   PTX_DEVICE_NAME_SIZE - 4);
	memcpy(self->p + self->page - PTX_DEVICE_NAME_SIZE - 4,
	       self->add->devices, PTX_DEVICE_NAME_SIZE);
	self->add->a.nr_devices = 2;
	ADD_FAULTS();
}

TEST_F(fault, add_members)
{
	const char *names[2];

	NEED_TWO();
	names[0] = self->a->name;
	names[1] = self->b->name;
	add_init(self->add, names, 2);
	self->add->a.members = (uintptr_t)(self->p + self->page);
	ADD_FAULTS();
	self->add->a.members = 8;
	ADD_FAULTS();
	self->add->a.members = 1ULL << 63;
	ADD_FAULTS();
	/* Room for the first, none for the second. */
	self->add->a.members = (uintptr_t)(self->p + self->page -
					   sizeof(struct ptx_member_info));
	ADD_FAULTS();
	/* Can be read, but not be written. */
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	self->add->a.members = (uintptr_t)self->p;
	ADD_FAULTS();
	/* The same request with room goes through. */
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_EQ(2, lease_nr_members(self->fd));
}

TEST_F(fault, add_struct_not_writable)
{
	struct ptx_lease_add *a = (void *)self->p;

	NEED_TWO();
	add_init(self->add, &(const char *){ self->a->name }, 1);
	memcpy(a, &self->add->a, sizeof(*a));
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_ADD, a));
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL));
}

/* A refusal that cannot be explained is a refusal all the same. */
TEST_F(fault, add_blockers)
{
	NEED_TWO();
	NEED(self->h.bridge, "a PCI bridge");
	add_init(self->add, &(const char *){ self->h.bridge->name }, 1);
	self->add->a.blockers = (uintptr_t)(self->p + self->page);
	EXPECT_GT(0, lease_add(self->fd, self->add));
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL));
	/* And blockers that are not needed are not touched. */
	add_init(self->add, &(const char *){ self->a->name }, 1);
	self->add->a.blockers = (uintptr_t)(self->p + self->page);
	EXPECT_EQ(0, lease_add(self->fd, self->add));
}

TEST_F(fault, remove_struct_not_writable)
{
	struct ptx_lease_remove *r = (void *)self->p;
	struct ptx_device_name name = { 0 };

	NEED_TWO();
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, self->b->name));
	strcpy(name.name, self->a->name);
	r->size = sizeof(*r);
	r->devices = (uintptr_t)&name;
	r->nr_devices = 1;
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_REMOVE, r));
	EXPECT_EQ(2, lease_nr_members(self->fd));
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
}

TEST_F(fault, release_struct_not_writable)
{
	struct ptx_lease_release *r = (void *)self->p;

	NEED_TWO();
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	r->size = sizeof(*r);
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_RELEASE, r));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
}

TEST_F(fault, query_struct_not_writable)
{
	struct ptx_lease_query *q = (void *)self->p;

	q->size = sizeof(*q);
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_QUERY, q));
}

TEST_F(fault, info_struct_not_writable)
{
	struct ptx_info *i = (void *)self->p;

	i->size = sizeof(*i);
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->h.ctl, PTX_INFO, i));
}

TEST_HARNESS_MAIN
