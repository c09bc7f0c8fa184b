// SPDX-License-Identifier: GPL-2.0-only
/*
 * qmp: QEMU's machine protocol, as far as plugging needs it: a JSON object a line,
 * one answer to one command, events in between. json-c parses; what QEMU says is
 * not trusted to have any shape.
 */
#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "qmp.h"

/* Every command is answered at once, but for what QEMU does to open a device. */
#define ANSWER_MS	60000
#define HELLO_MS	5000
/* No answer to what we ask is longer. */
#define LINE_MAX_LEN	(4u << 20)
#define PATH_LEN	512

/**
 * struct qmp - a connection
 * @fd: the socket
 * @line: what was read and not yet looked at
 * @len: its length
 * @room: and how long it may become
 * @watch: QOM path of the device that is being unplugged, or empty
 * @left: QEMU said that it has gone
 * @refused: or that the guest keeps it
 * @error: why something failed
 */
struct qmp {
	int fd;
	char *line;
	size_t len;
	size_t room;
	char watch[PATH_LEN];
	bool left;
	bool refused;
	char error[512];
};

static int fail(struct qmp *qmp, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct qmp *qmp, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(qmp->error, sizeof(qmp->error), fmt, args);
	va_end(args);
	return -1;
}

const char *qmp_error(const struct qmp *qmp)
{
	return qmp ? qmp->error : "out of memory";
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *text_of(struct json_object *obj, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/* An object of that name, or NULL. */
static struct json_object *object_of(struct json_object *obj, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj, key, &value) ||
	    !json_object_is_type(value, json_type_object))
		return NULL;
	return value;
}

/* Elements of an array of that name; 0 if there is none. */
static size_t array_of(struct json_object *obj, const char *key, struct json_object **array)
{
	if (!json_object_object_get_ex(obj, key, array) ||
	    !json_object_is_type(*array, json_type_array))
		return 0;
	return json_object_array_length(*array);
}

/* Takes in more; 0 when something came, -1 with an error when not in time. */
static int more(struct qmp *qmp, int64_t end)
{
	struct pollfd p = { .fd = qmp->fd, .events = POLLIN };
	int64_t left = end - now_ms();
	ssize_t n;

	if (qmp->len == qmp->room) {
		size_t room = qmp->room ? 2 * qmp->room : 4096;
		char *line = room <= LINE_MAX_LEN ? realloc(qmp->line, room) : NULL;

		if (!line)
			return fail(qmp, "QEMU says more than can be right");
		qmp->line = line;
		qmp->room = room;
	}
	if (left <= 0 || poll(&p, 1, (int)left) <= 0)
		return fail(qmp, "QEMU does not answer; another client may be connected to its monitor");
	n = recv(qmp->fd, qmp->line + qmp->len, qmp->room - qmp->len, 0);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return fail(qmp, "the monitor: %s", strerror(errno));
	if (!n)
		return fail(qmp, "QEMU has closed its monitor");
	qmp->len += (size_t)n;
	return 0;
}

/* The next object, to be put by the caller; NULL with an error. */
static struct json_object *next(struct qmp *qmp, int64_t end)
{
	struct json_object *obj;
	size_t used;
	char *eol;

	for (;;) {
		eol = qmp->len ? memchr(qmp->line, '\n', qmp->len) : NULL;
		if (!eol) {
			if (more(qmp, end))
				return NULL;
			continue;
		}
		*eol = '\0';
		used = (size_t)(eol - qmp->line) + 1;
		obj = json_tokener_parse(qmp->line);
		memmove(qmp->line, qmp->line + used, qmp->len - used);
		qmp->len -= used;
		if (obj && json_object_is_type(obj, json_type_object))
			return obj;
		json_object_put(obj);
		fail(qmp, "what answers there is not QEMU's machine protocol");
		return NULL;
	}
}

static void heed_event(struct qmp *qmp, struct json_object *obj)
{
	struct json_object *data = object_of(obj, "data");
	const char *event = text_of(obj, "event");
	const char *path = data ? text_of(data, "path") : NULL;

	if (!event || !path || strcmp(path, qmp->watch))
		return;
	if (!strcmp(event, "DEVICE_DELETED"))
		qmp->left = true;
	else if (!strcmp(event, "DEVICE_UNPLUG_GUEST_ERROR"))
		qmp->refused = true;
}

/* Sends a command; takes over @args. *@out, if wanted, is to be put. */
static int ask(struct qmp *qmp, const char *command, struct json_object *args,
	       struct json_object **out)
{
	struct json_object *msg = json_object_new_object(), *answer, *value;
	const int64_t end = now_ms() + ANSWER_MS;
	const char *text;
	size_t len;
	int ret;

	json_object_object_add(msg, "execute", json_object_new_string(command));
	if (args)
		json_object_object_add(msg, "arguments", args);
	text = json_object_to_json_string_ext(msg, JSON_C_TO_STRING_PLAIN);
	len = strlen(text);
	ret = send(qmp->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len &&
	      send(qmp->fd, "\n", 1, MSG_NOSIGNAL) == 1 ? 0 : -1;
	json_object_put(msg);
	if (ret)
		return fail(qmp, "the monitor: %s", strerror(errno));
	for (;;) {
		answer = next(qmp, end);
		if (!answer)
			return -1;
		if (json_object_object_get_ex(answer, "return", &value)) {
			if (out)
				*out = json_object_get(value);
			json_object_put(answer);
			return 0;
		}
		value = object_of(answer, "error");
		if (value) {
			text = text_of(value, "desc");
			fail(qmp, "QEMU: %s", text ? text : "refused");
			json_object_put(answer);
			return -1;
		}
		heed_event(qmp, answer);
		json_object_put(answer);
	}
}

int qmp_open(const char *path, struct qmp **out)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct qmp *qmp = calloc(1, sizeof(*qmp));
	struct json_object *hello;
	bool is;

	*out = qmp;
	if (!qmp)
		return -1;
	qmp->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(path) >= sizeof(addr.sun_path))
		return fail(qmp, "%s: the path of a socket has at most %zu bytes", path,
			    sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	if (qmp->fd < 0 || connect(qmp->fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fail(qmp, "%s: %s", path, strerror(errno));
	hello = next(qmp, now_ms() + HELLO_MS);
	if (!hello)
		return -1;
	is = object_of(hello, "QMP");
	json_object_put(hello);
	if (!is)
		return fail(qmp, "%s is not a monitor of QEMU (-qmp unix:PATH,server=on,wait=off)",
			    path);
	return ask(qmp, "qmp_capabilities", NULL, NULL);
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->fd >= 0)
		close(qmp->fd);
	free(qmp->line);
	free(qmp);
}

static int device_add(struct qmp *qmp, const char *address, const char *bus)
{
	struct json_object *args = json_object_new_object();
	char id[64];

	/* Letters, digits, "-", "." and "_" are what an id may have. */
	snprintf(id, sizeof(id), "ptx-%s", address);
	for (char *c = id; *c; c++)
		if (*c == ':')
			*c = '-';
	json_object_object_add(args, "driver", json_object_new_string("vfio-pci"));
	json_object_object_add(args, "host", json_object_new_string(address));
	json_object_object_add(args, "id", json_object_new_string(id));
	json_object_object_add(args, "bus", json_object_new_string(bus));
	return ask(qmp, "device_add", args, NULL);
}

/*
 * Tries every bridge below @devices that has a name and nothing behind it; 1 when
 * none of them would take the device.
 */
static int plug_somewhere(struct qmp *qmp, const char *address, struct json_object *bus)
{
	struct json_object *devices, *bridge, *behind;
	size_t nr = array_of(bus, "devices", &devices);
	const char *name;
	int ret = 1;

	for (size_t i = 0; ret == 1 && i < nr; i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		bridge = object_of(device, "pci_bridge");
		name = text_of(device, "qdev_id");
		if (!bridge)
			continue;
		if (array_of(bridge, "devices", &behind)) {
			ret = plug_somewhere(qmp, address, bridge);
			continue;
		}
		if (!name || !*name)
			continue;
		ret = device_add(qmp, address, name);
		if (ret && strstr(qmp->error, "hotplug"))
			ret = 1;
	}
	return ret;
}

int qmp_plug(struct qmp *qmp, const char *address, const char *bus)
{
	struct json_object *buses = NULL;
	int ret = 1;

	if (bus)
		return device_add(qmp, address, bus);
	if (ask(qmp, "query-pci", NULL, &buses))
		return -1;
	for (size_t i = 0; ret == 1 && json_object_is_type(buses, json_type_array) &&
	     i < json_object_array_length(buses); i++)
		ret = plug_somewhere(qmp, address, json_object_array_get_idx(buses, i));
	json_object_put(buses);
	if (ret == 1)
		return fail(qmp, "QEMU has no empty slot that takes a device while it runs; start it with some, such as -device pcie-root-port,id=rp0,slot=1");
	return ret;
}

/* Whether the device at @path is that of the host's at @address. */
static bool is_host_device(struct qmp *qmp, const char *path, const char *address)
{
	struct json_object *args = json_object_new_object(), *value = NULL;
	bool is;

	json_object_object_add(args, "path", json_object_new_string(path));
	json_object_object_add(args, "property", json_object_new_string("host"));
	if (ask(qmp, "qom-get", args, &value))
		return false;
	is = json_object_is_type(value, json_type_string) &&
	     !strcasecmp(json_object_get_string(value), address);
	json_object_put(value);
	return is;
}

/* Looks for it in one place of QEMU's tree: 1 and its path in qmp->watch. */
static int find_in(struct qmp *qmp, const char *place, const char *address)
{
	struct json_object *args = json_object_new_object(), *list = NULL;
	int found = 0;

	json_object_object_add(args, "path", json_object_new_string(place));
	if (ask(qmp, "qom-list", args, &list))
		return -1;
	for (size_t i = 0; !found && json_object_is_type(list, json_type_array) &&
	     i < json_object_array_length(list); i++) {
		struct json_object *child = json_object_array_get_idx(list, i);
		const char *type = text_of(child, "type"), *name = text_of(child, "name");

		if (!type || !name || strncmp(type, "child<vfio-pci", 14))
			continue;
		if (snprintf(qmp->watch, sizeof(qmp->watch), "%s/%s", place, name) >=
		    (int)sizeof(qmp->watch))
			continue;
		found = is_host_device(qmp, qmp->watch, address);
	}
	json_object_put(list);
	return found;
}

int qmp_unplug(struct qmp *qmp, const char *address, uint32_t timeout_ms)
{
	const int64_t end = now_ms() + timeout_ms;
	struct json_object *args, *event;
	int found;

	qmp->left = qmp->refused = false;
	found = find_in(qmp, "/machine/peripheral", address);
	if (!found)
		found = find_in(qmp, "/machine/peripheral-anon", address);
	if (found <= 0)
		return found ? -1 : 1;
	args = json_object_new_object();
	json_object_object_add(args, "id", json_object_new_string(qmp->watch));
	if (ask(qmp, "device_del", args, NULL))
		return -1;
	while (!qmp->left && !qmp->refused) {
		event = next(qmp, end);
		if (!event) {
			if (now_ms() < end)
				return -1;
			return fail(qmp, "the guest has not let go of it in %u s", timeout_ms / 1000);
		}
		heed_event(qmp, event);
		json_object_put(event);
	}
	qmp->watch[0] = '\0';
	return qmp->left ? 0 : fail(qmp, "the guest does not let go of it");
}
