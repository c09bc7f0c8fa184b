// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fake mediated device, for tests of what such a device asks of a VFIO container: it
 * reads and writes the VM's memory when it is read and written itself, at that address,
 * and holds a page of it when told so. Never built or installed but for tests.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "ptx_mediated.h"

/**
 * struct mediated - the device
 * @vdev: first, as VFIO demands
 * @lock: protects what follows
 * @page: the page that it holds, or NULL
 * @iova: where that is
 * @asked: how often it was asked to let go
 */
struct mediated {
	struct vfio_device vdev;
	struct mutex lock;
	struct page *page;
	u64 iova;
	u32 asked;
};

static struct mediated *to_mediated(struct vfio_device *vdev)
{
	return container_of(vdev, struct mediated, vdev);
}

static int mediated_init_device(struct vfio_device *vdev)
{
	mutex_init(&to_mediated(vdev)->lock);
	return 0;
}

static void mediated_let_go(struct mediated *m)
{
	lockdep_assert_held(&m->lock);
	if (m->page)
		vfio_unpin_pages(&m->vdev, m->iova, 1);
	m->page = NULL;
}

static void mediated_close(struct vfio_device *vdev)
{
	struct mediated *m = to_mediated(vdev);

	mutex_lock(&m->lock);
	mediated_let_go(m);
	mutex_unlock(&m->lock);
}

static void mediated_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct mediated *m = to_mediated(vdev);

	mutex_lock(&m->lock);
	m->asked++;
	if (m->page && m->iova >= iova && m->iova - iova < length)
		mediated_let_go(m);
	mutex_unlock(&m->lock);
}

static ssize_t mediated_copy(struct vfio_device *vdev, char __user *buf, size_t count,
			     loff_t *ppos, bool write)
{
	void *data;
	int ret = 0;

	if (count > 4 * PAGE_SIZE)
		return -EINVAL;
	data = kzalloc(count, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	if (write && copy_from_user(data, buf, count))
		ret = -EFAULT;
	if (!ret)
		ret = vfio_dma_rw(vdev, *ppos, data, count, write);
	if (!ret && !write && copy_to_user(buf, data, count))
		ret = -EFAULT;
	kfree(data);
	return ret ?: count;
}

static ssize_t mediated_read(struct vfio_device *vdev, char __user *buf, size_t count,
			     loff_t *ppos)
{
	return mediated_copy(vdev, buf, count, ppos, false);
}

static ssize_t mediated_write(struct vfio_device *vdev, const char __user *buf,
			      size_t count, loff_t *ppos)
{
	return mediated_copy(vdev, (char __user *)buf, count, ppos, true);
}

static long mediated_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct mediated *m = to_mediated(vdev);
	u64 __user *user = (u64 __user *)arg;
	long ret = -ENOTTY;
	u64 iova;

	mutex_lock(&m->lock);
	if (cmd == MEDIATED_HOLD) {
		ret = get_user(iova, user);
		if (!ret && m->page)
			ret = -EBUSY;
		if (!ret)
			ret = vfio_pin_pages(vdev, iova, 1, IOMMU_READ | IOMMU_WRITE, &m->page);
		if (ret == 1)
			m->iova = iova;
		else
			m->page = NULL;
	} else if (cmd == MEDIATED_PEEK) {
		ret = m->page ? 0 : -ENOENT;
		if (!ret) {
			memcpy_from_page((char *)&iova, m->page, 0, sizeof(iova));
			ret = put_user(iova, user);
		}
	} else if (cmd == MEDIATED_ASKED) {
		ret = m->asked;
	}
	mutex_unlock(&m->lock);
	return ret;
}

static const struct vfio_device_ops mediated_ops = {
	.name		= "ptx-mediated",
	.init		= mediated_init_device,
	.close_device	= mediated_close,
	.read		= mediated_read,
	.write		= mediated_write,
	.ioctl		= mediated_ioctl,
	.dma_unmap	= mediated_unmap,
	.bind_iommufd	= vfio_iommufd_emulated_bind,
	.unbind_iommufd	= vfio_iommufd_emulated_unbind,
	.attach_ioas	= vfio_iommufd_emulated_attach_ioas,
	.detach_ioas	= vfio_iommufd_emulated_detach_ioas,
};

static int mediated_probe(struct platform_device *pdev)
{
	struct mediated *m = vfio_alloc_device(mediated, vdev, &pdev->dev, &mediated_ops);
	int ret;

	if (IS_ERR(m))
		return PTR_ERR(m);
	ret = vfio_register_emulated_iommu_dev(&m->vdev);
	if (ret)
		vfio_put_device(&m->vdev);
	else
		platform_set_drvdata(pdev, m);
	return ret;
}

static void mediated_remove(struct platform_device *pdev)
{
	struct mediated *m = platform_get_drvdata(pdev);

	vfio_unregister_group_dev(&m->vdev);
	vfio_put_device(&m->vdev);
}

static struct platform_driver mediated_driver = {
	.probe	= mediated_probe,
	.remove	= mediated_remove,
	.driver	= { .name = "ptx-mediated" },
};

static struct platform_device *mediated_device;

static int __init mediated_init(void)
{
	int ret = platform_driver_register(&mediated_driver);

	if (ret)
		return ret;
	mediated_device = platform_device_register_simple("ptx-mediated", -1, NULL, 0);
	if (!IS_ERR(mediated_device))
		return 0;
	platform_driver_unregister(&mediated_driver);
	return PTR_ERR(mediated_device);
}

static void __exit mediated_exit(void)
{
	platform_device_unregister(mediated_device);
	platform_driver_unregister(&mediated_driver);
}

module_init(mediated_init);
module_exit(mediated_exit);

MODULE_DESCRIPTION("A fake mediated device, for tests");
MODULE_AUTHOR("The ptx authors");
MODULE_LICENSE("GPL");
