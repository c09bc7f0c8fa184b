/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host: what can be said about this host's readiness to lease anything.
 */
#ifndef PTXCTL_HOST_H
#define PTXCTL_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

struct cli;
struct right;

enum finding_level {
	FINDING_OK,
	FINDING_WARN,
	FINDING_FAIL,
};

/**
 * struct finding - one thing that was looked at
 * @level: whether a lease would fail over it
 * @check: what was looked at, in a word
 * @text: what was found
 * @remedy: what to do, or NULL
 */
struct finding {
	enum finding_level level;
	const char *check;
	char *text;
	char *remedy;
};

/**
 * struct findings - what was found, in order
 * @list: them
 * @nr: how many
 * @worst: the worst of them
 */
struct findings {
	struct finding *list;
	size_t nr;
	enum finding_level worst;
};

void findings_add(struct findings *f, enum finding_level level, const char *check,
		  const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void findings_free(struct findings *f);
const char *finding_level_name(enum finding_level level);

void host_check(struct cli *cli, uint64_t memory, struct findings *f, struct right *right);
void host_check_iommu(struct findings *f, bool module_sees_it);
void host_read(const char *path, char *buf, size_t size);
bool host_may(unsigned int cap);

#endif /* PTXCTL_HOST_H */
