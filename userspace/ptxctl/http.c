// SPDX-License-Identifier: GPL-2.0-only
/*
 * http: a connection for each request. What is not just as the standard has it is
 * refused, not guessed at: one length, told once, and no byte behind it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include "control.h"
#include "http.h"
#include "output.h"

#define LINE_MAX_LEN	8192
#define HEADERS_MAX	64

/**
 * struct wire - what is being read
 * @control: where errors go
 * @path: the socket, for them
 * @fd: the connection
 * @end: when to give up
 * @buf: what was read, and room for a zero behind it
 * @len: its length
 * @room: and how long it may become
 * @at: how much of it was looked at
 * @over: there will be no more
 */
struct wire {
	struct control *control;
	const char *path;
	int fd;
	int64_t end;
	char *buf;
	size_t len;
	size_t room;
	size_t at;
	bool over;
};

/**
 * struct head - what an answer says of itself
 * @status: its status
 * @length: of its body
 * @sized: whether it says so
 * @chunked: or each piece of the body does
 */
struct head {
	unsigned int status;
	size_t length;
	bool sized;
	bool chunked;
};

static int fail(struct wire *wire, const char *what)
{
	return control_fail(wire->control, "%s: %s", wire->path, what);
}

static int no_http(struct wire *wire)
{
	return fail(wire, "what answers there is not HTTP as it should be");
}

/* Takes in more, or finds that it is over. */
static int more(struct wire *wire)
{
	struct pollfd p = { .fd = wire->fd, .events = POLLIN };
	int64_t left = wire->end - now_ms();
	ssize_t n;

	if (wire->len == wire->room) {
		size_t room = wire->room ? 2 * wire->room : 4096;
		char *buf = room <= CONTROL_MAX_LEN ? realloc(wire->buf, room + 1) : NULL;

		if (!buf)
			return fail(wire, "the answer is longer than can be right");
		wire->buf = buf;
		wire->room = room;
	}
	if (left <= 0 || poll(&p, 1, (int)left) == 0)
		return fail(wire, "no answer in time");
	n = recv(wire->fd, wire->buf + wire->len, wire->room - wire->len, MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return fail(wire, strerror(errno));
	wire->over = !n;
	wire->len += (size_t)n;
	return 0;
}

/* The same where there must be more. */
static int must_more(struct wire *wire)
{
	if (more(wire))
		return -1;
	return wire->over ? fail(wire, "the answer breaks off") : 0;
}

/* No control characters, such as a return without a newline, or a zero. */
static bool is_plain(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return false;
	return true;
}

/* The next line, which is good until more is taken in; NULL with an error. */
static const char *next_line(struct wire *wire)
{
	char *line, *eol;
	size_t n;

	for (;;) {
		n = wire->len - wire->at;
		line = n ? wire->buf + wire->at : NULL;
		eol = n ? memchr(line, '\n', n) : NULL;
		if (eol || n > LINE_MAX_LEN)
			break;
		if (must_more(wire))
			return NULL;
	}
	n = eol ? (size_t)(eol - line) : 0;
	if (!n || n > LINE_MAX_LEN || line[n - 1] != '\r' || !is_plain(line, n - 1)) {
		no_http(wire);
		return NULL;
	}
	line[n - 1] = '\0';
	wire->at += n + 1;
	return line;
}

/* Is that all of a header's line but its value, with what is behind it? */
static const char *header(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " \t");
}

static int read_header(struct wire *wire, const char *line, struct head *head)
{
	const char *length = header(line, "Content-Length");
	const char *encoding = header(line, "Transfer-Encoding");
	size_t digits;

	/* A name, and not a line that goes on from the last one. */
	if (!strchr(line, ':') || strcspn(line, " \t:") != strcspn(line, ":") || *line == ':')
		return no_http(wire);
	if ((length || encoding) && (head->sized || head->chunked))
		return no_http(wire);
	if (length) {
		digits = strspn(length, "0123456789");
		if (!digits || digits > 9 || length[digits + strspn(length + digits, " \t")])
			return no_http(wire);
		head->length = strtoul(length, NULL, 10);
		head->sized = true;
	}
	if (encoding) {
		if (strncasecmp(encoding, "chunked", 7) ||
		    encoding[7 + strspn(encoding + 7, " \t")])
			return no_http(wire);
		head->chunked = true;
	}
	return 0;
}

/* To the empty line behind the last header. */
static int read_headers(struct wire *wire, struct head *head)
{
	const char *line;

	for (int i = 0; i < HEADERS_MAX; i++) {
		line = next_line(wire);
		if (!line)
			return -1;
		if (!*line)
			return 0;
		if (read_header(wire, line, head))
			return -1;
	}
	return no_http(wire);
}

static int read_head(struct wire *wire, struct head *head)
{
	const char *line = next_line(wire);

	if (!line)
		return -1;
	/* A status is three digits; what we ask has no answer that is not the last. */
	if (strncmp(line, "HTTP/1.1 ", 9) || strspn(line + 9, "0123456789") != 3 ||
	    line[9] < '2' || line[9] > '5' || (line[12] && line[12] != ' '))
		return no_http(wire);
	head->status = (unsigned int)strtoul(line + 9, NULL, 10);
	if (read_headers(wire, head))
		return -1;
	if (head->status != 204)
		return 0;
	/* There is no content. */
	if (head->chunked || head->length)
		return no_http(wire);
	head->sized = true;
	return 0;
}

/* Until there are @n bytes that were not looked at. */
static int await(struct wire *wire, size_t n)
{
	while (wire->len - wire->at < n)
		if (must_more(wire))
			return -1;
	return 0;
}

/* Joins the pieces where the first one's head was; how long all of them are. */
static int read_chunks(struct wire *wire, size_t *length)
{
	struct head trailer = { .chunked = true };
	const size_t begin = wire->at;
	const char *line;
	size_t n, digits;

	*length = 0;
	for (;;) {
		line = next_line(wire);
		if (!line)
			return -1;
		digits = strspn(line, "0123456789abcdefABCDEF");
		if (!digits || digits > 7 || (line[digits] && line[digits] != ';'))
			return no_http(wire);
		n = strtoul(line, NULL, 16);
		if (!n)
			break;
		if (await(wire, n + 2))
			return -1;
		if (memcmp(wire->buf + wire->at + n, "\r\n", 2))
			return no_http(wire);
		memmove(wire->buf + begin + *length, wire->buf + wire->at, n);
		*length += n;
		wire->at += n + 2;
	}
	return read_headers(wire, &trailer);
}

/* Leaves the body in the buffer, at *@begin. */
static int read_body(struct wire *wire, struct head *head, size_t *begin)
{
	*begin = wire->at;
	if (head->chunked) {
		if (read_chunks(wire, &head->length))
			return -1;
	} else if (head->sized) {
		if (await(wire, head->length))
			return -1;
		wire->at += head->length;
	} else {
		while (!wire->over)
			if (more(wire))
				return -1;
		wire->at = wire->len;
		head->length = wire->len - *begin;
	}
	return wire->at == wire->len ? 0 : no_http(wire);
}

static int say(struct wire *wire, const char *method, const char *target, const char *body)
{
	char *text;
	ssize_t n;
	int len;

	if (body)
		len = asprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n"
			       "Accept: application/json\r\nConnection: close\r\n"
			       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			       method, target, strlen(body), body);
	else
		len = asprintf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\n"
			       "Accept: application/json\r\nConnection: close\r\n\r\n",
			       method, target);
	if (len < 0)
		return fail(wire, "out of memory");
	n = send(wire->fd, text, (size_t)len, MSG_NOSIGNAL);
	free(text);
	return n == len ? 0 : fail(wire, n < 0 ? strerror(errno) : "the request is not taken");
}

int http_ask(struct control *control, const char *path, const char *method,
	     const char *target, const char *body, int64_t end, struct http_answer *answer)
{
	struct wire wire = { .control = control, .path = path, .end = end };
	struct head head = { .status = 0 };
	size_t begin;
	int ret = -1;

	wire.fd = control_connect(control, path);
	if (wire.fd < 0)
		return -1;
	if (!say(&wire, method, target, body) && !read_head(&wire, &head))
		ret = read_body(&wire, &head, &begin);
	close(wire.fd);
	if (ret) {
		free(wire.buf);
		return -1;
	}
	memmove(wire.buf, wire.buf + begin, head.length);
	wire.buf[head.length] = '\0';
	*answer = (struct http_answer){ head.status, wire.buf, head.length };
	return 0;
}
