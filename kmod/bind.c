// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one file that moves devices between drivers.
 *
 * Taking a device is three steps, each journaled: note its settings and set
 * its driver_override, release the native driver, attach the VFIO driver. The
 * override comes first, so that a driver that is loading finds no gap. Every
 * member of a group has taken a step before the first one takes the next, so
 * on the way back all of them have left VFIO before one returns to a driver
 * that does DMA: the IOMMU core refuses a mixed group.
 *
 * Runs in whatever task the claim's journal belongs to; takes the driver
 * core's locks, and of ours one, for devices that have only just appeared.
 */
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "bind.h"
#include "bus.h"
#include "catalog.h"
#include "compat/driver_override.h"
#include "events.h"
#include "guard.h"
#include "lease.h"
#include "ptx_main.h"
#include "reset.h"
#include "rom.h"
#include "vfio_pci.h"

/* A driver_override is at most what sysfs can show. */
#define PTX_OVERRIDE_MAX	PAGE_SIZE

/*
 * Setting an override allocates a few bytes, which the page allocator never
 * refuses a worker outside fault injection. Should it all the same, waiting
 * helps; after these tries the override is cleared, which needs no memory.
 */
#define PTX_OVERRIDE_TRIES	100
#define PTX_OVERRIDE_WAIT_MS	10

/* How often to look whether a device that has just appeared takes a driver. */
#define PTX_READY_POLL_MS	10

/**
 * ptx_bind_driver_name() - name the driver a device is bound to
 * @pdev: the device
 * @buf: gets the name, or ""
 * @size: room in @buf
 *
 * Return: its length; 0 for no driver.
 */
size_t ptx_bind_driver_name(struct pci_dev *pdev, char *buf, size_t size)
{
	ssize_t len = 0;

	buf[0] = '\0';
	device_lock(&pdev->dev);
	if (pdev->dev.driver)
		len = strscpy(buf, pdev->dev.driver->name, size);
	device_unlock(&pdev->dev);
	return len < 0 ? strlen(buf) : len;
}

/**
 * ptx_bind_override() - set a device's driver_override, come what may
 * @pdev: the device
 * @name: to this; "" for none
 */
void ptx_bind_override(struct pci_dev *pdev, const char *name)
{
	int tries;

	for (tries = 0; tries < PTX_OVERRIDE_TRIES; tries++) {
		if (!ptx_driver_override_write(pdev, name))
			return;
		msleep(PTX_OVERRIDE_WAIT_MS);
	}
	pci_err(pdev, "no memory to set driver_override to %s: cleared it\n",
		name);
	ptx_driver_override_write(pdev, "");
}

/**
 * struct ptx_reserved - a device that has just appeared, and that we keep
 * @rcu: it may become a claim's while somebody looks
 * @pdev: which
 * @override: what its override was before we set it
 */
struct ptx_reserved {
	struct rcu_head rcu;
	struct pci_dev *pdev;
	char override[];
};

/* By ptx_device_key(). */
static DEFINE_XARRAY(ptx_bind_reserved);

/*
 * Whoever sets the override of a reserved device has read it under this lock. Only
 * of such a one: the lock of any other may be held by a driver that does not come
 * back, and nobody else shall wait for that.
 */
static DEFINE_MUTEX(ptx_bind_lock);

static bool ptx_bind_is_reserved(struct pci_dev *pdev, unsigned long key)
{
	struct ptx_reserved *reserved;
	bool is;

	rcu_read_lock();
	reserved = xa_load(&ptx_bind_reserved, key);
	is = reserved && reserved->pdev == pdev;
	rcu_read_unlock();
	return is;
}

/*
 * If @buf has the override that we gave to a reserved device, it gets what that
 * was before. True if the device is reserved.
 */
static bool ptx_bind_see_through(struct pci_dev *pdev, unsigned long key, char *buf,
				 size_t size)
{
	struct ptx_reserved *reserved;
	bool is;

	rcu_read_lock();
	reserved = xa_load(&ptx_bind_reserved, key);
	is = reserved && reserved->pdev == pdev;
	if (is && !strcmp(buf, PTX_VFIO_DRIVER))
		strscpy(buf, reserved->override, size);
	rcu_read_unlock();
	return is;
}

/**
 * ptx_bind_forget() - a reserved device has become a claim's, or leaves the bus
 * @pdev: the device; nothing happens to others
 * @key: its ptx_device_key()
 */
void ptx_bind_forget(struct pci_dev *pdev, unsigned long key)
{
	struct ptx_reserved *reserved;

	xa_lock(&ptx_bind_reserved);
	reserved = xa_load(&ptx_bind_reserved, key);
	if (reserved && reserved->pdev == pdev)
		__xa_erase(&ptx_bind_reserved, key);
	else
		reserved = NULL;
	xa_unlock(&ptx_bind_reserved);
	if (reserved)
		kfree_rcu(reserved, rcu);
}

/**
 * ptx_bind_reserve() - keep native drivers from a device that has just appeared
 * @pdev: the device, which no driver can match yet
 *
 * Undone by ptx_bind_unreserve(), or by the claim that takes it.
 *
 * Return: 0, -ENOMEM; -EBUSY if one is reserved that had the same address.
 */
int ptx_bind_reserve(struct pci_dev *pdev)
{
	struct ptx_reserved *reserved;
	int ret;

	reserved = kzalloc(struct_size(reserved, override, PTX_OVERRIDE_MAX), GFP_KERNEL);
	if (!reserved)
		return -ENOMEM;
	reserved->pdev = pdev;
	ptx_driver_override_read(pdev, reserved->override, PTX_OVERRIDE_MAX);
	ret = xa_insert(&ptx_bind_reserved, ptx_device_key(pdev), reserved, GFP_KERNEL);
	if (ret) {
		kfree(reserved);
		return ret;
	}
	ret = ptx_driver_override_write(pdev, PTX_VFIO_DRIVER);
	if (ret)
		ptx_bind_forget(pdev, ptx_device_key(pdev));
	return ret;
}

/**
 * ptx_bind_unreserve() - let the host have a device that was reserved
 * @pdev: the device; nothing happens if a claim has taken it
 * @key: its ptx_device_key() when it was reserved; it may have left with its domain
 *
 * Return: 0, or -ENOMEM, and it stays reserved.
 */
int ptx_bind_unreserve(struct pci_dev *pdev, unsigned long key)
{
	char *buf;
	bool is;

	if (!ptx_bind_is_reserved(pdev, key))
		return 0;
	buf = kmalloc(PTX_OVERRIDE_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	mutex_lock(&ptx_bind_lock);
	ptx_driver_override_read(pdev, buf, PTX_OVERRIDE_MAX);
	is = ptx_bind_see_through(pdev, key, buf, PTX_OVERRIDE_MAX);
	if (is) {
		ptx_bind_override(pdev, buf);
		ptx_bind_forget(pdev, key);
	}
	mutex_unlock(&ptx_bind_lock);
	kfree(buf);
	if (is && !ptx_going_down() && device_attach(&pdev->dev) < 0)
		pci_info(pdev, "the host could not choose a driver for it yet\n");
	return 0;
}

/* Step one: settings that VFIO or we ourselves change. */
struct ptx_settings_entry {
	struct ptx_entry entry;
	struct ptx_member *member;
	u8 reset_methods[PCI_NUM_RESET_METHODS];
	pci_power_t state;
	bool runtime_auto;
	bool untried;
	char *override;
};

static enum ptx_undo ptx_settings_undo(struct ptx_entry *entry)
{
	struct ptx_settings_entry *e =
		container_of(entry, struct ptx_settings_entry, entry);
	struct pci_dev *pdev = e->member->pdev;

	if (READ_ONCE(e->member->gone))
		return PTX_UNDO_DONE;
	ptx_bind_override(pdev, e->override);
	/* VFIO leaves runtime power management forbidden. */
	if (e->runtime_auto)
		pm_runtime_allow(&pdev->dev);
	else
		pm_runtime_forbid(&pdev->dev);
	device_lock(&pdev->dev);
	memcpy(pdev->reset_methods, e->reset_methods, sizeof(e->reset_methods));
	/* A device that no driver ever woke: as the PCI core leaves one behind. */
	if (e->state == PCI_UNKNOWN && pdev->current_state == PCI_D0 &&
	    !pdev->dev.driver)
		pdev->current_state = PCI_UNKNOWN;
	device_unlock(&pdev->dev);
	/* The host was about to choose a driver when we came: now it may. */
	if (e->untried && !READ_ONCE(e->member->leaving) && !ptx_going_down() &&
	    device_attach(&pdev->dev) < 0)
		pci_info(pdev, "the host could not choose a driver for it yet\n");
	return PTX_UNDO_DONE;
}

static void ptx_settings_free(struct ptx_entry *entry)
{
	struct ptx_settings_entry *e =
		container_of(entry, struct ptx_settings_entry, entry);

	kfree(e->override);
	kfree(e);
}

static const struct ptx_step ptx_settings_step = {
	.doing = "setting driver_override",
	.undoing = "restoring settings",
	.undo = ptx_settings_undo,
	.free = ptx_settings_free,
};

static int ptx_bind_note_settings(struct ptx_member *member)
{
	struct pci_dev *pdev = member->pdev;
	struct ptx_settings_entry *e;
	bool reserved;
	char *buf;
	int ret;

	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	e->member = member;
	buf = kmalloc(PTX_OVERRIDE_MAX, GFP_KERNEL);
	if (!buf) {
		kfree(e);
		return -ENOMEM;
	}
	ptx_driver_override_read(pdev, buf, PTX_OVERRIDE_MAX);
	reserved = ptx_bind_see_through(pdev, member->key, buf, PTX_OVERRIDE_MAX);
	e->override = kstrdup(buf, GFP_KERNEL);
	kfree(buf);
	if (!e->override) {
		kfree(e);
		return -ENOMEM;
	}
	device_lock(&pdev->dev);
	memcpy(e->reset_methods, pdev->reset_methods, sizeof(e->reset_methods));
	e->state = pdev->current_state;
	e->runtime_auto = pdev->dev.power.runtime_auto;
	member->driverless = !pdev->dev.driver;
	device_unlock(&pdev->dev);
	e->untried = reserved || ptx_catalog_is_untried(pdev);

	ptx_journal_reserve(&member->claim->journal, &e->entry,
			    &ptx_settings_step);
	ret = ptx_driver_override_write(pdev, member->claim->driver);
	if (ret)
		return ret;
	ptx_journal_arm(&member->claim->journal, &e->entry);
	ptx_bind_forget(pdev, member->key);
	return 0;
}

static int ptx_bind_settings(struct ptx_member *member)
{
	int ret;

	if (!ptx_bind_is_reserved(member->pdev, member->key))
		return ptx_bind_note_settings(member);
	mutex_lock(&ptx_bind_lock);
	ret = ptx_bind_note_settings(member);
	mutex_unlock(&ptx_bind_lock);
	return ret;
}

/* Step two: the native driver. */
struct ptx_native_entry {
	struct ptx_entry entry;
	struct ptx_member *member;
	char *name;
};

static enum ptx_undo ptx_native_undo(struct ptx_entry *entry)
{
	struct ptx_native_entry *e =
		container_of(entry, struct ptx_native_entry, entry);
	struct ptx_member *member = e->member;
	struct pci_dev *pdev = member->pdev;
	char now[PTX_DEVICE_NAME_SIZE];
	int ret;

	member->outcome = PTX_MEMBER_STATE_HOME;
	if (READ_ONCE(member->gone) || READ_ONCE(member->leaving)) {
		member->outcome = PTX_MEMBER_STATE_GONE;
		return PTX_UNDO_DONE;
	}
	if (!e->name)
		return PTX_UNDO_DONE;
	if (ptx_going_down()) {
		/* Probing is off by now, and nobody will miss the driver. */
		member->outcome = PTX_MEMBER_STATE_DRIVERLESS;
		return PTX_UNDO_DONE;
	}
	ptx_bind_override(pdev, e->name);
	ptx_trace_begin(pdev, "attach_native");
	ret = device_attach(&pdev->dev);
	ptx_trace_end(pdev, "attach_native");
	ptx_bind_driver_name(pdev, now, sizeof(now));
	if (now[0]) {
		if (strcmp(now, member->native))
			pci_info(pdev, "left on driver %s, which it was given meanwhile\n",
				 now);
		return PTX_UNDO_DONE;
	}
	if (READ_ONCE(member->gone) || READ_ONCE(member->leaving)) {
		member->outcome = PTX_MEMBER_STATE_GONE;
		return PTX_UNDO_DONE;
	}
	member->outcome = PTX_MEMBER_STATE_DRIVERLESS;
	pci_warn(pdev, "driver %s does not take the device back (%d)\n",
		 member->native, ret);
	return PTX_UNDO_DRIVERLESS;
}

static void ptx_native_free(struct ptx_entry *entry)
{
	struct ptx_native_entry *e =
		container_of(entry, struct ptx_native_entry, entry);

	kfree(e->name);
	kfree(e);
}

static const struct ptx_step ptx_native_step = {
	.doing = "releasing the native driver",
	.undoing = "attaching the native driver",
	.undo = ptx_native_undo,
	.free = ptx_native_free,
};

static int ptx_bind_release_native(struct ptx_member *member)
{
	struct ptx_claim *claim = member->claim;
	struct pci_dev *pdev = member->pdev;
	struct ptx_blockers uses = {};
	struct ptx_native_entry *e;
	bool bound, early;

	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	e->member = member;
	device_lock(&pdev->dev);
	bound = pdev->dev.driver;
	/* Of one that has only just appeared, the host may heed our override first. */
	early = bound && member->driverless &&
		!strcmp(pdev->dev.driver->name, claim->driver);
	if (bound && !early)
		e->name = kstrdup(pdev->dev.driver->name, GFP_KERNEL);
	/* The verdict was given without a lock, and may be out of date. */
	ptx_guard_verdict(pdev, claim->flags, &uses);
	device_unlock(&pdev->dev);
	if (uses.nr) {
		claim->fault = uses.first;
		kfree(e->name);
		kfree(e);
		return -EBUSY;
	}
	if (bound && !early && !e->name) {
		kfree(e);
		return -ENOMEM;
	}
	if (e->name)
		strscpy(member->native, e->name);
	ptx_journal_reserve(&claim->journal, &e->entry, &ptx_native_step);
	if (bound) {
		ptx_trace_begin(pdev, "release_native");
		device_release_driver(&pdev->dev);
		ptx_trace_end(pdev, "release_native");
	}
	ptx_journal_arm(&claim->journal, &e->entry);
	return 0;
}

/* Step three: the VFIO driver. */
struct ptx_attach_entry {
	struct ptx_entry entry;
	struct ptx_member *member;
};

static enum ptx_undo ptx_attach_undo(struct ptx_entry *entry)
{
	struct ptx_member *member =
		container_of(entry, struct ptx_attach_entry, entry)->member;
	struct pci_dev *pdev = member->pdev;
	char now[PTX_DEVICE_NAME_SIZE];

	/* Whatever an admin bound here meanwhile is not ours to take away. */
	ptx_bind_driver_name(pdev, now, sizeof(now));
	if (strcmp(now, member->claim->driver)) {
		if (*now)
			pci_warn(pdev, "was bound to %s behind the lease, and stays there\n",
				 now);
		return PTX_UNDO_DONE;
	}
	ptx_trace_begin(pdev, "detach_vfio");
	device_release_driver(&pdev->dev);
	ptx_trace_end(pdev, "detach_vfio");
	return PTX_UNDO_DONE;
}

static void ptx_attach_free(struct ptx_entry *entry)
{
	kfree(container_of(entry, struct ptx_attach_entry, entry));
}

static const struct ptx_step ptx_attach_step = {
	.doing = "attaching the VFIO driver",
	.undoing = "detaching the VFIO driver",
	.undo = ptx_attach_undo,
	.free = ptx_attach_free,
};

/*
 * The override lets only the driver asked for match, and the driver core looks
 * it up itself: a pointer from driver_find() would carry no reference.
 *
 * A device that has just appeared is on the bus before the PCI core has given
 * it its resources; until then no driver matches it, and nobody is told when
 * that ends. So if none was even tried, try again, as long as we are wanted.
 */
static int ptx_bind_attach(struct ptx_member *member)
{
	struct ptx_claim *claim = member->claim;
	int ret;

	for (;;) {
		WRITE_ONCE(member->probed, false);
		ret = device_attach(&member->pdev->dev);
		if (ret || READ_ONCE(member->probed) || READ_ONCE(member->gone) ||
		    READ_ONCE(claim->state) != PTX_MEMBER_STATE_BUILDING ||
		    !driver_find(claim->driver, &pci_bus_type))
			return ret;
		msleep(PTX_READY_POLL_MS);
	}
}

static int ptx_bind_attach_vfio(struct ptx_member *member)
{
	struct ptx_claim *claim = member->claim;
	struct pci_dev *pdev = member->pdev;
	struct ptx_attach_entry *e;
	bool bound, vfio = false;
	int ret;

	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	e->member = member;
	ptx_journal_reserve(&claim->journal, &e->entry, &ptx_attach_step);

	ptx_trace_begin(pdev, "attach_vfio");
	ret = ptx_bind_attach(member);
	ptx_trace_end(pdev, "attach_vfio");

	device_lock(&pdev->dev);
	bound = pdev->dev.driver && !strcmp(pdev->dev.driver->name, claim->driver);
	if (bound)
		vfio = to_pci_driver(pdev->dev.driver)->driver_managed_dma;
	device_unlock(&pdev->dev);
	if (bound) {
		claim->attached = true;
		ptx_journal_arm(&claim->journal, &e->entry);
	}
	if (bound && vfio)
		return 0;

	strscpy(claim->fault.culprit, pci_name(pdev));
	if (READ_ONCE(member->gone)) {
		claim->fault.reason = PTX_REASON_GONE;
		return -ENODEV;
	}
	/* Ours refused it; of another name, nothing took it, or no VFIO driver. */
	claim->fault.reason = ptx_vfio_is_ours(claim->driver) ?
			      PTX_REASON_ATTACH_FAILED : PTX_REASON_BAD_DRIVER;
	return ret < 0 ? ret : -EIO;
}

/* The first of the steps below that comes after the native driver was released. */
#define PTX_BIND_RELEASED	2
/* And the first of those that give it a driver. */
#define PTX_BIND_ATTACH		5

/**
 * ptx_bind_detach() - take all members of a claim from the VFIO driver, and no more
 * @claim: its journal belongs to the caller
 *
 * The devices are reset, and no driver gets them. Whoever had a VFIO file of their
 * group has a dead one then. Undone by ptx_bind_take(), or by ptx_bind_return().
 *
 * Return: as ptx_journal_unwind_step().
 */
enum ptx_undo ptx_bind_detach(struct ptx_claim *claim)
{
	enum ptx_undo undo;

	ptx_journal_unwind_step(&claim->journal, &ptx_attach_step);
	/* Where it did not get as far, a native driver may still have one. */
	if (claim->attached || claim->rest.still)
		ptx_bus_rest(claim);
	undo = ptx_journal_unwind_step(&claim->journal, &ptx_reset_step);
	if (undo != PTX_UNDO_QUARANTINED)
		ptx_bus_done(claim);
	return undo;
}

/**
 * ptx_bind_return() - let the host have the devices of a claim again
 * @claim: after ptx_bind_detach(), which did not say PTX_UNDO_QUARANTINED
 *
 * Return: as ptx_journal_unwind().
 */
enum ptx_undo ptx_bind_return(struct ptx_claim *claim)
{
	ptx_bus_move(claim);
	return ptx_journal_unwind(&claim->journal);
}

/**
 * ptx_bind_take() - move all members of a claim to the VFIO driver
 * @claim: claimed; its journal belongs to the caller. One that has been on it is
 *	detached first.
 *
 * Undone by unwinding the journal, which the caller does also on failure.
 *
 * Return: 0, -ENOMEM, -ENODEV when a device vanished, -EIO when the VFIO
 * driver refused; @claim->fault says which device and why.
 */
int ptx_bind_take(struct ptx_claim *claim)
{
	static int (*const steps[])(struct ptx_member *member) = {
		ptx_bind_settings,
		ptx_bind_release_native,
		ptx_reset_narrow,
		ptx_reset_first,
		ptx_rom_check,
		ptx_bind_attach_vfio,
		ptx_reset_learn,
	};
	struct ptx_member *member;
	unsigned int i = 0;
	int ret;

	if (!ptx_claim_is_untouched(claim)) {
		if (ptx_bind_detach(claim) == PTX_UNDO_QUARANTINED || claim->fault.reason)
			return -EIO;
		i = PTX_BIND_RELEASED;
	}
	for (; i < ARRAY_SIZE(steps); i++) {
		if (i == PTX_BIND_RELEASED)
			ptx_bus_rest(claim);
		if (i == PTX_BIND_ATTACH) {
			ptx_bus_done(claim);
			ptx_bus_move(claim);
		}
		ptx_for_each_member(member, claim) {
			if (READ_ONCE(member->gone)) {
				strscpy(claim->fault.culprit,
					pci_name(member->pdev));
				claim->fault.reason = PTX_REASON_GONE;
				return -ENODEV;
			}
			if (READ_ONCE(claim->state) != PTX_MEMBER_STATE_BUILDING)
				return -ECANCELED;
			WRITE_ONCE(claim->at, member);
			ret = steps[i](member);
			if (ret) {
				if (ret == -ENOMEM)
					claim->fault.reason = PTX_REASON_NO_MEMORY;
				return ret;
			}
		}
	}
	return 0;
}
