/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_BUS_H
#define PTX_BUS_H

#include <linux/list.h>

struct pci_dev;
struct ptx_claim;
struct vfio_device;

/**
 * struct ptx_bus_hold - what is on a bus, but for the claim that resets it
 * @claims: of struct ptx_claim, by rest.node, each with a reference
 * @set: a device whose VFIO device set is locked, so that none in it is opened; NULL
 *	when none of them has a driver
 */
struct ptx_bus_hold {
	struct list_head claims;
	struct vfio_device *set;
};

void ptx_bus_rest(struct ptx_claim *claim);
void ptx_bus_want(struct ptx_claim *claim);
void ptx_bus_done(struct ptx_claim *claim);
void ptx_bus_move(struct ptx_claim *claim);
int ptx_bus_hold(struct ptx_claim *claim, struct pci_dev *pdev,
		 struct ptx_bus_hold *hold);
void ptx_bus_wake(struct ptx_claim *claim, struct ptx_bus_hold *hold, bool wake);
void ptx_bus_open(struct ptx_bus_hold *hold);
bool ptx_bus_stay(struct ptx_claim *claim, struct ptx_bus_hold *hold);
void ptx_bus_unstay(struct ptx_claim *claim, struct ptx_bus_hold *hold);
void ptx_bus_wait_to_leave(struct ptx_claim *claim);
void ptx_bus_freeze(struct ptx_claim *claim);
void ptx_bus_thaw(struct ptx_claim *claim);
void ptx_bus_release(struct ptx_claim *claim, struct ptx_bus_hold *hold);

#endif
