#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Virtual functions by the name of their device, on a mock kernel.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# 01:00.0 has none yet, 02:00.0 has two of root's, 03:00.0 can have none.
usual() {
	script <<- END
		root $work/root
		info abi=1 features=6
		device 0000:01:00.0 kind=nic vendor=0x8086 driver=ice group=10 total_vfs=4
		device 0000:02:00.0 kind=nvme vendor=0x144d driver=nvme group=20 total_vfs=2
		device 0000:02:00.1 kind=nvme vendor=0x144d group=21 physfn=0000:02:00.0
		device 0000:02:00.2 kind=nvme vendor=0x144d group=22 physfn=0000:02:00.0
		device 0000:03:00.0 kind=gpu group=30
		lease old id=5 owner=0 members=0000:02:00.1
		$1
	END
}
mkdir -p "$work/root/sys/class/iommu/dmar0" "$work/root/sys/kernel/iommu_groups/1" \
	"$work/root/dev/vfio" "$work/root/sys/module/vfio_iommu_type1" "$work/root/proc/self"
: > "$work/root/dev/vfio/vfio"
printf '\nCapEff:\t000001ffffffffff\n' > "$work/root/proc/self/status"
usual
ctl 0 'a name of our own' name 01:00.0 uplink

echo '# lease and add'
ctl 0 'one' lease new vf:0000:01:00.0
log 'netlink lease-new name=new devices=vf:0000:01:00.0$'
log '^enable 1 of 0000:01:00.0$'
out '^  0000:01:00.1  *-  *nic  *111 '
no_out 'vf:\|01:00.2'
[ "$(wc -l < "$work/out")" = 3 ]
ok $? '  and nothing else'
ctl 0 'several, by a short address' lease new vf:01:00.0,count=3
log 'devices=vf:0000:01:00.0,vf:0000:01:00.0,vf:0000:01:00.0$'
log '^enable 3 of 0000:01:00.0$'
out '^  0000:01:00.3 '
ctl 0 'by our own name' lease new vf:uplink,count=2
log 'devices=vf:0000:01:00.0,vf:0000:01:00.0$'
ctl 0 'in JSON' -j lease new vf:uplink,count=2
json /members/0/address 0000:01:00.1
json /members/1/address 0000:01:00.2
json /members/1/kind nic
json /members/1/requested true
no_out 'vf:'
ctl 0 'with its options' lease --reset --timeout 5s new vf:uplink gpu
log 'devices=vf:0000:01:00.0,0000:03:00.0 flags=8 timeout=5000$'
: > "$PTX_MOCK_LOG"
ctl 0 'of those that are enabled, a spare one' add old vf:02:00.0
log 'netlink lease-add name=old devices=vf:0000:02:00.0$'
no_log enable
out '^  0000:02:00.2 '
ctl 0 'all that it may have' lease new vf:01:00.0,count=4
ctl 0 'that daemon has none open' lease --stop-persistenced new vf:01:00.0
usual 'lease young id=6 owner=0 members=0000:02:00.2'
ctl 0 'remove by address' remove young 0000:02:00.2
log 'netlink lease-remove name=young devices=0000:02:00.2$'
ctl 0 'or of that device' remove young vf:02:00.0
ctl 1 'but not more than the lease has' remove young vf:02:00.0,count=2
err 'the lease has no such device'
ctl 0 'release' release young

echo '# Refused'
usual
ctl 1 'too many' lease new vf:01:00.0,count=5
err '^ptxctl: 0000:01:00.0: all virtual functions that it has are in use$'
err '^  give some back (ptxctl leases).*/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs; or let .*vf:0000:01:00.0,reserve=N$'
no_err 'vf:[^0]\|no such device'
ctl 1 'more than are spare' lease new vf:02:00.0,count=2
err '0000:02:00.0: all virtual functions'
ctl 1 'a device that can have none' lease new vf:03:00.0
err '^ptxctl: 0000:03:00.0: it cannot have virtual functions, or its driver does not let it$'
err 'ptxctl info 0000:03:00.0$'
ctl 1 'no device' lease new vf:09:00.0
err '0000:09:00.0: there is no such device'
ctl 1 'not ours' lease new vf:nosuch
err "no device of yours is called 'nosuch'"
usual 'fail lease-new errno=EIO reason=vf-failed text="0000:01:00.0: its driver could not enable virtual functions"'
ctl 1 'a driver that could not' lease new vf:01:00.0
err '^ptxctl: 0000:01:00.0: its driver could not enable virtual functions$'
err 'dmesg | grep 0000:01:00.0'
usual
for wrong in vf: vf:gpu vf:01:00.0,count=0 vf:01:00.0,count=257 vf:01:00.0,count=99999999999 \
	vf:01:00.0,2 vf:01:00.0:2 'vf:01:00.0,' vf:,count=2 vf:01:00 vf:uplink,count=x; do
	ctl 2 "nonsense: $wrong" lease new "$wrong"
	err "'$wrong' names no virtual functions"
	err 'vf:0000:01:00.0,count=2'
done
ctl 1 'more than a request may have' lease new vf:01:00.0,count=200 vf:01:00.0,count=57
err 'more devices than one request'
no_log 'netlink lease'
ctl 2 'no grant of them' grant root vf:01:00.0
ctl 2 'no rule for them' pool reserve vf:01:00.0
ctl 2 'no reset' reset vf:02:00.0
no_log 'grant-new\|reserve-new'

echo '# The pool'
usual
ctl 0 'pool add' pool add vf:01:00.0,count=2 03:00.0
log 'netlink pool-add devices=0000:03:00.0,vf:0000:01:00.0,vf:0000:01:00.0$\|netlink pool-add devices=vf:0000:01:00.0,vf:0000:01:00.0,0000:03:00.0$'
out '^0000:03:00.0 is in the pool$'
out '^0000:01:00.1 is in the pool, of 0000:01:00.0$'
out '^0000:01:00.2 is in the pool, of 0000:01:00.0$'
no_out 'vf:'
[ "$(wc -l < "$work/out")" = 3 ]
ok $? '  and nothing else'
ctl 0 'quietly' pool add -q vf:01:00.0
no_out .
ctl 1 'too many' pool add vf:01:00.0,count=5
err '^ptxctl: 0000:01:00.0: all virtual functions that it has are in use$'
no_out .
usual 'device 0000:01:00.1 kind=nic group=111 physfn=0000:01:00.0 pooled=1'
ctl 0 'pool remove' pool remove vf:01:00.0
log 'netlink pool-remove devices=0000:01:00.1$'

echo '# Looking'
usual
ctl 0 'list those there are' list -q vf:02:00.0
[ "$(cat "$work/out")" = $'0000:02:00.1\n0000:02:00.2' ]
ok $? '  and nothing else'
ctl 0 'list of none' list -q vf:01:00.0
no_out .
ctl 0 'info' -j info vf:02:00.0
json /1/address 0000:02:00.2
json /1/physfn 0000:02:00.0
ctl 1 'info of none' info vf:01:00.0
err '0000:01:00.0: no virtual functions of it are enabled'
ctl 0 'check of those there are' check vf:02:00.0
out '^0000:02:00.2'
usual 'blocker 0000:02:00.1 reason=held lease=5'
ctl 0 'one of them is enough' check vf:02:00.0
out 'FAIL  0000:02:00.1: another lease holds it'
out '^A lease would succeed'
ctl 1 'for one' check vf:02:00.0,count=2
err '0000:02:00.0: fewer virtual functions could be leased than are asked for'
out '^A lease of these devices would fail'
ctl 1 'check of a device that can have none' check vf:03:00.0
out 'FAIL  0000:03:00.0: it cannot have virtual functions'
ctl 1 'check of no device' check vf:09:00.0
err '0000:09:00.0: there is no such device\|no such device'
mkdir -p "$work/root/sys/bus/pci/devices/0000:01:00.0"
echo 4 > "$work/root/sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs"
ctl 0 'check of one that can' check vf:01:00.0
out 'ok    a lease enables virtual functions of it, 4 at most'
out '^A lease would succeed'
ctl 0 'in JSON' -j check vf:01:00.0,count=4
json /devices/0/address 0000:01:00.0
json /devices/0/ok true
ctl 1 'not so many' -j check vf:01:00.0,count=5
json /devices/0/findings/0/check vfs-used-up
printf '\nCapEff:\t0000000000000000\n' > "$work/root/proc/self/status"
usual "grant 1 uid=$(id -u) kind=nic"
ctl 1 'not without the right' -j check vf:01:00.0
json /devices/0/findings/0/check no-right
ctl 1 'in words' check vf:01:00.0
out 'FAIL  0000:01:00.0: no virtual functions of it are enabled, and you may not enable any$'
out 'have root enable some first: /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs$'
ctl 0 'list in general' list
ctl 0 'its help' lease --help
out '^  vf:DEVICE\[,count=N\] '
ctl 0 'that of all' --help
out 'vf:01:00.0,count=2'

if [ -n "${PTXCTL_UNDER:-}" ]; then
	nr=$((nr + 1))
	echo "ok $nr - run # SKIP valgrind does not know pidfd_open"
	finish
fi

echo '# run'
mkdir "$work/bin"
for vmm in qemu-system-x86_64 cloud-hypervisor; do
	ln -s "$TEST/fake-vmm" "$work/bin/$vmm"
done
PATH=$work/bin:$PATH
usual
ctl 0 'QEMU' run -v --device vf:01:00.0,count=2 --gpu auto -- qemu-system-x86_64 -m 1G
log 'ioctl add size=ok devices=vf:0000:01:00.0,vf:0000:01:00.0,0000:03:00.0 '
[ "$(grep '^arg' "$work/out" | sed -n '4,$s/^arg //p' | tr '\n' ' ')" = \
	'-device vfio-pci,host=0000:01:00.1 -device vfio-pci,host=0000:01:00.2 -device vfio-pci,host=0000:03:00.0 ' ]
ok $? '  what it was given'
out '^env PTX_DEVICES=0000:01:00.1 0000:01:00.2 0000:03:00.0$'
err '^ptxctl: 0000:01:00.1: from no driver to ptx-vfio-pci, /dev/vfio/111$'
no_out 'vf:'
no_err 'vf:'
ctl 0 'Cloud Hypervisor, by our own name' run --device vf:uplink -- cloud-hypervisor
out '^arg path=/sys/bus/pci/devices/0000:01:00.1/$'
ctl 0 'that daemon has none open' run --stop-persistenced --device vf:uplink -- true
usual
ctl 2 'not by a kind' run --nic vf:01:00.0 -- true
err 'give it to --device'
ctl 2 'nonsense' run --device vf:gpu -- true
no_log ioctl
ctl 1 'too many' run --device vf:01:00.0,count=5 -- qemu-system-x86_64
err '^ptxctl: 0000:01:00.0: all virtual functions that it has are in use$'
no_out .
ctl 1 'a device that can have none' run --device vf:03:00.0 -- qemu-system-x86_64
err '0000:03:00.0: it cannot have virtual functions'
usual 'fail add errno=EIO reason=vf-failed culprit=0000:01:00.0'
ctl 1 'a driver that could not' run --device vf:01:00.0 -- qemu-system-x86_64
err '0000:01:00.0: its driver could not enable virtual functions'
usual 'fail add errno=EPERM reason=no-right culprit=0000:01:00.0'
ctl 1 'not without the right' run --device vf:01:00.0 -- qemu-system-x86_64
err '^ptxctl: 0000:01:00.0: no virtual functions of it are enabled, and you may not enable any$'
err '^  have root enable some first: /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs$'
no_out .
finish
