/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lease - /dev/ptx and lease files. Calls return 0, a count or a file
 * descriptor when they worked and a negative errno when they did not.
 */
#ifndef PTX_TEST_LEASE_H
#define PTX_TEST_LEASE_H

#include <poll.h>
#include <stdint.h>
#include <linux/ptx.h>

#define PTX_NODE	"/dev/ptx"
#define PTX_DRIVER	"ptx-vfio-pci"

int ptx_open(void);
int ptx_ioctl(int fd, unsigned long cmd, void *arg);

/* The raw call; fills in the size, and clears what the kernel answers. */
int lease_create_raw(int ctl, struct ptx_lease_create *c);
/* A lease with this name, owned by the caller: its file. @id may be NULL. */
int lease_create(int ctl, const char *name, uint64_t *id);
/* The same, bound to the process behind @pidfd. */
int lease_create_bound(int ctl, const char *name, int pidfd, uint64_t *id);
/* The same, for another owner. */
int lease_create_owned(int ctl, const char *name, uint32_t uid, uint64_t *id);
/* "t-PID-N", never the same twice; in a static buffer. */
const char *lease_name(void);

#define ADD_ROOM	64

/**
 * struct add - an add request with room for its answers
 * @a: what goes to the kernel; addresses are set by add_init()
 */
struct add {
	struct ptx_lease_add a;
	struct ptx_device_name devices[PTX_DEVICES_MAX + 2];
	struct ptx_member_info members[ADD_ROOM];
	struct ptx_blocker blockers[ADD_ROOM];
};

void add_init(struct add *add, const char *const *names, int nr);
int lease_add(int fd, struct add *add);
/* One device or two with nothing special; NULL for none. */
int lease_add_names(int fd, const char *a, const char *b);
const struct ptx_member_info *add_member(const struct add *add, const char *name);
const struct ptx_blocker *add_blocker(const struct add *add, const char *culprit);

int lease_remove(int fd, const char *const *names, int nr, uint32_t timeout_ms,
		 struct ptx_lease_remove *out);

struct query {
	struct ptx_lease_query q;
	struct ptx_member_info members[ADD_ROOM];
};

int lease_query(int fd, struct query *query);
/* Convenience on top: the state, or a negative errno. */
int lease_state(int fd);
int lease_nr_members(int fd);
/* Waits until it has @nr members; 0 or -ETIMEDOUT. */
int lease_wait_members(int fd, int nr, int timeout_ms);
int lease_release(int fd, uint32_t timeout_ms, struct ptx_lease_release *out);
/* Waits for any of @events; what happened, 0 for a timeout. */
int lease_poll(int fd, short events, int timeout_ms);

#endif
