// SPDX-License-Identifier: GPL-2.0-only
/*
 * PTX_LEASE_QUERY: what a lease says of itself in each of its states.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(query)
{
	struct host h;
	uint64_t id;
	int fd;
	const struct pci_fn *a, *b;
	struct query q;
};

FIXTURE_SETUP(query)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	self->a = host_single(&self->h, 0);
	self->b = host_single(&self->h, 1);
}

FIXTURE_TEARDOWN(query)
{
	EXPECT_EQ(0, host_end(&self->h));
}

TEST_F(query, empty_lease)
{
	ASSERT_EQ(0, lease_query(self->fd, &self->q));
	EXPECT_EQ(sizeof(self->q.q), self->q.q.size);
	EXPECT_EQ(self->id, self->q.q.out_id);
	EXPECT_EQ(0, self->q.q.out_nr_members);
	EXPECT_EQ(PTX_LEASE_STATE_NEW, self->q.q.out_state);
}

TEST_F(query, states)
{
	struct vfio v = VFIO_CLOSED;

	NEED(self->a, "a device that is alone in its group");
	EXPECT_EQ(PTX_LEASE_STATE_NEW, lease_state(self->fd));
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	ASSERT_EQ(0, vfio_open(&v, self->a->group, self->a->name));
	ASSERT_EQ(0, lease_query(self->fd, &self->q));
	EXPECT_EQ(PTX_MEMBER_REQUESTED | PTX_MEMBER_OPENED, self->q.members[0].flags);
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 100, NULL));
	ASSERT_EQ(0, lease_query(self->fd, &self->q));
	EXPECT_EQ(PTX_LEASE_STATE_DRAINING, self->q.q.out_state);
	ASSERT_EQ(1, self->q.q.out_nr_members);
	EXPECT_EQ(PTX_MEMBER_STATE_DRAINING, self->q.members[0].state);
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_EQ(0, lease_query(self->fd, &self->q));
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, self->q.q.out_state);
	EXPECT_EQ(self->id, self->q.q.out_id);
}

TEST_F(query, less_room_than_members)
{
	unsigned int room, i;

	NEED(self->a && self->b, "two devices that are alone in their groups");
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, self->b->name));
	for (room = 0; room < 4; room++) {
		memset(&self->q, 0, sizeof(self->q));
		self->q.q.size = sizeof(self->q.q);
		self->q.q.members = room ? (uintptr_t)self->q.members : 0;
		self->q.q.max_members = room;
		ASSERT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_QUERY, &self->q.q));
		EXPECT_EQ(2, self->q.q.out_nr_members);
		for (i = 0; i < 4; i++)
			EXPECT_EQ(i < room && i < 2,
				  self->q.members[i].name[0] != '\0');
	}
}

TEST_F(query, room_nowhere)
{
	const long page = sysconf(_SC_PAGESIZE);
	struct ptx_lease_query q = { .size = sizeof(q), .max_members = 1 };
	char *p;

	NEED(self->a, "a device that is alone in its group");
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	/* An address of 0 means no room, whatever the length says. */
	EXPECT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_QUERY, &q));
	EXPECT_EQ(1, q.out_nr_members);
	p = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	q.members = (uintptr_t)p;
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_QUERY, &q));
	q.members = ~0ULL - 4;
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_QUERY, &q));
	/* An absurd length is no reason to allocate. */
	ASSERT_EQ(0, mprotect(p, page, PROT_READ | PROT_WRITE));
	q.members = (uintptr_t)p;
	q.max_members = 0xffffffff;
	EXPECT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_QUERY, &q));
	munmap(p, 2 * page);
}

static int query_child(void *arg)
{
	struct query q;

	CHECK_EQ(0, lease_query(*(int *)arg, &q));
	return 0;
}

TEST_F(query, needs_no_right_but_the_file)
{
	EXPECT_EQ(0, child_run_as(NOBODY, query_child, &self->fd));
}

TEST_HARNESS_MAIN
