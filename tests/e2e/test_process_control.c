/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Killed, interrupted, crashed, stopped: whatever happens to the processes, no half recording has a name. */
#include "row.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS = 24, TRIES = 3 * KILLS, FRAMES = 250 };

/* Long enough to be caught at work, on any machine. */
#define LONG "-f lavfi -i testsrc2=s=320x240:r=25:d=10 -f lavfi -i sine=r=48000:d=10" X264 AAC
#define WORDS "--preset veryfast --progress plain"

static struct folder folder;
static struct outcome outcome;

static int setup_all(void **state)
{
    (void)state;
    /* A sanitizer that turns a signal into a report would hide what is tested: a crash ends by the signal. And its
     * search for leaks at the end is a child of the program, which tests would take for the next media process. */
    char options[1024];
    const char *given = getenv("ASAN_OPTIONS");
    snprintf(options, sizeof(options), "%s:handle_segv=0:handle_abort=0:quarantine_size_mb=1:detect_leaks=0",
             given ? given : "");
    setenv("ASAN_OPTIONS", options, 1);
    proc_adopt_orphans();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    proc_forget(&outcome);
    folder_drop(&folder);
    return 0;
}

static void make_long(void)
{
    make_by(&folder, "ff " LONG "in.mp4");
}

/* Where nameless files do not exist, a killed process has to leave its part behind; it says by its name what it is. */
static bool has_nameless_files(void)
{
    int fd = open(folder.path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void want_only(const char *names)
{
    char *list = folder_list(&folder);
    if (strcmp(list, names) != 0)
        fail_msg("wanted %sthe folder has %s", names, list);
    free(list);
}

static void want_one_error(int code)
{
    if (outcome.timed_out)
        fail_msg("it hangs");
    if (proc_code(&outcome) != code)
        fail_msg("exit %d, wanted %d: %s", proc_code(&outcome), code, outcome.err);
    const char *end = strchr(outcome.err, '\n');
    if (strncmp(outcome.err, "vidriera: ", 10) != 0 || !end || end[1])
        fail_msg("wanted one line, got:\n%s", outcome.err);
    want_only("in.mp4\n");
}

/* ---- kill -9 ---- */

static void want_whole(const char *name)
{
    struct seen seen;
    bool fine = inspect(folder_path(&folder, name), 0, 0, &seen);
    size_t frames = seen.video.count;
    seen_free(&seen);
    assert_true(fine);
    assert_int_equal(frames, FRAMES);
}

/* After its last descendant is gone: nothing, or the whole recording. */
static void want_nothing_or_all(void)
{
    char *list = folder_list(&folder);
    char *rest = strstr(list, "in.mp4\n");
    assert_non_null(rest);
    memmove(rest, rest + 7, strlen(rest + 7) + 1);
    if (strstr(list, "out.mp4\n")) {
        want_whole("out.mp4");
        assert_int_equal(unlink(folder_path(&folder, "out.mp4")), 0);
        assert_string_equal(list, "out.mp4\n");
    } else if (*list && has_nameless_files()) {
        fail_msg("left behind: %s", list);
    } else if (*list && (strncmp(list, ".vd-", 4) != 0 || !strstr(list, ".part\n"))) {
        fail_msg("left behind: %s", list);
    }
    free(list);
}

static void sleep_until(double when)
{
    double left = when - proc_now();
    if (left > 0)
        nanosleep(&(struct timespec){.tv_sec = (time_t)left, .tv_nsec = (long)((left - (double)(time_t)left) * 1e9)},
                  NULL);
}

static void test_kill_9(void **state)
{
    (void)state;
    make_long();
    char **argv = process_argv("in.mp4", "out.mp4", "--preset ultrafast --progress none");
    proc_run(&outcome, folder.path, argv);
    assert_int_equal(proc_code(&outcome), 0);
    double whole_s = outcome.wall_s;
    proc_forget(&outcome);
    assert_int_equal(unlink(folder_path(&folder, "out.mp4")), 0);

    unsigned short seed[3] = {0x5eed, 0x1234, 0x330e};
    int killed = 0;
    for (int i = 0; killed < KILLS && i < TRIES; i++) {
        /* Every third near the end, where the file gets its name. By turns the parent alone and both at once. */
        double moment = whole_s * (i % 3 ? erand48(seed) : 0.85 + 0.2 * erand48(seed));
        struct proc proc;
        proc_start(&proc, folder.path, argv);
        sleep_until(proc_now() + moment);
        kill(i % 2 ? proc.pid : -proc.pid, SIGKILL);
        proc_finish(&proc, &outcome);
        killed += WIFSIGNALED(outcome.status);
        proc_forget(&outcome);
        if (!proc_orphans_end())
            fail_msg("a child lives on after its parent was killed at %.3f s", moment);
        want_nothing_or_all();
    }
    assert_in_range(killed, KILLS - 4, KILLS);
}

/* ---- signals ---- */

/* Runs until it has said a line of progress: then it is at work. */
static void start_and_wait(struct proc *proc, const char *words)
{
    proc_start(proc, folder.path, process_argv("in.mp4", "out.mp4", words));
    for (double deadline = proc_now() + PROC_PATIENCE_S; proc_now() < deadline; proc_breathe()) {
        char *said = proc_said(proc->err);
        bool works = strchr(said, '\n') != NULL;
        free(said);
        if (works)
            return;
        if (!proc_runs(proc))
            break;
    }
    kill(-proc->pid, SIGKILL);
    proc_finish(proc, &outcome);
    fail_msg("no line of progress before it ended (%d): %s", proc_code(&outcome), outcome.err);
}

static void interrupt_by(int number, bool group)
{
    make_by(&folder, "ff -f lavfi -i testsrc2=s=640x480:r=25:d=20" X264 "in.mp4");
    struct proc proc;
    start_and_wait(&proc, "--preset slow --progress plain");
    kill(group ? -proc.pid : proc.pid, number);
    proc_finish(&proc, &outcome);
    if (outcome.timed_out)
        fail_msg("it does not end");
    if (!WIFSIGNALED(outcome.status) || WTERMSIG(outcome.status) != number)
        fail_msg("it ends by %d, wanted signal %d: %s", proc_code(&outcome), number, outcome.err);
    assert_true(proc_orphans_end());
    want_only("in.mp4\n");
}

static void test_sigint(void **state)
{
    (void)state;
    interrupt_by(SIGINT, false);
}

/* Ctrl-C goes to every process of the terminal's foreground group. */
static void test_ctrl_c(void **state)
{
    (void)state;
    interrupt_by(SIGINT, true);
}

/* What comes from a terminal until `wanted` is among it, or the program ends; false when neither happens. */
static bool read_terminal(int terminal, char wanted)
{
    struct pollfd polled = {.fd = terminal, .events = POLLIN};
    char text[256];
    while (poll(&polled, 1, PROC_PATIENCE_S * 1000) > 0) {
        ssize_t got = read(terminal, text, sizeof(text));
        if (got <= 0 || (wanted && memchr(text, wanted, (size_t)got)))
            return true;
    }
    return false;
}

/* As a user does it: the media process has no part in that terminal, and ends with the other. */
static void test_typed_ctrl_c(void **state)
{
    (void)state;
    make_by(&folder, "ff -f lavfi -i testsrc2=s=640x480:r=25:d=20" X264 "in.mp4");
    char **argv = process_argv("in.mp4", "out.mp4", "--preset slow");
    int terminal, status;
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid == 0) {
        if (chdir(folder.path) == 0)
            execvp(argv[0], argv);
        _exit(127);
    }
    assert_true(pid > 0);
    bool worked = read_terminal(terminal, '%');
    assert_int_equal(write(terminal, "\003", 1), 1);
    bool ended = read_terminal(terminal, 0);
    if (!ended)
        kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(terminal);
    assert_true(worked && ended);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    assert_true(proc_orphans_end());
    want_only("in.mp4\n");
}

static void test_sigterm(void **state)
{
    (void)state;
    interrupt_by(SIGTERM, false);
}

static void test_sigterm_to_all(void **state)
{
    (void)state;
    interrupt_by(SIGTERM, true);
}

/* ---- the media process crashes or hangs ---- */

/* A child that is not the one before; 0: the parent has ended. */
static pid_t next_child(const struct proc *proc, pid_t before)
{
    for (double deadline = proc_now() + PROC_PATIENCE_S; proc_now() < deadline && proc_runs(proc);) {
        pid_t child = proc_child(proc->pid);
        if (child && child != before)
            return child;
    }
    return 0;
}

static void want_children(void)
{
    struct stat st;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
    if (stat(path, &st) != 0) {
        print_message("skipped: this kernel does not tell children\n");
        skip();
    }
}

static void test_one_crash(void **state)
{
    (void)state;
    want_children();
    make_long();
    struct proc proc;
    proc_start(&proc, folder.path, process_argv("in.mp4", "out.mp4", "--preset slow --progress none"));
    pid_t child = next_child(&proc, 0);
    assert_true(child > 0);
    kill(child, SIGSEGV);
    proc_finish(&proc, &outcome);
    want_one_error(70);
}

static void test_crashes_always(void **state)
{
    (void)state;
    want_children();
    make_by(&folder, "ff -f lavfi -i testsrc2=s=640x480:r=25:d=20" X264 "in.mp4");
    struct proc proc;
    proc_start(&proc, folder.path, process_argv("in.mp4", "out.mp4", "--preset slow --progress none"));
    int crashes = 0;
    for (pid_t child = 0; (child = next_child(&proc, child)) > 0; crashes++)
        kill(child, SIGSEGV);
    proc_finish(&proc, &outcome);
    assert_in_range(crashes, 2, 8);
    want_one_error(65);
}

static void test_killed_child(void **state)
{
    (void)state;
    want_children();
    make_long();
    struct proc proc;
    proc_start(&proc, folder.path, process_argv("in.mp4", "out.mp4", "--preset slow --progress none"));
    pid_t child = next_child(&proc, 0);
    assert_true(child > 0);
    kill(child, SIGKILL); /* as the kernel does when memory runs out */
    proc_finish(&proc, &outcome);
    want_one_error(70);
}

static void test_stall(void **state)
{
    (void)state;
    want_children();
    make_long();
    struct proc proc;
    proc_start(&proc, folder.path, process_argv("in.mp4", "out.mp4", "--preset slow --progress none --stall 6"));
    pid_t child = next_child(&proc, 0);
    assert_true(child > 0);
    kill(child, SIGSTOP);
    proc_finish(&proc, &outcome);
    want_one_error(70);
}

static void test_stalls_always(void **state)
{
    (void)state;
    want_children();
    make_by(&folder, "ff -f lavfi -i testsrc2=s=640x480:r=25:d=20" X264 "in.mp4");
    struct proc proc;
    proc_start(&proc, folder.path, process_argv("in.mp4", "out.mp4", "--preset slow --progress none --stall 6"));
    for (pid_t child = 0; (child = next_child(&proc, child)) > 0;)
        kill(child, SIGSTOP);
    proc_finish(&proc, &outcome);
    want_one_error(65);
}

/* The parent that was stopped and goes on finds nothing amiss. */
static void test_stopped_for_a_while(void **state)
{
    (void)state;
    make_long();
    struct proc proc;
    start_and_wait(&proc, WORDS);
    kill(-proc.pid, SIGSTOP);
    siginfo_t info;
    waitid(P_PID, (id_t)proc.pid, &info, WSTOPPED | WEXITED | WNOWAIT);
    kill(-proc.pid, SIGCONT);
    proc_finish(&proc, &outcome);
    if (proc_code(&outcome) != 0)
        fail_msg("exit %d: %s", proc_code(&outcome), outcome.err);
    want_only("in.mp4\nout.mp4\n");
    want_whole("out.mp4");
}

/* ---- what it says ---- */

static void test_quiet(void **state)
{
    (void)state;
    make_by(&folder, "ff" PICTURE SOUND X264 AAC "in.mp4");
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", "--preset ultrafast --progress none"));
    assert_int_equal(proc_code(&outcome), 0);
    assert_string_equal(outcome.out, "");
    if (strchr(outcome.err, '\r') || strchr(outcome.err, 0x1b))
        fail_msg("stderr is no terminal, but has: %s", outcome.err);
}

static void test_json(void **state)
{
    (void)state;
    make_by(&folder, "ff" PICTURE SOUND X264 AAC "in.mp4");
    proc_run(&outcome, folder.path,
             process_argv("./in.mp4", "./out.mp4", "--preset ultrafast --progress plain --json"));
    assert_int_equal(proc_code(&outcome), 0);
    json_error_t error;
    json_t *result = json_loads(outcome.out, JSON_REJECT_DUPLICATES, &error);
    if (!result)
        fail_msg("stdout is not one JSON document: %s\n%s", error.text, outcome.out);
    static const char *const keys[] = {"schema", "status",  "input",    "output",  "effect",   "device", "metrics",
                                       "verify", "dropped", "warnings", "started", "finished", "version"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (!json_object_get(result, keys[i]))
            fail_msg("there is no \"%s\" in %s", keys[i], outcome.out);
    const char *input = json_string_value(json_object_get(json_object_get(result, "input"), "path"));
    const char *output = json_string_value(json_object_get(json_object_get(result, "output"), "path"));
    assert_string_equal(input, "./in.mp4");
    assert_string_equal(output, "./out.mp4");
    json_decref(result);
}

static void test_progress(void **state)
{
    (void)state;
    make_long();
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", WORDS));
    assert_int_equal(proc_code(&outcome), 0);
    assert_string_equal(outcome.out, "");
    size_t size = strlen(outcome.err);
    if (!size || outcome.err[size - 1] != '\n' || strchr(outcome.err, '\r') || strchr(outcome.err, 0x1b))
        fail_msg("not lines fit for a log: %s", outcome.err);
    if (!strchr(outcome.err, '%') || !strstr(outcome.err, "fps"))
        fail_msg("no fraction or no fps in: %s", outcome.err);
}

static void test_overwrite(void **state)
{
    (void)state;
    make_by(&folder, "ff" PICTURE SOUND X264 AAC "in.mp4; echo old > out.mp4");
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", "--preset ultrafast --overwrite"));
    assert_int_equal(proc_code(&outcome), 0);
    struct seen seen;
    assert_true(inspect(folder_path(&folder, "out.mp4"), 0, 0, &seen));
    assert_int_equal(seen.video.count, 25);
    seen_free(&seen);
    want_only("in.mp4\nout.mp4\n");
}

/* Others may read what is made as the user's umask says, not as a temporary file would have it. */
static void test_permissions(void **state)
{
    (void)state;
    make_by(&folder, "ff" PICTURE X264 "in.mp4");
    mode_t mask = umask(022);
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", "--preset ultrafast"));
    umask(mask);
    assert_int_equal(proc_code(&outcome), 0);
    struct stat st;
    assert_int_equal(stat(folder_path(&folder, "out.mp4"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
}

/* Mean of one component (0 R, 1 G, 2 B) of a quarter of the picture: 0 to 3 from left to right. */
static double quarter(const uint8_t *rgb, int width, int height, int which, int component)
{
    double sum = 0;
    int from = width * which / 4 + 2, to = width * (which + 1) / 4 - 2;
    for (int y = 0; y < height; y++)
        for (int x = from; x < to; x++)
            sum += rgb[3 * (y * width + x) + component];
    return sum / ((to - from) * height);
}

/* Before and after beside each other: blue is where only the third quarter can have it, red in the fourth. */
static void test_preview(void **state)
{
    (void)state;
    make_by(&folder, "ff -f lavfi -i color=gray:s=192x144:r=25:d=1" X264 "in.mp4");
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", "--preset ultrafast --preview view.png"));
    assert_int_equal(proc_code(&outcome), 0);
    want_only("in.mp4\nout.mp4\nview.png\n");
    int width, height;
    uint8_t *rgb = inspect_picture(folder_path(&folder, "view.png"), &width, &height);
    assert_non_null(rgb);
    assert_in_range(height, 144, 160);
    assert_in_range(width, 2 * 192, 2 * 192 + 16);
    double before = quarter(rgb, width, height, 0, 2) - quarter(rgb, width, height, 0, 0);
    double left = quarter(rgb, width, height, 2, 2) - quarter(rgb, width, height, 2, 0);
    double right = quarter(rgb, width, height, 3, 0) - quarter(rgb, width, height, 3, 2);
    free(rgb);
    if (before < -6 || before > 6 || left < 60 || right < 60)
        fail_msg("blue over red: %.0f before, %.0f left after; red over blue: %.0f right after", before, left, right);
}

static void test_preview_of_a_turned_picture(void **state)
{
    (void)state;
    make_by(&folder, "ff -f lavfi -i color=gray:s=192x144:r=25:d=1" X264 "in.mp4");
    const int32_t turned[9] = {0, 1 << 16, 0, -(1 << 16), 0, 0, 144 << 16, 0, 1 << 30};
    patch_display_matrix(folder_path(&folder, "in.mp4"), turned);
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", "--preset ultrafast --preview view.png"));
    assert_int_equal(proc_code(&outcome), 0);
    int width, height;
    uint8_t *rgb = inspect_picture(folder_path(&folder, "view.png"), &width, &height);
    assert_non_null(rgb);
    assert_in_range(height, 192, 208);
    double left = quarter(rgb, width, height, 2, 2) - quarter(rgb, width, height, 2, 0);
    double right = quarter(rgb, width, height, 3, 0) - quarter(rgb, width, height, 3, 2);
    free(rgb);
    assert_true(left > 60 && right > 60);
}

/* An existing preview is somebody's as well. */
static void test_existing_preview(void **state)
{
    (void)state;
    make_by(&folder, "ff" PICTURE X264 "in.mp4; echo precious > view.png");
    proc_run(&outcome, folder.path, process_argv("in.mp4", "out.mp4", "--preset ultrafast --preview view.png"));
    assert_int_equal(proc_code(&outcome), 73);
    size_t size;
    char *view = (char *)read_file(folder_path(&folder, "view.png"), &size);
    assert_string_equal(view, "precious\n");
    free(view);
    want_only("in.mp4\nview.png\n");
}

/* ---- memory ---- */

/* The peak of a process that runs, in bytes; 0: it has none any more. */
static long high_water(pid_t pid)
{
    char path[64], line[128];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    FILE *file = fopen(path, "re");
    long kib = 0;
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib * 1024;
}

/* Of both processes. Looked at while they run: ru_maxrss would begin at the size of the test that started them. */
static long peak_of(const char *input)
{
    struct proc proc;
    long parent = 0, child = 0;
    proc_start(&proc, folder.path, process_argv(input, NULL, "--preset ultrafast --threads 2 --progress none --json"));
    for (; proc_runs(&proc); proc_breathe()) {
        pid_t pid = proc_child(proc.pid);
        long now = high_water(proc.pid);
        parent = now > parent ? now : parent;
        now = pid ? high_water(pid) : 0;
        child = now > child ? now : child;
    }
    proc_finish(&proc, &outcome);
    if (proc_code(&outcome) != 0)
        fail_msg("exit %d: %s", proc_code(&outcome), outcome.err);
    json_t *result = json_loads(outcome.out, 0, NULL);
    long told = (long)json_integer_value(json_object_get(json_object_get(result, "metrics"), "peak_rss_bytes"));
    json_decref(result);
    proc_forget(&outcome);
    assert_in_range(told, child / 5 * 4, (parent + child) / 4 * 5);
    return parent + child;
}

/* Whoever read stderr went away: no reason not to finish. */
static void test_stderr_is_gone(void **state)
{
    static char script[] = "\"$0\" process in.mp4 -o out.mp4 --preset ultrafast --progress plain 2> >(exec true)";
    (void)state;
    make_long();
    char *argv[] = {(char *)"bash", (char *)"-c", script, suite_vidriera(), NULL};
    proc_run(&outcome, folder.path, argv);
    assert_int_equal(proc_code(&outcome), 0);
    want_whole("out.mp4");
}

static void test_memory(void **state)
{
    (void)state;
    want_children();
    make_by(&folder, "ff -f lavfi -i testsrc2=s=192x144:r=25:d=20 -f lavfi -i sine=r=48000:d=20" X264 AAC
                     "short.mp4\nff -stream_loop 5 -i short.mp4 -c copy long.mp4");
    long brief = peak_of("short.mp4"), lasting = peak_of("long.mp4");
    if (lasting > brief + brief / 5 + (8 << 20))
        fail_msg("20 s take %ld KiB, 120 s take %ld KiB", brief >> 10, lasting >> 10);
}

int main(void)
{
#define PLAIN(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        PLAIN(test_kill_9),
        PLAIN(test_sigint),
        PLAIN(test_ctrl_c),
        PLAIN(test_typed_ctrl_c),
        PLAIN(test_sigterm),
        PLAIN(test_sigterm_to_all),
        PLAIN(test_one_crash),
        PLAIN(test_crashes_always),
        PLAIN(test_killed_child),
        PLAIN(test_stall),
        PLAIN(test_stalls_always),
        PLAIN(test_stopped_for_a_while),
        PLAIN(test_quiet),
        PLAIN(test_json),
        PLAIN(test_progress),
        PLAIN(test_overwrite),
        PLAIN(test_permissions),
        PLAIN(test_preview),
        PLAIN(test_preview_of_a_turned_picture),
        PLAIN(test_existing_preview),
        PLAIN(test_stderr_is_gone),
        PLAIN(test_memory),
    };
    return cmocka_run_group_tests_name("process_control", tests, setup_all, NULL);
}
