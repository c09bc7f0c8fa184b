# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# l2 - what the nested guest boots: Debian's 6.12 kernel and an initrd with
# busybox, the NVMe driver and guest/l2-init, in build/lab/l2.

lab_l2() {
	local out=$LAB_BUILD/lab/l2 dir rel files tmp stamp

	[ $# -eq 0 ] || lab_usage "l2 takes no arguments"
	lab_kernel_want debian-6.12
	dir=$(readlink -f -- "$(lab_kernel_dir debian-6.12)")
	stamp=$({ echo "$dir"; cat -- "$LAB_DIR/guest/l2-init" \
		"$LAB_DIR/lib/l2.sh" "$LAB_DIR/lib/initrd.sh"; } | sha256sum)
	[ "$stamp" = "$(cat -- "$out/.stamp" 2>/dev/null)" ] && return
	mkdir -p -- "$out" || return
	tmp=$(mktemp -d "$out/.initrd.XXXXXX") || return
	LAB_TEMPS+=("$tmp")
	rel=$(cat -- "$dir/release")
	if ! { files=$(lab_module_files "$rel" "$dir/modules" nvme) &&
		lab_initrd_base "$tmp" &&
		lab_initrd_modules "$tmp" "$files" &&
		cp -- "$LAB_DIR/guest/l2-init" "$tmp/init" &&
		cp -- "$dir/vmlinuz" "$out/vmlinuz" &&
		lab_initrd_pack "$tmp" "$out/initrd"; }; then
		lab_die "cannot make the nested guest in $out"
	fi
	rm -rf -- "$tmp"
	printf '%s\n' "$stamp" >"$out/.stamp"
	lab_say "the nested guest is in build/lab/l2"
}
