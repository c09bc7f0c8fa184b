// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * pick: chooses devices, and chooses again when somebody else was faster.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "near.h"

/**
 * struct ptx_pick - see pick.h
 * @ctx: the context
 * @sels: the caller's selectors
 * @nr_sels: how many
 * @unpooled: nothing that the pool has already
 * @near: those that are near each other
 * @devices: the choice; named devices have the same place every time
 * @picked: for each, whether it was picked rather than named
 * @nr: how many
 * @taken: devices that turned out to be taken
 * @nr_taken: how many
 */
struct ptx_pick {
	struct ptx_ctx *ctx;
	const struct ptx_selector *const *sels;
	size_t nr_sels;
	bool unpooled;
	bool near;
	char **devices;
	bool *picked;
	size_t nr;
	char **taken;
	size_t nr_taken;
};

static bool has(char *const *names, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static int append(struct ptx_pick *pick, const char *name, bool picked)
{
	char *copy;

	if (pick->nr == PTX_DEVICES_MAX)
		return ptx_error_set(pick->ctx, E2BIG, PTX_REASON_LIMIT, NULL);
	copy = strdup(name);
	if (!copy || !ptx_grow(&pick->devices, pick->nr, sizeof(*pick->devices)) ||
	    !ptx_grow(&pick->picked, pick->nr, sizeof(*pick->picked))) {
		free(copy);
		return ptx_error_no_memory(pick->ctx);
	}
	pick->devices[pick->nr] = copy;
	pick->picked[pick->nr] = picked;
	pick->nr++;
	return 0;
}

static int take_named(struct ptx_pick *pick, const struct ptx_selector *sel,
		      const struct ptx_device_list *list)
{
	const char *address = ptx_selector_address(sel);
	const struct ptx_device *dev = ptx_device_list_find(list, address);

	if (!dev)
		return ptx_error_set(pick->ctx, ENODEV, PTX_REASON_NO_DEVICE, address);
	if (!ptx_selector_match(sel, dev)) {
		ptx_error_setf(pick->ctx, EINVAL, PTX_REASON_NO_DEVICE, address,
			       "%s is of the kind %s, which is not what was asked for", address,
			       ptx_kind_name(ptx_device_kind(dev)));
		ptx_error_set_remedy(pick->ctx, "use the option of its kind, or --device");
		return -EINVAL;
	}
	if (has(pick->devices, pick->nr, address))
		return ptx_error_set(pick->ctx, EEXIST, PTX_REASON_DUPLICATE, address);
	return append(pick, address, false);
}

/* Which they are the kernel's answer says. */
static int take_requested(struct ptx_pick *pick, const struct ptx_selector *sel)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < ptx_selector_count(sel); i++)
		err = append(pick, ptx_selector_request(sel), false);
	return err;
}

/* Of a device whose virtual functions are wanted, nothing is chosen by kind. */
static bool is_spoken_for(const struct ptx_pick *pick, const struct ptx_device *dev)
{
	for (size_t i = 0; i < pick->nr_sels; i++) {
		const char *physfn = ptx_selector_physfn(pick->sels[i]);

		if (physfn && (ptx_selector_match(pick->sels[i], dev) ||
			       !strcmp(physfn, ptx_device_name(dev))))
			return true;
	}
	return false;
}

/**
 * struct refusal - why the candidates seen so far were not taken
 * @blockers: what the kernel has against them
 * @nr_blockers: how many
 * @use: the first use by the host, in words
 * @seen: how many candidates there were
 */
struct refusal {
	struct ptx_blocker *blockers;
	size_t nr_blockers;
	char use[256];
	unsigned int seen;
};

static void note_blockers(struct refusal *why, const struct ptx_device *dev)
{
	for (size_t i = 0; i < ptx_device_nr_blockers(dev); i++) {
		if (!ptx_grow(&why->blockers, why->nr_blockers, sizeof(*why->blockers)))
			return;
		why->blockers[why->nr_blockers++] = *ptx_device_blocker(dev, i);
	}
}

/* 1 when this host uses it, with a note of how; 0; or a negative errno. */
static int in_use(struct ptx_ctx *ctx, const char *name, struct refusal *why)
{
	struct ptx_use_list *uses;
	const struct ptx_use *use;
	int err;

	err = ptx_use_list_get(ctx, name, &uses);
	if (err)
		return err;
	use = ptx_use_list_at(uses, 0);
	if (use) {
		if (!*why->use)
			snprintf(why->use, sizeof(why->use), "%s: %s %s %s", name,
				 ptx_use_node(use), ptx_use_kind_name(ptx_use_kind(use)),
				 ptx_use_by(use));
		err = 1;
	}
	ptx_use_list_free(uses);
	return err;
}

/* 1 when the candidate is free, 0 when it is not, or a negative errno. */
static int is_free(struct ptx_ctx *ctx, const struct ptx_device *candidate,
		   struct refusal *why)
{
	const char *name = ptx_device_name(candidate), *mate;
	struct ptx_device *dev;
	int err;

	err = ptx_device_get(ctx, name, &dev);
	if (err == -ENODEV && !ctx->error.no_module)
		return 0;	/* gone since the list was read */
	if (err)
		return err;
	if (ptx_device_nr_blockers(dev) || ptx_device_lease_id(dev)) {
		note_blockers(why, dev);
		err = 0;
		goto out;
	}
	err = in_use(ctx, name, why);
	for (size_t i = 0; !err && (mate = ptx_device_group_member(dev, i)); i++)
		err = in_use(ctx, mate, why);
	if (err >= 0)
		err = !err;
out:
	ptx_device_free(dev);
	return err;
}

static int too_few(struct ptx_pick *pick, const struct ptx_selector *sel, uint32_t found,
		   const struct ptx_device *example, struct refusal *why)
{
	const char *kind = example ? ptx_kind_name(ptx_device_kind(example)) : "";
	struct ptx_ctx *ctx = pick->ctx;
	enum ptx_reason reason;

	if (!why->seen) {
		ptx_error_setf(ctx, ENODEV, PTX_REASON_NO_DEVICE, NULL,
			       "this host has no such device");
		ptx_error_set_remedy(ctx, "see what there is: ptxctl list");
		return -ENODEV;
	}
	reason = why->nr_blockers ? (enum ptx_reason)why->blockers[0].reason :
		 *why->use ? PTX_REASON_IN_USE : PTX_REASON_HELD;
	ptx_error_setf(ctx, EBUSY, reason, why->nr_blockers ? why->blockers[0].culprit : NULL,
		       "%u free %s wanted, %u found among %u%s%s%s", ptx_selector_count(sel),
		       kind, found, why->seen, *why->use ? " (" : "", why->use,
		       *why->use ? ")" : "");
	ptx_error_set_remedy(ctx, "see what stands in the way of each: ptxctl check");
	for (size_t i = 0; i < why->nr_blockers; i++)
		ptx_error_add_blocker(ctx, &why->blockers[i]);
	return -EBUSY;
}

/* The one at @i when those of the pool, which cost no time, come first. */
static const struct ptx_device *candidate_at(const struct ptx_device_list *list, size_t i)
{
	const struct ptx_device *dev;

	for (int pooled = 1; pooled >= 0; pooled--) {
		for (size_t j = 0; (dev = ptx_device_list_at(list, j)); j++) {
			if (ptx_device_pooled(dev) == pooled && !i--)
				return dev;
		}
	}
	return NULL;
}

static int take_free(struct ptx_pick *pick, const struct ptx_selector *sel,
		     const struct ptx_device_list *list)
{
	const struct ptx_device *dev, *example = NULL;
	uint32_t want = ptx_selector_count(sel), found = 0;
	struct refusal why = { .seen = 0 };
	int err = 0;

	for (size_t i = 0; found < want && (dev = candidate_at(list, i)); i++) {
		const char *name = ptx_device_name(dev);

		if (!ptx_selector_match(sel, dev) ||
		    (pick->unpooled && ptx_device_pooled(dev)))
			continue;
		example = dev;
		why.seen++;
		if (has(pick->devices, pick->nr, name) || is_spoken_for(pick, dev) ||
		    has(pick->taken, pick->nr_taken, name))
			continue;
		err = is_free(pick->ctx, dev, &why);
		if (err < 0)
			break;
		if (!err)
			continue;
		err = append(pick, name, true);
		if (err)
			break;
		found++;
	}
	if (err >= 0)
		err = found < want ? too_few(pick, sel, found, example, &why) : 0;
	free(why.blockers);
	return err;
}

/**
 * struct crowd - the free devices that a near choice is made of
 * @near: the choice
 * @names: room for those in it
 * @fits: likewise
 * @sels: the selectors that name a kind
 * @wants: what each of them asks for
 * @why: and why a device was not free that would have done
 * @example: and one that would have
 * @found: and how many are free
 */
struct crowd {
	struct ptx_near near;
	const char **names;
	bool *fits;
	const struct ptx_selector **sels;
	uint32_t *wants;
	struct refusal *why;
	const struct ptx_device **example;
	uint32_t *found;
};

static bool crowd_new(const struct ptx_pick *pick, const struct ptx_device_list *list,
		      struct crowd *crowd)
{
	size_t nr = pick->nr + ptx_device_list_count(list), kinds = pick->nr_sels + 1;

	crowd->names = calloc(nr + 1, sizeof(*crowd->names));
	crowd->fits = calloc((nr + 1) * kinds, sizeof(*crowd->fits));
	crowd->near.chosen = calloc(nr + 1, sizeof(*crowd->near.chosen));
	crowd->sels = calloc(kinds, sizeof(*crowd->sels));
	crowd->wants = calloc(kinds, sizeof(*crowd->wants));
	crowd->why = calloc(kinds, sizeof(*crowd->why));
	crowd->example = calloc(kinds, sizeof(*crowd->example));
	crowd->found = calloc(kinds, sizeof(*crowd->found));
	crowd->near.names = crowd->names;
	crowd->near.fits = crowd->fits;
	crowd->near.wants = crowd->wants;
	return crowd->names && crowd->fits && crowd->near.chosen && crowd->sels && crowd->wants &&
	       crowd->why && crowd->example && crowd->found;
}

static void crowd_free(struct crowd *crowd)
{
	for (size_t k = 0; crowd->why && k < crowd->near.nr_kinds; k++)
		free(crowd->why[k].blockers);
	free(crowd->names);
	free(crowd->fits);
	free(crowd->near.chosen);
	free(crowd->sels);
	free(crowd->wants);
	free(crowd->why);
	free(crowd->example);
	free(crowd->found);
}

/* What is taken in any case. */
static void crowd_begin(const struct ptx_pick *pick, const struct ptx_topology *topo,
			struct crowd *crowd)
{
	for (size_t i = 0; i < pick->nr; i++) {
		if (ptx_topology_find(topo, pick->devices[i]))
			crowd->names[crowd->near.nr_fixed++] = pick->devices[i];
	}
	crowd->near.nr = crowd->near.nr_fixed;
	for (size_t i = 0; i < pick->nr_sels; i++) {
		const struct ptx_selector *sel = pick->sels[i];

		if (ptx_selector_address(sel) || ptx_selector_request(sel))
			continue;
		crowd->wants[crowd->near.nr_kinds] = ptx_selector_count(sel);
		crowd->sels[crowd->near.nr_kinds++] = sel;
	}
}

/* If it is free and would do for a selector that has not seen enough. */
static int crowd_add(const struct ptx_pick *pick, const struct ptx_device *dev,
		     struct crowd *crowd)
{
	struct ptx_near *near = &crowd->near;
	struct refusal *why = NULL;
	bool enough = true;
	int err;

	for (size_t k = 0; k < near->nr_kinds; k++) {
		if (!ptx_selector_match(crowd->sels[k], dev))
			continue;
		crowd->example[k] = dev;
		why = why ? why : &crowd->why[k];
		crowd->why[k].seen++;
		enough &= crowd->found[k] >= crowd->wants[k] + NEAR_SPARE;
	}
	if (enough || has(pick->devices, pick->nr, ptx_device_name(dev)) ||
	    is_spoken_for(pick, dev) ||
	    has(pick->taken, pick->nr_taken, ptx_device_name(dev)))
		return 0;
	err = is_free(pick->ctx, dev, why);
	if (err <= 0)
		return err;
	for (size_t k = 0; k < near->nr_kinds; k++) {
		if (!ptx_selector_match(crowd->sels[k], dev))
			continue;
		crowd->fits[near->nr * near->nr_kinds + k] = true;
		crowd->found[k]++;
	}
	crowd->names[near->nr++] = ptx_device_name(dev);
	return 0;
}

/* In the order of the selectors, and for each as take_free() has it. */
static int crowd_take(struct ptx_pick *pick, const struct crowd *crowd)
{
	const struct ptx_near *near = &crowd->near;
	int err = 0;

	for (size_t k = 0; k < near->nr_kinds; k++) {
		for (size_t i = near->nr_fixed; !err && i < near->nr; i++) {
			if (near->chosen[i] == (ssize_t)k)
				err = append(pick, near->names[i], true);
		}
	}
	return err;
}

/* For all selectors that name a kind at once. */
static int take_near(struct ptx_pick *pick, const struct ptx_device_list *list)
{
	struct crowd crowd = { .names = NULL };
	struct ptx_topology *topo = NULL;
	const struct ptx_device *dev;
	int err;

	err = ptx_topology_get(pick->ctx, &topo);
	if (err)
		return err;
	if (!crowd_new(pick, list, &crowd)) {
		err = ptx_error_no_memory(pick->ctx);
		goto out;
	}
	crowd_begin(pick, topo, &crowd);
	for (size_t i = 0; !err && (dev = candidate_at(list, i)); i++)
		err = crowd_add(pick, dev, &crowd);
	if (err)
		goto out;
	err = ptx_near_choose(topo, &crowd.near);
	if (err == -EBUSY) {
		size_t k = crowd.near.short_of;

		err = too_few(pick, crowd.sels[k], crowd.near.found, crowd.example[k],
			      &crowd.why[k]);
	} else if (err) {
		err = ptx_error_no_memory(pick->ctx);
	} else {
		err = crowd_take(pick, &crowd);
	}
out:
	crowd_free(&crowd);
	ptx_topology_free(topo);
	return err;
}

static void forget(struct ptx_pick *pick)
{
	while (pick->nr)
		free(pick->devices[--pick->nr]);
}

/* Named devices first, so that no kind picks one of them. */
static int choose(struct ptx_pick *pick)
{
	struct ptx_device_list *list;
	int err;

	forget(pick);
	err = ptx_device_list_get(pick->ctx, &list);
	if (err)
		return err;
	for (size_t i = 0; !err && i < pick->nr_sels; i++) {
		if (ptx_selector_address(pick->sels[i]))
			err = take_named(pick, pick->sels[i], list);
		else if (ptx_selector_request(pick->sels[i]))
			err = take_requested(pick, pick->sels[i]);
	}
	if (!err && pick->near)
		err = take_near(pick, list);
	for (size_t i = 0; !err && !pick->near && i < pick->nr_sels; i++) {
		if (!ptx_selector_address(pick->sels[i]) && !ptx_selector_request(pick->sels[i]))
			err = take_free(pick, pick->sels[i], list);
	}
	ptx_device_list_free(list);
	return err;
}

static int pick_new(struct ptx_ctx *ctx, const struct ptx_selector *const *sels,
		    size_t nr_sels, bool unpooled, bool near, struct ptx_pick **out)
{
	struct ptx_pick *pick;
	int err;

	*out = NULL;
	pick = calloc(1, sizeof(*pick));
	if (!pick)
		return ptx_error_no_memory(ctx);
	pick->ctx = ctx;
	pick->sels = sels;
	pick->nr_sels = nr_sels;
	pick->unpooled = unpooled;
	pick->near = near;
	err = choose(pick);
	if (err) {
		ptx_pick_free(pick);
		return err;
	}
	*out = pick;
	return 0;
}

int ptx_pick_new(struct ptx_ctx *ctx, const struct ptx_selector *const *sels,
		 size_t nr_sels, struct ptx_pick **out)
{
	return pick_new(ctx, sels, nr_sels, false, false, out);
}

int ptx_pick_unpooled(struct ptx_ctx *ctx, const struct ptx_selector *const *sels,
		      size_t nr_sels, struct ptx_pick **out)
{
	return pick_new(ctx, sels, nr_sels, true, false, out);
}

int ptx_pick_near(struct ptx_ctx *ctx, const struct ptx_selector *const *sels,
		  size_t nr_sels, struct ptx_pick **out)
{
	return pick_new(ctx, sels, nr_sels, false, true, out);
}

void ptx_pick_free(struct ptx_pick *pick)
{
	if (!pick)
		return;
	forget(pick);
	for (size_t i = 0; i < pick->nr_taken; i++)
		free(pick->taken[i]);
	free(pick->taken);
	free(pick->devices);
	free(pick->picked);
	free(pick);
}

size_t ptx_pick_count(const struct ptx_pick *pick)
{
	return pick->nr;
}

const char *const *ptx_pick_devices(const struct ptx_pick *pick)
{
	return (const char *const *)pick->devices;
}

/* Which picked device the culprit is, or is a group mate of; NULL when none. */
static const char *picked_for(struct ptx_pick *pick, const char *culprit)
{
	struct ptx_device *dev;
	const char *found = NULL, *mate;

	for (size_t i = 0; i < pick->nr; i++) {
		if (!strcmp(pick->devices[i], culprit))
			return pick->picked[i] ? pick->devices[i] : NULL;
	}
	for (size_t i = 0; !found && i < pick->nr; i++) {
		if (!pick->picked[i] || ptx_device_get(pick->ctx, pick->devices[i], &dev))
			continue;
		for (size_t j = 0; !found && (mate = ptx_device_group_member(dev, j)); j++) {
			if (!strcmp(mate, culprit))
				found = pick->devices[i];
		}
		ptx_device_free(dev);
	}
	return found;
}

bool ptx_pick_next(struct ptx_pick *pick, int err)
{
	struct ptx_ctx *ctx = pick->ctx;
	struct ptx_error kept = ctx->error;
	const char *name;
	char *copy;

	if ((err != -EBUSY && err != -ENODEV && err != -EPERM) || kept.no_module || !*kept.culprit)
		return false;
	switch (kept.reason) {
	case PTX_REASON_HELD:
	case PTX_REASON_IN_USE:
	case PTX_REASON_GROUP_BLOCKED:
	case PTX_REASON_NO_DEVICE:
	case PTX_REASON_GONE:
	case PTX_REASON_NOT_GRANTED:
	case PTX_REASON_GRANT_USED_UP:
	case PTX_REASON_POOLED:
	case PTX_REASON_KEEPS_MEMORY:
	case PTX_REASON_NONE:
		break;
	default:
		return false;
	}
	/* What follows fails on its own account; the caller wants the first error. */
	memset(&ctx->error, 0, sizeof(ctx->error));
	name = picked_for(pick, kept.culprit);
	if (!name)
		goto stands;
	copy = strdup(name);
	if (!copy || !ptx_grow(&pick->taken, pick->nr_taken, sizeof(*pick->taken))) {
		free(copy);
		goto stands;
	}
	pick->taken[pick->nr_taken++] = copy;
	if (choose(pick))
		goto stands;
	ptx_error_clear(&ctx->error);
	ptx_error_clear(&kept);
	return true;
stands:
	ptx_error_clear(&ctx->error);
	ctx->error = kept;
	return false;
}
