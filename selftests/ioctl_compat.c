// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls as a 32-bit program makes them: through the 32-bit system call
 * entry, which a 64-bit program may use as well when all its addresses are
 * below 4 GiB. No 32-bit C library is needed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/space.h"

#ifdef __x86_64__

#define NR32_IOCTL 54

static long ioctl32(int fd, unsigned int cmd, const void *arg)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a" (ret)
		     : "0" ((long)NR32_IOCTL), "b" ((long)fd), "c" ((long)cmd),
		       "d" ((long)(uintptr_t)arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

/* Everything that a call's pointers point to. */
struct low {
	struct ptx_info info;
	struct ptx_lease_create create;
	struct ptx_lease_add add;
	struct ptx_lease_remove remove;
	struct ptx_lease_query query;
	struct ptx_lease_release release;
	struct ptx_space_change change;
	struct ptx_space_window window;
	struct ptx_space_quota quota;
	struct ptx_space_stats stats;
	struct ptx_space_range windows[4];
	struct ptx_space_op ops[2];
	struct ptx_device_name device;
	struct ptx_member_info members[8];
	char name[16];
};

FIXTURE(compat)
{
	struct host h;
	struct low *low;
};

FIXTURE_SETUP(compat)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->low = mmap(NULL, sizeof(*self->low), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, self->low);
}

FIXTURE_TEARDOWN(compat)
{
	EXPECT_EQ(0, host_end(&self->h));
}

TEST_F(compat, whole_life)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	struct low *low = self->low;
	long ret;
	int fd;

	low->info.size = sizeof(low->info);
	ret = ioctl32(self->h.ctl, PTX_INFO, &low->info);
	if (ret == -ENOSYS)
		SKIP(return, "this kernel has no 32-bit system calls");
	ASSERT_EQ(0, ret);
	EXPECT_LE(PTX_ABI_VERSION, low->info.out_abi);

	strcpy(low->name, "thirty-two");
	low->create.size = sizeof(low->create);
	low->create.name = (uintptr_t)low->name;
	low->create.name_len = strlen(low->name);
	ASSERT_EQ(0, ioctl32(self->h.ctl, PTX_LEASE_CREATE, &low->create));
	fd = low->create.out_fd;
	EXPECT_NE(0, low->create.out_id);

	NEED(fn, "a device that is alone in its group");
	strcpy(low->device.name, fn->name);
	low->add.size = sizeof(low->add);
	low->add.devices = (uintptr_t)&low->device;
	low->add.nr_devices = 1;
	low->add.members = (uintptr_t)low->members;
	low->add.max_members = ARRAY_SIZE(low->members);
	ASSERT_EQ(0, ioctl32(fd, PTX_LEASE_ADD, &low->add));
	EXPECT_EQ(1, low->add.out_nr_members);
	EXPECT_STREQ(fn->name, low->members[0].name);
	EXPECT_TRUE(pci_on_driver(fn->name, PTX_DRIVER));

	memset(low->members, 0, sizeof(low->members));
	low->query.size = sizeof(low->query);
	low->query.members = (uintptr_t)low->members;
	low->query.max_members = ARRAY_SIZE(low->members);
	ASSERT_EQ(0, ioctl32(fd, PTX_LEASE_QUERY, &low->query));
	EXPECT_EQ(low->create.out_id, low->query.out_id);
	EXPECT_STREQ(PTX_DRIVER, low->members[0].driver);

	low->remove.size = sizeof(low->remove);
	low->remove.devices = (uintptr_t)&low->device;
	low->remove.nr_devices = 1;
	ASSERT_EQ(0, ioctl32(fd, PTX_LEASE_REMOVE, &low->remove));
	EXPECT_TRUE(pci_on_driver(fn->name, fn->driver));

	low->release.size = sizeof(low->release);
	ASSERT_EQ(0, ioctl32(fd, PTX_LEASE_RELEASE, &low->release));
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, lease_state(fd));
}

TEST_F(compat, space)
{
	struct low *low = self->low;
	char *memory;
	long ret;
	int fd;

	strcpy(low->name, "space");
	low->create.size = sizeof(low->create);
	low->create.flags = PTX_LEASE_CREATE_SPACE;
	low->create.name = (uintptr_t)low->name;
	low->create.name_len = strlen(low->name);
	ret = ioctl32(self->h.ctl, PTX_LEASE_CREATE, &low->create);
	if (ret == -ENOSYS)
		SKIP(return, "this kernel has no 32-bit system calls");
	ASSERT_EQ(0, ret);
	fd = low->create.out_fd;
	memory = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, memory);

	/* Beyond 4 GiB, which such a caller's pointers cannot reach. */
	low->window.size = sizeof(low->window);
	low->window.flags = PTX_SPACE_WINDOW_REMOVE;
	low->window.first = 5ULL << 32;
	low->window.last = (6ULL << 32) - 1;
	ASSERT_EQ(0, ioctl32(fd, PTX_SPACE_WINDOW, &low->window));
	low->quota.size = sizeof(low->quota);
	low->quota.bytes = 8 * 4096;
	ASSERT_EQ(0, ioctl32(fd, PTX_SPACE_QUOTA, &low->quota));

	low->ops[0] = space_map_op(7ULL << 32, memory, 4 * 4096, SPACE_RW);
	low->ops[1] = space_map_op(1 << 20, memory + 4 * 4096, 4096, PTX_SPACE_READ);
	low->change.size = sizeof(low->change);
	low->change.ops = (uintptr_t)low->ops;
	low->change.nr_ops = 2;
	ASSERT_EQ(0, ioctl32(fd, PTX_SPACE_CHANGE, &low->change));
	low->stats.size = sizeof(low->stats);
	low->stats.windows = (uintptr_t)low->windows;
	low->stats.max_windows = ARRAY_SIZE(low->windows);
	ASSERT_EQ(0, ioctl32(fd, PTX_SPACE_STATS, &low->stats));
	EXPECT_EQ(5 * 4096, low->stats.out_mapped);
	EXPECT_EQ(5 * 4096, low->stats.out_pinned);
	EXPECT_EQ(2, low->stats.out_entries);
	EXPECT_EQ(8 * 4096, low->stats.out_quota);
	EXPECT_EQ(2, low->stats.out_nr_windows);
	EXPECT_EQ((5ULL << 32) - 1, low->windows[0].last);
	EXPECT_EQ(6ULL << 32, low->windows[1].first);

	/* What is in an upper half is not lost. */
	low->ops[0] = space_map_op(1 << 20 | 5ULL << 32, memory, 4096, SPACE_RW);
	low->change.nr_ops = 1;
	EXPECT_EQ(-EPERM, ioctl32(fd, PTX_SPACE_CHANGE, &low->change));
	EXPECT_EQ(PTX_REASON_DMA_WINDOW, low->change.out_reason);
	low->ops[0] = space_map_op(2 << 20, memory, 4096, SPACE_RW);
	low->ops[0].vaddr |= 1ULL << 40;
	EXPECT_EQ(-EFAULT, ioctl32(fd, PTX_SPACE_CHANGE, &low->change));
	low->ops[0] = space_unmap_op(7ULL << 32, 4 * 4096);
	low->change.ops |= 1ULL << 40;
	EXPECT_EQ(-EFAULT, ioctl32(fd, PTX_SPACE_CHANGE, &low->change));
	low->change.ops = (uintptr_t)low->ops;
	EXPECT_EQ(0, ioctl32(fd, PTX_SPACE_CHANGE, &low->change));
	EXPECT_EQ(4 * 4096, low->change.out_unmapped);
	EXPECT_EQ(4, space_locked_kib());
	close(fd);
	munmap(memory, 8 * 4096);
}

TEST_F(compat, refusals)
{
	struct low *low = self->low;

	low->info.size = sizeof(low->info) - 1;
	if (ioctl32(self->h.ctl, PTX_INFO, &low->info) == -ENOSYS)
		SKIP(return, "this kernel has no 32-bit system calls");
	EXPECT_EQ(-EINVAL, ioctl32(self->h.ctl, PTX_INFO, &low->info));
	EXPECT_EQ(-EFAULT, ioctl32(self->h.ctl, PTX_INFO, NULL));
	EXPECT_EQ(-ENOTTY, ioctl32(self->h.ctl, PTX_LEASE_QUERY, &low->query));
	EXPECT_EQ(-ENOTTY, ioctl32(self->h.ctl, _IO(PTX_IOC_TYPE, 0x7f), &low->info));
	/* A pointer with its upper half set is bad, not cut off. */
	low->create.size = sizeof(low->create);
	strcpy(low->name, "cut");
	low->create.name = (uintptr_t)low->name | 1ULL << 40;
	low->create.name_len = 3;
	EXPECT_EQ(-EFAULT, ioctl32(self->h.ctl, PTX_LEASE_CREATE, &low->create));
}

#else

TEST(compat)
{
	SKIP(return, "written for x86-64");
}

#endif

TEST_HARNESS_MAIN
