// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: transactions on a lease, which add devices or give some back.
 *
 * A request builds its claims in parallel, one work item each, and publishes
 * all of them or none. It holds ptx_lease.lock but while it waits for devices
 * to come home, which may take until userspace closes something.
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "catalog.h"
#include "claim.h"
#include "events.h"
#include "grant.h"
#include "group.h"
#include "lease.h"
#include "mdev.h"
#include "pool.h"
#include "ptx_main.h"
#include "request.h"
#include "rom.h"
#include "sriov.h"
#include "vfio_pci.h"

static struct ptx_claim *ptx_add_claim_of(struct ptx_add *add,
					  struct iommu_group *group)
{
	u32 i;

	for (i = 0; i < add->nr_claims; i++)
		if (add->claims[i]->group == group)
			return add->claims[i];
	return NULL;
}

/* Resolves one device into the claim of its group, which is set if there is one. */
static int ptx_add_device(struct ptx_lease *lease, struct ptx_add *add,
			  struct pci_dev *pdev, struct ptx_claim **found)
{
	const char *name = pci_name(pdev);
	struct ptx_member *member;
	struct iommu_group *group;
	struct ptx_claim *claim;
	int ret = -EBUSY;

	if (ptx_device_is_bridge(pdev)) {
		ptx_blockers_add(add->blockers, PTX_REASON_BRIDGE, name, 0);
		return ret;
	}
	group = iommu_group_get(&pdev->dev);
	if (!group) {
		ptx_blockers_add(add->blockers, PTX_REASON_NO_GROUP, name, 0);
		return ret;
	}
	claim = ptx_add_claim_of(add, group);
	if (!claim) {
		claim = ptx_claim_alloc(lease, pdev, add->driver, add->blockers);
		if (IS_ERR(claim)) {
			ret = PTR_ERR(claim);
			goto out_put_group;
		}
		claim->flags = add->flags;
		add->claims[add->nr_claims++] = claim;
		ret = ptx_rom_expect(claim, add);
		if (ret)
			goto out_put_group;
		ret = -EBUSY;
	}
	*found = claim;
	ptx_for_each_member(member, claim) {
		if (member->pdev != pdev)
			continue;
		ret = member->requested ? -EEXIST : 0;
		if (ret)
			ptx_blockers_add(add->blockers, PTX_REASON_DUPLICATE,
					 name, 0);
		member->requested = true;
		goto out_put_group;
	}
	/* It left its group between the two looks. */
	ptx_blockers_add(add->blockers, PTX_REASON_GONE, name, 0);
	ret = -ENODEV;
out_put_group:
	iommu_group_put(group);
	return ret;
}

/* Resolves one name. */
static int ptx_add_resolve(struct ptx_lease *lease, struct ptx_add *add,
			   const char *name, unsigned long deadline)
{
	struct ptx_vf_entry *entry = NULL;
	struct ptx_claim *claim = NULL;
	struct pci_dev *pdev;
	int ret;

	if (ptx_mdev_is_name(name)) {
		claim = ptx_mdev_claim(lease, add, name);
		if (IS_ERR(claim))
			return PTR_ERR(claim);
		claim->flags = add->flags;
		add->claims[add->nr_claims++] = claim;
		return 0;
	}
	if (ptx_sriov_is_name(name)) {
		pdev = ptx_sriov_take(add, name, deadline, &entry);
		if (IS_ERR(pdev))
			return PTR_ERR(pdev);
	} else {
		pdev = ptx_catalog_find(name);
	}
	if (!pdev) {
		ptx_blockers_add(add->blockers, PTX_REASON_NO_DEVICE, name, 0);
		return -ENODEV;
	}
	ret = ptx_add_device(lease, add, pdev, &claim);
	if (entry && claim)
		ptx_sriov_enter(claim, entry);
	else if (entry)
		ptx_sriov_drop(entry, deadline);
	pci_dev_put(pdev);
	return ret;
}

/*
 * Names become claims, with every blocker gathered before the first is
 * reported. Nothing has been changed when this fails.
 */
static int ptx_add_plan(struct ptx_lease *lease, struct ptx_add *add,
			unsigned long deadline)
{
	int ret = 0, first = 0;
	u32 i;

	for (i = 0; i < add->nr_devices; i++) {
		ret = ptx_add_resolve(lease, add, add->devices[i].name, deadline);
		if (ret == -ENOMEM)
			return ret;
		first = first ?: ret;
	}
	/* What it may not have is all that it is told. */
	if (!first && add->needs_grant) {
		ret = ptx_grants_take(add, lease->space);
		if (ret)
			return ret;
	}
	for (i = 0; i < add->nr_claims; i++) {
		struct ptx_claim *claim = add->claims[i];

		if (!claim->group)
			continue;
		ptx_group_verdict(claim, add->flags, add->blockers);
		claim->rebind = add->flags & (PTX_ADD_FLAGS_RESET |
					      PTX_ADD_FLAGS_CLEAR_MEMORY) || add->roms;
	}
	if (!first && !ptx_rom_is_there(add))
		ptx_blockers_add(add->blockers, PTX_REASON_ROM, add->devices[0].name, 0);
	if (first)
		return first;
	if (add->blockers->nr)
		return -EBUSY;
	/* One that its last lease has only just given back. */
	for (i = 0; !ptx_pool_is(lease) && i < add->nr_claims; i++)
		if (add->claims[i]->group && ptx_pool_await(add->claims[i]->group, deadline) < 0) {
			ptx_blockers_add(add->blockers, PTX_REASON_INTERRUPTED, "", 0);
			return -EINTR;
		}
	return ptx_claims_take(add->claims, add->nr_claims, add->blockers);
}

/* Has every claim of a request been built, or is there no point in waiting? */
static bool ptx_add_is_settled(struct ptx_lease *lease, struct ptx_add *add)
{
	bool settled = true;
	u32 i;

	spin_lock(&lease->state_lock);
	if (ptx_lease_open_for_business(lease))
		for (i = 0; i < add->nr_claims; i++) {
			if (!add->claims[i]->built)
				settled = false;
			else if (add->claims[i]->error) {
				settled = true;
				break;
			}
		}
	spin_unlock(&lease->state_lock);
	return settled;
}

/**
 * ptx_claims_are_home() - has a lease given its claims back
 * @lease: the lease
 * @claims: the claims
 * @nr: their number
 *
 * Return: true if it has, be it that they are in quarantine.
 */
bool ptx_claims_are_home(struct ptx_lease *lease, struct ptx_claim **claims, u32 nr)
{
	bool home = true;
	u32 i;

	spin_lock(&lease->state_lock);
	/* What went to the pool is not ours any more either. */
	for (i = 0; i < nr; i++)
		home &= list_empty(&claims[i]->node) ||
			READ_ONCE(claims[i]->lease) != lease;
	spin_unlock(&lease->state_lock);
	return home;
}

/* What a wait of ours that did not come true means for the caller. */
static int ptx_wait_verdict(long left)
{
	return left < 0 ? -EINTR : left == 0 ? -ETIMEDOUT : 0;
}

/* One transaction at a time; whoever waits for its turn has a deadline too. */
static int ptx_lease_lock(struct ptx_lease *lease, unsigned long deadline)
{
	return ptx_wait_verdict(wait_event_killable_timeout(lease->wait,
			mutex_trylock(&lease->lock),
			max(1L, (long)(deadline - jiffies))));
}

static void ptx_lease_unlock(struct ptx_lease *lease)
{
	mutex_unlock(&lease->lock);
	wake_up_all(&lease->wait);
}

/* Links the claims into the lease and starts building them. */
static int ptx_add_start(struct ptx_lease *lease, struct ptx_add *add)
{
	struct ptx_claim *claim;
	u32 i, members = 0;
	int ret = 0;

	spin_lock(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		members += claim->nr_members;
	for (i = 0; i < add->nr_claims; i++)
		members += add->claims[i]->nr_members;
	if (members > (lease->max_devices ?: PTX_DEVICES_MAX) && !ptx_pool_is(lease))
		ret = -E2BIG;
	else if (ptx_lease_open_for_business(lease))
		ptx_claims_link(add->claims, add->nr_claims);
	else
		ret = -ESHUTDOWN;
	spin_unlock(&lease->state_lock);
	if (ret) {
		ptx_claims_untake(add->claims, add->nr_claims);
		return ret;
	}
	/* The pool's are built already. */
	for (i = 0; i < add->nr_claims; i++)
		if (!READ_ONCE(add->claims[i]->built))
			ptx_claim_start(add->claims[i], ptx_inline);
	return 0;
}

/* Publishes everything, if the lease still wants it. */
static int ptx_add_commit(struct ptx_lease *lease, struct ptx_add *add)
{
	struct ptx_member *member;
	bool first = false;
	int ret = 0;
	u32 i;

	spin_lock(&lease->state_lock);
	if (!ptx_lease_open_for_business(lease))
		ret = -ESHUTDOWN;
	for (i = 0; !ret && i < add->nr_claims; i++)
		if (add->claims[i]->lease != lease ||
		    add->claims[i]->state != PTX_MEMBER_STATE_BUILDING)
			ret = -ENODEV;
		else if (!ptx_grants_stand(add->claims[i]))
			ret = -EPERM;
	if (!ret) {
		for (i = 0; i < add->nr_claims; i++) {
			add->claims[i]->state = PTX_MEMBER_STATE_READY;
			add->claims[i]->pooled |= ptx_pool_is(lease);
		}
		first = lease->state == PTX_LEASE_STATE_NEW;
		lease->state = PTX_LEASE_STATE_ACTIVE;
	}
	spin_unlock(&lease->state_lock);
	if (ret)
		return ret;
	if (first)
		ptx_event_lease(PTX_EVENT_LEASE_ACTIVE, lease, PTX_REASON_NONE);
	for (i = 0; i < add->nr_claims; i++)
		ptx_for_each_member(member, add->claims[i]) {
			ptx_event_member(PTX_EVENT_MEMBER_READY, member,
					 PTX_REASON_NONE);
			/* Its VFIO files have another owner now: udev's to see to. */
			if (add->claims[i]->pooled &&
			    !uid_eq(READ_ONCE(lease->owner), GLOBAL_ROOT_UID))
				kobject_uevent(&member->pdev->dev.kobj, KOBJ_CHANGE);
		}
	wake_up_all(&lease->wait);
	return 0;
}

/* Says why a request failed, once all its claims have ended. */
static int ptx_add_blame(struct ptx_lease *lease, struct ptx_add *add, int ret)
{
	struct ptx_fault fault = {};
	u32 i;

	spin_lock(&lease->state_lock);
	for (i = 0; i < add->nr_claims; i++) {
		struct ptx_claim *claim = add->claims[i];

		/* The pool's again, or the next one's: what it said is in add->fault. */
		if (claim->lease != lease)
			continue;
		if (claim->built && claim->error && claim->error != -ECANCELED) {
			ret = claim->error;
			fault = claim->fault;
			break;
		}
		if (!claim->built && ret == -ETIMEDOUT && !fault.reason) {
			struct ptx_member *at = READ_ONCE(claim->at);
			char driver[PTX_DEVICE_NAME_SIZE] = "";

			if (at) {
				strscpy(fault.culprit, at->name);
				if (at->pdev)
					ptx_catalog_driver(at->pdev, driver, sizeof(driver));
			}
			/* It has its driver until that has let go of it. */
			fault.reason = driver[0] && strcmp(driver, claim->driver) ?
				       PTX_REASON_UNBIND_STUCK : PTX_REASON_TIMEOUT;
		}
	}
	spin_unlock(&lease->state_lock);
	if (!fault.reason)
		fault = add->fault;
	if (!fault.reason)
		fault.reason = ret == -ESHUTDOWN ? PTX_REASON_NOT_ACTIVE :
			       ret == -ENODEV ? PTX_REASON_GONE :
			       ret == -EPERM ? PTX_REASON_NOT_GRANTED :
			       ret == -ETIMEDOUT ? PTX_REASON_TIMEOUT :
			       ret == -EINTR ? PTX_REASON_INTERRUPTED :
			       ret == -ENOMEM ? PTX_REASON_NO_MEMORY :
			       PTX_REASON_NONE;
	if (fault.reason)
		ptx_blockers_add(add->blockers, fault.reason, fault.culprit,
				 fault.lease);
	return ret;
}

static void ptx_add_unwind(struct ptx_lease *lease, struct ptx_add *add)
{
	u32 i;

	/* One may have left the lease meanwhile, and be another tenant's. */
	spin_lock(&lease->state_lock);
	for (i = 0; i < add->nr_claims; i++)
		if (add->claims[i]->lease == lease)
			ptx_claim_send_home(add->claims[i]);
	spin_unlock(&lease->state_lock);
	ptx_lease_kick(lease);
}

static int ptx_add_run(struct ptx_lease *lease, struct ptx_add *add,
		       unsigned long deadline)
{
	long left;
	int ret;
	u32 i;

	lockdep_assert_held(&lease->lock);
	if (ptx_going_down()) {
		ptx_blockers_add(add->blockers, PTX_REASON_SHUTDOWN, "", 0);
		return -ESHUTDOWN;
	}
	ret = ptx_add_plan(lease, add, deadline);
	if (ret) {
		if (!add->blockers->nr)
			ptx_blockers_add(add->blockers, PTX_REASON_NO_MEMORY, "", 0);
		return ret;
	}
	ret = ptx_add_start(lease, add);
	if (ret) {
		ptx_blockers_add(add->blockers, ret == -E2BIG ? PTX_REASON_LIMIT :
				 PTX_REASON_NOT_ACTIVE, "", 0);
		return ret;
	}
	left = wait_event_killable_timeout(lease->wait,
					   ptx_add_is_settled(lease, add),
					   max(1L, (long)(deadline - jiffies)));
	ret = ptx_wait_verdict(left);
	spin_lock(&lease->state_lock);
	for (i = 0; !ret && i < add->nr_claims; i++) {
		struct ptx_claim *claim = add->claims[i];

		if (claim->lease != lease || !claim->built || !claim->error)
			continue;
		ret = claim->error;
		add->fault = claim->fault;
	}
	spin_unlock(&lease->state_lock);
	/* Only the end of the lease cancels. */
	if (ret == -ECANCELED)
		ret = -ESHUTDOWN;
	if (!ret && add->report)
		ret = add->report(add, lease);
	if (!ret)
		ret = ptx_add_commit(lease, add);
	if (ret)
		ptx_add_unwind(lease, add);
	return ret;
}

/**
 * ptx_lease_add() - add devices and their groups to a lease, all or nothing
 * @lease: the lease
 * @add: the request; its blockers say why on failure
 *
 * Waits killably until the devices are on their VFIO driver, or, on failure,
 * back where they were, but no longer than the deadline: what is not back by
 * then goes home by itself.
 *
 * Return: 0, or what uapi/linux/ptx.h lists.
 */
int ptx_lease_add(struct ptx_lease *lease, struct ptx_add *add)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(add->timeout_ms);
	int ret;
	u32 i;

	/*
	 * A message may come while the module is on its way out, and what it takes
	 * from the pool must find it there when it goes back.
	 */
	if (!try_module_get(THIS_MODULE)) {
		ptx_blockers_add(add->blockers, PTX_REASON_SHUTDOWN, "", 0);
		return -ESHUTDOWN;
	}
	/* Of another driver nobody asks what its DMA goes through. */
	if (lease->space && !ptx_vfio_is_ours(add->driver)) {
		ptx_blockers_add(add->blockers, PTX_REASON_BAD_DRIVER, "", 0);
		ret = -EOPNOTSUPP;
		goto out_put;
	}
	memset(&add->fault, 0, sizeof(add->fault));
	add->nr_claims = 0;
	add->claims = kcalloc(add->nr_devices, sizeof(*add->claims), GFP_KERNEL);
	if (!add->claims) {
		ptx_blockers_add(add->blockers, PTX_REASON_NO_MEMORY, "", 0);
		ret = -ENOMEM;
		goto out_put;
	}
	ret = ptx_lease_lock(lease, deadline);
	if (ret) {
		ptx_blockers_add(add->blockers, ret == -EINTR ?
				 PTX_REASON_INTERRUPTED : PTX_REASON_TIMEOUT, "", 0);
		goto out_free;
	}
	ret = ptx_add_run(lease, add, deadline);
	ptx_lease_unlock(lease);

	if (ret && !add->blockers->nr) {
		long left = wait_event_killable_timeout(lease->wait,
				ptx_claims_are_home(lease, add->claims, add->nr_claims),
				max(1L, (long)(deadline - jiffies)));

		ret = ptx_add_blame(lease, add, ret);
		if (left <= 0 && ret != -EINTR)
			ret = ptx_wait_verdict(left);
	}
	for (i = 0; i < add->nr_claims; i++) {
		struct ptx_pf *pf = ret ? ptx_sriov_pf(add->claims[i]) : NULL;

		ptx_claim_put(add->claims[i]);
		/* What was enabled for it is as it was, too. */
		ptx_sriov_wait(pf, deadline);
	}
out_free:
	kfree(add->claims);
	add->claims = NULL;
out_put:
	module_put(THIS_MODULE);
	return ret;
}

static struct ptx_claim *ptx_lease_claim_of(struct ptx_lease *lease,
					    const char *name)
{
	struct ptx_member *member;
	struct ptx_claim *claim;

	lockdep_assert_held(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		ptx_for_each_member(member, claim)
			if (!strcmp(member->name, name))
				return claim;
	return NULL;
}

static void ptx_fault_not_home(struct ptx_lease *lease, struct ptx_fault *fault)
{
	struct ptx_claim *claim;

	fault->reason = PTX_REASON_TIMEOUT;
	spin_lock(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		if (claim->state == PTX_MEMBER_STATE_DRAINING) {
			strscpy(fault->culprit,
				list_first_entry(&claim->members, struct ptx_member,
						 node)->name);
			break;
		}
	spin_unlock(&lease->state_lock);
}

/**
 * ptx_home_verdict() - say how a wait for devices to come home ended
 * @lease: the lease
 * @left: what the wait returned
 * @fault: filled in on failure
 *
 * Return: 0, -ETIMEDOUT, -EINTR.
 */
int ptx_home_verdict(struct ptx_lease *lease, long left,
			    struct ptx_fault *fault)
{
	int ret = ptx_wait_verdict(left);

	if (ret == -ETIMEDOUT)
		ptx_fault_not_home(lease, fault);
	else if (ret)
		fault->reason = PTX_REASON_INTERRUPTED;
	return ret;
}

/**
 * ptx_claims_verdict() - say how claims came home
 * @claims: the claims, which have
 * @nr: their number
 * @fault: filled in on failure
 *
 * Return: 0, or -EIO when a native driver refused or no reset made a device well.
 */
int ptx_claims_verdict(struct ptx_claim **claims, u32 nr, struct ptx_fault *fault)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (claims[i]->fault.reason == PTX_REASON_NATIVE_REFUSED ||
		    claims[i]->fault.reason == PTX_REASON_QUARANTINED) {
			*fault = claims[i]->fault;
			return -EIO;
		}
	return 0;
}

/**
 * ptx_lease_remove() - give devices back, with their groups, all or nothing
 * @lease: the lease
 * @devices: their names
 * @nr: their number
 * @timeout_ms: how long to wait for them to be home
 * @fault: why it failed
 *
 * Return: 0, -ENOENT when one is not a member and nothing was done,
 * -ESHUTDOWN, -ETIMEDOUT, -EINTR, -ENOMEM, -EIO when a native driver refused or
 * no reset made a device well.
 */
int ptx_lease_remove(struct ptx_lease *lease,
		     const struct ptx_device_name *devices, u32 nr,
		     u32 timeout_ms, struct ptx_fault *fault)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout_ms);
	struct ptx_claim **claims;
	u32 i, found = 0;
	int ret = 0;
	long left;

	claims = kcalloc(nr, sizeof(*claims), GFP_KERNEL);
	if (!claims) {
		fault->reason = PTX_REASON_NO_MEMORY;
		return -ENOMEM;
	}
	ret = ptx_lease_lock(lease, deadline);
	if (ret) {
		fault->reason = ret == -EINTR ? PTX_REASON_INTERRUPTED :
						PTX_REASON_TIMEOUT;
		kfree(claims);
		return ret;
	}
	spin_lock(&lease->state_lock);
	if (!ptx_lease_open_for_business(lease)) {
		fault->reason = PTX_REASON_NOT_ACTIVE;
		ret = -ESHUTDOWN;
	}
	for (i = 0; !ret && i < nr; i++) {
		struct ptx_claim *claim = ptx_lease_claim_of(lease,
							     devices[i].name);

		if (!claim) {
			fault->reason = PTX_REASON_NOT_MEMBER;
			strscpy(fault->culprit, devices[i].name);
			ret = -ENOENT;
			break;
		}
		ptx_claim_get(claim);
		claims[found++] = claim;
	}
	for (i = 0; !ret && i < found; i++)
		ptx_claim_send_home(claims[i]);
	spin_unlock(&lease->state_lock);
	if (!ret)
		ptx_lease_kick(lease);
	ptx_lease_unlock(lease);

	if (!ret) {
		left = wait_event_killable_timeout(lease->wait,
				ptx_claims_are_home(lease, claims, found),
				max(1L, (long)(deadline - jiffies)));
		ret = ptx_home_verdict(lease, left, fault) ?:
		      ptx_claims_verdict(claims, found, fault);
	}
	for (i = 0; i < found; i++)
		ptx_claim_put(claims[i]);
	kfree(claims);
	return ret;
}

static bool ptx_claim_is_draining(struct ptx_claim *claim)
{
	struct ptx_lease *lease = ptx_claim_lock(claim);
	bool draining;

	draining = claim->state == PTX_MEMBER_STATE_DRAINING;
	ptx_claim_unlock(lease);
	return draining;
}

/**
 * ptx_claim_reset() - try to make a claim well that is in quarantine, and wait
 * @claim: the claim
 * @timeout_ms: how long to wait
 * @fault: why it failed
 *
 * Return: 0 when it is home, or the pool's again, -EBUSY if it is in a lease, -EIO if
 * it is in quarantine again, or a native driver refused a device, -ETIMEDOUT, -EINTR.
 */
int ptx_claim_reset(struct ptx_claim *claim, u32 timeout_ms,
		    struct ptx_fault *fault)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(timeout_ms);
	struct ptx_lease *lease = ptx_claim_lease(claim), *now;
	int ret = 0;

	if (!ptx_claim_retry(claim)) {
		fault->reason = ptx_pool_is(lease) ? PTX_REASON_POOLED : PTX_REASON_HELD;
		fault->lease = lease->id;
		ret = -EBUSY;
		goto out_put;
	}
	ret = ptx_wait_verdict(wait_event_killable_timeout(lease->wait,
			!ptx_claim_is_draining(claim),
			max(1UL, msecs_to_jiffies(timeout_ms)))) ?:
	      ptx_wait_verdict(ptx_pool_await(claim->group, deadline));
	if (ret) {
		fault->reason = ret == -EINTR ? PTX_REASON_INTERRUPTED :
						PTX_REASON_TIMEOUT;
		goto out_put;
	}
	now = ptx_claim_lock(claim);
	if (claim->fault.reason) {
		*fault = claim->fault;
		ret = -EIO;
	}
	ptx_claim_unlock(now);
out_put:
	ptx_lease_put(lease);
	return ret;
}
