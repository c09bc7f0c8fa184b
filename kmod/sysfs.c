// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sysfs from inside: for what has no other door, such as making a mediated device.
 *
 * A mount of our own, so that no process's mount namespace matters, and with the rights
 * of the kernel, so that it does not matter either who asked. A file that is open stands
 * for the very object it was opened on: what has the same name later is another.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/path.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sysfs.h"

static struct vfsmount *ptx_sysfs_mount;
static struct cred *ptx_sysfs_cred;

/**
 * ptx_sysfs_is_component() - may this be a file's name in sysfs
 * @name: what somebody says
 * @len: its length in bytes
 *
 * Return: true if it is one name, and not a way out of where it is looked for.
 */
bool ptx_sysfs_is_component(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (name[i] == '/' || name[i] <= ' ' || name[i] > '~')
			return false;
	return len && name[0] != '.';
}

/**
 * ptx_sysfs_open() - open a file
 * @path: below the root of sysfs
 * @flags: as for open()
 *
 * May sleep. Undone by fput().
 *
 * Return: the file, or an error: -ENOENT, -ENOMEM.
 */
struct file *ptx_sysfs_open(const char *path, int flags)
{
	struct path root = {
		.mnt = ptx_sysfs_mount,
		.dentry = ptx_sysfs_mount->mnt_root,
	};
	const struct cred *old = override_creds(ptx_sysfs_cred);
	struct file *file = file_open_root(&root, path, flags, 0);

	revert_creds(old);
	return file;
}

/**
 * ptx_sysfs_write_file() - write an attribute
 * @file: open for writing
 * @text: what
 *
 * May take as long as whoever has the attribute likes.
 *
 * Return: 0, or what that said; -ENODEV if its object is no more.
 */
int ptx_sysfs_write_file(struct file *file, const char *text)
{
	const struct cred *old = override_creds(ptx_sysfs_cred);
	loff_t pos = 0;
	ssize_t ret;

	ret = kernel_write(file, text, strlen(text), &pos);
	revert_creds(old);
	return ret < 0 ? ret : 0;
}

/**
 * ptx_sysfs_write() - the same, by name
 * @path: below the root of sysfs
 * @text: what
 *
 * Return: as ptx_sysfs_open() and ptx_sysfs_write_file().
 */
int ptx_sysfs_write(const char *path, const char *text)
{
	struct file *file = ptx_sysfs_open(path, O_WRONLY);
	int ret;

	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = ptx_sysfs_write_file(file, text);
	fput(file);
	return ret;
}

/**
 * ptx_sysfs_read() - read an attribute
 * @path: below the root of sysfs
 * @buf: gets the text, without the newline at its end
 * @size: room in @buf
 *
 * Return: 0, or an error.
 */
int ptx_sysfs_read(const char *path, char *buf, size_t size)
{
	struct file *file = ptx_sysfs_open(path, O_RDONLY);
	loff_t pos = 0;
	ssize_t len;

	if (IS_ERR(file))
		return PTR_ERR(file);
	len = kernel_read(file, buf, size - 1, &pos);
	fput(file);
	if (len < 0)
		return len;
	if (len && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return 0;
}

/**
 * ptx_sysfs_link() - name the directory that a link leads to
 * @path: below the root of sysfs
 * @buf: gets the last part of its path
 * @size: room in @buf
 *
 * Return: 0, or an error.
 */
int ptx_sysfs_link(const char *path, char *buf, size_t size)
{
	struct file *file = ptx_sysfs_open(path, O_RDONLY | O_DIRECTORY);

	if (IS_ERR(file))
		return PTR_ERR(file);
	snprintf(buf, size, "%pD", file);
	fput(file);
	return 0;
}

/**
 * ptx_sysfs_exists() - is there such a file
 * @path: below the root of sysfs
 *
 * Return: false where it could not be found, for whatever reason.
 */
bool ptx_sysfs_exists(const char *path)
{
	struct file *file = ptx_sysfs_open(path, O_PATH);

	if (IS_ERR(file))
		return false;
	fput(file);
	return true;
}

int ptx_sysfs_init(void)
{
	struct file_system_type *type = get_fs_type("sysfs");

	if (!type)
		return -ENODEV;
	ptx_sysfs_cred = prepare_kernel_cred(&init_task);
	if (!ptx_sysfs_cred) {
		module_put(type->owner);
		return -ENOMEM;
	}
	ptx_sysfs_mount = kern_mount(type);
	/* It is built in. */
	module_put(type->owner);
	if (!IS_ERR(ptx_sysfs_mount))
		return 0;
	put_cred(ptx_sysfs_cred);
	return PTR_ERR(ptx_sysfs_mount);
}

void ptx_sysfs_exit(void)
{
	kern_unmount(ptx_sysfs_mount);
	put_cred(ptx_sysfs_cred);
}
