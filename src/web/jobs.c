/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/log.h"

#include "answers.h"
#include "routes.h"

#include <stdlib.h>

json_t *vd_jobs_look(const struct vd_asked *asked, uint64_t since)
{
    const struct vd_web *web = asked->web;
    const struct vd_web_setup *setup = &web->setup;
    json_t *look = vd_board_look(setup->board, since, setup->media);
    enum vd_who who = vd_asked_who(asked);
    bool known = who == VD_BEARER || who == VD_VISITOR, can = setup->cancel || setup->retry;
    json_t *page = json_pack("{s:b, s:b, s:b}", "media", (int)setup->media, "token", web->guard.token != NULL, "change",
                             (int)(known && can));
    if (json_object_set_new(look, "page", page) == 0)
        return look;
    json_decref(look);
    return NULL;
}

bool vd_jobs_since(const struct vd_asked *asked, uint64_t *since)
{
    const char *text = vd_asked_argument(asked, "since");
    *since = 0;
    return !text || vd_number_parse(text, since);
}

enum MHD_Result vd_answer_jobs(struct vd_asked *asked)
{
    uint64_t since;
    if (!vd_jobs_since(asked, &since))
        return vd_answer_error(asked, MHD_HTTP_BAD_REQUEST, "since is no version; take the one of an earlier answer");
    return vd_answer_json(asked, MHD_HTTP_OK, vd_jobs_look(asked, since));
}

/* 503 is for what may work later. */
static unsigned status_of(enum vd_code code)
{
    if (code == VD_NO_INPUT)
        return MHD_HTTP_NOT_FOUND;
    return code == VD_INPUT || code == VD_CONFIG ? MHD_HTTP_CONFLICT : MHD_HTTP_SERVICE_UNAVAILABLE;
}

static enum MHD_Result refuse(struct vd_asked *asked, const struct vd_err *err)
{
    vd_log(VD_LOG_INFO, "http: %s: %s", asked->job, err->text);
    char *words = vd_board_public(err->text);
    enum MHD_Result ret = vd_answer_error(asked, status_of(err->code), "%s", words ? words : "not now");
    free(words);
    return ret;
}

static enum MHD_Result change(struct vd_asked *asked, int (*what)(void *opaque, const char *job, struct vd_err *err))
{
    struct vd_err err = {0};
    if (!what)
        return vd_answer_error(asked, MHD_HTTP_NOT_FOUND, "this process cannot do that");
    if (what(asked->web->setup.opaque, asked->job, &err) < 0)
        return refuse(asked, &err);
    return vd_answer_json(asked, MHD_HTTP_ACCEPTED, json_pack("{s:s}", "job", asked->job));
}

enum MHD_Result vd_answer_cancel(struct vd_asked *asked)
{
    return change(asked, asked->web->setup.cancel);
}

enum MHD_Result vd_answer_retry(struct vd_asked *asked)
{
    return change(asked, asked->web->setup.retry);
}
