// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/fuse.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "child.h"
#include "fuse_stall.h"

#define PAGE	4096
#define FILE_ID	1

static struct {
	struct fuse_out_header header;
	union {
		struct fuse_init_out init;
		struct fuse_attr_out attr;
		struct fuse_open_out open;
		char data[PAGE];
	};
} answer;

/* How much of the answer there is; -1 for none, ever. */
static int answer_to(const struct fuse_in_header *in)
{
	memset(&answer, 0, sizeof(answer));
	switch (in->opcode) {
	case FUSE_INIT:
		answer.init.major = FUSE_KERNEL_VERSION;
		answer.init.minor = 31;
		answer.init.flags = FUSE_WRITEBACK_CACHE;
		answer.init.max_write = PAGE;
		return sizeof(answer.init);
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer.attr.attr_valid = 1000;
		answer.attr.attr.ino = FILE_ID;
		answer.attr.attr.size = PAGE;
		answer.attr.attr.mode = S_IFREG | 0600;
		answer.attr.attr.nlink = 1;
		return sizeof(answer.attr);
	case FUSE_OPEN:
		answer.open.open_flags = FOPEN_KEEP_CACHE;
		return sizeof(answer.open);
	case FUSE_READ:
		return PAGE;
	case FUSE_WRITE:
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		return -1;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		return 0;
	default:
		answer.header.error = -ENOSYS;
		return 0;
	}
}

static int serve(void *arg)
{
	static char request[FUSE_MIN_READ_BUFFER + PAGE];
	const struct fuse_in_header *in = (void *)request;
	int fd = *(int *)arg, size;
	ssize_t got;

	for (;;) {
		got = read(fd, request, sizeof(request));
		if (got < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			return 0;
		size = got < (ssize_t)sizeof(*in) ? -1 : answer_to(in);
		if (size < 0)
			continue;
		answer.header.unique = in->unique;
		answer.header.len = sizeof(answer.header) + size;
		(void)!write(fd, &answer, answer.header.len);
	}
}

pid_t fuse_stall(const char *path)
{
	char options[64];
	pid_t pid;
	int fd;

	(void)!system("modprobe -q fuse");
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0", fd);
	if (mount("stall", path, "fuse", MS_NOSUID | MS_NODEV, options)) {
		close(fd);
		return -errno;
	}
	pid = child_start(serve, &fd);
	close(fd);
	return pid;
}

char *fuse_stall_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	/* With a cache that is written back the kernel knows the size better. */
	if (page == MAP_FAILED || ftruncate(fd, PAGE))
		return NULL;
	/* Written once, and on its way to the server since. */
	page[0] = 1;
	if (sync_file_range(fd, 0, PAGE, SYNC_FILE_RANGE_WRITE))
		return NULL;
	usleep(300000);
	(void)*(volatile char *)page;
	/* The file stays open: closing it would wait, too. */
	return page;
}
