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
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "nodes.h"
#include "output.h"
#include "ptxctl.h"

#define LOOK_AGAIN_MS	20

static int give(const char *dir, const char *name, uid_t uid)
{
	char path[PATH_MAX], self[64];
	struct stat st;
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s%s%s", cli_root, dir, name);
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) ||
	    (S_ISCHR(st.st_mode) && st.st_uid != uid && chown(self, uid, (gid_t)-1)))
		err = -errno;
	close(fd);
	return err;
}

/* Gives the files of a lease to @uid: 0, or the first negative errno. */
int nodes_give(const struct ptx_lease_info *info, uid_t uid)
{
	const struct ptx_lease_member *member;
	char group[16];
	int err = 0;

	for (size_t i = 0; !err && (member = ptx_lease_info_member(info, i)); i++) {
		snprintf(group, sizeof(group), "%u", ptx_lease_member_group(member));
		err = give("/dev/vfio/", group, uid);
		if (!err && ptx_lease_member_cdev(member))
			err = give("/dev/vfio/devices/", ptx_lease_member_cdev(member), uid);
	}
	return err;
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

/* Gives the files of every lease to its owner. */
static int give_all(struct cli *cli)
{
	struct ptx_lease_info_list *list;
	const struct ptx_lease_info *info;
	int err, status = EXIT_DONE;

	if (ptx_lease_info_list_get(cli->ctx, &list))
		return cli_fail(cli);
	for (size_t i = 0; (info = ptx_lease_info_list_at(list, i)); i++) {
		/* What drains is not to be opened by anybody any more. */
		if (ptx_lease_info_owner(info) == (uid_t)-1 ||
		    ptx_lease_info_state(info) > PTX_LEASE_STATE_ACTIVE)
			continue;
		err = nodes_give(info, ptx_lease_info_owner(info));
		if (!err)
			continue;
		cli_say("cannot give the VFIO files of lease '%s' away: %s",
			ptx_lease_info_name(info), strerror(-err));
		status = EXIT_REFUSED;
	}
	ptx_lease_info_list_free(list);
	return status;
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
	int c, n, status;

	while ((c = cli_getopt(cli, argc, argv, "hw", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		if (c == 'w')
			watch = true;
	}
	if (optind != argc)
		return cli_usage(cli, "nodes takes no '%s'", argv[optind]);
	if (!watch)
		return give_all(cli);
	/* First the subscription, then the first look, or a lease gets lost. */
	if (ptx_events_open(cli->ctx, &events))
		return cli_fail(cli);
	status = give_all(cli);
	while (!status) {
		bool look = false;

		n = ptx_events_read(events, -1, &notice);
		if (n > 0) {
			look = ptx_notice_event(notice) == PTX_EVENT_MEMBER_READY;
			ptx_notice_free(notice);
		} else if (n != -ENOBUFS) {
			status = cli_fail(cli);
		}
		if (look || n == -ENOBUFS)
			give_all(cli);
	}
	ptx_events_close(events);
	return status;
}
