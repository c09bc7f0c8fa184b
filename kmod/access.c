// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what. Every entry point asks here; nothing else decides.
 *
 * Takes no lock of ours but that of the grants.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "access.h"
#include "grant.h"
#include "lease.h"

/**
 * ptx_may() - may the calling task use an ioctl
 * @right: what the ioctl asks for
 *
 * Return: true if it may.
 */
bool ptx_may(enum ptx_right right)
{
	switch (right) {
	case PTX_RIGHT_ANY:
	case PTX_RIGHT_HOLD:
		return true;
	case PTX_RIGHT_LEASE:
		return capable(CAP_SYS_ADMIN) || ptx_grant_is_any();
	case PTX_RIGHT_CHANGE:
	case PTX_RIGHT_FORCE:
		return capable(CAP_SYS_ADMIN);
	}
	return false;
}

/**
 * ptx_may_message() - may the sender of a netlink message have it carried out
 * @skb: the message; both the opener of its socket and the sender are asked
 * @right: what the command asks for
 *
 * Return: true if it may.
 */
bool ptx_may_message(struct sk_buff *skb, enum ptx_right right)
{
	return right == PTX_RIGHT_ANY || netlink_capable(skb, CAP_SYS_ADMIN);
}

/**
 * ptx_may_see() - may the sender of a netlink message see a lease
 * @skb: the message; who sent it counts, not who reads the answer
 * @lease: the lease
 *
 * Return: true for its owner and for CAP_SYS_ADMIN.
 */
bool ptx_may_see(struct sk_buff *skb, struct ptx_lease *lease)
{
	return uid_eq(NETLINK_CREDS(skb)->uid, READ_ONCE(lease->owner)) ||
	       netlink_capable(skb, CAP_SYS_ADMIN);
}

static bool ptx_descends_from(struct pid *pid)
{
	struct task_struct *task;
	bool found = false;

	rcu_read_lock();
	for (task = current->group_leader; !found && !is_global_init(task);
	     task = rcu_dereference(task->real_parent)->group_leader) {
		found = task_tgid(task) == pid;
		if (!task_pid_nr(task))
			break;
	}
	rcu_read_unlock();
	return found;
}

/**
 * ptx_may_open() - may the calling task open a lease's devices through VFIO
 * @lease: the lease
 *
 * Return: true for its owner, and, if it is bound to a process, only for that
 * process and its descendants. Root is no exception: it can make a lease of
 * its own.
 */
bool ptx_may_open(struct ptx_lease *lease)
{
	struct pid *process;
	bool may;

	if (!uid_eq(current_euid(), READ_ONCE(lease->owner)))
		return false;
	process = ptx_lease_process(lease);
	may = !process || ptx_descends_from(process);
	put_pid(process);
	return may;
}
