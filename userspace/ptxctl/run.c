// SPDX-License-Identifier: GPL-2.0-only
/*
 * run: a VMM with devices, which go home whatever happens.
 *
 * The child is forked first and waits. The lease is bound to it and filled;
 * only then does the child get the lease's file and becomes the VMM. Should
 * this process be killed at any moment before, the kernel takes everything
 * back, since the only file of the lease is closed; the child sees its end of
 * the socket close and exits. Killed later, the VMM keeps its lease.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "child.h"
#include "clique.h"
#include "dma.h"
#include "nodes.h"
#include "numa.h"
#include "output.h"
#include "persistenced.h"
#include "select.h"
#include "vmm.h"

/**
 * struct run - one run
 * @cli: the program
 * @sel: the selectors
 * @pick: the devices chosen
 * @options: how to add them
 * @name: the lease's name, or NULL for one that is made up
 * @form: how the VMM takes devices
 * @argv: the command
 * @argc: its length
 * @dma: what is asked for of the lease's DMA space
 * @space: the lease has one
 * @no_space: why not, or NULL
 * @verbose: tell what is done
 * @numa: run it near its devices
 * @stop_persistenced: stop that daemon if it is in the way
 * @child: the VMM-to-be
 * @lease: the lease
 * @signals: a signalfd for what is passed on
 */
struct run {
	struct cli *cli;
	struct selection sel;
	struct ptx_pick *pick;
	struct ptx_add_options options;
	const char *name;
	enum vmm_form form;
	char **argv;
	int argc;
	struct dma dma;
	bool space;
	char *no_space;
	bool verbose;
	bool numa;
	bool stop_persistenced;
	struct child child;
	struct ptx_lease *lease;
	int signals;
};

/* Signals that are passed on to the VMM. */
static const int passed_on[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2,
};

/* 0 when @path can be executed, else the status that a shell would give. */
static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? EXIT_NOT_EXECUTABLE : EXIT_NOT_FOUND;
	if (!S_ISREG(st.st_mode) || access(path, X_OK))
		return EXIT_NOT_EXECUTABLE;
	return 0;
}

/* Where the command is, as execvp() would look for it. */
static int find_command(const char *command, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	int worst = EXIT_NOT_FOUND, status;

	if (!*command)
		return EXIT_NOT_FOUND;
	if (strchr(command, '/')) {
		if (snprintf(path, PATH_MAX, "%s", command) >= PATH_MAX)
			return EXIT_NOT_FOUND;
		return executable(path);
	}
	if (!dirs)
		dirs = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	for (;;) {
		size_t n = strcspn(dirs, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", (int)n, dirs, n ? "/" : "./",
			     command) < PATH_MAX) {
			status = executable(path);
			if (!status)
				return 0;
			if (status == EXIT_NOT_EXECUTABLE)
				worst = status;
		}
		if (!dirs[n])
			return worst;
		dirs += n + 1;
	}
}

static void default_name(const struct run *run, char name[PTX_LEASE_NAME_MAX + 1])
{
	const char *slash = strrchr(run->argv[0], '/');
	const char *base = slash ? slash + 1 : run->argv[0];
	char *safe = text_safe(base);

	snprintf(name, PTX_LEASE_NAME_MAX + 1, "%.40s-%d", safe, (int)run->child.pid);
	/* Cut in the middle of a character it would be no name. */
	for (char *p = name; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '_';
	}
	free(safe);
}

static int take_lease(struct run *run)
{
	struct ptx_lease_options options = {
		.size = sizeof(options),
		.flags = PTX_LEASE_CREATE_BIND,
		.pidfd = run->child.pidfd,
	};
	char made_up[PTX_LEASE_NAME_MAX + 1];
	const char *name = run->name;
	int err, status;

	if (run->child.user) {
		options.flags |= PTX_LEASE_CREATE_OWNER;
		options.owner = run->child.user->pw_uid;
	}
	if (!name) {
		default_name(run, made_up);
		name = made_up;
	}
	if (run->space)
		options.flags |= PTX_LEASE_CREATE_SPACE;
	err = ptx_lease_create(run->cli->ctx, name, &options, &run->lease);
	if (err == -EOPNOTSUPP && run->space && !dma_wanted(&run->dma)) {
		/* A module from before spaces: type1 maps, as it always did. */
		run->space = false;
		options.flags &= ~(uint32_t)PTX_LEASE_CREATE_SPACE;
		if (run->verbose)
			cli_say("no DMA space: %s",
				ptx_error_message(ptx_ctx_error(run->cli->ctx)));
		err = ptx_lease_create(run->cli->ctx, name, &options, &run->lease);
	}
	if (err)
		return cli_fail(run->cli);
	err = dma_apply(run->cli, &run->dma, run->lease);
	if (err)
		return err;
	do {
		if (selection_guard(run->cli, run->pick))
			return EXIT_REFUSED;
		progress_begin("waiting for the drivers to let go");
		err = ptx_lease_add(run->lease, ptx_pick_devices(run->pick),
				    ptx_pick_count(run->pick), &run->options, NULL);
		progress_end();
	} while (err && ptx_pick_next(run->pick, err));
	if (!err)
		return EXIT_DONE;
	status = cli_fail(run->cli);
	/* By a grant that has a quota. */
	if (run->no_space && !run->verbose &&
	    ptx_error_reason(ptx_ctx_error(run->cli->ctx)) == PTX_REASON_NO_SPACE)
		cli_say("no DMA space: %s", run->no_space);
	return status;
}

/* How long udev, or whoever gives us VFIO's files, may take. */
#define NODES_MS	5000

/*
 * VFIO's files belong to root until they are given away: by us, who run the
 * command as somebody else, or to us, who are nobody in particular.
 */
static int give_files(const struct run *run, const struct ptx_lease_info *info)
{
	int err;

	if (run->child.user) {
		err = nodes_give(run->cli, info, run->child.user->pw_uid);
		if (err >= 0)
			return EXIT_DONE;
		cli_say("cannot give the VFIO files to %s: %s", run->child.user->pw_name,
			strerror(-err));
		return EXIT_REFUSED;
	}
	if (nodes_await(info, geteuid() ? NODES_MS : 0))
		return EXIT_DONE;
	cli_say("the files of the devices under /dev/vfio were not given to you");
	fputs("  the udev rule of ptx does that, or, as root: ptxctl nodes --watch\n", stderr);
	return EXIT_REFUSED;
}

/* The devices of the lease, in order of address. To be freed. */
static const char **members_of(const struct ptx_lease_info *info, size_t *nr)
{
	const struct ptx_lease_member *member;
	const char **devices;
	size_t n = 0;

	devices = calloc(ptx_lease_info_nr_members(info) + 1, sizeof(*devices));
	for (size_t i = 0; devices && (member = ptx_lease_info_member(info, i)); i++) {
		const char *address = ptx_lease_member_device(member);
		size_t at = n++;

		if (ptx_lease_member_kind(member) == PTX_KIND_BRIDGE) {
			n--;
			continue;
		}
		for (; at && strcmp(devices[at - 1], address) > 0; at--)
			devices[at] = devices[at - 1];
		devices[at] = address;
	}
	*nr = n;
	return devices;
}

/* Adds NAME=value; false when out of memory, which @value may already be. */
static bool add_setting(struct words *settings, const char *name, const char *value)
{
	char *text;

	if (!value || asprintf(&text, "%s=%s", name, value) < 0)
		return false;
	return words_add(settings, text);
}

/* What the VMM finds in its environment, besides the lease's file. */
static bool make_settings(const struct run *run, const char *const *devices,
			  const int *cliques, size_t nr, struct words *settings)
{
	struct words plain = { .nr = 0 }, args = { .nr = 0 };
	char *list = NULL, *joined = NULL, id[32];
	bool ok = true;

	for (size_t i = 0; ok && i < nr; i++)
		ok = words_add(&plain, strdup(devices[i]));
	ok = ok && vmm_device_words(run->form, devices, cliques, nr, &args);
	if (ok) {
		list = words_join(&plain);
		joined = words_join(&args);
	}
	snprintf(id, sizeof(id), "%llu", (unsigned long long)ptx_lease_id(run->lease));
	ok = ok && add_setting(settings, "PTX_DEVICES", list) &&
	     add_setting(settings, "PTX_DEVICE_ARGS", joined) &&
	     add_setting(settings, "PTX_LEASE_ID", id);
	free(list);
	free(joined);
	words_free(&plain);
	words_free(&args);
	return ok;
}

/* Tell the child its command line and environment, and give it the lease. */
static int brief(struct run *run, const struct ptx_lease_info *info)
{
	struct words command = { .nr = 0 }, settings = { .nr = 0 };
	const char **devices, *why = NULL;
	int status = EXIT_REFUSED;
	int *cliques = NULL;
	size_t nr = 0;
	char *line;

	devices = members_of(info, &nr);
	if (devices)
		cliques = clique_list(run->cli, devices, nr);
	if (!cliques || !make_settings(run, devices, cliques, nr, &settings) ||
	    !vmm_command(run->form, run->argv, (size_t)run->argc, devices, cliques, nr,
			 &command, &why)) {
		cli_say("%s", why ? why : "out of memory");
		goto out;
	}
	if (run->numa) {
		status = numa_plan(run->cli, devices, nr, run->verbose, &run->child.numa);
		if (status)
			goto out;
	}
	line = run->verbose ? words_join(&command) : NULL;
	if (line)
		cli_say("%s", line);
	free(line);
	status = child_brief(&run->child, ptx_lease_fd(run->lease), &settings, &command);
out:
	words_free(&command);
	words_free(&settings);
	free(cliques);
	free(devices);
	return status;
}

/* From here on signals are read, not taken: they are for the VMM. */
static int hold_signals(struct run *run)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
		sigaddset(&set, passed_on[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return EXIT_REFUSED;
	run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (run->signals < 0) {
		cli_say("cannot take signals: %s", strerror(errno));
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

/* One from the terminal went to the whole process group, the VMM included. */
static void pass_on(const struct run *run)
{
	struct signalfd_siginfo info;

	while (read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_code != SI_KERNEL)
			syscall(SYS_pidfd_send_signal, run->child.pidfd, (int)info.ssi_signo, NULL, 0);
	}
}

static int wait_vmm(const struct run *run)
{
	struct pollfd fds[] = {
		{ .fd = run->child.pidfd, .events = POLLIN },
		{ .fd = run->signals, .events = POLLIN },
	};
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR) {
			cli_say("cannot wait: %s", strerror(errno));
			return EXIT_REFUSED;
		}
		if (fds[1].revents)
			pass_on(run);
		if (fds[0].revents)
			break;
	}
	return child_status(&run->child);
}

/* Wait until the devices are home, at most until the deadline or a signal. */
static void wait_home(const struct run *run)
{
	uint32_t timeout_ms = run->options.timeout_ms;
	struct pollfd fds[] = {
		{ .fd = ptx_lease_fd(run->lease) },
		{ .fd = run->signals, .events = POLLIN },
	};
	int64_t begin = now_ms(), left;
	struct signalfd_siginfo info;

	if (!timeout_ms)
		timeout_ms = PTX_TIMEOUT_DEFAULT_MS;
	progress_begin("waiting for the devices to be home");
	for (;;) {
		left = begin + timeout_ms - now_ms();
		if (left <= 0 || poll(fds, 2, (int)left) == 0)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents && read(run->signals, &info, sizeof(info)) > 0)
			break;
	}
	progress_end();
	if (!(fds[0].revents & POLLHUP)) {
		cli_say("the devices are not home yet; the kernel goes on by itself: "
			"ptxctl leases");
		return;
	}
	/* It is over; this only asks how it went. */
	if (ptx_lease_release(run->lease, 1))
		cli_fail(run->cli);
	else if (!run->cli->quiet)
		fprintf(stderr, "ptxctl: home in %lld ms\n", (long long)(now_ms() - begin));
}

static void say_leased(const struct ptx_lease_info *info)
{
	const struct ptx_lease_member *member;

	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++)
		cli_say("%s: from %s to %s, /dev/vfio/%u%s", ptx_lease_member_device(member),
			ptx_lease_member_native_driver(member) ?: "no driver",
			ptx_lease_member_driver(member) ?: "no driver",
			ptx_lease_member_group(member),
			ptx_lease_member_requested(member) ? "" : ", came with its group");
}

/* A VMM that could not map its memory knows an errno at most. */
static void say_refused(struct run *run)
{
	struct ptx_space_range range;
	struct ptx_space_info *space;
	enum ptx_reason reason;
	char remedy[256];

	if (ptx_space_stats(run->lease, &space))
		return;
	if (ptx_space_info_refused(space, &range, &reason)) {
		cli_say("the VMM wanted to map 0x%llx-0x%llx for DMA: %s",
			(unsigned long long)range.first, (unsigned long long)range.last,
			ptx_reason_text(reason));
		ptx_reason_remedy(reason, NULL, remedy, sizeof(remedy));
		if (*remedy)
			fprintf(stderr, "  %s\n", remedy);
	}
	ptx_space_info_free(space);
}

/* The lease is there: make the child the VMM, and stay until all is home. */
static int run_leased(struct run *run)
{
	struct ptx_lease_info *info;
	int status;

	if (ptx_lease_query(run->lease, &info)) {
		status = cli_fail(run->cli);
		goto err_child;
	}
	if (run->verbose)
		say_leased(info);
	status = give_files(run, info);
	if (!status)
		status = hold_signals(run);
	if (!status)
		status = brief(run, info);
	ptx_lease_info_free(info);
	if (status)
		goto err_child;
	status = child_hear(&run->child);
	if (status)
		child_end(&run->child);
	else
		status = wait_vmm(run);
	if (status && run->space)
		say_refused(run);
	wait_home(run);
	return status;

err_child:
	child_end(&run->child);
	return status;
}

static int run_picked(struct run *run)
{
	int status;

	status = child_start(&run->child);
	if (!status)
		status = take_lease(run);
	if (!status)
		status = run_leased(run);
	else
		child_end(&run->child);
	ptx_lease_close(run->lease);
	return status;
}

/* One VM makes one DMA choice: it is made here, before anything is touched. */
static int choose_dma(struct run *run)
{
	int status;

	status = dma_decide(run->cli, &run->dma, run->options.driver, run->form, run->argv,
			    (size_t)run->argc, &run->space, &run->no_space);
	if (!status && run->verbose && run->no_space)
		cli_say("no DMA space: %s", run->no_space);
	return status;
}

static int run_all(struct run *run)
{
	bool stopped = false;
	int status;

	status = choose_dma(run);
	if (status)
		return status;
	/* Before devices are chosen: those that it has open do not count as free. */
	if (run->stop_persistenced)
		status = persistenced_stop(run->cli, &run->sel, &stopped);
	if (!status)
		status = selection_pick(run->cli, &run->sel, &run->pick);
	if (!status)
		status = run_picked(run);
	if (stopped)
		persistenced_start();
	return status;
}

static int check_command(struct run *run)
{
	const char *const nobody[] = { "0000:00:00.0" };
	struct words words = { .nr = 0 };
	const char *why;
	int status;
	bool ok;

	status = find_command(run->argv[0], run->child.path);
	if (status) {
		cli_say("%s: %s; no device was touched", run->argv[0],
			status == EXIT_NOT_FOUND ? "there is no such command" :
						   "it cannot be executed");
		return status;
	}
	/* What is wrong with the command line is found before a device moves. */
	ok = vmm_command(run->form, run->argv, (size_t)run->argc, nobody, NULL, 1, &words,
			 &why);
	words_free(&words);
	return ok ? EXIT_DONE : cli_usage(run->cli, "%s", why ? why : "out of memory");
}

static int parse_run(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {
		{ "audio", required_argument, NULL, OPT_KIND + PTX_KIND_AUDIO },
		{ "device", required_argument, NULL, OPT_DEVICE },
		{ "boot-display", no_argument, NULL, OPT_BOOT_DISPLAY },
		{ "clear-memory", no_argument, NULL, OPT_CLEAR_MEMORY },
		{ "dma-quota", required_argument, NULL, OPT_DMA_QUOTA },
		{ "dma-window", required_argument, NULL, OPT_DMA_WINDOW },
		{ "driver", required_argument, NULL, OPT_DRIVER },
		{ "exact", no_argument, NULL, OPT_EXACT },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "gpu", required_argument, NULL, OPT_KIND + PTX_KIND_GPU },
		{ "help", no_argument, NULL, 'h' },
		{ "name", required_argument, NULL, OPT_NAME },
		{ "near", no_argument, NULL, OPT_NEAR },
		{ "nic", required_argument, NULL, OPT_KIND + PTX_KIND_NIC },
		{ "no-space", no_argument, NULL, OPT_NO_SPACE },
		{ "npu", required_argument, NULL, OPT_KIND + PTX_KIND_NPU },
		{ "numa", no_argument, NULL, OPT_NUMA },
		{ "nvme", required_argument, NULL, OPT_KIND + PTX_KIND_NVME },
		{ "quiet", no_argument, NULL, 'q' },
		{ "reset", no_argument, NULL, OPT_RESET },
		{ "rom-sha256", required_argument, NULL, OPT_ROM },
		{ "stop-persistenced", no_argument, NULL, OPT_STOP_PERSISTENCED },
		{ "storage", required_argument, NULL, OPT_KIND + PTX_KIND_STORAGE },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ "usb", required_argument, NULL, OPT_KIND + PTX_KIND_USB },
		{ "user", required_argument, NULL, OPT_USER },
		{ "verbose", no_argument, NULL, 'v' },
		{ "vmm", required_argument, NULL, OPT_VMM },
		{ }
	};
	struct cli *cli = run->cli;
	bool form_given = false;
	int c, status = EXIT_DONE;

	while ((c = cli_getopt(cli, argc, argv, "+hqv", options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_DRIVER:
			run->options.driver = optarg;
			break;
		case OPT_EXACT:
			run->options.flags |= PTX_ADD_FLAGS_EXACT;
			break;
		case OPT_BOOT_DISPLAY:
			run->options.flags |= PTX_ADD_FLAGS_BOOT_DISPLAY;
			break;
		case OPT_CLEAR_MEMORY:
			run->options.flags |= PTX_ADD_FLAGS_CLEAR_MEMORY;
			break;
		case OPT_FORCE:
			run->options.flags |= PTX_ADD_FLAGS_FORCE;
			break;
		case OPT_RESET:
			run->options.flags |= PTX_ADD_FLAGS_RESET;
			break;
		case OPT_ROM:
			if (!cli_rom(cli, optarg, &run->options))
				return EXIT_USAGE;
			break;
		case OPT_DMA_QUOTA:
		case OPT_DMA_WINDOW:
		case OPT_NO_SPACE:
			if (!dma_option(cli, c, optarg, &run->dma))
				return EXIT_USAGE;
			break;
		case OPT_NAME:
			run->name = optarg;
			break;
		case OPT_NEAR:
			run->sel.near = true;
			break;
		case OPT_NUMA:
			run->numa = true;
			break;
		case OPT_STOP_PERSISTENCED:
			run->stop_persistenced = true;
			break;
		case OPT_TIMEOUT:
			if (!cli_timeout(cli, optarg, &run->options.timeout_ms))
				return EXIT_USAGE;
			break;
		case OPT_USER:
			run->child.user = getpwnam(optarg);
			if (!run->child.user)
				return cli_usage(cli, "there is no user '%s'", optarg);
			break;
		case OPT_VMM:
			if (!vmm_parse(optarg, &run->form))
				return cli_usage(cli,
					"a VMM is qemu, cloud-hypervisor, crosvm or none, not '%s'",
					optarg);
			form_given = true;
			break;
		case 'v':
			run->verbose = true;
			break;
		case OPT_DEVICE:
			status = selection_add(cli, &run->sel, optarg, PTX_KIND_ANY);
			break;
		default:
			if (c >= OPT_KIND)
				status = selection_add(cli, &run->sel, optarg,
						       (enum ptx_kind)(c - OPT_KIND));
			break;
		}
		if (status)
			return status;
	}
	run->argv = argv + optind;
	run->argc = argc - optind;
	if (!run->argc)
		return cli_usage(cli, "which command?");
	if (!run->sel.nr)
		return cli_usage(cli, "which devices? for example --gpu auto");
	if (!form_given)
		run->form = vmm_detect(run->argv[0]);
	return check_command(run);
}

int verb_run(struct cli *cli, int argc, char **argv)
{
	struct run run = {
		.cli = cli,
		.options.size = sizeof(run.options),
		.child = { .pidfd = -1, .sock = -1 },
		.signals = -1,
	};
	int status;

	status = parse_run(&run, argc, argv);
	if (!status)
		status = run_all(&run);
	if (run.child.pidfd >= 0)
		close(run.child.pidfd);
	if (run.signals >= 0)
		close(run.signals);
	ptx_pick_free(run.pick);
	free(run.no_space);
	dma_free(&run.dma);
	selection_free(&run.sel);
	return status;
}
