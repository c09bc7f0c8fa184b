// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel: devices, leases and failures, and the ioctls. It checks every
 * request as strictly as the module does, and logs what it was asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "mock_state.h"

struct mock_state mock;

static struct ptx_sys mock_sys;

void mock_die(const char *what, const char *line)
{
	fprintf(stderr, "mock_kernel: %s: %s\n", what, line);
	exit(99);
}

void mock_note(const char *fmt, ...)
{
	va_list ap;
	char *text;
	size_t n;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	n = strlen(text);
	mock.log = realloc(mock.log, mock.log_len + n + 2);
	if (!mock.log)
		abort();
	memcpy(mock.log + mock.log_len, text, n);
	memcpy(mock.log + mock.log_len + n, "\n", 2);
	mock.log_len += n + 1;
	if (*mock.log_path) {
		FILE *f = fopen(mock.log_path, "ae");

		if (f) {
			fprintf(f, "%s\n", text);
			fclose(f);
		}
	}
	free(text);
}

const char *mock_log(void)
{
	return mock.log ? mock.log : "";
}

void mock_log_clear(void)
{
	free(mock.log);
	mock.log = NULL;
	mock.log_len = 0;
}

const char *mock_root(void)
{
	return mock.root;
}

void mock_log_to(const char *path)
{
	snprintf(mock.log_path, sizeof(mock.log_path), "%s", path);
}

struct mock_device *mock_find_device(const char *name)
{
	for (unsigned int i = 0; i < mock.nr_devices; i++) {
		if (!strcmp(mock.devices[i].name, name))
			return &mock.devices[i];
	}
	return NULL;
}

struct mock_lease *mock_new_lease(const char *name)
{
	struct mock_lease *l = &mock.leases[mock.nr_leases++];

	if (mock.nr_leases > 64)
		mock_die("too many leases", name);
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->read_fd = l->write_fd = l->pidfd = -1;
	l->id = ++mock.next_id;
	l->state = PTX_LEASE_STATE_ACTIVE;
	return l;
}

void mock_reset(void)
{
	mock_log_clear();
	for (unsigned int i = 0; i < mock.nr_leases; i++) {
		if (mock.leases[i].write_fd >= 0)
			close(mock.leases[i].write_fd);
	}
	memset(&mock, 0, sizeof(mock));
	mock.abi = PTX_ABI_VERSION;
	mock.features = PTX_FEATURE_CONTAINER | PTX_FEATURE_IOMMU;
	mock.event_socks[0] = mock.event_socks[1] = -1;
}

/* The failure that the script has for this call, or NULL. */
const struct mock_fail *mock_failing(const char *call)
{
	for (unsigned int i = 0; i < mock.nr_fails; i++) {
		struct mock_fail *f = &mock.fails[i];

		if (strcmp(f->call, call) || f->times == ~0U)
			continue;
		if (f->times == 1)
			f->times = ~0U;
		else if (f->times)
			f->times--;
		return f;
	}
	return NULL;
}

/* ioctls */

static int mock_open(void)
{
	if (mock.absent)
		return -ENOENT;
	if (mock.open_err)
		return -mock.open_err;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static struct mock_lease *lease_of(int fd)
{
	for (unsigned int i = 0; i < mock.nr_leases; i++) {
		if (mock.leases[i].read_fd == fd)
			return &mock.leases[i];
	}
	return NULL;
}

void mock_end_lease(struct mock_lease *l)
{
	l->state = PTX_LEASE_STATE_RELEASED;
	if (l->write_fd >= 0)
		close(l->write_fd);
	l->write_fd = -1;
}

/* Stands for the module's watch on the process that a lease is bound to. */
static void *bond_main(void *arg)
{
	struct mock_lease *l = arg;
	struct pollfd pfd = { .fd = l->pidfd, .events = POLLIN };
	struct timespec ts = {
		.tv_sec = mock.drain_ms / 1000,
		.tv_nsec = mock.drain_ms % 1000 * 1000000L,
	};

	while (poll(&pfd, 1, -1) < 0 && errno == EINTR)
		;
	nanosleep(&ts, NULL);
	mock_end_lease(l);
	return NULL;
}

static void start_bond(struct mock_lease *l)
{
	sigset_t all, old;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, NULL, bond_main, l))
		abort();
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static int mock_create(struct ptx_lease_create *arg)
{
	const struct mock_fail *f;
	struct mock_lease *l;
	int fds[2];

	mock_note("ioctl create size=%s name=%.*s flags=%u owner=%u pidfd=%s",
	     arg->size == sizeof(*arg) ? "ok" : "WRONG", (int)arg->name_len,
	     (const char *)(uintptr_t)arg->name, arg->flags, arg->owner,
	     arg->pidfd > 0 ? "yes" : arg->pidfd ? "WRONG" : "no");
	if (arg->reserved || (!(arg->flags & PTX_LEASE_CREATE_BIND) && arg->pidfd) ||
	    (!(arg->flags & PTX_LEASE_CREATE_OWNER) && arg->owner))
		return -EINVAL;
	if (mock.old && arg->flags & PTX_LEASE_CREATE_SPACE)
		return -EOPNOTSUPP;
	f = mock_failing("create");
	if (f) {
		arg->out_reason = f->reason;
		return -f->err;
	}
	if (pipe2(fds, O_CLOEXEC))
		return -ENOMEM;
	l = mock_new_lease("");
	snprintf(l->name, sizeof(l->name), "%.*s", (int)arg->name_len,
		 (const char *)(uintptr_t)arg->name);
	l->owner = arg->owner;
	l->has_space = arg->flags & PTX_LEASE_CREATE_SPACE;
	mock_space_init(&l->space);
	l->read_fd = arg->out_fd = fds[0];
	l->write_fd = fds[1];
	arg->out_id = l->id;
	if (arg->flags & PTX_LEASE_CREATE_BIND) {
		l->pidfd = fcntl(arg->pidfd, F_DUPFD_CLOEXEC, 0);
		start_bond(l);
	}
	return 0;
}

static void list_names(const struct ptx_device_name *names, uint32_t nr, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	for (uint32_t i = 0; i < nr && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? "," : "",
					 names[i].name);
}

/* One member in the form of the ioctls; a name of no device has only a name. */
void mock_describe(const char *name, struct ptx_member_info *m, bool requested)
{
	const struct mock_device *d = mock_find_device(name);

	memset(m, 0, sizeof(*m));
	snprintf(m->name, sizeof(m->name), "%s", name);
	snprintf(m->driver, sizeof(m->driver), "ptx-vfio-pci");
	m->state = PTX_MEMBER_STATE_READY;
	m->flags = requested ? PTX_MEMBER_REQUESTED : 0;
	if (!d && !strchr(name, ':'))
		m->flags |= PTX_MEMBER_MEDIATED;
	if (!d)
		return;
	snprintf(m->native_driver, sizeof(m->native_driver), "%.31s", d->driver);
	m->group = d->group;
	m->kind = d->kind;
	if (d->keeps_memory)
		m->flags |= PTX_MEMBER_KEEPS_MEMORY;
}

/* @fn for each name in a list with commas. */
uint32_t mock_each_name(const char *list, void (*fn)(const char *name, uint32_t i, void *arg),
			  void *arg)
{
	uint32_t n = 0;

	while (*list) {
		size_t len = strcspn(list, ",");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)len, list);
		fn(name, n++, arg);
		list += len;
		list += *list == ',';
	}
	return n;
}

static bool in_list(const char *list, const char *name)
{
	const char *at = strstr(list, name);

	return at && (at == list || at[-1] == ',');
}

void mock_join(char *list, size_t size, const char *name)
{
	size_t n = strlen(list);

	if (!in_list(list, name))
		snprintf(list + n, size - n, "%s%s", n ? "," : "", name);
}

void mock_join_mate(const char *name, uint32_t i, void *arg)
{
	struct mock_device *d = mock_find_device(name);
	struct mock_lease *l = arg;

	(void)i;
	if (!d || d->kind != PTX_KIND_BRIDGE)
		mock_join(l->members, sizeof(l->members), name);
}

void mock_leave(char *list, const char *name)
{
	size_t n = strlen(name);
	char *at = strstr(list, name);

	if (!at || (at != list && at[-1] != ',') || (at[n] && at[n] != ','))
		return;
	/* With the comma behind it, or with that before the last. */
	if (at[n])
		n++;
	else if (at != list)
		at--, n++;
	memmove(at, at + n, strlen(at + n) + 1);
}

void mock_leave_mate(const char *name, uint32_t i, void *arg)
{
	struct mock_lease *l = arg;

	(void)i;
	mock_leave(l->members, name);
}

struct members_out {
	struct ptx_member_info *out;
	uint32_t max;
	const char *requested;
};

static void put_member(const char *name, uint32_t i, void *arg)
{
	struct members_out *to = arg;

	if (to->out && i < to->max)
		mock_describe(name, &to->out[i], in_list(to->requested, name));
}

/* Appends how each begins. */
void mock_note_roms(char *text, size_t size, const struct ptx_rom *roms, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		size_t used = strlen(text);

		snprintf(text + used, size - used, "%s%02x%02x", i ? "," : " roms=",
			 roms[i].sha256[0], roms[i].sha256[1]);
	}
}

static void add_member(const char *name, uint32_t i, void *arg)
{
	struct mock_device *d = mock_find_device(name);
	struct mock_lease *l = arg;

	(void)i;
	mock_join(l->members, sizeof(l->members), name);
	if (d)
		mock_each_name(d->mates, mock_join_mate, l);
}

static int mock_add(struct mock_lease *l, struct ptx_lease_add *arg)
{
	const struct ptx_device_name *names = (const void *)(uintptr_t)arg->devices;
	struct ptx_blocker *blockers = (void *)(uintptr_t)arg->blockers;
	struct members_out to = { .max = arg->max_members };
	const struct mock_fail *f;
	struct mock_device *d;
	char list[8192], taken[8192], roms[256] = "";
	struct ptx_blocker why = { .lease = 0 };
	int err;

	list_names(names, arg->nr_devices, list, sizeof(list));
	mock_note_roms(roms, sizeof(roms), (const void *)(uintptr_t)arg->roms, arg->nr_roms);
	mock_note("ioctl add size=%s devices=%s flags=%u driver=%s timeout=%u%s",
	     arg->size == sizeof(*arg) ? "ok" : "WRONG", list, arg->flags, arg->driver,
	     arg->timeout_ms, roms);
	if (arg->reserved || arg->reserved2)
		return -EINVAL;
	f = mock_failing("add");
	if (f) {
		arg->out_reason = f->reason;
		memset(arg->out_culprit, 'x', sizeof(arg->out_culprit));
		snprintf(arg->out_culprit, sizeof(arg->out_culprit), "%s", f->culprit);
		d = mock_find_device(f->culprit);
		/* More than there is room for, as the contract allows. */
		arg->out_nr_blockers = d && d->nr_blockers ? d->nr_blockers : 0;
		for (uint32_t i = 0; i < arg->out_nr_blockers && i < arg->max_blockers; i++)
			blockers[i] = d->blockers[i];
		if (!strcmp(f->text, "many blockers"))
			arg->out_nr_blockers = ~0U;
		return -f->err;
	}
	err = mock_take_vfs(list, taken, sizeof(taken), &why);
	if (err) {
		arg->out_reason = why.reason;
		memcpy(arg->out_culprit, why.culprit, sizeof(arg->out_culprit));
		arg->out_nr_blockers = 1;
		if (arg->max_blockers)
			blockers[0] = why;
		return err;
	}
	mock_each_name(taken, add_member, l);
	to.out = (void *)(uintptr_t)arg->members;
	to.requested = taken;
	arg->out_nr_members = mock_each_name(l->members, put_member, &to);
	return 0;
}

static int mock_remove(struct ptx_lease_remove *arg)
{
	const struct mock_fail *f = mock_failing("remove");
	char list[8192];

	list_names((const void *)(uintptr_t)arg->devices, arg->nr_devices, list, sizeof(list));
	mock_note("ioctl remove size=%s devices=%s timeout=%u",
	     arg->size == sizeof(*arg) ? "ok" : "WRONG", list, arg->timeout_ms);
	if (arg->reserved || arg->flags)
		return -EINVAL;
	if (!f)
		return 0;
	arg->out_reason = f->reason;
	snprintf(arg->out_culprit, sizeof(arg->out_culprit), "%s", f->culprit);
	return -f->err;
}

static int mock_query(struct mock_lease *l, struct ptx_lease_query *arg)
{
	const struct mock_fail *f = mock_failing("query");
	struct members_out to = {
		.out = (void *)(uintptr_t)arg->members,
		.max = arg->max_members,
		.requested = l->members,
	};

	mock_note("ioctl query size=%s max=%s", arg->size == sizeof(*arg) ? "ok" : "WRONG",
	     arg->max_members ? "some" : "0");
	if (arg->reserved || arg->flags)
		return -EINVAL;
	if (f)
		return -f->err;
	arg->out_id = l->id;
	arg->out_state = l->state;
	arg->out_nr_members = mock_each_name(l->members, put_member, &to);
	for (; mock.grow; mock.grow--) {
		char name[32];

		snprintf(name, sizeof(name), "0001:%02x:00.0", mock.grow & 0xff);
		mock_join(l->members, sizeof(l->members), name);
	}
	return 0;
}

static int mock_release(struct mock_lease *l, struct ptx_lease_release *arg)
{
	const struct mock_fail *f = mock_failing("release");

	mock_note("ioctl release size=%s timeout=%u", arg->size == sizeof(*arg) ? "ok" : "WRONG",
	     arg->timeout_ms);
	if (arg->flags)
		return -EINVAL;
	if (f) {
		arg->out_reason = f->reason;
		snprintf(arg->out_culprit, sizeof(arg->out_culprit), "%s", f->culprit);
		return -f->err;
	}
	mock_end_lease(l);
	return 0;
}

static int mock_revoke(struct ptx_lease_revoke *arg)
{
	const struct mock_fail *f = mock_failing("revoke");

	mock_note("ioctl revoke size=%s flags=%u deadline=%u kill=%u",
		  arg->size == sizeof(*arg) ? "ok" : "WRONG", arg->flags, arg->deadline_ms,
		  arg->kill_ms);
	if (arg->reserved || (!arg->flags && arg->kill_ms))
		return -EINVAL;
	if (f)
		arg->out_reason = f->reason;
	return f ? -f->err : 0;
}

static int mock_info(struct ptx_info *arg)
{
	const struct mock_fail *f = mock_failing("info");

	mock_note("ioctl info size=%s", arg->size == sizeof(*arg) ? "ok" : "WRONG");
	if (f)
		return -f->err;
	arg->out_abi = mock.abi;
	arg->out_features = mock.features;
	return arg->flags ? -EINVAL : 0;
}

static int mock_ioctl(int fd, unsigned long request, void *arg)
{
	struct mock_lease *l = lease_of(fd);

	if (request == PTX_INFO && !l)
		return mock_info(arg);
	if (request == PTX_LEASE_CREATE && !l)
		return mock_create(arg);
	if (!l)
		return -ENOTTY;
	switch (request) {
	case PTX_LEASE_ADD:
		return mock_add(l, arg);
	case PTX_LEASE_REMOVE:
		return mock_remove(arg);
	case PTX_LEASE_QUERY:
		return mock_query(l, arg);
	case PTX_LEASE_RELEASE:
		return mock_release(l, arg);
	case PTX_LEASE_REVOKE:
		return mock_revoke(arg);
	}
	return mock_space_ioctl(l, request, arg);
}

static int mock_poll(struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	int n = poll(fds, nr, timeout_ms);

	return n < 0 ? -errno : n;
}

void mock_install(void)
{
	mock_reset();
	mock_sys = (struct ptx_sys) {
		.open		= mock_open,
		.ioctl		= mock_ioctl,
		.poll		= mock_poll,
		.nl_call	= mock_nl_call,
		.nl_close	= mock_nl_close,
		.events_open	= mock_events_open,
		.events_close	= mock_events_close,
		.root		= mock.root,
	};
	ptx_sys_current = &mock_sys;
}
