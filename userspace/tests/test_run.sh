#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ptxctl run on a mock kernel, with a program in the VMM's place.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

if [ -n "${PTXCTL_UNDER:-}" ]; then
	echo 'ok 1 - run # SKIP valgrind does not know pidfd_open'
	echo 1..1
	exit
fi

mkdir "$work/bin"
for vmm in qemu-system-x86_64 cloud-hypervisor crosvm start-vm.sh; do
	ln -s "$TEST/fake-vmm" "$work/bin/$vmm"
done
PATH=$work/bin:$PATH

usual() {
	script <<- END
		root $work/root
		device 0000:01:00.0 kind=nvme group=9 driver=nvme
		device 0000:02:00.0 kind=gpu group=10 mates=0000:02:00.1,0000:00:02.0
		device 0000:02:00.1 kind=audio group=10 mates=0000:02:00.0,0000:00:02.0
		device 0000:00:02.0 kind=bridge group=10
		device 0000:03:00.0 kind=nvme group=11
		device 0000:04:00.0 kind=nic group=12
		device 0000:05:00.0 kind=npu group=13
		$1
	END
}
mkdir "$work/root"
usual

echo '# Argument forms'
ctl 0 'QEMU' run --nvme auto -- qemu-system-x86_64 -m 1G
out '^arg -m$'
[ "$(grep '^arg' "$work/out" | tail -2 | tr '\n' ' ')" = 'arg -device arg vfio-pci,host=0000:01:00.0 ' ]
ok $? '  its devices at the end'
out '^env PTX_DEVICES=0000:01:00.0$'
out '^env PTX_DEVICE_ARGS=-device vfio-pci,host=0000:01:00.0$'
out '^env PTX_LEASE_ID=1$'
out '^lease fd open$'
out '^other fds none$'
log 'ioctl create size=ok name=qemu-system-x86_64-[0-9]* flags=5 owner=0 pidfd=yes'
err '^ptxctl: home in [0-9]* ms$'
ctl 0 'group mates go too, bridges do not' run -q --gpu auto -- qemu-system-x86_64
out '^arg vfio-pci,host=0000:02:00.0$'
out '^arg vfio-pci,host=0000:02:00.1$'
no_out '0000:00:02.0'
no_err 'home'
ctl 0 'even if a module let one in' run --device 00:02.0 --nic auto -- start-vm.sh
out '^env PTX_DEVICES=0000:04:00.0$'
ctl 0 'Cloud Hypervisor' run --nvme 2 -- cloud-hypervisor --device path=/x --cpus 4
[ "$(grep '^arg' "$work/out" | sed -n '2,5s/^arg //p' | tr '\n' ' ')" = \
	'--device path=/x path=/sys/bus/pci/devices/0000:01:00.0/ path=/sys/bus/pci/devices/0000:03:00.0/ ' ]
ok $? '  its devices after its own'
ctl 0 'crosvm' run --device 01:00.0 -- crosvm run bzImage
[ "$(grep '^arg' "$work/out" | sed -n '2,5s/^arg //p' | tr '\n' ' ')" = \
	'run --vfio /sys/bus/pci/devices/0000:01:00.0 bzImage ' ]
ok $? '  its devices after run'
ctl 0 'a script of your own' run --nic auto -- start-vm.sh -x
[ "$(grep -c '^arg' "$work/out")" = 2 ]
ok $? '  gets no arguments'
out '^env PTX_DEVICE_ARGS=-device vfio-pci,host=0000:04:00.0$'
ctl 0 'but with --vmm qemu' run --nic auto --vmm qemu -- start-vm.sh -x
out '^arg vfio-pci,host=0000:04:00.0$'
ctl 0 'QEMU with --vmm none' run --nic auto --vmm none -- qemu-system-x86_64
no_out '^arg .*vfio'
ctl 0 'placed by hand' run --nic auto -- start-vm.sh '{devices}' end
[ "$(grep '^arg' "$work/out" | sed 's/^arg //' | tail -3 | tr '\n' ' ')" = \
	'-device vfio-pci,host=0000:04:00.0 end ' ]
ok $? '  in its place'
ctl 0 'placed in a text' run --nic auto -- sh -c 'echo "[{devices}]"'
out '^\[-device vfio-pci,host=0000:04:00.0\]$'

echo '# Options'
ctl 0 'all of them' run -v --name my-vm --exact --driver vfio-pci --timeout 5s --npu auto -- true
log 'ioctl create size=ok name=my-vm flags=1 owner=0'
log 'ioctl add size=ok devices=0000:05:00.0 flags=1 driver=vfio-pci timeout=5000'
err 'from no driver to ptx-vfio-pci'
ctl 0 'its memory cleared' run --clear-memory --npu auto -- true
log 'ioctl add size=ok devices=0000:05:00.0 flags=16 '
usual 'fail add errno=EBUSY reason=keeps-memory culprit=0000:05:00.0'
ctl 1 'one that cannot be' run --clear-memory --npu auto -- true
err '0000:05:00.0: it keeps its memory over a reset, and that cannot be cleared'
err 'lease it without --clear-memory: to tenants that trust each other'
usual
ctl 0 'its ROM' run --rom-sha256 "$(printf 'ab%062d' 1)" --npu auto -- true
log 'ioctl add size=ok devices=0000:05:00.0 .* roms=ab00$'
usual 'fail add errno=EBADMSG reason=rom culprit=0000:05:00.0'
ctl 1 'another ROM' run --rom-sha256 "$(printf 'ab%062d' 1)" --npu auto -- true
err '0000:05:00.0: its option ROM is not one that is allowed'
err 'ptxctl info 0000:05:00.0'
usual
ctl 2 'no hash' run --rom-sha256 deadbeef --npu auto -- true
ctl 2 'no devices' run -- true
ctl 2 'no command' run --gpu auto --
ctl 2 'no command at all' run --gpu auto
ctl 2 'no selector' run --gpu 0000:02 -- true
ctl 1 'the wrong kind' run --gpu 01:00.0 -- true
err 'of the kind nvme'
ctl 2 'no VMM' run --vmm xen --gpu auto -- true
ctl 2 'no user' run --user nobody-of-that-name --gpu auto -- true
ctl 2 'no time' run --timeout 0 --gpu auto -- true
: > "$PTX_MOCK_LOG"
ctl 2 'a bad name' run --name $'a\nb' --gpu auto -- true
no_log 'ioctl create'
: > "$PTX_MOCK_LOG"
ctl 2 'crosvm without run' run --gpu auto -- crosvm --help
no_log '.'
ctl 2 'QEMU in the background' run --gpu auto -- qemu-system-x86_64 -daemonize
err 'daemonize'
no_log '.'

echo '# A daemon in the way'
usual
root=$work/root
mkdir -p "$root/proc/77/fd" "$root/proc/driver/nvidia/gpus/0000:02:00.0"
printf 'Model: x\nDevice Minor: \t 0\n' > "$root/proc/driver/nvidia/gpus/0000:02:00.0/information"
echo nvidia-persiste > "$root/proc/77/comm"
# systemctl WHAT SERVICE, in the place of the real one.
cat > "$work/bin/systemctl" <<- END
	#!/bin/sh
	echo "systemctl \$*" >> "$work/log"
	case \$1 in
	stop) [ ! -e "$work/stays" ] && rm -f "$root/proc/77/fd/3"; exit \$(cat "$work/status" 2> /dev/null || echo 0) ;;
	start) ln -sfn /dev/nvidia0 "$root/proc/77/fd/3" ;;
	esac
END
chmod +x "$work/bin/systemctl"
"$work/bin/systemctl" start
: > "$work/log"
ctl 1 'it is let be' run --gpu auto -- true
err '/dev/nvidia0 process nvidia-persiste'
no_log systemctl
ctl 0 'or stopped' run --stop-persistenced --gpu auto -- true
[ "$(grep -e '^systemctl' -e 'ioctl add' -e 'ioctl release' "$work/log" | cut -d' ' -f1-2 | tr '\n' ' ')" = \
	'systemctl stop ioctl add ioctl release systemctl start ' ]
ok $? '  before, and started after'
: > "$work/log"
ctl 0 'not for other devices' run --stop-persistenced --nvme auto -- true
no_log systemctl
ctl 3 'started again when the VMM fails' run --stop-persistenced --gpu auto -- sh -c 'exit 3'
log 'systemctl start nvidia-persistenced.service'
: > "$work/log"
usual 'fail add errno=EBUSY reason=held text="x"'
ctl 1 'and when there is no lease' run --stop-persistenced --gpu auto -- true
log 'systemctl start nvidia-persistenced.service'
: > "$work/log"
usual
echo 1 > "$work/status"
ctl 1 'systemctl fails' run --stop-persistenced --gpu auto -- true
err 'cannot stop nvidia-persistenced: systemctl failed; no device was touched'
no_log 'ioctl add'
no_log 'systemctl start'
rm "$work/status"
"$work/bin/systemctl" start
touch "$work/stays"
ctl 1 'it runs on' run --stop-persistenced --gpu auto -- true
err 'cannot stop nvidia-persistenced: it runs on'
no_log 'ioctl add'
rm "$work/bin/systemctl" "$work/stays"
under=(env "PATH=$work/bin")
ctl 1 'no service manager' run --stop-persistenced --gpu auto -- "$TEST/fake-vmm"
under=()
err 'No such file'
rm -r "$root/proc/77"

echo '# A command that cannot be run: no lease'
: > "$PTX_MOCK_LOG"
ctl 127 'no such command' run --gpu auto -- no-such-vmm
err 'no-such-vmm: there is no such command'
ctl 127 'no such file' run --gpu auto -- /nonexistent/qemu
ctl 127 'no name' run --gpu auto -- ''
: > "$work/bin/data"
ctl 126 'not executable' run --gpu auto -- data
ctl 126 'a directory' run --gpu auto -- "$work/bin"
no_log '.'
printf '\177ELF broken' > "$work/bin/broken"
chmod +x "$work/bin/broken"
ctl 126 'what the kernel cannot execute' run --gpu auto -- broken
err 'cannot execute'
err 'home in'

echo '# Refused: the command never runs'
usual 'fail create errno=EPERM reason=no-right'
ctl 1 'no right' run --gpu auto -- start-vm.sh
err 'you may not do this'
no_out '.'
usual 'fail create errno=EEXIST reason=name-taken'
ctl 1 'a name that is taken' run --name vm --gpu auto -- start-vm.sh
err "called 'vm'"
no_out '.'
usual 'blocker 0000:02:00.0 reason=boot-display
fail add errno=EBUSY reason=boot-display culprit=0000:02:00.0'
ctl 1 'a device that is blocked' run --device 02:00.0 -- start-vm.sh
err '0000:02:00.0: it drives the boot display'
no_out '.'
usual 'fail add errno=EBUSY reason=held culprit=0000:01:00.0'
ctl 0 'taken meanwhile: the next' run --nvme auto -- start-vm.sh
out 'PTX_DEVICES=0000:03:00.0$'
usual 'fail add errno=EBUSY reason=held culprit=0000:01:00.0'
ctl 1 'but not for one that is named' run --nvme 01:00.0 -- start-vm.sh
no_out '.'
usual 'fail add errno=ETIMEDOUT reason=unbind-stuck culprit=0000:01:00.0'
ctl 1 'a driver that does not let go' run --nvme auto -- start-vm.sh
err '0000:01:00.0: its native driver did not let go'
usual 'fail query errno=ENOMEM'
ctl 1 'a failure afterwards' run --nvme auto -- start-vm.sh
no_out '.'

echo '# The end'
usual
export FAKE_VMM
for status in 0 1 2 3 42 127 255; do
	FAKE_VMM="exit $status"
	ctl "$status" "exit status $status" run -q --gpu auto -- start-vm.sh
done
FAKE_VMM='kill 9'
ctl 137 'killed' run -q --gpu auto -- start-vm.sh
FAKE_VMM='kill 14'
ctl 142 'ended by another signal' run -q --gpu auto -- start-vm.sh

FAKE_VMM='wait' # for a signal
for sig in INT TERM HUP QUIT USR1 USR2; do
	: > "$work/out"
	"$TEST/ptxctl-mock" run -q --gpu auto -- start-vm.sh > "$work/out" 2> "$work/err" &
	pid=$!
	# A background job of a shell ignores SIGINT; its children would too.
	until grep -q '^ready' "$work/out" || ! kill -0 "$pid" 2> /dev/null; do
		sleep 0.02
	done
	kill -"$sig" "$pid"
	wait "$pid"
	status=$?
	[ "$status" = 0 ] && grep -q "^signal $(kill -l "$sig")\$" "$work/out"
	ok $? "SIG$sig is passed on"
done
FAKE_VMM='exit 5'
usual 'drain ms=300'
ctl 5 'devices that take their time' run --gpu auto -- start-vm.sh
[ "$(sed -n 's/^ptxctl: home in \([0-9]*\) ms$/\1/p' "$work/err")" -ge 250 ]
ok $? '  are waited for'
usual 'drain ms=3000'
ctl 5 'devices that take too long' run --timeout 100ms --gpu auto -- start-vm.sh
err 'not home yet'
usual 'fail release errno=EIO reason=native-refused culprit=0000:02:00.0'
ctl 5 'a driver that does not take its device back' run --gpu auto -- start-vm.sh
err '0000:02:00.0: its native driver would not take it back'
err 'drivers_probe'
no_err 'home in'
usual
unset FAKE_VMM

echo '# Another user'
if [ "$(id -u)" = 0 ] && id nobody > /dev/null 2>&1 &&
	setpriv --reuid nobody test -x "$TEST/fake-vmm" 2> /dev/null; then
	mkdir -p "$work/root/dev/vfio"
	mknod "$work/root/dev/vfio/10" c 1 3
	chmod 755 "$work" "$work/bin"
	ctl 0 'as nobody' run --user nobody --gpu auto -- start-vm.sh
	out "^uid $(id -u nobody)\$"
	if prlimit --memlock=unlimited true 2> /dev/null; then
		out '^memlock unlimited$'
	fi
	log "flags=7 owner=$(id -u nobody)"
	[ "$(stat -c %U "$work/root/dev/vfio/10")" = nobody ]
	ok $? '  who owns the VFIO file'
else
	nr=$((nr + 1))
	echo "ok $nr - as nobody # SKIP needs root, and programs that nobody can reach"
fi
finish
