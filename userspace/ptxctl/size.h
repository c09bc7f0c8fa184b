/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * size: amounts of memory and addresses, as people write them.
 */
#ifndef PTXCTL_SIZE_H
#define PTXCTL_SIZE_H

#include <stdbool.h>
#include <stdint.h>

bool size_read(const char **text, uint64_t *value, bool *bare);
bool size_parse(const char *text, unsigned int bare_shift, uint64_t *value);
void size_text(uint64_t bytes, char buf[32]);

#endif /* PTXCTL_SIZE_H */
