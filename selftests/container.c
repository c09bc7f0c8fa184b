// SPDX-License-Identifier: GPL-2.0-only
/*
 * The container back end of leases with a space against type1, which serves those
 * without: the same calls to both, one after the other on the same device, and every
 * answer, errno, struct and page of locked memory must be the same. What differs on
 * purpose stands in one table, in lib/container.c. Here: what a container says of
 * itself, mapping, unmapping.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/memfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/container.h"
#include "lib/host.h"

#define MIB		(1ULL << 20)
#define PAGE		4096ULL
#define AT		CONTAINER_AT
#define RW		CONTAINER_RW
#define R		VFIO_DMA_MAP_FLAG_READ
#define W		VFIO_DMA_MAP_FLAG_WRITE

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

/* What a container says before and after it has an IOMMU. */

static const long extensions[] = {
	VFIO_TYPE1_IOMMU, VFIO_SPAPR_TCE_IOMMU, VFIO_TYPE1v2_IOMMU, VFIO_DMA_CC_IOMMU,
	VFIO_EEH, VFIO_TYPE1_NESTING_IOMMU, VFIO_SPAPR_TCE_v2_IOMMU, VFIO_NOIOMMU_IOMMU,
	VFIO_UNMAP_ALL, VFIO_UPDATE_VADDR, 0, 11, 12, 100, 0x7fffffff, -1,
};

static void ask_extensions(struct container *c, const char *when)
{
	char name[64];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(extensions); i++) {
		snprintf(name, sizeof(name), "%sextension %ld", when, extensions[i]);
		container_ioctl(c, name, VFIO_CHECK_EXTENSION, extensions[i]);
	}
}

static void begin_sequence(struct container *c)
{
	static const long bad[] = { 0, VFIO_SPAPR_TCE_IOMMU, VFIO_DMA_CC_IOMMU,
				    VFIO_SPAPR_TCE_v2_IOMMU, 100, -1 };
	char name[64];
	unsigned int i;

	container_ioctl(c, "version", VFIO_GET_API_VERSION, 0);
	container_ioctl(c, "version, with an argument", VFIO_GET_API_VERSION, -1);
	ask_extensions(c, "no group: ");
	container_ioctl(c, "no group: set", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	container_all_ioctls(c, "no group");
	container_set(c, "set container: no file", c->v.group, -1);
	container_set(c, "set container: another file", c->v.group, c->v.group);
	container_set(c, "set container", c->v.group, c->v.container);
	container_set(c, "set container: again", c->v.group, c->v.container);
	ask_extensions(c, "no IOMMU: ");
	container_all_ioctls(c, "no IOMMU");
	container_open_device(c, "no IOMMU: device");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(name, sizeof(name), "set %ld", bad[i]);
		container_ioctl(c, name, VFIO_SET_IOMMU, bad[i]);
	}
	container_ioctl(c, "set", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	container_ioctl(c, "set: again", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	container_ioctl(c, "set: v1 then", VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU);
	container_ioctl(c, "set: 0 then", VFIO_SET_IOMMU, 0);
	ask_extensions(c, "");
	container_open_device(c, "device");
	ask_extensions(c, "");
	container_ioctl(c, "version, at last", VFIO_GET_API_VERSION, 0);
	container_ioctl(c, "unknown ioctl 99", _IO(VFIO_TYPE, VFIO_BASE + 99), 0);
	container_ioctl(c, "unknown ioctl 0", 0, 0);
	container_ioctl(c, "unknown ioctl -1", -1U, 0);
	container_ioctl(c, "another letter", _IO('<', VFIO_BASE + 13), 0);
	container_ioctl(c, "of a group", VFIO_GROUP_GET_STATUS, 0);
	/* Those of SPAPR. */
	container_ioctl(c, "enable", VFIO_IOMMU_ENABLE, 0);
	container_ioctl(c, "disable", VFIO_IOMMU_DISABLE, 0);
}

TEST_F(back_end, beginning)
{
	NEED_EDU();
	COMPARE(false, false, begin_sequence);
}

static void old_sequence(struct container *c)
{
	container_set(c, "v1: set container", c->v.group, c->v.container);
	container_ioctl(c, "v1: set", VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU);
	container_map(c, "v1: map", AT, c->memory, PAGE, RW);
	container_unmap(c, "v1: unmap", AT, PAGE, 0);
	container_open_device(c, "v1: the device");
	container_close_device(c);
	container_unset(c, "v1: unset container", c->v.group);
	container_set(c, "nesting: set container", c->v.group, c->v.container);
	container_ioctl(c, "nesting: set", VFIO_SET_IOMMU, VFIO_TYPE1_NESTING_IOMMU);
	container_open_device(c, "nesting: the device");
	container_close_device(c);
	container_unset(c, "nesting: unset container", c->v.group);
	/* And back to what both have. */
	container_set(c, "v2: set container", c->v.group, c->v.container);
	container_ioctl(c, "v2: set", VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	container_open_device(c, "v2: the device");
}

TEST_F(back_end, older_versions)
{
	NEED_EDU();
	COMPARE(false, false, old_sequence);
}

/* What VFIO_IOMMU_GET_INFO says, with how much room. */
static void info_with(struct container *c, const char *name, uint32_t argsz,
		      uint32_t migration)
{
	union {
		struct vfio_iommu_type1_info info;
		unsigned char bytes[4096];
	} u;
	unsigned int written = 0, i;
	long ret;

	memset(&u, 0xa5, sizeof(u));
	u.info.argsz = argsz;
	ret = ioctl(c->v.container, VFIO_IOMMU_GET_INFO, &u) ? -errno : 0;
	for (i = 0; i < sizeof(u); i++)
		if (u.bytes[i] != 0xa5)
			written = i + 1;
	/* A chain without migration is so much shorter. */
	if (u.info.argsz != argsz)
		u.info.argsz -= migration;
	if (written > sizeof(u.info))
		written -= migration;
	container_note(c, name, "%s, argsz %u, flags %#x, sizes %#llx, caps %#x, %u written",
		       answer(ret), u.info.argsz, u.info.flags,
		       (unsigned long long)u.info.iova_pgsizes, u.info.cap_offset, written);
}

static void info_sequence(struct container *c)
{
	static const uint32_t small[] = { 0, 4, 8, 15, 16, 17, 20, 23, 24, 25, 32, 40 };
	char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vfio_iommu_type1_info *info = (void *)two;
	struct container_info first, now;
	char name[64];
	unsigned int i;

	container_note(c, "info", "%s", answer(container_info(c, &first)));
	container_note(c, "info: ranges", "%u", first.nr_ranges);
	for (i = 0; i < first.nr_ranges && i < CONTAINER_RANGES; i++)
		container_note(c, "info: range", "%#llx-%#llx", first.ranges[i].start,
			       first.ranges[i].end);
	container_note(c, "info: migration", "%u", first.migration);
	container_note(c, "info: unknown", "%u", first.unknown);
	container_note(c, "info: avail", "%u", first.avail);
	container_note(c, "info: needed", "%u", first.needed - first.migration);
	container_note(c, "info: flags", "%#x", first.flags);
	container_note(c, "info: page sizes", "%#llx", (unsigned long long)first.page_sizes);
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		snprintf(name, sizeof(name), "info: argsz %u", small[i]);
		info_with(c, name, small[i], first.migration);
	}
	info_with(c, "info: a byte too few", first.needed - 1, first.migration);
	container_info(c, &now);
	container_note(c, "info: the same", "%d", memcmp(&first, &now, sizeof(now)));

	/* As many as there were, less those that there are. */
	container_map(c, "info: map", AT, c->memory, 4 * PAGE, RW);
	container_info(c, &now);
	container_note(c, "info: one less", "%d", (int)(now.avail - first.avail));
	container_map(c, "info: map", AT + MIB, c->memory, PAGE, R);
	container_map(c, "info: map over it", AT + MIB, c->memory, PAGE, R);
	container_map(c, "info: map nothing", AT + 2 * MIB, c->memory + CONTAINER_HOLE,
		      PAGE, R);
	container_info(c, &now);
	container_note(c, "info: two less", "%d, ranges %u", (int)(now.avail - first.avail),
		       now.nr_ranges);
	container_unmap(c, "info: unmap", AT, 4 * PAGE, 0);
	container_info(c, &now);
	container_note(c, "info: one less again", "%d", (int)(now.avail - first.avail));
	container_unmap_all(c);
	container_info(c, &now);
	container_note(c, "info: as many", "%d", (int)(now.avail - first.avail));

	container_ioctl(c, "info: no struct", VFIO_IOMMU_GET_INFO, 0);
	container_ioctl(c, "info: nowhere", VFIO_IOMMU_GET_INFO, -16);
	mprotect(two + PAGE, PAGE, PROT_NONE);
	container_ioctl(c, "info: not there", VFIO_IOMMU_GET_INFO,
			(uintptr_t)(two + PAGE - 8));
	info = (void *)(two + PAGE - sizeof(*info));
	info->argsz = 4096;
	container_ioctl(c, "info: no room where there should be", VFIO_IOMMU_GET_INFO,
			(uintptr_t)info);
	info->argsz = sizeof(*info);
	container_ioctl(c, "info: just room", VFIO_IOMMU_GET_INFO, (uintptr_t)info);
	info->argsz = sizeof(*info);
	mprotect(two, PAGE, PROT_READ);
	container_ioctl(c, "info: not to be written", VFIO_IOMMU_GET_INFO, (uintptr_t)info);
	munmap(two, 2 * PAGE);
}

TEST_F(back_end, info)
{
	NEED_EDU();
	COMPARE(false, true, info_sequence);
}

/* Mapping: addresses, sizes, flags. */

static void map_flags(struct container *c)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = RW, .iova = AT, .size = PAGE,
		.vaddr = (uintptr_t)c->memory,
	};
	static const uint32_t sizes[] = { 0, 1, 16, 31 };
	char name[64], *two;
	unsigned int i;

	for (i = 2; i < 32; i++) {
		snprintf(name, sizeof(name), "map: flag %u", i);
		container_map(c, name, AT, c->memory, PAGE, RW | 1U << i);
	}
	container_map(c, "map: VADDR alone", AT, c->memory, PAGE, VFIO_DMA_MAP_FLAG_VADDR);
	container_map(c, "map: an unknown flag alone", AT, c->memory, PAGE, 8);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(name, sizeof(name), "map: argsz %u", sizes[i]);
		map.argsz = sizes[i];
		container_map_raw(c, name, &map);
	}
	map.argsz = sizeof(map) + 100;
	container_map_raw(c, "map: argsz large", &map);
	container_unmap_all(c);
	map.argsz = ~0U;
	container_map_raw(c, "map: argsz largest", &map);
	container_unmap_all(c);

	container_ioctl(c, "map: no struct", VFIO_IOMMU_MAP_DMA, 0);
	container_ioctl(c, "map: nowhere", VFIO_IOMMU_MAP_DMA, -32);
	two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	mprotect(two + PAGE, PAGE, PROT_NONE);
	map.argsz = sizeof(map);
	memcpy(two + PAGE - sizeof(map) + 1, &map, sizeof(map) - 1);
	container_ioctl(c, "map: struct cut off", VFIO_IOMMU_MAP_DMA,
			(uintptr_t)(two + PAGE - sizeof(map) + 1));
	memcpy(two, &map, sizeof(map));
	mprotect(two, PAGE, PROT_READ);
	container_ioctl(c, "map: struct not to be written", VFIO_IOMMU_MAP_DMA,
			(uintptr_t)two);
	container_unmap_all(c);
	munmap(two, 2 * PAGE);
}

/* Of two things wrong; they count as different. */
static void map_twice_wrong(struct container *c, uint64_t reserved)
{
	const void *kernel = (void *)(1ULL << 63);

	container_map(c, "twice: map", AT, c->memory, 4 * PAGE, RW);
	container_map(c, "map: kernel memory where there is some", AT, kernel, PAGE, RW);
	container_map(c, "map: kernel memory where none may be", reserved, kernel, PAGE, RW);
	container_map(c, "twice: nothing where there is some", AT,
		      c->memory + CONTAINER_HOLE, PAGE, RW);
	container_map(c, "twice: nothing where none may be", reserved,
		      c->memory + CONTAINER_HOLE, PAGE, RW);
	container_map(c, "twice: kernel memory, unaligned", AT + 1, kernel, PAGE, RW);
	container_map(c, "twice: kernel memory, flag", AT, kernel, PAGE, RW | 8);
	container_map(c, "twice: nothing, no protection", AT, c->memory + CONTAINER_HOLE,
		      PAGE, 0);
	container_unmap_all(c);
}

static void map_sequence(struct container *c)
{
	struct container_info info = {};
	uint64_t last, hole;
	char *m = c->memory;

	container_map(c, "map", AT, m, 4 * PAGE, RW);
	container_map(c, "map: again", AT, m, 4 * PAGE, RW);
	container_map(c, "map: its first page", AT, m, PAGE, RW);
	container_map(c, "map: its last page", AT + 3 * PAGE, m, PAGE, RW);
	container_map(c, "map: over its beginning", AT - PAGE, m, 2 * PAGE, RW);
	container_map(c, "map: over its end", AT + 3 * PAGE, m, 2 * PAGE, RW);
	container_map(c, "map: around it", AT - PAGE, m, 6 * PAGE, RW);
	container_map(c, "map: before it", AT - PAGE, m + 8 * PAGE, PAGE, RW);
	container_map(c, "map: behind it", AT + 4 * PAGE, m + 8 * PAGE, PAGE, RW);
	container_map(c, "map: the same memory elsewhere", AT + MIB, m, 4 * PAGE, RW);
	container_map(c, "map: to be read", AT + 2 * MIB, m, PAGE, R);
	container_map(c, "map: to be written", AT + 3 * MIB, m, PAGE, W);
	container_map(c, "map: neither", AT + 4 * MIB, m, PAGE, 0);
	container_map(c, "map: at 0", 0, m, PAGE, RW);
	container_map(c, "map: a MiB", AT + 8 * MIB, m, MIB, RW);
	container_unmap_all(c);
	map_flags(c);

	container_map(c, "map: address + 1", AT + 1, m, PAGE, RW);
	container_map(c, "map: address + half a page", AT + PAGE / 2, m, PAGE, RW);
	container_map(c, "map: memory + 1", AT, m + 1, PAGE, RW);
	container_map(c, "map: size + 1", AT, m, PAGE + 1, RW);
	container_map(c, "map: size - 1", AT, m, PAGE - 1, RW);
	container_map(c, "map: size 1", AT, m, 1, RW);
	container_map(c, "map: size 0", AT, m, 0, RW);
	container_map(c, "map: wraps", -PAGE, m, 2 * PAGE, RW);
	container_map(c, "map: ends at 0", -PAGE, m, PAGE, RW);
	container_map(c, "map: memory wraps", AT, (void *)-PAGE, 2 * PAGE, RW);
	container_map(c, "map: all but a page", 0, m, -PAGE, RW);

	container_info(c, &info);
	container_note(c, "map: ranges", "%u", info.nr_ranges);
	if (!info.nr_ranges || info.nr_ranges > CONTAINER_RANGES)
		return;
	last = info.ranges[info.nr_ranges - 1].end;
	container_map(c, "map: last page", last + 1 - PAGE, m, PAGE, RW);
	container_map(c, "map: over the last page", last + 1 - PAGE, m + PAGE, 2 * PAGE, RW);
	container_map(c, "map: behind the last page", last + 1, m, PAGE, RW);
	container_map(c, "map: far behind the last page", 1ULL << 62, m, PAGE, RW);
	container_unmap_all(c);
	if (info.nr_ranges < 2)
		return;
	/* That of MSIs, on this platform. */
	hole = info.ranges[0].end + 1;
	last = info.ranges[1].start - 1;
	container_map(c, "map: before what is reserved", hole - PAGE, m, PAGE, RW);
	container_map(c, "map: behind what is reserved", last + 1, m, PAGE, RW);
	container_map(c, "map: first page of what is reserved", hole, m, PAGE, RW);
	container_map(c, "map: last page of what is reserved", last + 1 - PAGE, m, PAGE, RW);
	container_unmap_all(c);
	container_map(c, "map: into what is reserved", hole - PAGE, m, 2 * PAGE, RW);
	container_map(c, "map: out of what is reserved", last + 1 - PAGE, m, 2 * PAGE, RW);
	container_map(c, "map: around what is reserved", hole - PAGE, m, 2 * MIB, RW);
	map_twice_wrong(c, hole);
}

TEST_F(back_end, mapping)
{
	NEED_EDU();
	COMPARE(false, true, map_sequence);
}

/* Mapping: what kind of memory. */

static void map_file(struct container *c, const char *what, int fd, size_t size)
{
	char *p, name[64];

	ftruncate(fd, size);
	p = mmap(NULL, size + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		container_note(c, what, "%s", answer(-errno));
		return;
	}
	container_map_and_unmap(c, what, p, size, RW);
	container_map_and_unmap(c, what, p, size, R);
	snprintf(name, sizeof(name), "%s, beyond its end", what);
	container_map_and_unmap(c, name, p, size + PAGE, RW);
	mprotect(p, size, PROT_READ);
	snprintf(name, sizeof(name), "%s, not to be written", what);
	container_map_and_unmap(c, name, p, size, RW);
	container_map_and_unmap(c, name, p, size, R);
	munmap(p, size + 2 * PAGE);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	snprintf(name, sizeof(name), "%s, private", what);
	container_map_and_unmap(c, name, p, size, R);
	container_map_and_unmap(c, name, p, size, RW);
	munmap(p, size);
	close(fd);
}

#define HUGE_PAGE	(2 * MIB)
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"

static void map_huge(struct container *c)
{
	char *p;

	/* None at all on some machines; then both sides say so. */
	file_write(HUGE_PAGES, "2");
	p = mmap(NULL, 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	container_note(c, "huge pages", "%s", answer(p == MAP_FAILED ? -errno : 0));
	if (p != MAP_FAILED) {
		container_map_and_unmap(c, "huge pages", p, 2 * HUGE_PAGE, RW);
		container_map_and_unmap(c, "part of huge pages", p + HUGE_PAGE - 2 * PAGE, 4 * PAGE, RW);
		munmap(p, 2 * HUGE_PAGE);
	}
	p = mmap(NULL, 4 * HUGE_PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	if (p != MAP_FAILED) {
		container_map_and_unmap(c, "more huge pages than there are", p, 4 * HUGE_PAGE, RW);
		munmap(p, 4 * HUGE_PAGE);
	}
	file_write(HUGE_PAGES, "0");
}

static void memory_sequence(struct container *c)
{
	/* The last is where the processor has none. */
	static const uint64_t kernels[] = { 1ULL << 63, 0xffff888000000000, 1ULL << 47,
					    0x7ffffffff000, 0x7fffffffe000, 1ULL << 60 };
	char name[64], *m = c->memory, *p;
	unsigned int i;
	int fd;

	container_map_and_unmap(c, "never touched", m + 64 * PAGE, 4 * PAGE, R);
	container_map_and_unmap(c, "nothing", m + CONTAINER_HOLE, PAGE, RW);
	container_map_and_unmap(c, "nothing", m + CONTAINER_HOLE, PAGE, R);
	container_map_and_unmap(c, "nothing in the middle", m + CONTAINER_HOLE - 2 * PAGE, 4 * PAGE, RW);
	container_map_and_unmap(c, "nothing first", m + CONTAINER_HOLE, 4 * PAGE, RW);
	container_map_and_unmap(c, "nothing last", m, CONTAINER_HOLE + PAGE, RW);
	container_map_and_unmap(c, "read only", m + CONTAINER_READ_ONLY, PAGE, R);
	container_map_and_unmap(c, "read only", m + CONTAINER_READ_ONLY, PAGE, W);
	container_map_and_unmap(c, "read only", m + CONTAINER_READ_ONLY, PAGE, RW);
	container_map_and_unmap(c, "read only in the middle", m + CONTAINER_READ_ONLY - PAGE,
		      4 * PAGE, RW);
	container_map_and_unmap(c, "read only in the middle", m + CONTAINER_READ_ONLY - PAGE,
		      4 * PAGE, R);
	container_map_and_unmap(c, "no access", m + CONTAINER_NO_ACCESS, PAGE, R);
	container_map_and_unmap(c, "no access", m + CONTAINER_NO_ACCESS, PAGE, RW);
	container_map_and_unmap(c, "no access in the middle", m + CONTAINER_NO_ACCESS - PAGE,
		      4 * PAGE, R);
	container_map_and_unmap(c, "at 0", NULL, PAGE, R);
	for (i = 0; i < ARRAY_SIZE(kernels); i++) {
		snprintf(name, sizeof(name), "at %#llx", (unsigned long long)kernels[i]);
		container_map_and_unmap(c, name, (void *)kernels[i], 2 * PAGE, R);
	}
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	container_map_and_unmap(c, "shared", p, 16 * PAGE, RW);
	munmap(p, 16 * PAGE);
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	container_map_and_unmap(c, "locked already", p, 16 * PAGE, RW);
	munmap(p, 16 * PAGE);
	map_file(c, "memfd", memfd_create("container", MFD_CLOEXEC), 16 * PAGE);
	fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	map_file(c, "tmpfs", fd, 16 * PAGE);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	container_map_and_unmap(c, "program", p, 4 * PAGE, R);
	container_map_and_unmap(c, "program", p, 4 * PAGE, RW);
	munmap(p, 4 * PAGE);
	close(fd);
	map_huge(c);
}

TEST_F(back_end, memory)
{
	NEED_EDU();
	COMPARE(false, true, memory_sequence);
}

/* Unmapping: ranges, holes, what would be cut in two. */

/* Four pages at AT, a hole of four, four, a page; all of it as it was. */
static void unmap_setup(struct container *c)
{
	container_unmap_all(c);
	container_map(c, "unmap: first", AT, c->memory, 4 * PAGE, RW);
	container_map(c, "unmap: second", AT + 8 * PAGE, c->memory, 4 * PAGE, R);
	container_map(c, "unmap: third", AT + 12 * PAGE, c->memory, PAGE, W);
}

static void unmap_struct(struct container *c)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = AT, .size = 4 * PAGE,
	};
	static const uint32_t sizes[] = { 0, 1, 8, 23 };
	char name[64], *two;
	unsigned int i;

	unmap_setup(c);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(name, sizeof(name), "unmap: argsz %u", sizes[i]);
		unmap.argsz = sizes[i];
		container_unmap_raw(c, name, &unmap);
	}
	unmap.argsz = sizeof(unmap);
	for (i = 3; i < 32; i++) {
		snprintf(name, sizeof(name), "unmap: flag %u", i);
		container_unmap(c, name, AT, 4 * PAGE, 1U << i);
	}
	/* Without a bitmap behind it, and with two that do not go together. */
	container_unmap(c, "unmap: dirty", AT, 4 * PAGE,
			VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP);
	container_unmap(c, "unmap: dirty, all", 0, 0,
			VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_ALL);
	unmap.argsz = ~0U;
	container_unmap_raw(c, "unmap: argsz largest", &unmap);

	container_ioctl(c, "unmap: no struct", VFIO_IOMMU_UNMAP_DMA, 0);
	two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	mprotect(two + PAGE, PAGE, PROT_NONE);
	unmap.argsz = sizeof(unmap);
	unmap.iova = AT + 8 * PAGE;
	container_ioctl(c, "unmap: struct cut off", VFIO_IOMMU_UNMAP_DMA,
			(uintptr_t)(two + PAGE - 16));
	memcpy(two, &unmap, sizeof(unmap));
	mprotect(two, PAGE, PROT_READ);
	container_ioctl(c, "unmap: struct not to be written", VFIO_IOMMU_UNMAP_DMA,
			(uintptr_t)two);
	container_unmap(c, "unmap: gone all the same", AT + 8 * PAGE, 4 * PAGE, 0);
	container_unmap_all(c);
	munmap(two, 2 * PAGE);
}

/* What type1 has besides, on a mapping of four pages. */
static void other_ioctls(struct container *c)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = { .argsz = sizeof(dirty) };
	static const struct {
		const char *name;
		uint32_t argsz, flags;
	} calls[] = {
		{ "dirty pages: start", 8, VFIO_IOMMU_DIRTY_PAGES_FLAG_START },
		{ "dirty pages: stop", 8, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP },
		{ "dirty pages: two flags", 8, VFIO_IOMMU_DIRTY_PAGES_FLAG_START |
					       VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP },
		{ "dirty pages: unknown flag", 8, 8 },
		{ "dirty pages: too small", 7, VFIO_IOMMU_DIRTY_PAGES_FLAG_START },
	};
	unsigned int i;

	container_map(c, "others: map", AT, c->memory, 4 * PAGE, RW);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		dirty.argsz = calls[i].argsz;
		dirty.flags = calls[i].flags;
		container_ioctl(c, calls[i].name, VFIO_IOMMU_DIRTY_PAGES, (uintptr_t)&dirty);
	}
	container_ioctl(c, "dirty pages: bad pointer", VFIO_IOMMU_DIRTY_PAGES, 0);
	container_unmap(c, "unmap: VADDR", AT, 4 * PAGE, VFIO_DMA_UNMAP_FLAG_VADDR);
	container_map(c, "map: VADDR again", AT, c->memory, 4 * PAGE,
		      VFIO_DMA_MAP_FLAG_VADDR);
	container_unmap(c, "others: unmap", AT, 4 * PAGE, 0);
}

static void unmap_sequence(struct container *c)
{
	const uint32_t all = VFIO_DMA_UNMAP_FLAG_ALL;

	container_unmap(c, "unmap: all of nothing", 0, 0, all);
	unmap_setup(c);
	container_unmap(c, "unmap: nothing there", AT + 4 * PAGE, 4 * PAGE, 0);
	container_unmap(c, "unmap: a page that is not there", AT - PAGE, PAGE, 0);
	container_unmap(c, "unmap: cut at its end", AT + 3 * PAGE, 2 * PAGE, 0);
	container_unmap(c, "unmap: cut at its beginning", AT - PAGE, 2 * PAGE, 0);
	container_unmap(c, "unmap: cut in the middle", AT + PAGE, PAGE, 0);
	container_unmap(c, "unmap: its first page", AT, PAGE, 0);
	container_unmap(c, "unmap: its last page", AT + 3 * PAGE, PAGE, 0);
	container_unmap(c, "unmap: one, and the next cut", AT, 9 * PAGE, 0);
	container_unmap(c, "unmap: one cut, and the next", AT + PAGE, 11 * PAGE, 0);
	container_unmap(c, "unmap: size 0", AT, 0, 0);
	container_unmap(c, "unmap: address + 1", AT + 1, 4 * PAGE, 0);
	container_unmap(c, "unmap: size + 1", AT, 4 * PAGE + 1, 0);
	container_unmap(c, "unmap: size - 1", AT, 4 * PAGE - 1, 0);
	container_unmap(c, "unmap: half a page", AT, PAGE / 2, 0);
	container_unmap(c, "unmap: all, with an address", AT, 0, all);
	container_unmap(c, "unmap: all, with a bad address", 1, 0, all);
	container_unmap(c, "unmap: all, with a size", 0, 4 * PAGE, all);
	container_unmap(c, "unmap: all, with a bad size", 0, 1, all);
	container_unmap(c, "unmap: exact", AT + 8 * PAGE, 4 * PAGE, 0);
	container_unmap(c, "unmap: exact, again", AT + 8 * PAGE, 4 * PAGE, 0);
	container_unmap(c, "unmap: two, with a hole", AT, 13 * PAGE, 0);
	unmap_setup(c);
	container_unmap(c, "unmap: three, and more", AT - MIB, 4 * MIB, 0);
	unmap_setup(c);
	container_unmap(c, "unmap: from 0 on", 0, -PAGE, 0);
	unmap_setup(c);
	container_unmap(c, "unmap: all", 0, 0, all);
	unmap_struct(c);
	container_map(c, "unmap: one more", AT, c->memory, 4 * PAGE, RW);
	container_unmap(c, "unmap: wraps", -PAGE, 2 * PAGE, 0);
	container_unmap(c, "unmap: behind everything", 1ULL << 62, PAGE, 0);
	container_unmap(c, "unmap: the last page there is", -PAGE, PAGE, 0);
	container_unmap(c, "unmap: to the end of everything", PAGE, -PAGE, 0);
	container_try_unmap(c, 0, 0, all, &(uint64_t){ 0 });
	other_ioctls(c);
}

TEST_F(back_end, unmapping)
{
	NEED_EDU();
	COMPARE(false, true, unmap_sequence);
}

TEST_HARNESS_MAIN
