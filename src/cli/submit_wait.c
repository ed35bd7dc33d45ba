/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "submit.h"

#include "vidriera/now.h"
#include "vidriera/result.h"
#include "vidriera/state.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WAIT_MS = 500,    /* for one message */
    LOOK_MS = 1000,   /* between looks at the state folder */
    LOOKS = 100,      /* jobs looked up at a time: thousands may be waited for */
    SETTLE_MS = 2000, /* for the result of a job that is over: a duplicate has none */
    SHOW_MS = 5000,   /* between lines of one job's progress */
};

struct waiting {
    struct vd_submission *submission;
    struct vd_follower *follower;
    bool show; /* progress */
    int left;  /* jobs */
    int64_t looked_ms;
    int next; /* to be looked up */
};

static const char *text_of(const json_t *object, const char *member, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? text : otherwise;
}

static int print_document(const json_t *document, struct vd_err *err)
{
    char *text = vd_result_event(document);
    bool printed = text && puts(text) >= 0 && fflush(stdout) == 0;
    free(text);
    return printed ? 0 : vd_fail(err, VD_IO, "", "the result cannot be printed: %s; check stdout", strerror(errno));
}

/* document NULL: nothing is known but that the job was done before. */
static void say_end(struct vd_submission *submission, const struct vd_submitted *item, const json_t *document)
{
    const json_t *error = json_object_get(document, "error"), *output = json_object_get(document, "output");
    const char *status = text_of(document, "status", "completed");
    char text[480];
    enum vd_code code = VD_DEFECT;
    if (!strcmp(status, "completed")) {
        const char *path = text_of(output, "path", NULL);
        vd_log(VD_LOG_INFO, "%s: completed%s%s%s%s", item->path, path ? ": " : "",
               path ? text_of(output, "root", "processed") : "", path ? "/" : "", path ? path : "");
        return;
    }
    vd_code_parse(text_of(error, "code", ""), &code);
    snprintf(text, sizeof text, "%s: %s", status, text_of(error, "message", "for a reason that was not told"));
    vd_submit_fail(submission, item, code ? code : VD_DEFECT, text);
}

static int end(struct waiting *waiting, struct vd_submitted *item, const json_t *document, struct vd_err *err)
{
    item->state = VD_SUBMIT_OVER;
    waiting->left--;
    say_end(waiting->submission, item, document);
    if (document && waiting->submission->settings->json)
        return print_document(document, err);
    return 0;
}

static void show(struct vd_submitted *item, const json_t *status)
{
    char done[32] = "", speed[32] = "";
    double fraction = json_number_value(json_object_get(status, "fraction"));
    double fps = json_number_value(json_object_get(status, "fps"));
    int64_t now = vd_monotonic_ms();
    if (item->shown_ms && now - item->shown_ms < SHOW_MS)
        return;
    item->shown_ms = now;
    if (fraction > 0 && fraction <= 1)
        snprintf(done, sizeof done, ", %.0f %%", 100 * fraction);
    if (fps > 0 && fps < 1e6)
        snprintf(speed, sizeof speed, ", %.0f fps", fps);
    vd_log(VD_LOG_INFO, "%s: %s%s%s", item->path, text_of(status, "state", "running"), done, speed);
}

/* It is over; its result may still be on its way. */
static void settle(struct vd_submitted *item)
{
    if (!item->settles_ms)
        item->settles_ms = vd_monotonic_ms() + SETTLE_MS;
}

static int take_message(struct waiting *waiting, struct vd_err *err)
{
    char job[VD_JOB_ID];
    bool result;
    json_t *document;
    int ret = 0;
    if (!waiting->follower) {
        poll(NULL, 0, WAIT_MS);
        return 0;
    }
    if (vd_follower_next(waiting->follower, WAIT_MS, job, &result, &document) == 0)
        return 0;
    struct vd_submitted *item = vd_submit_find(waiting->submission, job);
    if (item && item->state == VD_SUBMIT_GIVEN) {
        if (result)
            ret = end(waiting, item, document, err);
        else if (!strcmp(text_of(document, "state", ""), "completed"))
            settle(item);
        else if (waiting->show)
            show(item, document);
    }
    json_decref(document);
    return ret;
}

/* What became of a job, in the state folder. */
static json_t *look_up(const struct waiting *waiting, const struct vd_submitted *item)
{
    json_t *document = NULL;
    return vd_done_find(&waiting->submission->roots, item->job, &document, NULL) == 1 ? document : NULL;
}

/* Ends that no message told of: of duplicates, of orders that went through the spool, of what a broker lost. */
static int look(struct waiting *waiting, struct vd_err *err)
{
    struct vd_submission *submission = waiting->submission;
    int64_t now = vd_monotonic_ms();
    int ret = 0;
    for (int i = 0; i < submission->count && ret == 0; i++) {
        struct vd_submitted *item = &submission->items[i];
        if (item->state != VD_SUBMIT_GIVEN || !item->settles_ms || now < item->settles_ms)
            continue;
        json_t *document = look_up(waiting, item);
        ret = end(waiting, item, document, err);
        json_decref(document);
    }
    for (int looks = 0, i = 0; looks < LOOKS && i < submission->count; i++) {
        struct vd_submitted *item = &submission->items[waiting->next++ % submission->count];
        if (item->state != VD_SUBMIT_GIVEN || item->settles_ms)
            continue;
        json_t *document = look_up(waiting, item);
        looks++;
        if (document)
            settle(item);
        json_decref(document);
    }
    waiting->next %= submission->count;
    return ret;
}

int vd_submit_wait(struct vd_submission *submission, struct vd_follower *follower, struct vd_err *err)
{
    struct waiting waiting = {
        .submission = submission, .follower = follower, .show = isatty(STDERR_FILENO), .looked_ms = vd_monotonic_ms()};
    for (int i = 0; i < submission->count; i++)
        waiting.left += submission->items[i].state == VD_SUBMIT_GIVEN;
    while (waiting.left > 0) {
        if (take_message(&waiting, err) < 0)
            return -1;
        if (vd_monotonic_ms() - waiting.looked_ms < LOOK_MS)
            continue;
        waiting.looked_ms = vd_monotonic_ms();
        if (look(&waiting, err) < 0)
            return -1;
    }
    return 0;
}
