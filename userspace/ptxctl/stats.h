/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stats: what is counted of leases, and the form that collectors of metrics read.
 */
#ifndef PTXCTL_STATS_H
#define PTXCTL_STATS_H

#include <stddef.h>

struct ptx_lease_info;

void metrics_print(const struct ptx_lease_info *const *leases, size_t nr);

#endif /* PTXCTL_STATS_H */
