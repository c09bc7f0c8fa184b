// SPDX-License-Identifier: GPL-2.0-only
/*
 * devices: list, info and name.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "device_json.h"
#include "devices.h"
#include "output.h"
#include "pciname.h"
#include "select.h"

static const char *lease_text(const struct ptx_lease_info_list *leases, uint64_t id,
			      char buf[32])
{
	const struct ptx_lease_info *info;

	if (!id)
		return NULL;
	info = leases ? ptx_lease_info_list_find(leases, id) : NULL;
	if (info && *ptx_lease_info_name(info))
		return ptx_lease_info_name(info);
	snprintf(buf, 32, "#%llu", (unsigned long long)id);
	return buf;
}

static bool wanted(const struct selection *sel, const struct ptx_device *dev, bool all)
{
	if (!sel->nr)
		return all || ptx_device_kind(dev) != PTX_KIND_BRIDGE;
	for (size_t i = 0; i < sel->nr; i++) {
		if (ptx_selector_match(sel->sels[i], dev))
			return true;
	}
	return false;
}

/* Every device that is named must be there. */
static int named_exist(const struct selection *sel, const struct ptx_device_list *list)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < sel->nr; i++) {
		const char *address = ptx_selector_address(sel->sels[i]);

		if (address && !ptx_device_list_find(list, address)) {
			cli_say("%s: %s", address, ptx_reason_text(PTX_REASON_NO_DEVICE));
			status = EXIT_REFUSED;
		}
	}
	return status;
}

/* Who has it; or, where no lease does, the pool or how it stands after its last one. */
const char *device_holder(const struct ptx_device *dev,
			  const struct ptx_lease_info_list *leases, char *buf, size_t size)
{
	enum ptx_member_state state;

	if (ptx_device_lease_id(dev))
		return lease_text(leases, ptx_device_lease_id(dev), buf);
	if (ptx_device_member_state(dev, &state) && state != PTX_MEMBER_STATE_READY &&
	    state != PTX_MEMBER_STATE_BUILDING) {
		snprintf(buf, size, "(%s)", ptx_member_state_name(state));
		return buf;
	}
	return ptx_device_pooled(dev) ? "(pool)" : NULL;
}

static void list_row(struct cli *cli, struct table *table, const struct ptx_device *dev,
		     const struct ptx_lease_info_list *leases)
{
	uint32_t group;
	char buf[32];

	table_cell(table, ptx_device_name(dev));
	table_cell(table, cli_name_of(cli, ptx_device_name(dev)));
	table_cell(table, ptx_kind_name(ptx_device_kind(dev)));
	table_cellf(table, "%s %s", pciname_vendor(dev), pciname_device(dev));
	table_cell(table, ptx_device_driver(dev));
	if (ptx_device_group(dev, &group))
		table_cellf(table, "%u", group);
	else
		table_cell(table, NULL);
	table_cell(table, device_holder(dev, leases, buf, sizeof(buf)));
}

static int list_print(struct cli *cli, const struct selection *sel,
		      const struct ptx_device_list *list,
		      const struct ptx_lease_info_list *leases, bool all)
{
	struct json_object *array = NULL;
	const struct ptx_device *dev;
	struct table *table = NULL;

	if (cli->json)
		array = json_object_new_array();
	else if (!cli->quiet)
		table = table_new(7, "ADDRESS", "NAME", "KIND", "DEVICE", "DRIVER", "GROUP",
				  "LEASE");
	for (size_t i = 0; (dev = ptx_device_list_at(list, i)); i++) {
		if (!wanted(sel, dev, all))
			continue;
		if (array) {
			json_object_array_add(array, device_json(cli, dev, leases));
		} else if (table) {
			list_row(cli, table, dev, leases);
		} else {
			text_put(stdout, ptx_device_name(dev));
			putchar('\n');
		}
	}
	if (array)
		return json_print(cli, array);
	if (table)
		table_print(table);
	return EXIT_DONE;
}

int verb_list(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ }
	};
	struct ptx_lease_info_list *leases = NULL;
	struct selection sel = { .nr = 0 };
	struct ptx_device_list *list = NULL;
	bool all = false;
	int c, status, missing;

	while ((c = cli_getopt(cli, argc, argv, "ahjpq", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'a')
			all = true;
	}
	status = selection_add_all(cli, &sel, argv + optind, argc - optind);
	if (status)
		goto out;
	if (ptx_device_list_get(cli->ctx, &list) ||
	    (!cli->quiet && ptx_lease_info_list_get(cli->ctx, &leases))) {
		status = cli_fail(cli);
		goto out;
	}
	missing = named_exist(&sel, list);
	status = list_print(cli, &sel, list, leases, all);
	if (!status)
		status = missing;
out:
	ptx_lease_info_list_free(leases);
	ptx_device_list_free(list);
	selection_free(&sel);
	return status;
}

static void line(const char *label, const char *text)
{
	printf("  %-14s ", label);
	text_put(stdout, text && *text ? text : "-");
	putchar('\n');
}

static void linef(const char *label, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void linef(const char *label, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	line(label, text);
	free(text);
}

/**
 * struct info - what the rows of info are made from
 * @leases: those that may be seen, or NULL
 * @array: JSON, or NULL
 * @printed: whether there was one before
 */
struct info {
	struct ptx_lease_info_list *leases;
	struct json_object *array;
	bool printed;
};

static void info_print(struct cli *cli, const struct ptx_device *dev,
		       const struct ptx_use_list *uses,
		       const struct ptx_lease_info_list *leases)
{
	const struct ptx_device_reset_count *count;
	const char *name = cli_name_of(cli, ptx_device_name(dev)), *mate;
	const struct ptx_blocker *blocker;
	enum ptx_member_state state;
	const struct ptx_use *use;
	char rom[PTX_ROM_TEXT_SIZE];
	uint32_t group;
	char buf[32];

	text_put(stdout, ptx_device_name(dev));
	if (name) {
		fputs("  ", stdout);
		text_put(stdout, name);
	}
	putchar('\n');
	line("kind", ptx_kind_name(ptx_device_kind(dev)));
	linef("device", "%s %s [%04x:%04x]", pciname_vendor(dev), pciname_device(dev),
	      ptx_device_vendor_id(dev), ptx_device_device_id(dev));
	linef("subsystem", "[%04x:%04x]", ptx_device_subsystem_vendor_id(dev),
	      ptx_device_subsystem_device_id(dev));
	linef("class", "%s [%06x]", pciname_class(dev), ptx_device_class(dev));
	line("driver", ptx_device_driver(dev));
	if (ptx_device_driver_override(dev))
		line("override", ptx_device_driver_override(dev));
	if (ptx_device_group(dev, &group))
		linef("group", "%u", group);
	else
		line("group", NULL);
	for (size_t i = 0; (mate = ptx_device_group_member(dev, i)); i++)
		line(i ? "" : "shared with", mate);
	if (ptx_device_numa_node(dev) >= 0)
		linef("NUMA node", "%d", ptx_device_numa_node(dev));
	line("reset", ptx_device_reset_methods(dev));
	for (size_t i = 0; (count = ptx_device_reset_count(dev, i)); i++)
		linef(i ? "" : "resets tried", "%s: %u, %u in vain; the last took %u ms%s%s",
		      count->method, count->tries, count->failures, count->last_ms,
		      count->last_error ? ": " : "",
		      count->last_error ? strerror(-count->last_error) : "");
	if (ptx_device_keeps_memory(dev))
		line("memory", "outlives a reset; --clear-memory clears it, or refuses the device");
	if (ptx_device_rom(dev))
		linef("option ROM", "sha256 %s", ptx_rom_text(ptx_device_rom(dev), rom));
	if (ptx_device_physfn(dev))
		line("function of", ptx_device_physfn(dev));
	line("lease", lease_text(leases, ptx_device_lease_id(dev), buf));
	if (ptx_device_pooled(dev))
		line("pool", ptx_device_lease_id(dev) ? "gets it back" : "has it");
	if (ptx_device_member_state(dev, &state))
		line("state", ptx_member_state_name(state));
	for (size_t i = 0; (use = ptx_use_list_at(uses, i)); i++)
		linef(i ? "" : "used by host", "%s: %s %s", ptx_use_node(use),
		      ptx_use_kind_name(ptx_use_kind(use)), ptx_use_by(use));
	for (size_t i = 0; (blocker = ptx_device_blocker(dev, i)); i++)
		linef(i ? "" : "blocked", "%s: %s%s%s%s", blocker->culprit,
		      ptx_reason_text((enum ptx_reason)blocker->reason),
		      *blocker->holder ? " (" : "", blocker->holder,
		      *blocker->holder ? ")" : "");
}

static int info_one(struct cli *cli, const struct ptx_device *dev, void *arg)
{
	struct info *info = arg;
	struct ptx_use_list *uses;
	struct json_object *obj, *mates;
	const char *mate;

	if (ptx_use_list_get(cli->ctx, ptx_device_name(dev), &uses))
		return cli_fail(cli);
	if (info->array) {
		obj = device_json(cli, dev, info->leases);
		mates = json_object_new_array();
		for (size_t i = 0; (mate = ptx_device_group_member(dev, i)); i++)
			json_object_array_add(mates, json_text(mate));
		json_object_object_add(obj, "group_members", mates);
		json_object_object_add(obj, "blockers", blockers_json(dev));
		json_object_object_add(obj, "uses", uses_json(uses));
		json_object_array_add(info->array, obj);
	} else {
		if (info->printed)
			putchar('\n');
		info_print(cli, dev, uses, info->leases);
		info->printed = true;
	}
	ptx_use_list_free(uses);
	return EXIT_DONE;
}

int verb_info(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct selection sel = { .nr = 0 };
	struct info info = { .array = NULL };
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "hjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
	}
	if (optind == argc)
		return cli_usage(cli, "which device?");
	status = selection_add_all(cli, &sel, argv + optind, argc - optind);
	if (!status && ptx_lease_info_list_get(cli->ctx, &info.leases))
		status = cli_fail(cli);
	if (!status) {
		if (cli->json)
			info.array = json_object_new_array();
		status = selection_each(cli, &sel, info_one, &info);
		if (info.array)
			json_print(cli, info.array);
	}
	ptx_lease_info_list_free(info.leases);
	selection_free(&sel);
	return status;
}

static int name_list(struct cli *cli)
{
	const struct ptx_names *names = cli_names(cli);
	struct json_object *array = NULL, *obj;
	struct table *table = NULL;

	if (!names)
		return EXIT_REFUSED;
	if (cli->json)
		array = json_object_new_array();
	else
		table = table_new(2, "NAME", "ADDRESS");
	for (size_t i = 0; i < ptx_names_count(names); i++) {
		if (array) {
			obj = json_object_new_object();
			json_put_text(obj, "name", ptx_names_name_at(names, i));
			json_put_text(obj, "address", ptx_names_address_at(names, i));
			json_object_array_add(array, obj);
		} else {
			table_cell(table, ptx_names_name_at(names, i));
			table_cell(table, ptx_names_address_at(names, i));
		}
	}
	if (array)
		return json_print(cli, array);
	table_print(table);
	return EXIT_DONE;
}

/* The other half of a name or an address. */
static int name_show(struct cli *cli, const char *word)
{
	const struct ptx_names *names = cli_names(cli);
	char address[PTX_DEVICE_NAME_SIZE];
	const char *name, *other;
	struct json_object *obj;

	if (!names)
		return EXIT_REFUSED;
	if (ptx_address_parse(word, address)) {
		name = ptx_names_name(names, address);
		other = name;
	} else {
		name = word;
		other = ptx_names_address(names, word);
		snprintf(address, sizeof(address), "%s", other ? other : "");
	}
	if (!other) {
		cli_say("%s: you have no name for it, and nothing is called so", word);
		return EXIT_REFUSED;
	}
	if (cli->json) {
		obj = json_object_new_object();
		json_put_text(obj, "name", name);
		json_put_text(obj, "address", address);
		return json_print(cli, obj);
	}
	text_put(stdout, other);
	putchar('\n');
	return EXIT_DONE;
}

static int name_set(struct cli *cli, const char *word, const char *name)
{
	const struct ptx_names *names = cli_names(cli);
	const char *address = names ? ptx_names_address(names, word) : NULL;
	char path[128], full[PTX_DEVICE_NAME_SIZE];

	if (!address)
		address = word;
	if (ptx_names_set(cli->ctx, name, address))
		return cli_fail(cli);
	if (ptx_address_parse(address, full)) {
		snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s", cli_root, full);
		if (access(path, F_OK))
			cli_say("%s is now called %s, but there is no such device at present",
				full, name);
	}
	return EXIT_DONE;
}

int verb_name(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "delete", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	bool delete = false;
	int c;

	while ((c = cli_getopt(cli, argc, argv, "dhjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'd')
			delete = true;
	}
	argc -= optind;
	argv += optind;
	if (delete) {
		if (argc != 1)
			return cli_usage(cli, "-d takes one name");
		return ptx_names_delete(cli->ctx, argv[0]) ? cli_fail(cli) : EXIT_DONE;
	}
	switch (argc) {
	case 0:
		return name_list(cli);
	case 1:
		return name_show(cli, argv[0]);
	case 2:
		return name_set(cli, argv[0], argv[1]);
	default:
		return cli_usage(cli, "too many words");
	}
}
