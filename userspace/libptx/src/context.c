// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * context: owns the file of /dev/ptx, the netlink socket and the last error.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

const char *ptx_version(void)
{
	return PTX_VERSION;
}

int ptx_ctx_new(struct ptx_ctx **out)
{
	struct ptx_ctx *ctx;

	*out = NULL;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->sys = ptx_sys_current;
	ctx->fd = -1;
	*out = ctx;
	return 0;
}

void ptx_ctx_free(struct ptx_ctx *ctx)
{
	if (!ctx)
		return;
	if (ctx->fd >= 0)
		close(ctx->fd);
	ctx->sys->nl_close(ctx);
	ptx_error_clear(&ctx->error);
	free(ctx);
}

const struct ptx_error *ptx_ctx_error(const struct ptx_ctx *ctx)
{
	return &ctx->error;
}

/* Open /dev/ptx unless it is; the file stays the context's. */
int ptx_ctx_open(struct ptx_ctx *ctx)
{
	char path[4096];
	int fd;

	if (ctx->fd >= 0)
		return 0;
	fd = ctx->sys->open();
	if (fd >= 0) {
		ctx->fd = fd;
		return 0;
	}
	switch (-fd) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		snprintf(path, sizeof(path), "%s/sys/module/ptx", ctx->sys->root);
		if (access(path, F_OK))
			return ptx_error_no_module_set(ctx, ENODEV,
				"the ptx module is not loaded", "load it: modprobe ptx");
		return ptx_error_no_module_set(ctx, ENODEV,
			"the ptx module is loaded, but /dev/ptx does not work",
			"in a container, pass /dev/ptx in; else mount devtmpfs on /dev and "
			"reload the module");
	case EACCES:
	case EPERM:
		ptx_error_setf(ctx, EACCES, PTX_REASON_NO_RIGHT, NULL,
			       "you may not open /dev/ptx");
		ptx_error_set_remedy(ctx,
			"do it as root, or have the administrator open /dev/ptx to your group");
		return -EACCES;
	default:
		return ptx_error_setf(ctx, -fd, PTX_REASON_NONE, NULL,
				      "cannot open /dev/ptx: %s", strerror(-fd));
	}
}

int ptx_ctx_info(struct ptx_ctx *ctx, struct ptx_info *info)
{
	int err;

	err = ptx_ctx_open(ctx);
	if (err)
		return err;
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	err = ctx->sys->ioctl(ctx->fd, PTX_INFO, info);
	if (err)
		return ptx_error_set(ctx, -err, PTX_REASON_NONE, NULL);
	if (info->out_abi < 1)
		return ptx_error_setf(ctx, EPROTO, PTX_REASON_NONE, NULL,
				      "the ptx module speaks version %u of the contract",
				      info->out_abi);
	return 0;
}
