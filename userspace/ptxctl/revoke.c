// SPDX-License-Identifier: GPL-2.0-only
/*
 * revoke: take the devices of a lease from a VMM that may not want to give
 * them, and see them home.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include "output.h"
#include "ptxctl.h"

/* What the VMM may take, unless told otherwise. */
#define DEADLINE_MS	10000

/* The one thing that can keep a device that was cut: an open file. */
static bool held_open(struct cli *cli, const struct ptx_lease_ref *ref)
{
	const struct ptx_lease_member *member;
	struct ptx_lease_info *info;
	bool held = false;

	if (ptx_lease_info_get(cli->ctx, ref, &info))
		return false;
	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++) {
		/* VFIO waits for the files that nobody uses, too. */
		if (!ptx_lease_member_opened(member)) {
			if (ptx_lease_member_step(member))
				cli_say("%s: %s; a file of it under /dev/vfio may still be open",
					ptx_lease_member_device(member),
					ptx_lease_member_step(member));
			continue;
		}
		cli_say("%s: %s, but its file is still open", ptx_lease_member_device(member),
			ptx_lease_member_cut(member) ? "it was cut off" : "it cannot be cut off");
		held = true;
	}
	ptx_lease_info_free(info);
	return held;
}

static int revoke_one(struct cli *cli, const char *name,
		      const struct ptx_revoke_options *options, uint32_t timeout_ms)
{
	struct ptx_lease_ref ref = { .name = name };
	struct ptx_lease_info *info;
	int64_t begin = now_ms();
	int err, status;

	/* By id from now on: what follows must not hit another of that name. */
	err = ptx_lease_info_get(cli->ctx, &ref, &info);
	if (err)
		return cli_fail(cli);
	ref.id = ptx_lease_info_id(info);
	ptx_lease_info_free(info);
	progress_begin("waiting for the devices to be home");
	err = ptx_persistent_revoke(cli->ctx, &ref, options);
	if (!err)
		err = ptx_persistent_release(cli->ctx, &ref, timeout_ms);
	progress_end();
	/* It let go while we asked. */
	if (err == -ENOENT || err == -ESHUTDOWN)
		err = 0;
	if (err) {
		status = cli_fail(cli);
		if (err == -ETIMEDOUT && held_open(cli, &ref) && !options->flags)
			fputs("  end its VMM, or let ptx do so: ptxctl revoke --kill\n", stderr);
		return status;
	}
	if (!cli->quiet) {
		text_put(stdout, name);
		printf(": everything is home after %lld ms\n", (long long)(now_ms() - begin));
	}
	return EXIT_DONE;
}

int verb_revoke(struct cli *cli, int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "deadline", required_argument, NULL, OPT_DEADLINE },
		{ "help", no_argument, NULL, 'h' },
		{ "kill", optional_argument, NULL, OPT_KILL },
		{ "quiet", no_argument, NULL, 'q' },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ }
	};
	struct ptx_revoke_options options = {
		.size = sizeof(options),
		.deadline_ms = DEADLINE_MS,
	};
	uint32_t timeout_ms = 0;
	int c, one, status = EXIT_DONE;

	while ((c = cli_getopt(cli, argc, argv, "hq", long_options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_DEADLINE:
			if (!cli_delay(cli, optarg, &options.deadline_ms))
				return EXIT_USAGE;
			break;
		case OPT_KILL:
			options.flags |= PTX_REVOKE_KILL;
			if (optarg && !cli_delay(cli, optarg, &options.kill_ms))
				return EXIT_USAGE;
			break;
		case OPT_TIMEOUT:
			if (!cli_timeout(cli, optarg, &timeout_ms))
				return EXIT_USAGE;
			break;
		}
	}
	if (optind == argc)
		return cli_usage(cli, "which lease?");
	/* Long enough for all of it to happen, unless told otherwise. */
	if (!timeout_ms) {
		uint64_t all = (uint64_t)options.deadline_ms + options.kill_ms +
			       PTX_TIMEOUT_DEFAULT_MS;

		timeout_ms = all > PTX_TIMEOUT_MAX_MS ? PTX_TIMEOUT_MAX_MS : (uint32_t)all;
	}
	for (int i = optind; i < argc; i++) {
		one = revoke_one(cli, argv[i], &options, timeout_ms);
		if (one > status)
			status = one;
	}
	return status;
}
