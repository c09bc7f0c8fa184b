/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * advice: what makes a VM with devices fast: huge pages, CPUs and I/O threads beside them.
 */
#ifndef PTXCTL_ADVICE_H
#define PTXCTL_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

#define ADVICE_VCPUS_MAX	1024

struct cli;
struct findings;
struct selection;

bool advice_vcpus(const char *text, unsigned int *vcpus);
void advice_give(struct cli *cli, const struct selection *sel, uint64_t memory,
		 unsigned int vcpus, struct findings *f);

#endif /* PTXCTL_ADVICE_H */
