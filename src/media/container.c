/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which container an output goes to, and what it can hold. */
#include "compat.h"
#include "plan.h"

/* In order of preference for an input that has none of them. */
static const struct vd_container containers[] = {
    {"mp4", "mp4", 0},
    {"mkv", "matroska", 1000},
    {"mov", "mov", 0},
};

enum { CONTAINERS = sizeof containers / sizeof *containers };

static const struct vd_container *by_name(const char *name)
{
    for (int i = 0; i < CONTAINERS; i++)
        if (!strcmp(containers[i].name, name))
            return &containers[i];
    return NULL;
}

bool vd_container_holds(const struct vd_container *container, const AVStream *stream)
{
    const AVOutputFormat *muxer = av_guess_format(container->muxer, NULL, NULL);
    /* asked strictly, Matroska denies what it can carry under a RIFF tag */
    int strictness = strcmp(container->name, "mkv") ? FF_COMPLIANCE_NORMAL : FF_COMPLIANCE_EXPERIMENTAL;
    enum AVCodecID id = stream->codecpar->codec_id;
    /* listed, but refused by the muxer itself */
    bool mov = !strcmp(container->name, "mov"), mp4 = !strcmp(container->name, "mp4");
    if ((id == AV_CODEC_ID_TRUEHD && (mov || mp4)) || (id == AV_CODEC_ID_OPUS && mov) ||
        (id == AV_CODEC_ID_FLAC && (mov || (mp4 && !vd_mp4_takes_flac()))))
        return false;
    return muxer && avformat_query_codec(muxer, id, strictness) == 1;
}

static bool holds_rotation(const struct vd_container *container)
{
    return strcmp(container->name, "mkv") || vd_mkv_keeps_rotation();
}

/* The first stream of sound that the container cannot hold; NULL when it holds all. */
static const AVStream *misfit(const struct vd_container *container, const AVFormatContext *format)
{
    for (unsigned i = 0; i < format->nb_streams; i++)
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
            format->streams[i]->codecpar->sample_rate > 0 && /* else nothing is known of it, and it stays behind */
            !vd_container_holds(container, format->streams[i]))
            return format->streams[i];
    return NULL;
}

static const struct vd_container *first_fit(const struct vd_source *source, bool rotated)
{
    for (int i = 0; i < CONTAINERS; i++)
        if (!misfit(&containers[i], source->format) && (!rotated || holds_rotation(&containers[i])))
            return &containers[i];
    return NULL;
}

const struct vd_container *vd_container_choose(const struct vd_job *job, const struct vd_source *source, bool rotated,
                                               struct vd_notes *notes, struct vd_err *err)
{
    const char *own = vd_source_container(source, job->extension);
    const struct vd_container *wanted = job->container[0] ? by_name(job->container) : own ? by_name(own) : NULL;
    const struct vd_container *fit = first_fit(source, rotated);
    if (!fit) {
        vd_fail(err, VD_INPUT, "open", "no container among mp4, mov and mkv can hold all of the input's sound%s",
                rotated ? " and its rotation" : "");
        return NULL;
    }
    if (!wanted)
        return fit;
    const AVStream *misfitting = misfit(wanted, source->format);
    const char *what = misfitting ? avcodec_get_name(misfitting->codecpar->codec_id) : "the picture's rotation";
    if (!misfitting && (!rotated || holds_rotation(wanted)))
        return wanted;
    if (job->container[0]) {
        vd_fail(err, VD_USAGE, "open", "-o .%s: %s does not fit into %s; use .%s", wanted->name, what, wanted->name,
                fit->name);
        return NULL;
    }
    vd_warn(notes, "%s does not fit into %s: the output is %s", what, wanted->name, fit->name);
    return fit;
}
