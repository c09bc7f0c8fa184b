#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The shape of what is built and installed: symbols, search paths, completion.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
: > "$work/out"
: > "$work/err"
tree=$(cd "$(dirname "$0")/.." && pwd)
lib=$(dirname "$BIN")/lib${BIN##*/bin}

nm -D --defined-only "$lib/libptx.so" | sed -n 's/.* T \(.*\)@@LIBPTX_0.1$/\1/p' | sort > "$work/have"
sed -n 's/^\t\(ptx_.*\);$/\1/p' "$tree/libptx/libptx.map" | sort > "$work/map"
diff "$work/have" "$work/map" > "$work/out"
ok $? 'the library exports what its map says'
# Comments out, then every word before a parenthesis.
cat "$tree"/libptx/include/libptx/*.h | sed -e 's|/\*.*\*/||' -e '/\/\*/,/\*\//d' |
	grep -o 'ptx_[a-z0-9_]*(' | tr -d '(' | sort -u > "$work/headers"
diff "$work/headers" "$work/map" > "$work/out"
ok $? 'the map has what the headers declare'
while read -r name; do
	grep -q -e " \* $name() - " -e "/\*\* $name() - " "$tree"/libptx/include/libptx/*.h ||
		echo "$name"
done < "$work/map" > "$work/out"
[ ! -s "$work/out" ]
ok $? 'every function is documented'
objdump -p "$lib/libptx.so" > "$work/out"
grep -q 'SONAME *libptx.so.0$' "$work/out"
ok $? 'the soname'
! grep -q -i 'r.*path' "$work/out"
ok $? 'the library has no search path'
objdump -p "$BIN/ptxctl" > "$work/out"
# shellcheck disable=SC2016
grep -q 'R.*PATH *$ORIGIN/../lib' "$work/out"
ok $? 'the program finds the library of its tree'
"$BIN/ptxctl" --version > "$work/out" 2>&1
ok $? 'and runs'
"$BIN/ptx-example-edu-vmm" --help > "$work/out" 2>&1
ok $? 'so does the example'
if [ -z "${PTXCTL_UNDER:-}" ]; then
	PTX_NAMES=/nonexistent "$BIN/ptx-example-edu-vmm" 0000:ff:1f.7 > "$work/out" 2>&1
	[ $? = 3 ] || [ -e /dev/ptx ]
	ok $? 'which says that there is no module'
fi

# Completion, on the mock kernel.
echo '# Completion'
script <<- 'END'
	device 0000:01:00.0 kind=nvme
	device 0000:02:00.0 kind=gpu
	lease alpha id=1
	lease "be ta" id=2
END
ctl 0 'a name' name 02:00.0 big-gpu
mkdir "$work/path"
ln -s "$TEST/ptxctl-mock" "$work/path/ptxctl"
complete_() { # complete_ WORD...: what the last of them may become
	PATH=$work/path:$PATH bash -c '
		. /usr/share/bash-completion/bash_completion 2> /dev/null
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		COMP_LINE="$*"
		COMP_POINT=${#COMP_LINE}
		_ptxctl
		printf "%s\n" "${COMPREPLY[@]}"' bash \
		"$tree/ptxctl/completion/ptxctl.bash" "$@" > "$work/out" 2> "$work/err"
}
complete_ ptxctl ''
out '^run$'
out '^leases$'
complete_ ptxctl re
out '^remove$'
out '^release$'
no_out '^run$'
complete_ ptxctl run --
out '^--gpu$'
out '^--user$'
out '^--clear-memory$'
out '^--rom-sha256$'
complete_ ptxctl info 0
out '0000:01:00.0$\|^01:00.0$'
complete_ ptxctl info b
out '^big-gpu$'
complete_ ptxctl release ''
out '^alpha$'
out '^be\\ ta$'
complete_ ptxctl run --gpu ''
out '^auto$'
out '^big-gpu$'
complete_ ptxctl lease --cl
out '^--clear-memory$'
complete_ ptxctl add --clear-memory ''
out '^alpha$'
complete_ ptxctl add --clear-memory alpha ''
out '^big-gpu$'
complete_ ptxctl wait --state ''
out '^released$'
complete_ ptxctl add --plug ''
out '^qmp:$'
out '^ch:$'
complete_ ptxctl st
out '^stats$'
complete_ ptxctl stats ''
out '^alpha$'
complete_ ptxctl stats --op
out '^--openmetrics$'
complete_ ptxctl run --dma
out '^--dma-window$'
out '^--dma-quota$'
complete_ ptxctl run --no
out '^--no-space$'
complete_ ptxctl lease --sp
out '^--space$'
complete_ ptxctl restrict --dma-quota ''
out '^any$'
complete_ ptxctl lease --dma-quota ''
no_out 'any'
complete_ ptxctl grant --dma-quota ''
no_out 'any'
complete_ ptxctl grant --dma
out '^--dma-quota$'
complete_ ptxctl grant --dma-quota 4G ''
no_out '^big-gpu$'
complete_ ptxctl grant --dma-quota 4G root ''
out '^big-gpu$'
complete_ ptxctl check --lease ''
out '^alpha$'
complete_ ptxctl lease alpha v
out '^vf:$'
out '^vgpu:$'
complete_ ptxctl run --device vf:b
out '^\(vf:\)\?big-gpu$'
complete_ ptxctl grant root v
no_out 'vf'
complete_ ptxctl to
out '^topology$'
complete_ ptxctl topology --
out '^--all$'
complete_ ptxctl run --n
out '^--near$'
out '^--numa$'
complete_ ptxctl check --vc
out '^--vcpus$'
complete_ ptxctl check --vcpus ''
no_out '.'
complete_ ptxctl list --nosuch
no_err '.'
finish
