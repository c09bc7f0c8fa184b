/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mock_kernel: a ptx module that is none, told what to do by a script.
 */
#ifndef TESTS_MOCK_KERNEL_H
#define TESTS_MOCK_KERNEL_H

#include <stddef.h>

/**
 * DOC: Scripts
 *
 * One command a line; words have spaces between, a value with spaces stands in
 * double quotes, '#' begins a comment.
 *
 * absent                       there is no module
 * open errno=E                 /dev/ptx cannot be opened
 * root DIR                     where /sys, /proc and /dev are read
 * info abi=N features=N        what PTX_INFO says
 * device NAME [kind= vendor= device= class= driver= override= group= numa=
 *         resets= physfn= total_vfs= lease= mates=A,B rom= keeps_memory=
 *         brought= opened= cut= step= why= faults=]
 *                              the last six: what its lease says of it
 *        [states=A,B tries=A,B]
 *                              what each look at it finds, one after the other
 *                              and then the last again: none, gone-now or a
 *                              state of a member; how often a reset was tried
 * blocker NAME reason= [culprit= lease=]
 * lease NAME [id= state= owner= pid= persistent= max= members=A,B]
 * space LEASE [quota= mapped= pinned= entries= max_entries= page= faults= container=
 *         windows=FIRST-LAST,... pin=CLASS:COUNT,... map=CLASS:COUNT,...]
 *                              that lease has a DMA space
 * refused reason= first= last= what a lease's space refused last, says space-stats
 * old                          the module is older than those, and quotas of grants
 * grant ID [uid= gid= device= kind= vendor= max= used= pooled= quota= mapped=]
 * fail CALL errno=E [reason= culprit= text= times=N]
 *                              the next N calls (1 unless given) fail
 * bad CALL attr=N len=N        replies carry such an attribute, of 0xff bytes; those of
 *                              lease-get in a space, a window or a member if CALL is
 *                              that
 * grow by=N                    so many members come between two queries
 * together                     all events come in one datagram
 * slow ms=N                    how long a reset of a device in quarantine takes
 * drain ms=N                   how long a bound lease takes to go home
 * event NAME [device= lease= id= reason= driver= ms=]
 *                              is sent to the next subscription
 *
 * CALL is info, create, add, remove, query, release; device-get, device-dump,
 * lease-get, lease-dump, lease-new, lease-add, lease-remove, lease-release,
 * lease-revoke; space-change, space-window, space-quota, space-stats; grant-new, grant-del, grant-dump; revoke; events. A line that makes no sense ends the program.
 */

void mock_install(void);
void mock_reset(void);
void mock_script(const char *text);
void mock_script_file(const char *path);
void mock_log_to(const char *path);

/* Every call since the last mock_reset(), a line each. */
const char *mock_log(void);
void mock_log_clear(void);

/* What sys->root is now. */
const char *mock_root(void);

/* mock_kernel_sysfs.c */
void mock_file(const char *path, const void *text, size_t len);
void mock_link(const char *path, const char *target);
void mock_attr(const char *name, const char *what, const char *text);
void mock_pci(const char *above, const char *name, const char *class_code, const char *vendor,
	      const char *node);
void mock_tree(void);
char *mock_new_root(void);
void mock_drop_root(char *root);

#endif /* TESTS_MOCK_KERNEL_H */
