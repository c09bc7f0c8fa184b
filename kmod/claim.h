/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_CLAIM_H
#define PTX_CLAIM_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>

struct ptx_claim;
struct ptx_lease;
struct ptx_provider;
struct work_struct;

/* The registries, and claims that change hands; see lease.h. */
extern struct mutex ptx_claims_lock;

/* By ptx_device_key(): what claims have. Read under RCU, filled in claim.c. */
extern struct xarray ptx_members;

/* claim.c */
void ptx_claim_link(struct ptx_claim *claim);
void ptx_claim_unlink(struct ptx_claim *claim);
struct ptx_claim *ptx_claim_alloc_made(struct ptx_lease *lease,
				       const struct ptx_provider *provider,
				       const char *name);

/* claim_work.c */
void ptx_claim_work(struct work_struct *work);

void ptx_claim_start(struct ptx_claim *claim, bool inl);
void ptx_claim_send_home(struct ptx_claim *claim);
bool ptx_claim_retry(struct ptx_claim *claim);

#endif
