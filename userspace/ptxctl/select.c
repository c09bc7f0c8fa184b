// SPDX-License-Identifier: GPL-2.0-only
/*
 * select: from words to devices, and the guard that keeps a device whose data
 * the host is using from being taken by mistake.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "output.h"
#include "select.h"

/* Returns an exit status. */
int selection_add(struct cli *cli, struct selection *sel, const char *text,
		  enum ptx_kind kind)
{
	struct ptx_selector **bigger;

	bigger = reallocarray(sel->sels, sel->nr + 1, sizeof(*sel->sels));
	if (!bigger) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	sel->sels = bigger;
	if (ptx_selector_parse(cli->ctx, text, kind, cli_names(cli), &sel->sels[sel->nr]))
		return cli_fail(cli);
	sel->nr++;
	return EXIT_DONE;
}

int selection_add_all(struct cli *cli, struct selection *sel, char **words, int nr)
{
	int status = EXIT_DONE;

	for (int i = 0; status == EXIT_DONE && i < nr; i++)
		status = selection_add(cli, sel, words[i], PTX_KIND_ANY);
	return status;
}

void selection_free(struct selection *sel)
{
	for (size_t i = 0; i < sel->nr; i++)
		ptx_selector_free(sel->sels[i]);
	free(sel->sels);
}

int selection_pick(struct cli *cli, const struct selection *sel, struct ptx_pick **pick)
{
	const struct ptx_selector *const *sels = (const struct ptx_selector *const *)sel->sels;
	int err = sel->near ? ptx_pick_near(cli->ctx, sels, sel->nr, pick) :
			      ptx_pick_new(cli->ctx, sels, sel->nr, pick);

	return err ? cli_fail(cli) : EXIT_DONE;
}

static int guard_one(struct cli *cli, const char *name)
{
	struct ptx_use_list *uses;
	const struct ptx_use *use;
	int status = EXIT_DONE;

	if (ptx_use_list_get(cli->ctx, name, &uses))
		return cli_fail(cli);
	for (size_t i = 0; (use = ptx_use_list_at(uses, i)); i++) {
		if (!ptx_use_destructive(use))
			continue;
		cli_say("%s: this host uses %s (%s%s%s)", name, ptx_use_node(use),
			ptx_use_kind_name(ptx_use_kind(use)), *ptx_use_by(use) ? " " : "",
			ptx_use_by(use));
		status = EXIT_REFUSED;
	}
	ptx_use_list_free(uses);
	return status;
}

/*
 * Refuse devices, and group mates that would come along, on which file
 * systems and the like rest. So does the module; but it cannot name the mount
 * points and the processes.
 */
int selection_guard(struct cli *cli, const struct ptx_pick *pick)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < ptx_pick_count(pick); i++) {
		const char *name = ptx_pick_devices(pick)[i], *mate;
		struct ptx_device *dev;

		/* The kernel knows which one, and takes none that is in use. */
		if (strchr(name, '/') || !strncmp(name, PTX_VF_PREFIX, strlen(PTX_VF_PREFIX)))
			continue;
		if (guard_one(cli, name))
			status = EXIT_REFUSED;
		/* If it vanished, the lease says so. */
		if (ptx_device_get(cli->ctx, name, &dev))
			continue;
		for (size_t j = 0; (mate = ptx_device_group_member(dev, j)); j++) {
			if (guard_one(cli, mate))
				status = EXIT_REFUSED;
		}
		ptx_device_free(dev);
	}
	if (status != EXIT_DONE)
		fputs("  unmount it, or take it out of use\n", stderr);
	return status;
}

/*
 * @fn for every device that a selector could mean, with its blockers; a
 * device that is named must exist. Returns the worst exit status.
 */
int selection_each(struct cli *cli, const struct selection *sel,
		   int (*fn)(struct cli *cli, const struct ptx_device *dev, void *arg),
		   void *arg)
{
	const struct ptx_device *found;
	struct ptx_device_list *list;
	int status = EXIT_DONE, one;

	if (ptx_device_list_get(cli->ctx, &list))
		return cli_fail(cli);
	for (size_t i = 0; i < sel->nr; i++) {
		const char *address = ptx_selector_address(sel->sels[i]);
		const char *physfn = ptx_selector_physfn(sel->sels[i]);
		bool any = false;

		for (size_t j = 0; (found = ptx_device_list_at(list, j)); j++) {
			struct ptx_device *dev;

			if (!ptx_selector_match(sel->sels[i], found))
				continue;
			any = true;
			if (ptx_device_get(cli->ctx, ptx_device_name(found), &dev)) {
				one = cli_fail(cli);
			} else {
				one = fn(cli, dev, arg);
				ptx_device_free(dev);
			}
			if (one > status)
				status = one;
		}
		if (any)
			continue;
		if (address)
			cli_say("%s: %s", address, ptx_reason_text(PTX_REASON_NO_DEVICE));
		else if (physfn)
			cli_say("%s: no virtual functions of it are enabled", physfn);
		else
			cli_say("this host has no such device");
		fputs("  see what there is: ptxctl list -a\n", stderr);
		if (status < EXIT_REFUSED)
			status = EXIT_REFUSED;
	}
	ptx_device_list_free(list);
	return status;
}
