// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts on an IOMMU group: everything that keeps it from being leased.
 *
 * Nothing here has a side effect, and every blocker is reported, not just the
 * first. Owns nothing and locks nothing of ours.
 */
#include <linux/iommu.h>
#include <kunit/visibility.h>

#include "group.h"
#include "guard.h"
#include "lease.h"
#include "reset.h"
#include "scrub.h"

static int ptx_device_is_isolated(struct device *dev, void *data)
{
	return device_iommu_mapped(dev);
}

/**
 * ptx_iommu_present() - does an IOMMU isolate any PCI device at all
 *
 * Return: true if one has a group. On systems where a group is made when a
 * driver first probes, there is always a device that has been probed.
 */
bool ptx_iommu_present(void)
{
	return bus_for_each_dev(&pci_bus_type, NULL, NULL, ptx_device_is_isolated);
}

static const char *ptx_group_first_name(struct ptx_claim *claim)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (member->requested)
			return pci_name(member->pdev);
	member = list_first_entry_or_null(&claim->members, struct ptx_member,
					  node);
	return member ? pci_name(member->pdev) : "";
}

/*
 * Firmware that wants identity-mapped memory for a device (an RMRR) talks to
 * it behind our back; the relaxable kind, for graphics and USB, ends when the
 * native driver takes over.
 */
static bool ptx_group_has_direct_region(struct iommu_group *group)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	bool found = false;

	iommu_get_group_resv_regions(group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (region->type == IOMMU_RESV_DIRECT)
			found = true;
		list_del(&region->list);
		kfree(region);
	}
	return found;
}

/**
 * ptx_device_does_kernel_dma() - does a driver use its group's DMA for the kernel
 * @dev: the device
 *
 * Return: true if it has a driver, and one that leaves DMA to the driver core.
 */
bool ptx_device_does_kernel_dma(struct device *dev)
{
	const struct device_driver *driver;
	bool does = false;

	rcu_read_lock();
	driver = READ_ONCE(dev->driver);
	if (driver)
		does = !dev_is_pci(dev) || !to_pci_driver(driver)->driver_managed_dma;
	rcu_read_unlock();
	return does;
}

static int ptx_group_look_for_kernel_dma(struct device *dev, void *data)
{
	return ptx_device_does_kernel_dma(dev);
}

/**
 * ptx_group_is_in_use() - does userspace own a group's DMA
 * @group: the group
 *
 * The IOMMU core counts those who use a group's DMA, be it through the kernel's
 * own domain or through one of userspace's; it is the latter if no driver that
 * does kernel DMA is bound to any of its devices. Drivers come and go while we
 * look, but a bound one keeps userspace out, and VFIO asks again at the open.
 * Takes a mutex.
 *
 * Return: true if it does.
 */
bool ptx_group_is_in_use(struct iommu_group *group)
{
	return iommu_group_dma_owner_claimed(group) &&
	       !iommu_group_for_each_dev(group, NULL,
				       ptx_group_look_for_kernel_dma);
}

struct ptx_driver_look {
	const char *name;
	struct pci_dev *pdev;
};

static int ptx_driver_is_vfio(struct device_driver *drv, void *data)
{
	struct ptx_driver_look *look = data;
	const struct pci_device_id *id;

	if (strcmp(drv->name, look->name))
		return 0;
	id = pci_match_id(to_pci_driver(drv)->id_table, look->pdev);
	return to_pci_driver(drv)->driver_managed_dma && id &&
	       id->override_only & PCI_ID_F_VFIO_DRIVER_OVERRIDE;
}

/*
 * A driver_override makes any driver match any device, and most crash on the
 * wrong one. A VFIO driver lists what it takes, and says that it is one. A
 * driver cannot leave the bus while this looks at it.
 */
static bool ptx_vfio_driver_takes(const char *name, struct pci_dev *pdev)
{
	struct ptx_driver_look look = { .name = name, .pdev = pdev };

	return bus_for_each_drv(&pci_bus_type, NULL, &look, ptx_driver_is_vfio);
}

/**
 * ptx_group_judge() - what keeps a group from being leased, as a whole
 * @look: what was seen of it
 * @name: whom to blame
 * @blockers: where to put it
 */
void ptx_group_judge(const struct ptx_group_look *look, const char *name,
		     struct ptx_blockers *blockers)
{
	if (look->quarantined)
		ptx_blockers_add(blockers, PTX_REASON_QUARANTINED, name, 0);
	else if (look->holder)
		ptx_blockers_add(blockers, PTX_REASON_HELD, name, look->holder);
	else if (look->in_use && !look->pooled)
		ptx_blockers_add(blockers, PTX_REASON_IN_USE, name, 0);
	if (look->direct_region)
		ptx_blockers_add(blockers, PTX_REASON_RESERVED_REGION, name, 0);
	if (!look->isolated_msi)
		ptx_blockers_add(blockers, PTX_REASON_NO_MSI_ISOLATION, name, 0);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_group_judge);

/**
 * ptx_member_judge() - what keeps one device of a group from being leased
 * @look: what was seen of its group
 * @member: what was seen of the device
 * @name: the device
 * @blockers: where to put it
 */
void ptx_member_judge(const struct ptx_group_look *look,
		      const struct ptx_member_look *member, const char *name,
		      struct ptx_blockers *blockers)
{
	if (look->exact && !member->requested)
		ptx_blockers_add(blockers, PTX_REASON_GROUP_SHARED, name, 0);
	if (!member->driver_takes)
		ptx_blockers_add(blockers, PTX_REASON_BAD_DRIVER, name, 0);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_member_judge);

/**
 * ptx_group_verdict() - gather what keeps a group from being leased
 * @claim: the group, read but not claimed
 * @flags: bits of enum ptx_add_flags
 * @blockers: where to put them; none added means it can be leased
 */
void ptx_group_verdict(struct ptx_claim *claim, u32 flags,
		       struct ptx_blockers *blockers)
{
	struct ptx_group_look look = {
		.in_use = ptx_group_is_in_use(claim->group),
		.direct_region = ptx_group_has_direct_region(claim->group),
		.isolated_msi = iommu_group_has_isolated_msi(claim->group),
		.exact = flags & PTX_ADD_FLAGS_EXACT,
	};
	struct ptx_reset_plan plan;
	struct ptx_holder holder;
	struct ptx_member *member;

	ptx_claim_holder(claim, &holder);
	look.holder = holder.lease;
	look.quarantined = holder.quarantined;
	look.pooled = holder.pooled;
	ptx_group_judge(&look, ptx_group_first_name(claim), blockers);
	ptx_for_each_member(member, claim) {
		const struct ptx_member_look seen = {
			.requested = member->requested,
			.driver_takes = !claim->driver[0] ||
					ptx_vfio_driver_takes(claim->driver,
							      member->pdev),
		};

		ptx_member_judge(&look, &seen, pci_name(member->pdev), blockers);
		ptx_reset_plan(member->pdev, &plan);
		if (flags & PTX_ADD_FLAGS_CLEAR_MEMORY && ptx_scrub_is_vain(&plan))
			ptx_blockers_add(blockers, PTX_REASON_KEEPS_MEMORY,
					 pci_name(member->pdev), 0);
		/*
		 * Somebody who holds the lock is binding or unbinding a driver,
		 * maybe for ever; what is in use then, the claim's work will see.
		 */
		if (!device_trylock(&member->pdev->dev))
			continue;
		ptx_guard_verdict(member->pdev, flags, blockers);
		device_unlock(&member->pdev->dev);
	}
}
