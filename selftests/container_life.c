// SPDX-License-Identifier: GPL-2.0-only
/*
 * The container back end of leases with a space against type1, continued: whose memory,
 * how much of it, device memory, groups that come and go, sequences at random; and which
 * of the two serves whom, also where type1 is loaded after us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/container.h"
#include "lib/space.h"

#define MIB		(1ULL << 20)
#define PAGE		4096ULL
#define AT		CONTAINER_AT
#define RW		CONTAINER_RW
#define R		VFIO_DMA_MAP_FLAG_READ
#define W		VFIO_DMA_MAP_FLAG_WRITE
#define TYPE1		"vfio_iommu_type1"

FIXTURE(back_end)
{
	struct container_pair p;
};

FIXTURE_SETUP(back_end)
{
	ASSERT_EQ(0, container_pair_begin(&self->p));
}

FIXTURE_TEARDOWN(back_end)
{
	EXPECT_EQ(0, container_pair_end(&self->p));
}

#define NEED_EDU() NEED(self->p.fn, "an edu that is alone in its group")

#define COMPARE(two, open, sequence) \
	EXPECT_EQ(0, container_compare(&self->p, two, open, sequence))

/* Whose memory, and how much of it. */

#define LIMIT	MIB

static int limited(void *arg)
{
	const struct rlimit limit = { LIMIT, LIMIT };
	struct container *c = arg;
	uint64_t hole = 0xfee00000;
	/* There is memory to be read up to where there is no access to it. */
	char *m = c->memory + CONTAINER_HOLE + PAGE;

	CHECK_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	c->locked = space_locked_kib();
	container_map(c, "limit: a page too much", AT, m, LIMIT + PAGE, R);
	container_map(c, "limit: much too much", AT, m, 2 * LIMIT - PAGE, R);
	container_map(c, "limit: too much of nothing", AT, m - PAGE, 2 * LIMIT, R);
	container_map(c, "limit: exactly", AT, m, LIMIT, R);
	container_map(c, "limit: a page more", AT + 8 * MIB, m, PAGE, R);
	container_map(c, "limit: too much where there is some", AT, m, PAGE, R);
	container_map(c, "limit: too much where none may be", hole, m, PAGE, R);
	container_unmap(c, "limit: unmap", AT, LIMIT, 0);
	container_map(c, "limit: half", AT, m, LIMIT / 2, R);
	container_map(c, "limit: the same half", AT + MIB, m, LIMIT / 2, R);
	container_map(c, "limit: and a page", AT + 2 * MIB, m, PAGE, R);
	container_unmap(c, "limit: unmap half", AT, LIMIT / 2, 0);
	container_map(c, "limit: and two pages", AT + 2 * MIB, m, 2 * PAGE, R);
	container_unmap_all(c);
	/* What the caller has locked itself is part of it. */
	CHECK_EQ(0, mlock(m, 4 * PAGE));
	container_map(c, "limit: with some locked", AT, m, LIMIT - 3 * PAGE, R);
	container_map(c, "limit: with some locked, less", AT, m, LIMIT - 4 * PAGE, R);
	container_unmap_all(c);
	CHECK_EQ(0, munlock(m, 4 * PAGE));
	container_note(c, "limit: the end", "0");
	return 0;
}

/* As root the same is no matter. */
static int unlimited(void *arg)
{
	const struct rlimit limit = { LIMIT, LIMIT };
	struct container *c = arg;

	CHECK_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	c->locked = space_locked_kib();
	container_map(c, "no limit: too much", AT, c->memory + CONTAINER_HOLE + PAGE,
		      CONTAINER_READ_ONLY - CONTAINER_HOLE - PAGE, R);
	container_map(c, "no limit: more", AT + 8 * MIB, c->memory, CONTAINER_HOLE, R);
	container_unmap_all(c);
	return 0;
}

static void limit_sequence(struct container *c)
{
	container_note(c, "limit", "%d", child_run_as(NOBODY, limited, c));
	container_note(c, "no limit", "%d", child_run(unlimited, c));
}

TEST_F(back_end, limits)
{
	NEED_EDU();
	COMPARE(false, true, limit_sequence);
}

struct pair {
	struct container *c;
	struct gate mapped, unmapped;
};

static int maps_and_waits(void *arg)
{
	struct pair *pair = arg;
	struct container *c = pair->c;
	int i;

	c->locked = space_locked_kib();
	container_map(c, "process: map", AT, c->memory, 4 * PAGE, RW);
	container_map(c, "process: map another", AT + MIB, c->memory, 4 * PAGE, RW);
	gate_open(&pair->mapped);
	CHECK(gate_wait(&pair->unmapped, 30000));
	/* Who unmapped it did not wait for this process's lock, so that its count follows. */
	for (i = 0; i < 500 && space_locked_kib() - c->locked > (long)(4 * PAGE / 1024); i++)
		usleep(10000);
	container_note(c, "process: unmapped by another", "0");
	return 0;
}

static void process_sequence(struct container *c)
{
	struct pair pair = { .c = c };
	pid_t pid;

	gate_init(&pair.mapped);
	gate_init(&pair.unmapped);
	pid = child_start(maps_and_waits, &pair);
	gate_wait(&pair.mapped, 30000);
	container_map(c, "process: its addresses", AT, c->memory, PAGE, RW);
	container_unmap(c, "process: its mapping", AT, 4 * PAGE, 0);
	container_map(c, "process: its address now", AT, c->memory, PAGE, RW);
	gate_open(&pair.unmapped);
	container_note(c, "process: ends", "%d", child_wait(pid));
	container_unmap(c, "process: unmap", AT, PAGE, 0);
	container_map(c, "process: where it mapped", AT + MIB, c->memory, 4 * PAGE, RW);
	container_unmap(c, "process: unmap there", AT + MIB, 4 * PAGE, 0);
	gate_close(&pair.mapped);
	gate_close(&pair.unmapped);
}

TEST_F(back_end, processes)
{
	NEED_EDU();
	COMPARE(false, true, process_sequence);
}

/* Device memory: the BAR of the device itself. */
static void bar_sequence(struct container *c)
{
	uint64_t offset = 0, size, config = 0;
	uint16_t command = 0;
	char *p, *bar;

	container_note(c, "bar: on", "%s", answer(vfio_master(c->v.device)));
	vfio_region(c->v.device, VFIO_PCI_BAR0_REGION_INDEX, &offset, &size);
	vfio_region(c->v.device, VFIO_PCI_CONFIG_REGION_INDEX, &config, &size);
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bar = mmap(p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		   c->v.device, offset);
	container_note(c, "bar: mmap", "%s", answer(bar == MAP_FAILED ? -errno : 0));
	if (bar == MAP_FAILED)
		return;
	container_map_and_unmap(c, "bar", bar, 4 * PAGE, RW);
	container_map_and_unmap(c, "bar", bar + PAGE, PAGE, R);
	container_map(c, "bar: of it", AT, bar, 2 * PAGE, RW);
	container_map(c, "bar: once more", AT + MIB, bar, 4 * PAGE, RW);
	container_map(c, "bar: over it", AT, c->memory, PAGE, RW);
	container_unmap_all(c);
	munmap(p + 8 * PAGE, 8 * PAGE);
	container_map(c, "bar: beyond its end", AT, bar, 5 * PAGE, RW);
	/* A file's memory is one mapping for each mmap(). */
	mmap(p + 8 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, c->v.device,
	     offset + 4 * PAGE);
	container_map(c, "bar: not to be written", AT, p + 8 * PAGE, PAGE, RW);
	container_map_and_unmap(c, "bar, to be read", p + 8 * PAGE, PAGE, R);
	container_map(c, "bar: two mappings of it", AT, p + 6 * PAGE, 3 * PAGE, R);
	container_unmap(c, "bar: left", AT, 3 * PAGE, 0);
	container_map(c, "bar: and memory", AT, p + 3 * PAGE, 2 * PAGE, R);
	container_try_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &(uint64_t){ 0 });
	/* Its addresses are turned off. */
	pread(c->v.device, &command, 2, config + PCI_COMMAND);
	command &= ~PCI_COMMAND_MEMORY;
	pwrite(c->v.device, &command, 2, config + PCI_COMMAND);
	container_map(c, "bar: turned off", AT, bar, 2 * PAGE, RW);
	container_unmap(c, "bar: left off", AT, 2 * PAGE, 0);
	munmap(p, 9 * PAGE);
}

TEST_F(back_end, device_memory)
{
	NEED_EDU();
	COMPARE(false, true, bar_sequence);
}

/* Files that are closed, groups that go and come. */

static void edu_copies(struct container *c, const char *name)
{
	int ret;

	memset(c->memory, 0x5a, PAGE);
	memset(c->memory + 2 * PAGE, 0, PAGE);
	ret = vfio_edu_dma(c->v.device, AT, AT + 2 * PAGE, 4000);
	container_note(c, name, "%s, %s", answer(ret),
		       memcmp(c->memory, c->memory + 2 * PAGE, 4000) ? "lost" : "copied");
}

static void group_sequence(struct container *c)
{
	container_map(c, "group: map", AT, c->memory, 4 * PAGE, RW);
	edu_copies(c, "group: dma");
	container_unset(c, "group: unset with the device open", c->v.group);
	container_close_device(c);
	container_note(c, "group: device closed", "0");
	container_map(c, "group: map again", AT, c->memory, PAGE, RW);
	container_open_device(c, "group: device once more");
	edu_copies(c, "group: dma once more");
	container_close_device(c);
	container_unset(c, "group: unset", c->v.group);
	container_all_ioctls(c, "unset");
	container_ioctl(c, "unset: set", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	container_unset(c, "group: unset again", c->v.group);
	container_set(c, "group: back", c->v.group, c->v.container);
	container_all_ioctls(c, "back");
	container_ioctl(c, "back: set", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	container_unmap_all(c);
	container_open_device(c, "back: device");
	container_map(c, "back: map", AT, c->memory, 4 * PAGE, RW);
	edu_copies(c, "back: dma");
	container_close_device(c);
	/* The group keeps the container, and its own file the group. */
	close(c->v.group);
	c->v.group = -1;
	container_note(c, "group: closed", "0");
	container_all_ioctls(c, "closed");
	container_ioctl(c, "closed: set", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
}

TEST_F(back_end, groups)
{
	NEED_EDU();
	COMPARE(false, true, group_sequence);
}

static void two_sequence(struct container *c)
{
	struct vfio second = VFIO_CLOSED;
	char path[64];
	int another;

	snprintf(path, sizeof(path), "/dev/vfio/%d", c->other->group);
	second.group = open(path, O_RDWR | O_CLOEXEC);
	container_map(c, "two: map", AT, c->memory, 4 * PAGE, RW);
	container_set(c, "two: join", second.group, c->v.container);
	container_set(c, "two: join again", second.group, c->v.container);
	container_note(c, "two: second device", "%s",
		       answer(vfio_device_open(&second, c->other->name)));
	container_map(c, "two: map for both", AT + MIB, c->memory, 4 * PAGE, RW);
	edu_copies(c, "two: dma");
	/* What is mapped stays as long as one group is there. */
	container_close_device(c);
	container_unset(c, "two: the first goes", c->v.group);
	container_map(c, "two: still mapped", AT, c->memory, 4 * PAGE, RW);
	container_set(c, "two: the first is back", c->v.group, c->v.container);
	container_open_device(c, "two: its device");
	edu_copies(c, "two: dma after that");
	close(second.device);
	container_unset(c, "two: the second goes", second.group);
	container_map(c, "two: mapped", AT, c->memory, 4 * PAGE, RW);
	/* In a container of its own. */
	another = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	container_unmap(c, "two: unmap one", AT + MIB, 4 * PAGE, 0);
	container_set(c, "two: another container", second.group, another);
	container_note(c, "two: set", "%s",
		       answer(ioctl(another, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ? -errno : 0));
	second.device = -1;
	container_note(c, "two: another container's device", "%s",
		       answer(vfio_device_open(&second, c->other->name)));
	close(another);
	vfio_close(&second);
	container_close_device(c);
	container_unset(c, "two: all gone", c->v.group);
}

TEST_F(back_end, two_groups)
{
	NEED_EDU();
	NEED(self->p.other, "two devices that are alone in their groups");
	COMPARE(true, true, two_sequence);
}

/* At random, against a plain array: what each page of a range is mapped by. */

#define SLOTS	256
#define STEPS	2000

struct model {
	unsigned int seed;
	unsigned int slot[SLOTS];
	unsigned int next;
	unsigned int pages;
};

static unsigned int random_to(struct model *m, unsigned int limit)
{
	return rand_r(&m->seed) % limit;
}

static bool covers(unsigned int first, unsigned int nr, uint64_t what)
{
	return what / PAGE >= first && what / PAGE < first + nr;
}

static int model_map(struct model *m, unsigned int first, unsigned int nr,
		     unsigned int memory, uint32_t flags)
{
	unsigned int i;

	if (!flags)
		return -EINVAL;
	for (i = first; i < first + nr; i++)
		if (m->slot[i])
			return -EEXIST;
	if (covers(memory, nr, CONTAINER_HOLE) || covers(memory, nr, CONTAINER_NO_ACCESS) ||
	    (flags & W && covers(memory, nr, CONTAINER_READ_ONLY)))
		return -EFAULT;
	m->next++;
	for (i = first; i < first + nr; i++)
		m->slot[i] = m->next;
	m->pages += nr;
	return 0;
}

static int model_unmap(struct model *m, unsigned int first, unsigned int nr,
		       uint64_t *unmapped)
{
	unsigned int i, last = first + nr - 1;

	if ((first && m->slot[first] && m->slot[first] == m->slot[first - 1]) ||
	    (last + 1 < SLOTS && m->slot[last] && m->slot[last] == m->slot[last + 1]))
		return -EINVAL;
	*unmapped = 0;
	for (i = first; i <= last; i++) {
		*unmapped += m->slot[i] ? PAGE : 0;
		m->slot[i] = 0;
	}
	m->pages -= *unmapped / PAGE;
	return 0;
}

static void random_step(struct container *c, struct model *m)
{
	unsigned int kind = random_to(m, 100), first = random_to(m, SLOTS);
	unsigned int nr = 1 + random_to(m, kind < 60 ? 12 : 40);
	unsigned int memory = random_to(m, CONTAINER_MEMORY / PAGE - 40);
	unsigned int flags = random_to(m, 16) ? 1 + random_to(m, 3) : 0;
	uint64_t iova = AT + first * PAGE, unmapped = 0, expected = 0;
	int ret, want;

	if (nr > SLOTS - first)
		nr = SLOTS - first;
	if (kind < 60) {
		want = model_map(m, first, nr, memory, flags);
		ret = container_try_map(c, iova, c->memory + memory * PAGE, nr * PAGE, flags);
	} else if (kind < 97) {
		expected = nr * PAGE;
		want = model_unmap(m, first, nr, &expected);
		ret = container_try_unmap(c, iova, nr * PAGE, 0, &unmapped);
	} else if (kind < 98) {
		want = model_unmap(m, 0, SLOTS, &expected);
		ret = container_try_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &unmapped);
	} else {
		want = -EINVAL;
		ret = container_try_map(c, iova + 512, c->memory, PAGE, RW);
	}
	container_note(c, "random", "%d: %d, %#llx", kind, ret, (unsigned long long)unmapped);
	if (ret != want || unmapped != expected ||
	    space_locked_kib() - c->locked != (long)(m->pages * PAGE / 1024))
		container_note(c, "random: not so", "%d, %#llx, %u pages", want,
			       (unsigned long long)expected, m->pages);
}

static int not_so;

static void random_sequence(struct container *c)
{
	const char *seed = getenv("PTX_SEED");
	struct model m = { .seed = seed ? atoi(seed) : 1 };
	int i;

	for (i = 0; i < STEPS; i++)
		random_step(c, &m);
	/* Each note of the model's own is one too many. */
	not_so += c->t->nr - STEPS;
	container_unmap_all(c);
}

TEST_F(back_end, random)
{
	NEED_EDU();
	not_so = 0;
	COMPARE(false, true, random_sequence);
	EXPECT_EQ(0, not_so);
}

/* Who serves whom. */

/* What updates the memory of mappings is type1. */
static bool is_type1(int container)
{
	return ioctl(container, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR) == 1;
}

static int lease_of(FIXTURE_DATA(back_end) *self, bool space, const struct pci_fn *fn)
{
	int fd = space ? space_lease(self->p.h.ctl, lease_name()) :
			 lease_create(self->p.h.ctl, lease_name(), NULL);
	int ret = fd < 0 ? fd : lease_add_names(fd, fn->name, NULL);

	return ret ? ret : fd;
}

TEST_F(back_end, never_type1)
{
	struct container c = { .space = true, .ctl = self->p.h.ctl, .fn = self->p.fn,
			       .t = self->p.t[0] };
	struct vfio *v = &c.v;

	NEED_EDU();
	ASSERT_EQ(0, container_begin(&c));
	ASSERT_EQ(0, container_files(&c));
	ASSERT_EQ(0, ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container));
	ASSERT_EQ(0, ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU));
	EXPECT_TRUE(is_type1(v->container));
	EXPECT_EQ(-EACCES, vfio_device_open(v, c.fn->name));
	ASSERT_EQ(0, ioctl(v->group, VFIO_GROUP_UNSET_CONTAINER));
	ASSERT_EQ(0, ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container));
	ASSERT_EQ(0, ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_FALSE(is_type1(v->container));
	EXPECT_EQ(0, vfio_device_open(v, c.fn->name));
	container_end(&c);
}

static int sets_iommu(void *arg)
{
	struct vfio *v = arg;

	CHECK_EQ(0, ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	return 0;
}

/* Somebody else with the owner's files gets type1, and nobody a device then. */
TEST_F(back_end, never_type1_by_another)
{
	struct container c = { .space = true, .ctl = self->p.h.ctl, .fn = self->p.fn,
			       .t = self->p.t[0] };
	struct vfio *v = &c.v;

	NEED_EDU();
	ASSERT_EQ(0, container_begin(&c));
	ASSERT_EQ(0, container_files(&c));
	ASSERT_EQ(0, ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container));
	ASSERT_EQ(0, child_run_as(NOBODY, sets_iommu, v));
	EXPECT_TRUE(is_type1(v->container));
	EXPECT_EQ(-EACCES, vfio_device_open(v, c.fn->name));
	container_end(&c);
}

TEST_F(back_end, always_type1)
{
	struct vfio a = VFIO_CLOSED, b = VFIO_CLOSED;

	NEED_EDU();
	NEED(self->p.other, "two devices that are alone in their groups");
	ASSERT_LE(0, lease_of(self, true, self->p.fn));
	ASSERT_LE(0, lease_of(self, false, self->p.other));
	ASSERT_EQ(0, vfio_open(&a, self->p.fn->group, self->p.fn->name));
	ASSERT_EQ(0, vfio_open(&b, self->p.other->group, self->p.other->name));
	EXPECT_FALSE(is_type1(a.container));
	EXPECT_TRUE(is_type1(b.container));
	EXPECT_EQ(0, vfio_map(&a, MIB));
	EXPECT_EQ(0, vfio_map(&b, MIB));
	EXPECT_EQ(2048, space_locked_kib());
	/* The one does not take the other's. */
	close(b.device);
	b.device = -1;
	ASSERT_EQ(0, ioctl(b.group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(1024, space_locked_kib());
	EXPECT_EQ(-1, ioctl(b.group, VFIO_GROUP_SET_CONTAINER, &a.container));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, ioctl(b.group, VFIO_GROUP_SET_CONTAINER, &b.container));
	ASSERT_EQ(0, ioctl(b.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	close(a.device);
	a.device = -1;
	ASSERT_EQ(0, ioctl(a.group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(0, space_locked_kib());
	EXPECT_EQ(0, ioctl(a.group, VFIO_GROUP_SET_CONTAINER, &b.container));
	EXPECT_EQ(-EACCES, vfio_device_open(&a, self->p.fn->name));
	EXPECT_EQ(0, vfio_device_open(&b, self->p.other->name));
	vfio_close(&a);
	vfio_close(&b);
}

/* Two leases are two spaces. */
TEST_F(back_end, one_space)
{
	struct vfio a = VFIO_CLOSED, b = VFIO_CLOSED;

	NEED_EDU();
	NEED(self->p.other, "two devices that are alone in their groups");
	ASSERT_LE(0, lease_of(self, true, self->p.fn));
	ASSERT_LE(0, lease_of(self, true, self->p.other));
	ASSERT_EQ(0, vfio_open(&a, self->p.fn->group, self->p.fn->name));
	ASSERT_EQ(0, vfio_open(&b, self->p.other->group, self->p.other->name));
	EXPECT_EQ(0, vfio_map(&a, MIB));
	EXPECT_EQ(0, vfio_map(&b, MIB));
	close(b.device);
	b.device = -1;
	ASSERT_EQ(0, ioctl(b.group, VFIO_GROUP_UNSET_CONTAINER));
	EXPECT_EQ(-1, ioctl(b.group, VFIO_GROUP_SET_CONTAINER, &a.container));
	EXPECT_EQ(ENODEV, errno);
	vfio_close(&a);
	vfio_close(&b);
}

/* type1 goes and comes: it is asked first then, unless we see to it. */
TEST_F(back_end, type1_reloaded)
{
	struct vfio a = VFIO_CLOSED, b = VFIO_CLOSED;
	int i;

	NEED_EDU();
	NEED(self->p.other, "two devices that are alone in their groups");
	if (system("modprobe " TYPE1) || access("/sys/module/" TYPE1 "/initstate", F_OK))
		SKIP(return, TYPE1 " is built in");
	ASSERT_LE(0, lease_of(self, true, self->p.fn));
	ASSERT_LE(0, lease_of(self, false, self->p.other));
	ASSERT_EQ(0, vfio_open(&a, self->p.fn->group, self->p.fn->name));
	ASSERT_EQ(0, vfio_map(&a, MIB));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, syscall(SYS_delete_module, TYPE1, O_NONBLOCK))
			TH_LOG("round %d: %s", i, strerror(errno));
		/* What we serve goes on without it, the rest does not. */
		EXPECT_EQ(0, container_try_map(&(struct container){ .v = a }, 2 * AT, a.buf,
					       PAGE, RW));
		EXPECT_GT(0, vfio_group_open(&b, self->p.other->group));
		ASSERT_EQ(0, system("modprobe " TYPE1));
		EXPECT_EQ(1028, space_locked_kib());
		vfio_close(&a);
		ASSERT_EQ(0, vfio_open(&a, self->p.fn->group, self->p.fn->name))
			TH_LOG("round %d", i);
		EXPECT_FALSE(is_type1(a.container));
		EXPECT_EQ(0, vfio_map(&a, MIB));
		ASSERT_EQ(0, vfio_open(&b, self->p.other->group, self->p.other->name));
		EXPECT_TRUE(is_type1(b.container));
		/* Now it is in use. */
		EXPECT_EQ(-1, syscall(SYS_delete_module, TYPE1, O_NONBLOCK));
		vfio_close(&b);
	}
	vfio_close(&a);
}

TEST_HARNESS_MAIN
