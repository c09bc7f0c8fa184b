/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grant: rules that let a user or a group lease something without root.
 */
#ifndef LIBPTX_GRANT_H
#define LIBPTX_GRANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libptx/selector.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;

/**
 * struct ptx_grant - what a grant says
 * @size: sizeof(struct ptx_grant); the struct may grow
 * @id: which grant; never used twice while the module is loaded. Not for
 *	ptx_grant_new().
 * @to_group: it is for a group rather than a user
 * @who: the uid, or the gid
 * @device: this device only, or empty
 * @kind: devices of this kind only, or PTX_KIND_ANY
 * @vendor: devices of this PCI vendor only, or 0
 * @max_devices: how many may be leased under it at once; 0 is any number
 * @used: how many are. Not for ptx_grant_new().
 * @pooled: devices that the pool has only
 * @dma_quota: how many bytes may be mapped, together, in the DMA spaces of all leases
 *	with a device held under it, which have to have one; 0 is any number
 * @dma_mapped: how many are; 0 where there is no quota. Not for ptx_grant_new().
 */
struct ptx_grant {
	size_t size;
	uint64_t id;
	bool to_group;
	uint32_t who;
	char device[PTX_DEVICE_NAME_SIZE];
	enum ptx_kind kind;
	uint16_t vendor;
	uint32_t max_devices;
	uint32_t used;
	bool pooled;
	uint64_t dma_quota;
	uint64_t dma_mapped;
};

/**
 * ptx_grant_new() - let somebody lease something
 * @ctx: the context
 * @grant: what; gets its id
 *
 * Needs CAP_SYS_ADMIN. It lives until it is withdrawn or the module is unloaded.
 *
 * Return: 0; -EINVAL; -EPERM; -E2BIG when there are too many; -EOPNOTSUPP for a quota
 * when the module is older than those; -ENOMEM.
 */
int ptx_grant_new(struct ptx_ctx *ctx, struct ptx_grant *grant);

/**
 * ptx_grant_withdraw() - take a grant back
 * @ctx: the context
 * @id: which
 * @revoke: also take away, at once, every lease with a device held under it
 *
 * Return: 0; -ENOENT; -EPERM.
 */
int ptx_grant_withdraw(struct ptx_ctx *ctx, uint64_t id, bool revoke);

/**
 * ptx_grant_list_get() - all grants that the caller may see
 * @ctx: the context
 * @list: an array, to be freed with free()
 * @nr: its length
 *
 * Return: 0, or a negative errno.
 */
int ptx_grant_list_get(struct ptx_ctx *ctx, struct ptx_grant **list, size_t *nr);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_GRANT_H */
