/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/ptx.yaml */
/* YNL-GEN uapi header */

#ifndef _UAPI_LINUX_PTX_NETLINK_H
#define _UAPI_LINUX_PTX_NETLINK_H

#define PTX_FAMILY_NAME		"ptx"
#define PTX_FAMILY_VERSION	1

#define PTX_DEVICE_NAME_MAX		95
#define PTX_LEASE_NAME_MAX		63
#define PTX_DEVICES_MAX			256
#define PTX_REQUEST_TIMEOUT_MAX_MS	60000
#define PTX_ROMS_MAX			32
#define PTX_REVOKE_MAX_MS		3600000
#define PTX_SPACE_TIMES			32
#define PTX_SPACE_WINDOWS_MAX		256

/**
 * enum ptx_kind - what a device is to the people who assign it
 */
enum ptx_kind {
	PTX_KIND_OTHER,
	PTX_KIND_GPU,
	PTX_KIND_NPU,
	PTX_KIND_NVME,
	PTX_KIND_NIC,
	PTX_KIND_AUDIO,
	PTX_KIND_USB,
	PTX_KIND_STORAGE,
	PTX_KIND_BRIDGE,
};

/**
 * enum ptx_lease_state
 * @PTX_LEASE_STATE_NEW: being built, holds nothing
 * @PTX_LEASE_STATE_ACTIVE: its members can be opened by the owner
 * @PTX_LEASE_STATE_DRAINING: its devices are on their way home
 * @PTX_LEASE_STATE_RELEASED: everything is back; only its handles remain
 */
enum ptx_lease_state {
	PTX_LEASE_STATE_NEW,
	PTX_LEASE_STATE_ACTIVE,
	PTX_LEASE_STATE_DRAINING,
	PTX_LEASE_STATE_RELEASED,
};

/**
 * enum ptx_member_state
 * @PTX_MEMBER_STATE_BUILDING: claimed, on its way to the VFIO driver
 * @PTX_MEMBER_STATE_READY: on the VFIO driver, can be opened
 * @PTX_MEMBER_STATE_DRAINING: on its way home; see the step it is at
 * @PTX_MEMBER_STATE_HOME: on the driver it came from
 * @PTX_MEMBER_STATE_DRIVERLESS: given back, but its native driver would not
 *   take it
 * @PTX_MEMBER_STATE_GONE: the device left the bus
 * @PTX_MEMBER_STATE_QUARANTINED: no reset made it well; nobody can have it,
 *   the host neither
 */
enum ptx_member_state {
	PTX_MEMBER_STATE_BUILDING,
	PTX_MEMBER_STATE_READY,
	PTX_MEMBER_STATE_DRAINING,
	PTX_MEMBER_STATE_HOME,
	PTX_MEMBER_STATE_DRIVERLESS,
	PTX_MEMBER_STATE_GONE,
	PTX_MEMBER_STATE_QUARANTINED,
};

/**
 * enum ptx_reason - why a request was refused or a device did not come home
 * @PTX_REASON_NO_DEVICE: there is no such device
 * @PTX_REASON_DUPLICATE: the same device is named twice in one request
 * @PTX_REASON_BRIDGE: a bridge is never assignable
 * @PTX_REASON_NO_GROUP: no IOMMU isolates the device
 * @PTX_REASON_GROUP_SHARED: exact mode, and its group has members the request
 *   does not name
 * @PTX_REASON_GROUP_BLOCKED: a device in its group cannot be leased
 * @PTX_REASON_HELD: another lease holds it
 * @PTX_REASON_IN_USE: somebody outside ptx owns the DMA of its group
 * @PTX_REASON_RESERVED_REGION: firmware demands identity-mapped memory for it
 *   (RMRR)
 * @PTX_REASON_NO_MSI_ISOLATION: the platform cannot keep its interrupts apart
 * @PTX_REASON_BOOT_DISPLAY: it drives the boot display
 * @PTX_REASON_VFS_ENABLED: its virtual functions are enabled
 * @PTX_REASON_BAD_DRIVER: the driver asked for is missing or is not a VFIO
 *   driver
 * @PTX_REASON_UNBIND_STUCK: the native driver did not let go by the deadline
 * @PTX_REASON_ATTACH_FAILED: the VFIO driver refused the device
 * @PTX_REASON_GONE: the device vanished meanwhile
 * @PTX_REASON_NOT_ACTIVE: the lease is draining or released
 * @PTX_REASON_NOT_MEMBER: the device is not in this lease
 * @PTX_REASON_NAME_TAKEN: another lease has this name
 * @PTX_REASON_BAD_NAME: a name is empty, too long, not UTF-8 or has control
 *   characters
 * @PTX_REASON_NO_LEASE: no such lease, or not yours to see
 * @PTX_REASON_NO_RIGHT: the caller may not do this
 * @PTX_REASON_BAD_PROCESS: the pidfd is not one, or its process has exited
 * @PTX_REASON_TIMEOUT: not finished by the deadline; it goes on by itself
 * @PTX_REASON_SHUTDOWN: the host is going down
 * @PTX_REASON_NATIVE_REFUSED: the native driver would not take the device back
 * @PTX_REASON_LIMIT: more devices than one request or one lease may hold
 * @PTX_REASON_NO_MEMORY: out of memory
 * @PTX_REASON_INTERRUPTED: a fatal signal ended the wait
 * @PTX_REASON_MOUNTED: a file system on it is mounted
 * @PTX_REASON_BLOCK_HELD: device mapper, md, swap or a program has a block
 *   device of it
 * @PTX_REASON_NET_UP: a network interface of it is up
 * @PTX_REASON_NODE_OPEN: a DRM or accel node of it is open
 * @PTX_REASON_CONSOLE: the kernel's console is on it
 * @PTX_REASON_QUARANTINED: no reset made it well after its last lease
 * @PTX_REASON_NOT_GRANTED: no grant lets the caller have it
 * @PTX_REASON_GRANT_USED_UP: a grant would, but as many devices are leased
 *   under it as may be
 * @PTX_REASON_NOT_WELL: a reset did not make it well
 * @PTX_REASON_NO_RESET: there is no way to reset it
 * @PTX_REASON_ERROR_CORRECTABLE: a PCI Express error that the hardware
 *   corrected
 * @PTX_REASON_ERROR_NONFATAL: one that it did not, but the link works
 * @PTX_REASON_ERROR_FATAL: one after which the device cannot be reached
 * @PTX_REASON_POOLED: the pool has it, and cannot give it now, or not to that
 *   driver
 * @PTX_REASON_ROM: its option ROM is not one that the request allows, or none
 *   has one
 * @PTX_REASON_KEEPS_MEMORY: it keeps its memory over a reset, and that cannot
 *   be cleared
 * @PTX_REASON_NO_SPACE: the lease has no DMA space
 * @PTX_REASON_DMA_WINDOW: outside of the windows of the lease's space, or
 *   mapped where none is to be
 * @PTX_REASON_DMA_RESERVED: the IOMMU does not reach that address, or the
 *   platform has reserved it
 * @PTX_REASON_DMA_MAPPED: something is mapped there already
 * @PTX_REASON_DMA_SPLIT: it would cut a mapping in two
 * @PTX_REASON_DMA_MEMORY: no memory is there, or it may not be written, or not
 *   be mapped
 * @PTX_REASON_DMA_LOCKED: more locked memory than RLIMIT_MEMLOCK allows
 * @PTX_REASON_DMA_QUOTA: more than the quota of the lease's space
 * @PTX_REASON_DMA_ENTRIES: more mappings than a space may have
 * @PTX_REASON_DMA_GRANT: as much is mapped under the grant as may be
 * @PTX_REASON_NO_SRIOV: it cannot have virtual functions, or its driver does
 *   not let it
 * @PTX_REASON_VFS_USED_UP: all virtual functions that it has are in use
 * @PTX_REASON_VF_FAILED: its driver could not enable virtual functions
 * @PTX_REASON_NO_VGPU_TYPE: it makes no mediated devices of that type
 * @PTX_REASON_VGPUS_USED_UP: it has no room for another mediated device of
 *   that type
 * @PTX_REASON_VGPU_FAILED: its driver could not make a mediated device
 * @PTX_REASON_VGPU_EXISTS: there is a mediated device of that uuid
 */
enum ptx_reason {
	PTX_REASON_NONE,
	PTX_REASON_NO_DEVICE,
	PTX_REASON_DUPLICATE,
	PTX_REASON_BRIDGE,
	PTX_REASON_NO_GROUP,
	PTX_REASON_GROUP_SHARED,
	PTX_REASON_GROUP_BLOCKED,
	PTX_REASON_HELD,
	PTX_REASON_IN_USE,
	PTX_REASON_RESERVED_REGION,
	PTX_REASON_NO_MSI_ISOLATION,
	PTX_REASON_BOOT_DISPLAY,
	PTX_REASON_VFS_ENABLED,
	PTX_REASON_BAD_DRIVER,
	PTX_REASON_UNBIND_STUCK,
	PTX_REASON_ATTACH_FAILED,
	PTX_REASON_GONE,
	PTX_REASON_NOT_ACTIVE,
	PTX_REASON_NOT_MEMBER,
	PTX_REASON_NAME_TAKEN,
	PTX_REASON_BAD_NAME,
	PTX_REASON_NO_LEASE,
	PTX_REASON_NO_RIGHT,
	PTX_REASON_BAD_PROCESS,
	PTX_REASON_TIMEOUT,
	PTX_REASON_SHUTDOWN,
	PTX_REASON_NATIVE_REFUSED,
	PTX_REASON_LIMIT,
	PTX_REASON_NO_MEMORY,
	PTX_REASON_INTERRUPTED,
	PTX_REASON_MOUNTED,
	PTX_REASON_BLOCK_HELD,
	PTX_REASON_NET_UP,
	PTX_REASON_NODE_OPEN,
	PTX_REASON_CONSOLE,
	PTX_REASON_QUARANTINED,
	PTX_REASON_NOT_GRANTED,
	PTX_REASON_GRANT_USED_UP,
	PTX_REASON_NOT_WELL,
	PTX_REASON_NO_RESET,
	PTX_REASON_ERROR_CORRECTABLE,
	PTX_REASON_ERROR_NONFATAL,
	PTX_REASON_ERROR_FATAL,
	PTX_REASON_POOLED,
	PTX_REASON_ROM,
	PTX_REASON_KEEPS_MEMORY,
	PTX_REASON_NO_SPACE,
	PTX_REASON_DMA_WINDOW,
	PTX_REASON_DMA_RESERVED,
	PTX_REASON_DMA_MAPPED,
	PTX_REASON_DMA_SPLIT,
	PTX_REASON_DMA_MEMORY,
	PTX_REASON_DMA_LOCKED,
	PTX_REASON_DMA_QUOTA,
	PTX_REASON_DMA_ENTRIES,
	PTX_REASON_DMA_GRANT,
	PTX_REASON_NO_SRIOV,
	PTX_REASON_VFS_USED_UP,
	PTX_REASON_VF_FAILED,
	PTX_REASON_NO_VGPU_TYPE,
	PTX_REASON_VGPUS_USED_UP,
	PTX_REASON_VGPU_FAILED,
	PTX_REASON_VGPU_EXISTS,
};

/**
 * enum ptx_event
 * @PTX_EVENT_MEMBER_QUARANTINED: no reset made it well
 * @PTX_EVENT_MEMBER_CUT: taken from its VMM, which may still keep the file
 *   open
 * @PTX_EVENT_MEMBER_RESET: a reset was tried on it; see the method and the
 *   reason
 * @PTX_EVENT_MEMBER_ERROR: it, or the link to it, reported an error; the
 *   reason says how bad
 * @PTX_EVENT_MEMBER_POOLED: its lease has given it back, to the pool
 * @PTX_EVENT_LEASE_RESTRICTED: its owner, its process or its limit is another
 */
enum ptx_event {
	PTX_EVENT_DEVICE_ADD,
	PTX_EVENT_DEVICE_DEL,
	PTX_EVENT_LEASE_NEW,
	PTX_EVENT_LEASE_ACTIVE,
	PTX_EVENT_LEASE_DRAINING,
	PTX_EVENT_LEASE_RELEASED,
	PTX_EVENT_MEMBER_READY,
	PTX_EVENT_MEMBER_DRAINING,
	PTX_EVENT_MEMBER_HOME,
	PTX_EVENT_MEMBER_DRIVERLESS,
	PTX_EVENT_MEMBER_GONE,
	PTX_EVENT_MEMBER_OPENED,
	PTX_EVENT_MEMBER_CLOSED,
	PTX_EVENT_MEMBER_QUARANTINED,
	PTX_EVENT_MEMBER_CUT,
	PTX_EVENT_MEMBER_RESET,
	PTX_EVENT_MEMBER_ERROR,
	PTX_EVENT_MEMBER_POOLED,
	PTX_EVENT_LEASE_RESTRICTED,
};

/**
 * enum ptx_add_flags
 * @PTX_ADD_FLAGS_EXACT: refuse instead of widening to the whole group
 * @PTX_ADD_FLAGS_FORCE: take it although a network interface of it is up, or a
 *   node of it is open. The lease remembers.
 * @PTX_ADD_FLAGS_BOOT_DISPLAY: take the boot display, although the host may
 *   have no picture until its next boot. The lease remembers this as force.
 * @PTX_ADD_FLAGS_RESET: reset it before it goes to VFIO, and refuse one that
 *   cannot be reset or is not well after it
 * @PTX_ADD_FLAGS_CLEAR_MEMORY: where it keeps its memory over a reset, clear
 *   that before the lease and after it; refuse it where that cannot be done.
 *   Not for the pool, which has no tenant.
 */
enum ptx_add_flags {
	PTX_ADD_FLAGS_EXACT = 1,
	PTX_ADD_FLAGS_FORCE = 2,
	PTX_ADD_FLAGS_BOOT_DISPLAY = 4,
	PTX_ADD_FLAGS_RESET = 8,
	PTX_ADD_FLAGS_CLEAR_MEMORY = 16,
};

enum {
	PTX_A_BLOCKER_REASON = 1,
	PTX_A_BLOCKER_CULPRIT,
	PTX_A_BLOCKER_LEASE_ID,
	PTX_A_BLOCKER_HOLDER,

	__PTX_A_BLOCKER_MAX,
	PTX_A_BLOCKER_MAX = (__PTX_A_BLOCKER_MAX - 1)
};

enum {
	PTX_A_RESET_METHOD = 1,
	PTX_A_RESET_TRIES,
	PTX_A_RESET_FAILURES,
	PTX_A_RESET_LAST_MS,
	PTX_A_RESET_LAST_ERROR,

	__PTX_A_RESET_MAX,
	PTX_A_RESET_MAX = (__PTX_A_RESET_MAX - 1)
};

enum {
	PTX_A_DEVICE_NAME = 1,
	PTX_A_DEVICE_KIND,
	PTX_A_DEVICE_VENDOR_ID,
	PTX_A_DEVICE_DEVICE_ID,
	PTX_A_DEVICE_SUBSYSTEM_VENDOR_ID,
	PTX_A_DEVICE_SUBSYSTEM_DEVICE_ID,
	PTX_A_DEVICE_CLASS,
	PTX_A_DEVICE_DRIVER,
	PTX_A_DEVICE_DRIVER_OVERRIDE,
	PTX_A_DEVICE_GROUP,
	PTX_A_DEVICE_NUMA_NODE,
	PTX_A_DEVICE_RESET_METHODS,
	PTX_A_DEVICE_PHYSFN,
	PTX_A_DEVICE_LEASE_ID,
	PTX_A_DEVICE_MEMBER_STATE,
	PTX_A_DEVICE_BLOCKER,
	PTX_A_DEVICE_GROUP_MEMBER,
	PTX_A_DEVICE_RESET,
	PTX_A_DEVICE_POOLED,
	PTX_A_DEVICE_ROM_SHA256,
	PTX_A_DEVICE_KEEPS_MEMORY,

	__PTX_A_DEVICE_MAX,
	PTX_A_DEVICE_MAX = (__PTX_A_DEVICE_MAX - 1)
};

enum {
	PTX_A_MEMBER_DEVICE = 1,
	PTX_A_MEMBER_KIND,
	PTX_A_MEMBER_GROUP,
	PTX_A_MEMBER_STATE,
	PTX_A_MEMBER_NATIVE_DRIVER,
	PTX_A_MEMBER_DRIVER,
	PTX_A_MEMBER_CDEV,
	PTX_A_MEMBER_OPENED,
	PTX_A_MEMBER_REQUESTED,
	PTX_A_MEMBER_STEP,
	PTX_A_MEMBER_SINCE_MS,
	PTX_A_MEMBER_REASON,
	PTX_A_MEMBER_CUT,
	PTX_A_MEMBER_KEEPS_MEMORY,
	PTX_A_MEMBER_FAULTS,
	PTX_A_MEMBER_MEDIATED,

	__PTX_A_MEMBER_MAX,
	PTX_A_MEMBER_MAX = (__PTX_A_MEMBER_MAX - 1)
};

enum {
	PTX_A_WINDOW_FIRST = 1,
	PTX_A_WINDOW_LAST,

	__PTX_A_WINDOW_MAX,
	PTX_A_WINDOW_MAX = (__PTX_A_WINDOW_MAX - 1)
};

enum {
	PTX_A_SPACE_QUOTA = 1,
	PTX_A_SPACE_WINDOW,
	PTX_A_SPACE_FORCE,
	PTX_A_SPACE_MAPPED,
	PTX_A_SPACE_PINNED,
	PTX_A_SPACE_ENTRIES,
	PTX_A_SPACE_MAX_ENTRIES,
	PTX_A_SPACE_LARGEST_PAGE,
	PTX_A_SPACE_FAULTS,
	PTX_A_SPACE_PIN_TIMES,
	PTX_A_SPACE_MAP_TIMES,
	PTX_A_SPACE_CONTAINER,

	__PTX_A_SPACE_MAX,
	PTX_A_SPACE_MAX = (__PTX_A_SPACE_MAX - 1)
};

enum {
	PTX_A_LEASE_ID = 1,
	PTX_A_LEASE_NAME,
	PTX_A_LEASE_STATE,
	PTX_A_LEASE_OWNER,
	PTX_A_LEASE_PID,
	PTX_A_LEASE_PERSISTENT,
	PTX_A_LEASE_FORCED,
	PTX_A_LEASE_AGE_MS,
	PTX_A_LEASE_MEMBER,
	PTX_A_LEASE_DEVICE,
	PTX_A_LEASE_DRIVER,
	PTX_A_LEASE_ADD_FLAGS,
	PTX_A_LEASE_TIMEOUT_MS,
	PTX_A_LEASE_DEADLINE_MS,
	PTX_A_LEASE_KILL_MS,
	PTX_A_LEASE_MAX_DEVICES,
	PTX_A_LEASE_ROM_SHA256,
	PTX_A_LEASE_SPACE,

	__PTX_A_LEASE_MAX,
	PTX_A_LEASE_MAX = (__PTX_A_LEASE_MAX - 1)
};

enum {
	PTX_A_GRANT_ID = 1,
	PTX_A_GRANT_UID,
	PTX_A_GRANT_GID,
	PTX_A_GRANT_DEVICE,
	PTX_A_GRANT_KIND,
	PTX_A_GRANT_VENDOR_ID,
	PTX_A_GRANT_MAX_DEVICES,
	PTX_A_GRANT_USED,
	PTX_A_GRANT_REVOKE,
	PTX_A_GRANT_POOLED,
	PTX_A_GRANT_DMA_QUOTA,
	PTX_A_GRANT_DMA_MAPPED,

	__PTX_A_GRANT_MAX,
	PTX_A_GRANT_MAX = (__PTX_A_GRANT_MAX - 1)
};

enum {
	PTX_A_RESERVE_ID = 1,
	PTX_A_RESERVE_DEVICE,
	PTX_A_RESERVE_KIND,
	PTX_A_RESERVE_VENDOR_ID,

	__PTX_A_RESERVE_MAX,
	PTX_A_RESERVE_MAX = (__PTX_A_RESERVE_MAX - 1)
};

enum {
	PTX_A_NOTICE_EVENT = 1,
	PTX_A_NOTICE_TIME_NS,
	PTX_A_NOTICE_DEVICE,
	PTX_A_NOTICE_LEASE_ID,
	PTX_A_NOTICE_LEASE_NAME,
	PTX_A_NOTICE_REASON,
	PTX_A_NOTICE_DRIVER,
	PTX_A_NOTICE_METHOD,
	PTX_A_NOTICE_TOOK_MS,

	__PTX_A_NOTICE_MAX,
	PTX_A_NOTICE_MAX = (__PTX_A_NOTICE_MAX - 1)
};

enum {
	PTX_CMD_DEVICE_GET = 1,
	PTX_CMD_LEASE_GET,
	PTX_CMD_LEASE_NEW,
	PTX_CMD_LEASE_ADD,
	PTX_CMD_LEASE_REMOVE,
	PTX_CMD_LEASE_RELEASE,
	PTX_CMD_DEVICE_RESET,
	PTX_CMD_LEASE_REVOKE,
	PTX_CMD_LEASE_RESTRICT,
	PTX_CMD_GRANT_NEW,
	PTX_CMD_GRANT_DEL,
	PTX_CMD_GRANT_GET,
	PTX_CMD_POOL_ADD,
	PTX_CMD_POOL_REMOVE,
	PTX_CMD_RESERVE_NEW,
	PTX_CMD_RESERVE_DEL,
	PTX_CMD_RESERVE_GET,
	PTX_CMD_NOTICE_NTF,

	__PTX_CMD_MAX,
	PTX_CMD_MAX = (__PTX_CMD_MAX - 1)
};

#define PTX_MCGRP_EVENTS	"events"

#endif /* _UAPI_LINUX_PTX_NETLINK_H */
