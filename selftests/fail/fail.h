/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fail - what the operations of fail_nth work on, and those that are not in fail_nth.c.
 */
#ifndef PTX_TEST_FAIL_H
#define PTX_TEST_FAIL_H

#include "../lib/host.h"

extern struct host host;
extern struct add *add;
extern int lease;
extern const char *devices[4];
extern int nr_devices;
extern struct vfio v;
extern struct nl_req req;

int begin_space(void);
int begin_space_opened(void);
int begin_space_mapped(void);
int begin_space_unattached(void);
int begin_nl_space_new(void);
int begin_nl_space_restrict(void);

int call_space_create(void);
int call_space_map(void);
int call_space_batch(void);
int call_space_unmap(void);
int call_space_window(void);
int call_space_stats(void);
int call_space_attach(void);
int call_container_map(void);
int call_container_unmap(void);

/* 0 if what the call returned is so; whether something was made to fail in it. */
int check_space_map(int ret, bool fired);
int check_space_batch(int ret, bool fired);
int check_space_unmap(int ret, bool fired);
int check_space_window(int ret, bool fired);
int check_space_attach(int ret, bool fired);
int check_nl_space_restrict(int ret, bool fired);

/* Pages that are pinned, by anybody. */
long pages_pinned(void);

#endif
