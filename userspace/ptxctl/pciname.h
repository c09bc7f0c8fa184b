/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTXCTL_PCINAME_H
#define PTXCTL_PCINAME_H

struct ptx_device;

const char *pciname_vendor(const struct ptx_device *dev);
const char *pciname_device(const struct ptx_device *dev);
const char *pciname_class(const struct ptx_device *dev);
void pciname_end(void);

#endif /* PTXCTL_PCINAME_H */
