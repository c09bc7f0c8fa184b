// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory: will the memory of a VM be there, and may it be locked and mapped? Reads only.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <linux/capability.h>
#include <libptx/libptx.h>
#include "host.h"
#include "memory.h"
#include "ptxctl.h"
#include "right.h"
#include "size.h"

/* What a VM without a given size is taken to have at least. */
#define MEMORY_LEAST	(64ULL << 20)

/*
 * A VMM maps each region of its memory in one, and the BARs of its devices: that many
 * mappings any VM needs. One that plugs memory in and out, as virtio-mem does, maps it
 * in pieces of about that size.
 */
#define MAPPINGS_LEAST	64
#define PIECE		(2ULL << 20)

#define ENTRY_LIMIT	"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

static void check_locked(uint64_t memory, struct findings *f)
{
	bool lifts = host_may(CAP_SYS_RESOURCE), exempt = host_may(CAP_IPC_LOCK);
	uint64_t want = memory ? memory : MEMORY_LEAST;
	char have[32], need[32];
	struct rlimit limit;

	size_text(want, need);
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		limit.rlim_cur = RLIM_INFINITY;
	if (limit.rlim_cur == RLIM_INFINITY) {
		findings_add(f, FINDING_OK, "memlock", NULL,
			     "memory can be locked without limit");
		return;
	}
	size_text(limit.rlim_cur, have);
	if (limit.rlim_cur >= want)
		findings_add(f, FINDING_OK, "memlock", NULL,
			     "%s of memory can be locked, enough for a VM of %s", have, need);
	else if (lifts || exempt)
		findings_add(f, FINDING_OK, "memlock", NULL,
			     "the limit of locked memory is %s; %s", have,
			     lifts ? "ptxctl run lifts it" : "it does not bind you");
	else
		findings_add(f, memory ? FINDING_FAIL : FINDING_WARN, "memlock",
			     "run as root, or raise memlock in /etc/security/limits.conf (for a "
			     "service, LimitMEMLOCK=infinity)",
			     "only %s of memory can be locked, and a VM needs all of its own: %s%s",
			     have, memory ? "" : "at least ", need);
}

/* The number behind @key in /proc/meminfo, or 0. */
static uint64_t meminfo(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

/* Free huge pages are no part of what is available, but a VM can have them. */
static void check_free(uint64_t memory, struct findings *f)
{
	uint64_t available, huge, free_pages, reserved;
	char text[8192], have[32], need[32], pages[32];

	host_read("/proc/meminfo", text, sizeof(text));
	if (!strstr(text, "MemAvailable:"))
		return;
	available = meminfo(text, "MemAvailable:") << 10;
	free_pages = meminfo(text, "HugePages_Free:");
	reserved = meminfo(text, "HugePages_Rsvd:");
	huge = free_pages > reserved ? free_pages - reserved : 0;
	huge *= meminfo(text, "Hugepagesize:") << 10;
	size_text(available + huge, have);
	size_text(memory, need);
	size_text(huge, pages);
	if (available + huge < memory)
		findings_add(f, FINDING_FAIL, "memory", "give the VM less, or free some",
			     "%s of memory is free%s%s%s, and a VM of %s needs all of its own at "
			     "once", have, huge ? ", " : "", huge ? pages : "",
			     huge ? " of it in huge pages" : "", need);
	else if (available < memory)
		findings_add(f, FINDING_OK, "memory", NULL,
			     "%s of memory is free; the VM must use huge pages, which %s of it "
			     "is in", have, pages);
	else
		findings_add(f, FINDING_OK, "memory", NULL, "%s of memory is free", have);
}

/**
 * memory_check() - can a VM's memory be locked, and is it there
 * @memory: how much; 0 for what any VM needs, and then only the former
 * @f: gets what is found
 */
void memory_check(uint64_t memory, struct findings *f)
{
	check_locked(memory, f);
	if (memory)
		check_free(memory, f);
}

static void check_mappings(uint64_t memory, uint64_t limit, const char *who, const char *remedy,
			   struct findings *f)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), piece;
	char need[32], size[32];

	size_text(memory, need);
	if (limit < MAPPINGS_LEAST) {
		findings_add(f, FINDING_FAIL, "mappings", remedy,
			     "%s %llu mappings, and a VM may need %d", who,
			     (unsigned long long)limit, MAPPINGS_LEAST);
		return;
	}
	/* The smallest piece that will do. */
	piece = memory / limit + !!(memory % limit);
	piece = (piece + page - 1) & ~(page - 1);
	size_text(piece, size);
	findings_add(f, piece > PIECE ? FINDING_WARN : FINDING_OK, "mappings",
		     piece > PIECE ? remedy : NULL,
		     "%s %llu mappings, enough for a VM of %s that is mapped in pieces of %s%s",
		     who, (unsigned long long)limit, need, size,
		     piece > PIECE ? "; one with virtio-mem maps smaller ones" : "");
}

static void check_type1(uint64_t memory, struct findings *f)
{
	char text[32], remedy[256];
	uint64_t limit;

	host_read(ENTRY_LIMIT, text, sizeof(text));
	limit = strtoull(text, NULL, 10);
	/* Not loaded, or an odd one. */
	if (!*text)
		return;
	snprintf(remedy, sizeof(remedy), "let it take more: echo %d > " ENTRY_LIMIT
		 "; or use a DMA space, which takes %d", PTX_SPACE_ENTRIES_MAX,
		 PTX_SPACE_ENTRIES_MAX);
	check_mappings(memory, limit, "without a DMA space there may be", remedy, f);
}

/* The windows together; they may be all there is, which no number can say. */
static uint64_t room_of(const struct ptx_space_info *space)
{
	const struct ptx_space_range *range;
	uint64_t room = 0, size;

	for (size_t i = 0; (range = ptx_space_info_window(space, i)); i++) {
		size = range->last - range->first + 1;
		if (!size || room + size < room)
			return UINT64_MAX;
		room += size;
	}
	return room;
}

static void check_space(uint64_t memory, const struct ptx_lease_info *info,
			const struct ptx_space_info *space, struct findings *f)
{
	uint64_t quota = ptx_space_info_quota(space), mapped = ptx_space_info_mapped(space);
	uint64_t entries = ptx_space_info_entries(space), room = room_of(space), left;
	uint64_t max = ptx_space_info_max_entries(space);
	const char *name = ptx_lease_info_name(info);
	char have[32], need[32];

	size_text(memory, need);
	left = quota > mapped ? quota - mapped : 0;
	size_text(left, have);
	if (!quota)
		findings_add(f, FINDING_OK, "quota", NULL, "lease '%s' has no quota", name);
	else
		findings_add(f, left < memory ? FINDING_FAIL : FINDING_OK, "quota",
			     left < memory ? "give the VM less, or let the lease map more: ptxctl "
			     "restrict --dma-quota" : NULL,
			     "the quota of lease '%s' leaves %s%s%s", name, have,
			     left < memory ? ", and a VM maps all of its memory: " : "",
			     left < memory ? need : "");
	size_text(room, have);
	if (room < memory)
		findings_add(f, FINDING_FAIL, "windows",
			     "give the VM less, or the lease other windows: ptxctl restrict "
			     "--dma-window",
			     "the windows of lease '%s' have room for %s, and a VM maps all of its "
			     "memory: %s", name, have, need);
	else if (room != UINT64_MAX)
		findings_add(f, FINDING_OK, "windows", NULL,
			     "the windows of lease '%s' have room for %s", name, have);
	check_mappings(memory, max > entries ? max - entries : 0,
		       "the lease's DMA space has room for", "make a lease of its own for the VM",
		       f);
}

/**
 * memory_check_grants() - do the grants of who has no other right let a VM map its memory
 * @memory: how much
 * @right: what the caller may do
 * @f: gets what is found: by the grant with most room, as which one it is going to be
 *	depends on the devices
 */
void memory_check_grants(uint64_t memory, const struct right *right, struct findings *f)
{
	const struct ptx_grant *most = NULL;
	uint64_t room = 0, left;
	char have[32], need[32];

	for (size_t i = 0; !right->all && i < right->nr; i++) {
		const struct ptx_grant *grant = &right->grants[i];

		left = grant->dma_quota > grant->dma_mapped ?
		       grant->dma_quota - grant->dma_mapped : 0;
		if (!grant->dma_quota)
			return;
		if (!most || left > room) {
			most = grant;
			room = left;
		}
	}
	if (!most)
		return;
	size_text(memory, need);
	size_text(room, have);
	findings_add(f, room < memory ? FINDING_FAIL : FINDING_OK, "grant",
		     room < memory ? "give the VM less, end others, or have root grant more: "
		     "ptxctl grant --dma-quota" : NULL,
		     "what you are granted lets your VMs map %s more%s%s", have,
		     room < memory ? ", and a VM maps all of its memory: " : "",
		     room < memory ? need : "");
}

/**
 * memory_check_lease() - can a VM's memory be mapped
 * @memory: how much
 * @info: through this lease; NULL for a new one
 * @f: gets what is found
 */
void memory_check_lease(uint64_t memory, const struct ptx_lease_info *info, struct findings *f)
{
	const struct ptx_space_info *space = info ? ptx_lease_info_space(info) : NULL;

	if (space) {
		check_space(memory, info, space, f);
		return;
	}
	if (info)
		findings_add(f, FINDING_OK, "quota", NULL,
			     "lease '%s' has no DMA space, and so no quota",
			     ptx_lease_info_name(info));
	check_type1(memory, f);
}
