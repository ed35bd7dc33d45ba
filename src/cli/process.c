/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera process`: one recording in, one out. Everything hostile happens in a slot; this side opens files, watches,
 * and publishes. */
#include "naming.h"
#include "progress.h"
#include "result.h"
#include "settings.h"

#include "vidriera/slot.h"
#include "vidriera/store.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* One run of the command. */
struct process {
    struct vd_settings settings;
    struct vd_naming naming;  /* of the output */
    struct vd_naming picture; /* of the preview */
    int input;
    struct stat st;
    struct vd_stage output, preview;
    struct vd_slot slot;
    struct vd_progress progress;
    struct vd_progress_state state;
    int signals;    /* signalfd */
    int stopped_by; /* the signal that ended us; 0: none */
    double started; /* wall clock */
    json_t *report;
};

static double seconds_now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int open_signals(sigset_t *watched)
{
    sigemptyset(watched);
    sigaddset(watched, SIGINT);
    sigaddset(watched, SIGTERM);
    sigaddset(watched, SIGHUP);
    sigaddset(watched, SIGCONT);
    sigprocmask(SIG_BLOCK, watched, NULL);
    return signalfd(-1, watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* How the watch over a slot ended. */
enum ending { ENDED_DONE, ENDED_FAILED, ENDED_DIED, ENDED_STALLED, ENDED_STOPPED };

struct watch {
    double moved_at; /* when the slot last got anything done */
    int64_t work;
    double began;
    int signal, status;
};

static void show_progress(struct process *process, const struct watch *watch, const struct vd_media_progress *progress)
{
    process->state = (struct vd_progress_state){.fraction = progress->fraction,
                                                .frames = progress->frames,
                                                .spent_s = seconds_now(CLOCK_MONOTONIC) - watch->began,
                                                .position_s = progress->position_s};
    vd_progress_update(&process->progress, &process->state);
}

/* The slot knows no names: the input's goes in front of its words, and the stage, unless the input is the whole story. */
static void name_input(const struct process *process, const struct vd_err *said, struct vd_err *err)
{
    bool told = !*said->stage || !strcmp(said->stage, "open");
    vd_fail(err, said->code, said->stage, "%s: %s%s%s", process->settings.input, told ? "" : said->stage,
            told ? "" : ": ", said->text);
}

/* True when the slot has come to an end. */
static bool take_message(struct process *process, struct watch *watch, enum ending *ending, struct vd_err *err)
{
    struct vd_slot_message message;
    vd_slot_receive(&process->slot, &message);
    switch (message.event) {
    case VD_SLOT_PLANNED:
        if (vd_naming_settle(&process->naming, message.container, process->settings.overwrite, &process->st, err) == 0)
            return false;
        *ending = ENDED_FAILED;
        return true;
    case VD_SLOT_PROGRESS:
        if (message.progress.work != watch->work)
            watch->moved_at = seconds_now(CLOCK_MONOTONIC);
        watch->work = message.progress.work;
        show_progress(process, watch, &message.progress);
        return false;
    case VD_SLOT_DONE:
        process->report = message.report;
        *ending = ENDED_DONE;
        return true;
    case VD_SLOT_FAILED:
        name_input(process, &message.err, err);
        *ending = ENDED_FAILED;
        return true;
    case VD_SLOT_DIED:
        watch->signal = message.signal;
        watch->status = message.status;
        *ending = ENDED_DIED;
        return true;
    }
    return true;
}

/* True when a signal asks to end. */
static bool take_signal(struct process *process, struct watch *watch)
{
    struct signalfd_siginfo info;
    while (read(process->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        watch->moved_at = seconds_now(CLOCK_MONOTONIC); /* after Ctrl-Z and fg the slot's time begins anew */
        if (info.ssi_signo != SIGCONT)
            process->stopped_by = (int)info.ssi_signo;
    }
    return process->stopped_by;
}

/* The work was done, and checked; but a sanitizer that has something to say must be heard. */
static enum ending ended_badly(struct process *process, struct vd_err *err)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    json_decref(process->report);
    process->report = NULL;
    vd_fail(err, VD_DEFECT, "verify", "the media process ended badly");
    return ENDED_FAILED;
#else
    (void)err;
    vd_log(VD_LOG_DEBUG, "%s: the media process ended badly after its work was done", process->settings.input);
    return ENDED_DONE;
#endif
}

/* Runs one order in a fresh slot until it ends. */
static enum ending run_order(struct process *process, const struct vd_job *job, struct watch *watch, struct vd_err *err)
{
    struct vd_media_io io = {process->input, process->output.fd, process->preview.fd};
    enum ending ending = ENDED_STALLED;
    if (job->decode_only)
        io.output = io.preview = -1;
    *watch = (struct watch){.began = seconds_now(CLOCK_MONOTONIC)};
    watch->moved_at = watch->began;
    if (vd_slot_start(&process->slot, &job->limits, err) < 0)
        return ENDED_FAILED;
    if (vd_slot_send(&process->slot, job, &io) < 0)
        kill(process->slot.pid, SIGKILL); /* its end is the next message */
    struct pollfd polled[] = {{.fd = process->slot.socket, .events = POLLIN},
                              {.fd = process->signals, .events = POLLIN}};
    for (;;) {
        double left = watch->moved_at + (double)job->limits.stall_s - seconds_now(CLOCK_MONOTONIC);
        if (left <= 0)
            break;
        poll(polled, 2, (int)(left * 1000) + 1);
        if (polled[1].revents && take_signal(process, watch)) {
            ending = ENDED_STOPPED;
            break;
        }
        if (polled[0].revents && take_message(process, watch, &ending, err))
            break;
    }
    if (ending != ENDED_DONE)
        vd_slot_stop(&process->slot);
    else if (vd_slot_finish(&process->slot) < 0)
        ending = ended_badly(process, err);
    return ending;
}

static const char *how_it_died(enum ending ending, const struct watch *watch, char *text, size_t size)
{
    if (ending == ENDED_STALLED)
        snprintf(text, size, "made no progress");
    else if (watch->signal)
        snprintf(text, size, "died of SIG%s", sigabbrev_np(watch->signal) ? sigabbrev_np(watch->signal) : "?");
    else
        snprintf(text, size, "ended with status %d", watch->status);
    return text;
}

/* The media process died or hung. Whose fault? Software decoding of the same input, alone, in a fresh process, tells. */
static enum ending judge_death(struct process *process, enum ending ending, const struct watch *watch,
                               struct vd_err *err)
{
    char how[64], again[64];
    struct vd_job job = process->settings.job;
    struct watch second;
    struct vd_err refused = {0};
    how_it_died(ending, watch, how, sizeof how);
    job.decode_only = true;
    enum ending verdict = run_order(process, &job, &second, &refused);
    if (verdict == ENDED_STOPPED)
        return verdict;
    if (verdict == ENDED_FAILED && refused.code == VD_INPUT)
        *err = refused; /* it says itself what is wrong with the input */
    else if (verdict == ENDED_DIED || verdict == ENDED_STALLED)
        vd_fail(err, VD_INPUT, "decode", "%s: the media process %s, and decoding alone %s again; the input is unusable",
                process->settings.input, how, how_it_died(verdict, &second, again, sizeof again));
    else
        vd_fail(err, VD_DEFECT, "encode",
                "%s: the media process %s, but the input decodes; try again, with -v if it persists",
                process->settings.input, how);
    return ENDED_FAILED;
}

static int check_device(const struct vd_settings *settings, struct vd_err *err)
{
    if (!strcmp(settings->device, "auto") || !strcmp(settings->device, "cpu"))
        return 0;
    return vd_fail(err, VD_UNAVAILABLE, "open", "--device %s: not in this build; use auto or cpu", settings->device);
}

static int open_files(struct process *process, struct vd_err *err)
{
    const struct vd_settings *settings = &process->settings;
    process->input = vd_input_open(settings->input, &process->st, err);
    if (process->input < 0)
        return -1;
    if (vd_naming_begin(&process->naming, settings->input, settings->output, &process->settings.job, err) < 0 ||
        vd_naming_check(&process->naming, settings->overwrite, &process->st, err) < 0 ||
        vd_stage_create(&process->output, process->naming.folder, "process", err) < 0)
        return -1;
    if (!settings->preview)
        return 0;
    if (vd_naming_png(&process->picture, settings->preview, err) < 0 ||
        vd_naming_check(&process->picture, settings->overwrite, &process->st, err) < 0)
        return -1;
    return vd_stage_create(&process->preview, process->picture.folder, "preview", err);
}

static int publish(struct process *process, struct vd_err *err)
{
    bool replace = process->settings.overwrite;
    if (!vd_input_unchanged(process->input, &process->st))
        return vd_fail(err, VD_AGAIN, "commit", "%s changed while it was read; try again when it is finished",
                       process->settings.input);
    /* the recording last: when it is there, everything is */
    if (process->preview.fd >= 0 && vd_stage_commit(&process->preview, process->picture.name, replace, err) < 0)
        return -1;
    return vd_stage_commit(&process->output, process->naming.name, replace, err);
}

/* The whole command between options and exit status. */
static int run(struct process *process, struct vd_err *err)
{
    struct watch watch;
    if (check_device(&process->settings, err) < 0 || open_files(process, err) < 0)
        return -1;
    enum ending ending = run_order(process, &process->settings.job, &watch, err);
    if (ending == ENDED_DIED || ending == ENDED_STALLED)
        ending = judge_death(process, ending, &watch, err);
    vd_progress_end(&process->progress, &process->state);
    if (ending != ENDED_DONE)
        return -1;
    return publish(process, err);
}

static void clean_up(struct process *process)
{
    vd_slot_stop(&process->slot);
    vd_stage_drop(&process->output);
    vd_stage_drop(&process->preview);
    vd_naming_finish(&process->naming);
    vd_naming_finish(&process->picture);
    json_decref(process->report);
    if (process->input >= 0)
        close(process->input);
    if (process->signals >= 0)
        close(process->signals);
}

/* As a shell expects of a program that was interrupted. */
static void die_by(int signo, const sigset_t *watched)
{
    signal(signo, SIG_DFL);
    raise(signo);
    sigprocmask(SIG_UNBLOCK, watched, NULL);
}

static int say_error(const struct vd_err *err)
{
    vd_log(VD_LOG_ERROR, "%s", err->text);
    return vd_code_exit(err->code);
}

int vd_cmd_process(const struct vd_command *self, int argc, char **argv)
{
    struct process process = {.input = -1,
                              .signals = -1,
                              .output = VD_STAGE_NONE,
                              .preview = VD_STAGE_NONE,
                              .slot = VD_SLOT_NONE,
                              .naming = VD_NAMING_NONE,
                              .picture = VD_NAMING_NONE};
    struct vd_err err = {0};
    sigset_t watched;
    int done = vd_settings_read(&process.settings, self, argc, argv, &err);
    if (done)
        return done < 0 ? say_error(&err) : 0;
    vd_progress_init(&process.progress, process.settings.progress);
    process.started = seconds_now(CLOCK_REALTIME);
    process.signals = open_signals(&watched);
    int ret = run(&process, &err);
    if (ret == 0)
        vd_result_say(process.report, process.naming.path);
    if (process.settings.json && !process.stopped_by)
        ret = vd_result_print(&process.settings, process.naming.path, process.report, process.started, &err) < 0 ? -1
                                                                                                                 : ret;
    int stopped_by = process.stopped_by;
    clean_up(&process);
    if (stopped_by)
        die_by(stopped_by, &watched);
    return ret < 0 ? say_error(&err) : 0;
}
