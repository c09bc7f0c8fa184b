/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sim - the simulator, selftests/sim: devices by description, and what was done
 * to them. Its README.rst has the grammar.
 *
 * Every function returns 0 or a count when it worked and a negative errno when
 * it did not.
 */
#ifndef PTX_TEST_SIM_H
#define PTX_TEST_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sysfs.h"

#define SIM_DRIVER	"ptx-sim"

/**
 * struct sim_state - what the simulator says of a function
 * @name: as the bus knows it; "-" for one that is on its way out
 * @alive: answers when its registers are read
 * @flr: function level resets so far; the same goes for
 * @af_flr: those of the Advanced Features capability,
 * @pm: wake-ups from D3hot that reset it,
 * @bus: and secondary bus resets
 * @sleeps: how often it was put into D3hot
 * @faults: DMA that was refused
 */
struct sim_state {
	char name[PCI_NAME_LEN];
	bool alive;
	unsigned int flr;
	unsigned int af_flr;
	unsigned int pm;
	unsigned int bus;
	unsigned int sleeps;
	unsigned int faults;
};

/* Loads the module; debugfs is there afterwards, and nothing is plugged in. */
int sim_load(void);
/* Plugs in what the text describes; all of it or nothing. */
int sim_add(const char *text);
/* One or more commands, formatted. */
int sim_control(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Unplugs everything. */
int sim_clear(void);
/* The device's name on the bus; in @buf. */
const char *sim_name(unsigned int slot, unsigned int fn, char *buf);
int sim_state(unsigned int slot, unsigned int fn, struct sim_state *state);
/* How many functions there are. */
int sim_count(void);
/* How many bytes a function's IOMMU domain maps at @iova, and how, as in "rw". */
long long sim_mapped(unsigned int slot, unsigned int fn, uint64_t iova, char *prot);
/* What the last "dma ... read" found. */
uint32_t sim_result(void);

#endif
