// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel_sysfs: a PCI tree in a directory, for what is read from sysfs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "mock_kernel.h"
#include "mock_state.h"

/* A file, with the directories above it. */
void mock_file(const char *path, const void *text, size_t len)
{
	char full[4096];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", mock.root, path);
	for (char *p = full + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	if (!f || fwrite(text, 1, len, f) != len || fclose(f))
		mock_die("cannot write", full);
}

/* A link, whose target may be nonsense. */
void mock_link(const char *path, const char *target)
{
	char full[4096];

	mock_file(path, "", 0);
	snprintf(full, sizeof(full), "%s/%s", mock.root, path);
	if (unlink(full) || symlink(target, full))
		mock_die("cannot link", full);
}

/* An attribute of a device. */
void mock_attr(const char *name, const char *what, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", name, what);
	mock_file(path, text, strlen(text));
}

/* A device below @above, which is a path below /sys/devices. */
void mock_pci(const char *above, const char *name, const char *class_code, const char *vendor,
	      const char *node)
{
	char path[1024], target[1024];

	snprintf(path, sizeof(path), "sys/devices/%s/%s/x", above, name);
	mock_file(path, "", 0);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", name);
	snprintf(target, sizeof(target), "../../../devices/%s/%s", above, name);
	mock_link(path, target);
	mock_attr(name, "class", class_code);
	mock_attr(name, "vendor", vendor);
	mock_attr(name, "numa_node", node);
}

#define BRIDGE	"0x060400\n"
#define GPU	"0x030200\n"
#define NIC	"0x020000\n"
#define NVME	"0x010802\n"

/*
 * Two nodes. The first has two host bridges; below one is a switch with another one behind
 * it. The second has a switch, and a VMD with a tree of its own. See also lib.sh.
 */
void mock_tree(void)
{
	static const char sw[] = "pci0000:00/0000:00:01.0/0000:01:00.0";
	static const char sw2[] =
		"pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:03.0/0000:06:00.0";
	static const char far[] = "pci0000:80/0000:80:01.0/0000:81:00.0";
	static const struct {
		const char *above, *below, *name, *class_code, *vendor, *node;
	} list[] = {
		{ "pci0000:00", "", "0000:00:01.0", BRIDGE, "0x8086\n", "0\n" },
		{ "pci0000:00", "", "0000:00:02.0", BRIDGE, "0x8086\n", "0\n" },
		{ "pci0000:00", "", "0000:00:1f.0", "0x060100\n", "0x8086\n", "0\n" },
		{ "pci0000:00/0000:00:01.0", "", "0000:01:00.0", BRIDGE, "0x1000\n", "0\n" },
		{ sw, "", "0000:02:00.0", BRIDGE, "0x1000\n", "0\n" },
		{ sw, "", "0000:02:01.0", BRIDGE, "0x1000\n", "0\n" },
		{ sw, "", "0000:02:02.0", BRIDGE, "0x1000\n", "0\n" },
		{ sw, "", "0000:02:03.0", BRIDGE, "0x1000\n", "0\n" },
		{ sw, "/0000:02:00.0", "0000:03:00.0", GPU, "0x10de\n", "0\n" },
		{ sw, "/0000:02:01.0", "0000:04:00.0", GPU, "0x10de\n", "0\n" },
		{ sw, "/0000:02:02.0", "0000:05:00.0", NIC, "0x15b3\n", "0\n" },
		{ sw, "/0000:02:02.0", "0000:05:00.1", NIC, "0x15b3\n", "0\n" },
		{ sw, "/0000:02:03.0", "0000:06:00.0", BRIDGE, "0x1000\n", "0\n" },
		{ sw2, "", "0000:07:00.0", BRIDGE, "0x1000\n", "0\n" },
		{ sw2, "/0000:07:00.0", "0000:08:00.0", GPU, "0x10de\n", "0\n" },
		{ "pci0000:00/0000:00:02.0", "", "0000:09:00.0", NVME, "0x144d\n", "0\n" },
		{ "pci0000:40", "", "0000:40:01.0", BRIDGE, "0x8086\n", "0\n" },
		{ "pci0000:40/0000:40:01.0", "", "0000:41:00.0", GPU, "0x10de\n", "0\n" },
		{ "pci0000:80", "", "0000:80:01.0", BRIDGE, "0x8086\n", "1\n" },
		{ "pci0000:80", "", "0000:80:05.5", "0x010400\n", "0x8086\n", "1\n" },
		{ "pci0000:80/0000:80:01.0", "", "0000:81:00.0", BRIDGE, "0x1000\n", "1\n" },
		{ far, "", "0000:82:00.0", BRIDGE, "0x1000\n", "1\n" },
		{ far, "", "0000:82:01.0", BRIDGE, "0x1000\n", "1\n" },
		{ far, "/0000:82:00.0", "0000:83:00.0", GPU, "0x10de\n", "1\n" },
		{ far, "/0000:82:01.0", "0000:84:00.0", GPU, "0x10de\n", "1\n" },
		{ "pci0000:80/0000:80:05.5/pci10000:e0", "", "10000:e0:02.0", BRIDGE, "0x8086\n",
		  "1\n" },
		{ "pci0000:80/0000:80:05.5/pci10000:e0/10000:e0:02.0", "", "10000:e1:00.0", NVME,
		  "0x144d\n", "1\n" },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		char above[256];

		snprintf(above, sizeof(above), "%s%s", list[i].above, list[i].below);
		mock_pci(above, list[i].name, list[i].class_code, list[i].vendor, list[i].node);
	}
	mock_file("sys/devices/system/node/online", "0-1\n", 4);
}

/* A new directory in the place of the root, whose name is to be freed. */
char *mock_new_root(void)
{
	char *root = strdup("/tmp/ptx-root.XXXXXX"), line[64];

	if (!root || !mkdtemp(root))
		mock_die("cannot make", "a directory");
	snprintf(line, sizeof(line), "root %s", root);
	mock_script(line);
	return root;
}

void mock_drop_root(char *root)
{
	char line[64];

	snprintf(line, sizeof(line), "rm -r %s", root);
	if (system(line))
		mock_die("cannot remove", root);
	free(root);
}
