// SPDX-License-Identifier: GPL-2.0-only
/*
 * advice: what makes a VM with devices fast. Reads only, and fails no check: a VM that does
 * without starts all the same.
 */
#include <stdlib.h>
#include <string.h>
#include "advice.h"
#include "host.h"
#include "numa.h"
#include "select.h"
#include "size.h"

/**
 * struct advice - what it is about
 * @memory: of the VM
 * @vcpus: how many
 * @nodes: where its devices are; none when that is not known
 * @where: the same in words
 * @cpus: those that it may have there
 * @f: gets what is found
 */
struct advice {
	uint64_t memory;
	unsigned int vcpus;
	struct cpulist nodes;
	char where[128];
	struct cpulist cpus;
	struct findings *f;
};

/**
 * struct page_size - a size of huge pages
 * @bytes: it
 * @dir: how sysfs calls it
 * @word: how VMMs do
 * @name: how we do
 */
struct page_size {
	uint64_t bytes;
	const char *dir;
	const char *word;
	const char *name;
};

static const struct page_size page_sizes[] = {
	{ 1ULL << 30, "hugepages-1048576kB", "1G", "1 GiB" },
	{ 2ULL << 20, "hugepages-2048kB", "2M", "2 MiB" },
};

/* How many vCPUs @text says. */
bool advice_vcpus(const char *text, unsigned int *vcpus)
{
	size_t n = strspn(text, "0123456789");

	if (!n || n > 4 || text[n])
		return false;
	*vcpus = (unsigned int)strtoul(text, NULL, 10);
	return *vcpus && *vcpus <= ADVICE_VCPUS_MAX;
}

/* A file with one number in it; false when there is none. */
static bool read_count(const char *dir, const char *file, uint64_t *count)
{
	char path[256], text[32];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	host_read(path, text, sizeof(text));
	if (!*text || strspn(text, "0123456789") != strcspn(text, "\n") || *text == '\n' ||
	    strcspn(text, "\n") > 15)
		return false;
	*count = strtoull(text, NULL, 10);
	return true;
}

/* Are there @need pages of that size free in @dir, which is @where's? */
static void check_pages(const struct advice *a, const struct page_size *size, const char *dir,
			const char *where, uint64_t need)
{
	uint64_t all, left;
	char remedy[512];

	/* A size that the host does not have has no directory. */
	if (!read_count(dir, "nr_hugepages", &all) || !read_count(dir, "free_hugepages", &left))
		return;
	if (left >= need) {
		findings_add(a->f, FINDING_OK, "hugepages", NULL,
			     "%s has %llu huge pages of %s free, and the VM needs %llu", where,
			     (unsigned long long)left, size->name, (unsigned long long)need);
		return;
	}
	snprintf(remedy, sizeof(remedy), "echo %llu > %s/nr_hugepages%s",
		 (unsigned long long)(all + need - left), dir,
		 size->bytes > 2ULL << 20 ? "; if it does not get as many, at boot: hugepagesz=1G "
		 "hugepages=NODE:COUNT on the kernel command line" : "");
	findings_add(a->f, FINDING_WARN, "hugepages", remedy,
		     "%s has %llu huge pages of %s free, and the VM needs %llu", where,
		     (unsigned long long)left, size->name, (unsigned long long)need);
}

/* Those of one size, on each node its share, or wherever they are. */
static void check_page_size(const struct advice *a, const struct page_size *size)
{
	unsigned int nodes = cpulist_count(&a->nodes);
	uint64_t need = a->memory / size->bytes, share;
	char dir[160], where[48];

	if (!nodes) {
		snprintf(dir, sizeof(dir), "/sys/kernel/mm/hugepages/%s", size->dir);
		check_pages(a, size, dir, "the host", need);
		return;
	}
	share = need / nodes + !!(need % nodes);
	for (int node = -1; (node = cpulist_next(&a->nodes, node)) >= 0;) {
		snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%d/hugepages/%s", node,
			 size->dir);
		snprintf(where, sizeof(where), "NUMA node %d", node);
		check_pages(a, size, dir, where, share);
	}
}

/* The size as a VMM takes it. */
static void memory_word(uint64_t memory, char buf[32])
{
	if (memory % (1ULL << 20))
		snprintf(buf, 32, "%llu", (unsigned long long)memory);
	else
		snprintf(buf, 32, "%lluM", (unsigned long long)(memory >> 20));
}

static void say_pages(const struct advice *a, const struct page_size *size)
{
	char remedy[768], text[32], nodes[128], policy[192] = "";

	memory_word(a->memory, text);
	cpulist_text(&a->nodes, nodes, sizeof(nodes));
	/* Only one can be preferred there; the others are as near. */
	if (cpulist_count(&a->nodes) == 1)
		snprintf(policy, sizeof(policy), ",host-nodes=%s,policy=preferred", nodes);
	snprintf(remedy, sizeof(remedy),
		 "QEMU: -object memory-backend-memfd,id=ram,size=%s,hugetlb=on,hugetlbsize=%s,"
		 "prealloc=on%s -machine memory-backend=ram; Cloud Hypervisor: --memory "
		 "size=%s,hugepages=on,hugepage_size=%s", text, size->word, policy, text, size->word);
	findings_add(a->f, FINDING_OK, "hugepages", remedy,
		     "huge pages of %s are used if the VMM is told to", size->name);
}

static void check_hugepages(const struct advice *a)
{
	const struct page_size *fits = NULL;

	for (size_t i = 0; i < sizeof(page_sizes) / sizeof(page_sizes[0]); i++) {
		if (a->memory % page_sizes[i].bytes)
			continue;
		fits = fits ? fits : &page_sizes[i];
		check_page_size(a, &page_sizes[i]);
	}
	if (fits)
		say_pages(a, fits);
	else
		findings_add(a->f, FINDING_WARN, "hugepages",
			     "give the VM memory in multiples of 2 MiB, better of 1 GiB",
			     "memory of that size cannot be huge pages only");
}

/* All memory of a node; 0 when that is not known. */
static uint64_t node_memory(int node)
{
	char path[64], text[4096];
	const char *at;

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/meminfo", node);
	host_read(path, text, sizeof(text));
	at = strstr(text, "MemTotal:");
	return at ? strtoull(at + strlen("MemTotal:"), NULL, 10) << 10 : 0;
}

static void check_node_memory(const struct advice *a)
{
	char have[32], need[32];
	uint64_t sum = 0, one;

	for (int node = -1; (node = cpulist_next(&a->nodes, node)) >= 0;) {
		one = node_memory(node);
		if (!one)
			return;
		sum += one;
	}
	if (!sum || sum >= a->memory)
		return;
	size_text(sum, have);
	size_text(a->memory, need);
	findings_add(a->f, FINDING_WARN, "node", "give the VM less, or use devices of other nodes",
		     "%s has %s of memory in all: some of %s will come from elsewhere", a->where,
		     have, need);
}

/**
 * struct cores - the CPUs that may be had, those of a core together
 * @list: them; the first core, which does most for the host, comes last
 * @nr: how many
 * @per_core: how many of each core; 0 when they differ
 */
struct cores {
	unsigned int list[CPULIST_MAX];
	unsigned int nr;
	unsigned int per_core;
};

/* The core of @cpu, as far as it may be had. */
static void core_of(const struct cpulist *left, unsigned int cpu, struct cpulist *core)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		 cpu);
	cpulist_read(path, core);
	cpulist_cut(core, left);
	/* It is one of its own, whatever else is said. */
	cpulist_add(core, cpu);
}

static void add_core(struct cores *cores, const struct cpulist *core)
{
	for (int cpu = -1; (cpu = cpulist_next(core, cpu)) >= 0;)
		cores->list[cores->nr++] = (unsigned int)cpu;
}

static struct cores *cores_new(const struct cpulist *cpus)
{
	struct cores *cores = calloc(1, sizeof(*cores));
	struct cpulist left = *cpus, core, host;
	bool first = true;

	for (int cpu; cores && (cpu = cpulist_next(&left, -1)) >= 0; first = false) {
		unsigned int n;

		core_of(&left, (unsigned int)cpu, &core);
		n = cpulist_count(&core);
		cores->per_core = first || cores->per_core == n ? n : 0;
		for (int gone = -1; (gone = cpulist_next(&core, gone)) >= 0;)
			cpulist_remove(&left, (unsigned int)gone);
		if (first)
			host = core;
		else
			add_core(cores, &core);
	}
	if (cores && !first)
		add_core(cores, &host);
	return cores;
}

/* What @put makes of each vCPU and its CPU. To be freed; NULL when out of memory. */
static char *each_vcpu(const struct advice *a, const struct cores *cores,
		       void (*put)(FILE *to, unsigned int vcpu, unsigned int cpu))
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	for (unsigned int i = 0; to && i < a->vcpus; i++)
		put(to, i, cores->list[i]);
	if (to && fclose(to)) {
		free(text);
		text = NULL;
	}
	return text;
}

static void put_ch(FILE *to, unsigned int vcpu, unsigned int cpu)
{
	fprintf(to, "%s%u@[%u]", vcpu ? "," : "", vcpu, cpu);
}

static void put_virsh(FILE *to, unsigned int vcpu, unsigned int cpu)
{
	fprintf(to, "%svirsh vcpupin VM %u %u", vcpu ? "; " : "", vcpu, cpu);
}

static void put_plain(FILE *to, unsigned int vcpu, unsigned int cpu)
{
	fprintf(to, "%s%u", vcpu ? " " : "", cpu);
}

static void say_pin(const struct advice *a, const struct cores *cores, const char *who,
		    const char *before, const char *behind,
		    void (*put)(FILE *to, unsigned int vcpu, unsigned int cpu))
{
	char *list = each_vcpu(a, cores, put), *remedy = NULL;

	if (list && asprintf(&remedy, "%s%s%s", before, list, behind) >= 0) {
		findings_add(a->f, FINDING_OK, "vcpus", remedy, "a CPU for each vCPU, with %s", who);
		free(remedy);
	}
	free(list);
}

static void say_vcpus(const struct advice *a, const struct cores *cores,
		      const struct cpulist *used)
{
	bool whole = cores->per_core && a->vcpus % cores->per_core == 0;
	char list[1024], smp[64], *remedy = NULL;

	cpulist_text(used, list, sizeof(list));
	if (whole)
		snprintf(smp, sizeof(smp), "%u,sockets=1,cores=%u,threads=%u", a->vcpus,
			 a->vcpus / cores->per_core, cores->per_core);
	else
		snprintf(smp, sizeof(smp), "%u", a->vcpus);
	if (asprintf(&remedy, "taskset -c %s ptxctl run ... -- qemu-system-x86_64 -smp %s ...", list,
		     smp) < 0)
		return;
	findings_add(a->f, FINDING_OK, "vcpus", remedy, "%u vCPU%s on CPUs %s of %s%s", a->vcpus,
		     a->vcpus == 1 ? " fits" : "s fit", list, a->where,
		     whole ? ", which are whole cores" :
		     cores->per_core ? "; a whole number of cores would be better" : "");
	free(remedy);
	snprintf(list, sizeof(list), "--cpus boot=%u,affinity=[", a->vcpus);
	say_pin(a, cores, "Cloud Hypervisor", list, "]", put_ch);
	say_pin(a, cores, "libvirt", "", "", put_virsh);
	say_pin(a, cores, "QEMU, once it runs with -name VM,debug-threads=on as process PID",
		"i=0; for cpu in ", "; do taskset -cp $cpu $(grep -lx \"CPU $i/KVM\" "
		"/proc/PID/task/*/comm | cut -d/ -f5); i=$((i+1)); done", put_plain);
}

/* What the VMM does besides: disks and networks that it emulates. */
static void say_iothreads(const struct advice *a, const struct cpulist *spare)
{
	char list[512], remedy[2048];

	if (!cpulist_count(spare)) {
		findings_add(a->f, FINDING_WARN, "iothreads", "give the VM fewer vCPUs",
			     "no CPU of %s is left for I/O threads and the host", a->where);
		return;
	}
	cpulist_text(spare, list, sizeof(list));
	snprintf(remedy, sizeof(remedy),
		 "QEMU: -object iothread,id=io0 -device virtio-blk-pci,iothread=io0,...; libvirt: "
		 "virsh emulatorpin VM %s; virsh iothreadpin VM 1 %s", list, list);
	findings_add(a->f, FINDING_OK, "iothreads", remedy,
		     "CPUs %s of %s are left for the host, and for an I/O thread for each disk "
		     "that the VMM emulates; leased devices need none", list, a->where);
}

static void check_vcpus(const struct advice *a)
{
	struct cpulist used = { .bits = { 0 } }, spare = a->cpus;
	unsigned int have = cpulist_count(&a->cpus);
	struct cores *cores;

	if (!have) {
		findings_add(a->f, FINDING_WARN, "vcpus", NULL,
			     "the CPUs of %s are not known, or none of them may be used", a->where);
		return;
	}
	if (have < a->vcpus) {
		findings_add(a->f, FINDING_WARN, "vcpus",
			     "give the VM fewer vCPUs; more of them than CPUs wait for each other",
			     "%s has %u CPUs that may be used, and the VM is to have %u vCPUs",
			     a->where, have, a->vcpus);
		return;
	}
	cores = cores_new(&a->cpus);
	if (!cores)
		return;
	for (unsigned int i = 0; i < a->vcpus; i++) {
		cpulist_add(&used, cores->list[i]);
		cpulist_remove(&spare, cores->list[i]);
	}
	say_vcpus(a, cores, &used);
	say_iothreads(a, &spare);
	free(cores);
}

/* Those of the nodes, or all, that this process may use. */
static void find_cpus(struct advice *a)
{
	static const char key[] = "\nCpus_allowed_list:\t";
	char status[16384], *at;
	struct cpulist one;

	memset(&a->cpus, 0, sizeof(a->cpus));
	for (int node = -1; (node = cpulist_next(&a->nodes, node)) >= 0;) {
		if (numa_node_cpus((unsigned int)node, &one))
			cpulist_join(&a->cpus, &one);
	}
	if (!cpulist_count(&a->nodes))
		cpulist_read("/sys/devices/system/cpu/online", &a->cpus);
	host_read("/proc/self/status", status, sizeof(status));
	at = strstr(status, key);
	if (!at)
		return;
	at += strlen(key);
	at[strcspn(at, "\n")] = '\0';
	if (cpulist_parse(at, &one))
		cpulist_cut(&a->cpus, &one);
}

/* What a lease would get now; if it would get nothing, what is named. */
static bool find_nodes(struct cli *cli, const struct selection *sel, struct cpulist *nodes)
{
	const struct ptx_selector *const *sels = (const struct ptx_selector *const *)sel->sels;
	struct ptx_pick *pick = NULL;
	const char **named;
	size_t nr = 0;
	bool good;

	if (sel->nr && !ptx_pick_new(cli->ctx, sels, sel->nr, &pick)) {
		good = numa_nodes_of(cli, ptx_pick_devices(pick), ptx_pick_count(pick), nodes);
		ptx_pick_free(pick);
		return good;
	}
	named = calloc(sel->nr + 1, sizeof(*named));
	if (!named)
		return false;
	for (size_t i = 0; i < sel->nr; i++) {
		named[nr] = ptx_selector_address(sels[i]);
		nr += named[nr] != NULL;
	}
	good = numa_nodes_of(cli, named, nr, nodes);
	free(named);
	return good;
}

/**
 * advice_give() - huge pages, CPUs and I/O threads for a VM
 * @cli: the program
 * @sel: its devices
 * @memory: its memory, in bytes
 * @vcpus: its CPUs
 * @f: gets what is found, none of it a failure
 */
void advice_give(struct cli *cli, const struct selection *sel, uint64_t memory,
		 unsigned int vcpus, struct findings *f)
{
	struct advice a = { .memory = memory, .vcpus = vcpus, .f = f };
	char nodes[96];

	if (!find_nodes(cli, sel, &a.nodes))
		return;
	cpulist_text(&a.nodes, nodes, sizeof(nodes));
	if (*nodes)
		snprintf(a.where, sizeof(a.where), "NUMA node %s", nodes);
	else
		snprintf(a.where, sizeof(a.where), "the host");
	find_cpus(&a);
	check_node_memory(&a);
	check_hugepages(&a);
	check_vcpus(&a);
}
