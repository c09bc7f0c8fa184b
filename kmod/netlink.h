/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_NETLINK_H
#define PTX_NETLINK_H

int ptx_netlink_init(void);
void ptx_netlink_exit(void);

#endif
