// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members: which leased device a device of the PCI bus is. Nothing here takes a lock: it
 * is asked in probe, in VFIO's ops, in bus notifiers and in interrupts. The registry is
 * the claims', which fill it.
 */
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/xarray.h>

#include "catalog.h"
#include "claim.h"
#include "lease.h"

static struct ptx_member *ptx_member_of(struct device *dev)
{
	struct ptx_member *member;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "members are freed by RCU");
	if (!dev_is_pci(dev))
		return NULL;
	member = xa_load(&ptx_members, ptx_device_key(to_pci_dev(dev)));
	return member && READ_ONCE(member->pdev) == to_pci_dev(dev) ? member : NULL;
}

/**
 * ptx_device_is_pooled() - does the pool have a device, or get it back
 * @pdev: the device
 *
 * Takes no lock, and no reference.
 *
 * Return: true if it does, at this moment.
 */
bool ptx_device_is_pooled(struct pci_dev *pdev)
{
	struct ptx_member *member;
	bool is;

	rcu_read_lock();
	member = ptx_member_of(&pdev->dev);
	is = member && READ_ONCE(member->claim->pooled);
	rcu_read_unlock();
	return is;
}

/**
 * ptx_device_is_claimed() - is a device leased, pooled or in quarantine
 * @pdev: the device
 *
 * Takes no lock.
 *
 * Return: true if a claim has it.
 */
bool ptx_device_is_claimed(struct pci_dev *pdev)
{
	bool is;

	rcu_read_lock();
	is = ptx_member_of(&pdev->dev);
	rcu_read_unlock();
	return is;
}

/**
 * ptx_member_get() - find the member that a device is
 * @pdev: the device
 *
 * Takes no lock. Undone by ptx_member_put().
 *
 * Return: the member, its claim referenced, or NULL.
 */
struct ptx_member *ptx_member_get(struct pci_dev *pdev)
{
	struct ptx_member *member;

	rcu_read_lock();
	member = ptx_member_of(&pdev->dev);
	if (member && !kref_get_unless_zero(&member->claim->ref))
		member = NULL;
	rcu_read_unlock();
	return member;
}

/**
 * ptx_member_watch_faults() - how often a device faults is going to be known
 * @dev: the device; nothing happens where it is not leased
 */
void ptx_member_watch_faults(struct device *dev)
{
	struct ptx_member *member;

	rcu_read_lock();
	member = ptx_member_of(dev);
	if (member)
		WRITE_ONCE(member->tells_faults, true);
	rcu_read_unlock();
}

/**
 * ptx_member_count_fault() - a device has reached for what is not mapped
 * @dev: the device; nothing happens where it is not leased
 *
 * In any context.
 */
void ptx_member_count_fault(struct device *dev)
{
	struct ptx_member *member;

	rcu_read_lock();
	member = ptx_member_of(dev);
	if (member)
		atomic64_inc(&member->faults);
	rcu_read_unlock();
}

/**
 * ptx_member_moves() - is this a device that leaves the bus only to come back
 * @pdev: the device, on its way off the bus or onto it
 *
 * Takes no lock.
 *
 * Return: true if it is what ptx_rescan() is at work on.
 */
bool ptx_member_moves(struct pci_dev *pdev)
{
	struct ptx_member *member;
	bool moves;

	rcu_read_lock();
	member = xa_load(&ptx_members, ptx_device_key(pdev));
	moves = member && READ_ONCE(member->moving);
	rcu_read_unlock();
	return moves;
}
