// SPDX-License-Identifier: GPL-2.0-only
/*
 * fail_nth [CALL...] - every allocation and every copy from or to user memory
 * that a call makes fails once: the first, the second, and so on until a pass
 * in which none did. However the call ends, what it says is so, and in the end
 * everything is as it was.
 *
 * Faults are counted per task, so the module runs with its parameter inline
 * set, which does every step in the calling task.
 *
 * A device whose way back to its native driver is made to fail stays without
 * a driver; the module reports that, and goes on. Such a device is probed again
 * by hand here, and the row says so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "kselftest.h"
#define TH_LOG(...)
#define FIXTURE(...)
#include "fail/fail.h"
#include "lib/sim.h"
#include "lib/space.h"

#define INLINE		"/sys/module/ptx/parameters/inline"
#define DEBUGFS		"/sys/kernel/debug"
#define GONE_MS		60000
#define LIMIT		5000	/* passes; a call that needs more is not ours */
#define FULL_EVERY	50	/* passes between two looks at the whole host */

/*
 * Functions of the kernel that a failure inside breaks, seen on 6.12. Our
 * module ptx_shield keeps failures out of them.
 */
static const char shielded[] =
	/* Warns when a device that it has found cannot be told of. */
	"pci_scan_single_device,pci_bus_add_device,pci_stop_and_remove_bus_device,"
	/* Likewise of a virtual function, which it then goes on with. */
	"pci_iov_add_virtfn,pci_iov_remove_virtfn,"
	/* Its error path releases the group with its IOMMU group still set. */
	"vfio_create_group,"
	/* The interpreter uses an object after it has freed it. */
	"acpi_evaluate_object,acpi_ut_evaluate_object,"
	/* Leaks DMA memory and interrupts when its probe is made to fail. */
	"nvme_probe,nvme_remove";

struct host host;
static struct snapshot *members;
struct add *add;
static struct nl events;

/* What an operation works on. */
int lease = -1;
static int self_pidfd = -1;
static uint64_t lease_id;
static bool persistent;
const char *devices[4];
int nr_devices;
struct vfio v = VFIO_CLOSED;
static struct nl_lease got;
struct nl_req req;

/* Fault injection */

static int nth_fd = -1;

static void faults_configure(void)
{
	static const char *const sets[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
	};
	char path[512];
	struct dirent *e;
	unsigned int i;
	DIR *d;

	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		snprintf(path, sizeof(path), DEBUGFS "/%s", sets[i][0]);
		file_write(path, sets[i][1]);
	}
	d = opendir(DEBUGFS);
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, "fail", 4))
			continue;
		snprintf(path, sizeof(path), DEBUGFS "/%s/verbose", e->d_name);
		file_write(path, "0");
	}
	if (d)
		closedir(d);
}

static void fault_arm(unsigned int nth)
{
	char buf[16];
	int len = snprintf(buf, sizeof(buf), "%u", nth);

	if (pwrite(nth_fd, buf, len, 0) != len)
		ksft_exit_fail_msg("fail-nth: %s\n", strerror(errno));
}

/* Was it injected? Reading and disarming may be what it hits. */
static bool fault_disarm(void)
{
	bool fired = false;
	char buf[16] = "";
	ssize_t n;

	n = pread(nth_fd, buf, sizeof(buf) - 1, 0);
	if (n > 0)
		fired = buf[0] == '0';
	if (pwrite(nth_fd, "0", 1, 0) != 1 && pwrite(nth_fd, "0", 1, 0) != 1)
		ksft_exit_fail_msg("fail-nth: %s\n", strerror(errno));
	return fired;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Operations: begin and end run without faults, call with one. */

static int begin_nothing(void)
{
	return 0;
}

static int begin_lease(void)
{
	lease = lease_create(host.ctl, lease_name(), &lease_id);
	return lease < 0 ? lease : 0;
}

static int begin_added(void)
{
	int ret = begin_lease();

	if (ret)
		return ret;
	add_init(add, devices, nr_devices);
	return lease_add(lease, add);
}

static int begin_opened(void)
{
	int ret = begin_added();

	return ret ?: vfio_group_open(&v, add->members[0].group);
}

static int begin_persistent(void)
{
	int ret = nl_lease_new(&host.nl, lease_name(), devices, nr_devices, 0, &got);

	lease_id = got.id;
	persistent = !ret;
	return ret;
}

static int begin_persistent_empty(void)
{
	int ret = nl_lease_new(&host.nl, lease_name(), NULL, 0, 0, &got);

	lease_id = got.id;
	persistent = !ret;
	return ret;
}

static int call_open(void)
{
	int fd = ptx_open();

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static int call_create(void)
{
	lease = lease_create(host.ctl, "fail-nth", &lease_id);
	return lease < 0 ? lease : 0;
}

static int call_create_bound(void)
{
	lease = lease_create_bound(host.ctl, "fail-nth", self_pidfd, &lease_id);
	return lease < 0 ? lease : 0;
}

static int call_add(void)
{
	return lease_add(lease, add);
}

static int begin_add(void)
{
	int ret = begin_lease();

	add_init(add, devices, nr_devices);
	return ret;
}

static int begin_add_stock(void)
{
	int ret = begin_add();

	strcpy(add->a.driver, "vfio-pci");
	return ret;
}

/* What only the last rung makes well, with memory to be cleared. */
#define ODD	"0.0 driver=none group=odd vendor=1af4 device=1110 class=050000 flr=odd bus=odd " \
		"bars=4K,0,16M:64p mem=2:4096:1"

static int begin_add_reset(void)
{
	int ret = begin_add();

	add->a.flags = PTX_ADD_FLAGS_RESET | PTX_ADD_FLAGS_CLEAR_MEMORY;
	return ret;
}

static int begin_added_clear(void)
{
	int ret = begin_add();

	add->a.flags = PTX_ADD_FLAGS_CLEAR_MEMORY;
	return ret ?: lease_add(lease, add);
}

static int begin_quarantined(void)
{
	int ret = begin_added_clear() ?: sim_control("set 0.0 stuck=1");

	if (ret)
		return ret;
	close(lease);
	lease = -1;
	nl_start(&host.nl, &req, PTX_CMD_DEVICE_RESET, 0);
	nl_put_str(&req, PTX_A_DEVICE_NAME, devices[0]);
	return sim_control("set 0.0 stuck=0");
}

static int call_remove(void)
{
	return lease_remove(lease, devices, 1, 0, NULL);
}

static int call_query(void)
{
	struct query q;

	return lease_query(lease, &q);
}

static int call_release(void)
{
	return lease_release(lease, 0, NULL);
}

static int call_revoke(void)
{
	struct ptx_lease_revoke r = { .size = sizeof(r), .flags = PTX_REVOKE_KILL };

	return ptx_ioctl(lease, PTX_LEASE_REVOKE, &r);
}

static int call_close(void)
{
	int fd = lease;

	lease = -1;
	return close(fd) ? -errno : 0;
}

static int call_vfio_open(void)
{
	return vfio_device_open(&v, devices[0]);
}

/* The message is built beforehand: our own sendto() is part of the sweep. */
static int begin_nl(uint8_t cmd)
{
	static struct nl *nl = &host.nl;
	int i;

	nl_start(nl, &req, cmd, 0);
	if (cmd == PTX_CMD_LEASE_NEW)
		nl_put_str(&req, PTX_A_LEASE_NAME, "fail-nth");
	else if (cmd == PTX_CMD_DEVICE_GET)
		nl_put_str(&req, PTX_A_DEVICE_NAME, devices[0]);
	else
		nl_put_u64(&req, PTX_A_LEASE_ID, lease_id);
	if (cmd == PTX_CMD_LEASE_NEW || cmd == PTX_CMD_LEASE_ADD ||
	    cmd == PTX_CMD_LEASE_REMOVE)
		for (i = 0; i < nr_devices; i++)
			nl_put_str(&req, PTX_A_LEASE_DEVICE, devices[i]);
	return 0;
}

static int begin_nl_new(void)
{
	return begin_nl(PTX_CMD_LEASE_NEW);
}

static int begin_nl_get(void)
{
	return begin_persistent() ?: begin_nl(PTX_CMD_LEASE_GET);
}

static int begin_nl_add(void)
{
	return begin_persistent_empty() ?: begin_nl(PTX_CMD_LEASE_ADD);
}

static int begin_nl_remove(void)
{
	return begin_persistent() ?: begin_nl(PTX_CMD_LEASE_REMOVE);
}

static int begin_nl_release(void)
{
	return begin_persistent() ?: begin_nl(PTX_CMD_LEASE_RELEASE);
}

static int begin_nl_revoke(void)
{
	return begin_persistent() ?: begin_nl(PTX_CMD_LEASE_REVOKE);
}

static int begin_nl_grant_new(void)
{
	nl_start(&host.nl, &req, PTX_CMD_GRANT_NEW, 0);
	nl_put_u32(&req, PTX_A_GRANT_UID, NOBODY);
	return 0;
}

static int begin_nl_grant_del(void)
{
	uint64_t id = 0;
	int ret;

	nl_start(&host.nl, &req, PTX_CMD_GRANT_NEW, NLM_F_ACK);
	nl_put_u32(&req, PTX_A_GRANT_UID, NOBODY);
	ret = nl_call(&host.nl, &req, nl_take_grant_id, &id);
	nl_start(&host.nl, &req, PTX_CMD_GRANT_DEL, 0);
	nl_put_u64(&req, PTX_A_GRANT_ID, id);
	return ret;
}

/* Empty, or with what is named. */
static int pool_drop(void)
{
	struct nl_device d;
	int i, ret = 0;

	for (i = 0; !ret && i < nr_devices; i++)
		if (!nl_device_get(&host.nl, devices[i], &d) && d.pooled)
			ret = nl_pool_remove(&host.nl, &devices[i], 1, GONE_MS);
	return ret;
}

/* A failure may have left one there; another chance, without, brings it back. */
static int quarantine_drop(void)
{
	struct nl_device d;
	int i, ret = 0;

	for (i = 0; !ret && i < nr_devices; i++)
		if (!nl_device_get(&host.nl, devices[i], &d) &&
		    d.member_state == PTX_MEMBER_STATE_QUARANTINED)
			ret = nl_device_reset(&host.nl, devices[i]);
	return ret;
}

static int begin_nl_pool(uint8_t cmd)
{
	int i;

	nl_start(&host.nl, &req, cmd, 0);
	for (i = 0; i < nr_devices; i++)
		nl_put_str(&req, PTX_A_LEASE_DEVICE, devices[i]);
	return 0;
}

static int begin_pooled(void)
{
	return nl_pool_add(&host.nl, devices, nr_devices, 0);
}

static int begin_nl_pool_add(void)
{
	return begin_nl_pool(PTX_CMD_POOL_ADD);
}

static int begin_nl_pool_remove(void)
{
	return begin_pooled() ?: begin_nl_pool(PTX_CMD_POOL_REMOVE);
}

static int begin_pooled_add(void)
{
	return begin_pooled() ?: begin_add();
}

static int begin_pooled_added(void)
{
	return begin_pooled() ?: begin_added();
}

static int begin_nl_reserve_new(void)
{
	nl_start(&host.nl, &req, PTX_CMD_RESERVE_NEW, 0);
	nl_put_str(&req, PTX_A_RESERVE_DEVICE, "0000:fe:1f.7");
	return 0;
}

static int begin_nl_device(void)
{
	return begin_nl(PTX_CMD_DEVICE_GET);
}

static int begin_nl_dump(void)
{
	int ret = begin_persistent();

	nl_start(&host.nl, &req, PTX_CMD_LEASE_GET, NLM_F_DUMP);
	return ret;
}

static int begin_nl_device_dump(void)
{
	nl_start(&host.nl, &req, PTX_CMD_DEVICE_GET, NLM_F_DUMP);
	return 0;
}

static int call_nl(void)
{
	/* An answer that could not be sent must not be waited for. */
	const struct timeval soon = { .tv_usec = 300 * 1000 };
	int ret;

	ret = nl_send(&host.nl, &req);
	if (ret)
		return ret;
	setsockopt(host.nl.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	return nl_recv(&host.nl, NULL, NULL);
}

/*
 * A device without a driver, two, one with a driver, a group of two, one
 * without a driver and the kernel's own vfio-pci, a simulated one that is odd, one that
 * its physical function has to enable, one that its parent has to make.
 */
enum needs { NONE, ONE, TWO, NATIVE, GROUP, STOCK, SIM, VF, VGPU };

static const struct op {
	const char *name;
	enum needs needs;
	int (*begin)(void);
	int (*call)(void);
	bool native;		/* native drivers take devices back in it */
	bool adds;		/* leaves members only if it says 0 */
	int (*check)(int ret, bool fired);	/* is what it says so? */
	/*
	 * Only every so many is failed: where most are in drivers, which are
	 * not ours, or are the same as in a row above. 0 for all of them.
	 */
	unsigned int stride;
} ops[] = {
	{ "open", NONE, begin_nothing, call_open },
	{ "create", NONE, begin_nothing, call_create },
	{ "create-bound", NONE, begin_nothing, call_create_bound },
	{ "add", ONE, begin_add, call_add, .adds = true },
	{ "add-group", GROUP, begin_add, call_add, .adds = true },
	{ "add-two", TWO, begin_add, call_add, .adds = true, .stride = 9 },
	{ "add-native", NATIVE, begin_add, call_add, .adds = true, .stride = 5 },
	{ "add-stock", STOCK, begin_add_stock, call_add, .adds = true, .stride = 9 },
	{ "add-vf", VF, begin_add, call_add, .adds = true, .stride = 7 },
	{ "add-vgpu", VGPU, begin_add, call_add, .adds = true },
	{ "query", TWO, begin_added, call_query },
	{ "remove", ONE, begin_added, call_remove },
	{ "remove-native", NATIVE, begin_added, call_remove, .native = true, .stride = 3 },
	{ "release", TWO, begin_added, call_release },
	{ "release-group", GROUP, begin_added, call_release },
	{ "release-native", NATIVE, begin_added, call_release, .native = true, .stride = 5 },
	{ "release-vf", VF, begin_added, call_release, .stride = 7 },
	{ "release-vgpu", VGPU, begin_added, call_release },
	{ "revoke", ONE, begin_added, call_revoke },
	{ "close", ONE, begin_added, call_close },
	{ "close-native", NATIVE, begin_added, call_close, .native = true, .stride = 7 },
	{ "vfio-open", ONE, begin_opened, call_vfio_open },
	{ "netlink-device-get", ONE, begin_nl_device, call_nl },
	{ "netlink-device-dump", NONE, begin_nl_device_dump, call_nl },
	{ "netlink-lease-get", TWO, begin_nl_get, call_nl },
	{ "netlink-lease-dump", TWO, begin_nl_dump, call_nl },
	{ "netlink-lease-new", ONE, begin_nl_new, call_nl, .stride = 3 },
	{ "netlink-lease-add", ONE, begin_nl_add, call_nl, .stride = 3 },
	{ "netlink-lease-remove", ONE, begin_nl_remove, call_nl },
	{ "netlink-lease-release", ONE, begin_nl_release, call_nl },
	{ "netlink-lease-revoke", ONE, begin_nl_revoke, call_nl },
	{ "pool-add", NATIVE, begin_nl_pool_add, call_nl, .native = true, .stride = 7 },
	{ "pool-remove", NATIVE, begin_nl_pool_remove, call_nl, .native = true, .stride = 7 },
	{ "pool-lease", NATIVE, begin_pooled_add, call_add, .adds = true },
	{ "pool-release", NATIVE, begin_pooled_added, call_release, .native = true, .stride = 7 },
	{ "reset-first", SIM, begin_add_reset, call_add, .adds = true },
	{ "reset-release", SIM, begin_added_clear, call_release },
	{ "reset-quarantined", SIM, begin_quarantined, call_nl },
	{ "reserve-new", NONE, begin_nl_reserve_new, call_nl },
	{ "space-create", NONE, begin_nothing, call_space_create },
	{ "space-map", ONE, begin_space_opened, call_space_map,
	  .check = check_space_map, .stride = 9 },
	{ "space-batch", ONE, begin_space_mapped, call_space_batch,
	  .check = check_space_batch, .stride = 3 },
	{ "space-unmap", ONE, begin_space_mapped, call_space_unmap,
	  .check = check_space_unmap },
	{ "space-attach", ONE, begin_space_unattached, call_space_attach,
	  .check = check_space_attach },
	{ "space-window", ONE, begin_space_mapped, call_space_window,
	  .check = check_space_window },
	{ "space-stats", NONE, begin_space, call_space_stats },
	{ "space-container-map", ONE, begin_space_opened, call_container_map,
	  .check = check_space_map, .stride = 9 },
	{ "space-container-unmap", ONE, begin_space_mapped, call_container_unmap,
	  .check = check_space_unmap },
	{ "space-netlink-new", NONE, begin_nl_space_new, call_nl },
	{ "space-netlink-restrict", NONE, begin_nl_space_restrict, call_nl,
	  .check = check_nl_space_restrict },
	{ "netlink-grant-new", NONE, begin_nl_grant_new, call_nl },
	{ "netlink-grant-del", NONE, begin_nl_grant_del, call_nl },
};

static long pinned;	/* pages before a row */
static int reported;	/* devices that were reported to have no driver */

/* Takes in all events; probes what was reported to have lost its driver. */
static int events_read(bool allowed)
{
	struct nl_event ev;
	int bad = 0;

	while (nl_event_next(&events, &ev, 0) == 1) {
		if (ev.event != PTX_EVENT_MEMBER_DRIVERLESS)
			continue;
		reported++;
		if (!allowed) {
			printf("# %s has lost its driver\n", ev.device);
			bad++;
		}
		file_write("/sys/bus/pci/drivers_probe", ev.device);
	}
	return bad;
}

/* Everything back to where it was, without faults; complains otherwise. */
static int settle(const struct op *op, bool full)
{
	const struct timeval patience = { .tv_sec = 60 };
	int ret;

	vfio_close(&v);
	if (lease >= 0)
		close(lease);
	lease = -1;
	/* The socket may hold half an answer, or say ENOBUFS: a new one. */
	nl_close(&host.nl);
	ret = nl_open(&host.nl);
	if (ret)
		return ret;
	setsockopt(host.nl.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* A lease of a file has to go without being asked. */
	if (persistent)
		nl_lease_release(&host.nl, lease_id, GONE_MS);
	persistent = false;
	ret = nl_grants_drop(&host.nl);
	if (ret >= 0)
		ret = nl_reserves_drop(&host.nl);
	if (ret < 0)
		return ret;
	ret = host_wait_no_lease(GONE_MS) ?: pool_drop() ?: quarantine_drop();
	if (ret) {
		printf("# a lease does not go: %s\n", strerror(-ret));
		return ret;
	}
	ret = events_read(op->native);
	if (!ret && op->check && (pages_pinned() != pinned || space_locked_kib())) {
		printf("# %ld pages are pinned, were %ld; %ld KiB locked\n",
		       pages_pinned(), pinned, space_locked_kib());
		ret = -EINVAL;
	}
	if (!ret && members)
		ret = snapshot_check_of(members, 3000);
	if (!ret && full)
		ret = snapshot_check(host.before, 3000, NULL);
	return ret;
}

/* One pass; 1 when the fault was injected, 0 when there was none left. */
static int pass(const struct op *op, unsigned int nth)
{
	long long start = now_ms();
	bool fired;
	int ret, n;

	ret = op->begin();
	if (ret) {
		printf("# cannot even begin: %s\n", strerror(-ret));
		return ret;
	}
	fault_arm(nth);
	ret = op->call();
	fired = fault_disarm();
	if (!fired && ret) {
		printf("# no fault, but %s: %s\n", strerror(-ret), host.nl.msg);
		settle(op, true);
		return ret;
	}
	if (op->check && op->check(ret, fired)) {
		settle(op, true);
		return -EINVAL;
	}
	if (op->adds) {
		n = lease_nr_members(lease);
		if (ret ? n != 0 : n < nr_devices) {
			printf("# it says %d and the lease has %d members\n", ret, n);
			settle(op, true);
			return -EINVAL;
		}
	}
	if (getenv("PTX_FAIL_NTH_VERBOSE"))
		printf("# %s %u: %d, %lld ms\n", op->name, nth, ret,
		       now_ms() - start);
	start = now_ms();
	ret = settle(op, !fired || nth % FULL_EVERY == 0);
	if (getenv("PTX_FAIL_NTH_VERBOSE"))
		printf("#   settled in %lld ms\n", now_ms() - start);
	if (ret) {
		printf("# not as it was after failing the %u. time\n", nth);
		return ret < 0 ? ret : -EINVAL;
	}
	return fired;
}

static bool choose(const struct pci_fn *fn)
{
	if (fn)
		devices[nr_devices++] = fn->name;
	return fn;
}

static bool choose_devices(enum needs needs)
{
	const struct pci_fn *bare = NULL, *native = NULL, *fn;
	static char odd[PCI_NAME_LEN];
	int i;

	for (i = 0; (fn = host_single(&host, i)); i++) {
		if (fn->driver[0] && !native)
			native = fn;
		if (!fn->driver[0] && !bare)
			bare = fn;
	}
	nr_devices = 0;
	switch (needs) {
	case NONE:
		return true;
	case ONE:
		return choose(bare);
	case TWO:
		return choose(bare) && choose(host.gpu);
	case NATIVE:
		return choose(native);
	case GROUP:
		return choose(host.gpu);
	case STOCK:
		return choose(bare) &&
		       (!access("/sys/bus/pci/drivers/vfio-pci", F_OK) ||
			!system("modprobe vfio-pci"));
	case SIM:
		devices[nr_devices++] = sim_name(0, 0, odd);
		return host_is_topology("sim");
	case VF:
		devices[nr_devices++] = "vf:0000:01:00.0";
		return host_is_topology("sriov");
	case VGPU:
		devices[nr_devices++] = "vgpu:mtty/mtty-2";
		return !system("modprobe -q mtty");
	}
	return false;
}

/* $PTX_FAIL_NTH_EVERY asks for every so many points in all rows: 1, for each one. */
static unsigned int stride_of(const struct op *op)
{
	const char *env = getenv("PTX_FAIL_NTH_EVERY");
	unsigned int every = env ? strtoul(env, NULL, 10) : 0;

	return every ?: op->stride ?: 1;
}

static void sweep(const struct op *op)
{
	unsigned int nth, passes = 0, stride = stride_of(op);
	int ret = 1;

	if (!choose_devices(op->needs)) {
		ksft_test_result_skip("%s: this topology or kernel lacks what it takes\n",
				      op->name);
		return;
	}
	reported = 0;
	pinned = pages_pinned();
	snapshot_free(members);
	members = snapshot_take_of(devices, nr_devices);
	/* Once without, so that caches and modules are warm. */
	ret = op->begin() ?: op->call();
	ret = settle(op, true) ?: ret;
	if (ret) {
		ksft_test_result_fail("%s: fails without a fault: %d %s\n", op->name,
				      ret, host.nl.msg);
		return;
	}
	for (nth = 1, ret = 1; ret == 1 && nth < LIMIT; nth += stride, passes++)
		ret = pass(op, nth);
	/* The last pass of a stride has gone beyond the end; that is known then. */
	ksft_test_result(!ret, "%s: %u of %u points of failure%s\n", op->name,
			 passes - 1, nth - stride - 1,
			 reported ? "; a driver refused, and that was reported" : "");
}

static bool wanted(const struct op *op, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], op->name))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	char path[64], was[8] = "", command[512];
	unsigned int i, plan = 0;

	ksft_print_header();
	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth", getpid());
	nth_fd = open(path, O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		ksft_exit_skip("this kernel has no fault injection\n");
	if (host_is_topology("sim") && (sim_load() || sim_add(ODD)))
		ksft_exit_fail_msg("no simulator\n");
	if (host_begin(&host))
		ksft_exit_fail_msg("no host\n");
	add = calloc(1, sizeof(*add));
	self_pidfd = pidfd_of(getpid());
	if (!add || self_pidfd < 0 || nl_open(&events) || nl_join(&events))
		ksft_exit_fail_msg("cannot prepare\n");
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		plan += wanted(&ops[i], argc, argv);
	if (!plan)
		ksft_exit_fail_msg("no such call\n");
	ksft_set_plan(plan);
	faults_configure();
	snprintf(command, sizeof(command),
		 "modprobe -r ptx_shield 2>/dev/null; modprobe ptx_shield functions=%s",
		 shielded);
	if (system(command))
		ksft_print_msg("no module ptx_shield: bugs of the kernel itself may show\n");
	file_read(INLINE, was, sizeof(was));
	if (file_write(INLINE, "1"))
		ksft_exit_fail_msg("cannot set %s\n", INLINE);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (wanted(&ops[i], argc, argv))
			sweep(&ops[i]);
	file_write(INLINE, was);
	if (system("modprobe -r ptx_shield 2>/dev/null"))
		ksft_print_msg("ptx_shield stays loaded\n");
	ksft_finished();
}
