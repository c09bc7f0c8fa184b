/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sysfs - short text files, and what they say of PCI functions.
 *
 * Every function returns 0 or a count when it worked and a negative errno
 * when it did not.
 */
#ifndef PTX_TEST_SYSFS_H
#define PTX_TEST_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_NAME_LEN	32
#define PCI_MAX_FNS	2048

/* Reads @path into @buf without the final newline; the length. */
int file_read(const char *path, char *buf, size_t len);
/* Writes @text with one write(). */
int file_write(const char *path, const char *text);
/* The last component of the link @path; empty, and 0, where there is none. */
int link_name(const char *path, char *buf, size_t len);

/* The same for an attribute below /sys/bus/pci/devices/@name. */
int pci_read(const char *name, const char *attr, char *buf, size_t len);
int pci_write(const char *name, const char *attr, const char *text);
/* A word of its configuration space, past VFIO; 0xffff for none. */
uint16_t pci_config_word(const char *name, unsigned int at);
/* Size of a device's BAR; 0 for none. */
uint64_t pci_bar(const char *name, int nr, uint64_t *flags);
/* The first word of BAR 0, which the bus shows as a file; NULL if it cannot be had. */
volatile uint32_t *pci_bar0_map(const char *name);
/* Writes the device's name into the attribute @attr of the driver @driver. */
int pci_driver_write(const char *driver, const char *attr, const char *name);

/**
 * struct pci_fn - a PCI function as sysfs shows it
 * @group: its IOMMU group, or -1
 * @driver: empty when it has none
 */
struct pci_fn {
	char name[PCI_NAME_LEN];
	uint16_t vendor;
	uint16_t device;
	uint32_t class;
	int group;
	bool bridge;
	char driver[PCI_NAME_LEN];
};

/* Fills in @fn of the device @name. */
int pci_get(const char *name, struct pci_fn *fn);
/* All functions of the host, sorted by name; how many. */
int pci_list(struct pci_fn *fns, int max);
/* Is the device on @driver now? "" asks for no driver. */
bool pci_on_driver(const char *name, const char *driver);

#endif
