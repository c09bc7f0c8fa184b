/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_GUARD_H
#define PTX_GUARD_H

#include <linux/types.h>

struct device;
struct pci_dev;
struct ptx_blockers;

#if IS_ENABLED(CONFIG_KUNIT)
u32 ptx_guard_tty(struct device *dev);
#endif
bool ptx_guard_may_override(u32 reason, u32 flags);
void ptx_guard_verdict(struct pci_dev *pdev, u32 flags,
		       struct ptx_blockers *blockers);

#endif
