#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ptxctl lease and add --stop-persistenced, on a mock kernel, with a daemon and a
# service manager that are none.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

root=$work/root
ledger=$PTX_RUN/persistenced
mkdir -p "$work/bin" "$root/proc/77/fd" "$root/proc/driver/nvidia/gpus/0000:02:00.0"
printf 'Model: x\nDevice Minor: \t 0\n' > "$root/proc/driver/nvidia/gpus/0000:02:00.0/information"
echo nvidia-persiste > "$root/proc/77/comm"
# systemctl WHAT SERVICE: notes it in the log, in order with what the kernel is told.
cat > "$work/bin/systemctl" <<- END
	#!/bin/sh
	echo "systemctl \$*" >> "$work/log"
	[ ! -e "$work/fails-to-\$1" ] || exit 1
	[ ! -e "$work/kills" ] || kill -9 \$PPID
	case \$1 in
	stop) rm -f "$root/proc/77/fd/3" ;;
	start) ln -sfn /dev/nvidia0 "$root/proc/77/fd/3" ;;
	esac
END
chmod +x "$work/bin/systemctl"
PATH=$work/bin:$PATH

# kernel [LINE...]: that has one GPU, which the daemon opens, and these lines besides.
kernel() {
	script <<- END
		root $root
		device 0000:01:00.0 kind=nvme group=9 driver=nvme
		device 0000:02:00.0 kind=gpu group=10 mates=0000:02:00.1
		device 0000:02:00.1 kind=audio group=10 mates=0000:02:00.0
		device 0000:03:00.0 kind=nic group=11
		$(printf '%s\n' "$@")
	END
}
# fresh [LINE...]: the same, and the daemon runs.
fresh() {
	rm -rf "$PTX_RUN"
	"$work/bin/systemctl" start
	kernel "$@"
}
# noted JSON: it is stopped for the lease "vm", with id 5, or as JSON says.
noted() {
	mkdir -p "$PTX_RUN"
	printf '%s\n' "${1:-{\"leases\":[{\"id\":5,\"name\":\"vm\"\}]\}}" > "$ledger"
	rm -f "$root/proc/77/fd/3"
}
vm='lease vm id=5 owner=0 members=0000:02:00.0,0000:02:00.1'
started() {
	log 'systemctl start nvidia-persistenced.service$'
	[ ! -e "$ledger" ]
	ok $? '  and nothing is noted any more'
}
left() {
	no_log 'systemctl start'
	grep -q "${1:-\"id\":5}" "$ledger"
	ok $? '  and that is noted'
}
# order WANTED...: what happened, of what counts.
order() {
	local have
	have=$(grep -e systemctl -e lease-new -e lease-add -e lease-re[lmv] "$work/log" |
		sed -e 's/^netlink //' -e 's/ nvidia.*//' -e 's/ \(name=\|by-id\).*//' | tr '\n' ';')
	[ "$have" = "$(printf '%s;' "$@")" ] || echo "# $have"
	[ "$have" = "$(printf '%s;' "$@")" ]
	ok $? "  in order: $*"
}

echo '# A lease'
fresh
ctl 1 'the daemon is let be' lease vm gpu
no_log systemctl
ctl 0 'or stopped' lease --stop-persistenced vm gpu
order 'systemctl stop' lease-new
[ "$(cat "$ledger")" = '{"leases":[{"id":1,"name":"vm"}]}' ]
ok $? '  which is noted'
[ "$(stat -c '%a %F' "$ledger")" = '600 regular file' ]
ok $? '  for root only'
fresh
ctl 0 'the same in JSON' -j lease --stop-persistenced vm gpu
json /id 1
fresh
ctl 0 'not for other devices' lease --stop-persistenced disk nvme
no_log systemctl
[ ! -e "$ledger" ]
ok $? '  and nothing is noted'
ctl 0 'nor for none' lease --stop-persistenced empty
no_log systemctl
fresh 'lease vm id=5 owner=0 members=0000:03:00.0'
ctl 0 'added to one' add --stop-persistenced vm gpu
order 'systemctl stop' lease-add
left

echo '# It comes to nothing'
fresh 'fail lease-new errno=EBUSY reason=held text="x"'
ctl 1 'refused' lease --stop-persistenced vm gpu
order 'systemctl stop' lease-new 'systemctl start'
started
fresh 'fail lease-add errno=EBUSY reason=held text="x"' "$vm"
ctl 1 'not added' add --stop-persistenced vm 02:00.0
order 'systemctl stop' lease-add 'systemctl start'
started
fresh
ctl 1 'no such device' lease --stop-persistenced vm 09:00.0
no_log systemctl
ctl 1 'no such device of a kind' lease --stop-persistenced vm npu
no_log systemctl
ctl 1 'no such VMM' add --stop-persistenced --plug "ch:$work/none" vm gpu
no_log systemctl
fresh 'lease vm id=5 owner=0 members=0000:03:00.0'
python3 "$(dirname "$0")/mock_ch.py" "$work/vm" "$work/asked" fails 2> /dev/null &
vmm=$!
until [ -S "$work/vm" ]; do sleep 0.02; done
ctl 1 'it cannot be plugged in' add --stop-persistenced --plug "ch:$work/vm" vm gpu
order 'systemctl stop' lease-add lease-remove 'systemctl start'
started
kill "$vmm"
wait "$vmm" 2> /dev/null
kernel
touch "$work/fails-to-stop"
ctl 1 'it cannot be stopped' lease --stop-persistenced vm gpu
err 'cannot stop nvidia-persistenced: systemctl failed; no device was touched'
no_log lease-new
no_log 'systemctl start'
[ ! -e "$ledger" ]
ok $? '  and nothing is noted'
rm "$work/fails-to-stop"
kernel "$vm"
noted
ctl 1 'refused while it is stopped for another' lease --stop-persistenced vm 09:00.0
kernel "$vm" 'fail lease-new errno=EBUSY reason=held text="x"'
ctl 1 'refused by the kernel while it is' lease --stop-persistenced two gpu
no_log systemctl
left

echo '# The end of a lease'
fresh "$vm"
noted
ctl 0 'release' release vm
order lease-release 'systemctl start'
started
kernel "$vm" 'fail lease-release errno=ETIMEDOUT reason=timeout text="x"'
noted
ctl 1 'a release that takes too long' release vm
left
kernel "${vm/owner/state=draining owner}"
ctl 0 'one that is on its way' lease other 01:00.0
left
kernel
ctl 0 'and then over' lease other 01:00.0
order lease-new 'systemctl start'
started
kernel 'lease two id=6 owner=0 members=0000:01:00.0'
noted
ctl 0 'over, as something is added elsewhere' add two nic
order lease-add 'systemctl start'
started
kernel "$vm"
noted
ctl 0 'revoke' revoke vm
order lease-revoke lease-release 'systemctl start'
started
kernel "$vm,0000:03:00.0"
noted
ctl 0 'remove of some' remove vm nic
left
ctl 0 'remove of all' remove vm nic gpu
order lease-remove lease-remove 'systemctl start'
started
kernel
noted
ctl 0 'wait' wait vm
started
kernel "$vm"
noted
ctl 1 'wait in vain' wait --timeout 50ms vm
left
ctl 0 'wait for something else' wait --state active vm
left
kernel "$vm" 'grant 1 uid=0 kind=gpu'
ctl 0 'ungrant' ungrant 1
left
kernel 'grant 1 uid=0 kind=gpu'
ctl 0 'ungrant, and it is over' ungrant 1
started
if [ -z "${PTXCTL_UNDER:-}" ]; then
	kernel
	noted
	ctl 0 'run, and it is over' run --nvme auto -- true
	started
fi
noted
touch "$work/fails-to-start"
kernel
ctl 0 'it cannot be started' wait vm
err 'cannot start nvidia-persistenced again: systemctl failed'
err 'systemctl start nvidia-persistenced.service$'
started
rm "$work/fails-to-start"
noted
kernel
for args in leases list 'info 01:00.0' name grants 'pool show'; do
	# shellcheck disable=SC2086
	ctl 0 "not by $args" $args
done
left

echo '# Several leases'
fresh "$vm"
noted
ctl 0 'a second one' lease --stop-persistenced two 01:00.0
left '{"leases":\[{"id":5,"name":"vm"},{"id":2,"name":"two"}\]}'
two='lease two id=6 owner=0 members=0000:01:00.0'
both='{"leases":[{"id":5,"name":"vm"},{"id":6,"name":"two"}]}'
noted
ctl 0 'one that does not ask for it' lease two 01:00.0
left '{"leases":\[{"id":5,"name":"vm"}\]}'
ctl 0 'more for the same one' add --stop-persistenced vm 01:00.0
left '{"leases":\[{"id":5,"name":"vm"}\]}'
kernel "$vm" "$two"
noted "$both"
ctl 0 'the first ends' release vm
left '{"leases":\[{"id":6,"name":"two"}\]}'
kernel "$two"
ctl 0 'the last ends' release two
started
kernel "$vm" "$two"
noted "$both"
ctl 0 'both end' release vm two
order lease-release lease-release 'systemctl start'
started
kernel 'lease vm id=77 owner=0 members=0000:02:00.0'
noted
ctl 0 'another of that name' lease other 01:00.0
started
kernel 'lease else id=5 owner=0 members=0000:02:00.0'
noted
ctl 0 'one with another name' lease other 01:00.0
left

echo '# Killed on the way'
fresh
touch "$work/kills"
ctl 137 'as it stops the daemon' lease --stop-persistenced vm gpu
rm -f "$work/kills" "$root/proc/77/fd/3"
left '{"leases":\[{"id":0,"name":"vm"}\]}'
ctl 0 'there is no lease' lease other 01:00.0
started
noted '{"leases":[{"id":0,"name":"vm"}]}'
kernel "$vm"
ctl 0 'there is one' lease other 01:00.0
left
kernel 'lease vm id=77 owner=0 members=0000:02:00.0'
ctl 0 'there is another one by now' lease other 01:00.0
started
noted '{"leases":[{"id":0,"name":"vm"}]}'
kernel "$vm"
ctl 0 'asked for again' add --stop-persistenced vm nic
left '{"leases":\[{"id":5,"name":"vm"}\]}'

fresh "$two"
noted '{"leases":[{"id":0,"name":"two"}]}'
"$work/bin/systemctl" start
: > "$work/log"
ctl 0 'asked for another' lease --stop-persistenced vm gpu
left '{"leases":\[{"id":6,"name":"two"},{"id":2,"name":"vm"}\]}'

echo '# At the same time'
kernel
noted
flock "$PTX_RUN" sleep 4 &
other=$!
until ! flock -n "$PTX_RUN" true; do sleep 0.02; done
ctl 0 'another is at it' wait vm
left
ctl 0 'a request waits for it' lease --stop-persistenced two 01:00.0
! kill -0 "$other" 2> /dev/null
ok $? '  to its end'
wait "$other"
kernel
noted
flock "$PTX_RUN" sleep 0.3 &
until ! flock -n "$PTX_RUN" true; do sleep 0.02; done
ctl 0 'another is done with it at once' wait vm
started

echo '# What cannot be known'
kernel 'fail lease-get errno=ENOMEM times=9'
noted
ctl 0 'whether a lease is over' lease other 01:00.0
left
echo absent > "$PTX_MOCK"
ctl 3 'without the module all are' release vm
started
# refused NAME: what is there is not used.
refused() {
	kernel
	ctl 1 "$1: no request" lease --stop-persistenced two gpu
	err "$ledger: not a file that ptxctl wrote\|cannot use $ledger: "
	no_log systemctl
	no_log lease-new
	ctl 0 "$1: others go on" lease other 01:00.0
	no_log systemctl
}
for wrong in '' x '[]' '{}' '{"leases": 3}' '{"leases": [3]}' '{"leases": [{}]}' '{"leases": [null]}' \
	'{"leases": [{"id": 1}]}' '{"leases": [{"name": "vm"}]}' '{"leases": [{"id": "1", "name": "vm"}]}' \
	'{"leases": [{"id": 1, "name": 1}]}' '{"leases": [{"id": 1, "name": "v\u0000m"}]}'; do
	fresh
	mkdir -p "$PTX_RUN"
	printf '%s' "$wrong" > "$ledger"
	refused "'$wrong'"
	err 'not a file that ptxctl wrote'
done
fresh
noted
chmod 666 "$ledger"
refused 'others may write it'
noted "{\"leases\":[{\"id\":5,\"name\":\"vm\"}],\"x\":\"$(head -c 2000000 /dev/zero | tr '\0' x)\"}"
chmod 600 "$ledger"
refused 'too long'
noted
mv "$ledger" "$work/elsewhere"
ln -s "$work/elsewhere" "$ledger"
refused 'a link'
rm "$ledger"
mkfifo "$ledger"
refused 'a pipe'
rm "$ledger"
mkdir "$ledger"
refused 'a directory'
rmdir "$ledger"
echo '{"leases": []}' > "$ledger"
ctl 0 'one that is empty' lease other 01:00.0
no_log systemctl
[ ! -e "$ledger" ]
ok $? '  goes'
rm -rf "$PTX_RUN"
: > "$PTX_RUN"
ctl 1 'no directory' lease --stop-persistenced vm gpu
err "cannot use $ledger: "
no_log systemctl
ctl 0 'others need none' lease other 01:00.0
no_err .
rm "$PTX_RUN"
if [ "$(id -u)" = 0 ] && setpriv --reuid nobody --clear-groups test -x "$TEST/ptxctl-mock" 2> /dev/null; then
	kernel
	noted
	chmod 600 "$ledger"
	chmod 755 "$work"
	chmod 666 "$work/log"
	under=(setpriv --reuid nobody --clear-groups "${under[@]}")
	ctl 0 'somebody without rights' lease other 01:00.0
	left
	no_err .
else
	nr=$((nr + 1))
	echo "ok $nr - somebody without rights # SKIP needs root, and programs that nobody can reach"
fi
finish
