# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # work is lib.sh's
#
# A host with two NUMA nodes and switches, below $work/root: that of mock_tree(). Needs
# lib.sh.

sys=$work/root/sys
bus=$sys/bus/pci/devices
mkdir -p "$bus"

# pci ABOVE ADDRESS CLASS VENDOR NODE [GROUP]: a device, or a bridge.
pci() {
	local dir=$sys/devices/$1/$2
	mkdir -p "$dir"
	ln -sfn "../../../devices/$1/$2" "$bus/$2"
	echo "0x$3" > "$dir/class"
	echo "0x$4" > "$dir/vendor"
	echo "$5" > "$dir/numa_node"
	[ -z "${6:-}" ] || ln -sfn "../../../kernel/iommu_groups/$6" "$dir/iommu_group"
}

# acs ADDRESS BITS: its configuration space as root reads it, with an ACS capability.
acs() {
	head -c 4096 /dev/zero > "$bus/$1/config"
	printf '\x86\x80' | dd of="$bus/$1/config" conv=notrunc status=none
	# shellcheck disable=SC2059 # the format is the bytes
	printf "\\x0d\\x00\\x01\\x00\\x00\\x00\\x$2\\x00" |
		dd of="$bus/$1/config" bs=1 seek=256 conv=notrunc status=none
}

pci_tree() {
	local sw=pci0000:00/0000:00:01.0/0000:01:00.0 far=pci0000:80/0000:80:01.0/0000:81:00.0
	local vmd=pci0000:80/0000:80:05.5/pci10000:e0
	pci pci0000:00 0000:00:01.0 060400 8086 0 1
	pci pci0000:00 0000:00:02.0 060400 8086 0 2
	pci pci0000:00 0000:00:03.0 060400 8086 0 30
	pci pci0000:00/0000:00:01.0 0000:01:00.0 060400 1000 0 1
	for i in 0 1 2 3; do
		pci "$sw" "0000:02:0$i.0" 060400 1000 0 1
	done
	pci "$sw/0000:02:00.0" 0000:03:00.0 030200 10de 0 3
	pci "$sw/0000:02:01.0" 0000:04:00.0 030200 10de 0 4
	pci "$sw/0000:02:02.0" 0000:05:00.0 020000 15b3 0 5
	pci "$sw/0000:02:02.0" 0000:05:00.1 020000 15b3 0 51
	pci "$sw/0000:02:03.0" 0000:06:00.0 060400 1000 0 1
	pci "$sw/0000:02:03.0/0000:06:00.0" 0000:07:00.0 060400 1000 0 1
	pci "$sw/0000:02:03.0/0000:06:00.0/0000:07:00.0" 0000:08:00.0 030200 10de 0 8
	pci pci0000:00/0000:00:02.0 0000:09:00.0 010802 144d 0 9
	pci pci0000:40 0000:40:01.0 060400 8086 0 40
	pci pci0000:40/0000:40:01.0 0000:41:00.0 030200 10de 0 41
	pci pci0000:80 0000:80:01.0 060400 8086 1 80
	pci pci0000:80 0000:80:05.5 010400 8086 1 85
	pci pci0000:80/0000:80:01.0 0000:81:00.0 060400 1000 1 80
	pci "$far" 0000:82:00.0 060400 1000 1 80
	pci "$far" 0000:82:01.0 060400 1000 1 80
	pci "$far/0000:82:00.0" 0000:83:00.0 030200 10de 1 83
	pci "$far/0000:82:01.0" 0000:84:00.0 030200 10de 1 84
	pci "$vmd" 10000:e0:02.0 060400 8086 1 85
	pci "$vmd/10000:e0:02.0" 10000:e1:00.0 010802 144d 1 85
	mkdir -p "$sys/devices/system/node"
	echo 0-1 > "$sys/devices/system/node/online"
}

# What the module says of these; more lines from the caller.
tree_script() {
	script <<- END
		root $work/root
		info abi=1 features=6
		device 0000:00:01.0 kind=bridge group=1
		device 0000:00:03.0 kind=bridge group=30
		device 0000:01:00.0 kind=bridge group=1
		device 0000:02:00.0 kind=bridge group=1
		device 0000:03:00.0 kind=gpu vendor=0x10de class=0x030200 group=3 numa=0
		device 0000:04:00.0 kind=gpu vendor=0x10de class=0x030200 group=4 numa=0
		device 0000:05:00.0 kind=nic vendor=0x15b3 group=5 numa=0
		device 0000:05:00.1 kind=nic vendor=0x15b3 group=51 numa=0
		device 0000:08:00.0 kind=gpu vendor=0x10de class=0x030200 group=8 numa=0
		device 0000:09:00.0 kind=nvme vendor=0x144d group=9 numa=0
		device 0000:41:00.0 kind=gpu vendor=0x10de class=0x030200 group=41 numa=0
		device 0000:83:00.0 kind=gpu vendor=0x10de class=0x030200 group=83 numa=1
		device 0000:84:00.0 kind=gpu vendor=0x10de class=0x030200 group=84 numa=1
		device 0000:80:05.5 kind=storage vendor=0x8086 group=85 numa=1
		device 10000:e1:00.0 kind=nvme vendor=0x144d group=85 numa=1
		$1
	END
}
