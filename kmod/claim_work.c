// SPDX-License-Identifier: GPL-2.0-only
/*
 * A claim's work: how its devices get to VFIO, and how they go home or to the pool.
 *
 * One work item for each claim, which its journal belongs to; whoever wants
 * something of it changes its state, under its lease's state_lock, and starts it.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "claim.h"
#include "events.h"
#include "grant.h"
#include "lease.h"
#include "pool.h"
#include "provider.h"
#include "ptx_main.h"
#include "sriov.h"
#include "vfio_pci.h"

/* How often a VMM that holds on to its devices is asked for them again. */
#define PTX_ASK_BACK_MS		5000
/* How often a driver that does not tell us about its users is looked at. */
#define PTX_STOCK_POLL_MS	50

/* Waits until VFIO's users are gone, asking them; or until the host goes down. */
static void ptx_claim_wait_closed(struct ptx_claim *claim)
{
	bool ours = ptx_vfio_is_ours(claim->driver);
	unsigned long every = msecs_to_jiffies(ours ? PTX_ASK_BACK_MS :
						      PTX_STOCK_POLL_MS);
	unsigned int asked = 0;

	if (!claim->provider->is_busy(claim))
		return;
	ptx_journal_at(&claim->journal, "waiting for VFIO files to be closed");
	while (claim->provider->is_busy(claim) && !ptx_going_down()) {
		claim->provider->ask_back(claim, asked++);
		/* Looking at a driver that is not ours takes a mutex. */
		if (ours)
			wait_event_idle_timeout(claim->lease->wait,
						!claim->provider->is_busy(claim) ||
						ptx_going_down(), every);
		else
			schedule_timeout_idle(every);
	}
}

static void ptx_claim_announce(struct ptx_claim *claim)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim) {
		switch (member->outcome) {
		case PTX_MEMBER_STATE_DRIVERLESS:
			ptx_event_member(PTX_EVENT_MEMBER_DRIVERLESS, member,
					 PTX_REASON_NATIVE_REFUSED);
			break;
		case PTX_MEMBER_STATE_GONE:
			ptx_event_member(PTX_EVENT_MEMBER_GONE, member,
					 PTX_REASON_GONE);
			break;
		default:
			ptx_event_member(PTX_EVENT_MEMBER_HOME, member,
					 PTX_REASON_NONE);
		}
	}
}

/*
 * The journal stops where the device failed: what it holds is what the device
 * was before, its override keeps drivers away, and the registry keeps everybody
 * else away. The lease is over; the claim stays, with the reference that the
 * lease's list had, and with one on the module.
 */
static void ptx_claim_quarantine(struct ptx_claim *claim)
{
	struct ptx_lease *lease = claim->lease;
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		ptx_event_member(PTX_EVENT_MEMBER_QUARANTINED, member,
				 PTX_REASON_QUARANTINED);
	spin_lock(&lease->state_lock);
	if (!claim->quarantined)
		__module_get(THIS_MODULE);
	claim->quarantined = true;
	claim->state = PTX_MEMBER_STATE_QUARANTINED;
	if (!lease->fault.reason)
		lease->fault = claim->fault;
	ptx_claim_unlink(claim);
	spin_unlock(&lease->state_lock);
	wake_up_all(&lease->wait);
	ptx_lease_settle(lease);
}

/* Does it go to the pool, and not home? What is left of a group does not. */
static bool ptx_claim_is_pooled(struct ptx_claim *claim)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (READ_ONCE(member->gone) || READ_ONCE(member->leaving))
			return false;
	return READ_ONCE(claim->pooled);
}

/* The pool's state_lock is held. What its request said is over. */
static void ptx_claim_pool_it(struct ptx_claim *claim)
{
	struct ptx_member *member;

	claim->state = PTX_MEMBER_STATE_BUILDING;
	claim->built = false;
	claim->quarantined = false;
	claim->cutting = false;
	claim->cut = false;
	claim->flags = 0;
	claim->error = 0;
	memset(&claim->fault, 0, sizeof(claim->fault));
	ptx_for_each_member(member, claim)
		member->requested = false;
	if (list_empty(&claim->node))
		ptx_claim_link(claim);
}

/*
 * From its lease to the pool, with the reference that the lease's list had; not
 * while the lease is cutting it, or the next one would have the cut. False if the
 * pool has given it up meanwhile.
 */
static bool ptx_claim_to_pool(struct ptx_claim *claim)
{
	struct ptx_lease *lease = claim->lease, *pool = ptx_pool_get();
	bool quarantined = claim->quarantined, moves = false, cut = false;
	struct ptx_member *member;

	while (!cut) {
		wait_event_idle(lease->wait, !READ_ONCE(claim->cutting) ||
					     READ_ONCE(claim->cut));
		mutex_lock(&ptx_claims_lock);
		spin_lock(&lease->state_lock);
		cut = !claim->cutting || claim->cut;
		moves = cut && claim->pooled;
		if (moves) {
			/* It is there already if it was not well all of a sudden. */
			if (lease == pool) {
				ptx_claim_pool_it(claim);
			} else {
				ptx_claim_unlink(claim);
				spin_lock_nested(&pool->state_lock, SINGLE_DEPTH_NESTING);
				WRITE_ONCE(claim->lease, pool);
				ptx_claim_pool_it(claim);
				spin_unlock(&pool->state_lock);
			}
		}
		spin_unlock(&lease->state_lock);
		mutex_unlock(&ptx_claims_lock);
	}
	if (!moves) {
		ptx_lease_put(pool);
		return false;
	}
	kfree(claim->roms);
	claim->roms = NULL;
	ptx_grants_give_back(claim);
	ptx_for_each_member(member, claim)
		ptx_event_pooled(member, lease);
	wake_up_all(&lease->wait);
	ptx_lease_settle(lease);
	ptx_lease_put(lease);
	if (quarantined)
		module_put(THIS_MODULE);
	return true;
}

/*
 * Always on its driver anew, so that no VFIO file of a tenant's is worth anything
 * to the next one. False if it could not be made ready, or is not wanted any more:
 * then it is on its way home, and not the pool's.
 */
static bool ptx_claim_repool(struct ptx_claim *claim)
{
	struct ptx_lease *pool = claim->lease;
	struct ptx_member *member;
	bool ready;
	int error;

	error = claim->provider->take(claim);
	if (!error)
		ptx_for_each_member(member, claim)
			ptx_event_member(PTX_EVENT_MEMBER_READY, member,
					 PTX_REASON_NONE);
	spin_lock(&pool->state_lock);
	claim->built = true;
	claim->error = error;
	ready = !error && claim->state == PTX_MEMBER_STATE_BUILDING;
	claim->state = ready ? PTX_MEMBER_STATE_READY : PTX_MEMBER_STATE_DRAINING;
	claim->pooled = ready;
	spin_unlock(&pool->state_lock);
	wake_up_all(&pool->wait);
	return ready;
}

static void ptx_claim_drain(struct ptx_claim *claim)
{
	struct ptx_lease *lease = claim->lease;
	enum ptx_member_state end = PTX_MEMBER_STATE_HOME;
	struct ptx_fault fault = {};
	bool quarantined = claim->quarantined;
	struct ptx_member *member;
	enum ptx_undo undo;

	ptx_claim_wait_closed(claim);
	if (ptx_going_down()) {
		/*
		 * Drivers stay where they are: taking one away could wait for
		 * a VMM while the host waits for us. DMA has been stopped.
		 */
		return;
	}
	undo = claim->provider->detach(claim);
	if (undo != PTX_UNDO_QUARANTINED && ptx_claim_is_pooled(claim) &&
	    ptx_claim_to_pool(claim)) {
		if (ptx_claim_repool(claim))
			return;
		lease = claim->lease;
		quarantined = false;
		undo = claim->provider->detach(claim);
	}
	if (undo != PTX_UNDO_QUARANTINED)
		undo = claim->provider->give_back(claim);
	if (undo == PTX_UNDO_QUARANTINED) {
		ptx_claim_quarantine(claim);
		return;
	}
	ptx_sriov_wait(ptx_sriov_pf(claim), jiffies + LONG_MAX);
	if (undo == PTX_UNDO_DRIVERLESS)
		end = PTX_MEMBER_STATE_DRIVERLESS;
	ptx_for_each_member(member, claim)
		if (member->outcome == PTX_MEMBER_STATE_DRIVERLESS) {
			fault.reason = PTX_REASON_NATIVE_REFUSED;
			strscpy(fault.culprit, member->name);
		}
	ptx_claim_announce(claim);

	spin_lock(&lease->state_lock);
	claim->state = end;
	if (fault.reason && !lease->fault.reason)
		lease->fault = fault;
	if (fault.reason && !claim->fault.reason)
		claim->fault = fault;
	ptx_claim_unlink(claim);
	spin_unlock(&lease->state_lock);
	wake_up_all(&lease->wait);
	ptx_lease_settle(lease);
	/* As for a lease: we run in a worker, which is waited for at exit. */
	if (quarantined)
		module_put(THIS_MODULE);
	ptx_claim_put(claim);
}

/**
 * ptx_claim_retry() - try again to make a claim well that is in quarantine
 * @claim: the claim; the caller holds no spinlock
 *
 * Return: true if it was in quarantine and its work has been started.
 */
bool ptx_claim_retry(struct ptx_claim *claim)
{
	struct ptx_lease *lease = ptx_claim_lock(claim);
	bool start;

	start = claim->state == PTX_MEMBER_STATE_QUARANTINED;
	if (start) {
		claim->state = PTX_MEMBER_STATE_DRAINING;
		memset(&claim->fault, 0, sizeof(claim->fault));
	}
	ptx_claim_unlock(lease);
	if (start)
		ptx_claim_start(claim, ptx_inline);
	return start;
}

/**
 * ptx_claim_work() - build a claim up, or take it down
 * @work: the claim's; ptx_claim_start() gave it a reference to the claim
 *
 * Never runs in the task that dropped the lease's file, but for ptx.inline: it
 * may have to wait for that task's own VFIO files.
 */
void ptx_claim_work(struct work_struct *work)
{
	struct ptx_claim *claim = container_of(work, struct ptx_claim, work);
	struct ptx_lease *lease = claim->lease;
	bool build, drain;

	spin_lock(&lease->state_lock);
	build = claim->state == PTX_MEMBER_STATE_BUILDING && !claim->built;
	drain = claim->state == PTX_MEMBER_STATE_DRAINING;
	if (drain && !claim->built) {
		/* Nobody wants it any more before it was begun. */
		claim->error = ptx_lease_open_for_business(lease) ? -ENODEV :
								   -ESHUTDOWN;
		claim->built = true;
	}
	spin_unlock(&lease->state_lock);

	if (build) {
		int error = claim->provider->take(claim);

		spin_lock(&lease->state_lock);
		claim->error = error;
		claim->built = true;
		/* Somebody gave up on it meanwhile: the way back is ours. */
		drain = claim->state == PTX_MEMBER_STATE_DRAINING;
		spin_unlock(&lease->state_lock);
		wake_up_all(&lease->wait);
	}
	if (drain)
		ptx_claim_drain(claim);
	ptx_claim_put(claim);
}

/**
 * ptx_claim_start() - run a claim's work
 * @claim: the claim
 * @inl: in this task rather than by a worker
 */
void ptx_claim_start(struct ptx_claim *claim, bool inl)
{
	ptx_claim_get(claim);
	if (inl)
		ptx_claim_work(&claim->work);
	else if (!queue_work(ptx_wq, &claim->work))
		ptx_claim_put(claim);
}

/**
 * ptx_claim_send_home() - mark a claim for going home
 * @claim: the claim; its lease's state_lock is held
 *
 * If it is still being built, the builder carries on with the way back; else
 * the caller starts its work with ptx_lease_kick(), once it holds no spinlock.
 * So nothing ever waits to be undone.
 */
void ptx_claim_send_home(struct ptx_claim *claim)
{
	lockdep_assert_held(&claim->lease->state_lock);
	if (claim->state != PTX_MEMBER_STATE_BUILDING &&
	    claim->state != PTX_MEMBER_STATE_READY)
		return;
	WRITE_ONCE(claim->state, PTX_MEMBER_STATE_DRAINING);
	claim->kick = claim->built;
}
