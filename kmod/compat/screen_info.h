/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device that firmware's framebuffer is on. What firmware said of it became
 * sysfb_primary_display in 7.x, a variable of its own before. Kernels without
 * CONFIG_SCREEN_INFO know nothing of it.
 */
#ifndef PTX_COMPAT_SCREEN_INFO_H
#define PTX_COMPAT_SCREEN_INFO_H

#include <linux/pci.h>
#include <linux/screen_info.h>
#ifdef PTX_HAVE_SYSFB_PRIMARY_DISPLAY
#include <linux/sysfb.h>
#endif

/* Undone by pci_dev_put(). */
static inline struct pci_dev *ptx_screen_info_pci_dev(void)
{
	struct pci_dev *pdev = NULL;

#if IS_ENABLED(CONFIG_SCREEN_INFO)
#ifdef PTX_HAVE_SYSFB_PRIMARY_DISPLAY
	pdev = screen_info_pci_dev(&sysfb_primary_display.screen);
#else
	pdev = screen_info_pci_dev(&screen_info);
#endif
#endif
	return IS_ERR(pdev) ? NULL : pdev;
}

#endif
