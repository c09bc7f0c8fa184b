/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * save: what a file keeps over a reboot, and how it is read back.
 */
#ifndef PTXCTL_SAVE_H
#define PTXCTL_SAVE_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>
#include "ptxctl.h"

/* The whole of @text to the file @name, or none of it. An exit status. */
int save_text(const char *name, const char *text);
/* A number in @obj from 0 to @max; 0 where there is none. */
bool json_get_number(struct json_object *obj, const char *key, uint32_t max, uint32_t *out);
/* Bytes in @obj, which are not 0; 0 where there are none. */
bool json_get_size(struct json_object *obj, const char *key, uint64_t *out);
/* False where there is none. */
bool json_get_flag(struct json_object *obj, const char *key, bool *out);
/* NULL where there is none. */
const char *json_get_text(struct json_object *obj, const char *key);
bool json_has_value(struct json_object *obj, const char *key);

/*
 * grants.c and pool.c: a part of the file. To make it: NULL when the module did not
 * tell. To restore it: an exit status, having said what is wrong.
 */
struct json_object *grants_save(struct cli *cli);
int grants_restore(struct cli *cli, struct json_object *array);
struct json_object *pool_save(struct cli *cli);
int pool_restore(struct cli *cli, struct json_object *array);
struct json_object *reserves_save(struct cli *cli);
int reserves_restore(struct cli *cli, struct json_object *array);

#endif /* PTXCTL_SAVE_H */
