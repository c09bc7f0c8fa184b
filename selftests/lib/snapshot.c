// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "snapshot.h"
#include "sysfs.h"

#define VALUE_LEN 256

static const struct {
	const char *name;
	bool link;
	bool settles;
} attrs[] = {
	{ "driver", .link = true },
	{ "iommu_group", .link = true },
	{ "driver_override" },
	{ "power/control" },
	{ "power_state", .settles = true },
	{ "enable", .settles = true },
	{ "reset_method" },
	{ "numa_node" },
	{ "d3cold_allowed" },
	{ "sriov_numvfs" },
	{ "sriov_drivers_autoprobe" },
	{ "bars" },
};

#define NR_ATTRS (sizeof(attrs) / sizeof(attrs[0]))

struct record {
	char name[PCI_NAME_LEN];
	char value[NR_ATTRS][VALUE_LEN];
};

struct group {
	int id;
	char type[32];
	char members[VALUE_LEN * 4];
};

struct snapshot {
	int nr_records;
	int nr_groups;
	struct record *records;
	struct group *groups;
	unsigned int ignored;	/* attributes, a bit each */
};

/* The six base addresses of a device, or the four a bridge has else. */
static void read_bars(const char *name, char *buf, size_t len)
{
	char path[PATH_MAX];
	unsigned char c[0x28] = { 0 };
	size_t n = 0;
	int fd, i;

	buf[0] = '\0';
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* A bridge's secondary status lies in between: leave bridges out. */
	if (pread(fd, c, sizeof(c), 0) == sizeof(c) && !(c[0x0e] & 0x7f))
		for (i = 0x10; i < 0x28 && n < len; i++)
			n += snprintf(buf + n, len - n, "%02x%s", c[i],
				      (i & 3) == 3 ? " " : "");
	close(fd);
}

/*
 * The kernel enables a bridge when somebody first uses what is behind it, and
 * leaves it so.
 */
static bool is_bridge(const char *name)
{
	struct pci_fn fn;

	return !pci_get(name, &fn) && fn.bridge;
}

static void record_fill(struct record *r, const char *name)
{
	bool bridge = is_bridge(name);
	char path[PATH_MAX];
	unsigned int i;
	int ret;

	snprintf(r->name, sizeof(r->name), "%s", name);
	for (i = 0; i < NR_ATTRS; i++) {
		char *v = r->value[i];

		if (bridge && !strcmp(attrs[i].name, "enable"))
			continue;
		if (!strcmp(attrs[i].name, "bars")) {
			read_bars(name, v, VALUE_LEN);
			continue;
		}
		if (attrs[i].link) {
			snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s",
				 name, attrs[i].name);
			link_name(path, v, VALUE_LEN);
			continue;
		}
		ret = pci_read(name, attrs[i].name, v, VALUE_LEN);
		if (ret < 0)
			snprintf(v, VALUE_LEN, "(%s)", strerror(-ret));
	}
}

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void group_fill(struct group *g, int id)
{
	char path[PATH_MAX], *names[256];
	unsigned int n = 0, i;
	struct dirent *e;
	size_t len = 0;
	DIR *d;

	g->id = id;
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/type", id);
	file_read(path, g->type, sizeof(g->type));
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices", id);
	g->members[0] = '\0';
	d = opendir(path);
	if (!d)
		return;
	while (n < 256 && (e = readdir(d)))
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	closedir(d);
	qsort(names, n, sizeof(names[0]), by_string);
	for (i = 0; i < n; i++) {
		if (names[i] && len < sizeof(g->members))
			len += snprintf(g->members + len, sizeof(g->members) - len,
					"%s ", names[i]);
		free(names[i]);
	}
}

static int by_id(const void *a, const void *b)
{
	return ((const struct group *)a)->id - ((const struct group *)b)->id;
}

struct snapshot *snapshot_take(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	struct pci_fn *fns = calloc(PCI_MAX_FNS, sizeof(*fns));
	struct dirent *e;
	int i, n;
	DIR *d;

	if (!s || !fns)
		goto fail;
	n = pci_list(fns, PCI_MAX_FNS);
	if (n < 0)
		n = 0;
	s->records = calloc(n + 1, sizeof(*s->records));
	s->groups = calloc(PCI_MAX_FNS, sizeof(*s->groups));
	if (!s->records || !s->groups)
		goto fail;
	for (i = 0; i < n; i++)
		record_fill(&s->records[i], fns[i].name);
	s->nr_records = n;
	d = opendir("/sys/kernel/iommu_groups");
	if (d) {
		while (s->nr_groups < PCI_MAX_FNS && (e = readdir(d)))
			if (e->d_name[0] != '.')
				group_fill(&s->groups[s->nr_groups++],
					   atoi(e->d_name));
		closedir(d);
		qsort(s->groups, s->nr_groups, sizeof(*s->groups), by_id);
	}
	free(fns);
	return s;
fail:
	free(fns);
	snapshot_free(s);
	return NULL;
}

void snapshot_ignore(struct snapshot *before, const char *attr)
{
	unsigned int k;

	for (k = 0; k < NR_ATTRS; k++)
		if (!strcmp(attrs[k].name, attr))
			before->ignored |= 1U << k;
}

struct snapshot *snapshot_take_of(const char *const *names, int nr)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	int i;

	if (!s)
		return NULL;
	s->records = calloc(nr + 1, sizeof(*s->records));
	if (!s->records) {
		free(s);
		return NULL;
	}
	for (i = 0; i < nr; i++)
		record_fill(&s->records[i], names[i]);
	s->nr_records = nr;
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	free(s->records);
	free(s->groups);
	free(s);
}

static const struct record *record_find(const struct snapshot *s, const char *name)
{
	int i;

	for (i = 0; i < s->nr_records; i++)
		if (!strcmp(s->records[i].name, name))
			return &s->records[i];
	return NULL;
}

static bool ignored(const char *const *ignore, const char *name)
{
	for (; ignore && *ignore; ignore++)
		if (!strcmp(*ignore, name))
			return true;
	return false;
}

/*
 * The kernel calls a state unknown from a driver's departure until somebody
 * looks; that is no change of power.
 */
static bool same(unsigned int attr, const char *a, const char *b)
{
	if (!strcmp(a, b))
		return true;
	return !strcmp(attrs[attr].name, "power_state") &&
	       (!strcmp(a, "unknown") || !strcmp(b, "unknown"));
}

enum { HARD = 1, SOFT = 2 };

/* Counts the differences of one sort; prints them when asked to. */
static int compare(const struct snapshot *a, const struct snapshot *b, int which,
		   bool print, const char *const *ignore)
{
	int i, diffs = 0;
	unsigned int k;

	for (i = 0; i < a->nr_records; i++) {
		const struct record *r = &a->records[i];
		const struct record *s = record_find(b, r->name);

		if (ignored(ignore, r->name))
			continue;
		if (!s) {
			if (!(which & HARD))
				continue;
			diffs++;
			if (print)
				printf("# snapshot: %s is gone\n", r->name);
			continue;
		}
		for (k = 0; k < NR_ATTRS; k++) {
			if (!(which & (attrs[k].settles ? SOFT : HARD)))
				continue;
			if (a->ignored & 1U << k || same(k, r->value[k], s->value[k]))
				continue;
			diffs++;
			if (print)
				printf("# snapshot: %s: %s was '%s', is '%s'\n",
				       r->name, attrs[k].name, r->value[k],
				       s->value[k]);
		}
	}
	if (!(which & HARD))
		return diffs;
	for (i = 0; i < b->nr_records; i++) {
		const char *name = b->records[i].name;

		if (ignored(ignore, name) || record_find(a, name))
			continue;
		diffs++;
		if (print)
			printf("# snapshot: %s is new\n", name);
	}
	/* A device that comes or goes takes its groups along. */
	if (ignore)
		return diffs;
	for (i = 0; i < a->nr_groups && i < b->nr_groups; i++) {
		const struct group *g = &a->groups[i], *h = &b->groups[i];

		if (g->id == h->id && !strcmp(g->type, h->type) &&
		    !strcmp(g->members, h->members))
			continue;
		diffs++;
		if (print)
			printf("# snapshot: group %d %s: %s; now group %d %s: %s\n",
			       g->id, g->type, g->members, h->id, h->type,
			       h->members);
	}
	if (a->nr_groups != b->nr_groups) {
		diffs++;
		if (print)
			printf("# snapshot: %d IOMMU groups, now %d\n",
			       a->nr_groups, b->nr_groups);
	}
	return diffs;
}

int snapshot_compare(const struct snapshot *before, const struct snapshot *now,
		     const char *const *ignore)
{
	return compare(before, now, HARD | SOFT, true, ignore);
}

/* One of the few devices that are in @like, or, without it, of all. */
static struct snapshot *take_like(const struct snapshot *like)
{
	const char **names;
	struct snapshot *s;
	int i;

	if (!like)
		return snapshot_take();
	names = calloc(like->nr_records + 1, sizeof(*names));
	if (!names)
		return NULL;
	for (i = 0; i < like->nr_records; i++)
		names[i] = like->records[i].name;
	s = snapshot_take_of(names, like->nr_records);
	free(names);
	return s;
}

static int check(const struct snapshot *before, const struct snapshot *like,
		 int settle_ms, const char *const *ignore)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	struct snapshot *now;
	int diffs;

	for (;; settle_ms -= 20) {
		now = take_like(like);
		if (!now)
			return -ENOMEM;
		if (settle_ms <= 0 || compare(before, now, HARD, false, ignore) ||
		    !compare(before, now, SOFT, false, ignore))
			break;
		snapshot_free(now);
		nanosleep(&pause, NULL);
	}
	diffs = snapshot_compare(before, now, ignore);
	snapshot_free(now);
	return diffs;
}

int snapshot_check(const struct snapshot *before, int settle_ms,
		   const char *const *ignore)
{
	return check(before, NULL, settle_ms, ignore);
}

int snapshot_check_of(const struct snapshot *before, int settle_ms)
{
	return check(before, before, settle_ms, NULL);
}
