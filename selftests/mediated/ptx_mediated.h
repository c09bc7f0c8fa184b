/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fake mediated device takes besides being read and written. */
#ifndef PTX_MEDIATED_H
#define PTX_MEDIATED_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Hold the page at this address; 1 if so. */
#define MEDIATED_HOLD	_IOW(0xF7, 0x40, __u64)
/* The first eight bytes of it. */
#define MEDIATED_PEEK	_IOR(0xF7, 0x41, __u64)
/* How often it was asked to let go of what is unmapped. */
#define MEDIATED_ASKED	_IO(0xF7, 0x42)

#endif
