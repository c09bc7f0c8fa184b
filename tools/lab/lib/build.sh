# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# build - the tree's modules for one kernel, in build/K, and the module tree
# of that kernel with ours in it, in build/K/stage.

LAB_SOURCES=(Kbuild kmod uapi compat selftests)

# lab_build_sync K: mirror the sources into build/K, keeping their times, and
# drop there what is gone here with what was built from it.
lab_build_sync() {
	local dst=$LAB_BUILD/$1 have=() s gone

	for s in "${LAB_SOURCES[@]}"; do
		[ -e "$LAB_TREE/$s" ] && have+=("$s")
	done
	mkdir -p -- "$dst" || return
	(cd -- "$LAB_TREE" && find ${have[@]+"${have[@]}"} -type f \
		! -name '*.o' ! -name '*.ko' ! -name '.*.cmd' ! -name '*.mod*' |
		LC_ALL=C sort) >"$dst/.sources.new" || return
	if [ -e "$dst/.sources" ]; then
		LC_ALL=C comm -23 "$dst/.sources" "$dst/.sources.new" |
			while read -r gone; do
				rm -f -- "$dst/$gone" "$dst/${gone%.c}.o" \
					"$dst/${gone%.c}.ko" "$dst/${gone%.c}.mod"
				[ "${gone##*/}" != Kbuild ] ||
					find "$dst/$(dirname -- "$gone")" -maxdepth 1 \
						-name '*.ko' -delete 2>/dev/null
			done
	fi
	rsync -a --files-from="$dst/.sources.new" "$LAB_TREE/" "$dst/" &&
		mv -- "$dst/.sources.new" "$dst/.sources"
}

# lab_build_make K DIR LOG ARG...: one external module directory. Quiet unless
# it fails or warns; V=1 among the arguments shows all of it.
lab_build_make() {
	local k=$1 dir=$2 log=$3 a v='' rc=0

	shift 3
	for a in "$@"; do
		[[ $a == V=[12]* ]] && v=1
	done
	# Where Kbuild would look for what is installed.
	PTX_VFIO_KO=$(lab_kernel_dir "$k")/modules/lib/modules/$(cat -- \
		"$(lab_kernel_dir "$k")/release")/kernel/drivers/vfio/vfio.ko
	export PTX_VFIO_KO
	set -- make -C "$(readlink -f -- "$(lab_kernel_dir "$k")/kdir")" \
		-j "$(nproc)" M="$dir" "$@" modules
	if [ -n "$v" ]; then
		"$@" 2>&1 | tee -- "$log" >&2
		return "${PIPESTATUS[0]}"
	fi
	lab_child "$@" >"$log" 2>&1 </dev/null
	wait "$LAB_CHILD" || rc=$?
	lab_forget "$LAB_CHILD"
	if [ $rc -ne 0 ] || grep -qE 'warning:|WARNING:|error:' "$log"; then
		grep -vE "^make(\[[0-9]+\])?: (Entering|Leaving) directory" "$log" >&2
	fi
	return $rc
}

lab_build() {
	local k only='' d dir kbuilds symbols='' start=$SECONDS

	[ $# -ge 1 ] || lab_usage "build takes the name of a kernel"
	k=$1
	shift
	if [ "${1-}" = --only ]; then
		[ $# -ge 2 ] || lab_usage "--only takes a directory of selftests/"
		only=$2
		shift 2
	fi
	lab_need rsync "copy the sources"
	lab_kernel_want "$k"
	dir=$LAB_BUILD/$k
	lab_lock "$LAB_BUILD/.lock-$k"
	lab_build_sync "$k" || lab_die "cannot copy the sources to $dir"
	if [ -n "$only" ]; then
		[ -e "$dir/selftests/$only/Kbuild" ] ||
			lab_die "selftests/$only has no Kbuild"
		kbuilds=$dir/selftests/$only
	else
		[ -e "$LAB_TREE/Kbuild" ] ||
			lab_die "there is no Kbuild in $LAB_TREE, so no module to build"
		lab_build_make "$k" "$dir" "$dir/make.log" "$@" ||
			lab_die "the module does not build for $k; log: $dir/make.log"
		symbols=$dir/Module.symvers
		kbuilds=$(find "$dir/selftests" -name Kbuild -printf '%h\n' 2>/dev/null |
			LC_ALL=C sort)
	fi
	for d in $kbuilds; do
		lab_build_make "$k" "$d" "$d/make.log" \
			"KBUILD_EXTRA_SYMBOLS=$symbols" "$@" ||
			lab_die "${d#"$dir"/} does not build for $k; log: $d/make.log"
	done
	lab_unlock
	lab_say "modules for $k are up to date in build/$k ($((SECONDS - start)) s)"
}

# lab_stage K: print the directory to put over /lib/modules in the guest, with
# the kernel's own modules and ours, indexed here because depmod over 9p takes
# a minute. Named by what is in it: a machine that still runs keeps its own
# when our modules are built again. Called with the kernel's lock held.
lab_stage() {
	local k=$1 dir rel top base state old

	dir=$(readlink -f -- "$(lab_kernel_dir "$k")")
	rel=$(cat -- "$dir/release") || return
	state=$({ echo "$dir"; find "$LAB_BUILD/$k" -name '*.ko' \
		-not -path "$LAB_BUILD/$k/stage/*" -printf '%p %s %T@\n' |
		LC_ALL=C sort; } | sha256sum | cut -c 1-16)
	base=$LAB_BUILD/$k/stage/$state
	top=$base/lib/modules/$rel
	if [ ! -e "$base/.done" ]; then
		rm -rf -- "$base"
		mkdir -p -- "$top/extra" &&
			cp -- "$dir/modules/lib/modules/$rel"/modules.{order,builtin,builtin.modinfo} "$top/" &&
			ln -s -- "$dir/modules/lib/modules/$rel/kernel" "$top/kernel" &&
			find "$LAB_BUILD/$k" -name '*.ko' \
				-not -path "$LAB_BUILD/$k/stage/*" \
				-exec cp -- {} "$top/extra/" \; &&
			depmod -b "$base" "$rel" || return
		for old in $(find "$LAB_BUILD/$k/stage" -mindepth 1 -maxdepth 1 \
			-printf '%T@ %p\n' | sort -rn | tail -n +11 | cut -d ' ' -f 2); do
			rm -rf -- "$old"
		done
	fi
	: >"$base/.done"
	printf '%s\n' "$base/lib/modules"
}
