// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * text: the words for the contract's enumerations, and PCI addresses.
 */
#include <stdio.h>
#include <string.h>
#include "internal.h"

static const char *const kind_names[] = {
	[PTX_KIND_OTHER]	= "other",
	[PTX_KIND_GPU]		= "gpu",
	[PTX_KIND_NPU]		= "npu",
	[PTX_KIND_NVME]		= "nvme",
	[PTX_KIND_NIC]		= "nic",
	[PTX_KIND_AUDIO]	= "audio",
	[PTX_KIND_USB]		= "usb",
	[PTX_KIND_STORAGE]	= "storage",
	[PTX_KIND_BRIDGE]	= "bridge",
};

static const char *const lease_state_names[] = {
	[PTX_LEASE_STATE_NEW]		= "new",
	[PTX_LEASE_STATE_ACTIVE]	= "active",
	[PTX_LEASE_STATE_DRAINING]	= "draining",
	[PTX_LEASE_STATE_RELEASED]	= "released",
};

static const char *const member_state_names[] = {
	[PTX_MEMBER_STATE_BUILDING]	= "building",
	[PTX_MEMBER_STATE_READY]	= "ready",
	[PTX_MEMBER_STATE_DRAINING]	= "draining",
	[PTX_MEMBER_STATE_HOME]		= "home",
	[PTX_MEMBER_STATE_DRIVERLESS]	= "driverless",
	[PTX_MEMBER_STATE_GONE]		= "gone",
	[PTX_MEMBER_STATE_QUARANTINED]	= "quarantined",
};

static const char *const event_names[] = {
	[PTX_EVENT_DEVICE_ADD]		= "device-add",
	[PTX_EVENT_DEVICE_DEL]		= "device-del",
	[PTX_EVENT_LEASE_NEW]		= "lease-new",
	[PTX_EVENT_LEASE_ACTIVE]	= "lease-active",
	[PTX_EVENT_LEASE_DRAINING]	= "lease-draining",
	[PTX_EVENT_LEASE_RELEASED]	= "lease-released",
	[PTX_EVENT_MEMBER_READY]	= "member-ready",
	[PTX_EVENT_MEMBER_DRAINING]	= "member-draining",
	[PTX_EVENT_MEMBER_HOME]		= "member-home",
	[PTX_EVENT_MEMBER_DRIVERLESS]	= "member-driverless",
	[PTX_EVENT_MEMBER_GONE]		= "member-gone",
	[PTX_EVENT_MEMBER_OPENED]	= "member-opened",
	[PTX_EVENT_MEMBER_CUT]		= "member-cut",
	[PTX_EVENT_MEMBER_RESET]	= "member-reset",
	[PTX_EVENT_MEMBER_ERROR]	= "member-error",
	[PTX_EVENT_LEASE_RESTRICTED]	= "lease-restricted",
	[PTX_EVENT_MEMBER_POOLED]	= "member-pooled",
	[PTX_EVENT_MEMBER_CLOSED]	= "member-closed",
	[PTX_EVENT_MEMBER_QUARANTINED]	= "member-quarantined",
};

static const char *name_of(const char *const *names, size_t nr, unsigned int value,
			   const char *unknown)
{
	return value < nr && names[value] ? names[value] : unknown;
}

static bool value_of(const char *const *names, size_t nr, const char *word,
		     unsigned int *value)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (names[i] && !strcmp(names[i], word)) {
			*value = i;
			return true;
		}
	}
	return false;
}

const char *ptx_kind_name(enum ptx_kind kind)
{
	return name_of(kind_names, PTX_ARRAY_SIZE(kind_names), kind, "other");
}

bool ptx_kind_parse(const char *word, enum ptx_kind *kind)
{
	unsigned int value;

	if (!value_of(kind_names, PTX_ARRAY_SIZE(kind_names), word, &value))
		return false;
	*kind = (enum ptx_kind)value;
	return true;
}

const char *ptx_lease_state_name(enum ptx_lease_state state)
{
	return name_of(lease_state_names, PTX_ARRAY_SIZE(lease_state_names), state,
		       "unknown");
}

bool ptx_lease_state_parse(const char *word, enum ptx_lease_state *state)
{
	unsigned int value;

	if (!value_of(lease_state_names, PTX_ARRAY_SIZE(lease_state_names), word, &value))
		return false;
	*state = (enum ptx_lease_state)value;
	return true;
}

const char *ptx_member_state_name(enum ptx_member_state state)
{
	return name_of(member_state_names, PTX_ARRAY_SIZE(member_state_names), state,
		       "unknown");
}

const char *ptx_event_name(enum ptx_event event)
{
	return name_of(event_names, PTX_ARRAY_SIZE(event_names), event, "unknown");
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* From @min to @max hexadecimal digits, then @stop. Returns what follows it. */
static const char *hex_field(const char *s, int min, int max, char stop,
			     unsigned int *value)
{
	int n = 0;

	*value = 0;
	while (hex_digit(*s) >= 0 && n < max) {
		*value = *value << 4 | (unsigned int)hex_digit(*s++);
		n++;
	}
	if (n < min || *s != stop)
		return NULL;
	return stop ? s + 1 : s;
}

bool ptx_address_parse(const char *text, char buf[PTX_DEVICE_NAME_SIZE])
{
	unsigned int domain = 0, bus, slot, function;
	const char *p, *rest;

	rest = hex_field(text, 4, 8, ':', &domain);
	if (!rest) {
		domain = 0;
		rest = text;
	}
	p = hex_field(rest, 2, 2, ':', &bus);
	if (p)
		p = hex_field(p, 2, 2, '.', &slot);
	if (p)
		p = hex_field(p, 1, 1, '\0', &function);
	if (!p || slot > 0x1f || function > 7)
		return false;
	snprintf(buf, PTX_DEVICE_NAME_SIZE, "%04x:%02x:%02x.%x", domain, bus, slot,
		 function);
	return true;
}
