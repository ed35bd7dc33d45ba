/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A watch on a thread of its own, folders for it, and a broker that is only played (linked with --wrap). The monotonic
 * clock can be put forward, and inotify taken away.
 */
#ifndef TESTS_UNIT_WATCHED_H
#define TESTS_UNIT_WATCHED_H

#include "capture.h"

#include "vidriera/archive.h"
#include "vidriera/job.h"
#include "vidriera/result.h"
#include "vidriera/state.h"
#include "vidriera/store.h"
#include "vidriera/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

enum { PATIENCE_MS = 30000, SENT_MAX = 512 };

/* The broker. Written by the watch's thread, read by the test's. */
static struct {
    pthread_mutex_t lock;
    char *jobs[SENT_MAX], *texts[SENT_MAX];
    int count, answered;
    bool silent, refusing, unwilling; /* it answers nothing, no, and does not even listen */
    vd_sent_fn *sent;
    void *opaque;
} broker = {.lock = PTHREAD_MUTEX_INITIALIZER};

int __wrap_vd_sender_open(struct vd_sender **sender, const struct vd_bus_setup *setup, int timeout_ms, vd_sent_fn *sent,
                          void *opaque, struct vd_err *err);
int __wrap_vd_sender_send(struct vd_sender *sender, const char *job, const char *text, const char *traceparent,
                          struct vd_err *err);
int __wrap_vd_sender_poll(struct vd_sender *sender, int timeout_ms);
void __wrap_vd_sender_close(struct vd_sender *sender);

int __wrap_vd_sender_open(struct vd_sender **sender, const struct vd_bus_setup *setup, int timeout_ms, vd_sent_fn *sent,
                          void *opaque, struct vd_err *err)
{
    (void)setup, (void)timeout_ms, (void)err;
    broker.sent = sent;
    broker.opaque = opaque;
    *sender = (struct vd_sender *)&broker;
    return 0;
}

int __wrap_vd_sender_send(struct vd_sender *sender, const char *job, const char *text, const char *traceparent,
                          struct vd_err *err)
{
    (void)sender, (void)traceparent;
    pthread_mutex_lock(&broker.lock);
    bool room = broker.count < SENT_MAX, unwilling = broker.unwilling;
    room = room && !unwilling;
    if (room) {
        broker.jobs[broker.count] = strdup(job);
        broker.texts[broker.count++] = strdup(text);
    }
    pthread_mutex_unlock(&broker.lock);
    if (unwilling)
        return vd_fail(err, VD_CONFIG, "kafka", "there is no topic; make it");
    return room ? 0 : vd_fail(err, VD_AGAIN, "kafka", "the queue is full; try again later");
}

int __wrap_vd_sender_poll(struct vd_sender *sender, int timeout_ms)
{
    (void)sender, (void)timeout_ms;
    pthread_mutex_lock(&broker.lock);
    int from = broker.answered, to = broker.silent ? from : broker.count;
    bool refusing = broker.refusing;
    broker.answered = to;
    int left = broker.count - to;
    pthread_mutex_unlock(&broker.lock);
    for (int i = from; i < to; i++)
        broker.sent(broker.opaque, broker.jobs[i], !refusing, refusing ? "timed out" : NULL);
    return left;
}

void __wrap_vd_sender_close(struct vd_sender *sender)
{
    (void)sender;
}

static inline int sent_count(void)
{
    pthread_mutex_lock(&broker.lock);
    int count = broker.count;
    pthread_mutex_unlock(&broker.lock);
    return count;
}

static inline void set_broker(bool silent, bool refusing, bool unwilling)
{
    pthread_mutex_lock(&broker.lock);
    broker.silent = silent;
    broker.refusing = refusing;
    broker.unwilling = unwilling;
    pthread_mutex_unlock(&broker.lock);
}

/* The clock, and inotify where it does not work. */
static atomic_llong ahead_s;
static atomic_bool digesting;
static bool no_inotify, no_watches;

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);
int __real_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask);
int __real_vd_digest_fd(int fd, struct vd_digest_watch *watch, char *out, struct vd_err *err);
int __wrap_vd_digest_fd(int fd, struct vd_digest_watch *watch, char *out, struct vd_err *err);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int ret = __real_clock_gettime(clock, now);
    if (clock == CLOCK_MONOTONIC)
        now->tv_sec += atomic_load(&ahead_s);
    return ret;
}

int __wrap_inotify_init1(int flags)
{
    errno = ENOSYS;
    return no_inotify ? -1 : __real_inotify_init1(flags);
}

int __wrap_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    errno = ENOSPC;
    return no_watches ? -1 : __real_inotify_add_watch(fd, path, mask);
}

int __wrap_vd_digest_fd(int fd, struct vd_digest_watch *watch, char *out, struct vd_err *err)
{
    atomic_store(&digesting, true);
    return __real_vd_digest_fd(fd, watch, out, err);
}

/* The appliance's folders, the watch, and what it says. */
static char data[32];
static struct vd_roots roots;
static struct vd_bus_setup bus;
static struct vd_job job;
static struct vd_watch_setup setup;
static struct vd_watch_state watch;
static struct vd_err ended;
static int ret;
static pthread_t thread;
static struct capture said;
static char words[65536];

static inline int make(void **state)
{
    struct vd_err err = {0};
    (void)state;
    folder_make(data);
    assert_int_equal(vd_roots_open(&roots, data, NULL, (const char *const[VD_ROOTS]){NULL}, &err), 0);
    vd_job_defaults(&job);
    setup = (struct vd_watch_setup){.roots = &roots, .bus = &bus, .recipe = &job.recipe, .quiet_s = 1, .rescan_s = 600};
    set_broker(false, false, false);
    no_inotify = no_watches = false;
    atomic_store(&digesting, false);
    atomic_store(&ahead_s, 0);
    return 0;
}

static inline int drop(void **state)
{
    (void)state;
    vd_roots_close(&roots);
    folder_drop(data);
    for (int i = 0; i < broker.count; i++) {
        free(broker.jobs[i]);
        free(broker.texts[i]);
    }
    broker.count = broker.answered = 0;
    return 0;
}

static void *run(void *opaque)
{
    (void)opaque;
    ended = (struct vd_err){0};
    ret = vd_watch_run(&setup, &watch, &ended);
    return NULL;
}

static inline void start(void)
{
    struct vd_err err;
    capture_begin(&said, STDERR_FILENO);
    assert_int_equal(vd_watch_state_init(&watch, &err), 0);
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

static inline void wake(void)
{
    uint64_t one = 1;
    assert_int_equal(write(watch.wake, &one, sizeof one), sizeof one);
}

/* Its words are in `words` then. */
static inline void join(void)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
    vd_watch_state_finish(&watch);
    capture_end(&said, words, sizeof words);
}

static inline void stop(void)
{
    atomic_store(&watch.stop, true);
    wake();
    join();
    assert_int_equal(ret, 0);
}

static inline void breathe(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static inline double seconds(void)
{
    struct timespec now;
    __real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void give_up(const char *condition)
{
    capture_end(&said, words, sizeof words);
    print_error("never: %s; said:\n%s", condition, words);
    _exit(1); /* the watch is still at work */
}

#define WAIT_FOR(condition)                                                                                            \
    do {                                                                                                               \
        double until_ = seconds() + PATIENCE_MS / 1000.0;                                                              \
        while (!(condition) && seconds() < until_)                                                                     \
            breathe();                                                                                                 \
        if (!(condition))                                                                                              \
            give_up(#condition);                                                                                       \
    } while (0)

static inline const char *in_data(const char *path)
{
    static char paths[4][5000];
    static int turn;
    char *full = paths[turn = (turn + 1) % 4];
    snprintf(full, sizeof paths[0], "%s/%s", data, path);
    return full;
}

static inline void folder(const char *path)
{
    assert_int_equal(mkdir(in_data(path), 0777), 0);
}

static inline void put(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(in_data(path), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static inline void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

/* The least that counts as a whole MP4, with bytes of its own in it. */
static inline void put_clip(const char *path)
{
    uint8_t bytes[8 + 64 + 8] = {0, 0, 0, 72, 'm', 'd', 'a', 't', [72] = 0, 0, 0, 8, 'm', 'o', 'o', 'v'};
    memcpy(bytes + 8, path, strnlen(path, 64));
    put(path, bytes, sizeof bytes);
}

/* As the worker reads it. To be finished by the caller. */
static inline struct vd_order *order(int i)
{
    static struct vd_order read;
    struct vd_err err = {0};
    pthread_mutex_lock(&broker.lock);
    assert_true(i < broker.count);
    if (vd_order_parse(&read, broker.texts[i], strlen(broker.texts[i]), NULL, 0, &job.recipe, &err) < 0)
        fail_msg("%s: %s", broker.texts[i], err.text);
    assert_string_equal(read.id, broker.jobs[i]);
    assert_string_equal(read.root, "recordings");
    pthread_mutex_unlock(&broker.lock);
    return &read;
}

static inline int sent_of(const char *path)
{
    int times = 0, count = sent_count();
    for (int i = 0; i < count; i++) {
        struct vd_order *read = order(i);
        times += !strcmp(read->path, path);
        vd_order_finish(read);
    }
    return times;
}

/* As the worker leaves it at a job's end. */
static inline void finish_job(const char *id, const char *path)
{
    struct stat st;
    struct vd_err err = {0};
    char full[5000];
    struct vd_outcome outcome = {
        .job = id, .input_root = "recordings", .input_path = path, .effect = &job.recipe.effect};
    snprintf(full, sizeof full, "%s/recordings/%s", data, path);
    assert_int_equal(stat(full, &st), 0);
    struct vd_replay replay = {.cluster = "c",
                               .topic = "vidriera.jobs",
                               .dev = st.st_dev,
                               .inode = st.st_ino,
                               .bytes = st.st_size,
                               .mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec};
    json_t *document = vd_result_make(&outcome);
    assert_non_null(document);
    assert_int_equal(vd_replay_put(document, &replay), 0);
    assert_int_equal(vd_done_write(&roots, document, &err), 0);
    json_decref(document);
}

static inline void finish_all(int from)
{
    int count = sent_count();
    for (int i = from; i < count; i++) {
        struct vd_order *read = order(i);
        finish_job(read->id, read->path);
        vd_order_finish(read);
    }
    wake();
}

static inline int times(const char *word)
{
    int count = 0;
    for (const char *at = words; (at = strstr(at, word)); at++)
        count++;
    return count;
}

static inline void assert_said(const char *word, int expected)
{
    if (times(word) != expected)
        fail_msg("\"%s\" is said %d times, not %d, in:\n%s", word, times(word), expected, words);
}

/* Until it says so. */
static inline bool says(const char *word)
{
    ssize_t got = pread(said.file, words, sizeof words - 1, 0);
    words[got > 0 ? got : 0] = '\0';
    return strstr(words, word) != NULL;
}

#endif
