// SPDX-License-Identifier: GPL-2.0-only
/*
 * output: safe text, aligned columns, JSON, and the line that says that
 * something takes long.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "output.h"
#include "ptxctl.h"

static void *must(void *p)
{
	if (!p) {
		fputs("ptxctl: out of memory\n", stderr);
		exit(EXIT_REFUSED);
	}
	return p;
}

/*
 * The length of the UTF-8 character at @s, with its value in *@c; 0 when there
 * is none.
 */
static size_t utf8_char(const unsigned char *s, uint32_t *c)
{
	uint32_t min = 0;
	size_t n;

	if (*s < 0x80) {
		*c = *s;
		return 1;
	}
	if ((*s & 0xe0) == 0xc0)
		n = 2, min = 0x80, *c = *s & 0x1f;
	else if ((*s & 0xf0) == 0xe0)
		n = 3, min = 0x800, *c = *s & 0x0f;
	else if ((*s & 0xf8) == 0xf0)
		n = 4, min = 0x10000, *c = *s & 0x07;
	else
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < min || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000))
		return 0;
	return n;
}

/* Control characters, and those that turn text around or hide in it. */
static bool harmless(uint32_t c)
{
	return c >= 0x20 && (c < 0x7f || c > 0x9f) && c != 0x061c &&
	       !(c >= 0x200b && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202e) &&
	       !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff;
}

/* A copy that is safe to print, to be freed: all else becomes \xNN. */
char *text_safe(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	char *out = must(malloc(strlen(text) * 4 + 1)), *to = out;

	while (*s) {
		uint32_t c = 0;
		size_t n = utf8_char(s, &c);
		bool fine = n && harmless(c);

		for (size_t i = 0; i < (n ? n : 1); i++, s++) {
			if (fine)
				*to++ = (char)*s;
			else
				to += sprintf(to, "\\x%02x", *s);
		}
	}
	*to = '\0';
	return out;
}

void text_put(FILE *file, const char *text)
{
	char *safe = text_safe(text);

	fputs(safe, file);
	free(safe);
}

static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

/**
 * struct table - rows that are printed in aligned columns
 * @columns: how many
 * @cells: the header's and then every row's, all safe to print
 * @nr: how many cells
 */
struct table {
	size_t columns;
	char **cells;
	size_t nr;
};

static void add_cell(struct table *table, char *text)
{
	table->cells = must(reallocarray(table->cells, table->nr + 1, sizeof(char *)));
	table->cells[table->nr++] = text;
}

struct table *table_new(size_t columns, ...)
{
	struct table *table = must(calloc(1, sizeof(*table)));
	va_list ap;

	table->columns = columns;
	va_start(ap, columns);
	for (size_t i = 0; i < columns; i++)
		add_cell(table, must(strdup(va_arg(ap, const char *))));
	va_end(ap);
	return table;
}

/* The next cell; NULL and the empty string are a hyphen. */
void table_cell(struct table *table, const char *text)
{
	add_cell(table, text_safe(text && *text ? text : "-"));
}

void table_cellf(struct table *table, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	must(text);
	table_cell(table, text);
	free(text);
}

/* Prints the table, unless it has no rows, and frees it. */
void table_print(struct table *table)
{
	size_t *widths = must(calloc(table->columns, sizeof(*widths)));

	for (size_t i = 0; i < table->nr; i++) {
		size_t w = width_of(table->cells[i]);

		if (w > widths[i % table->columns])
			widths[i % table->columns] = w;
	}
	for (size_t i = 0; i < table->nr; i++) {
		size_t column = i % table->columns;
		size_t pad = widths[column] - width_of(table->cells[i]);

		if (table->nr > table->columns) {
			fputs(table->cells[i], stdout);
			if (column + 1 == table->columns)
				putchar('\n');
			else
				printf("%*s", (int)pad + 2, "");
		}
		free(table->cells[i]);
	}
	free(widths);
	free(table->cells);
	free(table);
}

/* A JSON string; NULL is null, and bytes that are not UTF-8 become U+FFFD. */
struct json_object *json_text(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	struct json_object *obj;
	char *out, *to;

	if (!text)
		return NULL;
	out = to = must(malloc(strlen(text) * 3 + 1));
	while (*s) {
		uint32_t c = 0;
		size_t n = utf8_char(s, &c);

		if (n) {
			memcpy(to, s, n);
			to += n;
			s += n;
		} else {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
			s++;
		}
	}
	*to = '\0';
	obj = must(json_object_new_string(out));
	free(out);
	return obj;
}

void json_put_text(struct json_object *obj, const char *key, const char *text)
{
	json_object_object_add(obj, key, json_text(text));
}

void json_put_hex(struct json_object *obj, const char *key, unsigned int value, int digits)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%0*x", digits, value);
	json_put_text(obj, key, text);
}

void json_put_u64(struct json_object *obj, const char *key, uint64_t value)
{
	json_object_object_add(obj, key, must(json_object_new_uint64(value)));
}

void json_put_bool(struct json_object *obj, const char *key, bool value)
{
	json_object_object_add(obj, key, must(json_object_new_boolean(value)));
}

/*
 * JSON that steers no terminal, and is UTF-8 whatever the strings are. json-c escapes
 * nothing beyond C0; the rest can only stand in strings, where it may be escaped.
 */
static void json_put(const char *text)
{
	const unsigned char *s = (const unsigned char *)text, *plain = s;

	for (;;) {
		uint32_t c = 0;
		size_t n = utf8_char(s, &c);

		/* Indented, it has lines. */
		if (n && c && (harmless(c) || c == '\n')) {
			s += n;
			continue;
		}
		fwrite(plain, 1, (size_t)(s - plain), stdout);
		if (!*s)
			break;
		printf("\\u%04x", n ? c : 0xfffd);
		s += n ? n : 1;
		plain = s;
	}
	putchar('\n');
}

/* Prints @obj on one line, or indented, and frees it. */
int json_print(const struct cli *cli, struct json_object *obj)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	flags |= cli->pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
			       JSON_C_TO_STRING_PLAIN;
	json_put(must((void *)(uintptr_t)json_object_to_json_string_ext(obj, flags)));
	json_object_put(obj);
	/* Whether it was written, main() asks for all of the output at once. */
	return EXIT_DONE;
}

/*
 * Progress: a thread that says, after a second and every second, what is being
 * waited for. The calls it covers wait in the kernel and cannot say so.
 */
static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	const char *what;
	bool running;
	bool stop;
} progress = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
};

static void *progress_main(void *arg)
{
	struct timespec due;
	bool shown = false;
	int seconds = 0;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC, &due);
	pthread_mutex_lock(&progress.lock);
	for (;;) {
		int err = 0;

		due.tv_sec++;
		while (!progress.stop && err != ETIMEDOUT)
			err = pthread_cond_timedwait(&progress.wake, &progress.lock, &due);
		if (progress.stop)
			break;
		dprintf(STDERR_FILENO, "\r%s: %d s\033[K", progress.what, ++seconds);
		shown = true;
	}
	pthread_mutex_unlock(&progress.lock);
	if (shown)
		dprintf(STDERR_FILENO, "\r\033[K");
	return NULL;
}

/* From now until progress_end(); only on a terminal. @what must live that long. */
void progress_begin(const char *what)
{
	pthread_condattr_t attr;

	if (!isatty(STDERR_FILENO))
		return;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&progress.wake, &attr);
	pthread_condattr_destroy(&attr);
	progress.what = what;
	progress.stop = false;
	progress.running = !pthread_create(&progress.thread, NULL, progress_main, NULL);
}

void progress_end(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.stop = true;
	pthread_cond_signal(&progress.wake);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.thread, NULL);
	pthread_cond_destroy(&progress.wake);
	progress.running = false;
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
