/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * topology: where devices are in the PCI tree, and how far they are from each other.
 */
#ifndef LIBPTX_TOPOLOGY_H
#define LIBPTX_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_topology;

/**
 * enum ptx_distance - the way from one device to another, nearest first
 * @PTX_DISTANCE_SELF: it is the same one
 * @PTX_DISTANCE_DEV: two functions of one device
 * @PTX_DISTANCE_PIX: through one switch
 * @PTX_DISTANCE_PXB: through several switches or bridges, but no host bridge
 * @PTX_DISTANCE_PHB: through a host bridge
 * @PTX_DISTANCE_NODE: through two host bridges of one NUMA node
 * @PTX_DISTANCE_SYS: from one NUMA node to another, or nobody knows
 *
 * From PIX on, the names are those of nvidia-smi.
 */
enum ptx_distance {
	PTX_DISTANCE_SELF,
	PTX_DISTANCE_DEV,
	PTX_DISTANCE_PIX,
	PTX_DISTANCE_PXB,
	PTX_DISTANCE_PHB,
	PTX_DISTANCE_NODE,
	PTX_DISTANCE_SYS,
};

/**
 * enum ptx_acs - does ACS redirect what devices send each other?
 * @PTX_ACS_UNKNOWN: only root can read that
 * @PTX_ACS_DIRECT: no; switches pass it on
 * @PTX_ACS_REDIRECT: yes, through the root, where the IOMMU sees it
 * @PTX_ACS_NONE: it goes through a host bridge in any case
 */
enum ptx_acs {
	PTX_ACS_UNKNOWN,
	PTX_ACS_DIRECT,
	PTX_ACS_REDIRECT,
	PTX_ACS_NONE,
};

/**
 * enum ptx_port - what a device is to those behind it
 * @PTX_PORT_NONE: nothing, it is no bridge
 * @PTX_PORT_ROOT: a root port
 * @PTX_PORT_UPSTREAM: the upper port of a switch
 * @PTX_PORT_DOWNSTREAM: one of its lower ports
 * @PTX_PORT_BRIDGE: another bridge
 *
 * Where only root could read it, it is told from the place in the tree.
 */
enum ptx_port {
	PTX_PORT_NONE,
	PTX_PORT_ROOT,
	PTX_PORT_UPSTREAM,
	PTX_PORT_DOWNSTREAM,
	PTX_PORT_BRIDGE,
};

/**
 * struct ptx_topology_device - a PCI function, and its place
 * @name: under /sys/bus/pci/devices
 * @host_bridge: the bus that its branch of the tree begins at, such as pci0000:00; empty
 *	when that is not known
 * @physfn: the physical function of a VF, or empty
 * @parent: the bridge above it; NULL when there is none, or none that is known
 * @port: what it is to those behind it
 * @acs: what its own ACS settings do to what passes it; never PTX_ACS_NONE
 * @class_code: the 24-bit PCI class code, 0 when not known
 * @vendor_id: PCI vendor id, 0 when not known
 * @numa_node: its NUMA node, or -1
 * @has_group: whether it is in an IOMMU group
 * @group: which one
 */
struct ptx_topology_device {
	char name[PTX_DEVICE_NAME_SIZE];
	char host_bridge[PTX_DEVICE_NAME_SIZE];
	char physfn[PTX_DEVICE_NAME_SIZE];
	const struct ptx_topology_device *parent;
	enum ptx_port port;
	enum ptx_acs acs;
	uint32_t class_code;
	uint16_t vendor_id;
	int numa_node;
	bool has_group;
	uint32_t group;
};

/**
 * struct ptx_topology_link - the way between two devices
 * @distance: of which sort
 * @hops: its length in steps from bus to bus, as the kernel's p2pdma counts them
 * @acs: whether ACS makes it longer
 */
struct ptx_topology_link {
	enum ptx_distance distance;
	unsigned int hops;
	enum ptx_acs acs;
};

/**
 * ptx_topology_get() - read the PCI tree from sysfs; needs neither root nor the module
 * @ctx: the context
 * @out: the tree; undone by ptx_topology_free()
 *
 * What makes no sense is left out, or taken as not known.
 *
 * Return: 0; -EACCES and the like when there is a tree that cannot be read; -ENOMEM.
 */
int ptx_topology_get(struct ptx_ctx *ctx, struct ptx_topology **out);

/** ptx_topology_free() - free a tree; NULL is fine */
void ptx_topology_free(struct ptx_topology *topo);

/** ptx_topology_count() - how many functions there are, bridges included */
size_t ptx_topology_count(const struct ptx_topology *topo);

/** ptx_topology_at() - one of them, in order of address; NULL beyond the end */
const struct ptx_topology_device *ptx_topology_at(const struct ptx_topology *topo, size_t i);

/**
 * ptx_topology_find() - a device by its name
 * @topo: the tree
 * @name: its address; or what a request calls a virtual function or a mediated device by
 *	(see selector.h), which is the device that it is of
 *
 * Return: the device, owned by the tree; NULL when there is none.
 */
const struct ptx_topology_device *ptx_topology_find(const struct ptx_topology *topo,
						    const char *name);

/**
 * ptx_topology_link() - the way from one device to another
 * @topo: the tree that both are of
 * @a: one
 * @b: the other
 * @link: what is known about it
 */
void ptx_topology_link(const struct ptx_topology *topo, const struct ptx_topology_device *a,
		       const struct ptx_topology_device *b, struct ptx_topology_link *link);

/**
 * ptx_topology_cliques() - which devices share a switch
 * @topo: the tree
 * @names: the devices in question
 * @nr: how many
 * @cliques: gets a number for each; -1 for one that shares no switch with another of them
 *
 * They can reach each other without a host bridge, if ACS lets them. Numbers count from 0,
 * in the order of the first member of each.
 *
 * Return: how many cliques there are.
 */
size_t ptx_topology_cliques(const struct ptx_topology *topo, const char *const *names,
			    size_t nr, int *cliques);

/** ptx_distance_name() - "PIX", "PHB" and so on; "X" for the same device */
const char *ptx_distance_name(enum ptx_distance distance);

/** ptx_acs_name() - "unknown", "direct", "redirect"; NULL where it does not matter */
const char *ptx_acs_name(enum ptx_acs acs);

/** ptx_port_name() - "root port", "switch", "switch port", "bridge"; NULL for no bridge */
const char *ptx_port_name(enum ptx_port port);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_TOPOLOGY_H */
