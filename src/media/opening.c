/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run works with, opened once its first picture is known, and closed. */
#include "run.h"

#include "vidriera/log.h"

#include <libavutil/cpu.h>
#include <string.h>

/* Pictures of a filter that an encoder may keep: reordering, its own queue, and one in our hands. */
enum { HELD = 24 };

/* Surfaces of a decoder that we keep: the queue, one being pushed, one in the filter, and what it holds for itself. */
enum { SURFACES = VD_RUN_FRAMES + 4 };

/* A decoder's threads cost processor time and memory, and the encoder is the slower one: a quarter of the cores is
 * enough on two of them, and a guess on more. */
int vd_run_decoder_threads(const struct vd_job *job)
{
    int cores = av_cpu_count();
    return job->threads ? job->threads : FFMIN(FFMAX(cores / 4, 1), 16);
}

/* Its decoder may refuse the profile, the level or the size: the first picture tells. */
static bool device_decodes(struct vd_run *run, const struct vd_device_traits *traits)
{
    struct vd_source source;
    AVFrame *frame = NULL;
    struct vd_err err = {0};
    if (vd_source_open(&source, run->io.input, &run->job->limits, &run->moved, &err) == 0) {
        frame = vd_source_first_frame(&source, &run->job->limits, traits, &err);
        vd_source_close(&source);
    }
    bool decodes = frame && frame->format == traits->surface;
    if (!decodes)
        vd_log(VD_LOG_DEBUG, "%s: decodes in software: %s", traits->backend, frame ? "refused" : err.text);
    av_frame_free(&frame);
    return decodes;
}

static int open_decoder(struct vd_run *run, const struct vd_device_traits *traits, struct vd_err *err)
{
    struct vd_decoding how = {.threads = vd_run_decoder_threads(run->job), .held = SURFACES};
    int failed = run->lacks.decoding;
    bool hardware = run->plan.family == traits->family && traits->hardware;
    run->on_device = hardware && !failed && device_decodes(run, traits);
    if (run->on_device)
        how.device = traits;
    else if (hardware)
        vd_warn(&run->notes, "%s: this video is decoded in software%s%s", traits->backend,
                failed ? ", as its decoder failed: " : "", failed ? av_err2str(failed) : "");
    run->decoder = vd_source_decoder(&run->source, &run->job->limits, &how, &run->decoder_pool, err);
    return run->decoder ? 0 : -1;
}

/* An encoder that does not open for this recording, but does for what every one of its family takes, has no such codec,
 * depth or size: software codes it. So it does where the device has no such surfaces. -1 and *err all the same. */
static int judge_encoder(struct vd_run *run, struct vd_err *err)
{
    enum vd_family family = run->plan.family;
    bool refused = run->filter && err->code == VD_UNAVAILABLE && family != VD_FAMILY_SOFTWARE;
    if (err->code != VD_UNFIT && !(refused && vd_encoder_works(family, vd_device_traits(run->device)->hardware)))
        return -1;
    const char *cure = strrchr(err->text, ';');
    snprintf(run->lacks.encoding, sizeof run->lacks.encoding, "%.*s",
             cure ? (int)(cure - err->text) : (int)strlen(err->text), err->text);
    if (!run->job->demanded)
        return -1;
    return vd_fail(err, VD_UNFIT, "encode", "%s; use --device auto", run->lacks.encoding);
}

static int open_encoder(struct vd_run *run, struct vd_err *err)
{
    if (run->plan.family != vd_device_traits(run->device)->family && !(run->processor = vd_device_open("cpu", err)))
        return -1;
    run->filter = vd_filter_open(run->processor ? run->processor : run->device, &run->plan.effect, &run->plan.picture,
                                 HELD, err);
    run->encoder = run->filter ? vd_encoder_open(&run->plan, run->job, vd_filter_frames(run->filter), err) : NULL;
    return run->encoder ? 0 : judge_encoder(run, err);
}

int vd_run_open(struct vd_run *run, const struct vd_media_watch *watch, struct vd_err *err)
{
    const struct vd_job *job = run->job;
    const struct vd_device_traits *traits = vd_device_traits(run->device);
    bool again = run->lacks.decoding || *run->lacks.encoding;
    enum vd_family family = *run->lacks.encoding ? VD_FAMILY_SOFTWARE : traits->family;
    if (vd_source_open(&run->source, run->io.input, &job->limits, &run->moved, err) < 0 ||
        vd_plan_make(&run->plan, job, family, &run->source, run->first, &run->notes, err) < 0)
        return -1;
    if (*run->lacks.encoding)
        snprintf(run->plan.unfit, sizeof run->plan.unfit, "%s", run->lacks.encoding);
    if (!again)
        watch->planned(watch->opaque, run->plan.container->name);
    if (open_decoder(run, traits, err) < 0 || open_encoder(run, err) < 0)
        return -1;
    vd_clock_init(&run->clock, run->source.video->time_base, run->plan.time_base, run->plan.frame_rate,
                  run->plan.shift);
    run->preview.wanted = run->io.preview >= 0;
    run->preview.middle_us = (int64_t)(vd_source_duration(&run->source) / 2 * AV_TIME_BASE);
    return vd_mux_open(&run->mux, &run->plan, &run->source, run->encoder, run->io.output, &run->moved, &run->notes,
                       err);
}

void vd_run_close(struct vd_run *run)
{
    vd_mux_close(&run->mux);
    vd_preview_finish(&run->preview);
    avcodec_free_context(&run->encoder);
    vd_filter_close(run->filter);
    vd_device_close(run->processor);
    avcodec_free_context(&run->decoder);
    vd_decoder_pool_finish(&run->decoder_pool);
    vd_source_close(&run->source);
}
