# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# setup - the Debian packages of this machine that the lab uses. The only
# place that installs anything, and only when asked.

LAB_PACKAGES=(
	# the machine, and what it boots
	qemu-system-x86 acpica-tools busybox-static cpio kmod openssl python3
	# kernels: fetch, unpack, build, and build modules against them
	xz-utils zstd rsync gcc make binutils bc bison flex dwarves
	libelf-dev libssl-dev linux-source-6.12
	# looking at devices in the guest
	pciutils
)

lab_setup() {
	local missing=() p sudo=() have

	[ $# -eq 0 ] || lab_usage "setup takes no arguments"
	have=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' \
		"${LAB_PACKAGES[@]}" 2>/dev/null)
	for p in "${LAB_PACKAGES[@]}"; do
		grep -qx -- "ii *$p" <<<"$have" || missing+=("$p")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		lab_say "all ${#LAB_PACKAGES[@]} packages are installed"
		return
	fi
	if [ "$(id -u)" != 0 ]; then
		lab_need sudo "install packages"
		lab_say "not root: using sudo for apt-get update and apt-get install"
		sudo -v || lab_die "no right to install; ask an administrator for: ${missing[*]}"
		sudo=(sudo -n)
	fi
	lab_step "apt-get update" "$LAB_CACHE/log/apt-update.log" \
		"${sudo[@]}" apt-get update ||
		lab_say "using the package lists this machine already has"
	lab_step "installing ${missing[*]}" "$LAB_CACHE/log/apt-install.log" \
		"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y --no-install-recommends "${missing[@]}"
}
