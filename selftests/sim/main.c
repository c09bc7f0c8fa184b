// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx_sim: a module for tests that makes PCI devices of any kind out of text,
 * with an IOMMU of their own. See README.rst. Never for a machine that matters:
 * it lets root write into memory that a simulated device may reach.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "sim.h"

static char *devices = "";
module_param(devices, charp, 0400);
MODULE_PARM_DESC(devices, "what to plug in at once: descriptions, separated by semicolons");

static struct fwnode_handle *sim_fwnode;
static struct platform_device *sim_platform;
struct device *sim_parent;

static int __init sim_plug_in(void)
{
	char *text;
	int ret;

	if (!devices[0])
		return 0;
	text = kstrdup(devices, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	ret = sim_add(text);
	kfree(text);
	return ret;
}

/* The device that host bridges and the IOMMU are parts of; its node tells them apart. */
static int __init sim_parent_init(void)
{
	struct platform_device_info info = {
		.name = "ptx_sim",
		.id = PLATFORM_DEVID_NONE,
	};

	sim_fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(sim_fwnode))
		return PTR_ERR(sim_fwnode);
	info.fwnode = sim_fwnode;
	sim_platform = platform_device_register_full(&info);
	if (IS_ERR(sim_platform)) {
		fwnode_remove_software_node(sim_fwnode);
		return PTR_ERR(sim_platform);
	}
	sim_parent = &sim_platform->dev;
	return 0;
}

static void sim_parent_exit(void)
{
	platform_device_unregister(sim_platform);
	fwnode_remove_software_node(sim_fwnode);
}

static int __init sim_init(void)
{
	int ret;

	ret = sim_parent_init();
	if (ret)
		return ret;
	ret = sim_memory_init();
	if (ret)
		goto err_parent;
	ret = sim_msi_init();
	if (ret)
		goto err_memory;
	ret = sim_iommu_init();
	if (ret)
		goto err_msi;
	ret = sim_driver_init();
	if (ret)
		goto err_iommu;
	sim_control_init();
	ret = sim_plug_in();
	if (ret)
		goto err_clear;
	return 0;

err_clear:
	sim_control_exit();
	sim_clear();
	sim_driver_exit();
err_iommu:
	sim_iommu_exit();
err_msi:
	sim_msi_exit();
err_memory:
	sim_memory_exit();
err_parent:
	sim_parent_exit();
	return ret;
}

/*
 * Every device pins the module through the IOMMU, so there is none left; what
 * may be is an empty host bridge.
 */
static void __exit sim_exit(void)
{
	sim_control_exit();
	sim_clear();
	sim_driver_exit();
	sim_iommu_exit();
	sim_msi_exit();
	sim_memory_exit();
	sim_parent_exit();
}

module_init(sim_init);
module_exit(sim_exit);

MODULE_DESCRIPTION("Simulated PCI devices and IOMMU, for tests of ptx");
MODULE_LICENSE("GPL");
