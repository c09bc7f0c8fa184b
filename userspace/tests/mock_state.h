/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mock_state: what the files of the mock kernel share.
 */
#ifndef TESTS_MOCK_STATE_H
#define TESTS_MOCK_STATE_H

#include "../libptx/src/internal.h"
#include "mock_kernel.h"

#define MOCK_MAX	300

struct mock_device {
	char name[PTX_DEVICE_NAME_SIZE];
	unsigned int kind, vendor, device, class, group, total_vfs;
	int numa;
	bool has_group, quarantined, pooled, keeps_memory, brought, has_rom, opened, cut;
	bool has_faults;
	struct ptx_rom rom;
	char driver[64], override[64], resets[64], physfn[64], mates[512], step[64];
	unsigned int why;
	uint64_t faults;
	/* What each look at it finds; the last stays. */
	char states[128], tries[64];
	unsigned long long lease;
	struct ptx_blocker blockers[8];
	unsigned int nr_blockers;
};

#define MOCK_WINDOWS	300

struct mock_space {
	uint64_t quota, mapped, pinned, entries, max_entries, page, faults;
	uint64_t pin_times[PTX_SPACE_TIMES], map_times[PTX_SPACE_TIMES];
	bool has_faults, container;
	struct ptx_space_range windows[MOCK_WINDOWS];
	uint32_t nr_windows;
};

struct mock_lease {
	char name[128];
	bool has_space;
	struct mock_space space;
	unsigned long long id;
	unsigned int state, owner, max;
	int pid;
	bool persistent, forced;
	char members[8192];
	int read_fd, write_fd, pidfd;
};

struct mock_grant {
	uint64_t id, quota, mapped;
	unsigned int uid, gid, kind, vendor, max, used;
	char device[64];
	bool has_uid, has_gid, has_kind, pooled;
};

struct mock_reserve {
	uint64_t id;
	unsigned int kind, vendor;
	char device[64];
	bool has_kind;
};

struct mock_fail {
	char call[32];
	int err;
	unsigned int reason, times;
	char culprit[PTX_DEVICE_NAME_SIZE];
	char text[256];
};

struct mock_event {
	unsigned int event, reason, ms;
	char device[64], lease[128], driver[64];
	unsigned long long id;
};

struct mock_state {
	bool absent;
	int open_err;
	char root[1024];
	unsigned int abi, features;
	struct mock_device devices[MOCK_MAX];
	unsigned int nr_devices;
	struct mock_lease leases[64];
	unsigned int nr_leases;
	struct mock_grant grants[16];
	unsigned int nr_grants;
	struct mock_reserve reserves[16];
	unsigned int nr_reserves;
	struct mock_fail fails[64];
	unsigned int nr_fails;
	char bad_call[32];
	unsigned int bad_attr, bad_len;
	unsigned int drain_ms, slow_ms, grow;
	bool together, old;
	unsigned int refused;
	struct ptx_space_range refused_range;
	struct mock_event events[64];
	unsigned int nr_events;
	unsigned long long next_id;
	int event_socks[2];
	char *log;
	size_t log_len;
	char log_path[1024];
};

extern struct mock_state mock;


/* mock_kernel.c */
void mock_die(const char *what, const char *line) __attribute__((noreturn));
void mock_note_roms(char *text, size_t size, const struct ptx_rom *roms, uint32_t nr);
void mock_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
struct mock_device *mock_find_device(const char *name);
struct mock_lease *mock_new_lease(const char *name);
void mock_end_lease(struct mock_lease *l);
const struct mock_fail *mock_failing(const char *call);
void mock_describe(const char *name, struct ptx_member_info *m, bool requested);
uint32_t mock_each_name(const char *list, void (*fn)(const char *name, uint32_t i, void *arg),
			void *arg);
void mock_join(char *list, size_t size, const char *name);
void mock_join_mate(const char *name, uint32_t i, void *arg);
void mock_leave(char *list, const char *name);
void mock_leave_mate(const char *name, uint32_t i, void *arg);

/* mock_kernel_netlink.c */
int mock_nl_call(struct ptx_ctx *ctx, struct nl_msg *msg, bool dump, ptx_nl_reply_fn fn,
		 void *arg, struct ptx_nl_ack *ack);
void mock_nl_close(struct ptx_ctx *ctx);
int mock_events_open(struct ptx_events *events);
void mock_events_close(struct ptx_events *events);

void mock_put_bad(struct nl_msg *msg, const char *call);

/* mock_kernel_space.c */
void mock_space_init(struct mock_space *space);
void mock_space_lists(struct mock_space *space, const char *windows, const char *pin,
		      const char *map);
int mock_space_ioctl(struct mock_lease *l, unsigned long request, void *arg);
void mock_put_space(struct nl_msg *msg, const struct mock_space *space);
bool mock_read_space(struct nlattr *nest, struct mock_space *space, char *text, size_t size);

/* mock_kernel_vfs.c */
int mock_take_vfs(const char *asked, char *out, size_t size, struct ptx_blocker *why);

/* mock_kernel_grants.c */
int mock_nl_grant(struct nl_msg *msg, bool dump, ptx_nl_reply_fn fn, void *arg,
		  struct ptx_nl_ack *ack);

/* mock_kernel_reserves.c */
int mock_nl_reserve(struct nl_msg *msg, bool dump, ptx_nl_reply_fn fn, void *arg,
		    struct ptx_nl_ack *ack);

#endif /* TESTS_MOCK_STATE_H */
