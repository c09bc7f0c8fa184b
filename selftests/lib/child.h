/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * child - other processes: one that runs a function, one without rights, one
 * that is killed. Every child dies with its parent.
 */
#ifndef PTX_TEST_CHILD_H
#define PTX_TEST_CHILD_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define NOBODY 65534

/* In a child's function: end it, saying where, unless the condition holds. */
#define CHECK(cond)							\
	do {								\
		if (!(cond)) {						\
			printf("# %s:%d: not so: %s\n", __FILE__,	\
			       __LINE__, #cond);			\
			fflush(stdout);					\
			return 1;					\
		}							\
	} while (0)

/* The same for two integers that should be equal; prints both. */
#define CHECK_EQ(want, seen)						\
	do {								\
		long long want_ = (want), seen_ = (seen);		\
		if (want_ != seen_) {					\
			printf("# %s:%d: %s is %lld, not %lld\n",	\
			       __FILE__, __LINE__, #seen, seen_, want_); \
			fflush(stdout);					\
			return 1;					\
		}							\
	} while (0)

typedef int child_fn(void *arg);

/* Starts a child that exits with what @fn returns. */
pid_t child_start(child_fn *fn, void *arg);
/* The same as user @uid, without capabilities. */
pid_t child_start_as(uid_t uid, child_fn *fn, void *arg);
/* Its exit status, or 128 + the signal that ended it. */
int child_wait(pid_t pid);
int child_run(child_fn *fn, void *arg);
int child_run_as(uid_t uid, child_fn *fn, void *arg);
/* kill -9, and reaped. */
void child_kill(pid_t pid);
/* Ends all children that are left. */
void child_kill_all(void);
int pidfd_of(pid_t pid);

/*
 * A pipe that two processes meet at: gate_wait() returns once the other side
 * has called gate_open(), or has died.
 */
struct gate {
	int fd[2];
};

int gate_init(struct gate *g);
void gate_open(struct gate *g);
/* true when it was opened, false when the other side is gone. */
bool gate_wait(struct gate *g, int timeout_ms);
void gate_close(struct gate *g);

/* Sends @fd through the socket @sock, and takes one out of it. */
int fd_send(int sock, int fd);
int fd_receive(int sock);

#endif
