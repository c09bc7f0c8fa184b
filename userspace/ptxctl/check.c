// SPDX-License-Identifier: GPL-2.0-only
/*
 * check: the doctor. Everything that stands in the way of a lease, and what to
 * do about it, for the host and for each device.
 */
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "advice.h"
#include "device_json.h"
#include "host.h"
#include "memory.h"
#include "output.h"
#include "pciname.h"
#include "right.h"
#include "select.h"
#include "size.h"

static void check_uses(struct cli *cli, const char *name, const char *driver,
		       struct findings *f)
{
	struct ptx_use_list *uses;
	const struct ptx_use *use;
	char remedy[256];

	if (ptx_use_list_get(cli->ctx, name, &uses))
		return;
	for (size_t i = 0; (use = ptx_use_list_at(uses, i)); i++) {
		const char *node = ptx_use_node(use), *by = ptx_use_by(use);

		switch (ptx_use_kind(use)) {
		case PTX_USE_MOUNT:
			snprintf(remedy, sizeof(remedy), "umount %s", by);
			findings_add(f, FINDING_FAIL, "use", remedy,
				     "%s: %s is mounted on %s", name, node, by);
			break;
		case PTX_USE_SWAP:
			snprintf(remedy, sizeof(remedy), "swapoff /dev/%s", node);
			findings_add(f, FINDING_FAIL, "use", remedy,
				     "%s: the host swaps to %s", name, node);
			break;
		case PTX_USE_HOLDER:
			findings_add(f, FINDING_FAIL, "use",
				     "take that apart first (vgchange -an, mdadm --stop, "
				     "dmsetup remove)",
				     "%s: %s is part of %s", name, node, by);
			break;
		case PTX_USE_CLAIMED:
			findings_add(f, FINDING_FAIL, "use",
				     "find out who: zpool status, fuser, lsof",
				     "%s: somebody holds %s exclusively", name, node);
			break;
		case PTX_USE_NETWORK:
			snprintf(remedy, sizeof(remedy), "ip link set %s down", node);
			findings_add(f, FINDING_WARN, "use", remedy,
				     "%s: the network interface %s is up, and would go", name,
				     node);
			break;
		case PTX_USE_PROCESS:
			/* This driver's removal waits for them without end. */
			snprintf(remedy, sizeof(remedy), "end it: kill %d", (int)ptx_use_pid(use));
			findings_add(f, driver && !strcmp(driver, "nvidia") ? FINDING_FAIL :
				     FINDING_WARN, "use", remedy,
				     "%s: process %d (%s) has %s open", name,
				     (int)ptx_use_pid(use), by, node);
			break;
		}
	}
	ptx_use_list_free(uses);
}

static void check_blockers(const struct ptx_device *dev,
			   const struct ptx_lease_info_list *leases, struct findings *f)
{
	const struct ptx_blocker *blocker;
	const struct ptx_lease_info *info;
	char remedy[512], by[256];

	for (size_t i = 0; (blocker = ptx_device_blocker(dev, i)); i++) {
		enum ptx_reason reason = (enum ptx_reason)blocker->reason;

		*by = '\0';
		info = blocker->lease && leases ?
		       ptx_lease_info_list_find(leases, blocker->lease) : NULL;
		if (info && ptx_lease_info_pid(info))
			snprintf(by, sizeof(by), " ('%s', of process %d)",
				 ptx_lease_info_name(info), (int)ptx_lease_info_pid(info));
		else if (info)
			snprintf(by, sizeof(by), " ('%s')", ptx_lease_info_name(info));
		else if (blocker->lease)
			snprintf(by, sizeof(by), " (lease %llu)",
				 (unsigned long long)blocker->lease);
		else if (*blocker->holder)
			snprintf(by, sizeof(by), " (%s)", blocker->holder);
		ptx_reason_remedy(reason, blocker->culprit, remedy, sizeof(remedy));
		findings_add(f, FINDING_FAIL, ptx_reason_name(reason), remedy, "%s: %s%s",
			     blocker->culprit, ptx_reason_text(reason), by);
	}
}

/**
 * struct check - a check under way
 * @right: what we may
 * @leases: those that may be seen, or NULL
 * @devices: JSON of the devices, or NULL
 * @good: how many devices could be leased
 * @bad: how many could not
 */
struct check {
	struct right right;
	struct ptx_lease_info_list *leases;
	struct json_object *devices;
	unsigned int good;
	unsigned int bad;
};

static struct json_object *findings_json(const struct findings *f)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < f->nr; i++) {
		struct json_object *obj = json_object_new_object();

		json_put_text(obj, "level", finding_level_name(f->list[i].level));
		json_put_text(obj, "check", f->list[i].check);
		json_put_text(obj, "text", f->list[i].text);
		json_put_text(obj, "remedy", f->list[i].remedy);
		json_object_array_add(array, obj);
	}
	return array;
}

static void findings_print(const struct cli *cli, const struct findings *f)
{
	for (size_t i = 0; i < f->nr; i++) {
		const struct finding *one = &f->list[i];

		if (cli->quiet && one->level == FINDING_OK)
			continue;
		printf("  %-5s ", one->level == FINDING_FAIL ? "FAIL" :
		       finding_level_name(one->level));
		text_put(stdout, one->text);
		if (one->remedy) {
			fputs("\n        ", stdout);
			text_put(stdout, one->remedy);
		}
		putchar('\n');
	}
}

/* The mates that a lease would take along, in words. */
static void say_mates(const struct ptx_device *dev, const struct ptx_device_list *all,
		      char *buf, size_t size)
{
	const struct ptx_device *mate;
	const char *name;
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; (name = ptx_device_group_member(dev, i)); i++) {
		mate = all ? ptx_device_list_find(all, name) : NULL;
		if (mate && ptx_device_kind(mate) == PTX_KIND_BRIDGE)
			continue;
		if (used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s",
						 used ? ", " : ", together with ", name);
	}
}

/* Those who may nothing at all are told so of the host. */
static void check_grants(const struct ptx_device *dev, const struct ptx_device_list *all,
			 struct right *right, struct findings *f)
{
	const struct ptx_device *one = dev;
	enum ptx_reason reason;
	const char *mate;
	char remedy[512];
	size_t i = 0;

	if (right->all || !right->nr)
		return;
	right_begin(right);
	do {
		reason = one && ptx_device_kind(one) != PTX_KIND_BRIDGE ?
			 right_take(right, one) : PTX_REASON_NONE;
		if (reason) {
			ptx_reason_remedy(reason, ptx_device_name(one), remedy, sizeof(remedy));
			findings_add(f, FINDING_FAIL, ptx_reason_name(reason), remedy, "%s: %s",
				     ptx_device_name(one), ptx_reason_text(reason));
		}
		mate = ptx_device_group_member(dev, i++);
		one = mate && all ? ptx_device_list_find(all, mate) : NULL;
	} while (mate);
}

static void report(struct cli *cli, const struct ptx_device *dev, struct check *check,
		   const struct findings *f, bool good)
{
	const char *own = cli_name_of(cli, ptx_device_name(dev));
	struct json_object *obj;

	if (check->devices) {
		obj = device_json(cli, dev, check->leases);
		json_put_bool(obj, "ok", good);
		json_object_object_add(obj, "findings", findings_json(f));
		json_object_array_add(check->devices, obj);
	} else if (!cli->quiet || !good) {
		text_put(stdout, ptx_device_name(dev));
		if (own)
			printf(" %s", own);
		fputs(": ", stdout);
		text_put(stdout, pciname_vendor(dev));
		putchar(' ');
		text_put(stdout, pciname_device(dev));
		putchar('\n');
		findings_print(cli, f);
	}
}

static int check_device(struct cli *cli, const struct ptx_device *dev, void *arg)
{
	struct findings f = { .nr = 0 };
	struct check *check = arg;
	const char *name = ptx_device_name(dev), *mate;
	struct ptx_device_list *all = NULL;
	char mates[1024];
	bool good;

	if (ptx_device_list_get(cli->ctx, &all))
		all = NULL;
	check_blockers(dev, check->leases, &f);
	check_grants(dev, all, &check->right, &f);
	check_uses(cli, name, ptx_device_driver(dev), &f);
	for (size_t i = 0; (mate = ptx_device_group_member(dev, i)); i++) {
		const struct ptx_device *other = all ? ptx_device_list_find(all, mate) : NULL;

		if (other && ptx_device_kind(other) != PTX_KIND_BRIDGE)
			check_uses(cli, mate, ptx_device_driver(other), &f);
	}
	good = f.worst < FINDING_FAIL;
	if (good) {
		say_mates(dev, all, mates, sizeof(mates));
		findings_add(&f, FINDING_OK, "device", NULL, "it can be leased%s", mates);
		check->good++;
	} else {
		check->bad++;
	}
	report(cli, dev, check, &f, good);
	findings_free(&f);
	ptx_device_list_free(all);
	return good ? EXIT_DONE : EXIT_REFUSED;
}

/* No device was named: every one that is no bridge, for what it is worth. */
static int check_all(struct cli *cli, struct check *check)
{
	const struct ptx_device *found;
	struct ptx_device_list *list;
	struct ptx_device *dev;

	if (ptx_device_list_get(cli->ctx, &list))
		return cli_fail(cli);
	for (size_t i = 0; (found = ptx_device_list_at(list, i)); i++) {
		if (ptx_device_kind(found) == PTX_KIND_BRIDGE)
			continue;
		if (ptx_device_get(cli->ctx, ptx_device_name(found), &dev))
			continue;	/* it vanished meanwhile */
		check_device(cli, dev, check);
		ptx_device_free(dev);
	}
	ptx_device_list_free(list);
	return check->good ? EXIT_DONE : EXIT_REFUSED;
}

/* How many virtual functions it may have, as sysfs has it. */
static unsigned long total_vfs(const char *name)
{
	char path[PATH_MAX], text[32] = "";
	unsigned long total = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/sriov_totalvfs", cli_root, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fgets(text, sizeof(text), file))
		total = strtoul(text, NULL, 10);
	fclose(file);
	return total;
}

/* Of virtual functions that are still to be enabled, all there is to ask is their device. */
static int check_physfn(struct cli *cli, const struct ptx_selector *sel,
			const struct ptx_device *dev, struct check *check)
{
	const char *name = ptx_device_name(dev);
	unsigned long total = total_vfs(name);
	enum ptx_reason reason = PTX_REASON_NONE;
	struct findings f = { .nr = 0 };
	char remedy[512];
	bool good;

	if (!total || !ptx_device_driver(dev) || ptx_device_lease_id(dev) ||
	    ptx_device_pooled(dev))
		reason = PTX_REASON_NO_SRIOV;
	else if (ptx_selector_count(sel) > total)
		reason = PTX_REASON_VFS_USED_UP;
	if (reason) {
		ptx_reason_remedy(reason, name, remedy, sizeof(remedy));
		findings_add(&f, FINDING_FAIL, ptx_reason_name(reason), remedy, "%s: %s", name,
			     ptx_reason_text(reason));
	} else if (!check->right.all) {
		snprintf(remedy, sizeof(remedy), "have root enable some first: "
			 "/sys/bus/pci/devices/%s/sriov_numvfs", name);
		findings_add(&f, FINDING_FAIL, ptx_reason_name(PTX_REASON_NO_RIGHT), remedy,
			     "%s: no virtual functions of it are enabled, and you may not enable "
			     "any", name);
	} else {
		findings_add(&f, FINDING_OK, "device", NULL,
			     "a lease enables virtual functions of it, %lu at most", total);
	}
	good = f.worst < FINDING_FAIL;
	if (good)
		check->good++;
	else
		check->bad++;
	report(cli, dev, check, &f, good);
	findings_free(&f);
	return good ? EXIT_DONE : EXIT_REFUSED;
}

/* Virtual functions of a device: those that are enabled, or else whether any may be. */
static int check_vfs(struct cli *cli, const struct selection *one, struct check *check)
{
	const struct ptx_selector *sel = one->sels[0];
	const char *physfn = ptx_selector_physfn(sel);
	unsigned int good = check->good;
	struct ptx_device_list *list;
	const struct ptx_device *dev;
	struct ptx_device *found;
	bool any = false;
	int status;

	if (ptx_device_list_get(cli->ctx, &list))
		return cli_fail(cli);
	for (size_t i = 0; !any && (dev = ptx_device_list_at(list, i)); i++)
		any = ptx_selector_match(sel, dev);
	ptx_device_list_free(list);
	if (any) {
		status = selection_each(cli, one, check_device, check);
		if (status > EXIT_REFUSED)
			return status;
		/* The others do not matter. */
		if (check->good - good >= ptx_selector_count(sel))
			return EXIT_DONE;
		cli_say("%s: fewer virtual functions could be leased than are asked for", physfn);
		return EXIT_REFUSED;
	}
	if (ptx_device_get(cli->ctx, physfn, &found))
		return cli_fail(cli);
	status = check_physfn(cli, sel, found, check);
	ptx_device_free(found);
	return status;
}

static int check_devices(struct cli *cli, const struct selection *sel, struct check *check)
{
	int status = EXIT_DONE;

	/* Only for the holders' names: their own they see in any case. */
	if (ptx_lease_info_list_get(cli->ctx, &check->leases))
		check->leases = NULL;
	if (!sel->nr)
		return check_all(cli, check);
	for (size_t i = 0; i < sel->nr; i++) {
		const struct selection one = { .sels = &sel->sels[i], .nr = 1 };
		unsigned int good = check->good;
		bool vfs = ptx_selector_physfn(sel->sels[i]);
		int verdict = vfs ? check_vfs(cli, &one, check) :
				    selection_each(cli, &one, check_device, check);

		/* Of a kind, a lease takes one that is free. */
		if (verdict == EXIT_REFUSED && !ptx_selector_address(sel->sels[i]) && !vfs &&
		    check->good > good)
			verdict = EXIT_DONE;
		if (verdict > status)
			status = verdict;
	}
	return status;
}

/* Is nothing wrong with the host but that a VM of that size does not fit? */
static bool only_memory(const struct findings *host)
{
	static const char *const checks[] = {
		"memory", "memlock", "quota", "windows", "mappings",
	};

	for (size_t i = 0; i < host->nr; i++) {
		bool size = host->list[i].level != FINDING_FAIL;

		for (size_t j = 0; !size && j < sizeof(checks) / sizeof(checks[0]); j++)
			size = !strcmp(host->list[i].check, checks[j]);
		if (!size)
			return false;
	}
	return true;
}

static void verdict(struct cli *cli, const struct findings *host, const struct check *check,
		    int status, bool named)
{
	if (cli->quiet)
		return;
	if (host->worst == FINDING_FAIL)
		puts(only_memory(host) ? "A VM of that size would not start." :
		     "No lease would succeed on this host as it is.");
	else if (status)
		puts(named ? "A lease of these devices would fail." :
			     "No device of this host could be leased.");
	else if (named)
		puts("A lease would succeed.");
	else
		printf("%u device%s could be leased, %u could not.\n", check->good,
		       check->good == 1 ? "" : "s", check->bad);
}

int verb_check(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ "lease", required_argument, NULL, OPT_LEASE },
		{ "memory", required_argument, NULL, OPT_MEMORY },
		{ "pretty", no_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "vcpus", required_argument, NULL, OPT_VCPUS },
		{ }
	};
	struct selection sel = { .nr = 0 };
	struct check check = { .good = 0 };
	struct findings host = { .nr = 0 };
	struct ptx_lease_ref ref = { .id = 0 };
	struct ptx_lease_info *lease = NULL;
	struct json_object *obj;
	unsigned int vcpus = 0;
	uint64_t memory = 0;
	int c, status;
	bool no_module;

	while ((c = cli_getopt(cli, argc, argv, "hjpq", options)) != -1) {
		if (c == '?')
			return EXIT_USAGE;
		/* As QEMU's -m: in mebibytes. */
		if (c == OPT_MEMORY && !size_parse(optarg, 20, &memory))
			return cli_usage(cli, "--memory takes a size such as 16G, not '%s'",
					 optarg);
		if (c == OPT_LEASE)
			ref.name = optarg;
		if (c == OPT_VCPUS && !advice_vcpus(optarg, &vcpus))
			return cli_usage(cli, "--vcpus takes a number from 1 to %d, not '%s'",
					 ADVICE_VCPUS_MAX, optarg);
	}
	if (vcpus && !memory)
		return cli_usage(cli, "--vcpus goes with --memory");
	if (ref.name && !memory)
		return cli_usage(cli, "--lease goes with --memory");
	status = selection_add_all(cli, &sel, argv + optind, argc - optind);
	if (status)
		goto out;
	host_check(cli, memory, &host, &check.right);
	no_module = ptx_error_no_module(ptx_ctx_error(cli->ctx));
	if (ref.name && !no_module && ptx_lease_info_get(cli->ctx, &ref, &lease)) {
		status = cli_fail(cli);
		goto out;
	}
	if (memory) {
		memory_check_grants(memory, &check.right, &host);
		memory_check_lease(memory, lease, &host);
	}
	if (vcpus)
		advice_give(cli, &sel, memory, vcpus, &host);
	if (cli->json) {
		check.devices = json_object_new_array();
	} else if (!cli->quiet || host.worst > FINDING_OK) {
		puts("host");
		findings_print(cli, &host);
	}
	status = no_module ? EXIT_NO_MODULE : check_devices(cli, &sel, &check);
	if (!status && host.worst == FINDING_FAIL)
		status = EXIT_REFUSED;
	if (cli->json) {
		obj = json_object_new_object();
		json_put_bool(obj, "ok", !status);
		json_object_object_add(obj, "host", findings_json(&host));
		json_object_object_add(obj, "devices", check.devices);
		json_print(cli, obj);
	} else {
		verdict(cli, &host, &check, status, sel.nr);
	}
out:
	ptx_lease_info_free(lease);
	ptx_lease_info_list_free(check.leases);
	right_free(&check.right);
	findings_free(&host);
	selection_free(&sel);
	return status;
}
