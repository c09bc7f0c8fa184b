// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA spaces over netlink: lease-new and lease-restrict with windows and a quota, what
 * lease-get says of them, and messages that are wrong.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/space.h"

#define MIB		(1ULL << 20)
#define PAGE		4096ULL
#define END		(~0ULL)

FIXTURE(space)
{
	struct host h;
	struct nl *nl;
	struct nl_req *r;
	size_t nest;
	struct nl_lease l;
	char *memory;
	uint64_t id;
	int fd;
};

FIXTURE_SETUP(space)
{
	struct query q;

	ASSERT_EQ(0, host_begin(&self->h));
	self->nl = &self->h.nl;
	self->r = malloc(sizeof(*self->r));
	ASSERT_NE(NULL, self->r);
	self->memory = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	/* One of a file, with a space. */
	self->fd = space_lease(self->h.ctl, lease_name());
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, lease_query(self->fd, &q));
	self->id = q.q.out_id;
}

FIXTURE_TEARDOWN(space)
{
	EXPECT_EQ(0, host_end(&self->h));
	EXPECT_EQ(0, space_locked_kib());
	free(self->r);
}

/* lease-new of "space", or lease-restrict of the lease, up to the nest of its space. */
static void start(FIXTURE_DATA(space) *self, uint8_t cmd)
{
	nl_start(self->nl, self->r, cmd, 0);
	if (cmd == PTX_CMD_LEASE_NEW)
		nl_put_str(self->r, PTX_A_LEASE_NAME, "space");
	else
		nl_put_u64(self->r, PTX_A_LEASE_ID, self->id);
	self->nest = nl_nest(self->r, PTX_A_LEASE_SPACE);
}

static int finish(FIXTURE_DATA(space) *self)
{
	nl_nest_end(self->r, self->nest);
	return nl_call(self->nl, self->r, NULL, NULL);
}

#define EXPECT_REASON(want, err)					\
	do {								\
		EXPECT_EQ(err, finish(self)) TH_LOG("%s", self->nl->msg); \
		EXPECT_EQ(want, self->nl->reason) TH_LOG("%s", self->nl->msg); \
	} while (0)

#define EXPECT_WINDOW(nr, from, to)					\
	do {								\
		EXPECT_EQ(from, self->l.space.windows[nr].first);	\
		EXPECT_EQ(to, self->l.space.windows[nr].last);		\
	} while (0)

#define GET(what) \
	ASSERT_EQ(0, nl_lease_get(self->nl, (what) ? 0 : self->id, what, &self->l))

TEST_F(space, without)
{
	struct nl_lease l;

	ASSERT_EQ(0, nl_lease_new(self->nl, "none", NULL, 0, 0, &l));
	EXPECT_FALSE(l.has_space);
	EXPECT_EQ(0, l.unknown);
	GET(NULL);
	EXPECT_TRUE(self->l.has_space);
	EXPECT_EQ(0, nl_lease_release(self->nl, l.id, 0));
}

/* A nest with nothing in it is a space without limits. */
TEST_F(space, new_empty)
{
	start(self, PTX_CMD_LEASE_NEW);
	ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	GET("space");
	EXPECT_EQ(0, self->l.unknown);
	EXPECT_TRUE(self->l.persistent);
	ASSERT_TRUE(self->l.has_space);
	EXPECT_EQ(0, self->l.space.quota);
	EXPECT_EQ(0, self->l.space.mapped);
	EXPECT_EQ(0, self->l.space.pinned);
	EXPECT_EQ(0, self->l.space.entries);
	EXPECT_EQ(PTX_SPACE_ENTRIES_MAX, self->l.space.max_entries);
	EXPECT_EQ(0, self->l.space.largest_page);
	EXPECT_EQ(0, self->l.space.pinned_times);
	EXPECT_EQ(0, self->l.space.mapped_times);
	EXPECT_FALSE(self->l.space.container);
	ASSERT_EQ(1, self->l.space.nr_windows);
	EXPECT_WINDOW(0, 0, END);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
}

TEST_F(space, new_with_limits)
{
	start(self, PTX_CMD_LEASE_NEW);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, 3 * MIB + 1);
	/* In any order, some that touch, some that overlap. */
	nl_put_window(self->r, 64 * MIB, END);
	nl_put_window(self->r, 2 * MIB, 3 * MIB - 1);
	nl_put_window(self->r, MIB, 2 * MIB - 1);
	nl_put_window(self->r, 8 * MIB, 8 * MIB + PAGE - 1);
	nl_put_window(self->r, 2 * MIB + PAGE, 4 * MIB - 1);
	ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	GET("space");
	EXPECT_EQ(0, self->l.unknown);
	EXPECT_EQ(3 * MIB + 1, self->l.space.quota);
	ASSERT_EQ(3, self->l.space.nr_windows);
	EXPECT_WINDOW(0, MIB, 4 * MIB - 1);
	EXPECT_WINDOW(1, 8 * MIB, 8 * MIB + PAGE - 1);
	EXPECT_WINDOW(2, 64 * MIB, END);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
}

/* With a device in the same message, which a VMM opens: the numbers are its own. */
TEST_F(space, new_with_device)
{
	const struct pci_fn *fn = self->h.nr_edu ? self->h.edu[0] : NULL;
	struct vfio v = VFIO_CLOSED;

	NEED(fn, "an edu that is alone in its group");
	nl_start(self->nl, self->r, PTX_CMD_LEASE_NEW, 0);
	nl_put_str(self->r, PTX_A_LEASE_NAME, "space");
	nl_put_str(self->r, PTX_A_LEASE_DEVICE, fn->name);
	self->nest = nl_nest(self->r, PTX_A_LEASE_SPACE);
	/* vfio_map() takes 16 MiB for its address. */
	nl_put_window(self->r, 16 * MIB, 17 * MIB - 1);
	ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	ASSERT_EQ(0, vfio_open(&v, fn->group, fn->name));
	EXPECT_EQ(-EPERM, vfio_map(&v, 2 * MIB));
	munmap(v.buf, v.len);
	ASSERT_EQ(0, vfio_map(&v, MIB));
	GET("space");
	EXPECT_EQ(MIB, self->l.space.mapped);
	EXPECT_EQ(MIB, self->l.space.pinned);
	EXPECT_EQ(1, self->l.space.entries);
	EXPECT_EQ(1, self->l.space.pinned_times);
	EXPECT_EQ(1, self->l.space.mapped_times);
	EXPECT_LE(PAGE, self->l.space.largest_page);
	EXPECT_TRUE(self->l.space.container);
	vfio_close(&v);
	GET("space");
	EXPECT_EQ(0, self->l.space.mapped + self->l.space.pinned + self->l.space.entries);
	EXPECT_EQ(1, self->l.space.pinned_times);
	EXPECT_FALSE(self->l.space.container);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
}

/* What comes through the lease file shows here, too. */
TEST_F(space, numbers)
{
	struct ptx_space_stats stats;

	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, MIB, SPACE_RW));
	ASSERT_EQ(0, space_map(self->fd, 4 * MIB, self->memory, PAGE, PTX_SPACE_READ));
	ASSERT_EQ(0, space_quota(self->fd, 2 * MIB));
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, 2 * MIB, 3 * MIB - 1));
	ASSERT_EQ(0, space_stats(self->fd, &stats));
	GET(NULL);
	EXPECT_EQ(0, self->l.unknown);
	EXPECT_FALSE(self->l.persistent);
	EXPECT_EQ(MIB + PAGE, self->l.space.mapped);
	EXPECT_EQ(MIB + PAGE, self->l.space.pinned);
	EXPECT_EQ(2, self->l.space.entries);
	EXPECT_EQ(2 * MIB, self->l.space.quota);
	EXPECT_EQ(2, self->l.space.pinned_times);
	EXPECT_EQ(stats.out_faults, self->l.space.faults);
	EXPECT_EQ(stats.out_largest_page, self->l.space.largest_page);
	ASSERT_EQ(2, self->l.space.nr_windows);
	EXPECT_WINDOW(0, 0, 2 * MIB - 1);
	EXPECT_WINDOW(1, 3 * MIB, END);
	ASSERT_EQ(1, nl_lease_list(self->nl, &self->l, 1));
	EXPECT_EQ(MIB + PAGE, self->l.space.mapped);
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

TEST_F(space, restrict_quota)
{
	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, MIB, SPACE_RW));
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB - 1);
	EXPECT_REASON(PTX_REASON_DMA_QUOTA, -EBUSY);
	/* Windows are what is forced. */
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB - PAGE);
	nl_put(self->r, PTX_A_SPACE_FORCE, NULL, 0);
	EXPECT_REASON(PTX_REASON_DMA_QUOTA, -EBUSY);
	GET(NULL);
	EXPECT_EQ(0, self->l.space.quota);
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB);
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(-EDQUOT, space_map(self->fd, 4 * MIB, self->memory, PAGE, SPACE_RW));
	/* More, and any number. */
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB + PAGE);
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(0, space_map(self->fd, 4 * MIB, self->memory, PAGE, SPACE_RW));
	EXPECT_EQ(-EDQUOT, space_map(self->fd, 5 * MIB, self->memory, PAGE, SPACE_RW));
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, 0);
	ASSERT_EQ(0, finish(self));
	EXPECT_EQ(0, space_map(self->fd, 5 * MIB, self->memory, MIB, SPACE_RW));
	GET(NULL);
	EXPECT_EQ(0, self->l.space.quota);
	EXPECT_EQ(2 * MIB + PAGE, self->l.space.mapped);
	EXPECT_EQ(1, self->l.space.nr_windows);
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

TEST_F(space, restrict_windows)
{
	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, MIB, SPACE_RW));
	ASSERT_EQ(0, space_map(self->fd, 4 * MIB, self->memory, PAGE, SPACE_RW));
	/* One of the two would be outside; the quota that came along does not stay. */
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, 8 * MIB);
	nl_put_window(self->r, 4 * MIB, 5 * MIB - 1);
	EXPECT_REASON(PTX_REASON_DMA_WINDOW, -EBUSY);
	/* A page of it would be. */
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_window(self->r, MIB, 2 * MIB - PAGE - 1);
	nl_put_window(self->r, 4 * MIB, 5 * MIB - 1);
	EXPECT_REASON(PTX_REASON_DMA_WINDOW, -EBUSY);
	GET(NULL);
	EXPECT_EQ(0, self->l.space.quota);
	EXPECT_EQ(2, self->l.space.entries);
	ASSERT_EQ(1, self->l.space.nr_windows);
	EXPECT_WINDOW(0, 0, END);
	/* Both are inside. */
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_window(self->r, MIB, 2 * MIB - 1);
	nl_put_window(self->r, 4 * MIB, 5 * MIB - 1);
	ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	EXPECT_EQ(-EPERM, space_map(self->fd, 2 * MIB, self->memory, PAGE, SPACE_RW));
	EXPECT_EQ(1028, space_locked_kib());
	/* Forced: what is outside goes, all of it. */
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_window(self->r, MIB + PAGE, 8 * MIB - 1);
	nl_put(self->r, PTX_A_SPACE_FORCE, NULL, 0);
	ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	EXPECT_EQ(4, space_locked_kib());
	GET(NULL);
	EXPECT_EQ(PAGE, self->l.space.mapped);
	EXPECT_EQ(1, self->l.space.entries);
	ASSERT_EQ(1, self->l.space.nr_windows);
	EXPECT_WINDOW(0, MIB + PAGE, 8 * MIB - 1);
	/* Nothing said, nothing changed. */
	start(self, PTX_CMD_LEASE_RESTRICT);
	ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put(self->r, PTX_A_SPACE_FORCE, NULL, 0);
	ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	GET(NULL);
	EXPECT_WINDOW(0, MIB + PAGE, 8 * MIB - 1);
	EXPECT_EQ(1, self->l.space.entries);
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

/* A lease without a space gets none, and the rest of the message is not done either. */
TEST_F(space, restrict_none)
{
	ASSERT_EQ(0, nl_lease_new(self->nl, "none", NULL, 0, 0, &self->l));
	nl_start(self->nl, self->r, PTX_CMD_LEASE_RESTRICT, 0);
	nl_put_u64(self->r, PTX_A_LEASE_ID, self->l.id);
	nl_put_u32(self->r, PTX_A_LEASE_OWNER, NOBODY);
	self->nest = nl_nest(self->r, PTX_A_LEASE_SPACE);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB);
	EXPECT_REASON(PTX_REASON_NO_SPACE, -EOPNOTSUPP);
	GET("none");
	EXPECT_FALSE(self->l.has_space);
	EXPECT_EQ(0, self->l.owner);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
}

static int outsider(void *arg)
{
	FIXTURE_DATA(space) *self = arg;

	CHECK_EQ(0, nl_open(self->nl));
	start(self, PTX_CMD_LEASE_RESTRICT);
	nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB);
	CHECK_EQ(-EPERM, finish(self));
	start(self, PTX_CMD_LEASE_NEW);
	CHECK_EQ(-EPERM, finish(self));
	return 0;
}

TEST_F(space, rights)
{
	EXPECT_EQ(0, child_run_as(NOBODY, outsider, self));
	GET(NULL);
	EXPECT_EQ(0, self->l.space.quota);
}

/* What is wrong in either command, with everything else right. */

static const uint8_t commands[] = { PTX_CMD_LEASE_NEW, PTX_CMD_LEASE_RESTRICT };

/* Refused, and the one lease that there is has no limits. */
#define EXPECT_NOTHING()						\
	do {								\
		ASSERT_EQ(1, nl_lease_list(self->nl, &self->l, 1));	\
		EXPECT_EQ(0, self->l.space.quota);			\
		ASSERT_EQ(1, self->l.space.nr_windows);			\
		EXPECT_WINDOW(0, 0, END);				\
	} while (0)

TEST_F(space, bad_windows)
{
	static const struct ptx_space_range bad[] = {
		{ 1, MIB - 1 }, { PAGE / 2, MIB - 1 }, { 0, MIB }, { 0, MIB - 2 },
		{ MIB, MIB }, { MIB, MIB - 1 }, { 2 * MIB, MIB - 1 }, { PAGE, 0 },
		{ END, END }, { END, 0 }, { 0, 0 }, { 0, END - 1 },
		/* Which is the last address of none. */
		{ MIB, MIB - PAGE - 1 },
	};
	unsigned int c, i;

	for (c = 0; c < ARRAY_SIZE(commands); c++)
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			start(self, commands[c]);
			nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB);
			nl_put_window(self->r, 16 * MIB, 17 * MIB - 1);
			nl_put_window(self->r, bad[i].first, bad[i].last);
			EXPECT_EQ(-EINVAL, finish(self)) TH_LOG("row %u", i);
			EXPECT_NE('\0', self->nl->msg[0]);
			EXPECT_NE(0, self->nl->offset);
		}
	EXPECT_NOTHING();
}

TEST_F(space, half_windows)
{
	size_t window;
	unsigned int c, i;

	for (c = 0; c < ARRAY_SIZE(commands); c++)
		for (i = 0; i < 4; i++) {
			start(self, commands[c]);
			window = nl_nest(self->r, PTX_A_SPACE_WINDOW);
			if (i == 0)
				nl_put_u64(self->r, PTX_A_WINDOW_FIRST, MIB);
			if (i == 1)
				nl_put_u64(self->r, PTX_A_WINDOW_LAST, MIB - 1);
			if (i == 2) {
				nl_put_u64(self->r, PTX_A_WINDOW_FIRST, MIB);
				nl_put_u32(self->r, PTX_A_WINDOW_LAST, 2 * MIB - 1);
			}
			nl_nest_end(self->r, window);
			EXPECT_GT(0, finish(self)) TH_LOG("row %u", i);
			start(self, commands[c]);
			window = nl_nest(self->r, PTX_A_SPACE_WINDOW);
			nl_put_u64(self->r, PTX_A_WINDOW_FIRST, MIB);
			nl_put_u64(self->r, PTX_A_WINDOW_LAST, 2 * MIB - 1);
			nl_put_u64(self->r, PTX_A_WINDOW_MAX + 1 + i, MIB);
			nl_nest_end(self->r, window);
			EXPECT_GT(0, finish(self)) TH_LOG("unknown %u", i);
		}
	EXPECT_NOTHING();
}

TEST_F(space, many_windows)
{
	unsigned int c, i;

	for (c = 0; c < ARRAY_SIZE(commands); c++) {
		start(self, commands[c]);
		for (i = 0; i <= PTX_SPACE_WINDOWS_MAX; i++)
			nl_put_window(self->r, 2 * i * MIB, (2 * i + 1) * MIB - 1);
		EXPECT_REASON(PTX_REASON_LIMIT, -E2BIG);
	}
	EXPECT_NOTHING();
	for (c = 0; c < ARRAY_SIZE(commands); c++) {
		start(self, commands[c]);
		for (i = PTX_SPACE_WINDOWS_MAX; i--; )
			nl_put_window(self->r, 2 * i * MIB, (2 * i + 1) * MIB - 1);
		ASSERT_EQ(0, finish(self)) TH_LOG("%s", self->nl->msg);
	}
	GET(NULL);
	EXPECT_EQ(PTX_SPACE_WINDOWS_MAX, self->l.space.nr_windows);
	EXPECT_EQ(0, self->l.unknown);
	EXPECT_WINDOW(7, 14 * MIB, 15 * MIB - 1);
	EXPECT_EQ(2, nl_lease_list(self->nl, NULL, 0));
	GET("space");
	EXPECT_EQ(PTX_SPACE_WINDOWS_MAX, self->l.space.nr_windows);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
}

/* State is for the kernel to say. */
TEST_F(space, attributes_of_answers)
{
	static const uint64_t times[PTX_SPACE_TIMES];
	unsigned int c, type;

	for (c = 0; c < ARRAY_SIZE(commands); c++)
		for (type = PTX_A_SPACE_MAPPED; type <= PTX_A_SPACE_MAX; type++) {
			start(self, commands[c]);
			nl_put_u64(self->r, PTX_A_SPACE_QUOTA, MIB);
			if (type == PTX_A_SPACE_CONTAINER)
				nl_put(self->r, type, NULL, 0);
			else if (type == PTX_A_SPACE_PIN_TIMES || type == PTX_A_SPACE_MAP_TIMES)
				nl_put(self->r, type, times, sizeof(times));
			else
				nl_put_u64(self->r, type, 1);
			EXPECT_EQ(-EINVAL, finish(self)) TH_LOG("attribute %u", type);
			EXPECT_NE('\0', self->nl->msg[0]);
			EXPECT_NE(0, self->nl->offset);
		}
	EXPECT_NOTHING();
}

TEST_F(space, bad_attributes)
{
	static const char bytes[16];
	unsigned int c, i;

	for (c = 0; c < ARRAY_SIZE(commands); c++) {
		for (i = 0; i <= 16; i++) {
			if (i == 8)
				continue;
			start(self, commands[c]);
			nl_put(self->r, PTX_A_SPACE_QUOTA, bytes, i);
			EXPECT_GT(0, finish(self)) TH_LOG("quota of %u bytes", i);
		}
		start(self, commands[c]);
		nl_put_u32(self->r, PTX_A_SPACE_FORCE, 1);
		EXPECT_GT(0, finish(self));
		start(self, commands[c]);
		nl_put_u64(self->r, PTX_A_SPACE_MAX + 1, 1);
		EXPECT_GT(0, finish(self));
		start(self, commands[c]);
		nl_put_u64(self->r, PTX_A_SPACE_WINDOW, 1);
		EXPECT_GT(0, finish(self));
		/* Longer than the message. */
		start(self, commands[c]);
		nl_put_raw(self->r, PTX_A_SPACE_QUOTA, 200, bytes, 8);
		EXPECT_GT(0, finish(self));
		/* No nest at all. */
		nl_start(self->nl, self->r, commands[c], 0);
		nl_put_str(self->r, PTX_A_LEASE_NAME, "space");
		nl_put_u64(self->r, PTX_A_LEASE_SPACE, 1);
		EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
		/* Two spaces. */
		start(self, commands[c]);
		nl_nest_end(self->r, self->nest);
		self->nest = nl_nest(self->r, PTX_A_LEASE_SPACE);
		EXPECT_EQ(-EINVAL, finish(self));
	}
	EXPECT_NOTHING();
}

/* The last of several does not win: that would hide what somebody meant. */
TEST_F(space, twice)
{
	size_t window;
	unsigned int c;

	for (c = 0; c < ARRAY_SIZE(commands); c++) {
		start(self, commands[c]);
		nl_put_u64(self->r, PTX_A_SPACE_QUOTA, 64 * MIB);
		nl_put_u64(self->r, PTX_A_SPACE_QUOTA, 32 * MIB);
		EXPECT_EQ(-EINVAL, finish(self));
		start(self, commands[c]);
		window = nl_nest(self->r, PTX_A_SPACE_WINDOW);
		nl_put_u64(self->r, PTX_A_WINDOW_FIRST, MIB);
		nl_put_u64(self->r, PTX_A_WINDOW_FIRST, 2 * MIB);
		nl_put_u64(self->r, PTX_A_WINDOW_LAST, 4 * MIB - 1);
		nl_nest_end(self->r, window);
		EXPECT_EQ(-EINVAL, finish(self));
	}
	EXPECT_NOTHING();
}

/* Random attributes in good nests. */
TEST_F(space, noise)
{
	unsigned int i, k, len;
	char bytes[64];
	struct nl_lease l;

	srand(1);
	for (i = 0; i < 200; i++) {
		start(self, commands[i & 1]);
		for (k = rand() % 4; k; k--) {
			for (len = 0; len < sizeof(bytes); len++)
				bytes[len] = rand() % 16 ? 0 : rand();
			nl_put(self->r, rand() % 16 | (rand() & 1 ? NLA_F_NESTED : 0), bytes,
			       rand() % 2 ? 8 : rand() % sizeof(bytes));
		}
		EXPECT_GE(0, finish(self));
		if (!nl_lease_get(self->nl, 0, "space", &l))
			ASSERT_EQ(0, nl_lease_release(self->nl, l.id, 0));
	}
	GET(NULL);
	EXPECT_EQ(0, self->l.space.entries);
}

TEST_HARNESS_MAIN
