// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who can open a leased device through VFIO: the lease's owner and, when the
 * lease is bound to a process, that process and its descendants. By group and
 * container, and by character device where the kernel has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(open)
{
	struct host h;
	const struct pci_fn *fn;
	int fd;
	uint64_t id;
	struct vfio v;
};

FIXTURE_SETUP(open)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->v = (struct vfio)VFIO_CLOSED;
	self->fn = host_single(&self->h, 0);
	self->fd = -1;
}

FIXTURE_TEARDOWN(open)
{
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_DEVICE() NEED(self->fn, "a device that is alone in its group")

#define LEASE(call)							\
	do {								\
		self->fd = call;					\
		ASSERT_LE(0, self->fd);					\
		ASSERT_EQ(0, lease_add_names(self->fd, self->fn->name, NULL)); \
	} while (0)

TEST_F(open, group_and_container)
{
	uint64_t offset, size;
	uint16_t vendor = 0;
	struct query q;

	NEED_DEVICE();
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_CONFIG_REGION_INDEX,
				 &offset, &size));
	EXPECT_EQ(2, pread(self->v.device, &vendor, 2, offset));
	EXPECT_EQ(self->fn->vendor, vendor);
	ASSERT_EQ(0, lease_query(self->fd, &q));
	EXPECT_TRUE(q.members[0].flags & PTX_MEMBER_OPENED);
	EXPECT_EQ(0, vfio_map(&self->v, 1 << 20));
	vfio_close(&self->v);
	ASSERT_EQ(0, lease_query(self->fd, &q));
	EXPECT_FALSE(q.members[0].flags & PTX_MEMBER_OPENED);
	/* And once more. */
	EXPECT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	vfio_close(&self->v);
}

TEST_F(open, bar_and_dma)
{
	uint64_t offset, size;
	uint32_t value;
	char *buf;

	NEED(self->h.nr_edu >= 1 && self->h.edu[0]->group >= 0,
	     "an edu that is alone in its group");
	self->fn = self->h.edu[0];
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_BAR0_REGION_INDEX,
				 &offset, &size));
	ASSERT_EQ(0, vfio_master(self->v.device));
	ASSERT_EQ(4, pread(self->v.device, &value, 4, offset));
	EXPECT_EQ(0x010000ed, value);
	/* Its liveness register answers with the inverse. */
	value = 0x12345678;
	ASSERT_EQ(4, pwrite(self->v.device, &value, 4, offset + 4));
	ASSERT_EQ(4, pread(self->v.device, &value, 4, offset + 4));
	EXPECT_EQ(~0x12345678U, value);
	/* A page travels through the device's DMA engine. */
	ASSERT_EQ(0, vfio_map(&self->v, 1 << 20));
	buf = self->v.buf;
	memset(buf, 0xa5, 4096);
	memset(buf + 8192, 0, 4096);
	ASSERT_EQ(0, vfio_edu_dma(self->v.device, self->v.iova,
				  self->v.iova + 8192, 4000));
	EXPECT_EQ(0, memcmp(buf, buf + 8192, 4000));
}

TEST_F(open, mapped_bar)
{
	uint64_t offset, size;
	volatile uint32_t *bar;

	NEED(self->h.nr_edu >= 1 && self->h.edu[0]->group >= 0,
	     "an edu that is alone in its group");
	self->fn = self->h.edu[0];
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	ASSERT_EQ(0, vfio_master(self->v.device));
	ASSERT_EQ(0, vfio_region(self->v.device, VFIO_PCI_BAR0_REGION_INDEX,
				 &offset, &size));
	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, self->v.device,
		   offset);
	ASSERT_NE(MAP_FAILED, bar);
	EXPECT_EQ(0x010000ed, bar[0]);
	munmap((void *)bar, 4096);
}

/* Processes that try to open the device with a group file they were handed. */
struct visitor {
	struct vfio v;
	const struct pci_fn *fn;
	int want;		/* 0, or a negative errno */
	int child_want;
};

static int visitor(void *arg)
{
	struct visitor *x = arg;

	CHECK_EQ(x->want, vfio_device_open(&x->v, x->fn->name));
	if (!x->want)
		close(x->v.device);
	return 0;
}

/* The check refuses with this. */
#define REFUSED (-EACCES)

TEST_F(open, another_uid_with_a_group_file)
{
	struct visitor x = { .fn = self->fn, .want = REFUSED };

	NEED_DEVICE();
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, vfio_group_open(&x.v, self->fn->group));
	EXPECT_EQ(0, child_run_as(NOBODY, visitor, &x));
	/* The same file in the owner's hands. */
	x.want = 0;
	EXPECT_EQ(0, child_run(visitor, &x));
	EXPECT_EQ(0, visitor(&x));
	vfio_close(&x.v);
}

TEST_F(open, owner_that_is_not_root)
{
	struct visitor x = { .fn = self->fn };

	NEED_DEVICE();
	LEASE(lease_create_owned(self->h.ctl, lease_name(), NOBODY, &self->id));
	ASSERT_EQ(0, vfio_group_open(&x.v, self->fn->group));
	EXPECT_EQ(0, child_run_as(NOBODY, visitor, &x));
	/* Others, and root, have to ask for a lease of their own. */
	x.want = REFUSED;
	EXPECT_EQ(0, child_run_as(NOBODY - 1, visitor, &x));
	EXPECT_EQ(0, visitor(&x));
	vfio_close(&x.v);
}

struct bound {
	struct visitor x;
	struct gate go;
	bool fork;
};

static int bound(void *arg)
{
	struct bound *b = arg;

	CHECK(gate_wait(&b->go, 20000));
	/* The group file was opened by the parent after the fork; reopen. */
	CHECK_EQ(0, vfio_group_open(&b->x.v, b->x.fn->group));
	if (b->fork)
		return child_run(visitor, &b->x);
	return visitor(&b->x);
}

FIXTURE(bound)
{
	struct host h;
	const struct pci_fn *fn;
	int fd;
	uint64_t id;
};

FIXTURE_VARIANT(bound)
{
	bool fork;
};

FIXTURE_VARIANT_ADD(bound, itself) { .fork = false };
FIXTURE_VARIANT_ADD(bound, descendant) { .fork = true };

FIXTURE_SETUP(bound)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fn = host_single(&self->h, 0);
}

FIXTURE_TEARDOWN(bound)
{
	EXPECT_EQ(0, host_end(&self->h));
}

TEST_F(bound, may_open)
{
	struct bound b = { .x.fn = self->fn, .fork = variant->fork };
	struct visitor outsider = { .fn = self->fn, .want = REFUSED };
	int pidfd;
	pid_t pid;

	NEED_DEVICE();
	ASSERT_EQ(0, gate_init(&b.go));
	pid = child_start(bound, &b);
	ASSERT_LT(0, pid);
	pidfd = pidfd_of(pid);
	LEASE(lease_create_bound(self->h.ctl, lease_name(), pidfd, &self->id));
	/* The bound process's parent is not its descendant, nor a sibling. */
	ASSERT_EQ(0, vfio_group_open(&outsider.v, self->fn->group));
	EXPECT_EQ(0, visitor(&outsider));
	EXPECT_EQ(0, child_run(visitor, &outsider));
	vfio_close(&outsider.v);
	gate_open(&b.go);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_TRUE(lease_poll(self->fd, 0, 20000) & POLLHUP);
}

/* Once open, a file that is passed on carries access with it. */
static int user_of_device(void *arg)
{
	uint64_t offset, size;
	uint16_t vendor;
	struct visitor *x = arg;

	CHECK_EQ(0, vfio_region(x->v.device, VFIO_PCI_CONFIG_REGION_INDEX,
				&offset, &size));
	CHECK_EQ(2, pread(x->v.device, &vendor, 2, offset));
	CHECK_EQ(x->fn->vendor, vendor);
	return 0;
}

TEST_F(open, passed_on)
{
	struct visitor x = { .fn = self->fn };

	NEED_DEVICE();
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, vfio_open(&x.v, self->fn->group, self->fn->name));
	EXPECT_EQ(0, child_run_as(NOBODY, user_of_device, &x));
	vfio_close(&x.v);
}

TEST_F(open, not_before_nor_after_the_lease)
{
	NEED_DEVICE();
	EXPECT_GT(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	EXPECT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	vfio_close(&self->v);
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_GT(0, vfio_open(&self->v, self->fn->group, self->fn->name));
}

/* Both functions of a group, in one container. */
TEST_F(open, two_of_a_group)
{
	struct query q;
	int first;

	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	self->fn = self->h.gpu;
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->h.gpu->name));
	first = self->v.device;
	ASSERT_EQ(0, vfio_device_open(&self->v, self->h.audio->name));
	ASSERT_EQ(0, lease_query(self->fd, &q));
	EXPECT_TRUE(q.members[0].flags & PTX_MEMBER_OPENED);
	EXPECT_TRUE(q.members[1].flags & PTX_MEMBER_OPENED);
	close(first);
	vfio_close(&self->v);
}

/* A group file without a device open does not hinder the way home... */
TEST_F(open, group_file_only)
{
	NEED_DEVICE();
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, vfio_group_open(&self->v, self->fn->group));
	/* ...or it does, but then only until it is closed. */
	lease_release(self->fd, 500, NULL);
	vfio_close(&self->v);
	EXPECT_TRUE(lease_poll(self->fd, 0, 20000) & POLLHUP);
	EXPECT_EQ(0, host_same(&self->h));
}

/* Under the stock driver there is no open check; the way home is the same. */
TEST_F(open, stock_driver)
{
	struct add *add = calloc(1, sizeof(*add));

	NEED_DEVICE();
	ASSERT_NE(NULL, add);
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) &&
	    system("modprobe vfio-pci"))
		SKIP(return, "this kernel has no vfio-pci");
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	add_init(add, &(const char *){ self->fn->name }, 1);
	strcpy(add->a.driver, "vfio-pci");
	ASSERT_EQ(0, lease_add(self->fd, add));
	ASSERT_EQ(0, vfio_open(&self->v, self->fn->group, self->fn->name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 300, NULL));
	EXPECT_EQ(POLLPRI, lease_poll(self->fd, POLLPRI, 0));
	EXPECT_TRUE(pci_on_driver(self->fn->name, "vfio-pci"));
	vfio_close(&self->v);
	EXPECT_TRUE(lease_poll(self->fd, 0, 20000) & POLLHUP);
	EXPECT_TRUE(pci_on_driver(self->fn->name, self->fn->driver));
	free(add);
}

struct cdev_visitor {
	char cdev[PTX_DEVICE_NAME_SIZE];
	int want;
};

static int cdev_visitor(void *arg)
{
	struct cdev_visitor *x = arg;
	int iommufd = -1, fd;

	fd = vfio_cdev_open(x->cdev, &iommufd);
	if (x->want)
		CHECK_EQ(x->want, fd);
	else
		CHECK(fd >= 0);
	return 0;
}

TEST_F(open, character_device)
{
	struct cdev_visitor x = { .want = REFUSED };
	char path[128];
	struct query q;

	NEED_DEVICE();
	if (!vfio_has_cdev())
		SKIP(return, "this kernel has no VFIO character devices");
	LEASE(lease_create(self->h.ctl, lease_name(), &self->id));
	ASSERT_EQ(0, lease_query(self->fd, &q));
	ASSERT_NE('\0', q.members[0].cdev[0]);
	strcpy(x.cdev, q.members[0].cdev);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", x.cdev);
	/* With the node and /dev/iommu thrown open, only the check is left. */
	ASSERT_EQ(0, chmod(path, 0666));
	ASSERT_EQ(0, chmod("/dev/iommu", 0666));
	EXPECT_EQ(0, child_run_as(NOBODY, cdev_visitor, &x));
	x.want = 0;
	EXPECT_EQ(0, child_run(cdev_visitor, &x));
	EXPECT_EQ(0, chmod("/dev/iommu", 0600));
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_NE(0, access(path, F_OK));
}

TEST_HARNESS_MAIN
