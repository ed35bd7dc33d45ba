/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { TEXT_MAX = 64 * 1024 };

bool vd_verdict_folder(const char *folder)
{
    char path[PATH_MAX];
    struct stat st;
    if ((size_t)snprintf(path, sizeof path, "%s", folder) >= sizeof path)
        return false;
    for (char *slash = path + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(path, 0700);
    }
    mkdir(path, 0700);
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, W_OK | X_OK) == 0;
}

/* Of the verdict's file; aside: while it is written. */
static bool name_file(const char *folder, const char *key, bool aside, char path[PATH_MAX])
{
    XXH128_hash_t hash = XXH3_128bits(key, strlen(key));
    char part[24] = "";
    if (aside)
        snprintf(part, sizeof part, ".%d.part", (int)getpid());
    return (size_t)snprintf(path, PATH_MAX, "%s/device-%016llx%016llx.json%s", folder, (unsigned long long)hash.high64,
                            (unsigned long long)hash.low64, part) < PATH_MAX;
}

static json_t *load(const char *path)
{
    char *text = malloc(TEXT_MAX);
    struct stat st;
    json_t *document = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t got = -1;
    if (fd >= 0 && text && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        got = read(fd, text, TEXT_MAX);
    if (got > 0)
        document = json_loadb(text, (size_t)got, JSON_REJECT_DUPLICATES, NULL);
    if (fd >= 0)
        close(fd);
    free(text);
    return document;
}

static bool understand(json_t *document, const char *key, double now, struct vd_verdict_on *verdict)
{
    const char *whose, *code = "", *stage = "", *text = "";
    json_int_t at;
    int works;
    json_t *report = NULL;
    if (json_unpack(document, "{s:s, s:I, s:b, s?o, s?{s:s, s:s, s:s}}", "key", &whose, "at", &at, "works", &works,
                    "report", &report, "err", "code", &code, "stage", &stage, "text", &text) < 0 ||
        strcmp(whose, key) != 0)
        return false;
    *verdict = (struct vd_verdict_on){.works = works};
    if (!works) {
        enum vd_code known;
        double age = now - (double)at;
        if (age < 0 || age > VD_VERDICT_REFUSED_S || vd_code_parse(code, &known) < 0 || known == VD_OK)
            return false;
        vd_fail(&verdict->err, known, stage, "%s", text);
    }
    verdict->report = json_is_array(report) ? json_incref(report) : NULL;
    return true;
}

bool vd_verdict_read(const char *folder, const char *key, double now, struct vd_verdict_on *verdict)
{
    char path[PATH_MAX];
    if (!name_file(folder, key, false, path))
        return false;
    json_t *document = load(path);
    bool known = document && understand(document, key, now, verdict);
    json_decref(document);
    return known;
}

static bool write_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t put = write(fd, text, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        text += put;
        size -= (size_t)put;
    }
    return true;
}

/* Not synced: a file that a power cut leaves empty is no verdict. */
static void put_file(const char *folder, const char *key, const char *text)
{
    char path[PATH_MAX], aside[PATH_MAX];
    if (!name_file(folder, key, false, path) || !name_file(folder, key, true, aside))
        return;
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    bool whole = write_all(fd, text, strlen(text));
    if (close(fd) < 0 || !whole || rename(aside, path) < 0)
        unlink(aside);
}

void vd_verdict_write(const char *folder, const char *key, double now, const struct vd_verdict_on *verdict)
{
    json_t *err = verdict->works ? NULL
                                 : json_pack("{s:s, s:s, s:s}", "code", vd_code_name(verdict->err.code), "stage",
                                             verdict->err.stage, "text", verdict->err.text);
    json_t *document = json_pack("{s:s, s:I, s:b, s:O*, s:o*}", "key", key, "at", (json_int_t)now, "works",
                                 verdict->works, "report", verdict->report, "err", err);
    char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    if (text)
        put_file(folder, key, text);
    free(text);
    json_decref(document);
}

void vd_verdict_remove(const char *folder, const char *key)
{
    char path[PATH_MAX];
    if (name_file(folder, key, false, path))
        unlink(path);
}
