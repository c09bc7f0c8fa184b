// SPDX-License-Identifier: GPL-2.0-only
/*
 * reset: by hand. A device in quarantine gets another chance; any other is leased
 * and given back, since that is what resets it and proves it well.
 *
 * Either may wait in the kernel for longer than we want to, and only the end of the
 * process that waits ends that. So another process asks, and we wait for it.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include <libptx/libptx.h>
#include "output.h"
#include "ptxctl.h"
#include "select.h"

/* The whole ladder, with a bus that is slow to come back, takes minutes. */
#define RESET_TIMEOUT_MS	300000
/* How often we look at a device that the kernel does not wait for any more. */
#define LOOK_AGAIN_MS		150
/* What the kernel may take to say that the time is up, before we do. */
#define GRACE_MS		500
/* Nobody meets that many leases whose name is random. */
#define NAME_TRIES		8

/* How the process that asks ended, besides the exit status of the program. */
enum {
	ASK_LATE = 100,	/* not finished when the kernel's time was up */
	ASK_BUSY,	/* somebody has the device */
	ASK_ENDED,	/* it was we who did not wait any longer */
};

/**
 * struct reset - what is asked for, and what became of it
 * @add: how a device is leased for it
 * @timeout_ms: how long to wait for each
 * @signals: readable when the user has had enough
 * @interrupted: and had
 * @done: JSON of those that are back, or NULL
 */
struct reset {
	struct ptx_add_options add;
	uint32_t timeout_ms;
	int signals;
	bool interrupted;
	struct json_object *done;
};

/**
 * struct said - what the process that asks has to complain about
 * @text: the complaint
 * @len: its length
 */
struct said {
	char text[8192];
	size_t len;
};

static bool in_quarantine(const struct ptx_device *dev)
{
	enum ptx_member_state state;

	return ptx_device_member_state(dev, &state) && state == PTX_MEMBER_STATE_QUARANTINED;
}

/* How often anything was tried on it. */
static uint64_t tries(const struct ptx_device *dev)
{
	const struct ptx_device_reset_count *count;
	uint64_t sum = 0;

	for (size_t i = 0; (count = ptx_device_reset_count(dev, i)); i++)
		sum += count->tries;
	return sum;
}

/* A name that nobody can have taken before, to keep us from it. */
static int lease_begin(struct cli *cli, const char *device, struct ptx_lease **lease)
{
	struct ptx_lease_options options = { .size = sizeof(options) };
	char name[PTX_LEASE_NAME_MAX + 1];
	unsigned long long salt;
	struct ptx_info info;
	int err;

	/* A grant with a quota covers no lease without a space. */
	if (!ptx_ctx_info(cli->ctx, &info) && info.out_features & PTX_FEATURE_SPACE)
		options.flags = PTX_LEASE_CREATE_SPACE;
	for (int i = 0; i < NAME_TRIES; i++) {
		if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
			salt = (unsigned long long)getpid() << 32 | (unsigned int)i;
		snprintf(name, sizeof(name), "reset-%s-%016llx", device, salt);
		/* One that ends with us, whatever ends us; and that a grant allows. */
		err = ptx_lease_create(cli->ctx, name, &options, lease);
		if (err != -EEXIST)
			break;
	}
	return err;
}

static int lease_and_release(struct cli *cli, const char *device, const struct reset *reset)
{
	struct ptx_add_options add = reset->add;
	int64_t end = now_ms() + reset->timeout_ms, left;
	struct ptx_lease *lease;
	int err;

	add.timeout_ms = reset->timeout_ms;
	err = lease_begin(cli, device, &lease);
	if (err)
		return err;
	err = ptx_lease_add(lease, &device, 1, &add, NULL);
	left = end - now_ms();
	if (!err)
		err = ptx_lease_release(lease, left < 1 ? 1 : (uint32_t)left);
	ptx_lease_close(lease);
	return err;
}

/* In a process of its own, with a way to the module of its own. */
static int ask(struct cli *cli, const struct ptx_device *dev, const struct reset *reset)
{
	const char *name = ptx_device_name(dev);
	struct cli own = *cli;
	int err, status;

	if (ptx_ctx_new(&own.ctx)) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	err = in_quarantine(dev) ? ptx_device_reset(own.ctx, name) :
				   lease_and_release(&own, name, reset);
	if (!err)
		return EXIT_DONE;
	status = cli_fail(&own);
	return err == -ETIMEDOUT ? ASK_LATE : err == -EBUSY ? ASK_BUSY : status;
}

/* Waits for @fd to be readable: 0 when the time is up, or the user had enough. */
static int wait_for(struct reset *reset, int fd, int64_t end)
{
	struct pollfd files[] = {
		{ .fd = reset->signals, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int64_t left = end - now_ms();

	if (poll(files, 2, left < 0 ? 0 : (int)left) <= 0)
		return 0;
	if (files[0].revents && read(reset->signals, &info, sizeof(info)) > 0) {
		reset->interrupted = true;
		return 0;
	}
	return files[1].revents != 0;
}

/* Hears it out; false when that took too long. */
static bool hear(struct reset *reset, int fd, int64_t end, struct said *said)
{
	char more[512];
	ssize_t n;

	while (wait_for(reset, fd, end)) {
		n = read(fd, more, sizeof(more));
		if (n <= 0)
			return true;
		if ((size_t)n > sizeof(said->text) - said->len)
			n = (ssize_t)(sizeof(said->text) - said->len);
		memcpy(said->text + said->len, more, (size_t)n);
		said->len += (size_t)n;
	}
	return false;
}

static int ask_and_wait(struct cli *cli, const struct ptx_device *dev, struct reset *reset,
			int64_t end, struct said *said)
{
	pid_t pid, parent = getpid();
	int pipe_fds[2], status;
	bool heard;

	said->len = 0;
	fflush(stdout);
	pid = pipe(pipe_fds) ? -1 : fork();
	if (pid < 0) {
		cli_say("cannot begin a process: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || dup2(pipe_fds[1], STDERR_FILENO) < 0)
			_exit(EXIT_REFUSED);
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		_exit(ask(cli, dev, reset));
	}
	close(pipe_fds[1]);
	heard = hear(reset, pipe_fds[0], end + GRACE_MS, said);
	close(pipe_fds[0]);
	if (!heard)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!heard)
		return ASK_ENDED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_REFUSED;
}

/*
 * Waits for a device that is tried again and that the kernel does not wait for any
 * more. @why is the reason when it failed.
 */
static int wait_home(struct cli *cli, const char *name, struct reset *reset, int64_t end,
		     enum ptx_reason *why)
{
	enum ptx_member_state state;
	struct ptx_device *dev;
	bool has_state;
	int64_t next;
	int err;

	do {
		err = ptx_device_get(cli->ctx, name, &dev);
		/* The last way is to have it found anew, so that there is none for a while. */
		if (err == -ENODEV && !ptx_error_no_module(ptx_ctx_error(cli->ctx)))
			goto again;
		if (err)
			return cli_fail(cli);
		has_state = ptx_device_member_state(dev, &state);
		ptx_device_free(dev);
		if (!has_state)
			return EXIT_DONE;
		switch (state) {
		case PTX_MEMBER_STATE_QUARANTINED:
			*why = PTX_REASON_QUARANTINED;
			return EXIT_REFUSED;
		case PTX_MEMBER_STATE_DRIVERLESS:
			*why = PTX_REASON_NATIVE_REFUSED;
			return EXIT_REFUSED;
		case PTX_MEMBER_STATE_READY:
		case PTX_MEMBER_STATE_HOME:
			return EXIT_DONE;
		default:
			break;
		}
again:
		next = now_ms() + LOOK_AGAIN_MS;
		wait_for(reset, -1, next < end ? next : end);
	} while (!reset->interrupted && now_ms() < end);
	return ASK_ENDED;
}

/* Is it being reset as we come? Says so. */
static bool say_being_reset(struct cli *cli, const struct ptx_device *dev)
{
	const char *name = ptx_device_name(dev);
	struct ptx_lease_ref ref = { .id = ptx_device_lease_id(dev) };
	struct ptx_lease_info *info = NULL;
	enum ptx_member_state state;
	char prefix[64];
	bool ours;

	if (!ptx_device_member_state(dev, &state) ||
	    (!ref.id && state != PTX_MEMBER_STATE_DRAINING))
		return false;
	if (!ref.id) {
		cli_say("%s: is being reset already", name);
		fprintf(stderr, "  watch it end: ptxctl monitor; or wait, and look again: "
			"ptxctl info %s\n", name);
		return true;
	}
	/* Not for everybody to see; then it is refused like any other that is held. */
	if (ptx_lease_info_get(cli->ctx, &ref, &info))
		return false;
	snprintf(prefix, sizeof(prefix), "reset-%s-", name);
	ours = !strncmp(ptx_lease_info_name(info), prefix, strlen(prefix));
	if (ours)
		cli_say("%s: is being reset already", name);
	else if (state == PTX_MEMBER_STATE_DRAINING)
		cli_say("%s: is on its way home from lease '%s', and is reset on it", name,
			ptx_lease_info_name(info));
	if (ours || state == PTX_MEMBER_STATE_DRAINING) {
		fputs("  watch it end: ptxctl monitor; or wait for it: ptxctl wait '", stderr);
		text_put(stderr, ptx_lease_info_name(info));
		fputs("'\n", stderr);
	}
	ptx_lease_info_free(info);
	return ours || state == PTX_MEMBER_STATE_DRAINING;
}

/* The same where it was begun between our look and our request. */
static bool say_being_reset_now(struct cli *cli, const char *name)
{
	struct ptx_device *dev;
	bool said;

	if (ptx_device_get(cli->ctx, name, &dev))
		return false;
	said = say_being_reset(cli, dev);
	ptx_device_free(dev);
	return said;
}

static int say_back(struct cli *cli, const struct ptx_device *before, struct reset *reset,
		    int64_t took_ms)
{
	const char *name = ptx_device_name(before);
	struct json_object *obj;
	struct ptx_device *dev;
	const char *what;
	bool was_reset;

	if (ptx_device_get(cli->ctx, name, &dev))
		return cli_fail(cli);
	was_reset = tries(dev) != tries(before);
	what = was_reset ? "reset, well, and back" :
	       ptx_device_reset_methods(dev) ? "was not reset; it looks well, and is back" :
	       "has no way to be reset; it looks well, and is back";
	if (reset->done) {
		obj = json_object_new_object();
		json_put_text(obj, "address", name);
		json_put_bool(obj, "reset", was_reset);
		json_put_u64(obj, "took_ms", (uint64_t)took_ms);
		json_object_array_add(reset->done, obj);
	} else if (!cli->quiet) {
		printf("%s: %s after %lld ms\n", name, what, (long long)took_ms);
	}
	ptx_device_free(dev);
	return EXIT_DONE;
}

static int reset_one(struct cli *cli, const struct ptx_device *dev, void *arg)
{
	enum ptx_reason why = PTX_REASON_NONE;
	const char *name = ptx_device_name(dev);
	int64_t begin = now_ms(), end;
	struct reset *reset = arg;
	struct said said;
	char remedy[256];
	int status;

	if (reset->interrupted || say_being_reset(cli, dev))
		return EXIT_REFUSED;
	end = begin + reset->timeout_ms;
	progress_begin("resetting, and waiting until the device is well");
	status = ask_and_wait(cli, dev, reset, end, &said);
	if (status == ASK_LATE && in_quarantine(dev)) {
		said.len = 0;
		status = wait_home(cli, name, reset, end, &why);
	}
	progress_end();
	if (status == EXIT_DONE)
		return say_back(cli, dev, reset, now_ms() - begin);
	if (status == ASK_BUSY && say_being_reset_now(cli, name))
		return EXIT_REFUSED;
	if (status == ASK_ENDED) {
		cli_say("%s: %s; it goes on by itself", name, reset->interrupted ?
			"not waited for any more" : "still under way at the deadline");
		fprintf(stderr, "  watch it end: ptxctl monitor; or see where it is: "
			"ptxctl info %s\n", name);
	} else if (why) {
		cli_say("%s: %s", name, ptx_reason_text(why));
		fprintf(stderr, "  %s\n", ptx_reason_remedy(why, name, remedy, sizeof(remedy)));
	}
	fwrite(said.text, 1, said.len, stderr);
	return status < ASK_LATE ? status : EXIT_REFUSED;
}

/* From now on Ctrl-C ends the waiting, and not at once the program. */
static int signals_begin(sigset_t *before)
{
	sigset_t set;

	/* Whoever started us may not have wanted to hear of processes that end. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, before);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int verb_reset(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "boot-display", no_argument, NULL, OPT_BOOT_DISPLAY },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ }
	};
	struct reset reset = {
		.add.size = sizeof(reset.add),
		.timeout_ms = RESET_TIMEOUT_MS,
	};
	struct selection sel = { .nr = 0 };
	sigset_t before;
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "hjpq", options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_BOOT_DISPLAY:
			reset.add.flags |= PTX_ADD_FLAGS_BOOT_DISPLAY;
			break;
		case OPT_FORCE:
			reset.add.flags |= PTX_ADD_FLAGS_FORCE;
			break;
		case OPT_TIMEOUT:
			if (!cli_timeout(cli, optarg, &reset.timeout_ms))
				return EXIT_USAGE;
			break;
		}
	}
	if (optind == argc)
		return cli_usage(cli, "which devices?");
	status = selection_add_all(cli, &sel, argv + optind, argc - optind);
	/* Not a kind: that would be all of them. */
	for (size_t i = 0; !status && i < sel.nr; i++)
		if (!ptx_selector_address(sel.sels[i]))
			status = cli_usage(cli, "name each device by its address or your own name");
	if (!status) {
		if (cli->json)
			reset.done = json_object_new_array();
		reset.signals = signals_begin(&before);
		status = selection_each(cli, &sel, reset_one, &reset);
		close(reset.signals);
		sigprocmask(SIG_SETMASK, &before, NULL);
		/* Also those before one that failed: they are back. */
		if (reset.done)
			json_print(cli, reset.done);
	}
	selection_free(&sel);
	return status;
}
