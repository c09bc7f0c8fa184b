// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink device-get: what it says of each device is what sysfs says, and
 * everybody may ask.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(device)
{
	struct host h;
	struct nl_device d;
};

FIXTURE_SETUP(device)
{
	ASSERT_EQ(0, host_begin(&self->h));
}

FIXTURE_TEARDOWN(device)
{
	EXPECT_EQ(0, host_end(&self->h));
}

static long pci_long(const char *name, const char *attr)
{
	char buf[64];

	pci_read(name, attr, buf, sizeof(buf));
	return strtol(buf, NULL, 0);
}

TEST_F(device, every_device_as_in_sysfs)
{
	char buf[128];
	int i;

	for (i = 0; i < self->h.nr_fns; i++) {
		const struct pci_fn *fn = &self->h.fns[i];
		struct nl_device *d = &self->d;

		ASSERT_EQ(0, nl_device_get(&self->h.nl, fn->name, d)) TH_LOG("%s", fn->name);
		EXPECT_EQ(0, d->unknown);
		EXPECT_STREQ(fn->name, d->name);
		EXPECT_EQ(fn->vendor, d->vendor);
		EXPECT_EQ(fn->device, d->device);
		EXPECT_EQ(fn->class, d->class);
		EXPECT_EQ(fn->group, d->group);
		EXPECT_STREQ(fn->driver, d->driver);
		EXPECT_EQ(pci_long(fn->name, "numa_node"), d->numa);
		if (pci_read(fn->name, "reset_method", buf, sizeof(buf)) < 0)
			buf[0] = '\0';
		EXPECT_STREQ(buf, d->resets) TH_LOG("%s", fn->name);
		EXPECT_EQ(0, d->lease);
		EXPECT_STREQ("", d->override);
		EXPECT_STREQ("", d->physfn);
	}
}

TEST_F(device, kinds)
{
	if (self->h.nr_nvme) {
		ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.nvme[0]->name, &self->d));
		EXPECT_EQ(PTX_KIND_NVME, self->d.kind);
	}
	if (self->h.nr_edu) {
		ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.edu[0]->name, &self->d));
		EXPECT_EQ(PTX_KIND_OTHER, self->d.kind);
	}
	NEED(self->h.gpu && self->h.bridge && self->h.nic, "a GPU, a bridge and a NIC");
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.gpu->name, &self->d));
	EXPECT_EQ(PTX_KIND_GPU, self->d.kind);
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.audio->name, &self->d));
	EXPECT_EQ(PTX_KIND_AUDIO, self->d.kind);
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.bridge->name, &self->d));
	EXPECT_EQ(PTX_KIND_BRIDGE, self->d.kind);
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.nic->name, &self->d));
	EXPECT_EQ(PTX_KIND_NIC, self->d.kind);
}

TEST_F(device, group_members)
{
	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.gpu->name, &self->d));
	ASSERT_EQ(1, self->d.nr_mates);
	EXPECT_STREQ(self->h.audio->name, self->d.mates[0]);
	/* Bridges are members of the group, if not of leases. */
	NEED(self->h.nr_edu_shared >= 2, "two edu behind one bridge");
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.edu_shared[0]->name, &self->d));
	EXPECT_EQ(2, self->d.nr_mates);
}

TEST_F(device, override)
{
	const struct pci_fn *fn = host_single(&self->h, 0);

	NEED(fn, "a device that is alone in its group");
	ASSERT_EQ(0, pci_write(fn->name, "driver_override", "of the admin"));
	EXPECT_EQ(0, nl_device_get(&self->h.nl, fn->name, &self->d));
	EXPECT_STREQ("of the admin", self->d.override);
	ASSERT_EQ(0, pci_write(fn->name, "driver_override", "\n"));
}

TEST_F(device, blockers)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	uint64_t id;
	int fd, i;

	NEED(self->h.bridge, "a PCI bridge");
	ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.bridge->name, &self->d));
	ASSERT_EQ(1, self->d.nr_blockers);
	EXPECT_EQ(PTX_REASON_BRIDGE, self->d.blockers[0].reason);
	EXPECT_STREQ(self->h.bridge->name, self->d.blockers[0].culprit);

	for (i = 0; i < self->h.nr_nvme; i++) {
		if (self->h.nvme[i]->group >= 0)
			continue;
		ASSERT_EQ(0, nl_device_get(&self->h.nl, self->h.nvme[i]->name, &self->d));
		ASSERT_EQ(1, self->d.nr_blockers);
		EXPECT_EQ(PTX_REASON_NO_GROUP, self->d.blockers[0].reason);
	}

	NEED(fn, "a device that is alone in its group");
	ASSERT_EQ(0, nl_device_get(&self->h.nl, fn->name, &self->d));
	EXPECT_EQ(0, self->d.nr_blockers) TH_LOG("%s", reason_name(self->d.blockers[0].reason));
	fd = lease_create(self->h.ctl, lease_name(), &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, fn->name, NULL));
	ASSERT_EQ(0, nl_device_get(&self->h.nl, fn->name, &self->d));
	ASSERT_EQ(1, self->d.nr_blockers);
	EXPECT_EQ(PTX_REASON_HELD, self->d.blockers[0].reason);
	EXPECT_EQ(id, self->d.blockers[0].lease);
	EXPECT_EQ(id, self->d.lease);
	close(fd);
}

/* A device that somebody else has given to VFIO. */
TEST_F(device, in_use_outside_ptx)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	struct vfio v = VFIO_CLOSED;
	struct add *add = calloc(1, sizeof(*add));
	int fd;

	NEED(fn, "a device that is alone in its group");
	ASSERT_NE(NULL, add);
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) &&
	    system("modprobe vfio-pci"))
		SKIP(return, "this kernel has no vfio-pci");
	ASSERT_EQ(0, pci_write(fn->name, "driver_override", "vfio-pci"));
	if (fn->driver[0])
		ASSERT_EQ(0, pci_driver_write(fn->driver, "unbind", fn->name));
	ASSERT_EQ(0, pci_driver_write("vfio-pci", "bind", fn->name));
	ASSERT_EQ(0, vfio_open(&v, fn->group, fn->name));
	EXPECT_EQ(0, nl_device_get(&self->h.nl, fn->name, &self->d));
	EXPECT_EQ(1, self->d.nr_blockers);
	EXPECT_EQ(PTX_REASON_IN_USE, self->d.blockers[0].reason);
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	add_init(add, &(const char *){ fn->name }, 1);
	EXPECT_EQ(-EBUSY, lease_add(fd, add));
	EXPECT_EQ(PTX_REASON_IN_USE, add->a.out_reason);
	EXPECT_STREQ(fn->name, add->a.out_culprit);
	vfio_close(&v);
	/* On vfio-pci, but not open: that can be leased, and goes back there. */
	EXPECT_EQ(0, lease_add(fd, add));
	EXPECT_STREQ("vfio-pci", add->members[0].native_driver);
	EXPECT_EQ(0, lease_release(fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(fn->name, "vfio-pci"));
	ASSERT_EQ(0, pci_driver_write("vfio-pci", "unbind", fn->name));
	ASSERT_EQ(0, pci_write(fn->name, "driver_override", "\n"));
	if (fn->driver[0])
		ASSERT_EQ(0, pci_driver_write(fn->driver, "bind", fn->name));
	free(add);
}

TEST_F(device, unknown)
{
	EXPECT_EQ(-ENODEV, nl_device_get(&self->h.nl, "0000:1f:1f.7", &self->d));
	/* The message says which device. */
	EXPECT_NE(NULL, strstr(self->h.nl.msg, "0000:1f:1f.7"))
		TH_LOG("message '%s'", self->h.nl.msg);
	EXPECT_EQ(-ENODEV, nl_device_get(&self->h.nl, "foo", &self->d));
}

/* Only quarantine is reset over netlink; a lease is the way for all others. */
TEST_F(device, reset_of_what_is_well)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	struct nl_req *r = calloc(1, sizeof(*r));

	NEED(fn, "a device that is alone in its group");
	ASSERT_NE(NULL, r);
	nl_start(&self->h.nl, r, PTX_CMD_DEVICE_RESET, 0);
	nl_put_str(r, PTX_A_DEVICE_NAME, fn->name);
	EXPECT_EQ(-EINVAL, nl_call(&self->h.nl, r, NULL, NULL));
	EXPECT_NE(NULL, strstr(self->h.nl.msg, "not in quarantine"));
	nl_start(&self->h.nl, r, PTX_CMD_DEVICE_RESET, 0);
	nl_put_str(r, PTX_A_DEVICE_NAME, "0000:1f:1f.7");
	EXPECT_EQ(-ENODEV, nl_call(&self->h.nl, r, NULL, NULL));
	EXPECT_EQ(PTX_REASON_NO_DEVICE, self->h.nl.reason);
	free(r);
}

static int reader(void *arg)
{
	const char *name = arg;
	struct nl_device d;
	struct nl nl;

	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(0, nl_device_get(&nl, name, &d));
	CHECK(!strcmp(name, d.name));
	CHECK_EQ(0, nl_dump(&nl, PTX_CMD_DEVICE_GET, NULL, NULL));
	return 0;
}

TEST_F(device, open_to_everybody)
{
	EXPECT_EQ(0, child_run_as(NOBODY, reader, self->h.fns[0].name));
}

TEST_HARNESS_MAIN
