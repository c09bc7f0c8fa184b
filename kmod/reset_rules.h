/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How families of devices want to be reset, or must not be. Data, and nothing
 * else; reset_plan.c reads it, all rows that fit a device together.
 *
 * Where a row names quirks.c, the kernel has the same in drivers/pci/quirks.c
 * in one of the versions we run on, and the row carries it to the others.
 */
#ifndef PTX_RESET_RULES_H
#define PTX_RESET_RULES_H

#include <linux/bits.h>
#include <linux/pci_ids.h>

#include "reset.h"

/**
 * struct ptx_reset_rule - a family and its ways
 * @what: for the reader
 * @vendor: PCI vendor id; 0 for any
 * @first: first device id; 0 with @last 0 for any
 * @last: last device id; 0 for @first alone
 * @class: class code, under @mask
 * @mask: 0 for any class
 * @physfn: only functions that have virtual ones
 * @behind_bridge: only where it does not sit on a root bus
 * @plan: what follows
 */
struct ptx_reset_rule {
	const char *what;
	u16 vendor;
	u16 first;
	u16 last;
	u32 class;
	u32 mask;
	bool physfn;
	bool behind_bridge;
	struct ptx_reset_plan plan;
};

#define PTX_BAN_BUS	(BIT(PTX_RESET_BUS) | BIT(PTX_RESET_CXL_BUS))
#define PTX_BAN_FLR	(BIT(PTX_RESET_FLR) | BIT(PTX_RESET_AF_FLR))
#define PTX_BAN_ALL	GENMASK(PTX_RESET_RUNGS - 1, PTX_RESET_DEVICE_SPECIFIC)

#define PTX_CLASS_DISPLAY	.class = 0x030000, .mask = 0xff0000
#define PTX_CLASS_NVME		.class = 0x010802, .mask = 0xffffff
#define PTX_CLASS_HDA		.class = 0x040300, .mask = 0xffff00

static const struct ptx_reset_rule ptx_reset_rules[] = {
	/* NVM Express base specification: CAP and CSTS read all ones when it is gone. */
	{ .what = "NVMe", PTX_CLASS_NVME,
	  .plan = { .ready = PTX_READY_NVME, .ready_ms = 60000 } },

	/* Field reports on vendor-reset and AMD's tracker. */
	{ .what = "AMD Polaris 10", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x67c0, .last = 0x67df, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "AMD Polaris 11", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x67e0, .last = 0x67ff, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "AMD Polaris 12", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x6980, .last = 0x699f, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "AMD Vega 10", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x6860, .last = 0x687f, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "AMD Vega 20", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x66a0, .last = 0x66af,
	  .plan = { .banned = PTX_BAN_BUS, .after_ms = 500 } },
	{ .what = "AMD MI100", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x7388, .last = 0x738e,
	  .plan = { .banned = PTX_BAN_BUS, .after_ms = 500 } },
	{ .what = "AMD Navi 10, 12", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x7310, .last = 0x731f, .plan = { .after_ms = 500 } },
	{ .what = "AMD Navi 12", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x7360, .last = 0x7362, .plan = { .after_ms = 500 } },
	{ .what = "AMD Navi 14", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x7340, .last = 0x734f, .plan = { .after_ms = 500 } },
	/* And that vfio-pci's disable_idle_d3 lets them be used at all. */
	{ .what = "AMD Radeon 9070", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x7550, .last = 0x7551, .plan = { .hopeless = true, .awake = true } },
	{ .what = "AMD Radeon 9060", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x7590, .plan = { .hopeless = true, .awake = true } },
	{ .what = "AMD graphics behind a bridge: PM reset does nothing",
	  .vendor = PCI_VENDOR_ID_ATI, PTX_CLASS_DISPLAY, .behind_bridge = true,
	  .plan = { .banned = BIT(PTX_RESET_PM) } },
	/* It is lost until the host's next boot; so it is not reset, and keeps all. */
	{ .what = "AMD MI300X, physical function", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x74a1, .physfn = true,
	  .plan = { .banned = PTX_BAN_ALL, .keeps_memory = true } },
	{ .what = "AMD MI355X, physical function", .vendor = PCI_VENDOR_ID_ATI,
	  .first = 0x75a3, .physfn = true,
	  .plan = { .banned = PTX_BAN_ALL, .keeps_memory = true } },

	/* NVIDIA's open kernel modules: PMC_BOOT_0, and the times they allow. */
	{ .what = "NVIDIA", .vendor = PCI_VENDOR_ID_NVIDIA, PTX_CLASS_DISPLAY,
	  .plan = { .ready = PTX_READY_NVIDIA, .ready_ms = 5000 } },
	/*
	 * Maurice, Neumann, Heen, Francillon: Confidentiality Issues on a GPU in a
	 * Virtualized Environment (2014). Its BARs are windows that it moves itself.
	 */
	{ .what = "NVIDIA: memory", .vendor = PCI_VENDOR_ID_NVIDIA, PTX_CLASS_DISPLAY,
	  .plan = { .keeps_memory = true } },
	{ .what = "NVIDIA Blackwell", .vendor = PCI_VENDOR_ID_NVIDIA,
	  .first = 0x2900, .last = 0x2fff, PTX_CLASS_DISPLAY,
	  .plan = { .ready = PTX_READY_NVIDIA, .ready_ms = 15000 } },
	/* quirks.c: quirk_nvidia_no_bus_reset */
	{ .what = "NVIDIA 2340 to 237f", .vendor = PCI_VENDOR_ID_NVIDIA,
	  .first = 0x2340, .last = 0x237f, .plan = { .banned = PTX_BAN_BUS } },
	/* quirks.c: quirk_nvidia_hda, and the delay after D3hot */
	{ .what = "NVIDIA HD audio", .vendor = PCI_VENDOR_ID_NVIDIA, PTX_CLASS_HDA,
	  .plan = { .before_ms = 20 } },

	/* Field reports: the host hangs. */
	{ .what = "Intel HD Graphics 5912", .vendor = PCI_VENDOR_ID_INTEL,
	  .first = 0x5912, .plan = { .banned = PTX_BAN_FLR } },
	/* quirks.c: reset_ivb_igd */
	{ .what = "Intel Ivy Bridge graphics 0156", .vendor = PCI_VENDOR_ID_INTEL,
	  .first = 0x0156, .plan = { .first = PTX_RESET_DEVICE_SPECIFIC } },
	{ .what = "Intel Ivy Bridge graphics 0166", .vendor = PCI_VENDOR_ID_INTEL,
	  .first = 0x0166, .plan = { .first = PTX_RESET_DEVICE_SPECIFIC } },
	/* quirks.c: nvme_disable_and_flr */
	{ .what = "Samsung PM981, SM961", .vendor = PCI_VENDOR_ID_SAMSUNG,
	  .first = 0xa804, .plan = { .first = PTX_RESET_DEVICE_SPECIFIC } },
	/* quirks.c: delay_250ms_after_flr */
	{ .what = "Intel DC P3700", .vendor = PCI_VENDOR_ID_INTEL,
	  .first = 0x0953, .plan = { .after_ms = 250 } },
	{ .what = "Intel DC P4500", .vendor = PCI_VENDOR_ID_INTEL,
	  .first = 0x0a54, .plan = { .after_ms = 250 } },
	{ .what = "Solidigm P44 Pro", .vendor = PCI_VENDOR_ID_SOLIDIGM,
	  .first = 0xf1ac, .plan = { .after_ms = 250 } },
	/* quirks.c: quirk_no_flr */
	{ .what = "AMD Starship audio", .vendor = PCI_VENDOR_ID_AMD,
	  .first = 0x1487, .plan = { .banned = PTX_BAN_FLR } },
	{ .what = "AMD Starship USB", .vendor = PCI_VENDOR_ID_AMD,
	  .first = 0x148c, .plan = { .banned = PTX_BAN_FLR } },
	{ .what = "AMD Matisse USB", .vendor = PCI_VENDOR_ID_AMD,
	  .first = 0x149c, .plan = { .banned = PTX_BAN_FLR } },
	{ .what = "AMD FCH SATA", .vendor = PCI_VENDOR_ID_AMD,
	  .first = 0x7901, .plan = { .banned = PTX_BAN_FLR } },
	{ .what = "Intel 82579LM, 82579V", .vendor = PCI_VENDOR_ID_INTEL,
	  .first = 0x1502, .last = 0x1503, .plan = { .banned = PTX_BAN_FLR } },
	{ .what = "MediaTek MT7922", .vendor = PCI_VENDOR_ID_MEDIATEK,
	  .first = 0x0616, .plan = { .banned = PTX_BAN_FLR } },
	{ .what = "MediaTek MT7925", .vendor = PCI_VENDOR_ID_MEDIATEK,
	  .first = 0x7925, .plan = { .banned = PTX_BAN_FLR } },
	/* quirks.c: quirk_no_bus_reset */
	{ .what = "ASMedia ASM1164", .vendor = PCI_VENDOR_ID_ASMEDIA,
	  .first = 0x1164, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "TI KeyStone", .vendor = PCI_VENDOR_ID_TI,
	  .first = 0xb005, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "Atheros AR93xx", .vendor = PCI_VENDOR_ID_ATHEROS,
	  .first = 0x0030, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "Atheros AR94xx, AR95xx", .vendor = PCI_VENDOR_ID_ATHEROS,
	  .first = 0x0032, .last = 0x0034, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "Atheros QCA986x", .vendor = PCI_VENDOR_ID_ATHEROS,
	  .first = 0x003c, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "Atheros QCA6174", .vendor = PCI_VENDOR_ID_ATHEROS,
	  .first = 0x003e, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "Qualcomm WCN6855", .vendor = PCI_VENDOR_ID_QCOM,
	  .first = 0x1103, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "Qualcomm WCN7850", .vendor = PCI_VENDOR_ID_QCOM,
	  .first = 0x1107, .plan = { .banned = PTX_BAN_BUS } },
	{ .what = "Qualcomm SDX62", .vendor = PCI_VENDOR_ID_QCOM,
	  .first = 0x0308, .plan = { .banned = PTX_BAN_BUS } },
	/*
	 * QEMU, docs/specs/ivshmem-spec.rst: BAR 2 is memory that others may have, too.
	 * One who writes there while it is cleared keeps it in quarantine.
	 */
	{ .what = "ivshmem: memory", .vendor = PCI_VENDOR_ID_REDHAT_QUMRANET,
	  .first = 0x1110, .plan = { .keeps_memory = true, .memory_bars = BIT(2) } },
	{ .what = "Cavium a100", .vendor = PCI_VENDOR_ID_CAVIUM,
	  .first = 0xa100, .plan = { .banned = PTX_BAN_BUS } },
};

#endif
