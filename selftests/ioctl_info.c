// SPDX-License-Identifier: GPL-2.0-only
/*
 * PTX_INFO, and what all ioctls share: how sizes, tails, flags, pointers and
 * kinds of file are judged.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/space.h"

HOST_FIXTURE(info)

TEST_F(info, answers)
{
	struct ptx_info i = { .size = sizeof(i) };

	ASSERT_EQ(0, ptx_ioctl(self->h.ctl, PTX_INFO, &i));
	EXPECT_EQ(sizeof(i), i.size);
	EXPECT_LE(PTX_ABI_VERSION, i.out_abi);
	EXPECT_EQ(0, i.out_features & ~(PTX_FEATURE_IOMMUFD | PTX_FEATURE_CONTAINER |
					PTX_FEATURE_IOMMU | PTX_FEATURE_INLINE |
					PTX_FEATURE_SPACE));
}

TEST_F(info, features_are_true)
{
	struct ptx_info i = { .size = sizeof(i) };
	bool iommu = false;
	char buf[16] = "";
	int k;

	ASSERT_EQ(0, ptx_ioctl(self->h.ctl, PTX_INFO, &i));
	for (k = 0; k < self->h.nr_fns; k++)
		iommu |= self->h.fns[k].group >= 0;
	EXPECT_EQ(iommu, !!(i.out_features & PTX_FEATURE_IOMMU));
	EXPECT_EQ(vfio_has_cdev(), !!(i.out_features & PTX_FEATURE_IOMMUFD));
	/* Every kernel of the lab has groups. */
	EXPECT_TRUE(i.out_features & PTX_FEATURE_CONTAINER);
	EXPECT_TRUE(i.out_features & PTX_FEATURE_SPACE);
	if (file_read("/sys/module/ptx/parameters/inline", buf, sizeof(buf)) > 0)
		EXPECT_EQ(buf[0] == 'Y' || buf[0] == '1',
			  !!(i.out_features & PTX_FEATURE_INLINE));
}

static int info_child(void *arg)
{
	struct ptx_info i = { .size = sizeof(i) };
	int fd;

	fd = open(PTX_NODE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = open(PTX_NODE, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(0, ptx_ioctl(fd, PTX_INFO, &i));
	CHECK(i.out_abi >= PTX_ABI_VERSION);
	return 0;
}

TEST_F(info, open_to_everybody)
{
	EXPECT_EQ(0, child_run_as(NOBODY, info_child, NULL));
}

TEST_F(info, unknown_flags)
{
	int bit;

	for (bit = 0; bit < 32; bit++) {
		struct ptx_info i = { .size = sizeof(i), .flags = 1u << bit };

		EXPECT_EQ(-EOPNOTSUPP, ptx_ioctl(self->h.ctl, PTX_INFO, &i))
			TH_LOG("flag bit %d", bit);
	}
}

/* What all ioctls have in common: a valid struct of each, and its file. */
FIXTURE(all)
{
	struct host h;
	int lease;
	struct ptx_device_name device;
	struct ptx_space_op op;
};

FIXTURE_VARIANT(all)
{
	unsigned int cmd;
	size_t size;
	/* What it was at first, if it has grown since. */
	size_t first;
	bool on_lease;
	/* Is for leases with a space. */
	bool space;
	/* Has reserved, at this offset; 0 for none. */
	size_t reserved;
};

FIXTURE_VARIANT_ADD(all, info)
{
	.cmd = PTX_INFO,
	.size = sizeof(struct ptx_info),
};

FIXTURE_VARIANT_ADD(all, create)
{
	.cmd = PTX_LEASE_CREATE,
	.size = sizeof(struct ptx_lease_create),
	.reserved = offsetof(struct ptx_lease_create, reserved),
};

FIXTURE_VARIANT_ADD(all, add)
{
	.cmd = PTX_LEASE_ADD,
	.size = sizeof(struct ptx_lease_add),
	.first = offsetof(struct ptx_lease_add, roms),
	.on_lease = true,
	.reserved = offsetof(struct ptx_lease_add, reserved),
};

FIXTURE_VARIANT_ADD(all, remove)
{
	.cmd = PTX_LEASE_REMOVE,
	.size = sizeof(struct ptx_lease_remove),
	.on_lease = true,
	.reserved = offsetof(struct ptx_lease_remove, reserved),
};

FIXTURE_VARIANT_ADD(all, query)
{
	.cmd = PTX_LEASE_QUERY,
	.size = sizeof(struct ptx_lease_query),
	.on_lease = true,
	.reserved = offsetof(struct ptx_lease_query, reserved),
};

FIXTURE_VARIANT_ADD(all, release)
{
	.cmd = PTX_LEASE_RELEASE,
	.size = sizeof(struct ptx_lease_release),
	.on_lease = true,
};

FIXTURE_VARIANT_ADD(all, revoke)
{
	.cmd = PTX_LEASE_REVOKE,
	.size = sizeof(struct ptx_lease_revoke),
	.on_lease = true,
	.reserved = offsetof(struct ptx_lease_revoke, reserved),
};

FIXTURE_VARIANT_ADD(all, space_change)
{
	.cmd = PTX_SPACE_CHANGE,
	.size = sizeof(struct ptx_space_change),
	.on_lease = true,
	.space = true,
	.reserved = offsetof(struct ptx_space_change, reserved),
};

FIXTURE_VARIANT_ADD(all, space_window)
{
	.cmd = PTX_SPACE_WINDOW,
	.size = sizeof(struct ptx_space_window),
	.on_lease = true,
	.space = true,
	.reserved = offsetof(struct ptx_space_window, reserved),
};

FIXTURE_VARIANT_ADD(all, space_quota)
{
	.cmd = PTX_SPACE_QUOTA,
	.size = sizeof(struct ptx_space_quota),
	.on_lease = true,
	.space = true,
	.reserved = offsetof(struct ptx_space_quota, reserved),
};

FIXTURE_VARIANT_ADD(all, space_stats)
{
	.cmd = PTX_SPACE_STATS,
	.size = sizeof(struct ptx_space_stats),
	.first = offsetof(struct ptx_space_stats, out_refused),
	.on_lease = true,
	.space = true,
	.reserved = offsetof(struct ptx_space_stats, reserved),
};

FIXTURE_SETUP(all)
{
	const struct pci_fn *fn;

	ASSERT_EQ(0, host_begin(&self->h));
	self->lease = variant->space ? space_lease(self->h.ctl, lease_name()) :
				       lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->lease);
	fn = host_single(&self->h, 0);
	/* Any name will do where nothing can be leased. */
	snprintf(self->device.name, sizeof(self->device.name), "%s",
		 fn ? fn->name : self->h.fns[0].name);
	self->op.op = PTX_SPACE_UNMAP_ALL;
}

FIXTURE_TEARDOWN(all)
{
	EXPECT_EQ(0, host_end(&self->h));
}

union arg {
	__u32 size;
	struct ptx_info info;
	struct ptx_lease_create create;
	struct ptx_lease_add add;
	struct ptx_lease_remove remove;
	struct ptx_lease_query query;
	struct ptx_lease_release release;
	struct ptx_lease_revoke revoke;
	struct ptx_space_change space_change;
	struct ptx_space_window space_window;
	struct ptx_space_quota space_quota;
	struct ptx_space_stats space_stats;
	char bytes[8192];
};

/* What would be accepted, were it not for what the test does to it. */
static void fill(union arg *a, const FIXTURE_VARIANT(all) *v,
		 FIXTURE_DATA(all) *self)
{
	static const char name[] = "all";

	memset(a, 0, sizeof(*a));
	a->size = v->size;
	switch (v->cmd) {
	case PTX_LEASE_CREATE:
		a->create.name = (uintptr_t)name;
		a->create.name_len = strlen(name);
		break;
	case PTX_LEASE_ADD:
		a->add.devices = (uintptr_t)&self->device;
		a->add.nr_devices = 1;
		break;
	case PTX_LEASE_REMOVE:
		a->remove.devices = (uintptr_t)&self->device;
		a->remove.nr_devices = 1;
		break;
	case PTX_SPACE_CHANGE:
		a->space_change.ops = (uintptr_t)&self->op;
		a->space_change.nr_ops = 1;
		break;
	case PTX_SPACE_WINDOW:
		a->space_window.flags = PTX_SPACE_WINDOW_REMOVE;
		a->space_window.last = 4095;
		break;
	}
}

static int file_of(const FIXTURE_VARIANT(all) *v, FIXTURE_DATA(all) *self)
{
	return v->on_lease ? self->lease : self->h.ctl;
}

/* Nothing came of a call that failed. */
#define EXPECT_NOTHING()						\
	do {								\
		EXPECT_EQ(0, lease_nr_members(self->lease));		\
		EXPECT_GE(PTX_LEASE_STATE_ACTIVE, lease_state(self->lease)); \
		EXPECT_EQ(1, nl_lease_list(&self->h.nl, NULL, 0));	\
		if (variant->space) {					\
			struct ptx_space_stats s_;			\
									\
			EXPECT_EQ(0, space_stats(self->lease, &s_));	\
			EXPECT_EQ(0, s_.out_entries + s_.out_quota);	\
			EXPECT_EQ(1, s_.out_nr_windows);		\
			EXPECT_EQ(0, s_.out_refused);			\
		}							\
	} while (0)

TEST_F(all, too_short)
{
	union arg a;
	size_t size;

	for (size = 0; size < (variant->first ?: variant->size); size++) {
		fill(&a, variant, self);
		a.size = size;
		EXPECT_EQ(-EINVAL, ptx_ioctl(file_of(variant, self), variant->cmd, &a))
			TH_LOG("size %zu of %zu", size, variant->size);
	}
	EXPECT_NOTHING();
}

TEST_F(all, longer_with_zeros)
{
	union arg a;
	int ret;

	fill(&a, variant, self);
	a.size = variant->size + 8;
	ret = ptx_ioctl(file_of(variant, self), variant->cmd, &a);
	EXPECT_NE(-EINVAL, ret);
	EXPECT_NE(-E2BIG, ret);
	EXPECT_NE(-EFAULT, ret);
	/* What the caller said stays as it was. */
	EXPECT_EQ(variant->size + 8, a.size);
	if (variant->cmd == PTX_LEASE_CREATE) {
		ASSERT_EQ(0, ret);
		close(a.create.out_fd);
	}
	if (variant->cmd == PTX_INFO || variant->cmd == PTX_LEASE_QUERY ||
	    variant->cmd == PTX_LEASE_RELEASE || variant->space)
		EXPECT_EQ(0, ret);
}

TEST_F(all, much_longer_with_zeros)
{
	union arg a;
	int ret;

	/* Up to a page, as other extensible system calls have it. */
	fill(&a, variant, self);
	a.size = 4096;
	ret = ptx_ioctl(file_of(variant, self), variant->cmd, &a);
	EXPECT_NE(-EINVAL, ret);
	EXPECT_NE(-E2BIG, ret);
	if (variant->cmd == PTX_LEASE_CREATE && !ret)
		close(a.create.out_fd);
}

TEST_F(all, tail_not_zero)
{
	static const size_t extra[] = { 1, 4, 8, 100, 4096 };
	union arg a;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(extra); i++) {
		fill(&a, variant, self);
		a.size = variant->size + extra[i];
		a.bytes[a.size - 1] = 1;
		EXPECT_EQ(-E2BIG, ptx_ioctl(file_of(variant, self), variant->cmd, &a))
			TH_LOG("%zu bytes more", extra[i]);
	}
	EXPECT_NOTHING();
}

TEST_F(all, tail_not_there)
{
	const long page = sysconf(_SC_PAGESIZE);
	union arg *a;
	char *p;
	int ret;

	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, mprotect(p + page, page, PROT_NONE));
	a = malloc(sizeof(*a));
	ASSERT_NE(NULL, a);
	fill(a, variant, self);
	a->size = variant->size + 64;
	/* The struct is there, most of its tail is not. */
	memcpy(p + page - variant->size - 8, a, variant->size);
	EXPECT_EQ(-EFAULT, ptx_ioctl(file_of(variant, self), variant->cmd,
				     p + page - variant->size - 8));
	/* Absurd, and likewise. */
	a->size = UINT_MAX;
	memcpy(p + page - variant->size - 8, a, variant->size);
	ret = ptx_ioctl(file_of(variant, self), variant->cmd,
			p + page - variant->size - 8);
	EXPECT_TRUE(ret == -EFAULT || ret == -E2BIG) TH_LOG("%d", ret);
	EXPECT_NOTHING();
	free(a);
	munmap(p, 2 * page);
}

TEST_F(all, bad_pointers)
{
	const long page = sysconf(_SC_PAGESIZE);
	union arg a;
	char *p;
	int fd = file_of(variant, self);

	EXPECT_EQ(-EFAULT, ptx_ioctl(fd, variant->cmd, NULL));
	EXPECT_EQ(-EFAULT, ptx_ioctl(fd, variant->cmd, (void *)1));
	EXPECT_EQ(-EFAULT, ptx_ioctl(fd, variant->cmd, (void *)-1));
	EXPECT_EQ(-EFAULT, ptx_ioctl(fd, variant->cmd, (void *)(1UL << 63)));
	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, mprotect(p + page, page, PROT_NONE));
	EXPECT_EQ(-EFAULT, ptx_ioctl(fd, variant->cmd, p + page));
	/* The size can be read, the rest cannot. */
	fill(&a, variant, self);
	memcpy(p + page - 8, &a, 8);
	EXPECT_EQ(-EFAULT, ptx_ioctl(fd, variant->cmd, p + page - 8));
	memcpy(p + page - variant->size + 1, &a, variant->size - 1);
	EXPECT_EQ(-EFAULT, ptx_ioctl(fd, variant->cmd, p + page - variant->size + 1));
	EXPECT_NOTHING();
	munmap(p, 2 * page);
}

TEST_F(all, unknown_flags)
{
	__u32 known = 0;
	union arg a;
	int bit;

	if (variant->cmd == PTX_LEASE_CREATE)
		known = PTX_LEASE_CREATE_BIND | PTX_LEASE_CREATE_OWNER |
			PTX_LEASE_CREATE_SPACE;
	if (variant->cmd == PTX_LEASE_ADD)
		known = PTX_ADD_FLAGS_EXACT | PTX_ADD_FLAGS_FORCE | PTX_ADD_FLAGS_BOOT_DISPLAY |
			PTX_ADD_FLAGS_RESET | PTX_ADD_FLAGS_CLEAR_MEMORY;
	if (variant->cmd == PTX_LEASE_REVOKE)
		known = PTX_REVOKE_KILL;
	if (variant->cmd == PTX_SPACE_WINDOW)
		known = PTX_SPACE_WINDOW_ADD | PTX_SPACE_WINDOW_REMOVE |
			PTX_SPACE_WINDOW_FORCE;
	for (bit = 0; bit < 32; bit++) {
		if (known & (1u << bit))
			continue;
		fill(&a, variant, self);
		a.info.flags |= 1u << bit;
		EXPECT_EQ(-EOPNOTSUPP, ptx_ioctl(file_of(variant, self),
						 variant->cmd, &a))
			TH_LOG("flag bit %d", bit);
	}
	EXPECT_NOTHING();
}

TEST_F(all, reserved)
{
	union arg a;
	__u32 v;
	int k;

	/* A struct without a reserved field says so in its variant. */
	if (!variant->reserved)
		return;
	for (k = 0; k < 32; k += 31) {
		fill(&a, variant, self);
		v = 1u << k;
		memcpy(a.bytes + variant->reserved, &v, sizeof(v));
		EXPECT_EQ(-EINVAL, ptx_ioctl(file_of(variant, self), variant->cmd, &a));
	}
	EXPECT_NOTHING();
}

/* A lease without a space has none of these. */
TEST_F(all, without_a_space)
{
	union arg a;
	int fd;

	if (!variant->space)
		return;
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	fill(&a, variant, self);
	EXPECT_EQ(-EOPNOTSUPP, ptx_ioctl(fd, variant->cmd, &a));
	if (variant->cmd == PTX_SPACE_CHANGE)
		EXPECT_EQ(PTX_REASON_NO_SPACE, a.space_change.out_reason);
	if (variant->cmd == PTX_SPACE_WINDOW)
		EXPECT_EQ(PTX_REASON_NO_SPACE, a.space_window.out_reason);
	if (variant->cmd == PTX_SPACE_QUOTA)
		EXPECT_EQ(PTX_REASON_NO_SPACE, a.space_quota.out_reason);
}

TEST_F(all, wrong_kind_of_file)
{
	union arg a;
	int fd;

	fill(&a, variant, self);
	EXPECT_EQ(-ENOTTY, ptx_ioctl(variant->on_lease ? self->h.ctl : self->lease,
				     variant->cmd, &a));
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOTTY, ptx_ioctl(fd, variant->cmd, &a));
	close(fd);
	EXPECT_NOTHING();
}

TEST_F(all, unknown_ioctls)
{
	union arg a;
	int nr;

	for (nr = 0; nr < 256; nr++) {
		if (nr >= 0x80 && nr <= 0x8a)
			continue;
		fill(&a, variant, self);
		EXPECT_EQ(-ENOTTY, ptx_ioctl(file_of(variant, self),
					     _IO(PTX_IOC_TYPE, nr), &a))
			TH_LOG("number %#x", nr);
	}
	/* The right number under another letter, or with a direction. */
	EXPECT_EQ(-ENOTTY, ptx_ioctl(file_of(variant, self),
				     _IO(0xF6, _IOC_NR(variant->cmd)), &a));
	EXPECT_EQ(-ENOTTY, ptx_ioctl(file_of(variant, self),
				     _IOC(_IOC_WRITE, PTX_IOC_TYPE,
					  _IOC_NR(variant->cmd), 16), &a));
	EXPECT_NOTHING();
}

TEST_F(info, no_read_no_write)
{
	char c = 0;

	EXPECT_EQ(-1, read(self->h.ctl, &c, 1));
	EXPECT_EQ(-1, write(self->h.ctl, &c, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->h.ctl, 0));
}

TEST_HARNESS_MAIN
