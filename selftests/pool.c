// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: devices change hands with no driver bound or unbound, come back reset
 * and on their driver anew, and no tenant keeps a way to the next one's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/sim.h"

#define GONE_MS		60000
#define NOBODY		65534

FIXTURE(pool)
{
	struct host h;
	struct add *add;
	struct nl_device d;
	struct sim_state s;
	char name[PCI_NAME_LEN];
	char other[PCI_NAME_LEN];
	const char *one[1];
	const char *two[2];
	int fd;
	bool ready;
};

FIXTURE_SETUP(pool)
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
	self->one[0] = sim_name(0, 0, self->name);
	self->two[0] = self->name;
	self->two[1] = sim_name(1, 0, self->other);
}

#define NEED_SIM() do {							\
		if (!self->ready)					\
			SKIP(return, "needs the topology sim");		\
	} while (0)

static int pooled(FIXTURE_DATA(pool) *self, const char *name)
{
	return nl_device_get(&self->h.nl, name, &self->d) ?: self->d.pooled;
}

/* At rest in the pool, within so much time. */
static bool rests(FIXTURE_DATA(pool) *self, const char *name)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int i;

	for (i = 0; i < 4000; i++) {
		if (pooled(self, name) == 1 && !self->d.lease &&
		    self->d.member_state == PTX_MEMBER_STATE_READY)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void empty_slot(struct nl *nl, unsigned int slot)
{
	char name[PCI_NAME_LEN];
	const char *one[] = { sim_name(slot, 0, name) };

	nl_pool_remove(nl, one, 1, GONE_MS);
}

FIXTURE_TEARDOWN(pool)
{
	unsigned int i;

	if (!self->ready)
		return;
	free(self->add);
	child_kill_all();
	syscall(SYS_close_range, 3, ~0U, 0);
	sim_control("set 0-511.0-7 hold=0 refuse=0");
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	ASSERT_EQ(0, nl_open(&self->h.nl));
	EXPECT_LE(0, nl_reserves_drop(&self->h.nl));
	for (i = 0; i < 3; i++)
		empty_slot(&self->h.nl, i);
	nl_close(&self->h.nl);
	EXPECT_EQ(0, sim_clear());
	EXPECT_EQ(0, host_end(&self->h));
}

static int group_of(const char *name)
{
	struct pci_fn fn;

	return pci_get(name, &fn) ?: fn.group;
}

static unsigned int flrs(FIXTURE_DATA(pool) *self)
{
	return sim_state(0, 0, &self->s) ? 1000 : self->s.flr;
}

static int lease_next(FIXTURE_DATA(pool) *self)
{
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	return self->fd < 0 ? self->fd : lease_add_names(self->fd, self->name, NULL);
}

/* The power of a device follows a moment after its last user. */
static bool comes_to(const char *name, const char *attr, const char *want)
{
	char is[32] = "";
	int i;

	for (i = 0; i < 500 && strcmp(is, want); i++) {
		if (i)
			usleep(10000);
		pci_read(name, attr, is, sizeof(is));
	}
	return !strcmp(is, want);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

TEST_F(pool, hands_over)
{
	const struct ptx_member_info *m;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0-1 flr=works pm=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	EXPECT_TRUE(rests(self, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, PTX_DRIVER));
	EXPECT_EQ(0, self->d.nr_blockers);
	EXPECT_EQ(1, flrs(self));
	/* Asleep, or about to be, and its mate with it. */
	EXPECT_TRUE(comes_to(self->name, "power/runtime_status", "suspended"));
	EXPECT_TRUE(comes_to(self->name, "power_state", "D3hot"));
	EXPECT_TRUE(rests(self, sim_name(0, 1, self->other)));

	add_init(self->add, self->one, 1);
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_EQ(2, self->add->a.out_nr_members);
	m = add_member(self->add, self->name);
	ASSERT_NE(NULL, m);
	EXPECT_STREQ(SIM_DRIVER, m->native_driver);
	EXPECT_EQ(PTX_MEMBER_STATE_READY, m->state);
	EXPECT_EQ(PTX_MEMBER_REQUESTED, m->flags);
	EXPECT_EQ(0, add_member(self->add, self->other)->flags);
	EXPECT_EQ(1, flrs(self)) TH_LOG("it was reset on the way");
	EXPECT_EQ(1, pooled(self, self->name));
	EXPECT_NE(0, self->d.lease);

	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(rests(self, self->name));
	EXPECT_EQ(2, flrs(self));
	EXPECT_TRUE(pci_on_driver(self->name, PTX_DRIVER));
	EXPECT_EQ(0, nl_pool_remove(&self->h.nl, self->one, 1, 0));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_TRUE(pci_on_driver(self->other, SIM_DRIVER));
	EXPECT_EQ(0, pooled(self, self->name));
}

TEST_F(pool, takes_no_time)
{
	double t, least = 1e9;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	for (i = 0; i < 10; i++) {
		ASSERT_TRUE(rests(self, self->name));
		self->fd = lease_create(self->h.ctl, lease_name(), NULL);
		ASSERT_LE(0, self->fd);
		t = now_us();
		ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
		t = now_us() - t;
		least = t < least ? t : least;
		ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
		close(self->fd);
	}
	TH_LOG("leased from the pool in %.0f us", least);
	if (!host_is_kernel("debug-6.12"))
		EXPECT_GT(1000, least);
}

/* Two tenants of one uid, on one group, one after the other. */
TEST_F(pool, old_files_are_dead)
{
	struct vfio a, b;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&a, group_of(self->name), self->name));
	close(a.device);
	a.device = -1;
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_TRUE(rests(self, self->name));
	/* While it is nobody's, it is not the former tenant's either. */
	EXPECT_NE(0, vfio_device_open(&a, self->name));
	ASSERT_EQ(0, lease_next(self));
	EXPECT_NE(0, vfio_device_open(&a, self->name));
	EXPECT_EQ(0, vfio_open(&b, group_of(self->name), self->name));
	EXPECT_NE(0, vfio_device_open(&a, self->name));
	vfio_close(&a);
	vfio_close(&b);
}

/* Root claims the group of a pooled device: the lease gets one it does not reach. */
TEST_F(pool, claimed_meanwhile)
{
	struct vfio a, b;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_TRUE(rests(self, self->name));
	ASSERT_EQ(0, vfio_group_open(&a, group_of(self->name)));
	EXPECT_EQ(-EACCES, vfio_device_open(&a, self->name));
	EXPECT_EQ(0, self->d.nr_blockers);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(2, flrs(self)) TH_LOG("it was not bound anew");
	EXPECT_NE(0, vfio_device_open(&a, self->name));
	EXPECT_EQ(0, vfio_open(&b, group_of(self->name), self->name));
	vfio_close(&a);
	vfio_close(&b);
	/* One that is asked to be reset is, too. */
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_TRUE(rests(self, self->name));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	add_init(self->add, self->one, 1);
	self->add->a.flags = PTX_ADD_FLAGS_RESET;
	EXPECT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_LE(4, flrs(self));
}

static int nobody_pools(void *arg)
{
	const char *const *one = arg;
	struct nl nl;

	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(-EPERM, nl_pool_add(&nl, one, 1, 0));
	CHECK_EQ(PTX_REASON_NO_RIGHT, nl.reason);
	CHECK_EQ(-EPERM, nl_pool_remove(&nl, one, 1, 0));
	return 0;
}

TEST_F(pool, refusals)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works\n1.0 bus=none\n2.0 flr=works"));
	EXPECT_EQ(-EINVAL, nl_pool_add(&self->h.nl, NULL, 0, 0));
	EXPECT_EQ(-EINVAL, nl_pool_remove(&self->h.nl, NULL, 0, 0));
	EXPECT_EQ(0, child_run_as(NOBODY, nobody_pools, self->one));
	/* One that nothing resets is not fit for it, and takes the other with it. */
	EXPECT_EQ(-EIO, nl_pool_add(&self->h.nl, self->two, 2, 0));
	EXPECT_EQ(PTX_REASON_NO_RESET, self->h.nl.reason);
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_EQ(0, pooled(self, self->name));
	EXPECT_EQ(-ENOENT, nl_pool_remove(&self->h.nl, self->one, 1, 0));
	EXPECT_EQ(PTX_REASON_NOT_MEMBER, self->h.nl.reason);
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	EXPECT_EQ(-EBUSY, nl_pool_add(&self->h.nl, self->one, 1, 0));
	EXPECT_EQ(PTX_REASON_POOLED, self->h.nl.reason);
	/* Its driver is ours. */
	ASSERT_EQ(0, system("modprobe vfio-pci"));
	add_init(self->add, self->one, 1);
	strcpy(self->add->a.driver, "vfio-pci");
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_POOLED, self->add->a.out_reason);
	EXPECT_STREQ(self->name, self->add->a.out_culprit);
	/* All or nothing: one of the pool, and one that a lease has. */
	sim_name(2, 0, self->other);
	ASSERT_EQ(0, lease_add_names(self->fd, self->other, NULL));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	add_init(self->add, self->two, 2);
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_HELD, self->add->a.out_reason);
	EXPECT_TRUE(rests(self, self->name));
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(-EBUSY, nl_pool_add(&self->h.nl, &self->two[1], 1, 0));
	EXPECT_EQ(PTX_REASON_HELD, self->h.nl.reason);
	/* One that cannot be had after all: what came from the pool goes back there. */
	ASSERT_EQ(0, sim_control("set 1.0 refuse=1"));
	self->two[1] = sim_name(1, 0, self->other);
	add_init(self->add, self->two, 2);
	self->add->a.flags = PTX_ADD_FLAGS_RESET;
	EXPECT_EQ(-EIO, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_NO_RESET, self->add->a.out_reason);
	EXPECT_TRUE(rests(self, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, PTX_DRIVER));
	ASSERT_EQ(0, sim_control("set 1.0 refuse=0"));
}

TEST_F(pool, left_while_leased)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, nl_pool_remove(&self->h.nl, self->one, 1, 0));
	EXPECT_EQ(0, pooled(self, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, PTX_DRIVER));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

TEST_F(pool, keeps_the_module)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	close(self->fd);
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	close(self->h.ctl);
	EXPECT_NE(0, system("rmmod ptx 2>/dev/null"));
	EXPECT_EQ(0, nl_pool_remove(&self->h.nl, self->one, 1, 0));
	nl_close(&self->h.nl);
	EXPECT_EQ(0, system("rmmod ptx"));
	EXPECT_EQ(0, system("modprobe ptx"));
}

TEST_F(pool, device_goes)
{
	static const char *const how[] = { "remove 0.0", "yank 0.0" };
	unsigned int i;

	NEED_SIM();
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, sim_add("0.0 flr=works"));
		ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
		close(self->fd);
		self->fd = lease_create(self->h.ctl, lease_name(), NULL);
		if (i & 1)
			ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
		ASSERT_EQ(0, sim_control(how[i / 2]));
		close(self->fd);
		self->fd = -1;
		EXPECT_EQ(0, host_wait_no_lease(5000));
		EXPECT_EQ(-ENODEV, nl_device_get(&self->h.nl, self->name, &self->d));
		/* The same place, another device: it is the host's. */
		ASSERT_EQ(0, sim_add("0.0 flr=works"));
		EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
		EXPECT_EQ(0, pooled(self, self->name));
		ASSERT_EQ(0, sim_clear());
	}
}

TEST_F(pool, quarantine)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=10de device=2204 class=030200 bars=1M flr=works bus=none "
			     "mem=0:0:0x172000a1 ready=0 busy=0xbadf5040"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, sim_control("set 0.0 ready=600000"));
	EXPECT_EQ(-EIO, lease_release(self->fd, 120000, NULL));
	ASSERT_EQ(1, pooled(self, self->name));
	EXPECT_EQ(PTX_MEMBER_STATE_QUARANTINED, self->d.member_state);
	EXPECT_NE(0, lease_next(self));
	ASSERT_EQ(0, sim_control("set 0.0 ready=0"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_TRUE(rests(self, self->name));
	/* And one that leaves the pool from there. */
	ASSERT_EQ(0, lease_next(self));
	ASSERT_EQ(0, sim_control("set 0.0 ready=600000"));
	EXPECT_EQ(-EIO, lease_release(self->fd, 120000, NULL));
	EXPECT_EQ(-EIO, nl_pool_remove(&self->h.nl, self->one, 1, 0));
	EXPECT_EQ(PTX_REASON_QUARANTINED, self->h.nl.reason);
	EXPECT_EQ(0, pooled(self, self->name));
	EXPECT_EQ(PTX_MEMBER_STATE_QUARANTINED, self->d.member_state);
	ASSERT_EQ(0, sim_control("set 0.0 ready=0"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

/* What was cut in one lease is whole in the next. */
TEST_F(pool, cut_and_whole)
{
	struct ptx_lease_revoke r = { .size = sizeof(r) };
	struct vfio v;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works bars=64K"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	for (i = 0; i < 5; i++) {
		ASSERT_TRUE(rests(self, self->name));
		ASSERT_EQ(0, lease_next(self));
		ASSERT_EQ(0, vfio_open(&v, group_of(self->name), self->name));
		EXPECT_EQ(0, vfio_master(v.device));
		if (i & 1)
			ASSERT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_REVOKE, &r));
		EXPECT_EQ(i & 1 ? 0 : PCI_COMMAND_MASTER,
			  pci_config_word(self->name, PCI_COMMAND) & PCI_COMMAND_MASTER);
		vfio_close(&v);
		EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
		close(self->fd);
	}
}

static int nobody_reserves(void *arg)
{
	uint64_t id;
	struct nl nl;

	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(-EPERM, nl_reserve_new(&nl, "", -1, 0xabcd, &id));
	CHECK_EQ(-EPERM, nl_reserve_del(&nl, 1));
	return 0;
}

/* Kept for the pool when they appear; no native driver has them on the way. */
TEST_F(pool, reserve)
{
	struct nl *nl = &self->h.nl;
	char mate[PCI_NAME_LEN];
	uint64_t id, all;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, nl_reserve_new(nl, "", -1, 0xabcd, &id));
	/* A native driver that had it would not let go. */
	ASSERT_EQ(0, sim_add("0.0 vendor=abcd flr=works hold=1\n0.1 flr=works\n"
			     "1.0 flr=works\n2.0 vendor=abcd bus=none"));
	EXPECT_TRUE(rests(self, self->name));
	EXPECT_TRUE(rests(self, sim_name(0, 1, mate)));
	EXPECT_TRUE(pci_on_driver(self->other, SIM_DRIVER));
	/* Nothing resets this one: the host has it after all. */
	sim_name(2, 0, self->other);
	for (i = 0; i < 2000 && !pci_on_driver(self->other, SIM_DRIVER); i++)
		usleep(10000);
	EXPECT_GT(2000, i);
	ASSERT_EQ(0, nl_device_get(nl, self->other, &self->d));
	EXPECT_STREQ(SIM_DRIVER, self->d.override);
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_TRUE(rests(self, self->name));
	ASSERT_EQ(0, sim_control("set 0.0 hold=0"));
	/* Home is where the host would have had it. */
	EXPECT_EQ(0, nl_pool_remove(nl, self->one, 1, 0));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_TRUE(pci_on_driver(mate, SIM_DRIVER));
	ASSERT_EQ(0, nl_device_get(nl, self->name, &self->d));
	EXPECT_STREQ(SIM_DRIVER, self->d.override);
	ASSERT_EQ(0, sim_clear());

	/* By kind, and by address. */
	ASSERT_EQ(0, nl_reserve_del(nl, id));
	EXPECT_EQ(-ENOENT, nl_reserve_del(nl, id));
	ASSERT_EQ(0, nl_reserve_new(nl, "", PTX_KIND_NVME, 0, &id));
	ASSERT_EQ(0, nl_reserve_new(nl, sim_name(1, 0, self->other), -1, 0, &id));
	ASSERT_EQ(0, sim_add("0.0 class=010802 flr=works\n1.0 flr=works\n2.0 vendor=abcd flr=works"));
	EXPECT_TRUE(rests(self, self->name));
	EXPECT_TRUE(rests(self, self->other));
	EXPECT_TRUE(pci_on_driver(sim_name(2, 0, mate), SIM_DRIVER));
	EXPECT_EQ(2, nl_reserves_drop(nl));
	EXPECT_EQ(0, nl_reserves_drop(nl));
	/* It goes while it is on its way. */
	ASSERT_EQ(0, nl_pool_remove(nl, self->two, 2, 0));
	ASSERT_EQ(0, sim_clear());
	ASSERT_EQ(0, nl_reserve_new(nl, "", -1, 0xabcd, &id));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, sim_add("0.0 vendor=abcd flr=works"));
		usleep(i * 500);
		ASSERT_EQ(0, sim_clear());
	}

	EXPECT_EQ(-EINVAL, nl_reserve_new(nl, "", -1, 0, &all));
	EXPECT_EQ(0, child_run_as(NOBODY, nobody_reserves, NULL));
}

/* The next tenant does not have to know that the pool needs a moment. */
TEST_F(pool, waits_a_moment)
{
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=slow:300"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, lease_next(self));
		ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
		close(self->fd);
	}
	/* But not longer than it wants to. */
	ASSERT_EQ(0, lease_next(self));
	close(self->fd);
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	add_init(self->add, self->one, 1);
	self->add->a.timeout_ms = 1;
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
}

/* An admin gives it to another driver: it was not reset, and is not the pool's. */
TEST_F(pool, taken_by_hand)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, pci_write(self->name, "driver_override", SIM_DRIVER));
	ASSERT_EQ(0, pci_driver_write(PTX_DRIVER, "unbind", self->name));
	ASSERT_EQ(0, file_write("/sys/bus/pci/drivers_probe", self->name));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_EQ(0, pooled(self, self->name));
	EXPECT_EQ(0, self->d.lease);
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

static int grant_pooled(struct nl *nl)
{
	struct nl_req r;

	nl_start(nl, &r, PTX_CMD_GRANT_NEW, NLM_F_ACK);
	nl_put_u32(&r, PTX_A_GRANT_UID, NOBODY);
	nl_put(&r, PTX_A_GRANT_POOLED, NULL, 0);
	return nl_call(nl, &r, NULL, NULL);
}

struct user {
	const char *name;
	int want;
};

static int user_leases(void *arg)
{
	struct user *user = arg;
	struct add *add = calloc(1, sizeof(*add));
	int fd = lease_create(ptx_open(), lease_name(), NULL);

	CHECK(add && fd >= 0);
	add_init(add, &user->name, 1);
	CHECK_EQ(user->want, lease_add(fd, add));
	CHECK_EQ(user->want ? PTX_REASON_NOT_GRANTED : 0, add->a.out_reason);
	return 0;
}

/* What the pool has, and nothing else. */
TEST_F(pool, granted)
{
	struct user mine = { self->name, 0 }, not_mine = { self->other, -EPERM };

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works\n1.0 flr=works"));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, self->one, 1, 0));
	ASSERT_EQ(0, grant_pooled(&self->h.nl));
	EXPECT_EQ(0, child_run_as(NOBODY, user_leases, &not_mine));
	EXPECT_EQ(0, child_run_as(NOBODY, user_leases, &mine));
	/* It goes back to the pool, and its grant with it. */
	ASSERT_TRUE(rests(self, self->name));
	EXPECT_EQ(0, child_run_as(NOBODY, user_leases, &mine));
	ASSERT_TRUE(rests(self, self->name));
	EXPECT_EQ(0, nl_pool_remove(&self->h.nl, self->one, 1, 0));
	mine.want = -EPERM;
	EXPECT_EQ(0, child_run_as(NOBODY, user_leases, &mine));
	EXPECT_EQ(1, nl_grants_drop(&self->h.nl));
}

struct racer {
	struct host *h;
	const char *const *two;
	int what;
};

static int race_on(void *arg)
{
	struct racer *r = arg;
	double end = now_us() + 5e6;
	struct nl nl;
	int fd, n = 0;

	srand(r->what);
	CHECK_EQ(0, nl_open(&nl));
	while (now_us() < end) {
		const char *const *one = &r->two[rand() & 1];

		n++;
		switch (r->what) {
		case 0:
			nl_pool_add(&nl, one, 1, 0);
			break;
		case 1:
			nl_pool_remove(&nl, one, 1, 1 + rand() % 20);
			break;
		default:
			fd = lease_create(r->h->ctl, lease_name(), NULL);
			CHECK(fd >= 0);
			lease_add_names(fd, one[0], rand() & 1 && one == r->two ?
						   one[1] : NULL);
			close(fd);
		}
	}
	nl_close(&nl);
	return n ? 0 : 1;
}

TEST_F(pool, race)
{
	struct racer r[5];
	pid_t pids[5];
	int i, n;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works\n1.0-1 flr=works"));
	close(self->fd);
	for (i = 0; i < 5; i++) {
		r[i] = (struct racer){ .h = &self->h, .two = self->two, .what = i };
		pids[i] = child_start(race_on, &r[i]);
	}
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, child_wait(pids[i])) TH_LOG("racer %d", i);
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	/* What was given up last may still be on its way. */
	for (i = 0; i < 2; i++) {
		if (pooled(self, self->two[i]) == 1)
			EXPECT_EQ(0, nl_pool_remove(&self->h.nl, &self->two[i], 1, 0));
		for (n = 0; n < 2000 && !pci_on_driver(self->two[i], SIM_DRIVER); n++)
			usleep(10000);
		EXPECT_GT(2000, n);
	}
}

TEST_HARNESS_MAIN
