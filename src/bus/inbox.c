/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct vd_letter {
    struct vd_letter *next;
    struct vd_bus_event event;
};

static const uint64_t one = 1;

int vd_inbox_init(struct vd_inbox *inbox, struct vd_err *err)
{
    *inbox = (struct vd_inbox){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (inbox->fd < 0)
        return vd_fail(err, VD_AGAIN, "", "no event descriptor: %s; try again later", strerror(errno));
    pthread_mutex_init(&inbox->mutex, NULL);
    inbox->last = &inbox->first;
    return 0;
}

void vd_inbox_finish(struct vd_inbox *inbox)
{
    struct vd_bus_event event;
    if (inbox->fd < 0)
        return;
    while (vd_inbox_take(inbox, &event))
        vd_publication_free(event.publication);
    pthread_mutex_destroy(&inbox->mutex);
    close(inbox->fd);
    inbox->fd = -1;
}

void vd_inbox_wake(const struct vd_inbox *inbox)
{
    /* full: it is readable anyway */
    if (write(inbox->fd, &one, sizeof one) < 0)
        return;
}

void vd_inbox_watch(const struct vd_inbox *inbox, rd_kafka_queue_t *queue)
{
    rd_kafka_queue_io_event_enable(queue, inbox->fd, &one, sizeof one);
}

void vd_inbox_unwatch(rd_kafka_queue_t *queue)
{
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
}

void vd_inbox_clear(const struct vd_inbox *inbox)
{
    uint64_t count;
    /* it was not readable: as it should be */
    if (read(inbox->fd, &count, sizeof count) < 0)
        return;
}

void vd_inbox_put(struct vd_inbox *inbox, const struct vd_bus_event *event)
{
    struct vd_letter *letter = malloc(sizeof *letter);
    if (!letter)
        abort(); /* an event that gets lost would hold its partition for ever */
    *letter = (struct vd_letter){.event = *event};
    pthread_mutex_lock(&inbox->mutex);
    *inbox->last = letter;
    inbox->last = &letter->next;
    pthread_mutex_unlock(&inbox->mutex);
    vd_inbox_wake(inbox);
}

void vd_inbox_put_fatal(struct vd_inbox *inbox, const struct vd_err *err)
{
    pthread_mutex_lock(&inbox->mutex);
    bool said = inbox->fatal;
    inbox->fatal = true;
    pthread_mutex_unlock(&inbox->mutex);
    if (!said)
        vd_inbox_put(inbox, &(struct vd_bus_event){.type = VD_BUS_FATAL, .err = *err});
}

bool vd_inbox_take(struct vd_inbox *inbox, struct vd_bus_event *event)
{
    pthread_mutex_lock(&inbox->mutex);
    struct vd_letter *letter = inbox->first;
    if (letter) {
        inbox->first = letter->next;
        if (!inbox->first)
            inbox->last = &inbox->first;
    }
    pthread_mutex_unlock(&inbox->mutex);
    if (!letter)
        return false;
    *event = letter->event;
    free(letter);
    return true;
}
