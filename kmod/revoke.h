/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_REVOKE_H
#define PTX_REVOKE_H

#include <linux/types.h>

struct ptx_lease;
struct work_struct;

void ptx_revoke_init(struct ptx_lease *lease);
int ptx_revoke_begin(struct ptx_lease *lease, u32 deadline_ms, bool kill,
		     u32 kill_ms, u32 *reason);
int ptx_lease_revoke(struct ptx_lease *lease, u32 deadline_ms, bool kill,
		     u32 kill_ms, u32 *reason);
void ptx_revoke_cut_work(struct work_struct *work);
void ptx_revoke_end(struct ptx_lease *lease);

#endif
