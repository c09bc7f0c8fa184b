// SPDX-License-Identifier: GPL-2.0-only
/*
 * The undo log: what was changed, in order, and how to change it back.
 *
 * Every step first reserves an entry that already holds the prior state, then
 * acts, then arms the entry. Rollback of a failed request, release of a lease
 * and clean-up after a crash are the same walk, ptx_journal_unwind(). Nothing
 * here allocates or locks; a journal belongs to one task at a time.
 */
#include <linux/export.h>
#include <kunit/visibility.h>

#include "journal.h"

/**
 * ptx_journal_init() - make an empty journal
 * @journal: memory of the caller's
 */
void ptx_journal_init(struct ptx_journal *journal)
{
	INIT_LIST_HEAD(&journal->entries);
	journal->at = NULL;
	journal->since = ktime_get();
}
EXPORT_SYMBOL_IF_KUNIT(ptx_journal_init);

/**
 * ptx_journal_at() - say what is being done now
 * @journal: the journal
 * @what: a static string, or NULL for nothing
 */
void ptx_journal_at(struct ptx_journal *journal, const char *what)
{
	WRITE_ONCE(journal->since, ktime_get());
	WRITE_ONCE(journal->at, what);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_journal_at);

/**
 * ptx_journal_reserve() - enter a change that is about to be made
 * @journal: takes the entry over
 * @entry: allocated by the caller, prior state filled in
 * @step: the kind of change
 *
 * Undone by ptx_journal_unwind(), which skips the entry's undo unless it was
 * armed, and frees it in any case.
 */
void ptx_journal_reserve(struct ptx_journal *journal, struct ptx_entry *entry,
			 const struct ptx_step *step)
{
	entry->step = step;
	entry->armed = false;
	list_add(&entry->node, &journal->entries);
	ptx_journal_at(journal, step->doing);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_journal_reserve);

/**
 * ptx_journal_preface() - enter a change that was made before all others
 * @journal: takes the entry over
 * @entry: allocated by the caller, prior state filled in
 * @step: the kind of change; it is undone last
 */
void ptx_journal_preface(struct ptx_journal *journal, struct ptx_entry *entry,
			 const struct ptx_step *step)
{
	entry->step = step;
	entry->armed = true;
	list_add_tail(&entry->node, &journal->entries);
}

/**
 * ptx_journal_arm() - the change of an entry has happened
 * @journal: the journal that holds the entry
 * @entry: a reserved entry
 */
void ptx_journal_arm(struct ptx_journal *journal, struct ptx_entry *entry)
{
	entry->armed = true;
	ptx_journal_at(journal, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_journal_arm);

static enum ptx_undo ptx_journal_undo(struct ptx_journal *journal,
				      const struct ptx_step *only)
{
	enum ptx_undo worst = PTX_UNDO_DONE;
	struct ptx_entry *entry;

	while ((entry = list_first_entry_or_null(&journal->entries,
						 struct ptx_entry, node))) {
		const struct ptx_step *step = entry->step;

		if (only && step != only)
			break;
		if (entry->armed) {
			ptx_journal_at(journal, step->undoing);
			worst = max(worst, step->undo(entry));
			if (worst == PTX_UNDO_QUARANTINED)
				break;
		}
		list_del(&entry->node);
		step->free(entry);
	}
	ptx_journal_at(journal, NULL);
	return worst;
}

/**
 * ptx_journal_unwind_step() - undo the last entries, as far as they are of one kind
 * @journal: the journal
 * @step: the kind; what comes before it stays
 *
 * Return: the worst that an undo step reported.
 */
enum ptx_undo ptx_journal_unwind_step(struct ptx_journal *journal,
				      const struct ptx_step *step)
{
	return ptx_journal_undo(journal, step);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_journal_unwind_step);

/**
 * ptx_journal_unwind() - undo everything, last entry first
 * @journal: is empty afterwards, unless a step said PTX_UNDO_QUARANTINED
 *
 * Return: the worst that an undo step reported.
 */
enum ptx_undo ptx_journal_unwind(struct ptx_journal *journal)
{
	return ptx_journal_undo(journal, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(ptx_journal_unwind);
