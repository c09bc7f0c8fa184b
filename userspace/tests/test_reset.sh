#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Resets by hand, on a mock kernel: what is asked for, how long it is waited for, and
# what is said of it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# What a device in quarantine has besides.
host() {
	script <<- END
		root $work/root
		device 0000:01:00.0 kind=nvme driver=nvme group=9 resets="flr bus" tries=2,3
		device 0000:02:00.0 kind=gpu group=10
		device 0000:03:00.0 kind=nvme group=11 resets=flr tries=4
		device 0000:07:00.0 kind=gpu group=17 quarantined=1 $1
		blocker 0000:07:00.0 reason=quarantined
		$2
	END
}

echo '# A device in quarantine'
host
ctl 0 'it is there' info 07:00.0
out 'quarantined'
ctl 0 'and in the list' list
out '^0000:07:00.0 .*(quarantined)$'
ctl 0 'which scripts can find' list -j
json /3/member_state quarantined
json /3/lease null
ctl 1 'says so when checked' check 07:00.0
out 'in quarantine'
out 'ptxctl reset 0000:07:00.0'
host 'tries=1,2'
ctl 0 'another chance' reset 07:00.0
log 'netlink device-reset name=0000:07:00.0$'
no_log 'lease-new'
out '^0000:07:00.0: reset, well, and back after [0-9]* ms$'
host '' 'fail device-reset errno=EIO reason=quarantined text="0000:07:00.0: no reset made it well"'
ctl 1 'in vain' reset -q 07:00.0
err '^ptxctl: 0000:07:00.0: no reset made it well$'
err 'power the host off'
no_out '.'

echo '# Any other'
host
ctl 0 'by hand' reset --force --timeout 5s 01:00.0
log 'ioctl create .*name=reset-0000:01:00.0-[0-9a-f]\{16\} '
log 'ioctl add .*devices=0000:01:00.0 flags=2 .*timeout=5000'
log 'ioctl release size=ok timeout=[45]...$'
out '^0000:01:00.0: reset, well, and back after'
ctl 0 'five minutes, unless told otherwise' reset 01:00.0
log 'ioctl add .*timeout=300000'
log 'ioctl create .* flags=0 '
host '' 'info abi=1 features=22'
ctl 0 'for a grant with a quota' reset 01:00.0
log 'ioctl create .* flags=4 '
log 'ioctl add .*devices=0000:01:00.0 '
host '' 'fail create errno=EEXIST reason=name-taken times=2'
ctl 0 'whose name is taken' reset 01:00.0
[ "$(grep -c 'ioctl create' "$work/log")" = 3 ]
ok $? '  gets another'
[ "$(grep 'ioctl create' "$work/log" | sort -u | wc -l)" = 3 ]
ok $? '  each time'
host '' 'fail create errno=EEXIST reason=name-taken times=0'
ctl 1 'but not for ever' reset 01:00.0
host
ctl 0 'without a way' reset 02:00.0
out '^0000:02:00.0: has no way to be reset; it looks well, and is back after [0-9]* ms$'
ctl 0 'with one that was not gone' reset 03:00.0
out '^0000:03:00.0: was not reset; it looks well, and is back after [0-9]* ms$'
ctl 0 'in JSON' reset -j 01:00.0 02:00.0
json /0/address 0000:01:00.0
json /0/reset true
json /1/reset false
ctl 1 'one of two' reset -j 02:00.0 09:00.0
json /0/reset false
ctl 2 'not by kind' reset gpu
err 'by its address'
ctl 2 'nor nothing' reset
ctl 1 'nor what is not there' reset 09:00.0
host '' 'fail add errno=ETIMEDOUT reason=unbind-stuck culprit=0000:01:00.0'
ctl 1 'a driver that does not let go' reset 01:00.0
err 'native driver did not let go in time'

echo '# Longer than the kernel waits'
late='fail device-reset errno=ETIMEDOUT reason=timeout text="0000:07:00.0: still under way at the deadline"'
host 'states=quarantined,draining,draining,none tries=1,1,1,4' "$late"
ctl 0 'it comes home' reset 07:00.0
out '^0000:07:00.0: reset, well, and back after [0-9]* ms$'
no_err '.'
host 'states=quarantined,draining,gone-now,gone-now,none tries=1,1,4' "$late"
ctl 0 'found anew' reset 07:00.0
out 'reset, well, and back'
host 'states=quarantined,draining,ready pooled=1 tries=1,1,4' "$late"
ctl 0 'the pool has it again' reset 07:00.0
out 'reset, well, and back'
host 'states=quarantined,draining,quarantined' "$late"
ctl 1 'in quarantine again' reset 07:00.0
err '^ptxctl: 0000:07:00.0: no reset made it well after its last lease; it is in quarantine$'
err 'power the host off'
no_err 'still under way'
host 'states=quarantined,draining,driverless' "$late"
ctl 1 'without its driver' reset 07:00.0
err 'its native driver would not take it back'
host 'states=quarantined,draining' "$late"
ctl 1 'too long for us' reset --timeout 400ms 07:00.0
err '^ptxctl: 0000:07:00.0: still under way at the deadline; it goes on by itself$'
err 'ptxctl monitor'
host '' 'slow ms=20000'
begin=$SECONDS
ctl 1 'shorter than the kernel waits' reset --timeout 300ms 07:00.0
err 'still under way at the deadline; it goes on by itself'
[ $((SECONDS - begin)) -lt 15 ]
ok $? '  is shorter'

# Interrupted after a while: within the kernel's wait, and within ours.
for args in "slow ms=20000" "$late"; do
	host 'states=quarantined,draining' "$args"
	"$TEST/ptxctl-mock" reset 07:00.0 01:00.0 > "$work/out" 2> "$work/err" < /dev/null &
	for _ in $(seq 100); do
		grep -q device-reset "$work/log" && break
		sleep 0.1
	done
	sleep 0.3
	kill -INT $!
	wait $!
	[ $? = 1 ]
	ok $? 'Ctrl-C'
	err '^ptxctl: 0000:07:00.0: not waited for any more; it goes on by itself$'
	no_log 'ioctl create'
done

echo '# Already'
host 'states=draining'
ctl 1 'one that is tried again' reset 07:00.0
err '^ptxctl: 0000:07:00.0: is being reset already$'
err 'ptxctl monitor'
no_log 'device-reset\|create'
host 'states=quarantined,draining' 'fail device-reset errno=EBUSY reason=held text="0000:07:00.0: is held by lease 3"'
ctl 1 'since a moment ago' reset 07:00.0
err 'is being reset already'
no_err 'is held'
host 'states=quarantined' 'fail device-reset errno=EBUSY reason=held text="0000:07:00.0: is held by lease 3"'
ctl 1 'not at all' reset 07:00.0
err 'is held by lease 3'
host '' 'device 0000:08:00.0 kind=gpu group=18 lease=5
device 0000:09:00.0 kind=gpu group=19 lease=6 states=draining
device 0000:0a:00.0 kind=gpu group=20 lease=7
lease reset-0000:08:00.0-1 id=5 members=0000:08:00.0
lease win11 id=6 members=0000:09:00.0
lease vm id=7 members=0000:0a:00.0
fail add errno=EBUSY reason=held culprit=0000:0a:00.0'
ctl 1 'leased for that' reset 08:00.0
err '^ptxctl: 0000:08:00.0: is being reset already$'
err "ptxctl wait 'reset-0000:08:00.0-1'"
ctl 1 'on its way home' reset 09:00.0
err "is on its way home from lease 'win11', and is reset on it"
no_log 'create'
ctl 1 'leased for something else' reset 0a:00.0
err 'another lease holds it'
finish
