// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verdicts on use: what the host does with a device at this moment.
 *
 * A driver lets go of a device whose file system is mounted as readily as of an
 * idle one. So everything that a driver has made below the device is looked at,
 * by class: block devices, network interfaces, DRM and accel nodes, terminals.
 * Nothing here has a side effect, owns anything, or takes a lock of ours.
 *
 * A verdict can be overtaken: it is asked for again right before the native
 * driver goes, with the device's lock held.
 */
#include <linux/blkdev.h>
#include <linux/console.h>
#include <linux/kd.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/vgaarb.h>
#include <linux/console_struct.h>
#include <linux/vt_kern.h>
#if IS_ENABLED(CONFIG_DRM)
#include <drm/drm_device.h>
#include <drm/drm_file.h>
#endif
#include <kunit/visibility.h>

#include "compat/screen_info.h"
#include "guard.h"
#include "lease.h"

/* Devices nest: controller, bus, target, disk, partition. Deeper is a loop. */
#define PTX_GUARD_DEPTH_MAX	16

/*
 * Who holds a block device exclusively: a file system, device mapper, md, swap,
 * a program.
 */
static u32 ptx_guard_block(struct device *dev)
{
	struct block_device *bdev = dev_to_bdev(dev);
	u32 reason = PTX_REASON_NONE;

	mutex_lock(&bdev->bd_holder_lock);
	if (bdev->bd_holder_ops == &fs_holder_ops)
		reason = PTX_REASON_MOUNTED;
	else if (READ_ONCE(bdev->bd_holder))
		reason = PTX_REASON_BLOCK_HELD;
	mutex_unlock(&bdev->bd_holder_lock);
	return reason;
}

/*
 * NVMe hides a namespace's paths behind one head, which belongs to the subsystem
 * and is not below any controller: nvme0c1n2 is a path to nvme0n2.
 */
static struct device *ptx_guard_head(struct device *dev)
{
	unsigned int subsystem, controller, namespace;
	char head[DISK_NAME_LEN], rest;

	if (sscanf(dev_name(dev), "nvme%uc%un%u%c", &subsystem, &controller,
		   &namespace, &rest) != 3)
		return NULL;
	snprintf(head, sizeof(head), "nvme%un%u", subsystem, namespace);
	return class_find_device_by_name(dev->class, head);
}

static u32 ptx_guard_net(struct device *dev)
{
	return READ_ONCE(to_net_dev(dev)->flags) & IFF_UP ? PTX_REASON_NET_UP :
							    PTX_REASON_NONE;
}

#if IS_ENABLED(CONFIG_DRM)
/* A connector is of this class as well, but no node. */
static u32 ptx_guard_drm(struct device *dev)
{
	struct drm_minor *minor = dev_get_drvdata(dev);

	if (!minor || !dev->type || strcmp(dev->type->name ?: "", "drm_minor"))
		return PTX_REASON_NONE;
	return atomic_read(&minor->dev->open_count) ? PTX_REASON_NODE_OPEN :
						      PTX_REASON_NONE;
}
#endif

/* Only its device number counts. */
VISIBLE_IF_KUNIT u32 ptx_guard_tty(struct device *dev)
{
	u32 reason = PTX_REASON_NONE;
	struct console *con;

	console_list_lock();
	for_each_console(con) {
		struct tty_driver *driver;
		int index;

		driver = con->device ? con->device(con, &index) : NULL;
		if (driver && dev->devt == MKDEV(driver->major,
						 driver->minor_start + index))
			reason = PTX_REASON_CONSOLE;
	}
	console_list_unlock();
	return reason;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_guard_tty);

/*
 * Drivers under which a device is a file system by itself. Whether one is
 * mounted only they know, and the host's root may be on it: being bound counts.
 */
static const char *const ptx_guard_filesystems[] = { "9pnet_virtio", "virtiofs" };

static bool ptx_guard_is_filesystem(struct device *dev)
{
	const struct device_driver *driver;
	bool is = false;

	rcu_read_lock();
	driver = READ_ONCE(dev->driver);
	if (driver)
		is = match_string(ptx_guard_filesystems,
				  ARRAY_SIZE(ptx_guard_filesystems),
				  driver->name) >= 0;
	rcu_read_unlock();
	return is;
}

/**
 * struct ptx_guard_rule - how to tell that something below a device is in use
 * @class: its class; most are not exported, so they go by name
 * @look: the reason, or PTX_REASON_NONE
 */
struct ptx_guard_rule {
	const char *class;
	u32 (*look)(struct device *dev);
};

static const struct ptx_guard_rule ptx_guard_rules[] = {
	{ "block", ptx_guard_block },
	{ "net", ptx_guard_net },
#if IS_ENABLED(CONFIG_DRM)
	{ "drm", ptx_guard_drm },
	{ "accel", ptx_guard_drm },
#endif
	{ "tty", ptx_guard_tty },
};

/**
 * ptx_guard_may_override() - does a request override a kind of use
 * @reason: what was found
 * @flags: bits of enum ptx_add_flags
 *
 * What is mounted or held may have the host's root on it, which cannot be told
 * from here; so that is never overridden.
 *
 * Return: true if it does.
 */
bool ptx_guard_may_override(u32 reason, u32 flags)
{
	switch (reason) {
	case PTX_REASON_NET_UP:
	case PTX_REASON_NODE_OPEN:
		return flags & PTX_ADD_FLAGS_FORCE;
	case PTX_REASON_BOOT_DISPLAY:
		return flags & PTX_ADD_FLAGS_BOOT_DISPLAY;
	default:
		return false;
	}
}
EXPORT_SYMBOL_IF_KUNIT(ptx_guard_may_override);

/**
 * struct ptx_guard_walk - a look below a device
 * @name: the device
 * @flags: what the request overrides
 * @blockers: where to put what is found
 * @depth: how far below the device
 */
struct ptx_guard_walk {
	const char *name;
	u32 flags;
	struct ptx_blockers *blockers;
	unsigned int depth;
};

static void ptx_guard_add(struct ptx_guard_walk *walk, u32 reason,
			  const char *holder)
{
	if (reason != PTX_REASON_NONE && !ptx_guard_may_override(reason, walk->flags))
		ptx_blockers_add_use(walk->blockers, reason, walk->name, holder);
}

static int ptx_guard_visit(struct device *dev, void *data)
{
	struct ptx_guard_walk *walk = data;
	const char *class = dev->class ? dev->class->name : "";
	u32 i, before = walk->blockers->nr;
	struct device *head;

	if (walk->depth == PTX_GUARD_DEPTH_MAX)
		return 0;
	walk->depth++;
	head = strcmp(class, "block") ? NULL : ptx_guard_head(dev);
	if (head) {
		ptx_guard_visit(head, walk);
		put_device(head);
	}
	device_for_each_child(dev, walk, ptx_guard_visit);
	walk->depth--;
	/* A disk is marked as held when a partition is; that one says more. */
	if (walk->blockers->nr != before)
		return 0;
	if (ptx_guard_is_filesystem(dev))
		ptx_guard_add(walk, PTX_REASON_MOUNTED, dev_name(dev));
	for (i = 0; i < ARRAY_SIZE(ptx_guard_rules); i++)
		if (!strcmp(class, ptx_guard_rules[i].class))
			ptx_guard_add(walk, ptx_guard_rules[i].look(dev),
				      dev_name(dev));
	return 0;
}

/*
 * Firmware's framebuffer lies in one of its BARs, and the first driver that
 * resets it destroys that for good; or it is the VGA device that the host booted
 * with, and virtual terminals are shown at all.
 */
static bool ptx_guard_is_boot_display(struct pci_dev *pdev)
{
	struct pci_dev *screen = ptx_screen_info_pci_dev();
	bool is = screen == pdev;

	pci_dev_put(screen);
#if IS_ENABLED(CONFIG_VT)
	if (pdev == vga_default_device()) {
		console_lock();
		is |= vc_cons[fg_console].d &&
		      vc_cons[fg_console].d->vc_sw != &dummy_con;
		console_unlock();
	}
#endif
	return is;
}

/**
 * ptx_guard_verdict() - gather what the host uses a device for
 * @pdev: the device; its lock keeps its driver from going while we look
 * @flags: bits of enum ptx_add_flags; what they override is no blocker
 * @blockers: where to put them; none added means the device is idle
 *
 * May sleep.
 */
void ptx_guard_verdict(struct pci_dev *pdev, u32 flags,
		       struct ptx_blockers *blockers)
{
	struct ptx_guard_walk walk = {
		.name = pci_name(pdev),
		.flags = flags,
		.blockers = blockers,
	};

	device_lock_assert(&pdev->dev);
	if (ptx_guard_is_boot_display(pdev))
		ptx_guard_add(&walk, PTX_REASON_BOOT_DISPLAY, "");
	if (pci_num_vf(pdev))
		ptx_guard_add(&walk, PTX_REASON_VFS_ENABLED, "");
	device_for_each_child(&pdev->dev, &walk, ptx_guard_visit);
}
