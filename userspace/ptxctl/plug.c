// SPDX-License-Identifier: GPL-2.0-only
/*
 * plug: devices that join or leave a lease while its VM runs.
 */
#include <stdlib.h>
#include <string.h>
#include "control.h"
#include "output.h"
#include "plug.h"

/* How long a guest may take to let go of a device; one with no driver never does. */
#define UNPLUG_MS 30000

static const struct control_ops *const protocols[] = { &qmp_ops, &ch_ops };

#define NR_PROTOCOLS	(sizeof(protocols) / sizeof(protocols[0]))

/* The one that @spec begins with, and what comes behind it; or NULL. */
static const struct control_ops *protocol_of(const char *spec, const char **rest)
{
	for (size_t i = 0; i < NR_PROTOCOLS; i++) {
		size_t n = strlen(protocols[i]->scheme);

		if (strncmp(spec, protocols[i]->scheme, n) || spec[n] != ':')
			continue;
		*rest = spec + n + 1;
		return protocols[i];
	}
	return NULL;
}

int plug_open(struct cli *cli, const char *spec, struct plug *plug)
{
	const char *rest = NULL;
	const struct control_ops *ops = protocol_of(spec, &rest);
	char *bus;

	if (!ops || !*rest || *rest == ',' || (!ops->has_bus && strstr(rest, ",bus=")))
		return cli_usage(cli, "'%s' names no VMM; say qmp:SOCKET, qmp:SOCKET,bus=ID or ch:SOCKET",
				 spec);
	plug->spec = strdup(rest);
	if (!plug->spec) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	bus = strstr(plug->spec, ",bus=");
	if (bus) {
		*bus = '\0';
		plug->bus = bus + strlen(",bus=");
	}
	if (ops->open(plug->spec, &plug->control)) {
		cli_say("%s", control_error(plug->control));
		return EXIT_REFUSED;
	}
	return EXIT_DONE;
}

void plug_close(struct plug *plug)
{
	if (plug->control)
		plug->control->ops->close(plug->control);
	free(plug->spec);
}

static const struct ptx_lease_member *member_of(const struct ptx_lease_info *info,
						const char *device)
{
	const struct ptx_lease_member *member;

	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++)
		if (!strcmp(ptx_lease_member_device(member), device))
			return member;
	return NULL;
}

/* Plugs in the first @nr of @devices; how many it could. */
static size_t put_in(struct plug *plug, const char *const *devices, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		progress_begin("plugging into the VM");
		if (plug->control->ops->plug(plug->control, devices[i], plug->bus)) {
			progress_end();
			cli_say("%s cannot be plugged in: %s", devices[i],
				control_error(plug->control));
			return i;
		}
		progress_end();
	}
	return nr;
}

/*
 * Takes the first @nr of @devices out; an exit status. On return the first *@out of
 * them are those that were plugged in and are not any more.
 */
static int take_out(struct plug *plug, const struct ptx_lease_info *info,
		    const char **devices, size_t nr, uint32_t timeout_ms, size_t *out)
{
	const char *device;
	int ret;

	*out = 0;
	for (size_t i = 0; i < nr; i++) {
		device = devices[i];
		progress_begin("waiting for the guest to let go");
		ret = plug->control->ops->unplug(plug->control, device,
						 timeout_ms ? timeout_ms : UNPLUG_MS);
		progress_end();
		if (ret < 0) {
			cli_say("%s stays plugged in: %s", device, control_error(plug->control));
			return EXIT_REFUSED;
		}
		/* Taking it from the lease would take it from another VM. */
		if (ret && ptx_lease_member_opened(member_of(info, device))) {
			cli_say("%s is in use, and not by that VM", device);
			return EXIT_REFUSED;
		}
		if (ret)
			continue;
		devices[i] = devices[*out];
		devices[(*out)++] = device;
	}
	return EXIT_DONE;
}

int plug_added(struct cli *cli, struct plug *plug, const struct ptx_lease_info *before,
	       const struct ptx_lease_info *after)
{
	struct ptx_lease_ref ref = { .id = ptx_lease_info_id(after) };
	const char **devices;
	const struct ptx_lease_member *member;
	struct ptx_lease_info *left = NULL;
	size_t nr = 0, done, out;
	int status = EXIT_DONE;

	devices = calloc(ptx_lease_info_nr_members(after) + 1, sizeof(*devices));
	if (!devices) {
		cli_say("out of memory; what was added is not plugged in");
		return EXIT_REFUSED;
	}
	for (size_t i = 0; (member = ptx_lease_info_member(after, i)); i++)
		if (!member_of(before, ptx_lease_member_device(member)))
			devices[nr++] = ptx_lease_member_device(member);
	done = put_in(plug, devices, nr);
	if (done < nr) {
		status = EXIT_REFUSED;
		take_out(plug, after, devices, done, 0, &out);
		progress_begin("waiting for the devices to be home");
		if (ptx_persistent_remove(cli->ctx, &ref, devices, nr, 0, &left))
			cli_fail(cli);
		progress_end();
		ptx_lease_info_free(left);
	}
	free(devices);
	return status;
}

int plug_take_out(struct plug *plug, const struct ptx_lease_info *info,
		  const char *const *devices, size_t nr, uint32_t timeout_ms)
{
	const struct ptx_lease_member *member, *named;
	size_t nr_out = 0, done;
	const char **out;
	int status;

	out = calloc(ptx_lease_info_nr_members(info) + 1, sizeof(*out));
	if (!out) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++) {
		bool goes = false;

		for (size_t j = 0; !goes && j < nr; j++) {
			named = member_of(info, devices[j]);
			goes = named && ptx_lease_member_group(named) ==
					ptx_lease_member_group(member);
		}
		if (goes)
			out[nr_out++] = ptx_lease_member_device(member);
	}
	status = take_out(plug, info, out, nr_out, timeout_ms, &done);
	if (status)
		put_in(plug, out, done);
	free(out);
	return status;
}
