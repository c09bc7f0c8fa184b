// SPDX-License-Identifier: GPL-2.0-only
/*
 * topology: the PCI tree with what is leased of it, and how far devices are from each other.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "devices.h"
#include "output.h"
#include "pciname.h"
#include "ptxctl.h"

/**
 * struct view - what is to be shown
 * @cli: the program
 * @topo: the tree
 * @list: the module's devices
 * @leases: those that may be seen
 * @shown: which of the tree, by index
 * @ends: the devices whose distances are told
 * @labels: what each is called there
 * @cliques: which switch each shares with others, or -1
 * @nr_ends: how many
 */
struct view {
	struct cli *cli;
	struct ptx_topology *topo;
	struct ptx_device_list *list;
	struct ptx_lease_info_list *leases;
	bool *shown;
	const char **ends;
	char (*labels)[16];
	int *cliques;
	size_t nr_ends;
};

static const struct ptx_device *device_of(const struct view *view, const char *name)
{
	return ptx_device_list_find(view->list, name);
}

/* Virtual functions are where their physical one is: it stands for them. */
static bool is_end(const struct ptx_device *dev, const struct ptx_topology_device *place)
{
	switch (dev ? ptx_device_kind(dev) : PTX_KIND_OTHER) {
	case PTX_KIND_GPU:
	case PTX_KIND_NPU:
	case PTX_KIND_NIC:
	case PTX_KIND_NVME:
		return !*place->physfn;
	default:
		return false;
	}
}

static bool find_ends(struct view *view)
{
	size_t n = ptx_topology_count(view->topo), seen[PTX_KIND_BRIDGE + 1] = { 0 };
	const struct ptx_topology_device *place;

	view->ends = calloc(n + 1, sizeof(*view->ends));
	view->labels = calloc(n + 1, sizeof(*view->labels));
	view->cliques = calloc(n + 1, sizeof(*view->cliques));
	if (!view->ends || !view->labels || !view->cliques)
		return false;
	for (size_t i = 0; (place = ptx_topology_at(view->topo, i)); i++) {
		const struct ptx_device *dev = device_of(view, place->name);

		if (!is_end(dev, place))
			continue;
		snprintf(view->labels[view->nr_ends], sizeof(view->labels[0]), "%s%zu",
			 ptx_kind_name(ptx_device_kind(dev)), seen[ptx_device_kind(dev)]++);
		view->ends[view->nr_ends++] = place->name;
	}
	ptx_topology_cliques(view->topo, view->ends, view->nr_ends, view->cliques);
	return true;
}

static void link_between(const struct view *view, size_t a, size_t b,
			 struct ptx_topology_link *link)
{
	ptx_topology_link(view->topo, ptx_topology_find(view->topo, view->ends[a]),
			  ptx_topology_find(view->topo, view->ends[b]), link);
}

static size_t index_of(const struct view *view, const struct ptx_topology_device *place)
{
	size_t i = 0;

	while (ptx_topology_at(view->topo, i) != place)
		i++;
	return i;
}

/* What one could lease, and the bridges above it; or all. */
static bool find_shown(struct view *view, bool all)
{
	const struct ptx_topology_device *place;

	view->shown = calloc(ptx_topology_count(view->topo) + 1, sizeof(*view->shown));
	for (size_t i = 0; view->shown && (place = ptx_topology_at(view->topo, i)); i++) {
		const struct ptx_device *dev = device_of(view, place->name);

		if (!all && (!dev || ptx_device_kind(dev) == PTX_KIND_BRIDGE))
			continue;
		view->shown[i] = true;
		for (place = place->parent; place; place = place->parent)
			view->shown[index_of(view, place)] = true;
	}
	return view->shown;
}

static void tree_row(const struct view *view, struct table *table,
		     const struct ptx_topology_device *place, unsigned int depth)
{
	const struct ptx_device *dev = device_of(view, place->name);
	char buf[32];

	table_cellf(table, "%*s%s", 2 * (int)depth, "", place->name);
	table_cell(table, ptx_port_name(place->port) ?:
			  dev ? ptx_kind_name(ptx_device_kind(dev)) : NULL);
	if (dev)
		table_cellf(table, "%s %s", pciname_vendor(dev), pciname_device(dev));
	else
		table_cell(table, NULL);
	if (place->has_group)
		table_cellf(table, "%u", place->group);
	else
		table_cell(table, NULL);
	if (place->numa_node >= 0)
		table_cellf(table, "%d", place->numa_node);
	else
		table_cell(table, NULL);
	table_cell(table, dev ? device_holder(dev, view->leases, buf, sizeof(buf)) : NULL);
}

/* Everything directly behind @parent, or on the root bus @bus; and what is behind that. */
static void tree_rows(const struct view *view, struct table *table,
		      const struct ptx_topology_device *parent, const char *bus,
		      unsigned int depth)
{
	const struct ptx_topology_device *place;

	for (size_t i = 0; (place = ptx_topology_at(view->topo, i)); i++) {
		if (place->parent != parent || strcmp(place->host_bridge, bus) ||
		    !view->shown[i])
			continue;
		tree_row(view, table, place, depth);
		tree_rows(view, table, place, bus, depth + 1);
	}
}

/* Is it the first of its root bus that is shown? */
static bool begins_bus(const struct view *view, size_t i)
{
	const struct ptx_topology_device *place = ptx_topology_at(view->topo, i), *other;

	if (place->parent || !view->shown[i])
		return false;
	for (size_t j = 0; j < i; j++) {
		other = ptx_topology_at(view->topo, j);
		if (!other->parent && !strcmp(other->host_bridge, place->host_bridge) &&
		    view->shown[j])
			return false;
	}
	return true;
}

static void print_tree(const struct view *view)
{
	const struct ptx_topology_device *place;
	struct table *table;

	table = table_new(6, "ADDRESS", "KIND", "DEVICE", "GROUP", "NODE", "LEASE");
	for (size_t i = 0; (place = ptx_topology_at(view->topo, i)); i++) {
		if (!begins_bus(view, i))
			continue;
		table_cell(table, *place->host_bridge ? place->host_bridge : "elsewhere");
		table_cell(table, *place->host_bridge ? "host bridge" : NULL);
		for (int column = 2; column < 6; column++)
			table_cell(table, NULL);
		tree_rows(view, table, NULL, place->host_bridge, 1);
	}
	table_print(table);
}

static const char *mark(enum ptx_acs acs)
{
	return acs == PTX_ACS_REDIRECT ? "*" : acs == PTX_ACS_UNKNOWN ? "?" : "";
}

static void print_legend(const bool *distances, const bool *acs)
{
	static const char *const texts[] = {
		[PTX_DISTANCE_SELF]	= NULL,
		[PTX_DISTANCE_DEV]	= "two functions of one device",
		[PTX_DISTANCE_PIX]	= "through one switch",
		[PTX_DISTANCE_PXB]	= "through several switches or bridges, but no host bridge",
		[PTX_DISTANCE_PHB]	= "through a host bridge",
		[PTX_DISTANCE_NODE]	= "through two host bridges of one NUMA node",
		[PTX_DISTANCE_SYS]	= "from one NUMA node to another, or nobody knows",
	};

	putchar('\n');
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (distances[i] && texts[i])
			printf("%-5s %s\n", ptx_distance_name((enum ptx_distance)i), texts[i]);
	}
	if (acs[PTX_ACS_REDIRECT])
		puts("*     ACS redirects it through the root port");
	if (acs[PTX_ACS_UNKNOWN])
		puts("?     whether ACS redirects it, only root can read");
}

static void print_matrix(const struct view *view)
{
	bool distances[PTX_DISTANCE_SYS + 1] = { false }, acs[PTX_ACS_NONE + 1] = { false };
	struct ptx_topology_link link;
	int wide = 0;

	if (view->nr_ends < 2)
		return;
	for (size_t a = 0; a < view->nr_ends; a++) {
		int n = (int)strlen(view->ends[a]);

		wide = n > wide ? n : wide;
	}
	printf("\n%*s", wide + 11, "");
	for (size_t b = 0; b < view->nr_ends; b++)
		printf(b + 1 < view->nr_ends ? "%-7s" : "%s\n", view->labels[b]);
	for (size_t a = 0; a < view->nr_ends; a++) {
		printf("%-7s  %-*s  ", view->labels[a], wide, view->ends[a]);
		for (size_t b = 0; b < view->nr_ends; b++) {
			char cell[16];

			link_between(view, a, b, &link);
			distances[link.distance] = true;
			acs[link.acs] = true;
			snprintf(cell, sizeof(cell), "%s%s", ptx_distance_name(link.distance),
				 mark(link.acs));
			printf(b + 1 < view->nr_ends ? "%-7s" : "%s\n", cell);
		}
	}
	print_legend(distances, acs);
}

static void print_cliques(const struct view *view)
{
	for (int clique = 0;; clique++) {
		bool any = false;

		for (size_t i = 0; i < view->nr_ends; i++) {
			if (view->cliques[i] != clique)
				continue;
			printf("%s%s", any ? " " : clique ? "" : "\n", view->labels[i]);
			any = true;
		}
		if (!any)
			return;
		puts(" share a switch");
	}
}

static struct json_object *place_json(const struct view *view,
				      const struct ptx_topology_device *place)
{
	const struct ptx_device *dev = device_of(view, place->name);
	struct json_object *obj = json_object_new_object();
	uint64_t lease = dev ? ptx_device_lease_id(dev) : 0;

	json_put_text(obj, "address", place->name);
	json_put_text(obj, "parent", place->parent ? place->parent->name : NULL);
	json_put_text(obj, "host_bridge", *place->host_bridge ? place->host_bridge : NULL);
	json_put_text(obj, "physfn", *place->physfn ? place->physfn : NULL);
	json_put_text(obj, "kind", dev ? ptx_kind_name(ptx_device_kind(dev)) : NULL);
	json_put_bool(obj, "bridge", place->port != PTX_PORT_NONE);
	json_put_text(obj, "port", ptx_port_name(place->port));
	json_put_text(obj, "acs", ptx_acs_name(place->acs));
	json_object_object_add(obj, "group", place->has_group ?
			       json_object_new_int64(place->group) : NULL);
	json_object_object_add(obj, "numa_node", place->numa_node < 0 ? NULL :
			       json_object_new_int(place->numa_node));
	json_object_object_add(obj, "lease_id", lease ? json_object_new_uint64(lease) : NULL);
	return obj;
}

static struct json_object *links_json(const struct view *view)
{
	struct json_object *array = json_object_new_array();
	struct ptx_topology_link link;

	for (size_t a = 0; a < view->nr_ends; a++) {
		for (size_t b = a + 1; b < view->nr_ends; b++) {
			struct json_object *obj = json_object_new_object();

			link_between(view, a, b, &link);
			json_put_text(obj, "a", view->ends[a]);
			json_put_text(obj, "b", view->ends[b]);
			json_put_text(obj, "distance", ptx_distance_name(link.distance));
			json_put_u64(obj, "hops", link.hops);
			json_put_text(obj, "acs", ptx_acs_name(link.acs));
			json_object_array_add(array, obj);
		}
	}
	return array;
}

static struct json_object *cliques_json(const struct view *view)
{
	struct json_object *array = json_object_new_array();

	for (int clique = 0;; clique++) {
		struct json_object *one = json_object_new_array();

		for (size_t i = 0; i < view->nr_ends; i++) {
			if (view->cliques[i] == clique)
				json_object_array_add(one, json_text(view->ends[i]));
		}
		if (!json_object_array_length(one)) {
			json_object_put(one);
			return array;
		}
		json_object_array_add(array, one);
	}
}

static int print_json(const struct view *view)
{
	struct json_object *obj = json_object_new_object(), *array = json_object_new_array();
	const struct ptx_topology_device *place;

	for (size_t i = 0; (place = ptx_topology_at(view->topo, i)); i++)
		json_object_array_add(array, place_json(view, place));
	json_object_object_add(obj, "devices", array);
	json_object_object_add(obj, "links", links_json(view));
	json_object_object_add(obj, "cliques", cliques_json(view));
	return json_print(view->cli, obj);
}

static int show(struct view *view, bool all)
{
	if (!find_ends(view) || !find_shown(view, all)) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	if (view->cli->json)
		return print_json(view);
	print_tree(view);
	print_matrix(view);
	print_cliques(view);
	return EXIT_DONE;
}

int verb_topology(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct view view = { .cli = cli };
	bool all = false;
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "ahjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'a')
			all = true;
	}
	if (optind != argc)
		return cli_usage(cli, "too many words");
	if (ptx_device_list_get(cli->ctx, &view.list) ||
	    ptx_lease_info_list_get(cli->ctx, &view.leases) ||
	    ptx_topology_get(cli->ctx, &view.topo))
		status = cli_fail(cli);
	else
		status = show(&view, all);
	free(view.shown);
	free(view.ends);
	free(view.labels);
	free(view.cliques);
	ptx_topology_free(view.topo);
	ptx_lease_info_list_free(view.leases);
	ptx_device_list_free(view.list);
	return status;
}
