// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Netlink requests and the reading of attributes. Trusts no length.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netlink/errno.h>
#include "internal.h"

/* How often an interrupted dump is begun again. */
#define DUMP_TRIES	16

/* libnl's errors lose some of the errno; this gives back what there is. */
int ptx_nl_to_errno(int nl_err)
{
	static const struct {
		int nl, err;
	} table[] = {
		{ NLE_INTR, EINTR }, { NLE_BAD_SOCK, EBADF }, { NLE_AGAIN, EAGAIN },
		{ NLE_NOMEM, ENOMEM }, { NLE_EXIST, EEXIST }, { NLE_INVAL, EINVAL },
		{ NLE_RANGE, ERANGE }, { NLE_MSGSIZE, EMSGSIZE },
		{ NLE_OPNOTSUPP, EOPNOTSUPP }, { NLE_AF_NOSUPPORT, EAFNOSUPPORT },
		{ NLE_OBJ_NOTFOUND, ENOENT }, { NLE_BUSY, EBUSY },
		{ NLE_PERM, EPERM }, { NLE_NOACCESS, EACCES }, { NLE_NODEV, ENODEV },
		{ NLE_DUMP_INTR, EAGAIN }, { NLE_PROTO_MISMATCH, EPROTONOSUPPORT },
		{ NLE_MSG_OVERFLOW, EOVERFLOW }, { NLE_MSG_TRUNC, EPROTO },
		{ NLE_MSG_TOOSHORT, EPROTO }, { NLE_SEQ_MISMATCH, EPROTO },
	};

	if (nl_err >= 0)
		return 0;
	for (size_t i = 0; i < PTX_ARRAY_SIZE(table); i++) {
		if (table[i].nl == -nl_err)
			return -table[i].err;
	}
	return -EIO;
}

/* A string attribute that ends within its own length. */
bool ptx_nl_string(const struct nlattr *attr, const char **out)
{
	const char *s = nla_data(attr);
	int len = nla_len(attr);

	if (len < 1 || !memchr(s, '\0', (size_t)len))
		return false;
	*out = s;
	return true;
}

bool ptx_nl_name(const struct nlattr *attr, char out[PTX_DEVICE_NAME_SIZE])
{
	const char *s;
	size_t n;

	if (!ptx_nl_string(attr, &s))
		return false;
	n = strlen(s);
	if (n >= PTX_DEVICE_NAME_SIZE)
		return false;
	memcpy(out, s, n + 1);
	return true;
}

bool ptx_nl_dup(const struct nlattr *attr, char **out)
{
	const char *s;

	if (!ptx_nl_string(attr, &s))
		return false;
	free(*out);
	*out = strdup(s);
	return *out != NULL;
}

bool ptx_nl_u32(const struct nlattr *attr, uint32_t *out)
{
	if (nla_len(attr) != (int)sizeof(*out))
		return false;
	*out = nla_get_u32(attr);
	return true;
}

bool ptx_nl_u64(const struct nlattr *attr, uint64_t *out)
{
	if (nla_len(attr) != (int)sizeof(*out))
		return false;
	memcpy(out, nla_data(attr), sizeof(*out));
	return true;
}

/* A request; NULL when out of memory, with the error set. */
struct nl_msg *ptx_nl_new(struct ptx_ctx *ctx, uint8_t cmd)
{
	/* The longest request names PTX_DEVICES_MAX devices and PTX_SPACE_WINDOWS_MAX windows. */
	struct nl_msg *msg = nlmsg_alloc_size(32768);

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, 0, 0, NLM_F_REQUEST, cmd,
				PTX_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	if (!msg)
		ptx_error_no_memory(ctx);
	return msg;
}

/* The culprit stands in front of the words. */
static int worded_error(struct ptx_ctx *ctx, int err, const struct ptx_nl_ack *ack)
{
	const char *text = ack->text;
	char culprit[PTX_DEVICE_NAME_SIZE] = "";
	const char *end = strstr(text, ": ");
	char word[PTX_DEVICE_NAME_SIZE];

	if (end && end - text < PTX_DEVICE_NAME_SIZE) {
		memcpy(word, text, (size_t)(end - text));
		word[end - text] = '\0';
		if (!ptx_address_parse(word, culprit))
			*culprit = '\0';
	}
	return ptx_error_setf(ctx, err, ack->reason, culprit, "%s", text);
}

static int call_error(struct ptx_ctx *ctx, int err, const struct ptx_nl_ack *ack)
{
	if (ack->no_family)
		return ptx_error_no_module_set(ctx, ENODEV, "the ptx module is not loaded",
					       "load it: modprobe ptx");
	if (*ack->text)
		worded_error(ctx, -err, ack);
	else
		ptx_error_set(ctx, -err, ack->reason, NULL);
	/* What a grant is enough for goes through the file. */
	if (ack->reason == PTX_REASON_NO_RIGHT)
		ptx_error_set_remedy(ctx, "do it as root (CAP_SYS_ADMIN)");
	return err;
}

/* Send @msg, which is consumed, and give the replies to @fn. */
int ptx_nl_call(struct ptx_ctx *ctx, struct nl_msg *msg, ptx_nl_reply_fn fn, void *arg)
{
	struct ptx_nl_ack ack = { .no_family = false };
	int err;

	err = ctx->sys->nl_call(ctx, msg, false, fn, arg, &ack);
	return err ? call_error(ctx, err, &ack) : 0;
}

/* The same for a dump. @restart forgets what @fn has collected so far. */
int ptx_nl_dump(struct ptx_ctx *ctx, uint8_t cmd, ptx_nl_reply_fn fn, void *arg,
		void (*restart)(void *arg))
{
	struct ptx_nl_ack ack;
	struct nl_msg *msg;
	int err;

	for (int i = 0; i < DUMP_TRIES; i++) {
		msg = ptx_nl_new(ctx, cmd);
		if (!msg)
			return -ENOMEM;
		memset(&ack, 0, sizeof(ack));
		err = ctx->sys->nl_call(ctx, msg, true, fn, arg, &ack);
		if (err != -EAGAIN)
			return err ? call_error(ctx, err, &ack) : 0;
		restart(arg);
	}
	return ptx_error_setf(ctx, EAGAIN, PTX_REASON_NONE, NULL,
			      "what was to be read kept changing");
}
