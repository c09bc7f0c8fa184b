/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * names: the user's own names for devices, kept in /etc/ptx/names, or in the
 * file that the environment variable PTX_NAMES gives. One "name address" per
 * line; comments begin with '#' and stay where they are.
 */
#ifndef LIBPTX_NAMES_H
#define LIBPTX_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_names;

/**
 * ptx_names_load() - read the file; a missing one is empty
 * @ctx: the context
 * @out: what it says; undone by ptx_names_free()
 *
 * Lines that make no sense are skipped: see ptx_names_warning().
 *
 * Return: 0; -EACCES and the like when it cannot be read; -EFBIG when it is
 * larger than 1 MiB; -ENOMEM.
 */
int ptx_names_load(struct ptx_ctx *ctx, struct ptx_names **out);

/** ptx_names_free() - free what was read; NULL is fine */
void ptx_names_free(struct ptx_names *names);

/** ptx_names_count() - how many names there are */
size_t ptx_names_count(const struct ptx_names *names);

/** ptx_names_name_at() - the name of entry @i, in the file's order, or NULL */
const char *ptx_names_name_at(const struct ptx_names *names, size_t i);

/** ptx_names_address_at() - the address of entry @i, or NULL */
const char *ptx_names_address_at(const struct ptx_names *names, size_t i);

/** ptx_names_address() - the full address that a name stands for, or NULL */
const char *ptx_names_address(const struct ptx_names *names, const char *name);

/** ptx_names_name() - the name of a full address, or NULL */
const char *ptx_names_name(const struct ptx_names *names, const char *address);

/** ptx_names_warning() - complaint @i about the file, or NULL beyond the last */
const char *ptx_names_warning(const struct ptx_names *names, size_t i);

/**
 * ptx_name_check() - may a device be called that?
 * @name: the name: a letter or digit, then up to 62 letters, digits, dots,
 *	underscores or hyphens; not a kind, not "auto", not like an address
 *
 * Return: NULL when it may, else why not. Any thread may call it.
 */
const char *ptx_name_check(const char *name);

/**
 * ptx_names_set() - give a device a name, in the file
 * @ctx: the context
 * @name: the name
 * @address: the device's address, in either form
 *
 * A name that the device had is replaced. The file is locked, written beside
 * and renamed, so that readers see the old or the new one whole.
 *
 * Return: 0; -EINVAL for a bad name or address; -EEXIST when another device
 * has that name; -EACCES and the like.
 */
int ptx_names_set(struct ptx_ctx *ctx, const char *name, const char *address);

/**
 * ptx_names_delete() - take a name out of the file
 * @ctx: the context
 * @name: the name
 *
 * Return: 0; -ENOENT when there is no such name; -EACCES and the like.
 */
int ptx_names_delete(struct ptx_ctx *ctx, const char *name);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_NAMES_H */
