// SPDX-License-Identifier: GPL-2.0-only
/*
 * control: what the protocols share.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "control.h"

const char *control_error(const struct control *control)
{
	return control ? control->error : "out of memory";
}

int control_fail(struct control *control, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(control->error, sizeof(control->error), fmt, args);
	va_end(args);
	return -1;
}

int control_connect(struct control *control, const char *path)
{
	/* Also of connect(), which waits while too many others do. */
	const struct timeval limit = { .tv_sec = CONTROL_HELLO_MS / 1000 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return control_fail(control, "%s: the path of a socket has at most %zu bytes",
				    path, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) &&
	    !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	control_fail(control, "%s: %s", path,
		     errno == EAGAIN ? "nobody takes the connection" : strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void control_device_id(const char *address, char id[64])
{
	/* Letters, digits, "-", "." and "_" are what an id may have. */
	snprintf(id, 64, "ptx-%s", address);
	for (char *c = id; *c; c++)
		if (*c == ':')
			*c = '-';
}

struct json_object *json_get_object(struct json_object *obj, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(obj, key, &value) ||
	    !json_object_is_type(value, json_type_object))
		return NULL;
	return value;
}

size_t json_get_array(struct json_object *obj, const char *key, struct json_object **array)
{
	if (!json_object_object_get_ex(obj, key, array) ||
	    !json_object_is_type(*array, json_type_array))
		return 0;
	return json_object_array_length(*array);
}
