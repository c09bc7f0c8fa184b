// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "transcript.h"

struct transcript *transcript_new(void)
{
	struct transcript *t;

	t = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		 -1, 0);
	return t == MAP_FAILED ? NULL : t;
}

void transcript_free(struct transcript *t)
{
	if (t)
		munmap(t, sizeof(*t));
}

void transcript_note(struct transcript *t, const char *name, const char *format, ...)
{
	struct step *step = &t->step[t->nr];
	va_list args;

	/* One that is missing is missed on the other side, too: that is seen by its number. */
	t->nr++;
	if (t->nr > TRANSCRIPT_MAX)
		return;
	snprintf(step->name, sizeof(step->name), "%s", name);
	va_start(args, format);
	vsnprintf(step->text, sizeof(step->text), format, args);
	va_end(args);
}

const char *answer(long ret)
{
	static char text[32];
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;

	if (name)
		snprintf(text, sizeof(text), "-%s", name);
	else
		snprintf(text, sizeof(text), "%ld", ret);
	return text;
}

static bool is_known(const struct step *a, const struct step *b,
		     const struct difference *known)
{
	for (; known->step; known++)
		if (!strcmp(known->step, a->name) && !strcmp(known->first, a->text) &&
		    !strcmp(known->second, b->text))
			return true;
	return false;
}

static bool should_differ(const struct step *a, const struct difference *known)
{
	for (; known->step; known++)
		if (!strcmp(known->step, a->name) && !known->some)
			return true;
	return false;
}

int transcript_compare(const struct transcript *first, const char *first_name,
		       const struct transcript *second, const char *second_name,
		       const struct difference *known)
{
	const struct step *a, *b;
	int i, bad = 0;

	if (first->nr != second->nr || first->nr > TRANSCRIPT_MAX || !first->nr) {
		printf("# %d steps with %s, %d with %s, room for %d\n", first->nr,
		       first_name, second->nr, second_name, TRANSCRIPT_MAX);
		bad++;
	}
	for (i = 0; i < first->nr && i < second->nr && i < TRANSCRIPT_MAX; i++) {
		a = &first->step[i];
		b = &second->step[i];
		if (strcmp(a->name, b->name)) {
			printf("# step %d is '%s' with %s and '%s' with %s\n", i, a->name,
			       first_name, b->name, second_name);
			return bad + 1;
		}
		if (getenv("PTX_TRANSCRIPT"))
			printf("# %-48s %s | %s\n", a->name, a->text, b->text);
		if (!strcmp(a->text, b->text) ? should_differ(a, known) :
						!is_known(a, b, known)) {
			printf("# step '%s':\n#   %s: %s\n#   %s: %s\n", a->name,
			       first_name, a->text, second_name, b->text);
			bad++;
		}
	}
	return bad;
}
