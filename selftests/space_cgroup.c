// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose is the memory that the threads of a DMA space make: the cgroup's of the process
 * that maps, its limit included, for pages and for huge ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
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

TEST_HARNESS_MAIN
