// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>

#include "nl.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static int open_socket(struct nl *nl, size_t rcvbuf)
{
	const int on = 1;
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	const struct timeval patience = { .tv_sec = 120 };

	memset(nl, 0, sizeof(*nl));
	nl->rcvbuf = rcvbuf;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (bind(nl->fd, (struct sockaddr *)&sa, sizeof(sa))) {
		nl_close(nl);
		return -errno;
	}
	return 0;
}

static int family_cb(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *tb[CTRL_ATTR_MAX + 1];
	struct nl *nl = arg;
	char name[64];
	int left;

	nl_parse(h, tb, CTRL_ATTR_MAX, NULL);
	if (tb[CTRL_ATTR_FAMILY_ID])
		memcpy(&nl->family, nl_data(tb[CTRL_ATTR_FAMILY_ID]), 2);
	if (tb[CTRL_ATTR_MCAST_GROUPS]) {
		const struct nlattr *g = nl_data(tb[CTRL_ATTR_MCAST_GROUPS]);

		left = nl_len(tb[CTRL_ATTR_MCAST_GROUPS]);
		while (left >= NLA_HDRLEN) {
			const struct nlattr *t[CTRL_ATTR_MCAST_GRP_MAX + 1];

			nl_parse_nest(g, t, CTRL_ATTR_MCAST_GRP_MAX, NULL);
			nl_str(t[CTRL_ATTR_MCAST_GRP_NAME], name, sizeof(name));
			if (!strcmp(name, PTX_MCGRP_EVENTS))
				nl->group = nl_u32(t[CTRL_ATTR_MCAST_GRP_ID]);
			left -= NLA_ALIGN(g->nla_len);
			g = (const void *)((const char *)g + NLA_ALIGN(g->nla_len));
		}
	}
	return 0;
}

int nl_open_small(struct nl *nl, size_t rcvbuf)
{
	struct nl_req *r;
	int ret;

	ret = open_socket(nl, rcvbuf);
	if (ret)
		return ret;
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	nl->family = GENL_ID_CTRL;
	nl_start(nl, r, CTRL_CMD_GETFAMILY, 0);
	nl_put_str(r, CTRL_ATTR_FAMILY_NAME, PTX_FAMILY_NAME);
	ret = nl_call(nl, r, family_cb, nl);
	free(r);
	if (ret)
		nl_close(nl);
	return ret;
}

int nl_open(struct nl *nl)
{
	return nl_open_small(nl, NL_BUF);
}

void nl_close(struct nl *nl)
{
	close(nl->fd);
	nl->fd = -1;
}

int nl_join(struct nl *nl)
{
	const int big = 1 << 20;

	setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl->group,
		       sizeof(nl->group)))
		return -errno;
	return 0;
}

void nl_start(struct nl *nl, struct nl_req *r, uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *g;

	memset(&r->h, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	r->h.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	r->h.nlmsg_type = nl->family;
	r->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	r->h.nlmsg_seq = ++nl->seq;
	g = NLMSG_DATA(&r->h);
	g->cmd = cmd;
	g->version = nl->family == GENL_ID_CTRL ? 2 : PTX_FAMILY_VERSION;
}

void nl_put_raw(struct nl_req *r, uint16_t type, uint16_t nla_len,
		const void *data, size_t len)
{
	struct nlattr *a = (void *)(r->buf + NLMSG_ALIGN(r->h.nlmsg_len));

	if (NLMSG_ALIGN(r->h.nlmsg_len) + NLA_HDRLEN + NLA_ALIGN(len) > NL_BUF)
		abort();
	a->nla_type = type;
	a->nla_len = nla_len;
	memset((char *)a + NLA_HDRLEN, 0, NLA_ALIGN(len));
	if (len)
		memcpy((char *)a + NLA_HDRLEN, data, len);
	r->h.nlmsg_len = NLMSG_ALIGN(r->h.nlmsg_len) + NLA_HDRLEN + NLA_ALIGN(len);
}

void nl_put(struct nl_req *r, uint16_t type, const void *data, size_t len)
{
	nl_put_raw(r, type, NLA_HDRLEN + len, data, len);
}

void nl_put_str(struct nl_req *r, uint16_t type, const char *s)
{
	nl_put(r, type, s, strlen(s) + 1);
}

void nl_put_u32(struct nl_req *r, uint16_t type, uint32_t v)
{
	nl_put(r, type, &v, sizeof(v));
}

void nl_put_u64(struct nl_req *r, uint16_t type, uint64_t v)
{
	nl_put(r, type, &v, sizeof(v));
}

size_t nl_nest(struct nl_req *r, uint16_t type)
{
	size_t nest = NLMSG_ALIGN(r->h.nlmsg_len);

	nl_put(r, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void nl_nest_end(struct nl_req *r, size_t nest)
{
	((struct nlattr *)(r->buf + nest))->nla_len = r->h.nlmsg_len - nest;
}

void nl_put_window(struct nl_req *r, uint64_t first, uint64_t last)
{
	size_t nest = nl_nest(r, PTX_A_SPACE_WINDOW);

	nl_put_u64(r, PTX_A_WINDOW_FIRST, first);
	nl_put_u64(r, PTX_A_WINDOW_LAST, last);
	nl_nest_end(r, nest);
}

int nl_send(struct nl *nl, struct nl_req *r)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };

	nl->msg[0] = '\0';
	nl->reason = PTX_REASON_NONE;
	nl->offset = 0;
	nl->miss = 0;
	nl->interrupted = false;
	nl->parts = 0;
	if (sendto(nl->fd, r->buf, r->h.nlmsg_len, 0, (struct sockaddr *)&sa,
		   sizeof(sa)) < 0)
		return -errno;
	return 0;
}

static void ext_ack(struct nl *nl, const struct nlmsghdr *h)
{
	const struct nlmsgerr *err = NLMSG_DATA(h);
	const struct nlattr *a;
	unsigned int off;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	off = NLMSG_HDRLEN + sizeof(*err);
	/* NETLINK_CAP_ACK: only the header of the request is echoed. */
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		off += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	while (off + NLA_HDRLEN <= h->nlmsg_len) {
		a = (const void *)((const char *)h + off);
		switch (a->nla_type & NLA_TYPE_MASK) {
		case NLMSGERR_ATTR_MSG:
			nl_str(a, nl->msg, sizeof(nl->msg));
			break;
		case NLMSGERR_ATTR_COOKIE:
			nl->reason = nl_u64(a);
			break;
		case NLMSGERR_ATTR_OFFS:
			nl->offset = nl_u32(a);
			break;
		case NLMSGERR_ATTR_MISS_TYPE:
			nl->miss = nl_u32(a);
			break;
		}
		off += NLA_ALIGN(a->nla_len);
	}
}

int nl_recv(struct nl *nl, nl_cb *cb, void *arg)
{
	const struct nlmsghdr *h;
	char *buf = malloc(NL_BUF);
	int ret = 0, e;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	for (;;) {
		n = recv(nl->fd, buf, nl->rcvbuf, MSG_TRUNC);
		if (n < 0) {
			ret = -errno;
			break;
		}
		nl->parts++;
		if ((size_t)n > nl->rcvbuf) {
			ret = -EMSGSIZE;
			break;
		}
		for (h = (const void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_seq != nl->seq)
				continue;
			if (h->nlmsg_flags & NLM_F_DUMP_INTR)
				nl->interrupted = true;
			switch (h->nlmsg_type) {
			case NLMSG_ERROR:
				e = ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
				ext_ack(nl, h);
				ret = e ?: ret;
				goto out;
			case NLMSG_DONE:
				e = *(const int *)NLMSG_DATA(h);
				ret = e < 0 ? e : ret;
				goto out;
			default:
				e = cb ? cb(h, arg) : 0;
				ret = ret ?: e;
			}
		}
	}
out:
	free(buf);
	return ret;
}

int nl_call(struct nl *nl, struct nl_req *r, nl_cb *cb, void *arg)
{
	int ret;

	ret = nl_send(nl, r);
	return ret ?: nl_recv(nl, cb, arg);
}

static void parse(const char *p, int left, const struct nlattr **tb, int max,
		  int *unknown)
{
	const struct nlattr *a;
	int type;

	memset(tb, 0, (max + 1) * sizeof(*tb));
	while (left >= NLA_HDRLEN) {
		a = (const void *)p;
		if (a->nla_len < NLA_HDRLEN || a->nla_len > left) {
			if (unknown)
				++*unknown;
			return;
		}
		type = a->nla_type & NLA_TYPE_MASK;
		if (type >= 1 && type <= max)
			tb[type] = a;
		else if (unknown)
			++*unknown;
		p += NLA_ALIGN(a->nla_len);
		left -= NLA_ALIGN(a->nla_len);
	}
}

void nl_parse(const struct nlmsghdr *h, const struct nlattr **tb, int max,
	      int *unknown)
{
	parse((const char *)NLMSG_DATA(h) + GENL_HDRLEN,
	      (int)h->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN, tb, max, unknown);
}

void nl_parse_nest(const struct nlattr *nest, const struct nlattr **tb, int max,
		   int *unknown)
{
	parse(nl_data(nest), nl_len(nest), tb, max, unknown);
}

const struct nlattr *nl_next(const struct nlmsghdr *h, const struct nlattr *a)
{
	const char *end = (const char *)h + h->nlmsg_len;

	if (!a)
		a = (const void *)((const char *)NLMSG_DATA(h) + GENL_HDRLEN);
	else
		a = (const void *)((const char *)a + NLA_ALIGN(a->nla_len));
	if ((const char *)a + NLA_HDRLEN > end || a->nla_len < NLA_HDRLEN ||
	    (const char *)a + a->nla_len > end)
		return NULL;
	return a;
}

uint32_t nl_u32(const struct nlattr *a)
{
	uint32_t v = 0;

	if (a)
		memcpy(&v, nl_data(a), nl_len(a) < 4 ? nl_len(a) : 4);
	return v;
}

uint64_t nl_u64(const struct nlattr *a)
{
	uint64_t v = 0;

	if (a)
		memcpy(&v, nl_data(a), nl_len(a) < 8 ? nl_len(a) : 8);
	return v;
}

bool nl_str(const struct nlattr *a, char *buf, size_t len)
{
	size_t n;

	buf[0] = '\0';
	if (!a)
		return true;
	n = nl_len(a);
	if (!n || ((const char *)nl_data(a))[n - 1])
		return false;
	snprintf(buf, len, "%s", (const char *)nl_data(a));
	return true;
}

#define STR(field, attr) do {						\
		if (!nl_str(attr, field, sizeof(field)))		\
			bad++;						\
	} while (0)

static int member_parse(const struct nlattr *nest, struct nl_member *m)
{
	const struct nlattr *tb[PTX_A_MEMBER_MAX + 1];
	int bad = 0;

	nl_parse_nest(nest, tb, PTX_A_MEMBER_MAX, &bad);
	memset(m, 0, sizeof(*m));
	STR(m->device, tb[PTX_A_MEMBER_DEVICE]);
	STR(m->native, tb[PTX_A_MEMBER_NATIVE_DRIVER]);
	STR(m->driver, tb[PTX_A_MEMBER_DRIVER]);
	STR(m->cdev, tb[PTX_A_MEMBER_CDEV]);
	STR(m->step, tb[PTX_A_MEMBER_STEP]);
	m->kind = nl_u32(tb[PTX_A_MEMBER_KIND]);
	m->group = nl_u32(tb[PTX_A_MEMBER_GROUP]);
	m->state = nl_u32(tb[PTX_A_MEMBER_STATE]);
	m->reason = nl_u32(tb[PTX_A_MEMBER_REASON]);
	m->tells_faults = tb[PTX_A_MEMBER_FAULTS];
	m->faults = nl_u64(tb[PTX_A_MEMBER_FAULTS]);
	m->opened = tb[PTX_A_MEMBER_OPENED];
	m->requested = tb[PTX_A_MEMBER_REQUESTED];
	return bad + !tb[PTX_A_MEMBER_DEVICE] + !tb[PTX_A_MEMBER_STATE];
}

static uint64_t times_parse(const struct nlattr *a, int *bad)
{
	uint64_t times[PTX_SPACE_TIMES], sum = 0;
	int i;

	if (!a || nl_len(a) != sizeof(times)) {
		++*bad;
		return 0;
	}
	memcpy(times, nl_data(a), sizeof(times));
	for (i = 0; i < PTX_SPACE_TIMES; i++)
		sum += times[i];
	return sum;
}

static int space_parse(const struct nlattr *nest, struct nl_space *s)
{
	const struct nlattr *tb[PTX_A_SPACE_MAX + 1], *w[PTX_A_WINDOW_MAX + 1];
	const char *at = nl_data(nest), *end = at + nl_len(nest);
	const struct nlattr *a;
	int i, bad = 0;

	nl_parse_nest(nest, tb, PTX_A_SPACE_MAX, &bad);
	s->quota = nl_u64(tb[PTX_A_SPACE_QUOTA]);
	s->mapped = nl_u64(tb[PTX_A_SPACE_MAPPED]);
	s->pinned = nl_u64(tb[PTX_A_SPACE_PINNED]);
	s->entries = nl_u64(tb[PTX_A_SPACE_ENTRIES]);
	s->max_entries = nl_u64(tb[PTX_A_SPACE_MAX_ENTRIES]);
	s->largest_page = nl_u64(tb[PTX_A_SPACE_LARGEST_PAGE]);
	s->faults = tb[PTX_A_SPACE_FAULTS] ? nl_u64(tb[PTX_A_SPACE_FAULTS]) :
					     PTX_SPACE_NO_FAULTS;
	s->pinned_times = times_parse(tb[PTX_A_SPACE_PIN_TIMES], &bad);
	s->mapped_times = times_parse(tb[PTX_A_SPACE_MAP_TIMES], &bad);
	s->container = tb[PTX_A_SPACE_CONTAINER];
	for (i = PTX_A_SPACE_MAPPED; i <= PTX_A_SPACE_LARGEST_PAGE; i++)
		bad += !tb[i];
	bad += !!tb[PTX_A_SPACE_FORCE];
	for (; at + NLA_HDRLEN <= end; at += NLA_ALIGN(a->nla_len)) {
		a = (const void *)at;
		if (a->nla_len < NLA_HDRLEN)
			break;
		if ((a->nla_type & NLA_TYPE_MASK) != PTX_A_SPACE_WINDOW)
			continue;
		nl_parse_nest(a, w, PTX_A_WINDOW_MAX, &bad);
		bad += !w[PTX_A_WINDOW_FIRST] + !w[PTX_A_WINDOW_LAST];
		if (s->nr_windows < NL_MAX_WINDOWS) {
			s->windows[s->nr_windows].first = nl_u64(w[PTX_A_WINDOW_FIRST]);
			s->windows[s->nr_windows].last = nl_u64(w[PTX_A_WINDOW_LAST]);
		}
		s->nr_windows++;
	}
	return bad;
}

int nl_lease_parse(const struct nlmsghdr *h, struct nl_lease *l)
{
	const struct nlattr *tb[PTX_A_LEASE_MAX + 1], *a = NULL;
	int bad = 0;

	nl_parse(h, tb, PTX_A_LEASE_MAX, &bad);
	memset(l, 0, sizeof(*l));
	l->id = nl_u64(tb[PTX_A_LEASE_ID]);
	STR(l->name, tb[PTX_A_LEASE_NAME]);
	l->state = nl_u32(tb[PTX_A_LEASE_STATE]);
	l->owner = nl_u32(tb[PTX_A_LEASE_OWNER]);
	l->has_pid = tb[PTX_A_LEASE_PID];
	l->pid = nl_u32(tb[PTX_A_LEASE_PID]);
	l->persistent = tb[PTX_A_LEASE_PERSISTENT];
	l->forced = tb[PTX_A_LEASE_FORCED];
	l->has_age = tb[PTX_A_LEASE_AGE_MS];
	l->age_ms = nl_u64(tb[PTX_A_LEASE_AGE_MS]);
	l->has_space = tb[PTX_A_LEASE_SPACE];
	if (l->has_space)
		bad += space_parse(tb[PTX_A_LEASE_SPACE], &l->space);
	if (!tb[PTX_A_LEASE_ID] || !tb[PTX_A_LEASE_NAME] ||
	    !tb[PTX_A_LEASE_STATE] || !tb[PTX_A_LEASE_OWNER])
		bad++;
	while ((a = nl_next(h, a))) {
		if ((a->nla_type & NLA_TYPE_MASK) != PTX_A_LEASE_MEMBER)
			continue;
		if (l->nr_members < NL_MAX_MEMBERS)
			bad += member_parse(a, &l->members[l->nr_members]);
		l->nr_members++;
	}
	l->unknown = bad;
	return 0;
}

int nl_device_parse(const struct nlmsghdr *h, struct nl_device *d)
{
	const struct nlattr *tb[PTX_A_DEVICE_MAX + 1], *a = NULL;
	int bad = 0;

	nl_parse(h, tb, PTX_A_DEVICE_MAX, &bad);
	memset(d, 0, sizeof(*d));
	STR(d->name, tb[PTX_A_DEVICE_NAME]);
	STR(d->driver, tb[PTX_A_DEVICE_DRIVER]);
	STR(d->override, tb[PTX_A_DEVICE_DRIVER_OVERRIDE]);
	STR(d->resets, tb[PTX_A_DEVICE_RESET_METHODS]);
	STR(d->physfn, tb[PTX_A_DEVICE_PHYSFN]);
	d->kind = nl_u32(tb[PTX_A_DEVICE_KIND]);
	d->vendor = nl_u32(tb[PTX_A_DEVICE_VENDOR_ID]);
	d->device = nl_u32(tb[PTX_A_DEVICE_DEVICE_ID]);
	d->class = nl_u32(tb[PTX_A_DEVICE_CLASS]);
	d->group = tb[PTX_A_DEVICE_GROUP] ? (int)nl_u32(tb[PTX_A_DEVICE_GROUP]) : -1;
	d->numa = nl_u32(tb[PTX_A_DEVICE_NUMA_NODE]);
	d->lease = nl_u64(tb[PTX_A_DEVICE_LEASE_ID]);
	d->member_state = nl_u32(tb[PTX_A_DEVICE_MEMBER_STATE]);
	d->pooled = tb[PTX_A_DEVICE_POOLED];
	d->keeps_memory = tb[PTX_A_DEVICE_KEEPS_MEMORY];
	d->has_rom = tb[PTX_A_DEVICE_ROM_SHA256] &&
		     nl_len(tb[PTX_A_DEVICE_ROM_SHA256]) == sizeof(d->rom);
	if (d->has_rom)
		memcpy(&d->rom, tb[PTX_A_DEVICE_ROM_SHA256] + 1, sizeof(d->rom));
	if (!tb[PTX_A_DEVICE_NAME] || !tb[PTX_A_DEVICE_KIND])
		bad++;
	while ((a = nl_next(h, a))) {
		const struct nlattr *b[PTX_A_BLOCKER_MAX + 1];
		const struct nlattr *c[PTX_A_RESET_MAX + 1];
		char method[32] = "";

		switch (a->nla_type & NLA_TYPE_MASK) {
		case PTX_A_DEVICE_BLOCKER:
			nl_parse_nest(a, b, PTX_A_BLOCKER_MAX, &bad);
			if (d->nr_blockers < 16) {
				struct ptx_blocker *x = &d->blockers[d->nr_blockers];

				x->reason = nl_u32(b[PTX_A_BLOCKER_REASON]);
				x->lease = nl_u64(b[PTX_A_BLOCKER_LEASE_ID]);
				STR(x->culprit, b[PTX_A_BLOCKER_CULPRIT]);
				STR(x->holder, b[PTX_A_BLOCKER_HOLDER]);
			}
			d->nr_blockers++;
			break;
		case PTX_A_DEVICE_RESET:
			nl_parse_nest(a, c, PTX_A_RESET_MAX, &bad);
			d->resets_tried += nl_u32(c[PTX_A_RESET_TRIES]);
			d->resets_failed += nl_u32(c[PTX_A_RESET_FAILURES]);
			STR(method, c[PTX_A_RESET_METHOD]);
			if (!strcmp(method, "rescan"))
				d->rescans += nl_u32(c[PTX_A_RESET_TRIES]);
			if (!c[PTX_A_RESET_METHOD] || !c[PTX_A_RESET_LAST_MS])
				bad++;
			break;
		case PTX_A_DEVICE_GROUP_MEMBER:
			if (d->nr_mates < 16)
				STR(d->mates[d->nr_mates], a);
			d->nr_mates++;
			break;
		}
	}
	d->unknown = bad;
	return 0;
}

static int lease_cb(const struct nlmsghdr *h, void *arg)
{
	return arg ? nl_lease_parse(h, arg) : 0;
}

static int device_cb(const struct nlmsghdr *h, void *arg)
{
	return arg ? nl_device_parse(h, arg) : 0;
}

static int lease_call(struct nl *nl, uint8_t cmd, uint64_t id, const char *name,
		      const char *const *devices, int nr, uint32_t flags,
		      uint32_t timeout_ms, struct nl_lease *out)
{
	struct nl_req *r = malloc(sizeof(*r));
	int i, ret;

	if (!r)
		return -ENOMEM;
	nl_start(nl, r, cmd, 0);
	if (id)
		nl_put_u64(r, PTX_A_LEASE_ID, id);
	if (name)
		nl_put_str(r, PTX_A_LEASE_NAME, name);
	for (i = 0; i < nr; i++)
		nl_put_str(r, PTX_A_LEASE_DEVICE, devices[i]);
	if (flags)
		nl_put_u32(r, PTX_A_LEASE_ADD_FLAGS, flags);
	if (timeout_ms)
		nl_put_u32(r, PTX_A_LEASE_TIMEOUT_MS, timeout_ms);
	ret = nl_call(nl, r, lease_cb, out);
	free(r);
	return ret;
}

int nl_lease_get(struct nl *nl, uint64_t id, const char *name, struct nl_lease *out)
{
	return lease_call(nl, PTX_CMD_LEASE_GET, id, name, NULL, 0, 0, 0, out);
}

int nl_lease_new(struct nl *nl, const char *name, const char *const *devices,
		 int nr, uint32_t flags, struct nl_lease *out)
{
	return lease_call(nl, PTX_CMD_LEASE_NEW, 0, name, devices, nr, flags, 0, out);
}

int nl_lease_add(struct nl *nl, uint64_t id, const char *const *devices,
		 int nr, uint32_t flags, struct nl_lease *out)
{
	return lease_call(nl, PTX_CMD_LEASE_ADD, id, NULL, devices, nr, flags, 0, out);
}

int nl_lease_remove(struct nl *nl, uint64_t id, const char *const *devices,
		    int nr, struct nl_lease *out)
{
	return lease_call(nl, PTX_CMD_LEASE_REMOVE, id, NULL, devices, nr, 0, 0, out);
}

int nl_lease_release(struct nl *nl, uint64_t id, uint32_t timeout_ms)
{
	return lease_call(nl, PTX_CMD_LEASE_RELEASE, id, NULL, NULL, 0, 0,
			  timeout_ms, NULL);
}

int nl_lease_restrict(struct nl *nl, uint64_t id, int owner, int pid, int max)
{
	struct nl_req r;

	nl_start(nl, &r, PTX_CMD_LEASE_RESTRICT, NLM_F_ACK);
	nl_put_u64(&r, PTX_A_LEASE_ID, id);
	if (owner >= 0)
		nl_put_u32(&r, PTX_A_LEASE_OWNER, owner);
	if (pid >= 0)
		nl_put_u32(&r, PTX_A_LEASE_PID, pid);
	if (max >= 0)
		nl_put_u32(&r, PTX_A_LEASE_MAX_DEVICES, max);
	return nl_call(nl, &r, NULL, NULL);
}

int nl_pool_add(struct nl *nl, const char *const *devices, int nr, uint32_t flags)
{
	return lease_call(nl, PTX_CMD_POOL_ADD, 0, NULL, devices, nr, flags, 0, NULL);
}

int nl_pool_remove(struct nl *nl, const char *const *devices, int nr,
		   uint32_t timeout_ms)
{
	return lease_call(nl, PTX_CMD_POOL_REMOVE, 0, NULL, devices, nr, 0, timeout_ms,
			  NULL);
}

int nl_device_get(struct nl *nl, const char *name, struct nl_device *out)
{
	struct nl_req *r = malloc(sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	nl_start(nl, r, PTX_CMD_DEVICE_GET, 0);
	nl_put_str(r, PTX_A_DEVICE_NAME, name);
	ret = nl_call(nl, r, device_cb, out);
	free(r);
	return ret;
}

int nl_device_reset(struct nl *nl, const char *name)
{
	struct nl_req *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	nl_start(nl, r, PTX_CMD_DEVICE_RESET, 0);
	nl_put_str(r, PTX_A_DEVICE_NAME, name);
	ret = nl_call(nl, r, NULL, NULL);
	free(r);
	return ret;
}

int nl_dump(struct nl *nl, uint8_t cmd, nl_cb *cb, void *arg)
{
	struct nl_req *r = malloc(sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	nl_start(nl, r, cmd, NLM_F_DUMP);
	ret = nl_call(nl, r, cb, arg);
	free(r);
	return ret;
}

struct lease_list {
	struct nl_lease *out;
	int max;
	int nr;
};

static int lease_list_cb(const struct nlmsghdr *h, void *arg)
{
	struct lease_list *list = arg;

	if (list->nr < list->max)
		nl_lease_parse(h, &list->out[list->nr]);
	list->nr++;
	return 0;
}

int nl_lease_list(struct nl *nl, struct nl_lease *out, int max)
{
	struct lease_list list = { .out = out, .max = max };
	int ret;

	ret = nl_dump(nl, PTX_CMD_LEASE_GET, lease_list_cb, &list);
	return ret ?: list.nr;
}

int nl_event_next(struct nl *nl, struct nl_event *ev, int timeout_ms)
{
	const struct nlattr *tb[PTX_A_NOTICE_MAX + 1];
	struct pollfd p = { .fd = nl->fd, .events = POLLIN };
	union {
		struct nlmsghdr h;
		char buf[8192];
	} u;
	int bad = 0;
	ssize_t n;

	n = poll(&p, 1, timeout_ms);
	if (n < 0)
		return -errno;
	if (!n)
		return 0;
	n = recv(nl->fd, u.buf, sizeof(u.buf), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(&u.h, n) || u.h.nlmsg_type != nl->family ||
	    ((struct genlmsghdr *)NLMSG_DATA(&u.h))->cmd != PTX_CMD_NOTICE_NTF)
		return -EBADMSG;
	memset(ev, 0, sizeof(*ev));
	nl_parse(&u.h, tb, PTX_A_NOTICE_MAX, &bad);
	ev->event = nl_u32(tb[PTX_A_NOTICE_EVENT]);
	ev->time_ns = nl_u64(tb[PTX_A_NOTICE_TIME_NS]);
	ev->lease = nl_u64(tb[PTX_A_NOTICE_LEASE_ID]);
	ev->reason = nl_u32(tb[PTX_A_NOTICE_REASON]);
	STR(ev->device, tb[PTX_A_NOTICE_DEVICE]);
	STR(ev->name, tb[PTX_A_NOTICE_LEASE_NAME]);
	STR(ev->driver, tb[PTX_A_NOTICE_DRIVER]);
	STR(ev->method, tb[PTX_A_NOTICE_METHOD]);
	if (!tb[PTX_A_NOTICE_EVENT] || !tb[PTX_A_NOTICE_TIME_NS])
		bad++;
	ev->unknown = bad;
	return 1;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

int nl_lease_wait(uint64_t id, int timeout_ms)
{
	const long long end = now_ms() + timeout_ms;
	struct nl_lease *l = malloc(sizeof(*l));
	struct nl nl, events;
	struct nl_event ev;
	int ret;

	if (!l)
		return -ENOMEM;
	ret = nl_open(&events);
	if (ret)
		goto out_free;
	ret = nl_join(&events) ?: nl_open(&nl);
	if (ret)
		goto out_events;
	for (;;) {
		ret = nl_lease_get(&nl, id, NULL, l);
		if (ret == -ENOENT || (!ret && l->state == PTX_LEASE_STATE_RELEASED)) {
			ret = 0;
			break;
		}
		if (ret)
			break;
		if (now_ms() >= end) {
			ret = -ETIMEDOUT;
			break;
		}
		/* An event may be lost when the socket is full: look again. */
		nl_event_next(&events, &ev, 200);
	}
	nl_close(&nl);
out_events:
	nl_close(&events);
out_free:
	free(l);
	return ret;
}

int nl_take_grant_id(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *a;

	for (a = nl_next(h, NULL); a; a = nl_next(h, a))
		if (a->nla_type == PTX_A_GRANT_ID)
			*(uint64_t *)arg = nl_u64(a);
	return 0;
}

struct grant_ids {
	uint64_t id[1100];
	int nr;
};

static int take_grant_ids(const struct nlmsghdr *h, void *arg)
{
	struct grant_ids *ids = arg;

	return ids->nr < 1100 ? nl_take_grant_id(h, &ids->id[ids->nr++]) : -E2BIG;
}

static int rules_drop(struct nl *nl, uint8_t get, uint8_t del, uint16_t attr)
{
	struct grant_ids ids = { .nr = 0 };
	struct nl_req r;
	int i, ret;

	ret = nl_dump(nl, get, take_grant_ids, &ids);
	for (i = 0; !ret && i < ids.nr; i++) {
		nl_start(nl, &r, del, NLM_F_ACK);
		nl_put_u64(&r, attr, ids.id[i]);
		ret = nl_call(nl, &r, NULL, NULL);
	}
	return ret ? ret : ids.nr;
}

int nl_grants_drop(struct nl *nl)
{
	return rules_drop(nl, PTX_CMD_GRANT_GET, PTX_CMD_GRANT_DEL, PTX_A_GRANT_ID);
}

_Static_assert((int)PTX_A_RESERVE_ID == (int)PTX_A_GRANT_ID, "read the same way");

int nl_reserve_new(struct nl *nl, const char *device, int kind, int vendor,
		   uint64_t *id)
{
	uint16_t vendor_id = vendor;
	struct nl_req r;

	nl_start(nl, &r, PTX_CMD_RESERVE_NEW, NLM_F_ACK);
	if (*device)
		nl_put_str(&r, PTX_A_RESERVE_DEVICE, device);
	if (kind >= 0)
		nl_put_u32(&r, PTX_A_RESERVE_KIND, kind);
	if (vendor)
		nl_put(&r, PTX_A_RESERVE_VENDOR_ID, &vendor_id, sizeof(vendor_id));
	return nl_call(nl, &r, nl_take_grant_id, id);
}

int nl_reserve_del(struct nl *nl, uint64_t id)
{
	struct nl_req r;

	nl_start(nl, &r, PTX_CMD_RESERVE_DEL, NLM_F_ACK);
	nl_put_u64(&r, PTX_A_RESERVE_ID, id);
	return nl_call(nl, &r, NULL, NULL);
}

int nl_reserves_drop(struct nl *nl)
{
	return rules_drop(nl, PTX_CMD_RESERVE_GET, PTX_CMD_RESERVE_DEL,
			  PTX_A_RESERVE_ID);
}

const char *event_name(uint32_t event)
{
	static const char *const names[] = {
		"device-add", "device-del", "lease-new", "lease-active",
		"lease-draining", "lease-released", "member-ready",
		"member-draining", "member-home", "member-driverless",
		"member-gone", "member-opened", "member-closed",
		"member-quarantined", "member-cut", "member-reset", "member-error",
		"member-pooled", "lease-restricted",
	};

	return event < sizeof(names) / sizeof(names[0]) ? names[event] : "?";
}

const char *reason_name(uint32_t reason)
{
	static const char *const names[] = {
		"none", "no-device", "duplicate", "bridge", "no-group",
		"group-shared", "group-blocked", "held", "in-use",
		"reserved-region", "no-msi-isolation", "boot-display",
		"vfs-enabled", "bad-driver", "unbind-stuck", "attach-failed",
		"gone", "not-active", "not-member", "name-taken", "bad-name",
		"no-lease", "no-right", "bad-process", "timeout", "shutdown",
		"native-refused", "limit", "no-memory", "interrupted",
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "?";
}
