// SPDX-License-Identifier: GPL-2.0-only
/*
 * A member comes home exactly as it was: its driver or the lack of one,
 * driver_override empty or set by the admin, runtime power, reset order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(restore)
{
	struct host h;
	const struct pci_fn *fn;	/* with a driver */
	const struct pci_fn *bare;	/* without one */
	struct snapshot *mine;		/* the state that the test set up */
};

FIXTURE_SETUP(restore)
{
	int i;

	ASSERT_EQ(0, host_begin(&self->h));
	for (i = 0; host_single(&self->h, i); i++) {
		const struct pci_fn *fn = host_single(&self->h, i);

		if (fn->driver[0] && !self->fn)
			self->fn = fn;
		if (!fn->driver[0] && !self->bare)
			self->bare = fn;
	}
}

FIXTURE_TEARDOWN(restore)
{
	snapshot_free(self->mine);
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_BOUND() NEED(self->fn, "a device with a driver, alone in its group")
#define NEED_BARE() NEED(self->bare, "a device without a driver, alone in its group")

/* Leases the device, opens it, gives it back: the same as in self->mine. */
static int round_trip(FIXTURE_DATA(restore) *self, const struct pci_fn *fn)
{
	struct vfio v = VFIO_CLOSED;
	int fd, ret;

	self->mine = snapshot_take();
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	if (fd < 0 || !self->mine)
		return fd;
	ret = lease_add_names(fd, fn->name, NULL);
	ret = ret ?: vfio_open(&v, fn->group, fn->name);
	vfio_close(&v);
	ret = ret ?: lease_release(fd, 0, NULL);
	close(fd);
	ret = ret ?: snapshot_check(self->mine, 2000, NULL);
	snapshot_free(self->mine);
	self->mine = NULL;
	return ret;
}

TEST_F(restore, driver)
{
	NEED_BOUND();
	EXPECT_EQ(0, round_trip(self, self->fn));
	EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
}

TEST_F(restore, no_driver)
{
	NEED_BARE();
	EXPECT_EQ(0, round_trip(self, self->bare));
	EXPECT_TRUE(pci_on_driver(self->bare->name, ""));
}

/* The admin took the driver away on purpose; that is to be respected. */
TEST_F(restore, driver_taken_away_by_admin)
{
	NEED_BOUND();
	ASSERT_EQ(0, pci_driver_write(self->fn->driver, "unbind", self->fn->name));
	EXPECT_EQ(0, round_trip(self, self->fn));
	EXPECT_TRUE(pci_on_driver(self->fn->name, ""));
	ASSERT_EQ(0, pci_driver_write(self->fn->driver, "bind", self->fn->name));
}

TEST_F(restore, override_of_admin)
{
	/* Any text is an override, whether there is such a driver or not. */
	static const char *const overrides[] = {
		"pci-stub", "no-such-driver", "a driver with spaces, and more",
		"vfio-pci", PTX_DRIVER, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	};
	const struct pci_fn *fns[] = { self->fn, self->bare };
	unsigned int i, k;
	char buf[256];

	NEED_BOUND();
	NEED_BARE();
	for (k = 0; k < ARRAY_SIZE(fns); k++) {
		for (i = 0; i < ARRAY_SIZE(overrides); i++) {
			ASSERT_EQ(0, pci_write(fns[k]->name, "driver_override",
					       overrides[i]));
			EXPECT_EQ(0, round_trip(self, fns[k]))
				TH_LOG("%s: '%s'", fns[k]->name, overrides[i]);
			pci_read(fns[k]->name, "driver_override", buf, sizeof(buf));
			EXPECT_STREQ(overrides[i], buf);
			EXPECT_TRUE(pci_on_driver(fns[k]->name, fns[k]->driver));
		}
		ASSERT_EQ(0, pci_write(fns[k]->name, "driver_override", "\n"));
	}
}

/* The native driver itself as the override, as "driverctl" leaves it. */
TEST_F(restore, override_that_names_the_native_driver)
{
	char buf[256];

	NEED_BOUND();
	ASSERT_EQ(0, pci_write(self->fn->name, "driver_override", self->fn->driver));
	EXPECT_EQ(0, round_trip(self, self->fn));
	pci_read(self->fn->name, "driver_override", buf, sizeof(buf));
	EXPECT_STREQ(self->fn->driver, buf);
	ASSERT_EQ(0, pci_write(self->fn->name, "driver_override", "\n"));
}

TEST_F(restore, power_control)
{
	static const char *const modes[] = { "auto", "on" };
	const struct pci_fn *fns[] = { self->fn, self->bare };
	char was[16], buf[16];
	unsigned int i, k;

	NEED_BOUND();
	NEED_BARE();
	for (k = 0; k < ARRAY_SIZE(fns); k++) {
		ASSERT_LT(0, pci_read(fns[k]->name, "power/control", was, sizeof(was)));
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			ASSERT_EQ(0, pci_write(fns[k]->name, "power/control", modes[i]));
			EXPECT_EQ(0, round_trip(self, fns[k]))
				TH_LOG("%s: %s", fns[k]->name, modes[i]);
			pci_read(fns[k]->name, "power/control", buf, sizeof(buf));
			EXPECT_STREQ(modes[i], buf);
		}
		ASSERT_EQ(0, pci_write(fns[k]->name, "power/control", was));
	}
}

TEST_F(restore, reset_order)
{
	static const char *const orders[] = { "bus", "bus flr", "flr", "flr bus", "" };
	char was[128], buf[128];
	unsigned int i;

	NEED_BOUND();
	ASSERT_LE(0, pci_read(self->fn->name, "reset_method", was, sizeof(was)));
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		/* One that the device lacks cannot be written. */
		if (pci_write(self->fn->name, "reset_method",
			      orders[i][0] ? orders[i] : "\n"))
			continue;
		EXPECT_EQ(0, round_trip(self, self->fn)) TH_LOG("'%s'", orders[i]);
		pci_read(self->fn->name, "reset_method", buf, sizeof(buf));
		EXPECT_STREQ(orders[i], buf);
	}
	ASSERT_EQ(0, pci_write(self->fn->name, "reset_method",
			       was[0] ? was : "\n"));
}

/* A whole group, of which every function had something else. */
TEST_F(restore, group)
{
	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	ASSERT_EQ(0, pci_write(self->h.gpu->name, "driver_override", "left"));
	ASSERT_EQ(0, pci_write(self->h.audio->name, "driver_override", "right"));
	ASSERT_EQ(0, pci_write(self->h.audio->name, "power/control", "auto"));
	EXPECT_EQ(0, round_trip(self, self->h.gpu));
	EXPECT_EQ(0, round_trip(self, self->h.audio));
	ASSERT_EQ(0, pci_write(self->h.gpu->name, "driver_override", "\n"));
	ASSERT_EQ(0, pci_write(self->h.audio->name, "driver_override", "\n"));
	ASSERT_EQ(0, pci_write(self->h.audio->name, "power/control", "on"));
}

/* The stock driver leaves no trace either. */
TEST_F(restore, after_stock_vfio_pci)
{
	struct add *add = calloc(1, sizeof(*add));
	int fd;

	NEED_BOUND();
	ASSERT_NE(NULL, add);
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) &&
	    system("modprobe vfio-pci"))
		SKIP(return, "this kernel has no vfio-pci");
	ASSERT_EQ(0, pci_write(self->fn->name, "power/control", "auto"));
	self->mine = snapshot_take();
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	add_init(add, &(const char *){ self->fn->name }, 1);
	strcpy(add->a.driver, "vfio-pci");
	ASSERT_EQ(0, lease_add(fd, add));
	ASSERT_EQ(0, lease_release(fd, 0, NULL));
	EXPECT_EQ(0, snapshot_check(self->mine, 2000, NULL));
	ASSERT_EQ(0, pci_write(self->fn->name, "power/control", "on"));
	free(add);
}

/*
 * The admin took the device off our driver behind our back and gave it to its
 * own again. That is for us to find at release, and to leave alone.
 */
TEST_F(restore, admin_interferes)
{
	int fd;

	NEED_BOUND();
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	ASSERT_EQ(0, pci_driver_write(PTX_DRIVER, "unbind", self->fn->name));
	ASSERT_EQ(0, pci_write(self->fn->name, "driver_override", "\n"));
	EXPECT_EQ(0, pci_driver_write(self->fn->driver, "bind", self->fn->name));
	EXPECT_EQ(0, lease_release(fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
}

/* Unbound by the admin, and left so. */
TEST_F(restore, admin_unbinds)
{
	int fd;

	NEED_BOUND();
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	ASSERT_EQ(0, pci_driver_write(PTX_DRIVER, "unbind", self->fn->name));
	/* Nothing but our lease may bring it back on our driver. */
	pci_driver_write(PTX_DRIVER, "bind", self->fn->name);
	EXPECT_EQ(0, lease_release(fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
}

TEST_F(restore, many_rounds)
{
	const char *env = getenv("PTX_RESTORE_ROUNDS");
	int rounds = env ? atoi(env) : 20, i;

	NEED_BOUND();
	ASSERT_LT(0, rounds);
	for (i = 0; i < rounds; i++)
		ASSERT_EQ(0, round_trip(self, self->fn)) TH_LOG("round %d", i);
}

/* Our driver takes nothing that is not being leased. */
TEST_F(restore, no_bind_without_a_lease)
{
	NEED_BARE();
	ASSERT_EQ(0, pci_write(self->bare->name, "driver_override", PTX_DRIVER));
	EXPECT_NE(0, pci_driver_write(PTX_DRIVER, "bind", self->bare->name));
	file_write("/sys/bus/pci/drivers_probe", self->bare->name);
	EXPECT_TRUE(pci_on_driver(self->bare->name, ""));
	ASSERT_EQ(0, pci_write(self->bare->name, "driver_override", "\n"));
}

TEST_HARNESS_MAIN
