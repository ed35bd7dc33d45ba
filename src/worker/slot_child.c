/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "slot_child.h"

#include "wire.h"

#include "vidriera/join.h"
#include "vidriera/media.h"
#include "vidriera/store.h"

#include <math.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A file is hashed by a thread of its own: of the input, while the work goes on, so that the disk is read once by both. */
struct hasher {
    pthread_t thread;
    int fd;
    struct vd_digest_watch watch;
    char digest[VD_DIGEST_TEXT];
    struct vd_err err;
    int result;
};

static void *hash_main(void *opaque)
{
    struct hasher *hasher = opaque;
    hasher->result = vd_digest_fd(hasher->fd, &hasher->watch, hasher->digest, &hasher->err);
    return NULL;
}

static int hasher_start(struct hasher *hasher, int fd, struct vd_err *err)
{
    *hasher = (struct hasher){.fd = fd};
    if (pthread_create(&hasher->thread, NULL, hash_main, hasher))
        return vd_fail(err, VD_AGAIN, "open", "no thread to start: too many are running; try again later");
    return 0;
}

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* What the parent is told, over and over; the last one is kept to go on from. */
struct teller {
    int socket;
    struct vd_media_progress last;
};

static void tell_planned(void *opaque, const char *container)
{
    struct teller *teller = opaque;
    vd_wire_send(teller->socket, json_pack("{s:{s:s}}", "planned", "container", container), NULL, 0);
}

static void tell_progress(void *opaque, const struct vd_media_progress *progress)
{
    struct teller *teller = opaque;
    json_t *object = json_pack("{s:{s:f, s:I, s:f, s:I}}", "progress", "fraction", progress->fraction, "frames",
                               (json_int_t)progress->frames, "position_s", progress->position_s, "work",
                               (json_int_t)progress->work);
    teller->last = *progress;
    vd_wire_send(teller->socket, object, NULL, 0);
}

/* Waits for a digest, telling meanwhile that the work goes on. */
static int hasher_wait(struct hasher *hasher, struct teller *teller, struct vd_err *err)
{
    const struct vd_media_progress last = teller->last;
    while (!vd_join_for(hasher->thread, 1000)) {
        struct vd_media_progress progress = last;
        progress.work += 1 + atomic_load(&hasher->watch.bytes);
        tell_progress(teller, &progress);
    }
    teller->last = last;
    if (hasher->result < 0)
        *err = hasher->err;
    return hasher->result;
}

static json_t *metrics(const json_t *report, double started, double cpu_before)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double wall = fmax(now(CLOCK_MONOTONIC) - started, 1e-6);
    json_t *output = json_object_get(report, "output");
    double frames = (double)json_integer_value(json_object_get(output, "frames"));
    double length = json_real_value(json_object_get(output, "duration_s"));
    return json_pack("{s:f, s:f, s:f, s:f, s:I}", "wall_s", wall, "cpu_s", now(CLOCK_PROCESS_CPUTIME_ID) - cpu_before,
                     "fps", frames / wall, "speed", length / wall, "peak_rss_bytes",
                     (json_int_t)usage.ru_maxrss * 1024);
}

static int add_file(json_t *report, const char *member, int fd, const char *digest)
{
    struct stat st;
    json_t *object = json_object_get(report, member);
    if (fstat(fd, &st) < 0)
        return -1;
    return json_object_set_new(object, "bytes", json_integer(st.st_size)) |
           json_object_set_new(object, "digest", json_string(digest));
}

/* Media, then the digests: 0 and the whole report, or -1 and *err. */
static int work(const struct vd_job *job, const struct vd_media_io *io, int socket, json_t **report, struct vd_err *err)
{
    struct teller teller = {.socket = socket};
    struct vd_media_watch watch = {tell_planned, tell_progress, &teller};
    double started = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    if (job->decode_only)
        return vd_media_run(job, io, &watch, report, err);
    struct hasher input, output;
    struct vd_err ignored;
    if (hasher_start(&input, io->input, err) < 0)
        return -1;
    int ret = vd_media_run(job, io, &watch, report, err);
    atomic_store(&input.watch.stop, ret < 0);
    if (hasher_wait(&input, &teller, ret < 0 ? &ignored : err) < 0 || ret < 0)
        return -1;
    if (hasher_start(&output, io->output, err) < 0 || hasher_wait(&output, &teller, err) < 0)
        return -1;
    if (add_file(*report, "input", io->input, input.digest) || add_file(*report, "output", io->output, output.digest) ||
        json_object_set_new(*report, "metrics", metrics(*report, started, cpu)))
        return vd_fail(err, VD_INPUT, "verify", "no memory for the result; raise --max-memory");
    return 0;
}

static json_t *run_order(const json_t *order, const int *fds, int count, int socket)
{
    struct vd_err err = {0};
    struct vd_job job;
    json_t *report = NULL;
    bool preview = json_is_true(json_object_get(order, "preview"));
    int ret = vd_job_from_json(json_object_get(order, "job"), &job, &err);
    if (ret >= 0 && count != 1 + !job.decode_only + preview)
        ret = vd_fail(&err, VD_DEFECT, "open", "an order came with %d descriptors; report this", count);
    if (ret >= 0) {
        struct vd_media_io io = {fds[0], job.decode_only ? -1 : fds[1], preview ? fds[count - 1] : -1};
        ret = work(&job, &io, socket, &report, &err);
    }
    if (ret >= 0)
        return json_pack("{s:o}", "done", report);
    json_decref(report);
    return json_pack("{s:{s:s, s:s, s:s}}", "failed", "code", vd_code_name(err.code), "stage", err.stage, "text",
                     err.text);
}

int vd_slot_child(int socket)
{
    int fds[VD_WIRE_FDS], count;
    json_t *order;
    vd_media_log_init();
    while ((order = vd_wire_receive(socket, fds, &count))) {
        json_t *answer = run_order(order, fds, count, socket);
        json_decref(order);
        for (int i = 0; i < count; i++)
            close(fds[i]);
        if (!answer || vd_wire_send(socket, answer, NULL, 0) < 0)
            return vd_code_exit(VD_DEFECT);
    }
    return 0;
}
