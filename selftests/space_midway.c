// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a change of a DMA space that somebody is in the middle of when what it
 * works on has to go. A page that a userfaultfd keeps back holds each of them up, after
 * everything before that page is pinned and in the IOMMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <linux/userfaultfd.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/fuse_stall.h"
#include "lib/host.h"
#include "lib/space.h"

#define PAGE		4096UL
#define MIB		(1UL << 20)
#define PATIENCE_MS	10000

/* Within the 28 bits of address that an edu has. */
#define OLD		(32 * MIB)
#define NEW		(48 * MIB)
#define LATE		(64 * MIB)
#define OTHER		(80 * MIB)

/**
 * FIXTURE(midway) - a lease with a space and a device, and a change under way
 * @memory: what is mapped
 * @late: a page that does not come before it is let
 * @uffd: which says when it is waited for
 * @thread: whoever waits
 * @container: it does so through this, or -1 for the lease file
 * @ops: with these
 * @nr: how many
 * @ret: how it ended
 * @out: likewise
 * @ready: opened by another process that is as far
 */
FIXTURE(midway)
{
	struct host h;
	const struct pci_fn *fn;
	struct vfio v;
	int fd;
	char *memory;
	char *late;
	int uffd;
	pthread_t thread;
	int container;
	struct ptx_space_op ops[3];
	uint32_t nr;
	int ret;
	struct ptx_space_change out;
	struct gate ready;
};

static int keep_back(FIXTURE_DATA(midway) *self)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	self->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (self->uffd < 0 || ioctl(self->uffd, UFFDIO_API, &api))
		return -errno;
	self->late = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	if (self->late == MAP_FAILED)
		return -errno;
	reg.range.start = (uintptr_t)self->late;
	reg.range.len = PAGE;
	return ioctl(self->uffd, UFFDIO_REGISTER, &reg) ? -errno : 0;
}

FIXTURE_SETUP(midway)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	self->container = -1;
	self->fn = self->h.nr_edu ? self->h.edu[0] : NULL;
	self->fd = space_lease(self->h.ctl, lease_name());
	ASSERT_LE(0, self->fd);
	self->memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	ASSERT_EQ(0, keep_back(self));
}

FIXTURE_TEARDOWN(midway)
{
	vfio_close(&self->v);
	close(self->uffd);
	munmap(self->memory, MIB);
	munmap(self->late, PAGE);
	EXPECT_EQ(0, host_end(&self->h));
	EXPECT_EQ(0, space_locked_kib());
}

static void *change(void *arg)
{
	FIXTURE_DATA(midway) *self = arg;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = self->ops[0].vaddr,
		.iova = self->ops[0].iova,
		.size = self->ops[0].length,
	};

	if (self->container < 0)
		self->ret = space_batch(self->fd, self->ops, self->nr, &self->out);
	else
		self->ret = ioctl(self->container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
	return NULL;
}

/* Begins the change; true once it waits for the page. */
static bool begin(FIXTURE_DATA(midway) *self)
{
	struct pollfd pfd = { .fd = self->uffd, .events = POLLIN };
	struct uffd_msg msg;

	if (pthread_create(&self->thread, NULL, change, self))
		return false;
	return poll(&pfd, 1, PATIENCE_MS) == 1 &&
	       read(self->uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

/* Lets the page come, or never come; how the change ended. */
static int end(FIXTURE_DATA(midway) *self, bool comes)
{
	struct uffdio_zeropage zero = {
		.range = { .start = (uintptr_t)self->late, .len = PAGE },
	};

	if (!comes)
		munmap(self->late, PAGE);
	ioctl(self->uffd, comes ? UFFDIO_ZEROPAGE : UFFDIO_WAKE, &zero);
	pthread_join(self->thread, NULL);
	return self->ret;
}

/* Does the device reach what is mapped at @iova, which is @at? */
static bool reaches(FIXTURE_DATA(midway) *self, uint64_t iova, char *at)
{
	memset(at, 0x5a, 64);
	memset(at + 1024, 0, 64);
	return !vfio_edu_dma(self->v.device, iova, iova + 1024, 64) &&
	       !memcmp(at, at + 1024, 64);
}

#define OPEN()								\
	do {								\
		NEED(self->fn, "an edu that is alone in its group");	\
		ASSERT_EQ(0, lease_add_names(self->fd, self->fn->name, NULL)); \
		ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name)); \
	} while (0)

/* The change: two pieces come, and the second waits. */
#define TWO_COME()							\
	do {								\
		self->ops[0] = space_map_op(NEW, self->memory, 4 * PAGE, SPACE_RW); \
		self->ops[1] = space_map_op(LATE, self->late, PAGE, SPACE_RW); \
		self->nr = 2;						\
		ASSERT_TRUE(begin(self));				\
	} while (0)

/* The change: one goes, and what comes instead waits. */
#define ONE_FOR_ANOTHER()						\
	do {								\
		ASSERT_EQ(0, space_map(self->fd, OLD, self->memory, 4 * PAGE, SPACE_RW)); \
		self->ops[0] = space_unmap_op(OLD, 4 * PAGE);		\
		self->ops[1] = space_map_op(LATE, self->late, PAGE, SPACE_RW); \
		self->nr = 2;						\
		ASSERT_TRUE(begin(self));				\
	} while (0)

/* Nothing is held up but what is in the middle of it. */
TEST_F(midway, others_go_on)
{
	uint64_t unmapped;

	OPEN();
	TWO_COME();
	EXPECT_EQ(0, space_map(self->fd, OTHER, self->memory, PAGE, SPACE_RW));
	EXPECT_TRUE(reaches(self, OTHER, self->memory));
	/* It is reserved, and not there yet. */
	EXPECT_EQ(-EEXIST, space_map(self->fd, LATE, self->memory, PAGE, SPACE_RW));
	EXPECT_EQ(0, space_unmap(self->fd, NEW, 4 * PAGE, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_EQ(0, space_unmap(self->fd, OTHER, PAGE, &unmapped));
	EXPECT_EQ(PAGE, unmapped);
	EXPECT_EQ(0, end(self, true));
	EXPECT_TRUE(reaches(self, NEW, self->memory));
	EXPECT_EQ(0, space_unmap_all(self->fd, &unmapped));
	EXPECT_EQ(5 * PAGE, unmapped);
}

/* The page never comes: what came before it goes, and what was to go stays. */
TEST_F(midway, fails)
{
	OPEN();
	ONE_FOR_ANOTHER();
	EXPECT_EQ(-EFAULT, end(self, false));
	EXPECT_EQ(1, self->out.out_op);
	EXPECT_EQ(PTX_REASON_DMA_MEMORY, self->out.out_reason);
	EXPECT_TRUE(reaches(self, OLD, self->memory));
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

/* A window is taken away from what comes: at once for the device, and for good. */
TEST_F(midway, window_of_what_comes)
{
	OPEN();
	TWO_COME();
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, NEW, NEW + PAGE - 1));
	EXPECT_FALSE(reaches(self, NEW, self->memory));
	/* That it is given back does not help what has been thrown out. */
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_ADD, NEW, NEW + PAGE - 1));
	EXPECT_EQ(-EFAULT, end(self, true));
	EXPECT_EQ(0, self->out.out_op);
	EXPECT_FALSE(reaches(self, NEW, self->memory));
	EXPECT_EQ(0, space_locked_kib());
}

TEST_F(midway, window_of_what_waits)
{
	OPEN();
	TWO_COME();
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, LATE, LATE + MIB - 1));
	EXPECT_EQ(-EPERM, end(self, true));
	EXPECT_EQ(1, self->out.out_op);
	EXPECT_EQ(PTX_REASON_DMA_WINDOW, self->out.out_reason);
	EXPECT_EQ(0, space_locked_kib());
}

/* What is to go is forced out of its window: whether the change succeeds or not. */
TEST_F(midway, window_of_what_goes)
{
	OPEN();
	ONE_FOR_ANOTHER();
	EXPECT_EQ(-EBUSY, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, OLD, OLD + MIB - 1));
	EXPECT_TRUE(reaches(self, OLD, self->memory));
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE | PTX_SPACE_WINDOW_FORCE,
				  OLD, OLD + MIB - 1));
	EXPECT_FALSE(reaches(self, OLD, self->memory));
	EXPECT_EQ(0, end(self, true));
	EXPECT_EQ(4 * PAGE, self->out.out_unmapped);
	EXPECT_EQ(4, space_locked_kib());
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

TEST_F(midway, window_of_what_goes_and_fails)
{
	OPEN();
	ONE_FOR_ANOTHER();
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE | PTX_SPACE_WINDOW_FORCE,
				  OLD, OLD + MIB - 1));
	EXPECT_EQ(-EFAULT, end(self, false));
	EXPECT_FALSE(reaches(self, OLD, self->memory));
	EXPECT_EQ(0, space_locked_kib());
}

/* Two changes want the same: the second is told so, and the first has it. */
TEST_F(midway, chosen_twice)
{
	OPEN();
	ONE_FOR_ANOTHER();
	EXPECT_EQ(-EBUSY, space_unmap(self->fd, OLD, 4 * PAGE, NULL));
	EXPECT_EQ(0, end(self, true));
	EXPECT_EQ(0, space_unmap(self->fd, OLD, 4 * PAGE, NULL));
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

/* The device is taken away: it reaches nothing, though the change cannot end. */
TEST_F(midway, revoked)
{
	struct ptx_lease_revoke r = { .size = sizeof(r) };

	OPEN();
	ASSERT_EQ(0, space_map(self->fd, OTHER, self->memory, PAGE, SPACE_RW));
	TWO_COME();
	ASSERT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_REVOKE, &r));
	EXPECT_EQ(-ESHUTDOWN, space_map(self->fd, OLD, self->memory, PAGE, SPACE_RW));
	EXPECT_EQ(-ESHUTDOWN, end(self, true));
	EXPECT_EQ(PTX_REASON_NOT_ACTIVE, self->out.out_reason);
	vfio_close(&self->v);
	EXPECT_EQ(POLLHUP, lease_poll(self->fd, POLLHUP, PATIENCE_MS) & POLLHUP);
	EXPECT_EQ(0, space_locked_kib());
}

/* The lease ends: that waits for nobody who is in the middle of something. */
TEST_F(midway, released)
{
	OPEN();
	vfio_close(&self->v);
	TWO_COME();
	EXPECT_EQ(0, lease_release(self->fd, PATIENCE_MS, NULL));
	EXPECT_EQ(0, host_same(&self->h));
	EXPECT_EQ(-ESHUTDOWN, end(self, true));
	EXPECT_EQ(0, space_locked_kib());
}

/* Through a container that is no longer one when it ends. */
TEST_F(midway, container_closed)
{
	OPEN();
	self->container = self->v.container;
	self->ops[0] = space_map_op(LATE, self->late, PAGE, SPACE_RW);
	ASSERT_TRUE(begin(self));
	close(self->v.device);
	self->v.device = -1;
	ASSERT_EQ(0, ioctl(self->v.group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(-ENODEV, end(self, true));
	EXPECT_EQ(0, space_locked_kib());
	/* The next one has nothing to do with it. */
	vfio_close(&self->v);
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	ASSERT_EQ(0, vfio_map(&self->v, MIB));
}

/* A BAR of a device that leaves meanwhile: no other device reaches it any more. */
TEST_F(midway, bar_that_goes)
{
	const struct pci_fn *other = NULL;
	uint64_t offset, size;
	struct vfio w = VFIO_CLOSED;
	char *bar;
	int i;

	OPEN();
	for (i = 0; !other && i < self->h.nr_nvme; i++)
		if (self->h.nvme[i]->group != self->fn->group)
			other = self->h.nvme[i];
	NEED(other, "an NVMe controller");
	ASSERT_EQ(0, lease_add_names(self->fd, other->name, NULL));
	w.group = vfio_group_join(&self->v, other->group);
	ASSERT_LE(0, w.group);
	ASSERT_EQ(0, vfio_device_open(&w, other->name));
	ASSERT_EQ(0, vfio_region(w.device, VFIO_PCI_BAR0_REGION_INDEX, &offset, &size));
	bar = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, w.device, offset);
	ASSERT_NE(MAP_FAILED, bar);
	self->ops[0] = space_map_op(NEW, bar, PAGE, SPACE_RW);
	self->ops[1] = space_map_op(LATE, self->late, PAGE, SPACE_RW);
	self->nr = 2;
	ASSERT_TRUE(begin(self));
	munmap(bar, PAGE);
	close(w.device);
	close(w.group);
	ASSERT_EQ(0, lease_remove(self->fd, (const char *const []){ other->name }, 1, 30000,
				  &(struct ptx_lease_remove){}));
	EXPECT_TRUE(pci_on_driver(other->name, other->driver));
	EXPECT_EQ(-EFAULT, end(self, true));
	EXPECT_EQ(0, self->out.out_op);
	EXPECT_EQ(PTX_REASON_DMA_MEMORY, self->out.out_reason);
	EXPECT_EQ(0, space_locked_kib());
}

/* Waits for the page for ever, unless it is killed. */
static int wait_for_ever(void *arg)
{
	FIXTURE_DATA(midway) *self = arg;

	/* Memory of its own, as a userfaultfd does not follow a fork. */
	CHECK_EQ(0, keep_back(self));
	self->ops[0] = space_unmap_op(OLD, PAGE);
	self->ops[1] = space_map_op(NEW, self->memory, 4 * PAGE, SPACE_RW);
	self->ops[2] = space_map_op(LATE, self->late, PAGE, SPACE_RW);
	self->nr = 3;
	CHECK(begin(self));
	gate_open(&self->ready);
	pause();
	return 0;
}

static bool becomes(FIXTURE_DATA(midway) *self, uint64_t entries)
{
	struct ptx_space_stats stats;
	int i;

	for (i = 0; i < PATIENCE_MS; i += 10) {
		if (space_stats(self->fd, &stats))
			return false;
		if (stats.out_entries == entries)
			return true;
		usleep(10000);
	}
	return false;
}

/* Killed: what comes goes with it, what another process has mapped stays as it was. */
TEST_F(midway, killed)
{
	pid_t pid;

	OPEN();
	ASSERT_EQ(0, space_map(self->fd, OLD, self->memory, PAGE, SPACE_RW));
	ASSERT_EQ(0, gate_init(&self->ready));
	pid = child_start(wait_for_ever, self);
	ASSERT_TRUE(gate_wait(&self->ready, PATIENCE_MS));
	EXPECT_TRUE(becomes(self, 3));
	child_kill(pid);
	EXPECT_TRUE(becomes(self, 1));
	EXPECT_TRUE(reaches(self, OLD, self->memory));
	EXPECT_EQ(4, space_locked_kib());
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

static void *unmap_late(void *page)
{
	sleep(1);
	munmap(page, PAGE);
	return NULL;
}

#define STALL	"/tmp/ptx-stall"

/* Maps a page for devices, and never lets go of the lock of its own memory. */
static int locks_itself(void *arg)
{
	FIXTURE_DATA(midway) *self = arg;
	char *page = fuse_stall_map(STALL);

	CHECK(page);
	CHECK_EQ(0, space_map(self->fd, NEW, self->memory, PAGE, SPACE_RW));
	CHECK_EQ(0, pthread_create(&self->thread, NULL, unmap_late, page));
	gate_open(&self->ready);
	*(volatile char *)page = 2;
	pause();
	return 0;
}

/* What it has mapped goes, and the lease, without waiting for it. */
TEST_F_TIMEOUT(midway, memory_that_is_locked, 90)
{
	struct timespec began, ended;
	pid_t server, pid;

	server = fuse_stall(STALL);
	if (server < 0)
		SKIP(return, "no FUSE");
	ASSERT_EQ(0, gate_init(&self->ready));
	pid = child_start(locks_itself, self);
	ASSERT_TRUE(gate_wait(&self->ready, PATIENCE_MS));
	sleep(2);
	clock_gettime(CLOCK_MONOTONIC, &began);
	EXPECT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE | PTX_SPACE_WINDOW_FORCE,
				  NEW, NEW + PAGE - 1));
	EXPECT_TRUE(becomes(self, 0));
	EXPECT_EQ(0, lease_release(self->fd, PATIENCE_MS, NULL));
	clock_gettime(CLOCK_MONOTONIC, &ended);
	EXPECT_GE(3, ended.tv_sec - began.tv_sec);
	/* It was locked all the while: only the end of the server lets it end. */
	kill(pid, SIGKILL);
	usleep(300000);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	child_kill(server);
	EXPECT_EQ(128 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, umount2(STALL, MNT_DETACH));
}

TEST_HARNESS_MAIN
