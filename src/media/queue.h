/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bounded queue of pointers between two stages: one or more threads push, one pops. A full queue holds its producers,
 * an empty one its consumer. Items belong to the queue from a successful push until they are popped.
 */
#ifndef VIDRIERA_MEDIA_QUEUE_H
#define VIDRIERA_MEDIA_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

enum { VD_QUEUE_MAX = 64 };

struct vd_queue {
    pthread_mutex_t lock;
    pthread_cond_t room, filled;
    void *ring[VD_QUEUE_MAX];
    int capacity, head, count;
    int producers; /* that have not yet said that they are done */
    bool aborted;
    void (*release)(void *item);
};

/* release: frees an item that nobody will pop. capacity at most VD_QUEUE_MAX. */
void vd_queue_init(struct vd_queue *queue, int capacity, int producers, void (*release)(void *item));

/* Waits for room. False when the queue was aborted: the item is released. Takes item either way. */
bool vd_queue_push(struct vd_queue *queue, void *item);

/* Waits for an item. NULL when every producer is done and the queue is empty, or when it was aborted. */
void *vd_queue_pop(struct vd_queue *queue);

/* One producer will push no more. */
void vd_queue_done(struct vd_queue *queue);

/* Lets every waiting thread go; pushes and pops fail from now on. Any thread, any number of times. */
void vd_queue_abort(struct vd_queue *queue);

/* Releases what is left. No thread may use the queue any more. */
void vd_queue_finish(struct vd_queue *queue);

#endif
