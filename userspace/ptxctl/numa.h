/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * numa: a VMM near its devices.
 */
#ifndef PTXCTL_NUMA_H
#define PTXCTL_NUMA_H

#include <stdbool.h>
#include <stddef.h>
#include "cpulist.h"

struct cli;

/**
 * struct numa - where a VMM is to run
 * @cpus: the CPUs it may use; none at all are all
 * @nodes: the nodes that its memory is to come from; likewise
 */
struct numa {
	struct cpulist cpus;
	struct cpulist nodes;
};

bool numa_node_cpus(unsigned int node, struct cpulist *cpus);
bool numa_nodes_of(struct cli *cli, const char *const *devices, size_t nr,
		   struct cpulist *nodes);
int numa_plan(struct cli *cli, const char *const *devices, size_t nr, bool verbose,
	      struct numa *numa);
void numa_apply(const struct numa *numa);

#endif /* PTXCTL_NUMA_H */
