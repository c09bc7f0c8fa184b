// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define TH_LOG(...)		/* only the programs have the harness */
#define FIXTURE(...)
#include "container.h"
#include "space.h"

#define NO_V1	"unmapping as v1 has it is not offered; who asks for it gets type1, and then no device"
#define NO_VADDR "memory is not exchanged under a mapping: it is dropped with the process it is of"
#define NO_DIRTY "what a device dirties is not tracked"
#define ORDER	"of two things wrong, another one is told"
#define KEPT	"a mapping goes with the process whose memory it is; type1 keeps it, and its pages"
#define ONE_BAR	"of device memory, only what one mmap() of a BAR of the lease's own has"
#define ONE_SPACE "a container is one space's, and a space has one container"
#define WRAPS	"type1 says EOVERFLOW since 6.18"

/* With a text as the steps have it: what type1 says, what ours does. */
static const struct difference by_design[] = {
	{ "extension 1", "1, 0 KiB locked", "0, 0 KiB locked", NO_V1 },
	{ "extension 6", "1, 0 KiB locked", "0, 0 KiB locked", NO_V1, .some = true },
	{ "extension 10", "1, 0 KiB locked", "0, 0 KiB locked", NO_VADDR },
	{ "v1: the device", "0, 0 KiB locked", "-EACCES, 0 KiB locked", NO_V1 },
	{ "info: migration", "32, 0 KiB locked", "0, 0 KiB locked", NO_DIRTY },
	{ "info: avail", "65535, 0 KiB locked", "1048576, 0 KiB locked",
	  "as many as a space may have; type1's is a parameter of its own" },
	{ "map: VADDR alone", "-ENOENT, 0 KiB locked", "-EINVAL, 0 KiB locked", NO_VADDR },
	{ "unmap: VADDR", "0, size 0x4000, 16 KiB locked",
	  "-EINVAL, size 0x4000, 16 KiB locked", NO_VADDR },
	{ "map: VADDR again", "0, 16 KiB locked", "-EINVAL, 16 KiB locked", NO_VADDR },
	{ "dirty pages: start", "0, 16 KiB locked", "-ENOTTY, 16 KiB locked", NO_DIRTY },
	{ "dirty pages: stop", "0, 16 KiB locked", "-ENOTTY, 16 KiB locked", NO_DIRTY },
	{ "dirty pages: two flags", "-EINVAL, 16 KiB locked", "-ENOTTY, 16 KiB locked",
	  NO_DIRTY },
	{ "dirty pages: unknown flag", "-EINVAL, 16 KiB locked", "-ENOTTY, 16 KiB locked",
	  NO_DIRTY },
	{ "dirty pages: too small", "-EINVAL, 16 KiB locked", "-ENOTTY, 16 KiB locked",
	  NO_DIRTY },
	{ "dirty pages: bad pointer", "-EFAULT, 16 KiB locked", "-ENOTTY, 16 KiB locked",
	  NO_DIRTY },
	{ "unmap: to the end of everything", "0, size 0, 16 KiB locked",
	  "0, size 0x4000, 0 KiB locked",
	  "a range that ends with the last address has nothing in it, says type1 before 6.18",
	  .some = true },
	{ "map: wraps", "-EOVERFLOW, 0 KiB locked", "-EINVAL, 0 KiB locked", WRAPS,
	  .some = true },
	{ "map: memory wraps", "-EOVERFLOW, 0 KiB locked", "-EINVAL, 0 KiB locked", WRAPS,
	  .some = true },
	{ "map: all but a page", "-EOVERFLOW, 0 KiB locked", "-EINVAL, 0 KiB locked", WRAPS,
	  .some = true },
	{ "unmap: wraps", "-EOVERFLOW, size 0x2000, 16 KiB locked",
	  "-EINVAL, size 0x2000, 16 KiB locked", WRAPS, .some = true },
	{ "map: kernel memory where there is some", "-EEXIST, 16 KiB locked",
	  "-EFAULT, 16 KiB locked", ORDER },
	{ "map: kernel memory where none may be", "-EINVAL, 16 KiB locked",
	  "-EFAULT, 16 KiB locked", ORDER },
	{ "limit: too much where there is some", "-EEXIST, 1024 KiB locked",
	  "-ENOMEM, 1024 KiB locked", ORDER },
	{ "limit: too much where none may be", "-EINVAL, 1024 KiB locked",
	  "-ENOMEM, 1024 KiB locked", ORDER },
	{ "limit: too much of nothing", "-EFAULT, 0 KiB locked",
	  "-ENOMEM, 0 KiB locked", ORDER },
	{ "process: where it mapped", "-EEXIST, 0 KiB locked", "0, 16 KiB locked", KEPT },
	{ "process: unmapped", "0, size 0x4000, 0 KiB locked",
	  "0, size 0x4000, 0 KiB locked", KEPT, .some = true },
	{ "bar: two mappings of it", "0, 0 KiB locked", "-EFAULT, 0 KiB locked", ONE_BAR },
	{ "bar: and memory", "0, 4 KiB locked", "-EFAULT, 0 KiB locked", ONE_BAR },
	{ "bar: turned off", "-EFAULT, 0 KiB locked", "0, 0 KiB locked",
	  "what is mapped stays so when it is turned off, here and there" },
	{ "bar: left", "0, size 0x3000, 0 KiB locked", "0, size 0, 0 KiB locked", ONE_BAR },
	{ "bar: left off", "0, size 0, 0 KiB locked", "0, size 0x2000, 0 KiB locked",
	  ONE_BAR },
	{ "two: another container's device", "0, 16 KiB locked", "-EACCES, 16 KiB locked",
	  ONE_SPACE },
	{}
};

int container_begin(struct container *c)
{
	const long page = sysconf(_SC_PAGESIZE);

	c->v = (struct vfio)VFIO_CLOSED;
	c->memory = mmap(NULL, CONTAINER_MEMORY, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (c->memory == MAP_FAILED ||
	    mprotect(c->memory + CONTAINER_READ_ONLY, page, PROT_READ) ||
	    mprotect(c->memory + CONTAINER_NO_ACCESS, page, PROT_NONE) ||
	    munmap(c->memory + CONTAINER_HOLE, page))
		return -errno;
	c->locked = space_locked_kib();
	c->lease = c->space ? space_lease(c->ctl, lease_name()) :
			      lease_create(c->ctl, lease_name(), NULL);
	if (c->lease < 0)
		return c->lease;
	return lease_add_names(c->lease, c->fn->name, c->other ? c->other->name : NULL);
}

void container_end(struct container *c)
{
	vfio_close(&c->v);
	container_note(c, "files closed", "0");
	munmap(c->memory, CONTAINER_MEMORY);
	close(c->lease);
}

int container_files(struct container *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", c->fn->group);
	c->v.group = open(path, O_RDWR | O_CLOEXEC);
	if (c->v.group < 0)
		return -errno;
	c->v.container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	return c->v.container < 0 ? -errno : 0;
}

int container_open(struct container *c)
{
	int ret = container_files(c);

	if (ret)
		return ret;
	if (ioctl(c->v.group, VFIO_GROUP_SET_CONTAINER, &c->v.container) ||
	    ioctl(c->v.container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	return vfio_device_open(&c->v, c->fn->name);
}

void container_note(struct container *c, const char *name, const char *format, ...)
{
	char text[192];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	transcript_note(c->t, name, "%s, %ld KiB locked", text,
			space_locked_kib() - c->locked);
}

static long call(struct container *c, unsigned long cmd, const void *arg)
{
	long ret = ioctl(c->v.container, cmd, arg);

	return ret < 0 ? -errno : ret;
}

void container_ioctl(struct container *c, const char *name, unsigned long cmd,
		     unsigned long arg)
{
	container_note(c, name, "%s", answer(call(c, cmd, (void *)arg)));
}

int container_try_map(struct container *c, uint64_t iova, const void *memory,
		      uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	return call(c, VFIO_IOMMU_MAP_DMA, &map);
}

int container_try_unmap(struct container *c, uint64_t iova, uint64_t size,
			uint32_t flags, uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};
	int ret = call(c, VFIO_IOMMU_UNMAP_DMA, &unmap);

	*unmapped = unmap.size;
	return ret;
}

void container_map_raw(struct container *c, const char *name,
		       const struct vfio_iommu_type1_dma_map *map)
{
	struct vfio_iommu_type1_dma_map copy = *map;
	long ret = call(c, VFIO_IOMMU_MAP_DMA, &copy);

	container_note(c, name, "%s%s", answer(ret),
		       memcmp(&copy, map, sizeof(copy)) ? ", struct changed" : "");
}

void container_map(struct container *c, const char *name, uint64_t iova,
		   const void *memory, uint64_t size, uint32_t flags)
{
	const struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	container_map_raw(c, name, &map);
}

void container_unmap_raw(struct container *c, const char *name,
			 const struct vfio_iommu_type1_dma_unmap *unmap)
{
	struct vfio_iommu_type1_dma_unmap copy = *unmap;
	long ret = call(c, VFIO_IOMMU_UNMAP_DMA, &copy);
	unsigned long long size = copy.size;

	copy.size = unmap->size;
	container_note(c, name, "%s, size %#llx%s", answer(ret), size,
		       memcmp(&copy, unmap, sizeof(copy)) ? ", struct changed" : "");
}

void container_unmap(struct container *c, const char *name, uint64_t iova, uint64_t size,
		     uint32_t flags)
{
	const struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	container_unmap_raw(c, name, &unmap);
}

void container_unmap_all(struct container *c)
{
	container_unmap(c, "unmap: what is left", 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
}

void container_set(struct container *c, const char *name, int group, int container)
{
	container_note(c, name, "%s",
		       answer(ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ?
			      -errno : 0));
}

void container_unset(struct container *c, const char *name, int group)
{
	container_note(c, name, "%s",
		       answer(ioctl(group, VFIO_GROUP_UNSET_CONTAINER) ? -errno : 0));
}

void container_open_device(struct container *c, const char *name)
{
	container_note(c, name, "%s", answer(vfio_device_open(&c->v, c->fn->name)));
}

void container_close_device(struct container *c)
{
	close(c->v.device);
	c->v.device = -1;
}

/* The ioctls that take a struct, on a container that may have no use for them. */
void container_all_ioctls(struct container *c, const char *when)
{
	char name[64];

	snprintf(name, sizeof(name), "%s: info", when);
	container_ioctl(c, name, VFIO_IOMMU_GET_INFO, 0);
	snprintf(name, sizeof(name), "%s: map", when);
	container_map(c, name, CONTAINER_AT, c->memory, 4096, CONTAINER_RW);
	snprintf(name, sizeof(name), "%s: unmap", when);
	container_unmap(c, name, CONTAINER_AT, 4096, 0);
	snprintf(name, sizeof(name), "%s: unknown ioctl", when);
	container_ioctl(c, name, _IO(VFIO_TYPE, VFIO_BASE + 99), 0);
}

void container_map_and_unmap(struct container *c, const char *what, const void *memory,
			  uint64_t size, uint32_t flags)
{
	char name[64];

	snprintf(name, sizeof(name), "map: %s, flags %u", what, flags);
	container_map(c, name, CONTAINER_AT, memory, size, flags);
	snprintf(name, sizeof(name), "unmap: %s", what);
	container_unmap(c, name, CONTAINER_AT, size, 0);
}

static void info_cap(struct container_info *info, const struct vfio_info_cap_header *h,
		     size_t room)
{
	const struct vfio_iommu_type1_info_cap_iova_range *range = (const void *)h;
	const struct vfio_iommu_type1_info_dma_avail *avail = (const void *)h;
	unsigned int i;

	if (h->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE && h->version == 1 &&
	    sizeof(*range) + range->nr_iovas * sizeof(range->iova_ranges[0]) <= room) {
		info->nr_ranges = range->nr_iovas;
		for (i = 0; i < range->nr_iovas && i < CONTAINER_RANGES; i++)
			info->ranges[i] = range->iova_ranges[i];
	} else if (h->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL && h->version == 1 &&
		   sizeof(*avail) <= room) {
		info->avail = avail->avail;
	} else if (h->id == VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION && h->version == 1) {
		info->migration = sizeof(struct vfio_iommu_type1_info_cap_migration);
	} else {
		info->unknown++;
	}
}

int container_info(struct container *c, struct container_info *out)
{
	union {
		struct vfio_iommu_type1_info info;
		char bytes[4096];
	} u = { .info.argsz = sizeof(u) };
	uint32_t at, next;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = call(c, VFIO_IOMMU_GET_INFO, &u);
	if (ret)
		return ret;
	out->flags = u.info.flags;
	out->page_sizes = u.info.iova_pgsizes;
	for (at = u.info.cap_offset; at; at = next) {
		const struct vfio_info_cap_header *h = (const void *)(u.bytes + at);

		if (at < sizeof(u.info) || at > sizeof(u) - sizeof(*h)) {
			out->unknown++;
			break;
		}
		next = h->next;
		if (next && next <= at) {
			next = 0;
			out->unknown++;
		}
		info_cap(out, h, sizeof(u) - at);
	}
	/* So much it says when there is too little room. */
	u.info.argsz = sizeof(u.info);
	ret = call(c, VFIO_IOMMU_GET_INFO, &u);
	out->needed = u.info.argsz;
	return ret;
}

int container_pair_begin(struct container_pair *p)
{
	int i, ret;

	ret = host_begin(&p->h);
	if (ret)
		return ret;
	p->fn = p->h.nr_edu && p->h.edu[0]->group >= 0 ? p->h.edu[0] : NULL;
	for (i = 0; !p->other && host_single(&p->h, i); i++)
		if (host_single(&p->h, i) != p->fn)
			p->other = host_single(&p->h, i);
	for (i = 0; i < 2; i++) {
		p->t[i] = transcript_new();
		if (!p->t[i])
			return -ENOMEM;
	}
	return 0;
}

int container_pair_end(struct container_pair *p)
{
	transcript_free(p->t[0]);
	transcript_free(p->t[1]);
	return host_end(&p->h) ?: !!space_locked_kib();
}

/* One turn; a negative errno if it could not even begin. */
static int turn(struct container_pair *p, bool space, bool two, bool open,
		container_sequence *sequence)
{
	struct container c = {
		.space = space,
		.ctl = p->h.ctl,
		.fn = p->fn,
		.other = two ? p->other : NULL,
		.t = p->t[space],
	};
	int ret;

	ret = container_begin(&c);
	if (!ret)
		ret = open ? container_open(&c) : container_files(&c);
	if (!ret)
		sequence(&c);
	container_end(&c);
	return ret ? ret : host_wait_no_lease(20000);
}

int container_compare(struct container_pair *p, bool two, bool open,
		      container_sequence *sequence)
{
	int ret;

	ret = turn(p, false, two, open, sequence);
	if (!ret)
		ret = turn(p, true, two, open, sequence);
	if (ret)
		return ret;
	printf("# %d steps\n", p->t[0]->nr);
	return transcript_compare(p->t[0], "type1", p->t[1], "ours", by_design);
}
