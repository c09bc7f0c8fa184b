// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill_loop [ROUNDS [SEED]] - the owner of a lease is killed at a random
 * moment of taking it, using it or giving it back; every time everything is
 * as it was before.
 *
 * ROUNDS defaults to $PTX_KILL_ROUNDS, and to 20.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>

#include "kselftest.h"
#define TH_LOG(...)
#define FIXTURE(...)
#include "lib/host.h"

#define GONE_MS		60000
#define MAP_LEN		(4 << 20)

static struct host host;

/**
 * struct plan - what an owner does, and when it dies
 * @names: the devices it asks for
 * @nr: their number
 * @open: the one it opens through VFIO, or NULL
 * @bind: it binds the lease to itself, and a helper inherits the file
 * @stock: it asks for vfio-pci
 * @us: it is killed this long after it began
 */
struct plan {
	const char *names[4];
	int nr;
	const struct pci_fn *open;
	bool bind;
	bool stock;
	long us;
};

static long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Uses the device until the end of its days, or for @rounds. */
static void use(struct vfio *v, const struct pci_fn *fn, int rounds)
{
	bool edu = fn->vendor == 0x1234;
	uint64_t offset = 0, size;
	char buf[256];

	vfio_map(v, MAP_LEN);
	vfio_region(v->device, 7 /* config space */, &offset, &size);
	while (rounds--) {
		if (edu)
			vfio_edu_dma(v->device, v->iova, v->iova + 8192, 4000);
		else if (pread(v->device, buf, sizeof(buf), offset) < 0)
			return;
	}
}

/* Takes, uses, gives back; then all over again until killed. */
static int owner(void *arg)
{
	struct plan *p = arg;
	struct vfio v = VFIO_CLOSED;
	struct add *add = malloc(sizeof(*add));
	int ctl, fd, self;

	ctl = ptx_open();
	if (ctl < 0 || !add)
		return 1;
	for (;;) {
		if (p->bind) {
			self = pidfd_of(getpid());
			fd = lease_create_bound(ctl, lease_name(), self, NULL);
			close(self);
			/* The helper; it ends itself when the lease is over. */
			if (!fork()) {
				lease_poll(fd, 0, GONE_MS);
				_exit(0);
			}
		} else {
			fd = lease_create(ctl, lease_name(), NULL);
		}
		if (fd < 0)
			return 2;
		add_init(add, p->names, p->nr);
		if (p->stock)
			strcpy(add->a.driver, "vfio-pci");
		if (lease_add(fd, add)) {
			printf("# add: %s %s\n", reason_name(add->a.out_reason),
			       add->a.out_culprit);
			return 3;
		}
		if (p->open) {
			if (vfio_open(&v, p->open->group, p->open->name))
				return 4;
			use(&v, p->open, 3);
		}
		if (rand() & 1)
			vfio_close(&v);
		if (rand() & 1)
			lease_release(fd, 2000, NULL);
		close(fd);
		vfio_close(&v);
		/* The next round may find it still on its way home. */
		host_wait_no_lease(GONE_MS);
	}
}

static bool have_stock(void)
{
	return !access("/sys/bus/pci/drivers/vfio-pci", F_OK) ||
	       !system("modprobe vfio-pci");
}

static void plan_make(struct plan *p, long span_us)
{
	const struct pci_fn *all[HOST_MAX];
	int n = 0, i, k;

	memset(p, 0, sizeof(*p));
	while (n < HOST_MAX - 2 && host_single(&host, n)) {
		all[n] = host_single(&host, n);
		n++;
	}
	if (host.gpu && host.gpu->group >= 0)
		all[n++] = host.gpu;
	if (host.nr_edu_shared)
		all[n++] = host.edu_shared[rand() % host.nr_edu_shared];
	for (i = n - 1; i > 0; i--) {
		const struct pci_fn *t = all[i];

		k = rand() % (i + 1);
		all[i] = all[k];
		all[k] = t;
	}
	p->nr = 1 + rand() % (n < 4 ? n : 4);
	for (i = 0; i < p->nr; i++)
		p->names[i] = all[i]->name;
	if (rand() % 3)
		p->open = all[rand() % p->nr];
	p->bind = !(rand() % 3);
	p->stock = !(rand() % 5) && have_stock();
	/* Early moments more often: that is where the steps are. */
	p->us = rand() & 1 ? rand() % span_us : rand() % (span_us / 4 + 1);
}

/* How long one life takes here: so much more on a debug kernel. */
static long measure(void)
{
	struct plan p;
	long long start = now_us();
	struct vfio v = VFIO_CLOSED;
	int fd;

	plan_make(&p, 1000000);
	fd = lease_create(host.ctl, lease_name(), NULL);
	if (fd < 0 || lease_add_names(fd, p.names[0], NULL))
		return -1;
	vfio_close(&v);
	lease_release(fd, 0, NULL);
	close(fd);
	host_wait_no_lease(GONE_MS);
	return 2 * (now_us() - start) + 300000;
}

int main(int argc, char **argv)
{
	const char *env = getenv("PTX_KILL_ROUNDS");
	int rounds = argc > 1 ? atoi(argv[1]) : env ? atoi(env) : 20;
	unsigned int seed = argc > 2 ? strtoul(argv[2], NULL, 0) : time(NULL);
	int round, diffs, ret, dead_early = 0;
	struct plan p;
	long span;
	pid_t pid;

	ksft_print_header();
	if (rounds < 1)
		ksft_exit_fail_msg("%d rounds\n", rounds);
	if (host_begin(&host))
		ksft_exit_fail_msg("no host\n");
	if (!host_single(&host, 0))
		ksft_exit_skip("no device of this topology can be leased\n");
	ksft_set_plan(1);
	span = measure();
	if (span < 0)
		ksft_exit_fail_msg("nothing can be leased\n");
	ksft_print_msg("%d rounds, seed %u, a life takes %ld ms\n", rounds, seed,
		       span / 1000);
	srand(seed);
	for (round = 0; round < rounds; round++) {
		struct timespec t;

		plan_make(&p, span);
		srand(seed + round);
		pid = child_start(owner, &p);
		t.tv_sec = p.us / 1000000;
		t.tv_nsec = p.us % 1000000 * 1000;
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		ret = child_wait(pid);
		if (ret != 128 + SIGKILL) {
			ksft_print_msg("round %d: the owner ended by itself, %d\n",
				       round, ret);
			dead_early++;
		}
		ret = host_wait_no_lease(GONE_MS);
		diffs = ret ?: snapshot_check(host.before, 2000, NULL);
		if (diffs) {
			ksft_print_msg("round %d: %d devices from %s%s%s%s, killed after %ld us\n",
				       round, p.nr, p.names[0],
				       p.open ? ", open" : "",
				       p.bind ? ", bound" : "",
				       p.stock ? ", stock" : "", p.us);
			break;
		}
		srand(seed + round * 7919);
	}
	ksft_test_result(round == rounds && !dead_early,
			 "%d of %d rounds\n", round, rounds);
	ksft_finished();
}
