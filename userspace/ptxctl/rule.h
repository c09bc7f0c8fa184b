/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rule: which devices a rule is about, in words and as JSON: a device, or a kind
 * and a vendor.
 */
#ifndef PTXCTL_RULE_H
#define PTXCTL_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include <json-c/json.h>
#include <libptx/libptx.h>

/* "0000:01:00.0", "gpu", "gpu:10de", "any:10de"; returns @buf. */
const char *rule_text(const char *device, enum ptx_kind kind, uint16_t vendor, char buf[64]);
/* The keys device, kind and vendor; what does not matter is null. */
void rule_put_json(struct json_object *obj, const char *device, enum ptx_kind kind,
		   uint16_t vendor);
/* And back. False for what makes no sense: it could make the rule a wider one. */
bool rule_from_json(struct json_object *obj, char device[PTX_DEVICE_NAME_SIZE],
		    enum ptx_kind *kind, uint16_t *vendor);

#endif /* PTXCTL_RULE_H */
