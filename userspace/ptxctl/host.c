// SPDX-License-Identifier: GPL-2.0-only
/*
 * host: looks at module, IOMMU, VFIO and memory limits. Reads only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <linux/capability.h>
#include "host.h"
#include "memory.h"
#include "ptxctl.h"
#include "right.h"

void findings_add(struct findings *f, enum finding_level level, const char *check,
		  const char *remedy, const char *fmt, ...)
{
	struct finding *bigger;
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	bigger = reallocarray(f->list, f->nr + 1, sizeof(*f->list));
	if (n < 0 || !bigger) {
		cli_say("out of memory");
		exit(EXIT_REFUSED);
	}
	f->list = bigger;
	f->list[f->nr++] = (struct finding) {
		.level = level,
		.check = check,
		.text = text,
		.remedy = remedy && *remedy ? strdup(remedy) : NULL,
	};
	if (level > f->worst)
		f->worst = level;
}

void findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->nr; i++) {
		free(f->list[i].text);
		free(f->list[i].remedy);
	}
	free(f->list);
}

const char *finding_level_name(enum finding_level level)
{
	static const char *const names[] = {
		[FINDING_OK]	= "ok",
		[FINDING_WARN]	= "warn",
		[FINDING_FAIL]	= "fail",
	};

	return names[level];
}

static bool exists(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", cli_root, path);
	return !access(full, F_OK);
}

/* The beginning of a file, as far as @size goes; empty when it cannot be read. */
void host_read(const char *path, char *buf, size_t size)
{
	char full[512];
	size_t used = 0;
	ssize_t n;
	int fd;

	snprintf(full, sizeof(full), "%s%s", cli_root, path);
	*buf = '\0';
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while (used + 1 < size && (n = read(fd, buf + used, size - used - 1)) > 0)
		used += (size_t)n;
	buf[used] = '\0';
	close(fd);
}

/* Is @word one of the words of the kernel command line? */
static bool on_cmdline(const char *word)
{
	char line[4096];
	const char *p = line;

	host_read("/proc/cmdline", line, sizeof(line));
	while (*p) {
		size_t n = strcspn(p, " \n");

		if (n == strlen(word) && !memcmp(p, word, n))
			return true;
		p += n;
		p += strspn(p, " \n");
	}
	return false;
}

static bool dir_has_entries(const char *path)
{
	char full[512];
	struct dirent *entry;
	bool any = false;
	DIR *dir;

	snprintf(full, sizeof(full), "%s%s", cli_root, path);
	dir = opendir(full);
	while (dir && !any && (entry = readdir(dir)))
		any = *entry->d_name != '.';
	if (dir)
		closedir(dir);
	return any;
}

enum cpu {
	CPU_INTEL,
	CPU_AMD,
	CPU_OTHER,
};

static enum cpu cpu(void)
{
	char info[4096];

	host_read("/proc/cpuinfo", info, sizeof(info));
	if (strstr(info, "GenuineIntel"))
		return CPU_INTEL;
	if (strstr(info, "AuthenticAMD") || strstr(info, "HygonGenuine"))
		return CPU_AMD;
	return CPU_OTHER;
}

/* Has somebody turned the IOMMU off? Says so. */
static bool find_turned_off(struct findings *f)
{
	static const char *const off[] = {
		"intel_iommu=off", "amd_iommu=off", "iommu=off",
	};
	char remedy[128];

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		if (!on_cmdline(off[i]))
			continue;
		snprintf(remedy, sizeof(remedy),
			 "take %s off the kernel command line and reboot", off[i]);
		findings_add(f, FINDING_FAIL, "iommu", remedy,
			     "the IOMMU is off: %s is on the kernel command line", off[i]);
		return true;
	}
	return false;
}

/* Why there is no IOMMU, and what turns it on. */
static void explain_iommu(struct findings *f)
{
	bool intel = exists("/sys/firmware/acpi/tables/DMAR");
	bool amd = exists("/sys/firmware/acpi/tables/IVRS");

	if (intel) {
		findings_add(f, FINDING_FAIL, "iommu",
			     on_cmdline("intel_iommu=on") ?
			     "the kernel log says why: dmesg | grep -i -e DMAR -e IOMMU" :
			     "put intel_iommu=on on the kernel command line and reboot",
			     on_cmdline("intel_iommu=on") ?
			     "the IOMMU (VT-d) is asked for, but the kernel did not turn it on" :
			     "the firmware offers an IOMMU (VT-d), but the kernel has it off");
		return;
	}
	if (amd) {
		findings_add(f, FINDING_FAIL, "iommu",
			     "the kernel log says why: dmesg | grep -i -e AMD-Vi -e IVRS",
			     "the firmware offers an IOMMU (AMD-Vi), but the kernel did not turn "
			     "it on");
		return;
	}
	switch (cpu()) {
	case CPU_INTEL:
		findings_add(f, FINDING_FAIL, "iommu",
			     "turn on VT-d in the firmware setup, and put intel_iommu=on on the "
			     "kernel command line",
			     "there is no IOMMU: the firmware has no DMAR table");
		break;
	case CPU_AMD:
		findings_add(f, FINDING_FAIL, "iommu",
			     "turn on IOMMU (AMD-Vi) and SVM in the firmware setup; the kernel "
			     "then uses it without being told",
			     "there is no IOMMU: the firmware has no IVRS table");
		break;
	case CPU_OTHER:
		findings_add(f, FINDING_FAIL, "iommu",
			     "turn on the IOMMU (SMMU) in the firmware setup",
			     "there is no IOMMU that the kernel knows");
		break;
	}
}

void host_check_iommu(struct findings *f, bool module_sees_it)
{
	bool there = module_sees_it || dir_has_entries("/sys/class/iommu");

	/* One without groups isolates nothing, and VFIO makes groups where there is none. */
	if (there && dir_has_entries("/sys/kernel/iommu_groups")) {
		findings_add(f, FINDING_OK, "iommu", NULL, "an IOMMU is on");
		return;
	}
	if (find_turned_off(f))
		return;
	if (there)
		findings_add(f, FINDING_FAIL, "iommu",
			     "the kernel log says why: dmesg | grep -i -e DMAR -e AMD-Vi -e IOMMU",
			     "there is an IOMMU, but no IOMMU groups: it isolates no device");
	else
		explain_iommu(f);
}

static void check_module(struct cli *cli, struct findings *f, struct ptx_info *info)
{
	const struct ptx_error *err = ptx_ctx_error(cli->ctx);

	if (!ptx_ctx_info(cli->ctx, info)) {
		findings_add(f, FINDING_OK, "module", NULL,
			     "the ptx module is loaded (contract version %u)", info->out_abi);
		if (info->out_features & PTX_FEATURE_INLINE)
			findings_add(f, FINDING_WARN, "module",
				     "echo 0 > /sys/module/ptx/parameters/inline",
				     "ptx.inline is set, which is meant for fault injection only");
		return;
	}
	memset(info, 0, sizeof(*info));
	findings_add(f, FINDING_FAIL, "module", ptx_error_remedy(err), "%s",
		     ptx_error_message(err));
}

/* Loaded, or part of the kernel. */
static bool have_module(const char *name)
{
	char path[512], builtin[65536], *p;
	struct utsname uts;

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (exists(path))
		return true;
	if (uname(&uts))
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", uts.release);
	host_read(path, builtin, sizeof(builtin));
	/* File names have hyphens or underscores, and it does not matter which. */
	for (p = builtin; *p; p++) {
		if (*p == '-')
			*p = '_';
	}
	snprintf(path, sizeof(path), "/%s.ko", name);
	return strstr(builtin, path);
}

static void check_vfio(struct findings *f, const struct ptx_info *info)
{
	bool container = exists("/dev/vfio/vfio"), iommufd = exists("/dev/iommu");

	/* Before the module is there, VFIO need not be either. */
	if (!info->out_abi && !container && !iommufd) {
		findings_add(f, FINDING_WARN, "vfio", NULL,
			     "VFIO is not loaded yet; it comes with the ptx module");
		return;
	}
	if (!container && !iommufd) {
		findings_add(f, FINDING_FAIL, "vfio", "modprobe vfio",
			     "there is neither /dev/vfio/vfio nor /dev/iommu for the VMM to open");
		return;
	}
	if (container && !have_module("vfio_iommu_type1") && !iommufd)
		findings_add(f, info->out_abi ? FINDING_FAIL : FINDING_WARN, "vfio",
			     "modprobe vfio_iommu_type1",
			     "VFIO containers have no IOMMU back end");
	else
		findings_add(f, FINDING_OK, "vfio", NULL, "VFIO is there (%s%s%s)",
			     container ? "container" : "", container && iommufd ? ", " : "",
			     iommufd ? "iommufd" : "");
	if (!container && info->out_abi)
		findings_add(f, FINDING_WARN, "vfio",
			     "use a VMM with iommufd, for example QEMU 9 or later",
			     "this kernel has iommufd but no VFIO container");
	if (have_module("vfio_iommu_type1")) {
		char allow[8];

		host_read("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", allow,
		      sizeof(allow));
		if (*allow == 'Y')
			findings_add(f, FINDING_WARN, "vfio",
				     "turn on interrupt remapping in the firmware, and take the "
				     "parameter away",
				     "vfio_iommu_type1.allow_unsafe_interrupts is set: a guest can "
				     "forge interrupts");
	}
}

/* Do we have a capability? */
bool host_may(unsigned int cap)
{
	char status[8192], *p;

	host_read("/proc/self/status", status, sizeof(status));
	p = strstr(status, "\nCapEff:");
	return p && (strtoull(p + strlen("\nCapEff:"), NULL, 16) >> cap & 1);
}

static void check_right(struct cli *cli, const struct ptx_info *info, struct findings *f,
			struct right *right)
{
	const struct passwd *pw;
	char remedy[256];

	*right = (struct right){ .all = host_may(CAP_SYS_ADMIN) };
	/* Who has no module has no grants, and has been told so. */
	if (right->all || info->out_abi)
		right_get(cli, right->all, right);
	if (right->all) {
		findings_add(f, FINDING_OK, "right", NULL, "you may make leases");
	} else if (right->nr) {
		findings_add(f, FINDING_OK, "right", NULL,
			     "you may make leases of what you are granted: ptxctl grants");
	} else {
		pw = getpwuid(geteuid());
		snprintf(remedy, sizeof(remedy),
			 "do it as root, or be granted it: as root, ptxctl grant %s DEVICE",
			 pw ? pw->pw_name : "USER");
		findings_add(f, FINDING_FAIL, "right", remedy,
			     "you may not make leases: that takes CAP_SYS_ADMIN, or a grant");
	}
}

/* Also finds out what we may; @right is undone by right_free(). */
void host_check(struct cli *cli, uint64_t memory, struct findings *f, struct right *right)
{
	struct ptx_info info;

	check_module(cli, f, &info);
	check_right(cli, &info, f, right);
	host_check_iommu(f, info.out_features & PTX_FEATURE_IOMMU);
	check_vfio(f, &info);
	memory_check(memory, f);
}
