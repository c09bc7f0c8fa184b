// SPDX-License-Identifier: GPL-2.0-only
/*
 * PTX_LEASE_RELEASE, its deadline, and poll() on a lease file.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(release)
{
	struct host h;
	uint64_t id;
	int fd;
	const struct pci_fn *a, *b;
	struct ptx_lease_release out;
	struct vfio v;
};

FIXTURE_SETUP(release)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	self->a = host_single(&self->h, 0);
	self->b = host_single(&self->h, 1);
	if (self->a && self->b)
		ASSERT_EQ(0, lease_add_names(self->fd, self->a->name,
					     self->b->name));
}

FIXTURE_TEARDOWN(release)
{
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_TWO() \
	NEED(self->a && self->b, "two devices that are alone in their groups")

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

TEST_F(release, everything_is_home_when_it_returns)
{
	NEED_TWO();
	EXPECT_EQ(0, lease_poll(self->fd, POLLPRI, 0));
	ASSERT_EQ(0, lease_release(self->fd, 0, &self->out));
	EXPECT_EQ(PTX_REASON_NONE, self->out.out_reason);
	EXPECT_STREQ("", self->out.out_culprit);
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
	EXPECT_TRUE(pci_on_driver(self->b->name, self->b->driver));
	EXPECT_EQ(0, snapshot_check(self->h.before, 2000, NULL));
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, lease_state(self->fd));
	EXPECT_TRUE(lease_poll(self->fd, POLLPRI, 0) & POLLHUP);
	EXPECT_EQ(-ENOENT, nl_lease_get(&self->h.nl, self->id, NULL, NULL));
}

TEST_F(release, empty_lease)
{
	int fd = lease_create(self->h.ctl, lease_name(), NULL);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, lease_release(fd, 0, &self->out));
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, lease_state(fd));
	EXPECT_TRUE(lease_poll(fd, 0, 0) & POLLHUP);
}

TEST_F(release, nothing_can_be_done_with_it_then)
{
	struct add *add = calloc(1, sizeof(*add));
	int ret;

	NEED_TWO();
	ASSERT_NE(NULL, add);
	ASSERT_EQ(0, lease_release(self->fd, 0, &self->out));
	add_init(add, &(const char *){ self->a->name }, 1);
	EXPECT_EQ(-ESHUTDOWN, lease_add(self->fd, add));
	EXPECT_EQ(PTX_REASON_NOT_ACTIVE, add->a.out_reason);
	/* Again is either the same answer or nothing new. */
	ret = lease_release(self->fd, 0, &self->out);
	EXPECT_TRUE(!ret || ret == -ESHUTDOWN) TH_LOG("%d", ret);
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
	free(add);
}

TEST_F(release, deadline)
{
	struct add *add = calloc(1, sizeof(*add));
	struct vfio late = VFIO_CLOSED;
	long long start;

	NEED_TWO();
	ASSERT_NE(NULL, add);
	ASSERT_EQ(0, vfio_open(&self->v, self->a->group, self->a->name));
	start = now_ms();
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 500, &self->out));
	EXPECT_LE(450, now_ms() - start);
	EXPECT_GE(5000, now_ms() - start);
	EXPECT_EQ(PTX_REASON_TIMEOUT, self->out.out_reason);
	EXPECT_STREQ(self->a->name, self->out.out_culprit);
	EXPECT_EQ(PTX_LEASE_STATE_DRAINING, lease_state(self->fd));
	EXPECT_EQ(POLLPRI, lease_poll(self->fd, POLLPRI, 0));
	/* The other one does not wait for it. */
	ASSERT_EQ(0, lease_wait_members(self->fd, 1, 10000));
	EXPECT_TRUE(pci_on_driver(self->b->name, self->b->driver));
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
	/* While it drains, nobody can have it and nobody new can open it. */
	add_init(add, &(const char *){ self->b->name }, 1);
	EXPECT_EQ(-ESHUTDOWN, lease_add(self->fd, add));
	{
		int fd = lease_create(self->h.ctl, lease_name(), NULL);

		ASSERT_LE(0, fd);
		add_init(add, &(const char *){ self->a->name }, 1);
		EXPECT_EQ(-EBUSY, lease_add(fd, add));
		EXPECT_EQ(PTX_REASON_HELD, add->a.out_reason);
		EXPECT_EQ(self->id, add->blockers[0].lease);
		close(fd);
	}
	/* It goes on by itself. */
	vfio_close(&self->v);
	EXPECT_TRUE(lease_poll(self->fd, 0, 10000) & POLLHUP);
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, lease_state(self->fd));
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
	EXPECT_GT(0, vfio_open(&late, self->a->group, self->a->name));
	free(add);
}

TEST_F(release, no_new_open_while_draining)
{
	struct vfio *v = &self->v;

	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	ASSERT_EQ(0, lease_add_names(self->fd, self->h.gpu->name, NULL));
	ASSERT_EQ(0, vfio_open(v, self->h.gpu->group, self->h.gpu->name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 200, &self->out));
	/* The group is still open, its other device was not. */
	{
		int gpu = v->device;

		EXPECT_GT(0, vfio_device_open(v, self->h.audio->name));
		v->device = gpu;
	}
	EXPECT_TRUE(pci_on_driver(self->h.audio->name, PTX_DRIVER));
	/* All functions of a group leave VFIO before the first goes home. */
	EXPECT_TRUE(pci_on_driver(self->h.gpu->name, PTX_DRIVER));
	vfio_close(v);
	EXPECT_TRUE(lease_poll(self->fd, 0, 10000) & POLLHUP);
}

TEST_F(release, timeout_out_of_range)
{
	struct ptx_lease_release r = {
		.size = sizeof(r),
		.timeout_ms = PTX_TIMEOUT_MAX_MS + 1,
	};

	EXPECT_EQ(-EINVAL, ptx_ioctl(self->fd, PTX_LEASE_RELEASE, &r));
	EXPECT_GE(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	r.timeout_ms = 0xffffffff;
	EXPECT_EQ(-EINVAL, ptx_ioctl(self->fd, PTX_LEASE_RELEASE, &r));
	EXPECT_GE(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	r.timeout_ms = PTX_TIMEOUT_MAX_MS;
	EXPECT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_RELEASE, &r));
}

static int release_child(void *arg)
{
	/* Waits for a device that is not coming: killed meanwhile. */
	CHECK_EQ(-ETIMEDOUT, lease_release(*(int *)arg, 60000, NULL));
	return 0;
}

TEST_F(release, waiting_can_be_killed)
{
	long long start;
	pid_t pid;

	NEED_TWO();
	ASSERT_EQ(0, vfio_open(&self->v, self->a->group, self->a->name));
	pid = child_start(release_child, &self->fd);
	ASSERT_LT(0, pid);
	EXPECT_EQ(POLLPRI, lease_poll(self->fd, POLLPRI, 10000));
	start = now_ms();
	child_kill(pid);
	EXPECT_GE(2000, now_ms() - start);
	EXPECT_EQ(PTX_LEASE_STATE_DRAINING, lease_state(self->fd));
	vfio_close(&self->v);
	EXPECT_TRUE(lease_poll(self->fd, 0, 10000) & POLLHUP);
}

static int poll_child(void *arg)
{
	FIXTURE_DATA(release) *self = arg;
	int fd = self->fd;

	/* Inherited, and the lease waits for them. */
	vfio_close(&self->v);
	CHECK(lease_poll(fd, POLLPRI, 20000) & POLLPRI);
	CHECK(lease_poll(fd, 0, 20000) & POLLHUP);
	CHECK_EQ(PTX_LEASE_STATE_RELEASED, lease_state(fd));
	return 0;
}

/* Who sleeps in poll() is woken by both changes. */
TEST_F(release, poll_wakes)
{
	pid_t pid;

	NEED_TWO();
	ASSERT_EQ(0, vfio_open(&self->v, self->a->group, self->a->name));
	pid = child_start(poll_child, self);
	ASSERT_LT(0, pid);
	usleep(200000);
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 300, NULL));
	vfio_close(&self->v);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(release, two_at_once)
{
	pid_t pid;

	NEED_TWO();
	ASSERT_EQ(0, vfio_open(&self->v, self->a->group, self->a->name));
	pid = child_start(poll_child, self);
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 50, NULL));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 50, NULL));
	vfio_close(&self->v);
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_HARNESS_MAIN
