// SPDX-License-Identifier: GPL-2.0-only
/*
 * persistenced: stopped before a GPU is taken, and started again once it is home.
 * It keeps every NVIDIA GPU of the host open, so this takes it from all of them.
 */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "output.h"
#include "persistenced.h"

/* As /proc/PID/comm has it, which keeps 15 bytes. */
#define COMM		"nvidia-persiste"
#define SERVICE		"nvidia-persistenced.service"
/* How long its files may stay open after the service is said to be stopped. */
#define CLOSED_MS	5000
#define LOOK_AGAIN_US	20000

static bool has_open(struct cli *cli, const char *device)
{
	const struct ptx_use *use;
	struct ptx_use_list *uses;
	bool has = false;

	if (ptx_use_list_get(cli->ctx, device, &uses))
		return false;
	for (size_t i = 0; !has && (use = ptx_use_list_at(uses, i)); i++)
		has = ptx_use_kind(use) == PTX_USE_PROCESS &&
		      !strncmp(ptx_use_by(use), COMM, strlen(COMM));
	ptx_use_list_free(uses);
	return has;
}

/* For selection_each(): into the bool at @arg. */
static int look(struct cli *cli, const struct ptx_device *dev, void *arg)
{
	bool *has = arg;
	const char *mate;

	*has = *has || has_open(cli, ptx_device_name(dev));
	for (size_t i = 0; !*has && (mate = ptx_device_group_member(dev, i)); i++)
		*has = has_open(cli, mate);
	return EXIT_DONE;
}

/* Runs systemctl; 0, or what is wrong in words. */
static const char *systemctl(const char *what)
{
	char name[] = "systemctl", service[] = SERVICE, verb[8];
	char *const argv[] = { name, verb, service, NULL };
	int status;
	pid_t pid;

	snprintf(verb, sizeof(verb), "%s", what);
	status = posix_spawnp(&pid, name, NULL, NULL, argv, environ);
	if (status)
		return strerror(status);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return strerror(errno);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? NULL : "systemctl failed";
}

int persistenced_look(struct cli *cli, const struct selection *sel, bool *in_the_way)
{
	int status = EXIT_DONE, one_status;

	*in_the_way = false;
	for (size_t i = 0; i < sel->nr; i++) {
		const struct selection one = { .sels = &sel->sels[i], .nr = 1 };

		/* Maybe there are none yet; and it has none of those open. */
		if (ptx_selector_request(sel->sels[i]))
			continue;
		one_status = selection_each(cli, &one, look, in_the_way);
		if (one_status > status)
			status = one_status;
	}
	return status;
}

int persistenced_stop(struct cli *cli, const struct selection *sel, bool *stopped)
{
	bool in_the_way;
	const char *why;
	int status;
	long left;

	status = persistenced_look(cli, sel, &in_the_way);
	if (status || !in_the_way)
		return status;
	progress_begin("stopping nvidia-persistenced");
	why = systemctl("stop");
	*stopped = !why;
	for (left = CLOSED_MS * 1000L; !why && in_the_way; left -= LOOK_AGAIN_US) {
		persistenced_look(cli, sel, &in_the_way);
		if (left <= 0)
			why = "it runs on";
		if (in_the_way)
			usleep(LOOK_AGAIN_US);
	}
	progress_end();
	if (!why)
		return EXIT_DONE;
	cli_say("cannot stop nvidia-persistenced: %s; no device was touched", why);
	fputs("  stop it by hand, and leave --stop-persistenced out\n", stderr);
	return EXIT_REFUSED;
}

void persistenced_start(void)
{
	const char *why = systemctl("start");

	if (!why)
		return;
	cli_say("cannot start nvidia-persistenced again: %s", why);
	fputs("  start it by hand: systemctl start " SERVICE "\n", stderr);
}
