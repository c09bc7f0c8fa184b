/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * output: what reaches the terminal or a program. Strings from the kernel, a
 * device or a file pass through here, so that none can steer a terminal.
 */
#ifndef PTXCTL_OUTPUT_H
#define PTXCTL_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <json-c/json.h>

struct cli;
struct table;

char *text_safe(const char *text);
void text_put(FILE *file, const char *text);

/* Milliseconds since some time before the program began. */
int64_t now_ms(void);

struct table *table_new(size_t columns, ...);
void table_cell(struct table *table, const char *text);
void table_cellf(struct table *table, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void table_print(struct table *table);

struct json_object *json_text(const char *text);
void json_put_text(struct json_object *obj, const char *key, const char *text);
void json_put_hex(struct json_object *obj, const char *key, unsigned int value, int digits);
void json_put_u64(struct json_object *obj, const char *key, uint64_t value);
void json_put_bool(struct json_object *obj, const char *key, bool value);
int json_print(const struct cli *cli, struct json_object *obj);

void progress_begin(const char *what);
void progress_end(void);

#endif /* PTXCTL_OUTPUT_H */
