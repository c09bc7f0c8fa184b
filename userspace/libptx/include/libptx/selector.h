/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * selector: the words that people use to say which devices they mean.
 */
#ifndef LIBPTX_SELECTOR_H
#define LIBPTX_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_device;
struct ptx_names;
struct ptx_selector;

/**
 * DOC: Selectors
 *
 * ============================  ==============================================
 * 0000:01:00.0, 01:00.0         that device
 * l4-gpu                        the device that the user called so
 * gpu, gpu:auto                 a free device of that kind
 * nvme:2                        two of them
 * gpu:nvidia, gpu:10de          one of that vendor, by word or by PCI id
 * gpu:amd:2                     two of that vendor
 * vf:01:00.0                    a virtual function of that device, which may
 *                               have to be enabled for it; or of one by name
 * vf:01:00.0,count=2            two of them
 * vf:01:00.0,reserve=4          one, and at least four are enabled if any have to be
 * vgpu:01:00.0/nvidia-558       a mediated device of that type, which that device's
 *                               driver makes for the lease
 * vgpu:mtty/mtty-1,count=2      two of them, of a parent that is no PCI device
 * vgpu:mtty/mtty-1,uuid=UUID    one that is called so
 * ============================  ==============================================
 *
 * Where the kind is given beside the selector, as in ``--gpu auto``, it may be
 * left out: ``auto``, ``2``, ``nvidia``, ``nvidia:2``. That of a virtual function or
 * a mediated device is not known before there is one: no kind goes with it.
 */

/* What a request calls a virtual function of a device by: this and the address of that. */
#define PTX_VF_PREFIX	"vf:"
/* And a mediated device by this, its parent, a slash and its type. */
#define PTX_VGPU_PREFIX	"vgpu:"

/* No kind is given beside the selector. */
#define PTX_KIND_ANY	((enum ptx_kind)0xffff)

/**
 * ptx_selector_parse() - read one selector
 * @ctx: the context
 * @text: the selector
 * @kind: the kind it is about, or PTX_KIND_ANY
 * @names: the user's own names, or NULL; only read during the call
 * @out: the selector; undone by ptx_selector_free()
 *
 * Return: 0; -EINVAL when it makes no sense; -ENOMEM.
 */
int ptx_selector_parse(struct ptx_ctx *ctx, const char *text, enum ptx_kind kind,
		       const struct ptx_names *names, struct ptx_selector **out);

/** ptx_selector_free() - free a selector; NULL is fine */
void ptx_selector_free(struct ptx_selector *sel);

/** ptx_selector_address() - the one device it names, or NULL when it means any that fit */
const char *ptx_selector_address(const struct ptx_selector *sel);

/** ptx_selector_physfn() - the device any virtual function of which is meant, or NULL */
const char *ptx_selector_physfn(const struct ptx_selector *sel);

/**
 * ptx_selector_request() - what a request calls each of what has no address yet
 * @sel: the selector
 *
 * Return: that, for virtual functions and mediated devices, which the kernel chooses or
 * has made; or NULL.
 */
const char *ptx_selector_request(const struct ptx_selector *sel);

/** ptx_selector_kind() - the kind it is about, or PTX_KIND_ANY */
enum ptx_kind ptx_selector_kind(const struct ptx_selector *sel);

/** ptx_selector_vendor() - PCI vendor id number @i of those that fit; 0 at their end */
uint16_t ptx_selector_vendor(const struct ptx_selector *sel, unsigned int i);

/** ptx_selector_count() - how many devices it asks for */
uint32_t ptx_selector_count(const struct ptx_selector *sel);

/**
 * ptx_selector_match() - is this device one that the selector could mean?
 * @sel: the selector
 * @dev: the device
 *
 * Return: whether address, physical function, kind and vendor fit; whether the device
 * is free is not looked at, nor is the count.
 */
bool ptx_selector_match(const struct ptx_selector *sel, const struct ptx_device *dev);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_SELECTOR_H */
