/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * space - a lease's DMA space, through its file. Calls return 0 or a negative errno.
 */
#ifndef PTX_TEST_SPACE_H
#define PTX_TEST_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/ptx.h>

#define SPACE_RW	(PTX_SPACE_READ | PTX_SPACE_WRITE)

/* A lease with a space, owned by the caller: its file. */
int space_lease(int ctl, const char *name);

struct ptx_space_op space_map_op(uint64_t iova, const void *memory, uint64_t length,
				 uint32_t flags);
struct ptx_space_op space_unmap_op(uint64_t iova, uint64_t length);

/* The raw call; fills in the size, and clears what the kernel answers. */
int space_change(int lease, struct ptx_space_change *change);
/* Several at once; @out may be NULL. */
int space_batch(int lease, const struct ptx_space_op *ops, uint32_t nr,
		struct ptx_space_change *out);
int space_map(int lease, uint64_t iova, const void *memory, uint64_t length,
	      uint32_t flags);
/* @unmapped, in bytes, may be NULL. */
int space_unmap(int lease, uint64_t iova, uint64_t length, uint64_t *unmapped);
int space_unmap_all(int lease, uint64_t *unmapped);
int space_window(int lease, uint32_t flags, uint64_t first, uint64_t last);

int space_quota(int lease, uint64_t bytes);
int space_stats(int lease, struct ptx_space_stats *stats);
/* The windows: at most @max of them into @ranges. */
int space_windows(int lease, struct ptx_space_range *ranges, uint32_t max);
int space_nr_windows(int lease);

/* The caller's locked and pinned memory in KiB, from /proc/self/status. */
long space_locked_kib(void);

#endif
