// SPDX-License-Identifier: GPL-2.0-only
/*
 * grants: grant, ungrant and grants: who may lease what without root.
 */
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <libptx/grant.h>
#include "dma.h"
#include "output.h"
#include "rule.h"
#include "save.h"
#include "select.h"
#include "size.h"

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

static void what_text(const struct ptx_grant *grant, char buf[96])
{
	char what[64];

	rule_text(grant->device, grant->kind, grant->vendor, what);
	snprintf(buf, 96, "%s%s", grant->pooled ? "pooled " : "", what);
}

static struct json_object *grant_json(const struct ptx_grant *grant)
{
	struct json_object *obj = json_object_new_object();

	json_put_u64(obj, "id", grant->id);
	json_put_u64(obj, grant->to_group ? "gid" : "uid", grant->who);
	json_object_object_add(obj, grant->to_group ? "uid" : "gid", NULL);
	rule_put_json(obj, grant->device, grant->kind, grant->vendor);
	json_object_object_add(obj, "pooled", json_object_new_boolean(grant->pooled));
	if (grant->max_devices)
		json_put_u64(obj, "max_devices", grant->max_devices);
	else
		json_object_object_add(obj, "max_devices", NULL);
	json_put_u64(obj, "used", grant->used);
	if (grant->dma_quota) {
		json_put_u64(obj, "dma_quota", grant->dma_quota);
		json_put_u64(obj, "dma_mapped", grant->dma_mapped);
	} else {
		json_object_object_add(obj, "dma_quota", NULL);
		json_object_object_add(obj, "dma_mapped", NULL);
	}
	return obj;
}

static struct json_object *list_json(const struct ptx_grant *list, size_t nr)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(array, grant_json(&list[i]));
	return array;
}

static void print_made(const struct ptx_grant *grant)
{
	char who[64], what[96], size[32];

	who_text(grant, who);
	what_text(grant, what);
	printf("grant %llu: %s may lease %s", (unsigned long long)grant->id, who, what);
	if (grant->max_devices)
		printf(", %u at most", grant->max_devices);
	if (grant->dma_quota) {
		size_text(grant->dma_quota, size);
		printf(", and map %s for them", size);
	}
	putchar('\n');
}

/* Makes the grants that a selector means: one for each of its vendor's ids. */
static int grant_selector(struct cli *cli, struct ptx_grant grant,
			  const struct ptx_selector *sel, struct json_object *made)
{
	const char *address = ptx_selector_address(sel);
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
		if (made)
			json_object_array_add(made, grant_json(&grant));
		else
			print_made(&grant);
	} while (ptx_selector_vendor(sel, ++i));
	return EXIT_DONE;
}

int verb_grant(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dma-quota", required_argument, NULL, OPT_DMA_QUOTA },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "max", required_argument, NULL, OPT_MAX },
		{ "pooled", no_argument, NULL, OPT_POOLED },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct ptx_grant grant = { .size = sizeof(grant) };
	struct selection sel = { .nr = 0 };
	struct json_object *made = NULL;
	struct dma dma = { .quota = 0 };
	unsigned long max;
	char *end;
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "hjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == OPT_POOLED)
			grant.pooled = true;
		if (c == OPT_DMA_QUOTA && !dma_option(cli, c, optarg, &dma))
			return EXIT_USAGE;
		if (c != OPT_MAX)
			continue;
		max = strtoul(optarg, &end, 10);
		if (!max || *end || *optarg == '-' || max > PTX_DEVICES_MAX)
			return cli_usage(cli, "--max takes a number of up to %d devices, not '%s'",
					 PTX_DEVICES_MAX, optarg);
		grant.max_devices = (uint32_t)max;
	}
	grant.dma_quota = dma.quota;
	if (argc - optind < 2)
		return cli_usage(cli, optind == argc ? "to whom?" : "which devices?");
	if (!parse_who(argv[optind], &grant))
		return grant.to_group ?
		       cli_usage(cli, "there is no group '%s'", argv[optind] + 1) :
		       cli_usage(cli, "there is no user '%s'; a group is @GROUP", argv[optind]);
	status = selection_add_all(cli, &sel, argv + optind + 1, argc - optind - 1);
	for (size_t i = 0; !status && i < sel.nr; i++)
		if (ptx_selector_kind(sel.sels[i]) == PTX_KIND_BRIDGE)
			status = cli_usage(cli, "a bridge is never assignable");
		else if (ptx_selector_physfn(sel.sels[i]))
			status = cli_usage(cli, "grant virtual functions by kind and vendor, or "
					   "each by its address");
		else if (ptx_selector_request(sel.sels[i]))
			status = cli_usage(cli, "only root has mediated devices made");
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

static void mapped_cell(struct table *table, const struct ptx_grant *grant)
{
	char mapped[32], quota[32];

	if (!grant->dma_quota) {
		table_cell(table, NULL);
		return;
	}
	size_text(grant->dma_mapped, mapped);
	size_text(grant->dma_quota, quota);
	table_cellf(table, "%s of %s", mapped, quota);
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
	char who[64], what[96];
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
		c = json_print(cli, list_json(list, nr));
		free(list);
		return c;
	}
	table = table_new(6, "ID", "WHO", "WHAT", "AT MOST", "LEASED", "MAPPED");
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
		mapped_cell(table, &list[i]);
	}
	table_print(table);
	free(list);
	return EXIT_DONE;
}

static bool grant_from_json(struct json_object *obj, struct ptx_grant *grant)
{
	memset(grant, 0, sizeof(*grant));
	grant->size = sizeof(*grant);
	grant->to_group = json_has_value(obj, "gid");
	if (!json_object_is_type(obj, json_type_object) ||
	    grant->to_group == json_has_value(obj, "uid") ||
	    !json_get_number(obj, grant->to_group ? "gid" : "uid", UINT32_MAX - 1,
			     &grant->who) ||
	    !json_get_number(obj, "max_devices", PTX_DEVICES_MAX, &grant->max_devices) ||
	    (json_has_value(obj, "max_devices") && !grant->max_devices) ||
	    !json_get_size(obj, "dma_quota", &grant->dma_quota) ||
	    !json_get_flag(obj, "pooled", &grant->pooled))
		return false;
	return rule_from_json(obj, grant->device, &grant->kind, &grant->vendor);
}

static bool same_grant(const struct ptx_grant *a, const struct ptx_grant *b)
{
	return a->to_group == b->to_group && a->who == b->who &&
	       !strcmp(a->device, b->device) && a->kind == b->kind &&
	       a->vendor == b->vendor && a->max_devices == b->max_devices &&
	       a->pooled == b->pooled && a->dma_quota == b->dma_quota;
}

/* All grants, for the file that save writes; NULL, having said why. */
struct json_object *grants_save(struct cli *cli)
{
	struct json_object *array;
	struct ptx_grant *list;
	size_t nr;

	if (ptx_grant_list_get(cli->ctx, &list, &nr))
		return NULL;
	array = list_json(list, nr);
	free(list);
	return array;
}

/* Those that are there already are not made twice. */
int grants_restore(struct cli *cli, struct json_object *array)
{
	struct ptx_grant *list, grant;
	size_t nr, j;
	int one, status = EXIT_DONE;

	if (ptx_grant_list_get(cli->ctx, &list, &nr))
		return cli_fail(cli);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		one = EXIT_DONE;
		if (!grant_from_json(json_object_array_get_idx(array, i), &grant)) {
			cli_say("grant %zu of the file makes no sense", i + 1);
			status = EXIT_REFUSED;
			continue;
		}
		for (j = 0; j < nr && !same_grant(&list[j], &grant); j++)
			;
		if (j == nr && ptx_grant_new(cli->ctx, &grant)) {
			one = cli_fail(cli);
			cli_say("so grant %zu of the file was not made", i + 1);
		}
		if (one > status)
			status = one;
	}
	free(list);
	return status;
}
