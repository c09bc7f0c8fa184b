// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: what tests say to the simulator, and what they read back. README.rst
 * describes the files.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/irq.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sim.h"

static struct dentry *sim_debugfs;

/* The value that the last "dma ... read" found. */
static u32 sim_result;

/* A command about one function at a time. */
typedef int sim_command_fn(struct sim_fn *fn, char *line);

static int sim_control_set(struct sim_fn *fn, char *line)
{
	/* It is taken apart, and may be for more than one function. */
	char *copy = kstrdup(line ?: "", GFP_KERNEL);
	int ret;

	if (!copy)
		return -ENOMEM;
	ret = sim_fn_set(fn, copy);
	kfree(copy);
	return ret;
}

static int sim_control_killing(struct sim_fn *fn, bool kill)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim_lock, flags);
	sim_fn_kill(fn, kill);
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	return 0;
}

static int sim_control_kill(struct sim_fn *fn, char *line)
{
	return sim_control_killing(fn, true);
}

static int sim_control_revive(struct sim_fn *fn, char *line)
{
	return sim_control_killing(fn, false);
}

static int sim_control_zero(struct sim_fn *fn, char *line)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim_lock, flags);
	memset(fn->count, 0, sizeof(fn->count));
	fn->sleeps = 0;
	atomic_set(&fn->faults, 0);
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	return 0;
}

/* "read IOVA" or "write IOVA VALUE". */
static int sim_control_dma(struct sim_fn *fn, char *line)
{
	char buf[64], *words = buf, *what, *iova, *value;
	u32 v = 0;
	u64 at;
	int ret;

	if (!line || strscpy(buf, line, sizeof(buf)) < 0)
		return -EINVAL;
	what = sim_text_word(&words);
	iova = sim_text_word(&words);
	value = sim_text_word(&words);
	if (!iova || sim_text_u64(iova, &at) || !IS_ALIGNED(at, 4))
		return -EINVAL;
	if (!strcmp(what, "read") && !value) {
		ret = sim_dma(fn, at, false, &v);
		if (!ret)
			WRITE_ONCE(sim_result, v);
		return ret;
	}
	if (strcmp(what, "write") || !value || sim_text_u32(value, U32_MAX, &v))
		return -EINVAL;
	return sim_dma(fn, at, true, &v);
}

/* "VECTOR": what the device would send, if it may and somebody listens. */
static int sim_control_irq(struct sim_fn *fn, char *line)
{
	struct pci_dev *pdev;
	unsigned long flags;
	u32 vector;
	bool may;
	int irq;

	if (!line || sim_text_u32(strim(line), 2047, &vector))
		return -EINVAL;
	pdev = sim_fn_pdev(fn);
	if (!pdev)
		return -ENODEV;
	raw_spin_lock_irqsave(&sim_lock, flags);
	may = sim_config_is_master(fn);
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	irq = may ? pci_irq_vector(pdev, vector) : -EFAULT;
	if (irq > 0)
		irq = generic_handle_irq_safe(irq);
	pci_dev_put(pdev);
	return irq;
}

static const struct sim_command {
	const char *name;
	sim_command_fn *run;
} sim_commands[] = {
	{ "set", sim_control_set },
	{ "kill", sim_control_kill },
	{ "revive", sim_control_revive },
	{ "zero", sim_control_zero },
	{ "dma", sim_control_dma },
	{ "irq", sim_control_irq },
};

static int sim_control_each(const struct sim_range *range, sim_command_fn *run, char *line)
{
	unsigned int slot, devfn;
	int ret, found = -ENODEV;
	struct sim_fn *fn;

	for (slot = range->slot; slot <= range->last_slot; slot++)
		for (devfn = range->devfn; devfn <= range->last_devfn; devfn++) {
			fn = sim_fn_find(slot, devfn);
			if (!fn)
				continue;
			ret = run(fn, line);
			sim_fn_put(fn);
			if (ret)
				return ret;
			found = 0;
		}
	return found;
}

static int sim_control_line(char *line)
{
	char *command = sim_text_word(&line), *address;
	struct sim_range range;
	unsigned int i;
	int ret;

	if (!strcmp(command, "clear") && !line) {
		sim_clear();
		return 0;
	}
	address = sim_text_word(&line);
	if (!address) {
		pr_err("'%s': no such command, or one that needs an address\n", command);
		return -EINVAL;
	}
	ret = sim_text_range(address, &range);
	if (ret)
		return ret;
	if (!strcmp(command, "remove") && !line)
		return sim_remove(&range, false);
	if (!strcmp(command, "yank") && !line)
		return sim_remove(&range, true);
	for (i = 0; i < ARRAY_SIZE(sim_commands); i++)
		if (!strcmp(command, sim_commands[i].name))
			return sim_control_each(&range, sim_commands[i].run, line);
	pr_err("'%s': no such command\n", command);
	return -EINVAL;
}

static int sim_control_text(char *text)
{
	char *line;
	int ret;

	while ((line = sim_text_line(&text))) {
		ret = sim_control_line(line);
		if (ret)
			return ret;
	}
	return 0;
}

static ssize_t sim_write(const char __user *from, size_t len, int (*use)(char *text))
{
	char *text;
	int ret;

	if (len > SZ_1M)
		return -E2BIG;
	text = memdup_user_nul(from, len);
	if (IS_ERR(text))
		return PTR_ERR(text);
	ret = use(text);
	kfree(text);
	return ret ?: len;
}

static ssize_t sim_add_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	return sim_write(from, len, sim_add);
}

static ssize_t sim_control_write(struct file *file, const char __user *from, size_t len,
				 loff_t *pos)
{
	return sim_write(from, len, sim_control_text);
}

static const struct file_operations sim_add_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = sim_add_write,
};

static const struct file_operations sim_control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = sim_control_write,
};

static void sim_devices_show_one(struct seq_file *s, struct sim_fn *fn)
{
	unsigned int count[SIM_KINDS], sleeps;
	struct pci_dev *pdev = sim_fn_pdev(fn);
	unsigned long flags;
	bool answers;

	/* A virtual function that is not switched on does not exist. */
	if (fn->pf && !pdev)
		return;
	raw_spin_lock_irqsave(&sim_lock, flags);
	memcpy(count, fn->count, sizeof(count));
	sleeps = fn->sleeps;
	answers = sim_config_answers(fn);
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	seq_printf(s, "%u.%u %s %s flr=%u af_flr=%u pm=%u bus=%u sleeps=%u faults=%u\n",
		   sim_fn_slot(fn), fn->devfn, pdev ? pci_name(pdev) : "-",
		   answers ? "alive" : "silent", count[SIM_FLR], count[SIM_AF_FLR], count[SIM_PM],
		   count[SIM_BUS], sleeps, atomic_read(&fn->faults));
	pci_dev_put(pdev);
}

static int sim_devices_show(struct seq_file *s, void *unused)
{
	unsigned int pos = 0;
	struct sim_fn *fn;

	while ((fn = sim_fn_next(&pos))) {
		sim_devices_show_one(s, fn);
		sim_fn_put(fn);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sim_devices);
DEFINE_SHOW_ATTRIBUTE(sim_iommu);

void sim_control_init(void)
{
	sim_debugfs = debugfs_create_dir("ptx_sim", NULL);
	debugfs_create_file("add", 0200, sim_debugfs, NULL, &sim_add_fops);
	debugfs_create_file("control", 0200, sim_debugfs, NULL, &sim_control_fops);
	debugfs_create_file("devices", 0400, sim_debugfs, NULL, &sim_devices_fops);
	debugfs_create_file("dma", 0400, sim_debugfs, NULL, &sim_iommu_fops);
	debugfs_create_x32("result", 0400, sim_debugfs, &sim_result);
}

void sim_control_exit(void)
{
	debugfs_remove_recursive(sim_debugfs);
}
