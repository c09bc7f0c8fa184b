/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * persistenced - NVIDIA's daemon that keeps GPUs open, so that their driver never
 * lets go of them.
 */
#ifndef PTXCTL_PERSISTENCED_H
#define PTXCTL_PERSISTENCED_H

#include "select.h"

/*
 * Whether it has a device open that the selection could mean, or one in its group. An
 * exit status.
 */
int persistenced_look(struct cli *cli, const struct selection *sel, bool *in_the_way);
/* If so, stops it, through the service manager; then *@stopped is true. */
int persistenced_stop(struct cli *cli, const struct selection *sel, bool *stopped);
/* Starts it again; says so if that fails. */
void persistenced_start(void);

#endif
