/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control - a running VMM, by the socket through which it is controlled: plugging a
 * VFIO device in and out. Each protocol is a file of its own.
 *
 * What a VMM says is not trusted: it has any shape and any length, and may never
 * come. Not thread-safe.
 */
#ifndef PTXCTL_CONTROL_H
#define PTXCTL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>

/* Every command is answered at once, but for what a VMM does to open a device. */
#define CONTROL_ANSWER_MS	60000
#define CONTROL_HELLO_MS	5000
/* No answer to what we ask is longer. */
#define CONTROL_MAX_LEN		(4u << 20)

struct control;

/**
 * struct control_ops - a protocol
 * @scheme: what it is called on the command line
 * @has_bus: whether one can say where a device goes
 * @open: connects to the socket @path; *@out is to be closed also when this fails
 * @close: ends that
 * @plug: plugs the host's device @address in, on @bus, or where there is room if
 *	that is NULL. The VMM opens it before this returns.
 * @unplug: asks the guest to let go of it, and waits for that up to @timeout_ms. 1
 *	when it is not in that VM.
 *
 * Those that can fail return 0 or -1, and then control_error() says why. None waits
 * for longer than its deadline.
 */
struct control_ops {
	const char *scheme;
	bool has_bus;
	int (*open)(const char *path, struct control **out);
	void (*close)(struct control *control);
	int (*plug)(struct control *control, const char *address, const char *bus);
	int (*unplug)(struct control *control, const char *address, uint32_t timeout_ms);
};

extern const struct control_ops qmp_ops, ch_ops;

/**
 * struct control - what a connection of any protocol begins with
 * @ops: the protocol
 * @error: why something failed
 */
struct control {
	const struct control_ops *ops;
	char error[512];
};

/* What went wrong last, in words; NULL is one for which there was no memory. */
const char *control_error(const struct control *control);

/* For the protocols: notes what went wrong, and returns -1. */
int control_fail(struct control *control, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A socket that is connected to @path, or -1. Nothing sent to it blocks for long. */
int control_connect(struct control *control, const char *path);
/* What a device is called in a VM that we plug it into. */
void control_device_id(const char *address, char id[64]);

/* An object of that name, or NULL. */
struct json_object *json_get_object(struct json_object *obj, const char *key);
/* Elements of an array of that name; 0 if there is none. */
size_t json_get_array(struct json_object *obj, const char *key, struct json_object **array);

#endif
