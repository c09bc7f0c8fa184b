/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_WINDOW_H
#define PTX_WINDOW_H

#include <linux/list.h>
#include <linux/types.h>
#include <uapi/linux/ptx.h>

struct ptx_space;

/**
 * struct ptx_windows - where in a space something may be mapped
 * @nr: how many ranges
 * @range: in order, with something between each two
 */
struct ptx_windows {
	u32 nr;
	struct ptx_space_range range[];
};

struct ptx_windows *ptx_windows_all(void);
bool ptx_windows_next(const struct ptx_windows *windows, unsigned long *first,
		      unsigned long *last);
bool ptx_windows_have(const struct ptx_windows *windows, unsigned long first,
		      unsigned long last);
bool ptx_window_is_valid(u64 first, u64 last);
int ptx_window_allow(struct ptx_space *space, unsigned long first, unsigned long last,
		     u32 *reason);
int ptx_window_forbid(struct ptx_space *space, unsigned long first, unsigned long last,
		      bool force, u32 *reason);
struct ptx_windows *ptx_windows_make(const struct ptx_space_range *ranges, u32 nr);
int ptx_windows_install(struct ptx_space *space, struct ptx_windows *windows,
			bool force, u32 *reason, struct list_head *leaving);

#endif
