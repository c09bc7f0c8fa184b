/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_BATCH_H
#define PTX_BATCH_H

#include <linux/types.h>
#include <uapi/linux/ptx.h>

struct ptx_space;

/**
 * struct ptx_batch - changes of a space that happen together
 * @ops: what is asked for
 * @nr: their number
 * @container: through which of the VFIO containers, or 0
 * @bars: which of them map a device's BAR, that does not count as locked memory; NULL
 *	where that was not asked
 * @unmapped: how many bytes were, in the end
 * @op: on failure, which of them is at fault
 * @reason: and why, a value of enum ptx_reason
 */
struct ptx_batch {
	const struct ptx_space_op *ops;
	u32 nr;
	u32 container;
	unsigned long *bars;
	u64 unmapped;
	u32 op;
	u32 reason;
};

int ptx_space_change(struct ptx_space *space, struct ptx_batch *batch);

#endif
