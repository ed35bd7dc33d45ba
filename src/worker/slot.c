/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parent's side of a slot. What the child says is checked like any input: it has read a hostile file. */
#include "vidriera/slot.h"

#include "slot_child.h"
#include "wire.h"

#include "vidriera/environment.h"
#include "vidriera/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LEAVE_MS = 10000 };

/* What every slot gets of our environment, by how it begins; one with a device gets what drivers read as well. A libav*
 * that lies elsewhere must be the same here and there. */
static const char *const kept[] = {
    "LD_LIBRARY_PATH=", "VD_CPU=",
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    "ASAN_OPTIONS=",    "LSAN_OPTIONS=", "TSAN_OPTIONS=", "UBSAN_OPTIONS=",
#endif
};

enum { KEPT = sizeof kept / sizeof *kept, CACHES = VD_ENVIRONMENT_CACHES, VARIABLES = 64 };

static const char *program = "/proc/self/exe";

void vd_slot_program(const char *path)
{
    program = path;
}

struct environment {
    char *entry[VARIABLES + 1];
    char cache[CACHES][PATH_MAX + 32];
};

static bool is_kept(const char *entry, bool drivers)
{
    for (int i = 0; i < KEPT; i++)
        if (!strncmp(entry, kept[i], strlen(kept[i])))
            return true;
    return drivers && vd_environment_for_drivers(entry);
}

static void scrub_environment(struct environment *scrubbed, const struct vd_slot_setup *setup)
{
    const bool drivers = setup->device && *setup->device && strcmp(setup->device, "cpu") != 0;
    char cache[PATH_MAX];
    const bool kept_there = drivers && setup->cache && vd_environment_cache_folder(setup->cache, cache);
    int count = 0;
    if (drivers && !getenv("CUDA_DEVICE_ORDER")) /* numbers as the nodes have them, not the fastest first */
        scrubbed->entry[count++] = (char *)"CUDA_DEVICE_ORDER=PCI_BUS_ID";
    for (int i = 0; kept_there && i < CACHES; i++)
        if (!getenv(vd_environment_caches[i])) {
            snprintf(scrubbed->cache[i], sizeof scrubbed->cache[i], "%s=%s", vd_environment_caches[i], cache);
            scrubbed->entry[count++] = scrubbed->cache[i];
        }
    for (char **entry = environ; entry && *entry && count < VARIABLES; entry++)
        if (is_kept(*entry, drivers))
            scrubbed->entry[count++] = *entry;
    scrubbed->entry[count] = NULL;
}

/* Between fork and exec, where other threads' locks may be held for ever: system calls only. In a session of its own it has
 * no terminal: it can only write to the one that its standard error may be, and what is typed there signals the parent. */
static _Noreturn void become_slot(int socket, char *const environment[])
{
    char *const argv[] = {"vidriera", "slot", NULL};
    setsid();
    if (socket == VD_SLOT_SOCKET ? fcntl(socket, F_SETFD, 0) < 0 : dup2(socket, VD_SLOT_SOCKET) < 0)
        _exit(VD_SLOT_UNSTARTED);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        close_range(VD_SLOT_SOCKET + 1, ~0U, 0) < 0)
        _exit(VD_SLOT_UNSTARTED);
    execve(program, argv, environment);
    _exit(VD_SLOT_UNSTARTED);
}

/* fork and exec, not posix_spawn: that waits for the exec, and nothing may hold the parent. No signal reaches the child
 * before it is ready for it. */
static pid_t start(int socket, const struct vd_slot_setup *setup)
{
    sigset_t all, before;
    struct environment environment;
    scrub_environment(&environment, setup);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become_slot(socket, environment.entry);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

/* The slot's first message. What its sandbox lacks is the same for each: the first one says it. */
static void greet(const struct vd_slot *slot, const struct vd_slot_setup *setup)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    const struct vd_log_setup log = vd_log_get();
    json_t *hello = json_pack("{s:I, s:I, s:b, s:{s:i, s:b, s:b}, s:s, s:b}", "parent", (json_int_t)getpid(), "memory",
                              (json_int_t)setup->limits->memory_bytes, "warn", !atomic_flag_test_and_set(&said), "log",
                              "level", (int)log.level, "json", log.json, "wipe", log.wipe, "device",
                              setup->device ? setup->device : "", "without_landlock", setup->limits->without_landlock);
    /* when it is gone already, the next message says so */
    if (!hello || vd_wire_send(slot->socket, hello, NULL, 0) < 0)
        kill(slot->pid, SIGKILL);
}

int vd_slot_start(struct vd_slot *slot, const struct vd_slot_setup *setup, struct vd_err *err)
{
    int ends[2];
    *slot = VD_SLOT_NONE;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return vd_fail(err, VD_AGAIN, "open", "no socket for the media process: %s; try again later", strerror(errno));
    pid_t pid = start(ends[1], setup);
    close(ends[1]);
    if (pid < 0) {
        vd_fail(err, VD_AGAIN, "open", "no media process: %s; try again later", strerror(errno));
        close(ends[0]);
        return -1;
    }
    *slot = (struct vd_slot){pid, ends[0]};
    greet(slot, setup);
    return 0;
}

int vd_slot_send(struct vd_slot *slot, const struct vd_slot_order *order)
{
    int fds[VD_WIRE_FDS], count = 0;
    bool preview = order->io.preview >= 0, claim = order->claim >= 0;
    fds[count++] = order->io.input;
    if (!order->job->decode_only)
        fds[count++] = order->io.output;
    if (preview)
        fds[count++] = order->io.preview;
    if (claim)
        fds[count++] = order->claim;
    json_t *object = json_pack("{s:o, s:b, s:b, s:s*, s:s*}", "job", vd_job_to_json(order->job), "preview", preview,
                               "claim", claim, "id", order->id, "trace", order->trace);
    return object ? vd_wire_send(slot->socket, object, fds, count) : -1;
}

/* The limits travel in a job. */
static json_t *job_of(const struct vd_limits *limits)
{
    struct vd_job job;
    vd_job_defaults(&job);
    job.limits = *limits;
    return vd_job_to_json(&job);
}

int vd_slot_probe(struct vd_slot *slot, const struct vd_media_probe *probe, const struct vd_limits *limits)
{
    json_t *object = json_pack("{s:{s:i, s:i, s:s, s:b}, s:o}", "probe", "width", probe->width, "height", probe->height,
                               "codec", vd_codec_name(probe->codec), "deep", probe->deep, "job", job_of(limits));
    return object ? vd_wire_send(slot->socket, object, NULL, 0) : -1;
}

int vd_slot_compare(struct vd_slot *slot, int a, int b, const struct vd_limits *limits)
{
    json_t *object = json_pack("{s:b, s:o}", "compare", 1, "job", job_of(limits));
    return object ? vd_wire_send(slot->socket, object, (const int[]){a, b}, 2) : -1;
}

int vd_slot_digest(struct vd_slot *slot, int input)
{
    json_t *object = json_pack("{s:b}", "digest", 1);
    return object ? vd_wire_send(slot->socket, object, &input, 1) : -1;
}

static void read_failed(const json_t *failed, struct vd_err *err)
{
    const char *code = "", *stage = "", *text = "";
    enum vd_code known;
    json_unpack((json_t *)failed, "{s:s, s:s, s:s}", "code", &code, "stage", &stage, "text", &text);
    vd_fail(err, vd_code_parse(code, &known) < 0 || known == VD_OK ? VD_DEFECT : known, stage, "%s", text);
}

/* It becomes the end of a file's name. */
static bool read_planned(const json_t *planned, struct vd_slot_message *message)
{
    const char *container = json_string_value(json_object_get(planned, "container"));
    size_t size = container ? strlen(container) : 0;
    if (size == 0 || size >= sizeof message->container ||
        strspn(container, "abcdefghijklmnopqrstuvwxyz0123456789") != size)
        return false;
    strcpy(message->container, container);
    return true;
}

static bool read_progress(const json_t *progress, struct vd_media_progress *to)
{
    json_int_t frames, work;
    if (json_unpack((json_t *)progress, "{s:F, s:I, s:F, s:I}", "fraction", &to->fraction, "frames", &frames,
                    "position_s", &to->position_s, "work", &work) < 0)
        return false;
    to->fraction = fmin(to->fraction, 1);
    to->frames = frames;
    to->work = work;
    return frames >= 0;
}

static bool read_digest(const json_t *digest, struct vd_slot_message *message)
{
    static const char name[] = "xxh3-128:";
    const char *text = json_string_value(digest);
    size_t size = sizeof name - 1 + 32;
    if (!text || strlen(text) != size || strncmp(text, name, sizeof name - 1) ||
        strspn(text + sizeof name - 1, "0123456789abcdef") != 32)
        return false;
    memcpy(message->digest, text, size + 1);
    return true;
}

/* False when it is none of the messages that a child sends. */
static bool read_message(const json_t *object, struct vd_slot_message *message)
{
    const json_t *planned = json_object_get(object, "planned"), *progress = json_object_get(object, "progress");
    const json_t *digest = json_object_get(object, "digest"), *failed = json_object_get(object, "failed");
    json_t *done = json_object_get(object, "done");
    if (planned) {
        message->event = VD_SLOT_PLANNED;
        return read_planned(planned, message);
    }
    if (progress) {
        message->event = VD_SLOT_PROGRESS;
        return read_progress(progress, &message->progress);
    }
    if (digest) {
        message->event = VD_SLOT_DIGEST;
        return read_digest(digest, message);
    }
    if (json_is_object(done)) {
        message->event = VD_SLOT_DONE;
        message->report = json_incref(done);
        return true;
    }
    message->event = VD_SLOT_FAILED;
    read_failed(failed, &message->err);
    return json_is_object(failed);
}

static void reap(struct vd_slot *slot, struct vd_slot_message *message)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(slot->pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (message) {
        message->event = VD_SLOT_DIED;
        message->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        message->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    }
    close(slot->socket);
    *slot = VD_SLOT_NONE;
}

void vd_slot_receive(struct vd_slot *slot, struct vd_slot_message *message)
{
    int fds[VD_WIRE_FDS], count;
    *message = (struct vd_slot_message){0};
    json_t *object = vd_wire_receive(slot->socket, fds, &count);
    for (int i = 0; i < count; i++)
        close(fds[i]);
    if (!object || !read_message(object, message)) {
        kill(slot->pid, SIGKILL); /* gone already, or not itself any more */
        reap(slot, message);
    }
    json_decref(object);
}

int vd_slot_finish(struct vd_slot *slot)
{
    struct vd_slot_message end;
    if (slot->pid <= 0)
        return 0;
    struct pollfd child = {.fd = pidfd_open(slot->pid, 0), .events = POLLIN};
    shutdown(slot->socket, SHUT_WR);
    if (child.fd < 0 || poll(&child, 1, LEAVE_MS) <= 0)
        kill(slot->pid, SIGKILL);
    if (child.fd >= 0)
        close(child.fd);
    reap(slot, &end);
    return end.signal || end.status ? -1 : 0;
}

void vd_slot_stop(struct vd_slot *slot)
{
    if (slot->pid <= 0)
        return;
    kill(slot->pid, SIGKILL);
    reap(slot, NULL);
}
