// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * device: copies of what the catalog says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct ptx_device {
	char name[PTX_DEVICE_NAME_SIZE];
	enum ptx_kind kind;
	uint16_t vendor_id, device_id;
	uint16_t subsystem_vendor_id, subsystem_device_id;
	uint32_t class;
	char *driver;
	char *driver_override;
	char *reset_methods;
	char *physfn;
	uint32_t group;
	int numa_node;
	uint64_t lease_id;
	enum ptx_member_state member_state;
	bool has_group, has_member_state, pooled, keeps_memory, has_rom;
	struct ptx_rom rom;
	struct ptx_blocker *blockers;
	size_t nr_blockers;
	char (*mates)[PTX_DEVICE_NAME_SIZE];
	size_t nr_mates;
	struct ptx_device_reset_count *resets;
	size_t nr_resets;
};

struct ptx_device_list {
	struct ptx_device **devices;
	size_t nr;
};

const char *ptx_device_name(const struct ptx_device *dev)
{
	return dev->name;
}

enum ptx_kind ptx_device_kind(const struct ptx_device *dev)
{
	return dev->kind;
}

uint16_t ptx_device_vendor_id(const struct ptx_device *dev)
{
	return dev->vendor_id;
}

uint16_t ptx_device_device_id(const struct ptx_device *dev)
{
	return dev->device_id;
}

uint16_t ptx_device_subsystem_vendor_id(const struct ptx_device *dev)
{
	return dev->subsystem_vendor_id;
}

uint16_t ptx_device_subsystem_device_id(const struct ptx_device *dev)
{
	return dev->subsystem_device_id;
}

uint32_t ptx_device_class(const struct ptx_device *dev)
{
	return dev->class;
}

const char *ptx_device_driver(const struct ptx_device *dev)
{
	return dev->driver;
}

const char *ptx_device_driver_override(const struct ptx_device *dev)
{
	return dev->driver_override;
}

bool ptx_device_group(const struct ptx_device *dev, uint32_t *group)
{
	*group = dev->group;
	return dev->has_group;
}

int ptx_device_numa_node(const struct ptx_device *dev)
{
	return dev->numa_node;
}

const char *ptx_device_reset_methods(const struct ptx_device *dev)
{
	return dev->reset_methods;
}

const char *ptx_device_physfn(const struct ptx_device *dev)
{
	return dev->physfn;
}

uint64_t ptx_device_lease_id(const struct ptx_device *dev)
{
	return dev->lease_id;
}

const struct ptx_rom *ptx_device_rom(const struct ptx_device *dev)
{
	return dev->has_rom ? &dev->rom : NULL;
}

bool ptx_device_keeps_memory(const struct ptx_device *dev)
{
	return dev->keeps_memory;
}

bool ptx_device_pooled(const struct ptx_device *dev)
{
	return dev->pooled;
}

bool ptx_device_member_state(const struct ptx_device *dev, enum ptx_member_state *state)
{
	*state = dev->member_state;
	return dev->has_member_state;
}

size_t ptx_device_nr_blockers(const struct ptx_device *dev)
{
	return dev->nr_blockers;
}

const struct ptx_blocker *ptx_device_blocker(const struct ptx_device *dev, size_t i)
{
	return i < dev->nr_blockers ? &dev->blockers[i] : NULL;
}

const struct ptx_device_reset_count *ptx_device_reset_count(const struct ptx_device *dev,
							    size_t i)
{
	return i < dev->nr_resets ? &dev->resets[i] : NULL;
}

size_t ptx_device_nr_group_members(const struct ptx_device *dev)
{
	return dev->nr_mates;
}

const char *ptx_device_group_member(const struct ptx_device *dev, size_t i)
{
	return i < dev->nr_mates ? dev->mates[i] : NULL;
}

void ptx_device_free(struct ptx_device *dev)
{
	if (!dev)
		return;
	free(dev->driver);
	free(dev->driver_override);
	free(dev->reset_methods);
	free(dev->physfn);
	free(dev->blockers);
	free(dev->mates);
	for (size_t i = 0; i < dev->nr_resets; i++)
		free(dev->resets[i].method);
	free(dev->resets);
	free(dev);
}

/* One nested blocker attribute into the form that the ioctls use. */
int ptx_blocker_parse(struct nlattr *nest, struct ptx_blocker *blocker)
{
	struct nlattr *attr;
	bool ok = true;
	int rem;

	memset(blocker, 0, sizeof(*blocker));
	nla_for_each_nested(attr, nest, rem) {
		switch (nla_type(attr)) {
		case PTX_A_BLOCKER_REASON:
			ok &= ptx_nl_u32(attr, &blocker->reason);
			break;
		case PTX_A_BLOCKER_CULPRIT:
			ok &= ptx_nl_name(attr, blocker->culprit);
			break;
		case PTX_A_BLOCKER_HOLDER:
			ok &= ptx_nl_name(attr, blocker->holder);
			break;
		case PTX_A_BLOCKER_LEASE_ID: {
			uint64_t id = 0;

			ok &= ptx_nl_u64(attr, &id);
			blocker->lease = id;
			break;
		}
		}
	}
	return ok ? 0 : -EPROTO;
}

static bool get_u16(const struct nlattr *attr, uint16_t *out)
{
	if (nla_len(attr) != (int)sizeof(*out))
		return false;
	*out = nla_get_u16(attr);
	return true;
}

static int add_blocker(struct ptx_device *dev, struct nlattr *nest)
{
	if (!ptx_grow(&dev->blockers, dev->nr_blockers, sizeof(*dev->blockers)))
		return -ENOMEM;
	return ptx_blocker_parse(nest, &dev->blockers[dev->nr_blockers++]);
}

static int add_reset(struct ptx_device *dev, struct nlattr *nest)
{
	struct ptx_device_reset_count *count;
	struct nlattr *attr;
	uint32_t u32 = 0;
	bool ok = true;
	int rem;

	if (!ptx_grow(&dev->resets, dev->nr_resets, sizeof(*dev->resets)))
		return -ENOMEM;
	count = &dev->resets[dev->nr_resets++];
	memset(count, 0, sizeof(*count));
	nla_for_each_nested(attr, nest, rem) {
		switch (nla_type(attr)) {
		case PTX_A_RESET_METHOD:
			ok &= ptx_nl_dup(attr, &count->method);
			break;
		case PTX_A_RESET_TRIES:
			ok &= ptx_nl_u32(attr, &count->tries);
			break;
		case PTX_A_RESET_FAILURES:
			ok &= ptx_nl_u32(attr, &count->failures);
			break;
		case PTX_A_RESET_LAST_MS:
			ok &= ptx_nl_u32(attr, &count->last_ms);
			break;
		case PTX_A_RESET_LAST_ERROR:
			ok &= ptx_nl_u32(attr, &u32);
			count->last_error = (int)u32;
			break;
		}
	}
	return ok && count->method ? 0 : -EPROTO;
}

static int add_mate(struct ptx_device *dev, const struct nlattr *attr)
{
	if (!ptx_grow(&dev->mates, dev->nr_mates, sizeof(*dev->mates)))
		return -ENOMEM;
	return ptx_nl_name(attr, dev->mates[dev->nr_mates++]) ? 0 : -EPROTO;
}

static int parse_attr(struct ptx_device *dev, struct nlattr *attr)
{
	uint32_t u32 = 0;
	bool ok = true;

	switch (nla_type(attr)) {
	case PTX_A_DEVICE_NAME:
		ok = ptx_nl_name(attr, dev->name);
		break;
	case PTX_A_DEVICE_KIND:
		ok = ptx_nl_u32(attr, &u32);
		dev->kind = (enum ptx_kind)u32;
		break;
	case PTX_A_DEVICE_VENDOR_ID:
		ok = get_u16(attr, &dev->vendor_id);
		break;
	case PTX_A_DEVICE_DEVICE_ID:
		ok = get_u16(attr, &dev->device_id);
		break;
	case PTX_A_DEVICE_SUBSYSTEM_VENDOR_ID:
		ok = get_u16(attr, &dev->subsystem_vendor_id);
		break;
	case PTX_A_DEVICE_SUBSYSTEM_DEVICE_ID:
		ok = get_u16(attr, &dev->subsystem_device_id);
		break;
	case PTX_A_DEVICE_CLASS:
		ok = ptx_nl_u32(attr, &dev->class);
		break;
	case PTX_A_DEVICE_DRIVER:
		ok = ptx_nl_dup(attr, &dev->driver);
		break;
	case PTX_A_DEVICE_DRIVER_OVERRIDE:
		ok = ptx_nl_dup(attr, &dev->driver_override);
		break;
	case PTX_A_DEVICE_GROUP:
		ok = dev->has_group = ptx_nl_u32(attr, &dev->group);
		break;
	case PTX_A_DEVICE_NUMA_NODE:
		ok = ptx_nl_u32(attr, &u32);
		dev->numa_node = (int)u32;
		break;
	case PTX_A_DEVICE_RESET_METHODS:
		ok = ptx_nl_dup(attr, &dev->reset_methods);
		break;
	case PTX_A_DEVICE_PHYSFN:
		ok = ptx_nl_dup(attr, &dev->physfn);
		break;
	case PTX_A_DEVICE_LEASE_ID:
		ok = ptx_nl_u64(attr, &dev->lease_id);
		break;
	case PTX_A_DEVICE_MEMBER_STATE:
		ok = dev->has_member_state = ptx_nl_u32(attr, &u32);
		dev->member_state = (enum ptx_member_state)u32;
		break;
	case PTX_A_DEVICE_BLOCKER:
		return add_blocker(dev, attr);
	case PTX_A_DEVICE_GROUP_MEMBER:
		return add_mate(dev, attr);
	case PTX_A_DEVICE_RESET:
		return add_reset(dev, attr);
	case PTX_A_DEVICE_POOLED:
		ok = dev->pooled = !nla_len(attr);
		break;
	case PTX_A_DEVICE_KEEPS_MEMORY:
		ok = dev->keeps_memory = !nla_len(attr);
		break;
	case PTX_A_DEVICE_ROM_SHA256:
		ok = dev->has_rom = nla_len(attr) == sizeof(dev->rom);
		if (ok)
			memcpy(&dev->rom, nla_data(attr), sizeof(dev->rom));
		break;
	}
	return ok ? 0 : -EPROTO;
}

static int parse_device(struct nlmsghdr *hdr, struct ptx_device **out)
{
	struct genlmsghdr *ghdr;
	struct ptx_device *dev;
	struct nlattr *attr;
	int rem, err = 0;

	if (!genlmsg_valid_hdr(hdr, 0))
		return -EPROTO;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;
	dev->numa_node = -1;
	ghdr = genlmsg_hdr(hdr);
	nla_for_each_attr(attr, genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), rem) {
		err = parse_attr(dev, attr);
		if (err)
			break;
	}
	if (!err && !*dev->name)
		err = -EPROTO;
	if (err) {
		ptx_device_free(dev);
		return err;
	}
	*out = dev;
	return 0;
}

static int take_one(struct nlmsghdr *hdr, void *arg)
{
	struct ptx_device **out = arg;

	ptx_device_free(*out);
	*out = NULL;
	return parse_device(hdr, out);
}

static int take_another(struct nlmsghdr *hdr, void *arg)
{
	struct ptx_device_list *list = arg;
	int err;

	if (!ptx_grow(&list->devices, list->nr, sizeof(*list->devices)))
		return -ENOMEM;
	err = parse_device(hdr, &list->devices[list->nr]);
	if (!err)
		list->nr++;
	return err;
}

static void forget_all(void *arg)
{
	struct ptx_device_list *list = arg;

	while (list->nr)
		ptx_device_free(list->devices[--list->nr]);
	free(list->devices);
	list->devices = NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct ptx_device *const *x = a, *const *y = b;

	/* Domains of more than four digits come after the others. */
	if (strlen((*x)->name) != strlen((*y)->name))
		return strlen((*x)->name) < strlen((*y)->name) ? -1 : 1;
	return strcmp((*x)->name, (*y)->name);
}

int ptx_device_list_get(struct ptx_ctx *ctx, struct ptx_device_list **out)
{
	struct ptx_device_list *list;
	int err;

	*out = NULL;
	list = calloc(1, sizeof(*list));
	if (!list)
		return ptx_error_no_memory(ctx);
	err = ptx_nl_dump(ctx, PTX_CMD_DEVICE_GET, take_another, list, forget_all);
	if (err) {
		ptx_device_list_free(list);
		return err;
	}
	if (list->nr)
		qsort(list->devices, list->nr, sizeof(*list->devices), by_name);
	*out = list;
	return 0;
}

void ptx_device_list_free(struct ptx_device_list *list)
{
	if (!list)
		return;
	forget_all(list);
	free(list);
}

size_t ptx_device_list_count(const struct ptx_device_list *list)
{
	return list->nr;
}

const struct ptx_device *ptx_device_list_at(const struct ptx_device_list *list, size_t i)
{
	return i < list->nr ? list->devices[i] : NULL;
}

const struct ptx_device *ptx_device_list_find(const struct ptx_device_list *list,
					      const char *name)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (!strcmp(list->devices[i]->name, name))
			return list->devices[i];
	}
	return NULL;
}

int ptx_device_get(struct ptx_ctx *ctx, const char *name, struct ptx_device **out)
{
	struct ptx_device *dev = NULL;
	struct nl_msg *msg;
	int err;

	*out = NULL;
	err = ptx_devices_check(ctx, &name, 1, false);
	if (err)
		return err;
	msg = ptx_nl_new(ctx, PTX_CMD_DEVICE_GET);
	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, PTX_A_DEVICE_NAME, name)) {
		nlmsg_free(msg);
		return ptx_error_no_memory(ctx);
	}
	err = ptx_nl_call(ctx, msg, take_one, &dev);
	if (!err && !dev)
		err = ptx_error_set(ctx, EPROTO, PTX_REASON_NONE, name);
	if (err) {
		ptx_device_free(dev);
		if (err == -ENODEV && !ctx->error.no_module)
			return ptx_error_set(ctx, ENODEV, PTX_REASON_NO_DEVICE, name);
		return err;
	}
	*out = dev;
	return 0;
}

int ptx_device_reset(struct ptx_ctx *ctx, const char *name)
{
	struct nl_msg *msg;
	int err;

	err = ptx_devices_check(ctx, &name, 1, false);
	if (err)
		return err;
	msg = ptx_nl_new(ctx, PTX_CMD_DEVICE_RESET);
	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, PTX_A_DEVICE_NAME, name)) {
		nlmsg_free(msg);
		return ptx_error_no_memory(ctx);
	}
	return ptx_nl_call(ctx, msg, NULL, NULL);
}
