/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_SRIOV_H
#define PTX_SRIOV_H

#include <linux/types.h>

struct pci_dev;
struct ptx_add;
struct ptx_claim;
struct ptx_pf;
struct ptx_vf_entry;

/* What a request says instead of an address: any spare virtual function of this one. */
#define PTX_SRIOV_PREFIX	"vf:"

bool ptx_sriov_is_name(const char *name);
struct pci_dev *ptx_sriov_take(struct ptx_add *add, const char *name,
			       unsigned long deadline, struct ptx_vf_entry **entry);
void ptx_sriov_drop(struct ptx_vf_entry *entry, unsigned long deadline);
void ptx_sriov_enter(struct ptx_claim *claim, struct ptx_vf_entry *entry);
void ptx_sriov_put(struct ptx_claim *claim);
struct ptx_pf *ptx_sriov_pf(struct ptx_claim *claim);
void ptx_sriov_wait(struct ptx_pf *pf, unsigned long deadline);
int ptx_sriov_init(void);
void ptx_sriov_exit(void);

#endif
