// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: devices on ptx-vfio-pci, proven and asleep, that are leased to nobody.
 *
 * It is a lease that no registry knows and nobody may open, so everything that
 * works on leases works on it. A claim changes hands: a request gets the pool's
 * own claim in place of a fresh one, with no driver bound or unbound, and when its
 * lease gives it back it is reset, put on its driver anew, and the pool's again.
 * Its journal goes with it, and still says how to bring it home.
 */
#include <linux/pci.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "catalog.h"
#include "claim.h"
#include "lease.h"
#include "pool.h"
#include "ptx_main.h"
#include "request.h"
#include "vfio_pci.h"

static struct ptx_lease ptx_pool;

/**
 * ptx_pool_is() - is this lease the pool
 * @lease: the lease
 *
 * Return: true if it is.
 */
bool ptx_pool_is(const struct ptx_lease *lease)
{
	return lease == &ptx_pool;
}

/**
 * ptx_pool_get() - the pool, as a lease
 *
 * Undone by ptx_lease_put().
 *
 * Return: a reference.
 */
struct ptx_lease *ptx_pool_get(void)
{
	ptx_lease_get(&ptx_pool);
	return &ptx_pool;
}

/**
 * ptx_pool_kick() - start every claim of the pool that was sent home
 *
 * The caller holds no lock of ours.
 */
void ptx_pool_kick(void)
{
	ptx_lease_kick(&ptx_pool);
}

static bool ptx_pool_readies(struct ptx_claim *claim)
{
	return ptx_pool_is(READ_ONCE(claim->lease)) &&
	       READ_ONCE(claim->state) == PTX_MEMBER_STATE_BUILDING;
}

/**
 * ptx_pool_await() - wait for a group that the pool is only just making ready
 * @group: the group
 * @deadline: until when, in jiffies
 *
 * Return: as wait_event_killable_timeout(); more than 0 also if there was nothing
 * to wait for.
 */
long ptx_pool_await(struct iommu_group *group, unsigned long deadline)
{
	struct ptx_claim *claim = ptx_claim_find(group);
	long left = 1;

	if (!claim)
		return left;
	if (ptx_pool_readies(claim))
		left = wait_event_killable_timeout(ptx_pool.wait, !ptx_pool_readies(claim),
						   max(1L, (long)(deadline - jiffies)));
	ptx_claim_put(claim);
	return left;
}

/**
 * ptx_pool_add() - put devices and their groups into the pool, all or nothing
 * @devices: their names
 * @nr: their number
 * @flags: bits of enum ptx_add_flags; they are reset in any case
 * @roms: the option ROMs that they may have; NULL for any
 * @timeout_ms: deadline
 * @blockers: where to gather what stands in the way
 *
 * Return: as ptx_lease_add().
 */
int ptx_pool_add(const struct ptx_device_name *devices, u32 nr, u32 flags,
		 const struct ptx_roms *roms, u32 timeout_ms,
		 struct ptx_blockers *blockers)
{
	struct ptx_add add = {
		.devices = devices,
		.nr_devices = nr,
		/* One that cannot be reset is not fit for one tenant after another. */
		.flags = flags | PTX_ADD_FLAGS_RESET,
		.driver = PTX_VFIO_DRIVER,
		.timeout_ms = timeout_ms,
		.roms = roms,
		.blockers = blockers,
	};

	return ptx_lease_add(&ptx_pool, &add);
}

/* The claim that has a device, if the pool has it or gets it back; referenced. */
static struct ptx_claim *ptx_pool_claim(const char *name)
{
	struct pci_dev *pdev = ptx_catalog_find(name);
	struct ptx_member *member;

	if (!pdev)
		return NULL;
	member = ptx_member_get(pdev);
	pci_dev_put(pdev);
	if (!member)
		return NULL;
	if (!READ_ONCE(member->claim->pooled)) {
		ptx_member_put(member);
		return NULL;
	}
	return member->claim;
}

/**
 * ptx_pool_remove() - take devices and their groups out of the pool
 * @devices: their names
 * @nr: their number
 * @timeout_ms: how long to wait for them to be home
 * @fault: why it failed
 *
 * What is leased stays leased, and goes home from there; that is not waited for.
 *
 * Return: 0, -ENOENT when one is not in the pool and nothing was done,
 * -ETIMEDOUT, -EINTR, -ENOMEM, -EIO when a native driver refused or no reset made
 * a device well.
 */
int ptx_pool_remove(const struct ptx_device_name *devices, u32 nr, u32 timeout_ms,
		    struct ptx_fault *fault)
{
	struct ptx_claim **claims;
	u32 i, found;
	int ret = 0;
	long left;

	claims = kcalloc(nr, sizeof(*claims), GFP_KERNEL);
	if (!claims) {
		fault->reason = PTX_REASON_NO_MEMORY;
		return -ENOMEM;
	}
	for (found = 0; found < nr; found++) {
		claims[found] = ptx_pool_claim(devices[found].name);
		if (claims[found])
			continue;
		fault->reason = PTX_REASON_NOT_MEMBER;
		strscpy(fault->culprit, devices[found].name);
		ret = -ENOENT;
		break;
	}
	for (i = 0; !ret && i < nr; i++) {
		struct ptx_lease *lease = ptx_claim_lock(claims[i]);

		claims[i]->pooled = false;
		if (ptx_pool_is(lease))
			ptx_claim_send_home(claims[i]);
		ptx_claim_unlock(lease);
	}
	if (!ret) {
		ptx_pool_kick();
		left = wait_event_killable_timeout(ptx_pool.wait,
				ptx_claims_are_home(&ptx_pool, claims, nr),
				max(1UL, msecs_to_jiffies(timeout_ms)));
		ret = ptx_home_verdict(&ptx_pool, left, fault) ?:
		      ptx_claims_verdict(claims, nr, fault);
	}
	for (i = 0; i < found; i++)
		ptx_claim_put(claims[i]);
	kfree(claims);
	return ret;
}

int ptx_pool_init(void)
{
	ptx_lease_setup(&ptx_pool);
	ptx_pool.state = PTX_LEASE_STATE_ACTIVE;
	ptx_pool.owner = INVALID_UID;
	ptx_pool.persistent = true;
	strscpy(ptx_pool.name, "pool");
	return 0;
}

/* Each claim in it holds the module. */
void ptx_pool_exit(void)
{
	WARN_ON(!list_empty(&ptx_pool.claims));
	mutex_destroy(&ptx_pool.lock);
}
