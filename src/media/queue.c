/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue.h"

#include <assert.h>
#include <stddef.h>

void vd_queue_init(struct vd_queue *queue, int capacity, int producers, void (*release)(void *item))
{
    assert(capacity > 0 && capacity <= VD_QUEUE_MAX);
    *queue = (struct vd_queue){.capacity = capacity, .producers = producers, .release = release};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->room, NULL);
    pthread_cond_init(&queue->filled, NULL);
}

bool vd_queue_push(struct vd_queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->capacity && !queue->aborted)
        pthread_cond_wait(&queue->room, &queue->lock);
    bool taken = !queue->aborted;
    if (taken) {
        queue->ring[(queue->head + queue->count++) % queue->capacity] = item;
        if (queue->count == 1)
            pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->lock);
    if (!taken)
        queue->release(item);
    return taken;
}

void *vd_queue_pop(struct vd_queue *queue)
{
    void *item = NULL;
    pthread_mutex_lock(&queue->lock);
    while (!queue->count && queue->producers && !queue->aborted)
        pthread_cond_wait(&queue->filled, &queue->lock);
    if (queue->count && !queue->aborted) {
        item = queue->ring[queue->head];
        queue->head = (queue->head + 1) % queue->capacity;
        queue->count--;
        /* with several producers each freed place must wake one of them */
        pthread_cond_signal(&queue->room);
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void vd_queue_done(struct vd_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    assert(queue->producers > 0);
    queue->producers--;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void vd_queue_abort(struct vd_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->aborted = true;
    pthread_cond_broadcast(&queue->room);
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

void vd_queue_finish(struct vd_queue *queue)
{
    for (; queue->count; queue->count--) {
        queue->release(queue->ring[queue->head]);
        queue->head = (queue->head + 1) % queue->capacity;
    }
    pthread_cond_destroy(&queue->room);
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
}
