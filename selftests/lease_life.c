// SPDX-License-Identifier: GPL-2.0-only
/*
 * How leases end when nobody ends them in order: close, exit, kill, exec,
 * with helpers that inherited the file, with and without a bound process.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(life)
{
	struct host h;
	const struct pci_fn *fn;
};

FIXTURE_SETUP(life)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fn = host_single(&self->h, 0);
}

FIXTURE_TEARDOWN(life)
{
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_DEVICE() NEED(self->fn, "a device that is alone in its group")

#define GONE_MS 20000

/* What the processes of a test share. */
struct cast {
	const struct pci_fn *fn;
	struct gate ready, go;
	int sock[2];
	int pidfd;
	int fd;
	uint64_t id;
	bool open_device;
	bool map;
};

TEST_F(life, close_sends_everything_home)
{
	uint64_t id;
	int fd;

	NEED_DEVICE();
	fd = lease_create(self->h.ctl, lease_name(), &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	/* The control file has nothing to do with it. */
	close(self->h.ctl);
	EXPECT_TRUE(pci_on_driver(self->fn->name, PTX_DRIVER));
	close(fd);
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, host_same(&self->h));
}

TEST_F(life, last_reference_counts)
{
	uint64_t id;
	int fd, fd2;

	NEED_DEVICE();
	fd = lease_create(self->h.ctl, lease_name(), &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	fd2 = dup(fd);
	close(fd);
	usleep(100000);
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(fd2));
	EXPECT_TRUE(pci_on_driver(self->fn->name, PTX_DRIVER));
	close(fd2);
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, host_same(&self->h));
}

/* A VMM: takes a lease, uses it as told, and waits to be ended. */
static int vmm(void *arg)
{
	struct cast *c = arg;
	struct vfio v = VFIO_CLOSED;
	uint64_t id;
	int ctl, fd;

	ctl = ptx_open();
	fd = lease_create(ctl, lease_name(), &id);
	CHECK(fd >= 0);
	CHECK_EQ(0, lease_add_names(fd, c->fn->name, NULL));
	if (c->open_device)
		CHECK_EQ(0, vfio_open(&v, c->fn->group, c->fn->name));
	if (c->map)
		CHECK_EQ(0, vfio_map(&v, 4 << 20));
	CHECK(write(c->sock[1], &id, sizeof(id)) == sizeof(id));
	if (!gate_wait(&c->go, 30000))
		return 2;
	return 7;
}

static pid_t vmm_start(struct cast *c, const struct pci_fn *fn, uint64_t *id)
{
	pid_t pid;

	c->fn = fn;
	if (gate_init(&c->go) || pipe(c->sock))
		return -1;
	pid = child_start(vmm, c);
	if (read(c->sock[0], id, sizeof(*id)) != sizeof(*id))
		return -1;
	return pid;
}

FIXTURE(vmm)
{
	struct host h;
	const struct pci_fn *fn;
	struct cast c;
};

FIXTURE_VARIANT(vmm)
{
	bool open_device;
	bool map;
	bool with_dma_device;
};

FIXTURE_VARIANT_ADD(vmm, idle) { };
FIXTURE_VARIANT_ADD(vmm, open) { .open_device = true };
FIXTURE_VARIANT_ADD(vmm, mapped) { .open_device = true, .map = true };

FIXTURE_SETUP(vmm)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->fn = host_single(&self->h, 0);
	self->c.open_device = variant->open_device;
	self->c.map = variant->map;
}

FIXTURE_TEARDOWN(vmm)
{
	EXPECT_EQ(0, host_end(&self->h));
}

TEST_F(vmm, exits)
{
	uint64_t id;
	pid_t pid;

	NEED_DEVICE();
	pid = vmm_start(&self->c, self->fn, &id);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(pci_on_driver(self->fn->name, PTX_DRIVER));
	gate_open(&self->c.go);
	EXPECT_EQ(7, child_wait(pid));
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, host_same(&self->h));
}

TEST_F(vmm, is_killed)
{
	uint64_t id;
	pid_t pid;

	NEED_DEVICE();
	pid = vmm_start(&self->c, self->fn, &id);
	ASSERT_LT(0, pid);
	kill(pid, SIGKILL);
	EXPECT_EQ(128 + SIGKILL, child_wait(pid));
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, host_same(&self->h));
}

TEST_F(vmm, dumps_core)
{
	uint64_t id;
	pid_t pid;

	NEED_DEVICE();
	pid = vmm_start(&self->c, self->fn, &id);
	ASSERT_LT(0, pid);
	kill(pid, SIGSEGV);
	EXPECT_EQ(128 + SIGSEGV, child_wait(pid));
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, host_same(&self->h));
}

/* The lease's file goes first, the VFIO files much later. */
TEST_F(life, vfio_files_outlive_the_lease_file)
{
	struct vfio v = VFIO_CLOSED;
	struct nl_lease l;
	uint64_t id;
	int fd, i;

	NEED_DEVICE();
	fd = lease_create(self->h.ctl, lease_name(), &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, self->fn->group, self->fn->name));
	/* Must not wait for what only we can close. */
	alarm(10);
	close(fd);
	alarm(0);
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, id, NULL, &l));
	EXPECT_EQ(PTX_LEASE_STATE_DRAINING, l.state);
	ASSERT_EQ(1, l.nr_members);
	EXPECT_TRUE(l.members[0].opened);
	/* Soon it is known what it waits for. */
	for (i = 0; i < 200 && !l.members[0].step[0]; i++) {
		usleep(10000);
		ASSERT_EQ(0, nl_lease_get(&self->h.nl, id, NULL, &l));
	}
	EXPECT_NE('\0', l.members[0].step[0]);
	EXPECT_TRUE(pci_on_driver(self->fn->name, PTX_DRIVER));
	vfio_close(&v);
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, host_same(&self->h));
}

/* The name of a draining lease is taken, its device held; then both free. */
TEST_F(life, draining_keeps_name_and_device)
{
	struct vfio v = VFIO_CLOSED;
	uint64_t id;
	int fd;

	NEED_DEVICE();
	fd = lease_create(self->h.ctl, "drainer", &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	ASSERT_EQ(0, vfio_open(&v, self->fn->group, self->fn->name));
	close(fd);
	EXPECT_EQ(-EEXIST, lease_create(self->h.ctl, "drainer", NULL));
	vfio_close(&v);
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	fd = lease_create(self->h.ctl, "drainer", NULL);
	EXPECT_LE(0, fd);
	EXPECT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
}

static int execer(void *arg)
{
	struct cast *c = arg;
	char *const argv[] = { "sleep", "30", NULL };
	uint64_t id;
	int ctl, fd;

	ctl = ptx_open();
	fd = lease_create(ctl, lease_name(), &id);
	CHECK(fd >= 0);
	CHECK_EQ(0, lease_add_names(fd, c->fn->name, NULL));
	CHECK(write(c->sock[1], &id, sizeof(id)) == sizeof(id));
	execvp(argv[0], argv);
	return 1;
}

TEST_F(life, exec_closes_it)
{
	struct cast c = { .fn = self->fn };
	uint64_t id;
	pid_t pid;

	NEED_DEVICE();
	ASSERT_EQ(0, pipe(c.sock));
	pid = child_start(execer, &c);
	ASSERT_EQ(sizeof(id), read(c.sock[0], &id, sizeof(id)));
	/* The program runs on, and its lease is gone. */
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, kill(pid, 0));
	EXPECT_EQ(0, host_same(&self->h));
	child_kill(pid);
}

static int holder(void *arg)
{
	struct cast *c = arg;

	/* Holds what it inherited, until told. */
	gate_wait(&c->go, 60000);
	return lease_state(c->fd);
}

static int parent_of_holder(void *arg)
{
	struct cast *c = arg;
	pid_t pid;
	int ctl;

	ctl = ptx_open();
	if (c->pidfd) {
		int self = pidfd_of(getpid());

		c->fd = lease_create_bound(ctl, lease_name(), self, &c->id);
		close(self);
	} else {
		c->fd = lease_create(ctl, lease_name(), &c->id);
	}
	CHECK(c->fd >= 0);
	CHECK_EQ(0, lease_add_names(c->fd, c->fn->name, NULL));
	/* A helper that nobody ends with us: forked by hand. */
	pid = fork();
	if (!pid)
		_exit(holder(c));
	CHECK(pid > 0);
	CHECK(write(c->sock[1], &c->id, sizeof(c->id)) == sizeof(c->id));
	CHECK_EQ(0, fd_send(c->sock[1], c->fd));
	pause();
	return 0;
}

/* Without a bound process, whoever inherited the file keeps the lease. */
TEST_F(life, helper_keeps_it)
{
	struct cast c = { .fn = self->fn };
	uint64_t id;
	pid_t pid;
	int fd;

	NEED_DEVICE();
	ASSERT_EQ(0, gate_init(&c.go));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, c.sock));
	pid = child_start(parent_of_holder, &c);
	ASSERT_EQ(sizeof(id), read(c.sock[0], &id, sizeof(id)));
	fd = fd_receive(c.sock[0]);
	ASSERT_LE(0, fd);
	close(fd);
	child_kill(pid);
	usleep(300000);
	EXPECT_TRUE(pci_on_driver(self->fn->name, PTX_DRIVER));
	EXPECT_EQ(0, nl_lease_get(&self->h.nl, id, NULL, NULL));
	gate_open(&c.go);
	EXPECT_EQ(0, nl_lease_wait(id, GONE_MS));
	EXPECT_EQ(0, host_same(&self->h));
}

/* With one, its exit ends the lease, and the helper holds an empty shell. */
TEST_F(life, bound_process_dies_and_helper_holds_on)
{
	struct cast c = { .fn = self->fn, .pidfd = 1 };
	uint64_t id;
	pid_t pid;
	int fd;

	NEED_DEVICE();
	ASSERT_EQ(0, gate_init(&c.go));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, c.sock));
	pid = child_start(parent_of_holder, &c);
	ASSERT_EQ(sizeof(id), read(c.sock[0], &id, sizeof(id)));
	fd = fd_receive(c.sock[0]);
	ASSERT_LE(0, fd);
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(fd));
	EXPECT_EQ(0, lease_poll(fd, POLLPRI, 0));
	child_kill(pid);
	/* We, too, hold the file. */
	EXPECT_TRUE(lease_poll(fd, 0, GONE_MS) & POLLHUP);
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, lease_state(fd));
	EXPECT_EQ(0, host_same(&self->h));
	gate_open(&c.go);
}

/* A process that is not the creator, and that exits rather than dies. */
TEST_F(life, bound_to_another_process)
{
	struct cast c = { 0 };
	int pidfd, fd;
	pid_t pid;

	NEED_DEVICE();
	ASSERT_EQ(0, gate_init(&c.go));
	c.fd = self->h.ctl;
	pid = child_start(holder, &c);
	pidfd = pidfd_of(pid);
	fd = lease_create_bound(self->h.ctl, lease_name(), pidfd, NULL);
	ASSERT_LE(0, fd);
	close(pidfd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	gate_open(&c.go);
	EXPECT_TRUE(lease_poll(fd, 0, GONE_MS) & POLLHUP);
	child_wait(pid);
	EXPECT_EQ(0, host_same(&self->h));
}

/* The bound process exits before the lease has any device. */
TEST_F(life, bound_process_dies_early)
{
	struct cast c = { 0 };
	int pidfd, fd;
	pid_t pid;

	NEED_DEVICE();
	ASSERT_EQ(0, gate_init(&c.go));
	pid = child_start(holder, &c);
	pidfd = pidfd_of(pid);
	fd = lease_create_bound(self->h.ctl, lease_name(), pidfd, NULL);
	ASSERT_LE(0, fd);
	child_kill(pid);
	EXPECT_TRUE(lease_poll(fd, 0, GONE_MS) & POLLHUP);
	EXPECT_EQ(-ESHUTDOWN, lease_add_names(fd, self->fn->name, NULL));
	EXPECT_EQ(0, host_same(&self->h));
}

/* The bound process's other threads do not matter, nor does its exec. */
static int exec_when_told(void *arg)
{
	struct cast *c = arg;
	char *const argv[] = { "sleep", "60", NULL };

	gate_wait(&c->go, 60000);
	execvp(argv[0], argv);
	return 1;
}

TEST_F(life, bound_process_execs)
{
	struct cast c = { 0 };
	char comm[64] = "", path[64];
	int pidfd, fd, i;
	pid_t pid;

	NEED_DEVICE();
	ASSERT_EQ(0, gate_init(&c.go));
	pid = child_start(exec_when_told, &c);
	pidfd = pidfd_of(pid);
	fd = lease_create_bound(self->h.ctl, lease_name(), pidfd, NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, self->fn->name, NULL));
	gate_open(&c.go);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	for (i = 0; i < 500 && strcmp(comm, "sleep"); i++) {
		usleep(10000);
		file_read(path, comm, sizeof(comm));
	}
	ASSERT_STREQ("sleep", comm);
	EXPECT_EQ(0, lease_poll(fd, POLLPRI, 200));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(fd));
	child_kill(pid);
	EXPECT_TRUE(lease_poll(fd, 0, GONE_MS) & POLLHUP);
}

/* A stale id is nobody's lease, also when another one has its name now. */
TEST_F(life, stale_id)
{
	uint64_t old, id;
	int fd;

	fd = lease_create(self->h.ctl, "phoenix", &old);
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, nl_lease_wait(old, GONE_MS));
	fd = lease_create(self->h.ctl, "phoenix", &id);
	ASSERT_LE(0, fd);
	EXPECT_NE(old, id);
	EXPECT_EQ(-ENOENT, nl_lease_get(&self->h.nl, old, NULL, NULL));
	EXPECT_EQ(-ENOENT, nl_lease_release(&self->h.nl, old, 0));
	if (self->fn)
		EXPECT_EQ(-ENOENT, nl_lease_add(&self->h.nl, old,
						&(const char *){ self->fn->name },
						1, 0, NULL));
	EXPECT_GE(PTX_LEASE_STATE_ACTIVE, lease_state(fd));
	EXPECT_EQ(0, lease_nr_members(fd));
}

TEST_HARNESS_MAIN
