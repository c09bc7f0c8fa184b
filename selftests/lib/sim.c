// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>

#include "sim.h"

#define DEBUGFS		"/sys/kernel/debug"
#define SIM		DEBUGFS "/ptx_sim/"
#define DOMAIN		0x10000	/* of slots 0 to 127 */
#define PORTS		128

int sim_load(void)
{
	if (access("/sys/module/ptx_sim", F_OK) && system("modprobe ptx_sim"))
		return -ENODEV;
	if (access(SIM "add", F_OK))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	return access(SIM "add", F_OK) ? -errno : sim_clear();
}

int sim_add(const char *text)
{
	return file_write(SIM "add", text);
}

int sim_control(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return file_write(SIM "control", text);
}

int sim_clear(void)
{
	return sim_control("clear");
}

const char *sim_name(unsigned int slot, unsigned int fn, char *buf)
{
	snprintf(buf, PCI_NAME_LEN, "%04x:%02x:%02x.%x", DOMAIN + slot / PORTS,
		 slot % PORTS + 1, fn >> 3, fn & 7);
	return buf;
}

int sim_state(unsigned int slot, unsigned int fn, struct sim_state *state)
{
	char line[256], what[16];
	unsigned int s, f;
	int ret = -ENODEV;
	FILE *file;

	file = fopen(SIM "devices", "re");
	if (!file)
		return -errno;
	while (ret && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u.%u %31s %15s flr=%u af_flr=%u pm=%u bus=%u sleeps=%u faults=%u",
			   &s, &f, state->name, what, &state->flr, &state->af_flr, &state->pm,
			   &state->bus, &state->sleeps, &state->faults) != 10) {
			ret = -EPROTO;
			break;
		}
		state->alive = !strcmp(what, "alive");
		if (s == slot && f == fn)
			ret = 0;
	}
	fclose(file);
	return ret;
}

int sim_count(void)
{
	char line[256];
	FILE *file;
	int n = 0;

	file = fopen(SIM "devices", "re");
	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		n++;
	fclose(file);
	return n;
}

/* Is the function one of those of a line "domain of 0.0 0.1"? */
static bool is_user(char *line, unsigned int slot, unsigned int fn)
{
	unsigned int s, f;
	char *word;

	for (word = strtok(line, " "); word; word = strtok(NULL, " "))
		if (sscanf(word, "%u.%u", &s, &f) == 2 && s == slot && f == fn)
			return true;
	return false;
}

long long sim_mapped(unsigned int slot, unsigned int fn, uint64_t iova, char *prot)
{
	unsigned long long at, size;
	char line[16384], how[16];
	long long ret = 0;
	bool ours = false;
	FILE *file;

	file = fopen(SIM "dma", "re");
	if (!file)
		return -errno;
	while (!ret && fgets(line, sizeof(line), file)) {
		if (line[0] != ' ') {
			ours = is_user(line, slot, fn);
			continue;
		}
		if (sscanf(line, " iova %llx size %llx phys %*x %15s", &at, &size, how) != 3)
			ret = -EPROTO;
		else if (ours && at == iova)
			ret = size;
	}
	fclose(file);
	if (ret > 0 && prot)
		strcpy(prot, how);
	return ret;
}

uint32_t sim_result(void)
{
	char buf[32];

	file_read(SIM "result", buf, sizeof(buf));
	return strtoul(buf, NULL, 16);
}
