// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "sysfs.h"

#define PCI_DEVICES "/sys/bus/pci/devices"

int file_read(const char *path, char *buf, size_t len)
{
	ssize_t n;
	int fd;

	buf[0] = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return n;
	if (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

int file_write(const char *path, const char *text)
{
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int link_name(const char *path, char *buf, size_t len)
{
	char target[PATH_MAX];
	ssize_t n;

	buf[0] = '\0';
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return errno == ENOENT ? 0 : -errno;
	target[n] = '\0';
	snprintf(buf, len, "%s", basename(target));
	return 0;
}

int pci_read(const char *name, const char *attr, char *buf, size_t len)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", name, attr);
	return file_read(path, buf, len);
}

int pci_write(const char *name, const char *attr, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", name, attr);
	return file_write(path, text);
}

uint16_t pci_config_word(const char *name, unsigned int at)
{
	uint16_t word = 0xffff;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return word;
	if (pread(fd, &word, 2, at) != 2)
		word = 0xffff;
	close(fd);
	return word;
}

int pci_driver_write(const char *driver, const char *attr, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/%s", driver, attr);
	return file_write(path, name);
}

static long pci_number(const char *name, const char *attr)
{
	char buf[64];

	if (pci_read(name, attr, buf, sizeof(buf)) < 0)
		return -1;
	return strtol(buf, NULL, 0);
}

int pci_get(const char *name, struct pci_fn *fn)
{
	char path[PATH_MAX], group[32];
	long vendor;

	memset(fn, 0, sizeof(*fn));
	snprintf(fn->name, sizeof(fn->name), "%s", name);
	vendor = pci_number(name, "vendor");
	if (vendor < 0)
		return -ENODEV;
	fn->vendor = vendor;
	fn->device = pci_number(name, "device");
	fn->class = pci_number(name, "class");
	/* The classes of PCI-to-PCI bridges, host bridges and their like. */
	fn->bridge = fn->class >> 16 == 0x06;
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", name);
	link_name(path, fn->driver, sizeof(fn->driver));
	snprintf(path, sizeof(path), PCI_DEVICES "/%s/iommu_group", name);
	link_name(path, group, sizeof(group));
	fn->group = group[0] ? atoi(group) : -1;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct pci_fn *)a)->name,
		      ((const struct pci_fn *)b)->name);
}

int pci_list(struct pci_fn *fns, int max)
{
	struct dirent *e;
	int n = 0;
	DIR *d;

	d = opendir(PCI_DEVICES);
	if (!d)
		return -errno;
	while (n < max && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		/* It may have vanished meanwhile. */
		if (!pci_get(e->d_name, &fns[n]))
			n++;
	}
	closedir(d);
	qsort(fns, n, sizeof(*fns), by_name);
	return n;
}

bool pci_on_driver(const char *name, const char *driver)
{
	char path[PATH_MAX], now[PCI_NAME_LEN];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/driver", name);
	return !link_name(path, now, sizeof(now)) && !strcmp(now, driver);
}

uint64_t pci_bar(const char *name, int nr, uint64_t *flags)
{
	unsigned long long start = 0, end = 0, f = 0;
	char buf[2048], *line;
	int i;

	if (pci_read(name, "resource", buf, sizeof(buf)) < 0)
		return 0;
	line = strtok(buf, "\n");
	for (i = 0; line && i < nr; i++)
		line = strtok(NULL, "\n");
	if (!line || sscanf(line, "%llx %llx %llx", &start, &end, &f) != 3)
		return 0;
	*flags = f;
	return start ? end - start + 1 : 0;
}

volatile uint32_t *pci_bar0_map(const char *name)
{
	char path[128];
	void *p;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}
