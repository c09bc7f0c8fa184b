# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the shell tests share: TAP, and a ptxctl on a mock kernel. Expects TEST,
# the directory of the tests' own programs, and BIN, that of the real ones.

nr=0
bad=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PTX_NAMES=$work/names PTX_RUN=$work/run PTX_MOCK=$work/script PTX_MOCK_LOG=$work/log
: > "$PTX_MOCK"
read -ra under <<< "${PTXCTL_UNDER:-}"

# ok STATUS NAME
ok() {
	nr=$((nr + 1))
	if [ "$1" = 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		bad=$((bad + 1))
		sed 's/^/#   out: /' "$work/out"
		sed 's/^/#   err: /' "$work/err"
	fi
}

# Everything the mock kernel is told; from standard input.
script() {
	cat > "$PTX_MOCK"
	: > "$PTX_MOCK_LOG"
}

# ctl WANTED-STATUS NAME ARGUMENT...: run ptxctl on the mock kernel.
ctl() {
	local want=$1 name=$2 have
	shift 2
	"${under[@]}" "$TEST/ptxctl-mock" "$@" > "$work/out" 2> "$work/err" < /dev/null
	have=$?
	[ "$have" = "$want" ] || echo "# exit status $have, not $want: ptxctl $*"
	[ "$have" = "$want" ]
	ok $? "$name"
}

# Whether a line of the output, of the complaints or of the log is like that.
out() { grep -q -e "$1" "$work/out"; ok $? "  out: $1"; }
err() { grep -q -e "$1" "$work/err"; ok $? "  err: $1"; }
log() { grep -q -e "$1" "$work/log"; ok $? "  log: $1"; }
no_out() { ! grep -q -e "$1" "$work/out"; ok $? "  not in out: $1"; }
no_err() { ! grep -q -e "$1" "$work/err"; ok $? "  not in err: $1"; }
no_log() { ! grep -q -e "$1" "$work/log"; ok $? "  not in log: $1"; }

# json POINTER WANTED: a value in the output.
json() {
	local have
	have=$("$TEST/json-get" "$1" < "$work/out" 2>> "$work/err")
	[ "$have" = "$2" ] || echo "# $1 is '$have', not '$2'"
	[ "$have" = "$2" ]
	ok $? "  json $1 is $2"
}

finish() {
	echo "1..$nr"
	[ "$bad" = 0 ]
	exit
}
