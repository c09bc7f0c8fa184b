/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nl - generic netlink, by hand: messages of any shape, also broken ones, and
 * the family ptx on top.
 *
 * Calls return 0 or a negative errno, the kernel's or our own.
 */
#ifndef PTX_TEST_NL_H
#define PTX_TEST_NL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/ptx.h>

#define NL_BUF		(64 * 1024)

/**
 * struct nl - a socket
 * @fd: it
 * @family: the id of family ptx
 * @group: the id of its multicast group "events"
 * @seq: of the last request
 * @rcvbuf: room for one recv(); small values make dumps come in many pieces
 * @msg: the extack text of the last error, or empty
 * @reason: a value of enum ptx_reason, from the cookie of the last error
 * @offset: of the offending attribute in the request, or 0
 * @miss: the attribute type that is missing, or 0
 * @interrupted: the last dump was not consistent
 * @parts: how many recv() the last call took
 */
struct nl {
	int fd;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	size_t rcvbuf;
	char msg[256];
	uint64_t reason;
	uint32_t offset;
	uint32_t miss;
	bool interrupted;
	unsigned int parts;
};

/* -ENOENT when the kernel has no family ptx. Undone by nl_close(). */
int nl_open(struct nl *nl);
/* The same with room for @rcvbuf bytes at a time, from the first answer on. */
int nl_open_small(struct nl *nl, size_t rcvbuf);
void nl_close(struct nl *nl);
/* From now on @nl receives events; use one socket for that and nothing else. */
int nl_join(struct nl *nl);

/* A request being put together. */
struct nl_req {
	union {
		struct nlmsghdr h;
		char buf[NL_BUF];
	};
};

void nl_start(struct nl *nl, struct nl_req *r, uint8_t cmd, uint16_t flags);
void nl_put(struct nl_req *r, uint16_t type, const void *data, size_t len);
void nl_put_str(struct nl_req *r, uint16_t type, const char *s);
void nl_put_u32(struct nl_req *r, uint16_t type, uint32_t v);
void nl_put_u64(struct nl_req *r, uint16_t type, uint64_t v);
/* A nest: what is put until nl_nest_end() is inside. */
size_t nl_nest(struct nl_req *r, uint16_t type);
void nl_nest_end(struct nl_req *r, size_t nest);
/* A window of a space, inside of its nest. */
void nl_put_window(struct nl_req *r, uint64_t first, uint64_t last);
/* An attribute header that says @nla_len, followed by @len bytes of @data. */
void nl_put_raw(struct nl_req *r, uint16_t type, uint16_t nla_len,
		const void *data, size_t len);

/* Called for every message of an answer; anything but 0 is remembered. */
typedef int nl_cb(const struct nlmsghdr *h, void *arg);

/* Sends @r and takes in the whole answer. */
int nl_call(struct nl *nl, struct nl_req *r, nl_cb *cb, void *arg);
/* The two halves: nl_recv() takes in the rest of an answer. */
int nl_send(struct nl *nl, struct nl_req *r);
int nl_recv(struct nl *nl, nl_cb *cb, void *arg);

/* Attributes of @h, the last of each type; unknown ones count in *@unknown. */
void nl_parse(const struct nlmsghdr *h, const struct nlattr **tb, int max,
	      int *unknown);
void nl_parse_nest(const struct nlattr *nest, const struct nlattr **tb, int max,
		   int *unknown);
/* Walk all attributes: @a is NULL to begin. */
const struct nlattr *nl_next(const struct nlmsghdr *h, const struct nlattr *a);
static inline const void *nl_data(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}
static inline int nl_len(const struct nlattr *a)
{
	return a->nla_len - NLA_HDRLEN;
}
uint32_t nl_u32(const struct nlattr *a);
uint64_t nl_u64(const struct nlattr *a);
/* Copies a string; "" for no attribute. false when it is not NUL-terminated. */
bool nl_str(const struct nlattr *a, char *buf, size_t len);

#define NL_MAX_MEMBERS	64

struct nl_member {
	char device[PTX_DEVICE_NAME_SIZE];
	char native[PTX_DEVICE_NAME_SIZE];
	char driver[PTX_DEVICE_NAME_SIZE];
	char cdev[PTX_DEVICE_NAME_SIZE];
	char step[64];
	uint32_t kind;
	uint32_t group;
	uint32_t state;
	uint32_t reason;
	uint64_t faults;
	bool tells_faults;
	bool opened;
	bool requested;
};

#define NL_MAX_WINDOWS	8

struct nl_space {
	uint64_t quota;
	uint64_t mapped;
	uint64_t pinned;
	uint64_t entries;
	uint64_t max_entries;
	uint64_t largest_page;
	uint64_t faults;	/* PTX_SPACE_NO_FAULTS when absent */
	uint64_t pinned_times;	/* all classes of time together */
	uint64_t mapped_times;
	bool container;
	int nr_windows;
	struct ptx_space_range windows[NL_MAX_WINDOWS];
};

struct nl_lease {
	uint64_t id;
	char name[PTX_LEASE_NAME_MAX + 1];
	uint32_t state;
	uint32_t owner;
	int32_t pid;
	bool has_pid;
	bool persistent;
	bool forced;
	bool has_age;
	uint64_t age_ms;
	bool has_space;
	struct nl_space space;
	int unknown;		/* attributes we do not know, or broken ones */
	int nr_members;
	struct nl_member members[NL_MAX_MEMBERS];
};

struct nl_device {
	char name[PTX_DEVICE_NAME_SIZE];
	char driver[PTX_DEVICE_NAME_SIZE];
	char override[PTX_DEVICE_NAME_SIZE];
	char resets[128];
	char physfn[PTX_DEVICE_NAME_SIZE];
	uint32_t kind;
	uint16_t vendor;
	uint16_t device;
	uint32_t class;
	int group;		/* -1 when absent */
	int32_t numa;
	uint64_t lease;		/* 0 when absent */
	uint32_t member_state;
	bool pooled;
	bool has_rom;
	struct ptx_rom rom;
	int unknown;
	uint32_t resets_tried;	/* by any method */
	uint32_t resets_failed;
	uint32_t rescans;
	bool keeps_memory;
	int nr_blockers;
	struct ptx_blocker blockers[16];
	int nr_mates;
	char mates[16][PTX_DEVICE_NAME_SIZE];
};

struct nl_event {
	uint32_t event;
	uint64_t time_ns;
	uint64_t lease;
	uint32_t reason;
	char device[PTX_DEVICE_NAME_SIZE];
	char name[PTX_LEASE_NAME_MAX + 1];
	char driver[PTX_DEVICE_NAME_SIZE];
	char method[32];
	int unknown;
};

int nl_lease_parse(const struct nlmsghdr *h, struct nl_lease *l);
int nl_device_parse(const struct nlmsghdr *h, struct nl_device *d);

/* A lease by id, or by name when @id is 0; @out may be NULL everywhere. */
int nl_lease_get(struct nl *nl, uint64_t id, const char *name, struct nl_lease *out);
int nl_lease_new(struct nl *nl, const char *name, const char *const *devices,
		 int nr, uint32_t flags, struct nl_lease *out);
int nl_lease_add(struct nl *nl, uint64_t id, const char *const *devices,
		 int nr, uint32_t flags, struct nl_lease *out);
int nl_lease_remove(struct nl *nl, uint64_t id, const char *const *devices,
		    int nr, struct nl_lease *out);
int nl_lease_release(struct nl *nl, uint64_t id, uint32_t timeout_ms);
/* Another owner, process or limit for a lease; -1 leaves it as it is. */
int nl_lease_restrict(struct nl *nl, uint64_t id, int owner, int pid, int max);
/* Puts devices into the pool, or takes them out of it. */
int nl_pool_add(struct nl *nl, const char *const *devices, int nr, uint32_t flags);
int nl_pool_remove(struct nl *nl, const char *const *devices, int nr,
		   uint32_t timeout_ms);
/* Keeps devices of a vendor, a kind or an address for the pool; "", -1, 0: any. */
int nl_reserve_new(struct nl *nl, const char *device, int kind, int vendor,
		   uint64_t *id);
int nl_reserve_del(struct nl *nl, uint64_t id);
/* Takes back every such rule; how many there were. */
int nl_reserves_drop(struct nl *nl);
/* For nl_call(): the id of the grant that a message is about, into *@arg. */
int nl_take_grant_id(const struct nlmsghdr *h, void *arg);
/* Withdraws every grant there is; how many there were. */
int nl_grants_drop(struct nl *nl);
int nl_device_get(struct nl *nl, const char *name, struct nl_device *out);
/* Another chance for one in quarantine. */
int nl_device_reset(struct nl *nl, const char *name);
int nl_dump(struct nl *nl, uint8_t cmd, nl_cb *cb, void *arg);
/* The leases this socket may see; at most @max are filled in, all counted. */
int nl_lease_list(struct nl *nl, struct nl_lease *out, int max);
/* 1 and the next event, or 0 when none came in time. */
int nl_event_next(struct nl *nl, struct nl_event *ev, int timeout_ms);
/*
 * Waits until the lease is released or gone; it need not exist any more.
 * 0, or -ETIMEDOUT.
 */
int nl_lease_wait(uint64_t id, int timeout_ms);

const char *event_name(uint32_t event);
const char *reason_name(uint32_t reason);

#endif
