/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FFmpeg's own words, through our door. */
#include "vidriera/log.h"
#include "vidriera/media.h"

#include <libavutil/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FFmpeg calls errors what are properties of the input; ours are said once, at the top. So its errors are details. */
static enum vd_level level_of(int level)
{
    return level <= AV_LOG_WARNING ? VD_LOG_DEBUG : VD_LOG_TRACE;
}

static void forward(void *object, int level, const char *fmt, va_list args)
{
    static _Thread_local char line[512];
    static _Thread_local int prefix = 1;
    char part[512];
    if (level > AV_LOG_VERBOSE || level_of(level) > vd_log_get().level)
        return;
    av_log_format_line(object, level, fmt, args, part, sizeof part, &prefix);
    /* lines come in pieces: only a line feed ends one */
    size_t used = strlen(line), end = strcspn(part, "\n");
    snprintf(line + used, sizeof line - used, "%.*s", (int)end, part);
    if (part[end] == '\n') {
        vd_log(level_of(level), "ffmpeg: %s", line);
        line[0] = '\0';
    }
}

void vd_media_log_init(void)
{
    setenv("SVT_LOG", "0", 1); /* SVT-AV1 writes to stderr by itself: only what is fatal */
    av_log_set_level(AV_LOG_VERBOSE);
    av_log_set_callback(forward);
}
