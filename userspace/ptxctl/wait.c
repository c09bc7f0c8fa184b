// SPDX-License-Identifier: GPL-2.0-only
/*
 * wait: wait until a lease is in a state, by its events.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <time.h>
#include "output.h"
#include "ptxctl.h"

/**
 * struct watch - a lease being waited for
 * @events: what happens to it; NULL for those who may not listen
 * @ref: it; by id once that is known, since a name may be used again
 * @want: the state
 * @end: when to give up, in milliseconds; 0 is never
 */
struct watch {
	struct ptx_events *events;
	struct ptx_lease_ref ref;
	enum ptx_lease_state want;
	int64_t end;
};

/* How often those who may not listen to events look instead. */
#define LOOK_AGAIN_MS 100

/* Waits for something to happen: 1, 0 when there was no time left, or an error. */
static int something(struct watch *watch, int64_t left)
{
	struct ptx_notice *notice;
	int n;

	if (!watch->events) {
		poll(NULL, 0, left < 0 || left > LOOK_AGAIN_MS ? LOOK_AGAIN_MS : (int)left);
		return left != 0;
	}
	n = ptx_events_read(watch->events, (int)left, &notice);
	if (n > 0)
		ptx_notice_free(notice);
	/* What was lost may be it too. */
	return n == -ENOBUFS ? 1 : n;
}

/* 1 when it is in that state or beyond, 0 when not yet, or a negative errno. */
static int reached(struct cli *cli, struct watch *watch)
{
	enum ptx_lease_state state;
	struct ptx_lease_info *info;
	int err;

	err = ptx_lease_info_get(cli->ctx, &watch->ref, &info);
	if (err == -ENOENT && !watch->ref.id && watch->want == PTX_LEASE_STATE_ACTIVE)
		return 0;
	/* One that ended before the first look, or that is not ours to see. */
	if (err == -ENOENT && !watch->ref.id) {
		if (!watch->events)
			return err;
		cli_say("there is no such lease (any more)");
	}
	if (err == -ENOENT)
		return watch->want == PTX_LEASE_STATE_ACTIVE ? -ENOENT : 1;
	if (err)
		return err;
	watch->ref.id = ptx_lease_info_id(info);
	state = ptx_lease_info_state(info);
	ptx_lease_info_free(info);
	if (watch->want == PTX_LEASE_STATE_ACTIVE && state > watch->want)
		return -ENOENT;
	return state >= watch->want;
}

static int watch_lease(struct cli *cli, struct watch *watch)
{
	int64_t left = -1;
	int n;

	for (;;) {
		n = reached(cli, watch);
		if (n > 0)
			return EXIT_DONE;
		if (n == -ENOENT && watch->ref.id) {
			cli_say("the lease ended before it was active");
			return EXIT_REFUSED;
		}
		if (n < 0)
			return cli_fail(cli);
		/* Anything that happens may be it. */
		if (watch->end) {
			left = watch->end - now_ms();
			if (left < 0)
				left = 0;
		}
		n = something(watch, left);
		if (!n) {
			cli_say("it is not %s yet", ptx_lease_state_name(watch->want));
			return EXIT_REFUSED;
		}
		if (n < 0)
			return cli_fail(cli);
	}
}

int verb_wait(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "state", required_argument, NULL, OPT_STATE },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ }
	};
	struct watch watch = { .want = PTX_LEASE_STATE_RELEASED };
	uint32_t timeout_ms = 0;
	int c, err, status;

	while ((c = cli_getopt(cli, argc, argv, "h", options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_STATE:
			if (!ptx_lease_state_parse(optarg, &watch.want) ||
			    watch.want == PTX_LEASE_STATE_NEW)
				return cli_usage(cli,
					"a state is active, draining or released, not '%s'",
					optarg);
			break;
		case OPT_TIMEOUT:
			if (!cli_timeout(cli, optarg, &timeout_ms))
				return EXIT_USAGE;
			break;
		}
	}
	if (argc - optind != 1)
		return cli_usage(cli, optind == argc ? "which lease?" : "one lease at a time");
	watch.ref.name = argv[optind];
	if (timeout_ms)
		watch.end = now_ms() + timeout_ms;
	/* First the subscription, then the first look, or an event gets lost. */
	err = ptx_events_open(cli->ctx, &watch.events);
	if (err && err != -EPERM && err != -EACCES)
		return cli_fail(cli);
	if (err)
		watch.events = NULL;
	progress_begin("waiting for the lease");
	status = watch_lease(cli, &watch);
	progress_end();
	ptx_events_close(watch.events);
	return status;
}
