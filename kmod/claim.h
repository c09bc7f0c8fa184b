/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_CLAIM_H
#define PTX_CLAIM_H

#include <linux/types.h>

struct ptx_claim;

bool ptx_claim_is_busy(struct ptx_claim *claim);
void ptx_claim_start(struct ptx_claim *claim, bool inl);
void ptx_claim_send_home(struct ptx_claim *claim);
bool ptx_claim_retry(struct ptx_claim *claim);

#endif
