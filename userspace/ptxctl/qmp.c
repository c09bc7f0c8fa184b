// SPDX-License-Identifier: GPL-2.0-only
/*
 * qmp: QEMU's machine protocol, as far as plugging needs it: a JSON object a line,
 * one answer to one command, events in between. json-c parses; what QEMU says is
 * not trusted to have any shape.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "control.h"
#include "output.h"
#include "save.h"
#include "vmm.h"

#define PATH_LEN	512

#define fail(qmp, ...)	control_fail(&(qmp)->control, __VA_ARGS__)

/**
 * struct qmp - a connection
 * @control: what others see of it
 * @fd: the socket
 * @line: what was read and not yet looked at
 * @len: its length
 * @room: and how long it may become
 * @watch: QOM path of the device that is being unplugged, or empty
 * @left: QEMU said that it has gone
 * @refused: or that the guest keeps it
 */
struct qmp {
	struct control control;
	int fd;
	char *line;
	size_t len;
	size_t room;
	char watch[PATH_LEN];
	bool left;
	bool refused;
};

/* Takes in more; 0 when something came, -1 with an error when not in time. */
static int more(struct qmp *qmp, int64_t end)
{
	struct pollfd p = { .fd = qmp->fd, .events = POLLIN };
	int64_t left = end - now_ms();
	ssize_t n;

	if (qmp->len == qmp->room) {
		size_t room = qmp->room ? 2 * qmp->room : 4096;
		char *line = room <= CONTROL_MAX_LEN ? realloc(qmp->line, room) : NULL;

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
	struct json_object *data = json_get_object(obj, "data");
	const char *event = json_get_text(obj, "event");
	const char *path = data ? json_get_text(data, "path") : NULL;

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
	const int64_t end = now_ms() + CONTROL_ANSWER_MS;
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
		value = json_get_object(answer, "error");
		if (value) {
			text = json_get_text(value, "desc");
			fail(qmp, "QEMU: %s", text ? text : "refused");
			json_object_put(answer);
			return -1;
		}
		heed_event(qmp, answer);
		json_object_put(answer);
	}
}

static int qmp_open(const char *path, struct control **out)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));
	struct json_object *hello;
	bool is;

	*out = qmp ? &qmp->control : NULL;
	if (!qmp)
		return -1;
	qmp->control.ops = &qmp_ops;
	qmp->fd = control_connect(&qmp->control, path);
	if (qmp->fd < 0)
		return -1;
	hello = next(qmp, now_ms() + CONTROL_HELLO_MS);
	if (!hello)
		return -1;
	is = json_get_object(hello, "QMP");
	json_object_put(hello);
	if (!is)
		return fail(qmp, "%s is not a monitor of QEMU (-qmp unix:PATH,server=on,wait=off)",
			    path);
	return ask(qmp, "qmp_capabilities", NULL, NULL);
}

static void qmp_close(struct control *control)
{
	struct qmp *qmp = (struct qmp *)control;

	if (qmp->fd >= 0)
		close(qmp->fd);
	free(qmp->line);
	free(qmp);
}

static int device_add(struct qmp *qmp, const char *address, const char *bus)
{
	struct json_object *args = json_object_new_object();
	char id[64], path[PTX_DEVICE_NAME_SIZE + 32];

	control_device_id(address, id);
	snprintf(path, sizeof(path), "%s%s", vmm_sysfs(address), address);
	json_object_object_add(args, "driver", json_object_new_string("vfio-pci"));
	if (vmm_qemu_wants_path(address))
		json_object_object_add(args, "sysfsdev", json_object_new_string(path));
	else
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
	size_t nr = json_get_array(bus, "devices", &devices);
	const char *name;
	int ret = 1;

	for (size_t i = 0; ret == 1 && i < nr; i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);

		bridge = json_get_object(device, "pci_bridge");
		name = json_get_text(device, "qdev_id");
		if (!bridge)
			continue;
		if (json_get_array(bridge, "devices", &behind)) {
			ret = plug_somewhere(qmp, address, bridge);
			continue;
		}
		if (!name || !*name)
			continue;
		ret = device_add(qmp, address, name);
		if (ret && strstr(qmp->control.error, "hotplug"))
			ret = 1;
	}
	return ret;
}

static int qmp_plug(struct control *control, const char *address, const char *bus)
{
	struct qmp *qmp = (struct qmp *)control;
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

/* Whether a property of what is at @path ends with the host's address, maybe a file's. */
static bool is_said_by(struct qmp *qmp, const char *path, const char *property,
		       const char *address)
{
	struct json_object *args = json_object_new_object(), *value = NULL;
	const char *text = NULL, *slash;
	bool is;

	json_object_object_add(args, "path", json_object_new_string(path));
	json_object_object_add(args, "property", json_object_new_string(property));
	if (ask(qmp, "qom-get", args, &value))
		return false;
	if (json_object_is_type(value, json_type_string))
		text = json_object_get_string(value);
	slash = text ? strrchr(text, '/') : NULL;
	is = text && !strcasecmp(slash ? slash + 1 : text, address);
	json_object_put(value);
	return is;
}

/* Whether the device at @path is that of the host's at @address, however it was named. */
static bool is_host_device(struct qmp *qmp, const char *path, const char *address)
{
	return is_said_by(qmp, path, "host", address) ||
	       is_said_by(qmp, path, "sysfsdev", address);
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
		const char *type = json_get_text(child, "type"), *name = json_get_text(child, "name");

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

static int qmp_unplug(struct control *control, const char *address, uint32_t timeout_ms)
{
	struct qmp *qmp = (struct qmp *)control;
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

const struct control_ops qmp_ops = {
	.scheme		= "qmp",
	.has_bus	= true,
	.open		= qmp_open,
	.close		= qmp_close,
	.plug		= qmp_plug,
	.unplug		= qmp_unplug,
};
