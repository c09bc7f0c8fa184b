// SPDX-License-Identifier: GPL-2.0-only
/*
 * ch: Cloud Hypervisor's API, as far as plugging needs it: JSON over HTTP on a Unix
 * socket.
 *
 * A guest that was asked for a device takes its time to eject it. The VM's
 * configuration forgets the device at once; its tree of devices keeps it until then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "control.h"
#include "http.h"
#include "output.h"
#include "save.h"

/* How often to look whether a device is gone: this API tells of no events. */
#define LOOK_AGAIN_MS	100
#define ROOT		"/api/v1/"

/**
 * struct ch - a VMM
 * @control: what others see of it
 * @path: its socket
 */
struct ch {
	struct control control;
	char *path;
};

/**
 * struct spot - where a device is in the VM
 * @id: what it is called there, to be freed; NULL when it is not
 * @configured: whether the VM is to have it, or only the guest has not let go
 */
struct spot {
	char *id;
	bool configured;
};

#define fail(ch, ...)	control_fail(&(ch)->control, __VA_ARGS__)

/* All of @text, or NULL. */
static struct json_object *parse(const char *text, size_t len)
{
	struct json_tokener *tok;
	struct json_object *obj;

	/* A zero in it would hide the rest. */
	tok = strlen(text) == len ? json_tokener_new() : NULL;
	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* With the zero behind it, which ends a number. */
	obj = json_tokener_parse_ex(tok, text, (int)len + 1);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		json_object_put(obj);
		obj = NULL;
	}
	json_tokener_free(tok);
	return obj;
}

/* An error is an array of texts, from the general to the particular, or a text. */
static int refused(struct ch *ch, const struct http_answer *answer)
{
	struct json_object *array = parse(answer->body, answer->len);
	char why[400] = "";
	size_t n = 0;

	for (size_t i = 0; json_object_is_type(array, json_type_array) && n < sizeof(why) &&
	     i < json_object_array_length(array); i++) {
		struct json_object *one = json_object_array_get_idx(array, i);

		if (json_object_is_type(one, json_type_string))
			n += (size_t)snprintf(why + n, sizeof(why) - n, "%s%s", n ? ": " : "",
					      json_object_get_string(one));
	}
	json_object_put(array);
	if (!n)
		snprintf(why, sizeof(why), "%s", answer->body);
	if (!*why)
		return fail(ch, "Cloud Hypervisor refuses, with status %u", answer->status);
	return fail(ch, "Cloud Hypervisor: %s", why);
}

/*
 * Asks for @what, with @args, which it takes over, or for information without. 1 when
 * that is refused. *@out, if wanted, is to be put.
 */
static int ask(struct ch *ch, const char *what, struct json_object *args, int64_t end,
	       struct json_object **out)
{
	struct http_answer answer;
	char target[64];
	int ret;

	snprintf(target, sizeof(target), ROOT "%s", what);
	ret = http_ask(&ch->control, ch->path, args ? "PUT" : "GET", target,
		       args ? json_object_to_json_string_ext(args, JSON_C_TO_STRING_PLAIN |
							 JSON_C_TO_STRING_NOSLASHESCAPE) : NULL,
		       end, &answer);
	json_object_put(args);
	if (ret)
		return ret;
	if (answer.status != 200 && answer.status != 204) {
		refused(ch, &answer);
		ret = 1;
	} else if (out) {
		*out = parse(answer.body, answer.len);
		if (!json_object_is_type(*out, json_type_object)) {
			json_object_put(*out);
			ret = fail(ch, "%s: what answers there is not Cloud Hypervisor", ch->path);
		}
	}
	free(answer.body);
	return ret;
}

static int ch_open(const char *path, struct control **out)
{
	struct ch *ch = calloc(1, sizeof(*ch));
	struct json_object *pong;
	int ret;

	*out = ch ? &ch->control : NULL;
	if (!ch)
		return -1;
	ch->control.ops = &ch_ops;
	ch->path = strdup(path);
	if (!ch->path)
		return fail(ch, "out of memory");
	ret = ask(ch, "vmm.ping", NULL, now_ms() + CONTROL_HELLO_MS, &pong);
	if (ret < 0)
		return -1;
	if (!ret && json_get_text(pong, "version")) {
		json_object_put(pong);
		return 0;
	}
	if (!ret)
		json_object_put(pong);
	return fail(ch, "%s is not the API of a Cloud Hypervisor (--api-socket path=PATH)", path);
}

static void ch_close(struct control *control)
{
	struct ch *ch = (struct ch *)control;

	free(ch->path);
	free(ch);
}

static int ch_plug(struct control *control, const char *address, const char *bus)
{
	struct json_object *args = json_object_new_object();
	struct ch *ch = (struct ch *)control;
	char id[64], path[64];

	(void)bus;
	control_device_id(address, id);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/", address);
	json_object_object_add(args, "path", json_object_new_string(path));
	json_object_object_add(args, "id", json_object_new_string(id));
	return ask(ch, "vm.add-device", args, now_ms() + CONTROL_ANSWER_MS, NULL) ? -1 : 0;
}

/* Whether the last part of @path, in whatever form, is that address. */
static bool is_path_of(const char *path, const char *address)
{
	size_t n = strlen(path), want = strlen(address);

	while (n && path[n - 1] == '/')
		n--;
	return n > want && path[n - want - 1] == '/' &&
	       !strncasecmp(path + n - want, address, want);
}

/* The configuration's device of that address, or of that id if that is given. */
static const char *configured(struct json_object *info, const char *address, const char *id)
{
	struct json_object *config = json_get_object(info, "config"), *devices;
	size_t nr = config ? json_get_array(config, "devices", &devices) : 0;

	for (size_t i = 0; i < nr; i++) {
		struct json_object *device = json_object_array_get_idx(devices, i);
		const char *path = json_get_text(device, "path");
		const char *have = json_get_text(device, "id");

		if (have && (id ? !strcmp(have, id) : path && is_path_of(path, address)))
			return have;
	}
	return NULL;
}

static bool in_tree(struct json_object *info, const char *id)
{
	struct json_object *tree = json_get_object(info, "device_tree");

	return tree && json_object_object_get_ex(tree, id, NULL);
}

static int get_info(struct ch *ch, int64_t end, struct json_object **info)
{
	return ask(ch, "vm.info", NULL, end, info) ? -1 : 0;
}

/* Undone by freeing @spot->id. */
static int find(struct ch *ch, const char *address, struct spot *spot)
{
	struct json_object *info;
	const char *id;
	char ours[64];

	*spot = (struct spot){ .id = NULL };
	if (get_info(ch, now_ms() + CONTROL_ANSWER_MS, &info))
		return -1;
	id = configured(info, address, NULL);
	spot->configured = id;
	/* One that the guest was asked for before is only known by our name for it. */
	control_device_id(address, ours);
	if (!id && in_tree(info, ours))
		id = ours;
	spot->id = id ? strdup(id) : NULL;
	json_object_put(info);
	return id && !spot->id ? fail(ch, "out of memory") : 0;
}

/* Whether the VM has it, guest included: 0, 1, or -1 with an error. */
static int has(struct ch *ch, const char *id, int64_t end)
{
	struct json_object *info;
	int ret;

	if (get_info(ch, end, &info))
		return -1;
	ret = configured(info, NULL, id) || in_tree(info, id);
	json_object_put(info);
	return ret;
}

static int take_out(struct ch *ch, const struct spot *spot, uint32_t timeout_ms)
{
	struct json_object *args = json_object_new_object();
	const int64_t end = now_ms() + timeout_ms;
	char why[sizeof(ch->control.error)];
	int ret, there;

	json_object_object_add(args, "id", json_object_new_string(spot->id));
	ret = ask(ch, "vm.remove-device", args, now_ms() + CONTROL_ANSWER_MS, NULL);
	if (ret < 0)
		return ret;
	memcpy(why, ch->control.error, sizeof(why));
	for (;;) {
		there = has(ch, spot->id, end);
		if (!there)
			return 0;
		/* It may have gone meanwhile, and asking twice is refused by some. */
		if (ret && there > 0 && spot->configured)
			return fail(ch, "%s", why);
		if (now_ms() + LOOK_AGAIN_MS > end)
			return fail(ch, "the guest has not let go of it in %u s",
				    timeout_ms / 1000);
		if (there < 0)
			return -1;
		usleep(LOOK_AGAIN_MS * 1000);
	}
}

static int ch_unplug(struct control *control, const char *address, uint32_t timeout_ms)
{
	struct ch *ch = (struct ch *)control;
	struct spot spot;
	int ret;

	if (find(ch, address, &spot))
		return -1;
	ret = spot.id ? take_out(ch, &spot, timeout_ms) : 1;
	free(spot.id);
	return ret;
}

const struct control_ops ch_ops = {
	.scheme		= "ch",
	.open		= ch_open,
	.close		= ch_close,
	.plug		= ch_plug,
	.unplug		= ch_unplug,
};
