// SPDX-License-Identifier: GPL-2.0-only
/*
 * The container back end: an unmodified VMM that opens a group of a lease with a space
 * through /dev/vfio/vfio is served by that space. Every other group is left to the
 * back ends that VFIO asks after us. Semantics are those of type1v2.
 *
 * VFIO asks its back ends newest first. So that we are, another copy of the same
 * operations is registered each time that type1 has come; nothing is ever taken back
 * before the module goes, as live containers use it.
 *
 * VFIO calls most of this under its own locks, one of them global: only those of the
 * space are taken here. An ioctl comes without any, and may meet a container that is
 * just going. Therefore VFIO gets a number to remember, and not a pointer.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/xarray.h>
#include <uapi/linux/vfio.h>

#include "access.h"
#include "batch.h"
#include "claim.h"
#include "compat/vfio_iommu_driver.h"
#include "domain.h"
#include "lease.h"
#include "space.h"
#include "vfio_iommu.h"

#define PTX_VFIO_TYPE1		"vfio_iommu_type1"

/* How often type1 may come and go while we are loaded. */
#define PTX_VFIO_REGISTRATIONS_MAX	64

/**
 * struct ptx_container - a VFIO container that we serve, or may
 * @ref: one of VFIO, one of each call
 * @id: what VFIO knows it by
 * @space: of the lease whose group came first; NULL until then. A reference
 * @number: which of its containers this is
 */
struct ptx_container {
	struct kref ref;
	u32 id;
	struct ptx_space *space;
	u32 number;
};

static DEFINE_XARRAY_ALLOC1(ptx_containers);
static u32 ptx_containers_next;

static void ptx_container_free(struct kref *ref)
{
	struct ptx_container *container = container_of(ref, struct ptx_container, ref);

	if (container->space)
		ptx_space_put(container->space);
	kfree(container);
}

static void ptx_container_put(struct ptx_container *container)
{
	kref_put(&container->ref, ptx_container_free);
}

static struct ptx_container *ptx_container_get(void *data)
{
	struct ptx_container *container;

	xa_lock(&ptx_containers);
	container = xa_load(&ptx_containers, (unsigned long)data);
	if (container)
		kref_get(&container->ref);
	xa_unlock(&ptx_containers);
	return container;
}

static void *ptx_container_open(unsigned long arg)
{
	struct ptx_container *container;
	int ret;

	/* What older versions take apart in other ways is for who has them. */
	if (arg != VFIO_TYPE1v2_IOMMU)
		return ERR_PTR(-EINVAL);
	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return ERR_PTR(-ENOMEM);
	kref_init(&container->ref);
	ret = xa_alloc_cyclic(&ptx_containers, &container->id, container, xa_limit_31b,
			      &ptx_containers_next, GFP_KERNEL_ACCOUNT);
	if (ret < 0) {
		kfree(container);
		return ERR_PTR(ret);
	}
	return (void *)(unsigned long)container->id;
}

static void ptx_container_release(void *data)
{
	struct ptx_container *container = xa_erase(&ptx_containers, (unsigned long)data);

	if (WARN_ON(!container))
		return;
	if (container->space)
		ptx_space_part(container->space, container->number);
	ptx_container_put(container);
}

/* The space of the lease that has a group, if the caller may open its devices. */
static struct ptx_space *ptx_container_space_of(struct iommu_group *group)
{
	struct ptx_claim *claim = ptx_claim_find(group);
	struct ptx_space *space = NULL;
	struct ptx_lease *lease;

	if (!claim)
		return NULL;
	lease = ptx_claim_lease(claim);
	if (lease->space && ptx_may_open(lease)) {
		spin_lock(&lease->state_lock);
		if (lease->state == PTX_LEASE_STATE_ACTIVE &&
		    claim->state == PTX_MEMBER_STATE_READY)
			space = lease->space;
		spin_unlock(&lease->state_lock);
		if (space)
			ptx_space_get(space);
	}
	ptx_lease_put(lease);
	ptx_claim_put(claim);
	return space;
}

static int ptx_container_attach(void *data, struct iommu_group *group,
				enum vfio_group_type type)
{
	struct ptx_container *container = ptx_container_get(data);
	struct ptx_space *space = NULL;
	int ret = -ENODEV;

	if (WARN_ON(!container))
		return -ENODEV;
	/* A mediated device does no DMA of its own: it may join those that do. */
	if (type == VFIO_EMULATED_IOMMU) {
		if (container->space)
			ret = 0;
		goto out_put;
	}
	space = ptx_container_space_of(group);
	if (!space || (container->space && container->space != space))
		goto out_put;
	if (!container->space) {
		ret = ptx_space_join(space, &container->number);
		if (ret)
			goto out_put;
	}
	ret = ptx_domain_attach(space, group, false);
	if (!container->space) {
		if (ret) {
			ptx_space_part(space, container->number);
		} else {
			ptx_space_get(space);
			container->space = space;
		}
	}
out_put:
	if (space)
		ptx_space_put(space);
	ptx_container_put(container);
	return ret;
}

static void ptx_container_detach(void *data, struct iommu_group *group)
{
	struct ptx_container *container = ptx_container_get(data);

	if (WARN_ON(!container))
		return;
	/* One of a mediated device is not in it, and nothing happens. */
	if (container->space)
		ptx_domain_detach(container->space, group);
	ptx_container_put(container);
}

static long ptx_container_extension(struct ptx_container *container, unsigned long arg)
{
	long ret;

	switch (arg) {
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_DMA_CC_IOMMU:
		if (!container || !container->space)
			return 0;
		mutex_lock(&container->space->lock);
		ret = ptx_domain_is_coherent(container->space);
		mutex_unlock(&container->space->lock);
		return ret;
	default:
		return 0;
	}
}

static long ptx_container_map(struct ptx_container *container, void __user *arg)
{
	struct vfio_iommu_type1_dma_map map;
	size_t size = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct ptx_space_op op = { .op = PTX_SPACE_MAP };
	struct ptx_batch batch = { .ops = &op, .nr = 1, .container = container->number };

	if (copy_from_user(&map, arg, size))
		return -EFAULT;
	if (map.argsz < size ||
	    map.flags & ~(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	op.flags = (map.flags & VFIO_DMA_MAP_FLAG_READ ? PTX_SPACE_READ : 0) |
		   (map.flags & VFIO_DMA_MAP_FLAG_WRITE ? PTX_SPACE_WRITE : 0);
	op.iova = map.iova;
	op.vaddr = map.vaddr;
	op.length = map.size;
	return ptx_space_change(container->space, &batch);
}

static long ptx_container_unmap(struct ptx_container *container, void __user *arg)
{
	struct vfio_iommu_type1_dma_unmap unmap;
	size_t size = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct ptx_space_op op = { .op = PTX_SPACE_UNMAP };
	struct ptx_batch batch = { .ops = &op, .nr = 1, .container = container->number };
	int ret;

	if (copy_from_user(&unmap, arg, size))
		return -EFAULT;
	if (unmap.argsz < size || unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL)
		op.op = PTX_SPACE_UNMAP_ALL;
	op.iova = unmap.iova;
	op.length = unmap.size;
	ret = ptx_space_change(container->space, &batch);
	if (ret)
		return ret;
	unmap.size = batch.unmapped;
	return copy_to_user(arg, &unmap, size) ? -EFAULT : 0;
}

/* Ranges that may be mapped: at most so many are told. */
#define PTX_RANGES_MAX	512

static int ptx_container_ranges(struct ptx_space *space, struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	struct vfio_info_cap_header *header;
	struct vfio_iova_range *ranges;
	unsigned long first = 0, last;
	u32 nr = 0;

	ranges = kvcalloc(PTX_RANGES_MAX, sizeof(*ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges)
		return -ENOMEM;
	mutex_lock(&space->lock);
	while (nr < PTX_RANGES_MAX && ptx_domain_next_range(space, &first, &last)) {
		ranges[nr].start = first;
		ranges[nr++].end = last;
		first = last + 1;
		if (!first)
			break;
	}
	mutex_unlock(&space->lock);
	header = vfio_info_cap_add(caps, struct_size(cap, iova_ranges, nr),
				   VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1);
	if (!IS_ERR(header)) {
		cap = container_of(header, struct vfio_iommu_type1_info_cap_iova_range,
				   header);
		cap->nr_iovas = nr;
		memcpy(cap->iova_ranges, ranges, array_size(nr, sizeof(*ranges)));
	}
	kvfree(ranges);
	return PTR_ERR_OR_ZERO(header);
}

static long ptx_container_info(struct ptx_space *space, void __user *arg)
{
	struct vfio_iommu_type1_info info = {};
	size_t size = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info_dma_avail avail = {
		.header = { .id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, .version = 1 },
	};
	struct vfio_info_cap caps = {};
	int ret;

	if (copy_from_user(&info, arg, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	size = min_t(size_t, info.argsz, sizeof(info));
	mutex_lock(&space->lock);
	info.flags = VFIO_IOMMU_INFO_PGSIZES;
	info.iova_pgsizes = ptx_domain_page_sizes(space);
	avail.avail = PTX_SPACE_ENTRIES_MAX - space->entries;
	mutex_unlock(&space->lock);
	ret = vfio_info_add_capability(&caps, &avail.header, sizeof(avail));
	if (!ret)
		ret = ptx_container_ranges(space, &caps);
	if (ret)
		goto out_free;
	info.flags |= VFIO_IOMMU_INFO_CAPS;
	if (info.argsz < sizeof(info) + caps.size) {
		info.argsz = sizeof(info) + caps.size;
	} else {
		vfio_info_cap_shift(&caps, sizeof(info));
		if (copy_to_user(arg + sizeof(info), caps.buf, caps.size)) {
			ret = -EFAULT;
			goto out_free;
		}
		info.cap_offset = sizeof(info);
	}
	if (copy_to_user(arg, &info, size))
		ret = -EFAULT;
out_free:
	kfree(caps.buf);
	return ret;
}

static long ptx_container_ioctl(void *data, unsigned int cmd, unsigned long arg)
{
	struct ptx_container *container = data ? ptx_container_get(data) : NULL;
	long ret;

	/* As long as there is a container VFIO keeps the module, but it may go meanwhile. */
	if (container)
		__module_get(THIS_MODULE);
	if (cmd == VFIO_CHECK_EXTENSION)
		ret = ptx_container_extension(container, arg);
	else if (!container || !container->space)
		ret = -ENODEV;
	else if (cmd == VFIO_IOMMU_GET_INFO)
		ret = ptx_container_info(container->space, (void __user *)arg);
	else if (cmd == VFIO_IOMMU_MAP_DMA)
		ret = ptx_container_map(container, (void __user *)arg);
	else if (cmd == VFIO_IOMMU_UNMAP_DMA)
		ret = ptx_container_unmap(container, (void __user *)arg);
	else
		ret = -ENOTTY;
	if (container) {
		ptx_container_put(container);
		module_put(THIS_MODULE);
	}
	return ret;
}

/*
 * What mediated devices hold is pinned as long as it is mapped: they get the pages, and
 * are asked to let go before it is unmapped.
 */
static struct page *ptx_container_hold(struct ptx_space *space, unsigned long iova,
				       int prot, int *error)
{
	struct ptx_mapping *mapping = ptx_space_find(space, iova);
	struct page *page;

	*error = -EINVAL;
	if (!mapping)
		return NULL;
	if ((mapping->prot & prot) != prot) {
		*error = -EPERM;
		return NULL;
	}
	page = ptx_mapping_page(mapping, iova - mapping->range.start);
	if (page)
		mapping->held++;
	return page;
}

static void ptx_container_let_go(struct ptx_space *space, unsigned long iova, int nr)
{
	struct interval_tree_node *node;
	int i;

	for (i = 0; i < nr; i++, iova += PAGE_SIZE) {
		/* It may be on its way out: that is why it is let go of. */
		node = interval_tree_iter_first(&space->tree, iova, iova);
		if (!WARN_ON_ONCE(!node || !ptx_mapping_of(node)->held))
			ptx_mapping_of(node)->held--;
	}
}

static int ptx_container_pin_pages(void *data, struct iommu_group *group, dma_addr_t iova,
				   int nr, int prot, struct page **pages)
{
	struct ptx_container *container = ptx_container_get(data);
	struct ptx_space *space;
	int i, ret = -EINVAL;

	if (!container)
		return -EINVAL;
	space = container->space;
	if (!space || !pages)
		goto out_put;
	mutex_lock(&space->lock);
	for (i = 0; i < nr; i++) {
		pages[i] = ptx_container_hold(space, iova + i * PAGE_SIZE, prot, &ret);
		if (!pages[i])
			break;
	}
	if (i == nr)
		ret = nr;
	else
		ptx_container_let_go(space, iova, i);
	mutex_unlock(&space->lock);
out_put:
	ptx_container_put(container);
	return ret;
}

static void ptx_container_unpin_pages(void *data, dma_addr_t iova, int nr)
{
	struct ptx_container *container = ptx_container_get(data);

	if (WARN_ON(!container || !container->space))
		return;
	mutex_lock(&container->space->lock);
	ptx_container_let_go(container->space, iova, nr);
	mutex_unlock(&container->space->lock);
	ptx_container_put(container);
}

static void ptx_container_register(void *data, struct vfio_device *vdev)
{
	struct ptx_container *container;

	if (!vdev->ops->dma_unmap)
		return;
	container = ptx_container_get(data);
	if (WARN_ON(!container || !container->space))
		return;
	ptx_space_add_device(container->space, vdev);
	ptx_container_put(container);
}

static void ptx_container_unregister(void *data, struct vfio_device *vdev)
{
	struct ptx_container *container;

	if (!vdev->ops->dma_unmap)
		return;
	container = ptx_container_get(data);
	if (WARN_ON(!container || !container->space))
		return;
	ptx_space_remove_device(container->space, vdev);
	ptx_container_put(container);
}

static int ptx_container_copy(struct ptx_space *space, unsigned long iova, void *data,
			      size_t size, bool write)
{
	struct ptx_mapping *mapping = ptx_space_find(space, iova);
	struct page *page;

	if (!mapping)
		return -EINVAL;
	if (!(mapping->prot & IOMMU_READ) || (write && !(mapping->prot & IOMMU_WRITE)))
		return -EPERM;
	page = ptx_mapping_page(mapping, iova - mapping->range.start);
	if (!page)
		return -EFAULT;
	if (write)
		memcpy_to_page(page, offset_in_page(iova), data, size);
	else
		memcpy_from_page(data, page, offset_in_page(iova), size);
	return 0;
}

static int ptx_container_dma_rw(void *data, dma_addr_t iova, void *buf, size_t size,
				bool write)
{
	struct ptx_container *container = ptx_container_get(data);
	struct ptx_space *space = container ? container->space : NULL;
	int ret = space ? 0 : -EINVAL;
	size_t step;

	if (space)
		mutex_lock(&space->lock);
	while (!ret && size) {
		step = min(size, PAGE_SIZE - offset_in_page(iova));
		ret = ptx_container_copy(space, iova, buf, step, write);
		iova += step;
		buf += step;
		size -= step;
	}
	if (space)
		mutex_unlock(&space->lock);
	if (container)
		ptx_container_put(container);
	return ret;
}

static struct iommu_domain *ptx_container_domain(void *data, struct iommu_group *group)
{
	struct ptx_container *container;
	struct iommu_domain *domain = ERR_PTR(-ENODEV);

	if (!data || !group)
		return ERR_PTR(-EINVAL);
	container = ptx_container_get(data);
	if (!container)
		return domain;
	if (container->space)
		domain = ptx_domain_of(container->space, group) ?: domain;
	ptx_container_put(container);
	return domain;
}

static const struct vfio_iommu_driver_ops ptx_container_ops = {
	.name			= "vfio-iommu-ptx",
	.owner			= THIS_MODULE,
	.open			= ptx_container_open,
	.release		= ptx_container_release,
	.ioctl			= ptx_container_ioctl,
	.attach_group		= ptx_container_attach,
	.detach_group		= ptx_container_detach,
	.pin_pages		= ptx_container_pin_pages,
	.unpin_pages		= ptx_container_unpin_pages,
	.register_device	= ptx_container_register,
	.unregister_device	= ptx_container_unregister,
	.dma_rw			= ptx_container_dma_rw,
	.group_iommu_domain	= ptx_container_domain,
};

/* VFIO knows a back end by where its operations are. */
static struct vfio_iommu_driver_ops ptx_registrations[PTX_VFIO_REGISTRATIONS_MAX];
static unsigned int ptx_nr_registrations;
static DEFINE_MUTEX(ptx_registrations_lock);

static int ptx_vfio_iommu_register(void)
{
	int ret = -ENOSPC;

	mutex_lock(&ptx_registrations_lock);
	if (ptx_nr_registrations < PTX_VFIO_REGISTRATIONS_MAX) {
		ptx_registrations[ptx_nr_registrations] = ptx_container_ops;
		ret = vfio_register_iommu_driver(&ptx_registrations[ptx_nr_registrations]);
	}
	if (!ret)
		ptx_nr_registrations++;
	mutex_unlock(&ptx_registrations_lock);
	return ret;
}

static void ptx_vfio_iommu_unregister(void)
{
	while (ptx_nr_registrations)
		vfio_unregister_iommu_driver(&ptx_registrations[--ptx_nr_registrations]);
}

/* type1 has come, and would be asked before us. */
static int ptx_vfio_iommu_module(struct notifier_block *nb, unsigned long action, void *data)
{
	struct module *module = data;
	int ret;

	if (action != MODULE_STATE_LIVE || strcmp(module->name, PTX_VFIO_TYPE1))
		return NOTIFY_DONE;
	ret = ptx_vfio_iommu_register();
	if (ret)
		pr_err("%s was loaded after ptx, and is asked first from now on (%d): leases with a space cannot be opened until ptx is loaded again\n",
		       PTX_VFIO_TYPE1, ret);
	return NOTIFY_OK;
}

static struct notifier_block ptx_vfio_iommu_nb = {
	.notifier_call = ptx_vfio_iommu_module,
};

int ptx_vfio_iommu_init(void)
{
	int ret;

	/* First, so that no type1 that comes meanwhile is missed. */
	ret = register_module_notifier(&ptx_vfio_iommu_nb);
	if (ret)
		return ret;
	ret = ptx_vfio_iommu_register();
	if (ret) {
		unregister_module_notifier(&ptx_vfio_iommu_nb);
		ptx_vfio_iommu_unregister();
	}
	return ret;
}

void ptx_vfio_iommu_exit(void)
{
	unregister_module_notifier(&ptx_vfio_iommu_nb);
	ptx_vfio_iommu_unregister();
}
