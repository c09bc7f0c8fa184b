/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_REQUEST_H
#define PTX_REQUEST_H

struct ptx_fault;
struct ptx_lease;

int ptx_home_verdict(struct ptx_lease *lease, long left, struct ptx_fault *fault);

#endif
