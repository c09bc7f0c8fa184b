// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOMMU domains of a space, kept alike: which groups are attached to which, what
 * they let be mapped, and the mapping itself.
 *
 * Attaching and detaching take both locks of the space; mapping and unmapping the
 * lock of the domains for reading, a chunk at a time.
 */
#include <linux/iommu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "domain.h"
#include "lease.h"
#include "space.h"
#include "vfio_pci.h"
#include "window.h"

/* Larger pieces are unmapped one after the other, so that others may run. */
#define PTX_UNMAP_MAX		(1UL << 30)

static int ptx_domain_alloc_for(struct device *dev, void *data)
{
	struct iommu_domain **domain = data;

	*domain = iommu_paging_domain_alloc(dev);
	/* Any device of the group will do. */
	return 1;
}

static struct ptx_domain *ptx_domain_alloc(struct iommu_group *group)
{
	struct ptx_domain *domain;
	struct iommu_domain *made = NULL;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	iommu_group_for_each_dev(group, &made, ptx_domain_alloc_for);
	if (IS_ERR_OR_NULL(made)) {
		kfree(domain);
		return made ? ERR_CAST(made) : ERR_PTR(-ENODEV);
	}
	domain->domain = made;
	return domain;
}

static void ptx_domain_free(struct ptx_domain *domain)
{
	iommu_domain_free(domain->domain);
	kfree(domain);
}

static void ptx_domain_free_reserved(struct ptx_space_group *group)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, &group->reserved, list)
		kfree(region);
}

/* Regions that a VM may use after all are there for the firmware's sake only. */
static bool ptx_domain_is_reserved(struct ptx_space_group *group, unsigned long first,
				   unsigned long last)
{
	struct iommu_resv_region *region;

	list_for_each_entry(region, &group->reserved, list)
		if (region->type != IOMMU_RESV_DIRECT_RELAXABLE &&
		    first <= region->start + region->length - 1 && last >= region->start)
			return true;
	return false;
}

/**
 * ptx_domain_allows() - would every domain and group take a range
 * @space: locked
 * @first: of the range
 * @last: likewise
 *
 * Return: false if it is outside of what an IOMMU reaches, or reserved.
 */
bool ptx_domain_allows(struct ptx_space *space, unsigned long first, unsigned long last)
{
	struct ptx_space_group *group;

	lockdep_assert_held(&space->lock);
	list_for_each_entry(group, &space->groups, node)
		if (first < group->lowest || last > group->highest ||
		    ptx_domain_is_reserved(group, first, last))
			return false;
	return true;
}

/*
 * From *first on, what no group has reserved: *first goes up to where that begins, and
 * *last down to where it ends. False if that is nowhere before *last.
 */
static bool ptx_domain_between_reserved(struct ptx_space *space, unsigned long *first,
					unsigned long *last)
{
	struct iommu_resv_region *region;
	struct ptx_space_group *group;
	unsigned long end;
	bool moved;

	do {
		moved = false;
		list_for_each_entry(group, &space->groups, node)
			list_for_each_entry(region, &group->reserved, list) {
				end = region->start + region->length - 1;
				if (region->type == IOMMU_RESV_DIRECT_RELAXABLE ||
				    !region->length || end < *first || region->start > *first)
					continue;
				if (end >= *last)
					return false;
				*first = end + 1;
				moved = true;
			}
	} while (moved);
	list_for_each_entry(group, &space->groups, node)
		list_for_each_entry(region, &group->reserved, list)
			if (region->type != IOMMU_RESV_DIRECT_RELAXABLE && region->length &&
			    region->start > *first && region->start <= *last)
				*last = region->start - 1;
	return true;
}

/**
 * ptx_domain_next_range() - walk over what may be mapped
 * @space: locked
 * @first: where to begin; set to the beginning of the range
 * @last: gets its end
 *
 * Return: false if there is none at @first or beyond.
 */
bool ptx_domain_next_range(struct ptx_space *space, unsigned long *first,
			   unsigned long *last)
{
	unsigned long lowest = 0, highest = ULONG_MAX, end;
	struct ptx_space_group *group;

	list_for_each_entry(group, &space->groups, node) {
		lowest = max(lowest, group->lowest);
		highest = min(highest, group->highest);
	}
	*first = max(*first, lowest);
	while (ptx_windows_next(space->windows, first, &end) && *first <= highest) {
		*last = min(end, highest);
		if (ptx_domain_between_reserved(space, first, last))
			return true;
		if (end >= highest)
			return false;
		*first = end + 1;
	}
	return false;
}

/**
 * ptx_domain_page_sizes() - what pages every domain takes
 * @space: locked
 *
 * Return: a bitmap; smaller ones than the processor's are shown as that.
 */
unsigned long ptx_domain_page_sizes(struct ptx_space *space)
{
	struct ptx_domain *domain;
	unsigned long sizes = ULONG_MAX;

	lockdep_assert_held(&space->lock);
	if (list_empty(&space->domains))
		return PAGE_MASK;
	list_for_each_entry(domain, &space->domains, node)
		sizes &= domain->domain->pgsize_bitmap;
	if (sizes & ~PAGE_MASK)
		sizes = (sizes & PAGE_MASK) | PAGE_SIZE;
	return sizes;
}

/**
 * ptx_domain_is_coherent() - do all domains keep devices from going around the caches
 * @space: locked
 *
 * Return: true if they do, and where there are none.
 */
bool ptx_domain_is_coherent(struct ptx_space *space)
{
	struct ptx_domain *domain;

	lockdep_assert_held(&space->lock);
	list_for_each_entry(domain, &space->domains, node)
		if (!domain->coherent)
			return false;
	return true;
}

/*
 * Each piece is flushed by itself: an IOMMU driver may free page tables with the first
 * flush of a gather, whatever that covers. False if the driver took out less than was put
 * in, and devices may still reach it.
 */
static bool ptx_domain_take_out(struct iommu_domain *domain, unsigned long iova,
				unsigned long size)
{
	struct iommu_iotlb_gather gather;
	unsigned long step;
	bool all = true;

	while (size) {
		step = min(size, PTX_UNMAP_MAX);
		iommu_iotlb_gather_init(&gather);
		all &= iommu_unmap_fast(domain, iova, step, &gather) == step;
		iommu_iotlb_sync(domain, &gather);
		iova += step;
		size -= step;
		cond_resched();
	}
	return !WARN_ON_ONCE(!all);
}

/* The largest page that can be used somewhere in a run. */
static u8 ptx_domain_page_shift(unsigned long sizes, unsigned long iova, phys_addr_t phys,
				unsigned long size)
{
	unsigned long page;
	int shift;

	for (shift = __fls(size); shift >= PAGE_SHIFT; shift--) {
		page = 1UL << shift;
		if (sizes & page && !((iova ^ phys) & (page - 1)) &&
		    ALIGN(iova, page) - iova + page <= size)
			return shift;
	}
	return PAGE_SHIFT;
}

static int ptx_domain_put_in(struct iommu_domain *domain, unsigned long iova,
			     const struct ptx_runs *runs, int prot, u8 *page_shift)
{
	unsigned long at = iova, size;
	int ret = 0;
	u32 i;

	*page_shift = PAGE_SHIFT;
	for (i = 0; i < runs->nr; i++) {
		size = ptx_run_pages(runs->run[i]) << PAGE_SHIFT;
		ret = iommu_map(domain, at, PFN_PHYS(ptx_run_pfn(runs->run[i])), size,
				prot | IOMMU_CACHE, GFP_KERNEL_ACCOUNT);
		if (ret)
			break;
		if (size >> *page_shift > 1)
			*page_shift = max(*page_shift,
					  ptx_domain_page_shift(domain->pgsize_bitmap, at,
								PFN_PHYS(ptx_run_pfn(runs->run[i])),
								size));
		at += size;
		cond_resched();
	}
	if (ret && at > iova)
		ptx_domain_take_out(domain, iova, at - iova);
	return ret;
}

/* Takes a chunk out of every domain; whoever takes or puts in others may do so beside it. */
static void ptx_domain_take_chunk_out(struct ptx_space *space, struct ptx_mapping *mapping,
				      u32 chunk)
{
	unsigned long at, size;
	struct ptx_domain *domain;

	lockdep_assert_held(&space->domains_lock);
	if (!mapping->chunks[chunk].mapped)
		return;
	ptx_mapping_chunk(mapping, chunk, &at, &size);
	list_for_each_entry(domain, &space->domains, node)
		if (!ptx_domain_take_out(domain->domain, mapping->range.start + at, size))
			mapping->chunks[chunk].stuck = true;
	mapping->chunks[chunk].mapped = false;
}

/**
 * ptx_domain_map() - put what a chunk has pinned into every domain
 * @space: not locked
 * @mapping: coming
 * @chunk: of which
 *
 * Undone by ptx_domain_unmap().
 *
 * Return: 0; -ECANCELED if it is to go again already; or an error of the IOMMU driver.
 * Then it is in none of them.
 */
int ptx_domain_map(struct ptx_space *space, struct ptx_mapping *mapping, u32 chunk)
{
	unsigned long at, size, iova;
	struct ptx_domain *domain;
	int ret = 0;

	ptx_mapping_chunk(mapping, chunk, &at, &size);
	iova = mapping->range.start + at;
	down_read(&space->domains_lock);
	/* A device that was cut before it was known whose BAR this is dooms nothing. */
	if (mapping->doomed || (mapping->bar && ptx_vfio_is_cut(mapping->bar))) {
		up_read(&space->domains_lock);
		return -ECANCELED;
	}
	list_for_each_entry(domain, &space->domains, node) {
		ret = ptx_domain_put_in(domain->domain, iova, mapping->chunks[chunk].runs,
					mapping->prot, &mapping->chunks[chunk].page_shift);
		if (ret)
			break;
	}
	if (ret) {
		list_for_each_entry_continue_reverse(domain, &space->domains, node)
			if (!ptx_domain_take_out(domain->domain, iova, size))
				mapping->chunks[chunk].stuck = true;
	}
	mapping->chunks[chunk].mapped = !ret;
	up_read(&space->domains_lock);
	return ret;
}

/**
 * ptx_domain_unmap() - take mappings out of every domain
 * @space: not locked
 * @mappings: of struct ptx_mapping, by their change nodes; nobody else changes them
 *
 * Cannot fail. No device reaches them any more on return.
 */
void ptx_domain_unmap(struct ptx_space *space, struct list_head *mappings)
{
	struct ptx_mapping *mapping;
	u32 i;

	list_for_each_entry(mapping, mappings, change)
		for (i = 0; i < mapping->nr_chunks; i++) {
			/* Whoever cuts the space waits for no more than this. */
			down_read(&space->domains_lock);
			ptx_domain_take_chunk_out(space, mapping, i);
			up_read(&space->domains_lock);
		}
}

/**
 * ptx_domain_expel() - no device reaches a mapping any more, whoever works on it
 * @space: locked
 * @mapping: coming, chosen or leaving; marked as doomed
 *
 * It stays in the tree until whoever works on it sees that.
 */
void ptx_domain_expel(struct ptx_space *space, struct ptx_mapping *mapping)
{
	u32 i;

	lockdep_assert_held(&space->lock);
	down_write(&space->domains_lock);
	mapping->doomed = true;
	for (i = 0; i < mapping->nr_chunks; i++)
		ptx_domain_take_chunk_out(space, mapping, i);
	up_write(&space->domains_lock);
}

/* Put into a new domain what the others have. On failure the domain is thrown away. */
static int ptx_domain_fill(struct ptx_space *space, struct ptx_domain *domain)
{
	struct interval_tree_node *node;
	struct ptx_mapping *mapping;
	unsigned long at, size;
	int ret;
	u32 i;

	for (node = interval_tree_iter_first(&space->tree, 0, ULONG_MAX); node;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX)) {
		mapping = container_of(node, struct ptx_mapping, range);
		for (i = 0; i < mapping->nr_chunks; i++) {
			if (READ_ONCE(space->cut))
				return -ENODEV;
			if (!mapping->chunks[i].mapped)
				continue;
			ptx_mapping_chunk(mapping, i, &at, &size);
			ret = ptx_domain_put_in(domain->domain, node->start + at,
						mapping->chunks[i].runs, mapping->prot,
						&mapping->chunks[i].page_shift);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/* Is something mapped that a group's IOMMU does not reach, or that it has reserved? */
static bool ptx_domain_conflicts(struct ptx_space *space, struct ptx_space_group *group)
{
	struct iommu_resv_region *region;

	if ((group->lowest && interval_tree_iter_first(&space->tree, 0, group->lowest - 1)) ||
	    (group->highest != ULONG_MAX &&
	     interval_tree_iter_first(&space->tree, group->highest + 1, ULONG_MAX)))
		return true;
	list_for_each_entry(region, &group->reserved, list)
		if (region->type != IOMMU_RESV_DIRECT_RELAXABLE && region->length &&
		    interval_tree_iter_first(&space->tree, region->start,
					     region->start + region->length - 1))
			return true;
	return false;
}

/* Where the platform has no fixed window for MSIs, one is made in the domain. */
static int ptx_domain_prepare_msi(struct ptx_domain *domain, struct ptx_space_group *group)
{
	struct iommu_resv_region *region;
	phys_addr_t base = 0;
	bool soft = false;
	int ret;

	list_for_each_entry(region, &group->reserved, list) {
		if (region->type == IOMMU_RESV_MSI)
			return 0;
		if (region->type == IOMMU_RESV_SW_MSI) {
			base = region->start;
			soft = true;
		}
	}
	if (!soft)
		return 0;
	domain->msi = true;
	ret = iommu_get_msi_cookie(domain->domain, base);
	return ret == -ENODEV ? 0 : ret;
}

/*
 * IOMMU drivers that tell a domain's owner of faults, by how they name the units that
 * they drive. Others, intel-iommu and arm-smmu-v3 among them, only print. Source: who
 * calls report_iommu_fault() in drivers/iommu of 6.12 and 7.2.
 */
static const char *const ptx_domain_fault_tellers[] = {
	"ivhd",		/* amd */
	"smmu.",	/* arm-smmu, for version 2 of it */
	"ptx_sim",	/* our simulator */
};

static int ptx_domain_tells(struct device *dev, void *data)
{
	const char *unit = dev->iommu && dev->iommu->iommu_dev && dev->iommu->iommu_dev->dev ?
			   dev_name(dev->iommu->iommu_dev->dev) : "";
	int i;

	for (i = 0; i < ARRAY_SIZE(ptx_domain_fault_tellers); i++)
		if (str_has_prefix(unit, ptx_domain_fault_tellers[i]))
			return 1;
	return 0;
}

/* The driver prints what it prints all the same. */
static int ptx_domain_fault(struct iommu_domain *domain, struct device *dev,
			    unsigned long iova, int flags, void *token)
{
	struct ptx_space *space = token;

	atomic64_inc(&space->faults);
	ptx_member_count_fault(dev);
	return -EFAULT;
}

/* Not where interrupts are mapped in the domain: there the kernel has other use for it. */
static void ptx_domain_watch(struct ptx_space *space, struct ptx_domain *domain,
			     struct ptx_space_group *group)
{
	if (domain->msi ||
	    !iommu_group_for_each_dev(group->group, NULL, ptx_domain_tells))
		return;
	iommu_set_fault_handler(domain->domain, ptx_domain_fault, space);
	domain->watched = true;
	space->tells_faults = true;
}

static int ptx_domain_watch_device(struct device *dev, void *data)
{
	if (ptx_domain_tells(dev, NULL))
		ptx_member_watch_faults(dev);
	return 0;
}

/* 0 with the group's domain set, or with none, and the group is where it was. */
static int ptx_domain_join_old(struct ptx_space *space, struct ptx_space_group *group,
			       struct ptx_domain *domain)
{
	struct ptx_domain *other;
	int ret;

	list_for_each_entry(other, &space->domains, node) {
		if (other->domain->ops != domain->domain->ops ||
		    other->coherent != domain->coherent)
			continue;
		iommu_detach_group(domain->domain, group->group);
		if (!iommu_attach_group(other->domain, group->group)) {
			group->domain = other;
			other->groups++;
			return 0;
		}
		/* Behind another IOMMU, say, with other page tables. */
		ret = iommu_attach_group(domain->domain, group->group);
		if (ret)
			return ret;
	}
	return 0;
}

/* A domain that the space has and that suits the group, or a new one, filled. */
static int ptx_domain_join(struct ptx_space *space, struct ptx_space_group *group)
{
	struct ptx_domain *domain;
	int ret;

	domain = ptx_domain_alloc(group->group);
	if (IS_ERR(domain))
		return PTR_ERR(domain);
	ret = iommu_attach_group(domain->domain, group->group);
	if (ret)
		goto err_free;
	group->lowest = domain->domain->geometry.aperture_start;
	group->highest = domain->domain->geometry.aperture_end;
	if (ptx_domain_conflicts(space, group)) {
		ret = -EINVAL;
		goto err_detach;
	}
	if (domain->domain->ops->enforce_cache_coherency)
		domain->coherent = domain->domain->ops->enforce_cache_coherency(domain->domain);
	/* A driver may change the tables of a domain for a group: nobody maps meanwhile. */
	down_write(&space->domains_lock);
	ret = ptx_domain_join_old(space, group, domain);
	up_write(&space->domains_lock);
	if (group->domain || ret)
		goto err_free;
	ret = ptx_domain_prepare_msi(domain, group);
	if (ret)
		goto err_detach;
	ptx_domain_watch(space, domain, group);
	down_write(&space->domains_lock);
	ret = ptx_domain_fill(space, domain);
	if (!ret) {
		domain->groups = 1;
		list_add_tail(&domain->node, &space->domains);
		group->domain = domain;
	}
	up_write(&space->domains_lock);
	if (!ret)
		return 0;
err_detach:
	iommu_detach_group(domain->domain, group->group);
err_free:
	ptx_domain_free(domain);
	return ret;
}

static struct ptx_space_group *ptx_domain_find(struct ptx_space *space,
					       struct iommu_group *group)
{
	struct ptx_space_group *g;

	lockdep_assert_held(&space->lock);
	list_for_each_entry(g, &space->groups, node)
		if (g->group == group)
			return g;
	return NULL;
}

/**
 * ptx_domain_attach() - let a group reach what a space maps
 * @space: not locked
 * @group: its DMA belongs to the caller, who keeps it until ptx_domain_detach()
 * @again: it may be attached already, for another of its devices
 *
 * Return: 0 with everything mapped for it; -EINVAL if it is attached already, or
 * cannot reach all that is mapped; -EPERM where its interrupts are not isolated;
 * -ENODEV if the space is cut; -ENOMEM; or an error of the IOMMU driver. Nothing has
 * changed then.
 */
int ptx_domain_attach(struct ptx_space *space, struct iommu_group *group, bool again)
{
	struct ptx_space_group *g, *there;
	int ret;

	g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);
	if (!g)
		return -ENOMEM;
	g->group = group;
	g->users = 1;
	INIT_LIST_HEAD(&g->reserved);
	mutex_lock(&space->lock);
	there = ptx_domain_find(space, group);
	if (space->cut)
		ret = -ENODEV;
	else if (there)
		ret = again ? 0 : -EINVAL;
	else if (!iommu_group_has_isolated_msi(group))
		ret = -EPERM;
	else
		ret = iommu_get_group_resv_regions(group, &g->reserved);
	if (!ret && !there)
		ret = ptx_domain_join(space, g);
	if (!ret && !there)
		list_add_tail(&g->node, &space->groups);
	if (!ret && !there && g->domain->watched)
		iommu_group_for_each_dev(group, NULL, ptx_domain_watch_device);
	if (!ret && there)
		there->users++;
	mutex_unlock(&space->lock);
	if (ret || there) {
		ptx_domain_free_reserved(g);
		kfree(g);
	}
	return ret;
}

static void ptx_domain_leave(struct ptx_space *space, struct ptx_space_group *group)
{
	struct ptx_domain *domain = group->domain;

	lockdep_assert_held(&space->lock);
	lockdep_assert_held_write(&space->domains_lock);
	if (!domain)
		return;
	iommu_detach_group(domain->domain, group->group);
	group->domain = NULL;
	if (--domain->groups)
		return;
	list_del(&domain->node);
	ptx_domain_free(domain);
}

/**
 * ptx_domain_detach() - undo ptx_domain_attach()
 * @space: not locked
 * @group: the group; nothing happens to others
 */
void ptx_domain_detach(struct ptx_space *space, struct iommu_group *group)
{
	struct ptx_space_group *g;

	mutex_lock(&space->lock);
	g = ptx_domain_find(space, group);
	if (g && --g->users)
		g = NULL;
	if (g) {
		down_write(&space->domains_lock);
		ptx_domain_leave(space, g);
		up_write(&space->domains_lock);
		list_del(&g->node);
	}
	mutex_unlock(&space->lock);
	if (g) {
		ptx_domain_free_reserved(g);
		kfree(g);
	}
}

/**
 * ptx_domain_of() - the domain that a group is attached to
 * @space: not locked
 * @group: which
 *
 * Return: the domain, valid as long as the group stays attached; NULL for none.
 */
struct iommu_domain *ptx_domain_of(struct ptx_space *space, struct iommu_group *group)
{
	struct iommu_domain *domain = NULL;
	struct ptx_space_group *g;

	mutex_lock(&space->lock);
	g = ptx_domain_find(space, group);
	if (g && g->domain)
		domain = g->domain->domain;
	mutex_unlock(&space->lock);
	return domain;
}

/**
 * ptx_domain_cut() - no device of the space reaches anything any more
 * @space: not locked
 *
 * For good. Its groups are what is left: their DMA is blocked until whoever attached
 * them lets them go. Waits for no more than a chunk that is being mapped.
 */
void ptx_domain_cut(struct ptx_space *space)
{
	struct ptx_space_group *group;

	/* Whoever fills a domain stops at the next chunk. */
	WRITE_ONCE(space->cut, true);
	mutex_lock(&space->lock);
	down_write(&space->domains_lock);
	list_for_each_entry(group, &space->groups, node)
		ptx_domain_leave(space, group);
	up_write(&space->domains_lock);
	mutex_unlock(&space->lock);
}
