// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx-vfio-pci: a thin VFIO variant driver over vfio-pci-core.
 *
 * It takes only a device whose claim is being built, opens it only for the
 * lease's owner (and, if the lease is bound to a process, only for that
 * process and its descendants), and tells the lease when VFIO's users come and
 * go. A file passed on after the open carries access with it, as everywhere in
 * Unix. Probe, remove and every op run under locks of the driver core or VFIO
 * and take nothing of ours but the lease's state_lock; remove also the device's
 * own lock, which whoever cuts it holds for a moment.
 */
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pid.h>
#include <linux/pm_runtime.h>
#include <linux/sched.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include <linux/vfio_pci_core.h>

#include "access.h"
#include "domain.h"
#include "events.h"
#include "iommufd.h"
#include "lease.h"
#include "space.h"
#include "vfio_pci.h"

/**
 * struct ptx_vfio_device - a device on ptx-vfio-pci
 * @core: first, as vfio-pci-core demands
 * @member: what it is in a lease; a reference
 * @srcu: every op runs in a section of it, and looks at @cut first
 * @cut: nobody gets anything from it any more; never false again
 * @lock: whoever cuts it, against its removal. A leaf, but for vfio-pci-core's
 *	memory_lock.
 * @removed: it is no longer ours to touch
 * @attached: which space it was attached to through its character device; a
 *	reference, under the lock of its device set
 * @blank: what its BARs look like from then on: all ones, until written to
 */
struct ptx_vfio_device {
	struct vfio_pci_core_device core;
	struct ptx_member *member;
	struct srcu_struct srcu;
	bool cut;
	struct mutex lock;
	bool removed;
	struct ptx_space *attached;
	struct page *blank;
};

static struct ptx_vfio_device *ptx_vfio_device(struct vfio_device *vdev)
{
	return container_of(vdev, struct ptx_vfio_device, core.vdev);
}

/* Nobody has it open any more. */
static void ptx_vfio_closed(struct ptx_member *member)
{
	struct ptx_lease *lease = ptx_claim_lock(member->claim);
	struct pid *opener;

	member->opened = false;
	opener = member->opener;
	member->opener = NULL;
	ptx_lease_get(lease);
	ptx_claim_unlock(lease);
	put_pid(opener);
	wake_up_all(&lease->wait);
	ptx_lease_put(lease);
}

/*
 * Carries out one call into vfio-pci-core, unless the device has been cut. The
 * result is @dead then, which is outside of the section: it may copy to memory
 * that its VMM keeps us waiting for, and nobody shall wait for that.
 */
#define ptx_vfio_unless_cut(pv, dead, call) ({				\
	int idx_ = srcu_read_lock(&(pv)->srcu);				\
	bool cut_ = READ_ONCE((pv)->cut);				\
	typeof(call) ret_ = 0;						\
									\
	if (!cut_)							\
		ret_ = (call);						\
	srcu_read_unlock(&(pv)->srcu, idx_);				\
	if (cut_)							\
		ret_ = (dead);						\
	ret_;								\
})

/* Whoever opens it may reach by DMA what the lease's space maps, and nothing else. */
static bool ptx_vfio_dma_is_ours(struct vfio_device *vdev, struct ptx_lease *lease)
{
	struct iommu_group *group;
	bool ours;

	if (!lease->space)
		return true;
#if IS_ENABLED(CONFIG_IOMMUFD)
	/* Nothing is attached yet, and nothing but the space will be. */
	if (vdev->iommufd_device)
		return true;
#endif
	group = iommu_group_get(vdev->dev);
	ours = group && ptx_domain_of(lease->space, group);
	iommu_group_put(group);
	if (!ours)
		dev_notice_ratelimited(vdev->dev, "its lease has a DMA space, and another IOMMU back end was asked for: use /dev/vfio/vfio with type1v2, or a lease without a space\n");
	return ours;
}

static int ptx_vfio_open_device(struct vfio_device *vdev)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);
	struct ptx_member *member = pv->member;
	struct ptx_lease *lease = ptx_claim_lease(member->claim);
	int ret = -EACCES;
	bool may;

	may = ptx_may_open(lease) && ptx_vfio_dma_is_ours(vdev, lease);
	spin_lock(&lease->state_lock);
	/*
	 * Not while it is being removed: VFIO would let somebody in. Nor for what
	 * one was of the lease that had it a moment ago.
	 */
	if (may && lease->state == PTX_LEASE_STATE_ACTIVE && member->vfio == pv &&
	    member->claim->lease == lease &&
	    member->claim->state == PTX_MEMBER_STATE_READY) {
		member->opened = true;
		member->opener = get_pid(task_tgid(current));
		ret = 0;
	}
	spin_unlock(&lease->state_lock);
	ptx_lease_put(lease);
	if (ret)
		return ret;

	ret = vfio_pci_core_enable(&pv->core);
	if (ret) {
		ptx_vfio_closed(member);
		return ret;
	}
	vfio_pci_core_finish_enable(&pv->core);
	ptx_event_member(PTX_EVENT_MEMBER_OPENED, member, PTX_REASON_NONE);
	return 0;
}

/* No other device of the lease reaches its BARs any more. */
static void ptx_vfio_drop_bars(struct ptx_vfio_device *pv)
{
	struct ptx_lease *lease = ptx_claim_lease(pv->member->claim);

	if (lease->space)
		ptx_space_drop_bar(lease->space, pv);
	ptx_lease_put(lease);
}

static void ptx_vfio_close_device(struct vfio_device *vdev)
{
	struct ptx_member *member = ptx_vfio_device(vdev)->member;

	/* Nobody is to write to registers that nobody has. */
	ptx_vfio_drop_bars(ptx_vfio_device(vdev));
	vfio_pci_core_close_device(vdev);
	ptx_event_member(PTX_EVENT_MEMBER_CLOSED, member, PTX_REASON_NONE);
	ptx_vfio_closed(member);
}

static long ptx_vfio_ioctl(struct vfio_device *vdev, unsigned int cmd,
			   unsigned long arg)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);

	/*
	 * An ioeventfd writes to the device behind our back, also to one that has
	 * been cut and does not decode memory, which some hosts do not survive.
	 */
	if (cmd == VFIO_DEVICE_IOEVENTFD)
		return -ENOTTY;
	return ptx_vfio_unless_cut(pv, -ENODEV, vfio_pci_core_ioctl(vdev, cmd, arg));
}

#ifdef PTX_HAVE_GET_REGION_INFO_CAPS
static int ptx_vfio_get_region_info(struct vfio_device *vdev,
				    struct vfio_region_info *info,
				    struct vfio_info_cap *caps)
{
	return ptx_vfio_unless_cut(ptx_vfio_device(vdev), -ENODEV,
				   vfio_pci_ioctl_get_region_info(vdev, info, caps));
}
#endif

static int ptx_vfio_feature(struct vfio_device *vdev, u32 flags, void __user *arg,
			    size_t size)
{
	return ptx_vfio_unless_cut(ptx_vfio_device(vdev), -ENODEV,
			vfio_pci_core_ioctl_feature(vdev, flags, arg, size));
}

/*
 * What a device that was pulled reads as. But for its interrupt pin: QEMU ends in
 * an assertion when that is none of those there are, and 0 is none at all.
 */
static ssize_t ptx_vfio_blank_read(char __user *buf, size_t count, loff_t *pos)
{
	loff_t pin = VFIO_PCI_INDEX_TO_OFFSET(VFIO_PCI_CONFIG_REGION_INDEX) +
		     PCI_INTERRUPT_PIN;
	u8 ones[64];
	size_t n;

	n = min(count, sizeof(ones));
	memset(ones, 0xff, n);
	if (*pos <= pin && pin - *pos < n)
		ones[pin - *pos] = 0;
	if (copy_to_user(buf, ones, n))
		return -EFAULT;
	*pos += n;
	return n;
}

static ssize_t ptx_vfio_read(struct vfio_device *vdev, char __user *buf,
			     size_t count, loff_t *pos)
{
	return ptx_vfio_unless_cut(ptx_vfio_device(vdev),
				   ptx_vfio_blank_read(buf, count, pos),
				   vfio_pci_core_read(vdev, buf, count, pos));
}

/* Nothing can refuse what is written to it any more, and nothing takes it. */
static ssize_t ptx_vfio_blank_write(size_t count, loff_t *pos)
{
	count = min_t(size_t, count, MAX_RW_COUNT);
	*pos += count;
	return count;
}

static ssize_t ptx_vfio_write(struct vfio_device *vdev, const char __user *buf,
			      size_t count, loff_t *pos)
{
	return ptx_vfio_unless_cut(ptx_vfio_device(vdev),
				   ptx_vfio_blank_write(count, pos),
				   vfio_pci_core_write(vdev, buf, count, pos));
}

/*
 * vfio-pci-core's operations on a mapped BAR; it has only one set of them. Set
 * before the first of our own is in use.
 */
static const struct vm_operations_struct *ptx_vfio_core_vm_ops;

static struct ptx_vfio_device *ptx_vfio_of_vma(struct vm_area_struct *vma)
{
	struct vfio_pci_core_device *core = vma->vm_private_data;

	return container_of(core, struct ptx_vfio_device, core);
}

/*
 * A guest that reads a register must see what a device that is gone looks like,
 * and not lose its VM to a bus error. What it writes goes to a page that nobody
 * else has, and that goes when the file is closed.
 */
static vm_fault_t ptx_vfio_blank_fault(struct vm_fault *vmf)
{
	struct ptx_vfio_device *pv = ptx_vfio_of_vma(vmf->vma);

	return vmf_insert_pfn_prot(vmf->vma, vmf->address, page_to_pfn(pv->blank),
				   vm_get_page_prot(vmf->vma->vm_flags));
}

static vm_fault_t ptx_vfio_fault(struct vm_fault *vmf)
{
	return ptx_vfio_unless_cut(ptx_vfio_of_vma(vmf->vma),
				   ptx_vfio_blank_fault(vmf),
				   ptx_vfio_core_vm_ops->fault(vmf));
}

static vm_fault_t ptx_vfio_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	if (!ptx_vfio_core_vm_ops->huge_fault)
		return VM_FAULT_FALLBACK;
	return ptx_vfio_unless_cut(ptx_vfio_of_vma(vmf->vma),
				   (vm_fault_t)VM_FAULT_FALLBACK,
				   ptx_vfio_core_vm_ops->huge_fault(vmf, order));
}

static const struct vm_operations_struct ptx_vfio_vm_ops = {
	.fault		= ptx_vfio_fault,
	.huge_fault	= ptx_vfio_huge_fault,
};

static int ptx_vfio_map(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);
	int ret;

	/* Regions beyond the fixed ones are mapped in ways we know nothing of. */
	if (vma->vm_pgoff >> (VFIO_PCI_OFFSET_SHIFT - PAGE_SHIFT) >=
	    VFIO_PCI_ROM_REGION_INDEX)
		return -EINVAL;
	ret = vfio_pci_core_mmap(vdev, vma);
	if (ret)
		return ret;
	/* One that maps at once, or keeps count, could not be taken back. */
	if (WARN_ON_ONCE(!vma->vm_ops || !vma->vm_ops->fault || vma->vm_ops->open ||
			 vma->vm_ops->close || vma->vm_private_data != &pv->core))
		return -EINVAL;
	WRITE_ONCE(ptx_vfio_core_vm_ops, vma->vm_ops);
	vma->vm_ops = &ptx_vfio_vm_ops;
	return 0;
}

/**
 * ptx_vfio_bar_of() - is memory of the caller the BAR of a device, and of which
 * @space: of the lease that the device must be in
 * @vaddr: address of the memory
 * @size: its size in bytes; all of it must be in one mapping of the BAR
 * @write: it is to be written
 * @pfn: gets its first frame
 *
 * Undone by ptx_vfio_bar_put().
 *
 * Return: the device; NULL for other memory, and for a device that is cut.
 */
struct ptx_vfio_device *ptx_vfio_bar_of(struct ptx_space *space, unsigned long vaddr,
					unsigned long size, bool write, unsigned long *pfn)
{
	const unsigned int index_shift = VFIO_PCI_OFFSET_SHIFT - PAGE_SHIFT;
	struct ptx_vfio_device *pv = NULL;
	struct vm_area_struct *vma;
	struct ptx_lease *lease;
	bool ours;

	mmap_read_lock(current->mm);
	vma = vma_lookup(current->mm, vaddr);
	if (vma && vma->vm_ops == &ptx_vfio_vm_ops && size <= vma->vm_end - vaddr &&
	    (!write || vma->vm_flags & VM_WRITE)) {
		pv = ptx_vfio_of_vma(vma);
		lease = ptx_claim_lease(pv->member->claim);
		ours = lease->space == space && !READ_ONCE(pv->cut);
		ptx_lease_put(lease);
		if (!ours)
			pv = NULL;
	}
	if (pv) {
		get_device(&pv->core.vdev.device);
		*pfn = PHYS_PFN(pci_resource_start(pv->core.pdev,
						   vma->vm_pgoff >> index_shift)) +
		       (vma->vm_pgoff & (BIT(index_shift) - 1)) +
		       ((vaddr - vma->vm_start) >> PAGE_SHIFT);
	}
	mmap_read_unlock(current->mm);
	return pv;
}

/**
 * ptx_vfio_bar_put() - undo ptx_vfio_bar_of()
 * @pv: the device, or NULL. May sleep
 */
void ptx_vfio_bar_put(struct ptx_vfio_device *pv)
{
	if (pv)
		put_device(&pv->core.vdev.device);
}

/**
 * ptx_vfio_is_cut() - has a device been cut, or has it gone
 * @pv: the device
 *
 * Return: true if so.
 */
bool ptx_vfio_is_cut(struct ptx_vfio_device *pv)
{
	return READ_ONCE(pv->cut);
}

static int ptx_vfio_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	return ptx_vfio_unless_cut(ptx_vfio_device(vdev), -ENODEV,
				   ptx_vfio_map(vdev, vma));
}

#if IS_ENABLED(CONFIG_IOMMUFD)
static int ptx_vfio_attach_ioas(struct vfio_device *vdev, u32 *pt_id)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);
	struct ptx_lease *lease = ptx_claim_lease(pv->member->claim);
	int ret;

	ret = ptx_iommufd_attach(vdev, lease->space, &pv->attached, pt_id);
	ptx_lease_put(lease);
	return ret;
}

static void ptx_vfio_detach_ioas(struct vfio_device *vdev)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);

	if (pv->attached)
		ptx_iommufd_detach(vdev, &pv->attached);
	else
		vfio_iommufd_physical_detach_ioas(vdev);
}

static void ptx_vfio_unbind_iommufd(struct vfio_device *vdev)
{
	ptx_iommufd_detach(vdev, &ptx_vfio_device(vdev)->attached);
	vfio_iommufd_physical_unbind(vdev);
}
#else
#define ptx_vfio_attach_ioas		vfio_iommufd_physical_attach_ioas
#define ptx_vfio_detach_ioas		vfio_iommufd_physical_detach_ioas
#define ptx_vfio_unbind_iommufd		vfio_iommufd_physical_unbind
#endif

static int ptx_vfio_init_dev(struct vfio_device *vdev)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);
	int ret;

	pv->blank = alloc_page(GFP_KERNEL);
	if (!pv->blank)
		return -ENOMEM;
	memset(page_address(pv->blank), 0xff, PAGE_SIZE);
	mutex_init(&pv->lock);
	ret = init_srcu_struct(&pv->srcu);
	if (ret)
		goto err_free;
	ret = vfio_pci_core_init_dev(vdev);
	if (!ret)
		return 0;
	cleanup_srcu_struct(&pv->srcu);
err_free:
	__free_page(pv->blank);
	return ret;
}

static void ptx_vfio_release_device(struct vfio_device *vdev)
{
	struct ptx_vfio_device *pv = ptx_vfio_device(vdev);
	struct ptx_member *member = pv->member;

	vfio_pci_core_release_dev(vdev);
	cleanup_srcu_struct(&pv->srcu);
	mutex_destroy(&pv->lock);
	__free_page(pv->blank);
	if (member)
		ptx_member_put(member);
}

static const struct vfio_device_ops ptx_vfio_ops = {
	.name		= PTX_VFIO_DRIVER,
	.init		= ptx_vfio_init_dev,
	.release	= ptx_vfio_release_device,
	.open_device	= ptx_vfio_open_device,
	.close_device	= ptx_vfio_close_device,
	.ioctl		= ptx_vfio_ioctl,
#ifdef PTX_HAVE_GET_REGION_INFO_CAPS
	.get_region_info_caps = ptx_vfio_get_region_info,
#endif
	.device_feature = ptx_vfio_feature,
	.read		= ptx_vfio_read,
	.write		= ptx_vfio_write,
	.mmap		= ptx_vfio_mmap,
	.request	= vfio_pci_core_request,
	.match		= vfio_pci_core_match,
#ifdef PTX_HAVE_MATCH_TOKEN_UUID
	.match_token_uuid = vfio_pci_core_match_token_uuid,
#endif
	.bind_iommufd	= vfio_iommufd_physical_bind,
	.unbind_iommufd	= ptx_vfio_unbind_iommufd,
	.attach_ioas	= ptx_vfio_attach_ioas,
	.detach_ioas	= ptx_vfio_detach_ioas,
};

/**
 * ptx_vfio_set_lock() - let nobody open what VFIO has on a bus
 * @claim: on our driver
 * @bus: where a device of it is
 *
 * Sleeps while a device of the set is being opened or closed. Undone by
 * ptx_vfio_set_unlock().
 *
 * Return: a device of the set, or NULL when the claim has none there any more.
 */
struct vfio_device *ptx_vfio_set_lock(struct ptx_claim *claim, struct pci_bus *bus)
{
	struct vfio_device *vdev = NULL;
	struct ptx_member *member;
	struct ptx_lease *lease;

	lease = ptx_claim_lock(claim);
	ptx_for_each_member(member, claim)
		if (!vdev && member->vfio && member->pdev->bus == bus) {
			vdev = &member->vfio->core.vdev;
			get_device(&vdev->device);
		}
	ptx_claim_unlock(lease);
	if (vdev)
		mutex_lock(&vdev->dev_set->lock);
	return vdev;
}

/**
 * ptx_vfio_set_unlock() - undo ptx_vfio_set_lock()
 * @vdev: what that returned
 */
void ptx_vfio_set_unlock(struct vfio_device *vdev)
{
	mutex_unlock(&vdev->dev_set->lock);
	put_device(&vdev->device);
}

static void ptx_vfio_unplug(struct ptx_vfio_device *pv)
{
	struct pci_dev *pdev = pv->core.pdev;
	u16 command;

	unmap_mapping_range(pv->core.vdev.inode->i_mapping, 0, 0, true);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	if (PCI_POSSIBLE_ERROR(command))
		return;
	pci_write_config_word(pdev, PCI_COMMAND,
			      (command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
					   PCI_COMMAND_MASTER)) |
			      PCI_COMMAND_INTX_DISABLE);
}

/*
 * What a cut does to the device itself. With @settled nothing that was under way
 * can undo it any more: a reset of a device beside it, which saves and restores
 * this one's registers, holds its memory_lock meanwhile.
 */
static void ptx_vfio_silence(struct ptx_vfio_device *pv, bool settled)
{
	struct pci_dev *pdev = pv->core.pdev;

	mutex_lock(&pv->lock);
	if (!pv->removed) {
		/* Registers of one that sleeps do not take what is written. */
		pm_runtime_get_sync(&pdev->dev);
		if (settled)
			down_write(&pv->core.memory_lock);
		ptx_vfio_unplug(pv);
		if (settled)
			up_write(&pv->core.memory_lock);
		pm_runtime_put(&pdev->dev);
	}
	mutex_unlock(&pv->lock);
}

/* Waits for nobody's VMM. */
static void ptx_vfio_cut_now(struct ptx_vfio_device *pv)
{
	WRITE_ONCE(pv->cut, true);
	ptx_vfio_silence(pv, false);
	ptx_vfio_drop_bars(pv);
}

/* Waits for the calls that were under way, and for what they brought back. */
static void ptx_vfio_cut_off(struct ptx_vfio_device *pv)
{
	synchronize_srcu_expedited(&pv->srcu);
	ptx_vfio_silence(pv, true);
}

static int ptx_vfio_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ptx_vfio_device *pv;
	struct ptx_member *member;
	struct ptx_lease *lease;
	bool expected;
	int ret;

	member = ptx_member_get(pdev);
	if (!member)
		return -ENODEV;
	lease = ptx_claim_lock(member->claim);
	expected = member->claim->state == PTX_MEMBER_STATE_BUILDING &&
		   !member->claim->built && ptx_vfio_is_ours(member->claim->driver);
	ptx_claim_unlock(lease);
	if (!expected) {
		ptx_member_put(member);
		return -ENODEV;
	}

	pv = vfio_alloc_device(ptx_vfio_device, core.vdev, &pdev->dev,
			       &ptx_vfio_ops);
	if (IS_ERR(pv)) {
		ptx_member_put(member);
		return PTR_ERR(pv);
	}
	/* The member's reference goes over; the device's release drops it. */
	pv->member = member;
	dev_set_drvdata(&pdev->dev, &pv->core);
	ret = vfio_pci_core_register_device(&pv->core);
	if (ret) {
		vfio_put_device(&pv->core.vdev);
		return ret;
	}
	lease = ptx_claim_lock(member->claim);
	member->vfio = pv;
	ptx_claim_unlock(lease);
	return 0;
}

static void ptx_vfio_remove(struct pci_dev *pdev)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);
	struct ptx_vfio_device *pv = ptx_vfio_device(&core->vdev);
	struct ptx_lease *lease = ptx_claim_lock(pv->member->claim);
	bool opened;

	pv->member->vfio = NULL;
	opened = pv->member->opened;
	ptx_claim_unlock(lease);
	/* A device that is pulled, or that an admin takes: waiting comes after. */
	if (opened) {
		ptx_vfio_cut_now(pv);
		ptx_vfio_cut_off(pv);
	} else {
		WRITE_ONCE(pv->cut, true);
		ptx_vfio_drop_bars(pv);
	}
	/* Whoever is cutting it is done with it, and nobody begins any more. */
	mutex_lock(&pv->lock);
	pv->removed = true;
	mutex_unlock(&pv->lock);
	vfio_pci_core_unregister_device(core);
	vfio_put_device(&core->vdev);
}

static void ptx_vfio_tell_error(struct pci_dev *pdev, enum ptx_reason reason)
{
	struct vfio_pci_core_device *core = dev_get_drvdata(&pdev->dev);

	ptx_event_member(PTX_EVENT_MEMBER_ERROR,
			 ptx_vfio_device(&core->vdev)->member, reason);
}

static pci_ers_result_t ptx_vfio_error(struct pci_dev *pdev, pci_channel_state_t state)
{
	ptx_vfio_tell_error(pdev, state == pci_channel_io_normal ?
				  PTX_REASON_ERROR_NONFATAL : PTX_REASON_ERROR_FATAL);
	return vfio_pci_core_aer_err_detected(pdev, state);
}

static void ptx_vfio_corrected(struct pci_dev *pdev)
{
	ptx_vfio_tell_error(pdev, PTX_REASON_ERROR_CORRECTABLE);
}

/* The VMM learns from VFIO what it learns; the host hears it from us. */
static const struct pci_error_handlers ptx_vfio_errors = {
	.error_detected		= ptx_vfio_error,
	.cor_error_detected	= ptx_vfio_corrected,
};

/*
 * Only ever by override. No module alias: libvirt would find it there and bind
 * devices that no lease holds.
 */
static const struct pci_device_id ptx_vfio_ids[] = {
	{ PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID) },
	{}
};

static struct pci_driver ptx_vfio_driver = {
	.name			= PTX_VFIO_DRIVER,
	.id_table		= ptx_vfio_ids,
	.probe			= ptx_vfio_probe,
	.remove			= ptx_vfio_remove,
	.err_handler		= &ptx_vfio_errors,
	.driver_managed_dma	= true,
};

/**
 * ptx_vfio_is_ours() - is this driver name ours
 * @driver: a driver's name
 *
 * Return: true for ptx-vfio-pci.
 */
bool ptx_vfio_is_ours(const char *driver)
{
	return !strcmp(driver, PTX_VFIO_DRIVER);
}

static struct ptx_vfio_device *ptx_vfio_get(struct ptx_member *member)
{
	struct ptx_lease *lease = ptx_claim_lock(member->claim);
	struct ptx_vfio_device *pv;

	/* Remove clears the pointer before the device can go. */
	pv = member->vfio;
	if (pv)
		get_device(&pv->core.vdev.device);
	ptx_claim_unlock(lease);
	return pv;
}

/**
 * ptx_vfio_cut_begin() - take a device away from whoever has it open
 * @member: the member
 *
 * On return its VMM has no BAR, no DMA and no further call of it, though it may
 * keep the file; but a call that is under way may yet bring some of that back,
 * for a moment. Waits for nobody. What an IOMMU container has mapped stays
 * mapped: it is bus mastering that keeps the device from it.
 */
void ptx_vfio_cut_begin(struct ptx_member *member)
{
	struct ptx_vfio_device *pv = ptx_vfio_get(member);

	if (!pv)
		return;
	ptx_trace_begin(member->pdev, "cut");
	ptx_vfio_cut_now(pv);
	ptx_trace_end(member->pdev, "cut");
	put_device(&pv->core.vdev.device);
}

/**
 * ptx_vfio_cut_end() - see to it that it stays so
 * @member: begun with ptx_vfio_cut_begin()
 *
 * Sleeps for as long as a call takes that is under way. That may be as long as
 * the VMM likes, since calls copy from and to its memory.
 *
 * Return: false if it is not on ptx-vfio-pci, and nothing was done.
 */
bool ptx_vfio_cut_end(struct ptx_member *member)
{
	struct ptx_vfio_device *pv = ptx_vfio_get(member);

	if (!pv)
		return false;
	ptx_vfio_cut_off(pv);
	put_device(&pv->core.vdev.device);
	return true;
}

/**
 * ptx_vfio_ask_back() - ask whoever has the device open to let it go
 * @member: the member
 * @count: how many times it has been asked before
 *
 * Through VFIO's request interrupt; a VMM answers with a hot unplug. Does
 * nothing for other drivers.
 */
void ptx_vfio_ask_back(struct ptx_member *member, unsigned int count)
{
	struct ptx_vfio_device *pv = ptx_vfio_get(member);

	if (!pv)
		return;
	vfio_pci_core_request(&pv->core.vdev, count);
	put_device(&pv->core.vdev.device);
}

static int ptx_vfio_is_cdev(struct device *dev, void *data)
{
	char *buf = data;

	if (!dev->class || strcmp(dev->class->name, "vfio-dev"))
		return 0;
	strscpy(buf, dev_name(dev), PTX_DEVICE_NAME_SIZE);
	return 1;
}

/**
 * ptx_vfio_cdev_name() - name a device's VFIO character device
 * @pdev: a device on a VFIO driver
 * @buf: gets the name under /dev/vfio/devices, or "" where there is none
 * @size: room in @buf, PTX_DEVICE_NAME_SIZE
 */
void ptx_vfio_cdev_name(struct pci_dev *pdev, char *buf, size_t size)
{
	char name[PTX_DEVICE_NAME_SIZE] = "";

	if (IS_ENABLED(CONFIG_VFIO_DEVICE_CDEV))
		device_for_each_child(&pdev->dev, name, ptx_vfio_is_cdev);
	strscpy(buf, name, size);
}

int ptx_vfio_init(void)
{
	return pci_register_driver(&ptx_vfio_driver);
}

void ptx_vfio_exit(void)
{
	pci_unregister_driver(&ptx_vfio_driver);
}
