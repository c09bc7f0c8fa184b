// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of the contract, field by field. All of it is checked by the
 * compiler, in 64 bits and, with LAYOUT_ONLY and -m32, in 32: both must see
 * the same numbers. A change here breaks programs that are out there.
 */
#include <linux/ptx.h>

#define SIZE(type, want) \
	_Static_assert(sizeof(type) == (want), "size of " #type)
#define AT(type, field, want, len)					\
	_Static_assert(__builtin_offsetof(type, field) == (want),	\
		       #type "." #field " has moved");			\
	_Static_assert(sizeof(((type *)0)->field) == (len),		\
		       #type "." #field " has another size")
/* The struct ends with this field: no padding at the end. */
#define LAST(type, field)						\
	_Static_assert(sizeof(type) == __builtin_offsetof(type, field) +	\
		       sizeof(((type *)0)->field), "padding at the end of " #type)
#define ALIGN(type, want) \
	_Static_assert(_Alignof(type) == (want), "alignment of " #type)

SIZE(struct ptx_info, 16);
ALIGN(struct ptx_info, 4);
AT(struct ptx_info, size, 0, 4);
AT(struct ptx_info, flags, 4, 4);
AT(struct ptx_info, out_abi, 8, 4);
AT(struct ptx_info, out_features, 12, 4);
LAST(struct ptx_info, out_features);

SIZE(struct ptx_lease_create, 48);
ALIGN(struct ptx_lease_create, 8);
AT(struct ptx_lease_create, size, 0, 4);
AT(struct ptx_lease_create, flags, 4, 4);
AT(struct ptx_lease_create, name, 8, 8);
AT(struct ptx_lease_create, name_len, 16, 4);
AT(struct ptx_lease_create, owner, 20, 4);
AT(struct ptx_lease_create, pidfd, 24, 4);
AT(struct ptx_lease_create, out_fd, 28, 4);
AT(struct ptx_lease_create, out_id, 32, 8);
AT(struct ptx_lease_create, out_reason, 40, 4);
AT(struct ptx_lease_create, reserved, 44, 4);
LAST(struct ptx_lease_create, reserved);

SIZE(struct ptx_device_name, 96);
ALIGN(struct ptx_device_name, 1);
AT(struct ptx_device_name, name, 0, 96);

SIZE(struct ptx_member_info, 400);
ALIGN(struct ptx_member_info, 4);
AT(struct ptx_member_info, name, 0, 96);
AT(struct ptx_member_info, native_driver, 96, 96);
AT(struct ptx_member_info, driver, 192, 96);
AT(struct ptx_member_info, cdev, 288, 96);
AT(struct ptx_member_info, group, 384, 4);
AT(struct ptx_member_info, kind, 388, 4);
AT(struct ptx_member_info, state, 392, 4);
AT(struct ptx_member_info, flags, 396, 4);
LAST(struct ptx_member_info, flags);

SIZE(struct ptx_blocker, 208);
ALIGN(struct ptx_blocker, 8);
AT(struct ptx_blocker, culprit, 0, 96);
AT(struct ptx_blocker, reason, 96, 4);
AT(struct ptx_blocker, reserved, 100, 4);
AT(struct ptx_blocker, lease, 104, 8);
AT(struct ptx_blocker, holder, 112, 96);
LAST(struct ptx_blocker, holder);

SIZE(struct ptx_rom, 32);
SIZE(struct ptx_lease_add, 272);
ALIGN(struct ptx_lease_add, 8);
AT(struct ptx_lease_add, size, 0, 4);
AT(struct ptx_lease_add, flags, 4, 4);
AT(struct ptx_lease_add, devices, 8, 8);
AT(struct ptx_lease_add, nr_devices, 16, 4);
AT(struct ptx_lease_add, timeout_ms, 20, 4);
AT(struct ptx_lease_add, driver, 24, 96);
AT(struct ptx_lease_add, members, 120, 8);
AT(struct ptx_lease_add, max_members, 128, 4);
AT(struct ptx_lease_add, out_nr_members, 132, 4);
AT(struct ptx_lease_add, blockers, 136, 8);
AT(struct ptx_lease_add, max_blockers, 144, 4);
AT(struct ptx_lease_add, out_nr_blockers, 148, 4);
AT(struct ptx_lease_add, out_reason, 152, 4);
AT(struct ptx_lease_add, reserved, 156, 4);
AT(struct ptx_lease_add, out_culprit, 160, 96);
LAST(struct ptx_lease_add, reserved2);

SIZE(struct ptx_lease_remove, 128);
ALIGN(struct ptx_lease_remove, 8);
AT(struct ptx_lease_remove, size, 0, 4);
AT(struct ptx_lease_remove, flags, 4, 4);
AT(struct ptx_lease_remove, devices, 8, 8);
AT(struct ptx_lease_remove, nr_devices, 16, 4);
AT(struct ptx_lease_remove, timeout_ms, 20, 4);
AT(struct ptx_lease_remove, out_reason, 24, 4);
AT(struct ptx_lease_remove, reserved, 28, 4);
AT(struct ptx_lease_remove, out_culprit, 32, 96);
LAST(struct ptx_lease_remove, out_culprit);

SIZE(struct ptx_lease_query, 40);
ALIGN(struct ptx_lease_query, 8);
AT(struct ptx_lease_query, size, 0, 4);
AT(struct ptx_lease_query, flags, 4, 4);
AT(struct ptx_lease_query, out_id, 8, 8);
AT(struct ptx_lease_query, members, 16, 8);
AT(struct ptx_lease_query, max_members, 24, 4);
AT(struct ptx_lease_query, out_nr_members, 28, 4);
AT(struct ptx_lease_query, out_state, 32, 4);
AT(struct ptx_lease_query, reserved, 36, 4);
LAST(struct ptx_lease_query, reserved);

SIZE(struct ptx_lease_release, 112);
ALIGN(struct ptx_lease_release, 4);
AT(struct ptx_lease_release, size, 0, 4);
AT(struct ptx_lease_release, flags, 4, 4);
AT(struct ptx_lease_release, timeout_ms, 8, 4);
AT(struct ptx_lease_release, out_reason, 12, 4);
AT(struct ptx_lease_release, out_culprit, 16, 96);
LAST(struct ptx_lease_release, out_culprit);

SIZE(struct ptx_lease_revoke, 24);
ALIGN(struct ptx_lease_revoke, 4);
AT(struct ptx_lease_revoke, size, 0, 4);
AT(struct ptx_lease_revoke, flags, 4, 4);
AT(struct ptx_lease_revoke, deadline_ms, 8, 4);
AT(struct ptx_lease_revoke, kill_ms, 12, 4);
AT(struct ptx_lease_revoke, out_reason, 16, 4);
AT(struct ptx_lease_revoke, reserved, 20, 4);
LAST(struct ptx_lease_revoke, reserved);

SIZE(struct ptx_space_op, 32);
ALIGN(struct ptx_space_op, 8);
AT(struct ptx_space_op, op, 0, 4);
AT(struct ptx_space_op, flags, 4, 4);
AT(struct ptx_space_op, iova, 8, 8);
AT(struct ptx_space_op, vaddr, 16, 8);
AT(struct ptx_space_op, length, 24, 8);
LAST(struct ptx_space_op, length);

SIZE(struct ptx_space_change, 40);
ALIGN(struct ptx_space_change, 8);
AT(struct ptx_space_change, size, 0, 4);
AT(struct ptx_space_change, flags, 4, 4);
AT(struct ptx_space_change, ops, 8, 8);
AT(struct ptx_space_change, nr_ops, 16, 4);
AT(struct ptx_space_change, out_op, 20, 4);
AT(struct ptx_space_change, out_unmapped, 24, 8);
AT(struct ptx_space_change, out_reason, 32, 4);
AT(struct ptx_space_change, reserved, 36, 4);
LAST(struct ptx_space_change, reserved);

SIZE(struct ptx_space_window, 32);
ALIGN(struct ptx_space_window, 8);
AT(struct ptx_space_window, size, 0, 4);
AT(struct ptx_space_window, flags, 4, 4);
AT(struct ptx_space_window, first, 8, 8);
AT(struct ptx_space_window, last, 16, 8);
AT(struct ptx_space_window, out_reason, 24, 4);
AT(struct ptx_space_window, reserved, 28, 4);
LAST(struct ptx_space_window, reserved);

SIZE(struct ptx_space_quota, 24);
ALIGN(struct ptx_space_quota, 8);
AT(struct ptx_space_quota, size, 0, 4);
AT(struct ptx_space_quota, flags, 4, 4);
AT(struct ptx_space_quota, bytes, 8, 8);
AT(struct ptx_space_quota, out_reason, 16, 4);
AT(struct ptx_space_quota, reserved, 20, 4);
LAST(struct ptx_space_quota, reserved);

SIZE(struct ptx_space_range, 16);
ALIGN(struct ptx_space_range, 8);
AT(struct ptx_space_range, first, 0, 8);
AT(struct ptx_space_range, last, 8, 8);

SIZE(struct ptx_space_stats, 624);
ALIGN(struct ptx_space_stats, 8);
AT(struct ptx_space_stats, size, 0, 4);
AT(struct ptx_space_stats, flags, 4, 4);
AT(struct ptx_space_stats, out_quota, 8, 8);
AT(struct ptx_space_stats, out_mapped, 16, 8);
AT(struct ptx_space_stats, out_pinned, 24, 8);
AT(struct ptx_space_stats, out_entries, 32, 8);
AT(struct ptx_space_stats, out_max_entries, 40, 8);
AT(struct ptx_space_stats, out_largest_page, 48, 8);
AT(struct ptx_space_stats, out_faults, 56, 8);
AT(struct ptx_space_stats, windows, 64, 8);
AT(struct ptx_space_stats, max_windows, 72, 4);
AT(struct ptx_space_stats, out_nr_windows, 76, 4);
AT(struct ptx_space_stats, out_pin_times, 80, 256);
AT(struct ptx_space_stats, out_map_times, 336, 256);
AT(struct ptx_space_stats, out_refused, 592, 8);
AT(struct ptx_space_stats, out_refused_range, 600, 16);
AT(struct ptx_space_stats, out_refused_reason, 616, 4);
AT(struct ptx_space_stats, reserved, 620, 4);
LAST(struct ptx_space_stats, reserved);

#define VALUE(name, want) \
	_Static_assert((name) == (want), #name " has another value")

VALUE(PTX_IOC_TYPE, 0xF7);
VALUE(PTX_INFO, 0xF780);
VALUE(PTX_LEASE_CREATE, 0xF781);
VALUE(PTX_LEASE_ADD, 0xF782);
VALUE(PTX_LEASE_REMOVE, 0xF783);
VALUE(PTX_LEASE_QUERY, 0xF784);
VALUE(PTX_LEASE_RELEASE, 0xF785);
VALUE(PTX_LEASE_REVOKE, 0xF786);
VALUE(PTX_SPACE_CHANGE, 0xF787);
VALUE(PTX_SPACE_WINDOW, 0xF788);
VALUE(PTX_SPACE_QUOTA, 0xF789);
VALUE(PTX_SPACE_STATS, 0xF78A);

VALUE(PTX_LEASE_CREATE_BIND, 1);
VALUE(PTX_LEASE_CREATE_OWNER, 2);
VALUE(PTX_LEASE_CREATE_SPACE, 4);
VALUE(PTX_FEATURE_IOMMUFD, 1);
VALUE(PTX_FEATURE_CONTAINER, 2);
VALUE(PTX_FEATURE_IOMMU, 4);
VALUE(PTX_FEATURE_INLINE, 8);
VALUE(PTX_FEATURE_SPACE, 16);
VALUE(PTX_SPACE_MAP, 1);
VALUE(PTX_SPACE_UNMAP, 2);
VALUE(PTX_SPACE_UNMAP_ALL, 3);
VALUE(PTX_SPACE_READ, 1);
VALUE(PTX_SPACE_WRITE, 2);
VALUE(PTX_SPACE_WINDOW_ADD, 1);
VALUE(PTX_SPACE_WINDOW_REMOVE, 2);
VALUE(PTX_SPACE_WINDOW_FORCE, 4);
VALUE(PTX_SPACE_OPS_MAX, 1024);
VALUE(PTX_SPACE_ENTRIES_MAX, 1 << 20);
VALUE(PTX_SPACE_WINDOWS_MAX, 256);
VALUE(PTX_SPACE_TIMES, 32);
VALUE(PTX_SPACE_NO_FAULTS, 0xffffffffffffffffULL);
VALUE(PTX_ADD_FLAGS_EXACT, 1);
VALUE(PTX_ADD_FLAGS_FORCE, 2);
VALUE(PTX_ADD_FLAGS_BOOT_DISPLAY, 4);
VALUE(PTX_ADD_FLAGS_RESET, 8);
VALUE(PTX_MEMBER_REQUESTED, 1);
VALUE(PTX_MEMBER_OPENED, 2);
VALUE(PTX_MEMBER_CUT, 4);
VALUE(PTX_REVOKE_KILL, 1);
VALUE(PTX_REVOKE_MAX_MS, 3600000);

VALUE(PTX_KIND_OTHER, 0);
VALUE(PTX_KIND_GPU, 1);
VALUE(PTX_KIND_NVME, 3);
VALUE(PTX_KIND_BRIDGE, 8);
VALUE(PTX_LEASE_STATE_NEW, 0);
VALUE(PTX_LEASE_STATE_ACTIVE, 1);
VALUE(PTX_LEASE_STATE_DRAINING, 2);
VALUE(PTX_LEASE_STATE_RELEASED, 3);
VALUE(PTX_MEMBER_STATE_BUILDING, 0);
VALUE(PTX_MEMBER_STATE_READY, 1);
VALUE(PTX_MEMBER_STATE_DRAINING, 2);
VALUE(PTX_MEMBER_STATE_HOME, 3);
VALUE(PTX_MEMBER_STATE_DRIVERLESS, 4);
VALUE(PTX_MEMBER_STATE_GONE, 5);
VALUE(PTX_MEMBER_STATE_QUARANTINED, 6);
VALUE(PTX_REASON_NONE, 0);
VALUE(PTX_REASON_NO_DEVICE, 1);
VALUE(PTX_REASON_HELD, 7);
VALUE(PTX_REASON_BAD_DRIVER, 13);
VALUE(PTX_REASON_NOT_ACTIVE, 17);
VALUE(PTX_REASON_NO_RIGHT, 22);
VALUE(PTX_REASON_TIMEOUT, 24);
VALUE(PTX_REASON_INTERRUPTED, 29);
VALUE(PTX_REASON_MOUNTED, 30);
VALUE(PTX_REASON_BLOCK_HELD, 31);
VALUE(PTX_REASON_NET_UP, 32);
VALUE(PTX_REASON_NODE_OPEN, 33);
VALUE(PTX_REASON_CONSOLE, 34);
VALUE(PTX_REASON_QUARANTINED, 35);
VALUE(PTX_REASON_NOT_GRANTED, 36);
VALUE(PTX_REASON_GRANT_USED_UP, 37);
VALUE(PTX_REASON_NOT_WELL, 38);
VALUE(PTX_REASON_NO_RESET, 39);
VALUE(PTX_REASON_ERROR_FATAL, 42);
VALUE(PTX_REASON_NO_SPACE, 46);
VALUE(PTX_REASON_DMA_WINDOW, 47);
VALUE(PTX_REASON_DMA_RESERVED, 48);
VALUE(PTX_REASON_DMA_MAPPED, 49);
VALUE(PTX_REASON_DMA_SPLIT, 50);
VALUE(PTX_REASON_DMA_MEMORY, 51);
VALUE(PTX_REASON_DMA_LOCKED, 52);
VALUE(PTX_REASON_DMA_QUOTA, 53);
VALUE(PTX_REASON_DMA_ENTRIES, 54);
VALUE(PTX_REASON_DMA_GRANT, 55);
VALUE(PTX_REASON_NO_SRIOV, 56);
VALUE(PTX_REASON_VFS_USED_UP, 57);
VALUE(PTX_REASON_VF_FAILED, 58);
VALUE(PTX_REASON_NO_VGPU_TYPE, 59);
VALUE(PTX_REASON_VGPUS_USED_UP, 60);
VALUE(PTX_REASON_VGPU_FAILED, 61);
VALUE(PTX_REASON_VGPU_EXISTS, 62);
VALUE(PTX_EVENT_DEVICE_ADD, 0);
VALUE(PTX_EVENT_LEASE_NEW, 2);
VALUE(PTX_EVENT_MEMBER_READY, 6);
VALUE(PTX_EVENT_MEMBER_CLOSED, 12);
VALUE(PTX_EVENT_MEMBER_QUARANTINED, 13);
VALUE(PTX_EVENT_MEMBER_CUT, 14);
VALUE(PTX_EVENT_MEMBER_RESET, 15);
VALUE(PTX_EVENT_MEMBER_ERROR, 16);

#ifndef LAYOUT_ONLY
#include "kselftest_harness.h"

/* That this program was built is the proof; say so. */
TEST(layout)
{
	ASSERT_EQ(272, sizeof(struct ptx_lease_add));
}

TEST_HARNESS_MAIN
#endif
