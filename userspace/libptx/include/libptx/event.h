/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event: a subscription to what happens, and the notices that it yields.
 */
#ifndef LIBPTX_EVENT_H
#define LIBPTX_EVENT_H

#include <stdint.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_events;
struct ptx_notice;

/**
 * ptx_events_open() - subscribe to the multicast group "events"
 * @ctx: the context, which must outlive the subscription
 * @out: the subscription; undone by ptx_events_close()
 *
 * Return: 0; -ENODEV when the module is not loaded; -EPERM; -ENOMEM.
 */
int ptx_events_open(struct ptx_ctx *ctx, struct ptx_events **out);

/** ptx_events_close() - end a subscription; NULL is fine */
void ptx_events_close(struct ptx_events *events);

/** ptx_events_fd() - a file to poll() for POLLIN; it stays the subscription's */
int ptx_events_fd(const struct ptx_events *events);

/**
 * ptx_events_read() - the next notice
 * @events: the subscription
 * @timeout_ms: milliseconds; 0 only looks, negative waits for ever
 * @out: the notice; undone by ptx_notice_free()
 *
 * Return: 1 with a notice; 0 when the time is up; -ENOBUFS when notices were
 * lost because they were not read in time, after which reading goes on with
 * the next one; -EINTR when a signal handler ran; -ENOMEM.
 */
int ptx_events_read(struct ptx_events *events, int timeout_ms, struct ptx_notice **out);

/** ptx_notice_method() - the method of reset, or NULL */
const char *ptx_notice_method(const struct ptx_notice *notice);

/** ptx_notice_took_ms() - how long that took, in milliseconds */
uint32_t ptx_notice_took_ms(const struct ptx_notice *notice);

/** ptx_notice_free() - free a notice; NULL is fine */
void ptx_notice_free(struct ptx_notice *notice);

/** ptx_notice_event() - what happened */
enum ptx_event ptx_notice_event(const struct ptx_notice *notice);

/** ptx_notice_time_ns() - when, in nanoseconds of CLOCK_MONOTONIC */
uint64_t ptx_notice_time_ns(const struct ptx_notice *notice);

/** ptx_notice_device() - the device, or NULL */
const char *ptx_notice_device(const struct ptx_notice *notice);

/** ptx_notice_lease_id() - the lease's id, or 0 */
uint64_t ptx_notice_lease_id(const struct ptx_notice *notice);

/** ptx_notice_lease_name() - the lease's name, or NULL */
const char *ptx_notice_lease_name(const struct ptx_notice *notice);

/** ptx_notice_reason() - why, or PTX_REASON_NONE */
enum ptx_reason ptx_notice_reason(const struct ptx_notice *notice);

/** ptx_notice_driver() - the driver the device is on after it, or NULL */
const char *ptx_notice_driver(const struct ptx_notice *notice);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_EVENT_H */
