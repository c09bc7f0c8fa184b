// SPDX-License-Identifier: GPL-2.0-only
/*
 * metrics: what is counted of leases in OpenMetrics' text format.
 *
 * It is kept to what the older text format of Prometheus has, too: the node exporter
 * reads files with a parser for that, to which "# UNIT" and "# EOF" are comments, and
 * which fails over the types info and unknown. So what would be of the type info is a
 * gauge that is 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <libptx/libptx.h>
#include "output.h"
#include "stats.h"

/* A label's value: safe to print, as everywhere, and then escaped as the format wants. */
static void put_label(const char *name, const char *value)
{
	char *safe = text_safe(value ? value : "");

	printf("%s=\"", name);
	for (const char *p = safe; *p; p++) {
		if (*p == '\\' || *p == '"')
			putchar('\\');
		putchar(*p);
	}
	putchar('"');
	free(safe);
}

/**
 * struct family - a metric family with a number for each lease
 * @name: of the family; a counter's sample is called that and _total
 * @type: gauge or counter
 * @unit: or NULL; the name ends with it
 * @help: what it is
 * @value: gets the number; false where a space has none
 */
struct family {
	const char *name;
	const char *type;
	const char *unit;
	const char *help;
	bool (*value)(const struct ptx_space_info *space, uint64_t *value);
};

#define VALUE(what)								\
static bool get_##what(const struct ptx_space_info *space, uint64_t *value)	\
{										\
	*value = ptx_space_info_##what(space);					\
	return true;								\
}

VALUE(mapped)
VALUE(pinned)
VALUE(entries)
VALUE(max_entries)
VALUE(largest_page)
VALUE(nr_windows)

/* Without one there is no number: 0 bytes would mean the opposite. */
static bool get_quota(const struct ptx_space_info *space, uint64_t *value)
{
	*value = ptx_space_info_quota(space);
	return *value;
}

static const struct family families[] = {
	{ "ptx_lease_dma_mapped_bytes", "gauge", "bytes",
	  "Memory mapped for the devices of a lease, theirs included.", get_mapped },
	{ "ptx_lease_dma_pinned_bytes", "gauge", "bytes",
	  "How much of that is pinned memory.", get_pinned },
	{ "ptx_lease_dma_quota_bytes", "gauge", "bytes",
	  "How much may be mapped; absent for any.", get_quota },
	{ "ptx_lease_dma_mappings", "gauge", NULL,
	  "Mappings of a lease.", get_entries },
	{ "ptx_lease_dma_mappings_limit", "gauge", NULL,
	  "How many mappings a lease may have.", get_max_entries },
	{ "ptx_lease_dma_largest_page_bytes", "gauge", "bytes",
	  "The largest page that the IOMMU could use so far.", get_largest_page },
	{ "ptx_lease_dma_windows", "gauge", NULL,
	  "Ranges of addresses that may be mapped.", get_nr_windows },
	{ "ptx_lease_dma_faults", "counter", NULL,
	  "How often a device reached for what is not mapped; absent where the IOMMU does "
	  "not tell.", ptx_space_info_faults },
};

static void describe(const char *name, const char *type, const char *unit, const char *help)
{
	printf("# TYPE %s %s\n", name, type);
	if (unit)
		printf("# UNIT %s %s\n", name, unit);
	printf("# HELP %s %s\n", name, help);
}

static void put_family(const struct family *family, const struct ptx_lease_info *const *leases,
		       size_t nr)
{
	const struct ptx_space_info *space;
	uint64_t value;

	describe(family->name, family->type, family->unit, family->help);
	for (size_t i = 0; i < nr; i++) {
		space = ptx_lease_info_space(leases[i]);
		if (!space || !family->value(space, &value))
			continue;
		printf("%s%s{", family->name, *family->type == 'c' ? "_total" : "");
		put_label("lease", ptx_lease_info_name(leases[i]));
		printf("} %llu\n", (unsigned long long)value);
	}
}

/*
 * The kernel counts how many changes fell into which class, and not how long they took
 * together. So there is no _sum; and OpenMetrics has _count if and only if there is a
 * _sum: the bucket +Inf says the same. Bounds are written as the format wants them, the
 * shortest form that is exact; none is a whole number, which would need a ".0".
 */
static void put_times(const char *name, const char *help,
		      const uint64_t *(*times)(const struct ptx_space_info *space),
		      const struct ptx_lease_info *const *leases, size_t nr)
{
	describe(name, "histogram", "seconds", help);
	for (size_t i = 0; i < nr; i++) {
		const struct ptx_space_info *space = ptx_lease_info_space(leases[i]);
		uint64_t sum = 0;

		for (size_t j = 0; space && j < PTX_SPACE_TIMES; j++) {
			char le[32] = "+Inf";

			if (j + 1 < PTX_SPACE_TIMES)
				snprintf(le, sizeof(le), "%.10g", (double)(1ULL << j) / 1e6);
			sum += times(space)[j];
			printf("%s_bucket{", name);
			put_label("lease", ptx_lease_info_name(leases[i]));
			printf(",le=\"%s\"} %llu\n", le, (unsigned long long)sum);
		}
	}
}

static void put_leases(const struct ptx_lease_info *const *leases, size_t nr)
{
	describe("ptx_lease_info", "gauge", NULL,
		 "A lease; space says whether it has a DMA space.");
	for (size_t i = 0; i < nr; i++) {
		char id[32];

		snprintf(id, sizeof(id), "%llu",
			 (unsigned long long)ptx_lease_info_id(leases[i]));
		fputs("ptx_lease_info{", stdout);
		put_label("lease", ptx_lease_info_name(leases[i]));
		putchar(',');
		put_label("id", id);
		putchar(',');
		put_label("state", ptx_lease_state_name(ptx_lease_info_state(leases[i])));
		putchar(',');
		put_label("space", ptx_lease_info_space(leases[i]) ? "yes" : "no");
		puts("} 1");
	}
}

static void put_devices(const struct ptx_lease_info *const *leases, size_t nr)
{
	const struct ptx_lease_member *member;

	describe("ptx_device_info", "gauge", NULL, "A device in a lease.");
	for (size_t i = 0; i < nr; i++) {
		for (size_t j = 0; (member = ptx_lease_info_member(leases[i], j)); j++) {
			fputs("ptx_device_info{", stdout);
			put_label("lease", ptx_lease_info_name(leases[i]));
			putchar(',');
			put_label("device", ptx_lease_member_device(member));
			putchar(',');
			put_label("driver", ptx_lease_member_driver(member));
			putchar(',');
			put_label("state", ptx_member_state_name(ptx_lease_member_state(member)));
			puts("} 1");
		}
	}
}

static void put_device_faults(const struct ptx_lease_info *const *leases, size_t nr)
{
	const struct ptx_lease_member *member;
	uint64_t faults;

	describe("ptx_device_dma_faults", "counter", NULL,
		 "How often that device reached for what is not mapped; absent where the IOMMU "
		 "does not tell.");
	for (size_t i = 0; i < nr; i++) {
		for (size_t j = 0; (member = ptx_lease_info_member(leases[i], j)); j++) {
			if (!ptx_lease_member_faults(member, &faults))
				continue;
			fputs("ptx_device_dma_faults_total{", stdout);
			put_label("lease", ptx_lease_info_name(leases[i]));
			putchar(',');
			put_label("device", ptx_lease_member_device(member));
			printf("} %llu\n", (unsigned long long)faults);
		}
	}
}

/* @leases has none that is released: another one may have its name by now. */
void metrics_print(const struct ptx_lease_info *const *leases, size_t nr)
{
	put_leases(leases, nr);
	put_devices(leases, nr);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_family(&families[i], leases, nr);
	put_device_faults(leases, nr);
	put_times("ptx_lease_dma_pin_seconds", "How long changes took to pin memory.",
		  ptx_space_info_pin_times, leases, nr);
	put_times("ptx_lease_dma_map_seconds", "How long changes took to map memory.",
		  ptx_space_info_map_times, leases, nr);
	puts("# EOF");
}
