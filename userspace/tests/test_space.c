// SPDX-License-Identifier: GPL-2.0-only
/* DMA spaces: windows and what is beside them, the ioctls, netlink, broken replies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../libptx/src/internal.h"
#include "mock_kernel.h"
#include "tap.h"

static struct ptx_ctx *ctx;

static const struct ptx_error *error(void)
{
	return ptx_ctx_error(ctx);
}

static struct ptx_lease *make(uint32_t flags)
{
	const struct ptx_lease_options options = { .size = sizeof(options), .flags = flags };
	struct ptx_lease *lease;

	if (ptx_lease_create(ctx, "vm", &options, &lease))
		exit(99);
	mock_log_clear();
	return lease;
}

/* The mock knows leases by their file's number: each test begins with none. */
static struct ptx_lease *fresh(void)
{
	mock_reset();
	return make(PTX_LEASE_CREATE_SPACE);
}

static struct ptx_lease *bare(void)
{
	mock_reset();
	return make(0);
}

/* Pages of a small world: the first, and the last there are. */
#define PAGES	24

static uint64_t page_at(unsigned int i, bool high)
{
	return high ? UINT64_MAX - (PAGES - i) * 4096ULL + 1 : i * 4096ULL;
}

static bool covers(const struct ptx_space_range *ranges, size_t nr, uint64_t first,
		   uint64_t last)
{
	for (size_t i = 0; i < nr; i++) {
		if (ranges[i].first <= first && ranges[i].last >= last)
			return true;
	}
	return false;
}

static bool in_order(const struct ptx_space_range *ranges, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (ranges[i].first > ranges[i].last)
			return false;
		/* With something between. */
		if (i && (ranges[i - 1].last == UINT64_MAX ||
			  ranges[i].first <= ranges[i - 1].last + 1))
			return false;
	}
	return true;
}

/* Random windows, against a plain loop over pages. */
static void complement(void)
{
	struct ptx_space_range ranges[8], beside[9];
	unsigned int bad_merge = 0, bad_order = 0, bad_beside = 0, rounds = 0;
	bool wanted[PAGES];

	srand(1);
	for (; rounds < 20000; rounds++) {
		size_t nr = 1 + (size_t)rand() % 7, merged, others;
		bool high = rounds & 1;

		memset(wanted, 0, sizeof(wanted));
		for (size_t i = 0; i < nr; i++) {
			unsigned int a = (unsigned int)rand() % PAGES;
			unsigned int b = a + (unsigned int)rand() % (PAGES - a);

			ranges[i].first = page_at(a, high);
			ranges[i].last = page_at(b, high) + 4095;
			for (; a <= b; a++)
				wanted[a] = true;
		}
		merged = ptx_ranges_merge(ranges, nr);
		others = ptx_ranges_complement(ranges, merged, beside);
		bad_order += merged > nr || others > merged + 1 ||
			     !in_order(ranges, merged) || !in_order(beside, others);
		for (unsigned int i = 0; i < PAGES; i++) {
			uint64_t first = page_at(i, high);

			bad_merge += covers(ranges, merged, first, first + 4095) != wanted[i];
			bad_beside += covers(beside, others, first, first + 4095) == wanted[i];
		}
		/* What is far away is beside, once. */
		bad_beside += !covers(beside, others, 1ULL << 40, (1ULL << 63) - 1);
	}
	is_int(bad_merge, 0, "windows made one are the same windows, %u times", rounds);
	is_int(bad_order, 0, "in order, with something between");
	is_int(bad_beside, 0, "what is beside is all the rest");

	is_int(ptx_ranges_complement(NULL, 0, beside), 1, "beside nothing");
	ok(!beside[0].first && beside[0].last == UINT64_MAX, "is everything");
	ranges[0] = beside[0];
	is_int(ptx_ranges_complement(ranges, 1, beside), 0, "beside everything is nothing");
	is_int(ptx_ranges_merge(ranges, 0), 0, "no windows at all");
}

static void creating(void)
{
	struct ptx_lease_options options = {
		.size = sizeof(options),
		.flags = PTX_LEASE_CREATE_SPACE,
	};
	struct ptx_space_info *space;
	struct ptx_lease *lease;

	mock_reset();
	is_int(ptx_lease_create(ctx, "vm", &options, &lease), 0, "a lease with a space");
	has_str(mock_log(), "create size=ok name=vm flags=4", "as asked");
	is_int(ptx_space_stats(lease, &space), 0, "has one");
	ptx_space_info_free(space);
	ptx_lease_close(lease);
	mock_script("old");
	is_int(ptx_lease_create(ctx, "vm2", &options, &lease), -EOPNOTSUPP, "an older module");
	is_int(ptx_error_reason(error()), PTX_REASON_NO_SPACE, "its reason");
	has_str(ptx_error_message(error()), "older than DMA spaces", "in words");
	has_str(ptx_error_remedy(error()), "load the ptx module", "and what to do");
	options.flags = 0;
	is_int(ptx_lease_create(ctx, "vm2", &options, &lease), 0, "makes one without");
	is_int(ptx_space_stats(lease, &space), -ENOTTY, "and knows no statistics");
	has_str(ptx_error_message(error()), "older than DMA spaces", "in words");
	ptx_lease_close(lease);
	mock_reset();
	mock_script("fail create errno=EOPNOTSUPP reason=no-right");
	options.flags = PTX_LEASE_CREATE_SPACE;
	is_int(ptx_lease_create(ctx, "vm2", &options, &lease), -EOPNOTSUPP, "with a reason");
	is_int(ptx_error_reason(error()), PTX_REASON_NO_RIGHT, "it is that");
}

static void restricting(void)
{
	static const struct ptx_space_range two[] = {
		{ 0x100000000, 0x1ffffffff }, { 0, 0x7fffffff },
	};
	static const struct ptx_space_range odd[] = {
		{ 1, 0xfff }, { 0, 0x1000 }, { 0x2000, 0xfff }, { 0xfff, 0xfff }, { 0, 0 },
	};
	static struct ptx_space_range many[2 * PTX_SPACE_WINDOWS_MAX];
	struct ptx_space_options options = {
		.size = sizeof(options),
		.flags = PTX_SPACE_OPTION_QUOTA,
		.quota = 1 << 30,
		.windows = two,
		.nr_windows = 2,
	};
	struct ptx_lease *lease = fresh();

	is_int(ptx_space_restrict(lease, &options), 0, "two windows and a quota");
	is_str(mock_log(), "ioctl window size=ok flags=2 0x80000000-0xffffffff\n"
	       "ioctl window size=ok flags=2 0x200000000-0xffffffffffffffff\n"
	       "ioctl quota size=ok bytes=1073741824\n", "what is beside goes");
	mock_log_clear();
	options.flags = PTX_SPACE_OPTION_FORCE;
	options.nr_windows = 1;
	is_int(ptx_space_restrict(lease, &options), 0, "by force");
	is_str(mock_log(), "ioctl window size=ok flags=6 0x0-0xffffffff\n"
	       "ioctl window size=ok flags=6 0x200000000-0xffffffffffffffff\n", "likewise");
	mock_script("fail space-window errno=EBUSY reason=dma-window");
	mock_log_clear();
	is_int(ptx_space_restrict(lease, &options), -EBUSY, "something is mapped");
	is_int(ptx_error_reason(error()), PTX_REASON_DMA_WINDOW, "its reason");
	ok(!strstr(mock_log(), "0x200000000"), "it ends there");
	mock_script("fail space-quota errno=EBUSY reason=dma-quota");
	options.flags = PTX_SPACE_OPTION_QUOTA;
	is_int(ptx_space_restrict(lease, &options), -EBUSY, "more is mapped");
	is_int(ptx_error_reason(error()), PTX_REASON_DMA_QUOTA, "its reason");
	mock_script("fail space-window errno=E2BIG reason=limit");
	is_int(ptx_space_restrict(lease, &options), -E2BIG, "too many for the kernel");
	has_str(ptx_error_message(error()), "256", "says how many");
	ok(!strstr(ptx_error_message(error()), "device"), "and nothing of devices");

	mock_log_clear();
	for (size_t i = 0; i < PTX_ARRAY_SIZE(odd); i++) {
		options.windows = &odd[i];
		is_int(ptx_space_restrict(lease, &options), -EINVAL, "odd window %zu", i);
		ok(ptx_error_malformed(error()), "is malformed");
	}
	for (size_t i = 0; i < PTX_ARRAY_SIZE(many); i++)
		many[i] = (struct ptx_space_range){ i * 8192, i * 8192 + 4095 };
	options.windows = many;
	options.nr_windows = PTX_SPACE_WINDOWS_MAX + 1;
	is_int(ptx_space_restrict(lease, &options), -E2BIG, "257 windows");
	options.nr_windows = 0;
	is_int(ptx_space_restrict(lease, &options), -EINVAL, "windows that are none");
	options.windows = NULL;
	options.nr_windows = 1;
	is_int(ptx_space_restrict(lease, &options), -EINVAL, "one that is nowhere");
	options.nr_windows = 0;
	options.flags = PTX_SPACE_OPTION_FORCE;
	is_int(ptx_space_restrict(lease, &options), -EINVAL, "force without windows");
	options.flags = 1 << 9;
	is_int(ptx_space_restrict(lease, &options), -EINVAL, "a flag of the future");
	options.flags = 0;
	options.size = 8;
	is_int(ptx_space_restrict(lease, &options), -EINVAL, "options of no size");
	is_str(mock_log(), "", "of which the kernel hears nothing");
	options.size = sizeof(options);
	is_int(ptx_space_restrict(lease, &options), 0, "nothing to do");
	is_str(mock_log(), "", "and nothing done");

	/* So many that touch are one. */
	for (size_t i = 0; i < PTX_ARRAY_SIZE(many); i++)
		many[i] = (struct ptx_space_range){ i * 4096, i * 4096 + 4095 };
	options.windows = many;
	options.nr_windows = PTX_ARRAY_SIZE(many);
	is_int(ptx_space_restrict(lease, &options), 0, "512 windows in a row");
	is_str(mock_log(), "ioctl window size=ok flags=2 0x200000-0xffffffffffffffff\n", "are one");

	mock_log_clear();
	is_int(ptx_space_allow(lease, two), 0, "a window more");
	is_int(ptx_space_forbid(lease, two, false), 0, "and less");
	is_int(ptx_space_forbid(lease, two, true), 0, "by force");
	is_str(mock_log(), "ioctl window size=ok flags=1 0x100000000-0x1ffffffff\n"
	       "ioctl window size=ok flags=2 0x100000000-0x1ffffffff\n"
	       "ioctl window size=ok flags=6 0x100000000-0x1ffffffff\n", "as asked");
	is_int(ptx_space_allow(lease, odd), -EINVAL, "an odd one");
	mock_script("fail space-window errno=EPERM reason=no-right");
	is_int(ptx_space_allow(lease, two), -EPERM, "without the right");
	is_int(ptx_space_set_quota(lease, 0), 0, "no quota");
	has_str(mock_log(), "quota size=ok bytes=0\n", "as asked");
	ptx_lease_close(lease);

	lease = bare();
	is_int(ptx_space_set_quota(lease, 1), -EOPNOTSUPP, "a lease without a space");
	is_int(ptx_error_reason(error()), PTX_REASON_NO_SPACE, "its reason");
	is_int(ptx_space_forbid(lease, two, false), -EOPNOTSUPP, "has no windows either");
	ptx_lease_close(lease);
}

static void changing(void)
{
	static struct ptx_space_op ops[PTX_SPACE_OPS_MAX + 1] = { {
		.op = PTX_SPACE_MAP,
		.flags = PTX_SPACE_READ | PTX_SPACE_WRITE,
		.iova = 0x10000,
		.vaddr = 0x7f0000,
		.length = 0x3000,
	} };
	struct ptx_lease *lease = fresh();
	uint64_t unmapped = 1;
	size_t culprit = 99;

	is_int(ptx_space_change(lease, ops, 3, &unmapped, &culprit), 0, "a batch");
	is_str(mock_log(), "ioctl change size=ok nr=3 first=1/3:10000<-7f0000+3000\n", "as asked");
	is_int(unmapped, 3 * 4096, "what it unmapped");
	is_int(culprit, 3, "nobody is at fault");
	is_int(ptx_space_change(lease, ops, 1, NULL, NULL), 0, "whoever does not want to know");
	mock_script("fail space-change errno=EDQUOT reason=dma-quota");
	is_int(ptx_space_change(lease, ops, 5, &unmapped, &culprit), -EDQUOT, "beyond the quota");
	is_int(culprit, 4, "which it was");
	is_int(unmapped, 0, "nothing is unmapped");
	is_int(ptx_error_reason(error()), PTX_REASON_DMA_QUOTA, "its reason");
	mock_log_clear();
	is_int(ptx_space_change(lease, ops, 0, NULL, NULL), -EINVAL, "no batch");
	is_int(ptx_space_change(lease, ops, PTX_ARRAY_SIZE(ops), NULL, &culprit), -E2BIG,
	       "too long a batch");
	is_int(culprit, PTX_ARRAY_SIZE(ops), "nobody is at fault");
	is_str(mock_log(), "", "of which the kernel hears nothing");
	is_int(ptx_space_change(lease, ops, PTX_SPACE_OPS_MAX, NULL, NULL), 0, "the longest");
	ptx_lease_close(lease);
	lease = bare();
	is_int(ptx_space_change(lease, ops, 1, NULL, &culprit), -EOPNOTSUPP, "without a space");
	mock_script("old");
	is_int(ptx_space_change(lease, ops, 1, NULL, &culprit), -ENOTTY, "an older module");
	is_int(culprit, 1, "nobody is at fault");
	ptx_lease_close(lease);
}

static void is_space(const struct ptx_space_info *space, bool by_netlink)
{
	uint64_t faults = 0;

	is_int(ptx_space_info_quota(space), 1LL << 33, "quota");
	is_int(ptx_space_info_mapped(space), 0x5000, "mapped");
	is_int(ptx_space_info_pinned(space), 0x4000, "pinned");
	is_int(ptx_space_info_entries(space), 7, "mappings");
	is_int(ptx_space_info_max_entries(space), 100, "and how many may be");
	is_int(ptx_space_info_largest_page(space), 2 << 20, "the largest page");
	ok(ptx_space_info_faults(space, &faults) && faults == 3, "faults");
	is_int(ptx_space_info_container(space), by_netlink, "container");
	is_int(ptx_space_info_nr_windows(space), 2, "windows");
	ok(ptx_space_info_window(space, 1)->first == 0x100000000 &&
	   ptx_space_info_window(space, 1)->last == UINT64_MAX, "the last of them");
	ok(!ptx_space_info_window(space, 2), "and no more");
	is_int(ptx_space_info_pin_times(space)[0], 4, "pinned in no time");
	is_int(ptx_space_info_pin_times(space)[31], 5, "or any");
	is_int(ptx_space_info_map_times(space)[10], 6, "mapped in a millisecond");
	is_int(ptx_space_info_map_times(space)[11], 0, "and not longer");
}

static const char full[] =
	"lease vm id=5\n"
	"space vm quota=0x200000000 mapped=0x5000 pinned=0x4000 entries=7 max_entries=100 "
	"page=0x200000 faults=3 container=1 windows=0x0-0xfff,0x100000000-0xffffffffffffffff "
	"pin=0:4,31:5 map=10:6\n"
	"lease bare id=6\n"
	"lease new id=7\n"
	"space new\n";

static void reading(void)
{
	struct ptx_lease_ref vm = { .name = "vm" }, without = { .name = "bare" };
	struct ptx_lease_ref young = { .name = "new" };
	const struct ptx_space_info *space;
	struct ptx_lease_info_list *list;
	struct ptx_space_info *stats;
	struct ptx_lease_info *info;
	struct ptx_lease *lease;
	uint64_t faults = 77;

	mock_reset();
	mock_script(full);
	is_int(ptx_lease_info_get(ctx, &vm, &info), 0, "a lease with a space");
	is_space(ptx_lease_info_space(info), true);
	ptx_lease_info_free(info);
	is_int(ptx_lease_info_get(ctx, &without, &info), 0, "one without");
	ok(!ptx_lease_info_space(info), "has none");
	ptx_lease_info_free(info);
	is_int(ptx_lease_info_get(ctx, &young, &info), 0, "a new one");
	space = ptx_lease_info_space(info);
	ok(!ptx_space_info_faults(space, &faults) && faults == 77, "no faults are told");
	ok(!ptx_space_info_quota(space) && !ptx_space_info_container(space), "nor a quota");
	ok(ptx_space_info_window(space, 0)->last == UINT64_MAX, "and everything is allowed");
	ptx_lease_info_free(info);
	is_int(ptx_lease_info_list_get(ctx, &list), 0, "all leases");
	ok(ptx_lease_info_space(ptx_lease_info_list_at(list, 0)) &&
	   !ptx_lease_info_space(ptx_lease_info_list_at(list, 1)), "each with its own");
	ptx_lease_info_list_free(list);

	lease = fresh();
	mock_script("space vm quota=0x200000000 mapped=0x5000 pinned=0x4000 entries=7 "
		    "max_entries=100 page=0x200000 faults=3 "
		    "windows=0x0-0xfff,0x100000000-0xffffffffffffffff pin=0:4,31:5 map=10:6");
	is_int(ptx_space_stats(lease, &stats), 0, "by its file");
	is_space(stats, false);
	is_str(mock_log(), "ioctl stats size=ok\nioctl stats size=ok\n", "asked again for room");
	ptx_space_info_free(stats);
	mock_script("space vm");
	is_int(ptx_space_stats(lease, &stats), 0, "a new one");
	ok(!ptx_space_info_faults(stats, &faults), "tells of no faults");
	ptx_space_info_free(stats);
	ptx_space_info_free(NULL);
	mock_script("fail space-stats errno=ENOMEM");
	is_int(ptx_space_stats(lease, &stats), -ENOMEM, "no memory");
	ok(!stats, "nothing comes of it");
	ptx_lease_close(lease);
	lease = bare();
	is_int(ptx_space_stats(lease, &stats), -EOPNOTSUPP, "a lease without a space");
	is_int(ptx_error_reason(error()), PTX_REASON_NO_SPACE, "its reason");
	ptx_lease_close(lease);
}

static void persistent(void)
{
	static const char *const one[] = { "0000:01:00.0" };
	static const struct ptx_space_range two[] = {
		{ 0x2000, 0x2fff }, { 0, 0x1fff },
	};
	static const struct ptx_space_range odd = { 0, 77 };
	static struct ptx_space_range many[PTX_SPACE_WINDOWS_MAX + 1];
	struct ptx_space_options space = { .size = sizeof(space) };
	struct ptx_restrict_options options = {
		.size = sizeof(options),
		.flags = PTX_RESTRICT_SPACE | PTX_RESTRICT_MAX_DEVICES,
		.max_devices = 2,
		.space = &space,
	};
	struct ptx_lease_ref ref = { .name = "vm" };
	struct ptx_lease_info *info;
	const char *names[PTX_DEVICES_MAX];

	mock_reset();
	is_int(ptx_persistent_new_space(ctx, "vm", (uid_t)-1, one, 1, NULL, &space, &info), 0,
	       "a space with everything");
	is_str(mock_log(), "netlink lease-new name=vm devices=0000:01:00.0 space\n", "as asked");
	ok(ptx_lease_info_space(info), "which is told");
	ptx_lease_info_free(info);
	mock_log_clear();
	space.flags = PTX_SPACE_OPTION_QUOTA;
	space.quota = 1 << 20;
	space.windows = two;
	space.nr_windows = 2;
	is_int(ptx_persistent_new_space(ctx, "vm2", (uid_t)-1, NULL, 0, NULL, &space, NULL), 0,
	       "restricted");
	is_str(mock_log(), "netlink lease-new name=vm2 space quota=1048576 0x0-0x2fff\n",
	       "what touches is one");
	mock_log_clear();
	is_int(ptx_persistent_new_space(ctx, "vm3", (uid_t)-1, NULL, 0, NULL, NULL, &info), 0,
	       "none");
	is_str(mock_log(), "netlink lease-new name=vm3\n", "is none");
	ptx_lease_info_free(info);
	mock_log_clear();
	space.windows = &odd;
	space.nr_windows = 1;
	is_int(ptx_persistent_new_space(ctx, "vm4", (uid_t)-1, NULL, 0, NULL, &space, NULL),
	       -EINVAL, "an odd window");
	is_str(mock_log(), "", "of which the kernel hears nothing");

	/* As long as a request may be. */
	for (size_t i = 0; i < PTX_ARRAY_SIZE(many); i++)
		many[i] = (struct ptx_space_range){ i * 8192, i * 8192 + 4095 };
	for (size_t i = 0; i < PTX_ARRAY_SIZE(names); i++)
		names[i] = "0000:01:00.0-a-long-name-indeed";
	space.windows = many;
	space.nr_windows = PTX_SPACE_WINDOWS_MAX;
	is_int(ptx_persistent_new_space(ctx, "vm5", (uid_t)-1, names, PTX_ARRAY_SIZE(names), NULL,
					&space, &info), 0, "a request of full length");
	is_int(ptx_space_info_nr_windows(ptx_lease_info_space(info)), 256, "with all windows");
	ptx_lease_info_free(info);
	space.nr_windows++;
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -E2BIG, "one too many");
	is_int(ptx_error_reason(error()), PTX_REASON_LIMIT, "its reason");

	mock_log_clear();
	space.windows = two;
	space.nr_windows = 1;
	space.flags = PTX_SPACE_OPTION_FORCE | PTX_SPACE_OPTION_QUOTA;
	space.quota = 0;
	is_int(ptx_persistent_restrict(ctx, &ref, &options), 0, "restricted later");
	is_str(mock_log(), "netlink lease-restrict name=vm max=2 space quota=0 0x2000-0x2fff force\n",
	       "as asked");
	ok(!strstr(mock_log(), "INVALID"), "the request kept to the contract");
	options.space = NULL;
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -EINVAL, "to nothing");
	options.space = &space;
	options.size = offsetof(struct ptx_restrict_options, space);
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -EINVAL, "by an old caller");
	options.flags = PTX_RESTRICT_MAX_DEVICES;
	is_int(ptx_persistent_restrict(ctx, &ref, &options), 0, "who can do the rest");
	options.size = sizeof(options);
	options.flags = PTX_RESTRICT_SPACE << 1;
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -EINVAL, "a flag of the future");

	options.flags = PTX_RESTRICT_SPACE;
	mock_script("lease bare id=60");
	ref.name = "bare";
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -EOPNOTSUPP, "one without a space");
	is_int(ptx_error_reason(error()), PTX_REASON_NO_SPACE, "its reason");
	ref.name = "vm";
	mock_script("fail lease-restrict errno=EBUSY reason=dma-window text=\"mapped there\"");
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -EBUSY, "something is mapped");
	has_str(ptx_error_remedy(error()), "--force", "what to do");
	mock_script("fail lease-restrict errno=EBUSY reason=dma-quota");
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -EBUSY, "more is mapped");
	has_str(ptx_error_remedy(error()), "ptxctl stats", "how to see it");
	mock_script("old");
	is_int(ptx_persistent_restrict(ctx, &ref, &options), -EOPNOTSUPP, "an older module");
	has_str(ptx_error_message(error()), "older than DMA spaces", "in words");
	space.flags = 0;
	is_int(ptx_persistent_new_space(ctx, "vm7", (uid_t)-1, NULL, 0, NULL, &space, NULL),
	       -EOPNOTSUPP, "a new one there");
	has_str(ptx_error_message(error()), "older than DMA spaces", "in words");
	mock_reset();
	mock_script("fail lease-new errno=EINVAL text=\"a window begins and ends with a page\"");
	is_int(ptx_persistent_new_space(ctx, "vm7", (uid_t)-1, NULL, 0, NULL, &space, NULL),
	       -EINVAL, "another error");
	has_str(ptx_error_message(error()), "begins and ends", "stays that");
}

/* Attributes of wrong lengths: refused, never read beyond. */
static void hostile(void)
{
	static const unsigned int lengths[] = { 0, 1, 2, 4, 7, 9, 33, 255, 257, 4000 };
	struct ptx_lease_ref ref = { .name = "vm" };
	struct ptx_lease_info *info;
	int bad = 0, taken = 0, err;
	char line[64];

	for (unsigned int attr = 1; attr <= PTX_A_SPACE_MAX; attr++) {
		for (size_t i = 0; i < PTX_ARRAY_SIZE(lengths); i++) {
			bool flag = attr == PTX_A_SPACE_FORCE || attr == PTX_A_SPACE_CONTAINER;

			mock_reset();
			mock_script(full);
			snprintf(line, sizeof(line), "bad space attr=%u len=%u", attr, lengths[i]);
			mock_script(line);
			err = ptx_lease_info_get(ctx, &ref, &info);
			if (!err)
				ptx_lease_info_free(info);
			bad += flag ? err : err != -EPROTO || info;
			taken++;
		}
	}
	is_int(bad, 0, "%d broken attributes of spaces", taken);
	bad = 0;
	for (unsigned int attr = 1; attr <= PTX_A_WINDOW_MAX; attr++) {
		for (size_t i = 0; i < PTX_ARRAY_SIZE(lengths); i++) {
			mock_reset();
			mock_script(full);
			snprintf(line, sizeof(line), "bad window attr=%u len=%u", attr,
				 lengths[i]);
			mock_script(line);
			err = ptx_lease_info_get(ctx, &ref, &info);
			if (!err)
				ptx_lease_info_free(info);
			bad += err != -EPROTO || info;
		}
	}
	is_int(bad, 0, "broken attributes of windows");
	mock_reset();
	mock_script(full);
	/* 0xff..ff is a number, and no window begins behind its end. */
	mock_script("bad window attr=1 len=8");
	is_int(ptx_lease_info_get(ctx, &ref, &info), -EPROTO, "a window that ends before it begins");
	mock_reset();
	mock_script(full);
	mock_script("bad lease-get attr=18 len=40");
	is_int(ptx_lease_info_get(ctx, &ref, &info), -EPROTO, "a space that is no nest");
	is_int(PTX_A_LEASE_SPACE, 18, "that was one");
	mock_reset();
	mock_script(full);
	mock_script("bad lease-get attr=18 len=0");
	is_int(ptx_lease_info_get(ctx, &ref, &info), 0, "an empty one");
	is_int(ptx_space_info_nr_windows(ptx_lease_info_space(info)), 0, "has nothing");
	ptx_lease_info_free(info);
}

int main(void)
{
	mock_install();
	if (ptx_ctx_new(&ctx))
		return 99;
	complement();
	creating();
	restricting();
	changing();
	reading();
	persistent();
	hostile();
	ptx_ctx_free(ctx);
	mock_reset();
	return tap_done();
}
