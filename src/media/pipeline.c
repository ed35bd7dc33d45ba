/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only file that knows all stages. */
#include "compat.h"
#include "report.h"
#include "run.h"
#include "verify.h"

#include "vidriera/join.h"
#include "vidriera/log.h"
#include "vidriera/media.h"

#include <errno.h>
#include <libavutil/mathematics.h>
#include <unistd.h>

/* Enough to bridge the moments when one stage waits for its threads; each picture more is memory. */
enum { PACKETS = 32, MUXING = 64, TICK_MS = 100 };

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

bool vd_run_fail(struct vd_run *run, const struct vd_err *err)
{
    pthread_mutex_lock(&run->lock);
    bool first = !run->err.code;
    if (first)
        run->err = *err;
    pthread_mutex_unlock(&run->lock);
    vd_queue_abort(&run->packets);
    vd_queue_abort(&run->frames);
    vd_queue_abort(&run->muxing);
    return first;
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

/* The first picture needs a reading of its own: the streaming one then starts with everything decided and nothing held
 * back, however late the picture begins. */
static void *look_ahead_main(void *opaque)
{
    struct vd_run *run = opaque;
    struct vd_source source;
    struct vd_err err = {0};
    if (vd_source_open(&source, run->io.input, &run->job->limits, &run->moved, &err) == 0) {
        run->first = vd_source_first_frame(&source, &run->job->limits, NULL, &err);
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

struct started {
    const struct stage *stage;
    struct vd_run *run;
    pthread_t thread;
};

/* A thread names itself: another one's name is a file in /proc. */
static void *stage_main(void *opaque)
{
    const struct started *self = opaque;
    pthread_setname_np(pthread_self(), self->stage->name);
    return self->stage->body(self->run);
}

/* Starts the stages, waits for all of them. What takes long is a stage even when it is alone: somebody must be free to
 * tell that it goes on. */
static int run_stages(struct vd_run *run, const struct stage *stages, int count, const struct vd_media_watch *watch,
                      struct vd_err *err)
{
    struct started threads[4];
    int started = 0;
    for (; started < count; started++) {
        threads[started] = (struct started){.stage = &stages[started], .run = run};
        if (pthread_create(&threads[started].thread, NULL, stage_main, &threads[started])) {
            vd_fail(err, VD_AGAIN, "start", "no thread for %s: too many are running; try again later",
                    stages[started].name);
            vd_run_fail(run, err);
            break;
        }
    }
    for (int i = started - 1; i >= 0; i--)
        join_telling(run, threads[i].thread, watch);
    if (!run->err.code)
        return 0;
    *err = run->err;
    return -1;
}

static void init_queues(struct vd_run *run)
{
    vd_queue_init(&run->packets, PACKETS, 1, release_packet);
    vd_queue_init(&run->frames, VD_RUN_FRAMES, 1, release_frame);
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
        ret = vd_run_open(run, watch, err);
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
    if (ret < 0)
        vd_report_fault(run, err);
    vd_run_close(run);
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
    const struct vd_decoding how = {.threads = vd_run_decoder_threads(job)};
    run->decoder = vd_source_decoder(&run->source, &job->limits, &how, &run->decoder_pool, err);
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

/* *lacks: what is known of it, and then what has turned out beside: the run is to begin anew. */
static int run_once(const struct vd_job *job, struct vd_device *device, const struct vd_media_io *io,
                    const struct vd_media_watch *watch, struct vd_lacks *lacks, json_t **report, struct vd_err *err)
{
    struct vd_run *run = av_mallocz(sizeof *run);
    if (!run || vd_notes_init(&run->notes) < 0) {
        av_free(run);
        return vd_fail(err, VD_INPUT, "open", "no memory to start; raise --max-memory");
    }
    run->job = job;
    run->device = device;
    run->lacks = *lacks;
    run->io = *io;
    run->decoder_pool = VD_DECODER_POOL_NONE;
    pthread_mutex_init(&run->lock, NULL);
    init_queues(run);
    int ret = job->decode_only ? decode_only(run, watch, report, err) : transcode(run, watch, report, err);
    if (ret >= 0 && lacks->decoding && !run->damaged_packets && !run->damaged_frames)
        vd_device_doubt_decoder(device);
    *lacks = run->lacks;
    finish_queues(run);
    vd_notes_finish(&run->notes);
    pthread_mutex_destroy(&run->lock);
    av_free(run);
    return ret;
}

int vd_media_run(const struct vd_job *job, struct vd_device *device, const struct vd_media_io *io,
                 const struct vd_media_watch *watch, json_t **report, struct vd_err *err)
{
    struct vd_lacks lacks = {0}, known;
    *report = NULL;
    for (;;) {
        known = lacks;
        int ret = run_once(job, device, io, watch, &lacks, report, err);
        if (ret >= 0 || (err->code == VD_UNFIT && job->demanded) || !memcmp(&known, &lacks, sizeof lacks))
            return ret;
        *err = (struct vd_err){0};
        if (ftruncate(io->output, 0) < 0 || (io->preview >= 0 && ftruncate(io->preview, 0) < 0))
            return vd_fail(err, VD_IO, "open", "the output cannot be begun anew: %s; check the disk", strerror(errno));
    }
}
