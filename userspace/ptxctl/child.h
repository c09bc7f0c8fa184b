/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * child: the process that becomes the VMM.
 */
#ifndef PTXCTL_CHILD_H
#define PTXCTL_CHILD_H

#include <limits.h>
#include <sys/types.h>
#include "numa.h"

struct passwd;
struct words;

/**
 * struct child - the VMM-to-be
 * @path: the program's file
 * @user: whom to run it as, or NULL
 * @numa: where it is to run
 * @pid: of it
 * @pidfd: of it, or -1
 * @sock: our end of the socket to it, or -1
 */
struct child {
	char path[PATH_MAX];
	const struct passwd *user;
	struct numa numa;
	pid_t pid;
	int pidfd;
	int sock;
};

int child_start(struct child *child);
int child_brief(const struct child *child, int lease_fd, const struct words *settings,
		const struct words *command);
int child_hear(const struct child *child);
void child_end(struct child *child);
int child_status(const struct child *child);

#endif /* PTXCTL_CHILD_H */
