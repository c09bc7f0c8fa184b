# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# deb - kernels that Debian built, unpacked into the cache and not installed.
#
# debian-6.12 comes through this machine's own apt lists. debian-sid comes
# through a private apt state (source list, lists, cache) whose mirror is the
# one this machine uses for bookworm. sid's build tools need sid's C library:
# where they do not run here, each is put behind a wrapper that starts it
# through an unpacked copy of that library.

# Modules for hardware that no topology has: half of all, and they are only
# unpacked and indexed for nothing.
LAB_DEB_UNUSED=(
	drivers/bluetooth drivers/comedi drivers/iio drivers/infiniband
	drivers/input drivers/isdn drivers/hid drivers/hwmon drivers/media
	drivers/mmc drivers/mtd drivers/net/can drivers/net/usb
	drivers/net/wireless drivers/platform drivers/power drivers/scsi
	drivers/staging drivers/usb drivers/gpu/drm/amd drivers/gpu/drm/i915
	drivers/gpu/drm/nouveau drivers/gpu/drm/radeon drivers/gpu/drm/xe
	sound/isa sound/firewire sound/soc sound/usb net/bluetooth
	net/mac80211 net/wireless
)

# lab_deb_apt STATE TOOL ARG...: apt-get or apt-cache on that apt state.
lab_deb_apt() {
	local s=$LAB_CACHE/apt/$1 tool=$2 opts=()

	[ "$(id -u)" != 0 ] || opts+=(-o APT::Sandbox::User=root)
	[ "$1" = host ] || opts+=(
		-o Dir::State="$s/state" -o Dir::State::status="$s/status"
		-o Dir::Cache="$s/cache" -o Dir::Etc::sourcelist="$s/sources.list"
		-o Dir::Etc::sourceparts=/dev/null -o APT::Architecture=amd64
		-o APT::Architectures=amd64 -o Acquire::Languages=none
		-o Acquire::Retries=2
	)
	shift 2
	"$tool" "${opts[@]}" "$@"
}

# lab_deb_state SUITE: make the private apt state of SUITE and update it.
lab_deb_state() {
	local s=$LAB_CACHE/apt/$1 uri

	# shellcheck disable=SC2016	# apt expands these, not the shell
	uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' |
		awk '$1 == "bookworm" && $2 == "main" { print $3; exit }')
	if [ -z "$uri" ]; then
		lab_say "this machine's apt sources name no mirror of bookworm"
		return 1
	fi
	mkdir -p -- "$s/state/lists/partial" "$s/cache/archives/partial"
	: >"$s/status"
	printf 'deb [signed-by=%s] %s %s main\n' \
		/usr/share/keyrings/debian-archive-keyring.gpg "$uri" "$1" \
		>"$s/sources.list"
	lab_step "reading the package lists of $1" "$LAB_CACHE/log/apt-$1.log" \
		lab_deb_apt "$1" apt-get update --error-on=any
}

# lab_deb_newest STATE REGEX: the newest package whose name matches.
lab_deb_newest() {
	lab_deb_apt "$1" apt-cache --names-only search "$2" |
		cut -d ' ' -f 1 | sort -V | tail -n 1
}

lab_deb_download() {
	local state=$1

	cd -- "$2" || return
	shift 2
	lab_deb_apt "$state" apt-get download "$@"
}

lab_deb_unxz() {
	find "$1" -name '*.ko.xz' -print0 | xargs -0r -n 64 -P "$(nproc)" xz -d &&
		find "$1" -name '*.ko.zst' -print0 |
		xargs -0r -n 64 -P "$(nproc)" zstd -q -d --rm
}

# lab_deb_get STATE DIR PACKAGE...: download and unpack into DIR.
lab_deb_get() {
	local state=$1 dir=$2 tmp deb

	shift 2
	mkdir -p -- "$dir" && tmp=$(mktemp -d "$dir/.deb.XXXXXX") || return
	lab_step "downloading $*" "$LAB_CACHE/log/download.log" \
		lab_deb_download "$state" "$tmp" "$@" || return
	for deb in "$tmp"/*.deb; do
		lab_step "unpacking $(basename -- "$deb")" \
			"$LAB_CACHE/log/unpack.log" dpkg -x "$deb" "$dir" || return
	done
	rm -rf -- "$tmp"
}

# lab_deb_fetch K STATE: the newest kernel of that state becomes current.
# Called with the kernel's lock held.
lab_deb_fetch() {
	local k=$1 state=$2 top=$LAB_CACHE/kernels/$1 pkg rel ver new

	if [ "$state" = host ]; then
		pkg=$(lab_deb_newest host '^linux-image-6\.12\..*[+]deb12-amd64-unsigned$')
	else
		lab_deb_state "$state" &&
			pkg=$(lab_deb_newest "$state" '^linux-image-[0-9.]+[+]deb[0-9]+-amd64$')
	fi
	if [ -n "${pkg-}" ]; then
		rel=${pkg#linux-image-}
		rel=${rel%-unsigned}
		ver=$(lab_deb_apt "$state" apt-cache show --no-all-versions "$pkg" |
			sed -n 's/^Version: //p' | head -n 1)
		if [ -e "$top/$ver/release" ]; then
			lab_say "$k is $rel, the newest"
			lab_kernel_publish "$k" "$top/$ver"
			return
		fi
		new=$top/.new-$$
		LAB_TEMPS+=("$new")
		if lab_deb_make "$state" "$rel" "$new"; then
			rm -rf -- "${top:?}/$ver"
			mv -T -- "$new" "$top/$ver" &&
				lab_kernel_publish "$k" "$top/$ver"
			return
		fi
	else
		lab_say "no package of $k found in the apt sources"
	fi
	[ -e "$top/current/release" ] || return
	lab_say "keeping the cached $(cat -- "$top/current/release")"
}

# lab_deb_make STATE RELEASE DIR: everything that kernels.sh promises, in DIR.
lab_deb_make() {
	local state=$1 rel=$2 dir=$3 base=${2%-amd64} pkgs m d src

	if [ "$state" = host ]; then
		pkgs=("linux-image-$rel-unsigned")
	else
		pkgs=("linux-binary-$rel" "linux-modules-$rel" "linux-base-$rel")
	fi
	lab_deb_get "$state" "$dir" "${pkgs[@]}" "linux-headers-$rel" \
		"linux-headers-$base-common" "linux-kbuild-$base" || return

	m=$dir/modules/lib/modules
	mkdir -p -- "$m" || return
	if [ -d "$dir/lib/modules/$rel" ]; then
		mv -- "$dir/lib/modules/$rel" "$m/"
	else
		mv -- "$dir/usr/lib/modules/$rel" "$m/"
	fi || return
	if [ -e "$dir/boot/vmlinuz-$rel" ]; then
		mv -- "$dir/boot/vmlinuz-$rel" "$dir/vmlinuz"
	else
		mv -- "$m/$rel/vmlinuz" "$dir/vmlinuz"
	fi || return
	rm -f -- "$m/$rel/build" "$m/$rel/source"
	rm -rf -- "${dir:?}"/{boot,lib,etc,usr/share}
	for d in "${LAB_DEB_UNUSED[@]}"; do
		rm -rf -- "${m:?}/$rel/kernel/$d"
	done
	lab_step "unpacking its modules" "$LAB_CACHE/log/unpack.log" \
		lab_deb_unxz "$m/$rel" || return
	depmod -b "$dir/modules" "$rel" || return

	# The headers name their final place in /usr/src: they stay in the cache.
	src=$dir/usr/src/linux-headers-$rel
	sed -i "s#/usr/src/linux-headers-$base-common#\$(realpath \$(dir \$(lastword \$(MAKEFILE_LIST)))../linux-headers-$base-common)#
		s#^KBUILD_OUTPUT=#KBUILD_OUTPUT := #
		s#/usr/src/linux-headers-$rel#\$(realpath \$(dir \$(lastword \$(MAKEFILE_LIST))))#" \
		"$src/Makefile" || return
	if grep -q /usr/src "$src/Makefile"; then
		lab_say "the headers' Makefile has a shape this lab does not know:"
		sed 's/^/  | /' "$src/Makefile" >&2
		return 1
	fi
	ln -s -- "usr/src/linux-headers-$rel" "$dir/kdir" || return
	lab_deb_tools "$state" "$dir" || return
	printf '%s\n' "$rel" >"$dir/release"
}

# lab_deb_tools STATE DIR: let modules be built against DIR on this machine.
#
# sid's tools (modpost, objtool, ...) want sid's C library, and its headers
# want the compiler that the kernel was built with. Both come from the closure
# of the headers' dependencies, unpacked into DIR/tools; every program there
# is put behind a script that starts it through the C library next to it. The
# headers are told where these are, so "make -C KDIR" needs no arguments.
lab_deb_tools() {
	local state=$1 dir=$2 tmp deb rel cc

	[ "$state" = host ] && return
	rel=$(basename -- "$(readlink -- "$dir/kdir")")
	rel=${rel#linux-headers-}
	tmp=$LAB_CACHE/apt/$state/cache/archives
	lab_step "downloading its compiler and build tools" \
		"$LAB_CACHE/log/download.log" lab_deb_apt "$state" apt-get install \
		--download-only --yes --no-install-recommends \
		-o Debug::NoLocking=true "linux-headers-$rel" || return
	lab_step "unpacking them" "$LAB_CACHE/log/unpack.log" \
		lab_deb_unpack_tools "$tmp" "$dir/tools" || return
	rm -f -- "$tmp"/*.deb
	lab_deb_wrap "$dir/tools" "$dir"/usr/lib/linux-kbuild-* \
		"$dir/tools/usr/bin" "$dir/tools/usr/libexec" || return

	cc=$(sed -n 's/^CC = .*(CROSS_COMPILE)//p' "$dir/kdir/.kernelvariables")
	if [ -z "$cc" ] || ! [ -x "$dir/tools/usr/bin/x86_64-linux-gnu-$cc" ]; then
		lab_say "no compiler for $rel among its dependencies"
		return 1
	fi
	# Debian's gcc names its assembler by an absolute path, this machine's.
	sed -i 's#"\$@"#-wrapper "$d/lab-exec" "$@"#' "$dir/tools/usr/bin/x86_64-linux-gnu-$cc" &&
		cat >"$dir/tools/usr/bin/lab-exec" <<-'END' || return
			#!/bin/sh
			p=$1
			shift
			case $p in /usr/bin/*) p=${0%/*}/${p##*/} ;; esac
			exec "$p" "$@"
		END
	chmod +x "$dir/tools/usr/bin/lab-exec"
	# Our lines last: what the file says earlier is overridden.
	cat >>"$dir/kdir/.kernelvariables" <<-'END'
		LAB_TOOLS := $(realpath $(dir $(lastword $(MAKEFILE_LIST)))/../../../tools/usr/bin)
		override CROSS_COMPILE = $(LAB_TOOLS)/x86_64-linux-gnu-
		PAHOLE = $(LAB_TOOLS)/pahole
	END
}

lab_deb_unpack_tools() {
	local deb

	for deb in "$1"/*.deb; do
		case $(basename -- "$deb") in
		linux-* | perl* | *-doc_* | debconf* | dpkg_*) continue ;;
		esac
		echo "$deb"
		dpkg -x "$deb" "$2" || return
	done
	rm -rf -- "${2:?}"/{etc,var,usr/share}
}

# lab_deb_wrap ROOT DIR...: put each dynamic program below the DIRs behind a
# script that runs it with the C library of ROOT. They may be moved together.
lab_deb_wrap() {
	local root=$1 f name up

	shift
	find "$@" -type f -perm /111 ! -name '*.so*' ! -name '*.elf' |
		while read -r f; do
			readelf -l "$f" 2>/dev/null | grep -q INTERP || continue
			name=${f##*/}
			up=$(realpath --relative-to="${f%/*}" -- "$root") || return
			mv -- "$f" "$f.elf" || return
			cat >"$f" <<-END
				#!/bin/sh
				d=\${0%/*}
				l=\$d/$up/usr/lib/x86_64-linux-gnu
				exec "\$l/ld-linux-x86-64.so.2" --library-path "\$l" \\
					--argv0 "\$0" "\$d/$name.elf" "\$@"
			END
			chmod +x "$f" || return
		done
}
