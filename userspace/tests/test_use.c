// SPDX-License-Identifier: GPL-2.0-only
/* What this host does with a device, seen in a made-up /sys and /proc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../libptx/src/internal.h"
#include "mock_kernel.h"
#include "tap.h"

static struct ptx_ctx *ctx;
static char root[32] = "/tmp/ptx-root.XXXXXX";

static void parents(char *full)
{
	for (char *p = full + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
}

static void file(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	parents(full);
	f = fopen(full, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		exit(99);
}

/* A link whose target is given from the root on. */
static void link_to(const char *path, const char *target)
{
	char full[512], to[512];

	snprintf(full, sizeof(full), "%s%s", root, path);
	snprintf(to, sizeof(to), "%s%s", root, target);
	parents(full);
	parents(to);
	mkdir(to, 0755);
	if (symlink(to, full))
		exit(99);
}

/* A process with a file open. */
static void process(const char *pid, const char *comm, const char *target)
{
	char full[512];

	snprintf(full, sizeof(full), "/proc/%s/comm", pid);
	file(full, comm);
	snprintf(full, sizeof(full), "%s/proc/%s/fd/3", root, pid);
	parents(full);
	if (symlink(target, full))
		exit(99);
}

static void build(void)
{
#define DEV	"/sys/devices/pci0000:00/0000:00:02.0/"
	/* 01: a disk with partitions: one mounted, one swap, one under LVM. */
	link_to("/sys/class/block/nvme0n1", DEV "0000:01:00.0/nvme/nvme0/nvme0n1");
	file(DEV "0000:01:00.0/nvme/nvme0/nvme0n1/dev", "259:0\n");
	link_to("/sys/class/block/nvme0n1p1", DEV "0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1");
	file(DEV "0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/dev", "259:1\n");
	link_to("/sys/class/block/nvme0n1p2", DEV "0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p2");
	file(DEV "0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p2/dev", "259:2\n");
	link_to("/sys/class/block/nvme0n1p3", DEV "0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p3");
	file(DEV "0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p3/dev", "259:3\n");
	file(DEV "0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p3/holders/dm-0", "");
	file("/sys/class/block/dm-0/dev", "254:0\n");
	/* 02: multipath, its disk hangs on the subsystem; btrfs by its source. */
	link_to("/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1",
		DEV "0000:02:00.0/nvme/nvme1");
	link_to("/sys/class/block/nvme1n1",
		"/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1");
	file("/sys/devices/virtual/nvme-subsystem/nvme-subsys1/nvme1n1/dev", "259:9\n");
	file("/proc/self/mountinfo",
	     "20 1 259:1 / /boot\\040dir rw - ext4 /dev/nvme0n1p1 rw\n"
	     "21 1 0:30 /sub /data rw shared:1 - btrfs /dev/nvme1n1 rw\n"
	     "22 1 254:0 / /srv rw - ext4 /dev/mapper/vg-srv rw\n"
	     "broken\n\n23 1 0:22 / /sys rw - sysfs none rw\n");
	file("/proc/1/mountinfo", "20 1 259:1 / /boot\\040dir rw - ext4 /dev/nvme0n1p1 rw\n");
	file("/proc/swaps", "Filename Type Size\n/dev/nvme0n1p2 partition 1 0 -2\n");
	/* 03: a network card, up; and one that is down. */
	link_to("/sys/class/net/eth0", DEV "0000:03:00.0/net/eth0");
	file(DEV "0000:03:00.0/net/eth0/flags", "0x1003\n");
	link_to("/sys/class/net/eth1", DEV "0000:03:00.1/net/eth1");
	file(DEV "0000:03:00.1/net/eth1/flags", "0x1002\n");
	/* 04: a GPU with a process on its render node; NVIDIA's own files too. */
	link_to("/sys/class/drm/renderD128", DEV "0000:04:00.0/drm/renderD128");
	link_to("/sys/class/drm/card0-HDMI-A-1", DEV "0000:04:00.0/drm/card0/card0-HDMI-A-1");
	file("/proc/driver/nvidia/gpus/0000:04:00.0/information",
	     "Model: X\nDevice Minor: \t 3\n");
	process("100", "Xorg\n", "/dev/dri/renderD128");
	process("200", "evil\x1b[31m\n", "/dev/nvidia3");
	process("300", "other\n", "/dev/nvidia30");
	/* 05: held through VFIO by somebody. */
	link_to("/sys/bus/pci/devices/0000:05:00.0/iommu_group", "/sys/kernel/iommu_groups/17");
	process("400", "dpdk\n", "/dev/vfio/17");
}

static void check(const char *device, const char *want)
{
	struct ptx_use_list *uses;
	const struct ptx_use *use;
	char text[1024] = "";
	size_t used = 0;

	if (ptx_use_list_get(ctx, device, &uses))
		exit(99);
	for (size_t i = 0; (use = ptx_use_list_at(uses, i)); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %s %s %d%s;",
					 ptx_use_kind_name(ptx_use_kind(use)), ptx_use_node(use),
					 ptx_use_by(use), (int)ptx_use_pid(use),
					 ptx_use_destructive(use) ? "!" : "");
	is_str(text, want, "uses of %s", device);
	is_int(ptx_use_list_count(uses) != 0, *want != 0, "counted");
	ptx_use_list_free(uses);
}

int main(void)
{
	char line[128];

	if (!mkdtemp(root))
		return 99;
	build();
	mock_install();
	snprintf(line, sizeof(line), "root %s", root);
	mock_script(line);
	if (ptx_ctx_new(&ctx))
		return 99;
	check("0000:01:00.0", "holder nvme0n1p3 dm-0 0!;mount dm-0 /srv 0!;swap nvme0n1p2  0!;"
	      "mount nvme0n1p1 /boot dir 0!;");
	check("0000:02:00.0", "mount nvme1n1 /data 0!;");
	check("0000:03:00.0", "network eth0 up 0;");
	check("0000:03:00.1", "");
	check("0000:04:00.0", "process /dev/dri/renderD128 Xorg 100;"
	      "process /dev/nvidia3 evil\x1b[31m 200;");
	check("0000:05:00.0", "process /dev/vfio/17 dpdk 400;");
	check("0000:00:02.0", "");
	check("0000:06:00.0", "");
	check("../../etc", "");
	ptx_use_list_free(NULL);
	ptx_ctx_free(ctx);
	snprintf(line, sizeof(line), "rm -r %s", root);
	return system(line) ? 99 : tap_done();
}
