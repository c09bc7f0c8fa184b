// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx_sim: a module for tests that makes PCI devices of any kind out of text,
 * with an IOMMU of their own. See README.rst. Never for a machine that matters:
 * it lets root write into memory that a simulated device may reach.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "sim.h"

static char *devices = "";
module_param(devices, charp, 0400);
MODULE_PARM_DESC(devices, "what to plug in at once: descriptions, separated by semicolons");

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

static int __init sim_init(void)
{
	int ret;

	sim_platform = platform_device_register_simple("ptx_sim", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(sim_platform))
		return PTR_ERR(sim_platform);
	sim_parent = &sim_platform->dev;
	ret = sim_memory_init();
	if (ret)
		goto err_platform;
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
err_platform:
	platform_device_unregister(sim_platform);
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
	platform_device_unregister(sim_platform);
}

module_init(sim_init);
module_exit(sim_exit);

MODULE_DESCRIPTION("Simulated PCI devices and IOMMU, for tests of ptx");
MODULE_LICENSE("GPL");
