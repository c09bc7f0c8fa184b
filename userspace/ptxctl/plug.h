/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * plug - a running VMM that devices are plugged into as they join a lease, and
 * out of as they leave it: both, or neither.
 */
#ifndef PTXCTL_PLUG_H
#define PTXCTL_PLUG_H

#include "ptxctl.h"

struct control;

/**
 * struct plug - the VMM
 * @control: its socket, or NULL if none was asked for
 * @bus: where in it, or NULL for where there is room
 * @spec: what @bus points into
 */
struct plug {
	struct control *control;
	const char *bus;
	char *spec;
};

/* Connects to what @spec names; an exit status. Undone by plug_close(), always. */
int plug_open(struct cli *cli, const char *spec, struct plug *plug);
void plug_close(struct plug *plug);

/*
 * Plugs in what @after has and @before had not; if one of them cannot be, none is,
 * and all of them leave the lease again. An exit status.
 */
int plug_added(struct cli *cli, struct plug *plug, const struct ptx_lease_info *before,
	       const struct ptx_lease_info *after);

/*
 * Unplugs members of @info that are in a group with one of @devices, so that they
 * can leave the lease; if one of them does not go, those that did are put back.
 * Waits up to @timeout_ms for the guest, each time; 0 is half a minute. An exit
 * status.
 */
int plug_take_out(struct plug *plug, const struct ptx_lease_info *info,
		  const char *const *devices, size_t nr, uint32_t timeout_ms);

#endif
