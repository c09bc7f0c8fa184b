// SPDX-License-Identifier: GPL-2.0-only
/*
 * Revocation: taking a lease away from a VMM that would rather keep it.
 *
 * The lease drains, which asks the VMM for its devices. At the deadline they are
 * cut, whatever it does; from then on it can only delay their way home, by
 * keeping its files open, and at a second deadline its processes are killed, if
 * that was asked for. Nothing here allocates or can fail once it has begun.
 */
#include <linux/cred.h>
#include <linux/jiffies.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "access.h"
#include "claim.h"
#include "domain.h"
#include "events.h"
#include "lease.h"
#include "ptx_main.h"
#include "revoke.h"
#include "vfio_pci.h"

/* How long a cut may take to be made sure of, for who waits for it. */
#define PTX_CUT_WAIT_MS		1000

/* The next claim that is not being cut, referenced, and marked as being. */
static struct ptx_claim *ptx_revoke_next(struct ptx_lease *lease)
{
	struct ptx_claim *claim, *found = NULL;

	spin_lock(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		if (!claim->cutting) {
			claim->cutting = true;
			ptx_claim_get(claim);
			found = claim;
			break;
		}
	spin_unlock(&lease->state_lock);
	return found;
}

/**
 * ptx_revoke_cut_work() - make sure of a cut, and tell
 * @work: a claim's; ptx_revoke_cut() gave it a reference to the claim
 *
 * Each claim has its own, since a VMM can make it wait.
 */
void ptx_revoke_cut_work(struct work_struct *work)
{
	struct ptx_claim *claim = container_of(work, struct ptx_claim, cut_work);
	/* That of the cut: a claim does not change hands meanwhile. */
	struct ptx_lease *lease = ptx_claim_lease(claim);
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (ptx_vfio_cut_end(member))
			ptx_event_member(PTX_EVENT_MEMBER_CUT, member,
					 PTX_REASON_NONE);
	spin_lock(&lease->state_lock);
	claim->cut = true;
	spin_unlock(&lease->state_lock);
	wake_up_all(&lease->wait);
	ptx_lease_put(lease);
	ptx_claim_put(claim);
}

/* Everything at once; what has to wait for a VMM is left to work of its own. */
static void ptx_revoke_cut(struct ptx_lease *lease)
{
	struct ptx_member *member;
	struct ptx_claim *claim;

	while ((claim = ptx_revoke_next(lease))) {
		ptx_for_each_member(member, claim)
			ptx_vfio_cut_begin(member);
		if (ptx_inline || !queue_work(ptx_wq, &claim->cut_work))
			ptx_revoke_cut_work(&claim->cut_work);
	}
	/* What has a space does not rest on bus mastering alone. */
	if (lease->space)
		ptx_domain_cut(lease->space);
}

static bool ptx_revoke_is_cut(struct ptx_lease *lease)
{
	struct ptx_claim *claim;
	bool is = true;

	spin_lock(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		is &= claim->cut;
	spin_unlock(&lease->state_lock);
	return is;
}

/* May it be killed: by anybody who may kill anybody, or if it is the owner's. */
static bool ptx_revoke_may_kill(struct ptx_lease *lease, struct pid *pid)
{
	struct task_struct *task;
	bool may;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	may = task && (lease->revocation.kill_any ||
		       uid_eq(task_uid(task), READ_ONCE(lease->owner)));
	rcu_read_unlock();
	return may;
}

/* Whoever opened a device of the lease; where it is not known, nobody. */
static void ptx_revoke_kill(struct ptx_lease *lease)
{
	struct ptx_member *member;
	struct ptx_claim *claim;

	spin_lock(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		ptx_for_each_member(member, claim)
			if (member->opener &&
			    ptx_revoke_may_kill(lease, member->opener))
				kill_pid(member->opener, SIGKILL, 1);
	spin_unlock(&lease->state_lock);
}

/* Starts the work for what is due next, with a reference; state_lock is held. */
static void ptx_revoke_arm(struct ptx_lease *lease)
{
	struct ptx_revocation *rv = &lease->revocation;
	unsigned long due = rv->cut ? rv->kill_at : rv->cut_at;

	lockdep_assert_held(&lease->state_lock);
	if (lease->settled || (rv->cut && !rv->kill))
		return;
	ptx_lease_get(lease);
	if (mod_delayed_work(ptx_wq, &rv->work,
			     max(0L, (long)(due - jiffies))))
		ptx_lease_put(lease);
}

static void ptx_revoke_work(struct work_struct *work)
{
	struct ptx_lease *lease = container_of(to_delayed_work(work),
					       struct ptx_lease, revocation.work);
	struct ptx_revocation *rv = &lease->revocation;
	bool cut, kill = false;

	spin_lock(&lease->state_lock);
	cut = !rv->cut;
	if (cut)
		rv->cut = true;
	else
		kill = rv->kill && time_after_eq(jiffies, rv->kill_at);
	if (kill)
		rv->kill = false;
	spin_unlock(&lease->state_lock);
	if (cut)
		ptx_revoke_cut(lease);
	if (kill)
		ptx_revoke_kill(lease);
	spin_lock(&lease->state_lock);
	ptx_revoke_arm(lease);
	spin_unlock(&lease->state_lock);
	ptx_lease_put(lease);
}

/**
 * ptx_revoke_init() - prepare a new lease for its revocation
 * @lease: the lease
 */
void ptx_revoke_init(struct ptx_lease *lease)
{
	INIT_DELAYED_WORK(&lease->revocation.work, ptx_revoke_work);
}

/**
 * ptx_revoke_begin() - give a lease's devices back, whether its VMM wants or not
 * @lease: the lease
 * @deadline_ms: how long the VMM may take to let go before they are cut
 * @kill: kill who still has one open then
 * @kill_ms: but not before so much time has passed since the cut was due
 * @reason: on failure, a value of enum ptx_reason
 *
 * Waits for nobody. May be called again; deadlines only come closer.
 *
 * Return: 0, or -ESHUTDOWN when the lease has been released.
 */
int ptx_revoke_begin(struct ptx_lease *lease, u32 deadline_ms, bool kill,
		     u32 kill_ms, u32 *reason)
{
	struct ptx_revocation *rv = &lease->revocation;
	unsigned long cut_at = jiffies + msecs_to_jiffies(deadline_ms);
	unsigned long kill_at = cut_at + msecs_to_jiffies(kill_ms);
	bool over;

	spin_lock(&lease->state_lock);
	over = lease->settled;
	spin_unlock(&lease->state_lock);
	if (over) {
		*reason = PTX_REASON_NOT_ACTIVE;
		return -ESHUTDOWN;
	}
	ptx_lease_drain(lease);
	spin_lock(&lease->state_lock);
	if (!rv->wanted || time_before(cut_at, rv->cut_at))
		rv->cut_at = cut_at;
	if (kill && (!rv->kill || time_before(kill_at, rv->kill_at)))
		rv->kill_at = kill_at;
	rv->kill |= kill;
	rv->kill_any |= kill && ptx_may(PTX_RIGHT_CHANGE);
	rv->wanted = true;
	if (!deadline_ms)
		rv->cut = true;
	spin_unlock(&lease->state_lock);
	if (!deadline_ms)
		ptx_revoke_cut(lease);
	spin_lock(&lease->state_lock);
	ptx_revoke_arm(lease);
	spin_unlock(&lease->state_lock);
	return 0;
}

/**
 * ptx_lease_revoke() - the same, and with no deadline wait for the cut
 * @lease: as for ptx_revoke_begin()
 * @deadline_ms: likewise
 * @kill: likewise
 * @kill_ms: likewise
 * @reason: likewise
 *
 * With no deadline its devices are cut on return, if a call of the VMM that is
 * under way does not take a second and more. Does not wait for them to be home.
 *
 * Return: as ptx_revoke_begin().
 */
int ptx_lease_revoke(struct ptx_lease *lease, u32 deadline_ms, bool kill,
		     u32 kill_ms, u32 *reason)
{
	int ret = ptx_revoke_begin(lease, deadline_ms, kill, kill_ms, reason);

	if (!ret && !deadline_ms)
		wait_event_killable_timeout(lease->wait, ptx_revoke_is_cut(lease),
					    msecs_to_jiffies(PTX_CUT_WAIT_MS));
	return ret;
}

/**
 * ptx_revoke_end() - the lease has settled; there is nothing left to revoke
 * @lease: the lease
 */
void ptx_revoke_end(struct ptx_lease *lease)
{
	if (cancel_delayed_work(&lease->revocation.work))
		ptx_lease_put(lease);
}
