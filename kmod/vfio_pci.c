// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx-vfio-pci: a thin VFIO variant driver over vfio-pci-core.
 *
 * It takes only a device whose claim is being built, opens it only for the
 * lease's owner (and, if the lease is bound to a process, only for that
 * process and its descendants), and tells the lease when VFIO's users come and
 * go. A file passed on after the open carries access with it, as everywhere in
 * Unix. Probe, remove and every op run under locks of the driver core or VFIO
 * and take nothing of ours but the lease's state_lock.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/vfio_pci_core.h>

#include "access.h"
#include "events.h"
#include "lease.h"
#include "vfio_pci.h"

/**
 * struct ptx_vfio_device - a device on ptx-vfio-pci
 * @core: first, as vfio-pci-core demands
 * @member: what it is in a lease; a reference
 */
struct ptx_vfio_device {
	struct vfio_pci_core_device core;
	struct ptx_member *member;
};

static struct ptx_vfio_device *ptx_vfio_device(struct vfio_device *vdev)
{
	return container_of(vdev, struct ptx_vfio_device, core.vdev);
}

static int ptx_vfio_open_device(struct vfio_device *vdev)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);
	struct ptx_member *member = pv->member;
	struct ptx_lease *lease = member->claim->lease;
	int ret = -EACCES;

	if (!ptx_may_open(lease))
		return ret;
	spin_lock(&lease->state_lock);
	if (lease->state == PTX_LEASE_STATE_ACTIVE &&
	    member->claim->state == PTX_MEMBER_STATE_READY) {
		member->opened = true;
		ret = 0;
	}
	spin_unlock(&lease->state_lock);
	if (ret)
		return ret;

	ret = vfio_pci_core_enable(&pv->core);
	if (ret) {
		spin_lock(&lease->state_lock);
		member->opened = false;
		spin_unlock(&lease->state_lock);
		wake_up_all(&lease->wait);
		return ret;
	}
	vfio_pci_core_finish_enable(&pv->core);
	ptx_event_member(PTX_EVENT_MEMBER_OPENED, member, PTX_REASON_NONE);
	return 0;
}

static void ptx_vfio_close_device(struct vfio_device *vdev)
{
	struct ptx_member *member = ptx_vfio_device(vdev)->member;
	struct ptx_lease *lease = member->claim->lease;

	vfio_pci_core_close_device(vdev);
	ptx_event_member(PTX_EVENT_MEMBER_CLOSED, member, PTX_REASON_NONE);
	spin_lock(&lease->state_lock);
	member->opened = false;
	spin_unlock(&lease->state_lock);
	wake_up_all(&lease->wait);
}

static void ptx_vfio_release_device(struct vfio_device *vdev)
{
	struct ptx_member *member = ptx_vfio_device(vdev)->member;

	vfio_pci_core_release_dev(vdev);
	if (member)
		ptx_member_put(member);
}

static const struct vfio_device_ops ptx_vfio_ops = {
	.name		= PTX_VFIO_DRIVER,
	.init		= vfio_pci_core_init_dev,
	.release	= ptx_vfio_release_device,
	.open_device	= ptx_vfio_open_device,
	.close_device	= ptx_vfio_close_device,
	.ioctl		= vfio_pci_core_ioctl,
#ifdef PTX_HAVE_GET_REGION_INFO_CAPS
	.get_region_info_caps = vfio_pci_ioctl_get_region_info,
#endif
	.device_feature = vfio_pci_core_ioctl_feature,
	.read		= vfio_pci_core_read,
	.write		= vfio_pci_core_write,
	.mmap		= vfio_pci_core_mmap,
	.request	= vfio_pci_core_request,
	.match		= vfio_pci_core_match,
#ifdef PTX_HAVE_MATCH_TOKEN_UUID
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#endif
	.bind_iommufd	= vfio_iommufd_physical_bind,
	.unbind_iommufd	= vfio_iommufd_physical_unbind,
	.attach_ioas	= vfio_iommufd_physical_attach_ioas,
	.detach_ioas	= vfio_iommufd_physical_detach_ioas,
};

static int ptx_vfio_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ptx_vfio_device *pv;
	struct ptx_member *member;
	struct ptx_lease *lease;
	bool expected;
	int ret;

	member = ptx_member_get(pdev);
	if (!member)
		return -ENODEV;
	lease = member->claim->lease;
	spin_lock(&lease->state_lock);
	expected = member->claim->state == PTX_MEMBER_STATE_BUILDING &&
		   !member->claim->built && ptx_vfio_is_ours(member->claim->driver);
	spin_unlock(&lease->state_lock);
	if (!expected) {
		ptx_member_put(member);
		return -ENODEV;
	}

	pv = vfio_alloc_device(ptx_vfio_device, core.vdev, &pdev->dev,
			       &ptx_vfio_ops);
	if (IS_ERR(pv)) {
		ptx_member_put(member);
		return PTR_ERR(pv);
	}
	/* The member's reference goes over; the device's release drops it. */
	pv->member = member;
	dev_set_drvdata(&pdev->dev, &pv->core);
	ret = vfio_pci_core_register_device(&pv->core);
	if (ret) {
		vfio_put_device(&pv->core.vdev);
		return ret;
	}
	spin_lock(&lease->state_lock);
	member->vfio = pv;
	spin_unlock(&lease->state_lock);
	return 0;
}

static void ptx_vfio_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
	struct ptx_vfio_device *pv = ptx_vfio_device(&core->vdev);
	struct ptx_lease *lease = pv->member->claim->lease;

	spin_lock(&lease->state_lock);
	pv->member->vfio = NULL;
	spin_unlock(&lease->state_lock);
	vfio_pci_core_unregister_device(core);
	vfio_put_device(&core->vdev);
}

/*
 * Only ever by override. No module alias: libvirt would find it there and bind
 * devices that no lease holds.
 */
static const struct pci_device_id ptx_vfio_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver ptx_vfio_driver = {
	.name			= PTX_VFIO_DRIVER,
	.id_table		= ptx_vfio_ids,
	.probe			= ptx_vfio_probe,
	.remove			= ptx_vfio_remove,
	.err_handler		= &vfio_pci_core_err_handlers,
	.driver_managed_dma	= true,
};

/**
 * ptx_vfio_is_ours() - is this driver name ours
 * @driver: a driver's name
 *
 * Return: true for ptx-vfio-pci.
 */
bool ptx_vfio_is_ours(const char *driver)
{
	return !strcmp(driver, PTX_VFIO_DRIVER);
}

/**
 * ptx_vfio_ask_back() - ask whoever has the device open to let it go
 * @member: the member
 * @count: how many times it has been asked before
 *
 * Through VFIO's request interrupt; a VMM answers with a hot unplug. Does
 * nothing for other drivers.
 */
void ptx_vfio_ask_back(struct ptx_member *member, unsigned int count)
{
	struct ptx_lease *lease = member->claim->lease;
	struct ptx_vfio_device *pv;

	/* Remove clears the pointer before the device can go. */
	spin_lock(&lease->state_lock);
	pv = member->vfio;
	if (pv)
		get_device(&pv->core.vdev.device);
	spin_unlock(&lease->state_lock);
	if (!pv)
		return;
	vfio_pci_core_request(&pv->core.vdev, count);
	put_device(&pv->core.vdev.device);
}

static int ptx_vfio_is_cdev(struct device *dev, void *data)
{
	char *buf = data;

	if (!dev->class || strcmp(dev->class->name, "vfio-dev"))
		return 0;
	strscpy(buf, dev_name(dev), PTX_DEVICE_NAME_SIZE);
	return 1;
}

/**
 * ptx_vfio_cdev_name() - name a device's VFIO character device
 * @pdev: a device on a VFIO driver
 * @buf: gets the name under /dev/vfio/devices, or "" where there is none
 * @size: room in @buf, PTX_DEVICE_NAME_SIZE
 */
void ptx_vfio_cdev_name(struct pci_dev *pdev, char *buf, size_t size)
{
	char name[PTX_DEVICE_NAME_SIZE] = "";

	if (IS_ENABLED(CONFIG_VFIO_DEVICE_CDEV))
		device_for_each_child(&pdev->dev, name, ptx_vfio_is_cdev);
	strscpy(buf, name, size);
}

int ptx_vfio_init(void)
{
	return pci_register_driver(&ptx_vfio_driver);
}

void ptx_vfio_exit(void)
{
	pci_unregister_driver(&ptx_vfio_driver);
}
