// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what happened, to the netlink multicast group and to tracepoints.
 *
 * Nothing here can fail its caller. A listener whose message could not be
 * built or did not fit reads ENOBUFS from its socket and starts over with a
 * dump, as with every netlink family. Callers may sleep and hold no spinlock.
 */
#include <linux/netlink.h>
#include <linux/pci.h>
#include <net/genetlink.h>

#include "bind.h"
#include "events.h"
#include "lease.h"
#include "netlink_gen.h"
#include "pool.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct ptx_notice {
	enum ptx_event event;
	enum ptx_reason reason;
	const char *device;
	const char *driver;
	struct ptx_lease *lease;
	const char *method;
	u32 took_ms;
};

static int ptx_notice_fill(struct sk_buff *skb, const struct ptx_notice *notice)
{
	void *hdr = genlmsg_put(skb, 0, 0, &ptx_nl_family, 0, PTX_CMD_NOTICE_NTF);

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u32(skb, PTX_A_NOTICE_EVENT, notice->event) ||
	    nla_put_u64_64bit(skb, PTX_A_NOTICE_TIME_NS, ktime_get_ns(), 0) ||
	    (notice->device &&
	     nla_put_string(skb, PTX_A_NOTICE_DEVICE, notice->device)) ||
	    (notice->driver && notice->driver[0] &&
	     nla_put_string(skb, PTX_A_NOTICE_DRIVER, notice->driver)) ||
	    (notice->lease &&
	     (nla_put_u64_64bit(skb, PTX_A_NOTICE_LEASE_ID, notice->lease->id, 0) ||
	      nla_put_string(skb, PTX_A_NOTICE_LEASE_NAME, notice->lease->name))) ||
	    (notice->method &&
	     (nla_put_string(skb, PTX_A_NOTICE_METHOD, notice->method) ||
	      nla_put_u32(skb, PTX_A_NOTICE_TOOK_MS, notice->took_ms))) ||
	    (notice->reason &&
	     nla_put_u32(skb, PTX_A_NOTICE_REASON, notice->reason)))
		return -EMSGSIZE;
	genlmsg_end(skb, hdr);
	return 0;
}

static void ptx_notice_send(const struct ptx_notice *notice)
{
	struct sk_buff *skb;

	trace_ptx_event(notice->event, notice->lease ? notice->lease->id : 0,
			notice->device ?: "", notice->reason);
	if (!genl_has_listeners(&ptx_nl_family, &init_net, PTX_NLGRP_EVENTS))
		return;
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb || ptx_notice_fill(skb, notice)) {
		nlmsg_free(skb);
		genl_set_err(&ptx_nl_family, &init_net, 0, PTX_NLGRP_EVENTS,
			     ENOBUFS);
		return;
	}
	genlmsg_multicast(&ptx_nl_family, skb, 0, PTX_NLGRP_EVENTS, GFP_KERNEL);
}

/* The pool is nobody's lease. */
static struct ptx_lease *ptx_notice_lease(struct ptx_lease *lease)
{
	return ptx_pool_is(lease) ? NULL : lease;
}

/**
 * ptx_event_device() - something happened to a device of nobody's in particular
 * @event: what
 * @pdev: to which
 */
void ptx_event_device(enum ptx_event event, struct pci_dev *pdev)
{
	const struct ptx_notice notice = {
		.event = event,
		.device = pci_name(pdev),
	};

	ptx_notice_send(&notice);
}

/**
 * ptx_event_lease() - something happened to a lease
 * @event: what
 * @lease: to which
 * @reason: why, or PTX_REASON_NONE
 */
void ptx_event_lease(enum ptx_event event, struct ptx_lease *lease,
		     enum ptx_reason reason)
{
	const struct ptx_notice notice = {
		.event = event,
		.reason = reason,
		.lease = lease,
	};

	ptx_notice_send(&notice);
}

/**
 * ptx_event_member() - something happened to a member of a lease
 * @event: what
 * @member: to which
 * @reason: why, or PTX_REASON_NONE
 */
void ptx_event_member(enum ptx_event event, struct ptx_member *member,
		      enum ptx_reason reason)
{
	const char *driver = event == PTX_EVENT_MEMBER_HOME ? member->native :
			     event == PTX_EVENT_MEMBER_READY ? member->claim->driver :
			     NULL;
	struct ptx_lease *lease = ptx_claim_lease(member->claim);
	const struct ptx_notice notice = {
		.event = event,
		.reason = reason,
		.device = member->name,
		.driver = driver,
		.lease = ptx_notice_lease(lease),
	};

	ptx_notice_send(&notice);
	ptx_lease_put(lease);
}

/**
 * ptx_event_pooled() - a lease has given a device back, to the pool
 * @member: which
 * @lease: whose it was
 */
void ptx_event_pooled(struct ptx_member *member, struct ptx_lease *lease)
{
	const struct ptx_notice notice = {
		.event = PTX_EVENT_MEMBER_POOLED,
		.device = member->name,
		.lease = lease,
	};

	ptx_notice_send(&notice);
}

/**
 * ptx_event_reset() - a reset was tried on a member of a lease
 * @member: which
 * @method: as in the reset_method attribute
 * @ms: how long it took, with the proof
 * @error: 0 when the device is well
 */
void ptx_event_reset(struct ptx_member *member, const char *method, s64 ms,
		     int error)
{
	struct ptx_lease *lease = ptx_claim_lease(member->claim);
	const struct ptx_notice notice = {
		.event = PTX_EVENT_MEMBER_RESET,
		.reason = error ? PTX_REASON_NOT_WELL : PTX_REASON_NONE,
		.device = member->name,
		.lease = ptx_notice_lease(lease),
		.method = method,
		.took_ms = ms,
	};

	ptx_notice_send(&notice);
	ptx_lease_put(lease);
}

/**
 * ptx_trace_begin() - a call into the driver core begins
 * @pdev: the device
 * @step: which call
 */
void ptx_trace_begin(struct pci_dev *pdev, const char *step)
{
	trace_ptx_step(pci_name(pdev), step, true);
}

/**
 * ptx_trace_end() - a call into the driver core has returned
 * @pdev: the device
 * @step: as for ptx_trace_begin()
 */
void ptx_trace_end(struct pci_dev *pdev, const char *step)
{
	trace_ptx_step(pci_name(pdev), step, false);
}

/**
 * ptx_trace_reset() - a rung of the reset ladder has been tried
 * @pdev: the device
 * @method: as in the reset_method attribute
 * @ret: what the PCI core said
 * @proof: what the device showed
 * @ms: how long both took
 */
void ptx_trace_reset(struct pci_dev *pdev, const char *method, int ret, int proof,
		     s64 ms)
{
	trace_ptx_reset(pci_name(pdev), method, ret, proof, ms);
}
