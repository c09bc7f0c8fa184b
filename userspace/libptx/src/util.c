// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Small helpers with no state.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <libptx/lease.h>
#include "internal.h"

/* Room for one more in *@array, which holds @nr entries of @size bytes. */
bool ptx_grow(void *array, size_t nr, size_t size)
{
	void **p = array;
	void *bigger;

	if (nr & (nr - 1) || (nr && nr < 8))
		return true;
	bigger = reallocarray(*p, nr ? nr * 2 : 8, size);
	if (!bigger)
		return false;
	*p = bigger;
	return true;
}

/*
 * A whole file with a zero after it, to be freed; NULL with errno set. A file
 * larger than @max is EFBIG.
 */
char *ptx_read_file(const char *path, size_t max, size_t *len)
{
	size_t used = 0, room = 4096;
	char *buf, *bigger;
	struct stat st;
	int fd, err;

	/* Somebody's idea of a joke may be a pipe: do not wait for its writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		err = EINVAL;
		goto err_close;
	}
	buf = malloc(room + 1);
	if (!buf) {
		err = ENOMEM;
		goto err_close;
	}
	for (;;) {
		ssize_t n = read(fd, buf + used, room - used);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			err = errno;
			goto err_free;
		}
		if (!n)
			break;
		used += (size_t)n;
		if (used > max) {
			err = EFBIG;
			goto err_free;
		}
		if (used == room) {
			bigger = realloc(buf, room * 2 + 1);
			if (!bigger) {
				err = ENOMEM;
				goto err_free;
			}
			buf = bigger;
			room *= 2;
		}
	}
	close(fd);
	buf[used] = '\0';
	if (len)
		*len = used;
	return buf;

err_free:
	free(buf);
err_close:
	close(fd);
	errno = err;
	return NULL;
}

char *ptx_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : s;
}

/* UTF-8 without overlong forms, surrogates or control characters. */
bool ptx_utf8_valid(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	const unsigned char *end = p + len;

	while (p < end) {
		uint32_t c = *p++, min = 0;
		unsigned int more;

		if (c < 0x80)
			more = 0;
		else if ((c & 0xe0) == 0xc0)
			more = 1, min = 0x80, c &= 0x1f;
		else if ((c & 0xf0) == 0xe0)
			more = 2, min = 0x800, c &= 0x0f;
		else if ((c & 0xf8) == 0xf0)
			more = 3, min = 0x10000, c &= 0x07;
		else
			return false;
		while (more--) {
			if (p == end || (*p & 0xc0) != 0x80)
				return false;
			c = c << 6 | (*p++ & 0x3f);
		}
		if (c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

/* The last component of a sysfs path that is a PCI address: who owns it. */
bool ptx_last_address(const char *path, char buf[PTX_DEVICE_NAME_SIZE])
{
	char part[PTX_DEVICE_NAME_SIZE], full[PTX_DEVICE_NAME_SIZE];
	bool found = false;

	while (*path) {
		size_t n = strcspn(path, "/");

		if (n && n < sizeof(part)) {
			memcpy(part, path, n);
			part[n] = '\0';
			if (ptx_address_parse(part, full) && !strcmp(part, full)) {
				memcpy(buf, full, sizeof(full));
				found = true;
			}
		}
		path += n;
		path += *path == '/';
	}
	return found;
}

int64_t ptx_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int ptx_rom_parse(const char *text, struct ptx_rom *rom)
{
	for (size_t i = 0; i < sizeof(rom->sha256); i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return -EINVAL;
		rom->sha256[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * sizeof(rom->sha256)] ? -EINVAL : 0;
}

const char *ptx_rom_text(const struct ptx_rom *rom, char *buf)
{
	for (size_t i = 0; i < sizeof(rom->sha256); i++)
		snprintf(buf + 2 * i, 3, "%02x", rom->sha256[i]);
	return buf;
}
