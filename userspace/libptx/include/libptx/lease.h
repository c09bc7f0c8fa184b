/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lease: a lease on a file, for programs that run a VM. It ends when the last
 * copy of its file is closed, or when the process it is bound to exits.
 */
#ifndef LIBPTX_LEASE_H
#define LIBPTX_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/ptx.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptx_ctx;
struct ptx_lease;
struct ptx_lease_info;

/**
 * struct ptx_lease_options - what a lease can be asked for beyond its name
 * @size: sizeof(struct ptx_lease_options); the struct may grow
 * @flags: bits of enum ptx_lease_create_flags
 * @pidfd: the process to bind to, with PTX_LEASE_CREATE_BIND; stays the
 *	caller's
 * @owner: uid, with PTX_LEASE_CREATE_OWNER
 */
struct ptx_lease_options {
	size_t size;
	uint32_t flags;
	int pidfd;
	uid_t owner;
};

/**
 * struct ptx_add_options - how devices are added
 * @size: sizeof(struct ptx_add_options); the struct may grow
 * @flags: bits of enum ptx_add_flags
 * @timeout_ms: deadline in milliseconds; 0 is PTX_TIMEOUT_DEFAULT_MS
 * @driver: the VFIO driver to use; NULL is ptx-vfio-pci. Any other gives up
 *	the check of who opens the device.
 * @roms: the option ROMs that the devices may have; NULL for any. See
 *	ptx_rom_parse().
 * @nr_roms: their number, up to PTX_ROMS_MAX
 */
struct ptx_add_options {
	size_t size;
	uint32_t flags;
	uint32_t timeout_ms;
	const char *driver;
	const struct ptx_rom *roms;
	uint32_t nr_roms;
};

/**
 * ptx_rom_parse() - read the digest of an option ROM
 * @text: 64 hexadecimal digits, as sha256sum prints them of a device's file rom in
 *	sysfs
 * @rom: filled in
 *
 * Return: 0, or -EINVAL when it is none.
 */
int ptx_rom_parse(const char *text, struct ptx_rom *rom);

/* What a digest takes as text, with its end. */
#define PTX_ROM_TEXT_SIZE	65

/** ptx_rom_text() - the other way; @buf has PTX_ROM_TEXT_SIZE bytes and is returned */
const char *ptx_rom_text(const struct ptx_rom *rom, char *buf);

/**
 * struct ptx_revoke_options - how a lease is taken away
 * @size: sizeof(struct ptx_revoke_options); the struct may grow
 * @flags: bits of enum ptx_revoke_flags
 * @deadline_ms: how long the VMM may take to let go before its devices are cut,
 *	in milliseconds; 0 is at once
 * @kill_ms: with PTX_REVOKE_KILL, how long after that whoever opened a device
 *	and still has it open is killed, in milliseconds
 */
struct ptx_revoke_options {
	size_t size;
	uint32_t flags;
	uint32_t deadline_ms;
	uint32_t kill_ms;
};

/**
 * ptx_lease_create() - make an empty lease
 * @ctx: the context, which must outlive the lease
 * @name: 1 to PTX_LEASE_NAME_MAX bytes of UTF-8, unique on this host
 * @options: NULL for none
 * @out: the lease; undone by ptx_lease_close()
 *
 * Return: 0; -EINVAL for a bad name or option; -EEXIST when the name is taken;
 * -EPERM; -ESRCH when the process to bind to has exited; -ENODEV when the
 * module is not loaded; -EACCES when /dev/ptx may not be opened; -ENOMEM.
 */
int ptx_lease_create(struct ptx_ctx *ctx, const char *name,
		     const struct ptx_lease_options *options,
		     struct ptx_lease **out);

/**
 * ptx_lease_adopt() - take over a lease file that was inherited or received
 * @ctx: the context, which must outlive the lease
 * @fd: the file. On success it belongs to the lease; on failure it stays the
 *	caller's.
 * @out: the lease; undone by ptx_lease_close()
 *
 * Return: 0; -ENOTTY when @fd is no lease; -EBADF; -ENOMEM.
 */
int ptx_lease_adopt(struct ptx_ctx *ctx, int fd, struct ptx_lease **out);

/**
 * ptx_lease_close() - close this copy of the lease's file and free the handle
 * @lease: the lease, or NULL
 *
 * Closing the last copy gives the devices back; the call does not wait for it.
 */
void ptx_lease_close(struct ptx_lease *lease);

/** ptx_lease_fd() - the lease's file, O_CLOEXEC; it stays the lease's */
int ptx_lease_fd(const struct ptx_lease *lease);

/** ptx_lease_id() - the lease's id, never used again on this host until reboot */
uint64_t ptx_lease_id(const struct ptx_lease *lease);

/**
 * ptx_lease_add() - add devices with their whole groups, all or nothing
 * @lease: the lease
 * @devices: their names
 * @nr_devices: 1 to PTX_DEVICES_MAX
 * @options: NULL for none
 * @added: the members that came, group mates too; undone by
 *	ptx_lease_info_free(). May be NULL.
 *
 * Waits, at most until the deadline. A fatal signal ends the wait; the kernel
 * then undoes by itself what it had begun.
 *
 * In place of a device may stand PTX_VF_PREFIX (see selector.h) and the address of a
 * physical function: any spare virtual function of that, named as often as so many
 * are wanted. If it has none, they are enabled. @added says which came.
 *
 * Return: 0; -EBUSY when something stands in the way (every blocker is in the
 * error); -ENODEV, -EEXIST, -EINVAL, -E2BIG for devices that do not exist, are
 * named twice, are malformed, are too many; -EOPNOTSUPP for one that cannot have
 * virtual functions; -EPERM; -ESHUTDOWN; -ETIMEDOUT; -EIO when a driver failed;
 * -ENOMEM.
 */
int ptx_lease_add(struct ptx_lease *lease, const char *const *devices,
		  size_t nr_devices, const struct ptx_add_options *options,
		  struct ptx_lease_info **added);

/**
 * ptx_lease_remove() - give devices back, with their whole groups
 * @lease: the lease
 * @devices: their names
 * @nr_devices: 1 to PTX_DEVICES_MAX
 * @timeout_ms: how long to wait for them to be home, in milliseconds; 0 is
 *	PTX_TIMEOUT_DEFAULT_MS
 *
 * Return: 0; -ENOENT when one is not in the lease; -ETIMEDOUT when they are
 * not home yet: they go on by themselves; -EINVAL; -ESHUTDOWN; -EIO; -ENOMEM.
 */
int ptx_lease_remove(struct ptx_lease *lease, const char *const *devices,
		     size_t nr_devices, uint32_t timeout_ms);

/**
 * ptx_lease_query() - state and members
 * @lease: the lease
 * @out: a copy; undone by ptx_lease_info_free(). Name, owner, pid and age are
 *	not known this way: see ptx_lease_info_get().
 *
 * Return: 0, or -ENOMEM.
 */
int ptx_lease_query(struct ptx_lease *lease, struct ptx_lease_info **out);

/**
 * ptx_lease_release() - give everything back and end the lease
 * @lease: the lease; ptx_lease_close() it afterwards
 * @timeout_ms: how long to wait, in milliseconds; 0 is PTX_TIMEOUT_DEFAULT_MS
 *
 * Return: 0; -ETIMEDOUT when a device is not home yet: it goes on by itself.
 */
int ptx_lease_release(struct ptx_lease *lease, uint32_t timeout_ms);

/**
 * ptx_lease_revoke() - take everything away from whoever has it open
 * @lease: the lease
 * @options: NULL is at once, and nobody is killed
 *
 * Does not wait for the devices to be home: ptx_lease_release() does. May be
 * called again; deadlines only come closer.
 *
 * Return: 0; -ESHUTDOWN when the lease has been released; -EINVAL.
 */
int ptx_lease_revoke(struct ptx_lease *lease, const struct ptx_revoke_options *options);

/**
 * ptx_lease_wait() - wait until the lease drains or has ended
 * @lease: the lease
 * @state: PTX_LEASE_STATE_DRAINING or PTX_LEASE_STATE_RELEASED
 * @timeout_ms: milliseconds; 0 only looks, negative waits for ever
 *
 * Return: 1 when that state, or a later one, is reached; 0 when the time is
 * up; -EINTR when a signal handler ran; -EINVAL.
 */
int ptx_lease_wait(struct ptx_lease *lease, enum ptx_lease_state state, int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* LIBPTX_LEASE_H */
