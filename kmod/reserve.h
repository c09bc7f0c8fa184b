/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_RESERVE_H
#define PTX_RESERVE_H

#include <linux/list.h>
#include <linux/types.h>

#include "catalog.h"

/**
 * struct ptx_reserve - a rule that keeps new devices for the pool
 * @node: in the list
 * @id: never used twice
 * @what: which devices
 */
struct ptx_reserve {
	struct list_head node;
	u64 id;
	struct ptx_selector what;
};

int ptx_reserve_new(struct ptx_reserve *rule, u32 *reason);
bool ptx_reserve_del(u64 id);
bool ptx_reserve_next(u64 *id, struct ptx_reserve *copy);
int ptx_reserve_init(void);
void ptx_reserve_exit(void);

#endif
