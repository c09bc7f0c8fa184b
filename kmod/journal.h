/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PTX_JOURNAL_H
#define PTX_JOURNAL_H

#include <linux/ktime.h>
#include <linux/list.h>

struct ptx_entry;

/**
 * enum ptx_undo - how an undo step ended; it always ends
 * @PTX_UNDO_DONE: the prior state is restored
 * @PTX_UNDO_DRIVERLESS: everything but the native driver, which refused
 * @PTX_UNDO_QUARANTINED: the device is not well; this entry and those before it
 *	stay, for another try
 */
enum ptx_undo {
	PTX_UNDO_DONE,
	PTX_UNDO_DRIVERLESS,
	PTX_UNDO_QUARANTINED,
};

/**
 * struct ptx_step - a kind of change to the system, known by how it is undone
 * @doing: what is shown while the step is being done; static
 * @undoing: what is shown while it is being undone; static
 * @undo: restores the prior state kept in the entry. Cannot fail and does not
 *	depend on an allocation succeeding. May sleep.
 * @free: frees the entry, armed or not
 */
struct ptx_step {
	const char *doing;
	const char *undoing;
	enum ptx_undo (*undo)(struct ptx_entry *entry);
	void (*free)(struct ptx_entry *entry);
};

/**
 * struct ptx_entry - one change and what was there before; embedded first in
 * the struct that holds the prior state
 * @node: in the journal, newest first
 * @step: the kind of change
 * @armed: the change has happened
 */
struct ptx_entry {
	struct list_head node;
	const struct ptx_step *step;
	bool armed;
};

/**
 * struct ptx_journal - an undo log
 * @entries: newest first
 * @at: the step being done or undone at this moment, or NULL; read without a
 *	lock by whoever wants to know
 * @since: when that step began
 *
 * Belongs to one task at a time; its owner says which.
 */
struct ptx_journal {
	struct list_head entries;
	const char *at;
	ktime_t since;
};

void ptx_journal_init(struct ptx_journal *journal);
void ptx_journal_reserve(struct ptx_journal *journal, struct ptx_entry *entry,
			 const struct ptx_step *step);
void ptx_journal_preface(struct ptx_journal *journal, struct ptx_entry *entry,
			 const struct ptx_step *step);
void ptx_journal_arm(struct ptx_journal *journal, struct ptx_entry *entry);
enum ptx_undo ptx_journal_unwind_step(struct ptx_journal *journal,
				      const struct ptx_step *step);
enum ptx_undo ptx_journal_unwind(struct ptx_journal *journal);
void ptx_journal_at(struct ptx_journal *journal, const char *what);

#endif
