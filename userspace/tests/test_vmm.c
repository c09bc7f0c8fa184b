// SPDX-License-Identifier: GPL-2.0-only
/* The argument forms of the VMMs, and {devices}. */
#include <stdlib.h>
#include <string.h>
#include "tap.h"
#include "../ptxctl/vmm.h"

static const char *const one[] = { "0000:01:00.0" };
static const char *const far[] = { "10000:01:00.0" };
#define UUID "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
static const char *const mdev[] = { UUID };
static const char *const two[] = { "0000:01:00.0", "0000:02:00.1" };

static const char q1[] = "-device vfio-pci,host=0000:01:00.0";
#define Q2	"-device vfio-pci,host=0000:01:00.0 -device vfio-pci,host=0000:02:00.1"
#define C1	"path=/sys/bus/pci/devices/0000:01:00.0/"
#define C2	C1 " path=/sys/bus/pci/devices/0000:02:00.1/"
#define V2	"--vfio /sys/bus/pci/devices/0000:01:00.0 --vfio /sys/bus/pci/devices/0000:02:00.1"

/* A command line with '|' between its words. */
static size_t cut(char *text, char **argv)
{
	size_t n = 0;

	for (char *save = NULL, *w = strtok_r(text, "|", &save); w; w = strtok_r(NULL, "|", &save))
		argv[n++] = w;
	return n;
}

static void is(enum vmm_form form, const char *line, const char *const *devices, size_t nr,
	       const char *want, size_t want_nr)
{
	struct words out = { .nr = 0 };
	char text[256], *argv[32], *joined;
	const char *why;
	size_t argc;

	strcpy(text, line);
	argc = cut(text, argv);
	if (!ok(vmm_command(form, argv, argc, devices, NULL, nr, &out, &why), "%s", line))
		return;
	joined = words_join(&out);
	is_str(joined, want, "becomes that");
	is_int(out.nr, want_nr, "in so many words");
	ok(!out.list[out.nr], "with an end");
	free(joined);
	words_free(&out);
}

static void is_not(enum vmm_form form, const char *line, const char *part)
{
	struct words out = { .nr = 0 };
	char text[256], *argv[32];
	const char *why = NULL;
	size_t argc;

	strcpy(text, line);
	argc = cut(text, argv);
	ok(!vmm_command(form, argv, argc, one, NULL, 1, &out, &why), "%s is refused", line);
	has_str(why, part, "because of that");
	words_free(&out);
}

static void detect(void)
{
	static const struct {
		const char *command;
		enum vmm_form form;
	} table[] = {
		{ "qemu-system-x86_64", VMM_QEMU }, { "/usr/bin/qemu-system-aarch64", VMM_QEMU },
		{ "kvm", VMM_QEMU }, { "/usr/libexec/qemu-kvm", VMM_QEMU }, { "qemu", VMM_QEMU },
		{ "cloud-hypervisor", VMM_CLOUD_HYPERVISOR },
		{ "./cloud-hypervisor-static", VMM_CLOUD_HYPERVISOR },
		{ "crosvm", VMM_CROSVM }, { "/opt/crosvm", VMM_CROSVM },
		{ "sh", VMM_NONE }, { "qemu-img", VMM_NONE }, { "/qemu-system-x/sh", VMM_NONE },
		{ "my-crosvm", VMM_NONE }, { "kvm/", VMM_NONE }, { "", VMM_NONE },
	};
	enum vmm_form form;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		is_int(vmm_detect(table[i].command), table[i].form, "command '%s'",
		       table[i].command);
	ok(vmm_parse("qemu", &form) && form == VMM_QEMU, "--vmm qemu");
	ok(vmm_parse("none", &form) && form == VMM_NONE, "--vmm none");
	ok(!vmm_parse("xen", &form), "--vmm xen");
}

static void dma(void)
{
	static const struct {
		const char *line;
		const char *word;
		enum vmm_form form;
		enum vmm_dma want;
	} table[] = {
#define Q(line, want, word)	{ "qemu|" line, word, VMM_QEMU, VMM_DMA_##want }
		Q("-m|1G", CONTAINER, NULL),
		Q("-object|iommufd,id=i", IOMMUFD, "iommufd,id=i"),
		Q("--object|qom-type=iommufd,id=i", IOMMUFD, "qom-type=iommufd,id=i"),
		Q("-object|{\"qom-type\":\"iommufd\"}", IOMMUFD, "{\"qom-type\":\"iommufd\"}"),
		Q("-device|vfio-pci,host=01:00.0,iommufd=i", IOMMUFD,
		  "vfio-pci,host=01:00.0,iommufd=i"),
		Q("-device|intel-iommu", VIOMMU, "intel-iommu"),
		Q("-device|amd-iommu,intremap=on", VIOMMU, "amd-iommu,intremap=on"),
		Q("-device|virtio-iommu", VIOMMU, "virtio-iommu"),
		Q("-device|virtio-iommu-pci,aw-bits=48", VIOMMU, "virtio-iommu-pci,aw-bits=48"),
		Q("-device|{\"driver\":\"intel-iommu\"}", VIOMMU, "{\"driver\":\"intel-iommu\"}"),
		Q("-M|virt,iommu=smmuv3", VIOMMU, "virt,iommu=smmuv3"),
		Q("-machine|virt,iommu=none", CONTAINER, NULL),
		Q("--machine|q35,iommu=off", CONTAINER, NULL),
		Q("-M|q35,kernel-irqchip=split", CONTAINER, NULL),
		Q("-device|virtio-net-pci,iommu_platform=on", CONTAINER, NULL),
		Q("-global|arm-smmuv3.stage=1", CONTAINER, NULL),
		Q("-device|arm-smmuv3,primary-bus=pcie.0", VIOMMU, "arm-smmuv3,primary-bus=pcie.0"),
		/* The stronger of two; what is no option's value; names that only look so. */
		Q("-device|intel-iommu|-object|iommufd,id=i", IOMMUFD, "iommufd,id=i"),
		Q("-object|iommufd,id=i|-device|intel-iommu", IOMMUFD, "iommufd,id=i"),
		Q("-name|iommufd|-drive|file=/iommufd/x,iommu=on", CONTAINER, NULL),
		Q("-object|memory-backend-file,id=m,mem-path=/dev/iommufd", CONTAINER, NULL),
		Q("-device|my-intel-iommu", CONTAINER, NULL),
		Q("-device", CONTAINER, NULL),
#undef Q
		{ "ch|--device|path=/x/", NULL,
		  VMM_CLOUD_HYPERVISOR, VMM_DMA_CONTAINER },
		{ "ch|--device|path=/x/,iommu=on", "path=/x/,iommu=on",
		  VMM_CLOUD_HYPERVISOR, VMM_DMA_VIOMMU },
		{ "ch|--disk|path=/iommu/x,iommu=off", NULL,
		  VMM_CLOUD_HYPERVISOR, VMM_DMA_CONTAINER },
		{ "ch|--platform|num_pci_segments=2,iommu_segments=[1]",
		  "num_pci_segments=2,iommu_segments=[1]", VMM_CLOUD_HYPERVISOR, VMM_DMA_VIOMMU },
		{ "ch|--platform|iommufd=on", "iommufd=on",
		  VMM_CLOUD_HYPERVISOR, VMM_DMA_IOMMUFD },
		{ "crosvm|run|--vfio|/sys/x,iommu=viommu", "/sys/x,iommu=viommu",
		  VMM_CROSVM, VMM_DMA_VIOMMU },
		{ "crosvm|run|--vfio=/sys/x,iommu=coiommu", "--vfio=/sys/x,iommu=coiommu",
		  VMM_CROSVM, VMM_DMA_VIOMMU },
		{ "crosvm|run|--vfio|/sys/x,iommu=off", NULL,
		  VMM_CROSVM, VMM_DMA_CONTAINER },
		{ "sh|-c|exec qemu -object iommufd,id=i", "exec qemu -object iommufd,id=i",
		  VMM_NONE, VMM_DMA_IOMMUFD },
		{ "sh|-c|qemu -device 'virtio-iommu-pci'", "qemu -device 'virtio-iommu-pci'",
		  VMM_NONE, VMM_DMA_VIOMMU },
		{ "start.sh|--iommufd", "--iommufd",
		  VMM_NONE, VMM_DMA_IOMMUFD },
		{ "start.sh|iommufd.img|/x/iommufd", NULL,
		  VMM_NONE, VMM_DMA_CONTAINER },
		{ "iommufd|iommu=", NULL,
		  VMM_NONE, VMM_DMA_CONTAINER },
		{ "iommufd", NULL,
		  VMM_NONE, VMM_DMA_CONTAINER },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char text[256], *argv[32];
		const char *word = NULL;
		size_t argc;

		strcpy(text, table[i].line);
		argc = cut(text, argv);
		is_int(vmm_own_dma(table[i].form, argv, argc, &word), table[i].want,
		       "DMA of '%s'", table[i].line);
		is_str(word, table[i].word, "says that argument");
	}
}

/* GPUs that share a switch, in each VMM's words. */
static void cliques(void)
{
	static const int ids[] = { 15, -1 };
	static const struct {
		enum vmm_form form;
		const char *line, *want;
	} table[] = {
		{ VMM_QEMU, "qemu|-m|1G", "qemu -m 1G -device vfio-pci,host=0000:01:00.0,"
		  "x-nv-gpudirect-clique=15 -device vfio-pci,host=0000:02:00.1" },
		{ VMM_CLOUD_HYPERVISOR, "ch|--kernel|k", "ch --kernel k --device " C1
		  ",x_nv_gpudirect_clique=15 path=/sys/bus/pci/devices/0000:02:00.1/" },
		{ VMM_CLOUD_HYPERVISOR, "ch|--device|path=/x", "ch --device path=/x " C1
		  ",x_nv_gpudirect_clique=15 path=/sys/bus/pci/devices/0000:02:00.1/" },
		{ VMM_CROSVM, "crosvm|run|k", "crosvm run " V2 " k" },
		{ VMM_NONE, "sh|-c|qemu {devices}", "sh -c qemu -device vfio-pci,"
		  "host=0000:01:00.0,x-nv-gpudirect-clique=15 -device vfio-pci,host=0000:02:00.1" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct words out = { .nr = 0 };
		char text[256], *argv[32], *joined;
		const char *why;
		size_t argc;

		strcpy(text, table[i].line);
		argc = cut(text, argv);
		ok(vmm_command(table[i].form, argv, argc, two, ids, 2, &out, &why), "%s",
		   table[i].line);
		joined = words_join(&out);
		is_str(joined, table[i].want, "with its clique");
		free(joined);
		words_free(&out);
	}
}

int main(void)
{
	detect();
	dma();
	cliques();

	is(VMM_QEMU, "qemu-system-x86_64|-m|4G", one, 1,
	   "qemu-system-x86_64 -m 4G -device vfio-pci,host=0000:01:00.0", 5);
	is(VMM_QEMU, "qemu-system-x86_64", two, 2, "qemu-system-x86_64 " Q2, 5);
	is(VMM_QEMU, "qemu|{devices}|-m|1G", two, 2, "qemu " Q2 " -m 1G", 7);
	is(VMM_QEMU, "qemu|-device|a,b|-m|1G", one, 1,
	   "qemu -device a,b -m 1G -device vfio-pci,host=0000:01:00.0", 7);
	is(VMM_QEMU, "qemu|-m|1G", far, 1,
	   "qemu -m 1G -device vfio-pci,sysfsdev=/sys/bus/pci/devices/10000:01:00.0", 5);
	is(VMM_QEMU, "qemu|-m|1G", mdev, 1,
	   "qemu -m 1G -device vfio-pci,sysfsdev=/sys/bus/mdev/devices/" UUID, 5);
	is(VMM_CLOUD_HYPERVISOR, "ch", mdev, 1,
	   "ch --device path=/sys/bus/mdev/devices/" UUID "/", 3);
	is(VMM_CROSVM, "crosvm|run", mdev, 1,
	   "crosvm run --vfio /sys/bus/mdev/devices/" UUID, 4);
	is_not(VMM_QEMU, "qemu|-daemonize", "-daemonize");
	is_not(VMM_QEMU, "qemu|--daemonize|{devices}", "-daemonize");

	is(VMM_CLOUD_HYPERVISOR, "ch|--kernel|k", two, 2, "ch --kernel k --device " C2, 6);
	is(VMM_CLOUD_HYPERVISOR, "ch|--device|path=/x|--kernel|k", two, 2,
	   "ch --device path=/x " C2 " --kernel k", 7);
	is(VMM_CLOUD_HYPERVISOR, "ch|--device|path=/x|path=/y", one, 1,
	   "ch --device path=/x path=/y " C1, 5);
	is(VMM_CLOUD_HYPERVISOR, "ch|--device=path=/x|--cpus|4", one, 1,
	   "ch --device path=/x " C1 " --cpus 4", 6);
	is(VMM_CLOUD_HYPERVISOR, "ch|--device", one, 1, "ch --device " C1, 3);
	is(VMM_CLOUD_HYPERVISOR, "ch|{devices}|--cpus|4", one, 1, "ch --device " C1 " --cpus 4", 5);

	is(VMM_CROSVM, "crosvm|run|--cpus|4|bzImage", two, 2,
	   "crosvm run " V2 " --cpus 4 bzImage", 9);
	is(VMM_CROSVM, "crosvm|--log-level|debug|run|run", one, 1,
	   "crosvm --log-level debug run --vfio /sys/bus/pci/devices/0000:01:00.0 run", 7);
	is(VMM_CROSVM, "crosvm|run|--cpus|4|{devices}|bzImage", one, 1,
	   "crosvm run --cpus 4 --vfio /sys/bus/pci/devices/0000:01:00.0 bzImage", 7);
	is_not(VMM_CROSVM, "crosvm|--help", "run");

	is(VMM_NONE, "start-vm.sh|win11", two, 2, "start-vm.sh win11", 2);
	is(VMM_NONE, "start-vm.sh|{devices}|x", two, 2, "start-vm.sh " Q2 " x", 6);
	is(VMM_NONE, "sh|-c|exec qemu {devices} -m 1G; {devices}", one, 1,
	   "sh -c exec qemu -device vfio-pci,host=0000:01:00.0 -m 1G; "
	   "-device vfio-pci,host=0000:01:00.0", 3);
	is(VMM_NONE, "sh|x{devices}y", one, 1, "sh x-device vfio-pci,host=0000:01:00.0y", 2);
	is(VMM_NONE, "sh|{device}|{devices", one, 1, "sh {device} {devices", 3);
	/* The command itself is a name, not a place. */
	is(VMM_NONE, "{devices}|x", one, 1, "{devices} x", 2);

	struct words w = { .nr = 0 };
	char *joined;

	ok(vmm_device_words(VMM_NONE, one, NULL, 1, &w), "for wrappers");
	joined = words_join(&w);
	is_str(joined, q1, "the form is QEMU's");
	free(joined);
	words_free(&w);
	return tap_done();
}
