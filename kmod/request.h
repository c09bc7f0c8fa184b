/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_REQUEST_H
#define PTX_REQUEST_H

#include <linux/types.h>

struct ptx_claim;
struct ptx_fault;
struct ptx_lease;

bool ptx_claims_are_home(struct ptx_lease *lease, struct ptx_claim **claims, u32 nr);
int ptx_claims_verdict(struct ptx_claim **claims, u32 nr, struct ptx_fault *fault);
int ptx_home_verdict(struct ptx_lease *lease, long left, struct ptx_fault *fault);

#endif
