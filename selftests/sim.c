// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulator does as it is told, and ptx with it: devices of any kind and
 * many of them, groups as asked, resets that fail, drivers that do not let go,
 * devices that come and go, DMA that is looked at from the other side.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/sim.h"

#define GONE_MS	60000

FIXTURE(sim)
{
	struct host h;
	struct add *add;
	struct nl_device d;
	char name[PCI_NAME_LEN];
	int fd;
	bool ready;
};

FIXTURE_SETUP(sim)
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
	sim_name(0, 0, self->name);
}

FIXTURE_TEARDOWN(sim)
{
	if (!self->ready)
		return;
	free(self->add);
	child_kill_all();
	syscall(SYS_close_range, 3, ~0U, 0);
	sim_control("set 0-511.0-7 hold=0 refuse=0");
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_EQ(0, sim_clear());
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_SIM() do {							\
		if (!self->ready)					\
			SKIP(return, "needs the topology sim");		\
	} while (0)

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static unsigned long attr(const char *name, const char *which)
{
	char buf[64];

	return pci_read(name, which, buf, sizeof(buf)) < 0 ? 0 : strtoul(buf, NULL, 0);
}

static int reset_by(const char *name, const char *method)
{
	int ret = pci_write(name, "reset_method", method);

	return ret ?: pci_write(name, "reset", "1");
}

static uint16_t config_vendor(const char *name)
{
	return pci_config_word(name, PCI_VENDOR_ID);
}

TEST_F(sim, devices_as_described)
{
	uint64_t flags;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=10de device=2230 class=030200 revision=a1 "
			     "subvendor=10de subdevice=1459 bars=64K,1M:64p,0,8K flr=works pm=works\n"
			     "# nothing to see here\n\n"
			     "130.0 vendor=1d0f device=efa1 class=020000;"
			     "1.3 class=010802 driver=none"));
	EXPECT_EQ(3, sim_count());
	EXPECT_EQ(0x10de, attr(self->name, "vendor"));
	EXPECT_EQ(0x2230, attr(self->name, "device"));
	EXPECT_EQ(0x030200, attr(self->name, "class"));
	EXPECT_EQ(0xa1, attr(self->name, "revision"));
	EXPECT_EQ(0x10de, attr(self->name, "subsystem_vendor"));
	EXPECT_EQ(0x1459, attr(self->name, "subsystem_device"));
	EXPECT_EQ(64 << 10, pci_bar(self->name, 0, &flags));
	EXPECT_EQ(0, flags & 0x2000);
	EXPECT_EQ(1 << 20, pci_bar(self->name, 1, &flags));
	EXPECT_EQ(0x102000, flags & 0x102000);	/* 64 bits, prefetchable */
	EXPECT_EQ(0, pci_bar(self->name, 3, &flags));
	EXPECT_EQ(8 << 10, pci_bar(self->name, 4, &flags));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));

	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &self->d));
	EXPECT_EQ(0x10de, self->d.vendor);
	EXPECT_EQ(0x2230, self->d.device);
	EXPECT_EQ(PTX_KIND_GPU, self->d.kind);
	EXPECT_STREQ("flr pm bus", self->d.resets);
	EXPECT_LE(0, self->d.group);
	EXPECT_EQ(0, self->d.nr_mates);
	EXPECT_EQ(0, self->d.nr_blockers);

	/* The second host bridge is a domain of its own. */
	sim_name(130, 0, self->name);
	EXPECT_STREQ("10001:03:00.0", self->name);
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &self->d));
	EXPECT_EQ(0x1d0f, self->d.vendor);
	EXPECT_EQ(PTX_KIND_NIC, self->d.kind);
	EXPECT_STREQ("bus", self->d.resets);

	ASSERT_EQ(0, nl_device_get(&self->h.nl, sim_name(1, 3, self->name), &self->d));
	EXPECT_EQ(PTX_KIND_NVME, self->d.kind);
	EXPECT_STREQ("", self->d.driver);
}

static int group_of(unsigned int slot, unsigned int fn)
{
	char name[PCI_NAME_LEN];
	struct pci_fn f;

	return pci_get(sim_name(slot, fn, name), &f) ? -1 : f.group;
}

TEST_F(sim, groups_as_asked)
{
	struct query q;
	int i, gone = 0;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0-1.0 group=both\n2.0-1\n3.0-1 acs=1\n4.0\n5.0 group=both"));
	EXPECT_LE(0, group_of(0, 0));
	EXPECT_EQ(group_of(0, 0), group_of(1, 0));
	EXPECT_EQ(group_of(0, 0), group_of(5, 0));
	EXPECT_EQ(group_of(2, 0), group_of(2, 1));
	EXPECT_NE(group_of(3, 0), group_of(3, 1));
	EXPECT_NE(group_of(4, 0), group_of(0, 0));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &self->d));
	EXPECT_EQ(2, self->d.nr_mates);
	/* A group's devices come along. */
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	EXPECT_EQ(3, lease_nr_members(self->fd));
	/* One of them leaves: the others stay. */
	ASSERT_EQ(0, sim_control("remove 5.0"));
	ASSERT_EQ(0, lease_query(self->fd, &q));
	for (i = 0; i < q.q.out_nr_members; i++)
		gone += q.members[i].state == PTX_MEMBER_STATE_GONE;
	EXPECT_EQ(1, gone);
	EXPECT_TRUE(pci_on_driver(self->name, PTX_DRIVER));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

TEST_F(sim, bad_text)
{
	static const char * const bad[] = {
		"x", "0", "0.0.0", "0.8", "512.0", "0-.0", "1-0.0", "-1.0", "0.0-8",
		"0.0 what=1", "0.0 vendor", "0.0 vendor=", "0.0 vendor=10000", "0.0 vendor=zz",
		"0.0 bars=3K", "0.0 bars=512M", "0.0 bars=4K:65", "0.0 bars=4K,4K,4K,4K,4K,4K:64",
		"0.0 bars=1,2,3,4,5,6,7", "0.0 bars=-4K", "0.0 rom=1K", "0.0 flr=maybe",
		"0.0 flr=slow", "0.0 flr=works:5", "0.0 flr=dead:99999999", "0.0 msi=33",
		"0.0 msix=2049", "0.0 msix=128", "0.0 vfs=249", "0.0 group=a/b",
		"0.0 group=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "0.0 mem=6:0:0",
		"0.0 mem=0:2:0", "0.0 mem=0:0x1000:0", "0.0 mem=1:0:0", "0.0 mem=0:0", "0.0 mem=,",
		"0.0 rmrr=1:1", "0.0 rmrr=0x1000:0x1001", "0.0 rmrr=0x1000:0x1000:x", "0.0 hold=2x",
		"0.0 vfs=1 vfbars=1K", "0.0;0.0", "0.0 class=1000000",
		"0.0 vfs=200;0.1 vfs=200", "\x80\xff.\x01 \xfe=\x02",
	};
	static const char * const bad_control[] = {
		"", "x", "set", "set 0.0 vendor=1234", "set 0.0 flr=works", "kill", "yank 1.0",
		"remove 1.0", "dma 0.0", "dma 0.0 read", "dma 0.0 read 1", "dma 0.0 write 0",
		"dma 0.0 read 0 0", "dma 0.0 sing 0 0", "irq 0.0", "irq 0.0 x", "irq 0.0 2048",
		"clear 0.0", "revive 1.1", "zero 9.9",
	};
	unsigned int i;

	NEED_SIM();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_GT(0, sim_add(bad[i])) TH_LOG("'%s' is fine?", bad[i]);
		EXPECT_EQ(0, sim_count()) TH_LOG("'%s' left something", bad[i]);
	}
	ASSERT_EQ(0, sim_add("0.0"));
	EXPECT_EQ(-EEXIST, sim_add("1.0-7;0.0"));
	EXPECT_EQ(1, sim_count());
	for (i = 1; i < ARRAY_SIZE(bad_control); i++)
		EXPECT_GT(0, sim_control("%s", bad_control[i]))
			TH_LOG("'%s' is fine?", bad_control[i]);
	EXPECT_EQ(1, sim_count());
}

/* What a machine would write that has never seen the grammar. */
TEST_F(sim, random_text)
{
	static const char * const pieces[] = {
		"0.0", "1-3.0-7", "0", ".", "-", ":", ",", "=", " ", "\n", ";", "#", "64", "4K",
		"vendor=", "bars=", "flr=", "works", "slow:", "dead", "mem=", "rmrr=", "group=a",
		"msix=", "vfs=", "99999999999999999999", "0x", "p", "acs=1", "\t", "\xff",
	};
	char text[256];
	int i, k, n;

	NEED_SIM();
	srand(1);
	for (i = 0; i < 800; i++) {
		text[0] = '\0';
		n = 1 + rand() % 12;
		for (k = 0; k < n; k++)
			strcat(text, pieces[rand() % ARRAY_SIZE(pieces)]);
		if (rand() % 4)
			sim_add(text);
		else
			sim_control("set %s", text);
	}
	EXPECT_EQ(0, sim_clear());
	EXPECT_EQ(0, sim_count());
}

TEST_F(sim, lease_one)
{
	struct snapshot *before;
	const char *name = self->name;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	before = snapshot_take_of(&name, 1);
	ASSERT_NE(NULL, before);
	ASSERT_EQ(0, lease_add_names(self->fd, name, NULL));
	EXPECT_TRUE(pci_on_driver(name, PTX_DRIVER));
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(name, SIM_DRIVER));
	EXPECT_EQ(0, snapshot_check_of(before, 2000));
	snapshot_free(before);
}

/* Found by its ids, not by an override. */
TEST_F(sim, lease_one_without_override)
{
	struct snapshot *before;
	const char *name = self->name;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 driver=any device=4321"));
	ASSERT_TRUE(pci_on_driver(name, SIM_DRIVER));
	before = snapshot_take_of(&name, 1);
	ASSERT_NE(NULL, before);
	ASSERT_EQ(0, lease_add_names(self->fd, name, NULL));
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_EQ(0, snapshot_check_of(before, 2000));
	snapshot_free(before);
}

#define MANY 128

TEST_F(sim, lease_many)
{
	const int many = host_is_kernel("debug-6.12") ? MANY / 2 : MANY;
	char buf[MANY][PCI_NAME_LEN];
	const char *names[MANY];
	struct snapshot *before;
	long long began;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add(many == MANY ? "0-15.0-7 acs=1 flr=works" : "0-7.0-7 acs=1 flr=works"));
	for (i = 0; i < many; i++)
		names[i] = sim_name(i / 8, i % 8, buf[i]);
	before = snapshot_take_of(names, many);
	ASSERT_NE(NULL, before);
	began = now_ms();
	add_init(self->add, names, many);
	self->add->a.timeout_ms = 200000;
	ASSERT_EQ(0, lease_add(self->fd, self->add))
		TH_LOG("%s %s", reason_name(self->add->a.out_reason), self->add->a.out_culprit);
	EXPECT_EQ(many, self->add->a.out_nr_members);
	TH_LOG("%d devices leased in %lld ms", many, now_ms() - began);
	for (i = 0; i < many; i++)
		EXPECT_TRUE(pci_on_driver(names[i], PTX_DRIVER));
	began = now_ms();
	ASSERT_EQ(0, lease_release(self->fd, 200000, NULL));
	TH_LOG("and released in %lld ms", now_ms() - began);
	for (i = 0; i < many; i++)
		EXPECT_TRUE(pci_on_driver(names[i], SIM_DRIVER));
	EXPECT_EQ(0, snapshot_check_of(before, 4000));
	snapshot_free(before);
}

/* Each with a port of its own, and as many as there can be ports. */
TEST_F(sim, five_hundred_and_twelve)
{
	char name[PCI_NAME_LEN], last[PCI_NAME_LEN];
	struct pci_fn fn;
	long long began;
	uint64_t flags;
	int i, n = 0;

	NEED_SIM();
	if (host_is_kernel("debug-6.12") && !getenv("PTX_SIM_ALL"))
		SKIP(return, "takes minutes on a kernel with all checks; see PTX_SIM_ALL");
	began = now_ms();
	ASSERT_EQ(0, sim_add("0-511.0 vendor=1002 device=744c class=038000 flr=works"));
	TH_LOG("512 devices appeared in %lld ms", now_ms() - began);
	EXPECT_EQ(512, sim_count());
	for (i = 0; i < 512; i++) {
		sim_name(i, 0, name);
		n += !pci_get(name, &fn) && fn.vendor == 0x1002 && fn.group >= 0 &&
		     !strcmp(fn.driver, SIM_DRIVER) && pci_bar(name, 0, &flags) == 4096;
	}
	EXPECT_EQ(512, n);
	sim_name(511, 0, last);
	EXPECT_NE(group_of(0, 0), group_of(511, 0));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, last));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	began = now_ms();
	EXPECT_EQ(0, sim_clear());
	TH_LOG("and were gone in %lld ms", now_ms() - began);
}

TEST_F(sim, resets_are_counted)
{
	static const char * const methods[] = { "flr", "af_flr", "pm", "bus" };
	struct sim_state s;
	char buf[64];
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works af_flr=works pm=works bus=works\n1.0 bus=none"));
	ASSERT_LT(0, pci_read(self->name, "reset_method", buf, sizeof(buf)));
	EXPECT_STREQ("flr af_flr pm bus", buf);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, sim_control("zero 0.0"));
		EXPECT_EQ(0, reset_by(self->name, methods[i])) TH_LOG("%s", methods[i]);
		ASSERT_EQ(0, sim_state(0, 0, &s));
		EXPECT_TRUE(s.alive);
		EXPECT_EQ(i == 0, s.flr);
		EXPECT_EQ(i == 1, s.af_flr);
		EXPECT_EQ(i == 2, s.pm);
		EXPECT_EQ(i == 3, s.bus);
	}
	/* A device without any way to reset. */
	pci_read(sim_name(1, 0, self->name), "reset_method", buf, sizeof(buf));
	EXPECT_STREQ("", buf);
}

/* A reset that does nothing leaves memory as it was; one that works does not. */
TEST_F(sim, reset_that_does_nothing)
{
	volatile uint32_t *p;
	struct sim_state s;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=nothing mem=0:0:0x11223344"));
	p = pci_bar0_map(self->name);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(0x11223344, *p);
	*p = 5;
	EXPECT_EQ(0, reset_by(self->name, "flr"));
	EXPECT_EQ(5, *p);
	ASSERT_EQ(0, sim_control("set 0.0 flr=works"));
	EXPECT_EQ(0, reset_by(self->name, "flr"));
	EXPECT_EQ(0x11223344, *p);
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_EQ(2, s.flr);
	munmap((void *)p, 4096);
}

TEST_F(sim, reset_that_takes_long)
{
	volatile uint32_t *p;
	long long began;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=slow:700 mem=0:0:0x164000a1 ready=1500 busy=0xbadf5040"));
	p = pci_bar0_map(self->name);
	ASSERT_NE(NULL, p);
	began = now_ms();
	EXPECT_EQ(0, reset_by(self->name, "flr"));
	EXPECT_LE(600, now_ms() - began);
	EXPECT_EQ(0x1234, config_vendor(self->name));
	/* Registers answer before the firmware is up. */
	EXPECT_NE(0x164000a1, *p);
	sleep(4);
	EXPECT_EQ(0x164000a1, *p);
	munmap((void *)p, 4096);
}

TEST_F(sim, reset_that_kills)
{
	struct sim_state s;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 bus=dead flr=dead:500"));
	EXPECT_EQ(0, reset_by(self->name, "flr"));
	EXPECT_EQ(0x1234, config_vendor(self->name));
	EXPECT_GT(0, reset_by(self->name, "bus"));
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_EQ(1, s.flr);
	EXPECT_EQ(1, s.bus);
	EXPECT_FALSE(s.alive);
	EXPECT_EQ(0xffff, config_vendor(self->name));
	/* A better reset brings it back. */
	ASSERT_EQ(0, sim_control("set 0.0 bus=works"));
	EXPECT_EQ(0, reset_by(self->name, "bus"));
	/*
	 * The kernel writes back what it read before: all ones, which for one that
	 * has come back means a reset by FLR as well. That takes 500 ms here.
	 */
	for (i = 0; i < 20 && config_vendor(self->name) == 0xffff; i++)
		usleep(100000);
	EXPECT_EQ(0x1234, config_vendor(self->name));

	ASSERT_EQ(0, sim_control("kill 0.0"));
	EXPECT_EQ(0xffff, config_vendor(self->name));
	ASSERT_EQ(0, sim_control("revive 0.0"));
	EXPECT_EQ(0x1234, config_vendor(self->name));
}

TEST_F(sim, remove_that_does_not_return)
{
	const char *name = self->name;
	long long began;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 hold=1\n1.0"));
	add_init(self->add, &name, 1);
	self->add->a.timeout_ms = 500;
	began = now_ms();
	EXPECT_EQ(-ETIMEDOUT, lease_add(self->fd, self->add));
	EXPECT_GE(5000, now_ms() - began);
	EXPECT_EQ(PTX_REASON_UNBIND_STUCK, self->add->a.out_reason);
	EXPECT_STREQ(name, self->add->a.out_culprit);
	/* Another device is not kept waiting. */
	EXPECT_EQ(0, lease_add_names(self->fd, sim_name(1, 0, self->add->a.out_culprit), NULL));
	ASSERT_EQ(0, sim_control("set 0.0 hold=0"));
	EXPECT_EQ(0, lease_wait_members(self->fd, 1, 10000));
	EXPECT_TRUE(pci_on_driver(name, SIM_DRIVER));
}

static int unbind(void *arg)
{
	return file_write("/sys/bus/pci/drivers/" SIM_DRIVER "/unbind", arg);
}

/* Begun by hand, behind our back: whoever wants this device waits, and nobody else. */
TEST_F(sim, unbind_that_does_not_return)
{
	const char *name = self->name;
	long long began;
	pid_t by_hand;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 hold=1\n1.0"));
	by_hand = child_start(unbind, self->name);
	/* Its remove() is called within that time, or the test proves nothing. */
	sleep(1);
	add_init(self->add, &name, 1);
	self->add->a.timeout_ms = 500;
	EXPECT_EQ(-ETIMEDOUT, lease_add(self->fd, self->add));
	began = now_ms();
	EXPECT_EQ(0, lease_add_names(self->fd, sim_name(1, 0, self->add->a.out_culprit), NULL));
	EXPECT_GE(2000, now_ms() - began);
	ASSERT_EQ(0, sim_control("set 0.0 hold=0"));
	EXPECT_EQ(0, child_wait(by_hand));
	EXPECT_EQ(0, lease_wait_members(self->fd, 1, 10000));
	EXPECT_TRUE(pci_on_driver(name, ""));
}

TEST_F(sim, probe_that_fails)
{
	struct ptx_lease_release r = { 0 };

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, sim_control("set 0.0 refuse=1 probe_ms=200"));
	EXPECT_EQ(-EIO, lease_release(self->fd, 10000, &r));
	EXPECT_EQ(PTX_REASON_NATIVE_REFUSED, r.out_reason);
	EXPECT_STREQ(self->name, r.out_culprit);
	EXPECT_TRUE(pci_on_driver(self->name, ""));
}

/* Eight drivers that take their time cost one's time. */
TEST_F(sim, slow_drivers_at_the_same_time)
{
	char buf[8][PCI_NAME_LEN];
	const char *names[8];
	long long began;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0-7 acs=1 remove_ms=1500"));
	for (i = 0; i < 8; i++)
		names[i] = sim_name(0, i, buf[i]);
	add_init(self->add, names, 8);
	began = now_ms();
	ASSERT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_LE(1500, now_ms() - began);
	EXPECT_GE(6000, now_ms() - began);
}

static int wait_event(struct nl *listen, uint32_t what, const char *name, int timeout_ms)
{
	const long long end = now_ms() + timeout_ms;
	struct nl_event ev;

	while (now_ms() < end)
		if (nl_event_next(listen, &ev, end - now_ms()) == 1 && ev.event == what &&
		    !strcmp(ev.device, name))
			return 0;
	return -ETIMEDOUT;
}

TEST_F(sim, comes_and_goes)
{
	struct nl listen;

	NEED_SIM();
	ASSERT_EQ(0, nl_open(&listen));
	ASSERT_EQ(0, nl_join(&listen));
	ASSERT_EQ(0, sim_add("0.0"));
	EXPECT_EQ(0, wait_event(&listen, PTX_EVENT_DEVICE_ADD, self->name, 10000));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_EQ(0, sim_control("remove 0.0"));
	EXPECT_EQ(0, wait_event(&listen, PTX_EVENT_DEVICE_DEL, self->name, 10000));
	EXPECT_EQ(-ENODEV, nl_device_get(&self->h.nl, self->name, NULL));
	EXPECT_EQ(0, sim_count());
}

TEST_F(sim, yank_while_leased)
{
	struct nl listen;
	int i;

	NEED_SIM();
	ASSERT_EQ(0, nl_open(&listen));
	ASSERT_EQ(0, nl_join(&listen));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, sim_add("0.0 flr=works\n1.0"));
		ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
		ASSERT_EQ(0, sim_control("yank 0.0"));
		EXPECT_EQ(0, wait_event(&listen, PTX_EVENT_MEMBER_GONE, self->name, 10000));
		EXPECT_EQ(0, lease_wait_members(self->fd, 0, 10000));
		EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
		EXPECT_EQ(1, sim_count());
		ASSERT_EQ(0, sim_control("remove 1.0"));
	}
}

static int yank(void *arg)
{
	/* The files that were inherited would keep the device open. */
	syscall(SYS_close_range, 3, ~0U, 0);
	CHECK_EQ(0, sim_control("yank 0.0"));
	return 0;
}

/* The bus waits for VFIO's users; the device is silent at once. */
TEST_F(sim, yank_while_open)
{
	struct vfio v = VFIO_CLOSED;
	struct sim_state s;
	pid_t pid;
	int ms;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, group_of(0, 0), self->name));
	ASSERT_EQ(0, vfio_map(&v, 1 << 20));
	pid = child_start(yank, NULL);
	for (ms = 0; ms < 5000; ms += 10) {
		if (!sim_state(0, 0, &s) && !s.alive)
			break;
		usleep(10000);
	}
	EXPECT_FALSE(s.alive);
	EXPECT_LE(0, lease_state(self->fd));
	vfio_close(&v);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, lease_wait_members(self->fd, 0, 10000));
	EXPECT_EQ(0, sim_count());
}

TEST_F(sim, vfio_dma_is_seen)
{
	struct vfio v = VFIO_CLOSED;
	uint32_t *word;
	struct sim_state s;
	char prot[16];

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, group_of(0, 0), self->name));
	EXPECT_EQ(0, sim_mapped(0, 0, 16 << 20, prot));
	ASSERT_EQ(0, vfio_map(&v, 1 << 20));
	word = v.buf;
	word[0] = 0x600d0001;
	EXPECT_LT(0, sim_mapped(0, 0, v.iova, prot));
	EXPECT_STREQ("rw", prot);

	/* Not before it is told that it may. */
	ASSERT_EQ(0, sim_control("zero 0.0"));
	EXPECT_EQ(-EFAULT, sim_control("dma 0.0 read 0x1000000"));
	ASSERT_EQ(0, vfio_master(v.device));
	EXPECT_EQ(0, sim_control("dma 0.0 read 0x1000000"));
	EXPECT_EQ(0x600d0001, sim_result());
	EXPECT_EQ(0, sim_control("dma 0.0 write 0x1000ffc 0x600d0002"));
	EXPECT_EQ(0x600d0002, word[0xffc / 4]);
	EXPECT_EQ(-EFAULT, sim_control("dma 0.0 write 0x2000000 1"));
	ASSERT_EQ(0, sim_state(0, 0, &s));
	EXPECT_EQ(2, s.faults);

	vfio_close(&v);
	EXPECT_EQ(0, sim_mapped(0, 0, 16 << 20, prot));
	EXPECT_EQ(-EFAULT, sim_control("dma 0.0 read 0x1000000"));
}

static int irq_to_eventfd(int device, int event)
{
	struct {
		struct vfio_irq_set set;
		int fd;
	} irqs = {
		.set.argsz = sizeof(irqs),
		.set.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.set.index = VFIO_PCI_MSIX_IRQ_INDEX,
		.set.count = 1,
		.fd = event,
	};

	return ioctl(device, VFIO_DEVICE_SET_IRQS, &irqs) ? -errno : 0;
}

TEST_F(sim, vfio_interrupts)
{
	struct vfio v = VFIO_CLOSED;
	eventfd_t n = 0;
	int event;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 flr=works bars=16K msix=8"));
	ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, group_of(0, 0), self->name));
	event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, event);
	ASSERT_EQ(0, irq_to_eventfd(v.device, event));
	EXPECT_EQ(-EFAULT, sim_control("irq 0.0 0"));
	ASSERT_EQ(0, vfio_master(v.device));
	EXPECT_EQ(0, sim_control("irq 0.0 0"));
	EXPECT_EQ(0, eventfd_read(event, &n));
	EXPECT_EQ(1, n);
	close(event);
	vfio_close(&v);
}

TEST_F(sim, virtual_functions)
{
	char vf[2][PCI_NAME_LEN];
	struct sim_state s;

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=8086 device=1592 class=020000 vfs=4 vfdevice=1889 "
			     "flr=works vfbars=16K:64p"));
	EXPECT_EQ(1, sim_count());
	EXPECT_EQ(4, attr(self->name, "sriov_totalvfs"));
	ASSERT_EQ(0, pci_write(self->name, "sriov_numvfs", "4"));
	EXPECT_EQ(5, sim_count());
	sim_name(0, 8, vf[0]);
	sim_name(0, 11, vf[1]);
	EXPECT_EQ(0x8086, attr(vf[0], "vendor"));
	EXPECT_EQ(0x1889, attr(vf[1], "device"));
	EXPECT_NE(group_of(0, 8), group_of(0, 11));
	EXPECT_TRUE(pci_on_driver(vf[0], SIM_DRIVER));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, vf[0], &self->d));
	EXPECT_STREQ(self->name, self->d.physfn);
	ASSERT_EQ(0, lease_add_names(self->fd, vf[0], vf[1]));
	ASSERT_EQ(0, sim_control("zero 0.8"));
	EXPECT_EQ(0, reset_by(vf[0], "flr"));
	ASSERT_EQ(0, sim_state(0, 8, &s));
	EXPECT_EQ(1, s.flr);
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(vf[1], SIM_DRIVER));
	ASSERT_EQ(0, pci_write(self->name, "sriov_numvfs", "0"));
	EXPECT_EQ(1, sim_count());
}

/* With its virtual functions leased, and then it is torn out. */
TEST_F(sim, yank_with_virtual_functions)
{
	char vf[PCI_NAME_LEN];

	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vfs=2"));
	ASSERT_EQ(0, pci_write(self->name, "sriov_numvfs", "2"));
	ASSERT_EQ(0, lease_add_names(self->fd, sim_name(0, 9, vf), NULL));
	ASSERT_EQ(0, sim_control("yank 0.0"));
	EXPECT_EQ(0, lease_wait_members(self->fd, 0, 10000));
	EXPECT_EQ(0, sim_count());
}

TEST_F(sim, firmware_memory)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 rmrr=0x1000000:64K\n1.0 rmrr=0x1000000:64K:relaxable"));
	EXPECT_EQ(64 << 10, sim_mapped(0, 0, 0x1000000, NULL));
	add_init(self->add, &(const char *){ self->name }, 1);
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_RESERVED_REGION, self->add->a.out_reason);
	EXPECT_EQ(0, lease_add_names(self->fd, sim_name(1, 0, self->name), NULL));
}

TEST_F(sim, module_goes)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0"));
	EXPECT_NE(0, system("rmmod ptx_sim 2>/dev/null"));
	ASSERT_EQ(0, sim_clear());
	EXPECT_EQ(0, system("rmmod ptx_sim"));
	EXPECT_NE(0, system("modprobe ptx_sim devices='0.0 what=1' 2>/dev/null"));
	EXPECT_EQ(0, system("modprobe ptx_sim devices='0.0 vendor=abcd;1.0'"));
	EXPECT_EQ(2, sim_count());
	EXPECT_EQ(0xabcd, attr(self->name, "vendor"));
}

TEST_HARNESS_MAIN
