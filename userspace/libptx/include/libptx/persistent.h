/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * persistent: leases that outlive the program that made them, changed by name
 * or id over netlink. Needs CAP_SYS_ADMIN.
 */
#ifndef LIBPTX_PERSISTENT_H
#define LIBPTX_PERSISTENT_H

#include <libptx/lease.h>
#include <libptx/lease_info.h>
#include <libptx/space.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * ptx_persistent_new() - make a persistent lease, all or nothing
 * @ctx: the context
 * @name: its name
 * @owner: uid, or (uid_t)-1 for the caller's
 * @devices: the first devices, as for ptx_lease_add()
 * @nr_devices: 0 to PTX_DEVICES_MAX
 * @options: NULL for none
 * @out: what came of it; undone by ptx_lease_info_free(). May be NULL.
 *
 * Return: 0, or an error as ptx_lease_create() and ptx_lease_add() have them.
 */
int ptx_persistent_new(struct ptx_ctx *ctx, const char *name, uid_t owner,
		       const char *const *devices, size_t nr_devices,
		       const struct ptx_add_options *options,
		       struct ptx_lease_info **out);

/**
 * ptx_persistent_new_space() - the same with a DMA space
 * @ctx: the context
 * @name: its name
 * @owner: uid, or (uid_t)-1 for the caller's
 * @devices: the first devices, as for ptx_lease_add()
 * @nr_devices: 0 to PTX_DEVICES_MAX
 * @options: NULL for none
 * @space: how it is restricted from its beginning; NULL for no space at all
 * @out: what came of it; undone by ptx_lease_info_free(). May be NULL.
 *
 * Return: as ptx_persistent_new(); -EOPNOTSUPP when the module is older than spaces.
 */
int ptx_persistent_new_space(struct ptx_ctx *ctx, const char *name, uid_t owner,
			     const char *const *devices, size_t nr_devices,
			     const struct ptx_add_options *options,
			     const struct ptx_space_options *space,
			     struct ptx_lease_info **out);

/**
 * ptx_persistent_add() - add devices with their groups, all or nothing
 * @ctx: the context
 * @ref: which lease
 * @devices: their names, as for ptx_lease_add()
 * @nr_devices: 1 to PTX_DEVICES_MAX
 * @options: NULL for none
 * @out: the lease after it; undone by ptx_lease_info_free(). May be NULL.
 *
 * Return: 0; -ENOENT when there is no such lease; else as ptx_lease_add().
 */
int ptx_persistent_add(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
		       const char *const *devices, size_t nr_devices,
		       const struct ptx_add_options *options,
		       struct ptx_lease_info **out);

/**
 * ptx_persistent_remove() - give devices back, with their whole groups
 * @ctx: the context
 * @ref: which lease
 * @devices: their names
 * @nr_devices: 1 to PTX_DEVICES_MAX
 * @timeout_ms: how long to wait, in milliseconds; 0 is PTX_TIMEOUT_DEFAULT_MS
 * @out: the lease after it; undone by ptx_lease_info_free(). May be NULL.
 *
 * Return: 0; -ENOENT when there is no such lease or member; else as
 * ptx_lease_remove().
 */
int ptx_persistent_remove(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			  const char *const *devices, size_t nr_devices,
			  uint32_t timeout_ms, struct ptx_lease_info **out);

/**
 * ptx_persistent_release() - give everything back and end the lease
 * @ctx: the context
 * @ref: which lease
 * @timeout_ms: how long to wait, in milliseconds; 0 is PTX_TIMEOUT_DEFAULT_MS
 *
 * Return: 0; -ENOENT; -ETIMEDOUT when a device is not home yet: it goes on by
 * itself.
 */
int ptx_persistent_release(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			   uint32_t timeout_ms);

/**
 * ptx_persistent_revoke() - take everything away from whoever has it open
 * @ctx: the context
 * @ref: which lease, of either sort
 * @options: NULL is at once, and nobody is killed
 *
 * Does not wait for the devices to be home: ptx_persistent_release() does.
 *
 * Return: 0; -ENOENT; -EPERM; -EINVAL.
 */
int ptx_persistent_revoke(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			  const struct ptx_revoke_options *options);

/**
 * enum ptx_restrict_flags - bits of ptx_restrict_options.flags
 * @PTX_RESTRICT_OWNER: the owner is to be another
 * @PTX_RESTRICT_PROCESS: the process that may open its devices is
 * @PTX_RESTRICT_MAX_DEVICES: how many it may hold is
 * @PTX_RESTRICT_SPACE: what its DMA space may map is
 */
enum ptx_restrict_flags {
	PTX_RESTRICT_OWNER = 1 << 0,
	PTX_RESTRICT_PROCESS = 1 << 1,
	PTX_RESTRICT_MAX_DEVICES = 1 << 2,
	PTX_RESTRICT_SPACE = 1 << 3,
};

/**
 * struct ptx_restrict_options - what of a lease is to change
 * @size: sizeof(struct ptx_restrict_options); the struct may grow
 * @flags: bits of enum ptx_restrict_flags, at least one
 * @owner: uid
 * @pid: the process, with its descendants; 0 for the one that the lease is bound
 *	to, or any of its owner's
 * @max_devices: up to PTX_DEVICES_MAX, group mates included; 0 for any number
 * @space: with PTX_RESTRICT_SPACE. Its windows replace those there were, also by larger
 *	ones.
 */
struct ptx_restrict_options {
	size_t size;
	uint32_t flags;
	uid_t owner;
	pid_t pid;
	uint32_t max_devices;
	const struct ptx_space_options *space;
};

/**
 * ptx_persistent_restrict() - change who may open a lease's devices, how many it may
 * hold, and what they may reach by DMA
 * @ctx: the context
 * @ref: which lease, of either sort
 * @options: to what
 *
 * For what comes: what is open stays open, and what the lease holds it keeps. Needs
 * CAP_SYS_ADMIN.
 *
 * Return: 0; -ENOENT; -ESRCH when there is no such process; -ESHUTDOWN when it is
 * draining; -EBUSY when something is mapped that would not be allowed, or more than the
 * quota; -EOPNOTSUPP when it has no space, or the module is older than spaces; -EPERM;
 * -EINVAL; -E2BIG.
 */
int ptx_persistent_restrict(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
			    const struct ptx_restrict_options *options);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_PERSISTENT_H */
