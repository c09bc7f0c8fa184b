/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_BIND_H
#define PTX_BIND_H

#include <linux/pci.h>

struct ptx_claim;

int ptx_bind_take(struct ptx_claim *claim);
size_t ptx_bind_driver_name(struct pci_dev *pdev, char *buf, size_t size);

#endif
