// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that are opened through VFIO's character devices, where their lease has a
 * space. Binding to an iommufd stays VFIO's: it is what owns the DMA of the group, and
 * numbers the device. What is attached then is the space, and not something of
 * /dev/iommu, which maps past everybody.
 *
 * Built only where the kernel has iommufd. Called under the lock of the device set.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/vfio.h>

#include "domain.h"
#include "iommufd.h"
#include "space.h"

/* What a VMM asks for that maps through the lease file: no object has this number. */
#define PTX_IOMMUFD_SPACE	0

/**
 * ptx_iommufd_attach() - VFIO_DEVICE_ATTACH_IOMMUFD_PT
 * @vdev: bound to an iommufd
 * @space: of its lease; NULL where DMA is left to iommufd
 * @attached: where it is kept which space the device is attached to
 * @pt_id: what is asked for
 *
 * Undone by ptx_iommufd_detach().
 *
 * Return: 0; -EPERM for something of /dev/iommu where there is a space, and the other
 * way round; or an error of ptx_domain_attach() or iommufd.
 */
int ptx_iommufd_attach(struct vfio_device *vdev, struct ptx_space *space,
		       struct ptx_space **attached, u32 *pt_id)
{
	struct iommu_group *group;
	int ret;

	lockdep_assert_held(&vdev->dev_set->lock);
	if (!space)
		return vfio_iommufd_physical_attach_ioas(vdev, pt_id);
	if (*pt_id != PTX_IOMMUFD_SPACE) {
		dev_notice_ratelimited(vdev->dev, "its lease has a DMA space, so nothing can be mapped through /dev/iommu: use a VFIO container, or a lease without a space (ptxctl run --no-space)\n");
		return -EPERM;
	}
	if (*attached)
		return 0;
	group = iommu_group_get(vdev->dev);
	if (!group)
		return -ENODEV;
	ret = ptx_domain_attach(space, group, true);
	iommu_group_put(group);
	if (ret)
		return ret;
	ptx_space_get(space);
	*attached = space;
	return 0;
}

/**
 * ptx_iommufd_detach() - undo ptx_iommufd_attach()
 * @vdev: attached to something, or not
 * @attached: where it is kept to which space
 */
void ptx_iommufd_detach(struct vfio_device *vdev, struct ptx_space **attached)
{
	struct iommu_group *group;

	lockdep_assert_held(&vdev->dev_set->lock);
	if (!*attached)
		return;
	group = iommu_group_get(vdev->dev);
	if (!WARN_ON(!group))
		ptx_domain_detach(*attached, group);
	iommu_group_put(group);
	ptx_space_put(*attached);
	*attached = NULL;
}
