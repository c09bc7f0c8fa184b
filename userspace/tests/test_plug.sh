#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ptxctl add --plug and remove --unplug, on a mock kernel and mocks of QEMU and of
# Cloud Hypervisor.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
here=$(dirname "$(readlink -f "$0")")

# start MOCK WHAT [SCRIPT]: the kernel, and a VMM like that.
start() {
	script <<- END
		root $work/root
		device 0000:01:00.0 kind=nvme group=9 driver=nvme
		device 0000:02:00.0 kind=gpu group=10 mates=0000:02:00.1
		device 0000:02:00.1 kind=audio group=10 mates=0000:02:00.0
		device 0000:03:00.0 kind=gpu group=11 lease=5
		lease old id=5 owner=0 members=0000:03:00.0
		${3:-}
	END
	if [ -n "${vmm:-}" ]; then
		kill "$vmm" 2> /dev/null
		wait "$vmm" 2> /dev/null
	fi
	rm -f "$work/vm" "$work/asked"
	python3 "$here/$1" "$work/vm" "$work/asked" "$2" 2> /dev/null &
	vmm=$!
	until [ -S "$work/vm" ]; do sleep 0.02; done
}
vm() { start mock_qmp.py "$@"; }
ch() { start mock_ch.py "$@"; }
asked() { grep -q -e "$1" "$work/asked"; ok $? "  asked: $1"; }
not_asked() { ! grep -q -e "$1" "$work/asked"; ok $? "  not asked: $1"; }

echo '# In'
vm good
ctl 0 'plug' add --plug "qmp:$work/vm" old 01:00.0
log 'netlink lease-add name=old devices=0000:01:00.0$'
asked 'device_add .*"host": "0000:01:00.0", "id": "ptx-0000-01-00.0", "bus": "rp0"'
no_log lease-remove
vm good
ctl 0 'on a bus of choice' add --plug "qmp:$work/vm,bus=b7" old 01:00.0
asked '"bus": "b7"'
not_asked query-pci
vm good
ctl 0 'with its group' add --plug "qmp:$work/vm" old 02:00.0
asked '"host": "0000:02:00.0"'
asked '"host": "0000:02:00.1"'
vm good 'device 0000:04:00.0 kind=nic group=40 driver=ice total_vfs=4'
ctl 0 'virtual functions, by the addresses in the answer' \
	add --plug "qmp:$work/vm" old vf:04:00.0,count=2
asked '"host": "0000:04:00.1", "id": "ptx-0000-04-00.1"'
asked '"host": "0000:04:00.2"'
not_asked 'vf:'
vm noslot 'device 0000:04:00.0 kind=nic group=40 driver=ice total_vfs=4'
ctl 1 'which go back if that fails' add --plug "qmp:$work/vm" old vf:04:00.0
log 'netlink lease-remove .*devices=0000:04:00.1$'
vm noslot
ctl 1 'without an empty slot' add --plug "qmp:$work/vm" old 01:00.0
err '0000:01:00.0 cannot be plugged in: QEMU has no empty slot'
log 'netlink lease-remove .*devices=0000:01:00.0$'
vm fails
ctl 1 'refused' add --plug "qmp:$work/vm" old 01:00.0
err '0000:01:00.0 cannot be plugged in: QEMU: vfio: no way'
log 'netlink lease-remove .*devices=0000:01:00.0$'
vm second
ctl 1 'the second of two is refused' add --plug "qmp:$work/vm" old 02:00.0
asked 'device_del .*/machine/peripheral/ptx-0000-02-00.0'
log 'netlink lease-remove .*devices=0000:02:00.0,0000:02:00.1$'

echo '# Out'
vm good
ctl 0 'unplug' remove --unplug "qmp:$work/vm" old 03:00.0
asked 'device_del .*/machine/peripheral-anon/anon'
log 'netlink lease-remove name=old devices=0000:03:00.0$'
vm bypath
ctl 0 'unplug what was given by its path' remove --unplug "qmp:$work/vm" old 03:00.0
asked 'device_del'
vm keeps
ctl 1 'a guest that keeps it' remove --unplug "qmp:$work/vm" old 03:00.0
err '0000:03:00.0 stays plugged in: the guest does not let go'
no_log lease-remove
vm deaf
ctl 1 'a guest that does not hear' remove --timeout 1s --unplug "qmp:$work/vm" old 03:00.0
err 'has not let go of it in 1 s'
no_log lease-remove

vm good 'device 0000:04:00.0 kind=gpu group=12 lease=6
lease two id=6 owner=0 members=0000:04:00.0'
ctl 0 'one that is not in it' remove --unplug "qmp:$work/vm" two 04:00.0
not_asked device_del
log 'netlink lease-remove name=two'

echo '# No monitor'
for what in garbage other closes endless; do
	vm $what
	ctl 1 "$what" add --plug "qmp:$work/vm" old 01:00.0
	no_log lease-add
done
vm silent
ctl 1 'silent' add --plug "qmp:$work/vm" old 01:00.0
err 'another client may be connected'
kill "$vmm"
wait "$vmm" 2> /dev/null
ctl 1 'nobody there' add --plug "qmp:$work/vm" old 01:00.0
err 'Connection refused'
ctl 1 'no socket' add --plug "qmp:$work/none" old 01:00.0
err 'No such file'
ctl 1 'a long path' add --plug "qmp:$(head -c 200 /dev/zero | tr '\0' x)" old 01:00.0
err 'at most 107 bytes'
for spec in '' qmp qmp: qmp:,bus=b ch ch: ch:,bus=b ch:/x,bus=b chx:/x xen:/x; do
	ctl 2 "no VMM: '$spec'" add --plug "$spec" old 01:00.0
	err 'names no VMM'
done

echo '# Cloud Hypervisor: in'
into=(add --plug "ch:$work/vm" old)
from=(remove --unplug "ch:$work/vm" old 03:00.0)
ch good
ctl 0 'plug' "${into[@]}" 01:00.0
log 'netlink lease-add name=old devices=0000:01:00.0$'
asked '^PUT /api/v1/vm.add-device {"path":"/sys/bus/pci/devices/0000:01:00.0/","id":"ptx-0000-01-00.0"}$'
no_log lease-remove
ch good
ctl 0 'with its group' "${into[@]}" 02:00.0
asked 'devices/0000:02:00.0/'
asked 'devices/0000:02:00.1/'
for what in cold chunked unsized odd; do
	ch $what
	ctl 0 "its answers are $what" "${into[@]}" 01:00.0
	no_log lease-remove
done
ch fails
ctl 1 'refused' "${into[@]}" 01:00.0
err '0000:01:00.0 cannot be plugged in: Cloud Hypervisor: Error from API: Cannot open it$'
log 'netlink lease-remove by-id devices=0000:01:00.0$'
ch plain
ctl 1 'refused in words' "${into[@]}" 01:00.0
err 'cannot be plugged in: Cloud Hypervisor: no \\x1b\[31mway$'
log 'netlink lease-remove by-id devices=0000:01:00.0$'
ch mute
ctl 1 'refused without words' "${into[@]}" 01:00.0
err 'cannot be plugged in: Cloud Hypervisor refuses, with status 500$'
ch wordy
ctl 1 'refused at length' "${into[@]}" 01:00.0
[ "$(wc -c < "$work/err")" -lt 600 ]
ok $? '  which is not all told'
for what in breaks-off gone; do
	ch $what
	ctl 1 "the VMM $what meanwhile" "${into[@]}" 01:00.0
	err '0000:01:00.0 cannot be plugged in: '
	log 'netlink lease-remove by-id devices=0000:01:00.0$'
done
ch second
ctl 1 'the second of two is refused' "${into[@]}" 02:00.0
asked '^PUT /api/v1/vm.remove-device {"id":"ptx-0000-02-00.0"}$'
log 'netlink lease-remove by-id devices=0000:02:00.0,0000:02:00.1$'

echo '# Cloud Hypervisor: out'
for what in good slow chunked vanishes; do
	ch $what
	ctl 0 "unplug: $what" "${from[@]}"
	asked '^PUT /api/v1/vm.remove-device {"id":"_vfio3"}$'
	log 'netlink lease-remove name=old devices=0000:03:00.0$'
done
ch slow
ctl 0 'the guest takes its time' "${from[@]}"
[ "$(grep -c 'vm.info' "$work/asked")" -gt 3 ]
ok $? '  and is waited for'
for what in again again-refused; do
	ch $what
	ctl 0 "one that the guest was asked for before: $what" "${from[@]}"
	asked '^PUT /api/v1/vm.remove-device {"id":"ptx-0000-03-00.0"}$'
	log 'netlink lease-remove name=old devices=0000:03:00.0$'
done
ch keeps
ctl 1 'unplugging is refused' "${from[@]}"
err '0000:03:00.0 stays plugged in: Cloud Hypervisor: Error from API: busy$'
no_log lease-remove
ch deaf
ctl 1 'a guest that does not hear' "${from[@]}" --timeout 1s
err '0000:03:00.0 stays plugged in: the guest has not let go of it in 1 s$'
no_log lease-remove
ch stuck
ctl 1 'a VMM that hangs meanwhile' "${from[@]}" --timeout 1s
err 'the guest has not let go of it in 1 s$'
no_log lease-remove
ch dies
ctl 1 'a VMM that ends meanwhile' "${from[@]}"
err '0000:03:00.0 stays plugged in: .*/vm: '
no_log lease-remove
for what in no-vm no-info; do
	ch $what
	ctl 1 "what has it: $what" "${from[@]}"
	err '0000:03:00.0 stays plugged in: '
	not_asked remove-device
	no_log lease-remove
done
ch good 'device 0000:04:00.0 kind=gpu group=12 lease=6 mates=0000:05:00.0
device 0000:05:00.0 kind=audio group=12 lease=6 mates=0000:04:00.0
lease two id=6 owner=0 members=0000:04:00.0'
ctl 0 'one that is not in it' remove --unplug "ch:$work/vm" two 04:00.0
not_asked remove-device
log 'netlink lease-remove name=two'
ch half 'device 0000:04:00.0 kind=gpu group=12 lease=6
device 0000:05:00.0 kind=audio group=12 lease=6
lease two id=6 owner=0 members=0000:04:00.0,0000:05:00.0'
ctl 1 'one of two stays' remove --timeout 1s --unplug "ch:$work/vm" two 04:00.0 05:00.0
err '0000:05:00.0 stays plugged in: the guest has not let go'
asked 'vm.add-device .*devices/0000:04:00.0/'
no_log lease-remove

echo '# No Cloud Hypervisor'
# wrong WHY WHAT...: VMMs that are refused for that reason.
wrong() {
	local why=$1 what
	shift
	for what; do
		ch "$what"
		ctl 1 "$what" "${into[@]}" 01:00.0
		err "^ptxctl: $work/vm$why"
		no_log lease-add
	done
}
wrong ': what answers there is not HTTP as it should be$' garbage endless endless-headers \
	long-line two-lengths two-encodings both negative signed no-length long-length words gzip \
	deflate bad-chunk long-chunk short-chunk chunk-end bare-lf bare-cr folded no-colon space \
	more continue old bad-status content-204
wrong ': the answer is longer than can be right$' endless-body endless-chunks huge
wrong ': the answer breaks off$' short unended-chunk closes
wrong ': what answers there is not Cloud Hypervisor$' no-object no-json zero empty no-body
wrong ' is not the API of a Cloud Hypervisor' other no-version
for what in silent drip busy; do
	ch $what
	began=$SECONDS
	ctl 1 "$what" "${into[@]}" 01:00.0
	err "$work/vm: no\(body takes the connection\| answer in time\)"
	[ $((SECONDS - began)) -lt 10 ]
	ok $? '  within its time'
	no_log lease-add
done
kill "$vmm"
wait "$vmm" 2> /dev/null
ctl 1 'nobody there' "${into[@]}" 01:00.0
err 'Connection refused'
ctl 1 'no socket' add --plug "ch:$work/none" old 01:00.0
err 'No such file'
ctl 1 'a long path' add --plug "ch:$(head -c 200 /dev/zero | tr '\0' x)" old 01:00.0
err 'at most 107 bytes'

echo '# Elsewhere'
ctl 2 'lease does not plug' lease --plug "qmp:$work/vm" new 01:00.0
ctl 2 'release does not unplug' release --unplug "qmp:$work/vm" old
no_log lease-

finish
