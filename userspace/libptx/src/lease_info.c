// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lease_info: copies of what the kernel says about leases, read over netlink
 * or from a lease's own file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct ptx_lease_member {
	char device[PTX_DEVICE_NAME_SIZE];
	char native_driver[PTX_DEVICE_NAME_SIZE];
	char driver[PTX_DEVICE_NAME_SIZE];
	char cdev[PTX_DEVICE_NAME_SIZE];
	enum ptx_kind kind;
	uint32_t group;
	enum ptx_member_state state;
	bool opened, requested, cut, keeps_memory, mediated;
	char *step;
	uint64_t since_ms;
	uint64_t faults;
	enum ptx_reason reason;
};

struct ptx_lease_info {
	uint64_t id;
	char *name;
	enum ptx_lease_state state;
	uid_t owner;
	pid_t pid;
	uint32_t max_devices;
	bool persistent;
	bool forced;
	uint64_t age_ms;
	struct ptx_lease_member *members;
	size_t nr_members;
	struct ptx_space_info *space;
};

struct ptx_lease_info_list {
	struct ptx_lease_info **infos;
	size_t nr;
};

uint64_t ptx_lease_info_id(const struct ptx_lease_info *info)
{
	return info->id;
}

const char *ptx_lease_info_name(const struct ptx_lease_info *info)
{
	return info->name ? info->name : "";
}

enum ptx_lease_state ptx_lease_info_state(const struct ptx_lease_info *info)
{
	return info->state;
}

uid_t ptx_lease_info_owner(const struct ptx_lease_info *info)
{
	return info->owner;
}

uint32_t ptx_lease_info_max_devices(const struct ptx_lease_info *info)
{
	return info->max_devices;
}

pid_t ptx_lease_info_pid(const struct ptx_lease_info *info)
{
	return info->pid;
}

bool ptx_lease_info_persistent(const struct ptx_lease_info *info)
{
	return info->persistent;
}

bool ptx_lease_info_forced(const struct ptx_lease_info *info)
{
	return info->forced;
}

uint64_t ptx_lease_info_age_ms(const struct ptx_lease_info *info)
{
	return info->age_ms;
}

size_t ptx_lease_info_nr_members(const struct ptx_lease_info *info)
{
	return info->nr_members;
}

const struct ptx_lease_member *
ptx_lease_info_member(const struct ptx_lease_info *info, size_t i)
{
	return i < info->nr_members ? &info->members[i] : NULL;
}

const struct ptx_space_info *ptx_lease_info_space(const struct ptx_lease_info *info)
{
	return info->space;
}

const char *ptx_lease_member_device(const struct ptx_lease_member *member)
{
	return member->device;
}

enum ptx_kind ptx_lease_member_kind(const struct ptx_lease_member *member)
{
	return member->kind;
}

uint32_t ptx_lease_member_group(const struct ptx_lease_member *member)
{
	return member->group;
}

enum ptx_member_state ptx_lease_member_state(const struct ptx_lease_member *member)
{
	return member->state;
}

const char *ptx_lease_member_native_driver(const struct ptx_lease_member *member)
{
	return *member->native_driver ? member->native_driver : NULL;
}

const char *ptx_lease_member_driver(const struct ptx_lease_member *member)
{
	return *member->driver ? member->driver : NULL;
}

const char *ptx_lease_member_cdev(const struct ptx_lease_member *member)
{
	return *member->cdev ? member->cdev : NULL;
}

bool ptx_lease_member_cut(const struct ptx_lease_member *member)
{
	return member->cut;
}

bool ptx_lease_member_keeps_memory(const struct ptx_lease_member *member)
{
	return member->keeps_memory;
}

bool ptx_lease_member_mediated(const struct ptx_lease_member *member)
{
	return member->mediated;
}

bool ptx_lease_member_faults(const struct ptx_lease_member *member, uint64_t *faults)
{
	if (member->faults == PTX_SPACE_NO_FAULTS)
		return false;
	*faults = member->faults;
	return true;
}

bool ptx_lease_member_opened(const struct ptx_lease_member *member)
{
	return member->opened;
}

bool ptx_lease_member_requested(const struct ptx_lease_member *member)
{
	return member->requested;
}

const char *ptx_lease_member_step(const struct ptx_lease_member *member)
{
	return member->step;
}

uint64_t ptx_lease_member_since_ms(const struct ptx_lease_member *member)
{
	return member->since_ms;
}

enum ptx_reason ptx_lease_member_reason(const struct ptx_lease_member *member)
{
	return member->reason;
}

struct ptx_lease_info *ptx_lease_info_new(void)
{
	struct ptx_lease_info *info = calloc(1, sizeof(*info));

	if (info)
		info->owner = (uid_t)-1;
	return info;
}

void ptx_lease_info_free(struct ptx_lease_info *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->nr_members; i++)
		free(info->members[i].step);
	free(info->members);
	ptx_space_info_free(info->space);
	free(info->name);
	free(info);
}

void ptx_lease_info_set_state(struct ptx_lease_info *info, uint64_t id,
			      enum ptx_lease_state state)
{
	info->id = id;
	info->state = state;
}

static void copy_name(char to[PTX_DEVICE_NAME_SIZE], const char from[PTX_DEVICE_NAME_SIZE])
{
	size_t n = strnlen(from, PTX_DEVICE_NAME_SIZE - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

/* Room for @nr members in a new info. */
int ptx_lease_info_reserve(struct ptx_lease_info *info, size_t nr)
{
	info->members = calloc(nr ? nr : 1, sizeof(*info->members));
	return info->members ? 0 : -ENOMEM;
}

/* Members in the form of the ioctls, for which room was reserved. Cannot fail. */
void ptx_lease_info_fill(struct ptx_lease_info *info, const struct ptx_member_info *members,
			 size_t nr)
{
	info->nr_members = nr;
	for (size_t i = 0; i < nr; i++) {
		struct ptx_lease_member *m = &info->members[i];

		copy_name(m->device, members[i].name);
		copy_name(m->native_driver, members[i].native_driver);
		copy_name(m->driver, members[i].driver);
		copy_name(m->cdev, members[i].cdev);
		m->kind = (enum ptx_kind)members[i].kind;
		m->group = members[i].group;
		m->state = (enum ptx_member_state)members[i].state;
		m->opened = members[i].flags & PTX_MEMBER_OPENED;
		m->cut = members[i].flags & PTX_MEMBER_CUT;
		m->keeps_memory = members[i].flags & PTX_MEMBER_KEEPS_MEMORY;
		m->requested = members[i].flags & PTX_MEMBER_REQUESTED;
		m->mediated = members[i].flags & PTX_MEMBER_MEDIATED;
		m->faults = PTX_SPACE_NO_FAULTS;
	}
}

static int parse_member(struct ptx_lease_info *info, struct nlattr *nest)
{
	struct ptx_lease_member *m;
	struct nlattr *attr;
	uint32_t u32 = 0;
	bool ok = true;
	int rem;

	if (!ptx_grow(&info->members, info->nr_members, sizeof(*info->members)))
		return -ENOMEM;
	m = &info->members[info->nr_members++];
	memset(m, 0, sizeof(*m));
	m->faults = PTX_SPACE_NO_FAULTS;
	nla_for_each_nested(attr, nest, rem) {
		switch (nla_type(attr)) {
		case PTX_A_MEMBER_DEVICE:
			ok &= ptx_nl_name(attr, m->device);
			break;
		case PTX_A_MEMBER_KIND:
			ok &= ptx_nl_u32(attr, &u32);
			m->kind = (enum ptx_kind)u32;
			break;
		case PTX_A_MEMBER_GROUP:
			ok &= ptx_nl_u32(attr, &m->group);
			break;
		case PTX_A_MEMBER_STATE:
			ok &= ptx_nl_u32(attr, &u32);
			m->state = (enum ptx_member_state)u32;
			break;
		case PTX_A_MEMBER_NATIVE_DRIVER:
			ok &= ptx_nl_name(attr, m->native_driver);
			break;
		case PTX_A_MEMBER_DRIVER:
			ok &= ptx_nl_name(attr, m->driver);
			break;
		case PTX_A_MEMBER_CDEV:
			ok &= ptx_nl_name(attr, m->cdev);
			break;
		case PTX_A_MEMBER_OPENED:
			m->opened = true;
			break;
		case PTX_A_MEMBER_CUT:
			m->cut = true;
			break;
		case PTX_A_MEMBER_KEEPS_MEMORY:
			m->keeps_memory = true;
			break;
		case PTX_A_MEMBER_REQUESTED:
			m->requested = true;
			break;
		case PTX_A_MEMBER_MEDIATED:
			m->mediated = true;
			break;
		case PTX_A_MEMBER_STEP:
			ok &= ptx_nl_dup(attr, &m->step);
			break;
		case PTX_A_MEMBER_SINCE_MS:
			ok &= ptx_nl_u64(attr, &m->since_ms);
			break;
		case PTX_A_MEMBER_FAULTS:
			ok &= ptx_nl_u64(attr, &m->faults);
			break;
		case PTX_A_MEMBER_REASON:
			ok &= ptx_nl_u32(attr, &u32);
			m->reason = (enum ptx_reason)u32;
			break;
		}
	}
	return ok ? 0 : -EPROTO;
}

static int parse_attr(struct ptx_lease_info *info, struct nlattr *attr)
{
	uint32_t u32 = 0;
	bool ok = true;

	switch (nla_type(attr)) {
	case PTX_A_LEASE_ID:
		ok = ptx_nl_u64(attr, &info->id);
		break;
	case PTX_A_LEASE_NAME:
		ok = ptx_nl_dup(attr, &info->name);
		break;
	case PTX_A_LEASE_STATE:
		ok = ptx_nl_u32(attr, &u32);
		info->state = (enum ptx_lease_state)u32;
		break;
	case PTX_A_LEASE_OWNER:
		ok = ptx_nl_u32(attr, &u32);
		info->owner = u32;
		break;
	case PTX_A_LEASE_PID:
		ok = ptx_nl_u32(attr, &u32);
		info->pid = (pid_t)u32;
		break;
	case PTX_A_LEASE_MAX_DEVICES:
		ok = ptx_nl_u32(attr, &info->max_devices);
		break;
	case PTX_A_LEASE_FORCED:
		info->forced = true;
		break;
	case PTX_A_LEASE_PERSISTENT:
		info->persistent = true;
		break;
	case PTX_A_LEASE_AGE_MS:
		ok = ptx_nl_u64(attr, &info->age_ms);
		break;
	case PTX_A_LEASE_MEMBER:
		return parse_member(info, attr);
	case PTX_A_LEASE_SPACE:
		return ptx_space_info_parse(attr, &info->space);
	}
	return ok ? 0 : -EPROTO;
}

static int parse_lease(struct nlmsghdr *hdr, struct ptx_lease_info **out)
{
	struct ptx_lease_info *info;
	struct genlmsghdr *ghdr;
	struct nlattr *attr;
	int rem, err = 0;

	if (!genlmsg_valid_hdr(hdr, 0))
		return -EPROTO;
	info = ptx_lease_info_new();
	if (!info)
		return -ENOMEM;
	ghdr = genlmsg_hdr(hdr);
	nla_for_each_attr(attr, genlmsg_attrdata(ghdr, 0), genlmsg_attrlen(ghdr, 0), rem) {
		err = parse_attr(info, attr);
		if (err)
			break;
	}
	if (err) {
		ptx_lease_info_free(info);
		return err;
	}
	*out = info;
	return 0;
}

/* Reply handler for one lease; @arg is a struct ptx_lease_info **. */
int ptx_lease_info_reply(struct nlmsghdr *hdr, void *arg)
{
	struct ptx_lease_info **out = arg;

	ptx_lease_info_free(*out);
	*out = NULL;
	return parse_lease(hdr, out);
}

static int take_another(struct nlmsghdr *hdr, void *arg)
{
	struct ptx_lease_info_list *list = arg;
	int err;

	if (!ptx_grow(&list->infos, list->nr, sizeof(*list->infos)))
		return -ENOMEM;
	err = parse_lease(hdr, &list->infos[list->nr]);
	if (!err)
		list->nr++;
	return err;
}

static void forget_all(void *arg)
{
	struct ptx_lease_info_list *list = arg;

	while (list->nr)
		ptx_lease_info_free(list->infos[--list->nr]);
	free(list->infos);
	list->infos = NULL;
}

static int by_id(const void *a, const void *b)
{
	const struct ptx_lease_info *const *x = a, *const *y = b;

	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

int ptx_lease_info_list_get(struct ptx_ctx *ctx, struct ptx_lease_info_list **out)
{
	struct ptx_lease_info_list *list;
	int err;

	*out = NULL;
	list = calloc(1, sizeof(*list));
	if (!list)
		return ptx_error_no_memory(ctx);
	err = ptx_nl_dump(ctx, PTX_CMD_LEASE_GET, take_another, list, forget_all);
	if (err) {
		ptx_lease_info_list_free(list);
		return err;
	}
	if (list->nr)
		qsort(list->infos, list->nr, sizeof(*list->infos), by_id);
	*out = list;
	return 0;
}

void ptx_lease_info_list_free(struct ptx_lease_info_list *list)
{
	if (!list)
		return;
	forget_all(list);
	free(list);
}

size_t ptx_lease_info_list_count(const struct ptx_lease_info_list *list)
{
	return list->nr;
}

const struct ptx_lease_info *
ptx_lease_info_list_at(const struct ptx_lease_info_list *list, size_t i)
{
	return i < list->nr ? list->infos[i] : NULL;
}

const struct ptx_lease_info *
ptx_lease_info_list_find(const struct ptx_lease_info_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->nr; i++) {
		if (list->infos[i]->id == id)
			return list->infos[i];
	}
	return NULL;
}
