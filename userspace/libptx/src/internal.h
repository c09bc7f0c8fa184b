/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the library share. Not installed.
 */
#ifndef LIBPTX_INTERNAL_H
#define LIBPTX_INTERNAL_H

#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netlink/netlink.h>
#include <netlink/genl/genl.h>
#include <libptx/libptx.h>

#define PTX_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* As many NUMA nodes as any kernel has. */
#define PTX_NUMA_NODES		1024

/**
 * struct ptx_error - what is known about a failure
 * @err: positive errno
 * @reason: the kernel's, or the library's own
 * @no_module: the module is not there
 * @malformed: the caller's words make no sense
 * @culprit: the device at fault, or empty
 * @message: one sentence
 * @remedy: one sentence, or empty
 * @blockers: all of them, malloc()ed
 * @nr_blockers: how many
 */
struct ptx_error {
	int err;
	enum ptx_reason reason;
	bool no_module;
	bool malformed;
	char culprit[PTX_DEVICE_NAME_SIZE];
	char message[1024];
	char remedy[512];
	struct ptx_blocker *blockers;
	size_t nr_blockers;
};

/**
 * struct ptx_nl_ack - what came with a netlink error
 * @text: the kernel's extended message, or empty
 * @reason: why it was refused; PTX_REASON_NONE if the module did not say
 * @no_family: there is no module to ask
 */
struct ptx_nl_ack {
	char text[512];
	enum ptx_reason reason;
	bool no_family;
};

/* Takes one reply. Returns 0 or a negative errno, which ends the call. */
typedef int (*ptx_nl_reply_fn)(struct nlmsghdr *hdr, void *arg);

/**
 * struct ptx_sys - the library's only doors to the system
 * @open: open /dev/ptx; a file or a negative errno
 * @ioctl: 0 or a negative errno
 * @poll: as poll(2), or a negative errno
 * @nl_call: send a request, give every reply to @fn, return what the kernel
 *	acknowledged. Opens the socket at the first call. Consumes @msg.
 * @nl_close: undo the opening
 * @events_open: a socket that yields the notices; a file or a negative errno
 * @events_close: undo that
 * @root: put in front of /sys, /proc and /dev wherever they are read
 *
 * Tests put their own in place with ptx_sys_current.
 */
struct ptx_sys {
	int (*open)(void);
	int (*ioctl)(int fd, unsigned long request, void *arg);
	int (*poll)(struct pollfd *fds, nfds_t nr, int timeout_ms);
	int (*nl_call)(struct ptx_ctx *ctx, struct nl_msg *msg, bool dump,
		       ptx_nl_reply_fn fn, void *arg, struct ptx_nl_ack *ack);
	void (*nl_close)(struct ptx_ctx *ctx);
	int (*events_open)(struct ptx_events *events);
	void (*events_close)(struct ptx_events *events);
	const char *root;
};

extern const struct ptx_sys ptx_sys_linux;
extern const struct ptx_sys *ptx_sys_current;

/**
 * struct ptx_ctx - see context.h
 * @sys: the doors
 * @fd: /dev/ptx, or -1
 * @nl: the socket, or NULL
 * @family: the family's id, once @nl is there
 * @error: of the last failure
 */
struct ptx_ctx {
	const struct ptx_sys *sys;
	int fd;
	struct nl_sock *nl;
	int family;
	struct ptx_error error;
};

/**
 * struct ptx_events - see event.h
 * @ctx: the context
 * @fd: the socket
 * @nl: its libnl side, or NULL
 * @queue: notices that came in one datagram, still to be read
 * @nr_queue: how many
 */
struct ptx_events {
	struct ptx_ctx *ctx;
	int fd;
	struct nl_sock *nl;
	struct ptx_notice **queue;
	size_t nr_queue;
};

/* context.c */
int ptx_ctx_open(struct ptx_ctx *ctx);

/* error.c: all return -@err */
void ptx_error_clear(struct ptx_error *err);
int ptx_error_set(struct ptx_ctx *ctx, int err, enum ptx_reason reason,
		  const char *culprit);
int ptx_error_setf(struct ptx_ctx *ctx, int err, enum ptx_reason reason,
		   const char *culprit, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
int ptx_error_malformed_setf(struct ptx_ctx *ctx, enum ptx_reason reason,
			     const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int ptx_error_no_module_set(struct ptx_ctx *ctx, int err, const char *message,
			    const char *remedy);
int ptx_error_no_memory(struct ptx_ctx *ctx);
int ptx_error_no_spaces(struct ptx_ctx *ctx, int err);
bool ptx_error_is_unknown_attr(const struct ptx_ctx *ctx);
void ptx_error_set_remedy(struct ptx_ctx *ctx, const char *remedy);
void ptx_error_name_lease(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref);
void ptx_error_add_blocker(struct ptx_ctx *ctx, const struct ptx_blocker *blocker);

/* netlink.c */
struct nl_msg *ptx_nl_new(struct ptx_ctx *ctx, uint8_t cmd);
int ptx_nl_call(struct ptx_ctx *ctx, struct nl_msg *msg, ptx_nl_reply_fn fn, void *arg);
int ptx_nl_dump(struct ptx_ctx *ctx, uint8_t cmd, ptx_nl_reply_fn fn, void *arg,
		void (*restart)(void *arg));
int ptx_nl_to_errno(int nl_err);
bool ptx_nl_string(const struct nlattr *attr, const char **out);
bool ptx_nl_name(const struct nlattr *attr, char out[PTX_DEVICE_NAME_SIZE]);
bool ptx_nl_dup(const struct nlattr *attr, char **out);
bool ptx_nl_u32(const struct nlattr *attr, uint32_t *out);
bool ptx_nl_u64(const struct nlattr *attr, uint64_t *out);

/* device.c */
int ptx_blocker_parse(struct nlattr *nest, struct ptx_blocker *blocker);

/* selector.c */
bool ptx_name_is_vf(const char *name);
bool ptx_name_is_vgpu(const char *name);

/* space.c */
size_t ptx_ranges_merge(struct ptx_space_range *ranges, size_t nr);
size_t ptx_ranges_complement(const struct ptx_space_range *ranges, size_t nr,
			     struct ptx_space_range *out);
int ptx_space_options_check(struct ptx_ctx *ctx, const struct ptx_space_options *options,
			    struct ptx_space_range **windows, size_t *nr);

/* space_info.c */
int ptx_space_info_new(const struct ptx_space_stats *stats,
		       const struct ptx_space_range *windows, struct ptx_space_info **out);
int ptx_space_info_parse(struct nlattr *nest, struct ptx_space_info **out);
int ptx_nl_put_space(struct ptx_ctx *ctx, struct nl_msg *msg,
		     const struct ptx_space_options *options);

/* lease_info.c */
struct ptx_lease_info *ptx_lease_info_new(void);
int ptx_lease_info_reserve(struct ptx_lease_info *info, size_t nr);
void ptx_lease_info_fill(struct ptx_lease_info *info, const struct ptx_member_info *members,
			 size_t nr);
void ptx_lease_info_set_state(struct ptx_lease_info *info, uint64_t id,
			      enum ptx_lease_state state);
int ptx_lease_info_reply(struct nlmsghdr *hdr, void *arg);

/* lease.c */
struct ptx_ctx *ptx_lease_ctx(const struct ptx_lease *lease);
int ptx_lease_name_check(struct ptx_ctx *ctx, const char *name);
int ptx_devices_check(struct ptx_ctx *ctx, const char *const *devices, size_t nr,
		      bool may_be_empty);
int ptx_driver_check(struct ptx_ctx *ctx, const char *driver);

/* persistent.c; pool.c asks for devices in the same way */
int ptx_nl_put_devices(struct ptx_ctx *ctx, struct nl_msg *msg,
		       const char *const *devices, size_t nr);
int ptx_nl_put_options(struct ptx_ctx *ctx, struct nl_msg *msg,
		       const struct ptx_add_options *options);
void ptx_collect_blockers(struct ptx_ctx *ctx, const char *const *devices, size_t nr);

/* util.c */
bool ptx_grow(void *array, size_t nr, size_t size);
char *ptx_read_file(const char *path, size_t max, size_t *len);
char *ptx_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool ptx_utf8_valid(const char *s, size_t len);
bool ptx_last_address(const char *path, char buf[PTX_DEVICE_NAME_SIZE]);
int64_t ptx_now_ms(void);

#endif /* LIBPTX_INTERNAL_H */
