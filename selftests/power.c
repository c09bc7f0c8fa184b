// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resets by taking the power away, on ports whose power firmware can switch; and the
 * parameter reset_ban, which leaves nothing else to do.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"

#define GONE_MS	60000
#define BAN	"/sys/module/ptx/parameters/reset_ban"
#define NVME	"0000:01:00.0"
#define EDU	"0000:02:00.0"
/* Its port has no power to be switched. */
#define OTHER	"0000:03:00.0"

FIXTURE(power)
{
	struct host h;
	struct add *add;
	struct nl_device d;
	int fd;
	bool ready;
};

FIXTURE_SETUP(power)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->ready = host_is_topology("pr3");
	self->add = calloc(1, sizeof(*self->add));
	ASSERT_NE(NULL, self->add);
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(power)
{
	free(self->add);
	syscall(SYS_close_range, 3, ~0U, 0);
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_EQ(0, file_write(BAN, ""));
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_POWER() do {						\
		if (!self->ready)					\
			SKIP(return, "needs the topology pr3");		\
	} while (0)

static int reset_first(FIXTURE_DATA(power) *self, const char *name)
{
	add_init(self->add, &name, 1);
	self->add->a.flags = PTX_ADD_FLAGS_RESET;
	return lease_add(self->fd, self->add);
}

/* How often each port was turned off, by firmware's own count. */
static int turned_off(void)
{
	char buf[64];
	FILE *f = popen("cat /sys/bus/acpi/devices/PTX0001:*/sun | paste -sd+ | bc", "r");
	int n = -1;

	if (f && fgets(buf, sizeof(buf), f))
		n = atoi(buf);
	if (f)
		pclose(f);
	return n;
}

TEST_F(power, ban)
{
	char buf[64];

	EXPECT_EQ(0, file_write(BAN, "flr,d3cold"));
	EXPECT_LT(0, file_read(BAN, buf, sizeof(buf)));
	EXPECT_STREQ("flr,d3cold", buf);
	EXPECT_EQ(-EINVAL, file_write(BAN, "flr,hammer"));
	EXPECT_EQ(-EINVAL, file_write(BAN, "unknown"));
	EXPECT_LT(0, file_read(BAN, buf, sizeof(buf)));
	EXPECT_STREQ("flr,d3cold", buf);
}

TEST_F(power, off_and_on)
{
	static const char *const names[] = { NVME, EDU };
	uint32_t tried;
	char buf[64];
	int i, off;

	NEED_POWER();
	ASSERT_EQ(0, file_write(BAN, "flr,pm,bus"));
	for (i = 0; i < 2; i++) {
		off = turned_off();
		ASSERT_LE(0, off);
		ASSERT_EQ(0, nl_device_get(&self->h.nl, names[i], &self->d));
		tried = self->d.resets_tried;
		ASSERT_EQ(0, reset_first(self, names[i])) TH_LOG("%s", names[i]);
		EXPECT_LT(off, turned_off());
		ASSERT_EQ(0, nl_device_get(&self->h.nl, names[i], &self->d));
		EXPECT_EQ(tried + 1, self->d.resets_tried);
		EXPECT_EQ(0, self->d.resets_failed);
		/* Nor does a guest get what is banned. */
		pci_read(names[i], "reset_method", buf, sizeof(buf));
		EXPECT_STREQ("", buf);
		EXPECT_EQ(0, lease_remove(self->fd, &names[i], 1, GONE_MS, NULL));
		ASSERT_EQ(0, nl_device_get(&self->h.nl, names[i], &self->d));
		EXPECT_EQ(tried + 2, self->d.resets_tried);
		EXPECT_EQ(0, self->d.resets_failed);
	}
	EXPECT_TRUE(pci_on_driver(NVME, "nvme"));
}

TEST_F(power, not_to_be_had)
{
	uint32_t tried;

	NEED_POWER();
	ASSERT_EQ(0, nl_device_get(&self->h.nl, EDU, &self->d));
	tried = self->d.resets_tried;
	ASSERT_EQ(0, file_write(BAN, "flr,pm,bus"));
	EXPECT_EQ(-EIO, reset_first(self, OTHER));
	EXPECT_EQ(PTX_REASON_NO_RESET, self->add->a.out_reason);
	ASSERT_EQ(0, file_write(BAN, "flr,pm,bus,d3cold"));
	EXPECT_EQ(-EIO, reset_first(self, EDU));
	EXPECT_EQ(PTX_REASON_NO_RESET, self->add->a.out_reason);
	ASSERT_EQ(0, nl_device_get(&self->h.nl, EDU, &self->d));
	EXPECT_EQ(tried, self->d.resets_tried);
	/* It is had without one. */
	EXPECT_EQ(0, lease_add_names(self->fd, EDU, NULL));
}

TEST_HARNESS_MAIN
