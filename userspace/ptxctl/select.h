/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * select: the selectors on a command line.
 */
#ifndef PTXCTL_SELECT_H
#define PTXCTL_SELECT_H

#include "ptxctl.h"

/**
 * struct selection - selectors in the order they were given
 * @sels: them
 * @nr: how many
 * @near: of those that do, the devices are wanted that are near each other
 */
struct selection {
	struct ptx_selector **sels;
	size_t nr;
	bool near;
};

int selection_add(struct cli *cli, struct selection *sel, const char *text,
		  enum ptx_kind kind);
int selection_add_all(struct cli *cli, struct selection *sel, char **words, int nr);
void selection_free(struct selection *sel);
int selection_pick(struct cli *cli, const struct selection *sel, struct ptx_pick **pick);
int selection_guard(struct cli *cli, const struct ptx_pick *pick);
int selection_each(struct cli *cli, const struct selection *sel,
		   int (*fn)(struct cli *cli, const struct ptx_device *dev, void *arg),
		   void *arg);

#endif /* PTXCTL_SELECT_H */
