// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was tried on each device to reset it, how long it took and how it ended: kept
 * until the device leaves the bus, and told as it happens.
 */
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "catalog.h"
#include "events.h"
#include "lease.h"
#include "ptx_main.h"
#include "reset.h"
#include "reset_history.h"

/* What was tried on each device so far, by ptx_device_key(). */
struct ptx_reset_counts {
	struct rcu_head rcu;
	struct ptx_reset_count methods[PTX_RESET_RUNGS];
};

static DEFINE_XARRAY(ptx_reset_history);

/**
 * ptx_reset_remember() - make room for what will be tried on a device
 * @pdev: the device
 *
 * Before anything is tried: the way back has no memory.
 *
 * Return: 0 or -ENOMEM.
 */
int ptx_reset_remember(struct pci_dev *pdev)
{
	struct ptx_reset_counts *counts;
	int ret;

	if (xa_load(&ptx_reset_history, ptx_device_key(pdev)))
		return 0;
	counts = kzalloc(sizeof(*counts), GFP_KERNEL);
	if (!counts)
		return -ENOMEM;
	ret = xa_insert(&ptx_reset_history, ptx_device_key(pdev), counts, GFP_KERNEL);
	if (ret)
		kfree(counts);
	return ret == -EBUSY ? 0 : ret;
}

/**
 * ptx_reset_forget() - a device left the bus, and with it what was tried on it
 * @pdev: the device
 */
void ptx_reset_forget(struct pci_dev *pdev)
{
	struct ptx_reset_counts *counts;

	counts = xa_erase(&ptx_reset_history, ptx_device_key(pdev));
	if (counts)
		kfree_rcu(counts, rcu);
}

/**
 * ptx_reset_count() - say what one method has done to a device
 * @pdev: the device
 * @method: a value of enum ptx_reset_method, or PTX_RESET_WHOLE_BUS
 * @count: filled in
 *
 * Return: true if it was ever tried.
 */
bool ptx_reset_count(struct pci_dev *pdev, unsigned int method,
		     struct ptx_reset_count *count)
{
	struct ptx_reset_counts *counts;

	memset(count, 0, sizeof(*count));
	rcu_read_lock();
	counts = xa_load(&ptx_reset_history, ptx_device_key(pdev));
	if (counts) {
		/* Only one counts at a time; we may see half of what it adds. */
		*count = data_race(counts->methods[method]);
	}
	rcu_read_unlock();
	return count->tries;
}

/**
 * ptx_reset_tell() - count a try, and tell everybody of it
 * @member: the device; its claim's journal belongs to the caller
 * @method: a value of enum ptx_reset_method, or PTX_RESET_WHOLE_BUS
 * @ret: what the method said
 * @proof: and what the device said then
 * @began: when it was begun
 */
void ptx_reset_tell(struct ptx_member *member, unsigned int method, int ret,
		    int proof, ktime_t began)
{
	const char *name = method ? ptx_reset_method_name(method) : "whole bus";
	s64 ms = ktime_ms_delta(ktime_get(), began);
	struct pci_dev *pdev = member->pdev;
	struct ptx_reset_counts *counts;

	rcu_read_lock();
	counts = xa_load(&ptx_reset_history, ptx_device_key(pdev));
	if (counts) {
		struct ptx_reset_count *count = &counts->methods[method];

		count->tries++;
		count->failures += proof || ret;
		count->last_ms = ms;
		count->last_error = proof ?: ret;
	}
	rcu_read_unlock();
	ptx_trace_reset(pdev, name, ret, proof, ms);
	ptx_event_reset(member, name, ms, proof ?: ret);
}

/* Nobody resets anything any more. */
void ptx_reset_exit(void)
{
	struct ptx_reset_counts *counts;
	unsigned long key;

	xa_for_each(&ptx_reset_history, key, counts)
		kfree(counts);
	xa_destroy(&ptx_reset_history);
}
