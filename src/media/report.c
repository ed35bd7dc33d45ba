/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include "compat.h"

#include <libavutil/pixdesc.h>
#include <math.h>
#include <sys/stat.h>

/* Where the pictures end, on the source's own clock. */
static double decoded_end(const struct vd_run *run)
{
    const struct vd_tally *tally = &run->mux.tally;
    return (double)(tally->last + tally->last_duration) * av_q2d(run->mux.video->time_base) -
           (double)run->plan.shift * av_q2d(run->plan.time_base);
}

void vd_report_losses(struct vd_run *run)
{
    struct vd_notes *notes = &run->notes;
    double slack, told = vd_source_end(&run->source, &slack), got = decoded_end(run);
    if (run->damaged_packets || run->damaged_frames)
        vd_warn(notes, "the source is damaged: %lld packets did not decode, %lld pictures are concealed",
                (long long)run->damaged_packets, (long long)run->damaged_frames);
    if (told - got > slack)
        vd_warn(notes, "the picture ends early: at %.2f s of %.2f s; the rest of the source is missing", got, told);
    if (run->clock.missing)
        vd_warn(notes, "%lld pictures had no time: each follows the one before", (long long)run->clock.missing);
    if (run->clock.risen)
        vd_warn(notes, "the times of %lld pictures did not rise: repaired by the smallest shift",
                (long long)run->clock.risen);
    if (run->scaled)
        vd_warn(notes, "%lld pictures changed size or format in mid-stream: scaled to the first, %dx%d",
                (long long)run->scaled, run->plan.picture.width, run->plan.picture.height);
}

void vd_report_fault(const struct vd_run *run, struct vd_err *err)
{
    const struct vd_err said = *err;
    bool pictures = !strcmp(said.stage, "mux") || (!strcmp(said.stage, "verify") && !run->verdict.pictures_sound);
    if (said.code == VD_DEFECT && pictures && run->plan.family != VD_FAMILY_SOFTWARE && !run->job->demanded)
        vd_fail(err, VD_UNAVAILABLE, "encode", "%s: its output is not sound: %s", run->plan.encoder->name, said.text);
}

static json_t *audio_list(const struct vd_run *run)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < run->source.format->nb_streams; i++) {
        const AVCodecParameters *par = run->source.format->streams[i]->codecpar;
        if (par->codec_type == AVMEDIA_TYPE_AUDIO)
            json_array_append_new(list,
                                  json_pack("{s:s, s:i, s:i, s:I}", "codec", avcodec_get_name(par->codec_id),
                                            "sample_rate", par->sample_rate, "channels", par->ch_layout.nb_channels,
                                            "packets", (json_int_t)run->mux.carry[i].packets));
    }
    return list;
}

static const char *format_name(enum AVPixelFormat format)
{
    const char *name = av_get_pix_fmt_name(format);
    return name ? name : "unknown";
}

/* As FFmpeg's hardware decoders are called. */
static void decoder_name(const struct vd_run *run, char *name, size_t size)
{
    const char *software = run->source.decoder->name;
    if (!run->on_device) {
        snprintf(name, size, "%s", software);
        return;
    }
    bool nvidia = run->plan.family == VD_FAMILY_NVENC;
    snprintf(name, size, "%s_%s", avcodec_get_name(run->source.video->codecpar->codec_id), nvidia ? "nvdec" : "vaapi");
}

/* Whole unless something went another way in the middle. */
static json_t *copies(const struct vd_filter_facts *facts)
{
    double each = facts->frames ? (double)facts->copies / (double)facts->frames : 0;
    return each == floor(each) ? json_integer((json_int_t)each) : json_real(round(each * 1000) / 1000);
}

static json_t *device(const struct vd_run *run)
{
    const struct vd_device *used = run->processor ? run->processor : run->device;
    const struct vd_filter_facts facts = vd_filter_facts(run->filter);
    const char *refused = vd_device_traits(run->device)->refused;
    const char *reason = *run->plan.unfit ? run->plan.unfit : *run->job->reason ? run->job->reason : refused;
    char decoder[64];
    decoder_name(run, decoder, sizeof decoder);
    return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o}", "backend", vd_device_traits(used)->backend, "decoder", decoder,
                     "kernel", facts.kernel, "encoder", run->plan.encoder->name, "fallback", *reason ? reason : NULL,
                     "copies_per_frame", copies(&facts));
}

json_t *vd_report_make(const struct vd_run *run, const struct vd_verdict *verdict)
{
    const struct vd_plan *plan = &run->plan;
    return json_pack("{s:{s:f, s:I, s:{s:s, s:i, s:i, s:s}, s:o},"
                     " s:{s:s, s:I, s:f, s:i, s:i, s:s, s:s, s:s},"
                     " s:o,"
                     " s:{s:b, s:b, s:f}, s:O, s:O}",
                     "input", "duration_s", vd_source_duration(&run->source), "frames", (json_int_t)run->frames_decoded,
                     "video", "codec", avcodec_get_name(run->source.video->codecpar->codec_id), "width",
                     plan->first->width, "height", plan->first->height, "pix_fmt", format_name(plan->first->format),
                     "audio", audio_list(run), "output", "container", plan->container->name, "frames",
                     (json_int_t)verdict->frames, "duration_s", verdict->duration_s, "width",
                     plan->picture.padded_width, "height", plan->picture.padded_height, "codec",
                     vd_codec_name(plan->encoder->codec), "encoder", plan->encoder->name, "pix_fmt",
                     format_name(plan->picture.target), "device", device(run), "verify", "frames_match",
                     verdict->frames_match, "audio_identical", verdict->audio_identical, "duration_drift_s",
                     verdict->duration_drift_s, "dropped", run->notes.dropped, "warnings", run->notes.warnings);
}
