// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpulist: sets of CPUs or NUMA nodes, as the kernel writes them: 0-3,8.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cpulist.h"
#include "host.h"

/* A list of all of them, every other one left out, is about this long. */
#define TEXT_MAX	32768

void cpulist_add(struct cpulist *list, unsigned int n)
{
	list->bits[n / 64] |= 1ULL << n % 64;
}

void cpulist_remove(struct cpulist *list, unsigned int n)
{
	list->bits[n / 64] &= ~(1ULL << n % 64);
}

bool cpulist_has(const struct cpulist *list, unsigned int n)
{
	return n < CPULIST_MAX && list->bits[n / 64] >> n % 64 & 1;
}

unsigned int cpulist_count(const struct cpulist *list)
{
	unsigned int n = 0;

	for (size_t i = 0; i < CPULIST_MAX / 64; i++)
		n += (unsigned int)__builtin_popcountll(list->bits[i]);
	return n;
}

/* The first behind @after, which is -1 for the very first; -1 when there is none. */
int cpulist_next(const struct cpulist *list, int after)
{
	for (int n = after + 1; n < CPULIST_MAX; n++) {
		if (cpulist_has(list, (unsigned int)n))
			return n;
	}
	return -1;
}

void cpulist_join(struct cpulist *list, const struct cpulist *other)
{
	for (size_t i = 0; i < CPULIST_MAX / 64; i++)
		list->bits[i] |= other->bits[i];
}

/* Leaves those that are in both. */
void cpulist_cut(struct cpulist *list, const struct cpulist *other)
{
	for (size_t i = 0; i < CPULIST_MAX / 64; i++)
		list->bits[i] &= other->bits[i];
}

static bool parse_number(const char **text, unsigned int *n)
{
	size_t digits = strspn(*text, "0123456789");

	if (!digits || digits > 5)
		return false;
	*n = (unsigned int)strtoul(*text, NULL, 10);
	*text += digits;
	return *n < CPULIST_MAX;
}

/* All of @text, with or without a newline; an empty one is an empty set. */
bool cpulist_parse(const char *text, struct cpulist *list)
{
	unsigned int first, last;

	memset(list, 0, sizeof(*list));
	while (*text && *text != '\n') {
		if (!parse_number(&text, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!parse_number(&text, &last) || last < first)
				return false;
		}
		for (unsigned int n = first; n <= last; n++)
			cpulist_add(list, n);
		if (*text == ',' && text[1] != '\n' && text[1])
			text++;
		else if (*text && *text != '\n')
			return false;
	}
	return !*text || !text[1];
}

/* From a file of the host's; false when it cannot be read, or makes no sense. */
bool cpulist_read(const char *path, struct cpulist *list)
{
	char *text = malloc(TEXT_MAX);
	bool good = text;

	if (text) {
		host_read(path, text, TEXT_MAX);
		/* Even an empty set has a newline. One that is cut off is another. */
		good = *text && strlen(text) < TEXT_MAX - 1 && cpulist_parse(text, list);
	}
	if (!good)
		memset(list, 0, sizeof(*list));
	free(text);
	return good;
}

/* Cut short, with dots, when there is no room. */
void cpulist_text(const struct cpulist *list, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	for (int first = cpulist_next(list, -1), last; first >= 0;
	     first = cpulist_next(list, last)) {
		char one[32];
		int n;

		for (last = first; cpulist_has(list, (unsigned int)last + 1); last++)
			;
		n = snprintf(one, sizeof(one), last > first ? "%s%d-%d" : "%s%d",
			     used ? "," : "", first, last);
		if (used + (size_t)n + sizeof("...") > size) {
			snprintf(buf + used, size - used, "...");
			return;
		}
		strcpy(buf + used, one);
		used += (size_t)n;
	}
}

/* Those that this process may run on; false when the kernel does not say. */
bool cpulist_allowed(struct cpulist *list)
{
	memset(list, 0, sizeof(*list));
	return !sched_getaffinity(0, sizeof(list->bits), (cpu_set_t *)list->bits);
}
