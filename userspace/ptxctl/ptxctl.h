/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of ptxctl share.
 */
#ifndef PTXCTL_H
#define PTXCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <libptx/libptx.h>

/* Exit status. "run" has the VMM's own besides. */
#define EXIT_DONE		0
#define EXIT_REFUSED		1
#define EXIT_USAGE		2
#define EXIT_NO_MODULE		3
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

/* Long options without a letter. */
enum {
	OPT_FIRST = 256,
	OPT_DRIVER,
	OPT_EXACT,
	OPT_BOOT_DISPLAY,
	OPT_CLEAR_MEMORY,
	OPT_DEADLINE,
	OPT_DMA_QUOTA,
	OPT_DMA_WINDOW,
	OPT_FORCE,
	OPT_KILL,
	OPT_LEASE,
	OPT_MAX,
	OPT_MEMORY,
	OPT_NAME,
	OPT_NEAR,
	OPT_NO_SPACE,
	OPT_NUMA,
	OPT_OPENMETRICS,
	OPT_OWNER,
	OPT_PID,
	OPT_PLUG,
	OPT_POOLED,
	OPT_RESET,
	OPT_REVOKE,
	OPT_ROM,
	OPT_SPACE,
	OPT_STATE,
	OPT_STOP_PERSISTENCED,
	OPT_TIMEOUT,
	OPT_UNPLUG,
	OPT_USER,
	OPT_VCPUS,
	OPT_VMM,
	OPT_DEVICE,
	OPT_KIND,	/* plus an enum ptx_kind */
};

/**
 * struct cli - one run of the program
 * @ctx: the way to the module
 * @verb: what is being done
 * @names: the user's own names, once cli_names() has read them
 * @names_failed: it could not, and has said so
 * @json: print JSON
 * @pretty: and indent it
 * @quiet: print less
 */
struct cli {
	struct ptx_ctx *ctx;
	const struct verb *verb;
	struct ptx_names *names;
	bool names_failed;
	bool json;
	bool pretty;
	bool quiet;
};

/**
 * struct verb - something the program can do
 * @name: on the command line
 * @fn: does it; returns the exit status
 * @usage: its arguments, in a line
 * @brief: what it does, in a line
 * @help: its options, a line each
 */
struct verb {
	const char *name;
	int (*fn)(struct cli *cli, int argc, char **argv);
	const char *usage;
	const char *brief;
	const char *help;
};

struct option;

/* main.c */
int cli_getopt(struct cli *cli, int argc, char **argv, const char *letters,
	       const struct option *options);
int cli_usage(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int cli_fail(struct cli *cli);
const struct ptx_names *cli_names(struct cli *cli);
const char *cli_name_of(struct cli *cli, const char *address);
bool cli_request_timeout(struct cli *cli, const char *text, uint32_t *ms);
bool cli_rom(struct cli *cli, const char *text, struct ptx_add_options *options);
bool cli_timeout(struct cli *cli, const char *text, uint32_t *ms);
bool cli_user(const char *text, uid_t *uid);
bool cli_delay(struct cli *cli, const char *text, uint32_t *ms);

/* The verbs, each in the file of its name or of its noun. */
int verb_list(struct cli *cli, int argc, char **argv);
int verb_info(struct cli *cli, int argc, char **argv);
int verb_name(struct cli *cli, int argc, char **argv);
int verb_topology(struct cli *cli, int argc, char **argv);
int verb_vgpu(struct cli *cli, int argc, char **argv);
int verb_check(struct cli *cli, int argc, char **argv);
int verb_lease(struct cli *cli, int argc, char **argv);
int verb_add(struct cli *cli, int argc, char **argv);
int verb_remove(struct cli *cli, int argc, char **argv);
int verb_release(struct cli *cli, int argc, char **argv);
int verb_revoke(struct cli *cli, int argc, char **argv);
int verb_restrict(struct cli *cli, int argc, char **argv);
int verb_reset(struct cli *cli, int argc, char **argv);
int verb_wait(struct cli *cli, int argc, char **argv);
int verb_leases(struct cli *cli, int argc, char **argv);
int verb_show(struct cli *cli, int argc, char **argv);
int verb_run(struct cli *cli, int argc, char **argv);
int verb_grant(struct cli *cli, int argc, char **argv);
int verb_ungrant(struct cli *cli, int argc, char **argv);
int verb_grants(struct cli *cli, int argc, char **argv);
int verb_nodes(struct cli *cli, int argc, char **argv);
int verb_pool(struct cli *cli, int argc, char **argv);
int verb_save(struct cli *cli, int argc, char **argv);
int verb_restore(struct cli *cli, int argc, char **argv);
int verb_monitor(struct cli *cli, int argc, char **argv);
int verb_stats(struct cli *cli, int argc, char **argv);

/* What is put in front of /sys, /proc, /dev and /lib; tests change it. */
extern const char *cli_root;

#endif /* PTXCTL_H */
