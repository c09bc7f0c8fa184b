/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading and setting a device's driver_override, kept by the driver core
 * since it has device_set_driver_override(), by struct pci_dev before.
 */
#ifndef PTX_COMPAT_DRIVER_OVERRIDE_H
#define PTX_COMPAT_DRIVER_OVERRIDE_H

#include <linux/device.h>
#include <linux/pci.h>
#include <linux/slab.h>

#ifdef PTX_HAVE_DEVICE_SET_DRIVER_OVERRIDE
/*
 * The core has no reader but the sysfs attribute; its lock is taken just as
 * that one does. The copy is made by the caller's buffer, as nothing may be
 * allocated under a spinlock.
 */
static inline ssize_t ptx_driver_override_read(struct pci_dev *pdev, char *buf,
					       size_t size)
{
	ssize_t len = 0;

	buf[0] = '\0';
	spin_lock(&pdev->dev.driver_override.lock);
	if (pdev->dev.driver_override.name)
		len = strscpy(buf, pdev->dev.driver_override.name, size);
	spin_unlock(&pdev->dev.driver_override.lock);
	return len;
}

static inline int ptx_driver_override_write(struct pci_dev *pdev, const char *s)
{
	return device_set_driver_override(&pdev->dev, s);
}
/* For show: never waits for a driver. */
static inline void ptx_driver_override_peek(struct pci_dev *pdev, char *buf,
					    size_t size)
{
	ptx_driver_override_read(pdev, buf, size);
}
#else
static inline ssize_t ptx_driver_override_read(struct pci_dev *pdev, char *buf,
					       size_t size)
{
	ssize_t len = 0;

	buf[0] = '\0';
	device_lock(&pdev->dev);
	if (pdev->driver_override)
		len = strscpy(buf, pdev->driver_override, size);
	device_unlock(&pdev->dev);
	return len;
}

static inline int ptx_driver_override_write(struct pci_dev *pdev, const char *s)
{
	return driver_set_override(&pdev->dev, &pdev->driver_override, s,
				   strlen(s));
}

static inline void ptx_driver_override_peek(struct pci_dev *pdev, char *buf,
					    size_t size)
{
	buf[0] = '\0';
	if (!device_trylock(&pdev->dev))
		return;
	if (pdev->driver_override)
		strscpy(buf, pdev->driver_override, size);
	device_unlock(&pdev->dev);
}
#endif

#endif
