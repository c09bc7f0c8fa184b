// SPDX-License-Identifier: GPL-2.0-only
/*
 * Remove and rescan: a device leaves the bus, and the PCI core finds it anew.
 *
 * That resets nothing. It is for a device that a reset has reached, and that does not
 * look as it did since: the PCI core gives it its addresses once more. Its struct
 * pci_dev is another one then, and its group may be; the claim follows it to both, so
 * nobody else gets at it in between.
 *
 * What an admin had said to anything else about the device is lost, as whenever one is
 * removed, and so are payload sizes that the kernel was booted to tune
 * (pci=pcie_bus_perf), and ASPM of the first of several functions. Hence the last rung.
 */
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "bind.h"
#include "bus.h"
#include "catalog.h"
#include "compat/driver_override.h"
#include "lease.h"
#include "ptx_main.h"
#include "reset.h"
#include "rescan.h"

/* How often a claim's devices are: each time the claim grows by a struct pci_dev. */
#define PTX_RESCANS_MAX		16

/*
 * A scan needs memory, as every undo must not. What is under a page the allocator
 * hardly ever refuses; should it all the same, waiting helps.
 */
#define PTX_RESCAN_TRIES	100
#define PTX_RESCAN_WAIT_MS	10

/* No driver has such a name: it keeps also those away that are asked by hand. */
#define PTX_NO_DRIVER	"(none)"

/* Not what a scan does not find, nor what would take others with it. */
static bool ptx_rescan_fits(struct ptx_member *member)
{
	struct pci_dev *pdev = member->pdev;

	return !pdev->is_virtfn && !pci_num_vf(pdev) && !READ_ONCE(member->leaving) &&
	       device_is_registered(&pdev->dev) && !ptx_going_down() &&
	       member->claim->nr_formers < PTX_RESCANS_MAX;
}

static bool ptx_rescan_has_driver(struct pci_dev *pdev)
{
	bool has;

	device_lock(&pdev->dev);
	has = pdev->dev.driver;
	device_unlock(&pdev->dev);
	return has;
}

/* What sysfs lets an admin say of a device, and struct pci_dev keeps. */
static void ptx_rescan_carry(struct pci_dev *from, struct pci_dev *to)
{
	set_dev_node(&to->dev, dev_to_node(&from->dev));
	to->no_msi = from->no_msi;
	to->broken_parity_status = from->broken_parity_status;
	/* Its attribute is there if it has some when it is added. */
	memcpy(to->reset_methods, from->reset_methods, sizeof(to->reset_methods));
	if (!from->d3cold_allowed) {
		to->d3cold_allowed = false;
		pci_d3cold_disable(to);
	}
}

/* It is there, and does not ask to be asked again. */
static bool ptx_rescan_answers(struct pci_bus *bus, unsigned int devfn)
{
	u32 id;

	return !pci_bus_read_config_dword(bus, devfn, PCI_VENDOR_ID, &id) &&
	       !PCI_POSSIBLE_ERROR(id) && id && (id & 0xffff) != PTX_CRS_VENDOR;
}

/* Of a whole slot where that is one function, as only that sets up ASPM again. */
static struct pci_dev *ptx_rescan_scan(struct pci_bus *bus, unsigned int devfn, bool slot)
{
	struct pci_dev *found;

	if (!slot)
		return pci_scan_single_device(bus, devfn);
	pci_scan_slot(bus, devfn);
	found = pci_get_slot(bus, devfn);
	/* The bus has one, and does not lose it under the rescan lock. */
	pci_dev_put(found);
	return found;
}

static struct pci_dev *ptx_rescan_find(struct pci_bus *bus, unsigned int devfn, bool slot)
{
	struct pci_dev *found = ptx_rescan_scan(bus, devfn, slot);
	int tries;

	for (tries = 1; !found && tries < PTX_RESCAN_TRIES &&
	     ptx_rescan_answers(bus, devfn); tries++) {
		msleep(PTX_RESCAN_WAIT_MS);
		found = ptx_rescan_scan(bus, devfn, slot);
	}
	return found;
}

/*
 * Its own resources and nobody else's: BARs and ROM first, then what its virtual
 * functions are to have; the largest of each first, as the PCI core does.
 */
static void ptx_rescan_assign(struct pci_dev *pdev)
{
	unsigned long tried = 0;
	int i, best, end = PCI_ROM_RESOURCE + 1;

	for (;;) {
		best = -1;
		for (i = 0; i < end; i++)
			if (pci_resource_len(pdev, i) && !pdev->resource[i].parent &&
			    !(tried & BIT(i)) &&
			    (best < 0 ||
			     pci_resource_len(pdev, i) > pci_resource_len(pdev, best)))
				best = i;
		if (best < 0 && end == PCI_BRIDGE_RESOURCES)
			return;
		if (best < 0) {
			end = PCI_BRIDGE_RESOURCES;
			continue;
		}
		tried |= BIT(best);
		/* One that gets none is seen by who looks at its BARs. */
		if (pci_assign_resource(pdev, best))
			pci_info(pdev, "resource %d gets no address\n", best);
	}
}

/* Off the bus, and on it again. Takes @former over, or leaves it. */
static int ptx_rescan_move(struct ptx_member *member, struct ptx_former **former)
{
	struct pci_dev *pdev = member->pdev, *found;
	struct pci_bus *bus = pdev->bus;
	int ret;

	WRITE_ONCE(member->moving, true);
	pci_stop_and_remove_bus_device(pdev);
	found = ptx_rescan_find(bus, pdev->devfn,
				!pdev->multifunction && !PCI_FUNC(pdev->devfn));
	if (!found) {
		WRITE_ONCE(member->moving, false);
		ptx_catalog_forget(pdev);
		ptx_lease_lose(member);
		return -ENODEV;
	}
	ptx_rescan_assign(found);
	ptx_rescan_carry(pdev, found);
	/* No driver can match it before it has been added; a few bytes will come. */
	while (ptx_driver_override_write(found, PTX_NO_DRIVER))
		msleep(PTX_RESCAN_WAIT_MS);
	pm_runtime_get_noresume(&found->dev);
	ret = ptx_member_follow(member, found, *former);
	*former = NULL;
	pci_bus_add_device(found);
	WRITE_ONCE(member->moving, false);
	ptx_bind_override(found, member->claim->driver);
	return ret;
}

/*
 * The rescan lock is held, and nobody looks at the bus. The port is kept awake, as it
 * may sleep once nothing is behind it, and its lock keeps away who would reset the bus
 * meanwhile. That is only tried: pciehp has it where it waits for the rescan lock.
 */
static int ptx_rescan_locked(struct ptx_member *member, struct ptx_former **former)
{
	struct pci_dev *pdev = member->pdev, *port = pdev->bus->self;
	int ret = -ENOTTY;

	if (!ptx_rescan_fits(member))
		return -ENOTTY;
	if (port && !device_trylock(&port->dev))
		return -EAGAIN;
	if (port)
		pm_runtime_get_sync(&port->dev);
	ptx_bind_override(pdev, PTX_NO_DRIVER);
	if (!ptx_rescan_has_driver(pdev))
		ret = ptx_rescan_move(member, former);
	else
		ptx_bind_override(pdev, member->claim->driver);
	if (port) {
		pm_runtime_put(&port->dev);
		device_unlock(&port->dev);
	}
	return ret;
}

/**
 * ptx_rescan() - take a device off the bus, and have it found again
 * @member: at rest and awake; its journal belongs to the caller
 *
 * Of one that is found, @member->pdev is another one afterwards, and is awake. Whatever
 * was mapped or saved of the one before is worth nothing. Waits for other scans, and for
 * devices that are being taken off the bus.
 *
 * Return: 0; -ENOTTY where it cannot be done, and was not; -ENODEV when the device did
 * not come back, and is gone; -EXDEV when it came back in a group that is not its
 * claim's.
 */
int ptx_rescan(struct ptx_member *member)
{
	struct pci_dev *pdev = member->pdev;
	struct ptx_former *former = kzalloc(sizeof(*former), GFP_KERNEL);
	int ret, tries = 0;

	if (!former)
		return -ENOTTY;
	do {
		if (tries)
			msleep(PTX_RESCAN_WAIT_MS);
		ptx_bus_freeze(member->claim);
		ret = ptx_rescan_locked(member, &former);
		ptx_bus_thaw(member->claim);
	} while (ret == -EAGAIN && ++tries < PTX_RESCAN_TRIES);
	if (ret == -EAGAIN)
		ret = -ENOTTY;
	kfree(former);
	if (member->pdev != pdev) {
		pm_runtime_resume(&member->pdev->dev);
		pm_runtime_put_noidle(&pdev->dev);
	}
	return ret;
}
