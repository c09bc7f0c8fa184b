// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel_netlink: the family of the mock kernel, and its events.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mock_state.h"

static struct nl_msg *reply(uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(1 << 17);

	if (!msg || !genlmsg_put(msg, 0, 0, NLMSG_MIN_TYPE, 0, 0, cmd, PTX_FAMILY_VERSION))
		abort();
	return msg;
}

static void put_text(struct nl_msg *msg, int attr, const char *text)
{
	if (*text && nla_put_string(msg, attr, text))
		abort();
}

static void put_u32(struct nl_msg *msg, int attr, uint32_t value)
{
	if (nla_put_u32(msg, attr, value))
		abort();
}

static void put_u64(struct nl_msg *msg, int attr, uint64_t value)
{
	if (nla_put_u64(msg, attr, value))
		abort();
}

void mock_put_bad(struct nl_msg *msg, const char *call)
{
	char bytes[4096];

	if (strcmp(mock.bad_call, call))
		return;
	memset(bytes, 0xff, sizeof(bytes));
	if (nla_put(msg, (int)mock.bad_attr, (int)mock.bad_len, bytes))
		abort();
}

static int deliver(struct nl_msg *msg, ptx_nl_reply_fn fn, void *arg)
{
	int err = fn ? fn(nlmsg_hdr(msg), arg) : 0;

	nlmsg_free(msg);
	return err;
}

static void put_mate(const char *name, uint32_t i, void *arg)
{
	(void)i;
	put_text(arg, PTX_A_DEVICE_GROUP_MEMBER, name);
}

/* The first of a list with commas, which loses it unless it is the last. */
static void next_of(char *list, char *word, size_t size)
{
	size_t n = strcspn(list, ",");

	snprintf(word, size, "%.*s", (int)n, list);
	if (list[n])
		memmove(list, list + n + 1, strlen(list + n + 1) + 1);
}

static void put_state(struct nl_msg *msg, const char *word)
{
	for (unsigned int i = 0; i <= PTX_MEMBER_STATE_QUARANTINED; i++)
		if (!strcmp(word, ptx_member_state_name((enum ptx_member_state)i)))
			put_u32(msg, PTX_A_DEVICE_MEMBER_STATE, i);
}

static void put_tries(struct nl_msg *msg, const char *word)
{
	struct nlattr *nest = nla_nest_start(msg, PTX_A_DEVICE_RESET);

	put_text(msg, PTX_A_RESET_METHOD, "flr");
	put_u32(msg, PTX_A_RESET_TRIES, (uint32_t)strtoul(word, NULL, 10));
	nla_nest_end(msg, nest);
}

static int send_device(struct mock_device *d, bool full, const char *call,
		       ptx_nl_reply_fn fn, void *arg)
{
	struct nl_msg *msg = reply(PTX_CMD_DEVICE_GET);
	struct nlattr *nest;
	char word[64] = "";

	put_text(msg, PTX_A_DEVICE_NAME, d->name);
	put_u32(msg, PTX_A_DEVICE_KIND, d->kind);
	if (nla_put_u16(msg, PTX_A_DEVICE_VENDOR_ID, (uint16_t)d->vendor) ||
	    nla_put_u16(msg, PTX_A_DEVICE_DEVICE_ID, (uint16_t)d->device))
		abort();
	put_u32(msg, PTX_A_DEVICE_CLASS, d->class);
	put_u32(msg, PTX_A_DEVICE_NUMA_NODE, (uint32_t)d->numa);
	put_text(msg, PTX_A_DEVICE_DRIVER, d->driver);
	put_text(msg, PTX_A_DEVICE_DRIVER_OVERRIDE, d->override);
	put_text(msg, PTX_A_DEVICE_RESET_METHODS, d->resets);
	put_text(msg, PTX_A_DEVICE_PHYSFN, d->physfn);
	if (d->has_group)
		put_u32(msg, PTX_A_DEVICE_GROUP, d->group);
	if (d->quarantined && !(full && *d->states))
		put_u32(msg, PTX_A_DEVICE_MEMBER_STATE, PTX_MEMBER_STATE_QUARANTINED);
	if (d->pooled && nla_put_flag(msg, PTX_A_DEVICE_POOLED))
		abort();
	if (d->keeps_memory && nla_put_flag(msg, PTX_A_DEVICE_KEEPS_MEMORY))
		abort();
	if (d->has_rom &&
	    nla_put(msg, PTX_A_DEVICE_ROM_SHA256, sizeof(d->rom), &d->rom))
		abort();
	if (d->pooled && !d->lease && !d->quarantined)
		put_u32(msg, PTX_A_DEVICE_MEMBER_STATE, PTX_MEMBER_STATE_READY);
	if (d->lease) {
		put_u64(msg, PTX_A_DEVICE_LEASE_ID, d->lease);
		put_u32(msg, PTX_A_DEVICE_MEMBER_STATE, PTX_MEMBER_STATE_READY);
	}
	for (unsigned int i = 0; full && i < d->nr_blockers; i++) {
		nest = nla_nest_start(msg, PTX_A_DEVICE_BLOCKER);
		put_u32(msg, PTX_A_BLOCKER_REASON, d->blockers[i].reason);
		put_text(msg, PTX_A_BLOCKER_CULPRIT, d->blockers[i].culprit);
		if (d->blockers[i].lease)
			put_u64(msg, PTX_A_BLOCKER_LEASE_ID, d->blockers[i].lease);
		put_text(msg, PTX_A_BLOCKER_HOLDER, d->blockers[i].holder);
		nla_nest_end(msg, nest);
	}
	if (full && *d->states) {
		next_of(d->states, word, sizeof(word));
		put_state(msg, word);
	}
	if (full && *d->tries) {
		next_of(d->tries, word, sizeof(word));
		put_tries(msg, word);
	}
	if (full)
		mock_each_name(d->mates, put_mate, msg);
	mock_put_bad(msg, call);
	/* One that is not in the contract yet. */
	put_u32(msg, 4000, 1);
	return deliver(msg, fn, arg);
}

static void put_nl_member(const char *name, uint32_t i, void *arg)
{
	const struct mock_device *d = mock_find_device(name);
	struct nl_msg *msg = arg;
	struct ptx_member_info m;
	struct nlattr *nest;

	(void)i;
	mock_describe(name, &m, true);
	nest = nla_nest_start(msg, PTX_A_LEASE_MEMBER);
	put_text(msg, PTX_A_MEMBER_DEVICE, m.name);
	put_u32(msg, PTX_A_MEMBER_KIND, m.kind);
	put_u32(msg, PTX_A_MEMBER_GROUP, m.group);
	put_u32(msg, PTX_A_MEMBER_STATE, m.state);
	put_text(msg, PTX_A_MEMBER_NATIVE_DRIVER, m.native_driver);
	put_text(msg, PTX_A_MEMBER_DRIVER, m.driver);
	if (!(d && d->brought) && nla_put_flag(msg, PTX_A_MEMBER_REQUESTED))
		abort();
	if (d && d->opened && nla_put_flag(msg, PTX_A_MEMBER_OPENED))
		abort();
	if (d && d->cut && nla_put_flag(msg, PTX_A_MEMBER_CUT))
		abort();
	if (m.flags & PTX_MEMBER_MEDIATED && nla_put_flag(msg, PTX_A_MEMBER_MEDIATED))
		abort();
	if (m.flags & PTX_MEMBER_KEEPS_MEMORY && nla_put_flag(msg, PTX_A_MEMBER_KEEPS_MEMORY))
		abort();
	if (d && d->why)
		put_u32(msg, PTX_A_MEMBER_REASON, d->why);
	if (d && *d->step) {
		put_text(msg, PTX_A_MEMBER_STEP, d->step);
		put_u64(msg, PTX_A_MEMBER_SINCE_MS, 20);
	}
	if (d && d->has_faults)
		put_u64(msg, PTX_A_MEMBER_FAULTS, d->faults);
	mock_put_bad(msg, "member");
	nla_nest_end(msg, nest);
}

static int send_lease(const struct mock_lease *l, uint8_t cmd, const char *call,
		      ptx_nl_reply_fn fn, void *arg)
{
	struct nl_msg *msg = reply(cmd);

	put_u64(msg, PTX_A_LEASE_ID, l->id);
	put_text(msg, PTX_A_LEASE_NAME, l->name);
	put_u32(msg, PTX_A_LEASE_STATE, l->state);
	put_u32(msg, PTX_A_LEASE_OWNER, l->owner);
	if (l->pid)
		put_u32(msg, PTX_A_LEASE_PID, (uint32_t)l->pid);
	if (l->max)
		put_u32(msg, PTX_A_LEASE_MAX_DEVICES, l->max);
	if (l->forced && nla_put_flag(msg, PTX_A_LEASE_FORCED))
		abort();
	if (l->persistent && nla_put_flag(msg, PTX_A_LEASE_PERSISTENT))
		abort();
	put_u64(msg, PTX_A_LEASE_AGE_MS, 65000);
	mock_each_name(l->members, put_nl_member, msg);
	if (l->has_space)
		mock_put_space(msg, &l->space);
	mock_put_bad(msg, call);
	return deliver(msg, fn, arg);
}

/* What the policies of the module let through: attribute types by command. */
static const struct {
	uint8_t cmd;
	const char *get;
	const char *dump;
	uint64_t attrs;
} commands[] = {
#define A(name)	(1ULL << PTX_A_##name)
	{ PTX_CMD_DEVICE_GET, "device-get", "device-dump", A(DEVICE_NAME) },
	{ PTX_CMD_LEASE_GET, "lease-get", "lease-dump", A(LEASE_ID) | A(LEASE_NAME) },
	{ PTX_CMD_LEASE_NEW, "lease-new", NULL,
	  A(LEASE_NAME) | A(LEASE_OWNER) | A(LEASE_DEVICE) | A(LEASE_DRIVER) |
	  A(LEASE_ADD_FLAGS) | A(LEASE_TIMEOUT_MS) | A(LEASE_ROM_SHA256) | A(LEASE_SPACE) },
	{ PTX_CMD_LEASE_ADD, "lease-add", NULL,
	  A(LEASE_ID) | A(LEASE_NAME) | A(LEASE_DEVICE) | A(LEASE_DRIVER) |
	  A(LEASE_ADD_FLAGS) | A(LEASE_TIMEOUT_MS) | A(LEASE_ROM_SHA256) },
	{ PTX_CMD_DEVICE_RESET, "device-reset", NULL, A(DEVICE_NAME) },
	{ PTX_CMD_LEASE_REMOVE, "lease-remove", NULL,
	  A(LEASE_ID) | A(LEASE_NAME) | A(LEASE_DEVICE) | A(LEASE_TIMEOUT_MS) },
	{ PTX_CMD_LEASE_RELEASE, "lease-release", NULL,
	  A(LEASE_ID) | A(LEASE_NAME) | A(LEASE_TIMEOUT_MS) },
	{ PTX_CMD_LEASE_RESTRICT, "lease-restrict", NULL,
	  A(LEASE_ID) | A(LEASE_NAME) | A(LEASE_OWNER) | A(LEASE_PID) | A(LEASE_MAX_DEVICES) |
	  A(LEASE_SPACE) },
	{ PTX_CMD_POOL_ADD, "pool-add", NULL,
	  A(LEASE_DEVICE) | A(LEASE_ADD_FLAGS) | A(LEASE_TIMEOUT_MS) | A(LEASE_ROM_SHA256) },
	{ PTX_CMD_POOL_REMOVE, "pool-remove", NULL, A(LEASE_DEVICE) | A(LEASE_TIMEOUT_MS) },
	{ PTX_CMD_LEASE_REVOKE, "lease-revoke", NULL,
	  A(LEASE_ID) | A(LEASE_NAME) | A(LEASE_DEADLINE_MS) | A(LEASE_KILL_MS) },
#undef A
};

/**
 * struct request - a request taken apart
 * @call: its name
 * @name: of the device or lease
 * @id: of the lease
 * @devices: the devices, with commas
 * @has_space: it has something to say of a space
 * @space: what that would be
 * @bad: it breaks the policy
 * @unknown: it has an attribute that an old module does not know
 */
struct request {
	const char *call;
	char name[256];
	uint64_t id;
	char devices[8192];
	bool has_space;
	struct mock_space space;
	bool bad, unknown;
};

static void read_request(struct nl_msg *msg, bool dump, struct request *rq)
{
	struct genlmsghdr *ghdr = genlmsg_hdr(nlmsg_hdr(msg));
	struct nlattr *attr;
	uint64_t allowed = 0, seen = 0;
	char extra[16384] = "";
	int rem;

	memset(rq, 0, sizeof(*rq));
	mock_space_init(&rq->space);
	for (size_t i = 0; i < PTX_ARRAY_SIZE(commands); i++) {
		if (commands[i].cmd != ghdr->cmd)
			continue;
		rq->call = dump ? commands[i].dump : commands[i].get;
		allowed = dump ? 0 : commands[i].attrs;
	}
	if (!rq->call)
		mock_die("no such command", "netlink");
	nla_for_each_attr(attr, genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), rem) {
		int type = nla_type(attr);
		size_t used = strlen(extra);
		const char *text = "";
		bool of_device = ghdr->cmd == PTX_CMD_DEVICE_GET ||
				 ghdr->cmd == PTX_CMD_DEVICE_RESET;
		bool device = !of_device && type == PTX_A_LEASE_DEVICE;

		if (type >= 64 || !(allowed >> type & 1) || (!device && seen >> type & 1))
			rq->bad = true;
		seen |= 1ULL << (type & 63);
		if (of_device || type == PTX_A_LEASE_NAME ||
		    type == PTX_A_LEASE_DEVICE || type == PTX_A_LEASE_DRIVER) {
			if (!ptx_nl_string(attr, &text)) {
				rq->bad = true;
				continue;
			}
		}
		if (of_device || type == PTX_A_LEASE_NAME)
			snprintf(rq->name, sizeof(rq->name), "%s", text);
		else if (type == PTX_A_LEASE_DEVICE)
			snprintf(rq->devices + strlen(rq->devices),
				 sizeof(rq->devices) - strlen(rq->devices), "%s%s",
				 *rq->devices ? "," : "", text);
		else if (type == PTX_A_LEASE_ID)
			rq->bad |= !ptx_nl_u64(attr, &rq->id);
		else if (type == PTX_A_LEASE_DRIVER)
			snprintf(extra + used, sizeof(extra) - used, " driver=%s", text);
		else if (type == PTX_A_LEASE_ADD_FLAGS)
			snprintf(extra + used, sizeof(extra) - used, " flags=%u",
				 nla_get_u32(attr));
		else if (type == PTX_A_LEASE_TIMEOUT_MS)
			snprintf(extra + used, sizeof(extra) - used, " timeout=%u",
				 nla_get_u32(attr));
		else if (type == PTX_A_LEASE_ROM_SHA256)
			mock_note_roms(extra, sizeof(extra), nla_data(attr),
				       (uint32_t)nla_len(attr) / sizeof(struct ptx_rom));
		else if (type == PTX_A_LEASE_DEADLINE_MS)
			snprintf(extra + used, sizeof(extra) - used, " deadline=%u",
				 nla_get_u32(attr));
		else if (type == PTX_A_LEASE_KILL_MS)
			snprintf(extra + used, sizeof(extra) - used, " kill=%u",
				 nla_get_u32(attr));
		else if (type == PTX_A_LEASE_PID)
			snprintf(extra + used, sizeof(extra) - used, " pid=%u",
				 nla_get_u32(attr));
		else if (type == PTX_A_LEASE_MAX_DEVICES)
			snprintf(extra + used, sizeof(extra) - used, " max=%u",
				 nla_get_u32(attr));
		else if (type == PTX_A_LEASE_SPACE) {
			rq->has_space = true;
			rq->unknown = mock.old;
			rq->bad |= !mock_read_space(attr, &rq->space, extra + used,
						    sizeof(extra) - used);
		} else if (type == PTX_A_LEASE_OWNER)
			snprintf(extra + used, sizeof(extra) - used, " owner=%u",
				 nla_get_u32(attr));
	}
	mock_note("netlink %s%s%s%s%s%s%s", rq->call, *rq->name ? " name=" : "", rq->name,
	     rq->id ? " by-id" : "", *rq->devices ? " devices=" : "", rq->devices, extra);
	if (rq->bad)
		mock_note("INVALID");
}

static int dump_devices(ptx_nl_reply_fn fn, void *arg)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < mock.nr_devices; i++)
		err = send_device(&mock.devices[i], false, "device-dump", fn, arg);
	return err;
}

static int dump_leases(ptx_nl_reply_fn fn, void *arg)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < mock.nr_leases; i++)
		err = send_lease(&mock.leases[i], PTX_CMD_LEASE_GET, "lease-dump", fn, arg);
	return err;
}

static int refuse(struct ptx_nl_ack *ack, int err, enum ptx_reason reason, const char *text)
{
	ack->reason = reason;
	snprintf(ack->text, sizeof(ack->text), "%s", text);
	return -err;
}

static void add_name(const char *name, uint32_t i, void *arg)
{
	struct mock_lease *l = arg;
	struct mock_device *d = mock_find_device(name);

	(void)i;
	mock_join(l->members, sizeof(l->members), name);
	if (d)
		mock_each_name(d->mates, mock_join_mate, l);
}

static void drop_name(const char *name, uint32_t i, void *arg)
{
	struct mock_lease *l = arg;
	struct mock_device *d = mock_find_device(name);

	(void)i;
	mock_leave(l->members, name);
	if (d)
		mock_each_name(d->mates, mock_leave_mate, l);
}

static void pool_name(const char *name, uint32_t i, void *arg)
{
	struct mock_device *d = mock_find_device(name);

	(void)i;
	(void)arg;
	if (d)
		d->pooled = true;
}

static void unpool_name(const char *name, uint32_t i, void *arg)
{
	struct mock_device *d = mock_find_device(name);

	(void)i;
	(void)arg;
	if (d)
		d->pooled = false;
}

/* As the module has it: the culprit, and then what is wrong. */
static int refuse_vfs(struct ptx_nl_ack *ack, int err, const struct ptx_blocker *why)
{
	char text[256];

	snprintf(text, sizeof(text), "%s: %s", why->culprit,
		 ptx_reason_text((enum ptx_reason)why->reason));
	return refuse(ack, -err, (enum ptx_reason)why->reason, text);
}

static int do_request(const struct request *rq, uint8_t cmd, ptx_nl_reply_fn fn, void *arg,
		      struct ptx_nl_ack *ack)
{
	struct ptx_blocker why = { .lease = 0 };
	struct mock_lease *l = NULL;
	char devices[8192] = "";
	struct mock_device *d;
	int err = 0;

	if (cmd == PTX_CMD_DEVICE_GET) {
		d = mock_find_device(rq->name);
		if (d && !strncmp(d->states, "gone-now,", strlen("gone-now,"))) {
			memmove(d->states, d->states + strlen("gone-now,"),
				strlen(d->states + strlen("gone-now,")) + 1);
			d = NULL;
		}
		return d ? send_device(d, true, rq->call, fn, arg) :
			   refuse(ack, ENODEV, PTX_REASON_NO_DEVICE, "no such device");
	}
	if (cmd == PTX_CMD_DEVICE_RESET) {
		d = mock_find_device(rq->name);
		usleep(mock.slow_ms * 1000);
		return d ? 0 : refuse(ack, ENODEV, PTX_REASON_NO_DEVICE, "no such device");
	}
	if (cmd == PTX_CMD_POOL_ADD || cmd == PTX_CMD_LEASE_NEW || cmd == PTX_CMD_LEASE_ADD)
		err = mock_take_vfs(rq->devices, devices, sizeof(devices), &why);
	else
		strcpy(devices, rq->devices);
	if (err)
		return refuse_vfs(ack, err, &why);
	if (cmd == PTX_CMD_POOL_ADD || cmd == PTX_CMD_POOL_REMOVE) {
		mock_each_name(devices, cmd == PTX_CMD_POOL_ADD ? pool_name : unpool_name,
			       NULL);
		return 0;
	}
	for (unsigned int i = 0; i < mock.nr_leases; i++) {
		struct mock_lease *have = &mock.leases[i];

		if (have->state != PTX_LEASE_STATE_RELEASED &&
		    (rq->id ? have->id == rq->id : !strcmp(have->name, rq->name)))
			l = have;
	}
	if (cmd == PTX_CMD_LEASE_NEW) {
		if (l)
			return refuse(ack, EEXIST, PTX_REASON_NAME_TAKEN,
				      "another lease has this name");
		l = mock_new_lease(rq->name);
		l->persistent = true;
		l->has_space = rq->has_space;
		l->space = rq->space;
	}
	if (l && cmd == PTX_CMD_LEASE_RESTRICT && rq->has_space && !l->has_space)
		return refuse(ack, EOPNOTSUPP, PTX_REASON_NO_SPACE, "the lease has no DMA space");
	if (!l)
		return refuse(ack, ENOENT, PTX_REASON_NO_LEASE, "no such lease");
	if (cmd == PTX_CMD_LEASE_REVOKE || cmd == PTX_CMD_LEASE_RESTRICT)
		return 0;
	if (cmd == PTX_CMD_LEASE_RELEASE) {
		mock_end_lease(l);
		return 0;
	}
	mock_each_name(devices, cmd == PTX_CMD_LEASE_REMOVE ? drop_name : add_name, l);
	return send_lease(l, cmd, rq->call, fn, arg);
}

int mock_nl_call(struct ptx_ctx *ctx, struct nl_msg *msg, bool dump,
			ptx_nl_reply_fn fn, void *arg, struct ptx_nl_ack *ack)
{
	uint8_t cmd = genlmsg_hdr(nlmsg_hdr(msg))->cmd;
	const struct mock_fail *f;
	struct request rq;
	int err;

	(void)ctx;
	if (mock.absent) {
		nlmsg_free(msg);
		ack->no_family = true;
		return -ENODEV;
	}
	if (cmd == PTX_CMD_GRANT_NEW || cmd == PTX_CMD_GRANT_DEL || cmd == PTX_CMD_GRANT_GET)
		return mock_nl_grant(msg, dump, fn, arg, ack);
	if (cmd == PTX_CMD_RESERVE_NEW || cmd == PTX_CMD_RESERVE_DEL ||
	    cmd == PTX_CMD_RESERVE_GET)
		return mock_nl_reserve(msg, dump, fn, arg, ack);
	read_request(msg, dump, &rq);
	nlmsg_free(msg);
	if (rq.unknown)
		return refuse(ack, EINVAL, PTX_REASON_NONE, "Unknown attribute type");
	if (rq.bad)
		return refuse(ack, EINVAL, PTX_REASON_NONE, "attribute not allowed here");
	f = mock_failing(rq.call);
	if (f) {
		/* A dump that is broken off has given something before. */
		if (dump && cmd == PTX_CMD_DEVICE_GET)
			dump_devices(fn, arg);
		if (dump && cmd == PTX_CMD_LEASE_GET)
			dump_leases(fn, arg);
		return refuse(ack, f->err, (enum ptx_reason)f->reason, f->text);
	}
	if (dump)
		err = cmd == PTX_CMD_DEVICE_GET ? dump_devices(fn, arg) : dump_leases(fn, arg);
	else
		err = do_request(&rq, cmd, fn, arg, ack);
	return err;
}

void mock_nl_close(struct ptx_ctx *ctx)
{
	(void)ctx;
}

/* Events */

static struct nl_msg *make_event(const struct mock_event *e)
{
	struct nl_msg *msg = reply(PTX_CMD_NOTICE_NTF);

	if (strcmp(mock.bad_call, "event"))
		put_u32(msg, PTX_A_NOTICE_EVENT, e->event);
	put_u64(msg, PTX_A_NOTICE_TIME_NS,
		e->ms ? (uint64_t)(ptx_now_ms() + e->ms) * 1000000 : 1234567890);
	put_text(msg, PTX_A_NOTICE_DEVICE, e->device);
	put_text(msg, PTX_A_NOTICE_LEASE_NAME, e->lease);
	if (e->id)
		put_u64(msg, PTX_A_NOTICE_LEASE_ID, e->id);
	if (e->reason)
		put_u32(msg, PTX_A_NOTICE_REASON, e->reason);
	put_text(msg, PTX_A_NOTICE_DRIVER, e->driver);
	mock_put_bad(msg, "event");
	return msg;
}

/* One datagram each, or all in one. */
static void send_events(void)
{
	char bytes[16384];
	size_t used = 0;

	for (unsigned int i = 0; i < mock.nr_events; i++) {
		struct nl_msg *msg = make_event(&mock.events[i]);
		size_t len = nlmsg_hdr(msg)->nlmsg_len;

		if (used + NLMSG_ALIGN(len) > sizeof(bytes))
			abort();
		memset(bytes + used, 0, NLMSG_ALIGN(len));
		memcpy(bytes + used, nlmsg_hdr(msg), len);
		used += NLMSG_ALIGN(len);
		nlmsg_free(msg);
		if (mock.together && i + 1 < mock.nr_events)
			continue;
		if (send(mock.event_socks[1], bytes, used, 0) < 0)
			abort();
		used = 0;
	}
}

int mock_events_open(struct ptx_events *events)
{
	const struct mock_fail *f;

	(void)events;
	if (mock.absent)
		return -ENODEV;
	f = mock_failing("events");
	if (f)
		return -f->err;
	mock_note("events");
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, mock.event_socks))
		abort();
	send_events();
	return mock.event_socks[0];
}

void mock_events_close(struct ptx_events *events)
{
	(void)events;
	close(mock.event_socks[0]);
	close(mock.event_socks[1]);
	mock.event_socks[0] = mock.event_socks[1] = -1;
}
