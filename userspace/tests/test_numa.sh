#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ptxctl run --near and --numa on a mock host, with a program in the VMM's place that says
# where it runs. The CPUs and the nodes are real: what this process may use.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib_tree.sh
. "$(dirname "$0")/lib_tree.sh"

if [ -n "${PTXCTL_UNDER:-}" ]; then
	echo 'ok 1 - run # SKIP valgrind does not know pidfd_open'
	echo 1..1
	exit
fi

pci_tree
mkdir "$work/bin"
for vmm in qemu-system-x86_64 cloud-hypervisor crosvm start-vm.sh; do
	ln -s "$TEST/fake-vmm" "$work/bin/$vmm"
done
PATH=$work/bin:$PATH
A=0000:03:00.0 B=0000:04:00.0 C=0000:08:00.0 E=0000:83:00.0 F=0000:84:00.0
nodes=$sys/devices/system/node

# node NUMBER CPUS: a node of the mock host.
node() {
	mkdir -p "$nodes/node$1"
	printf '%s\n' "$2" > "$nodes/node$1/cpulist"
}

# given ADDRESS...: what the VMM was given.
given() {
	grep -q "^env PTX_DEVICES=$*\$" "$work/out"
	ok $? "  given $*"
}

echo '# Near each other'
tree_script
ctl 0 'without' run --gpu 2 --nic auto -- start-vm.sh
given $A $B 0000:05:00.0
tree_script "blocker $A reason=held"
ctl 0 'without, the first that are free' run --gpu 2 -- start-vm.sh
given $B $C
ctl 0 'near each other' run --gpu 2 --near -- start-vm.sh
given $E $F
ctl 0 'near what is named' run --gpu auto --near --device 09:00.0 -- start-vm.sh
given $B 0000:09:00.0
ctl 0 'near what is named elsewhere' run --gpu auto --near --device 10000:e1:00.0 -- start-vm.sh
given $E 10000:e1:00.0
ctl 0 'of several kinds' run --gpu 2 --near --nic auto -- start-vm.sh
given $B 0000:05:00.0 $C
tree_script "fail add errno=EBUSY reason=held culprit=$B"
ctl 0 'taken meanwhile: the next best' run --gpu 2 --near -- start-vm.sh
given $E $F
ctl 1 'too many' run --gpu 7 --near -- start-vm.sh
err '7 free gpu wanted, 6 found among 6'
no_out .
rm -r "$bus"
: > "$bus"
ctl 1 'sysfs cannot be read' run --gpu 2 --near -- start-vm.sh
err 'cannot read .*/sys/bus/pci/devices'
no_out .
rm "$bus"
mkdir "$bus"
tree_script
ctl 0 'sysfs says nothing' run --gpu 2 --near -- start-vm.sh
given $A $B
pci_tree

echo '# GPUs that share a switch'
# args WANTED: the arguments for the VMM's devices, without what all of them have.
args() {
	local have
	have=$(sed -n 's/^env PTX_DEVICE_ARGS=//p' "$work/out" | sed 's/-device vfio-pci,host=//g')
	[ "$have" = "$1" ] || echo "# the arguments are '$have'"
	[ "$have" = "$1" ]
	ok $? "  $1"
}
q=x-nv-gpudirect-clique
tree_script
ctl 0 'QEMU' run --device $A --device 41:00.0 --device $B --nic auto -- qemu-system-x86_64
args "$A,$q=0 $B,$q=0 0000:05:00.0 0000:41:00.0"
out "^arg vfio-pci,host=$A,$q=0\$"
ctl 0 'behind another switch, too' run --device $A --device $C -- start-vm.sh
args "$A,$q=0 $C,$q=0"
ctl 0 'two of them' run --device $A --device $E --device $F --device $B -- start-vm.sh
args "$A,$q=0 $B,$q=0 $E,$q=1 $F,$q=1"
ctl 0 'one alone' run --device $A --device 41:00.0 --device 05:00.0 -- start-vm.sh
args "$A 0000:05:00.0 0000:41:00.0"
ctl 0 'Cloud Hypervisor' run --device $A --device $B -- cloud-hypervisor
out "^arg path=/sys/bus/pci/devices/$A/,x_nv_gpudirect_clique=0\$"
out "^arg path=/sys/bus/pci/devices/$B/,x_nv_gpudirect_clique=0\$"
ctl 0 'crosvm' run --device $A --device $B -- crosvm run
no_out 'clique'
echo 0x1002 > "$bus/$A/vendor"
ctl 0 'another vendor' run --device $A --device $B --device $C -- start-vm.sh
args "$A $B,$q=0 $C,$q=0"
echo 0x10de > "$bus/$A/vendor"
echo 0x040300 > "$bus/$A/class"
ctl 0 'no display' run --device $A --device $B -- start-vm.sh
args "$A $B"
echo 0x030000 > "$bus/$A/class"
ln -s ../$C "$bus/$A/physfn"
ctl 0 'a virtual function' run --device $A --device $B -- start-vm.sh
args "$A $B"
rm "$bus/$A/physfn"
mv "$bus" "$bus.away"
: > "$bus"
ctl 0 'sysfs cannot be read' run --device $A --device $B -- start-vm.sh
args "$A $B"
rm "$bus"
mv "$bus.away" "$bus"
many='' all=()
for i in {10..26}; do
	pci "pci00$i:00" "00$i:00:00.0" 060400 1000 0
	pci "pci00$i:00/00$i:00:00.0" "00$i:01:00.0" 060400 1000 0
	for j in 0 1; do
		pci "pci00$i:00/00$i:00:00.0/00$i:01:00.0" "00$i:02:0$j.0" 060400 1000 0
		pci "pci00$i:00/00$i:00:00.0/00$i:01:00.0/00$i:02:0$j.0" "00$i:0$((j + 3)):00.0" \
			030200 10de 0
		many+="device 00$i:0$((j + 3)):00.0 kind=gpu group=$i$j"$'\n'
		all+=(--device "00$i:0$((j + 3)):00.0")
	done
done
tree_script "$many"
ctl 0 'more than a capability can tell' run "${all[@]}" -- qemu-system-x86_64
out "^arg vfio-pci,host=0010:03:00.0,$q=0\$"
out "^arg vfio-pci,host=0025:04:00.0,$q=15\$"
out "^arg vfio-pci,host=0026:03:00.0\$"
tree_script

echo '# On the node of the devices'
allowed=$("$TEST/fake-vmm" | sed -n 's/^cpus //p')
first=${allowed%%[-,]*}
last=${allowed##*[-,]}
node 0 "$first"
node 1 "$last"
tree_script
ctl 0 'without' run --gpu auto -- start-vm.sh
out "^cpus $allowed\$"
out '^memory default$'
policy=default
if "$TEST/fake-vmm" | grep -q '^memory default' &&
	[ "$(sed 's/.*,//;s/.*-//' /sys/devices/system/node/has_memory 2> /dev/null)" = 0 ]; then
	policy=prefer:0
fi
ctl 0 'with' run --gpu auto --numa -- start-vm.sh
out "^cpus $first\$"
if [ $policy = prefer:0 ] && ! grep -q 'cannot prefer memory' "$work/err"; then
	out '^memory prefer:0$'
	no_err 'cannot'
	ctl 0 'a helper of it' run --gpu auto --numa -- sh -c 'fake=$0; "$fake"' "$TEST/fake-vmm"
	out "^cpus $first\$"
	out '^memory prefer:0$'
	ctl 0 'devices on two nodes' run --numa -v --device $A --device $E -- start-vm.sh
	out '^memory prefer (many):0\|^memory prefer (many)$'
	ctl 0 'memory that there is not' run --numa --device $E -- start-vm.sh
	out "^cpus $last\$"
	out '^memory default$'
	err 'cannot prefer memory of the devices. NUMA node: Invalid argument'
else
	nr=$((nr + 1))
	echo "ok $nr - memory # SKIP no node 0 alone here, or it may not be preferred"
fi
ctl 0 'what is said' run --numa -v --device $A --device $E -- start-vm.sh
if [ "$first" = "$last" ]; then
	err "^ptxctl: NUMA node 0-1: CPUs $first\$"
else
	err "^ptxctl: NUMA node 0-1: CPUs \($first,$last\|$first-$last\)\$"
fi
ctl 0 'quiet otherwise' run --numa --device $A -- start-vm.sh
no_err 'NUMA node 0'
ctl 5 'as it ends' run --numa --gpu auto -- sh -c 'exit 5'

echo '# What is not known'
echo -1 > "$bus/$A/numa_node"
ctl 0 'no node' run --numa --device $A -- start-vm.sh
err '^ptxctl: the NUMA node of the devices is not known: the command runs anywhere$'
out "^cpus $allowed\$"
out '^memory default$'
ctl 0 'that of the others' run --numa -v --device $A --device $B -- start-vm.sh
err "NUMA node 0: CPUs $first\$"
echo 0 > "$bus/$A/numa_node"
ctl 0 'a CPU that is not ours' run --numa -v --device $A -- start-vm.sh
for list in 8000-8191 8191 '' ; do
	node 0 "$list"
	ctl 0 "none of ours: '$list'" run --numa --device $A -- start-vm.sh
	err '^ptxctl: NUMA node 0 has no CPUs that may be used: the command runs on any$'
	out "^cpus $allowed\$"
done
for list in 8192 0,8192 0-99999999999 1-0 1-0,0 '0,' ',0' 0-1-2 '0 1' lots -1 0x1 '0-' "0$(printf ',0%.0s' {1..20000})" \
	$'0\n1' "$(printf '0\033[31m')"; do
	node 0 "$list"
	ctl 0 "nonsense: $(tr -cd '[:print:]' <<< "${list:0:20}")" run --numa --device $A -- start-vm.sh
	err 'NUMA node 0 has no CPUs that may be used'
	out "^cpus $allowed\$"
	no_err "$(printf '\033')"
done
rm -r "$nodes/node0"
ctl 0 'no such node' run --numa --device $A -- start-vm.sh
out "^cpus $allowed\$"
node 0 "$first,8000-8191"
ctl 0 'some of ours' run --numa --device $A -- start-vm.sh
out "^cpus $first\$"
if [ "$first" != "$last" ]; then
	under=(taskset -c "$last")
	ctl 0 'the others are not allowed' run --numa --device $A -- start-vm.sh
	under=()
	out "^cpus $last\$"
	err 'has no CPUs that may be used'
fi
finish
