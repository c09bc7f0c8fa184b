// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ties a lease to a process: when the process exits, the lease ends,
 * whoever still holds its file. Waits on a pidfd the way VFIO's virqfd waits
 * on an eventfd: with a wake function of its own, which only queues work.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched.h>

#include "bond.h"
#include "lease.h"
#include "ptx_main.h"

static void ptx_bond_work(struct work_struct *work)
{
	struct ptx_lease *lease = container_of(work, struct ptx_lease, bond.work);

	/* Some kernels wake for a thread, or before the last one has gone. */
	if (vfs_poll(lease->bond.file, NULL) & EPOLLIN)
		ptx_lease_drain(lease);
}

static int ptx_bond_wake(wait_queue_entry_t *wait, unsigned int mode, int sync,
			 void *key)
{
	struct ptx_bond *bond = container_of(wait, struct ptx_bond, wait);

	if (!key || key_to_poll(key) & EPOLLIN)
		queue_work(ptx_wq, &bond->work);
	return 0;
}

static void ptx_bond_queue(struct file *file, wait_queue_head_t *head,
			   poll_table *table)
{
	struct ptx_bond *bond = container_of(table, struct ptx_bond, table);

	bond->head = head;
	add_wait_queue(head, &bond->wait);
}

/* Those of the kernel never exit, or are not the caller's to wait for. */
static bool ptx_bond_is_kthread(struct pid *pid)
{
	struct task_struct *task;
	bool is;

	rcu_read_lock();
	task = pid_task(pid, PIDTYPE_TGID);
	is = task && task->flags & PF_KTHREAD;
	rcu_read_unlock();
	return is;
}

/**
 * ptx_bond_tie() - end a lease when a process exits
 * @bond: the lease's, zeroed
 * @pidfd: stands for the process; a reference is taken
 *
 * A pidfd polls on its struct pid's own wait queue, which is how a module
 * learns both which process it stands for and when that exits. From here on
 * the lease may be drained at any time. Undone by ptx_bond_untie(), also on
 * failure.
 *
 * Return: 0, -EINVAL when it is no pidfd or a kernel thread's, -ESRCH when the process has exited.
 */
int ptx_bond_tie(struct ptx_bond *bond, struct file *pidfd)
{
	__poll_t events;

	if (file_inode(pidfd)->i_sb->s_magic != PID_FS_MAGIC)
		return -EINVAL;
	bond->file = get_file(pidfd);
	INIT_WORK(&bond->work, ptx_bond_work);
	init_waitqueue_func_entry(&bond->wait, ptx_bond_wake);
	init_poll_funcptr(&bond->table, ptx_bond_queue);
	events = vfs_poll(pidfd, &bond->table);
	if (!bond->head)
		return -EINVAL;
	bond->pid = container_of(bond->head, struct pid, wait_pidfd);
	if (ptx_bond_is_kthread(bond->pid))
		return -EINVAL;
	return events & EPOLLIN ? -ESRCH : 0;
}

/**
 * ptx_bond_untie() - forget the process
 * @bond: tied or not
 *
 * Waits for the work that drains the lease; so it may not be called from it.
 */
void ptx_bond_untie(struct ptx_bond *bond)
{
	if (!bond->file)
		return;
	if (bond->head)
		remove_wait_queue(bond->head, &bond->wait);
	cancel_work_sync(&bond->work);
	fput(bond->file);
}
