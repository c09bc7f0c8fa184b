#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the unit tests, each of which speaks TAP, and adds them up. Called by the
# Makefile with BIN and TEST, the directories of the programs and of the tests'
# own programs; with VALGRIND=1 under valgrind. With arguments, only those tests.
set -u

here=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

under=() limit=300
if [ -n "${VALGRIND:-}" ]; then
	limit=1500
	under=(valgrind -q --error-exitcode=97 --leak-check=full
		--errors-for-leak-kinds=definite --child-silent-after-fork=yes)
	export PTXCTL_UNDER="${under[*]}"
fi

run_one() { # run_one NAME COMMAND...
	local name=$1 status plan good bad skip
	shift
	timeout "$limit" "$@" > "$out" 2>&1
	status=$?
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$out")
	good=$(grep -c '^ok ' "$out")
	bad=$(grep -c '^not ok ' "$out")
	skip=$(grep -c '^ok .* # SKIP' "$out")
	if [ "${plan:-none}" != $((good + bad)) ]; then
		echo "# $name: planned ${plan:-none}, ran $((good + bad))"
		bad=$((bad + 1))
	elif [ "$status" != 0 ] && [ "$bad" = 0 ]; then
		echo "# $name: exit status $status"
		bad=1
	fi
	if [ "$bad" != 0 ]; then
		# What the sanitizer or the shell said is in there too.
		grep -v '^ok ' "$out" | sed "s/^/# $name: /"
	fi
	echo "$name: $((good - skip)) passed, $bad failed, $skip skipped"
	passed=$((passed + good - skip)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

tests=("$@")
if [ ${#tests[@]} = 0 ]; then
	for t in "$here"/test_*.c "$here"/test_*.sh; do
		tests+=("$(basename "${t%.*}")")
	done
fi
for t in "${tests[@]}"; do
	if [ -e "$here/$t.sh" ]; then
		run_one "$t" bash "$here/$t.sh"
	else
		run_one "$t" "${under[@]}" "$TEST/$t"
	fi
done
echo "userspace: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
