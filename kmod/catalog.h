/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_CATALOG_H
#define PTX_CATALOG_H

#include <linux/pci.h>
#include <linux/types.h>
#include <uapi/linux/ptx.h>

/* Room for all of a device's reset methods by name, with spaces. */
#define PTX_RESET_METHODS_SIZE	64

/* A device's address, domain and all, as the index of a registry. */
static inline unsigned long ptx_device_key(struct pci_dev *pdev)
{
	return ((unsigned long)pci_domain_nr(pdev->bus) << 16) | pci_dev_id(pdev);
}

/**
 * struct ptx_selector - which devices a rule is about
 * @device: this device only, or empty
 * @any_kind: devices of every kind
 * @kind: else of this one
 * @vendor: of this PCI vendor only, or 0
 */
struct ptx_selector {
	char device[PTX_DEVICE_NAME_SIZE];
	bool any_kind;
	enum ptx_kind kind;
	u16 vendor;
};

bool ptx_selector_fits(const struct ptx_selector *sel, struct pci_dev *pdev);
enum ptx_kind ptx_kind_by_id(u32 class, u16 vendor, u16 device);
enum ptx_kind ptx_kind_of(struct pci_dev *pdev);
const char *ptx_reset_method_name(unsigned int method);
void ptx_reset_method_names(const u8 *methods, size_t nr, char *buf, size_t size);
struct pci_dev *ptx_catalog_find(const char *name);
void ptx_catalog_forget(struct pci_dev *pdev);
unsigned int ptx_catalog_generation(void);
bool ptx_catalog_is_untried(struct pci_dev *pdev);
size_t ptx_catalog_driver(struct pci_dev *pdev, char *buf, size_t size);
int ptx_catalog_init(void);
void ptx_catalog_exit(void);

#endif
