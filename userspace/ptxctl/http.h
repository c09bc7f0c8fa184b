/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * http - one request to a Unix socket, and its answer: as much of HTTP/1.1 as that
 * takes. What answers is not trusted.
 */
#ifndef PTXCTL_HTTP_H
#define PTXCTL_HTTP_H

#include <stddef.h>
#include <stdint.h>

struct control;

/**
 * struct http_answer - what came back
 * @status: 200 to 599
 * @body: it, with a zero behind it; to be freed
 * @len: its length without that
 */
struct http_answer {
	unsigned int status;
	char *body;
	size_t len;
};

/*
 * Asks the socket @path for @method (GET or PUT) on @target, with @body if that is not
 * NULL, and waits until @end, as now_ms() counts. 0 for an answer of any status; else
 * -1, @control tells why, and nothing is to be freed.
 */
int http_ask(struct control *control, const char *path, const char *method,
	     const char *target, const char *body, int64_t end, struct http_answer *answer);

#endif
