/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_POOL_H
#define PTX_POOL_H

#include <linux/types.h>

struct iommu_group;
struct ptx_blockers;
struct ptx_device_name;
struct ptx_fault;
struct ptx_lease;
struct ptx_roms;

bool ptx_pool_is(const struct ptx_lease *lease);
struct ptx_lease *ptx_pool_get(void);
void ptx_pool_kick(void);
long ptx_pool_await(struct iommu_group *group, unsigned long deadline);
int ptx_pool_add(const struct ptx_device_name *devices, u32 nr, u32 flags,
		 const struct ptx_roms *roms, u32 timeout_ms,
		 struct ptx_blockers *blockers);
int ptx_pool_remove(const struct ptx_device_name *devices, u32 nr, u32 timeout_ms,
		    struct ptx_fault *fault);
int ptx_pool_init(void);
void ptx_pool_exit(void);

#endif
