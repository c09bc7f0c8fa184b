// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "child.h"

#define MAX_CHILDREN 64

static pid_t children[MAX_CHILDREN];

static void remember(pid_t pid)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++) {
		if (!children[i]) {
			children[i] = pid;
			return;
		}
	}
}

static void forget(pid_t pid)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++)
		if (children[i] == pid)
			children[i] = 0;
}

static pid_t start(uid_t uid, child_fn *fn, void *arg)
{
	pid_t parent = getpid(), pid;

	fflush(stdout);
	pid = fork();
	if (pid) {
		if (pid > 0)
			remember(pid);
		return pid;
	}
	memset(children, 0, sizeof(children));
	signal(SIGALRM, SIG_DFL);
	if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
		    setresuid(uid, uid, uid)))
		_exit(99);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(98);
	uid = fn(arg);
	fflush(stdout);
	_exit(uid);
}

pid_t child_start(child_fn *fn, void *arg)
{
	return start(0, fn, arg);
}

pid_t child_start_as(uid_t uid, child_fn *fn, void *arg)
{
	return start(uid, fn, arg);
}

int child_wait(pid_t pid)
{
	int status;

	if (pid <= 0)
		return 97;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 96;
	forget(pid);
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int child_run(child_fn *fn, void *arg)
{
	return child_wait(child_start(fn, arg));
}

int child_run_as(uid_t uid, child_fn *fn, void *arg)
{
	return child_wait(child_start_as(uid, fn, arg));
}

void child_kill(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	child_wait(pid);
}

void child_kill_all(void)
{
	int i;

	for (i = 0; i < MAX_CHILDREN; i++)
		if (children[i])
			child_kill(children[i]);
}

int pidfd_of(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int gate_init(struct gate *g)
{
	return pipe(g->fd) ? -errno : 0;
}

void gate_open(struct gate *g)
{
	if (write(g->fd[1], "x", 1) != 1)
		abort();
}

bool gate_wait(struct gate *g, int timeout_ms)
{
	struct pollfd p = { .fd = g->fd[0], .events = POLLIN };
	char c;

	return poll(&p, 1, timeout_ms) == 1 && read(g->fd[0], &c, 1) == 1;
}

void gate_close(struct gate *g)
{
	close(g->fd[0]);
	close(g->fd[1]);
}

int fd_send(int sock, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { 0 };
	struct iovec iov = { .iov_base = "f", .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &m, 0) < 0 ? -errno : 0;
}

int fd_receive(int sock)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &m, MSG_CMSG_CLOEXEC) <= 0)
		return -errno ?: -EPIPE;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}
