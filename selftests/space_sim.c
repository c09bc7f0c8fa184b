// SPDX-License-Identifier: GPL-2.0-only
/*
 * A DMA space as simulated devices see it: each page of each mapping is read back from
 * the other side of the IOMMU, through random changes, devices that join and devices
 * that are torn out; and what was refused is counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/sim.h"
#include "lib/space.h"

#define PAGE		4096ULL
#define SLOTS		256
#define PAGES		(SLOTS * 4)
#define BASE		(1ULL << 30)

FIXTURE(seen)
{
	struct host h;
	struct vfio v;
	struct ptx_space_stats stats;
	char name[PCI_NAME_LEN];
	const char *lease;
	int fd;
	bool ready;
	uint32_t *memory;
};

FIXTURE_SETUP(seen)
{
	uint64_t i;

	self->ready = host_is_topology("sim") || host_is_topology("mixed");
	if (!self->ready)
		return;
	ASSERT_EQ(0, sim_load());
	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	self->lease = lease_name();
	self->fd = space_lease(self->h.ctl, self->lease);
	ASSERT_LE(0, self->fd);
	sim_name(0, 0, self->name);
	self->memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	/* Each page knows its number. */
	for (i = 0; i < PAGES; i++)
		self->memory[i * PAGE / 4] = i;
}

FIXTURE_TEARDOWN(seen)
{
	if (!self->ready)
		return;
	vfio_close(&self->v);
	munmap(self->memory, PAGES * PAGE);
	syscall(SYS_close_range, 3, ~0U, 0);
	EXPECT_EQ(0, host_wait_no_lease(60000));
	EXPECT_EQ(0, sim_clear());
	EXPECT_EQ(0, host_end(&self->h));
	EXPECT_EQ(0, space_locked_kib());
}

static int group_number(const char *name)
{
	struct pci_fn fn;

	return pci_get(name, &fn) ? -1 : fn.group;
}

#define OPEN(text)							\
	do {								\
		if (!self->ready)					\
			SKIP(return, "needs the topology sim");		\
		ASSERT_EQ(0, sim_add(text));				\
		ASSERT_EQ(0, lease_add_names(self->fd, self->name, NULL)); \
		ASSERT_EQ(0, vfio_open(&self->v, group_number(self->name), self->name)); \
		ASSERT_EQ(0, vfio_master(self->v.device));		\
	} while (0)

static char *memory_page(uint32_t *memory, unsigned int page)
{
	return (char *)memory + page * PAGE;
}

/* Does the device see this page of the memory there; or, for -1, nothing at all? */
static bool sees(unsigned int slot, uint64_t iova, int page)
{
	int ret = sim_control("dma %u.0 read 0x%llx", slot, (unsigned long long)iova);

	if (page < 0)
		return ret == -EFAULT;
	return !ret && sim_result() == (uint32_t)page;
}

/**
 * struct model - what ought to be mapped
 * @page: of each slot, which page of the memory; -1 for none
 * @first: of each slot that is mapped, the one its mapping begins with
 * @len: of each first one, how many there are
 */
struct model {
	int page[SLOTS];
	int first[SLOTS];
	int len[SLOTS];
};

static void model_init(struct model *m)
{
	int i;

	for (i = 0; i < SLOTS; i++)
		m->page[i] = m->first[i] = -1;
}

static int model_map(struct model *m, int slot, int len, int page)
{
	int i;

	for (i = slot; i < slot + len; i++)
		if (m->page[i] >= 0)
			return -EEXIST;
	for (i = slot; i < slot + len; i++) {
		m->page[i] = page + i - slot;
		m->first[i] = slot;
	}
	m->len[slot] = len;
	return 0;
}

static int model_unmap(struct model *m, int slot, int len, uint64_t *unmapped)
{
	int i, end = slot + len;

	*unmapped = 0;
	if (m->first[slot] >= 0 && m->first[slot] != slot)
		return -EINVAL;
	if (end < SLOTS && m->first[end] >= 0 && m->first[end] != end)
		return -EINVAL;
	for (i = slot; i < end; i++) {
		*unmapped += m->page[i] >= 0 ? PAGE : 0;
		m->page[i] = m->first[i] = -1;
	}
	return 0;
}

static uint32_t rnd(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

static bool unmaps_twice(const struct ptx_space_op *ops, uint32_t op)
{
	uint32_t i;

	for (i = 0; i < op; i++)
		if (ops[i].op == PTX_SPACE_UNMAP && ops[i].iova < ops[op].iova + ops[op].length &&
		    ops[op].iova < ops[i].iova + ops[i].length)
			return true;
	return false;
}

/* A change as the model has it: random, of one to four parts, whole or not at all. */
static int model_change(struct model *m, uint64_t *seed, uint32_t *memory,
			struct ptx_space_op *ops, uint32_t *nr, uint64_t *unmapped)
{
	struct model before = *m, gone = *m;
	uint32_t i, n = 1 + rnd(seed) % 4;
	uint64_t part;
	int ret = 0;

	*nr = n;
	*unmapped = 0;
	/* What goes is chosen first; what comes must fit beside all there was. */
	for (i = 0; i < n; i++) {
		int slot = rnd(seed) % SLOTS, len = 1 + rnd(seed) % 16;
		int page = rnd(seed) % (PAGES - 16);

		len = slot + len > SLOTS ? SLOTS - slot : len;
		if (rnd(seed) % 2)
			ops[i] = space_unmap_op(BASE + slot * PAGE, len * PAGE);
		else
			ops[i] = space_map_op(BASE + slot * PAGE, memory_page(memory, page),
					      len * PAGE, SPACE_RW);
	}
	for (i = 0; i < n && !ret; i++)
		if (ops[i].op == PTX_SPACE_UNMAP && unmaps_twice(ops, i))
			ret = -EINVAL;
	for (i = 0; i < n && !ret; i++)
		if (ops[i].op == PTX_SPACE_UNMAP) {
			ret = model_unmap(&gone, (ops[i].iova - BASE) / PAGE,
					  ops[i].length / PAGE, &part);
			*unmapped += part;
		}
	for (i = 0; i < n && !ret; i++)
		if (ops[i].op == PTX_SPACE_MAP) {
			int slot = (ops[i].iova - BASE) / PAGE, len = ops[i].length / PAGE;
			int page = ((char *)(uintptr_t)ops[i].vaddr - (char *)memory) / PAGE;

			ret = model_map(&before, slot, len, page);
			if (!ret)
				ret = model_map(&gone, slot, len, page);
		}
	if (ret)
		*unmapped = 0;
	else
		*m = gone;
	return ret;
}

static uint64_t model_mapped(const struct model *m)
{
	uint64_t bytes = 0;
	int i;

	for (i = 0; i < SLOTS; i++)
		bytes += m->page[i] >= 0 ? PAGE : 0;
	return bytes;
}

TEST_F(seen, random_changes)
{
	uint64_t seed = time(NULL), unmapped;
	struct ptx_space_change change;
	struct ptx_space_op ops[4];
	struct model m;
	uint32_t nr, i, wrong = 0;
	int want, slot;

	OPEN("0.0 flr=works");
	TH_LOG("seed %llu", (unsigned long long)seed);
	model_init(&m);
	for (i = 0; i < 3000 && !wrong; i++) {
		want = model_change(&m, &seed, self->memory, ops, &nr, &unmapped);
		ASSERT_EQ(want, space_batch(self->fd, ops, nr, &change)) {
			TH_LOG("change %u of %u", i, nr);
		}
		if (!want)
			ASSERT_EQ(unmapped, change.out_unmapped);
		slot = rnd(&seed) % SLOTS;
		wrong += !sees(0, BASE + slot * PAGE, m.page[slot]);
		if (i % 500)
			continue;
		for (slot = 0; slot < SLOTS; slot++)
			wrong += !sees(0, BASE + slot * PAGE, m.page[slot]);
		ASSERT_EQ(0, space_stats(self->fd, &self->stats));
		EXPECT_EQ(model_mapped(&m), self->stats.out_mapped);
		EXPECT_EQ(self->stats.out_mapped, self->stats.out_pinned);
		EXPECT_EQ(self->stats.out_pinned / 1024, space_locked_kib());
	}
	EXPECT_EQ(0, wrong) {
		TH_LOG("after change %u", i);
	}
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
	for (slot = 0; slot < SLOTS; slot++)
		wrong += !sees(0, BASE + slot * PAGE, -1);
	EXPECT_EQ(0, wrong);
}

TEST_F(seen, faults_are_counted)
{
	OPEN("0.0 flr=works");
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(0, self->stats.out_faults);
	EXPECT_TRUE(sees(0, BASE, -1));
	EXPECT_TRUE(sees(0, BASE + PAGE, -1));
	ASSERT_EQ(0, space_map(self->fd, BASE, self->memory, PAGE, PTX_SPACE_READ));
	EXPECT_TRUE(sees(0, BASE, 0));
	EXPECT_EQ(-EFAULT, sim_control("dma 0.0 write 0x%llx 1", BASE));
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(3, self->stats.out_faults);
	EXPECT_EQ(0, self->memory[0]);
}

/* Which of two devices it was. */
TEST_F(seen, whose_faults)
{
	char name[PCI_NAME_LEN];
	struct vfio w = VFIO_CLOSED;
	struct nl_lease l;
	int i;

	OPEN("0.0 flr=works\n1.0 flr=works");
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	sim_name(1, 0, name);
	ASSERT_EQ(0, lease_add_names(self->fd, name, NULL));
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, 0, self->lease, &l));
	ASSERT_EQ(2, l.nr_members);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(!!strcmp(name, l.members[i].device), l.members[i].tells_faults);
	w.group = vfio_group_join(&self->v, group_number(name));
	ASSERT_LE(0, w.group);
	ASSERT_EQ(0, vfio_device_open(&w, name));
	ASSERT_EQ(0, vfio_master(w.device));
	EXPECT_TRUE(sees(0, BASE, -1));
	EXPECT_TRUE(sees(1, BASE, -1));
	EXPECT_TRUE(sees(1, BASE + PAGE, -1));
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, 0, self->lease, &l));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(l.members[i].tells_faults);
		EXPECT_EQ(strcmp(name, l.members[i].device) ? 1 : 2, l.members[i].faults);
	}
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(3, self->stats.out_faults);
	close(w.device);
	close(w.group);
}

/* Does the edu reach that page of the memory there? */
static bool edu_reaches(const struct vfio *w, uint64_t iova, char *page)
{
	memset(page + 64, 0, 64);
	memset(page + 128, 0x5a, 64);
	return !vfio_edu_dma(w->device, iova + 128, iova + 64, 64) &&
	       !memcmp(page + 64, page + 128, 64);
}

/* One space behind two kinds of IOMMU: what is mapped is in both, and where both reach. */
TEST_F(seen, two_kinds_of_iommu)
{
	const uint64_t low = 64 << 20, high = 1ULL << 39;
	const struct pci_fn *edu;
	struct vfio w = VFIO_CLOSED;
	char *page;

	if (!host_is_topology("mixed"))
		SKIP(return, "needs the topology mixed");
	ASSERT_EQ(1, self->h.nr_edu);
	edu = self->h.edu[0];
	OPEN("0.0 flr=works");
	page = memory_page(self->memory, 7);
	ASSERT_EQ(0, space_map(self->fd, low, page, PAGE, SPACE_RW));
	ASSERT_EQ(0, space_map(self->fd, high, page, PAGE, SPACE_RW));
	ASSERT_EQ(0, lease_add_names(self->fd, edu->name, NULL));
	/* The edu's IOMMU does not reach all of it: it is left out, and nothing happens. */
	EXPECT_GT(0, vfio_group_join(&self->v, edu->group));
	EXPECT_TRUE(sees(0, high, 7));
	ASSERT_EQ(0, space_unmap(self->fd, high, PAGE, NULL));
	w.group = vfio_group_join(&self->v, edu->group);
	ASSERT_LE(0, w.group);
	ASSERT_EQ(0, vfio_device_open(&w, edu->name));
	EXPECT_TRUE(sees(0, low, 7));
	EXPECT_TRUE(edu_reaches(&w, low, page));
	/* What comes now comes in both, and nowhere that one of them does not reach. */
	EXPECT_EQ(-EINVAL, space_map(self->fd, high, page, PAGE, SPACE_RW));
	page = memory_page(self->memory, 9);
	ASSERT_EQ(0, space_map(self->fd, 2 * low, page, PAGE, SPACE_RW));
	EXPECT_TRUE(sees(0, 2 * low, 9));
	EXPECT_TRUE(edu_reaches(&w, 2 * low, page));
	ASSERT_EQ(0, space_unmap(self->fd, low, PAGE, NULL));
	EXPECT_TRUE(sees(0, low, -1));
	EXPECT_FALSE(edu_reaches(&w, low, memory_page(self->memory, 7)));
	/* One leaves, and the other has what it had. */
	close(w.device);
	close(w.group);
	EXPECT_TRUE(sees(0, 2 * low, 9));
	EXPECT_EQ(0, space_map(self->fd, high, page, PAGE, SPACE_RW));
	EXPECT_TRUE(sees(0, high, 9));
}

/* It holds no file of the device, or the removal would wait for itself. */
static int yanks_it(void *arg)
{
	syscall(SYS_close_range, 3, ~0U, 0);
	CHECK_EQ(0, sim_control("yank 1.0"));
	return 0;
}

/* Hot plug: a device that joins a live space sees all of it, and one that leaves none. */
TEST_F(seen, devices_that_join)
{
	char name[PCI_NAME_LEN];
	struct vfio w = VFIO_CLOSED;
	pid_t yanks;
	int i;

	OPEN("0.0 flr=works\n1.0 flr=works");
	for (i = 0; i < 64; i++)
		ASSERT_EQ(0, space_map(self->fd, BASE + 2 * i * PAGE,
				       memory_page(self->memory, i), PAGE, SPACE_RW));
	sim_name(1, 0, name);
	ASSERT_EQ(0, lease_add_names(self->fd, name, NULL));
	w.group = vfio_group_join(&self->v, group_number(name));
	ASSERT_LE(0, w.group);
	ASSERT_EQ(0, vfio_device_open(&w, name));
	ASSERT_EQ(0, vfio_master(w.device));
	for (i = 0; i < 64; i++) {
		EXPECT_TRUE(sees(1, BASE + 2 * i * PAGE, i));
		EXPECT_TRUE(sees(1, BASE + (2 * i + 1) * PAGE, -1));
	}
	ASSERT_EQ(0, space_unmap(self->fd, BASE, PAGE, NULL));
	EXPECT_TRUE(sees(0, BASE, -1));
	EXPECT_TRUE(sees(1, BASE, -1));
	/* Torn out while all is mapped and it is open; the other one does not mind. */
	yanks = child_start(yanks_it, NULL);
	ASSERT_LT(0, yanks);
	for (i = 0; i < 500 && !sees(1, BASE + 2 * PAGE, -1); i++)
		usleep(10000);
	EXPECT_TRUE(sees(0, BASE + 2 * PAGE, 1));
	close(w.device);
	close(w.group);
	EXPECT_EQ(0, child_wait(yanks));
	EXPECT_TRUE(sees(0, BASE + 2 * PAGE, 1));
	EXPECT_EQ(0, space_map(self->fd, BASE, memory_page(self->memory, 9), PAGE, SPACE_RW));
	EXPECT_TRUE(sees(0, BASE, 9));
}

/* A process that ends takes its memory from the devices, not only from itself. */
static int maps_its_own(void *arg)
{
	int fd = *(int *)arg;
	uint32_t *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	m[0] = 4711;
	CHECK_EQ(0, space_map(fd, BASE, m, PAGE, SPACE_RW));
	CHECK_EQ(0, sees(0, BASE, 4711) ? 0 : 1);
	return 0;
}

TEST_F(seen, processes_that_end)
{
	int i;

	OPEN("0.0 flr=works");
	ASSERT_EQ(0, child_run(maps_its_own, &self->fd));
	for (i = 0; i < 500 && !sees(0, BASE, -1); i++)
		usleep(10000);
	EXPECT_TRUE(sees(0, BASE, -1));
}

TEST_HARNESS_MAIN
