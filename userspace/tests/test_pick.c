// SPDX-License-Identifier: GPL-2.0-only
/* Which devices are chosen, and what happens when one is taken meanwhile. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../libptx/src/internal.h"
#include "mock_kernel.h"
#include "tap.h"

static const char script[] =
	"device 0000:05:00.0 kind=nvme group=5\n"
	"device 0000:02:00.0 kind=nvme group=2\n"
	"device 0000:03:00.0 kind=nvme group=3 lease=7\n"
	"blocker 0000:03:00.0 reason=held lease=7\n"
	"device 0000:04:00.0 kind=nvme group=4 mates=0000:04:00.1\n"
	"device 0000:04:00.1 kind=usb group=4 mates=0000:04:00.0\n"
	"device 0000:01:00.0 kind=gpu group=1\n"
	"blocker 0000:01:00.0 reason=boot-display\n"
	"blocker 0000:01:00.0 reason=reserved-region culprit=0000:01:00.1\n";

static struct ptx_ctx *ctx;
static struct ptx_selector *sels[8];
static size_t nr_sels;

static int pick(struct ptx_pick **out, const char *text)
{
	char copy[256], *word, *save = NULL;

	nr_sels = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *kind = ptx_name_is_vf(word) ? NULL : strchr(word, '=');
		enum ptx_kind k = PTX_KIND_ANY;

		if (kind) {
			*kind++ = '\0';
			ptx_kind_parse(word, &k);
		}
		if (ptx_selector_parse(ctx, kind ? kind : word, k, NULL, &sels[nr_sels++]))
			exit(99);
	}
	return ptx_pick_new(ctx, (const struct ptx_selector *const *)sels, nr_sels, out);
}

static void done(struct ptx_pick *p)
{
	ptx_pick_free(p);
	while (nr_sels)
		ptx_selector_free(sels[--nr_sels]);
}

static const char *chosen(const struct ptx_pick *p)
{
	static char text[1024];
	size_t used = 0;

	*text = '\0';
	for (size_t i = 0; i < ptx_pick_count(p); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
					 ptx_pick_devices(p)[i]);
	return text;
}

static void expect(const char *text, const char *want)
{
	struct ptx_pick *p;

	if (is_int(pick(&p, text), 0, "%s can be had", text))
		is_str(chosen(p), want, "%s is %s", text, want);
	done(p);
}

static void refuse(const char *text, int err, enum ptx_reason reason, const char *part)
{
	const struct ptx_error *e = ptx_ctx_error(ctx);
	struct ptx_pick *p;

	is_int(pick(&p, text), -err, "%s is refused", text);
	ok(!p, "nothing comes of it");
	is_int(ptx_error_reason(e), reason, "its reason");
	has_str(ptx_error_message(e), part, "it says '%s'", part);
	done(p);
}

static void choices(void)
{
	expect("nvme", "0000:02:00.0");
	expect("nvme:2", "0000:02:00.0 0000:04:00.0");
	expect("nvme:3", "0000:02:00.0 0000:04:00.0 0000:05:00.0");
	expect("nvme nvme", "0000:02:00.0 0000:04:00.0");
	expect("nvme 02:00.0", "0000:02:00.0 0000:04:00.0");
	expect("02:00.0 03:00.0", "0000:02:00.0 0000:03:00.0");
	expect("01:00.0", "0000:01:00.0");
	expect("nvme=auto gpu=01:00.0", "0000:01:00.0 0000:02:00.0");

	refuse("nvme:4", EBUSY, PTX_REASON_HELD, "4 free nvme wanted, 3 found among 4");
	is_int(ptx_error_nr_blockers(ptx_ctx_error(ctx)), 1, "with its blocker");
	refuse("gpu", EBUSY, PTX_REASON_BOOT_DISPLAY, "1 free gpu wanted");
	is_int(ptx_error_nr_blockers(ptx_ctx_error(ctx)), 2, "with all blockers");
	is_str(ptx_error_blocker(ptx_ctx_error(ctx), 1)->culprit, "0000:01:00.1",
	       "the second one's culprit");
	refuse("npu", ENODEV, PTX_REASON_NO_DEVICE, "no such device");
	refuse("09:00.0", ENODEV, PTX_REASON_NO_DEVICE, "0000:09:00.0");
	refuse("02:00.0 0000:02:00.0", EEXIST, PTX_REASON_DUPLICATE, "0000:02:00.0");
	refuse("gpu=02:00.0", EINVAL, PTX_REASON_NO_DEVICE, "of the kind nvme");
}

/* An attempt failed: @fails is what the kernel said. */
static void again(const char *text, const char *fails, const char *want)
{
	struct ptx_lease *lease;
	struct ptx_pick *p;
	int err;

	mock_script(fails);
	if (pick(&p, text) || ptx_lease_create(ctx, "x", NULL, &lease))
		exit(99);
	do {
		err = ptx_lease_add(lease, ptx_pick_devices(p), ptx_pick_count(p), NULL, NULL);
	} while (err && ptx_pick_next(p, err));
	if (want) {
		is_int(err, 0, "%s in the end", text);
		is_str(chosen(p), want, "with %s", want);
	} else {
		ok(err && ptx_error_errno(ptx_ctx_error(ctx)) == -err,
		   "%s fails with the kernel's own error", text);
	}
	ptx_lease_close(lease);
	done(p);
	mock_reset();
	mock_script(script);
}

static void races(void)
{
	again("nvme", "fail add errno=EBUSY reason=held culprit=0000:02:00.0", "0000:04:00.0");
	again("nvme", "fail add errno=EBUSY reason=held culprit=0000:02:00.0\n"
	      "fail add errno=EBUSY reason=held culprit=0000:04:00.1", "0000:05:00.0");
	again("nvme:2", "fail add errno=EBUSY reason=in-use culprit=0000:04:00.0",
	      "0000:02:00.0 0000:05:00.0");
	again("nvme", "fail add errno=ENODEV reason=gone culprit=0000:02:00.0", "0000:04:00.0");
	again("nvme", "fail add errno=EBUSY reason=keeps-memory culprit=0000:02:00.0",
	      "0000:04:00.0");
	again("nvme", "fail add errno=EBUSY reason=held culprit=0000:02:00.0 times=0", NULL);
	again("02:00.0", "fail add errno=EBUSY reason=held culprit=0000:02:00.0", NULL);
	is_int(ptx_error_reason(ptx_ctx_error(ctx)), PTX_REASON_HELD, "which is 'held'");
	again("nvme:3", "fail add errno=EBUSY reason=held culprit=0000:02:00.0", NULL);
	is_str(ptx_error_culprit(ptx_ctx_error(ctx)), "0000:02:00.0", "with its culprit");
	again("nvme", "fail add errno=EPERM reason=no-right", NULL);
	again("nvme", "fail add errno=ETIMEDOUT reason=timeout culprit=0000:02:00.0", NULL);
	again("nvme", "fail add errno=EBUSY reason=held", NULL);
	again("nvme", "fail add errno=EBUSY reason=held culprit=0000:09:00.0", NULL);
}

/* The same over netlink, where the kernel gives its reason only in words. */
static void by_netlink(void)
{
	struct ptx_pick *p;
	int err;

	mock_script("fail lease-new errno=EBUSY text=\"0000:02:00.0: is held by lease 9\"");
	if (pick(&p, "nvme"))
		exit(99);
	err = ptx_persistent_new(ctx, "n", (uid_t)-1, ptx_pick_devices(p), 1, NULL, NULL);
	is_int(err, -EBUSY, "taken and given back again");
	ok(ptx_pick_next(p, err), "there is another");
	is_str(chosen(p), "0000:04:00.0", "which is that");
	done(p);
}

/* They go to the kernel by the name of their device, whether there are any or not. */
static void vfs(void)
{
	static const char two[] = "vf:0000:07:00.0 vf:0000:07:00.0";

	mock_script("device 0000:06:00.0 kind=nic group=60 total_vfs=4\n"
		    "device 0000:07:00.0 kind=npu group=70 total_vfs=4\n"
		    "device 0000:07:00.1 kind=npu group=71 physfn=0000:07:00.0\n"
		    "device 0000:08:00.0 kind=npu group=80\n");
	expect("vf:06:00.0", "vf:0000:06:00.0");
	expect("vf:07:00.0,count=2", two);
	expect("vf:07:00.0 vf:0000:07:00.0", two);
	expect("npu vf:07:00.0,count=2", "vf:0000:07:00.0 vf:0000:07:00.0 0000:08:00.0");
	expect("vf:07:00.0 nvme 02:00.0", "vf:0000:07:00.0 0000:02:00.0 0000:04:00.0");
	expect("vf:09:00.0", "vf:0000:09:00.0");
	refuse("nic vf:06:00.0", EBUSY, PTX_REASON_HELD, "1 free nic wanted, 0 found among 1");
	refuse("vf:07:00.0,count=200 vf:07:00.0,count=57", E2BIG, PTX_REASON_LIMIT, "more devices");
	again("vf:07:00.0", "fail add errno=EBUSY reason=held culprit=0000:07:00.0", NULL);
}

static void make(const char *root, const char *path, const char *text)
{
	char full[512], *p;
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (p = full + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		exit(99);
}

static void in_use(void)
{
	char root[] = "/tmp/ptx-root.XXXXXX", line[256], full[512];

	if (!mkdtemp(root))
		exit(99);
	make(root, "sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1/dev", "259:0\n");
	make(root, "proc/self/mountinfo", "1 2 259:0 / /data rw - ext4 /dev/nvme0n1 rw\n");
	make(root, "sys/class/block/x", "");
	snprintf(full, sizeof(full), "%s/sys/class/block/nvme0n1", root);
	if (symlink("../../devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1", full))
		exit(99);
	snprintf(line, sizeof(line), "root %s", root);
	mock_script(line);
	expect("nvme", "0000:04:00.0");
	expect("02:00.0", "0000:02:00.0");
	refuse("nvme:3", EBUSY, PTX_REASON_HELD, "0000:02:00.0: nvme0n1 mount /data");
	snprintf(line, sizeof(line), "rm -r %s", root);
	if (system(line))
		exit(99);
}

int main(void)
{
	mock_install();
	mock_script(script);
	if (ptx_ctx_new(&ctx))
		return 99;
	choices();
	races();
	by_netlink();
	vfs();
	in_use();
	ptx_ctx_free(ctx);
	mock_reset();
	return tap_done();
}
