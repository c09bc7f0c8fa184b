/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * device_json: devices and blockers as JSON, the same in every verb.
 */
#ifndef PTXCTL_DEVICE_JSON_H
#define PTXCTL_DEVICE_JSON_H

#include <json-c/json.h>
#include "ptxctl.h"

struct json_object *device_json(struct cli *cli, const struct ptx_device *dev,
				const struct ptx_lease_info_list *leases);
struct json_object *blockers_json(const struct ptx_device *dev);
struct json_object *uses_json(const struct ptx_use_list *uses);

#endif /* PTXCTL_DEVICE_JSON_H */
