/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sandbox.h"

#include "landlock.h"
#include "syscalls.h"

#include "vidriera/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DESCRIPTORS = 64, HARDWARE_DESCRIPTORS = 1024 };

/* Their shadow memory counts as data, by the terabyte; and at the end they look at themselves from a second process. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
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

/* Packets and pictures come and go by the hundred kilobytes: keep them in the heap, or each costs a mmap, its page
 * faults and a munmap. */
static void tune_heap(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

/* To that, or to what we have when it is less. */
static int limit(int resource, int64_t value)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) < 0)
        return -1;
    rlim_t least = now.rlim_max < (rlim_t)value ? now.rlim_max : (rlim_t)value;
    return setrlimit((__rlimit_resource_t)resource, &(struct rlimit){least, least});
}

static int volunteer_for_oom(void)
{
    static const char most[] = "1000"; /* to be killed before all others */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t put = fd < 0 ? -1 : write(fd, most, sizeof most - 1);
    if (fd >= 0)
        close(fd);
    return put < 0 ? -1 : 0;
}

/* What root may do beyond others: madvise() alone can poison memory. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    return (int)syscall(SYS_capset, &header, none);
}

struct report {
    bool warn;
    char applied[160];
};

/* One part of the sandbox, with its value unless 0: result is negative, and errno set, where it could not be had. */
static void note(struct report *report, int result, const char *part, int64_t value)
{
    char number[24] = "";
    size_t used = strlen(report->applied);
    if (result < 0) {
        if (report->warn)
            vd_log(VD_LOG_WARNING,
                   "sandbox: no %s: %s; media processes do without, see that kernel and container allow it", part,
                   strerror(errno));
        return;
    }
    if (value)
        snprintf(number, sizeof number, " %lld", (long long)value);
    snprintf(report->applied + used, sizeof report->applied - used, "%s%s%s", used ? ", " : "", part, number);
}

static void restrict_files(struct vd_sandbox *setup, struct report *report)
{
    int abi = setup->hardware ? vd_landlock_hardware(setup->words) : vd_landlock_restrict();
    setup->bounded = abi >= 0;
    note(report, abi, abi < 0 ? "landlock" : "landlock ABI", abi);
}

static void say(const struct report *report)
{
    vd_log(VD_LOG_DEBUG, "sandbox: %s%s", report->applied,
           SANITIZED ? "; off in a build with sanitizers: memory, landlock, seccomp" : "");
}

static void lock_down(struct vd_sandbox *setup)
{
    struct report report = {.warn = setup->warn};
    setup->bounded = SANITIZED;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, setup->hardware ? HARDWARE_DESCRIPTORS : DESCRIPTORS);
    note(&report, volunteer_for_oom(), "oom_score_adj", 1000);
    note(&report, drop_capabilities(), "dropping of capabilities", 0);
    if (!SANITIZED) {
        /* never RLIMIT_AS: GPU drivers map ranges far larger than what they use */
        note(&report, limit(RLIMIT_DATA, setup->memory_bytes), "memory", setup->memory_bytes);
        restrict_files(setup, &report);
    }
    say(&report);
}

void vd_sandbox_end(const struct vd_sandbox *setup)
{
    struct report report = {.warn = setup->warn};
    if (SANITIZED)
        return;
    note(&report, vd_syscalls_restrict(setup->hardware ? setup->words : NULL), "seccomp", 0);
    say(&report);
}

int vd_sandbox_begin(struct vd_sandbox *setup)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != setup->parent || chdir("/") < 0)
        return -1;
    prctl(PR_SET_NAME, "vidriera-slot");
    ignore_signals();
    tune_heap();
    tzset(); /* reads a file, and mktime() wants it later */
    lock_down(setup);
    return 0;
}
