# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels - the table of kernels and where each one lies in the cache.
#
# A kernel is a directory $LAB_CACHE/kernels/K/<version>, made under another
# name and renamed when complete, with the symlink K/current on the newest:
#   release     what uname -r says
#   vmlinuz     what QEMU boots
#   kdir        what modules are built against, with no further arguments
#   modules/    lib/modules/RELEASE without our modules

LAB_KERNELS=(debian-6.12 debian-sid debug-6.12 iommufd-6.12)

lab_kernel_known() {
	local k

	for k in "${LAB_KERNELS[@]}"; do
		[ "$k" = "$1" ] && return
	done
	lab_usage "no kernel '$1'; there are: ${LAB_KERNELS[*]}"
}

# lab_kernel_dir K: the directory of the newest complete one, even if absent.
lab_kernel_dir() {
	printf '%s\n' "$LAB_CACHE/kernels/$1/current"
}

# lab_kernel_publish K DIR: make DIR, a complete sibling, the current one and
# drop the others.
lab_kernel_publish() {
	local top=$LAB_CACHE/kernels/$1 d

	ln -sfn -- "$(basename -- "$2")" "$top/current.new" &&
		mv -T -- "$top/current.new" "$top/current" || return
	for d in "$top"/*/; do
		d=${d%/}
		[ -L "$d" ] || [ "$d" = "$2" ] || [[ ${d##*/} == build-* ]] ||
			rm -rf -- "$d"
	done
}

# lab_kernel_fetch K: get it or bring it up to date, or die.
lab_kernel_fetch() {
	lab_lock "$LAB_CACHE/kernels/$1.lock"
	case $1 in
	debian-6.12)	lab_deb_fetch "$1" host ;;
	debian-sid)	lab_deb_fetch "$1" sid ;;
	*)		lab_built_fetch "$1" ;;
	esac || lab_die "kernel $1 is not available"
	lab_unlock
}

# lab_kernel_want K: make sure there is one, without looking for news, except
# that a changed config fragment means another kernel of our own.
lab_kernel_want() {
	local dir

	lab_kernel_known "$1"
	dir=$(lab_kernel_dir "$1")
	if [ -e "$dir/release" ]; then
		lab_is_built "$1" || return 0
		lab_built_fresh "$1" && return
	fi
	lab_kernel_fetch "$1"
}

lab_kver() {
	[ $# -eq 1 ] || lab_usage "kver takes the name of a kernel"
	lab_kernel_want "$1"
	cat -- "$(lab_kernel_dir "$1")/release"
}

lab_kdir() {
	[ $# -eq 1 ] || lab_usage "kdir takes the name of a kernel"
	lab_kernel_want "$1"
	readlink -f -- "$(lab_kernel_dir "$1")/kdir"
}

lab_kernels() {
	local k dir state

	for k in "$@"; do
		lab_kernel_known "$k"
	done
	for k in "$@"; do
		lab_kernel_fetch "$k"
	done
	for k in "${LAB_KERNELS[@]}"; do
		dir=$(lab_kernel_dir "$k")
		if [ ! -e "$dir/release" ]; then
			state="not fetched; run '$LAB_PROG kernels $k'"
			lab_is_built "$k" && state+=" (builds for about 15 minutes)"
		else
			state="$(cat -- "$dir/release") ($(du -sh -- "$dir/" | cut -f 1))"
			! lab_is_built "$k" || lab_built_fresh "$k" ||
				state+=", its config or source has changed since"
		fi
		printf '%-13s %s\n' "$k" "$state"
	done
}
