/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libptx: leases of whole devices for virtual machines. This header takes in
 * all the others; each of them also stands alone.
 */
#ifndef LIBPTX_LIBPTX_H
#define LIBPTX_LIBPTX_H

/**
 * DOC: The library in a page
 *
 * A program makes one context (struct ptx_ctx) per thread. Nothing is opened
 * until it is needed, so a context costs nothing where the module is missing.
 *
 * A lease on a file (struct ptx_lease) ends when the last copy of its file is
 * closed, by whatever means. A persistent lease lives in the kernel until it
 * is released by name or id. Reading, by anybody who may, goes through
 * struct ptx_device and struct ptx_lease_info, which are copies: they stay
 * valid until freed and do not change.
 *
 * A lease may have a DMA space. Its maker restricts it with ptx_space_restrict(), and
 * its VMM maps through a VFIO container as ever, or with ptx_space_change().
 *
 * Every function that can fail returns 0, or a positive result where it says
 * so, or a negative errno. The context then keeps what is known about the
 * failure, which ptx_ctx_error() gives: the reason, the device at fault, what
 * to do about it, and every blocker.
 *
 * Threads: different contexts may be used at the same time by different
 * threads. One context, and everything made from it, belongs to one thread at
 * a time. The functions that take no context and only read their arguments
 * may be called from anywhere.
 *
 * Strings that are returned belong to the object that they come from, and are
 * what the kernel or a file said: print them with care.
 */

#include <libptx/context.h>
#include <libptx/device.h>
#include <libptx/error.h>
#include <libptx/event.h>
#include <libptx/grant.h>
#include <libptx/lease.h>
#include <libptx/lease_info.h>
#include <libptx/names.h>
#include <libptx/persistent.h>
#include <libptx/pick.h>
#include <libptx/pool.h>
#include <libptx/selector.h>
#include <libptx/space.h>
#include <libptx/text.h>
#include <libptx/topology.h>
#include <libptx/use.h>

#endif /* LIBPTX_LIBPTX_H */
