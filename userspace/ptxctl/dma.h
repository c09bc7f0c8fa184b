/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dma: what a command line says about a lease's DMA space, and whether a VMM can have
 * one.
 */
#ifndef PTXCTL_DMA_H
#define PTXCTL_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libptx/space.h>
#include "vmm.h"

struct cli;
struct ptx_lease;

/**
 * struct dma - what is asked for
 * @space: --space
 * @no_space: --no-space
 * @has_quota: --dma-quota, with @quota
 * @quota: in bytes, or 0 for any
 * @windows: --dma-window, as often as that was given
 * @nr_windows: how often
 */
struct dma {
	bool space;
	bool no_space;
	bool has_quota;
	uint64_t quota;
	struct ptx_space_range *windows;
	size_t nr_windows;
};

bool dma_option(struct cli *cli, int c, const char *arg, struct dma *dma);
bool dma_wanted(const struct dma *dma);
struct ptx_space_options dma_options(const struct dma *dma);
int dma_decide(struct cli *cli, const struct dma *dma, const char *driver, enum vmm_form form,
	       char *const *argv, size_t argc, bool *space, char **why);
int dma_apply(struct cli *cli, const struct dma *dma, struct ptx_lease *lease);
void dma_free(struct dma *dma);

#endif /* PTXCTL_DMA_H */
