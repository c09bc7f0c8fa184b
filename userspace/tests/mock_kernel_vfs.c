// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel_vfs: what a request names before there is any: virtual functions by their
 * physical one, and mediated devices by their parent, which is in the mock's sysfs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mock_state.h"

/**
 * struct taking - a request under way
 * @asked: all that it names, with commas
 * @out: the same with addresses
 * @size: how much fits there
 * @same: which name is counted
 * @nr_same: how often it was found
 * @why: gets the first thing that is in the way
 * @err: 0, or a negative errno
 */
struct taking {
	const char *asked;
	char *out;
	size_t size;
	const char *same;
	unsigned int nr_same;
	struct ptx_blocker *why;
	int err;
};

static void count_same(const char *name, uint32_t i, void *arg)
{
	struct taking *taking = arg;

	(void)i;
	taking->nr_same += !strcmp(name, taking->same);
}

static bool has_word(const char *list, const char *word)
{
	const char *at = strstr(list, word);

	return at && (at == list || at[-1] == ',');
}

static bool is_taken(const struct taking *taking, const struct mock_device *d)
{
	for (unsigned int i = 0; i < mock.nr_leases; i++) {
		if (mock.leases[i].state != PTX_LEASE_STATE_RELEASED &&
		    has_word(mock.leases[i].members, d->name))
			return true;
	}
	return d->lease || d->pooled || has_word(taking->out, d->name);
}

static void enable(const struct mock_device *pf, unsigned int nr)
{
	size_t n = strlen(pf->name) - strlen("00.0");
	unsigned int slot, fn;

	if (mock.nr_devices + nr > MOCK_MAX || sscanf(pf->name + n, "%2x.%1x", &slot, &fn) != 2)
		mock_die("no room for virtual functions", pf->name);
	mock_note("enable %u of %s", nr, pf->name);
	for (unsigned int i = 1; i <= nr; i++) {
		struct mock_device *vf = &mock.devices[mock.nr_devices++];
		unsigned int devfn = slot * 8 + fn + i;

		snprintf(vf->name, sizeof(vf->name), "%.*s%02x.%x", (int)n, pf->name,
			 devfn / 8 & 0x1f, devfn % 8);
		snprintf(vf->physfn, sizeof(vf->physfn), "%s", pf->name);
		vf->kind = pf->kind;
		vf->vendor = pf->vendor;
		vf->device = pf->device;
		vf->class = pf->class;
		vf->numa = pf->numa;
		vf->has_group = true;
		vf->group = pf->group + 100 + i;
	}
}

/* The first spare one; *@any is whether there are others. */
static struct mock_device *spare(const struct taking *taking, const struct mock_device *pf,
				 bool *any)
{
	*any = false;
	for (unsigned int i = 0; i < mock.nr_devices; i++) {
		struct mock_device *d = &mock.devices[i];

		if (strcmp(d->physfn, pf->name))
			continue;
		*any = true;
		if (!is_taken(taking, d))
			return d;
	}
	return NULL;
}

static int refuse(struct taking *taking, enum ptx_reason reason, const char *culprit, int err)
{
	taking->why->reason = reason;
	snprintf(taking->why->culprit, sizeof(taking->why->culprit), "%s", culprit);
	return -err;
}

static int take(struct taking *taking, const char *name)
{
	char physfn[PTX_DEVICE_NAME_SIZE];
	struct mock_device *pf, *vf;
	unsigned int reserve = 0;
	bool any;

	snprintf(physfn, sizeof(physfn), "%s", name + strlen(PTX_VF_PREFIX));
	if (strchr(physfn, '/')) {
		reserve = (unsigned int)atoi(strchr(physfn, '/') + 1);
		*strchr(physfn, '/') = '\0';
	}
	pf = mock_find_device(physfn);

	if (!pf)
		return refuse(taking, PTX_REASON_NO_DEVICE, physfn, ENODEV);
	if (!pf->total_vfs)
		return refuse(taking, PTX_REASON_NO_SRIOV, physfn, EOPNOTSUPP);
	taking->same = name;
	taking->nr_same = 0;
	mock_each_name(taking->asked, count_same, taking);
	if (taking->nr_same > pf->total_vfs || reserve > pf->total_vfs)
		return refuse(taking, PTX_REASON_VFS_USED_UP, physfn, EBUSY);
	vf = spare(taking, pf, &any);
	if (!any) {
		enable(pf, reserve > taking->nr_same ? reserve : taking->nr_same);
		vf = spare(taking, pf, &any);
	}
	if (!vf)
		return refuse(taking, PTX_REASON_VFS_USED_UP, physfn, EBUSY);
	mock_join(taking->out, taking->size, vf->name);
	return 0;
}

/* The first of a random name is ...-000000000001, and so on. */
static int make_vgpu(struct taking *taking, const char *name)
{
	char parent[PTX_DEVICE_NAME_SIZE], type[PTX_DEVICE_NAME_SIZE], uuid[40] = "", path[1400];
	static unsigned int made;
	unsigned int room = 0;
	FILE *file;

	if (sscanf(name + strlen(PTX_VGPU_PREFIX), "%95[^/]/%95[^/]/%36s", parent, type,
		   uuid) < 2)
		return refuse(taking, PTX_REASON_NO_DEVICE, name, ENODEV);
	snprintf(path, sizeof(path), "%s/sys/class/mdev_bus/%s", mock.root, parent);
	if (access(path, F_OK))
		return refuse(taking, PTX_REASON_NO_DEVICE, parent, ENODEV);
	snprintf(path, sizeof(path), "%s/sys/class/mdev_bus/%s/mdev_supported_types/%s/"
		 "available_instances", mock.root, parent, type);
	file = fopen(path, "r");
	if (!file)
		return refuse(taking, PTX_REASON_NO_VGPU_TYPE, parent, ENODEV);
	if (fscanf(file, "%u", &room) != 1)
		room = 0;
	fclose(file);
	taking->same = name;
	taking->nr_same = 0;
	mock_each_name(taking->asked, count_same, taking);
	if (taking->nr_same > room)
		return refuse(taking, PTX_REASON_VGPUS_USED_UP, parent, EBUSY);
	if (!*uuid)
		snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012x", ++made);
	mock_note("make %s of %s %s", uuid, parent, type);
	mock_join(taking->out, taking->size, uuid);
	return 0;
}

static void take_name(const char *name, uint32_t i, void *arg)
{
	struct taking *taking = arg;

	(void)i;
	if (taking->err)
		return;
	if (ptx_name_is_vf(name))
		taking->err = take(taking, name);
	else if (ptx_name_is_vgpu(name))
		taking->err = make_vgpu(taking, name);
	else
		mock_join(taking->out, taking->size, name);
}

/* What a request names, with commas, as addresses in @out; or an error, and @why. */
int mock_take_vfs(const char *asked, char *out, size_t size, struct ptx_blocker *why)
{
	struct taking taking = { .asked = asked, .out = out, .size = size, .why = why };

	*out = '\0';
	mock_each_name(asked, take_name, &taking);
	return taking.err;
}
