/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * near: of many devices that would do, those that are nearest to each other. Not installed.
 */
#ifndef LIBPTX_NEAR_H
#define LIBPTX_NEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <libptx/topology.h>

/* So many free devices are looked at for each selector, besides those that it wants. */
#define NEAR_SPARE	64

/**
 * struct ptx_near - a choice to be made
 * @names: devices; first those that are taken in any case, which the others should be near
 * @nr_fixed: how many these are
 * @nr: all together
 * @wants: how many are wanted for each selector
 * @nr_kinds: how many selectors there are
 * @fits: whether device i would do for selector k, at i * @nr_kinds + k
 * @chosen: gets the selector that device i was chosen for, or -1
 * @short_of: gets the selector that there are too few devices for, if there are
 * @found: gets how many there are for that one
 */
struct ptx_near {
	const char *const *names;
	size_t nr_fixed;
	size_t nr;
	const uint32_t *wants;
	size_t nr_kinds;
	const bool *fits;
	ssize_t *chosen;
	size_t short_of;
	uint32_t found;
};

int ptx_near_choose(const struct ptx_topology *topo, struct ptx_near *near);

#endif /* LIBPTX_NEAR_H */
