// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tap.h"

static unsigned int nr, failed;

static void result(bool good, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void result(bool good, const char *fmt, va_list ap)
{
	printf("%sok %u - ", good ? "" : "not ", ++nr);
	vprintf(fmt, ap);
	putchar('\n');
	failed += !good;
}

bool tap_ok(bool good, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(good, fmt, ap);
	va_end(ap);
	if (!good)
		printf("# at %s:%d\n", file, line);
	return good;
}

bool tap_int(long long have, long long want, const char *file, int line,
	     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	result(have == want, fmt, ap);
	va_end(ap);
	if (have != want)
		printf("# at %s:%d: have %lld, want %lld\n", file, line, have, want);
	return have == want;
}

bool tap_str(const char *have, const char *want, const char *file, int line,
	     const char *fmt, ...)
{
	bool good = !have || !want ? have == want : !strcmp(have, want);
	va_list ap;

	va_start(ap, fmt);
	result(good, fmt, ap);
	va_end(ap);
	if (!good)
		printf("# at %s:%d\n#   have '%s'\n#   want '%s'\n", file, line,
		       have ? have : "(null)", want ? want : "(null)");
	return good;
}

bool tap_has(const char *have, const char *part, const char *file, int line,
	     const char *fmt, ...)
{
	bool good = have && strstr(have, part);
	va_list ap;

	va_start(ap, fmt);
	result(good, fmt, ap);
	va_end(ap);
	if (!good)
		printf("# at %s:%d\n#   have '%s'\n#   without '%s'\n", file, line,
		       have ? have : "(null)", part);
	return good;
}

int tap_done(void)
{
	printf("1..%u\n", nr);
	return failed ? 1 : 0;
}
