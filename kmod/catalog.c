// SPDX-License-Identifier: GPL-2.0-only
/*
 * The catalog: what devices there are, and what they are to those who assign
 * them. It observes and never changes; the PCI core's own list is the data, so
 * there is nothing to keep in step. Takes no device lock: one may be held for
 * ever by a driver that does not come back from its remove().
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <kunit/visibility.h>

#include "catalog.h"
#include "events.h"
#include "group.h"
#include "lease.h"
#include "reset.h"
#include "reset_history.h"
#include "rom.h"

/**
 * struct ptx_kind_rule - a row of the table of kinds
 * @vendor: PCI vendor id, or 0 for any
 * @device: PCI device id, or 0 for any
 * @class: class code under @mask
 * @mask: which bits of the 24-bit class code count
 * @kind: what it is
 */
struct ptx_kind_rule {
	u16 vendor;
	u16 device;
	u32 class;
	u32 mask;
	enum ptx_kind kind;
};

/*
 * First match wins. Ids come first: NPUs that predate the class code for
 * accelerators. Sources: the id tables of the drivers named, and the class
 * codes of the PCI Code and ID Assignment Specification.
 */
static const struct ptx_kind_rule ptx_kind_rules[] = {
	{ 0x1022, 0x1502, 0, 0, PTX_KIND_NPU },	/* amdxdna: Phoenix */
	{ 0x1022, 0x17f0, 0, 0, PTX_KIND_NPU },	/* amdxdna: Strix, Krackan */
	{ 0x8086, 0x7d1d, 0, 0, PTX_KIND_NPU },	/* ivpu: Meteor Lake */
	{ 0x8086, 0xad1d, 0, 0, PTX_KIND_NPU },	/* ivpu: Arrow Lake */
	{ 0x8086, 0x643e, 0, 0, PTX_KIND_NPU },	/* ivpu: Lunar Lake */
	{ 0x8086, 0xb03e, 0, 0, PTX_KIND_NPU },	/* ivpu: Panther Lake */
	{ 0x17cb, 0xa080, 0, 0, PTX_KIND_NPU },	/* qaic: AIC080 */
	{ 0x17cb, 0xa100, 0, 0, PTX_KIND_NPU },	/* qaic: AIC100 */
	{ 0x1da3, 0, 0, 0, PTX_KIND_NPU },	/* habanalabs */
	{ 0x1ac1, 0x089a, 0, 0, PTX_KIND_NPU },	/* gasket: Coral Edge TPU */
	{ 0x1e60, 0x2864, 0, 0, PTX_KIND_NPU },	/* Hailo-8 */
	{ 0, 0, 0x060000, 0xff0000, PTX_KIND_BRIDGE },
	{ 0, 0, 0x030000, 0xff0000, PTX_KIND_GPU },
	{ 0, 0, 0x120000, 0xff0000, PTX_KIND_NPU },
	{ 0, 0, 0x010800, 0xffff00, PTX_KIND_NVME },
	{ 0, 0, 0x010000, 0xff0000, PTX_KIND_STORAGE },
	{ 0, 0, 0x020000, 0xff0000, PTX_KIND_NIC },
	{ 0, 0, 0x040100, 0xffff00, PTX_KIND_AUDIO },
	{ 0, 0, 0x040300, 0xffff00, PTX_KIND_AUDIO },
	{ 0, 0, 0x0c0300, 0xffff00, PTX_KIND_USB },
};

/**
 * ptx_kind_by_id() - what a device with these ids is
 * @class: 24-bit class code
 * @vendor: PCI vendor id
 * @device: PCI device id
 *
 * Return: its kind, PTX_KIND_OTHER if no rule knows it.
 */
enum ptx_kind ptx_kind_by_id(u32 class, u16 vendor, u16 device)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ptx_kind_rules); i++) {
		const struct ptx_kind_rule *rule = &ptx_kind_rules[i];

		if ((!rule->vendor || rule->vendor == vendor) &&
		    (!rule->device || rule->device == device) &&
		    (class & rule->mask) == rule->class)
			return rule->kind;
	}
	return PTX_KIND_OTHER;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_kind_by_id);

/**
 * ptx_kind_of() - what a device is
 * @pdev: the device
 *
 * Return: its kind; what the header says is a bridge is one, whatever its
 * class code claims.
 */
enum ptx_kind ptx_kind_of(struct pci_dev *pdev)
{
	if (ptx_device_is_bridge(pdev))
		return PTX_KIND_BRIDGE;
	return ptx_kind_by_id(pdev->class, pdev->vendor, pdev->device);
}

/**
 * ptx_selector_fits() - is a rule about this device
 * @sel: which devices it is about
 * @pdev: the device
 *
 * Return: true if it is.
 */
bool ptx_selector_fits(const struct ptx_selector *sel, struct pci_dev *pdev)
{
	return (!sel->device[0] || !strcmp(sel->device, pci_name(pdev))) &&
	       (sel->any_kind || sel->kind == ptx_kind_of(pdev)) &&
	       (!sel->vendor || sel->vendor == pdev->vendor);
}

static const char *const ptx_reset_names[PTX_RESET_RUNGS] = {
	[PTX_RESET_DEVICE_SPECIFIC] = "device_specific",
	[PTX_RESET_ACPI] = "acpi",
	[PTX_RESET_FLR] = "flr",
	[PTX_RESET_AF_FLR] = "af_flr",
	[PTX_RESET_PM] = "pm",
	[PTX_RESET_BUS] = "bus",
	[PTX_RESET_CXL_BUS] = "cxl_bus",
	[PTX_RESET_D3COLD] = "d3cold",
	[PTX_RESET_RESCAN] = "rescan",
};

/**
 * ptx_reset_method_name() - name a reset method
 * @method: a value of enum ptx_reset_method
 *
 * Return: as in the reset_method attribute; a static string.
 */
const char *ptx_reset_method_name(unsigned int method)
{
	return method && method < ARRAY_SIZE(ptx_reset_names) ?
	       ptx_reset_names[method] : "unknown";
}

/**
 * ptx_reset_method_names() - write reset methods by name
 * @methods: struct pci_dev's reset_methods; ends with a zero or at @nr
 * @nr: its length
 * @buf: gets the names in order, separated by spaces
 * @size: room in @buf; PTX_RESET_METHODS_SIZE is enough
 */
void ptx_reset_method_names(const u8 *methods, size_t nr, char *buf, size_t size)
{
	size_t i, at = 0;

	buf[0] = '\0';
	for (i = 0; i < nr && methods[i]; i++)
		at += scnprintf(buf + at, size - at, "%s%s", at ? " " : "",
				ptx_reset_method_name(methods[i]));
}
EXPORT_SYMBOL_IF_KUNIT(ptx_reset_method_names);

/**
 * ptx_catalog_driver() - name the driver a device is on, without its lock
 * @pdev: the device
 * @buf: gets the name, or ""
 * @size: room in @buf
 *
 * A driver's memory is its module's, and that goes only after RCU has been
 * waited for.
 *
 * Return: the length of the name.
 */
size_t ptx_catalog_driver(struct pci_dev *pdev, char *buf, size_t size)
{
	struct device_driver *driver;
	ssize_t len = 0;

	buf[0] = '\0';
	rcu_read_lock();
	driver = READ_ONCE(pdev->dev.driver);
	if (driver)
		len = strscpy(buf, driver->name, size);
	rcu_read_unlock();
	return len < 0 ? strlen(buf) : len;
}

/**
 * ptx_catalog_find() - find a device by its address
 * @name: domain, bus, device and function as under /sys/bus/pci/devices
 *
 * A device is on the bus a moment before the IOMMU core gives it a group and the
 * driver core announces it: before either it is not there for us.
 *
 * Return: the device, referenced, or NULL.
 */
struct pci_dev *ptx_catalog_find(const char *name)
{
	struct device *dev = bus_find_device_by_name(&pci_bus_type, NULL, name);

	/* The bus would take a trailing newline, as sysfs does. */
	if (!dev || strcmp(dev_name(dev), name) ||
	    !(device_iommu_mapped(dev) || dev->kobj.state_add_uevent_sent)) {
		put_device(dev);
		return NULL;
	}
	return to_pci_dev(dev);
}

/*
 * Devices that appeared while we looked on and on which no driver has been
 * tried since: the PCI core may still be at work on them. By ptx_device_key().
 */
static DEFINE_XARRAY(ptx_catalog_untried);

/**
 * ptx_catalog_is_untried() - has the host had its chance to give it a driver
 * @pdev: the device
 *
 * Return: true if it appeared after us and no driver has been tried on it.
 */
bool ptx_catalog_is_untried(struct pci_dev *pdev)
{
	return xa_load(&ptx_catalog_untried, ptx_device_key(pdev)) == pdev;
}

/* Counts devices that came or went. */
static atomic_t ptx_catalog_changes = ATOMIC_INIT(1);

/**
 * ptx_catalog_generation() - a number that changes when a device comes or goes
 *
 * So that a dump can tell that one may be missing.
 *
 * Return: never 0, which netlink takes for none.
 */
unsigned int ptx_catalog_generation(void)
{
	return atomic_read(&ptx_catalog_changes) ?: 1;
}

/**
 * ptx_catalog_forget() - a device has left the bus, or comes where another one was
 * @pdev: the device: nothing is known of it any more
 */
void ptx_catalog_forget(struct pci_dev *pdev)
{
	ptx_reset_forget(pdev);
	ptx_rom_forget(pdev);
}

static int ptx_catalog_bus_event(struct notifier_block *nb, unsigned long action,
				 void *data)
{
	struct pci_dev *pdev = to_pci_dev((struct device *)data);

	if (ptx_device_is_bridge(pdev))
		return NOTIFY_DONE;
	switch (action) {
	case BUS_NOTIFY_ADD_DEVICE:
		/* Without memory the device counts as any other. */
		if (!ptx_member_moves(pdev)) {
			xa_store(&ptx_catalog_untried, ptx_device_key(pdev), pdev,
				 GFP_KERNEL);
			ptx_catalog_forget(pdev);
		}
		atomic_inc(&ptx_catalog_changes);
		ptx_event_device(PTX_EVENT_DEVICE_ADD, pdev);
		break;
	case BUS_NOTIFY_BIND_DRIVER:
	case BUS_NOTIFY_DEL_DEVICE:
		xa_cmpxchg(&ptx_catalog_untried, ptx_device_key(pdev), pdev, NULL, 0);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		if (!ptx_member_moves(pdev))
			ptx_catalog_forget(pdev);
		atomic_inc(&ptx_catalog_changes);
		ptx_event_device(PTX_EVENT_DEVICE_DEL, pdev);
		break;
	}
	return NOTIFY_DONE;
}

static struct notifier_block ptx_catalog_nb = {
	.notifier_call = ptx_catalog_bus_event,
};

int ptx_catalog_init(void)
{
	return bus_register_notifier(&pci_bus_type, &ptx_catalog_nb);
}

void ptx_catalog_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &ptx_catalog_nb);
	xa_destroy(&ptx_catalog_untried);
}
