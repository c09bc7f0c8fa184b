// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "sysfs.h"
#include "trace.h"

#define INSTANCE "/sys/kernel/tracing/instances/ptx-bench"

static bool opened;

static int set(const char *file, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), INSTANCE "/%s", file);
	return file_write(path, value);
}

bool trace_open(void)
{
	if (mkdir(INSTANCE, 0700) && errno != EEXIST) {
		fprintf(stderr, "trace: %s: %s\n", INSTANCE, strerror(errno));
		return false;
	}
	set("trace_clock", "mono");
	set("buffer_size_kb", "1024");
	set("tracing_on", "0");
	if (set("events/ptx/ptx_step/enable", "1")) {
		fprintf(stderr, "trace: no tracepoint ptx:ptx_step\n");
		rmdir(INSTANCE);
		return false;
	}
	opened = true;
	return true;
}

void trace_close(void)
{
	if (!opened)
		return;
	set("events/ptx/ptx_step/enable", "0");
	rmdir(INSTANCE);
	opened = false;
}

void trace_begin(void)
{
	int fd;

	if (!opened)
		return;
	/* Opening it for writing empties it. */
	fd = open(INSTANCE "/trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	set("tracing_on", "1");
}

/**
 * struct edge - a begin or an end
 * @us: when
 * @by: +1 or -1
 */
struct edge {
	double us;
	int by;
};

static int by_time(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->us != y->us)
		return x->us < y->us ? -1 : 1;
	return y->by - x->by;
}

/* Steps that have begun and not ended, by device. */
struct running {
	char device[TRACE_NAME_LEN];
	char step[TRACE_NAME_LEN];
	double us;
};

static struct trace_step *step_of(struct trace_sum *sum, const char *name)
{
	int i;

	for (i = 0; i < sum->nr_steps; i++)
		if (!strcmp(sum->steps[i].name, name))
			return &sum->steps[i];
	if (sum->nr_steps == TRACE_STEPS)
		return NULL;
	snprintf(sum->steps[i].name, TRACE_NAME_LEN, "%s", name);
	sum->nr_steps++;
	return &sum->steps[i];
}

/* "  task-1 [000] ..... 12.345678: ptx_step: device=D step=S begin" */
static bool line_parse(const char *line, double *us, char *device, char *step,
		       bool *begin)
{
	const char *p = strstr(line, ": ptx_step: device=");
	const char *t = p;
	char edge[8];

	if (!p || line[0] == '#')
		return false;
	while (t > line && t[-1] != ' ')
		t--;
	*us = strtod(t, NULL) * 1e6;
	if (sscanf(p, ": ptx_step: device=%31s step=%31s %7s", device, step, edge) != 3)
		return false;
	*begin = !strcmp(edge, "begin");
	return true;
}

void trace_end(struct trace_sum *sum)
{
	struct running open[64];
	struct edge *edges = NULL;
	unsigned int nr_open = 0, nr_edges = 0, room = 0, i;
	char line[512], device[TRACE_NAME_LEN], step[TRACE_NAME_LEN];
	double us, since = 0;
	int depth = 0;
	bool begin;
	FILE *f;

	memset(sum, 0, sizeof(*sum));
	if (!opened)
		return;
	set("tracing_on", "0");
	f = fopen(INSTANCE "/trace", "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "LOST"))
			sum->lost++;
		if (!line_parse(line, &us, device, step, &begin))
			continue;
		if (nr_edges == room) {
			room = room ? 2 * room : 256;
			edges = realloc(edges, room * sizeof(*edges));
			if (!edges)
				abort();
		}
		edges[nr_edges++] = (struct edge){ us, begin ? 1 : -1 };
		if (begin) {
			if (nr_open == 64) {
				sum->lost++;
				continue;
			}
			memcpy(open[nr_open].device, device, TRACE_NAME_LEN);
			memcpy(open[nr_open].step, step, TRACE_NAME_LEN);
			open[nr_open++].us = us;
			continue;
		}
		for (i = 0; i < nr_open; i++) {
			struct trace_step *s;

			if (strcmp(open[i].device, device) || strcmp(open[i].step, step))
				continue;
			s = step_of(sum, step);
			if (s) {
				s->us += us - open[i].us;
				s->calls++;
			}
			sum->sum_us += us - open[i].us;
			open[i] = open[--nr_open];
			break;
		}
	}
	fclose(f);
	sum->lost += nr_open;
	if (nr_edges)
		qsort(edges, nr_edges, sizeof(*edges), by_time);
	for (i = 0; i < nr_edges; i++) {
		if (!depth)
			since = edges[i].us;
		depth += edges[i].by;
		if (!depth)
			sum->union_us += edges[i].us - since;
	}
	free(edges);
}
