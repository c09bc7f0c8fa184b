// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx_stubborn: a fake native driver for QEMU's edu device, to reach what well
 * behaved ones do not show. Its remove() waits as long as "hold" is set, as
 * NVIDIA's does while somebody uses the GPU; its probe() fails while "refuse"
 * is; and "sleep_ms" makes remove() take its time. For tests only.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/pci.h>

static bool hold;
module_param(hold, bool, 0600);
MODULE_PARM_DESC(hold, "remove() does not return while this is set");

static bool refuse;
module_param(refuse, bool, 0600);
MODULE_PARM_DESC(refuse, "probe() fails while this is set");

static unsigned int sleep_ms;
module_param(sleep_ms, uint, 0600);
MODULE_PARM_DESC(sleep_ms, "how long remove() sleeps");

static int stubborn_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return READ_ONCE(refuse) ? -EIO : 0;
}

static void stubborn_remove(struct pci_dev *pdev)
{
	msleep(READ_ONCE(sleep_ms));
	while (READ_ONCE(hold))
		schedule_timeout_idle(msecs_to_jiffies(10));
}

static const struct pci_device_id stubborn_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{}
};

static struct pci_driver stubborn_driver = {
	.name = "ptx-stubborn",
	.id_table = stubborn_ids,
	.probe = stubborn_probe,
	.remove = stubborn_remove,
};
module_pci_driver(stubborn_driver);

MODULE_DESCRIPTION("A native driver that does not let go, for tests of ptx");
MODULE_LICENSE("GPL");
