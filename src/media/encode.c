/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures to packets: brought to the first one's kind, the effect, the encoder. The effect runs here, right before the
 * encoder reads the picture, because it leaves it in the cache. */
#include "compat.h"
#include "run.h"

#include <libavutil/mathematics.h>

/* Encoders of FFmpeg 5.1 lose durations: they are looked up again by time when the packet comes out. */
enum { MEMORY = 1024 };

struct durations {
    int64_t pts[MEMORY], duration[MEMORY];
    int next;
};

static void remember(struct durations *durations, const AVFrame *frame)
{
    durations->pts[durations->next] = frame->pts;
    durations->duration[durations->next] = vd_frame_duration(frame);
    durations->next = (durations->next + 1) % MEMORY;
}

static int64_t recall(const struct durations *durations, int64_t pts, int64_t usual)
{
    for (int i = 1; i <= MEMORY; i++) {
        int at = (durations->next - i + MEMORY) % MEMORY;
        if (durations->pts[at] == pts && durations->duration[at])
            return durations->duration[at];
    }
    return usual;
}

/* Pictures that are not as planned: another size, another format, or one that always needs swscale. */
static int to_plan(struct vd_run *run, struct vd_converter *converter, AVFrame **frame, struct vd_err *err)
{
    const struct vd_plan *plan = &run->plan;
    enum AVPixelFormat plain = vd_format_plain((*frame)->format);
    bool planned = plain == vd_format_plain(plan->first->format) && (*frame)->width == plan->picture.width &&
                   (*frame)->height == plan->picture.height;
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

static int apply(struct vd_run *run, struct vd_converter *converter, AVFrame **frame, struct vd_err *err)
{
    int64_t position = av_rescale_q((*frame)->pts - run->first_pts, run->plan.time_base, AV_TIME_BASE_Q);
    bool show = vd_preview_wants(&run->preview, position);
    if (to_plan(run, converter, frame, err) < 0)
        return -1;
    set_tags(&run->plan, *frame);
    if (show && vd_preview_before(&run->preview, *frame, position) < 0)
        return vd_fail(err, VD_INPUT, "effect", "no memory for the preview; raise --max-memory");
    if (vd_device_process(run->device, frame, err) < 0)
        return -1;
    if (show && vd_preview_after(&run->preview, *frame) < 0)
        return vd_fail(err, VD_INPUT, "effect", "no memory for the preview; raise --max-memory");
    atomic_store_explicit(&run->position_us, position, memory_order_relaxed);
    return 0;
}

static int fail_encode(const struct vd_run *run, int code, struct vd_err *err)
{
    return vd_fail(err, code == AVERROR(ENOMEM) ? VD_INPUT : VD_DEFECT, "encode", "%s fails: %s; run with -v",
                   run->plan.encoder->name, av_err2str(code));
}

/* frame: NULL drains. False when there is nothing more to do. */
static bool encode(struct vd_run *run, struct durations *durations, AVFrame *frame, struct vd_err *err)
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
        packet->duration = recall(durations, packet->pts, run->clock.usual);
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
    struct durations *durations = av_mallocz(sizeof *durations);
    bool running = durations, first = true;
    AVFrame *frame;
    if (!durations)
        vd_fail(&err, VD_INPUT, "encode", "no memory to start; raise --max-memory");
    while ((frame = vd_queue_pop(&run->frames))) {
        if (running) {
            if (first)
                run->first_pts = frame->pts;
            first = false;
            remember(durations, frame);
            running = apply(run, &converter, &frame, &err) >= 0 && encode(run, durations, frame, &err);
        }
        av_frame_free(&frame);
        if (err.code)
            break;
    }
    if (running && !vd_run_failed(run))
        encode(run, durations, NULL, &err);
    if (err.code)
        vd_run_fail(run, &err);
    vd_queue_done(&run->muxing);
    vd_converter_finish(&converter);
    av_free(durations);
    return NULL;
}
