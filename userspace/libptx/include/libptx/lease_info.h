/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lease_info: what reading a lease gives, of either sort: a copy that does not
 * change. A member is a device in a lease, with what it was before.
 */
#ifndef LIBPTX_LEASE_INFO_H
#define LIBPTX_LEASE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_lease_info;
struct ptx_lease_info_list;
struct ptx_lease_member;
struct ptx_space_info;

/**
 * struct ptx_lease_ref - which lease is meant
 * @id: its id, or 0
 * @name: its name when @id is 0
 */
struct ptx_lease_ref {
	uint64_t id;
	const char *name;
};

/**
 * ptx_lease_info_get() - read one lease
 * @ctx: the context
 * @ref: which
 * @out: the copy; undone by ptx_lease_info_free()
 *
 * Return: 0; -ENOENT when there is none or it is not the caller's to see;
 * -ENODEV when the module is not loaded; -EINVAL; -ENOMEM.
 */
int ptx_lease_info_get(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref,
		       struct ptx_lease_info **out);

/** ptx_lease_info_free() - free a copy; NULL is fine */
void ptx_lease_info_free(struct ptx_lease_info *info);

/**
 * ptx_lease_info_list_get() - read every lease that the caller may see
 * @ctx: the context
 * @out: the list, in order of id; undone by ptx_lease_info_list_free()
 *
 * Return: 0; -ENODEV when the module is not loaded; -EAGAIN when the leases
 * kept changing; -ENOMEM.
 */
int ptx_lease_info_list_get(struct ptx_ctx *ctx, struct ptx_lease_info_list **out);

/** ptx_lease_info_list_free() - free a list and what is in it; NULL is fine */
void ptx_lease_info_list_free(struct ptx_lease_info_list *list);

/** ptx_lease_info_list_count() - how many leases are in it */
size_t ptx_lease_info_list_count(const struct ptx_lease_info_list *list);

/** ptx_lease_info_list_at() - one, owned by the list; NULL beyond its end */
const struct ptx_lease_info *
ptx_lease_info_list_at(const struct ptx_lease_info_list *list, size_t i);

/** ptx_lease_info_list_find() - the lease with that id, owned by the list, or NULL */
const struct ptx_lease_info *
ptx_lease_info_list_find(const struct ptx_lease_info_list *list, uint64_t id);

/** ptx_lease_info_id() - the lease's id */
uint64_t ptx_lease_info_id(const struct ptx_lease_info *info);

/** ptx_lease_info_name() - its name, or an empty string when not known */
const char *ptx_lease_info_name(const struct ptx_lease_info *info);

/** ptx_lease_info_state() - its state */
enum ptx_lease_state ptx_lease_info_state(const struct ptx_lease_info *info);

/** ptx_lease_info_owner() - the owner's uid; (uid_t)-1 when not known */
uid_t ptx_lease_info_owner(const struct ptx_lease_info *info);

/** ptx_lease_info_max_devices() - how many it may hold; 0 is any number */
uint32_t ptx_lease_info_max_devices(const struct ptx_lease_info *info);

/** ptx_lease_info_pid() - the process that may open its devices, or 0 for any */
pid_t ptx_lease_info_pid(const struct ptx_lease_info *info);

/** ptx_lease_info_persistent() - does it live until released? */
bool ptx_lease_info_persistent(const struct ptx_lease_info *info);

/** ptx_lease_info_forced() - was a device in use taken for it, on demand? */
bool ptx_lease_info_forced(const struct ptx_lease_info *info);

/** ptx_lease_info_age_ms() - its age in milliseconds; 0 when not known */
uint64_t ptx_lease_info_age_ms(const struct ptx_lease_info *info);

/** ptx_lease_info_nr_members() - how many devices are in it */
size_t ptx_lease_info_nr_members(const struct ptx_lease_info *info);

/** ptx_lease_info_member() - one member, owned by the copy; NULL beyond the end */
const struct ptx_lease_member *
ptx_lease_info_member(const struct ptx_lease_info *info, size_t i);

/**
 * ptx_lease_info_space() - what its DMA space has
 * @info: the copy
 *
 * Return: it, owned by the copy; NULL when it has none, or that is not known.
 */
const struct ptx_space_info *ptx_lease_info_space(const struct ptx_lease_info *info);

/** ptx_lease_member_device() - the device's name */
const char *ptx_lease_member_device(const struct ptx_lease_member *member);

/** ptx_lease_member_kind() - its kind */
enum ptx_kind ptx_lease_member_kind(const struct ptx_lease_member *member);

/** ptx_lease_member_group() - its IOMMU group: /dev/vfio/GROUP */
uint32_t ptx_lease_member_group(const struct ptx_lease_member *member);

/** ptx_lease_member_state() - its state */
enum ptx_member_state ptx_lease_member_state(const struct ptx_lease_member *member);

/** ptx_lease_member_native_driver() - the driver it goes back to, or NULL */
const char *ptx_lease_member_native_driver(const struct ptx_lease_member *member);

/** ptx_lease_member_driver() - the VFIO driver it is on, or NULL */
const char *ptx_lease_member_driver(const struct ptx_lease_member *member);

/** ptx_lease_member_cdev() - its name under /dev/vfio/devices, or NULL */
const char *ptx_lease_member_cdev(const struct ptx_lease_member *member);

/** ptx_lease_member_cut() - was it taken from its VMM, which gets nothing any more? */
bool ptx_lease_member_cut(const struct ptx_lease_member *member);

/** ptx_lease_member_keeps_memory() - does what is in its memory outlive a reset? */
bool ptx_lease_member_keeps_memory(const struct ptx_lease_member *member);

/**
 * ptx_lease_member_mediated() - was it made for the lease by another device's driver?
 * @member: the member
 *
 * Then its name is a UUID, under /sys/bus/mdev/devices, and its VFIO operations are that
 * driver's: who opens it is not checked, and it cannot be cut.
 */
bool ptx_lease_member_mediated(const struct ptx_lease_member *member);

/**
 * ptx_lease_member_faults() - how often it reached for what its lease's DMA space does
 * not map
 * @member: the member, of a lease read by name or id; others do not know
 * @faults: where to put it
 *
 * Return: false where there is no space, or the IOMMU driver tells nobody.
 */
bool ptx_lease_member_faults(const struct ptx_lease_member *member, uint64_t *faults);

/** ptx_lease_member_opened() - is a VFIO file open on it? */
bool ptx_lease_member_opened(const struct ptx_lease_member *member);

/** ptx_lease_member_requested() - was it named, not brought along by its group? */
bool ptx_lease_member_requested(const struct ptx_lease_member *member);

/** ptx_lease_member_step() - what is being done to it at this moment, or NULL */
const char *ptx_lease_member_step(const struct ptx_lease_member *member);

/** ptx_lease_member_since_ms() - how long ago that step began, in milliseconds */
uint64_t ptx_lease_member_since_ms(const struct ptx_lease_member *member);

/** ptx_lease_member_reason() - why it is not as it should be */
enum ptx_reason ptx_lease_member_reason(const struct ptx_lease_member *member);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_LEASE_INFO_H */
