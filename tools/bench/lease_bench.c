// SPDX-License-Identifier: GPL-2.0-only
/*
 * lease_bench - what it takes to lease and give back 1, 2, 4 and 8 NVMe
 * controllers, against two ways to do the same by hand:
 *
 *   sysfs      driver_override, unbind, probe, device after device
 *   driverctl  the Debian package, device after device
 *
 * All in one boot, in turns, each a number of rounds; the least and the median
 * are printed. A device counts as leased once it is on its VFIO driver and as
 * back once it is on nvme again.
 *
 * Our own cost is what remains of a call when the time inside the driver core
 * (the drivers' remove and probe, and what they wait for) is left out. The
 * module's tracepoint says how much that is.
 *
 * What the pool has changes hands with no driver bound or unbound. That is
 * measured beside it: the call that adds the devices, and nothing else.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lease.h"
#include "nl.h"
#include "sysfs.h"
#include "trace.h"

#define MAX_DEVICES	8
#define MAX_ROUNDS	100
#define CLASS_NVME	0x010802
#define NATIVE		"nvme"
#define STOCK		"vfio-pci"

static const char *names[MAX_DEVICES];
static struct pci_fn fns[PCI_MAX_FNS];
static int ctl = -1;
static long nr_cpus;

static void die(const char *what, int err)
{
	fprintf(stderr, "lease_bench: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* Time that all processors together have spent running tasks; 0 if unknown. */
static double cpu_us(void)
{
	unsigned long long v[9], sum = 0;
	char line[512];
	FILE *f = fopen("/proc/schedstat", "re");

	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu%*d %llu %llu %llu %llu %llu %llu %llu", &v[0],
			   &v[1], &v[2], &v[3], &v[4], &v[5], &v[6]) == 7)
			sum += v[6];
	fclose(f);
	return sum / 1e3;
}

/* The three rivals. Each leases, or gives back, the first @n devices. */

static int lease_fd = -1;

static void ptx_take(int n)
{
	static struct add add;
	int ret;

	lease_fd = lease_create(ctl, lease_name(), NULL);
	if (lease_fd < 0)
		die("lease", lease_fd);
	add_init(&add, names, n);
	ret = lease_add(lease_fd, &add);
	if (ret) {
		fprintf(stderr, "lease_bench: %s %s\n",
			reason_name(add.a.out_reason), add.a.out_culprit);
		die("add", ret);
	}
}

static void ptx_give(int n)
{
	int ret = lease_release(lease_fd, 0, NULL);

	if (ret)
		die("release", ret);
	close(lease_fd);
}

static void must(int ret, const char *what)
{
	if (ret < 0)
		die(what, ret);
}

static void sysfs_take(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		must(pci_write(names[i], "driver_override", STOCK), "driver_override");
		must(pci_driver_write(NATIVE, "unbind", names[i]), "unbind");
		must(file_write("/sys/bus/pci/drivers_probe", names[i]), "probe");
	}
}

static void sysfs_give(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		must(pci_write(names[i], "driver_override", "\n"), "driver_override");
		must(pci_driver_write(STOCK, "unbind", names[i]), "unbind");
		must(file_write("/sys/bus/pci/drivers_probe", names[i]), "probe");
	}
}

static void driverctl(const char *verb, const char *name, const char *driver)
{
	char command[256];

	snprintf(command, sizeof(command), "driverctl --nosave %s %s %s", verb, name,
		 driver);
	if (system(command))
		die("driverctl", EIO);
}

static void driverctl_take(int n)
{
	int i;

	for (i = 0; i < n; i++)
		driverctl("set-override", names[i], STOCK);
}

static void driverctl_give(int n)
{
	int i;

	for (i = 0; i < n; i++)
		driverctl("unset-override", names[i], "");
}

enum { PTX, SYSFS, DRIVERCTL, NR_RIVALS };

static const struct rival {
	const char *name;
	const char *driver;
	void (*take)(int n);
	void (*give)(int n);
} rivals[NR_RIVALS] = {
	[PTX] = { "ptx", PTX_DRIVER, ptx_take, ptx_give },
	[SYSFS] = { "sysfs", STOCK, sysfs_take, sysfs_give },
	[DRIVERCTL] = { "driverctl", STOCK, driverctl_take, driverctl_give },
};

/**
 * struct series - the rounds of one rival with one number of devices
 * @took: microseconds to lease them
 * @gave: and to give them back
 * @cpu_took: what of it all processors spent running
 * @cpu_gave: likewise
 * @own_took: ours without the driver core
 * @own_gave: likewise
 */
struct series {
	double took[MAX_ROUNDS];
	double gave[MAX_ROUNDS];
	double cpu_took[MAX_ROUNDS];
	double cpu_gave[MAX_ROUNDS];
	double own_took[MAX_ROUNDS];
	double own_gave[MAX_ROUNDS];
};

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *v, int n)
{
	double s[MAX_ROUNDS];

	memcpy(s, v, n * sizeof(*s));
	qsort(s, n, sizeof(*s), by_value);
	return n & 1 ? s[n / 2] : (s[n / 2 - 1] + s[n / 2]) / 2;
}

static double least(const double *v, int n)
{
	double m = v[0];

	while (n--)
		if (v[n] < m)
			m = v[n];
	return m;
}

static void all_on(const char *driver, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!pci_on_driver(names[i], driver)) {
			fprintf(stderr, "lease_bench: %s is not on %s\n", names[i],
				driver);
			exit(1);
		}
}

/* nvme goes on setting up a controller after its probe; that must not count. */
static void settle(int n)
{
	char path[256], state[32];
	struct timespec pause = { .tv_nsec = 5 * 1000 * 1000 };
	int i, k, c;

	for (i = 0; i < n; i++)
		for (k = 0; k < 2000; k++) {
			bool live = false;

			for (c = 0; c < 64 && !live; c++) {
				snprintf(path, sizeof(path),
					 "/sys/bus/pci/devices/%s/nvme/nvme%d/state",
					 names[i], c);
				live = file_read(path, state, sizeof(state)) > 0 &&
				       !strcmp(state, "live");
			}
			if (live)
				break;
			nanosleep(&pause, NULL);
		}
	/* And the rest of it: partitions are read by then. */
	pause.tv_nsec = 100 * 1000 * 1000;
	nanosleep(&pause, NULL);
}

static void measure(const struct rival *r, int n, struct series *s, int round)
{
	double t, cpu;

	settle(n);
	cpu = cpu_us();
	t = now_us();
	r->take(n);
	s->took[round] = now_us() - t;
	s->cpu_took[round] = cpu_us() - cpu;
	all_on(r->driver, n);
	cpu = cpu_us();
	t = now_us();
	r->give(n);
	s->gave[round] = now_us() - t;
	s->cpu_gave[round] = cpu_us() - cpu;
	all_on(NATIVE, n);
}

/* A round of ours under the tracepoint, apart from those that are compared. */
static void measure_own(int n, struct series *s, int round, struct trace_sum *take,
			struct trace_sum *give)
{
	double t, took, gave;

	settle(n);
	trace_begin();
	t = now_us();
	ptx_take(n);
	took = now_us() - t;
	trace_end(take);
	trace_begin();
	t = now_us();
	ptx_give(n);
	gave = now_us() - t;
	trace_end(give);
	if (take->lost || give->lost)
		fprintf(stderr, "lease_bench: the trace lost records\n");
	s->own_took[round] = took - take->union_us;
	s->own_gave[round] = gave - give->union_us;
}

static void print_steps(const char *what, const struct trace_sum *sum)
{
	int i;

	for (i = 0; i < sum->nr_steps; i++)
		printf("    %-6s %-16s %8.2f ms a call\n", what, sum->steps[i].name,
		       sum->steps[i].us / sum->steps[i].calls / 1e3);
}

static bool have_driverctl(void)
{
	return !system("command -v driverctl >/dev/null 2>&1");
}

static struct series series[NR_RIVALS][MAX_DEVICES + 1];

static void pooled(int n, bool in)
{
	struct nl nl;
	int i, ret;

	must(nl_open(&nl), "netlink");
	for (i = 0; i < n; i++) {
		ret = in ? nl_pool_add(&nl, &names[i], 1, 0) :
			   nl_pool_remove(&nl, &names[i], 1, 60000);
		must(ret, in ? "pool add" : "pool remove");
	}
	nl_close(&nl);
}

/* Until the pool has them again, and they are asleep. */
static void rest(int n)
{
	const struct timespec pause = { .tv_nsec = 100 * 1000 * 1000 };
	struct nl_device d;
	struct nl nl;
	int i, tries;

	must(nl_open(&nl), "netlink");
	for (i = 0; i < n; i++)
		for (tries = 0; tries < 100; tries++) {
			must(nl_device_get(&nl, names[i], &d), names[i]);
			if (!d.lease && d.member_state == PTX_MEMBER_STATE_READY)
				break;
			nanosleep(&pause, NULL);
		}
	nl_close(&nl);
	nanosleep(&pause, NULL);
}

static void print_pool(int rounds, const int *counts, int nr_counts)
{
	static double took[MAX_ROUNDS];
	static struct add add;
	double t;
	int c, i, n, fd;

	pooled(counts[nr_counts - 1], true);
	printf("\nLeasing from the pool: us, least / median\n");
	printf("  %-10s%18s%20s\n", "devices", "leasing", "each device");
	for (c = 0; c < nr_counts; c++) {
		n = counts[c];
		for (i = 0; i < rounds; i++) {
			rest(n);
			fd = lease_create(ctl, lease_name(), NULL);
			must(fd, "lease");
			add_init(&add, names, n);
			t = now_us();
			must(lease_add(fd, &add), "add");
			took[i] = now_us() - t;
			must(lease_release(fd, 60000, NULL), "release");
			close(fd);
		}
		printf("  %-10d%9.0f /%7.0f%10.0f /%7.0f", n, least(took, rounds),
		       median(took, rounds), least(took, rounds) / n,
		       median(took, rounds) / n);
		if (*series[PTX][n].took)
			printf("   cold : pool %7.0f x", median(series[PTX][n].took, rounds) /
							  median(took, rounds));
		printf("\n");
	}
	rest(counts[nr_counts - 1]);
	pooled(counts[nr_counts - 1], false);
	all_on(NATIVE, counts[nr_counts - 1]);
}

static void usage(void)
{
	fprintf(stderr,
		"usage: lease_bench [-o] [-r ROUNDS] [-n DEVICES]\n"
		"  -o  our own cost only, without rivals\n"
		"  -r  rounds of each measurement (7)\n"
		"  -n  the most devices to take (8, or all NVMe there are)\n");
	exit(2);
}

static void print_rivals(int rounds, const int *counts, int nr_counts, int last_rival)
{
	int i, c, k;

	printf("Leasing NVMe controllers: ms, least / median of %d rounds, %ld processors\n\n",
	       rounds, nr_cpus);
	for (i = 0; i < 2; i++) {
		printf("%-22s", i ? "giving back, devices:" : "leasing, devices:");
		for (c = 0; c < nr_counts; c++)
			printf("%18d", counts[c]);
		printf("   %d : 1\n", counts[nr_counts - 1]);
		for (k = 0; k <= last_rival; k++) {
			const struct series *one = &series[k][1];
			const struct series *most = &series[k][counts[nr_counts - 1]];

			printf("  %-20s", rivals[k].name);
			for (c = 0; c < nr_counts; c++) {
				const struct series *s = &series[k][counts[c]];

				printf("%9.1f /%7.1f", least(i ? s->gave : s->took, rounds) / 1e3,
				       median(i ? s->gave : s->took, rounds) / 1e3);
			}
			printf("%8.2f\n", median(i ? most->gave : most->took, rounds) /
			       median(i ? one->gave : one->took, rounds));
		}
		for (k = SYSFS; k <= last_rival; k++) {
			printf("  %-10s: ptx     ", rivals[k].name);
			for (c = 0; c < nr_counts; c++) {
				const struct series *s = &series[k][counts[c]];
				const struct series *p = &series[PTX][counts[c]];

				printf("%16.2f x", median(i ? s->gave : s->took, rounds) /
				       median(i ? p->gave : p->took, rounds));
			}
			printf("\n");
		}
		printf("  %-20s", "ptx, CPU-bound");
		for (c = 0; c < nr_counts; c++) {
			const struct series *s = &series[PTX][counts[c]];
			double cpu = median(i ? s->cpu_gave : s->cpu_took, rounds);
			double wall = median(i ? s->gave : s->took, rounds);

			/* What all processors at full tilt would need for it. */
			printf("%9.1f ms%5.0f %%", cpu / nr_cpus / 1e3,
			       100 * cpu / nr_cpus / wall);
		}
		printf("\n\n");
	}
}

int main(int argc, char **argv)
{
	static struct trace_sum take, give;
	int rounds = 7, max = MAX_DEVICES, found = 0, counts[4], nr_counts = 0;
	int nr, n, i, k, c, last_rival = DRIVERCTL;
	bool traced, own_only = false;

	while ((c = getopt(argc, argv, "or:n:")) >= 0) {
		switch (c) {
		case 'o':
			own_only = true;
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		case 'n':
			max = atoi(optarg);
			break;
		default:
			usage();
		}
	}
	if (rounds < 1 || rounds > MAX_ROUNDS || max < 1 || optind != argc)
		usage();
	if (access(PTX_NODE, F_OK) && system("modprobe ptx"))
		die("no module ptx", ENODEV);
	if (access("/sys/bus/pci/drivers/" STOCK, F_OK) && system("modprobe " STOCK))
		die("no module " STOCK, ENODEV);
	ctl = ptx_open();
	if (ctl < 0)
		die(PTX_NODE, ctl);
	nr = pci_list(fns, PCI_MAX_FNS);
	for (i = 0; i < nr && found < MAX_DEVICES && found < max; i++)
		if (fns[i].class == CLASS_NVME && fns[i].group >= 0 &&
		    !strcmp(fns[i].driver, NATIVE))
			names[found++] = fns[i].name;
	if (!found)
		die("no NVMe controller on its driver", ENODEV);
	for (n = 1; n <= found; n *= 2)
		counts[nr_counts++] = n;
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (!have_driverctl()) {
		fprintf(stderr, "lease_bench: no driverctl: left out\n");
		last_rival = SYSFS;
	}
	traced = trace_open();

	/* Once each, uncounted: modules are loaded, caches filled. */
	for (k = 0; !own_only && k <= last_rival; k++)
		measure(&rivals[k], 1, &series[k][0], 0);
	for (i = 0; !own_only && i < rounds; i++) {
		for (c = 0; c < nr_counts; c++)
			for (k = 0; k <= last_rival; k++)
				measure(&rivals[k], counts[c], &series[k][counts[c]], i);
		fprintf(stderr, "lease_bench: round %d of %d\n", i + 1, rounds);
	}

	if (!own_only)
		print_rivals(rounds, counts, nr_counts, last_rival);
	print_pool(rounds, counts, nr_counts);
	if (!traced)
		return 0;
	printf("Our own cost per device: the call without the time in the driver core, least / median\n");
	printf("  %-10s%18s%18s%16s%16s\n", "devices", "leasing us", "back us",
	       "in core ms", "back in core ms");
	for (c = 0; c < nr_counts; c++) {
		struct series *s = &series[PTX][counts[c]];
		double core_take[MAX_ROUNDS], core_give[MAX_ROUNDS];

		n = counts[c];
		for (i = 0; i < rounds; i++) {
			measure_own(n, s, i, &take, &give);
			core_take[i] = take.union_us;
			core_give[i] = give.union_us;
		}
		printf("  %-10d%9.0f /%7.0f%9.0f /%7.0f%16.2f%16.2f\n", n,
		       least(s->own_took, rounds) / n, median(s->own_took, rounds) / n,
		       least(s->own_gave, rounds) / n, median(s->own_gave, rounds) / n,
		       median(core_take, rounds) / 1e3, median(core_give, rounds) / 1e3);
		if (n == 1) {
			print_steps("lease", &take);
			print_steps("back", &give);
		}
	}
	n = counts[nr_counts - 1];
	if (n > 1)
		printf("  each further%16.0f%18.0f\n",
		       (least(series[PTX][n].own_took, rounds) -
			least(series[PTX][1].own_took, rounds)) / (n - 1),
		       (least(series[PTX][n].own_gave, rounds) -
			least(series[PTX][1].own_gave, rounds)) / (n - 1));
	trace_close();
	return 0;
}
