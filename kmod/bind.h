/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_BIND_H
#define PTX_BIND_H

#include <linux/pci.h>

#include "journal.h"

struct ptx_claim;

int ptx_bind_reserve(struct pci_dev *pdev);
int ptx_bind_unreserve(struct pci_dev *pdev, unsigned long key);
void ptx_bind_forget(struct pci_dev *pdev, unsigned long key);
enum ptx_undo ptx_bind_detach(struct ptx_claim *claim);
enum ptx_undo ptx_bind_return(struct ptx_claim *claim);
int ptx_bind_take(struct ptx_claim *claim);
void ptx_bind_override(struct pci_dev *pdev, const char *name);
size_t ptx_bind_driver_name(struct pci_dev *pdev, char *buf, size_t size);

#endif
