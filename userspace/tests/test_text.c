// SPDX-License-Identifier: GPL-2.0-only
/* Words and addresses: every enumeration of the contract has its word. */
#include <string.h>
#include "../libptx/src/internal.h"
#include "tap.h"

static void addresses(void)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{ "0000:01:00.0", "0000:01:00.0" }, { "01:00.0", "0000:01:00.0" },
		{ "ABCD:EF:1f.7", "abcd:ef:1f.7" }, { "0a:1B.3", "0000:0a:1b.3" },
		{ "10000:e1:00.0", "10000:e1:00.0" },
	};
	static const char *const bad[] = {
		"", ":", "0000:01:00", "0000:01:00.", "0000:01:00.8", "0000:01:20.0",
		"000:01:00.0", "0000:1:00.0", "0000:01:0.0", "0000:01:00.0 ", " 01:00.0",
		"0000:01:00.00", "0000:0g:00.0", "1:00.0", "01:00:0", "0000-01-00.0",
		"123456789:01:00.0", "0000:01:00.0\n", "0x0000:01:00.0", "00:00",
	};
	char buf[PTX_DEVICE_NAME_SIZE];

	for (size_t i = 0; i < PTX_ARRAY_SIZE(good); i++) {
		ok(ptx_address_parse(good[i].in, buf), "address %s", good[i].in);
		is_str(buf, good[i].out, "in full: %s", good[i].out);
	}
	for (size_t i = 0; i < PTX_ARRAY_SIZE(bad); i++)
		ok(!ptx_address_parse(bad[i], buf), "no address: number %zu", i);
}

static void words(void)
{
	enum ptx_lease_state state;
	enum ptx_kind kind;
	char buf[512];

	for (unsigned int i = 0; i <= PTX_KIND_BRIDGE; i++) {
		const char *name = ptx_kind_name((enum ptx_kind)i);

		ok(ptx_kind_parse(name, &kind) && kind == i, "kind %u is %s", i, name);
	}
	is_str(ptx_kind_name((enum ptx_kind)999), "other", "a kind of the future");
	ok(!ptx_kind_parse("GPU", &kind) && !ptx_kind_parse("", &kind), "no kinds");
	for (unsigned int i = 0; i <= PTX_LEASE_STATE_RELEASED; i++)
		ok(ptx_lease_state_parse(ptx_lease_state_name((enum ptx_lease_state)i), &state) &&
		   state == i, "lease state %u", i);
	for (unsigned int i = 0; i <= PTX_MEMBER_STATE_GONE; i++)
		ok(strcmp(ptx_member_state_name((enum ptx_member_state)i), "unknown"),
		   "member state %u", i);
	is_str(ptx_member_state_name((enum ptx_member_state)77), "unknown", "no member state");
	for (unsigned int i = 0; i <= PTX_EVENT_MEMBER_CLOSED; i++)
		ok(strcmp(ptx_event_name((enum ptx_event)i), "unknown"), "event %u", i);
	is_str(ptx_event_name((enum ptx_event)77), "unknown", "no event");
	for (unsigned int i = 0; i <= PTX_REASON_VGPU_EXISTS; i++) {
		enum ptx_reason reason = (enum ptx_reason)i;

		ok(strcmp(ptx_reason_name(reason), "unknown") && *ptx_reason_text(reason),
		   "reason %u is %s", i, ptx_reason_name(reason));
		ptx_reason_remedy(reason, "0000:01:00.0", buf, sizeof(buf));
		ok(!strstr(buf, "{device}"), "remedy of %u has no gap", i);
	}
	is_str(ptx_reason_name((enum ptx_reason)999), "unknown", "a reason of the future");
	is_str(ptx_reason_remedy((enum ptx_reason)999, "x", buf, sizeof(buf)), "",
	       "has no remedy");
	has_str(ptx_reason_remedy(PTX_REASON_VFS_ENABLED, "0000:01:00.0", buf, sizeof(buf)),
		"devices/0000:01:00.0/sriov_numvfs", "a remedy names the device");
	has_str(ptx_reason_remedy(PTX_REASON_VFS_ENABLED, NULL, buf, sizeof(buf)),
		"devices/DEVICE/", "or stands in for it");
	is_str(ptx_reason_name(PTX_REASON_KEEPS_MEMORY), "keeps-memory", "as in the contract");
	has_str(ptx_reason_remedy(PTX_REASON_KEEPS_MEMORY, NULL, buf, sizeof(buf)),
		"powered off and on between them", "what ends with the power");
	is_str(ptx_reason_name(PTX_REASON_DMA_GRANT), "dma-grant", "as in the contract");
	has_str(ptx_reason_text(PTX_REASON_DMA_GRANT), "mapped under your grant", "in words");
	has_str(ptx_reason_remedy(PTX_REASON_DMA_GRANT, NULL, buf, sizeof(buf)),
		"ptxctl grants", "where its quota is to be seen");
	is_str(ptx_reason_name(PTX_REASON_NO_SRIOV), "no-sriov", "as in the contract");
	is_str(ptx_reason_name(PTX_REASON_VGPU_EXISTS), "vgpu-exists", "as in the contract");
	is_str(ptx_reason_name(PTX_REASON_VFS_USED_UP), "vfs-used-up", "as in the contract");
	has_str(ptx_reason_remedy(PTX_REASON_VFS_USED_UP, "0000:01:00.0", buf, sizeof(buf)),
		"devices/0000:01:00.0/sriov_numvfs", "where there may be more");
	for (size_t n = 1; n < 200; n++) {
		memset(buf, '!', sizeof(buf));
		ptx_reason_remedy(PTX_REASON_NATIVE_REFUSED, "0000:01:00.0", buf, n);
		if (strlen(buf) >= n || buf[n] != '!') {
			ok(false, "a remedy cut to %zu bytes", n);
			return;
		}
	}
	ok(true, "remedies cut short stay within bounds");
}

static void utf8(void)
{
	static const struct {
		const char *text;
		bool good;
	} table[] = {
		{ "plain", true }, { "gr\xc3\xbc\xc3\x9f", true }, { "\xf0\x9f\x98\x80", true },
		{ "\xc3", false }, { "\xc0\xaf", false }, { "\xed\xa0\x80", false },
		{ "\xf4\x90\x80\x80", false }, { "a\nb", false }, { "\x7f", false },
		{ "\xc2\x9b", false }, { "\xff", false }, { "\xe2\x82", false },
	};

	for (size_t i = 0; i < PTX_ARRAY_SIZE(table); i++)
		ok(ptx_utf8_valid(table[i].text, strlen(table[i].text)) == table[i].good,
		   "UTF-8 number %zu", i);
}

static void paths(void)
{
	char buf[PTX_DEVICE_NAME_SIZE];

	ok(ptx_last_address("/sys/devices/pci0000:00/0000:00:02.0/0000:01:00.0/nvme/nvme0", buf),
	   "an address in a path");
	is_str(buf, "0000:01:00.0", "the last one");
	ok(!ptx_last_address("/sys/devices/virtual/block/dm-0", buf), "none in a path");
	ok(!ptx_last_address("", buf), "none in nothing");
}

int main(void)
{
	addresses();
	words();
	utf8();
	paths();
	return tap_done();
}
