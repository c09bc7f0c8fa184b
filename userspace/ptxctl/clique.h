/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clique: GPUs of a VM that can reach each other directly.
 */
#ifndef PTXCTL_CLIQUE_H
#define PTXCTL_CLIQUE_H

#include <stddef.h>

struct cli;

int *clique_list(struct cli *cli, const char *const *devices, size_t nr);

#endif /* PTXCTL_CLIQUE_H */
