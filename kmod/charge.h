/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_CHARGE_H
#define PTX_CHARGE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct ptx_grant;
struct ptx_space;

/**
 * struct ptx_charge - how much a space maps, and against what that counts
 * @lock: a leaf; protects what follows
 * @quota: how many bytes may be mapped, or 0 for any number
 * @bytes: how many are, or are about to be
 * @payers: of struct ptx_payer
 */
struct ptx_charge {
	spinlock_t lock;
	u64 quota;
	u64 bytes;
	struct list_head payers;
};

/**
 * struct ptx_payer - a grant against which all that a space maps counts
 * @node: in the space's payers
 * @space: which; a reference as long as there are members
 * @grant: one that has a quota; a reference
 * @members: how many devices of the space's lease are held under it. When the last is
 *	gone it pays until nothing is mapped
 */
struct ptx_payer {
	struct list_head node;
	struct ptx_space *space;
	struct ptx_grant *grant;
	u32 members;
};

void ptx_charge_init(struct ptx_charge *charge);
int ptx_charge_add(struct ptx_charge *charge, u64 bytes, u32 *reason);
void ptx_charge_drop(struct ptx_charge *charge, u64 bytes);
u64 ptx_charge_bytes(struct ptx_charge *charge, u64 *quota);
bool ptx_charge_fits(struct ptx_charge *charge, u64 quota);
void ptx_charge_set_quota(struct ptx_charge *charge, u64 quota);
struct ptx_payer *ptx_payer_join(struct ptx_space *space, struct ptx_grant *grant,
				 u32 *reason);
void ptx_payer_leave(struct ptx_payer *payer);

#endif
