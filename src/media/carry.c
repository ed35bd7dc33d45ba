/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "carry.h"

#include "compat.h"
#include "whitelist.h"

#include <libavutil/mathematics.h>

static const char *kind_name(const AVStream *stream)
{
    const char *name = av_get_media_type_string(stream->codecpar->codec_type);
    return stream->disposition & AV_DISPOSITION_ATTACHED_PIC ? "cover picture" : name ? name : "unknown";
}

static int dropped(const AVStream *in, struct vd_notes *notes, const char *why)
{
    vd_dropped(notes, "%s stream %d (%s): %s", kind_name(in), in->index, avcodec_get_name(in->codecpar->codec_id), why);
    return 0;
}

static int no_memory(struct vd_err *err)
{
    vd_fail(err, VD_INPUT, "mux", "no memory for a stream; raise --max-memory");
    return AVERROR(ENOMEM);
}

/* The output stream, a copy of the input's description. */
static int add_stream(struct vd_carry *carry, AVFormatContext *out, const AVCodecParameters *par, struct vd_err *err)
{
    AVStream *stream = avformat_new_stream(out, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, par) < 0 ||
        av_dict_copy(&stream->metadata, carry->in->metadata, 0) < 0)
        return no_memory(err);
    stream->codecpar->codec_tag = 0; /* the tag of one container is nonsense in another */
    stream->time_base = carry->in->time_base;
    stream->disposition = carry->in->disposition;
    stream->sample_aspect_ratio = carry->in->sample_aspect_ratio;
    carry->out = stream;
    return 0;
}

/* MPEG-TS frames AAC as ADTS; every container here keeps the header once, in its own place. */
static int open_framing(struct vd_carry *carry, struct vd_err *err)
{
    const AVCodecParameters *par = carry->in->codecpar;
    if (par->codec_id != AV_CODEC_ID_AAC || par->extradata_size)
        return 0;
    const AVBitStreamFilter *filter = av_bsf_get_by_name("aac_adtstoasc");
    if (!filter || av_bsf_alloc(filter, &carry->framing) < 0 ||
        avcodec_parameters_copy(carry->framing->par_in, par) < 0)
        return no_memory(err);
    carry->framing->time_base_in = carry->in->time_base;
    int ret = av_bsf_init(carry->framing);
    if (ret < 0)
        vd_fail(err, VD_INPUT, "mux", "audio stream %d cannot be taken out of its framing: %s", carry->in->index,
                av_err2str(ret));
    return ret;
}

static int open_audio(struct vd_carry *carry, AVFormatContext *out, struct vd_notes *notes, struct vd_err *err)
{
    const AVCodecParameters *par = carry->in->codecpar;
    if (par->codec_id == AV_CODEC_ID_NONE || par->sample_rate <= 0 || par->ch_layout.nb_channels <= 0)
        return dropped(carry->in, notes, "announced, but nothing tells what it is");
    int ret = open_framing(carry, err);
    if (ret >= 0)
        ret = add_stream(carry, out, carry->in->codecpar, err);
    if (ret < 0)
        return ret;
    carry->hash = XXH3_createState();
    if (!carry->hash || XXH3_128bits_reset(carry->hash) != XXH_OK)
        return no_memory(err);
    return 0;
}

static int open_text_in(struct vd_carry *carry)
{
    const AVCodec *codec = avcodec_find_decoder(carry->in->codecpar->codec_id);
    const AVCodecDescriptor *desc = avcodec_descriptor_get(carry->in->codecpar->codec_id);
    if (!codec || !desc || !(desc->props & AV_CODEC_PROP_TEXT_SUB) || !vd_decoder_allowed(codec->name))
        return -1;
    carry->text_in = avcodec_alloc_context3(codec);
    if (!carry->text_in || avcodec_parameters_to_context(carry->text_in, carry->in->codecpar) < 0)
        return -1;
    carry->text_in->pkt_timebase = carry->in->time_base;
    return avcodec_open2(carry->text_in, codec, NULL);
}

static int open_text_out(struct vd_carry *carry, enum AVCodecID wanted)
{
    const AVCodec *codec = avcodec_find_encoder(wanted);
    carry->text_out = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!carry->text_out)
        return -1;
    carry->text_out->time_base = AV_TIME_BASE_Q;
    carry->text_out->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (carry->text_in->subtitle_header) {
        size_t size = (size_t)carry->text_in->subtitle_header_size;
        carry->text_out->subtitle_header = av_mallocz(size + 1);
        if (!carry->text_out->subtitle_header)
            return -1;
        memcpy(carry->text_out->subtitle_header, carry->text_in->subtitle_header, size);
        carry->text_out->subtitle_header_size = (int)size;
    }
    return avcodec_open2(carry->text_out, codec, NULL);
}

static int open_subtitle(struct vd_carry *carry, AVFormatContext *out, const struct vd_plan *plan,
                         struct vd_notes *notes, struct vd_err *err)
{
    if (vd_container_holds(plan->container, carry->in))
        return add_stream(carry, out, carry->in->codecpar, err);
    enum AVCodecID wanted = strcmp(plan->container->name, "mkv") ? AV_CODEC_ID_MOV_TEXT : AV_CODEC_ID_SUBRIP;
    if (open_text_in(carry) < 0 || open_text_out(carry, wanted) < 0)
        return dropped(carry->in, notes, "the container holds no subtitles of this kind");
    AVCodecParameters *par = avcodec_parameters_alloc();
    int ret = par ? avcodec_parameters_from_context(par, carry->text_out) : AVERROR(ENOMEM);
    ret = ret < 0 ? no_memory(err) : add_stream(carry, out, par, err);
    avcodec_parameters_free(&par);
    return ret;
}

/* Matroska wants a cover as an attached file, with a name and a type. */
static int open_attachment(struct vd_carry *carry, AVFormatContext *out, const struct vd_plan *plan,
                           struct vd_notes *notes, struct vd_err *err)
{
    const AVStream *in = carry->in;
    bool cover = in->disposition & AV_DISPOSITION_ATTACHED_PIC;
    bool png = in->codecpar->codec_id == AV_CODEC_ID_PNG;
    if (strcmp(plan->container->name, "mkv"))
        return dropped(in, notes, "the container holds no attachments");
    int ret = add_stream(carry, out, in->codecpar, err);
    if (ret < 0 || !cover)
        return ret;
    AVCodecParameters *par = carry->out->codecpar;
    av_freep(&par->extradata);
    par->codec_type = AVMEDIA_TYPE_ATTACHMENT;
    par->extradata = av_mallocz((size_t)in->attached_pic.size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!par->extradata)
        return no_memory(err);
    memcpy(par->extradata, in->attached_pic.data, (size_t)in->attached_pic.size);
    par->extradata_size = in->attached_pic.size;
    av_dict_set(&carry->out->metadata, "filename", png ? "cover.png" : "cover.jpg", AV_DICT_DONT_OVERWRITE);
    av_dict_set(&carry->out->metadata, "mimetype", png ? "image/png" : "image/jpeg", AV_DICT_DONT_OVERWRITE);
    return 0;
}

static int open_video(struct vd_carry *carry, AVFormatContext *out, const struct vd_plan *plan, struct vd_notes *notes,
                      struct vd_err *err)
{
    if (!(carry->in->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return dropped(carry->in, notes, "one picture is tinted, the first or the default one");
    if (carry->in->codecpar->width <= 0)
        return dropped(carry->in, notes, "it is no picture");
    if (!strcmp(plan->container->name, "mkv"))
        return open_attachment(carry, out, plan, notes, err);
    if (strcmp(plan->container->name, "mp4") || !vd_container_holds(plan->container, carry->in))
        return dropped(carry->in, notes, "the container holds no cover of this kind");
    return add_stream(carry, out, carry->in->codecpar, err);
}

int vd_carry_open(struct vd_carry *carry, AVFormatContext *out, const struct vd_plan *plan, const AVStream *in,
                  struct vd_notes *notes, struct vd_err *err)
{
    *carry = (struct vd_carry){
        .in = in, .last_dts = AV_NOPTS_VALUE, .first_pts = AV_NOPTS_VALUE, .delta = AV_NOPTS_VALUE};
    bool chapter_text = in->discard == AVDISCARD_ALL;
    if (chapter_text) /* comes back as chapters */
        return 0;
    switch (in->codecpar->codec_type) {
    case AVMEDIA_TYPE_AUDIO:
        return open_audio(carry, out, notes, err);
    case AVMEDIA_TYPE_SUBTITLE:
        return open_subtitle(carry, out, plan, notes, err);
    case AVMEDIA_TYPE_VIDEO:
        return open_video(carry, out, plan, notes, err);
    case AVMEDIA_TYPE_ATTACHMENT:
        return open_attachment(carry, out, plan, notes, err);
    default:
        return dropped(in, notes, "not sound, subtitles or a picture");
    }
}

bool vd_carry_vanishes(const struct vd_carry *carry, const struct vd_plan *plan)
{
    return carry->hash && !carry->packets && strcmp(plan->container->name, "mkv");
}

void vd_carry_close(struct vd_carry *carry)
{
    av_bsf_free(&carry->framing);
    avcodec_free_context(&carry->text_in);
    avcodec_free_context(&carry->text_out);
    XXH3_freeState(carry->hash);
    carry->hash = NULL;
}

static int unframe(struct vd_carry *carry, AVPacket *packet)
{
    if (!carry->framing)
        return 1;
    int ret = av_bsf_send_packet(carry->framing, packet);
    if (ret >= 0)
        ret = av_bsf_receive_packet(carry->framing, packet);
    if (ret < 0 && ret != AVERROR(EAGAIN) && ret != AVERROR(ENOMEM)) {
        carry->damaged++; /* a damaged stretch: what has no sound header cannot be told apart from noise */
        return 0;
    }
    /* the first packet hands the header on as side data, which the muxers take */
    return ret == AVERROR(EAGAIN) ? 0 : ret < 0 ? ret : 1;
}

static int convert_text(struct vd_carry *carry, AVPacket *packet)
{
    enum { TEXT_BYTES = 64 * 1024 };
    AVSubtitle text;
    int got = 0;
    int ret = avcodec_decode_subtitle2(carry->text_in, &text, &got, packet);
    if (ret < 0)
        carry->damaged++; /* one broken subtitle is not worth the recording */
    if (ret < 0 || !got)
        return 0;
    uint8_t *encoded = av_malloc(TEXT_BYTES + AV_INPUT_BUFFER_PADDING_SIZE);
    AVPacket *fresh = av_packet_alloc();
    ret = encoded && fresh ? avcodec_encode_subtitle(carry->text_out, encoded, TEXT_BYTES, &text) : AVERROR(ENOMEM);
    avsubtitle_free(&text);
    if (ret > 0 && av_packet_from_data(fresh, encoded, ret) >= 0) {
        encoded = NULL;
        fresh->pts = packet->pts;
        fresh->dts = packet->dts;
        fresh->duration = packet->duration;
        av_packet_unref(packet);
        av_packet_move_ref(packet, fresh);
    }
    if (ret < 0 && ret != AVERROR(ENOMEM))
        carry->damaged++; /* too long for one subtitle */
    av_free(encoded);
    av_packet_free(&fresh);
    return ret == AVERROR(ENOMEM) ? ret : ret > 0;
}

/* Milliseconds into samples: by the sum of durations, as long as that agrees, so that sound keeps an even beat. */
static bool rescale_sound(struct vd_carry *carry, AVPacket *packet)
{
    AVCodecParameters *par = carry->in->codecpar;
    int duration = carry->hash ? av_get_audio_frame_duration2(par, packet->size) : 0;
    AVRational samples = {1, par->sample_rate};
    if (duration <= 0 || par->sample_rate <= 0 || packet->dts == AV_NOPTS_VALUE ||
        av_cmp_q(carry->in->time_base, samples) <= 0)
        return false;
    int64_t dts = av_rescale_delta(carry->in->time_base, packet->dts, samples, duration, &carry->delta,
                                   carry->out->time_base);
    packet->duration = av_rescale_q(packet->duration, carry->in->time_base, carry->out->time_base);
    packet->pts = packet->dts = dts;
    return true;
}

static void repair_time(struct vd_carry *carry, AVPacket *packet, int64_t *repaired)
{
    bool missing = packet->dts == AV_NOPTS_VALUE;
    if (missing)
        packet->dts = packet->pts != AV_NOPTS_VALUE       ? packet->pts
                      : carry->last_dts != AV_NOPTS_VALUE ? carry->last_dts + 1
                                                          : 0;
    if (carry->last_dts != AV_NOPTS_VALUE && packet->dts <= carry->last_dts) {
        packet->dts = carry->last_dts + 1;
        ++*repaired;
    }
    if (packet->pts == AV_NOPTS_VALUE || packet->pts < packet->dts)
        packet->pts = packet->dts;
    carry->last_dts = packet->dts;
}

static void shift(AVPacket *packet, int64_t by)
{
    if (packet->pts != AV_NOPTS_VALUE)
        packet->pts += by;
    if (packet->dts != AV_NOPTS_VALUE)
        packet->dts += by;
}

/* Matroska's demuxer takes the codec delay off the times, and not every muxer adds it. */
static int64_t forgotten_delay(const struct vd_carry *carry, const struct vd_plan *plan)
{
    const AVCodecParameters *par = carry->in->codecpar;
    if (strcmp(plan->container->name, "mkv") || par->codec_id != AV_CODEC_ID_OPUS || vd_mkv_adds_codec_delay())
        return 0;
    return av_rescale_q(par->initial_padding, (AVRational){1, 48000}, carry->out->time_base);
}

int vd_carry_packet(struct vd_carry *carry, AVPacket *packet, const struct vd_plan *plan, int64_t *repaired)
{
    if (!carry->out || carry->out->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT)
        return 0;
    /* Outside the edit list. What leads in (an AAC decoder's priming) stays where the output has an edit list too. */
    bool outside = packet->flags & AV_PKT_FLAG_DISCARD;
    if (outside && (carry->inside || !strcmp(plan->container->name, "mkv")))
        return 0;
    carry->inside = carry->inside || !outside;
    int ret = unframe(carry, packet);
    if (ret > 0 && carry->text_out)
        ret = convert_text(carry, packet);
    if (ret <= 0)
        return ret;
    shift(packet, av_rescale_q(plan->shift, plan->time_base, carry->in->time_base));
    if (!rescale_sound(carry, packet))
        av_packet_rescale_ts(packet, carry->in->time_base, carry->out->time_base);
    repair_time(carry, packet, repaired);
    if (carry->first_pts == AV_NOPTS_VALUE)
        carry->first_pts = packet->pts;
    shift(packet, forgotten_delay(carry, plan));
    if (carry->hash)
        XXH3_128bits_update(carry->hash, packet->data, (size_t)packet->size);
    carry->bytes += packet->size;
    carry->packets++;
    packet->stream_index = carry->out->index;
    packet->pos = -1;
    return 1;
}
