// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * event: owns the socket of a subscription and the notices not yet read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "internal.h"

struct ptx_notice {
	enum ptx_event event;
	uint64_t time_ns;
	char *device;
	uint64_t lease_id;
	char *lease_name;
	enum ptx_reason reason;
	char *driver;
	char *method;
	uint32_t took_ms;
};

enum ptx_event ptx_notice_event(const struct ptx_notice *notice)
{
	return notice->event;
}

uint64_t ptx_notice_time_ns(const struct ptx_notice *notice)
{
	return notice->time_ns;
}

const char *ptx_notice_device(const struct ptx_notice *notice)
{
	return notice->device;
}

uint64_t ptx_notice_lease_id(const struct ptx_notice *notice)
{
	return notice->lease_id;
}

const char *ptx_notice_lease_name(const struct ptx_notice *notice)
{
	return notice->lease_name;
}

enum ptx_reason ptx_notice_reason(const struct ptx_notice *notice)
{
	return notice->reason;
}

const char *ptx_notice_driver(const struct ptx_notice *notice)
{
	return notice->driver;
}

const char *ptx_notice_method(const struct ptx_notice *notice)
{
	return notice->method;
}

uint32_t ptx_notice_took_ms(const struct ptx_notice *notice)
{
	return notice->took_ms;
}

void ptx_notice_free(struct ptx_notice *notice)
{
	if (!notice)
		return;
	free(notice->device);
	free(notice->lease_name);
	free(notice->driver);
	free(notice->method);
	free(notice);
}

static bool parse_attr(struct ptx_notice *notice, struct nlattr *attr)
{
	uint32_t u32 = 0;
	bool ok = true;

	switch (nla_type(attr)) {
	case PTX_A_NOTICE_EVENT:
		ok = ptx_nl_u32(attr, &u32);
		notice->event = (enum ptx_event)u32;
		break;
	case PTX_A_NOTICE_TIME_NS:
		ok = ptx_nl_u64(attr, &notice->time_ns);
		break;
	case PTX_A_NOTICE_DEVICE:
		ok = ptx_nl_dup(attr, &notice->device);
		break;
	case PTX_A_NOTICE_LEASE_ID:
		ok = ptx_nl_u64(attr, &notice->lease_id);
		break;
	case PTX_A_NOTICE_LEASE_NAME:
		ok = ptx_nl_dup(attr, &notice->lease_name);
		break;
	case PTX_A_NOTICE_REASON:
		ok = ptx_nl_u32(attr, &u32);
		notice->reason = (enum ptx_reason)u32;
		break;
	case PTX_A_NOTICE_DRIVER:
		ok = ptx_nl_dup(attr, &notice->driver);
		break;
	case PTX_A_NOTICE_METHOD:
		ok = ptx_nl_dup(attr, &notice->method);
		break;
	case PTX_A_NOTICE_TOOK_MS:
		ok = ptx_nl_u32(attr, &notice->took_ms);
		break;
	}
	return ok;
}

/* NULL when it is no notice, or there is no memory for it. */
static struct ptx_notice *parse_notice(struct nlmsghdr *hdr)
{
	struct genlmsghdr *ghdr;
	struct ptx_notice *notice;
	struct nlattr *attr;
	bool seen = false;
	int rem;

	if (hdr->nlmsg_type < NLMSG_MIN_TYPE || !genlmsg_valid_hdr(hdr, 0))
		return NULL;
	ghdr = genlmsg_hdr(hdr);
	if (ghdr->cmd != PTX_CMD_NOTICE_NTF)
		return NULL;
	notice = calloc(1, sizeof(*notice));
	if (!notice)
		return NULL;
	nla_for_each_attr(attr, genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), rem) {
		if (!parse_attr(notice, attr)) {
			ptx_notice_free(notice);
			return NULL;
		}
		seen |= nla_type(attr) == PTX_A_NOTICE_EVENT;
	}
	if (!seen) {
		ptx_notice_free(notice);
		return NULL;
	}
	return notice;
}

int ptx_events_open(struct ptx_ctx *ctx, struct ptx_events **out)
{
	struct ptx_events *events;
	int fd;

	*out = NULL;
	events = calloc(1, sizeof(*events));
	if (!events)
		return ptx_error_no_memory(ctx);
	events->ctx = ctx;
	fd = ctx->sys->events_open(events);
	if (fd < 0) {
		free(events);
		if (fd == -ENODEV)
			return ptx_error_no_module_set(ctx, ENODEV,
						       "the ptx module is not loaded",
						       "load it: modprobe ptx");
		return ptx_error_set(ctx, -fd, PTX_REASON_NONE, NULL);
	}
	events->fd = fd;
	*out = events;
	return 0;
}

void ptx_events_close(struct ptx_events *events)
{
	if (!events)
		return;
	events->ctx->sys->events_close(events);
	for (size_t i = 0; i < events->nr_queue; i++)
		ptx_notice_free(events->queue[i]);
	free(events->queue);
	free(events);
}

int ptx_events_fd(const struct ptx_events *events)
{
	return events->fd;
}

static int receive(struct ptx_events *events)
{
	union {
		struct nlmsghdr hdr;
		char bytes[32768];
	} buf;
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct ptx_notice *notice;
	struct nlmsghdr *hdr;
	ssize_t n;
	int len;

	memset(&from, 0, sizeof(from));
	n = recvfrom(events->fd, buf.bytes, sizeof(buf.bytes), MSG_DONTWAIT,
		     (struct sockaddr *)&from, &from_len);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	/* Anybody may send to a netlink socket; only the kernel has port 0. */
	if (from.ss_family == AF_NETLINK && ((struct sockaddr_nl *)&from)->nl_pid)
		return 0;
	len = (int)n;
	for (hdr = &buf.hdr; nlmsg_ok(hdr, len); hdr = nlmsg_next(hdr, &len)) {
		notice = parse_notice(hdr);
		if (!notice)
			continue;
		if (!ptx_grow(&events->queue, events->nr_queue, sizeof(*events->queue))) {
			ptx_notice_free(notice);
			return -ENOMEM;
		}
		events->queue[events->nr_queue++] = notice;
	}
	return 0;
}

int ptx_events_read(struct ptx_events *events, int timeout_ms, struct ptx_notice **out)
{
	struct ptx_ctx *ctx = events->ctx;
	int64_t end = ptx_now_ms() + timeout_ms;
	int err;

	*out = NULL;
	for (;;) {
		struct pollfd pfd = { .fd = events->fd, .events = POLLIN };
		int wait = -1;

		if (events->nr_queue) {
			*out = events->queue[0];
			events->nr_queue--;
			memmove(events->queue, events->queue + 1,
				events->nr_queue * sizeof(*events->queue));
			return 1;
		}
		if (timeout_ms >= 0) {
			int64_t left = end - ptx_now_ms();

			wait = left > 0 ? (int)left : 0;
		}
		err = ctx->sys->poll(&pfd, 1, wait);
		if (!err)
			return 0;
		if (err > 0)
			err = receive(events);
		if (err == -ENOBUFS)
			return ptx_error_setf(ctx, ENOBUFS, PTX_REASON_NONE, NULL,
					      "events were lost: they were not read in time");
		if (err < 0)
			return ptx_error_set(ctx, -err, PTX_REASON_NONE, NULL);
	}
}
