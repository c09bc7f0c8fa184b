// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unloading the module: refused while a lease lives, clean otherwise, over
 * and over again, and at the very moment the last lease ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"

#define MODULE "ptx"

static int module_unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
}

static int module_load(void)
{
	return system("modprobe " MODULE) ? -ENOENT : 0;
}

static bool module_loaded(void)
{
	return !access("/sys/module/" MODULE, F_OK);
}

/* Unloads as soon as the last reference is gone; how long it took is our wait. */
static int module_unload_soon(int timeout_ms)
{
	int ret = -EBUSY;

	for (; ret && timeout_ms > 0; timeout_ms--) {
		ret = module_unload();
		if (ret != -EBUSY && ret != -EWOULDBLOCK)
			break;
		usleep(1000);
	}
	return ret;
}

FIXTURE(unload)
{
	struct host h;
	struct snapshot *before;
	const struct pci_fn *fn;
};

FIXTURE_SETUP(unload)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fn = host_single(&self->h, 0);
}

FIXTURE_TEARDOWN(unload)
{
	if (!module_loaded())
		EXPECT_EQ(0, module_load());
	EXPECT_EQ(0, host_end(&self->h));
}

/* Our own files hold the module, too. */
static void let_go(struct host *h)
{
	close(h->ctl);
	nl_close(&h->nl);
}

#define EXPECT_REFUSED()						\
	do {								\
		int ret_ = module_unload();				\
		EXPECT_TRUE(ret_ == -EWOULDBLOCK || ret_ == -EBUSY)	\
			TH_LOG("%d", ret_);				\
		EXPECT_TRUE(module_loaded());				\
	} while (0)

TEST_F(unload, idle)
{
	let_go(&self->h);
	ASSERT_EQ(0, module_unload_soon(5000));
	EXPECT_FALSE(module_loaded());
	EXPECT_NE(0, access(PTX_NODE, F_OK));
	EXPECT_NE(0, access("/sys/bus/pci/drivers/" PTX_DRIVER, F_OK));
	EXPECT_EQ(0, snapshot_check(self->h.before, 1000, NULL));
	ASSERT_EQ(0, module_load());
	EXPECT_EQ(0, access(PTX_NODE, F_OK));
}

TEST_F(unload, refused_with_an_empty_lease)
{
	uint64_t id;
	int fd = lease_create(self->h.ctl, lease_name(), &id);

	ASSERT_LE(0, fd);
	let_go(&self->h);
	EXPECT_REFUSED();
	close(fd);
	EXPECT_EQ(0, module_unload_soon(5000));
}

TEST_F(unload, refused_with_a_persistent_lease)
{
	struct nl_lease l;
	struct nl nl;

	NEED(self->fn, "a device that is alone in its group");
	ASSERT_EQ(0, nl_lease_new(&self->h.nl, "keep",
				  &(const char *){ self->fn->name }, 1, 0, &l));
	let_go(&self->h);
	/* No file of ours holds it now. */
	EXPECT_REFUSED();
	usleep(200000);
	EXPECT_REFUSED();
	EXPECT_TRUE(pci_on_driver(self->fn->name, PTX_DRIVER));
	ASSERT_EQ(0, nl_open(&nl));
	ASSERT_EQ(0, nl_lease_release(&nl, l.id, 0));
	nl_close(&nl);
	EXPECT_EQ(0, module_unload_soon(5000));
	EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
}

TEST_F(unload, refused_while_draining)
{
	struct vfio v = VFIO_CLOSED;
	int fd;

	NEED(self->fn, "a device that is alone in its group");
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, self->fn->group, self->fn->name));
	let_go(&self->h);
	close(fd);
	usleep(100000);
	EXPECT_REFUSED();
	vfio_close(&v);
	EXPECT_EQ(0, module_unload_soon(20000));
	EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
}

/* The last lease ends and the module goes in the same breath. */
TEST_F_TIMEOUT(unload, at_once_after_the_last_lease, 300)
{
	int i, fd, ctl;

	NEED(self->fn, "a device that is alone in its group");
	let_go(&self->h);
	for (i = 0; i < 6; i++) {
		ctl = ptx_open();
		fd = lease_create(ctl, lease_name(), NULL);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
		if (i & 1)
			lease_release(fd, 0, NULL);
		close(ctl);
		close(fd);
		ASSERT_EQ(0, module_unload_soon(20000)) TH_LOG("round %d", i);
		EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
		ASSERT_EQ(0, module_load());
	}
}

TEST_F_TIMEOUT(unload, loop, 300)
{
	int i;

	let_go(&self->h);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, module_unload_soon(5000)) TH_LOG("round %d", i);
		ASSERT_EQ(0, module_load());
	}
}

static int toucher(void *arg)
{
	struct ptx_info info;
	struct nl nl;
	int fd;

	/* Opens whatever is there, all the time, until killed. */
	for (;;) {
		fd = ptx_open();
		if (fd >= 0) {
			info = (struct ptx_info){ .size = sizeof(info) };
			ptx_ioctl(fd, PTX_INFO, &info);
			fd = lease_create(fd, lease_name(), NULL);
			syscall(SYS_close_range, 3, ~0U, 0);
		}
		if (!nl_open(&nl)) {
			nl_dump(&nl, PTX_CMD_DEVICE_GET, NULL, NULL);
			nl_dump(&nl, PTX_CMD_LEASE_GET, NULL, NULL);
			nl_close(&nl);
		}
	}
	return 0;
}

TEST_F_TIMEOUT(unload, while_others_open_it, 300)
{
	pid_t pid[2];
	int i, gone = 0;

	let_go(&self->h);
	for (i = 0; i < 2; i++)
		pid[i] = child_start(toucher, NULL);
	for (i = 0; i < 60; i++) {
		if (!module_unload())
			gone++;
		if (!module_loaded())
			ASSERT_EQ(0, module_load());
		usleep(2000);
	}
	for (i = 0; i < 2; i++)
		child_kill(pid[i]);
	TH_LOG("unloaded %d times", gone);
	ASSERT_EQ(0, host_wait_no_lease(10000));
	EXPECT_EQ(0, module_unload_soon(5000));
}

/* A lease's id is never used again until reboot. */
TEST_F(unload, ids_go_on)
{
	uint64_t before, after;
	int fd, ctl;

	fd = lease_create(self->h.ctl, lease_name(), &before);
	ASSERT_LE(0, fd);
	close(fd);
	let_go(&self->h);
	ASSERT_EQ(0, module_unload_soon(5000));
	ASSERT_EQ(0, module_load());
	ctl = ptx_open();
	fd = lease_create(ctl, lease_name(), &after);
	ASSERT_LE(0, fd);
	EXPECT_LT(before, after);
	close(fd);
	close(ctl);
}

TEST_HARNESS_MAIN
