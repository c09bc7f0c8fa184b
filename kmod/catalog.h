/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_CATALOG_H
#define PTX_CATALOG_H

#include <linux/types.h>
#include <uapi/linux/ptx.h>

struct pci_dev;
struct sk_buff;

/* Room for all of a device's reset methods by name, with spaces. */
#define PTX_RESET_METHODS_SIZE	64

enum ptx_kind ptx_kind_by_id(u32 class, u16 vendor, u16 device);
enum ptx_kind ptx_kind_of(struct pci_dev *pdev);
void ptx_reset_method_names(const u8 *methods, size_t nr, char *buf, size_t size);
size_t ptx_catalog_driver(struct pci_dev *pdev, char *buf, size_t size);
int ptx_catalog_init(void);
void ptx_catalog_exit(void);

#endif
