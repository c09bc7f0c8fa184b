#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DMA spaces in ptxctl, on a mock kernel: who gets one, how it is restricted, and what is
# told of it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")

mkdir -p "$work/bin" "$work/root/proc/self" "$work/root/sys/module/vfio_iommu_type1/parameters" \
	"$work/root/dev/vfio" "$work/root/sys/class/iommu/dmar0" "$work/root/sys/kernel/iommu_groups/1"
: > "$work/root/dev/vfio/vfio"
printf '\nCapEff:\t000001ffffffffff\n' > "$work/root/proc/self/status"
for vmm in qemu-system-x86_64 cloud-hypervisor crosvm start-vm.sh; do
	ln -s "$TEST/fake-vmm" "$work/bin/$vmm"
done
PATH=$work/bin:$PATH

usual() {
	script <<- END
		root $work/root
		info abi=1 features=6
		device 0000:01:00.0 kind=nvme group=9 driver=nvme faults=2
		device 0000:02:00.0 kind=gpu group=10
		device 0000:03:00.0 kind=nic group=11 faults=0
		$1
	END
}

bad_windows=('' - 0 0x0 0- -0xfff 0x0-0xffe 0x1-0xfff 0x1000-0xfff 0+0 0+4095 0x1000+0x1 0x800+4K
	0-4G 0x0:0xfff 0..0xfff '0x0-0xfff,' '0x0-0xfff ' ' 0x0-0xfff' 0x0--0x1000 -1+4K
	0x0-0x1ffffffffffffffff 0x0-99999999999999999999 0xfffffffffffff000+8K 0x10000000T+4K 0x-0xfff
	4P+4K 0x0-0xfff-0x1fff all)
bad_quotas=('' 0 0G -1 16X 16GG 0x 99999999999999999999 0x10000000000T 1.5G '1 G' lots)

if [ -n "${PTXCTL_UNDER:-}" ]; then
	echo '# run is left out: valgrind does not know pidfd_open'
else

echo '# run: who gets a space'
usual
ctl 0 'QEMU' run -v --nvme auto -- qemu-system-x86_64 -m 1G
log 'ioctl create size=ok name=qemu-system-x86_64-[0-9]* flags=5 '
no_log 'ioctl window'
no_log 'ioctl quota'
no_err 'no DMA space'
for vmm in 'cloud-hypervisor --cpus 4' 'crosvm run bzImage' 'start-vm.sh'; do
	usual
	# shellcheck disable=SC2086
	ctl 0 "$vmm" run --nvme auto -- $vmm
	log ' flags=5 '
done
usual
ctl 0 'on the driver that is named' run --driver ptx-vfio-pci --nvme auto -- start-vm.sh
log ' flags=5 owner'

# none NAME WHY ARGUMENT...: no space, silently; told with -v; refused if one is demanded.
none() {
	local name=$1 why=$2 option
	shift 2
	: > "$PTX_MOCK_LOG"
	ctl 0 "$name: none" run -q --nvme auto "$@"
	log 'ioctl create .* flags=1 '
	[ ! -s "$work/err" ]
	ok $? '  silently'
	ctl 0 "$name: none, told" run -v --nvme auto "$@"
	err "^ptxctl: no DMA space: .*$why"
	: > "$PTX_MOCK_LOG"
	for option in --dma-window=0+4G --dma-quota=1G; do
		ctl 1 "$name: refused with $option" run --nvme auto "$option" "$@"
		err "^ptxctl: .*$why"
		err '^  .*, or leave --dma-window and --dma-quota out$'
		no_log 'ioctl create'
	done
	ctl 0 "$name: --no-space" run --no-space --nvme auto "$@"
}
none 'iommufd' "iommufd ('iommufd,id=x')" -- qemu-system-x86_64 -object iommufd,id=x
err_of='virtual IOMMU'
none 'an IOMMU for the guest' "$err_of ('intel-iommu,caching-mode=on')" -- \
	qemu-system-x86_64 -device intel-iommu,caching-mode=on
none 'its own in Cloud Hypervisor' "$err_of" -- cloud-hypervisor --device path=/x,iommu=on
none 'in crosvm' "$err_of" -- crosvm run --vfio /sys/x,iommu=viommu bzImage
none 'in a script' 'iommufd' -- sh -c 'true qemu -object iommufd,id=x'
none 'another driver' 'not on vfio-pci' --driver vfio-pci -- start-vm.sh
usual 'info abi=1 features=5'
none 'no container' 'no VFIO containers' -- qemu-system-x86_64
usual
ctl 0 'a disk that is only called so' run --nvme auto -- qemu-system-x86_64 -drive file=/x/iommufd,id=y
log ' flags=5 '

echo '# run: an older module'
usual old
ctl 0 'no space then' run -v --nvme auto -- qemu-system-x86_64
log 'ioctl create .* flags=5 '
log 'ioctl create .* flags=1 '
log 'ioctl add'
err 'no DMA space: this ptx module is older'
usual old
ctl 1 'unless one is demanded' run --dma-quota 1G --nvme auto -- qemu-system-x86_64
err 'this ptx module is older than DMA spaces'
err 'load the ptx module of the same version'
no_log ' flags=1 '
no_log 'ioctl add'
ctl 0 '--no-space does not ask' run --no-space --nvme auto -- qemu-system-x86_64
usual 'fail create errno=EPERM reason=no-right'
ctl 1 'another error' run --nvme auto -- qemu-system-x86_64
[ "$(grep -c 'ioctl create' "$work/log")" = 1 ]
ok $? '  is not tried again'

echo '# run: a grant that has a quota'
iommufd=(qemu-system-x86_64 -object 'iommufd,id=x')
refusal='fail add errno=EPERM reason=no-space culprit=0000:01:00.0'
usual "$refusal"
ctl 1 'no space, and one is wanted' run --nvme auto -- "${iommufd[@]}"
err '^ptxctl: 0000:01:00.0: the lease has no DMA space$'
err '^  .*ptxctl run without --no-space'
err "^ptxctl: no DMA space: the VMM maps memory through iommufd"
usual "$refusal"
ctl 1 'told once' run -v --nvme auto -- "${iommufd[@]}"
[ "$(grep -c 'no DMA space: ' "$work/err")" = 1 ]
ok $? '  with -v'
usual "$refusal"
ctl 1 'by --no-space' run --no-space --nvme auto -- "${iommufd[@]}"
no_err 'no DMA space: '
usual 'fail add errno=EPERM reason=not-granted culprit=0000:01:00.0'
ctl 1 'another reason' run --nvme auto -- "${iommufd[@]}"
no_err 'no DMA space: '
usual 'fail add errno=EPERM reason=dma-grant culprit=0000:01:00.0'
ctl 1 'no room' run --nvme auto -- qemu-system-x86_64
err '^ptxctl: 0000:01:00.0: as much memory is mapped under your grant as may be$'

echo '# run: restricted'
usual
ctl 0 'windows and a quota' run --dma-window 0x100000000-0x1ffffffff --dma-window 0+2G \
	--dma-quota 0x10M --nvme auto -- qemu-system-x86_64
log 'ioctl window size=ok flags=2 0x80000000-0xffffffff$'
log 'ioctl window size=ok flags=2 0x200000000-0xffffffffffffffff$'
log 'ioctl quota size=ok bytes=16777216$'
[ "$(grep -n 'ioctl quota' "$work/log" | cut -d: -f1)" -lt "$(grep -n 'ioctl add' "$work/log" | cut -d: -f1)" ]
ok $? '  before it has devices'
usual
ctl 0 'windows that overlap are one' run --dma-window 0-0x2fff --dma-window 0x2000+8K --nvme auto -- true
[ "$(grep -c 'ioctl window' "$work/log")" = 1 ]
ok $? '  and one range is beside it'
log 'ioctl window size=ok flags=2 0x4000-0xffffffffffffffff$'
usual
ctl 0 'all there is' run --dma-window 0-0xffffffffffffffff --nvme auto -- true
no_log 'ioctl window'
ctl 0 'to the last address' run --dma-window 0xfffffffffffff000+4K --nvme auto -- true
log 'ioctl window size=ok flags=2 0x0-0xffffffffffffefff$'
usual 'refused reason=dma-window first=0x10000000 last=0x1fffffff'
ctl 7 'a VMM that could not map its memory' run --dma-window 0+64M --nvme auto -- sh -c 'exit 7'
err '^ptxctl: the VMM wanted to map 0x10000000-0x1fffffff for DMA: the address is outside'
err '^  .*--dma-window'
ctl 0 'one that ends well' run --dma-window 0+64M --nvme auto -- true
no_err 'wanted to map'
usual 'refused reason=dma-grant first=0x0 last=0x7fffffff'
ctl 7 'one beyond the quota of a grant' run --nvme auto -- sh -c 'exit 7'
err '^ptxctl: the VMM wanted to map 0x0-0x7fffffff for DMA: as much memory is mapped under your grant'
err '^  see how much that is: ptxctl grants'
usual 'refused reason=dma-window first=0x10000000 last=0x1fffffff'
ctl 7 'one without a space' run --no-space --nvme auto -- sh -c 'exit 7'
no_err 'wanted to map'
usual 'fail space-quota errno=ENOMEM'
ctl 1 'a failure there' run --dma-quota 1G --nvme auto -- start-vm.sh
no_out '.'
no_log 'ioctl add'
usual
windows=()
for ((i = 0; i < 257; i++)); do
	windows+=(--dma-window "$((i * 8192))+4K")
done
ctl 1 '257 windows' run "${windows[@]}" --nvme auto -- true
err '257 separate windows; a DMA space may have 256'
ctl 0 'as many as may be' run "${windows[@]:2}" --nvme auto -- true

echo '# run: bad input'
usual
for window in "${bad_windows[@]}"; do
	ctl 2 "the window '$window'" run --dma-window "$window" --nvme auto -- true
	err 'window'
done
ctl 2 'what END means' run --dma-window 0-4G --nvme auto -- true
err 'END is the last address in it; try 0x0-0xffffffff, or 0x0+0x100000000$'
for quota in "${bad_quotas[@]}" any; do
	ctl 2 "the quota '$quota'" run --dma-quota "$quota" --nvme auto -- true
	err 'size such as 16G'
done
ctl 2 'a quota twice' run --dma-quota 1G --dma-quota 2G --nvme auto -- true
err 'given twice'
for option in --dma-window=0+4G --dma-quota=1G; do
	ctl 2 "--no-space and $option" run --no-space "$option" --nvme auto -- true
	err '\-\-no-space leaves nothing'
done
ctl 2 'no window at all' run --dma-window
no_log 'ioctl create'

fi

echo '# lease'
usual
ctl 0 'without a space' lease plain 01:00.0
log 'netlink lease-new name=plain devices=0000:01:00.0$'
ctl 0 'with one' lease --space vm 02:00.0
log 'netlink lease-new name=vm devices=0000:02:00.0 space$'
out '^  DMA space: 0 B mapped, windows 0x0-0xffffffffffffffff$'
usual
ctl 0 'a window is enough' -j lease --dma-window 0+1M vm
log 'netlink lease-new name=vm space 0x0-0xfffff$'
json /space/windows/0/last 0xfffff
json /space/quota null
usual
ctl 0 'a quota is' -j lease --dma-quota 16GiB vm
log 'netlink lease-new name=vm space quota=17179869184$'
json /space/quota 17179869184
usual
ctl 0 'all of it' lease --space --dma-quota 1G --dma-window 1G+1G --dma-window 0-0x3fffffff vm
log 'netlink lease-new name=vm space quota=1073741824 0x0-0x7fffffff$'
: > "$PTX_MOCK_LOG"
for window in "${bad_windows[@]}"; do
	ctl 2 "the window '$window'" lease --dma-window "$window" vm
done
for quota in "${bad_quotas[@]}" any; do
	ctl 2 "the quota '$quota'" lease --dma-quota "$quota" vm
done
ctl 2 'a quota twice' lease --dma-quota 1G --dma-quota 2G vm
ctl 2 'no space is the default' lease --no-space vm
for option in --space --dma-window=0+4G --dma-quota=1G; do
	ctl 2 "add $option" add "$option" vm 01:00.0
	err 'from its beginning'
done
no_log 'netlink'
usual old
ctl 1 'an older module' lease --space vm
err 'this ptx module is older than DMA spaces'
ctl 0 'makes others' lease vm
usual 'lease vm id=3
space vm'
ctl 0 'another driver is for the kernel to decide' add --driver vfio-pci vm 01:00.0
log 'netlink lease-add name=vm devices=0000:01:00.0 driver=vfio-pci$'

echo '# restrict'
usual 'lease vm id=3
space vm
lease plain id=4'
ctl 0 'a quota' restrict --dma-quota 2G vm
log 'netlink lease-restrict name=vm space quota=2147483648$'
ctl 0 'any' restrict --dma-quota any vm
log 'netlink lease-restrict name=vm space quota=0$'
ctl 0 'windows' restrict --dma-window 0+4G --dma-window 8G+4G --max 2 vm
log 'netlink lease-restrict name=vm max=2 space 0x0-0xffffffff 0x200000000-0x2ffffffff$'
ctl 0 'by force' restrict --force --dma-window 0+4G vm
log 'netlink lease-restrict name=vm space 0x0-0xffffffff force$'
: > "$PTX_MOCK_LOG"
ctl 2 'force alone' restrict --force --max 1 vm
err '\-\-force goes with --dma-window'
ctl 2 'force with a quota' restrict --force --dma-quota 1G vm
for window in "${bad_windows[@]}"; do
	ctl 2 "the window '$window'" restrict --dma-window "$window" vm
done
for quota in "${bad_quotas[@]}"; do
	ctl 2 "the quota '$quota'" restrict --dma-quota "$quota" vm
	err 'or any'
done
ctl 2 'a quota twice' restrict --dma-quota any --dma-quota 2G vm
no_log 'netlink'
ctl 1 'a lease without a space' restrict --dma-quota 1G plain
err 'the lease has no DMA space'
err 'lease --space'
usual 'lease vm id=3
space vm
fail lease-restrict errno=EBUSY reason=dma-window'
ctl 1 'something is mapped' restrict --dma-window 0+4G vm
err 'unmap it all the same: ptxctl restrict --force'
usual 'lease vm id=3
old'
ctl 1 'an older module' restrict --dma-quota 1G vm
err 'older than DMA spaces'
ctl 0 'does the rest' restrict --max 1 vm

echo '# grant'
usual
ctl 0 'a quota' grant --dma-quota 4G root nvme
log 'netlink grant-new uid=0 kind=3 quota=4294967296$'
out '^grant 100: root may lease nvme, and map 4.0 GiB for them$'
ctl 0 'for each grant' grant --max 2 --dma-quota 1536M --pooled @0 gpu:amd
log 'netlink grant-new gid=0 kind=1 vendor=1002 max=2 pooled quota=1610612736$'
log 'netlink grant-new gid=0 kind=1 vendor=1022 max=2 pooled quota=1610612736$'
out '^grant 101: @root may lease pooled gpu:1022, 2 at most, and map 1.5 GiB for them$'
ctl 0 'in JSON' -j grant --dma-quota 1 root 01:00.0
log 'netlink grant-new uid=0 device=0000:01:00.0 quota=1$'
json /0/dma_quota 1
json /0/dma_mapped 0
ctl 0 'the largest' -j grant --dma-quota 0xffffffffffffffff root nvme
json /0/dma_quota 18446744073709551615
: > "$PTX_MOCK_LOG"
ctl 0 'none' -j grant root nvme
log 'netlink grant-new uid=0 kind=3$'
json /0/dma_quota null
json /0/dma_mapped null
ctl 0 'nor is it told' grant root nvme
out '^grant 100: root may lease nvme$'
: > "$PTX_MOCK_LOG"
for quota in "${bad_quotas[@]}" any; do
	ctl 2 "the quota '$quota'" grant --dma-quota "$quota" root nvme
	err '\-\-dma-quota takes a size such as 16G, not'
	no_err 'or any'
done
ctl 2 'a quota twice' grant --dma-quota 1G --dma-quota 2G root nvme
err 'given twice'
ctl 2 'no quota at all' grant --dma-quota
no_log 'netlink'
ctl 0 'help' grant --help
out '^ *--dma-quota SIZE '
usual old
ctl 1 'an older module' grant --dma-quota 1G root nvme
err '^ptxctl: this ptx module is older than quotas of grants$'
err '^  load the ptx module of the same version as this program'
no_out '.'
ctl 0 'makes others' grant root nvme
quotas='grant 1 uid=0 kind=nvme max=2 used=1 quota=0x100000000 mapped=0x60000000
grant 2 gid=0 kind=gpu quota=4096
grant 3 uid=0 kind=gpu
grant 4 uid=0 kind=nic quota=18446744073709551615 mapped=18446744073709551615'
usual "$quotas"
ctl 0 'grants' grants
out '^ID  *WHO  *WHAT  *AT MOST  *LEASED  *MAPPED$'
out '^1  *root  *nvme  *2  *1  *1.5 GiB of 4.0 GiB$'
out '^2  *@root  *gpu  *-  *0  *0 B of 4.0 KiB$'
out '^3  *root  *gpu  *-  *0  *-$'
ctl 0 'in JSON' -j grants
json /0/dma_quota 4294967296
json /0/dma_mapped 1610612736
json /1/dma_mapped 0
json /2/dma_quota null
json /2/dma_mapped null
json /3/dma_quota 18446744073709551615
ctl 0 'save' save "$work/saved"
ctl 0 'restore what is there' restore "$work/saved"
no_log 'grant-new'
usual "${quotas/quota=4096/quota=8192}"
ctl 0 'restore another quota' restore "$work/saved"
log 'netlink grant-new gid=0 kind=1 quota=4096$'
[ "$(grep -c grant-new "$work/log")" = 1 ]
ok $? '  and no more'
usual
ctl 0 'restore all' restore "$work/saved"
log 'netlink grant-new uid=0 kind=3 max=2 quota=4294967296$'
log 'netlink grant-new uid=0 kind=1$'
log 'netlink grant-new uid=0 kind=4 quota=18446744073709551615$'
saved() { # saved STATUS MEMBER: a grant with that is restored, or refused
	printf '{"grants":[{"uid":0,"device":null,"kind":"nvme","vendor":null%s}]}' "$2" > "$work/saved"
	ctl "$1" "restore '$2'" restore "$work/saved"
}
: > "$PTX_MOCK_LOG"
for quota in 0 -1 1.5 '"1G"' true '[]' '{}'; do
	saved 1 ",\"dma_quota\":$quota"
	err 'grant 1 of the file makes no sense'
done
no_log 'grant-new'
saved 0 ',"dma_quota":5'
log 'netlink grant-new uid=0 kind=3 quota=5$'
: > "$PTX_MOCK_LOG"
for quota in '' ',"dma_quota":null'; do
	saved 0 "$quota"
	log 'netlink grant-new uid=0 kind=3$'
done

echo '# stats'
leases='lease vm1 id=3 members=0000:01:00.0,0000:03:00.0
space vm1 quota=0x200000000 mapped=0x100001000 pinned=0x100000000 entries=7 max_entries=100 page=0x40000000 faults=3 container=1 windows=0x0-0xfff,0x100000000-0xffffffffffffffff pin=0:4,31:5 map=3:2,10:6,20:1
lease plain id=4 members=0000:02:00.0
lease vm2 id=6
space vm2
lease vm1 id=2 state=released'
usual "$leases"
ctl 0 'stats' stats
out '^LEASE  *MAPPED  *PINNED  *QUOTA  *MAPPINGS  *LARGEST PAGE  *FAULTS  *WINDOWS$'
out '^vm1  *4.0 GiB  *4.0 GiB  *8.0 GiB  *7 of 100  *1.0 GiB  *3  *0x0-0xfff and 1 more$'
out '^plain  *-  *-  *-  *-  *-  *-  *-$'
out '^vm2  *0 B  *0 B  *any  *0 of 1048576  *-  *not available  *everywhere$'
out '^DEVICE  *LEASE  *DRIVER  *STATE  *FAULTS$'
out '^0000:01:00.0  *vm1  *ptx-vfio-pci  *ready  *2$'
out '^0000:03:00.0  *vm1  *ptx-vfio-pci  *ready  *0$'
out '^0000:02:00.0  *plain  *ptx-vfio-pci  *ready  *not available$'
out '^vm1: windows$'
out '^  0x100000000-0xffffffffffffffff$'
out '^vm1: how many changes took how long$'
out '^< 1 us  *4  *0$'
out '^< 8 us  *0  *2$'
out '^< 1.024 ms  *0  *6$'
out '^< 1.049 s  *0  *1$'
out '^more  *5  *0$'
no_out '^vm2: '
[ "$(grep -c '^vm1 ' "$work/out")" = 1 ]
ok $? '  not of one that is released'
ctl 0 'of some' stats vm2 plain vm2
no_out 'vm1'
[ "$(grep -c '^vm2 ' "$work/out")" = 1 ]
ok $? '  each once'
ctl 1 'of one that is not there' stats nosuch vm2
err 'nosuch'
out '^vm2 '
ctl 1 'in JSON' -j stats nosuch vm2
no_out '.'
ctl 1 'or metrics' stats --openmetrics nosuch vm2
no_out '.'
ctl 0 'JSON' stats -j
json /0/name vm1
json /0/state active
json /0/space/quota 8589934592
json /0/space/mapped 4294971392
json /0/space/pinned 4294967296
json /0/space/entries 7
json /0/space/max_entries 100
json /0/space/largest_page 1073741824
json /0/space/faults 3
json /0/space/container true
json /0/space/windows/1/first 0x100000000
json /0/space/windows/1/last 0xffffffffffffffff
json /0/space/pin_times/0 4
json /0/space/pin_times/31 5
json /0/space/map_times/10 6
json /0/devices/0/address 0000:01:00.0
json /0/devices/0/driver ptx-vfio-pci
json /0/devices/0/state ready
json /0/devices/0/faults 2
json /0/devices/1/faults 0
json /1/devices/0/faults null
json /1/space null
json /2/space/faults null
json /2/space/quota null
json /2/devices '[]'
ctl 0 'indented' stats --pretty vm1
json /0/id 3
ctl 0 'none' -j stats plain
json /0/space null
ctl 2 'two forms' stats -j --openmetrics
ctl 2 'no such option' stats --prometheus
ctl 0 'help' stats --help
out '\-\-openmetrics'
usual
ctl 0 'no leases' stats
[ ! -s "$work/out" ]
ok $? '  say nothing'
ctl 0 'in JSON' -j stats
[ "$(cat "$work/out")" = '[]' ]
ok $? '  an empty array'
echo absent > "$PTX_MOCK"
ctl 3 'no module' stats
ctl 3 'nor metrics' stats --openmetrics
no_out '.'
usual "$leases
bad lease-dump attr=1 len=3"
ctl 1 'another kernel' stats --openmetrics
no_out '.'

echo '# OpenMetrics'
metrics() { # metrics NAME: what is printed is valid
	"$here/openmetrics.py" < "$work/out" 2> "$work/err"
	ok $? "  $1 is valid"
}
usual "$leases"
ctl 0 'metrics' stats --openmetrics
metrics 'all'
out '^# TYPE ptx_lease_dma_mapped_bytes gauge$'
out '^# UNIT ptx_lease_dma_mapped_bytes bytes$'
out '^# HELP ptx_lease_dma_mapped_bytes .'
out '^ptx_lease_dma_mapped_bytes{lease="vm1"} 4294971392$'
out '^ptx_lease_dma_pinned_bytes{lease="vm1"} 4294967296$'
out '^ptx_lease_dma_quota_bytes{lease="vm1"} 8589934592$'
no_out '^ptx_lease_dma_quota_bytes{lease="vm2"}'
out '^ptx_lease_dma_mappings{lease="vm1"} 7$'
out '^ptx_lease_dma_mappings_limit{lease="vm2"} 1048576$'
out '^ptx_lease_dma_largest_page_bytes{lease="vm1"} 1073741824$'
out '^ptx_lease_dma_windows{lease="vm1"} 2$'
out '^# TYPE ptx_lease_dma_faults counter$'
out '^ptx_lease_dma_faults_total{lease="vm1"} 3$'
no_out '^ptx_lease_dma_faults_total{lease="vm2"}'
no_out '^ptx_lease_dma.*"plain"'
out '^# TYPE ptx_device_dma_faults counter$'
out '^# HELP ptx_device_dma_faults .'
out '^ptx_device_dma_faults_total{lease="vm1",device="0000:01:00.0"} 2$'
out '^ptx_device_dma_faults_total{lease="vm1",device="0000:03:00.0"} 0$'
[ "$(grep -c '^ptx_device_dma_faults' "$work/out")" = 2 ]
ok $? '  of those that are known'
out '^ptx_lease_info{lease="vm1",id="3",state="active",space="yes"} 1$'
out '^ptx_lease_info{lease="plain",id="4",state="active",space="no"} 1$'
out '^ptx_device_info{lease="vm1",device="0000:01:00.0",driver="ptx-vfio-pci",state="ready"} 1$'
out '^# TYPE ptx_lease_dma_pin_seconds histogram$'
out '^ptx_lease_dma_pin_seconds_bucket{lease="vm1",le="1e-06"} 4$'
out '^ptx_lease_dma_pin_seconds_bucket{lease="vm1",le="1073.741824"} 4$'
out '^ptx_lease_dma_pin_seconds_bucket{lease="vm1",le="+Inf"} 9$'
out '^ptx_lease_dma_map_seconds_bucket{lease="vm1",le="4e-06"} 0$'
out '^ptx_lease_dma_map_seconds_bucket{lease="vm1",le="8e-06"} 2$'
out '^ptx_lease_dma_map_seconds_bucket{lease="vm1",le="0.000512"} 2$'
out '^ptx_lease_dma_map_seconds_bucket{lease="vm1",le="0.001024"} 8$'
out '^ptx_lease_dma_map_seconds_bucket{lease="vm1",le="1.048576"} 9$'
out '^ptx_lease_dma_map_seconds_bucket{lease="vm2",le="+Inf"} 0$'
no_out '_sum'
no_out '_count'
[ "$(tail -n 1 "$work/out")" = '# EOF' ]
ok $? '  its end'
for broken in 's/^# EOF$//' '/^# TYPE ptx_device_info/d' 's/le="4e-06"/le="0.000004"/' \
	'/le="+Inf"/d' 's/ptx_lease_dma_faults_total/ptx_lease_dma_faults/' \
	's/ptx_device_dma_faults_total/ptx_device_dma_faults/' 's/,device="0000:0[13]:00.0"} [02]$/} 1/' \
	's/^# UNIT .* bytes$/&s/' '$!{/^ptx_lease_dma_mappings{/p}' 's/"vm1"/"v\\m1"/' \
	's/ histogram$/ info/' 's/,le=/,,le=/' 's/le="8e-06"} 2/le="8e-06"} 200/'; do
	! sed "$broken" "$work/out" | "$here/openmetrics.py" 2> "$work/err"
	ok $? "  and is not after '$broken'"
done
usual
ctl 0 'metrics of nothing' stats --openmetrics
metrics 'nothing'
script <<- 'END'
	device 0000:01:00.0 kind=nvme
	device "\x1b[5m\x22\x5c" kind=gpu faults=18446744073709551614
	lease "a\x22b\x5cc\x0ad\x1b[31m\xff\xc3\xa9{}," id=1 members="0000:01:00.0,\x1b]0;x\x22"
	space "a\x22b\x5cc\x0ad\x1b[31m\xff\xc3\xa9{}," pin=1:1
	lease "le\x1b[31mase" id=18446744073709551615 members="\x1b[5m\x22\x5c"
	space "le\x1b[31mase" quota=18446744073709551615 mapped=18446744073709551615 faults=18446744073709551614 pin=31:18446744073709551615
END
clean() {
	! LC_ALL=C grep -q -P '[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$work/out" "$work/err"
	ok $? '  nothing to steer a terminal with'
}
ctl 0 'hostile names in metrics' stats --openmetrics
metrics 'that'
out '^ptx_lease_dma_windows{lease="a\\"b\\\\c\\\\x0ad\\\\x1b\[31m\\\\xffé{},"} 1$'
out '^ptx_lease_dma_mapped_bytes{lease="le.*"} 18446744073709551615$'
out '^ptx_device_dma_faults_total{lease="le.*",device="\\\\x1b\[5m\\"\\\\"} 18446744073709551614$'
clean
for args in stats '-j stats' '-p stats' '-j leases'; do
	# shellcheck disable=SC2086
	ctl 0 "in $args" $args
	clean
done
json /1/space/quota 18446744073709551615

echo '# show and leases'
usual "$leases"
ctl 0 'show' show vm1
out '^  DMA space: 4.0 GiB mapped of 8.0 GiB, through a VFIO container, windows 0x0-0xfff 0x100000000-0xffffffffffffffff$'
ctl 0 'of one without' show plain
no_out 'DMA'
ctl 0 'in JSON' -j show vm1
json /0/space/container true
ctl 0 'leases in JSON' -j leases
json /0/space null
json /1/space/entries 7
json /2/space null

echo '# check --memory'
usual "$leases
lease full id=9
space full max_entries=70 entries=10
lease tight id=10
space tight windows=0x0-0xfffff,0x200000-0x2fffff quota=0x40000000 mapped=0x30000000"
limit=$work/root/sys/module/vfio_iommu_type1/parameters/dma_entry_limit
echo 65535 > "$limit"
ctl 0 'a small VM' check --memory 256M 01:00.0
out 'ok    without a DMA space there may be 65535 mappings, enough for a VM of 256.0 MiB that is mapped in pieces of 8.0 KiB$'
ctl 0 'a large one' check --memory 1T 01:00.0
out 'warn  without a DMA space .* in pieces of 16.0 MiB; one with virtio-mem maps smaller ones$'
out 'echo 1048576 > /sys/module/vfio_iommu_type1/parameters/dma_entry_limit; or use a DMA space, which takes 1048576'
echo 10 > "$limit"
ctl 1 'too few mappings' check --memory 256M 01:00.0
out 'FAIL  without a DMA space there may be 10 mappings, and a VM may need 64$'
out '^A VM of that size would not start'
rm "$limit"
ctl 0 'no type1' check --memory 1T 01:00.0
no_out 'mappings'
ctl 0 'for a lease' check --memory 4G --lease vm2 01:00.0
out "ok    lease 'vm2' has no quota$"
out "ok    the lease's DMA space has room for 1048576 mappings"
no_out 'windows of lease'
ctl 0 'what its quota leaves' check --memory 0x400 --lease vm1 01:00.0
out 'ok    the quota of lease .vm1. leaves 4.0 GiB$'
ctl 0 'with its windows' check --memory 4095M --lease vm1 01:00.0
ctl 1 'too much for it' check --memory 4G --lease vm1 01:00.0
out "FAIL  the quota of lease 'vm1' leaves 4.0 GiB, and a VM maps all of its memory: 4.0 GiB$"
out 'ptxctl restrict --dma-quota'
out '^A VM of that size would not start'
ctl 0 'what its windows leave' check --memory 2M --lease tight 01:00.0
out "ok    the windows of lease 'tight' have room for 2.0 MiB$"
ctl 1 'too much for them' check --memory 3M --lease tight 01:00.0
out "FAIL  the windows of lease 'tight' have room for 2.0 MiB, and a VM maps all of its memory: 3.0 MiB$"
out "ok    the quota of lease 'tight' leaves 256.0 MiB$"
ctl 1 'its mappings' check --memory 1M --lease full 01:00.0
out "FAIL  the lease's DMA space has room for 60 mappings, and a VM may need 64$"
ctl 0 'one without a space' check --memory 1G --lease plain 01:00.0
out "ok    lease 'plain' has no DMA space, and so no quota$"
ctl 1 'in JSON' -j check --memory 4G --lease vm1 01:00.0
json /ok false
"$TEST/json-get" /host < "$work/out" | grep -q '"check":"quota"'
ok $? '  with the quota'
ctl 1 'no such lease' check --memory 1G --lease nosuch 01:00.0
err "lease 'nosuch'"
ctl 2 'a lease and no size' check --lease vm1 01:00.0
err '\-\-lease goes with --memory'
for size in '' 0 lots 1.5G 99999999999999999999G 16GG; do
	ctl 2 "the size '$size'" check --memory "$size"
done
printf 'MemAvailable: 1048576 kB\nHugePages_Total: 8\nHugePages_Free: 6\nHugePages_Rsvd: 2\nHugepagesize: 1048576 kB\n' \
	> "$work/root/proc/meminfo"
ctl 0 'what is available' check --memory 1G 01:00.0
out 'ok    5.0 GiB of memory is free$'
ctl 0 'with huge pages' check --memory 5G 01:00.0
out 'ok    5.0 GiB of memory is free; the VM must use huge pages, which 4.0 GiB of it is in$'
ctl 1 'not even those' check --memory 6G 01:00.0
out 'FAIL  5.0 GiB of memory is free, 4.0 GiB of it in huge pages, and a VM of 6.0 GiB'
printf 'MemAvailable: 1048576 kB\nHugePages_Free: 1\nHugePages_Rsvd: 2\nHugepagesize: 1048576 kB\n' \
	> "$work/root/proc/meminfo"
ctl 1 'more reserved than free' check --memory 2G 01:00.0
out 'FAIL  1.0 GiB of memory is free, and a VM of 2.0 GiB'
finish
