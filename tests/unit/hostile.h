/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A slot whose code has been taken over: a test's program, started as one, tries what its table names. The table is the same
 * on both sides, since it is the same program. */
#ifndef TESTS_UNIT_HOSTILE_H
#define TESTS_UNIT_HOSTILE_H

#include "capture.h"

#include "slot_child.h"
#include "wire.h"

#include "vidriera/slot.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>

struct attempt {
    const char *what;
    int (*make)(int fd);
    int expected; /* an errno; REFUSED: any */
};

enum { REFUSED = -1 };

enum { MEMORY = 1 << 30, PATIENCE_MS = 60000 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* ---- in the slot: each try returns 0 or an errno ---- */

static inline int outcome(long result)
{
    return result < 0 ? errno : 0;
}

/* A function of what may be done with the descriptor fd, or without it. */
#define TRY(name, result)                                                                                              \
    static inline int try_##name(int fd)                                                                               \
    {                                                                                                                  \
        (void)fd;                                                                                                      \
        return outcome(result);                                                                                        \
    }

static const struct sockaddr_un nameless = {.sun_family = AF_UNIX},
                                named = {.sun_family = AF_UNIX, .sun_path = "/run/x"};
static const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};
static char *const true_argv[] = {"true", NULL};

TRY(inet, socket(AF_INET, SOCK_STREAM, 0))
TRY(unix, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}))
TRY(connect, connect(VD_SLOT_SOCKET, (const struct sockaddr *)&named, sizeof named))
TRY(bind, bind(VD_SLOT_SOCKET, (const struct sockaddr *)&nameless, sizeof nameless.sun_family))
TRY(passwd, open("/etc/passwd", O_RDONLY))
TRY(null, open("/dev/null", O_RDONLY))
TRY(self, open("/proc/self/status", O_RDONLY))
TRY(unlink, unlink("/tmp/vidriera-no-such-file"))
TRY(access, access("/etc/passwd", R_OK))
TRY(stat, fstatat(AT_FDCWD, "/etc/passwd", &(struct stat){0}, 0))
TRY(exec, execv("/bin/true", true_argv))
TRY(namespace, unshare(CLONE_NEWUSER))
TRY(thread_of_namespace, syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWNET, 0, 0, 0, 0))
TRY(mount, mount("none", "/tmp", "tmpfs", 0, NULL))
TRY(ptrace, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL))
TRY(kill, kill(getppid(), 0))
TRY(tgkill, tgkill(getppid(), getppid(), 0))
TRY(peek, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
TRY(pidfd, pidfd_open(getppid(), 0))
TRY(ioctl, syscall(SYS_ioctl, fd, 0x5401, NULL))
TRY(io_uring, syscall(SYS_io_uring_setup, 1, NULL))
TRY(bpf, syscall(SYS_bpf, 0, NULL, 0))
TRY(perf, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
TRY(keys, syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, -1, 0))
TRY(lift, prlimit(0, RLIMIT_DATA, &no_limit, NULL))
TRY(outlive, prctl(PR_SET_PDEATHSIG, 0))
TRY(unlock, fcntl(fd, F_OFD_SETLK, &(struct flock){.l_type = F_UNLCK}))
TRY(append, fcntl(fd, F_SETFL, O_APPEND))

static inline int try_fork(int fd)
{
    (void)fd;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return outcome(pid);
}

static inline int try_vfork(int fd)
{
    (void)fd;
    pid_t pid = vfork();
    if (pid == 0)
        _exit(0);
    return outcome(pid);
}

static inline int try_exec_from_memory(int fd)
{
    int program = memfd_create("program", 0);
    (void)fd;
    if (program < 0 || write(program, "#!/bin/true\n", 12) != 12)
        return EIO;
    int error = outcome(fexecve(program, true_argv, environ));
    close(program);
    return error;
}

static inline void *nothing(void *opaque)
{
    return opaque;
}

static inline int can_thread(int fd)
{
    pthread_t thread;
    (void)fd;
    int ret = pthread_create(&thread, NULL, nothing, NULL);
    return ret ? ret : pthread_join(thread, NULL);
}

static inline int can_map(int fd)
{
    enum { BYTES = 64 << 20 };
    char *bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)fd;
    if (bytes == MAP_FAILED)
        return errno;
    bytes[BYTES - 1] = 1;
    return outcome(munmap(bytes, BYTES));
}

static inline int can_use_its_file(int fd)
{
    char bytes[4];
    struct stat st;
    if (pwrite(fd, "test", 4, 8) != 4 || pread(fd, bytes, 4, 8) != 4 || memcmp(bytes, "test", 4))
        return EIO;
    if (fstat(fd, &st) < 0 || st.st_size != 12)
        return EIO;
    return outcome(ftruncate(fd, 4) | fsync(fd) | fdatasync(fd));
}

static inline int can_tell_time(int fd)
{
    struct timespec time;
    struct rusage usage;
    (void)fd;
    return outcome(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) |
                   clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){0}, NULL) | getrusage(RUSAGE_SELF, &usage));
}

static inline int can_draw(int fd)
{
    char bytes[16];
    (void)fd;
    return outcome(getrandom(bytes, sizeof bytes, 0));
}

/* It has at most the memory that it was given. */
static inline int cannot_take_all(int fd)
{
    (void)fd;
    void *bytes = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return bytes == MAP_FAILED ? errno : 0;
}

static const struct attempt in_every_slot[] = {
    {"draw random bytes", can_draw, 0},
    {"open a socket to the network", try_inet, EPERM},
    {"open a local socket", try_unix, EPERM},
    {"make a pair of sockets", try_socketpair, EPERM},
    {"connect its socket elsewhere", try_connect, EPERM},
    {"give its socket a name", try_bind, EPERM},
    {"start a program", try_exec, EPERM},
    {"start a program that it has written to memory", try_exec_from_memory, EPERM},
    {"fork", try_fork, EPERM},
    {"vfork", try_vfork, EPERM},
    {"enter a user namespace", try_namespace, EPERM},
    {"start a thread in a network namespace", try_thread_of_namespace, EPERM},
    {"mount", try_mount, EPERM},
    {"trace its parent", try_ptrace, EPERM},
    {"signal its parent", try_kill, EPERM},
    {"signal a thread of its parent", try_tgkill, EPERM},
    {"read its parent's memory", try_peek, EPERM},
    {"get hold of its parent", try_pidfd, EPERM},
    {"use io_uring", try_io_uring, EPERM},
    {"use bpf", try_bpf, EPERM},
    {"use perf", try_perf, EPERM},
    {"reach for keys", try_keys, EPERM},
    {"lift its limit of memory", try_lift, EPERM},
    {"outlive its parent", try_outlive, EPERM},
    {"unlock the claim", try_unlock, EPERM},
    {"change how its parent writes", try_append, EPERM},
    {"take more memory than it has", cannot_take_all, ENOMEM},
    {"start a thread", can_thread, 0},
    {"map memory", can_map, 0},
    {"use the descriptor it was given", can_use_its_file, 0},
    {"tell the time", can_tell_time, 0},
};

enum { IN_EVERY_SLOT = sizeof in_every_slot / sizeof *in_every_slot };

/* Makes the attempt that each message names, with its descriptor. */
static inline int hostile_main(const struct attempt *attempts)
{
    int fds[VD_WIRE_FDS], count;
    json_t *order;
    struct vd_slot_device opened;
    if (vd_slot_enter(&opened) < 0)
        return 1;
    while ((order = vd_wire_receive(VD_SLOT_SOCKET, fds, &count))) {
        int row = (int)json_integer_value(json_object_get(order, "try"));
        const struct attempt *table = json_is_true(json_object_get(order, "common")) ? in_every_slot : attempts;
        int error = table[row].make(count ? fds[0] : -1);
        json_decref(order);
        for (int i = 0; i < count; i++)
            close(fds[i]);
        if (vd_wire_send(VD_SLOT_SOCKET, json_pack("{s:i, s:s}", "errno", error, "device", opened.err.text), NULL, 0) <
            0)
            return 1;
    }
    return 0;
}

/* ---- outside ---- */

static struct vd_slot slot;
static char no_device[sizeof((struct vd_err *)0)->text]; /* why the slot that was last asked has none; empty: it has */

static inline int stop(void **state)
{
    (void)state;
    vd_slot_stop(&slot);
    return 0;
}

/* The outcome of one attempt in the slot: of in_every_slot, or of the program's own table. */
static inline int ask(const struct attempt *table, int row)
{
    int fds[VD_WIRE_FDS], count;
    int file = memfd_create("given", MFD_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(
        vd_wire_send(slot.socket, json_pack("{s:i, s:b}", "try", row, "common", table == in_every_slot), &file, 1), 0);
    close(file);
    json_t *answer = vd_wire_receive(slot.socket, fds, &count);
    if (!answer)
        fail_msg("it died when it tried to %s", table[row].what);
    int error = (int)json_integer_value(json_object_get(answer, "errno"));
    snprintf(no_device, sizeof no_device, "%s", json_string_value(json_object_get(answer, "device")));
    json_decref(answer);
    return error;
}

static inline void ask_all(const struct attempt *attempts, int count)
{
    for (int row = 0; row < count; row++) {
        int error = ask(attempts, row), expected = attempts[row].expected;
        if (expected == REFUSED ? !error : error != expected)
            fail_msg("to %s ended with \"%s\", wanted \"%s\"", attempts[row].what, strerror(error),
                     expected == REFUSED ? "a refusal" : strerror(expected));
    }
}

/* Has answered once: from then on it is locked down. */
static inline void wait_until_locked(void)
{
    for (int row = 0; row < IN_EVERY_SLOT; row++)
        if (in_every_slot[row].make == can_draw)
            assert_int_equal(ask(in_every_slot, row), 0);
}

#endif
