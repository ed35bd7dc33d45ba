/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Whatever their arguments. A name that an architecture lacks is passed over there. */
static const int plain[] = {
    /* descriptors that are open */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(preadv),
    SCMP_SYS(pwritev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    /* memory; a file of it has no name, and cannot be started */
    SCMP_SYS(memfd_create),
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(mbind),
    SCMP_SYS(get_mempolicy),
    SCMP_SYS(set_mempolicy),
    /* threads */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(membarrier),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min),
    SCMP_SYS(getcpu),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* its own signals: a crash, an assertion */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    /* who and when */
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getrandom),
    SCMP_SYS(time),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
};

/* What drivers of graphics hardware want beside: they read folders of the system, which landlock bounds. Sockets, processes
 * and signals to others are not among it. */
static const int hardware[] = {
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(getcwd),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(flock),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(kcmp),
    SCMP_SYS(mincore),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    SCMP_SYS(msync),
    SCMP_SYS(get_robust_list),
};

#define NAMESPACES                                                                                                     \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Only with such arguments. Descriptors are shared with the parent: their flags and locks are not the slot's to change. */
static const struct {
    int call;
    unsigned count;
    struct scmp_arg_cmp args[2];
} limited[] = {
    /* a thread, not a process */
    {SCMP_SYS(clone), 1, {{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD | NAMESPACES, CLONE_THREAD}}},
    {SCMP_SYS(fcntl), 1, {{1, SCMP_CMP_EQ, F_GETFD, 0}}},
    {SCMP_SYS(fcntl), 1, {{1, SCMP_CMP_EQ, F_SETFD, 0}}},
    {SCMP_SYS(fcntl), 1, {{1, SCMP_CMP_EQ, F_GETFL, 0}}},
    /* libc's fstat(). A name beside the flag gets through, but stat() is all that it is good for */
    {SCMP_SYS(newfstatat), 1, {{3, SCMP_CMP_EQ, AT_EMPTY_PATH, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_SET_NAME, 0}}},
    {SCMP_SYS(prctl), 1, {{0, SCMP_CMP_EQ, PR_GET_NAME, 0}}},
    /* to read its own */
    {SCMP_SYS(prlimit64), 2, {{0, SCMP_CMP_EQ, 0, 0}, {2, SCMP_CMP_EQ, 0, 0}}},
    /* x265 makes its threads yield to ours; the other way takes a capability */
    {SCMP_SYS(getpriority), 2, {{0, SCMP_CMP_EQ, PRIO_PROCESS, 0}, {1, SCMP_CMP_EQ, 0, 0}}},
    {SCMP_SYS(setpriority), 2, {{0, SCMP_CMP_EQ, PRIO_PROCESS, 0}, {1, SCMP_CMP_EQ, 0, 0}}},
    {SCMP_SYS(sched_setaffinity), 1, {{0, SCMP_CMP_EQ, 0, 0}}},
};

/* An ioctl's second byte tells whose it is. Those of terminals ('T'), which type for their user, and of files are not here. */
static const unsigned char ioctl_types[] = {
    'd', /* DRM: every render node */
    'K', /* AMD's /dev/kfd */
    'F', /* NVIDIA's nodes */
    0,   /* its /dev/nvidia-uvm, which counts from 1 */
    'G', /* WSL's /dev/dxg */
    'b', /* dma-buf */
    '>', /* a fence as a file */
};

/* Of fcntl: another descriptor of the same, and a buffer that keeps its size. */
static const int fcntl_commands[] = {F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS};

/* Before Tiger Lake, Intel's VA driver shares out a GPU's two video engines by a count that its processes have in common, in
 * System V memory of this key ("D\0VX"), and gives up without. What others of this user keep in such memory is in reach. */
enum { INTEL_KEY = 0x44005658 };

static const int intel_makes[] = {SCMP_SYS(semget), SCMP_SYS(shmget)};
static const int intel_uses[] = {SCMP_SYS(semop), SCMP_SYS(semtimedop), SCMP_SYS(semctl),
                                 SCMP_SYS(shmat), SCMP_SYS(shmdt),      SCMP_SYS(shmctl)};

static int add_vaapi(scmp_filter_ctx filter)
{
    int ret = 0;
    for (size_t i = 0; !ret && i < sizeof intel_makes / sizeof *intel_makes; i++)
        ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, intel_makes[i], 1, SCMP_A0_32(SCMP_CMP_EQ, INTEL_KEY));
    for (size_t i = 0; !ret && i < sizeof intel_uses / sizeof *intel_uses; i++)
        ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, intel_uses[i], 0);
    return ret;
}

static int add_hardware(scmp_filter_ctx filter)
{
    int ret = 0;
    for (size_t i = 0; !ret && i < sizeof hardware / sizeof *hardware; i++)
        ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, hardware[i], 0);
    for (size_t i = 0; !ret && i < sizeof ioctl_types; i++)
        ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, 0xff00, (scmp_datum_t)ioctl_types[i] << 8));
    for (size_t i = 0; !ret && i < sizeof fcntl_commands / sizeof *fcntl_commands; i++)
        ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                               SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntl_commands[i]));
    return ret;
}

static int add_rules(scmp_filter_ctx filter, const char *device)
{
    const struct scmp_arg_cmp self = {0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0};
    int ret = 0;
    for (size_t i = 0; !ret && i < sizeof plain / sizeof *plain; i++)
        ret = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain[i], 0);
    if (!ret && device)
        ret = add_hardware(filter);
    if (!ret && device && !strncmp(device, "vaapi", 5))
        ret = add_vaapi(filter);
    for (size_t i = 0; !ret && i < sizeof limited / sizeof *limited; i++)
        ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, limited[i].call, limited[i].count, limited[i].args);
    if (!ret)
        ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, &self);
    /* its flags lie in memory, where no filter sees them: libc then takes clone */
    return ret ? ret : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int vd_syscalls_restrict(const char *device)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int ret = filter ? add_rules(filter, device) : -ENOMEM;
    if (!ret)
        ret = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1); /* a driver's threads too */
    if (!ret)
        ret = seccomp_load(filter);
    seccomp_release(filter);
    if (!ret)
        return 0;
    errno = -ret;
    return -1;
}
