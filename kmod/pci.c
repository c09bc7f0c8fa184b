// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI functions as members: whole ones and virtual ones, with everything in their IOMMU
 * group, on ptx-vfio-pci or on another VFIO driver that the request has named.
 */
#include <linux/pci.h>

#include "bind.h"
#include "catalog.h"
#include "group.h"
#include "lease.h"
#include "pci.h"
#include "reset.h"
#include "vfio_pci.h"

static bool ptx_pci_is_busy(struct ptx_claim *claim)
{
	struct ptx_member *member;
	struct ptx_lease *lease;
	bool opened = false, present = false;

	if (!ptx_vfio_is_ours(claim->driver))
		return ptx_group_is_in_use(claim->group);
	lease = ptx_claim_lock(claim);
	ptx_for_each_member(member, claim) {
		opened |= member->opened;
		present |= !member->gone;
	}
	ptx_claim_unlock(lease);
	return opened && present;
}

static void ptx_pci_ask_back(struct ptx_claim *claim, unsigned int asked)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		ptx_vfio_ask_back(member, asked);
}

static void ptx_pci_describe(struct ptx_member *member, struct ptx_member_info *info)
{
	struct ptx_reset_plan plan;

	info->kind = ptx_kind_of(member->pdev);
	ptx_reset_plan(member->pdev, &plan);
	if (plan.keeps_memory)
		info->flags |= PTX_MEMBER_KEEPS_MEMORY;
	/* Also before it is published: udev asks when the file appears. */
	if (info->state == PTX_MEMBER_STATE_BUILDING || info->state == PTX_MEMBER_STATE_READY)
		ptx_vfio_cdev_name(member->pdev, info->cdev, sizeof(info->cdev));
	/* An admin may have taken it elsewhere by hand since. */
	if (info->state == PTX_MEMBER_STATE_READY && !*info->driver)
		ptx_catalog_driver(member->pdev, info->driver, sizeof(info->driver));
}

static bool ptx_pci_may_wait(struct ptx_claim *claim)
{
	return ptx_pci_is_busy(claim);
}

const struct ptx_provider ptx_pci_provider = {
	.take = ptx_bind_take,
	.detach = ptx_bind_detach,
	.give_back = ptx_bind_return,
	.is_busy = ptx_pci_is_busy,
	.ask_back = ptx_pci_ask_back,
	.may_wait = ptx_pci_may_wait,
	.describe = ptx_pci_describe,
};
