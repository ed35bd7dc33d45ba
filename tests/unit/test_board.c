/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board: the same news make the same board, in whatever order they come. */
#include "vidriera/board.h"
#include "vidriera/now.h"
#include "vidriera/result.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct vd_board_setup setup = {.kind = "worker", .worker = "w1", .slots = 2, .patience_s = 1000};

static double now;

static struct vd_board *board_new(void)
{
    struct vd_board *board = vd_board_create(&setup);
    assert_non_null(board);
    return board;
}

static const char *stamp(double seconds)
{
    static _Thread_local char text[4][32];
    static _Thread_local int next;
    next = (next + 1) % 4;
    vd_time_text(now + seconds, text[next]);
    return text[next];
}

/* --- facts; times are seconds from now */

enum kind { WAITS, COMMITTED, STATUS, TOMBSTONE, RESULT, LETTER };

struct fact {
    enum kind kind;
    const char *job, *word; /* word: state or status */
    double time;
    int partition, offset; /* of a status: -1 none; of COMMITTED: the offset is the group's */
};

static void tell(struct vd_board *board, const struct fact *fact)
{
    struct vd_order order = {.root = "recordings", .path = "room/one.mp4", .session = "room"};
    json_t *document;
    switch (fact->kind) {
    case WAITS:
        snprintf(order.id, sizeof order.id, "%s", fact->job);
        vd_board_waits(board, fact->partition, fact->offset, (int64_t)((now + fact->time) * 1000), &order);
        break;
    case COMMITTED:
        vd_board_committed(board, fact->partition, fact->offset, 10);
        break;
    case STATUS:
        document = json_pack("{s:s, s:s, s:f, s:s}", "state", fact->word, "time", stamp(fact->time), "fraction", 0.5,
                             "worker", "w2");
        if (fact->offset >= 0) {
            json_object_set_new(document, "partition", json_integer(fact->partition));
            json_object_set_new(document, "offset", json_integer(fact->offset));
        }
        vd_board_status(board, fact->job, document);
        json_decref(document);
        break;
    case TOMBSTONE:
        vd_board_status(board, fact->job, NULL);
        break;
    case RESULT:
        document = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "job", fact->job, "status", fact->word, "finished",
                             stamp(fact->time), "input", "root", "recordings", "path", "room/one.mp4");
        vd_board_result(board, fact->job, document);
        json_decref(document);
        break;
    case LETTER:
        vd_board_dead_letter(board, fact->job, (int64_t)((now + fact->time) * 1000));
        break;
    }
}

/* The jobs as text, without what tells when they came. */
static char *picture(struct vd_board *board)
{
    json_t *look = vd_board_look(board, 0, true), *jobs = json_object_get(look, "jobs"), *job;
    json_t *sorted = json_object();
    size_t i;
    json_array_foreach (jobs, i, job) {
        json_object_del(job, "version");
        json_object_set(sorted, json_string_value(json_object_get(job, "job")), job);
    }
    json_object_set(sorted, "waiting", json_object_get(look, "waiting"));
    char *text = json_dumps(sorted, JSON_SORT_KEYS);
    json_decref(sorted);
    json_decref(look);
    return text;
}

enum { FACTS = 6 };

static const struct {
    const char *what;
    struct fact facts[FACTS];
    int count;
    const char *states; /* "job=state[+retry][+cancel] …", sorted by job */
} stories[] = {
    {"an order", {{WAITS, "a", NULL, -9, 0, 5}}, 1, "a=waiting+cancel"},
    {"an order without id", {{WAITS, "", NULL, -9, 0, 5}}, 1, "vidriera.jobs-0-5=waiting"},
    {"one before the group's offset", {{WAITS, "a", NULL, -9, 0, 5}, {COMMITTED, NULL, NULL, 0, 0, 6}}, 2, ""},
    {"the group's offset is its own",
     {{WAITS, "a", NULL, -9, 0, 5}, {COMMITTED, NULL, NULL, 0, 0, 5}},
     2,
     "a=waiting+cancel"},
    {"of another partition", {{WAITS, "a", NULL, -9, 0, 5}, {COMMITTED, NULL, NULL, 0, 1, 6}}, 2, "a=waiting+cancel"},
    {"it runs", {{WAITS, "a", NULL, -9, 0, 5}, {STATUS, "a", "running", -5, 0, 5}}, 2, "a=running+cancel"},
    {"it runs on",
     {{WAITS, "a", NULL, -9, 0, 5}, {STATUS, "a", "running", -5, 0, 5}, {STATUS, "a", "running", -4, 0, 5}},
     3,
     "a=running+cancel"},
    {"it is tried again",
     {{STATUS, "a", "running", -5, 0, 5}, {STATUS, "a", "retrying", -4, 0, 5}},
     2,
     "a=retrying+cancel"},
    {"named while it runs", {{WAITS, "", NULL, -9, 0, 5}, {STATUS, "a", "running", -5, 0, 5}}, 2, "a=running+cancel"},
    {"named, and given back",
     {{WAITS, "", NULL, -9, 0, 5}, {STATUS, "a", "running", -5, 0, 5}, {TOMBSTONE, "a", NULL, 0, 0, 0}},
     3,
     "a=waiting+cancel"},
    {"given back",
     {{WAITS, "a", NULL, -9, 0, 5}, {STATUS, "a", "running", -5, 0, 5}, {TOMBSTONE, "a", NULL, 0, 0, 0}},
     3,
     "a=waiting+cancel"},
    {"its worker died", {{WAITS, "a", NULL, -999, 0, 5}, {STATUS, "a", "running", -500, 0, 5}}, 2, "a=waiting+cancel"},
    {"its worker died, and the order is gone", {{STATUS, "a", "running", -500, 0, 5}}, 1, ""},
    {"completed",
     {{WAITS, "a", NULL, -9, 0, 5},
      {STATUS, "a", "running", -5, 0, 5},
      {RESULT, "a", "completed", -3, 0, 0},
      {STATUS, "a", "completed", -2, 0, 5},
      {TOMBSTONE, "a", NULL, 0, 0, 0},
      {COMMITTED, NULL, NULL, 0, 0, 6}},
     6,
     "a=completed"},
    {"completed, the tombstone is lost",
     {{STATUS, "a", "running", -5, 0, 5}, {RESULT, "a", "completed", -3, 0, 0}},
     2,
     "a=completed"},
    {"an end whose status alone is known", {{STATUS, "a", "failed", -5, 0, 5}}, 1, "a=failed"},
    {"failed", {{RESULT, "a", "failed", -3, 0, 0}}, 1, "a=failed"},
    {"failed, with a letter", {{RESULT, "a", "failed", -3, 0, 0}, {LETTER, "a", NULL, -3, 0, 0}}, 2, "a=failed+retry"},
    {"a letter alone", {{LETTER, "a", NULL, -3, 0, 0}}, 1, ""},
    {"rejected",
     {{RESULT, "vidriera.jobs-0-5", "rejected", -3, 0, 0}, {LETTER, "vidriera.jobs-0-5", NULL, -3, 0, 0}},
     2,
     "vidriera.jobs-0-5=rejected+retry"},
    {"cancelled", {{RESULT, "a", "cancelled", -3, 0, 0}}, 1, "a=cancelled"},
    {"retried and waiting",
     {{RESULT, "a", "failed", -9, 0, 0},
      {LETTER, "a", NULL, -9, 0, 0},
      {WAITS, "a", NULL, -5, 0, 7},
      {COMMITTED, NULL, NULL, 0, 0, 7}},
     4,
     "a=waiting+cancel"},
    {"retried and running",
     {{RESULT, "a", "failed", -9, 0, 0},
      {LETTER, "a", NULL, -9, 0, 0},
      {WAITS, "a", NULL, -5, 0, 7},
      {STATUS, "a", "running", -4, 0, 7}},
     4,
     "a=running+cancel"},
    {"retried with success",
     {{RESULT, "a", "failed", -9, 0, 0},
      {LETTER, "a", NULL, -9, 0, 0},
      {WAITS, "a", NULL, -5, 0, 7},
      {STATUS, "a", "running", -4, 0, 7},
      {RESULT, "a", "completed", -3, 0, 0}},
     5,
     "a=completed"},
    {"a duplicate that waits", {{RESULT, "a", "completed", -3, 0, 0}, {WAITS, "a", NULL, -5, 1, 7}}, 2, "a=completed"},
    {"two at once",
     {{WAITS, "a", NULL, -9, 0, 5},
      {WAITS, "b", NULL, -9, 1, 5},
      {STATUS, "b", "running", -4, 1, 5},
      {COMMITTED, NULL, NULL, 0, 0, 6},
      {COMMITTED, NULL, NULL, 0, 1, 5}},
     5,
     "b=running+cancel"},
    {"no job's name", {{RESULT, "../a", "completed", -3, 0, 0}, {STATUS, "", "running", -3, 0, 5}}, 2, ""},
};

enum { STORIES = sizeof stories / sizeof *stories };

static void states(struct vd_board *board, char *text, size_t size)
{
    json_t *look = vd_board_look(board, 0, true), *job;
    size_t i, used = 0;
    *text = 0;
    json_array_foreach (json_object_get(look, "jobs"), i, job) {
        bool cancel, retry;
        assert_true(vd_board_may(board, json_string_value(json_object_get(job, "job")), &cancel, &retry));
        assert_true(cancel == json_is_true(json_object_get(job, "cancel")));
        assert_true(retry == json_is_true(json_object_get(job, "retry")));
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s%s%s", i ? " " : "",
                                 json_string_value(json_object_get(job, "job")),
                                 json_string_value(json_object_get(job, "state")),
                                 json_is_true(json_object_get(job, "retry")) ? "+retry" : "",
                                 json_is_true(json_object_get(job, "cancel")) ? "+cancel" : "");
    }
    if (!*text) /* those that are gone are not known either */
        assert_false(vd_board_may(board, "a", &(bool){false}, &(bool){false}));
    json_decref(look);
}

/* Kafka keeps the order of status messages alone: they have one key. */
static bool possible(const struct fact *facts, const int *order, int count)
{
    for (int i = 0; i < count; i++)
        for (int j = i + 1; j < count; j++) {
            const struct fact *a = &facts[order[i]], *b = &facts[order[j]];
            bool both = (a->kind == STATUS || a->kind == TOMBSTONE) && (b->kind == STATUS || b->kind == TOMBSTONE);
            if (both && order[i] > order[j])
                return false;
        }
    return true;
}

/* Everything is told, then once more. */
static void try_order(int story, const int *order)
{
    char got[256];
    struct vd_board *board = board_new();
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < stories[story].count; i++)
            tell(board, &stories[story].facts[order[i]]);
        states(board, got, sizeof got);
        if (strcmp(got, stories[story].states))
            fail_msg("%s: %s", stories[story].what, got);
    }
    struct vd_board *straight = board_new();
    for (int i = 0; i < stories[story].count; i++)
        tell(straight, &stories[story].facts[i]);
    char *one = picture(board), *other = picture(straight);
    assert_string_equal(one, other);
    free(one);
    free(other);
    vd_board_destroy(straight);
    vd_board_destroy(board);
}

static void permute(int story, int *order, int at) // NOLINT(misc-no-recursion)
{
    int count = stories[story].count;
    if (at == count && possible(stories[story].facts, order, count))
        try_order(story, order);
    for (int i = at; i < count; i++) {
        int swap = order[at];
        order[at] = order[i];
        order[i] = swap;
        permute(story, order, at + 1);
        order[i] = order[at];
        order[at] = swap;
    }
}

static void any_order(void **state)
{
    (void)state;
    for (int story = 0; story < STORIES; story++) {
        int order[FACTS] = {0, 1, 2, 3, 4, 5};
        permute(story, order, 0);
    }
}

/* News that tell nothing new wake nobody. */
static void twice_is_once(void **state)
{
    (void)state;
    static const struct fact facts[] = {{WAITS, "a", NULL, -9, 0, 5},
                                        {STATUS, "a", "running", -5, 0, 5},
                                        {RESULT, "b", "failed", -3, 0, 0},
                                        {LETTER, "b", NULL, -3, 0, 0},
                                        {COMMITTED, NULL, NULL, 0, 0, 5}};
    struct vd_board *board = board_new();
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        uint64_t before = vd_board_await(board, 0, 0);
        tell(board, &facts[i]);
        uint64_t once = vd_board_await(board, 0, 0);
        assert_true(once > before);
        tell(board, &facts[i]);
        assert_int_equal(vd_board_await(board, 0, 0), once);
    }
    vd_board_destroy(board);
}

static size_t count_jobs(struct vd_board *board, const char *word)
{
    json_t *look = vd_board_look(board, 0, true), *job;
    size_t i, count = 0;
    json_array_foreach (json_object_get(look, "jobs"), i, job)
        count += !strcmp(json_string_value(json_object_get(job, "state")), word);
    json_decref(look);
    return count;
}

static void tell_many(struct vd_board *board, enum kind kind, int first, int last)
{
    for (int i = first; i != last; i += first < last ? 1 : -1) {
        char name[16];
        snprintf(name, sizeof name, "job%d", i);
        const struct fact fact = {kind, name, "completed", i - 1000, 0, i};
        tell(board, &fact);
    }
}

static void bounds(void **state)
{
    (void)state;
    struct vd_board *up = board_new(), *down = board_new();
    tell_many(up, RESULT, 1, 701);
    tell_many(down, RESULT, 700, 0);
    assert_int_equal(count_jobs(up, "completed"), VD_BOARD_ENDED);
    char *one = picture(up), *other = picture(down);
    assert_string_equal(one, other);
    assert_non_null(strstr(one, "\"job201\""));
    assert_null(strstr(one, "\"job200\""));
    free(one);
    free(other);
    vd_board_destroy(up);
    vd_board_destroy(down);
}

static void many_wait(void **state)
{
    (void)state;
    struct vd_board *up = board_new(), *down = board_new();
    tell_many(up, WAITS, 1, 701);
    tell_many(down, WAITS, 700, 0);
    vd_board_committed(up, 0, 1, 701);
    vd_board_committed(down, 0, 1, 701);
    assert_int_equal(count_jobs(up, "waiting"), VD_BOARD_WAITING);
    char *one = picture(up), *other = picture(down);
    assert_string_equal(one, other);
    assert_non_null(strstr(one, "\"job500\""));
    assert_null(strstr(one, "\"job501\""));
    assert_non_null(strstr(one, "\"waiting\": 700"));
    free(one);
    free(other);
    vd_board_committed(up, 0, 701, 701);
    assert_int_equal(count_jobs(up, "waiting"), 0);
    vd_board_destroy(up);
    vd_board_destroy(down);
}

static void since(void **state)
{
    (void)state;
    struct vd_board *board = board_new();
    tell(board, &(struct fact){RESULT, "a", "failed", -9, 0, 0});
    tell(board, &(struct fact){STATUS, "b", "running", -9, 0, 5});
    json_t *whole = vd_board_look(board, 0, true);
    assert_true(json_is_true(json_object_get(whole, "complete")));
    assert_int_equal(json_array_size(json_object_get(whole, "jobs")), 2);
    json_int_t version = json_integer_value(json_object_get(whole, "version"));

    tell(board, &(struct fact){TOMBSTONE, "b", NULL, 0, 0, 0});
    json_t *change = vd_board_look(board, (uint64_t)version, true), *job = json_object_get(change, "jobs");
    assert_true(json_is_false(json_object_get(change, "complete")));
    assert_int_equal(json_array_size(job), 1);
    job = json_array_get(job, 0);
    assert_string_equal(json_string_value(json_object_get(job, "job")), "b");
    assert_string_equal(json_string_value(json_object_get(job, "state")), "gone");

    static const double others[] = {1, 1e15}; /* of another life, before and after */
    for (int i = 0; i < 2; i++) {
        json_t *look = vd_board_look(board, (uint64_t)others[i], true);
        assert_true(json_is_true(json_object_get(look, "complete")));
        assert_int_equal(json_array_size(json_object_get(look, "jobs")), 1);
        json_decref(look);
    }
    json_decref(whole);
    json_decref(change);
    vd_board_destroy(board);
}

/* So many came and went that it is no longer known which: whoever saw the old ones gets all. */
static void long_ago(void **state)
{
    (void)state;
    struct vd_board *board = board_new();
    uint64_t version = vd_board_await(board, 0, 0);
    tell_many(board, RESULT, 1, 2001);
    json_t *look = vd_board_look(board, version, true);
    assert_true(json_is_true(json_object_get(look, "complete")));
    assert_int_equal(json_array_size(json_object_get(look, "jobs")), VD_BOARD_ENDED);
    json_decref(look);
    vd_board_destroy(board);
}

static void process(void **state)
{
    (void)state;
    char words[256];
    struct vd_board *board = board_new();
    assert_false(vd_board_ready(board, words, sizeof words));
    assert_string_equal(words, "kafka: starting\nfolders: starting\ndevice: starting\nrunning: starting");
    for (int i = 0; i < VD_NEEDS; i++)
        vd_board_need(board, (enum vd_need)i, i % 2 ? NULL : "");
    assert_true(vd_board_ready(board, words, sizeof words));
    assert_string_equal(words, "");
    vd_board_need(board, VD_NEED_FOLDERS, "processed/Visit of X/a.mp4: No space left; free some");
    assert_false(vd_board_ready(board, words, sizeof words));
    assert_string_equal(words, "folders: the recording: No space left; free some");
    vd_board_device(board, "cpu", "no device");
    vd_board_working(board, 1);
    json_t *look = vd_board_look(board, 0, false);
    assert_true(json_is_true(json_object_get(look, "alive")));
    assert_true(json_is_false(json_object_get(look, "ready")));
    assert_int_equal(json_integer_value(json_object_get(look, "working")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(look, "device"), "reason")), "no device");
    assert_true(json_is_null(json_object_get(json_object_get(look, "needs"), "kafka")));
    assert_true(json_is_null(json_object_get(json_object_get(look, "needs"), "queue")));
    assert_true(json_is_false(json_object_get(look, "read")));
    json_decref(look);
    uint64_t version = vd_board_await(board, 0, 0);
    vd_board_read(board, true, "x cannot be read");
    assert_true(vd_board_await(board, version, 0) > version);
    look = vd_board_look(board, 0, false);
    assert_true(json_is_true(json_object_get(look, "read")));
    assert_string_equal(json_string_value(json_object_get(json_object_get(look, "needs"), "queue")),
                        "x cannot be read");
    json_decref(look);
    version = vd_board_await(board, 0, 0);
    vd_board_read(board, true, "x cannot be read");
    assert_int_equal(vd_board_await(board, version, 0), version);
    vd_board_destroy(board);

    struct vd_board_setup stuck = setup;
    stuck.patience_s = -1;
    board = vd_board_create(&stuck);
    vd_board_beat(board);
    assert_false(vd_board_alive(board, words, sizeof words));
    assert_non_null(strstr(words, "the event loop"));
    vd_board_destroy(board);

    struct vd_board_setup watch = setup;
    watch.slots = 0;
    board = vd_board_create(&watch);
    assert_false(vd_board_ready(board, words, sizeof words));
    assert_null(strstr(words, "device"));
    vd_board_destroy(board);
}

static bool looks_alive(struct vd_board *board)
{
    json_t *look = vd_board_look(board, 0, false), *needs = json_object_get(look, "needs");
    const char *words = json_string_value(json_object_get(needs, "loop"));
    bool alive = json_is_true(json_object_get(look, "alive"));
    assert_true(json_is_true(json_object_get(look, "ready"))); /* its words are lost for no other */
    if (!alive)
        assert_non_null(strstr(words, "the event loop has not come round"));
    json_decref(look);
    return alive;
}

/* Time alone changes it: who looks already must hear of it without any other news. */
static void stuck_and_well(void **state)
{
    (void)state;
    struct vd_board_setup soon = setup;
    soon.patience_s = 0.5;
    struct vd_board *board = vd_board_create(&soon);
    assert_non_null(board);
    for (int i = 0; i < VD_NEEDS; i++)
        vd_board_need(board, (enum vd_need)i, NULL);
    uint64_t version = vd_board_await(board, 0, 0), seen = version;
    double until = vd_monotonic() + 60;
    while (version == seen && vd_monotonic() < until)
        version = vd_board_await(board, seen, 100);
    assert_true(version > seen);
    assert_false(looks_alive(board));
    seen = version;
    while (version == seen && vd_monotonic() < until) {
        vd_board_beat(board);
        version = vd_board_await(board, seen, 0);
    }
    assert_true(version > seen);
    vd_board_destroy(board);
}

static void nobody(void **state)
{
    (void)state;
    struct vd_order order = {0};
    vd_board_beat(NULL);
    vd_board_need(NULL, VD_NEED_KAFKA, "x");
    vd_board_device(NULL, "x", "y");
    vd_board_working(NULL, 1);
    vd_board_read(NULL, true, NULL);
    vd_board_waits(NULL, 0, 0, 0, &order);
    vd_board_committed(NULL, 0, 0, 0);
    vd_board_status(NULL, "a", NULL);
    vd_board_result(NULL, "a", NULL);
    vd_board_dead_letter(NULL, "a", 1);
    vd_board_destroy(NULL);
    vd_board_wake(NULL);
}

/* --- words */

static json_t *named_result(const char *message)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:s, s:{s:s}, s:{s:s, s:s, s:s, s:s}, s:[s]}",
                     "job", "a", "status", "failed", "finished", stamp(-3), "input", "root", "recordings", "path",
                     "Secret Visit/Doe: John/x-ray.mp4", "output", "root", "processed", "path",
                     "Secret Visit/Doe: John/x-ray.2.mkv", "title", "Doctor Who", "session", "Consultation-77", "meta",
                     "patient", "Mustermann", "error", "class", "reject", "code", "input", "stage", "decode", "message",
                     message, "warnings", message);
}

static const struct {
    const char *message, *why, *cure; /* without names */
} words[] = {
    {"recordings/Secret Visit/Doe: John/x-ray.mp4: it is empty; look at it", "the recording: it is empty",
     "look at it"},
    {"recordings/Secret Visit/Doe: John/x-ray.mp4 is empty", "the recording is empty", NULL},
    {"processed/Secret Visit/Doe: John: not a folder; move it", "the recording: not a folder", "move it"},
    {"Secret Visit: in the way; sudo rm 'Doe: John'; then again", "the recording: in the way; sudo rm 'the recording'",
     "then again"},
    {"x-ray: no", "the recording: no", NULL},
    {"session Consultation-77 ended", "session the recording ended", NULL},
    {"archived/Somebody else/y.mp4: taken", "the recording: taken", NULL},
    {"/srv/My Data/processed: No space left; free some", "a path of this machine: No space left", "free some"},
    {"gone; sudo chown 10001 /srv/data/.vidriera", "gone", "sudo chown 10001 a path of this machine"},
    {"vaapi:/dev/dri/renderD128: permission denied; see ls -l /dev/dri", "vaapi:renderD128: permission denied",
     "vidriera doctor tells what mends it"},
    {"vaapi-opencl: /dev/dri: no render node; cuda: /dev/nvidia0: no such node", "vaapi-opencl: no render node",
     "vidriera doctor tells what mends it"},
    {"vaapi /dev/dri/renderD129: busy; wait", "vaapi renderD129: busy", "wait"},
    {"/dev/shm/srv/y: no", "a path of this machine: no", NULL},
    {"recordings/Secret Visit/Doe: Jo", "the recording", NULL},
    {"it was cut in Secret Vi", "it was cut in the recording", NULL},
    {"plain; words", "plain", "words"},
    {"recordings/Secret Visit: Permission denied; run as root: setfacl -m u:1:rx '/srv/My Data/recordings/Secret "
     "Visit'",
     "the recording: Permission denied", "the log has the command"},
    {"recordings/Doe: no; run as root, where docker-compose.yml is: rm './data/recordings/Secret Visit'",
     "the recording: no", "the log has the command"},
    {"recordings/x-ray.mp4: no; run as root: chmod -t '/srv/Somebody'\\''s/y'", "the recording: no",
     "the log has the command"},
    {"cannot be written: '/srv/My Data/Somebody'\\''s: own' is read-only",
     "cannot be written: 'a path of this machine' is read-only", NULL},
};

static void names_off(void **state)
{
    static const char *const secrets[] = {"Secret",     "Visit",        "Doe",      "John", "x-ray",  "Doctor",
                                          "Mustermann", "Consultation", "Somebody", "srv",  "My Data"};
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct vd_board *board = board_new();
        json_t *result = named_result(words[i].message);
        vd_board_result(board, "a", result);
        json_t *look = vd_board_look(board, 0, false);
        char *text = json_dumps(look, 0);
        for (size_t j = 0; j < sizeof secrets / sizeof *secrets; j++)
            if (strstr(text, secrets[j]))
                fail_msg("%s is told: %s", secrets[j], text);
        const json_t *error = json_object_get(json_array_get(json_object_get(look, "jobs"), 0), "error");
        assert_string_equal(json_string_value(json_object_get(error, "why")), words[i].why);
        if (words[i].cure)
            assert_string_equal(json_string_value(json_object_get(error, "cure")), words[i].cure);
        else
            assert_null(json_object_get(error, "cure"));
        free(text);
        json_decref(look);
        json_decref(result);
        vd_board_destroy(board);
    }
}

/* With names too no path of this machine is told, whatever is in it. */
static void paths_off(void **state)
{
    static const char *const rows[][2] = {
        {"run as root: setfacl -m u:1:rx '/srv/My Data/a; b: c'",
         "run as root: setfacl -m u:1:rx 'a path of this machine'"},
        {"run as root: chmod -t '/srv/Doe'\\''s Visit/y'", "run as root: chmod -t 'a path of this machine'"},
        {"run as root: rm $'/srv/J\\303\\266rg Doe/y' there", "run as root: rm $'a path of this machine' there"},
        {"run as root, by sudo: rm ~/'.meet cfg/x' there", "run as root, by sudo: rm ~/'a path of this machine' there"},
        {"see '/srv/My Da", "see 'a path of this machine"}, /* cut off */
        {"it's /srv/x y", "it's a path of this machine y"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vd_board *board = board_new();
        json_t *result = named_result(rows[i][0]);
        vd_board_result(board, "a", result);
        json_t *look = vd_board_look(board, 0, true);
        const json_t *error = json_object_get(json_array_get(json_object_get(look, "jobs"), 0), "error");
        assert_string_equal(json_string_value(json_object_get(error, "why")), rows[i][1]);
        json_decref(look);
        json_decref(result);
        vd_board_destroy(board);
    }
}

/* Of what waits and what runs too. */
static void names_off_before_the_end(void **state)
{
    (void)state;
    struct vd_board *board = board_new();
    struct vd_order order = {.id = "a", .root = "recordings", .path = "Secret/Visit.mp4", .session = "Secret"};
    json_t *status = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s, s:s}}", "state", "retrying", "time",
                               stamp(-1), "session", "Secret", "input", "root", "recordings", "path",
                               "Secret/Visit.mp4", "error", "class", "retry", "code", "again", "stage", "commit",
                               "message", "recordings/Secret/Visit.mp4: it changed; wait");
    vd_board_waits(board, 0, 1, 0, &order);
    for (int runs = 0; runs < 2; runs++) {
        json_t *hidden = vd_board_look(board, 0, false), *open = vd_board_look(board, 0, true);
        char *text = json_dumps(hidden, 0), *full = json_dumps(open, 0);
        assert_null(strstr(text, "Secret"));
        assert_null(strstr(text, "Visit"));
        assert_non_null(strstr(full, "Secret/Visit.mp4"));
        if (runs) {
            assert_non_null(strstr(text, "the recording: it changed"));
            assert_non_null(strstr(full, "recordings/Secret/Visit.mp4: it changed"));
        }
        free(text);
        free(full);
        json_decref(hidden);
        json_decref(open);
        vd_board_status(board, "a", status);
    }
    json_decref(status);
    vd_board_destroy(board);
}

static void finds(void **state)
{
    (void)state;
    struct vd_board *board = board_new();
    json_t *result = named_result("x");
    vd_board_result(board, "a", result);
    json_t *found = vd_board_find(board, "a");
    assert_string_equal(json_string_value(json_object_get(json_object_get(found, "output"), "path")),
                        "Secret Visit/Doe: John/x-ray.2.mkv");
    assert_null(vd_board_find(board, "b"));
    json_decref(found);
    json_decref(result);
    vd_board_destroy(board);
}

/* Documents are anybody's: what is too large or too deep is not kept, and the rest is shown. */
static void keeps_within_bounds(void **state)
{
    enum { LARGE = 100000, DEEP = 2000 };
    static char text[LARGE + 1], brackets[2 * DEEP + 1];
    static const char *const absent[] = {"warnings", "device", "other", "meta"};
    (void)state;
    memset(text, 'x', LARGE);
    memset(brackets, '[', DEEP);
    memset(brackets + DEEP, ']', DEEP);
    struct vd_board *board = board_new();
    json_t *result = named_result("no"), *deep = json_loads(brackets, 0, NULL);
    assert_non_null(deep);
    json_object_set_new(result, "warnings", json_pack("[s]", text));
    json_object_set_new(result, "device", deep);
    json_object_set_new(result, "other", json_string("x"));
    vd_board_result(board, "a", result);
    json_t *found = vd_board_find(board, "a"), *look = vd_board_look(board, 0, true);
    const json_t *job = json_array_get(json_object_get(look, "jobs"), 0);
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        assert_null(json_object_get(found, absent[i]));
        assert_null(json_object_get(job, absent[i]));
    }
    assert_string_equal(json_string_value(json_object_get(job, "state")), "failed");
    assert_non_null(json_object_get(json_object_get(job, "output"), "path"));
    json_decref(found);
    json_decref(look);
    json_decref(result);
    vd_board_destroy(board);
}

/* A worker whose clock is wrong runs its jobs all the same; what was told before somebody listened may be long over. */
static void another_clock(void **state)
{
    static const double away[] = {-3600, 3600};
    (void)state;
    for (int read = 0; read < 2; read++)
        for (size_t i = 0; i < sizeof away / sizeof *away; i++) {
            struct vd_board *board = board_new();
            json_t *status = json_pack("{s:s, s:s}", "state", "running", "time", stamp(away[i]));
            vd_board_read(board, read, NULL);
            vd_board_status(board, "a", status);
            assert_int_equal(count_jobs(board, "running"), read);
            json_decref(status);
            vd_board_destroy(board);
        }
}

/* --- threads */

enum { WRITERS = 3, NEWS = 400 };

struct writer {
    struct vd_board *board;
    int number;
};

static void *write_news(void *opaque)
{
    const struct writer *writer = opaque;
    char name[32];
    for (int i = 0; i < NEWS; i++) {
        snprintf(name, sizeof name, "w%d-%d", writer->number, i % 40);
        const struct fact facts[] = {{WAITS, name, NULL, -9, writer->number, i},
                                     {STATUS, name, "running", i / 1000.0 - 5, writer->number, i},
                                     {COMMITTED, NULL, NULL, 0, writer->number, i},
                                     {RESULT, name, "completed", i / 1000.0, 0, 0},
                                     {TOMBSTONE, name, NULL, 0, 0, 0}};
        for (size_t j = 0; j < sizeof facts / sizeof *facts; j++)
            tell(writer->board, &facts[j]);
        vd_board_beat(writer->board);
        vd_board_need(writer->board, VD_NEED_KAFKA, i % 2 ? "away" : NULL);
    }
    return NULL;
}

static atomic_bool readers_end;

static void *read_board(void *opaque)
{
    struct vd_board *board = opaque;
    char text[128];
    for (uint64_t version = 0; !atomic_load(&readers_end);) {
        json_t *look = vd_board_look(board, version, version % 2);
        json_t *found = vd_board_find(board, "w1-3");
        json_decref(look);
        json_decref(found);
        vd_board_ready(board, text, sizeof text);
        vd_board_alive(board, text, sizeof text);
        version = vd_board_await(board, version, 60000);
    }
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    struct vd_board *board = board_new();
    pthread_t readers[2], writers[WRITERS];
    struct writer what[WRITERS];
    atomic_store(&readers_end, false);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_board, board), 0);
    for (int i = 0; i < WRITERS; i++) {
        what[i] = (struct writer){board, i};
        assert_int_equal(pthread_create(&writers[i], NULL, write_news, &what[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    assert_int_equal(count_jobs(board, "completed"), WRITERS * 40);
    atomic_store(&readers_end, true);
    vd_board_wake(board);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    vd_board_destroy(board);
}

int main(void)
{
    now = (double)(int64_t)vd_wall();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),     cmocka_unit_test(twice_is_once),
        cmocka_unit_test(bounds),        cmocka_unit_test(many_wait),
        cmocka_unit_test(since),         cmocka_unit_test(long_ago),
        cmocka_unit_test(process),       cmocka_unit_test(stuck_and_well),
        cmocka_unit_test(nobody),        cmocka_unit_test(names_off),
        cmocka_unit_test(paths_off),     cmocka_unit_test(names_off_before_the_end),
        cmocka_unit_test(finds),         cmocka_unit_test(keeps_within_bounds),
        cmocka_unit_test(another_clock), cmocka_unit_test(threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
