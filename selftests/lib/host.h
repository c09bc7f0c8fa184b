/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host - what every test begins and ends with: the devices there are, found
 * by what they are and not by address, and the snapshot that must be the same
 * afterwards.
 *
 * To be included after kselftest_harness.h.
 */
#ifndef PTX_TEST_HOST_H
#define PTX_TEST_HOST_H

#include "child.h"
#include "lease.h"
#include "nl.h"
#include "snapshot.h"
#include "sysfs.h"
#include "vfio.h"

#define HOST_MAX 16

/*
 * The harness gives a test 30 s, which an emulated machine with KASAN and
 * lockdep needs for a handful of moves; one that is cut off in the middle
 * leaves its traces to those after it.
 */
#define HOST_TEST_SECONDS 600
#undef TEST_F
#define TEST_F(fixture, name) TEST_F_TIMEOUT(fixture, name, HOST_TEST_SECONDS)

/**
 * struct host - the host under test
 * @ctl: /dev/ptx
 * @nl: a netlink socket
 * @before: the snapshot
 * @pins: how many references to pinned pages there were, of whomever
 * @fns: every PCI function
 * @nvme: NVMe controllers
 * @edu: edu devices that are alone in their group
 * @edu_shared: edu devices that share theirs
 * @gpu: a display device that shares its group with an audio device
 * @audio: that audio device
 * @bridge: a PCI-to-PCI bridge or root port
 * @nic: a network device
 */
struct host {
	int ctl;
	struct nl nl;
	struct snapshot *before;
	long long pins;
	int nr_fns;
	struct pci_fn *fns;
	int nr_nvme;
	const struct pci_fn *nvme[HOST_MAX];
	int nr_edu;
	const struct pci_fn *edu[HOST_MAX];
	int nr_edu_shared;
	const struct pci_fn *edu_shared[HOST_MAX];
	const struct pci_fn *gpu;
	const struct pci_fn *audio;
	const struct pci_fn *bridge;
	const struct pci_fn *nic;
};

/* Undone by host_end(). 0 or a negative errno, having said what is wrong. */
int host_begin(struct host *h);
/*
 * Closes every file above standard error, ends all children, waits for every
 * lease to be gone, releases what is persistent, and compares, pinned pages too.
 * The number of differences, or a negative errno.
 */
int host_end(struct host *h);
/* Waits until as many pages are pinned as at host_begin(): 0, or -EBUSY, having said so. */
int host_same_pins(const struct host *h);
/* The middle of it: waits until there is no lease. */
int host_wait_no_lease(int timeout_ms);
/* Waits for no lease and compares, keeping files open. */
int host_same(struct host *h);

/* Some device that can be leased alone in its group, or NULL. */
const struct pci_fn *host_single(const struct host *h, int n);
/* Reads the functions of the host again; pointers into the old list die. */
int host_find(struct host *h);

/* Is this the lab's default topology, which has one of everything? */
bool host_is_default(void);
bool host_is_topology(const char *name);
bool host_is_kernel(const char *name);

/*
 * Skips the test when the topology has no @what; fails it when it is the
 * default one, which has.
 */
#define NEED(cond, what)						\
	do {								\
		if (!(cond)) {						\
			if (host_is_default())				\
				TH_LOG("the default topology must have %s", what); \
			ASSERT_FALSE(host_is_default());		\
			SKIP(return, "this topology lacks %s", what);	\
		}							\
	} while (0)

/* A fixture that is nothing but the host. */
#define HOST_FIXTURE(name)						\
	FIXTURE(name) {							\
		struct host h;						\
	};								\
	FIXTURE_SETUP(name)						\
	{								\
		ASSERT_EQ(0, host_begin(&self->h));			\
	}								\
	FIXTURE_TEARDOWN(name)						\
	{								\
		EXPECT_EQ(0, host_end(&self->h));			\
	}

#endif
