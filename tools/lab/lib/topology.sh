# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# topology - reads topologies/*.topo (format: default.topo) into QEMU
# arguments and into what guest/main must do before the command runs.

LAB_TOPO_QEMU=()	# arguments for QEMU
LAB_TOPO_KARGS=''	# for the kernel
LAB_TOPO_MODULES=''	# to load
LAB_TOPO_EXPECT=''	# paths to wait for
LAB_TOPO_WRITE=''	# PATH=VALUE to write
LAB_TOPO_ENV=()		# NAME=VALUE for CMD

lab_topologies() {
	local f

	for f in "$LAB_DIR"/topologies/*.topo; do
		printf '%-10s %s\n' "$(basename -- "$f" .topo)" \
			"$(sed -n 's/^about[[:space:]]*//p' "$f" | head -n 1)"
	done
}

# lab_topology_disk ID MIB SEED: the image is made once and never written to.
lab_topology_disk() {
	local img=$LAB_CACHE/disks/$2m-$3.img

	if [ ! -e "$img.sha256" ]; then
		mkdir -p -- "$LAB_CACHE/disks" && python3 -c '
import hashlib, os, sys
path, mib, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3]
data = hashlib.shake_256(("ptx-lab-" + seed).encode()).digest(mib << 20)
tmp = "%s.%d" % (path, os.getpid())
open(tmp, "wb").write(data)
os.rename(tmp, path)
open(tmp, "w").write(hashlib.sha256(data).hexdigest() + "\n")
os.rename(tmp, path + ".sha256")
' "$img" "$2" "$3" || return
	fi
	LAB_TOPO_QEMU+=(-drive "if=none,id=$1,file=$img,format=raw,snapshot=on")
	LAB_TOPO_ENV+=("LAB_DISK_${1}_SHA256=$(cat -- "$img.sha256")")
}

# lab_topology_acpi FILE [NAME=VALUE...]: an ACPI table, compiled once.
lab_topology_acpi() {
	local src=$LAB_DIR/topologies/$1 out tmp

	shift
	lab_need iasl "compile an ACPI table"
	out=$LAB_CACHE/acpi/$({ echo "$*" && cat -- "$src"; } |
		sha256sum | cut -c 1-16).aml
	if [ ! -e "$out" ]; then
		mkdir -p -- "$LAB_CACHE/acpi" &&
			tmp=$(mktemp -d "$LAB_CACHE/acpi/.XXXXXX") || return
		LAB_TEMPS+=("$tmp")
		# iasl's own preprocessor does not look inside paths like \_SB.PORT.
		if ! { gcc -E -P -x c "${@/#/-D}" "$src" >"$tmp/table.asl" &&
			iasl -we -p "$tmp/table" "$tmp/table.asl"; } >"$tmp/log" 2>&1; then
			sed 's/^/  | /' "$tmp/log" >&2
			return 1
		fi
		mv -- "$tmp/table.aml" "$out" && rm -rf -- "$tmp" || return
	fi
	LAB_TOPO_QEMU+=(-acpitable "file=$out")
}

# lab_topology_read NAME SETTINGS: SETTINGS is "N=V N=V ...".
lab_topology_read() {
	local file=$LAB_DIR/topologies/$1.topo line word rest words
	local before name value after s number=0

	[ -e "$file" ] ||
		lab_usage "no topology '$1'; '$LAB_PROG topologies' lists them"
	for s in $2; do
		grep -q "^[^#]*{${s%%=*}=" "$file" ||
			lab_usage "topology '$1' has no setting '${s%%=*}'"
	done
	while IFS= read -r line || [ -n "$line" ]; do
		number=$((number + 1))
		[[ $line == \#* ]] && continue
		while [[ $line =~ ^(.*)\{([a-z0-9-]+)=([^{}]*)\}(.*)$ ]]; do
			before=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]}
			value=${BASH_REMATCH[3]} after=${BASH_REMATCH[4]}
			for s in $2; do
				[ "${s%%=*}" != "$name" ] || value=${s#*=}
			done
			line=$before$value$after
		done
		read -r word rest <<<"$line"
		case $word in
		'' | about) ;;
		device)		LAB_TOPO_QEMU+=(-device "$rest") ;;
		qemu)		read -ra words <<<"$rest"; LAB_TOPO_QEMU+=("${words[@]}") ;;
		kargs)		LAB_TOPO_KARGS+=" $rest" ;;
		modules)	LAB_TOPO_MODULES+=" $rest" ;;
		expect)		LAB_TOPO_EXPECT+=" $rest" ;;
		write)		LAB_TOPO_WRITE+=" ${rest/ /=}" ;;
		include)	lab_topology_read "$rest" "$2" ;;
		disk)
			# shellcheck disable=SC2086	# three words
			lab_topology_disk $rest ||
				lab_die "cannot make the disk '$rest' in $LAB_CACHE/disks"
			;;
		acpi)
			read -ra words <<<"$rest"
			lab_topology_acpi "${words[@]}" ||
				lab_die "cannot compile the table '$rest'"
			;;
		*)	lab_die "$file:$number: no directive '$word'" ;;
		esac
	done <"$file"
}
