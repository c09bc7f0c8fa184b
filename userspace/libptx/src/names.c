// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * names: reads and rewrites the file of the user's own names. Writers hold a
 * lock on its directory; readers see the old file or the new one.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "internal.h"

#define NAMES_PATH	"/etc/ptx/names"
#define NAMES_SIZE_MAX	(1 << 20)
#define NAME_MAX_LEN	63

struct entry {
	char name[NAME_MAX_LEN + 1];
	char address[PTX_DEVICE_NAME_SIZE];
};

struct ptx_names {
	struct entry *entries;
	size_t nr;
	char **warnings;
	size_t nr_warnings;
};

static const char *names_path(void)
{
	const char *path = secure_getenv("PTX_NAMES");

	return path && *path ? path : NAMES_PATH;
}

const char *ptx_name_check(const char *name)
{
	size_t n = strlen(name);
	enum ptx_kind kind;

	if (!n)
		return "a name must not be empty";
	if (n > NAME_MAX_LEN)
		return "a name has at most 63 characters";
	if (!isalnum((unsigned char)*name) || (unsigned char)*name >= 0x80)
		return "a name begins with a letter or a digit";
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c >= 0x80 || (!isalnum(c) && !strchr("._-", c)))
			return "a name has only letters, digits, dots, underscores and hyphens";
	}
	if (ptx_kind_parse(name, &kind))
		return "this is the name of a kind";
	if (!strcmp(name, "auto"))
		return "this word has a meaning of its own";
	if (n <= 4 && strspn(name, "0123456789") == n)
		return "this would be read as a count or a vendor's id";
	return NULL;
}

/**
 * struct line - one line of the file, taken apart
 * @name: where the name begins; NULL on a line without one
 * @name_len: its length
 * @address: where the address begins; NULL when missing
 * @address_len: its length
 * @tail: what follows: space, a comment
 */
struct line {
	const char *name;
	size_t name_len;
	const char *address;
	size_t address_len;
	const char *tail;
};

static void split_line(const char *text, struct line *line)
{
	memset(line, 0, sizeof(*line));
	text += strspn(text, " \t\r");
	line->tail = text;
	if (!*text || *text == '#')
		return;
	line->name = text;
	line->name_len = strcspn(text, " \t\r#");
	text += line->name_len;
	text += strspn(text, " \t\r");
	line->tail = text;
	if (!*text || *text == '#')
		return;
	line->address = text;
	line->address_len = strcspn(text, " \t\r#");
	line->tail = text + line->address_len;
}

/* NULL when the line is fine, or has nothing on it; else what is wrong. */
static const char *read_line(const char *text, struct entry *entry, bool *empty)
{
	const char *rest, *why;
	char address[64];
	struct line line;

	split_line(text, &line);
	*empty = !line.name;
	if (*empty)
		return NULL;
	if (line.name_len > NAME_MAX_LEN)
		return "a name has at most 63 characters";
	memcpy(entry->name, line.name, line.name_len);
	entry->name[line.name_len] = '\0';
	why = ptx_name_check(entry->name);
	if (why)
		return why;
	if (!line.address)
		return "the address is missing";
	if (line.address_len >= sizeof(address))
		return "the address is malformed";
	memcpy(address, line.address, line.address_len);
	address[line.address_len] = '\0';
	if (!ptx_address_parse(address, entry->address))
		return "the address is malformed";
	rest = line.tail + strspn(line.tail, " \t\r");
	return *rest && *rest != '#' ? "something follows the address" : NULL;
}

static int add_warning(struct ptx_names *names, unsigned int nr, const char *why)
{
	char *text;

	if (!ptx_grow(&names->warnings, names->nr_warnings, sizeof(*names->warnings)))
		return -ENOMEM;
	text = ptx_asprintf("%s:%u: %s; the line is ignored", names_path(), nr, why);
	if (!text)
		return -ENOMEM;
	names->warnings[names->nr_warnings++] = text;
	return 0;
}

static int parse_names(struct ptx_names *names, char *text)
{
	unsigned int nr = 0;
	char *line, *next;

	for (line = text; line; line = next) {
		struct entry entry;
		const char *why;
		bool empty;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		nr++;
		why = read_line(line, &entry, &empty);
		if (!why && !empty && ptx_names_address(names, entry.name))
			why = "the name is given a second time";
		if (why) {
			if (add_warning(names, nr, why))
				return -ENOMEM;
			continue;
		}
		if (empty)
			continue;
		if (!ptx_grow(&names->entries, names->nr, sizeof(*names->entries)))
			return -ENOMEM;
		names->entries[names->nr++] = entry;
	}
	return 0;
}

static int file_error(struct ptx_ctx *ctx, int err, const char *what)
{
	ptx_error_setf(ctx, err, PTX_REASON_NONE, NULL, "cannot %s %s: %s", what,
		       names_path(), strerror(err));
	ptx_error_set_remedy(ctx, err == EACCES || err == EPERM ? "do it as root" : "");
	return -err;
}

/* The file's text, to be freed; an empty one when there is no file. */
static int read_text(struct ptx_ctx *ctx, char **text, size_t *len)
{
	*text = ptx_read_file(names_path(), NAMES_SIZE_MAX, len);
	/* What a crash may leave. What stands behind it must not get lost. */
	if (*text && strlen(*text) != *len) {
		free(*text);
		*text = NULL;
		ptx_error_setf(ctx, EBADMSG, PTX_REASON_NONE, NULL,
			       "%s has a zero byte in it; mend it or remove it", names_path());
		return -EBADMSG;
	}
	if (*text)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR) {
		*len = 0;
		*text = strdup("");
		return *text ? 0 : ptx_error_no_memory(ctx);
	}
	return file_error(ctx, errno, "read");
}

int ptx_names_load(struct ptx_ctx *ctx, struct ptx_names **out)
{
	struct ptx_names *names;
	size_t len;
	char *text;
	int err;

	*out = NULL;
	err = read_text(ctx, &text, &len);
	if (err)
		return err;
	names = calloc(1, sizeof(*names));
	if (!names || parse_names(names, text)) {
		ptx_names_free(names);
		free(text);
		ptx_error_no_memory(ctx);
		return -ENOMEM;
	}
	free(text);
	*out = names;
	return 0;
}

void ptx_names_free(struct ptx_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->nr_warnings; i++)
		free(names->warnings[i]);
	free(names->warnings);
	free(names->entries);
	free(names);
}

size_t ptx_names_count(const struct ptx_names *names)
{
	return names->nr;
}

const char *ptx_names_name_at(const struct ptx_names *names, size_t i)
{
	return i < names->nr ? names->entries[i].name : NULL;
}

const char *ptx_names_address_at(const struct ptx_names *names, size_t i)
{
	return i < names->nr ? names->entries[i].address : NULL;
}

const char *ptx_names_address(const struct ptx_names *names, const char *name)
{
	for (size_t i = 0; i < names->nr; i++) {
		if (!strcmp(names->entries[i].name, name))
			return names->entries[i].address;
	}
	return NULL;
}

const char *ptx_names_name(const struct ptx_names *names, const char *address)
{
	for (size_t i = 0; i < names->nr; i++) {
		if (!strcmp(names->entries[i].address, address))
			return names->entries[i].name;
	}
	return NULL;
}

const char *ptx_names_warning(const struct ptx_names *names, size_t i)
{
	return i < names->nr_warnings ? names->warnings[i] : NULL;
}

/**
 * struct rewrite - the file being written anew
 * @path: the file itself, behind any symbolic link
 * @temp: the new one beside it
 * @dir: its directory, locked
 */
struct rewrite {
	char path[PATH_MAX];
	char temp[PATH_MAX + 8];
	int dir;
};

static int rewrite_begin(struct ptx_ctx *ctx, struct rewrite *rw)
{
	char real[PATH_MAX], dir[PATH_MAX];
	int err;

	/* A link to elsewhere stays a link. */
	if (realpath(names_path(), real))
		strcpy(rw->path, real);
	else if ((size_t)snprintf(rw->path, sizeof(rw->path), "%s", names_path()) >=
		 sizeof(rw->path))
		return file_error(ctx, ENAMETOOLONG, "write");
	strcpy(dir, rw->path);
	if (mkdir(dirname(dir), 0755) && errno != EEXIST)
		return file_error(ctx, errno, "make the directory of");
	strcpy(dir, rw->path);
	rw->dir = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rw->dir < 0)
		return file_error(ctx, errno, "open the directory of");
	while (flock(rw->dir, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		err = file_error(ctx, errno, "lock the directory of");
		close(rw->dir);
		return err;
	}
	return 0;
}

static void rewrite_end(struct rewrite *rw)
{
	close(rw->dir);		/* which unlocks it */
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int rewrite_commit(struct ptx_ctx *ctx, struct rewrite *rw, const char *text)
{
	struct stat st;
	int fd, err;

	snprintf(rw->temp, sizeof(rw->temp), "%s.XXXXXX", rw->path);
	fd = mkostemp(rw->temp, O_CLOEXEC);
	if (fd < 0)
		return file_error(ctx, errno, "write beside");
	if (stat(rw->path, &st)) {
		st.st_mode = 0644;
	} else if (fchown(fd, st.st_uid, st.st_gid) && errno != EPERM) {
		err = -errno;
		goto err_unlink;
	}
	err = write_all(fd, text, strlen(text));
	if (!err && fchmod(fd, st.st_mode & 07777))
		err = -errno;
	if (!err && fsync(fd))
		err = -errno;
	if (!err && rename(rw->temp, rw->path))
		err = -errno;
	if (err)
		goto err_unlink;
	close(fd);
	/* The new name must survive a power cut too; it is there in any case. */
	(void)fsync(rw->dir);
	return 0;

err_unlink:
	close(fd);
	unlink(rw->temp);
	return file_error(ctx, -err, "write");
}

static bool line_is(const struct line *line, const char *name)
{
	return line->name && line->name_len == strlen(name) &&
	       !memcmp(line->name, name, line->name_len);
}

/*
 * The new text: every line with @name, or with @address (when not NULL), goes;
 * the first with @address keeps its place and its comment as @name's new line.
 * Sets *@found when a line with @name was there. To be freed.
 */
static char *edit_text(char *text, const char *name, const char *address, bool *found)
{
	size_t room = strlen(text) + NAME_MAX_LEN + PTX_DEVICE_NAME_SIZE + 8, used = 0;
	char *out = malloc(room), *line, *next;
	bool placed = !address;

	*found = false;
	if (!out)
		return NULL;
	for (line = text; line && *line; line = next) {
		struct entry entry;
		struct line parts;
		bool empty, same, good;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		good = !read_line(line, &entry, &empty) && !empty;
		split_line(line, &parts);
		same = address && good && !strcmp(entry.address, address);
		if (line_is(&parts, name))
			*found = true;
		if (same && !placed) {
			used += (size_t)snprintf(out + used, room - used, "%s %s%s\n", name,
						 address, parts.tail);
			placed = true;
			continue;
		}
		if (same || line_is(&parts, name))
			continue;
		used += (size_t)snprintf(out + used, room - used, "%s\n", line);
	}
	if (!placed)
		snprintf(out + used, room - used, "%s %s\n", name, address);
	else
		out[used] = '\0';
	return out;
}

int ptx_names_set(struct ptx_ctx *ctx, const char *name, const char *address)
{
	char full[PTX_DEVICE_NAME_SIZE];
	struct ptx_names *names;
	struct rewrite rw;
	char *text, *edited;
	const char *other, *why;
	size_t len;
	bool found;
	int err;

	why = ptx_name_check(name);
	if (why)
		return ptx_error_malformed_setf(ctx, PTX_REASON_BAD_NAME,
			"for example: l4-gpu", "a device cannot be called that: %s", why);
	if (strlen(address) > 64 || !ptx_address_parse(address, full))
		return ptx_error_malformed_setf(ctx, PTX_REASON_NO_DEVICE,
			"an address is DOMAIN:BUS:SLOT.FUNCTION, for example 0000:01:00.0",
			"the address is malformed");
	err = rewrite_begin(ctx, &rw);
	if (err)
		return err;
	err = ptx_names_load(ctx, &names);
	if (err)
		goto out;
	other = ptx_names_address(names, name);
	if (other && strcmp(other, full)) {
		err = ptx_error_setf(ctx, EEXIST, PTX_REASON_NAME_TAKEN, other,
				     "%s is already the name of %s", name, other);
		ptx_error_set_remedy(ctx, "take that name away first: ptxctl name -d NAME");
	}
	ptx_names_free(names);
	if (err)
		goto out;
	err = read_text(ctx, &text, &len);
	if (err)
		goto out;
	edited = edit_text(text, name, full, &found);
	free(text);
	err = edited ? rewrite_commit(ctx, &rw, edited) : ptx_error_no_memory(ctx);
	free(edited);
out:
	rewrite_end(&rw);
	return err;
}

int ptx_names_delete(struct ptx_ctx *ctx, const char *name)
{
	struct rewrite rw;
	char *text, *edited;
	size_t len;
	bool found;
	int err;

	if (strlen(name) > NAME_MAX_LEN)
		return ptx_error_malformed_setf(ctx, PTX_REASON_BAD_NAME, "",
						"a name has at most 63 characters");
	err = rewrite_begin(ctx, &rw);
	if (err)
		return err;
	err = read_text(ctx, &text, &len);
	if (err)
		goto out;
	edited = edit_text(text, name, NULL, &found);
	free(text);
	if (!edited) {
		err = ptx_error_no_memory(ctx);
	} else if (!found) {
		err = ptx_error_setf(ctx, ENOENT, PTX_REASON_NONE, NULL,
				     "no device has that name");
		ptx_error_set_remedy(ctx, "see your names: ptxctl name");
	} else {
		err = rewrite_commit(ctx, &rw, edited);
	}
	free(edited);
out:
	rewrite_end(&rw);
	return err;
}
