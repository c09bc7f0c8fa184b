// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: windows, each change of them, and many changes against a model of them.
 */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/interval_tree.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "space.h"
#include "window.h"

static void test_space_free(void *data)
{
	struct ptx_space *space = data;

	kfree(space->windows);
	mutex_destroy(&space->lock);
}

/* As much of a space as windows need. */
static struct ptx_space *test_space(struct kunit *test)
{
	struct ptx_space *space = kunit_kzalloc(test, sizeof(*space), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, space);
	mutex_init(&space->lock);
	init_rwsem(&space->domains_lock);
	space->tree = RB_ROOT_CACHED;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, test_space_free, space), 0);
	return space;
}

static u32 test_random(struct rnd_state *rnd, u32 below)
{
	return prandom_u32_state(rnd) % below;
}

/* In pages, as many as there are at all. */
#define TOP	(1ULL << (BITS_PER_LONG - PAGE_SHIFT))

/* None where there are no pages. */
struct test_pages {
	u64 first;
	u64 pages;
};

/* A range that ends with the last page of all ends at ULONG_MAX. */
static struct ptx_space_range test_range(struct test_pages pages)
{
	return (struct ptx_space_range) {
		pages.first << PAGE_SHIFT,
		((pages.first + pages.pages) << PAGE_SHIFT) - 1,
	};
}

static struct ptx_windows *test_windows(struct kunit *test, const struct test_pages *pages,
					u32 max)
{
	struct ptx_space_range ranges[8];
	struct ptx_windows *windows;
	u32 nr;

	KUNIT_ASSERT_LE(test, max, ARRAY_SIZE(ranges));
	for (nr = 0; nr < max && pages[nr].pages; nr++)
		ranges[nr] = test_range(pages[nr]);
	windows = ptx_windows_make(ranges, nr);
	KUNIT_ASSERT_NOT_NULL(test, windows);
	return windows;
}

static void windows_are(struct kunit *test, const struct ptx_windows *windows,
			const struct test_pages *pages, u32 max)
{
	struct ptx_space_range range;
	u32 i;

	for (i = 0; i < max && pages[i].pages; i++) {
		KUNIT_ASSERT_LT(test, i, windows->nr);
		range = test_range(pages[i]);
		KUNIT_EXPECT_EQ(test, windows->range[i].first, range.first);
		KUNIT_EXPECT_EQ(test, windows->range[i].last, range.last);
	}
	KUNIT_EXPECT_EQ(test, windows->nr, i);
}

static int window_edit(struct ptx_space *space, struct test_pages pages, bool add,
		       u32 *reason)
{
	struct ptx_space_range range = test_range(pages);

	*reason = PTX_REASON_NONE;
	return add ? ptx_window_allow(space, range.first, range.last, reason) :
		     ptx_window_forbid(space, range.first, range.last, false, reason);
}

struct edit_param {
	const char *what;
	struct test_pages before[4];
	bool add;
	struct test_pages range;
	struct test_pages after[4];
};

static const struct edit_param edit_params[] = {
	{ "add the first one", { }, true, { 4, 2 }, { { 4, 2 } } },
	{ "add before all others", { { 8, 2 } }, true, { 4, 2 }, { { 4, 2 }, { 8, 2 } } },
	{ "add behind all others", { { 4, 2 } }, true, { 8, 2 }, { { 4, 2 }, { 8, 2 } } },
	{ "add between two", { { 4, 2 }, { 12, 2 } }, true, { 8, 2 },
	  { { 4, 2 }, { 8, 2 }, { 12, 2 } } },
	{ "add, joins the one before", { { 4, 2 }, { 9, 2 } }, true, { 6, 2 },
	  { { 4, 4 }, { 9, 2 } } },
	{ "add, joins the one behind", { { 3, 2 }, { 8, 2 } }, true, { 6, 2 },
	  { { 3, 2 }, { 6, 4 } } },
	{ "add, joins both neighbours", { { 4, 2 }, { 8, 2 } }, true, { 6, 2 }, { { 4, 6 } } },
	{ "add, joins both and leaves the rest", { { 0, 2 }, { 4, 2 }, { 8, 2 }, { 12, 2 } },
	  true, { 6, 2 }, { { 0, 2 }, { 4, 6 }, { 12, 2 } } },
	{ "add over several", { { 4, 1 }, { 6, 1 }, { 8, 1 } }, true, { 3, 7 }, { { 3, 7 } } },
	{ "add from inside one into another", { { 4, 4 }, { 12, 4 } }, true, { 6, 8 },
	  { { 4, 12 } } },
	{ "add what is there", { { 4, 8 } }, true, { 6, 2 }, { { 4, 8 } } },
	{ "add just the same", { { 4, 8 } }, true, { 4, 8 }, { { 4, 8 } } },
	{ "add at 0", { { 4, 2 } }, true, { 0, 2 }, { { 0, 2 }, { 4, 2 } } },
	{ "add at 0, joins", { { 2, 2 } }, true, { 0, 2 }, { { 0, 4 } } },
	{ "add to one at 0", { { 0, 2 } }, true, { 2, 2 }, { { 0, 4 } } },
	{ "add at the end", { { 4, 2 } }, true, { TOP - 2, 2 }, { { 4, 2 }, { TOP - 2, 2 } } },
	{ "add at the end, joins", { { TOP - 4, 2 } }, true, { TOP - 2, 2 },
	  { { TOP - 4, 4 } } },
	{ "add to one at the end", { { TOP - 2, 2 } }, true, { TOP - 4, 2 },
	  { { TOP - 4, 4 } } },
	{ "add at 0, the end is no neighbour", { { TOP - 2, 2 } }, true, { 0, 2 },
	  { { 0, 2 }, { TOP - 2, 2 } } },
	{ "add at the end, 0 is no neighbour", { { 0, 2 } }, true, { TOP - 2, 2 },
	  { { 0, 2 }, { TOP - 2, 2 } } },
	{ "add everything", { { 4, 2 }, { 8, 2 } }, true, { 0, TOP }, { { 0, TOP } } },
	{ "add to everything", { { 0, TOP } }, true, { 4, 2 }, { { 0, TOP } } },

	{ "remove from nothing", { }, false, { 4, 2 }, { } },
	{ "remove what is not there", { { 4, 2 }, { 12, 2 } }, false, { 7, 4 },
	  { { 4, 2 }, { 12, 2 } } },
	{ "remove just beside", { { 4, 2 }, { 8, 2 } }, false, { 6, 2 },
	  { { 4, 2 }, { 8, 2 } } },
	{ "remove one", { { 4, 2 }, { 8, 2 } }, false, { 4, 2 }, { { 8, 2 } } },
	{ "remove more than one has", { { 4, 2 }, { 12, 2 } }, false, { 3, 4 },
	  { { 12, 2 } } },
	{ "remove a beginning", { { 4, 4 } }, false, { 2, 4 }, { { 6, 2 } } },
	{ "remove an end", { { 4, 4 } }, false, { 6, 4 }, { { 4, 2 } } },
	{ "remove, splits in two", { { 4, 6 } }, false, { 6, 2 }, { { 4, 2 }, { 8, 2 } } },
	{ "remove, splits the middle one", { { 0, 2 }, { 4, 6 }, { 12, 2 } }, false, { 6, 2 },
	  { { 0, 2 }, { 4, 2 }, { 8, 2 }, { 12, 2 } } },
	{ "remove an end and a beginning", { { 4, 4 }, { 10, 4 } }, false, { 6, 6 },
	  { { 4, 2 }, { 12, 2 } } },
	{ "remove several", { { 4, 1 }, { 6, 1 }, { 8, 1 }, { 10, 1 } }, false, { 6, 3 },
	  { { 4, 1 }, { 10, 1 } } },
	{ "remove at 0", { { 0, 8 } }, false, { 0, 2 }, { { 2, 6 } } },
	{ "remove at 0, splits", { { 0, 8 } }, false, { 1, 1 }, { { 0, 1 }, { 2, 6 } } },
	{ "remove at the end", { { 0, TOP } }, false, { TOP - 2, 2 }, { { 0, TOP - 2 } } },
	{ "remove at the end, splits", { { 0, TOP } }, false, { TOP - 2, 1 },
	  { { 0, TOP - 2 }, { TOP - 1, 1 } } },
	{ "remove the last page", { { 0, 2 }, { TOP - 1, 1 } }, false, { TOP - 1, 1 },
	  { { 0, 2 } } },
	{ "remove from everything", { { 0, TOP } }, false, { 4, 2 },
	  { { 0, 4 }, { 6, TOP - 6 } } },
	{ "remove everything", { { 0, 2 }, { 4, 2 }, { TOP - 2, 2 } }, false, { 0, TOP }, { } },
};

static void edit_desc(const struct edit_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(edit, edit_params, edit_desc);

static void windows_are_edited(struct kunit *test)
{
	const struct edit_param *param = test->param_value;
	struct ptx_space *space = test_space(test);
	u32 reason;

	space->windows = test_windows(test, param->before, ARRAY_SIZE(param->before));
	windows_are(test, space->windows, param->before, ARRAY_SIZE(param->before));
	KUNIT_EXPECT_EQ(test, window_edit(space, param->range, param->add, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_NONE);
	windows_are(test, space->windows, param->after, ARRAY_SIZE(param->after));
	/* Once more changes nothing. */
	KUNIT_EXPECT_EQ(test, window_edit(space, param->range, param->add, &reason), 0);
	windows_are(test, space->windows, param->after, ARRAY_SIZE(param->after));
}

struct make_param {
	const char *what;
	struct test_pages ranges[5];
	struct test_pages windows[4];
};

static const struct make_param make_params[] = {
	{ "none", { }, { } },
	{ "one", { { 4, 2 } }, { { 4, 2 } } },
	{ "in any order", { { 12, 2 }, { 4, 2 }, { 0, 2 }, { 8, 2 } },
	  { { 0, 2 }, { 4, 2 }, { 8, 2 }, { 12, 2 } } },
	{ "twice the same", { { 4, 2 }, { 4, 2 } }, { { 4, 2 } } },
	{ "overlapping", { { 6, 4 }, { 4, 4 }, { 20, 2 } }, { { 4, 6 }, { 20, 2 } } },
	{ "side by side", { { 6, 2 }, { 4, 2 }, { 8, 2 } }, { { 4, 6 } } },
	{ "one that joins all", { { 4, 2 }, { 8, 2 }, { 12, 2 }, { 16, 2 }, { 6, 10 } },
	  { { 4, 14 } } },
	{ "both ends", { { TOP - 1, 1 }, { 0, 1 } }, { { 0, 1 }, { TOP - 1, 1 } } },
	{ "everything, in halves", { { TOP / 2, TOP / 2 }, { 0, TOP / 2 } }, { { 0, TOP } } },
	{ "everything, and more", { { 4, 2 }, { 0, TOP }, { TOP - 2, 2 } }, { { 0, TOP } } },
};

static void make_desc(const struct make_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(make, make_params, make_desc);

static void windows_are_made(struct kunit *test)
{
	const struct make_param *param = test->param_value;
	struct ptx_windows *windows;

	windows = test_windows(test, param->ranges, ARRAY_SIZE(param->ranges));
	windows_are(test, windows, param->windows, ARRAY_SIZE(param->windows));
	kfree(windows);
}

static void windows_all_is_everything(struct kunit *test)
{
	static const struct test_pages all[] = { { 0, TOP } };
	struct ptx_windows *windows = ptx_windows_all();

	KUNIT_ASSERT_NOT_NULL(test, windows);
	windows_are(test, windows, all, ARRAY_SIZE(all));
	KUNIT_EXPECT_TRUE(test, ptx_windows_have(windows, 0, ULONG_MAX));
	KUNIT_EXPECT_TRUE(test, ptx_windows_have(windows, ULONG_MAX, ULONG_MAX));
	kfree(windows);
}

static void window_begins_and_ends_with_a_page(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, ptx_window_is_valid(0, PAGE_SIZE - 1));
	KUNIT_EXPECT_TRUE(test, ptx_window_is_valid(PAGE_SIZE, 8 * PAGE_SIZE - 1));
	KUNIT_EXPECT_TRUE(test, ptx_window_is_valid(0, U64_MAX));
	KUNIT_EXPECT_TRUE(test, ptx_window_is_valid(U64_MAX - PAGE_SIZE + 1, U64_MAX));
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(0, 0));
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(0, PAGE_SIZE - 2));
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(0, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(1, PAGE_SIZE - 1));
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(U64_MAX, U64_MAX));
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(0, U64_MAX - 1));
	/* One of no pages, and one that would wrap. */
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(PAGE_SIZE, PAGE_SIZE - 1));
	KUNIT_EXPECT_FALSE(test, ptx_window_is_valid(8 * PAGE_SIZE, 2 * PAGE_SIZE - 1));
}

static void windows_have_what_is_in_one(struct kunit *test)
{
	static const struct test_pages pages[] = { { 4, 2 }, { 8, 2 }, { TOP - 1, 1 } };
	struct ptx_windows *windows = test_windows(test, pages, ARRAY_SIZE(pages));
	unsigned long first = 4 * PAGE_SIZE, last = 6 * PAGE_SIZE - 1;

	KUNIT_EXPECT_TRUE(test, ptx_windows_have(windows, first, last));
	KUNIT_EXPECT_TRUE(test, ptx_windows_have(windows, first + 1, last - 1));
	KUNIT_EXPECT_TRUE(test, ptx_windows_have(windows, first, first));
	KUNIT_EXPECT_TRUE(test, ptx_windows_have(windows, last, last));
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, first - 1, last));
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, first, last + 1));
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, last + 1, last + 1));
	/* In two, but not what is between them. */
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, first, 10 * PAGE_SIZE - 1));
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, 0, 0));
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, 0, ULONG_MAX));
	KUNIT_EXPECT_TRUE(test, ptx_windows_have(windows, ULONG_MAX - PAGE_SIZE + 1, ULONG_MAX));
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, ULONG_MAX - PAGE_SIZE, ULONG_MAX));
	kfree(windows);
	windows = ptx_windows_make(NULL, 0);
	KUNIT_ASSERT_NOT_NULL(test, windows);
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, 0, 0));
	KUNIT_EXPECT_FALSE(test, ptx_windows_have(windows, ULONG_MAX, ULONG_MAX));
	kfree(windows);
}

static void windows_are_walked(struct kunit *test)
{
	static const struct test_pages pages[] = { { 4, 2 }, { 8, 2 }, { TOP - 1, 1 } };
	struct ptx_windows *windows = test_windows(test, pages, ARRAY_SIZE(pages));
	unsigned long first = 0, last = 0;

	KUNIT_EXPECT_TRUE(test, ptx_windows_next(windows, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, last, 6 * PAGE_SIZE - 1);
	/* From inside of one it goes on there. */
	first = 5 * PAGE_SIZE;
	KUNIT_EXPECT_TRUE(test, ptx_windows_next(windows, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 5 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, last, 6 * PAGE_SIZE - 1);
	first = last + 1;
	KUNIT_EXPECT_TRUE(test, ptx_windows_next(windows, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 8 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, last, 10 * PAGE_SIZE - 1);
	first = last + 1;
	KUNIT_EXPECT_TRUE(test, ptx_windows_next(windows, &first, &last));
	KUNIT_EXPECT_EQ(test, first, ULONG_MAX - PAGE_SIZE + 1);
	KUNIT_EXPECT_EQ(test, last, ULONG_MAX);
	first = ULONG_MAX;
	KUNIT_EXPECT_TRUE(test, ptx_windows_next(windows, &first, &last));
	KUNIT_EXPECT_EQ(test, first, ULONG_MAX);
	kfree(windows);

	windows = test_windows(test, pages, 1);
	first = 6 * PAGE_SIZE - 1;
	KUNIT_EXPECT_TRUE(test, ptx_windows_next(windows, &first, &last));
	first = 6 * PAGE_SIZE;
	KUNIT_EXPECT_FALSE(test, ptx_windows_next(windows, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 6 * PAGE_SIZE);
	kfree(windows);
}

static void windows_are_not_too_many(struct kunit *test)
{
	struct ptx_space *space = test_space(test);
	const struct ptx_windows *full;
	u32 i, reason;

	space->windows = ptx_windows_make(NULL, 0);
	KUNIT_ASSERT_NOT_NULL(test, space->windows);
	/* Three pages, and one without. */
	for (i = 0; i < PTX_SPACE_WINDOWS_MAX; i++)
		KUNIT_ASSERT_EQ(test, window_edit(space, (struct test_pages) { 4 * i, 3 }, true,
						  &reason), 0);
	full = space->windows;
	KUNIT_EXPECT_EQ(test, full->nr, PTX_SPACE_WINDOWS_MAX);

	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { TOP - 1, 1 }, true,
					  &reason), -E2BIG);
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_LIMIT);
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 5, 1 }, false, &reason),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_LIMIT);
	KUNIT_EXPECT_PTR_EQ(test, space->windows, full);

	/* What makes no more of them may be done. */
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 4, 1 }, false, &reason), 0);
	KUNIT_EXPECT_EQ(test, space->windows->nr, PTX_SPACE_WINDOWS_MAX);
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 3, 2 }, true, &reason), 0);
	KUNIT_EXPECT_EQ(test, space->windows->nr, PTX_SPACE_WINDOWS_MAX - 1);
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { TOP - 1, 1 }, true,
					  &reason), 0);
	KUNIT_EXPECT_EQ(test, space->windows->nr, PTX_SPACE_WINDOWS_MAX);
}

static void windows_keep_what_is_mapped(struct kunit *test)
{
	static const struct test_pages before[] = { { 4, 8 } };
	static const struct test_pages after[] = { { 6, 4 } };
	struct ptx_space *space = test_space(test);
	struct ptx_mapping *mapping;
	u32 reason;

	mapping = kunit_kzalloc(test, sizeof(*mapping), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mapping);
	mapping->range.start = 6 * PAGE_SIZE;
	mapping->range.last = 10 * PAGE_SIZE - 1;
	mapping->state = PTX_MAPPING_LIVE;
	interval_tree_insert(&mapping->range, &space->tree);
	space->windows = test_windows(test, before, ARRAY_SIZE(before));

	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 4, 3 }, false, &reason),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_DMA_WINDOW);
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 9, 1 }, false, &reason),
			-EBUSY);
	/* That another batch has chosen it does not say that it will go. */
	mapping->state = PTX_MAPPING_CHOSEN;
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 7, 1 }, false, &reason),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_DMA_WINDOW);
	windows_are(test, space->windows, before, ARRAY_SIZE(before));
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 4, 2 }, false, &reason), 0);
	KUNIT_EXPECT_EQ(test, window_edit(space, (struct test_pages) { 10, 9 }, false, &reason), 0);
	windows_are(test, space->windows, after, ARRAY_SIZE(after));
}

/* A bit for each page tells the same as windows do, wherever the pages are. */

#define MODEL_PAGES	64
#define MODEL_STEPS	2000

struct model_param {
	const char *what;
	u64 base;
	u32 seed;
};

static const struct model_param model_params[] = {
	{ "from 0 on", 0, 1 },
	{ "from 0 on, again", 0, 2 },
	{ "across 4 GiB", (SZ_4G >> PAGE_SHIFT) - MODEL_PAGES / 2, 3 },
	{ "up to the end", TOP - MODEL_PAGES, 4 },
	{ "up to the end, again", TOP - MODEL_PAGES, 5 },
};

static void model_desc(const struct model_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(model, model_params, model_desc);

/* Many of one page, so that there are many windows, and few of very many. */
static struct test_pages model_random(struct rnd_state *rnd)
{
	u32 first = test_random(rnd, MODEL_PAGES);
	u32 max = 1 << test_random(rnd, 7);

	return (struct test_pages) {
		first, 1 + test_random(rnd, min(max, MODEL_PAGES - first))
	};
}

static bool model_has(const unsigned long *model, u32 first, u32 last)
{
	return find_next_zero_bit(model, MODEL_PAGES, first) > last;
}

/* Walks, too: each window is as long as it can be, and none is missing. */
static bool model_is(const struct ptx_windows *windows, const unsigned long *model, u64 base)
{
	unsigned long first = base << PAGE_SHIFT, last;
	u32 bit = 0, end, nr = 0;

	for (;;) {
		bit = find_next_bit(model, MODEL_PAGES, bit);
		if (bit == MODEL_PAGES)
			break;
		end = find_next_zero_bit(model, MODEL_PAGES, bit);
		if (nr == windows->nr || !ptx_windows_next(windows, &first, &last) ||
		    first != (base + bit) << PAGE_SHIFT ||
		    last != ((base + end) << PAGE_SHIFT) - 1 ||
		    windows->range[nr].first != first || windows->range[nr].last != last)
			return false;
		nr++;
		bit = end;
		first = last + 1;
		/* There is nothing beyond the end. */
		if (!first)
			return windows->nr == nr;
	}
	return windows->nr == nr && !ptx_windows_next(windows, &first, &last);
}

static void windows_are_like_a_bitmap(struct kunit *test)
{
	const struct model_param *param = test->param_value;
	struct ptx_space *space = test_space(test);
	DECLARE_BITMAP(model, MODEL_PAGES) = {};
	u32 step, reason, most = 0;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, param->seed);
	space->windows = ptx_windows_make(NULL, 0);
	KUNIT_ASSERT_NOT_NULL(test, space->windows);
	for (step = 0; step < MODEL_STEPS; step++) {
		struct test_pages pages = model_random(&rnd);
		bool add = test_random(&rnd, 2), has;
		struct ptx_space_range range;

		if (add)
			bitmap_set(model, pages.first, pages.pages);
		else
			bitmap_clear(model, pages.first, pages.pages);
		pages.first += param->base;
		KUNIT_ASSERT_EQ(test, window_edit(space, pages, add, &reason), 0);
		KUNIT_ASSERT_TRUE_MSG(test, model_is(space->windows, model, param->base),
				      "seed %u, step %u: %*pbl", param->seed, step,
				      MODEL_PAGES, model);
		most = max(most, space->windows->nr);

		pages = model_random(&rnd);
		has = model_has(model, pages.first, pages.first + pages.pages - 1);
		pages.first += param->base;
		range = test_range(pages);
		KUNIT_ASSERT_EQ(test, ptx_windows_have(space->windows, range.first, range.last),
				has);
		cond_resched();
	}
	/* Else there was little to compare. */
	KUNIT_EXPECT_GT(test, most, 8);
}

/* Made of ranges all at once, as they stand in no order and over each other. */
static void windows_are_made_like_a_bitmap(struct kunit *test)
{
	const struct model_param *param = test->param_value;
	DECLARE_BITMAP(model, MODEL_PAGES);
	struct ptx_space_range ranges[16];
	struct ptx_windows *windows;
	struct test_pages pages;
	struct rnd_state rnd;
	u32 round, i, nr;

	prandom_seed_state(&rnd, param->seed);
	for (round = 0; round < MODEL_STEPS / 8; round++) {
		bitmap_zero(model, MODEL_PAGES);
		nr = test_random(&rnd, ARRAY_SIZE(ranges) + 1);
		for (i = 0; i < nr; i++) {
			pages = model_random(&rnd);
			bitmap_set(model, pages.first, pages.pages);
			pages.first += param->base;
			ranges[i] = test_range(pages);
		}
		windows = ptx_windows_make(ranges, nr);
		KUNIT_ASSERT_NOT_NULL(test, windows);
		KUNIT_EXPECT_TRUE_MSG(test, model_is(windows, model, param->base),
				      "seed %u, round %u: %*pbl", param->seed, round,
				      MODEL_PAGES, model);
		kfree(windows);
		cond_resched();
	}
}

static struct kunit_case window_cases[] = {
	KUNIT_CASE_PARAM(windows_are_edited, edit_gen_params),
	KUNIT_CASE_PARAM(windows_are_made, make_gen_params),
	KUNIT_CASE(windows_all_is_everything),
	KUNIT_CASE(window_begins_and_ends_with_a_page),
	KUNIT_CASE(windows_have_what_is_in_one),
	KUNIT_CASE(windows_are_walked),
	KUNIT_CASE(windows_are_not_too_many),
	KUNIT_CASE(windows_keep_what_is_mapped),
	KUNIT_CASE_PARAM(windows_are_like_a_bitmap, model_gen_params),
	KUNIT_CASE_PARAM(windows_are_made_like_a_bitmap, model_gen_params),
	{}
};

static struct kunit_suite window_suite = {
	.name = "ptx-window",
	.test_cases = window_cases,
};

kunit_test_suites(&window_suite);
