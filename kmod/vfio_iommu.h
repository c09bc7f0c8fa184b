/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_VFIO_IOMMU_H
#define PTX_VFIO_IOMMU_H

#include <linux/kconfig.h>

#if IS_ENABLED(CONFIG_VFIO_CONTAINER)
int ptx_vfio_iommu_init(void);
void ptx_vfio_iommu_exit(void);
#else
static inline int ptx_vfio_iommu_init(void)
{
	return 0;
}

static inline void ptx_vfio_iommu_exit(void)
{
}
#endif

#endif
