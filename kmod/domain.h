/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_DOMAIN_H
#define PTX_DOMAIN_H

#include <linux/list.h>
#include <linux/types.h>

struct iommu_domain;
struct iommu_group;
struct ptx_mapping;
struct ptx_space;

/**
 * struct ptx_domain - an IOMMU domain of a space
 * @node: in the space's domains
 * @domain: the domain
 * @coherent: it keeps devices from going around the caches
 * @groups: how many are attached to it
 * @msi: interrupts are mapped in it
 * @watched: its faults are counted
 */
struct ptx_domain {
	struct list_head node;
	struct iommu_domain *domain;
	bool coherent;
	u32 groups;
	bool msi;
	bool watched;
};

/**
 * struct ptx_space_group - a group in a space
 * @node: in the space's groups
 * @group: the group; who attached it holds it
 * @domain: which it is attached to; NULL once the space is cut
 * @users: how often it was attached
 * @lowest: what its IOMMU reaches
 * @highest: likewise
 * @reserved: of struct iommu_resv_region: where nothing may be mapped
 */
struct ptx_space_group {
	struct list_head node;
	struct iommu_group *group;
	struct ptx_domain *domain;
	u32 users;
	unsigned long lowest;
	unsigned long highest;
	struct list_head reserved;
};

int ptx_domain_attach(struct ptx_space *space, struct iommu_group *group, bool again);
void ptx_domain_detach(struct ptx_space *space, struct iommu_group *group);
void ptx_domain_cut(struct ptx_space *space);
int ptx_domain_map(struct ptx_space *space, struct ptx_mapping *mapping, u32 chunk);
void ptx_domain_unmap(struct ptx_space *space, struct list_head *mappings);
void ptx_domain_expel(struct ptx_space *space, struct ptx_mapping *mapping);
bool ptx_domain_allows(struct ptx_space *space, unsigned long first, unsigned long last);
bool ptx_domain_next_range(struct ptx_space *space, unsigned long *first,
			   unsigned long *last);
struct iommu_domain *ptx_domain_of(struct ptx_space *space, struct iommu_group *group);
unsigned long ptx_domain_page_sizes(struct ptx_space *space);
bool ptx_domain_is_coherent(struct ptx_space *space);

#endif
