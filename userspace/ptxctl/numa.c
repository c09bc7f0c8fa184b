// SPDX-License-Identifier: GPL-2.0-only
/*
 * numa: a VMM near its devices: on the CPUs of their node, and with its memory.
 *
 * To CPUs it is bound, where the worst that can happen is that it waits for one. Memory is
 * preferred, not bound: all of a VM's memory is locked, so that a node which is too small
 * would have the VMM killed for want of memory, with plenty on the next one.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/mempolicy.h>
#include "numa.h"
#include "ptxctl.h"

/* The CPUs of a node; false when nothing is known of it. */
bool numa_node_cpus(unsigned int node, struct cpulist *cpus)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u/cpulist", node);
	return cpulist_read(path, cpus);
}

/* The nodes that devices are on, as far as they are known; false with an error told. */
bool numa_nodes_of(struct cli *cli, const char *const *devices, size_t nr,
		   struct cpulist *nodes)
{
	const struct ptx_topology_device *dev;
	struct ptx_topology *topo;

	memset(nodes, 0, sizeof(*nodes));
	if (ptx_topology_get(cli->ctx, &topo)) {
		cli_fail(cli);
		return false;
	}
	for (size_t i = 0; i < nr; i++) {
		dev = ptx_topology_find(topo, devices[i]);
		if (dev && dev->numa_node >= 0)
			cpulist_add(nodes, (unsigned int)dev->numa_node);
	}
	ptx_topology_free(topo);
	return true;
}

/**
 * numa_plan() - where a VMM with these devices should run
 * @cli: the program
 * @devices: their addresses
 * @nr: how many
 * @verbose: tell it
 * @numa: gets the plan; empty where nothing is known, which is said
 *
 * Return: an exit status.
 */
int numa_plan(struct cli *cli, const char *const *devices, size_t nr, bool verbose,
	      struct numa *numa)
{
	struct cpulist allowed, one;
	char cpus[256], nodes[128];

	memset(numa, 0, sizeof(*numa));
	if (!numa_nodes_of(cli, devices, nr, &numa->nodes))
		return EXIT_REFUSED;
	if (!cpulist_count(&numa->nodes)) {
		cli_say("the NUMA node of the devices is not known: the command runs anywhere");
		return EXIT_DONE;
	}
	for (int node = -1; (node = cpulist_next(&numa->nodes, node)) >= 0;) {
		if (numa_node_cpus((unsigned int)node, &one))
			cpulist_join(&numa->cpus, &one);
	}
	if (cpulist_allowed(&allowed))
		cpulist_cut(&numa->cpus, &allowed);
	cpulist_text(&numa->nodes, nodes, sizeof(nodes));
	cpulist_text(&numa->cpus, cpus, sizeof(cpus));
	if (!*cpus)
		cli_say("NUMA node %s has no CPUs that may be used: the command runs on any",
			nodes);
	else if (verbose)
		cli_say("NUMA node %s: CPUs %s", nodes, cpus);
	return EXIT_DONE;
}

/**
 * numa_apply() - have this process, and what it becomes, run there
 * @numa: the plan
 *
 * Both survive exec() and are inherited. Somewhere else a VM is slower, but it runs: what
 * cannot be done is only said.
 */
void numa_apply(const struct numa *numa)
{
	unsigned int nodes = cpulist_count(&numa->nodes);
	unsigned long mask[CPULIST_MAX / (8 * sizeof(long))];
	int last = -1;

	if (cpulist_count(&numa->cpus) &&
	    sched_setaffinity(0, sizeof(numa->cpus.bits), (const cpu_set_t *)numa->cpus.bits))
		cli_say("cannot keep to the CPUs of the devices' NUMA node: %s", strerror(errno));
	if (!nodes)
		return;
	memset(mask, 0, sizeof(mask));
	for (int node = -1; (node = cpulist_next(&numa->nodes, node)) >= 0; last = node)
		mask[(size_t)node / (8 * sizeof(long))] |= 1UL << (size_t)node % (8 * sizeof(long));
	/* The kernel takes one bit less than it is told. */
	if (syscall(SYS_set_mempolicy, nodes > 1 ? MPOL_PREFERRED_MANY : MPOL_PREFERRED, mask,
		    (unsigned long)last + 2))
		cli_say("cannot prefer memory of the devices' NUMA node: %s", strerror(errno));
}
