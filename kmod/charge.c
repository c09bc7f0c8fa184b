// SPDX-License-Identifier: GPL-2.0-only
/*
 * Charges: how much a space maps, against its quota and the quotas of the grants that
 * the devices of its lease are held under. A grant pays for all of the space, whatever
 * its devices reach: they share it.
 */
#include <kunit/visibility.h>
#include <linux/slab.h>

#include "charge.h"
#include "grant.h"
#include "space.h"

/**
 * ptx_charge_init() - nothing is mapped, and anything may be
 * @charge: of a new space
 */
void ptx_charge_init(struct ptx_charge *charge)
{
	spin_lock_init(&charge->lock);
	INIT_LIST_HEAD(&charge->payers);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_charge_init);

/* Grants are shared by spaces: no lock of one of them will do. */
static bool ptx_grant_charge(struct ptx_grant *grant, u64 bytes)
{
	s64 mapped = atomic64_read(&grant->dma_mapped);

	do {
		if (bytes > grant->dma_quota - mapped)
			return false;
	} while (!atomic64_try_cmpxchg(&grant->dma_mapped, &mapped, mapped + bytes));
	return true;
}

/**
 * ptx_charge_add() - so much is to be mapped
 * @charge: of the space
 * @bytes: so much more
 * @reason: on failure, a value of enum ptx_reason
 *
 * Undone by ptx_charge_drop().
 *
 * Return: 0, or -EDQUOT.
 */
int ptx_charge_add(struct ptx_charge *charge, u64 bytes, u32 *reason)
{
	struct ptx_payer *payer;

	spin_lock(&charge->lock);
	/* A quota is never lower than what is mapped. */
	if (charge->quota && bytes > charge->quota - charge->bytes) {
		spin_unlock(&charge->lock);
		*reason = PTX_REASON_DMA_QUOTA;
		return -EDQUOT;
	}
	list_for_each_entry(payer, &charge->payers, node)
		if (!ptx_grant_charge(payer->grant, bytes))
			goto err_drop;
	charge->bytes += bytes;
	spin_unlock(&charge->lock);
	return 0;

err_drop:
	list_for_each_entry_continue_reverse(payer, &charge->payers, node)
		atomic64_sub(bytes, &payer->grant->dma_mapped);
	spin_unlock(&charge->lock);
	*reason = PTX_REASON_DMA_GRANT;
	return -EDQUOT;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_charge_add);

/* Those whose last device has gone, once there is nothing to pay for. */
static void ptx_charge_dismiss(struct ptx_charge *charge, struct list_head *gone)
{
	struct ptx_payer *payer, *next;

	lockdep_assert_held(&charge->lock);
	list_for_each_entry_safe(payer, next, &charge->payers, node)
		if (!charge->bytes && !payer->members)
			list_move(&payer->node, gone);
}

static void ptx_payers_free(struct list_head *gone)
{
	struct ptx_payer *payer, *next;

	list_for_each_entry_safe(payer, next, gone, node) {
		ptx_grant_put(payer->grant);
		kfree(payer);
	}
}

/**
 * ptx_charge_drop() - so much is mapped no more, or is not going to be
 * @charge: of the space
 * @bytes: so much less
 */
void ptx_charge_drop(struct ptx_charge *charge, u64 bytes)
{
	struct ptx_payer *payer;
	LIST_HEAD(gone);

	spin_lock(&charge->lock);
	charge->bytes -= bytes;
	list_for_each_entry(payer, &charge->payers, node)
		atomic64_sub(bytes, &payer->grant->dma_mapped);
	ptx_charge_dismiss(charge, &gone);
	spin_unlock(&charge->lock);
	ptx_payers_free(&gone);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_charge_drop);

/**
 * ptx_charge_bytes() - how much is mapped
 * @charge: of the space
 * @quota: gets how much may be, or 0
 *
 * Return: bytes.
 */
u64 ptx_charge_bytes(struct ptx_charge *charge, u64 *quota)
{
	u64 bytes;

	spin_lock(&charge->lock);
	bytes = charge->bytes;
	*quota = charge->quota;
	spin_unlock(&charge->lock);
	return bytes;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_charge_bytes);

/**
 * ptx_charge_fits() - is no more mapped than a quota allows
 * @charge: of the space, which is locked, so that no more will be
 * @quota: bytes, or 0 for any number
 *
 * Return: true if ptx_charge_set_quota() may be called.
 */
bool ptx_charge_fits(struct ptx_charge *charge, u64 quota)
{
	u64 old;

	return !quota || ptx_charge_bytes(charge, &old) <= quota;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_charge_fits);

/**
 * ptx_charge_set_quota() - say how much may be mapped
 * @charge: of the space, which is locked
 * @quota: bytes, or 0 for any number; what is mapped fits
 */
void ptx_charge_set_quota(struct ptx_charge *charge, u64 quota)
{
	spin_lock(&charge->lock);
	WARN_ON_ONCE(quota && charge->bytes > quota);
	charge->quota = quota;
	spin_unlock(&charge->lock);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_charge_set_quota);

static struct ptx_payer *ptx_payer_find(struct ptx_charge *charge, struct ptx_grant *grant)
{
	struct ptx_payer *payer;

	lockdep_assert_held(&charge->lock);
	list_for_each_entry(payer, &charge->payers, node)
		if (payer->grant == grant)
			return payer;
	return NULL;
}

/**
 * ptx_payer_join() - a grant pays for what a space maps, for one more device
 * @space: of the lease that the device is added to
 * @grant: has a quota
 * @reason: on failure, a value of enum ptx_reason
 *
 * Undone by ptx_payer_leave().
 *
 * Return: the payer; NULL if the grant has no room for what is mapped, or without memory.
 */
struct ptx_payer *ptx_payer_join(struct ptx_space *space, struct ptx_grant *grant,
				 u32 *reason)
{
	struct ptx_charge *charge = &space->charge;
	struct ptx_payer *payer, *made;

	made = kzalloc(sizeof(*made), GFP_KERNEL_ACCOUNT);
	if (!made) {
		*reason = PTX_REASON_NO_MEMORY;
		return NULL;
	}
	made->space = space;
	made->grant = ptx_grant_get(grant);
	spin_lock(&charge->lock);
	payer = ptx_payer_find(charge, grant);
	if (!payer && ptx_grant_charge(grant, charge->bytes)) {
		payer = made;
		made = NULL;
		list_add_tail(&payer->node, &charge->payers);
	}
	if (payer && !payer->members++)
		ptx_space_get(space);
	spin_unlock(&charge->lock);
	if (made) {
		ptx_grant_put(made->grant);
		kfree(made);
	}
	if (!payer)
		*reason = PTX_REASON_DMA_GRANT;
	return payer;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_payer_join);

/**
 * ptx_payer_leave() - undo ptx_payer_join(), for one device
 * @payer: the payer. What is mapped without a device counts on until it is not
 */
void ptx_payer_leave(struct ptx_payer *payer)
{
	struct ptx_space *space = payer->space;
	struct ptx_charge *charge = &space->charge;
	LIST_HEAD(gone);
	bool last;

	spin_lock(&charge->lock);
	last = !--payer->members;
	ptx_charge_dismiss(charge, &gone);
	spin_unlock(&charge->lock);
	ptx_payers_free(&gone);
	if (last)
		ptx_space_put(space);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_payer_leave);
