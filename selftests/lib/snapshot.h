/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot - what the host says of every PCI device and every IOMMU group,
 * taken before a test and compared after it.
 */
#ifndef PTX_TEST_SNAPSHOT_H
#define PTX_TEST_SNAPSHOT_H

struct snapshot;

/* Undone by snapshot_free(). NULL when there is no memory. */
struct snapshot *snapshot_take(void);
/* The same of a few devices only, and of no groups; compares with its like. */
struct snapshot *snapshot_take_of(const char *const *names, int nr);
void snapshot_free(struct snapshot *s);
/* Leaves one attribute of every device out when this one is compared with others. */
void snapshot_ignore(struct snapshot *before, const char *attr);

/*
 * Compares and prints each difference as a TAP comment; how many there are.
 * Devices in the NULL-terminated list @ignore (or NULL) are left out.
 */
int snapshot_compare(const struct snapshot *before, const struct snapshot *now,
		     const char *const *ignore);

/*
 * Compares @before with the host as it is now. What the kernel settles by
 * itself some time after a driver has been attached (the power state and the
 * count of enables) gets @settle_ms to do so; everything else must be equal
 * at once.
 */
int snapshot_check(const struct snapshot *before, int settle_ms,
		   const char *const *ignore);

/* The same for one that snapshot_take_of() took. */
int snapshot_check_of(const struct snapshot *before, int settle_ms);

#endif
