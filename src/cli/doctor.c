/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "doctor.h"

#include "vidriera/codecs.h"
#include "vidriera/drivers.h"

#include <string.h>

/* Those of one --device, or of auto and what it never takes. */
struct doctor {
    struct vd_settings settings;
    struct vd_chooser *chooser;
    struct vd_chooser *others; /* NULL: none */
    json_t *document;
};

static struct vd_chooser *open_chooser(const struct doctor *doctor, const char *wanted, struct vd_err *err)
{
    return vd_chooser_open(
        &(struct vd_chooser_setup){
            .wanted = wanted, .cache = doctor->settings.cache, .limits = &doctor->settings.job.limits, .afresh = true},
        err);
}

static json_t *candidate_object(const struct vd_trial *trial)
{
    return json_pack("{s:s, s:b, s:b, s:s?, s:O?}", "device", trial->candidate.words, "tried", trial->tried, "works",
                     trial->works, "error", trial->works ? NULL : trial->err.text, "trials", trial->report);
}

static void add_candidates(struct vd_chooser *chooser, json_t *list)
{
    for (int i = 0; vd_chooser_trial(chooser, i); i++) {
        json_t *object = candidate_object(vd_chooser_trial(chooser, i)), *codecs = vd_chooser_codecs(chooser, i);
        if (codecs)
            json_object_set_new(object, "codecs", codecs);
        json_array_append_new(list, object);
    }
}

static json_t *candidates(const struct doctor *doctor)
{
    json_t *list = json_array();
    add_candidates(doctor->chooser, list);
    if (doctor->others)
        add_candidates(doctor->others, list);
    return list;
}

/* What is taken: the first that works. device null: none. */
static json_t *taken(const struct doctor *doctor)
{
    const struct vd_trial *trial;
    json_t *refused = json_array();
    const char *device = NULL;
    for (int i = 0; !device && (trial = vd_chooser_trial(doctor->chooser, i)); i++) {
        if (trial->works)
            device = trial->candidate.words;
        else
            json_array_append_new(refused,
                                  json_pack("{s:s, s:s}", "device", trial->candidate.words, "error", trial->err.text));
    }
    return json_pack("{s:s, s:s?, s:o}", "wanted", doctor->settings.device, "device", device, "not", refused);
}

/* The words of all that works, the processor first: the others are compared with it. */
static int working(const struct doctor *doctor, const char *words[], int most)
{
    const struct vd_chooser *const choosers[] = {doctor->chooser, doctor->others};
    const struct vd_trial *trial;
    int count = 0;
    words[count++] = "cpu";
    for (int i = 0; i < 2; i++)
        for (int k = 0; choosers[i] && (trial = vd_chooser_trial(choosers[i], k)); k++)
            if (trial->works && strcmp(trial->candidate.words, "cpu") != 0 && count < most)
                words[count++] = trial->candidate.words;
    return count;
}

static int run_clip(struct doctor *doctor, struct vd_err *err)
{
    const char *words[2 * VD_CANDIDATES];
    if (!doctor->settings.input)
        return 0;
    int count = working(doctor, words, 2 * VD_CANDIDATES);
    json_t *runs = vd_doctor_clip(&doctor->settings, words, count, err);
    if (!runs)
        return -1;
    json_t *clip = json_pack("{s:s, s:o}", "path", doctor->settings.input, "runs", runs);
    return json_object_set_new(doctor->document, "clip",
                               clip ? clip : json_pack("{s:s, s:O}", "path", "?", "runs", runs));
}

static int examine(struct doctor *doctor, struct vd_err *err)
{
    bool automatic = !strcmp(doctor->settings.device, "auto");
    if (vd_settings_device(&doctor->settings, err) < 0)
        return -1;
    doctor->chooser = open_chooser(doctor, doctor->settings.device, err);
    doctor->others = automatic && vd_device_known("opencl") ? open_chooser(doctor, "opencl", err) : NULL;
    if (!doctor->chooser)
        return -1;
    json_t *nodes = vd_doctor_nodes(), *deploy = vd_doctor_deploy(nodes);
    doctor->document = json_pack("{s:s, s:b, s:s, s:o, s:o, s:o, s:o}", "vidriera", VD_VERSION, "cuda_built",
                                 vd_drivers_cuda_built(), "ffmpeg", vd_codecs_ffmpeg(), "machine", vd_doctor_machine(),
                                 "nodes", nodes, "opencl", vd_doctor_opencl(vd_chooser_cache(doctor->chooser)),
                                 "ffmpeg_codecs", vd_doctor_codecs());
    vd_chooser_try_all(doctor->chooser);
    if (doctor->others)
        vd_chooser_try_all(doctor->others);
    if (json_object_set_new(doctor->document, "candidates", candidates(doctor)) ||
        json_object_set_new(doctor->document, "takes", taken(doctor)) ||
        json_object_set_new(doctor->document, "deploy", deploy))
        return vd_fail(err, VD_AGAIN, "", "no memory for what was found; free some");
    return run_clip(doctor, err);
}

/* Whether it made the recording rightly, or there is none. */
static bool made_clip(const struct doctor *doctor, const char *device)
{
    size_t i;
    json_t *run;
    json_array_foreach (json_object_get(json_object_get(doctor->document, "clip"), "runs"), i, run)
        if (!strcmp(json_string_value(json_object_get(run, "device")), device))
            return json_is_true(json_object_get(run, "works"));
    return true;
}

static int say(const struct doctor *doctor, struct vd_err *err)
{
    const char *taken = json_string_value(json_object_get(json_object_get(doctor->document, "takes"), "device"));
    if (doctor->settings.json) {
        json_dumpf(doctor->document, stdout, JSON_INDENT(2));
        puts("");
    } else
        vd_doctor_print(doctor->document, stdout);
    if (vd_command_printed(err) < 0)
        return -1;
    if (!taken)
        return vd_fail(err, VD_UNAVAILABLE, "",
                       "--device %s: does not work here, the reason is told above; see its cure",
                       doctor->settings.device);
    if (!made_clip(doctor, taken))
        return vd_fail(err, VD_UNAVAILABLE, "",
                       "--device %s: takes %s, which fails at this recording, the reason is told above; see its cure",
                       doctor->settings.device, taken);
    return 0;
}

int vd_cmd_doctor(const struct vd_command *self, int argc, char **argv)
{
    struct doctor doctor = {0};
    struct vd_err err = {0};
    int ret = vd_settings_read(&doctor.settings, self, argc, argv, &err);
    if (ret == 0) {
        ret = examine(&doctor, &err);
        if (ret == 0)
            ret = say(&doctor, &err);
    }
    vd_chooser_close(doctor.chooser);
    vd_chooser_close(doctor.others);
    json_decref(doctor.document);
    vd_settings_finish(&doctor.settings);
    return vd_command_end(ret, &err);
}
