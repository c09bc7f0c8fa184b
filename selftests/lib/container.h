/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * container - a VFIO container whose every answer is written down, so that those of two
 * back ends can be compared. Calls return nothing: what came of them is in the transcript,
 * with the locked memory of the caller after each.
 *
 * To be included after kselftest_harness.h.
 */
#ifndef PTX_TEST_CONTAINER_H
#define PTX_TEST_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/vfio.h>

#include "host.h"
#include "transcript.h"

/* Where most is mapped: a device with few bits of address reaches it. */
#define CONTAINER_AT	(16ULL << 20)
#define CONTAINER_RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/**
 * struct container - one back end's turn
 * @space: the lease has a space, so that it is ours
 * @ctl: /dev/ptx
 * @lease: the lease file
 * @fn: its device
 * @other: another one of it, or NULL
 * @v: its files
 * @memory: CONTAINER_MEMORY bytes of the caller
 * @locked: the caller's locked memory in KiB when it began
 * @t: what it answered
 */
struct container {
	bool space;
	int ctl;
	int lease;
	const struct pci_fn *fn;
	const struct pci_fn *other;
	struct vfio v;
	char *memory;
	long locked;
	struct transcript *t;
};

#define CONTAINER_MEMORY	(4ULL << 20)
/* Where in it there is: none, memory that is read-only, memory without access. */
#define CONTAINER_HOLE		(1ULL << 20)
#define CONTAINER_READ_ONLY	(2ULL << 20)
#define CONTAINER_NO_ACCESS	(3ULL << 20)

/* A lease with @fn and @other in it, and memory. 0 or a negative errno. */
int container_begin(struct container *c);
void container_end(struct container *c);

/* The files of the group, in a new container without an IOMMU. 0 or a negative errno. */
int container_files(struct container *c);
/* The same with type1v2, and the device. */
int container_open(struct container *c);

/* Writes down a step, with the locked memory. */
__attribute__((format(printf, 3, 4)))
void container_note(struct container *c, const char *name, const char *format, ...);
/* Any ioctl of the container. */
void container_ioctl(struct container *c, const char *name, unsigned long cmd,
		     unsigned long arg);
void container_map(struct container *c, const char *name, uint64_t iova,
		   const void *memory, uint64_t size, uint32_t flags);
void container_map_raw(struct container *c, const char *name,
		       const struct vfio_iommu_type1_dma_map *map);
void container_unmap(struct container *c, const char *name, uint64_t iova, uint64_t size,
		     uint32_t flags);
void container_unmap_raw(struct container *c, const char *name,
			 const struct vfio_iommu_type1_dma_unmap *unmap);
/* What is left, all of it. */
void container_unmap_all(struct container *c);
/* "map: WHAT, flags N" at CONTAINER_AT, and "unmap: WHAT". */
void container_map_and_unmap(struct container *c, const char *what, const void *memory,
			     uint64_t size, uint32_t flags);
/* The ioctls that take a struct, on a container that may have no use for them. */
void container_all_ioctls(struct container *c, const char *when);
/* Those of a group, and of the device. */
void container_set(struct container *c, const char *name, int group, int container);
void container_unset(struct container *c, const char *name, int group);
void container_open_device(struct container *c, const char *name);
void container_close_device(struct container *c);
/* What the calls above do, unwritten: 0 or a negative errno. */
int container_try_map(struct container *c, uint64_t iova, const void *memory,
		      uint64_t size, uint32_t flags);
int container_try_unmap(struct container *c, uint64_t iova, uint64_t size,
			uint32_t flags, uint64_t *unmapped);

#define CONTAINER_RANGES	8

/**
 * struct container_info - what VFIO_IOMMU_GET_INFO says
 * @needed: room that it says it takes
 * @flags: of the struct
 * @page_sizes: likewise
 * @nr_ranges: what may be mapped
 * @ranges: that
 * @avail: how many mappings more there may be
 * @migration: how many bytes of the chain are about migration, or 0
 * @unknown: capabilities that are none of these, or are broken
 */
struct container_info {
	uint32_t needed;
	uint32_t flags;
	uint64_t page_sizes;
	unsigned int nr_ranges;
	struct vfio_iova_range ranges[CONTAINER_RANGES];
	uint32_t avail;
	uint32_t migration;
	unsigned int unknown;
};

/* 0 or a negative errno. */
int container_info(struct container *c, struct container_info *info);

/**
 * struct container_pair - the host, and what both back ends say
 * @h: the host
 * @fn: an edu that is alone in its group, or NULL
 * @other: another device that is, or NULL
 * @t: of type1, and of ours
 */
struct container_pair {
	struct host h;
	const struct pci_fn *fn;
	const struct pci_fn *other;
	struct transcript *t[2];
};

int container_pair_begin(struct container_pair *p);
int container_pair_end(struct container_pair *p);

typedef void container_sequence(struct container *c);

/*
 * Lets both answer a sequence, with a container that has an IOMMU and its device @open
 * or neither, and with @two devices in the lease. How many differences there are that
 * are not on purpose, having printed them; or a negative errno.
 */
int container_compare(struct container_pair *p, bool two, bool open,
		      container_sequence *sequence);

#endif
