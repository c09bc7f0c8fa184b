// SPDX-License-Identifier: GPL-2.0-only
/* The PCI tree, how far devices are from each other, and nonsense in sysfs. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "../libptx/src/internal.h"
#include "mock_kernel.h"
#include "tap.h"

#define SW	"pci0000:00/0000:00:01.0/0000:01:00.0"

static struct ptx_ctx *ctx;
static struct ptx_topology *topo;

static void read_tree(void)
{
	ptx_topology_free(topo);
	if (!is_int(ptx_topology_get(ctx, &topo), 0, "the tree can be read"))
		exit(99);
}

static const struct ptx_topology_device *at(const char *name)
{
	static const struct ptx_topology_device none = { .name = "none" };
	const struct ptx_topology_device *dev = ptx_topology_find(topo, name);

	return dev ? dev : &none;
}

/* One way, both ways round. */
static void way(const char *a, const char *b, enum ptx_distance distance, unsigned int hops,
		enum ptx_acs acs)
{
	struct ptx_topology_link link;

	for (int i = 0; i < 2; i++) {
		ptx_topology_link(topo, at(i ? b : a), at(i ? a : b), &link);
		is_str(ptx_distance_name(link.distance), ptx_distance_name(distance), "%s to %s",
		       i ? b : a, i ? a : b);
		is_int(link.hops, hops, "that long");
		is_int(link.acs, acs, "with ACS");
	}
}

static void tree(void)
{
	static const struct {
		const char *name, *parent, *host_bridge;
		enum ptx_port port;
	} rows[] = {
		{ "0000:00:01.0", NULL, "pci0000:00", PTX_PORT_ROOT },
		{ "0000:01:00.0", "0000:00:01.0", "pci0000:00", PTX_PORT_UPSTREAM },
		{ "0000:02:03.0", "0000:01:00.0", "pci0000:00", PTX_PORT_DOWNSTREAM },
		{ "0000:06:00.0", "0000:02:03.0", "pci0000:00", PTX_PORT_UPSTREAM },
		{ "0000:07:00.0", "0000:06:00.0", "pci0000:00", PTX_PORT_DOWNSTREAM },
		{ "0000:08:00.0", "0000:07:00.0", "pci0000:00", PTX_PORT_NONE },
		{ "0000:00:1f.0", NULL, "pci0000:00", PTX_PORT_NONE },
		{ "0000:41:00.0", "0000:40:01.0", "pci0000:40", PTX_PORT_NONE },
		{ "10000:e0:02.0", NULL, "pci10000:e0", PTX_PORT_ROOT },
		{ "10000:e1:00.0", "10000:e0:02.0", "pci10000:e0", PTX_PORT_NONE },
	};

	is_int(ptx_topology_count(topo), 27, "so many functions");
	is_str(ptx_topology_at(topo, 0)->name, "0000:00:01.0", "the first");
	is_str(ptx_topology_at(topo, 26)->name, "10000:e1:00.0", "the last");
	ok(!ptx_topology_at(topo, 27), "and no more");
	ok(!ptx_topology_find(topo, "0000:00:03.0"), "none of that address");
	ok(ptx_topology_find(topo, "vf:0000:03:00.0/2") == at("0000:03:00.0"),
	   "a virtual function that is to be");
	ok(ptx_topology_find(topo, "vgpu:0000:03:00.0/nvidia-558") == at("0000:03:00.0"),
	   "a mediated device that is to be");
	ok(!ptx_topology_find(topo, "vf:") && !ptx_topology_find(topo, "vgpu:mtty/mtty-1"),
	   "of none");
	for (size_t i = 0; i < PTX_ARRAY_SIZE(rows); i++) {
		const struct ptx_topology_device *dev = at(rows[i].name);

		is_str(dev->name, rows[i].name, "%s", rows[i].name);
		is_str(dev->parent ? dev->parent->name : NULL, rows[i].parent, "its parent");
		is_str(dev->host_bridge, rows[i].host_bridge, "its root bus");
		is_int(dev->port, rows[i].port, "its port");
	}
	is_int(at("0000:03:00.0")->vendor_id, 0x10de, "a vendor");
	is_int(at("0000:03:00.0")->class_code, 0x030200, "a class");
	is_int(at("0000:83:00.0")->numa_node, 1, "a node");
	ok(!at("0000:83:00.0")->has_group, "no group");
}

static void ways(void)
{
	way("0000:03:00.0", "0000:03:00.0", PTX_DISTANCE_SELF, 0, PTX_ACS_NONE);
	way("0000:05:00.0", "0000:05:00.1", PTX_DISTANCE_DEV, 2, PTX_ACS_UNKNOWN);
	way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_UNKNOWN);
	way("0000:03:00.0", "0000:05:00.1", PTX_DISTANCE_PIX, 4, PTX_ACS_UNKNOWN);
	way("0000:03:00.0", "0000:08:00.0", PTX_DISTANCE_PXB, 6, PTX_ACS_UNKNOWN);
	way("0000:03:00.0", "0000:09:00.0", PTX_DISTANCE_PHB, 6, PTX_ACS_NONE);
	way("0000:03:00.0", "0000:00:1f.0", PTX_DISTANCE_PHB, 5, PTX_ACS_NONE);
	way("0000:03:00.0", "0000:41:00.0", PTX_DISTANCE_NODE, 6, PTX_ACS_NONE);
	way("0000:03:00.0", "0000:83:00.0", PTX_DISTANCE_SYS, 8, PTX_ACS_NONE);
	way("0000:83:00.0", "0000:84:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_UNKNOWN);
	way("0000:83:00.0", "10000:e1:00.0", PTX_DISTANCE_NODE, 6, PTX_ACS_NONE);
	/* A device and the switch that it is behind. */
	way("0000:03:00.0", "0000:01:00.0", PTX_DISTANCE_PIX, 2, PTX_ACS_UNKNOWN);

	is_str(ptx_distance_name(PTX_DISTANCE_SELF), "X", "the same one");
	is_str(ptx_distance_name((enum ptx_distance)77), "unknown", "a distance of later");
	is_str(ptx_acs_name(PTX_ACS_REDIRECT), "redirect", "a word");
	ok(!ptx_acs_name(PTX_ACS_NONE), "none");
	is_str(ptx_port_name(PTX_PORT_UPSTREAM), "switch", "a port");
	ok(!ptx_port_name(PTX_PORT_NONE), "no port");
}

/* An SR-IOV card: its virtual functions have bus numbers of their own. */
static void vfs(void)
{
	mock_pci(SW "/0000:02:02.0", "0000:05:10.1", "0x020000\n", "0x15b3\n", "0\n");
	mock_link("sys/bus/pci/devices/0000:05:10.1/physfn", "../0000:05:00.1");
	mock_pci(SW "/0000:02:02.0", "0000:05:11.0", "0x020000\n", "0x15b3\n", "0\n");
	read_tree();
	is_str(at("0000:05:10.1")->physfn, "0000:05:00.1", "its physical function");
	way("0000:05:10.1", "0000:05:00.0", PTX_DISTANCE_DEV, 2, PTX_ACS_UNKNOWN);
	/* Another device on that bus, as behind an old bridge. */
	way("0000:05:11.0", "0000:05:00.0", PTX_DISTANCE_PIX, 2, PTX_ACS_UNKNOWN);
}

/* A configuration space with an ACS capability at the end of a list, as root reads it. */
static void config(const char *name, unsigned char port, unsigned int acs, size_t len)
{
	/* An AER capability, and ACS behind it. */
	unsigned char bytes[4096] = { 0x86, 0x80, [0x100] = 0x01, 0, 0x01, 0x15 };
	char path[256];

	bytes[0x06] = 0x10;
	bytes[0x34] = 0x40;
	bytes[0x40] = 0x01;
	bytes[0x41] = 0x50;
	bytes[0x50] = 0x10;
	bytes[0x52] = (unsigned char)(port << 4 | 2);
	if (acs != ~0U) {
		bytes[0x150] = 0x0d;
		bytes[0x152] = 0x01;
		bytes[0x156] = (unsigned char)acs;
	}
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/config", name);
	mock_file(path, bytes, len);
}

static void acs(void)
{
	static const char *const all[] = {
		"0000:00:01.0", "0000:01:00.0", "0000:02:00.0", "0000:02:01.0", "0000:02:02.0",
		"0000:02:03.0", "0000:06:00.0", "0000:07:00.0", "0000:03:00.0", "0000:04:00.0",
		"0000:05:00.0", "0000:05:00.1", "0000:08:00.0",
	};

	for (size_t i = 0; i < PTX_ARRAY_SIZE(all); i++)
		config(all[i], 0, ~0U, 4096);
	/* Source validation and upstream forwarding make nothing longer. */
	config("0000:02:00.0", 6, 0x11, 4096);
	read_tree();
	way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_DIRECT);
	way("0000:05:00.0", "0000:05:00.1", PTX_DISTANCE_DEV, 2, PTX_ACS_DIRECT);
	/* Requests, completions, egress control; each alone does. */
	for (unsigned int bit = 4; bit <= 0x20; bit <<= 1) {
		config("0000:02:01.0", 6, bit, 4096);
		read_tree();
		way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4,
		    bit == 0x10 ? PTX_ACS_DIRECT : PTX_ACS_REDIRECT);
	}
	way("0000:03:00.0", "0000:08:00.0", PTX_DISTANCE_PXB, 6, PTX_ACS_DIRECT);
	/* That of the bridge where the ways meet counts, not that of one above. */
	config("0000:01:00.0", 5, 4, 4096);
	config("0000:00:01.0", 4, 4, 4096);
	config("0000:02:01.0", 6, 0, 4096);
	read_tree();
	way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_REDIRECT);
	config("0000:01:00.0", 5, 0, 4096);
	read_tree();
	way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_DIRECT);
	/* What one reads who is not root; but one that redirects is enough to know. */
	config("0000:01:00.0", 5, 0, 64);
	read_tree();
	way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_UNKNOWN);
	config("0000:02:01.0", 6, 4, 4096);
	read_tree();
	way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_REDIRECT);
	/* Conventional PCI has none. */
	config("0000:02:01.0", 6, 4, 256);
	config("0000:01:00.0", 5, 0, 256);
	read_tree();
	way("0000:03:00.0", "0000:04:00.0", PTX_DISTANCE_PIX, 4, PTX_ACS_DIRECT);
}

static void ports(void)
{
	/* A bridge to PCI, which looks like a switch from outside; a switch on a root bus. */
	config("0000:01:00.0", 7, 0, 4096);
	config("0000:00:01.0", 5, 0, 4096);
	config("0000:02:00.0", 0xf, 0, 4096);
	config("0000:82:00.0", 0xf, 0, 4096);
	read_tree();
	is_int(at("0000:01:00.0")->port, PTX_PORT_BRIDGE, "what it says it is");
	is_int(at("0000:00:01.0")->port, PTX_PORT_UPSTREAM, "likewise");
	is_int(at("0000:02:00.0")->port, PTX_PORT_BRIDGE, "by its place, behind a bridge");
	is_int(at("0000:82:00.0")->port, PTX_PORT_DOWNSTREAM, "what it says makes no sense");
	config("0000:00:01.0", 4, 0, 4096);
	config("0000:01:00.0", 5, 0, 4096);
	config("0000:02:00.0", 6, 0, 4096);
	read_tree();
}

static void cliques(void)
{
	static const char *const names[] = {
		"0000:41:00.0", "0000:03:00.0", "0000:83:00.0", "0000:08:00.0", "0000:09:00.0",
		"0000:05:00.0", "0000:84:00.0", "0000:77:00.0",
	};
	int have[PTX_ARRAY_SIZE(names)];

	is_int(ptx_topology_cliques(topo, names, PTX_ARRAY_SIZE(names), have), 2, "two cliques");
	is_int(have[0], -1, "one behind no switch");
	is_int(have[1], 0, "the first");
	is_int(have[2], 1, "the second");
	is_int(have[3], 0, "behind another switch behind that");
	is_int(have[4], -1, "one behind a root port");
	is_int(have[5], 0, "the card beside it");
	is_int(have[6], 1, "the other of the second");
	is_int(have[7], -1, "one that is not there");
	is_int(ptx_topology_cliques(topo, names, 2, have), 0, "one alone is none");
	is_int(have[1], -1, "and has no number");
	is_int(ptx_topology_cliques(topo, names, 0, have), 0, "none of none");
}

/* No NUMA, or firmware that says nothing about it. */
static void nodes(void)
{
	mock_attr("0000:41:00.0", "numa_node", "-1\n");
	mock_attr("0000:83:00.0", "numa_node", "-1\n");
	read_tree();
	way("0000:41:00.0", "0000:83:00.0", PTX_DISTANCE_SYS, 6, PTX_ACS_NONE);
	mock_file("sys/devices/system/node/online", "0\n", 2);
	read_tree();
	way("0000:41:00.0", "0000:83:00.0", PTX_DISTANCE_NODE, 6, PTX_ACS_NONE);
	way("0000:41:00.0", "0000:03:00.0", PTX_DISTANCE_SYS, 6, PTX_ACS_NONE);
}

static void nonsense(void)
{
	char longest[250], path[512], deep[2048] = "pci0000:c0";
	unsigned char ring[4096] = { 0x86, 0x80, [0x100] = 0x01, 0, 0x01, 0x10 };
	size_t before = ptx_topology_count(topo);

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", longest);
	mock_file(path, "", 0);
	mock_file("sys/bus/pci/devices/0000:0a:00.0.1/class", "0x030000\n", 9);
	mock_file("sys/bus/pci/devices/0a:00.0/class", "0x030000\n", 9);
	mock_file("sys/bus/pci/devices/0000:0A:00.0/class", "0x030000\n", 9);
	read_tree();
	is_int(ptx_topology_count(topo), before, "names that are no addresses");

	/* Links that lead nowhere, to themselves, to each other, and to the wrong place. */
	mock_link("sys/bus/pci/devices/0000:0b:00.0", "0000:0b:00.0");
	mock_link("sys/bus/pci/devices/0000:0b:01.0", "0000:0b:02.0");
	mock_link("sys/bus/pci/devices/0000:0b:02.0", "0000:0b:01.0");
	mock_link("sys/bus/pci/devices/0000:0b:03.0", "/nonexistent");
	mock_link("sys/bus/pci/devices/0000:0b:04.0", "../../../devices/pci0000:40/0000:40:01.0");
	mock_file("sys/bus/pci/devices/0000:0b:05.0", "x", 1);
	/* Each says that it is below the other. */
	mock_pci("pci0000:c0/0000:c1:00.0", "0000:c2:00.0", "0x060400\n", "0x1\n", "0\n");
	mock_pci("pci0000:c0/0000:c2:00.0", "0000:c1:00.0", "0x060400\n", "0x1\n", "0\n");
	read_tree();
	is_int(ptx_topology_count(topo), before + 8, "are there all the same");
	ok(!at("0000:0b:00.0")->parent && !*at("0000:0b:00.0")->host_bridge, "with no place");
	ok(!at("0000:0b:04.0")->parent && !*at("0000:0b:04.0")->host_bridge, "not that of another");
	way("0000:0b:01.0", "0000:0b:02.0", PTX_DISTANCE_NODE, 2, PTX_ACS_NONE);
	ok(!at("0000:c1:00.0")->parent && !at("0000:c2:00.0")->parent, "nobody's parents");
	way("0000:c1:00.0", "0000:c2:00.0", PTX_DISTANCE_PHB, 2, PTX_ACS_NONE);

	mock_attr("0000:41:00.0", "class", "0x030200 or so\n");
	mock_attr("0000:41:00.0", "vendor", "0x110de\n");
	mock_attr("0000:41:00.0", "numa_node", "99999999999999999999\n");
	mock_link("sys/bus/pci/devices/0000:41:00.0/iommu_group", "../../kernel/iommu_groups/-3");
	mock_link("sys/bus/pci/devices/0000:41:00.0/physfn", "../all of them");
	mock_attr("0000:03:00.0", "class", "");
	mock_attr("0000:03:00.0", "numa_node", "1024\n");
	mock_link("sys/bus/pci/devices/0000:03:00.0/iommu_group", "/12");
	mock_link("sys/bus/pci/devices/0000:04:00.0/iommu_group", longest);
	read_tree();
	is_int(at("0000:41:00.0")->class_code, 0, "a class with words");
	is_int(at("0000:41:00.0")->vendor_id, 0, "a vendor too large");
	is_int(at("0000:41:00.0")->numa_node, -1, "a node too large");
	ok(!at("0000:41:00.0")->has_group, "a group below 0");
	is_str(at("0000:41:00.0")->physfn, "", "a physical function that is none");
	is_int(at("0000:03:00.0")->class_code, 0, "an empty class");
	is_int(at("0000:03:00.0")->numa_node, -1, "a node that is one too large");
	ok(at("0000:03:00.0")->has_group && at("0000:03:00.0")->group == 12, "a group");
	ok(!at("0000:04:00.0")->has_group, "a group with a long name");

	/* Lists of capabilities that come round to where they were, or lead out. */
	ring[0x06] = 0x10;
	ring[0x34] = ring[0x41] = 0x40;
	mock_file("sys/bus/pci/devices/0000:02:00.0/config", ring, sizeof(ring));
	ring[0x102] = 0xc1;
	ring[0x103] = 0xff;
	ring[0x34] = 0xff;
	ring[0xfd] = 0xff;
	mock_file("sys/bus/pci/devices/0000:02:01.0/config", ring, sizeof(ring));
	memset(ring, 0xff, sizeof(ring));
	mock_file("sys/bus/pci/devices/0000:02:02.0/config", ring, sizeof(ring));
	read_tree();
	is_int(at("0000:02:00.0")->acs, PTX_ACS_DIRECT, "a ring has an end");
	is_int(at("0000:02:01.0")->acs, PTX_ACS_DIRECT, "and one that leads out");
	is_int(at("0000:02:02.0")->acs, PTX_ACS_UNKNOWN, "one that is gone says nothing");

	/* As deep as a path goes. */
	for (unsigned int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "00c0:%02x:00.0", i);
		mock_pci(deep, name, "0x060400\n", "0x1\n", "0\n");
		strcat(strcat(deep, "/"), name);
		if (strlen(deep) > 900)
			break;
	}
	read_tree();
	way("00c0:00:00.0", "00c0:30:00.0", PTX_DISTANCE_PXB, 48, PTX_ACS_UNKNOWN);
}

static void none(void)
{
	char *root = mock_new_root();

	read_tree();
	is_int(ptx_topology_count(topo), 0, "a host without PCI");
	mock_file("sys/bus/pci/devices", "x", 1);
	ptx_topology_free(topo);
	ok(ptx_topology_get(ctx, &topo) < 0 && !topo, "what is no directory is refused");
	has_str(ptx_error_message(ptx_ctx_error(ctx)), "sys/bus/pci/devices", "with its name");
	mock_drop_root(root);
}

int main(void)
{
	char *root;

	mock_install();
	root = mock_new_root();
	if (ptx_ctx_new(&ctx))
		return 99;
	mock_tree();
	read_tree();
	tree();
	ways();
	vfs();
	acs();
	ports();
	cliques();
	nodes();
	nonsense();
	mock_drop_root(root);
	none();
	ptx_topology_free(topo);
	ptx_ctx_free(ctx);
	mock_reset();
	return tap_done();
}
