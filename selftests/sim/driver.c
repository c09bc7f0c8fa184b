// SPDX-License-Identifier: GPL-2.0-only
/*
 * The native driver of simulated devices. It does nothing for them, but it can
 * refuse a device, take its time, and not let go.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/notifier.h>
#include <linux/pci.h>

#include "compat/driver_override.h"
#include "sim.h"

/* How long it takes and whether it works, as of now. */
static void sim_driver_look(struct sim_fn *fn, u32 *probe_ms, u32 *remove_ms, bool *refuse)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim_lock, flags);
	*probe_ms = fn->desc.probe_ms;
	*remove_ms = fn->desc.remove_ms;
	*refuse = fn->desc.refuse;
	raw_spin_unlock_irqrestore(&sim_lock, flags);
}

static int sim_driver_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct sim_fn *fn = sim_fn_of(pdev);
	u32 probe_ms, remove_ms;
	bool refuse;
	int ret;

	if (!fn)
		return -ENODEV;
	sim_driver_look(fn, &probe_ms, &remove_ms, &refuse);
	msleep(probe_ms);
	ret = refuse ? -EIO : pci_enable_device(pdev);
	if (ret) {
		sim_fn_put(fn);
		return ret;
	}
	pci_set_master(pdev);
	pci_set_drvdata(pdev, fn);
	return 0;
}

static void sim_driver_remove(struct pci_dev *pdev)
{
	struct sim_fn *fn = pci_get_drvdata(pdev);
	u32 probe_ms, remove_ms;
	bool refuse;

	sim_driver_look(fn, &probe_ms, &remove_ms, &refuse);
	msleep(remove_ms);
	wait_event_idle(fn->wait, !READ_ONCE(fn->desc.hold));
	pci_disable_sriov(pdev);
	pci_clear_master(pdev);
	pci_disable_device(pdev);
	sim_fn_put(fn);
}

/* No table of ids: a device gets it by its override, or by a dynamic id. */
static struct pci_driver sim_driver = {
	.name = SIM_DRIVER,
	.probe = sim_driver_probe,
	.remove = sim_driver_remove,
	.sriov_configure = pci_sriov_configure_simple,
};

/**
 * sim_driver_learn() - let the driver match a device by its ids
 * @desc: of the device
 *
 * Return: 0 or a negative errno.
 */
int sim_driver_learn(const struct sim_desc *desc)
{
	return pci_add_dynid(&sim_driver, desc->vendor, desc->device, PCI_ANY_ID, PCI_ANY_ID, 0, 0,
			     0);
}

/*
 * Nothing can reset this one by its bus. The PCI core has put that method last,
 * unless other functions were there before.
 */
static void sim_driver_no_bus_reset(struct pci_dev *pdev)
{
	unsigned int n = strnlen(pdev->reset_methods, sizeof(pdev->reset_methods));

	pdev->dev_flags |= PCI_DEV_FLAGS_NO_BUS_RESET;
	if (n && list_is_singular(&pdev->bus->devices) && !pdev->is_virtfn)
		pdev->reset_methods[n - 1] = 0;
}

/*
 * Before any driver, and the IOMMU core, can see it. Drivers of real hardware
 * would make nothing good of a device that only looks like it.
 */
static int sim_driver_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	struct sim_fn *fn;

	if (action != BUS_NOTIFY_ADD_DEVICE || !sim_is_ours(pdev))
		return NOTIFY_DONE;
	if (sim_iommu_claim(pdev))
		pci_err(pdev, "not behind the simulated IOMMU\n");
	fn = sim_fn_of(pdev);
	if (!fn)
		return NOTIFY_OK;
	if (fn->desc.driver[0] && ptx_driver_override_write(pdev, fn->desc.driver))
		pci_err(pdev, "no memory for its driver_override\n");
	if (fn->desc.reset[SIM_BUS].mode == SIM_NONE)
		sim_driver_no_bus_reset(pdev);
	sim_fn_put(fn);
	return NOTIFY_OK;
}

static struct notifier_block sim_driver_nb = {
	.notifier_call = sim_driver_notify,
	.priority = 1,
};

/**
 * sim_driver_init() - register the driver
 *
 * Return: 0 or a negative errno; undone by sim_driver_exit().
 */
int sim_driver_init(void)
{
	int ret;

	ret = pci_register_driver(&sim_driver);
	if (ret)
		return ret;
	ret = bus_register_notifier(&pci_bus_type, &sim_driver_nb);
	if (ret)
		pci_unregister_driver(&sim_driver);
	return ret;
}

void sim_driver_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &sim_driver_nb);
	pci_unregister_driver(&sim_driver);
}
