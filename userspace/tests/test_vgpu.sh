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

echo '# run'
ctl 0 'the arguments of QEMU' run --vmm qemu --device "vgpu:mtty/mtty-1,uuid=$uuid" -- echo
out "-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/$uuid$"
ctl 0 'of Cloud Hypervisor' run --vmm cloud-hypervisor --device vgpu:mtty/mtty-1 -- echo
out "--device path=/sys/bus/mdev/devices/00000000-0000-4000-8000-[0-9a-f]*/$"
finish
