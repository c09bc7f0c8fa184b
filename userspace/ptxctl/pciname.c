// SPDX-License-Identifier: GPL-2.0-only
/*
 * pciname: what the PCI id database calls things. Owns the open database and
 * one buffer for each question, overwritten by the next.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <pci/pci.h>
#include <libptx/libptx.h>
#include "pciname.h"

static struct pci_access *access_;
static char vendor[256], device[256], class[256];

static void ignore(char *fmt, ...)
{
	(void)fmt;
}

/* libpci calls this when it cannot go on, and expects not to come back. */
static void give_up(char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void give_up(char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("ptxctl: the PCI id database: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static struct pci_access *get(void)
{
	if (!access_) {
		access_ = pci_alloc();
		access_->error = give_up;
		access_->warning = ignore;
		access_->debug = ignore;
	}
	return access_;
}

/* The vendor's name, or "Vendor 1234". */
const char *pciname_vendor(const struct ptx_device *dev)
{
	unsigned int id = ptx_device_vendor_id(dev);

	if (!pci_lookup_name(get(), vendor, sizeof(vendor),
			     PCI_LOOKUP_VENDOR | PCI_LOOKUP_NO_NUMBERS, id))
		snprintf(vendor, sizeof(vendor), "Vendor %04x", id);
	return vendor;
}

/* The device's name, or "Device 1234". */
const char *pciname_device(const struct ptx_device *dev)
{
	unsigned int id = ptx_device_device_id(dev);

	if (!pci_lookup_name(get(), device, sizeof(device),
			     PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS,
			     (unsigned int)ptx_device_vendor_id(dev), id))
		snprintf(device, sizeof(device), "Device %04x", id);
	return device;
}

/* The class's name, or "Class 1234". */
const char *pciname_class(const struct ptx_device *dev)
{
	unsigned int id = ptx_device_class(dev) >> 8;

	if (!pci_lookup_name(get(), class, sizeof(class),
			     PCI_LOOKUP_CLASS | PCI_LOOKUP_NO_NUMBERS, id))
		snprintf(class, sizeof(class), "Class %04x", id);
	return class;
}

void pciname_end(void)
{
	if (access_)
		pci_cleanup(access_);
	access_ = NULL;
}
