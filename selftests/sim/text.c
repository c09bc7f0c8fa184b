// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text that devices are made of: README.rst has the grammar. It may be
 * anything at all; whatever is wrong is named in the log.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "sim.h"

#define SIM_MS_MAX	3600000
#define SIM_BAR_MIN	16
#define SIM_BAR_MAX	SZ_256M
#define SIM_VECTORS_MAX	2048

/**
 * sim_text_line() - the next line that says something
 * @text: where to look; moves on
 *
 * Return: the line, or NULL at the end.
 */
char *sim_text_line(char **text)
{
	char *line;

	while ((line = strsep(text, "\n;"))) {
		line = strim(line);
		if (*line && *line != '#')
			return line;
	}
	return NULL;
}

/**
 * sim_text_word() - the next word of a line
 * @line: where to look; moves on
 *
 * Return: the word, or NULL at the end.
 */
char *sim_text_word(char **line)
{
	char *word;

	while ((word = strsep(line, " \t")))
		if (*word)
			return word;
	return NULL;
}

int sim_text_u32(const char *word, u32 max, u32 *value)
{
	u32 v;
	int ret = kstrtou32(word, 0, &v);

	if (ret)
		return ret;
	if (v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

int sim_text_u64(const char *word, u64 *value)
{
	return kstrtou64(word, 0, value);
}

/* Ids are hexadecimal, as everywhere in PCI. */
static int sim_text_id(const char *word, u32 max, u32 *value)
{
	u32 v;
	int ret = kstrtou32(word, 16, &v);

	if (ret)
		return ret;
	if (v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

static int sim_text_id16(const char *word, u16 *value)
{
	u32 v;
	int ret = sim_text_id(word, 0xffff, &v);

	if (!ret)
		*value = v;
	return ret;
}

static int sim_text_size(const char *word, u64 min, u64 max, u64 *value)
{
	char *end;
	u64 v;

	if (!isdigit(*word))
		return -EINVAL;
	v = memparse(word, &end);
	if (*end)
		return -EINVAL;
	if (v < min || v > max)
		return -ERANGE;
	*value = v;
	return 0;
}

static int sim_text_bool(const char *word, bool *value)
{
	return kstrtobool(word, value);
}

/* "N" or "N-M". */
static int sim_text_span(char *word, u32 max, unsigned int *first, unsigned int *last)
{
	char *dash = strchr(word, '-');
	int ret;

	if (dash)
		*dash = '\0';
	ret = sim_text_u32(word, max, first);
	if (!ret)
		ret = dash ? sim_text_u32(dash + 1, max, last) : 0;
	if (ret)
		return ret;
	if (!dash)
		*last = *first;
	return *last < *first ? -EINVAL : 0;
}

/**
 * sim_text_range() - read an address, which may be a range of them
 * @word: "SLOT.FUNCTION", each a number or FIRST-LAST
 * @range: where to put it
 *
 * Return: 0 or a negative errno, having said what is wrong.
 */
int sim_text_range(const char *word, struct sim_range *range)
{
	char buf[SIM_NAME], *dot;
	int ret = -EINVAL;

	if (strscpy(buf, word, sizeof(buf)) < 0)
		goto bad;
	dot = strchr(buf, '.');
	if (!dot)
		goto bad;
	*dot = '\0';
	ret = sim_text_span(buf, SIM_SLOTS - 1, &range->slot, &range->last_slot);
	if (!ret)
		ret = sim_text_span(dot + 1, SIM_DEVFNS - 1, &range->devfn, &range->last_devfn);
	if (!ret)
		return 0;
bad:
	pr_err("bad address '%s': SLOT.FUNCTION, as in 3.0 or 0-63.0-7, slots below %u\n", word,
	       SIM_SLOTS);
	return ret;
}

static int sim_parse_vendor(struct sim_desc *desc, char *value)
{
	return sim_text_id16(value, &desc->vendor);
}

static int sim_parse_device(struct sim_desc *desc, char *value)
{
	return sim_text_id16(value, &desc->device);
}

static int sim_parse_subvendor(struct sim_desc *desc, char *value)
{
	return sim_text_id16(value, &desc->subvendor);
}

static int sim_parse_subdevice(struct sim_desc *desc, char *value)
{
	return sim_text_id16(value, &desc->subdevice);
}

static int sim_parse_revision(struct sim_desc *desc, char *value)
{
	u32 v;
	int ret = sim_text_id(value, 0xff, &v);

	if (!ret)
		desc->revision = v;
	return ret;
}

static int sim_parse_class(struct sim_desc *desc, char *value)
{
	return sim_text_id(value, 0xffffff, &desc->class);
}

/* One of "SIZE", "SIZE:64", "SIZE:p", "SIZE:64p". */
static int sim_parse_bar(struct sim_bar *bar, char *word)
{
	char *type = word;
	int ret;

	strsep(&type, ":");
	ret = sim_text_size(word, SIM_BAR_MIN, SIM_BAR_MAX, &bar->size);
	if (ret)
		return ret;
	if (!is_power_of_2(bar->size))
		return -EINVAL;
	if (!type)
		return 0;
	if (!strncmp(type, "64", 2)) {
		bar->is64 = true;
		type += 2;
	}
	if (*type == 'p') {
		bar->prefetch = true;
		type++;
	}
	return *type ? -EINVAL : 0;
}

static int sim_parse_some_bars(struct sim_bar *bars, char *value)
{
	unsigned int i = 0;
	char *word;
	int ret;

	memset(bars, 0, SIM_BARS * sizeof(*bars));
	while ((word = strsep(&value, ","))) {
		if (i >= SIM_BARS)
			return -E2BIG;
		if (!strcmp(word, "0")) {
			i++;
			continue;
		}
		ret = sim_parse_bar(&bars[i], word);
		if (ret)
			return ret;
		if (bars[i].is64 && i == SIM_BARS - 1)
			return -E2BIG;
		i += 1 + bars[i].is64;
	}
	return 0;
}

static int sim_parse_bars(struct sim_desc *desc, char *value)
{
	return sim_parse_some_bars(desc->bars, value);
}

static int sim_parse_vfbars(struct sim_desc *desc, char *value)
{
	return sim_parse_some_bars(desc->vf_bars, value);
}

static int sim_parse_rom(struct sim_desc *desc, char *value)
{
	u64 size;
	int ret = sim_text_size(value, SZ_2K, SZ_16M, &size);

	if (ret)
		return ret;
	if (!is_power_of_2(size))
		return -EINVAL;
	desc->rom = size;
	return 0;
}

/* One of "none", "works", "nothing", "slow:MS", "dead", "dead:MS", "odd". */
static int sim_parse_reset(struct sim_reset *reset, char *value)
{
	static const char * const modes[] = {
		[SIM_NONE] = "none",
		[SIM_WORKS] = "works",
		[SIM_NOTHING] = "nothing",
		[SIM_SLOW] = "slow",
		[SIM_DEAD] = "dead",
		[SIM_ODD] = "odd",
	};
	char *ms = value;
	int mode;

	strsep(&ms, ":");
	mode = match_string(modes, ARRAY_SIZE(modes), value);
	if (mode < 0)
		return -EINVAL;
	if (ms ? mode != SIM_SLOW && mode != SIM_DEAD : mode == SIM_SLOW)
		return -EINVAL;
	reset->mode = mode;
	reset->ms = 0;
	return ms ? sim_text_u32(ms, SIM_MS_MAX, &reset->ms) : 0;
}

static int sim_parse_flr(struct sim_desc *desc, char *value)
{
	return sim_parse_reset(&desc->reset[SIM_FLR], value);
}

static int sim_parse_af_flr(struct sim_desc *desc, char *value)
{
	return sim_parse_reset(&desc->reset[SIM_AF_FLR], value);
}

static int sim_parse_pm(struct sim_desc *desc, char *value)
{
	return sim_parse_reset(&desc->reset[SIM_PM], value);
}

static int sim_parse_bus(struct sim_desc *desc, char *value)
{
	return sim_parse_reset(&desc->reset[SIM_BUS], value);
}

static int sim_parse_acs(struct sim_desc *desc, char *value)
{
	return sim_text_bool(value, &desc->acs);
}

static int sim_parse_vectors(char *value, u32 max, u16 *vectors)
{
	u32 v;
	int ret = sim_text_u32(value, max, &v);

	if (!ret)
		*vectors = v;
	return ret;
}

static int sim_parse_msi(struct sim_desc *desc, char *value)
{
	return sim_parse_vectors(value, 32, &desc->msi);
}

static int sim_parse_msix(struct sim_desc *desc, char *value)
{
	return sim_parse_vectors(value, SIM_VECTORS_MAX, &desc->msix);
}

static int sim_parse_vfs(struct sim_desc *desc, char *value)
{
	return sim_parse_vectors(value, SIM_DEVFNS - 8, &desc->vfs);
}

static int sim_parse_vfdevice(struct sim_desc *desc, char *value)
{
	return sim_text_id16(value, &desc->vf_device);
}

static int sim_parse_name(char *to, const char *value)
{
	const char *c;

	for (c = value; *c; c++)
		if (!isalnum(*c) && *c != '-' && *c != '_')
			return -EINVAL;
	return strscpy(to, value, SIM_NAME) < 0 ? -ENAMETOOLONG : 0;
}

static int sim_parse_group(struct sim_desc *desc, char *value)
{
	return sim_parse_name(desc->group, value);
}

static int sim_parse_driver(struct sim_desc *desc, char *value)
{
	if (!strcmp(value, "any"))
		value = "";
	return sim_parse_name(desc->driver, value);
}

/* "BAR:OFFSET:VALUE", more of them after commas. */
static int sim_parse_mem(struct sim_desc *desc, char *value)
{
	char *word;

	desc->nr_words = 0;
	while ((word = strsep(&value, ","))) {
		struct sim_word *w = &desc->words[desc->nr_words];
		char *bar = strsep(&word, ":"), *offset = strsep(&word, ":");
		u32 v;
		int ret;

		if (desc->nr_words == SIM_WORDS)
			return -E2BIG;
		if (!offset || !word)
			return -EINVAL;
		ret = sim_text_u32(bar, SIM_BARS - 1, &v);
		if (ret)
			return ret;
		w->bar = v;
		ret = sim_text_u32(offset, SIM_BAR_MAX, &w->offset);
		if (!ret)
			ret = sim_text_u32(word, U32_MAX, &w->value);
		if (ret)
			return ret;
		desc->nr_words++;
	}
	return 0;
}

static int sim_parse_ready(struct sim_desc *desc, char *value)
{
	return sim_text_u32(value, SIM_MS_MAX, &desc->ready_ms);
}

static int sim_parse_busy(struct sim_desc *desc, char *value)
{
	return sim_text_u32(value, U32_MAX, &desc->busy);
}

static int sim_parse_stuck(struct sim_desc *desc, char *value)
{
	return sim_text_bool(value, &desc->stuck);
}

/* "START:SIZE" or "START:SIZE:relaxable". */
static int sim_parse_rmrr(struct sim_desc *desc, char *value)
{
	char *start = strsep(&value, ":"), *size = strsep(&value, ":");
	int ret;

	if (!size || (value && strcmp(value, "relaxable")))
		return -EINVAL;
	ret = sim_text_size(start, 0, BIT_ULL(47), &desc->rmrr_start);
	if (!ret)
		ret = sim_text_size(size, PAGE_SIZE, SZ_1G, &desc->rmrr_size);
	if (ret)
		return ret;
	desc->rmrr_relaxable = value;
	return PAGE_ALIGNED(desc->rmrr_start | desc->rmrr_size) ? 0 : -EINVAL;
}

static int sim_parse_hold(struct sim_desc *desc, char *value)
{
	return sim_text_bool(value, &desc->hold);
}

static int sim_parse_refuse(struct sim_desc *desc, char *value)
{
	return sim_text_bool(value, &desc->refuse);
}

static int sim_parse_probe_ms(struct sim_desc *desc, char *value)
{
	return sim_text_u32(value, SIM_MS_MAX, &desc->probe_ms);
}

static int sim_parse_remove_ms(struct sim_desc *desc, char *value)
{
	return sim_text_u32(value, SIM_MS_MAX, &desc->remove_ms);
}

/* What a word can say; @change: also later, of a function that is there. */
static const struct sim_key {
	const char *name;
	int (*parse)(struct sim_desc *desc, char *value);
	bool change;
} sim_keys[] = {
	{ "vendor", sim_parse_vendor },
	{ "device", sim_parse_device },
	{ "subvendor", sim_parse_subvendor },
	{ "subdevice", sim_parse_subdevice },
	{ "revision", sim_parse_revision },
	{ "class", sim_parse_class },
	{ "bars", sim_parse_bars },
	{ "rom", sim_parse_rom },
	{ "flr", sim_parse_flr, true },
	{ "af_flr", sim_parse_af_flr, true },
	{ "pm", sim_parse_pm, true },
	{ "bus", sim_parse_bus, true },
	{ "acs", sim_parse_acs },
	{ "msi", sim_parse_msi },
	{ "msix", sim_parse_msix },
	{ "vfs", sim_parse_vfs },
	{ "vfdevice", sim_parse_vfdevice },
	{ "vfbars", sim_parse_vfbars },
	{ "group", sim_parse_group },
	{ "driver", sim_parse_driver },
	{ "mem", sim_parse_mem, true },
	{ "ready", sim_parse_ready, true },
	{ "busy", sim_parse_busy, true },
	{ "stuck", sim_parse_stuck, true },
	{ "rmrr", sim_parse_rmrr },
	{ "hold", sim_parse_hold, true },
	{ "refuse", sim_parse_refuse, true },
	{ "probe_ms", sim_parse_probe_ms, true },
	{ "remove_ms", sim_parse_remove_ms, true },
};

/**
 * sim_desc_init() - what holds for a function if nothing is said
 * @desc: its description
 */
void sim_desc_init(struct sim_desc *desc)
{
	memset(desc, 0, sizeof(*desc));
	desc->vendor = 0x1234;
	desc->device = 0x0517;
	desc->vf_device = 0x0519;
	desc->class = 0x120000;
	desc->bars[0].size = SZ_4K;
	desc->vf_bars[0].size = SZ_4K;
	desc->reset[SIM_BUS].mode = SIM_WORKS;
	desc->busy = ~0U;
	strscpy(desc->driver, SIM_DRIVER, sizeof(desc->driver));
}

/* What no single word can tell. */
static int sim_desc_check(const struct sim_desc *desc)
{
	bool room = !desc->msix;
	unsigned int i;

	for (i = 0; i < desc->nr_words; i++) {
		const struct sim_word *w = &desc->words[i];

		if (!IS_ALIGNED(w->offset, 4) || w->offset + 4ULL > desc->bars[w->bar].size) {
			pr_err("mem=%u:%#x: not inside that BAR, or not aligned\n", w->bar,
			       w->offset);
			return -EINVAL;
		}
	}
	for (i = 0; i < SIM_BARS; i++) {
		if (desc->bars[i].size >= max(4096, desc->msix * 64))
			room = true;
		if (desc->vfs && desc->vf_bars[i].size && desc->vf_bars[i].size < SZ_4K) {
			pr_err("vfbars: a page or more each\n");
			return -EINVAL;
		}
	}
	if (!room) {
		pr_err("msix=%u: no BAR has room for so many vectors\n", desc->msix);
		return -EINVAL;
	}
	return 0;
}

/**
 * sim_desc_parse() - read words into a description
 * @desc: the description, which has values already
 * @line: the words; changed
 * @change: the function exists, so not everything can change
 *
 * Return: 0 or a negative errno, having said what is wrong.
 */
int sim_desc_parse(struct sim_desc *desc, char *line, bool change)
{
	char *word, *value;
	unsigned int i;
	int ret;

	while ((word = sim_text_word(&line))) {
		value = word;
		strsep(&value, "=");
		for (i = 0; i < ARRAY_SIZE(sim_keys); i++)
			if (!strcmp(word, sim_keys[i].name))
				break;
		if (i == ARRAY_SIZE(sim_keys) || !value || !*value) {
			pr_err("'%s': no such word, or one that needs a value\n", word);
			return -EINVAL;
		}
		if (change && !sim_keys[i].change) {
			pr_err("'%s' cannot change\n", word);
			return -EINVAL;
		}
		ret = sim_keys[i].parse(desc, value);
		if (ret) {
			pr_err("bad value of '%s' (%d)\n", word, ret);
			return ret;
		}
	}
	return sim_desc_check(desc);
}
