/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * right: whether we may lease something, as root or by grants. As the module has
 * it, which decides anew when it is asked.
 */
#ifndef PTXCTL_RIGHT_H
#define PTXCTL_RIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libptx/grant.h>

struct cli;
struct ptx_device;

/**
 * struct right - what we may
 * @all: everything
 * @grants: those for us otherwise
 * @taken: how many devices of the lease that is thought of come under each
 * @nr: how many
 */
struct right {
	bool all;
	struct ptx_grant *grants;
	uint32_t *taken;
	size_t nr;
};

void right_get(struct cli *cli, bool all, struct right *right);
void right_free(struct right *right);
void right_begin(struct right *right);
enum ptx_reason right_take(struct right *right, const struct ptx_device *dev);

#endif /* PTXCTL_RIGHT_H */
