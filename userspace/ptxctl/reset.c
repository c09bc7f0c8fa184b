// SPDX-License-Identifier: GPL-2.0-only
/*
 * reset: by hand. A device in quarantine gets another chance; any other is leased
 * and given back, since that is what resets it and proves it well.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <libptx/libptx.h>
#include "output.h"
#include "ptxctl.h"
#include "select.h"

static bool in_quarantine(const struct ptx_device *dev)
{
	enum ptx_member_state state;

	return ptx_device_member_state(dev, &state) && state == PTX_MEMBER_STATE_QUARANTINED;
}

static int lease_and_release(struct cli *cli, const char *device,
			     const struct ptx_add_options *options)
{
	char name[PTX_LEASE_NAME_MAX + 1];
	struct ptx_lease *lease;
	int err;

	snprintf(name, sizeof(name), "reset-%s", device);
	/* One that ends with us, whatever ends us; and that a grant allows. */
	err = ptx_lease_create(cli->ctx, name, NULL, &lease);
	if (err)
		return err;
	err = ptx_lease_add(lease, &device, 1, options, NULL);
	if (!err)
		err = ptx_lease_release(lease, options->timeout_ms);
	ptx_lease_close(lease);
	return err;
}

static int reset_one(struct cli *cli, const struct ptx_device *dev, void *arg)
{
	const char *name = ptx_device_name(dev);
	int64_t begin = now_ms();
	int err;

	progress_begin("resetting, and waiting until the device is well");
	err = in_quarantine(dev) ? ptx_device_reset(cli->ctx, name) :
				   lease_and_release(cli, name, arg);
	progress_end();
	if (err)
		return cli_fail(cli);
	if (!cli->quiet)
		printf("%s: reset, well, and back after %lld ms\n", name,
		       (long long)(now_ms() - begin));
	return EXIT_DONE;
}

int verb_reset(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "boot-display", no_argument, NULL, OPT_BOOT_DISPLAY },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "help", no_argument, NULL, 'h' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "timeout", required_argument, NULL, OPT_TIMEOUT },
		{ }
	};
	struct ptx_add_options add = { .size = sizeof(add) };
	struct selection sel = { .nr = 0 };
	int c, status;

	while ((c = cli_getopt(cli, argc, argv, "hq", options)) != -1) {
		switch (c) {
		case '?':
			return EXIT_USAGE;
		case OPT_BOOT_DISPLAY:
			add.flags |= PTX_ADD_FLAGS_BOOT_DISPLAY;
			break;
		case OPT_FORCE:
			add.flags |= PTX_ADD_FLAGS_FORCE;
			break;
		case OPT_TIMEOUT:
			if (!cli_timeout(cli, optarg, &add.timeout_ms))
				return EXIT_USAGE;
			break;
		}
	}
	if (optind == argc)
		return cli_usage(cli, "which devices?");
	status = selection_add_all(cli, &sel, argv + optind, argc - optind);
	/* Not a kind: that would be all of them. */
	for (size_t i = 0; !status && i < sel.nr; i++)
		if (!ptx_selector_address(sel.sels[i]))
			status = cli_usage(cli, "name each device by its address or your own name");
	if (!status)
		status = selection_each(cli, &sel, reset_one, &add);
	selection_free(&sel);
	return status;
}
