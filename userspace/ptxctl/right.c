// SPDX-License-Identifier: GPL-2.0-only
/*
 * right: what grants let us lease.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libptx/libptx.h>
#include <libptx/grant.h>
#include "ptxctl.h"
#include "right.h"

static bool in_group(gid_t gid)
{
	gid_t *groups;
	bool in = gid == getegid();
	int nr = getgroups(0, NULL);

	if (in || nr <= 0)
		return in;
	groups = calloc((size_t)nr, sizeof(*groups));
	nr = groups ? getgroups(nr, groups) : 0;
	for (int i = 0; i < nr; i++)
		in |= groups[i] == gid;
	free(groups);
	return in;
}

/* Reads what we may; undone by right_free(). We see the grants of other groups, too. */
void right_get(struct cli *cli, bool all, struct right *right)
{
	size_t nr;

	*right = (struct right){ .all = all };
	if (all || ptx_grant_list_get(cli->ctx, &right->grants, &nr))
		return;
	for (size_t i = 0; i < nr; i++) {
		const struct ptx_grant *grant = &right->grants[i];

		if (grant->to_group ? in_group(grant->who) : grant->who == geteuid())
			right->grants[right->nr++] = *grant;
	}
	right->taken = calloc(right->nr + 1, sizeof(*right->taken));
	if (!right->taken)
		right->nr = 0;
}

void right_free(struct right *right)
{
	free(right->grants);
	free(right->taken);
}

/* Another lease is thought of: nothing is taken for it yet. */
void right_begin(struct right *right)
{
	for (size_t i = 0; i < right->nr; i++)
		right->taken[i] = 0;
}

static bool fits(const struct ptx_grant *grant, const struct ptx_device *dev)
{
	return (!*grant->device || !strcmp(grant->device, ptx_device_name(dev))) &&
	       (grant->kind == PTX_KIND_ANY || grant->kind == ptx_device_kind(dev)) &&
	       (!grant->vendor || grant->vendor == ptx_device_vendor_id(dev)) &&
	       (!grant->pooled || ptx_device_pooled(dev));
}

/* Takes one more device of the lease that is thought of; why not, if it cannot be had. */
enum ptx_reason right_take(struct right *right, const struct ptx_device *dev)
{
	enum ptx_reason reason = PTX_REASON_NOT_GRANTED;

	for (size_t i = 0; !right->all && i < right->nr; i++) {
		const struct ptx_grant *grant = &right->grants[i];

		if (!fits(grant, dev))
			continue;
		if (!grant->max_devices ||
		    grant->used + right->taken[i] < grant->max_devices) {
			right->taken[i]++;
			return PTX_REASON_NONE;
		}
		reason = PTX_REASON_GRANT_USED_UP;
	}
	return right->all ? PTX_REASON_NONE : reason;
}
