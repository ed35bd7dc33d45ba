/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera topics`: are Kafka's topics there, and as they should be? */
#include "services.h"

#include "vidriera/text.h"
#include "vidriera/topics.h"

#include <string.h>

enum { ANSWER_MS = 10000 };

static void print(void *opaque, bool good, const char *line)
{
    char text[512];
    (void)opaque;
    (void)good;
    snprintf(text, sizeof text, "%s", line);
    vd_text_clean(text); /* it quotes the broker */
    puts(text);
}

static int check(const struct vd_settings *settings, struct vd_err *err)
{
    struct vd_bus_setup bus;
    struct vd_embedded_address embedded;
    struct vd_err unsaid;
    if (settings->check == settings->create)
        return vd_fail(err, VD_USAGE, "", "topics: what is wanted?; give one of --check and --create");
    if (vd_services_bus(settings, NULL, &bus, &embedded, err) < 0)
        return -1;
    int ret = vd_topics_check(&bus, settings->create, ANSWER_MS, print, NULL, err);
    if (vd_command_printed(ret < 0 ? &unsaid : err) < 0)
        ret = -1;
    return ret;
}

int vd_cmd_topics(const struct vd_command *self, int argc, char **argv)
{
    struct vd_settings settings;
    struct vd_err err = {0};
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0)
        ret = check(&settings, &err);
    vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
