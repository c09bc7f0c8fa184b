// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual functions on demand: a request enables them, the last lease disables them, the
 * physical function stays the host's, and no native driver sees one on the way.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

#define GONE_MS		60000
#define MAX_VFS		4

FIXTURE(vf)
{
	struct host h;
	char pf[PCI_NAME_LEN];
	char name[64];
	bool ready;
};

FIXTURE_SETUP(vf)
{
	self->ready = host_is_topology("sriov");
	if (!self->ready)
		return;
	ASSERT_EQ(0, host_begin(&self->h));
	strcpy(self->pf, "0000:01:00.0");
	snprintf(self->name, sizeof(self->name), "vf:%s", self->pf);
}

FIXTURE_TEARDOWN(vf)
{
	if (self->ready)
		EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_PF()							\
	do {								\
		if (!self->ready)					\
			SKIP(return, "needs the topology sriov");	\
	} while (0)

static int enabled(const char *pf)
{
	char path[128], text[16] = "";

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/sriov_numvfs", pf);
	return file_read(path, text, sizeof(text)) > 0 ? atoi(text) : -1;
}

/* A request that was killed leaves it to the driver when it is done. */
static bool becomes_disabled(const char *pf)
{
	int i;

	for (i = 0; i < GONE_MS && enabled(pf); i += 20)
		usleep(20000);
	return !enabled(pf);
}

/* Asks for that many, and maybe for something else. */
static int ask(int fd, struct add *add, const char *vf, int nr, const char *other)
{
	const char *names[MAX_VFS + 2];
	int i;

	for (i = 0; i < nr; i++)
		names[i] = vf;
	if (other)
		names[nr++] = other;
	add_init(add, names, nr);
	return lease_add(fd, add);
}

TEST_F(vf, on_demand)
{
	int fd, i, nr;
	struct add add;

	NEED_PF();
	for (nr = 1; nr <= MAX_VFS; nr++) {
		fd = lease_create(self->h.ctl, lease_name(), NULL);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, ask(fd, &add, self->name, nr, NULL));
		EXPECT_EQ(nr, enabled(self->pf));
		EXPECT_TRUE(pci_on_driver(self->pf, "nvme"));
		for (i = 0; i < nr; i++)
			EXPECT_TRUE(pci_on_driver(add.members[i].name, "ptx-vfio-pci"));
		/* None is left. */
		EXPECT_EQ(-EBUSY, ask(fd, &add, self->name, 1, NULL));
		EXPECT_EQ(PTX_REASON_VFS_USED_UP, add.a.out_reason);
		EXPECT_STREQ(self->pf, add.a.out_culprit);
		ASSERT_EQ(0, lease_release(fd, GONE_MS, NULL));
		EXPECT_EQ(0, enabled(self->pf));
		close(fd);
	}
}

/* More are enabled than one wants: a second lease finds some. */
TEST_F(vf, reserved)
{
	static const char *const bad[] = {
		"/", "/0", "/x", "/1x", "/-1", "/+1", "/1/2", "/99999999999",
	};
	int first, second;
	char name[80];
	unsigned int i;
	struct add add;

	NEED_PF();
	first = lease_create(self->h.ctl, lease_name(), NULL);
	second = lease_create(self->h.ctl, lease_name(), NULL);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(name, sizeof(name), "%s%s", self->name, bad[i]);
		EXPECT_EQ(-ENODEV, ask(first, &add, name, 1, NULL)) TH_LOG("%s", name);
		EXPECT_STREQ(name, add.a.out_culprit);
	}
	snprintf(name, sizeof(name), "%s/%d", self->name, MAX_VFS + 1);
	EXPECT_EQ(-EBUSY, ask(first, &add, name, 1, NULL));
	EXPECT_EQ(0, enabled(self->pf));
	snprintf(name, sizeof(name), "%s/3", self->name);
	ASSERT_EQ(0, ask(first, &add, name, 1, self->name));
	EXPECT_EQ(3, enabled(self->pf));
	ASSERT_EQ(0, ask(second, &add, self->name, 1, NULL));
	EXPECT_EQ(-EBUSY, ask(second, &add, self->name, 1, NULL));
	EXPECT_EQ(0, lease_release(first, GONE_MS, NULL));
	EXPECT_EQ(3, enabled(self->pf));
	EXPECT_EQ(0, lease_release(second, GONE_MS, NULL));
	EXPECT_EQ(0, enabled(self->pf));
	close(first);
	close(second);
}

/* Those of an admin are used, each once, and left alone. */
TEST_F(vf, of_an_admin)
{
	struct add one, two;
	int first, second;

	NEED_PF();
	ASSERT_EQ(0, pci_write(self->pf, "sriov_drivers_autoprobe", "0"));
	ASSERT_EQ(0, pci_write(self->pf, "sriov_numvfs", "2"));
	first = lease_create(self->h.ctl, lease_name(), NULL);
	second = lease_create(self->h.ctl, lease_name(), NULL);
	EXPECT_EQ(-EBUSY, ask(first, &one, self->name, 3, NULL));
	ASSERT_EQ(0, ask(first, &one, self->name, 1, NULL));
	ASSERT_EQ(0, ask(second, &two, self->name, 1, NULL));
	EXPECT_STRNE(one.members[0].name, two.members[0].name);
	EXPECT_EQ(-EBUSY, ask(second, &two, self->name, 1, NULL));
	EXPECT_EQ(0, lease_release(first, GONE_MS, NULL));
	close(first);
	/* Any, and one by its address: not that one twice. */
	ASSERT_EQ(0, lease_release(second, GONE_MS, NULL));
	close(second);
	first = lease_create(self->h.ctl, lease_name(), NULL);
	second = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_EQ(0, ask(first, &one, self->name, 1, "0000:01:00.1"));
	EXPECT_EQ(0, lease_release(first, GONE_MS, NULL));
	EXPECT_EQ(2, enabled(self->pf));
	ASSERT_EQ(0, ask(second, &two, self->name, 1, NULL));
	EXPECT_EQ(0, lease_release(second, GONE_MS, NULL));
	close(first);
	close(second);
	EXPECT_EQ(2, enabled(self->pf));
	ASSERT_EQ(0, pci_write(self->pf, "sriov_numvfs", "0"));
	ASSERT_EQ(0, pci_write(self->pf, "sriov_drivers_autoprobe", "1"));
}

/* Refused, and nothing has changed when that is known. */
TEST_F(vf, refused)
{
	const struct pci_fn *single = host_single(&self->h, 0);
	struct add add;
	int fd, other;

	NEED_PF();
	if (single && !strcmp(single->name, self->pf))
		single = host_single(&self->h, 1);
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	EXPECT_EQ(-EBUSY, ask(fd, &add, self->name, MAX_VFS + 1, NULL));
	EXPECT_EQ(PTX_REASON_VFS_USED_UP, add.a.out_reason);
	EXPECT_EQ(-ENODEV, ask(fd, &add, "vf:0000:77:00.0", 1, NULL));
	EXPECT_EQ(PTX_REASON_NO_DEVICE, add.a.out_reason);
	EXPECT_STREQ("0000:77:00.0", add.a.out_culprit);
	EXPECT_EQ(-ENODEV, ask(fd, &add, "vf:", 1, NULL));
	EXPECT_EQ(-EOPNOTSUPP, ask(fd, &add, "vf:0000:00:1f.2", 1, NULL));
	EXPECT_EQ(PTX_REASON_NO_SRIOV, add.a.out_reason);
	EXPECT_EQ(0, enabled(self->pf));
	/* Something else in the request is not to be had. */
	EXPECT_EQ(-ENODEV, ask(fd, &add, self->name, 2, "0000:77:00.0"));
	EXPECT_EQ(0, enabled(self->pf));
	/* Nor is the function itself while it has others. */
	EXPECT_EQ(-EBUSY, ask(fd, &add, self->name, 2, self->pf));
	EXPECT_EQ(0, enabled(self->pf));
	EXPECT_TRUE(pci_on_driver(self->pf, "nvme"));
	/* Nor what another lease has. */
	ASSERT_NE(NULL, single);
	other = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_EQ(0, lease_add_names(other, single->name, NULL));
	EXPECT_EQ(-EBUSY, ask(fd, &add, self->name, 2, single->name));
	EXPECT_EQ(PTX_REASON_HELD, add.a.out_reason);
	EXPECT_EQ(0, enabled(self->pf));
	EXPECT_EQ(0, lease_release(other, GONE_MS, NULL));
	/* Without its driver it has none. */
	ASSERT_EQ(0, ask(fd, &add, NULL, 0, self->pf));
	EXPECT_EQ(-EIO, ask(fd, &add, self->name, 1, NULL));
	EXPECT_EQ(PTX_REASON_NO_SRIOV, add.a.out_reason);
	EXPECT_EQ(0, lease_release(fd, GONE_MS, NULL));
	close(fd);
}

/* They are there as long as a VMM has one open. */
TEST_F(vf, open)
{
	struct vfio v = VFIO_CLOSED;
	struct pci_fn fn;
	struct add add;
	int fd;

	NEED_PF();
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_EQ(0, ask(fd, &add, self->name, 2, NULL));
	ASSERT_EQ(0, pci_get(add.members[1].name, &fn));
	ASSERT_EQ(0, vfio_open(&v, fn.group, fn.name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(fd, 500, NULL));
	EXPECT_EQ(2, enabled(self->pf));
	vfio_close(&v);
	EXPECT_EQ(POLLHUP, lease_poll(fd, POLLHUP, GONE_MS) & POLLHUP);
	EXPECT_EQ(0, enabled(self->pf));
	close(fd);
}

static int takes_and_gives(void *arg)
{
	const char *name = arg;
	int ctl = ptx_open(), fd;
	struct add add;

	for (;;) {
		fd = lease_create(ctl, lease_name(), NULL);
		CHECK(fd >= 0);
		CHECK_EQ(0, ask(fd, &add, name, 1 + rand() % MAX_VFS, NULL));
		if (rand() & 1)
			CHECK_EQ(0, lease_release(fd, GONE_MS, NULL));
		close(fd);
		CHECK_EQ(0, host_wait_no_lease(GONE_MS));
	}
	return 0;
}

/* Killed at any moment: none stays. */
TEST_F(vf, killed)
{
	pid_t pid;
	int i;

	NEED_PF();
	srand(getpid());
	for (i = 0; i < 20; i++) {
		srand(i);
		pid = child_start(takes_and_gives, self->name);
		usleep(rand() % 1500000);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_wait(pid));
		EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
		EXPECT_TRUE(becomes_disabled(self->pf));
	}
}

TEST_HARNESS_MAIN
