// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats: what is counted of leases and their devices.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "output.h"
#include "ptxctl.h"
#include "size.h"
#include "space.h"
#include "stats.h"

/**
 * struct stats - the leases that are looked at
 * @list: all of them, or NULL when some are named
 * @named: those, to be freed
 * @nr_named: their number
 * @leases: either, each once
 * @nr: their number
 */
struct stats {
	struct ptx_lease_info_list *list;
	struct ptx_lease_info **named;
	size_t nr_named;
	const struct ptx_lease_info **leases;
	size_t nr;
};

static void size_cell(struct table *table, uint64_t bytes)
{
	char text[32];

	size_text(bytes, text);
	table_cell(table, text);
}

static void windows_cell(struct table *table, const struct ptx_space_info *space)
{
	const struct ptx_space_range *first = ptx_space_info_window(space, 0);
	size_t nr = ptx_space_info_nr_windows(space);
	char text[SPACE_RANGE_SIZE];

	if (!nr)
		table_cell(table, "none");
	else if (!first->first && first->last == UINT64_MAX)
		table_cell(table, "everywhere");
	else if (nr == 1)
		table_cell(table, space_range_text(first, text));
	else
		table_cellf(table, "%s and %zu more", space_range_text(first, text), nr - 1);
}

static void print_spaces(const struct stats *stats)
{
	struct table *table = table_new(8, "LEASE", "MAPPED", "PINNED", "QUOTA", "MAPPINGS",
					"LARGEST PAGE", "FAULTS", "WINDOWS");
	const struct ptx_space_info *space;
	uint64_t faults;

	for (size_t i = 0; i < stats->nr; i++) {
		space = ptx_lease_info_space(stats->leases[i]);
		table_cell(table, ptx_lease_info_name(stats->leases[i]));
		for (int j = 1; j < 8 && !space; j++)
			table_cell(table, NULL);
		if (!space)
			continue;
		size_cell(table, ptx_space_info_mapped(space));
		size_cell(table, ptx_space_info_pinned(space));
		if (ptx_space_info_quota(space))
			size_cell(table, ptx_space_info_quota(space));
		else
			table_cell(table, "any");
		table_cellf(table, "%llu of %llu",
			    (unsigned long long)ptx_space_info_entries(space),
			    (unsigned long long)ptx_space_info_max_entries(space));
		if (ptx_space_info_largest_page(space))
			size_cell(table, ptx_space_info_largest_page(space));
		else
			table_cell(table, NULL);
		if (ptx_space_info_faults(space, &faults))
			table_cellf(table, "%llu", (unsigned long long)faults);
		else
			table_cell(table, "not available");
		windows_cell(table, space);
	}
	table_print(table);
}

static void print_devices(const struct stats *stats)
{
	struct table *table = table_new(5, "DEVICE", "LEASE", "DRIVER", "STATE", "FAULTS");
	const struct ptx_lease_member *member;
	uint64_t faults;
	bool any = false;

	for (size_t i = 0; i < stats->nr; i++)
		any |= ptx_lease_info_nr_members(stats->leases[i]);
	if (any)
		putchar('\n');
	for (size_t i = 0; i < stats->nr; i++) {
		for (size_t j = 0; (member = ptx_lease_info_member(stats->leases[i], j)); j++) {
			table_cell(table, ptx_lease_member_device(member));
			table_cell(table, ptx_lease_info_name(stats->leases[i]));
			table_cell(table, ptx_lease_member_driver(member));
			table_cell(table, ptx_member_state_name(ptx_lease_member_state(member)));
			if (ptx_lease_member_faults(member, &faults))
				table_cellf(table, "%llu", (unsigned long long)faults);
			else
				table_cell(table, "not available");
		}
	}
	table_print(table);
}

/* The bound of a class of times; the last has none. */
static void time_cell(struct table *table, size_t class)
{
	double us = (double)(1ULL << class);

	if (class + 1 == PTX_SPACE_TIMES)
		table_cell(table, "more");
	else if (us < 1000)
		table_cellf(table, "< %.0f us", us);
	else if (us < 1e6)
		table_cellf(table, "< %.3f ms", us / 1e3);
	else
		table_cellf(table, "< %.3f s", us / 1e6);
}

/* What does not fit into a line of the table: all windows, and how long things took. */
static void print_more(const struct ptx_lease_info *info)
{
	const struct ptx_space_info *space = ptx_lease_info_space(info);
	const struct ptx_space_range *range;
	const uint64_t *pin, *map;
	char text[SPACE_RANGE_SIZE];
	struct table *table;
	bool any = false;

	if (!space)
		return;
	if (ptx_space_info_nr_windows(space) > 1) {
		putchar('\n');
		text_put(stdout, ptx_lease_info_name(info));
		puts(": windows");
		for (size_t i = 0; (range = ptx_space_info_window(space, i)); i++)
			printf("  %s\n", space_range_text(range, text));
	}
	pin = ptx_space_info_pin_times(space);
	map = ptx_space_info_map_times(space);
	table = table_new(3, "TIME", "PIN", "MAP");
	for (size_t i = 0; i < PTX_SPACE_TIMES; i++) {
		if (!pin[i] && !map[i])
			continue;
		if (!any) {
			putchar('\n');
			text_put(stdout, ptx_lease_info_name(info));
			puts(": how many changes took how long");
		}
		any = true;
		time_cell(table, i);
		table_cellf(table, "%llu", (unsigned long long)pin[i]);
		table_cellf(table, "%llu", (unsigned long long)map[i]);
	}
	table_print(table);
}

static struct json_object *stats_json(const struct ptx_lease_info *info)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *devices = json_object_new_array(), *one;
	const struct ptx_lease_member *member;
	uint64_t faults;

	json_put_u64(obj, "id", ptx_lease_info_id(info));
	json_put_text(obj, "name", ptx_lease_info_name(info));
	json_put_text(obj, "state", ptx_lease_state_name(ptx_lease_info_state(info)));
	json_object_object_add(obj, "space", space_json(ptx_lease_info_space(info)));
	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++) {
		one = json_object_new_object();
		json_put_text(one, "address", ptx_lease_member_device(member));
		json_put_text(one, "driver", ptx_lease_member_driver(member));
		json_put_text(one, "state", ptx_member_state_name(ptx_lease_member_state(member)));
		if (ptx_lease_member_faults(member, &faults))
			json_put_u64(one, "faults", faults);
		else
			json_object_object_add(one, "faults", NULL);
		json_object_array_add(devices, one);
	}
	json_object_object_add(obj, "devices", devices);
	return obj;
}

/* Each once: what is named twice would be two metrics of one name. */
static void take(struct stats *stats, const struct ptx_lease_info *info)
{
	for (size_t i = 0; i < stats->nr; i++) {
		if (ptx_lease_info_id(stats->leases[i]) == ptx_lease_info_id(info))
			return;
	}
	/* It holds nothing any more, and another lease may have its name. */
	if (ptx_lease_info_state(info) != PTX_LEASE_STATE_RELEASED)
		stats->leases[stats->nr++] = info;
}

static int read_named(struct cli *cli, char **names, size_t nr, struct stats *stats)
{
	int status = EXIT_DONE, one;

	stats->named = calloc(nr, sizeof(*stats->named));
	stats->leases = calloc(nr, sizeof(*stats->leases));
	if (!stats->named || !stats->leases) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	for (size_t i = 0; i < nr; i++) {
		struct ptx_lease_ref ref = { .name = names[i] };

		if (!ptx_lease_info_get(cli->ctx, &ref, &stats->named[stats->nr_named])) {
			take(stats, stats->named[stats->nr_named++]);
			continue;
		}
		one = cli_fail(cli);
		if (one > status)
			status = one;
	}
	return status;
}

static int read_all(struct cli *cli, struct stats *stats)
{
	size_t nr;

	if (ptx_lease_info_list_get(cli->ctx, &stats->list))
		return cli_fail(cli);
	nr = ptx_lease_info_list_count(stats->list);
	stats->leases = calloc(nr ? nr : 1, sizeof(*stats->leases));
	if (!stats->leases) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	for (size_t i = 0; i < nr; i++)
		take(stats, ptx_lease_info_list_at(stats->list, i));
	return EXIT_DONE;
}

static int stats_print(struct cli *cli, const struct stats *stats)
{
	struct json_object *array;

	if (cli->json) {
		array = json_object_new_array();
		for (size_t i = 0; i < stats->nr; i++)
			json_object_array_add(array, stats_json(stats->leases[i]));
		return json_print(cli, array);
	}
	print_spaces(stats);
	print_devices(stats);
	for (size_t i = 0; i < stats->nr; i++)
		print_more(stats->leases[i]);
	return EXIT_DONE;
}

int verb_stats(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "openmetrics", no_argument, NULL, OPT_OPENMETRICS },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct stats stats = { .nr = 0 };
	bool openmetrics = false;
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "hjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		openmetrics |= c == OPT_OPENMETRICS;
	}
	if (openmetrics && cli->json)
		return cli_usage(cli, "JSON or OpenMetrics, not both");
	if (optind < argc)
		status = read_named(cli, argv + optind, (size_t)(argc - optind), &stats);
	else
		status = read_all(cli, &stats);
	/* JSON and metrics are all or nothing: a program does not see what is missing. */
	if (!status && openmetrics)
		metrics_print(stats.leases, stats.nr);
	else if (!status || (status == EXIT_REFUSED && !cli->json && !openmetrics && stats.leases))
		status = stats_print(cli, &stats) > status ? EXIT_REFUSED : status;
	for (size_t i = 0; i < stats.nr_named; i++)
		ptx_lease_info_free(stats.named[i]);
	free(stats.named);
	free(stats.leases);
	ptx_lease_info_list_free(stats.list);
	return status;
}
