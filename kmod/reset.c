// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reset ladder: one method after the other, each followed by proof.
 *
 * A method that reports success may have done nothing, or left the device dead.
 * So a device counts as reset only when it answers in configuration space, looks
 * as it did before, and its class says that it is ready. Rules are data, in
 * reset_rules.h. The caller has the device to itself, with no driver bound to it.
 *
 * In a lease the ladder is a step like any other: before a device goes to VFIO,
 * its methods are narrowed to what its rules permit, since vfio-pci-core resets
 * it when it likes, and when the guest does; on the way back it is climbed.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>

#include "bus.h"
#include "catalog.h"
#include "claim.h"
#include "events.h"
#include "lease.h"
#include "ptx_main.h"
#include "rescan.h"
#include "reset.h"
#include "reset_history.h"
#include "reset_proof.h"
#include "scrub.h"

/* How often it is looked again at what takes a moment. */
#define PTX_RESET_POLL_MS	100

/* How often a bus reset is begun again that found a lock taken. */
#define PTX_RESET_BUS_TRIES	50

/* What is not to be had is so at once; what the PCI core waits for it waits a second. */
#define PTX_RESET_SILENT_MS	900

/* How long a bus may need after its reset has ended, by PCI. */
#define PTX_RESET_BUS_MS	1000

/* How long pciehp may take from finding a device gone to taking it off the bus. */
#define PTX_RESET_LEAVE_MS	10000

/**
 * struct ptx_reset_entry - what the ladder goes by, kept while a device is leased
 * @entry: in its claim's journal
 * @member: the device
 * @plan: what its rules say
 * @face: what it looked like when it was well
 * @state: its configuration then
 * @regs: the registers that say whether its class is ready, mapped beforehand: the
 *	way back has no memory. NULL where there are none.
 * @learnt: the three before are known
 * @unwell: a first reset did not make it well
 * @reached: a method has reset it, and maybe did it no good
 * @alone: one of them was a reset of its bus, so nothing else is on that
 * @sleeps: nobody but the host keeps it out of D3
 * @methods: the rungs
 */
struct ptx_reset_entry {
	struct ptx_entry entry;
	struct ptx_member *member;
	struct ptx_reset_plan plan;
	struct ptx_reset_face face;
	struct pci_saved_state *state;
	void __iomem *regs;
	bool learnt;
	bool unwell;
	bool reached;
	bool alone;
	bool sleeps;
	u8 methods[PCI_NUM_RESET_METHODS];
};

/*
 * A rescan of the bus reads a bridge's control register, and writes it back
 * later. If a bus reset begins and ends in between, the rescan begins it again,
 * behind everybody's back, and does not end it. So wait for the rescan that may
 * be under way, and end what it began. To keep rescans out altogether is not
 * possible: pciehp takes its lock and theirs in the order opposite to the one that
 * a reset would.
 */
static void ptx_reset_settle(struct pci_dev *pdev)
{
	struct pci_dev *bridge = pdev->bus->self;
	u16 control;

	pci_lock_rescan_remove();
	pci_unlock_rescan_remove();
	if (!bridge || pci_dev_is_disconnected(pdev))
		return;
	pci_read_config_word(bridge, PCI_BRIDGE_CONTROL, &control);
	if (!PCI_POSSIBLE_ERROR(control) && control & PCI_BRIDGE_CTL_BUS_RESET) {
		pci_write_config_word(bridge, PCI_BRIDGE_CONTROL,
				      control & ~PCI_BRIDGE_CTL_BUS_RESET);
		msleep(PTX_RESET_BUS_MS);
	}
}

/*
 * The PCI core puts back what a device had right before its reset. That may have
 * been nothing, after the recovery from an error or a reset gone wrong.
 */
static void ptx_reset_restore(struct pci_dev *pdev, struct pci_saved_state *state)
{
	if (state && !pci_dev_is_disconnected(pdev) && !pci_load_saved_state(pdev, state))
		pci_restore_state(pdev);
}

/*
 * What came of a method that the PCI core began @at. It says -ENOTTY of one that is not to
 * be had, and of one after which the device did not answer in time, which is a second or
 * more; that one has reset it, or killed it.
 */
static int ptx_reset_outcome(struct pci_dev *pdev, int ret, ktime_t at)
{
	if (ret != -ENOTTY || ktime_ms_delta(ktime_get(), at) < PTX_RESET_SILENT_MS)
		return ret;
	/* Of one that answers nobody can tell; so it counts as not reset. */
	return ptx_reset_answers(pdev) ? ret : -ENODEV;
}

/* One rung: this method and no other. -ENODEV if it did not answer in time. */
static int ptx_reset_try(struct pci_dev *pdev, const struct ptx_reset_plan *plan,
			 enum ptx_reset_method method)
{
	u8 saved[PCI_NUM_RESET_METHODS];
	ktime_t at;
	int ret;

	msleep(plan->before_ms);
	/* Sysfs may change these under the device's lock; we put back what we had. */
	device_lock(&pdev->dev);
	memcpy(saved, pdev->reset_methods, sizeof(saved));
	memset(pdev->reset_methods, 0, sizeof(pdev->reset_methods));
	pdev->reset_methods[0] = method;
	device_unlock(&pdev->dev);
	at = ktime_get();
	ret = ptx_reset_outcome(pdev, pci_reset_function(pdev), at);
	device_lock(&pdev->dev);
	memcpy(pdev->reset_methods, saved, sizeof(saved));
	device_unlock(&pdev->dev);
	msleep(plan->after_ms);
	if (!ret && (method == PTX_RESET_BUS || method == PTX_RESET_CXL_BUS))
		ptx_reset_settle(pdev);
	return ret;
}

/*
 * The proof after a reset that ended with @ret: it has to be well, and the method to
 * have claimed that it worked. Of one that did not answer in time all that counts is
 * whether it answers before the time is over that it has @since it was begun.
 */
static int ptx_reset_recover(struct ptx_reset_entry *e, int ret, ktime_t since)
{
	struct pci_dev *pdev = e->member->pdev;
	ktime_t deadline;

	e->reached |= !ret || ret == -ENODEV;
	deadline = ktime_add_ms(ret == -ENODEV ? since : ktime_get(), e->plan.ready_ms);
	if (!ptx_reset_await(e->member, deadline))
		return -ENODEV;
	if (!ret || ret == -ENODEV)
		ptx_reset_restore(pdev, e->state);
	return ptx_reset_prove(e->member, &e->plan, &e->face, e->regs);
}

/*
 * ptx_reset_climb() - reset a device, and do not believe it
 * @e: of the device, which has no driver
 *
 * May take minutes.
 *
 * Return: 0 when the device was reset and is proven well; -ENOTTY when there is
 * no method, or none that the PCI core can carry out; else what was wrong after
 * the last rung.
 */
static int ptx_reset_climb(struct ptx_reset_entry *e)
{
	struct ptx_member *member = e->member;
	struct pci_dev *pdev = member->pdev;
	const u8 *methods = e->methods;
	int ret, proof, worst = -ENOTTY;
	unsigned int i;

	for (i = 0; i < PCI_NUM_RESET_METHODS && methods[i] &&
	     !ptx_reset_is_over(member); i++) {
		ktime_t began = ktime_get();

		if (e->plan.banned & BIT(methods[i]))
			continue;
		ret = ptx_reset_try(pdev, &e->plan, methods[i]);
		/* On offer, but not to be had, as behind some hotplug slots. */
		if (ret == -ENOTTY)
			continue;
		e->alone |= methods[i] == PTX_RESET_BUS || methods[i] == PTX_RESET_CXL_BUS;
		proof = ptx_reset_recover(e, ret, began);
		ret = ret == -ENODEV ? 0 : ret;
		ptx_reset_tell(member, methods[i], ret, proof, began);
		worst = proof ?: ret;
		if (!worst || ptx_reset_is_over(member))
			break;
		pci_warn(pdev, "is not well after reset by %s (%d)\n",
			 ptx_reset_method_name(methods[i]), worst);
	}
	return worst;
}

/* One rung up from the device: whatever is on the bus is held, and reset with it. */
static int ptx_reset_bus(struct pci_dev *pdev)
{
	unsigned int tries = 0;
	ktime_t at;
	int ret;

	/* It gives up where a lock is taken, be it for a moment by sysfs. */
	do {
		at = ktime_get();
		ret = ptx_reset_outcome(pdev, pci_reset_bus(pdev), at);
		if (ret == -EAGAIN)
			msleep(PTX_RESET_POLL_MS);
	} while (ret == -EAGAIN && tries++ < PTX_RESET_BUS_TRIES);
	return ret;
}

struct ptx_reset_look {
	u32 ban;
	bool found;
};

static int ptx_reset_find_ban(struct pci_dev *pdev, void *data)
{
	struct ptx_reset_look *look = data;
	struct ptx_reset_plan plan;

	ptx_reset_plan(pdev, &plan);
	look->found |= plan.banned & look->ban;
	return look->found;
}

static bool ptx_reset_is_alone(struct ptx_bus_hold *hold)
{
	struct ptx_claim *claim;

	list_for_each_entry(claim, &hold->claims, rest.node)
		if (claim->rest.ready)
			return false;
	return true;
}

/* All of a claim that is on a bus, none of which has a driver, or their power back. */
static void ptx_reset_sleep(struct ptx_claim *claim, struct pci_bus *bus, bool sleep)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim) {
		struct device *dev = &member->pdev->dev;

		if (member->pdev->bus != bus)
			continue;
		/* Without a driver it is forbidden; VFIO leaves it so. */
		if (sleep)
			pm_runtime_allow(dev);
		if (sleep)
			pm_runtime_suspend(dev);
		else
			pm_runtime_forbid(dev);
	}
}

/*
 * The power of everything behind a port, where firmware can switch that: the PM core
 * takes it once all devices there are suspended. Nothing here says that it must, so
 * that it did is looked at.
 */
static int ptx_reset_power(struct ptx_claim *claim, struct pci_bus *bus,
			   struct ptx_bus_hold *hold)
{
	struct pci_dev *port = bus->self;
	struct ptx_claim *other;
	bool cold;

	/* What has our driver is asleep in another way, which is that driver's to end. */
	if (!pci_pr3_present(port) || !ptx_reset_is_alone(hold))
		return -ENOTTY;
	ptx_reset_sleep(claim, bus, true);
	list_for_each_entry(other, &hold->claims, rest.node)
		ptx_reset_sleep(other, bus, true);
	pm_runtime_suspend(&port->dev);
	cold = port->current_state == PCI_D3cold;
	list_for_each_entry(other, &hold->claims, rest.node)
		ptx_reset_sleep(other, bus, false);
	ptx_reset_sleep(claim, bus, false);
	return cold ? 0 : -ENOTTY;
}

static void ptx_reset_bus_of(struct ptx_claim *claim, struct pci_bus *bus,
			     enum ptx_reset_method rung)
{
	struct ptx_member *member;

	ptx_for_each_member(member, claim)
		if (member->pdev->bus == bus)
			member->bus_rung = rung;
}

/* What was ready is to be so again, or it goes home, and up the ladder there. */
static void ptx_reset_check_bystander(struct ptx_claim *claim)
{
	struct ptx_member *member;
	struct ptx_lease *lease;
	int ret = 0;

	ptx_for_each_member(member, claim) {
		if (!member->reset || ret)
			continue;
		pm_runtime_get_sync(&member->pdev->dev);
		ret = ptx_reset_prove(member, &member->reset->plan,
				      &member->reset->face, member->reset->regs);
		pm_runtime_put(&member->pdev->dev);
		if (ret)
			pci_err(member->pdev, "is not well after a reset of its bus (%d)\n",
				ret);
	}
	if (!ret)
		return;
	lease = ptx_claim_lock(claim);
	ptx_claim_send_home(claim);
	ptx_claim_unlock(lease);
}

/*
 * The whole bus at once: the only way for functions that share a device. With all
 * that is on it held; devices at rest are proven well by their own claims.
 *
 * Return: 0 when it was reset, now or for another claim a moment ago; *@proof says
 * whether this device is well then. -ENOTTY, or -EBUSY, when it cannot be.
 */
static int ptx_reset_with_bus(struct ptx_reset_entry *e, enum ptx_reset_method rung,
			      int *proof)
{
	struct ptx_reset_look look = { .ban = BIT(rung ?: PTX_RESET_BUS) };
	struct ptx_member *member = e->member;
	struct pci_dev *pdev = member->pdev;
	struct ptx_bus_hold hold;
	struct ptx_claim *claim;
	ktime_t began;
	int ret;

	/* Whoever resets it for us needs it awake, or asleep. */
	pm_runtime_put_sync(&pdev->dev);
	ret = ptx_bus_hold(member->claim, pdev, &hold);
	if (ret)
		goto out_wake;
	began = ktime_get();
	pci_walk_bus(pdev->bus, ptx_reset_find_ban, &look);
	if (look.found) {
		ret = -ENOTTY;
		goto out_release;
	}
	if (member->bus_rung == rung)
		goto out_prove;
	if (rung == PTX_RESET_D3COLD) {
		ret = ptx_reset_power(member->claim, pdev->bus, &hold);
	} else {
		ptx_bus_wake(member->claim, &hold, true);
		ret = ptx_bus_stay(member->claim, &hold) ? ptx_reset_bus(pdev) : -EBUSY;
		ptx_bus_unstay(member->claim, &hold);
		ptx_bus_wake(member->claim, &hold, false);
	}
	if (ret && ret != -ENODEV)
		goto out_release;
	ptx_reset_bus_of(member->claim, pdev->bus, rung);
	list_for_each_entry(claim, &hold.claims, rest.node)
		if (claim->rest.ready)
			ptx_reset_check_bystander(claim);
		else
			ptx_reset_bus_of(claim, pdev->bus, rung);
	ptx_bus_open(&hold);
	if (rung == PTX_RESET_WHOLE_BUS)
		ptx_reset_settle(pdev);
out_prove:
	pm_runtime_get_sync(&pdev->dev);
	*proof = ptx_reset_recover(e, ret, began);
	ret = 0;
	ptx_reset_tell(member, rung, ret, *proof, began);
	pm_runtime_put_noidle(&pdev->dev);
out_release:
	ptx_bus_release(member->claim, &hold);
out_wake:
	pm_runtime_get_sync(&pdev->dev);
	return ret;
}

/* What the host's own resets may do, and whether it may sleep, is the device's. */
static void ptx_reset_impose(struct ptx_reset_entry *e)
{
	struct pci_dev *pdev = e->member->pdev;

	lockdep_assert_held(&pdev->dev.mutex);
	memcpy(pdev->reset_methods, e->methods, sizeof(e->methods));
	if (!e->sleeps)
		pdev->dev_flags |= PCI_DEV_FLAGS_NO_D3;
}

static int ptx_reset_map(struct ptx_reset_entry *e)
{
	struct pci_dev *pdev = e->member->pdev;

	if (e->regs || e->plan.ready == PTX_READY_GENERIC ||
	    !(pci_resource_flags(pdev, 0) & IORESOURCE_MEM) ||
	    !pdev->resource[0].parent || pci_resource_len(pdev, 0) < PAGE_SIZE)
		return 0;
	e->regs = ioremap(pci_resource_start(pdev, 0), PAGE_SIZE);
	return e->regs ? 0 : -ENOMEM;
}

/*
 * The last rung, where a reset has reached the device and it does not look well since:
 * have it found anew. Its addresses may be others then.
 *
 * Return: what is wrong with it; @proof if nothing could be done about that.
 */
static int ptx_reset_rescan(struct ptx_reset_entry *e, int proof)
{
	struct ptx_member *member = e->member;
	struct pci_dev *before = member->pdev;
	ktime_t began = ktime_get();
	struct ptx_reset_face now;
	int ret;

	if (e->plan.banned & BIT(PTX_RESET_RESCAN) || !ptx_reset_answers(before))
		return proof;
	ptx_journal_at(&member->claim->journal, "removing and rescanning");
	ret = ptx_rescan(member);
	if (ret == -ENOTTY)
		return proof;
	proof = ret;
	if (member->pdev == before)
		goto out;
	if (e->regs)
		iounmap(e->regs);
	e->regs = NULL;
	kfree(e->state);
	e->state = NULL;
	device_lock(&member->pdev->dev);
	ptx_reset_impose(e);
	device_unlock(&member->pdev->dev);
	ret = ret ?: ptx_reset_has_bars(member->pdev, before) ? 0 : -EIO;
	if (!ret) {
		ptx_reset_look(member->pdev, &now);
		memcpy(e->face.bars, now.bars, sizeof(now.bars));
	}
	proof = ret ?: ptx_reset_map(e);
	if (!proof)
		proof = ptx_reset_prove(member, &e->plan, &e->face, e->regs);
	/* What it has now is what later resets put back; without memory nothing is. */
	e->learnt = false;
	if (!proof && ptx_reset_learn(member))
		pci_warn(member->pdev, "no memory to keep its state\n");
out:
	ptx_reset_tell(member, PTX_RESET_RESCAN, ret, proof, began);
	return proof;
}

/*
 * First the device by itself, then with the whole bus, then found anew. One that
 * cannot be reset at all is as well as it looks, but with @must that is -ENOTTY.
 */
static int ptx_reset_member(struct ptx_reset_entry *e, bool must)
{
	static const enum ptx_reset_method rungs[] = {
		PTX_RESET_WHOLE_BUS, PTX_RESET_D3COLD,
	};
	ktime_t began = ktime_get();
	struct ptx_reset_plan plan;
	int proof;
	u32 i;

	if (e->plan.hopeless)
		return -EOPNOTSUPP;
	/* The admin's bans are those of today. */
	ptx_reset_plan(e->member->pdev, &plan);
	e->plan.banned = plan.banned;
	/* It may have been found anew, and then not have been well. */
	if (ptx_reset_map(e))
		return -ENOMEM;
	e->reached = false;
	e->alone = false;
	proof = ptx_reset_climb(e);
	for (i = 0; i < ARRAY_SIZE(rungs) && proof && !ptx_reset_is_over(e->member); i++)
		if (rungs[i] != PTX_RESET_WHOLE_BUS || !e->alone)
			ptx_reset_with_bus(e, rungs[i], &proof);
	if (!proof || ptx_reset_is_over(e->member))
		return proof;
	if (e->reached)
		return ptx_reset_rescan(e, proof);
	if (must || proof != -ENOTTY)
		return proof;
	proof = ptx_reset_prove(e->member, &e->plan, &e->face, e->regs);
	ptx_trace_reset(e->member->pdev, "", 0, proof, ktime_ms_delta(ktime_get(), began));
	return proof;
}

/* Where its lease wants that no tenant's memory is left. */
static int ptx_reset_scrub(struct ptx_reset_entry *e)
{
	return e->member->claim->flags & PTX_ADD_FLAGS_CLEAR_MEMORY ?
	       ptx_scrub(e->member, &e->plan) : 0;
}

/*
 * One that was torn out is marked as disconnected first, and taken off the bus
 * then. One that is given up after an error is marked likewise, and stays.
 */
static void ptx_reset_await_leave(struct ptx_member *member)
{
	unsigned int ms;

	for (ms = 0; ms < PTX_RESET_LEAVE_MS && pci_dev_is_disconnected(member->pdev) &&
	     !ptx_reset_leaves(member); ms += PTX_RESET_POLL_MS)
		msleep(PTX_RESET_POLL_MS);
}

/* It was not reset: nobody else is to have it but the host. */
static void ptx_reset_unpool(struct ptx_member *member)
{
	struct ptx_claim *claim = member->claim;

	if (!READ_ONCE(claim->pooled))
		return;
	pci_warn(member->pdev, "could not be reset: it leaves the pool\n");
	claim->fault.reason = PTX_REASON_NO_RESET;
	strscpy(claim->fault.culprit, pci_name(member->pdev));
	ptx_claim_unpool(claim);
}

static enum ptx_undo ptx_reset_undo(struct ptx_entry *entry)
{
	struct ptx_reset_entry *e =
		container_of(entry, struct ptx_reset_entry, entry);
	struct ptx_member *member = e->member;
	struct pci_dev *pdev = member->pdev;
	bool pooled;
	int ret;

	/* Nobody could reach it, or nobody will. */
	if (!(member->claim->attached || e->unwell) || ptx_reset_leaves(member))
		return PTX_UNDO_DONE;
	/* An admin bound a driver to it. */
	if (READ_ONCE(pdev->dev.driver)) {
		ptx_reset_unpool(member);
		return PTX_UNDO_DONE;
	}
	ptx_trace_begin(pdev, "reset");
	/* A device that sleeps answers, but its registers do not. */
	pm_runtime_get_sync(&pdev->dev);
	/* What looks well is good enough for the host, but not for another tenant. */
	pooled = READ_ONCE(member->claim->pooled);
	ret = ptx_reset_member(e, pooled);
	if (ret == -ENOTTY && pooled) {
		ptx_reset_unpool(member);
		ret = ptx_reset_prove(member, &e->plan, &e->face, e->regs);
	}
	ret = ret ?: ptx_reset_scrub(e);
	pdev = member->pdev;
	pm_runtime_put(&pdev->dev);
	ptx_trace_end(pdev, "reset");
	if (ret)
		ptx_reset_await_leave(member);
	if (!ret || ptx_reset_leaves(member))
		return PTX_UNDO_DONE;
	/* Or did so meanwhile; whatever it is worth, that driver has it. */
	if (READ_ONCE(pdev->dev.driver)) {
		ptx_reset_unpool(member);
		return PTX_UNDO_DONE;
	}
	pci_err(pdev, "no reset made it well (%d): it stays in quarantine\n", ret);
	pci_clear_master(pdev);
	strscpy(member->claim->fault.culprit, pci_name(pdev));
	member->claim->fault.reason = PTX_REASON_QUARANTINED;
	return PTX_UNDO_QUARANTINED;
}

static void ptx_reset_free(struct ptx_entry *entry)
{
	struct ptx_reset_entry *e =
		container_of(entry, struct ptx_reset_entry, entry);

	e->member->reset = NULL;
	if (entry->armed && !e->sleeps)
		e->member->pdev->dev_flags &= ~PCI_DEV_FLAGS_NO_D3;
	if (e->regs)
		iounmap(e->regs);
	kfree(e->state);
	kfree(e);
}

const struct ptx_step ptx_reset_step = {
	.doing = "choosing reset methods",
	.undoing = "resetting",
	.undo = ptx_reset_undo,
	.free = ptx_reset_free,
};

/**
 * ptx_reset_learn() - keep what a device looks like when it is well
 * @member: claimed, its reset methods narrowed
 *
 * Does nothing if that is known.
 *
 * Return: 0 or -ENOMEM.
 */
int ptx_reset_learn(struct ptx_member *member)
{
	struct ptx_reset_entry *e = member->reset;
	struct pci_dev *pdev = member->pdev;

	if (e->learnt)
		return 0;
	if (ptx_reset_map(e))
		return -ENOMEM;
	ptx_trace_begin(pdev, "save_state");
	pm_runtime_get_sync(&pdev->dev);
	ptx_reset_look(pdev, &e->face);
	pci_save_state(pdev);
	e->state = pci_store_saved_state(pdev);
	pm_runtime_put(&pdev->dev);
	ptx_trace_end(pdev, "save_state");
	/* It has none where it does not answer; then there is nothing to go by. */
	if (!e->state && e->face.known)
		return -ENOMEM;
	e->learnt = true;
	return 0;
}

/**
 * ptx_reset_first() - reset a device before it goes to VFIO, and clear its memory, each
 * if that was asked for
 * @member: claimed, its reset methods narrowed
 *
 * One that is not well after it is reset once more on its way back, and goes into
 * quarantine if that does not help.
 *
 * Of one that has only just appeared, waits until whoever found it has given it its
 * addresses: a reset would put back that it has none.
 *
 * Return: 0; -ENOMEM; -ENODEV when it leaves the bus and -EIO, each with a fault.
 */
int ptx_reset_first(struct ptx_member *member)
{
	struct ptx_claim *claim = member->claim;
	struct ptx_reset_entry *e = member->reset;
	struct pci_dev *pdev = member->pdev;
	int ret;

	if (!(claim->flags & (PTX_ADD_FLAGS_RESET | PTX_ADD_FLAGS_CLEAR_MEMORY)))
		return 0;
	if (!e->learnt) {
		pci_lock_rescan_remove();
		pci_unlock_rescan_remove();
		ret = ptx_reset_learn(member);
		if (ret)
			return ret;
	}
	ptx_trace_begin(pdev, "reset");
	pm_runtime_get_sync(&pdev->dev);
	ret = claim->flags & PTX_ADD_FLAGS_RESET ? ptx_reset_member(e, true) : 0;
	ret = ret ?: ptx_reset_scrub(e);
	pdev = member->pdev;
	pm_runtime_put(&pdev->dev);
	ptx_trace_end(pdev, "reset");
	if (!ret)
		return 0;
	strscpy(claim->fault.culprit, pci_name(pdev));
	if (ptx_reset_is_over(member)) {
		claim->fault.reason = PTX_REASON_GONE;
		return -ENODEV;
	}
	claim->fault.reason = ret == -ENOTTY || ret == -EOPNOTSUPP ?
			      PTX_REASON_NO_RESET : PTX_REASON_NOT_WELL;
	e->unwell = claim->fault.reason == PTX_REASON_NOT_WELL;
	return -EIO;
}

/*
 * Is there one that leaves others alone? That of the bus is on offer also for the
 * first function of several, which was alone when it was found.
 */
static bool ptx_reset_is_of_device(const u8 *methods)
{
	unsigned int i;

	for (i = 0; i < PCI_NUM_RESET_METHODS && methods[i]; i++)
		if (methods[i] != PTX_RESET_BUS && methods[i] != PTX_RESET_CXL_BUS)
			return true;
	return false;
}

/**
 * ptx_reset_narrow() - let nobody reset a device in ways that do harm
 * @member: claimed, with no driver; its settings are in the journal
 *
 * A step of its claim; undoing it climbs the ladder.
 *
 * Return: 0 or -ENOMEM.
 */
int ptx_reset_narrow(struct ptx_member *member)
{
	struct pci_dev *pdev = member->pdev;
	struct ptx_reset_entry *e;

	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	if (ptx_reset_remember(pdev)) {
		kfree(e);
		return -ENOMEM;
	}
	e->member = member;
	ptx_reset_plan(pdev, &e->plan);
	ptx_journal_reserve(&member->claim->journal, &e->entry, &ptx_reset_step);
	member->reset = e;
	/* One that has only just appeared has no addresses yet, until it is bound. */
	if (!ptx_catalog_is_untried(pdev) && ptx_reset_learn(member))
		return -ENOMEM;
	device_lock(&pdev->dev);
	ptx_reset_permitted(&e->plan, pdev->reset_methods, e->methods);
	e->sleeps = !e->plan.awake || pdev->dev_flags & PCI_DEV_FLAGS_NO_D3;
	ptx_reset_impose(e);
	device_unlock(&pdev->dev);
	if (!ptx_reset_is_of_device(e->methods) && !e->plan.hopeless)
		ptx_bus_want(member->claim);
	ptx_journal_arm(&member->claim->journal, &e->entry);
	return 0;
}
