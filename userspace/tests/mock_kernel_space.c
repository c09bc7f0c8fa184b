// SPDX-License-Identifier: GPL-2.0-only
/*
 * mock_kernel_space: DMA spaces of the mock kernel. It maps nothing; it checks requests,
 * logs them, and says what the script says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mock_state.h"

/* A space as a new lease has it. */
void mock_space_init(struct mock_space *space)
{
	memset(space, 0, sizeof(*space));
	space->max_entries = PTX_SPACE_ENTRIES_MAX;
	space->nr_windows = 1;
	space->windows[0].last = UINT64_MAX;
}

static void space_window(const char *text, uint32_t i, void *arg)
{
	struct mock_space *space = arg;
	char *end;

	if (i == MOCK_WINDOWS)
		mock_die("too many windows", text);
	space->windows[i].first = strtoull(text, &end, 0);
	if (*end != '-')
		mock_die("bad window", text);
	space->windows[i].last = strtoull(end + 1, NULL, 0);
	space->nr_windows = i + 1;
}

static void space_time(const char *text, uint32_t i, void *arg)
{
	uint64_t *times = arg;
	char *end;
	unsigned long class = strtoul(text, &end, 10);

	(void)i;
	if (class >= PTX_SPACE_TIMES || *end != ':')
		mock_die("bad time", text);
	times[class] = strtoull(end + 1, NULL, 10);
}

/* What of a space stands in lists of the script. */
void mock_space_lists(struct mock_space *space, const char *windows, const char *pin,
		      const char *map)
{
	if (windows) {
		space->nr_windows = 0;
		mock_each_name(windows, space_window, space);
	}
	if (pin)
		mock_each_name(pin, space_time, space->pin_times);
	if (map)
		mock_each_name(map, space_time, space->map_times);
}

static bool is_window(uint64_t first, uint64_t last)
{
	return first <= last && !(first & 4095) && !((last + 1) & 4095);
}

/* ioctls */

static int fail_of(const char *call, uint32_t *reason)
{
	const struct mock_fail *f = mock_failing(call);

	if (f && reason)
		*reason = f->reason;
	return f ? -f->err : 0;
}

static int no_space(uint32_t *reason)
{
	if (reason)
		*reason = PTX_REASON_NO_SPACE;
	return -EOPNOTSUPP;
}

static int mock_change(struct mock_lease *l, struct ptx_space_change *arg)
{
	const struct ptx_space_op *ops = (const void *)(uintptr_t)arg->ops;
	int err;

	mock_note("ioctl change size=%s nr=%u first=%u/%u:%llx<-%llx+%llx",
		  arg->size == sizeof(*arg) ? "ok" : "WRONG", arg->nr_ops, ops->op, ops->flags,
		  (unsigned long long)ops->iova, (unsigned long long)ops->vaddr,
		  (unsigned long long)ops->length);
	if (arg->reserved || !arg->nr_ops || arg->nr_ops > PTX_SPACE_OPS_MAX)
		return -EINVAL;
	if (!l->has_space)
		return no_space(&arg->out_reason);
	err = fail_of("space-change", &arg->out_reason);
	/* The last is at fault; on success that many pages were unmapped. */
	arg->out_op = err ? arg->nr_ops - 1 : arg->nr_ops;
	arg->out_unmapped = err ? 0 : arg->nr_ops * 4096ULL;
	return err;
}

static int mock_window(struct mock_lease *l, struct ptx_space_window *arg)
{
	bool add = arg->flags & PTX_SPACE_WINDOW_ADD;

	mock_note("ioctl window size=%s flags=%u 0x%llx-0x%llx",
		  arg->size == sizeof(*arg) ? "ok" : "WRONG", arg->flags,
		  (unsigned long long)arg->first, (unsigned long long)arg->last);
	if (arg->reserved || add == !!(arg->flags & PTX_SPACE_WINDOW_REMOVE) ||
	    (add && arg->flags & PTX_SPACE_WINDOW_FORCE) || arg->flags > 7 ||
	    !is_window(arg->first, arg->last))
		return -EINVAL;
	if (!l->has_space)
		return no_space(&arg->out_reason);
	return fail_of("space-window", &arg->out_reason);
}

static int mock_quota(struct mock_lease *l, struct ptx_space_quota *arg)
{
	mock_note("ioctl quota size=%s bytes=%llu", arg->size == sizeof(*arg) ? "ok" : "WRONG",
		  (unsigned long long)arg->bytes);
	if (arg->reserved || arg->flags)
		return -EINVAL;
	if (!l->has_space)
		return no_space(&arg->out_reason);
	l->space.quota = arg->bytes;
	return fail_of("space-quota", &arg->out_reason);
}

static int mock_stats(struct mock_lease *l, struct ptx_space_stats *arg)
{
	struct ptx_space_range *windows = (void *)(uintptr_t)arg->windows;
	const struct mock_space *space = &l->space;
	int err = fail_of("space-stats", NULL);

	mock_note("ioctl stats size=%s", arg->size == sizeof(*arg) ? "ok" : "WRONG");
	if (arg->flags || !l->has_space)
		return -EOPNOTSUPP;
	if (err)
		return err;
	arg->out_quota = space->quota;
	arg->out_mapped = space->mapped;
	arg->out_pinned = space->pinned;
	arg->out_entries = space->entries;
	arg->out_max_entries = space->max_entries;
	arg->out_largest_page = space->page;
	arg->out_faults = space->has_faults ? space->faults : PTX_SPACE_NO_FAULTS;
	arg->out_refused = mock.refused ? 1 : 0;
	arg->out_refused_reason = mock.refused;
	arg->out_refused_range = mock.refused_range;
	arg->out_nr_windows = space->nr_windows;
	for (uint32_t i = 0; i < space->nr_windows && i < arg->max_windows; i++)
		windows[i] = space->windows[i];
	for (size_t i = 0; i < PTX_SPACE_TIMES; i++) {
		arg->out_pin_times[i] = space->pin_times[i];
		arg->out_map_times[i] = space->map_times[i];
	}
	return 0;
}

int mock_space_ioctl(struct mock_lease *l, unsigned long request, void *arg)
{
	if (mock.old)
		return -ENOTTY;
	switch (request) {
	case PTX_SPACE_CHANGE:
		return mock_change(l, arg);
	case PTX_SPACE_WINDOW:
		return mock_window(l, arg);
	case PTX_SPACE_QUOTA:
		return mock_quota(l, arg);
	case PTX_SPACE_STATS:
		return mock_stats(l, arg);
	}
	return -ENOTTY;
}

/* netlink */

static void put_u64(struct nl_msg *msg, int attr, uint64_t value)
{
	if (nla_put_u64(msg, attr, value))
		abort();
}

void mock_put_space(struct nl_msg *msg, const struct mock_space *space)
{
	struct nlattr *nest = nla_nest_start(msg, PTX_A_LEASE_SPACE), *inner;

	for (uint32_t i = 0; i < space->nr_windows; i++) {
		inner = nla_nest_start(msg, PTX_A_SPACE_WINDOW);
		put_u64(msg, PTX_A_WINDOW_FIRST, space->windows[i].first);
		put_u64(msg, PTX_A_WINDOW_LAST, space->windows[i].last);
		mock_put_bad(msg, "window");
		nla_nest_end(msg, inner);
	}
	if (space->quota)
		put_u64(msg, PTX_A_SPACE_QUOTA, space->quota);
	put_u64(msg, PTX_A_SPACE_MAPPED, space->mapped);
	put_u64(msg, PTX_A_SPACE_PINNED, space->pinned);
	put_u64(msg, PTX_A_SPACE_ENTRIES, space->entries);
	put_u64(msg, PTX_A_SPACE_MAX_ENTRIES, space->max_entries);
	put_u64(msg, PTX_A_SPACE_LARGEST_PAGE, space->page);
	if (space->has_faults)
		put_u64(msg, PTX_A_SPACE_FAULTS, space->faults);
	if (nla_put(msg, PTX_A_SPACE_PIN_TIMES, sizeof(space->pin_times), space->pin_times) ||
	    nla_put(msg, PTX_A_SPACE_MAP_TIMES, sizeof(space->map_times), space->map_times) ||
	    (space->container && nla_put_flag(msg, PTX_A_SPACE_CONTAINER)))
		abort();
	mock_put_bad(msg, "space");
	/* One that is not in the contract yet. */
	put_u64(msg, 4000, 1);
	nla_nest_end(msg, nest);
}

static bool read_window(struct nlattr *nest, struct ptx_space_range *range)
{
	uint64_t first = 1, last = 0;
	struct nlattr *attr;
	bool ok = nest->nla_type & NLA_F_NESTED;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) == PTX_A_WINDOW_FIRST)
			ok &= ptx_nl_u64(attr, &first);
		else if (nla_type(attr) == PTX_A_WINDOW_LAST)
			ok &= ptx_nl_u64(attr, &last);
		else
			ok = false;
	}
	*range = (struct ptx_space_range){ first, last };
	return ok && is_window(first, last);
}

/* A request's space, as the log has it and into @space. False if it breaks the policy. */
bool mock_read_space(struct nlattr *nest, struct mock_space *space, char *text, size_t size)
{
	bool ok = nest->nla_type & NLA_F_NESTED;
	struct nlattr *attr;
	uint32_t nr = 0;
	int rem;

	snprintf(text, size, " space");
	nla_for_each_nested(attr, nest, rem) {
		size_t used = strlen(text);

		switch (nla_type(attr)) {
		case PTX_A_SPACE_QUOTA:
			ok &= ptx_nl_u64(attr, &space->quota);
			snprintf(text + used, size - used, " quota=%llu",
				 (unsigned long long)space->quota);
			break;
		case PTX_A_SPACE_WINDOW:
			if (nr == MOCK_WINDOWS)
				return false;
			ok &= read_window(attr, &space->windows[nr]);
			snprintf(text + used, size - used, " 0x%llx-0x%llx",
				 (unsigned long long)space->windows[nr].first,
				 (unsigned long long)space->windows[nr].last);
			space->nr_windows = ++nr;
			break;
		case PTX_A_SPACE_FORCE:
			ok &= !nla_len(attr);
			snprintf(text + used, size - used, " force");
			break;
		default:
			ok = false;
		}
	}
	return ok;
}
