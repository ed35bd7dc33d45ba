/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include "compat.h"
#include "io.h"
#include "whitelist.h"

#include <assert.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
#include <math.h>

static int fail_open(struct vd_source *source, int code, struct vd_err *err)
{
    int system = vd_io_errno(source->io);
    if (system)
        return vd_fail(err, VD_IO, "open", "cannot be read: %s; check the disk", strerror(system));
    if (code == AVERROR(ENOMEM)) /* which of the two, FFmpeg does not tell */
        return vd_fail(err, VD_INPUT, "open",
                       "more streams than the limit, or more memory; raise --max-streams or "
                       "--max-memory");
    return vd_fail(err, VD_INPUT, "open",
                   "not a readable recording: %s; is it complete, and one of mp4, mov, 3gp, mkv, webm, "
                   "ts, mpg, avi, flv?",
                   code == AVERROR_DEMUXER_NOT_FOUND ? "no known container" : av_err2str(code));
}

/* Not av_find_best_stream: it prefers what looks decodable to FFmpeg, and may take a cover picture. */
static AVStream *main_video(AVFormatContext *format)
{
    AVStream *best = NULL;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        AVStream *stream = format->streams[i];
        if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO || stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
            continue;
        bool preferred = best && !(best->disposition & AV_DISPOSITION_DEFAULT) &&
                         stream->disposition & AV_DISPOSITION_DEFAULT;
        if (!best || preferred)
            best = stream;
    }
    return best;
}

static bool encrypted(const AVStream *stream)
{
    size_t size;
    return vd_stream_side_data(stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, &size) ||
           stream->codecpar->codec_tag == MKTAG('e', 'n', 'c', 'v');
}

static int check_limits(const struct vd_source *source, const struct vd_limits *limits, struct vd_err *err)
{
    const AVCodecParameters *par = source->video->codecpar;
    double duration = vd_source_duration(source);
    if (source->format->nb_streams > (unsigned)limits->streams)
        return vd_fail(err, VD_INPUT, "open", "%u streams: the limit is %lld; raise --max-streams",
                       source->format->nb_streams, (long long)limits->streams);
    if ((int64_t)par->width * par->height > limits->pixels)
        return vd_fail(err, VD_INPUT, "open", "the picture is %dx%d: the limit is %lld pixels; raise --max-pixels",
                       par->width, par->height, (long long)limits->pixels);
    if (duration > (double)limits->duration_s)
        return vd_fail(err, VD_INPUT, "open", "the recording is %.0f s long: the limit is %lld s; raise --max-duration",
                       duration, (long long)limits->duration_s);
    return 0;
}

static int choose_video(struct vd_source *source, const struct vd_limits *limits, struct vd_err *err)
{
    source->video = main_video(source->format);
    if (!source->video)
        return vd_fail(err, VD_INPUT, "open", "no video stream; there is nothing to tint");
    if (check_limits(source, limits, err) < 0)
        return -1;
    enum AVCodecID id = source->video->codecpar->codec_id;
    if (encrypted(source->video))
        return vd_fail(err, VD_INPUT, "open", "the video is encrypted; decrypt the recording first");
    source->decoder = avcodec_find_decoder(id);
    if (!source->decoder || !vd_decoder_allowed(source->decoder->name))
        return vd_fail(err, VD_INPUT, "open", "the video is %s, which is not decoded here; convert it first",
                       id == AV_CODEC_ID_NONE ? "of an unknown kind" : avcodec_get_name(id));
    return 0;
}

int vd_source_open(struct vd_source *source, int fd, const struct vd_limits *limits, atomic_llong *moved,
                   struct vd_err *err)
{
    *source = (struct vd_source){.io = vd_io_reader(fd, moved), .format = avformat_alloc_context()};
    AVFormatContext *format = source->format;
    int ret = AVERROR(ENOMEM);
    if (!source->io || !format)
        goto fail;
    vd_io_guard(format);
    format->pb = source->io;
    format->max_streams = (int)limits->streams;
    format->probesize = limits->probe_bytes;
    format->format_probesize = (int)FFMIN(limits->probe_bytes, 1 << 20);
    format->format_whitelist = av_strdup(vd_demuxer_whitelist());
    format->codec_whitelist = av_strdup(vd_decoder_whitelist());
    format->protocol_whitelist = av_strdup("");
    if (!format->format_whitelist || !format->codec_whitelist || !format->protocol_whitelist)
        goto fail;
    /* avformat_open_input frees the context when it fails */
    ret = avformat_open_input(&source->format, NULL, NULL, NULL);
    if (ret < 0)
        goto fail;
    ret = avformat_find_stream_info(source->format, NULL);
    if (ret < 0)
        goto fail;
    if (choose_video(source, limits, err) < 0) {
        vd_source_close(source);
        return -1;
    }
    return 0;
fail:
    fail_open(source, ret, err);
    vd_source_close(source);
    return -1;
}

void vd_source_close(struct vd_source *source)
{
    avformat_close_input(&source->format);
    vd_io_free(&source->io);
    source->video = NULL;
}

static bool decodes_on(const AVCodec *codec, enum AVHWDeviceType type, enum AVPixelFormat surface)
{
    const AVCodecHWConfig *config;
    for (int i = 0; (config = avcodec_get_hw_config(codec, i)); i++)
        if (config->device_type == type && config->pix_fmt == surface &&
            config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX)
            return true;
    return false;
}

/* FFmpeg's own decoder of the codec that knows such devices; software may have a better one. NULL: none does. */
static const AVCodec *decoder_on(const AVCodec *software, const struct vd_device_traits *device)
{
    enum AVHWDeviceType type = ((const AVHWDeviceContext *)device->hardware->data)->type;
    const AVCodec *codec;
    void *at = NULL;
    if (decodes_on(software, type, device->surface))
        return software;
    while ((codec = av_codec_iterate(&at)))
        if (av_codec_is_decoder(codec) && codec->id == software->id && decodes_on(codec, type, device->surface))
            return codec;
    return NULL;
}

/* Asked anew, without it, when a device refuses the stream: the first of software then. */
static enum AVPixelFormat choose_surface(AVCodecContext *decoder, const enum AVPixelFormat *offered)
{
    const struct vd_decoder_pool *pool = decoder->opaque;
    for (const enum AVPixelFormat *format = offered; *format != AV_PIX_FMT_NONE; format++)
        if (*format == pool->surface)
            return *format;
    for (; *offered != AV_PIX_FMT_NONE; offered++)
        if (!(av_pix_fmt_desc_get(*offered)->flags & AV_PIX_FMT_FLAG_HWACCEL))
            break;
    return *offered;
}

/* 0 or a negative error. */
static int attach_device(AVCodecContext *decoder, struct vd_decoder_pool *pool, const struct vd_decoding *how)
{
    pool->surface = how->device->surface;
    decoder->get_format = choose_surface;
    decoder->thread_count = 1; /* more only take more surfaces */
    decoder->extra_hw_frames = how->held;
    decoder->hw_device_ctx = av_buffer_ref(how->device->hardware);
    return decoder->hw_device_ctx ? 0 : AVERROR(ENOMEM);
}

AVCodecContext *vd_source_decoder(const struct vd_source *source, const struct vd_limits *limits,
                                  const struct vd_decoding *how, struct vd_decoder_pool *pool, struct vd_err *err)
{
    const AVCodec *codec = source->decoder;
    assert(codec);
    const AVCodec *on_device = how->device ? decoder_on(codec, how->device) : NULL;
    if (on_device)
        codec = on_device;
    AVCodecContext *decoder = avcodec_alloc_context3(codec);
    int ret = decoder ? avcodec_parameters_to_context(decoder, source->video->codecpar) : AVERROR(ENOMEM);
    if (ret >= 0) {
        decoder->pkt_timebase = source->video->time_base;
        decoder->max_pixels = limits->pixels;
        decoder->thread_count = how->threads;
        vd_decoder_pool_attach(pool, decoder);
        if (on_device)
            ret = attach_device(decoder, pool, how);
    }
    if (ret >= 0)
        ret = avcodec_open2(decoder, codec, NULL);
    if (ret >= 0)
        return decoder;
    avcodec_free_context(&decoder);
    vd_fail(err, VD_INPUT, "decode", "the %s decoder cannot open the video: %s; is the recording complete?",
            codec->name, av_err2str(ret));
    return NULL;
}

static bool packet_encrypted(const AVPacket *packet)
{
    size_t size;
    return av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, &size);
}

AVFrame *vd_source_first_frame(struct vd_source *source, const struct vd_limits *limits,
                               const struct vd_device_traits *device, struct vd_err *err)
{
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    struct vd_decoder_pool pool = VD_DECODER_POOL_NONE;
    const struct vd_decoding how = {.threads = 1, .device = device, .held = 1};
    AVCodecContext *decoder = vd_source_decoder(source, limits, &how, &pool, err);
    bool found = false, ended = false, secret = false, starved = false;
    if (!packet || !frame || !decoder)
        goto done;
    for (unsigned i = 0; i < source->format->nb_streams; i++)
        if ((int)i != source->video->index)
            source->format->streams[i]->discard = AVDISCARD_ALL;
    while (!found && !ended) {
        int ret = av_read_frame(source->format, packet);
        ended = ret < 0;
        if (!ended && packet->stream_index != source->video->index) {
            av_packet_unref(packet);
            continue;
        }
        secret = secret || (!ended && packet_encrypted(packet));
        /* a damaged packet is no reason to stop: a later one may decode */
        starved = avcodec_send_packet(decoder, ended ? NULL : packet) == AVERROR(ENOMEM) || starved;
        av_packet_unref(packet);
        ret = avcodec_receive_frame(decoder, frame);
        starved = starved || ret == AVERROR(ENOMEM);
        found = ret >= 0;
    }
    while (!found && ended) {
        int ret = avcodec_receive_frame(decoder, frame);
        found = ret >= 0;
        if (ret == AVERROR_EOF || ret == AVERROR(EAGAIN))
            break;
    }
    if (secret) {
        vd_fail(err, VD_INPUT, "open", "the video is encrypted; decrypt the recording first");
        found = false;
    } else if (!found && starved) {
        vd_fail(err, VD_INPUT, "decode", "a picture needs more memory than it may take; raise --max-memory");
    } else if (!found) {
        vd_fail(err, VD_INPUT, "decode", "not one picture of the %s video decodes; is the recording complete?",
                source->decoder->name);
    }
done:
    if (!decoder || !packet || !frame || !found)
        av_frame_free(&frame);
    avcodec_free_context(&decoder);
    vd_decoder_pool_finish(&pool);
    av_packet_free(&packet);
    return frame;
}

double vd_source_duration(const struct vd_source *source)
{
    const AVStream *video = source->video;
    if (video->duration != AV_NOPTS_VALUE && video->duration > 0)
        return (double)video->duration * av_q2d(video->time_base);
    if (source->format->duration != AV_NOPTS_VALUE && source->format->duration > 0)
        return (double)source->format->duration / AV_TIME_BASE;
    return 0;
}

double vd_source_end(const struct vd_source *source, double *slack)
{
    const AVStream *video = source->video;
    const AVDictionaryEntry *tag = av_dict_get(video->metadata, "DURATION", NULL, 0);
    int hours, minutes;
    double seconds;
    *slack = 0.1;
    if (source->format->duration_estimation_method != AVFMT_DURATION_FROM_STREAM)
        return NAN;
    if (tag &&
        sscanf(tag->value, "%d:%d:%lf", &hours, &minutes, &seconds) == 3) /* Matroska: of the last picture's end */
        return hours * 3600 + minutes * 60 + seconds;
    if (video->duration != AV_NOPTS_VALUE && video->duration > 0)
        return (double)(video->duration + (video->start_time == AV_NOPTS_VALUE ? 0 : video->start_time)) *
               av_q2d(video->time_base);
    *slack = 0.5; /* the longest stream's, which may be the sound */
    return source->format->duration > 0 ? (double)source->format->duration / AV_TIME_BASE : NAN;
}

const char *vd_source_container(const struct vd_source *source, const char *extension)
{
    const char *name = source->format->iformat->name;
    if (strstr(name, "matroska"))
        return strcmp(extension, "webm") ? "mkv" : NULL;
    if (!strstr(name, "mp4"))
        return NULL;
    const AVDictionaryEntry *brand = av_dict_get(source->format->metadata, "major_brand", NULL, 0);
    if (!brand || !strncmp(brand->value, "qt", 2)) /* QuickTime files from before ftyp have no brand */
        return "mov";
    return strncmp(brand->value, "3g", 2) ? "mp4" : NULL;
}
