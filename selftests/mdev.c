// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices: made for a lease by the kernel's sample of a parent, mtty, and removed
 * with it, whatever happens; and nobody else's ever.
 */
#include <ctype.h>
#include <dirent.h>
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
#define NOBODY		65534
#define MDEVS		"/sys/bus/mdev/devices"
#define TYPE		"/sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2"
/* Each of this type is two of the 24 ports that mtty has in all. */
#define TWO		"vgpu:mtty/mtty-2"
#define ROOM		12
#define UUID		"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
#define UUID_LEN	36

FIXTURE(mdev)
{
	struct host h;
	struct add add;
	bool ready;
	int fd;
};

static int room(void)
{
	char text[16] = "";

	return file_read(TYPE "/available_instances", text, sizeof(text)) > 0 ? atoi(text) : -1;
}

/* How many there are, of whomever. */
static int made(void)
{
	DIR *dir = opendir(MDEVS);
	struct dirent *e;
	int nr = 0;

	if (!dir)
		return -1;
	while ((e = readdir(dir)))
		nr += *e->d_name != '.';
	closedir(dir);
	return nr;
}

static bool exists(const char *uuid)
{
	char path[128];

	snprintf(path, sizeof(path), MDEVS "/%s", uuid);
	return !access(path, F_OK);
}

static int admin_makes(const char *uuid)
{
	return file_write(TYPE "/create", uuid);
}

static int admin_removes(const char *uuid)
{
	char path[128];

	snprintf(path, sizeof(path), MDEVS "/%s/remove", uuid);
	return file_write(path, "1");
}

FIXTURE_SETUP(mdev)
{
	self->fd = -1;
	self->ready = !system("modprobe -q mtty");
	if (!self->ready)
		return;
	ASSERT_EQ(0, made());
	ASSERT_EQ(ROOM, room());
	ASSERT_EQ(0, host_begin(&self->h));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(mdev)
{
	if (!self->ready)
		return;
	EXPECT_EQ(0, host_end(&self->h));
	EXPECT_EQ(0, made());
	EXPECT_EQ(ROOM, room());
}

#define NEED_MTTY()							\
	do {								\
		if (!self->ready)					\
			SKIP(return, "there is no mtty.ko");		\
	} while (0)

/* As many of one name, and maybe something else. */
static int ask(int fd, struct add *add, const char *name, int nr, const char *other)
{
	const char *names[32];
	int i;

	for (i = 0; i < nr; i++)
		names[i] = name;
	if (other)
		names[nr++] = other;
	add_init(add, names, nr);
	return lease_add(fd, add);
}

static bool is_uuid(const char *text)
{
	int i;

	for (i = 0; i < UUID_LEN; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-' :
		    !isxdigit(text[i]) || isupper(text[i]))
			return false;
	return !text[UUID_LEN];
}

/* Its IOMMU group, by sysfs. */
static unsigned int group_of(const char *uuid)
{
	char path[128], name[32] = "";

	snprintf(path, sizeof(path), MDEVS "/%s/iommu_group", uuid);
	return link_name(path, name, sizeof(name)) ? ~0U : (unsigned int)atoi(name);
}

TEST_F(mdev, on_demand)
{
	const struct ptx_member_info *m;
	struct query q;
	int nr, i;

	NEED_MTTY();
	for (nr = 1; nr <= 3; nr++) {
		ASSERT_EQ(0, ask(self->fd, &self->add, TWO, nr, NULL));
		EXPECT_EQ(nr, self->add.a.out_nr_members);
		EXPECT_EQ(nr, made());
		EXPECT_EQ(ROOM - nr, room());
		ASSERT_EQ(0, lease_query(self->fd, &q));
		ASSERT_EQ(nr, q.q.out_nr_members);
		for (i = 0; i < nr; i++) {
			m = &self->add.members[i];
			EXPECT_TRUE(is_uuid(m->name)) TH_LOG("'%s'", m->name);
			EXPECT_TRUE(exists(m->name));
			EXPECT_EQ(group_of(m->name), m->group);
			EXPECT_EQ(PTX_MEMBER_REQUESTED | PTX_MEMBER_MEDIATED, m->flags);
			EXPECT_EQ(PTX_MEMBER_STATE_READY, m->state);
			EXPECT_STREQ("mtty", m->driver);
			EXPECT_STREQ("", m->native_driver);
			EXPECT_EQ(0, memcmp(m, &q.members[i], sizeof(*m)));
		}
		for (i = 0; i < nr; i++) {
			const char *name = self->add.members[i].name;

			EXPECT_EQ(0, lease_remove(self->fd, &name, 1, GONE_MS, NULL));
			EXPECT_FALSE(exists(name));
		}
		EXPECT_EQ(0, made());
	}
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
}

TEST_F(mdev, called)
{
	char upper[] = TWO "/" UUID;
	char *p;

	NEED_MTTY();
	ASSERT_EQ(0, ask(self->fd, &self->add, TWO "/" UUID, 1, NULL));
	EXPECT_STREQ(UUID, self->add.members[0].name);
	EXPECT_TRUE(exists(UUID));
	/* There is one of that name, be it ours or an admin's. */
	EXPECT_EQ(-EEXIST, ask(self->fd, &self->add, TWO "/" UUID, 1, NULL));
	EXPECT_EQ(PTX_REASON_VGPU_EXISTS, self->add.a.out_reason);
	EXPECT_STREQ(UUID, self->add.a.out_culprit);
	EXPECT_TRUE(exists(UUID));
	close(self->fd);
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_FALSE(exists(UUID));

	ASSERT_EQ(0, admin_makes(UUID));
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	EXPECT_EQ(-EEXIST, ask(self->fd, &self->add, TWO "/" UUID, 1, NULL));
	/* Twice in one request: none is left of it. */
	EXPECT_EQ(0, admin_removes(UUID));
	EXPECT_EQ(-EEXIST, ask(self->fd, &self->add, TWO "/" UUID, 2, NULL));
	EXPECT_EQ(0, made());
	for (p = upper + strlen(TWO); *p; p++)
		*p = toupper(*p);
	ASSERT_EQ(0, ask(self->fd, &self->add, upper, 1, NULL));
	EXPECT_STREQ(UUID, self->add.members[0].name);
}

TEST_F(mdev, bad_names)
{
	static const struct {
		const char *name;
		__u32 reason;
		const char *culprit;
	} bad[] = {
		{ "vgpu:", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/", PTX_REASON_NO_DEVICE },
		{ "vgpu:/mtty-2", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty//", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/mtty-2/", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/mtty-2/x", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/mtty-2/" UUID "0", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/mtty-2/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fg", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/mtty-2/00000000-0000-0000-0000-000000000000", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/mtty-2/" UUID "/..", PTX_REASON_NO_DEVICE },
		{ "vgpu:../mtty-2", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/..", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/.", PTX_REASON_NO_DEVICE },
		{ "vgpu:mtty/mtty-2\n", PTX_REASON_NO_DEVICE },
		{ "vgpu:mt ty/mtty-2", PTX_REASON_NO_DEVICE },
		{ "vgpu:\xff/mtty-2", PTX_REASON_NO_DEVICE },
		{ "vgpu:nosuch/mtty-2", PTX_REASON_NO_DEVICE, "nosuch" },
		{ "vgpu:0000:01:00.0/nvidia-558", PTX_REASON_NO_DEVICE, "0000:01:00.0" },
		{ "vgpu:mtty/mtty-3", PTX_REASON_NO_VGPU_TYPE, "mtty" },
		{ "vgpu:mtty/create", PTX_REASON_NO_VGPU_TYPE, "mtty" },
	};
	unsigned int i;

	NEED_MTTY();
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-ENODEV, ask(self->fd, &self->add, bad[i].name, 1, NULL))
			TH_LOG("'%s'", bad[i].name);
		EXPECT_EQ(bad[i].reason, self->add.a.out_reason) TH_LOG("'%s'", bad[i].name);
		EXPECT_STREQ(bad[i].culprit ?: bad[i].name, self->add.a.out_culprit);
	}
	EXPECT_EQ(0, made());
}

TEST_F(mdev, used_up)
{
	int other = lease_create(self->h.ctl, lease_name(), NULL);

	NEED_MTTY();
	/* Known before one is made. */
	EXPECT_EQ(-EBUSY, ask(self->fd, &self->add, TWO, ROOM + 1, NULL));
	EXPECT_EQ(PTX_REASON_VGPUS_USED_UP, self->add.a.out_reason);
	EXPECT_STREQ("mtty", self->add.a.out_culprit);
	ASSERT_EQ(0, ask(self->fd, &self->add, TWO, ROOM - 1, NULL));
	EXPECT_EQ(-EBUSY, ask(other, &self->add, TWO, 2, NULL));
	EXPECT_EQ(ROOM - 1, made());
	/* Of types that share their room, only the parent knows. */
	EXPECT_EQ(-EBUSY, ask(other, &self->add, "vgpu:mtty/mtty-1", 1, TWO));
	EXPECT_EQ(PTX_REASON_VGPUS_USED_UP, self->add.a.out_reason);
	EXPECT_EQ(ROOM - 1, made());
	EXPECT_EQ(0, lease_nr_members(other));
	ASSERT_EQ(0, ask(other, &self->add, TWO, 1, NULL));
	EXPECT_EQ(0, room());
}

/* With others in one request: all, or none. */
TEST_F(mdev, mixed)
{
	const struct pci_fn *fn = host_single(&self->h, 0), *gpu = self->h.gpu;
	const char *names[] = { TWO, fn ? fn->name : "", TWO, gpu ? gpu->name : "" };
	int other = lease_create(self->h.ctl, lease_name(), NULL);

	NEED_MTTY();
	if (!fn || !gpu)
		SKIP(return, "needs two groups");
	add_init(&self->add, names, 4);
	ASSERT_EQ(0, lease_add(self->fd, &self->add));
	EXPECT_EQ(5, self->add.a.out_nr_members);
	EXPECT_EQ(2, made());
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(0, made());
	close(self->fd);
	self->fd = lease_create(self->h.ctl, lease_name(), NULL);
	/* One of them is somebody else's. */
	ASSERT_EQ(0, lease_add_names(other, gpu->name, NULL));
	EXPECT_EQ(-EBUSY, lease_add(self->fd, &self->add));
	EXPECT_EQ(PTX_REASON_HELD, self->add.a.out_reason);
	EXPECT_EQ(0, made());
	EXPECT_FALSE(pci_on_driver(fn->name, PTX_DRIVER));
	/* One of them cannot be made. */
	ASSERT_EQ(0, lease_release(other, GONE_MS, NULL));
	names[2] = TWO "/" UUID;
	ASSERT_EQ(0, admin_makes(UUID));
	add_init(&self->add, names, 4);
	EXPECT_EQ(-EEXIST, lease_add(self->fd, &self->add));
	EXPECT_EQ(1, made());
	EXPECT_FALSE(pci_on_driver(fn->name, PTX_DRIVER));
	EXPECT_FALSE(pci_on_driver(gpu->name, PTX_DRIVER));
	EXPECT_EQ(0, lease_nr_members(self->fd));
	EXPECT_EQ(0, admin_removes(UUID));
}

/* An admin takes it away, and makes another of that name: which is not ours. */
TEST_F(mdev, not_ours)
{
	struct query q;

	NEED_MTTY();
	ASSERT_EQ(0, ask(self->fd, &self->add, TWO "/" UUID, 1, TWO));
	ASSERT_EQ(0, admin_removes(UUID));
	ASSERT_EQ(0, lease_query(self->fd, &q));
	EXPECT_EQ(PTX_MEMBER_STATE_GONE, q.members[0].state);
	EXPECT_EQ(PTX_MEMBER_STATE_READY, q.members[1].state);
	ASSERT_EQ(0, admin_makes(UUID));
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_TRUE(exists(UUID));
	EXPECT_EQ(1, made());
	EXPECT_EQ(0, admin_removes(UUID));
}

/* It goes with its parent, and the lease with or without it. */
TEST_F(mdev, parent_goes)
{
	NEED_MTTY();
	ASSERT_EQ(0, ask(self->fd, &self->add, TWO, 3, NULL));
	ASSERT_EQ(0, system("rmmod mtty"));
	EXPECT_EQ(-1, room());
	EXPECT_EQ(-ENODEV, ask(self->fd, &self->add, TWO, 1, NULL));
	EXPECT_EQ(PTX_REASON_NO_DEVICE, self->add.a.out_reason);
	ASSERT_EQ(0, system("modprobe mtty"));
	ASSERT_EQ(0, ask(self->fd, &self->add, TWO, 1, NULL));
	EXPECT_EQ(1, made());
	EXPECT_EQ(0, lease_release(self->fd, GONE_MS, NULL));
	EXPECT_EQ(0, made());
}

/* Who has it open is waited for. */
TEST_F(mdev, open)
{
	struct vfio v = VFIO_CLOSED;
	const char *name;

	NEED_MTTY();
	ASSERT_EQ(0, ask(self->fd, &self->add, TWO, 2, NULL));
	name = self->add.members[1].name;
	ASSERT_EQ(0, vfio_open(&v, self->add.members[1].group, name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 1000, NULL));
	/* It has left the bus, and waits for us. */
	EXPECT_FALSE(exists(name));
	EXPECT_EQ(ROOM - 1, room());
	vfio_close(&v);
	EXPECT_EQ(POLLHUP, lease_poll(self->fd, POLLHUP, GONE_MS) & POLLHUP);
	EXPECT_EQ(ROOM, room());
}

static int asks_as_nobody(void *arg)
{
	int *fd = arg;
	struct add add;

	CHECK_EQ(-EPERM, ask(*fd, &add, TWO, 1, NULL));
	CHECK_EQ(0, made());
	return 0;
}

TEST_F(mdev, no_right)
{
	NEED_MTTY();
	EXPECT_EQ(0, child_run_as(NOBODY, asks_as_nobody, &self->fd));
}

static int takes_and_gives(void *arg)
{
	int ctl = ptx_open(), fd;
	struct add add;

	for (;;) {
		fd = lease_create(ctl, lease_name(), NULL);
		CHECK(fd >= 0);
		CHECK_EQ(0, ask(fd, &add, TWO, 1 + rand() % 4, arg));
		if (rand() & 1)
			CHECK_EQ(0, lease_release(fd, GONE_MS, NULL));
		close(fd);
		CHECK_EQ(0, host_wait_no_lease(GONE_MS));
	}
	return 0;
}

/* Killed at any moment: none stays. */
TEST_F(mdev, killed)
{
	const struct pci_fn *fn = host_single(&self->h, 0);
	pid_t pid;
	int i;

	NEED_MTTY();
	close(self->fd);
	for (i = 0; i < 40; i++) {
		srand(i);
		pid = child_start(takes_and_gives, i & 1 && fn ? (void *)fn->name : NULL);
		usleep(rand() % 300000);
		kill(pid, SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_wait(pid));
		EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
		ASSERT_EQ(0, made());
	}
}

TEST_HARNESS_MAIN
