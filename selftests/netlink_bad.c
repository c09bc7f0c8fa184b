// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink messages that are wrong: attributes missing, duplicate, truncated,
 * unknown, of the wrong length, strings without their NUL, unknown commands.
 * Every one is refused, nothing changes, and a good one works afterwards.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(bad)
{
	struct host h;
	struct nl *nl;
	struct nl_req *r;
	struct nl_lease l;	/* a good one, with nothing in it */
	const struct pci_fn *fn;
	const char *device;
};

FIXTURE_SETUP(bad)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->nl = &self->h.nl;
	self->r = malloc(sizeof(*self->r));
	ASSERT_NE(NULL, self->r);
	ASSERT_EQ(0, nl_lease_new(self->nl, "good", NULL, 0, 0, &self->l));
	self->fn = host_single(&self->h, 0);
	self->device = self->fn ? self->fn->name : self->h.fns[0].name;
}

FIXTURE_TEARDOWN(bad)
{
	/* Nothing came of it all: the one lease, and nothing in it. */
	EXPECT_EQ(1, nl_lease_list(self->nl, NULL, 0));
	EXPECT_EQ(0, nl_lease_get(self->nl, self->l.id, NULL, &self->l));
	EXPECT_EQ(0, self->l.nr_members);
	EXPECT_EQ(PTX_LEASE_STATE_NEW, self->l.state);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
	EXPECT_EQ(0, host_end(&self->h));
	free(self->r);
}

FIXTURE_VARIANT(bad)
{
	uint8_t cmd;
	bool device;		/* needs one, as an attribute */
	bool lease;		/* needs id or name of a lease */
	bool name;		/* needs a fresh name */
	uint16_t max;		/* the last attribute it knows */
};

FIXTURE_VARIANT_ADD(bad, device_get)
{
	.cmd = PTX_CMD_DEVICE_GET,
	.max = PTX_A_DEVICE_NAME,
};

FIXTURE_VARIANT_ADD(bad, device_reset)
{
	.cmd = PTX_CMD_DEVICE_RESET,
	.max = PTX_A_DEVICE_NAME,
};

FIXTURE_VARIANT_ADD(bad, lease_get)
{
	.cmd = PTX_CMD_LEASE_GET,
	.lease = true,
	.max = PTX_A_LEASE_NAME,
};

FIXTURE_VARIANT_ADD(bad, lease_new)
{
	.cmd = PTX_CMD_LEASE_NEW,
	.name = true,
	.max = PTX_A_LEASE_TIMEOUT_MS,
};

FIXTURE_VARIANT_ADD(bad, lease_add)
{
	.cmd = PTX_CMD_LEASE_ADD,
	.lease = true,
	.device = true,
	.max = PTX_A_LEASE_TIMEOUT_MS,
};

FIXTURE_VARIANT_ADD(bad, lease_remove)
{
	.cmd = PTX_CMD_LEASE_REMOVE,
	.lease = true,
	.device = true,
	.max = PTX_A_LEASE_TIMEOUT_MS,
};

FIXTURE_VARIANT_ADD(bad, lease_release)
{
	.cmd = PTX_CMD_LEASE_RELEASE,
	.lease = true,
	.max = PTX_A_LEASE_TIMEOUT_MS,
};

FIXTURE_VARIANT_ADD(bad, lease_revoke)
{
	.cmd = PTX_CMD_LEASE_REVOKE,
	.lease = true,
	.max = PTX_A_LEASE_KILL_MS,
};

FIXTURE_VARIANT_ADD(bad, lease_restrict)
{
	.cmd = PTX_CMD_LEASE_RESTRICT,
	.lease = true,
	.max = PTX_A_LEASE_MAX_DEVICES,
};

FIXTURE_VARIANT_ADD(bad, pool_add)
{
	.cmd = PTX_CMD_POOL_ADD,
	.device = true,
	.max = PTX_A_LEASE_TIMEOUT_MS,
};

FIXTURE_VARIANT_ADD(bad, pool_remove)
{
	.cmd = PTX_CMD_POOL_REMOVE,
	.device = true,
	.max = PTX_A_LEASE_TIMEOUT_MS,
};

#define LEFT_OUT	0xffff

static bool of_device(uint8_t cmd)
{
	return cmd == PTX_CMD_DEVICE_GET || cmd == PTX_CMD_DEVICE_RESET;
}

/* All that the command needs, except for one attribute. */
static void fill(FIXTURE_DATA(bad) *self, const FIXTURE_VARIANT(bad) *v,
		 uint16_t left_out)
{
	nl_start(self->nl, self->r, v->cmd, 0);
	if (of_device(v->cmd) && left_out != PTX_A_DEVICE_NAME)
		nl_put_str(self->r, PTX_A_DEVICE_NAME, self->device);
	if (v->lease && left_out != PTX_A_LEASE_ID)
		nl_put_u64(self->r, PTX_A_LEASE_ID, self->l.id);
	if (v->name && left_out != PTX_A_LEASE_NAME)
		nl_put_str(self->r, PTX_A_LEASE_NAME, "bad");
	if (v->device && left_out != PTX_A_LEASE_DEVICE)
		nl_put_str(self->r, PTX_A_LEASE_DEVICE, self->device);
}

#define EXPECT_CALL(err) \
	EXPECT_EQ(err, nl_call(self->nl, self->r, NULL, NULL)) \
		TH_LOG("text '%s'", self->nl->msg)

TEST_F(bad, nothing_at_all)
{
	nl_start(self->nl, self->r, variant->cmd, 0);
	EXPECT_CALL(-EINVAL);
	/* What is missing is said, as a type or in words. */
	EXPECT_TRUE(self->nl->miss || self->nl->msg[0]);
}

TEST_F(bad, missing)
{
	if (variant->device) {
		fill(self, variant, PTX_A_LEASE_DEVICE);
		EXPECT_CALL(-EINVAL);
		EXPECT_EQ(PTX_A_LEASE_DEVICE, self->nl->miss);
	}
	if (variant->lease) {
		fill(self, variant, PTX_A_LEASE_ID);
		EXPECT_CALL(-EINVAL);
	}
	if (variant->name) {
		fill(self, variant, PTX_A_LEASE_NAME);
		EXPECT_CALL(-EINVAL);
		EXPECT_EQ(PTX_A_LEASE_NAME, self->nl->miss);
	}
}

TEST_F(bad, unknown_attributes)
{
	static const uint16_t types[] = { 0, 100, 1000, 0x3fff };
	unsigned int i;

	for (i = 1; i < ARRAY_SIZE(types); i++) {
		fill(self, variant, LEFT_OUT);
		nl_put_u32(self->r, types[i], 1);
		EXPECT_CALL(-EINVAL);
	}
	/* One that the family knows, but not in this command. */
	fill(self, variant, LEFT_OUT);
	nl_put_u32(self->r, variant->max + 1, 1);
	EXPECT_CALL(-EINVAL);
	/* Nested or in network order, which none of them is. */
	nl_start(self->nl, self->r, variant->cmd, 0);
	nl_put(self->r, PTX_A_LEASE_NAME | NLA_F_NESTED, "good", 5);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
}

TEST_F(bad, attributes_of_answers)
{
	/* State and age are for the kernel to say. */
	if (of_device(variant->cmd))
		return;
	fill(self, variant, LEFT_OUT);
	nl_put_u32(self->r, PTX_A_LEASE_STATE, PTX_LEASE_STATE_RELEASED);
	EXPECT_CALL(-EINVAL);
	fill(self, variant, LEFT_OUT);
	nl_put_u64(self->r, PTX_A_LEASE_AGE_MS, 1);
	EXPECT_CALL(-EINVAL);
	fill(self, variant, LEFT_OUT);
	nl_put(self->r, PTX_A_LEASE_PERSISTENT, NULL, 0);
	EXPECT_CALL(-EINVAL);
}

TEST_F(bad, duplicate)
{
	if (of_device(variant->cmd)) {
		fill(self, variant, LEFT_OUT);
		nl_put_str(self->r, PTX_A_DEVICE_NAME, self->device);
		EXPECT_CALL(-EINVAL);
		return;
	}
	if (variant->lease) {
		fill(self, variant, LEFT_OUT);
		nl_put_u64(self->r, PTX_A_LEASE_ID, self->l.id);
		EXPECT_CALL(-EINVAL);
		EXPECT_NE('\0', self->nl->msg[0]);
		EXPECT_NE(0, self->nl->offset);
		/* Two that differ are no better. */
		fill(self, variant, LEFT_OUT);
		nl_put_u64(self->r, PTX_A_LEASE_ID, self->l.id + 1);
		EXPECT_CALL(-EINVAL);
	}
	if (variant->name) {
		fill(self, variant, LEFT_OUT);
		nl_put_str(self->r, PTX_A_LEASE_NAME, "bad");
		EXPECT_CALL(-EINVAL);
	}
	if (variant->max >= PTX_A_LEASE_TIMEOUT_MS) {
		fill(self, variant, LEFT_OUT);
		nl_put_u32(self->r, PTX_A_LEASE_TIMEOUT_MS, 1000);
		nl_put_u32(self->r, PTX_A_LEASE_TIMEOUT_MS, 1000);
		EXPECT_CALL(-EINVAL);
	}
}

TEST_F(bad, truncated)
{
	uint32_t cut;

	/* The last attribute says it is longer than the message. */
	fill(self, variant, LEFT_OUT);
	nl_put_raw(self->r, PTX_A_LEASE_NAME, 200, "good", 5);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	/* Shorter than its own header. */
	fill(self, variant, LEFT_OUT);
	nl_put_raw(self->r, PTX_A_LEASE_NAME, 2, "good", 5);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	fill(self, variant, LEFT_OUT);
	nl_put_raw(self->r, PTX_A_LEASE_NAME, 0, NULL, 0);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	/* The message ends in the middle of its last attribute. */
	for (cut = 1; cut < 4; cut++) {
		fill(self, variant, LEFT_OUT);
		nl_put(self->r, PTX_A_LEASE_NAME, "goodgood", 8);
		self->r->h.nlmsg_len -= cut;
		EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	}
	/* A few bytes that are not even a header. */
	fill(self, variant, LEFT_OUT);
	self->r->h.nlmsg_len += 2;
	EXPECT_GE(0, nl_call(self->nl, self->r, NULL, NULL));
	if (variant->name) {
		struct nl_lease bad;

		/* That one may be taken for padding. */
		if (!nl_lease_get(self->nl, 0, "bad", &bad))
			EXPECT_EQ(0, nl_lease_release(self->nl, bad.id, 0));
	}
}

TEST_F(bad, lengths)
{
	static const char bytes[16];
	unsigned int len;

	for (len = 0; len <= 16; len++) {
		if (variant->lease && len != 8) {
			fill(self, variant, PTX_A_LEASE_ID);
			nl_put(self->r, PTX_A_LEASE_ID, bytes, len);
			EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL))
				TH_LOG("id of %u bytes", len);
		}
		if (variant->max >= PTX_A_LEASE_TIMEOUT_MS && len != 4) {
			fill(self, variant, LEFT_OUT);
			nl_put(self->r, PTX_A_LEASE_TIMEOUT_MS, bytes, len);
			EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL))
				TH_LOG("timeout of %u bytes", len);
		}
		if (variant->name && len != 4) {
			fill(self, variant, LEFT_OUT);
			nl_put(self->r, PTX_A_LEASE_OWNER, bytes, len);
			EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL))
				TH_LOG("owner of %u bytes", len);
		}
	}
}

TEST_F(bad, strings)
{
	const uint16_t type = of_device(variant->cmd) ?
			      PTX_A_DEVICE_NAME : PTX_A_LEASE_NAME;
	char big[8192];

	/* Without its NUL, empty, of no length at all. */
	fill(self, variant, type);
	nl_put(self->r, type, "good", 4);
	EXPECT_CALL(-EINVAL);
	fill(self, variant, type);
	nl_put(self->r, type, "", 1);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	fill(self, variant, type);
	nl_put(self->r, type, NULL, 0);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	/* A byte too long, and very long. */
	memset(big, 'x', sizeof(big));
	big[PTX_LEASE_NAME_MAX + 1] = '\0';
	fill(self, variant, type);
	nl_put_str(self->r, type, big);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	big[PTX_LEASE_NAME_MAX + 1] = 'x';
	big[sizeof(big) - 1] = '\0';
	fill(self, variant, type);
	nl_put_str(self->r, type, big);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));

	if (!variant->device)
		return;
	fill(self, variant, PTX_A_LEASE_DEVICE);
	nl_put_str(self->r, PTX_A_LEASE_DEVICE, big);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	fill(self, variant, PTX_A_LEASE_DEVICE);
	nl_put(self->r, PTX_A_LEASE_DEVICE, "", 1);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	fill(self, variant, PTX_A_LEASE_DEVICE);
	nl_put(self->r, PTX_A_LEASE_DEVICE, NULL, 0);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	/* A good one does not make up for a bad one, in either order. */
	fill(self, variant, LEFT_OUT);
	nl_put_str(self->r, PTX_A_LEASE_DEVICE, "bad");
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	fill(self, variant, PTX_A_LEASE_DEVICE);
	nl_put_str(self->r, PTX_A_LEASE_DEVICE, "bad");
	nl_put_str(self->r, PTX_A_LEASE_DEVICE, self->device);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
}

#define ADD_FLAGS (PTX_ADD_FLAGS_EXACT | PTX_ADD_FLAGS_FORCE | PTX_ADD_FLAGS_BOOT_DISPLAY | \
		   PTX_ADD_FLAGS_RESET | PTX_ADD_FLAGS_CLEAR_MEMORY)

TEST_F(bad, values)
{
	unsigned int bit;

	if (variant->max < PTX_A_LEASE_TIMEOUT_MS)
		return;
	fill(self, variant, LEFT_OUT);
	nl_put_u32(self->r, PTX_A_LEASE_TIMEOUT_MS, PTX_REQUEST_TIMEOUT_MAX_MS + 1);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	fill(self, variant, LEFT_OUT);
	nl_put_u32(self->r, PTX_A_LEASE_TIMEOUT_MS, 0xffffffff);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	for (bit = 0; bit < 32; bit++) {
		if (ADD_FLAGS & 1u << bit)
			continue;
		fill(self, variant, LEFT_OUT);
		nl_put_u32(self->r, PTX_A_LEASE_ADD_FLAGS, 1u << bit);
		EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	}
	if (variant->name) {
		fill(self, variant, LEFT_OUT);
		nl_put_u32(self->r, PTX_A_LEASE_OWNER, 0xffffffff);
		EXPECT_CALL(-EINVAL);
	}
}

TEST_F(bad, unknown_ids)
{
	const uint64_t ids[] = { 0, self->l.id + 1, self->l.id + (1ULL << 32),
				 ~0ULL, 1ULL << 63 };
	unsigned int i;

	if (!variant->lease)
		return;
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		fill(self, variant, PTX_A_LEASE_ID);
		nl_put_u64(self->r, PTX_A_LEASE_ID, ids[i]);
		EXPECT_CALL(-ENOENT);
	}
	fill(self, variant, PTX_A_LEASE_ID);
	nl_put_str(self->r, PTX_A_LEASE_NAME, "nobody's");
	EXPECT_CALL(-ENOENT);
	/* Id and name of different leases. */
	fill(self, variant, LEFT_OUT);
	nl_put_str(self->r, PTX_A_LEASE_NAME, "nobody's");
	EXPECT_CALL(-ENOENT);
}

TEST_F(bad, too_many_devices)
{
	int i;

	if (!variant->device && !variant->name)
		return;
	fill(self, variant, PTX_A_LEASE_DEVICE);
	for (i = 0; i <= PTX_DEVICES_MAX; i++)
		nl_put_str(self->r, PTX_A_LEASE_DEVICE, self->device);
	EXPECT_CALL(-E2BIG);
	EXPECT_NE('\0', self->nl->msg[0]);
}

TEST_F(bad, commands)
{
	int cmd;

	for (cmd = 0; cmd < 256; cmd++) {
		if (cmd >= PTX_CMD_DEVICE_GET && cmd < PTX_CMD_NOTICE_NTF)
			continue;
		nl_start(self->nl, self->r, cmd, 0);
		nl_put_u64(self->r, PTX_A_LEASE_ID, self->l.id);
		EXPECT_CALL(-EOPNOTSUPP);
	}
	/* No dump of what cannot be dumped. */
	if (variant->cmd == PTX_CMD_DEVICE_GET || variant->cmd == PTX_CMD_LEASE_GET)
		return;
	nl_start(self->nl, self->r, variant->cmd, NLM_F_DUMP);
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
}

/* A message that ends before the generic netlink header does. */
TEST_F(bad, no_header)
{
	fill(self, variant, LEFT_OUT);
	self->r->h.nlmsg_len = NLMSG_HDRLEN;
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
	fill(self, variant, LEFT_OUT);
	self->r->h.nlmsg_len = NLMSG_HDRLEN + 2;
	EXPECT_GT(0, nl_call(self->nl, self->r, NULL, NULL));
}

/* Random bytes behind a good header. */
TEST_F(bad, noise)
{
	unsigned int i, k, len;

	srand(1);
	for (i = 0; i < 500; i++) {
		nl_start(self->nl, self->r, variant->cmd, 0);
		len = rand() % 200;
		for (k = 0; k < len; k++)
			self->r->buf[self->r->h.nlmsg_len + k] = rand() % (i & 1 ? 8 : 256);
		self->r->h.nlmsg_len += len;
		EXPECT_GE(0, nl_call(self->nl, self->r, NULL, NULL));
	}
}

TEST_HARNESS_MAIN
