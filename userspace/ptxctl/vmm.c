// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmm: argument forms of QEMU, Cloud Hypervisor and crosvm, and {devices}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "vmm.h"

#define PLACE	"{devices}"

static bool begins(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* By the name of the program, without its directory. */
enum vmm_form vmm_detect(const char *command)
{
	const char *slash = strrchr(command, '/');
	const char *base = slash ? slash + 1 : command;

	if (begins(base, "qemu-system-") || !strcmp(base, "qemu-kvm") ||
	    !strcmp(base, "kvm") || !strcmp(base, "qemu"))
		return VMM_QEMU;
	if (begins(base, "cloud-hypervisor"))
		return VMM_CLOUD_HYPERVISOR;
	if (!strcmp(base, "crosvm"))
		return VMM_CROSVM;
	return VMM_NONE;
}

bool vmm_parse(const char *word, enum vmm_form *form)
{
	static const struct {
		const char *word;
		enum vmm_form form;
	} table[] = {
		{ "none", VMM_NONE },
		{ "qemu", VMM_QEMU },
		{ "cloud-hypervisor", VMM_CLOUD_HYPERVISOR },
		{ "crosvm", VMM_CROSVM },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!strcmp(table[i].word, word)) {
			*form = table[i].form;
			return true;
		}
	}
	return false;
}

/* Takes @word over, NULL included; false when out of memory. */
bool words_add(struct words *words, char *word)
{
	char **bigger = NULL;

	if (word)
		bigger = reallocarray(words->list, words->nr + 2, sizeof(char *));
	if (!bigger) {
		free(word);
		return false;
	}
	words->list = bigger;
	words->list[words->nr++] = word;
	words->list[words->nr] = NULL;
	return true;
}

static bool add_copy(struct words *words, const char *word)
{
	return words_add(words, strdup(word));
}

static char *join2(const char *a, const char *b, const char *c)
{
	char *s;

	return asprintf(&s, "%s%s%s", a, b, c) < 0 ? NULL : s;
}

void words_free(struct words *words)
{
	for (size_t i = 0; i < words->nr; i++)
		free(words->list[i]);
	free(words->list);
	memset(words, 0, sizeof(*words));
}

/* With spaces between; to be freed. NULL when out of memory. */
char *words_join(const struct words *words)
{
	size_t len = 1;
	char *s, *to;

	for (size_t i = 0; i < words->nr; i++)
		len += strlen(words->list[i]) + 1;
	s = to = malloc(len);
	if (!s)
		return NULL;
	*to = '\0';
	for (size_t i = 0; i < words->nr; i++) {
		if (i)
			*to++ = ' ';
		to = stpcpy(to, words->list[i]);
	}
	return s;
}

/* QEMU's property host has no room for a domain of more than 16 bits, as VMD makes. */
bool vmm_qemu_wants_path(const char *address)
{
	return !strchr(address, ':') || strtoul(address, NULL, 16) > 0xffff;
}

/* A device on the PCI bus is called by its address, and a mediated one by its UUID. */
const char *vmm_sysfs(const char *device)
{
	return strchr(device, ':') ? VMM_SYSFS : VMM_MDEVS;
}

/* What of a VMM's words says in which GPUDirect clique a device is; -1 for none. */
static const char *clique_word(const char *option, int clique, char buf[48])
{
	*buf = '\0';
	if (clique >= 0)
		snprintf(buf, 48, ",%s=%d", option, clique);
	return buf;
}

static char *ch_value(const char *device, int clique)
{
	char buf[48], *s;

	return asprintf(&s, "path=%s%s/%s", vmm_sysfs(device), device,
			clique_word("x_nv_gpudirect_clique", clique, buf)) < 0 ? NULL : s;
}

static char *qemu_value(const char *device, int clique)
{
	bool path = vmm_qemu_wants_path(device);
	char buf[48], *s;

	return asprintf(&s, "vfio-pci,%s=%s%s%s", path ? "sysfsdev" : "host",
			path ? vmm_sysfs(device) : "", device,
			clique_word("x-nv-gpudirect-clique", clique, buf)) < 0 ? NULL : s;
}

/* One value of Cloud Hypervisor's --device. */
static bool add_ch_paths(struct words *out, const char *const *devices, const int *cliques,
			 size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (!words_add(out, ch_value(devices[i], cliques ? cliques[i] : -1)))
			return false;
	}
	return true;
}

/* The arguments that give a VMM its devices; without a form, QEMU's. */
bool vmm_device_words(enum vmm_form form, const char *const *devices, const int *cliques,
		      size_t nr, struct words *out)
{
	if (form == VMM_CLOUD_HYPERVISOR)
		return !nr || (add_copy(out, "--device") &&
			       add_ch_paths(out, devices, cliques, nr));
	for (size_t i = 0; i < nr; i++) {
		if (form == VMM_CROSVM) {
			if (!add_copy(out, "--vfio") ||
			    !words_add(out, join2(vmm_sysfs(devices[i]), devices[i], "")))
				return false;
		} else if (!add_copy(out, "-device") ||
			   !words_add(out, qemu_value(devices[i], cliques ? cliques[i] : -1))) {
			return false;
		}
	}
	return true;
}

/* @word with every {devices} in it replaced by @text; NULL when out of memory. */
static char *replace(const char *word, const char *text)
{
	size_t len = strlen(word) + 1;
	const char *at;
	char *s, *to;

	for (at = word; (at = strstr(at, PLACE)); at += strlen(PLACE))
		len += strlen(text);
	s = to = malloc(len);
	if (!s)
		return NULL;
	while ((at = strstr(word, PLACE))) {
		memcpy(to, word, (size_t)(at - word));
		to = stpcpy(to + (at - word), text);
		word = at + strlen(PLACE);
	}
	strcpy(to, word);
	return s;
}

/* An argument of its own becomes several; within one, they have spaces between. */
static bool place_by_hand(char *const *argv, size_t argc, const struct words *devices,
			  struct words *out)
{
	char *joined = words_join(devices);
	bool ok = joined;

	for (size_t i = 0; ok && i < argc; i++) {
		if (i && !strcmp(argv[i], PLACE)) {
			for (size_t j = 0; ok && j < devices->nr; j++)
				ok = add_copy(out, devices->list[j]);
		} else {
			ok = words_add(out, replace(argv[i], joined));
		}
	}
	free(joined);
	return ok;
}

/*
 * Cloud Hypervisor takes --device once, with any number of values: where the
 * user gave one, ours go behind its values.
 */
static bool command_ch(char *const *argv, size_t argc, const char *const *devices,
		       const int *cliques, size_t nr, struct words *out)
{
	bool placed = false;

	for (size_t i = 0; i < argc; i++) {
		if (placed || (strcmp(argv[i], "--device") && !begins(argv[i], "--device="))) {
			if (!add_copy(out, argv[i]))
				return false;
			continue;
		}
		if (!add_copy(out, "--device"))
			return false;
		if (argv[i][strlen("--device")] == '=') {
			if (!add_copy(out, argv[i] + strlen("--device=")))
				return false;
		} else {
			while (i + 1 < argc && argv[i + 1][0] != '-') {
				if (!add_copy(out, argv[++i]))
					return false;
			}
		}
		if (!add_ch_paths(out, devices, cliques, nr))
			return false;
		placed = true;
	}
	return placed || vmm_device_words(VMM_CLOUD_HYPERVISOR, devices, cliques, nr,
					  out);
}

/* crosvm's options belong to its subcommand "run", before the kernel's path. */
static bool command_crosvm(char *const *argv, size_t argc, const struct words *devices,
			   struct words *out, const char **why)
{
	bool placed = false;

	for (size_t i = 0; i < argc; i++) {
		if (!add_copy(out, argv[i]))
			return false;
		if (placed || !i || strcmp(argv[i], "run"))
			continue;
		for (size_t j = 0; j < devices->nr; j++) {
			if (!add_copy(out, devices->list[j]))
				return false;
		}
		placed = true;
	}
	if (!placed)
		*why = "crosvm takes devices only in its subcommand run";
	return placed;
}

/* What stands between the words of an argument, also of one in JSON or for a shell. */
#define BETWEEN		" \t\n,=:;\"'{}[]"

static bool word_is(const char *word, size_t n, const char *want)
{
	return n == strlen(want) && !strncmp(word, want, n);
}

/* Does it turn off what stands in front of it? */
static bool word_is_off(const char *word)
{
	static const char *const offs[] = { "off", "none", "no", "false", "n", "0" };
	size_t n = strcspn(word, BETWEEN);

	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		if (word_is(word, n, offs[i]))
			return true;
	}
	return !n;
}

/* Words are whole ones: a directory that is called iommufd is none. */
static enum vmm_dma dma_of(const char *arg)
{
	static const char *const viommus[] = {
		"intel-iommu", "amd-iommu", "arm-smmuv3", "riscv-iommu-pci", "riscv-iommu-sys",
		"iommu_segments",
	};
	enum vmm_dma dma = VMM_DMA_CONTAINER;

	while (*(arg += strspn(arg, BETWEEN "-"))) {
		size_t n = strcspn(arg, BETWEEN);
		const char *value = arg + n;

		value += *value == '"';
		if (word_is(arg, n, "iommufd"))
			return VMM_DMA_IOMMUFD;
		if (begins(arg, "virtio-iommu"))
			dma = VMM_DMA_VIOMMU;
		for (size_t i = 0; i < sizeof(viommus) / sizeof(viommus[0]); i++) {
			if (word_is(arg, n, viommus[i]))
				dma = VMM_DMA_VIOMMU;
		}
		if (word_is(arg, n, "iommu") && (*value == '=' || *value == ':') &&
		    !word_is_off(value + strspn(value, BETWEEN)))
			dma = VMM_DMA_VIOMMU;
		arg += n;
	}
	return dma;
}

/* Of QEMU, only what these options say is about devices and the machine. */
static bool qemu_says(const char *option)
{
	static const char *const options[] = {
		"object", "device", "M", "machine", "set", "global",
	};

	if (*option++ != '-')
		return false;
	option += *option == '-';
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!strcmp(option, options[i]))
			return true;
	}
	return false;
}

/**
 * vmm_own_dma() - how a VMM will map memory for its devices, by its command line
 * @form: how it takes devices
 * @argv: the command line
 * @argc: its length
 * @word: gets the argument that says so, if it is not the usual way
 *
 * Of a wrapper, whose own arguments may be a command line in turn, every word counts.
 *
 * Return: the way; iommufd, if it has more than one.
 */
enum vmm_dma vmm_own_dma(enum vmm_form form, char *const *argv, size_t argc,
			 const char **word)
{
	enum vmm_dma dma = VMM_DMA_CONTAINER, one;

	for (size_t i = 1; i < argc && dma != VMM_DMA_IOMMUFD; i++) {
		if (form == VMM_QEMU && !qemu_says(argv[i - 1]))
			continue;
		one = dma_of(argv[i]);
		if (one == VMM_DMA_CONTAINER || dma == one)
			continue;
		dma = one;
		*word = argv[i];
	}
	return dma;
}

/**
 * vmm_command() - the command line of a VMM with its devices
 * @form: how it takes them; VMM_NONE adds nothing of itself
 * @argv: the command line as the user gave it
 * @argc: its length, at least 1
 * @devices: addresses
 * @cliques: which GPUDirect clique each is in, or -1; NULL for none of them
 * @nr: how many
 * @out: the result, words_free()d in any case
 * @why: on failure, why; NULL when out of memory
 *
 * Return: whether it could be done.
 */
bool vmm_command(enum vmm_form form, char *const *argv, size_t argc,
		 const char *const *devices, const int *cliques, size_t nr,
		 struct words *out, const char **why)
{
	struct words words = { .nr = 0 };
	bool by_hand = false, ok;

	*why = NULL;
	for (size_t i = 1; i < argc; i++)
		by_hand |= strstr(argv[i], PLACE) != NULL;
	for (size_t i = 1; i < argc && form == VMM_QEMU; i++) {
		if (strcmp(argv[i], "-daemonize") && strcmp(argv[i], "--daemonize"))
			continue;
		*why = "with -daemonize the first process ends at once, and with it the lease";
		return false;
	}
	ok = vmm_device_words(form, devices, cliques, nr, &words);
	if (ok && by_hand) {
		ok = place_by_hand(argv, argc, &words, out);
	} else if (ok && form == VMM_CLOUD_HYPERVISOR) {
		ok = command_ch(argv, argc, devices, cliques, nr, out);
	} else if (ok && form == VMM_CROSVM) {
		ok = command_crosvm(argv, argc, &words, out, why);
	} else if (ok) {
		for (size_t i = 0; ok && i < argc; i++)
			ok = add_copy(out, argv[i]);
		for (size_t i = 0; ok && form == VMM_QEMU && i < words.nr; i++)
			ok = add_copy(out, words.list[i]);
	}
	words_free(&words);
	return ok;
}
