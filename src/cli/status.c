/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera status`: what the page shows, in a terminal. */
#include "ask.h"

#include "vidriera/log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EVERY_MS = 1000, WIDTH = 100, LEAST_WIDTH = 40 };

/* The board as it is; NULL: *err. */
static json_t *ask(const struct vd_settings *settings, uint64_t since, struct vd_err *err)
{
    char path[64], *body = NULL;
    const char *words = "";
    snprintf(path, sizeof path, "/api/jobs?since=%llu", (unsigned long long)since);
    int code = vd_ask(settings, path, true, &body, err);
    if (code < 0)
        return NULL;
    json_t *board = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    free(body);
    if (code == 200 && json_is_object(board))
        return board;
    json_unpack(board, "{s:s}", "error", &words);
    if (code == 401)
        vd_fail(err, VD_CONFIG, "", "%s: what is there shows nothing without its token; name the file with it: %s",
                settings->http.listen, "http.token_file, or VIDRIERA_HTTP_TOKEN_FILE");
    else if (*words)
        vd_fail(err, VD_UNAVAILABLE, "", "%s answers %d: %s", settings->http.listen, code, words);
    else
        vd_fail(err, VD_UNAVAILABLE, "", "%s answers %d; is it vidriera?", settings->http.listen, code);
    json_decref(board);
    return NULL;
}

static int width_of(FILE *to)
{
    struct winsize size;
    if (ioctl(fileno(to), TIOCGWINSZ, &size) < 0 || size.ws_col < LEAST_WIDTH)
        return WIDTH;
    return size.ws_col;
}

static int print_json(const json_t *board, bool lines, struct vd_err *err)
{
    if (json_dumpf(board, stdout, lines ? JSON_COMPACT : JSON_INDENT(2)) < 0)
        return vd_fail(err, VD_IO, "", "the status cannot be printed; check stdout");
    putchar('\n');
    return vd_command_printed(err);
}

/* A terminal is drawn anew; a pipe gets what has changed. */
static int print_news(const json_t *board, bool json, struct vd_err *err)
{
    size_t i;
    json_t *job;
    if (json)
        return print_json(board, true, err);
    if (isatty(STDOUT_FILENO)) {
        fputs("\033[H\033[2J", stdout);
        vd_status_print(stdout, board, width_of(stdout));
    } else {
        json_array_foreach (json_object_get(board, "jobs"), i, job)
            vd_status_line(stdout, job);
    }
    return vd_command_printed(err);
}

/* Who has answered once may be away for a while: an update, a restart. */
static bool may_come_back(const struct vd_err *err, uint64_t seen, bool away)
{
    if (!seen || err->code != VD_UNAVAILABLE)
        return false;
    if (!away)
        vd_log(VD_LOG_WARNING, "%s; it is asked again until it answers", err->text);
    return true;
}

static int follow(const struct vd_settings *settings, struct vd_err *err)
{
    bool whole = isatty(STDOUT_FILENO) && !settings->json, away = false;
    uint64_t seen = 0;
    for (;; poll(NULL, 0, EVERY_MS)) {
        json_t *board = ask(settings, whole ? 0 : seen, err);
        if (!board && !may_come_back(err, seen, away))
            return -1;
        away = !board;
        if (away)
            continue;
        uint64_t version = (uint64_t)json_integer_value(json_object_get(board, "version"));
        int ret = version != seen ? print_news(board, settings->json, err) : 0;
        seen = version;
        json_decref(board);
        if (ret < 0)
            return -1;
    }
}

static int show(const struct vd_settings *settings, struct vd_err *err)
{
    if (settings->follow)
        return follow(settings, err);
    json_t *board = ask(settings, 0, err);
    if (!board)
        return -1;
    int ret = 0;
    if (settings->json) {
        ret = print_json(board, false, err);
    } else {
        vd_status_print(stdout, board, width_of(stdout));
        ret = vd_command_printed(err);
    }
    json_decref(board);
    return ret;
}

int vd_cmd_status(const struct vd_command *self, int argc, char **argv)
{
    struct vd_settings settings;
    struct vd_err err = {0};
    int ret = vd_settings_read(&settings, self, argc, argv, &err);
    if (ret == 0)
        ret = show(&settings, &err);
    vd_settings_finish(&settings);
    return vd_command_end(ret, &err);
}
