// SPDX-License-Identifier: GPL-2.0-only
/* Devices that are near each other: which are chosen, and which next. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../libptx/src/internal.h"
#include "../libptx/src/near.h"
#include "mock_kernel.h"
#include "tap.h"

/* Those of mock_tree(); GPUs A and B share a switch, C is behind another one. */
#define A	"0000:03:00.0"
#define B	"0000:04:00.0"
#define C	"0000:08:00.0"
#define D	"0000:41:00.0"
#define E	"0000:83:00.0"
#define F	"0000:84:00.0"
#define NIC0	"0000:05:00.0"
#define NIC1	"0000:05:00.1"
#define NVME	"0000:09:00.0"
#define FAR	"10000:e1:00.0"

static const char usual[] =
	"device " A " kind=gpu vendor=0x10de group=3\n"
	"device " B " kind=gpu vendor=0x10de group=4\n"
	"device " NIC0 " kind=nic vendor=0x15b3 group=5\n"
	"device " NIC1 " kind=nic vendor=0x15b3 group=51\n"
	"device " C " kind=gpu vendor=0x1002 group=8\n"
	"device " NVME " kind=nvme vendor=0x144d group=9\n"
	"device " D " kind=gpu vendor=0x10de group=41\n"
	"device " E " kind=gpu vendor=0x10de group=83\n"
	"device " F " kind=gpu vendor=0x1002 group=84\n"
	"device " FAR " kind=nvme vendor=0x144d group=90\n";

static struct ptx_ctx *ctx;
static struct ptx_selector *sels[8];
static size_t nr_sels;
static char *root;

static void script(const char *more)
{
	char line[128];

	mock_reset();
	snprintf(line, sizeof(line), "root %s", root);
	mock_script(line);
	mock_script(usual);
	mock_script(more);
}

static int pick(struct ptx_pick **out, const char *text)
{
	char copy[256], *word, *save = NULL;

	nr_sels = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (ptx_selector_parse(ctx, word, PTX_KIND_ANY, NULL, &sels[nr_sels++]))
			exit(99);
	}
	return ptx_pick_near(ctx, (const struct ptx_selector *const *)sels, nr_sels, out);
}

static void done(struct ptx_pick *p)
{
	ptx_pick_free(p);
	while (nr_sels)
		ptx_selector_free(sels[--nr_sels]);
}

static const char *chosen(const struct ptx_pick *p)
{
	static char text[4096];

	*text = '\0';
	for (size_t i = 0; i < ptx_pick_count(p); i++)
		strcat(strcat(text, i ? " " : ""), ptx_pick_devices(p)[i]);
	return text;
}

static void expect(const char *text, const char *want)
{
	struct ptx_pick *p;

	if (is_int(pick(&p, text), 0, "%s can be had", text))
		is_str(chosen(p), want, "%s is %s", text, want);
	done(p);
}

static void refuse(const char *text, int err, const char *part)
{
	struct ptx_pick *p;

	is_int(pick(&p, text), -err, "%s is refused", text);
	has_str(ptx_error_message(ptx_ctx_error(ctx)), part, "it says '%s'", part);
	done(p);
}

static void choices(void)
{
	script("");
	/* One alone is as before. */
	expect("gpu", A);
	expect("gpu:2", A " " B);
	expect("gpu:3", A " " B " " C);
	expect("gpu:4", A " " B " " C " " D);
	expect("nic:2", NIC0 " " NIC1);
	expect("gpu nic", A " " NIC0);
	expect("nvme gpu:2", NVME " " A " " B);
	expect("gpu:amd gpu:nvidia", F " " E);
	expect("gpu:amd gpu:nvidia nic", C " " A " " NIC0);
	/* What is named pulls the rest towards itself, and keeps its place. */
	expect("gpu " E, E " " F);
	expect("gpu:2 " FAR, FAR " " E " " F);
	expect(A " " E, A " " E);
	expect("gpu " A " " E, A " " E " " B);
	expect("gpu " NIC1 " nvme", NIC1 " " A " " NVME);
	expect("vf:05:00.1 gpu", "vf:0000:05:00.1 " A);
	expect("vf:83:00.0 gpu", "vf:0000:83:00.0 " F);
	expect("vf:83:00.0,reserve=2 gpu", "vf:0000:83:00.0/2 " F);
	expect("vgpu:84:00.0/nvidia-558 gpu", "vgpu:0000:84:00.0/nvidia-558 " F);
	expect("vgpu:mtty/mtty-1 gpu", "vgpu:mtty/mtty-1 " A);

	/* Taken ones do not count, and the worst distance decides, not the nearest pair. */
	script("lease x id=7\nblocker " B " reason=held lease=7\n");
	expect("gpu:2", E " " F);
	expect("gpu:3", A " " C " " D);
	script("blocker " B " reason=held\nblocker " F " reason=held\n");
	expect("gpu:2", A " " C);
	expect("gpu:3", A " " C " " D);
	script("blocker " A " reason=held\nblocker " B " reason=held\nblocker " F " reason=held\n");
	expect("gpu:2", C " " D);
	/* Nodes decide where the worst distance cannot. */
	script("blocker " A " reason=held\nblocker " B " reason=held\n"
	       "blocker " C " reason=held\n");
	expect("gpu:3", D " " E " " F);
	expect("gpu nvme:2", D " " NVME " " FAR);
}

/* Of two that are of the same sort of distance, the one with the shorter way. */
static void shorter(void)
{
	char line[128];

	mock_reset();
	snprintf(line, sizeof(line), "root %s", root);
	mock_script(line);
	mock_script("device " A " kind=audio group=3\ndevice " NVME " kind=audio group=9\n"
		    "device " D " kind=gpu group=41\n");
	expect("audio gpu", NVME " " D);
	expect("audio " D, D " " NVME);
}

/* The pool costs no time, but distance comes first. */
static void pool(void)
{
	mock_reset();
	root = mock_new_root();
	mock_tree();
	mock_script("device " A " kind=gpu group=3\ndevice " B " kind=gpu group=4\n"
		    "device " E " kind=gpu group=83 pooled=1\n"
		    "device " F " kind=gpu group=84 pooled=1\ndevice " D " kind=gpu group=41\n");
	expect("gpu:2", E " " F);
	expect("gpu", E);
	expect("gpu:3", A " " B " " D);
}

/* A place that only one fits is kept for it. */
static void overlap(void)
{
	script("");
	expect("gpu:4 gpu:amd", A " " B " " D " " E " " C);
	expect("gpu:4 gpu:amd:2", A " " B " " D " " E " " C " " F);
	refuse("gpu:5 gpu:amd:2", EBUSY, "found among");
	refuse("gpu:7", EBUSY, "7 free gpu wanted, 6 found among 6");
	refuse("gpu:amd:3", EBUSY, "3 free gpu wanted, 2 found among 2");
	refuse("npu gpu", ENODEV, "no such device");
}

static void races(void)
{
	struct ptx_lease *lease;
	struct ptx_pick *p;
	int err;

	script("fail add errno=EBUSY reason=held culprit=" B "\n"
	       "fail add errno=EBUSY reason=held culprit=" E "\n"
	       "fail add errno=EBUSY reason=held culprit=" C "\n");
	if (pick(&p, "gpu:2") || ptx_lease_create(ctx, "x", NULL, &lease))
		exit(99);
	for (unsigned int i = 0; i < 4; i++) {
		static const char *const sets[] = {
			A " " B, E " " F, A " " C, A " " D,
		};

		is_str(chosen(p), sets[i], "choice %u is %s", i, sets[i]);
		err = ptx_lease_add(lease, ptx_pick_devices(p), 2, NULL, NULL);
		if (i == 3)
			is_int(err, 0, "and can be had");
		else
			ok(ptx_pick_next(p, err), "is taken; there is another");
	}
	ptx_lease_close(lease);
	done(p);
}

/* Where sysfs says nothing, any will do, in the usual order. */
static void lost(void)
{
	char *tree = root;

	root = mock_new_root();
	script("");
	expect("gpu:2", A " " B);
	expect("gpu:2 " NVME, NVME " " A " " B);
	mock_drop_root(root);
	root = tree;
}

/* As many as there are room for, half of them on each node; and no more are looked at. */
static void many(void)
{
	char *tree = root, line[128], want[4096] = "";

	root = mock_new_root();
	script("");
	for (unsigned int i = 0; i < 200; i++) {
		char name[16], bridge[16], above[64];

		snprintf(bridge, sizeof(bridge), "00%02x:00:01.0", i);
		snprintf(name, sizeof(name), "00%02x:01:00.0", i);
		snprintf(above, sizeof(above), "pci00%02x:00/%s", i, bridge);
		mock_pci(above, name, "0x010802\n", "0x144d\n", i & 1 ? "1\n" : "0\n");
		snprintf(line, sizeof(line), "device %s kind=storage group=%u\n", name, 1000 + i);
		mock_script(line);
		if (i < 100 && !(i & 1))
			strcat(strcat(want, *want ? " " : ""), name);
	}
	/* Two that are much nearer, but too late. */
	mock_pci("pci00c6:00/00c6:00:01.0", "00c6:02:00.0", "0x010802\n", "0x144d\n", "0\n");
	mock_script("device 00c6:02:00.0 kind=storage group=2000\n");
	mock_file("sys/devices/system/node/online", "0-1\n", 4);
	expect("storage:50", want);
	strcpy(want + strlen("0000:01:00.0 0002:01:00.0"), "");
	expect("storage:2", want);
	mock_drop_root(root);
	root = tree;
}

#define DEVICES	((size_t)10)

/* The worst distance of the devices that have a kind, and of those that are given. */
static enum ptx_distance worst_of(const struct ptx_topology *topo, const struct ptx_near *near,
				  const ssize_t *kind)
{
	enum ptx_distance worst = PTX_DISTANCE_SELF;
	struct ptx_topology_link link;

	for (size_t i = near->nr_fixed; i < near->nr; i++) {
		for (size_t j = 0; j < i && kind[i] >= 0; j++) {
			if (j >= near->nr_fixed && kind[j] < 0)
				continue;
			ptx_topology_link(topo, ptx_topology_find(topo, near->names[i]),
					  ptx_topology_find(topo, near->names[j]), &link);
			if (link.distance > worst)
				worst = link.distance;
		}
	}
	return worst;
}

/* Does every kind have as many devices as it wants, all of which fit? */
static bool fills(const struct ptx_near *near, const ssize_t *kind)
{
	uint32_t have[2] = { 0, 0 };

	for (size_t i = 0; i < near->nr; i++) {
		if (kind[i] >= 0 && !near->fits[i * 2 + (size_t)kind[i]])
			return false;
		if (kind[i] >= 0)
			have[kind[i]]++;
	}
	return have[0] == near->wants[0] && have[1] == near->wants[1];
}

/* Each device in turn for no kind, the first, the second; the least worst distance. */
static int by_force(const struct ptx_topology *topo, const struct ptx_near *near)
{
	ssize_t kind[DEVICES];
	unsigned int all = 1;
	int best = -1;

	for (size_t i = near->nr_fixed; i < near->nr; i++)
		all *= 3;
	for (unsigned int n = 0; n < all; n++) {
		unsigned int left = n;

		for (size_t i = 0; i < near->nr; i++) {
			kind[i] = i < near->nr_fixed ? -1 : (ssize_t)(left % 3) - 1;
			left /= i < near->nr_fixed ? 1 : 3;
		}
		if (fills(near, kind)) {
			int worst = (int)worst_of(topo, near, kind);

			if (best < 0 || worst < best)
				best = worst;
		}
	}
	return best;
}

/* The choice is as good as any: against trying all of them. */
static void proof(void)
{
	static const char *const all[DEVICES] = {
		A, B, C, D, E, F, NIC0, NIC1, NVME, FAR,
	};
	unsigned int seed = 42, wrong = 0, refused = 0;
	struct ptx_topology *topo;

	if (ptx_topology_get(ctx, &topo))
		exit(99);
	for (unsigned int round = 0; round < 300; round++) {
		const char *names[DEVICES];
		bool fits[DEVICES * 2];
		ssize_t chosen_for[DEVICES];
		uint32_t wants[2];
		struct ptx_near near = {
			.names = names, .fits = fits, .wants = wants, .nr_kinds = 2,
			.chosen = chosen_for,
		};
		int best, err;

		for (unsigned int i = 0; i < DEVICES; i++) {
			if (rand_r(&seed) % 8 < 6)
				names[near.nr++] = all[(i * 7 + round) % DEVICES];
		}
		for (size_t i = 0; i < DEVICES * 2; i++)
			fits[i] = rand_r(&seed) % 3;
		wants[0] = (uint32_t)rand_r(&seed) % 4;
		wants[1] = (uint32_t)rand_r(&seed) % 3;
		near.nr_fixed = near.nr ? (size_t)rand_r(&seed) % 2 : 0;
		err = ptx_near_choose(topo, &near);
		best = by_force(topo, &near);
		refused += err == -EBUSY;
		if (best < 0 ? err != -EBUSY : err || !fills(&near, near.chosen) ||
		    (int)worst_of(topo, &near, near.chosen) != best)
			wrong++;
	}
	is_int(wrong, 0, "none of 300 choices could be better");
	ok(refused && refused < 300, "some of them could not be made at all");
	ptx_topology_free(topo);
}

int main(void)
{
	mock_install();
	root = mock_new_root();
	mock_tree();
	if (ptx_ctx_new(&ctx))
		return 99;
	choices();
	shorter();
	overlap();
	races();
	proof();
	lost();
	many();
	mock_drop_root(root);
	pool();
	mock_drop_root(root);
	ptx_ctx_free(ctx);
	mock_reset();
	return tap_done();
}
