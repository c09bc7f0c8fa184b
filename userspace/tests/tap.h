/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap: the little that a test program needs to speak TAP.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>

bool tap_ok(bool good, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool tap_int(long long have, long long want, const char *file, int line,
	     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
bool tap_str(const char *have, const char *want, const char *file, int line,
	     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
bool tap_has(const char *have, const char *part, const char *file, int line,
	     const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int tap_done(void);

/* Each takes a format and arguments that name the test. */
#define ok(good, ...)		tap_ok((good), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(have, want, ...)	\
	tap_int((long long)(have), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(have, want, ...)	tap_str((have), (want), __FILE__, __LINE__, __VA_ARGS__)
#define has_str(have, part, ...) tap_has((have), (part), __FILE__, __LINE__, __VA_ARGS__)

#endif /* TESTS_TAP_H */
