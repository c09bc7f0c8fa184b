/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qmp - a running QEMU, by its monitor socket: what is plugged into it, and
 * plugging a VFIO device in and out.
 *
 * Every function that can fail returns 0 or -1, and then qmp_error() says why.
 * Nothing waits for longer than its deadline. Not thread-safe.
 */
#ifndef PTXCTL_QMP_H
#define PTXCTL_QMP_H

#include <stdint.h>

struct qmp;

/* Connects to the socket @path; *@out is to be closed also when this fails. */
int qmp_open(const char *path, struct qmp **out);
void qmp_close(struct qmp *qmp);
/* What went wrong last, in words. */
const char *qmp_error(const struct qmp *qmp);

/*
 * Plugs the host's device @address in, on @bus, or where there is room if that is
 * NULL. QEMU opens it before this returns.
 */
int qmp_plug(struct qmp *qmp, const char *address, const char *bus);
/*
 * Asks the guest to let go of it, and waits for that up to @timeout_ms. 1 when it
 * is not in that VM.
 */
int qmp_unplug(struct qmp *qmp, const char *address, uint32_t timeout_ms);

#endif
