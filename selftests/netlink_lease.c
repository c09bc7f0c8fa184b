// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink lease-new, -get, -add, -remove and -release: persistent leases, by
 * id and by name, refusals with their text, and rights.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "lib/host.h"

FIXTURE(lease)
{
	struct host h;
	struct nl *nl;
	const struct pci_fn *a, *b;
	struct nl_lease l;
};

FIXTURE_SETUP(lease)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->nl = &self->h.nl;
	self->a = host_single(&self->h, 0);
	self->b = host_single(&self->h, 1);
}

FIXTURE_TEARDOWN(lease)
{
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_TWO() \
	NEED(self->a && self->b, "two devices that are alone in their groups")

/* An error whose text names this. */
#define EXPECT_TEXT(what)						\
	EXPECT_NE(NULL, strstr(self->nl->msg, what))			\
		TH_LOG("no '%s' in '%s'", what, self->nl->msg)

TEST_F(lease, whole_life)
{
	const char *names[2];
	uint64_t id;

	NEED_TWO();
	names[0] = self->a->name;
	names[1] = self->b->name;
	ASSERT_EQ(0, nl_lease_new(self->nl, "vm", NULL, 0, 0, &self->l))
		TH_LOG("%s", self->nl->msg);
	id = self->l.id;
	EXPECT_NE(0, id);
	EXPECT_STREQ("vm", self->l.name);
	EXPECT_TRUE(self->l.persistent);
	EXPECT_FALSE(self->l.has_pid);
	EXPECT_TRUE(self->l.has_age);
	EXPECT_EQ(0, self->l.owner);
	EXPECT_EQ(0, self->l.nr_members);
	EXPECT_EQ(0, self->l.unknown);
	EXPECT_EQ(PTX_LEASE_STATE_NEW, self->l.state);

	ASSERT_EQ(0, nl_lease_add(self->nl, id, names, 2, 0, &self->l))
		TH_LOG("%s", self->nl->msg);
	EXPECT_EQ(id, self->l.id);
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, self->l.state);
	ASSERT_EQ(2, self->l.nr_members);
	EXPECT_EQ(PTX_MEMBER_STATE_READY, self->l.members[0].state);
	EXPECT_TRUE(self->l.members[0].requested);
	EXPECT_FALSE(self->l.members[0].opened);
	EXPECT_STREQ(PTX_DRIVER, self->l.members[0].driver);
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));

	ASSERT_EQ(0, nl_lease_get(self->nl, 0, "vm", &self->l));
	EXPECT_EQ(id, self->l.id);
	ASSERT_EQ(0, nl_lease_get(self->nl, id, "vm", &self->l));
	EXPECT_EQ(-ENOENT, nl_lease_get(self->nl, id, "wm", &self->l));

	ASSERT_EQ(0, nl_lease_remove(self->nl, id, names, 1, &self->l));
	EXPECT_EQ(1, self->l.nr_members);
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));

	ASSERT_EQ(0, nl_lease_release(self->nl, id, 0));
	EXPECT_TRUE(pci_on_driver(self->b->name, self->b->driver));
	EXPECT_EQ(-ENOENT, nl_lease_get(self->nl, id, NULL, &self->l));
	EXPECT_EQ(-ENOENT, nl_lease_get(self->nl, 0, "vm", &self->l));
	EXPECT_EQ(-ENOENT, nl_lease_release(self->nl, id, 0));
}

TEST_F(lease, new_with_devices)
{
	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	ASSERT_EQ(0, nl_lease_new(self->nl, "gpu", &(const char *){ self->h.gpu->name },
				  1, 0, &self->l));
	EXPECT_EQ(2, self->l.nr_members);
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, self->l.state);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
}

TEST_F(lease, new_exact)
{
	NEED(self->h.gpu && self->h.gpu->group >= 0, "a GPU that shares its group");
	EXPECT_EQ(-EBUSY, nl_lease_new(self->nl, "gpu",
				       &(const char *){ self->h.gpu->name }, 1,
				       PTX_ADD_FLAGS_EXACT, NULL));
	EXPECT_TEXT(self->h.audio->name);
	EXPECT_EQ(PTX_REASON_GROUP_SHARED, self->nl->reason);
	/* All or nothing: no lease was left behind. */
	EXPECT_EQ(0, host_wait_no_lease(5000));
	EXPECT_EQ(-ENOENT, nl_lease_get(self->nl, 0, "gpu", NULL));
}

TEST_F(lease, refusals_say_why)
{
	const char *names[2];
	char id[32];

	NEED_TWO();
	NEED(self->h.bridge, "a PCI bridge");
	names[0] = self->a->name;
	names[1] = "0000:1f:1f.7";
	EXPECT_EQ(-ENODEV, nl_lease_new(self->nl, "x", names, 2, 0, NULL));
	EXPECT_TEXT("0000:1f:1f.7");
	EXPECT_EQ(PTX_REASON_NO_DEVICE, self->nl->reason);
	names[1] = self->h.bridge->name;
	EXPECT_EQ(-EBUSY, nl_lease_new(self->nl, "x", names, 2, 0, NULL));
	EXPECT_TEXT(self->h.bridge->name);
	EXPECT_TEXT("bridge");
	EXPECT_EQ(PTX_REASON_BRIDGE, self->nl->reason);
	names[1] = self->a->name;
	EXPECT_EQ(-EEXIST, nl_lease_new(self->nl, "x", names, 2, 0, NULL));
	EXPECT_TEXT(self->a->name);
	EXPECT_EQ(PTX_REASON_DUPLICATE, self->nl->reason);
	ASSERT_EQ(0, host_wait_no_lease(5000));
	ASSERT_EQ(0, nl_lease_new(self->nl, "holder", names, 1, 0, &self->l));
	EXPECT_EQ(-EBUSY, nl_lease_new(self->nl, "x", names, 1, 0, NULL));
	EXPECT_TEXT(self->a->name);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)self->l.id);
	EXPECT_TEXT(id);
	EXPECT_EQ(PTX_REASON_HELD, self->nl->reason);
	EXPECT_EQ(-EEXIST, nl_lease_new(self->nl, "holder", NULL, 0, 0, NULL));
	EXPECT_NE('\0', self->nl->msg[0]);
	EXPECT_EQ(PTX_REASON_NAME_TAKEN, self->nl->reason);
	EXPECT_EQ(-ENOENT, nl_lease_remove(self->nl, self->l.id,
					   &(const char *){ self->b->name }, 1, NULL));
	EXPECT_TEXT(self->b->name);
	EXPECT_EQ(PTX_REASON_NOT_MEMBER, self->nl->reason);
	EXPECT_EQ(-ENOENT, nl_lease_add(self->nl, self->l.id + 1000, names, 1, 0, NULL));
	EXPECT_NE('\0', self->nl->msg[0]);
	EXPECT_EQ(PTX_REASON_NO_LEASE, self->nl->reason);
	EXPECT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
}

TEST_F(lease, bad_names)
{
	static const char *const bad[] = {
		"", "\n", "a\x7f", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x82",
		"\xc2\x85",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, nl_lease_new(self->nl, bad[i], NULL, 0, 0, NULL))
			TH_LOG("name %u", i);
		EXPECT_NE('\0', self->nl->msg[0]);
	}
	EXPECT_EQ(0, nl_lease_list(self->nl, NULL, 0));
}

static int maker(void *arg)
{
	const struct pci_fn *fn = arg;
	struct nl_lease l;
	struct nl nl;

	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(0, nl_lease_new(&nl, "persistent", &(const char *){ fn->name }, 1, 0, &l));
	return 0;
}

TEST_F(lease, outlives_its_maker)
{
	NEED_TWO();
	ASSERT_EQ(0, child_run(maker, (void *)self->a));
	usleep(300000);
	ASSERT_EQ(0, nl_lease_get(self->nl, 0, "persistent", &self->l));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, self->l.state);
	EXPECT_TRUE(self->l.persistent);
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
	ASSERT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
}

/* Its devices can be opened by its owner. */
TEST_F(lease, persistent_lease_can_be_used)
{
	struct vfio v = VFIO_CLOSED;

	NEED_TWO();
	ASSERT_EQ(0, nl_lease_new(self->nl, "use", &(const char *){ self->a->name },
				  1, 0, &self->l));
	ASSERT_EQ(0, vfio_open(&v, self->a->group, self->a->name));
	ASSERT_EQ(0, nl_lease_get(self->nl, self->l.id, NULL, &self->l));
	EXPECT_TRUE(self->l.members[0].opened);
	/* Released while open: the deadline is kept, the name of the device told. */
	EXPECT_EQ(-ETIMEDOUT, nl_lease_release(self->nl, self->l.id, 300));
	EXPECT_TEXT(self->a->name);
	EXPECT_EQ(PTX_REASON_TIMEOUT, self->nl->reason);
	ASSERT_EQ(0, nl_lease_get(self->nl, self->l.id, NULL, &self->l));
	EXPECT_EQ(PTX_LEASE_STATE_DRAINING, self->l.state);
	EXPECT_EQ(-ESHUTDOWN, nl_lease_add(self->nl, self->l.id,
					   &(const char *){ self->b->name }, 1, 0, NULL));
	EXPECT_EQ(-ESHUTDOWN, nl_lease_remove(self->nl, self->l.id,
					      &(const char *){ self->a->name }, 1, NULL));
	vfio_close(&v);
	EXPECT_EQ(0, nl_lease_wait(self->l.id, 20000));
}

/* Netlink can look at, change and end a lease that a file owns. */
TEST_F(lease, of_a_file)
{
	uint64_t id;
	int fd;

	NEED_TWO();
	fd = lease_create(self->h.ctl, "by-file", &id);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, nl_lease_add(self->nl, id, &(const char *){ self->a->name }, 1, 0,
				  &self->l));
	EXPECT_FALSE(self->l.persistent);
	EXPECT_EQ(1, lease_nr_members(fd));
	ASSERT_EQ(0, nl_lease_release(self->nl, id, 0));
	EXPECT_TRUE(lease_poll(fd, 0, 0) & POLLHUP);
	EXPECT_EQ(PTX_LEASE_STATE_RELEASED, lease_state(fd));
}

struct rights {
	uint64_t theirs, mine;
	const char *device;
};

static int outsider(void *arg)
{
	struct rights *r = arg;
	struct nl_lease l;
	struct nl nl;

	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(-EPERM, nl_lease_new(&nl, "nobody", NULL, 0, 0, NULL));
	CHECK(nl.msg[0]);
	CHECK_EQ(PTX_REASON_NO_RIGHT, nl.reason);
	CHECK_EQ(-EPERM, nl_lease_add(&nl, r->mine, &r->device, 1, 0, NULL));
	CHECK_EQ(-EPERM, nl_lease_remove(&nl, r->mine, &r->device, 1, NULL));
	CHECK_EQ(-EPERM, nl_lease_release(&nl, r->mine, 0));
	CHECK_EQ(-EPERM, nl_lease_release(&nl, r->theirs, 0));
	/* Another's lease does not exist; one's own does. */
	CHECK_EQ(-ENOENT, nl_lease_get(&nl, r->theirs, NULL, &l));
	CHECK_EQ(-ENOENT, nl_lease_get(&nl, 0, "theirs", &l));
	CHECK_EQ(0, nl_lease_get(&nl, r->mine, NULL, &l));
	CHECK_EQ(NOBODY, l.owner);
	CHECK_EQ(1, nl_lease_list(&nl, &l, 1));
	CHECK_EQ(r->mine, l.id);
	return 0;
}

/* Root of a user namespace of one's own is nobody here. */
static int namespace_outsider(void *arg)
{
	struct rights *r = arg;
	struct nl nl;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return 4;
	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(-EPERM, nl_lease_new(&nl, "nobody", NULL, 0, 0, NULL));
	CHECK_EQ(-EPERM, nl_lease_release(&nl, r->theirs, 0));
	return 0;
}

static int lease_new_owned(struct nl *nl, const char *name, uint32_t uid,
			   struct nl_lease *out)
{
	struct nl_req *r = malloc(sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	nl_start(nl, r, PTX_CMD_LEASE_NEW, 0);
	nl_put_str(r, PTX_A_LEASE_NAME, name);
	nl_put_u32(r, PTX_A_LEASE_OWNER, uid);
	ret = nl_call(nl, r, NULL, NULL);
	free(r);
	return ret ?: nl_lease_get(nl, 0, name, out);
}

TEST_F(lease, rights)
{
	struct rights r = { .device = self->h.fns[0].name };
	int ret;

	ASSERT_EQ(0, nl_lease_new(self->nl, "theirs", NULL, 0, 0, &self->l));
	r.theirs = self->l.id;
	ASSERT_EQ(0, lease_new_owned(self->nl, "mine", NOBODY, &self->l));
	r.mine = self->l.id;
	EXPECT_EQ(NOBODY, self->l.owner);
	EXPECT_EQ(2, nl_lease_list(self->nl, NULL, 0));
	EXPECT_EQ(0, child_run_as(NOBODY, outsider, &r));
	ret = child_run(namespace_outsider, &r);
	EXPECT_TRUE(!ret || ret == 4) TH_LOG("%d", ret);
	EXPECT_EQ(2, nl_lease_list(self->nl, NULL, 0));
	EXPECT_EQ(0, nl_lease_release(self->nl, r.mine, 0));
	EXPECT_EQ(0, nl_lease_release(self->nl, r.theirs, 0));
}

/* A socket that root opened does not carry root's right to others. */
static int heir(void *arg)
{
	struct nl *nl = arg;

	CHECK_EQ(-EPERM, nl_lease_new(nl, "heir", NULL, 0, 0, NULL));
	return 0;
}

TEST_F(lease, socket_of_root_in_other_hands)
{
	EXPECT_EQ(0, child_run_as(NOBODY, heir, self->nl));
	EXPECT_EQ(0, nl_lease_list(self->nl, NULL, 0));
}

TEST_F(lease, stock_driver)
{
	struct nl_req *r = malloc(sizeof(*r));

	NEED_TWO();
	ASSERT_NE(NULL, r);
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK) &&
	    system("modprobe vfio-pci"))
		SKIP(return, "this kernel has no vfio-pci");
	nl_start(self->nl, r, PTX_CMD_LEASE_NEW, 0);
	nl_put_str(r, PTX_A_LEASE_NAME, "stock");
	nl_put_str(r, PTX_A_LEASE_DEVICE, self->a->name);
	nl_put_str(r, PTX_A_LEASE_DRIVER, "vfio-pci");
	ASSERT_EQ(0, nl_call(self->nl, r, NULL, NULL)) TH_LOG("%s", self->nl->msg);
	EXPECT_TRUE(pci_on_driver(self->a->name, "vfio-pci"));
	ASSERT_EQ(0, nl_lease_get(self->nl, 0, "stock", &self->l));
	EXPECT_STREQ("vfio-pci", self->l.members[0].driver);
	ASSERT_EQ(0, nl_lease_release(self->nl, self->l.id, 0));

	nl_start(self->nl, r, PTX_CMD_LEASE_NEW, 0);
	nl_put_str(r, PTX_A_LEASE_NAME, "stock");
	nl_put_str(r, PTX_A_LEASE_DEVICE, self->a->name);
	nl_put_str(r, PTX_A_LEASE_DRIVER, "no-such-driver");
	EXPECT_GT(0, nl_call(self->nl, r, NULL, NULL));
	EXPECT_TEXT(self->a->name);
	EXPECT_EQ(0, host_wait_no_lease(5000));
	free(r);
}

TEST_HARNESS_MAIN
