// SPDX-License-Identifier: GPL-2.0-only
/*
 * restrict: another owner, process, limit or DMA space's windows and quota for a lease
 * that there is already.
 */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <libptx/libptx.h>
#include "dma.h"
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

/**
 * struct restriction - the command line
 * @options: to what
 * @dma: what is asked for of its DMA space
 * @force: unmap what is in the way
 */
struct restriction {
	struct ptx_restrict_options options;
	struct dma dma;
	bool force;
};

static int parse(struct cli *cli, int argc, char **argv, struct restriction *what)
{
	static const struct option long_options[] = {
		{ "dma-quota", required_argument, NULL, OPT_DMA_QUOTA },
		{ "dma-window", required_argument, NULL, OPT_DMA_WINDOW },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "help", no_argument, NULL, 'h' },
		{ "max", required_argument, NULL, OPT_MAX },
		{ "owner", required_argument, NULL, OPT_OWNER },
		{ "pid", required_argument, NULL, OPT_PID },
		{ }
	};
	struct ptx_restrict_options *options = &what->options;
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
			options->flags |= PTX_RESTRICT_MAX_DEVICES;
			options->max_devices = (uint32_t)number;
			break;
		case OPT_DMA_QUOTA:
		case OPT_DMA_WINDOW:
			if (!dma_option(cli, c, optarg, &what->dma))
				return EXIT_USAGE;
			options->flags |= PTX_RESTRICT_SPACE;
			break;
		case OPT_FORCE:
			what->force = true;
			break;
		case OPT_OWNER:
			if (!cli_user(optarg, &options->owner))
				return cli_usage(cli, "there is no user '%s'", optarg);
			options->flags |= PTX_RESTRICT_OWNER;
			break;
		case OPT_PID:
			if (!parse_number(optarg, INT_MAX, &number))
				return cli_usage(cli, "'%s' is no process", optarg);
			options->flags |= PTX_RESTRICT_PROCESS;
			options->pid = (pid_t)number;
			break;
		}
	}
	if (optind != argc - 1)
		return cli_usage(cli, optind == argc ? "which lease?" : "one lease at a time");
	if (!options->flags)
		return cli_usage(cli, "to what?");
	if (what->force && !what->dma.nr_windows)
		return cli_usage(cli, "--force goes with --dma-window");
	return EXIT_DONE;
}

int verb_restrict(struct cli *cli, int argc, char **argv)
{
	struct restriction what = { .options.size = sizeof(what.options) };
	struct ptx_lease_ref ref = { .id = 0 };
	struct ptx_space_options space;
	int status;

	status = parse(cli, argc, argv, &what);
	if (!status) {
		ref.name = argv[optind];
		space = dma_options(&what.dma);
		if (what.force)
			space.flags |= PTX_SPACE_OPTION_FORCE;
		if (what.options.flags & PTX_RESTRICT_SPACE)
			what.options.space = &space;
		if (ptx_persistent_restrict(cli->ctx, &ref, &what.options))
			status = cli_fail(cli);
	}
	dma_free(&what.dma);
	return status;
}
