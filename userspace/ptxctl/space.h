/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * space: what a lease's DMA space has, in words and as JSON.
 */
#ifndef PTXCTL_SPACE_H
#define PTXCTL_SPACE_H

#include <stdio.h>
#include <json-c/json.h>

struct ptx_space_info;
struct ptx_space_range;

/* What a range takes as text, with its end. */
#define SPACE_RANGE_SIZE	40

const char *space_range_text(const struct ptx_space_range *range, char buf[SPACE_RANGE_SIZE]);
void space_print(const struct ptx_space_info *space);
struct json_object *space_json(const struct ptx_space_info *space);

#endif /* PTXCTL_SPACE_H */
