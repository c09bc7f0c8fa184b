// SPDX-License-Identifier: GPL-2.0-only
/*
 * space_bench - what it takes to map memory for a device: a lease's DMA space against
 * VFIO's own back ends, each through the calls that a VMM makes:
 *
 *   type1    a VFIO container on a lease without a space
 *   ours     the same container calls on a lease with a space; its batches through
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

/* Memory that nobody has, in KiB: what a call takes of it, the kernel has. */
static long free_kib(void)
{
	char line[128];
	long kib = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/**
 * struct rival - one of those who map
 * @name: its name
 * @space: on a lease with a space
 * @lease: the lease
 * @v: and what is open of it
 */
struct rival {
	const char *name;
	bool space;
	int lease;
	struct vfio v;
};

static bool is_alone(int nr, int group)
{
	int i, mates = 0;

	for (i = 0; i < nr; i++)
		mates += fns[i].group == group;
	return group >= 0 && mates == 1;
}

static void rival_open(struct rival *r)
{
	int ret;

	r->lease = r->space ? space_lease(ctl, "bench") : lease_create(ctl, "bench", NULL);
	if (r->lease < 0)
		die("a lease", r->lease);
	ret = lease_add_names(r->lease, fn->name, NULL);
	if (ret)
		die(fn->name, ret);
	ret = vfio_open(&r->v, fn->group, fn->name);
	if (ret)
		die("VFIO", ret);
}

static void rival_close(struct rival *r)
{
	struct ptx_lease_release out = { .size = sizeof(out) };

	vfio_close(&r->v);
	lease_release(r->lease, 30000, &out);
	close(r->lease);
}

static void rival_map(struct rival *r, uint64_t iova, void *memory, uint64_t length)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = length,
	};

	if (ioctl(r->v.container, VFIO_IOMMU_MAP_DMA, &map))
		die("VFIO_IOMMU_MAP_DMA", errno);
}

static void rival_unmap_all(struct rival *r)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};

	if (ioctl(r->v.container, VFIO_IOMMU_UNMAP_DMA, &unmap))
		die("VFIO_IOMMU_UNMAP_DMA", errno);
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

/* What is measured: each returns milliseconds. */

static double map_one(struct rival *r, bool huge, bool populated, double *unmap, long *kib)
{
	void *memory = memory_new(huge, populated);
	double began, took;
	long before = free_kib();

	began = now_ms();
	rival_map(r, IOVA, memory, size);
	took = now_ms() - began;
	*kib = before - free_kib();
	began = now_ms();
	rival_unmap_all(r);
	*unmap = now_ms() - began;
	munmap(memory, size);
	return took;
}

static double map_small(struct rival *r, char *memory, bool batches)
{
	struct ptx_space_op ops[BATCH];
	double began = now_ms();
	unsigned int i, nr = 0;
	int ret;

	for (i = 0; i < NR_SMALL; i++) {
		char *at = memory + i % (size / SMALL) * SMALL;
		/* With gaps, as mappings of their own. */
		uint64_t iova = IOVA + i * 2 * SMALL;

		if (!batches) {
			rival_map(r, iova, at, SMALL);
			continue;
		}
		ops[nr++] = space_map_op(iova, at, SMALL, SPACE_RW);
		if (nr < BATCH && i + 1 < NR_SMALL)
			continue;
		ret = space_batch(r->lease, ops, nr, NULL);
		if (ret)
			die("PTX_SPACE_CHANGE", ret);
		nr = 0;
	}
	return now_ms() - began;
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

static double best[2][NR_WHAT];
static long kernel_kib[2][NR_WHAT];

static void note(int who, enum what what, double ms)
{
	if (!best[who][what] || ms < best[who][what])
		best[who][what] = ms;
}

static void one_round(struct rival *r, int who, bool huge)
{
	double unmap, began;
	void *memory;

	rival_open(r);
	note(who, UNPOPULATED, map_one(r, false, false, &unmap, &kernel_kib[who][UNPOPULATED]));
	if (huge)
		note(who, HUGE, map_one(r, true, false, &unmap, &kernel_kib[who][HUGE]));
	note(who, POPULATED, map_one(r, false, true, &unmap, &kernel_kib[who][POPULATED]));
	note(who, UNMAP, unmap);
	memory = memory_new(false, true);
	note(who, SMALL_ONES, map_small(r, memory, false));
	began = now_ms();
	rival_unmap_all(r);
	note(who, UNMAP_SMALL, now_ms() - began);
	if (r->space) {
		note(who, BATCHES, map_small(r, memory, true));
		rival_unmap_all(r);
	}
	munmap(memory, size);
	rival_close(r);
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

static void report(int cpus, bool huge)
{
	int i;

	printf("%d processor%s, %llu MiB, least of each\n", cpus, cpus == 1 ? "" : "s",
	       (unsigned long long)(size / MIB));
	printf("  %-30s %10s %10s  %s\n", "", "type1 ms", "space ms", "type1/space");
	for (i = 0; i < NR_WHAT; i++) {
		double rival = best[0][i == BATCHES ? SMALL_ONES : i];

		if (i == HUGE && !huge)
			continue;
		printf("  %-30s %10.1f %10.1f  %.2f", what_name[i], rival, best[1][i],
		       rival / best[1][i]);
		if (i == POPULATED)
			printf("   (kernel memory: %ld and %ld KiB)", kernel_kib[0][i],
			       kernel_kib[1][i]);
		printf("\n");
	}
	memset(best, 0, sizeof(best));
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct rival type1 = { .name = "type1" }, space = { .name = "space", .space = true };
	int rounds = 5, i, nr, cpus, opt;
	bool huge;

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
			one_round(&type1, 0, huge);
			one_round(&space, 1, huge);
		}
		report(cpus, huge);
	}
	return 0;
}
