/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker counts, and what it says of itself: the real supervisor with real slots and the embedded broker. */
#include "capture.h"

#include "supervisor_inner.h"
#include "watch_show.h"

#include "vidriera/embedded.h"
#include "vidriera/log.h"
#include "vidriera/metrics.h"
#include "vidriera/sender.h"
#include "vidriera/slot.h"
#include "vidriera/supervisor.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

static char data[32];
static struct vd_roots roots = VD_ROOTS_NONE;
static struct vd_supervisor_setup setup;
static char seen[2000]; /* by the looker: why it was not ready, last */
static atomic_bool was_ready, look_no_more;

static void at(char path[600], const char *name)
{
    snprintf(path, 600, "%s/recordings/%s", data, name);
}

static void put_file(const char *name, const void *bytes, size_t size)
{
    char path[600];
    at(path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* False: the clips are not here. */
static bool put_clip(const char *name)
{
    static char bytes[2000000];
    FILE *clip = fopen(VD_CLIPS_FOLDER "/carphone_pristine.mp4", "r");
    if (!clip)
        return false;
    size_t size = fread(bytes, 1, sizeof bytes, clip);
    fclose(clip);
    put_file(name, bytes, size);
    return true;
}

static int prepare(void **state)
{
    static const char *const moved[VD_ROOTS] = {NULL};
    struct vd_err err = {0};
    const struct vd_board_setup board = {.kind = "worker", .worker = "w", .slots = 1, .patience_s = 60};
    (void)state;
    vd_log_init(&(struct vd_log_setup){.level = -1});
    for (int i = 0; i < VD_METRICS; i++)
        vd_metric_clear((enum vd_metric)i);
    folder_make(data);
    if (vd_roots_open(&roots, data, NULL, moved, &err) < 0)
        fail_msg("%s", err.text);
    setup = (struct vd_supervisor_setup){
        .roots = &roots,
        .device = "cpu",
        .worker = "w",
        .slots = 1,
        .slot_jobs = 100,
        .attempts = 1,
        .drain_s = 5,
        .archive = true,
        .wait_s = -1,
        .board = vd_board_create(&board),
    };
    vd_job_defaults(&setup.job);
    assert_non_null(setup.board);
    was_ready = look_no_more = false;
    return 0;
}

static int clean_up(void **state)
{
    char command[64];
    (void)state;
    vd_board_destroy(setup.board);
    vd_roots_close(&roots);
    snprintf(command, sizeof command, "rm -rf %s", data);
    return system(command);
}

static void *look(void *opaque)
{
    char words[sizeof seen];
    uint64_t version = 0;
    (void)opaque;
    while (!look_no_more) {
        if (vd_board_ready(setup.board, words, sizeof words))
            was_ready = true;
        version = vd_board_await(setup.board, version, 100);
    }
    return NULL;
}

static void sent(void *opaque, const char *job, bool acknowledged, const char *why_not)
{
    (void)opaque;
    if (!acknowledged)
        fail_msg("%s: %s", job, why_not);
}

static void send_order(const struct vd_bus_setup *bus, const char *job, const char *path)
{
    struct vd_sender *sender;
    struct vd_err err = {0};
    char text[200];
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"input\":{\"path\":\"%s\"}}", job, path);
    assert_int_equal(vd_sender_open(&sender, bus, 10000, sent, NULL, &err), 0);
    assert_int_equal(vd_sender_send(sender, job, text, "", &err), 0);
    while (vd_sender_poll(sender, 100) > 0)
        ;
    vd_sender_close(sender);
}

static void run(struct vd_supervisor_end *end)
{
    struct vd_err err = {0};
    if (vd_supervisor_run(&setup, NULL, NULL, end, &err) < 0)
        fail_msg("%s", err.text);
}

/* The value of a series; -1: there is none. */
static double value_of(const char *series)
{
    char *text = vd_metrics_text(), wanted[200];
    double value = -1;
    assert_non_null(text);
    snprintf(wanted, sizeof wanted, "\n%s ", series);
    const char *found = strstr(text, wanted);
    if (found)
        value = strtod(found + strlen(wanted), NULL);
    free(text);
    return value;
}

static void is(const char *series, double wanted)
{
    double value = value_of(series);
    if (value != wanted)
        fail_msg("%s is %g, not %g", series, value, wanted);
}

static void counts(void **state)
{
    struct vd_embedded *embedded;
    struct vd_supervisor_end end;
    struct vd_err err = {0};
    pthread_t looker;
    (void)state;
    bool clip = put_clip("good.mp4");
    put_file("bad.mp4", "no recording at all", 19);
    assert_int_equal(vd_embedded_open(&embedded, &err), 0);
    const struct vd_pair pair = {"bootstrap.servers", vd_embedded_address(embedded)};
    setup.bus = (struct vd_bus_setup){.kafka = &pair, .count = 1, .embedded = true, .source = "w"};
    send_order(&setup.bus, "bad", "bad.mp4");
    send_order(&setup.bus, "missing", "missing.mp4");
    setup.max_jobs = 2;
    if (clip) {
        send_order(&setup.bus, "good", "good.mp4");
        setup.max_jobs = 3;
    }
    assert_int_equal(pthread_create(&looker, NULL, look, NULL), 0);
    run(&end);
    look_no_more = true;
    pthread_join(looker, NULL);
    vd_embedded_close(embedded);

    is("vidriera_jobs_total{result=\"failed\",backend=\"cpu\"}", 1);
    is("vidriera_jobs_total{result=\"rejected\",backend=\"none\"}", 1);
    is("vidriera_job_duration_seconds_count{result=\"failed\"}", 1);
    is("vidriera_job_duration_seconds_count{result=\"rejected\"}", -1);
    is("vidriera_dead_letters_total", 2);
    is("vidriera_duplicates_total", 0);
    is("vidriera_fallbacks_total{backend=\"cpu\"}", 0);
    is("vidriera_jobs_total{result=\"cancelled\",backend=\"cpu\"}", 0);
    is("vidriera_jobs_total{result=\"failed\",backend=\"none\"}", 0);
    is("vidriera_slots", 1);
    is("vidriera_slot_deaths_total{how=\"stall\"}", 0);
    is("vidriera_backend_info{backend=\"cpu\",reason=\"\"}", 1);
    is("vidriera_build_info{version=\"" VD_VERSION "\"}", 1);
    is("vidriera_kafka_up", 1);
    is("vidriera_ready{what=\"kafka\"}", 1);
    is("vidriera_ready{what=\"folders\"}", 1);
    is("vidriera_ready{what=\"device\"}", 1);
    is("vidriera_ready{what=\"running\"}", 0); /* no more */
    is("vidriera_unarchived", 0);
    assert_true(value_of("vidriera_rebalances_total") >= 1);
    for (int i = 0; i < VD_ROOTS; i++) {
        char series[100];
        snprintf(series, sizeof series, "vidriera_disk_free_bytes{root=\"%s\"}", vd_root_name((enum vd_root)i));
        assert_true(value_of(series) > 0);
    }
    assert_true(value_of("vidriera_disk_free_bytes{root=\"state\"}") > 0);
    assert_true(was_ready);
    assert_false(vd_board_ready(setup.board, seen, sizeof seen));
    if (!clip)
        skip();
    is("vidriera_jobs_total{result=\"completed\",backend=\"cpu\"}", 1);
    is("vidriera_job_duration_seconds_count{result=\"completed\"}", 1);
    assert_true(value_of("vidriera_job_duration_seconds_sum{result=\"completed\"}") > 0);
    is("vidriera_frames_total{backend=\"cpu\"}", 120);
    assert_true(value_of("vidriera_job_speed_ratio{backend=\"cpu\"}") > 0);
}

static void shows_device(const char *name, const char *reason)
{
    json_t *look = vd_board_look(setup.board, 0, true);
    const json_t *device = json_object_get(look, "device");
    assert_string_equal(json_string_value(json_object_get(device, "name")), name);
    assert_string_equal(json_string_value(json_object_get(device, "reason")), reason);
    json_decref(look);
}

/* Whoever asks is told the device, and no path of this machine. */
static void hides_paths(void **state)
{
    struct vd_supervisor sup = {.setup = {.board = setup.board}};
    const struct vd_choice choice = {.words = "cpu",
                                     .reason = "vaapi:/dev/dri/renderD128: /opt/secret/drivers/x.so cannot be opened"};
    (void)state;
    vd_show_device(&sup, &choice);
    is("vidriera_backend_info{backend=\"cpu\",reason=\"vaapi:renderD128: a path of this machine\"}", 1);
    char *text = vd_metrics_text();
    assert_null(strstr(text, "secret"));
    free(text);
    shows_device("cpu", "vaapi:renderD128: a path of this machine");
    const struct vd_choice other = {
        .words = "vaapi-opencl:/dev/dri/renderD129",
        .reason = "vaapi-opencl: /dev/dri: no render node; cuda: /dev/nvidia0: no such node"};
    vd_show_device(&sup, &other);
    shows_device("vaapi-opencl:renderD129", "vaapi-opencl: no render node; cuda: no such node");
}

/* A watch that has sent nothing yet asks whoever reads the news. */
static void a_watch_without_a_broker(void **state)
{
    const struct vd_pair pair = {"bootstrap.servers", "127.0.0.1:1"};
    const struct vd_bus_setup bus = {.kafka = &pair, .count = 1, .source = "w"};
    struct vd_watch_setup watch = {.alone = true, .board = setup.board};
    struct vd_watch_out out = {.setup = &watch};
    struct vd_news *news;
    struct vd_err err = {0};
    (void)state;
    vd_watch_show(&watch, &out, NULL);
    is("vidriera_kafka_up", 1);
    assert_true(vd_board_ready(setup.board, seen, sizeof seen));
    if (vd_news_start(&news, &bus, NULL, setup.board, &err) < 0)
        fail_msg("%s", err.text);
    watch.news = news;
    vd_watch_show(&watch, &out, NULL);
    is("vidriera_kafka_up", 0);
    is("vidriera_ready{what=\"kafka\"}", 0);
    assert_false(vd_board_ready(setup.board, seen, sizeof seen));
    assert_string_equal(seen, "kafka: no broker answers; orders wait for one");
    vd_news_stop(news);
}

/* Until both are told, then it is ended. */
static void *await_words(void *opaque)
{
    uint64_t version = 0;
    (void)opaque;
    for (int i = 0; i < 600; i++) {
        vd_board_ready(setup.board, seen, sizeof seen);
        if (strstr(seen, "no broker answers") && strstr(seen, "MB must be"))
            break;
        version = vd_board_await(setup.board, version, 100);
    }
    kill(getpid(), SIGTERM);
    return NULL;
}

static void says_why_not(void **state)
{
    const struct vd_pair pair = {"bootstrap.servers", "127.0.0.1:1"};
    struct vd_supervisor_end end;
    pthread_t waiter;
    sigset_t ending;
    (void)state;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, NULL); /* as every thread has it */
    setup.bus = (struct vd_bus_setup){.kafka = &pair, .count = 1, .source = "w"};
    setup.reserve_bytes = INT64_MAX / 2;
    assert_int_equal(pthread_create(&waiter, NULL, await_words, NULL), 0);
    run(&end);
    pthread_join(waiter, NULL);
    assert_non_null(
        strstr(seen, "kafka: no broker answers; everything is kept and tried again, and the log tells why"));
    assert_non_null(strstr(seen, "folders: processed: "));
    assert_null(strstr(seen, data)); /* anybody may read it */
    assert_null(strstr(seen, "127.0.0.1"));
    is("vidriera_kafka_up", 0);
    is("vidriera_ready{what=\"kafka\"}", 0);
    is("vidriera_ready{what=\"folders\"}", 0);
    is("vidriera_ready{what=\"device\"}", 1);
}

/* --- a folder that does not answer, as an NFS mount whose server is gone */

static atomic_bool hangs;

int __real_fstatvfs(int fd, struct statvfs *fs);
int __wrap_fstatvfs(int fd, struct statvfs *fs);

int __wrap_fstatvfs(int fd, struct statvfs *fs)
{
    while (hangs)
        pause();
    return __real_fstatvfs(fd, fs);
}

/* Tells, by a byte, that the worker is ready to be ended, and that it ends. */
static void *tell_parent(void *opaque)
{
    static const char *const awaited[] = {"no broker", "running: ending"};
    int to = *(int *)opaque;
    uint64_t version = 0;
    for (size_t i = 0; i < 2;) {
        vd_board_ready(setup.board, seen, sizeof seen);
        if (strstr(seen, awaited[i]) && write(to, "x", 1) == 1)
            i++;
        else
            version = vd_board_await(setup.board, version, 100);
    }
    return NULL;
}

/* A worker in a process of its own, whose janitor hangs. */
static pid_t start_hanging(int *heard)
{
    static const struct vd_pair pair = {"bootstrap.servers", "127.0.0.1:1"};
    struct vd_supervisor_end end = {0};
    sigset_t ending;
    pthread_t teller;
    int both[2];
    assert_int_equal(pipe(both), 0);
    *heard = both[0];
    pid_t pid = fork();
    if (pid != 0) {
        close(both[1]);
        return pid;
    }
    hangs = true;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ending, NULL);
    setup.bus = (struct vd_bus_setup){.kafka = &pair, .count = 1, .source = "w"};
    assert_int_equal(pthread_create(&teller, NULL, tell_parent, &both[1]), 0);
    run(&end);
    _exit(end.hangs ? 0 : 1);
}

static void hear(int from)
{
    char byte;
    struct pollfd one = {.fd = from, .events = POLLIN};
    assert_int_equal(poll(&one, 1, 120000), 1);
    assert_int_equal(read(from, &byte, 1), 1);
}

/* Its status; it is ended if it does not end. */
static int await_end(pid_t pid)
{
    int status = 0;
    for (int i = 0; i < 1200; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        poll(NULL, 0, 100);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return status;
}

/* The end is not put off by it, and who does not want to wait for that sends a second signal. */
static void ends_though_a_folder_hangs(void **state)
{
    (void)state;
    for (int twice = 0; twice < 2; twice++) {
        int heard;
        pid_t pid = start_hanging(&heard);
        hear(heard);
        assert_int_equal(kill(pid, SIGTERM), 0);
        if (twice) {
            hear(heard);
            assert_int_equal(kill(pid, SIGTERM), 0);
        }
        int status = await_end(pid);
        close(heard);
        if (twice ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM : status != 0)
            fail_msg("%d signals: %x", twice + 1, (unsigned)status);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ends_though_a_folder_hangs, prepare, clean_up), /* forks: before any thread */
        cmocka_unit_test_setup_teardown(counts, prepare, clean_up),
        cmocka_unit_test_setup_teardown(hides_paths, prepare, clean_up),
        cmocka_unit_test_setup_teardown(a_watch_without_a_broker, prepare, clean_up),
        cmocka_unit_test_setup_teardown(says_why_not, prepare, clean_up),
    };
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return vd_slot_main();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
