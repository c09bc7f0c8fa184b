/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_RESET_HISTORY_H
#define PTX_RESET_HISTORY_H

#include <linux/ktime.h>
#include <linux/pci.h>

struct ptx_member;

/**
 * struct ptx_reset_count - what one method has done to a device
 * @tries: how often it was tried
 * @failures: how often the device was not proven well after it
 * @last_ms: how long the last try took, with the proof
 * @last_error: how it ended; 0 when the device was well
 */
struct ptx_reset_count {
	u32 tries;
	u32 failures;
	u32 last_ms;
	int last_error;
};

int ptx_reset_remember(struct pci_dev *pdev);
void ptx_reset_forget(struct pci_dev *pdev);
bool ptx_reset_count(struct pci_dev *pdev, unsigned int method,
		     struct ptx_reset_count *count);
void ptx_reset_tell(struct ptx_member *member, unsigned int method, int ret,
		    int proof, ktime_t began);
void ptx_reset_exit(void);

#endif
