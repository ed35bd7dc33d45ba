/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SOCKET = 3 };

/* The sanitizers' shadow memory counts as data, by the terabyte. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MEMORY_LIMITED = 0 };
#else
enum { MEMORY_LIMITED = 1 };
#endif

static void ignore_signals(void)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ};
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN); /* the parent decides, and kills */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Never RLIMIT_AS: GPU drivers map ranges far larger than what they use. */
static void limit_memory(int64_t bytes)
{
    struct rlimit none = {0, 0}, data = {(rlim_t)bytes, (rlim_t)bytes};
    setrlimit(RLIMIT_CORE, &none);
    if (MEMORY_LIMITED)
        setrlimit(RLIMIT_DATA, &data);
}

/* Packets and pictures come and go by the hundred kilobytes: keep them in the heap, or each costs a mmap, its page
 * faults and a munmap. */
static void tune_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

int vd_sandbox_enter(int socket, pid_t parent, const struct vd_limits *limits)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        return -1;
    prctl(PR_SET_NAME, "vidriera-slot");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
    }
    if (socket != SOCKET && dup2(socket, SOCKET) < 0)
        return -1;
    close_range(SOCKET + 1, ~0U, 0);
    clearenv();
    if (chdir("/") < 0)
        return -1;
    ignore_signals();
    limit_memory(limits->memory_bytes);
    tune_heap();
    return SOCKET;
}
