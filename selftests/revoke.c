// SPDX-License-Identifier: GPL-2.0-only
/*
 * Revocation: at the deadline a VMM has nothing left of its devices, whatever it
 * does, and it can be killed; other leases notice nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/userfaultfd.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"

#define GONE_MS		20000
#define EDU_ID		0x010000ed
#define PATIENCE_MS	30000

FIXTURE(revoke)
{
	struct host h;
	struct nl listen;
	const struct pci_fn *fn;
	int fd;
	uint64_t id;
	struct vfio v;
	uint64_t bar;
	uint64_t config;
};

FIXTURE_SETUP(revoke)
{
	uint64_t size;

	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	self->fd = -1;
	if (self->h.nr_edu < 1 || self->h.edu[0]->group < 0)
		return;
	self->fn = self->h.edu[0];
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, lease_add_names(self->fd, self->fn->name, NULL));
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	ASSERT_EQ(0, vfio_master(self->v.device));
	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_BAR0_REGION_INDEX,
				 &self->bar, &size));
	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_CONFIG_REGION_INDEX,
				 &self->config, &size));
	ASSERT_EQ(0, nl_open(&self->listen));
	ASSERT_EQ(0, nl_join(&self->listen));
}

FIXTURE_TEARDOWN(revoke)
{
	vfio_close(&self->v);
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_EDU() NEED(self->fn, "an edu that is alone in its group")

static int revoke_raw(int fd, struct ptx_lease_revoke *r)
{
	r->size = sizeof(*r);
	return ptx_ioctl(fd, PTX_LEASE_REVOKE, r);
}

static int take_away(int fd, uint32_t deadline_ms)
{
	struct ptx_lease_revoke r = { .deadline_ms = deadline_ms };

	return revoke_raw(fd, &r);
}

static sigjmp_buf on_bus;

static void bus_error(int sig)
{
	siglongjmp(on_bus, sig);
}

/* What a mapped register says; false when there is none any more. */
static bool peek(volatile uint32_t *at, uint32_t *value)
{
	struct sigaction act = { .sa_handler = bus_error }, old;
	volatile bool there = false;

	sigaction(SIGBUS, &act, &old);
	if (!sigsetjmp(on_bus, 1)) {
		*value = *at;
		there = true;
	}
	sigaction(SIGBUS, &old, NULL);
	return there;
}

/* The command register, past VFIO. */
static uint16_t command_of(const char *name)
{
	return pci_config_word(name, PCI_COMMAND);
}

/* What VFIO says: a word of configuration space, and the first of BAR 0. */
static uint16_t config_word(FIXTURE_DATA(revoke) *self, unsigned int at)
{
	uint16_t word = 0xdead;

	return pread(self->v.device, &word, 2, self->config + at) == 2 ? word : 0xdead;
}

static uint32_t bar_word(FIXTURE_DATA(revoke) *self)
{
	uint32_t word = 0xdead;

	return pread(self->v.device, &word, 4, self->bar) == 4 ? word : 0xdead;
}

#define LIVE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

/* When the device was cut, by the kernel's clock; 0 if that was not told in time. */
static uint64_t cut_at(FIXTURE_DATA(revoke) *self, int timeout_ms)
{
	struct nl_event ev;

	while (nl_event_next(&self->listen, &ev, timeout_ms) == 1) {
		if (ev.event == PTX_EVENT_MEMBER_CUT && ev.lease == self->id &&
		    !strcmp(ev.device, self->fn->name))
			return ev.time_ns;
	}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

TEST_F(revoke, nothing_is_left)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct vfio_irq_set irq = {
		.argsz = sizeof(irq),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};
	struct vfio_device_feature feature = {
		.argsz = sizeof(feature),
		.flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
			 VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
	};
	volatile uint32_t *bar;
	uint64_t began, at;
	uint32_t value;
	uint16_t word;
	struct query q;

	NEED_EDU();
	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self->v.device,
		   self->bar);
	ASSERT_NE(MAP_FAILED, bar);
	ASSERT_TRUE(peek(bar, &value));
	EXPECT_EQ(EDU_ID, value);
	EXPECT_EQ(LIVE & ~PCI_COMMAND_IO, command_of(self->fn->name) &
		  (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));

	began = now_ns();
	ASSERT_EQ(0, take_away(self->fd, 0));
	at = cut_at(self, 0);
	ASSERT_NE(0, at);
	TH_LOG("cut %llu us after the call began",
	       (unsigned long long)(at - began) / 1000);

	/* Its registers look as if it had been pulled, and take nothing. */
	EXPECT_TRUE(peek(bar, &value));
	EXPECT_EQ(~0U, value);
	bar[1] = 0x12345678;
	EXPECT_EQ(0, command_of(self->fn->name) & LIVE);
	EXPECT_TRUE(command_of(self->fn->name) & PCI_COMMAND_INTX_DISABLE);
	EXPECT_EQ(0xffff, config_word(self, PCI_VENDOR_ID));
	EXPECT_EQ(0x00ff, config_word(self, PCI_INTERRUPT_LINE));
	word = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	EXPECT_EQ(2, pwrite(self->v.device, &word, 2, self->config + PCI_COMMAND));
	EXPECT_EQ(0xffff, config_word(self, PCI_COMMAND));
	EXPECT_EQ(~0U, bar_word(self));
	value = 1;
	EXPECT_EQ(4, pwrite(self->v.device, &value, 4, self->bar + 4));
	EXPECT_EQ(-1, ioctl(self->v.device, VFIO_DEVICE_GET_INFO, &info));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ioctl(self->v.device, VFIO_DEVICE_SET_IRQS, &irq));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ioctl(self->v.device, VFIO_DEVICE_RESET));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ioctl(self->v.device, VFIO_DEVICE_FEATURE, &feature));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->v.device,
				   self->bar));
	EXPECT_EQ(0, command_of(self->fn->name) & LIVE);

	/* Not home yet, and nobody else's. */
	ASSERT_EQ(0, lease_query(self->fd, &q));
	EXPECT_EQ(PTX_LEASE_STATE_DRAINING, q.q.out_state);
	EXPECT_EQ(PTX_MEMBER_CUT, q.members[0].flags & PTX_MEMBER_CUT);
	EXPECT_TRUE(q.members[0].flags & PTX_MEMBER_OPENED);
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 300, NULL));
	munmap((void *)bar, 4096);
	vfio_close(&self->v);
	EXPECT_TRUE(lease_poll(self->fd, 0, GONE_MS) & POLLHUP);
	EXPECT_EQ(0, host_same(&self->h));
}

TEST_F(revoke, deadline)
{
	uint64_t began = now_ns(), at;

	NEED_EDU();
	ASSERT_EQ(0, take_away(self->fd, 1500));
	/* It has the time that it was given. */
	EXPECT_EQ(EDU_ID, bar_word(self));
	at = cut_at(self, PATIENCE_MS);
	ASSERT_NE(0, at);
	EXPECT_LE(1450, (at - began) / 1000000);
	TH_LOG("deadline 1500 ms, cut after %llu ms",
	       (unsigned long long)(at - began) / 1000000);
	EXPECT_EQ(~0U, bar_word(self));
	EXPECT_EQ(0, command_of(self->fn->name) & LIVE);
}

/* One that lets go when it is asked keeps nobody waiting, and is not cut. */
TEST_F(revoke, lets_go_when_asked)
{
	struct vfio_irq_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_REQ_IRQ_INDEX,
	};
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} req = {
		.set = {
			.argsz = sizeof(req),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_REQ_IRQ_INDEX,
			.count = 1,
		},
	};
	uint64_t count = 0;

	NEED_EDU();
	ASSERT_EQ(0, ioctl(self->v.device, VFIO_DEVICE_GET_IRQ_INFO, &info));
	ASSERT_EQ(1, info.count);
	req.fd = eventfd(0, EFD_CLOEXEC);
	ASSERT_EQ(0, ioctl(self->v.device, VFIO_DEVICE_SET_IRQS, &req));
	ASSERT_EQ(0, take_away(self->fd, PATIENCE_MS));
	ASSERT_EQ(8, read(req.fd, &count, 8));
	vfio_close(&self->v);
	EXPECT_TRUE(lease_poll(self->fd, 0, GONE_MS) & POLLHUP);
	EXPECT_EQ(0, cut_at(self, 0));
	EXPECT_EQ(0, host_same(&self->h));
}

TEST_F(revoke, deadlines_only_come_closer)
{
	NEED_EDU();
	ASSERT_EQ(0, take_away(self->fd, 600000));
	EXPECT_EQ(EDU_ID, bar_word(self));
	ASSERT_EQ(0, take_away(self->fd, 300));
	ASSERT_EQ(0, take_away(self->fd, 600000));
	EXPECT_NE(0, cut_at(self, PATIENCE_MS));
	EXPECT_EQ(~0U, bar_word(self));
	/* Cut already: once more is no news. */
	ASSERT_EQ(0, take_away(self->fd, 0));
	EXPECT_EQ(0, cut_at(self, 300));
}

/* The device is in the middle of writing to memory. */
TEST_F(revoke, memory_is_out_of_reach)
{
	const uint64_t run = 1 | 2, len = 4000;
	uint64_t src = 0x40000, dst;
	char *buf;

	NEED_EDU();
	ASSERT_EQ(0, vfio_map(&self->v, 1 << 20));
	buf = self->v.buf;
	/* Its buffer is full of something. */
	memset(buf, 0xa5, 4096);
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, self->v.iova, self->v.iova + 8192, len));
	ASSERT_EQ(0xa5, (unsigned char)buf[8192]);
	memset(buf, 0, 16384);
	dst = self->v.iova + 4096;
	ASSERT_EQ(8, pwrite(self->v.device, &src, 8, self->bar + 0x80));
	ASSERT_EQ(8, pwrite(self->v.device, &dst, 8, self->bar + 0x88));
	ASSERT_EQ(8, pwrite(self->v.device, &len, 8, self->bar + 0x90));
	ASSERT_EQ(8, pwrite(self->v.device, &run, 8, self->bar + 0x98));
	/* It copies 100 ms from now. */
	ASSERT_EQ(0, take_away(self->fd, 0));
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, buf[4096]);
		usleep(50000);
	}
	EXPECT_EQ(0, memcmp(buf, buf + 4096, 4096));
}

/* A VMM that fights for its device. */
struct fighter {
	struct vfio v;
	uint64_t config;
	uint64_t bar;
};

static int fight(void *arg)
{
	const uint16_t live = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	struct fighter *f = arg;
	uint32_t value;
	unsigned int i;

	for (i = 0;; i++) {
		(void)!pwrite(f->v.device, &live, 2, f->config + PCI_COMMAND);
		(void)!pread(f->v.device, &value, 4, f->bar);
		if (i % 64 == 0)
			ioctl(f->v.device, VFIO_DEVICE_RESET);
	}
	return 0;
}

TEST_F(revoke, racing_writes_lose)
{
	struct fighter f = { .v = self->v, .config = self->config, .bar = self->bar };
	pid_t pids[3];
	int i;

	NEED_EDU();
	for (i = 0; i < 3; i++)
		pids[i] = child_start(fight, &f);
	usleep(300000);
	ASSERT_EQ(0, take_away(self->fd, 0));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, command_of(self->fn->name) & LIVE) TH_LOG("look %d", i);
		usleep(10000);
	}
	for (i = 0; i < 3; i++)
		child_kill(pids[i]);
}

TEST_F(revoke, others_are_undisturbed)
{
	const struct pci_fn *other = host_single(&self->h, 0);
	struct vfio v = VFIO_CLOSED;
	uint64_t config, size;
	uint16_t vendor = 0;
	int fd;

	NEED_EDU();
	for (int i = 0; other && !strcmp(other->name, self->fn->name); i++)
		other = host_single(&self->h, i + 1);
	NEED(other, "a second device that is alone in its group");
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, other->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, other->group, other->name));
	ASSERT_EQ(0, vfio_region(v.device, VFIO_PCI_CONFIG_REGION_INDEX, &config, &size));
	ASSERT_EQ(0, vfio_master(v.device));
	ASSERT_EQ(0, take_away(self->fd, 0));
	EXPECT_EQ(0, command_of(self->fn->name) & LIVE);
	EXPECT_EQ(2, pread(v.device, &vendor, 2, config));
	EXPECT_EQ(other->vendor, vendor);
	EXPECT_TRUE(command_of(other->name) & PCI_COMMAND_MASTER);
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(fd));
	vfio_close(&v);
}

/* Holds on to a device, deaf to everything. */
struct holder {
	const struct pci_fn *fn;
	struct gate ready;
	struct vfio v;
};

static int hold(void *arg)
{
	struct holder *x = arg;

	CHECK_EQ(0, vfio_open(&x->v, x->fn->group, x->fn->name));
	gate_open(&x->ready);
	for (;;)
		pause();
	return 0;
}

TEST_F(revoke, kills_who_holds_on)
{
	struct ptx_lease_revoke r = {
		.flags = PTX_REVOKE_KILL,
		.deadline_ms = 200,
		.kill_ms = 1000,
	};
	struct holder x = { .fn = self->fn };
	uint64_t began, at;
	pid_t pid;

	NEED_EDU();
	vfio_close(&self->v);
	ASSERT_EQ(0, gate_init(&x.ready));
	pid = child_start(hold, &x);
	ASSERT_TRUE(gate_wait(&x.ready, PATIENCE_MS));
	began = now_ns();
	ASSERT_EQ(0, revoke_raw(self->fd, &r));
	at = cut_at(self, PATIENCE_MS);
	EXPECT_NE(0, at);
	EXPECT_EQ(128 + SIGKILL, child_wait(pid));
	EXPECT_LE(1150, (now_ns() - began) / 1000000);
	EXPECT_TRUE(lease_poll(self->fd, 0, GONE_MS) & POLLHUP);
	EXPECT_EQ(0, host_same(&self->h));
}

/* Reads the device into memory that the kernel waits for, without end. */
static int park(void *arg)
{
	struct holder *x = arg;
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	uint64_t offset, size;
	char *page;
	int uffd;

	CHECK_EQ(0, vfio_open(&x->v, x->fn->group, x->fn->name));
	CHECK_EQ(0, vfio_master(x->v.device));
	CHECK_EQ(0, vfio_region(x->v.device, VFIO_PCI_CONFIG_REGION_INDEX, &offset, &size));
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	CHECK(uffd >= 0);
	CHECK_EQ(0, ioctl(uffd, UFFDIO_API, &api));
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	reg.range.start = (uintptr_t)page;
	reg.range.len = 4096;
	CHECK_EQ(0, ioctl(uffd, UFFDIO_REGISTER, &reg));
	gate_open(&x->ready);
	(void)!pread(x->v.device, page, 4, offset);
	return 3;
}

TEST_F(revoke, a_call_that_never_ends)
{
	struct ptx_lease_revoke r = { .flags = PTX_REVOKE_KILL, .kill_ms = 3000 };
	struct holder x = { .fn = self->fn };
	uint64_t began;
	struct query q;
	pid_t pid;

	NEED_EDU();
	vfio_close(&self->v);
	ASSERT_EQ(0, gate_init(&x.ready));
	pid = child_start(park, &x);
	ASSERT_TRUE(gate_wait(&x.ready, PATIENCE_MS));
	usleep(300000);
	EXPECT_TRUE(command_of(self->fn->name) & PCI_COMMAND_MASTER);
	began = now_ns();
	ASSERT_EQ(0, revoke_raw(self->fd, &r));
	/* It is waited for in vain, and not for long; the device is cut off. */
	EXPECT_GE(2900, (now_ns() - began) / 1000000);
	EXPECT_EQ(0, command_of(self->fn->name) & LIVE);
	ASSERT_EQ(0, lease_query(self->fd, &q));
	EXPECT_FALSE(q.members[0].flags & PTX_MEMBER_CUT);
	/* And the second deadline comes. */
	EXPECT_EQ(128 + SIGKILL, child_wait(pid));
	EXPECT_TRUE(lease_poll(self->fd, 0, GONE_MS) & POLLHUP);
	EXPECT_EQ(0, host_same(&self->h));
}

/* Nobody who merely has the lease, or had the device once, is killed. */
TEST_F(revoke, kills_nobody_else)
{
	struct ptx_lease_revoke r = { .flags = PTX_REVOKE_KILL };

	NEED_EDU();
	vfio_close(&self->v);
	ASSERT_EQ(0, revoke_raw(self->fd, &r));
	EXPECT_TRUE(lease_poll(self->fd, 0, GONE_MS) & POLLHUP);
	usleep(200000);
}

/* A released lease is no longer there to be revoked, whatever was due. */
TEST_F(revoke, release_comes_first)
{
	NEED_EDU();
	ASSERT_EQ(0, take_away(self->fd, 6000));
	vfio_close(&self->v);
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_EQ(-ESHUTDOWN, take_away(self->fd, 0));
	EXPECT_EQ(0, cut_at(self, 7000));
	EXPECT_EQ(0, host_same(&self->h));
}

/* On a driver that is not ours there is nothing to cut with, and it says so. */
TEST_F(revoke, stock_driver)
{
	struct add *add = calloc(1, sizeof(*add));
	struct query q;

	NEED_EDU();
	ASSERT_NE(NULL, add);
	vfio_close(&self->v);
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	close(self->fd);
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	add_init(add, &(const char *){ self->fn->name }, 1);
	strcpy(add->a.driver, "vfio-pci");
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) && system("modprobe vfio-pci"))
		SKIP(return, "this kernel has no vfio-pci");
	ASSERT_EQ(0, lease_add(self->fd, add));
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	ASSERT_EQ(0, take_away(self->fd, 0));
	ASSERT_EQ(0, lease_query(self->fd, &q));
	EXPECT_FALSE(q.members[0].flags & PTX_MEMBER_CUT);
	EXPECT_EQ(0, cut_at(self, 200));
	vfio_close(&self->v);
	EXPECT_TRUE(lease_poll(self->fd, 0, GONE_MS) & POLLHUP);
	free(add);
}

static int pull(void *arg)
{
	struct holder *x = arg;

	/* It would wait for files of its own. */
	vfio_close(&x->v);
	CHECK_EQ(0, pci_write(x->fn->name, "remove", "1"));
	return 0;
}

/* Orderly removal waits for the VMM, which has nothing left from the first moment. */
TEST_F(revoke, removal_cuts_at_once)
{
	struct holder x = { .fn = self->fn, .v = self->v };
	uint64_t until = now_ns() + PATIENCE_MS * 1000000ULL;
	pid_t pid;

	NEED_EDU();
	pid = child_start(pull, &x);
	while (config_word(self, PCI_VENDOR_ID) == self->fn->vendor && now_ns() < until)
		usleep(10000);
	EXPECT_EQ(0xffff, config_word(self, PCI_VENDOR_ID));
	EXPECT_EQ(0, command_of(self->fn->name) & LIVE);
	vfio_close(&self->v);
	EXPECT_EQ(0, child_wait(pid));
	close(self->fd);
	EXPECT_EQ(0, nl_lease_wait(self->id, GONE_MS));
	ASSERT_EQ(0, file_write("/sys/bus/pci/rescan", "1"));
}

TEST_F(revoke, bad)
{
	struct ptx_lease_revoke r = { 0 };
	char big[sizeof(r) + 8] = { 0 };
	uint32_t size;
	int i;

	NEED_EDU();
	for (i = 0; i < 32; i++) {
		r = (struct ptx_lease_revoke){ .flags = 1U << i };
		if (r.flags != PTX_REVOKE_KILL)
			EXPECT_EQ(-EOPNOTSUPP, revoke_raw(self->fd, &r));
	}
	r = (struct ptx_lease_revoke){ .reserved = 1 };
	EXPECT_EQ(-EINVAL, revoke_raw(self->fd, &r));
	r = (struct ptx_lease_revoke){ .kill_ms = 1 };
	EXPECT_EQ(-EINVAL, revoke_raw(self->fd, &r));
	r = (struct ptx_lease_revoke){ .deadline_ms = PTX_REVOKE_MAX_MS + 1 };
	EXPECT_EQ(-EINVAL, revoke_raw(self->fd, &r));
	r = (struct ptx_lease_revoke){ .flags = PTX_REVOKE_KILL, .kill_ms = ~0U };
	EXPECT_EQ(-EINVAL, revoke_raw(self->fd, &r));
	/* Not for /dev/ptx. */
	r = (struct ptx_lease_revoke){ 0 };
	EXPECT_EQ(-ENOTTY, revoke_raw(self->h.ctl, &r));
	for (size = 0; size < sizeof(r); size += 4) {
		r = (struct ptx_lease_revoke){ .size = size };
		EXPECT_EQ(-EINVAL, ptx_ioctl(self->fd, PTX_LEASE_REVOKE, &r));
	}
	size = sizeof(big);
	memcpy(big, &size, 4);
	big[sizeof(r)] = 1;
	EXPECT_EQ(-E2BIG, ptx_ioctl(self->fd, PTX_LEASE_REVOKE, big));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->fd, PTX_LEASE_REVOKE, (void *)8));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	EXPECT_TRUE(command_of(self->fn->name) & PCI_COMMAND_MASTER);
}

static int nl_revoke(struct nl *nl, uint64_t id, uint32_t deadline_ms, uint32_t kill_ms)
{
	struct nl_req r;

	nl_start(nl, &r, PTX_CMD_LEASE_REVOKE, NLM_F_ACK);
	nl_put_u64(&r, PTX_A_LEASE_ID, id);
	if (deadline_ms)
		nl_put_u32(&r, PTX_A_LEASE_DEADLINE_MS, deadline_ms);
	if (kill_ms)
		nl_put_u32(&r, PTX_A_LEASE_KILL_MS, kill_ms);
	return nl_call(nl, &r, NULL, NULL);
}

static int revoke_as_nobody(void *arg)
{
	uint64_t id = *(uint64_t *)arg;
	struct nl nl;

	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(-EPERM, nl_revoke(&nl, id, 0, 0));
	return 0;
}

TEST_F(revoke, by_netlink)
{
	NEED_EDU();
	EXPECT_EQ(0, child_run_as(NOBODY, revoke_as_nobody, &self->id));
	EXPECT_EQ(-ENOENT, nl_revoke(&self->h.nl, self->id + 1000, 0, 0));
	EXPECT_EQ(-ERANGE, nl_revoke(&self->h.nl, self->id, PTX_REVOKE_MAX_MS + 1, 0));
	EXPECT_EQ(-ERANGE, nl_revoke(&self->h.nl, self->id, 0, PTX_REVOKE_MAX_MS + 1));
	EXPECT_EQ(EDU_ID, bar_word(self));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	ASSERT_EQ(0, nl_revoke(&self->h.nl, self->id, 0, 0));
	EXPECT_EQ(~0U, bar_word(self));
	EXPECT_NE(0, cut_at(self, 0));
}

TEST_HARNESS_MAIN
