/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * persistenced - NVIDIA's daemon that keeps GPUs open, so that their driver never
 * lets go of them.
 */
#ifndef PTXCTL_PERSISTENCED_H
#define PTXCTL_PERSISTENCED_H

#include "select.h"

/*
 * Stops it, through the service manager, if it has a device open that the selection
 * could mean, or one in its group; then *@stopped is true. An exit status.
 */
int persistenced_stop(struct cli *cli, const struct selection *sel, bool *stopped);
/* Starts it again; says so if that fails. */
void persistenced_start(void);

#endif
