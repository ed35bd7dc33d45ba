/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only file that knows all stages. */
#include "compat.h"
#include "report.h"
#include "run.h"
#include "verify.h"

#include "vidriera/join.h"
#include "vidriera/media.h"

#include <errno.h>
#include <libavutil/cpu.h>
#include <libavutil/mathematics.h>
#include <unistd.h>

/* Enough to bridge the moments when one stage waits for its threads; each picture more is memory. */
enum { PACKETS = 32, FRAMES = 4, MUXING = 64, TICK_MS = 100 };

static void release_packet(void *packet)
{
    AVPacket *gone = packet;
    av_packet_free(&gone);
}

static void release_frame(void *frame)
{
    AVFrame *gone = frame;
    av_frame_free(&gone);
}

void vd_run_fail(struct vd_run *run, const struct vd_err *err)
{
    pthread_mutex_lock(&run->lock);
    if (!run->err.code)
        run->err = *err;
    pthread_mutex_unlock(&run->lock);
    vd_queue_abort(&run->packets);
    vd_queue_abort(&run->frames);
    vd_queue_abort(&run->muxing);
}

bool vd_run_failed(struct vd_run *run)
{
    pthread_mutex_lock(&run->lock);
    bool failed = run->err.code != VD_OK;
    pthread_mutex_unlock(&run->lock);
    return failed;
}

void *vd_mux_main(void *opaque)
{
    struct vd_run *run = opaque;
    struct vd_err err = {0};
    AVPacket *packet;
    int ret = 0;
    while (ret >= 0 && (packet = vd_queue_pop(&run->muxing)))
        ret = vd_mux_write(&run->mux, packet, &err);
    if (ret >= 0 && !vd_run_failed(run))
        ret = vd_mux_end(&run->mux, &err);
    if (ret < 0)
        vd_run_fail(run, &err);
    return NULL;
}

/* To disk while the file is read again. Whoever gives it a name syncs once more, which then costs nothing. */
static void *sync_main(void *opaque)
{
    struct vd_run *run = opaque;
    struct vd_err err = {0};
    atomic_store(&run->syncing, true);
    int ret = fsync(run->io.output);
    atomic_store(&run->syncing, false);
    if (ret < 0) {
        vd_fail(&err, VD_IO, "sync", "the output cannot be written: %s; %s", strerror(errno),
                errno == ENOSPC ? "free some space" : "check the disk");
        vd_run_fail(run, &err);
    }
    return NULL;
}

/* A decoder's threads cost processor time and memory, and the encoder is the slower one: a quarter of the cores is
 * enough on two of them, and a guess on more. */
static int decoder_threads(const struct vd_job *job)
{
    int cores = av_cpu_count();
    return job->threads ? job->threads : FFMIN(FFMAX(cores / 4, 1), 16);
}

/* The first picture needs a reading of its own: the streaming one then starts with everything decided and nothing held
 * back, however late the picture begins. */
static void *look_ahead_main(void *opaque)
{
    struct vd_run *run = opaque;
    struct vd_source source;
    struct vd_err err = {0};
    if (vd_source_open(&source, run->io.input, &run->job->limits, &run->moved, &err) == 0) {
        run->first = vd_source_first_frame(&source, &run->job->limits, &err);
        vd_source_close(&source);
    }
    if (!run->first)
        vd_run_fail(run, &err);
    return NULL;
}

static void *verify_main(void *opaque)
{
    struct vd_run *run = opaque;
    struct vd_err err = {0};
    if (vd_verify(&run->verdict, &run->mux, run->io.output, run->frames_decoded, &run->moved, &err) < 0)
        vd_run_fail(run, &err);
    return NULL;
}

static int open_stages(struct vd_run *run, const struct vd_media_watch *watch, struct vd_err *err)
{
    const struct vd_job *job = run->job;
    if (vd_source_open(&run->source, run->io.input, &job->limits, &run->moved, err) < 0 ||
        vd_plan_make(&run->plan, job, &run->source, run->first, &run->notes, err) < 0)
        return -1;
    watch->planned(watch->opaque, run->plan.container->name);
    run->decoder = vd_source_decoder(&run->source, &job->limits, decoder_threads(job), &run->decoder_pool, err);
    run->encoder = run->decoder ? vd_encoder_open(&run->plan, job, err) : NULL;
    if (!run->encoder)
        return -1;
    run->device = vd_device_open(&run->plan.effect, &run->plan.picture);
    if (!run->device)
        return vd_fail(err, VD_INPUT, "effect", "no memory to start; raise --max-memory");
    vd_clock_init(&run->clock, run->source.video->time_base, run->plan.time_base, run->plan.frame_rate,
                  run->plan.shift);
    run->preview.wanted = run->io.preview >= 0;
    run->preview.middle_us = (int64_t)(vd_source_duration(&run->source) / 2 * AV_TIME_BASE);
    return vd_mux_open(&run->mux, &run->plan, &run->source, run->encoder, run->io.output, &run->moved, &run->notes,
                       err);
}

static void close_stages(struct vd_run *run)
{
    vd_mux_close(&run->mux);
    vd_preview_finish(&run->preview);
    vd_device_close(run->device);
    avcodec_free_context(&run->encoder);
    avcodec_free_context(&run->decoder);
    vd_decoder_pool_finish(&run->decoder_pool);
    vd_source_close(&run->source);
}

static void tell(struct vd_run *run, const struct vd_media_watch *watch)
{
    double length = run->source.format ? vd_source_duration(&run->source) : 0;
    double position = (double)atomic_load_explicit(&run->position_us, memory_order_relaxed) / AV_TIME_BASE;
    long long decoded = atomic_load_explicit(&run->frames_decoded, memory_order_relaxed);
    long long encoded = atomic_load_explicit(&run->frames_encoded, memory_order_relaxed);
    long long moved = atomic_load_explicit(&run->moved, memory_order_relaxed);
    if (atomic_load(&run->syncing)) /* a slow disk is not a stall: the kernel is at work */
        moved = atomic_fetch_add(&run->moved, 1);
    struct vd_media_progress progress = {
        .fraction = length > 0 ? FFMIN(1, position / length) : -1,
        .frames = encoded,
        .position_s = position,
        .work = moved + decoded + encoded,
    };
    watch->progressed(watch->opaque, &progress);
}

/* Joins the thread, telling of progress meanwhile. */
static void join_telling(struct vd_run *run, pthread_t thread, const struct vd_media_watch *watch)
{
    do
        tell(run, watch);
    while (!vd_join_for(thread, TICK_MS));
    tell(run, watch);
}

struct stage {
    const char *name;
    void *(*body)(void *run);
};

/* Starts the stages, waits for all of them. What takes long is a stage even when it is alone: somebody must be free to
 * tell that it goes on. */
static int run_stages(struct vd_run *run, const struct stage *stages, int count, const struct vd_media_watch *watch,
                      struct vd_err *err)
{
    pthread_t threads[4];
    int started = 0;
    for (; started < count; started++) {
        if (pthread_create(&threads[started], NULL, stages[started].body, run)) {
            vd_fail(err, VD_AGAIN, stages[started].name, "no thread to start: too many are running; try again later");
            vd_run_fail(run, err);
            break;
        }
        pthread_setname_np(threads[started], stages[started].name);
    }
    for (int i = started - 1; i >= 0; i--)
        join_telling(run, threads[i], watch);
    if (!run->err.code)
        return 0;
    *err = run->err;
    return -1;
}

static void init_queues(struct vd_run *run)
{
    vd_queue_init(&run->packets, PACKETS, 1, release_packet);
    vd_queue_init(&run->frames, FRAMES, 1, release_frame);
    vd_queue_init(&run->muxing, MUXING, 2, release_packet);
}

static void finish_queues(struct vd_run *run)
{
    vd_queue_finish(&run->packets);
    vd_queue_finish(&run->frames);
    vd_queue_finish(&run->muxing);
}

/* The whole way from packets to a file that has been checked. */
static int transcode(struct vd_run *run, const struct vd_media_watch *watch, json_t **report, struct vd_err *err)
{
    static const struct stage look = {"look", look_ahead_main};
    static const struct stage last[] = {{"verify", verify_main}, {"sync", sync_main}};
    static const struct stage stages[] = {
        {"demux", vd_demux_main}, {"decode", vd_decode_main}, {"encode", vd_encode_main}, {"mux", vd_mux_main}};
    int ret = run_stages(run, &look, 1, watch, err);
    if (ret >= 0)
        ret = open_stages(run, watch, err);
    if (ret >= 0)
        ret = run_stages(run, stages, 4, watch, err);
    if (ret >= 0) {
        vd_report_losses(run);
        ret = run_stages(run, last, 2, watch, err);
    }
    if (ret >= 0 && run->preview.wanted)
        ret = vd_preview_write(&run->preview, &run->plan, run->io.preview, err);
    if (ret >= 0)
        *report = vd_report_make(run, &run->verdict);
    if (ret >= 0 && !*report)
        ret = vd_fail(err, VD_INPUT, "verify", "no memory for the result; raise --max-memory");
    close_stages(run);
    av_frame_free(&run->first);
    return ret;
}

/* Takes decoded frames out of the way. */
static void *discard_main(void *opaque)
{
    struct vd_run *run = opaque;
    AVFrame *frame;
    while ((frame = vd_queue_pop(&run->frames)))
        av_frame_free(&frame);
    return NULL;
}

static void *discard_packets_main(void *opaque)
{
    struct vd_run *run = opaque;
    AVPacket *packet;
    while ((packet = vd_queue_pop(&run->muxing)))
        av_packet_free(&packet);
    return NULL;
}

/* Does decoding survive? What the encoder would do is left out, the rest is the same code. */
static int decode_only(struct vd_run *run, const struct vd_media_watch *watch, json_t **report, struct vd_err *err)
{
    static const struct stage stages[] = {{"demux", vd_demux_main},
                                          {"decode", vd_decode_main},
                                          {"discard", discard_main},
                                          {"discard", discard_packets_main}};
    const struct vd_job *job = run->job;
    int ret = vd_source_open(&run->source, run->io.input, &job->limits, &run->moved, err);
    if (ret < 0)
        return ret;
    run->decoder = vd_source_decoder(&run->source, &job->limits, decoder_threads(job), &run->decoder_pool, err);
    if (run->decoder) {
        AVRational base = run->source.video->time_base;
        vd_clock_init(&run->clock, base, base, (AVRational){25, 1}, 0);
        vd_queue_done(&run->muxing); /* there is no encoder */
        ret = run_stages(run, stages, 4, watch, err);
    } else {
        ret = -1;
    }
    if (ret >= 0)
        *report = json_object();
    avcodec_free_context(&run->decoder);
    vd_decoder_pool_finish(&run->decoder_pool);
    vd_source_close(&run->source);
    return ret;
}

int vd_media_run(const struct vd_job *job, const struct vd_media_io *io, const struct vd_media_watch *watch,
                 json_t **report, struct vd_err *err)
{
    struct vd_run *run = av_mallocz(sizeof *run);
    *report = NULL;
    if (!run || vd_notes_init(&run->notes) < 0) {
        av_free(run);
        return vd_fail(err, VD_INPUT, "open", "no memory to start; raise --max-memory");
    }
    run->job = job;
    run->io = *io;
    run->decoder_pool = VD_DECODER_POOL_NONE;
    pthread_mutex_init(&run->lock, NULL);
    init_queues(run);
    int ret = job->decode_only ? decode_only(run, watch, report, err) : transcode(run, watch, report, err);
    finish_queues(run);
    vd_notes_finish(&run->notes);
    pthread_mutex_destroy(&run->lock);
    av_free(run);
    return ret;
}
