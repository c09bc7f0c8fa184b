/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device: what the catalog knows about the assignable things of this host.
 */
#ifndef LIBPTX_DEVICE_H
#define LIBPTX_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_device;
struct ptx_device_list;

/**
 * ptx_device_list_get() - every device, bridges too, in order of address
 * @ctx: the context
 * @out: the list; undone by ptx_device_list_free()
 *
 * Blockers and group members are not in a list: see ptx_device_get().
 *
 * Return: 0; -ENODEV when the module is not loaded; -EAGAIN when the devices
 * kept changing; -ENOMEM.
 */
int ptx_device_list_get(struct ptx_ctx *ctx, struct ptx_device_list **out);

/** ptx_device_list_free() - free a list and its devices; NULL is fine */
void ptx_device_list_free(struct ptx_device_list *list);

/** ptx_device_list_count() - how many devices are in it */
size_t ptx_device_list_count(const struct ptx_device_list *list);

/** ptx_device_list_at() - one device, owned by the list; NULL beyond its end */
const struct ptx_device *ptx_device_list_at(const struct ptx_device_list *list, size_t i);

/** ptx_device_list_find() - the device of that name, owned by the list, or NULL */
const struct ptx_device *ptx_device_list_find(const struct ptx_device_list *list,
					      const char *name);

/**
 * ptx_device_get() - one device, with its blockers and its group
 * @ctx: the context
 * @name: as under /sys/bus/pci/devices
 * @out: the device; undone by ptx_device_free()
 *
 * Return: 0; -ENODEV when there is no such device or no module (see
 * ptx_error_no_module()); -ENOMEM.
 */
int ptx_device_get(struct ptx_ctx *ctx, const char *name, struct ptx_device **out);

/** ptx_device_free() - free a device of ptx_device_get(); NULL is fine */
void ptx_device_free(struct ptx_device *dev);

/** ptx_device_name() - its name under /sys/bus/pci/devices */
const char *ptx_device_name(const struct ptx_device *dev);

/** ptx_device_kind() - what it is to the people who assign it */
enum ptx_kind ptx_device_kind(const struct ptx_device *dev);

/** ptx_device_vendor_id() - PCI vendor id */
uint16_t ptx_device_vendor_id(const struct ptx_device *dev);

/** ptx_device_device_id() - PCI device id */
uint16_t ptx_device_device_id(const struct ptx_device *dev);

/** ptx_device_subsystem_vendor_id() - PCI subsystem vendor id */
uint16_t ptx_device_subsystem_vendor_id(const struct ptx_device *dev);

/** ptx_device_subsystem_device_id() - PCI subsystem device id */
uint16_t ptx_device_subsystem_device_id(const struct ptx_device *dev);

/** ptx_device_class() - the 24-bit PCI class code */
uint32_t ptx_device_class(const struct ptx_device *dev);

/** ptx_device_driver() - the driver it is on, or NULL */
const char *ptx_device_driver(const struct ptx_device *dev);

/** ptx_device_driver_override() - its driver override, or NULL */
const char *ptx_device_driver_override(const struct ptx_device *dev);

/**
 * ptx_device_group() - its IOMMU group
 * @dev: the device
 * @group: where to put the number
 *
 * Return: false when it has none.
 */
bool ptx_device_group(const struct ptx_device *dev, uint32_t *group);

/** ptx_device_numa_node() - the NUMA node, or -1 */
int ptx_device_numa_node(const struct ptx_device *dev);

/** ptx_device_reset_methods() - in the kernel's order, with spaces; NULL if none */
const char *ptx_device_reset_methods(const struct ptx_device *dev);

/** ptx_device_physfn() - the physical function of a VF, or NULL */
const char *ptx_device_physfn(const struct ptx_device *dev);

/** ptx_device_lease_id() - the lease it is in, or 0 */
uint64_t ptx_device_lease_id(const struct ptx_device *dev);

/** ptx_device_pooled() - does the pool have it, or get it back from its lease */
bool ptx_device_pooled(const struct ptx_device *dev);

/** ptx_device_keeps_memory() - does what is in its memory outlive a reset? */
bool ptx_device_keeps_memory(const struct ptx_device *dev);

/**
 * ptx_device_rom() - the option ROM it had when the kernel last looked
 *
 * It looks when a request says which ones it allows, and when root asks for a device
 * that nobody uses. Owned by the device; NULL when it has none, or that is not known.
 */
const struct ptx_rom *ptx_device_rom(const struct ptx_device *dev);

/**
 * ptx_device_member_state() - where it is on its way, when in a lease or the pool
 * @dev: the device
 * @state: where to put the state
 *
 * Return: false when it is in neither.
 */
bool ptx_device_member_state(const struct ptx_device *dev, enum ptx_member_state *state);

/** ptx_device_nr_blockers() - how many reasons speak against a lease now */
size_t ptx_device_nr_blockers(const struct ptx_device *dev);

/** ptx_device_blocker() - one of them, owned by the device; NULL beyond the end */
const struct ptx_blocker *ptx_device_blocker(const struct ptx_device *dev, size_t i);

/**
 * struct ptx_device_reset_count - what one method of reset has done to a device
 * @method: as in the reset_method attribute, or "whole bus"; the device's
 * @tries: how often it was tried
 * @failures: how often the device was not proven well after it
 * @last_ms: how long the last try took, with the proof, in milliseconds
 * @last_error: how that ended, a negative errno; 0 when the device was well
 */
struct ptx_device_reset_count {
	char *method;
	uint32_t tries;
	uint32_t failures;
	uint32_t last_ms;
	int last_error;
};

/** ptx_device_reset_count() - one of those that were tried; NULL beyond the end */
const struct ptx_device_reset_count *ptx_device_reset_count(const struct ptx_device *dev,
							    size_t i);

/** ptx_device_nr_group_members() - how many other devices share its group */
size_t ptx_device_nr_group_members(const struct ptx_device *dev);

/** ptx_device_group_member() - the name of one of them; NULL beyond the end */
const char *ptx_device_group_member(const struct ptx_device *dev, size_t i);

/**
 * ptx_device_reset() - try again to make a device well that is in quarantine
 * @ctx: the context
 * @name: under /sys/bus/pci/devices
 *
 * Its whole group goes back to the host when it succeeds. Needs CAP_SYS_ADMIN.
 *
 * Return: 0; -ENODEV; -EINVAL when it is not in quarantine; -EIO when no reset
 * made it well, or its driver would not take it; -ETIMEDOUT, and it goes on by
 * itself.
 */
int ptx_device_reset(struct ptx_ctx *ctx, const char *name);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_DEVICE_H */
