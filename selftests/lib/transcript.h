/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * transcript - what a sequence of calls answered, step by step, so that two kernels'
 * worth of answers, or two back ends', can be laid side by side.
 */
#ifndef PTX_TEST_TRANSCRIPT_H
#define PTX_TEST_TRANSCRIPT_H

#include <stdbool.h>

#define TRANSCRIPT_MAX	2600

struct step {
	char name[64];
	char text[192];
};

/* In memory that children share. */
struct transcript {
	int nr;
	struct step step[TRANSCRIPT_MAX];
};

/**
 * struct difference - a step that is answered differently on purpose
 * @step: its name
 * @first: what one side says
 * @second: what the other says
 * @why: the reason
 * @some: on some kernels they say the same, whatever that is
 */
struct difference {
	const char *step;
	const char *first;
	const char *second;
	const char *why;
	bool some;
};

/* NULL without memory. */
struct transcript *transcript_new(void);
void transcript_free(struct transcript *t);
/* Adds a step. */
__attribute__((format(printf, 3, 4)))
void transcript_note(struct transcript *t, const char *name, const char *format, ...);
/* What a call returned: "0", "-EINVAL". In a static buffer. */
const char *answer(long ret);

/*
 * Prints what differs and is not in @known, which ends with an empty one, and what is
 * there and does not differ. How many there are of both. With $PTX_TRANSCRIPT set,
 * prints every step.
 */
int transcript_compare(const struct transcript *first, const char *first_name,
		       const struct transcript *second, const char *second_name,
		       const struct difference *known);

#endif
