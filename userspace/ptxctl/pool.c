// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool: what is in the pool, what goes there and what leaves it, and the rules
 * that keep new devices for it.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <libptx/pool.h>
#include "output.h"
#include "pciname.h"
#include "rule.h"
#include "save.h"
#include "select.h"

/**
 * struct pool_args - what comes after the word behind "pool"
 * @words: devices, or ids
 * @nr: how many
 * @add: how they are added
 * @all: everything that the pool has
 */
struct pool_args {
	char **words;
	int nr;
	struct ptx_add_options add;
	bool all;
};

/* The pool has it since @before was read, as a virtual function that was asked for. */
static bool came_as_vf(const struct selection *sel, const struct ptx_device_list *before,
		       const struct ptx_device *dev)
{
	const struct ptx_device *then = ptx_device_list_find(before, ptx_device_name(dev));

	if (!ptx_device_pooled(dev) || (then && ptx_device_pooled(then)))
		return false;
	for (size_t i = 0; i < sel->nr; i++) {
		if (ptx_selector_physfn(sel->sels[i]) && ptx_selector_match(sel->sels[i], dev))
			return true;
	}
	return false;
}

/* What the pool got. The kernel says only that it did; which they are the list says. */
static int say_added(struct cli *cli, const struct selection *sel, const struct ptx_pick *pick,
		     const struct ptx_device_list *before)
{
	struct ptx_device_list *after;
	const struct ptx_device *dev;

	for (size_t i = 0; i < ptx_pick_count(pick); i++) {
		const char *name = ptx_pick_devices(pick)[i];

		if (!strncmp(name, PTX_VF_PREFIX, strlen(PTX_VF_PREFIX)))
			continue;
		text_put(stdout, name);
		puts(" is in the pool");
	}
	if (!before)
		return EXIT_DONE;
	if (ptx_device_list_get(cli->ctx, &after))
		return cli_fail(cli);
	for (size_t i = 0; (dev = ptx_device_list_at(after, i)); i++) {
		if (!came_as_vf(sel, before, dev))
			continue;
		text_put(stdout, ptx_device_name(dev));
		printf(" is in the pool, of %s\n", ptx_device_physfn(dev));
	}
	ptx_device_list_free(after);
	return EXIT_DONE;
}

static bool has_vfs(const struct selection *sel)
{
	for (size_t i = 0; i < sel->nr; i++) {
		if (ptx_selector_physfn(sel->sels[i]))
			return true;
	}
	return false;
}

static int pool_add(struct cli *cli, const struct pool_args *args)
{
	struct ptx_device_list *before = NULL;
	struct selection sel = { .nr = 0 };
	struct ptx_pick *pick;
	int status;

	if (!args->nr)
		return cli_usage(cli, "which devices?");
	status = selection_add_all(cli, &sel, args->words, args->nr);
	for (size_t i = 0; !status && i < sel.nr; i++)
		if (ptx_selector_request(sel.sels[i]) && !ptx_selector_physfn(sel.sels[i]))
			status = cli_usage(cli, "a mediated device is made for its lease");
	if (!status && ptx_pick_unpooled(cli->ctx,
			(const struct ptx_selector *const *)sel.sels, sel.nr, &pick))
		status = cli_fail(cli);
	if (!status) {
		status = selection_guard(cli, pick);
		if (!status && has_vfs(&sel) && ptx_device_list_get(cli->ctx, &before))
			status = cli_fail(cli);
		progress_begin("resetting, and moving to the pool");
		if (!status && ptx_pool_add(cli->ctx, ptx_pick_devices(pick),
					    ptx_pick_count(pick), &args->add)) {
			progress_end();
			status = cli_fail(cli);
		}
		progress_end();
		if (!status && !cli->quiet)
			status = say_added(cli, &sel, pick, before);
		ptx_device_list_free(before);
		ptx_pick_free(pick);
	}
	selection_free(&sel);
	return status;
}

/* Is it one that the pool has, and that is meant? A device that is named is. */
static bool leaves(const struct selection *sel, const struct ptx_device *dev, bool all)
{
	if (all)
		return ptx_device_pooled(dev);
	for (size_t i = 0; i < sel->nr; i++) {
		if (ptx_selector_match(sel->sels[i], dev) &&
		    (ptx_selector_address(sel->sels[i]) || ptx_device_pooled(dev)))
			return true;
	}
	return false;
}

static int pool_remove(struct cli *cli, const struct pool_args *args)
{
	struct ptx_device_list *list = NULL;
	struct selection sel = { .nr = 0 };
	const struct ptx_device *dev;
	const char **names = NULL;
	size_t nr = 0;
	int status;

	if (!args->nr == !args->all)
		return cli_usage(cli, args->all ? "all, or those?" : "which devices?");
	status = selection_add_all(cli, &sel, args->words, args->nr);
	if (!status && ptx_device_list_get(cli->ctx, &list))
		status = cli_fail(cli);
	for (size_t i = 0; !status && i < sel.nr; i++) {
		const char *address = ptx_selector_address(sel.sels[i]);

		if (!address || ptx_device_list_find(list, address))
			continue;
		cli_say("%s: %s", address, ptx_reason_text(PTX_REASON_NO_DEVICE));
		status = EXIT_REFUSED;
	}
	if (!status)
		names = calloc(ptx_device_list_count(list) + 1, sizeof(*names));
	if (!status && !names) {
		cli_say("out of memory");
		status = EXIT_REFUSED;
	}
	for (size_t i = 0; !status && (dev = ptx_device_list_at(list, i)); i++) {
		if (leaves(&sel, dev, args->all))
			names[nr++] = ptx_device_name(dev);
	}
	if (!status && !nr && !args->all) {
		cli_say("the pool has no such device");
		status = EXIT_REFUSED;
	}
	if (!status && nr) {
		progress_begin("waiting for the devices to be home");
		if (ptx_pool_remove(cli->ctx, names, nr, args->add.timeout_ms)) {
			progress_end();
			status = cli_fail(cli);
		}
		progress_end();
	}
	for (size_t i = 0; !status && !cli->quiet && i < nr; i++) {
		dev = ptx_device_list_find(list, names[i]);
		text_put(stdout, names[i]);
		printf(" is not in the pool any more%s\n",
		       ptx_device_lease_id(dev) ? "; its lease goes on" : "");
	}
	free(names);
	ptx_device_list_free(list);
	selection_free(&sel);
	return status;
}

static const char *state_text(const struct ptx_device *dev)
{
	enum ptx_member_state state;

	return ptx_device_lease_id(dev) ? "leased" :
	       ptx_device_member_state(dev, &state) ? ptx_member_state_name(state) : NULL;
}

static struct json_object *reserve_json(const struct ptx_reserve *rule)
{
	struct json_object *obj = json_object_new_object();

	json_put_u64(obj, "id", rule->id);
	rule_put_json(obj, rule->device, rule->kind, rule->vendor);
	return obj;
}

static struct json_object *reserves_json(const struct ptx_reserve *rules, size_t nr)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(array, reserve_json(&rules[i]));
	return array;
}

static int show_json(struct cli *cli, const struct ptx_device_list *list,
		     const struct ptx_reserve *rules, size_t nr)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *array = json_object_new_array();
	const struct ptx_device *dev;

	for (size_t i = 0; (dev = ptx_device_list_at(list, i)); i++) {
		struct json_object *one;

		if (!ptx_device_pooled(dev))
			continue;
		one = json_object_new_object();
		json_put_text(one, "address", ptx_device_name(dev));
		json_put_text(one, "kind", ptx_kind_name(ptx_device_kind(dev)));
		json_put_text(one, "state", state_text(dev));
		if (ptx_device_lease_id(dev))
			json_put_u64(one, "lease_id", ptx_device_lease_id(dev));
		else
			json_object_object_add(one, "lease_id", NULL);
		json_object_array_add(array, one);
	}
	json_object_object_add(obj, "devices", array);
	json_object_object_add(obj, "reserves", reserves_json(rules, nr));
	return json_print(cli, obj);
}

static void show_tables(struct cli *cli, const struct ptx_device_list *list,
			const struct ptx_reserve *rules, size_t nr)
{
	const struct ptx_device *dev;
	struct table *table;
	char what[64];

	table = table_new(5, "ADDRESS", "NAME", "KIND", "DEVICE", "STATE");
	for (size_t i = 0; (dev = ptx_device_list_at(list, i)); i++) {
		if (!ptx_device_pooled(dev))
			continue;
		table_cell(table, ptx_device_name(dev));
		table_cell(table, cli_name_of(cli, ptx_device_name(dev)));
		table_cell(table, ptx_kind_name(ptx_device_kind(dev)));
		table_cellf(table, "%s %s", pciname_vendor(dev), pciname_device(dev));
		table_cell(table, state_text(dev));
	}
	table_print(table);
	if (!nr)
		return;
	putchar('\n');
	table = table_new(2, "RULE", "KEPT FOR IT WHEN THEY APPEAR");
	for (size_t i = 0; i < nr; i++) {
		table_cellf(table, "%llu", (unsigned long long)rules[i].id);
		table_cell(table, rule_text(rules[i].device, rules[i].kind, rules[i].vendor,
					    what));
	}
	table_print(table);
}

static int pool_show(struct cli *cli, const struct pool_args *args)
{
	struct ptx_device_list *list;
	struct ptx_reserve *rules;
	int status = EXIT_DONE;
	size_t nr;

	if (args->nr)
		return cli_usage(cli, "pool show takes no '%s'", args->words[0]);
	if (ptx_device_list_get(cli->ctx, &list))
		return cli_fail(cli);
	if (ptx_reserve_list_get(cli->ctx, &rules, &nr)) {
		ptx_device_list_free(list);
		return cli_fail(cli);
	}
	if (cli->json)
		status = show_json(cli, list, rules, nr);
	else
		show_tables(cli, list, rules, nr);
	free(rules);
	ptx_device_list_free(list);
	return status;
}

/* Makes the rules that a selector means: one for each of its vendor's ids. */
static int reserve_selector(struct cli *cli, const struct ptx_selector *sel,
			    struct json_object *made)
{
	struct ptx_reserve rule = { .size = sizeof(rule) };
	const char *address = ptx_selector_address(sel);
	unsigned int i = 0;
	char what[64];

	if (address)
		snprintf(rule.device, sizeof(rule.device), "%s", address);
	rule.kind = ptx_selector_kind(sel);
	do {
		rule.vendor = ptx_selector_vendor(sel, i);
		if (ptx_reserve_new(cli->ctx, &rule))
			return cli_fail(cli);
		if (made)
			json_object_array_add(made, reserve_json(&rule));
		else if (!cli->quiet)
			printf("rule %llu: the pool gets %s\n", (unsigned long long)rule.id,
			       rule_text(rule.device, rule.kind, rule.vendor, what));
	} while (ptx_selector_vendor(sel, ++i));
	return EXIT_DONE;
}

static int pool_reserve(struct cli *cli, const struct pool_args *args)
{
	struct selection sel = { .nr = 0 };
	struct json_object *made = NULL;
	int status;

	if (!args->nr)
		return cli_usage(cli, "which devices?");
	status = selection_add_all(cli, &sel, args->words, args->nr);
	for (size_t i = 0; !status && i < sel.nr; i++)
		if (ptx_selector_count(sel.sels[i]) > 1)
			status = cli_usage(cli, "a rule is for any number of devices");
		else if (ptx_selector_kind(sel.sels[i]) == PTX_KIND_BRIDGE)
			status = cli_usage(cli, "a bridge is never assignable");
		else if (ptx_selector_physfn(sel.sels[i]))
			status = cli_usage(cli, "reserve virtual functions by kind and vendor, or "
					   "each by its address");
		else if (ptx_selector_request(sel.sels[i]))
			status = cli_usage(cli, "a mediated device is made for its lease");
	if (cli->json)
		made = json_object_new_array();
	for (size_t i = 0; !status && i < sel.nr; i++)
		status = reserve_selector(cli, sel.sels[i], made);
	selection_free(&sel);
	/* Also what was made before something failed: it is there. */
	if (made)
		json_print(cli, made);
	return status;
}

static int pool_unreserve(struct cli *cli, const struct pool_args *args)
{
	int one, status = EXIT_DONE;
	unsigned long long id;
	char *end;

	if (!args->nr)
		return cli_usage(cli, "which rule? ptxctl pool show has their ids");
	for (int i = 0; i < args->nr; i++) {
		id = strtoull(args->words[i], &end, 10);
		if (!id || *end || *args->words[i] == '-')
			return cli_usage(cli, "'%s' is no rule's id", args->words[i]);
		if (!ptx_reserve_withdraw(cli->ctx, id))
			continue;
		one = cli_fail(cli);
		if (one > status)
			status = one;
	}
	return status;
}

int verb_pool(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(struct cli *cli, const struct pool_args *args);
	} words[] = {
		{ "add", pool_add },
		{ "remove", pool_remove },
		{ "show", pool_show },
		{ "reserve", pool_reserve },
		{ "unreserve", pool_unreserve },
	};
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "boot-display", no_argument, NULL, OPT_BOOT_DISPLAY },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "rom-sha256", required_argument, NULL, OPT_ROM },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ }
	};
	struct pool_args args = { .add.size = sizeof(args.add) };
	int c;

	while ((c = cli_getopt(cli, argc, argv, "ahjpq", options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case 'a':
			args.all = true;
			break;
		case OPT_BOOT_DISPLAY:
			args.add.flags |= PTX_ADD_FLAGS_BOOT_DISPLAY;
			break;
		case OPT_FORCE:
			args.add.flags |= PTX_ADD_FLAGS_FORCE;
			break;
		case OPT_ROM:
			if (!cli_rom(cli, optarg, &args.add))
				return EXIT_USAGE;
			break;
		case OPT_TIMEOUT:
			if (!cli_request_timeout(cli, optarg, &args.add.timeout_ms))
				return EXIT_USAGE;
			break;
		}
	}
	if (optind == argc)
		return cli_usage(cli, "add, remove, show, reserve or unreserve?");
	args.words = argv + optind + 1;
	args.nr = argc - optind - 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(argv[optind], words[i].name))
			continue;
		if (args.all && words[i].fn != pool_remove)
			return cli_usage(cli, "--all is for remove");
		if (args.add.flags && words[i].fn != pool_add)
			return cli_usage(cli, "there is nothing to force");
		if (args.add.nr_roms && words[i].fn != pool_add)
			return cli_usage(cli, "--rom-sha256 is for add");
		if (args.add.timeout_ms && words[i].fn != pool_add && words[i].fn != pool_remove)
			return cli_usage(cli, "there is nothing to wait for");
		if (cli->json && (words[i].fn == pool_add || words[i].fn == pool_remove ||
				  words[i].fn == pool_unreserve))
			return cli_usage(cli, "JSON is for show and reserve");
		return words[i].fn(cli, &args);
	}
	return cli_usage(cli, "there is no 'pool %s'", argv[optind]);
}

struct json_object *pool_save(struct cli *cli)
{
	struct ptx_device_list *list;
	const struct ptx_device *dev;
	struct json_object *array;

	if (ptx_device_list_get(cli->ctx, &list))
		return NULL;
	array = json_object_new_array();
	for (size_t i = 0; (dev = ptx_device_list_at(list, i)); i++) {
		if (ptx_device_pooled(dev))
			json_object_array_add(array, json_text(ptx_device_name(dev)));
	}
	ptx_device_list_free(list);
	return array;
}

/*
 * One by one: a device that is not there any more keeps none of the others out.
 * Those that the pool has, maybe as a mate of one before, are left alone.
 */
int pool_restore(struct cli *cli, struct json_object *array)
{
	struct ptx_device_list *list;
	int status = EXIT_DONE, one;

	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *value = json_object_array_get_idx(array, i);
		const char *text = json_object_get_string(value), *name;
		char address[PTX_DEVICE_NAME_SIZE];
		const struct ptx_device *dev;
		bool there;

		if (!json_object_is_type(value, json_type_string) ||
		    strlen(text) != (size_t)json_object_get_string_len(value) ||
		    !ptx_address_parse(text, address)) {
			cli_say("device %zu of the pool in the file makes no sense", i + 1);
			status = status > EXIT_REFUSED ? status : EXIT_REFUSED;
			continue;
		}
		if (ptx_device_list_get(cli->ctx, &list))
			return cli_fail(cli);
		dev = ptx_device_list_find(list, address);
		there = dev && ptx_device_pooled(dev);
		ptx_device_list_free(list);
		name = address;
		if (there || !ptx_pool_add(cli->ctx, &name, 1, NULL))
			continue;
		one = cli_fail(cli);
		if (one > status)
			status = one;
	}
	return status;
}

struct json_object *reserves_save(struct cli *cli)
{
	struct json_object *array;
	struct ptx_reserve *rules;
	size_t nr;

	if (ptx_reserve_list_get(cli->ctx, &rules, &nr))
		return NULL;
	array = reserves_json(rules, nr);
	free(rules);
	return array;
}

static bool same_rule(const struct ptx_reserve *a, const struct ptx_reserve *b)
{
	return !strcmp(a->device, b->device) && a->kind == b->kind && a->vendor == b->vendor;
}

int reserves_restore(struct cli *cli, struct json_object *array)
{
	struct ptx_reserve *list, rule;
	int one, status = EXIT_DONE;
	size_t nr, j;

	if (ptx_reserve_list_get(cli->ctx, &list, &nr))
		return cli_fail(cli);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *obj = json_object_array_get_idx(array, i);

		one = EXIT_DONE;
		memset(&rule, 0, sizeof(rule));
		rule.size = sizeof(rule);
		if (!json_object_is_type(obj, json_type_object) ||
		    !rule_from_json(obj, rule.device, &rule.kind, &rule.vendor)) {
			cli_say("reserve %zu of the file makes no sense", i + 1);
			status = EXIT_REFUSED;
			continue;
		}
		for (j = 0; j < nr && !same_rule(&list[j], &rule); j++)
			;
		if (j == nr && ptx_reserve_new(cli->ctx, &rule)) {
			one = cli_fail(cli);
			cli_say("so reserve %zu of the file was not made", i + 1);
		}
		if (one > status)
			status = one;
	}
	free(list);
	return status;
}
