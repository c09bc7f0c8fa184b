// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins memory and maps it, in parallel where there is much of it.
 *
 * The threads are the caller's own: they share its memory, and so its cgroup, its
 * memory policy and its cpuset, and they die with it. Each takes the next chunk, pins
 * it, maps it, and goes on until there is none or something failed. The caller works
 * beside them, and joins them all before it returns. Where there can be no such
 * threads it works alone.
 *
 * Takes no lock of ours but that of the domains, for each chunk once it is pinned.
 */
#include <kunit/visibility.h>
#include <linux/cpumask.h>
#include <linux/iommu.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/vhost_task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/topology.h>
#include <linux/wait.h>

#include "domain.h"
#include "pin.h"
#include "ptx_main.h"
#include "space.h"
#include "vfio_pci.h"

/* How many pages are pinned at once: as many pointers as a page holds. */
#define PTX_PIN_BATCH		(PAGE_SIZE / sizeof(struct page *))

/*
 * A thread pays from this much memory on, or from so many pieces of it, however small
 * they are; more than so many threads never do.
 */
#define PTX_PIN_SHARE		(64UL << 20)
#define PTX_PIN_SHARE_CHUNKS	128
#define PTX_PIN_THREADS_MAX	16

/**
 * struct ptx_pin_job - mappings that are being pinned
 * @space: of this space
 * @lock: a leaf; protects what follows
 * @mappings: by their change nodes
 * @next: the mapping to go on with; NULL when none is left
 * @chunk: and its chunk
 * @working: how many threads have one
 * @idle: woken when one has none any more
 * @error: what went wrong first
 * @culprit: and with which
 * @times: of those threads that are done
 */
struct ptx_pin_job {
	struct ptx_space *space;
	spinlock_t lock;
	struct list_head *mappings;
	struct ptx_mapping *next;
	u32 chunk;
	u32 working;
	wait_queue_head_t idle;
	int error;
	struct ptx_mapping *culprit;
	struct ptx_pin_times times;
};

/**
 * struct ptx_pin_buffer - a thread's own
 * @pages: what was pinned last; PTX_PIN_BATCH of them at most
 * @batch: room in it
 * @run: the runs of a chunk
 * @max: room for them, as many as a chunk has pages
 * @nr: how many there are
 */
struct ptx_pin_buffer {
	struct page **pages;
	unsigned long batch;
	u64 *run;
	unsigned long max;
	u32 nr;
};

/**
 * ptx_mapping_chunk() - where a chunk of a mapping is
 * @mapping: the mapping
 * @chunk: its number
 * @at: gets where it begins, in bytes from the beginning of the mapping
 * @size: gets its size in bytes
 */
void ptx_mapping_chunk(const struct ptx_mapping *mapping, u32 chunk, unsigned long *at,
		       unsigned long *size)
{
	unsigned long total = ptx_mapping_size(mapping);
	unsigned long step = 1UL << mapping->chunk_shift;
	/* The first one ends where its memory is aligned, so that no large page is cut. */
	unsigned long skew = mapping->vaddr & (step - 1);
	unsigned long end;

	*at = chunk ? chunk * step - skew : 0;
	end = (chunk + 1) * step - skew;
	*size = min(end, total) - *at;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_mapping_chunk);

static unsigned long ptx_pin_largest(struct list_head *mappings)
{
	struct ptx_mapping *mapping;
	unsigned long at, size, largest = 0;
	u32 i;

	/* All but the first and the last are of one size. */
	list_for_each_entry(mapping, mappings, change)
		for (i = 0; i < min(mapping->nr_chunks, 2u); i++) {
			ptx_mapping_chunk(mapping, i, &at, &size);
			largest = max(largest, size);
		}
	return largest >> PAGE_SHIFT;
}

static int ptx_pin_buffer_init(struct ptx_pin_buffer *buffer, struct list_head *mappings)
{
	buffer->max = ptx_pin_largest(mappings);
	buffer->batch = min(buffer->max, PTX_PIN_BATCH);
	buffer->pages = kmalloc_array(buffer->batch, sizeof(*buffer->pages),
				      GFP_KERNEL_ACCOUNT);
	buffer->run = kvmalloc_array(buffer->max, sizeof(*buffer->run), GFP_KERNEL_ACCOUNT);
	if (buffer->pages && buffer->run)
		return 0;
	kvfree(buffer->run);
	kfree(buffer->pages);
	return -ENOMEM;
}

static void ptx_pin_buffer_free(struct ptx_pin_buffer *buffer)
{
	kvfree(buffer->run);
	kfree(buffer->pages);
}

static void ptx_pin_note(struct ptx_pin_buffer *buffer, long nr)
{
	unsigned long pfn, pages;
	long i;

	for (i = 0; i < nr; i++) {
		pfn = page_to_pfn(buffer->pages[i]);
		if (buffer->nr) {
			u64 *last = &buffer->run[buffer->nr - 1];

			pages = ptx_run_pages(*last);
			if (pfn == ptx_run_pfn(*last) + pages && pages < PTX_RUN_MAX) {
				*last = ptx_run(ptx_run_pfn(*last), pages + 1);
				continue;
			}
		}
		buffer->run[buffer->nr++] = ptx_run(pfn, 1);
	}
}

static void ptx_unpin_runs(const u64 *run, u32 nr, bool dirty)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		unpin_user_page_range_dirty_lock(pfn_to_page(ptx_run_pfn(run[i])),
						 ptx_run_pages(run[i]), dirty);
		cond_resched();
	}
}

/**
 * ptx_unpin() - undo ptx_pin()
 * @mapping: in no domain any more
 *
 * Cannot fail. May sleep.
 */
void ptx_unpin(struct ptx_mapping *mapping)
{
	struct ptx_chunk *chunk;
	u32 i;

	for (i = 0; i < mapping->nr_chunks; i++) {
		chunk = &mapping->chunks[i];
		if (!chunk->runs)
			continue;
		if (!chunk->mmio && !chunk->stuck)
			ptx_unpin_runs(chunk->runs->run, chunk->runs->nr,
				       mapping->prot & IOMMU_WRITE);
		kvfree(chunk->runs);
		chunk->runs = NULL;
	}
}

/**
 * ptx_mapping_page() - the page at some place of a mapping
 * @mapping: live, and its space is locked
 * @at: in bytes from its beginning
 *
 * Looks at each run of a chunk up to there.
 *
 * Return: the page, pinned as long as it is mapped; NULL where it is a BAR.
 */
struct page *ptx_mapping_page(struct ptx_mapping *mapping, unsigned long at)
{
	unsigned long step = 1UL << mapping->chunk_shift, first, size, pages;
	u32 i, nr = ((mapping->vaddr & (step - 1)) + at) >> mapping->chunk_shift;
	struct ptx_chunk *chunk = &mapping->chunks[nr];

	if (chunk->mmio)
		return NULL;
	ptx_mapping_chunk(mapping, nr, &first, &size);
	at = (at - first) >> PAGE_SHIFT;
	for (i = 0; i < chunk->runs->nr; i++) {
		pages = ptx_run_pages(chunk->runs->run[i]);
		if (at < pages)
			return pfn_to_page(ptx_run_pfn(chunk->runs->run[i]) + at);
		at -= pages;
	}
	return NULL;
}
EXPORT_SYMBOL_IF_KUNIT(ptx_mapping_page);

/* Pins all of a range, or nothing of it. */
static int ptx_pin_range(struct ptx_pin_buffer *buffer, unsigned long vaddr,
			 unsigned long pages, int prot)
{
	unsigned int flags = FOLL_LONGTERM | (prot & IOMMU_WRITE ? FOLL_WRITE : 0);
	long got;

	buffer->nr = 0;
	while (pages) {
		got = fatal_signal_pending(current) ? -EINTR :
			pin_user_pages_fast(vaddr, min(pages, buffer->batch), flags,
					    buffer->pages);
		if (got <= 0) {
			ptx_unpin_runs(buffer->run, buffer->nr, false);
			return got ?: -EFAULT;
		}
		ptx_pin_note(buffer, got);
		vaddr += got << PAGE_SHIFT;
		pages -= got;
		cond_resched();
	}
	return 0;
}

/* Where there is no memory to pin there may be the BAR of another of its devices. */
static int ptx_pin_bar(struct ptx_space *space, struct ptx_mapping *mapping, u32 chunk,
		       unsigned long at, unsigned long size, struct ptx_pin_buffer *buffer)
{
	struct ptx_vfio_device *bar, *old;
	unsigned long pfn;

	bar = ptx_vfio_bar_of(space, mapping->vaddr, ptx_mapping_size(mapping),
			      mapping->prot & IOMMU_WRITE, &pfn);
	if (!bar)
		return -EFAULT;
	/* The mapping keeps the reference that it got first; another device's is no use. */
	old = cmpxchg(&mapping->bar, NULL, bar);
	if (old)
		ptx_vfio_bar_put(bar);
	if (old && old != bar)
		return -EFAULT;
	mapping->chunks[chunk].mmio = true;
	buffer->run[0] = ptx_run(pfn + (at >> PAGE_SHIFT), size >> PAGE_SHIFT);
	buffer->nr = 1;
	return 0;
}

static int ptx_pin_chunk(struct ptx_space *space, struct ptx_mapping *mapping, u32 chunk,
			 struct ptx_pin_buffer *buffer, struct ptx_pin_times *times)
{
	u64 began = ktime_get_ns(), pinned;
	unsigned long at, size;
	struct ptx_runs *runs;
	int ret;

	ptx_mapping_chunk(mapping, chunk, &at, &size);
	ret = mapping->bar_only ? -EFAULT :
	      ptx_pin_range(buffer, mapping->vaddr + at, size >> PAGE_SHIFT, mapping->prot);
	if (ret == -EFAULT)
		ret = ptx_pin_bar(space, mapping, chunk, at, size, buffer);
	if (ret)
		return ret;
	runs = kvmalloc(struct_size(runs, run, buffer->nr), GFP_KERNEL_ACCOUNT);
	if (!runs) {
		if (!mapping->chunks[chunk].mmio)
			ptx_unpin_runs(buffer->run, buffer->nr, false);
		return -ENOMEM;
	}
	runs->nr = buffer->nr;
	memcpy(runs->run, buffer->run, array_size(buffer->nr, sizeof(*runs->run)));
	mapping->chunks[chunk].runs = runs;
	pinned = ktime_get_ns();
	times->pin += pinned - began;
	/* What is pinned and not mapped is undone by who undoes the mapping. */
	ret = ptx_domain_map(space, mapping, chunk);
	times->map += ktime_get_ns() - pinned;
	return ret;
}

static struct ptx_mapping *ptx_pin_next(struct ptx_pin_job *job, u32 *chunk)
{
	struct ptx_mapping *mapping;

	spin_lock(&job->lock);
	mapping = job->error ? NULL : job->next;
	if (mapping) {
		*chunk = job->chunk++;
		if (job->chunk == mapping->nr_chunks) {
			job->chunk = 0;
			job->next = list_is_last(&mapping->change, job->mappings) ? NULL :
				    list_next_entry(mapping, change);
		}
	}
	spin_unlock(&job->lock);
	return mapping;
}

static void ptx_pin_failed(struct ptx_pin_job *job, struct ptx_mapping *mapping, int error)
{
	spin_lock(&job->lock);
	if (!job->error) {
		job->error = error;
		job->culprit = mapping;
	}
	spin_unlock(&job->lock);
}

static int ptx_pin_work(struct ptx_pin_job *job)
{
	struct ptx_pin_times times = {};
	struct ptx_pin_buffer buffer;
	struct ptx_mapping *mapping;
	u32 chunk;
	int ret;

	ret = ptx_pin_buffer_init(&buffer, job->mappings);
	if (ret)
		return ret;
	spin_lock(&job->lock);
	job->working++;
	spin_unlock(&job->lock);
	while ((mapping = ptx_pin_next(job, &chunk))) {
		ret = ptx_pin_chunk(job->space, mapping, chunk, &buffer, &times);
		if (ret)
			ptx_pin_failed(job, mapping, ret);
	}
	ptx_pin_buffer_free(&buffer);
	spin_lock(&job->lock);
	job->times.pin += times.pin;
	job->times.map += times.map;
	WRITE_ONCE(job->working, job->working - 1);
	spin_unlock(&job->lock);
	wake_up_all(&job->idle);
	return 0;
}

#if IS_ENABLED(CONFIG_VHOST_TASK)
/*
 * Called again and again until it is stopped, as a task that is about to sleep and will
 * not miss being stopped: it must go to sleep just so once there is nothing left.
 */
static bool ptx_pin_thread(void *data)
{
	struct ptx_pin_job *job = data;
	bool more;

	spin_lock(&job->lock);
	more = job->next && !job->error;
	spin_unlock(&job->lock);
	if (!more)
		return false;
	__set_current_state(TASK_RUNNING);
	/* One without memory of its own leaves the chunks to the others. */
	return !ptx_pin_work(job);
}

/* It was killed; so was the caller, who will see that. */
static void ptx_pin_killed(void *data)
{
}

/* How many threads besides the caller's own? */
static unsigned int ptx_pin_threads(struct list_head *mappings)
{
	const struct cpumask *near = cpu_online_mask;
	struct ptx_mapping *mapping;
	unsigned long bytes = 0, chunks = 0, shares;
	unsigned int cpus;

	list_for_each_entry(mapping, mappings, change) {
		bytes += ptx_mapping_size(mapping);
		chunks += mapping->nr_chunks;
	}
	shares = bytes / PTX_PIN_SHARE + chunks / PTX_PIN_SHARE_CHUNKS;
	if (ptx_inline || shares < 2)
		return 0;
#ifdef CONFIG_NUMA
	/* Memory of one node is cleared best by that node's processors. */
	if (nodes_weight(current->mems_allowed) == 1)
		near = cpumask_of_node(first_node(current->mems_allowed));
#endif
	cpus = cpumask_weight_and(near, current->cpus_ptr) ?: 1;
	return min3(shares, chunks,
		    (unsigned long)min(cpus, PTX_PIN_THREADS_MAX)) - 1;
}

static int ptx_pin_together(struct ptx_pin_job *job)
{
	struct vhost_task *threads[PTX_PIN_THREADS_MAX];
	unsigned int wanted = ptx_pin_threads(job->mappings), nr;
	int ret;

	for (nr = 0; nr < wanted; nr++) {
		threads[nr] = vhost_task_create(ptx_pin_thread, ptx_pin_killed, job, "ptx-pin");
		/* The caller may not have more threads: then with those there are. */
		if (IS_ERR_OR_NULL(threads[nr]))
			break;
		vhost_task_start(threads[nr]);
	}
	ret = ptx_pin_work(job);
	/* They are stopped in a way that cannot be killed: not before they are ready. */
	wait_event_killable(job->idle, !READ_ONCE(job->working));
	while (nr)
		vhost_task_stop(threads[--nr]);
	return ret;
}
#else
static int ptx_pin_together(struct ptx_pin_job *job)
{
	return ptx_pin_work(job);
}
#endif

/**
 * ptx_pin() - pin the memory of mappings and put it into their space's domains
 * @space: not locked
 * @mappings: of struct ptx_mapping, by their change nodes; of the caller's memory, and
 *	nobody else changes them
 * @culprit: on failure, the one at fault, or NULL
 * @times: gets how long it took
 *
 * Sleeps for as long as the memory takes to appear, but a fatal signal ends that.
 * Undone by ptx_domain_unmap() and ptx_unpin(), also where it failed.
 *
 * Return: 0; -EFAULT where there is no memory, or it may not be written; -EINTR;
 * -ENOMEM; or an error of the memory's own, or of the IOMMU driver.
 */
int ptx_pin(struct ptx_space *space, struct list_head *mappings,
	    struct ptx_mapping **culprit, struct ptx_pin_times *times)
{
	struct ptx_pin_job job = {
		.space = space,
		.mappings = mappings,
		.next = list_first_entry(mappings, struct ptx_mapping, change),
	};

	int ret;

	spin_lock_init(&job.lock);
	init_waitqueue_head(&job.idle);
	ret = ptx_pin_together(&job);
	*culprit = job.culprit;
	*times = job.times;
	return job.error ?: ret;
}
