// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reserves: rules that keep a device for the pool when it appears, before a
 * native driver can have it.
 *
 * The override is set while the device is announced, when no driver can match it
 * yet; the rest is left to work, since a group is whole only once its slot has
 * been looked through. What the pool cannot have is the host's after all.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "bind.h"
#include "group.h"
#include "lease.h"
#include "pool.h"
#include "ptx_main.h"
#include "reserve.h"

/* More than this is no longer a list of rules. */
#define PTX_RESERVES_MAX	256

/* Until there may be memory again. */
#define PTX_RESERVE_WAIT_MS	100

/* Protects the list. A leaf. */
static DEFINE_MUTEX(ptx_reserves_lock);
static LIST_HEAD(ptx_reserves);
static unsigned int ptx_reserves_nr;
static u64 ptx_reserve_last_id;

/**
 * ptx_reserve_new() - make a rule
 * @rule: what it says; gets its id
 * @reason: on failure, a value of enum ptx_reason
 *
 * Undone by ptx_reserve_del(). Devices that are there already are not touched.
 *
 * Return: 0, -E2BIG when there are too many, -ENOMEM.
 */
int ptx_reserve_new(struct ptx_reserve *rule, u32 *reason)
{
	struct ptx_reserve *made = kmemdup(rule, sizeof(*rule), GFP_KERNEL);
	int ret = 0;

	if (!made) {
		*reason = PTX_REASON_NO_MEMORY;
		return -ENOMEM;
	}
	mutex_lock(&ptx_reserves_lock);
	if (ptx_reserves_nr == PTX_RESERVES_MAX) {
		ret = -E2BIG;
		*reason = PTX_REASON_LIMIT;
		kfree(made);
	} else {
		made->id = rule->id = ++ptx_reserve_last_id;
		list_add_tail(&made->node, &ptx_reserves);
		ptx_reserves_nr++;
	}
	mutex_unlock(&ptx_reserves_lock);
	return ret;
}

/**
 * ptx_reserve_del() - take a rule back
 * @id: which
 *
 * What the pool has because of it, it keeps.
 *
 * Return: false if there is none of that id.
 */
bool ptx_reserve_del(u64 id)
{
	struct ptx_reserve *rule, *found = NULL;

	mutex_lock(&ptx_reserves_lock);
	list_for_each_entry(rule, &ptx_reserves, node)
		if (rule->id == id)
			found = rule;
	if (found) {
		list_del(&found->node);
		ptx_reserves_nr--;
	}
	mutex_unlock(&ptx_reserves_lock);
	kfree(found);
	return found;
}

/**
 * ptx_reserve_next() - walk over all rules
 * @id: the lowest id to consider; set to that of the one found
 * @copy: filled in; it is a copy, and refers to nothing
 *
 * Return: false at the end.
 */
bool ptx_reserve_next(u64 *id, struct ptx_reserve *copy)
{
	struct ptx_reserve *rule;
	bool found = false;

	mutex_lock(&ptx_reserves_lock);
	list_for_each_entry(rule, &ptx_reserves, node)
		if (rule->id >= *id) {
			*copy = *rule;
			*id = rule->id;
			found = true;
			break;
		}
	mutex_unlock(&ptx_reserves_lock);
	return found;
}

static bool ptx_reserve_fits(struct pci_dev *pdev)
{
	struct ptx_reserve *rule;
	bool fits = false;

	mutex_lock(&ptx_reserves_lock);
	list_for_each_entry(rule, &ptx_reserves, node)
		fits |= ptx_selector_fits(&rule->what, pdev);
	mutex_unlock(&ptx_reserves_lock);
	return fits;
}

/**
 * struct ptx_reserve_work - a device on its way to the pool
 * @work: takes it there; holds the module
 * @pdev: a reference
 * @key: its ptx_device_key()
 */
struct ptx_reserve_work {
	struct work_struct work;
	struct pci_dev *pdev;
	unsigned long key;
};

static void ptx_reserve_work(struct work_struct *work)
{
	struct ptx_reserve_work *w = container_of(work, struct ptx_reserve_work, work);
	struct ptx_device_name name = {};
	struct ptx_blockers blockers = {};
	struct pci_dev *pdev = w->pdev;
	int ret = -ENODEV;

	/* Whoever found it is done with the whole slot then. */
	pci_lock_rescan_remove();
	pci_unlock_rescan_remove();
	strscpy(name.name, pci_name(pdev));
	/* One at a time: those that came with it may take long. */
	while (device_is_registered(&pdev->dev) && !ptx_going_down()) {
		memset(&blockers, 0, sizeof(blockers));
		ret = ptx_pool_add(&name, 1, 0, NULL, PTX_TIMEOUT_DEFAULT_MS, &blockers);
		if (ret != -ETIMEDOUT || blockers.first.reason != PTX_REASON_TIMEOUT)
			break;
	}
	/* The rule may have been for a mate of it, too, or a lease was faster. */
	if (ret && ret != -ENODEV && blockers.first.reason != PTX_REASON_POOLED &&
	    blockers.first.reason != PTX_REASON_HELD)
		pci_warn(pdev, "cannot be kept for the pool (%d, reason %u): the host has it\n",
			 ret, blockers.first.reason);
	while (ptx_bind_unreserve(pdev, w->key))
		msleep(PTX_RESERVE_WAIT_MS);
	pci_dev_put(pdev);
	kfree(w);
	module_put(THIS_MODULE);
}

static void ptx_reserve_keep(struct pci_dev *pdev)
{
	struct ptx_reserve_work *w;

	if (ptx_going_down() || !ptx_reserve_fits(pdev))
		return;
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		goto err_warn;
	if (!try_module_get(THIS_MODULE)) {
		kfree(w);
		return;
	}
	if (ptx_bind_reserve(pdev)) {
		module_put(THIS_MODULE);
		kfree(w);
		goto err_warn;
	}
	INIT_WORK(&w->work, ptx_reserve_work);
	w->pdev = pci_dev_get(pdev);
	w->key = ptx_device_key(pdev);
	queue_work(ptx_wq, &w->work);
	return;

err_warn:
	pci_warn(pdev, "cannot be kept for the pool now: the host has it\n");
}

static int ptx_reserve_bus_event(struct notifier_block *nb, unsigned long action,
				 void *data)
{
	struct pci_dev *pdev = to_pci_dev((struct device *)data);

	if (ptx_member_moves(pdev))
		return NOTIFY_DONE;
	if (action == BUS_NOTIFY_ADD_DEVICE && !ptx_device_is_bridge(pdev))
		ptx_reserve_keep(pdev);
	else if (action == BUS_NOTIFY_DEL_DEVICE)
		ptx_bind_forget(pdev, ptx_device_key(pdev));
	return NOTIFY_DONE;
}

static struct notifier_block ptx_reserve_nb = {
	.notifier_call = ptx_reserve_bus_event,
};

int ptx_reserve_init(void)
{
	return bus_register_notifier(&pci_bus_type, &ptx_reserve_nb);
}

/* Each device on its way holds the module. */
void ptx_reserve_exit(void)
{
	struct ptx_reserve *rule, *next;

	bus_unregister_notifier(&pci_bus_type, &ptx_reserve_nb);
	list_for_each_entry_safe(rule, next, &ptx_reserves, node) {
		list_del(&rule->node);
		kfree(rule);
	}
}
