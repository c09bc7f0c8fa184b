// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx: leases of whole devices for virtual machines. Brings the parts up and
 * takes them down; owns the workqueue, the parameters and the reboot notifier.
 */
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/workqueue.h>

#include "catalog.h"
#include "chardev.h"
#include "grant.h"
#include "lease.h"
#include "netlink.h"
#include "pool.h"
#include "ptx_main.h"
#include "reserve.h"
#include "sriov.h"
#include "sysfs.h"
#include "reset_history.h"
#include "rom.h"
#include "vfio_iommu.h"
#include "vfio_pci.h"

struct workqueue_struct *ptx_wq;

bool ptx_inline;
/* The compiler headers define inline as a macro; here it is a plain word. */
#undef inline
module_param_named(inline, ptx_inline, bool, 0600);
MODULE_PARM_DESC(inline, "Run every step and undo in the calling task; for fault injection only");

static bool ptx_down;

/**
 * ptx_going_down() - is the host on its way down
 *
 * Return: true from the reboot notifier on; nothing is attached any more then,
 * and nobody is waited for.
 */
bool ptx_going_down(void)
{
	return READ_ONCE(ptx_down);
}

static int ptx_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	WRITE_ONCE(ptx_down, true);
	ptx_leases_quiesce();
	return NOTIFY_DONE;
}

static struct notifier_block ptx_reboot_nb = {
	.notifier_call = ptx_reboot,
};

/**
 * struct ptx_part - something to bring up, and how to take it down
 * @init: returns 0 or an error; NULL for what needs none
 * @exit: undoes @init
 */
struct ptx_part {
	int (*init)(void);
	void (*exit)(void);
};

/*
 * Not reclaim-safe, since PCI probing flushes ordinary work; unbound, and as
 * many at a time as can be, since a native driver may never return.
 */
static int ptx_wq_init(void)
{
	ptx_wq = alloc_workqueue("ptx", WQ_UNBOUND, WQ_MAX_ACTIVE);
	return ptx_wq ? 0 : -ENOMEM;
}

static void ptx_wq_exit(void)
{
	destroy_workqueue(ptx_wq);
}

static int ptx_reboot_init(void)
{
	return register_reboot_notifier(&ptx_reboot_nb);
}

static void ptx_reboot_exit(void)
{
	unregister_reboot_notifier(&ptx_reboot_nb);
}

/*
 * In order: what can be asked comes after all that it needs, and the catalog
 * after the family that carries its events.
 */
static const struct ptx_part ptx_parts[] = {
	{ NULL, ptx_grants_exit },
	{ NULL, ptx_reset_exit },
	{ NULL, ptx_rom_exit },
	{ ptx_sysfs_init, ptx_sysfs_exit },
	{ ptx_wq_init, ptx_wq_exit },
	{ ptx_pool_init, ptx_pool_exit },
	{ ptx_lease_init, ptx_lease_exit },
	{ ptx_vfio_init, ptx_vfio_exit },
	{ ptx_vfio_iommu_init, ptx_vfio_iommu_exit },
	{ ptx_reboot_init, ptx_reboot_exit },
	{ ptx_netlink_init, ptx_netlink_exit },
	{ ptx_catalog_init, ptx_catalog_exit },
	{ ptx_reserve_init, ptx_reserve_exit },
	{ ptx_sriov_init, ptx_sriov_exit },
	{ ptx_chardev_init, ptx_chardev_exit },
};

static int __init ptx_module_init(void)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(ptx_parts); i++) {
		ret = ptx_parts[i].init ? ptx_parts[i].init() : 0;
		if (ret)
			goto err_exit;
	}
	return 0;

err_exit:
	while (i--)
		ptx_parts[i].exit();
	return ret;
}

static void __exit ptx_module_exit(void)
{
	int i = ARRAY_SIZE(ptx_parts);

	while (i--)
		ptx_parts[i].exit();
}

module_init(ptx_module_init);
module_exit(ptx_module_exit);

MODULE_DESCRIPTION("Leases of whole devices for virtual machines");
MODULE_AUTHOR("The ptx authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(PTX_VERSION);
MODULE_SOFTDEP("pre: vfio_iommu_type1");
