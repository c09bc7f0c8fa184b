// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "lease.h"

int ptx_open(void)
{
	int fd = open(PTX_NODE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int ptx_ioctl(int fd, unsigned long cmd, void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
}

int lease_create_raw(int ctl, struct ptx_lease_create *c)
{
	c->size = sizeof(*c);
	c->out_fd = -1;
	c->out_id = 0;
	c->out_reason = 0;
	return ptx_ioctl(ctl, PTX_LEASE_CREATE, c);
}

static int create(int ctl, struct ptx_lease_create *c, const char *name,
		  uint64_t *id)
{
	int ret;

	c->name = (uintptr_t)name;
	c->name_len = strlen(name);
	ret = lease_create_raw(ctl, c);
	if (ret)
		return ret;
	if (id)
		*id = c->out_id;
	return c->out_fd;
}

int lease_create(int ctl, const char *name, uint64_t *id)
{
	struct ptx_lease_create c = { 0 };

	return create(ctl, &c, name, id);
}

int lease_create_bound(int ctl, const char *name, int pidfd, uint64_t *id)
{
	struct ptx_lease_create c = {
		.flags = PTX_LEASE_CREATE_BIND,
		.pidfd = pidfd,
	};

	return create(ctl, &c, name, id);
}

int lease_create_owned(int ctl, const char *name, uint32_t uid, uint64_t *id)
{
	struct ptx_lease_create c = {
		.flags = PTX_LEASE_CREATE_OWNER,
		.owner = uid,
	};

	return create(ctl, &c, name, id);
}

const char *lease_name(void)
{
	static char name[PTX_LEASE_NAME_MAX + 1];
	static unsigned int n;

	snprintf(name, sizeof(name), "t-%d-%u", (int)getpid(), n++);
	return name;
}

void add_init(struct add *add, const char *const *names, int nr)
{
	int i;

	memset(add, 0, sizeof(*add));
	for (i = 0; i < nr; i++)
		snprintf(add->devices[i].name, sizeof(add->devices[i].name), "%s",
			 names[i]);
	add->a.size = sizeof(add->a);
	add->a.devices = (uintptr_t)add->devices;
	add->a.nr_devices = nr;
	add->a.members = (uintptr_t)add->members;
	add->a.max_members = ADD_ROOM;
	add->a.blockers = (uintptr_t)add->blockers;
	add->a.max_blockers = ADD_ROOM;
}

int lease_add(int fd, struct add *add)
{
	return ptx_ioctl(fd, PTX_LEASE_ADD, &add->a);
}

int lease_add_names(int fd, const char *a, const char *b)
{
	const char *const names[] = { a, b };
	struct add *add = malloc(sizeof(*add));
	int ret;

	if (!add)
		return -ENOMEM;
	add_init(add, names, !!a + !!b);
	ret = lease_add(fd, add);
	free(add);
	return ret;
}

const struct ptx_member_info *add_member(const struct add *add, const char *name)
{
	unsigned int i;

	for (i = 0; i < add->a.out_nr_members && i < ADD_ROOM; i++)
		if (!strcmp(add->members[i].name, name))
			return &add->members[i];
	return NULL;
}

const struct ptx_blocker *add_blocker(const struct add *add, const char *culprit)
{
	unsigned int i;

	for (i = 0; i < add->a.out_nr_blockers && i < ADD_ROOM; i++)
		if (!strcmp(add->blockers[i].culprit, culprit))
			return &add->blockers[i];
	return NULL;
}

int lease_remove(int fd, const char *const *names, int nr, uint32_t timeout_ms,
		 struct ptx_lease_remove *out)
{
	struct ptx_device_name devices[8] = { 0 };
	struct ptx_lease_remove local, *r = out ?: &local;
	int i;

	for (i = 0; i < nr && i < 8; i++)
		snprintf(devices[i].name, sizeof(devices[i].name), "%s", names[i]);
	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	r->devices = (uintptr_t)devices;
	r->nr_devices = nr;
	r->timeout_ms = timeout_ms;
	return ptx_ioctl(fd, PTX_LEASE_REMOVE, r);
}

int lease_query(int fd, struct query *query)
{
	memset(query, 0, sizeof(*query));
	query->q.size = sizeof(query->q);
	query->q.members = (uintptr_t)query->members;
	query->q.max_members = ADD_ROOM;
	return ptx_ioctl(fd, PTX_LEASE_QUERY, &query->q);
}

int lease_state(int fd)
{
	struct ptx_lease_query q = { .size = sizeof(q) };
	int ret = ptx_ioctl(fd, PTX_LEASE_QUERY, &q);

	return ret ?: (int)q.out_state;
}

int lease_nr_members(int fd)
{
	struct ptx_lease_query q = { .size = sizeof(q) };
	int ret = ptx_ioctl(fd, PTX_LEASE_QUERY, &q);

	return ret ?: (int)q.out_nr_members;
}

int lease_wait_members(int fd, int nr, int timeout_ms)
{
	/* Nothing tells a lease file's holder of a single member. */
	for (; timeout_ms > 0; timeout_ms -= 10) {
		if (lease_nr_members(fd) == nr)
			return 0;
		usleep(10000);
	}
	return -ETIMEDOUT;
}

int lease_release(int fd, uint32_t timeout_ms, struct ptx_lease_release *out)
{
	struct ptx_lease_release local, *r = out ?: &local;

	memset(r, 0, sizeof(*r));
	r->size = sizeof(*r);
	r->timeout_ms = timeout_ms;
	return ptx_ioctl(fd, PTX_LEASE_RELEASE, r);
}

int lease_poll(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	n = poll(&p, 1, timeout_ms);
	if (n < 0)
		return -errno;
	return n ? p.revents : 0;
}
