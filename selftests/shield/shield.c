// SPDX-License-Identifier: GPL-2.0-only
/*
 * ptx_shield: keeps fail-nth out of functions of the kernel that do not
 * survive a failure. For tests on a kernel with fault injection, and nothing
 * else.
 *
 * A sweep over every allocation of a call also fails those deep in the driver
 * core, in VFIO and in ACPI, and finds the bugs there. Those named in
 * "functions" are run with the calling task's countdown at rest: what they do
 * inside is not counted and not failed.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

static char *functions[32];
static int nr_functions;
module_param_array(functions, charp, &nr_functions, 0400);
MODULE_PARM_DESC(functions, "Functions to keep failures out of");

static struct kretprobe *probes[ARRAY_SIZE(functions)];

/* What the countdown was at entry. Nested calls save and restore zero. */
struct shield {
	unsigned int nth;
};

static int shield_enter(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct shield *shield = (struct shield *)instance->data;

	shield->nth = READ_ONCE(current->fail_nth);
	WRITE_ONCE(current->fail_nth, 0);
	return 0;
}
NOKPROBE_SYMBOL(shield_enter);

static int shield_return(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct shield *shield = (struct shield *)instance->data;

	if (shield->nth)
		WRITE_ONCE(current->fail_nth, shield->nth);
	return 0;
}
NOKPROBE_SYMBOL(shield_return);

static int __init shield_init(void)
{
	struct kretprobe *probe;
	int i, ret;

	for (i = 0; i < nr_functions; i++) {
		probe = kzalloc(sizeof(*probe), GFP_KERNEL);
		if (!probe)
			continue;
		probe->kp.symbol_name = functions[i];
		probe->entry_handler = shield_enter;
		probe->handler = shield_return;
		probe->data_size = sizeof(struct shield);
		probe->maxactive = 64;
		ret = register_kretprobe(probe);
		if (ret) {
			/* Not in this kernel, or not to be probed. */
			pr_info("no shield for %s (%d)\n", functions[i], ret);
			kfree(probe);
			continue;
		}
		probes[i] = probe;
	}
	return 0;
}

static void __exit shield_exit(void)
{
	int i;

	for (i = 0; i < nr_functions; i++)
		if (probes[i]) {
			unregister_kretprobe(probes[i]);
			kfree(probes[i]);
		}
}

module_init(shield_init);
module_exit(shield_exit);

MODULE_DESCRIPTION("Keeps fail-nth out of chosen functions, for tests");
MODULE_AUTHOR("The ptx authors");
MODULE_LICENSE("GPL");
