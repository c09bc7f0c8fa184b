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
