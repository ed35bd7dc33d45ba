/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page and what belongs to it: there is no data in it. */
#include "answers.h"
#include "page.h"
#include "routes.h"

#include <string.h>

enum MHD_Result vd_answer_page(struct vd_asked *asked)
{
    size_t i = 0;
    while (strcmp(asked->path, vd_pages[i].path))
        i++;
    const struct vd_page *page = &vd_pages[i];
    const char *had = vd_asked_header(asked, "If-None-Match");
    bool same = had && strstr(had, page->tag);
    struct MHD_Response *response = vd_response_static(page->text, same ? 0 : page->size);
    if (response) {
        MHD_add_response_header(response, "Content-Type", page->type);
        MHD_add_response_header(response, "Cache-Control", "no-cache");
        MHD_add_response_header(response, "ETag", page->tag);
    }
    return vd_answer(asked, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}
