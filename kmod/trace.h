/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints ptx:*. A step's begin and end bracket a call into the driver
 * core, so that what is not between them is our own cost.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM ptx

#if !defined(PTX_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PTX_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(ptx_step,
	TP_PROTO(const char *device, const char *step, bool begin),
	TP_ARGS(device, step, begin),
	TP_STRUCT__entry(
		__string(device, device)
		__string(step, step)
		__field(bool, begin)
	),
	TP_fast_assign(
		__assign_str(device);
		__assign_str(step);
		__entry->begin = begin;
	),
	TP_printk("device=%s step=%s %s", __get_str(device), __get_str(step),
		  __entry->begin ? "begin" : "end")
);

TRACE_EVENT(ptx_reset,
	TP_PROTO(const char *device, const char *method, int ret, int proof,
		 s64 ms),
	TP_ARGS(device, method, ret, proof, ms),
	TP_STRUCT__entry(
		__string(device, device)
		__string(method, method)
		__field(int, ret)
		__field(int, proof)
		__field(s64, ms)
	),
	TP_fast_assign(
		__assign_str(device);
		__assign_str(method);
		__entry->ret = ret;
		__entry->proof = proof;
		__entry->ms = ms;
	),
	TP_printk("device=%s method=%s ret=%d proof=%d ms=%lld",
		  __get_str(device), __get_str(method), __entry->ret,
		  __entry->proof, __entry->ms)
);

TRACE_EVENT(ptx_event,
	TP_PROTO(unsigned int event, u64 lease, const char *device,
		 unsigned int reason),
	TP_ARGS(event, lease, device, reason),
	TP_STRUCT__entry(
		__field(unsigned int, event)
		__field(u64, lease)
		__string(device, device)
		__field(unsigned int, reason)
	),
	TP_fast_assign(
		__entry->event = event;
		__entry->lease = lease;
		__assign_str(device);
		__entry->reason = reason;
	),
	TP_printk("event=%u lease=%llu device=%s reason=%u", __entry->event,
		  __entry->lease, __get_str(device), __entry->reason)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
