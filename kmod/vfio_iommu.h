/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_VFIO_IOMMU_H
#define PTX_VFIO_IOMMU_H

/* What it adds to those that the module has; see Kbuild for when that is. */
#ifdef PTX_HAVE_VFIO_CONTAINER
#define PTX_VFIO_IOMMU_FEATURES	PTX_FEATURE_CONTAINER
int ptx_vfio_iommu_init(void);
void ptx_vfio_iommu_exit(void);
#else
#define PTX_VFIO_IOMMU_FEATURES	0
static inline int ptx_vfio_iommu_init(void)
{
	return 0;
}

static inline void ptx_vfio_iommu_exit(void)
{
}
#endif

#endif
