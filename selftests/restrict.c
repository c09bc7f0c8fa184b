// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lease that changes its owner, its process or its limit: for what comes.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

#define NOBODY	65534

FIXTURE(restrict_it)
{
	struct host h;
	const struct pci_fn *a, *b;
	struct vfio v;
	uint64_t id;
	int fd;
};

FIXTURE_SETUP(restrict_it)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	self->a = self->h.nr_edu ? self->h.edu[0] : NULL;
	self->b = host_single(&self->h, 0);
	if (!self->a)
		return;
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	ASSERT_EQ(0, vfio_group_open(&self->v, self->a->group));
}

FIXTURE_TEARDOWN(restrict_it)
{
	vfio_close(&self->v);
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_EDU() NEED(self->a && self->b, "an edu that is alone in its group")

/* Opens the device and closes it again. */
static int open_it(FIXTURE_DATA(restrict_it) *self)
{
	int ret = vfio_device_open(&self->v, self->a->name);

	if (!ret)
		close(self->v.device);
	self->v.device = -1;
	return ret;
}

static int child_opens(void *arg)
{
	CHECK_EQ(0, open_it(arg));
	return 0;
}

static int child_does_not(void *arg)
{
	CHECK_EQ(-EACCES, open_it(arg));
	return 0;
}

TEST_F(restrict_it, owner)
{
	struct nl_lease l;

	NEED_EDU();
	EXPECT_EQ(0, open_it(self));
	EXPECT_EQ(0, child_run_as(NOBODY, child_does_not, self));
	ASSERT_EQ(0, nl_lease_restrict(&self->h.nl, self->id, NOBODY, -1, -1));
	EXPECT_EQ(-EACCES, open_it(self));
	EXPECT_EQ(0, child_run_as(NOBODY, child_opens, self));
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, self->id, NULL, &l));
	EXPECT_EQ(NOBODY, l.owner);
	EXPECT_EQ(0, nl_lease_restrict(&self->h.nl, self->id, 0, -1, -1));
	EXPECT_EQ(0, open_it(self));
}

/* What is open stays open. */
TEST_F(restrict_it, not_what_is_open)
{
	NEED_EDU();
	ASSERT_EQ(0, vfio_device_open(&self->v, self->a->name));
	ASSERT_EQ(0, nl_lease_restrict(&self->h.nl, self->id, NOBODY, -1, -1));
	EXPECT_EQ(0, vfio_master(self->v.device));
}

struct half {
	FIXTURE_DATA(restrict_it) *self;
	struct gate ready, go;
};

static int waits_and_opens(void *arg)
{
	struct half *half = arg;

	gate_open(&half->ready);
	CHECK(gate_wait(&half->go, 30000));
	CHECK_EQ(0, open_it(half->self));
	/* With its descendants. */
	CHECK_EQ(0, child_run(child_opens, half->self));
	return 0;
}

TEST_F(restrict_it, process)
{
	struct half half = { .self = self };
	struct nl_lease l;
	pid_t pid;

	NEED_EDU();
	ASSERT_EQ(0, gate_init(&half.ready));
	ASSERT_EQ(0, gate_init(&half.go));
	pid = child_start(waits_and_opens, &half);
	ASSERT_TRUE(gate_wait(&half.ready, 30000));
	ASSERT_EQ(0, nl_lease_restrict(&self->h.nl, self->id, -1, pid, -1));
	EXPECT_EQ(-EACCES, open_it(self));
	EXPECT_EQ(0, child_run(child_does_not, self));
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, self->id, NULL, &l));
	EXPECT_EQ(pid, l.pid);
	gate_open(&half.go);
	EXPECT_EQ(0, child_wait(pid));
	/* Nobody, now that it is gone; the lease does not end with it. */
	EXPECT_EQ(-EACCES, open_it(self));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	EXPECT_EQ(-ESRCH, nl_lease_restrict(&self->h.nl, self->id, -1, pid, -1));
	EXPECT_EQ(PTX_REASON_BAD_PROCESS, self->h.nl.reason);
	EXPECT_EQ(0, nl_lease_restrict(&self->h.nl, self->id, -1, 0, -1));
	EXPECT_EQ(0, open_it(self));
}

TEST_F(restrict_it, limit)
{
	struct add *add = calloc(1, sizeof(*add));
	const char *one[1];

	NEED_EDU();
	ASSERT_NE(NULL, add);
	one[0] = self->b->name;
	ASSERT_EQ(0, nl_lease_restrict(&self->h.nl, self->id, -1, -1, 1));
	add_init(add, one, 1);
	EXPECT_EQ(-E2BIG, lease_add(self->fd, add));
	EXPECT_EQ(PTX_REASON_LIMIT, add->a.out_reason);
	EXPECT_EQ(1, lease_nr_members(self->fd));
	EXPECT_TRUE(pci_on_driver(self->b->name, self->b->driver));
	ASSERT_EQ(0, nl_lease_restrict(&self->h.nl, self->id, -1, -1, 0));
	EXPECT_EQ(0, lease_add(self->fd, add));
	free(add);
}

static int nobody_restricts(void *arg)
{
	FIXTURE_DATA(restrict_it) *self = arg;
	struct nl nl;

	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(-EPERM, nl_lease_restrict(&nl, self->id, NOBODY, -1, -1));
	CHECK_EQ(PTX_REASON_NO_RIGHT, nl.reason);
	return 0;
}

TEST_F(restrict_it, bad)
{
	struct nl *nl = &self->h.nl;

	NEED_EDU();
	EXPECT_EQ(-EINVAL, nl_lease_restrict(nl, self->id, -1, -1, -1));
	EXPECT_EQ(-ENOENT, nl_lease_restrict(nl, self->id + 1, 0, -1, -1));
	EXPECT_EQ(-ERANGE, nl_lease_restrict(nl, self->id, -1, -1, PTX_DEVICES_MAX + 1));
	EXPECT_EQ(-ESRCH, nl_lease_restrict(nl, self->id, -1, INT_MAX, -1));
	EXPECT_EQ(0, child_run_as(NOBODY, nobody_restricts, self));
	ASSERT_EQ(0, vfio_device_open(&self->v, self->a->name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 1, NULL));
	EXPECT_EQ(-ESHUTDOWN, nl_lease_restrict(nl, self->id, 0, -1, -1));
	EXPECT_EQ(PTX_REASON_NOT_ACTIVE, nl->reason);
}

TEST_HARNESS_MAIN
