// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host bridges, their root ports, and what is plugged into those.
 *
 * They come and go under the PCI core's rescan lock, and are found under
 * sim_lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/msi.h>
#include <linux/slab.h>

#include "sim.h"

/* A domain number that no firmware gives out, as it has more than 16 bits. */
static int domain = 0x10000;
module_param(domain, int, 0400);
MODULE_PARM_DESC(domain, "number of the first PCI domain");

struct sim_host sim_hosts[SIM_HOSTS];

/**
 * struct sim_line - a line of a text that has been read
 * @node: in the list of lines
 * @range: the functions it is about
 * @desc: and what they are
 */
struct sim_line {
	struct list_head node;
	struct sim_range range;
	struct sim_desc desc;
};

static struct sim_host *sim_slot_host(unsigned int slot)
{
	return &sim_hosts[slot / SIM_PORTS];
}

static struct sim_port *sim_slot_port(unsigned int slot)
{
	return sim_slot_host(slot)->ports[slot % SIM_PORTS];
}

unsigned int sim_fn_slot(const struct sim_fn *fn)
{
	return (fn->port->host - sim_hosts) * SIM_PORTS + fn->port->devfn;
}

static void sim_port_free(struct kref *ref)
{
	kfree(container_of(ref, struct sim_port, ref));
}

static void sim_port_put(struct sim_port *port)
{
	kref_put(&port->ref, sim_port_free);
}

static void sim_fn_free(struct kref *ref)
{
	struct sim_fn *fn = container_of(ref, struct sim_fn, ref);

	cancel_delayed_work_sync(&fn->ready);
	sim_group_put(fn->group);
	sim_fn_put(fn->pf);
	sim_port_put(fn->port);
	kfree(fn);
}

/**
 * sim_fn_put() - drop a reference on a function
 * @fn: the function, or NULL. May sleep.
 */
void sim_fn_put(struct sim_fn *fn)
{
	if (fn)
		kref_put(&fn->ref, sim_fn_free);
}

/**
 * sim_fn_find() - find a function by its address
 * @slot: its slot
 * @devfn: and number there
 *
 * Return: the function, or NULL; undone by sim_fn_put().
 */
struct sim_fn *sim_fn_find(unsigned int slot, unsigned int devfn)
{
	struct sim_port *port;
	struct sim_fn *fn = NULL;
	unsigned long flags;

	raw_spin_lock_irqsave(&sim_lock, flags);
	port = sim_slot_port(slot);
	if (port)
		fn = port->fns[devfn];
	if (fn)
		kref_get(&fn->ref);
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	return fn;
}

/**
 * sim_fn_next() - walk all functions
 * @pos: where to go on, 0 at first; moves on
 *
 * Return: the next one, or NULL; undone by sim_fn_put().
 */
struct sim_fn *sim_fn_next(unsigned int *pos)
{
	struct sim_port *port;
	struct sim_fn *fn;

	while (*pos < SIM_SLOTS * SIM_DEVFNS) {
		port = READ_ONCE(sim_slot_host(*pos / SIM_DEVFNS)->ports[*pos / SIM_DEVFNS %
									 SIM_PORTS]);
		if (!port) {
			*pos = (*pos / SIM_DEVFNS + 1) * SIM_DEVFNS;
			continue;
		}
		fn = sim_fn_find(*pos / SIM_DEVFNS, *pos % SIM_DEVFNS);
		++*pos;
		if (fn)
			return fn;
	}
	return NULL;
}

/**
 * sim_fn_of() - the function that a PCI device is
 * @pdev: the device
 *
 * Return: the function, or NULL for a port or somebody else's device; undone by
 * sim_fn_put().
 */
struct sim_fn *sim_fn_of(struct pci_dev *pdev)
{
	struct sim_host *host;
	struct sim_port *port;
	struct sim_fn *fn = NULL;
	unsigned long flags;

	if (!sim_is_ours(pdev) || !pdev->bus->number)
		return NULL;
	host = container_of(pdev->bus->sysdata, struct sim_host, sysdata);
	raw_spin_lock_irqsave(&sim_lock, flags);
	port = host->by_bus[pdev->bus->number];
	if (port)
		fn = port->fns[pdev->devfn];
	if (fn)
		kref_get(&fn->ref);
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	return fn;
}

/**
 * sim_fn_pdev() - the PCI device that a function is
 * @fn: the function
 *
 * Return: the device, or NULL if the PCI core has none; undone by pci_dev_put().
 */
struct pci_dev *sim_fn_pdev(struct sim_fn *fn)
{
	return pci_get_domain_bus_and_slot(fn->port->host->sysdata.domain,
					   fn->port->cfg.data[PCI_SECONDARY_BUS], fn->devfn);
}

static struct sim_fn *sim_fn_alloc(struct sim_port *port, u8 devfn, const struct sim_desc *desc)
{
	struct sim_fn *fn = kzalloc(sizeof(*fn), GFP_KERNEL);

	if (!fn)
		return NULL;
	kref_init(&fn->ref);
	INIT_DELAYED_WORK(&fn->ready, sim_memory_ready);
	init_waitqueue_head(&fn->wait);
	fn->devfn = devfn;
	fn->desc = *desc;
	if (desc->group[0]) {
		fn->group = sim_group_get(desc->group);
		if (!fn->group) {
			kfree(fn);
			return NULL;
		}
	}
	kref_get(&port->ref);
	fn->port = port;
	return fn;
}

static void sim_fn_insert(struct sim_fn *fn)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&sim_lock, flags);
	fn->port->fns[fn->devfn] = fn;
	raw_spin_unlock_irqrestore(&sim_lock, flags);
}

/* Takes a function, and with it its virtual ones, out of the table. */
static void sim_fn_drop(struct sim_fn *fn)
{
	struct sim_port *port = fn->port;
	unsigned long flags;
	unsigned int i;

	for (i = 0; fn->first_vf && i < fn->desc.vfs; i++) {
		struct sim_fn *vf = port->fns[fn->first_vf + i];

		raw_spin_lock_irqsave(&sim_lock, flags);
		port->fns[fn->first_vf + i] = NULL;
		raw_spin_unlock_irqrestore(&sim_lock, flags);
		sim_fn_put(vf);
	}
	raw_spin_lock_irqsave(&sim_lock, flags);
	port->fns[fn->devfn] = NULL;
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	sim_fn_put(fn);
}

/* What a virtual function is, by its physical one. */
static void sim_desc_of_vf(struct sim_desc *vf, const struct sim_desc *pf)
{
	*vf = *pf;
	vf->device = pf->vf_device;
	vf->vfs = 0;
	vf->nr_words = 0;
	vf->rom = 0;
	vf->msi = 0;
	vf->msix = 0;
	vf->rmrr_size = 0;
	vf->group[0] = '\0';
	memcpy(vf->bars, pf->vf_bars, sizeof(vf->bars));
	if (vf->reset[SIM_FLR].mode == SIM_NONE)
		vf->reset[SIM_FLR].mode = SIM_WORKS;
}

static int sim_fn_add_vfs(struct sim_fn *fn)
{
	struct sim_port *port = fn->port;
	unsigned int first, i;
	struct sim_desc desc;
	struct sim_fn *vf;

	if (!fn->desc.vfs)
		return 0;
	/* Behind all that is there. */
	for (first = SIM_DEVFNS; first > 8; first--)
		if (port->fns[first - 1])
			break;
	if (first + fn->desc.vfs > SIM_DEVFNS) {
		pr_err("slot %u has no room for %u more virtual functions\n", sim_fn_slot(fn),
		       fn->desc.vfs);
		return -ENOSPC;
	}
	fn->first_vf = first;
	sim_desc_of_vf(&desc, &fn->desc);
	for (i = 0; i < fn->desc.vfs; i++) {
		vf = sim_fn_alloc(port, first + i, &desc);
		if (!vf)
			return -ENOMEM;
		kref_get(&fn->ref);
		vf->pf = fn;
		vf->vf = i;
		sim_config_init_fn(vf);
		sim_fn_insert(vf);
	}
	return 0;
}

static int sim_fn_add(unsigned int slot, unsigned int devfn, const struct sim_desc *desc)
{
	struct sim_port *port = sim_slot_port(slot);
	struct sim_fn *fn;
	int ret;

	if (port->fns[devfn]) {
		pr_err("%u.%u is taken\n", slot, devfn);
		return -EEXIST;
	}
	fn = sim_fn_alloc(port, devfn, desc);
	if (!fn)
		return -ENOMEM;
	ret = sim_fn_add_vfs(fn);
	/* In the table even so, where sim_fn_drop() finds it and its VFs. */
	sim_config_init_fn(fn);
	sim_fn_insert(fn);
	if (ret)
		sim_fn_drop(fn);
	return ret;
}

static int sim_port_add(unsigned int slot)
{
	struct sim_host *host = sim_slot_host(slot);
	struct sim_port *port = sim_slot_port(slot);
	unsigned long flags;

	if (port)
		return 0;
	port = kzalloc(sizeof(*port), GFP_KERNEL);
	if (!port)
		return -ENOMEM;
	kref_init(&port->ref);
	port->host = host;
	port->devfn = slot % SIM_PORTS;
	raw_spin_lock_irqsave(&sim_lock, flags);
	sim_config_init_port(port);
	host->ports[port->devfn] = port;
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	return 0;
}

static int sim_host_add(struct sim_host *host)
{
	unsigned int nr = host - sim_hosts;
	struct pci_host_bridge *bridge;
	LIST_HEAD(resources);
	int ret;

	if (host->bus)
		return 0;
	host->sysdata.domain = domain + nr;
	host->sysdata.node = NUMA_NO_NODE;
	if (pci_find_bus(host->sysdata.domain, 0)) {
		pr_err("there is a PCI domain %#x already; see the parameter domain\n",
		       host->sysdata.domain);
		return -EBUSY;
	}
	ret = sim_memory_window(nr, &host->window);
	if (ret)
		return ret;
	host->buses = (struct resource) {
		.name = "ptx_sim buses",
		.end = 255,
		.flags = IORESOURCE_BUS | IORESOURCE_PCI_FIXED,
	};
	pci_add_resource(&resources, &host->buses);
	pci_add_resource_offset(&resources, &host->window, host->window.start - SIM_WINDOW_BUS);
	host->bus = pci_create_root_bus(sim_parent, 0, &sim_config_ops, &host->sysdata,
					&resources);
	if (!host->bus) {
		pci_free_resource_list(&resources);
		release_resource(&host->window);
		return -ENOMEM;
	}
	/* No interrupts of ports, so none of their services. */
	bridge = pci_find_host_bridge(host->bus);
	bridge->native_aer = 0;
	bridge->native_pcie_hotplug = 0;
	bridge->native_pme = 0;
	bridge->native_dpc = 0;
	dev_set_msi_domain(&host->bus->dev, sim_msi_domain());
	return 0;
}

/* The bus below a port, which the PCI core is told of if need be. */
static struct pci_bus *sim_port_bus(struct sim_port *port)
{
	struct pci_bus *root = port->host->bus;
	struct pci_dev *pdev = pci_get_slot(root, port->devfn);
	struct pci_bus *bus;

	if (!pdev) {
		pdev = pci_dev_get(pci_scan_single_device(root, port->devfn));
		if (!pdev)
			return NULL;
		/* It has its bus numbers, so one pass is enough. */
		pci_scan_bridge(root, pdev, 0, 0);
	}
	bus = pdev->subordinate;
	pci_dev_put(pdev);
	return bus;
}

static void sim_range_scan(const struct sim_range *range)
{
	unsigned int slot, devfn;
	struct pci_bus *bus;

	for (slot = range->slot; slot <= range->last_slot; slot++) {
		bus = sim_port_bus(sim_slot_port(slot));
		for (devfn = range->devfn; bus && devfn <= range->last_devfn; devfn++)
			pci_scan_single_device(bus, devfn);
	}
}

/* The bit that says so is the same in all functions of a slot. */
static void sim_range_mark(const struct sim_range *range)
{
	unsigned int slot, i, n;
	struct sim_port *port;
	unsigned long flags;

	for (slot = range->slot; slot <= range->last_slot; slot++) {
		port = sim_slot_port(slot);
		n = 0;
		raw_spin_lock_irqsave(&sim_lock, flags);
		for (i = 0; i < 8; i++)
			n += !!port->fns[i];
		for (i = 0; i < 8 && n > 1; i++)
			if (port->fns[i])
				port->fns[i]->cfg.data[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_MFD;
		raw_spin_unlock_irqrestore(&sim_lock, flags);
	}
}

static void sim_range_drop(const struct sim_range *range, unsigned int slot, unsigned int devfn)
{
	unsigned int s, d;

	for (s = range->slot; s <= range->last_slot; s++)
		for (d = range->devfn; d <= range->last_devfn; d++) {
			if (s == slot && d == devfn)
				return;
			sim_fn_drop(sim_slot_port(s)->fns[d]);
		}
}

/* All of them or none. */
static int sim_range_add(const struct sim_range *range, const struct sim_desc *desc)
{
	unsigned int slot, devfn;
	int ret;

	for (slot = range->slot; slot <= range->last_slot; slot++) {
		ret = sim_host_add(sim_slot_host(slot));
		if (ret)
			return ret;
		ret = sim_port_add(slot);
		if (ret)
			return ret;
	}
	for (slot = range->slot; slot <= range->last_slot; slot++)
		for (devfn = range->devfn; devfn <= range->last_devfn; devfn++) {
			ret = sim_fn_add(slot, devfn, desc);
			if (ret) {
				sim_range_drop(range, slot, devfn);
				return ret;
			}
		}
	return 0;
}

static int sim_lines_read(char *text, struct list_head *lines)
{
	char *line, *address;
	struct sim_line *l;
	int ret;

	while ((line = sim_text_line(&text))) {
		l = kzalloc(sizeof(*l), GFP_KERNEL);
		if (!l)
			return -ENOMEM;
		list_add_tail(&l->node, lines);
		address = sim_text_word(&line);
		ret = sim_text_range(address, &l->range);
		if (ret)
			return ret;
		if (l->range.last_devfn > 7) {
			pr_err("'%s': a slot has functions 0 to 7\n", address);
			return -EINVAL;
		}
		sim_desc_init(&l->desc);
		ret = sim_desc_parse(&l->desc, line, false);
		if (!ret && !l->desc.driver[0])
			ret = sim_driver_learn(&l->desc);
		if (ret)
			return ret;
	}
	return 0;
}

static void sim_lines_plug_in(struct list_head *lines)
{
	struct sim_line *l;
	unsigned int i;

	list_for_each_entry(l, lines, node)
		sim_range_mark(&l->range);
	list_for_each_entry(l, lines, node)
		sim_range_scan(&l->range);
	for (i = 0; i < SIM_HOSTS; i++) {
		if (!sim_hosts[i].bus)
			continue;
		pci_assign_unassigned_bus_resources(sim_hosts[i].bus);
		pci_bus_add_devices(sim_hosts[i].bus);
	}
}

/**
 * sim_add() - plug in what a text describes
 * @text: the text; changed
 *
 * All lines or none. When it returns, drivers have probed.
 *
 * Return: 0 or a negative errno, having said what is wrong.
 */
int sim_add(char *text)
{
	struct sim_line *l, *next, *bad;
	LIST_HEAD(lines);
	int ret;

	ret = sim_lines_read(text, &lines);
	if (ret)
		goto out;
	pci_lock_rescan_remove();
	list_for_each_entry(l, &lines, node) {
		ret = sim_range_add(&l->range, &l->desc);
		if (!ret)
			continue;
		bad = l;
		list_for_each_entry(l, &lines, node) {
			if (l == bad)
				break;
			sim_range_drop(&l->range, SIM_SLOTS, 0);
		}
		break;
	}
	if (!ret)
		sim_lines_plug_in(&lines);
	pci_unlock_rescan_remove();
out:
	list_for_each_entry_safe(l, next, &lines, node)
		kfree(l);
	return ret;
}

/* As when a cable is cut: silence, and then somebody notices. */
static void sim_fn_yank(struct sim_fn *fn)
{
	struct sim_port *port = fn->port;
	unsigned long flags;
	struct pci_dev *pdev;
	unsigned int i;

	raw_spin_lock_irqsave(&sim_lock, flags);
	for (i = 0; i < SIM_DEVFNS; i++) {
		if (port->fns[i] != fn && (!port->fns[i] || port->fns[i]->pf != fn))
			continue;
		port->fns[i]->gone = true;
		sim_memory_silence(port->fns[i]);
	}
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	for (i = 0; i < SIM_DEVFNS; i++) {
		struct sim_fn *f = port->fns[i];

		pdev = f && f->gone ? sim_fn_pdev(f) : NULL;
		if (pdev)
			WRITE_ONCE(pdev->error_state, pci_channel_io_perm_failure);
		pci_dev_put(pdev);
	}
}

static void sim_fn_remove(struct sim_fn *fn)
{
	struct pci_dev *pdev = sim_fn_pdev(fn);

	if (pdev)
		pci_stop_and_remove_bus_device(pdev);
	pci_dev_put(pdev);
	sim_fn_drop(fn);
}

/**
 * sim_remove() - unplug functions
 * @range: which ones
 * @yank: tear them out, instead of asking first
 *
 * Waits for drivers to let go, with the rescan lock held as the kernel does.
 *
 * Return: 0, or -ENODEV if there is none.
 */
int sim_remove(const struct sim_range *range, bool yank)
{
	unsigned int slot, devfn;
	struct sim_port *port;
	int ret = -ENODEV;

	pci_lock_rescan_remove();
	for (slot = range->slot; yank && slot <= range->last_slot; slot++) {
		port = sim_slot_port(slot);
		for (devfn = range->devfn; port && devfn <= range->last_devfn; devfn++)
			if (port->fns[devfn])
				sim_fn_yank(port->fns[devfn]);
	}
	for (slot = range->slot; slot <= range->last_slot; slot++) {
		port = sim_slot_port(slot);
		for (devfn = range->devfn; port && devfn <= range->last_devfn; devfn++) {
			/* Virtual functions are the driver's to remove. */
			if (!port->fns[devfn] || port->fns[devfn]->pf)
				continue;
			sim_fn_remove(port->fns[devfn]);
			ret = 0;
		}
	}
	pci_unlock_rescan_remove();
	return ret;
}

static void sim_port_drop(struct sim_port *port)
{
	struct sim_host *host = port->host;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < SIM_DEVFNS; i++)
		if (port->fns[i])
			sim_fn_drop(port->fns[i]);
	raw_spin_lock_irqsave(&sim_lock, flags);
	host->ports[port->devfn] = NULL;
	for (i = 0; i < ARRAY_SIZE(host->by_bus); i++)
		if (host->by_bus[i] == port)
			host->by_bus[i] = NULL;
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	sim_port_put(port);
}

/* A remove() that is held back would hold back everything else. */
static void sim_let_go(void)
{
	unsigned int pos = 0;
	unsigned long flags;
	struct sim_fn *fn;

	while ((fn = sim_fn_next(&pos))) {
		raw_spin_lock_irqsave(&sim_lock, flags);
		fn->desc.hold = false;
		raw_spin_unlock_irqrestore(&sim_lock, flags);
		wake_up_all(&fn->wait);
		sim_fn_put(fn);
	}
}

/**
 * sim_clear() - unplug everything, host bridges too
 *
 * Lets all native drivers go first; VFIO's users are waited for.
 */
void sim_clear(void)
{
	struct pci_host_bridge *bridge;
	struct sim_host *host;
	unsigned int i, k;

	sim_let_go();
	pci_lock_rescan_remove();
	for (i = 0; i < SIM_HOSTS; i++) {
		host = &sim_hosts[i];
		if (!host->bus)
			continue;
		bridge = pci_find_host_bridge(host->bus);
		pci_stop_root_bus(host->bus);
		pci_remove_root_bus(host->bus);
		/* The reference that pci_create_root_bus() left to us. */
		put_device(&bridge->dev);
		host->bus = NULL;
		for (k = 0; k < SIM_PORTS; k++)
			if (host->ports[k])
				sim_port_drop(host->ports[k]);
		release_resource(&host->window);
	}
	pci_unlock_rescan_remove();
}

/**
 * sim_fn_set() - change what a function does
 * @fn: the function
 * @line: words; changed
 *
 * Return: 0 or a negative errno, having said what is wrong.
 */
int sim_fn_set(struct sim_fn *fn, char *line)
{
	struct sim_desc *desc = kmalloc(sizeof(*desc), GFP_KERNEL);
	unsigned long flags;
	unsigned int i;
	int ret;

	if (!desc)
		return -ENOMEM;
	raw_spin_lock_irqsave(&sim_lock, flags);
	*desc = fn->desc;
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	ret = sim_desc_parse(desc, line, true);
	if (ret)
		goto out;
	raw_spin_lock_irqsave(&sim_lock, flags);
	for (i = 0; i < SIM_BUS; i++)
		if (!desc->reset[i].mode != !fn->desc.reset[i].mode)
			ret = -EINVAL;
	if (!ret)
		fn->desc = *desc;
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	if (ret)
		pr_err("a way to reset cannot come or go\n");
	else
		wake_up_all(&fn->wait);
out:
	kfree(desc);
	return ret;
}
