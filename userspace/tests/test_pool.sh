#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The pool, and what is kept over a reboot, on a mock kernel.

cd "$(dirname "$0")" || exit
. ./lib.sh

host() {
	script <<-END
		root $work/root
		device 0000:01:00.0 kind=nvme vendor=0x1b36 group=7
		device 0000:02:00.0 kind=nvme vendor=0x1b36 group=8 pooled=1 driver=ptx-vfio-pci
		device 0000:03:00.0 kind=gpu vendor=0x10de group=9 pooled=1 lease=5
		device 0000:04:00.0 kind=gpu vendor=0x10de group=10
		device 0000:05:00.0 kind=gpu vendor=0x1002 group=11 pooled=1 quarantined=1
		device 0000:06:00.0 kind=nvme vendor=0x1b36 group=12
		lease vm1 id=5 owner=0 members=0000:03:00.0
		$1
	END
}

echo '# What is in it'
host
ctl 0 'show' pool show
out '^0000:02:00.0 .*nvme .*ready$'
out '^0000:03:00.0 .*gpu .*leased$'
out '^0000:05:00.0 .*quarantined$'
no_out '0000:01:00.0'
no_out RULE
ctl 0 'show in JSON' -j pool show
json /devices/0/address 0000:02:00.0
json /devices/0/state ready
json /devices/1/lease_id 5
json /reserves '[]'
ctl 0 'list' list
out '^0000:02:00.0 .*(pool)$'
out '^0000:03:00.0 .*vm1$'
ctl 0 'list in JSON' -j list 01:00.0
json /0/pooled false
ctl 0 'info' info 02:00.0
out 'pool  *has it'
ctl 0 'info of one that is leased' info 03:00.0
out 'pool  *gets it back'

echo '# In and out'
host
ctl 0 'add' pool add 01:00.0 04:00.0
log 'netlink pool-add devices=0000:01:00.0,0000:04:00.0$'
out '^0000:01:00.0 is in the pool$'
ctl 0 'a kind: what is not in it' pool add -q --force --boot-display --timeout 5s nvme:2
log 'netlink pool-add devices=0000:01:00.0,0000:06:00.0 flags=6 timeout=5000$'
no_out '.'
ctl 1 'more than there is' pool add nvme:3
rom=$(printf 'ab%062d' 1)
ctl 0 'with its ROM' pool add -q --rom-sha256 "$rom" --rom-sha256 "${rom^^}" 01:00.0
log 'netlink pool-add devices=0000:01:00.0 roms=ab00,ab00$'
ctl 2 'memory is cleared for a lease' pool add --clear-memory 01:00.0
ctl 2 'only what is added has one' pool remove --rom-sha256 "$rom" 02:00.0
host 'fail pool-add errno=EIO reason=no-reset text="0000:01:00.0: there is no way to reset it"'
ctl 1 'refused' pool add 01:00.0
err '0000:01:00.0: there is no way to reset it'
host
ctl 0 'remove' pool remove 02:00.0
log 'netlink pool-remove devices=0000:02:00.0$'
out '^0000:02:00.0 is not in the pool any more$'
ctl 0 'a kind: all of it' pool remove --timeout 7s gpu
log 'netlink pool-remove devices=0000:03:00.0,0000:05:00.0 timeout=7000$'
out '^0000:03:00.0 is not in the pool any more; its lease goes on$'
ctl 0 'everything' pool remove --all
log 'netlink pool-remove devices=0000:02:00.0,0000:03:00.0,0000:05:00.0$'
host
ctl 1 'no such device' pool remove 09:00.0
err '0000:09:00.0'
no_log pool-remove
ctl 1 'of a kind it has not' pool remove npu
err 'the pool has no such device'
host 'fail pool-remove errno=ENOENT reason=not-member text="0000:01:00.0: is not in the pool"'
ctl 1 'not in it' pool remove 01:00.0
err '0000:01:00.0: is not in the pool'
host
ctl 0 'those of the pool are taken first' lease x nvme
log 'lease-new name=x devices=0000:02:00.0$'

echo '# Rules'
host
ctl 0 'reserve' pool reserve nvme gpu:amd 04:00.0
log 'netlink reserve-new kind=3$'
log 'netlink reserve-new kind=1 vendor=1002$'
log 'netlink reserve-new kind=1 vendor=1022$'
log 'netlink reserve-new device=0000:04:00.0$'
out '^rule 201: the pool gets gpu:1002$'
ctl 0 'in JSON' -j pool reserve gpu
json /0/kind gpu
json /0/device null
ctl 0 'unreserve' pool unreserve 3 4
log 'netlink reserve-del id=3$'
log 'netlink reserve-del id=4$'
rules='reserve 1 kind=nvme
reserve 2 kind=gpu vendor=0x10de
reserve 3 device=0000:04:00.0'
host "$rules"
ctl 0 'are shown' pool show
out '^1  *nvme$'
out '^2  *gpu:10de$'
out '^3  *0000:04:00.0$'
ctl 0 'and in JSON' -j pool show
json /reserves/1/vendor 0x10de
host "$rules
bad reserve-dump attr=1 len=3"
ctl 1 'of another kernel' pool show

echo '# Over a reboot'
host "$rules
grant 1 uid=0 kind=nvme pooled=1"
mkdir -p "$work/root/etc"
ctl 0 'save' save
ctl 0 'restore what is there' restore
no_log 'new\|add'
script <<-END
	root $work/root
	device 0000:02:00.0 kind=nvme group=8
	device 0000:05:00.0 kind=gpu group=11
	fail pool-add errno=ENODEV reason=no-device culprit=0000:03:00.0 text="0000:03:00.0: no such device" times=1
END
ctl 1 'restore what is left' restore
log 'netlink reserve-new kind=3$'
log 'netlink reserve-new kind=1 vendor=10de$'
log 'netlink pool-add devices=0000:02:00.0$'
log 'netlink pool-add devices=0000:03:00.0$'
log 'netlink pool-add devices=0000:05:00.0$'
log 'netlink grant-new uid=0 kind=3 pooled$'
host
cat > "$work/some.json" <<-END
	{ "reserves": [ 3, { "device": null, "kind": "gpu", "vendor": null } ],
	  "pool": [ "x", "0000:01:00.0\\u0000", "0000:01:00.0" ],
	  "grants": [ { "uid": 0, "Device": "0000:01:00.0", "kind": null, "vendor": null },
		{ "uid": 0, "device": null, "kind": "nvme", "vendor": null, "max_devices": 0 },
		{ "uid": 0, "device": null, "kind": null, "vendor": "-ffffffffffff0001" },
		{ "uid": 1, "device": null, "kind": "nvme", "vendor": null } ] }
END
ctl 1 'what makes sense of a file' restore "$work/some.json"
log 'netlink reserve-new kind=1$'
log 'netlink pool-add devices=0000:01:00.0$'
log 'netlink grant-new uid=1 kind=3$'
no_log 'grant-new uid=0'
err 'reserve 1 of the file makes no sense'
err 'device 2 of the pool in the file makes no sense'
err 'grant 3 of the file makes no sense'
: > "$work/saved.json"
ln -s saved.json "$work/link.json"
ctl 0 'save through a link' save "$work/link.json"
[ -L "$work/link.json" ] && [ -s "$work/saved.json" ]
ok $? '  which stays one'
ctl 1 'save to what is no file' save "$work"
for wrong in '{"grants": [], "pool": 3}' '{"grants": [], "pool": [3]}' \
	'{"grants": [], "pool": ["x"]}' '{"grants": [], "reserves": {}}' \
	'{"grants": [], "reserves": [3]}' '{"grants": [], "reserves": [{"kind": "car"}]}'; do
	printf '%s' "$wrong" > "$work/wrong.json"
	host
	ctl 1 "restore '$wrong'" restore "$work/wrong.json"
	no_log 'new\|add'
done

echo '# Grants of it'
host
ctl 0 'grant' grant --pooled root nvme
log 'netlink grant-new uid=0 kind=3 pooled$'
out '^grant 100: root may lease pooled nvme$'

echo '# Usage'
host
ctl 2 'nothing' pool
ctl 2 'what?' pool frob
ctl 2 'add nothing' pool add
ctl 2 'add all' pool add --all
ctl 2 'remove nothing' pool remove
ctl 2 'remove both' pool remove --all nvme
ctl 2 'remove by force' pool remove --force nvme
ctl 2 'show something' pool show nvme
ctl 2 'reserve nothing' pool reserve
ctl 2 'reserve two' pool reserve nvme:2
ctl 2 'unreserve nothing' pool unreserve
ctl 2 'unreserve a word' pool unreserve nvme
ctl 2 'a time' pool add --timeout soon nvme
ctl 2 'too long' pool add --timeout 61s nvme
err '1ms to 60s'
ctl 2 'too long to go' pool remove --timeout 2m nvme
ctl 2 'no time for that' pool show --timeout 3s
ctl 2 'no JSON for that' -j pool add nvme
ctl 2 'a bridge' pool reserve bridge
ctl 2 'a grant of one' grant root bridge
no_log .
finish
