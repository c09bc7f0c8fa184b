/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ptx_sim: PCI host bridges, devices and an IOMMU in software, for tests of
 * ptx. What it is asked for in text is described in README.rst.
 *
 * Locks, outermost first:
 *   the PCI core's rescan lock   hosts, ports and functions come and go under it
 *   sim_lock (raw spinlock)      every register, and the tables that lead to them
 *   sim_dma_lock (spinlock)      which domain a function is attached to
 * A function found in a table is used under sim_lock, or with a reference.
 */
#ifndef PTX_SIM_H
#define PTX_SIM_H

#include <linux/atomic.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#define SIM_DRIVER	"ptx-sim"
#define SIM_HOSTS	4	/* host bridges, each a PCI domain */
#define SIM_PORTS	128	/* root ports of one host bridge */
#define SIM_SLOTS	(SIM_HOSTS * SIM_PORTS)
#define SIM_DEVFNS	256	/* functions below one port, VFs included */
#define SIM_CFG_SIZE	0x200	/* of the 4096 bytes, those that are not zero */
#define SIM_BARS	6
#define SIM_WORDS	8
#define SIM_NAME	32

/**
 * enum sim_kind - the ways to reset a function that leave traces here
 * @SIM_FLR: the bit in the PCI Express capability
 * @SIM_AF_FLR: the bit in the Advanced Features capability
 * @SIM_PM: from D3hot back to D0
 * @SIM_BUS: the port's secondary bus reset
 * @SIM_KINDS: how many there are
 */
enum sim_kind {
	SIM_FLR,
	SIM_AF_FLR,
	SIM_PM,
	SIM_BUS,
	SIM_KINDS,
};

/**
 * enum sim_mode - what a reset does
 * @SIM_NONE: there is no such reset
 * @SIM_WORKS: registers are as after power-on
 * @SIM_NOTHING: it is counted, and that is all
 * @SIM_SLOW: works, but the function asks for retries for a while
 * @SIM_DEAD: the function is silent, for a while or for good
 * @SIM_ODD: works, but its BARs say nonsense until somebody asks for their size
 */
enum sim_mode {
	SIM_NONE,
	SIM_WORKS,
	SIM_NOTHING,
	SIM_SLOW,
	SIM_DEAD,
	SIM_ODD,
};

/**
 * struct sim_reset - one way to reset, and what it does
 * @mode: what it does
 * @ms: for how long; 0 is for good
 */
struct sim_reset {
	enum sim_mode mode;
	u32 ms;
};

/**
 * struct sim_bar - a base address register
 * @size: in bytes, a power of two; 0 for none
 * @is64: takes two registers
 * @prefetch: is prefetchable
 */
struct sim_bar {
	u64 size;
	bool is64;
	bool prefetch;
};

/**
 * struct sim_word - four bytes of BAR memory that say something
 * @bar: which BAR
 * @offset: into it
 * @value: what they say
 */
struct sim_word {
	u8 bar;
	u32 offset;
	u32 value;
};

/**
 * struct sim_desc - what the text says of a function
 * @vendor: vendor id
 * @device: device id
 * @subvendor: subsystem vendor id
 * @subdevice: subsystem id
 * @revision: revision id
 * @class: class code, three bytes
 * @bars: base address registers, by the number of the first register
 * @vf_bars: those of its virtual functions
 * @rom: size of the expansion ROM, or 0
 * @reset: ways to reset
 * @acs: the function isolates itself from its slot mates
 * @msi: number of MSI vectors, or 0
 * @msix: number of MSI-X vectors, or 0
 * @vfs: how many virtual functions it can have
 * @vf_device: their device id
 * @group: name of the IOMMU group it shares, or empty
 * @driver: the driver_override it gets; empty for none
 * @words: BAR memory that says something
 * @nr_words: how many
 * @ready_ms: how long after a reset they say @busy
 * @busy: that
 * @stuck: they are written over and over again
 * @rmrr_start: a region that firmware wants mapped one to one
 * @rmrr_size: its size, or 0
 * @rmrr_relaxable: it may go when a driver takes over
 * @hold: the native driver's remove() does not return
 * @refuse: its probe() fails
 * @probe_ms: how long probe() takes
 * @remove_ms: how long remove() takes
 */
struct sim_desc {
	u16 vendor;
	u16 device;
	u16 subvendor;
	u16 subdevice;
	u8 revision;
	u32 class;
	struct sim_bar bars[SIM_BARS];
	struct sim_bar vf_bars[SIM_BARS];
	u32 rom;
	struct sim_reset reset[SIM_KINDS];
	bool acs;
	u16 msi;
	u16 msix;
	u16 vfs;
	u16 vf_device;
	char group[SIM_NAME];
	char driver[SIM_NAME];
	struct sim_word words[SIM_WORDS];
	unsigned int nr_words;
	u32 ready_ms;
	u32 busy;
	bool stuck;
	u64 rmrr_start;
	u64 rmrr_size;
	bool rmrr_relaxable;
	bool hold;
	bool refuse;
	u32 probe_ms;
	u32 remove_ms;
};

/**
 * struct sim_range - the functions a line of text is about
 * @slot: first slot
 * @last_slot: and last
 * @devfn: first function below its port
 * @last_devfn: and last
 */
struct sim_range {
	unsigned int slot;
	unsigned int last_slot;
	unsigned int devfn;
	unsigned int last_devfn;
};

/**
 * struct sim_cfg - a configuration space
 * @data: what a read returns
 * @mask: the bits that a write changes, and a reset clears
 * @end: where the next capability goes
 * @link: the byte that will point to it
 * @ext_end: where the next extended capability goes
 * @ext: the last extended capability, or 0
 */
struct sim_cfg {
	u8 data[SIM_CFG_SIZE];
	u8 mask[SIM_CFG_SIZE];
	u8 end;
	u8 link;
	u16 ext_end;
	u16 ext;
};

struct sim_port;
struct sim_domain;

/**
 * struct sim_group - an IOMMU group with a name in the text
 * @ref: one for each function
 * @node: in the list of groups
 * @name: the name
 * @group: made when the first device needs it
 */
struct sim_group {
	struct kref ref;
	struct list_head node;
	char name[SIM_NAME];
	struct iommu_group *group;
};

/**
 * struct sim_fn - a function of a simulated device
 * @ref: the port's table has one, so do the driver and the IOMMU
 * @port: what it is behind
 * @devfn: its number there
 * @desc: what the text says; the parts that "set" can change under sim_lock
 * @cfg: its registers
 * @pm: offset of that capability, or 0; the same goes for
 * @exp: PCI Express,
 * @af: Advanced Features,
 * @sriov: SR-IOV
 * @pf: of a virtual function, the physical one; valid while both are in the table
 * @vf: and its index
 * @first_vf: of a physical function, where its virtual ones begin
 * @gone: torn out: silent until it is freed
 * @killed: silent until revived
 * @dead: silent until @dead_until, or if that is 0 for good
 * @dead_until: in jiffies
 * @odd: its BARs say nonsense
 * @slow_until: asks for retries until then, in jiffies; 0 for never
 * @count: resets of each kind
 * @sleeps: how often it was put into D3hot
 * @faults: DMA that was refused
 * @words_at: where the words were written last, per BAR
 * @ready: writes them when the function is ready again
 * @wait: remove() waits here
 * @group: its named group, or NULL
 * @domain: what it is attached to, or NULL; under sim_dma_lock
 */
struct sim_fn {
	struct kref ref;
	struct sim_port *port;
	u8 devfn;
	struct sim_desc desc;
	struct sim_cfg cfg;
	u16 pm;
	u16 exp;
	u16 af;
	u16 sriov;
	struct sim_fn *pf;
	unsigned int vf;
	unsigned int first_vf;
	bool gone;
	bool killed;
	bool dead;
	u64 dead_until;
	bool odd;
	u64 slow_until;
	unsigned int count[SIM_KINDS];
	unsigned int sleeps;
	atomic_t faults;
	u64 words_at[SIM_BARS];
	struct delayed_work ready;
	wait_queue_head_t wait;
	struct sim_group *group;
	struct sim_domain *domain;
};

/**
 * struct sim_port - a root port
 * @ref: one for the host bridge, one for each function
 * @host: its host bridge
 * @devfn: its number on the root bus
 * @cfg: its registers
 * @exp: offset of its PCI Express capability
 * @fns: what is below it
 */
struct sim_port {
	struct kref ref;
	struct sim_host *host;
	u8 devfn;
	struct sim_cfg cfg;
	u16 exp;
	struct sim_fn *fns[SIM_DEVFNS];
};

/**
 * struct sim_host - a host bridge, which is a PCI domain
 * @sysdata: for the PCI core
 * @bus: the root bus, or NULL
 * @buses: the numbers of its buses
 * @window: where BARs live
 * @ports: root ports, by function on the root bus
 * @by_bus: the same, by the bus number that was written into them
 *
 * Never freed while the module is loaded: somebody may hold on to a device that
 * was removed long ago, and read its registers.
 */
struct sim_host {
	struct pci_sysdata sysdata;
	struct pci_bus *bus;
	struct resource buses;
	struct resource window;
	struct sim_port *ports[SIM_PORTS];
	struct sim_port *by_bus[256];
};

extern raw_spinlock_t sim_lock;
extern struct sim_host sim_hosts[SIM_HOSTS];
extern struct pci_ops sim_config_ops;
extern struct device *sim_parent;

/* text: descriptions and addresses */
char *sim_text_line(char **text);
char *sim_text_word(char **line);
int sim_text_range(const char *word, struct sim_range *range);
int sim_text_u32(const char *word, u32 max, u32 *value);
int sim_text_u64(const char *word, u64 *value);
void sim_desc_init(struct sim_desc *desc);
int sim_desc_parse(struct sim_desc *desc, char *line, bool change);

/* host: what is plugged in where */
int sim_add(char *text);
int sim_remove(const struct sim_range *range, bool yank);
void sim_clear(void);
struct sim_fn *sim_fn_find(unsigned int slot, unsigned int devfn);
struct sim_fn *sim_fn_next(unsigned int *pos);
struct sim_fn *sim_fn_of(struct pci_dev *pdev);
void sim_fn_put(struct sim_fn *fn);
struct pci_dev *sim_fn_pdev(struct sim_fn *fn);
unsigned int sim_fn_slot(const struct sim_fn *fn);
int sim_fn_set(struct sim_fn *fn, char *line);

/* config: registers, and what resets do to them */
void sim_config_init_fn(struct sim_fn *fn);
void sim_config_init_port(struct sim_port *port);
void sim_fn_kill(struct sim_fn *fn, bool kill);
bool sim_config_answers(const struct sim_fn *fn);
bool sim_config_is_master(const struct sim_fn *fn);

static inline bool sim_is_ours(struct pci_dev *pdev)
{
	return pdev->bus->ops == &sim_config_ops;
}

/* memory: what is behind the BARs */
int sim_memory_init(void);
void sim_memory_exit(void);
int sim_memory_window(unsigned int host, struct resource *window);
void sim_memory_ready(struct work_struct *work);
void sim_memory_ready_in(struct sim_fn *fn, u32 ms);
void sim_memory_place(struct sim_fn *fn);
void sim_memory_reset(struct sim_fn *fn);
void sim_memory_silence(struct sim_fn *fn);
void __iomem *sim_memory_at(phys_addr_t phys);

#define SIM_WINDOW_BUS	0x40000000ULL	/* where a host's window begins on its buses */

/* iommu: groups, domains and DMA */
int sim_iommu_init(void);
void sim_iommu_exit(void);
int sim_iommu_claim(struct pci_dev *pdev);
struct sim_group *sim_group_get(const char *name);
void sim_group_put(struct sim_group *group);
int sim_dma(struct sim_fn *fn, u64 iova, bool write, u32 *value);
struct seq_file;
int sim_iommu_show(struct seq_file *s, void *unused);

/* msi: interrupts */
int sim_msi_init(void);
void sim_msi_exit(void);
struct irq_domain *sim_msi_domain(void);

/* driver: the native one */
int sim_driver_init(void);
void sim_driver_exit(void);
int sim_driver_learn(const struct sim_desc *desc);

/* control: debugfs */
void sim_control_init(void);
void sim_control_exit(void);

#endif
