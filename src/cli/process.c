/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera process`: one recording in, one out. Everything hostile happens in a slot; this side opens files, watches,
 * and publishes. */
#include "naming.h"
#include "progress.h"
#include "say.h"
#include "settings.h"

#include "vidriera/choose.h"
#include "vidriera/now.h"
#include "vidriera/slot.h"
#include "vidriera/store.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
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
    struct vd_chooser *chooser;
    char container[8]; /* of the output, once it is known; empty: not yet */
    struct vd_progress progress;
    struct vd_progress_state state;
    int signals;    /* signalfd */
    int stopped_by; /* the signal that ended us; 0: none */
    double started; /* wall clock */
    json_t *report;
};

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
    struct vd_err said; /* by a slot that failed, before the input was named */
};

static void show_progress(struct process *process, const struct watch *watch, const struct vd_media_progress *progress)
{
    process->state = (struct vd_progress_state){.fraction = progress->fraction,
                                                .frames = progress->frames,
                                                .spent_s = vd_monotonic() - watch->began,
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
        snprintf(process->container, sizeof process->container, "%s", message.container);
        if (vd_naming_settle(&process->naming, message.container, process->settings.overwrite, &process->st, err) == 0)
            return false;
        *ending = ENDED_FAILED;
        return true;
    case VD_SLOT_PROGRESS:
        if (message.progress.work != watch->work)
            watch->moved_at = vd_monotonic();
        watch->work = message.progress.work;
        show_progress(process, watch, &message.progress);
        return false;
    case VD_SLOT_DIGEST: /* nobody asked */
        return false;
    case VD_SLOT_DONE:
        process->report = message.report;
        *ending = ENDED_DONE;
        return true;
    case VD_SLOT_FAILED:
        watch->said = message.err;
        name_input(process, &message.err, err);
        *ending = ENDED_FAILED;
        return true;
    case VD_SLOT_DIED:
        if (!message.signal && message.status == VD_SLOT_UNSTARTED) {
            vd_fail(err, VD_UNAVAILABLE, "open",
                    "the media process cannot be started; is vidriera installed completely?");
            *ending = ENDED_FAILED;
            return true;
        }
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
        watch->moved_at = vd_monotonic(); /* after Ctrl-Z and fg the slot's time begins anew */
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
    struct vd_slot_order order = {
        .job = job, .io = {process->input, process->output.fd, process->preview.fd}, .claim = -1};
    enum ending ending = ENDED_STALLED;
    if (job->decode_only)
        order.io.output = order.io.preview = -1;
    *watch = (struct watch){.began = vd_monotonic()};
    watch->moved_at = watch->began;
    const struct vd_slot_setup setup = {
        .limits = &job->limits, .device = job->device, .cache = process->settings.cache};
    if (vd_slot_start(&process->slot, &setup, err) < 0)
        return ENDED_FAILED;
    if (vd_slot_send(&process->slot, &order) < 0)
        kill(process->slot.pid, SIGKILL); /* its end is the next message */
    struct pollfd polled[] = {{.fd = process->slot.socket, .events = POLLIN},
                              {.fd = process->signals, .events = POLLIN}};
    for (;;) {
        double left = watch->moved_at + (double)job->limits.stall_s - vd_monotonic();
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

static bool on_device(const struct process *process)
{
    const char *device = process->settings.job.device;
    return *device && strcmp(device, "cpu") != 0;
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
    job.device[0] = '\0';
    enum ending verdict = run_order(process, &job, &second, &refused);
    if (verdict == ENDED_STOPPED)
        return verdict;
    if (verdict == ENDED_FAILED && refused.code == VD_INPUT)
        *err = refused; /* it says itself what is wrong with the input */
    else if (verdict == ENDED_DIED || verdict == ENDED_STALLED)
        vd_fail(err, VD_INPUT, "decode", "%s: the media process %s, and decoding alone %s again; the input is unusable",
                process->settings.input, how, how_it_died(verdict, &second, again, sizeof again));
    else if (on_device(process))
        vd_fail(err, VD_UNAVAILABLE, "encode",
                "%s: the media process %s, but the input decodes without %s; see vidriera doctor",
                process->settings.input, how, process->settings.job.device);
    else
        vd_fail(err, VD_DEFECT, "encode",
                "%s: the media process %s, but the input decodes; try again, with -v if it persists",
                process->settings.input, how);
    return ENDED_FAILED;
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
    if (!process->naming.name)
        return vd_fail(err, VD_DEFECT, "commit", "%s: the media process never said what it makes; report this",
                       process->settings.input);
    if (!vd_input_unchanged(process->input, &process->st))
        return vd_fail(err, VD_AGAIN, "commit", "%s changed while it was read; try again when it is finished",
                       process->settings.input);
    /* the recording last: when it is there, everything is */
    if (process->preview.fd >= 0 && vd_stage_commit(&process->preview, process->picture.name, replace, err) < 0)
        return -1;
    return vd_stage_commit(&process->output, process->naming.name, replace, err);
}

static int choose(struct process *process, struct vd_err *err)
{
    struct vd_job *job = &process->settings.job;
    struct vd_choice choice;
    if (vd_chooser_take(process->chooser, &choice, err) < 0)
        return -1;
    snprintf(job->device, sizeof job->device, "%s", choice.words);
    snprintf(job->reason, sizeof job->reason, "%s", choice.reason);
    job->demanded = choice.demanded;
    return 0;
}

/* It said so, or the process that drove it died or made no progress. */
static bool is_the_devices(const struct process *process, enum ending ending, const struct watch *watch)
{
    if (!on_device(process))
        return false;
    return ending == ENDED_DIED || ending == ENDED_STALLED ||
           (ending == ENDED_FAILED && vd_chooser_blames(&watch->said));
}

/* Gives the device up, and leaves all as if nothing had been done, for the next best. False: *err stands. */
static bool start_anew(struct process *process, enum ending ending, const struct watch *watch, struct vd_err *err)
{
    struct vd_job *job = &process->settings.job;
    char how[64], failed[sizeof job->device];
    struct vd_err why = watch->said, none;
    snprintf(failed, sizeof failed, "%s", job->device);
    if (ending != ENDED_FAILED)
        vd_fail(&why, VD_UNAVAILABLE, "encode", "%s: the media process %s; see vidriera doctor", failed,
                how_it_died(ending, watch, how, sizeof how));
    vd_chooser_failed(process->chooser, failed, &why, INFINITY);
    if (choose(process, &none) < 0 || ftruncate(process->output.fd, 0) < 0 ||
        (process->preview.fd >= 0 && ftruncate(process->preview.fd, 0) < 0))
        return false;
    /* its name may be told already */
    if (*process->container)
        snprintf(job->container, sizeof job->container, "%s", process->container);
    vd_log(VD_LOG_WARNING, "%s: %s; begun anew on %s", process->settings.input, why.text, job->device);
    *err = (struct vd_err){0};
    return true;
}

/* With auto a device that fails in the middle costs another beginning. The processor is the last one, and fails for
 * reasons of its own. */
static enum ending run_job(struct process *process, struct vd_err *err)
{
    struct watch watch;
    const struct vd_job *job = &process->settings.job;
    enum ending ending = run_order(process, job, &watch, err);
    while (is_the_devices(process, ending, &watch) && !job->demanded && start_anew(process, ending, &watch, err))
        ending = run_order(process, job, &watch, err);
    if (is_the_devices(process, ending, &watch) && job->demanded) /* the next command tries what fits its words anew */
        vd_chooser_failed(process->chooser, job->device, &watch.said, INFINITY);
    return ending == ENDED_DIED || ending == ENDED_STALLED ? judge_death(process, ending, &watch, err) : ending;
}

/* The whole command between options and exit status. */
static int run(struct process *process, struct vd_err *err)
{
    if (vd_settings_device(&process->settings, err) < 0 || open_files(process, err) < 0)
        return -1;
    process->chooser = vd_chooser_open(&(struct vd_chooser_setup){.wanted = process->settings.device,
                                                                  .cache = process->settings.cache,
                                                                  .limits = &process->settings.job.limits},
                                       err);
    if (!process->chooser || choose(process, err) < 0)
        return -1;
    enum ending ending = run_job(process, err);
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
    vd_chooser_close(process->chooser);
    vd_settings_finish(&process->settings);
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
    if (done) {
        vd_settings_finish(&process.settings);
        return vd_command_end(done, &err);
    }
    vd_progress_init(&process.progress, process.settings.progress);
    process.started = vd_wall();
    process.signals = open_signals(&watched);
    int ret = run(&process, &err);
    if (ret == 0)
        vd_say_report(process.report, process.naming.path);
    if (process.settings.json && !process.stopped_by)
        ret = vd_say_document(&process.settings, process.naming.path, process.report, process.started, &err) < 0 ? -1
                                                                                                                 : ret;
    int stopped_by = process.stopped_by;
    clean_up(&process);
    if (stopped_by)
        die_by(stopped_by, &watched);
    return vd_command_end(ret, &err);
}
