/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_GRANT_H
#define PTX_GRANT_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <uapi/linux/ptx.h>

#include "catalog.h"

struct ptx_add;
struct ptx_claim;
struct ptx_space;

/**
 * struct ptx_grant - a rule that lets somebody lease something without root
 * @ref: one for the list until it is withdrawn, one per member taken under it, one per
 *	payer
 * @node: in the list
 * @id: never used twice
 * @to_group: it is for a group rather than a user
 * @uid: the user
 * @gid: the group
 * @what: which devices
 * @pooled: and of those, only what the pool has
 * @max_devices: how many may be leased under it at once, or 0
 * @used: how many are
 * @dma_quota: how many bytes may be mapped in the spaces of their leases, or 0
 * @dma_mapped: how many are, where there is a quota; changed by charges alone
 * @revoked: it was withdrawn, and so was everything taken under it
 */
struct ptx_grant {
	struct kref ref;
	struct list_head node;
	u64 id;
	bool to_group;
	kuid_t uid;
	kgid_t gid;
	struct ptx_selector what;
	bool pooled;
	u32 max_devices;
	u32 used;
	u64 dma_quota;
	atomic64_t dma_mapped;
	bool revoked;
};

static inline struct ptx_grant *ptx_grant_get(struct ptx_grant *grant)
{
	kref_get(&grant->ref);
	return grant;
}

void ptx_grant_put(struct ptx_grant *grant);
bool ptx_grant_is_any(void);
int ptx_grants_take(struct ptx_add *add, struct ptx_space *space);
bool ptx_grants_stand(struct ptx_claim *claim);
bool ptx_grants_want_pool(struct ptx_claim *claim);
void ptx_grants_give_back(struct ptx_claim *claim);
int ptx_grant_new(struct ptx_grant *rule, u32 *reason);
bool ptx_grant_withdraw(u64 id, bool revoke);
bool ptx_grant_next(u64 *id, struct ptx_grant *copy);
void ptx_grants_exit(void);

#endif
