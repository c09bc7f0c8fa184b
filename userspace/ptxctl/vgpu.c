// SPDX-License-Identifier: GPL-2.0-only
/*
 * vgpu: mediated devices: the types that there are, the devices, and those nobody wants.
 *
 * What a lease has made goes with it. What others have made, and left behind, is removed
 * here if one says so; an admin's own, those that mdevctl knows, and those in use never.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host.h"
#include "output.h"
#include "ptxctl.h"

#define PARENTS	"/sys/class/mdev_bus"
#define TYPES	"mdev_supported_types"
#define MDEVS	"/sys/bus/mdev/devices"

/* Names in sysfs are no longer than that. */
#define NAME	256

/* Room for whose a device is. */
#define OWNER	((size_t)2 * NAME)

/**
 * struct mdev - a mediated device that exists
 * @uuid: what it is called
 * @parent: who made it
 * @type: as what
 * @group: its IOMMU group; empty if it is not known
 * @lease: whose it is, or NULL
 * @defined: mdevctl has a definition of it
 * @opener: a process that has it open, or 0
 */
struct mdev {
	char uuid[NAME];
	char parent[NAME];
	char type[NAME];
	char group[NAME];
	const char *lease;
	bool defined;
	long opener;
};

typedef int (*entry_fn)(const char *path, const char *name, void *arg);

/* @fn for each entry of a directory in order; what it returns, or 0. */
static int each_entry(const char *path, entry_fn fn, void *arg)
{
	struct dirent **entries;
	char full[4 * NAME];
	int nr, ret = 0;

	snprintf(full, sizeof(full), "%s%s", cli_root, path);
	nr = scandir(full, &entries, NULL, alphasort);
	for (int i = 0; i < nr; i++) {
		if (!ret && *entries[i]->d_name != '.')
			ret = fn(path, entries[i]->d_name, arg);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
	return ret;
}

/* One attribute, without the newline at its end. */
static void attribute(const char *dir, const char *name, char *buf, size_t size)
{
	char path[5 * NAME];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	host_read(path, buf, size);
	buf[strcspn(buf, "\n")] = '\0';
}

/* The last part of what a link leads to; empty if it leads nowhere. */
static void link_end(const char *dir, const char *name, char buf[NAME], unsigned int up)
{
	char path[5 * NAME], *real;

	snprintf(path, sizeof(path), "%s%s/%s", cli_root, dir, name);
	real = realpath(path, NULL);
	for (; real && up; up--) {
		char *slash = strrchr(real, '/');

		if (slash)
			*slash = '\0';
	}
	snprintf(buf, NAME, "%s", real && strrchr(real, '/') ? strrchr(real, '/') + 1 : "");
	free(real);
}

static int count_entry(const char *path, const char *name, void *arg)
{
	(void)path;
	(void)name;
	++*(unsigned int *)arg;
	return 0;
}

/**
 * struct types - the table of types
 * @parent: whose types are being read
 * @table: for people, or NULL
 * @array: for programs, or NULL
 */
struct types {
	const char *parent;
	struct table *table;
	struct json_object *array;
};

static int put_type(const char *path, const char *name, void *arg)
{
	char dir[3 * NAME], devices[4 * NAME], pretty[NAME], text[4096], room[32], node[32];
	struct types *types = arg;
	unsigned int used = 0;
	struct json_object *obj;

	snprintf(dir, sizeof(dir), "%s/%s", path, name);
	snprintf(devices, sizeof(devices), "%s/devices", dir);
	each_entry(devices, count_entry, &used);
	attribute(dir, "name", pretty, sizeof(pretty));
	attribute(dir, "available_instances", room, sizeof(room));
	snprintf(devices, sizeof(devices), PARENTS "/%s", types->parent);
	attribute(devices, "numa_node", node, sizeof(node));
	if (types->table) {
		table_cell(types->table, types->parent);
		table_cell(types->table, name);
		table_cell(types->table, *pretty && strcmp(pretty, name) ? pretty : NULL);
		table_cell(types->table, room);
		table_cellf(types->table, "%u", used);
		table_cell(types->table, *node && *node != '-' ? node : NULL);
		return 0;
	}
	obj = json_object_new_object();
	json_put_text(obj, "parent", types->parent);
	json_put_text(obj, "type", name);
	json_put_text(obj, "name", *pretty ? pretty : NULL);
	snprintf(devices, sizeof(devices), "%s/description", dir);
	host_read(devices, text, sizeof(text));
	if (*text && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = '\0';
	json_put_text(obj, "description", *text ? text : NULL);
	attribute(dir, "device_api", text, sizeof(text));
	json_put_text(obj, "device_api", *text ? text : NULL);
	json_put_u64(obj, "available", strtoul(room, NULL, 10));
	json_put_u64(obj, "in_use", used);
	if (*node && *node != '-')
		json_put_u64(obj, "numa_node", strtoul(node, NULL, 10));
	else
		json_object_object_add(obj, "numa_node", NULL);
	json_object_array_add(types->array, obj);
	return 0;
}

static int put_parent(const char *path, const char *name, void *arg)
{
	struct types *types = arg;
	char dir[2 * NAME];

	types->parent = name;
	snprintf(dir, sizeof(dir), "%s/%s/" TYPES, path, name);
	return each_entry(dir, put_type, types);
}

static int vgpu_types(struct cli *cli)
{
	struct types types = { .parent = NULL };

	if (cli->json)
		types.array = json_object_new_array();
	else
		types.table = table_new(6, "PARENT", "TYPE", "NAME", "FREE", "IN USE", "NODE");
	each_entry(PARENTS, put_parent, &types);
	if (cli->json)
		return json_print(cli, types.array);
	table_print(types.table);
	return EXIT_DONE;
}

/**
 * struct opener - a search for who has a group open
 * @node: the file
 * @pid: of the process, or 0
 */
struct opener {
	char node[2 * NAME];
	long pid;
};

static int is_node(const char *path, const char *name, void *arg)
{
	char link[4 * NAME], target[2 * NAME];
	const struct opener *opener = arg;
	ssize_t n;

	snprintf(link, sizeof(link), "%s%s/%s", cli_root, path, name);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return 0;
	target[n] = '\0';
	return !strcmp(target, opener->node);
}

static int has_node(const char *path, const char *name, void *arg)
{
	struct opener *opener = arg;
	char dir[2 * NAME];

	if (strspn(name, "0123456789") != strlen(name))
		return 0;
	snprintf(dir, sizeof(dir), "%s/%s/fd", path, name);
	if (!each_entry(dir, is_node, opener))
		return 0;
	opener->pid = strtol(name, NULL, 10);
	return 1;
}

/* Its lease, by the name of a member; the list must outlive what is returned. */
static const char *lease_of(const struct ptx_lease_info_list *leases, const char *uuid)
{
	const struct ptx_lease_member *member;
	const struct ptx_lease_info *info;

	for (size_t i = 0; (info = ptx_lease_info_list_at(leases, i)); i++) {
		for (size_t j = 0; (member = ptx_lease_info_member(info, j)); j++) {
			if (!strcmp(ptx_lease_member_device(member), uuid))
				return ptx_lease_info_name(info);
		}
	}
	return NULL;
}

static void mdev_read(const char *uuid, const struct ptx_lease_info_list *leases,
		      struct mdev *mdev)
{
	char dir[2 * NAME], path[4 * NAME];
	struct opener opener = { .pid = 0 };

	memset(mdev, 0, sizeof(*mdev));
	snprintf(mdev->uuid, sizeof(mdev->uuid), "%s", uuid);
	snprintf(dir, sizeof(dir), MDEVS "/%s", uuid);
	link_end(dir, "mdev_type", mdev->type, 0);
	/* Its own directory is in its parent's. */
	link_end(MDEVS, uuid, mdev->parent, 1);
	link_end(dir, "iommu_group", mdev->group, 0);
	mdev->lease = leases ? lease_of(leases, uuid) : NULL;
	snprintf(path, sizeof(path), "%s/etc/mdevctl.d/%s/%s", cli_root, mdev->parent, uuid);
	mdev->defined = !access(path, F_OK);
	if (!*mdev->group)
		return;
	snprintf(opener.node, sizeof(opener.node), "/dev/vfio/%s", mdev->group);
	each_entry("/proc", has_node, &opener);
	mdev->opener = opener.pid;
}

/* Whose it is, in words; NULL for nobody's. */
static const char *owner_text(const struct mdev *mdev, char buf[OWNER])
{
	if (mdev->lease)
		snprintf(buf, OWNER, "lease %s", mdev->lease);
	else if (mdev->opener)
		snprintf(buf, OWNER, "open in process %ld", mdev->opener);
	else if (mdev->defined)
		snprintf(buf, OWNER, "defined by mdevctl");
	else
		return NULL;
	return buf;
}

/**
 * struct mdevs - devices to be shown, or removed
 * @leases: those of the host
 * @table: for people, or NULL
 * @array: for programs, or NULL
 * @status: the worst exit status
 */
struct mdevs {
	struct ptx_lease_info_list *leases;
	struct table *table;
	struct json_object *array;
	int status;
};

static int put_mdev(const char *path, const char *name, void *arg)
{
	struct mdevs *mdevs = arg;
	struct json_object *obj;
	char owner[OWNER];
	struct mdev mdev;

	(void)path;
	mdev_read(name, mdevs->leases, &mdev);
	if (mdevs->table) {
		table_cell(mdevs->table, mdev.uuid);
		table_cell(mdevs->table, mdev.parent);
		table_cell(mdevs->table, mdev.type);
		table_cell(mdevs->table, *mdev.group ? mdev.group : NULL);
		table_cell(mdevs->table, owner_text(&mdev, owner) ? owner : "nobody's");
		return 0;
	}
	obj = json_object_new_object();
	json_put_text(obj, "uuid", mdev.uuid);
	json_put_text(obj, "parent", mdev.parent);
	json_put_text(obj, "type", mdev.type);
	json_put_text(obj, "group", *mdev.group ? mdev.group : NULL);
	json_put_text(obj, "lease", mdev.lease);
	json_put_bool(obj, "defined", mdev.defined);
	json_put_bool(obj, "open", mdev.opener);
	json_put_bool(obj, "orphan", !owner_text(&mdev, owner));
	json_object_array_add(mdevs->array, obj);
	return 0;
}

static int remove_mdev(const struct mdev *mdev)
{
	char path[4 * NAME];
	int fd, ret;

	snprintf(path, sizeof(path), "%s" MDEVS "/%s/remove", cli_root, mdev->uuid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 || write(fd, "1", 1) != 1 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (ret) {
		cli_say("%s: cannot be removed: %s", mdev->uuid, strerror(ret));
		return EXIT_REFUSED;
	}
	text_put(stdout, mdev->uuid);
	fputs(" is removed; it was ", stdout);
	text_put(stdout, mdev->type);
	fputs(" of ", stdout);
	text_put(stdout, mdev->parent);
	putchar('\n');
	return EXIT_DONE;
}

/* Of all of them, those that are somebody's are passed over without a word. */
static int reclaim_any(const char *path, const char *name, void *arg)
{
	struct mdevs *mdevs = arg;
	char owner[OWNER];
	struct mdev mdev;

	(void)path;
	mdev_read(name, mdevs->leases, &mdev);
	if (!owner_text(&mdev, owner) && remove_mdev(&mdev))
		mdevs->status = EXIT_REFUSED;
	return 0;
}

static int is_that(const char *path, const char *name, void *arg)
{
	(void)path;
	return !strcmp(name, arg);
}

static void reclaim_one(struct mdevs *mdevs, char *uuid)
{
	char owner[OWNER];
	struct mdev mdev;

	/* What is not in that directory is no name for a path either. */
	if (!each_entry(MDEVS, is_that, uuid)) {
		cli_say("%s: there is no such mediated device", uuid);
		fputs("  see what there is: ptxctl vgpu list\n", stderr);
		mdevs->status = EXIT_REFUSED;
		return;
	}
	mdev_read(uuid, mdevs->leases, &mdev);
	if (owner_text(&mdev, owner)) {
		cli_say("%s: it is not an orphan: %s", uuid, owner);
		mdevs->status = EXIT_REFUSED;
	} else if (remove_mdev(&mdev)) {
		mdevs->status = EXIT_REFUSED;
	}
}

int verb_vgpu(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct mdevs mdevs = { .status = EXIT_DONE };
	bool all = false, reclaim, list;
	int c;

	while ((c = cli_getopt(cli, argc, argv, "ahjp", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		all |= c == 'a';
	}
	if (optind == argc)
		return cli_usage(cli, "types, list or reclaim?");
	reclaim = !strcmp(argv[optind], "reclaim");
	list = !strcmp(argv[optind], "list");
	if (!reclaim && !list && strcmp(argv[optind], "types"))
		return cli_usage(cli, "there is no 'vgpu %s'", argv[optind]);
	if (all && !reclaim)
		return cli_usage(cli, "--all is for reclaim");
	if (!reclaim && optind + 1 < argc)
		return cli_usage(cli, "too many words");
	if (!reclaim && !list)
		return vgpu_types(cli);
	if (reclaim && (cli->json || all == (optind + 1 < argc)))
		return cli_usage(cli, cli->json ? "JSON is for types and list" :
				 all ? "either --all or some" : "which? or --all");
	/* Only who sees every lease can tell what is nobody's. */
	if (reclaim && geteuid()) {
		cli_say("only root can remove mediated devices");
		return EXIT_REFUSED;
	}
	if (ptx_lease_info_list_get(cli->ctx, &mdevs.leases))
		return cli_fail(cli);
	if (list && cli->json)
		mdevs.array = json_object_new_array();
	else if (list)
		mdevs.table = table_new(5, "UUID", "PARENT", "TYPE", "GROUP", "OWNER");
	if (list || all)
		each_entry(MDEVS, list ? put_mdev : reclaim_any, &mdevs);
	for (int i = optind + 1; reclaim && i < argc; i++)
		reclaim_one(&mdevs, argv[i]);
	if (mdevs.array)
		mdevs.status = json_print(cli, mdevs.array);
	if (mdevs.table)
		table_print(mdevs.table);
	ptx_lease_info_list_free(mdevs.leases);
	return mdevs.status;
}
