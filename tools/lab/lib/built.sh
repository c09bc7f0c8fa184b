# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# built - the lab's own kernels K, built from linux-source-6.12 with the lines of
# built-6.12.config and of K.config.
#
# The cache key is made of those lines, the source's version, the compiler and
# LAB_BUILT_RECIPE. The tree is built under the name build-<key>,
# where an interrupted build is taken up again, and renamed to <key> when all
# of it is there. It stays: it is what modules are built against.

# What else goes into the result: raise it with every change to the functions
# below that changes what is built.
LAB_BUILT_RECIPE=2
LAB_BUILT_SOURCE=/usr/src/linux-source-6.12.tar.xz

lab_is_built() {
	[ -e "$LAB_DIR/$1.config" ]
}

lab_built_lines() {
	grep -hE '^(CONFIG_|# CONFIG_.* is not set$)' "$LAB_DIR/built-6.12.config" \
		"$LAB_DIR/$1.config"
}

lab_built_key() {
	local ver

	ver=$(dpkg-query -W -f '${Version}' linux-source-6.12 2>/dev/null) || return
	{
		printf 'recipe=%s source=%s gcc=%s\n' "$LAB_BUILT_RECIPE" \
			"$ver" "$(gcc -dumpfullversion)"
		lab_built_lines "$1" | LC_ALL=C sort
	} | sha256sum | cut -c 1-16
}

# lab_built_fresh K: is the current one what would be built now? A machine
# without the source cannot build another, so there the answer is yes.
lab_built_fresh() {
	local key

	key=$(lab_built_key "$1") || return 0
	[ "$(readlink -- "$LAB_CACHE/kernels/$1/current")" = "$key" ]
}

# lab_built_config K: .config in the current directory, and a check that each
# line of the fragments is in it.
lab_built_config() {
	local line sym bad=0

	make -s x86_64_defconfig kvm_guest.config &&
		lab_built_lines "$1" >.ptx-fragment &&
		scripts/kconfig/merge_config.sh -m .config .ptx-fragment >/dev/null &&
		make -s olddefconfig || return
	while read -r line; do
		case $line in
		'# '*)
			sym=${line#\# }
			sym=${sym%% *}
			grep -q "^$sym=" .config || continue
			;;
		*)
			sym=${line%%=*}
			grep -qxF -- "$line" .config && continue
			;;
		esac
		echo "'$line' did not take effect: $(grep -w -- "$sym" .config || echo "$sym unknown")"
		bad=1
	done <.ptx-fragment
	return $bad
}

# lab_built_unpack DIR TARBALL: the source, with the one line changed that
# keeps vfio-platform from x86 (its only dependency is on being asked).
lab_built_unpack() {
	mkdir -p -- "$1" && tar -xf "$2" -C "$1" --strip-components 1 &&
		sed -i '/^menu "VFIO support for platform devices"/,/^config/s/ARM64 || COMPILE_TEST/ARM64 || X86 || COMPILE_TEST/' \
			"$1/drivers/vfio/platform/Kconfig" &&
		touch "$1/.ptx-unpacked"
}

# lab_built_finish DIR: what kernels.sh promises, and less to keep.
lab_built_finish() {
	local dir=$1 rel

	cd -- "$dir" || return
	rel=$(cat include/config/kernel.release) || return
	rm -rf modules
	make -s INSTALL_MOD_PATH="$dir/modules" INSTALL_MOD_STRIP=1 modules_install || return
	rm -f "modules/lib/modules/$rel/build" "modules/lib/modules/$rel/source"
	cp arch/x86/boot/bzImage vmlinuz && ln -sfn . kdir || return
	# Objects go; generated headers, scripts/, tools/objtool, Module.symvers
	# and vmlinux (for addr2line and nm) stay.
	find . \( -path ./scripts -o -path ./tools -o -path ./modules \) -prune -o \
		\( -name '*.o' -o -name '*.a' -o -name '*.ko' -o -name '.*.cmd' \
		-o -name 'vmlinux.unstripped' \) -type f -print0 |
		xargs -0r rm -f
	rm -rf arch/x86/boot/compressed/vmlinux* .tmp_vmlinux* Documentation
	# Other architectures' sources: nothing is built from them.
	find arch -mindepth 1 -maxdepth 1 -type d ! -name x86 -print0 | xargs -0r rm -rf
	modprobe -d "$dir/modules" -S "$rel" --show-depends vfio_pci || return
	printf '%s\n' "$rel" >release
}

# lab_built_fetch K: build it if it is not there. Called with its lock held.
lab_built_fetch() {
	local top=$LAB_CACHE/kernels/$1 key work log

	if ! key=$(lab_built_key "$1") || [ ! -e "$LAB_BUILT_SOURCE" ]; then
		lab_say "linux-source-6.12 is not installed: run '$LAB_PROG setup'"
		[ -e "$top/current/release" ]
		return
	fi
	if [ ! -e "$top/$key/release" ]; then
		work=$top/build-$key log=$top/build-$key.log
		lab_say "building the kernel $1: about 15 minutes on 2 processors, once"
		if [ ! -e "$work/.ptx-unpacked" ]; then
			rm -rf -- "$work"
			lab_step "unpacking the source" "$log" \
				lab_built_unpack "$work" "$LAB_BUILT_SOURCE" || return
		fi
		# A fragment that changed took its key along; other leftovers go.
		find "$top" -maxdepth 1 -name 'build-*' ! -name "build-$key*" \
			-exec rm -rf -- {} +
		(cd -- "$work" && lab_step "configuring" "$log" lab_built_config "$1") &&
			lab_step "compiling" "$log" nice -n 10 make -C "$work" \
				-j "$(nproc)" bzImage modules &&
			lab_step "keeping what is needed" "$log" lab_built_finish "$work" &&
			mv -T -- "$work" "$top/$key" || return
		rm -f -- "$log"
	fi
	lab_kernel_publish "$1" "$top/$key"
}
