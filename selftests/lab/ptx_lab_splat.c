// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx_lab_splat - makes the kernel complain, one kind of complaint per load.
 *
 * Owns nothing but the mistakes: each function below makes exactly one that a
 * detector of the lab must see. tools/lab/selftest loads it with every kind
 * and fails if the run did not fail; what=none must leave the log clean.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/kobject.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *what = "none";
module_param(what, charp, 0444);
MODULE_PARM_DESC(what, "the kind of mistake to make, or none");

static DEFINE_MUTEX(splat_a);
static DEFINE_MUTEX(splat_b);
static DEFINE_SPINLOCK(splat_lock);

static void splat_none(void)
{
}

static void splat_warn(void)
{
	WARN(1, "asked for\n");
}

static void splat_oops(void)
{
	int *p = NULL;

	OPTIMIZER_HIDE_VAR(p);
	*p = 1;
}

/* Several objects: the last pointer to one may linger on a stack. */
static void splat_leak(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		void *p = kmalloc(128, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(p);
	}
}

static void splat_lockdep(void)
{
	mutex_lock(&splat_a);
	mutex_lock(&splat_b);
	mutex_unlock(&splat_b);
	mutex_unlock(&splat_a);

	mutex_lock(&splat_b);
	mutex_lock(&splat_a);
	mutex_unlock(&splat_a);
	mutex_unlock(&splat_b);
}

/* The task that loads us returns to user space with the mutex. */
static void splat_held(void)
{
	mutex_lock(&splat_a);
}

static void splat_sleep(void)
{
	spin_lock(&splat_lock);
	might_sleep();
	spin_unlock(&splat_lock);
}

static void splat_atomic(void)
{
	preempt_disable();
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout(1);
	preempt_enable();
}

static void splat_kasan(void)
{
	char *p = kmalloc(16, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	p[16] = 1;
	kfree(p);
}

static void splat_ubsan(void)
{
	int shift = 40, one = 1;

	OPTIMIZER_HIDE_VAR(shift);
	OPTIMIZER_HIDE_VAR(one);
	pr_info("%d\n", one << shift);
}

static void splat_refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void splat_list(void)
{
	LIST_HEAD(list);
	struct list_head item;

	list_add(&item, &list);
	list_del(&item);
	list_del(&item);
}

static void splat_duplicate(void)
{
	struct kobject *first, *second;

	first = kobject_create_and_add("ptx_lab_splat", kernel_kobj);
	second = kobject_create_and_add("ptx_lab_splat", kernel_kobj);
	kobject_put(second);
	kobject_put(first);
}

/* Needs kernel.hung_task_timeout_secs well below 20. */
static void splat_hung(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout(20 * HZ);
}

/* Needs kernel.watchdog_thresh at 1 or 2. */
static void splat_lockup(void)
{
	preempt_disable();
	mdelay(8000);
	preempt_enable();
}

static const struct {
	const char *what;
	void (*make)(void);
} splats[] = {
	{ "none", splat_none },
	{ "warn", splat_warn },
	{ "oops", splat_oops },
	{ "leak", splat_leak },
	{ "lockdep", splat_lockdep },
	{ "held", splat_held },
	{ "sleep", splat_sleep },
	{ "atomic", splat_atomic },
	{ "kasan", splat_kasan },
	{ "ubsan", splat_ubsan },
	{ "refcount", splat_refcount },
	{ "list", splat_list },
	{ "duplicate", splat_duplicate },
	{ "hung", splat_hung },
	{ "lockup", splat_lockup },
};

static int __init splat_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(splats); i++) {
		if (strcmp(splats[i].what, what))
			continue;
		pr_info("making the mistake '%s'\n", what);
		splats[i].make();
		return 0;
	}
	pr_err("no mistake '%s'\n", what);
	return -EINVAL;
}
module_init(splat_init);

static void __exit splat_exit(void)
{
}
module_exit(splat_exit);

MODULE_DESCRIPTION("Test of the lab's detectors; never load it anywhere else");
MODULE_LICENSE("GPL");
