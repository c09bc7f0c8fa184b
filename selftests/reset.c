// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets of leased devices, simulated: the ladder and its proof, quarantine, methods
 * that are banned, and a bus that devices of several leases share.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/sim.h"

#define GONE_MS	60000

FIXTURE(reset)
{
	struct host h;
	struct add *add;
	struct nl_device d;
	char name[PCI_NAME_LEN];
	char other[PCI_NAME_LEN];
	const char *one[1];
	const char *two[2];
	int fd;
	bool ready;
};

FIXTURE_SETUP(reset)
{
	self->ready = host_is_topology("sim");
	if (!self->ready)
		return;
	ASSERT_EQ(0, sim_load());
	ASSERT_EQ(0, host_begin(&self->h));
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	self->one[0] = self->two[0] = sim_name(0, 0, self->name);
	self->two[1] = sim_name(0, 1, self->other);
}

FIXTURE_TEARDOWN(reset)
{
	if (!self->ready)
		return;
	free(self->add);
	child_kill_all();
	syscall(SYS_close_range, 3, ~0U, 0);
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	ASSERT_EQ(0, nl_open(&self->h.nl));
	nl_pool_remove(&self->h.nl, &self->two[0], 1, GONE_MS);
	nl_pool_remove(&self->h.nl, &self->two[1], 1, GONE_MS);
	nl_close(&self->h.nl);
	EXPECT_EQ(0, sim_clear());
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_SIM() do {							\
		if (!self->ready)					\
			SKIP(return, "needs the topology sim");		\
	} while (0)

static int pci_group(const char *name)
{
	struct pci_fn fn;

	return pci_get(name, &fn) ?: fn.group;
}

/* A GPU whose firmware does not come up again after any reset. */
TEST_F(reset, quarantine)
{
	struct ptx_lease_release out;
	struct nl_device d;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=10de device=2204 class=030200 bars=1M flr=works "
			     "mem=0:0:0x172000a1 ready=600000 busy=0xbadf5040"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(-EIO, lease_release(self->fd, 120000, &out));
	EXPECT_EQ(PTX_REASON_QUARANTINED, out.out_reason);
	EXPECT_STREQ(self->name, out.out_culprit);
	/* Nobody has it, and nobody can have it. */
	EXPECT_EQ(0, host_wait_no_lease(5000));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &d));
	EXPECT_EQ(PTX_MEMBER_STATE_QUARANTINED, d.member_state);
	EXPECT_EQ(PTX_REASON_QUARANTINED, d.blockers[0].reason);
	EXPECT_LE(1, d.resets_failed);
	EXPECT_EQ(d.resets_tried, d.resets_failed);
	file_write("/sys/bus/pci/drivers_probe", self->name);
	EXPECT_TRUE(pci_on_driver(self->name, ""));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	add_init(self->add, &(const char *){ self->name }, 1);
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_QUARANTINED, self->add->a.out_reason);
	EXPECT_NE(0, system("rmmod ptx 2>/dev/null"));
	/* Another chance, in vain; and then not. */
	EXPECT_EQ(-EIO, nl_device_reset(&self->h.nl, self->name));
	ASSERT_EQ(0, sim_control("set 0.0 ready=2000"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	/* What takes its time is waited for. */
	EXPECT_EQ(0, lease_release(self->fd, 60000, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

/* In quarantine, and then torn out: its address is free again. */
TEST_F(reset, quarantine_ends_with_the_device)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=10de device=2204 class=030200 bars=1M flr=works "
			     "mem=0:0:0x172000a1 ready=600000 busy=0xbadf5040"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(-EIO, lease_release(self->fd, 120000, NULL));
	ASSERT_EQ(0, sim_control("yank 0.0"));
	ASSERT_EQ(0, sim_add("0.0"));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

static int add_reset_first(int fd, struct add *add, const char *name)
{
	add_init(add, &name, 1);
	add->a.flags = PTX_ADD_FLAGS_RESET;
	add->a.timeout_ms = 300000;
	return lease_add(fd, add);
}

TEST_F(reset, reset_before)
{
	struct sim_state s;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works\n1.0 bus=none\n2.0-1"));
	ASSERT_EQ(0, add_reset_first(self->fd, self->add, self->name));
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_EQ(1, s.flr);
	/* Functions that have nothing but their bus. */
	ASSERT_EQ(0, add_reset_first(self->fd, self->add, sim_name(2, 0, self->name)));
	ASSERT_EQ(0, sim_state(2, 1, &s));
	EXPECT_EQ(1, s.bus);
	/* One that has nothing at all is had without, and only so. */
	sim_name(1, 0, self->name);
	EXPECT_EQ(-EIO, add_reset_first(self->fd, self->add, self->name));
	EXPECT_EQ(PTX_REASON_NO_RESET, self->add->a.out_reason);
	EXPECT_STREQ(self->name, self->add->a.out_culprit);
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_EQ(2, s.flr);
	ASSERT_EQ(0, sim_state(2, 1, &s));
	EXPECT_EQ(2, s.bus);
}

/* One that is not well after it is not had, and nobody else has it either. */
TEST_F(reset, reset_before_in_vain)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=10de device=2204 class=030200 bars=1M flr=works bus=none "
			     "mem=0:0:0x172000a1 ready=600000 busy=0xbadf5040"));
	EXPECT_EQ(-EIO, add_reset_first(self->fd, self->add, self->name));
	EXPECT_EQ(PTX_REASON_QUARANTINED, self->add->a.out_reason);
	EXPECT_STREQ(self->name, self->add->a.out_culprit);
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &self->d));
	EXPECT_EQ(PTX_MEMBER_STATE_QUARANTINED, self->d.member_state);
	ASSERT_EQ(0, sim_control("set 0.0 ready=0"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

/*
 * FLR does harm to this one, by its rule. A guest gets another reset whatever it
 * asks for, and the host has its own order back.
 */
TEST_F(reset, banned_resets)
{
	struct sim_state s;
	struct vfio v;
	char buf[64];

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=8086 device=5912 class=038000 flr=works af_flr=works "
			     "bus=works"));
	ASSERT_LT(0, pci_read(self->name, "reset_method", buf, sizeof(buf)));
	EXPECT_STREQ("flr af_flr bus", buf);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_LT(0, pci_read(self->name, "reset_method", buf, sizeof(buf)));
	EXPECT_STREQ("bus", buf);
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->name), self->name));
	ASSERT_EQ(0, sim_control("zero 0.0"));
	EXPECT_EQ(0, ioctl(v.device, VFIO_DEVICE_RESET));
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_LE(1, s.bus);
	EXPECT_EQ(0, vfio_cap_set(v.device, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL,
				PCI_EXP_DEVCTL_BCR_FLR));
	EXPECT_EQ(0, vfio_cap_set(v.device, PCI_CAP_ID_AF, PCI_AF_CTRL, PCI_AF_CTRL_FLR));
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_EQ(0, s.flr);
	EXPECT_EQ(0, s.af_flr);
	EXPECT_LE(2, s.bus);
	ASSERT_LT(0, pci_read(self->name, "reset_method", buf, sizeof(buf)));
	EXPECT_STREQ("flr af_flr bus", buf);
}

/* One that does not come back from D3 is kept awake, by us and by VFIO. */
TEST_F(reset, kept_awake)
{
	struct sim_state s;
	char buf[32];

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=1002 device=7550 class=038000 flr=works pm=works\n"
			     "1.0 flr=works pm=works"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, sim_name(1, 0, self->other)));
	pci_read(self->name, "reset_method", buf, sizeof(buf));
	EXPECT_STREQ("flr bus", buf);
	ASSERT_EQ(0, sim_control("zero 0.0"));
	sleep(1);
	ASSERT_EQ(0, sim_state(1, 0, &s));
	EXPECT_LE(1, s.sleeps);
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_EQ(0, s.sleeps);
	pci_read(self->name, "power_state", buf, sizeof(buf));
	EXPECT_STREQ("D0", buf);
	/* No reset of it is known. */
	EXPECT_EQ(-EIO, lease_release(self->fd, GONE_MS, NULL));
	ASSERT_EQ(0, sim_control("remove 0.0"));
}

/* Taken off the bus while it is waited for: nobody waits on. */
TEST_F(reset, leaves_while_reset)
{
	static const char *const how[] = { "remove 0.0", "yank 0.0" };
	unsigned int i;

	NEED_SIM();
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, sim_add("0.0 vendor=10de device=2204 class=030200 bars=1M flr=works "
				     "mem=0:0:0x172000a1 ready=600000 busy=0xbadf5040"));
		close(self->fd);
		self->fd = lease_create(self->h.ctl, lease_name(), NULL);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
		EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 1000, NULL));
		ASSERT_EQ(0, sim_control(how[i]));
		EXPECT_EQ(0, host_wait_no_lease(2500)) TH_LOG("%s", how[i]);
		EXPECT_EQ(0, sim_count());
	}
}

/* A bus that two groups share: neither has another way to be reset. */

#define SHARED	"0.0-1 acs=1"
#define NVIDIA	"vendor=10de device=2204 class=030200 bars=1M mem=0:0:0x172000a1 busy=0xbadf5040"

/*
 * One that a reset kills. What the PCI core says then it says of a reset that is not to
 * be had, too; but this one is not had, not given back, and all is told.
 */
TEST_F(reset, that_kills)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 bus=dead " NVIDIA "\n1.0 bus=dead:3000 " NVIDIA));
	EXPECT_EQ(-EIO, add_reset_first(self->fd, self->add, self->name));
	EXPECT_EQ(PTX_REASON_QUARANTINED, self->add->a.out_reason);
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &self->d));
	EXPECT_EQ(PTX_MEMBER_STATE_QUARANTINED, self->d.member_state);
	EXPECT_TRUE(pci_on_driver(self->name, ""));
	EXPECT_LE(1, self->d.resets_tried);
	EXPECT_EQ(self->d.resets_tried, self->d.resets_failed);
	/* Later than the PCI core waits, and not later than we do. */
	EXPECT_EQ(0, add_reset_first(self->fd, self->add, sim_name(1, 0, self->other)));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->other, &self->d));
	EXPECT_EQ(1, self->d.resets_tried);
	EXPECT_EQ(0, self->d.resets_failed);
	ASSERT_EQ(0, sim_control("set 0.0 bus=works\nrevive 0.0"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

static unsigned int bus_resets(unsigned int fn)
{
	struct sim_state s;

	return sim_state(0, fn, &s) ? 1000 : s.bus;
}

static enum ptx_member_state state_of(FIXTURE_DATA(reset) *self, const char *name)
{
	return nl_device_get(&self->h.nl, name, &self->d) ? 1000 : self->d.member_state;
}

static bool comes_to(FIXTURE_DATA(reset) *self, const char *name,
		     enum ptx_member_state state)
{
	int i;

	for (i = 0; i < 300 && state_of(self, name) != state; i++)
		usleep(100000);
	return state_of(self, name) == state;
}

/* Both are the lease's: each waits for the other, and one reset does for both. */
TEST_F(reset, bus_of_one_lease)
{
	struct vfio v = VFIO_CLOSED;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add(SHARED));
	ASSERT_NE(pci_group(self->name), pci_group(self->other));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, self->other));
	EXPECT_EQ(0, bus_resets(0));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, bus_resets(i));
		EXPECT_TRUE(pci_on_driver(self->two[i], SIM_DRIVER));
	}
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, self->other));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->name), self->name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 1000, NULL));
	EXPECT_EQ(PTX_MEMBER_STATE_DRAINING, state_of(self, self->other));
	EXPECT_EQ(1, bus_resets(1));
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(2, bus_resets(1));
	EXPECT_TRUE(pci_on_driver(self->other, SIM_DRIVER));
}

/* One that has been reset by itself waits for the other, which has only the bus. */
TEST_F(reset, bus_waited_for)
{
	struct vfio v = VFIO_CLOSED;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 acs=1\n0.1 acs=1 flr=works"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, self->other));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->name), self->name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 1000, NULL));
	EXPECT_EQ(PTX_MEMBER_STATE_DRAINING, state_of(self, self->other));
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(1, bus_resets(0));
	EXPECT_TRUE(pci_on_driver(self->other, SIM_DRIVER));
}

/* Not well after a first reset of the bus: another chance is another reset. */
TEST_F(reset, bus_once_more)
{
	unsigned int before;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0-1 ready=600000 " NVIDIA));
	EXPECT_EQ(-EIO, add_reset_first(self->fd, self->add, self->name));
	EXPECT_EQ(PTX_REASON_QUARANTINED, self->add->a.out_reason);
	before = bus_resets(0);
	ASSERT_EQ(0, sim_control("set 0.0-1 ready=0"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_LT(before, bus_resets(0));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_TRUE(pci_on_driver(self->other, SIM_DRIVER));
}

/* The host has the other one, or another lease has: it is left alone. */
TEST_F(reset, bus_of_somebody_else)
{
	int fd;

	NEED_SIM();
	ASSERT_EQ(0, sim_add(SHARED));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, lease_add_names(fd, self->other, NULL));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_EQ(0, lease_release(fd, GONE_MS, NULL));
	EXPECT_EQ(0, bus_resets(0));
}

/* One of two in a lease goes: with the bus if nobody has the other one open. */
TEST_F(reset, bus_of_what_stays)
{
	struct vfio v = VFIO_CLOSED;

	NEED_SIM();
	ASSERT_EQ(0, sim_add(SHARED));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, self->other));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->other), self->other));
	EXPECT_EQ(0, lease_remove(self->fd, self->one, 1, GONE_MS, NULL));
	EXPECT_EQ(0, bus_resets(1));
	vfio_close(&v);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_remove(self->fd, self->one, 1, GONE_MS, NULL));
	EXPECT_EQ(1, bus_resets(1));
	/* It has not noticed. */
	EXPECT_EQ(PTX_MEMBER_STATE_READY, state_of(self, self->other));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->other), self->other));
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
}

/* The pool has the other one; if that is not well after it, it is made so. */
TEST_F(reset, bus_with_the_pool)
{
	struct sim_state s;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 acs=1\n0.1 acs=1 flr=works " NVIDIA));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, &self->two[1], 1, 0));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_remove(self->fd, self->one, 1, GONE_MS, NULL));
	EXPECT_EQ(1, bus_resets(0));
	EXPECT_EQ(1, bus_resets(1));
	EXPECT_EQ(PTX_MEMBER_STATE_READY, state_of(self, self->other));
	EXPECT_TRUE(self->d.pooled);
	ASSERT_EQ(0, sim_state(0, 1, &s));
	EXPECT_EQ(1, s.flr);

	/* Now it does not come up again, and nobody gets it so. */
	ASSERT_EQ(0, sim_control("set 0.1 ready=600000"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_remove(self->fd, self->one, 1, GONE_MS, NULL));
	EXPECT_TRUE(comes_to(self, self->other, PTX_MEMBER_STATE_QUARANTINED));
	ASSERT_EQ(0, sim_control("set 0.1 ready=0"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->other));
	EXPECT_TRUE(comes_to(self, self->other, PTX_MEMBER_STATE_READY));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

/* Buses of their own do not wait for each other. */
TEST_F(reset, buses_at_the_same_time)
{
	char buf[8][PCI_NAME_LEN];
	struct timespec from, to;
	const char *names[8];
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0-3.0-1 acs=1 ready=3000 " NVIDIA));
	for (i = 0; i < 8; i++)
		names[i] = sim_name(i / 2, i % 2, buf[i]);
	add_init(self->add, names, 8);
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	clock_gettime(CLOCK_MONOTONIC, &from);
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	clock_gettime(CLOCK_MONOTONIC, &to);
	EXPECT_EQ(1, bus_resets(0));
	EXPECT_EQ(1, bus_resets(1));
	/* One after the other they take twelve seconds, and a second each. */
	EXPECT_LE(2, to.tv_sec - from.tv_sec);
	EXPECT_GE(9, to.tv_sec - from.tv_sec);
}

/* Into the pool together, and back to it. */
TEST_F(reset, bus_into_the_pool)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add(SHARED));
	EXPECT_EQ(-EIO, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->two, 2, 0));
	EXPECT_EQ(1, bus_resets(0));
	EXPECT_EQ(1, bus_resets(1));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(2, bus_resets(1));
	EXPECT_EQ(0, nl_pool_remove(&self->h.nl, self->two, 2, GONE_MS));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_TRUE(pci_on_driver(self->other, SIM_DRIVER));
}

/* Reset, and odd since then: found anew, which makes it well. */

#define ODD	"flr=odd bus=odd bars=64K,1M:64p "
#define BAN	"/sys/module/ptx/parameters/reset_ban"

struct looks {
	char attr[6][256];
};

/* What the host says of it, but for its group and its addresses. */
static void look_at(const char *name, struct looks *looks)
{
	static const char *const attrs[] = {
		"driver_override", "reset_method", "d3cold_allowed", "msi_bus",
		"power/control", "numa_node",
	};
	unsigned int i;

	memset(looks, 0, sizeof(*looks));
	for (i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		pci_read(name, attrs[i], looks->attr[i], sizeof(looks->attr[i]));
}

static void look_the_same(struct __test_metadata *_metadata, const char *name,
			  const struct looks *before)
{
	struct looks now;
	unsigned int i;

	look_at(name, &now);
	for (i = 0; i < sizeof(now.attr) / sizeof(now.attr[0]); i++)
		EXPECT_STREQ(before->attr[i], now.attr[i]);
}

static unsigned int found_anew(FIXTURE_DATA(reset) *self, const char *name)
{
	return nl_device_get(&self->h.nl, name, &self->d) ? 1000 : self->d.rescans;
}

/* The BARs of the virtual functions are the second half of its resources. */
static bool vfs_have_room(const char *name)
{
	char buf[2048], *line;
	unsigned long long start;
	int i;

	if (pci_read(name, "resource", buf, sizeof(buf)) <= 0)
		return false;
	for (i = 0, line = strtok(buf, "\n"); line; line = strtok(NULL, "\n"), i++)
		if (i == 7)
			return sscanf(line, "%llx", &start) == 1 && start;
	return false;
}

TEST_F(reset, found_anew)
{
	struct looks before;
	struct vfio v;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 " ODD));
	ASSERT_EQ(0, pci_write(self->name, "d3cold_allowed", "0"));
	ASSERT_EQ(0, pci_write(self->name, "power/control", "auto"));
	look_at(self->name, &before);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->name), self->name));
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_EQ(1, found_anew(self, self->name));
	look_the_same(_metadata, self->name, &before);
	/* And can be had once more. */
	ASSERT_EQ(0, sim_control("set 0.0 flr=works"));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->name), self->name));
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	look_the_same(_metadata, self->name, &before);
}

/* Not where the admin does not want it; one that had no driver has none after it. */
TEST_F(reset, found_anew_or_not)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 driver=none " ODD));
	ASSERT_EQ(0, file_write(BAN, "rescan"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(-EIO, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(PTX_MEMBER_STATE_QUARANTINED, state_of(self, self->name));
	ASSERT_EQ(0, file_write(BAN, "\n"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_EQ(1, found_anew(self, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, ""));
}

/* One that may have virtual functions still may, and they have room. */
TEST_F(reset, found_anew_with_its_vfs)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 driver=none vfs=4 vfdevice=1889 vfbars=64K:64p " ODD));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(1, found_anew(self, self->name));
	EXPECT_TRUE(vfs_have_room(self->name));
}

/* Two in one group: one comes back into it, and neither is let go meanwhile. */
TEST_F(reset, found_anew_in_its_group)
{
	struct vfio v;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 group=g " ODD "\n0.1 group=g flr=works"));
	ASSERT_EQ(pci_group(self->name), pci_group(self->other));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(1, found_anew(self, self->name));
	EXPECT_EQ(0, found_anew(self, self->other));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_TRUE(pci_on_driver(self->other, SIM_DRIVER));
	ASSERT_EQ(pci_group(self->name), pci_group(self->other));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->other), self->other));
	vfio_close(&v);
}

/* Before a lease: the tenant gets the one that was found. */
TEST_F(reset, found_anew_first)
{
	struct vfio v;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 " ODD));
	ASSERT_EQ(0, add_reset_first(self->fd, self->add, self->name));
	EXPECT_EQ(1, found_anew(self, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, "ptx-vfio-pci"));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->name), self->name));
	vfio_close(&v);
	ASSERT_EQ(0, sim_control("set 0.0 flr=works"));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

/* On its way back to the pool: the pool has what was found. */
TEST_F(reset, found_anew_for_the_pool)
{
	struct vfio v;
	unsigned int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 bars=64K,1M:64p flr=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_EQ(0, sim_control("set 0.0 flr=odd bus=odd"));
	/* Its claim has seen more than one device by then. */
	for (i = 1; i <= 3; i++) {
		ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
		EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
		EXPECT_TRUE(comes_to(self, self->name, PTX_MEMBER_STATE_READY));
		EXPECT_TRUE(self->d.pooled);
		EXPECT_EQ(i, found_anew(self, self->name));
		self->fd = lease_create(self->h.ctl, lease_name(), NULL);
		ASSERT_LE(0, self->fd);
	}
	ASSERT_EQ(0, sim_control("set 0.0 flr=works"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, pci_group(self->name), self->name));
	vfio_close(&v);
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	ASSERT_EQ(0, nl_pool_remove(&self->h.nl, self->one, 1, GONE_MS));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

TEST_HARNESS_MAIN
