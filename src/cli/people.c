/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "people.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

/* The loops come round every second at the latest, but for a disk that is slow, and for devices that are tried anew. */
static const double patience = 120;

static int cancel(void *opaque, const char *job, struct vd_err *err)
{
    return vd_news_cancel(opaque, job, err);
}

static int retry(void *opaque, const char *job, struct vd_err *err)
{
    return vd_news_retry(opaque, job, err);
}

static int start_web(struct vd_people *people, const struct vd_settings *settings, const struct vd_roots *roots,
                     struct vd_err *err)
{
    const struct vd_web_setup setup = {
        .listen = settings->http.listen,
        .by_default = !vd_conf_find(&settings->conf, "http.listen"),
        .token_file = settings->http.token_file,
        .allowed_hosts = settings->http.allowed_hosts,
        .media = settings->http.media,
        .metrics_auth = settings->http.metrics_auth,
        .board = people->board,
        .roots = roots,
        .opaque = people->news,
        .cancel = cancel,
        .retry = retry,
    };
    if (!strcmp(settings->http.listen, "off"))
        return 0;
    if (vd_web_start(&people->web, &setup, err) < 0)
        return -1;
    if (people->web)
        vd_log(VD_LOG_INFO, "the page: http://%s/", vd_web_address(people->web));
    return 0;
}

static int start(struct vd_people *people, const struct vd_settings *settings, const char *kind, int slots,
                 const struct vd_bus_setup *bus, const struct vd_roots *roots, struct vd_err *err)
{
    const struct vd_board_setup setup = {
        .kind = kind, .worker = settings->worker_name, .slots = slots, .patience_s = patience};
    people->board = vd_board_create(&setup);
    if (!people->board)
        return vd_fail(err, VD_AGAIN, "", "no memory for what people look at; free some");
    if (vd_news_start(&people->news, bus, roots, people->board, err) < 0)
        return -1;
    return start_web(people, settings, roots, err);
}

int vd_people_start(struct vd_people *people, const struct vd_settings *settings, const char *kind, int slots,
                    const struct vd_bus_setup *bus, const struct vd_roots *roots, struct vd_err *err)
{
    sigset_t all, mask;
    *people = (struct vd_people){0};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    int ret = start(people, settings, kind, slots, bus, roots, err);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGHUP);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return ret;
}

bool vd_people_stop(struct vd_people *people)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
    if (!vd_web_stop(people->web) || !vd_news_stop(people->news))
        return false;
    vd_board_destroy(people->board);
    *people = (struct vd_people){0};
    return true;
}
