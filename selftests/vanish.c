// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that leave the bus: leased, open, on their way in or out, and
 * others that appear in their place. On the lab's topology hotplug, where the
 * machine's monitor can be reached from inside it and asks the kernel for them
 * back; and on surprise, where they are torn out.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "lib/host.h"

#define PLUG_MS	30000
#define GONE_MS	30000

/**
 * struct hot - a slot and what is in it
 * @port: the root port's name in the topology
 * @address: and its address
 * @id: of the device in it, as the monitor knows it
 * @name: as the bus knows it; empty while the slot is
 */
struct hot {
	const char *port;
	const char *address;
	char id[16];
	char name[PCI_NAME_LEN];
};

static int qmp(const char *fmt, const char *a, const char *b, const char *c)
{
	const char *tree = getenv("LAB_TREE");
	char args[256], command[512];

	snprintf(args, sizeof(args), fmt, a, b, c);
	snprintf(command, sizeof(command), "%s/tools/lab/qmp --timeout 60 %s >/dev/null",
		 tree ?: "..", args);
	return system(command);
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool present(const char *name)
{
	struct pci_fn fn;

	return !pci_get(name, &fn);
}

/* Waits for an event about a device; "" for any. Its name in *@name. */
static int wait_event(struct nl *listen, uint32_t what, char *name, int timeout_ms)
{
	const long long end = now_ms() + timeout_ms;
	struct nl_event ev;

	while (now_ms() < end) {
		if (nl_event_next(listen, &ev, end - now_ms()) != 1)
			continue;
		if (ev.event != what || (name[0] && strcmp(name, ev.device)))
			continue;
		strcpy(name, ev.device);
		return 0;
	}
	return -ETIMEDOUT;
}

static bool listed(const struct pci_fn *fns, int n, const char *name)
{
	while (n--)
		if (!strcmp(fns[n].name, name))
			return true;
	return false;
}

/* Waits for a function that was not there before; its name in @slot. */
static bool plugged(struct hot *slot, const struct pci_fn *was, int nr_was, int timeout_ms)
{
	struct pci_fn *now = calloc(PCI_MAX_FNS, sizeof(*now));
	const long long end = now_ms() + timeout_ms;
	int nr, i;

	while (now && !slot->name[0] && now_ms() < end) {
		nr = pci_list(now, PCI_MAX_FNS);
		for (i = 0; i < nr; i++)
			if (!listed(was, nr_was, now[i].name))
				strcpy(slot->name, now[i].name);
		usleep(10000);
	}
	free(now);
	return slot->name[0];
}

/*
 * Fills the slot; when it returns 0 the device is there, in slot->name. Looks
 * at the bus: an event could be lost among those of busy leases.
 *
 * pciehp may still be turning off the power after the last device was torn out,
 * and QEMU then drops the new one, too: so there it is tried again.
 */
static int plug(struct hot *slot, const char *model)
{
	const int tries = host_is_topology("surprise") ? 3 : 1;
	struct pci_fn *was = calloc(PCI_MAX_FNS, sizeof(*was));
	static unsigned int n;
	int nr_was, i, ret = -ETIMEDOUT;

	slot->name[0] = '\0';
	if (!was)
		return -ENOMEM;
	nr_was = pci_list(was, PCI_MAX_FNS);
	for (i = 0; ret == -ETIMEDOUT && i < tries; i++) {
		snprintf(slot->id, sizeof(slot->id), "hot%u", n++);
		if (qmp("device_add %s,bus=%s,id=%s", model, slot->port, slot->id))
			ret = -EIO;
		else if (plugged(slot, was, nr_was, PLUG_MS / tries))
			ret = 0;
	}
	free(was);
	return ret;
}

/*
 * Has it go, without waiting. Its slot's power is turned off and on again with
 * pciehp's interrupt masked: QEMU drops the device, and pciehp sees only that
 * the card and the link have gone.
 */
static int pull(struct hot *slot)
{
	char command[128];

	if (host_is_topology("surprise")) {
		snprintf(command, sizeof(command),
			 "setpci -s %s CAP_EXP+18.w=0700:0720 CAP_EXP+18.w=0120:0720",
			 slot->address);
		return system(command) ? -EIO : 0;
	}
	return qmp("device_del %s%s%s", slot->id, "", "") ? -EIO : 0;
}

static int wait_empty(struct hot *slot, int timeout_ms)
{
	/* The name may be taken again at once: ask the bus, not for events. */
	for (; present(slot->name) && timeout_ms > 0; timeout_ms -= 10)
		usleep(10000);
	if (present(slot->name))
		return -ETIMEDOUT;
	slot->name[0] = '\0';
	return 0;
}

/* A plug and a pull take 20 s in the lab, most of it as the standard has it. */
static int rounds(int few)
{
	const char *env = getenv("PTX_VANISH_ROUNDS");

	return env ? atoi(env) : few;
}

FIXTURE(vanish)
{
	struct host h;
	struct hot slot, other;
	struct nl listen;
	uint64_t id;
	int fd;
	bool ready;
};

FIXTURE_SETUP(vanish)
{
	ASSERT_EQ(0, host_begin(&self->h));
	self->slot.port = "rp2";
	self->slot.address = "00:03.0";
	self->other.port = "rp3";
	self->other.address = "00:04.0";
	self->fd = -1;
	self->ready = host_is_topology("hotplug") || host_is_topology("surprise");
	if (!self->ready)
		return;
	ASSERT_EQ(0, nl_open(&self->listen));
	ASSERT_EQ(0, nl_join(&self->listen));
}

FIXTURE_TEARDOWN(vanish)
{
	child_kill_all();
	syscall(SYS_close_range, 3, ~0U, 0);
	if (self->ready) {
		EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
		if (self->slot.name[0] && !pull(&self->slot))
			EXPECT_EQ(0, wait_empty(&self->slot, PLUG_MS));
		if (self->other.name[0] && !pull(&self->other))
			EXPECT_EQ(0, wait_empty(&self->other, PLUG_MS));
	}
	EXPECT_EQ(0, host_end(&self->h));
}

#define NEED_SLOTS() do {						\
		if (!self->ready)					\
			SKIP(return, "needs the topology hotplug or surprise");	\
	} while (0)

#define LEASE(name) do {						\
		self->fd = lease_create(self->h.ctl, lease_name(), &self->id); \
		ASSERT_LE(0, self->fd);					\
		ASSERT_EQ(0, lease_add_names(self->fd, name, NULL));	\
	} while (0)

TEST_F_TIMEOUT(vanish, comes_and_goes, 120)
{
	char name[PCI_NAME_LEN] = "";

	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	ASSERT_EQ(0, wait_event(&self->listen, PTX_EVENT_DEVICE_ADD, name, PLUG_MS));
	EXPECT_STREQ(self->slot.name, name);
	EXPECT_EQ(0, nl_device_get(&self->h.nl, name, NULL));
	LEASE(name);
	ASSERT_EQ(0, lease_release(self->fd, 0, NULL));
	ASSERT_EQ(0, pull(&self->slot));
	ASSERT_EQ(0, wait_event(&self->listen, PTX_EVENT_DEVICE_DEL, name, PLUG_MS));
	EXPECT_EQ(-ENODEV, nl_device_get(&self->h.nl, name, NULL));
	ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS));
}

TEST_F_TIMEOUT(vanish, while_leased, 120)
{
	struct add *add = calloc(1, sizeof(*add));
	char name[PCI_NAME_LEN];
	int fd;

	NEED_SLOTS();
	ASSERT_NE(NULL, add);
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	strcpy(name, self->slot.name);
	LEASE(name);
	ASSERT_EQ(0, pull(&self->slot));
	ASSERT_EQ(0, wait_event(&self->listen, PTX_EVENT_MEMBER_GONE, name, PLUG_MS));
	ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS));
	/* The lease goes on, without it. */
	ASSERT_EQ(0, lease_wait_members(self->fd, 0, 10000));
	EXPECT_EQ(PTX_LEASE_STATE_ACTIVE, lease_state(self->fd));
	/* Its name is nobody's; and then somebody else's. */
	add_init(add, &(const char *){ name }, 1);
	EXPECT_EQ(-ENODEV, lease_add(self->fd, add));
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	EXPECT_STREQ(name, self->slot.name);
	fd = lease_create(self->h.ctl, lease_name(), NULL);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, lease_add_names(fd, name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(name, PTX_DRIVER));
	EXPECT_EQ(0, lease_release(fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(name, ""));
	free(add);
}

/* One of two: the other stays. */
TEST_F_TIMEOUT(vanish, one_of_two, 120)
{
	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	ASSERT_EQ(0, plug(&self->other, "edu"));
	self->fd = lease_create(self->h.ctl, lease_name(), &self->id);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, lease_add_names(self->fd, self->slot.name, self->other.name));
	ASSERT_EQ(0, pull(&self->slot));
	ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS));
	ASSERT_EQ(0, lease_wait_members(self->fd, 1, 10000));
	EXPECT_TRUE(pci_on_driver(self->other.name, PTX_DRIVER));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
	EXPECT_TRUE(pci_on_driver(self->other.name, ""));
}

/*
 * The bus waits for VFIO's users, and so must the lease; everything moves on
 * once they have closed.
 */
TEST_F_TIMEOUT(vanish, while_open, 120)
{
	struct vfio v = VFIO_CLOSED;
	struct pci_fn fn;

	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	LEASE(self->slot.name);
	ASSERT_EQ(0, pci_get(self->slot.name, &fn));
	ASSERT_EQ(0, vfio_open(&v, fn.group, fn.name));
	ASSERT_EQ(0, vfio_map(&v, 1 << 20));
	ASSERT_EQ(0, pull(&self->slot));
	sleep(2);
	/* Whoever looks is not kept waiting. */
	EXPECT_LE(0, lease_state(self->fd));
	EXPECT_EQ(0, nl_lease_get(&self->h.nl, self->id, NULL, NULL));
	vfio_close(&v);
	ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS));
	ASSERT_EQ(0, lease_wait_members(self->fd, 0, 10000));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
}

/* Open, its lease draining, and then it goes as well. */
TEST_F_TIMEOUT(vanish, while_draining, 120)
{
	struct vfio v = VFIO_CLOSED;
	struct pci_fn fn;

	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	LEASE(self->slot.name);
	ASSERT_EQ(0, pci_get(self->slot.name, &fn));
	ASSERT_EQ(0, vfio_open(&v, fn.group, fn.name));
	EXPECT_EQ(-ETIMEDOUT, lease_release(self->fd, 100, NULL));
	ASSERT_EQ(0, pull(&self->slot));
	sleep(1);
	vfio_close(&v);
	EXPECT_TRUE(lease_poll(self->fd, 0, GONE_MS) & POLLHUP);
	EXPECT_EQ(0, nl_lease_wait(self->id, GONE_MS));
	ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS));
}

static int wait_error(struct nl *listen, const char *name, uint64_t id, uint32_t reason)
{
	const long long end = now_ms() + PLUG_MS;
	struct nl_event ev;

	while (now_ms() < end)
		if (nl_event_next(listen, &ev, end - now_ms()) == 1 &&
		    ev.event == PTX_EVENT_MEMBER_ERROR && ev.lease == id &&
		    ev.reason == reason && !strcmp(ev.device, name))
			return 0;
	return -ETIMEDOUT;
}

/*
 * An error that was corrected. QEMU's ports do not pass those on; the kernel's own
 * injector has its error driver find one, where there is that module.
 */
static int inject_corrected(const char *name)
{
	/* As drivers/pci/pcie/aer_inject.c takes it. */
	struct {
		uint8_t bus, dev, fn;
		uint32_t uncorrected, corrected, header[4], domain;
	} error = { .corrected = 1 };
	unsigned int domain, bus, dev, fn;
	int fd, ret;

	if (system("modprobe -q aer_inject"))
		return -ENOENT;
	if (sscanf(name, "%x:%x:%x.%x", &domain, &bus, &dev, &fn) != 4)
		return -EINVAL;
	error.domain = domain;
	error.bus = bus;
	error.dev = dev;
	error.fn = fn;
	fd = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, &error, sizeof(error)) == sizeof(error) ? 0 : -errno;
	close(fd);
	return ret;
}

/* What a leased device reports by PCI Express is told, with its lease. */
TEST_F_TIMEOUT(vanish, errors_are_told, 240)
{
	static const struct {
		const char *how;
		uint32_t reason;
	} errors[] = {
		{ "%s COMP_ABORT", PTX_REASON_ERROR_NONFATAL },
		{ "%s MALF_TLP", PTX_REASON_ERROR_FATAL },
	};
	char command[128], how[64];
	unsigned int i;
	int ret;

	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "virtio-net-pci,aer=on"));
	/* Firmware, or a driver, would have had them report errors and pass them on. */
	snprintf(command, sizeof(command),
		 "setpci -s %s BRIDGE_CONTROL=2:2 COMMAND=100:100 && "
		 "setpci -s %s CAP_EXP+8.w=7:7 COMMAND=100:100",
		 self->slot.address, self->slot.name);
	ASSERT_EQ(0, system(command));
	LEASE(self->slot.name);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		snprintf(how, sizeof(how), errors[i].how, self->slot.id);
		ASSERT_EQ(0, qmp("human-monitor-command '{\"command-line\": "
				 "\"pcie_aer_inject_error %s%s%s\"}'", how, "", ""));
		EXPECT_EQ(0, wait_error(&self->listen, self->slot.name, self->id,
					errors[i].reason)) TH_LOG("%s", how);
	}
	ret = inject_corrected(self->slot.name);
	if (ret != -ENOENT) {
		EXPECT_EQ(0, ret);
		EXPECT_EQ(0, wait_error(&self->listen, self->slot.name, self->id,
					PTX_REASON_ERROR_CORRECTABLE));
		EXPECT_EQ(0, system("modprobe -r aer_inject"));
	}
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
}

/* A device with a native driver and with data, gone for good. */
TEST_F_TIMEOUT(vanish, nvme, 120)
{
	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "nvme,serial=hot,drive=hp0"));
	LEASE(self->slot.name);
	EXPECT_TRUE(pci_on_driver(self->slot.name, PTX_DRIVER));
	ASSERT_EQ(0, pull(&self->slot));
	ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS));
	ASSERT_EQ(0, lease_wait_members(self->fd, 0, 10000));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
}

/* Leases a device as soon as its name is on the bus, and gives it back. */
static int pounce(void *arg)
{
	struct add *add = calloc(1, sizeof(*add));
	const char *name = arg;
	int ctl = ptx_open(), fd, ret;

	CHECK(add && ctl >= 0);
	fd = lease_create(ctl, lease_name(), NULL);
	CHECK(fd >= 0);
	do {
		add_init(add, &name, 1);
		ret = lease_add(fd, add);
	} while (ret == -ENODEV);
	if (ret)
		printf("# add: %d %s %s\n", ret, reason_name(add->a.out_reason),
		       add->a.out_culprit);
	CHECK_EQ(0, ret);
	CHECK_EQ(0, lease_release(fd, 0, NULL));
	return 0;
}

/*
 * A device is on the bus before the PCI core lets drivers near it. Leased then,
 * it is had all the same, and ends where the host would have put it.
 */
TEST_F_TIMEOUT(vanish, leased_at_once, 1800)
{
	char name[PCI_NAME_LEN];
	int i, ms, n = rounds(3);
	pid_t pid;

	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "nvme,serial=hot,drive=hp0"));
	strcpy(name, self->slot.name);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, pull(&self->slot));
		ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS));
		pid = child_start(pounce, name);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, plug(&self->slot, "nvme,serial=hot,drive=hp0"));
		EXPECT_STREQ(name, self->slot.name);
		EXPECT_EQ(0, child_wait(pid));
		for (ms = 0; !pci_on_driver(name, "nvme") && ms < PLUG_MS; ms += 10)
			usleep(10000);
		EXPECT_TRUE(pci_on_driver(name, "nvme")) TH_LOG("round %d", i);
	}
}

/* As the kernel itself removes and finds devices, on the admin's word. */
TEST_F_TIMEOUT(vanish, by_sysfs, 120)
{
	char name[PCI_NAME_LEN];

	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	strcpy(name, self->slot.name);
	LEASE(name);
	ASSERT_EQ(0, pci_write(name, "remove", "1"));
	ASSERT_EQ(0, lease_wait_members(self->fd, 0, 10000));
	ASSERT_EQ(0, file_write("/sys/bus/pci/rescan", "1"));
	ASSERT_TRUE(present(name));
	EXPECT_TRUE(pci_on_driver(name, ""));
	/* It came back as another device: it can be had again. */
	EXPECT_EQ(0, lease_add_names(self->fd, name, NULL));
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
}

/* Takes and gives back, as fast as it can; only honest answers count. */
struct busy {
	const char *name;
	unsigned int seed;
};

static int busy(void *arg)
{
	struct busy *b = arg;
	struct add *add = calloc(1, sizeof(*add));
	int ctl, fd, ret, taken = 0;

	srand(b->seed);
	ctl = ptx_open();
	CHECK(add && ctl >= 0);
	for (;;) {
		fd = lease_create(ctl, lease_name(), NULL);
		CHECK(fd >= 0);
		add_init(add, &b->name, 1);
		ret = lease_add(fd, add);
		if (!ret)
			taken++;
		else if (ret != -ENODEV && ret != -EBUSY && ret != -EIO)
			printf("# add: %d %s %s\n", ret,
			       reason_name(add->a.out_reason), add->a.out_culprit);
		CHECK(!ret || ret == -ENODEV || ret == -EBUSY || ret == -EIO);
		/* Nothing to lease: not the time for a busy loop. */
		usleep(ret ? 5000 : rand() % 3000);
		switch (rand() % 3) {
		case 0:
			ret = lease_remove(fd, &b->name, 1, 0, NULL);
			CHECK(!ret || ret == -ENOENT);
			break;
		case 1:
			CHECK_EQ(0, lease_release(fd, 0, NULL));
			break;
		}
		close(fd);
	}
	return taken;
}

TEST_F_TIMEOUT(vanish, at_any_moment, 1800)
{
	int i, k, n = rounds(5);
	struct busy b[2];
	pid_t pid[2];

	NEED_SLOTS();
	ASSERT_EQ(0, plug(&self->slot, "edu"));
	for (k = 0; k < 2; k++) {
		b[k].name = self->slot.name;
		b[k].seed = k + 1;
		pid[k] = child_start(busy, &b[k]);
		ASSERT_LT(0, pid[k]);
	}
	srand(3);
	for (i = 0; i < n; i++) {
		struct hot was = self->slot;

		usleep(rand() % 50000);
		ASSERT_EQ(0, pull(&self->slot));
		ASSERT_EQ(0, wait_empty(&self->slot, PLUG_MS)) TH_LOG("round %d", i);
		ASSERT_EQ(0, plug(&self->slot, "edu")) TH_LOG("round %d", i);
		EXPECT_STREQ(was.name, self->slot.name);
	}
	for (k = 0; k < 2; k++) {
		kill(pid[k], SIGKILL);
		EXPECT_EQ(128 + SIGKILL, child_wait(pid[k]));
	}
	EXPECT_EQ(0, host_wait_no_lease(GONE_MS));
	/* And after all that it still works. */
	LEASE(self->slot.name);
	EXPECT_EQ(0, lease_release(self->fd, 0, NULL));
}

TEST_HARNESS_MAIN
