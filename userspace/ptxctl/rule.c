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
	unsigned long id;
	char *end;

	*device = '\0';
	*kind = PTX_KIND_ANY;
	*vendor = 0;
	if ((json_has_value(obj, "device") &&
	     (!device_text || !ptx_address_parse(device_text, device))) ||
	    (json_has_value(obj, "kind") && (!kind_text || !ptx_kind_parse(kind_text, kind))))
		return false;
	if (json_has_value(obj, "vendor")) {
		id = vendor_text ? strtoul(vendor_text, &end, 16) : 0;
		if (!id || *end || id > 0xffff)
			return false;
		*vendor = (uint16_t)id;
	}
	return true;
}
