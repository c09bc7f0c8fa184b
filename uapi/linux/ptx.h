/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * ptx: leases of whole devices for virtual machines.
 */
#ifndef _UAPI_LINUX_PTX_H
#define _UAPI_LINUX_PTX_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/ptx_netlink.h>

/**
 * DOC: The contract of /dev/ptx
 *
 * Two kinds of file take these ioctls. /dev/ptx itself answers PTX_INFO and
 * makes leases with PTX_LEASE_CREATE, which returns a new file: the lease.
 * Every other ioctl is for a lease file. When the last reference to a lease
 * file goes, by close, exit or kill, its devices go home; so they do when the
 * process the lease is bound to exits, whoever still holds the file.
 *
 * poll() on a lease file reports EPOLLPRI while the lease is draining, and
 * EPOLLHUP once it is released and every device is back.
 *
 * Each struct begins with its size as the caller knows it. A larger struct is
 * accepted as long as everything the kernel does not know is zero. Fields
 * named out_* are written by the kernel, also when the call fails; reserved
 * fields must be zero. Names are fixed arrays, NUL-terminated.
 *
 * Errors:
 *
 * - ENOTTY: no such ioctl, or not for this kind of file
 * - EINVAL: a size below the minimum, a bad value, a non-zero reserved field
 * - E2BIG: non-zero bytes beyond what the kernel knows; a size of more than a
 *   page; or too many devices
 * - EOPNOTSUPP: an unknown flag
 * - EFAULT: a bad pointer
 * - EBADF: the pidfd is not an open file
 * - EMFILE, ENFILE: no room for another file
 * - EPERM: the caller may not do this
 * - ENODEV: no such device, or it vanished
 * - EBUSY: something stands in the way; see out_reason and out_culprit
 * - EEXIST: the lease name is taken, or a device is named twice
 * - ENOENT: the lease has no such member
 * - ESHUTDOWN: the lease is draining or released, or the host goes down
 * - ESRCH: the process to bind to has exited
 * - ETIMEDOUT: not finished in time; the kernel goes on undoing it by itself
 * - EINTR: a fatal signal; likewise
 * - EIO: a driver failed; see out_reason and out_culprit
 * - ENOMEM: out of memory, nothing changed
 */

/* Version of this contract; grows when something is added. */
#define PTX_ABI_VERSION		1

#define PTX_IOC_TYPE		0xF7

/* Longest name plus its final zero. */
#define PTX_DEVICE_NAME_SIZE	(PTX_DEVICE_NAME_MAX + 1)

/* What a call waits for when its timeout_ms is 0, and the longest it may ask for. */
#define PTX_TIMEOUT_DEFAULT_MS	30000
#define PTX_TIMEOUT_MAX_MS	3600000

/**
 * enum ptx_feature - bits of ptx_info.out_features
 * @PTX_FEATURE_IOMMUFD: the kernel has iommufd and VFIO character devices
 * @PTX_FEATURE_CONTAINER: the kernel has VFIO groups and containers
 * @PTX_FEATURE_IOMMU: an IOMMU is active
 * @PTX_FEATURE_INLINE: ptx.inline is set; for fault injection only
 * @PTX_FEATURE_SPACE: leases may have a DMA space; with PTX_FEATURE_CONTAINER an
 *	unmodified VMM can use it
 */
enum ptx_feature {
	PTX_FEATURE_IOMMUFD	= 1 << 0,
	PTX_FEATURE_CONTAINER	= 1 << 1,
	PTX_FEATURE_IOMMU	= 1 << 2,
	PTX_FEATURE_INLINE	= 1 << 3,
	PTX_FEATURE_SPACE	= 1 << 4,
};

/**
 * struct ptx_info - ioctl(PTX_INFO) on /dev/ptx; open to everybody
 * @size: sizeof(struct ptx_info)
 * @flags: must be 0
 * @out_abi: PTX_ABI_VERSION of the module
 * @out_features: bits of enum ptx_feature
 */
struct ptx_info {
	__u32 size;
	__u32 flags;
	__u32 out_abi;
	__u32 out_features;
};
#define PTX_INFO		_IO(PTX_IOC_TYPE, 0x80)

/**
 * enum ptx_lease_create_flags - bits of ptx_lease_create.flags
 * @PTX_LEASE_CREATE_BIND: end the lease when the process behind pidfd exits,
 *	and let only that process and its descendants open the devices
 * @PTX_LEASE_CREATE_OWNER: the lease belongs to the uid in owner instead of
 *	the caller's effective one
 * @PTX_LEASE_CREATE_SPACE: the lease has a space: what its devices reach by DMA is
 *	mapped through the lease file, or through a VFIO container that an unmodified
 *	VMM opens, and through nothing else
 */
enum ptx_lease_create_flags {
	PTX_LEASE_CREATE_BIND	= 1 << 0,
	PTX_LEASE_CREATE_OWNER	= 1 << 1,
	PTX_LEASE_CREATE_SPACE	= 1 << 2,
};

/**
 * struct ptx_lease_create - ioctl(PTX_LEASE_CREATE) on /dev/ptx
 * @size: sizeof(struct ptx_lease_create)
 * @flags: bits of enum ptx_lease_create_flags
 * @name: address of the lease's name: UTF-8 without control characters, not
 *	necessarily terminated, unique on this host
 * @name_len: its length in bytes, 1 to PTX_LEASE_NAME_MAX
 * @owner: uid in the caller's user namespace, with PTX_LEASE_CREATE_OWNER,
 *	else 0
 * @pidfd: with PTX_LEASE_CREATE_BIND, else 0
 * @out_fd: the lease file, O_CLOEXEC
 * @out_id: the lease's id, never used again until the host reboots
 * @out_reason: on failure, a value of enum ptx_reason
 * @reserved: must be 0
 */
struct ptx_lease_create {
	__u32 size;
	__u32 flags;
	__aligned_u64 name;
	__u32 name_len;
	__u32 owner;
	__s32 pidfd;
	__s32 out_fd;
	__aligned_u64 out_id;
	__u32 out_reason;
	__u32 reserved;
};
#define PTX_LEASE_CREATE	_IO(PTX_IOC_TYPE, 0x81)

/**
 * struct ptx_device_name - a device, as named under /sys/bus/pci/devices
 * @name: NUL-terminated. Where devices are added also "vf:" and such a name: any virtual
 *	function of that device that nobody has. If it has none enabled, as many are as
 *	the request says so, and disabled again when the last one is given back. After
 *	it may stand a slash and a number: at least as many are enabled then. And
 *	"vgpu:PARENT/TYPE", both as named under /sys/class/mdev_bus: a mediated device of
 *	that type is made, and removed when it is given back. Its name is a UUID, a
 *	random one, or that of "vgpu:PARENT/TYPE/UUID".
 */
struct ptx_device_name {
	char name[PTX_DEVICE_NAME_SIZE];
};

/**
 * struct ptx_member_info - what the kernel says of a member of a lease
 * @name: the device
 * @native_driver: the driver it goes back to; empty when it had none
 * @driver: the VFIO driver it is on; empty until it is
 * @cdev: its name under /dev/vfio/devices; empty where the kernel has none
 * @group: its IOMMU group: /dev/vfio/@group
 * @kind: a value of enum ptx_kind
 * @state: a value of enum ptx_member_state
 * @flags: bits of enum ptx_member_flags
 */
struct ptx_member_info {
	char name[PTX_DEVICE_NAME_SIZE];
	char native_driver[PTX_DEVICE_NAME_SIZE];
	char driver[PTX_DEVICE_NAME_SIZE];
	char cdev[PTX_DEVICE_NAME_SIZE];
	__u32 group;
	__u32 kind;
	__u32 state;
	__u32 flags;
};

/**
 * enum ptx_member_flags - bits of ptx_member_info.flags
 * @PTX_MEMBER_REQUESTED: named by a request, not brought along by its group
 * @PTX_MEMBER_OPENED: a VFIO file is open on it
 * @PTX_MEMBER_CUT: taken from its VMM, which gets nothing from it any more
 * @PTX_MEMBER_KEEPS_MEMORY: what is written into its memory outlives a reset
 * @PTX_MEMBER_MEDIATED: made for the lease by the driver of another device, whose VFIO
 *	operations it has: who opens it is not checked, and it is not cut
 */
enum ptx_member_flags {
	PTX_MEMBER_REQUESTED	= 1 << 0,
	PTX_MEMBER_OPENED	= 1 << 1,
	PTX_MEMBER_CUT		= 1 << 2,
	PTX_MEMBER_KEEPS_MEMORY	= 1 << 3,
	PTX_MEMBER_MEDIATED	= 1 << 4,
};

/**
 * struct ptx_blocker - one reason why a device cannot be leased
 * @culprit: the device at fault, which may be a group mate of the one named
 * @reason: a value of enum ptx_reason
 * @reserved: 0
 * @lease: id of the lease that holds it, or 0
 * @holder: what of it is in use: a block device, a network interface, a node;
 *	or empty
 */
struct ptx_blocker {
	char culprit[PTX_DEVICE_NAME_SIZE];
	__u32 reason;
	__u32 reserved;
	__aligned_u64 lease;
	char holder[PTX_DEVICE_NAME_SIZE];
};

/**
 * struct ptx_rom - an option ROM
 * @sha256: digest of what the attribute rom of the device has in sysfs
 */
struct ptx_rom {
	__u8 sha256[32];
};

/**
 * struct ptx_lease_add - ioctl(PTX_LEASE_ADD): add devices, all or nothing
 * @size: sizeof(struct ptx_lease_add)
 * @flags: bits of enum ptx_add_flags
 * @devices: address of an array of struct ptx_device_name
 * @nr_devices: its length, 1 to PTX_DEVICES_MAX
 * @timeout_ms: deadline for the call; 0 is PTX_TIMEOUT_DEFAULT_MS
 * @driver: the VFIO driver to use; empty is ptx-vfio-pci. Any other gives up
 *	the open check.
 * @members: address of an array of struct ptx_member_info, or 0. The group mates
 *	that came along are listed too.
 * @max_members: its length
 * @out_nr_members: how many members were added, also beyond max_members
 * @blockers: address of an array of struct ptx_blocker, or 0
 * @max_blockers: its length
 * @out_nr_blockers: how many blockers there are, also beyond max_blockers
 * @out_reason: on failure, a value of enum ptx_reason
 * @reserved: must be 0
 * @out_culprit: on failure, the device at fault, or empty
 * @roms: address of an array of struct ptx_rom, or 0. A device that is named and
 *	has an option ROM must have one of these; one of them must have one.
 * @nr_roms: its length, 0 to PTX_ROMS_MAX
 * @reserved2: must be 0
 */
struct ptx_lease_add {
	__u32 size;
	__u32 flags;
	__aligned_u64 devices;
	__u32 nr_devices;
	__u32 timeout_ms;
	char driver[PTX_DEVICE_NAME_SIZE];
	__aligned_u64 members;
	__u32 max_members;
	__u32 out_nr_members;
	__aligned_u64 blockers;
	__u32 max_blockers;
	__u32 out_nr_blockers;
	__u32 out_reason;
	__u32 reserved;
	char out_culprit[PTX_DEVICE_NAME_SIZE];
	__aligned_u64 roms;
	__u32 nr_roms;
	__u32 reserved2;
};
#define PTX_LEASE_ADD		_IO(PTX_IOC_TYPE, 0x82)

/**
 * struct ptx_lease_remove - ioctl(PTX_LEASE_REMOVE): give devices back
 * @size: sizeof(struct ptx_lease_remove)
 * @flags: must be 0
 * @devices: address of an array of struct ptx_device_name
 * @nr_devices: its length, 1 to PTX_DEVICES_MAX. Their whole groups go.
 * @timeout_ms: how long to wait for them to be home; 0 is
 *	PTX_TIMEOUT_DEFAULT_MS. On ETIMEDOUT they still go home by themselves.
 * @out_reason: on failure, a value of enum ptx_reason
 * @reserved: must be 0
 * @out_culprit: on failure, the device at fault, or empty
 */
struct ptx_lease_remove {
	__u32 size;
	__u32 flags;
	__aligned_u64 devices;
	__u32 nr_devices;
	__u32 timeout_ms;
	__u32 out_reason;
	__u32 reserved;
	char out_culprit[PTX_DEVICE_NAME_SIZE];
};
#define PTX_LEASE_REMOVE	_IO(PTX_IOC_TYPE, 0x83)

/**
 * struct ptx_lease_query - ioctl(PTX_LEASE_QUERY): state and members
 * @size: sizeof(struct ptx_lease_query)
 * @flags: must be 0
 * @out_id: the lease's id
 * @members: address of an array of struct ptx_member_info, or 0
 * @max_members: its length
 * @out_nr_members: how many members there are, also beyond max_members
 * @out_state: a value of enum ptx_lease_state
 * @reserved: must be 0
 */
struct ptx_lease_query {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_id;
	__aligned_u64 members;
	__u32 max_members;
	__u32 out_nr_members;
	__u32 out_state;
	__u32 reserved;
};
#define PTX_LEASE_QUERY		_IO(PTX_IOC_TYPE, 0x84)

/**
 * struct ptx_lease_release - ioctl(PTX_LEASE_RELEASE): give everything back
 * @size: sizeof(struct ptx_lease_release)
 * @flags: must be 0
 * @timeout_ms: how long to wait; 0 is PTX_TIMEOUT_DEFAULT_MS. On ETIMEDOUT it
 *	goes on by itself.
 * @out_reason: on failure, a value of enum ptx_reason
 * @out_culprit: on failure, a device that is not home yet, or empty
 */
struct ptx_lease_release {
	__u32 size;
	__u32 flags;
	__u32 timeout_ms;
	__u32 out_reason;
	char out_culprit[PTX_DEVICE_NAME_SIZE];
};
#define PTX_LEASE_RELEASE	_IO(PTX_IOC_TYPE, 0x85)

/**
 * enum ptx_revoke_flags - bits of ptx_lease_revoke.flags
 * @PTX_REVOKE_KILL: kill the processes that opened its devices, if anybody
 *	still has those open when kill_ms is over. Without CAP_SYS_ADMIN only
 *	processes of the lease's owner.
 */
enum ptx_revoke_flags {
	PTX_REVOKE_KILL		= 1 << 0,
};

/**
 * struct ptx_lease_revoke - ioctl(PTX_LEASE_REVOKE): take everything away
 * @size: sizeof(struct ptx_lease_revoke)
 * @flags: bits of enum ptx_revoke_flags
 * @deadline_ms: how long the VMM, which is asked at once, may take to let go
 *	before its devices are cut: no BAR, no DMA, no ioctl. At 0 they are cut
 *	on return, unless a call of the VMM takes more than a second: then that is
 *	made sure of later. At most PTX_REVOKE_MAX_MS.
 * @kill_ms: with PTX_REVOKE_KILL, how long after the deadline; else 0. At most
 *	PTX_REVOKE_MAX_MS.
 * @out_reason: on failure, a value of enum ptx_reason
 * @reserved: must be 0
 *
 * Does not wait for the devices to be home; PTX_LEASE_RELEASE does. May be
 * called again: deadlines only come closer. A device on a driver other than
 * ptx-vfio-pci cannot be cut. A device that is cut is home once its files are
 * closed.
 */
struct ptx_lease_revoke {
	__u32 size;
	__u32 flags;
	__u32 deadline_ms;
	__u32 kill_ms;
	__u32 out_reason;
	__u32 reserved;
};
#define PTX_LEASE_REVOKE	_IO(PTX_IOC_TYPE, 0x86)

/**
 * enum ptx_space_op_kind - what a struct ptx_space_op asks for
 * @PTX_SPACE_MAP: map memory of the caller
 * @PTX_SPACE_UNMAP: take away the mappings in a range
 * @PTX_SPACE_UNMAP_ALL: take all of them away; iova and length must be 0
 */
enum ptx_space_op_kind {
	PTX_SPACE_MAP		= 1,
	PTX_SPACE_UNMAP		= 2,
	PTX_SPACE_UNMAP_ALL	= 3,
};

/**
 * enum ptx_space_op_flags - bits of ptx_space_op.flags, for PTX_SPACE_MAP
 * @PTX_SPACE_READ: the devices may read it
 * @PTX_SPACE_WRITE: they may write it; the memory must be writable, too
 */
enum ptx_space_op_flags {
	PTX_SPACE_READ		= 1 << 0,
	PTX_SPACE_WRITE		= 1 << 1,
};

/**
 * struct ptx_space_op - a change of a space
 * @op: a value of enum ptx_space_op_kind
 * @flags: bits of enum ptx_space_op_flags; one at least for PTX_SPACE_MAP, else 0
 * @iova: the address that the devices use; a multiple of the page size
 * @vaddr: the address of the memory, likewise; else 0
 * @length: in bytes, likewise
 */
struct ptx_space_op {
	__u32 op;
	__u32 flags;
	__aligned_u64 iova;
	__aligned_u64 vaddr;
	__aligned_u64 length;
};

/* How many changes one call may make, and how many mappings there may be. */
#define PTX_SPACE_OPS_MAX	1024
#define PTX_SPACE_ENTRIES_MAX	1048576

/**
 * struct ptx_space_change - ioctl(PTX_SPACE_CHANGE): map and unmap, all or nothing
 * @size: sizeof(struct ptx_space_change)
 * @flags: must be 0
 * @ops: address of an array of struct ptx_space_op
 * @nr_ops: its length, 1 to PTX_SPACE_OPS_MAX
 * @out_op: on failure, which of them is at fault, counted from 0, or nr_ops
 * @out_unmapped: how many bytes were unmapped
 * @out_reason: on failure, a value of enum ptx_reason
 * @reserved: must be 0
 *
 * What is mapped is pinned, and counts as locked memory of the caller. No two
 * mappings overlap, also not with one that the same call takes away: no IOMMU can
 * swap one for the other at once. A range that is unmapped may have holes, but must
 * not cut a mapping in two, nor share anything with another that is. A mapping goes with the memory it is of, when that
 * process ends or runs another program, whoever holds the lease then.
 *
 * Errors besides those above: EEXIST for a range that is mapped already; EDQUOT
 * beyond the quota; ENOSPC for too many mappings; EFAULT where there is no memory, or
 * it may not be written; EPERM for a range outside of the windows; EINVAL for one that
 * the IOMMU does not reach, or the platform has reserved, or that cuts a mapping in two;
 * ENOMEM also beyond RLIMIT_MEMLOCK; EOPNOTSUPP for a lease without a space.
 */
struct ptx_space_change {
	__u32 size;
	__u32 flags;
	__aligned_u64 ops;
	__u32 nr_ops;
	__u32 out_op;
	__aligned_u64 out_unmapped;
	__u32 out_reason;
	__u32 reserved;
};
#define PTX_SPACE_CHANGE	_IO(PTX_IOC_TYPE, 0x87)

/**
 * enum ptx_space_window_flags - bits of ptx_space_window.flags
 * @PTX_SPACE_WINDOW_ADD: allow the range; needs CAP_SYS_ADMIN
 * @PTX_SPACE_WINDOW_REMOVE: do not allow it any more; who holds the lease may
 * @PTX_SPACE_WINDOW_FORCE: unmap what is in the range and in the way
 */
enum ptx_space_window_flags {
	PTX_SPACE_WINDOW_ADD	= 1 << 0,
	PTX_SPACE_WINDOW_REMOVE	= 1 << 1,
	PTX_SPACE_WINDOW_FORCE	= 1 << 2,
};

/**
 * struct ptx_space_window - ioctl(PTX_SPACE_WINDOW): where may be mapped
 * @size: sizeof(struct ptx_space_window)
 * @flags: PTX_SPACE_WINDOW_ADD or _REMOVE, the latter also with _FORCE
 * @first: first IOVA of the range; a multiple of the page size
 * @last: last IOVA of it; one less than a multiple of the page size
 * @out_reason: on failure, a value of enum ptx_reason
 * @reserved: must be 0
 *
 * At first everything is allowed. EBUSY if something is mapped in the range that is to
 * be removed and it is not forced; E2BIG for too many separate ranges.
 */
struct ptx_space_window {
	__u32 size;
	__u32 flags;
	__aligned_u64 first;
	__aligned_u64 last;
	__u32 out_reason;
	__u32 reserved;
};
#define PTX_SPACE_WINDOW	_IO(PTX_IOC_TYPE, 0x88)

/**
 * struct ptx_space_quota - ioctl(PTX_SPACE_QUOTA): how much may be mapped
 * @size: sizeof(struct ptx_space_quota)
 * @flags: must be 0
 * @bytes: so much in all, or 0 for any number. More than before needs CAP_SYS_ADMIN;
 *	who holds the lease may set less
 * @out_reason: on failure, a value of enum ptx_reason
 * @reserved: must be 0
 *
 * EBUSY if more than that is mapped already.
 */
struct ptx_space_quota {
	__u32 size;
	__u32 flags;
	__aligned_u64 bytes;
	__u32 out_reason;
	__u32 reserved;
};
#define PTX_SPACE_QUOTA		_IO(PTX_IOC_TYPE, 0x89)

/**
 * struct ptx_space_range - a range of IOVA
 * @first: first address of it
 * @last: last address of it
 */
struct ptx_space_range {
	__aligned_u64 first;
	__aligned_u64 last;
};

/* What ptx_space_stats.out_faults is where the IOMMU driver reports none to anybody. */
#define PTX_SPACE_NO_FAULTS	(~(__u64)0)

/**
 * struct ptx_space_stats - ioctl(PTX_SPACE_STATS): what a space has
 * @size: sizeof(struct ptx_space_stats)
 * @flags: must be 0
 * @out_quota: how many bytes may be mapped, or 0 for any number
 * @out_mapped: how many are, or are about to be
 * @out_pinned: how many of them are pinned memory, rather than a device's
 * @out_entries: how many mappings there are
 * @out_max_entries: and may be
 * @out_largest_page: the largest page that any domain could use so far, in bytes
 * @out_faults: how often a device reached for what is not mapped, or
 *	PTX_SPACE_NO_FAULTS
 * @windows: address of an array of struct ptx_space_range, or 0
 * @max_windows: its length
 * @out_nr_windows: how many windows there are, also beyond max_windows
 * @out_pin_times: how many changes that map took how long to pin, all threads
 *	together: the first less than a microsecond, each next less than twice the
 *	one before it, the last any longer time
 * @out_map_times: likewise, to put into the IOMMU
 * @out_refused: how many changes were refused with a reason
 * @out_refused_range: the IOVA of what the last of them was refused for
 * @out_refused_reason: and why, a value of enum ptx_reason
 * @reserved: must be 0
 */
struct ptx_space_stats {
	__u32 size;
	__u32 flags;
	__aligned_u64 out_quota;
	__aligned_u64 out_mapped;
	__aligned_u64 out_pinned;
	__aligned_u64 out_entries;
	__aligned_u64 out_max_entries;
	__aligned_u64 out_largest_page;
	__aligned_u64 out_faults;
	__aligned_u64 windows;
	__u32 max_windows;
	__u32 out_nr_windows;
	__aligned_u64 out_pin_times[PTX_SPACE_TIMES];
	__aligned_u64 out_map_times[PTX_SPACE_TIMES];
	__aligned_u64 out_refused;
	struct ptx_space_range out_refused_range;
	__u32 out_refused_reason;
	__u32 reserved;
};
#define PTX_SPACE_STATS		_IO(PTX_IOC_TYPE, 0x8a)

#endif /* _UAPI_LINUX_PTX_H */
