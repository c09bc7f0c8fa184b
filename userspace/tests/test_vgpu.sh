#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Mediated devices, which are made for a lease, on a mock kernel.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

uuid=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
first=00000000-0000-4000-8000-000000000001

# A parent that is no PCI device, and one that is.
usual() {
	script <<- END
		root $work/root
		info abi=1 features=6
		device 0000:01:00.0 kind=gpu vendor=0x10de driver=nvidia group=10
		device 0000:03:00.0 kind=nvme group=30
		lease old id=5 owner=0 members=0000:03:00.0,$uuid
	END
}
type() { # type PARENT TYPE ROOM
	mkdir -p "$work/root/sys/class/mdev_bus/$1/mdev_supported_types/$2"
	echo "$3" > "$work/root/sys/class/mdev_bus/$1/mdev_supported_types/$2/available_instances"
}
mkdir -p "$work/root/sys/class/iommu/dmar0" "$work/root/sys/kernel/iommu_groups/1" \
	"$work/root/dev/vfio" "$work/root/sys/module/vfio_iommu_type1" "$work/root/proc/self"
: > "$work/root/dev/vfio/vfio"
printf '\nCapEff:\t000001ffffffffff\n' > "$work/root/proc/self/status"
type mtty mtty-1 4
type 0000:01:00.0 nvidia-558 1
usual
ctl 0 'a name of our own' name 01:00.0 big

echo '# lease, add and remove'
ctl 0 'one' lease new vgpu:mtty/mtty-1
log 'netlink lease-new name=new devices=vgpu:mtty/mtty-1$'
log "^make $first of mtty mtty-1$"
out "^  $first  *-  *other .*no open check, no cut"
no_out 'vgpu:'
ctl 0 'several, with something else' -j lease new vgpu:mtty/mtty-1,count=2 01:00.0
log 'devices=vgpu:mtty/mtty-1,vgpu:mtty/mtty-1,0000:01:00.0$\|devices=0000:01:00.0,vgpu:mtty/mtty-1,vgpu:mtty/mtty-1$'
json /members/0/mediated true
ctl 0 'by a short address' lease new vgpu:01:00.0/nvidia-558
log 'devices=vgpu:0000:01:00.0/nvidia-558$'
ctl 0 'by our own name' lease new vgpu:big/nvidia-558
log 'devices=vgpu:0000:01:00.0/nvidia-558$'
ctl 0 'by a name that is given' -j lease new "vgpu:mtty/mtty-1,uuid=$uuid"
log "devices=vgpu:mtty/mtty-1/$uuid$"
json /members/0/address "$uuid"
ctl 0 'added' add old vgpu:mtty/mtty-1
log 'netlink lease-add name=old devices=vgpu:mtty/mtty-1$'

echo '# Refused'
usual
ctl 1 'no such parent' lease new vgpu:nosuch/mtty-1
err '^ptxctl: nosuch: there is no such device$'
ctl 1 'no such type' lease new vgpu:mtty/mtty-9
err '^ptxctl: mtty: it makes no mediated devices of that type$'
ctl 1 'too many' lease new vgpu:mtty/mtty-1,count=5
err '^ptxctl: mtty: it has no room for another mediated device of that type$'
ctl 2 'nonsense' lease new vgpu:mtty
err "'vgpu:mtty' names no mediated device"
ctl 2 'one name for two' lease new "vgpu:mtty/mtty-1,count=2,uuid=$uuid"
ctl 2 'as a kind' lease new --gpu vgpu:mtty/mtty-1
ctl 2 'granted' grant 1000 vgpu:mtty/mtty-1
err 'only root has mediated devices made'
ctl 2 'reserved' pool reserve vgpu:mtty/mtty-1
err 'a mediated device is made for its lease'
ctl 2 'pooled' pool add vgpu:mtty/mtty-1
err 'a mediated device is made for its lease'
no_log 'netlink .*vgpu:.*pool\|netlink pool'

echo '# types, list and reclaim'
sys=$work/root/sys
mdev() { # mdev UUID TYPE GROUP
	mkdir -p "$sys/devices/virtual/mtty/mtty/$1" "$sys/bus/mdev/devices" \
		"$sys/kernel/iommu_groups/$3"
	ln -sfn "../../../devices/virtual/mtty/mtty/$1" "$sys/bus/mdev/devices/$1"
	ln -sfn "$sys/class/mdev_bus/mtty/mdev_supported_types/$2" \
		"$sys/devices/virtual/mtty/mtty/$1/mdev_type"
	ln -sfn "$sys/kernel/iommu_groups/$3" "$sys/devices/virtual/mtty/mtty/$1/iommu_group"
	mkdir -p "$sys/class/mdev_bus/mtty/mdev_supported_types/$2/devices/$1"
	: > "$sys/devices/virtual/mtty/mtty/$1/remove"
}
removed() { [ "$(cat "$sys/bus/mdev/devices/$1/remove")" = 1 ]; }
orphan=11111111-0000-4000-8000-000000000000 defined=22222222-0000-4000-8000-000000000000
open=33333333-0000-4000-8000-000000000000
mdev "$uuid" mtty-1 70
mdev $orphan mtty-1 71
mdev $defined mtty-2 72
mdev $open mtty-1 73
type mtty mtty-2 1
printf 'Dual port serial\n' > "$sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2/name"
printf 'two\033[2J\nlines\n' > "$sys/class/mdev_bus/mtty/mdev_supported_types/mtty-2/description"
mkdir -p "$work/root/etc/mdevctl.d/mtty" "$work/root/proc/4711/fd"
: > "$work/root/etc/mdevctl.d/mtty/$defined"
ln -sfn /dev/vfio/73 "$work/root/proc/4711/fd/9"
usual
ctl 0 'types' vgpu types
out '^PARENT  *TYPE  *NAME  *FREE  *IN USE  *NODE$'
out '^0000:01:00.0  *nvidia-558  *-  *1  *0  *-$'
out '^mtty  *mtty-1  *-  *4  *3  *-$'
out '^mtty  *mtty-2  *Dual port serial  *1  *1  *-$'
ctl 0 'types in JSON' -j vgpu types
json /2/type mtty-2
json /2/name 'Dual port serial'
json /2/available 1
json /2/in_use 1
json /2/numa_node null
ctl 0 'list' vgpu list
out "^$uuid  *mtty  *mtty-1  *70  *lease old$"
out "^$orphan  *mtty  *mtty-1  *71  *nobody's$"
out "^$defined  *mtty  *mtty-2  *72  *defined by mdevctl$"
out "^$open  *mtty  *mtty-1  *73  *open in process 4711$"
ctl 0 'list in JSON' -j vgpu list
json /0/lease old
json /0/orphan false
json /1/uuid $orphan
json /1/orphan true
json /2/defined true
json /3/open true
ctl 2 'reclaim what' vgpu reclaim
ctl 2 'both' vgpu reclaim --all $orphan
ctl 2 'no word' vgpu
ctl 2 'no such word' vgpu make
ctl 2 'types of what' vgpu types mtty
if [ "$(id -u)" = 0 ]; then
	ctl 1 'leased' vgpu reclaim "$uuid"
	err "^ptxctl: $uuid: it is not an orphan: lease old$"
	ctl 1 'open, and defined' vgpu reclaim $open $defined
	err "$open: it is not an orphan: open in process 4711$"
	err "$defined: it is not an orphan: defined by mdevctl$"
	ctl 1 'a way out' vgpu reclaim ../../../devices/virtual/mtty/mtty/$orphan
	err 'there is no such mediated device$'
	for each in "$uuid" $orphan $defined $open; do
		! removed "$each"
		ok $? "  $each is left alone"
	done
	ctl 0 'all' vgpu reclaim --all
	out "^$orphan is removed; it was mtty-1 of mtty$"
	[ "$(wc -l < "$work/out")" = 1 ] && removed $orphan
	ok $? '  and no other'
	: > "$sys/bus/mdev/devices/$orphan/remove"
	ctl 0 'one' vgpu reclaim $orphan
	removed $orphan
	ok $? '  it is'
fi

echo '# run'
ctl 0 'the arguments of QEMU' run --vmm qemu --device "vgpu:mtty/mtty-1,uuid=$uuid" -- echo
out "-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/$uuid$"
ctl 0 'of Cloud Hypervisor' run --vmm cloud-hypervisor --device vgpu:mtty/mtty-1 -- echo
out "--device path=/sys/bus/mdev/devices/00000000-0000-4000-8000-[0-9a-f]*/$"
finish
