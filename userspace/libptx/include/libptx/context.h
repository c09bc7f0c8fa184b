/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * context: the way to the module. Holds the file of /dev/ptx and the netlink
 * socket, both opened when first needed, and the last error.
 */
#ifndef LIBPTX_CONTEXT_H
#define LIBPTX_CONTEXT_H

#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_error;

/**
 * ptx_version() - the version of this library
 *
 * Return: three numbers with dots between, never freed. Any thread may call it.
 */
const char *ptx_version(void);

/**
 * ptx_ctx_new() - make a context; opens nothing
 * @out: where to put it; undone by ptx_ctx_free()
 *
 * Return: 0, or -ENOMEM.
 */
int ptx_ctx_new(struct ptx_ctx **out);

/**
 * ptx_ctx_free() - close what the context opened, and free it
 * @ctx: the context, or NULL. Leases and subscriptions made from it must be
 *	gone; lists, devices and infos may live on.
 */
void ptx_ctx_free(struct ptx_ctx *ctx);

/**
 * ptx_ctx_error() - what the last failed call on this context found out
 * @ctx: the context
 *
 * Return: the error, owned by the context and overwritten by its next failing
 * call. Calls that succeed leave it alone. Never NULL.
 */
const struct ptx_error *ptx_ctx_error(const struct ptx_ctx *ctx);

/**
 * ptx_ctx_info() - ask the module what it is and can do (PTX_INFO)
 * @ctx: the context
 * @info: out_abi and out_features are filled in
 *
 * Return: 0; -ENODEV when the module is not loaded or /dev/ptx is missing;
 * -EACCES when /dev/ptx may not be opened; -EPROTO when the module speaks no
 * version of the contract that this library knows.
 */
int ptx_ctx_info(struct ptx_ctx *ctx, struct ptx_info *info);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_CONTEXT_H */
