// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that outlives a reset: said of the device, and cleared between tenants where
 * that is asked for. On QEMU's shared memory, and on a simulated one that has faults.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vfio.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/sim.h"

#define GONE_MS		60000
#define BAR		2
#define SECRET		0x5ec4e75e
#define IVSHMEM		"vendor=1af4 device=1110 class=050000 "

FIXTURE(scrub)
{
	struct host h;
	struct add *add;
	struct nl_device d;
	char name[PCI_NAME_LEN];
	bool simulated;
	bool ready;
	uint64_t size;
	int fd;
};

/* QEMU's, if there is one. */
static bool find_ivshmem(char *name)
{
	static struct pci_fn fns[64];
	int i, nr = pci_list(fns, 64);

	for (i = 0; i < nr && i < 64; i++)
		if (fns[i].vendor == 0x1af4 && fns[i].device == 0x1110) {
			strcpy(name, fns[i].name);
			return true;
		}
	return false;
}

FIXTURE_SETUP(scrub)
{
	self->simulated = host_is_topology("sim");
	if (self->simulated)
		ASSERT_EQ(0, sim_load());
	ASSERT_EQ(0, host_begin(&self->h));
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
	if (self->simulated)
		sim_name(0, 0, self->name);
	self->ready = self->simulated || find_ivshmem(self->name);
}

FIXTURE_TEARDOWN(scrub)
{
	const char *one = self->name;

	free(self->add);
	syscall(SYS_close_range, 3, ~0U, 0);
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	if (self->simulated) {
		ASSERT_EQ(0, nl_open(&self->h.nl));
		nl_pool_remove(&self->h.nl, &one, 1, GONE_MS);
		nl_close(&self->h.nl);
		EXPECT_EQ(0, sim_clear());
	}
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_ONE() do {							\
		if (!self->ready)					\
			SKIP(return, "needs the topology sim or guard"); \
		if (self->simulated)					\
			ASSERT_EQ(0, sim_add("0.0 " IVSHMEM		\
					     "bars=4K,0,64M:64p flr=works")); \
	} while (0)

#define NEED_SIM() do {							\
		if (!self->simulated)					\
			SKIP(return, "needs the topology sim");		\
	} while (0)

static int lease_it(FIXTURE_DATA(scrub) *self, __u32 flags)
{
	const char *one = self->name;

	add_init(self->add, &one, 1);
	self->add->a.flags = flags;
	return lease_add(self->fd, self->add);
}

/* Writes into the first page, the last, and one in between; or sums up what is there. */
static int each_page(FIXTURE_DATA(scrub) *self, bool write, unsigned int *secrets)
{
	uint64_t offset, at[3];
	uint32_t word = SECRET;
	struct pci_fn fn;
	struct vfio v;
	unsigned int i;
	int ret;

	*secrets = 0;
	ret = pci_get(self->name, &fn);
	if (!ret)
		ret = vfio_open(&v, fn.group, self->name);
	if (ret)
		return ret;
	ret = vfio_master(v.device) ?:
	      vfio_region(v.device, VFIO_PCI_BAR0_REGION_INDEX + BAR, &offset, &self->size);
	at[0] = offset;
	at[1] = offset + self->size / 2 + 4096;
	at[2] = offset + self->size - sizeof(word);
	for (i = 0; !ret && i < 3; i++) {
		if (write && pwrite(v.device, &word, sizeof(word), at[i]) != sizeof(word))
			ret = -errno;
		if (!write && pread(v.device, &word, sizeof(word), at[i]) != sizeof(word))
			ret = -errno;
		*secrets += word == SECRET;
	}
	vfio_close(&v);
	return ret;
}

static int leave_secrets(FIXTURE_DATA(scrub) *self)
{
	unsigned int n;

	return each_page(self, true, &n) ?: n == 3 ? 0 : -EIO;
}

static int secrets(FIXTURE_DATA(scrub) *self)
{
	unsigned int n;
	int ret = each_page(self, false, &n);

	return ret ?: (int)n;
}

static int next_lease(FIXTURE_DATA(scrub) *self, __u32 flags)
{
	int ret = lease_release(self->fd, GONE_MS, NULL);

	if (ret)
		return ret;
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	return self->fd < 0 ? self->fd : lease_it(self, flags);
}

/* Said of the device, and of the lease. Without being asked, nothing is cleared. */
TEST_F(scrub, is_said)
{
	const struct ptx_member_info *m;

	NEED_ONE();
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &self->d));
	EXPECT_TRUE(self->d.keeps_memory);
	ASSERT_EQ(0, lease_it(self, 0));
	m = self->add->members;
	EXPECT_EQ(PTX_MEMBER_REQUESTED | PTX_MEMBER_KEEPS_MEMORY, m->flags);
	ASSERT_EQ(0, leave_secrets(self));
	ASSERT_EQ(0, next_lease(self, 0));
	/* So this test shows what it should. */
	EXPECT_EQ(3, secrets(self));
}

TEST_F(scrub, on_the_way_home)
{
	NEED_ONE();
	ASSERT_EQ(0, lease_it(self, PTX_ADD_FLAGS_CLEAR_MEMORY));
	ASSERT_EQ(0, leave_secrets(self));
	ASSERT_EQ(0, next_lease(self, 0));
	EXPECT_EQ(0, secrets(self));
}

/* What the one before left there, who did not ask. */
TEST_F(scrub, before)
{
	NEED_ONE();
	ASSERT_EQ(0, lease_it(self, 0));
	ASSERT_EQ(0, leave_secrets(self));
	ASSERT_EQ(0, next_lease(self, PTX_ADD_FLAGS_CLEAR_MEMORY));
	EXPECT_EQ(0, secrets(self));
	ASSERT_EQ(0, leave_secrets(self));
	ASSERT_EQ(0, next_lease(self, PTX_ADD_FLAGS_RESET | PTX_ADD_FLAGS_CLEAR_MEMORY));
	EXPECT_EQ(0, secrets(self));
}

/* From the pool, which does not clear by itself, and back to it. */
TEST_F(scrub, from_the_pool_and_back)
{
	const char *one = self->name;

	NEED_SIM();
	NEED_ONE();
	EXPECT_EQ(-EINVAL, nl_pool_add(&self->h.nl, &one, 1, PTX_ADD_FLAGS_CLEAR_MEMORY));
	ASSERT_EQ(0, nl_pool_add(&self->h.nl, &one, 1, 0));
	ASSERT_EQ(0, lease_it(self, 0));
	ASSERT_EQ(0, leave_secrets(self));
	ASSERT_EQ(0, next_lease(self, 0));
	EXPECT_EQ(3, secrets(self));
	ASSERT_EQ(0, next_lease(self, PTX_ADD_FLAGS_CLEAR_MEMORY));
	EXPECT_EQ(0, secrets(self));
	ASSERT_EQ(0, leave_secrets(self));
	ASSERT_EQ(0, next_lease(self, 0));
	EXPECT_EQ(0, secrets(self));
}

/* A device that keeps it somewhere else is had without, and only so. */
TEST_F(scrub, in_vain)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 vendor=10de device=2204 class=030200 bars=1M flr=works "
			     "mem=0:0:0x172000a1"));
	EXPECT_EQ(-EBUSY, lease_it(self, PTX_ADD_FLAGS_CLEAR_MEMORY));
	EXPECT_EQ(PTX_REASON_KEEPS_MEMORY, self->add->a.out_reason);
	EXPECT_STREQ(self->name, self->add->a.out_culprit);
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
	EXPECT_EQ(0, lease_it(self, 0));
	EXPECT_EQ(PTX_MEMBER_REQUESTED | PTX_MEMBER_KEEPS_MEMORY, self->add->members[0].flags);
}

/* One that does not take it: nobody gets it with what is in there. */
TEST_F(scrub, that_does_not_work)
{
	NEED_SIM();
	ASSERT_EQ(0, sim_add("0.0 " IVSHMEM "bars=4K,0,64M:64p flr=works mem=2:4096:0x5ec4e75e"));
	ASSERT_EQ(0, lease_it(self, PTX_ADD_FLAGS_CLEAR_MEMORY));
	ASSERT_EQ(0, sim_control("set 0.0 stuck=1"));
	EXPECT_EQ(-EIO, lease_release(self->fd, GONE_MS, NULL));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->name, &self->d));
	EXPECT_EQ(PTX_MEMBER_STATE_QUARANTINED, self->d.member_state);
	ASSERT_EQ(0, sim_control("set 0.0 stuck=0"));
	EXPECT_EQ(0, nl_device_reset(&self->h.nl, self->name));
	EXPECT_TRUE(pci_on_driver(self->name, SIM_DRIVER));
}

TEST_HARNESS_MAIN
