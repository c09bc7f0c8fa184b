// SPDX-License-Identifier: GPL-2.0-only
/*
 * dump_bench - what an entry costs in a dump of devices and in one of leases,
 * with ten leases, a hundred and a thousand: it should be the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lease.h"
#include "nl.h"
#include "trace.h"

#define ROUNDS	21

static struct nl nl;

static void die(const char *what, int err)
{
	fprintf(stderr, "dump_bench: %s: %s\n", what, strerror(-err));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static int count(const struct nlmsghdr *h, void *arg)
{
	++*(int *)arg;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The median time of a whole dump; how many entries it had in *@nr. */
static double dump_us(uint8_t cmd, int *nr)
{
	double us[ROUNDS], t;
	int i, ret;

	for (i = 0; i < ROUNDS; i++) {
		*nr = 0;
		t = now_us();
		ret = nl_dump(&nl, cmd, count, nr);
		us[i] = now_us() - t;
		if (ret)
			die("dump", ret);
	}
	qsort(us, ROUNDS, sizeof(*us), by_value);
	return us[ROUNDS / 2];
}

static void row(const char *what, int nr, double us, double *first)
{
	double each = us / nr;

	if (!*first)
		*first = each;
	printf("  %-10s%10d%14.1f%14.2f%12.2f\n", what, nr, us, each, each / *first);
}

int main(int argc, char **argv)
{
	static const int steps[] = { 10, 100, 1000 };
	int max = argc > 1 ? atoi(argv[1]) : 1000;
	int made = 0, nr, ret;
	double us, first = 0;
	unsigned int i;
	uint64_t *ids;
	char name[32];

	if (access(PTX_NODE, F_OK) && system("modprobe ptx"))
		die("no module ptx", -ENODEV);
	ret = nl_open(&nl);
	if (ret)
		die("netlink", ret);
	ids = calloc(max, sizeof(*ids));
	if (!ids)
		die("memory", -ENOMEM);
	printf("Dumps over netlink, median of %d\n\n", ROUNDS);
	printf("  %-10s%10s%14s%14s%12s\n", "of", "entries", "dump us", "entry us",
	       "to first");
	us = dump_us(PTX_CMD_DEVICE_GET, &nr);
	if (nr)
		row("devices", nr, us, &first);
	first = 0;
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && steps[i] <= max; i++) {
		static struct nl_lease l;

		for (; made < steps[i]; made++) {
			snprintf(name, sizeof(name), "bench-%04d", made);
			ret = nl_lease_new(&nl, name, NULL, 0, 0, &l);
			if (ret)
				die(nl.msg, ret);
			ids[made] = l.id;
		}
		us = dump_us(PTX_CMD_LEASE_GET, &nr);
		if (nr)
			row("leases", nr, us, &first);
	}
	us = now_us();
	for (nr = 0; nr < made; nr++)
		nl_lease_release(&nl, ids[nr], 0);
	printf("\n  releasing an empty lease takes %.1f us\n", (now_us() - us) / made);
	return 0;
}
