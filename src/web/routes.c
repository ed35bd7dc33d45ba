/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "routes.h"

#include "answers.h"
#include "page.h"

#include <string.h>

static const struct vd_route routes[] = {
    {"/healthz", false, VD_MACHINES, vd_answer_health},
    {"/readyz", false, VD_MACHINES, vd_answer_ready},
    {"/metrics", false, VD_SCRAPERS, vd_answer_metrics},
    {"/version", false, VD_READERS, vd_answer_version},
    {"/api/jobs", false, VD_READERS, vd_answer_jobs},
    {"/api/jobs/*/cancel", true, VD_CHANGERS, vd_answer_cancel},
    {"/api/jobs/*/retry", true, VD_CHANGERS, vd_answer_retry},
    {"/events", false, VD_READERS, vd_answer_events},
    {"/media/*/original", false, VD_READERS, vd_answer_original},
    {"/media/*/result", false, VD_READERS, vd_answer_result},
    {"/login", true, VD_PAGES, vd_answer_login},
    {"/logout", true, VD_PAGES, vd_answer_logout},
};

static const struct vd_route page_route = {"/", false, VD_ANYBODY, vd_answer_page};

unsigned vd_route_find(struct vd_asked *asked)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes && !asked->route; i++)
        if (vd_path_is(asked->path, routes[i].path, asked->job))
            asked->route = &routes[i];
    for (size_t i = 0; i < vd_page_count && !asked->route; i++)
        if (!strcmp(asked->path, vd_pages[i].path))
            asked->route = &page_route;
    if (!asked->route)
        return MHD_HTTP_NOT_FOUND;
    return asked->route->post == asked->post ? 0 : MHD_HTTP_METHOD_NOT_ALLOWED;
}

static enum MHD_Result refuse(struct vd_asked *asked)
{
    if (asked->who == VD_STRANGER)
        return vd_answer_error(asked, MHD_HTTP_UNAUTHORIZED,
                               "this token or sign-in is not valid, or not any more; sign in");
    if (!asked->web->guard.token)
        return vd_answer_error(asked, MHD_HTTP_UNAUTHORIZED,
                               "a proxy brings others here, and there is no token; set http.token_file");
    return vd_answer_error(asked, MHD_HTTP_UNAUTHORIZED, "a token is wanted here; sign in, or send it");
}

static enum MHD_Result refuse_change(struct vd_asked *asked)
{
    if (asked->who == VD_STRANGER)
        return refuse(asked);
    return vd_answer_error(asked, MHD_HTTP_FORBIDDEN, "jobs are changed by who has the token; sign in, or send it");
}

enum MHD_Result vd_route_answer(struct vd_asked *asked)
{
    const struct vd_web *web = asked->web;
    enum vd_right right = asked->route->right;
    bool known = asked->who == VD_BEARER || asked->who == VD_VISITOR;
    bool changes = right == VD_CHANGERS || right == VD_PAGES;
    if ((changes || right == VD_READERS) &&
        !vd_guard_origin(vd_asked_header(asked, "Origin"), vd_asked_header(asked, "Sec-Fetch-Site"),
                         vd_asked_header(asked, "Host"), changes ? asked->who : VD_NOBODY))
        return vd_answer_error(asked, MHD_HTTP_FORBIDDEN, "only vidriera's own page may ask for this");
    if ((right == VD_CHANGERS || asked->route->answer == vd_answer_login) && !web->guard.token)
        return vd_answer_error(asked, MHD_HTTP_FORBIDDEN,
                               "there is no token here, so nobody may change jobs; set http.token_file");
    if (right == VD_CHANGERS && !known)
        return refuse_change(asked);
    if (right == VD_READERS && vd_asked_hidden(asked))
        return refuse(asked);
    if (right == VD_SCRAPERS && web->setup.metrics_auth && !known)
        return refuse(asked);
    return asked->route->answer(asked);
}
