// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma: what a command line says about a lease's DMA space, and whether a VMM can have
 * one.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dma.h"
#include "ptxctl.h"
#include "size.h"

/*
 * START-END, both inclusive as the kernel has them, or START+LENGTH. A unit is no magic
 * in the first form: 0-4G ends with the first byte behind 4 GiB, is no whole number of
 * pages, and the complaint says how to write what was meant.
 */
static bool parse_window(struct cli *cli, const char *text, struct ptx_space_range *range)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), first, second;
	const char *p = text;
	bool bare, length;

	if (!size_read(&p, &first, &bare) || (*p != '-' && *p != '+'))
		goto malformed;
	length = *p++ == '+';
	if (!size_read(&p, &second, &bare) || *p)
		goto malformed;
	if (length) {
		if (!second || second - 1 > UINT64_MAX - first) {
			cli_usage(cli, "the window '%s' %s", text, second ?
				  "goes beyond the last address" : "is empty");
			return false;
		}
		second += first - 1;
	}
	if (second < first) {
		cli_usage(cli, "the window '%s' ends before it begins", text);
		return false;
	}
	if (first & (page - 1) || (second + 1) & (page - 1)) {
		if (!length && !(second & (page - 1)) && second > first)
			cli_usage(cli, "the window '%s' does not end with a page: END is the last "
				  "address in it; try 0x%llx-0x%llx, or 0x%llx+0x%llx", text,
				  (unsigned long long)first, (unsigned long long)second - 1,
				  (unsigned long long)first,
				  (unsigned long long)(second - first));
		else
			cli_usage(cli, "the window '%s' does not begin and end with a page of %llu "
				  "bytes", text, (unsigned long long)page);
		return false;
	}
	*range = (struct ptx_space_range){ first, second };
	return true;

malformed:
	cli_usage(cli, "a window is START-END or START+LENGTH, for example 0x0-0xffffffff or "
		  "0+4G, not '%s'", text);
	return false;
}

static bool add_window(struct cli *cli, const char *text, struct dma *dma)
{
	struct ptx_space_range *bigger;

	bigger = reallocarray(dma->windows, dma->nr_windows + 1, sizeof(*bigger));
	if (!bigger) {
		cli_say("out of memory");
		return false;
	}
	dma->windows = bigger;
	if (!parse_window(cli, text, &bigger[dma->nr_windows]))
		return false;
	dma->nr_windows++;
	return true;
}

/* "any" only makes sense where there is a quota already. */
static bool set_quota(struct cli *cli, const char *text, struct dma *dma)
{
	bool may_be_any = !strcmp(cli->verb->name, "restrict");

	if (dma->has_quota) {
		cli_usage(cli, "--dma-quota is given twice");
		return false;
	}
	dma->has_quota = true;
	if (may_be_any && !strcmp(text, "any"))
		return true;
	if (size_parse(text, 0, &dma->quota))
		return true;
	cli_usage(cli, "--dma-quota takes a size such as 16G%s, not '%s'",
		  may_be_any ? ", or any" : "", text);
	return false;
}

/* One option of those; another is none of them, and fine. Complains if it is wrong. */
bool dma_option(struct cli *cli, int c, const char *arg, struct dma *dma)
{
	switch (c) {
	case OPT_DMA_WINDOW:
		return add_window(cli, arg, dma);
	case OPT_DMA_QUOTA:
		return set_quota(cli, arg, dma);
	case OPT_SPACE:
		dma->space = true;
		return true;
	case OPT_NO_SPACE:
		dma->no_space = true;
		return true;
	}
	return true;
}

/* Must there be a space? */
bool dma_wanted(const struct dma *dma)
{
	return dma->space || dma->has_quota || dma->nr_windows;
}

struct ptx_space_options dma_options(const struct dma *dma)
{
	return (struct ptx_space_options){
		.size = sizeof(struct ptx_space_options),
		.flags = dma->has_quota ? PTX_SPACE_OPTION_QUOTA : 0,
		.quota = dma->quota,
		.windows = dma->nr_windows ? dma->windows : NULL,
		.nr_windows = dma->nr_windows,
	};
}

/**
 * struct obstacle - why a VMM cannot have a space
 * @text: to be freed, or NULL if it can
 * @remedy: what to do, before "or leave --dma-... out"
 */
struct obstacle {
	char *text;
	const char *remedy;
};

static void __attribute__((format(printf, 3, 4)))
obstacle_set(struct obstacle *obstacle, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&obstacle->text, fmt, ap) < 0)
		obstacle->text = NULL;
	va_end(ap);
	if (!obstacle->text) {
		cli_say("out of memory");
		exit(EXIT_REFUSED);
	}
	obstacle->remedy = remedy;
}

/* Returns an exit status; the kernel is asked last, as it may have no module to ask. */
static int find_obstacle(struct cli *cli, const char *driver, enum vmm_form form,
			 char *const *argv, size_t argc, struct obstacle *obstacle)
{
	const char *word = NULL;
	struct ptx_info info;

	if (ptx_ctx_info(cli->ctx, &info))
		return cli_fail(cli);
	if (driver && *driver && strcmp(driver, "ptx-vfio-pci")) {
		obstacle_set(obstacle, "take --driver out",
			     "a DMA space needs devices on ptx-vfio-pci, not on %s", driver);
		return EXIT_DONE;
	}
	switch (vmm_own_dma(form, argv, argc, &word)) {
	case VMM_DMA_IOMMUFD:
		obstacle_set(obstacle, "take iommufd out of its arguments",
			     "the VMM maps memory through iommufd ('%s'), where a DMA space "
			     "cannot restrict it", word);
		break;
	case VMM_DMA_VIOMMU:
		obstacle_set(obstacle, "take the virtual IOMMU out of its arguments",
			     "with a virtual IOMMU ('%s') the VMM opens several VFIO containers, "
			     "and a DMA space serves one", word);
		break;
	case VMM_DMA_CONTAINER:
		if (!(info.out_features & PTX_FEATURE_CONTAINER))
			obstacle_set(obstacle, "use a kernel with CONFIG_VFIO_CONTAINER",
				     "this kernel has no VFIO containers, which a DMA space "
				     "serves an unmodified VMM through");
		break;
	}
	return EXIT_DONE;
}

/**
 * dma_decide() - is the lease of a VMM to have a space
 * @cli: the program
 * @dma: what is asked for
 * @driver: the VFIO driver asked for, or NULL
 * @form: of the VMM
 * @argv: its command line
 * @argc: its length
 * @space: gets the answer
 * @why: if there is none, gets why, to be freed; else NULL
 *
 * One VM makes one DMA choice: what would make another is an obstacle. It is told only
 * where a space is demanded.
 *
 * Return: an exit status.
 */
int dma_decide(struct cli *cli, const struct dma *dma, const char *driver, enum vmm_form form,
	       char *const *argv, size_t argc, bool *space, char **why)
{
	struct obstacle obstacle = { .text = NULL };
	int status;

	*space = false;
	*why = NULL;
	if (dma->no_space && dma_wanted(dma))
		return cli_usage(cli, "--no-space leaves nothing for --dma-window and --dma-quota "
				 "to restrict");
	if (dma->no_space)
		return EXIT_DONE;
	status = find_obstacle(cli, driver, form, argv, argc, &obstacle);
	if (status)
		return status;
	if (!obstacle.text) {
		*space = true;
		return EXIT_DONE;
	}
	if (!dma_wanted(dma)) {
		*why = obstacle.text;
		return EXIT_DONE;
	}
	cli_say("%s", obstacle.text);
	fprintf(stderr, "  %s, or leave --dma-window and --dma-quota out\n", obstacle.remedy);
	free(obstacle.text);
	return EXIT_REFUSED;
}

/* Restrict the space of a new lease; before it has devices. Returns an exit status. */
int dma_apply(struct cli *cli, const struct dma *dma, struct ptx_lease *lease)
{
	struct ptx_space_options options = dma_options(dma);

	if (!dma->has_quota && !dma->nr_windows)
		return EXIT_DONE;
	return ptx_space_restrict(lease, &options) ? cli_fail(cli) : EXIT_DONE;
}

void dma_free(struct dma *dma)
{
	free(dma->windows);
}
