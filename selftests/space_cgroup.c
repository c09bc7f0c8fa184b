// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose is the memory that the threads of a DMA space make: the cgroup's of the process
 * that maps, its limit included, for pages and for huge ones; and on which nodes: where
 * its policy, that of the memory and its cpuset say.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/space.h"

#define MIB	(1ULL << 20)
/* Enough for several threads. */
#define SIZE	(256 * MIB)
#define ROOT	"/tmp/ptx-cgroup"
#define GROUP	ROOT "/ptx"

FIXTURE(charged)
{
	struct host h;
	int fd;
};

static bool has_controller(const char *name)
{
	char text[256];

	return file_read(ROOT "/cgroup.controllers", text, sizeof(text)) > 0 &&
	       strstr(text, name);
}

FIXTURE_SETUP(charged)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fd = space_lease(self->h.ctl, lease_name());
	ASSERT_LE(0, self->fd);
	mkdir(ROOT, 0700);
	ASSERT_EQ(0, mount("none", ROOT, "cgroup2", 0, NULL));
	ASSERT_EQ(0, file_write(ROOT "/cgroup.subtree_control", "+memory"));
	if (has_controller("hugetlb"))
		ASSERT_EQ(0, file_write(ROOT "/cgroup.subtree_control", "+hugetlb"));
	if (has_controller("cpuset"))
		ASSERT_EQ(0, file_write(ROOT "/cgroup.subtree_control", "+cpuset"));
	ASSERT_EQ(0, mkdir(GROUP, 0700));
}

FIXTURE_TEARDOWN(charged)
{
	int i;

	/* A process that was killed may take a moment to leave it. */
	for (i = 0; i < 200 && rmdir(GROUP); i++)
		usleep(20000);
	EXPECT_EQ(0, umount(ROOT));
	EXPECT_EQ(0, host_end(&self->h));
}

static uint64_t number(const char *path)
{
	char text[64] = "";

	file_read(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

struct maps {
	int fd;
	bool huge;
	const char *counter;
	uint64_t charged;
};

static int maps_in_group(void *arg)
{
	struct maps *x = arg;
	uint64_t before;
	char *m;

	CHECK_EQ(0, file_write(GROUP "/cgroup.procs", "0"));
	m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		 (x->huge ? MAP_HUGETLB : 0), -1, 0);
	CHECK_EQ(0, m == MAP_FAILED);
	before = number(x->counter);
	CHECK_EQ(0, space_map(x->fd, SIZE, m, SIZE, SPACE_RW));
	CHECK_EQ(0, number(x->counter) - before < SIZE);
	return 0;
}

static bool space_is_empty(int fd)
{
	struct ptx_space_stats stats;
	int i;

	for (i = 0; i < 500; i++) {
		if (space_stats(fd, &stats))
			return false;
		if (!stats.out_mapped && !stats.out_entries)
			return true;
		usleep(20000);
	}
	return false;
}

TEST_F(charged, pages)
{
	struct maps x = { self->fd, false, GROUP "/memory.current" };

	EXPECT_EQ(0, child_run(maps_in_group, &x));
	EXPECT_TRUE(space_is_empty(self->fd));
}

TEST_F(charged, huge_pages)
{
	struct maps x = { self->fd, true, GROUP "/hugetlb.2MB.current" };

	if (!has_controller("hugetlb"))
		SKIP(return, "the kernel does not charge huge pages to cgroups");
	ASSERT_EQ(0, file_write("/proc/sys/vm/nr_hugepages", "160"));
	EXPECT_EQ(0, child_run(maps_in_group, &x));
	EXPECT_TRUE(space_is_empty(self->fd));
	EXPECT_EQ(0, file_write("/proc/sys/vm/nr_hugepages", "0"));
}

/* Beyond its limit the process is killed, with the threads, and nothing stays. */
TEST_F(charged, limit)
{
	struct maps x = { self->fd, false, GROUP "/memory.current" };
	pid_t child;
	int status;

	ASSERT_EQ(0, file_write(GROUP "/memory.max", "67108864"));
	if (!access(GROUP "/memory.swap.max", W_OK))
		ASSERT_EQ(0, file_write(GROUP "/memory.swap.max", "0"));
	child = child_start(maps_in_group, &x);
	ASSERT_LT(0, child);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_NE(0, status);
	EXPECT_TRUE(space_is_empty(self->fd));
}

#define PAGE		4096
#define NR_PAGES	(SIZE / PAGE)

/* How memory is to be placed, and how much of it should be on node 1, in percent. */
struct placed {
	int fd;
	bool cpuset;
	int policy;		/* of the process, or MPOL_DEFAULT */
	int of_memory;		/* of the memory, likewise */
	unsigned long nodes;
	int percent;
};

static int is_placed(void *arg)
{
	static void *pages[NR_PAGES];
	static int status[NR_PAGES];
	struct placed *x = arg;
	unsigned int i, there = 0;
	char *m;

	if (x->cpuset)
		CHECK_EQ(0, file_write(GROUP "/cgroup.procs", "0"));
	if (x->policy)
		CHECK_EQ(0, syscall(SYS_set_mempolicy, x->policy, &x->nodes, 8));
	m = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED);
	CHECK_EQ(0, madvise(m, SIZE, MADV_NOHUGEPAGE));
	if (x->of_memory)
		CHECK_EQ(0, syscall(SYS_mbind, m, SIZE, x->of_memory, &x->nodes, 8, 0));
	CHECK_EQ(0, space_map(x->fd, SIZE, m, SIZE, SPACE_RW));
	for (i = 0; i < NR_PAGES; i++)
		pages[i] = m + (size_t)i * PAGE;
	CHECK_EQ(0, syscall(SYS_move_pages, 0, NR_PAGES, pages, NULL, status, 0));
	for (i = 0; i < NR_PAGES; i++)
		there += status[i] == 1;
	CHECK_EQ(x->percent, (int)(there * 100ULL / NR_PAGES));
	return 0;
}

#define NEED_NODES()						\
	do {							\
		if (access("/sys/devices/system/node/node1", F_OK)) \
			SKIP(return, "the machine has one memory node"); \
	} while (0)

TEST_F(charged, nodes_of_a_policy)
{
	struct placed x = { .fd = self->fd, .policy = MPOL_BIND, .nodes = 2, .percent = 100 };

	NEED_NODES();
	EXPECT_EQ(0, child_run(is_placed, &x));
	x.nodes = 1;
	x.percent = 0;
	EXPECT_EQ(0, child_run(is_placed, &x));
	/* Turn by turn, whichever thread it is. */
	x.policy = MPOL_DEFAULT;
	x.of_memory = MPOL_INTERLEAVE;
	x.nodes = 3;
	x.percent = 50;
	EXPECT_EQ(0, child_run(is_placed, &x));
	EXPECT_TRUE(space_is_empty(self->fd));
}

TEST_F(charged, nodes_of_a_cpuset)
{
	struct placed x = { .fd = self->fd, .cpuset = true, .percent = 100 };

	NEED_NODES();
	if (!has_controller("cpuset"))
		SKIP(return, "the kernel has no cpusets");
	ASSERT_EQ(0, file_write(GROUP "/cpuset.mems", "1"));
	EXPECT_EQ(0, child_run(is_placed, &x));
	ASSERT_EQ(0, file_write(GROUP "/cpuset.mems", "0"));
	x.percent = 0;
	EXPECT_EQ(0, child_run(is_placed, &x));
	EXPECT_TRUE(space_is_empty(self->fd));
}

TEST_HARNESS_MAIN
