/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_VFIO_PCI_H
#define PTX_VFIO_PCI_H

#include <linux/types.h>

#define PTX_VFIO_DRIVER	"ptx-vfio-pci"

struct pci_bus;
struct pci_dev;
struct ptx_claim;
struct ptx_member;
struct ptx_space;
struct ptx_vfio_device;
struct vfio_device;

bool ptx_vfio_is_ours(const char *driver);
struct vfio_device *ptx_vfio_set_lock(struct ptx_claim *claim, struct pci_bus *bus);
void ptx_vfio_set_unlock(struct vfio_device *vdev);
struct ptx_vfio_device *ptx_vfio_bar_of(struct ptx_space *space, unsigned long vaddr,
					unsigned long size, bool write, unsigned long *pfn);
void ptx_vfio_bar_put(struct ptx_vfio_device *pv);
bool ptx_vfio_is_cut(struct ptx_vfio_device *pv);
void ptx_vfio_cut_begin(struct ptx_member *member);
bool ptx_vfio_cut_end(struct ptx_member *member);
void ptx_vfio_ask_back(struct ptx_member *member, unsigned int count);
void ptx_vfio_cdev_name(struct pci_dev *pdev, char *buf, size_t size);
int ptx_vfio_init(void);
void ptx_vfio_exit(void);

#endif
