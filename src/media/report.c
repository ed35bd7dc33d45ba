/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include "compat.h"

#include <libavutil/pixdesc.h>
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

json_t *vd_report_make(const struct vd_run *run, const struct vd_verdict *verdict)
{
    const struct vd_plan *plan = &run->plan;
    return json_pack(
        "{s:{s:f, s:I, s:{s:s, s:i, s:i, s:s}, s:o},"
        " s:{s:s, s:I, s:f, s:i, s:i, s:s, s:s, s:s},"
        " s:{s:s, s:s, s:s, s:s, s:n, s:i},"
        " s:{s:b, s:b, s:f}, s:O, s:O}",
        "input", "duration_s", vd_source_duration(&run->source), "frames", (json_int_t)run->frames_decoded, "video",
        "codec", avcodec_get_name(run->source.video->codecpar->codec_id), "width", plan->first->width, "height",
        plan->first->height, "pix_fmt", format_name(plan->first->format), "audio", audio_list(run), "output",
        "container", plan->container->name, "frames", (json_int_t)verdict->frames, "duration_s", verdict->duration_s,
        "width", plan->picture.padded_width, "height", plan->picture.padded_height, "codec",
        vd_codec_name(plan->encoder->codec), "encoder", plan->encoder->name, "pix_fmt",
        format_name(plan->picture.target), "device", "backend", "cpu", "decoder", run->source.decoder->name, "kernel",
        vd_dsp()->name, "encoder", plan->encoder->name, "fallback", "copies_per_frame", 0, "verify", "frames_match",
        verdict->frames_match, "audio_identical", verdict->audio_identical, "duration_drift_s",
        verdict->duration_drift_s, "dropped", run->notes.dropped, "warnings", run->notes.warnings);
}
