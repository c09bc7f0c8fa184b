/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuse_stall - a file whose server never answers a write, for memory that cannot be had.
 */
#ifndef PTX_TEST_FUSE_STALL_H
#define PTX_TEST_FUSE_STALL_H

#include <sys/types.h>

/* Makes the file at @path; the server's process, whose end is that of all stalls. */
pid_t fuse_stall(const char *path);
/* Its first page, shared, readable; whoever writes to it waits. NULL without one. */
char *fuse_stall_map(const char *path);

#endif
