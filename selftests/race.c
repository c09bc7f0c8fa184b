// SPDX-License-Identifier: GPL-2.0-only
/*
 * race [SECONDS [SEED]] - many processes lease overlapping groups while others
 * unbind and bind unrelated devices, rescan the bus, read everything, and
 * load and unload drivers. Nobody ever has what somebody else has, and in the
 * end everything is as it was.
 *
 * SECONDS defaults to $PTX_RACE_SECONDS, and to 15.
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
#include <sys/socket.h>

#include "kselftest.h"
#define TH_LOG(...)
#define FIXTURE(...)
#include "lib/host.h"

#define LESSEES 6
#define MAX_GROUPS 256

static struct host host;

/**
 * struct score - shared by all processes
 * @holder: who holds a group, by its number; 0 for nobody
 * @overlaps: a group had two holders
 * @wrong: anything else that should not be
 * @won: leases that were taken
 * @lost: and those that were refused
 * @stop: the end
 */
struct score {
	atomic_int holder[MAX_GROUPS];
	atomic_int overlaps;
	atomic_int wrong;
	atomic_long won;
	atomic_long lost;
	atomic_long traffic;
	atomic_int stop;
};

static struct score *score;
static unsigned int seed;

static void wrong(const char *what, int value)
{
	printf("# %d: %s %d\n", (int)getpid(), what, value);
	atomic_fetch_add(&score->wrong, 1);
}

/* Marks what an add brought as ours; complains when it was not free. */
static void hold(const struct add *add)
{
	unsigned int i;

	for (i = 0; i < add->a.out_nr_members && i < ADD_ROOM; i++) {
		const struct ptx_member_info *m = &add->members[i];
		int none = 0;

		if (m->group >= MAX_GROUPS ||
		    atomic_load(&score->holder[m->group]) == getpid())
			continue;
		if (!atomic_compare_exchange_strong(&score->holder[m->group],
						    &none, getpid())) {
			printf("# group %u is held by %d and %d\n", m->group,
			       none, (int)getpid());
			atomic_fetch_add(&score->overlaps, 1);
		}
		if (!pci_on_driver(m->name, PTX_DRIVER))
			wrong(m->name, 0);
	}
}

/* To be called while we still hold it, or another could come first. */
static void let_go(uint32_t group)
{
	int me = getpid();

	if (group < MAX_GROUPS)
		atomic_compare_exchange_strong(&score->holder[group], &me, 0);
}

static void let_go_all(void)
{
	int i;

	for (i = 0; i < MAX_GROUPS; i++)
		let_go(i);
}

static const struct pci_fn *any_device(void)
{
	const struct pci_fn *all[3 * HOST_MAX];
	int n = 0, i;

	for (i = 0; host_single(&host, i); i++)
		all[n++] = host_single(&host, i);
	for (i = 0; i < host.nr_edu_shared; i++)
		all[n++] = host.edu_shared[i];
	if (host.gpu) {
		all[n++] = host.gpu;
		all[n++] = host.audio;
	}
	return all[rand() % n];
}

static int lessee(void *arg)
{
	struct add *add = malloc(sizeof(*add));
	const struct pci_fn *fn[3];
	const char *names[3];
	struct query q;
	int ctl, fd, nr, ret, i;
	struct nl nl;

	srand(seed + (long)arg);
	ctl = ptx_open();
	if (ctl < 0 || !add || nl_open(&nl))
		return 1;
	while (!atomic_load(&score->stop)) {
		fd = lease_create(ctl, lease_name(), NULL);
		if (fd < 0) {
			wrong("create", fd);
			break;
		}
		nr = 1 + rand() % 3;
		for (i = 0; i < nr; i++) {
			fn[i] = any_device();
			names[i] = fn[i]->name;
		}
		add_init(add, names, nr);
		ret = lease_add(fd, add);
		switch (ret) {
		case 0:
			hold(add);
			atomic_fetch_add(&score->won, 1);
			break;
		case -EBUSY:
			if (add->a.out_reason != PTX_REASON_HELD)
				wrong(reason_name(add->a.out_reason), ret);
			/* fall through */
		case -EEXIST:
			atomic_fetch_add(&score->lost, 1);
			break;
		default:
			wrong(reason_name(add->a.out_reason), ret);
		}
		if (lease_query(fd, &q))
			wrong("query", 0);
		nl_device_get(&nl, names[0], NULL);
		if (!ret && !(rand() % 3)) {
			/*
			 * One group first. Nobody else can have it before the
			 * call, so it is ours to cross off before it.
			 */
			let_go(add->members[0].group);
			i = lease_remove(fd, names, 1, 0, NULL);
			if (i && i != -ENOENT)
				wrong("remove", i);
		}
		let_go_all();
		if (rand() & 1) {
			ret = lease_release(fd, 0, NULL);
			if (ret)
				wrong("release", ret);
		}
		close(fd);
	}
	return 0;
}

/* Bus notifier traffic on a device that nobody leases. */
static int binder(void *arg)
{
	const struct pci_fn *fn = host.nic;

	if (!fn || !fn->driver[0])
		return 0;
	while (!atomic_load(&score->stop)) {
		pci_driver_write(fn->driver, "unbind", fn->name);
		usleep(1000);
		if (pci_driver_write(fn->driver, "bind", fn->name))
			wrong("bind of the NIC", 0);
		atomic_fetch_add(&score->traffic, 1);
		usleep(20000);
	}
	return 0;
}

static int rescanner(void *arg)
{
	while (!atomic_load(&score->stop)) {
		file_write("/sys/bus/pci/rescan", "1");
		atomic_fetch_add(&score->traffic, 1);
		usleep(30000);
	}
	return 0;
}

/* A driver that goes and comes: every device without one is looked at. */
static int loader(void *arg)
{
	while (!atomic_load(&score->stop)) {
		if (system("modprobe -q vfio-pci && modprobe -qr vfio-pci"))
			break;
		atomic_fetch_add(&score->traffic, 1);
		usleep(20000);
	}
	/* Built in, or not there at all: no traffic of this kind. */
	while (!atomic_load(&score->stop)) {
		const struct pci_fn *fn = any_device();

		file_write("/sys/bus/pci/drivers_probe", fn->name);
		atomic_fetch_add(&score->traffic, 1);
		usleep(20000);
	}
	return 0;
}

/* Readers of everything there is. */
static int reader(void *arg)
{
	struct snapshot *s;
	struct nl nl;

	if (nl_open(&nl))
		return 1;
	while (!atomic_load(&score->stop)) {
		nl_dump(&nl, PTX_CMD_DEVICE_GET, NULL, NULL);
		nl_dump(&nl, PTX_CMD_LEASE_GET, NULL, NULL);
		s = snapshot_take();
		snapshot_free(s);
		usleep(5000);
	}
	return 0;
}

/* Owners that die. */
static int killer(void *arg)
{
	pid_t pid;

	srand(seed + 1000);
	while (!atomic_load(&score->stop)) {
		pid = fork();
		if (!pid) {
			const char *name = any_device()->name;
			int fd = lease_create(ptx_open(), lease_name(), NULL);
			struct add *add = malloc(sizeof(*add));

			add_init(add, &name, 1);
			lease_add(fd, add);
			pause();
			_exit(0);
		}
		usleep(rand() % 200000);
		kill(pid, SIGKILL);
		child_wait(pid);
	}
	return 0;
}

/*
 * A rescan closes the windows of bridges for a moment. A native driver that talks
 * to its device just then fails to probe it, as it would without us. That has to
 * be reported; then asking it again is enough. What is lost in silence is a failure.
 */
static void probe_reported(int kmsg)
{
	char line[1024], *at;
	ssize_t n;

	while ((n = read(kmsg, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		line[n < 0 ? 0 : n] = '\0';
		at = strstr(line, ": driver ");
		if (!at || !strstr(line, "does not take the device back"))
			continue;
		*at = '\0';
		at = strrchr(line, ' ');
		if (!at)
			continue;
		ksft_print_msg("%s: its driver did not take it back; asking again\n", at + 1);
		file_write("/sys/bus/pci/drivers_probe", at + 1);
	}
}

int main(int argc, char **argv)
{
	int kmsg;
	const char *env = getenv("PTX_RACE_SECONDS");
	int seconds = argc > 1 ? atoi(argv[1]) : env ? atoi(env) : 15;
	static child_fn *const others[] = { binder, rescanner, loader, reader, killer };
	pid_t pid[LESSEES + 8];
	int i, n = 0, ret, bad = 0;

	ksft_print_header();
	seed = argc > 2 ? strtoul(argv[2], NULL, 0) : time(NULL);
	if (host_begin(&host))
		ksft_exit_fail_msg("no host\n");
	if (!host_single(&host, 0))
		ksft_exit_skip("no device of this topology can be leased\n");
	ksft_set_plan(4);
	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (score == MAP_FAILED)
		ksft_exit_fail_msg("no memory\n");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)
		ksft_exit_fail_msg("/dev/kmsg: %s\n", strerror(errno));
	ksft_print_msg("%d s, seed %u\n", seconds, seed);
	for (i = 0; i < LESSEES; i++)
		pid[n++] = child_start(lessee, (void *)(long)i);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		pid[n++] = child_start(others[i], NULL);
	sleep(seconds);
	atomic_store(&score->stop, 1);
	for (i = 0; i < n; i++) {
		ret = child_wait(pid[i]);
		if (ret) {
			ksft_print_msg("process %d ended with %d\n", i, ret);
			bad++;
		}
	}
	ksft_print_msg("%ld leases taken, %ld refused, %ld disturbances\n",
		       atomic_load(&score->won), atomic_load(&score->lost),
		       atomic_load(&score->traffic));
	ksft_test_result(!atomic_load(&score->overlaps), "one holder per group\n");
	ksft_test_result(!atomic_load(&score->wrong) && !bad,
			 "only the errors one expects\n");
	ksft_test_result(atomic_load(&score->won) > 0 && atomic_load(&score->lost) > 0,
			 "they did meet\n");
	host_wait_no_lease(90000);
	probe_reported(kmsg);
	ksft_test_result(!host_same(&host), "everything is as it was\n");
	ksft_finished();
}
