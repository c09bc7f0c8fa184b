/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_SCRUB_H
#define PTX_SCRUB_H

#include <linux/types.h>

struct ptx_member;
struct ptx_reset_plan;

bool ptx_scrub_is_vain(const struct ptx_reset_plan *plan);
int ptx_scrub(struct ptx_member *member, const struct ptx_reset_plan *plan);

#endif
