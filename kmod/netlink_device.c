// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the netlink family says of devices, and their reset by hand: marshalling
 * only. Owns no state but the position of a dump.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "access.h"
#include "catalog.h"
#include "compat/driver_override.h"
#include "events.h"
#include "group.h"
#include "lease.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "pool.h"
#include "reset.h"
#include "reset_history.h"
#include "rom.h"

/* What a blocker or a group mate takes in a message at most. */
#define PTX_NL_ENTRY_SIZE	256
/* More than this is counted, not listed. */
#define PTX_NL_BLOCKERS_MAX	64

static int ptx_nl_put_membership(struct sk_buff *skb, struct pci_dev *pdev)
{
	struct ptx_member *member = ptx_member_get(pdev);
	struct ptx_lease *lease;
	int ret = 0;

	if (!member)
		return 0;
	lease = ptx_claim_lease(member->claim);
	/* The lease of a device in quarantine is over; that of the pool is nobody's. */
	if (!READ_ONCE(member->claim->quarantined) && !ptx_pool_is(lease))
		ret = nla_put_u64_64bit(skb, PTX_A_DEVICE_LEASE_ID, lease->id, 0);
	if (!ret && READ_ONCE(member->claim->pooled))
		ret = nla_put_flag(skb, PTX_A_DEVICE_POOLED);
	ret = ret ?:
	      nla_put_u32(skb, PTX_A_DEVICE_MEMBER_STATE,
			  READ_ONCE(member->claim->state));
	ptx_lease_put(lease);
	ptx_member_put(member);
	return ret;
}

static int ptx_nl_put_device(struct sk_buff *skb, struct pci_dev *pdev)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);
	char driver[PTX_DEVICE_NAME_SIZE];
	char override[PTX_DEVICE_NAME_SIZE];
	char resets[PTX_RESET_METHODS_SIZE];
	struct ptx_reset_plan plan;
	struct ptx_rom rom;
	int group_id = -1;

	if (group) {
		group_id = iommu_group_id(group);
		iommu_group_put(group);
	}
	ptx_reset_plan(pdev, &plan);
	ptx_catalog_driver(pdev, driver, sizeof(driver));
	ptx_driver_override_peek(pdev, override, sizeof(override));
	ptx_reset_method_names(pdev->reset_methods,
			       ARRAY_SIZE(pdev->reset_methods), resets,
			       sizeof(resets));
	if (nla_put_string(skb, PTX_A_DEVICE_NAME, pci_name(pdev)) ||
	    nla_put_u32(skb, PTX_A_DEVICE_KIND, ptx_kind_of(pdev)) ||
	    nla_put_u16(skb, PTX_A_DEVICE_VENDOR_ID, pdev->vendor) ||
	    nla_put_u16(skb, PTX_A_DEVICE_DEVICE_ID, pdev->device) ||
	    nla_put_u16(skb, PTX_A_DEVICE_SUBSYSTEM_VENDOR_ID,
			pdev->subsystem_vendor) ||
	    nla_put_u16(skb, PTX_A_DEVICE_SUBSYSTEM_DEVICE_ID,
			pdev->subsystem_device) ||
	    nla_put_u32(skb, PTX_A_DEVICE_CLASS, pdev->class) ||
	    nla_put_s32(skb, PTX_A_DEVICE_NUMA_NODE, dev_to_node(&pdev->dev)) ||
	    ptx_nl_put_string(skb, PTX_A_DEVICE_DRIVER, driver) ||
	    ptx_nl_put_string(skb, PTX_A_DEVICE_DRIVER_OVERRIDE, override) ||
	    ptx_nl_put_string(skb, PTX_A_DEVICE_RESET_METHODS, resets) ||
	    (group_id >= 0 && nla_put_u32(skb, PTX_A_DEVICE_GROUP, group_id)) ||
	    (pdev->is_virtfn &&
	     nla_put_string(skb, PTX_A_DEVICE_PHYSFN, pci_name(pci_physfn(pdev)))) ||
	    (ptx_rom_last(pdev, &rom) &&
	     nla_put(skb, PTX_A_DEVICE_ROM_SHA256, sizeof(rom.sha256), rom.sha256)) ||
	    (plan.keeps_memory && nla_put_flag(skb, PTX_A_DEVICE_KEEPS_MEMORY)) ||
	    ptx_nl_put_membership(skb, pdev))
		return -EMSGSIZE;
	return 0;
}

static int ptx_nl_put_blocker(struct sk_buff *skb, const struct ptx_blocker *b)
{
	struct nlattr *nest = nla_nest_start(skb, PTX_A_DEVICE_BLOCKER);

	if (!nest || nla_put_u32(skb, PTX_A_BLOCKER_REASON, b->reason) ||
	    nla_put_string(skb, PTX_A_BLOCKER_CULPRIT, b->culprit) ||
	    (b->lease &&
	     nla_put_u64_64bit(skb, PTX_A_BLOCKER_LEASE_ID, b->lease, 0)) ||
	    ptx_nl_put_string(skb, PTX_A_BLOCKER_HOLDER, b->holder))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

struct ptx_nl_mates {
	struct sk_buff *skb;
	struct pci_dev *pdev;
};

static int ptx_nl_put_mate(struct device *dev, void *data)
{
	struct ptx_nl_mates *mates = data;

	if (dev == &mates->pdev->dev)
		return 0;
	return nla_put_string(mates->skb, PTX_A_DEVICE_GROUP_MEMBER, dev_name(dev));
}

/* Everything that keeps the device, and so its group, from being leased now. */
static int ptx_nl_verdict(struct pci_dev *pdev, struct ptx_blockers *blockers)
{
	struct ptx_member *member;
	struct ptx_claim *claim;

	if (ptx_device_is_bridge(pdev)) {
		ptx_blockers_add(blockers, PTX_REASON_BRIDGE, pci_name(pdev), 0);
		return 0;
	}
	claim = ptx_claim_alloc(NULL, pdev, "", blockers);
	if (IS_ERR(claim))
		return PTR_ERR(claim) == -EBUSY ? 0 : PTR_ERR(claim);
	ptx_for_each_member(member, claim)
		member->requested = member->pdev == pdev;
	ptx_group_verdict(claim, 0, blockers);
	ptx_claim_put(claim);
	return 0;
}

static int ptx_nl_put_resets(struct sk_buff *skb, struct pci_dev *pdev)
{
	struct ptx_reset_count count;
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; i < PTX_RESET_RUNGS; i++) {
		if (!ptx_reset_count(pdev, i, &count))
			continue;
		nest = nla_nest_start(skb, PTX_A_DEVICE_RESET);
		if (!nest ||
		    nla_put_string(skb, PTX_A_RESET_METHOD,
				   i ? ptx_reset_method_name(i) : "whole bus") ||
		    nla_put_u32(skb, PTX_A_RESET_TRIES, count.tries) ||
		    nla_put_u32(skb, PTX_A_RESET_FAILURES, count.failures) ||
		    nla_put_u32(skb, PTX_A_RESET_LAST_MS, count.last_ms) ||
		    (count.last_error &&
		     nla_put_s32(skb, PTX_A_RESET_LAST_ERROR, count.last_error)))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return 0;
}

static int ptx_nl_put_verdict(struct sk_buff *skb, struct pci_dev *pdev,
			      const struct ptx_blockers *blockers)
{
	struct ptx_nl_mates mates = { .skb = skb, .pdev = pdev };
	struct iommu_group *group;
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < min(blockers->nr, blockers->max); i++)
		ret = ptx_nl_put_blocker(skb, &blockers->list[i]);
	group = iommu_group_get(&pdev->dev);
	if (group && !ret)
		ret = iommu_group_for_each_dev(group, &mates, ptx_nl_put_mate);
	iommu_group_put(group);
	return ret;
}

int ptx_nl_device_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_blockers blockers = { .max = PTX_NL_BLOCKERS_MAX };
	const char *name;
	struct sk_buff *msg = NULL;
	struct pci_dev *pdev;
	void *hdr;
	int ret;

	ret = ptx_nl_check(info);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_DEVICE_NAME))
		return -EINVAL;
	name = nla_data(info->attrs[PTX_A_DEVICE_NAME]);
	pdev = ptx_catalog_find(name);
	if (!pdev) {
		struct ptx_fault fault = { .reason = PTX_REASON_NO_DEVICE };

		strscpy(fault.culprit, name);
		return ptx_nl_fail(info, -ENODEV, &fault);
	}
	blockers.list = kcalloc(blockers.max, sizeof(*blockers.list), GFP_KERNEL);
	msg = genlmsg_new(NLMSG_GOODSIZE +
			  PTX_NL_BLOCKERS_MAX * PTX_NL_ENTRY_SIZE, GFP_KERNEL);
	if (!blockers.list || !msg) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = ptx_nl_verdict(pdev, &blockers);
	if (ret)
		goto err_free;
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		ptx_rom_learn(pdev);
	hdr = genlmsg_put_reply(msg, info, &ptx_nl_family, 0, PTX_CMD_DEVICE_GET);
	if (!hdr || ptx_nl_put_device(msg, pdev) || ptx_nl_put_resets(msg, pdev) ||
	    ptx_nl_put_verdict(msg, pdev, &blockers)) {
		ret = -EMSGSIZE;
		goto err_free;
	}
	genlmsg_end(msg, hdr);
	kfree(blockers.list);
	pci_dev_put(pdev);
	return genlmsg_reply(msg, info);

err_free:
	nlmsg_free(msg);
	kfree(blockers.list);
	pci_dev_put(pdev);
	return ret;
}

int ptx_nl_device_reset_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_member *member = NULL;
	struct ptx_fault fault = {};
	struct pci_dev *pdev;
	const char *name;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_DEVICE_NAME))
		return -EINVAL;
	name = nla_data(info->attrs[PTX_A_DEVICE_NAME]);
	strscpy(fault.culprit, name);
	pdev = ptx_catalog_find(name);
	if (pdev)
		member = ptx_member_get(pdev);
	if (member) {
		ret = ptx_claim_reset(member->claim, PTX_TIMEOUT_DEFAULT_MS, &fault);
		ptx_member_put(member);
	} else if (pdev) {
		ret = -EINVAL;
	} else {
		ret = -ENODEV;
		fault.reason = PTX_REASON_NO_DEVICE;
	}
	pci_dev_put(pdev);
	if (ret)
		ptx_nl_fail(info, ret, &fault);
	if (ret == -EINVAL)
		GENL_SET_ERR_MSG_FMT(info, "%s: is not in quarantine", name);
	return ret;
}

/**
 * struct ptx_device_dump - position of a dump of devices
 * @next: the next device to dump, referenced; NULL at the beginning or the end
 * @begun: which of the two
 */
struct ptx_device_dump {
	struct pci_dev *next;
	bool begun;
};

int ptx_nl_device_get_start(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct ptx_device_dump) > sizeof(cb->ctx));
	memset(cb->ctx, 0, sizeof(struct ptx_device_dump));
	return 0;
}

int ptx_nl_device_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct ptx_device_dump *dump = (void *)cb->ctx;
	struct pci_dev *pdev = dump->next;

	cb->seq = ptx_catalog_generation();
	if (!dump->begun) {
		dump->begun = true;
		pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, NULL);
	}
	dump->next = NULL;
	while (pdev) {
		void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, &ptx_nl_family,
					NLM_F_MULTI, PTX_CMD_DEVICE_GET);

		if (!hdr || ptx_nl_put_device(skb, pdev)) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			dump->next = pdev;
			return skb->len ?: -EMSGSIZE;
		}
		genl_dump_check_consistent(cb, hdr);
		genlmsg_end(skb, hdr);
		pdev = pci_get_device(PCI_ANY_ID, PCI_ANY_ID, pdev);
	}
	return skb->len;
}

int ptx_nl_device_get_done(struct netlink_callback *cb)
{
	struct ptx_device_dump *dump = (void *)cb->ctx;

	pci_dev_put(dump->next);
	return 0;
}
