/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_PCI_H
#define PTX_PCI_H

#include "provider.h"

extern const struct ptx_provider ptx_pci_provider;

#endif
