/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_MDEV_H
#define PTX_MDEV_H

#include <linux/types.h>

struct ptx_add;
struct ptx_claim;
struct ptx_lease;

/* What a request says instead of an address: PARENT/TYPE, or PARENT/TYPE/UUID. */
#define PTX_MDEV_PREFIX	"vgpu:"

bool ptx_mdev_is_name(const char *name);
struct ptx_claim *ptx_mdev_claim(struct ptx_lease *lease, struct ptx_add *add,
				 const char *name);

#endif
