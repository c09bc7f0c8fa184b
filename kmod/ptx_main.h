/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_MAIN_H
#define PTX_MAIN_H

#include <linux/types.h>

struct workqueue_struct;

/* Runs every claim's work; unbound, since probing may flush ordinary work. */
extern struct workqueue_struct *ptx_wq;

/* Run every step and undo in the calling task: fault injection counts per task. */
extern bool ptx_inline;

bool ptx_going_down(void);

#endif
