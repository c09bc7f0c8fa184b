/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_PIN_H
#define PTX_PIN_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/types.h>

struct page;
struct ptx_mapping;
struct ptx_space;

/**
 * DOC: Runs and chunks
 *
 * What a mapping has pinned is kept as runs: pages whose frames follow each other.
 * A run is a word, so memory in single pages costs 8 bytes a page and memory in
 * large ones next to nothing. A mapping is cut into chunks, which one thread each
 * pins and maps.
 */

/* A run: its first frame number above, how many frames less one below. */
#define PTX_RUN_BITS		20
#define PTX_RUN_MAX		BIT_ULL(PTX_RUN_BITS)

static inline u64 ptx_run(unsigned long pfn, unsigned long pages)
{
	return (u64)pfn << PTX_RUN_BITS | (pages - 1);
}

static inline unsigned long ptx_run_pfn(u64 run)
{
	return run >> PTX_RUN_BITS;
}

static inline unsigned long ptx_run_pages(u64 run)
{
	return (run & (PTX_RUN_MAX - 1)) + 1;
}

/**
 * struct ptx_runs - what a chunk consists of
 * @nr: how many runs
 * @run: in order of address
 */
struct ptx_runs {
	u32 nr;
	u64 run[];
};

/**
 * struct ptx_chunk - a piece of a mapping
 * @runs: what it has pinned; NULL for nothing
 * @mapped: it is in every domain of the space; under the lock of the domains
 * @mmio: it is a BAR, of which no page is pinned
 * @stuck: an IOMMU did not let go of it; it stays pinned for good
 * @page_shift: the largest page that a domain could use for it
 */
struct ptx_chunk {
	struct ptx_runs *runs;
	bool mapped;
	bool mmio;
	bool stuck;
	u8 page_shift;
};

/**
 * struct ptx_pin_times - how long a job took, all threads together
 * @pin: to pin, in nanoseconds
 * @map: to put into the domains, likewise
 */
struct ptx_pin_times {
	u64 pin;
	u64 map;
};

void ptx_mapping_chunk(const struct ptx_mapping *mapping, u32 chunk, unsigned long *at,
		       unsigned long *size);
int ptx_pin(struct ptx_space *space, struct list_head *mappings,
	    struct ptx_mapping **culprit, struct ptx_pin_times *times);
struct page *ptx_mapping_page(struct ptx_mapping *mapping, unsigned long at);
void ptx_unpin(struct ptx_mapping *mapping);

#endif
