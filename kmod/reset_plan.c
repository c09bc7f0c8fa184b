// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reset plans: what all rules together say of a device, and what the host's admin bans.
 * The rules are data, in reset_rules.h.
 */
#include <linux/moduleparam.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kunit/visibility.h>

#include "catalog.h"
#include "reset.h"
#include "reset_rules.h"

/*
 * How long a function may answer with Configuration Request Retry Status after
 * a reset before it counts as broken. The PCIe specification has 1 s; the PCI
 * core allows 60 s, as devices do need it.
 */
#define PTX_RESET_READY_MS	60000

/* Bits of enum ptx_reset_method. */
static u32 ptx_reset_ban;

static int ptx_reset_ban_set(const char *text, const struct kernel_param *param)
{
	char *copy, *at, *word;
	u32 ban = 0, method;

	copy = kstrdup(text, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	at = strim(copy);
	while ((word = strsep(&at, ","))) {
		for (method = 1; *word && method < PTX_RESET_RUNGS; method++)
			if (!strcmp(word, ptx_reset_method_name(method)))
				break;
		if (method == PTX_RESET_RUNGS) {
			kfree(copy);
			return -EINVAL;
		}
		ban |= *word ? BIT(method) : 0;
	}
	kfree(copy);
	WRITE_ONCE(ptx_reset_ban, ban);
	return 0;
}

static int ptx_reset_ban_get(char *buf, const struct kernel_param *param)
{
	unsigned int method;
	int at = 0;

	for (method = 1; method < PTX_RESET_RUNGS; method++)
		if (ptx_reset_ban & BIT(method))
			at += scnprintf(buf + at, PAGE_SIZE - at, "%s%s", at ? "," : "",
					ptx_reset_method_name(method));
	return at + scnprintf(buf + at, PAGE_SIZE - at, "\n");
}

static const struct kernel_param_ops ptx_reset_ban_ops = {
	.set = ptx_reset_ban_set,
	.get = ptx_reset_ban_get,
};

module_param_cb(reset_ban, &ptx_reset_ban_ops, NULL, 0600);
MODULE_PARM_DESC(reset_ban, "Reset methods not to be used on any device, with commas: flr, pm, bus, d3cold and so on");

static bool ptx_reset_rule_fits(const struct ptx_reset_rule *rule,
				const struct ptx_reset_ids *ids)
{
	u16 last = rule->last ?: rule->first;

	return (!rule->vendor || rule->vendor == ids->vendor) &&
	       (!rule->first || (ids->device >= rule->first && ids->device <= last)) &&
	       (ids->class & rule->mask) == rule->class &&
	       (!rule->physfn || ids->physfn) &&
	       (!rule->behind_bridge || !ids->root_bus);
}

/**
 * ptx_reset_plan_by_ids() - gather what all rules say of a device
 * @ids: the device
 * @plan: filled in: every ban, the longest waits, the strictest proof
 */
void ptx_reset_plan_by_ids(const struct ptx_reset_ids *ids,
			   struct ptx_reset_plan *plan)
{
	unsigned int i;

	memset(plan, 0, sizeof(*plan));
	for (i = 0; i < ARRAY_SIZE(ptx_reset_rules); i++) {
		const struct ptx_reset_plan *more = &ptx_reset_rules[i].plan;

		if (!ptx_reset_rule_fits(&ptx_reset_rules[i], ids))
			continue;
		plan->banned |= more->banned;
		plan->before_ms = max(plan->before_ms, more->before_ms);
		plan->after_ms = max(plan->after_ms, more->after_ms);
		plan->ready_ms = max(plan->ready_ms, more->ready_ms);
		plan->ready = max(plan->ready, more->ready);
		plan->hopeless |= more->hopeless;
		plan->awake |= more->awake;
		plan->first = more->first ?: plan->first;
		plan->keeps_memory |= more->keeps_memory;
		plan->memory_bars |= more->memory_bars;
	}
	/* It resets what wakes up from D3hot. */
	if (plan->awake)
		plan->banned |= BIT(PTX_RESET_PM) | BIT(PTX_RESET_D3COLD);
	if (!plan->ready_ms)
		plan->ready_ms = PTX_RESET_READY_MS;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_reset_plan_by_ids);

/**
 * ptx_reset_plan() - gather what all rules, and the host's admin, say of a device
 * @pdev: the device
 * @plan: filled in
 */
void ptx_reset_plan(struct pci_dev *pdev, struct ptx_reset_plan *plan)
{
	const struct ptx_reset_ids ids = {
		.class = pdev->class,
		.vendor = pdev->vendor,
		.device = pdev->device,
		.physfn = pdev->is_physfn,
		.root_bus = pci_is_root_bus(pdev->bus),
	};

	ptx_reset_plan_by_ids(&ids, plan);
	plan->banned |= READ_ONCE(ptx_reset_ban);
}

/**
 * ptx_reset_permitted() - leave out the methods that are banned
 * @plan: for the device
 * @methods: as in struct pci_dev, the host's own order
 * @permitted: gets the rest, in the same order but for what is to be tried first,
 *	PCI_NUM_RESET_METHODS long
 */
void ptx_reset_permitted(const struct ptx_reset_plan *plan, const u8 *methods,
			 u8 *permitted)
{
	unsigned int i, n = 0;

	memset(permitted, 0, PCI_NUM_RESET_METHODS);
	for (i = 0; i < PCI_NUM_RESET_METHODS && methods[i]; i++) {
		if (plan->banned & BIT(methods[i]))
			continue;
		if (methods[i] == plan->first) {
			memmove(permitted + 1, permitted, n);
			permitted[0] = methods[i];
		} else {
			permitted[n] = methods[i];
		}
		n++;
	}
}
EXPORT_SYMBOL_IF_KUNIT(ptx_reset_permitted);
