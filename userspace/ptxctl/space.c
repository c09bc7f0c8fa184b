// SPDX-License-Identifier: GPL-2.0-only
/*
 * space: what a lease's DMA space has, in words and as JSON.
 */
#include <libptx/libptx.h>
#include "output.h"
#include "size.h"
#include "space.h"

const char *space_range_text(const struct ptx_space_range *range, char buf[SPACE_RANGE_SIZE])
{
	snprintf(buf, SPACE_RANGE_SIZE, "0x%llx-0x%llx", (unsigned long long)range->first,
		 (unsigned long long)range->last);
	return buf;
}

/* A line of show. */
void space_print(const struct ptx_space_info *space)
{
	const struct ptx_space_range *range;
	char size[32], text[SPACE_RANGE_SIZE];

	size_text(ptx_space_info_mapped(space), size);
	printf("  DMA space: %s mapped", size);
	if (ptx_space_info_quota(space)) {
		size_text(ptx_space_info_quota(space), size);
		printf(" of %s", size);
	}
	fputs(ptx_space_info_container(space) ? ", through a VFIO container, " : ", ", stdout);
	if (!ptx_space_info_nr_windows(space))
		fputs("no windows", stdout);
	for (size_t i = 0; (range = ptx_space_info_window(space, i)); i++)
		printf("%s%s", !i ? "windows " : " ", space_range_text(range, text));
	putchar('\n');
}

static struct json_object *times_json(const uint64_t *times)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < PTX_SPACE_TIMES; i++)
		json_object_array_add(array, json_object_new_uint64(times[i]));
	return array;
}

/* NULL, which is null, for no space. Addresses are text: they are too large for some. */
struct json_object *space_json(const struct ptx_space_info *space)
{
	const struct ptx_space_range *range;
	struct json_object *obj, *windows, *one;
	char text[32];
	uint64_t faults;

	if (!space)
		return NULL;
	obj = json_object_new_object();
	if (ptx_space_info_quota(space))
		json_put_u64(obj, "quota", ptx_space_info_quota(space));
	else
		json_object_object_add(obj, "quota", NULL);
	json_put_u64(obj, "mapped", ptx_space_info_mapped(space));
	json_put_u64(obj, "pinned", ptx_space_info_pinned(space));
	json_put_u64(obj, "entries", ptx_space_info_entries(space));
	json_put_u64(obj, "max_entries", ptx_space_info_max_entries(space));
	json_put_u64(obj, "largest_page", ptx_space_info_largest_page(space));
	if (ptx_space_info_faults(space, &faults))
		json_put_u64(obj, "faults", faults);
	else
		json_object_object_add(obj, "faults", NULL);
	json_put_bool(obj, "container", ptx_space_info_container(space));
	windows = json_object_new_array();
	for (size_t i = 0; (range = ptx_space_info_window(space, i)); i++) {
		one = json_object_new_object();
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)range->first);
		json_put_text(one, "first", text);
		snprintf(text, sizeof(text), "0x%llx", (unsigned long long)range->last);
		json_put_text(one, "last", text);
		json_object_array_add(windows, one);
	}
	json_object_object_add(obj, "windows", windows);
	json_object_object_add(obj, "pin_times", times_json(ptx_space_info_pin_times(space)));
	json_object_object_add(obj, "map_times", times_json(ptx_space_info_map_times(space)));
	return obj;
}
