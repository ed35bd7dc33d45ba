/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publisher.h"

#include "deadline.h"
#include "transaction.h"

#include "vidriera/log.h"
#include "vidriera/now.h"

#include <stdlib.h>

enum { BACKOFF_MIN_MS = 100, BACKOFF_MAX_MS = 5000, BACKOFF_ENDING_MS = 20 };

struct held {
    int32_t partition;
    unsigned epoch;
    bool held;
};

struct vd_publisher {
    struct vd_transactor transactor; /* the thread's, but for its deadline */
    struct vd_inbox *inbox;
    pthread_t thread;

    pthread_mutex_t mutex; /* for all that follows */
    pthread_cond_t changed;
    struct vd_publication *waiting, **last;
    struct vd_publication *busy; /* of the round under way */
    struct held *held;
    int held_count;
    int singly;  /* so many rounds are of one publication: which one is too large? */
    bool ending; /* no backing off any more */
    bool fatal;
};

static struct held *find(const struct vd_publisher *publisher, int32_t partition)
{
    for (int i = 0; i < publisher->held_count; i++)
        if (publisher->held[i].partition == partition)
            return &publisher->held[i];
    return NULL;
}

static bool owned(const struct vd_publisher *publisher, const struct vd_publication *publication)
{
    const struct held *held = find(publisher, publication->partition);
    return held && held->held && held->epoch == publication->epoch;
}

/* With the mutex. Takes it. */
static void give_back(struct vd_publisher *publisher, struct vd_publication *publication, enum vd_bus_event_type type)
{
    publication->next = NULL;
    vd_inbox_put(publisher->inbox, &(struct vd_bus_event){.type = type, .publication = publication});
}

/* With the mutex: moves what may be sent now to busy, at most `most`. */
static void choose(struct vd_publisher *publisher, int most)
{
    struct vd_publication **from = &publisher->waiting, **to = &publisher->busy;
    while (*from && most > 0) {
        struct vd_publication *at = *from;
        *from = at->next;
        at->next = NULL;
        if (!owned(publisher, at)) {
            give_back(publisher, at, VD_BUS_UNOWNED);
            continue;
        }
        *to = at;
        to = &at->next;
        most--;
    }
    if (!publisher->waiting)
        publisher->last = &publisher->waiting;
}

/* Those of a lost round to the front of the queue, in their order. */
static void put_back(struct vd_publisher *publisher)
{
    struct vd_publication *list = publisher->busy, **end = &list;
    publisher->busy = NULL;
    while (*end) {
        struct vd_publication *at = *end;
        if (owned(publisher, at)) {
            end = &at->next;
            continue;
        }
        *end = at->next;
        give_back(publisher, at, VD_BUS_UNOWNED);
    }
    *end = publisher->waiting;
    if (!publisher->waiting)
        publisher->last = end;
    publisher->waiting = list;
    if (!list)
        publisher->last = &publisher->waiting;
}

static void finish_all(struct vd_publisher *publisher)
{
    while (publisher->busy) {
        struct vd_publication *at = publisher->busy;
        publisher->busy = at->next;
        give_back(publisher, at, VD_BUS_PUBLISHED);
    }
}

/* A commit whose end was not seen may have been one. False: no answer yet. */
static bool settle(struct vd_publisher *publisher)
{
    struct vd_publication **link = &publisher->busy;
    while (*link) {
        struct vd_publication *at = *link;
        int committed = at->uncertain ? vd_transactor_committed(&publisher->transactor, at) : 0;
        if (committed < 0)
            return false;
        at->uncertain = false;
        if (!committed) {
            link = &at->next;
            continue;
        }
        pthread_mutex_lock(&publisher->mutex);
        *link = at->next;
        give_back(publisher, at, VD_BUS_PUBLISHED);
        pthread_mutex_unlock(&publisher->mutex);
    }
    return true;
}

/* What went away between choosing and now. Later the group's metadata keeps it out: they are of an older generation. */
static void drop_unowned(struct vd_publisher *publisher)
{
    pthread_mutex_lock(&publisher->mutex);
    for (struct vd_publication **link = &publisher->busy; *link;) {
        struct vd_publication *at = *link;
        if (owned(publisher, at)) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        give_back(publisher, at, VD_BUS_UNOWNED);
    }
    pthread_mutex_unlock(&publisher->mutex);
}

static enum vd_outcome_of_round run_round(struct vd_publisher *publisher, struct vd_err *err)
{
    struct vd_transactor *transactor = &publisher->transactor;
    enum vd_outcome_of_round outcome = vd_transactor_prepare(transactor, err);
    if (outcome != VD_ROUND_COMMITTED)
        return outcome;
    if (!settle(publisher))
        return VD_ROUND_AGAIN;
    rd_kafka_consumer_group_metadata_t *member = vd_transactor_member(transactor);
    if (!member)
        return VD_ROUND_AGAIN;
    drop_unowned(publisher);
    if (publisher->busy)
        outcome = vd_transactor_round(transactor, publisher->busy, member, err);
    rd_kafka_consumer_group_metadata_destroy(member);
    return outcome;
}

/* A record was refused for its size: alone it is shortened, among others it is looked for first. */
static void handle_too_large(struct vd_publisher *publisher)
{
    struct vd_publication *busy = publisher->busy;
    if (busy->next) {
        for (publisher->singly = 0; busy; busy = busy->next)
            publisher->singly++;
        return;
    }
    publisher->singly++;
    for (int kind = 0; kind < VD_RECORDS; kind++)
        if (busy->records[kind].refused == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
            vd_record_shrink(busy, (enum vd_record_kind)kind);
}

/* With the mutex, which is let go of meanwhile. Ends early when the end is near, and is short then. */
static void wait_ms(struct vd_publisher *publisher, int milliseconds)
{
    bool ending = publisher->ending;
    if (ending)
        milliseconds = BACKOFF_ENDING_MS;
    const struct timespec until = vd_monotonic_in(milliseconds / 1000.0);
    int ret = 0;
    while (publisher->ending == ending && ret == 0)
        ret = pthread_cond_timedwait(&publisher->changed, &publisher->mutex, &until);
}

/* With the mutex, which is let go of meanwhile. */
static void serve(struct vd_publisher *publisher, int *backoff_ms)
{
    struct vd_err err = {0};
    choose(publisher, publisher->singly > 0 ? 1 : INT32_MAX);
    if (publisher->singly > 0)
        publisher->singly--;
    if (!publisher->busy)
        return;
    pthread_mutex_unlock(&publisher->mutex);
    enum vd_outcome_of_round outcome = run_round(publisher, &err);
    pthread_mutex_lock(&publisher->mutex);
    if (outcome == VD_ROUND_COMMITTED) {
        finish_all(publisher);
        *backoff_ms = BACKOFF_MIN_MS;
    } else if (outcome == VD_ROUND_TOO_LARGE) {
        handle_too_large(publisher);
    } else if (outcome == VD_ROUND_FATAL) {
        publisher->fatal = true;
        vd_inbox_put_fatal(publisher->inbox, &err);
    }
    put_back(publisher);
    vd_inbox_wake(publisher->inbox); /* somebody may wait for the end of the round */
    if (outcome != VD_ROUND_AGAIN)
        return;
    wait_ms(publisher, *backoff_ms);
    *backoff_ms = *backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : *backoff_ms * 2;
}

static void *publisher_thread(void *opaque)
{
    struct vd_publisher *publisher = opaque;
    struct vd_transactor *transactor = &publisher->transactor;
    struct vd_err err = {0};
    int backoff_ms = BACKOFF_MIN_MS;
    /* before there is anything to send: it takes a while */
    if (vd_transactor_prepare(transactor, &err) == VD_ROUND_FATAL)
        vd_inbox_put_fatal(publisher->inbox, &err);
    pthread_mutex_lock(&publisher->mutex);
    for (;;) {
        bool late = publisher->ending && vd_left_ms(transactor->deadline_ms) == 0;
        if (publisher->waiting && !publisher->fatal && !late)
            serve(publisher, &backoff_ms);
        else if (publisher->ending)
            break;
        else
            pthread_cond_wait(&publisher->changed, &publisher->mutex);
    }
    pthread_mutex_unlock(&publisher->mutex);
    vd_transactor_finish(transactor);
    return NULL;
}

int vd_publisher_open(struct vd_publisher **out, const struct vd_bus_setup *setup, rd_kafka_t *consumer,
                      struct vd_inbox *inbox, struct vd_err *err)
{
    pthread_condattr_t monotonic;
    struct vd_publisher *publisher = calloc(1, sizeof *publisher);
    if (!publisher)
        return vd_fail(err, VD_AGAIN, "", "no memory; try again later");
    vd_transactor_init(&publisher->transactor, setup, consumer);
    publisher->inbox = inbox;
    publisher->last = &publisher->waiting;
    pthread_mutex_init(&publisher->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&publisher->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&publisher->thread, NULL, publisher_thread, publisher) == 0) {
        *out = publisher;
        return 0;
    }
    pthread_cond_destroy(&publisher->changed);
    pthread_mutex_destroy(&publisher->mutex);
    free(publisher);
    return vd_fail(err, VD_AGAIN, "", "no thread for the publisher; try again later");
}

void vd_publisher_send(struct vd_publisher *publisher, struct vd_publication *publication)
{
    publication->next = NULL;
    pthread_mutex_lock(&publisher->mutex);
    if (owned(publisher, publication)) {
        *publisher->last = publication;
        publisher->last = &publication->next;
        pthread_cond_signal(&publisher->changed);
    } else
        give_back(publisher, publication, VD_BUS_UNOWNED);
    pthread_mutex_unlock(&publisher->mutex);
}

void vd_publisher_hold(struct vd_publisher *publisher, int32_t partition, unsigned epoch)
{
    pthread_mutex_lock(&publisher->mutex);
    struct held *held = find(publisher, partition);
    if (!held) {
        struct held *grown = realloc(publisher->held, (size_t)(publisher->held_count + 1) * sizeof *grown);
        if (!grown)
            abort();
        publisher->held = grown;
        held = &grown[publisher->held_count++];
    }
    *held = (struct held){partition, epoch, true};
    pthread_mutex_unlock(&publisher->mutex);
}

void vd_publisher_release(struct vd_publisher *publisher, int32_t partition)
{
    pthread_mutex_lock(&publisher->mutex);
    struct held *held = find(publisher, partition);
    if (held)
        held->held = false;
    for (struct vd_publication **link = &publisher->waiting; *link;) {
        struct vd_publication *at = *link;
        if (at->partition != partition) {
            link = &at->next;
            continue;
        }
        *link = at->next;
        give_back(publisher, at, VD_BUS_UNOWNED);
    }
    publisher->last = &publisher->waiting;
    while (*publisher->last)
        publisher->last = &(*publisher->last)->next;
    pthread_mutex_unlock(&publisher->mutex);
}

bool vd_publisher_busy(struct vd_publisher *publisher, int32_t partition)
{
    bool busy = false;
    pthread_mutex_lock(&publisher->mutex);
    for (const struct vd_publication *at = publisher->busy; at && !busy; at = at->next)
        busy = at->partition == partition;
    pthread_mutex_unlock(&publisher->mutex);
    return busy;
}

void vd_publisher_close(struct vd_publisher *publisher, int64_t deadline_ms)
{
    if (!publisher)
        return;
    pthread_mutex_lock(&publisher->mutex);
    publisher->transactor.deadline_ms = deadline_ms;
    publisher->ending = true;
    pthread_cond_broadcast(&publisher->changed);
    pthread_mutex_unlock(&publisher->mutex);
    pthread_join(publisher->thread, NULL);
    while (publisher->waiting) {
        struct vd_publication *at = publisher->waiting;
        publisher->waiting = at->next;
        vd_publication_free(at);
    }
    pthread_cond_destroy(&publisher->changed);
    pthread_mutex_destroy(&publisher->mutex);
    free(publisher->held);
    free(publisher);
}
