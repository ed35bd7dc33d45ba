/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parent's side of a slot against real ones (this program, started as one), and against ones that lie. */
#include "capture.h"

#include "slot_child.h"

#include "vidriera/slot.h"
#include "vidriera/store.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct vd_job job;
static struct vd_slot slot;
static struct vd_slot_message message;

static int prepare(void **state)
{
    (void)state;
    vd_job_defaults(&job);
    slot = VD_SLOT_NONE;
    return 0;
}

static int stop(void **state)
{
    (void)state;
    vd_slot_stop(&slot);
    vd_slot_program("/proc/self/exe");
    return 0;
}

static void start(void)
{
    struct vd_err err = {0};
    assert_int_equal(vd_slot_start(&slot, &(struct vd_slot_setup){.limits = &job.limits}, &err), 0);
}

/* The next message that is no progress. */
static enum vd_slot_event next(void)
{
    do
        vd_slot_receive(&slot, &message);
    while (message.event == VD_SLOT_PROGRESS);
    return message.event;
}

static int file_with(const char *text)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    return fd;
}

static void assert_digests(const char *text)
{
    char wanted[VD_DIGEST_TEXT];
    struct vd_digest_watch watch = {0};
    int fd = file_with(text);
    assert_int_equal(vd_digest_fd(fd, &watch, wanted, NULL), 0);
    assert_int_equal(vd_slot_digest(&slot, fd), 0);
    close(fd);
    assert_int_equal(next(), VD_SLOT_DIGEST);
    assert_string_equal(message.digest, wanted);
}

static void digests(void **state)
{
    (void)state;
    start();
    assert_digests("");
    assert_digests("a recording");
    int folder = open("/", O_RDONLY | O_CLOEXEC);
    assert_int_equal(vd_slot_digest(&slot, folder), 0);
    close(folder);
    assert_int_equal(next(), VD_SLOT_FAILED);
    assert_int_equal(message.err.code, VD_IO);
    assert_digests("another");
    assert_int_equal(vd_slot_finish(&slot), 0);
    assert_int_equal(slot.pid, 0);
}

static bool can_lock(const char *path)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    int ret = fcntl(fd, F_OFD_SETLK, &lock);
    close(fd);
    return ret == 0;
}

/* A job that fails leaves the slot as good as new, and nothing of the job in it. */
static void lives_on(void **state)
{
    char folder[32], path[64];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    (void)state;
    folder_make(folder);
    snprintf(path, sizeof path, "%s/claim", folder);
    int claim = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fcntl(claim, F_OFD_SETLK, &lock), 0);
    int input = file_with("no recording"), output = file_with("");
    const struct vd_slot_order order = {
        .job = &job, .io = {input, output, -1}, .claim = claim, .id = "a", .trace = "b"};
    start();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vd_slot_send(&slot, &order), 0);
        assert_int_equal(next(), VD_SLOT_FAILED);
        assert_int_equal(message.err.code, VD_INPUT);
    }
    close(input);
    close(output);
    close(claim);
    assert_digests("then another"); /* it reads that only when the job's descriptors are closed */
    assert_true(can_lock(path));
    folder_drop(folder);
}

/* The lock is the slot's too: when the parent lets go in mid-job, nobody else may have it. */
static void holds_the_claim(void **state)
{
    char folder[32], path[64];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int input = open(VD_CLIPS_FOLDER "/bikes.mp4", O_RDONLY | O_CLOEXEC), output = file_with("");
    (void)state;
    if (input < 0) {
        print_message("no clip: skipped\n");
        skip();
    }
    folder_make(folder);
    snprintf(path, sizeof path, "%s/claim", folder);
    int claim = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fcntl(claim, F_OFD_SETLK, &lock), 0);
    start();
    const struct vd_slot_order order = {.job = &job, .io = {input, output, -1}, .claim = claim};
    assert_int_equal(vd_slot_send(&slot, &order), 0);
    close(claim);
    close(input);
    close(output);
    assert_int_equal(next(), VD_SLOT_PLANNED);
    kill(slot.pid, SIGSTOP);
    assert_false(can_lock(path));
    vd_slot_stop(&slot);
    assert_true(can_lock(path));
    folder_drop(folder);
}

static void *make_and_free(void *opaque)
{
    atomic_bool *enough = opaque;
    while (!atomic_load(enough))
        free(malloc(1 << 20));
    return NULL;
}

/* Their locks may be held at the moment of the fork. */
static void starts_beside_threads(void **state)
{
    atomic_bool enough = false;
    pthread_t threads[3];
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_and_free, &enough), 0);
    for (int i = 0; i < 5; i++) {
        start();
        assert_digests("x");
        assert_int_equal(vd_slot_finish(&slot), 0);
    }
    atomic_store(&enough, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}

static void cannot_be_started(void **state)
{
    (void)state;
    vd_slot_program("/nowhere/vidriera");
    start();
    assert_int_equal(next(), VD_SLOT_DIED);
    assert_int_equal(message.signal, 0);
    assert_int_equal(message.status, VD_SLOT_UNSTARTED);
    assert_int_equal(slot.pid, 0);
    assert_int_equal(slot.socket, -1);
    assert_int_equal(vd_slot_finish(&slot), 0);
    assert_false(vd_slot_started());
}

/* A slot that says this, and no more. */
static void pretend(const char *text, size_t size)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (send(ends[1], text, size, MSG_NOSIGNAL) != (ssize_t)size)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    slot = (struct vd_slot){pid, ends[0]};
    vd_slot_receive(&slot, &message);
}

static void lies(void **state)
{
    static char large[160 * 1024];
    static const char *const lines[] = {
        "x",
        "[]",
        "{}",
        "{\"a\":1,\"a\":2}",
        "{\"planned\":{}}",
        "{\"planned\":{\"container\":\"\"}}",
        "{\"planned\":{\"container\":\"../mp4\"}}",
        "{\"planned\":{\"container\":\"matroska\"}}",
        "{\"progress\":{}}",
        "{\"progress\":{\"fraction\":0.5,\"frames\":-1,\"position_s\":1,\"work\":1}}",
        "{\"progress\":{\"fraction\":\"much\",\"frames\":1,\"position_s\":1,\"work\":1}}",
        "{\"digest\":true}",
        "{\"digest\":\"xxh3-128:99aa06d3014798d86001c324468d497\"}",
        "{\"digest\":\"xxh3-128:99aa06d3014798d86001c324468d497f0\"}",
        "{\"digest\":\"xxh3-128:../06d3014798d86001c324468d497f0\"}",
        "{\"done\":[]}",
        "{\"failed\":\"badly\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        pretend(lines[i], strlen(lines[i]));
        if (message.event != VD_SLOT_DIED || message.signal != SIGKILL || slot.pid)
            fail_msg("%s is taken for event %d", lines[i], message.event);
    }
    memset(large, ' ', sizeof large);
    memcpy(large, "{\"done\":{}}", 11);
    pretend(large, sizeof large);
    assert_int_equal(message.event, VD_SLOT_DIED);
}

static void says(enum vd_slot_event event, const char *text)
{
    pretend(text, strlen(text));
    assert_int_equal(message.event, event);
    vd_slot_stop(&slot);
}

static void tells(void **state)
{
    (void)state;
    says(VD_SLOT_PLANNED, "{\"planned\":{\"container\":\"mp4\"}}");
    assert_string_equal(message.container, "mp4");
    says(VD_SLOT_PROGRESS, "{\"progress\":{\"fraction\":1.5,\"frames\":3,\"position_s\":1,\"work\":7}}");
    assert_true(message.progress.fraction == 1 && message.progress.frames == 3 && message.progress.work == 7);
    says(VD_SLOT_DIGEST, "{\"digest\":\"xxh3-128:99aa06d3014798d86001c324468d497f\"}");
    assert_string_equal(message.digest, "xxh3-128:99aa06d3014798d86001c324468d497f");
    says(VD_SLOT_DONE, "{\"done\":{\"a\":1}}");
    assert_int_equal(json_integer_value(json_object_get(message.report, "a")), 1);
    json_decref(message.report);
    says(VD_SLOT_FAILED, "{\"failed\":{\"code\":\"input\",\"stage\":\"decode\",\"text\":\"a\\u001b[2Jb\"}}");
    assert_int_equal(message.err.code, VD_INPUT);
    assert_string_equal(message.err.text, "a?[2Jb");
    says(VD_SLOT_FAILED, "{\"failed\":{\"code\":\"ok\",\"stage\":\"\",\"text\":\"\"}}");
    assert_int_equal(message.err.code, VD_DEFECT);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return vd_slot_main();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(digests, prepare, stop),
        cmocka_unit_test_setup_teardown(lives_on, prepare, stop),
        cmocka_unit_test_setup_teardown(holds_the_claim, prepare, stop),
        cmocka_unit_test_setup_teardown(starts_beside_threads, prepare, stop),
        cmocka_unit_test_setup_teardown(cannot_be_started, prepare, stop),
        cmocka_unit_test_setup_teardown(lies, prepare, stop),
        cmocka_unit_test_setup_teardown(tells, prepare, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
