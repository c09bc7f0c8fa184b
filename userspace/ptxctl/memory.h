/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory: will the memory of a VM be there, and may it be locked and mapped?
 */
#ifndef PTXCTL_MEMORY_H
#define PTXCTL_MEMORY_H

#include <stdint.h>

struct findings;
struct ptx_lease_info;
struct right;

void memory_check(uint64_t memory, struct findings *f);
void memory_check_grants(uint64_t memory, const struct right *right, struct findings *f);
void memory_check_lease(uint64_t memory, const struct ptx_lease_info *info, struct findings *f);

#endif /* PTXCTL_MEMORY_H */
