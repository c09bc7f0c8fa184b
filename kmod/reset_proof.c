// SPDX-License-Identifier: GPL-2.0-only
/*
 * Proof that a device is well: it answers, it looks as it did, and its class says that it
 * is ready. Reads configuration space and a few registers, and changes nothing for good.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "lease.h"
#include "reset.h"
#include "reset_proof.h"

#define PTX_RESET_POLL_MIN_MS	1
#define PTX_RESET_POLL_MAX_MS	100

/* NVM Express base specification: controller capabilities and status. */
#define PTX_NVME_CAP		0x00
#define PTX_NVME_CSTS		0x1c
#define PTX_NVME_CSTS_CFS	BIT(1)

/*
 * NVIDIA's chip identification, in BAR 0. While the chip boots behind its
 * firewall, reads come back as 0xbadfxxxx.
 */
#define PTX_NVIDIA_BOOT_0	0x00
#define PTX_NVIDIA_FIREWALL	0xbadf

/**
 * ptx_reset_answers() - does a device answer in configuration space
 * @pdev: the device; a virtual function has no ids of its own there
 *
 * Return: true if it does, and does not ask to be asked again.
 */
bool ptx_reset_answers(struct pci_dev *pdev)
{
	u32 value;

	pci_read_config_dword(pdev, pdev->is_virtfn ? PCI_COMMAND : PCI_VENDOR_ID,
			      &value);
	return !PCI_POSSIBLE_ERROR(value) &&
	       (pdev->is_virtfn || (value & 0xffff) != PTX_CRS_VENDOR);
}

/**
 * ptx_reset_look() - see what a device looks like
 * @pdev: the device, awake
 * @face: filled in; not known if the device does not answer
 */
void ptx_reset_look(struct pci_dev *pdev, struct ptx_reset_face *face)
{
	unsigned int i;

	memset(face, 0, sizeof(*face));
	face->known = ptx_reset_answers(pdev);
	pci_read_config_dword(pdev, PCI_VENDOR_ID, &face->id);
	pci_read_config_dword(pdev, PCI_CLASS_REVISION, &face->revision);
	for (i = 0; i < PTX_RESET_BARS; i++)
		pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * i,
				      &face->bars[i]);
}

static bool ptx_reset_is_ready(struct pci_dev *pdev, enum ptx_ready ready,
			       void __iomem *regs)
{
	u32 value;

	switch (ready) {
	case PTX_READY_NVME:
		value = readl(regs + PTX_NVME_CSTS);
		return readl(regs + PTX_NVME_CAP) != ~0U && value != ~0U &&
		       !(value & PTX_NVME_CSTS_CFS);
	case PTX_READY_NVIDIA:
		value = readl(regs + PTX_NVIDIA_BOOT_0);
		return value != ~0U && value >> 16 != PTX_NVIDIA_FIREWALL;
	default:
		return true;
	}
}

/**
 * ptx_reset_leaves() - is it on its way off the bus, or off it
 * @member: the device
 *
 * Return: true if it is.
 */
bool ptx_reset_leaves(const struct ptx_member *member)
{
	return READ_ONCE(member->gone) || READ_ONCE(member->leaving);
}

/**
 * ptx_reset_is_over() - will it not answer any more
 * @member: the device
 *
 * Return: true if it will not.
 */
bool ptx_reset_is_over(const struct ptx_member *member)
{
	return ptx_reset_leaves(member) || pci_dev_is_disconnected(member->pdev);
}

/*
 * Asks again and again, less and less often, until @ask is true, it is late, or
 * the device will not answer any more.
 */
#define ptx_reset_wait(member, ask, deadline) ({			\
	unsigned int ms_ = PTX_RESET_POLL_MIN_MS;			\
	bool is_;							\
									\
	while (!(is_ = (ask)) && !ptx_reset_is_over(member) &&		\
	       ktime_before(ktime_get(), deadline)) {			\
		msleep(ms_);						\
		ms_ = min(2 * ms_, PTX_RESET_POLL_MAX_MS);		\
	}								\
	is_;								\
})

/**
 * ptx_reset_await() - wait until a device answers
 * @member: the device
 * @deadline: how long
 *
 * Return: true if it does.
 */
bool ptx_reset_await(struct ptx_member *member, ktime_t deadline)
{
	return ptx_reset_wait(member, ptx_reset_answers(member->pdev), deadline);
}

static int ptx_reset_prove_class(struct ptx_member *member,
				 const struct ptx_reset_plan *plan,
				 void __iomem *regs, ktime_t deadline)
{
	struct pci_dev *pdev = member->pdev;
	u16 command;
	bool ready;

	if (plan->ready == PTX_READY_GENERIC || pdev->is_virtfn)
		return 0;
	if (!regs)
		return -ENXIO;
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_write_config_word(pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	ready = ptx_reset_wait(member, ptx_reset_is_ready(pdev, plan->ready, regs),
			       deadline);
	pci_write_config_word(pdev, PCI_COMMAND, command);
	return ready ? 0 : -ETIMEDOUT;
}

/**
 * ptx_reset_prove() - is a device well
 * @member: the device, awake, with no driver
 * @plan: how long to wait, and what for
 * @face: what it looked like before, if that is known
 * @regs: the registers of its class, or NULL
 *
 * Return: 0; -ENODEV if it does not answer, -EIO if it looks different,
 * -ETIMEDOUT or -ENXIO if its class is not ready.
 */
int ptx_reset_prove(struct ptx_member *member, const struct ptx_reset_plan *plan,
		    const struct ptx_reset_face *face, void __iomem *regs)
{
	struct pci_dev *pdev = member->pdev;
	ktime_t deadline = ktime_add_ms(ktime_get(), plan->ready_ms);
	struct ptx_reset_face now;

	if (!ptx_reset_await(member, deadline))
		return -ENODEV;
	if (face->known) {
		ptx_reset_look(pdev, &now);
		if (memcmp(face, &now, sizeof(now)))
			return -EIO;
	}
	return ptx_reset_prove_class(member, plan, regs, deadline);
}

/* What the host has given to a BAR, and what the device has taken. */
static bool ptx_reset_has_bar(struct pci_dev *pdev, unsigned int bar)
{
	const struct resource *res = &pdev->resource[bar];
	u32 low, high = 0, mask = res->flags & IORESOURCE_IO ?
		(u32)PCI_BASE_ADDRESS_IO_MASK : (u32)PCI_BASE_ADDRESS_MEM_MASK;
	struct pci_bus_region region;

	if (!pci_resource_len(pdev, bar) || res->flags & IORESOURCE_PCI_FIXED)
		return true;
	if (!res->parent)
		return false;
	pcibios_resource_to_bus(pdev->bus, &region, pci_resource_n(pdev, bar));
	pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * bar, &low);
	if (res->flags & IORESOURCE_MEM_64)
		pci_read_config_dword(pdev, PCI_BASE_ADDRESS_0 + 4 * bar + 4, &high);
	return (low & mask) == lower_32_bits(region.start) &&
	       (!(res->flags & IORESOURCE_MEM_64) || high == upper_32_bits(region.start));
}

/**
 * ptx_reset_has_bars() - has a device got its BARs
 * @pdev: the device
 * @before: what it was, with BARs of the kind and as large
 *
 * Return: true if it has.
 */
bool ptx_reset_has_bars(struct pci_dev *pdev, struct pci_dev *before)
{
	unsigned int i;

	for (i = 0; i < PCI_STD_NUM_BARS; i++)
		if (pci_resource_len(pdev, i) != pci_resource_len(before, i) ||
		    (pci_resource_flags(pdev, i) ^ pci_resource_flags(before, i)) &
		    (IORESOURCE_IO | IORESOURCE_MEM) || !ptx_reset_has_bar(pdev, i))
			return false;
	return true;
}
