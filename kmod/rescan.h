/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_RESCAN_H
#define PTX_RESCAN_H

struct ptx_member;

int ptx_rescan(struct ptx_member *member);

#endif
