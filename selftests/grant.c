// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grants: who is not root gets what a grant covers, its group mates included,
 * and nothing else; the limits hold; what is withdrawn is gone.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "kselftest_harness.h"
#include "lib/host.h"
#include "lib/space.h"

#define GONE_MS	20000

FIXTURE(grant)
{
	struct host h;
	const struct pci_fn *a, *b;
	uint64_t ids[1100];
	int nr;
};

FIXTURE_SETUP(grant)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->a = host_single(&self->h, 0);
	self->b = host_single(&self->h, 1);
	self->nr = 0;
}

/* What is asked of the kernel. */
struct rule {
	bool has_uid, has_gid, has_kind;
	int uid, gid;
	const char *device;
	int kind;
	int vendor;
	int max;
	uint64_t quota;
};

#define RULE(...) (&(const struct rule){ __VA_ARGS__ })
#define UID(n) .has_uid = true, .uid = (n)
#define GID(n) .has_gid = true, .gid = (n)
/* A byte more than a name may have. */
#define TOO_LONG \
	"012345678901234567890123456789012345678901234567" \
	"012345678901234567890123456789012345678901234567"
#define KIND(k) .has_kind = true, .kind = (k)

static int grant_new(struct nl *nl, const struct rule *rule, uint64_t *id)
{
	uint16_t vendor = rule->vendor;
	struct nl_req r;

	*id = 0;
	nl_start(nl, &r, PTX_CMD_GRANT_NEW, NLM_F_ACK);
	if (rule->has_uid)
		nl_put_u32(&r, PTX_A_GRANT_UID, rule->uid);
	if (rule->has_gid)
		nl_put_u32(&r, PTX_A_GRANT_GID, rule->gid);
	if (rule->device)
		nl_put_str(&r, PTX_A_GRANT_DEVICE, rule->device);
	if (rule->has_kind)
		nl_put_u32(&r, PTX_A_GRANT_KIND, rule->kind);
	if (rule->vendor)
		nl_put(&r, PTX_A_GRANT_VENDOR_ID, &vendor, sizeof(vendor));
	if (rule->max)
		nl_put_u32(&r, PTX_A_GRANT_MAX_DEVICES, rule->max);
	if (rule->quota)
		nl_put_u64(&r, PTX_A_GRANT_DMA_QUOTA, rule->quota);
	return nl_call(nl, &r, nl_take_grant_id, id);
}

static int grant_del(struct nl *nl, uint64_t id, bool revoke)
{
	struct nl_req r;

	nl_start(nl, &r, PTX_CMD_GRANT_DEL, NLM_F_ACK);
	nl_put_u64(&r, PTX_A_GRANT_ID, id);
	if (revoke)
		nl_put(&r, PTX_A_GRANT_REVOKE, NULL, 0);
	return nl_call(nl, &r, NULL, NULL);
}

/* Makes one that the test takes away at its end. */
static int given(FIXTURE_DATA(grant) *self, const struct rule *rule)
{
	int ret = grant_new(&self->h.nl, rule, &self->ids[self->nr]);

	self->nr += !ret;
	return ret;
}

static int count_one(const struct nlmsghdr *h, void *arg)
{
	(*(int *)arg)++;
	return 0;
}

static int grants_seen(struct nl *nl)
{
	int nr = 0, ret = nl_dump(nl, PTX_CMD_GRANT_GET, count_one, &nr);

	return ret ? ret : nr;
}

FIXTURE_TEARDOWN(grant)
{
	while (self->nr)
		grant_del(&self->h.nl, self->ids[--self->nr], false);
	EXPECT_EQ(0, grants_seen(&self->h.nl));
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_TWO() \
	NEED(self->a && self->b, "two devices that are alone in their groups")

/* What somebody without rights tries, and what should come of it. */
struct attempt {
	const struct pci_fn *first, *second;
	int create;		/* 0, or a negative errno */
	int add;
	uint32_t reason;
	const char *culprit;
	uint32_t flags;
	const char *driver;
	bool hold;		/* until told to go */
	struct gate ready, go;
	bool taken;		/* the lease ends meanwhile */
};

static int attempt(void *arg)
{
	static struct add add;
	struct attempt *t = arg;
	const char *names[2];
	int ctl, fd, nr = 0;

	if (t->first)
		names[nr++] = t->first->name;
	if (t->second)
		names[nr++] = t->second->name;
	ctl = ptx_open();
	CHECK(ctl >= 0);
	fd = lease_create(ctl, lease_name(), NULL);
	CHECK_EQ(t->create, fd < 0 ? fd : 0);
	if (fd < 0)
		return 0;
	add_init(&add, names, nr);
	add.a.flags = t->flags;
	if (t->driver)
		strcpy(add.a.driver, t->driver);
	CHECK_EQ(t->add, lease_add(fd, &add));
	if (t->add) {
		CHECK_EQ(t->reason, add.a.out_reason);
		if (t->culprit)
			CHECK(!strcmp(t->culprit, add.a.out_culprit));
	}
	if (t->hold) {
		gate_open(&t->ready);
		CHECK(gate_wait(&t->go, 30000));
	}
	if (t->taken)
		CHECK_EQ(PTX_LEASE_STATE_RELEASED, lease_state(fd));
	else if (!t->add)
		CHECK_EQ(0, lease_release(fd, 0, NULL));
	close(fd);
	return 0;
}

TEST_F(grant, without_one)
{
	struct attempt t = { .first = self->a, .create = -EPERM };

	NEED_TWO();
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	/* Somebody else's. */
	ASSERT_EQ(0, given(self, RULE(UID(1234))));
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	ASSERT_EQ(0, given(self, RULE(GID(1234))));
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
}

TEST_F(grant, by_device)
{
	struct attempt t = { .first = self->a };

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .device = self->a->name)));
	/* Everything, for somebody else: that is nothing for us. */
	ASSERT_EQ(0, given(self, RULE(UID(1234))));
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	t = (struct attempt){
		.first = self->b,
		.add = -EPERM,
		.reason = PTX_REASON_NOT_GRANTED,
		.culprit = self->b->name,
	};
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	/* All or nothing. */
	t.first = self->a;
	t.second = self->b;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
}

TEST_F(grant, by_kind_and_vendor)
{
	const struct pci_fn *nvme;
	struct attempt t = { 0 };

	NEED(self->h.nr_nvme, "an NVMe controller");
	nvme = self->h.nvme[0];
	t.first = nvme;
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), KIND(PTX_KIND_NVME),
				      .vendor = nvme->vendor ^ 1)));
	t.add = -EPERM;
	t.reason = PTX_REASON_NOT_GRANTED;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), KIND(PTX_KIND_GPU),
				      .vendor = nvme->vendor)));
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), KIND(PTX_KIND_NVME),
				      .vendor = nvme->vendor)));
	t.add = 0;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
}

static int attempt_in_group(void *arg)
{
	gid_t gid = 4321;

	if (setgroups(1, &gid) || setresuid(NOBODY, NOBODY, NOBODY))
		return 9;
	return attempt(arg);
}

TEST_F(grant, by_gid)
{
	struct attempt t = { .first = self->a };

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(GID(4321), .device = self->a->name)));
	EXPECT_EQ(0, child_run(attempt_in_group, &t));
	t.create = -EPERM;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
}

/* What comes along with the group has to be covered, too. */
TEST_F(grant, whole_groups)
{
	struct attempt t = {
		.first = self->h.gpu,
		.add = -EPERM,
		.reason = PTX_REASON_NOT_GRANTED,
	};

	NEED(self->h.gpu && self->h.audio, "a GPU that shares its group");
	t.culprit = self->h.audio->name;
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), KIND(PTX_KIND_GPU))));
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), KIND(PTX_KIND_AUDIO))));
	t.add = 0;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
}

TEST_F(grant, so_many_at_once)
{
	struct attempt one = { .first = self->a, .hold = true };
	struct attempt two = {
		.first = self->b,
		.add = -EPERM,
		.reason = PTX_REASON_GRANT_USED_UP,
	};
	pid_t pid;

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .max = 1)));
	ASSERT_EQ(0, gate_init(&one.ready));
	ASSERT_EQ(0, gate_init(&one.go));
	pid = child_start_as(NOBODY, attempt, &one);
	ASSERT_TRUE(gate_wait(&one.ready, 30000));
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &two));
	gate_open(&one.go);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	/* It is home: there is room again. */
	two.add = 0;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &two));
	/* Two in one request are two. */
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	two = (struct attempt){
		.first = self->a,
		.second = self->b,
		.add = -EPERM,
		.reason = PTX_REASON_GRANT_USED_UP,
	};
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &two));
	/* Root is not counted. */
	one = (struct attempt){ .first = self->a, .second = self->b };
	EXPECT_EQ(0, child_run(attempt, &one));
}

#define PAGE		0x1000UL
#define QUOTA		(16 * PAGE)
#define IOVA(page)	((1UL << 30) + (page) * PAGE)

/* Who holds a lease under a grant with a quota, and is told what to map. */
struct payer {
	const struct pci_fn *first, *second;
	bool space;
	int add;
	uint32_t reason;
	int pages;		/* before it is ready; the first of them before there is a device */
	struct gate ready, go, done, end;
	int more;		/* so many more when told to go, and what should come of it */
	int ret;
};

/* One mapping a page, so that one of many can be refused. */
static int map_pages(int lease, char *memory, int from, int nr, uint32_t *reason)
{
	struct ptx_space_op ops[32];
	struct ptx_space_change out = { 0 };
	int i, ret;

	for (i = 0; i < nr; i++)
		ops[i] = space_map_op(IOVA(from + i), memory + (from + i) * PAGE, PAGE, SPACE_RW);
	ret = space_batch(lease, ops, nr, &out);
	*reason = out.out_reason;
	return ret;
}

static int pay(void *arg)
{
	static char memory[32 * PAGE] __attribute__((aligned(PAGE)));
	static struct add add;
	struct payer *t = arg;
	const char *names[2];
	int ctl, fd, nr = 0;
	uint32_t reason;

	names[nr++] = t->first->name;
	if (t->second)
		names[nr++] = t->second->name;
	ctl = ptx_open();
	CHECK(ctl >= 0);
	fd = t->space ? space_lease(ctl, lease_name()) : lease_create(ctl, lease_name(), NULL);
	CHECK(fd >= 0);
	if (t->pages)
		CHECK_EQ(0, map_pages(fd, memory, 0, 1, &reason));
	add_init(&add, names, nr);
	CHECK_EQ(t->add, lease_add(fd, &add));
	if (t->add) {
		CHECK_EQ(t->reason, add.a.out_reason);
		return 0;
	}
	if (t->pages > 1)
		CHECK_EQ(0, map_pages(fd, memory, 1, t->pages - 1, &reason));
	gate_open(&t->ready);
	CHECK(gate_wait(&t->go, 30000));
	CHECK_EQ(t->ret, map_pages(fd, memory, t->pages, t->more, &reason));
	CHECK_EQ(t->ret ? PTX_REASON_DMA_GRANT : PTX_REASON_NONE, reason);
	gate_open(&t->done);
	CHECK(gate_wait(&t->end, 30000));
	CHECK_EQ(0, lease_release(fd, 0, NULL));
	close(fd);
	return 0;
}

static int take_mapped(const struct nlmsghdr *h, void *arg)
{
	const struct nlattr *a;

	for (a = nl_next(h, NULL); a; a = nl_next(h, a))
		if (a->nla_type == PTX_A_GRANT_DMA_MAPPED)
			*(uint64_t *)arg = nl_u64(a);
	return 0;
}

static uint64_t pages_paid(struct nl *nl)
{
	uint64_t mapped = 0;

	return nl_dump(nl, PTX_CMD_GRANT_GET, take_mapped, &mapped) ? ~0ULL : mapped / PAGE;
}

static pid_t payer_start(struct payer *t)
{
	pid_t pid;

	if (gate_init(&t->ready) || gate_init(&t->go) || gate_init(&t->done) ||
	    gate_init(&t->end))
		return -1;
	pid = child_start_as(NOBODY, pay, t);
	return gate_wait(&t->ready, 30000) ? pid : -1;
}

TEST_F(grant, so_much_mapped)
{
	struct payer one = { .first = self->a, .space = true, .pages = 10, .more = 1 };
	struct payer two = { .first = self->b, .space = true, .pages = 5, .more = 2,
			     .ret = -EDQUOT };
	struct payer three = { .first = self->b, .space = true, .pages = 2, .add = -EPERM,
			       .reason = PTX_REASON_DMA_GRANT };
	pid_t first, second;

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .quota = QUOTA)));
	EXPECT_EQ(0, pages_paid(&self->h.nl));
	first = payer_start(&one);
	ASSERT_GT(first, 0);
	EXPECT_EQ(10, pages_paid(&self->h.nl));
	/* They share it: one page is left, and a batch of two is one too many. */
	second = payer_start(&two);
	ASSERT_GT(second, 0);
	EXPECT_EQ(15, pages_paid(&self->h.nl));
	gate_open(&two.go);
	ASSERT_TRUE(gate_wait(&two.done, 30000));
	EXPECT_EQ(15, pages_paid(&self->h.nl));
	/* The last page can be had. */
	gate_open(&one.go);
	ASSERT_TRUE(gate_wait(&one.done, 30000));
	EXPECT_EQ(16, pages_paid(&self->h.nl));
	gate_open(&two.end);
	EXPECT_EQ(0, child_wait(second));
	EXPECT_EQ(11, pages_paid(&self->h.nl));
	gate_open(&one.end);
	EXPECT_EQ(0, child_wait(first));
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_EQ(0, pages_paid(&self->h.nl));
	/* What a lease has mapped before counts from its first device on. */
	EXPECT_EQ(0, grant_del(&self->h.nl, self->ids[--self->nr], false));
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .quota = PAGE / 2)));
	EXPECT_EQ(0, child_run_as(NOBODY, pay, &three));
	EXPECT_EQ(0, pages_paid(&self->h.nl));
}

/* Two devices of one lease: what it maps counts once; as long as one of them is there. */
TEST_F(grant, so_much_for_two)
{
	struct payer t = { .first = self->a, .second = self->b, .space = true, .pages = 9,
			   .more = 7 };
	pid_t pid;

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .quota = QUOTA)));
	pid = payer_start(&t);
	ASSERT_GT(pid, 0);
	EXPECT_EQ(9, pages_paid(&self->h.nl));
	gate_open(&t.go);
	ASSERT_TRUE(gate_wait(&t.done, 30000));
	EXPECT_EQ(16, pages_paid(&self->h.nl));
	gate_open(&t.end);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_EQ(0, pages_paid(&self->h.nl));
}

/* Maps something, and gives the device back. */
static int keep_mapped(void *arg)
{
	static char memory[32 * PAGE] __attribute__((aligned(PAGE)));
	struct payer *t = arg;
	struct ptx_lease_remove out = { 0 };
	uint32_t reason;
	int ctl, fd;

	ctl = ptx_open();
	fd = space_lease(ctl, lease_name());
	CHECK(fd >= 0);
	CHECK_EQ(0, lease_add_names(fd, t->first->name, NULL));
	CHECK_EQ(0, map_pages(fd, memory, 0, t->pages, &reason));
	CHECK_EQ(0, lease_remove(fd, (const char *const []){ t->first->name }, 1, GONE_MS, &out));
	gate_open(&t->ready);
	CHECK(gate_wait(&t->go, 30000));
	CHECK_EQ(0, space_unmap_all(fd, NULL));
	gate_open(&t->done);
	CHECK(gate_wait(&t->end, 30000));
	return 0;
}

/* What is mapped is pinned, be there a device or not: it counts until it is not. */
TEST_F(grant, so_much_without_a_device)
{
	struct payer t = { .first = self->a, .pages = 10 };
	pid_t pid;

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .quota = QUOTA)));
	ASSERT_EQ(0, gate_init(&t.ready) | gate_init(&t.go) | gate_init(&t.done) |
		     gate_init(&t.end));
	pid = child_start_as(NOBODY, keep_mapped, &t);
	ASSERT_TRUE(gate_wait(&t.ready, 30000));
	EXPECT_EQ(10, pages_paid(&self->h.nl));
	gate_open(&t.go);
	ASSERT_TRUE(gate_wait(&t.done, 30000));
	EXPECT_EQ(0, pages_paid(&self->h.nl));
	gate_open(&t.end);
	EXPECT_EQ(0, child_wait(pid));
}

/* Where one grant has no room another may: also one that asks for nothing. */
TEST_F(grant, so_much_of_another)
{
	struct payer t = { .first = self->a, .add = -EPERM, .reason = PTX_REASON_NO_SPACE };

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .quota = QUOTA)));
	EXPECT_EQ(0, child_run_as(NOBODY, pay, &t));
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .device = self->a->name)));
	EXPECT_EQ(0, child_run_as(NOBODY, attempt,
				  &(struct attempt){ .first = self->a }));
}

/* Nobody counts what type1 maps. */
TEST_F(grant, so_much_needs_a_space)
{
	struct payer t = { .first = self->a, .add = -EPERM, .reason = PTX_REASON_NO_SPACE };

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY), .quota = QUOTA)));
	EXPECT_EQ(0, child_run_as(NOBODY, pay, &t));
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
}

/* A grant is for devices: not for force, other drivers, or others' leases. */
TEST_F(grant, and_for_nothing_more)
{
	struct attempt t = {
		.first = self->a,
		.add = -EPERM,
		.reason = PTX_REASON_NO_RIGHT,
	};

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY))));
	t.flags = PTX_ADD_FLAGS_FORCE;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	t.flags = PTX_ADD_FLAGS_BOOT_DISPLAY;
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
	t.flags = 0;
	t.driver = "vfio-pci";
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &t));
}

static int steal(void *arg)
{
	int fd = *(int *)arg;
	static struct add add;
	struct ptx_lease_create c = {
		.flags = PTX_LEASE_CREATE_OWNER,
		.name = (uintptr_t)"theirs",
		.name_len = 6,
		.owner = 1234,
	};
	struct nl nl;
	uint64_t id;
	int ctl = ptx_open(), i;

	/* A lease for somebody else, and one that is root's. */
	CHECK_EQ(-EPERM, lease_create_raw(ctl, &c));
	CHECK_EQ(PTX_REASON_NO_RIGHT, c.out_reason);
	add_init(&add, &(const char *){ "0000:00:00.0" }, 1);
	CHECK_EQ(-EPERM, lease_add(fd, &add));
	/* Rules are not for those who live by them. */
	CHECK_EQ(0, nl_open(&nl));
	CHECK_EQ(-EPERM, grant_new(&nl, RULE(UID(NOBODY)), &id));
	CHECK_EQ(-EPERM, grant_del(&nl, 1, true));
	CHECK_EQ(1, grants_seen(&nl));
	/* Names do not belong to whoever takes all of them. */
	for (i = 0; i < 64; i++)
		CHECK(lease_create(ctl, lease_name(), NULL) >= 0);
	CHECK_EQ(-E2BIG, lease_create(ctl, lease_name(), NULL));
	return 0;
}

TEST_F(grant, others_are_safe)
{
	int fd = lease_create(self->h.ctl, lease_name(), NULL);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY))));
	ASSERT_EQ(0, given(self, RULE(UID(1234))));
	EXPECT_EQ(0, child_run_as(NOBODY, steal, &fd));
}

TEST_F(grant, withdrawn)
{
	struct attempt one = { .first = self->a, .hold = true };
	struct attempt two = { .first = self->b, .create = -EPERM };
	pid_t pid;

	NEED_TWO();
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY))));
	ASSERT_EQ(0, gate_init(&one.ready));
	ASSERT_EQ(0, gate_init(&one.go));
	pid = child_start_as(NOBODY, attempt, &one);
	ASSERT_TRUE(gate_wait(&one.ready, 30000));
	ASSERT_EQ(0, grant_del(&self->h.nl, self->ids[--self->nr], false));
	/* For the next request. */
	EXPECT_EQ(0, child_run_as(NOBODY, attempt, &two));
	EXPECT_TRUE(pci_on_driver(self->a->name, PTX_DRIVER));
	gate_open(&one.go);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_EQ(-ENOENT, grant_del(&self->h.nl, self->ids[self->nr], false));

	/* And for what there is. */
	ASSERT_EQ(0, given(self, RULE(UID(NOBODY))));
	one = (struct attempt){ .first = self->a, .hold = true, .taken = true };
	ASSERT_EQ(0, gate_init(&one.ready));
	ASSERT_EQ(0, gate_init(&one.go));
	pid = child_start_as(NOBODY, attempt, &one);
	ASSERT_TRUE(gate_wait(&one.ready, 30000));
	ASSERT_EQ(0, grant_del(&self->h.nl, self->ids[--self->nr], true));
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	EXPECT_TRUE(pci_on_driver(self->a->name, self->a->driver));
	gate_open(&one.go);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(grant, bad)
{
	uint64_t id;
	int i;

	EXPECT_EQ(-EINVAL, grant_new(&self->h.nl, RULE(), &id));
	EXPECT_EQ(-EINVAL, grant_new(&self->h.nl, RULE(UID(1), GID(1)), &id));
	EXPECT_EQ(-EINVAL, grant_new(&self->h.nl, RULE(UID(1), .device = ""), &id));
	EXPECT_EQ(-ERANGE, grant_new(&self->h.nl, RULE(UID(1), .max = 257), &id));
	EXPECT_GT(0, grant_new(&self->h.nl, RULE(UID(1), KIND(99)), &id));
	EXPECT_GT(0, grant_new(&self->h.nl, RULE(UID(1), .device = TOO_LONG), &id));
	EXPECT_EQ(-ENOENT, grant_del(&self->h.nl, 0, false));
	EXPECT_EQ(-ENOENT, grant_del(&self->h.nl, ~0ULL, true));
	EXPECT_EQ(0, grants_seen(&self->h.nl));
	for (i = 0; i < 1024; i++)
		ASSERT_EQ(0, given(self, RULE(UID(i))));
	EXPECT_EQ(-E2BIG, grant_new(&self->h.nl, RULE(UID(1)), &id));
	EXPECT_EQ(PTX_REASON_LIMIT, self->h.nl.reason);
	EXPECT_EQ(1024, grants_seen(&self->h.nl));
}

TEST_HARNESS_MAIN
