/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "result.h"

#include "vidriera/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

void vd_result_say(const json_t *report, const char *output)
{
    const json_t *out = json_object_get(report, "output"), *metrics = json_object_get(report, "metrics");
    size_t i;
    json_t *line;
    json_array_foreach (json_object_get(report, "warnings"), i, line)
        vd_log(VD_LOG_WARNING, "%s", json_string_value(line));
    json_array_foreach (json_object_get(report, "dropped"), i, line)
        vd_log(VD_LOG_WARNING, "dropped: %s", json_string_value(line));
    vd_log(VD_LOG_INFO, "%s: %lld frames, %.2f s, %s; made in %.2f s, %.1fx as fast as it plays", output,
           (long long)json_integer_value(json_object_get(out, "frames")),
           json_real_value(json_object_get(out, "duration_s")), text_of(out, "codec"),
           json_real_value(json_object_get(metrics, "wall_s")), json_real_value(json_object_get(metrics, "speed")));
}

/* RFC 3339, UTC, milliseconds. */
static json_t *time_text(double seconds)
{
    char text[40], whole[32];
    time_t t = (time_t)seconds;
    struct tm parts;
    gmtime_r(&t, &parts);
    strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text, sizeof text, "%s.%03dZ", whole, (int)((seconds - (double)t) * 1000));
    return json_string(text);
}

/* Paths are bytes; what is not UTF-8 cannot stand in JSON. */
static json_t *path_text(const char *path)
{
    json_t *text = path ? json_string(path) : NULL;
    return text ? text : json_null();
}

static json_t *effect_object(const struct vd_effect_params *effect)
{
    char left[8], right[8];
    snprintf(left, sizeof left, "#%02x%02x%02x", effect->left.r, effect->left.g, effect->left.b);
    snprintf(right, sizeof right, "#%02x%02x%02x", effect->right.r, effect->right.g, effect->right.b);
    return json_pack("{s:s, s:s, s:s, s:f, s:f}", "name", effect->name, "left", left, "right", right, "strength",
                     effect->strength, "split", effect->split / 10000.0);
}

static json_t *document(const struct vd_settings *settings, const char *output, const json_t *report, double started,
                        const struct vd_err *err)
{
    static const char *const from_report[] = {"device", "metrics", "verify", "dropped", "warnings"};
    char worker[256] = "";
    struct timespec now;
    json_t *input_object = json_copy(json_object_get(report, "input"));
    json_t *output_object = json_copy(json_object_get(report, "output"));
    bool refused = err->code == VD_USAGE || err->code == VD_NO_INPUT;
    clock_gettime(CLOCK_REALTIME, &now);
    gethostname(worker, sizeof worker - 1);
    json_t *document = json_pack("{s:s, s:n, s:s, s:n}", "schema", "vidriera.result.v1", "job", "status",
                                 !err->code ? "completed"
                                 : refused  ? "rejected"
                                            : "failed",
                                 "session");
    if (!input_object)
        input_object = json_object();
    json_object_set_new(input_object, "root", json_null());
    json_object_set_new(input_object, "path", path_text(settings->input));
    json_object_set_new(document, "input", input_object);
    if (output_object) {
        json_object_set_new(output_object, "root", json_null());
        json_object_set_new(output_object, "path", path_text(output));
        json_object_set_new(document, "output", output_object);
    }
    json_object_set_new(document, "effect", effect_object(&settings->job.recipe.effect));
    for (size_t i = 0; report && i < sizeof from_report / sizeof *from_report; i++)
        json_object_set(document, from_report[i], json_object_get(report, from_report[i]));
    if (err->code)
        json_object_set_new(document, "error",
                            json_pack("{s:s, s:s, s:s, s:s}", "class", vd_code_fate(err->code), "code",
                                      vd_code_name(err->code), "message", err->text, "stage", err->stage));
    json_object_set_new(document, "attempt", json_integer(1));
    json_object_set_new(document, "started", time_text(started));
    json_object_set_new(document, "finished", time_text((double)now.tv_sec + (double)now.tv_nsec / 1e9));
    json_object_set_new(document, "worker", path_text(worker));
    json_object_set_new(document, "version", json_string(VD_VERSION));
    json_object_set_new(document, "meta", json_object());
    return document;
}

int vd_result_print(const struct vd_settings *settings, const char *output, const json_t *report, double started,
                    struct vd_err *err)
{
    json_t *object = document(settings, output, report, started, err);
    int ret = json_dumpf(object, stdout, JSON_INDENT(2));
    json_decref(object);
    if (ret < 0 || puts("") < 0 || fflush(stdout) != 0)
        return vd_fail(err->code ? NULL : err, VD_IO, "commit", "the result cannot be printed: %s; check stdout",
                       strerror(errno));
    return 0;
}
