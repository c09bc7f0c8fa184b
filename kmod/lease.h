/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_LEASE_H
#define PTX_LEASE_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/poll.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/ptx.h>

#include "journal.h"

struct iommu_group;
struct ptx_bus_hold;
struct ptx_reset_entry;
struct ptx_roms;
struct ptx_space;
struct ptx_vfio_device;

/**
 * DOC: Leases, claims and members
 *
 * A lease holds claims; a claim is a lease's exclusive hold on one IOMMU
 * group; a member is one device of that group. The group is the smallest unit
 * the hardware can isolate, so it is also the unit that moves: a claim has one
 * journal for all its members, and its work item builds it up and takes it
 * down again. Claims move in parallel; within a claim everything is in order,
 * which is what lets every function of a group leave VFIO before the first one
 * returns to a driver that does DMA.
 *
 * Locks, outermost first:
 *
 * - ptx_lease.lock: one transaction at a time on a lease; held across
 *   driver-core calls, never while waiting for userspace to close something
 * - the PCI core's rescan lock; what is on a bus that is to be reset (bus.c); VFIO's
 *   device set, in which the rescan lock is not waited for. Taken by works
 * - the driver core's own locks
 * - ptx_claims_lock (claim.c), ptx_leases_lock (lease.c): the registries
 * - ptx_grants_lock (grant.c): a leaf; taken when the last reference to a claim
 *   goes, wherever that is. ptx_reserves_lock (reserve.c): a leaf; taken when a
 *   device appears
 * - ptx_bind_lock (bind.c): for a device that the pool is to have and has not got
 *   yet; with the device's own lock inside. Taken by works only
 * - the lock of a struct ptx_vfio_device: whoever cuts it, against its removal
 * - ptx_lease.state_lock: short, never held across a call out; that of the pool
 *   last. Probe, remove, VFIO's ops and bus notifiers take nothing else of ours
 *   but the three above.
 * - what stands in struct ptx_rest (bus.c): a leaf
 */

/**
 * struct ptx_fault - why something was refused
 * @reason: a value of enum ptx_reason
 * @lease: the lease that holds the culprit, or 0
 * @culprit: the device at fault, or empty
 * @holder: what of it is in use, or empty
 */
struct ptx_fault {
	u32 reason;
	u64 lease;
	char culprit[PTX_DEVICE_NAME_SIZE];
	char holder[PTX_DEVICE_NAME_SIZE];
};

/**
 * struct ptx_bond - what ties a lease to a process
 * @file: the pidfd; a reference
 * @pid: its process; pinned by @file
 * @head: the wait queue its exit wakes
 * @wait: our entry in @head
 * @table: used once, to find @head
 * @work: drains the lease; the waker may not
 */
struct ptx_bond {
	struct file *file;
	struct pid *pid;
	wait_queue_head_t *head;
	wait_queue_entry_t wait;
	poll_table table;
	struct work_struct work;
};

/**
 * struct ptx_revocation - what takes a lease away from its VMM
 * @work: carries out what is due next; holds a reference to the lease while it
 *	is pending
 * @cut_at: when, in jiffies, its devices are cut
 * @kill_at: when who still has one open is killed
 * @wanted: it has been asked for
 * @cut: it has been begun
 * @kill: killing was asked for, and is still to come
 * @kill_any: by somebody who may kill anybody
 */
struct ptx_revocation {
	struct delayed_work work;
	unsigned long cut_at;
	unsigned long kill_at;
	bool wanted;
	bool cut;
	bool kill;
	bool kill_any;
};

/**
 * struct ptx_lease - devices held for one VM
 * @ref: one for the registry until released, one per claim, one per file
 * @rcu: who holds a claim is looked up without a lock
 * @id: never used twice
 * @name: unique among live leases
 * @owner: may open the devices and see the lease; changes under @state_lock
 * @persistent: lives until released, not with a file
 * @space: what its devices reach by DMA; NULL if that is for others to say. Fixed
 * @created: for its age
 * @bond: the process it ends with, if any
 * @by_name: in the registry's names
 * @lock: one transaction at a time
 * @state_lock: protects everything below, the state of the claims, and the
 *	opened, opener and vfio fields of their members
 * @only: the process that may open the devices, with its descendants, if it is
 *	not the one of the bond, or any; a reference
 * @max_devices: how many it may hold, or 0
 * @state: only moves forward
 * @settled: it is being ended for good
 * @claims: of struct ptx_claim
 * @fault: what went wrong first while giving back
 * @revocation: see revoke.c
 * @wait: woken whenever something under @state_lock changes
 * @free_work: the last reference may go where nothing can sleep
 */
struct ptx_lease {
	struct kref ref;
	struct rcu_head rcu;
	u64 id;
	char name[PTX_LEASE_NAME_MAX + 1];
	kuid_t owner;
	bool persistent;
	struct ptx_space *space;
	ktime_t created;
	struct ptx_bond bond;
	struct hlist_node by_name;

	struct mutex lock;

	spinlock_t state_lock;
	struct pid *only;
	u32 max_devices;
	enum ptx_lease_state state;
	bool settled;
	struct list_head claims;
	struct ptx_fault fault;
	struct ptx_revocation revocation;

	wait_queue_head_t wait;
	struct work_struct free_work;
};

/**
 * struct ptx_rest - how a claim stands to a reset of its bus; under bus.c's lock
 * @node: among those held, for whoever resets the bus
 * @still: none of its devices has a driver
 * @wants: one of them is reset with its bus or not at all
 * @asks: one of them could not be reset by itself this time
 * @done: the state of the claim in which they had their resets, on the way out or
 *	home; PTX_MEMBER_STATE_READY if they have not
 * @holder: who resets a bus that it is on: none of its devices gets a driver; NULL
 *	for nobody
 * @ready: it was ready when that began, rather than at rest
 * @stays: its devices do not leave the bus just now
 */
struct ptx_rest {
	struct list_head node;
	bool still;
	bool wants;
	bool asks;
	enum ptx_member_state done;
	struct ptx_bus_hold *holder;
	bool ready;
	bool stays;
};

/**
 * struct ptx_former - what a device was before it was found anew
 * @node: in its claim's formers
 * @pdev: a reference: whoever has the claim may still look at it
 * @group: likewise; NULL if the group is the same
 */
struct ptx_former {
	struct list_head node;
	struct pci_dev *pdev;
	struct iommu_group *group;
};

/* A claim of what has no group yet, or none at all. */
#define PTX_NO_GROUP	(-1)

/**
 * struct ptx_claim - a lease's exclusive hold on a group
 * @ref: one for the lease's list, one per running work, plus passers-by
 * @rcu: lookups by device do not lock
 * @node: in the lease's claims, under its state_lock
 * @lease: who holds it, a reference. Changes only where the pool hands a claim
 *	over or takes it back, under ptx_claims_lock and the state_lock of both; it
 *	may be in the list of neither for a moment. While the claim's work runs it
 *	is that alone which changes it, and while a device of it is open nobody
 *	does. Everybody else goes through ptx_claim_lock() or ptx_claim_lease().
 * @provider: how its members come and go
 * @group: holds a reference, since group ids are reused; changes with the pdev of
 *	its only member. NULL for what is made for the lease
 * @group_id: its number, or PTX_NO_GROUP
 * @formers: of struct ptx_former; belongs to the work item
 * @nr_formers: their number
 * @members: of struct ptx_member; fixed once the group was read
 * @nr_members: their number
 * @driver: the VFIO driver its members go to
 * @flags: of the request, bits of enum ptx_add_flags
 * @roms: of the request: what ROMs its devices may have; NULL for any
 * @journal: belongs to the work item, or to the task that runs it inline
 * @work: builds the claim up, and takes it down
 * @attached: a device of it has been on a VFIO driver
 * @pooled: it goes to the pool rather than home; under the lease's state_lock
 * @rebind: it may not change hands as it is; of a request that wants it
 * @pf: whose virtual functions it has, a reference; NULL for others
 * @mdev: what mediated device it is to have; NULL for others
 * @rest: see bus.c
 * @quarantined: it has been, and is until it is home; holds the module
 * @state: under the lease's state_lock
 * @built: building has ended, well or badly
 * @kick: marked for draining, work not started yet
 * @cut_work: makes sure of a cut
 * @cutting: its devices are being cut
 * @cut: they have been
 * @at: the member that a step is being done to, or NULL; read without a lock
 * @error: how building ended
 * @fault: and why
 */
struct ptx_claim {
	struct kref ref;
	struct rcu_head rcu;
	struct list_head node;
	struct ptx_lease *lease;
	const struct ptx_provider *provider;
	struct iommu_group *group;
	int group_id;
	struct list_head formers;
	unsigned int nr_formers;
	struct list_head members;
	unsigned int nr_members;
	char driver[PTX_DEVICE_NAME_SIZE];
	u32 flags;
	struct ptx_roms *roms;
	struct ptx_journal journal;
	struct work_struct work;
	bool attached;
	bool pooled;
	bool rebind;
	struct ptx_pf *pf;
	struct ptx_mdev_name *mdev;
	struct ptx_rest rest;
	bool quarantined;
	enum ptx_member_state state;
	bool built;
	bool kick;
	struct work_struct cut_work;
	bool cutting;
	bool cut;
	struct ptx_member *at;
	int error;
	struct ptx_fault fault;
};

/**
 * struct ptx_member - a device in a claim
 * @node: in the claim's members
 * @rcu: as for the claim
 * @claim: the claim; a member lives exactly as long
 * @name: what it is called
 * @pdev: holds a reference; another one after ptx_rescan(), for the same device. NULL
 *	for what is not on the PCI bus
 * @moving: in between: what leaves the bus at its address comes back
 * @native: the driver it came from, or empty
 * @key: its address, for the registry; what it is read from may go before it
 * @requested: named by a request, not brought along by its group
 * @driverless: it had no driver when its override was set
 * @probed: a driver has been tried on it since its claim began to attach it
 * @leaving: it is being taken off the bus
 * @gone: it left the bus
 * @opened: VFIO has it open
 * @opener: the process that opened it, while it is open; a reference
 * @vfio: while ptx-vfio-pci has it
 * @bus_rung: how its bus was last reset while it is at rest, an enum
 *	ptx_reset_method, or PTX_RESET_RUNGS; see bus.c
 * @reset: what its reset will go by, in the journal from then on
 * @grant: what it was taken under, a reference; NULL for who needs none
 * @payer: that pays for what the lease's space maps; NULL where it need not
 * @tells_faults: its IOMMU's driver says when it reaches for what is not mapped
 * @faults: how often that was
 * @outcome: PTX_MEMBER_STATE_HOME, _DRIVERLESS or _GONE once given back
 */
struct ptx_member {
	struct list_head node;
	struct rcu_head rcu;
	struct ptx_claim *claim;
	char name[PTX_DEVICE_NAME_SIZE];
	struct pci_dev *pdev;
	bool moving;
	char native[PTX_DEVICE_NAME_SIZE];
	unsigned long key;
	bool requested;
	bool driverless;
	bool probed;
	bool leaving;
	bool gone;
	bool opened;
	struct pid *opener;
	struct ptx_vfio_device *vfio;
	u32 bus_rung;
	struct ptx_reset_entry *reset;
	struct ptx_grant *grant;
	struct ptx_payer *payer;
	bool tells_faults;
	atomic64_t faults;
	enum ptx_member_state outcome;
};

/**
 * struct ptx_blockers - where blockers are gathered
 * @list: room for @max, may be NULL
 * @max: its length
 * @nr: how many there are, also beyond @max
 * @first: the first of them, always kept
 */
struct ptx_blockers {
	struct ptx_blocker *list;
	u32 max;
	u32 nr;
	struct ptx_fault first;
};

/**
 * struct ptx_holder - who has a group
 * @lease: the id of the lease that claims it, or 0
 * @quarantined: it is in quarantine
 * @pooled: it is in the pool
 */
struct ptx_holder {
	u64 lease;
	bool quarantined;
	bool pooled;
};

void ptx_blockers_add(struct ptx_blockers *blockers, u32 reason,
		      const char *culprit, u64 lease);
void ptx_blockers_add_use(struct ptx_blockers *blockers, u32 reason,
			  const char *culprit, const char *holder);

/* What needs PTX_RIGHT_FORCE, and what there is at all. */
#define PTX_ADD_FLAGS_OVERRIDE	(PTX_ADD_FLAGS_FORCE | PTX_ADD_FLAGS_BOOT_DISPLAY)
#define PTX_ADD_FLAGS_ALL	(PTX_ADD_FLAGS_EXACT | PTX_ADD_FLAGS_OVERRIDE | \
				 PTX_ADD_FLAGS_RESET | PTX_ADD_FLAGS_CLEAR_MEMORY)

/**
 * struct ptx_add - a request to add devices
 * @devices: their names
 * @nr_devices: their number
 * @flags: bits of enum ptx_add_flags
 * @driver: the VFIO driver; empty for ours
 * @timeout_ms: deadline
 * @roms: the option ROMs that the devices may have; NULL for any
 * @needs_grant: the caller may only have what a grant lets it
 * @report: called when everything is built and before it is published; an
 *	error undoes all. May sleep and touch user memory.
 * @claims: what is being added, while @report runs
 * @nr_claims: their number
 * @fault: what the first of them that failed said
 * @blockers: where to gather what stands in the way
 */
struct ptx_add {
	const struct ptx_device_name *devices;
	u32 nr_devices;
	u32 flags;
	const char *driver;
	u32 timeout_ms;
	const struct ptx_roms *roms;
	bool needs_grant;
	int (*report)(struct ptx_add *add, struct ptx_lease *lease);
	struct ptx_claim **claims;
	u32 nr_claims;
	struct ptx_fault fault;
	struct ptx_blockers *blockers;
};

/**
 * struct ptx_restriction - what of a lease is to change
 * @has_owner: its owner,
 * @owner: to this one
 * @has_process: the process that may open its devices,
 * @process: to this one; NULL for that of its bond, or any
 * @has_max: how many it may hold,
 * @max_devices: to so many, or 0
 */
struct ptx_restriction {
	bool has_owner;
	kuid_t owner;
	bool has_process;
	struct pid *process;
	bool has_max;
	u32 max_devices;
};

/* lease.c */
int ptx_lease_restrict(struct ptx_lease *lease, const struct ptx_restriction *what,
		       u32 *reason);
struct pid *ptx_lease_process(struct ptx_lease *lease);
void ptx_lease_setup(struct ptx_lease *lease);
struct ptx_lease *ptx_lease_create(const char *name, size_t len, kuid_t owner,
				   bool persistent, bool space, struct file *pidfd,
				   u32 *reason);
struct ptx_lease *ptx_lease_find(u64 id);
struct ptx_lease *ptx_lease_find_name(const char *name);
struct ptx_lease *ptx_lease_next(u64 *id);
static inline void ptx_lease_get(struct ptx_lease *lease)
{
	kref_get(&lease->ref);
}
void ptx_lease_put(struct ptx_lease *lease);
void ptx_lease_drain(struct ptx_lease *lease);
void ptx_lease_kick(struct ptx_lease *lease);
void ptx_lease_settle(struct ptx_lease *lease);
int ptx_lease_release(struct ptx_lease *lease, u32 timeout_ms,
		      struct ptx_fault *fault);
struct ptx_claim **ptx_lease_claims(struct ptx_lease *lease, u32 *nr);
void ptx_lease_put_claims(struct ptx_claim **claims, u32 nr);
void ptx_lease_lose(struct ptx_member *member);
void ptx_leases_quiesce(void);
int ptx_lease_init(void);
void ptx_lease_exit(void);

#if IS_ENABLED(CONFIG_KUNIT)
bool ptx_lease_name_valid(const char *name, size_t len);
#endif

static inline bool ptx_lease_open_for_business(struct ptx_lease *lease)
{
	lockdep_assert_held(&lease->state_lock);
	return lease->state == PTX_LEASE_STATE_NEW ||
	       lease->state == PTX_LEASE_STATE_ACTIVE;
}

/* request.c */
int ptx_lease_add(struct ptx_lease *lease, struct ptx_add *add);
int ptx_claim_reset(struct ptx_claim *claim, u32 timeout_ms,
		    struct ptx_fault *fault);
int ptx_lease_remove(struct ptx_lease *lease,
		     const struct ptx_device_name *devices, u32 nr,
		     u32 timeout_ms, struct ptx_fault *fault);

/* claim.c */
struct ptx_claim *ptx_claim_alloc(struct ptx_lease *lease, struct pci_dev *pdev,
				  const char *driver,
				  struct ptx_blockers *blockers);
void ptx_claim_put(struct ptx_claim *claim);
bool ptx_claim_is_untouched(struct ptx_claim *claim);
struct ptx_lease *ptx_claim_lease(struct ptx_claim *claim);
struct ptx_lease *ptx_claim_lock(struct ptx_claim *claim);
void ptx_claim_unlock(struct ptx_lease *lease);
static inline void ptx_claim_get(struct ptx_claim *claim)
{
	kref_get(&claim->ref);
}
int ptx_claims_take(struct ptx_claim **claims, u32 nr,
		    struct ptx_blockers *blockers);
void ptx_claims_link(struct ptx_claim **claims, u32 nr);
void ptx_claims_untake(struct ptx_claim **claims, u32 nr);
bool ptx_device_is_pooled(struct pci_dev *pdev);
bool ptx_device_is_claimed(struct pci_dev *pdev);
void ptx_claim_unpool(struct ptx_claim *claim);
bool ptx_claim_holder(struct ptx_claim *look, struct ptx_holder *holder);
struct ptx_claim *ptx_claim_find(struct iommu_group *group);
struct ptx_member *ptx_member_get(struct pci_dev *pdev);
bool ptx_member_moves(struct pci_dev *pdev);
void ptx_member_watch_faults(struct device *dev);
void ptx_member_count_fault(struct device *dev);
int ptx_member_follow(struct ptx_member *member, struct pci_dev *pdev,
		      struct ptx_former *former);
static inline void ptx_member_put(struct ptx_member *member)
{
	ptx_claim_put(member->claim);
}
void ptx_member_describe(struct ptx_lease *holder, struct ptx_member *member,
			 struct ptx_member_info *info, bool publish);
void ptx_claim_forget(struct ptx_member *member);
void ptx_claim_quiesce_all(void);

#define ptx_for_each_member(member, claim) \
	list_for_each_entry(member, &(claim)->members, node)

#endif
