/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpulist: sets of CPUs or NUMA nodes, as the kernel writes them.
 */
#ifndef PTXCTL_CPULIST_H
#define PTXCTL_CPULIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many as any kernel has. */
#define CPULIST_MAX	8192

/**
 * struct cpulist - a set of numbers below CPULIST_MAX
 * @bits: a bit for each
 */
struct cpulist {
	uint64_t bits[CPULIST_MAX / 64];
};

bool cpulist_parse(const char *text, struct cpulist *list);
bool cpulist_read(const char *path, struct cpulist *list);
void cpulist_text(const struct cpulist *list, char *buf, size_t size);
bool cpulist_allowed(struct cpulist *list);
void cpulist_add(struct cpulist *list, unsigned int n);
void cpulist_remove(struct cpulist *list, unsigned int n);
bool cpulist_has(const struct cpulist *list, unsigned int n);
unsigned int cpulist_count(const struct cpulist *list);
int cpulist_next(const struct cpulist *list, int after);
void cpulist_join(struct cpulist *list, const struct cpulist *other);
void cpulist_cut(struct cpulist *list, const struct cpulist *other);

#endif /* PTXCTL_CPULIST_H */
