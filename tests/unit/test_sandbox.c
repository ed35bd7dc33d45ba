/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a slot without a driver cannot do. */
#include "hostile.h"

#include "landlock.h"

#include "vidriera/log.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>

static const struct attempt attempts[] = {
    {"open /etc/passwd", try_passwd, EPERM},
    {"open /dev/null", try_null, EPERM},
    {"open what /proc tells of it", try_self, EPERM},
    {"remove a file", try_unlink, EPERM},
    {"ask for a file", try_access, EPERM},
    {"ask for a file's size", try_stat, EPERM},
    {"use ioctl", try_ioctl, EPERM},
};

enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

static int start(void **state)
{
    const struct vd_limits limits = {.memory_bytes = MEMORY};
    struct vd_err err = {0};
    (void)state;
    return vd_slot_start(&slot, &(struct vd_slot_setup){.limits = &limits}, &err);
}

static void refuses(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    ask_all(in_every_slot, IN_EVERY_SLOT);
    ask_all(attempts, ATTEMPTS);
}

static char *of_slot(const char *what, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", slot.pid, what);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, text, size - 1);
    assert_true(got >= 0);
    text[got] = '\0';
    close(fd);
    return text;
}

static void has_no_environment(void **state)
{
    char text[4096];
    (void)state;
    vd_slot_stop(&slot);
    assert_int_equal(setenv("SECRET", "s3cr3t", 1), 0);
    assert_int_equal(setenv("VD_CPU", "c", 1), 0);
    start(NULL);
    wait_until_locked();
    assert_int_equal(unsetenv("VD_CPU"), 0);
    of_slot("environ", text, sizeof text);
    assert_null(strstr(text, "SECRET"));
    if (!SANITIZED && !getenv("LD_LIBRARY_PATH"))
        assert_string_equal(text, "VD_CPU=c");
}

static void has_four_descriptors(void **state)
{
    char path[64], target[2][64];
    struct dirent *entry;
    int count = 0;
    (void)state;
    wait_until_locked();
    snprintf(path, sizeof path, "/proc/%d/fd", slot.pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.') {
            assert_in_range(atoi(entry->d_name), 0, VD_SLOT_SOCKET);
            count++;
        }
    for (int i = 0; i < 2; i++) {
        char name[2] = {(char)('0' + i), 0};
        ssize_t size = readlinkat(dirfd(folder), name, target[i], sizeof target[i] - 1);
        assert_true(size > 0);
        target[i][size] = '\0';
        assert_string_equal(target[i], "/dev/null");
    }
    closedir(folder);
    assert_int_equal(count, VD_SLOT_SOCKET + 1);
}

static void is_limited(void **state)
{
    char text[4096], wanted[80];
    (void)state;
    wait_until_locked();
    assert_string_equal(of_slot("oom_score_adj", text, sizeof text), "1000\n");
    assert_non_null(strstr(of_slot("status", text, sizeof text), "NoNewPrivs:\t1\n"));
    assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
    assert_non_null(strstr(text, "Name:\tvidriera-slot\n"));
    of_slot("limits", text, sizeof text);
    assert_non_null(strstr(text, "Max core file size        0                    0"));
    assert_non_null(strstr(text, "Max open files            64 "));
    assert_non_null(strstr(text, "Max address space         unlimited"));
    snprintf(wanted, sizeof wanted, "Max data size             %-20d %-20d", MEMORY, MEMORY);
    assert_int_equal(strstr(text, wanted) != NULL, !SANITIZED);
}

static void says_what_was_applied(void **state)
{
    struct capture capture;
    char said[1000];
    (void)state;
    vd_slot_stop(&slot);
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_DEBUG});
    capture_begin(&capture, STDERR_FILENO);
    start(NULL);
    wait_until_locked();
    capture_end(&capture, said, sizeof said);
    vd_log_init(&(struct vd_log_setup){.level = VD_LOG_INFO});
    const char *line = strstr(said, "debug: sandbox: ");
    if (!line || !strstr(line, "oom_score_adj 1000") || !strstr(line, "seccomp"))
        fail_msg("it said: %s", said);
    assert_int_equal(strstr(line, "off in a build with sanitizers") != NULL, SANITIZED);
}

/* However the parent ends. */
static void dies_with_its_parent(void **state)
{
    int channel[2];
    pid_t child = 0;
    (void)state;
    assert_int_equal(pipe(channel), 0);
    pid_t parent = fork();
    if (parent == 0) {
        start(NULL);
        wait_until_locked();
        if (write(channel[1], &slot.pid, sizeof slot.pid) != (ssize_t)sizeof slot.pid)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(channel[0], &child, sizeof child), sizeof child);
    struct pollfd ended = {.fd = pidfd_open(child, 0), .events = POLLIN};
    assert_true(ended.fd >= 0);
    assert_int_equal(poll(&ended, 1, 0), 0);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_int_equal(poll(&ended, 1, PATIENCE_MS), 1);
    close(ended.fd);
    close(channel[0]);
    close(channel[1]);
}

/* By itself, without the filter in front of it. Returns 0, or the line that failed; 77: not in this kernel. */
static int behind_landlock(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    int before = open("/dev/null", O_WRONLY), tcp = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int abi = vd_landlock_restrict();
    if (abi < 0)
        return 77;
    if (write(before, "x", 1) != 1)
        return __LINE__;
    if (try_passwd(-1) != EACCES || try_null(-1) != EACCES || try_exec(-1) != EACCES)
        return __LINE__;
    if (mkdir("/tmp/vidriera-no-such-folder", 0777) == 0 || errno != EACCES)
        return __LINE__;
    if (abi >= 4 && (connect(tcp, (struct sockaddr *)&address, sizeof address) == 0 || errno != EACCES))
        return __LINE__;
    if (abi >= 6 && try_kill(-1) != EPERM)
        return __LINE__;
    return 0;
}

static void landlock_alone(void **state)
{
    int status;
    (void)state;
    if (SANITIZED)
        skip();
    pid_t child = fork();
    if (child == 0) {
        int line = behind_landlock();
        if (line && line != 77)
            dprintf(STDERR_FILENO, "line %d\n", line);
        _exit(line == 77 ? 77 : line != 0);
    }
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return hostile_main(attempts);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses, start, stop),
        cmocka_unit_test_setup_teardown(has_no_environment, start, stop),
        cmocka_unit_test_setup_teardown(has_four_descriptors, start, stop),
        cmocka_unit_test_setup_teardown(is_limited, start, stop),
        cmocka_unit_test_setup_teardown(says_what_was_applied, start, stop),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(landlock_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
