/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_PROVIDER_H
#define PTX_PROVIDER_H

#include <linux/types.h>
#include <uapi/linux/ptx.h>

#include "journal.h"

struct ptx_claim;
struct ptx_member;

/**
 * struct ptx_provider - how one kind of members becomes a lease's, and the host's again
 * @take: brings a claim's members to VFIO, step by step in its journal; @claim->fault
 *	says why it could not
 * @detach: takes them from VFIO, and makes them well; as ptx_journal_unwind_step()
 * @give_back: undoes the rest; as ptx_journal_unwind()
 * @is_busy: has VFIO users on one of them, as far as is known
 * @ask_back: asks those for it, not for the first time
 * @may_wait: giving one back may wait for the task that gives it back
 * @describe: adds to what is said of one: its claim's state is filled in already, and
 *	the driver of what is about to be published
 *
 * All but @describe are called by the claim's work, which has its journal; @is_busy and
 * @may_wait by anybody who holds no spinlock.
 */
struct ptx_provider {
	int (*take)(struct ptx_claim *claim);
	enum ptx_undo (*detach)(struct ptx_claim *claim);
	enum ptx_undo (*give_back)(struct ptx_claim *claim);
	bool (*is_busy)(struct ptx_claim *claim);
	void (*ask_back)(struct ptx_claim *claim, unsigned int asked);
	bool (*may_wait)(struct ptx_claim *claim);
	void (*describe)(struct ptx_member *member, struct ptx_member_info *info);
};

#endif
