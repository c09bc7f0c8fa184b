// SPDX-License-Identifier: GPL-2.0-only
/*
 * nodes: VFIO's files under /dev/vfio, which are root's until they are given to
 * the owner of the lease. They come with the VFIO driver and go with it, so
 * there is nothing to undo when devices go home.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/capability.h>
#include "host.h"
#include "nodes.h"
#include "output.h"
#include "ptxctl.h"

#define LOOK_AGAIN_MS	20

/* Adds a file, held but not opened, to @fds, which is a list of @nr. */
static int hold(int **fds, size_t *nr, const char *dir, const char *name)
{
	char path[PATH_MAX];
	int *bigger, fd;

	bigger = reallocarray(*fds, *nr + 1, sizeof(**fds));
	if (!bigger)
		return -ENOMEM;
	*fds = bigger;
	snprintf(path, sizeof(path), "%s%s%s", cli_root, dir, name);
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	(*fds)[(*nr)++] = fd;
	return 0;
}

/* 1 if it was somebody else's, 0 if there was nothing to do, or a negative errno. */
static int give(int fd, uid_t uid)
{
	struct stat st;
	char self[64];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISCHR(st.st_mode) || st.st_uid == uid)
		return 0;
	return chown(self, uid, (gid_t)-1) ? -errno : 1;
}

/* Is it still that lease's, with all that it had? */
static bool still(struct ptx_ctx *ctx, const struct ptx_lease_info *info, uid_t uid)
{
	struct ptx_lease_ref ref = { .id = ptx_lease_info_id(info) };
	struct ptx_lease_info *now;
	bool is;

	if (ptx_lease_info_get(ctx, &ref, &now))
		return false;
	is = ptx_lease_info_state(now) <= PTX_LEASE_STATE_ACTIVE &&
	     ptx_lease_info_owner(now) == uid &&
	     ptx_lease_info_nr_members(now) >= ptx_lease_info_nr_members(info);
	for (size_t i = 0; is && i < ptx_lease_info_nr_members(info); i++)
		is = !strcmp(ptx_lease_member_device(ptx_lease_info_member(info, i)),
			     ptx_lease_member_device(ptx_lease_info_member(now, i)));
	ptx_lease_info_free(now);
	return is;
}

/*
 * Gives the files of a lease to @uid. A file's name says nothing of whose it is by now;
 * so the files are held first, and the lease is asked for again then. Whoever has a
 * device next has other files.
 */
int nodes_give(struct cli *cli, const struct ptx_lease_info *info, uid_t uid)
{
	const struct ptx_lease_member *member;
	int *fds = NULL;
	size_t nr = 0;
	char group[16];
	int err = 0, given = 0;

	for (size_t i = 0; !err && (member = ptx_lease_info_member(info, i)); i++) {
		snprintf(group, sizeof(group), "%u", ptx_lease_member_group(member));
		err = hold(&fds, &nr, "/dev/vfio/", group);
		if (!err && ptx_lease_member_cdev(member))
			err = hold(&fds, &nr, "/dev/vfio/devices/",
				   ptx_lease_member_cdev(member));
	}
	if (!err && nr && still(cli->ctx, info, uid)) {
		for (size_t i = 0; err >= 0 && i < nr; i++) {
			err = give(fds[i], uid);
			given += err > 0;
		}
	}
	while (nr)
		close(fds[--nr]);
	free(fds);
	return err < 0 ? err : given;
}

static bool await_one(const char *path, int64_t end)
{
	while (access(path, R_OK | W_OK)) {
		/* A kernel may have only the one kind of file, or the other. */
		if (errno == ENOENT)
			return true;
		if (now_ms() >= end)
			return false;
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
	return true;
}

/* May we open the files of a lease, within so many milliseconds? */
bool nodes_await(const struct ptx_lease_info *info, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	const struct ptx_lease_member *member;
	char path[PATH_MAX];

	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++) {
		snprintf(path, sizeof(path), "%s/dev/vfio/%u", cli_root,
			 ptx_lease_member_group(member));
		if (!await_one(path, end))
			return false;
		if (!ptx_lease_member_cdev(member))
			continue;
		snprintf(path, sizeof(path), "%s/dev/vfio/devices/%s", cli_root,
			 ptx_lease_member_cdev(member));
		if (!await_one(path, end))
			return false;
	}
	return true;
}

/* Gives the files of every lease to its owner; *@leases and *@files get their numbers. */
static int give_all(struct cli *cli, size_t *leases, int *files)
{
	struct ptx_lease_info_list *list;
	const struct ptx_lease_info *info;
	int given, status = EXIT_DONE;

	*leases = 0;
	*files = 0;
	if (ptx_lease_info_list_get(cli->ctx, &list))
		return cli_fail(cli);
	*leases = ptx_lease_info_list_count(list);
	for (size_t i = 0; (info = ptx_lease_info_list_at(list, i)); i++) {
		/* What drains is not to be opened by anybody any more. */
		if (ptx_lease_info_owner(info) == (uid_t)-1 ||
		    ptx_lease_info_state(info) > PTX_LEASE_STATE_ACTIVE)
			continue;
		given = nodes_give(cli, info, ptx_lease_info_owner(info));
		if (given >= 0) {
			*files += given;
			continue;
		}
		cli_say("cannot give the VFIO files of lease '%s' away: %s",
			ptx_lease_info_name(info), strerror(-given));
		status = EXIT_REFUSED;
	}
	ptx_lease_info_list_free(list);
	return status;
}

static int give_once(struct cli *cli)
{
	size_t leases;
	int files, status;

	status = give_all(cli, &leases, &files);
	if (files)
		printf("gave %d file%s under /dev/vfio to the owners of leases\n", files,
		       files == 1 ? "" : "s");
	else if (!status)
		printf("nothing to do: %s\n", leases ?
		       "no file under /dev/vfio has to be given to the owner of a lease" :
		       "there are no leases");
	return status;
}

/* Others see but their own leases, and can give nothing away. */
static int check_right(struct cli *cli)
{
	struct ptx_info info;

	if (host_may(CAP_SYS_ADMIN))
		return EXIT_DONE;
	if (ptx_ctx_info(cli->ctx, &info))
		return cli_fail(cli);
	cli_say("you may not give the files under /dev/vfio to the owners of leases");
	fputs("  do it as root (CAP_SYS_ADMIN)\n", stderr);
	return EXIT_REFUSED;
}

int verb_nodes(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "watch", no_argument, NULL, 'w' },
		{ }
	};
	struct ptx_events *events;
	struct ptx_notice *notice;
	bool watch = false;
	int c, n, files, status;
	size_t leases;

	while ((c = cli_getopt(cli, argc, argv, "hw", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'w')
			watch = true;
	}
	if (optind != argc)
		return cli_usage(cli, "nodes takes no '%s'", argv[optind]);
	status = check_right(cli);
	if (status)
		return status;
	if (!watch)
		return give_once(cli);
	/* First the subscription, then the first look, or a lease gets lost. */
	if (ptx_events_open(cli->ctx, &events))
		return cli_fail(cli);
	/* What cannot be read now may be at the next event. */
	give_all(cli, &leases, &files);
	while (!status) {
		bool look = false;

		n = ptx_events_read(events, -1, &notice);
		if (n > 0) {
			look = ptx_notice_event(notice) == PTX_EVENT_MEMBER_READY ||
			       ptx_notice_event(notice) == PTX_EVENT_LEASE_RESTRICTED;
			ptx_notice_free(notice);
		} else if (n != -ENOBUFS) {
			status = cli_fail(cli);
		}
		if (look || n == -ENOBUFS)
			give_all(cli, &leases, &files);
	}
	ptx_events_close(events);
	return status;
}
