// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * near: of many devices that would do, those that are nearest to each other. Knows nothing
 * of what makes a device free.
 *
 * For each device as a centre, the nearest to it are taken until every place is filled, and
 * the best of these sets wins: the one with the least worst distance, then with the fewest
 * pairs on different NUMA nodes, then with the shortest ways. As for the worst distance, that
 * is exact, not a guess:
 *
 * - In a tree, "no further than D" is an equivalence for every D: devices behind one switch,
 *   below one root port, one host bridge, on one node. So whatever is no further than D from
 *   a centre is no further than D from each other, and the worst distance of a set is that
 *   from any of its members to the one furthest from it.
 * - Which devices can fill places together is a matroid, that of matchings. In one of these,
 *   taking the nearest that still fits, with those before changing places if need be, makes
 *   the furthest that is taken as near as it can be for this centre.
 * - Some member of a best set is tried as the centre, since all are.
 *
 * The work is bounded by NEAR_SPARE: centres times devices times devices.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "near.h"

/**
 * struct cost - what speaks against a set; the first difference decides
 * @worst: the greatest distance between two of it
 * @apart: how many pairs are on different NUMA nodes
 * @hops: all ways together
 */
struct cost {
	enum ptx_distance worst;
	unsigned int apart;
	unsigned int hops;
};

/**
 * struct rank - how a device stands to the centre
 * @i: which device
 * @cost: of that pair
 */
struct rank {
	size_t i;
	struct cost cost;
};

/**
 * struct search - a search under way
 * @near: what is asked for
 * @costs: that of each pair of devices
 * @ranks: the devices in order of nearness to the centre
 * @kind: the selector that each device is taken for, or -1
 * @taken: how many are taken for each selector
 * @seen: selectors that were tried for the device at hand
 */
struct search {
	struct ptx_near *near;
	struct cost *costs;
	struct rank *ranks;
	ssize_t *kind;
	uint32_t *taken;
	bool *seen;
};

static int compare_costs(const struct cost *a, const struct cost *b)
{
	if (a->worst != b->worst)
		return a->worst < b->worst ? -1 : 1;
	if (a->apart != b->apart)
		return a->apart < b->apart ? -1 : 1;
	return a->hops != b->hops ? (a->hops < b->hops ? -1 : 1) : 0;
}

/* Devices that are alike are taken in the caller's order. */
static int compare_ranks(const void *a, const void *b)
{
	const struct rank *ra = a, *rb = b;
	int cmp = compare_costs(&ra->cost, &rb->cost);

	return cmp ? cmp : (ra->i > rb->i) - (ra->i < rb->i);
}

static struct cost pair_cost(const struct ptx_topology *topo, const char *a, const char *b)
{
	const struct ptx_topology_device *da = ptx_topology_find(topo, a);
	const struct ptx_topology_device *db = ptx_topology_find(topo, b);
	struct ptx_topology_link link = { .distance = PTX_DISTANCE_SYS };

	if (da && db)
		ptx_topology_link(topo, da, db, &link);
	return (struct cost){
		.worst = link.distance,
		.apart = !da || !db || da->numa_node != db->numa_node,
		.hops = link.hops,
	};
}

static const struct cost *cost_between(const struct search *s, size_t a, size_t b)
{
	return &s->costs[a * s->near->nr + b];
}

static bool fits(const struct search *s, size_t i, size_t k)
{
	return s->near->fits[i * s->near->nr_kinds + k];
}

/* A place for device @i, if need be by moving another to a place that it fits as well. */
static bool seat(struct search *s, size_t i)
{
	const struct ptx_near *near = s->near;

	for (size_t k = 0; k < near->nr_kinds; k++) {
		if (!fits(s, i, k) || s->taken[k] == near->wants[k])
			continue;
		s->taken[k]++;
		s->kind[i] = (ssize_t)k;
		return true;
	}
	for (size_t k = 0; k < near->nr_kinds; k++) {
		if (!fits(s, i, k) || s->seen[k])
			continue;
		s->seen[k] = true;
		for (size_t j = near->nr_fixed; j < near->nr; j++) {
			if (s->kind[j] != (ssize_t)k || !seat(s, j))
				continue;
			s->kind[i] = (ssize_t)k;
			return true;
		}
	}
	return false;
}

static bool is_full(const struct search *s)
{
	for (size_t k = 0; k < s->near->nr_kinds; k++) {
		if (s->taken[k] < s->near->wants[k])
			return false;
	}
	return true;
}

/* Fills the places with what is nearest to @centre, itself first. */
static void fill(struct search *s, size_t centre)
{
	const struct ptx_near *near = s->near;

	for (size_t i = 0; i < near->nr; i++) {
		s->ranks[i] = (struct rank){ i, *cost_between(s, centre, i) };
		s->kind[i] = -1;
	}
	memset(s->taken, 0, near->nr_kinds * sizeof(*s->taken));
	qsort(s->ranks, near->nr, sizeof(*s->ranks), compare_ranks);
	for (size_t i = 0; i < near->nr && !is_full(s); i++) {
		if (s->ranks[i].i < near->nr_fixed)
			continue;
		memset(s->seen, 0, near->nr_kinds * sizeof(*s->seen));
		seat(s, s->ranks[i].i);
	}
}

/* Of all that are taken, and of those with the ones that are given. */
static struct cost cost_of(const struct search *s)
{
	struct cost cost = { .worst = PTX_DISTANCE_SELF };

	for (size_t i = s->near->nr_fixed; i < s->near->nr; i++) {
		for (size_t j = 0; j < i && s->kind[i] >= 0; j++) {
			const struct cost *pair = cost_between(s, i, j);

			if (j >= s->near->nr_fixed && s->kind[j] < 0)
				continue;
			if (pair->worst > cost.worst)
				cost.worst = pair->worst;
			cost.apart += pair->apart;
			cost.hops += pair->hops;
		}
	}
	return cost;
}

static void say_short(struct search *s)
{
	struct ptx_near *near = s->near;

	for (size_t k = 0; k < near->nr_kinds; k++) {
		if (s->taken[k] < near->wants[k]) {
			near->short_of = k;
			near->found = s->taken[k];
			return;
		}
	}
}

static int search_all(struct search *s)
{
	struct ptx_near *near = s->near;
	struct cost best = { .hops = 0 }, cost;
	bool any = false;

	for (size_t centre = 0; centre < near->nr; centre++) {
		fill(s, centre);
		/* How many places can be filled does not depend on the centre. */
		if (!is_full(s))
			break;
		cost = cost_of(s);
		if (any && compare_costs(&cost, &best) >= 0)
			continue;
		best = cost;
		any = true;
		memcpy(near->chosen, s->kind, near->nr * sizeof(*s->kind));
	}
	if (!any && !is_full(s)) {
		say_short(s);
		return -EBUSY;
	}
	return 0;
}

/**
 * ptx_near_choose() - choose the devices that are nearest to each other
 * @topo: the tree
 * @near: what there is and what is wanted; gets the choice
 *
 * Return: 0; -EBUSY when there are too few; -ENOMEM.
 */
int ptx_near_choose(const struct ptx_topology *topo, struct ptx_near *near)
{
	size_t nr = near->nr;
	struct search s = {
		.near = near,
		.costs = calloc(nr * nr + 1, sizeof(*s.costs)),
		.ranks = calloc(nr + 1, sizeof(*s.ranks)),
		.kind = calloc(nr + 1, sizeof(*s.kind)),
		.taken = calloc(near->nr_kinds + 1, sizeof(*s.taken)),
		.seen = calloc(near->nr_kinds + 1, sizeof(*s.seen)),
	};
	int err = -ENOMEM;

	if (s.costs && s.ranks && s.kind && s.taken && s.seen) {
		for (size_t i = 0; i < nr * nr; i++)
			s.costs[i] = pair_cost(topo, near->names[i / nr], near->names[i % nr]);
		err = search_all(&s);
	}
	free(s.costs);
	free(s.ranks);
	free(s.kind);
	free(s.taken);
	free(s.seen);
	return err;
}
