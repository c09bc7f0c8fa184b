// SPDX-License-Identifier: GPL-2.0-only
/* The file of the user's own names: what is read, and that nothing is lost. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../libptx/src/internal.h"
#include "tap.h"

static struct ptx_ctx *ctx;
static char dir[32] = "/tmp/ptx-names.XXXXXX";
static char path[64], inner[96];

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		exit(99);
}

static const char *content(void)
{
	static char buf[8192];
	char *text = ptx_read_file(path, sizeof(buf) - 1, NULL);

	snprintf(buf, sizeof(buf), "%s", text ? text : "(none)");
	free(text);
	return buf;
}

static void checks(void)
{
	static const char *const good[] = {
		"a", "l4-gpu", "GPU0", "0x", "a.b_c-d", "12345", "gpu1", "nvme-2",
	};
	static const char *const bad[] = {
		"", "-a", ".a", "_a", "a b", "a:b", "a/b", "gr\xc3\xbc", "gpu", "other", "auto",
		"12", "1002", "a#b", "a\n",
	};
	char text[80];

	for (size_t i = 0; i < PTX_ARRAY_SIZE(good); i++)
		ok(!ptx_name_check(good[i]), "'%s' is a name", good[i]);
	for (size_t i = 0; i < PTX_ARRAY_SIZE(bad); i++)
		ok(ptx_name_check(bad[i]), "bad name number %zu", i);
	memset(text, 'a', sizeof(text));
	text[63] = '\0';
	ok(!ptx_name_check(text), "63 characters are a name");
	text[63] = 'a';
	text[64] = '\0';
	ok(ptx_name_check(text), "64 are not");
}

static void reading(void)
{
	struct ptx_names *names;

	unlink(path);
	is_int(ptx_names_load(ctx, &names), 0, "no file is an empty file");
	is_int(ptx_names_count(names), 0, "without names");
	ptx_names_free(names);

	put("# head\n\n  one   01:00.0  # tail\ntwo\t0000:02:00.0\r\nthree\nfour zz\n"
	    "five 05:00.0 more\none 06:00.0\ngpu 07:00.0\nlast 08:00.0");
	is_int(ptx_names_load(ctx, &names), 0, "a file with all sorts of lines");
	is_int(ptx_names_count(names), 3, "three are names");
	is_str(ptx_names_address(names, "one"), "0000:01:00.0", "one");
	is_str(ptx_names_address(names, "two"), "0000:02:00.0", "two, with a carriage return");
	is_str(ptx_names_address(names, "last"), "0000:08:00.0", "the last, without a newline");
	is_str(ptx_names_name(names, "0000:02:00.0"), "two", "the other way around");
	is_str(ptx_names_name(names, "0000:06:00.0"), NULL, "a name given twice counts once");
	is_str(ptx_names_address(names, "three"), NULL, "no address");
	has_str(ptx_names_warning(names, 0), ":5: the address is missing", "warning 1");
	has_str(ptx_names_warning(names, 1), ":6: the address is malformed", "warning 2");
	has_str(ptx_names_warning(names, 2), ":7: something follows", "warning 3");
	has_str(ptx_names_warning(names, 3), ":8: the name is given a second", "warning 4");
	has_str(ptx_names_warning(names, 4), ":9: this is the name of a kind", "warning 5");
	is_str(ptx_names_warning(names, 5), NULL, "no more warnings");
	is_str(ptx_names_name_at(names, 3), NULL, "no more names");
	ptx_names_free(names);
}

static void writing(void)
{
	struct stat st;

	unlink(path);
	is_int(ptx_names_set(ctx, "one", "01:00.0"), 0, "the first name");
	is_str(content(), "one 0000:01:00.0\n", "is all there is");
	ok(!stat(path, &st) && (st.st_mode & 0777) == 0644, "all may read it");

	put("# mine\none 01:00.0 # keep\n\nbroken line here\ntwo 02:00.0");
	if (chmod(path, 0640))
		exit(99);
	is_int(ptx_names_set(ctx, "uno", "0000:01:00.0"), 0, "another name for a device");
	is_str(content(), "# mine\nuno 0000:01:00.0 # keep\n\nbroken line here\ntwo 02:00.0\n",
	       "takes its line and leaves the rest");
	ok(!stat(path, &st) && (st.st_mode & 0777) == 0640, "and the mode");
	is_int(ptx_names_set(ctx, "three", "03:00.0"), 0, "a new device");
	has_str(content(), "two 02:00.0\nthree 0000:03:00.0\n", "comes last");
	is_int(ptx_names_set(ctx, "two", "02:00.0"), 0, "the same again");
	has_str(content(), "\ntwo 0000:02:00.0\nthree 0000:03:00.0\n", "changes nothing");

	is_int(ptx_names_set(ctx, "two", "04:00.0"), -EEXIST, "a name that is taken");
	has_str(ptx_error_message(ptx_ctx_error(ctx)), "name of 0000:02:00.0", "says by whom");
	is_int(ptx_names_set(ctx, "gpu", "04:00.0"), -EINVAL, "a kind as a name");
	is_int(ptx_names_set(ctx, "x", "4:0.0"), -EINVAL, "no address");

	is_int(ptx_names_delete(ctx, "two"), 0, "a name goes");
	ok(!strstr(content(), "two"), "and is gone");
	has_str(content(), "# mine\nuno 0000:01:00.0 # keep\n\nbroken", "the rest stays");
	is_int(ptx_names_delete(ctx, "two"), -ENOENT, "it cannot go twice");
	is_int(ptx_names_delete(ctx, "broken"), 0, "even a broken line can");
}

static void links(void)
{
	char link[96];
	struct stat st;

	snprintf(link, sizeof(link), "%s/link", dir);
	if (symlink("names", link))
		exit(99);
	setenv("PTX_NAMES", link, 1);
	is_int(ptx_names_set(ctx, "linked", "0a:00.0"), 0, "through a symbolic link");
	ok(!lstat(link, &st) && S_ISLNK(st.st_mode), "which stays one");
	has_str(content(), "linked 0000:0a:00.0", "and the file behind it is written");
	setenv("PTX_NAMES", inner, 1);
	is_int(ptx_names_set(ctx, "deep", "0a:00.0"), 0, "the directory is made");
	setenv("PTX_NAMES", "/proc/nosuch/names", 1);
	ok(ptx_names_set(ctx, "x", "0a:00.0") < 0, "nowhere to write");
	has_str(ptx_error_message(ptx_ctx_error(ctx)), "/proc/nosuch/names", "names the file");
	setenv("PTX_NAMES", path, 1);
}

/* Many writers at once: every name must be there in the end. */
static void race(void)
{
	struct ptx_names *names;
	int status, bad = 0;

	put("");
	fflush(stdout);
	for (int i = 0; i < 16; i++) {
		if (fork())
			continue;
		char name[16], address[16];

		snprintf(name, sizeof(name), "name-%d", i);
		snprintf(address, sizeof(address), "%02x:00.0", i);
		_exit(ptx_names_set(ctx, name, address) ? 1 : 0);
	}
	while (wait(&status) > 0)
		bad += status != 0;
	is_int(bad, 0, "16 writers at once");
	if (ptx_names_load(ctx, &names))
		exit(99);
	is_int(ptx_names_count(names), 16, "and no name is lost");
	ptx_names_free(names);
}

static void large(void)
{
	struct ptx_names *names;
	FILE *f = fopen(path, "w");

	for (int i = 0; f && i < 40000; i++)
		fputs("# a line that makes the file too large\n", f);
	if (!f || fclose(f))
		exit(99);
	is_int(ptx_names_load(ctx, &names), -EFBIG, "a file of more than 1 MiB");
}

int main(void)
{
	char command[128];

	if (!mkdtemp(dir) || ptx_ctx_new(&ctx))
		return 99;
	snprintf(path, sizeof(path), "%s/names", dir);
	snprintf(inner, sizeof(inner), "%s/new/names", dir);
	setenv("PTX_NAMES", path, 1);
	checks();
	reading();
	writing();
	links();
	race();
	large();
	snprintf(command, sizeof(command), "ls -A %s | grep -v -x -e names -e link -e new", dir);
	ok(system(command), "no temporary file is left");
	ptx_ctx_free(ctx);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? 99 : tap_done();
}
