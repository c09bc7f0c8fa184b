#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ptxctl check --vcpus on a mock host: huge pages, CPUs and I/O threads.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib_tree.sh
. "$(dirname "$0")/lib_tree.sh"

A=0000:03:00.0 E=0000:83:00.0
cpu=$sys/devices/system/cpu
nodes=$sys/devices/system/node
mkdir -p "$sys/class/iommu/dmar0" "$sys/kernel/iommu_groups/1" "$work/root/dev/vfio" \
	"$sys/module/vfio_iommu_type1" "$work/root/proc/self"
: > "$work/root/dev/vfio/vfio"

# allowed LIST: the CPUs that this process may use.
allowed() {
	printf 'Name:\tx\nCapEff:\t000001ffffffffff\nCpus_allowed_list:\t%s\nMems_allowed_list:\t0-1\n' \
		"$1" > "$work/root/proc/self/status"
}

# node NUMBER CPUS KIB: a node, its CPUs and its memory.
node() {
	mkdir -p "$nodes/node$1"
	echo "$2" > "$nodes/node$1/cpulist"
	printf 'Node %s MemTotal:       %s kB\nNode %s MemFree: 4 kB\n' "$1" "$3" "$1" \
		> "$nodes/node$1/meminfo"
}

# pages DIRECTORY SIZE ALL FREE
pages() {
	mkdir -p "$1/hugepages-$2kB"
	echo "$3" > "$1/hugepages-$2kB/nr_hugepages"
	echo "$4" > "$1/hugepages-$2kB/free_hugepages"
}

# Two nodes of 4 cores with 2 threads each: 0-3 and 8-11, 4-7 and 12-15.
host() {
	local i
	rm -rf "$cpu" "$nodes"
	for i in {0..7}; do
		mkdir -p "$cpu/cpu$i/topology" "$cpu/cpu$((i + 8))/topology"
		echo "$i,$((i + 8))" | tee "$cpu/cpu$i/topology/thread_siblings_list" \
			> "$cpu/cpu$((i + 8))/topology/thread_siblings_list"
	done
	echo 0-15 > "$cpu/online"
	pci_tree
	node 0 0-3,8-11 67108864
	node 1 4-7,12-15 67108864
	for i in 0 1; do
		pages "$nodes/node$i/hugepages" 2048 4096 4096
		pages "$nodes/node$i/hugepages" 1048576 0 0
	done
	pages "$sys/kernel/mm/hugepages" 2048 8192 8192
	allowed 0-15
	tree_script
}

echo '# Usage'
host
ctl 2 'no memory' check --vcpus 4 $A
err '\-\-vcpus goes with --memory'
for n in 0 1025 -1 four 4.5 '' 99999999999999999999 0x4; do
	ctl 2 "the number '$n'" check --memory 1G --vcpus "$n" $A
	err '\-\-vcpus takes a number from 1 to 1024'
done
ctl 0 'not asked for' check --memory 1G $A
no_out 'huge pages of\|vCPU'

echo '# Huge pages'
ctl 0 'enough of one size' check --memory 8G --vcpus 4 $A
out '^  ok    NUMA node 0 has 4096 huge pages of 2 MiB free, and the VM needs 4096$'
out '^  warn  NUMA node 0 has 0 huge pages of 1 GiB free, and the VM needs 8$'
out '^        echo 8 > /sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages; .*hugepagesz=1G'
out '^  ok    huge pages of 1 GiB are used if the VMM is told to$'
out 'QEMU: -object memory-backend-memfd,id=ram,size=8192M,hugetlb=on,hugetlbsize=1G,prealloc=on,host-nodes=0,policy=preferred -machine memory-backend=ram; Cloud Hypervisor: --memory size=8192M,hugepages=on,hugepage_size=1G$'
out '^A lease would succeed'
pages "$nodes/node0/hugepages" 2048 4096 1000
ctl 0 'too few: advice is no failure' check --memory 7G --vcpus 4 $A
out '^  warn  NUMA node 0 has 1000 huge pages of 2 MiB free, and the VM needs 3584$'
out '^        echo 6680 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages$'
ctl 0 'quietly' check -q --memory 7G --vcpus 4 $A
out 'warn  NUMA node 0 has 1000'
no_out 'VMM is told to'
ctl 0 'a size that is no multiple of the larger' check --memory 1026M --vcpus 4 $A
out 'huge pages of 2 MiB free, and the VM needs 513$'
no_out '1 GiB'
out 'hugetlbsize=2M'
ctl 0 'of any' check --memory 1025M --vcpus 4 $A
out 'warn  memory of that size cannot be huge pages only'
no_out 'memfd'
ctl 0 'devices on two nodes share it' check --memory 7G --vcpus 4 $A $E
out 'NUMA node 0 has 0 huge pages of 1 GiB free, and the VM needs 4$'
out 'NUMA node 1 has 4096 huge pages of 2 MiB free, and the VM needs 1792$'
no_out 'host-nodes'
ctl 0 'no device' check --memory 8G --vcpus 4
out 'the host has 8192 huge pages of 2 MiB free, and the VM needs 4096'
rm -r "$nodes/node0/hugepages/hugepages-1048576kB"
ctl 0 'a size that the host has not' check --memory 8G --vcpus 4 $A
no_out 'huge pages of 1 GiB free'
node 0 0-3,8-11 4194304
ctl 0 'a node that is too small' check --memory 8G --vcpus 4 $A
out '^  warn  NUMA node 0 has 4.0 GiB of memory in all: some of 8.0 GiB will come from elsewhere$'
ctl 0 'one that is not' check --memory 4G --vcpus 4 $A
no_out 'elsewhere'

echo '# CPUs'
host
ctl 0 'whole cores, and not the first' check --memory 1G --vcpus 4 $A
out '^  ok    4 vCPUs fit on CPUs 1-2,9-10 of NUMA node 0, which are whole cores$'
out '^        taskset -c 1-2,9-10 ptxctl run \.\.\. -- qemu-system-x86_64 -smp 4,sockets=1,cores=2,threads=2 \.\.\.$'
out '^        --cpus boot=4,affinity=\[0@\[1\],1@\[9\],2@\[2\],3@\[10\]\]$'
out '^        virsh vcpupin VM 0 1; virsh vcpupin VM 1 9; virsh vcpupin VM 2 2; virsh vcpupin VM 3 10$'
out '^        i=0; for cpu in 1 9 2 10; do taskset -cp '
out '^  ok    CPUs 0,3,8,11 of NUMA node 0 are left for the host, and for an I/O thread'
out 'virsh emulatorpin VM 0,3,8,11; virsh iothreadpin VM 1 0,3,8,11$'
ctl 0 'half a core' check --memory 1G --vcpus 3 $A
out '3 vCPUs fit on CPUs 1-2,9 of NUMA node 0; a whole number of cores would be better$'
out '\-smp 3 \.\.\.$'
ctl 0 'one' check --memory 1G --vcpus 1 $A
out 'ok    1 vCPU fits on CPUs 1 of NUMA node 0; a whole'
ctl 0 'all of the node' check --memory 1G --vcpus 8 $A
out '8 vCPUs fit on CPUs 0-3,8-11 of NUMA node 0, which are whole cores$'
out 'cores=4,threads=2'
out '^  warn  no CPU of NUMA node 0 is left for I/O threads and the host$'
out 'give the VM fewer vCPUs$'
ctl 0 'more than the node has' check --memory 1G --vcpus 9 $A
out '^  warn  NUMA node 0 has 8 CPUs that may be used, and the VM is to have 9 vCPUs$'
no_out 'taskset'
ctl 0 'devices on two nodes' check --memory 1G --vcpus 9 $A $E
out '9 vCPUs fit on CPUs 1-5,9-12 of NUMA node 0-1; a whole'
ctl 0 'no device' check --memory 1G --vcpus 16
out '16 vCPUs fit on CPUs 0-15 of the host, which are whole cores$'
ctl 0 'by kind: what a lease would get' check --memory 1G --vcpus 4 gpu
out '4 vCPUs fit on CPUs 1-2,9-10 of NUMA node 0,'
tree_script "$(for i in 03 04 08 41; do echo "blocker 0000:$i:00.0 reason=held"; done)"
ctl 0 'those of the other node' check --memory 1G --vcpus 4 gpu
out '4 vCPUs fit on CPUs 5-6,13-14 of NUMA node 1,'
ctl 1 'one that cannot be leased' check --memory 1G --vcpus 4 $A
out '4 vCPUs fit on CPUs 1-2,9-10 of NUMA node 0,'
tree_script 'device 0000:83:00.1 kind=npu physfn=0000:83:00.0 group=831'
ctl 0 'a virtual function' check --memory 1G --vcpus 4 vf:83:00.0
out 'of NUMA node 1'
tree_script
allowed 0-2,8
ctl 0 'those that are allowed' check --memory 1G --vcpus 2 $A
out '2 vCPUs fit on CPUs 1-2 of NUMA node 0$'
out 'CPUs 0,8 of NUMA node 0 are left'
allowed 4-7
ctl 0 'none that is allowed' check --memory 1G --vcpus 2 $A
out 'warn  the CPUs of NUMA node 0 are not known, or none of them may be used$'

echo '# JSON'
host
ctl 0 'in JSON' -j check --memory 8G --vcpus 4 $A
json /ok true
grep -q '"check":"vcpus","text":"4 vCPUs fit on CPUs' "$work/out"
ok $? '  CPUs'
grep -q '"level":"warn","check":"hugepages","text":"NUMA node 0 has 0 huge pages of 1 GiB' "$work/out"
ok $? '  huge pages'
grep -q '"check":"iothreads"' "$work/out"
ok $? '  I/O threads'

echo '# What is not known'
echo -1 > "$bus/$A/numa_node"
ctl 0 'no node' check --memory 1G --vcpus 4 $A
out '4 vCPUs fit on CPUs 1-2,9-10 of the host'
echo 0 > "$bus/$A/numa_node"
rm -r "$cpu"
ctl 0 'no siblings' check --memory 1G --vcpus 4 $A
out '4 vCPUs fit on CPUs 1-3,8 of NUMA node 0, which are whole cores$'
out 'cores=4,threads=1'
ctl 0 'no CPUs' check --memory 1G --vcpus 4
out 'warn  the CPUs of the host are not known'
host
esc=$(printf '\033')
for text in '0-' '99999' "${esc}[31m" '5-6' ''; do
	for i in {0..15}; do
		echo "$text" > "$cpu/cpu$i/topology/thread_siblings_list"
	done
	ctl 0 "siblings that are none: $(tr -cd '[:print:]' <<< "$text")" \
		check --memory 1G --vcpus 4 $A
	out '4 vCPUs fit on CPUs 1-3,8 of NUMA node 0'
	no_out "$esc"
done
# Everybody is a sibling of everybody: one core.
for i in {0..15}; do
	echo 0-15 > "$cpu/cpu$i/topology/thread_siblings_list"
done
ctl 0 'one core of all' check --memory 1G --vcpus 4 $A
out '4 vCPUs fit on CPUs 0-3 of NUMA node 0; a whole'
host
for text in lots -1 '' '1 2' 9999999999999999 "${esc}[31m"; do
	echo "$text" > "$nodes/node0/hugepages/hugepages-2048kB/free_hugepages"
	ctl 0 "a count of pages that is none: $(tr -cd '[:print:]' <<< "$text")" \
		check --memory 1G --vcpus 4 $A
	no_out '2 MiB free'
	no_out "$esc"
done
echo 'MemTotal: none' > "$nodes/node0/meminfo"
ctl 0 'a node with no memory known' check --memory 1T --vcpus 4 $A
no_out 'elsewhere'
allowed "${esc}[31m"
ctl 0 'CPUs that make no sense are as if not said' check --memory 1G --vcpus 4 $A
out '4 vCPUs fit on CPUs 1-2,9-10'
rm -rf "$nodes"
ctl 0 'no nodes at all' check --memory 1G --vcpus 4 $A
out 'the CPUs of NUMA node 0 are not known'
host
printf 'absent\nroot %s\n' "$work/root" > "$PTX_MOCK"
ctl 3 'no module' check --memory 1G --vcpus 4 $A
out '4 vCPUs fit on CPUs'
finish
