// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose is a bus that is to be reset: a reset reaches whatever is on it, also what
 * another claim has.
 *
 * A claim is at rest from when its last device has left a driver until the first
 * one gets one again; its own resets are in between. A bus may be reset when every
 * device on it is at rest, or ready and not open, and the lease's own or the pool's.
 * Claims of one lease wait for each other, where one of them has nothing but the
 * bus: neither goes back to the host while the other is still to be reset.
 *
 * This is rare, and a reset takes a second: who waits looks again now and then.
 */
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/spinlock.h>
#include <linux/vfio.h>

#include "bus.h"
#include "claim.h"
#include "lease.h"
#include "pool.h"
#include "ptx_main.h"
#include "reset.h"
#include "vfio_pci.h"

#define PTX_BUS_POLL_MS		20

/* Protects struct ptx_rest of every claim. A leaf. */
static DEFINE_SPINLOCK(ptx_bus_lock);

/*
 * Whoever wants to hold what is on a bus gets all of it at once, or nothing; so those
 * who want the same do not wait for each other. Before all other locks here, after the
 * PCI core's rescan lock.
 */
static DEFINE_MUTEX(ptx_bus_mutex);

/* Who holds a claim whose device is off the bus: nobody that others could look into. */
static struct ptx_bus_hold ptx_bus_frozen;

/* Takes the lock when nobody holds the claim. */
static void ptx_bus_lock_free(struct ptx_claim *claim)
	__acquires(&ptx_bus_lock)
{
	spin_lock(&ptx_bus_lock);
	while (claim->rest.holder) {
		spin_unlock(&ptx_bus_lock);
		msleep(PTX_BUS_POLL_MS);
		spin_lock(&ptx_bus_lock);
	}
}

/**
 * ptx_bus_rest() - no device of a claim has a driver any more
 * @claim: its journal belongs to the caller
 *
 * Undone by ptx_bus_move().
 */
void ptx_bus_rest(struct ptx_claim *claim)
{
	struct ptx_member *member;

	/* Whoever held it while it was ready is about to be through. */
	ptx_bus_lock_free(claim);
	claim->rest.still = true;
	claim->rest.asks = false;
	claim->rest.done = PTX_MEMBER_STATE_READY;
	ptx_for_each_member(member, claim)
		member->bus_rung = PTX_RESET_RUNGS;
	spin_unlock(&ptx_bus_lock);
}

/**
 * ptx_bus_want() - a claim has a device that only a reset of its bus resets
 * @claim: at rest; it is so from then on
 */
void ptx_bus_want(struct ptx_claim *claim)
{
	spin_lock(&ptx_bus_lock);
	claim->rest.wants = true;
	spin_unlock(&ptx_bus_lock);
}

/**
 * ptx_bus_done() - a claim at rest has had its resets
 * @claim: the claim
 */
void ptx_bus_done(struct ptx_claim *claim)
{
	spin_lock(&ptx_bus_lock);
	claim->rest.done = READ_ONCE(claim->state);
	spin_unlock(&ptx_bus_lock);
}

/* Is it on its way out or home? */
static bool ptx_bus_moves(const struct ptx_claim *claim)
{
	return claim->state == PTX_MEMBER_STATE_BUILDING ||
	       claim->state == PTX_MEMBER_STATE_DRAINING;
}

/* And are its devices to be reset on it? */
static bool ptx_bus_resets(const struct ptx_claim *claim)
{
	return claim->rest.done != claim->state && ptx_bus_moves(claim) &&
	       (claim->attached || claim->flags & PTX_ADD_FLAGS_RESET);
}

/* By itself it is reset no more, or never was. */
static bool ptx_bus_needs(const struct ptx_claim *claim)
{
	return claim->rest.wants || claim->rest.asks;
}

struct ptx_bus_look {
	struct ptx_claim *claim;
	struct ptx_bus_hold *hold;
	bool wait;
	bool found;
};

static int ptx_bus_look_for_want(struct pci_dev *pdev, void *data)
{
	struct ptx_bus_look *look = data;
	struct ptx_member *member = ptx_member_get(pdev);
	struct ptx_lease *lease;

	if (!member)
		return 0;
	if (member->claim != look->claim) {
		lease = ptx_claim_lock(member->claim);
		spin_lock(&ptx_bus_lock);
		look->found |= lease == look->claim->lease &&
			       ptx_bus_needs(member->claim) && ptx_bus_resets(member->claim);
		spin_unlock(&ptx_bus_lock);
		ptx_claim_unlock(lease);
	}
	ptx_member_put(member);
	return look->found;
}

/* Does another claim of its lease need a bus of its devices, and has not had it? */
static bool ptx_bus_is_wanted(struct ptx_claim *claim)
{
	struct ptx_bus_look look = { .claim = claim };
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (!look.found && !READ_ONCE(member->gone) && member->pdev->bus->self)
			pci_walk_bus(member->pdev->bus, ptx_bus_look_for_want, &look);
	return look.found;
}

/**
 * ptx_bus_move() - devices of a claim are about to get a driver
 * @claim: its journal belongs to the caller
 *
 * Waits for a reset of their bus that is under way, or that a claim of the same
 * lease still needs.
 */
void ptx_bus_move(struct ptx_claim *claim)
{
	enum ptx_member_state state = READ_ONCE(claim->state);

	/*
	 * The caller looks for itself whether it still is to build the claim up. Where
	 * everything is done by one task, there is nobody to wait for.
	 */
	while (!ptx_inline && ptx_bus_is_wanted(claim) &&
	       READ_ONCE(claim->state) == state && !ptx_going_down()) {
		ptx_journal_at(&claim->journal, "waiting for a reset of the bus");
		msleep(PTX_BUS_POLL_MS);
	}
	ptx_bus_lock_free(claim);
	claim->rest.still = false;
	spin_unlock(&ptx_bus_lock);
}

static bool ptx_bus_is_shut(struct ptx_claim *claim)
{
	struct ptx_member *member;
	bool shut = true;

	ptx_for_each_member(member, claim)
		shut &= member->vfio && !member->opened && !member->gone;
	return shut;
}

/*
 * One device of the bus. What its claim does cannot be stopped, but for being opened
 * and for changing hands; what is held does not get a driver, and what is ready
 * has ours.
 */
static int ptx_bus_hold_one(struct pci_dev *pdev, void *data)
{
	struct ptx_member *member = ptx_member_get(pdev);
	struct ptx_bus_look *look = data;
	struct ptx_claim *claim;
	struct ptx_lease *lease;
	bool ours = false;

	if (!member) {
		look->found = true;
		return 1;
	}
	claim = member->claim;
	/* An admin may have bound a driver to it: it would be reset under it. */
	if (READ_ONCE(pdev->dev.driver) && (claim == look->claim || claim->rest.still)) {
		look->found = true;
		ptx_member_put(member);
		return 1;
	}
	if (READ_ONCE(claim->rest.holder) == look->hold) {
		ptx_member_put(member);
		return 0;
	}
	lease = ptx_claim_lock(claim);
	spin_lock(&ptx_bus_lock);
	if (claim->rest.holder) {
		/* It is on another bus, too. */
		look->wait = true;
	} else if (lease == look->claim->lease || ptx_pool_is(lease)) {
		bool rests = claim->rest.still && ptx_bus_moves(claim);

		/* Not while it is being reset by itself. */
		ours = rests && (claim->rest.done == claim->state || ptx_bus_needs(claim));
		if (claim->state == PTX_MEMBER_STATE_READY && ptx_bus_is_shut(claim)) {
			ours = true;
			claim->rest.ready = true;
			/* A request for it waits, as for one that is made ready. */
			if (ptx_pool_is(lease)) {
				claim->state = PTX_MEMBER_STATE_BUILDING;
				claim->built = false;
			}
		}
		look->wait |= !ours && ptx_bus_moves(claim) &&
			      (claim->attached || rests ||
			       claim->state == PTX_MEMBER_STATE_BUILDING);
	}
	if (ours)
		claim->rest.holder = look->hold;
	spin_unlock(&ptx_bus_lock);
	ptx_claim_unlock(lease);
	if (ours) {
		list_add_tail(&claim->rest.node, &look->hold->claims);
		return 0;
	}
	look->found = true;
	ptx_member_put(member);
	return 1;
}

static void ptx_bus_let_go(struct ptx_claim *claim)
{
	struct ptx_lease *lease = ptx_claim_lock(claim);

	ptx_lease_get(lease);
	spin_lock(&ptx_bus_lock);
	if (claim->rest.ready && ptx_pool_is(lease)) {
		if (claim->state == PTX_MEMBER_STATE_BUILDING)
			claim->state = PTX_MEMBER_STATE_READY;
		else
			claim->kick = true;
		claim->built = true;
	}
	claim->rest.ready = false;
	claim->rest.holder = NULL;
	spin_unlock(&ptx_bus_lock);
	ptx_claim_unlock(lease);
	wake_up_all(&lease->wait);
	ptx_lease_kick(lease);
	ptx_lease_put(lease);
	ptx_claim_put(claim);
}

/**
 * ptx_bus_open() - what is held may be opened again, and is held no less
 * @hold: what is held
 *
 * For who is to wait for the rescan lock: whoever has that may wait for who opens a
 * device of the set.
 */
void ptx_bus_open(struct ptx_bus_hold *hold)
{
	if (hold->set)
		ptx_vfio_set_unlock(hold->set);
	hold->set = NULL;
}

/**
 * ptx_bus_release() - undo ptx_bus_hold()
 * @claim: the claim that holds it
 * @hold: what was held
 */
void ptx_bus_release(struct ptx_claim *claim, struct ptx_bus_hold *hold)
{
	struct ptx_claim *other, *next;

	ptx_bus_open(hold);
	list_for_each_entry_safe(other, next, &hold->claims, rest.node) {
		list_del(&other->rest.node);
		ptx_bus_let_go(other);
	}
	spin_lock(&ptx_bus_lock);
	claim->rest.holder = NULL;
	spin_unlock(&ptx_bus_lock);
}

/*
 * All of it at once, beginning with the claim itself, which no other can have then.
 * True if it has that; with @look->found, it may have only a part of the rest.
 */
static bool ptx_bus_grab(struct ptx_bus_look *look, struct pci_bus *bus)
{
	bool free;

	mutex_lock(&ptx_bus_mutex);
	spin_lock(&ptx_bus_lock);
	free = !look->claim->rest.holder;
	if (free)
		look->claim->rest.holder = look->hold;
	spin_unlock(&ptx_bus_lock);
	if (free)
		pci_walk_bus(bus, ptx_bus_hold_one, look);
	mutex_unlock(&ptx_bus_mutex);
	return free;
}

/* Nobody opens any of it from now on, or did so a moment ago. */
static bool ptx_bus_shut(struct pci_bus *bus, struct ptx_bus_hold *hold)
{
	struct ptx_claim *claim;
	struct ptx_lease *lease;
	bool shut = true;

	list_for_each_entry(claim, &hold->claims, rest.node) {
		if (!claim->rest.ready)
			continue;
		/* All that VFIO has and that one reset reaches is in one set. */
		if (!hold->set)
			hold->set = ptx_vfio_set_lock(claim, bus);
		lease = ptx_claim_lock(claim);
		shut &= hold->set && ptx_bus_is_shut(claim);
		ptx_claim_unlock(lease);
	}
	return shut;
}

static bool ptx_bus_set_stays(struct ptx_claim *claim, bool stays)
{
	struct ptx_member *member;
	bool leaves = false;

	lockdep_assert_held(&ptx_bus_lock);
	claim->rest.stays = stays;
	ptx_for_each_member(member, claim)
		leaves |= READ_ONCE(member->leaving);
	return !leaves;
}

/**
 * ptx_bus_stay() - let nothing of what is held leave the bus
 * @claim: the claim that holds it
 * @hold: what it holds
 *
 * The PCI core locks every device of a bus that it resets, one by one, and unlocks those
 * that it finds there afterwards. One that leaves in between, past the point where its
 * removal waits for its lock, would be unlocked when it is no more. For no longer than
 * such a reset takes. Undone by ptx_bus_unstay(), also on failure.
 *
 * Return: false if one of them is leaving already.
 */
bool ptx_bus_stay(struct ptx_claim *claim, struct ptx_bus_hold *hold)
{
	struct ptx_claim *other;
	bool stay;

	spin_lock(&ptx_bus_lock);
	stay = ptx_bus_set_stays(claim, true);
	list_for_each_entry(other, &hold->claims, rest.node)
		stay &= ptx_bus_set_stays(other, true);
	spin_unlock(&ptx_bus_lock);
	return stay;
}

/**
 * ptx_bus_unstay() - undo ptx_bus_stay()
 * @claim: the claim that holds it
 * @hold: what it holds
 */
void ptx_bus_unstay(struct ptx_claim *claim, struct ptx_bus_hold *hold)
{
	struct ptx_claim *other;

	spin_lock(&ptx_bus_lock);
	ptx_bus_set_stays(claim, false);
	list_for_each_entry(other, &hold->claims, rest.node)
		ptx_bus_set_stays(other, false);
	spin_unlock(&ptx_bus_lock);
}

/**
 * ptx_bus_wait_to_leave() - wait until a device may leave its bus
 * @claim: the device's, which is marked as leaving. Its lock is not held
 */
void ptx_bus_wait_to_leave(struct ptx_claim *claim)
{
	bool stays;

	for (;;) {
		spin_lock(&ptx_bus_lock);
		stays = claim->rest.stays;
		spin_unlock(&ptx_bus_lock);
		if (!stays)
			return;
		msleep(PTX_BUS_POLL_MS);
	}
}

static void ptx_bus_wake_claim(struct ptx_claim *claim, bool wake)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (wake)
			pm_runtime_get_sync(&member->pdev->dev);
		else
			pm_runtime_put(&member->pdev->dev);
}

/**
 * ptx_bus_wake() - wake what is held, or let it sleep again
 * @claim: the claim that holds it, which is woken, too
 * @hold: what it holds
 * @wake: which
 *
 * So that what the PCI core saves and restores over a reset is what they are.
 */
void ptx_bus_wake(struct ptx_claim *claim, struct ptx_bus_hold *hold, bool wake)
{
	struct ptx_claim *other;

	ptx_bus_wake_claim(claim, wake);
	list_for_each_entry(other, &hold->claims, rest.node)
		ptx_bus_wake_claim(other, wake);
}

/**
 * ptx_bus_hold() - make sure of everything that is on a device's bus
 * @claim: the device's; at rest, its journal belongs to the caller
 * @pdev: the device
 * @hold: filled in
 *
 * Waits for what else its lease has there, and for a reset that is under way. Undone
 * by ptx_bus_release().
 *
 * Return: 0, -ENOTTY when there is no bus to reset, -EBUSY when something on it is
 * not ours, or -ECANCELED when the claim is not to be built up any more.
 */
int ptx_bus_hold(struct ptx_claim *claim, struct pci_dev *pdev, struct ptx_bus_hold *hold)
{
	enum ptx_member_state state = READ_ONCE(claim->state);
	struct ptx_bus_look look;

	if (!pdev->bus->self)
		return -ENOTTY;
	spin_lock(&ptx_bus_lock);
	claim->rest.asks = true;
	spin_unlock(&ptx_bus_lock);
	for (;;) {
		look = (struct ptx_bus_look){ .claim = claim, .hold = hold };
		hold->set = NULL;
		INIT_LIST_HEAD(&hold->claims);
		if (ptx_bus_grab(&look, pdev->bus)) {
			if (!look.found && ptx_bus_shut(pdev->bus, hold))
				return 0;
			ptx_bus_release(claim, hold);
			if (!look.wait || ptx_inline)
				return -EBUSY;
		}
		if (ptx_going_down() || READ_ONCE(claim->state) != state)
			return -ECANCELED;
		ptx_journal_at(&claim->journal, "waiting for what shares its bus");
		msleep(PTX_BUS_POLL_MS);
	}
}

/**
 * ptx_bus_freeze() - nobody looks at what is on any bus, nor changes it
 * @claim: at rest, its journal belongs to the caller: nobody resets its bus
 *
 * For a device that leaves the bus and comes back. Takes the PCI core's rescan lock, so
 * this may take as long as somebody waits for a driver with it. Undone by
 * ptx_bus_thaw().
 */
void ptx_bus_freeze(struct ptx_claim *claim)
{
	ptx_bus_lock_free(claim);
	claim->rest.holder = &ptx_bus_frozen;
	spin_unlock(&ptx_bus_lock);
	pci_lock_rescan_remove();
	mutex_lock(&ptx_bus_mutex);
}

/**
 * ptx_bus_thaw() - undo ptx_bus_freeze()
 * @claim: the claim
 */
void ptx_bus_thaw(struct ptx_claim *claim)
{
	mutex_unlock(&ptx_bus_mutex);
	pci_unlock_rescan_remove();
	spin_lock(&ptx_bus_lock);
	claim->rest.holder = NULL;
	spin_unlock(&ptx_bus_lock);
}
