// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clearing the memory of a device between tenants, where its rule knows that a reset
 * leaves it as it is, and through which BARs it is seen.
 *
 * All of it is written, then a word of each page is read, so that a device that does
 * not take it is noticed. It costs what the BAR costs to write: some gigabytes in a
 * second, and a read for each page.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/sizes.h>

#include "lease.h"
#include "reset.h"
#include "scrub.h"

/* Mapped at a time: what a mapping needs of the host's own memory stays small. */
#define PTX_SCRUB_CHUNK		SZ_4M

/* A mapping needs some memory all the same. Should there be none, waiting helps. */
#define PTX_SCRUB_TRIES		100
#define PTX_SCRUB_WAIT_MS	10

static void __iomem *ptx_scrub_map(phys_addr_t at, size_t size)
{
	void __iomem *mem;
	int tries;

	for (tries = 0; tries < PTX_SCRUB_TRIES; tries++) {
		mem = ioremap_wc(at, size);
		if (mem)
			return mem;
		msleep(PTX_SCRUB_WAIT_MS);
	}
	return NULL;
}

static int ptx_scrub_write(void __iomem *mem, size_t size)
{
	memset_io(mem, 0, size);
	/* Out of the buffers that combine writes, before it is unmapped. */
	wmb();
	return 0;
}

static int ptx_scrub_read(void __iomem *mem, size_t size)
{
	size_t at;

	for (at = 0; at < size; at += SZ_4K)
		if (readl(mem + at))
			return -EIO;
	return 0;
}

/*
 * A piece of a BAR. Where that is can change only under the device's lock, as when it is
 * taken off the bus; and so does a reset of its bus, in which writes would be lost.
 */
static int ptx_scrub_chunk(struct ptx_member *member, int bar, u64 at, size_t size,
			   int (*todo)(void __iomem *mem, size_t size))
{
	struct pci_dev *pdev = member->pdev;
	void __iomem *mem;
	int ret;

	device_lock(&pdev->dev);
	if (READ_ONCE(member->leaving) || pci_dev_is_disconnected(pdev)) {
		ret = -ENODEV;
	} else if (!(pci_resource_flags(pdev, bar) & IORESOURCE_MEM) ||
		   !pdev->resource[bar].parent || at + size > pci_resource_len(pdev, bar)) {
		ret = -ENXIO;
	} else {
		mem = ptx_scrub_map(pci_resource_start(pdev, bar) + at, size);
		ret = mem ? todo(mem, size) : -ENOMEM;
		if (mem)
			iounmap(mem);
	}
	device_unlock(&pdev->dev);
	return ret;
}

/* All of a BAR, which has to be there. */
static int ptx_scrub_bar(struct ptx_member *member, int bar,
			 int (*todo)(void __iomem *mem, size_t size))
{
	u64 len = pci_resource_len(member->pdev, bar), at = 0;
	int ret;

	do {
		size_t size = min_t(u64, len - at, PTX_SCRUB_CHUNK);

		ret = ptx_scrub_chunk(member, bar, at, size, todo);
		at += size;
		cond_resched();
	} while (!ret && at < len);
	return ret;
}

/**
 * ptx_scrub_is_vain() - can what a device keeps not be cleared
 * @plan: what its rules say
 *
 * Return: true if it keeps something that no BAR shows.
 */
bool ptx_scrub_is_vain(const struct ptx_reset_plan *plan)
{
	return plan->keeps_memory && !plan->memory_bars;
}

/**
 * ptx_scrub() - clear what a device keeps
 * @member: awake, with no driver, proven well; its journal belongs to the caller
 * @plan: what its rules say
 *
 * May take seconds. Needs little memory, and waits for it.
 *
 * Return: 0, also where there is nothing to clear; -EIO if it did not take it, -ENXIO if
 * the BAR has no address, -ENODEV if it leaves the bus, -ENOMEM.
 */
int ptx_scrub(struct ptx_member *member, const struct ptx_reset_plan *plan)
{
	static int (*const todo[])(void __iomem *mem, size_t size) = {
		ptx_scrub_write, ptx_scrub_read,
	};
	struct pci_dev *pdev = member->pdev;
	unsigned int i, bar;
	u16 command;
	int ret = 0;

	if (!plan->memory_bars)
		return 0;
	ptx_journal_at(&member->claim->journal, "clearing its memory");
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_write_config_word(pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	for (i = 0; i < ARRAY_SIZE(todo); i++)
		for (bar = 0; bar < PCI_STD_NUM_BARS && !ret; bar++)
			if (plan->memory_bars & BIT(bar))
				ret = ptx_scrub_bar(member, bar, todo[i]);
	pci_write_config_word(pdev, PCI_COMMAND, command);
	if (ret)
		pci_err(pdev, "its memory could not be cleared (%d)\n", ret);
	return ret;
}
