// SPDX-License-Identifier: GPL-2.0-only
/*
 * clique: GPUs of a VM that can reach each other directly. NVIDIA's driver cannot see the
 * host's switches from inside of a guest; it believes a capability that the VMM makes up,
 * which has four bits for the number.
 */
#include <stdlib.h>
#include "clique.h"
#include "ptxctl.h"

#define VENDOR_NVIDIA	0x10de
#define CLASS_DISPLAY	0x03
#define CLIQUE_MAX	15

/* A VMM refuses it for anything else; and a virtual function has no peers of its own. */
static bool is_gpu(const struct ptx_topology_device *dev)
{
	return dev && dev->vendor_id == VENDOR_NVIDIA && !*dev->physfn &&
	       dev->class_code >> 16 == CLASS_DISPLAY;
}

/**
 * clique_list() - the GPUDirect clique of each device
 * @cli: the program
 * @devices: their addresses
 * @nr: how many
 *
 * Return: a number for each, or -1, to be freed; NULL when out of memory. Where the tree
 * cannot be read, there are no cliques: a guest without them is slower, not wrong.
 */
int *clique_list(struct cli *cli, const char *const *devices, size_t nr)
{
	const char **gpus = calloc(nr + 1, sizeof(*gpus));
	int *list = calloc(nr + 1, sizeof(*list)), *of_gpus = calloc(nr + 1, sizeof(*of_gpus));
	struct ptx_topology *topo = NULL;
	size_t nr_gpus = 0, gpu = 0;

	if (!gpus || !list || !of_gpus || ptx_topology_get(cli->ctx, &topo))
		topo = NULL;
	for (size_t i = 0; topo && i < nr; i++) {
		if (is_gpu(ptx_topology_find(topo, devices[i])))
			gpus[nr_gpus++] = devices[i];
	}
	if (topo)
		ptx_topology_cliques(topo, gpus, nr_gpus, of_gpus);
	for (size_t i = 0; list && i < nr; i++) {
		list[i] = -1;
		if (gpu == nr_gpus || gpus[gpu] != devices[i])
			continue;
		list[i] = of_gpus[gpu] <= CLIQUE_MAX ? of_gpus[gpu] : -1;
		gpu++;
	}
	ptx_topology_free(topo);
	free(gpus);
	free(of_gpus);
	return list;
}
