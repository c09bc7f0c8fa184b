// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: a domain of our own below which the PCI core makes one for each
 * device. It takes no vectors from the machine, and says of itself that it
 * isolates, as interrupt remapping does. Interrupts come from debugfs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/msi.h>

#include "sim.h"

static bool isolated_msi = true;
module_param(isolated_msi, bool, 0400);
MODULE_PARM_DESC(isolated_msi, "whether interrupts are isolated, as with interrupt remapping");

#define SIM_MSI_FLAGS (MSI_GENERIC_FLAGS_MASK | MSI_FLAG_PCI_MSIX | MSI_FLAG_MULTI_PCI_MSI)

static struct fwnode_handle *sim_msi_fwnode;
static struct irq_domain *sim_msi_irqs;

struct irq_domain *sim_msi_domain(void)
{
	return sim_msi_irqs;
}

static void sim_msi_compose(struct irq_data *data, struct msi_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->address_lo = 0xfee00000;
	msg->data = data->hwirq;
}

static struct irq_chip sim_msi_chip = {
	.name = "PTX-SIM",
	.irq_compose_msi_msg = sim_msi_compose,
};

static int sim_msi_alloc(struct irq_domain *domain, unsigned int virq, unsigned int nr, void *arg)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		irq_domain_set_info(domain, virq + i, virq + i, &sim_msi_chip, NULL,
				    handle_simple_irq, NULL, NULL);
	return 0;
}

static void sim_msi_free(struct irq_domain *domain, unsigned int virq, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		irq_domain_reset_irq_data(irq_domain_get_irq_data(domain, virq + i));
}

static const struct irq_domain_ops sim_msi_domain_ops = {
	.alloc = sim_msi_alloc,
	.free = sim_msi_free,
};

static bool sim_msi_init_device(struct device *dev, struct irq_domain *domain,
				struct irq_domain *parent, struct msi_domain_info *info)
{
	info->flags &= SIM_MSI_FLAGS;
	info->flags |= MSI_FLAG_USE_DEF_DOM_OPS | MSI_FLAG_USE_DEF_CHIP_OPS | MSI_FLAG_NO_AFFINITY;
	return true;
}

static const struct msi_parent_ops sim_msi_parent_ops = {
	.supported_flags = SIM_MSI_FLAGS,
	.prefix = "PTX-SIM-",
	.init_dev_msi_info = sim_msi_init_device,
};

/**
 * sim_msi_init() - make the domain
 *
 * Return: 0 or a negative errno; undone by sim_msi_exit().
 */
int sim_msi_init(void)
{
	unsigned int flags = IRQ_DOMAIN_FLAG_MSI_PARENT;

	if (isolated_msi)
		flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	sim_msi_fwnode = irq_domain_alloc_named_fwnode("PTX-SIM");
	if (!sim_msi_fwnode)
		return -ENOMEM;
	sim_msi_irqs = irq_domain_create_hierarchy(NULL, flags, 0, sim_msi_fwnode,
						   &sim_msi_domain_ops, NULL);
	if (!sim_msi_irqs) {
		irq_domain_free_fwnode(sim_msi_fwnode);
		return -ENOMEM;
	}
	sim_msi_irqs->msi_parent_ops = &sim_msi_parent_ops;
	return 0;
}

void sim_msi_exit(void)
{
	irq_domain_remove(sim_msi_irqs);
	irq_domain_free_fwnode(sim_msi_fwnode);
}
