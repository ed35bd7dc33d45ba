/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures to packets: brought to the first one's kind, the effect, the encoder. The effect runs here, right before the
 * encoder reads the picture, because it leaves it in the cache. */
#include "compat.h"
#include "run.h"

#include <libavutil/hwcontext.h>
#include <libavutil/mathematics.h>

/* What went into the encoder and has perhaps not come out yet: encoders of FFmpeg 5.1 lose durations, and a decoding time
 * may have to be chosen anew. Larger than any encoder's delay. */
enum { MEMORY = 1024 };

struct memory {
    int64_t pts[MEMORY], duration[MEMORY];
    bool inside[MEMORY];
    int next;
    int64_t last_dts;
};

static void remember(struct memory *memory, const AVFrame *frame)
{
    memory->pts[memory->next] = frame->pts;
    memory->duration[memory->next] = vd_frame_duration(frame);
    memory->inside[memory->next] = true;
    memory->next = (memory->next + 1) % MEMORY;
}

static int64_t recall(struct memory *memory, int64_t pts, int64_t usual)
{
    for (int i = 1; i <= MEMORY; i++) {
        int at = (memory->next - i + MEMORY) % MEMORY;
        if (memory->inside[at] && memory->pts[at] == pts) {
            memory->inside[at] = false;
            return memory->duration[at];
        }
    }
    return usual;
}

/*
 * An encoder's packets are decoded some pictures before they are shown; after a pause in the recording that is before the
 * pause, and FFmpeg's reader throws a track's offsets away when one of them exceeds 2^28 ticks. So no prediction crosses a
 * long pause, and decoding waits until it is over.
 */
enum { WAIT_MAX = 1 << 27 };

static void break_at_pause(const struct memory *memory, AVFrame *frame)
{
    int before = (memory->next + MEMORY - 1) % MEMORY;
    if (frame->pts - memory->pts[before] > WAIT_MAX)
        frame->pict_type = AV_PICTURE_TYPE_I; /* with forced-idr */
}

/* The packet and all that are still inside fit between here and the earliest of their times. */
static void shorten_wait(struct memory *memory, AVPacket *packet)
{
    if (packet->pts - packet->dts > WAIT_MAX) {
        int64_t earliest = packet->pts, inside = 1;
        for (int i = 0; i < MEMORY; i++)
            if (memory->inside[i]) {
                inside++;
                earliest = FFMIN(earliest, memory->pts[i]);
            }
        packet->dts = FFMAX(packet->dts, earliest - inside);
    }
    if (memory->last_dts != AV_NOPTS_VALUE && packet->dts <= memory->last_dts)
        packet->dts = FFMIN(memory->last_dts + 1, packet->pts);
    memory->last_dts = packet->dts;
}

/* On the device, as the filter wants it. Encoders do not know a crop at the left or at the top. */
static bool fits_as_surface(const struct vd_plan *plan, const AVFrame *frame)
{
    const struct vd_picture *picture = &plan->picture;
    if (!frame->hw_frames_ctx)
        return false;
    return ((const AVHWFramesContext *)frame->hw_frames_ctx->data)->sw_format == picture->target &&
           frame->width == picture->width && frame->height == picture->height &&
           picture->width == picture->padded_width && picture->height == picture->padded_height && !frame->crop_left &&
           !frame->crop_top;
}

/* Pictures that are not as planned: another size, another format, or one that always needs swscale. */
static int to_plan(struct vd_run *run, struct vd_converter *converter, AVFrame **frame, struct vd_err *err)
{
    const struct vd_plan *plan = &run->plan;
    if (fits_as_surface(plan, *frame))
        return 0;
    if (vd_filter_download(run->filter, frame, err) < 0)
        return -1;
    av_frame_apply_cropping(*frame, AV_FRAME_CROP_UNALIGNED);
    enum AVPixelFormat plain = vd_format_plain((*frame)->format);
    bool planned = (plain == vd_format_plain(plan->first->format) || plain == plan->picture.target) &&
                   (*frame)->width == plan->picture.width && (*frame)->height == plan->picture.height;
    if (!planned)
        run->scaled++;
    if (planned && plain == plan->picture.source) {
        (*frame)->format = plain;
        return 0;
    }
    int ret = vd_convert(converter, &plan->converted, frame);
    return ret < 0 ? vd_fail(err, ret == AVERROR(ENOMEM) ? VD_INPUT : VD_DEFECT, "effect",
                             "a picture cannot be converted: %s", av_err2str(ret))
                   : 0;
}

/* Everything that was planned wins over what a single frame says. */
static void set_tags(const struct vd_plan *plan, AVFrame *frame)
{
    frame->color_range = plan->range;
    frame->colorspace = plan->matrix;
    frame->color_primaries = plan->primaries;
    frame->color_trc = plan->transfer;
    frame->chroma_location = plan->chroma_location;
    frame->sample_aspect_ratio = plan->sample_aspect_ratio;
}

/* Keeps a picture for the preview, as host memory. */
static int preview(struct vd_run *run, const AVFrame *frame, bool before, int64_t position, struct vd_err *err)
{
    AVFrame *shown;
    if (vd_filter_show(run->filter, frame, &shown, err) < 0)
        return -1;
    int ret = before ? vd_preview_before(&run->preview, shown, position) : vd_preview_after(&run->preview, shown);
    av_frame_free(&shown);
    return ret < 0 ? vd_fail(err, VD_INPUT, "effect", "no memory for the preview; raise --max-memory") : 0;
}

static int apply(struct vd_run *run, struct vd_converter *converter, AVFrame **frame, struct vd_err *err)
{
    int64_t position = av_rescale_q((*frame)->pts - run->first_pts, run->plan.time_base, AV_TIME_BASE_Q);
    bool show = vd_preview_wants(&run->preview, position);
    if (to_plan(run, converter, frame, err) < 0)
        return -1;
    set_tags(&run->plan, *frame);
    if (show && preview(run, *frame, true, position, err) < 0)
        return -1;
    if (vd_filter_process(run->filter, frame, err) < 0)
        return -1;
    if (show && preview(run, *frame, false, position, err) < 0)
        return -1;
    atomic_store_explicit(&run->position_us, position, memory_order_relaxed);
    return 0;
}

static int fail_encode(const struct vd_run *run, int code, struct vd_err *err)
{
    if (run->plan.family != VD_FAMILY_SOFTWARE)
        return vd_fail(err, VD_UNAVAILABLE, "encode", "%s fails: %s; see vidriera doctor", run->plan.encoder->name,
                       av_err2str(code));
    return vd_fail(err, code == AVERROR(ENOMEM) ? VD_INPUT : VD_DEFECT, "encode", "%s fails: %s; run with -v",
                   run->plan.encoder->name, av_err2str(code));
}

/* frame: NULL drains. False when there is nothing more to do. */
static bool encode(struct vd_run *run, struct memory *memory, AVFrame *frame, struct vd_err *err)
{
    int ret = avcodec_send_frame(run->encoder, frame);
    if (ret < 0)
        return fail_encode(run, ret, err), false;
    for (;;) {
        AVPacket *packet = av_packet_alloc();
        ret = packet ? avcodec_receive_packet(run->encoder, packet) : AVERROR(ENOMEM);
        if (ret < 0) {
            av_packet_free(&packet);
            if (ret != AVERROR(EAGAIN) && ret != AVERROR_EOF)
                fail_encode(run, ret, err);
            return ret == AVERROR(EAGAIN);
        }
        packet->stream_index = run->source.video->index;
        packet->duration = recall(memory, packet->pts, run->clock.usual);
        shorten_wait(memory, packet);
        atomic_fetch_add_explicit(&run->frames_encoded, 1, memory_order_relaxed);
        if (!vd_queue_push(&run->muxing, packet))
            return false;
    }
}

void *vd_encode_main(void *opaque)
{
    struct vd_run *run = opaque;
    struct vd_converter converter = {0};
    struct vd_err err = {0};
    struct memory *memory = av_mallocz(sizeof *memory);
    bool running = memory, first = true;
    AVFrame *frame;
    if (memory)
        memory->last_dts = AV_NOPTS_VALUE;
    else
        vd_fail(&err, VD_INPUT, "encode", "no memory to start; raise --max-memory");
    while ((frame = vd_queue_pop(&run->frames))) {
        if (running) {
            if (first)
                run->first_pts = frame->pts;
            first = false;
            break_at_pause(memory, frame);
            remember(memory, frame);
            running = apply(run, &converter, &frame, &err) >= 0 && encode(run, memory, frame, &err);
        }
        av_frame_free(&frame);
        if (err.code)
            break;
    }
    if (running && !vd_run_failed(run))
        encode(run, memory, NULL, &err);
    if (err.code)
        vd_run_fail(run, &err);
    vd_queue_done(&run->muxing);
    vd_converter_finish(&converter);
    av_free(memory);
    return NULL;
}
