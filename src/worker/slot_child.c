/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "slot_child.h"

#include "sandbox.h"
#include "wire.h"

#include "vidriera/join.h"
#include "vidriera/log.h"
#include "vidriera/slot.h"
#include "vidriera/store.h"

#include <math.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
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
        return vd_fail(err, VD_AGAIN, "start", "no thread to start: too many are running; try again later");
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
static int work(const struct vd_job *job, struct vd_device *device, const struct vd_media_io *io, int socket,
                json_t **report, struct vd_err *err)
{
    struct teller teller = {.socket = socket};
    struct vd_media_watch watch = {tell_planned, tell_progress, &teller};
    double started = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    if (job->decode_only)
        return vd_media_run(job, device, io, &watch, report, err);
    struct hasher input, output;
    struct vd_err ignored;
    if (hasher_start(&input, io->input, err) < 0)
        return -1;
    int ret = vd_media_run(job, device, io, &watch, report, err);
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

static json_t *failed(const struct vd_err *err)
{
    return json_pack("{s:{s:s, s:s, s:s}}", "failed", "code", vd_code_name(err->code), "stage", err->stage, "text",
                     err->text);
}

static json_t *wrong_count(int count)
{
    struct vd_err err;
    vd_fail(&err, VD_DEFECT, "open", "an order came with %d descriptors; report this", count);
    return failed(&err);
}

static json_t *run_job(const struct vd_slot_device *opened, const json_t *order, const int *fds, int count, int socket)
{
    struct vd_err err = {0};
    struct vd_job job;
    json_t *report = NULL;
    bool preview = json_is_true(json_object_get(order, "preview")),
         claim = json_is_true(json_object_get(order, "claim"));
    if (vd_job_from_json(json_object_get(order, "job"), &job, &err) < 0)
        return failed(&err);
    if (count != 1 + !job.decode_only + preview + claim)
        return wrong_count(count);
    struct vd_media_io io = {fds[0], job.decode_only ? -1 : fds[1], preview ? fds[1 + !job.decode_only] : -1};
    if (!opened->device && !job.decode_only)
        return failed(&opened->err);
    if (work(&job, opened->device, &io, socket, &report, &err) == 0)
        return json_pack("{s:o}", "done", report);
    json_decref(report);
    return failed(&err);
}

static json_t *answer_report(int ret, json_t *report, const struct vd_err *err)
{
    return ret == 0 ? json_pack("{s:o}", "done", report) : failed(err);
}

static json_t *run_probe(const struct vd_slot_device *opened, const json_t *order)
{
    struct vd_err err = {0};
    struct vd_media_probe probe = {0};
    struct vd_job job;
    json_t *report = NULL;
    const char *codec = "";
    int deep = 0;
    if (vd_job_from_json(json_object_get(order, "job"), &job, &err) < 0)
        return failed(&err);
    json_unpack(json_object_get(order, "probe"), "{s:i, s:i, s:s, s:b}", "width", &probe.width, "height", &probe.height,
                "codec", &codec, "deep", &deep);
    probe.deep = deep;
    if (probe.width <= 0 || probe.height <= 0 || vd_codec_parse(codec, &probe.codec) < 0) {
        vd_fail(&err, VD_DEFECT, "open", "an order is not understood; report this");
        return failed(&err);
    }
    if (!opened->device)
        return failed(&opened->err);
    int ret = vd_media_probe(&probe, opened->device, &job.limits, &report, &err);
    return answer_report(ret, report, &err);
}

static json_t *run_compare(const json_t *order, const int *fds, int count)
{
    struct vd_err err = {0};
    struct vd_job job;
    json_t *report = NULL;
    if (count != 2)
        return wrong_count(count);
    if (vd_job_from_json(json_object_get(order, "job"), &job, &err) < 0)
        return failed(&err);
    int ret = vd_media_compare(fds[0], fds[1], &job.limits, &report, &err);
    return answer_report(ret, report, &err);
}

static json_t *run_digest(const int *fds, int count, int socket)
{
    struct vd_err err = {0};
    struct hasher hasher;
    struct teller teller = {.socket = socket, .last = {.fraction = -1}};
    if (count != 1)
        return wrong_count(count);
    if (hasher_start(&hasher, fds[0], &err) < 0 || hasher_wait(&hasher, &teller, &err) < 0)
        return failed(&err);
    return json_pack("{s:s}", "digest", hasher.digest);
}

static json_t *run_order(const struct vd_slot_device *opened, const json_t *order, const int *fds, int count)
{
    vd_log_about_all(json_string_value(json_object_get(order, "id")),
                     json_string_value(json_object_get(order, "trace")));
    json_t *answer;
    if (json_object_get(order, "digest"))
        answer = run_digest(fds, count, VD_SLOT_SOCKET);
    else if (json_object_get(order, "compare"))
        answer = run_compare(order, fds, count);
    else if (json_object_get(order, "probe"))
        answer = run_probe(opened, order);
    else
        answer = run_job(opened, order, fds, count, VD_SLOT_SOCKET);
    vd_log_about_all(NULL, NULL);
    return answer;
}

/* The first message: who the parent is, what the log looks like, and what may be used. *anyhow: a driver is loaded though no
 * file is out of its reach. */
static int greet(int socket, struct vd_sandbox *sandbox, char words[64], int *anyhow)
{
    int fds[VD_WIRE_FDS], count, level, json, wipe, warn;
    const char *device = "";
    json_int_t parent, memory;
    json_t *hello = vd_wire_receive(socket, fds, &count);
    int ret = json_unpack(hello, "{s:I, s:I, s:b, s:{s:i, s:b, s:b}, s:s, s:b}", "parent", &parent, "memory", &memory,
                          "warn", &warn, "log", "level", &level, "json", &json, "wipe", &wipe, "device", &device,
                          "without_landlock", anyhow);
    snprintf(words, 64, "%s", device);
    json_decref(hello);
    if (ret < 0)
        return -1;
    vd_log_init(&(struct vd_log_setup){.level = (enum vd_level)level, .json = json, .wipe = wipe});
    *sandbox = (struct vd_sandbox){.parent = (pid_t)parent, .memory_bytes = memory, .warn = warn};
    return 0;
}

bool vd_slot_started(void)
{
    int type = 0;
    return getsockopt(VD_SLOT_SOCKET, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type}) == 0 &&
           type == SOCK_SEQPACKET;
}

/* A driver goes on opening files, so that seccomp lets it, and what bounds them is landlock. */
static struct vd_device *open_device(const struct vd_sandbox *sandbox, bool anyhow, struct vd_err *err)
{
    if (!sandbox->hardware)
        return vd_device_open("cpu", err);
    if (sandbox->bounded || anyhow)
        return vd_device_open(sandbox->words, err);
    vd_fail(
        err, VD_UNAVAILABLE, "open",
        "%s: no landlock here, without which its driver's process could open every file of this user; have it among "
        "the kernel's lsm= and allowed to the container, or set process.without_landlock = yes",
        sandbox->words);
    return NULL;
}

int vd_slot_enter(struct vd_slot_device *opened)
{
    struct vd_sandbox sandbox;
    int anyhow = 0;
    *opened = (struct vd_slot_device){0};
    if (greet(VD_SLOT_SOCKET, &sandbox, opened->words, &anyhow) < 0)
        return -1;
    sandbox.hardware = *opened->words && strcmp(opened->words, "cpu");
    sandbox.words = opened->words;
    if (vd_sandbox_begin(&sandbox) < 0)
        return -1;
    vd_media_log_init();
    opened->device = open_device(&sandbox, anyhow, &opened->err);
    vd_sandbox_end(&sandbox);
    return 0;
}

int vd_slot_main(void)
{
    int fds[VD_WIRE_FDS], count, ret = 0;
    json_t *order;
    struct vd_slot_device opened;
    vd_media_prepare();
    if (vd_slot_enter(&opened) < 0)
        return VD_SLOT_UNSTARTED;
    while (ret == 0 && (order = vd_wire_receive(VD_SLOT_SOCKET, fds, &count))) {
        json_t *answer = run_order(&opened, order, fds, count);
        json_decref(order);
        ret = answer ? vd_wire_send(VD_SLOT_SOCKET, answer, NULL, 0) : -1;
        for (int i = 0; i < count; i++)
            close(fds[i]); /* the claim too: held until the parent can know */
    }
    vd_device_close(opened.device);
    return ret < 0 ? vd_code_exit(VD_DEFECT) : 0;
}
