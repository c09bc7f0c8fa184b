// SPDX-License-Identifier: GPL-2.0-only
/*
 * grants: grant, ungrant, grants, save and restore: who may lease what without
 * root, and keeping that over a reboot.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libptx/grant.h>
#include "output.h"
#include "select.h"

/* Where save writes and restore reads, unless told otherwise. */
#define STATE_DIR	"/etc/ptx"
#define STATE_FILE	STATE_DIR "/saved.json"

/* "alice", "1000", "@video", "@44". */
static bool parse_who(const char *text, struct ptx_grant *grant)
{
	const struct passwd *pw;
	const struct group *gr;
	size_t n;

	grant->to_group = *text == '@';
	text += grant->to_group;
	n = strlen(text);
	if (grant->to_group) {
		gr = getgrnam(text);
		if (gr)
			grant->who = gr->gr_gid;
		if (gr)
			return true;
	} else {
		pw = getpwnam(text);
		if (pw)
			grant->who = pw->pw_uid;
		if (pw)
			return true;
	}
	if (!n || n > 9 || strspn(text, "0123456789") != n)
		return false;
	grant->who = (uint32_t)strtoul(text, NULL, 10);
	return true;
}

static void who_text(const struct ptx_grant *grant, char buf[64])
{
	const struct passwd *pw = grant->to_group ? NULL : getpwuid(grant->who);
	const struct group *gr = grant->to_group ? getgrgid(grant->who) : NULL;

	if (pw)
		snprintf(buf, 64, "%s", pw->pw_name);
	else if (gr)
		snprintf(buf, 64, "@%s", gr->gr_name);
	else
		snprintf(buf, 64, "%s%u", grant->to_group ? "@" : "", grant->who);
}

static void what_text(const struct ptx_grant *grant, char buf[64])
{
	const char *kind = grant->kind == PTX_KIND_ANY ? "any" : ptx_kind_name(grant->kind);

	if (*grant->device)
		snprintf(buf, 64, "%s", grant->device);
	else if (grant->vendor)
		snprintf(buf, 64, "%s:%04x", kind, grant->vendor);
	else
		snprintf(buf, 64, "%s", kind);
}

static struct json_object *grant_json(const struct ptx_grant *grant)
{
	struct json_object *obj = json_object_new_object();

	json_put_u64(obj, "id", grant->id);
	json_put_u64(obj, grant->to_group ? "gid" : "uid", grant->who);
	json_object_object_add(obj, grant->to_group ? "uid" : "gid", NULL);
	json_put_text(obj, "device", *grant->device ? grant->device : NULL);
	json_put_text(obj, "kind", grant->kind == PTX_KIND_ANY ? NULL :
			   ptx_kind_name(grant->kind));
	if (grant->vendor)
		json_put_hex(obj, "vendor", grant->vendor, 4);
	else
		json_put_text(obj, "vendor", NULL);
	if (grant->max_devices)
		json_put_u64(obj, "max_devices", grant->max_devices);
	else
		json_object_object_add(obj, "max_devices", NULL);
	json_put_u64(obj, "used", grant->used);
	return obj;
}

static struct json_object *grants_json(const struct ptx_grant *list, size_t nr)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(array, grant_json(&list[i]));
	return array;
}

/* Makes the grants that a selector means: one for each of its vendor's ids. */
static int grant_selector(struct cli *cli, struct ptx_grant grant,
			  const struct ptx_selector *sel, struct json_object *made)
{
	const char *address = ptx_selector_address(sel);
	char who[64], what[64];
	unsigned int i = 0;

	if (address)
		snprintf(grant.device, sizeof(grant.device), "%s", address);
	grant.kind = ptx_selector_kind(sel);
	if (!grant.max_devices && ptx_selector_count(sel) > 1)
		grant.max_devices = ptx_selector_count(sel);
	do {
		grant.vendor = ptx_selector_vendor(sel, i);
		if (ptx_grant_new(cli->ctx, &grant))
			return cli_fail(cli);
		if (made) {
			json_object_array_add(made, grant_json(&grant));
			continue;
		}
		who_text(&grant, who);
		what_text(&grant, what);
		if (grant.max_devices)
			printf("grant %llu: %s may lease %s, %u at most\n",
			       (unsigned long long)grant.id, who, what, grant.max_devices);
		else
			printf("grant %llu: %s may lease %s\n", (unsigned long long)grant.id,
			       who, what);
	} while (ptx_selector_vendor(sel, ++i));
	return EXIT_DONE;
}

int verb_grant(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "max", required_argument, NULL, OPT_MAX },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct ptx_grant grant = { .size = sizeof(grant) };
	struct selection sel = { .nr = 0 };
	struct json_object *made = NULL;
	unsigned long max;
	char *end;
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "hjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c != OPT_MAX)
			continue;
		max = strtoul(optarg, &end, 10);
		if (!max || *end || *optarg == '-' || max > PTX_DEVICES_MAX)
			return cli_usage(cli, "--max takes a number of up to %d devices, not '%s'",
					 PTX_DEVICES_MAX, optarg);
		grant.max_devices = (uint32_t)max;
	}
	if (argc - optind < 2)
		return cli_usage(cli, optind == argc ? "to whom?" : "which devices?");
	if (!parse_who(argv[optind], &grant))
		return grant.to_group ?
		       cli_usage(cli, "there is no group '%s'", argv[optind] + 1) :
		       cli_usage(cli, "there is no user '%s'; a group is @GROUP", argv[optind]);
	status = selection_add_all(cli, &sel, argv + optind + 1, argc - optind - 1);
	if (cli->json)
		made = json_object_new_array();
	for (size_t i = 0; !status && i < sel.nr; i++)
		status = grant_selector(cli, grant, sel.sels[i], made);
	selection_free(&sel);
	/* Also what was made before something failed: it is there. */
	if (made)
		json_print(cli, made);
	return status;
}

int verb_ungrant(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "revoke", no_argument, NULL, OPT_REVOKE },
		{ }
	};
	int c, one, status = EXIT_DONE;
	unsigned long long id;
	bool revoke = false;
	char *end;

	while ((c = cli_getopt(cli, argc, argv, "h", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == OPT_REVOKE)
			revoke = true;
	}
	if (optind == argc)
		return cli_usage(cli, "which grant? ptxctl grants shows their ids");
	for (int i = optind; i < argc; i++) {
		id = strtoull(argv[i], &end, 10);
		if (!id || *end || *argv[i] == '-')
			return cli_usage(cli, "'%s' is no grant's id", argv[i]);
		if (!ptx_grant_withdraw(cli->ctx, id, revoke))
			continue;
		one = cli_fail(cli);
		if (one > status)
			status = one;
	}
	return status;
}

int verb_grants(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct ptx_grant *list;
	struct table *table;
	char who[64], what[64];
	size_t nr;
	int c;

	while ((c = cli_getopt(cli, argc, argv, "hjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
	}
	if (optind != argc)
		return cli_usage(cli, "grants takes no '%s'", argv[optind]);
	if (ptx_grant_list_get(cli->ctx, &list, &nr))
		return cli_fail(cli);
	if (cli->json) {
		c = json_print(cli, grants_json(list, nr));
		free(list);
		return c;
	}
	table = table_new(5, "ID", "WHO", "WHAT", "AT MOST", "LEASED");
	for (size_t i = 0; i < nr; i++) {
		who_text(&list[i], who);
		what_text(&list[i], what);
		table_cellf(table, "%llu", (unsigned long long)list[i].id);
		table_cell(table, who);
		table_cell(table, what);
		if (list[i].max_devices)
			table_cellf(table, "%u", list[i].max_devices);
		else
			table_cell(table, NULL);
		table_cellf(table, "%u", list[i].used);
	}
	table_print(table);
	free(list);
	return EXIT_DONE;
}

static int fail_file(const char *doing, const char *path)
{
	cli_say("cannot %s %s: %s", doing, path, strerror(errno));
	return EXIT_REFUSED;
}

/* The whole of @text to the file @path, or none of it. */
static int write_file(const char *path, const char *text)
{
	char temp[PATH_MAX];
	bool ok;
	int fd;

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
	struct json_object *obj;
	struct ptx_grant *list;
	char path[PATH_MAX], dir[PATH_MAX];
	size_t nr;
	int status;

	status = file_argument(cli, argc, argv, path);
	if (status)
		return status;
	if (ptx_grant_list_get(cli->ctx, &list, &nr))
		return cli_fail(cli);
	obj = json_object_new_object();
	json_object_object_add(obj, "grants", grants_json(list, nr));
	free(list);
	snprintf(dir, sizeof(dir), "%s%s", cli_root, STATE_DIR);
	if (optind == argc && mkdir(dir, 0755) && errno != EEXIST)
		status = fail_file("make", dir);
	if (!status)
		status = write_file(path, json_object_to_json_string_ext(obj,
				JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
	return status;
}

/* A number in @obj from 0 to @max; 0 where there is none. */
static bool get_number(struct json_object *obj, const char *key, uint32_t max, uint32_t *out)
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

static const char *get_text(struct json_object *obj, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool has_value(struct json_object *obj, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(obj, key, &value) && value;
}

static bool grant_from_json(struct json_object *obj, struct ptx_grant *grant)
{
	const char *device, *kind, *vendor;
	unsigned long id;
	char *end;

	memset(grant, 0, sizeof(*grant));
	grant->size = sizeof(*grant);
	grant->kind = PTX_KIND_ANY;
	grant->to_group = has_value(obj, "gid");
	if (!json_object_is_type(obj, json_type_object) ||
	    grant->to_group == has_value(obj, "uid") ||
	    !get_number(obj, grant->to_group ? "gid" : "uid", UINT32_MAX - 1, &grant->who) ||
	    !get_number(obj, "max_devices", PTX_DEVICES_MAX, &grant->max_devices))
		return false;
	device = get_text(obj, "device");
	kind = get_text(obj, "kind");
	vendor = get_text(obj, "vendor");
	/* Something that is there and cannot be read would make it a wider one. */
	if ((has_value(obj, "device") && (!device || !ptx_address_parse(device, grant->device))) ||
	    (has_value(obj, "kind") && (!kind || !ptx_kind_parse(kind, &grant->kind))))
		return false;
	if (has_value(obj, "vendor")) {
		id = vendor ? strtoul(vendor, &end, 16) : 0;
		if (!id || *end || id > 0xffff)
			return false;
		grant->vendor = (uint16_t)id;
	}
	return true;
}

static bool same_grant(const struct ptx_grant *a, const struct ptx_grant *b)
{
	return a->to_group == b->to_group && a->who == b->who &&
	       !strcmp(a->device, b->device) && a->kind == b->kind &&
	       a->vendor == b->vendor && a->max_devices == b->max_devices;
}

/* Those that are there already are not made twice. */
static int restore_grants(struct cli *cli, struct json_object *array)
{
	struct ptx_grant *list, grant;
	size_t nr, j;
	int status = EXIT_DONE;

	if (ptx_grant_list_get(cli->ctx, &list, &nr))
		return cli_fail(cli);
	for (size_t i = 0; !status && i < json_object_array_length(array); i++) {
		if (!grant_from_json(json_object_array_get_idx(array, i), &grant)) {
			cli_say("grant %zu of the file makes no sense", i + 1);
			status = EXIT_REFUSED;
			break;
		}
		for (j = 0; j < nr && !same_grant(&list[j], &grant); j++)
			;
		if (j == nr && ptx_grant_new(cli->ctx, &grant))
			status = cli_fail(cli);
	}
	free(list);
	return status;
}

int verb_restore(struct cli *cli, int argc, char **argv)
{
	struct json_object *obj, *array;
	char path[PATH_MAX];
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
	if (!json_object_object_get_ex(obj, "grants", &array) ||
	    !json_object_is_type(array, json_type_array)) {
		cli_say("%s: not a file that ptxctl save wrote", path);
		status = EXIT_REFUSED;
	} else {
		status = restore_grants(cli, array);
	}
	json_object_put(obj);
out:
	if (fd >= 0)
		close(fd);
	return status;
}
