// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptxctl: leases of whole devices for virtual machines. The table of verbs,
 * the options they share, and how failures are told.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "ledger.h"
#include "output.h"
#include "pciname.h"
#include "ptxctl.h"

const char *cli_root = "";

#define HELP_JSON	"  -j, --json            print JSON\n" \
			"  -p, --pretty          print JSON, indented\n"
#define HELP_VF		"  vf:DEVICE[,count=N]   as DEVICE: so many virtual functions of it, enabled\n" \
			"                        for this if it has none; ,reserve=N for N at least\n" \
			"  vgpu:PARENT/TYPE[,count=N]\n" \
			"                        as DEVICE: mediated devices, made for the lease;\n" \
			"                        ,uuid=UUID for one that is called so\n"
#define HELP_TIMEOUT	"      --timeout TIME    how long to wait, for example 500ms, 30s, 2m\n"
#define HELP_ROM	"      --rom-sha256 HASH refuse it if its option ROM is another; may be repeated\n"
#define HELP_WINDOW	"      --dma-window START-END\n" \
			"                        the only addresses that the devices may reach by DMA,\n" \
			"                        END included, or START+LENGTH; may be repeated\n"
#define HELP_QUOTA	"      --dma-quota SIZE  so much memory may be mapped for them, for example 16G\n"
#define HELP_STOP	"      --stop-persistenced  stop nvidia-persistenced first, start it again after\n"
#define HELP_ADD	"      --exact           refuse instead of taking the whole IOMMU group\n" \
			"      --driver DRIVER   VFIO driver to use instead of ptx-vfio-pci\n" \
			"      --force           even if an interface is up or a program uses it\n" \
			"      --boot-display    even the display the host booted with\n" \
			"      --reset           reset it first, and refuse it if that does not work\n" \
			"      --clear-memory    clear memory that outlives a reset, or refuse the device\n" \
			HELP_ROM \
			HELP_TIMEOUT

static const struct verb verbs[] = {
	{ "list", verb_list, "[-a] [SELECTOR...]", "the devices of this host",
	  "  -a, --all             bridges too\n"
	  "  -q, --quiet           addresses only\n"
	  HELP_JSON },
	{ "info", verb_info, "DEVICE...", "everything about a device",
	  HELP_JSON },
	{ "topology", verb_topology, "[-a]", "where devices are, and how far from each other",
	  "  -a, --all             bridges with nothing behind them, too\n"
	  HELP_JSON },
	{ "check", verb_check, "[--memory SIZE [--lease NAME] [--vcpus N]] [DEVICE...]",
	  "what stands in the way of a lease, and its remedy",
	  "      --memory SIZE     of the VM, for example 16G: can that much be locked and\n"
	  "                        mapped, and is it free?\n"
	  "      --lease NAME      which it is for: will its quota and its windows do?\n"
	  "      --vcpus N         of the VM: which huge pages and CPUs make it fast?\n"
	  "  -q, --quiet           only what is wrong\n"
	  HELP_JSON },
	{ "run", verb_run, "[OPTIONS] -- COMMAND [ARGUMENT...]",
	  "run a VMM with devices, and give them back whatever happens",
	  "      --gpu SELECTOR    a GPU: auto, a vendor, a count, an address or a name\n"
	  "      --npu SELECTOR    likewise; also --nvme --nic --audio --usb --storage\n"
	  "      --device SELECTOR any device; vf:DEVICE[,count=N] is virtual functions of one,\n"
	  "                        vgpu:PARENT/TYPE[,count=N] what is made for the lease\n"
	  "      --near            those that are near each other in the PCI tree\n"
	  "      --numa            run COMMAND on the CPUs and the memory beside them\n"
	  "      --name NAME       the lease's name; by default COMMAND-PID\n"
	  "      --vmm FORM        qemu, cloud-hypervisor, crosvm or none\n"
	  "      --user USER       run COMMAND as USER, who owns the lease\n"
	  HELP_WINDOW
	  HELP_QUOTA
	  "      --no-space        leave DMA to the VMM, through type1 or iommufd\n"
	  HELP_STOP
	  HELP_ADD
	  "  -q, --quiet           do not tell when the devices are home\n"
	  "  -v, --verbose         tell what is done\n" },
	{ "lease", verb_lease, "[OPTIONS] NAME [DEVICE...]",
	  "make a persistent lease, which lives until released",
	  HELP_VF
	  "      --owner USER      who may open the devices; by default you\n"
	  "      --space           with a DMA space, which can be restricted and is counted\n"
	  HELP_WINDOW
	  HELP_QUOTA
	  HELP_STOP
	  HELP_ADD
	  HELP_JSON },
	{ "add", verb_add, "[OPTIONS] NAME DEVICE...", "add devices to a lease",
	  HELP_VF
	  "      --plug qmp:SOCKET[,bus=ID]\n"
	  "                        and plug them into the running QEMU with that monitor\n"
	  "      --plug ch:SOCKET  or into the Cloud Hypervisor with that API\n"
	  HELP_STOP
	  HELP_ADD
	  HELP_JSON },
	{ "remove", verb_remove, "[--timeout TIME] NAME DEVICE...",
	  "give devices of a lease back, with their groups",
	  "      --unplug qmp:SOCKET\n"
	  "                        once the guest of that QEMU has let go of them\n"
	  "      --unplug ch:SOCKET\n"
	  "                        or that of that Cloud Hypervisor\n"
	  HELP_TIMEOUT
	  HELP_JSON },
	{ "release", verb_release, "[--timeout TIME] NAME...",
	  "give everything back and end the lease",
	  HELP_TIMEOUT },
	{ "revoke", verb_revoke, "[--deadline TIME] [--kill[=TIME]] [--timeout TIME] NAME...",
	  "take the devices of a lease from its VMM, and end the lease",
	  "      --deadline TIME   how long the VMM may take to let go; by default 10s,\n"
	  "                        and 0 is at once\n"
	  "      --kill[=TIME]     then kill who still has them open, at once or TIME later\n"
	  "  -q, --quiet           tell only what went wrong\n"
	  HELP_TIMEOUT },
	{ "restrict", verb_restrict, "[OPTIONS] NAME",
	  "change who may open the devices of a lease, how many it may hold, and its DMA",
	  "      --owner USER      whose it is from now on\n"
	  "      --pid PID         which process may open them, with its descendants\n"
	  "      --max N           how many devices, group mates included\n"
	  HELP_WINDOW
	  "                        instead of those there were\n"
	  HELP_QUOTA
	  "                        or any\n"
	  "      --force           unmap what is beside the windows\n" },
	{ "wait", verb_wait, "[--state STATE] [--timeout TIME] NAME",
	  "wait until a lease is active, draining or released",
	  "      --state STATE     what to wait for; by default released\n"
	  HELP_TIMEOUT },
	{ "reset", verb_reset, "[OPTIONS] DEVICE...",
	  "reset devices, and prove that they are well",
	  "      --force           even if an interface is up or a program uses it\n"
	  "      --boot-display    even the display the host booted with\n"
	  "  -q, --quiet           tell only what went wrong\n"
	  "      --timeout TIME    how long to wait for each; by default 5m\n"
	  HELP_JSON },
	{ "leases", verb_leases, "", "the leases that you may see",
	  "  -q, --quiet           names only\n"
	  HELP_JSON },
	{ "show", verb_show, "NAME...", "everything about a lease",
	  HELP_JSON },
	{ "pool", verb_pool,
	  "add [OPTIONS] DEVICE... | remove [--all] [DEVICE...] | show | reserve DEVICE... | unreserve ID...",
	  "devices kept bound and ready, leased to nobody",
	  HELP_VF
	  "  -a, --all             with remove: everything\n"
	  "      --force           with add: even if an interface is up or a program uses it\n"
	  "      --boot-display    with add: even the display the host booted with\n"
	  "      --rom-sha256 HASH with add: refuse it if its option ROM is another\n"
	  "  -q, --quiet           tell only what went wrong\n"
	  "      --timeout TIME    with add and remove: at most 60s\n"
	  "  -j, --json            with show and reserve\n" },
	{ "vgpu", verb_vgpu, "types | list | reclaim --all|UUID...",
	  "the types of mediated devices, the devices, and those nobody wants",
	  "  -a, --all             reclaim all orphans: neither leased nor open nor defined by\n"
	  "                        mdevctl\n"
	  HELP_JSON },
	{ "grant", verb_grant, "[--max N] [--dma-quota SIZE] [--pooled] USER|@GROUP SELECTOR...",
	  "let somebody lease devices without root",
	  "      --max N           at most so many at once under each\n"
	  "      --dma-quota SIZE  so much memory may be mapped for them under each, for\n"
	  "                        example 16G\n"
	  "      --pooled          only what the pool has\n"
	  HELP_JSON },
	{ "ungrant", verb_ungrant, "[--revoke] ID...", "withdraw grants",
	  "      --revoke          and take away at once what is leased under them\n" },
	{ "grants", verb_grants, "", "who may lease what without root",
	  HELP_JSON },
	{ "save", verb_save, "[FILE]", "write the grants, the pool and its rules to a file",
	  "" },
	{ "restore", verb_restore, "[FILE]", "make what a file says that save wrote",
	  "" },
	{ "nodes", verb_nodes, "[--watch]", "give the files under /dev/vfio to the owners of leases",
	  "  -w, --watch           go on doing so\n" },
	{ "monitor", verb_monitor, "[--count N]", "events as they happen, a line each",
	  "  -n, --count N         end after N events\n"
	  "  -j, --json            a JSON object a line\n" },
	{ "stats", verb_stats, "[-j | --openmetrics] [NAME...]",
	  "what leases have mapped, and how long that took",
	  "      --openmetrics     for Prometheus and the like\n"
	  HELP_JSON },
	{ "name", verb_name, "[-d NAME | DEVICE [NAME]]",
	  "your own names for devices",
	  "  -d, --delete          take the name away\n"
	  HELP_JSON },
};

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

/* Whether a lease may be over after it, by its doing or before its eyes. */
static bool ends_leases(const struct verb *verb)
{
	return verb->fn == verb_run || verb->fn == verb_lease || verb->fn == verb_add ||
	       verb->fn == verb_remove || verb->fn == verb_release ||
	       verb->fn == verb_revoke || verb->fn == verb_wait || verb->fn == verb_ungrant;
}

static void help(FILE *file)
{
	fputs("Usage: ptxctl [-j] [-p] VERB [ARGUMENT...]\n"
	      "Leases of whole devices for virtual machines.\n\n", file);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(file, "  %-9s %s\n", verbs[i].name, verbs[i].brief);
	fputs("\nA device is an address (0000:01:00.0, 01:00.0), a name of your own, a kind\n"
	      "(gpu npu nvme nic audio usb storage other), a kind with a vendor (gpu:nvidia)\n"
	      "or a count (nvme:2), or a virtual function of a device, which is enabled if\n"
	      "need be (vf:01:00.0), or several (vf:01:00.0,count=2), or a mediated device\n"
	      "that is made for the lease (vgpu:01:00.0/nvidia-558).\n\n"
	      "ptxctl VERB --help tells about one verb. The exit status is 0 when done, 1\n"
	      "when refused, 2 for wrong usage, 3 when the ptx module is not there.\n", file);
}

static void verb_help(const struct verb *verb, FILE *file)
{
	fprintf(file, "Usage: ptxctl %s%s%s\n%c%s.\n\n%s", verb->name, *verb->usage ? " " : "",
		verb->usage, verb->brief[0] - 'a' + 'A', verb->brief + 1, verb->help);
	fputs("  -h, --help            this text\n", file);
}

/* A line on stderr, safe to print. */
void cli_say(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	fputs("ptxctl: ", stderr);
	text_put(stderr, text);
	fputc('\n', stderr);
	free(text);
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n >= 0) {
		cli_say("%s", text);
		free(text);
	}
	if (cli->verb)
		fprintf(stderr, "Usage: ptxctl %s %s\n", cli->verb->name, cli->verb->usage);
	else
		fputs("Usage: ptxctl VERB [ARGUMENT...]; see ptxctl --help\n", stderr);
	return EXIT_USAGE;
}

/*
 * The next option of a verb, with those that every verb has dealt with. -1 at
 * the end, '?' when it is wrong, as getopt_long() has it.
 */
int cli_getopt(struct cli *cli, int argc, char **argv, const char *letters,
	       const struct option *options)
{
	int c;

	/* What it says it does not make harmless. */
	opterr = 0;
	c = getopt_long(argc, argv, letters, options, NULL);
	switch (c) {
	case 'h':
		verb_help(cli->verb, stdout);
		exit(fflush(stdout) ? EXIT_REFUSED : EXIT_DONE);
	case 'p':
		cli->pretty = true;
		/* fall through */
	case 'j':
		cli->json = true;
		break;
	case 'q':
		cli->quiet = true;
		break;
	case '?':
		cli_usage(cli, "'%s' is no option, or lacks an argument: see ptxctl %s --help",
			  argv[optind - 1], cli->verb->name);
		break;
	}
	return c;
}

static void say_blocker(const struct ptx_blocker *blocker)
{
	enum ptx_reason reason = (enum ptx_reason)blocker->reason;
	char remedy[512];

	fputs("  ", stderr);
	text_put(stderr, blocker->culprit);
	fprintf(stderr, ": %s", ptx_reason_text(reason));
	if (blocker->lease)
		fprintf(stderr, " (lease %llu)", (unsigned long long)blocker->lease);
	if (*blocker->holder) {
		fputs(" (", stderr);
		text_put(stderr, blocker->holder);
		fputc(')', stderr);
	}
	ptx_reason_remedy(reason, blocker->culprit, remedy, sizeof(remedy));
	if (*remedy) {
		fputs("\n    ", stderr);
		text_put(stderr, remedy);
	}
	fputc('\n', stderr);
}

/* One that says no more than the error itself needs no line of its own. */
static bool says_more(const struct ptx_error *err)
{
	const struct ptx_blocker *first = ptx_error_blocker(err, 0);

	if (ptx_error_nr_blockers(err) != 1)
		return ptx_error_nr_blockers(err);
	return *first->holder || first->reason != ptx_error_reason(err) ||
	       strcmp(first->culprit, ptx_error_culprit(err));
}

/* Tell what the last call found out. Returns the exit status that fits it. */
int cli_fail(struct cli *cli)
{
	const struct ptx_error *err = ptx_ctx_error(cli->ctx);
	size_t nr = says_more(err) ? ptx_error_nr_blockers(err) : 0;

	cli_say("%s", ptx_error_message(err));
	/* A blocker's own remedy is better than the same one in general. */
	if (*ptx_error_remedy(err) && !nr) {
		fputs("  ", stderr);
		text_put(stderr, ptx_error_remedy(err));
		fputc('\n', stderr);
	}
	for (size_t i = 0; i < nr; i++)
		say_blocker(ptx_error_blocker(err, i));
	if (ptx_error_no_module(err))
		return EXIT_NO_MODULE;
	return ptx_error_malformed(err) ? EXIT_USAGE : EXIT_REFUSED;
}

/* The user's own names; empty, with a complaint, when they cannot be read. */
const struct ptx_names *cli_names(struct cli *cli)
{
	const char *warning;

	if (cli->names || cli->names_failed)
		return cli->names;
	if (ptx_names_load(cli->ctx, &cli->names)) {
		cli->names_failed = true;
		cli_say("%s", ptx_error_message(ptx_ctx_error(cli->ctx)));
		return NULL;
	}
	for (size_t i = 0; (warning = ptx_names_warning(cli->names, i)); i++)
		cli_say("%s", warning);
	return cli->names;
}

/* The user's own name for an address, or NULL. */
const char *cli_name_of(struct cli *cli, const char *address)
{
	const struct ptx_names *names = cli_names(cli);

	return names ? ptx_names_name(names, address) : NULL;
}

/* "500ms", "30", "30s", "2m", "1h"; at most PTX_TIMEOUT_MAX_MS. */
static bool parse_time(const char *text, uint32_t *ms)
{
	static const struct {
		const char *suffix;
		uint32_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60000 }, { "h", 3600000 },
	};
	size_t n = strspn(text, "0123456789");
	unsigned long long value;

	if (!n || n > 9)
		return false;
	value = strtoull(text, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + n, units[i].suffix))
			continue;
		value *= units[i].ms;
		if (value > PTX_TIMEOUT_MAX_MS)
			return false;
		*ms = (uint32_t)value;
		return true;
	}
	return false;
}

/* How long something may take. Complains when it is no time, or none at all. */
bool cli_timeout(struct cli *cli, const char *text, uint32_t *ms)
{
	if (parse_time(text, ms) && *ms)
		return true;
	cli_usage(cli, "a time is 1ms to 1h, for example 30s or 2m, not '%s'", text);
	return false;
}

/* The same where it is the kernel that waits, and others with it. */
bool cli_request_timeout(struct cli *cli, const char *text, uint32_t *ms)
{
	if (parse_time(text, ms) && *ms && *ms <= PTX_REQUEST_TIMEOUT_MAX_MS)
		return true;
	cli_usage(cli, "here a time is 1ms to %ds, not '%s'", PTX_REQUEST_TIMEOUT_MAX_MS / 1000,
		  text);
	return false;
}

/* The same for when something is to happen: 0 is at once. */
bool cli_delay(struct cli *cli, const char *text, uint32_t *ms)
{
	if (parse_time(text, ms))
		return true;
	cli_usage(cli, "a time is 0 to 1h, for example 500ms or 30s, not '%s'", text);
	return false;
}

/* One more option ROM that devices to add may have. */
bool cli_rom(struct cli *cli, const char *text, struct ptx_add_options *options)
{
	static struct ptx_rom roms[PTX_ROMS_MAX];

	if (options->nr_roms == PTX_ROMS_MAX) {
		cli_usage(cli, "at most %d option ROMs", PTX_ROMS_MAX);
		return false;
	}
	if (ptx_rom_parse(text, &roms[options->nr_roms])) {
		cli_usage(cli, "a hash is 64 hexadecimal digits, as sha256sum prints them, not '%s'",
			  text);
		return false;
	}
	options->roms = roms;
	options->nr_roms++;
	return true;
}

/* A user by name or by number. */
bool cli_user(const char *text, uid_t *uid)
{
	struct passwd *pw = getpwnam(text);
	size_t n = strlen(text);

	if (pw) {
		*uid = pw->pw_uid;
		return true;
	}
	if (!n || n > 9 || strspn(text, "0123456789") != n)
		return false;
	*uid = (uid_t)strtoul(text, NULL, 10);
	return true;
}

static int dispatch(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'V' },
		{ }
	};
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+hjpV", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			help(stdout);
			return EXIT_DONE;
		case 'V':
			printf("ptxctl %s\n", PTX_VERSION);
			return EXIT_DONE;
		case 'p':
			cli->pretty = true;
			/* fall through */
		case 'j':
			cli->json = true;
			break;
		default:
			return cli_usage(cli, "'%s' is no option: see ptxctl --help",
					 argv[optind - 1]);
		}
	}
	argc -= optind;
	argv += optind;
	if (!argc) {
		help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[0], "help")) {
		cli->verb = argc > 1 ? verb_find(argv[1]) : NULL;
		if (argc > 1 && !cli->verb)
			return cli_usage(cli, "there is no verb '%s'", argv[1]);
		if (cli->verb)
			verb_help(cli->verb, stdout);
		else
			help(stdout);
		return EXIT_DONE;
	}
	cli->verb = verb_find(argv[0]);
	if (!cli->verb)
		return cli_usage(cli, "there is no verb '%s'", argv[0]);
	optind = 0;
	/* getopt_long() puts this in front of its complaints. */
	argv[0] = program_invocation_short_name;
	status = cli->verb->fn(cli, argc, argv);
	if (ends_leases(cli->verb))
		ledger_settle(cli);
	return status;
}

int main(int argc, char **argv)
{
	struct cli cli = { .json = false };
	int status;

	setlocale(LC_CTYPE, "");
	if (ptx_ctx_new(&cli.ctx)) {
		fputs("ptxctl: out of memory\n", stderr);
		return EXIT_REFUSED;
	}
	status = dispatch(&cli, argc, argv);
	pciname_end();
	ptx_names_free(cli.names);
	ptx_ctx_free(cli.ctx);
	/* What did not fit into one buffer may have failed long before. */
	errno = 0;
	if ((fflush(stdout) || ferror(stdout)) && status == EXIT_DONE) {
		fprintf(stderr, "ptxctl: the output is incomplete%s%s\n", errno ? ": " : "",
			errno ? strerror(errno) : "");
		status = EXIT_REFUSED;
	}
	return status;
}
