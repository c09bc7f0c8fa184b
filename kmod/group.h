/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_GROUP_H
#define PTX_GROUP_H

#include <linux/pci.h>

struct iommu_group;
struct ptx_blockers;
struct ptx_claim;
struct ptx_lease;

/**
 * ptx_device_is_bridge() - is this a bridge, which is never assignable
 * @pdev: the device
 *
 * Return: what its header type says, or its class: host and ISA bridges have
 * the header of a device.
 */
static inline bool ptx_device_is_bridge(struct pci_dev *pdev)
{
	return pdev->hdr_type != PCI_HEADER_TYPE_NORMAL ||
	       pdev->class >> 16 == PCI_BASE_CLASS_BRIDGE;
}

bool ptx_device_does_kernel_dma(struct device *dev);
/**
 * struct ptx_group_look - what there is to see of a group
 * @holder: id of the lease that claims it, or 0
 * @quarantined: it is in quarantine
 * @pooled: the pool has it, and will see to whoever uses it
 * @in_use: userspace owns its DMA
 * @direct_region: firmware demands identity-mapped memory
 * @isolated_msi: its interrupts cannot be forged
 * @exact: the request does not want it widened
 */
struct ptx_group_look {
	u64 holder;
	bool quarantined;
	bool pooled;
	bool in_use;
	bool direct_region;
	bool isolated_msi;
	bool exact;
};

/**
 * struct ptx_member_look - what there is to see of a device in a group
 * @requested: the request names it
 * @driver_takes: the VFIO driver asked for is one and takes it
 */
struct ptx_member_look {
	bool requested;
	bool driver_takes;
};

void ptx_group_judge(const struct ptx_group_look *look, const char *name,
		     struct ptx_blockers *blockers);
void ptx_member_judge(const struct ptx_group_look *look,
		      const struct ptx_member_look *member, const char *name,
		      struct ptx_blockers *blockers);
bool ptx_iommu_present(void);
bool ptx_group_is_in_use(struct iommu_group *group);
void ptx_group_verdict(struct ptx_claim *claim, u32 flags,
		       struct ptx_blockers *blockers);

#endif
