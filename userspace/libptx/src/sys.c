// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The library's doors to the system, as Linux has them. No state of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include "internal.h"

static int sys_open(void)
{
	int fd = open("/dev/ptx", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

static int sys_poll(struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	int n = poll(fds, nr, timeout_ms);

	return n < 0 ? -errno : n;
}

/**
 * struct call - a request under way
 * @fn: takes each reply
 * @arg: for @fn
 * @ack: where the extended message goes
 * @err: the result
 * @done: the kernel has said its last word
 */
struct call {
	ptx_nl_reply_fn fn;
	void *arg;
	struct ptx_nl_ack *ack;
	int err;
	bool done;
};

/* Anybody may send to a netlink socket; only the kernel has port 0. */
static int on_message(struct nl_msg *msg, void *arg)
{
	(void)arg;
	return nlmsg_get_src(msg)->nl_pid ? NL_SKIP : NL_OK;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct call *call = arg;
	int err;

	if (call->fn && !call->err) {
		err = call->fn(nlmsg_hdr(msg), call->arg);
		if (err)
			call->err = err;
	}
	return NL_OK;
}

static int on_end(struct nl_msg *msg, void *arg)
{
	struct call *call = arg;

	(void)msg;
	call->done = true;
	return NL_STOP;
}

static void read_ack(struct nlmsgerr *e, struct ptx_nl_ack *ack)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)((char *)e - NLMSG_HDRLEN);
	int skip = (int)sizeof(*e);
	struct nlattr *attr;
	const char *text;
	uint64_t reason;

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += (int)e->msg.nlmsg_len - NLMSG_HDRLEN;
	if (skip < (int)sizeof(*e) || skip > nlmsg_datalen(hdr))
		return;
	attr = nlmsg_find_attr(hdr, skip, NLMSGERR_ATTR_MSG);
	if (attr && ptx_nl_string(attr, &text))
		snprintf(ack->text, sizeof(ack->text), "%s", text);
	attr = nlmsg_find_attr(hdr, skip, NLMSGERR_ATTR_COOKIE);
	if (attr && ptx_nl_u64(attr, &reason))
		ack->reason = (enum ptx_reason)reason;
}

static int on_error(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
	struct call *call = arg;

	if (who->nl_pid)
		return NL_SKIP;
	read_ack(e, call->ack);
	if (!call->err)
		call->err = e->error ? e->error : -EIO;
	call->done = true;
	return NL_STOP;
}

static int nl_connect_ptx(struct nl_sock **out, int *family)
{
	struct nl_sock *nl;
	int on = 1, err;

	nl = nl_socket_alloc();
	if (!nl)
		return -ENOMEM;
	err = genl_connect(nl);
	if (err) {
		err = ptx_nl_to_errno(err);
		goto err_free;
	}
	err = genl_ctrl_resolve(nl, PTX_FAMILY_NAME);
	if (err < 0) {
		err = err == -NLE_OBJ_NOTFOUND ? -ENODEV : ptx_nl_to_errno(err);
		goto err_free;
	}
	*family = err;
	nl_socket_enable_msg_peek(nl);
	/* Without these the kernel's own words are missing; nothing else is. */
	(void)setsockopt(nl_socket_get_fd(nl), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(nl_socket_get_fd(nl), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*out = nl;
	return 0;

err_free:
	nl_socket_free(nl);
	return err;
}

static int sys_nl_call(struct ptx_ctx *ctx, struct nl_msg *msg, bool dump,
		       ptx_nl_reply_fn fn, void *arg, struct ptx_nl_ack *ack)
{
	struct call call = { .fn = fn, .arg = arg, .ack = ack };
	struct nl_cb *cb;
	int err;

	if (!ctx->nl) {
		err = nl_connect_ptx(&ctx->nl, &ctx->family);
		ack->no_family = err == -ENODEV;
		if (err)
			goto out;
	}
	nlmsg_hdr(msg)->nlmsg_type = (uint16_t)ctx->family;
	if (dump)
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb) {
		err = -ENOMEM;
		goto out;
	}
	nl_cb_set(cb, NL_CB_MSG_IN, NL_CB_CUSTOM, on_message, NULL);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &call);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &call);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &call);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &call);
	err = nl_send_auto(ctx->nl, msg);
	err = err < 0 ? ptx_nl_to_errno(err) : 0;
	while (!err && !call.done) {
		err = nl_recvmsgs(ctx->nl, cb);
		/* What on_error() made of it counts, not what libnl does. */
		if (err == -NLE_DUMP_INTR)
			err = -EAGAIN;
		else
			err = err < 0 && !call.done ? ptx_nl_to_errno(err) : 0;
	}
	nl_cb_put(cb);
	if (!err)
		err = call.err;
	else
		/* Half an answer may still be on its way: start afresh. */
		ctx->sys->nl_close(ctx);
out:
	nlmsg_free(msg);
	return err;
}

static void sys_nl_close(struct ptx_ctx *ctx)
{
	nl_socket_free(ctx->nl);
	ctx->nl = NULL;
}

static int sys_events_open(struct ptx_events *events)
{
	struct nl_sock *nl;
	int group, err;

	nl = nl_socket_alloc();
	if (!nl)
		return -ENOMEM;
	err = genl_connect(nl);
	if (err) {
		err = ptx_nl_to_errno(err);
		goto err_free;
	}
	group = genl_ctrl_resolve_grp(nl, PTX_FAMILY_NAME, PTX_MCGRP_EVENTS);
	if (group < 0) {
		err = group == -NLE_OBJ_NOTFOUND ? -ENODEV : ptx_nl_to_errno(group);
		goto err_free;
	}
	err = nl_socket_add_memberships(nl, group, 0);
	if (err) {
		err = ptx_nl_to_errno(err);
		goto err_free;
	}
	/* A release of many devices comes as a burst. */
	(void)nl_socket_set_buffer_size(nl, 1 << 20, 0);
	events->nl = nl;
	return nl_socket_get_fd(nl);

err_free:
	nl_socket_free(nl);
	return err;
}

static void sys_events_close(struct ptx_events *events)
{
	nl_socket_free(events->nl);
}

const struct ptx_sys ptx_sys_linux = {
	.open		= sys_open,
	.ioctl		= sys_ioctl,
	.poll		= sys_poll,
	.nl_call	= sys_nl_call,
	.nl_close	= sys_nl_close,
	.events_open	= sys_events_open,
	.events_close	= sys_events_close,
	.root		= "",
};

const struct ptx_sys *ptx_sys_current = &ptx_sys_linux;
