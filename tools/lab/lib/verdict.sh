# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# verdict - what in a kernel log, and in what guest/main measured, means that
# the kernel complained. The one table of such signs.

LAB_SPLATS=(
	# crashes
	'BUG: '
	'kernel BUG at'
	'Oops: '
	'Oops\[#'
	'general protection fault'
	'Unable to handle kernel'
	'Kernel panic - not syncing'
	'double fault:'
	'stack guard page was hit'
	'Corrupted stack end'
	# warnings
	'WARNING: '
	'refcount_t: '
	'list_(add|del) corruption'
	'(slab|cache)-.*Object .*(already free|padding overwritten)'
	'sysfs: cannot create duplicate filename'
	'debugfs: .* already present'
	'ODEBUG: '
	'Trying to free (nonexistent|already-free)'
	'kobject: .* (is not initialized|tried to init an initialized)'
	'UBSAN: '
	'(KASAN|KCSAN|KFENCE|KMSAN): '
	'VFS: Busy inodes'
	'Bad page (state|map)|bad page map'
	'vmap allocation .*failed'
	# locking and scheduling
	'possible (circular|recursive|irq lock|deadlock)'
	'inconsistent lock state'
	'(HARDIRQ|SOFTIRQ)-(safe|unsafe) -> '
	'suspicious RCU usage'
	'Invalid wait context'
	'bad unlock balance|held lock freed|lock held when returning'
	'(process|task) .* (still has locks held|leaked lock)'
	'sleeping function called'
	'scheduling while atomic'
	'DEBUG_LOCKS_WARN_ON'
	'INFO: task .* blocked for more than'
	'rcu: INFO: .*(stall|detected)'
	'watchdog: .*(LOCKUP|lockup)'
	'workqueue lockup'
	# written by guest/main
	'lab: kmemleak: unreferenced object'
	'lab: lockdep has turned itself off'
	'lab: tainted by the run'
)

# Said by healthy kernels of the lab's machine.
LAB_NOT_SPLATS=(
	# the command line, the mitigations
	'Command line:'
	'WARNING: See https://'
)

lab_join() {
	local IFS='|'

	printf '%s' "$*"
}

# lab_verdict LOG: print the lines of LOG that are splats, "N:text"; true if
# there is none.
lab_verdict() {
	! tr -d '\r' <"$1" | grep -anE -- "$(lab_join "${LAB_SPLATS[@]}")" |
		grep -avE -- "$(lab_join "${LAB_NOT_SPLATS[@]}")"
}
