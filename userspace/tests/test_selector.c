// SPDX-License-Identifier: GPL-2.0-only
/* What selectors mean, and which words are none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../libptx/src/internal.h"
#include "mock_kernel.h"
#include "tap.h"

static struct ptx_ctx *ctx;
static struct ptx_names *names;

static const char script[] =
	"device 0000:01:00.0 kind=gpu vendor=0x10de\n"
	"device 0000:02:00.0 kind=gpu vendor=0x1002\n"
	"device 0000:03:00.0 kind=nvme vendor=0x144d\n"
	"device 0000:04:00.0 kind=gpu vendor=0x1022\n"
	"device 0000:05:00.2 kind=nvme vendor=0x144d physfn=0000:03:00.0\n"
	"device 0000:06:00.4 kind=gpu vendor=0x1002 physfn=0000:02:00.0\n";

static const char *const no_vgpus[] = {
	"vgpu:", "vgpu:mtty", "vgpu:mtty/", "vgpu:/t", "vgpu:/", "vgpu:mtty/a/b", "vgpu:../t",
	"vgpu:mtty/..", "vgpu:mtty/.t", "vgpu:m tty/t", "vgpu:mtty/t\xc3\xa4", "vgpu:mtty/t,",
	"vgpu:mtty/t,2", "vgpu:mtty/t,count=0", "vgpu:mtty/t,count=257", "vgpu:mtty/t,count=1x",
	"vgpu:mtty/t,uuid=", "vgpu:mtty/t,uuid=0f1e2d3c", "vgpu:mtty/t,uuid=../../x",
	"vgpu:mtty/t,uuid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f",
	"vgpu:mtty/t,uuid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f00",
	"vgpu:mtty/t,uuid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1fg",
	"vgpu:mtty/t,count=2,uuid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
	"vgpu:mtty/t,uuid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0,count=1",
	/* Too long for what a request can say. */
	"vgpu:a-parent-whose-name-is-rather-long-as-they-go/and-a-type-whose-name-is-longer-still-than-that",
};

/* Which of the devices match, as a mask; 16 and 32 are virtual functions. */
static unsigned int mask_of(const struct ptx_selector *sel)
{
	struct ptx_device_list *list;
	unsigned int mask = 0;

	if (ptx_device_list_get(ctx, &list))
		return ~0U;
	for (size_t i = 0; i < ptx_device_list_count(list); i++)
		mask |= (unsigned int)ptx_selector_match(sel, ptx_device_list_at(list, i)) << i;
	ptx_device_list_free(list);
	return mask;
}

static void good(const char *text, enum ptx_kind kind, const char *address,
		 uint32_t count, unsigned int mask)
{
	struct ptx_selector *sel;

	if (!ok(!ptx_selector_parse(ctx, text, kind, names, &sel), "'%s' is a selector", text))
		return;
	is_str(ptx_selector_address(sel), address, "its address");
	is_int(ptx_selector_count(sel), count, "its count");
	is_int(mask_of(sel), mask, "what it matches");
	ptx_selector_free(sel);
}

static void good_vf(const char *text, const char *physfn, uint32_t count, unsigned int mask)
{
	struct ptx_selector *sel;

	good(text, PTX_KIND_ANY, NULL, count, mask);
	if (ptx_selector_parse(ctx, text, PTX_KIND_ANY, names, &sel))
		return;
	is_str(ptx_selector_physfn(sel), physfn, "whose virtual functions");
	is_int(ptx_selector_kind(sel), PTX_KIND_ANY, "of any kind");
	is_int(ptx_selector_vendor(sel, 0), 0, "and any vendor");
	ptx_selector_free(sel);
}

static void asks(const char *text, const char *request, uint32_t count)
{
	struct ptx_selector *sel;

	if (!ok(!ptx_selector_parse(ctx, text, PTX_KIND_ANY, names, &sel), "'%s'", text))
		return;
	is_str(ptx_selector_request(sel), request, "asks for that");
	is_int(ptx_selector_count(sel), count, "so often");
	ok(!ptx_selector_address(sel), "which has no address");
	ptx_selector_free(sel);
}

static void bad(const char *text, enum ptx_kind kind, int err, bool malformed, const char *part)
{
	struct ptx_selector *sel = (void *)1;

	is_int(ptx_selector_parse(ctx, text, kind, names, &sel), -err, "'%.20s' is none", text);
	ok(!sel, "nothing comes of it");
	is_int(ptx_error_malformed(ptx_ctx_error(ctx)), malformed, "malformed or not");
	has_str(ptx_error_message(ptx_ctx_error(ctx)), part, "it says why");
	ok(*ptx_error_remedy(ptx_ctx_error(ctx)), "and what to do");
}

int main(void)
{
	char path[] = "/tmp/ptx-names.XXXXXX", longer[400];
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, "l4-gpu 02:00.0\nauto 1\n", 22) != 22)
		return 99;
	close(fd);
	setenv("PTX_NAMES", path, 1);
	mock_install();
	mock_script(script);
	if (ptx_ctx_new(&ctx) || ptx_names_load(ctx, &names))
		return 99;

	good("0000:01:00.0", PTX_KIND_ANY, "0000:01:00.0", 1, 1);
	good("02:00.0", PTX_KIND_ANY, "0000:02:00.0", 1, 2);
	good("02:00.0", PTX_KIND_GPU, "0000:02:00.0", 1, 2);
	good("02:00.0", PTX_KIND_NVME, "0000:02:00.0", 1, 0);
	good("l4-gpu", PTX_KIND_ANY, "0000:02:00.0", 1, 2);
	good("l4-gpu", PTX_KIND_GPU, "0000:02:00.0", 1, 2);
	good("gpu", PTX_KIND_ANY, NULL, 1, 43);
	good("gpu:auto", PTX_KIND_ANY, NULL, 1, 43);
	good("gpu:nvidia", PTX_KIND_ANY, NULL, 1, 1);
	good("gpu:NVIDIA", PTX_KIND_ANY, NULL, 1, 1);
	good("gpu:amd", PTX_KIND_ANY, NULL, 1, 42);
	good("gpu:amd:2", PTX_KIND_ANY, NULL, 2, 42);
	good("gpu:amd:auto", PTX_KIND_ANY, NULL, 1, 42);
	good("gpu:10de", PTX_KIND_ANY, NULL, 1, 1);
	good("gpu:10DE:3", PTX_KIND_ANY, NULL, 3, 1);
	good("nvme:2", PTX_KIND_ANY, NULL, 2, 20);
	good("nvme:256", PTX_KIND_ANY, NULL, 256, 20);
	good("npu", PTX_KIND_ANY, NULL, 1, 0);
	good("auto", PTX_KIND_NVME, NULL, 1, 20);
	good("2", PTX_KIND_GPU, NULL, 2, 43);
	good("nvidia", PTX_KIND_GPU, NULL, 1, 1);
	good("amd:2", PTX_KIND_GPU, NULL, 2, 42);
	good("gpu:nvidia", PTX_KIND_GPU, NULL, 1, 1);

	good_vf("vf:0000:03:00.0", "0000:03:00.0", 1, 16);
	good_vf("vf:03:00.0", "0000:03:00.0", 1, 16);
	good_vf("vf:03:00.0,count=1", "0000:03:00.0", 1, 16);
	good_vf("vf:03:00.0,count=256", "0000:03:00.0", 256, 16);
	good_vf("vf:l4-gpu,count=2", "0000:02:00.0", 2, 32);
	good_vf("vf:ABCD:EF:1f.7", "abcd:ef:1f.7", 1, 0);
	good_vf("vf:10000:e1:00.0", "10000:e1:00.0", 1, 0);

	asks("vf:03:00.0", "vf:0000:03:00.0", 1);
	asks("vf:l4-gpu,reserve=4", "vf:0000:02:00.0/4", 1);
	asks("vf:03:00.0,count=2,reserve=4", "vf:0000:03:00.0/4", 2);
	good("vgpu:mtty/mtty-1", PTX_KIND_ANY, NULL, 1, 0);
	asks("vgpu:mtty/mtty-1", "vgpu:mtty/mtty-1", 1);
	asks("vgpu:01:00.0/nvidia-558,count=3", "vgpu:0000:01:00.0/nvidia-558", 3);
	asks("vgpu:l4-gpu/i915-GVTg_V5_4", "vgpu:0000:02:00.0/i915-GVTg_V5_4", 1);
	asks("vgpu:mtty/t,uuid=0F1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
	     "vgpu:mtty/t/0F1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", 1);
	for (size_t i = 0; i < PTX_ARRAY_SIZE(no_vgpus); i++)
		bad(no_vgpus[i], PTX_KIND_ANY, EINVAL, true, "names no mediated device");
	bad("vgpu:mtty/mtty-1", PTX_KIND_GPU, EINVAL, true, "not for a gpu");

	bad("vf:03:00.0,reserve=0", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,reserve=2,count=1", PTX_KIND_ANY, EINVAL, true, "names no virtual");
	bad("vf:03:00.0/4", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:", PTX_KIND_ANY, EINVAL, true, "'vf:' names no virtual functions");
	bad("vf:gpu", PTX_KIND_ANY, EINVAL, true, "'vf:gpu' names no virtual functions");
	bad("vf:auto", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:2", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:vf:03:00.0", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0:2", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,2", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,count", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,count=", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,count=0", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,count=257", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,count=-1", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,count=1x", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:03:00.0,count=4294967297", PTX_KIND_ANY, EINVAL, true, "names no virtual");
	bad("vf:03:00.0,count=1,count=1", PTX_KIND_ANY, EINVAL, true, "names no virtual");
	bad("vf:l4-gpu,count=0", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:,count=2", PTX_KIND_ANY, EINVAL, true, "names no virtual functions");
	bad("vf:nosuch", PTX_KIND_ANY, ENODEV, false, "called 'nosuch'");
	bad("vf:nosuch,count=2", PTX_KIND_ANY, ENODEV, false, "called 'nosuch'");
	bad("vf:03:00.0", PTX_KIND_NVME, EINVAL, true, "not for a nvme");
	bad("vf", PTX_KIND_ANY, ENODEV, false, "called 'vf'");
	bad("VF:03:00.0", PTX_KIND_ANY, EINVAL, true, "no selector");

	bad("", PTX_KIND_ANY, EINVAL, true, "empty");
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	bad(longer, PTX_KIND_ANY, EINVAL, true, "aaa...' names no device");
	bad("\xff\xfe.", PTX_KIND_ANY, EINVAL, true, ".' names no device");
	bad("auto", PTX_KIND_ANY, EINVAL, true, "no kind");
	bad("0000:01:00", PTX_KIND_ANY, EINVAL, true, "malformed address");
	bad("0000:01:00.9", PTX_KIND_ANY, EINVAL, true, "malformed address");
	bad("gpu:", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("gpu:0", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("gpu:257", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("gpu:nosuch", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("gpu:2:nvidia", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("gpu:nvidia:amd", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("gpu:nvidia:2:2", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("0000:02", PTX_KIND_GPU, EINVAL, true, "malformed address");
	bad("10de:02", PTX_KIND_GPU, EINVAL, true, "malformed address");
	bad("ffff", PTX_KIND_GPU, ENODEV, false, "called 'ffff'");
	bad("gpu::2", PTX_KIND_ANY, EINVAL, true, "no selector");
	bad("nvme:2", PTX_KIND_GPU, EINVAL, true, "'nvme:2' is no gpu");
	bad("nosuch", PTX_KIND_ANY, ENODEV, false, "called 'nosuch'");
	bad("GPU", PTX_KIND_ANY, ENODEV, false, "called 'GPU'");
	bad("-1", PTX_KIND_GPU, ENODEV, false, "called '-1'");

	ptx_names_free(names);
	ptx_ctx_free(ctx);
	mock_reset();
	unlink(path);
	return tap_done();
}
