// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: how a mapping is cut into chunks, and how what it has pinned is kept in runs.
 * Nothing here pins.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "pin.h"
#include "space.h"

static struct ptx_mapping *test_mapping(struct kunit *test, unsigned long iova,
					unsigned long vaddr, unsigned long size, u8 shift)
{
	u32 nr = ((vaddr + size - 1) >> shift) - (vaddr >> shift) + 1;
	struct ptx_mapping *mapping;

	mapping = kunit_kzalloc(test, struct_size(mapping, chunks, nr), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mapping);
	mapping->range.start = iova;
	mapping->range.last = iova + size - 1;
	mapping->vaddr = vaddr;
	mapping->chunk_shift = shift;
	mapping->nr_chunks = nr;
	return mapping;
}

/* Without room for what is pinned: of that there is none, and tests make thousands. */
static void chunks_cover(struct kunit *test, unsigned long iova, unsigned long vaddr,
			 unsigned long length, u8 shift)
{
	struct ptx_mapping mapping = {
		.range = { .start = iova, .last = iova + length - 1 },
		.vaddr = vaddr,
		.chunk_shift = shift,
		.nr_chunks = ((vaddr + length - 1) >> shift) - (vaddr >> shift) + 1,
	};
	unsigned long step = 1UL << shift, next = 0, at, size;
	u32 i, bad = 0;

	for (i = 0; i < mapping.nr_chunks; i++) {
		ptx_mapping_chunk(&mapping, i, &at, &size);
		/* No gap, no overlap, no chunk of nothing or of more than one. */
		bad += at != next || !size || size > step;
		bad += i && (vaddr + at) % step;
		bad += i && i + 1 < mapping.nr_chunks && size != step;
		/* None has what a large page could have mapped together with the next. */
		bad += i + 1 < mapping.nr_chunks && (vaddr + at + size) % step;
		next = at + size;
	}
	KUNIT_EXPECT_EQ_MSG(test, bad, 0, "vaddr %lx, length %lx, chunks of 2^%u", vaddr, length,
			    shift);
	KUNIT_EXPECT_EQ_MSG(test, next, length, "vaddr %lx, length %lx, chunks of 2^%u", vaddr,
			    length, shift);
	cond_resched();
}

static const u8 chunk_shifts[] = { PAGE_SHIFT, 21, 25, 30 };

static void chunks_of_size_cover(struct kunit *test, u8 shift)
{
	const unsigned long step = 1UL << shift;
	const unsigned long vaddrs[] = {
		0, PAGE_SIZE, step / 2, step - PAGE_SIZE, step, step + PAGE_SIZE,
		7 * step - PAGE_SIZE, 0x7f0123456000, 0x7f0000000000,
	};
	const unsigned long lengths[] = {
		PAGE_SIZE, 2 * PAGE_SIZE, step / 2, step - PAGE_SIZE, step, step + PAGE_SIZE,
		2 * step - PAGE_SIZE, 2 * step, 2 * step + PAGE_SIZE, 16 * step,
		16 * step + PAGE_SIZE, 999 * step - PAGE_SIZE,
	};
	unsigned long vaddr, length;
	u32 v, l;

	for (v = 0; v < ARRAY_SIZE(vaddrs); v++)
		for (l = 0; l < ARRAY_SIZE(lengths); l++) {
			vaddr = PAGE_ALIGN(vaddrs[v]);
			length = PAGE_ALIGN(lengths[l]);
			/* A chunk of a page less a page. */
			if (!length)
				continue;
			chunks_cover(test, 0, vaddr, length, shift);
			/* Where the IOVA is has no say, up to the very end. */
			chunks_cover(test, -length, vaddr, length, shift);
			/* One that ends where its memory is aligned. */
			chunks_cover(test, PAGE_SIZE, vaddr, ALIGN(vaddr + length, step) - vaddr,
				     shift);
			/* And one that ends with all the memory of a process. */
			chunks_cover(test, PAGE_SIZE, TASK_SIZE_MAX - length, length, shift);
		}
}

static void chunks_cover_a_mapping(struct kunit *test)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(chunk_shifts); i++)
		chunks_of_size_cover(test, chunk_shifts[i]);
}

static void chunks_cover_a_tebibyte(struct kunit *test)
{
	static const unsigned long vaddrs[] = {
		0, PAGE_SIZE, SZ_1G - PAGE_SIZE, SZ_1G, 0x7e0123456000,
	};
	unsigned long size = 1UL << 40;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(vaddrs); i++) {
		chunks_cover(test, SZ_4G, vaddrs[i], size, 30);
		chunks_cover(test, SZ_4G, vaddrs[i], size - PAGE_SIZE, 30);
		chunks_cover(test, SZ_4G, vaddrs[i], size - SZ_1G, 30);
		chunks_cover(test, SZ_4G, vaddrs[i], size, 25);
	}
	chunks_cover(test, -size, TASK_SIZE_MAX - size, size, 30);
}

static void chunks_cover_random_mappings(struct kunit *test)
{
	struct rnd_state rnd;
	u64 iova, vaddr;
	u32 i, pages;
	u8 shift;

	prandom_seed_state(&rnd, 6);
	for (i = 0; i < 2000; i++) {
		shift = chunk_shifts[prandom_u32_state(&rnd) % ARRAY_SIZE(chunk_shifts)];
		/* Up to 1024 chunks, and often less than one. */
		pages = 1U << prandom_u32_state(&rnd) % (shift - PAGE_SHIFT + 11);
		pages = 1 + prandom_u32_state(&rnd) % pages;
		iova = (u64)prandom_u32_state(&rnd) << PAGE_SHIFT;
		vaddr = (u64)prandom_u32_state(&rnd) << PAGE_SHIFT;
		chunks_cover(test, iova, vaddr, (u64)pages << PAGE_SHIFT, shift);
	}
}

static void chunk_is_where_it_should_be(struct kunit *test)
{
	unsigned long vaddr = 0x7f0000000000 + SZ_32M - 3 * PAGE_SIZE, at, size;
	struct ptx_mapping *mapping;

	mapping = test_mapping(test, SZ_1G, vaddr, SZ_32M + 5 * PAGE_SIZE, 25);
	KUNIT_ASSERT_EQ(test, mapping->nr_chunks, 3);
	ptx_mapping_chunk(mapping, 0, &at, &size);
	KUNIT_EXPECT_EQ(test, at, 0);
	KUNIT_EXPECT_EQ(test, size, 3 * PAGE_SIZE);
	ptx_mapping_chunk(mapping, 1, &at, &size);
	KUNIT_EXPECT_EQ(test, at, 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, size, SZ_32M);
	ptx_mapping_chunk(mapping, 2, &at, &size);
	KUNIT_EXPECT_EQ(test, at, SZ_32M + 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, size, 2 * PAGE_SIZE);
	/* One of no more than a piece of a chunk, in its middle, and one of just a chunk. */
	mapping = test_mapping(test, SZ_1G, vaddr - SZ_16M, SZ_4M, 25);
	KUNIT_ASSERT_EQ(test, mapping->nr_chunks, 1);
	ptx_mapping_chunk(mapping, 0, &at, &size);
	KUNIT_EXPECT_EQ(test, at, 0);
	KUNIT_EXPECT_EQ(test, size, SZ_4M);
	mapping = test_mapping(test, PAGE_SIZE, SZ_64M, SZ_32M, 25);
	KUNIT_ASSERT_EQ(test, mapping->nr_chunks, 1);
	ptx_mapping_chunk(mapping, 0, &at, &size);
	KUNIT_EXPECT_EQ(test, at, 0);
	KUNIT_EXPECT_EQ(test, size, SZ_32M);
}

static void runs_go_round(struct kunit *test)
{
	/* The last one is the highest that a run has room for. */
	static const unsigned long pfns[] = {
		0, 1, PTX_RUN_MAX - 1, PTX_RUN_MAX, PTX_RUN_MAX + 1, 1UL << 40,
		(1UL << (64 - PTX_RUN_BITS)) - 2, (1UL << (64 - PTX_RUN_BITS)) - 1,
	};
	static const unsigned long pages[] = {
		1, 2, 511, 512, PTX_RUN_MAX / 2, PTX_RUN_MAX - 1, PTX_RUN_MAX,
	};
	u32 i, j;
	u64 run;

	for (i = 0; i < ARRAY_SIZE(pfns); i++)
		for (j = 0; j < ARRAY_SIZE(pages); j++) {
			run = ptx_run(pfns[i], pages[j]);
			KUNIT_EXPECT_EQ(test, ptx_run_pfn(run), pfns[i]);
			KUNIT_EXPECT_EQ(test, ptx_run_pages(run), pages[j]);
		}
	KUNIT_EXPECT_EQ(test, ptx_run(pfns[ARRAY_SIZE(pfns) - 1], PTX_RUN_MAX), U64_MAX);
}

static void page_is_found_in_its_run(struct kunit *test)
{
	/* Chunks of 2, 4 and 3 pages; those of the second are in two runs. */
	static const unsigned long pfns[] = { 100, 101, 200, 300, 301, 302 };
	struct ptx_mapping *mapping;
	struct ptx_runs *runs;
	u32 i;

	mapping = test_mapping(test, 5 * PAGE_SIZE, 6 * PAGE_SIZE, 9 * PAGE_SIZE, PAGE_SHIFT + 2);
	KUNIT_ASSERT_EQ(test, mapping->nr_chunks, 3);
	for (i = 0; i < 2; i++) {
		runs = kunit_kzalloc(test, struct_size(runs, run, 2), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, runs);
		mapping->chunks[i].runs = runs;
		runs->nr = i + 1;
		runs->run[0] = i ? ptx_run(200, 1) : ptx_run(100, 2);
		runs->run[1] = ptx_run(300, 3);
	}
	mapping->chunks[2].mmio = true;
	for (i = 0; i < ARRAY_SIZE(pfns); i++) {
		KUNIT_EXPECT_PTR_EQ(test, ptx_mapping_page(mapping, i * PAGE_SIZE),
				    pfn_to_page(pfns[i]));
		KUNIT_EXPECT_PTR_EQ(test, ptx_mapping_page(mapping, (i + 1) * PAGE_SIZE - 1),
				    pfn_to_page(pfns[i]));
	}
	/* A BAR has no pages. */
	for (; i < 9; i++)
		KUNIT_EXPECT_NULL(test, ptx_mapping_page(mapping, i * PAGE_SIZE));
}

static struct kunit_case pin_cases[] = {
	KUNIT_CASE(chunk_is_where_it_should_be),
	KUNIT_CASE(chunks_cover_a_mapping),
	KUNIT_CASE(chunks_cover_a_tebibyte),
	KUNIT_CASE(chunks_cover_random_mappings),
	KUNIT_CASE(runs_go_round),
	KUNIT_CASE(page_is_found_in_its_run),
	{}
};

static struct kunit_suite pin_suite = {
	.name = "ptx-pin",
	.test_cases = pin_cases,
};

kunit_test_suites(&pin_suite);
