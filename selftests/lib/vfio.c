// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "vfio.h"

#ifndef VFIO_DEVICE_BIND_IOMMUFD
struct vfio_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
};
#define VFIO_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)

struct vfio_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 19)

struct vfio_device_detach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
};
#define VFIO_DEVICE_DETACH_IOMMUFD_PT _IO(VFIO_TYPE, VFIO_BASE + 20)
#endif

/* As in linux/iommufd.h, which not every distribution has yet. */
struct ioas_alloc_cmd {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};
#define IOAS_ALLOC _IO(';', 0x81)

struct ioas_map_cmd {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 reserved;
	__u64 user_va;
	__u64 length;
	__u64 iova;
};
#define IOAS_MAP _IO(';', 0x85)
#define IOAS_MAP_FIXED_RW 7

struct ioas_unmap_cmd {
	__u32 size;
	__u32 ioas_id;
	__u64 iova;
	__u64 length;
};
#define IOAS_UNMAP _IO(';', 0x86)

#define IOVA (16ULL << 20)

int vfio_group_open(struct vfio *v, int group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[64];
	int ret;

	*v = (struct vfio)VFIO_CLOSED;
	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	v->group = open(path, O_RDWR | O_CLOEXEC);
	if (v->group < 0)
		return -errno;
	v->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (v->container < 0)
		goto fail;
	if (ioctl(v->group, VFIO_GROUP_GET_STATUS, &status))
		goto fail;
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		errno = EBUSY;
		goto fail;
	}
	if (ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->container) ||
	    ioctl(v->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		goto fail;
	return 0;
fail:
	ret = -errno;
	vfio_close(v);
	return ret;
}

int vfio_group_join(const struct vfio *v, int group)
{
	char path[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!ioctl(fd, VFIO_GROUP_SET_CONTAINER, &v->container))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

int vfio_device_open(struct vfio *v, const char *name)
{
	v->device = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, name);
	return v->device < 0 ? -errno : 0;
}

int vfio_map(struct vfio *v, size_t len)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = IOVA,
		.size = len,
	};

	v->buf = mmap(NULL, len, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v->buf == MAP_FAILED) {
		v->buf = NULL;
		return -errno;
	}
	v->len = len;
	v->iova = IOVA;
	map.vaddr = (uintptr_t)v->buf;
	return ioctl(v->container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

int vfio_open(struct vfio *v, int group, const char *name)
{
	int ret;

	ret = vfio_group_open(v, group);
	if (ret)
		return ret;
	ret = vfio_device_open(v, name);
	if (ret)
		vfio_close(v);
	return ret;
}

void vfio_close(struct vfio *v)
{
	int keep = errno;

	if (v->device >= 0)
		close(v->device);
	if (v->group >= 0)
		close(v->group);
	if (v->container >= 0)
		close(v->container);
	if (v->buf)
		munmap(v->buf, v->len);
	*v = (struct vfio)VFIO_CLOSED;
	errno = keep;
}

int vfio_region(int device, unsigned int index, uint64_t *offset, uint64_t *size)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return -errno;
	*offset = info.offset;
	*size = info.size;
	return 0;
}

int vfio_master(int device)
{
	uint64_t offset = 0, size;
	uint16_t cmd;
	int ret;

	ret = vfio_region(device, VFIO_PCI_CONFIG_REGION_INDEX, &offset, &size);
	if (ret)
		return ret;
	if (pread(device, &cmd, 2, offset + PCI_COMMAND) != 2)
		return -errno;
	cmd |= PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	if (pwrite(device, &cmd, 2, offset + PCI_COMMAND) != 2)
		return -errno;
	return 0;
}

/* The registers of QEMU's educational device, and its 4 KiB of memory. */
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_CMD	0x98
#define EDU_DMA_RUN	1
#define EDU_DMA_TO_RAM	2
#define EDU_BUFFER	0x40000

/* It has no status but this bit; a copy takes it 100 ms. */
static int edu_wait(int device, uint64_t bar)
{
	const struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	uint64_t now;
	int i;

	for (i = 0; i < 1000; i++) {
		if (pread(device, &now, 8, bar + EDU_DMA_CMD) != 8)
			return -EIO;
		if (!(now & EDU_DMA_RUN))
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

static int edu_copy(int device, uint64_t bar, uint64_t src, uint64_t dst,
		    uint64_t len, uint64_t cmd)
{
	int ret;

	/*
	 * A copy that an earlier owner began goes on, and takes no new
	 * addresses; a half-taken set of them would end the emulator.
	 */
	ret = edu_wait(device, bar);
	if (ret)
		return ret;
	if (pwrite(device, &src, 8, bar + EDU_DMA_SRC) != 8 ||
	    pwrite(device, &dst, 8, bar + EDU_DMA_DST) != 8 ||
	    pwrite(device, &len, 8, bar + EDU_DMA_COUNT) != 8 ||
	    pwrite(device, &cmd, 8, bar + EDU_DMA_CMD) != 8)
		return -EIO;
	return edu_wait(device, bar);
}

int vfio_edu_dma(int device, uint64_t src, uint64_t dst, unsigned int len)
{
	uint64_t offset = 0, size;
	int ret;

	ret = vfio_region(device, VFIO_PCI_BAR0_REGION_INDEX, &offset, &size);
	ret = ret ?: vfio_master(device);
	ret = ret ?: edu_copy(device, offset, src, EDU_BUFFER, len, EDU_DMA_RUN);
	return ret ?: edu_copy(device, offset, EDU_BUFFER, dst, len,
			       EDU_DMA_RUN | EDU_DMA_TO_RAM);
}

bool vfio_has_cdev(void)
{
	return !access("/dev/iommu", R_OK | W_OK);
}

int vfio_cdev_open(const char *cdev, int *iommufd)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	char path[96];
	int fd, ret;

	*iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (*iommufd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", cdev);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		close(*iommufd);
		return ret;
	}
	bind.iommufd = *iommufd;
	if (ioctl(fd, VFIO_DEVICE_BIND_IOMMUFD, &bind)) {
		ret = -errno;
		close(fd);
		close(*iommufd);
		return ret;
	}
	return fd;
}

int vfio_cdev_attach(int device, uint32_t ioas)
{
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach), .pt_id = ioas };

	return ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach) ? -errno : 0;
}

int vfio_cdev_detach(int device)
{
	struct vfio_device_detach_iommufd_pt detach = { .argsz = sizeof(detach) };

	return ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach) ? -errno : 0;
}

int ioas_alloc(int iommufd, uint32_t *ioas)
{
	struct ioas_alloc_cmd alloc = { .size = sizeof(alloc) };

	if (ioctl(iommufd, IOAS_ALLOC, &alloc))
		return -errno;
	*ioas = alloc.out_ioas_id;
	return 0;
}

int ioas_map(int iommufd, uint32_t ioas, uint64_t iova, void *memory, uint64_t length)
{
	struct ioas_map_cmd map = {
		.size = sizeof(map),
		.flags = IOAS_MAP_FIXED_RW,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = length,
		.iova = iova,
	};

	return ioctl(iommufd, IOAS_MAP, &map) ? -errno : 0;
}

int ioas_unmap_all(int iommufd, uint32_t ioas)
{
	struct ioas_unmap_cmd unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas,
		.length = UINT64_MAX,
	};

	return ioctl(iommufd, IOAS_UNMAP, &unmap) ? -errno : 0;
}

int vfio_cap_set(int device, uint8_t cap, unsigned int at, uint16_t bit)
{
	uint64_t config = 0, size;
	uint8_t pos = 0, id = 0;
	uint16_t word;

	if (vfio_region(device, VFIO_PCI_CONFIG_REGION_INDEX, &config, &size))
		return -1;
	if (pread(device, &pos, 1, config + PCI_CAPABILITY_LIST) != 1)
		return -1;
	while (pos && pread(device, &id, 1, config + pos) == 1 && id != cap)
		if (pread(device, &pos, 1, config + pos + 1) != 1)
			return -1;
	if (!pos || pread(device, &word, 2, config + pos + at) != 2)
		return -1;
	word |= bit;
	return pwrite(device, &word, 2, config + pos + at) == 2 ? 0 : -1;
}
