// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is behind the BARs: a piece of memory that the kernel was told to leave
 * alone with memmap=. It remembers what is written and does nothing by itself,
 * but for the words a description names, which are written when a BAR is placed
 * and after a reset.
 *
 * Everything that writes runs under sim_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/unaligned.h>

#include "sim.h"

static char *memory = "";
module_param(memory, charp, 0400);
MODULE_PARM_DESC(memory, "SIZE@START of memory reserved with memmap=SIZE$START");

static struct workqueue_struct *sim_memory_wq;
static struct resource *sim_memory;
static void __iomem *sim_memory_mapped;
static u64 sim_memory_start;
static u64 sim_memory_size;

static int sim_memory_parse(void)
{
	char *end;

	sim_memory_size = memparse(memory, &end);
	if (*end != '@')
		goto bad;
	sim_memory_start = memparse(end + 1, &end);
	if (*end || !IS_ALIGNED(sim_memory_start, SZ_1M) ||
	    !IS_ALIGNED(sim_memory_size, SIM_HOSTS * SZ_1M) || !sim_memory_size ||
	    sim_memory_size / SIM_HOSTS > SZ_1G ||
	    sim_memory_start + sim_memory_size < sim_memory_start)
		goto bad;
	return 0;
bad:
	pr_err("memory=%s: give SIZE@START of memory reserved with memmap=SIZE$START, in multiples of 4M, at most 4G\n",
	       memory);
	return -EINVAL;
}

/* Is it memory at all? One word of it tells; nobody else uses it. */
static bool sim_memory_works(u64 offset)
{
	void __iomem *at = sim_memory_mapped + offset;

	writel(0x5a5a1234, at);
	if (readl(at) != 0x5a5a1234)
		return false;
	writel(0, at);
	return readl(at) == 0;
}

/**
 * sim_memory_init() - take hold of the memory
 *
 * Return: 0 or a negative errno; undone by sim_memory_exit().
 */
int sim_memory_init(void)
{
	int ret = sim_memory_parse();

	if (ret)
		return ret;
	if (region_intersects(sim_memory_start, sim_memory_size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT) {
		pr_err("memory=%s is in use: start the kernel with memmap=\n", memory);
		return -EBUSY;
	}
	sim_memory = request_mem_region(sim_memory_start, sim_memory_size, KBUILD_MODNAME);
	if (!sim_memory) {
		pr_err("memory=%s is in use by somebody else\n", memory);
		return -EBUSY;
	}
	/* It is a bridge's window, and drivers take their regions inside it. */
	sim_memory->flags &= ~IORESOURCE_BUSY;
	sim_memory_mapped = ioremap(sim_memory_start, sim_memory_size);
	if (!sim_memory_mapped) {
		ret = -ENOMEM;
		goto err_region;
	}
	if (!sim_memory_works(0) || !sim_memory_works(sim_memory_size - 4)) {
		pr_err("memory=%s: there is no memory\n", memory);
		ret = -ENXIO;
		goto err_map;
	}
	sim_memory_wq = alloc_workqueue("ptx_sim", WQ_UNBOUND, 0);
	if (!sim_memory_wq) {
		ret = -ENOMEM;
		goto err_map;
	}
	return 0;

err_map:
	iounmap(sim_memory_mapped);
err_region:
	sim_memory->flags |= IORESOURCE_BUSY;
	release_mem_region(sim_memory_start, sim_memory_size);
	return ret;
}

void sim_memory_exit(void)
{
	destroy_workqueue(sim_memory_wq);
	iounmap(sim_memory_mapped);
	sim_memory->flags |= IORESOURCE_BUSY;
	release_mem_region(sim_memory_start, sim_memory_size);
}

/**
 * sim_memory_window() - a host bridge's part of it
 * @host: which host bridge
 * @window: the part, in the tree of resources; undone by release_resource()
 *
 * Return: 0 or a negative errno.
 */
int sim_memory_window(unsigned int host, struct resource *window)
{
	u64 size = sim_memory_size / SIM_HOSTS;

	/*
	 * Not a 64-bit window, wherever it lies: the PCI core puts no 32-bit BAR
	 * into one. The buses see it below 4 GiB.
	 */
	*window = DEFINE_RES_MEM_NAMED(sim_memory_start + host * size, size, "ptx_sim window");
	return request_resource(sim_memory, window);
}

/**
 * sim_memory_at() - where we see an address of the window
 * @phys: the address
 *
 * Return: that, or NULL if it is none of ours.
 */
void __iomem *sim_memory_at(phys_addr_t phys)
{
	if (phys < sim_memory_start || phys - sim_memory_start > sim_memory_size - 4)
		return NULL;
	return sim_memory_mapped + (phys - sim_memory_start);
}

static u64 sim_memory_bar(struct sim_fn *fn, unsigned int bar)
{
	u32 low, high = 0;
	u64 at;

	low = get_unaligned_le32(&fn->cfg.data[PCI_BASE_ADDRESS_0 + bar * 4]);
	if (fn->desc.bars[bar].is64)
		high = get_unaligned_le32(&fn->cfg.data[PCI_BASE_ADDRESS_0 + bar * 4 + 4]);
	at = ((u64)high << 32) | (low & PCI_BASE_ADDRESS_MEM_MASK);
	if (at < SIM_WINDOW_BUS)
		return 0;
	at -= SIM_WINDOW_BUS;
	if (at + fn->desc.bars[bar].size > sim_memory_size / SIM_HOSTS)
		return 0;
	return fn->port->host->window.start + at;
}

/* Writes the words of a BAR: what they say, or all of them @say if @busy. */
static void sim_memory_write_bar(struct sim_fn *fn, unsigned int bar, bool busy, u32 say)
{
	unsigned int i;

	for (i = 0; i < fn->desc.nr_words; i++) {
		const struct sim_word *w = &fn->desc.words[i];
		void __iomem *at;

		if (w->bar != bar || !fn->words_at[bar])
			continue;
		at = sim_memory_at(fn->words_at[bar] + w->offset);
		if (at)
			writel(busy ? say : w->value, at);
	}
}

static void sim_memory_write(struct sim_fn *fn, bool busy, u32 say)
{
	unsigned int i;

	for (i = 0; i < SIM_BARS; i++)
		sim_memory_write_bar(fn, i, busy, say);
}

/**
 * sim_memory_place() - the function decodes memory: its words are where its BARs are
 * @fn: the function
 */
void sim_memory_place(struct sim_fn *fn)
{
	bool busy = delayed_work_pending(&fn->ready);
	unsigned int i;

	lockdep_assert_held(&sim_lock);
	if (fn->pf || !fn->desc.nr_words)
		return;
	for (i = 0; i < SIM_BARS; i++) {
		u64 at = fn->desc.bars[i].size ? sim_memory_bar(fn, i) : 0;

		/* Memory keeps what it is told until then. */
		if (!at || at == fn->words_at[i])
			continue;
		fn->words_at[i] = at;
		sim_memory_write_bar(fn, i, busy, fn->desc.busy);
	}
}

/**
 * sim_memory_ready_in() - the words say what they should after some time
 * @fn: the function
 * @ms: the time
 */
void sim_memory_ready_in(struct sim_fn *fn, u32 ms)
{
	lockdep_assert_held(&sim_lock);
	if (fn->desc.nr_words)
		mod_delayed_work(sim_memory_wq, &fn->ready, msecs_to_jiffies(ms));
}

void sim_memory_ready(struct work_struct *work)
{
	struct sim_fn *fn = container_of(to_delayed_work(work), struct sim_fn, ready);
	unsigned long flags;

	raw_spin_lock_irqsave(&sim_lock, flags);
	if (sim_config_answers(fn))
		sim_memory_write(fn, false, 0);
	if (fn->desc.stuck)
		sim_memory_ready_in(fn, 1);
	raw_spin_unlock_irqrestore(&sim_lock, flags);
}

/**
 * sim_memory_reset() - what a reset does to the words
 * @fn: the function
 */
void sim_memory_reset(struct sim_fn *fn)
{
	lockdep_assert_held(&sim_lock);
	if (!fn->desc.nr_words)
		return;
	if (!fn->desc.ready_ms) {
		sim_memory_write(fn, false, 0);
		if (fn->desc.stuck)
			sim_memory_ready_in(fn, 1);
		return;
	}
	sim_memory_write(fn, true, fn->desc.busy);
	sim_memory_ready_in(fn, fn->desc.ready_ms);
}

/**
 * sim_memory_silence() - a function that does not answer reads as all ones
 * @fn: the function
 */
void sim_memory_silence(struct sim_fn *fn)
{
	lockdep_assert_held(&sim_lock);
	sim_memory_write(fn, true, ~0U);
}
