/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_CHARDEV_H
#define PTX_CHARDEV_H

int ptx_chardev_init(void);
void ptx_chardev_exit(void);

#endif
