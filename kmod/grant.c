// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grants: rules that let a user or a group lease something without root.
 *
 * Whoever may do everything needs none, and is not counted. For everybody else
 * each device of a request, and each that comes along with its group, is taken
 * under a grant that fits it and has room, all or none. A grant with a quota also
 * answers for what the lease maps, so the lease needs a space. A member holds its grant
 * until its claim is gone, so that a grant that was withdrawn can still be found
 * in the leases made under it.
 */
#include <linux/cred.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "charge.h"
#include "grant.h"
#include "lease.h"
#include "revoke.h"

/* More than this is no longer a list of rules. */
#define PTX_GRANTS_MAX	1024

/* Protects the list, and how often each is used. Only charges are below. */
static DEFINE_MUTEX(ptx_grants_lock);
static LIST_HEAD(ptx_grants);
static unsigned int ptx_grants_nr;
static u64 ptx_grant_last_id;

static void ptx_grant_release(struct kref *ref)
{
	kfree(container_of(ref, struct ptx_grant, ref));
}

/**
 * ptx_grant_put() - drop a reference
 * @grant: the grant
 */
void ptx_grant_put(struct ptx_grant *grant)
{
	kref_put(&grant->ref, ptx_grant_release);
}

/* Is it for the calling task? */
static bool ptx_grant_is_for_us(const struct ptx_grant *grant)
{
	return grant->to_group ? in_egroup_p(grant->gid) :
				 uid_eq(current_euid(), grant->uid);
}

static bool ptx_grant_fits(const struct ptx_grant *grant, struct pci_dev *pdev)
{
	return ptx_selector_fits(&grant->what, pdev) &&
	       (!grant->pooled || ptx_device_is_pooled(pdev));
}

/**
 * ptx_grant_is_any() - is there a grant for the calling task at all
 *
 * Return: true if there is, whatever it is for.
 */
bool ptx_grant_is_any(void)
{
	struct ptx_grant *grant;
	bool any = false;

	mutex_lock(&ptx_grants_lock);
	list_for_each_entry(grant, &ptx_grants, node)
		any |= ptx_grant_is_for_us(grant);
	mutex_unlock(&ptx_grants_lock);
	return any;
}

/* Why a grant does not let a lease have one more device, if it does not. */
static u32 ptx_grant_use(struct ptx_grant *grant, struct ptx_member *member,
			 struct ptx_space *space)
{
	u32 reason = PTX_REASON_NO_SPACE;

	if (grant->max_devices && grant->used >= grant->max_devices)
		return PTX_REASON_GRANT_USED_UP;
	if (grant->dma_quota) {
		if (space)
			member->payer = ptx_payer_join(space, grant, &reason);
		if (!member->payer)
			return reason;
	}
	grant->used++;
	member->grant = ptx_grant_get(grant);
	return PTX_REASON_NONE;
}

/* Finds room for one device; why not, if there is none. */
static u32 ptx_grant_take(struct ptx_member *member, struct ptx_space *space)
{
	u32 reason = PTX_REASON_NOT_GRANTED;
	struct ptx_grant *grant;

	lockdep_assert_held(&ptx_grants_lock);
	list_for_each_entry(grant, &ptx_grants, node) {
		if (!ptx_grant_is_for_us(grant) ||
		    !ptx_grant_fits(grant, member->pdev))
			continue;
		reason = ptx_grant_use(grant, member, space);
		if (!reason)
			break;
	}
	return reason;
}

/* Undoes ptx_grant_take(), where it has taken one. */
static void ptx_grants_drop(struct ptx_claim *claim)
{
	struct ptx_member *member;

	lockdep_assert_held(&ptx_grants_lock);
	ptx_for_each_member(member, claim) {
		if (!member->grant)
			continue;
		if (member->payer)
			ptx_payer_leave(member->payer);
		member->payer = NULL;
		member->grant->used--;
		ptx_grant_put(member->grant);
		member->grant = NULL;
	}
}

/**
 * ptx_grants_take() - take every device of a request under a grant
 * @add: the request, by the calling task; its blockers get each device that no
 *	grant lets it have
 * @space: of the lease, or NULL
 *
 * Undone by ptx_grants_give_back() for each of its claims.
 *
 * Return: 0, or -EPERM, and nothing is taken.
 */
int ptx_grants_take(struct ptx_add *add, struct ptx_space *space)
{
	struct ptx_member *member;
	int ret = 0;
	u32 i;

	mutex_lock(&ptx_grants_lock);
	for (i = 0; i < add->nr_claims; i++)
		ptx_for_each_member(member, add->claims[i]) {
			u32 reason = ptx_grant_take(member, space);

			if (!reason)
				continue;
			ptx_blockers_add(add->blockers, reason,
					 member->name, 0);
			ret = -EPERM;
		}
	for (i = 0; ret && i < add->nr_claims; i++)
		ptx_grants_drop(add->claims[i]);
	mutex_unlock(&ptx_grants_lock);
	return ret;
}

/**
 * ptx_grants_stand() - may a claim that was built still be had
 * @claim: the claim; its lease's state_lock is held
 *
 * Whoever revokes a grant looks through the leases afterwards, with this lock.
 *
 * Return: false if a grant was revoked since ptx_grants_take().
 */
bool ptx_grants_stand(struct ptx_claim *claim)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (member->grant && READ_ONCE(member->grant->revoked))
			return false;
	return true;
}

/**
 * ptx_grants_want_pool() - is a claim only to be had from the pool
 * @claim: the claim, its grants taken
 *
 * Return: true if one of its grants is for that alone.
 */
bool ptx_grants_want_pool(struct ptx_claim *claim)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (member->grant && member->grant->pooled)
			return true;
	return false;
}

/**
 * ptx_grants_give_back() - a claim is gone, and with it what it was taken under
 * @claim: the claim
 */
void ptx_grants_give_back(struct ptx_claim *claim)
{
	mutex_lock(&ptx_grants_lock);
	ptx_grants_drop(claim);
	mutex_unlock(&ptx_grants_lock);
}

/**
 * ptx_grant_new() - make a grant
 * @rule: what it says; gets its id
 * @reason: on failure, a value of enum ptx_reason
 *
 * Undone by ptx_grant_withdraw().
 *
 * Return: 0, -E2BIG when there are too many, -ENOMEM.
 */
int ptx_grant_new(struct ptx_grant *rule, u32 *reason)
{
	struct ptx_grant *grant = kmemdup(rule, sizeof(*rule), GFP_KERNEL);
	int ret = 0;

	if (!grant) {
		*reason = PTX_REASON_NO_MEMORY;
		return -ENOMEM;
	}
	kref_init(&grant->ref);
	mutex_lock(&ptx_grants_lock);
	if (ptx_grants_nr == PTX_GRANTS_MAX) {
		ret = -E2BIG;
		*reason = PTX_REASON_LIMIT;
		kfree(grant);
	} else {
		grant->id = rule->id = ++ptx_grant_last_id;
		list_add_tail(&grant->node, &ptx_grants);
		ptx_grants_nr++;
	}
	mutex_unlock(&ptx_grants_lock);
	return ret;
}

/* Is a device of the lease held under the grant? */
static bool ptx_grant_is_in(const struct ptx_grant *grant, struct ptx_lease *lease)
{
	struct ptx_member *member;
	struct ptx_claim *claim;
	bool is = false;

	spin_lock(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		ptx_for_each_member(member, claim)
			is |= READ_ONCE(member->grant) == grant;
	spin_unlock(&lease->state_lock);
	return is;
}

/**
 * ptx_grant_withdraw() - take a grant back
 * @id: which
 * @revoke: also take away, at once, every lease with a device held under it;
 *	each of many may have a VMM that keeps us waiting, so nobody is waited for
 *
 * Return: false if there is none of that id.
 */
bool ptx_grant_withdraw(u64 id, bool revoke)
{
	struct ptx_grant *grant, *found = NULL;
	struct ptx_lease *lease;
	u64 next = 0;
	u32 reason;

	mutex_lock(&ptx_grants_lock);
	list_for_each_entry(grant, &ptx_grants, node)
		if (grant->id == id)
			found = grant;
	if (found) {
		list_del(&found->node);
		ptx_grants_nr--;
		WRITE_ONCE(found->revoked, revoke);
	}
	mutex_unlock(&ptx_grants_lock);
	if (!found)
		return false;
	for (; revoke && (lease = ptx_lease_next(&next)); next++) {
		if (ptx_grant_is_in(found, lease))
			ptx_revoke_begin(lease, 0, false, 0, &reason);
		ptx_lease_put(lease);
	}
	ptx_grant_put(found);
	return true;
}

/**
 * ptx_grant_next() - walk over all grants
 * @id: the lowest id to consider; set to that of the one found
 * @copy: filled in; it is a copy, and refers to nothing
 *
 * Return: false at the end.
 */
bool ptx_grant_next(u64 *id, struct ptx_grant *copy)
{
	struct ptx_grant *grant;
	bool found = false;

	mutex_lock(&ptx_grants_lock);
	list_for_each_entry(grant, &ptx_grants, node)
		if (grant->id >= *id) {
			*copy = *grant;
			*id = grant->id;
			found = true;
			break;
		}
	mutex_unlock(&ptx_grants_lock);
	return found;
}

/* Everything that was taken under them is gone by now. */
void ptx_grants_exit(void)
{
	struct ptx_grant *grant, *next;

	list_for_each_entry_safe(grant, next, &ptx_grants, node) {
		list_del(&grant->node);
		ptx_grant_put(grant);
	}
}
