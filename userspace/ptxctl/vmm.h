/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmm: how each VMM wants to be told about devices. Knows no lease and no
 * kernel: words in, words out.
 */
#ifndef PTXCTL_VMM_H
#define PTXCTL_VMM_H

#include <stdbool.h>
#include <stddef.h>

#define VMM_SYSFS	"/sys/bus/pci/devices/"
#define VMM_MDEVS	"/sys/bus/mdev/devices/"

enum vmm_form {
	VMM_NONE,
	VMM_QEMU,
	VMM_CLOUD_HYPERVISOR,
	VMM_CROSVM,
};

/**
 * struct words - a list of arguments, with a NULL after the last
 * @list: them, each malloc()ed
 * @nr: how many
 */
struct words {
	char **list;
	size_t nr;
};

/**
 * enum vmm_dma - how a VMM maps memory for its devices
 * @VMM_DMA_CONTAINER: through one VFIO container
 * @VMM_DMA_IOMMUFD: through /dev/iommu
 * @VMM_DMA_VIOMMU: through several containers, as its guest has an IOMMU
 */
enum vmm_dma {
	VMM_DMA_CONTAINER,
	VMM_DMA_IOMMUFD,
	VMM_DMA_VIOMMU,
};

enum vmm_form vmm_detect(const char *command);
enum vmm_dma vmm_own_dma(enum vmm_form form, char *const *argv, size_t argc,
			 const char **word);
bool vmm_parse(const char *word, enum vmm_form *form);
/* The directory in sysfs that has a device. */
const char *vmm_sysfs(const char *device);
bool vmm_qemu_wants_path(const char *address);
bool vmm_device_words(enum vmm_form form, const char *const *devices, const int *cliques,
		      size_t nr, struct words *out);
bool words_add(struct words *words, char *word);
char *words_join(const struct words *words);
void words_free(struct words *words);
bool vmm_command(enum vmm_form form, char *const *argv, size_t argc,
		 const char *const *devices, const int *cliques, size_t nr,
		 struct words *out, const char **why);

#endif /* PTXCTL_VMM_H */
