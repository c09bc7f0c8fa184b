// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases: their registry, their states, and how they end.
 *
 * ptx_leases_lock protects the registry; the locks of a lease stand on its
 * struct.
 */
#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/module.h>
#include <linux/nls.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <linux/xarray.h>
#include <kunit/visibility.h>

#include "access.h"
#include "bond.h"
#include "bus.h"
#include "claim.h"
#include "events.h"
#include "lease.h"
#include "pool.h"
#include "provider.h"
#include "ptx_main.h"
#include "request.h"
#include "revoke.h"
#include "space.h"

/* Names and ids are everybody's; nobody may use them up. */
#define PTX_LEASES_PER_USER	64

static DEFINE_MUTEX(ptx_leases_lock);
static DEFINE_XARRAY(ptx_leases);
static DEFINE_HASHTABLE(ptx_lease_names, 8);
static u64 ptx_lease_last_id;

static void ptx_lease_free_work(struct work_struct *work)
{
	struct ptx_lease *lease = container_of(work, struct ptx_lease, free_work);

	ptx_bond_untie(&lease->bond);
	put_pid(lease->only);
	if (lease->space)
		ptx_space_put(lease->space);
	mutex_destroy(&lease->lock);
	kfree_rcu(lease, rcu);
}

static void ptx_lease_last_put(struct kref *ref)
{
	struct ptx_lease *lease = container_of(ref, struct ptx_lease, ref);

	WARN_ON(!list_empty(&lease->claims));
	queue_work(ptx_wq, &lease->free_work);
}

/**
 * ptx_lease_put() - drop a reference
 * @lease: the lease
 *
 * May be called under any lock.
 */
void ptx_lease_put(struct ptx_lease *lease)
{
	kref_put(&lease->ref, ptx_lease_last_put);
}

/* Names go to terminals, logs and other programs: printable UTF-8 only. */
VISIBLE_IF_KUNIT bool ptx_lease_name_valid(const char *name, size_t len)
{
	size_t at = 0;

	if (!len || len > PTX_LEASE_NAME_MAX)
		return false;
	while (at < len) {
		unicode_t code;
		int step = utf8_to_utf32(name + at, len - at, &code);

		/* The decoder of the kernel takes a lone zero, and surrogates. */
		if (step <= 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) ||
		    (code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
			return false;
		at += step;
	}
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_lease_name_valid);

static struct ptx_lease *ptx_lease_lookup_name(const char *name)
{
	u32 hash = full_name_hash(NULL, name, strlen(name));
	struct ptx_lease *lease;

	lockdep_assert_held(&ptx_leases_lock);
	hash_for_each_possible(ptx_lease_names, lease, by_name, hash)
		if (!strcmp(lease->name, name))
			return lease;
	return NULL;
}

/**
 * ptx_lease_find() - find a lease by id
 * @id: the id
 *
 * Undone by ptx_lease_put().
 *
 * Return: the lease, referenced, or NULL.
 */
struct ptx_lease *ptx_lease_find(u64 id)
{
	struct ptx_lease *lease;

	mutex_lock(&ptx_leases_lock);
	lease = xa_load(&ptx_leases, id);
	if (lease)
		ptx_lease_get(lease);
	mutex_unlock(&ptx_leases_lock);
	return lease;
}

/**
 * ptx_lease_find_name() - find a live lease by name
 * @name: NUL-terminated
 *
 * Undone by ptx_lease_put().
 *
 * Return: the lease, referenced, or NULL.
 */
struct ptx_lease *ptx_lease_find_name(const char *name)
{
	struct ptx_lease *lease;

	mutex_lock(&ptx_leases_lock);
	lease = ptx_lease_lookup_name(name);
	if (lease)
		ptx_lease_get(lease);
	mutex_unlock(&ptx_leases_lock);
	return lease;
}

/**
 * ptx_lease_next() - walk over all leases
 * @id: the lowest id to consider; set to that of the one returned
 *
 * Undone by ptx_lease_put().
 *
 * Return: the lease, referenced, or NULL at the end.
 */
struct ptx_lease *ptx_lease_next(u64 *id)
{
	unsigned long index = *id;
	struct ptx_lease *lease;

	mutex_lock(&ptx_leases_lock);
	lease = xa_find(&ptx_leases, &index, ULONG_MAX, XA_PRESENT);
	if (lease) {
		ptx_lease_get(lease);
		*id = index;
	}
	mutex_unlock(&ptx_leases_lock);
	return lease;
}

/**
 * ptx_lease_settle() - end the lease if it is draining and holds nothing more
 * @lease: the lease
 */
void ptx_lease_settle(struct ptx_lease *lease)
{
	bool settles;

	mutex_lock(&ptx_leases_lock);
	spin_lock(&lease->state_lock);
	settles = lease->state == PTX_LEASE_STATE_DRAINING && !lease->settled &&
		  list_empty(&lease->claims);
	if (settles)
		lease->settled = true;
	spin_unlock(&lease->state_lock);
	if (settles) {
		xa_erase(&ptx_leases, lease->id);
		hash_del(&lease->by_name);
	}
	mutex_unlock(&ptx_leases_lock);
	if (!settles)
		return;

	ptx_revoke_end(lease);
	if (lease->space)
		ptx_space_end(lease->space);
	ptx_event_lease(PTX_EVENT_LEASE_RELEASED, lease, lease->fault.reason);
	/*
	 * Whoever sees that it is released must neither find it any more nor
	 * find the module in use. Our text outlives this: we run in a worker,
	 * which is waited for at exit, or for a file or a message that is.
	 */
	module_put(THIS_MODULE);
	spin_lock(&lease->state_lock);
	lease->state = PTX_LEASE_STATE_RELEASED;
	spin_unlock(&lease->state_lock);
	wake_up_all(&lease->wait);
	ptx_lease_put(lease);
}

static void ptx_lease_kick_as(struct ptx_lease *lease, bool inl)
{
	struct ptx_claim *claim;
	bool found;

	do {
		found = false;
		spin_lock(&lease->state_lock);
		list_for_each_entry(claim, &lease->claims, node)
			if (claim->kick) {
				claim->kick = false;
				ptx_claim_get(claim);
				found = true;
				break;
			}
		spin_unlock(&lease->state_lock);
		if (found) {
			struct ptx_member *member;

			ptx_for_each_member(member, claim)
				ptx_event_member(PTX_EVENT_MEMBER_DRAINING,
						 member, PTX_REASON_NONE);
			/* A task that waited for its own VFIO files would hang. */
			ptx_claim_start(claim, inl && !claim->provider->may_wait(claim));
			ptx_claim_put(claim);
		}
	} while (found);
}

/**
 * ptx_lease_kick() - start every claim that was sent home
 * @lease: the lease; the caller holds no spinlock
 */
void ptx_lease_kick(struct ptx_lease *lease)
{
	ptx_lease_kick_as(lease, ptx_inline);
}

/**
 * ptx_lease_drain() - send everything home and take nothing new
 * @lease: the lease
 *
 * Does not wait for a device. May be called by anybody who may sleep, any
 * number of times.
 */
void ptx_lease_drain(struct ptx_lease *lease)
{
	struct ptx_claim *claim;
	bool begins;

	spin_lock(&lease->state_lock);
	begins = ptx_lease_open_for_business(lease);
	if (begins)
		lease->state = PTX_LEASE_STATE_DRAINING;
	list_for_each_entry(claim, &lease->claims, node)
		ptx_claim_send_home(claim);
	spin_unlock(&lease->state_lock);
	if (!begins)
		return;
	ptx_event_lease(PTX_EVENT_LEASE_DRAINING, lease, PTX_REASON_NONE);
	wake_up_all(&lease->wait);
	ptx_lease_kick(lease);
	ptx_lease_settle(lease);
}

/**
 * ptx_lease_setup() - prepare an empty lease, which no registry has yet
 * @lease: zeroed
 */
void ptx_lease_setup(struct ptx_lease *lease)
{
	kref_init(&lease->ref);
	mutex_init(&lease->lock);
	spin_lock_init(&lease->state_lock);
	INIT_LIST_HEAD(&lease->claims);
	init_waitqueue_head(&lease->wait);
	INIT_WORK(&lease->free_work, ptx_lease_free_work);
	ptx_revoke_init(lease);
	INIT_HLIST_NODE(&lease->by_name);
}

/* Has somebody as many as one may have who needs a grant for them? */
static bool ptx_leases_full(kuid_t owner)
{
	struct ptx_lease *lease;
	unsigned int nr = 0;
	unsigned long id;

	lockdep_assert_held(&ptx_leases_lock);
	xa_for_each(&ptx_leases, id, lease)
		nr += uid_eq(READ_ONCE(lease->owner), owner);
	return nr >= PTX_LEASES_PER_USER;
}

/**
 * ptx_lease_create() - make an empty lease
 * @name: not necessarily terminated
 * @len: its length in bytes
 * @owner: who may open its devices
 * @persistent: it is not owned by a file
 * @space: it has a DMA space
 * @pidfd: the process to end with, or NULL; a reference is taken
 * @reason: on failure, a value of enum ptx_reason
 *
 * Undone by ptx_lease_drain(), and ptx_lease_put() for the reference returned.
 *
 * Return: the lease, or -EINVAL for a bad name or pidfd, -EEXIST, -ESRCH,
 * -E2BIG when the caller has too many, -ESHUTDOWN, -ENOMEM.
 */
struct ptx_lease *ptx_lease_create(const char *name, size_t len, kuid_t owner,
				   bool persistent, bool space, struct file *pidfd,
				   u32 *reason)
{
	struct ptx_lease *lease;
	int ret;

	if (!ptx_lease_name_valid(name, len)) {
		*reason = PTX_REASON_BAD_NAME;
		return ERR_PTR(-EINVAL);
	}
	lease = kzalloc(sizeof(*lease), GFP_KERNEL);
	if (!lease) {
		*reason = PTX_REASON_NO_MEMORY;
		return ERR_PTR(-ENOMEM);
	}
	ptx_lease_setup(lease);
	memcpy(lease->name, name, len);
	lease->owner = owner;
	lease->persistent = persistent;
	lease->created = ktime_get();
	if (space) {
		lease->space = ptx_space_alloc();
		if (!lease->space) {
			*reason = PTX_REASON_NO_MEMORY;
			ptx_lease_put(lease);
			return ERR_PTR(-ENOMEM);
		}
	}

	mutex_lock(&ptx_leases_lock);
	/* A message may come while the module is on its way out. */
	if (ptx_going_down() || !try_module_get(THIS_MODULE)) {
		*reason = PTX_REASON_SHUTDOWN;
		ret = -ESHUTDOWN;
		goto out_unlock;
	}
	if (ptx_lease_lookup_name(lease->name)) {
		*reason = PTX_REASON_NAME_TAKEN;
		ret = -EEXIST;
	} else if (!ptx_may(PTX_RIGHT_CHANGE) && ptx_leases_full(owner)) {
		*reason = PTX_REASON_LIMIT;
		ret = -E2BIG;
	} else {
		lease->id = ptx_lease_last_id + 1;
		ret = xa_insert(&ptx_leases, lease->id, lease, GFP_KERNEL);
		if (ret)
			*reason = PTX_REASON_NO_MEMORY;
	}
	if (!ret) {
		ptx_lease_last_id = lease->id;
		hash_add(ptx_lease_names, &lease->by_name,
			 full_name_hash(NULL, lease->name, strlen(lease->name)));
		/* The registry's, dropped by ptx_lease_settle(). */
		ptx_lease_get(lease);
	} else {
		module_put(THIS_MODULE);
	}
out_unlock:
	mutex_unlock(&ptx_leases_lock);
	if (ret) {
		ptx_lease_put(lease);
		return ERR_PTR(ret);
	}

	ptx_event_lease(PTX_EVENT_LEASE_NEW, lease, PTX_REASON_NONE);
	if (pidfd) {
		/* From here on the process's exit may drain it at any time. */
		ret = ptx_bond_tie(&lease->bond, pidfd);
		if (ret) {
			*reason = PTX_REASON_BAD_PROCESS;
			ptx_lease_drain(lease);
			ptx_lease_put(lease);
			return ERR_PTR(ret);
		}
	}
	return lease;
}

/**
 * ptx_lease_process() - the process whose alone a lease is
 * @lease: the lease
 *
 * Undone by put_pid().
 *
 * Return: the process that, with its descendants, may open its devices; NULL if any
 * of its owner's may.
 */
struct pid *ptx_lease_process(struct ptx_lease *lease)
{
	struct pid *pid;

	spin_lock(&lease->state_lock);
	pid = get_pid(lease->only ?: lease->bond.pid);
	spin_unlock(&lease->state_lock);
	return pid;
}

/**
 * ptx_lease_restrict() - change who may open a lease's devices, and how many it holds
 * @lease: the lease
 * @what: to what
 * @reason: on failure, a value of enum ptx_reason
 *
 * For what comes: what is open stays open, and what it holds it keeps.
 *
 * Return: 0, or -ESHUTDOWN when the lease is draining or released.
 */
int ptx_lease_restrict(struct ptx_lease *lease, const struct ptx_restriction *what,
		       u32 *reason)
{
	struct ptx_claim **claims;
	struct ptx_member *member;
	struct pid *old = NULL;
	bool open;
	u32 i, nr;

	spin_lock(&lease->state_lock);
	open = ptx_lease_open_for_business(lease);
	if (open && what->has_owner)
		WRITE_ONCE(lease->owner, what->owner);
	if (open && what->has_process) {
		old = lease->only;
		lease->only = get_pid(what->process);
	}
	if (open && what->has_max)
		lease->max_devices = what->max_devices;
	spin_unlock(&lease->state_lock);
	put_pid(old);
	if (!open) {
		*reason = PTX_REASON_NOT_ACTIVE;
		return -ESHUTDOWN;
	}
	ptx_event_lease(PTX_EVENT_LEASE_RESTRICTED, lease, PTX_REASON_NONE);
	/* The files of its devices are another's now: udev's to see to. */
	claims = what->has_owner ? ptx_lease_claims(lease, &nr) : NULL;
	if (!IS_ERR_OR_NULL(claims)) {
		for (i = 0; i < nr; i++)
			ptx_for_each_member(member, claims[i])
				if (member->pdev)
					kobject_uevent(&member->pdev->dev.kobj, KOBJ_CHANGE);
		ptx_lease_put_claims(claims, nr);
	}
	return 0;
}

/**
 * ptx_lease_release() - give everything back and end the lease
 * @lease: the lease
 * @timeout_ms: how long to wait for it
 * @fault: why it failed
 *
 * Return: 0, -ETIMEDOUT, -EINTR, -EIO when a native driver refused.
 */
int ptx_lease_release(struct ptx_lease *lease, u32 timeout_ms,
		      struct ptx_fault *fault)
{
	long left;
	int ret;

	ptx_lease_drain(lease);
	left = wait_event_killable_timeout(lease->wait,
			READ_ONCE(lease->state) == PTX_LEASE_STATE_RELEASED,
			max(1UL, msecs_to_jiffies(timeout_ms)));
	ret = ptx_home_verdict(lease, left, fault);
	if (!ret && lease->fault.reason) {
		*fault = lease->fault;
		ret = -EIO;
	}
	return ret;
}

/**
 * ptx_lease_lose() - a device has left the bus, maybe with its claim
 * @member: what it was
 */
void ptx_lease_lose(struct ptx_member *member)
{
	struct ptx_member *other;
	struct ptx_lease *lease;
	bool all_gone = true;

	WRITE_ONCE(member->leaving, true);
	lease = ptx_claim_lock(member->claim);
	WRITE_ONCE(member->gone, true);
	ptx_for_each_member(other, member->claim)
		all_gone &= other->gone;
	/* What is left of a group is not what the pool was given. */
	if (all_gone || ptx_pool_is(lease))
		ptx_claim_send_home(member->claim);
	ptx_lease_get(lease);
	ptx_claim_unlock(lease);
	ptx_claim_forget(member);
	ptx_event_member(PTX_EVENT_MEMBER_GONE, member, PTX_REASON_GONE);
	wake_up_all(&lease->wait);
	/* What is left is reset, which waits for the lock that we are under. */
	ptx_lease_kick_as(lease, ptx_inline && all_gone);
	/* Out of quarantine: there is nothing left to make well. */
	if (all_gone)
		ptx_claim_retry(member->claim);
	ptx_lease_put(lease);
}

/* A driver is being tried on a device, or it leaves the bus. */
static int ptx_lease_bus_event(struct notifier_block *nb, unsigned long action,
			       void *data)
{
	struct pci_dev *pdev = to_pci_dev((struct device *)data);
	struct ptx_member *member;

	if (action != BUS_NOTIFY_BIND_DRIVER && action != BUS_NOTIFY_DEL_DEVICE &&
	    action != BUS_NOTIFY_REMOVED_DEVICE)
		return NOTIFY_DONE;
	member = ptx_member_get(pdev);
	if (!member)
		return NOTIFY_DONE;
	if (action == BUS_NOTIFY_BIND_DRIVER)
		WRITE_ONCE(member->probed, true);
	else if (ptx_member_moves(pdev))
		goto out_put;
	if (action == BUS_NOTIFY_DEL_DEVICE) {
		WRITE_ONCE(member->leaving, true);
		ptx_bus_wait_to_leave(member->claim);
	} else if (action == BUS_NOTIFY_REMOVED_DEVICE) {
		ptx_lease_lose(member);
	}
out_put:
	ptx_member_put(member);
	return NOTIFY_OK;
}

/**
 * ptx_lease_claims() - list the claims of a lease
 * @lease: the lease
 * @nr: gets their number
 *
 * Undone by ptx_lease_put_claims().
 *
 * Return: an array of referenced claims, or -ENOMEM.
 */
struct ptx_claim **ptx_lease_claims(struct ptx_lease *lease, u32 *nr)
{
	struct ptx_claim **claims, *claim;
	u32 room = 0, n = 0;

	spin_lock(&lease->state_lock);
	room = list_count_nodes(&lease->claims);
	spin_unlock(&lease->state_lock);
	do {
		/* One more than needed, so that the array is never empty. */
		claims = kmalloc_array(room + 1, sizeof(*claims), GFP_KERNEL);
		if (!claims)
			return ERR_PTR(-ENOMEM);
		n = 0;
		spin_lock(&lease->state_lock);
		list_for_each_entry(claim, &lease->claims, node) {
			if (n < room) {
				ptx_claim_get(claim);
				claims[n] = claim;
			}
			n++;
		}
		spin_unlock(&lease->state_lock);
		if (n > room) {
			ptx_lease_put_claims(claims, room);
			room = n;
			claims = NULL;
		}
	} while (!claims);
	*nr = n;
	return claims;
}

/**
 * ptx_lease_put_claims() - undo ptx_lease_claims()
 * @claims: the array
 * @nr: its length
 */
void ptx_lease_put_claims(struct ptx_claim **claims, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		ptx_claim_put(claims[i]);
	kfree(claims);
}

static struct notifier_block ptx_lease_bus_nb = {
	.notifier_call = ptx_lease_bus_event,
};

/**
 * ptx_leases_quiesce() - the host goes down: stop DMA, let nobody wait
 */
void ptx_leases_quiesce(void)
{
	struct ptx_lease *lease;
	unsigned long id;

	ptx_claim_quiesce_all();
	mutex_lock(&ptx_leases_lock);
	xa_for_each(&ptx_leases, id, lease)
		wake_up_all(&lease->wait);
	mutex_unlock(&ptx_leases_lock);
	lease = ptx_pool_get();
	wake_up_all(&lease->wait);
	ptx_lease_put(lease);
}

/*
 * Ids go on where they stopped also when the module is loaded again: they start
 * at the time since boot in milliseconds, and unloading waits in the unlikely
 * case that more leases than milliseconds have gone by.
 */
int ptx_lease_init(void)
{
	ptx_lease_last_id = ktime_to_ms(ktime_get_boottime());
	return bus_register_notifier(&pci_bus_type, &ptx_lease_bus_nb);
}

void ptx_lease_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &ptx_lease_bus_nb);
	WARN_ON(!xa_empty(&ptx_leases));
	while (ktime_to_ms(ktime_get_boottime()) <= ptx_lease_last_id)
		fsleep(1000);
}
