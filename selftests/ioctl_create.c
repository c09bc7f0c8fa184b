// SPDX-License-Identifier: GPL-2.0-only
/*
 * PTX_LEASE_CREATE: names, owners, binding, rights.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "kselftest_harness.h"
#include "lib/host.h"

HOST_FIXTURE(create)

static int create_bytes(int ctl, const void *name, __u32 len,
			struct ptx_lease_create *c)
{
	memset(c, 0, sizeof(*c));
	c->name = (uintptr_t)name;
	c->name_len = len;
	return lease_create_raw(ctl, c);
}

TEST_F(create, new_lease)
{
	struct ptx_lease_create c = { 0 };
	struct nl_lease l;
	struct query q;

	c.name = (uintptr_t)"kselftest";
	c.name_len = 9;
	ASSERT_EQ(0, lease_create_raw(self->h.ctl, &c));
	ASSERT_LE(0, c.out_fd);
	EXPECT_NE(0, c.out_id);
	EXPECT_EQ(PTX_REASON_NONE, c.out_reason);
	EXPECT_EQ(FD_CLOEXEC, fcntl(c.out_fd, F_GETFD));
	ASSERT_EQ(0, lease_query(c.out_fd, &q));
	EXPECT_EQ(c.out_id, q.q.out_id);
	EXPECT_EQ(0, q.q.out_nr_members);
	EXPECT_GE(PTX_LEASE_STATE_ACTIVE, q.q.out_state);
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, c.out_id, NULL, &l));
	EXPECT_STREQ("kselftest", l.name);
	EXPECT_EQ(0, l.owner);
	EXPECT_FALSE(l.persistent);
	EXPECT_FALSE(l.has_pid);
	EXPECT_EQ(0, l.unknown);
	close(c.out_fd);
	EXPECT_EQ(0, nl_lease_wait(c.out_id, 10000));
	EXPECT_EQ(-ENOENT, nl_lease_get(&self->h.nl, c.out_id, NULL, &l));
}

/* With a DMA space, which nothing else of the lease depends on. */
TEST_F(create, with_a_space)
{
	struct ptx_lease_create c = {
		.flags = PTX_LEASE_CREATE_SPACE | PTX_LEASE_CREATE_OWNER,
		.name = (uintptr_t)"space",
		.name_len = 5,
		.owner = NOBODY,
	};
	struct nl_lease l;

	ASSERT_EQ(0, lease_create_raw(self->h.ctl, &c));
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, c.out_id, NULL, &l));
	EXPECT_TRUE(l.has_space);
	EXPECT_EQ(NOBODY, l.owner);
	EXPECT_EQ(0, l.unknown);
	close(c.out_fd);
	EXPECT_EQ(0, nl_lease_wait(c.out_id, 10000));
	/* The name is free again, for one without. */
	c.flags = 0;
	c.owner = 0;
	ASSERT_EQ(0, lease_create_raw(self->h.ctl, &c));
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, c.out_id, NULL, &l));
	EXPECT_FALSE(l.has_space);
	close(c.out_fd);
}

TEST_F(create, ids_never_repeat)
{
	uint64_t last = 0, id;
	int i, fd;

	for (i = 0; i < 200; i++) {
		fd = lease_create(self->h.ctl, "again", &id);
		ASSERT_LE(0, fd);
		ASSERT_NE(last, id);
		/* The name is free once the lease is gone, the id never. */
		close(fd);
		ASSERT_EQ(0, nl_lease_wait(id, 10000));
		if (last)
			ASSERT_EQ(-ENOENT, nl_lease_get(&self->h.nl, last, NULL, NULL));
		last = id;
	}
}

TEST_F(create, good_names)
{
	static const char *const good[] = {
		"a", "-", "a b", "vm/1", "0", "..", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
		"\xee\x80\x80", "\xef\xbf\xbd", "\xc2\xa0", "a=b;c", "%s%n",
		/* 63 bytes */
		"123456789012345678901234567890123456789012345678901234567890123",
	};
	struct ptx_lease_create c;
	struct nl_lease l;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, create_bytes(self->h.ctl, good[i], strlen(good[i]), &c))
			TH_LOG("'%s'", good[i]);
		EXPECT_EQ(0, nl_lease_get(&self->h.nl, 0, good[i], &l));
		EXPECT_EQ(c.out_id, l.id);
		EXPECT_STREQ(good[i], l.name);
		close(c.out_fd);
	}
}

TEST_F(create, bad_names)
{
	static const struct {
		const char *what;
		const char *name;
		__u32 len;
	} bad[] = {
		{ "empty", "", 0 },
		{ "64 bytes",
		  "1234567890123456789012345678901234567890123456789012345678901234",
		  64 },
		{ "NUL inside", "a\0b", 3 },
		{ "NUL at the end", "ab", 3 },
		{ "newline", "a\nb", 3 },
		{ "tab", "\t", 1 },
		{ "escape", "\x1b[2J", 4 },
		{ "DEL", "a\x7f", 2 },
		{ "C1 control U+0085", "\xc2\x85", 2 },
		{ "C1 control U+009B", "\xc2\x9b", 2 },
		{ "lone continuation byte", "\x80", 1 },
		{ "lead byte at the end", "a\xc3", 2 },
		{ "three bytes, truncated", "\xe2\x82", 2 },
		{ "four bytes, truncated", "\xf0\x9f\x98", 3 },
		{ "continuation missing", "\xc3(", 2 },
		{ "third byte wrong", "\xe2\x82(", 3 },
		{ "overlong slash", "\xc0\xaf", 2 },
		{ "overlong NUL", "\xc0\x80", 2 },
		{ "overlong, two bytes", "\xc1\xbf", 2 },
		{ "overlong, three bytes", "\xe0\x80\xaf", 3 },
		{ "overlong, three bytes, last", "\xe0\x9f\xbf", 3 },
		{ "overlong, four bytes", "\xf0\x80\x80\xaf", 4 },
		{ "overlong, four bytes, last", "\xf0\x8f\xbf\xbf", 4 },
		{ "first surrogate", "\xed\xa0\x80", 3 },
		{ "last surrogate", "\xed\xbf\xbf", 3 },
		{ "beyond U+10FFFF", "\xf4\x90\x80\x80", 4 },
		{ "five bytes", "\xf8\x88\x80\x80\x80", 5 },
		{ "0xfe", "\xfe", 1 },
		{ "0xff", "\xff", 1 },
	};
	struct ptx_lease_create c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, create_bytes(self->h.ctl, bad[i].name, bad[i].len, &c))
			TH_LOG("%s", bad[i].what);
		EXPECT_EQ(PTX_REASON_BAD_NAME, c.out_reason)
			TH_LOG("%s: %s", bad[i].what, reason_name(c.out_reason));
		EXPECT_EQ(-1, c.out_fd);
	}
	EXPECT_EQ(0, nl_lease_list(&self->h.nl, NULL, 0));
}

TEST_F(create, long_names)
{
	static const __u32 lens[] = { 64, 65, 255, 256, 4095, 4096, 65536, 1 << 20,
				      0x7fffffff, 0x80000000, 0xffffffff };
	struct ptx_lease_create c;
	unsigned int i;
	char *name;

	name = malloc(1 << 20);
	ASSERT_NE(NULL, name);
	memset(name, 'n', 1 << 20);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		EXPECT_EQ(-EINVAL, create_bytes(self->h.ctl, name, lens[i], &c))
			TH_LOG("%u bytes", lens[i]);
		EXPECT_EQ(PTX_REASON_BAD_NAME, c.out_reason);
	}
	free(name);
}

TEST_F(create, name_pointer)
{
	const long page = sysconf(_SC_PAGESIZE);
	struct ptx_lease_create c;
	char *p;

	EXPECT_EQ(-EFAULT, create_bytes(self->h.ctl, NULL, 4, &c));
	EXPECT_EQ(-EFAULT, create_bytes(self->h.ctl, (void *)-16L, 4, &c));
	p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, mprotect(p + page, page, PROT_NONE));
	memcpy(p + page - 4, "edge", 4);
	EXPECT_EQ(-EFAULT, create_bytes(self->h.ctl, p + page - 4, 5, &c));
	/* Not terminated, up to the very end of the page: that is fine. */
	ASSERT_EQ(0, create_bytes(self->h.ctl, p + page - 4, 4, &c));
	EXPECT_EQ(0, nl_lease_get(&self->h.nl, 0, "edge", NULL));
	close(c.out_fd);
	munmap(p, 2 * page);
}

TEST_F(create, name_taken)
{
	struct ptx_lease_create c;
	uint64_t id;
	int fd;

	fd = lease_create(self->h.ctl, "taken", &id);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EEXIST, create_bytes(self->h.ctl, "taken", 5, &c));
	EXPECT_EQ(PTX_REASON_NAME_TAKEN, c.out_reason);
	EXPECT_EQ(-1, c.out_fd);
	EXPECT_EQ(1, nl_lease_list(&self->h.nl, NULL, 0));
	/* A prefix, and another case, are other names. */
	ASSERT_EQ(0, create_bytes(self->h.ctl, "take", 4, &c));
	close(c.out_fd);
	ASSERT_EQ(0, create_bytes(self->h.ctl, "Taken", 5, &c));
	close(c.out_fd);
	close(fd);
	ASSERT_EQ(0, nl_lease_wait(id, 10000));
	ASSERT_EQ(0, create_bytes(self->h.ctl, "taken", 5, &c));
	close(c.out_fd);
}

TEST_F(create, result_not_writable)
{
	const long page = sysconf(_SC_PAGESIZE);
	struct ptx_lease_create *c;
	int before, after;

	c = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		 -1, 0);
	ASSERT_NE(MAP_FAILED, c);
	c->size = sizeof(*c);
	c->name = (uintptr_t)"ro";
	c->name_len = 2;
	before = dup(0);
	close(before);
	ASSERT_EQ(0, mprotect(c, page, PROT_READ));
	EXPECT_EQ(-EFAULT, ptx_ioctl(self->h.ctl, PTX_LEASE_CREATE, c));
	after = dup(0);
	close(after);
	/* No file was left, and no lease. */
	EXPECT_EQ(before, after);
	EXPECT_EQ(0, host_wait_no_lease(5000));
	EXPECT_EQ(-ENOENT, nl_lease_get(&self->h.nl, 0, "ro", NULL));
	munmap(c, page);
}

static int no_right_child(void *arg)
{
	struct ptx_lease_create c;
	int fd = *(int *)arg;

	if (fd < 0)
		fd = ptx_open();
	CHECK(fd >= 0);
	CHECK_EQ(-EPERM, create_bytes(fd, "mine", 4, &c));
	CHECK_EQ(PTX_REASON_NO_RIGHT, c.out_reason);
	CHECK_EQ(-1, c.out_fd);
	return 0;
}

TEST_F(create, no_right)
{
	int own = -1;

	EXPECT_EQ(0, child_run_as(NOBODY, no_right_child, &own));
	/* The file that root opened does not give it the right. */
	EXPECT_EQ(0, child_run_as(NOBODY, no_right_child, &self->h.ctl));
	EXPECT_EQ(0, nl_lease_list(&self->h.nl, NULL, 0));
}

static int userns_child(void *arg)
{
	if (unshare(CLONE_NEWUSER))
		return 4;
	return no_right_child(arg);
}

TEST_F(create, no_right_in_a_user_namespace)
{
	int own = -1, ret;

	/* Every capability, but not here. */
	ret = child_run(userns_child, &own);
	if (ret == 4)
		SKIP(return, "this kernel has no user namespaces");
	EXPECT_EQ(0, ret);
}

TEST_F(create, owner)
{
	struct ptx_lease_create c = { 0 };
	struct nl_lease l;
	uint64_t id;
	int fd;

	fd = lease_create_owned(self->h.ctl, "theirs", NOBODY, &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, id, NULL, &l));
	EXPECT_EQ(NOBODY, l.owner);
	close(fd);

	/* An owner without the flag; and no uid at all. */
	c.name = (uintptr_t)"odd";
	c.name_len = 3;
	c.owner = 5;
	EXPECT_EQ(-EINVAL, lease_create_raw(self->h.ctl, &c));
	c.flags = PTX_LEASE_CREATE_OWNER;
	c.owner = (__u32)-1;
	EXPECT_EQ(-EINVAL, lease_create_raw(self->h.ctl, &c));
	EXPECT_EQ(-ENOENT, nl_lease_get(&self->h.nl, 0, "odd", NULL));
}

TEST_F(create, bind_to_self)
{
	struct nl_lease l;
	uint64_t id;
	int pidfd, fd;

	pidfd = pidfd_of(getpid());
	ASSERT_LE(0, pidfd);
	fd = lease_create_bound(self->h.ctl, "bound", pidfd, &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, nl_lease_get(&self->h.nl, id, NULL, &l));
	EXPECT_TRUE(l.has_pid);
	EXPECT_EQ(getpid(), l.pid);
	/* The pidfd is not needed any more. */
	close(pidfd);
	EXPECT_GE(PTX_LEASE_STATE_ACTIVE, lease_state(fd));
	EXPECT_EQ(0, lease_release(fd, 0, NULL));
}

static int exit_at_once(void *arg)
{
	return 0;
}

TEST_F(create, bind_bad)
{
	struct ptx_lease_create c = { 0 };
	int pidfd, p[2], i;
	pid_t pid;

	c.name = (uintptr_t)"odd";
	c.name_len = 3;
	/* A pidfd without the flag. */
	pidfd = pidfd_of(getpid());
	ASSERT_LE(0, pidfd);
	c.pidfd = pidfd;
	EXPECT_EQ(-EINVAL, lease_create_raw(self->h.ctl, &c));

	c.flags = PTX_LEASE_CREATE_BIND;
	ASSERT_EQ(0, pipe(p));
	{
		const int bad[] = { -1, 9999, 0x7fffffff, p[0], self->h.ctl,
				    self->h.nl.fd, eventfd(0, EFD_CLOEXEC),
				    open("/proc/self", O_RDONLY | O_DIRECTORY),
				    pidfd_of(2) /* kthreadd */ };

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			int ret;

			c.pidfd = bad[i];
			ret = lease_create_raw(self->h.ctl, &c);
			EXPECT_TRUE(ret == -EINVAL || ret == -EBADF)
				TH_LOG("file %d (%d): %d", i, c.pidfd, ret);
			EXPECT_EQ(PTX_REASON_BAD_PROCESS, c.out_reason);
			EXPECT_EQ(-1, c.out_fd);
		}
	}

	/* Dead, but not reaped; then reaped. */
	pid = child_start(exit_at_once, NULL);
	pidfd = pidfd_of(pid);
	ASSERT_LE(0, pidfd);
	EXPECT_EQ(POLLIN, lease_poll(pidfd, POLLIN, 10000));
	c.pidfd = pidfd;
	EXPECT_EQ(-ESRCH, lease_create_raw(self->h.ctl, &c));
	EXPECT_EQ(PTX_REASON_BAD_PROCESS, c.out_reason);
	child_wait(pid);
	EXPECT_EQ(-ESRCH, lease_create_raw(self->h.ctl, &c));
	EXPECT_EQ(PTX_REASON_BAD_PROCESS, c.out_reason);
	EXPECT_EQ(0, nl_lease_list(&self->h.nl, NULL, 0));
}

TEST_F(create, many)
{
	char name[32];
	int fd[200], i;

	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		fd[i] = lease_create(self->h.ctl, name, NULL);
		ASSERT_LE(0, fd[i]);
	}
	EXPECT_EQ(ARRAY_SIZE(fd), nl_lease_list(&self->h.nl, NULL, 0));
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	EXPECT_EQ(0, host_wait_no_lease(10000));
}

TEST_HARNESS_MAIN
