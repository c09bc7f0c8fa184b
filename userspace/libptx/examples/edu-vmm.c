// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM's view of ptx in one file: lease a device, open it through VFIO, let
 * it do DMA and interrupt us, and go away, in good order or not. Nothing here
 * cleans up after a crash, because nothing needs to: the kernel does.
 *
 * The device is QEMU's "edu" (1234:11e8), whose registers are described in
 * docs/specs/edu of QEMU.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <libptx/libptx.h>

/* VFIO's character devices, where the headers are older than they. */
#ifndef VFIO_DEVICE_BIND_IOMMUFD
struct vfio_device_bind_iommufd {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
};
#define VFIO_DEVICE_BIND_IOMMUFD	_IO(VFIO_TYPE, VFIO_BASE + 18)

struct vfio_device_attach_iommufd_pt {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT	_IO(VFIO_TYPE, VFIO_BASE + 19)
#endif

/* The two calls of linux/iommufd.h that we need; not every system has it. */
struct ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};
#define IOAS_ALLOC		_IO(';', 0x81)

#define IOAS_MAP_FIXED_IOVA	(1 << 0)
#define IOAS_MAP_WRITEABLE	(1 << 1)
#define IOAS_MAP_READABLE	(1 << 2)
struct ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};
#define IOAS_MAP		_IO(';', 0x85)

#define EDU_VENDOR		0x1234
#define EDU_DEVICE		0x11e8

/* Registers, as offsets into BAR 0. */
#define EDU_ID			0x00
#define EDU_LIVENESS		0x04
#define EDU_IRQ_STATUS		0x24
#define EDU_IRQ_RAISE		0x60
#define EDU_IRQ_ACK		0x64
#define EDU_DMA_SRC		0x80
#define EDU_DMA_DST		0x88
#define EDU_DMA_COUNT		0x90
#define EDU_DMA_CMD		0x98
#define EDU_DMA_START		(1 << 0)
#define EDU_DMA_TO_RAM		(1 << 1)
#define EDU_DMA_IRQ		(1 << 2)
#define EDU_IRQ_DMA		0x100

/* The device's own memory, as it calls it in EDU_DMA_SRC and _DST. */
#define EDU_BUFFER		0x40000

/*
 * It has 4096 bytes of it, but some versions of QEMU take a transfer of all of
 * them for one that goes too far, and abort.
 */
#define EDU_COPY_SIZE		2048

/* It sees 28 bits of addresses: ours must lie below 256 MiB. */
#define IOVA			0x1000000
#define DMA_SIZE		4096

/* How long an interrupt may take. The device itself takes 100 ms for a DMA. */
#define IRQ_TIMEOUT_MS		20000

/**
 * struct vmm - everything this VMM has; nobody has to free it
 * @ctx: libptx
 * @lease: the lease
 * @device: VFIO's file of the device
 * @regs: BAR 0
 * @dma: memory that the device can reach at IOVA
 * @irq: counts interrupts
 */
struct vmm {
	struct ptx_ctx *ctx;
	struct ptx_lease *lease;
	int device;
	volatile uint8_t *regs;
	uint8_t *dma;
	int irq;
};

static void die(const char *what) __attribute__((noreturn));

static void die(const char *what)
{
	fprintf(stderr, "edu-vmm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void die_ptx(const struct vmm *vmm) __attribute__((noreturn));

static void die_ptx(const struct vmm *vmm)
{
	const struct ptx_error *err = ptx_ctx_error(vmm->ctx);

	fprintf(stderr, "edu-vmm: %s\n", ptx_error_message(err));
	if (*ptx_error_remedy(err))
		fprintf(stderr, "  %s\n", ptx_error_remedy(err));
	exit(ptx_error_no_module(err) ? 3 : 1);
}

/* The named device, or the first edu that nothing stands in the way of. */
static void find_device(const struct vmm *vmm, const char *text,
			char name[PTX_DEVICE_NAME_SIZE])
{
	const struct ptx_device *found;
	struct ptx_device_list *list;
	struct ptx_device *dev;
	bool done = false;

	if (text && !ptx_address_parse(text, name)) {
		fprintf(stderr, "edu-vmm: '%s' is no address\n", text);
		exit(2);
	}
	if (text)
		return;
	if (ptx_device_list_get(vmm->ctx, &list))
		die_ptx(vmm);
	for (size_t i = 0; !done && (found = ptx_device_list_at(list, i)); i++) {
		if (ptx_device_vendor_id(found) != EDU_VENDOR ||
		    ptx_device_device_id(found) != EDU_DEVICE)
			continue;
		if (ptx_device_get(vmm->ctx, ptx_device_name(found), &dev))
			die_ptx(vmm);
		/* Alone in its group, so that nothing else has to come along. */
		if (!ptx_device_nr_blockers(dev) && !ptx_device_nr_group_members(dev)) {
			strcpy(name, ptx_device_name(dev));
			done = true;
		}
		ptx_device_free(dev);
	}
	ptx_device_list_free(list);
	if (!done) {
		fprintf(stderr, "edu-vmm: no free edu device\n");
		exit(1);
	}
}

/* Where the lease says that the device is to be found. */
static void find_files(const struct ptx_lease_info *info, const char *device,
		       uint32_t *group, char cdev[PTX_DEVICE_NAME_SIZE])
{
	const struct ptx_lease_member *member;

	*cdev = '\0';
	for (size_t i = 0; (member = ptx_lease_info_member(info, i)); i++) {
		if (strcmp(ptx_lease_member_device(member), device))
			continue;
		*group = ptx_lease_member_group(member);
		if (ptx_lease_member_cdev(member))
			strcpy(cdev, ptx_lease_member_cdev(member));
		return;
	}
	fprintf(stderr, "edu-vmm: the lease has no %s\n", device);
	exit(1);
}

/* From here on the device is ours, and goes home when we end, however we end. */
static void take_lease(struct vmm *vmm, const char *device, uint32_t *group,
		       char cdev[PTX_DEVICE_NAME_SIZE])
{
	struct ptx_lease_options options = {
		.size = sizeof(options),
		.flags = PTX_LEASE_CREATE_BIND,
	};
	struct ptx_lease_info *added;
	char name[64];

	/* Bound to this process, no helper that inherits the file can keep it. */
	options.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (options.pidfd < 0)
		die("pidfd_open");
	snprintf(name, sizeof(name), "edu-vmm-%d", getpid());
	if (ptx_lease_create(vmm->ctx, name, &options, &vmm->lease))
		die_ptx(vmm);
	close(options.pidfd);
	if (ptx_lease_add(vmm->lease, &device, 1, NULL, &added))
		die_ptx(vmm);
	find_files(added, device, group, cdev);
	ptx_lease_info_free(added);
	printf("lease %s holds %s, group %u%s%s\n", name, device, *group,
	       *cdev ? ", " : "", cdev);
}

/* Under "ptxctl run" the lease is there already, as an open file. */
static void adopt_lease(struct vmm *vmm, int fd, const char *device, uint32_t *group,
			char cdev[PTX_DEVICE_NAME_SIZE])
{
	struct ptx_lease_info *info;

	if (ptx_lease_adopt(vmm->ctx, fd, &vmm->lease) ||
	    ptx_lease_query(vmm->lease, &info))
		die_ptx(vmm);
	find_files(info, device, group, cdev);
	ptx_lease_info_free(info);
	printf("lease %llu, which was given to us, holds %s, group %u\n",
	       (unsigned long long)ptx_lease_id(vmm->lease), device, *group);
}

/* The old way: group, container, type 1. */
static void open_by_group(struct vmm *vmm, const char *device, uint32_t group)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)vmm->dma,
		.iova = IOVA,
		.size = DMA_SIZE,
	};
	int container, fd;
	char path[64];

	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (container < 0)
		die("/dev/vfio/vfio");
	snprintf(path, sizeof(path), "/dev/vfio/%u", group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(path);
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) ||
	    !(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		fprintf(stderr, "edu-vmm: the group is not viable\n");
		exit(1);
	}
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &container))
		die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU (is vfio_iommu_type1 loaded?)");
	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		die("VFIO_IOMMU_MAP_DMA");
	vmm->device = ioctl(fd, VFIO_GROUP_GET_DEVICE_FD, device);
	if (vmm->device < 0)
		die("VFIO_GROUP_GET_DEVICE_FD");
	puts("opened through group and container");
}

/* The new way: the device's own file, and iommufd. */
static bool open_by_cdev(struct vmm *vmm, const char *cdev)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach) };
	struct ioas_alloc alloc = { .size = sizeof(alloc) };
	struct ioas_map map = {
		.size = sizeof(map),
		.flags = IOAS_MAP_FIXED_IOVA | IOAS_MAP_READABLE |
			 IOAS_MAP_WRITEABLE,
		.user_va = (uintptr_t)vmm->dma,
		.length = DMA_SIZE,
		.iova = IOVA,
	};
	char path[128];
	int iommu;

	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", cdev);
	iommu = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	if (iommu < 0)
		return false;
	vmm->device = open(path, O_RDWR | O_CLOEXEC);
	if (vmm->device < 0)
		die(path);
	bind.iommufd = iommu;
	if (ioctl(vmm->device, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		die("VFIO_DEVICE_BIND_IOMMUFD");
	if (ioctl(iommu, IOAS_ALLOC, &alloc))
		die("IOAS_ALLOC");
	attach.pt_id = alloc.out_ioas_id;
	if (ioctl(vmm->device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		die("VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	map.ioas_id = alloc.out_ioas_id;
	if (ioctl(iommu, IOAS_MAP, &map))
		die("IOAS_MAP");
	puts("opened through its character device and iommufd");
	return true;
}

static void setup_registers(struct vmm *vmm)
{
	struct vfio_region_info bar = {
		.argsz = sizeof(bar),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	struct vfio_region_info config = {
		.argsz = sizeof(config),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	off_t command_at;
	uint16_t command;

	if (ioctl(vmm->device, VFIO_DEVICE_GET_REGION_INFO, &bar) ||
	    ioctl(vmm->device, VFIO_DEVICE_GET_REGION_INFO, &config))
		die("VFIO_DEVICE_GET_REGION_INFO");
	/* What a guest's driver would do: answer at the BAR, allow DMA. */
	command_at = (off_t)config.offset + PCI_COMMAND;
	if (pread(vmm->device, &command, 2, command_at) != 2)
		die("reading PCI_COMMAND");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(vmm->device, &command, 2, command_at) != 2)
		die("writing PCI_COMMAND");
	vmm->regs = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, vmm->device,
			 (off_t)bar.offset);
	if (vmm->regs == MAP_FAILED)
		die("mapping BAR 0");
}

static void setup_interrupt(struct vmm *vmm)
{
	union {
		struct vfio_irq_set set;
		char room[sizeof(struct vfio_irq_set) + sizeof(int)];
	} irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSI_IRQ_INDEX,
			.count = 1,
		},
	};

	vmm->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vmm->irq < 0)
		die("eventfd");
	memcpy(irq.set.data, &vmm->irq, sizeof(vmm->irq));
	if (ioctl(vmm->device, VFIO_DEVICE_SET_IRQS, &irq))
		die("VFIO_DEVICE_SET_IRQS");
}

static uint32_t read32(const struct vmm *vmm, size_t reg)
{
	return *(const volatile uint32_t *)(vmm->regs + reg);
}

static void write32(const struct vmm *vmm, size_t reg, uint32_t value)
{
	*(volatile uint32_t *)(vmm->regs + reg) = value;
}

static void write64(const struct vmm *vmm, size_t reg, uint64_t value)
{
	*(volatile uint64_t *)(vmm->regs + reg) = value;
}

static void expect(bool ok, const char *what)
{
	printf("%s: %s\n", what, ok ? "ok" : "WRONG");
	if (!ok)
		exit(1);
}

/* Wait for an interrupt, see that it has the cause we expect, acknowledge it. */
static void take_interrupt(const struct vmm *vmm, uint32_t cause, const char *what)
{
	struct pollfd pfd = { .fd = vmm->irq, .events = POLLIN };
	uint64_t count = 0;
	uint32_t status;

	if (poll(&pfd, 1, IRQ_TIMEOUT_MS) != 1 ||
	    read(vmm->irq, &count, sizeof(count)) != (ssize_t)sizeof(count)) {
		fprintf(stderr, "edu-vmm: no interrupt within %d s\n", IRQ_TIMEOUT_MS / 1000);
		exit(1);
	}
	status = read32(vmm, EDU_IRQ_STATUS);
	write32(vmm, EDU_IRQ_ACK, status);
	expect(status == cause, what);
}

/*
 * Whoever had the device before may have left it in the middle of a transfer,
 * and it takes no other until that has ended; no interrupt tells us when.
 */
static void wait_idle(const struct vmm *vmm)
{
	for (int ms = 0; read32(vmm, EDU_DMA_CMD) & EDU_DMA_START; ms++) {
		if (ms == IRQ_TIMEOUT_MS) {
			fprintf(stderr, "edu-vmm: the DMA engine does not stop\n");
			exit(1);
		}
		usleep(1000);
	}
}

/* Likewise for interrupts: this device keeps its state over a reset. */
static void forget_past(const struct vmm *vmm)
{
	uint64_t count;
	ssize_t n;

	wait_idle(vmm);
	write32(vmm, EDU_IRQ_ACK, read32(vmm, EDU_IRQ_STATUS));
	n = read(vmm->irq, &count, sizeof(count));
	(void)n;
}

static void start_dma(const struct vmm *vmm, uint64_t from, uint64_t to, uint32_t how)
{
	wait_idle(vmm);
	write64(vmm, EDU_DMA_SRC, from);
	write64(vmm, EDU_DMA_DST, to);
	write64(vmm, EDU_DMA_COUNT, EDU_COPY_SIZE);
	write64(vmm, EDU_DMA_CMD, EDU_DMA_START | how);
}

static void drive(const struct vmm *vmm)
{
	uint8_t *out = vmm->dma, *in = vmm->dma + EDU_COPY_SIZE;

	expect((read32(vmm, EDU_ID) & 0xffff) == 0x00ed, "identification");
	write32(vmm, EDU_LIVENESS, 0x12345678);
	expect(read32(vmm, EDU_LIVENESS) == ~0x12345678U, "liveness");

	forget_past(vmm);
	write32(vmm, EDU_IRQ_RAISE, 0x42);
	take_interrupt(vmm, 0x42, "interrupt");

	for (size_t i = 0; i < EDU_COPY_SIZE; i++)
		out[i] = (uint8_t)(i * 7 + (i >> 8));
	memset(in, 0, EDU_COPY_SIZE);
	start_dma(vmm, IOVA, EDU_BUFFER, EDU_DMA_IRQ);
	take_interrupt(vmm, EDU_IRQ_DMA, "DMA to the device");
	start_dma(vmm, EDU_BUFFER, IOVA + EDU_COPY_SIZE, EDU_DMA_TO_RAM | EDU_DMA_IRQ);
	take_interrupt(vmm, EDU_IRQ_DMA, "DMA from the device");
	expect(!memcmp(in, out, EDU_COPY_SIZE), "the data");
}

static void usage(FILE *file)
{
	fputs("Usage: ptx-example-edu-vmm [OPTION] [ADDRESS]\n"
	      "Lease QEMU's edu device and drive its DMA engine and its interrupt through VFIO.\n"
	      "Without ADDRESS, the first free one that is alone in its IOMMU group. Under\n"
	      "ptxctl run it uses the lease that it is given; ADDRESS says which device of it.\n\n"
	      "  -d, --die     end by SIGKILL while a DMA is under way\n"
	      "  -g, --group   through group and container even where there is iommufd\n"
	      "  -w, --wait    once done, hold the device until standard input ends\n"
	      "  -h, --help    this text\n", file);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "die", no_argument, NULL, 'd' },
		{ "group", no_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ "wait", no_argument, NULL, 'w' },
		{ }
	};
	char device[PTX_DEVICE_NAME_SIZE], cdev[PTX_DEVICE_NAME_SIZE];
	bool dies = false, waits = false, by_group = false;
	struct vmm vmm = { .device = -1 };
	const char *given;
	uint32_t group = 0;
	int c;

	while ((c = getopt_long(argc, argv, "dghw", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			dies = true;
			break;
		case 'g':
			by_group = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case 'w':
			waits = true;
			break;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (argc - optind > 1) {
		usage(stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (ptx_ctx_new(&vmm.ctx))
		die("ptx_ctx_new");
	find_device(&vmm, argv[optind], device);
	vmm.dma = mmap(NULL, DMA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	if (vmm.dma == MAP_FAILED)
		die("mmap");
	given = getenv("PTX_LEASE_FD");
	if (given)
		adopt_lease(&vmm, atoi(given), device, &group, cdev);
	else
		take_lease(&vmm, device, &group, cdev);
	if (by_group || !*cdev || !open_by_cdev(&vmm, cdev))
		open_by_group(&vmm, device, group);
	setup_registers(&vmm);
	setup_interrupt(&vmm);
	drive(&vmm);
	if (dies) {
		puts("dying in the middle of a DMA");
		start_dma(&vmm, IOVA, EDU_BUFFER, EDU_DMA_IRQ);
		raise(SIGKILL);
	}
	if (waits) {
		puts("holding");
		while (read(STDIN_FILENO, device, sizeof(device)) > 0)
			;
	}
	/* In good order it would close the device first; even that is not needed. */
	close(vmm.device);
	ptx_lease_close(vmm.lease);
	ptx_ctx_free(vmm.ctx);
	puts("done");
	return 0;
}
