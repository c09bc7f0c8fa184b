/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_SPACE_H
#define PTX_SPACE_H

#include <linux/atomic.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/ptx.h>

#include "charge.h"
#include "pin.h"

struct ptx_batch;
struct ptx_vfio_device;
struct ptx_windows;
struct vfio_device;

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
 * - ptx_space.devices_lock, outside of that: mediated devices that hold pages. Held
 *   while they are asked to let go
 * - ptx_space.domains_lock: the domains. Who maps or unmaps holds it for reading, a
 *   chunk at a time; who changes the domains holds both
 */

/**
 * struct ptx_space - what the devices of a lease reach by DMA
 * @ref: one of the lease, one of each container
 * @lock: see above
 * @domains_lock: likewise
 * @tree: of struct ptx_mapping, by IOVA; none overlap
 * @windows: where something may be mapped
 * @charge: how many bytes are mapped, or are about to be, and may be
 * @entries: how many mappings there are, or are about to be
 * @pinned: how many pages are pinned
 * @domains: of struct ptx_domain
 * @groups: of struct ptx_space_group
 * @owners: of struct ptx_space_mm
 * @devices_lock: see above
 * @devices: of struct vfio_device, mediated ones that want to hear what is unmapped
 * @cut: its devices reach nothing any more; never false again
 * @ended: nor will anything be mapped again
 * @container: one has joined; there is never a second at a time
 * @containers: how many have, so far
 * @left: woken when mappings have gone
 * @leaves: how often that was
 * @page_shift: the largest page that a domain could use so far, as a power of two
 * @tells_faults: the IOMMU driver of a group tells of faults
 * @faults: how many there were
 * @pin_times: how many batches took how long to pin; see struct ptx_space_stats
 * @map_times: and to map
 * @refused: how many batches were refused with a reason
 * @refused_reason: the last one,
 * @refused_range: and for what
 */
struct ptx_space {
	struct kref ref;
	struct mutex lock;
	struct rw_semaphore domains_lock;
	struct rb_root_cached tree;
	struct ptx_windows *windows;
	struct ptx_charge charge;
	u64 entries;
	u64 pinned;
	struct list_head domains;
	struct list_head groups;
	struct list_head owners;
	struct mutex devices_lock;
	struct list_head devices;
	bool cut;
	bool ended;
	bool container;
	u32 containers;
	wait_queue_head_t left;
	u64 leaves;
	u8 page_shift;
	bool tells_faults;
	atomic64_t faults;
	u64 pin_times[PTX_SPACE_TIMES];
	u64 map_times[PTX_SPACE_TIMES];
	u64 refused;
	u32 refused_reason;
	struct ptx_space_range refused_range;
};

/**
 * struct ptx_space_mm - a process's memory that a space maps
 * @notifier: tells when it goes; holds a reference to the mm's struct
 * @space: of which
 * @node: in its owners
 * @mappings: how many there are, and what else is to be done for it
 * @gone: the memory is
 * @refund: how many pages do not count as locked any more
 * @refunding: the work is going to say so
 * @refund_work: says so where whoever unmaps must not wait for the memory's lock
 * @leaving: mappings that go with the memory
 * @leave_work: takes them away, as others wait for who tells that the memory goes
 * @free_work: the notifier cannot be unregistered where it is called
 */
struct ptx_space_mm {
	struct mmu_notifier notifier;
	struct ptx_space *space;
	struct list_head node;
	u64 mappings;
	bool gone;
	atomic64_t refund;
	bool refunding;
	struct delayed_work refund_work;
	struct list_head leaving;
	struct work_struct leave_work;
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
 * @container: which VFIO container it came through and goes with, or 0
 * @prot: IOMMU_READ, IOMMU_WRITE
 * @vaddr: the memory's address
 * @owner: and whose it is
 * @locked: how many pages of it count as locked memory
 * @bar: the device whose BAR it is, rather than memory; NULL for memory
 * @bar_only: it was one when locked memory was counted, and must be
 * @doomed: it must go, whatever becomes of the batch that works on it; under both locks
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
	u32 container;
	int prot;
	unsigned long vaddr;
	struct ptx_space_mm *owner;
	u64 locked;
	struct ptx_vfio_device *bar;
	bool bar_only;
	bool doomed;
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

static inline struct ptx_mapping *ptx_mapping_of(struct interval_tree_node *node)
{
	return container_of(node, struct ptx_mapping, range);
}

/* Mappings whose range meets [first, last]; the body may take the current one away. */
#define ptx_for_each_mapping(mapping, node, next, space, first, last)			\
	for (node = interval_tree_iter_first(&(space)->tree, first, last);		\
	     node && (cond_resched(), mapping = ptx_mapping_of(node),			\
		      next = interval_tree_iter_next(node, first, last), true);		\
	     node = next)

struct ptx_space *ptx_space_alloc(void);
static inline void ptx_space_get(struct ptx_space *space)
{
	kref_get(&space->ref);
}
void ptx_space_put(struct ptx_space *space);
int ptx_space_join(struct ptx_space *space, u32 *number);
void ptx_space_part(struct ptx_space *space, u32 number);
void ptx_space_end(struct ptx_space *space);
int ptx_space_set_quota(struct ptx_space *space, u64 bytes, bool may_raise, u32 *reason);
int ptx_space_restrict(struct ptx_space *space, const u64 *quota,
		       const struct ptx_space_range *ranges, u32 nr, bool force,
		       u32 *reason);
void ptx_space_describe(struct ptx_space *space, struct ptx_space_stats *stats);
struct ptx_windows *ptx_space_copy_windows(struct ptx_space *space);
void ptx_space_drop_bar(struct ptx_space *space, struct ptx_vfio_device *bar);
void ptx_space_add_device(struct ptx_space *space, struct vfio_device *vdev);
void ptx_space_remove_device(struct ptx_space *space, struct vfio_device *vdev);
struct ptx_space_mm *ptx_space_mm_get(struct ptx_space *space, u64 mappings);
void ptx_space_mm_put(struct ptx_space_mm *owner, u64 mappings);
u64 ptx_space_leave(struct ptx_space *space, struct list_head *leaving);
void ptx_space_doom(struct ptx_space *space, struct ptx_mapping *mapping,
		    struct list_head *leaving);
void ptx_space_choose(struct ptx_mapping *mapping, enum ptx_mapping_state state,
		      struct list_head *leaving);
struct ptx_mapping *ptx_space_find(struct ptx_space *space, unsigned long iova);

#endif
