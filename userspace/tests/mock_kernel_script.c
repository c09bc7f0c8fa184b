// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel_script: reads the scripts that mock_kernel.h describes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mock_state.h"

static int errno_of(const char *name)
{
	for (int i = 1; i < 200; i++) {
		const char *have = strerrorname_np(i);

		if (have && !strcmp(have, name))
			return i;
	}
	mock_die("no such errno", name);
	return 0;
}

static unsigned int reason_of(const char *name)
{
	for (unsigned int i = 0; i < 64; i++) {
		if (!strcmp(ptx_reason_name((enum ptx_reason)i), name))
			return i;
	}
	/* One that the library does not know either. */
	return (unsigned int)strtoul(name, NULL, 0);
}

static unsigned int event_of(const char *name)
{
	for (unsigned int i = 0; i < 64; i++) {
		if (!strcmp(ptx_event_name((enum ptx_event)i), name))
			return i;
	}
	return (unsigned int)strtoul(name, NULL, 0);
}

struct script_word {
	char *key;
	char *value;
};

static unsigned int split(char *line, struct script_word *words, unsigned int max)
{
	unsigned int n = 0;

	for (;;) {
		char *p, *to;
		bool quoted = false;

		line += strspn(line, " \t");
		if (!*line || *line == '#')
			return n;
		if (n == max)
			mock_die("too many words", line);
		words[n].key = to = p = line;
		while (*p && (quoted || (*p != ' ' && *p != '\t'))) {
			if (*p == '"')
				quoted = !quoted;
			else if (*p == '\\' && p[1] == 'x')
				*to++ = (char)strtoul((char[]){ p[2], p[3], 0 }, NULL, 16), p += 3;
			else
				*to++ = *p;
			p++;
		}
		line = *p ? p + 1 : p;
		*to = '\0';
		words[n].value = strchr(words[n].key, '=');
		if (words[n].value)
			*words[n].value++ = '\0';
		n++;
	}
}

static const char *get(const struct script_word *words, unsigned int n, const char *key)
{
	for (unsigned int i = 1; i < n; i++) {
		if (words[i].value && !strcmp(words[i].key, key))
			return words[i].value;
	}
	return NULL;
}

static unsigned long long get_int(const struct script_word *words, unsigned int n,
				  const char *key, unsigned long long otherwise)
{
	const char *value = get(words, n, key);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

static void get_text(const struct script_word *words, unsigned int n, const char *key,
		     char *buf, size_t size)
{
	const char *value = get(words, n, key);

	snprintf(buf, size, "%s", value ? value : "");
}

static void script_device(const struct script_word *w, unsigned int n)
{
	struct mock_device *d = &mock.devices[mock.nr_devices++];
	const char *kind = get(w, n, "kind");
	enum ptx_kind k = PTX_KIND_OTHER;

	if (mock.nr_devices > MOCK_MAX || n < 2)
		mock_die("bad device", w[0].key);
	if (kind && !ptx_kind_parse(kind, &k))
		k = (enum ptx_kind)strtoul(kind, NULL, 0);
	snprintf(d->name, sizeof(d->name), "%s", w[1].key);
	d->kind = k;
	d->vendor = (unsigned int)get_int(w, n, "vendor", 0x1234);
	d->device = (unsigned int)get_int(w, n, "device", 0x5678);
	d->class = (unsigned int)get_int(w, n, "class", 0);
	d->has_group = get(w, n, "group");
	d->group = (unsigned int)get_int(w, n, "group", 0);
	d->numa = get(w, n, "numa") ? atoi(get(w, n, "numa")) : -1;
	d->lease = get_int(w, n, "lease", 0);
	get_text(w, n, "driver", d->driver, sizeof(d->driver));
	get_text(w, n, "override", d->override, sizeof(d->override));
	get_text(w, n, "resets", d->resets, sizeof(d->resets));
	get_text(w, n, "physfn", d->physfn, sizeof(d->physfn));
	d->total_vfs = (unsigned int)get_int(w, n, "total_vfs", 0);
	d->quarantined = get_int(w, n, "quarantined", 0);
	d->pooled = get_int(w, n, "pooled", 0);
	d->keeps_memory = get_int(w, n, "keeps_memory", 0);
	d->brought = get_int(w, n, "brought", 0);
	d->opened = get_int(w, n, "opened", 0);
	d->cut = get_int(w, n, "cut", 0);
	d->why = get(w, n, "why") ? reason_of(get(w, n, "why")) : 0;
	d->has_faults = get(w, n, "faults");
	d->faults = get_int(w, n, "faults", 0);
	get_text(w, n, "step", d->step, sizeof(d->step));
	get_text(w, n, "states", d->states, sizeof(d->states));
	get_text(w, n, "tries", d->tries, sizeof(d->tries));
	d->has_rom = get(w, n, "rom") && !ptx_rom_parse(get(w, n, "rom"), &d->rom);
	get_text(w, n, "mates", d->mates, sizeof(d->mates));
}

static void script_blocker(const struct script_word *w, unsigned int n)
{
	struct mock_device *d = n > 1 ? mock_find_device(w[1].key) : NULL;
	struct ptx_blocker *b;

	if (!d || d->nr_blockers == 8 || !get(w, n, "reason"))
		mock_die("bad blocker", w[0].key);
	b = &d->blockers[d->nr_blockers++];
	b->reason = reason_of(get(w, n, "reason"));
	snprintf(b->culprit, sizeof(b->culprit), "%s",
		 get(w, n, "culprit") ? get(w, n, "culprit") : d->name);
	b->lease = get_int(w, n, "lease", 0);
	get_text(w, n, "holder", b->holder, sizeof(b->holder));
}

static void script_lease(const struct script_word *w, unsigned int n)
{
	enum ptx_lease_state state = PTX_LEASE_STATE_ACTIVE;
	struct mock_lease *l;

	if (n < 2)
		mock_die("bad lease", w[0].key);
	l = mock_new_lease(w[1].key);
	l->id = get_int(w, n, "id", l->id);
	if (get(w, n, "state") && !ptx_lease_state_parse(get(w, n, "state"), &state))
		mock_die("bad state", get(w, n, "state"));
	l->state = state;
	l->owner = (unsigned int)get_int(w, n, "owner", 0);
	l->pid = (int)get_int(w, n, "pid", 0);
	l->max = (unsigned int)get_int(w, n, "max", 0);
	l->persistent = get_int(w, n, "persistent", 1);
	l->forced = get_int(w, n, "forced", 0);
	get_text(w, n, "members", l->members, sizeof(l->members));
}

static void script_space(const struct script_word *w, unsigned int n)
{
	struct mock_lease *l = NULL;

	for (unsigned int i = 0; n > 1 && i < mock.nr_leases; i++) {
		if (!strcmp(mock.leases[i].name, w[1].key))
			l = &mock.leases[i];
	}
	if (!l)
		mock_die("bad space", w[0].key);
	l->has_space = true;
	mock_space_init(&l->space);
	l->space.quota = get_int(w, n, "quota", 0);
	l->space.mapped = get_int(w, n, "mapped", 0);
	l->space.pinned = get_int(w, n, "pinned", 0);
	l->space.entries = get_int(w, n, "entries", 0);
	l->space.max_entries = get_int(w, n, "max_entries", PTX_SPACE_ENTRIES_MAX);
	l->space.page = get_int(w, n, "page", 0);
	l->space.has_faults = get(w, n, "faults");
	l->space.faults = get_int(w, n, "faults", 0);
	l->space.container = get_int(w, n, "container", 0);
	mock_space_lists(&l->space, get(w, n, "windows"), get(w, n, "pin"), get(w, n, "map"));
}

static void script_grant(const struct script_word *w, unsigned int n)
{
	struct mock_grant *g = &mock.grants[mock.nr_grants++];
	enum ptx_kind kind = PTX_KIND_OTHER;

	if (mock.nr_grants > 16 || n < 2)
		mock_die("bad grant", w[0].key);
	memset(g, 0, sizeof(*g));
	g->id = strtoull(w[1].key, NULL, 10);
	g->has_uid = get(w, n, "uid");
	g->uid = (unsigned int)get_int(w, n, "uid", 0);
	g->has_gid = get(w, n, "gid");
	g->gid = (unsigned int)get_int(w, n, "gid", 0);
	g->has_kind = get(w, n, "kind");
	if (g->has_kind && !ptx_kind_parse(get(w, n, "kind"), &kind))
		mock_die("bad kind", get(w, n, "kind"));
	g->kind = kind;
	g->vendor = (unsigned int)get_int(w, n, "vendor", 0);
	g->max = (unsigned int)get_int(w, n, "max", 0);
	g->pooled = get_int(w, n, "pooled", 0);
	g->used = (unsigned int)get_int(w, n, "used", 0);
	g->quota = get_int(w, n, "quota", 0);
	g->mapped = get_int(w, n, "mapped", 0);
	get_text(w, n, "device", g->device, sizeof(g->device));
}

static void script_reserve(const struct script_word *w, unsigned int n)
{
	struct mock_reserve *r = &mock.reserves[mock.nr_reserves++];
	enum ptx_kind kind = PTX_KIND_OTHER;

	if (mock.nr_reserves > 16 || n < 2)
		mock_die("bad reserve", w[0].key);
	memset(r, 0, sizeof(*r));
	r->id = strtoull(w[1].key, NULL, 10);
	r->has_kind = get(w, n, "kind");
	if (r->has_kind && !ptx_kind_parse(get(w, n, "kind"), &kind))
		mock_die("bad kind", get(w, n, "kind"));
	r->kind = kind;
	r->vendor = (unsigned int)get_int(w, n, "vendor", 0);
	get_text(w, n, "device", r->device, sizeof(r->device));
}

static void script_fail(const struct script_word *w, unsigned int n)
{
	struct mock_fail *f = &mock.fails[mock.nr_fails++];

	if (mock.nr_fails > 64 || n < 3 || !get(w, n, "errno"))
		mock_die("bad fail", w[0].key);
	snprintf(f->call, sizeof(f->call), "%s", w[1].key);
	f->err = errno_of(get(w, n, "errno"));
	f->reason = get(w, n, "reason") ? reason_of(get(w, n, "reason")) : 0;
	f->times = (unsigned int)get_int(w, n, "times", 1);
	get_text(w, n, "culprit", f->culprit, sizeof(f->culprit));
	get_text(w, n, "text", f->text, sizeof(f->text));
}

static void script_event(const struct script_word *w, unsigned int n)
{
	struct mock_event *e = &mock.events[mock.nr_events++];

	if (mock.nr_events > 64)
		mock_die("too many events", w[0].key);
	if (n < 2)
		mock_die("bad event", w[0].key);
	e->event = event_of(w[1].key);
	e->reason = get(w, n, "reason") ? reason_of(get(w, n, "reason")) : 0;
	e->id = get_int(w, n, "id", 0);
	e->ms = (unsigned int)get_int(w, n, "ms", 0);
	get_text(w, n, "device", e->device, sizeof(e->device));
	get_text(w, n, "lease", e->lease, sizeof(e->lease));
	get_text(w, n, "driver", e->driver, sizeof(e->driver));
}

static void script_line(char *line)
{
	struct script_word w[24];
	unsigned int n = split(line, w, 24);
	const char *verb = n ? w[0].key : "";

	if (!n)
		return;
	if (!strcmp(verb, "absent")) {
		mock.absent = true;
	} else if (!strcmp(verb, "open") && get(w, n, "errno")) {
		mock.open_err = errno_of(get(w, n, "errno"));
	} else if (!strcmp(verb, "root") && n == 2) {
		snprintf(mock.root, sizeof(mock.root), "%s", w[1].key);
	} else if (!strcmp(verb, "info")) {
		mock.abi = (unsigned int)get_int(w, n, "abi", 1);
		mock.features = (unsigned int)get_int(w, n, "features", 6);
	} else if (!strcmp(verb, "device")) {
		script_device(w, n);
	} else if (!strcmp(verb, "blocker")) {
		script_blocker(w, n);
	} else if (!strcmp(verb, "lease")) {
		script_lease(w, n);
	} else if (!strcmp(verb, "space")) {
		script_space(w, n);
	} else if (!strcmp(verb, "refused")) {
		mock.refused = get(w, n, "reason") ? reason_of(get(w, n, "reason")) : 0;
		mock.refused_range.first = get_int(w, n, "first", 0);
		mock.refused_range.last = get_int(w, n, "last", 0);
	} else if (!strcmp(verb, "old")) {
		mock.old = true;
	} else if (!strcmp(verb, "grant")) {
		script_grant(w, n);
	} else if (!strcmp(verb, "reserve")) {
		script_reserve(w, n);
	} else if (!strcmp(verb, "fail")) {
		script_fail(w, n);
	} else if (!strcmp(verb, "bad") && n == 4) {
		snprintf(mock.bad_call, sizeof(mock.bad_call), "%s", w[1].key);
		mock.bad_attr = (unsigned int)get_int(w, n, "attr", 1);
		mock.bad_len = (unsigned int)get_int(w, n, "len", 1);
	} else if (!strcmp(verb, "grow")) {
		mock.grow = (unsigned int)get_int(w, n, "by", 0);
	} else if (!strcmp(verb, "together")) {
		mock.together = true;
	} else if (!strcmp(verb, "slow")) {
		mock.slow_ms = (unsigned int)get_int(w, n, "ms", 0);
	} else if (!strcmp(verb, "drain")) {
		mock.drain_ms = (unsigned int)get_int(w, n, "ms", 0);
	} else if (!strcmp(verb, "event")) {
		script_event(w, n);
	} else {
		mock_die("no such command", verb);
	}
}

void mock_script(const char *text)
{
	char *copy = strdup(text), *line, *save = NULL;

	if (!copy)
		abort();
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		script_line(line);
	free(copy);
}

void mock_script_file(const char *path)
{
	char *text = ptx_read_file(path, 1 << 20, NULL);

	if (!text)
		mock_die("cannot read the script", path);
	mock_script(text);
	free(text);
}
