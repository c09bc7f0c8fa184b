// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * use: looks through /sys and /proc for what this host does with a device.
 * Reads only; what cannot be read is taken as unused.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "internal.h"

/* How deep dm is searched on md on dm. */
#define HOLDER_DEPTH	8

/* Tables in /proc are read up to this size. */
#define PROC_MAX	(16 << 20)

struct ptx_use {
	enum ptx_use_kind kind;
	char *node;
	char *by;
	pid_t pid;
};

struct ptx_use_list {
	struct ptx_use *uses;
	size_t nr;
};

/**
 * struct search - one search under way
 * @root: what goes in front of /sys, /proc and /dev
 * @device: the device searched for
 * @list: what was found
 * @mounts: /proc/self/mountinfo and that of process 1, one after the other
 * @swaps: /proc/swaps
 * @nodes: device files of it that a process may have open
 * @nr_nodes: how many
 * @err: 0 or -ENOMEM
 */
struct search {
	const char *root;
	const char *device;
	struct ptx_use_list *list;
	char *mounts[2];
	char *swaps;
	char **nodes;
	size_t nr_nodes;
	int err;
};

enum ptx_use_kind ptx_use_kind(const struct ptx_use *use)
{
	return use->kind;
}

const char *ptx_use_kind_name(enum ptx_use_kind kind)
{
	static const char *const names[] = {
		[PTX_USE_MOUNT]		= "mount",
		[PTX_USE_SWAP]		= "swap",
		[PTX_USE_HOLDER]	= "holder",
		[PTX_USE_CLAIMED]	= "claimed",
		[PTX_USE_NETWORK]	= "network",
		[PTX_USE_PROCESS]	= "process",
	};

	return (unsigned int)kind < PTX_ARRAY_SIZE(names) ? names[kind] : "unknown";
}

const char *ptx_use_node(const struct ptx_use *use)
{
	return use->node;
}

const char *ptx_use_by(const struct ptx_use *use)
{
	return use->by;
}

pid_t ptx_use_pid(const struct ptx_use *use)
{
	return use->pid;
}

bool ptx_use_destructive(const struct ptx_use *use)
{
	switch (use->kind) {
	case PTX_USE_MOUNT:
	case PTX_USE_SWAP:
	case PTX_USE_HOLDER:
	case PTX_USE_CLAIMED:
		return true;
	case PTX_USE_NETWORK:
	case PTX_USE_PROCESS:
		break;
	}
	return false;
}

size_t ptx_use_list_count(const struct ptx_use_list *list)
{
	return list->nr;
}

const struct ptx_use *ptx_use_list_at(const struct ptx_use_list *list, size_t i)
{
	return i < list->nr ? &list->uses[i] : NULL;
}

void ptx_use_list_free(struct ptx_use_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->nr; i++) {
		free(list->uses[i].node);
		free(list->uses[i].by);
	}
	free(list->uses);
	free(list);
}

static void found(struct search *s, enum ptx_use_kind kind, const char *node,
		  const char *by, pid_t pid)
{
	struct ptx_use_list *list = s->list;
	struct ptx_use use = { .kind = kind, .pid = pid };

	for (size_t i = 0; i < list->nr; i++) {
		const struct ptx_use *have = &list->uses[i];

		if (have->kind == kind && have->pid == pid && !strcmp(have->node, node) &&
		    !strcmp(have->by, by))
			return;
	}
	use.node = strdup(node);
	use.by = strdup(by);
	if (!use.node || !use.by || !ptx_grow(&list->uses, list->nr, sizeof(*list->uses))) {
		free(use.node);
		free(use.by);
		s->err = -ENOMEM;
		return;
	}
	list->uses[list->nr++] = use;
}

static bool path_of(char buf[PATH_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static bool path_of(char buf[PATH_MAX], const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, PATH_MAX, fmt, ap);
	va_end(ap);
	return n >= 0 && n < PATH_MAX;
}

static bool read_word(const char *path, char *buf, size_t size)
{
	char *text = ptx_read_file(path, 4096, NULL);

	if (!text)
		return false;
	snprintf(buf, size, "%.*s", (int)strcspn(text, "\n"), text);
	free(text);
	return true;
}

/* Does the link at @path lead to something that belongs to the device? */
static bool belongs(const struct search *s, const char *path)
{
	char real[PATH_MAX], owner[PTX_DEVICE_NAME_SIZE];

	return realpath(path, real) && ptx_last_address(real, owner) &&
	       !strcmp(owner, s->device);
}

/* With NVMe multipath the block device hangs on the subsystem, not the path. */
static bool belongs_by_subsystem(const struct search *s, const char *path)
{
	char real[PATH_MAX], link[PATH_MAX], *end;
	struct dirent *entry;
	bool yes = false;
	DIR *dir;

	if (!realpath(path, real) || !strstr(real, "/nvme-subsystem/"))
		return false;
	/* .../nvme-subsystem/nvme-subsysN/nvmeXnY[/nvmeXnYpZ] */
	end = strstr(real, "/nvme-subsystem/") + strlen("/nvme-subsystem/");
	end = strchr(end, '/');
	if (!end)
		return false;
	*end = '\0';
	dir = opendir(real);
	if (!dir)
		return false;
	while (!yes && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "nvme", 4) &&
		    path_of(link, "%s/%s", real, entry->d_name))
			yes = belongs(s, link);
	}
	closedir(dir);
	return yes;
}

/* Octal escapes, as /proc/self/mountinfo and /proc/swaps have them. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (*text == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* One line of mountinfo: by device number, and by name for btrfs and its like. */
static void look_at_mount(struct search *s, const char *line, const char *node,
			  const char *number)
{
	char numbers[32], point[PATH_MAX], source[PATH_MAX];
	const char *dash, *base;

	if (sscanf(line, "%*s %*s %31s %*s %4095s", numbers, point) != 2)
		return;
	dash = strstr(line, " - ");
	if (!dash || sscanf(dash + 3, "%*s %4095s", source) != 1)
		*source = '\0';
	base = strrchr(source, '/');
	if (strcmp(numbers, number) &&
	    (strncmp(source, "/dev/", 5) || strcmp(base + 1, node)))
		return;
	unescape(point);
	found(s, PTX_USE_MOUNT, node, point, 0);
}

typedef void (*line_fn)(struct search *s, const char *line, const char *node,
			const char *number);

static void each_line(const char *text, struct search *s, line_fn fn,
			  const char *node, const char *number)
{
	char line[PATH_MAX * 3];

	while (text && *text) {
		size_t n = strcspn(text, "\n");

		if (n < sizeof(line)) {
			memcpy(line, text, n);
			line[n] = '\0';
			fn(s, line, node, number);
		}
		text += n;
		text += *text == '\n';
	}
}

static void look_at_swap(struct search *s, const char *line, const char *node,
			 const char *number)
{
	char path[PATH_MAX];
	const char *base;

	(void)number;
	if (sscanf(line, "%4095s", path) != 1)
		return;
	unescape(path);
	base = strrchr(path, '/');
	if (!strncmp(path, "/dev/", 5) && !strcmp(base + 1, node))
		found(s, PTX_USE_SWAP, node, "", 0);
}

/* Somebody who holds it exclusively leaves no other trace, like ZFS. */
static bool claimed(const struct search *s, const char *node)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	if (!path_of(path, "%s/dev/%s", s->root, node) || stat(path, &st) ||
	    !S_ISBLK(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == EBUSY;
	close(fd);
	return false;
}

static void look_at_block(struct search *s, const char *node, int depth)
{
	char path[PATH_MAX], number[32], name[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (!path_of(path, "%s/sys/class/block/%s/dev", s->root, node) ||
	    !read_word(path, number, sizeof(number)))
		return;
	for (size_t i = 0; i < PTX_ARRAY_SIZE(s->mounts); i++)
		each_line(s->mounts[i], s, look_at_mount, node, number);
	each_line(s->swaps, s, look_at_swap, node, NULL);
	if (!path_of(path, "%s/sys/class/block/%s/holders", s->root, node))
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(name, sizeof(name), "%s", entry->d_name);
		found(s, PTX_USE_HOLDER, node, name, 0);
		if (depth < HOLDER_DEPTH)
			look_at_block(s, name, depth + 1);
	}
	if (dir)
		closedir(dir);
}

static void look_at_disk(struct search *s, const char *node)
{
	size_t before = s->list->nr;

	look_at_block(s, node, 0);
	/* A partition's user claims the whole disk too: say it only once. */
	if (s->list->nr == before && !before && claimed(s, node))
		found(s, PTX_USE_CLAIMED, node, "", 0);
}

static void look_at_interface(struct search *s, const char *node)
{
	char path[PATH_MAX], flags[32];

	if (!path_of(path, "%s/sys/class/net/%s/flags", s->root, node) ||
	    !read_word(path, flags, sizeof(flags)))
		return;
	if (strtoul(flags, NULL, 16) & 1)	/* IFF_UP */
		found(s, PTX_USE_NETWORK, node, "up", 0);
}

static void add_node(struct search *s, const char *path)
{
	char *copy = strdup(path);

	if (!copy || !ptx_grow(&s->nodes, s->nr_nodes, sizeof(*s->nodes))) {
		free(copy);
		s->err = -ENOMEM;
		return;
	}
	s->nodes[s->nr_nodes++] = copy;
}

static void add_node_of(struct search *s, const char *dir, const char *node)
{
	char path[PATH_MAX];

	if (path_of(path, "%s%s", dir, node))
		add_node(s, path);
}

static void look_at_drm(struct search *s, const char *node)
{
	/* Connectors, such as card0-HDMI-A-1, have no file. */
	if (!strchr(node, '-'))
		add_node_of(s, "/dev/dri/", node);
}

static void look_at_accel(struct search *s, const char *node)
{
	add_node_of(s, "/dev/accel/", node);
}

static void look_at_sound(struct search *s, const char *node)
{
	add_node_of(s, "/dev/snd/", node);
}

static void look_at_nvme(struct search *s, const char *node)
{
	add_node_of(s, "/dev/", node);
}

static void look_at_habana(struct search *s, const char *node)
{
	add_node_of(s, "/dev/", node);
}

static const struct class_rule {
	const char *class;
	void (*look)(struct search *s, const char *node);
} class_rules[] = {
	{ "block",		look_at_disk },
	{ "net",		look_at_interface },
	{ "drm",		look_at_drm },
	{ "accel",		look_at_accel },
	{ "sound",		look_at_sound },
	{ "nvme",		look_at_nvme },
	{ "habanalabs",		look_at_habana },
};

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void look_at_class(struct search *s, const struct class_rule *rule)
{
	char path[PATH_MAX], link[PATH_MAX];
	char **names = NULL, *copy;
	struct dirent *entry;
	size_t nr = 0;
	DIR *dir;

	if (!path_of(path, "%s/sys/class/%s", s->root, rule->class))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.' || !path_of(link, "%s/%s", path, entry->d_name))
			continue;
		if (!belongs(s, link) && !belongs_by_subsystem(s, link))
			continue;
		copy = strdup(entry->d_name);
		if (!copy || !ptx_grow(&names, nr, sizeof(*names))) {
			free(copy);
			s->err = -ENOMEM;
			break;
		}
		names[nr++] = copy;
	}
	closedir(dir);
	if (nr)
		qsort(names, nr, sizeof(*names), by_text);
	/* From the last to the first: partitions before their disk. */
	while (nr--) {
		rule->look(s, names[nr]);
		free(names[nr]);
	}
	free(names);
}

/* NVIDIA's driver has files of its own, numbered by itself. */
static void look_at_nvidia(struct search *s)
{
	char path[PATH_MAX], node[64], *text, *minor;

	if (!path_of(path, "%s/proc/driver/nvidia/gpus/%s/information", s->root, s->device))
		return;
	text = ptx_read_file(path, 65536, NULL);
	minor = text ? strstr(text, "Device Minor:") : NULL;
	if (minor) {
		unsigned long nr = strtoul(minor + strlen("Device Minor:"), NULL, 10);

		snprintf(node, sizeof(node), "/dev/nvidia%lu", nr);
		add_node(s, node);
	}
	free(text);
}

/* Its VFIO files, for the case that somebody outside ptx has them open. */
static void look_at_vfio(struct search *s)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (!path_of(path, "%s/sys/bus/pci/devices/%s/iommu_group", s->root, s->device) ||
	    !realpath(path, real))
		return;
	add_node_of(s, "/dev/vfio/", strrchr(real, '/') + 1);
	if (!path_of(path, "%s/sys/bus/pci/devices/%s/vfio-dev", s->root, s->device))
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name != '.')
			add_node_of(s, "/dev/vfio/devices/", entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static bool is_node(const struct search *s, const char *path)
{
	for (size_t i = 0; i < s->nr_nodes; i++) {
		if (!strcmp(s->nodes[i], path))
			return true;
	}
	return false;
}

static void look_at_process(struct search *s, const char *pid)
{
	char path[PATH_MAX], target[PATH_MAX], comm[64];
	struct dirent *entry;
	ssize_t n;
	DIR *dir;

	if (!path_of(path, "%s/proc/%s/fd", s->root, pid))
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (!is_node(s, target))
			continue;
		if (!path_of(path, "%s/proc/%s/comm", s->root, pid) ||
		    !read_word(path, comm, sizeof(comm)))
			strcpy(comm, "?");
		found(s, PTX_USE_PROCESS, target, comm, (pid_t)strtol(pid, NULL, 10));
	}
	if (dir)
		closedir(dir);
}

static void look_at_processes(struct search *s)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	if (!s->nr_nodes || !path_of(path, "%s/proc", s->root))
		return;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (isdigit((unsigned char)*entry->d_name))
			look_at_process(s, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

int ptx_use_list_get(struct ptx_ctx *ctx, const char *device, struct ptx_use_list **out)
{
	static const char *const mounts[] = { "/proc/self/mountinfo", "/proc/1/mountinfo" };
	struct search s = { .root = ctx->sys->root, .device = device };
	char path[PATH_MAX];

	*out = NULL;
	s.list = calloc(1, sizeof(*s.list));
	if (!s.list)
		return ptx_error_no_memory(ctx);
	for (size_t i = 0; i < PTX_ARRAY_SIZE(mounts); i++) {
		if (path_of(path, "%s%s", s.root, mounts[i]))
			s.mounts[i] = ptx_read_file(path, PROC_MAX, NULL);
	}
	if (path_of(path, "%s/proc/swaps", s.root))
		s.swaps = ptx_read_file(path, PROC_MAX, NULL);
	for (size_t i = 0; i < PTX_ARRAY_SIZE(class_rules); i++)
		look_at_class(&s, &class_rules[i]);
	look_at_nvidia(&s);
	look_at_vfio(&s);
	look_at_processes(&s);
	for (size_t i = 0; i < s.nr_nodes; i++)
		free(s.nodes[i]);
	free(s.nodes);
	free(s.mounts[0]);
	free(s.mounts[1]);
	free(s.swaps);
	if (s.err) {
		ptx_use_list_free(s.list);
		return ptx_error_no_memory(ctx);
	}
	*out = s.list;
	return 0;
}
