// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices: made for a lease by the driver of another device, its parent, and
 * removed when it is given back.
 *
 * The one door to both is sysfs. What is removed is the device that we have made, since
 * the attribute was opened then, and not one that somebody gave the same UUID later.
 * Removing waits until VFIO's users have closed it, and asks them meanwhile.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "claim.h"
#include "lease.h"
#include "mdev.h"
#include "pool.h"
#include "provider.h"
#include "sysfs.h"

#define PTX_MDEV_PARENTS	"class/mdev_bus/"
#define PTX_MDEV_TYPES		"/mdev_supported_types/"
#define PTX_MDEV_DEVICES	"bus/mdev/devices/"

/* As for a driver_override: memory is there in the end, and there is nothing else. */
#define PTX_MDEV_TRIES		100
#define PTX_MDEV_WAIT_MS	10

#define PTX_MDEV_PATH_MAX	(2 * PTX_DEVICE_NAME_SIZE)

/**
 * struct ptx_mdev_name - what a request says
 * @parent: as under /sys/class/mdev_bus
 * @type: as under its mdev_supported_types
 * @uuid: what it is to be called; all zeroes for what we like
 */
struct ptx_mdev_name {
	char parent[PTX_DEVICE_NAME_SIZE];
	char type[PTX_DEVICE_NAME_SIZE];
	uuid_t uuid;
};

/**
 * struct ptx_mdev_entry - a mediated device
 * @entry: undone by removing it
 * @member: which
 * @remove: its attribute, open; NULL until it is
 */
struct ptx_mdev_entry {
	struct ptx_entry entry;
	struct ptx_member *member;
	struct file *remove;
};

static void ptx_mdev_path(const struct ptx_member *member, const char *attr, char *path)
{
	snprintf(path, PTX_MDEV_PATH_MAX, PTX_MDEV_DEVICES "%s/%s", member->name, attr);
}

/* Where types are, and what they have. */
static void ptx_mdev_type_path(const struct ptx_mdev_name *name, const char *attr,
			       char *path, size_t size)
{
	snprintf(path, size, PTX_MDEV_PARENTS "%s" PTX_MDEV_TYPES "%s%s%s", name->parent,
		 name->type, *attr ? "/" : "", attr);
}

static struct file *ptx_mdev_open_remove(struct ptx_member *member)
{
	char path[PTX_MDEV_PATH_MAX];
	struct file *file;
	int tries;

	ptx_mdev_path(member, "remove", path);
	for (tries = 0; tries < PTX_MDEV_TRIES; tries++) {
		file = ptx_sysfs_open(path, O_WRONLY);
		if (!IS_ERR(file) || PTR_ERR(file) == -ENOENT)
			return file;
		msleep(PTX_MDEV_WAIT_MS);
	}
	return file;
}

static enum ptx_undo ptx_mdev_undo(struct ptx_entry *entry)
{
	struct ptx_mdev_entry *e = container_of(entry, struct ptx_mdev_entry, entry);
	struct ptx_member *member = e->member;
	int ret = -ENOENT, tries;

	member->outcome = PTX_MEMBER_STATE_HOME;
	for (tries = 0; !IS_ERR_OR_NULL(e->remove) && tries < PTX_MDEV_TRIES; tries++) {
		ret = ptx_sysfs_write_file(e->remove, "1");
		/* The second: it is not whole yet, for who is making it. */
		if (ret != -ENOMEM && ret != -EAGAIN)
			break;
		msleep(PTX_MDEV_WAIT_MS);
	}
	/* Somebody else has removed it, or it went with its parent. */
	if (ret == -ENOENT || ret == -ENODEV)
		member->outcome = PTX_MEMBER_STATE_GONE;
	else if (ret)
		pr_err("%s: the mediated device cannot be removed (%d)\n", member->name, ret);
	return PTX_UNDO_DONE;
}

static void ptx_mdev_free(struct ptx_entry *entry)
{
	struct ptx_mdev_entry *e = container_of(entry, struct ptx_mdev_entry, entry);

	if (!IS_ERR_OR_NULL(e->remove))
		fput(e->remove);
	kfree(e);
}

static const struct ptx_step ptx_mdev_step = {
	.doing = "making a mediated device",
	.undoing = "removing the mediated device",
	.undo = ptx_mdev_undo,
	.free = ptx_mdev_free,
};

static int ptx_mdev_fail(struct ptx_claim *claim, u32 reason, const char *culprit, int ret)
{
	claim->fault.reason = reason;
	strscpy(claim->fault.culprit, culprit);
	return ret;
}

/* What its driver said, in ours; several words for full are in use. */
static int ptx_mdev_refused(struct ptx_claim *claim, int ret)
{
	const struct ptx_mdev_name *name = claim->mdev;

	switch (ret) {
	case -ENOENT:
	case -ENODEV:
		return ptx_mdev_fail(claim, PTX_REASON_GONE, name->parent, -ENODEV);
	case -EEXIST:
		return ptx_mdev_fail(claim, PTX_REASON_VGPU_EXISTS,
				     list_first_entry(&claim->members, struct ptx_member,
						      node)->name, ret);
	case -EUSERS:
	case -ENOSPC:
	case -EBUSY:
		return ptx_mdev_fail(claim, PTX_REASON_VGPUS_USED_UP, name->parent, -EBUSY);
	case -ENOMEM:
		return ptx_mdev_fail(claim, PTX_REASON_NO_MEMORY, "", ret);
	default:
		return ptx_mdev_fail(claim, PTX_REASON_VGPU_FAILED, name->parent, -EIO);
	}
}

/* Its IOMMU group, and the driver that it was given; neither decides anything. */
static void ptx_mdev_learn(struct ptx_member *member)
{
	char path[PTX_MDEV_PATH_MAX], text[PTX_DEVICE_NAME_SIZE];
	struct ptx_claim *claim = member->claim;

	ptx_mdev_path(member, "iommu_group", path);
	if (ptx_sysfs_link(path, text, sizeof(text)) || kstrtoint(text, 10, &claim->group_id))
		claim->group_id = PTX_NO_GROUP;
	ptx_mdev_path(member, "driver", path);
	if (!ptx_sysfs_link(path, text, sizeof(text)))
		strscpy(claim->driver, text);
}

static int ptx_mdev_take(struct ptx_claim *claim)
{
	struct ptx_member *member = list_first_entry(&claim->members, struct ptx_member, node);
	char path[2 * PTX_MDEV_PATH_MAX];
	struct ptx_mdev_entry *e;
	int ret;

	if (READ_ONCE(claim->state) != PTX_MEMBER_STATE_BUILDING)
		return -ECANCELED;
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return ptx_mdev_refused(claim, -ENOMEM);
	e->member = member;
	ptx_journal_reserve(&claim->journal, &e->entry, &ptx_mdev_step);
	WRITE_ONCE(claim->at, member);
	ptx_mdev_type_path(claim->mdev, "create", path, sizeof(path));
	ret = ptx_sysfs_write(path, member->name);
	if (ret)
		return ptx_mdev_refused(claim, ret);
	ptx_journal_arm(&claim->journal, &e->entry);
	claim->attached = true;
	e->remove = ptx_mdev_open_remove(member);
	if (IS_ERR(e->remove))
		return ptx_mdev_refused(claim, PTR_ERR(e->remove));
	ptx_mdev_learn(member);
	return 0;
}

/* It is not reset: the next one is another device. */
static enum ptx_undo ptx_mdev_detach(struct ptx_claim *claim)
{
	return PTX_UNDO_DONE;
}

static enum ptx_undo ptx_mdev_give_back(struct ptx_claim *claim)
{
	return ptx_journal_unwind(&claim->journal);
}

/* Its driver does not tell; whoever removes it waits for them, and asks. */
static bool ptx_mdev_is_busy(struct ptx_claim *claim)
{
	return false;
}

static void ptx_mdev_ask_back(struct ptx_claim *claim, unsigned int asked)
{
}

static bool ptx_mdev_may_wait(struct ptx_claim *claim)
{
	return claim->attached;
}

static void ptx_mdev_describe(struct ptx_member *member, struct ptx_member_info *info)
{
	char path[PTX_MDEV_PATH_MAX];

	info->flags |= PTX_MEMBER_MEDIATED;
	/* Nobody tells us when it goes with its parent, or an admin removes it. */
	ptx_mdev_path(member, "", path);
	if (info->state == PTX_MEMBER_STATE_READY && !ptx_sysfs_exists(path))
		info->state = PTX_MEMBER_STATE_GONE;
	if (info->state == PTX_MEMBER_STATE_READY)
		strscpy(info->driver, member->claim->driver);
}

static const struct ptx_provider ptx_mdev_provider = {
	.take = ptx_mdev_take,
	.detach = ptx_mdev_detach,
	.give_back = ptx_mdev_give_back,
	.is_busy = ptx_mdev_is_busy,
	.ask_back = ptx_mdev_ask_back,
	.may_wait = ptx_mdev_may_wait,
	.describe = ptx_mdev_describe,
};

/**
 * ptx_mdev_is_name() - does a request want a mediated device
 * @name: what it says
 *
 * Return: true if that is no device's address.
 */
bool ptx_mdev_is_name(const char *name)
{
	return !strncmp(name, PTX_MDEV_PREFIX, strlen(PTX_MDEV_PREFIX));
}

static int ptx_mdev_parse(const char *text, struct ptx_mdev_name *name)
{
	const char *parent = text + strlen(PTX_MDEV_PREFIX);
	const char *type = strchrnul(parent, '/');
	size_t parent_len = type - parent, type_len;

	if (!*type || !ptx_sysfs_is_component(parent, parent_len))
		return -EINVAL;
	type++;
	type_len = strchrnul(type, '/') - type;
	if (!ptx_sysfs_is_component(type, type_len))
		return -EINVAL;
	memcpy(name->parent, parent, parent_len);
	memcpy(name->type, type, type_len);
	if (!type[type_len])
		return 0;
	type += type_len + 1;
	if (strlen(type) != UUID_STRING_LEN || uuid_parse(type, &name->uuid) ||
	    uuid_is_null(&name->uuid))
		return -EINVAL;
	return 0;
}

static u32 ptx_mdev_wanted(const struct ptx_add *add, const struct ptx_mdev_name *name)
{
	struct ptx_claim *claim;
	u32 i, nr = 1;

	for (i = 0; i < add->nr_claims; i++) {
		claim = add->claims[i];
		nr += claim->mdev && !strcmp(claim->mdev->parent, name->parent) &&
		      !strcmp(claim->mdev->type, name->type);
	}
	return nr;
}

/* Why there can be none of it, as far as can be told before. */
static u32 ptx_mdev_verdict(const struct ptx_add *add, const struct ptx_mdev_name *name)
{
	char path[2 * PTX_MDEV_PATH_MAX], text[16];
	u32 free;

	snprintf(path, sizeof(path), PTX_MDEV_PARENTS "%s", name->parent);
	if (!ptx_sysfs_exists(path))
		return PTX_REASON_NO_DEVICE;
	ptx_mdev_type_path(name, "", path, sizeof(path));
	if (!ptx_sysfs_exists(path))
		return PTX_REASON_NO_VGPU_TYPE;
	ptx_mdev_type_path(name, "available_instances", path, sizeof(path));
	if (!ptx_sysfs_read(path, text, sizeof(text)) && !kstrtouint(text, 10, &free) &&
	    free < ptx_mdev_wanted(add, name))
		return PTX_REASON_VGPUS_USED_UP;
	return PTX_REASON_NONE;
}

/**
 * ptx_mdev_claim() - plan for a mediated device
 * @lease: that it is for
 * @add: the request; its blockers say why there can be none
 * @name: PTX_MDEV_PREFIX and so on
 *
 * Nothing is made yet. Undone by ptx_claim_put().
 *
 * Return: the claim, or -ENODEV, -EBUSY, -EPERM, -EOPNOTSUPP, -ENOMEM.
 */
struct ptx_claim *ptx_mdev_claim(struct ptx_lease *lease, struct ptx_add *add,
				 const char *name)
{
	char uuid[UUID_STRING_LEN + 1];
	struct ptx_mdev_name *mdev;
	struct ptx_claim *claim;
	u32 reason;

	/* What a grant is for is a device that there is, and the pool is for those too. */
	if (add->needs_grant || ptx_pool_is(lease)) {
		ptx_blockers_add(add->blockers, add->needs_grant ? PTX_REASON_NO_RIGHT :
				 PTX_REASON_BAD_DRIVER, name, 0);
		return ERR_PTR(add->needs_grant ? -EPERM : -EOPNOTSUPP);
	}
	mdev = kzalloc(sizeof(*mdev), GFP_KERNEL);
	if (!mdev)
		return ERR_PTR(-ENOMEM);
	if (ptx_mdev_parse(name, mdev)) {
		ptx_blockers_add(add->blockers, PTX_REASON_NO_DEVICE, name, 0);
		kfree(mdev);
		return ERR_PTR(-ENODEV);
	}
	reason = ptx_mdev_verdict(add, mdev);
	if (reason) {
		ptx_blockers_add(add->blockers, reason, mdev->parent, 0);
		kfree(mdev);
		return ERR_PTR(reason == PTX_REASON_VGPUS_USED_UP ? -EBUSY : -ENODEV);
	}
	if (uuid_is_null(&mdev->uuid))
		uuid_gen(&mdev->uuid);
	snprintf(uuid, sizeof(uuid), "%pUb", &mdev->uuid);
	claim = ptx_claim_alloc_made(lease, &ptx_mdev_provider, uuid);
	if (IS_ERR(claim))
		kfree(mdev);
	else
		claim->mdev = mdev;
	return claim;
}
