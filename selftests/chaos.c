// SPDX-License-Identifier: GPL-2.0-only
/*
 * chaos [OPERATIONS [SEED]] - several processes do at random all that can be done
 * to leases of 64 simulated devices, while others make drivers hang and refuse,
 * resets fail, and devices fall silent, vanish and come again. Every answer is an
 * honest one, and once the faults have ended everything is as it was.
 *
 * OPERATIONS defaults to $PTX_CHAOS_OPERATIONS, and to 1000.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "kselftest.h"
#define TH_LOG(...)
#define FIXTURE(...)
#include "lib/host.h"
#include "lib/sim.h"

#define DEVICES		64
#define LESSEES		5
#define LEASES		3	/* that one process has at a time */
#define END_MS		240000

/*
 * Slots 0 to 31 have a device each. Slots 32 to 39 have four that share a group:
 * only the bus resets them, and all of them move together.
 */
#define SINGLES		32
#define PER_SLOT	4
#define KINDS		6	/* of devices, in turn */
#define GPU_KIND	5

/**
 * struct score - shared by all processes
 * @left: operations that are still to be done
 * @done: by what they were, see enum op
 * @refused: those of them that failed, honestly
 * @reasons: for which devices were not to be had
 * @faults: that were made
 * @wrong: answers that make no sense
 * @stop: the end
 */
struct score {
	atomic_long left;
	atomic_long done[16];
	atomic_long refused[16];
	atomic_long reasons[64];
	atomic_long faults;
	atomic_int wrong;
	atomic_int stop;
};

enum op {
	OP_CREATE,
	OP_ADD,
	OP_REMOVE,
	OP_RELEASE,
	OP_REVOKE,
	OP_OPEN,
	OP_CLOSE,
	OP_DIE,
	OP_POOL,
	OP_UNPOOL,
};

static const char *const op_names[] = {
	[OP_CREATE] = "create",
	[OP_ADD] = "add",
	[OP_REMOVE] = "remove",
	[OP_RELEASE] = "release",
	[OP_REVOKE] = "revoke",
	[OP_OPEN] = "open",
	[OP_CLOSE] = "close",
	[OP_DIE] = "die",
	[OP_POOL] = "pool",
	[OP_UNPOOL] = "unpool",
};

static struct score *score;
static unsigned int seed;
static char names[DEVICES][PCI_NAME_LEN];

static unsigned int slot_of(int device)
{
	return device < SINGLES ? device : SINGLES + (device - SINGLES) / PER_SLOT;
}

static unsigned int fn_of(int device)
{
	return device < SINGLES ? 0 : (device - SINGLES) % PER_SLOT;
}

/* What it is; the same text plugs it in again. */
static const char *describe(int device, char *text, size_t len)
{
	static const char *const kinds[KINDS] = {
		"flr=works",
		"flr=works pm=works vendor=8086 device=10d3 class=020000",
		"flr=slow:20",
		"flr=nothing bus=works",
		"",
		[GPU_KIND] = "vendor=10de device=2204 class=030200 bars=1M flr=works mem=0:0:0x172000a1",
	};

	snprintf(text, len, "%u.%u %s", slot_of(device), fn_of(device),
		 device < SINGLES ? kinds[device % KINDS] : "");
	return text;
}

static int chance(int percent)
{
	return rand() % 100 < percent;
}

static void tally(enum op op, int ret)
{
	atomic_fetch_add(&score->done[op], 1);
	if (ret)
		atomic_fetch_add(&score->refused[op], 1);
}

/* Is @ret among the negative errnos of the list, which ends with 0? */
static bool among(int ret, const int *list)
{
	for (; *list; list++)
		if (ret == -*list)
			return true;
	return !ret;
}

static void judge(enum op op, int ret, const int *honest, const char *why, const char *who)
{
	tally(op, ret);
	if (among(ret, honest))
		return;
	printf("# %s: %d %s %s\n", op_names[op], ret, why, who);
	fflush(stdout);
	atomic_fetch_add(&score->wrong, 1);
}

/**
 * struct mine - a lease that a process has
 * @fd: its file, or -1
 * @open: a device of it, maybe
 */
struct mine {
	int fd;
	struct vfio open;
};

static void drop(struct mine *m)
{
	vfio_close(&m->open);
	m->open = (struct vfio)VFIO_CLOSED;
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}

static void do_add(struct mine *m, struct add *add)
{
	/* Refused, taken by another, gone, in the way of a driver that hangs. */
	static const int honest[] = { EBUSY, EEXIST, ENODEV, EIO, ETIMEDOUT, ESHUTDOWN,
				      ECANCELED, 0 };
	const char *want[3];
	int nr = 1 + rand() % 3, i, ret;

	for (i = 0; i < nr; i++)
		want[i] = names[rand() % DEVICES];
	add_init(add, want, nr);
	if (chance(50))
		add->a.timeout_ms = 1 + rand() % 3000;
	ret = lease_add(m->fd, add);
	judge(OP_ADD, ret, honest, reason_name(add->a.out_reason), add->a.out_culprit);
	if (ret && add->a.out_reason < ARRAY_SIZE(score->reasons))
		atomic_fetch_add(&score->reasons[add->a.out_reason], 1);
	if (ret == -ESHUTDOWN)
		drop(m);
	if (ret && ret != -EEXIST && ret != -ETIMEDOUT && ret != -ESHUTDOWN &&
	    !add->a.out_reason) {
		printf("# add: %d without a reason\n", ret);
		atomic_fetch_add(&score->wrong, 1);
	}
}

static void do_remove(struct mine *m)
{
	static const int honest[] = { ENOENT, ENODEV, EIO, ETIMEDOUT, ESHUTDOWN, 0 };
	struct query *q = calloc(1, sizeof(*q));
	struct ptx_lease_remove out;
	const char *name;
	int ret;

	if (!q || lease_query(m->fd, q) || !q->q.out_nr_members) {
		free(q);
		return;
	}
	name = q->members[rand() % q->q.out_nr_members].name;
	ret = lease_remove(m->fd, &name, 1, chance(50) ? 1 + rand() % 2000 : 0, &out);
	judge(OP_REMOVE, ret, honest, reason_name(out.out_reason), name);
	free(q);
}

static void do_open(struct mine *m)
{
	struct query *q = calloc(1, sizeof(*q));
	struct ptx_member_info *member;
	int ret;

	vfio_close(&m->open);
	m->open = (struct vfio)VFIO_CLOSED;
	if (!q || lease_query(m->fd, q) || !q->q.out_nr_members) {
		free(q);
		return;
	}
	/* Whatever it says: the device may be cut, or gone, at any moment. */
	member = &q->members[rand() % q->q.out_nr_members];
	ret = vfio_open(&m->open, member->group, member->name);
	tally(OP_OPEN, ret);
	if (!ret)
		vfio_master(m->open.device);
	free(q);
}

static void do_release(struct mine *m)
{
	static const int honest[] = { EIO, ETIMEDOUT, 0 };
	struct ptx_lease_release out;
	int ret;

	/* With a device open it would wait for us. */
	ret = lease_release(m->fd, m->open.device >= 0 || chance(50) ?
			    1 + rand() % 2000 : 0, &out);
	judge(OP_RELEASE, ret, honest, reason_name(out.out_reason), out.out_culprit);
	drop(m);
}

static void do_revoke(struct mine *m)
{
	static const int honest[] = { ETIMEDOUT, ESHUTDOWN, 0 };
	struct ptx_lease_revoke r = {
		.size = sizeof(r),
		.deadline_ms = rand() % 200,
	};
	int ret;

	ret = ptx_ioctl(m->fd, PTX_LEASE_REVOKE, &r);
	judge(OP_REVOKE, ret, honest, reason_name(r.out_reason), "");
}

/* Dies at some moment of all that. */
static void do_die(struct add *add)
{
	pid_t pid = fork();

	if (!pid) {
		struct mine m = { lease_create(ptx_open(), lease_name(), NULL), VFIO_CLOSED };

		do_add(&m, add);
		do_open(&m);
		pause();
		_exit(0);
	}
	usleep(rand() % 100000);
	kill(pid, SIGKILL);
	child_wait(pid);
	tally(OP_DIE, 0);
}

/* Into the pool, or out of it. A device of it is leased as any other. */
static void do_pool(struct nl *nl, enum op op)
{
	static const int honest[] = { EBUSY, ENODEV, EIO, ETIMEDOUT, ENOENT, ECANCELED, 0 };
	const char *name = names[rand() % DEVICES];
	int ret;

	ret = op == OP_POOL ? nl_pool_add(nl, &name, 1, 0) :
			      nl_pool_remove(nl, &name, 1, 1 + rand() % 2000);
	judge(op, ret, honest, nl->msg, name);
}

static int lessee(void *arg)
{
	struct add *add = calloc(1, sizeof(*add));
	struct mine mine[LEASES], *m;
	int ctl = ptx_open(), i;
	struct nl nl;

	CHECK(add && ctl >= 0 && !nl_open(&nl));
	srand(seed + (long)arg);
	for (i = 0; i < LEASES; i++)
		mine[i] = (struct mine){ -1, VFIO_CLOSED };
	while (atomic_fetch_sub(&score->left, 1) > 0) {
		m = &mine[rand() % LEASES];
		if (m->fd < 0) {
			m->fd = lease_create(ctl, lease_name(), NULL);
			tally(OP_CREATE, m->fd < 0 ? m->fd : 0);
			CHECK(m->fd >= 0);
			continue;
		}
		switch (rand() % 20) {
		case 0 ... 5:
			do_add(m, add);
			break;
		case 6 ... 7:
			do_remove(m);
			break;
		case 8 ... 9:
			do_open(m);
			break;
		case 10:
			vfio_close(&m->open);
			m->open = (struct vfio)VFIO_CLOSED;
			break;
		case 11:
			do_revoke(m);
			break;
		case 12:
			drop(m);
			tally(OP_CLOSE, 0);
			break;
		case 13:
			do_die(add);
			break;
		case 14 ... 15:
			do_pool(&nl, OP_POOL);
			break;
		case 16:
			do_pool(&nl, OP_UNPOOL);
			break;
		default:
			do_release(m);
		}
	}
	for (i = 0; i < LEASES; i++)
		drop(&mine[i]);
	return 0;
}

static void for_a_while(int ms)
{
	usleep(rand() % ms * 1000);
}

/* Functions that share a slot come and go together. */
static void pull_and_plug(int device)
{
	int first = device - fn_of(device), nr = device < SINGLES ? 1 : PER_SLOT, i;
	char text[128];

	sim_control("%s %u.0-%d", chance(50) ? "yank" : "remove", slot_of(device), nr - 1);
	for_a_while(50);
	for (i = first; i < first + nr; i++)
		if (sim_add(describe(i, text, sizeof(text)))) {
			printf("# cannot plug in '%s' again\n", text);
			atomic_fetch_add(&score->wrong, 1);
		}
}

/* One fault at a time, each ended by itself, so that no two undo each other. */
static int faults(void *arg)
{
	bool flr, is_gpu;
	char at[16];
	int device;

	srand(seed + 1000);
	while (!atomic_load(&score->stop)) {
		device = rand() % DEVICES;
		is_gpu = device < SINGLES && device % KINDS == GPU_KIND;
		flr = device < SINGLES && (is_gpu || device % KINDS < 2);
		snprintf(at, sizeof(at), "%u.%u", slot_of(device), fn_of(device));
		atomic_fetch_add(&score->faults, 1);
		switch (rand() % 10) {
		case 0:
			sim_control("set %s hold=1", at);
			for_a_while(400);
			sim_control("set %s hold=0", at);
			break;
		case 1:
			sim_control("set %s refuse=1", at);
			for_a_while(400);
			sim_control("set %s refuse=0", at);
			break;
		case 2:
			sim_control("set %s remove_ms=%d probe_ms=%d", at, rand() % 200,
				    rand() % 200);
			for_a_while(400);
			sim_control("set %s remove_ms=0 probe_ms=0", at);
			break;
		case 3:
			/* Odd after each reset, until it is found anew. */
			sim_control("set %s %sbus=odd", at, flr ? "flr=odd " : "");
			for_a_while(400);
			sim_control("set %s %sbus=works", at, flr ? "flr=works " : "");
			break;
		case 4:
			/* Silent for a while after a reset. */
			sim_control("set %s %s=dead:200", at, flr ? "flr" : "bus");
			for_a_while(400);
			sim_control("set %s %s=works", at, flr ? "flr" : "bus");
			break;
		case 5:
			pci_driver_write(SIM_DRIVER, "unbind", names[device]);
			for_a_while(50);
			file_write("/sys/bus/pci/drivers_probe", names[device]);
			break;
		case 6:
			file_write("/sys/bus/pci/rescan", "1");
			break;
		case 7:
			/* No reset makes it well: a minute later, quarantine. */
			if (!is_gpu || !chance(20))
				break;
			sim_control("set %s ready=90000 busy=0xbadf5040", at);
			for_a_while(400);
			sim_control("set %s ready=0", at);
			break;
		default:
			pull_and_plug(device);
		}
		for_a_while(50);
	}
	return 0;
}

/* Readers of everything there is. */
static int reader(void *arg)
{
	struct nl nl;

	CHECK(!nl_open(&nl));
	while (!atomic_load(&score->stop)) {
		nl_dump(&nl, PTX_CMD_DEVICE_GET, NULL, NULL);
		nl_dump(&nl, PTX_CMD_LEASE_GET, NULL, NULL);
		usleep(20000);
	}
	return 0;
}

/* Empties the pool, and waits for what it had given up on before. */
static int drain_pool(void)
{
	struct nl_device d;
	bool left = true;
	struct nl nl;
	int i, tries;

	if (nl_open(&nl))
		return -1;
	for (tries = 0; left && tries < END_MS / 100; tries++) {
		left = false;
		for (i = 0; i < DEVICES; i++) {
			const char *name = names[i];

			if (nl_device_get(&nl, name, &d))
				continue;
			if (d.pooled)
				nl_pool_remove(&nl, &name, 1, 1000);
			left |= d.pooled || pci_on_driver(name, PTX_DRIVER);
		}
		usleep(100000);
	}
	nl_close(&nl);
	return left;
}

static void give_driver(const char *name)
{
	struct nl_device d;
	struct nl nl;

	if (nl_open(&nl))
		return;
	if (!nl_device_get(&nl, name, &d) && d.member_state == PTX_MEMBER_STATE_QUARANTINED) {
		ksft_print_msg("%s is in quarantine; another reset\n", name);
		nl_device_reset(&nl, name);
	}
	nl_close(&nl);
	/* Its driver refused, or an admin took it away: both were told to. */
	if (pci_on_driver(name, ""))
		file_write("/sys/bus/pci/drivers_probe", name);
}

int main(int argc, char **argv)
{
	const char *env = getenv("PTX_CHAOS_OPERATIONS");
	long operations = argc > 1 ? atol(argv[1]) : env ? atol(env) : 1000;
	const char *list[DEVICES];
	struct snapshot *before;
	struct host host;
	pid_t pid[LESSEES], fault, read;
	char text[128];
	int i, ret, bad = 0;

	ksft_print_header();
	if (!host_is_topology("sim"))
		ksft_exit_skip("needs the topology sim\n");
	seed = argc > 2 ? strtoul(argv[2], NULL, 0) : time(NULL);
	if (sim_load() || host_begin(&host))
		ksft_exit_fail_msg("no host\n");
	for (i = 0; i < DEVICES; i++) {
		list[i] = sim_name(slot_of(i), fn_of(i), names[i]);
		if (sim_add(describe(i, text, sizeof(text))))
			ksft_exit_fail_msg("no device '%s'\n", text);
	}
	before = snapshot_take_of(list, DEVICES);
	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!before || score == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	/* What is plugged in again may be numbered anew. */
	snapshot_ignore(before, "iommu_group");
	ksft_set_plan(4);
	ksft_print_msg("%ld operations, seed %u\n", operations, seed);
	atomic_store(&score->left, operations);
	fault = child_start(faults, NULL);
	read = child_start(reader, NULL);
	for (i = 0; i < LESSEES; i++)
		pid[i] = child_start(lessee, (void *)(long)i);
	for (i = 0; i < LESSEES; i++) {
		ret = child_wait(pid[i]);
		if (ret) {
			ksft_print_msg("process %d ended with %d\n", i, ret);
			bad++;
		}
	}
	atomic_store(&score->stop, 1);
	bad += !!child_wait(fault) + !!child_wait(read);

	for (i = 0; i < ARRAY_SIZE(op_names); i++)
		ksft_print_msg("%-8s %5ld, %5ld of them refused\n", op_names[i],
			       atomic_load(&score->done[i]), atomic_load(&score->refused[i]));
	for (i = 0; i < ARRAY_SIZE(score->reasons); i++)
		if (atomic_load(&score->reasons[i]))
			ksft_print_msg("add refused %ld times: %s\n",
				       atomic_load(&score->reasons[i]), reason_name(i));
	ksft_print_msg("%ld faults\n", atomic_load(&score->faults));
	ksft_test_result(!atomic_load(&score->wrong) && !bad, "only honest answers\n");
	ksft_test_result(atomic_load(&score->refused[OP_ADD]) &&
			 atomic_load(&score->done[OP_ADD]) >
			 atomic_load(&score->refused[OP_ADD]) * 5 / 4,
			 "some were refused, and not all\n");
	ksft_test_result(!host_wait_no_lease(END_MS) && !drain_pool(),
			 "every lease has ended, and the pool is empty\n");
	for (i = 0; i < DEVICES; i++)
		give_driver(names[i]);
	ret = snapshot_check_of(before, 4000);
	snapshot_free(before);
	ret |= sim_clear();
	ret |= host_end(&host);
	ksft_test_result(!ret, "everything is as it was\n");
	ksft_finished();
}
