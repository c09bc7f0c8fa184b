/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_IOMMUFD_H
#define PTX_IOMMUFD_H

#include <linux/types.h>

struct ptx_space;
struct vfio_device;

int ptx_iommufd_attach(struct vfio_device *vdev, struct ptx_space *space,
		       struct ptx_space **attached, u32 *pt_id);
void ptx_iommufd_detach(struct vfio_device *vdev, struct ptx_space **attached);

#endif
