/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_SYSFS_H
#define PTX_SYSFS_H

#include <linux/types.h>

struct file;

struct file *ptx_sysfs_open(const char *path, int flags);
int ptx_sysfs_write_file(struct file *file, const char *text);
int ptx_sysfs_write(const char *path, const char *text);
int ptx_sysfs_read(const char *path, char *buf, size_t size);
int ptx_sysfs_link(const char *path, char *buf, size_t size);
bool ptx_sysfs_exists(const char *path);
bool ptx_sysfs_is_component(const char *name, size_t len);
int ptx_sysfs_init(void);
void ptx_sysfs_exit(void);

#endif
