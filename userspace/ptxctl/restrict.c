// SPDX-License-Identifier: GPL-2.0-only
/*
 * restrict: another owner, process or limit for a lease that there is already.
 */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <libptx/libptx.h>
#include "output.h"
#include "ptxctl.h"

/* A number of 1 to @max, or "any", which is 0. */
static bool parse_number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	*value = 0;
	if (!strcmp(text, "any"))
		return true;
	*value = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *value && *value <= max;
}

int verb_restrict(struct cli *cli, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "max", required_argument, NULL, OPT_MAX },
		{ "owner", required_argument, NULL, OPT_OWNER },
		{ "pid", required_argument, NULL, OPT_PID },
		{ }
	};
	struct ptx_restrict_options options = { .size = sizeof(options) };
	struct ptx_lease_ref ref = { .id = 0 };
	unsigned long number;
	int c;

	while ((c = cli_getopt(cli, argc, argv, "h", long_options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_MAX:
			if (!parse_number(optarg, PTX_DEVICES_MAX, &number))
				return cli_usage(cli, "--max takes 1 to %d, or any, not '%s'",
						 PTX_DEVICES_MAX, optarg);
			options.flags |= PTX_RESTRICT_MAX_DEVICES;
			options.max_devices = (uint32_t)number;
			break;
		case OPT_OWNER:
			if (!cli_user(optarg, &options.owner))
				return cli_usage(cli, "there is no user '%s'", optarg);
			options.flags |= PTX_RESTRICT_OWNER;
			break;
		case OPT_PID:
			if (!parse_number(optarg, INT_MAX, &number))
				return cli_usage(cli, "'%s' is no process", optarg);
			options.flags |= PTX_RESTRICT_PROCESS;
			options.pid = (pid_t)number;
			break;
		}
	}
	if (optind != argc - 1)
		return cli_usage(cli, optind == argc ? "which lease?" : "one lease at a time");
	if (!options.flags)
		return cli_usage(cli, "to what?");
	ref.name = argv[optind];
	return ptx_persistent_restrict(cli->ctx, &ref, &options) ? cli_fail(cli) : EXIT_DONE;
}
