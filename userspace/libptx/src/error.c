// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * error: one table for every reason, one for every errno, and what is made of
 * them. Belongs to a context and its thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/**
 * struct reason_rule - what there is to say about a reason
 * @name: as in the netlink specification
 * @text: goes on after "DEVICE: "
 * @remedy: what to do; {device} stands for the culprit
 */
struct reason_rule {
	const char *name;
	const char *text;
	const char *remedy;
};

static const struct reason_rule reason_rules[] = {
	[PTX_REASON_NONE] = {
		"none", "no reason was given", "" },
	[PTX_REASON_NO_DEVICE] = {
		"no-device", "there is no such device",
		"see what there is: ptxctl list -a" },
	[PTX_REASON_DUPLICATE] = {
		"duplicate", "it is named twice in one request",
		"name it once" },
	[PTX_REASON_BRIDGE] = {
		"bridge", "it is a bridge, and a bridge is never assignable",
		"name the device behind it; bridges stay with the host" },
	[PTX_REASON_NO_GROUP] = {
		"no-group", "no IOMMU isolates it",
		"turn the IOMMU on in the firmware and on the kernel command line: ptxctl check" },
	[PTX_REASON_GROUP_SHARED] = {
		"group-shared", "its IOMMU group has members that the request does not name",
		"ask without exact mode, or name them all: ptxctl info {device}" },
	[PTX_REASON_GROUP_BLOCKED] = {
		"group-blocked", "a device in its IOMMU group cannot be leased",
		"see what stands in the way of each of them: ptxctl check {device}" },
	[PTX_REASON_HELD] = {
		"held", "another lease holds it",
		"see which, and release it or wait for its end: ptxctl leases" },
	[PTX_REASON_IN_USE] = {
		"in-use", "somebody outside ptx owns the DMA of its IOMMU group",
		"end the program that has its VFIO group open, or take it off its VFIO driver: "
		"ptxctl check {device}" },
	[PTX_REASON_RESERVED_REGION] = {
		"reserved-region", "the firmware demands identity-mapped memory for it (RMRR)",
		"turn off what the firmware uses it for (legacy USB, remote management), or use "
		"another device" },
	[PTX_REASON_NO_MSI_ISOLATION] = {
		"no-msi-isolation", "the platform cannot keep its interrupts apart",
		"turn on interrupt remapping (x2APIC) in the firmware, and take intremap=off and "
		"nointremap off the kernel command line" },
	[PTX_REASON_BOOT_DISPLAY] = {
		"boot-display", "it drives the boot display",
		"make another display the primary one in the firmware, or take this one all the same: "
		"--boot-display" },
	[PTX_REASON_VFS_ENABLED] = {
		"vfs-enabled", "its virtual functions are enabled",
		"lease one of them instead, or turn them off: "
		"echo 0 > /sys/bus/pci/devices/{device}/sriov_numvfs" },
	[PTX_REASON_MOUNTED] = {
		"mounted", "a file system on it is mounted",
		"unmount it, and see what else of it is in use: ptxctl info {device}" },
	[PTX_REASON_BLOCK_HELD] = {
		"block-held", "a block device of it is held by device mapper, md, swap or a program",
		"take it out of use (swapoff, vgchange -an, mdadm --stop): ptxctl info {device}" },
	[PTX_REASON_NET_UP] = {
		"net-up", "a network interface of it is up",
		"take it down (ip link set ... down), or take the device all the same: --force" },
	[PTX_REASON_NODE_OPEN] = {
		"node-open", "a DRM or accel node of it is open",
		"end the programs that use it, or take the device all the same: --force; "
		"ptxctl check {device} names them" },
	[PTX_REASON_CONSOLE] = {
		"console", "the kernel's console is on it",
		"take its console= off the kernel command line, or use another device" },
	[PTX_REASON_QUARANTINED] = {
		"quarantined", "no reset made it well after its last lease; it is in quarantine",
		"try again: ptxctl reset {device}; or power the host off and on: a device that "
		"hangs may need that" },
	[PTX_REASON_BAD_DRIVER] = {
		"bad-driver", "the driver asked for is missing or is not a VFIO driver",
		"load it with modprobe, or leave the choice to ptx" },
	[PTX_REASON_UNBIND_STUCK] = {
		"unbind-stuck", "its native driver did not let go in time",
		"end the programs that use it, then try again: ptxctl check {device}" },
	[PTX_REASON_ATTACH_FAILED] = {
		"attach-failed", "the VFIO driver refused it",
		"the kernel log says why: dmesg | grep {device}" },
	[PTX_REASON_GONE] = {
		"gone", "it vanished meanwhile",
		"see whether it came back: ptxctl list" },
	[PTX_REASON_NOT_ACTIVE] = {
		"not-active", "the lease is draining or released",
		"make a new lease" },
	[PTX_REASON_NOT_MEMBER] = {
		"not-member", "it is not in this lease",
		"see what is: ptxctl show" },
	[PTX_REASON_NAME_TAKEN] = {
		"name-taken", "another lease has this name",
		"choose another name, or release that lease: ptxctl leases" },
	[PTX_REASON_BAD_NAME] = {
		"bad-name", "the name is empty, too long, not UTF-8 or has control characters",
		"a name is 1 to 63 bytes of UTF-8" },
	[PTX_REASON_NO_LEASE] = {
		"no-lease", "there is no such lease, or it is not yours to see",
		"see what there is: ptxctl leases" },
	[PTX_REASON_NO_RIGHT] = {
		"no-right", "you may not do this",
		"do it as root (CAP_SYS_ADMIN); or be granted it: as root, ptxctl grant" },
	[PTX_REASON_BAD_PROCESS] = {
		"bad-process", "the process to bind to has exited, or its pidfd is none",
		"" },
	[PTX_REASON_TIMEOUT] = {
		"timeout", "it was not finished in time; the kernel goes on by itself",
		"watch it end: ptxctl monitor" },
	[PTX_REASON_SHUTDOWN] = {
		"shutdown", "the host is going down", "" },
	[PTX_REASON_NATIVE_REFUSED] = {
		"native-refused", "its native driver would not take it back, or is not loaded any more",
		"load it, or see why in the kernel log (dmesg | grep {device}); then: "
		"echo {device} > /sys/bus/pci/drivers_probe" },
	[PTX_REASON_LIMIT] = {
		"limit", "that is more devices than one request or one lease may hold",
		"split it into several; or let the lease hold more: ptxctl restrict --max" },
	[PTX_REASON_NO_MEMORY] = {
		"no-memory", "the kernel is out of memory; nothing was changed",
		"free some memory and try again" },
	[PTX_REASON_NOT_WELL] = {
		"not-well", "a reset did not make it well", "" },
	[PTX_REASON_NO_RESET] = {
		"no-reset", "there is no way to reset it",
		"leave --reset out, or take a device that can be reset: ptxctl info {device}" },
	[PTX_REASON_ROM] = {
		"rom", "its option ROM is not one that is allowed, or none of the devices has one",
		"see what it has: ptxctl info {device}" },
	[PTX_REASON_KEEPS_MEMORY] = {
		"keeps-memory", "it keeps its memory over a reset, and that cannot be cleared",
		"lease it without --clear-memory: to tenants that trust each other, or with the device, "
		"or the host, powered off and on between them" },
	[PTX_REASON_NO_SPACE] = {
		"no-space", "the lease has no DMA space",
		"make a lease that has one, which a grant with a quota asks for, too: ptxctl run "
		"without --no-space, or lease --space" },
	[PTX_REASON_DMA_WINDOW] = {
		"dma-window", "the address is outside of the windows of the lease's DMA space",
		"see which there are: ptxctl stats; give the VM less memory, or a wider --dma-window" },
	[PTX_REASON_DMA_RESERVED] = {
		"dma-reserved", "the IOMMU does not reach that address, or the platform reserves it",
		"see what is reserved: cat /sys/bus/pci/devices/*/iommu_group/reserved_regions" },
	[PTX_REASON_DMA_MAPPED] = {
		"dma-mapped", "something is mapped at that address already", "" },
	[PTX_REASON_DMA_SPLIT] = {
		"dma-split", "it would cut a mapping in two", "unmap what was mapped, as it was mapped" },
	[PTX_REASON_DMA_MEMORY] = {
		"dma-memory", "there is no memory, or it may not be written, or not be mapped", "" },
	[PTX_REASON_DMA_LOCKED] = {
		"dma-locked", "that is more locked memory than the process may have",
		"raise its limit (RLIMIT_MEMLOCK, ulimit -l); ptxctl run does" },
	[PTX_REASON_DMA_QUOTA] = {
		"dma-quota", "that is more memory than the lease may map",
		"see how much it has: ptxctl stats; give the VM less memory, or a larger --dma-quota" },
	[PTX_REASON_DMA_ENTRIES] = {
		"dma-entries", "the lease's DMA space has too many mappings", "map larger pieces" },
	[PTX_REASON_DMA_GRANT] = {
		"dma-grant", "as much memory is mapped under your grant as may be",
		"see how much that is: ptxctl grants; give the VM less memory, or end another VM" },
	[PTX_REASON_NO_SRIOV] = {
		"no-sriov", "it cannot have virtual functions, or its driver does not let it",
		"put it on its own driver, if that is one that enables them, or use another "
		"device: ptxctl info {device}" },
	[PTX_REASON_VFS_USED_UP] = {
		"vfs-used-up", "all virtual functions that it has are in use",
		"give some back (ptxctl leases), or ask for fewer; or, while none is leased, "
		"enable more: /sys/bus/pci/devices/{device}/sriov_numvfs; or let the first "
		"lease enable some to spare: vf:{device},reserve=N" },
	[PTX_REASON_VF_FAILED] = {
		"vf-failed", "its driver could not enable virtual functions",
		"the kernel log says why: dmesg | grep {device}; the firmware may have SR-IOV "
		"turned off, or leave no room for it" },
	[PTX_REASON_NO_VGPU_TYPE] = {
		"no-vgpu-type", "it makes no mediated devices of that type",
		"see what it makes: ptxctl vgpu types" },
	[PTX_REASON_VGPUS_USED_UP] = {
		"vgpus-used-up", "it has no room for another mediated device of that type",
		"see which have room: ptxctl vgpu types; and what there is: ptxctl vgpu list" },
	[PTX_REASON_VGPU_FAILED] = {
		"vgpu-failed", "its driver could not make a mediated device",
		"the kernel log says why: dmesg | grep {device}" },
	[PTX_REASON_VGPU_EXISTS] = {
		"vgpu-exists", "there is a mediated device of that uuid",
		"choose another, or none; see what there is: ptxctl vgpu list" },
	[PTX_REASON_POOLED] = {
		"pooled", "the pool has it, and cannot give it now, or not to that driver",
		"see where it is: ptxctl pool show; or take it out: ptxctl pool remove {device}" },
	[PTX_REASON_ERROR_CORRECTABLE] = {
		"error-correctable", "a PCI Express error, which the hardware corrected", "" },
	[PTX_REASON_ERROR_NONFATAL] = {
		"error-nonfatal", "a PCI Express error that was not corrected; the link works",
		"see the kernel log: dmesg | grep {device}" },
	[PTX_REASON_ERROR_FATAL] = {
		"error-fatal", "a PCI Express error after which it cannot be reached",
		"see the kernel log: dmesg | grep {device}" },
	[PTX_REASON_NOT_GRANTED] = {
		"not-granted", "no grant lets you have it",
		"see what you may have: ptxctl grants; or do it as root" },
	[PTX_REASON_GRANT_USED_UP] = {
		"grant-used-up", "as many devices are leased under your grant as may be",
		"release one of them: ptxctl leases" },
	[PTX_REASON_INTERRUPTED] = {
		"interrupted", "a signal ended the wait; the kernel goes on by itself", "" },
};

/* What an errno means where no reason came with it: the contract's own list. */
static const struct {
	int err;
	const char *text;
	const char *remedy;
} errno_rules[] = {
	{ ENOTTY, "the module does not know this call, or the file is no lease",
	  "load the ptx module of the same version as this program" },
	{ EINVAL, "the kernel did not understand the request",
	  "load the ptx module of the same version as this program" },
	{ E2BIG, "that is too many devices, or more than this module knows", "" },
	{ EOPNOTSUPP, "this module does not know an option that was asked for",
	  "load the ptx module of the same version as this program" },
	{ EFAULT, "a bad address was passed to the kernel", "" },
	{ EPERM, "you may not do this", "do it as root (CAP_SYS_ADMIN)" },
	{ EACCES, "you may not do this", "do it as root (CAP_SYS_ADMIN)" },
	{ ENODEV, "there is no such device, or it vanished",
	  "see what there is: ptxctl list -a" },
	{ EBUSY, "something stands in the way", "find out what: ptxctl check" },
	{ EEXIST, "the lease name is taken, or a device is named twice", "" },
	{ ENOENT, "there is no such lease or member", "see what there is: ptxctl leases" },
	{ ESHUTDOWN, "the lease is draining or released, or the host is going down", "" },
	{ ESRCH, "there is no such process any more", "" },
	{ ETIMEDOUT, "it was not finished in time; the kernel goes on by itself",
	  "watch it end: ptxctl monitor" },
	{ EINTR, "a signal ended the wait; the kernel goes on by itself", "" },
	{ EIO, "a driver failed", "the kernel log says why: dmesg" },
	{ ENOMEM, "out of memory; nothing was changed", "free some memory and try again" },
};

static const struct reason_rule *rule_of(enum ptx_reason reason)
{
	unsigned int i = reason;

	if (i >= PTX_ARRAY_SIZE(reason_rules) || !reason_rules[i].name)
		return NULL;
	return &reason_rules[i];
}

const char *ptx_reason_name(enum ptx_reason reason)
{
	const struct reason_rule *rule = rule_of(reason);

	return rule ? rule->name : "unknown";
}

const char *ptx_reason_text(enum ptx_reason reason)
{
	const struct reason_rule *rule = rule_of(reason);

	return rule ? rule->text : "the module gives a reason that this program does not know";
}

const char *ptx_reason_remedy(enum ptx_reason reason, const char *culprit,
			      char *buf, size_t size)
{
	const struct reason_rule *rule = rule_of(reason);
	const char *from = rule ? rule->remedy : "";
	size_t used = 0;

	if (!size)
		return buf;
	if (!culprit || !*culprit)
		culprit = "DEVICE";
	while (*from && used + 1 < size) {
		if (!strncmp(from, "{device}", 8)) {
			size_t n = strlen(culprit);

			if (n > size - used - 1)
				n = size - used - 1;
			memcpy(buf + used, culprit, n);
			used += n;
			from += 8;
		} else {
			buf[used++] = *from++;
		}
	}
	buf[used] = '\0';
	return buf;
}

int ptx_error_errno(const struct ptx_error *err)
{
	return err->err;
}

enum ptx_reason ptx_error_reason(const struct ptx_error *err)
{
	return err->reason;
}

bool ptx_error_no_module(const struct ptx_error *err)
{
	return err->no_module;
}

bool ptx_error_malformed(const struct ptx_error *err)
{
	return err->malformed;
}

const char *ptx_error_culprit(const struct ptx_error *err)
{
	return err->culprit;
}

const char *ptx_error_message(const struct ptx_error *err)
{
	return err->message;
}

const char *ptx_error_remedy(const struct ptx_error *err)
{
	return err->remedy;
}

size_t ptx_error_nr_blockers(const struct ptx_error *err)
{
	return err->nr_blockers;
}

const struct ptx_blocker *ptx_error_blocker(const struct ptx_error *err, size_t i)
{
	return i < err->nr_blockers ? &err->blockers[i] : NULL;
}

void ptx_error_clear(struct ptx_error *err)
{
	free(err->blockers);
	memset(err, 0, sizeof(*err));
}

static void begin(struct ptx_error *e, int err, enum ptx_reason reason,
		  const char *culprit)
{
	ptx_error_clear(e);
	e->err = err;
	e->reason = reason;
	snprintf(e->culprit, sizeof(e->culprit), "%s", culprit ? culprit : "");
	if (reason != PTX_REASON_NONE) {
		ptx_reason_remedy(reason, culprit, e->remedy, sizeof(e->remedy));
		return;
	}
	for (size_t i = 0; i < PTX_ARRAY_SIZE(errno_rules); i++) {
		if (errno_rules[i].err == err) {
			snprintf(e->remedy, sizeof(e->remedy), "%s", errno_rules[i].remedy);
			return;
		}
	}
}

/* Words from the tables. @reason may be PTX_REASON_NONE, @culprit may be NULL. */
int ptx_error_set(struct ptx_ctx *ctx, int err, enum ptx_reason reason,
		  const char *culprit)
{
	struct ptx_error *e = &ctx->error;
	const char *text = NULL;

	begin(e, err, reason, culprit);
	if (reason != PTX_REASON_NONE)
		text = ptx_reason_text(reason);
	for (size_t i = 0; !text && i < PTX_ARRAY_SIZE(errno_rules); i++) {
		if (errno_rules[i].err == err)
			text = errno_rules[i].text;
	}
	if (!text)
		text = strerrordesc_np(err);
	if (!text)
		text = "unknown error";
	if (*e->culprit)
		snprintf(e->message, sizeof(e->message), "%s: %s", e->culprit, text);
	else
		snprintf(e->message, sizeof(e->message), "%s", text);
	return -err;
}

int ptx_error_setf(struct ptx_ctx *ctx, int err, enum ptx_reason reason,
		   const char *culprit, const char *fmt, ...)
{
	struct ptx_error *e = &ctx->error;
	va_list ap;

	begin(e, err, reason, culprit);
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	return -err;
}

int ptx_error_malformed_setf(struct ptx_ctx *ctx, enum ptx_reason reason,
			     const char *remedy, const char *fmt, ...)
{
	struct ptx_error *e = &ctx->error;
	va_list ap;

	begin(e, EINVAL, reason, NULL);
	e->malformed = true;
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	snprintf(e->remedy, sizeof(e->remedy), "%s", remedy);
	return -EINVAL;
}

int ptx_error_no_module_set(struct ptx_ctx *ctx, int err, const char *message,
			    const char *remedy)
{
	struct ptx_error *e = &ctx->error;

	begin(e, err, PTX_REASON_NONE, NULL);
	e->no_module = true;
	snprintf(e->message, sizeof(e->message), "%s", message);
	snprintf(e->remedy, sizeof(e->remedy), "%s", remedy);
	return -err;
}

int ptx_error_no_memory(struct ptx_ctx *ctx)
{
	return ptx_error_setf(ctx, ENOMEM, PTX_REASON_NONE, NULL, "out of memory");
}

/* The module is older than DMA spaces. */
int ptx_error_no_spaces(struct ptx_ctx *ctx, int err)
{
	ptx_error_setf(ctx, err, PTX_REASON_NO_SPACE, NULL,
		       "this ptx module is older than DMA spaces");
	ptx_error_set_remedy(ctx, "load the ptx module of the same version as this program, or do "
			     "without a space");
	return -err;
}

/*
 * Is it the kernel's own words for an attribute that it does not know? There is no reason
 * with them, as the module has not been asked.
 */
bool ptx_error_is_unknown_attr(const struct ptx_ctx *ctx)
{
	const struct ptx_error *e = &ctx->error;

	return e->err == EINVAL && e->reason == PTX_REASON_NONE &&
	       (strstr(e->message, "Unknown attribute type") ||
		strstr(e->message, "Unsupported attribute"));
}

/*
 * An error that is about the lease itself, and not about a device in it, says
 * which one.
 */
void ptx_error_name_lease(struct ptx_ctx *ctx, const struct ptx_lease_ref *ref)
{
	struct ptx_error *e = &ctx->error;
	char text[sizeof(e->message)];

	if (e->reason != PTX_REASON_NO_LEASE && e->reason != PTX_REASON_NAME_TAKEN &&
	    e->reason != PTX_REASON_NOT_ACTIVE)
		return;
	memcpy(text, e->message, sizeof(text));
	if (ref->id)
		snprintf(e->message, sizeof(e->message), "lease %llu: %.900s",
			 (unsigned long long)ref->id, text);
	else
		snprintf(e->message, sizeof(e->message), "lease '%.*s': %.900s",
			 PTX_LEASE_NAME_MAX, ref->name, text);
}

void ptx_error_set_remedy(struct ptx_ctx *ctx, const char *remedy)
{
	snprintf(ctx->error.remedy, sizeof(ctx->error.remedy), "%s", remedy);
}

/* Best effort: an error that cannot be made longer stays as it is. */
void ptx_error_add_blocker(struct ptx_ctx *ctx, const struct ptx_blocker *blocker)
{
	struct ptx_error *e = &ctx->error;

	for (size_t i = 0; i < e->nr_blockers; i++) {
		if (e->blockers[i].reason == blocker->reason &&
		    !strcmp(e->blockers[i].culprit, blocker->culprit) &&
		    !strcmp(e->blockers[i].holder, blocker->holder))
			return;
	}
	if (!ptx_grow(&e->blockers, e->nr_blockers, sizeof(*e->blockers)))
		return;
	e->blockers[e->nr_blockers] = *blocker;
	e->blockers[e->nr_blockers].culprit[PTX_DEVICE_NAME_SIZE - 1] = '\0';
	e->blockers[e->nr_blockers].holder[PTX_DEVICE_NAME_SIZE - 1] = '\0';
	e->nr_blockers++;
}
