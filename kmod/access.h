/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_ACCESS_H
#define PTX_ACCESS_H

#include <linux/types.h>

struct ptx_lease;
struct sk_buff;

/**
 * enum ptx_right - what an entry point asks of its caller
 * @PTX_RIGHT_ANY: nothing; reading devices and what the kernel can do
 * @PTX_RIGHT_HOLD: holding the lease file is enough
 * @PTX_RIGHT_LEASE: PTX_RIGHT_CHANGE, or a grant; what it covers is seen later
 * @PTX_RIGHT_CHANGE: CAP_SYS_ADMIN in the initial user namespace
 * @PTX_RIGHT_FORCE: the same; never granted to anybody else
 */
enum ptx_right {
	PTX_RIGHT_ANY,
	PTX_RIGHT_HOLD,
	PTX_RIGHT_LEASE,
	PTX_RIGHT_CHANGE,
	PTX_RIGHT_FORCE,
};

bool ptx_may(enum ptx_right right);
bool ptx_may_message(struct sk_buff *skb, enum ptx_right right);
bool ptx_may_see(struct sk_buff *skb, struct ptx_lease *lease);
bool ptx_may_open(struct ptx_lease *lease);

#endif
