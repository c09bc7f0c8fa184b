// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that concern a DMA space: what is mapped and pinned, and where may be mapped, is
 * as the call says. One that is done and cannot tell of it says EFAULT, too.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest.h"
#define TH_LOG(...)
#define FIXTURE(...)
#include "fail.h"
#include "../lib/space.h"

#define MIB		(1ULL << 20)
#define SPACE_AT	(16 * MIB)

static char *memory;	/* 2 MiB, not there yet */

int begin_space(void)
{
	if (!memory)
		memory = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || madvise(memory, 2 * MIB, MADV_DONTNEED))
		return -errno;
	lease = space_lease(host.ctl, lease_name());
	return lease < 0 ? lease : 0;
}

static int begin_space_added(void)
{
	int ret = begin_space();

	add_init(add, devices, nr_devices);
	return ret ?: lease_add(lease, add);
}

int begin_space_opened(void)
{
	int ret = begin_space_added();

	return ret ?: vfio_group_open(&v, add->members[0].group);
}

int begin_space_mapped(void)
{
	int ret = begin_space_opened();

	return ret ?: space_map(lease, SPACE_AT, memory, MIB, SPACE_RW);
}

/* A container without an IOMMU yet, and a space in which something is mapped. */
int begin_space_unattached(void)
{
	int ret = begin_space_added() ?: space_map(lease, SPACE_AT, memory, MIB, SPACE_RW) ?:
		  vfio_group_open(&v, add->members[0].group);

	if (ret)
		return ret;
	return ioctl(v.group, VFIO_GROUP_UNSET_CONTAINER) ||
	       ioctl(v.group, VFIO_GROUP_SET_CONTAINER, &v.container) ? -errno : 0;
}

int call_space_create(void)
{
	lease = space_lease(host.ctl, "fail-nth");
	return lease < 0 ? lease : 0;
}

int call_space_map(void)
{
	return space_map(lease, SPACE_AT, memory, MIB, SPACE_RW);
}

int call_space_batch(void)
{
	const struct ptx_space_op ops[] = {
		space_map_op(2 * SPACE_AT, memory, 64 << 10, SPACE_RW),
		space_unmap_op(SPACE_AT, MIB),
		space_map_op(3 * SPACE_AT, memory + MIB, 64 << 10, PTX_SPACE_READ),
	};

	return space_batch(lease, ops, ARRAY_SIZE(ops), NULL);
}

int call_space_unmap(void)
{
	return space_unmap(lease, SPACE_AT, MIB, NULL);
}

int call_space_window(void)
{
	return space_window(lease, PTX_SPACE_WINDOW_REMOVE | PTX_SPACE_WINDOW_FORCE,
			    SPACE_AT + MIB / 2, SPACE_AT + 2 * MIB - 1);
}

int call_space_stats(void)
{
	struct ptx_space_range ranges[2];

	return space_windows(lease, ranges, ARRAY_SIZE(ranges));
}

int call_space_attach(void)
{
	return ioctl(v.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) ? -errno : 0;
}

int call_container_map(void)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = SPACE_AT,
		.size = MIB,
	};

	return ioctl(v.container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

int call_container_unmap(void)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = SPACE_AT, .size = MIB,
	};

	return ioctl(v.container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;
}

/* Whether so much is mapped and pinned as there was, or as was asked for. */
static int check_space(int ret, uint64_t before, uint64_t after, uint32_t windows)
{
	struct ptx_space_stats s;
	bool done;

	if (space_stats(lease, &s))
		return -EINVAL;
	done = s.out_mapped == after && s.out_nr_windows == windows;
	if (((ret == 0 || ret == -EFAULT) && done) ||
	    (ret && s.out_mapped == before && s.out_nr_windows == 1))
		if (s.out_pinned == s.out_mapped &&
		    space_locked_kib() == (long)(s.out_mapped >> 10))
			return 0;
	printf("# it says %d: %llu mapped, %llu pinned, %ld KiB locked, %u windows\n", ret,
	       (unsigned long long)s.out_mapped, (unsigned long long)s.out_pinned,
	       space_locked_kib(), s.out_nr_windows);
	return -EINVAL;
}

int check_space_map(int ret, bool fired)
{
	return check_space(ret, 0, MIB, 1);
}

int check_space_batch(int ret, bool fired)
{
	return check_space(ret, MIB, 128 << 10, 1);
}

int check_space_unmap(int ret, bool fired)
{
	return check_space(ret, MIB, 0, 1);
}

int check_space_window(int ret, bool fired)
{
	return check_space(ret, MIB, 0, 2);
}

/* VFIO asks type1 where ours fails: then there is no device. */
int check_space_attach(int ret, bool fired)
{
	bool ours = !ret && !ioctl(v.container, VFIO_CHECK_EXTENSION, VFIO_UPDATE_VADDR);
	int opened = vfio_device_open(&v, devices[0]);

	if (ours ? opened != 0 : opened >= 0 || !fired) {
		printf("# it says %d, and opening the device %d\n", ret, opened);
		return -EINVAL;
	}
	return check_space(0, MIB, MIB, 1);
}

static void put_space(void)
{
	size_t nest = nl_nest(&req, PTX_A_LEASE_SPACE);

	nl_put_u64(&req, PTX_A_SPACE_QUOTA, MIB);
	nl_put_window(&req, SPACE_AT, 2 * SPACE_AT - 1);
	nl_put_window(&req, 4 * SPACE_AT, 5 * SPACE_AT - 1);
	nl_nest_end(&req, nest);
}

int begin_nl_space_new(void)
{
	nl_start(&host.nl, &req, PTX_CMD_LEASE_NEW, 0);
	nl_put_str(&req, PTX_A_LEASE_NAME, "fail-nth");
	put_space();
	return 0;
}

int begin_nl_space_restrict(void)
{
	struct query q;
	int ret = begin_space() ?: lease_query(lease, &q);

	nl_start(&host.nl, &req, PTX_CMD_LEASE_RESTRICT, 0);
	nl_put_u64(&req, PTX_A_LEASE_ID, q.q.out_id);
	nl_put_u32(&req, PTX_A_LEASE_OWNER, 0);
	put_space();
	return ret;
}

/* Both of it or neither; the answer may be lost on its way. */
int check_nl_space_restrict(int ret, bool fired)
{
	struct ptx_space_stats s;

	if (!space_stats(lease, &s) &&
	    ((s.out_nr_windows == 2 && s.out_quota == MIB) ||
	     (ret && s.out_nr_windows == 1 && !s.out_quota)))
		return 0;
	printf("# it says %d: quota %llu, %u windows\n", ret,
	       (unsigned long long)s.out_quota, s.out_nr_windows);
	return -EINVAL;
}

/* Pages that are pinned, by anybody. */
long pages_pinned(void)
{
	long acquired = 0, released = 0;
	char line[128];
	FILE *f;

	file_write("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/vmstat", "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "nr_foll_pin_acquired %ld", &acquired) != 1 &&
		    sscanf(line, "nr_foll_pin_released %ld", &released) == 1)
			break;
	if (f)
		fclose(f);
	return acquired - released;
}
