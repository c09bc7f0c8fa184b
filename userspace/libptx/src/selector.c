// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * selector: reads the words that say which devices are meant.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/* The longest selector that anything is made of. */
#define SELECTOR_MAX	128

/**
 * struct ptx_selector - see selector.h
 * @address: the one device, or empty
 * @physfn: the device whose virtual functions are meant, or empty
 * @request: what a request calls each of what has no address before it is made, or empty
 * @kind: the kind, or PTX_KIND_ANY with an address or a request
 * @vendors: PCI vendor ids, any of which fits
 * @nr_vendors: 0 when the vendor does not matter
 * @count: how many devices
 */
struct ptx_selector {
	char address[PTX_DEVICE_NAME_SIZE];
	char physfn[PTX_DEVICE_NAME_SIZE];
	char request[PTX_DEVICE_NAME_SIZE];
	enum ptx_kind kind;
	uint16_t vendors[2];
	unsigned int nr_vendors;
	uint32_t count;
};

static const struct vendor_rule {
	const char *word;
	uint16_t ids[2];
} vendor_rules[] = {
	{ "amd",	{ 0x1002, 0x1022 } },
	{ "aspeed",	{ 0x1a03 } },
	{ "broadcom",	{ 0x14e4 } },
	{ "habana",	{ 0x1da3 } },
	{ "intel",	{ 0x8086 } },
	{ "kioxia",	{ 0x1e0f } },
	{ "marvell",	{ 0x11ab, 0x1b4b } },
	{ "mellanox",	{ 0x15b3 } },
	{ "micron",	{ 0x1344 } },
	{ "nvidia",	{ 0x10de } },
	{ "qualcomm",	{ 0x17cb } },
	{ "realtek",	{ 0x10ec } },
	{ "redhat",	{ 0x1af4, 0x1b36 } },
	{ "samsung",	{ 0x144d } },
	{ "sandisk",	{ 0x15b7 } },
	{ "skhynix",	{ 0x1c5c } },
	{ "solidigm",	{ 0x025e } },
	{ "xilinx",	{ 0x10ee } },
};

static bool parse_vendor(const char *word, struct ptx_selector *sel)
{
	char *end;

	for (size_t i = 0; i < PTX_ARRAY_SIZE(vendor_rules); i++) {
		const struct vendor_rule *rule = &vendor_rules[i];

		if (strcasecmp(rule->word, word))
			continue;
		sel->vendors[0] = rule->ids[0];
		sel->vendors[1] = rule->ids[1];
		sel->nr_vendors = rule->ids[1] ? 2 : 1;
		return true;
	}
	if (strlen(word) != 4 || strspn(word, "0123456789abcdefABCDEF") != 4)
		return false;
	sel->vendors[0] = (uint16_t)strtoul(word, &end, 16);
	sel->nr_vendors = 1;
	/* Nobody has these; more likely it is an address cut short. */
	return sel->vendors[0] && sel->vendors[0] != 0xffff;
}

/* One to three digits; four are a vendor's id. */
static bool parse_count(const char *word, uint32_t *count)
{
	size_t n = strlen(word);
	unsigned long value;

	if (!n || n > 3 || *word == '0' || strspn(word, "0123456789") != n)
		return false;
	value = strtoul(word, NULL, 10);
	if (value > PTX_DEVICES_MAX)
		return false;
	*count = (uint32_t)value;
	return true;
}

/* What may follow a kind: "auto", "VENDOR", "COUNT", "VENDOR:COUNT". */
static bool parse_rest(char *rest, struct ptx_selector *sel)
{
	bool vendor = false;

	while (rest) {
		char *next = strchr(rest, ':');

		if (next)
			*next++ = '\0';
		if (!next && !strcmp(rest, "auto"))
			return true;
		if (!next && parse_count(rest, &sel->count))
			return true;
		if (vendor || !parse_vendor(rest, sel))
			return false;
		vendor = true;
		rest = next;
	}
	return true;
}

/* Does a request, or a selector, mean any virtual function of a device? */
bool ptx_name_is_vf(const char *name)
{
	return !strncmp(name, PTX_VF_PREFIX, strlen(PTX_VF_PREFIX));
}

/* Does a request, or a selector, mean a mediated device that is to be made? */
bool ptx_name_is_vgpu(const char *name)
{
	return !strncmp(name, PTX_VGPU_PREFIX, strlen(PTX_VGPU_PREFIX));
}

/* Takes "NAME=VALUE" off the front of what follows a comma. */
static char *next_option(char **rest, const char *name)
{
	char *value, *end;

	if (!*rest || strncmp(*rest, name, strlen(name)) || (*rest)[strlen(name)] != '=')
		return NULL;
	value = *rest + strlen(name) + 1;
	end = strchr(value, ',');
	if (end)
		*end++ = '\0';
	*rest = end;
	return value;
}

/* An address, in its long form, or a name of the user's own for one. */
static bool parse_device(const char *device, const struct ptx_names *names,
			 char out[PTX_DEVICE_NAME_SIZE])
{
	const char *address;

	if (ptx_address_parse(device, out))
		return true;
	address = names ? ptx_names_address(names, device) : NULL;
	if (address)
		strncpy(out, address, PTX_DEVICE_NAME_SIZE - 1);
	return address;
}

/* "DEVICE[,count=N][,reserve=N]"; *@device is what stands for the device. */
static bool parse_vf(const char *text, const struct ptx_names *names,
		     struct ptx_selector *sel, char device[SELECTOR_MAX + 1])
{
	uint32_t reserve = 0;
	char *rest, *value;
	bool ok = true;

	strcpy(device, text);
	rest = strchr(device, ',');
	if (rest)
		*rest++ = '\0';
	value = next_option(&rest, "count");
	if (value)
		ok = parse_count(value, &sel->count);
	value = next_option(&rest, "reserve");
	if (value)
		ok = ok && parse_count(value, &reserve);
	if (!ok || rest) {
		*device = '\0';
		return false;
	}
	if (!parse_device(device, names, sel->physfn))
		return false;
	snprintf(sel->request, sizeof(sel->request), reserve ? "%s%s/%u" : "%s%s",
		 PTX_VF_PREFIX, sel->physfn, reserve);
	return true;
}

/* One part of a path in sysfs, and no way out of it. */
static bool is_component(const char *text)
{
	for (const char *s = text; *s; s++) {
		if (*s == '/' || *s <= ' ' || *s > '~')
			return false;
	}
	return *text && *text != '.';
}

static bool is_uuid(const char *text)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(form); i++) {
		if (form[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	}
	return true;
}

/* "PARENT/TYPE[,count=N][,uuid=UUID]" */
static bool parse_vgpu(const char *text, const struct ptx_names *names,
		       struct ptx_selector *sel)
{
	char parent[SELECTOR_MAX + 1], address[PTX_DEVICE_NAME_SIZE] = "";
	char *type, *rest, *count, *uuid;

	strcpy(parent, text);
	rest = strchr(parent, ',');
	if (rest)
		*rest++ = '\0';
	type = strchr(parent, '/');
	if (!type)
		return false;
	*type++ = '\0';
	count = next_option(&rest, "count");
	uuid = next_option(&rest, "uuid");
	if (rest || (count && !parse_count(count, &sel->count)) ||
	    (uuid && (sel->count > 1 || !is_uuid(uuid))))
		return false;
	if (!is_component(parent) || !is_component(type))
		return false;
	/* A parent need not be on the PCI bus. */
	if (!parse_device(parent, names, address))
		snprintf(address, sizeof(address), "%s", parent);
	return (size_t)snprintf(sel->request, sizeof(sel->request), PTX_VGPU_PREFIX "%s/%s%s%s",
				address, type, uuid ? "/" : "", uuid ? uuid : "") <
	       sizeof(sel->request);
}

static int vgpu_selector_new(struct ptx_ctx *ctx, const char *text, enum ptx_kind kind,
			     const struct ptx_names *names, struct ptx_selector *sel)
{
	sel->kind = PTX_KIND_ANY;
	if (kind != PTX_KIND_ANY)
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"give it to --device", "'%s' is of any kind, and not for a %s", text,
			ptx_kind_name(kind));
	if (parse_vgpu(text + strlen(PTX_VGPU_PREFIX), names, sel))
		return 0;
	return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
		"mediated devices are vgpu:PARENT/TYPE, with ,count=N or ,uuid=UUID behind it, "
		"for example vgpu:0000:01:00.0/nvidia-558; see /sys/class/mdev_bus",
		"'%s' names no mediated device", text);
}

static int vf_selector_new(struct ptx_ctx *ctx, const char *text, enum ptx_kind kind,
			   const struct ptx_names *names, struct ptx_selector *sel)
{
	char device[SELECTOR_MAX + 1];
	int err;

	sel->kind = PTX_KIND_ANY;
	if (kind != PTX_KIND_ANY)
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"give it to --device", "'%s' is of any kind, and not for a %s", text,
			ptx_kind_name(kind));
	if (parse_vf(text + strlen(PTX_VF_PREFIX), names, sel, device))
		return 0;
	if (ptx_name_check(device))
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"virtual functions are vf:DEVICE, with ,count=N or ,reserve=N behind it, "
			"for example vf:0000:01:00.0,count=2; at most 256",
			"'%s' names no virtual functions", text);
	err = ptx_error_setf(ctx, ENODEV, PTX_REASON_NO_DEVICE, NULL,
			     "no device of yours is called '%s'", device);
	ptx_error_set_remedy(ctx, "see your names: ptxctl name; or give its address");
	return err;
}

static bool parse_text(const char *text, enum ptx_kind kind,
		       const struct ptx_names *names, struct ptx_selector *sel)
{
	char buf[SELECTOR_MAX + 1], *rest;
	const char *address;

	if (ptx_address_parse(text, sel->address)) {
		sel->kind = kind;
		return true;
	}
	address = names ? ptx_names_address(names, text) : NULL;
	if (address) {
		strncpy(sel->address, address, sizeof(sel->address) - 1);
		sel->kind = kind;
		return true;
	}
	strcpy(buf, text);
	rest = strchr(buf, ':');
	if (rest)
		*rest++ = '\0';
	if (ptx_kind_parse(buf, &sel->kind))
		return (kind == PTX_KIND_ANY || kind == sel->kind) && parse_rest(rest, sel);
	if (kind == PTX_KIND_ANY)
		return false;
	strcpy(buf, text);
	sel->kind = kind;
	return parse_rest(buf, sel);
}

/* Does @text begin with a kind that is not @kind? */
static bool other_kind(const char *text, enum ptx_kind kind)
{
	char word[SELECTOR_MAX + 1];
	enum ptx_kind found;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, ":"), text);
	return ptx_kind_parse(word, &found) && found != kind;
}

int ptx_selector_parse(struct ptx_ctx *ctx, const char *text, enum ptx_kind kind,
		       const struct ptx_names *names, struct ptx_selector **out)
{
	struct ptx_selector *sel;
	size_t n = strlen(text);
	char shown[48];
	int err;

	*out = NULL;
	if (!n)
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"name a device, for example 0000:01:00.0, or a kind, for example gpu",
			"an empty word names no device");
	if (n > SELECTOR_MAX || !ptx_utf8_valid(text, n)) {
		snprintf(shown, sizeof(shown), "%s", text);
		for (char *s = shown; *s; s++) {
			if (!isprint((unsigned char)*s))
				*s = '?';
		}
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"name a device, for example 0000:01:00.0, or a kind, for example gpu",
			"'%s%s' names no device", shown, n < sizeof(shown) ? "" : "...");
	}
	sel = calloc(1, sizeof(*sel));
	if (!sel)
		return ptx_error_no_memory(ctx);
	sel->count = 1;
	if (ptx_name_is_vf(text) || ptx_name_is_vgpu(text)) {
		err = ptx_name_is_vf(text) ? vf_selector_new(ctx, text, kind, names, sel) :
					     vgpu_selector_new(ctx, text, kind, names, sel);
		if (err)
			free(sel);
		else
			*out = sel;
		return err;
	}
	if (parse_text(text, kind, names, sel)) {
		*out = sel;
		return 0;
	}
	free(sel);
	if (kind != PTX_KIND_ANY && other_kind(text, kind))
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"give it to the option of its own kind, or to --device",
			"'%s' is no %s", text, ptx_kind_name(kind));
	if (!strcmp(text, "auto"))
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"say which kind: gpu:auto, nvme:auto", "'auto' of no kind");
	if (isxdigit((unsigned char)*text) && strchr(text, ':'))
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"an address is DOMAIN:BUS:SLOT.FUNCTION, for example 0000:01:00.0",
			"'%s' is a malformed address", text);
	if (strchr(text, ':'))
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"a selector is KIND, KIND:VENDOR, KIND:COUNT, KIND:VENDOR:COUNT, "
			"vf:DEVICE or vgpu:PARENT/TYPE; kinds are gpu npu nvme nic audio usb storage other",
			"'%s' is no selector%s%s", text,
			kind == PTX_KIND_ANY ? "" : " for a ",
			kind == PTX_KIND_ANY ? "" : ptx_kind_name(kind));
	err = ptx_error_setf(ctx, ENODEV, PTX_REASON_NO_DEVICE, NULL,
			     "no device, kind or name of yours is called '%s'", text);
	ptx_error_set_remedy(ctx, "see what there is: ptxctl list; and your names: ptxctl name");
	return err;
}

void ptx_selector_free(struct ptx_selector *sel)
{
	free(sel);
}

const char *ptx_selector_address(const struct ptx_selector *sel)
{
	return *sel->address ? sel->address : NULL;
}

const char *ptx_selector_physfn(const struct ptx_selector *sel)
{
	return *sel->physfn ? sel->physfn : NULL;
}

const char *ptx_selector_request(const struct ptx_selector *sel)
{
	return *sel->request ? sel->request : NULL;
}

enum ptx_kind ptx_selector_kind(const struct ptx_selector *sel)
{
	return sel->kind;
}

uint16_t ptx_selector_vendor(const struct ptx_selector *sel, unsigned int i)
{
	return i < sel->nr_vendors ? sel->vendors[i] : 0;
}

uint32_t ptx_selector_count(const struct ptx_selector *sel)
{
	return sel->count;
}

bool ptx_selector_match(const struct ptx_selector *sel, const struct ptx_device *dev)
{
	if (sel->kind != PTX_KIND_ANY && ptx_device_kind(dev) != sel->kind)
		return false;
	if (*sel->address)
		return !strcmp(sel->address, ptx_device_name(dev));
	if (*sel->physfn)
		return ptx_device_physfn(dev) && !strcmp(sel->physfn, ptx_device_physfn(dev));
	/* What is to be made is none that there is. */
	if (*sel->request)
		return false;
	for (unsigned int i = 0; i < sel->nr_vendors; i++) {
		if (ptx_device_vendor_id(dev) == sel->vendors[i])
			return true;
	}
	return !sel->nr_vendors;
}
