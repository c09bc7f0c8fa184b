/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio - opening a device as a VMM does: by group and container, or by its
 * character device and iommufd. Calls return 0, a file descriptor or a
 * negative errno.
 */
#ifndef PTX_TEST_VFIO_H
#define PTX_TEST_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct vfio - a VMM's files, -1 where there is none
 * @buf: what vfio_map() mapped at IOVA @iova
 */
struct vfio {
	int container;
	int group;
	int device;
	void *buf;
	size_t len;
	uint64_t iova;
};

#define VFIO_CLOSED { .container = -1, .group = -1, .device = -1 }

/* Opens /dev/vfio/@group and puts it into a fresh type1 container. */
int vfio_group_open(struct vfio *v, int group);
/* Opens /dev/vfio/@group and puts it into @v's container; its file. */
int vfio_group_join(const struct vfio *v, int group);
/* The device of that group: v->device. */
int vfio_device_open(struct vfio *v, const char *name);
/* Maps @len fresh bytes for DMA at IOVA 16 MiB. */
int vfio_map(struct vfio *v, size_t len);
/* Both, and the device. */
int vfio_open(struct vfio *v, int group, const char *name);
void vfio_close(struct vfio *v);

/* Region @index of the device: its offset and size. */
int vfio_region(int device, unsigned int index, uint64_t *offset, uint64_t *size);
/* Sets the bus-master and memory bits of the command register. */
int vfio_master(int device);
/* Sets a bit in the word at @at of a capability, as a guest would. */
int vfio_cap_set(int device, uint8_t cap, unsigned int at, uint16_t bit);
/* Makes an edu device copy @len < 4096 bytes from @src to its buffer and back. */
int vfio_edu_dma(int device, uint64_t src, uint64_t dst, unsigned int len);

/* Whether the kernel has VFIO character devices. */
bool vfio_has_cdev(void);
/* Opens /dev/vfio/devices/@cdev and binds it to a new iommufd in *@iommufd. */
int vfio_cdev_open(const char *cdev, int *iommufd);
/* Attaches an I/O address space of the iommufd, or what a lease has with 0. */
int vfio_cdev_attach(int device, uint32_t ioas);
int vfio_cdev_detach(int device);

/* A new I/O address space: its number. */
int ioas_alloc(int iommufd, uint32_t *ioas);
int ioas_map(int iommufd, uint32_t ioas, uint64_t iova, void *memory, uint64_t length);
int ioas_unmap_all(int iommufd, uint32_t ioas);

#endif
