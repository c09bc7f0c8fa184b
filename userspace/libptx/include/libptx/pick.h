/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pick: the devices chosen for a list of selectors, and the next choice when
 * somebody else was faster.
 */
#ifndef LIBPTX_PICK_H
#define LIBPTX_PICK_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_pick;
struct ptx_selector;

/**
 * ptx_pick_new() - choose devices
 * @ctx: the context, which must outlive the pick
 * @sels: the selectors, which must outlive the pick
 * @nr_sels: how many
 * @out: the choice; undone by ptx_pick_free()
 *
 * A device that is named is taken as it is, whatever stands in its way: the
 * kernel says so better. Where a kind is named, the free devices of that kind
 * are taken, those of the pool first and then in order of address: those with no
 * blocker, in no lease, and not in use by this host (see use.h), nor their group
 * mates. Of virtual functions that are asked for by their physical one, the kernel
 * takes any that is spare, or enables them; and mediated devices are made: each of both
 * is chosen as ptx_selector_request() says.
 *
 * Return: 0; -ENODEV when there is no such device or none of that kind;
 * -EBUSY when too few are free (every blocker is in the error); -EEXIST when
 * a device is named twice; -EINVAL when a named device is not of the kind
 * given beside it; -E2BIG when there are more than PTX_DEVICES_MAX; -ENOMEM.
 */
int ptx_pick_new(struct ptx_ctx *ctx, const struct ptx_selector *const *sels,
		 size_t nr_sels, struct ptx_pick **out);

/**
 * ptx_pick_unpooled() - choose devices to put into the pool
 * @ctx: as for ptx_pick_new()
 * @sels: likewise
 * @nr_sels: likewise
 * @out: likewise
 *
 * Where a kind is named, what the pool has already is left out.
 *
 * Return: as ptx_pick_new().
 */
int ptx_pick_unpooled(struct ptx_ctx *ctx, const struct ptx_selector *const *sels,
		      size_t nr_sels, struct ptx_pick **out);

/**
 * ptx_pick_near() - choose devices that are near each other
 * @ctx: as for ptx_pick_new()
 * @sels: likewise
 * @nr_sels: likewise
 * @out: likewise
 *
 * Where kinds are named, those free devices are taken, of all these kinds together, that have
 * the least distance between the two furthest apart (see topology.h); then the fewest pairs on
 * different NUMA nodes; then the shortest ways. Devices that are named count, though
 * they are taken as they are. Of those that are as near, the pool's come first, and then the
 * order of address. No more than 64 free devices are looked at for each selector, besides as
 * many as it asks for.
 *
 * Return: as ptx_pick_new(); also -EACCES and the like when sysfs cannot be read.
 */
int ptx_pick_near(struct ptx_ctx *ctx, const struct ptx_selector *const *sels,
		  size_t nr_sels, struct ptx_pick **out);

/** ptx_pick_free() - free a choice; NULL is fine */
void ptx_pick_free(struct ptx_pick *pick);

/** ptx_pick_count() - how many devices were chosen */
size_t ptx_pick_count(const struct ptx_pick *pick);

/** ptx_pick_devices() - what to request; the array has ptx_pick_count() entries */
const char *const *ptx_pick_devices(const struct ptx_pick *pick);

/**
 * ptx_pick_next() - choose again after the choice could not be leased
 * @pick: the choice
 * @err: what the attempt returned; its error must still be the context's
 *
 * Helps only where a device that was picked, not named, was taken meanwhile:
 * it is left out from then on. Of a near choice, the nearest of the others follow.
 *
 * Return: true when there is another choice to try; false when @err stands,
 * with the context's error as it was.
 */
bool ptx_pick_next(struct ptx_pick *pick, int err);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_PICK_H */
