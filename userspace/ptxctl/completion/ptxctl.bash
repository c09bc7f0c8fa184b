# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# bash completion for ptxctl: verbs, options, devices, names and leases.

_ptxctl_words() {
	local IFS=$'\n'
	mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_ptxctl_kinds='gpu
npu
nvme
nic
audio
usb
storage
other'

_ptxctl_names() {
	_ptxctl_words "$(ptxctl name 2> /dev/null | sed -e 1d -e 's/ .*//')"
}

_ptxctl_devices() {
	_ptxctl_words "$_ptxctl_kinds"
	_ptxctl_names
	_ptxctl_words "$(ptxctl list -q 2> /dev/null)"
	# In bash a colon begins a new word: give only what comes after it.
	if declare -F __ltrim_colon_completions > /dev/null; then
		__ltrim_colon_completions "$cur"
	fi
}

# Virtual functions are asked for by a device that can have them, and mediated devices by
# one that makes them. Before _ptxctl_devices.
_ptxctl_vfs() {
	local pf
	if [[ $cur = vgpu:* ]]; then
		for pf in /sys/class/mdev_bus/*/mdev_supported_types/*; do
			[[ -d $pf ]] || continue
			pf=${pf#/sys/class/mdev_bus/}
			_ptxctl_words "vgpu:${pf/\/mdev_supported_types/}"
		done
		return
	fi
	if [[ $cur != vf:* ]]; then
		_ptxctl_words 'vf:
vgpu:'
		return
	fi
	_ptxctl_words "$(ptxctl name 2> /dev/null | sed -e 1d -e 's/ .*//' -e 's/^/vf:/')"
	for pf in /sys/bus/pci/devices/*/sriov_totalvfs; do
		pf=${pf%/*}
		[[ -d $pf ]] && _ptxctl_words "vf:${pf##*/}"
	done
}

# Lease names may have spaces and worse.
_ptxctl_leases() {
	local name
	while IFS= read -r name; do
		[[ $name = "$cur"* ]] && COMPREPLY+=("$(printf %q "$name")")
	done < <(ptxctl leases -q 2> /dev/null)
}

_ptxctl() {
	local cur prev words cword verb='' verb_at=0 i
	local verbs='list info topology vgpu check run lease add remove release revoke restrict reset wait leases show pool grant ungrant grants save restore nodes monitor stats name help'

	COMPREPLY=()
	if declare -F _get_comp_words_by_ref > /dev/null; then
		_get_comp_words_by_ref -n : cur prev words cword
	else
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
		cur=${words[cword]} prev=${words[cword - 1]}
	fi
	for ((i = 1; i < cword; i++)); do
		if [[ ${words[i]} != -* ]]; then
			verb=${words[i]} verb_at=$i
			break
		fi
	done
	if [[ -z $verb ]]; then
		if [[ $cur = -* ]]; then
			_ptxctl_words $'--help\n--json\n--pretty\n--version'
		else
			_ptxctl_words "${verbs// /$'\n'}"
		fi
		return
	fi
	# Behind "run ... --" stands another command.
	if [[ $verb = run ]]; then
		for ((i = verb_at + 1; i < cword; i++)); do
			if [[ ${words[i]} = -- ]]; then
				if declare -F _command_offset > /dev/null; then
					_command_offset $((i + 1))
				fi
				return
			fi
		done
	fi
	case $prev in
	--gpu | --npu | --nvme | --nic | --audio | --usb | --storage)
		_ptxctl_words auto
		_ptxctl_names
		_ptxctl_words "$(ptxctl list -q "${prev#--}" 2> /dev/null)"
		if declare -F __ltrim_colon_completions > /dev/null; then
			__ltrim_colon_completions "$cur"
		fi
		return ;;
	--device)
		_ptxctl_vfs
		_ptxctl_devices
		return ;;
	--state)
		_ptxctl_words $'active\ndraining\nreleased'
		return ;;
	--vmm)
		_ptxctl_words $'qemu\ncloud-hypervisor\ncrosvm\nnone'
		return ;;
	--user | --owner)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return ;;
	--driver)
		_ptxctl_words $'ptx-vfio-pci\nvfio-pci'
		return ;;
	--plug | --unplug)
		_ptxctl_words $'qmp:\nch:'
		return ;;
	--pid | --max)
		_ptxctl_words any
		return ;;
	--dma-quota)
		[[ $verb = restrict ]] && _ptxctl_words any
		return ;;
	--lease)
		_ptxctl_leases
		return ;;
	--dma-window | --timeout | --deadline | --memory | --vcpus | --rom-sha256 | --name | --count | -n)
		return ;;
	esac
	if [[ $cur = -* ]]; then
		# The options of a verb stand in its help.
		_ptxctl_words "$(ptxctl help "$verb" 2> /dev/null |
			grep -o -e '^ *-[a-z-].*' | grep -o -e '--[a-z][a-z0-9-]*' | sort -u)"
		return
	fi
	case $verb in
	list | info | check)
		_ptxctl_vfs
		_ptxctl_devices ;;
	reset)
		_ptxctl_devices ;;
	vgpu)
		_ptxctl_words $'types\nlist\nreclaim'
		;;
	pool)
		local word=''
		for ((i = verb_at + 1; i < cword; i++)); do
			if [[ ${words[i]} != -* && ${words[i - 1]} != --timeout &&
				${words[i - 1]} != --rom-* ]]; then
				word=${words[i]}
				break
			fi
		done
		case $word in
		'')
			_ptxctl_words $'add\nremove\nshow\nreserve\nunreserve' ;;
		unreserve)
			_ptxctl_words "$(ptxctl pool show 2> /dev/null |
				sed -n '/^RULE/,$s/^\([0-9][0-9]*\) .*/\1/p')" ;;
		add | remove)
			_ptxctl_vfs
			_ptxctl_devices ;;
		reserve)
			_ptxctl_devices ;;
		esac ;;
	grant)
		for ((i = verb_at + 1; i < cword; i++)); do
			if [[ ${words[i]} != -* && ${words[i - 1]} != --max &&
				${words[i - 1]} != --dma-quota ]]; then
				_ptxctl_devices
				return
			fi
		done
		mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
	ungrant)
		_ptxctl_words "$(ptxctl grants 2> /dev/null | sed -n 's/^\([0-9][0-9]*\) .*/\1/p')" ;;
	name)
		_ptxctl_names
		_ptxctl_devices ;;
	release | revoke | restrict | wait | show | stats)
		_ptxctl_leases ;;
	add | remove)
		# The first word that is no option is the lease.
		for ((i = verb_at + 1; i < cword; i++)); do
			if [[ ${words[i]} != -* && ${words[i - 1]} != --timeout &&
				${words[i - 1]} != --driver && ${words[i - 1]} != --rom-* && ${words[i - 1]} != --*plug ]]; then
				_ptxctl_vfs
				_ptxctl_devices
				return
			fi
		done
		_ptxctl_leases ;;
	lease)
		_ptxctl_vfs
		_ptxctl_devices ;;
	help)
		_ptxctl_words "${verbs// /$'\n'}" ;;
	esac
}

complete -F _ptxctl ptxctl
