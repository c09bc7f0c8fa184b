// SPDX-License-Identifier: GPL-2.0-only
/*
 * Configuration space: what the registers say, and what happens when they are
 * written. A function's behaviour is here and nowhere else, since nothing tells
 * us of an access to a BAR.
 *
 * Everything runs under sim_lock.
 */
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/unaligned.h>

#include "sim.h"

#define SIM_PORT_VENDOR	0x1234
#define SIM_PORT_DEVICE	0x0518

/* Source validation, request and completion redirect, upstream forwarding. */
#define SIM_ACS (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)

#define SIM_COMMAND (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | \
		     PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE)

/* Not inside any window. */
#define SIM_NONSENSE	0x0dd00000

DEFINE_RAW_SPINLOCK(sim_lock);

static void sim_put8(struct sim_cfg *cfg, unsigned int at, u8 data, u8 mask)
{
	cfg->data[at] = data;
	cfg->mask[at] = mask;
}

static void sim_put16(struct sim_cfg *cfg, unsigned int at, u16 data, u16 mask)
{
	put_unaligned_le16(data, &cfg->data[at]);
	put_unaligned_le16(mask, &cfg->mask[at]);
}

static void sim_put32(struct sim_cfg *cfg, unsigned int at, u32 data, u32 mask)
{
	put_unaligned_le32(data, &cfg->data[at]);
	put_unaligned_le32(mask, &cfg->mask[at]);
}

static u16 sim_get16(const struct sim_cfg *cfg, unsigned int at)
{
	return get_unaligned_le16(&cfg->data[at]);
}

static u8 sim_cap(struct sim_cfg *cfg, u8 id, unsigned int len)
{
	u8 at = cfg->end;

	cfg->data[cfg->link] = at;
	cfg->data[at] = id;
	cfg->link = at + 1;
	cfg->end = at + ALIGN(len, 4);
	return at;
}

static u16 sim_ext_cap(struct sim_cfg *cfg, u16 id, unsigned int len)
{
	u16 at = cfg->ext_end;

	/* The upper twelve bits of a header point to the next one. */
	if (cfg->ext)
		sim_put16(cfg, cfg->ext + 2, 1 | at << 4, 0);
	sim_put32(cfg, at, id | 1 << 16, 0);
	cfg->ext = at;
	cfg->ext_end = at + len;
	return at;
}

static void sim_init_header(struct sim_cfg *cfg, u8 type, u32 class, u8 revision)
{
	sim_put16(cfg, PCI_COMMAND, 0, SIM_COMMAND);
	sim_put16(cfg, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	sim_put32(cfg, PCI_CLASS_REVISION, class << 8 | revision, 0);
	sim_put8(cfg, PCI_CACHE_LINE_SIZE, 0, 0xff);
	sim_put8(cfg, PCI_HEADER_TYPE, type, 0);
	sim_put8(cfg, PCI_INTERRUPT_LINE, 0, 0xff);
	cfg->link = PCI_CAPABILITY_LIST;
	cfg->end = 0x40;
	cfg->ext_end = PCI_CFG_SPACE_SIZE;
}

static void sim_init_bars(struct sim_cfg *cfg, unsigned int at, const struct sim_bar *bars)
{
	unsigned int i;

	for (i = 0; i < SIM_BARS; i++) {
		u64 mask = ~(bars[i].size - 1);
		u32 type = 0;

		if (!bars[i].size)
			continue;
		if (bars[i].is64)
			type |= PCI_BASE_ADDRESS_MEM_TYPE_64;
		if (bars[i].prefetch)
			type |= PCI_BASE_ADDRESS_MEM_PREFETCH;
		sim_put32(cfg, at + i * 4, type, mask & PCI_BASE_ADDRESS_MEM_MASK);
		if (bars[i].is64)
			sim_put32(cfg, at + i * 4 + 4, 0, mask >> 32);
	}
}

static u16 sim_init_exp(struct sim_cfg *cfg, u8 type, u32 devcap)
{
	u16 at = sim_cap(cfg, PCI_CAP_ID_EXP, PCI_EXP_SLTSTA2 + 2);

	sim_put16(cfg, at + PCI_EXP_FLAGS, 2 | type << 4, 0);
	sim_put32(cfg, at + PCI_EXP_DEVCAP, devcap | PCI_EXP_DEVCAP_RBER, 0);
	/* Its last bit starts a function level reset and reads as 0. */
	sim_put16(cfg, at + PCI_EXP_DEVCTL, 0, 0x7fff);
	sim_put32(cfg, at + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4, 0);
	sim_put16(cfg, at + PCI_EXP_LNKCTL, 0, PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
	sim_put16(cfg, at + PCI_EXP_LNKSTA, PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1, 0);
	sim_put32(cfg, at + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB, 0);
	return at;
}

static void sim_init_acs(struct sim_cfg *cfg)
{
	u16 at = sim_ext_cap(cfg, PCI_EXT_CAP_ID_ACS, 8);

	/* On from the start and for good, as the kernel only does it on request. */
	sim_put16(cfg, at + PCI_ACS_CAP, SIM_ACS, 0);
	sim_put16(cfg, at + PCI_ACS_CTRL, SIM_ACS, 0);
}

static void sim_init_msi(struct sim_fn *fn)
{
	u16 at = sim_cap(&fn->cfg, PCI_CAP_ID_MSI, 0x10);
	u16 log = order_base_2(fn->desc.msi);

	sim_put16(&fn->cfg, at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_64BIT | log << 1,
		  PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	sim_put32(&fn->cfg, at + PCI_MSI_ADDRESS_LO, 0, ~3U);
	sim_put32(&fn->cfg, at + PCI_MSI_ADDRESS_HI, 0, ~0U);
	sim_put16(&fn->cfg, at + PCI_MSI_DATA_64, 0, 0xffff);
}

/* In the last BAR that has room, and there in the second half. */
static void sim_init_msix(struct sim_fn *fn)
{
	unsigned int bar = SIM_BARS, i;
	u16 at;

	for (i = 0; i < SIM_BARS; i++)
		if (fn->desc.bars[i].size >= max(4096, fn->desc.msix * 64))
			bar = i;
	if (bar == SIM_BARS)
		return;
	at = sim_cap(&fn->cfg, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	sim_put16(&fn->cfg, at + PCI_MSIX_FLAGS, fn->desc.msix - 1,
		  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	sim_put32(&fn->cfg, at + PCI_MSIX_TABLE, (fn->desc.bars[bar].size / 2) | bar, 0);
	sim_put32(&fn->cfg, at + PCI_MSIX_PBA, (fn->desc.bars[bar].size / 4 * 3) | bar, 0);
}

static void sim_init_sriov(struct sim_fn *fn)
{
	u16 at = sim_ext_cap(&fn->cfg, PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF);

	sim_put16(&fn->cfg, at + PCI_SRIOV_CTRL, 0,
		  PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI);
	sim_put16(&fn->cfg, at + PCI_SRIOV_INITIAL_VF, fn->desc.vfs, 0);
	sim_put16(&fn->cfg, at + PCI_SRIOV_TOTAL_VF, fn->desc.vfs, 0);
	sim_put16(&fn->cfg, at + PCI_SRIOV_NUM_VF, 0, 0xffff);
	sim_put8(&fn->cfg, at + PCI_SRIOV_FUNC_LINK, PCI_FUNC(fn->devfn), 0);
	sim_put16(&fn->cfg, at + PCI_SRIOV_VF_OFFSET, fn->first_vf - fn->devfn, 0);
	sim_put16(&fn->cfg, at + PCI_SRIOV_VF_STRIDE, 1, 0);
	sim_put16(&fn->cfg, at + PCI_SRIOV_VF_DID, fn->desc.vf_device, 0);
	sim_put32(&fn->cfg, at + PCI_SRIOV_SUP_PGSIZE, 1, 0);
	sim_put32(&fn->cfg, at + PCI_SRIOV_SYS_PGSIZE, 0, ~0U);
	sim_init_bars(&fn->cfg, at + PCI_SRIOV_BAR, fn->desc.vf_bars);
	fn->sriov = at;
}

/**
 * sim_config_init_fn() - the registers of a function as after power-on
 * @fn: the function
 */
void sim_config_init_fn(struct sim_fn *fn)
{
	const struct sim_desc *desc = &fn->desc;
	struct sim_cfg *cfg = &fn->cfg;

	sim_init_header(cfg, PCI_HEADER_TYPE_NORMAL, desc->class, desc->revision);
	if (fn->pf) {
		/* The PCI core takes both from the physical function. */
		sim_put16(cfg, PCI_VENDOR_ID, 0xffff, 0);
		sim_put16(cfg, PCI_DEVICE_ID, 0xffff, 0);
		sim_put16(cfg, PCI_COMMAND, 0, PCI_COMMAND_MASTER);
	} else {
		sim_put16(cfg, PCI_VENDOR_ID, desc->vendor, 0);
		sim_put16(cfg, PCI_DEVICE_ID, desc->device, 0);
		sim_init_bars(cfg, PCI_BASE_ADDRESS_0, desc->bars);
		if (desc->rom)
			sim_put32(cfg, PCI_ROM_ADDRESS, 0,
				  ~(desc->rom - 1) | PCI_ROM_ADDRESS_ENABLE);
	}
	sim_put16(cfg, PCI_SUBSYSTEM_VENDOR_ID, desc->subvendor, 0);
	sim_put16(cfg, PCI_SUBSYSTEM_ID, desc->subdevice, 0);

	fn->pm = sim_cap(cfg, PCI_CAP_ID_PM, PCI_PM_SIZEOF);
	sim_put16(cfg, fn->pm + PCI_PM_PMC, 3, 0);
	sim_put16(cfg, fn->pm + PCI_PM_CTRL,
		  desc->reset[SIM_PM].mode == SIM_NONE ? PCI_PM_CTRL_NO_SOFT_RESET : 0,
		  PCI_PM_CTRL_STATE_MASK);
	fn->exp = sim_init_exp(cfg, PCI_EXP_TYPE_ENDPOINT,
			       desc->reset[SIM_FLR].mode == SIM_NONE ? 0 : PCI_EXP_DEVCAP_FLR);
	if (desc->reset[SIM_AF_FLR].mode != SIM_NONE) {
		fn->af = sim_cap(cfg, PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF);
		sim_put8(cfg, fn->af + PCI_AF_LENGTH, PCI_CAP_AF_SIZEOF, 0);
		sim_put8(cfg, fn->af + PCI_AF_CAP, PCI_AF_CAP_TP | PCI_AF_CAP_FLR, 0);
	}
	if (desc->msi && !fn->pf)
		sim_init_msi(fn);
	if (desc->msix && !fn->pf)
		sim_init_msix(fn);
	if (desc->vfs && !fn->pf)
		sim_init_sriov(fn);
	if (desc->acs)
		sim_init_acs(cfg);
}

/**
 * sim_config_init_port() - the registers of a root port, as firmware leaves them
 * @port: the port
 */
void sim_config_init_port(struct sim_port *port)
{
	struct sim_cfg *cfg = &port->cfg;
	u8 bus = port->devfn + 1;

	sim_init_header(cfg, PCI_HEADER_TYPE_BRIDGE, PCI_CLASS_BRIDGE_PCI_NORMAL, 0);
	sim_put16(cfg, PCI_VENDOR_ID, SIM_PORT_VENDOR, 0);
	sim_put16(cfg, PCI_DEVICE_ID, SIM_PORT_DEVICE, 0);
	/* Bus numbers are given out, so that addresses are known beforehand. */
	sim_put32(cfg, PCI_PRIMARY_BUS, bus << 8 | bus << 16, ~0U);
	/* Windows are closed: they end before they begin. */
	sim_put16(cfg, PCI_IO_BASE, 0x00f0, 0xf0f0);
	sim_put32(cfg, PCI_MEMORY_BASE, 0x0000fff0, 0xfff0fff0);
	sim_put32(cfg, PCI_PREF_MEMORY_BASE, 0x0000fff0, 0xfff0fff0);
	sim_put16(cfg, PCI_BRIDGE_CONTROL, 0,
		  PCI_BRIDGE_CTL_PARITY | PCI_BRIDGE_CTL_SERR | PCI_BRIDGE_CTL_MASTER_ABORT |
		  PCI_BRIDGE_CTL_BUS_RESET);
	port->exp = sim_init_exp(cfg, PCI_EXP_TYPE_ROOT_PORT, 0);
	sim_put16(cfg, port->exp + PCI_EXP_RTCTL, 0, 0x1f);
	sim_put16(cfg, port->exp + PCI_EXP_RTCAP, PCI_EXP_RTCAP_RRS_SV, 0);
	sim_init_acs(cfg);
	port->host->by_bus[bus] = port;
}

static bool sim_until(u64 end)
{
	return end && time_before64(get_jiffies_64(), end);
}

static u64 sim_after(u32 ms)
{
	return ms ? get_jiffies_64() + max(1UL, msecs_to_jiffies(ms)) : 0;
}

/* Whether a virtual function is switched on. */
static bool sim_vf_exists(const struct sim_fn *fn)
{
	const struct sim_cfg *cfg = &fn->pf->cfg;

	return sim_get16(cfg, fn->pf->sriov + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE &&
	       fn->vf < sim_get16(cfg, fn->pf->sriov + PCI_SRIOV_NUM_VF);
}

/**
 * sim_config_answers() - does a function answer at all
 * @fn: the function
 *
 * Return: false if everything reads as all ones.
 */
bool sim_config_answers(const struct sim_fn *fn)
{
	lockdep_assert_held(&sim_lock);
	if (fn->gone || fn->killed)
		return false;
	if (sim_get16(&fn->port->cfg, PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_BUS_RESET)
		return false;
	if (fn->dead && (!fn->dead_until || sim_until(fn->dead_until)))
		return false;
	return !fn->pf || (sim_vf_exists(fn) && sim_config_answers(fn->pf));
}

/**
 * sim_config_is_master() - may a function do DMA
 * @fn: the function
 *
 * Return: true if it answers, and bus mastering is on for it and its port.
 */
bool sim_config_is_master(const struct sim_fn *fn)
{
	lockdep_assert_held(&sim_lock);
	return sim_config_answers(fn) && !sim_until(fn->slow_until) &&
	       sim_get16(&fn->cfg, PCI_COMMAND) & PCI_COMMAND_MASTER &&
	       sim_get16(&fn->port->cfg, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

/* The registers as after power-on. */
static void sim_clear_registers(struct sim_fn *fn)
{
	unsigned int i;

	for (i = 0; i < SIM_CFG_SIZE; i++)
		fn->cfg.data[i] &= ~fn->cfg.mask[i];
	fn->dead = false;
	fn->dead_until = 0;
	fn->odd = false;
	fn->slow_until = 0;
}

static void sim_reset(struct sim_fn *fn, enum sim_kind kind)
{
	const struct sim_reset *reset = &fn->desc.reset[kind];
	u32 ms = reset->ms;

	fn->count[kind]++;
	if (reset->mode == SIM_NONE || reset->mode == SIM_NOTHING || fn->killed || fn->gone)
		return;
	sim_clear_registers(fn);
	switch (reset->mode) {
	case SIM_SLOW:
		fn->slow_until = sim_after(ms);
		sim_memory_silence(fn);
		sim_memory_ready_in(fn, ms + fn->desc.ready_ms);
		break;
	case SIM_DEAD:
		fn->dead = true;
		fn->dead_until = sim_after(ms);
		sim_memory_silence(fn);
		if (ms)
			sim_memory_ready_in(fn, ms + fn->desc.ready_ms);
		break;
	default:
		fn->odd = reset->mode == SIM_ODD;
		sim_memory_reset(fn);
		break;
	}
}

/**
 * sim_fn_kill() - stop a function from answering, or let it again
 * @fn: the function
 * @kill: which of both. One that is revived has no registers set.
 */
void sim_fn_kill(struct sim_fn *fn, bool kill)
{
	lockdep_assert_held(&sim_lock);
	fn->killed = kill;
	if (kill) {
		sim_memory_silence(fn);
	} else {
		sim_clear_registers(fn);
		sim_memory_reset(fn);
	}
}

static bool sim_is_bar(unsigned int where)
{
	return where >= PCI_BASE_ADDRESS_0 && where < PCI_CARDBUS_CIS;
}

/* The byte at @at of what is being written, or -1. */
static int sim_written(unsigned int where, unsigned int size, u32 val, unsigned int at)
{
	if (at < where || at >= where + size)
		return -1;
	return (val >> (at - where) * 8) & 0xff;
}

static void sim_store(struct sim_cfg *cfg, unsigned int where, unsigned int size, u32 val)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		u8 mask = cfg->mask[where + i];

		cfg->data[where + i] = (cfg->data[where + i] & ~mask) | ((val >> i * 8) & mask);
	}
}

static u32 sim_load(const u8 *from, unsigned int size)
{
	u32 val = 0;
	unsigned int i;

	for (i = 0; i < size; i++)
		val |= from[i] << i * 8;
	return val;
}

/* What a scan does, and nobody else: that heals it. */
static bool sim_is_sizing(unsigned int where, unsigned int size, u32 val)
{
	return sim_is_bar(where) && size == 4 && val == ~0U;
}

static void sim_fn_store(struct sim_fn *fn, unsigned int where, unsigned int size, u32 val)
{
	u16 was = sim_get16(&fn->cfg, fn->pm + PCI_PM_CTRL), now;
	int byte;

	if (sim_is_sizing(where, size, val))
		fn->odd = false;
	if (fn->odd && sim_is_bar(where))
		return;
	sim_store(&fn->cfg, where, size, val);

	if (where < PCI_CARDBUS_CIS && where + size > PCI_COMMAND &&
	    sim_get16(&fn->cfg, PCI_COMMAND) & PCI_COMMAND_MEMORY)
		sim_memory_place(fn);

	now = sim_get16(&fn->cfg, fn->pm + PCI_PM_CTRL);
	if ((was ^ now) & PCI_PM_CTRL_STATE_MASK) {
		if (now & PCI_PM_CTRL_STATE_MASK)
			fn->sleeps++;
		else if (!(now & PCI_PM_CTRL_NO_SOFT_RESET))
			sim_reset(fn, SIM_PM);
	}
	byte = sim_written(where, size, val, fn->exp + PCI_EXP_DEVCTL + 1);
	if (byte > 0 && byte & (PCI_EXP_DEVCTL_BCR_FLR >> 8) &&
	    fn->desc.reset[SIM_FLR].mode != SIM_NONE)
		sim_reset(fn, SIM_FLR);
	byte = fn->af ? sim_written(where, size, val, fn->af + PCI_AF_CTRL) : 0;
	if (byte > 0 && byte & PCI_AF_CTRL_FLR)
		sim_reset(fn, SIM_AF_FLR);
}

static void sim_port_store(struct sim_port *port, unsigned int where, unsigned int size, u32 val)
{
	u16 was = sim_get16(&port->cfg, PCI_BRIDGE_CONTROL), now;
	u8 old = port->cfg.data[PCI_SECONDARY_BUS], bus;
	unsigned int i;

	sim_store(&port->cfg, where, size, val);

	bus = port->cfg.data[PCI_SECONDARY_BUS];
	if (bus != old) {
		if (port->host->by_bus[old] == port)
			port->host->by_bus[old] = NULL;
		port->host->by_bus[bus] = port;
	}
	now = sim_get16(&port->cfg, PCI_BRIDGE_CONTROL);
	if (!(was & ~now & PCI_BRIDGE_CTL_BUS_RESET))
		return;
	for (i = 0; i < SIM_DEVFNS; i++) {
		/* The physical function takes its virtual ones with it. */
		if (port->fns[i] && port->fns[i]->pf)
			sim_clear_registers(port->fns[i]);
		else if (port->fns[i])
			sim_reset(port->fns[i], SIM_BUS);
	}
}

static u32 sim_fn_load(const struct sim_fn *fn, unsigned int where, unsigned int size)
{
	/* "Try again", which only a read of the vendor id may see. */
	if (sim_until(fn->slow_until)) {
		if (where || size < 2 || !(sim_get16(&fn->port->cfg, fn->port->exp +
						     PCI_EXP_RTCTL) & PCI_EXP_RTCTL_RRS_SVE))
			return ~0U;
		return 0xffff0001;
	}
	/* As far as they can be written: what kind of BARs they are is still so. */
	if (fn->odd && sim_is_bar(where))
		return sim_load(&fn->cfg.data[where], size) |
		       (SIM_NONSENSE & sim_load(&fn->cfg.mask[where], size));
	return sim_load(&fn->cfg.data[where], size);
}

static struct sim_fn *sim_route(struct sim_host *host, unsigned int bus, unsigned int devfn)
{
	struct sim_port *port = host->by_bus[bus];
	struct sim_fn *fn = port ? port->fns[devfn] : NULL;

	return fn && sim_config_answers(fn) ? fn : NULL;
}

static int sim_config_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *val)
{
	struct sim_host *host = container_of(bus->sysdata, struct sim_host, sysdata);
	struct sim_port *port;
	struct sim_fn *fn;
	unsigned long flags;

	*val = ~0U;
	raw_spin_lock_irqsave(&sim_lock, flags);
	if (bus->number) {
		fn = sim_route(host, bus->number, devfn);
		if (fn)
			*val = where < SIM_CFG_SIZE ? sim_fn_load(fn, where, size) : 0;
	} else {
		port = devfn < SIM_PORTS ? host->ports[devfn] : NULL;
		if (port)
			*val = where < SIM_CFG_SIZE ? sim_load(&port->cfg.data[where], size) : 0;
	}
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	if (size < 4)
		*val &= (1U << size * 8) - 1;
	return PCIBIOS_SUCCESSFUL;
}

static int sim_config_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 val)
{
	struct sim_host *host = container_of(bus->sysdata, struct sim_host, sysdata);
	struct sim_port *port;
	struct sim_fn *fn;
	unsigned long flags;

	if (where >= SIM_CFG_SIZE)
		return PCIBIOS_SUCCESSFUL;
	raw_spin_lock_irqsave(&sim_lock, flags);
	if (bus->number) {
		fn = sim_route(host, bus->number, devfn);
		if (fn && !sim_until(fn->slow_until))
			sim_fn_store(fn, where, size, val);
	} else {
		port = devfn < SIM_PORTS ? host->ports[devfn] : NULL;
		if (port)
			sim_port_store(port, where, size, val);
	}
	raw_spin_unlock_irqrestore(&sim_lock, flags);
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops sim_config_ops = {
	.read = sim_config_read,
	.write = sim_config_write,
};
