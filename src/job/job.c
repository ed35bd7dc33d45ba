/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/job.h"

#include <stdio.h>
#include <string.h>

static const char *const codec_names[] = {
    [VD_CODEC_AUTO] = "auto", [VD_CODEC_H264] = "h264", [VD_CODEC_HEVC] = "hevc", [VD_CODEC_AV1] = "av1"};

enum { CODECS = sizeof codec_names / sizeof *codec_names };

static const char *const preset_names[] = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                           "medium",    "slow",      "slower",   "veryslow", "placebo"};

enum { PRESETS = sizeof preset_names / sizeof *preset_names };

void vd_job_defaults(struct vd_job *job)
{
    *job = (struct vd_job){
        .recipe = {.codec = VD_CODEC_AUTO, .preset = "veryfast", .quality = 23},
        .limits = {.pixels = 8192 * 8192,
                   .streams = 64,
                   .probe_bytes = 5 << 20,
                   .duration_s = 24 * 60 * 60,
                   .memory_bytes = (int64_t)4 << 30,
                   .stall_s = 60},
    };
    vd_effect_defaults(&job->recipe.effect);
}

int vd_codec_parse(const char *text, enum vd_codec *codec)
{
    for (int i = 0; i < CODECS; i++)
        if (!strcmp(codec_names[i], text)) {
            *codec = (enum vd_codec)i;
            return 0;
        }
    return -1;
}

const char *vd_codec_name(enum vd_codec codec)
{
    return codec_names[codec];
}

const char *vd_preset_name(int i)
{
    return i >= 0 && i < PRESETS ? preset_names[i] : NULL;
}

static json_t *effect_to_json(const struct vd_effect_params *effect)
{
    return json_pack("{s:s, s:[iii], s:[iii], s:f, s:i}", "name", effect->name, "left", effect->left.r, effect->left.g,
                     effect->left.b, "right", effect->right.r, effect->right.g, effect->right.b, "strength",
                     effect->strength, "split", effect->split);
}

/* JSON has no place for other bytes, and no container is called so. */
static const char *if_ascii(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c & 0x80)
            return "";
    return text;
}

json_t *vd_job_to_json(const struct vd_job *job)
{
    const struct vd_recipe *recipe = &job->recipe;
    const struct vd_limits *limits = &job->limits;
    return json_pack("{s:o, s:s, s:s, s:f, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:i, s:s, s:s, s:b, s:s, s:b, s:s}",
                     "effect", effect_to_json(&recipe->effect), "codec", vd_codec_name(recipe->codec), "preset",
                     recipe->preset, "quality", recipe->quality, "limits", "pixels", (json_int_t)limits->pixels,
                     "streams", (json_int_t)limits->streams, "probe_bytes", (json_int_t)limits->probe_bytes,
                     "duration_s", (json_int_t)limits->duration_s, "memory_bytes", (json_int_t)limits->memory_bytes,
                     "stall_s", (json_int_t)limits->stall_s, "threads", job->threads, "container", job->container,
                     "extension", if_ascii(job->extension), "decode_only", job->decode_only, "device", job->device,
                     "demanded", job->demanded, "reason", job->reason);
}

static bool copy_text(char *to, size_t size, const char *from)
{
    return (size_t)snprintf(to, size, "%s", from) < size;
}

static bool take_colour(const int parts[3], struct vd_rgb *rgb)
{
    for (int i = 0; i < 3; i++)
        if (parts[i] < 0 || parts[i] > 255)
            return false;
    *rgb = (struct vd_rgb){(uint8_t)parts[0], (uint8_t)parts[1], (uint8_t)parts[2]};
    return true;
}

static bool take_effect(json_t *object, struct vd_effect_params *effect)
{
    const char *name;
    int left[3], right[3];
    return json_unpack_ex(object, NULL, JSON_STRICT, "{s:s, s:[iii!], s:[iii!], s:F, s:i}", "name", &name, "left",
                          &left[0], &left[1], &left[2], "right", &right[0], &right[1], &right[2], "strength",
                          &effect->strength, "split", &effect->split) == 0 &&
           copy_text(effect->name, sizeof effect->name, name) && take_colour(left, &effect->left) &&
           take_colour(right, &effect->right) && effect->strength >= 0 && effect->strength <= 1 && effect->split >= 0 &&
           effect->split <= 10000;
}

static bool is_one_of(const char *text, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], text))
            return true;
    return false;
}

static bool in_range(const struct vd_job *job)
{
    static const char *const containers[] = {"", "mp4", "mov", "mkv"};
    const struct vd_limits *limits = &job->limits;
    return is_one_of(job->recipe.preset, preset_names, PRESETS) && is_one_of(job->container, containers, 4) &&
           job->recipe.quality >= 0 && job->recipe.quality <= 51 && job->threads >= 0 && limits->pixels > 0 &&
           limits->streams > 0 && limits->probe_bytes > 0 && limits->duration_s > 0 && limits->memory_bytes > 0 &&
           limits->stall_s > 0;
}

int vd_job_from_json(const json_t *object, struct vd_job *job, struct vd_err *err)
{
    const char *codec, *preset, *container, *extension, *device, *reason;
    json_t *effect;
    json_int_t threads, pixels, streams, probe, duration, memory, stall;
    int only, demanded;
    json_error_t why;
    *job = (struct vd_job){0};
    if (json_unpack_ex((json_t *)object, &why, JSON_STRICT,
                       "{s:o, s:s, s:s, s:F, s:{s:I, s:I, s:I, s:I, s:I, s:I}, s:I, s:s, s:s, s:b, s:s, s:b, s:s}",
                       "effect", &effect, "codec", &codec, "preset", &preset, "quality", &job->recipe.quality, "limits",
                       "pixels", &pixels, "streams", &streams, "probe_bytes", &probe, "duration_s", &duration,
                       "memory_bytes", &memory, "stall_s", &stall, "threads", &threads, "container", &container,
                       "extension", &extension, "decode_only", &only, "device", &device, "demanded", &demanded,
                       "reason", &reason) < 0)
        return vd_fail(err, VD_DEFECT, "open", "an order is not understood: %s; report this", why.text);
    job->limits = (struct vd_limits){pixels, streams, probe, duration, memory, stall, false};
    job->threads = threads >= 0 && threads <= VD_THREADS_MAX ? (int)threads : -1;
    job->decode_only = only;
    job->demanded = demanded;
    if (!take_effect(effect, &job->recipe.effect) || vd_codec_parse(codec, &job->recipe.codec) < 0 ||
        !copy_text(job->recipe.preset, sizeof job->recipe.preset, preset) ||
        !copy_text(job->container, sizeof job->container, container) ||
        !copy_text(job->extension, sizeof job->extension, extension) ||
        !copy_text(job->device, sizeof job->device, device) || !copy_text(job->reason, sizeof job->reason, reason) ||
        !in_range(job))
        return vd_fail(err, VD_DEFECT, "open", "an order is out of range; report this");
    return 0;
}
