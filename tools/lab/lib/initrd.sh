# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# initrd - the first root file system of the lab's machine: busybox, the few
# modules that reach the host's root over 9p, and guest/init. Cached beside
# the kernel under a hash of what goes in.

LAB_INITRD_MODULES=(virtio_pci 9pnet_virtio 9p overlay)

# lab_module_files RELEASE MODULES_DIR NAME...: the files of these modules and
# of all they depend on, in the order to insert them, each once. A name that
# is built in gives nothing; an unknown one is an error.
lab_module_files() {
	local rel=$1 dir=$2 m out

	shift 2
	for m in "$@"; do
		out=$(modprobe -d "$dir" -S "$rel" --show-depends "$m" 2>&1) || {
			lab_say "kernel $rel has no module $m: $out"
			return 1
		}
		awk '$1 == "insmod" { print $2 }' <<<"$out"
	done | awk '!seen[$0]++'
}

# lab_initrd_pack DIR OUT: everything below DIR as an initramfs.
lab_initrd_pack() {
	(cd -- "$1" && find . -print0 | LC_ALL=C sort -z |
		cpio -0 -o -H newc -R 0:0 --quiet) >"$2.tmp" &&
		mv -- "$2.tmp" "$2"
}

# lab_initrd_base DIR: busybox under the names the init scripts use.
lab_initrd_base() {
	local a

	lab_need cpio "make an initramfs"
	if [ ! -x /bin/busybox ]; then
		lab_say "busybox-static is needed in the guest: run '$LAB_PROG setup'"
		return 1
	fi
	mkdir -p -- "$1"/{bin,lib,proc,sys,dev} && cp -- /bin/busybox "$1/bin/" || return
	for a in sh mount mkdir mknod ln insmod switch_root echo sleep cat \
		sha256sum dd poweroff od cut ls umount hostname ip; do
		ln -s busybox "$1/bin/$a" || return
	done
}

# lab_initrd_modules DIR FILES: the modules, and lib/order to insert them by.
lab_initrd_modules() {
	local m

	: >"$1/lib/order"
	for m in $2; do
		cp -- "$m" "$1/lib/" &&
			basename -- "$m" >>"$1/lib/order" || return
	done
}

# lab_initrd K: print the path of K's initramfs, made if needed.
lab_initrd() {
	local dir rel out tmp files hash

	dir=$(readlink -f -- "$(lab_kernel_dir "$1")")
	rel=$(cat -- "$dir/release") || return
	hash=$({ cat -- "$LAB_DIR/guest/init" /bin/busybox "$LAB_DIR/lib/initrd.sh"
		echo "$rel"; } | sha256sum | cut -c 1-16)
	out=$dir/initrd-$hash
	if [ ! -e "$out" ]; then
		tmp=$(mktemp -d "$dir/.initrd.XXXXXX") || return
		LAB_TEMPS+=("$tmp")
		files=$(lab_module_files "$rel" "$dir/modules" \
			"${LAB_INITRD_MODULES[@]}") &&
			lab_initrd_base "$tmp" &&
			lab_initrd_modules "$tmp" "$files" &&
			cp -- "$LAB_DIR/guest/init" "$tmp/init" || return
		rm -f -- "$dir"/initrd-*
		lab_initrd_pack "$tmp" "$out" || return
		rm -rf -- "$tmp"
	fi
	printf '%s\n' "$out"
}
