/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proc.h"

#include "suite.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

double proc_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void proc_breathe(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

int proc_code(const struct outcome *outcome)
{
    return WIFEXITED(outcome->status) ? WEXITSTATUS(outcome->status) : 128 + WTERMSIG(outcome->status);
}

void proc_start(struct proc *proc, const char *folder, char *const argv[])
{
    proc->out = memfd_create("out", MFD_CLOEXEC);
    proc->err = memfd_create("err", MFD_CLOEXEC);
    assert_true(proc->out >= 0 && proc->err >= 0);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, proc->out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, proc->err, STDERR_FILENO);
    if (folder)
        posix_spawn_file_actions_addchdir_np(&actions, folder);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);

    int error = posix_spawnp(&proc->pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        fail_msg("%s cannot be started: %s", argv[0], strerror(error));
}

char *proc_said(int fd)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    ssize_t got = pread(fd, text, (size_t)size, 0);
    text[got > 0 ? got : 0] = 0;
    return text;
}

/* False when it still runs at the deadline. */
static bool wait_until(pid_t pid, double deadline)
{
    int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(handle >= 0);
    struct pollfd ended = {.fd = handle, .events = POLLIN};
    int ready = 0;
    for (double left; ready <= 0 && (left = deadline - proc_now()) > 0;)
        ready = poll(&ended, 1, (int)(left * 1000) + 1);
    close(handle);
    return ready > 0;
}

void proc_finish(struct proc *proc, struct outcome *outcome)
{
    double start = proc_now();
    *outcome = (struct outcome){.timed_out = !wait_until(proc->pid, start + PROC_PATIENCE_S)};
    if (outcome->timed_out)
        kill(-proc->pid, SIGKILL);
    while (wait4(proc->pid, &outcome->status, 0, &outcome->usage) < 0)
        assert_int_equal(errno, EINTR);
    outcome->wall_s = proc_now() - start;
    outcome->out = proc_said(proc->out);
    outcome->err = proc_said(proc->err);
    close(proc->out);
    close(proc->err);
    *proc = (struct proc){.out = -1, .err = -1};
}

void proc_run(struct outcome *outcome, const char *folder, char *const argv[])
{
    struct proc proc;
    proc_start(&proc, folder, argv);
    proc_finish(&proc, outcome);
}

void proc_forget(struct outcome *outcome)
{
    free(outcome->out);
    free(outcome->err);
    *outcome = (struct outcome){0};
}

bool proc_runs(const struct proc *proc)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)proc->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

pid_t proc_child(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int child = 0;
    if (fscanf(file, "%d", &child) != 1)
        child = 0;
    fclose(file);
    return child;
}

void proc_adopt_orphans(void)
{
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
}

bool proc_orphans_end(void)
{
    double deadline = proc_now() + PROC_PATIENCE_S;
    for (;;) {
        pid_t pid = proc_child(getpid());
        if (!pid)
            return true;
        if (!wait_until(pid, deadline)) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return false;
        }
        waitpid(pid, NULL, 0);
    }
}
