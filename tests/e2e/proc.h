/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running programs from a test: argv, never a shell, unless the shell is the program. What they say is kept in memory
 * files, so that a test can look at it while they run and no pipe can fill up. One thread.
 */
#ifndef E2E_PROC_H
#define E2E_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Long enough for the slowest sanitizer on a busy machine: whoever waits that long hangs. */
enum { PROC_PATIENCE_S = 120 };

struct proc {
    pid_t pid; /* leads a process group of its own, as a job of a shell does */
    int out, err;
};

/* How it ended. out and err are 0-terminated; proc_forget() frees them. */
struct outcome {
    int status;     /* as waitpid tells it */
    bool timed_out; /* it had to be killed */
    struct rusage usage;
    double wall_s;
    char *out, *err;
};

/* The exit status, or 128 + the signal, as a shell would say it. */
int proc_code(const struct outcome *outcome);

/* Fails the test when it cannot be started. folder: where it runs; NULL: here. */
void proc_start(struct proc *proc, const char *folder, char *const argv[]);

/* Waits, at most PROC_PATIENCE_S; then the whole group is killed. */
void proc_finish(struct proc *proc, struct outcome *outcome);
void proc_run(struct outcome *outcome, const char *folder, char *const argv[]);
void proc_forget(struct outcome *outcome);

/* What it has said so far; the caller frees it. */
char *proc_said(int fd);

/* False when it has ended already; its status stays to be collected. */
bool proc_runs(const struct proc *proc);

/* A child of that process, or 0. Needs /proc/PID/task/PID/children. */
pid_t proc_child(pid_t pid);

/* From now on, orphans of what the test starts become the test's children ... */
void proc_adopt_orphans(void);

/* ... and this waits until there is none left. False when they outlive PROC_PATIENCE_S; they are killed then. */
bool proc_orphans_end(void);

double proc_now(void);

/* Between two looks at a condition. */
void proc_breathe(void);

#endif
