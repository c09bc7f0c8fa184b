// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: charges of a space against its quota, and against the grants that pay.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "charge.h"
#include "grant.h"
#include "space.h"

/* As much of a space as charges need. The test keeps its last reference. */
static struct ptx_space *test_space(struct kunit *test, u64 quota)
{
	struct ptx_space *space = kunit_kzalloc(test, sizeof(*space), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, space);
	kref_init(&space->ref);
	ptx_charge_init(&space->charge);
	ptx_charge_set_quota(&space->charge, quota);
	return space;
}

static struct ptx_grant *test_grant(struct kunit *test, u64 quota)
{
	struct ptx_grant *grant = kunit_kzalloc(test, sizeof(*grant), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, grant);
	kref_init(&grant->ref);
	grant->dma_quota = quota;
	return grant;
}

static u64 test_mapped(const struct ptx_space *space)
{
	return space->charge.bytes;
}

static u64 test_paid(const struct ptx_grant *grant)
{
	return atomic64_read(&grant->dma_mapped);
}

static void test_charged(struct kunit *test, struct ptx_space *space, u64 bytes)
{
	u32 reason = PTX_REASON_NONE;

	KUNIT_EXPECT_EQ(test, ptx_charge_add(&space->charge, bytes, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_NONE);
}

static void test_refused(struct kunit *test, struct ptx_space *space, u64 bytes, u32 why)
{
	u64 mapped = test_mapped(space);
	u32 reason = PTX_REASON_NONE;

	KUNIT_EXPECT_EQ(test, ptx_charge_add(&space->charge, bytes, &reason), -EDQUOT);
	KUNIT_EXPECT_EQ(test, reason, why);
	KUNIT_EXPECT_EQ(test, test_mapped(space), mapped);
}

static struct ptx_payer *test_joined(struct kunit *test, struct ptx_space *space,
				     struct ptx_grant *grant)
{
	u32 reason = PTX_REASON_NONE;
	struct ptx_payer *payer;

	payer = ptx_payer_join(space, grant, &reason);
	KUNIT_ASSERT_NOT_NULL(test, payer);
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_NONE);
	return payer;
}

/* Quotas of a space */

struct quota_param {
	const char *what;
	u64 quota;
	u64 mapped;
	u64 fits;
};

static const struct quota_param quota_params[] = {
	{ "a byte", 1, 0, 1 },
	{ "a page", PAGE_SIZE, 0, PAGE_SIZE },
	{ "a page of several", 8 * PAGE_SIZE, 7 * PAGE_SIZE, PAGE_SIZE },
	{ "nothing more", 8 * PAGE_SIZE, 8 * PAGE_SIZE, 0 },
	{ "beyond 4 GiB", 1ULL << 40, 1ULL << 39, 1ULL << 39 },
	{ "up to the sign", S64_MAX, 1, S64_MAX - 1 },
	{ "across the sign", 1ULL << 63, S64_MAX, 1 },
	{ "just below the most", U64_MAX - 1, PAGE_SIZE, U64_MAX - 1 - PAGE_SIZE },
	{ "almost all of the most", U64_MAX - 1, U64_MAX - PAGE_SIZE, PAGE_SIZE - 1 },
	{ "the most", U64_MAX, U64_MAX - PAGE_SIZE, PAGE_SIZE },
	{ "all of the most", U64_MAX, U64_MAX, 0 },
};

static void quota_desc(const struct quota_param *param, char *desc)
{
	strscpy(desc, param->what, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(quota, quota_params, quota_desc);

static void quota_is_met_and_not_exceeded(struct kunit *test)
{
	const struct quota_param *param = test->param_value;
	struct ptx_space *space = test_space(test, param->quota);
	u64 quota;

	if (param->mapped)
		test_charged(test, space, param->mapped);
	test_refused(test, space, param->fits + 1, PTX_REASON_DMA_QUOTA);
	/* The sum would wrap: to less than is mapped, and to 0. */
	test_refused(test, space, U64_MAX, PTX_REASON_DMA_QUOTA);
	test_refused(test, space, -param->mapped ?: U64_MAX, PTX_REASON_DMA_QUOTA);
	if (param->fits) {
		test_charged(test, space, param->fits);
		test_refused(test, space, 1, PTX_REASON_DMA_QUOTA);
	}
	KUNIT_EXPECT_EQ(test, ptx_charge_bytes(&space->charge, &quota), param->quota);
	KUNIT_EXPECT_EQ(test, quota, param->quota);
	/* What is mapped no more may be mapped again. */
	ptx_charge_drop(&space->charge, param->quota);
	test_charged(test, space, param->quota);
	ptx_charge_drop(&space->charge, param->quota);
	KUNIT_EXPECT_EQ(test, test_mapped(space), 0);
}

/* The same bounds where it is a grant that sets them. */
static void grant_is_met_and_not_exceeded(struct kunit *test)
{
	const struct quota_param *param = test->param_value;
	struct ptx_grant *grant = test_grant(test, param->quota);
	struct ptx_space *space = test_space(test, 0);
	struct ptx_payer *payer = test_joined(test, space, grant);

	if (param->mapped)
		test_charged(test, space, param->mapped);
	test_refused(test, space, param->fits + 1, PTX_REASON_DMA_GRANT);
	test_refused(test, space, U64_MAX, PTX_REASON_DMA_GRANT);
	test_refused(test, space, -param->mapped ?: U64_MAX, PTX_REASON_DMA_GRANT);
	KUNIT_EXPECT_EQ(test, test_paid(grant), param->mapped);
	if (param->fits) {
		test_charged(test, space, param->fits);
		test_refused(test, space, 1, PTX_REASON_DMA_GRANT);
	}
	KUNIT_EXPECT_EQ(test, test_paid(grant), param->quota);
	ptx_charge_drop(&space->charge, param->quota);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 0);
	ptx_payer_leave(payer);
}

static void quota_of_0_is_any(struct kunit *test)
{
	struct ptx_space *space = test_space(test, 0);
	u64 quota = 1;

	test_charged(test, space, PAGE_SIZE);
	test_charged(test, space, U64_MAX - PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, ptx_charge_bytes(&space->charge, &quota), U64_MAX);
	KUNIT_EXPECT_EQ(test, quota, 0);
	KUNIT_EXPECT_TRUE(test, ptx_charge_fits(&space->charge, 0));
	ptx_charge_drop(&space->charge, U64_MAX);
	KUNIT_EXPECT_EQ(test, test_mapped(space), 0);
}

static void quota_fits_what_is_mapped(struct kunit *test)
{
	struct ptx_space *space = test_space(test, 0);

	KUNIT_EXPECT_TRUE(test, ptx_charge_fits(&space->charge, 1));
	test_charged(test, space, 4 * PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, ptx_charge_fits(&space->charge, 0));
	KUNIT_EXPECT_TRUE(test, ptx_charge_fits(&space->charge, U64_MAX));
	KUNIT_EXPECT_TRUE(test, ptx_charge_fits(&space->charge, 4 * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, ptx_charge_fits(&space->charge, 4 * PAGE_SIZE - 1));
	ptx_charge_set_quota(&space->charge, 4 * PAGE_SIZE);
	test_refused(test, space, 1, PTX_REASON_DMA_QUOTA);
	/* It is raised, and taken away. */
	ptx_charge_set_quota(&space->charge, 5 * PAGE_SIZE);
	test_charged(test, space, PAGE_SIZE);
	test_refused(test, space, 1, PTX_REASON_DMA_QUOTA);
	ptx_charge_set_quota(&space->charge, 0);
	test_charged(test, space, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_mapped(space), 6 * PAGE_SIZE);
}

/* Payers */

static void payers_share_a_grant(struct kunit *test)
{
	struct ptx_grant *grant = test_grant(test, 10 * PAGE_SIZE);
	struct ptx_space *one = test_space(test, 0), *two = test_space(test, 0);
	struct ptx_payer *pays_one = test_joined(test, one, grant);
	struct ptx_payer *pays_two = test_joined(test, two, grant);

	KUNIT_EXPECT_PTR_NE(test, pays_one, pays_two);
	test_charged(test, one, 6 * PAGE_SIZE);
	test_refused(test, two, 4 * PAGE_SIZE + 1, PTX_REASON_DMA_GRANT);
	test_charged(test, two, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 10 * PAGE_SIZE);
	test_refused(test, one, 1, PTX_REASON_DMA_GRANT);
	test_refused(test, two, 1, PTX_REASON_DMA_GRANT);
	/* What one gives back the other may have. */
	ptx_charge_drop(&one->charge, 2 * PAGE_SIZE);
	test_charged(test, two, 2 * PAGE_SIZE);
	test_refused(test, one, 1, PTX_REASON_DMA_GRANT);
	/* Its last device does not take along what it has mapped. */
	ptx_payer_leave(pays_one);
	KUNIT_EXPECT_EQ(test, kref_read(&one->ref), 1);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 10 * PAGE_SIZE);
	test_refused(test, one, 1, PTX_REASON_DMA_GRANT);
	ptx_charge_drop(&one->charge, 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 7 * PAGE_SIZE);
	/* But once that has gone, it pays for the one no more. */
	ptx_charge_drop(&one->charge, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, list_empty(&one->charge.payers));
	test_charged(test, one, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 6 * PAGE_SIZE);
	ptx_charge_drop(&two->charge, 6 * PAGE_SIZE);
	ptx_payer_leave(pays_two);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&grant->ref), 1);
}

#define GRANTS	3

/* Whichever has no room, the others have as much as before. */
static void payers_pay_all_or_none(struct kunit *test)
{
	struct ptx_payer *payers[GRANTS];
	struct ptx_grant *grants[GRANTS];
	struct ptx_space *space;
	u32 poor, i;

	for (poor = 0; poor < GRANTS; poor++) {
		space = test_space(test, 16 * PAGE_SIZE);
		for (i = 0; i < GRANTS; i++) {
			grants[i] = test_grant(test, (i == poor ? 4 : 8) * PAGE_SIZE);
			payers[i] = test_joined(test, space, grants[i]);
		}
		test_charged(test, space, 3 * PAGE_SIZE);
		test_refused(test, space, PAGE_SIZE + 1, PTX_REASON_DMA_GRANT);
		for (i = 0; i < GRANTS; i++)
			KUNIT_EXPECT_EQ_MSG(test, test_paid(grants[i]), 3 * PAGE_SIZE,
					    "grant %u, where %u is the poor one", i, poor);
		/* Its own quota refuses before any grant is asked. */
		test_refused(test, space, 14 * PAGE_SIZE, PTX_REASON_DMA_QUOTA);
		for (i = 0; i < GRANTS; i++)
			KUNIT_EXPECT_EQ(test, test_paid(grants[i]), 3 * PAGE_SIZE);
		test_charged(test, space, PAGE_SIZE);
		/* Without the poor one there is room again. */
		ptx_payer_leave(payers[poor]);
		KUNIT_EXPECT_EQ(test, test_paid(grants[poor]), 4 * PAGE_SIZE);
		ptx_charge_drop(&space->charge, 4 * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, test_paid(grants[poor]), 0);
		test_charged(test, space, 8 * PAGE_SIZE);
		test_refused(test, space, 1, PTX_REASON_DMA_GRANT);
		for (i = 0; i < GRANTS; i++) {
			if (i == poor)
				continue;
			KUNIT_EXPECT_EQ(test, test_paid(grants[i]), 8 * PAGE_SIZE);
			ptx_payer_leave(payers[i]);
		}
		ptx_charge_drop(&space->charge, 8 * PAGE_SIZE);
		for (i = 0; i < GRANTS; i++)
			KUNIT_EXPECT_EQ(test, test_paid(grants[i]), 0);
		KUNIT_EXPECT_TRUE(test, list_empty(&space->charge.payers));
	}
}

static void payer_joins_what_is_mapped(struct kunit *test)
{
	struct ptx_grant *grant = test_grant(test, 4 * PAGE_SIZE);
	struct ptx_space *space = test_space(test, 0);
	struct ptx_payer *payer;

	test_charged(test, space, 4 * PAGE_SIZE);
	payer = test_joined(test, space, grant);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kref_read(&space->ref), 2);
	test_refused(test, space, 1, PTX_REASON_DMA_GRANT);
	ptx_charge_drop(&space->charge, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 3 * PAGE_SIZE);
	ptx_payer_leave(payer);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kref_read(&space->ref), 1);
	/* It pays on, so it has it all when the next device comes. */
	KUNIT_EXPECT_PTR_EQ(test, test_joined(test, space, grant), payer);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kref_read(&space->ref), 2);
	ptx_charge_drop(&space->charge, 3 * PAGE_SIZE);
	ptx_payer_leave(payer);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&grant->ref), 1);
}

static void payer_is_refused_without_room(struct kunit *test)
{
	struct ptx_grant *grant = test_grant(test, 4 * PAGE_SIZE);
	struct ptx_grant *rich = test_grant(test, U64_MAX);
	struct ptx_space *space = test_space(test, 0), *other = test_space(test, 0);
	u32 reason = PTX_REASON_NONE;
	struct ptx_payer *payers[3];

	payers[0] = test_joined(test, space, rich);
	payers[1] = test_joined(test, other, grant);
	test_charged(test, other, PAGE_SIZE);
	test_charged(test, space, 3 * PAGE_SIZE + 1);
	KUNIT_EXPECT_NULL(test, ptx_payer_join(space, grant, &reason));
	KUNIT_EXPECT_EQ(test, reason, PTX_REASON_DMA_GRANT);
	KUNIT_EXPECT_EQ(test, test_paid(grant), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kref_read(&space->ref), 2);
	/* It pays for nothing of what comes. */
	test_charged(test, space, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_paid(grant), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_paid(rich), 4 * PAGE_SIZE + 1);
	/* Just so much, and it may. */
	ptx_charge_drop(&space->charge, PAGE_SIZE + 1);
	payers[2] = test_joined(test, space, grant);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 4 * PAGE_SIZE);
	ptx_charge_drop(&space->charge, 3 * PAGE_SIZE);
	ptx_charge_drop(&other->charge, PAGE_SIZE);
	ptx_payer_leave(payers[2]);
	ptx_payer_leave(payers[1]);
	ptx_payer_leave(payers[0]);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 0);
	KUNIT_EXPECT_EQ(test, test_paid(rich), 0);
}

static void payer_pays_once_for_two_members(struct kunit *test)
{
	struct ptx_grant *grant = test_grant(test, 4 * PAGE_SIZE);
	struct ptx_space *space = test_space(test, 0);
	struct ptx_payer *payer = test_joined(test, space, grant);

	test_charged(test, space, 3 * PAGE_SIZE);
	/* There would be no room for as much again. */
	KUNIT_EXPECT_PTR_EQ(test, test_joined(test, space, grant), payer);
	KUNIT_EXPECT_EQ(test, payer->members, 2);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, kref_read(&space->ref), 2);
	test_charged(test, space, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 4 * PAGE_SIZE);
	ptx_payer_leave(payer);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 4 * PAGE_SIZE);
	test_refused(test, space, 1, PTX_REASON_DMA_GRANT);
	ptx_charge_drop(&space->charge, 4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, payer->members, 1);
	ptx_payer_leave(payer);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&space->ref), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&space->charge.payers));
}

/* Random changes, against a table of who pays for whom. */

#define SPACES	3

struct charge_model {
	struct ptx_space *spaces[SPACES];
	struct ptx_grant *grants[GRANTS];
	struct ptx_payer *payers[SPACES][GRANTS];
	u32 members[SPACES][GRANTS];
	bool pays[SPACES][GRANTS];
	u64 quota[SPACES];
	u64 mapped[SPACES];
	u64 paid[GRANTS];
};

static void model_join(struct kunit *test, struct charge_model *model, u32 s, u32 g)
{
	bool has_room = model->pays[s][g] ||
			model->paid[g] + model->mapped[s] <= model->grants[g]->dma_quota;
	u32 reason = PTX_REASON_NONE;
	struct ptx_payer *payer;

	payer = ptx_payer_join(model->spaces[s], model->grants[g], &reason);
	KUNIT_ASSERT_EQ(test, !!payer, has_room);
	KUNIT_EXPECT_EQ(test, reason, has_room ? PTX_REASON_NONE : PTX_REASON_DMA_GRANT);
	if (!payer)
		return;
	if (model->pays[s][g])
		KUNIT_EXPECT_PTR_EQ(test, payer, model->payers[s][g]);
	else
		model->paid[g] += model->mapped[s];
	model->members[s][g]++;
	model->pays[s][g] = true;
	model->payers[s][g] = payer;
}

static void model_leave(struct charge_model *model, u32 s, u32 g)
{
	if (!model->members[s][g])
		return;
	ptx_payer_leave(model->payers[s][g]);
	if (!--model->members[s][g] && !model->mapped[s])
		model->pays[s][g] = false;
}

static void model_add(struct kunit *test, struct charge_model *model, u32 s, u64 bytes)
{
	u32 g, expected = PTX_REASON_NONE, reason = PTX_REASON_NONE;
	int ret;

	for (g = 0; g < GRANTS; g++)
		if (model->pays[s][g] &&
		    model->paid[g] + bytes > model->grants[g]->dma_quota)
			expected = PTX_REASON_DMA_GRANT;
	if (model->quota[s] && model->mapped[s] + bytes > model->quota[s])
		expected = PTX_REASON_DMA_QUOTA;
	ret = ptx_charge_add(&model->spaces[s]->charge, bytes, &reason);
	KUNIT_ASSERT_EQ(test, ret, expected == PTX_REASON_NONE ? 0 : -EDQUOT);
	KUNIT_EXPECT_EQ(test, reason, expected);
	if (ret)
		return;
	model->mapped[s] += bytes;
	for (g = 0; g < GRANTS; g++)
		if (model->pays[s][g])
			model->paid[g] += bytes;
}

static void model_drop(struct charge_model *model, u32 s, u64 bytes)
{
	u32 g;

	ptx_charge_drop(&model->spaces[s]->charge, bytes);
	model->mapped[s] -= bytes;
	for (g = 0; g < GRANTS; g++) {
		if (model->pays[s][g])
			model->paid[g] -= bytes;
		model->pays[s][g] &= model->members[s][g] || model->mapped[s];
	}
}

static void model_set_quota(struct kunit *test, struct charge_model *model, u32 s, u64 quota)
{
	bool fits = !quota || model->mapped[s] <= quota;

	KUNIT_ASSERT_EQ(test, ptx_charge_fits(&model->spaces[s]->charge, quota), fits);
	if (!fits)
		return;
	ptx_charge_set_quota(&model->spaces[s]->charge, quota);
	model->quota[s] = quota;
}

static void model_step(struct kunit *test, struct charge_model *model, struct rnd_state *rnd)
{
	u32 s = prandom_u32_state(rnd) % SPACES;
	u32 g = prandom_u32_state(rnd) % GRANTS;

	switch (prandom_u32_state(rnd) % 8) {
	case 0:
		model_join(test, model, s, g);
		break;
	case 1:
		model_leave(model, s, g);
		break;
	case 2:
		model_set_quota(test, model, s, prandom_u32_state(rnd) % SZ_2M);
		break;
	case 3:
		model_set_quota(test, model, s, 0);
		break;
	case 4:
		model_drop(model, s, prandom_u32_state(rnd) % ((u32)model->mapped[s] + 1));
		break;
	default:
		model_add(test, model, s, 1 + prandom_u32_state(rnd) % SZ_256K);
	}
}

static void charges_are_like_a_table(struct kunit *test)
{
	struct charge_model *model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	struct rnd_state rnd;
	u32 step, s, g;

	KUNIT_ASSERT_NOT_NULL(test, model);
	prandom_seed_state(&rnd, 7);
	for (s = 0; s < SPACES; s++)
		model->spaces[s] = test_space(test, 0);
	for (g = 0; g < GRANTS; g++)
		model->grants[g] = test_grant(test, (g + 1) * SZ_512K);
	for (step = 0; step < 5000; step++) {
		model_step(test, model, &rnd);
		for (s = 0; s < SPACES; s++)
			KUNIT_ASSERT_EQ_MSG(test, test_mapped(model->spaces[s]),
					    model->mapped[s], "space %u, step %u", s, step);
		for (g = 0; g < GRANTS; g++)
			KUNIT_ASSERT_EQ_MSG(test, test_paid(model->grants[g]), model->paid[g],
					    "grant %u, step %u", g, step);
		cond_resched();
	}
	for (s = 0; s < SPACES; s++) {
		for (g = 0; g < GRANTS; g++)
			while (model->members[s][g])
				model_leave(model, s, g);
		model_drop(model, s, model->mapped[s]);
	}
	for (g = 0; g < GRANTS; g++)
		KUNIT_EXPECT_EQ(test, test_paid(model->grants[g]), 0);
	for (s = 0; s < SPACES; s++)
		KUNIT_EXPECT_EQ(test, kref_read(&model->spaces[s]->ref), 1);
}

/* A grant has no lock: spaces that share it charge it at the same time. */

#define RIVALS	4

struct rival {
	struct work_struct work;
	struct ptx_space *space;
	const struct ptx_grant *grant;
	u32 seed;
	u32 charged;
	u32 over;
};

static void rival_work(struct work_struct *work)
{
	struct rival *rival = container_of(work, struct rival, work);
	struct rnd_state rnd;
	u32 round, reason;
	u64 bytes;

	prandom_seed_state(&rnd, rival->seed);
	for (round = 0; round < 20000; round++) {
		/* There is never room for two. */
		bytes = SZ_512K + 1 + prandom_u32_state(&rnd) % SZ_512K;
		if (!ptx_charge_add(&rival->space->charge, bytes, &reason)) {
			rival->over += test_paid(rival->grant) > rival->grant->dma_quota;
			rival->charged++;
			ptx_charge_drop(&rival->space->charge, bytes);
		}
		cond_resched();
	}
}

static void grant_is_charged_at_the_same_time(struct kunit *test)
{
	struct workqueue_struct *wq = alloc_workqueue("ptx-test", WQ_UNBOUND, RIVALS);
	struct ptx_grant *grant = test_grant(test, SZ_1M);
	struct ptx_payer *payers[RIVALS];
	struct rival *rivals;
	u32 i, charged = 0;

	rivals = kunit_kcalloc(test, RIVALS, sizeof(*rivals), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, rivals);
	KUNIT_ASSERT_NOT_NULL(test, wq);
	for (i = 0; i < RIVALS; i++) {
		rivals[i].space = test_space(test, 0);
		rivals[i].grant = grant;
		rivals[i].seed = i + 1;
		payers[i] = test_joined(test, rivals[i].space, grant);
		INIT_WORK(&rivals[i].work, rival_work);
	}
	for (i = 0; i < RIVALS; i++)
		queue_work(wq, &rivals[i].work);
	destroy_workqueue(wq);
	for (i = 0; i < RIVALS; i++) {
		charged += rivals[i].charged;
		KUNIT_EXPECT_EQ(test, rivals[i].over, 0);
		KUNIT_EXPECT_EQ(test, test_mapped(rivals[i].space), 0);
	}
	/* Somebody always gets on. */
	KUNIT_EXPECT_GT(test, charged, 0);
	KUNIT_EXPECT_EQ(test, test_paid(grant), 0);
	for (i = 0; i < RIVALS; i++)
		ptx_payer_leave(payers[i]);
}

static struct kunit_case charge_cases[] = {
	KUNIT_CASE_PARAM(quota_is_met_and_not_exceeded, quota_gen_params),
	KUNIT_CASE_PARAM(grant_is_met_and_not_exceeded, quota_gen_params),
	KUNIT_CASE(quota_of_0_is_any),
	KUNIT_CASE(quota_fits_what_is_mapped),
	KUNIT_CASE(payers_share_a_grant),
	KUNIT_CASE(payers_pay_all_or_none),
	KUNIT_CASE(payer_joins_what_is_mapped),
	KUNIT_CASE(payer_is_refused_without_room),
	KUNIT_CASE(payer_pays_once_for_two_members),
	KUNIT_CASE(charges_are_like_a_table),
	KUNIT_CASE(grant_is_charged_at_the_same_time),
	{}
};

static struct kunit_suite charge_suite = {
	.name = "ptx-charge",
	.test_cases = charge_cases,
};

kunit_test_suites(&charge_suite);
