/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "say.h"

#include "vidriera/log.h"
#include "vidriera/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : "";
}

void vd_say_report(const json_t *report, const char *output)
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

static enum vd_status status_of(const struct vd_err *err)
{
    if (err->code == VD_OK)
        return VD_COMPLETED;
    return err->code == VD_USAGE || err->code == VD_NO_INPUT ? VD_REJECTED : VD_FAILED;
}

int vd_say_document(const struct vd_settings *settings, const char *output, const json_t *report, double started,
                    struct vd_err *err)
{
    struct vd_outcome outcome = {.status = status_of(err),
                                 .input_path = settings->input,
                                 .output_path = output,
                                 .effect = &settings->job.recipe.effect,
                                 .report = report,
                                 .err = err,
                                 .attempt = 1,
                                 .started = started};
    json_t *document = vd_result_make(&outcome);
    int ret = json_dumpf(document, stdout, JSON_INDENT(2));
    json_decref(document);
    if (ret < 0 || puts("") < 0 || fflush(stdout) != 0)
        return vd_fail(err->code ? NULL : err, VD_IO, "commit", "the result cannot be printed: %s; check stdout",
                       strerror(errno));
    return 0;
}
