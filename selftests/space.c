// SPDX-License-Identifier: GPL-2.0-only
/*
 * A lease's DMA space: what is mapped, by whom, where it may be, and that a device
 * reaches that and nothing else. Through the lease file, and as an unmodified VMM
 * does, through a VFIO container.
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

#define MIB		(1ULL << 20)
#define PAGE		4096ULL

FIXTURE(space)
{
	struct host h;
	const struct pci_fn *fn;
	struct vfio v;
	int fd;
	char *memory;
};

#define MEMORY		(64 * MIB)

FIXTURE_SETUP(space)
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

FIXTURE_TEARDOWN(space)
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

TEST_F(space, map_and_unmap)
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

TEST_F(space, container)
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

TEST_F(space, what_the_device_reaches)
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

TEST_HARNESS_MAIN
