// SPDX-License-Identifier: GPL-2.0-only
/*
 * Option ROMs: a device whose ROM is not one that was asked for is not had. On a
 * display with a real one, and a simulated one that is empty.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/sim.h"

#define GONE_MS	60000

FIXTURE(rom)
{
	struct host h;
	struct add *add;
	struct nl_device d;
	struct ptx_rom roms[PTX_ROMS_MAX + 1];
	const char *gpu;
	int fd;
};

/* As an operator would find it out. */
static int digest(const char *name, struct ptx_rom *rom)
{
	char cmd[256], hex[65] = "";
	unsigned int i, byte;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "cd /sys/bus/pci/devices/%s && echo 1 >rom && "
		 "cat rom | sha256sum; echo 0 >rom", name);
	f = popen(cmd, "r");
	if (!f)
		return -errno;
	i = fread(hex, 1, 64, f);
	pclose(f);
	if (i != 64)
		return -EIO;
	for (i = 0; i < sizeof(rom->sha256); i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -EIO;
		rom->sha256[i] = byte;
	}
	return 0;
}

FIXTURE_SETUP(rom)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
	self->gpu = self->h.gpu ? self->h.gpu->name : NULL;
	memset(self->roms, 0x5a, sizeof(self->roms));
	if (self->gpu)
		ASSERT_EQ(0, digest(self->gpu, &self->roms[1]));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(rom)
{
	free(self->add);
	syscall(SYS_close_range, 3, ~0U, 0);
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_GPU() do {							\
		if (!self->gpu)						\
			SKIP(return, "needs a display device");		\
	} while (0)

static int add_with(FIXTURE_DATA(rom) *self, const char *const *names, int nr,
		    const struct ptx_rom *roms, uint32_t nr_roms)
{
	add_init(self->add, names, nr);
	self->add->a.roms = (uintptr_t)roms;
	self->add->a.nr_roms = nr_roms;
	return lease_add(self->fd, self->add);
}

static bool in_pool(FIXTURE_DATA(rom) *self)
{
	int i;

	for (i = 0; i < GONE_MS / 100; i++) {
		if (!nl_device_get(&self->h.nl, self->gpu, &self->d) && self->d.pooled &&
		    !self->d.lease && self->d.member_state == PTX_MEMBER_STATE_READY)
			return true;
		usleep(100000);
	}
	return false;
}

TEST_F(rom, expected)
{
	NEED_GPU();
	EXPECT_EQ(0, nl_device_get(&self->h.nl, self->gpu, &self->d));
	/* Root sees it as long as nobody uses the device. */
	EXPECT_TRUE(self->d.has_rom);
	EXPECT_EQ(0, memcmp(&self->d.rom, &self->roms[1], sizeof(self->d.rom)));
	/* One of several will do. */
	ASSERT_EQ(0, add_with(self, &self->gpu, 1, self->roms, 3));
	EXPECT_EQ(0, nl_device_get(&self->h.nl, self->gpu, &self->d));
	EXPECT_TRUE(self->d.has_rom);
	EXPECT_EQ(0, memcmp(&self->d.rom, &self->roms[1], sizeof(self->d.rom)));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
}

TEST_F(rom, another_one)
{
	const char *driver;

	NEED_GPU();
	driver = self->h.gpu->driver;
	EXPECT_EQ(-EBADMSG, add_with(self, &self->gpu, 1, &self->roms[0], 1));
	EXPECT_EQ(PTX_REASON_ROM, self->add->a.out_reason);
	EXPECT_STREQ(self->gpu, self->add->a.out_culprit);
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_TRUE(pci_on_driver(self->gpu, driver));
	/* What it has is known from then on. */
	EXPECT_EQ(0, nl_device_get(&self->h.nl, self->gpu, &self->d));
	EXPECT_TRUE(self->d.has_rom);
	EXPECT_EQ(0, memcmp(&self->d.rom, &self->roms[1], sizeof(self->d.rom)));
	EXPECT_EQ(0, add_with(self, &self->gpu, 1, &self->roms[1], 1));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
}

/* A device without one may come along, but not alone. */
TEST_F(rom, none)
{
	const char *names[2];

	NEED_GPU();
	ASSERT_LT(0, self->h.nr_nvme);
	names[0] = self->h.nvme[0]->name;
	names[1] = self->gpu;
	EXPECT_EQ(-EBUSY, add_with(self, names, 1, &self->roms[1], 1));
	EXPECT_EQ(PTX_REASON_ROM, self->add->a.out_reason);
	EXPECT_STREQ(names[0], self->add->a.out_culprit);
	EXPECT_EQ(-EBADMSG, add_with(self, names, 2, &self->roms[0], 1));
	EXPECT_STREQ(self->gpu, self->add->a.out_culprit);
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, add_with(self, names, 2, &self->roms[1], 1));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
}

TEST_F(rom, bad_arguments)
{
	NEED_GPU();
	EXPECT_EQ(-E2BIG, add_with(self, &self->gpu, 1, self->roms, PTX_ROMS_MAX + 1));
	EXPECT_EQ(PTX_REASON_LIMIT, self->add->a.out_reason);
	EXPECT_EQ(-EINVAL, add_with(self, &self->gpu, 1, self->roms, 0));
	EXPECT_EQ(-EFAULT, add_with(self, &self->gpu, 1, NULL, 1));
	add_init(self->add, &self->gpu, 1);
	self->add->a.reserved2 = 1;
	EXPECT_EQ(-EINVAL, lease_add(self->fd, self->add));
	/* Who was built before there was this, and passes less. */
	add_init(self->add, &self->gpu, 1);
	self->add->a.size = offsetof(struct ptx_lease_add, roms);
	self->add->a.roms = 1;
	self->add->a.nr_roms = ~0U;
	EXPECT_EQ(0, lease_add(self->fd, self->add));
	EXPECT_EQ(0, lease_remove(self->fd, &self->gpu, 1, GONE_MS, NULL));
	EXPECT_EQ(0, add_with(self, &self->gpu, 1, self->roms, PTX_ROMS_MAX));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
}

/* Also what the pool has had for long, and what goes into it. */
TEST_F(rom, pooled)
{
	NEED_GPU();
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, &self->gpu, 1, 0));
	EXPECT_EQ(-EBADMSG, add_with(self, &self->gpu, 1, &self->roms[0], 1));
	EXPECT_EQ(PTX_REASON_ROM, self->add->a.out_reason);
	EXPECT_TRUE(in_pool(self));
	EXPECT_EQ(0, add_with(self, &self->gpu, 1, &self->roms[1], 1));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_TRUE(in_pool(self));
	/* What one request allowed says nothing of the next one. */
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	EXPECT_EQ(0, lease_add_names(self->fd, self->gpu, NULL));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_TRUE(in_pool(self));
	EXPECT_EQ(0, nl_pool_remove(&self->h.nl, &self->gpu, 1, GONE_MS));
}

TEST_F(rom, by_netlink)
{
	static const uint32_t lens[] = { 0, 31, 33, 33 * 32 };
	struct nl_req r;
	unsigned int i;

	NEED_GPU();
	for (i = 0; i < 4; i++) {
		nl_start(&self->h.nl, &r, PTX_CMD_POOL_ADD, NLM_F_ACK);
		nl_put_str(&r, PTX_A_LEASE_DEVICE, self->gpu);
		nl_put(&r, PTX_A_LEASE_ROM_SHA256, self->roms, lens[i]);
		EXPECT_EQ(-EINVAL, nl_call(&self->h.nl, &r, NULL, NULL))
			TH_LOG("%u: %s", lens[i], self->h.nl.msg);
	}
	nl_start(&self->h.nl, &r, PTX_CMD_POOL_ADD, NLM_F_ACK);
	nl_put_str(&r, PTX_A_LEASE_DEVICE, self->gpu);
	nl_put(&r, PTX_A_LEASE_ROM_SHA256, self->roms, 32);
	EXPECT_EQ(-EBADMSG, nl_call(&self->h.nl, &r, NULL, NULL));
	EXPECT_NE(NULL, strstr(self->h.nl.msg, "ROM"));
	nl_start(&self->h.nl, &r, PTX_CMD_LEASE_NEW, NLM_F_ACK);
	nl_put_str(&r, PTX_A_LEASE_NAME, "rom");
	nl_put_str(&r, PTX_A_LEASE_DEVICE, self->gpu);
	nl_put(&r, PTX_A_LEASE_ROM_SHA256, self->roms, 32);
	EXPECT_EQ(-EBADMSG, nl_call(&self->h.nl, &r, NULL, NULL));
	close(self->fd);
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
}

/* A ROM with no image in it is none that anybody expects. */
TEST_F(rom, empty)
{
	char name[PCI_NAME_LEN];
	const char *one[] = { sim_name(0, 0, name) };

	if (!host_is_topology("sim"))
		SKIP(return, "needs the topology sim");
	ASSERT_EQ(0, sim_load());
	ASSERT_EQ(0, sim_add("0.0 rom=64K flr=works"));
	EXPECT_EQ(-EBADMSG, add_with(self, one, 1, self->roms, 1));
	EXPECT_EQ(PTX_REASON_ROM, self->add->a.out_reason);
	EXPECT_TRUE(pci_on_driver(name, SIM_DRIVER));
	EXPECT_EQ(0, nl_device_get(&self->h.nl, name, &self->d));
	EXPECT_FALSE(self->d.has_rom);
	EXPECT_EQ(0, sim_clear());
}

TEST_HARNESS_MAIN
