// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "lease.h"
#include "space.h"

int space_lease(int ctl, const char *name)
{
	struct ptx_lease_create c = {
		.flags = PTX_LEASE_CREATE_SPACE,
		.name = (uintptr_t)name,
		.name_len = strlen(name),
	};
	int ret = lease_create_raw(ctl, &c);

	return ret ? ret : c.out_fd;
}

struct ptx_space_op space_map_op(uint64_t iova, const void *memory, uint64_t length,
				 uint32_t flags)
{
	return (struct ptx_space_op) {
		.op = PTX_SPACE_MAP,
		.flags = flags,
		.iova = iova,
		.vaddr = (uintptr_t)memory,
		.length = length,
	};
}

struct ptx_space_op space_unmap_op(uint64_t iova, uint64_t length)
{
	return (struct ptx_space_op) {
		.op = PTX_SPACE_UNMAP,
		.iova = iova,
		.length = length,
	};
}

int space_change(int lease, struct ptx_space_change *change)
{
	change->size = sizeof(*change);
	change->out_op = ~0U;
	change->out_unmapped = ~0ULL;
	change->out_reason = ~0U;
	return ptx_ioctl(lease, PTX_SPACE_CHANGE, change);
}

int space_batch(int lease, const struct ptx_space_op *ops, uint32_t nr,
		struct ptx_space_change *out)
{
	struct ptx_space_change change = { .ops = (uintptr_t)ops, .nr_ops = nr };
	int ret = space_change(lease, &change);

	if (out)
		*out = change;
	return ret;
}

int space_map(int lease, uint64_t iova, const void *memory, uint64_t length,
	      uint32_t flags)
{
	struct ptx_space_op op = space_map_op(iova, memory, length, flags);

	return space_batch(lease, &op, 1, NULL);
}

static int unmap(int lease, const struct ptx_space_op *op, uint64_t *unmapped)
{
	struct ptx_space_change change;
	int ret = space_batch(lease, op, 1, &change);

	if (unmapped)
		*unmapped = change.out_unmapped;
	return ret;
}

int space_unmap(int lease, uint64_t iova, uint64_t length, uint64_t *unmapped)
{
	struct ptx_space_op op = space_unmap_op(iova, length);

	return unmap(lease, &op, unmapped);
}

int space_unmap_all(int lease, uint64_t *unmapped)
{
	struct ptx_space_op op = { .op = PTX_SPACE_UNMAP_ALL };

	return unmap(lease, &op, unmapped);
}

int space_window(int lease, uint32_t flags, uint64_t first, uint64_t last)
{
	struct ptx_space_window window = {
		.size = sizeof(window),
		.flags = flags,
		.first = first,
		.last = last,
	};

	return ptx_ioctl(lease, PTX_SPACE_WINDOW, &window);
}

int space_quota(int lease, uint64_t bytes)
{
	struct ptx_space_quota quota = { .size = sizeof(quota), .bytes = bytes };

	return ptx_ioctl(lease, PTX_SPACE_QUOTA, &quota);
}

int space_stats(int lease, struct ptx_space_stats *stats)
{
	*stats = (struct ptx_space_stats){ .size = sizeof(*stats) };
	return ptx_ioctl(lease, PTX_SPACE_STATS, stats);
}

int space_windows(int lease, struct ptx_space_range *ranges, uint32_t max)
{
	struct ptx_space_stats stats = {
		.size = sizeof(stats),
		.windows = (uintptr_t)ranges,
		.max_windows = max,
	};

	return ptx_ioctl(lease, PTX_SPACE_STATS, &stats);
}

int space_nr_windows(int lease)
{
	struct ptx_space_stats stats;
	int ret = space_stats(lease, &stats);

	return ret ? ret : (int)stats.out_nr_windows;
}

long space_locked_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}
