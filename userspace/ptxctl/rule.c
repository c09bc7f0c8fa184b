// SPDX-License-Identifier: GPL-2.0-only
/*
 * rule: which devices a rule is about.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "output.h"
#include "rule.h"
#include "save.h"

const char *rule_text(const char *device, enum ptx_kind kind, uint16_t vendor, char buf[64])
{
	const char *name = kind == PTX_KIND_ANY ? "any" : ptx_kind_name(kind);

	if (*device)
		snprintf(buf, 64, "%s", device);
	else if (vendor)
		snprintf(buf, 64, "%s:%04x", name, vendor);
	else
		snprintf(buf, 64, "%s", name);
	return buf;
}

void rule_put_json(struct json_object *obj, const char *device, enum ptx_kind kind,
		   uint16_t vendor)
{
	json_put_text(obj, "device", *device ? device : NULL);
	json_put_text(obj, "kind", kind == PTX_KIND_ANY ? NULL : ptx_kind_name(kind));
	if (vendor)
		json_put_hex(obj, "vendor", vendor, 4);
	else
		json_put_text(obj, "vendor", NULL);
}

bool rule_from_json(struct json_object *obj, char device[PTX_DEVICE_NAME_SIZE],
		    enum ptx_kind *kind, uint16_t *vendor)
{
	const char *device_text = json_get_text(obj, "device");
	const char *kind_text = json_get_text(obj, "kind");
	const char *vendor_text = json_get_text(obj, "vendor");
	size_t n;

	*device = '\0';
	*kind = PTX_KIND_ANY;
	*vendor = 0;
	/* What does not matter is null: one that is missing may be one misspelt. */
	if (!json_object_object_get_ex(obj, "device", NULL) ||
	    !json_object_object_get_ex(obj, "kind", NULL) ||
	    !json_object_object_get_ex(obj, "vendor", NULL))
		return false;
	if ((json_has_value(obj, "device") &&
	     (!device_text || !ptx_address_parse(device_text, device))) ||
	    (json_has_value(obj, "kind") && (!kind_text || !ptx_kind_parse(kind_text, kind))))
		return false;
	if (json_has_value(obj, "vendor")) {
		/* As rule_put_json() has it: 0x and four digits. */
		n = vendor_text ? strlen(vendor_text) : 0;
		if (n != 6 || strncmp(vendor_text, "0x", 2) ||
		    strspn(vendor_text + 2, "0123456789abcdef") != 4)
			return false;
		*vendor = (uint16_t)strtoul(vendor_text, NULL, 16);
	}
	return true;
}
