// SPDX-License-Identifier: GPL-2.0-only
/*
 * size: amounts of memory and addresses, as people write them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "size.h"

/*
 * A number at *@text, decimal or hexadecimal, with a unit of K, M, G or T behind it if
 * there is one; *@bare says that there is none. *@text moves behind it. Returns false,
 * and leaves that alone, where there is no number or it is too large.
 */
bool size_read(const char **text, uint64_t *value, bool *bare)
{
	static const char units[] = "KMGT";
	const char *p = *text, *unit;
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	size_t n;

	p += hex ? 2 : 0;
	n = strspn(p, hex ? "0123456789abcdefABCDEF" : "0123456789");
	if (!n)
		return false;
	errno = 0;
	*value = strtoull(p, NULL, hex ? 16 : 10);
	if (errno)
		return false;
	p += n;
	unit = *p ? strchr(units, *p & ~0x20) : NULL;
	*bare = !unit || !*unit;
	if (!*bare) {
		unsigned int shift = 10 * ((unsigned int)(unit - units) + 1);

		if (*value > UINT64_MAX >> shift)
			return false;
		*value <<= shift;
		p++;
		if (!strncmp(p, "iB", 2))
			p += 2;
		else if (*p == 'B' || *p == 'b')
			p++;
	}
	*text = p;
	return true;
}

/*
 * All of @text as a size, which is not 0; without a unit, in those of 1 << @bare_shift
 * bytes.
 */
bool size_parse(const char *text, unsigned int bare_shift, uint64_t *value)
{
	bool bare;

	if (!size_read(&text, value, &bare) || *text || !*value)
		return false;
	if (bare && *value > UINT64_MAX >> bare_shift)
		return false;
	if (bare)
		*value <<= bare_shift;
	return true;
}

void size_text(uint64_t bytes, char buf[32])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	unsigned int i = 3;

	if (bytes < 1024) {
		snprintf(buf, 32, "%llu B", (unsigned long long)bytes);
		return;
	}
	while (i && bytes < 1ULL << 10 * (i + 1))
		i--;
	snprintf(buf, 32, "%.1f %s", (double)bytes / (double)(1ULL << 10 * (i + 1)), units[i]);
}
