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

/*
 * Time is up. The one thing that can keep a device that was cut is an open file; if
 * it is that, nothing else needs to be said.
 */
static int say_late(struct cli *cli, const struct ptx_lease_ref *ref, bool kills)
{
	const struct ptx_lease_member *member;
	struct ptx_lease_info *info = NULL;
	int status = EXIT_REFUSED;
	bool held = false;

	/* What was said of the wait is lost if this fails: so it is said anew. */
	if (ptx_lease_info_get(cli->ctx, ref, &info)) {
		cli_say("%s", ptx_reason_text(PTX_REASON_TIMEOUT));
		return status;
	}
	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++)
		held |= ptx_lease_member_opened(member);
	if (!held)
		status = cli_fail(cli);
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
	}
	if (held)
		fputs(kills ? "  watch it end: ptxctl monitor\n" :
		      "  end its VMM, or let ptx do so: ptxctl revoke --kill\n", stderr);
	ptx_lease_info_free(info);
	return status;
}

/* When the last of its devices was cut, in milliseconds; 0 if none was, or it is not known. */
static int64_t cut_at(struct ptx_events *events, uint64_t lease, int64_t begin)
{
	struct ptx_notice *notice;
	int64_t at = 0, ms;
	int n;

	while ((n = ptx_events_read(events, 0, &notice)) > 0 || n == -ENOBUFS) {
		if (n < 0)
			continue;
		ms = (int64_t)(ptx_notice_time_ns(notice) / 1000000);
		if (ptx_notice_event(notice) == PTX_EVENT_MEMBER_CUT &&
		    ptx_notice_lease_id(notice) == lease && ms >= begin)
			at = ms;
		ptx_notice_free(notice);
	}
	return at;
}

static int revoke_one(struct cli *cli, const char *name,
		      const struct ptx_revoke_options *options, uint32_t timeout_ms)
{
	struct ptx_lease_ref ref = { .name = name };
	struct ptx_events *events = NULL;
	struct ptx_lease_info *info;
	int64_t begin = now_ms(), home, cut;
	int err;

	/* By id from now on: what follows must not hit another of that name. */
	err = ptx_lease_info_get(cli->ctx, &ref, &info);
	if (err)
		return cli_fail(cli);
	ref.id = ptx_lease_info_id(info);
	ptx_lease_info_free(info);
	/* Only to tell when they were cut. */
	if (cli->quiet || ptx_events_open(cli->ctx, &events))
		events = NULL;
	progress_begin("waiting for the devices to be home");
	err = ptx_persistent_revoke(cli->ctx, &ref, options);
	if (!err)
		err = ptx_persistent_release(cli->ctx, &ref, timeout_ms);
	progress_end();
	/* It let go while we asked. */
	if (err == -ENOENT || err == -ESHUTDOWN)
		err = 0;
	home = now_ms();
	if (err) {
		ptx_events_close(events);
		return err == -ETIMEDOUT ? say_late(cli, &ref, options->flags) : cli_fail(cli);
	}
	cut = events ? cut_at(events, ref.id, begin) : 0;
	ptx_events_close(events);
	if (!cli->quiet) {
		text_put(stdout, name);
		if (cut)
			printf(": cut off after %lld ms, home after %lld ms\n",
			       (long long)(cut - begin), (long long)(home - begin));
		else
			printf(": everything is home after %lld ms\n", (long long)(home - begin));
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
