/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/choose.h"

#include "trial.h"
#include "verdict.h"

#include "vidriera/log.h"
#include "vidriera/now.h"
#include "vidriera/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_S = 60, PAUSE_MAX_S = 3600, BUSY_S = 10 };

struct device {
    struct vd_trial trial;
    double failed_at;      /* monotonic: the last time */
    double again_at;       /* left alone until then */
    double pause;          /* the last one; 0: it has not failed */
    struct vd_err failure; /* what it is left alone for */
    bool said;
};

struct vd_chooser {
    char wanted[64];
    char *cache; /* NULL: none */
    struct vd_limits limits;
    bool afresh, automatic, cache_made;
    int count;
    struct device device[VD_CANDIDATES];
};

static void list(struct vd_chooser *chooser)
{
    struct vd_candidate found[VD_CANDIDATES];
    chooser->count = vd_device_candidates(chooser->wanted, found);
    for (int i = 0; i < chooser->count; i++) {
        struct vd_trial *trial = &chooser->device[i].trial;
        trial->candidate = found[i];
        trial->works = !strcmp(found[i].words, "cpu");
        if (*found[i].refusal)
            vd_fail(&trial->err, VD_UNAVAILABLE, "open", "%s", found[i].refusal);
    }
}

struct vd_chooser *vd_chooser_open(const struct vd_chooser_setup *setup, struct vd_err *err)
{
    struct vd_chooser *chooser = calloc(1, sizeof *chooser);
    if (chooser && setup->cache)
        chooser->cache = strdup(setup->cache);
    if (!chooser || (setup->cache && !chooser->cache)) {
        vd_fail(err, VD_INPUT, "open", "no memory to start; raise --max-memory");
        free(chooser);
        return NULL;
    }
    snprintf(chooser->wanted, sizeof chooser->wanted, "%s", setup->wanted);
    chooser->limits = *setup->limits;
    chooser->afresh = setup->afresh;
    chooser->automatic = !strcmp(setup->wanted, "auto");
    list(chooser);
    return chooser;
}

void vd_chooser_close(struct vd_chooser *chooser)
{
    if (!chooser)
        return;
    for (int i = 0; i < chooser->count; i++)
        json_decref(chooser->device[i].trial.report);
    free(chooser->cache);
    free(chooser);
}

/* NULL: there is none, or it cannot be made, which is said once. */
const char *vd_chooser_cache(struct vd_chooser *chooser)
{
    if (chooser->cache && !chooser->cache_made) {
        chooser->cache_made = vd_verdict_folder(chooser->cache);
        if (!chooser->cache_made) {
            vd_log(VD_LOG_INFO, "%s: cannot be made or written; nothing is kept there, give another --cache",
                   chooser->cache);
            free(chooser->cache);
            chooser->cache = NULL;
        }
    }
    return chooser->cache;
}

/* In a slot, whatever is known. */
static void try_out(struct vd_chooser *chooser, struct device *device)
{
    struct vd_trial *trial = &device->trial;
    const char *cache = vd_chooser_cache(chooser);
    struct vd_slot_setup setup = {.limits = &chooser->limits, .device = trial->candidate.words, .cache = cache};
    json_decref(trial->report);
    trial->err = (struct vd_err){0};
    trial->works = vd_trial_run(&setup, &trial->report, &trial->err) == 0;
    trial->tried = trial->works || trial->err.code != VD_AGAIN;
    if (trial->tried && cache)
        vd_verdict_write(cache, trial->candidate.key, vd_wall(),
                         &(struct vd_verdict_on){trial->works, trial->err, trial->report});
}

static bool remembered(struct vd_chooser *chooser, struct vd_trial *trial)
{
    struct vd_verdict_on verdict = {0};
    if (!chooser->cache || chooser->afresh ||
        !vd_verdict_read(chooser->cache, trial->candidate.key, vd_wall(), &verdict))
        return false;
    trial->tried = true;
    trial->works = verdict.works;
    trial->err = verdict.err;
    trial->report = verdict.report;
    return true;
}

static bool is_refused(const struct vd_trial *trial)
{
    return *trial->candidate.refusal || (trial->tried && !trial->works);
}

/* That it works is not true any more: it will be tried anew, here and by whoever reads the cache. */
static void forget(struct vd_chooser *chooser, struct vd_trial *trial)
{
    json_decref(trial->report);
    trial->report = NULL;
    trial->tried = trial->works = false;
    if (chooser->cache)
        vd_verdict_remove(chooser->cache, trial->candidate.key);
}

static void leave_alone(struct vd_chooser *chooser, struct device *device, const struct vd_err *err, double now)
{
    device->failure = *err;
    device->failed_at = now;
    if (err->code == VD_AGAIN) {
        device->again_at = fmax(device->again_at, now + BUSY_S);
        return;
    }
    device->pause = device->pause > 0 ? fmin(2 * device->pause, PAUSE_MAX_S) : PAUSE_S;
    device->again_at = now + device->pause;
    forget(chooser, &device->trial);
}

/* Whether auto may take it now; *err: why not. */
static bool fit(struct vd_chooser *chooser, struct device *device, struct vd_err *err)
{
    struct vd_trial *trial = &device->trial;
    if (device->again_at > vd_monotonic()) {
        *err = device->failure;
        return false;
    }
    if (!trial->tried && !trial->works && !*trial->candidate.refusal && !remembered(chooser, trial)) {
        try_out(chooser, device);
        if (!trial->works && !trial->tried)
            leave_alone(chooser, device, &trial->err, vd_monotonic());
    }
    *err = trial->err;
    return trial->works;
}

/* Where a device is, its refusal is news; that a machine has none is not. */
static void say_once(struct device *device, const struct vd_err *why)
{
    if (device->said)
        return;
    device->said = true;
    vd_log(strchr(device->trial.candidate.words, ':') ? VD_LOG_INFO : VD_LOG_DEBUG, "device %s is not used: %s",
           device->trial.candidate.words, why->text);
}

/* "<backend>: <why>", without what to do about it, unless a better one was refused for the same. */
static void add_reason(char *reason, size_t size, const struct vd_candidate *candidate, const char *text)
{
    const char *cure = strrchr(text, ';');
    int why = cure ? (int)(cure - text) : (int)strlen(text), name = (int)strcspn(candidate->words, ":");
    size_t used = strlen(reason);
    char piece[sizeof((struct vd_err *)0)->text];
    snprintf(piece, sizeof piece, "%.*s", why, text);
    if (strstr(reason, piece))
        return;
    bool named = !strncmp(piece, candidate->words, (size_t)name);
    int more = snprintf(reason + used, size - used, "%s%.*s%s%s", used ? "; " : "", named ? 0 : name, candidate->words,
                        named ? "" : ": ", piece);
    if ((size_t)more >= size - used && size > 4)
        strcpy(reason + size - 4, "…"); /* three bytes */
    vd_text_clean(reason);
}

/* The first that may be taken now, with what was against those before it. False: there is none, *why is the last one's
 * cause, or that of one that is busy. */
static bool take_first(struct vd_chooser *chooser, struct vd_choice *choice, struct vd_err *why)
{
    bool busy = false;
    for (int i = 0; i < chooser->count; i++) {
        struct device *device = &chooser->device[i];
        struct vd_err err = {0};
        if (fit(chooser, device, &err)) {
            snprintf(choice->words, sizeof choice->words, "%s", device->trial.candidate.words);
            return true;
        }
        say_once(device, &err);
        add_reason(choice->reason, sizeof choice->reason, &device->trial.candidate, err.text);
        busy = busy || err.code == VD_AGAIN;
    }
    vd_fail(why, busy ? VD_AGAIN : VD_UNAVAILABLE, "open", "--device %s: %.400s; see vidriera doctor", chooser->wanted,
            choice->reason);
    return false;
}

static const char *place_of(const struct vd_candidate *candidate)
{
    const char *colon = strchr(candidate->words, ':');
    return colon ? colon : "";
}

static int refuse_demanded(const struct vd_chooser *chooser, struct vd_err *err)
{
    if (chooser->count)
        return vd_fail(err, VD_UNAVAILABLE, "open", "--device %s: %s", chooser->wanted,
                       chooser->device[0].trial.candidate.refusal);
    return vd_fail(err, VD_UNAVAILABLE, "open", "--device %s: not in this build; see vidriera doctor", chooser->wanted);
}

static int take_demanded(struct vd_chooser *chooser, struct vd_choice *choice, struct vd_err *err)
{
    const char *place = NULL;
    bool several = false;
    for (int i = 0; i < chooser->count; i++) {
        const struct vd_candidate *candidate = &chooser->device[i].trial.candidate;
        if (*candidate->refusal)
            continue;
        several = several || (place && strcmp(place, place_of(candidate)) != 0);
        place = place ? place : place_of(candidate);
    }
    if (!place)
        return refuse_demanded(chooser, err);
    choice->demanded = true;
    if (several) /* that one opens does not mean that it works */
        return take_first(chooser, choice, err) ? 0 : -1;
    /* the family as it was demanded, so that its next row may open; the place as the rows have it */
    snprintf(choice->words, sizeof choice->words, "%.*s%s", (int)strcspn(chooser->wanted, ":"), chooser->wanted, place);
    if (strcmp(choice->words, "cpu") != 0)
        vd_chooser_cache(chooser);
    return 0;
}

int vd_chooser_take(struct vd_chooser *chooser, struct vd_choice *choice, struct vd_err *err)
{
    *choice = (struct vd_choice){0};
    if (!chooser->automatic)
        return take_demanded(chooser, choice, err);
    return take_first(chooser, choice, err) ? 0 : -1;
}

static struct device *find(struct vd_chooser *chooser, const char *words)
{
    for (int i = 0; i < chooser->count; i++)
        if (!strcmp(chooser->device[i].trial.candidate.words, words))
            return &chooser->device[i];
    return NULL;
}

bool vd_chooser_blames(const struct vd_err *err)
{
    static const char *const stages[] = {"open", "decode", "effect", "encode"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (!strcmp(err->stage, stages[i]))
            return err->code == VD_UNAVAILABLE || err->code == VD_AGAIN;
    return false;
}

/* Another row of the same node is the same hardware. */
static bool same_place(const char *one, const char *other)
{
    const char *place = strstr(one, ":/"), *there = strstr(other, ":/");
    return place && there ? !strcmp(place, there) : !strcmp(one, other);
}

void vd_chooser_failed(struct vd_chooser *chooser, const char *words, const struct vd_err *err, double now)
{
    for (int i = 0; i < chooser->count; i++) {
        struct device *device = &chooser->device[i];
        const char *mine = device->trial.candidate.words;
        bool given_up = same_place(mine, words) && strcmp(mine, "cpu") != 0; /* there is nothing to give it up for */
        if (given_up && !is_refused(&device->trial))
            leave_alone(chooser, device, err, now);
    }
}

void vd_chooser_worked(struct vd_chooser *chooser, const char *words, double began)
{
    struct device *device = find(chooser, words);
    if (!device || began < device->failed_at)
        return;
    device->again_at = device->pause = device->failed_at = 0;
    device->failure = (struct vd_err){0};
}

const struct vd_trial *vd_chooser_trial(const struct vd_chooser *chooser, int i)
{
    return i >= 0 && i < chooser->count ? &chooser->device[i].trial : NULL;
}

void vd_chooser_try_all(struct vd_chooser *chooser)
{
    for (int i = 0; i < chooser->count; i++) {
        struct vd_trial *trial = &chooser->device[i].trial;
        if (*trial->candidate.refusal || (!chooser->afresh && (trial->tried || remembered(chooser, trial))))
            continue;
        try_out(chooser, &chooser->device[i]);
    }
}

json_t *vd_chooser_codecs(struct vd_chooser *chooser, int i)
{
    const struct vd_trial *trial = vd_chooser_trial(chooser, i);
    if (!trial || !trial->works || !strcmp(trial->candidate.words, "cpu") ||
        !strncmp(trial->candidate.words, "opencl", strlen("opencl")))
        return NULL;
    const struct vd_slot_setup setup = {
        .limits = &chooser->limits, .device = trial->candidate.words, .cache = vd_chooser_cache(chooser)};
    return vd_trial_codecs(&setup);
}
