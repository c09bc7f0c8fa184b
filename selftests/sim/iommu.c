// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU: groups as the text asks for them, and domains whose page table is
 * an xarray. A simulated device's DMA comes from debugfs and goes through it.
 *
 * It serves the simulator's devices and no others: they are told apart by the
 * firmware node that they are given before the IOMMU core sees them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/property.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "sim.h"

#define SIM_MSI_START	0xfee00000
#define SIM_MSI_SIZE	0x100000
#define SIM_IOVA_BITS	48

/* What an entry of the page table keeps besides the address of the page. */
#define SIM_PROT	(IOMMU_READ | IOMMU_WRITE)

/**
 * struct sim_domain - a domain with a page table
 * @domain: for the IOMMU core
 * @node: in the list of domains
 * @pages: by page of the IOVA: the address of the page, and SIM_PROT
 */
struct sim_domain {
	struct iommu_domain domain;
	struct list_head node;
	struct xarray pages;
};

static DEFINE_MUTEX(sim_groups_lock);
static LIST_HEAD(sim_groups);

static DEFINE_MUTEX(sim_domains_lock);
static LIST_HEAD(sim_domains);

/* Interrupts are off inside, as they would be where a fault is reported. */
static DEFINE_SPINLOCK(sim_dma_lock);

static struct iommu_device sim_iommu;

/**
 * sim_group_get() - the group of that name
 * @name: the name
 *
 * Return: the group, or NULL without memory; undone by sim_group_put().
 */
struct sim_group *sim_group_get(const char *name)
{
	struct sim_group *group;

	mutex_lock(&sim_groups_lock);
	list_for_each_entry(group, &sim_groups, node) {
		if (!strcmp(group->name, name)) {
			kref_get(&group->ref);
			goto out;
		}
	}
	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		goto out;
	kref_init(&group->ref);
	strscpy(group->name, name, sizeof(group->name));
	list_add(&group->node, &sim_groups);
out:
	mutex_unlock(&sim_groups_lock);
	return group;
}

static void sim_group_free(struct kref *ref)
{
	struct sim_group *group = container_of(ref, struct sim_group, ref);

	list_del(&group->node);
	if (group->group)
		iommu_group_put(group->group);
	kfree(group);
}

void sim_group_put(struct sim_group *group)
{
	if (!group)
		return;
	mutex_lock(&sim_groups_lock);
	kref_put(&group->ref, sim_group_free);
	mutex_unlock(&sim_groups_lock);
}

static struct iommu_group *sim_group_iommu(struct sim_group *group)
{
	struct iommu_group *made;

	mutex_lock(&sim_groups_lock);
	made = group->group;
	if (!made) {
		made = iommu_group_alloc();
		if (!IS_ERR(made)) {
			iommu_group_set_name(made, group->name);
			group->group = made;
		}
	}
	if (!IS_ERR(made))
		iommu_group_ref_get(made);
	mutex_unlock(&sim_groups_lock);
	return made;
}

static struct sim_domain *to_sim_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct sim_domain, domain);
}

/* Where a device's DMA goes from now on; NULL for nowhere. */
static void sim_iommu_point(struct device *dev, struct sim_domain *domain)
{
	struct sim_fn *fn = dev_iommu_priv_get(dev);
	unsigned long flags;

	/* A port has none. */
	if (!fn)
		return;
	spin_lock_irqsave(&sim_dma_lock, flags);
	fn->domain = domain;
	spin_unlock_irqrestore(&sim_dma_lock, flags);
}

#ifdef PTX_HAVE_ATTACH_DEV_OLD
static int sim_domain_attach(struct iommu_domain *domain, struct device *dev,
			     struct iommu_domain *old)
#else
static int sim_domain_attach(struct iommu_domain *domain, struct device *dev)
#endif
{
	sim_iommu_point(dev, to_sim_domain(domain));
	return 0;
}

#ifdef PTX_HAVE_ATTACH_DEV_OLD
static int sim_nowhere_attach(struct iommu_domain *domain, struct device *dev,
			      struct iommu_domain *old)
#else
static int sim_nowhere_attach(struct iommu_domain *domain, struct device *dev)
#endif
{
	sim_iommu_point(dev, NULL);
	return 0;
}

static int sim_domain_map(struct iommu_domain *domain, unsigned long iova, phys_addr_t phys,
			  size_t size, size_t count, int prot, gfp_t gfp, size_t *mapped)
{
	struct xarray *pages = &to_sim_domain(domain)->pages;
	size_t left = size * count;
	int ret;

	for (; left; left -= PAGE_SIZE) {
		ret = xa_insert(pages, iova >> PAGE_SHIFT, xa_mk_value(phys | (prot & SIM_PROT)),
				gfp);
		if (ret)
			return ret == -EBUSY ? -EEXIST : ret;
		iova += PAGE_SIZE;
		phys += PAGE_SIZE;
		*mapped += PAGE_SIZE;
	}
	return 0;
}

static size_t sim_domain_unmap(struct iommu_domain *domain, unsigned long iova, size_t size,
			       size_t count, struct iommu_iotlb_gather *gather)
{
	struct xarray *pages = &to_sim_domain(domain)->pages;
	size_t done, all = size * count;
	unsigned long flags;

	for (done = 0; done < all; done += PAGE_SIZE)
		if (!xa_erase(pages, (iova + done) >> PAGE_SHIFT))
			break;
	/* The pages may be freed once this returns: let DMA that found them end. */
	spin_lock_irqsave(&sim_dma_lock, flags);
	spin_unlock_irqrestore(&sim_dma_lock, flags);
	return done;
}

static phys_addr_t sim_domain_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	void *entry = xa_load(&to_sim_domain(domain)->pages, iova >> PAGE_SHIFT);

	return entry ? (xa_to_value(entry) & PAGE_MASK) | (iova & ~PAGE_MASK) : 0;
}

static bool sim_domain_coherent(struct iommu_domain *domain)
{
	return true;
}

static void sim_domain_free(struct iommu_domain *domain)
{
	struct sim_domain *d = to_sim_domain(domain);

	mutex_lock(&sim_domains_lock);
	list_del(&d->node);
	mutex_unlock(&sim_domains_lock);
	xa_destroy(&d->pages);
	kfree(d);
}

static const struct iommu_domain_ops sim_domain_ops = {
	.attach_dev = sim_domain_attach,
	.map_pages = sim_domain_map,
	.unmap_pages = sim_domain_unmap,
	.iova_to_phys = sim_domain_phys,
	.enforce_cache_coherency = sim_domain_coherent,
	.free = sim_domain_free,
};

static const struct iommu_domain_ops sim_nowhere_ops = {
	.attach_dev = sim_nowhere_attach,
};

static struct iommu_domain sim_blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &sim_nowhere_ops,
};

/* DMA to anywhere in memory is more than a test should be able to do. */
static struct iommu_domain sim_identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &sim_nowhere_ops,
};

static struct iommu_domain *sim_iommu_alloc(struct device *dev)
{
	struct sim_domain *d = kzalloc(sizeof(*d), GFP_KERNEL);

	if (!d)
		return NULL;
	xa_init(&d->pages);
	d->domain.pgsize_bitmap = PAGE_SIZE;
	d->domain.geometry.aperture_end = BIT_ULL(SIM_IOVA_BITS) - 1;
	d->domain.geometry.force_aperture = true;
	mutex_lock(&sim_domains_lock);
	list_add_tail(&d->node, &sim_domains);
	mutex_unlock(&sim_domains_lock);
	return &d->domain;
}

static bool sim_iommu_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY;
}

static struct iommu_device *sim_iommu_probe(struct device *dev)
{
	if (!dev_is_pci(dev) || !sim_is_ours(to_pci_dev(dev)))
		return ERR_PTR(-ENODEV);
	dev_iommu_priv_set(dev, sim_fn_of(to_pci_dev(dev)));
	return &sim_iommu;
}

static void sim_iommu_release(struct device *dev)
{
	sim_iommu_point(dev, NULL);
	sim_fn_put(dev_iommu_priv_get(dev));
}

static struct iommu_group *sim_iommu_group(struct device *dev)
{
	struct sim_fn *fn = dev_iommu_priv_get(dev);

	if (fn && fn->group)
		return sim_group_iommu(fn->group);
	return pci_device_group(dev);
}

static void sim_iommu_add_region(struct list_head *list, u64 start, u64 size, int prot,
				 enum iommu_resv_type type)
{
	struct iommu_resv_region *r = iommu_alloc_resv_region(start, size, prot, type, GFP_KERNEL);

	if (r)
		list_add_tail(&r->list, list);
}

static void sim_iommu_regions(struct device *dev, struct list_head *list)
{
	struct sim_fn *fn = dev_iommu_priv_get(dev);

	sim_iommu_add_region(list, SIM_MSI_START, SIM_MSI_SIZE, IOMMU_WRITE, IOMMU_RESV_MSI);
	if (fn && fn->desc.rmrr_size)
		sim_iommu_add_region(list, fn->desc.rmrr_start, fn->desc.rmrr_size,
				     IOMMU_READ | IOMMU_WRITE,
				     fn->desc.rmrr_relaxable ? IOMMU_RESV_DIRECT_RELAXABLE :
				     IOMMU_RESV_DIRECT);
}

static const struct iommu_ops sim_iommu_ops = {
	.owner = THIS_MODULE,
	.capable = sim_iommu_capable,
	.probe_device = sim_iommu_probe,
	.release_device = sim_iommu_release,
	.device_group = sim_iommu_group,
	.get_resv_regions = sim_iommu_regions,
	.domain_alloc_paging = sim_iommu_alloc,
	.blocked_domain = &sim_blocked,
	.identity_domain = &sim_identity,
	.release_domain = &sim_blocked,
	.default_domain_ops = &sim_domain_ops,
};

/* Four bytes of memory, or of a simulated device's BAR. */
static int sim_dma_copy(phys_addr_t phys, bool write, u32 *value)
{
	void __iomem *bar = sim_memory_at(phys);
	void *page;

	if (bar) {
		if (write)
			writel(*value, bar);
		else
			*value = readl(bar);
		return 0;
	}
	if (!pfn_valid(PHYS_PFN(phys)))
		return -EFAULT;
	page = kmap_local_pfn(PHYS_PFN(phys));
	if (write)
		memcpy(page + offset_in_page(phys), value, sizeof(*value));
	else
		memcpy(value, page + offset_in_page(phys), sizeof(*value));
	kunmap_local(page);
	return 0;
}

/**
 * sim_dma() - do as the device would: read or write four bytes
 * @fn: the device
 * @iova: where, a multiple of four
 * @write: or read
 * @value: what to write, or what was read
 *
 * Return: 0, or -EFAULT if bus mastering is off or the address is not mapped for
 * it, which is counted, and in the latter case reported as a fault.
 */
int sim_dma(struct sim_fn *fn, u64 iova, bool write, u32 *value)
{
	int prot = write ? IOMMU_WRITE : IOMMU_READ, ret = -EFAULT;
	struct pci_dev *pdev = sim_fn_pdev(fn);
	unsigned long flags;
	void *entry = NULL;
	bool master;

	raw_spin_lock_irqsave(&sim_lock, flags);
	master = pdev && sim_config_is_master(fn);
	raw_spin_unlock_irqrestore(&sim_lock, flags);

	spin_lock_irqsave(&sim_dma_lock, flags);
	if (master && fn->domain) {
		entry = xa_load(&fn->domain->pages, iova >> PAGE_SHIFT);
		if (entry && xa_to_value(entry) & prot)
			ret = sim_dma_copy((xa_to_value(entry) & PAGE_MASK) | offset_in_page(iova),
					   write, value);
		else
			report_iommu_fault(&fn->domain->domain, &pdev->dev, iova,
					   write ? IOMMU_FAULT_WRITE : IOMMU_FAULT_READ);
	}
	spin_unlock_irqrestore(&sim_dma_lock, flags);
	if (ret)
		atomic_inc(&fn->faults);
	pci_dev_put(pdev);
	return ret;
}

static void sim_iommu_show_users(struct seq_file *s, struct sim_domain *domain)
{
	unsigned int pos = 0;
	struct sim_fn *fn;

	seq_puts(s, "domain of");
	while ((fn = sim_fn_next(&pos))) {
		if (READ_ONCE(fn->domain) == domain)
			seq_printf(s, " %u.%u", sim_fn_slot(fn), fn->devfn);
		sim_fn_put(fn);
	}
	seq_puts(s, "\n");
}

static void sim_iommu_show_run(struct seq_file *s, unsigned long iova, unsigned long size,
			       unsigned long to)
{
	if (size)
		seq_printf(s, "  iova 0x%lx size 0x%lx phys 0x%lx %s%s\n", iova, size,
			   to & PAGE_MASK, to & IOMMU_READ ? "r" : "",
			   to & IOMMU_WRITE ? "w" : "");
}

static void sim_iommu_show_pages(struct seq_file *s, struct sim_domain *domain)
{
	unsigned long index, iova = 0, size = 0, to = 0;
	void *entry;

	xa_for_each(&domain->pages, index, entry) {
		if (size && index << PAGE_SHIFT == iova + size && xa_to_value(entry) == to + size) {
			size += PAGE_SIZE;
			continue;
		}
		sim_iommu_show_run(s, iova, size, to);
		iova = index << PAGE_SHIFT;
		size = PAGE_SIZE;
		to = xa_to_value(entry);
	}
	sim_iommu_show_run(s, iova, size, to);
}

/**
 * sim_iommu_show() - the domains with mappings, for debugfs
 * @s: where to print
 * @unused: nothing
 *
 * Return: 0.
 */
int sim_iommu_show(struct seq_file *s, void *unused)
{
	struct sim_domain *domain;

	mutex_lock(&sim_domains_lock);
	list_for_each_entry(domain, &sim_domains, node) {
		/* Most have none: they belong to the kernel, and to drivers without DMA. */
		if (xa_empty(&domain->pages))
			continue;
		sim_iommu_show_users(s, domain);
		sim_iommu_show_pages(s, domain);
	}
	mutex_unlock(&sim_domains_lock);
	return 0;
}

/**
 * sim_iommu_claim() - make a device ours before the IOMMU core looks at it
 * @pdev: the device
 *
 * Return: 0 or a negative errno.
 */
int sim_iommu_claim(struct pci_dev *pdev)
{
	int ret;

	/*
	 * The IOMMU core expects this from code that reads firmware's tables and
	 * holds its lock. That one is not for modules, and not needed as long as
	 * nobody else knows of the device: so lockdep is not to miss it.
	 */
	lockdep_off();
	ret = iommu_fwspec_init(&pdev->dev, dev_fwnode(sim_parent));
	lockdep_on();
	return ret;
}

/**
 * sim_iommu_init() - register the IOMMU
 *
 * Return: 0 or a negative errno; undone by sim_iommu_exit().
 */
int sim_iommu_init(void)
{
	int ret;

	ret = iommu_device_sysfs_add(&sim_iommu, sim_parent, NULL, "ptx_sim");
	if (ret)
		return ret;
	ret = iommu_device_register(&sim_iommu, &sim_iommu_ops, sim_parent);
	if (ret)
		iommu_device_sysfs_remove(&sim_iommu);
	return ret;
}

void sim_iommu_exit(void)
{
	iommu_device_unregister(&sim_iommu);
	iommu_device_sysfs_remove(&sim_iommu);
}
