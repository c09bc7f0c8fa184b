// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>

#define TH_LOG(...)		/* only the programs have the harness */
#define FIXTURE(...)
#include "host.h"

#define CLASS_NVME	0x010802
#define CLASS_AUDIO	0x0403
#define GONE_MS		60000
#define ROOM		32	/* leases looked at in one go */

static bool alone(const struct host *h, const struct pci_fn *fn)
{
	int i;

	for (i = 0; i < h->nr_fns; i++)
		if (&h->fns[i] != fn && h->fns[i].group == fn->group)
			return false;
	return true;
}

int host_find(struct host *h)
{
	int i, k, n;

	if (!h->fns)
		h->fns = calloc(PCI_MAX_FNS, sizeof(*h->fns));
	if (!h->fns)
		return -ENOMEM;
	n = pci_list(h->fns, PCI_MAX_FNS);
	if (n < 0)
		return n;
	h->nr_fns = n;
	h->nr_nvme = 0;
	h->nr_edu = 0;
	h->nr_edu_shared = 0;
	h->gpu = NULL;
	h->audio = NULL;
	h->bridge = NULL;
	h->nic = NULL;
	for (i = 0; i < n; i++) {
		const struct pci_fn *f = &h->fns[i];

		if (f->class == CLASS_NVME && h->nr_nvme < HOST_MAX)
			h->nvme[h->nr_nvme++] = f;
		if (f->vendor == 0x1234 && f->device == 0x11e8) {
			if (f->group < 0 || alone(h, f)) {
				if (h->nr_edu < HOST_MAX)
					h->edu[h->nr_edu++] = f;
			} else if (h->nr_edu_shared < HOST_MAX) {
				h->edu_shared[h->nr_edu_shared++] = f;
			}
		}
		if (f->class >> 8 == 0x0604)
			h->bridge = f;
		/* Not virtio, which may be the lab's own. */
		if (f->class >> 16 == 0x02 && f->vendor != 0x1af4)
			h->nic = f;
		if (f->class >> 8 != CLASS_AUDIO || f->group < 0)
			continue;
		for (k = 0; k < n; k++) {
			if (h->fns[k].class >> 16 == 0x03 &&
			    h->fns[k].group == f->group) {
				h->gpu = &h->fns[k];
				h->audio = f;
			}
		}
	}
	return 0;
}

/* What get_user_pages() has pinned and nobody has unpinned. */
static long long pins(void)
{
	long long value, sum = 0;
	char name[64];
	FILE *f;

	/* Each processor counts for itself, up to here. */
	file_write("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/vmstat", "re");
	while (f && fscanf(f, "%63s %lld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			sum += value;
		else if (!strcmp(name, "nr_foll_pin_released"))
			sum -= value;
	}
	if (f)
		fclose(f);
	return sum;
}

int host_begin(struct host *h)
{
	int ret;

	memset(h, 0, sizeof(*h));
	h->ctl = ptx_open();
	if (h->ctl < 0) {
		printf("# %s: %s; load the module first\n", PTX_NODE,
		       strerror(-h->ctl));
		return h->ctl;
	}
	ret = nl_open(&h->nl);
	if (ret) {
		printf("# netlink family %s: %s\n", PTX_FAMILY_NAME, strerror(-ret));
		return ret;
	}
	/* What an earlier program left behind. */
	ret = host_wait_no_lease(GONE_MS);
	if (ret) {
		printf("# a lease of an earlier test does not go: %s\n",
		       strerror(-ret));
		return ret;
	}
	ret = host_find(h);
	if (ret)
		return ret;
	h->pins = pins();
	h->before = snapshot_take();
	return h->before ? 0 : -ENOMEM;
}

static void lease_print(struct nl *nl, uint64_t id, struct nl_lease *l)
{
	int i;

	if (nl_lease_get(nl, id, NULL, l))
		return;
	printf("# lease %llu '%s' is in state %u with %d members\n",
	       (unsigned long long)id, l->name, l->state, l->nr_members);
	for (i = 0; i < l->nr_members && i < NL_MAX_MEMBERS; i++)
		printf("#   %s state %u step '%s'\n", l->members[i].device,
		       l->members[i].state, l->members[i].step);
}

int host_wait_no_lease(int timeout_ms)
{
	struct nl_lease *l = calloc(ROOM, sizeof(*l));
	struct nl nl;
	int ret, n, i;

	if (!l)
		return -ENOMEM;
	ret = nl_open(&nl);
	if (ret)
		goto out;
	for (;;) {
		n = nl_lease_list(&nl, l, ROOM);
		ret = n < 0 ? n : 0;
		/* One that is released and still listed only has its file open. */
		for (i = 0; i < n && i < ROOM; i++)
			if (l[i].state != PTX_LEASE_STATE_RELEASED)
				break;
		if (i >= n || i >= ROOM)
			break;
		if (l[i].persistent) {
			printf("# releasing the persistent lease '%s'\n", l[i].name);
			nl_lease_release(&nl, l[i].id, timeout_ms);
		}
		ret = nl_lease_wait(l[i].id, timeout_ms);
		if (ret) {
			lease_print(&nl, l[i].id, l);
			break;
		}
	}
	nl_close(&nl);
out:
	free(l);
	return ret;
}

int host_same(struct host *h)
{
	int ret = host_wait_no_lease(GONE_MS);

	return ret ?: snapshot_check(h->before, 2000, NULL);
}

int host_same_pins(const struct host *h)
{
	long long now = 0;
	int i;

	for (i = 0; i < 100; i++) {
		now = pins();
		if (now == h->pins)
			return 0;
		usleep(20000);
	}
	printf("# %lld references to pinned pages, %lld before\n", now, h->pins);
	return -EBUSY;
}

int host_end(struct host *h)
{
	int ret;

	child_kill_all();
	syscall(SYS_close_range, 3, ~0U, 0);
	ret = host_same(h) ?: host_same_pins(h);
	snapshot_free(h->before);
	free(h->fns);
	return ret;
}

const struct pci_fn *host_single(const struct host *h, int n)
{
	if (n < h->nr_nvme && h->nvme[n]->group >= 0)
		return h->nvme[n];
	n -= h->nr_nvme;
	if (n >= 0 && n < h->nr_edu && h->edu[n]->group >= 0)
		return h->edu[n];
	return NULL;
}

bool host_is_topology(const char *name)
{
	const char *t = getenv("LAB_TOPOLOGY");

	return t && !strncmp(t, name, strlen(name)) &&
	       (!t[strlen(name)] || t[strlen(name)] == ',');
}

bool host_is_default(void)
{
	return host_is_topology("default");
}

bool host_is_kernel(const char *name)
{
	const char *k = getenv("LAB_KERNEL");

	return k && !strcmp(k, name);
}
