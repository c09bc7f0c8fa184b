// SPDX-License-Identifier: GPL-2.0-only
/*
 * monitor: events as they happen, a line each.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "output.h"
#include "ptxctl.h"

/* The time of day of a moment of CLOCK_MONOTONIC, in nanoseconds. */
static int64_t wall_ns(uint64_t mono_ns)
{
	struct timespec wall, mono;
	int64_t shift;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	shift = ((int64_t)wall.tv_sec - mono.tv_sec) * 1000000000 +
		(wall.tv_nsec - mono.tv_nsec);
	return (int64_t)mono_ns + shift;
}

static void time_text(uint64_t mono_ns, bool date, char buf[64])
{
	int64_t ns = wall_ns(mono_ns);
	time_t seconds = (time_t)(ns / 1000000000);
	char text[40];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    !(date ? strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) :
		     strftime(text, sizeof(text), "%H:%M:%S", &tm)))
		*text = '\0';
	snprintf(buf, 64, "%s.%03d", text, (int)(ns / 1000000 % 1000));
}

static void notice_json(struct cli *cli, const struct ptx_notice *notice)
{
	struct json_object *obj = json_object_new_object();
	enum ptx_reason reason = ptx_notice_reason(notice);
	const char *device = ptx_notice_device(notice);
	char when[64];

	time_text(ptx_notice_time_ns(notice), true, when);
	json_put_text(obj, "event", ptx_event_name(ptx_notice_event(notice)));
	json_put_text(obj, "time", when);
	json_put_u64(obj, "monotonic_ns", ptx_notice_time_ns(notice));
	json_put_text(obj, "device", device);
	json_put_text(obj, "name", device ? cli_name_of(cli, device) : NULL);
	if (ptx_notice_lease_id(notice))
		json_put_u64(obj, "lease_id", ptx_notice_lease_id(notice));
	else
		json_object_object_add(obj, "lease_id", NULL);
	json_put_text(obj, "lease", ptx_notice_lease_name(notice));
	json_put_text(obj, "driver", ptx_notice_driver(notice));
	json_put_text(obj, "reason", reason ? ptx_reason_name(reason) : NULL);
	json_put_text(obj, "method", ptx_notice_method(notice));
	if (ptx_notice_method(notice))
		json_put_u64(obj, "took_ms", ptx_notice_took_ms(notice));
	else
		json_object_object_add(obj, "took_ms", NULL);
	json_print(cli, obj);
}

static void put(const char *label, const char *text)
{
	if (!text)
		return;
	printf(" %s", label);
	text_put(stdout, text);
}

static void notice_print(struct cli *cli, const struct ptx_notice *notice)
{
	enum ptx_reason reason = ptx_notice_reason(notice);
	const char *device = ptx_notice_device(notice);
	char when[64];

	time_text(ptx_notice_time_ns(notice), false, when);
	printf("%s %-17s", when, ptx_event_name(ptx_notice_event(notice)));
	put("", device);
	put("", device ? cli_name_of(cli, device) : NULL);
	put("lease ", ptx_notice_lease_name(notice));
	put("driver ", ptx_notice_driver(notice));
	put("by ", ptx_notice_method(notice));
	if (ptx_notice_method(notice))
		printf(" in %u ms", ptx_notice_took_ms(notice));
	if (reason)
		put("", ptx_reason_text(reason));
	putchar('\n');
}

/* As far as one may see: for those who may not, it is silence as before. */
static bool other_netns(void)
{
	struct stat own, host;

	return !stat("/proc/self/ns/net", &own) && !stat("/proc/1/ns/net", &host) &&
	       (own.st_dev != host.st_dev || own.st_ino != host.st_ino);
}

int verb_monitor(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ }
	};
	struct ptx_events *events;
	struct ptx_notice *notice;
	unsigned long count = 0, seen = 0;
	int c, n, status = EXIT_DONE;
	char *end;

	while ((c = cli_getopt(cli, argc, argv, "hjpn:", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c != 'n')
			continue;
		count = strtoul(optarg, &end, 10);
		if (!count || *end || *optarg == '-')
			return cli_usage(cli, "'%s' is no number of events", optarg);
	}
	if (optind != argc)
		return cli_usage(cli, "monitor takes no '%s'", argv[optind]);
	cli->pretty = false;	/* a line each */
	if (ptx_events_open(cli->ctx, &events))
		return cli_fail(cli);
	if (other_netns())
		cli_say("the module tells of events in the host's network namespace, and this seems "
			"to be another");
	if (isatty(STDERR_FILENO))
		cli_say("watching; end with Ctrl-C");
	do {
		n = ptx_events_read(events, -1, &notice);
		if (n == -ENOBUFS) {
			cli_say("some events were lost: they came faster than they could be told");
			continue;
		}
		if (n < 0) {
			status = cli_fail(cli);
			break;
		}
		if (cli->json)
			notice_json(cli, notice);
		else
			notice_print(cli, notice);
		ptx_notice_free(notice);
		if (fflush(stdout) || ferror(stdout)) {
			status = EXIT_REFUSED;
			break;
		}
		seen++;
	} while (!count || seen < count);
	ptx_events_close(events);
	return status;
}
