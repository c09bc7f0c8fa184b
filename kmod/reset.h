/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_RESET_H
#define PTX_RESET_H

#include <linux/pci.h>
#include <linux/types.h>

/*
 * The PCI core's numbering of reset methods, the order of its table
 * pci_reset_fn_methods since 5.15; cxl_bus joined in 6.11. Their names are those
 * of the reset_method attribute, against which the tests compare.
 */
enum ptx_reset_method {
	PTX_RESET_DEVICE_SPECIFIC = 1,
	PTX_RESET_ACPI,
	PTX_RESET_FLR,
	PTX_RESET_AF_FLR,
	PTX_RESET_PM,
	PTX_RESET_BUS,
	PTX_RESET_CXL_BUS,
	PTX_RESET_METHODS,

	/* Rungs of our own above: the power of the port, and to be found anew. */
	PTX_RESET_D3COLD = PTX_RESET_METHODS,
	PTX_RESET_RESCAN,
	PTX_RESET_RUNGS
};

/* What a function that retries requests reads as vendor, with the rest ones. */
#define PTX_CRS_VENDOR		0x0001

/* And the whole bus, whose ban is that of PTX_RESET_BUS. */
#define PTX_RESET_WHOLE_BUS	0

/**
 * enum ptx_ready - how a device shows that it is well
 * @PTX_READY_GENERIC: its configuration space is as it was
 * @PTX_READY_NVME: and CAP and CSTS can be read
 * @PTX_READY_NVIDIA: and so can PMC_BOOT_0
 */
enum ptx_ready {
	PTX_READY_GENERIC,
	PTX_READY_NVME,
	PTX_READY_NVIDIA,
};

/**
 * struct ptx_reset_plan - how one device is to be reset: all rules that fit it
 * @banned: methods that do harm or nothing, bits BIT(enum ptx_reset_method)
 * @before_ms: wait before a reset
 * @after_ms: wait after it, before the first look
 * @ready_ms: how long it may take until it is well, from then on
 * @ready: how it shows that
 * @hopeless: no reset is known to work; it is never given back
 * @awake: it does not come back from D3
 * @first: the method to try before others; 0 for the host's own order
 * @keeps_memory: what a tenant wrote into its memory outlives a reset
 * @memory_bars: bits of the BARs that are all of that memory; 0 where none shows it
 */
struct ptx_reset_plan {
	u32 banned;
	u32 before_ms;
	u32 after_ms;
	u32 ready_ms;
	enum ptx_ready ready;
	bool hopeless;
	bool awake;
	u32 first;
	bool keeps_memory;
	u8 memory_bars;
};

/**
 * struct ptx_reset_ids - what rules look at
 * @class: 24-bit class code
 * @vendor: PCI vendor id
 * @device: PCI device id
 * @physfn: it has virtual functions
 * @root_bus: it sits on a root bus
 */
struct ptx_reset_ids {
	u32 class;
	u16 vendor;
	u16 device;
	bool physfn;
	bool root_bus;
};

void ptx_reset_plan_by_ids(const struct ptx_reset_ids *ids,
			   struct ptx_reset_plan *plan);
void ptx_reset_plan(struct pci_dev *pdev, struct ptx_reset_plan *plan);
void ptx_reset_permitted(const struct ptx_reset_plan *plan, const u8 *methods,
			 u8 *permitted);

/* Registers that a reset must bring back: BARs, and what they mean. */
#define PTX_RESET_BARS	6

/**
 * struct ptx_reset_face - what a device looks like when it is well
 * @known: it could be seen
 * @id: vendor and device id, as one register
 * @revision: revision and class
 * @bars: as in configuration space
 */
struct ptx_reset_face {
	bool known;
	u32 id;
	u32 revision;
	u32 bars[PTX_RESET_BARS];
};

struct ptx_member;
struct ptx_step;

/* The step of a claim that ptx_reset_narrow() enters. */
extern const struct ptx_step ptx_reset_step;

int ptx_reset_narrow(struct ptx_member *member);
int ptx_reset_learn(struct ptx_member *member);
int ptx_reset_first(struct ptx_member *member);

#endif
