/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool: devices kept bound and ready, leased to nobody; and rules that keep new
 * ones for it.
 */
#ifndef LIBPTX_POOL_H
#define LIBPTX_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <libptx/lease.h>
#include <libptx/selector.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;

/**
 * ptx_pool_add() - put devices, with their groups, into the pool, all or nothing
 * @ctx: the context
 * @devices: their names, as for ptx_lease_add()
 * @nr_devices: 1 to PTX_DEVICES_MAX
 * @options: flags and deadline, at most PTX_REQUEST_TIMEOUT_MAX_MS; no driver.
 *	May be NULL.
 *
 * Each is reset and proven well; one that cannot be is refused. They are leased as
 * any others, and go back to the pool from there. Needs CAP_SYS_ADMIN.
 *
 * Return: 0; as ptx_lease_add().
 */
int ptx_pool_add(struct ptx_ctx *ctx, const char *const *devices, size_t nr_devices,
		 const struct ptx_add_options *options);

/**
 * ptx_pool_remove() - take devices, with their groups, out of it, all or nothing
 * @ctx: the context
 * @devices: their names
 * @nr_devices: 1 to PTX_DEVICES_MAX
 * @timeout_ms: how long to wait for them to be home, in milliseconds, at most
 *	PTX_REQUEST_TIMEOUT_MAX_MS; 0 is PTX_TIMEOUT_DEFAULT_MS
 *
 * What is leased stays so, and goes home from there; that is not waited for.
 * Needs CAP_SYS_ADMIN.
 *
 * Return: 0; -ENOENT when one is not in the pool, and nothing was done;
 * -ETIMEDOUT, and it goes on by itself; -EIO when a native driver would not take
 * one, or no reset made it well.
 */
int ptx_pool_remove(struct ptx_ctx *ctx, const char *const *devices, size_t nr_devices,
		    uint32_t timeout_ms);

/**
 * struct ptx_reserve - a rule that keeps devices for the pool when they appear
 * @size: sizeof(struct ptx_reserve); the struct may grow
 * @id: which rule; never used twice while the module is loaded. Not for
 *	ptx_reserve_new().
 * @device: this device only, or empty
 * @kind: devices of this kind only, or PTX_KIND_ANY
 * @vendor: devices of this PCI vendor only, or 0
 */
struct ptx_reserve {
	size_t size;
	uint64_t id;
	char device[PTX_DEVICE_NAME_SIZE];
	enum ptx_kind kind;
	uint16_t vendor;
};

/**
 * ptx_reserve_new() - keep devices for the pool when they appear
 * @ctx: the context
 * @rule: which, something of it given; gets its id
 *
 * No native driver gets them. Those that are there already are left alone. Needs
 * CAP_SYS_ADMIN. The rule lives until it is withdrawn or the module is unloaded.
 *
 * Return: 0; -EINVAL; -EPERM; -E2BIG when there are too many; -ENOMEM.
 */
int ptx_reserve_new(struct ptx_ctx *ctx, struct ptx_reserve *rule);

/**
 * ptx_reserve_withdraw() - take such a rule back
 * @ctx: the context
 * @id: which
 *
 * What the pool has because of it, it keeps.
 *
 * Return: 0; -ENOENT; -EPERM.
 */
int ptx_reserve_withdraw(struct ptx_ctx *ctx, uint64_t id);

/**
 * ptx_reserve_list_get() - all of these rules
 * @ctx: the context
 * @list: an array, to be freed with free()
 * @nr: its length
 *
 * Return: 0, or a negative errno.
 */
int ptx_reserve_list_get(struct ptx_ctx *ctx, struct ptx_reserve **list, size_t *nr);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_POOL_H */
