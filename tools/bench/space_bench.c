// SPDX-License-Identifier: GPL-2.0-only
/*
 * space_bench - what it takes to map memory for a device: a lease's DMA space against
 * VFIO's own back ends, each through the calls that a VMM makes:
 *
 *   type1    a VFIO container on a lease without a space
 *   iommufd  the device's character device and an I/O address space, on such a lease;
 *            where the kernel has it
 *   space    the container calls of type1 on a lease with a space; its batches through
 *            the lease file
 *
 * All in one boot, in turns, each a number of rounds; the least is compared. On one
 * processor and on two, to show what the threads are worth. Turn caching-mode off in the
 * emulated IOMMU: with it each call flushes, and whoever makes fewer calls looks better.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lease.h"
#include "space.h"
#include "sysfs.h"
#include "vfio.h"

#define GIB		(1ULL << 30)
#define MIB		(1ULL << 20)
#define IOVA		GIB
#define MAX_ROUNDS	50
#define SMALL		(64ULL << 10)
#define NR_SMALL	10000
#define BATCH		256

static const struct pci_fn *fn;
static struct pci_fn fns[PCI_MAX_FNS];
static int ctl;
static uint64_t size = GIB;

static void die(const char *what, int err)
{
	fprintf(stderr, "space_bench: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* What the kernel has for itself, in KiB: objects, larger arrays, page tables of IOMMUs. */
static long kernel_has_kib(void)
{
	static const char *const fields[] = { "SUnreclaim:", "VmallocUsed:", "SecPageTables:" };
	char line[128], name[64];
	FILE *f = fopen("/proc/meminfo", "re");
	long kib, sum = 0;
	unsigned int i;

	while (f && fgets(line, sizeof(line), f))
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			if (sscanf(line, "%63s %ld", name, &kib) == 2 && !strcmp(name, fields[i]))
				sum += kib;
	if (f)
		fclose(f);
	return sum;
}

enum who { TYPE1, IOMMUFD, SPACE, NR_WHO };

/**
 * struct rival - one of those who map
 * @name: its name
 * @lease: the lease
 * @v: and what is open of it
 * @iommufd: likewise, with its I/O address space
 * @ioas: the number of that
 */
struct rival {
	const char *name;
	int lease;
	struct vfio v;
	int iommufd;
	uint32_t ioas;
};

static struct rival rivals[NR_WHO] = {
	[TYPE1] = { .name = "type1" },
	[IOMMUFD] = { .name = "iommufd" },
	[SPACE] = { .name = "space" },
};

static bool is_alone(int nr, int group)
{
	int i, mates = 0;

	for (i = 0; i < nr; i++)
		mates += fns[i].group == group;
	return group >= 0 && mates == 1;
}

static void rival_open(enum who who)
{
	struct rival *r = &rivals[who];
	struct add add;
	int ret;

	r->lease = who == SPACE ? space_lease(ctl, "bench") : lease_create(ctl, "bench", NULL);
	if (r->lease < 0)
		die("a lease", r->lease);
	add_init(&add, (const char *const []){ fn->name }, 1);
	ret = lease_add(r->lease, &add);
	if (ret)
		die(fn->name, ret);
	r->v = (struct vfio)VFIO_CLOSED;
	r->iommufd = -1;
	if (who == IOMMUFD) {
		r->v.device = vfio_cdev_open(add.members[0].cdev, &r->iommufd);
		ret = r->v.device < 0 ? r->v.device : ioas_alloc(r->iommufd, &r->ioas);
		ret = ret ?: vfio_cdev_attach(r->v.device, r->ioas);
	} else {
		ret = vfio_open(&r->v, fn->group, fn->name);
	}
	if (ret)
		die("VFIO", ret);
}

static void rival_close(enum who who)
{
	struct ptx_lease_release out = { .size = sizeof(out) };
	struct rival *r = &rivals[who];

	vfio_close(&r->v);
	if (r->iommufd >= 0)
		close(r->iommufd);
	lease_release(r->lease, 30000, &out);
	close(r->lease);
}

static void rival_map(enum who who, uint64_t iova, void *memory, uint64_t length)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = length,
	};
	struct rival *r = &rivals[who];
	int ret;

	if (who == IOMMUFD)
		ret = ioas_map(r->iommufd, r->ioas, iova, memory, length);
	else
		ret = ioctl(r->v.container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
	if (ret)
		die("mapping", ret);
}

static void rival_unmap_all(enum who who)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};
	struct rival *r = &rivals[who];
	int ret;

	if (who == IOMMUFD)
		ret = ioas_unmap_all(r->iommufd, r->ioas);
	else
		ret = ioctl(r->v.container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
	if (ret)
		die("unmapping", ret);
}

static void *memory_new(bool huge, bool populated)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0), -1, 0);

	if (memory == MAP_FAILED)
		die(huge ? "memory in huge pages" : "memory", errno);
	if (!huge)
		madvise(memory, size, MADV_NOHUGEPAGE);
	if (populated)
		memset(memory, 1, size);
	return memory;
}

static void processors(int nr)
{
	cpu_set_t set;
	int i;

	CPU_ZERO(&set);
	for (i = 0; i < nr; i++)
		CPU_SET(i, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

enum what { UNPOPULATED, HUGE, POPULATED, UNMAP, SMALL_ONES, BATCHES, UNMAP_SMALL, NR_WHAT };

static const char *const what_name[NR_WHAT] = {
	[UNPOPULATED] = "map, unpopulated, 4K pages",
	[HUGE] = "map, unpopulated, 2M hugetlb",
	[POPULATED] = "map, populated, 4K pages",
	[UNMAP] = "unmap all of that",
	[SMALL_ONES] = "10,000 maps of 64 KiB",
	[BATCHES] = "the same, in batches of 256",
	[UNMAP_SMALL] = "unmap all of those",
};

/* Of all rounds the least, in milliseconds; and the most, in KiB. */
static double best[NR_WHO][NR_WHAT];
static long kernel_kib[NR_WHO][NR_WHAT];

static void note(enum who who, enum what what, double ms, long kib)
{
	if (!best[who][what] || ms < best[who][what])
		best[who][what] = ms;
	if (kib > kernel_kib[who][what])
		kernel_kib[who][what] = kib;
}

static void map_one(enum who who, enum what what)
{
	void *memory = memory_new(what == HUGE, what == POPULATED);
	long before = kernel_has_kib();
	double began, took;

	began = now_ms();
	rival_map(who, IOVA, memory, size);
	took = now_ms() - began;
	note(who, what, took, kernel_has_kib() - before);
	began = now_ms();
	rival_unmap_all(who);
	if (what == POPULATED)
		note(who, UNMAP, now_ms() - began, 0);
	munmap(memory, size);
}

static void map_small(enum who who, enum what what, char *memory)
{
	struct ptx_space_op ops[BATCH];
	long before = kernel_has_kib();
	double began = now_ms(), took;
	unsigned int i, nr = 0;
	int ret;

	for (i = 0; i < NR_SMALL; i++) {
		char *at = memory + i % (size / SMALL) * SMALL;
		/* With gaps, as mappings of their own. */
		uint64_t iova = IOVA + i * 2 * SMALL;

		if (what == SMALL_ONES) {
			rival_map(who, iova, at, SMALL);
			continue;
		}
		ops[nr++] = space_map_op(iova, at, SMALL, SPACE_RW);
		if (nr < BATCH && i + 1 < NR_SMALL)
			continue;
		ret = space_batch(rivals[who].lease, ops, nr, NULL);
		if (ret)
			die("PTX_SPACE_CHANGE", ret);
		nr = 0;
	}
	took = now_ms() - began;
	note(who, what, took, kernel_has_kib() - before);
	began = now_ms();
	rival_unmap_all(who);
	if (what == SMALL_ONES)
		note(who, UNMAP_SMALL, now_ms() - began, 0);
}

static void one_round(enum who who, bool huge)
{
	void *memory;

	rival_open(who);
	map_one(who, UNPOPULATED);
	if (huge)
		map_one(who, HUGE);
	map_one(who, POPULATED);
	memory = memory_new(false, true);
	map_small(who, SMALL_ONES, memory);
	if (who == SPACE)
		map_small(who, BATCHES, memory);
	munmap(memory, size);
	rival_close(who);
}

static bool huge_pages(void)
{
	unsigned int wanted = size / (2 * MIB), got = 0;
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "re+");

	if (!f)
		return false;
	fprintf(f, "%u\n", wanted);
	fflush(f);
	rewind(f);
	if (fscanf(f, "%u", &got) != 1)
		got = 0;
	fclose(f);
	return got >= wanted;
}

/* What a case left in the kernel's hands for each GiB that it mapped. */
static void report_memory(enum what what, bool iommufd)
{
	double gib = what >= SMALL_ONES ? (double)NR_SMALL * SMALL / GIB : (double)size / GIB;
	int who;

	printf("  ");
	for (who = 0; who < NR_WHO; who++) {
		if (who == IOMMUFD && !iommufd)
			continue;
		if (best[who][what])
			printf(" %6.1f", kernel_kib[who][what] / 1024.0 / gib);
		else
			printf(" %6s", "");
	}
}

static void report(int cpus, bool huge, bool iommufd)
{
	double theirs, ours;
	int i;

	printf("%d processor%s, %llu MiB, least of each; ms, how many times as long as the space, and kernel memory in MiB for each GiB\n",
	       cpus, cpus == 1 ? "" : "s", (unsigned long long)(size / MIB));
	printf("  %-30s %9s", "", rivals[TYPE1].name);
	if (iommufd)
		printf(" %9s", rivals[IOMMUFD].name);
	printf(" %9s  %6s", rivals[SPACE].name, "type1");
	if (iommufd)
		printf(" %7s", "iommufd");
	printf("   %s\n", iommufd ? "MiB: type1, iommufd, space" : "MiB: type1, space");
	for (i = 0; i < NR_WHAT; i++) {
		/* Nobody else has batches. */
		int what = i == BATCHES ? SMALL_ONES : i;

		if (i == HUGE && !huge)
			continue;
		ours = best[SPACE][i];
		theirs = best[TYPE1][what];
		printf("  %-30s %9.1f", what_name[i], theirs);
		if (iommufd)
			printf(" %9.1f", best[IOMMUFD][what]);
		printf(" %9.1f  %6.2f", ours, theirs / ours);
		if (iommufd)
			printf(" %7.2f", best[IOMMUFD][what] / ours);
		if (i != UNMAP && i != UNMAP_SMALL)
			report_memory(i, iommufd);
		printf("\n");
	}
	memset(best, 0, sizeof(best));
	memset(kernel_kib, 0, sizeof(kernel_kib));
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	bool huge, iommufd = vfio_has_cdev();
	int rounds = 5, i, nr, cpus, opt, who;

	while ((opt = getopt(argc, argv, "r:m:")) != -1) {
		if (opt == 'r')
			rounds = atoi(optarg);
		else if (opt == 'm')
			size = strtoull(optarg, NULL, 0) * MIB;
		else
			return 2;
	}
	if (rounds < 1 || rounds > MAX_ROUNDS || size < NR_SMALL / 100 * SMALL) {
		fprintf(stderr, "usage: space_bench [-r ROUNDS] [-m MEBIBYTES]\n");
		return 2;
	}
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	ctl = ptx_open();
	if (ctl < 0)
		die(PTX_NODE, ctl);
	nr = pci_list(fns, PCI_MAX_FNS);
	for (i = 0; i < nr && !fn; i++)
		if (fns[i].vendor == 0x1234 && fns[i].device == 0x11e8 &&
		    is_alone(nr, fns[i].group))
			fn = &fns[i];
	if (!fn)
		die("an edu device that is alone in its group", ENODEV);
	for (cpus = 1; cpus <= sysconf(_SC_NPROCESSORS_ONLN) && cpus <= 2; cpus++) {
		processors(cpus);
		huge = huge_pages();
		for (i = 0; i < rounds; i++) {
			for (who = 0; who < NR_WHO; who++)
				if (who != IOMMUFD || iommufd)
					one_round(who, huge);
		}
		report(cpus, huge, iommufd);
	}
	return 0;
}
