// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps of devices and leases: complete, without repetition, also in small
 * pieces, while others come and go, and abandoned half-way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

HOST_FIXTURE(dump)

#define MANY 150

struct seen {
	int nr;
	int bad;
	char name[PCI_MAX_FNS][PTX_LEASE_NAME_MAX + 1];
};

static int seen_device(const struct nlmsghdr *h, void *arg)
{
	struct seen *s = arg;
	struct nl_device d;

	nl_device_parse(h, &d);
	s->bad += d.unknown + !(h->nlmsg_flags & NLM_F_MULTI);
	if (s->nr < PCI_MAX_FNS)
		strcpy(s->name[s->nr], d.name);
	s->nr++;
	return 0;
}

static int seen_lease(const struct nlmsghdr *h, void *arg)
{
	struct seen *s = arg;
	struct nl_lease l;

	nl_lease_parse(h, &l);
	s->bad += l.unknown + !(h->nlmsg_flags & NLM_F_MULTI);
	if (s->nr < PCI_MAX_FNS)
		strcpy(s->name[s->nr], l.name);
	s->nr++;
	return 0;
}

static int seen_times(const struct seen *s, const char *name)
{
	int i, n = 0;

	for (i = 0; i < s->nr && i < PCI_MAX_FNS; i++)
		n += !strcmp(s->name[i], name);
	return n;
}

TEST_F(dump, every_device_once)
{
	struct seen *s = calloc(1, sizeof(*s));
	int i;

	ASSERT_NE(NULL, s);
	ASSERT_EQ(0, nl_dump(&self->h.nl, PTX_CMD_DEVICE_GET, seen_device, s));
	EXPECT_EQ(self->h.nr_fns, s->nr);
	EXPECT_EQ(0, s->bad);
	EXPECT_FALSE(self->h.nl.interrupted);
	for (i = 0; i < self->h.nr_fns; i++)
		EXPECT_EQ(1, seen_times(s, self->h.fns[i].name));
	free(s);
}

static int lease_fds[MANY];

static void leases_make(struct __test_metadata *_metadata, int ctl)
{
	char name[32];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "dump-%03d", i);
		lease_fds[i] = lease_create(ctl, name, NULL);
		ASSERT_LE(0, lease_fds[i]);
	}
}

TEST_F(dump, every_lease_once)
{
	struct seen *s = calloc(1, sizeof(*s));
	char name[32];
	int i;

	ASSERT_NE(NULL, s);
	leases_make(_metadata, self->h.ctl);
	ASSERT_EQ(0, nl_dump(&self->h.nl, PTX_CMD_LEASE_GET, seen_lease, s));
	EXPECT_EQ(MANY, s->nr);
	EXPECT_EQ(0, s->bad);
	EXPECT_FALSE(self->h.nl.interrupted);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "dump-%03d", i);
		EXPECT_EQ(1, seen_times(s, name));
	}
	free(s);
}

/*
 * The kernel fits its messages to the largest buffer the reader has shown; a
 * reader with a small one gets a dump in many pieces.
 */
TEST_F(dump, small_buffers)
{
	static const size_t sizes[] = { 8192, 16384, 65536 };
	struct seen *s = calloc(1, sizeof(*s));
	struct nl nl;
	unsigned int i;

	ASSERT_NE(NULL, s);
	leases_make(_metadata, self->h.ctl);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, nl_open_small(&nl, sizes[i]));
		memset(s, 0, sizeof(*s));
		ASSERT_EQ(0, nl_dump(&nl, PTX_CMD_DEVICE_GET, seen_device, s));
		EXPECT_EQ(self->h.nr_fns, s->nr);
		memset(s, 0, sizeof(*s));
		ASSERT_EQ(0, nl_dump(&nl, PTX_CMD_LEASE_GET, seen_lease, s))
			TH_LOG("%zu bytes", sizes[i]);
		EXPECT_EQ(MANY, s->nr) TH_LOG("%zu bytes", sizes[i]);
		EXPECT_EQ(0, s->bad);
		nl_close(&nl);
	}
	free(s);
}

/* One message at a time, with other requests and changes in between. */
TEST_F(dump, changes_in_between)
{
	struct nl_req *r = malloc(sizeof(*r));
	struct seen *s = calloc(1, sizeof(*s));
	char name[32];
	struct nl nl;
	int i, ret;

	ASSERT_NE(NULL, r);
	ASSERT_NE(NULL, s);
	leases_make(_metadata, self->h.ctl);
	ASSERT_EQ(0, nl_open(&nl));
	nl_start(&nl, r, PTX_CMD_LEASE_GET, NLM_F_DUMP);
	ASSERT_EQ(0, nl_send(&nl, r));
	/* The first piece waits in the socket; half of the leases go. */
	for (i = 0; i < MANY; i += 2)
		close(lease_fds[i]);
	ret = lease_create(self->h.ctl, "late", NULL);
	ASSERT_LE(0, ret);
	for (i = 0; i < MANY; i += 2) {
		snprintf(name, sizeof(name), "dump-%03d", i);
		while (!nl_lease_get(&self->h.nl, 0, name, NULL))
			usleep(1000);
	}
	ASSERT_EQ(0, nl_recv(&nl, seen_lease, s));
	/* Those that were there all the time are there, once. */
	for (i = 1; i < MANY; i += 2) {
		snprintf(name, sizeof(name), "dump-%03d", i);
		EXPECT_EQ(1, seen_times(s, name)) TH_LOG("%s", name);
	}
	for (i = 0; i < MANY; i += 2) {
		snprintf(name, sizeof(name), "dump-%03d", i);
		EXPECT_GE(1, seen_times(s, name)) TH_LOG("%s", name);
	}
	/* Nobody is made to ask again: else whoever has leases could keep others asking. */
	EXPECT_FALSE(nl.interrupted);
	EXPECT_LT(1, nl.parts);
	nl_close(&nl);
	free(r);
	free(s);
}

/* Dumps begun and never finished leave nothing behind. */
TEST_F(dump, abandoned)
{
	struct nl_req *r = malloc(sizeof(*r));
	struct nl nl;
	int i;

	ASSERT_NE(NULL, r);
	leases_make(_metadata, self->h.ctl);
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, nl_open(&nl));
		nl_start(&nl, r, i & 1 ? PTX_CMD_DEVICE_GET : PTX_CMD_LEASE_GET,
			 NLM_F_DUMP);
		ASSERT_EQ(0, nl_send(&nl, r));
		nl_close(&nl);
	}
	free(r);
}

TEST_F(dump, with_members)
{
	struct nl_lease *l = calloc(4, sizeof(*l));
	const struct pci_fn *fn = host_single(&self->h, 0);
	struct seen *s;
	int fd;

	ASSERT_NE(NULL, l);
	NEED(fn && self->h.gpu, "a device alone in its group, and a GPU");
	fd = lease_create(self->h.ctl, "members", NULL);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lease_add_names(fd, fn->name, self->h.gpu->name));
	ASSERT_EQ(1, nl_lease_list(&self->h.nl, l, 4));
	EXPECT_EQ(3, l->nr_members);
	EXPECT_EQ(0, l->unknown);
	/* The dump of devices shows the same. */
	s = calloc(1, sizeof(*s));
	ASSERT_NE(NULL, s);
	ASSERT_EQ(0, nl_dump(&self->h.nl, PTX_CMD_DEVICE_GET, seen_device, s));
	EXPECT_EQ(0, s->bad);
	free(s);
	free(l);
}

TEST_HARNESS_MAIN
