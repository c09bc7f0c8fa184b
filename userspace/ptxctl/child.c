// SPDX-License-Identifier: GPL-2.0-only
/*
 * child: the process that becomes the VMM. It is forked first, so that a lease
 * can be bound to it, and then waits at a socket for the lease and its command
 * line. Should the parent go before, it sees the socket close, and exits.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "child.h"
#include "ptxctl.h"
#include "vmm.h"

/* What the child says when it cannot become the VMM. */
struct failure {
	int err;
	char what[60];
};

static void child_fail(int sock, int err, const char *what) __attribute__((noreturn));

static void child_fail(int sock, int err, const char *what)
{
	struct failure failure = { .err = err };
	ssize_t n;

	snprintf(failure.what, sizeof(failure.what), "%s", what);
	n = write(sock, &failure, sizeof(failure));
	(void)n;
	_exit(EXIT_NOT_FOUND);
}

static bool read_all(int fd, void *buf, size_t len)
{
	char *to = buf;

	while (len) {
		ssize_t n = read(fd, to, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

/* The lease's file, and how long the message after it is; -1 without one. */
static int receive_lease(int sock, size_t *len)
{
	union {
		struct cmsghdr hdr;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = len, .iov_len = sizeof(*len) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t n;
	int fd;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (n != (ssize_t)sizeof(*len) || !cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static void child_become_user(const struct child *child, int sock)
{
	const struct passwd *user = child->user;

	if (!user)
		return;
	if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) ||
	    setuid(user->pw_uid))
		child_fail(sock, errno, "cannot become the user");
	if (setenv("HOME", user->pw_dir, 1) || setenv("USER", user->pw_name, 1) ||
	    setenv("LOGNAME", user->pw_name, 1))
		child_fail(sock, errno, "cannot set the environment");
}

/* The words of the message, in place: NUL-terminated, an empty rest at the end. */
static char **unpack(char *text, size_t len, size_t nr)
{
	char **words = calloc(nr + 1, sizeof(char *)), *end = text + len;

	for (size_t i = 0; words && i < nr; i++) {
		if (text >= end)
			return NULL;
		words[i] = text;
		text += strlen(text) + 1;
	}
	return words;
}

static void child_main(const struct child *child, int sock) __attribute__((noreturn));

static void child_main(const struct child *child, int sock)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char *text, **words, fd_text[16];
	uint32_t counts[2];
	struct numa numa;
	size_t len = 0;
	int fd;

	fd = receive_lease(sock, &len);
	if (fd < 0)
		_exit(EXIT_REFUSED);	/* the parent gave up, or is gone */
	text = malloc(len + 1);
	if (!text || !read_all(sock, counts, sizeof(counts)) ||
	    !read_all(sock, &numa, sizeof(numa)) || !read_all(sock, text, len))
		_exit(EXIT_REFUSED);
	text[len] = '\0';
	/* First the settings of the environment, then the command line. */
	words = unpack(text, len, (size_t)counts[0] + counts[1]);
	if (!words)
		child_fail(sock, ENOMEM, "cannot read the command line");
	for (uint32_t i = 0; i < counts[0]; i++) {
		if (!words[i] || putenv(words[i]))
			child_fail(sock, errno, "cannot set the environment");
	}
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	if (setenv("PTX_LEASE_FD", fd_text, 1) || fcntl(fd, F_SETFD, 0))
		child_fail(sock, errno, "cannot pass the lease on");
	/* VFIO locks all of a VM's memory. Without the right the limit stays. */
	(void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
	numa_apply(&numa);
	child_become_user(child, sock);
	execv(child->path, words + counts[0]);
	child_fail(sock, errno, "cannot execute");
}

/* Fork, and watch it. Returns an exit status. */
int child_start(struct child *child)
{
	int socks[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks)) {
		cli_say("cannot make a socket: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	fflush(NULL);
	child->pid = fork();
	if (child->pid < 0) {
		cli_say("cannot make a process: %s", strerror(errno));
		close(socks[0]);
		close(socks[1]);
		return EXIT_REFUSED;
	}
	if (!child->pid) {
		close(socks[0]);
		child_main(child, socks[1]);
	}
	close(socks[1]);
	child->sock = socks[0];
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd < 0) {
		cli_say("cannot watch the child: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

/**
 * struct blob - words packed one after the other
 * @text: them
 * @len: bytes used
 */
struct blob {
	char *text;
	size_t len;
};

static bool pack(struct blob *blob, const char *word)
{
	size_t n = word ? strlen(word) + 1 : 0;
	char *bigger = n ? realloc(blob->text, blob->len + n) : NULL;

	if (!bigger)
		return false;
	memcpy(bigger + blob->len, word, n);
	blob->text = bigger;
	blob->len += n;
	return true;
}

static bool write_all(int fd, const void *buf, size_t len)
{
	const char *from = buf;

	while (len) {
		ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		from += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_lease(const struct child *child, int fd, size_t len)
{
	union {
		struct cmsghdr hdr;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { .iov_base = &len, .iov_len = sizeof(len) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(child->sock, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(len);
}

/*
 * Give it the lease, and tell it where to run, its environment ("NAME=value") and its
 * command line. Returns an exit status.
 */
int child_brief(const struct child *child, int lease_fd, const struct words *settings,
		const struct words *command)
{
	uint32_t counts[2] = { (uint32_t)settings->nr, (uint32_t)command->nr };
	struct blob blob = { .len = 0 };
	int status = EXIT_DONE;
	bool ok = true;

	for (size_t i = 0; ok && i < settings->nr; i++)
		ok = pack(&blob, settings->list[i]);
	for (size_t i = 0; ok && i < command->nr; i++)
		ok = pack(&blob, command->list[i]);
	if (!ok) {
		cli_say("out of memory");
		status = EXIT_REFUSED;
	} else if (!send_lease(child, lease_fd, blob.len) ||
		   !write_all(child->sock, counts, sizeof(counts)) ||
		   !write_all(child->sock, &child->numa, sizeof(child->numa)) ||
		   !write_all(child->sock, blob.text, blob.len)) {
		cli_say("the child is gone: %s", strerror(errno));
		status = EXIT_REFUSED;
	}
	free(blob.text);
	return status;
}

/* Nothing comes when it has become the VMM: its end closes at exec. */
int child_hear(const struct child *child)
{
	struct failure failure;

	if (!read_all(child->sock, &failure, sizeof(failure)))
		return EXIT_DONE;
	failure.what[sizeof(failure.what) - 1] = '\0';
	cli_say("%s: %s: %s", child->path, failure.what, strerror(failure.err));
	return failure.err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* It waits for a lease that never comes; now it sees the socket close. */
void child_end(struct child *child)
{
	if (child->sock >= 0)
		close(child->sock);
	child->sock = -1;
	while (child->pid > 0 && waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Wait for its end. The status is the shell's: 128 and more for a signal. */
int child_status(const struct child *child)
{
	int status;

	while (waitpid(child->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_REFUSED;
	}
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}
