// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the journal, the table of kinds, the names of reset methods, the
 * verdicts, what they let be overridden, and the rules of resets. Nothing here touches a device.
 */
#include <kunit/test.h>
#include <linux/device.h>
#include <linux/major.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "catalog.h"
#include "group.h"
#include "guard.h"
#include "journal.h"
#include "lease.h"
#include "reset.h"

/* Journal: a change to a number, undone by putting the old one back. */

struct test_entry {
	struct ptx_entry entry;
	int *where;
	int old;
	int *order;
	enum ptx_undo says;
};

static int test_freed;

static enum ptx_undo test_undo(struct ptx_entry *entry)
{
	struct test_entry *e = container_of(entry, struct test_entry, entry);

	*e->where = e->old;
	*e->order = *e->order * 10 + e->old;
	return e->says;
}

static void test_free(struct ptx_entry *entry)
{
	test_freed++;
	kfree(container_of(entry, struct test_entry, entry));
}

static const struct ptx_step test_step = {
	.doing = "changing",
	.undoing = "changing back",
	.undo = test_undo,
	.free = test_free,
};

static void test_change(struct kunit *test, struct ptx_journal *journal,
			int *where, int new, int *order, bool arm,
			enum ptx_undo says)
{
	struct test_entry *e = kzalloc(sizeof(*e), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, e);
	e->where = where;
	e->old = *where;
	e->order = order;
	e->says = says;
	ptx_journal_reserve(journal, &e->entry, &test_step);
	KUNIT_EXPECT_STREQ(test, journal->at, "changing");
	if (!arm)
		return;
	*where = new;
	ptx_journal_arm(journal, &e->entry);
	KUNIT_EXPECT_NULL(test, journal->at);
}

static void journal_unwinds_last_first(struct kunit *test)
{
	struct ptx_journal journal;
	int value = 1, order = 0;

	test_freed = 0;
	ptx_journal_init(&journal);
	test_change(test, &journal, &value, 2, &order, true, PTX_UNDO_DONE);
	test_change(test, &journal, &value, 3, &order, true, PTX_UNDO_DONE);
	test_change(test, &journal, &value, 4, &order, true, PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, value, 4);
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_EQ(test, order, 321);
	KUNIT_EXPECT_EQ(test, test_freed, 3);
	KUNIT_EXPECT_TRUE(test, list_empty(&journal.entries));
}

/* As a claim does that goes back to the pool. */
static void journal_unwinds_one_kind(struct kunit *test)
{
	struct ptx_step kind = test_step;
	struct ptx_journal journal;
	int value = 1, order = 0;

	test_freed = 0;
	ptx_journal_init(&journal);
	test_change(test, &journal, &value, 2, &order, true, PTX_UNDO_DONE);
	/* The last one is of another kind, and there is nothing to do. */
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind_step(&journal, &kind), PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, value, 2);
	test_change(test, &journal, &value, 3, &order, true, PTX_UNDO_DONE);
	list_first_entry(&journal.entries, struct ptx_entry, node)->step = &kind;
	test_change(test, &journal, &value, 4, &order, true, PTX_UNDO_DRIVERLESS);
	list_first_entry(&journal.entries, struct ptx_entry, node)->step = &kind;
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind_step(&journal, &kind), PTX_UNDO_DRIVERLESS);
	KUNIT_EXPECT_EQ(test, value, 2);
	KUNIT_EXPECT_EQ(test, order, 32);
	KUNIT_EXPECT_EQ(test, test_freed, 2);
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_EQ(test, test_freed, 3);
}

static void journal_skips_what_never_happened(struct kunit *test)
{
	struct ptx_journal journal;
	int value = 1, order = 0;

	test_freed = 0;
	ptx_journal_init(&journal);
	test_change(test, &journal, &value, 2, &order, true, PTX_UNDO_DONE);
	test_change(test, &journal, &value, 3, &order, false, PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_EQ(test, order, 1);
	KUNIT_EXPECT_EQ(test, test_freed, 2);
}

static void journal_reports_the_worst_and_goes_on(struct kunit *test)
{
	struct ptx_journal journal;
	int value = 1, order = 0;

	test_freed = 0;
	ptx_journal_init(&journal);
	test_change(test, &journal, &value, 2, &order, true, PTX_UNDO_DONE);
	test_change(test, &journal, &value, 3, &order, true, PTX_UNDO_DRIVERLESS);
	test_change(test, &journal, &value, 4, &order, true, PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_DRIVERLESS);
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_EQ(test, test_freed, 3);
}

static void journal_twice_is_once(struct kunit *test)
{
	struct ptx_journal journal;
	int value = 1, order = 0;

	ptx_journal_init(&journal);
	test_change(test, &journal, &value, 2, &order, true, PTX_UNDO_DONE);
	ptx_journal_unwind(&journal);
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, order, 1);
}

static void journal_tells_where_it_is(struct kunit *test)
{
	struct ptx_journal journal;
	ktime_t before;

	ptx_journal_init(&journal);
	KUNIT_EXPECT_NULL(test, journal.at);
	before = ktime_get();
	ptx_journal_at(&journal, "waiting");
	KUNIT_EXPECT_STREQ(test, journal.at, "waiting");
	KUNIT_EXPECT_FALSE(test, ktime_before(journal.since, before));
}

/* The walk stops where a device is not well, and goes on from there later. */
static void journal_stops_at_quarantine(struct kunit *test)
{
	struct ptx_journal journal;
	int value = 1, order = 0;
	struct test_entry *sick;

	ptx_journal_init(&journal);
	test_change(test, &journal, &value, 2, &order, true, PTX_UNDO_DONE);
	test_change(test, &journal, &value, 3, &order, true, PTX_UNDO_QUARANTINED);
	test_change(test, &journal, &value, 4, &order, true, PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_QUARANTINED);
	KUNIT_EXPECT_EQ(test, order, 32);
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_QUARANTINED);
	KUNIT_EXPECT_EQ(test, order, 322);
	sick = list_first_entry(&journal.entries, struct test_entry, entry.node);
	sick->says = PTX_UNDO_DONE;
	KUNIT_EXPECT_EQ(test, ptx_journal_unwind(&journal), PTX_UNDO_DONE);
	KUNIT_EXPECT_EQ(test, order, 32221);
	KUNIT_EXPECT_EQ(test, value, 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&journal.entries));
}

static struct kunit_case journal_cases[] = {
	KUNIT_CASE(journal_stops_at_quarantine),
	KUNIT_CASE(journal_unwinds_last_first),
	KUNIT_CASE(journal_unwinds_one_kind),
	KUNIT_CASE(journal_skips_what_never_happened),
	KUNIT_CASE(journal_reports_the_worst_and_goes_on),
	KUNIT_CASE(journal_twice_is_once),
	KUNIT_CASE(journal_tells_where_it_is),
	{}
};

static struct kunit_suite journal_suite = {
	.name = "ptx-journal",
	.test_cases = journal_cases,
};

/* Kinds: every row of the table, and the edges of its masks. */

struct kind_param {
	const char *what;
	u32 class;
	u16 vendor;
	u16 device;
	enum ptx_kind kind;
};

static const struct kind_param kind_params[] = {
	{ "VGA", 0x030000, 0x10de, 0x2330, PTX_KIND_GPU },
	{ "3D controller", 0x030200, 0x10de, 0x2330, PTX_KIND_GPU },
	{ "display, other", 0x038000, 0x1002, 0x740f, PTX_KIND_GPU },
	{ "processing accelerator", 0x120000, 0x1234, 0x0001, PTX_KIND_NPU },
	{ "amdxdna Phoenix", 0x118000, 0x1022, 0x1502, PTX_KIND_NPU },
	{ "amdxdna Strix", 0x118000, 0x1022, 0x17f0, PTX_KIND_NPU },
	{ "ivpu Meteor Lake", 0x120000, 0x8086, 0x7d1d, PTX_KIND_NPU },
	{ "ivpu Arrow Lake", 0x120000, 0x8086, 0xad1d, PTX_KIND_NPU },
	{ "ivpu Lunar Lake", 0x120000, 0x8086, 0x643e, PTX_KIND_NPU },
	{ "ivpu Panther Lake", 0x120000, 0x8086, 0xb03e, PTX_KIND_NPU },
	{ "qaic AIC080", 0xff0000, 0x17cb, 0xa080, PTX_KIND_NPU },
	{ "qaic AIC100", 0xff0000, 0x17cb, 0xa100, PTX_KIND_NPU },
	{ "Gaudi, any device", 0x088000, 0x1da3, 0x1020, PTX_KIND_NPU },
	{ "Coral", 0x088000, 0x1ac1, 0x089a, PTX_KIND_NPU },
	{ "Coral's vendor, another device", 0x088000, 0x1ac1, 0x0001, PTX_KIND_OTHER },
	{ "Hailo", 0x0b4000, 0x1e60, 0x2864, PTX_KIND_NPU },
	{ "host bridge", 0x060000, 0x8086, 0x29c0, PTX_KIND_BRIDGE },
	{ "PCI bridge", 0x060400, 0x8086, 0x0001, PTX_KIND_BRIDGE },
	{ "NVMe", 0x010802, 0x1b36, 0x0010, PTX_KIND_NVME },
	{ "NVMe, admin controller", 0x010803, 0x144d, 0xa804, PTX_KIND_NVME },
	{ "SATA", 0x010601, 0x8086, 0x2922, PTX_KIND_STORAGE },
	{ "Ethernet", 0x020000, 0x8086, 0x10d3, PTX_KIND_NIC },
	{ "InfiniBand", 0x020700, 0x15b3, 0x101b, PTX_KIND_NIC },
	{ "AC97", 0x040100, 0x8086, 0x2415, PTX_KIND_AUDIO },
	{ "HD audio", 0x040300, 0x8086, 0x2668, PTX_KIND_AUDIO },
	{ "video capture", 0x040000, 0x1234, 0x0002, PTX_KIND_OTHER },
	{ "xHCI", 0x0c0330, 0x1033, 0x0194, PTX_KIND_USB },
	{ "SMBus", 0x0c0500, 0x8086, 0x2930, PTX_KIND_OTHER },
	{ "nothing at all", 0, 0, 0, PTX_KIND_OTHER },
};

static void kind_desc(const struct kind_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(kind, kind_params, kind_desc);

static void kind_is(struct kunit *test)
{
	const struct kind_param *param = test->param_value;

	KUNIT_EXPECT_EQ(test, ptx_kind_by_id(param->class, param->vendor,
					     param->device), param->kind);
}

static void reset_methods_have_names(struct kunit *test)
{
	static const u8 methods[] = { 3, 6, 0, 5 };
	static const u8 all[] = { 1, 2, 3, 4, 5, 6, 7, 99 };
	char buf[PTX_RESET_METHODS_SIZE];

	ptx_reset_method_names(methods, ARRAY_SIZE(methods), buf, sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf, "flr bus");
	ptx_reset_method_names(all, ARRAY_SIZE(all), buf, sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf,
			   "device_specific acpi flr af_flr pm bus cxl_bus unknown");
	ptx_reset_method_names(methods, 0, buf, sizeof(buf));
	KUNIT_EXPECT_STREQ(test, buf, "");
	ptx_reset_method_names(all, ARRAY_SIZE(all), buf, 8);
	KUNIT_EXPECT_STREQ(test, buf, "device_");
}

static struct kunit_case catalog_cases[] = {
	KUNIT_CASE_PARAM(kind_is, kind_gen_params),
	KUNIT_CASE(reset_methods_have_names),
	{}
};

static struct kunit_suite catalog_suite = {
	.name = "ptx-catalog",
	.test_cases = catalog_cases,
};

/* Verdicts: what a group looks like, and what must be said of it. */

struct verdict_param {
	const char *what;
	struct ptx_group_look look;
	struct ptx_member_look member;
	u32 reasons[4];
};

static const struct verdict_param verdict_params[] = {
	{ "nothing in the way", { .isolated_msi = true },
	  { .requested = true, .driver_takes = true }, { } },
	{ "held by a lease", { .isolated_msi = true, .holder = 7 },
	  { .requested = true, .driver_takes = true }, { PTX_REASON_HELD } },
	{ "held, so its use is not news",
	  { .isolated_msi = true, .holder = 7, .in_use = true },
	  { .requested = true, .driver_takes = true }, { PTX_REASON_HELD } },
	{ "in use by others", { .isolated_msi = true, .in_use = true },
	  { .requested = true, .driver_takes = true }, { PTX_REASON_IN_USE } },
	{ "in use, but the pool's: it sees to that",
	  { .isolated_msi = true, .in_use = true, .pooled = true },
	  { .requested = true, .driver_takes = true }, { } },
	{ "the pool's, in a lease", { .isolated_msi = true, .holder = 7, .pooled = true },
	  { .requested = true, .driver_takes = true }, { PTX_REASON_HELD } },
	{ "RMRR", { .isolated_msi = true, .direct_region = true },
	  { .requested = true, .driver_takes = true },
	  { PTX_REASON_RESERVED_REGION } },
	{ "no interrupt remapping", { },
	  { .requested = true, .driver_takes = true },
	  { PTX_REASON_NO_MSI_ISOLATION } },
	{ "a mate, widened", { .isolated_msi = true },
	  { .driver_takes = true }, { } },
	{ "a mate, exact", { .isolated_msi = true, .exact = true },
	  { .driver_takes = true }, { PTX_REASON_GROUP_SHARED } },
	{ "requested, exact", { .isolated_msi = true, .exact = true },
	  { .requested = true, .driver_takes = true }, { } },
	{ "not a VFIO driver", { .isolated_msi = true },
	  { .requested = true }, { PTX_REASON_BAD_DRIVER } },
	{ "everything at once", { .in_use = true, .direct_region = true },
	  { .requested = true, .driver_takes = true },
	  { PTX_REASON_IN_USE, PTX_REASON_RESERVED_REGION,
	    PTX_REASON_NO_MSI_ISOLATION } },
};

static void verdict_desc(const struct verdict_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(verdict, verdict_params, verdict_desc);

static void verdict_is(struct kunit *test)
{
	const struct verdict_param *param = test->param_value;
	struct ptx_blockers blockers = { .max = 8 };
	struct ptx_blocker *list;
	unsigned int i, expected = 0;

	list = kunit_kcalloc(test, blockers.max, sizeof(*list), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, list);
	blockers.list = list;
	ptx_group_judge(&param->look, "0000:01:00.0", &blockers);
	ptx_member_judge(&param->look, &param->member, "0000:01:00.0", &blockers);
	while (expected < ARRAY_SIZE(param->reasons) && param->reasons[expected])
		expected++;
	KUNIT_ASSERT_EQ(test, blockers.nr, expected);
	for (i = 0; i < expected; i++) {
		KUNIT_EXPECT_EQ(test, list[i].reason, param->reasons[i]);
		KUNIT_EXPECT_STREQ(test, list[i].culprit, "0000:01:00.0");
	}
	if (param->look.holder)
		KUNIT_EXPECT_EQ(test, list[0].lease, param->look.holder);
}

static void blockers_count_beyond_their_room(struct kunit *test)
{
	struct ptx_blocker list[2] = {};
	struct ptx_blockers blockers = { .list = list, .max = 2 };

	ptx_blockers_add(&blockers, PTX_REASON_HELD, "a", 1);
	ptx_blockers_add(&blockers, PTX_REASON_IN_USE, "b", 0);
	ptx_blockers_add(&blockers, PTX_REASON_GONE, "c", 0);
	KUNIT_EXPECT_EQ(test, blockers.nr, 3);
	KUNIT_EXPECT_EQ(test, blockers.first.reason, PTX_REASON_HELD);
	KUNIT_EXPECT_STREQ(test, blockers.first.culprit, "a");
	KUNIT_EXPECT_EQ(test, blockers.first.lease, 1);
	KUNIT_EXPECT_EQ(test, list[1].reason, PTX_REASON_IN_USE);
	ptx_blockers_add(NULL, PTX_REASON_HELD, "d", 0);
}

static struct kunit_case verdict_cases[] = {
	KUNIT_CASE_PARAM(verdict_is, verdict_gen_params),
	KUNIT_CASE(blockers_count_beyond_their_room),
	{}
};

static struct kunit_suite verdict_suite = {
	.name = "ptx-verdict",
	.test_cases = verdict_cases,
};

/* Names: what may be typed, and what may not. */

struct name_param {
	const char *what;
	const char *name;
	size_t len;
	bool valid;
};

#define NAME(_what, _name, _valid) { _what, _name, sizeof(_name) - 1, _valid }

static const struct name_param name_params[] = {
	NAME("plain", "vm1", true),
	NAME("one byte", "x", true),
	NAME("two-byte UTF-8", "caf\xc3\xa9", true),
	NAME("three-byte UTF-8", "\xe2\x82\xac", true),
	NAME("four-byte UTF-8", "\xf0\x9f\x90\xa7", true),
	NAME("empty", "", false),
	NAME("zero byte", "a\0b", false),
	NAME("newline", "a\nb", false),
	NAME("escape", "\x1b[2J", false),
	NAME("delete", "a\x7f", false),
	NAME("C1 control", "a\xc2\x9b", false),
	NAME("truncated", "a\xe2\x82", false),
	NAME("lone continuation", "\x80", false),
	NAME("overlong slash", "\xc0\xaf", false),
	NAME("overlong zero", "\xc0\x80", false),
	NAME("surrogate", "\xed\xa0\x80", false),
	NAME("beyond Unicode", "\xf4\x90\x80\x80", false),
	NAME("Latin-1", "caf\xe9", false),
	NAME("63 bytes",
	     "012345678901234567890123456789012345678901234567890123456789012", true),
	NAME("64 bytes",
	     "0123456789012345678901234567890123456789012345678901234567890123",
	     false),
};

static void name_desc(const struct name_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(name, name_params, name_desc);

static void name_is(struct kunit *test)
{
	const struct name_param *param = test->param_value;

	KUNIT_EXPECT_EQ(test, ptx_lease_name_valid(param->name, param->len),
			param->valid);
}

static struct kunit_case name_cases[] = {
	KUNIT_CASE_PARAM(name_is, name_gen_params),
	{}
};

static struct kunit_suite name_suite = {
	.name = "ptx-name",
	.test_cases = name_cases,
};

/* Guards */

struct override_param {
	const char *what;
	u32 reason;
	u32 flags;
	bool may;
};

#define FORCE	PTX_ADD_FLAGS_FORCE
#define DISPLAY	PTX_ADD_FLAGS_BOOT_DISPLAY
#define EXACT	PTX_ADD_FLAGS_EXACT

static const struct override_param override_params[] = {
	{ "network", PTX_REASON_NET_UP, 0, false },
	{ "network, exact", PTX_REASON_NET_UP, EXACT, false },
	{ "network, display", PTX_REASON_NET_UP, DISPLAY, false },
	{ "network, force", PTX_REASON_NET_UP, FORCE, true },
	{ "node", PTX_REASON_NODE_OPEN, DISPLAY, false },
	{ "node, force", PTX_REASON_NODE_OPEN, FORCE, true },
	{ "display", PTX_REASON_BOOT_DISPLAY, 0, false },
	{ "display, force", PTX_REASON_BOOT_DISPLAY, FORCE, false },
	{ "display, display", PTX_REASON_BOOT_DISPLAY, DISPLAY, true },
	{ "mounted", PTX_REASON_MOUNTED, FORCE | DISPLAY | EXACT, false },
	{ "held block device", PTX_REASON_BLOCK_HELD, FORCE | DISPLAY | EXACT, false },
	{ "console", PTX_REASON_CONSOLE, FORCE | DISPLAY | EXACT, false },
	{ "VFs", PTX_REASON_VFS_ENABLED, FORCE | DISPLAY | EXACT, false },
	{ "another lease", PTX_REASON_HELD, FORCE | DISPLAY | EXACT, false },
	{ "RMRR", PTX_REASON_RESERVED_REGION, FORCE | DISPLAY | EXACT, false },
	{ "MSI", PTX_REASON_NO_MSI_ISOLATION, FORCE | DISPLAY | EXACT, false },
};

static void override_desc(const struct override_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(override, override_params, override_desc);

static void override_is(struct kunit *test)
{
	const struct override_param *param = test->param_value;

	KUNIT_EXPECT_EQ(test, ptx_guard_may_override(param->reason, param->flags),
			param->may);
}

/* The lab's first serial port has the console, its fourth does not exist. */
static void console_is_found(struct kunit *test)
{
	struct device *dev = kunit_kzalloc(test, sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	dev->devt = MKDEV(TTY_MAJOR, 64);
	KUNIT_EXPECT_EQ(test, ptx_guard_tty(dev), PTX_REASON_CONSOLE);
	dev->devt = MKDEV(TTY_MAJOR, 67);
	KUNIT_EXPECT_EQ(test, ptx_guard_tty(dev), PTX_REASON_NONE);
	dev->devt = 0;
	KUNIT_EXPECT_EQ(test, ptx_guard_tty(dev), PTX_REASON_NONE);
}

static struct kunit_case guard_cases[] = {
	KUNIT_CASE_PARAM(override_is, override_gen_params),
	KUNIT_CASE(console_is_found),
	{}
};

static struct kunit_suite guard_suite = {
	.name = "ptx-guard",
	.test_cases = guard_cases,
};

/* Resets: what the rules make of real devices */

#define M(method)	BIT(PTX_RESET_##method)
#define BUSES		(M(BUS) | M(CXL_BUS))
#define FLRS		(M(FLR) | M(AF_FLR))
#define EVERYTHING	(M(DEVICE_SPECIFIC) | M(ACPI) | FLRS | M(PM) | BUSES | \
			 M(D3COLD) | M(RESCAN))
#define GPU		0x030000
#define NVME		0x010802

struct reset_param {
	const char *what;
	struct ptx_reset_ids ids;
	struct ptx_reset_plan plan;
};

static const struct reset_param reset_params[] = {
	{ "nothing special", { .vendor = 0x1234, .device = 0x11e8 },
	  { .ready_ms = 60000 } },
	{ "NVMe", { NVME, 0x1b36, 0x0010 },
	  { .ready_ms = 60000, .ready = PTX_READY_NVME } },
	{ "Intel DC P3700", { NVME, 0x8086, 0x0953 },
	  { .ready_ms = 60000, .ready = PTX_READY_NVME, .after_ms = 250 } },
	{ "Solidigm P44 Pro", { NVME, 0x025e, 0xf1ac },
	  { .ready_ms = 60000, .ready = PTX_READY_NVME, .after_ms = 250 } },
	{ "AMD Polaris 10, behind a bridge", { GPU, 0x1002, 0x67df },
	  { .ready_ms = 60000, .banned = BUSES | M(PM) } },
	{ "AMD Polaris 10, on the root bus", { GPU, 0x1002, 0x67df, .root_bus = true },
	  { .ready_ms = 60000, .banned = BUSES } },
	{ "just below Polaris", { 0x038000, 0x1002, 0x67bf, .root_bus = true },
	  { .ready_ms = 60000 } },
	{ "AMD Vega 20", { GPU, 0x1002, 0x66af },
	  { .ready_ms = 60000, .banned = BUSES | M(PM), .after_ms = 500 } },
	{ "AMD Navi 14", { GPU, 0x1002, 0x7340 },
	  { .ready_ms = 60000, .banned = M(PM), .after_ms = 500 } },
	{ "AMD Radeon 9070", { GPU, 0x1002, 0x7550 },
	  { .ready_ms = 60000, .banned = M(PM) | M(D3COLD), .hopeless = true, .awake = true } },
	{ "AMD Radeon 9060, on the root bus", { GPU, 0x1002, 0x7590, .root_bus = true },
	  { .ready_ms = 60000, .banned = M(PM) | M(D3COLD), .hopeless = true, .awake = true } },
	{ "Intel Ivy Bridge, mobile", { GPU, 0x8086, 0x0156 },
	  { .ready_ms = 60000, .first = PTX_RESET_DEVICE_SPECIFIC } },
	{ "Samsung SM961", { NVME, 0x144d, 0xa804 },
	  { .ready_ms = 60000, .ready = PTX_READY_NVME,
	    .first = PTX_RESET_DEVICE_SPECIFIC } },
	{ "AMD MI300X PF", { 0x120000, 0x1002, 0x74a1, .physfn = true },
	  { .ready_ms = 60000, .banned = EVERYTHING, .keeps_memory = true } },
	{ "AMD MI300X without VFs", { 0x120000, 0x1002, 0x74a1 },
	  { .ready_ms = 60000 } },
	{ "NVIDIA Ampere", { GPU, 0x10de, 0x2204 },
	  { .ready_ms = 5000, .ready = PTX_READY_NVIDIA, .keeps_memory = true } },
	{ "NVIDIA Blackwell", { GPU, 0x10de, 0x2b85 },
	  { .ready_ms = 15000, .ready = PTX_READY_NVIDIA, .keeps_memory = true } },
	{ "NVIDIA H100", { 0x030200, 0x10de, 0x2342 },
	  { .ready_ms = 5000, .ready = PTX_READY_NVIDIA, .banned = BUSES, .keeps_memory = true } },
	{ "ivshmem", { 0x050000, 0x1af4, 0x1110 },
	  { .ready_ms = 60000, .keeps_memory = true, .memory_bars = BIT(2) } },
	{ "NVIDIA HD audio", { 0x040300, 0x10de, 0x1aef },
	  { .ready_ms = 60000, .before_ms = 20 } },
	{ "Intel 5912", { GPU, 0x8086, 0x5912 },
	  { .ready_ms = 60000, .banned = FLRS } },
	{ "AMD Matisse USB", { 0x0c0330, 0x1022, 0x149c },
	  { .ready_ms = 60000, .banned = FLRS } },
	{ "Intel 82579V", { 0x020000, 0x8086, 0x1503 },
	  { .ready_ms = 60000, .banned = FLRS } },
	{ "MediaTek MT7925", { 0x028000, 0x14c3, 0x7925 },
	  { .ready_ms = 60000, .banned = FLRS } },
	{ "ASMedia ASM1164", { 0x010601, 0x1b21, 0x1164 },
	  { .ready_ms = 60000, .banned = BUSES } },
	{ "Atheros 0033", { 0x028000, 0x168c, 0x0033 },
	  { .ready_ms = 60000, .banned = BUSES } },
	{ "Atheros 0031", { 0x028000, 0x168c, 0x0031 }, { .ready_ms = 60000 } },
	{ "Qualcomm WCN7850", { 0x028000, 0x17cb, 0x1107 },
	  { .ready_ms = 60000, .banned = BUSES } },
	{ "Cavium a100", { 0x0b3000, 0x177d, 0xa100 },
	  { .ready_ms = 60000, .banned = BUSES } },
	{ "TI KeyStone", { 0x048000, 0x104c, 0xb005 },
	  { .ready_ms = 60000, .banned = BUSES } },
};

static void reset_desc(const struct reset_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(reset, reset_params, reset_desc);

static void reset_plan_is(struct kunit *test)
{
	const struct reset_param *param = test->param_value;
	struct ptx_reset_plan plan;

	ptx_reset_plan_by_ids(&param->ids, &plan);
	KUNIT_EXPECT_EQ(test, plan.banned, param->plan.banned);
	KUNIT_EXPECT_EQ(test, plan.before_ms, param->plan.before_ms);
	KUNIT_EXPECT_EQ(test, plan.after_ms, param->plan.after_ms);
	KUNIT_EXPECT_EQ(test, plan.ready_ms, param->plan.ready_ms);
	KUNIT_EXPECT_EQ(test, plan.ready, param->plan.ready);
	KUNIT_EXPECT_EQ(test, plan.hopeless, param->plan.hopeless);
	KUNIT_EXPECT_EQ(test, plan.awake, param->plan.awake);
	KUNIT_EXPECT_EQ(test, plan.first, param->plan.first);
	KUNIT_EXPECT_EQ(test, plan.keeps_memory, param->plan.keeps_memory);
	KUNIT_EXPECT_EQ(test, plan.memory_bars, param->plan.memory_bars);
}

static void reset_methods_are_narrowed_in_order(struct kunit *test)
{
	const struct ptx_reset_plan plan = { .banned = FLRS };
	const u8 methods[PCI_NUM_RESET_METHODS] = {
		PTX_RESET_BUS, PTX_RESET_FLR, PTX_RESET_PM, PTX_RESET_AF_FLR,
	};
	u8 permitted[PCI_NUM_RESET_METHODS];

	memset(permitted, 0xff, sizeof(permitted));
	ptx_reset_permitted(&plan, methods, permitted);
	KUNIT_EXPECT_EQ(test, permitted[0], PTX_RESET_BUS);
	KUNIT_EXPECT_EQ(test, permitted[1], PTX_RESET_PM);
	KUNIT_EXPECT_EQ(test, permitted[2], 0);
	KUNIT_EXPECT_EQ(test, permitted[PCI_NUM_RESET_METHODS - 1], 0);
}

static void reset_methods_begin_with_the_first(struct kunit *test)
{
	const struct ptx_reset_plan plan = { .banned = M(PM), .first = PTX_RESET_FLR };
	const u8 methods[PCI_NUM_RESET_METHODS] = {
		PTX_RESET_BUS, PTX_RESET_PM, PTX_RESET_AF_FLR, PTX_RESET_FLR,
	};
	u8 permitted[PCI_NUM_RESET_METHODS];

	ptx_reset_permitted(&plan, methods, permitted);
	KUNIT_EXPECT_EQ(test, permitted[0], PTX_RESET_FLR);
	KUNIT_EXPECT_EQ(test, permitted[1], PTX_RESET_BUS);
	KUNIT_EXPECT_EQ(test, permitted[2], PTX_RESET_AF_FLR);
	KUNIT_EXPECT_EQ(test, permitted[3], 0);
}

static struct kunit_case reset_cases[] = {
	KUNIT_CASE_PARAM(reset_plan_is, reset_gen_params),
	KUNIT_CASE(reset_methods_are_narrowed_in_order),
	KUNIT_CASE(reset_methods_begin_with_the_first),
	{}
};

static struct kunit_suite reset_suite = {
	.name = "ptx-reset",
	.test_cases = reset_cases,
};

kunit_test_suites(&journal_suite, &catalog_suite, &verdict_suite, &name_suite,
		  &guard_suite, &reset_suite);

MODULE_DESCRIPTION("KUnit tests of ptx");
MODULE_LICENSE("GPL");
/* MODULE_IMPORT_NS() takes a bare word on some kernels, a string on others. */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
