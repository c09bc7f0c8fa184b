# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# common - messages, steps that show their progress, locks, and the one list
# of children and files that must not outlive this process. Everything that
# is not an answer goes to stderr, so that stdout can be used by the caller.

LAB_CHILDREN=()		# what to kill: pids, or -pgid for whole groups
LAB_TEMPS=()		# paths to remove

lab_say() { printf '%s: %s\n' "$LAB_PROG" "$*" >&2; }

lab_die() {
	lab_say "$*"
	exit "${LAB_EXIT:-1}"
}

lab_usage() {
	lab_say "$* (see '$LAB_PROG --help')"
	exit 2
}

lab_cleanup() {
	local p

	for p in ${LAB_CHILDREN[@]+"${LAB_CHILDREN[@]}"}; do
		kill -TERM -- "$p" 2>/dev/null
	done
	for p in ${LAB_TEMPS[@]+"${LAB_TEMPS[@]}"}; do
		rm -rf -- "$p"
	done
	LAB_CHILDREN=()
	LAB_TEMPS=()
}

trap lab_cleanup EXIT
trap 'lab_say interrupted; exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# lab_child CMD...: start CMD, a program or a function, in its own process
# group; the group is $LAB_CHILD and dies with us. Undone by lab_forget once
# waited for.
lab_child() {
	set -m
	"$@" &
	LAB_CHILD=$!
	set +m
	LAB_CHILDREN+=("-$LAB_CHILD")
}

lab_forget() {
	local p kept=()

	for p in ${LAB_CHILDREN[@]+"${LAB_CHILDREN[@]}"}; do
		[ "${p#-}" = "$1" ] || kept+=("$p")
	done
	LAB_CHILDREN=(${kept[@]+"${kept[@]}"})
}

# lab_step TEXT LOG CMD...: run CMD with its output in LOG, saying how long it
# has been at it. On failure the end of LOG is shown. Returns CMD's status.
lab_step() {
	local text=$1 log=$2 start=$SECONDS rc=0 pid next=15

	shift 2
	mkdir -p -- "$(dirname -- "$log")"
	lab_say "$text"
	lab_child "$@" >"$log" 2>&1 </dev/null
	pid=$LAB_CHILD
	while kill -0 "$pid" 2>/dev/null; do
		if [ -t 2 ]; then
			printf '\r%s: %s s' "$LAB_PROG" $((SECONDS - start)) >&2
		elif [ $((SECONDS - start)) -ge $next ]; then
			lab_say "  $((SECONDS - start)) s: $(tail -n 1 -- "$log" | cut -c 1-100)"
			next=$((next * 2 < 60 ? next * 2 : next + 60))
		fi
		sleep 0.2
	done
	[ -t 2 ] && printf '\r\033[K' >&2
	wait "$pid" || rc=$?
	lab_forget "$pid"
	if [ $rc -ne 0 ]; then
		tail -n 25 -- "$log" | sed 's/^/  | /' >&2
		lab_say "failed with status $rc; all of it is in $log"
	elif [ $((SECONDS - start)) -gt 1 ]; then
		lab_say "  done in $((SECONDS - start)) s"
	fi
	return $rc
}

# lab_lock FILE: hold FILE until lab_unlock, or until this process ends. One
# lock at a time; nothing long-lived is started while it is held.
lab_lock() {
	mkdir -p -- "$(dirname -- "$1")"
	exec {LAB_LOCK}>"$1" || lab_die "cannot write $1"
	flock -n "$LAB_LOCK" && return
	lab_say "waiting for another lab that holds $1"
	flock "$LAB_LOCK"
}

lab_unlock() {
	exec {LAB_LOCK}>&-
}

# lab_need PROGRAM PURPOSE
lab_need() {
	command -v "$1" >/dev/null ||
		lab_die "$1 is needed to $2: run '$LAB_PROG setup'"
}
