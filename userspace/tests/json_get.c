// SPDX-License-Identifier: GPL-2.0-only
/*
 * json_get: reads JSON strictly from standard input and prints the value at a
 * JSON pointer, or with -l checks that every line is an object. Exit status 1
 * when it is no JSON, 2 when there is nothing at that place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

static struct json_object *parse(const char *text, int len)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *obj;

	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	obj = json_tokener_parse_ex(tok, text, len);
	if (json_tokener_get_error(tok) != json_tokener_success) {
		fprintf(stderr, "json_get: %s\n",
			json_tokener_error_desc(json_tokener_get_error(tok)));
		exit(1);
	}
	json_tokener_free(tok);
	return obj;
}

int main(int argc, char **argv)
{
	static char text[1 << 20];
	size_t len = fread(text, 1, sizeof(text) - 1, stdin);
	struct json_object *obj, *at = NULL;
	char *line, *save = NULL;

	if (argc > 1 && !strcmp(argv[1], "-l")) {
		for (line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			obj = parse(line, (int)strlen(line) + 1);
			if (!json_object_is_type(obj, json_type_object))
				return 1;
			json_object_put(obj);
		}
		return len ? 0 : 1;
	}
	obj = parse(text, (int)len + 1);
	if (json_pointer_get(obj, argc > 1 ? argv[1] : "", &at)) {
		json_object_put(obj);
		return 2;
	}
	if (json_object_is_type(at, json_type_string))
		puts(json_object_get_string(at));
	else
		puts(json_object_to_json_string_ext(at, JSON_C_TO_STRING_PLAIN));
	json_object_put(obj);
	return 0;
}
