/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace - reads the tracepoint ptx:ptx_step, whose begin and end bracket the
 * module's calls into the driver core: what is not between them is its own
 * cost. Uses a trace instance of its own.
 */
#ifndef PTX_BENCH_TRACE_H
#define PTX_BENCH_TRACE_H

#include <stdbool.h>

#define TRACE_STEPS	16
#define TRACE_NAME_LEN	32

/**
 * struct trace_step - all calls of one kind
 * @us: their time, added up
 * @calls: their number
 */
struct trace_step {
	char name[TRACE_NAME_LEN];
	double us;
	unsigned int calls;
};

/**
 * struct trace_sum - what happened between trace_begin() and trace_end()
 * @steps: by kind
 * @sum_us: all of them added up, also those that ran side by side
 * @union_us: the time in which at least one of them ran
 * @lost: records that do not pair up; more than 0 spoils the rest
 */
struct trace_sum {
	struct trace_step steps[TRACE_STEPS];
	int nr_steps;
	double sum_us;
	double union_us;
	unsigned int lost;
};

/* false, and says why, where there is no tracefs or no such tracepoint. */
bool trace_open(void);
void trace_close(void);
void trace_begin(void);
void trace_end(struct trace_sum *sum);

#endif
