/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a slot that holds a driver cannot do, and what it can: the driver is in its memory, and so is what took it over. */
#include "hostile.h"

#include <asm/ioctls.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <pty.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>

/* No driver opens: the sandbox is the same. */
#define DEVICE "vaapi:/dev/dri/renderD250"
#define VERDICT "device-known.json"

TRY(type, ioctl(STDERR_FILENO, TIOCSTI, "x"))
TRY(steal_terminal, ioctl(STDERR_FILENO, TIOCSCTTY, 1))
TRY(ask_terminal, ioctl(STDERR_FILENO, TIOCGWINSZ, &(struct winsize){0}))
TRY(mark_file, ioctl(fd, FS_IOC_SETFLAGS, &(int){0}))
TRY(clone_file, ioctl(fd, FICLONE, fd))
TRY(drive, ioctl(fd, _IO('d', 0), NULL))
TRY(join_session, setsid())
TRY(lock, fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK}))
TRY(own, fcntl(fd, F_SETOWN, getppid()))
TRY(signal_io, fcntl(fd, F_SETFL, O_ASYNC))
TRY(lease, fcntl(fd, F_SETLEASE, F_RDLCK))
TRY(widen, fcntl(fd, F_SETPIPE_SZ, 1 << 20))

TRY(settings, open("/etc", O_RDONLY | O_DIRECTORY))
TRY(shared_memory, open("/dev/shm", O_RDONLY | O_DIRECTORY))
TRY(loader, open("/etc/ld.so.cache", O_RDONLY))

/* Beside or in the folder for drivers, which the environment names. */
static int open_in_cache(const char *name, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", getenv("POCL_CACHE_DIR"), name);
    return open(path, flags | O_CLOEXEC, 0600);
}

TRY(read_verdict, open_in_cache("../" VERDICT, O_RDONLY))
TRY(write_verdict, open_in_cache("../" VERDICT, O_WRONLY))
TRY(make_verdict, open_in_cache("../device-new.json", O_WRONLY | O_CREAT))
TRY(keep_kernel, open_in_cache("kernel", O_WRONLY | O_CREAT))

static int try_replace_verdict(int fd)
{
    char from[PATH_MAX], to[PATH_MAX];
    (void)fd;
    snprintf(from, sizeof from, "%s/forged", getenv("POCL_CACHE_DIR"));
    snprintf(to, sizeof to, "%s/../" VERDICT, getenv("POCL_CACHE_DIR"));
    if (open_in_cache("forged", O_WRONLY | O_CREAT) < 0)
        return 0;
    return outcome(rename(from, to));
}

TRY(semaphore, semget(IPC_PRIVATE, 1, IPC_CREAT | 0600))
TRY(segment, shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600))

/* Which need not be there. */
static int can_ask_for_intels(int fd)
{
    (void)fd;
    return shmget(0x44005658, 1, 0) < 0 && errno == EPERM ? EPERM : 0;
}

static int open_of_parent(const char *what, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", getppid(), what);
    return open(path, flags | O_CLOEXEC);
}

TRY(environment, open_of_parent("environ", O_RDONLY))
TRY(memory, open_of_parent("mem", O_RDWR))
TRY(descriptor, open_of_parent("fd/0", O_RDONLY))
TRY(slow_down, sched_setscheduler(getppid(), SCHED_IDLE, &(struct sched_param){0}))
TRY(outlast, open("/proc/self/oom_score_adj", O_WRONLY))
TRY(core_pattern, open("/proc/sys/kernel/core_pattern", O_WRONLY))
TRY(tty, open("/dev/tty", O_RDWR))
TRY(tmp, open("/tmp", O_RDONLY | O_DIRECTORY))
TRY(run, open("/run", O_RDONLY | O_DIRECTORY))
TRY(var, open("/var", O_RDONLY | O_DIRECTORY))
TRY(make_folder, mkdir("/tmp/vidriera-no-such-folder", 0777))

static int with_verdict(int (*act)(const char *verdict))
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/../" VERDICT, getenv("POCL_CACHE_DIR"));
    return act(path);
}

static int open_up(const char *verdict)
{
    return chmod(verdict, 0666);
}

static int cut_off(const char *verdict)
{
    return truncate(verdict, 0);
}

static int link_in(const char *verdict)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/link", getenv("POCL_CACHE_DIR"));
    return link(verdict, path);
}

TRY(open_up, with_verdict(open_up))
TRY(cut_off, with_verdict(cut_off))
TRY(link, with_verdict(link_in))
TRY(remove_verdict, with_verdict(unlink))

static int can_duplicate(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return copy < 0 ? errno : outcome(fcntl(copy, F_GETFL) | fcntl(copy, F_SETFD, 0) | close(copy));
}

static int can_seal(int fd)
{
    int memory = memfd_create("buffer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    (void)fd;
    int error = outcome(memory < 0 ? -1 : fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) | fcntl(memory, F_GET_SEALS));
    close(memory);
    return error;
}

static const struct attempt attempts[] = {
    {"type into the terminal", try_type, EPERM},
    {"take the terminal", try_steal_terminal, EPERM},
    {"ask for the terminal's size", try_ask_terminal, EPERM},
    {"change a file's marks", try_mark_file, EPERM},
    {"clone a file", try_clone_file, EPERM},
    {"drive what is no render node", try_drive, ENOTTY},
    {"begin another session", try_join_session, EPERM},
    {"lock a file that others wait for", try_lock, EPERM},
    {"have its parent signalled", try_own, EPERM},
    {"be signalled, as its parent would be", try_signal_io, EPERM},
    {"hold up others with a lease", try_lease, EPERM},
    {"take a pipe's room", try_widen, EPERM},
    {"slow its parent down", try_slow_down, EPERM},
    {"change who may read a verdict", try_open_up, EPERM},
    {"cut a verdict off", try_cut_off, EPERM},
    {"link a verdict to where it may write", try_link, EPERM},
    {"see its parent's environment", try_environment, REFUSED},
    {"write to its parent's memory", try_memory, REFUSED},
    {"open what its parent has open", try_descriptor, REFUSED},
    {"outlast others when memory runs out", try_outlast, EACCES},
    {"tell the kernel what to do", try_core_pattern, EACCES},
    {"open its user's terminal", try_tty, EACCES},
    {"look into /tmp", try_tmp, EACCES},
    {"look into /run", try_run, EACCES},
    {"look into /var", try_var, EACCES},
    {"make a folder in /tmp", try_make_folder, EACCES},
    {"remove a verdict", try_remove_verdict, REFUSED},
    {"read /etc/passwd", try_passwd, EACCES},
    {"look into /etc", try_settings, EACCES},
    {"look for others' shared memory", try_shared_memory, EACCES},
    {"read a verdict", try_read_verdict, EACCES},
    {"write a verdict", try_write_verdict, EACCES},
    {"make a verdict", try_make_verdict, EACCES},
    {"put a verdict in another's place", try_replace_verdict, REFUSED},
    {"read what the loader knows", try_loader, 0},
    {"open /dev/null", try_null, 0},
    {"open what /proc tells of it", try_self, 0},
    {"look for a file", try_stat, 0},
    {"keep what its driver compiled", try_keep_kernel, 0},
    {"make a semaphore", try_semaphore, EPERM},
    {"make memory that others find", try_segment, EPERM},
    {"ask for the memory of Intel's driver", can_ask_for_intels, 0},
    {"duplicate a descriptor", can_duplicate, 0},
    {"seal its memory", can_seal, 0},
};

enum { ATTEMPTS = sizeof attempts / sizeof *attempts };

/* ---- outside ---- */

static char cache[32];

static int make_cache(void **state)
{
    static const char *const elsewhere[] = {"POCL_CACHE_DIR", "NEO_CACHE_DIR", "cl_cache_dir", "CUDA_CACHE_PATH",
                                            "MESA_SHADER_CACHE_DIR"};
    char path[64];
    (void)state;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        unsetenv(elsewhere[i]);
    folder_make(cache);
    snprintf(path, sizeof path, "%s/" VERDICT, cache);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 ? -1 : close(fd);
}

static int drop_cache(void **state)
{
    (void)state;
    folder_drop(cache);
    return 0;
}

static int start(void **state)
{
    const struct vd_limits limits = {.memory_bytes = MEMORY};
    struct vd_err err = {0};
    (void)state;
    return vd_slot_start(&slot, &(struct vd_slot_setup){.limits = &limits, .device = DEVICE, .cache = cache}, &err);
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

/* As on a kernel without landlock, for this process and what it starts. */
static bool take_landlock_away(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool taken = filter &&
                 seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(landlock_create_ruleset), 0) == 0 &&
                 seccomp_load(filter) == 0;
    seccomp_release(filter);
    return taken;
}

/* Why the device is not there: because of landlock, or because there is no such node, which takes a driver to know. */
static bool is_refused(bool without_landlock)
{
    const struct vd_limits limits = {.memory_bytes = MEMORY, .without_landlock = without_landlock};
    struct vd_err err;
    if (vd_slot_start(&slot, &(struct vd_slot_setup){.limits = &limits, .device = DEVICE}, &err) < 0)
        return without_landlock;
    wait_until_locked();
    vd_slot_stop(&slot);
    return strstr(no_device, "without_landlock = yes") != NULL;
}

static void needs_landlock(void **state)
{
    int status;
    (void)state;
    if (SANITIZED)
        skip();
    if (has_landlock()) {
        assert_false(is_refused(false));
        assert_string_not_equal(no_device, "");
    }
    pid_t child = fork();
    if (child == 0)
        _exit(!take_landlock_away() || !is_refused(false) || is_refused(true));
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void refuses(void **state)
{
    (void)state;
    if (SANITIZED || !has_landlock())
        skip();
    ask_all(in_every_slot, IN_EVERY_SLOT);
    ask_all(attempts, ATTEMPTS);
}

/* In a program whose terminal is the slot's standard error: whether the slot has no part in it. */
static bool stays_out(void)
{
    if (start(NULL) < 0)
        return false;
    wait_until_locked();
    bool out = getsid(slot.pid) == slot.pid && getsid(0) != slot.pid;
    for (int row = 0; !SANITIZED && row < ATTEMPTS; row++)
        if (attempts[row].make == try_type)
            out = out && ask(attempts, row) == EPERM;
    vd_slot_stop(&slot);
    return out;
}

static void has_no_terminal(void **state)
{
    int terminal, status;
    (void)state;
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0)
        _exit(!stays_out());
    waitpid(child, &status, 0);
    close(terminal);
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return hostile_main(attempts);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses, start, stop),
        cmocka_unit_test(has_no_terminal),
        cmocka_unit_test(needs_landlock),
    };
    return cmocka_run_group_tests(tests, make_cache, drop_cache);
}
