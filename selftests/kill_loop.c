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
#include <sys/mman.h>
#include <sys/socket.h>

#include "kselftest.h"
#define TH_LOG(...)
#define FIXTURE(...)
#include "lib/host.h"
#include "lib/space.h"

#define GONE_MS		60000
#define MAP_LEN		(4 << 20)

/* What is mapped through the lease file: enough for threads, now and then. */
#define MIB		(1UL << 20)
#define SPACE_LEN	(160 * MIB)
#define SPACE_IOVA	(256 * MIB)

static struct host host;

/**
 * struct plan - what an owner does, and when it dies
 * @names: the devices it asks for
 * @nr: their number
 * @open: the one it opens through VFIO, or NULL
 * @bind: it binds the lease to itself, and a helper inherits the file
 * @stock: it asks for vfio-pci
 * @space: the lease has a DMA space
 * @us: it is killed this long after it began
 */
struct plan {
	const char *names[4];
	int nr;
	const struct pci_fn *open;
	bool bind;
	bool stock;
	bool space;
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

/* Maps and unmaps, in batches: whole pieces of whatever size at random places. */
static void change_space(int fd, char *memory, int rounds)
{
	struct ptx_space_op ops[8];
	unsigned long at, size;
	int i, nr;

	while (rounds--) {
		nr = 1 + rand() % 8;
		for (i = 0; i < nr; i++) {
			at = rand() % 160 * MIB;
			size = rand() % 4 ? MIB / 4 : SPACE_LEN - at;
			if (rand() % 3)
				ops[i] = space_map_op(SPACE_IOVA + at, memory + at, size, SPACE_RW);
			else
				ops[i] = space_unmap_op(SPACE_IOVA + at, size);
		}
		/* Many are refused, for overlapping: no matter. */
		space_batch(fd, ops, nr, NULL);
		if (!(rand() % 8))
			space_unmap_all(fd, NULL);
		if (!(rand() % 8))
			madvise(memory, SPACE_LEN, MADV_DONTNEED);
	}
}

static int lease_of(int ctl, const struct plan *p, int self)
{
	const char *name = lease_name();
	struct ptx_lease_create c = {
		.flags = (p->bind ? PTX_LEASE_CREATE_BIND : 0) |
			 (p->space ? PTX_LEASE_CREATE_SPACE : 0),
		.name = (uintptr_t)name,
		.name_len = strlen(name),
		.pidfd = p->bind ? self : 0,
	};

	return lease_create_raw(ctl, &c) ?: c.out_fd;
}

/* Takes, uses, gives back; then all over again until killed. */
static int owner(void *arg)
{
	struct plan *p = arg;
	struct vfio v = VFIO_CLOSED;
	struct add *add = malloc(sizeof(*add));
	int ctl, fd, self = pidfd_of(getpid());
	char *memory;

	ctl = ptx_open();
	memory = mmap(NULL, SPACE_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (ctl < 0 || !add || self < 0 || memory == MAP_FAILED)
		return 1;
	for (;;) {
		fd = lease_of(ctl, p, self);
		if (fd < 0)
			return 2;
		/* The helper; it ends itself when the lease is over. */
		if (p->bind && !fork()) {
			lease_poll(fd, 0, GONE_MS);
			_exit(0);
		}
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
		if (p->space)
			change_space(fd, memory, 12);
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
	/* Its opens are checked by our driver alone. */
	p->space = !p->stock && rand() & 1;
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
		diffs = ret ?: snapshot_check(host.before, 2000, NULL) ?: host_same_pins(&host);
		if (diffs) {
			ksft_print_msg("round %d: %d devices from %s%s%s%s%s, killed after %ld us\n",
				       round, p.nr, p.names[0],
				       p.open ? ", open" : "",
				       p.bind ? ", bound" : "",
				       p.stock ? ", stock" : "",
				       p.space ? ", a space" : "", p.us);
			break;
		}
		srand(seed + round * 7919);
	}
	ksft_test_result(round == rounds && !dead_early,
			 "%d of %d rounds\n", round, rounds);
	ksft_finished();
}
