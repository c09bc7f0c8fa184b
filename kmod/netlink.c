// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family ptx: marshalling only. The policies and the table
 * of operations are generated from Documentation/netlink/specs/ptx.yaml.
 *
 * A request that moves devices runs in its sender's context, as devlink's
 * reload does, and holds genetlink's semaphore for reading while it waits: a
 * family that wants to register has to wait for it, and behind that family
 * everybody. So the specification lets nobody wait longer than
 * PTX_REQUEST_TIMEOUT_MAX_MS. Owns no state but the position of a dump.
 */
#include <linux/cred.h>
#include <linux/netlink.h>
#include <linux/pci.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

#include "access.h"
#include "catalog.h"
#include "events.h"
#include "lease.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_space.h"
#include "revoke.h"
#include "rom.h"
#include "vfio_pci.h"

/* What a lease without its members, and a member, take in a message at most. */
#define PTX_NL_LEASE_SIZE	256
#define PTX_NL_MEMBER_SIZE	256
/* Room for as many members as a lease can have. */
#define PTX_DUMP_ALLOC_MAX	((size_t)SZ_128K)

/*
 * What to tell the sender, by reason; the culprit's name goes in front. A
 * formatted extack message holds 80 bytes, so these are short.
 */
static const char *const ptx_reason_texts[] = {
	[PTX_REASON_NONE] = "failed",
	[PTX_REASON_NO_DEVICE] = "no such device",
	[PTX_REASON_DUPLICATE] = "named twice in this request",
	[PTX_REASON_BRIDGE] = "is a bridge; lease what is behind it",
	[PTX_REASON_NO_GROUP] = "no IOMMU group; turn the IOMMU on",
	[PTX_REASON_GROUP_SHARED] = "shares the group; name it too",
	[PTX_REASON_GROUP_BLOCKED] = "shares the group and cannot be leased",
	[PTX_REASON_HELD] = "is held by another lease",
	[PTX_REASON_IN_USE] = "its group is in use outside ptx",
	[PTX_REASON_RESERVED_REGION] = "firmware needs it mapped (RMRR)",
	[PTX_REASON_NO_MSI_ISOLATION] = "no interrupt remapping",
	[PTX_REASON_BOOT_DISPLAY] = "drives the boot display",
	[PTX_REASON_VFS_ENABLED] = "has VFs enabled; disable them",
	[PTX_REASON_MOUNTED] = "is mounted",
	[PTX_REASON_BLOCK_HELD] = "is held exclusively",
	[PTX_REASON_NET_UP] = "is up",
	[PTX_REASON_NODE_OPEN] = "is open",
	[PTX_REASON_CONSOLE] = "is the console",
	[PTX_REASON_QUARANTINED] = "no reset made it well; it is in quarantine",
	[PTX_REASON_BAD_DRIVER] = "driver is missing or not for VFIO",
	[PTX_REASON_UNBIND_STUCK] = "driver does not let go of it",
	[PTX_REASON_ATTACH_FAILED] = "VFIO driver refused it; see the log",
	[PTX_REASON_GONE] = "has left the bus",
	[PTX_REASON_NOT_ACTIVE] = "the lease is on its way home",
	[PTX_REASON_NOT_MEMBER] = "is not in this lease",
	[PTX_REASON_NAME_TAKEN] = "another lease has this name",
	[PTX_REASON_BAD_NAME] = "a name is 1 to 63 bytes of printable UTF-8",
	[PTX_REASON_NO_LEASE] = "no such lease",
	[PTX_REASON_NO_RIGHT] = "needs CAP_SYS_ADMIN",
	[PTX_REASON_BAD_PROCESS] = "no such process",
	[PTX_REASON_TIMEOUT] = "still under way at the deadline",
	[PTX_REASON_SHUTDOWN] = "the host is going down",
	[PTX_REASON_NATIVE_REFUSED] = "its driver would not take it back",
	[PTX_REASON_LIMIT] = "too many devices",
	[PTX_REASON_NO_MEMORY] = "out of memory",
	[PTX_REASON_INTERRUPTED] = "interrupted",
	[PTX_REASON_NOT_WELL] = "a reset did not make it well",
	[PTX_REASON_NOT_GRANTED] = "no grant lets you have it",
	[PTX_REASON_NO_RESET] = "there is no way to reset it",
	[PTX_REASON_ERROR_CORRECTABLE] = "a PCI Express error, corrected",
	[PTX_REASON_ERROR_NONFATAL] = "a PCI Express error, not corrected",
	[PTX_REASON_ERROR_FATAL] = "a PCI Express error, fatal",
	[PTX_REASON_POOLED] = "the pool has it, and cannot give it now",
	[PTX_REASON_KEEPS_MEMORY] = "keeps its memory, which cannot be cleared",
	[PTX_REASON_ROM] = "not an option ROM that is allowed, or none",
	[PTX_REASON_GRANT_USED_UP] = "as many are leased under its grant as may be",
	[PTX_REASON_NO_SRIOV] = "cannot have virtual functions, or has no driver for it",
	[PTX_REASON_VFS_USED_UP] = "all its virtual functions are in use",
	[PTX_REASON_VF_FAILED] = "its driver could not enable virtual functions",
	[PTX_REASON_NO_VGPU_TYPE] = "it makes no mediated devices of that type",
	[PTX_REASON_VGPUS_USED_UP] = "it has no room for another mediated device of that type",
	[PTX_REASON_VGPU_FAILED] = "its driver could not make a mediated device",
	[PTX_REASON_VGPU_EXISTS] = "there is a mediated device of that uuid",
	[PTX_REASON_NO_SPACE] = "the lease has no DMA space",
	[PTX_REASON_DMA_WINDOW] = "something is mapped outside of the windows",
	[PTX_REASON_DMA_QUOTA] = "more is mapped than the quota",
	[PTX_REASON_DMA_GRANT] = "as much is mapped under its grant as may be",
};

/**
 * ptx_nl_fail() - say in the answer why a request failed
 * @info: the request
 * @ret: the error
 * @fault: why
 *
 * Return: @ret.
 */
int ptx_nl_fail(struct genl_info *info, int ret, const struct ptx_fault *fault)
{
	const char *text = ptx_reason_texts[PTX_REASON_NONE];

	if (fault->reason < ARRAY_SIZE(ptx_reason_texts) &&
	    ptx_reason_texts[fault->reason])
		text = ptx_reason_texts[fault->reason];
	if (fault->lease)
		GENL_SET_ERR_MSG_FMT(info, "%s: is held by lease %llu",
				     fault->culprit, fault->lease);
	else if (fault->holder[0])
		GENL_SET_ERR_MSG_FMT(info, "%s: %s %s", fault->culprit,
				     fault->holder, text);
	else if (fault->culprit[0])
		GENL_SET_ERR_MSG_FMT(info, "%s: %s", fault->culprit, text);
	else
		GENL_SET_ERR_MSG_FMT(info, "%s", text);
	nl_set_extack_cookie_u64(info->extack, fault->reason);
	return ret;
}

/**
 * ptx_nl_fail_reason() - the same where no device is at fault
 * @info: the request
 * @ret: the error
 * @reason: a value of enum ptx_reason
 *
 * Return: @ret.
 */
int ptx_nl_fail_reason(struct genl_info *info, int ret, u32 reason)
{
	const struct ptx_fault fault = { .reason = reason };

	return ptx_nl_fail(info, ret, &fault);
}

/**
 * ptx_nl_check() - refuse attributes that are given twice
 * @info: the request
 *
 * The parser lets the last of several win. Only devices may come more than once.
 *
 * Return: 0 or -EINVAL.
 */
int ptx_nl_check(struct genl_info *info)
{
	unsigned long seen = 0;
	struct nlattr *attr;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		int type = nla_type(attr);

		if (type < BITS_PER_LONG && __test_and_set_bit(type, &seen) &&
		    !(type == PTX_A_LEASE_DEVICE &&
		      (info->genlhdr->cmd == PTX_CMD_LEASE_NEW ||
		       info->genlhdr->cmd == PTX_CMD_LEASE_ADD ||
		       info->genlhdr->cmd == PTX_CMD_LEASE_REMOVE ||
		       info->genlhdr->cmd == PTX_CMD_POOL_ADD ||
		       info->genlhdr->cmd == PTX_CMD_POOL_REMOVE))) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "attribute given twice");
			return -EINVAL;
		}
	}
	return 0;
}

/**
 * ptx_nl_right() - may the sender have this carried out
 * @skb: the message
 * @info: the request
 * @right: what it asks for
 *
 * Return: 0, or -EPERM, having said why.
 */
int ptx_nl_right(struct sk_buff *skb, struct genl_info *info,
		 enum ptx_right right)
{
	if (ptx_may_message(skb, right))
		return 0;
	return ptx_nl_fail_reason(info, -EPERM, PTX_REASON_NO_RIGHT);
}

/**
 * ptx_nl_add_right() - what a message asks for that adds devices
 * @info: the request, of a command that has the flags: there are no others in
 *	the array
 *
 * Return: the right that it needs.
 */
enum ptx_right ptx_nl_add_right(struct genl_info *info)
{
	struct nlattr *flags = info->attrs[PTX_A_LEASE_ADD_FLAGS];

	return flags && nla_get_u32(flags) & PTX_ADD_FLAGS_OVERRIDE ?
	       PTX_RIGHT_FORCE : PTX_RIGHT_CHANGE;
}

static int ptx_nl_put_member(struct sk_buff *skb, struct ptx_lease *lease,
			     struct ptx_member *member, bool publish)
{
	struct ptx_claim *claim = member->claim;
	const char *at = READ_ONCE(claim->journal.at);
	struct ptx_member_info info;
	struct nlattr *nest;

	ptx_member_describe(lease, member, &info, publish);
	nest = nla_nest_start(skb, PTX_A_LEASE_MEMBER);
	if (!nest ||
	    nla_put_string(skb, PTX_A_MEMBER_DEVICE, info.name) ||
	    nla_put_u32(skb, PTX_A_MEMBER_KIND, info.kind) ||
	    nla_put_u32(skb, PTX_A_MEMBER_GROUP, info.group) ||
	    nla_put_u32(skb, PTX_A_MEMBER_STATE, info.state) ||
	    ptx_nl_put_string(skb, PTX_A_MEMBER_NATIVE_DRIVER, info.native_driver) ||
	    ptx_nl_put_string(skb, PTX_A_MEMBER_DRIVER, info.driver) ||
	    ptx_nl_put_string(skb, PTX_A_MEMBER_CDEV, info.cdev) ||
	    ((info.flags & PTX_MEMBER_OPENED) &&
	     nla_put_flag(skb, PTX_A_MEMBER_OPENED)) ||
	    ((info.flags & PTX_MEMBER_REQUESTED) &&
	     nla_put_flag(skb, PTX_A_MEMBER_REQUESTED)) ||
	    ((info.flags & PTX_MEMBER_CUT) &&
	     nla_put_flag(skb, PTX_A_MEMBER_CUT)) ||
	    ((info.flags & PTX_MEMBER_KEEPS_MEMORY) &&
	     nla_put_flag(skb, PTX_A_MEMBER_KEEPS_MEMORY)) ||
	    ((info.flags & PTX_MEMBER_MEDIATED) &&
	     nla_put_flag(skb, PTX_A_MEMBER_MEDIATED)) ||
	    (READ_ONCE(member->tells_faults) && lease->space &&
	     nla_put_u64_64bit(skb, PTX_A_MEMBER_FAULTS, atomic64_read(&member->faults), 0)) ||
	    (at && !publish && info.state != PTX_MEMBER_STATE_HOME &&
	     (nla_put_string(skb, PTX_A_MEMBER_STEP, at) ||
	      nla_put_u64_64bit(skb, PTX_A_MEMBER_SINCE_MS,
				ktime_ms_delta(ktime_get(),
					       READ_ONCE(claim->journal.since)),
				0))))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int ptx_nl_put_lease(struct sk_buff *skb, struct ptx_lease *lease,
			    struct sock *sk, bool publish)
{
	struct ptx_claim **claims;
	struct ptx_member *member;
	bool forced = false;
	u32 i, nr, state, max;
	int ret = -EMSGSIZE;
	struct pid *process;

	process = ptx_lease_process(lease);
	max = READ_ONCE(lease->max_devices);

	state = READ_ONCE(lease->state);
	if (publish && state == PTX_LEASE_STATE_NEW)
		state = PTX_LEASE_STATE_ACTIVE;
	if (nla_put_u64_64bit(skb, PTX_A_LEASE_ID, lease->id, 0) ||
	    nla_put_string(skb, PTX_A_LEASE_NAME, lease->name) ||
	    nla_put_u32(skb, PTX_A_LEASE_STATE, state) ||
	    nla_put_u32(skb, PTX_A_LEASE_OWNER,
			from_kuid_munged(sk_user_ns(sk), READ_ONCE(lease->owner))) ||
	    (process && nla_put_s32(skb, PTX_A_LEASE_PID, pid_vnr(process))) ||
	    (max && nla_put_u32(skb, PTX_A_LEASE_MAX_DEVICES, max)) ||
	    (lease->persistent && nla_put_flag(skb, PTX_A_LEASE_PERSISTENT)) ||
	    nla_put_u64_64bit(skb, PTX_A_LEASE_AGE_MS,
			      ktime_ms_delta(ktime_get(), lease->created), 0))
		goto out_put;
	claims = ptx_lease_claims(lease, &nr);
	if (IS_ERR(claims)) {
		ret = PTR_ERR(claims);
		goto out_put;
	}
	for (i = 0; i < nr; i++)
		forced |= claims[i]->flags & PTX_ADD_FLAGS_OVERRIDE;
	ret = ptx_nl_put_space(skb, lease->space);
	if (!ret && forced)
		ret = nla_put_flag(skb, PTX_A_LEASE_FORCED);
	for (i = 0; !ret && i < nr; i++)
		ptx_for_each_member(member, claims[i]) {
			ret = ptx_nl_put_member(skb, lease, member, publish);
			if (ret)
				break;
		}
	ptx_lease_put_claims(claims, nr);
out_put:
	put_pid(process);
	return ret;
}

/* An upper bound of what describing a lease takes. */
static size_t ptx_nl_lease_size(struct ptx_lease *lease)
{
	struct ptx_claim *claim;
	size_t size = PTX_NL_LEASE_SIZE + (lease->space ? PTX_NL_SPACE_SIZE : 0);

	spin_lock(&lease->state_lock);
	list_for_each_entry(claim, &lease->claims, node)
		size += claim->nr_members * PTX_NL_MEMBER_SIZE;
	spin_unlock(&lease->state_lock);
	return size;
}

/* Builds the reply that describes a lease; NULL and an error if it cannot be. */
static struct sk_buff *ptx_nl_lease_reply(struct genl_info *info, u8 cmd,
					  struct ptx_lease *lease,
					  struct sock *sk, bool publish, int *ret)
{
	struct sk_buff *msg;
	void *hdr;

	*ret = -ENOMEM;
	msg = genlmsg_new(ptx_nl_lease_size(lease), GFP_KERNEL);
	if (!msg)
		return NULL;
	hdr = genlmsg_put_reply(msg, info, &ptx_nl_family, 0, cmd);
	*ret = hdr ? ptx_nl_put_lease(msg, lease, sk, publish) : -EMSGSIZE;
	if (*ret) {
		nlmsg_free(msg);
		return NULL;
	}
	genlmsg_end(msg, hdr);
	return msg;
}

/* What is done is done, whether or not the answer can be given. */
static void ptx_nl_lease_answer(struct sk_buff *skb, struct genl_info *info, u8 cmd,
				struct ptx_lease *lease)
{
	struct sk_buff *msg;
	int ret;

	msg = ptx_nl_lease_reply(info, cmd, lease, NETLINK_CB(skb).sk, false, &ret);
	if (msg)
		genlmsg_reply(msg, info);
}

/*
 * Finds the lease a request names, by id, by name, or both. One that the sender
 * may not see does not exist for it.
 */
static struct ptx_lease *ptx_nl_lease(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *id = info->attrs[PTX_A_LEASE_ID];
	struct nlattr *name = info->attrs[PTX_A_LEASE_NAME];
	struct ptx_lease *lease;

	if (!id && !name) {
		NL_SET_ERR_MSG(info->extack, "neither id nor name of a lease given");
		return ERR_PTR(-EINVAL);
	}
	lease = id ? ptx_lease_find(nla_get_u64(id)) :
		     ptx_lease_find_name(nla_data(name));
	if (lease && ((id && name && strcmp(nla_data(name), lease->name)) ||
		      !ptx_may_see(skb, lease))) {
		ptx_lease_put(lease);
		lease = NULL;
	}
	if (!lease) {
		ptx_nl_fail_reason(info, -ENOENT, PTX_REASON_NO_LEASE);
		return ERR_PTR(-ENOENT);
	}
	return lease;
}

int ptx_nl_lease_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_lease *lease;
	struct sk_buff *msg;
	int ret;

	ret = ptx_nl_check(info);
	if (ret)
		return ret;
	lease = ptx_nl_lease(skb, info);
	if (IS_ERR(lease))
		return PTR_ERR(lease);
	msg = ptx_nl_lease_reply(info, PTX_CMD_LEASE_GET, lease,
				 NETLINK_CB(skb).sk, false, &ret);
	ptx_lease_put(lease);
	return msg ? genlmsg_reply(msg, info) : ret;
}

int ptx_nl_lease_get_start(struct netlink_callback *cb)
{
	struct ptx_lease *lease;
	size_t size = 0;
	u64 id = 0;

	BUILD_BUG_ON(sizeof(u64) > sizeof(cb->ctx));
	*(u64 *)cb->ctx = 0;
	/* A lease is dumped whole: the buffer must take the largest. */
	for (; (lease = ptx_lease_next(&id)); id++) {
		size = max(size, ptx_nl_lease_size(lease));
		ptx_lease_put(lease);
	}
	cb->min_dump_alloc = min(size, PTX_DUMP_ALLOC_MAX);
	return 0;
}

/*
 * In the order of ids, each lease by itself as it is at that moment: one that is there
 * all the while is there once. There is no number to tell whether something happened
 * meanwhile: whoever takes and drops leases of his own could keep everybody asking.
 */
int ptx_nl_lease_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	u64 *next = (u64 *)cb->ctx;
	struct ptx_lease *lease;
	u64 id = *next;

	for (; (lease = ptx_lease_next(&id)); *next = ++id) {
		void *hdr;
		int ret;

		if (!ptx_may_see(cb->skb, lease)) {
			ptx_lease_put(lease);
			continue;
		}
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				  cb->nlh->nlmsg_seq, &ptx_nl_family,
				  NLM_F_MULTI, PTX_CMD_LEASE_GET);
		ret = hdr ? ptx_nl_put_lease(skb, lease, NETLINK_CB(cb->skb).sk,
					     false) : -EMSGSIZE;
		ptx_lease_put(lease);
		if (ret) {
			if (hdr)
				genlmsg_cancel(skb, hdr);
			return skb->len ?: ret;
		}
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}

/**
 * ptx_nl_devices() - the devices that a message names
 * @info: the request, with attributes of a lease
 * @nr: gets their number
 *
 * Return: an array, to be freed with kfree(), NULL for none; -E2BIG, -EINVAL,
 * -ENOMEM, having said why.
 */
struct ptx_device_name *ptx_nl_devices(struct genl_info *info, u32 *nr)
{
	struct ptx_device_name *devices;
	struct nlattr *attr;
	int rem;

	*nr = 0;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem)
		if (nla_type(attr) == PTX_A_LEASE_DEVICE)
			(*nr)++;
	if (!*nr)
		return NULL;
	if (*nr > PTX_DEVICES_MAX)
		return ERR_PTR(ptx_nl_fail_reason(info, -E2BIG, PTX_REASON_LIMIT));
	devices = kcalloc(*nr, sizeof(*devices), GFP_KERNEL);
	if (!devices)
		return ERR_PTR(-ENOMEM);
	*nr = 0;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		ssize_t len;

		if (nla_type(attr) != PTX_A_LEASE_DEVICE)
			continue;
		len = nla_strscpy(devices[*nr].name, attr,
				  sizeof(devices[*nr].name));
		if (len <= 0) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "not a device's name");
			kfree(devices);
			return ERR_PTR(-EINVAL);
		}
		(*nr)++;
	}
	return devices;
}

/**
 * ptx_nl_roms() - the option ROMs that a message allows
 * @info: the request, with attributes of a lease
 *
 * Return: to be freed with kfree(), NULL for any; -EINVAL, -ENOMEM, having said why.
 */
struct ptx_roms *ptx_nl_roms(struct genl_info *info)
{
	struct nlattr *attr = info->attrs[PTX_A_LEASE_ROM_SHA256];
	struct ptx_roms *roms;
	u32 nr;

	if (!attr)
		return NULL;
	nr = nla_len(attr) / sizeof(*roms->rom);
	if (!nr || nr > PTX_ROMS_MAX || nla_len(attr) % sizeof(*roms->rom)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "not digests of 32 bytes");
		return ERR_PTR(-EINVAL);
	}
	roms = kmalloc(struct_size(roms, rom, nr), GFP_KERNEL);
	if (!roms)
		return ERR_PTR(-ENOMEM);
	roms->nr = nr;
	memcpy(roms->rom, nla_data(attr), nla_len(attr));
	return roms;
}

/**
 * ptx_nl_timeout() - how long a message lets us wait
 * @info: the request, with attributes of a lease
 *
 * Return: milliseconds.
 */
u32 ptx_nl_timeout(struct genl_info *info)
{
	struct nlattr *attr = info->attrs[PTX_A_LEASE_TIMEOUT_MS];

	return attr && nla_get_u32(attr) ? nla_get_u32(attr) :
					   PTX_TIMEOUT_DEFAULT_MS;
}

/**
 * ptx_nl_selector() - which devices a message is about
 * @info: the request
 * @device: its attributes, each of which may be NULL: an address,
 * @kind: a kind,
 * @vendor: and a PCI vendor
 * @sel: filled in
 *
 * Return: 0, or -EINVAL, having said why.
 */
int ptx_nl_selector(struct genl_info *info, struct nlattr *device,
		    struct nlattr *kind, struct nlattr *vendor,
		    struct ptx_selector *sel)
{
	if (device)
		nla_strscpy(sel->device, device, sizeof(sel->device));
	sel->any_kind = !kind;
	sel->kind = kind ? nla_get_u32(kind) : 0;
	sel->vendor = vendor ? nla_get_u16(vendor) : 0;
	/* It would be about everything. */
	if ((device && !sel->device[0]) || (vendor && !sel->vendor)) {
		NL_SET_ERR_MSG(info->extack, "leave out what does not matter");
		return -EINVAL;
	}
	return 0;
}

/**
 * struct ptx_nl_add - a request to add devices, and the message it came by
 * @add: first
 * @info: the message
 * @sk: its sender's socket
 * @cmd: what the reply is to
 * @msg: the reply, built before the members are published
 */
struct ptx_nl_add {
	struct ptx_add add;
	struct genl_info *info;
	struct sock *sk;
	u8 cmd;
	struct sk_buff *msg;
};

static int ptx_nl_add_report(struct ptx_add *add, struct ptx_lease *lease)
{
	struct ptx_nl_add *nl = container_of(add, struct ptx_nl_add, add);
	int ret;

	nl->msg = ptx_nl_lease_reply(nl->info, nl->cmd, lease, nl->sk, true, &ret);
	return nl->msg ? 0 : ret;
}

/* Adds what the message names, and leaves the reply in nl->msg. */
static int ptx_nl_add_devices(struct ptx_lease *lease, struct ptx_nl_add *nl,
			      const struct ptx_device_name *devices, u32 nr)
{
	struct nlattr *driver = nl->info->attrs[PTX_A_LEASE_DRIVER];
	struct nlattr *flags = nl->info->attrs[PTX_A_LEASE_ADD_FLAGS];
	struct ptx_blockers blockers = {};
	struct ptx_roms *roms;
	int ret;

	roms = ptx_nl_roms(nl->info);
	if (IS_ERR(roms))
		return PTR_ERR(roms);
	nl->add.roms = roms;
	nl->add.devices = devices;
	nl->add.nr_devices = nr;
	nl->add.flags = flags ? nla_get_u32(flags) : 0;
	nl->add.driver = driver && *(char *)nla_data(driver) ? nla_data(driver) :
							     PTX_VFIO_DRIVER;
	nl->add.timeout_ms = ptx_nl_timeout(nl->info);
	nl->add.report = ptx_nl_add_report;
	nl->add.blockers = &blockers;
	ret = ptx_lease_add(lease, &nl->add);
	kfree(roms);
	if (ret) {
		nlmsg_free(nl->msg);
		nl->msg = NULL;
		return ptx_nl_fail(nl->info, ret, &blockers.first);
	}
	return 0;
}

int ptx_nl_lease_new_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_nl_add nl = {
		.info = info,
		.sk = NETLINK_CB(skb).sk,
		.cmd = PTX_CMD_LEASE_NEW,
	};
	struct ptx_device_name *devices;
	kuid_t owner = current_euid();
	struct ptx_nl_space space;
	struct ptx_lease *lease;
	u32 nr, reason = PTX_REASON_NONE;
	const char *name;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, ptx_nl_add_right(info));
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_LEASE_NAME))
		return -EINVAL;
	if (info->attrs[PTX_A_LEASE_OWNER]) {
		owner = make_kuid(sk_user_ns(nl.sk),
				  nla_get_u32(info->attrs[PTX_A_LEASE_OWNER]));
		if (!uid_valid(owner)) {
			NL_SET_BAD_ATTR(info->extack,
					info->attrs[PTX_A_LEASE_OWNER]);
			return -EINVAL;
		}
	}
	devices = ptx_nl_devices(info, &nr);
	if (IS_ERR(devices))
		return PTR_ERR(devices);
	ret = ptx_nl_space_get(info, &space);
	if (ret)
		goto out_free;
	name = nla_data(info->attrs[PTX_A_LEASE_NAME]);
	lease = ptx_lease_create(name, strlen(name), owner, true, space.given, NULL,
				 &reason);
	if (IS_ERR(lease)) {
		ret = ptx_nl_fail_reason(info, PTR_ERR(lease), reason);
		goto out_free;
	}
	if (space.given) {
		ret = ptx_nl_space_apply(lease->space, &space, &reason);
		if (ret)
			ptx_nl_fail_reason(info, ret, reason);
	}
	if (ret)
		nl.msg = NULL;
	else if (devices)
		ret = ptx_nl_add_devices(lease, &nl, devices, nr);
	else
		nl.msg = ptx_nl_lease_reply(info, nl.cmd, lease, nl.sk, false, &ret);
	if (ret)
		ptx_lease_drain(lease);
	ptx_lease_put(lease);
	/* It is done, whether or not the answer finds its reader. */
	if (!ret)
		genlmsg_reply(nl.msg, info);
out_free:
	ptx_nl_space_put_away(&space);
	kfree(devices);
	return ret;
}

int ptx_nl_lease_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_nl_add nl = {
		.info = info,
		.sk = NETLINK_CB(skb).sk,
		.cmd = PTX_CMD_LEASE_ADD,
	};
	struct ptx_device_name *devices;
	struct ptx_lease *lease;
	u32 nr;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, ptx_nl_add_right(info));
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_LEASE_DEVICE))
		return -EINVAL;
	lease = ptx_nl_lease(skb, info);
	if (IS_ERR(lease))
		return PTR_ERR(lease);
	devices = ptx_nl_devices(info, &nr);
	if (IS_ERR(devices)) {
		ret = PTR_ERR(devices);
	} else {
		ret = ptx_nl_add_devices(lease, &nl, devices, nr);
		kfree(devices);
	}
	ptx_lease_put(lease);
	/* It is done, whether or not the answer finds its reader. */
	if (!ret)
		genlmsg_reply(nl.msg, info);
	return ret;
}

int ptx_nl_lease_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_device_name *devices;
	struct ptx_fault fault = {};
	struct ptx_lease *lease;
	u32 nr;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, PTX_A_LEASE_DEVICE))
		return -EINVAL;
	lease = ptx_nl_lease(skb, info);
	if (IS_ERR(lease))
		return PTR_ERR(lease);
	devices = ptx_nl_devices(info, &nr);
	if (IS_ERR(devices)) {
		ret = PTR_ERR(devices);
		goto out_put;
	}
	ret = ptx_lease_remove(lease, devices, nr, ptx_nl_timeout(info), &fault);
	kfree(devices);
	if (ret) {
		ptx_nl_fail(info, ret, &fault);
		goto out_put;
	}
	ptx_nl_lease_answer(skb, info, PTX_CMD_LEASE_REMOVE, lease);
out_put:
	ptx_lease_put(lease);
	return ret;
}

int ptx_nl_lease_release_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_fault fault = {};
	struct ptx_lease *lease;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	lease = ptx_nl_lease(skb, info);
	if (IS_ERR(lease))
		return PTR_ERR(lease);
	ret = ptx_lease_release(lease, ptx_nl_timeout(info), &fault);
	ptx_lease_put(lease);
	return ret ? ptx_nl_fail(info, ret, &fault) : 0;
}

int ptx_nl_lease_revoke_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *deadline = info->attrs[PTX_A_LEASE_DEADLINE_MS];
	struct nlattr *kill = info->attrs[PTX_A_LEASE_KILL_MS];
	u32 reason = PTX_REASON_NONE;
	struct ptx_lease *lease;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	lease = ptx_nl_lease(skb, info);
	if (IS_ERR(lease))
		return PTR_ERR(lease);
	ret = ptx_lease_revoke(lease, deadline ? nla_get_u32(deadline) : 0, kill,
			       kill ? nla_get_u32(kill) : 0, &reason);
	ptx_lease_put(lease);
	return ret ? ptx_nl_fail_reason(info, ret, reason) : 0;
}

/* What a message says of the restriction it wants; its process is referenced. */
static int ptx_nl_restriction(struct sk_buff *skb, struct genl_info *info,
			      struct ptx_restriction *what)
{
	struct nlattr *owner = info->attrs[PTX_A_LEASE_OWNER];
	struct nlattr *pid = info->attrs[PTX_A_LEASE_PID];
	struct nlattr *max = info->attrs[PTX_A_LEASE_MAX_DEVICES];

	what->has_owner = owner;
	what->has_process = pid;
	what->has_max = max;
	what->max_devices = max ? nla_get_u32(max) : 0;
	if (!owner && !pid && !max && !info->attrs[PTX_A_LEASE_SPACE]) {
		NL_SET_ERR_MSG(info->extack, "nothing to change");
		return -EINVAL;
	}
	if (owner)
		what->owner = make_kuid(sk_user_ns(NETLINK_CB(skb).sk),
					nla_get_u32(owner));
	if (owner && !uid_valid(what->owner)) {
		NL_SET_BAD_ATTR(info->extack, owner);
		return -EINVAL;
	}
	if (!pid || !nla_get_s32(pid))
		return 0;
	what->process = find_get_pid(nla_get_s32(pid));
	if (!what->process || !pid_has_task(what->process, PIDTYPE_TGID)) {
		put_pid(what->process);
		return ptx_nl_fail_reason(info, -ESRCH, PTX_REASON_BAD_PROCESS);
	}
	return 0;
}

int ptx_nl_lease_restrict_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct ptx_restriction what = {};
	u32 reason = PTX_REASON_NONE;
	struct ptx_nl_space space;
	struct ptx_lease *lease;
	int ret;

	ret = ptx_nl_check(info) ?: ptx_nl_right(skb, info, PTX_RIGHT_CHANGE);
	if (ret)
		return ret;
	lease = ptx_nl_lease(skb, info);
	if (IS_ERR(lease))
		return PTR_ERR(lease);
	ret = ptx_nl_space_get(info, &space);
	if (!ret && space.given && !lease->space)
		ret = ptx_nl_fail_reason(info, -EOPNOTSUPP, PTX_REASON_NO_SPACE);
	if (!ret)
		ret = ptx_nl_restriction(skb, info, &what);
	if (ret)
		goto out_put;
	/* The rest of it fails only where the lease is at its end. */
	if (space.given)
		ret = ptx_nl_space_apply(lease->space, &space, &reason);
	if (!ret)
		ret = ptx_lease_restrict(lease, &what, &reason);
	put_pid(what.process);
	if (ret) {
		ptx_nl_fail_reason(info, ret, reason);
		goto out_put;
	}
	ptx_nl_lease_answer(skb, info, PTX_CMD_LEASE_RESTRICT, lease);
out_put:
	ptx_nl_space_put_away(&space);
	ptx_lease_put(lease);
	return ret;
}

/*
 * Events name leases, which are not for everybody to see. The specification
 * has no word for that yet, so the generated table is not used.
 */
static const struct genl_multicast_group ptx_nl_groups[] = {
	[PTX_NLGRP_EVENTS] = {
		.name = PTX_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

int ptx_netlink_init(void)
{
	ptx_nl_family.mcgrps = ptx_nl_groups;
	return genl_register_family(&ptx_nl_family);
}

void ptx_netlink_exit(void)
{
	genl_unregister_family(&ptx_nl_family);
}
