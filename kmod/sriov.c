// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual functions on demand: a physical function that stays the host's gets as many
 * as a request wants, through its own driver, and loses them with the last lease that
 * has one. Those that somebody else has enabled are used, and left as they are.
 *
 * Enabling and disabling takes as long as the driver wants: a work item does it, for
 * each physical function that is in use. A virtual function that appears is kept from
 * native drivers by its override, which is set before any driver can match it.
 */
#include <linux/bitmap.h>
#include <linux/ctype.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "catalog.h"
#include "claim.h"
#include "compat/driver_override.h"
#include "journal.h"
#include "lease.h"
#include "ptx_main.h"
#include "sriov.h"
#include "vfio_pci.h"

/**
 * enum ptx_pf_state - what a physical function has
 * @PTX_PF_OFF: no virtual functions
 * @PTX_PF_ON: virtual functions
 * @PTX_PF_FAILED: none, as its driver could not
 */
enum ptx_pf_state {
	PTX_PF_OFF,
	PTX_PF_ON,
	PTX_PF_FAILED,
};

/**
 * struct ptx_pf - a physical function whose virtual ones are wanted
 * @ref: one of the list, one for each who has or waits for one
 * @node: in the list
 * @gone: and no longer: nobody wants any, and ours are disabled
 * @pdev: the function; a reference
 * @work: enables and disables
 * @users: how many of them are wanted
 * @state: changed by the work, or before anybody else knows of it
 * @ours: we enabled them
 * @enabling: those that appear are ours
 * @wanted: so many are to be enabled
 * @error: why it failed, a negative errno
 * @total: how many it may have
 * @taken: which are, by their number
 */
struct ptx_pf {
	struct kref ref;
	struct list_head node;
	bool gone;
	struct pci_dev *pdev;
	struct work_struct work;
	u32 users;
	enum ptx_pf_state state;
	bool ours;
	bool enabling;
	u32 wanted;
	int error;
	u32 total;
	unsigned long taken[];
};

/**
 * struct ptx_vf_entry - a virtual function that is taken; the first entry of a journal
 * @entry: undone last
 * @pf: of which; a reference, and one of its users
 * @id: which of them
 */
struct ptx_vf_entry {
	struct ptx_entry entry;
	struct ptx_pf *pf;
	u32 id;
};

/* Protects the list and what is in it. A leaf, below the lock of a device. */
static DEFINE_MUTEX(ptx_pfs_lock);
static LIST_HEAD(ptx_pfs);
static DECLARE_WAIT_QUEUE_HEAD(ptx_pfs_wait);

static void ptx_pf_release(struct kref *ref)
{
	struct ptx_pf *pf = container_of(ref, struct ptx_pf, ref);

	pci_dev_put(pf->pdev);
	kfree(pf);
}

static void ptx_pf_put(struct ptx_pf *pf)
{
	kref_put(&pf->ref, ptx_pf_release);
}

static struct ptx_pf *ptx_pf_find(struct pci_dev *pdev)
{
	struct ptx_pf *pf;

	lockdep_assert_held(&ptx_pfs_lock);
	list_for_each_entry(pf, &ptx_pfs, node)
		if (pf->pdev == pdev)
			return pf;
	return NULL;
}

/*
 * What sysfs does, by its own function: it knows which locks the kernel wants, which
 * differs, and without which hot plug may find the same device twice.
 */
static ssize_t ptx_pf_write(struct pci_dev *pdev, u32 nr)
{
	const struct attribute_group **group = pdev->dev.type->groups;
	struct device_attribute *numvfs;
	struct attribute **attr;
	char text[16];

	for (; group && *group; group++)
		for (attr = (*group)->attrs; attr && *attr; attr++) {
			if (strcmp((*attr)->name, "sriov_numvfs"))
				continue;
			numvfs = container_of(*attr, struct device_attribute, attr);
			return numvfs->store(&pdev->dev, numvfs, text,
					     scnprintf(text, sizeof(text), "%u\n", nr));
		}
	return -ENOENT;
}

static int ptx_pf_configure(struct ptx_pf *pf, u32 nr)
{
	ssize_t ret;

	/* Somebody was faster, or has taken them away: then they are not ours. */
	pf->ours = false;
	if (!!pci_num_vf(pf->pdev) == !!nr)
		return 0;
	WRITE_ONCE(pf->enabling, nr);
	ret = ptx_pf_write(pf->pdev, nr);
	WRITE_ONCE(pf->enabling, false);
	if (ret == -EBUSY && nr && pci_num_vf(pf->pdev))
		return 0;
	if (ret >= 0 && nr && !pci_num_vf(pf->pdev))
		ret = -EIO;
	pf->ours = ret >= 0 && nr;
	return ret < 0 ? ret : 0;
}

static void ptx_pf_work(struct work_struct *work)
{
	struct ptx_pf *pf = container_of(work, struct ptx_pf, work);
	bool enable, disable;
	int ret;

	mutex_lock(&ptx_pfs_lock);
	for (;;) {
		enable = pf->users && pf->state == PTX_PF_OFF;
		disable = !pf->users && pf->state == PTX_PF_ON && pf->ours;
		if (!enable && !disable)
			break;
		mutex_unlock(&ptx_pfs_lock);
		ret = ptx_pf_configure(pf, enable ? pf->wanted : 0);
		if (ret && !enable)
			pci_err(pf->pdev, "its virtual functions cannot be disabled (%d)\n", ret);
		mutex_lock(&ptx_pfs_lock);
		pf->error = ret;
		WRITE_ONCE(pf->state, disable ? PTX_PF_OFF : ret ? PTX_PF_FAILED : PTX_PF_ON);
		wake_up_all(&ptx_pfs_wait);
	}
	if (!pf->users && !pf->gone) {
		WRITE_ONCE(pf->gone, true);
		list_del(&pf->node);
		ptx_pf_put(pf);
	}
	mutex_unlock(&ptx_pfs_lock);
	wake_up_all(&ptx_pfs_wait);
	/* That of whoever started us. */
	ptx_pf_put(pf);
}

static void ptx_pf_start(struct ptx_pf *pf)
{
	kref_get(&pf->ref);
	if (ptx_inline)
		ptx_pf_work(&pf->work);
	else if (!queue_work(ptx_wq, &pf->work))
		ptx_pf_put(pf);
}

/*
 * One more user; a function that has none yet is to have @nr virtual ones. -EAGAIN, with
 * @last, if those that it has are being disabled, as its last user has gone.
 */
static struct ptx_pf *ptx_pf_use(struct pci_dev *pdev, u32 nr, bool may_enable,
				 struct ptx_pf **last)
{
	u32 total = pci_sriov_get_totalvfs(pdev);
	struct ptx_pf *pf, *made;

	made = kzalloc(struct_size(made, taken, BITS_TO_LONGS(total)), GFP_KERNEL);
	if (!made)
		return ERR_PTR(-ENOMEM);
	kref_init(&made->ref);
	INIT_LIST_HEAD(&made->node);
	INIT_WORK(&made->work, ptx_pf_work);
	made->pdev = pci_dev_get(pdev);
	made->total = total;
	made->wanted = nr;
	made->state = pci_num_vf(pdev) ? PTX_PF_ON : PTX_PF_OFF;
	mutex_lock(&ptx_pfs_lock);
	pf = ptx_pf_find(pdev);
	if (!pf && (may_enable || made->state == PTX_PF_ON)) {
		pf = made;
		kref_get(&pf->ref);
		list_add_tail(&pf->node, &ptx_pfs);
	}
	if (pf)
		kref_get(&pf->ref);
	if (pf && pf != made && !pf->users)
		*last = pf;
	else if (pf)
		WRITE_ONCE(pf->users, pf->users + 1);
	mutex_unlock(&ptx_pfs_lock);
	ptx_pf_put(made);
	if (*last)
		return ERR_PTR(-EAGAIN);
	if (pf)
		ptx_pf_start(pf);
	return pf ?: ERR_PTR(-EPERM);
}

/* Undoes ptx_pf_use(). */
static void ptx_pf_unuse(struct ptx_pf *pf)
{
	bool last;

	mutex_lock(&ptx_pfs_lock);
	last = pf->users == 1;
	WRITE_ONCE(pf->users, pf->users - 1);
	mutex_unlock(&ptx_pfs_lock);
	if (last)
		ptx_pf_start(pf);
	ptx_pf_put(pf);
}

/* Asked by who is about to sleep: without a lock. */
static bool ptx_pf_is_settled(struct ptx_pf *pf)
{
	return READ_ONCE(pf->users) ? READ_ONCE(pf->state) != PTX_PF_OFF : READ_ONCE(pf->gone);
}

/* Until it has virtual functions, or nobody wants them and it has none. */
static long ptx_pf_wait(struct ptx_pf *pf, unsigned long deadline)
{
	return wait_event_killable_timeout(ptx_pfs_wait, ptx_pf_is_settled(pf),
					   max(1L, (long)(deadline - jiffies)));
}

/* The same, after those that are being disabled. */
static struct ptx_pf *ptx_pf_use_wait(struct pci_dev *pdev, u32 nr, bool may_enable,
				      unsigned long deadline)
{
	struct ptx_pf *pf, *last;
	long left = 1;

	do {
		last = NULL;
		pf = ptx_pf_use(pdev, nr, may_enable, &last);
		if (last) {
			left = ptx_pf_wait(last, deadline);
			ptx_pf_put(last);
		}
	} while (last && left > 0);
	if (last)
		return ERR_PTR(left < 0 ? -EINTR : -ETIMEDOUT);
	return pf;
}

/* Does a request want just this one, by its address? */
static bool ptx_sriov_is_named(const struct ptx_add *add, struct pci_dev *vf)
{
	u32 i;

	for (i = 0; i < add->nr_devices; i++)
		if (!strcmp(add->devices[i].name, pci_name(vf)))
			return true;
	return false;
}

/* One that nobody has: rather one without a driver. */
static struct pci_dev *ptx_pf_pick(struct ptx_pf *pf, const struct ptx_add *add, u32 *id)
{
	struct pci_dev *vf = NULL, *found = NULL;
	int vf_id;

	mutex_lock(&ptx_pfs_lock);
	for_each_pci_dev(vf) {
		if (!vf->is_virtfn || pci_physfn(vf) != pf->pdev)
			continue;
		vf_id = pci_iov_vf_id(vf);
		if (vf_id < 0 || vf_id >= pf->total || test_bit(vf_id, pf->taken) ||
		    ptx_device_is_claimed(vf) || ptx_sriov_is_named(add, vf) || (found && vf->dev.driver))
			continue;
		pci_dev_put(found);
		found = pci_dev_get(vf);
		*id = vf_id;
		if (!vf->dev.driver) {
			pci_dev_put(vf);
			break;
		}
	}
	if (found)
		__set_bit(*id, pf->taken);
	mutex_unlock(&ptx_pfs_lock);
	return found;
}

/**
 * ptx_sriov_is_name() - does a request want any virtual function of a device
 * @name: what it says
 *
 * Return: true if that is no device's address.
 */
bool ptx_sriov_is_name(const char *name)
{
	return !strncmp(name, PTX_SRIOV_PREFIX, strlen(PTX_SRIOV_PREFIX));
}

/**
 * struct ptx_vf_name - what a request says
 * @pf: the address of the physical function
 * @reserve: so many are to be enabled at least, if any have to be
 */
struct ptx_vf_name {
	char pf[PTX_DEVICE_NAME_SIZE];
	u32 reserve;
};

static bool ptx_sriov_parse(const char *text, struct ptx_vf_name *name)
{
	char *reserve;

	name->reserve = 0;
	if (!ptx_sriov_is_name(text))
		return false;
	strscpy(name->pf, text + strlen(PTX_SRIOV_PREFIX));
	reserve = strchr(name->pf, '/');
	if (!reserve)
		return true;
	*reserve++ = '\0';
	return isdigit(*reserve) && !kstrtou32(reserve, 10, &name->reserve) && name->reserve;
}

/* How many a request wants of one, and how many it wants there to be. */
static u32 ptx_sriov_count(const struct ptx_add *add, const char *pf)
{
	struct ptx_vf_name name;
	u32 i, nr = 0, reserve = 0;

	for (i = 0; i < add->nr_devices; i++)
		if (ptx_sriov_parse(add->devices[i].name, &name) && !strcmp(name.pf, pf)) {
			reserve = max(reserve, name.reserve);
			nr++;
		}
	return max(nr, reserve);
}

static int ptx_sriov_refuse(struct ptx_add *add, u32 reason, const char *name, int ret)
{
	ptx_blockers_add(add->blockers, reason, name, 0);
	return ret;
}

/* Waits for it to have some, and takes one. */
static int ptx_sriov_find(struct ptx_add *add, const char *name, unsigned long deadline,
			  struct ptx_pf *pf, struct ptx_vf_entry *entry,
			  struct pci_dev **vf)
{
	long left = ptx_pf_wait(pf, deadline);

	if (left < 0)
		return ptx_sriov_refuse(add, PTX_REASON_INTERRUPTED, name, -EINTR);
	if (!left)
		return ptx_sriov_refuse(add, PTX_REASON_TIMEOUT, name, -ETIMEDOUT);
	if (pf->state == PTX_PF_FAILED)
		return ptx_sriov_refuse(add, pf->error == -ENOENT ? PTX_REASON_NO_SRIOV :
					PTX_REASON_VF_FAILED, name, -EIO);
	*vf = ptx_pf_pick(pf, add, &entry->id);
	if (!*vf)
		return ptx_sriov_refuse(add, PTX_REASON_VFS_USED_UP, name, -EBUSY);
	entry->pf = pf;
	return 0;
}

/**
 * ptx_sriov_take() - find a virtual function that nobody has
 * @add: the request; its blockers say why there is none
 * @name: PTX_SRIOV_PREFIX and the address of the physical one; and maybe a slash, and
 *	how many there should be if it has none yet
 * @deadline: in jiffies; waits killably for its driver until then
 * @entry: gets what ptx_sriov_enter() or ptx_sriov_drop() wants
 *
 * Return: the device, referenced, or an error.
 */
struct pci_dev *ptx_sriov_take(struct ptx_add *add, const char *name,
			       unsigned long deadline, struct ptx_vf_entry **entry)
{
	struct ptx_vf_name wanted = {};
	bool ok = ptx_sriov_parse(name, &wanted);
	const char *address = wanted.pf;
	u32 nr = ptx_sriov_count(add, address);
	struct pci_dev *pdev, *vf;
	struct ptx_pf *pf;
	int ret;

	pdev = ok ? ptx_catalog_find(address) : NULL;
	if (!pdev)
		return ERR_PTR(ptx_sriov_refuse(add, PTX_REASON_NO_DEVICE,
						ok ? address : name, -ENODEV));
	*entry = kzalloc(sizeof(**entry), GFP_KERNEL);
	if (!*entry) {
		ret = -ENOMEM;
		goto out_put;
	}
	if (!pci_sriov_get_totalvfs(pdev)) {
		ret = ptx_sriov_refuse(add, PTX_REASON_NO_SRIOV, address, -EOPNOTSUPP);
		goto err_free;
	}
	if (nr > pci_sriov_get_totalvfs(pdev)) {
		ret = ptx_sriov_refuse(add, PTX_REASON_VFS_USED_UP, address, -EBUSY);
		goto err_free;
	}
	/* What a grant is for is leasing, and not changing what the host has. */
	pf = ptx_pf_use_wait(pdev, nr, !add->needs_grant, deadline);
	if (IS_ERR(pf)) {
		ret = PTR_ERR(pf);
		if (ret != -ENOMEM)
			ptx_sriov_refuse(add, ret == -EPERM ? PTX_REASON_NO_RIGHT :
					 ret == -EINTR ? PTX_REASON_INTERRUPTED :
					 PTX_REASON_TIMEOUT, address, ret);
		goto err_free;
	}
	ret = ptx_sriov_find(add, address, deadline, pf, *entry, &vf);
	pci_dev_put(pdev);
	if (!ret)
		return vf;
	kref_get(&pf->ref);
	ptx_pf_unuse(pf);
	ptx_sriov_wait(pf, deadline);
	kfree(*entry);
	return ERR_PTR(ret);

err_free:
	kfree(*entry);
out_put:
	pci_dev_put(pdev);
	return ERR_PTR(ret);
}

static void ptx_vf_untake(struct ptx_vf_entry *entry)
{
	mutex_lock(&ptx_pfs_lock);
	__clear_bit(entry->id, entry->pf->taken);
	mutex_unlock(&ptx_pfs_lock);
	ptx_pf_unuse(entry->pf);
}

/**
 * ptx_sriov_drop() - undo ptx_sriov_take(), where there is no claim
 * @entry: what that gave; it is freed
 * @deadline: in jiffies; waits killably until then for what was enabled to be disabled
 */
void ptx_sriov_drop(struct ptx_vf_entry *entry, unsigned long deadline)
{
	struct ptx_pf *pf = entry->pf;

	kref_get(&pf->ref);
	ptx_vf_untake(entry);
	kfree(entry);
	ptx_sriov_wait(pf, deadline);
}

static enum ptx_undo ptx_vf_undo(struct ptx_entry *entry)
{
	ptx_vf_untake(container_of(entry, struct ptx_vf_entry, entry));
	return PTX_UNDO_DONE;
}

static void ptx_vf_entry_free(struct ptx_entry *entry)
{
	kfree(container_of(entry, struct ptx_vf_entry, entry));
}

static const struct ptx_step ptx_vf_step = {
	.doing = "enabling virtual functions",
	.undoing = "giving up a virtual function",
	.undo = ptx_vf_undo,
	.free = ptx_vf_entry_free,
};

/**
 * ptx_sriov_enter() - a claim has what ptx_sriov_take() found
 * @claim: newly made
 * @entry: what that gave; the claim's journal takes it over
 */
void ptx_sriov_enter(struct ptx_claim *claim, struct ptx_vf_entry *entry)
{
	ptx_journal_preface(&claim->journal, &entry->entry, &ptx_vf_step);
	if (claim->pf)
		return;
	kref_get(&entry->pf->ref);
	claim->pf = entry->pf;
}

/**
 * ptx_sriov_put() - a claim that had virtual functions is no more
 * @claim: the claim
 */
void ptx_sriov_put(struct ptx_claim *claim)
{
	if (claim->pf)
		ptx_pf_put(claim->pf);
}

/**
 * ptx_sriov_pf() - whose virtual functions a claim has
 * @claim: the claim
 *
 * Undone by ptx_sriov_wait().
 *
 * Return: the physical function, referenced; NULL for others.
 */
struct ptx_pf *ptx_sriov_pf(struct ptx_claim *claim)
{
	if (claim->pf)
		kref_get(&claim->pf->ref);
	return claim->pf;
}

/**
 * ptx_sriov_wait() - wait until virtual functions are disabled, if nobody has any
 * @pf: whose; the reference is dropped. Nothing happens for NULL
 * @deadline: in jiffies; until then
 */
void ptx_sriov_wait(struct ptx_pf *pf, unsigned long deadline)
{
	if (!pf)
		return;
	ptx_pf_wait(pf, deadline);
	ptx_pf_put(pf);
}

static int ptx_sriov_bus_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct pci_dev *vf = to_pci_dev((struct device *)data);
	bool ours = false;
	struct ptx_pf *pf;

	if (action != BUS_NOTIFY_ADD_DEVICE || !vf->is_virtfn)
		return NOTIFY_DONE;
	mutex_lock(&ptx_pfs_lock);
	pf = ptx_pf_find(pci_physfn(vf));
	ours = pf && READ_ONCE(pf->enabling);
	mutex_unlock(&ptx_pfs_lock);
	if (ours && ptx_driver_override_write(vf, PTX_VFIO_DRIVER))
		pci_warn(vf, "cannot be kept from native drivers for want of memory\n");
	return NOTIFY_OK;
}

static struct notifier_block ptx_sriov_nb = {
	.notifier_call = ptx_sriov_bus_event,
};

int ptx_sriov_init(void)
{
	return bus_register_notifier(&pci_bus_type, &ptx_sriov_nb);
}

/* Whoever had any held the module; the rest is work that has been waited for. */
void ptx_sriov_exit(void)
{
	bus_unregister_notifier(&pci_bus_type, &ptx_sriov_nb);
}
