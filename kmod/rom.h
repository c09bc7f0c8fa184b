/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_ROM_H
#define PTX_ROM_H

#include <linux/pci.h>
#include <uapi/linux/ptx.h>

struct ptx_add;
struct ptx_claim;
struct ptx_member;

/**
 * struct ptx_roms - the option ROMs that a request allows
 * @nr: how many; 0 allows any
 * @rom: their digests
 */
struct ptx_roms {
	u32 nr;
	struct ptx_rom rom[] __counted_by(nr);
};

int ptx_rom_expect(struct ptx_claim *claim, const struct ptx_add *add);
bool ptx_rom_is_there(const struct ptx_add *add);
int ptx_rom_check(struct ptx_member *member);
void ptx_rom_learn(struct pci_dev *pdev);
bool ptx_rom_last(struct pci_dev *pdev, struct ptx_rom *rom);
void ptx_rom_forget(struct pci_dev *pdev);
void ptx_rom_exit(void);

#endif
