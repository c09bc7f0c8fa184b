/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * space: the DMA space of a lease. What its devices reach is mapped through the
 * lease's file, or through a VFIO container that an unmodified VMM opens; windows
 * say where, and a quota says how much.
 */
#ifndef LIBPTX_SPACE_H
#define LIBPTX_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_lease;
struct ptx_space_info;

/**
 * enum ptx_space_option_flags - bits of ptx_space_options.flags
 * @PTX_SPACE_OPTION_QUOTA: the quota is to be another
 * @PTX_SPACE_OPTION_FORCE: unmap what is in the way of the windows
 */
enum ptx_space_option_flags {
	PTX_SPACE_OPTION_QUOTA = 1 << 0,
	PTX_SPACE_OPTION_FORCE = 1 << 1,
};

/**
 * struct ptx_space_options - how a space is restricted
 * @size: sizeof(struct ptx_space_options); the struct may grow
 * @flags: bits of enum ptx_space_option_flags
 * @quota: with PTX_SPACE_OPTION_QUOTA, how many bytes may be mapped; 0 is any number
 * @windows: where may be mapped, in any order; they may touch and overlap. NULL for no
 *	change, which in a new space is everywhere.
 * @nr_windows: their number; what is left when those that touch are one window is
 *	PTX_SPACE_WINDOWS_MAX at most
 */
struct ptx_space_options {
	size_t size;
	uint32_t flags;
	uint64_t quota;
	const struct ptx_space_range *windows;
	size_t nr_windows;
};

/**
 * ptx_space_restrict() - restrict the space of a lease on a file
 * @lease: the lease, made with PTX_LEASE_CREATE_SPACE
 * @options: to what
 *
 * Everything beside the windows is taken away, and what is in them is not given: that
 * needs no right but the lease. So windows can be made smaller like this, and not
 * larger; see ptx_space_allow(). Likewise the quota.
 *
 * The kernel takes one range at a time. On failure those before it are gone, unless
 * the options are at fault: those are looked at first.
 *
 * Return: 0; -EBUSY when something is mapped that would not be allowed, or more than
 * the quota; -EPERM for a larger quota without CAP_SYS_ADMIN; -EOPNOTSUPP when the
 * lease has no space; -EINVAL; -E2BIG; -ESHUTDOWN; -ENOMEM.
 */
int ptx_space_restrict(struct ptx_lease *lease, const struct ptx_space_options *options);

/**
 * ptx_space_allow() - let something be mapped in a range
 * @lease: the lease
 * @range: begins and ends with a page
 *
 * Needs CAP_SYS_ADMIN.
 *
 * Return: 0; -EPERM; -EOPNOTSUPP when the lease has no space; -E2BIG for too many
 * windows; -EINVAL; -ENOMEM.
 */
int ptx_space_allow(struct ptx_lease *lease, const struct ptx_space_range *range);

/**
 * ptx_space_forbid() - let nothing be mapped in a range any more
 * @lease: the lease
 * @range: begins and ends with a page
 * @force: unmap what is there, also what is there in part
 *
 * Return: 0; -EBUSY when something is mapped there; -EOPNOTSUPP when the lease has no
 * space; -E2BIG for too many windows; -EINVAL; -ENOMEM.
 */
int ptx_space_forbid(struct ptx_lease *lease, const struct ptx_space_range *range, bool force);

/**
 * ptx_space_set_quota() - say how much may be mapped
 * @lease: the lease
 * @bytes: so much, or 0 for any number
 *
 * Return: 0; -EBUSY when more is mapped already; -EPERM for more than before without
 * CAP_SYS_ADMIN; -EOPNOTSUPP when the lease has no space.
 */
int ptx_space_set_quota(struct ptx_lease *lease, uint64_t bytes);

/**
 * ptx_space_change() - map and unmap, all or nothing
 * @lease: the lease
 * @ops: what; struct ptx_space_op says how
 * @nr_ops: 1 to PTX_SPACE_OPS_MAX
 * @unmapped: gets how many bytes were unmapped. May be NULL.
 * @culprit: on failure, gets which of @ops is at fault, or @nr_ops for none. May be
 *	NULL.
 *
 * What is mapped is the caller's memory. It is pinned, which takes as long as it takes
 * to appear, and counts as locked.
 *
 * Return: 0, or an error as struct ptx_space_change has them.
 */
int ptx_space_change(struct ptx_lease *lease, const struct ptx_space_op *ops, size_t nr_ops,
		     uint64_t *unmapped, size_t *culprit);

/**
 * ptx_space_stats() - what the space of a lease has
 * @lease: the lease
 * @out: a copy; undone by ptx_space_info_free(). Whether a container is served by it
 *	is not known this way: see ptx_lease_info_space().
 *
 * Return: 0; -EOPNOTSUPP when the lease has no space; -ENOMEM.
 */
int ptx_space_stats(struct ptx_lease *lease, struct ptx_space_info **out);

/** ptx_space_info_free() - free a copy that ptx_space_stats() made; NULL is fine */
void ptx_space_info_free(struct ptx_space_info *space);

/** ptx_space_info_quota() - how many bytes may be mapped; 0 is any number */
uint64_t ptx_space_info_quota(const struct ptx_space_info *space);

/** ptx_space_info_mapped() - how many are */
uint64_t ptx_space_info_mapped(const struct ptx_space_info *space);

/** ptx_space_info_pinned() - how many of them are pinned memory, not a device's */
uint64_t ptx_space_info_pinned(const struct ptx_space_info *space);

/** ptx_space_info_entries() - how many mappings there are */
uint64_t ptx_space_info_entries(const struct ptx_space_info *space);

/** ptx_space_info_max_entries() - and may be */
uint64_t ptx_space_info_max_entries(const struct ptx_space_info *space);

/** ptx_space_info_largest_page() - the largest page used so far, in bytes; 0 is none */
uint64_t ptx_space_info_largest_page(const struct ptx_space_info *space);

/**
 * ptx_space_info_faults() - how often a device reached for what is not mapped
 * @space: the copy
 * @faults: where to put it
 *
 * Return: false where the IOMMU driver tells nobody.
 */
bool ptx_space_info_faults(const struct ptx_space_info *space, uint64_t *faults);

/** ptx_space_info_container() - is a VFIO container served by it? */
bool ptx_space_info_container(const struct ptx_space_info *space);

/**
 * ptx_space_info_refused() - how many changes the space has refused with a reason
 * @space: made by ptx_space_stats(); others do not know
 * @range: gets the IOVA of what the last of them was refused for. May be NULL.
 * @reason: gets why. May be NULL.
 *
 * Return: their number; with 0 there is nothing in @range and @reason.
 */
uint64_t ptx_space_info_refused(const struct ptx_space_info *space,
				struct ptx_space_range *range, enum ptx_reason *reason);

/** ptx_space_info_nr_windows() - how many windows there are */
size_t ptx_space_info_nr_windows(const struct ptx_space_info *space);

/** ptx_space_info_window() - one, owned by the copy; NULL beyond the end */
const struct ptx_space_range *
ptx_space_info_window(const struct ptx_space_info *space, size_t i);

/**
 * ptx_space_info_pin_times() - how many changes took how long to pin
 * @space: the copy
 *
 * Return: PTX_SPACE_TIMES numbers: how many took less than a microsecond, then less
 * than two, less than four and so on; the last any longer time.
 */
const uint64_t *ptx_space_info_pin_times(const struct ptx_space_info *space);

/** ptx_space_info_map_times() - likewise, to put into the IOMMU */
const uint64_t *ptx_space_info_map_times(const struct ptx_space_info *space);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_SPACE_H */
