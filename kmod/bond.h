/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_BOND_H
#define PTX_BOND_H

struct file;
struct ptx_bond;

int ptx_bond_tie(struct ptx_bond *bond, struct file *pidfd);
void ptx_bond_untie(struct ptx_bond *bond);

#endif
