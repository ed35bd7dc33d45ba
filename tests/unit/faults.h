/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * System calls that fail, or end the process, at the n-th of them (linked with --wrap, see VD_FAULTS in CMakeLists.txt).
 * Include it in one file of a test program.
 */
#ifndef TESTS_UNIT_FAULTS_H
#define TESTS_UNIT_FAULTS_H

#include "capture.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { FAULT_EXIT = 42 };

static struct {
    int at, seen;            /* at 0: never */
    int cause;               /* 0: the process ends there, as by SIGKILL */
    bool old;                /* the file system knows no O_TMPFILE and no RENAME_NOREPLACE */
    int again;               /* so many openat2() meet a rename */
    void (*meanwhile)(void); /* runs once, right after the next openat() without O_CREAT */
    char did[64];            /* a letter for each step that a power cut could fall between */
} fault;

static inline void fault_note(char step)
{
    size_t size = strlen(fault.did);
    if (size < sizeof fault.did - 1)
        fault.did[size] = step;
}

static inline void fault_arm(int at, int cause)
{
    fault.at = at;
    fault.seen = 0;
    fault.cause = cause;
}

/* True when it came to that. */
static inline bool fault_disarm(void)
{
    bool met = fault.at && fault.seen >= fault.at;
    fault.at = 0;
    return met;
}

static inline bool fault_hits(void)
{
    if (!fault.at || ++fault.seen != fault.at)
        return false;
    if (!fault.cause)
        _exit(FAULT_EXIT);
    errno = fault.cause;
    return true;
}

/* Runs it in a child that ends right before its n-th call. False: it came to its end before that. */
static inline bool fault_kills(int n, void (*run)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        fault_arm(n, 0);
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == FAULT_EXIT || WEXITSTATUS(status) == 0);
    return WEXITSTATUS(status) == FAULT_EXIT;
}

static inline int open_descriptors(void)
{
    return folder_count("/proc/self/fd");
}

#define FAULT_WRAP(result, name, parameters, arguments)                                                                \
    result __real_##name parameters;                                                                                   \
    result __wrap_##name parameters;                                                                                   \
    result __wrap_##name parameters                                                                                    \
    {                                                                                                                  \
        return fault_hits() ? -1 : __real_##name arguments;                                                            \
    }

FAULT_WRAP(int, mkdirat, (int dir, const char *name, mode_t mode), (dir, name, mode))
FAULT_WRAP(ssize_t, pread, (int fd, void *to, size_t size, off_t at), (fd, to, size, at))
FAULT_WRAP(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size))
FAULT_WRAP(int, renameat, (int from, const char *name, int to, const char *got), (from, name, to, got))
FAULT_WRAP(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size))

int __wrap_fsync(int fd);
int __real_linkat(int from, const char *name, int to, const char *got, int flags);
int __wrap_linkat(int from, const char *name, int to, const char *got, int flags);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);

/* Not done: no test sees whether the disk has it, only that it was asked, and when. */
int __wrap_fsync(int fd)
{
    struct stat st;
    fault_note(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'd' : 'f');
    return fault_hits() ? -1 : 0;
}

int __wrap_linkat(int from, const char *name, int to, const char *got, int flags)
{
    fault_note('n');
    return fault_hits() ? -1 : __real_linkat(from, name, to, got, flags);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
    fault_note('u');
    return fault_hits() ? -1 : __real_unlinkat(dir, name, flags);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __real_renameat2(int from, const char *name, int to, const char *got, unsigned flags);
int __wrap_renameat2(int from, const char *name, int to, const char *got, unsigned flags);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

int __wrap_openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (fault.old && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (fault_hits())
        return -1;
    int fd = __real_openat(dir, path, flags, mode);
    if (fd >= 0 && fault.meanwhile && !(flags & (O_CREAT | O_DIRECTORY))) {
        void (*meanwhile)(void) = fault.meanwhile;
        fault.meanwhile = NULL;
        meanwhile();
    }
    return fd;
}

int __wrap_renameat2(int from, const char *name, int to, const char *got, unsigned flags)
{
    if (fault.old) {
        errno = EINVAL;
        return -1;
    }
    fault_note('n');
    return fault_hits() ? -1 : __real_renameat2(from, name, to, got, flags);
}

long __wrap_syscall(long number, ...)
{
    va_list args;
    va_start(args, number);
    long a = va_arg(args, long), b = va_arg(args, long), c = va_arg(args, long), d = va_arg(args, long);
    va_end(args);
    if (number == SYS_openat2 && fault.again && fault.again--) {
        errno = EAGAIN;
        return -1;
    }
    return fault_hits() ? -1 : __real_syscall(number, a, b, c, d);
}

#endif
