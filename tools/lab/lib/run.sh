# shellcheck shell=bash disable=SC2153
# SPDX-License-Identifier: GPL-2.0-only
#
# run - one life of the lab's machine: QEMU's arguments, the run directory
# (shared with the guest as /lab), and the verdict.

LAB_RUNS_KEPT=10

# lab_run_dir [DIR]: make the run directory, sets LAB_RUN.
lab_run_dir() {
	local old

	if [ -n "${1-}" ]; then
		mkdir -p -- "$1" || lab_die "cannot make $1"
		LAB_RUN=$(cd -- "$1" && pwd -P)
		old=$(cat -- "$LAB_RUN/.lab/pid" 2>/dev/null)
		if [ -n "$old" ] && kill -0 "$old" 2>/dev/null; then
			lab_die "$LAB_RUN is in use by process $old: give another --out"
		fi
		rm -rf -- "$LAB_RUN/.lab"
	else
		mkdir -p -- "$LAB_BUILD/lab"
		LAB_RUN=$LAB_BUILD/lab/run-$(date +%Y%m%d-%H%M%S)-$$
		mkdir -- "$LAB_RUN" || lab_die "cannot make $LAB_RUN"
		ln -sfn -- "${LAB_RUN##*/}" "$LAB_BUILD/lab/last"
		for old in $(find "$LAB_BUILD/lab" -maxdepth 1 -name 'run-*' |
			LC_ALL=C sort -r | tail -n +$((LAB_RUNS_KEPT + 1))); do
			kill -0 "${old##*-}" 2>/dev/null || rm -rf -- "$old"
		done
	fi
	mkdir -- "$LAB_RUN/.lab" && echo $$ >"$LAB_RUN/.lab/pid"
}

lab_clean() {
	rm -rf -- "$LAB_BUILD"/lab/run-* "$LAB_BUILD/lab/last"
}

# lab_run_command NAMES ARG...: what the guest executes, as a script.
lab_run_command() {
	local names=$1 n

	shift
	printf 'export HOME=%q USER=root LOGNAME=root LANG=C.UTF-8 TERM=%q\n' \
		"${HOME:-/root}" "${TERM:-dumb}"
	printf 'export PATH=%q\n' "$LAB_BUILD/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	printf 'export LD_LIBRARY_PATH=%q\n' "$LAB_BUILD/lib"
	printf 'export LAB_OUT=/lab LAB_TREE=%q LAB_KERNEL=%q LAB_TOPOLOGY=%q\n' \
		"$LAB_TREE" "$opt_kernel" "$opt_topology"
	for n in ${LAB_TOPO_ENV[@]+"${LAB_TOPO_ENV[@]}"}; do
		printf 'export %q\n' "$n"
	done
	for n in $(compgen -e | grep -E '^(LAB|PTX)_') $names; do
		case $n in
		LAB_OUT | LAB_TREE | LAB_KERNEL | LAB_TOPOLOGY) ;;
		*)	[ -z "${!n+set}" ] || printf 'export %s=%q\n' "$n" "${!n}" ;;
		esac
	done
	printf 'cd -- %q || exit 126\n' "$PWD"
	printf 'exec'
	printf ' %q' "$@"
	printf '\n'
}

# lab_run_config: what guest/init and guest/main read.
lab_run_config() {
	local size

	size=$(stty size 2>/dev/null </dev/tty)
	[[ $size == [1-9]*' '[1-9]* ]] || size='24 80'
	printf 'LAB_%s=%q\n' DIR "$LAB_DIR" TREE "$LAB_TREE" CWD "$PWD" \
		STAGE "$1" MODE "$2" NAME "$3" \
		MODULES "$LAB_TOPO_MODULES" EXPECT "$LAB_TOPO_EXPECT" \
		WRITE "$LAB_TOPO_WRITE" \
		TIMEOUT "$opt_timeout" LEAK_CHECK "$opt_leaks" \
		ROWS "${size% *}" COLS "${size#* }"
}

# lab_run_qemu INITRD: sets the array qemu. QEMU runs inside the run
# directory, so that socket names stay short.
lab_run_qemu() {
	local dir

	dir=$(lab_kernel_dir "$opt_kernel")
	qemu=(
		qemu-system-x86_64 -name ptx-lab -nodefaults -no-user-config
		-display none -no-reboot
		-machine "q35,kernel-irqchip=split" -accel "tcg,thread=$opt_thread"
		-cpu EPYC -smp "$opt_smp" -m "$opt_mem"
		-kernel "$dir/vmlinuz" -initrd "$1"
		# An emulated processor on a busy machine fails the kernel's checks
		# of its timers, with a panic or a slow clock.
		-append "console=ttyS0 panic=-1 oops=panic mitigations=off no_timer_check tsc=reliable$LAB_TOPO_KARGS $opt_append"
		# ttyS0 the kernel's log, ttyS1 the command, ttyS2 the monitor
		-chardev "file,id=log,path=kernel.log"
		-device "isa-serial,chardev=log,index=0"
		-chardev "stdio,id=cmd,signal=off$opt_mux"
		-device "isa-serial,chardev=cmd,index=1"
		-chardev "socket,id=qmp,path=qmp.sock,server=on,wait=off"
		-mon "chardev=qmp,mode=control"
		-chardev "socket,id=gmon,path=gmon.sock,server=on,wait=off"
		-mon "chardev=gmon,mode=control"
		-chardev "socket,id=gtty,path=gmon.sock"
		-device "isa-serial,chardev=gtty,index=2,irq=5"
		-fsdev "local,id=fsroot,path=/,security_model=none,readonly=on,multidevs=remap"
		-device "virtio-9p-pci,fsdev=fsroot,mount_tag=host0,bus=pcie.0,addr=1e.0"
		-fsdev "local,id=fslab,path=.,security_model=none"
		-device "virtio-9p-pci,fsdev=fslab,mount_tag=lab,bus=pcie.0,addr=1d.0"
		"${LAB_TOPO_QEMU[@]}"
	)
}

# lab_run_machine: run QEMU to its end, bounded by the timeout. For run only:
# shell needs QEMU in the terminal's own process group.
lab_run_machine() {
	local rc=0

	cd -- "$LAB_RUN" || return
	timeout --foreground -k 5 "$opt_timeout" "${qemu[@]}" \
		</dev/null 2>qemu.log | tee output.log
	return "${PIPESTATUS[0]}"
}

# lab_run_once: boot and wait, sets rc.
lab_run_once() {
	rc=0
	lab_child lab_run_machine </dev/null
	wait "$LAB_CHILD" || rc=$?
	# All of it has ended, unless somebody killed only its shell.
	kill -TERM -- "-$LAB_CHILD" 2>/dev/null
	lab_forget "$LAB_CHILD"
}

lab_run() {
	local mode=$1 opt_kernel=debian-6.12 opt_topology=default opt_timeout=''
	local opt_mem='' opt_smp=2 opt_thread=multi opt_append='' opt_names='' opt_out=''
	local opt_module=1 opt_leaks=1 opt_expect='' opt_splat_ok='' opt_mux=''
	local need words initrd stage qemu=() rc=0 status splats

	shift
	while [ $# -gt 0 ]; do
		need='' words=1
		case $1 in
		--kernel | --topology | --timeout | --mem | --smp | --append | \
		--env | --out | --expect-splat)
			[ $# -ge 2 ] || lab_usage "$1 needs a value"
			need=$2 words=2
			;;
		esac
		case $1 in
		--kernel)	opt_kernel=$need ;;
		--topology)	opt_topology=$need ;;
		--timeout)	opt_timeout=$need ;;
		--mem)		opt_mem=$need ;;
		--smp)		opt_smp=$need ;;
		--append)	opt_append+=" $need" ;;
		--env)		opt_names+=" $need" ;;
		--out)		opt_out=$need ;;
		--expect-splat)	opt_expect=$need ;;
		--one-thread)	opt_thread=single ;;
		--no-module)	opt_module='' ;;
		--no-leak-check) opt_leaks=0 ;;
		--splat-ok)	opt_splat_ok=1 ;;
		--)		shift; break ;;
		-h | --help)	usage; return ;;
		-*)		lab_usage "no option '$1'" ;;
		*)		break ;;
		esac
		shift $words
	done
	# shellcheck disable=SC2034	# lab_die's
	LAB_EXIT=125
	if [ "$mode" = shell ]; then
		[ $# -gt 0 ] || set -- /bin/bash -i
		if ! [ -t 0 ] || ! [ -t 1 ]; then
			lab_usage "shell needs a terminal; use 'lab run -- CMD'"
		fi
		opt_timeout=${opt_timeout:-0} opt_mux=',mux=on'
	else
		[ $# -gt 0 ] || lab_usage "run needs a command"
		[ "$opt_kernel" = debug-6.12 ] && opt_timeout=${opt_timeout:-600}
		opt_timeout=${opt_timeout:-240}
	fi
	# kmemleak's scans take time in proportion.
	[ "$opt_kernel" = debug-6.12 ] && opt_mem=${opt_mem:-2G}
	opt_mem=${opt_mem:-4G}
	[[ $opt_timeout =~ ^[0-9]+$ ]] || lab_usage "--timeout takes whole seconds"
	lab_need qemu-system-x86_64 "run the machine"
	lab_kernel_want "$opt_kernel"
	[ -z "$opt_module" ] || lab_build "$opt_kernel"
	lab_topology_read "${opt_topology%%,*}" \
		"$(tr , ' ' <<<"${opt_topology#"${opt_topology%%,*}"}")"
	lab_lock "$LAB_BUILD/.lock-$opt_kernel"
	initrd=$(lab_initrd "$opt_kernel") || lab_die "cannot make the initramfs"
	stage=$(lab_stage "$opt_kernel") || lab_die "cannot index the modules"
	lab_unlock

	lab_run_dir "$opt_out"
	lab_run_command "$opt_names" "$@" >"$LAB_RUN/.lab/cmd"
	lab_run_config "$stage" "$mode" "$(basename -- "$1" | tr -cd 'A-Za-z0-9._-')" \
		>"$LAB_RUN/.lab/config"
	lab_run_qemu "$initrd"
	printf '%q ' "${qemu[@]}" >"$LAB_RUN/.lab/qemu"

	if [ "$mode" = shell ]; then
		lab_say "booting $opt_kernel, topology $opt_topology; leave with exit or Ctrl-A x"
		# In the background all the same, or no trap would run before it ends.
		(cd -- "$LAB_RUN" && exec "${qemu[@]}" 2>qemu.log) <&0 &
		LAB_CHILD=$!
		LAB_CHILDREN+=("$LAB_CHILD")
		wait "$LAB_CHILD" || rc=$?
		lab_forget "$LAB_CHILD"
	else
		lab_run_once
		# No code of ours has run yet: it is the emulation that failed.
		if [ ! -e "$LAB_RUN/.lab/started" ] && [ $rc != 124 ] &&
			[ -s "$LAB_RUN/kernel.log" ]; then
			mv -- "$LAB_RUN/kernel.log" "$LAB_RUN/kernel-0.log"
			lab_say "the machine did not boot, trying once more; log: $LAB_RUN/kernel-0.log"
			lab_run_once
		fi
	fi
	rm -f -- "$LAB_RUN"/{qmp,gmon}.sock "$LAB_RUN/.lab/pid"
	lab_run_verdict
}

# lab_run_verdict: from what the machine left to this process's exit status.
lab_run_verdict() {
	local log=$LAB_RUN/kernel.log n=0

	status=$(cat -- "$LAB_RUN/.lab/status" 2>/dev/null)
	splats=''
	[ -s "$log" ] && splats=$(lab_verdict "$log")
	[ -z "$splats" ] || n=$(wc -l <<<"$splats")

	if [ -n "$splats" ]; then
		lab_say "the kernel complained ($n lines); the first:"
		head -n 8 <<<"$splats" | cut -c 1-160 | sed 's/^/  | /' >&2
		lab_say "kernel log: $log"
	fi
	if [ -n "$opt_expect" ]; then
		if grep -qE -- "$opt_expect" <<<"$splats"; then
			lab_say "that was expected"
			return 0
		fi
		lab_say "expected a splat that matches '$opt_expect'; kernel log: $log"
		return 99
	fi
	if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
		lab_say "stopped after the timeout of $opt_timeout s; kernel log: $log"
		return 124
	fi
	if [ -z "$status" ] && [ "$mode" = run ]; then
		[ -n "$splats" ] && [ -e "$LAB_RUN/.lab/started" ] && return 99
		lab_say "the machine ended before the command did; kernel log: $log"
		if [ -s "$LAB_RUN/qemu.log" ]; then
			grep -v "TCG doesn't support" "$LAB_RUN/qemu.log" |
				tail -n 5 | sed 's/^/  | /' >&2
		fi
		return 125
	fi
	if [ -n "$splats" ] && [ "${status:-0}" = 0 ] && [ -z "$opt_splat_ok" ]; then
		return 99
	fi
	[ "${status:-0}" = 0 ] ||
		lab_say "exit status $status; kernel log: $log"
	return "${status:-0}"
}
