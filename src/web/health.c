/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What machines ask for. */
#include "vidriera/metrics.h"

#include "answers.h"
#include "routes.h"

#include <string.h>

enum { WORDS = 2048 };

static enum MHD_Result tell(struct vd_asked *asked, bool (*is)(struct vd_board *board, char *words, size_t size))
{
    char words[WORDS + 1] = "";
    bool well = is(asked->web->setup.board, words, WORDS);
    strcat(well ? strcpy(words, "ok") : words, "\n");
    return vd_answer_text(asked, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, words);
}

enum MHD_Result vd_answer_health(struct vd_asked *asked)
{
    return tell(asked, vd_board_alive);
}

enum MHD_Result vd_answer_ready(struct vd_asked *asked)
{
    return tell(asked, vd_board_ready);
}

enum MHD_Result vd_answer_version(struct vd_asked *asked)
{
    return vd_answer_text(asked, MHD_HTTP_OK, "vidriera " VD_VERSION "\n");
}

enum MHD_Result vd_answer_metrics(struct vd_asked *asked)
{
    return vd_answer_made(asked, MHD_HTTP_OK, vd_metrics_text(), "text/plain; version=0.0.4; charset=utf-8");
}
