/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_SPACE_H
#define PTX_SPACE_H

#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>
#include <uapi/linux/ptx.h>

#include "pin.h"

struct ptx_batch;

/**
 * DOC: Spaces
 *
 * A space is what the devices of a lease reach by DMA: mappings from IOVA to the
 * memory of processes, kept alike in one or more IOMMU domains. Each change is a
 * batch and happens whole or not at all: what comes is reserved in the tree, then
 * pinned and mapped without a lock that others need, by several threads where it
 * is large; then it is published, and only then what goes is taken away, which
 * cannot fail.
 *
 * Locks, below all others of ptx and taken in this order:
 *
 * - ptx_space.lock: the tree, the windows, the groups, the sums. Held while a group
 *   is attached, which maps what is there; never while pinning
 * - ptx_space.domains_lock: the domains. Who maps or unmaps holds it for reading, a
 *   chunk at a time; who changes the domains holds both
 */

/* How many mappings a space may have. Their memory is charged to who maps. */
#define PTX_SPACE_ENTRIES_MAX	(1u << 20)
#define PTX_SPACE_WINDOWS_MAX	256

/**
 * struct ptx_space - what the devices of a lease reach by DMA
 * @ref: one of the lease, one of each container
 * @lock: see above
 * @domains_lock: likewise
 * @tree: of struct ptx_mapping, by IOVA; none overlap
 * @windows: where something may be mapped; non-NULL is yes
 * @quota: how many bytes may be mapped, or 0 for any number
 * @bytes: how many are, or are about to be
 * @entries: how many mappings there are, or are about to be
 * @pinned: how many pages are pinned
 * @domains: of struct ptx_domain
 * @groups: of struct ptx_space_group
 * @owners: of struct ptx_space_mm
 * @cut: its devices reach nothing any more; never false again
 * @ended: nor will anything be mapped again
 * @container: one has joined; there is never a second at a time
 */
struct ptx_space {
	struct kref ref;
	struct mutex lock;
	struct rw_semaphore domains_lock;
	struct rb_root_cached tree;
	struct maple_tree windows;
	u64 quota;
	u64 bytes;
	u64 entries;
	u64 pinned;
	struct list_head domains;
	struct list_head groups;
	struct list_head owners;
	bool cut;
	bool ended;
	bool container;
};

/**
 * struct ptx_space_mm - a process's memory that a space maps
 * @notifier: tells when it goes; holds a reference to the mm's struct
 * @space: of which
 * @node: in its owners
 * @mappings: how many there are
 * @gone: the memory is
 * @free_work: the notifier cannot be unregistered where it is called
 */
struct ptx_space_mm {
	struct mmu_notifier notifier;
	struct ptx_space *space;
	struct list_head node;
	u64 mappings;
	bool gone;
	struct work_struct free_work;
};

/**
 * enum ptx_mapping_state - where a mapping stands
 * @PTX_MAPPING_COMING: its range is reserved, and it is being pinned
 * @PTX_MAPPING_LIVE: it is there
 * @PTX_MAPPING_CHOSEN: a batch will take it away if nothing else in it fails
 * @PTX_MAPPING_LEAVING: it is being taken away
 */
enum ptx_mapping_state {
	PTX_MAPPING_COMING,
	PTX_MAPPING_LIVE,
	PTX_MAPPING_CHOSEN,
	PTX_MAPPING_LEAVING,
};

/**
 * struct ptx_mapping - a range of IOVA and the memory behind it
 * @range: in the space's tree; first and last IOVA
 * @change: in the list of whoever is bringing it or taking it away
 * @state: under the space's lock
 * @container: it came through the VFIO container and goes with that
 * @prot: IOMMU_READ, IOMMU_WRITE
 * @vaddr: the memory's address
 * @owner: and whose it is
 * @locked: how many pages of it count as locked memory
 * @op: which of a batch asked for it
 * @chooser: the batch that has chosen it
 * @held: how many times pages of it are held by mediated devices; under the
 *	space's lock
 * @chunk_shift: its chunks end where vaddr is a multiple of this power of two
 * @nr_chunks: their number
 * @chunks: what is pinned
 */
struct ptx_mapping {
	struct interval_tree_node range;
	struct list_head change;
	enum ptx_mapping_state state;
	bool container;
	int prot;
	unsigned long vaddr;
	struct ptx_space_mm *owner;
	u64 locked;
	u32 op;
	const struct ptx_batch *chooser;
	u32 held;
	u8 chunk_shift;
	u32 nr_chunks;
	struct ptx_chunk chunks[];
};

static inline unsigned long ptx_mapping_size(const struct ptx_mapping *mapping)
{
	return mapping->range.last - mapping->range.start + 1;
}

void ptx_mapping_chunk(const struct ptx_mapping *mapping, u32 chunk,
		       unsigned long *at, unsigned long *size);

/**
 * struct ptx_batch - changes of a space that happen together
 * @ops: what is asked for
 * @nr: their number
 * @container: through a VFIO container
 * @unmapped: how many bytes were, in the end
 * @op: on failure, which of them is at fault
 * @reason: and why, a value of enum ptx_reason
 */
struct ptx_batch {
	const struct ptx_space_op *ops;
	u32 nr;
	bool container;
	u64 unmapped;
	u32 op;
	u32 reason;
};

struct ptx_space *ptx_space_alloc(void);
static inline void ptx_space_get(struct ptx_space *space)
{
	kref_get(&space->ref);
}
void ptx_space_put(struct ptx_space *space);
int ptx_space_join(struct ptx_space *space);
int ptx_space_change(struct ptx_space *space, struct ptx_batch *batch);
void ptx_space_part(struct ptx_space *space);
void ptx_space_end(struct ptx_space *space);
int ptx_space_allow(struct ptx_space *space, unsigned long first, unsigned long last,
		    u32 *reason);
int ptx_space_forbid(struct ptx_space *space, unsigned long first, unsigned long last,
		     bool force, u32 *reason);
bool ptx_space_next_window(struct ptx_space *space, unsigned long *first,
			   unsigned long *last);
struct ptx_mapping *ptx_space_find(struct ptx_space *space, unsigned long iova);

#endif
