/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clients and settings write, read by hand: ranges, hosts, addresses, paths. Pure; any thread; fuzzed. */
#ifndef VIDRIERA_WEB_PARSE_H
#define VIDRIERA_WEB_PARSE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vd_span {
    uint64_t from, size;
};

/* WHOLE: no Range, none in bytes, several, or one that is malformed, which RFC 9110 (14.2) lets be ignored.
 * OUTSIDE: nothing of it is there. */
enum vd_range { VD_RANGE_WHOLE, VD_RANGE_PART, VD_RANGE_OUTSIDE };

/* text NULL: there is none. Of a file of `size` bytes, more than 0; *span is filled in any case, and lies in it. */
enum vd_range vd_range_parse(const char *text, uint64_t size, struct vd_span *span);

enum { VD_HOST = 254 };

struct vd_host {
    char name[VD_HOST]; /* lower case; an IPv6 address without brackets */
    bool number;        /* an address, of IPv4 or IPv6 */
    char port[6];       /* empty: none was given */
};

/* NAME, ADDRESS or [ADDRESS], and perhaps :PORT. */
bool vd_host_parse(const char *text, struct vd_host *host);

/* http://HOST or https://HOST. */
bool vd_origin_parse(const char *text, struct vd_host *host);

/* Is it one of those between commas? */
bool vd_host_listed(const struct vd_host *host, const char *list);

/* ADDRESS:PORT or [ADDRESS]:PORT, and localhost. Returns the size of *address, 0: it is none. */
socklen_t vd_listen_parse(const char *text, struct sockaddr_storage *address);
bool vd_is_loopback(const struct sockaddr_storage *address);

/*
 * Is the path the pattern's? '*' stands for one part of it, a job's name: 1 to VD_PATH_JOB - 1 of [A-Za-z0-9._-], the
 * first a letter or digit. It is copied to job, which is empty when the pattern has none.
 */
enum { VD_PATH_JOB = 300 };
bool vd_path_is(const char *path, const char *pattern, char job[VD_PATH_JOB]);

/* Digits alone, and no more than fit. */
bool vd_number_parse(const char *text, uint64_t *number);

/* "video/mp4" by the extension; NULL: it is none of a recording that browsers are given. */
const char *vd_media_type(const char *name);

#endif
