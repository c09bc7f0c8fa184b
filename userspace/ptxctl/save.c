// SPDX-License-Identifier: GPL-2.0-only
/*
 * save: save and restore: keeping rules and the pool over a reboot.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "output.h"
#include "save.h"

/* Where save writes and restore reads, unless told otherwise. */
#define STATE_DIR	"/etc/ptx"
#define STATE_FILE	STATE_DIR "/saved.json"

/* In the order in which they are restored: the pool before those who may have it. */
static const struct {
	const char *key;
	struct json_object *(*save)(struct cli *cli);
	int (*restore)(struct cli *cli, struct json_object *array);
} parts[] = {
	{ "reserves", reserves_save, reserves_restore },
	{ "pool", pool_save, pool_restore },
	{ "grants", grants_save, grants_restore },
};

#define NR_PARTS	(sizeof(parts) / sizeof(parts[0]))

bool json_get_number(struct json_object *obj, const char *key, uint32_t max, uint32_t *out)
{
	struct json_object *value;
	int64_t n;

	*out = 0;
	if (!json_object_object_get_ex(obj, key, &value) || !value)
		return true;
	n = json_object_get_int64(value);
	*out = (uint32_t)n;
	return json_object_is_type(value, json_type_int) && n >= 0 && n <= max;
}

bool json_get_size(struct json_object *obj, const char *key, uint64_t *out)
{
	struct json_object *value;

	*out = 0;
	if (!json_object_object_get_ex(obj, key, &value) || !value)
		return true;
	/* As an unsigned one, a negative number is 0. */
	*out = json_object_get_uint64(value);
	return json_object_is_type(value, json_type_int) && *out;
}

const char *json_get_text(struct json_object *obj, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	/* A zero in it would hide the rest. */
	return strlen(json_object_get_string(value)) ==
	       (size_t)json_object_get_string_len(value) ? json_object_get_string(value) : NULL;
}

bool json_get_flag(struct json_object *obj, const char *key, bool *out)
{
	struct json_object *value;

	*out = false;
	if (!json_object_object_get_ex(obj, key, &value) || !value)
		return true;
	*out = json_object_get_boolean(value);
	return json_object_is_type(value, json_type_boolean);
}

bool json_has_value(struct json_object *obj, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(obj, key, &value) && value;
}

static int fail_file(const char *doing, const char *path)
{
	cli_say("cannot %s %s: %s", doing, path, strerror(errno));
	return EXIT_REFUSED;
}

int save_text(const char *name, const char *text)
{
	char temp[PATH_MAX], real[PATH_MAX];
	const char *path = name;
	struct stat st;
	bool ok;
	int fd;

	/* A link stays one, and what is no file is not replaced by one. */
	if (realpath(name, real)) {
		path = real;
		if (stat(path, &st) || !S_ISREG(st.st_mode)) {
			errno = EEXIST;
			return fail_file("replace", path);
		}
	}
	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp)) {
		errno = ENAMETOOLONG;
		return fail_file("write", path);
	}
	fd = mkstemp(temp);
	if (fd < 0)
		return fail_file("write", path);
	ok = dprintf(fd, "%s\n", text) == (int)strlen(text) + 1 && !fsync(fd);
	if (close(fd))
		ok = false;
	if (ok && !rename(temp, path))
		return EXIT_DONE;
	fail_file("write", path);
	unlink(temp);
	return EXIT_REFUSED;
}

/* The file that a verb's only argument names, or the usual one. */
static int file_argument(struct cli *cli, int argc, char **argv, char path[PATH_MAX])
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = cli_getopt(cli, argc, argv, "h", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
	}
	if (argc - optind > 1)
		return cli_usage(cli, "one file is enough");
	if (optind < argc)
		snprintf(path, PATH_MAX, "%s", argv[optind]);
	else
		snprintf(path, PATH_MAX, "%s%s", cli_root, STATE_FILE);
	return EXIT_DONE;
}

int verb_save(struct cli *cli, int argc, char **argv)
{
	struct json_object *obj, *array;
	char path[PATH_MAX], dir[PATH_MAX];
	int status;

	status = file_argument(cli, argc, argv, path);
	if (status)
		return status;
	obj = json_object_new_object();
	for (size_t i = 0; !status && i < NR_PARTS; i++) {
		array = parts[i].save(cli);
		if (array)
			json_object_object_add(obj, parts[i].key, array);
		else
			status = cli_fail(cli);
	}
	snprintf(dir, sizeof(dir), "%s%s", cli_root, STATE_DIR);
	if (!status && optind == argc && mkdir(dir, 0755) && errno != EEXIST)
		status = fail_file("make", dir);
	if (!status)
		status = save_text(path, json_object_to_json_string_ext(obj,
				JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
	return status;
}

/* All that can be; the worst exit status. */
static int restore_all(struct cli *cli, struct json_object *obj)
{
	struct json_object *array;
	int status = EXIT_DONE, one;

	for (size_t i = 0; i < NR_PARTS; i++) {
		/* A file of a version that did not know it yet. */
		if (!json_object_object_get_ex(obj, parts[i].key, &array))
			continue;
		one = parts[i].restore(cli, array);
		if (one > status)
			status = one;
	}
	return status;
}

static bool is_ours(struct json_object *obj)
{
	struct json_object *array;

	if (!json_object_object_get_ex(obj, "grants", &array))
		return false;
	for (size_t i = 0; i < NR_PARTS; i++) {
		if (json_object_object_get_ex(obj, parts[i].key, &array) &&
		    !json_object_is_type(array, json_type_array))
			return false;
	}
	return true;
}

int verb_restore(struct cli *cli, int argc, char **argv)
{
	char path[PATH_MAX];
	struct json_object *obj;
	struct stat st;
	int fd, status;

	status = file_argument(cli, argc, argv, path);
	if (status)
		return status;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		status = fail_file("read", path);
		goto out;
	}
	/* Whoever writes it hands out devices. */
	if (!*cli_root && ((st.st_uid && st.st_uid != geteuid()) || st.st_mode & 022)) {
		cli_say("%s: others than root may write to it", path);
		status = EXIT_REFUSED;
		goto out;
	}
	obj = json_object_from_fd(fd);
	if (!is_ours(obj)) {
		cli_say("%s: not a file that ptxctl save wrote", path);
		status = EXIT_REFUSED;
	} else {
		status = restore_all(cli, obj);
	}
	json_object_put(obj);
out:
	if (fd >= 0)
		close(fd);
	return status;
}
