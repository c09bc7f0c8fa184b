#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# ptxctl topology, and devices that are near each other, on a mock host.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=lib_tree.sh
. "$(dirname "$0")/lib_tree.sh"

echo '# The tree'
pci_tree
tree_script 'lease vm1 id=5 members=0000:04:00.0
device 0000:0c:00.0 kind=gpu lease=5'
sed -i 's/^device 0000:04:00.0 .*/& lease=5/' "$PTX_MOCK"
ctl 0 'topology' topology
out '^ADDRESS  *KIND  *DEVICE  *GROUP  *NODE  *LEASE$'
out '^pci0000:00  *host bridge  *-  *-  *-  *-$'
out '^  0000:00:01.0  *root port  .*  1  *0  *-$'
out '^    0000:01:00.0  *switch  '
out '^      0000:02:00.0  *switch port  '
out '^        0000:03:00.0  *gpu  *NVIDIA.*  3  *0  *-$'
out '^        0000:04:00.0  *gpu  .*  4  *0  *vm1$'
out '^        0000:06:00.0  *switch  *-  *1  '
out '^            0000:08:00.0  *gpu'
out '^pci10000:e0  *host bridge'
out '^    10000:e1:00.0  *nvme .* 85  *1  *-$'
no_out '0000:00:03.0'
no_out '0000:0c:00.0'
[ "$(grep -o '^ *[0-9a-fp][0-9a-f:.ci]*' "$work/out" | sed 's/ //g' | head -8 | tr '\n' ' ')" = \
	'pci0000:00 0000:00:01.0 0000:01:00.0 0000:02:00.0 0000:03:00.0 0000:02:01.0 0000:04:00.0 0000:02:02.0 ' ]
ok $? '  in order, each below its own'
ctl 0 'all of it' topology -a
out '^  0000:00:03.0  *root port'

echo '# The distances'
ctl 0 'the matrix' topology
out '^ *gpu0   gpu1   nic0   nic1   gpu2   nvme0  gpu3   gpu4   gpu5   nvme1$'
out '^gpu0     0000:03:00.0   X      PIX?   PIX?   PIX?   PXB?   PHB    NODE   SYS    SYS    SYS$'
out '^nic0     0000:05:00.0   PIX?   PIX?   X      DEV?   '
out '^nvme1    10000:e1:00.0  SYS '
out '^DEV   two functions'
out '^PXB   through several'
out '^SYS   from one NUMA node'
out '^?     whether ACS .* only root'
no_out '^\*'
out '^gpu0 gpu1 nic0 nic1 gpu2 share a switch$'
out '^gpu4 gpu5 share a switch$'
[ "$(grep -c 'share a switch' "$work/out")" = 2 ]
ok $? '  and no others'
for dev in 0000:02:00.0 0000:02:01.0 0000:02:02.0 0000:01:00.0 0000:03:00.0 0000:04:00.0 \
	0000:05:00.0 0000:05:00.1; do
	acs $dev 11
done
acs 0000:02:01.0 1d
ctl 0 'what ACS does' topology
out '^gpu0     0000:03:00.0  *X      PIX\*   PIX    '
out '^\*     ACS redirects it through the root port'

echo '# JSON'
ctl 0 'in JSON' -j topology
json /devices/0/address 0000:00:01.0
json /devices/0/parent null
json /devices/0/bridge true
json /devices/0/port 'root port'
json /devices/3/parent 0000:00:01.0
json /devices/8/address 0000:03:00.0
json /devices/8/parent 0000:02:00.0
json /devices/8/host_bridge pci0000:00
json /devices/8/group 3
json /devices/8/numa_node 0
json /devices/8/kind gpu
json /devices/8/bridge false
json /devices/8/port null
json /devices/8/lease_id null
json /devices/9/lease_id 5
json /devices/8/acs direct
json /links/0/a 0000:03:00.0
json /links/0/b 0000:04:00.0
json /links/0/distance PIX
json /links/0/hops 4
json /links/0/acs redirect
json /links/5/distance NODE
json /links/5/acs null
json /links/44/b 10000:e1:00.0
json /cliques/1/0 0000:83:00.0
json /cliques/1/1 0000:84:00.0
json /cliques/2 ''
ctl 2 'no words' topology 0000:03:00.0
echo absent > "$PTX_MOCK"
ctl 3 'no module' topology

echo '# Virtual functions, and nonsense'
tree_script 'device 0000:05:00.2 kind=nic physfn=0000:05:00.0 group=52'
pci pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:02.0 0000:05:00.2 020000 15b3 0 52
ln -s ../0000:05:00.0 "$bus/0000:05:00.2/physfn"
ctl 0 'a virtual function' topology
out '^        0000:05:00.2  *nic '
no_out 'nic2'
ctl 0 'in JSON' -j topology
json /devices/12/physfn 0000:05:00.0
rm -r "$bus"
mkdir "$bus"
esc=$(printf '\033')
for name in "0000:03:00.0${esc}[31m" "$(printf 'a%.0s' {1..250})" 0000:03:00 loop; do
	mkdir "$bus/$name"
done
ln -s 0000:03:00.0 "$bus/0000:03:00.0"
mkdir "$bus/0000:04:00.0"
echo 'lots' | tee "$bus/0000:04:00.0/"{class,vendor,numa_node,config} > /dev/null
ln -s "../../x/${esc}[31m" "$bus/0000:04:00.0/iommu_group"
ctl 0 'nonsense' topology -a
no_out "$esc"
no_out 'aaaa'
out '^elsewhere '
out '^  0000:03:00.0  *gpu'
out '^gpu0     0000:03:00.0  *X      SYS'
ctl 0 'in JSON' -j topology
json /devices/0/numa_node null
json /devices/1/group null
json /devices/2 ''
rm -r "$bus"
ctl 0 'no PCI at all' topology
no_out .
ctl 0 'in JSON' -j topology
json /links '[]'
: > "$bus"
ctl 1 'what cannot be read' topology
err 'cannot read .*/sys/bus/pci/devices: Not a directory'
rm "$bus"
finish
