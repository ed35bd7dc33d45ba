/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer: nothing that a client writes makes the web server's own parsers crash, or say what is not so. */
#include "src/web/guard.h"
#include "src/web/parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void check(bool is)
{
    if (!is)
        abort();
}

static void check_range(const char *text)
{
    static const uint64_t sizes[] = {1, 1000, UINT64_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct vd_span span;
        enum vd_range range = vd_range_parse(text, sizes[i], &span);
        check(span.size > 0 && span.from < sizes[i] && span.size <= sizes[i] - span.from);
        check(range == VD_RANGE_PART || (span.from == 0 && span.size == sizes[i]));
    }
}

static void check_host(const char *text)
{
    struct vd_host host;
    struct sockaddr_storage address;
    if (vd_host_parse(text, &host)) {
        check(*host.name && strlen(host.name) < VD_HOST && !strpbrk(host.name, "/@, \r\n\"\\ABCXYZ"));
        check(strspn(host.port, "0123456789") == strlen(host.port));
        check(vd_host_listed(&host, host.name));
    }
    if (vd_origin_parse(text, &host))
        check(!strncmp(text, "http", 4));
    if (vd_listen_parse(text, &address) > 0)
        vd_is_loopback(&address);
    struct vd_host local = {.name = "localhost"};
    vd_host_listed(&local, text);
}

static void check_path(const char *text)
{
    static const char *const patterns[] = {"/", "/healthz", "/api/jobs/*/cancel", "/media/*/original", "*"};
    char job[VD_PATH_JOB];
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (vd_path_is(text, patterns[i], job) && *job)
            check(job[0] != '.' && !strchr(job, '/') && strlen(job) < VD_PATH_JOB && strstr(text, job));
    vd_media_type(text);
}

static void check_guard(const char *text)
{
    static struct vd_guard guard;
    char key[VD_SESSION_TEXT];
    if (!guard.token)
        check(vd_guard_init(&guard, "a token of some length", "vidriera.example.org") == 0);
    bool own = !strncasecmp(text, "Bearer ", 7) && !strcmp(text + 7, guard.token);
    check(own == (vd_guard_who(&guard, text, NULL, 1) == VD_BEARER));
    check(vd_guard_who(&guard, NULL, text, 1) == VD_STRANGER); /* nobody has signed in */
    if (strcmp(text, guard.token))
        check(vd_guard_login(&guard, text, 1, key) < 0);
    vd_guard_logout(&guard, text);
    vd_guard_host(&guard, text);
    vd_guard_origin(text, NULL, "vidriera.example.org:8870", VD_BEARER);
    vd_guard_origin("http://vidriera.example.org:8870", NULL, text, VD_VISITOR);
    vd_guard_origin(NULL, text, NULL, VD_NOBODY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t number;
    char *text = malloc(size + 1);
    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_range(text);
    check_host(text);
    check_path(text);
    check_guard(text);
    if (vd_number_parse(text, &number))
        check(strspn(text, "0123456789") == strlen(text));
    free(text);
    return 0;
}
