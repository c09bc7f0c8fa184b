// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * topology: the PCI tree, as sysfs has it. Reads only.
 *
 * A device's directory is that of the bridge above it and its own name, so the real path
 * of each says what is above. A bridge is taken for a parent only if its own real path is
 * the beginning of its child's: then there are no loops, whatever the links say.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

#define DEVICES		"/sys/bus/pci/devices"
#define CONFIG_MAX	4096
#define CONFIG_OLD	256	/* without what PCI Express added */
#define CONFIG_OPEN	64	/* what everybody may read */

/* What linux/pci_regs.h has of this is half of it in other units. */
#define PCI_STATUS_CAP_LIST_BIT	0x10
#define CAP_LIST_POINTER	0x34
#define CAP_ID_EXP		0x10
#define EXT_CAP_ID_ACS		0x0d
#define ACS_CTRL		6
#define ACS_REDIRECTS		0x2c	/* requests, completions, by egress control */

/**
 * struct node - one function
 * @pub: what others see of it
 * @path: its real directory, or NULL
 * @bridge_below: one of those directly behind it is a bridge
 * @port_known: its own registers said which port it is
 */
struct node {
	struct ptx_topology_device pub;
	char *path;
	bool bridge_below;
	bool port_known;
};

/**
 * struct ptx_topology - see topology.h
 * @nodes: in order of address
 * @nr: how many
 * @several_nodes: the host has more than one NUMA node
 */
struct ptx_topology {
	struct node *nodes;
	size_t nr;
	bool several_nodes;
};

const char *ptx_distance_name(enum ptx_distance distance)
{
	static const char *const names[] = {
		[PTX_DISTANCE_SELF]	= "X",
		[PTX_DISTANCE_DEV]	= "DEV",
		[PTX_DISTANCE_PIX]	= "PIX",
		[PTX_DISTANCE_PXB]	= "PXB",
		[PTX_DISTANCE_PHB]	= "PHB",
		[PTX_DISTANCE_NODE]	= "NODE",
		[PTX_DISTANCE_SYS]	= "SYS",
	};

	return (unsigned int)distance < PTX_ARRAY_SIZE(names) ? names[distance] : "unknown";
}

const char *ptx_acs_name(enum ptx_acs acs)
{
	switch (acs) {
	case PTX_ACS_NONE:
		return NULL;
	case PTX_ACS_DIRECT:
		return "direct";
	case PTX_ACS_REDIRECT:
		return "redirect";
	case PTX_ACS_UNKNOWN:
		break;
	}
	return "unknown";
}

const char *ptx_port_name(enum ptx_port port)
{
	switch (port) {
	case PTX_PORT_ROOT:
		return "root port";
	case PTX_PORT_UPSTREAM:
		return "switch";
	case PTX_PORT_DOWNSTREAM:
		return "switch port";
	case PTX_PORT_BRIDGE:
		return "bridge";
	case PTX_PORT_NONE:
		break;
	}
	return NULL;
}

static bool attribute(const struct ptx_ctx *ctx, const char *name, const char *what,
		      char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s" DEVICES "/%s/%s", ctx->sys->root, name,
			what) < PATH_MAX;
}

/* A file that is one number and nothing else; @otherwise if it is not, or out of range. */
static long read_number(const struct ptx_ctx *ctx, const char *name, const char *what, int base,
			long max, long otherwise)
{
	char path[PATH_MAX], *text, *end;
	long value;

	if (!attribute(ctx, name, what, path))
		return otherwise;
	text = ptx_read_file(path, CONFIG_MAX, NULL);
	if (!text)
		return otherwise;
	errno = 0;
	value = strtol(text, &end, base);
	if (errno || end == text || strcmp(end + (*end == '\n'), "") || value < 0 || value > max)
		value = otherwise;
	free(text);
	return value;
}

/* The last word of where a link leads. */
static bool read_link(const struct ptx_ctx *ctx, const char *name, const char *what,
		      char word[PTX_DEVICE_NAME_SIZE])
{
	char path[PATH_MAX], target[PATH_MAX], *slash;
	ssize_t n;

	if (!attribute(ctx, name, what, path))
		return false;
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	slash = strrchr(target, '/');
	return snprintf(word, PTX_DEVICE_NAME_SIZE, "%s", slash ? slash + 1 : target) <
	       PTX_DEVICE_NAME_SIZE;
}

static void read_group(const struct ptx_ctx *ctx, struct ptx_topology_device *dev)
{
	char word[PTX_DEVICE_NAME_SIZE];
	size_t n;

	if (!read_link(ctx, dev->name, "iommu_group", word))
		return;
	n = strlen(word);
	if (!n || n > 9 || strspn(word, "0123456789") != n)
		return;
	dev->has_group = true;
	dev->group = (uint32_t)strtoul(word, NULL, 10);
}

/* Is it an address, in the form that the kernel gives it? */
static bool is_address(const char *text)
{
	char full[PTX_DEVICE_NAME_SIZE];

	return ptx_address_parse(text, full) && !strcmp(text, full);
}

static void read_physfn(const struct ptx_ctx *ctx, struct ptx_topology_device *dev)
{
	char word[PTX_DEVICE_NAME_SIZE];

	if (read_link(ctx, dev->name, "physfn", word) && is_address(word))
		strcpy(dev->physfn, word);
}

static unsigned int config16(const unsigned char *config, size_t at)
{
	return config[at] | (unsigned int)config[at + 1] << 8;
}

/* Which port it is, by its PCI Express capability. */
static bool config_port(const unsigned char *config, size_t len, enum ptx_port *port)
{
	static const enum ptx_port ports[16] = {
		[4] = PTX_PORT_ROOT,
		[5] = PTX_PORT_UPSTREAM,
		[6] = PTX_PORT_DOWNSTREAM,
		[7] = PTX_PORT_BRIDGE,
		[8] = PTX_PORT_BRIDGE,
	};
	size_t at;

	if (len < CONFIG_OLD || !(config16(config, 6) & PCI_STATUS_CAP_LIST_BIT))
		return false;
	at = config[CAP_LIST_POINTER] & ~3U;
	/* As many as there is room for: a list may be a ring. */
	for (int left = 48; left && at >= CONFIG_OPEN; left--) {
		if (config[at] == CAP_ID_EXP) {
			enum ptx_port found = ports[config16(config, at + 2) >> 4 & 0xf];

			if (found != PTX_PORT_NONE)
				*port = found;
			return found != PTX_PORT_NONE;
		}
		at = config[at + 1] & ~3U;
	}
	return false;
}

/* Where even root sees no extended configuration space, neither does the kernel. */
static enum ptx_acs config_acs(const unsigned char *config, size_t len)
{
	size_t at = CONFIG_OLD;

	/* One that is switched off, or gone, reads as ones. */
	if (len < CONFIG_OLD || config16(config, 0) == 0xffff)
		return PTX_ACS_UNKNOWN;
	for (int left = (CONFIG_MAX - CONFIG_OLD) / 8; left && at >= CONFIG_OLD && at + 8 <= len;
	     left--) {
		unsigned int id = config16(config, at);

		if (id == EXT_CAP_ID_ACS)
			return config16(config, at + ACS_CTRL) & ACS_REDIRECTS ?
			       PTX_ACS_REDIRECT : PTX_ACS_DIRECT;
		at = config16(config, at + 2) >> 4 & ~3U;
	}
	return PTX_ACS_DIRECT;
}

static void read_config(const struct ptx_ctx *ctx, struct node *node)
{
	char path[PATH_MAX], *config;
	size_t len;

	if (!attribute(ctx, node->pub.name, "config", path))
		return;
	config = ptx_read_file(path, CONFIG_MAX, &len);
	if (!config)
		return;
	node->pub.acs = config_acs((unsigned char *)config, len);
	if (node->pub.port != PTX_PORT_NONE)
		node->port_known = config_port((unsigned char *)config, len, &node->pub.port);
	free(config);
}

/* "pci0000:00", as the kernel calls a root bus. */
static bool is_root_bus(const char *word, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t domain = n > 3 ? strspn(word + 3, hex) : 0;

	return !strncmp(word, "pci", 3) && domain >= 4 && domain <= 8 && n == domain + 6 &&
	       word[3 + domain] == ':' && strspn(word + 4 + domain, hex) == 2;
}

/* The last root bus on the way: behind a VMD there is another one. */
static void find_host_bridge(struct ptx_topology_device *dev, const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (is_root_bus(path, n))
			snprintf(dev->host_bridge, sizeof(dev->host_bridge), "%.*s", (int)n, path);
		path += n;
		path += *path == '/';
	}
}

static void read_place(const struct ptx_ctx *ctx, struct node *node)
{
	char path[PATH_MAX], real[PATH_MAX], *slash;

	if (!attribute(ctx, node->pub.name, "", path) || !realpath(path, real))
		return;
	slash = strrchr(real, '/');
	/* A link to something else says nothing. */
	if (!slash || strcmp(slash + 1, node->pub.name))
		return;
	node->path = strdup(real);
	*slash = '\0';
	find_host_bridge(&node->pub, real);
}

static void read_node(const struct ptx_ctx *ctx, struct node *node, const char *name)
{
	struct ptx_topology_device *dev = &node->pub;

	memset(node, 0, sizeof(*node));
	strcpy(dev->name, name);
	dev->class_code = (uint32_t)read_number(ctx, name, "class", 16, 0xffffff, 0);
	dev->vendor_id = (uint16_t)read_number(ctx, name, "vendor", 16, 0xffff, 0);
	dev->numa_node = (int)read_number(ctx, name, "numa_node", 10, PTX_NUMA_NODES - 1, -1);
	dev->port = dev->class_code >> 8 == 0x0604 ? PTX_PORT_BRIDGE : PTX_PORT_NONE;
	read_group(ctx, dev);
	read_physfn(ctx, dev);
	read_config(ctx, node);
	read_place(ctx, node);
}

/* Addresses of one length are in order when their letters are. */
static int compare_names(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);

	return na != nb ? (na < nb ? -1 : 1) : strcmp(a, b);
}

static int compare_nodes(const void *a, const void *b)
{
	return compare_names(((const struct node *)a)->pub.name,
			     ((const struct node *)b)->pub.name);
}

static struct node *find(const struct ptx_topology *topo, const char *name)
{
	size_t low = 0, high = topo->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int cmp = compare_names(name, topo->nodes[mid].pub.name);

		if (!cmp)
			return &topo->nodes[mid];
		if (cmp < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

static void find_parent(const struct ptx_topology *topo, struct node *node)
{
	char above[PATH_MAX], *slash;
	struct node *parent;

	if (!node->path)
		return;
	snprintf(above, sizeof(above), "%.*s", (int)(strrchr(node->path, '/') - node->path),
		 node->path);
	slash = strrchr(above, '/');
	parent = slash ? find(topo, slash + 1) : NULL;
	if (!parent || !parent->path || strcmp(parent->path, above))
		return;
	node->pub.parent = &parent->pub;
	parent->bridge_below |= node->pub.port != PTX_PORT_NONE;
}

/* A root port has the host bridge above it, and a switch has ports behind it. */
static enum ptx_port guess_port(const struct node *node)
{
	/* pub is the first of its members. */
	const struct node *parent = (const struct node *)node->pub.parent;
	enum ptx_port above;

	if (node->port_known || node->pub.port == PTX_PORT_NONE)
		return node->pub.port;
	if (!parent)
		return *node->pub.host_bridge ? PTX_PORT_ROOT : PTX_PORT_BRIDGE;
	above = guess_port(parent);
	if (above == PTX_PORT_UPSTREAM)
		return PTX_PORT_DOWNSTREAM;
	if ((above == PTX_PORT_ROOT || above == PTX_PORT_DOWNSTREAM) && node->bridge_below)
		return PTX_PORT_UPSTREAM;
	return PTX_PORT_BRIDGE;
}

static bool read_several_nodes(const struct ptx_ctx *ctx)
{
	char path[PATH_MAX], *text;
	bool several;

	if (snprintf(path, sizeof(path), "%s/sys/devices/system/node/online",
		     ctx->sys->root) >= PATH_MAX)
		return false;
	text = ptx_read_file(path, CONFIG_MAX, NULL);
	several = text && strpbrk(text, ",-");
	free(text);
	return several;
}

/* 0 or -ENOMEM. */
static int read_all(const struct ptx_ctx *ctx, struct ptx_topology *topo, DIR *dir)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		if (!is_address(entry->d_name))
			continue;
		if (!ptx_grow(&topo->nodes, topo->nr, sizeof(*topo->nodes)))
			return -ENOMEM;
		read_node(ctx, &topo->nodes[topo->nr++], entry->d_name);
	}
	if (topo->nr)
		qsort(topo->nodes, topo->nr, sizeof(*topo->nodes), compare_nodes);
	for (size_t i = 0; i < topo->nr; i++)
		find_parent(topo, &topo->nodes[i]);
	/* Each by what the others were before, whose order does not matter. */
	for (size_t i = 0; i < topo->nr; i++) {
		struct node *node = &topo->nodes[i];

		node->pub.port = guess_port(node);
	}
	topo->several_nodes = read_several_nodes(ctx);
	return 0;
}

int ptx_topology_get(struct ptx_ctx *ctx, struct ptx_topology **out)
{
	struct ptx_topology *topo;
	char path[PATH_MAX];
	DIR *dir;
	int err;

	*out = NULL;
	if (snprintf(path, sizeof(path), "%s" DEVICES, ctx->sys->root) >= PATH_MAX)
		return ptx_error_setf(ctx, ENAMETOOLONG, PTX_REASON_NONE, NULL,
				      "the path of sysfs is too long");
	topo = calloc(1, sizeof(*topo));
	if (!topo)
		return ptx_error_no_memory(ctx);
	dir = opendir(path);
	if (!dir && errno != ENOENT) {
		err = errno;
		free(topo);
		return ptx_error_setf(ctx, err, PTX_REASON_NONE, NULL, "cannot read %s: %s", path,
				      strerror(err));
	}
	/* Without PCI there is no tree. */
	err = dir ? read_all(ctx, topo, dir) : 0;
	if (dir)
		closedir(dir);
	if (err) {
		ptx_topology_free(topo);
		return ptx_error_no_memory(ctx);
	}
	*out = topo;
	return 0;
}

void ptx_topology_free(struct ptx_topology *topo)
{
	if (!topo)
		return;
	for (size_t i = 0; i < topo->nr; i++)
		free(topo->nodes[i].path);
	free(topo->nodes);
	free(topo);
}

size_t ptx_topology_count(const struct ptx_topology *topo)
{
	return topo->nr;
}

const struct ptx_topology_device *ptx_topology_at(const struct ptx_topology *topo, size_t i)
{
	return i < topo->nr ? &topo->nodes[i].pub : NULL;
}

const struct ptx_topology_device *ptx_topology_find(const struct ptx_topology *topo,
						    const char *name)
{
	char address[PTX_DEVICE_NAME_SIZE];
	const struct node *node;

	/* What is still to be made is where it is made. */
	if (ptx_name_is_vf(name) || ptx_name_is_vgpu(name)) {
		name = strchr(name, ':') + 1;
		snprintf(address, sizeof(address), "%.*s", (int)strcspn(name, ",/"), name);
		name = address;
	}
	node = find(topo, name);
	return node ? &node->pub : NULL;
}

/* Functions of one device; a virtual function belongs to that of its physical one. */
static bool same_device(const struct ptx_topology_device *a,
			const struct ptx_topology_device *b)
{
	const char *na = *a->physfn ? a->physfn : a->name, *nb = *b->physfn ? b->physfn : b->name;
	size_t n = strcspn(na, ".");

	return a->parent == b->parent && n == strcspn(nb, ".") && !strncmp(na, nb, n);
}

/* That on the way which makes it longer counts, and then that which nobody knows. */
static void meet_acs(const struct ptx_topology_device *dev, enum ptx_acs *acs)
{
	if (dev->acs == PTX_ACS_REDIRECT || (*acs == PTX_ACS_DIRECT && dev->acs == PTX_ACS_UNKNOWN))
		*acs = dev->acs;
}

static enum ptx_distance past_host_bridge(const struct ptx_topology *topo,
					  const struct ptx_topology_device *a,
					  const struct ptx_topology_device *b)
{
	if (*a->host_bridge && !strcmp(a->host_bridge, b->host_bridge))
		return PTX_DISTANCE_PHB;
	if (a->numa_node != b->numa_node || (a->numa_node < 0 && topo->several_nodes))
		return PTX_DISTANCE_SYS;
	return PTX_DISTANCE_NODE;
}

/* Is @bridge @dev or above it, and by how many steps? If not, *@steps is all there are. */
static bool is_above(const struct ptx_topology_device *bridge,
		     const struct ptx_topology_device *dev, unsigned int *steps)
{
	for (*steps = 0; dev != bridge; dev = dev->parent) {
		++*steps;
		if (!dev->parent)
			return false;
	}
	return true;
}

/* As calc_map_type_and_dist() in the kernel's p2pdma.c. */
void ptx_topology_link(const struct ptx_topology *topo, const struct ptx_topology_device *a,
		       const struct ptx_topology_device *b, struct ptx_topology_link *link)
{
	const struct ptx_topology_device *meet = a;
	enum ptx_acs acs = PTX_ACS_DIRECT;
	unsigned int up_a = 0, up_b;

	if (a == b) {
		*link = (struct ptx_topology_link){ .acs = PTX_ACS_NONE };
		return;
	}
	meet_acs(meet, &acs);
	while (!is_above(meet, b, &up_b)) {
		up_a++;
		if (!meet->parent) {
			link->distance = past_host_bridge(topo, a, b);
			link->hops = up_a + up_b;
			link->acs = PTX_ACS_NONE;
			return;
		}
		meet = meet->parent;
		meet_acs(meet, &acs);
	}
	link->hops = up_a + up_b;
	link->distance = same_device(a, b) ? PTX_DISTANCE_DEV :
			 link->hops <= 4 ? PTX_DISTANCE_PIX : PTX_DISTANCE_PXB;
	for (const struct ptx_topology_device *dev = b; up_b; up_b--, dev = dev->parent)
		meet_acs(dev, &acs);
	link->acs = acs;
}

/* The uppermost switch that it is behind, or NULL. */
static const struct ptx_topology_device *switch_of(const struct ptx_topology *topo,
						   const char *name)
{
	const struct ptx_topology_device *dev = ptx_topology_find(topo, name), *found = NULL;

	for (; dev; dev = dev->parent) {
		if (dev->port == PTX_PORT_UPSTREAM)
			found = dev;
	}
	return found;
}

/* To be behind one and the same uppermost switch is an equivalence: cliques do not overlap. */
size_t ptx_topology_cliques(const struct ptx_topology *topo, const char *const *names,
			    size_t nr, int *cliques)
{
	int found = 0;

	for (size_t i = 0; i < nr; i++)
		cliques[i] = -1;
	for (size_t i = 0; i < nr; i++) {
		const struct ptx_topology_device *top = switch_of(topo, names[i]);
		bool any = false;

		if (!top || cliques[i] >= 0)
			continue;
		for (size_t j = i + 1; j < nr; j++) {
			if (cliques[j] >= 0 || switch_of(topo, names[j]) != top)
				continue;
			cliques[j] = found;
			any = true;
		}
		if (any)
			cliques[i] = found++;
	}
	return (size_t)found;
}
