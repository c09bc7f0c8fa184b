// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mediated device in the container of a lease with a space: it reads and writes what is
 * mapped, as far as that may be, holds pages, and lets go when they are unmapped. The
 * device is a fake, selftests/mediated.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/space.h"
#include "mediated/ptx_mediated.h"

#define PAGE	4096ULL
#define MIB	(1ULL << 20)
#define FAKE	"/sys/bus/platform/devices/ptx-mediated"

FIXTURE(mediated)
{
	struct host h;
	struct vfio v;
	int fd;
	int group;
	int device;
	uint64_t *memory;
};

static int fake_group(void)
{
	char name[32];

	return !link_name(FAKE "/iommu_group", name, sizeof(name)) && *name ? atoi(name) : -1;
}

FIXTURE_SETUP(mediated)
{
	const struct pci_fn *fn;

	ASSERT_EQ(0, system("modprobe ptx_mediated"));
	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	fn = host_single(&self->h, 0);
	self->group = self->device = -1;
	if (!fn)
		return;
	self->fd = space_lease(self->h.ctl, lease_name());
	ASSERT_LE(0, self->fd);
	self->memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	ASSERT_NE(MAP_FAILED, self->memory);
	ASSERT_EQ(0, lease_add_names(self->fd, fn->name, NULL));
	ASSERT_EQ(0, vfio_open(&self->v, fn->group, fn->name));
	self->group = vfio_group_join(&self->v, fake_group());
	ASSERT_LE(0, self->group);
	self->device = ioctl(self->group, VFIO_GROUP_GET_DEVICE_FD, "ptx-mediated");
	ASSERT_LE(0, self->device);
}

FIXTURE_TEARDOWN(mediated)
{
	if (self->device >= 0)
		close(self->device);
	if (self->group >= 0)
		close(self->group);
	vfio_close(&self->v);
	munmap(self->memory, MIB);
	EXPECT_EQ(0, host_end(&self->h));
	EXPECT_EQ(0, space_locked_kib());
	EXPECT_EQ(0, system("rmmod ptx_mediated"));
}

TEST_F(mediated, reads_and_writes)
{
	uint64_t data[600];
	unsigned int i;

	NEED(self->device >= 0, "a device that is alone in its group");
	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, 4 * PAGE, SPACE_RW));
	ASSERT_EQ(0, space_map(self->fd, 2 * MIB, self->memory, PAGE, PTX_SPACE_READ));
	ASSERT_EQ(0, space_map(self->fd, 3 * MIB, self->memory, PAGE, PTX_SPACE_WRITE));
	for (i = 0; i < 1024; i++)
		self->memory[i] = i;
	/* Over the border of a page. */
	ASSERT_EQ(sizeof(data), pread(self->device, data, sizeof(data), MIB + 8 * 100));
	for (i = 0; i < 600; i++)
		ASSERT_EQ(100 + i, data[i]);
	for (i = 0; i < 600; i++)
		data[i] = ~(uint64_t)i;
	ASSERT_EQ(sizeof(data), pwrite(self->device, data, sizeof(data), MIB + 8 * 200));
	for (i = 0; i < 600; i++)
		ASSERT_EQ(~(uint64_t)i, self->memory[200 + i]);
	EXPECT_EQ(8, pread(self->device, data, 8, 2 * MIB));
	EXPECT_EQ(-1, pwrite(self->device, data, 8, 2 * MIB));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pread(self->device, data, 8, 3 * MIB));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, pread(self->device, data, 8, 4 * MIB));
	EXPECT_EQ(EINVAL, errno);
	/* What is mapped ends in the middle. */
	EXPECT_EQ(-1, pread(self->device, data, 16, MIB + 4 * PAGE - 8));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(mediated, holds_pages)
{
	uint64_t iova = MIB + PAGE, value = 0, unmapped;

	NEED(self->device >= 0, "a device that is alone in its group");
	self->memory[PAGE / 8] = 4711;
	EXPECT_EQ(-1, ioctl(self->device, MEDIATED_HOLD, &iova));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, 4 * PAGE, PTX_SPACE_READ));
	EXPECT_EQ(-1, ioctl(self->device, MEDIATED_HOLD, &iova));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, space_unmap_all(self->fd, NULL));
	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, 4 * PAGE, SPACE_RW));
	ASSERT_EQ(1, ioctl(self->device, MEDIATED_HOLD, &iova));
	ASSERT_EQ(0, ioctl(self->device, MEDIATED_PEEK, &value));
	EXPECT_EQ(4711, value);
	/* It lets go when that is unmapped, and is asked only then. */
	value = ioctl(self->device, MEDIATED_ASKED);
	EXPECT_EQ(0, space_unmap(self->fd, MIB, 4 * PAGE, &unmapped));
	EXPECT_EQ(4 * PAGE, unmapped);
	EXPECT_EQ(value + 1, ioctl(self->device, MEDIATED_ASKED));
	EXPECT_EQ(-1, ioctl(self->device, MEDIATED_PEEK, &value));
	/* The lease is revoked while it holds one: that goes, too. */
	ASSERT_EQ(0, space_map(self->fd, MIB, self->memory, 4 * PAGE, SPACE_RW));
	ASSERT_EQ(1, ioctl(self->device, MEDIATED_HOLD, &iova));
}

/* By itself it is not ours: no lease has it. */
TEST_F(mediated, alone_it_is_type1s)
{
	struct vfio w = VFIO_CLOSED;

	NEED(self->device >= 0, "a device that is alone in its group");
	close(self->device);
	close(self->group);
	self->device = self->group = -1;
	ASSERT_EQ(0, vfio_group_open(&w, fake_group()));
	EXPECT_EQ(1, ioctl(w.container, VFIO_CHECK_EXTENSION, VFIO_TYPE1_IOMMU));
	vfio_close(&w);
}

TEST_HARNESS_MAIN
