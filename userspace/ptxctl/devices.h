/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devices: what is said of a device in a line.
 */
#ifndef PTXCTL_DEVICES_H
#define PTXCTL_DEVICES_H

#include <stddef.h>

struct ptx_device;
struct ptx_lease_info_list;

const char *device_holder(const struct ptx_device *dev,
			  const struct ptx_lease_info_list *leases, char *buf, size_t size);

#endif /* PTXCTL_DEVICES_H */
