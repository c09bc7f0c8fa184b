/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTXCTL_NODES_H
#define PTXCTL_NODES_H

#include <stdbool.h>
#include <sys/types.h>

struct cli;
struct ptx_lease_info;

/* How many files were given, or the first negative errno. */
int nodes_give(struct cli *cli, const struct ptx_lease_info *info, uid_t uid);
bool nodes_await(const struct ptx_lease_info *info, int timeout_ms);

#endif /* PTXCTL_NODES_H */
