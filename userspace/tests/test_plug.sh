#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ptxctl add --plug and remove --unplug, on a mock kernel and a mock of QEMU.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
here=$(dirname "$(readlink -f "$0")")

# vm WHAT: the kernel, and a QEMU like that; see mock_qmp.py.
vm() {
	script <<- END
		root $work/root
		device 0000:01:00.0 kind=nvme group=9 driver=nvme
		device 0000:02:00.0 kind=gpu group=10 mates=0000:02:00.1
		device 0000:02:00.1 kind=audio group=10 mates=0000:02:00.0
		device 0000:03:00.0 kind=gpu group=11 lease=5
		lease old id=5 owner=0 members=0000:03:00.0
		$2
	END
	if [ -n "${qemu:-}" ]; then
		kill "$qemu" 2> /dev/null
		wait "$qemu" 2> /dev/null
	fi
	rm -f "$work/qmp" "$work/asked"
	python3 "$here/mock_qmp.py" "$work/qmp" "$work/asked" "$1" 2> /dev/null &
	qemu=$!
	until [ -S "$work/qmp" ]; do sleep 0.02; done
}
asked() { grep -q -e "$1" "$work/asked"; ok $? "  asked: $1"; }
not_asked() { ! grep -q -e "$1" "$work/asked"; ok $? "  not asked: $1"; }

echo '# In'
vm good
ctl 0 'plug' add --plug "qmp:$work/qmp" old 01:00.0
log 'netlink lease-add name=old devices=0000:01:00.0$'
asked 'device_add .*"host": "0000:01:00.0", "id": "ptx-0000-01-00.0", "bus": "rp0"'
no_log lease-remove
vm good
ctl 0 'on a bus of choice' add --plug "qmp:$work/qmp,bus=b7" old 01:00.0
asked '"bus": "b7"'
not_asked query-pci
vm good
ctl 0 'with its group' add --plug "qmp:$work/qmp" old 02:00.0
asked '"host": "0000:02:00.0"'
asked '"host": "0000:02:00.1"'
vm noslot
ctl 1 'without an empty slot' add --plug "qmp:$work/qmp" old 01:00.0
err '0000:01:00.0 cannot be plugged in: QEMU has no empty slot'
log 'netlink lease-remove .*devices=0000:01:00.0$'
vm fails
ctl 1 'refused' add --plug "qmp:$work/qmp" old 01:00.0
err '0000:01:00.0 cannot be plugged in: QEMU: vfio: no way'
log 'netlink lease-remove .*devices=0000:01:00.0$'
vm second
ctl 1 'the second of two is refused' add --plug "qmp:$work/qmp" old 02:00.0
asked 'device_del .*/machine/peripheral/ptx-0000-02-00.0'
log 'netlink lease-remove .*devices=0000:02:00.0,0000:02:00.1$'

echo '# Out'
vm good
ctl 0 'unplug' remove --unplug "qmp:$work/qmp" old 03:00.0
asked 'device_del .*/machine/peripheral-anon/anon'
log 'netlink lease-remove name=old devices=0000:03:00.0$'
vm keeps
ctl 1 'a guest that keeps it' remove --unplug "qmp:$work/qmp" old 03:00.0
err '0000:03:00.0 stays plugged in: the guest does not let go'
no_log lease-remove
vm deaf
ctl 1 'a guest that does not hear' remove --timeout 1s --unplug "qmp:$work/qmp" old 03:00.0
err 'has not let go of it in 1 s'
no_log lease-remove

vm good 'device 0000:04:00.0 kind=gpu group=12 lease=6
lease two id=6 owner=0 members=0000:04:00.0'
ctl 0 'one that is not in it' remove --unplug "qmp:$work/qmp" two 04:00.0
not_asked device_del
log 'netlink lease-remove name=two'

echo '# No monitor'
for what in garbage other closes endless; do
	vm $what
	ctl 1 "$what" add --plug "qmp:$work/qmp" old 01:00.0
	no_log lease-add
done
vm silent
ctl 1 'silent' add --plug "qmp:$work/qmp" old 01:00.0
err 'another client may be connected'
kill "$qemu"
wait "$qemu" 2> /dev/null
ctl 1 'nobody there' add --plug "qmp:$work/qmp" old 01:00.0
err 'Connection refused'
ctl 1 'no socket' add --plug "qmp:$work/none" old 01:00.0
err 'No such file'
ctl 1 'a long path' add --plug "qmp:$(head -c 200 /dev/zero | tr '\0' x)" old 01:00.0
err 'at most 107 bytes'
for spec in '' qmp qmp: qmp:,bus=b ch:/x; do
	ctl 2 "no VMM: '$spec'" add --plug "$spec" old 01:00.0
	err 'names no VMM'
done
ctl 2 'lease does not plug' lease --plug "qmp:$work/qmp" new 01:00.0
ctl 2 'release does not unplug' release --unplug "qmp:$work/qmp" old
no_log lease-

finish
