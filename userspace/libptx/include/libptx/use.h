/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * use: what this host does with a device, as far as can be seen from
 * userspace. The kernel would let such a device be taken away.
 */
#ifndef LIBPTX_USE_H
#define LIBPTX_USE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_use;
struct ptx_use_list;

/**
 * enum ptx_use_kind - how a device is used
 * @PTX_USE_MOUNT: a file system on it is mounted
 * @PTX_USE_SWAP: the host swaps to it
 * @PTX_USE_HOLDER: a stacked block device (dm, md, bcache) is built on it
 * @PTX_USE_CLAIMED: a block device of it is held exclusively, for example by
 *	ZFS or another program
 * @PTX_USE_NETWORK: a network interface of it is up
 * @PTX_USE_PROCESS: a process has a file of it open
 */
enum ptx_use_kind {
	PTX_USE_MOUNT,
	PTX_USE_SWAP,
	PTX_USE_HOLDER,
	PTX_USE_CLAIMED,
	PTX_USE_NETWORK,
	PTX_USE_PROCESS,
};

/**
 * ptx_use_list_get() - find out what a device is used for
 * @ctx: the context
 * @device: its name under /sys/bus/pci/devices
 * @out: the uses; undone by ptx_use_list_free()
 *
 * Sees other users' processes and block devices only with the right to.
 *
 * Return: 0, or -ENOMEM. What cannot be read is taken as unused.
 */
int ptx_use_list_get(struct ptx_ctx *ctx, const char *device, struct ptx_use_list **out);

/** ptx_use_list_free() - free a list; NULL is fine */
void ptx_use_list_free(struct ptx_use_list *list);

/** ptx_use_list_count() - how many uses were found */
size_t ptx_use_list_count(const struct ptx_use_list *list);

/** ptx_use_list_at() - one use, owned by the list; NULL beyond its end */
const struct ptx_use *ptx_use_list_at(const struct ptx_use_list *list, size_t i);

/** ptx_use_kind() - how it is used */
enum ptx_use_kind ptx_use_kind(const struct ptx_use *use);

/** ptx_use_kind_name() - "mount", "swap", "holder", "claimed", "network", "process" */
const char *ptx_use_kind_name(enum ptx_use_kind kind);

/** ptx_use_node() - the block device, interface or device file, for example "nvme0n1p1" */
const char *ptx_use_node(const struct ptx_use *use);

/** ptx_use_by() - mount point, stacked device or command; empty where there is none */
const char *ptx_use_by(const struct ptx_use *use);

/** ptx_use_pid() - the process, or 0 */
pid_t ptx_use_pid(const struct ptx_use *use);

/**
 * ptx_use_destructive() - would taking the device destroy somebody's data?
 * @use: the use
 *
 * Return: true for all that rests on a block device.
 */
bool ptx_use_destructive(const struct ptx_use *use);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_USE_H */
