// SPDX-License-Identifier: GPL-2.0-only
/*
 * The multicast group "events": everything that happens to a lease arrives,
 * once, in order, at everybody who listens.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(event)
{
	struct host h;
	struct nl listen;
	struct nl_event ev;
	const struct pci_fn *a, *b;
	uint64_t id;
	int fd;
};

FIXTURE_SETUP(event)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->a = host_single(&self->h, 0);
	self->b = host_single(&self->h, 1);
	ASSERT_EQ(0, nl_open(&self->listen));
	EXPECT_NE(0, self->listen.group);
	ASSERT_EQ(0, nl_join(&self->listen));
}

FIXTURE_TEARDOWN(event)
{
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_TWO() \
	NEED(self->a && self->b, "two devices that are alone in their groups")

/* The next event is this one; resets count only where they are asked for. */
#define EXPECT_EVENT(what)						\
	do {								\
		do {							\
			ASSERT_EQ(1, nl_event_next(&self->listen, &self->ev, 5000)) \
				TH_LOG("waiting for %s", event_name(what)); \
		} while (what != PTX_EVENT_MEMBER_RESET &&		\
			 self->ev.event == PTX_EVENT_MEMBER_RESET);	\
		EXPECT_EQ(what, self->ev.event)				\
			TH_LOG("%s, not %s", event_name(self->ev.event), \
			       event_name(what));			\
		EXPECT_EQ(0, self->ev.unknown);				\
		EXPECT_LE(last, self->ev.time_ns);			\
		last = self->ev.time_ns;				\
	} while (0)

#define EXPECT_QUIET()							\
	EXPECT_EQ(0, nl_event_next(&self->listen, &self->ev, 300))	\
		TH_LOG("%s", event_name(self->ev.event))

TEST_F(event, life_of_a_lease)
{
	struct vfio v = VFIO_CLOSED;
	uint64_t last = 0;

	NEED_TWO();
	EXPECT_QUIET();
	self->fd = lease_create(self->h.ctl, "noisy", &self->id);
	ASSERT_LE(0, self->fd);
	EXPECT_EVENT(PTX_EVENT_LEASE_NEW);
	EXPECT_EQ(self->id, self->ev.lease);
	EXPECT_STREQ("noisy", self->ev.name);
	EXPECT_STREQ("", self->ev.device);

	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	EXPECT_EVENT(PTX_EVENT_LEASE_ACTIVE);
	EXPECT_EVENT(PTX_EVENT_MEMBER_READY);
	EXPECT_STREQ(self->a->name, self->ev.device);
	EXPECT_STREQ(PTX_DRIVER, self->ev.driver);
	EXPECT_EQ(self->id, self->ev.lease);

	/* The second one finds the lease active. */
	ASSERT_EQ(0, lease_add_names(self->fd, self->b->name, NULL));
	EXPECT_EVENT(PTX_EVENT_MEMBER_READY);
	EXPECT_STREQ(self->b->name, self->ev.device);

	ASSERT_EQ(0, vfio_open(&v, self->a->group, self->a->name));
	EXPECT_EVENT(PTX_EVENT_MEMBER_OPENED);
	EXPECT_STREQ(self->a->name, self->ev.device);
	vfio_close(&v);
	EXPECT_EVENT(PTX_EVENT_MEMBER_CLOSED);
	EXPECT_STREQ(self->a->name, self->ev.device);

	ASSERT_EQ(0, lease_remove(self->fd, &(const char *){ self->b->name }, 1, 0,
				  NULL));
	EXPECT_EVENT(PTX_EVENT_MEMBER_DRAINING);
	EXPECT_STREQ(self->b->name, self->ev.device);
	EXPECT_EVENT(PTX_EVENT_MEMBER_HOME);
	EXPECT_STREQ(self->b->name, self->ev.device);
	EXPECT_STREQ(self->b->driver, self->ev.driver);

	close(self->fd);
	EXPECT_EVENT(PTX_EVENT_LEASE_DRAINING);
	EXPECT_EVENT(PTX_EVENT_MEMBER_DRAINING);
	EXPECT_EVENT(PTX_EVENT_MEMBER_HOME);
	EXPECT_STREQ(self->a->name, self->ev.device);
	EXPECT_STREQ(self->a->driver, self->ev.driver);
	EXPECT_EVENT(PTX_EVENT_LEASE_RELEASED);
	EXPECT_EQ(self->id, self->ev.lease);
	EXPECT_STREQ("noisy", self->ev.name);
	EXPECT_QUIET();
}

/* What a device goes through on its way home is told, and counted. */
TEST_F(event, resets)
{
	struct nl_device before, after;
	uint64_t last = 0;

	NEED_TWO();
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->a->name, &before));
	if (!before.resets[0])
		SKIP(return, "this device cannot be reset");
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	EXPECT_EVENT(PTX_EVENT_LEASE_NEW);
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	EXPECT_EVENT(PTX_EVENT_LEASE_ACTIVE);
	EXPECT_EVENT(PTX_EVENT_MEMBER_READY);
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_EVENT(PTX_EVENT_LEASE_DRAINING);
	EXPECT_EVENT(PTX_EVENT_MEMBER_DRAINING);
	EXPECT_EVENT(PTX_EVENT_MEMBER_RESET);
	EXPECT_STREQ(self->a->name, self->ev.device);
	EXPECT_EQ(self->id, self->ev.lease);
	EXPECT_EQ(PTX_REASON_NONE, self->ev.reason);
	EXPECT_NE(NULL, strstr(before.resets, self->ev.method));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->a->name, &after));
	EXPECT_EQ(0, after.unknown);
	EXPECT_EQ(before.resets_tried + 1, after.resets_tried);
	EXPECT_EQ(before.resets_failed, after.resets_failed);
}

/* By the time an event arrives, what it says is so. */
TEST_F(event, is_true_when_it_arrives)
{
	uint64_t last = 0;

	NEED_TWO();
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	EXPECT_EVENT(PTX_EVENT_LEASE_NEW);
	EXPECT_EQ(0, nl_lease_get(&self->h.nl, self->id, NULL, NULL));
	ASSERT_EQ(0, lease_add_names(self->fd, self->a->name, NULL));
	EXPECT_EVENT(PTX_EVENT_LEASE_ACTIVE);
	EXPECT_EVENT(PTX_EVENT_MEMBER_READY);
	close(self->fd);
	EXPECT_EVENT(PTX_EVENT_LEASE_DRAINING);
	EXPECT_EVENT(PTX_EVENT_MEMBER_DRAINING);
	EXPECT_EVENT(PTX_EVENT_MEMBER_HOME);
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
	EXPECT_EVENT(PTX_EVENT_LEASE_RELEASED);
	EXPECT_EQ(-ENOENT, nl_lease_get(&self->h.nl, self->id, NULL, NULL));
}

/* A refusal is not an event. */
TEST_F(event, refusal_is_silent)
{
	const char *names[2];
	struct add *add = calloc(1, sizeof(*add));
	uint64_t last = 0;

	NEED_TWO();
	ASSERT_NE(NULL, add);
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	EXPECT_EVENT(PTX_EVENT_LEASE_NEW);
	names[0] = self->a->name;
	names[1] = "0000:1f:1f.7";
	add_init(add, names, 2);
	EXPECT_EQ(-ENODEV, lease_add(self->fd, add));
	EXPECT_QUIET();
	free(add);
}

TEST_F(event, group)
{
	uint64_t last = 0;
	int i, homes = 0;

	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	EXPECT_EVENT(PTX_EVENT_LEASE_NEW);
	ASSERT_EQ(0, lease_add_names(self->fd, self->h.gpu->name, NULL));
	EXPECT_EVENT(PTX_EVENT_LEASE_ACTIVE);
	EXPECT_EVENT(PTX_EVENT_MEMBER_READY);
	EXPECT_EVENT(PTX_EVENT_MEMBER_READY);
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_EVENT(PTX_EVENT_LEASE_DRAINING);
	for (i = 0; i < 4; i += self->ev.event != PTX_EVENT_MEMBER_RESET) {
		ASSERT_EQ(1, nl_event_next(&self->listen, &self->ev, 5000));
		homes += self->ev.event == PTX_EVENT_MEMBER_HOME;
	}
	EXPECT_EQ(2, homes);
	EXPECT_EVENT(PTX_EVENT_LEASE_RELEASED);
}

/* Whoever does not read loses events and is told so; others do not suffer. */
TEST_F(event, slow_reader)
{
	const int tiny = 2048;
	struct nl slow;
	int i, fd, ret, new = 0, lost = 0;

	ASSERT_EQ(0, nl_open(&slow));
	ASSERT_EQ(0, nl_join(&slow));
	setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
	for (i = 0; i < 100; i++) {
		fd = lease_create(self->h.ctl, lease_name(), NULL);
		ASSERT_LE(0, fd);
		close(fd);
	}
	while ((ret = nl_event_next(&self->listen, &self->ev, 500)) == 1)
		new += self->ev.event == PTX_EVENT_LEASE_NEW;
	EXPECT_EQ(0, ret);
	EXPECT_EQ(100, new);
	while ((ret = nl_event_next(&slow, &self->ev, 200)))
		lost += ret == -ENOBUFS;
	EXPECT_LE(1, lost);
	nl_close(&slow);
}

static int listener(void *arg)
{
	struct nl_event ev;
	struct gate *ready = arg;
	struct nl nl;
	int ret;

	CHECK_EQ(0, nl_open(&nl));
	ret = nl_join(&nl);
	gate_open(ready);
	if (ret) {
		/* Closed to the unprivileged: as good. */
		CHECK_EQ(-EPERM, ret);
		return 0;
	}
	CHECK_EQ(1, nl_event_next(&nl, &ev, 10000));
	return 0;
}

/* Joining is harmless, whoever does it. */
TEST_F(event, unprivileged_listener)
{
	struct gate ready;
	pid_t pid;
	int fd;

	ASSERT_EQ(0, gate_init(&ready));
	pid = child_start_as(NOBODY, listener, &ready);
	ASSERT_TRUE(gate_wait(&ready, 10000));
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(0, child_wait(pid));
}

/* Devices that leave the bus and come back. */
TEST_F(event, devices_come_and_go)
{
	const struct pci_fn *fn = NULL;
	uint64_t last = 0;
	char name[PCI_NAME_LEN];

	if (self->h.nr_edu)
		fn = self->h.edu[0];
	NEED(fn, "an edu that is alone in its group");
	snprintf(name, sizeof(name), "%s", fn->name);
	ASSERT_EQ(0, pci_write(name, "remove", "1"));
	EXPECT_EVENT(PTX_EVENT_DEVICE_DEL);
	EXPECT_STREQ(name, self->ev.device);
	EXPECT_EQ(-ENODEV, nl_device_get(&self->h.nl, name, NULL));
	ASSERT_EQ(0, file_write("/sys/bus/pci/rescan", "1"));
	EXPECT_EVENT(PTX_EVENT_DEVICE_ADD);
	EXPECT_STREQ(name, self->ev.device);
	EXPECT_EQ(0, nl_device_get(&self->h.nl, name, NULL));
	/* It is a new device, in a new group, with its power untouched. */
	snapshot_free(self->h.before);
	self->h.before = snapshot_take();
}

TEST_HARNESS_MAIN
