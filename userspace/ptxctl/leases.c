// SPDX-License-Identifier: GPL-2.0-only
/*
 * leases: lease, add, remove, release, leases and show: persistent leases, and
 * reading those of either sort.
 */
#include <getopt.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "dma.h"
#include "ledger.h"
#include "output.h"
#include "plug.h"
#include "select.h"
#include "space.h"

static void user_text(uid_t uid, char buf[64])
{
	struct passwd *pw = uid == (uid_t)-1 ? NULL : getpwuid(uid);

	if (uid == (uid_t)-1)
		snprintf(buf, 64, "-");
	else if (pw)
		snprintf(buf, 64, "%s", pw->pw_name);
	else
		snprintf(buf, 64, "%u", uid);
}

static void age_text(uint64_t ms, char buf[32])
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		snprintf(buf, 32, "%llu s", s);
	else if (s < 3600)
		snprintf(buf, 32, "%llu min", s / 60);
	else if (s < 2ULL * 86400)
		snprintf(buf, 32, "%llu h", s / 3600);
	else
		snprintf(buf, 32, "%llu d", s / 86400);
}

static struct json_object *member_json(struct cli *cli, const struct ptx_lease_member *member)
{
	struct json_object *obj = json_object_new_object();
	const char *address = ptx_lease_member_device(member);
	enum ptx_reason reason = ptx_lease_member_reason(member);

	json_put_text(obj, "address", address);
	json_put_text(obj, "name", cli_name_of(cli, address));
	json_put_text(obj, "kind", ptx_kind_name(ptx_lease_member_kind(member)));
	json_put_u64(obj, "group", ptx_lease_member_group(member));
	json_put_text(obj, "state", ptx_member_state_name(ptx_lease_member_state(member)));
	json_put_text(obj, "driver", ptx_lease_member_driver(member));
	json_put_text(obj, "native_driver", ptx_lease_member_native_driver(member));
	json_put_text(obj, "cdev", ptx_lease_member_cdev(member));
	json_put_bool(obj, "requested", ptx_lease_member_requested(member));
	json_put_bool(obj, "opened", ptx_lease_member_opened(member));
	json_put_bool(obj, "cut", ptx_lease_member_cut(member));
	json_put_bool(obj, "keeps_memory", ptx_lease_member_keeps_memory(member));
	json_put_bool(obj, "mediated", ptx_lease_member_mediated(member));
	json_put_text(obj, "step", ptx_lease_member_step(member));
	if (ptx_lease_member_step(member))
		json_put_u64(obj, "since_ms", ptx_lease_member_since_ms(member));
	else
		json_object_object_add(obj, "since_ms", NULL);
	json_put_text(obj, "reason", reason ? ptx_reason_name(reason) : NULL);
	return obj;
}

static struct json_object *lease_json(struct cli *cli, const struct ptx_lease_info *info)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *members = json_object_new_array();
	const struct ptx_lease_member *member;

	json_put_u64(obj, "id", ptx_lease_info_id(info));
	json_put_text(obj, "name", ptx_lease_info_name(info));
	json_put_text(obj, "state", ptx_lease_state_name(ptx_lease_info_state(info)));
	if (ptx_lease_info_owner(info) != (uid_t)-1)
		json_put_u64(obj, "owner", ptx_lease_info_owner(info));
	else
		json_object_object_add(obj, "owner", NULL);
	if (ptx_lease_info_pid(info))
		json_put_u64(obj, "pid", (uint64_t)ptx_lease_info_pid(info));
	else
		json_object_object_add(obj, "pid", NULL);
	if (ptx_lease_info_max_devices(info))
		json_put_u64(obj, "max_devices", ptx_lease_info_max_devices(info));
	else
		json_object_object_add(obj, "max_devices", NULL);
	json_put_bool(obj, "persistent", ptx_lease_info_persistent(info));
	json_put_bool(obj, "forced", ptx_lease_info_forced(info));
	json_put_u64(obj, "age_ms", ptx_lease_info_age_ms(info));
	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++)
		json_object_array_add(members, member_json(cli, member));
	json_object_object_add(obj, "members", members);
	json_object_object_add(obj, "space", space_json(ptx_lease_info_space(info)));
	return obj;
}

/* What there is to say of it besides. */
static void note_cell(struct table *table, const struct ptx_lease_member *member)
{
	const char *keeps = ptx_lease_member_keeps_memory(member) ? "its memory outlives a reset" :
			    ptx_lease_member_mediated(member) ? "no open check, no cut" : "";
	const char *step = ptx_lease_member_step(member), *and = *keeps ? "; " : "";
	enum ptx_reason reason = ptx_lease_member_reason(member);

	if (step)
		table_cellf(table, "%s for %llu ms%s%s", step, (unsigned long long)
			    ptx_lease_member_since_ms(member), and, keeps);
	else if (reason)
		table_cellf(table, "%s%s%s", ptx_reason_text(reason), and, keeps);
	else if (!ptx_lease_member_requested(member))
		table_cellf(table, "came with its group%s%s", and, keeps);
	else
		table_cell(table, *keeps ? keeps : NULL);
}

static void lease_print(struct cli *cli, const struct ptx_lease_info *info)
{
	const struct ptx_lease_member *member;
	char user[64], age[32];
	struct table *table;

	user_text(ptx_lease_info_owner(info), user);
	age_text(ptx_lease_info_age_ms(info), age);
	text_put(stdout, ptx_lease_info_name(info));
	printf("  id %llu, %s, %s, owner ", (unsigned long long)ptx_lease_info_id(info),
	       ptx_lease_state_name(ptx_lease_info_state(info)),
	       ptx_lease_info_persistent(info) ? "persistent" : "ends with its file");
	text_put(stdout, user);
	if (ptx_lease_info_pid(info))
		printf(", process %d", (int)ptx_lease_info_pid(info));
	if (ptx_lease_info_max_devices(info))
		printf(", %u devices at most", ptx_lease_info_max_devices(info));
	printf(", %s old%s\n", age, ptx_lease_info_forced(info) ? ", forced" : "");
	if (ptx_lease_info_space(info))
		space_print(ptx_lease_info_space(info));
	table = table_new(9, "  ADDRESS", "NAME", "KIND", "GROUP", "STATE", "DRIVER", "NATIVE",
			  "OPEN", "NOTE");
	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++) {
		table_cellf(table, "  %s", ptx_lease_member_device(member));
		table_cell(table, cli_name_of(cli, ptx_lease_member_device(member)));
		table_cell(table, ptx_kind_name(ptx_lease_member_kind(member)));
		table_cellf(table, "%u", ptx_lease_member_group(member));
		table_cell(table, ptx_member_state_name(ptx_lease_member_state(member)));
		table_cell(table, ptx_lease_member_driver(member));
		table_cell(table, ptx_lease_member_native_driver(member));
		table_cell(table, !ptx_lease_member_opened(member) ? "no" :
				  ptx_lease_member_cut(member) ? "cut off" : "yes");
		note_cell(table, member);
	}
	table_print(table);
}

/* Print one lease as the answer to a change, and free it. */
static int answer(struct cli *cli, struct ptx_lease_info *info)
{
	int status = EXIT_DONE;

	if (cli->json)
		status = json_print(cli, lease_json(cli, info));
	else
		lease_print(cli, info);
	ptx_lease_info_free(info);
	return status;
}

/**
 * struct lease_args - the command line of lease and add
 * @options: how to add
 * @owner: uid, or (uid_t)-1
 * @plug: the VMM to plug them into, or NULL
 * @dma: what is asked for of its DMA space; of lease only
 * @stop_persistenced: stop that daemon if it is in the way
 */
struct lease_args {
	struct ptx_add_options options;
	struct dma dma;
	uid_t owner;
	const char *plug;
	bool stop_persistenced;
};

static const struct option lease_options[] = {
	{ "boot-display", no_argument, NULL, OPT_BOOT_DISPLAY },
	{ "clear-memory", no_argument, NULL, OPT_CLEAR_MEMORY },
	{ "dma-quota", required_argument, NULL, OPT_DMA_QUOTA },
	{ "dma-window", required_argument, NULL, OPT_DMA_WINDOW },
	{ "driver", required_argument, NULL, OPT_DRIVER },
	{ "exact", no_argument, NULL, OPT_EXACT },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "owner", required_argument, NULL, OPT_OWNER },
	{ "plug", required_argument, NULL, OPT_PLUG },
	{ "reset", no_argument, NULL, OPT_RESET },
	{ "rom-sha256", required_argument, NULL, OPT_ROM },
	{ "space", no_argument, NULL, OPT_SPACE },
	{ "stop-persistenced", no_argument, NULL, OPT_STOP_PERSISTENCED },
	{ }
};

static int parse_lease_args(struct cli *cli, int argc, char **argv, struct lease_args *args)
{
	int c;

	memset(args, 0, sizeof(*args));
	args->options.size = sizeof(args->options);
	args->owner = (uid_t)-1;
	while ((c = cli_getopt(cli, argc, argv, "hjp", lease_options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_DRIVER:
			args->options.driver = optarg;
			break;
		case OPT_EXACT:
			args->options.flags |= PTX_ADD_FLAGS_EXACT;
			break;
		case OPT_BOOT_DISPLAY:
			args->options.flags |= PTX_ADD_FLAGS_BOOT_DISPLAY;
			break;
		case OPT_CLEAR_MEMORY:
			args->options.flags |= PTX_ADD_FLAGS_CLEAR_MEMORY;
			break;
		case OPT_FORCE:
			args->options.flags |= PTX_ADD_FLAGS_FORCE;
			break;
		case OPT_RESET:
			args->options.flags |= PTX_ADD_FLAGS_RESET;
			break;
		case OPT_ROM:
			if (!cli_rom(cli, optarg, &args->options))
				return EXIT_USAGE;
			break;
		case OPT_TIMEOUT:
			if (!cli_request_timeout(cli, optarg, &args->options.timeout_ms))
				return EXIT_USAGE;
			break;
		case OPT_OWNER:
			if (strcmp(cli->verb->name, "lease"))
				return cli_usage(cli, "a lease has an owner from its beginning");
			if (!cli_user(optarg, &args->owner))
				return cli_usage(cli, "there is no user '%s'", optarg);
			break;
		case OPT_DMA_QUOTA:
		case OPT_DMA_WINDOW:
		case OPT_SPACE:
			if (strcmp(cli->verb->name, "lease"))
				return cli_usage(cli, "a lease has a DMA space from its beginning, "
						 "or none; to change it: ptxctl restrict");
			if (!dma_option(cli, c, optarg, &args->dma))
				return EXIT_USAGE;
			break;
		case OPT_PLUG:
			if (strcmp(cli->verb->name, "add"))
				return cli_usage(cli, "make the lease first; add plugs devices in");
			args->plug = optarg;
			break;
		case OPT_STOP_PERSISTENCED:
			args->stop_persistenced = true;
			break;
		}
	}
	return EXIT_DONE;
}

static int change(struct cli *cli, const char *name, const struct lease_args *args,
		  struct ptx_pick *pick, struct ptx_lease_info **info)
{
	struct ptx_space_options space = dma_options(&args->dma);
	struct ptx_lease_ref ref = { .name = name };
	int err;

	do {
		const char *const *devices = pick ? ptx_pick_devices(pick) : NULL;
		size_t nr = pick ? ptx_pick_count(pick) : 0;

		if (pick && selection_guard(cli, pick))
			return EXIT_REFUSED;
		progress_begin("waiting for the drivers to let go");
		if (!strcmp(cli->verb->name, "lease"))
			err = ptx_persistent_new_space(cli->ctx, name, args->owner, devices, nr,
						       &args->options, dma_wanted(&args->dma) ?
						       &space : NULL, info);
		else
			err = ptx_persistent_add(cli->ctx, &ref, devices, nr, &args->options,
						 info);
		progress_end();
	} while (err && pick && ptx_pick_next(pick, err));
	return err ? cli_fail(cli) : EXIT_DONE;
}

static int lease_or_add(struct cli *cli, int argc, char **argv, int least)
{
	struct ptx_lease_info *before = NULL, *info = NULL;
	struct selection sel = { .nr = 0 };
	struct plug plug = { .control = NULL };
	struct ledger *ledger = NULL;
	struct ptx_pick *pick = NULL;
	struct lease_args args;
	int status;

	status = parse_lease_args(cli, argc, argv, &args);
	if (!status && argc - optind < least)
		status = cli_usage(cli, optind == argc ? "which lease?" : "which devices?");
	if (!status)
		status = selection_add_all(cli, &sel, argv + optind + 1, argc - optind - 1);
	if (!status && args.plug) {
		struct ptx_lease_ref ref = { .name = argv[optind] };

		status = plug_open(cli, args.plug, &plug);
		if (!status && ptx_lease_info_get(cli->ctx, &ref, &before))
			status = cli_fail(cli);
	}
	/* Before devices are chosen: those that it has open do not count as free. */
	if (!status && args.stop_persistenced)
		status = ledger_begin(cli, &sel, argv[optind], &ledger);
	if (!status && sel.nr)
		status = selection_pick(cli, &sel, &pick);
	if (!status)
		status = change(cli, argv[optind], &args, pick, &info);
	if (!status && args.plug)
		status = plug_added(cli, &plug, before, info);
	ledger_end(ledger, status ? NULL : info);
	if (!status)
		status = answer(cli, info);
	else
		ptx_lease_info_free(info);
	ptx_lease_info_free(before);
	plug_close(&plug);
	ptx_pick_free(pick);
	dma_free(&args.dma);
	selection_free(&sel);
	return status;
}

int verb_lease(struct cli *cli, int argc, char **argv)
{
	return lease_or_add(cli, argc, argv, 1);
}

int verb_add(struct cli *cli, int argc, char **argv)
{
	return lease_or_add(cli, argc, argv, 2);
}

static const struct option timeout_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "unplug", required_argument, NULL, OPT_UNPLUG },
	{ }
};

/* Of remove and release; *@unplug is NULL without that option. */
static int parse_timeout_args(struct cli *cli, int argc, char **argv, uint32_t *timeout_ms,
			      const char **unplug)
{
	int c;

	*unplug = NULL;

	while ((c = cli_getopt(cli, argc, argv, "hjp", timeout_options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_TIMEOUT:
			if (!cli_timeout(cli, optarg, timeout_ms))
				return EXIT_USAGE;
			break;
		case OPT_UNPLUG:
			if (strcmp(cli->verb->name, "remove"))
				return cli_usage(cli, "remove unplugs devices; then release");
			*unplug = optarg;
			break;
		}
	}
	return EXIT_DONE;
}

/* Of a selector, the members of the lease that it means. */
static int add_members(struct cli *cli, const struct ptx_selector *sel,
		       const struct ptx_lease_info *info, const char **devices, size_t *nr)
{
	const struct ptx_lease_member *member;
	uint32_t want = ptx_selector_count(sel), found = 0;

	if (ptx_selector_address(sel)) {
		devices[(*nr)++] = ptx_selector_address(sel);
		return EXIT_DONE;
	}
	for (size_t i = 0; found < want && (member = ptx_lease_info_member(info, i)); i++) {
		const char *address = ptx_lease_member_device(member);
		struct ptx_device *dev;
		bool fits;

		if (ptx_device_get(cli->ctx, address, &dev))
			return cli_fail(cli);
		fits = ptx_selector_match(sel, dev);
		ptx_device_free(dev);
		for (size_t j = 0; fits && j < *nr; j++)
			fits = strcmp(devices[j], address);
		if (!fits)
			continue;
		devices[(*nr)++] = address;
		found++;
	}
	if (found == want)
		return EXIT_DONE;
	cli_say("the lease has no such device");
	return EXIT_REFUSED;
}

int verb_remove(struct cli *cli, int argc, char **argv)
{
	struct ptx_lease_info *before = NULL, *after = NULL;
	struct selection sel = { .nr = 0 };
	struct ptx_lease_ref ref = { .id = 0 };
	struct plug plug = { .control = NULL };
	const char **devices = NULL, *unplug;
	uint32_t timeout_ms = 0;
	size_t nr = 0;
	int status, err;

	status = parse_timeout_args(cli, argc, argv, &timeout_ms, &unplug);
	if (status)
		return status;
	if (argc - optind < 2)
		return cli_usage(cli, optind == argc ? "which lease?" : "which devices?");
	ref.name = argv[optind];
	status = selection_add_all(cli, &sel, argv + optind + 1, argc - optind - 1);
	if (status)
		goto out;
	if (ptx_lease_info_get(cli->ctx, &ref, &before)) {
		status = cli_fail(cli);
		goto out;
	}
	/* A selector gives at most all members, and at least itself. */
	devices = calloc(sel.nr + sel.nr * ptx_lease_info_nr_members(before),
			 sizeof(*devices));
	if (!devices) {
		cli_say("out of memory");
		status = EXIT_REFUSED;
		goto out;
	}
	/* Those that are named first, lest a kind chooses them too. */
	for (int named = 1; named >= 0; named--) {
		for (size_t i = 0; !status && i < sel.nr; i++) {
			if (!ptx_selector_address(sel.sels[i]) == !named)
				status = add_members(cli, sel.sels[i], before, devices, &nr);
		}
	}
	if (!status && unplug)
		status = plug_open(cli, unplug, &plug);
	if (!status && unplug)
		status = plug_take_out(&plug, before, devices, nr, timeout_ms);
	if (status)
		goto out;
	progress_begin("waiting for the devices to be home");
	err = ptx_persistent_remove(cli->ctx, &ref, devices, nr, timeout_ms, &after);
	progress_end();
	status = err ? cli_fail(cli) : answer(cli, after);
out:
	plug_close(&plug);
	free(devices);
	ptx_lease_info_free(before);
	selection_free(&sel);
	return status;
}

int verb_release(struct cli *cli, int argc, char **argv)
{
	uint32_t timeout_ms = 0;
	const char *unplug;
	int status, one, err;

	status = parse_timeout_args(cli, argc, argv, &timeout_ms, &unplug);
	if (status)
		return status;
	if (optind == argc)
		return cli_usage(cli, "which lease?");
	for (int i = optind; i < argc; i++) {
		struct ptx_lease_ref ref = { .name = argv[i] };

		progress_begin("waiting for the devices to be home");
		err = ptx_persistent_release(cli->ctx, &ref, timeout_ms);
		progress_end();
		if (!err)
			continue;
		one = cli_fail(cli);
		if (one > status)
			status = one;
	}
	return status;
}

static int leases_print(struct cli *cli, const struct ptx_lease_info_list *list)
{
	const struct ptx_lease_info *info;
	struct json_object *array = NULL;
	struct table *table = NULL;
	char user[64], age[32];

	if (cli->json)
		array = json_object_new_array();
	else if (!cli->quiet)
		table = table_new(7, "NAME", "ID", "STATE", "OWNER", "PROCESS", "AGE", "DEVICES");
	for (size_t i = 0; (info = ptx_lease_info_list_at(list, i)); i++) {
		size_t nr = ptx_lease_info_nr_members(info);

		if (array) {
			json_object_array_add(array, lease_json(cli, info));
			continue;
		}
		if (!table) {
			text_put(stdout, ptx_lease_info_name(info));
			putchar('\n');
			continue;
		}
		user_text(ptx_lease_info_owner(info), user);
		age_text(ptx_lease_info_age_ms(info), age);
		table_cell(table, ptx_lease_info_name(info));
		table_cellf(table, "%llu", (unsigned long long)ptx_lease_info_id(info));
		table_cell(table, ptx_lease_state_name(ptx_lease_info_state(info)));
		table_cell(table, user);
		if (ptx_lease_info_pid(info))
			table_cellf(table, "%d", (int)ptx_lease_info_pid(info));
		else
			table_cell(table, NULL);
		table_cell(table, age);
		if (!nr)
			table_cell(table, NULL);
		else if (nr == 1)
			table_cell(table, ptx_lease_member_device(ptx_lease_info_member(info, 0)));
		else
			table_cellf(table, "%s and %zu more",
				    ptx_lease_member_device(ptx_lease_info_member(info, 0)),
				    nr - 1);
	}
	if (array)
		return json_print(cli, array);
	if (table)
		table_print(table);
	return EXIT_DONE;
}

int verb_leases(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ }
	};
	struct ptx_lease_info_list *list;
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "hjpq", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
	}
	if (optind != argc)
		return cli_usage(cli, "leases shows all; show NAME shows one");
	if (ptx_lease_info_list_get(cli->ctx, &list))
		return cli_fail(cli);
	status = leases_print(cli, list);
	ptx_lease_info_list_free(list);
	return status;
}

int verb_show(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct json_object *array = NULL;
	struct ptx_lease_info *info;
	int c, status = EXIT_DONE, one;

	while ((c = cli_getopt(cli, argc, argv, "hjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
	}
	if (optind == argc)
		return cli_usage(cli, "which lease?");
	if (cli->json)
		array = json_object_new_array();
	for (int i = optind; i < argc; i++) {
		struct ptx_lease_ref ref = { .name = argv[i] };

		if (ptx_lease_info_get(cli->ctx, &ref, &info)) {
			one = cli_fail(cli);
			if (one > status)
				status = one;
			continue;
		}
		if (array) {
			json_object_array_add(array, lease_json(cli, info));
		} else {
			if (i > optind)
				putchar('\n');
			lease_print(cli, info);
		}
		ptx_lease_info_free(info);
	}
	if (array && status)
		json_object_put(array);
	else if (array)
		status = json_print(cli, array);
	return status;
}
