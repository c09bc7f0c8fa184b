/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_RESET_PROOF_H
#define PTX_RESET_PROOF_H

#include <linux/ktime.h>
#include <linux/pci.h>

struct ptx_member;
struct ptx_reset_face;
struct ptx_reset_plan;

bool ptx_reset_answers(struct pci_dev *pdev);
bool ptx_reset_await(struct ptx_member *member, ktime_t deadline);
bool ptx_reset_leaves(const struct ptx_member *member);
bool ptx_reset_is_over(const struct ptx_member *member);
void ptx_reset_look(struct pci_dev *pdev, struct ptx_reset_face *face);
bool ptx_reset_has_bars(struct pci_dev *pdev, struct pci_dev *before);
int ptx_reset_prove(struct ptx_member *member, const struct ptx_reset_plan *plan,
		    const struct ptx_reset_face *face, void __iomem *regs);

#endif
