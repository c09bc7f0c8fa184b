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
#include "lib/space.h"

FIXTURE(fault)
{
	struct host h;
	int fd;
	int space;
	char *buffer;
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
	self->space = space_lease(self->h.ctl, lease_name());
	ASSERT_LE(0, self->space);
	self->buffer = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->buffer);
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

/* A lease with a space, in which nothing is mapped and everything may be. */
#define NOTHING_MAPPED()						\
	do {								\
		struct ptx_space_stats s_;				\
									\
		ASSERT_EQ(0, space_stats(self->space, &s_));		\
		EXPECT_EQ(0, s_.out_entries);				\
		EXPECT_EQ(0, s_.out_mapped + s_.out_pinned);		\
		EXPECT_EQ(0, s_.out_quota);				\
		EXPECT_EQ(1, s_.out_nr_windows);			\
		EXPECT_EQ(0, space_locked_kib());			\
	} while (0)

TEST_F(fault, space_ops)
{
	const size_t op = sizeof(struct ptx_space_op);
	struct ptx_space_change change = { .nr_ops = 1 };
	const uint64_t bad[] = { 0, 1, 1ULL << 63, ~0ULL, (uintptr_t)(self->p + self->page),
				 /* All but its last byte. */
				 (uintptr_t)(self->p + self->page - op + 1) };
	struct ptx_space_op *ops;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		change.ops = bad[i];
		EXPECT_EQ(-EFAULT, space_change(self->space, &change)) TH_LOG("row %u", i);
		EXPECT_EQ(0, change.out_unmapped);
		EXPECT_EQ(1, change.out_op);
		EXPECT_EQ(PTX_REASON_NONE, change.out_reason);
	}
	/* The first of two is there, and would map. */
	ops = (void *)(self->p + self->page - op);
	*ops = space_map_op(1 << 20, self->buffer, 4096, SPACE_RW);
	change.ops = (uintptr_t)ops;
	change.nr_ops = 2;
	EXPECT_EQ(-EFAULT, space_change(self->space, &change));
	NOTHING_MAPPED();
	change.nr_ops = 1;
	EXPECT_EQ(0, space_change(self->space, &change));
	EXPECT_EQ(4, space_locked_kib());
}

TEST_F(fault, space_structs_not_writable)
{
	struct ptx_space_op op = space_map_op(1 << 20, self->buffer, 4096, SPACE_RW);
	union {
		struct ptx_space_change change;
		struct ptx_space_window window;
		struct ptx_space_quota quota;
		struct ptx_space_stats stats;
	} *u = (void *)self->p;

	u->change = (struct ptx_space_change) {
		.size = sizeof(u->change), .ops = (uintptr_t)&op, .nr_ops = 1,
	};
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->space, PTX_SPACE_CHANGE, u));
	NOTHING_MAPPED();
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ | PROT_WRITE));
	u->window = (struct ptx_space_window) {
		.size = sizeof(u->window), .flags = PTX_SPACE_WINDOW_REMOVE,
		.first = 1 << 20, .last = (2 << 20) - 1,
	};
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->space, PTX_SPACE_WINDOW, u));
	NOTHING_MAPPED();
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ | PROT_WRITE));
	u->quota = (struct ptx_space_quota) { .size = sizeof(u->quota), .bytes = 4096 };
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->space, PTX_SPACE_QUOTA, u));
	NOTHING_MAPPED();
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ | PROT_WRITE));
	u->stats = (struct ptx_space_stats) { .size = sizeof(u->stats) };
	ASSERT_EQ(0, mprotect(self->p, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->space, PTX_SPACE_STATS, u));
}

/* Three windows, and room for some of them. */
TEST_F(fault, space_windows)
{
	const size_t range = sizeof(struct ptx_space_range);
	struct ptx_space_stats s = { .size = sizeof(s), .max_windows = 3 };
	char *end = self->p + self->page;

	ASSERT_EQ(0, space_window(self->space, PTX_SPACE_WINDOW_REMOVE, 1 << 20,
				  (2 << 20) - 1));
	ASSERT_EQ(0, space_window(self->space, PTX_SPACE_WINDOW_REMOVE, 3 << 20,
				  (4 << 20) - 1));
	s.windows = (uintptr_t)end;
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->space, PTX_SPACE_STATS, &s));
	s.windows = 1ULL << 63;
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->space, PTX_SPACE_STATS, &s));
	s.windows = (uintptr_t)(end - 2 * range);
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->space, PTX_SPACE_STATS, &s));
	s.max_windows = 2;
	EXPECT_EQ(0, ptx_ioctl(self->space, PTX_SPACE_STATS, &s));
	EXPECT_EQ(3, s.out_nr_windows);
	EXPECT_EQ(0, ((struct ptx_space_range *)(end - 2 * range))[0].first);
	EXPECT_EQ((3 << 20) - 1, ((struct ptx_space_range *)(end - 2 * range))[1].last);
	/* With no room wanted the address is not looked at. */
	s.windows = (uintptr_t)end;
	s.max_windows = 0;
	EXPECT_EQ(0, ptx_ioctl(self->space, PTX_SPACE_STATS, &s));
	EXPECT_EQ(3, s.out_nr_windows);
	s.windows = 0;
	s.max_windows = ~0U;
	EXPECT_EQ(0, ptx_ioctl(self->space, PTX_SPACE_STATS, &s));
}

TEST_HARNESS_MAIN
