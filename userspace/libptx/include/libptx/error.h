/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * error: why a call failed, in a form for programs and in words for people.
 */
#ifndef LIBPTX_ERROR_H
#define LIBPTX_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_error;

/**
 * ptx_error_errno() - what kind of failure it was
 * @err: the error
 *
 * Return: a positive errno; 0 when nothing has failed yet.
 */
int ptx_error_errno(const struct ptx_error *err);

/**
 * ptx_error_reason() - the kernel's reason, or the library's own verdict
 * @err: the error
 *
 * Return: PTX_REASON_NONE when none is known. A later module may have reasons
 * that this library has no words for.
 */
enum ptx_reason ptx_error_reason(const struct ptx_error *err);

/**
 * ptx_error_no_module() - did it fail because the module is not there?
 * @err: the error
 *
 * Return: true when ptx.ko is not loaded or /dev/ptx does not exist.
 */
bool ptx_error_no_module(const struct ptx_error *err);

/**
 * ptx_error_malformed() - did it fail because the caller's words make no sense?
 * @err: the error
 *
 * Return: true when a selector, an address or a name could not be read, so
 * that the kernel was never asked.
 */
bool ptx_error_malformed(const struct ptx_error *err);

/**
 * ptx_error_culprit() - the device at fault
 * @err: the error
 *
 * Return: its name under /sys/bus/pci/devices, or an empty string.
 */
const char *ptx_error_culprit(const struct ptx_error *err);

/**
 * ptx_error_message() - one sentence that names the device and the reason
 * @err: the error
 *
 * Return: text without a final stop or newline. Where the kernel sent words of
 * its own over netlink, these.
 */
const char *ptx_error_message(const struct ptx_error *err);

/**
 * ptx_error_remedy() - what to do about it
 * @err: the error
 *
 * Return: one sentence, or an empty string when nothing is known to help.
 */
const char *ptx_error_remedy(const struct ptx_error *err);

/**
 * ptx_error_nr_blockers() - how many blockers came with the error
 * @err: the error
 */
size_t ptx_error_nr_blockers(const struct ptx_error *err);

/**
 * ptx_error_blocker() - one blocker
 * @err: the error
 * @i: below ptx_error_nr_blockers()
 *
 * Return: the blocker, owned by the error, or NULL when @i is out of range.
 */
const struct ptx_blocker *ptx_error_blocker(const struct ptx_error *err, size_t i);

/**
 * ptx_reason_name() - a reason as one word, as in the netlink specification
 * @reason: the reason
 *
 * Return: for example "group-shared"; "unknown" for one that is not known.
 */
const char *ptx_reason_name(enum ptx_reason reason);

/**
 * ptx_reason_text() - a reason in words
 * @reason: the reason
 *
 * Return: half a sentence that goes on after "0000:01:00.0: ".
 */
const char *ptx_reason_text(enum ptx_reason reason);

/**
 * ptx_reason_remedy() - what to do about a reason
 * @reason: the reason
 * @culprit: the device, put into the text where it helps; may be NULL
 * @buf: where to write
 * @size: its size in bytes; a longer text is cut short
 *
 * Return: @buf, which is empty when nothing is known to help. Any thread may
 * call it.
 */
const char *ptx_reason_remedy(enum ptx_reason reason, const char *culprit,
			      char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_ERROR_H */
