// SPDX-License-Identifier: GPL-2.0-only
/*
 * Native drivers that misbehave: one whose remove() does not return by the
 * deadline, and one that would not take its device back. The driver is a fake,
 * selftests/stubborn, on the edu devices of the lab.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

#define NATIVE	"ptx-stubborn"
#define PARAM	"/sys/module/ptx_stubborn/parameters/"

FIXTURE(stubborn)
{
	struct host h;
	const struct pci_fn *fn;
	struct add *add;
	int fd;
	uint64_t id;
};

FIXTURE_SETUP(stubborn)
{
	ASSERT_EQ(0, system("modprobe ptx_stubborn"));
	ASSERT_EQ(0, host_begin(&self->h));
	self->fn = self->h.nr_edu ? self->h.edu[0] : NULL;
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(stubborn)
{
	file_write(PARAM "hold", "0");
	file_write(PARAM "refuse", "0");
	file_write(PARAM "sleep_ms", "0");
	free(self->add);
	EXPECT_EQ(0, host_end(&self->h));
	EXPECT_EQ(0, system("rmmod ptx_stubborn"));
}

#define NEED_EDU() NEED(self->fn, "an edu device that is alone in its group")

static long long ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Adds the device with a deadline of half a second that it will not meet. */
static int add_stuck(struct add *add, int fd, const char *name, long long *took)
{
	const char *names[] = { name };
	long long began = ms_now();
	int ret;

	add_init(add, names, 1);
	add->a.timeout_ms = 500;
	ret = lease_add(fd, add);
	*took = ms_now() - began;
	return ret;
}

TEST_F(stubborn, remove_that_does_not_return)
{
	struct query q;
	long long took;

	NEED_EDU();
	ASSERT_TRUE(pci_on_driver(self->fn->name, NATIVE));
	ASSERT_EQ(0, file_write(PARAM "hold", "1"));
	EXPECT_EQ(-ETIMEDOUT, add_stuck(self->add, self->fd, self->fn->name, &took));
	EXPECT_LE(400, took);
	EXPECT_GE(5000, took);
	EXPECT_EQ(PTX_REASON_UNBIND_STUCK, self->add->a.out_reason);
	EXPECT_STREQ(self->fn->name, self->add->a.out_culprit);

	/* It is on its way home, says so, and cannot be had meanwhile. */
	memset(&q, 0, sizeof(q));
	ASSERT_EQ(0, lease_query(self->fd, &q));
	ASSERT_EQ(1, q.q.out_nr_members);
	EXPECT_EQ(PTX_MEMBER_STATE_DRAINING, q.members[0].state);
	EXPECT_EQ(-EBUSY, lease_add_names(self->fd, self->fn->name, NULL));

	/* The lease itself goes on, and takes other devices. */
	if (self->h.nr_nvme) {
		EXPECT_EQ(0, lease_add_names(self->fd, self->h.nvme[0]->name, NULL));
		EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	}

	/* When the driver lets go it goes home by itself. */
	ASSERT_EQ(0, file_write(PARAM "hold", "0"));
	EXPECT_EQ(0, lease_wait_members(self->fd, self->h.nr_nvme ? 1 : 0, 10000));
	EXPECT_TRUE(pci_on_driver(self->fn->name, NATIVE));
}

TEST_F(stubborn, owner_dies_meanwhile)
{
	struct ptx_lease_release r;
	long long took;

	NEED_EDU();
	ASSERT_EQ(0, file_write(PARAM "hold", "1"));
	EXPECT_EQ(-ETIMEDOUT, add_stuck(self->add, self->fd, self->fn->name, &took));
	memset(&r, 0, sizeof(r));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 200, &r));
	EXPECT_EQ(PTX_REASON_TIMEOUT, r.out_reason);
	EXPECT_STREQ(self->fn->name, r.out_culprit);
	EXPECT_EQ(PTX_LEASE_STATE_DRAINING, lease_state(self->fd));

	/* Nothing of the caller's is kept: the file closes at once. */
	took = ms_now();
	close(self->fd);
	EXPECT_GE(1000, ms_now() - took);
	EXPECT_EQ(-ETIMEDOUT, nl_lease_wait(self->id, 300));
	ASSERT_EQ(0, file_write(PARAM "hold", "0"));
	EXPECT_EQ(0, nl_lease_wait(self->id, 10000));
	EXPECT_TRUE(pci_on_driver(self->fn->name, NATIVE));
}

static int adder(void *arg)
{
	struct host *h = arg;
	int fd = lease_create(h->ctl, lease_name(), NULL);

	CHECK(fd >= 0);
	lease_add_names(fd, h->edu[0]->name, NULL);
	return 0;
}

TEST_F(stubborn, waiting_caller_can_be_killed)
{
	long long began;
	pid_t pid;

	NEED_EDU();
	ASSERT_EQ(0, file_write(PARAM "hold", "1"));
	pid = child_start(adder, &self->h);
	usleep(300000);
	began = ms_now();
	child_kill(pid);
	EXPECT_GE(2000, ms_now() - began);
	ASSERT_EQ(0, file_write(PARAM "hold", "0"));
}

TEST_F(stubborn, driver_that_refuses_its_device)
{
	struct ptx_lease_release r;

	NEED_EDU();
	ASSERT_EQ(0, lease_add_names(self->fd, self->fn->name, NULL));
	ASSERT_EQ(0, file_write(PARAM "refuse", "1"));
	memset(&r, 0, sizeof(r));
	EXPECT_EQ(-EIO, lease_release(self->fd, 10000, &r));
	EXPECT_EQ(PTX_REASON_NATIVE_REFUSED, r.out_reason);
	EXPECT_STREQ(self->fn->name, r.out_culprit);
	/* Reported, not lost: the walk went on to its end. */
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, lease_state(self->fd));
	EXPECT_TRUE(pci_on_driver(self->fn->name, ""));
	ASSERT_EQ(0, file_write(PARAM "refuse", "0"));
	ASSERT_EQ(0, pci_driver_write(NATIVE, "bind", self->fn->name));
}

/* Groups move in parallel: three drivers that sleep cost one sleep. */
TEST_F(stubborn, groups_move_at_the_same_time)
{
	const char *names[2];
	long long began, took;

	NEED_EDU();
	NEED(self->h.nr_edu_shared, "an edu device that shares its group");
	names[0] = self->fn->name;
	names[1] = self->h.edu_shared[0]->name;
	ASSERT_EQ(0, file_write(PARAM "sleep_ms", "1500"));
	add_init(self->add, names, 2);
	began = ms_now();
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	took = ms_now() - began;
	/* Two in the shared group, one after the other: 3 s, not 4.5 s. */
	EXPECT_LE(3000, took);
	EXPECT_GE(4200, took);
}

TEST_HARNESS_MAIN
