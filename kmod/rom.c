// SPDX-License-Identifier: GPL-2.0-only
/*
 * Option ROMs: what a guest would run of a device before anything of its own, and
 * what a former tenant may have left there.
 *
 * A ROM is only looked at when a request says which ones it allows: reading one takes
 * long, and a device may not answer otherwise meanwhile. It is read when no driver has
 * the device, as sysfs would give it out: the images that its headers tell of. What a
 * header hides, nobody runs.
 */
#include <crypto/sha2.h>
#include <linux/io.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "catalog.h"
#include "lease.h"
#include "rom.h"

/* Larger than any that there is: PCI Firmware counts an image in 16 bits of 512 bytes. */
#define PTX_ROM_SIZE_MAX	(64U << 20)

/* What was read last of each device, by ptx_device_key(). */
struct ptx_rom_seen {
	struct rcu_head rcu;
	struct ptx_rom rom;
};

static DEFINE_XARRAY(ptx_rom_history);

/**
 * ptx_rom_expect() - a claim's devices may only have certain ROMs
 * @claim: not begun yet
 * @add: the request that it is for
 *
 * Return: 0 or -ENOMEM.
 */
int ptx_rom_expect(struct ptx_claim *claim, const struct ptx_add *add)
{
	if (!add->roms || claim->roms)
		return 0;
	claim->roms = kmemdup(add->roms, struct_size(add->roms, rom, add->roms->nr),
			      GFP_KERNEL);
	return claim->roms ? 0 : -ENOMEM;
}

static bool ptx_rom_has(struct pci_dev *pdev)
{
	return pci_resource_len(pdev, PCI_ROM_RESOURCE);
}

/**
 * ptx_rom_is_there() - has any device that a request names a ROM
 * @add: the request, its claims made
 *
 * Return: true if one has, and if the request does not ask.
 */
bool ptx_rom_is_there(const struct ptx_add *add)
{
	struct ptx_member *member;
	bool there = !add->roms;
	u32 i;

	for (i = 0; i < add->nr_claims; i++)
		ptx_for_each_member(member, add->claims[i])
			there |= member->requested && member->pdev &&
				 ptx_rom_has(member->pdev);
	return there;
}

/* -ENODATA when there is none that a guest could run. */
static int ptx_rom_read(struct pci_dev *pdev, struct ptx_rom *rom)
{
	void __iomem *from;
	int ret = -ENODATA;
	size_t size;
	u16 command;
	u8 *data;

	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_write_config_word(pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	from = pci_map_rom(pdev, &size);
	if (from && size <= PTX_ROM_SIZE_MAX) {
		data = kvmalloc(size, GFP_KERNEL);
		if (data) {
			memcpy_fromio(data, from, size);
			sha256(data, size, rom->sha256);
		}
		ret = data ? 0 : -ENOMEM;
		kvfree(data);
	}
	if (from)
		pci_unmap_rom(pdev, from);
	pci_write_config_word(pdev, PCI_COMMAND, command);
	return ret;
}

static void ptx_rom_remember(struct pci_dev *pdev, struct ptx_rom_seen *seen)
{
	struct ptx_rom_seen *before;

	before = xa_store(&ptx_rom_history, ptx_device_key(pdev), seen, GFP_KERNEL);
	if (xa_is_err(before))
		kfree(seen);
	else if (before)
		kfree_rcu(before, rcu);
}

/**
 * ptx_rom_check() - see that a device has a ROM that its request allows
 * @member: claimed, with no driver
 *
 * A step of its claim, with nothing to undo. Devices that the request does not name,
 * and those without a ROM, may pass.
 *
 * Return: 0; -EBADMSG, with a fault; -ENOMEM.
 */
int ptx_rom_check(struct ptx_member *member)
{
	struct ptx_claim *claim = member->claim;
	struct pci_dev *pdev = member->pdev;
	struct ptx_rom_seen *seen;
	bool allowed = false;
	int ret;
	u32 i;

	if (!claim->roms || !member->requested || !ptx_rom_has(pdev))
		return 0;
	seen = kzalloc(sizeof(*seen), GFP_KERNEL);
	if (!seen)
		return -ENOMEM;
	pm_runtime_get_sync(&pdev->dev);
	/* Mapping the ROM of one that has left would give it an address once more. */
	device_lock(&pdev->dev);
	ret = READ_ONCE(member->leaving) ? -ENODATA : ptx_rom_read(pdev, &seen->rom);
	device_unlock(&pdev->dev);
	pm_runtime_put(&pdev->dev);
	if (ret == -ENOMEM) {
		kfree(seen);
		return ret;
	}
	for (i = 0; !ret && i < claim->roms->nr; i++)
		allowed |= !memcmp(&claim->roms->rom[i], &seen->rom, sizeof(seen->rom));
	if (ret)
		kfree(seen);
	else
		ptx_rom_remember(pdev, seen);
	if (allowed)
		return 0;
	claim->fault.reason = PTX_REASON_ROM;
	strscpy(claim->fault.culprit, pci_name(pdev));
	return -EBADMSG;
}

/**
 * ptx_rom_learn() - look at the ROM of a device that nobody uses, once
 * @pdev: the device
 *
 * One that has a driver, or that somebody has leased, is left alone: some devices do
 * not answer otherwise while their ROM is read.
 */
void ptx_rom_learn(struct pci_dev *pdev)
{
	struct ptx_rom_seen *seen;
	struct ptx_member *member;

	if (!ptx_rom_has(pdev) || xa_load(&ptx_rom_history, ptx_device_key(pdev)))
		return;
	seen = kzalloc(sizeof(*seen), GFP_KERNEL);
	/* Whoever holds the lock is binding a driver. */
	if (!seen || !device_trylock(&pdev->dev)) {
		kfree(seen);
		return;
	}
	member = ptx_member_get(pdev);
	if (!member && !pdev->dev.driver && device_is_registered(&pdev->dev)) {
		pm_runtime_get_sync(&pdev->dev);
		if (!ptx_rom_read(pdev, &seen->rom)) {
			ptx_rom_remember(pdev, seen);
			seen = NULL;
		}
		pm_runtime_put(&pdev->dev);
	}
	if (member)
		ptx_member_put(member);
	device_unlock(&pdev->dev);
	kfree(seen);
}

/**
 * ptx_rom_last() - say what ROM a device had when that was last looked at
 * @pdev: the device
 * @rom: filled in
 *
 * Return: true if it ever was.
 */
bool ptx_rom_last(struct pci_dev *pdev, struct ptx_rom *rom)
{
	struct ptx_rom_seen *seen;

	rcu_read_lock();
	seen = xa_load(&ptx_rom_history, ptx_device_key(pdev));
	if (seen)
		*rom = seen->rom;
	rcu_read_unlock();
	return seen;
}

/**
 * ptx_rom_forget() - a device left the bus
 * @pdev: the device
 */
void ptx_rom_forget(struct pci_dev *pdev)
{
	struct ptx_rom_seen *seen = xa_erase(&ptx_rom_history, ptx_device_key(pdev));

	if (seen)
		kfree_rcu(seen, rcu);
}

/* Nobody looks at anything any more. */
void ptx_rom_exit(void)
{
	struct ptx_rom_seen *seen;
	unsigned long key;

	xa_for_each(&ptx_rom_history, key, seen)
		kfree(seen);
	xa_destroy(&ptx_rom_history);
}
