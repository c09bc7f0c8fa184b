/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ledger - for which persistent leases nvidia-persistenced is stopped: a file that
 * lasts until the next boot, since no process of ours lasts as long as they do.
 */
#ifndef PTXCTL_LEDGER_H
#define PTXCTL_LEDGER_H

#include "select.h"

struct ledger;

/*
 * Before a request for devices of the lease @name: stops the daemon if that is in the
 * way, having noted it first. An exit status. *@out is to be given to ledger_end(),
 * also if this fails; until then no other request with a ledger begins.
 */
int ledger_begin(struct cli *cli, const struct selection *sel, const char *name,
		 struct ledger **out);
/*
 * After it: @info is the lease, or NULL if nothing came of it; then the daemon is
 * started again, if it was stopped. NULL is fine for @ledger.
 */
void ledger_end(struct ledger *ledger, const struct ptx_lease_info *info);
/*
 * Starts the daemon again if the leases that it was stopped for are all over, by
 * whatever means. Quick where it was stopped for none.
 */
void ledger_settle(struct cli *cli);

#endif
