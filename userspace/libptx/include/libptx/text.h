/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text: the words for the contract's enumerations, and for addresses. All of
 * these may be called from any thread; what they return is never freed.
 */
#ifndef LIBPTX_TEXT_H
#define LIBPTX_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

/** ptx_kind_name() - "gpu", "nvme" and so on; "other" for an unknown kind */
const char *ptx_kind_name(enum ptx_kind kind);

/**
 * ptx_kind_parse() - the kind that a word names
 * @word: for example "gpu"
 * @kind: where to put it
 *
 * Return: false when it names none.
 */
bool ptx_kind_parse(const char *word, enum ptx_kind *kind);

/** ptx_lease_state_name() - "new", "active", "draining", "released" */
const char *ptx_lease_state_name(enum ptx_lease_state state);

/**
 * ptx_lease_state_parse() - the lease state that a word names
 * @word: for example "released"
 * @state: where to put it
 *
 * Return: false when it names none.
 */
bool ptx_lease_state_parse(const char *word, enum ptx_lease_state *state);

/** ptx_member_state_name() - "building", "ready", "draining", "home" and so on */
const char *ptx_member_state_name(enum ptx_member_state state);

/** ptx_event_name() - "device-add", "lease-active", "member-home" and so on */
const char *ptx_event_name(enum ptx_event event);

/**
 * ptx_address_parse() - bring a PCI address to its full form
 * @text: "0000:01:00.0" or "01:00.0", in either case
 * @buf: where to write the full form, in lower case
 *
 * Return: false when @text is no address.
 */
bool ptx_address_parse(const char *text, char buf[PTX_DEVICE_NAME_SIZE]);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_TEXT_H */
