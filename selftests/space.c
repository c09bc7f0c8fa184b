// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lease's DMA space: what is mapped, by whom, where it may be, and that a device
 * reaches that and nothing else. Through the lease file, and as an unmodified VMM
 * does, through a VFIO container.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/mman.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/space.h"

#define MIB		(1ULL << 20)
#define PAGE		4096ULL

FIXTURE(dma)
{
	struct host h;
	const struct pci_fn *fn;
	struct vfio v;
	int fd;
	char *memory;
	struct ptx_space_stats stats;
};

#define MEMORY		(64 * MIB)

FIXTURE_SETUP(dma)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	self->fn = self->h.nr_edu ? self->h.edu[0] : NULL;
	self->fd = space_lease(self->h.ctl, lease_name());
	ASSERT_LE(0, self->fd);
	self->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
}

FIXTURE_TEARDOWN(dma)
{
	vfio_close(&self->v);
	munmap(self->memory, MEMORY);
	EXPECT_EQ(0, host_end(&self->h));
	EXPECT_EQ(0, space_locked_kib());
}

#define OPEN_EDU()							\
	do {								\
		NEED(self->fn, "an edu that is alone in its group");	\
		ASSERT_EQ(0, lease_add_names(self->fd, self->fn->name, NULL)); \
		ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name)); \
	} while (0)

TEST_F(dma, map_and_unmap)
{
	uint64_t unmapped;

	EXPECT_EQ(0, space_map(self->fd, MIB, self->memory, 2 * MIB, SPACE_RW));
	EXPECT_EQ(2048, space_locked_kib());
	EXPECT_EQ(-EEXIST, space_map(self->fd, MIB, self->memory, PAGE, SPACE_RW));
	EXPECT_EQ(-EEXIST, space_map(self->fd, 3 * MIB - PAGE, self->memory, 2 * PAGE,
				     SPACE_RW));
	EXPECT_EQ(0, space_map(self->fd, 3 * MIB, self->memory, PAGE, PTX_SPACE_READ));
	EXPECT_EQ(2052, space_locked_kib());
	EXPECT_EQ(-EINVAL, space_unmap(self->fd, MIB, MIB, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_EQ(0, space_unmap(self->fd, 3 * MIB, PAGE, &unmapped));
	EXPECT_EQ(PAGE, unmapped);
	EXPECT_EQ(0, space_unmap(self->fd, 3 * MIB, PAGE, &unmapped));
	EXPECT_EQ(0, unmapped);
	EXPECT_EQ(0, space_unmap_all(self->fd, &unmapped));
	EXPECT_EQ(2 * MIB, unmapped);
	EXPECT_EQ(0, space_locked_kib());
}

TEST_F(dma, container)
{
	OPEN_EDU();
	ASSERT_EQ(0, vfio_map(&self->v, MIB));
	memset(self->v.buf, 0xa5, PAGE);
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, self->v.iova, self->v.iova + 2 * PAGE,
				  4000));
	EXPECT_EQ(0, memcmp(self->v.buf, (char *)self->v.buf + 2 * PAGE, 4000));
	/* It is the same space that the lease file has. */
	EXPECT_EQ(-EEXIST, space_map(self->fd, self->v.iova, self->memory, PAGE, SPACE_RW));
	vfio_close(&self->v);
	EXPECT_EQ(0, space_locked_kib());
}

TEST_F(dma, what_the_device_reaches)
{
	/* It has 28 bits of address. */
	uint64_t at = 64 * MIB, buffer = 128 * MIB;
	char *from = self->memory, *to = self->memory + 16 * PAGE;

	OPEN_EDU();
	ASSERT_EQ(0, space_map(self->fd, at, from, 4 * PAGE, PTX_SPACE_READ));
	ASSERT_EQ(0, space_map(self->fd, buffer, to, 4 * PAGE, SPACE_RW));
	memset(from, 0x5a, 4 * PAGE);
	memset(to, 0, 4 * PAGE);
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, at, buffer, 4000));
	EXPECT_EQ(0, memcmp(from, to, 4000));
	/* It may not write there. */
	memset(to, 0x11, PAGE);
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, buffer, at, 4000));
	EXPECT_EQ(0x5a, from[0]);
	/* What is not mapped any more it does not reach. */
	ASSERT_EQ(0, space_unmap(self->fd, buffer, 4 * PAGE, NULL));
	memset(to, 0x22, PAGE);
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, at, buffer, 4000));
	EXPECT_EQ(0x22, to[0]);
	EXPECT_EQ(0x22, to[3999]);
}

/* What is refused, and which of a batch is at fault. */
TEST_F(dma, bad_changes)
{
	char *m = self->memory, *hole = m + 8 * MIB, *fixed;
	const struct {
		struct ptx_space_op op;
		int want;
		uint32_t reason;
	} rows[] = {
		{ { .op = 0 }, -EOPNOTSUPP, 0 },
		{ { .op = 4 }, -EOPNOTSUPP, 0 },
		{ { .op = PTX_SPACE_MAP, .iova = MIB, .vaddr = (uintptr_t)m, .length = PAGE },
		  -EINVAL, 0 },
		{ space_map_op(MIB, m, PAGE, 4), -EOPNOTSUPP, 0 },
		{ space_map_op(MIB, m, 0, SPACE_RW), -EINVAL, 0 },
		{ space_map_op(MIB + 1, m, PAGE, SPACE_RW), -EINVAL, 0 },
		{ space_map_op(MIB, m + 1, PAGE, SPACE_RW), -EINVAL, 0 },
		{ space_map_op(MIB, m, PAGE + 1, SPACE_RW), -EINVAL, 0 },
		{ space_map_op(0 - PAGE, m, 2 * PAGE, SPACE_RW), -EINVAL, 0 },
		{ space_map_op(MIB, (void *)(0 - PAGE), 2 * PAGE, SPACE_RW), -EINVAL, 0 },
		{ space_map_op(MIB, (void *)(0 - PAGE), PAGE, SPACE_RW), -EFAULT,
		  PTX_REASON_DMA_MEMORY },
		{ space_map_op(MIB, (void *)(1ULL << 47), PAGE, SPACE_RW), -EFAULT,
		  PTX_REASON_DMA_MEMORY },
		{ space_map_op(MIB, hole, PAGE, SPACE_RW), -EFAULT, PTX_REASON_DMA_MEMORY },
		/* The last page is not there. */
		{ space_map_op(MIB, hole - MIB, MIB + PAGE, SPACE_RW), -EFAULT,
		  PTX_REASON_DMA_MEMORY },
		/* It may be read, not written. */
		{ space_map_op(MIB, hole + MIB, PAGE, SPACE_RW), -EFAULT,
		  PTX_REASON_DMA_MEMORY },
		{ space_map_op(MIB, hole + MIB, PAGE, PTX_SPACE_READ), 0, 0 },
		{ { .op = PTX_SPACE_UNMAP, .flags = 1, .iova = MIB, .length = PAGE },
		  -EOPNOTSUPP, 0 },
		{ { .op = PTX_SPACE_UNMAP, .iova = MIB, .vaddr = PAGE, .length = PAGE },
		  -EINVAL, 0 },
		{ space_unmap_op(MIB, 0), -EINVAL, 0 },
		{ space_unmap_op(MIB + 1, PAGE), -EINVAL, 0 },
		{ space_unmap_op(MIB, 1), -EINVAL, 0 },
		{ space_unmap_op(0 - PAGE, 2 * PAGE), -EINVAL, 0 },
		{ { .op = PTX_SPACE_UNMAP_ALL, .iova = PAGE }, -EINVAL, 0 },
		{ { .op = PTX_SPACE_UNMAP_ALL, .length = PAGE }, -EINVAL, 0 },
	};
	struct ptx_space_change change;
	struct ptx_space_op ops[3];
	unsigned int i;

	ASSERT_EQ(0, munmap(hole, MIB));
	fixed = mmap(hole + MIB, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		     -1, 0);
	ASSERT_EQ(hole + MIB, fixed);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ops[0] = space_map_op(64 * MIB, m, PAGE, SPACE_RW);
		ops[1] = rows[i].op;
		ops[2] = space_map_op(65 * MIB, m, PAGE, SPACE_RW);
		EXPECT_EQ(rows[i].want, space_batch(self->fd, ops, 3, &change)) {
			TH_LOG("row %u", i);
		}
		EXPECT_EQ(rows[i].reason, change.out_reason) {
			TH_LOG("row %u", i);
		}
		if (rows[i].want) {
			EXPECT_EQ(1, change.out_op);
			/* And nothing of the others has happened. */
			EXPECT_EQ(0, space_locked_kib());
			EXPECT_EQ(0, space_stats(self->fd, &self->stats));
			EXPECT_EQ(0, self->stats.out_mapped);
			EXPECT_EQ(0, self->stats.out_entries);
		}
		ASSERT_EQ(0, space_unmap_all(self->fd, NULL));
	}
	memset(&change, 0, sizeof(change));
	EXPECT_EQ(-EINVAL, space_change(self->fd, &change));
	change = (struct ptx_space_change){ .nr_ops = PTX_SPACE_OPS_MAX + 1 };
	EXPECT_EQ(-E2BIG, space_change(self->fd, &change));
	EXPECT_EQ(PTX_REASON_LIMIT, change.out_reason);
	change = (struct ptx_space_change){ .nr_ops = 1, .ops = 8 };
	EXPECT_EQ(-EFAULT, space_change(self->fd, &change));
	change = (struct ptx_space_change){ .nr_ops = 1, .ops = (uintptr_t)ops, .flags = 1 };
	EXPECT_EQ(-EOPNOTSUPP, space_change(self->fd, &change));
}

TEST_F(dma, a_lease_without_one)
{
	int fd = lease_create(self->h.ctl, lease_name(), NULL);
	struct ptx_space_change change;
	struct ptx_space_op op = space_map_op(MIB, self->memory, PAGE, SPACE_RW);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EOPNOTSUPP, space_batch(fd, &op, 1, &change));
	EXPECT_EQ(PTX_REASON_NO_SPACE, change.out_reason);
	EXPECT_EQ(-EOPNOTSUPP, space_window(fd, PTX_SPACE_WINDOW_REMOVE, 0, PAGE - 1));
	EXPECT_EQ(-EOPNOTSUPP, space_quota(fd, MIB));
	EXPECT_EQ(-EOPNOTSUPP, space_stats(fd, &self->stats));
	close(fd);
}

/* What opens a device of another driver nobody asks what its DMA goes through. */
TEST_F(dma, drivers_that_ask_nobody)
{
	struct add add;

	NEED(self->fn, "an edu that is alone in its group");
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) && system("modprobe vfio-pci"))
		SKIP(return, "no vfio-pci");
	add_init(&add, (const char *const []){ self->fn->name }, 1);
	strcpy(add.a.driver, "vfio-pci");
	EXPECT_EQ(-EOPNOTSUPP, lease_add(self->fd, &add));
	EXPECT_EQ(PTX_REASON_BAD_DRIVER, add.a.out_reason);
	EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
}

TEST_F(dma, batches_are_whole)
{
	struct ptx_space_change change;
	struct ptx_space_op ops[4];
	uint64_t unmapped;

	ASSERT_EQ(0, space_map(self->fd, 4 * MIB, self->memory, MIB, SPACE_RW));
	ASSERT_EQ(0, space_map(self->fd, 5 * MIB, self->memory, MIB, SPACE_RW));
	/* One goes, two come, at once. */
	ops[0] = space_unmap_op(4 * MIB, MIB);
	ops[1] = space_map_op(6 * MIB, self->memory, MIB, SPACE_RW);
	ops[2] = space_map_op(7 * MIB, self->memory, MIB, SPACE_RW);
	ASSERT_EQ(0, space_batch(self->fd, ops, 3, &change));
	EXPECT_EQ(MIB, change.out_unmapped);
	EXPECT_EQ(3 * 1024, space_locked_kib());
	/* The last one is there already: the others do not happen either. */
	ops[0] = space_unmap_op(5 * MIB, MIB);
	ops[1] = space_map_op(8 * MIB, self->memory, MIB, SPACE_RW);
	ops[2] = space_map_op(6 * MIB, self->memory, MIB, SPACE_RW);
	EXPECT_EQ(-EEXIST, space_batch(self->fd, ops, 3, &change));
	EXPECT_EQ(2, change.out_op);
	EXPECT_EQ(PTX_REASON_DMA_MAPPED, change.out_reason);
	EXPECT_EQ(0, change.out_unmapped);
	/* Nor can a range be used again that the same batch frees, or two maps share. */
	ops[2] = space_map_op(5 * MIB, self->memory, MIB, SPACE_RW);
	EXPECT_EQ(-EEXIST, space_batch(self->fd, ops, 3, &change));
	ops[2] = ops[1];
	EXPECT_EQ(-EEXIST, space_batch(self->fd, ops, 3, &change));
	EXPECT_EQ(2, change.out_op);
	/* The last one cuts a mapping in two. */
	ops[2] = space_unmap_op(7 * MIB, PAGE);
	EXPECT_EQ(-EINVAL, space_batch(self->fd, ops, 3, &change));
	EXPECT_EQ(PTX_REASON_DMA_SPLIT, change.out_reason);
	EXPECT_EQ(3 * 1024, space_locked_kib());
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(3 * MIB, self->stats.out_mapped);
	EXPECT_EQ(3 * MIB, self->stats.out_pinned);
	EXPECT_EQ(3, self->stats.out_entries);
	/* Nor is one unmapped twice at once, not even in part. */
	ops[0] = space_unmap_op(5 * MIB, MIB);
	ops[1] = space_unmap_op(5 * MIB + PAGE, 4 * MIB);
	ops[2] = space_map_op(9 * MIB, self->memory, MIB, SPACE_RW);
	EXPECT_EQ(-EINVAL, space_batch(self->fd, ops, 3, &change));
	EXPECT_EQ(1, change.out_op);
	ops[1] = (struct ptx_space_op){ .op = PTX_SPACE_UNMAP_ALL };
	EXPECT_EQ(-EINVAL, space_batch(self->fd, ops, 3, &change));
	ops[1] = space_map_op(10 * MIB, self->memory, MIB, SPACE_RW);
	ASSERT_EQ(0, space_batch(self->fd, ops, 3, &change));
	EXPECT_EQ(MIB, change.out_unmapped);
	EXPECT_EQ(0, space_unmap(self->fd, 0, 64 * MIB, &unmapped));
	EXPECT_EQ(4 * MIB, unmapped);
}

static int no_capabilities(void *arg)
{
	struct ptx_space_window w = {
		.size = sizeof(w),
		.flags = PTX_SPACE_WINDOW_ADD,
		.last = MIB - 1,
	};
	int fd = *(int *)arg;

	CHECK_EQ(0, setuid(65534));
	CHECK_EQ(-EPERM, ptx_ioctl(fd, PTX_SPACE_WINDOW, &w));
	CHECK_EQ(PTX_REASON_NO_RIGHT, w.out_reason);
	CHECK_EQ(0, space_window(fd, PTX_SPACE_WINDOW_REMOVE, 0, MIB - 1));
	CHECK_EQ(-EPERM, space_quota(fd, 65 * MIB));
	CHECK_EQ(-EPERM, space_quota(fd, 0));
	CHECK_EQ(0, space_quota(fd, 63 * MIB));
	return 0;
}

TEST_F(dma, windows)
{
	struct ptx_space_range ranges[4];
	struct ptx_space_change change;
	struct ptx_space_op op = space_map_op(2048 * MIB, self->memory, MIB, SPACE_RW);

	/* At first everything is allowed. */
	ASSERT_EQ(0, space_windows(self->fd, ranges, 4));
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(1, self->stats.out_nr_windows);
	EXPECT_EQ(0, ranges[0].first);
	EXPECT_EQ(~0ULL, ranges[0].last);
	ASSERT_EQ(0, space_batch(self->fd, &op, 1, NULL));
	EXPECT_EQ(-EINVAL, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, 1, PAGE));
	EXPECT_EQ(-EINVAL, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, PAGE, PAGE - 1));
	EXPECT_EQ(-EINVAL, space_window(self->fd, 0, 0, PAGE - 1));
	EXPECT_EQ(-EINVAL, space_window(self->fd, PTX_SPACE_WINDOW_ADD |
					PTX_SPACE_WINDOW_REMOVE, 0, PAGE - 1));
	EXPECT_EQ(-EINVAL, space_window(self->fd, PTX_SPACE_WINDOW_ADD |
					PTX_SPACE_WINDOW_FORCE, 0, PAGE - 1));
	EXPECT_EQ(-EOPNOTSUPP, space_window(self->fd, 8, 0, PAGE - 1));
	/* Not under what is mapped, unless it is forced. */
	EXPECT_EQ(-EBUSY, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, 2048 * MIB,
				       2048 * MIB + PAGE - 1));
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE | PTX_SPACE_WINDOW_FORCE,
				  1024 * MIB, ~0ULL));
	EXPECT_EQ(0, space_locked_kib());
	EXPECT_EQ(-EPERM, space_batch(self->fd, &op, 1, &change));
	EXPECT_EQ(PTX_REASON_DMA_WINDOW, change.out_reason);
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(1, self->stats.out_refused);
	EXPECT_EQ(PTX_REASON_DMA_WINDOW, self->stats.out_refused_reason);
	EXPECT_EQ(2048 * MIB, self->stats.out_refused_range.first);
	EXPECT_EQ(2049 * MIB - 1, self->stats.out_refused_range.last);
	/* Not with its last page outside, either. */
	EXPECT_EQ(-EPERM, space_map(self->fd, 1023 * MIB, self->memory, MIB + PAGE,
				    SPACE_RW));
	EXPECT_EQ(0, space_map(self->fd, 1023 * MIB, self->memory, MIB, SPACE_RW));
	/* Two that touch are one. */
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_ADD, 1024 * MIB,
				  1025 * MIB - 1));
	EXPECT_EQ(0, space_map(self->fd, 1024 * MIB, self->memory, MIB, SPACE_RW));
	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, 16 * MIB, 32 * MIB - 1));
	ASSERT_EQ(0, space_windows(self->fd, ranges, 4));
	EXPECT_EQ(2, space_nr_windows(self->fd));
	EXPECT_EQ(0, ranges[0].first);
	EXPECT_EQ(16 * MIB - 1, ranges[0].last);
	EXPECT_EQ(32 * MIB, ranges[1].first);
	EXPECT_EQ(1025 * MIB - 1, ranges[1].last);
	ASSERT_EQ(0, space_unmap_all(self->fd, NULL));
	/* Whoever holds the lease may narrow it, and no more. */
	ASSERT_EQ(0, space_quota(self->fd, 64 * MIB));
	EXPECT_EQ(0, child_run(no_capabilities, &self->fd));
	EXPECT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, 0, ~0ULL));
	EXPECT_EQ(0, space_nr_windows(self->fd));
	EXPECT_EQ(-EPERM, space_map(self->fd, MIB, self->memory, PAGE, SPACE_RW));
}

TEST_F(dma, as_many_windows_as_there_may_be)
{
	uint64_t i;

	ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_REMOVE, 0, ~0ULL));
	for (i = 0; i < PTX_SPACE_WINDOWS_MAX; i++)
		ASSERT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_ADD, 2 * i * PAGE,
					  (2 * i + 1) * PAGE - 1));
	EXPECT_EQ(-E2BIG, space_window(self->fd, PTX_SPACE_WINDOW_ADD, 2 * i * PAGE,
				       (2 * i + 1) * PAGE - 1));
	EXPECT_EQ(PTX_SPACE_WINDOWS_MAX, space_nr_windows(self->fd));
	/* One that closes a gap is none more. */
	EXPECT_EQ(0, space_window(self->fd, PTX_SPACE_WINDOW_ADD, PAGE, 2 * PAGE - 1));
	EXPECT_EQ(PTX_SPACE_WINDOWS_MAX - 1, space_nr_windows(self->fd));
}

TEST_F(dma, quota)
{
	struct ptx_space_change change;
	struct ptx_space_op op = space_map_op(MIB, self->memory, 2 * MIB, SPACE_RW);

	ASSERT_EQ(0, space_quota(self->fd, 2 * MIB));
	ASSERT_EQ(0, space_batch(self->fd, &op, 1, NULL));
	op = space_map_op(64 * MIB, self->memory, PAGE, SPACE_RW);
	EXPECT_EQ(-EDQUOT, space_batch(self->fd, &op, 1, &change));
	EXPECT_EQ(PTX_REASON_DMA_QUOTA, change.out_reason);
	EXPECT_EQ(-EBUSY, space_quota(self->fd, 2 * MIB - 1));
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(2 * MIB, self->stats.out_quota);
	EXPECT_EQ(2 * MIB, self->stats.out_mapped);
	ASSERT_EQ(0, space_quota(self->fd, 2 * MIB + PAGE));
	EXPECT_EQ(0, space_batch(self->fd, &op, 1, NULL));
	ASSERT_EQ(0, space_unmap_all(self->fd, NULL));
	op = space_map_op(MIB, self->memory, 2 * MIB + 2 * PAGE, SPACE_RW);
	EXPECT_EQ(-EDQUOT, space_batch(self->fd, &op, 1, NULL));
	ASSERT_EQ(0, space_quota(self->fd, 0));
	EXPECT_EQ(0, space_batch(self->fd, &op, 1, NULL));
}

/* Memory of every kind. */
TEST_F(dma, kinds_of_memory)
{
	int fd = memfd_create("t", MFD_CLOEXEC), file;
	char path[] = "/tmp/ptx-space-XXXXXX";
	char *m;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, MIB));
	m = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, m);
	EXPECT_EQ(0, space_map(self->fd, MIB, m, MIB, SPACE_RW));
	/* The file is cut: what is mapped stays what it was. */
	m[0] = 7;
	ASSERT_EQ(0, ftruncate(fd, 0));
	EXPECT_EQ(0, space_unmap(self->fd, MIB, MIB, NULL));
	munmap(m, MIB);
	close(fd);
	file = mkstemp(path);
	ASSERT_LE(0, file);
	unlink(path);
	ASSERT_EQ(0, ftruncate(file, MIB));
	m = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	ASSERT_NE(MAP_FAILED, m);
	EXPECT_EQ(0, space_map(self->fd, MIB, m, MIB, SPACE_RW));
	/* Unmapped by the process, and still there for the devices. */
	munmap(m, MIB);
	EXPECT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(MIB, self->stats.out_pinned);
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
	close(file);
}

/* Free huge pages come back only once nobody has them pinned. */
static long huge_free(void)
{
	char line[128];
	long nr = -1;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "HugePages_Free: %ld", &nr) == 1)
			break;
	if (f)
		fclose(f);
	return nr;
}

TEST_F(dma, huge_pages)
{
	char *m;
	long before;

	ASSERT_EQ(0, file_write("/proc/sys/vm/nr_hugepages", "16"));
	before = huge_free();
	ASSERT_LE(8, before);
	m = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_NE(MAP_FAILED, m);
	EXPECT_EQ(0, space_map(self->fd, 16 * MIB, m, 16 * MIB, SPACE_RW));
	munmap(m, 16 * MIB);
	EXPECT_EQ(before - 8, huge_free());
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
	EXPECT_EQ(before, huge_free());
	/* The second half has no pages: the first is let go of. */
	m = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, m);
	EXPECT_GT(0, space_map(self->fd, 16 * MIB, m, 64 * MIB, SPACE_RW));
	munmap(m, 64 * MIB);
	EXPECT_EQ(before, huge_free());
	EXPECT_EQ(0, file_write("/proc/sys/vm/nr_hugepages", "0"));
}

static uint64_t largest_page(FIXTURE_DATA(dma) *self)
{
	return space_stats(self->fd, &self->stats) ? 0 : self->stats.out_largest_page;
}

/* The IOMMU gets pages as large as the memory's, where the addresses are alike. */
TEST_F(dma, largest_page)
{
	const struct {
		int flags;
		const char *pool, *left;
		uint64_t size;
	} rows[] = {
		{ MAP_HUGETLB | MAP_HUGE_2MB, "/proc/sys/vm/nr_hugepages", "1", 2 * MIB },
		{ MAP_HUGETLB | MAP_HUGE_1GB, NULL, NULL, 1024 * MIB },
	};
	unsigned int i;
	char *m;

	OPEN_EDU();
	EXPECT_EQ(0, largest_page(self));
	EXPECT_EQ(0, space_map(self->fd, 16 * MIB, self->memory, PAGE, SPACE_RW));
	EXPECT_EQ(PAGE, largest_page(self));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].pool)
			ASSERT_EQ(0, file_write(rows[i].pool, rows[i].left));
		m = mmap(NULL, rows[i].size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | rows[i].flags, -1, 0);
		/* The larger ones are there only where the kernel was started with them. */
		if (m == MAP_FAILED && !rows[i].pool)
			break;
		ASSERT_NE(MAP_FAILED, m);
		/* A page further it is not alike. */
		EXPECT_EQ(0, space_map(self->fd, 4096 * MIB + PAGE, m, rows[i].size, SPACE_RW));
		EXPECT_EQ(i ? rows[i - 1].size : PAGE, largest_page(self));
		EXPECT_EQ(0, space_unmap(self->fd, 4096 * MIB, 4096 * MIB, NULL));
		EXPECT_EQ(0, space_map(self->fd, 4096 * MIB, m, rows[i].size, SPACE_RW));
		EXPECT_EQ(rows[i].size, largest_page(self));
		EXPECT_EQ(0, space_unmap(self->fd, 4096 * MIB, 4096 * MIB, NULL));
		munmap(m, rows[i].size);
		if (rows[i].pool)
			EXPECT_EQ(0, file_write(rows[i].pool, "0"));
	}
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

struct mapper {
	int fd;
	uint64_t size;
};

static int maps_and_exits(void *arg)
{
	struct mapper *x = arg;
	char *m = mmap(NULL, x->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_EQ(0, m == MAP_FAILED);
	CHECK_EQ(0, space_map(x->fd, 1024 * MIB, m, x->size, SPACE_RW));
	return 0;
}

static int maps_and_runs(void *arg)
{
	int ret = maps_and_exits(arg);

	if (ret)
		return ret;
	execl("/bin/sleep", "sleep", "1000", NULL);
	return 1;
}

static bool space_becomes(int fd, struct ptx_space_stats *stats, uint64_t mapped)
{
	int i;

	for (i = 0; i < 500; i++) {
		if (space_stats(fd, stats))
			return false;
		if (stats->out_mapped == mapped)
			return true;
		usleep(20000);
	}
	return false;
}

/* What a process has mapped goes with its memory, whoever holds the lease. */
TEST_F(dma, memory_that_goes)
{
	struct mapper x = { self->fd, 4 * MIB };
	pid_t child;

	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, MIB, SPACE_RW));
	ASSERT_EQ(0, child_run(maps_and_exits, &x));
	EXPECT_TRUE(space_becomes(self->fd, &self->stats, MIB));
	EXPECT_EQ(1, self->stats.out_entries);
	child = child_start(maps_and_runs, &x);
	usleep(200000);
	EXPECT_TRUE(space_becomes(self->fd, &self->stats, MIB));
	child_kill(child);
	/* Ours is there, and counts for us alone. */
	EXPECT_EQ(1024, space_locked_kib());
}

/* Killed while it pins: nothing of it stays. */
TEST_F(dma, killed_while_pinning)
{
	struct mapper x = { self->fd, 1024 * MIB };
	unsigned int i;
	pid_t child;

	for (i = 0; i < 8; i++) {
		child = child_start(maps_and_exits, &x);
		usleep(20000 + 40000 * i);
		child_kill(child);
		EXPECT_TRUE(space_becomes(self->fd, &self->stats, 0));
		EXPECT_EQ(0, self->stats.out_pinned);
		EXPECT_EQ(0, self->stats.out_entries);
	}
}

static int maps_beyond_its_limit(void *arg)
{
	struct mapper *x = arg;
	struct rlimit limit = { 2 * MIB, 2 * MIB };
	struct ptx_space_change change;
	struct ptx_space_op op;
	char *m = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	CHECK_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK_EQ(0, setuid(65534));
	op = space_map_op(MIB, m, 2 * MIB, SPACE_RW);
	CHECK_EQ(0, space_batch(x->fd, &op, 1, NULL));
	op = space_map_op(16 * MIB, m, PAGE, SPACE_RW);
	CHECK_EQ(-ENOMEM, space_batch(x->fd, &op, 1, &change));
	CHECK_EQ(PTX_REASON_DMA_LOCKED, change.out_reason);
	CHECK_EQ(0, space_unmap_all(x->fd, NULL));
	CHECK_EQ(0, space_batch(x->fd, &op, 1, NULL));
	return 0;
}

TEST_F(dma, limit_of_locked_memory)
{
	struct mapper x = { self->fd };

	EXPECT_EQ(0, child_run(maps_beyond_its_limit, &x));
	EXPECT_TRUE(space_becomes(self->fd, &self->stats, 0));
}

/* Threads that want the same range: each gets it or is told, and it is never two's. */
static void *wants_a_range(void *arg)
{
	struct mapper *x = arg;
	uint64_t i, unmapped;
	char *m;
	int ret;

	m = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 500; i++) {
		ret = space_map(x->fd, 16 * MIB, m, MIB, SPACE_RW);
		if (ret && ret != -EEXIST)
			return (void *)(intptr_t)ret;
		ret = space_unmap(x->fd, 16 * MIB, MIB, &unmapped);
		if (ret || (unmapped && unmapped != MIB))
			return (void *)1L;
	}
	return NULL;
}

TEST_F(dma, two_threads_one_range)
{
	struct mapper x = { self->fd };
	pthread_t threads[3];
	void *result;
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, wants_a_range, &x));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &result));
		EXPECT_EQ(NULL, result);
	}
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
	EXPECT_EQ(0, space_locked_kib());
}

TEST_F(dma, a_thousand_spaces)
{
	int fds[1000], i;

	for (i = 0; i < 1000; i++) {
		fds[i] = space_lease(self->h.ctl, lease_name());
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, space_map(fds[i], MIB, self->memory, PAGE, SPACE_RW));
	}
	EXPECT_EQ(4000, space_locked_kib());
	for (i = 0; i < 1000; i++)
		close(fds[i]);
	for (i = 0; i < 500 && space_locked_kib(); i++)
		usleep(20000);
	EXPECT_EQ(0, space_locked_kib());
}

/* The BAR of a device of the lease can be mapped; of no other, and not when it is cut. */
TEST_F(dma, bars)
{
	struct ptx_lease_revoke revoke = { .size = sizeof(revoke) };
	uint64_t offset, size;
	struct ptx_space_change change;
	struct ptx_space_op op;
	int other;
	char *bar;

	OPEN_EDU();
	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_BAR0_REGION_INDEX, &offset, &size));
	bar = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, self->v.device, offset);
	ASSERT_NE(MAP_FAILED, bar);
	op = space_map_op(64 * MIB, bar, size, SPACE_RW);
	ASSERT_EQ(0, space_batch(self->fd, &op, 1, NULL));
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(size, self->stats.out_mapped);
	EXPECT_EQ(0, self->stats.out_pinned);
	EXPECT_EQ(0, space_locked_kib());
	/* Another lease's space is not its. */
	other = space_lease(self->h.ctl, lease_name());
	ASSERT_LE(0, other);
	EXPECT_EQ(-EFAULT, space_batch(other, &op, 1, &change));
	EXPECT_EQ(PTX_REASON_DMA_MEMORY, change.out_reason);
	close(other);
	/* Nor is what is not a BAR through and through. */
	op = space_map_op(128 * MIB, bar + size - PAGE, 2 * PAGE, SPACE_RW);
	EXPECT_EQ(-EFAULT, space_batch(self->fd, &op, 1, NULL));
	ASSERT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_REVOKE, &revoke));
	ASSERT_EQ(0, space_stats(self->fd, &self->stats));
	EXPECT_EQ(0, self->stats.out_mapped);
	EXPECT_EQ(-ESHUTDOWN, space_batch(self->fd, &op, 1, &change));
	EXPECT_EQ(PTX_REASON_NOT_ACTIVE, change.out_reason);
	munmap(bar, size);
}

/* A cut device reaches nothing, even if it may master the bus again. */
TEST_F(dma, a_cut_one_reaches_nothing)
{
	struct ptx_lease_revoke revoke = { .size = sizeof(revoke) };

	OPEN_EDU();
	ASSERT_EQ(0, vfio_map(&self->v, MIB));
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, self->v.iova, self->v.iova + PAGE, 16));
	ASSERT_EQ(0, ptx_ioctl(self->fd, PTX_LEASE_REVOKE, &revoke));
	/* What the container is asked for it says no to, or yes with nothing behind it. */
	EXPECT_NE(0, vfio_map(&self->v, MIB));
	vfio_close(&self->v);
	EXPECT_EQ(POLLHUP, lease_poll(self->fd, POLLHUP, 10000) & POLLHUP);
}

/* By its character device: the space is attached, and nothing of /dev/iommu. */
TEST_F(dma, character_device)
{
	struct add add;
	int device, iommufd;
	uint32_t ioas;

	if (!vfio_has_cdev())
		SKIP(return, "the kernel has no VFIO character devices");
	NEED(self->fn, "an edu that is alone in its group");
	add_init(&add, (const char *const []){ self->fn->name }, 1);
	ASSERT_EQ(0, lease_add(self->fd, &add));
	ASSERT_EQ(0, space_map(self->fd, 64 * MIB, self->memory, MIB, SPACE_RW));
	device = vfio_cdev_open(add.members[0].cdev, &iommufd);
	ASSERT_LE(0, device);
	ASSERT_EQ(0, ioas_alloc(iommufd, &ioas));
	EXPECT_EQ(-EPERM, vfio_cdev_attach(device, ioas));
	/* Nothing is attached: it reaches nothing. */
	self->memory[0] = 0x42;
	ASSERT_EQ(0, vfio_edu_dma(device, 64 * MIB, 64 * MIB + 2 * PAGE, 64));
	EXPECT_EQ(0, self->memory[2 * PAGE]);
	ASSERT_EQ(0, vfio_cdev_attach(device, 0));
	EXPECT_EQ(0, vfio_cdev_attach(device, 0));
	ASSERT_EQ(0, vfio_edu_dma(device, 64 * MIB, 64 * MIB + 2 * PAGE, 64));
	EXPECT_EQ(0x42, self->memory[2 * PAGE]);
	ASSERT_EQ(0, vfio_cdev_detach(device));
	self->memory[0] = 0x43;
	ASSERT_EQ(0, vfio_edu_dma(device, 64 * MIB, 64 * MIB + 2 * PAGE, 64));
	EXPECT_EQ(0x42, self->memory[2 * PAGE]);
	/* Closed while it is attached. */
	ASSERT_EQ(0, vfio_cdev_attach(device, 0));
	close(device);
	close(iommufd);
	EXPECT_EQ(0, space_unmap_all(self->fd, NULL));
}

/* One container at a time; a group joins what is mapped, and leaves it. */
TEST_F(dma, members_that_come_and_go)
{
	const struct pci_fn *other = NULL;
	struct vfio w = VFIO_CLOSED;
	int i;

	OPEN_EDU();
	ASSERT_EQ(0, space_map(self->fd, 64 * MIB, self->memory, MIB, SPACE_RW));
	for (i = 0; !other && host_single(&self->h, i); i++)
		if (host_single(&self->h, i) != self->fn)
			other = host_single(&self->h, i);
	NEED(other, "two devices that are alone in their groups");
	ASSERT_EQ(0, lease_add_names(self->fd, other->name, NULL));
	/* A second container would be another address space: it is not served by ours. */
	ASSERT_EQ(0, vfio_group_open(&w, other->group));
	EXPECT_EQ(-EACCES, vfio_device_open(&w, other->name));
	vfio_close(&w);
	/* The same one gets everything that is mapped, at once. */
	w.group = vfio_group_join(&self->v, other->group);
	ASSERT_LE(0, w.group);
	ASSERT_EQ(0, vfio_device_open(&w, other->name));
	EXPECT_EQ(0, space_map(self->fd, 128 * MIB, self->memory, MIB, SPACE_RW));
	close(w.device);
	close(w.group);
	ASSERT_EQ(0, lease_remove(self->fd, (const char *const []){ other->name }, 1, 30000,
				  &(struct ptx_lease_remove){}));
	memset(self->memory, 0x77, PAGE);
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, 64 * MIB, 64 * MIB + 8 * PAGE, 4000));
	EXPECT_EQ(0x77, self->memory[8 * PAGE]);
}

TEST_HARNESS_MAIN
