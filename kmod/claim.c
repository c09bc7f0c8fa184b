// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims: which lease holds which IOMMU group, and how one gets it, from the host
 * or from the pool. What is done to its devices is in claim_work.c.
 *
 * Two registries, by group number and by PCI address, filled for a whole
 * request under ptx_claims_lock, all or nothing. Lookups by device take no
 * lock: they run in probe, in VFIO's ops and in bus notifiers. A claim's state
 * is under its lease's state_lock, its journal belongs to its work.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include <kunit/visibility.h>

#include "catalog.h"
#include "claim.h"
#include "grant.h"
#include "group.h"
#include "lease.h"
#include "pci.h"
#include "pool.h"
#include "ptx_main.h"
#include "revoke.h"
#include "sriov.h"
#include "vfio_pci.h"

DEFINE_MUTEX(ptx_claims_lock);
static DEFINE_XARRAY(ptx_claims);
DEFINE_XARRAY(ptx_members);

static void ptx_blockers_note(struct ptx_blockers *blockers, u32 reason,
			      const char *culprit, u64 lease, const char *holder)
{
	if (!blockers)
		return;
	if (!blockers->nr) {
		blockers->first.reason = reason;
		blockers->first.lease = lease;
		strscpy(blockers->first.culprit, culprit);
		strscpy(blockers->first.holder, holder);
	}
	if (blockers->nr < blockers->max) {
		struct ptx_blocker *b = &blockers->list[blockers->nr];

		memset(b, 0, sizeof(*b));
		b->reason = reason;
		b->lease = lease;
		strscpy(b->culprit, culprit);
		strscpy(b->holder, holder);
	}
	blockers->nr++;
}

/**
 * ptx_blockers_add() - note something that stands in the way
 * @blockers: where; NULL to drop it
 * @reason: a value of enum ptx_reason
 * @culprit: the device at fault, or ""
 * @lease: id of the lease that holds it, or 0
 */
void ptx_blockers_add(struct ptx_blockers *blockers, u32 reason,
		      const char *culprit, u64 lease)
{
	ptx_blockers_note(blockers, reason, culprit, lease, "");
}
EXPORT_SYMBOL_IF_KUNIT(ptx_blockers_add);

/**
 * ptx_blockers_add_use() - note a use that the host makes of a device
 * @blockers: where; NULL to drop it
 * @reason: a value of enum ptx_reason
 * @culprit: the device
 * @holder: what of it is in use, or ""
 */
void ptx_blockers_add_use(struct ptx_blockers *blockers, u32 reason,
			  const char *culprit, const char *holder)
{
	ptx_blockers_note(blockers, reason, culprit, 0, holder);
}

/* The first entry of every journal and so the last to be undone. */
struct ptx_claim_entry {
	struct ptx_entry entry;
	struct ptx_claim *claim;
};

static void ptx_claim_unregister(struct ptx_claim *claim)
{
	struct ptx_member *member;

	lockdep_assert_held(&ptx_claims_lock);
	ptx_for_each_member(member, claim)
		xa_cmpxchg(&ptx_members, member->key, member, NULL, 0);
	xa_cmpxchg(&ptx_claims, claim->group_id, claim, NULL, 0);
}

static enum ptx_undo ptx_claim_undo(struct ptx_entry *entry)
{
	struct ptx_claim *claim =
		container_of(entry, struct ptx_claim_entry, entry)->claim;

	mutex_lock(&ptx_claims_lock);
	ptx_claim_unregister(claim);
	mutex_unlock(&ptx_claims_lock);
	return PTX_UNDO_DONE;
}

static void ptx_claim_entry_free(struct ptx_entry *entry)
{
	kfree(container_of(entry, struct ptx_claim_entry, entry));
}

static const struct ptx_step ptx_claim_step = {
	.doing = "claiming the group",
	.undoing = "dropping the claim",
	.undo = ptx_claim_undo,
	.free = ptx_claim_entry_free,
};

/**
 * ptx_claim_is_untouched() - has nothing been done to a claim's devices yet
 * @claim: the claim; its journal is the caller's
 *
 * Return: true if the last thing that happened is that they were claimed.
 */
bool ptx_claim_is_untouched(struct ptx_claim *claim)
{
	return list_first_entry(&claim->journal.entries, struct ptx_entry, node)->step ==
	       &ptx_claim_step;
}

static void ptx_claim_release(struct kref *ref)
{
	struct ptx_claim *claim = container_of(ref, struct ptx_claim, ref);
	struct ptx_former *former, *older;
	struct ptx_member *member, *next;

	/* Entries that were never armed; nothing is undone here. */
	WARN_ON(ptx_journal_unwind(&claim->journal) != PTX_UNDO_DONE);
	ptx_grants_give_back(claim);
	kfree(claim->roms);
	kfree(claim->mdev);
	list_for_each_entry_safe(member, next, &claim->members, node) {
		pci_dev_put(member->pdev);
		kfree_rcu(member, rcu);
	}
	list_for_each_entry_safe(former, older, &claim->formers, node) {
		pci_dev_put(former->pdev);
		iommu_group_put(former->group);
		kfree(former);
	}
	iommu_group_put(claim->group);
	ptx_sriov_put(claim);
	if (claim->lease)
		ptx_lease_put(claim->lease);
	kfree_rcu(claim, rcu);
}

/**
 * ptx_claim_put() - drop a reference
 * @claim: the claim
 */
void ptx_claim_put(struct ptx_claim *claim)
{
	kref_put(&claim->ref, ptx_claim_release);
}

/**
 * ptx_claim_lease() - who holds a claim
 * @claim: the claim
 *
 * Undone by ptx_lease_put().
 *
 * Return: the lease, referenced; a moment later it may be another's.
 */
struct ptx_lease *ptx_claim_lease(struct ptx_claim *claim)
{
	struct ptx_lease *lease;

	rcu_read_lock();
	do {
		lease = READ_ONCE(claim->lease);
	} while (!kref_get_unless_zero(&lease->ref));
	rcu_read_unlock();
	return lease;
}

/**
 * ptx_claim_lock() - take the state_lock of whoever holds a claim
 * @claim: the claim
 *
 * Undone by ptx_claim_unlock().
 *
 * Return: the lease, referenced and locked; it holds the claim until unlocked.
 */
struct ptx_lease *ptx_claim_lock(struct ptx_claim *claim)
	__acquires(&claim->lease->state_lock)
{
	struct ptx_lease *lease = ptx_claim_lease(claim);

	spin_lock(&lease->state_lock);
	while (lease != claim->lease) {
		spin_unlock(&lease->state_lock);
		ptx_lease_put(lease);
		lease = ptx_claim_lease(claim);
		spin_lock(&lease->state_lock);
	}
	return lease;
}

/**
 * ptx_claim_unlock() - undo ptx_claim_lock()
 * @lease: what that returned
 */
void ptx_claim_unlock(struct ptx_lease *lease)
	__releases(&lease->state_lock)
{
	spin_unlock(&lease->state_lock);
	ptx_lease_put(lease);
}

/**
 * ptx_claim_link() - into the list of whoever holds a claim
 * @claim: the claim, in no list; its lease's state_lock is held
 *
 * The pool keeps the module for each.
 */
void ptx_claim_link(struct ptx_claim *claim)
{
	lockdep_assert_held(&claim->lease->state_lock);
	list_add_tail(&claim->node, &claim->lease->claims);
	if (ptx_pool_is(claim->lease))
		__module_get(THIS_MODULE);
}

/**
 * ptx_claim_unlink() - and out of it
 * @claim: the claim, which may be in none; its lease's state_lock is held
 *
 * Nobody but the claim's own work sees the last reference go.
 */
void ptx_claim_unlink(struct ptx_claim *claim)
{
	lockdep_assert_held(&claim->lease->state_lock);
	if (list_empty(&claim->node))
		return;
	list_del_init(&claim->node);
	if (ptx_pool_is(claim->lease))
		module_put(THIS_MODULE);
}

struct ptx_group_walk {
	struct ptx_claim *claim;
	struct ptx_blockers *blockers;
};

static int ptx_claim_add_member(struct device *dev, void *data)
{
	struct ptx_group_walk *walk = data;
	struct ptx_member *member, *first;

	/* What stays with the host must leave the group's DMA alone. */
	if (!dev_is_pci(dev) || ptx_device_is_bridge(to_pci_dev(dev))) {
		if (!dev_is_pci(dev) || ptx_device_does_kernel_dma(dev))
			ptx_blockers_add(walk->blockers, PTX_REASON_GROUP_BLOCKED,
					 dev_name(dev), 0);
		return 0;
	}
	/*
	 * A device that makes a domain of its own, as VMD does, takes everything
	 * in it away when its driver goes.
	 */
	first = list_first_entry_or_null(&walk->claim->members, struct ptx_member,
					 node);
	if (first && pci_domain_nr(first->pdev->bus) !=
		     pci_domain_nr(to_pci_dev(dev)->bus)) {
		ptx_blockers_add(walk->blockers, PTX_REASON_GROUP_BLOCKED,
				 dev_name(dev), 0);
		return 0;
	}
	member = kzalloc(sizeof(*member), GFP_KERNEL);
	if (!member)
		return -ENOMEM;
	member->claim = walk->claim;
	member->outcome = PTX_MEMBER_STATE_HOME;
	member->pdev = pci_dev_get(to_pci_dev(dev));
	strscpy(member->name, pci_name(member->pdev));
	member->key = ptx_device_key(member->pdev);
	list_add_tail(&member->node, &walk->claim->members);
	walk->claim->nr_members++;
	return 0;
}

/* A claim without members. */
static struct ptx_claim *ptx_claim_new(struct ptx_lease *lease,
				       const struct ptx_provider *provider,
				       const char *driver)
{
	struct ptx_claim_entry *entry;
	struct ptx_claim *claim;

	claim = kzalloc(sizeof(*claim), GFP_KERNEL);
	if (!claim)
		return NULL;
	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry) {
		kfree(claim);
		return NULL;
	}
	kref_init(&claim->ref);
	INIT_LIST_HEAD(&claim->node);
	INIT_LIST_HEAD(&claim->members);
	INIT_LIST_HEAD(&claim->formers);
	INIT_WORK(&claim->work, ptx_claim_work);
	INIT_WORK(&claim->cut_work, ptx_revoke_cut_work);
	ptx_journal_init(&claim->journal);
	claim->provider = provider;
	claim->group_id = PTX_NO_GROUP;
	claim->state = PTX_MEMBER_STATE_BUILDING;
	claim->rest.done = PTX_MEMBER_STATE_READY;
	strscpy(claim->driver, driver);
	entry->claim = claim;
	ptx_journal_reserve(&claim->journal, &entry->entry, &ptx_claim_step);
	if (lease) {
		ptx_lease_get(lease);
		claim->lease = lease;
	}
	return claim;
}

/**
 * ptx_claim_alloc() - read a device's group into a claim, claiming nothing yet
 * @lease: the lease it is for; NULL to only look at the group
 * @pdev: any device of the group
 * @driver: the VFIO driver its members will go to
 * @blockers: gets PTX_REASON_NO_GROUP, and group mates that stand in the way
 *
 * Undone by ptx_claim_put().
 *
 * Return: the claim, or -ENOMEM, or -EBUSY when the device has no group.
 */
struct ptx_claim *ptx_claim_alloc(struct ptx_lease *lease, struct pci_dev *pdev,
				  const char *driver,
				  struct ptx_blockers *blockers)
{
	struct ptx_group_walk walk = { .blockers = blockers };
	struct ptx_claim *claim;
	int ret = -EBUSY;

	claim = ptx_claim_new(lease, &ptx_pci_provider, driver);
	if (!claim)
		return ERR_PTR(-ENOMEM);
	claim->group = iommu_group_get(&pdev->dev);
	if (!claim->group) {
		ptx_blockers_add(blockers, PTX_REASON_NO_GROUP, pci_name(pdev), 0);
		goto err_put;
	}
	claim->group_id = iommu_group_id(claim->group);
	walk.claim = claim;
	ret = iommu_group_for_each_dev(claim->group, &walk, ptx_claim_add_member);
	if (ret)
		goto err_put;
	return claim;

err_put:
	ptx_claim_put(claim);
	return ERR_PTR(ret);
}

/**
 * ptx_claim_alloc_made() - make a claim for one device that is going to be made
 * @lease: the lease it is for
 * @provider: who makes it
 * @name: what it is going to be called
 *
 * Undone by ptx_claim_put().
 *
 * Return: the claim, or -ENOMEM.
 */
struct ptx_claim *ptx_claim_alloc_made(struct ptx_lease *lease,
				       const struct ptx_provider *provider,
				       const char *name)
{
	struct ptx_claim *claim = ptx_claim_new(lease, provider, "");
	struct ptx_member *member = kzalloc(sizeof(*member), GFP_KERNEL);

	if (!claim || !member) {
		kfree(member);
		if (claim)
			ptx_claim_put(claim);
		return ERR_PTR(-ENOMEM);
	}
	member->claim = claim;
	member->key = ULONG_MAX;
	member->requested = true;
	member->outcome = PTX_MEMBER_STATE_HOME;
	strscpy(member->name, name);
	list_add_tail(&member->node, &claim->members);
	claim->nr_members = 1;
	return claim;
}

static int ptx_claim_register(struct ptx_claim *claim, struct ptx_blockers *blockers)
{
	struct ptx_entry *entry = list_first_entry(&claim->journal.entries,
						   struct ptx_entry, node);
	struct ptx_member *member;
	int ret;

	lockdep_assert_held(&ptx_claims_lock);
	/* What is made for the lease is nobody else's to begin with. */
	if (!claim->group)
		goto out_arm;
	ret = xa_insert(&ptx_claims, claim->group_id, claim, GFP_KERNEL);
	if (ret)
		return ret;
	ptx_for_each_member(member, claim) {
		ret = xa_insert(&ptx_members, member->key, member, GFP_KERNEL);
		if (ret) {
			ptx_claim_unregister(claim);
			return ret;
		}
	}
	/* From here on we are told when one leaves; before that it may have. */
	ptx_for_each_member(member, claim)
		if (!device_is_registered(&member->pdev->dev)) {
			ptx_blockers_add(blockers, PTX_REASON_GONE, member->name, 0);
			ptx_claim_unregister(claim);
			return -ENODEV;
		}
out_arm:
	ptx_journal_arm(&claim->journal, entry);
	return 0;
}

static bool ptx_claim_has(struct ptx_claim *claim, struct pci_dev *pdev)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (member->pdev == pdev)
			return true;
	return false;
}

/* What a request said of its own claim, to the pool's claim that it gets instead. */
static void ptx_claim_dress(struct ptx_claim *claim, struct ptx_claim *wanted)
{
	struct ptx_member *member, *asked;

	claim->flags = wanted->flags;
	swap(claim->roms, wanted->roms);
	ptx_for_each_member(asked, wanted)
		ptx_for_each_member(member, claim)
			if (member->pdev == asked->pdev) {
				member->requested = asked->requested;
				swap(member->grant, asked->grant);
				swap(member->payer, asked->payer);
				WRITE_ONCE(member->tells_faults, false);
				atomic64_set(&member->faults, 0);
			}
}

/*
 * Hands a claim of the pool over to the lease that @wanted is for. It has to be
 * at rest, and as it was when the pool took it. Where somebody's VFIO file has the
 * DMA of the group, or a reset was asked for, it is built once more, so that the file
 * is dead. VFIO does not tell of a file that has only been opened; all that is worth
 * is that nobody else can open the group.
 */
static u32 ptx_claim_take_over(struct ptx_claim *claim, struct ptx_claim *wanted,
			       const char **culprit)
{
	struct ptx_lease *pool = claim->lease, *lease = wanted->lease;
	struct ptx_member *member;
	bool rebind = wanted->rebind;
	u32 reason = PTX_REASON_NONE;

	lockdep_assert_held(&ptx_claims_lock);
	rebind |= iommu_group_dma_owner_claimed(claim->group);
	ptx_for_each_member(member, wanted)
		if (!ptx_claim_has(claim, member->pdev)) {
			*culprit = member->name;
			return PTX_REASON_GROUP_BLOCKED;
		}
	spin_lock(&lease->state_lock);
	spin_lock_nested(&pool->state_lock, SINGLE_DEPTH_NESTING);
	if (claim->state != PTX_MEMBER_STATE_READY ||
	    strcmp(claim->driver, wanted->driver))
		reason = PTX_REASON_POOLED;
	ptx_for_each_member(member, claim) {
		if (member->gone || READ_ONCE(member->leaving))
			reason = PTX_REASON_GONE;
		/* An admin may have taken it from its driver by hand. */
		rebind |= !member->vfio;
	}
	if (!reason) {
		ptx_claim_unlink(claim);
		ptx_lease_get(lease);
		WRITE_ONCE(claim->lease, lease);
		claim->state = PTX_MEMBER_STATE_BUILDING;
		claim->built = !rebind;
		claim->error = 0;
		memset(&claim->fault, 0, sizeof(claim->fault));
		ptx_claim_dress(claim, wanted);
	}
	spin_unlock(&pool->state_lock);
	spin_unlock(&lease->state_lock);
	if (!reason)
		ptx_lease_put(pool);
	return reason;
}

/* Nobody has had it: it is as ready as it was. */
static void ptx_claim_take_back(struct ptx_claim *claim)
{
	struct ptx_lease *lease = claim->lease, *pool = ptx_pool_get();
	struct ptx_member *member;
	bool whole = true;

	lockdep_assert_held(&ptx_claims_lock);
	ptx_grants_give_back(claim);
	spin_lock(&lease->state_lock);
	spin_lock_nested(&pool->state_lock, SINGLE_DEPTH_NESTING);
	WRITE_ONCE(claim->lease, pool);
	claim->state = PTX_MEMBER_STATE_READY;
	claim->built = true;
	claim->kick = false;
	/* The list's reference again. */
	ptx_claim_get(claim);
	ptx_claim_link(claim);
	/* The pool has given it up meanwhile, or it has lost a device. */
	ptx_for_each_member(member, claim)
		whole &= !member->gone;
	if (!claim->pooled || !whole)
		ptx_claim_send_home(claim);
	spin_unlock(&pool->state_lock);
	spin_unlock(&lease->state_lock);
	ptx_lease_put(lease);
}

/* Who has a group; or one of its devices, which is coming back in another group. */
static struct ptx_claim *ptx_claim_holding(struct ptx_claim *wanted)
{
	struct ptx_claim *holder = xa_load(&ptx_claims, wanted->group_id);
	struct ptx_member *member, *held;

	lockdep_assert_held(&ptx_claims_lock);
	ptx_for_each_member(member, wanted) {
		held = holder ? NULL : xa_load(&ptx_members, member->key);
		if (held)
			holder = held->claim;
	}
	return holder;
}

/* One claim of a request; what it gets may be the pool's instead of its own. */
static int ptx_claim_take(struct ptx_claim **claim, struct ptx_blockers *blockers)
{
	struct ptx_claim *holder = ptx_claim_holding(*claim);
	u32 reason = PTX_REASON_HELD;
	const char *culprit = NULL;
	struct ptx_member *member;

	lockdep_assert_held(&ptx_claims_lock);
	if (!holder && ptx_grants_want_pool(*claim)) {
		/* It was in the pool when that was asked. */
		member = list_first_entry(&(*claim)->members, struct ptx_member, node);
		ptx_blockers_add(blockers, PTX_REASON_NOT_GRANTED,
				 member->name, 0);
		return -EPERM;
	}
	if (!holder)
		return ptx_claim_register(*claim, blockers);
	if (holder->quarantined)
		reason = PTX_REASON_QUARANTINED;
	else if (ptx_pool_is(holder->lease))
		reason = ptx_pool_is((*claim)->lease) ? PTX_REASON_POOLED :
			 ptx_claim_take_over(holder, *claim, &culprit);
	if (!reason) {
		ptx_claim_put(*claim);
		/* The reference that was the list's is the request's. */
		*claim = holder;
		return 0;
	}
	ptx_for_each_member(member, *claim)
		if (culprit || member->requested)
			ptx_blockers_add(blockers, reason,
					 culprit ?: member->name,
					 reason == PTX_REASON_HELD ?
					 holder->lease->id : 0);
	return -EBUSY;
}

static void ptx_claim_untake(struct ptx_claim *claim)
{
	lockdep_assert_held(&ptx_claims_lock);
	if (!ptx_claim_is_untouched(claim)) {
		ptx_claim_take_back(claim);
		return;
	}
	ptx_claim_unregister(claim);
	list_first_entry(&claim->journal.entries, struct ptx_entry, node)->armed = false;
}

/**
 * ptx_claims_take() - claim groups for a request, all or nothing
 * @claims: fresh from ptx_claim_alloc(), each a different group; where the pool
 *	has one, its claim takes the place of the fresh one
 * @nr: their number
 * @blockers: gets every claim that is held, with its holder
 *
 * Undone by ptx_claims_untake(), or, once they are in their lease, by sending
 * them home.
 *
 * Return: 0, -EBUSY when one is held, -ENOMEM.
 */
int ptx_claims_take(struct ptx_claim **claims, u32 nr,
		    struct ptx_blockers *blockers)
{
	unsigned long taken[BITS_TO_LONGS(PTX_DEVICES_MAX)] = {};
	int ret = 0, err;
	u32 i;

	mutex_lock(&ptx_claims_lock);
	for (i = 0; i < nr; i++) {
		err = ptx_claim_take(&claims[i], blockers);
		__assign_bit(i, taken, !err);
		ret = ret ?: err;
	}
	for (i = 0; ret && i < nr; i++)
		if (test_bit(i, taken))
			ptx_claim_untake(claims[i]);
	mutex_unlock(&ptx_claims_lock);
	if (ret)
		ptx_pool_kick();
	return ret;
}

/**
 * ptx_claims_untake() - undo ptx_claims_take(), before anything was done to them
 * @claims: the claims, in no lease's list
 * @nr: their number
 */
void ptx_claims_untake(struct ptx_claim **claims, u32 nr)
{
	u32 i;

	mutex_lock(&ptx_claims_lock);
	for (i = 0; i < nr; i++)
		ptx_claim_untake(claims[i]);
	mutex_unlock(&ptx_claims_lock);
	ptx_pool_kick();
}

/**
 * ptx_claims_link() - put claims that were taken into their lease
 * @claims: the claims; the lease's state_lock is held
 * @nr: their number
 */
void ptx_claims_link(struct ptx_claim **claims, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		/* The list's reference, dropped when it is home. */
		ptx_claim_get(claims[i]);
		ptx_claim_link(claims[i]);
	}
}

/**
 * ptx_claim_holder() - who has a group, or a device of it
 * @look: a claim that has only looked at it
 * @holder: filled in
 *
 * Return: true if somebody has.
 */
bool ptx_claim_holder(struct ptx_claim *look, struct ptx_holder *holder)
{
	struct ptx_claim *claim;

	memset(holder, 0, sizeof(*holder));
	mutex_lock(&ptx_claims_lock);
	claim = ptx_claim_holding(look);
	if (claim) {
		holder->quarantined = READ_ONCE(claim->quarantined);
		holder->pooled = ptx_pool_is(claim->lease);
		holder->lease = holder->quarantined ? 0 : claim->lease->id;
	}
	mutex_unlock(&ptx_claims_lock);
	return claim;
}

/**
 * ptx_claim_unpool() - a claim goes home, and not to the pool
 * @claim: the claim
 */
void ptx_claim_unpool(struct ptx_claim *claim)
{
	struct ptx_lease *lease = ptx_claim_lock(claim);

	claim->pooled = false;
	ptx_claim_unlock(lease);
}

/**
 * ptx_claim_find() - find the claim that has a group
 * @group: the group
 *
 * Undone by ptx_claim_put().
 *
 * Return: the claim, referenced, or NULL.
 */
struct ptx_claim *ptx_claim_find(struct iommu_group *group)
{
	struct ptx_claim *claim;

	mutex_lock(&ptx_claims_lock);
	claim = xa_load(&ptx_claims, iommu_group_id(group));
	if (claim)
		ptx_claim_get(claim);
	mutex_unlock(&ptx_claims_lock);
	return claim;
}

static int ptx_member_is_foreign(struct device *dev, void *data)
{
	struct pci_dev *pdev = data;

	return dev != &pdev->dev &&
	       !(dev_is_pci(dev) && ptx_device_is_bridge(to_pci_dev(dev)));
}

/**
 * ptx_member_follow() - a member's device has become another struct pci_dev
 * @member: the member; its journal belongs to the caller
 * @pdev: what it is now, at the same address
 * @former: keeps what it was; the claim's from now on
 *
 * A group with one device may be another one then; the claim follows it there.
 *
 * Return: 0, or -EXDEV if it is in a group that is not the claim's alone. Then the
 * claim has the device only.
 */
int ptx_member_follow(struct ptx_member *member, struct pci_dev *pdev,
		      struct ptx_former *former)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	struct ptx_claim *claim = member->claim;
	int id = group ? iommu_group_id(group) : -1;
	int ret = 0;

	mutex_lock(&ptx_claims_lock);
	former->pdev = member->pdev;
	list_add(&former->node, &claim->formers);
	claim->nr_formers++;
	WRITE_ONCE(member->pdev, pci_dev_get(pdev));
	if (!group)
		ret = -EXDEV;
	else if (id != claim->group_id &&
		 (claim->nr_members > 1 ||
		  iommu_group_for_each_dev(group, pdev, ptx_member_is_foreign)))
		ret = -EXDEV;
	else if (id != claim->group_id)
		ret = xa_insert(&ptx_claims, id, claim, GFP_KERNEL | __GFP_NOFAIL);
	if (!ret && id != claim->group_id) {
		xa_cmpxchg(&ptx_claims, claim->group_id, claim, NULL, 0);
		former->group = claim->group;
		claim->group = group;
		claim->group_id = id;
		group = NULL;
	}
	mutex_unlock(&ptx_claims_lock);
	iommu_group_put(group);
	return ret ? -EXDEV : 0;
}

/**
 * ptx_claim_forget() - a member's device left the bus; free its address
 * @member: the member
 *
 * Another device may appear there at once. Takes no lock of ours.
 */
void ptx_claim_forget(struct ptx_member *member)
{
	xa_cmpxchg(&ptx_members, member->key, member, NULL, 0);
}

/**
 * ptx_claim_quiesce_all() - stop the DMA of everything leased
 *
 * But for what is still, or again, on its native driver.
 * For a host that goes down: drivers are left as they are, since taking them
 * away could wait for a VMM that is not going to answer.
 */
void ptx_claim_quiesce_all(void)
{
	struct ptx_member *member;
	unsigned long key;

	mutex_lock(&ptx_claims_lock);
	xa_for_each(&ptx_members, key, member)
		if (pci_device_is_present(member->pdev) &&
		    !ptx_device_does_kernel_dma(&member->pdev->dev))
			pci_clear_master(member->pdev);
	mutex_unlock(&ptx_claims_lock);
}

/**
 * ptx_member_describe() - say what there is to say about a member of a lease
 * @holder: the lease; for it, what has gone on to another is home
 * @member: its claim is referenced
 * @info: filled in
 * @publish: the claim is about to be published; say ready rather than building
 */
void ptx_member_describe(struct ptx_lease *holder, struct ptx_member *member,
			 struct ptx_member_info *info, bool publish)
{
	struct ptx_claim *claim = member->claim;
	struct ptx_lease *lease;

	memset(info, 0, sizeof(*info));
	strscpy(info->name, member->name);
	strscpy(info->native_driver, member->native);
	info->group = claim->group_id;
	info->kind = PTX_KIND_OTHER;
	lease = ptx_claim_lock(claim);
	info->state = member->gone ? PTX_MEMBER_STATE_GONE :
		      lease != holder ? PTX_MEMBER_STATE_HOME : claim->state;
	if (member->requested && lease == holder)
		info->flags |= PTX_MEMBER_REQUESTED;
	if (member->opened && lease == holder)
		info->flags |= PTX_MEMBER_OPENED;
	if (claim->cut && lease == holder && ptx_vfio_is_ours(claim->driver))
		info->flags |= PTX_MEMBER_CUT;
	ptx_claim_unlock(lease);
	if (publish && info->state == PTX_MEMBER_STATE_BUILDING) {
		info->state = PTX_MEMBER_STATE_READY;
		strscpy(info->driver, claim->driver);
	}
	claim->provider->describe(member, info);
}
