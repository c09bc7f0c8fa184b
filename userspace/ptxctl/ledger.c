// SPDX-License-Identifier: GPL-2.0-only
/*
 * ledger: the file, and who may touch it: whoever has its directory locked. An entry
 * is the id and the name of a lease. One that is about to be asked for has the id 0,
 * so that it is known even if we are killed before it has another.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ledger.h"
#include "output.h"
#include "persistenced.h"
#include "save.h"

#define RUN_DIR		"/run/ptx"
#define MAX_LEN		(1 << 20)
/* How long to wait for others that settle; a request takes too long for that. */
#define SETTLE_MS	1000
#define LOCK_AGAIN_US	20000

/**
 * struct ledger - the file, locked and read
 * @dir: its directory, which is locked; -1 when it is not
 * @path: the file
 * @root: what is in it: an object with an array "leases"
 * @name: the lease of the request, or NULL
 * @stopped: the daemon was stopped for that
 */
struct ledger {
	int dir;
	char path[PATH_MAX];
	struct json_object *root;
	const char *name;
	bool stopped;
};

static struct json_object *entries_of(const struct ledger *ledger)
{
	struct json_object *entries = NULL;

	json_object_object_get_ex(ledger->root, "leases", &entries);
	return entries;
}

static struct json_object *entry_at(const struct ledger *ledger, size_t i)
{
	struct json_object *entries = entries_of(ledger);

	return i < json_object_array_length(entries) ?
	       json_object_array_get_idx(entries, i) : NULL;
}

static uint64_t id_of(struct json_object *entry)
{
	struct json_object *id = NULL;

	json_object_object_get_ex(entry, "id", &id);
	return json_object_get_uint64(id);
}

static void add_entry(struct ledger *ledger, const char *name, uint64_t id)
{
	struct json_object *entry = json_object_new_object();

	json_put_u64(entry, "id", id);
	json_put_text(entry, "name", name);
	json_object_array_add(entries_of(ledger), entry);
}

/* Takes out the entry of the lease @id, or that of the request if that is 0. */
static void drop_entry(struct ledger *ledger, uint64_t id)
{
	struct json_object *entry;

	for (size_t i = 0; (entry = entry_at(ledger, i)); i++) {
		if (id_of(entry) == id &&
		    (id || !strcmp(json_get_text(entry, "name"), ledger->name))) {
			json_object_array_del_idx(entries_of(ledger), i, 1);
			return;
		}
	}
}

static bool is_ours(struct json_object *root)
{
	struct json_object *entries, *entry, *id;

	if (!json_object_object_get_ex(root, "leases", &entries) ||
	    !json_object_is_type(entries, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(entries); i++) {
		entry = json_object_array_get_idx(entries, i);
		if (!json_get_text(entry, "name") ||
		    !json_object_object_get_ex(entry, "id", &id) ||
		    !json_object_is_type(id, json_type_int))
			return false;
	}
	return true;
}

/* 0 or a negative errno: ENOENT when there is none, EPROTO when it is not ours. */
static int read_file(struct ledger *ledger)
{
	struct stat st;
	int fd, err = 0;

	fd = open(ledger->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	/* Whoever writes it has services started. */
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > MAX_LEN ||
	    (st.st_uid && st.st_uid != geteuid()) || st.st_mode & 022) {
		err = -EPROTO;
	} else {
		ledger->root = json_object_from_fd(fd);
		if (!is_ours(ledger->root))
			err = -EPROTO;
	}
	close(fd);
	return err;
}

/* An exit status. A file without entries is none. */
static int write_back(struct ledger *ledger)
{
	if (entry_at(ledger, 0))
		return save_text(ledger->path, json_object_to_json_string_ext(ledger->root,
						JSON_C_TO_STRING_NOSLASHESCAPE));
	if (!unlink(ledger->path) || errno == ENOENT)
		return EXIT_DONE;
	cli_say("cannot remove %s: %s", ledger->path, strerror(errno));
	return EXIT_REFUSED;
}

/* 0 or a negative errno: EWOULDBLOCK when it is locked for as long as @wait_ms. */
static int lock(int dir, int wait_ms)
{
	/* Of a lock that is free again nobody is told. */
	for (int64_t end = now_ms() + wait_ms; wait_ms;) {
		if (!flock(dir, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK || now_ms() >= end)
			return -errno;
		usleep(LOCK_AGAIN_US);
	}
	return flock(dir, LOCK_EX) ? -errno : 0;
}

/*
 * Locks and reads it, waiting so long, or for ever if @wait_ms is 0, when also its
 * directory is made: 0 or a negative errno, as lock() and read_file() have them.
 * Undone by close_ledger(), always.
 */
static int open_ledger(struct ledger *ledger, int wait_ms)
{
	const char *dir = secure_getenv("PTX_RUN");
	int err;

	*ledger = (struct ledger){ .dir = -1 };
	if (!dir)
		dir = RUN_DIR;
	if (snprintf(ledger->path, sizeof(ledger->path), "%s/persistenced", dir) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (!wait_ms && mkdir(dir, 0755) && errno != EEXIST)
		return -errno;
	ledger->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ledger->dir < 0)
		return -errno;
	err = lock(ledger->dir, wait_ms);
	return err ? err : read_file(ledger);
}

static void close_ledger(struct ledger *ledger)
{
	json_object_put(ledger->root);
	if (ledger->dir >= 0)
		close(ledger->dir);
}

static int fail(struct ledger *ledger, int err)
{
	if (err == -EPROTO)
		cli_say("%s: not a file that ptxctl wrote", ledger->path);
	else
		cli_say("cannot use %s: %s", ledger->path, strerror(-err));
	return EXIT_REFUSED;
}

int ledger_begin(struct cli *cli, const struct selection *sel, const char *name,
		 struct ledger **out)
{
	struct ledger *ledger = malloc(sizeof(*ledger));
	bool in_the_way = false;
	int err, status;

	*out = ledger;
	if (!ledger) {
		cli_say("out of memory");
		return EXIT_REFUSED;
	}
	progress_begin("waiting for another ptxctl");
	err = open_ledger(ledger, 0);
	progress_end();
	if (err == -ENOENT && ledger->dir >= 0) {
		ledger->root = json_object_new_object();
		json_object_object_add(ledger->root, "leases", json_object_new_array());
		err = 0;
	}
	if (err)
		return fail(ledger, err);
	ledger->name = name;
	status = persistenced_look(cli, sel, &in_the_way);
	if (status || !in_the_way)
		return status;
	add_entry(ledger, name, 0);
	status = write_back(ledger);
	if (status)
		return status;
	return persistenced_stop(cli, sel, &ledger->stopped);
}

void ledger_end(struct ledger *ledger, const struct ptx_lease_info *info)
{
	if (!ledger)
		return;
	if (ledger->name) {
		/* Who asks while it is stopped for another wants it to stay so. */
		const bool noted = entry_at(ledger, 0);

		if (noted)
			drop_entry(ledger, 0);
		if (noted && info) {
			drop_entry(ledger, ptx_lease_info_id(info));
			add_entry(ledger, ledger->name, ptx_lease_info_id(info));
		}
		if (!info && ledger->stopped)
			persistenced_start();
		if (noted)
			write_back(ledger);
	}
	close_ledger(ledger);
	free(ledger);
}

/* Whether a lease has nothing any more that the daemon could be in the way of. */
static bool is_over(struct cli *cli, struct json_object *entry)
{
	struct ptx_lease_ref ref = {
		.id = id_of(entry),
		.name = json_get_text(entry, "name"),
	};
	struct ptx_lease_info *info;
	bool over;
	int err;

	err = ptx_lease_info_get(cli->ctx, &ref, &info);
	if (err)
		return err == -ENOENT || err == -ENODEV;
	over = ptx_lease_info_state(info) == PTX_LEASE_STATE_RELEASED ||
	       !ptx_lease_info_nr_members(info);
	/* Whoever asked for it was killed, and got it all the same. */
	if (!over && !ref.id)
		json_put_u64(entry, "id", ptx_lease_info_id(info));
	ptx_lease_info_free(info);
	return over;
}

void ledger_settle(struct cli *cli)
{
	struct ledger ledger;
	size_t nr;
	int err;

	err = open_ledger(&ledger, SETTLE_MS);
	/* None; or whoever has it locked settles in the end; or it is not ours to do. */
	if (err == -EPROTO)
		fail(&ledger, err);
	if (err)
		goto out;
	nr = json_object_array_length(entries_of(&ledger));
	for (size_t i = nr; i-- > 0;)
		if (is_over(cli, entry_at(&ledger, i)))
			json_object_array_del_idx(entries_of(&ledger), i, 1);
	/* First this, lest it is forgotten if we are killed. */
	if (nr && !entry_at(&ledger, 0))
		persistenced_start();
	write_back(&ledger);
out:
	close_ledger(&ledger);
}
