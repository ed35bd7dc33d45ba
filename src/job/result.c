/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/result.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const status_names[] = {
    [VD_COMPLETED] = "completed", [VD_FAILED] = "failed", [VD_REJECTED] = "rejected", [VD_CANCELLED] = "cancelled"};

enum { STATUSES = sizeof status_names / sizeof *status_names };

const char *vd_status_name(enum vd_status status)
{
    return status_names[status];
}

int vd_status_parse(const char *name, enum vd_status *status)
{
    for (int i = 0; i < STATUSES; i++)
        if (!strcmp(status_names[i], name)) {
            *status = (enum vd_status)i;
            return 0;
        }
    return -1;
}

void vd_time_text(double seconds, char text[32])
{
    double whole = floor(seconds);
    time_t t = (time_t)whole;
    struct tm parts = {0};
    gmtime_r(&t, &parts);
    size_t used = strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + used, 32 - used, ".%03dZ", (int)((seconds - whole) * 1000));
}

/* Nothing, and bytes that are not UTF-8, become null. */
static int put_text(json_t *object, const char *name, const char *text)
{
    errno = 0;
    json_t *string = text && *text ? json_string(text) : NULL;
    if (!string && errno == ENOMEM)
        return -1;
    return json_object_set_new(object, name, string ? string : json_null());
}

static int put_time(json_t *object, const char *name, double seconds)
{
    char text[32];
    vd_time_text(seconds, text);
    return json_object_set_new(object, name, json_string(text));
}

/* What the media process tells about a file, and where the file is. */
static int put_file(json_t *document, const char *name, const json_t *report, const char *root, const char *path)
{
    json_t *told = json_object_get(report, name), *file = json_object();
    int failed = told && json_object_update(file, told);
    failed |= put_text(file, "root", root);
    failed |= put_text(file, "path", path);
    return failed | json_object_set_new(document, name, file);
}

static int put_effect(json_t *document, const struct vd_effect_params *effect)
{
    char left[8], right[8];
    snprintf(left, sizeof left, "#%02x%02x%02x", effect->left.r, effect->left.g, effect->left.b);
    snprintf(right, sizeof right, "#%02x%02x%02x", effect->right.r, effect->right.g, effect->right.b);
    return json_object_set_new(document, "effect",
                               json_pack("{s:s, s:s, s:s, s:f, s:f}", "name", effect->name, "left", left, "right",
                                         right, "strength", effect->strength, "split", effect->split / 10000.0));
}

static int put_report(json_t *document, const json_t *report)
{
    static const char *const members[] = {"device", "metrics", "verify", "dropped", "warnings"};
    int failed = 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *member = json_object_get(report, members[i]);
        if (member)
            failed |= json_object_set(document, members[i], member);
    }
    return failed;
}

static int put_error(json_t *document, const struct vd_err *err)
{
    return json_object_set_new(document, "error",
                               json_pack("{s:s, s:s, s:s, s:s}", "class", vd_code_fate(err->code), "code",
                                         vd_code_name(err->code), "message", err->text, "stage", err->stage));
}

static int put_end(json_t *document, const struct vd_outcome *outcome)
{
    char host[256] = "";
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    gethostname(host, sizeof host - 1);
    double finished = outcome->finished != 0 ? outcome->finished : (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    int failed = json_object_set_new(document, "attempt", json_integer(outcome->attempt));
    failed |= put_time(document, "started", outcome->started);
    failed |= put_time(document, "finished", finished);
    failed |= put_text(document, "worker", outcome->worker ? outcome->worker : host);
    failed |= put_text(document, "version", VD_VERSION);
    json_t *meta = outcome->meta ? json_incref((json_t *)outcome->meta) : json_object();
    return failed | json_object_set_new(document, "meta", meta);
}

json_t *vd_result_make(const struct vd_outcome *outcome)
{
    json_t *document = json_object();
    int failed = put_text(document, "schema", "vidriera.result.v1");
    failed |= put_text(document, "job", outcome->job);
    failed |= put_text(document, "status", vd_status_name(outcome->status));
    failed |= put_text(document, "session", outcome->session);
    failed |= put_file(document, "input", outcome->report, outcome->input_root, outcome->input_path);
    if (json_object_get(outcome->report, "output"))
        failed |= put_file(document, "output", outcome->report, outcome->output_root, outcome->output_path);
    if (outcome->effect)
        failed |= put_effect(document, outcome->effect);
    failed |= put_report(document, outcome->report);
    if (outcome->err && outcome->err->code != VD_OK)
        failed |= put_error(document, outcome->err);
    failed |= put_end(document, outcome);
    if (!failed)
        return document;
    json_decref(document);
    return NULL;
}

int vd_replay_put(json_t *document, const struct vd_replay *replay)
{
    return json_object_set_new(document, "replay",
                               json_pack("{s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I}", "cluster", replay->cluster,
                                         "topic", replay->topic, "partition", (int)replay->partition, "offset",
                                         (json_int_t)replay->offset, "dev", (json_int_t)replay->dev, "inode",
                                         (json_int_t)replay->inode, "bytes", (json_int_t)replay->bytes, "mtime_ns",
                                         (json_int_t)replay->mtime_ns));
}

int vd_replay_get(const json_t *document, struct vd_replay *replay)
{
    const char *cluster, *topic;
    json_int_t partition, offset, dev, inode, bytes, mtime_ns;
    *replay = (struct vd_replay){0};
    if (json_unpack((json_t *)document, "{s:{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}}", "replay", "cluster", &cluster,
                    "topic", &topic, "partition", &partition, "offset", &offset, "dev", &dev, "inode", &inode, "bytes",
                    &bytes, "mtime_ns", &mtime_ns) < 0 ||
        strlen(cluster) >= sizeof replay->cluster || strlen(topic) >= sizeof replay->topic || partition < 0 ||
        partition > INT32_MAX || offset < 0 || bytes < 0)
        return -1;
    strcpy(replay->cluster, cluster);
    strcpy(replay->topic, topic);
    replay->partition = (int32_t)partition;
    replay->offset = offset;
    replay->dev = (uint64_t)dev;
    replay->inode = (uint64_t)inode;
    replay->bytes = bytes;
    replay->mtime_ns = mtime_ns;
    return 0;
}
