/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera watch`: a finished recording becomes a job. */
#include "people.h"
#include "services.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { EMBEDDED_OUTSTANDING = 100 }; /* the embedded broker drops what is older than 5 MiB */

/* SIGTERM and SIGINT end the watch, on a thread of their own; a second one ends the process. */
struct signals {
    struct vd_watch_state *state;
    pthread_t thread;
    sigset_t before;
};

static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

static void *await_signals(void *opaque)
{
    struct vd_watch_state *state = opaque;
    const uint64_t one = 1;
    sigset_t all, ending;
    int signo;
    ending_signals(&ending);
    all = ending;
    sigaddset(&all, SIGHUP);
    while (sigwait(&all, &signo) == 0 && signo == SIGHUP)
        vd_log(VD_LOG_INFO, "SIGHUP: watch has nothing to read again; start it anew for other settings");
    vd_log(VD_LOG_INFO, "SIG%s: the watch ends", sigabbrev_np(signo));
    state->stop = true;
    if (write(state->wake, &one, sizeof one) < 0)
        vd_log(VD_LOG_DEBUG, "the watch is awake already");
    pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
    pause(); /* for the second one, which has no handler */
    return NULL;
}

/* Before any other thread exists: they inherit what is blocked. */
static int signals_begin(struct signals *signals, struct vd_watch_state *state, struct vd_err *err)
{
    sigset_t all;
    ending_signals(&all);
    sigaddset(&all, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &all, &signals->before);
    int error = pthread_create(&signals->thread, NULL, await_signals, state);
    if (error == 0)
        return 0;
    pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
    return vd_fail(err, VD_AGAIN, "", "no thread for signals: %s; try again", strerror(error));
}

static void signals_end(const struct signals *signals)
{
    pthread_cancel(signals->thread);
    pthread_join(signals->thread, NULL);
    pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}

static int watch(const struct vd_watch_setup *setup, struct vd_err *err)
{
    struct vd_watch_state state;
    struct signals signals;
    if (vd_watch_state_init(&state, err) < 0)
        return -1;
    int ret = signals_begin(&signals, &state, err);
    if (ret == 0) {
        ret = vd_watch_run(setup, &state, err);
        signals_end(&signals);
    }
    if (ret == 0)
        vd_log(VD_LOG_INFO, "watch ended: sent=%lld orphans=%lld", (long long)state.sent, (long long)state.orphans);
    vd_watch_state_finish(&state);
    return ret;
}

/* *hangs: a thread is left in a folder that does not answer. All that lives as long as it may is static. */
static int open_and_watch(const struct vd_settings *settings, bool *hangs, struct vd_err *err)
{
    static struct vd_roots roots = VD_ROOTS_NONE;
    static struct vd_bus_setup bus;
    static struct vd_embedded_address embedded;
    static struct vd_people people;
    if (vd_services_roots(settings, &roots, err) < 0)
        return -1;
    int ret = vd_services_bus(settings, &roots, &bus, &embedded, err);
    if (ret == 0) {
        struct vd_watch_setup setup = {
            .roots = &roots,
            .bus = &bus,
            .recipe = &settings->job.recipe,
            .quiet_s = (int)settings->quiet_s,
            .rescan_s = (int)settings->rescan_s,
            .outstanding = bus.embedded ? EMBEDDED_OUTSTANDING : 0,
            .once = settings->once,
            .alone = true,
        };
        ret = vd_people_start(&people, settings, "watch", 0, &bus, &roots, err);
        setup.board = people.board;
        setup.news = people.news;
        if (ret == 0)
            ret = watch(&setup, err);
        *hangs = !vd_people_stop(&people);
    }
    if (!*hangs)
        vd_roots_close(&roots);
    return ret;
}

int vd_cmd_watch(const struct vd_command *self, int argc, char **argv)
{
    static struct vd_settings settings;
    struct vd_err err = {0};
    bool hangs = false;
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0)
        ret = open_and_watch(&settings, &hangs, &err);
    if (!hangs)
        vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
