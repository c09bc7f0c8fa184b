/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_EVENTS_H
#define PTX_EVENTS_H

#include <uapi/linux/ptx.h>

struct pci_dev;
struct ptx_lease;
struct ptx_member;

void ptx_event_device(enum ptx_event event, struct pci_dev *pdev);
void ptx_event_lease(enum ptx_event event, struct ptx_lease *lease,
		     enum ptx_reason reason);
void ptx_event_member(enum ptx_event event, struct ptx_member *member,
		      enum ptx_reason reason);
void ptx_event_pooled(struct ptx_member *member, struct ptx_lease *lease);
void ptx_event_reset(struct ptx_member *member, const char *method, s64 ms,
		     int error);
void ptx_trace_begin(struct pci_dev *pdev, const char *step);
void ptx_trace_end(struct pci_dev *pdev, const char *step);
void ptx_trace_reset(struct pci_dev *pdev, const char *method, int ret, int proof,
		     s64 ms);

#endif
