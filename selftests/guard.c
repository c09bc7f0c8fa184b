// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that the host uses are refused, and what of them is in use is named;
 * a request may override some uses, never others.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <linux/blkpg.h>

#include "kselftest_harness.h"
#include "lib/host.h"

/* Some of this much of a disk is written to, and put back. */
#define SCRATCH	(4 << 20)

FIXTURE(guard)
{
	struct host h;
	struct add *add;
	char *saved;
	const char *nvme;
	char disk[32];
	char node[48];
	int fd;
};

/* The block device that a test opens; a path that is hidden stands for its head. */
static bool disk_of(const char *nvme, char *disk)
{
	unsigned int a, b, c;
	char pattern[96];
	glob_t found;
	bool has;

	disk[0] = '\0';
	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/nvme/nvme*/nvme*n*", nvme);
	has = !glob(pattern, 0, NULL, &found);
	if (has)
		strcpy(disk, strrchr(found.gl_pathv[0], '/') + 1);
	if (has && sscanf(disk, "nvme%uc%un%u", &a, &b, &c) == 3)
		sprintf(disk, "nvme%un%u", a, c);
	globfree(&found);
	return has;
}

FIXTURE_SETUP(guard)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
	self->saved = NULL;
	self->nvme = "0000:01:00.0";
	if (disk_of(self->nvme, self->disk))
		sprintf(self->node, "/dev/%s", self->disk);
}

FIXTURE_TEARDOWN(guard)
{
	int fd;

	if (self->saved) {
		fd = open(self->node, O_RDWR);
		EXPECT_EQ(SCRATCH, pwrite(fd, self->saved, SCRATCH, 0));
		EXPECT_EQ(0, fsync(fd));
		close(fd);
		free(self->saved);
	}
	free(self->add);
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_DISK() NEED(self->disk[0], "an NVMe with a disk at 01:00.0")

static int command(const char *fmt, const char *arg)
{
	char line[256];
	int n = snprintf(line, sizeof(line), fmt, arg);

	snprintf(line + n, sizeof(line) - n, " >/dev/null 2>&1");
	return system(line);
}

/* Keeps what is on the disk where a test writes. */
#define SAVE_DISK() do {						\
		int disk_ = open(self->node, O_RDONLY);			\
		self->saved = malloc(SCRATCH);				\
		ASSERT_NE(NULL, self->saved);				\
		ASSERT_EQ(SCRATCH, pread(disk_, self->saved, SCRATCH, 0)); \
		close(disk_);						\
	} while (0)

#define EXPECT_REFUSED(device, flags_, why, what) do {			\
		const char *name_ = device;				\
		struct nl_device d_;					\
		add_init(self->add, &name_, 1);				\
		self->add->a.flags = flags_;				\
		EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));	\
		EXPECT_EQ(why, self->add->a.out_reason)			\
			TH_LOG("%s", reason_name(self->add->a.out_reason)); \
		EXPECT_STREQ(name_, self->add->a.out_culprit);		\
		EXPECT_EQ(1, self->add->a.out_nr_blockers);		\
		EXPECT_STREQ(name_, self->add->blockers[0].culprit);	\
		EXPECT_STREQ(what, self->add->blockers[0].holder);	\
		/* Whoever only looks is told the same. */		\
		EXPECT_EQ(0, nl_device_get(&self->h.nl, name_, &d_));	\
		EXPECT_EQ(1, d_.nr_blockers);				\
		EXPECT_EQ(why, d_.blockers[0].reason);			\
		EXPECT_STREQ(what, d_.blockers[0].holder);		\
	} while (0)

#define ALL_FORCE (PTX_ADD_FLAGS_FORCE | PTX_ADD_FLAGS_BOOT_DISPLAY)

#define EXPECT_LEASED(device, flags_) do {				\
		const char *name_ = device;				\
		add_init(self->add, &name_, 1);				\
		self->add->a.flags = flags_;				\
		EXPECT_EQ(0, lease_add(self->fd, self->add))		\
			TH_LOG("%s %s", reason_name(self->add->a.out_reason), \
			       self->add->blockers[0].holder);		\
		EXPECT_EQ(0, lease_release(self->fd, 0, NULL));		\
	} while (0)

TEST_F(guard, exclusive_opener)
{
	int fd;

	NEED_DISK();
	fd = open(self->node, O_RDONLY | O_EXCL);
	ASSERT_LE(0, fd);
	EXPECT_REFUSED(self->nvme, 0, PTX_REASON_BLOCK_HELD, self->disk);
	EXPECT_REFUSED(self->nvme, ALL_FORCE, PTX_REASON_BLOCK_HELD, self->disk);
	close(fd);
	/* Somebody who only reads does not hold it. */
	fd = open(self->node, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_LEASED(self->nvme, 0);
	close(fd);
}

TEST_F(guard, mounted)
{
	char dir[] = "/tmp/guard-XXXXXX";

	NEED_DISK();
	SAVE_DISK();
	NEED(!command("mke2fs -q -F -t ext4 -O ^has_journal %s 2m", self->node), "mke2fs");
	ASSERT_NE(NULL, mkdtemp(dir));
	NEED(!mount(self->node, dir, "ext4", MS_RDONLY, NULL), "ext4");
	EXPECT_REFUSED(self->nvme, 0, PTX_REASON_MOUNTED, self->disk);
	EXPECT_REFUSED(self->nvme, ALL_FORCE, PTX_REASON_MOUNTED, self->disk);
	EXPECT_EQ(0, umount(dir));
	EXPECT_EQ(0, rmdir(dir));
}

TEST_F(guard, swap)
{
	NEED_DISK();
	SAVE_DISK();
	NEED(!command("mkswap -q %s 1024", self->node), "mkswap");
	NEED(!swapon(self->node, 0), "swap");
	EXPECT_REFUSED(self->nvme, ALL_FORCE, PTX_REASON_BLOCK_HELD, self->disk);
	EXPECT_EQ(0, swapoff(self->node));
}

/* The partition is named, not the disk that it is on. */
TEST_F(guard, partition_in_use)
{
	struct blkpg_partition part = { .start = 1 << 20, .length = 1 << 20, .pno = 1 };
	struct blkpg_ioctl_arg arg = {
		.op = BLKPG_ADD_PARTITION, .datalen = sizeof(part), .data = &part,
	};
	char name[48], path[96], dev[32] = "";
	int disk, fd, major, minor;

	NEED_DISK();
	disk = open(self->node, O_RDONLY);
	ASSERT_LE(0, disk);
	ASSERT_EQ(0, ioctl(disk, BLKPG, &arg));
	snprintf(name, sizeof(name), "%sp1", self->disk);
	snprintf(path, sizeof(path), "/sys/class/block/%s/dev", name);
	ASSERT_LE(0, file_read(path, dev, sizeof(dev)));
	major = atoi(dev);
	ASSERT_NE(NULL, strchr(dev, ':'));
	minor = atoi(strchr(dev, ':') + 1);
	ASSERT_EQ(0, mknod("/tmp/guard-part", S_IFBLK | 0600, makedev(major, minor)));
	fd = open("/tmp/guard-part", O_RDONLY | O_EXCL);
	ASSERT_LE(0, fd);
	EXPECT_REFUSED(self->nvme, ALL_FORCE, PTX_REASON_BLOCK_HELD, name);
	close(fd);
	unlink("/tmp/guard-part");
	arg.op = BLKPG_DEL_PARTITION;
	EXPECT_EQ(0, ioctl(disk, BLKPG, &arg));
	close(disk);
}

TEST_F(guard, device_mapper)
{
	NEED_DISK();
	command("modprobe -q dm-mod%s", "");
	NEED(!command("dmsetup create --noudevsync --noudevrules guard --table"
		      " '0 2048 linear %s 0'", self->node), "dmsetup and device mapper");
	EXPECT_REFUSED(self->nvme, ALL_FORCE, PTX_REASON_BLOCK_HELD, self->disk);
	EXPECT_EQ(0, command("dmsetup remove --noudevsync --noudevrules %s", "guard"));
}

/* The path to a shared namespace is hidden; holders sit on the head. */
TEST_F(guard, multipath)
{
	const char *name = "0000:07:00.0";
	char disk[32];
	int fd;

	if (!disk_of(name, disk))
		SKIP(return, "no shared namespace at 07:00.0");
	snprintf(self->node, sizeof(self->node), "/dev/%s", disk);
	fd = open(self->node, O_RDONLY | O_EXCL);
	ASSERT_LE(0, fd);
	EXPECT_REFUSED(name, ALL_FORCE, PTX_REASON_BLOCK_HELD, disk);
	close(fd);
	EXPECT_LEASED(name, 0);
}

static int nic_set(const char *name, bool up)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;
	struct ifreq ifr = {};

	strcpy(ifr.ifr_name, name);
	ret = ioctl(fd, SIOCGIFFLAGS, &ifr);
	if (up)
		ifr.ifr_flags |= IFF_UP;
	else
		ifr.ifr_flags &= ~IFF_UP;
	if (!ret)
		ret = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return ret ? -errno : 0;
}

TEST_F(guard, network_interface_up)
{
	struct nl_lease l;

	NEED(self->h.nic && !nic_set("eth0", true), "a network interface eth0");
	EXPECT_REFUSED(self->h.nic->name, 0, PTX_REASON_NET_UP, "eth0");
	EXPECT_REFUSED(self->h.nic->name, PTX_ADD_FLAGS_BOOT_DISPLAY, PTX_REASON_NET_UP, "eth0");
	ASSERT_EQ(0, nl_lease_new(&self->h.nl, "forced", &(const char *){ self->h.nic->name }, 1,
				  PTX_ADD_FLAGS_FORCE, &l));
	EXPECT_TRUE(l.forced);
	EXPECT_EQ(0, nl_lease_release(&self->h.nl, l.id, 0));
	/* It is down since its driver came back. */
	ASSERT_EQ(0, nl_lease_new(&self->h.nl, "not-forced",
				  &(const char *){ self->h.nic->name }, 1, 0, &l));
	EXPECT_FALSE(l.forced);
	EXPECT_EQ(0, nl_lease_release(&self->h.nl, l.id, 0));
}

TEST_F(guard, drm_node_open)
{
	const char *name = "0000:08:00.0";
	char path[64], card[32];
	int i, fd = -1;

	if (!host_is_topology("guard"))
		SKIP(return, "needs the topology guard");
	for (i = 0; fd < 0 && i < 4; i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/drm/card%d", name, i);
		snprintf(card, sizeof(card), "/dev/dri/card%d", i);
		if (!access(path, F_OK))
			fd = open(card, O_RDWR);
	}
	NEED(fd >= 0, "a DRM driver for 08:00.0");
	EXPECT_REFUSED(name, 0, PTX_REASON_NODE_OPEN, strrchr(card, '/') + 1);
	close(fd);
	EXPECT_LEASED(name, 0);
}

/* The lab's own root: a file system that no block device stands for. */
TEST_F(guard, file_system_without_a_block_device)
{
	const char *name = "0000:00:1d.0";
	struct nl_device d;

	NEED(pci_on_driver(name, "virtio-pci"), "a 9p file system at 00:1d.0");
	add_init(self->add, &name, 1);
	self->add->a.flags = ALL_FORCE;
	EXPECT_EQ(-EBUSY, lease_add(self->fd, self->add));
	EXPECT_EQ(PTX_REASON_MOUNTED, self->add->a.out_reason);
	EXPECT_EQ(0, strncmp("virtio", self->add->blockers[0].holder, 6));
	EXPECT_EQ(0, nl_device_get(&self->h.nl, name, &d));
	EXPECT_EQ(PTX_REASON_MOUNTED, d.blockers[0].reason);
}

TEST_F(guard, boot_display)
{
	const char *name = "0000:00:01.0";

	NEED(host_is_default() || host_is_topology("guard"), "a boot display at 00:01.0");
	EXPECT_REFUSED(name, 0, PTX_REASON_BOOT_DISPLAY, "");
	EXPECT_REFUSED(name, PTX_ADD_FLAGS_FORCE, PTX_REASON_BOOT_DISPLAY, "");
	EXPECT_LEASED(name, PTX_ADD_FLAGS_BOOT_DISPLAY);
}

TEST_F(guard, virtual_functions)
{
	const char *name = "0000:01:00.0";

	if (!host_is_topology("sriov"))
		SKIP(return, "needs the topology sriov");
	ASSERT_EQ(0, pci_write(name, "sriov_drivers_autoprobe", "0"));
	ASSERT_EQ(0, pci_write(name, "sriov_numvfs", "2"));
	EXPECT_REFUSED(name, ALL_FORCE, PTX_REASON_VFS_ENABLED, "");
	ASSERT_EQ(0, pci_write(name, "sriov_numvfs", "0"));
	ASSERT_EQ(0, pci_write(name, "sriov_drivers_autoprobe", "1"));
}

TEST_HARNESS_MAIN
