// SPDX-License-Identifier: GPL-2.0-only
/*
 * device_json: devices, blockers and uses as JSON. Every key is always there;
 * what does not apply is null.
 */
#include <string.h>
#include "device_json.h"
#include "output.h"
#include "pciname.h"

static void put_resets(struct json_object *obj, const char *methods)
{
	struct json_object *array = json_object_new_array();

	while (methods && *methods) {
		char word[64];
		size_t n;

		methods += strspn(methods, " ");
		n = strcspn(methods, " ");
		if (n && n < sizeof(word)) {
			memcpy(word, methods, n);
			word[n] = '\0';
			json_object_array_add(array, json_text(word));
		}
		methods += n;
	}
	json_object_object_add(obj, "reset_methods", array);
}

static void put_lease(struct json_object *obj, const struct ptx_device *dev,
		      const struct ptx_lease_info_list *leases)
{
	uint64_t id = ptx_device_lease_id(dev);
	const struct ptx_lease_info *info;
	enum ptx_member_state state;
	struct json_object *lease;

	if (!id) {
		json_object_object_add(obj, "lease", NULL);
		return;
	}
	info = leases ? ptx_lease_info_list_find(leases, id) : NULL;
	lease = json_object_new_object();
	json_put_u64(lease, "id", id);
	json_put_text(lease, "name", info ? ptx_lease_info_name(info) : NULL);
	json_put_text(lease, "member_state", ptx_device_member_state(dev, &state) ?
					     ptx_member_state_name(state) : NULL);
	json_object_object_add(obj, "lease", lease);
}

static void put_reset_counts(struct json_object *obj, const struct ptx_device *dev)
{
	struct json_object *array = json_object_new_array();
	const struct ptx_device_reset_count *count;

	for (size_t i = 0; (count = ptx_device_reset_count(dev, i)); i++) {
		struct json_object *one = json_object_new_object();

		json_put_text(one, "method", count->method);
		json_put_u64(one, "tries", count->tries);
		json_put_u64(one, "failures", count->failures);
		json_put_u64(one, "last_ms", count->last_ms);
		json_object_object_add(one, "last_error",
				       json_object_new_int(count->last_error));
		json_object_array_add(array, one);
	}
	json_object_object_add(obj, "resets_tried", array);
}

struct json_object *device_json(struct cli *cli, const struct ptx_device *dev,
				const struct ptx_lease_info_list *leases)
{
	struct json_object *obj = json_object_new_object();
	char rom[PTX_ROM_TEXT_SIZE];
	enum ptx_member_state state;
	uint32_t group;

	json_put_text(obj, "address", ptx_device_name(dev));
	json_put_text(obj, "name", cli_name_of(cli, ptx_device_name(dev)));
	json_put_text(obj, "kind", ptx_kind_name(ptx_device_kind(dev)));
	json_put_text(obj, "vendor", pciname_vendor(dev));
	json_put_text(obj, "device", pciname_device(dev));
	json_put_hex(obj, "vendor_id", ptx_device_vendor_id(dev), 4);
	json_put_hex(obj, "device_id", ptx_device_device_id(dev), 4);
	json_put_hex(obj, "subsystem_vendor_id", ptx_device_subsystem_vendor_id(dev), 4);
	json_put_hex(obj, "subsystem_device_id", ptx_device_subsystem_device_id(dev), 4);
	json_put_hex(obj, "class", ptx_device_class(dev), 6);
	json_put_text(obj, "class_name", pciname_class(dev));
	json_put_text(obj, "driver", ptx_device_driver(dev));
	json_put_text(obj, "driver_override", ptx_device_driver_override(dev));
	if (ptx_device_group(dev, &group))
		json_put_u64(obj, "group", group);
	else
		json_object_object_add(obj, "group", NULL);
	json_object_object_add(obj, "numa_node", ptx_device_numa_node(dev) < 0 ? NULL :
			       json_object_new_int(ptx_device_numa_node(dev)));
	put_resets(obj, ptx_device_reset_methods(dev));
	put_reset_counts(obj, dev);
	json_put_text(obj, "physfn", ptx_device_physfn(dev));
	json_put_text(obj, "rom_sha256", ptx_device_rom(dev) ?
		      ptx_rom_text(ptx_device_rom(dev), rom) : NULL);
	json_put_bool(obj, "keeps_memory", ptx_device_keeps_memory(dev));
	/* Of a lease, of the pool, or in quarantine, when no lease has it. */
	json_put_text(obj, "member_state", ptx_device_member_state(dev, &state) ?
					   ptx_member_state_name(state) : NULL);
	put_lease(obj, dev, leases);
	json_object_object_add(obj, "pooled", json_object_new_boolean(ptx_device_pooled(dev)));
	return obj;
}

struct json_object *blockers_json(const struct ptx_device *dev)
{
	struct json_object *array = json_object_new_array();
	const struct ptx_blocker *blocker;
	char remedy[512];

	for (size_t i = 0; (blocker = ptx_device_blocker(dev, i)); i++) {
		enum ptx_reason reason = (enum ptx_reason)blocker->reason;
		struct json_object *obj = json_object_new_object();

		json_put_text(obj, "reason", ptx_reason_name(reason));
		json_put_text(obj, "culprit", blocker->culprit);
		if (blocker->lease)
			json_put_u64(obj, "lease_id", blocker->lease);
		else
			json_object_object_add(obj, "lease_id", NULL);
		if (*blocker->holder)
			json_put_text(obj, "holder", blocker->holder);
		else
			json_object_object_add(obj, "holder", NULL);
		json_put_text(obj, "text", ptx_reason_text(reason));
		json_put_text(obj, "remedy", ptx_reason_remedy(reason, blocker->culprit, remedy,
							       sizeof(remedy)));
		json_object_array_add(array, obj);
	}
	return array;
}

struct json_object *uses_json(const struct ptx_use_list *uses)
{
	struct json_object *array = json_object_new_array();
	const struct ptx_use *use;

	for (size_t i = 0; (use = ptx_use_list_at(uses, i)); i++) {
		struct json_object *obj = json_object_new_object();

		json_put_text(obj, "use", ptx_use_kind_name(ptx_use_kind(use)));
		json_put_text(obj, "node", ptx_use_node(use));
		json_put_text(obj, "by", *ptx_use_by(use) ? ptx_use_by(use) : NULL);
		if (ptx_use_pid(use))
			json_put_u64(obj, "pid", (uint64_t)ptx_use_pid(use));
		else
			json_object_object_add(obj, "pid", NULL);
		json_object_array_add(array, obj);
	}
	return array;
}
