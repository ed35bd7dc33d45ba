/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cuda_queue.h"

#include <pthread.h>
#include <string.h>

#define MAX_WORKS 256 /* a device begins by itself, in the end */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vd_work works[MAX_WORKS];
static int count;

/* With the lock. */
static void run_all(bool every, CUstream stream)
{
    int kept = 0;
    for (int i = 0; i < count; i++) {
        bool together = works[i].stream == stream || (vd_is_blocking(works[i].stream) && vd_is_blocking(stream));
        if (!every && !together) {
            works[kept++] = works[i];
            continue;
        }
        CUresult result = vd_context_state(works[i].context);
        if (!result)
            result = works[i].run(&works[i]);
        if (result)
            vd_context_break(works[i].context, result);
    }
    count = kept;
}

void vd_queue_add(struct vd_work *work)
{
    cuCtxGetCurrent(&work->context);
    pthread_mutex_lock(&lock);
    if (count == MAX_WORKS)
        run_all(true, NULL);
    works[count++] = *work;
    pthread_mutex_unlock(&lock);
}

void vd_queue_finish(void)
{
    pthread_mutex_lock(&lock);
    run_all(true, NULL);
    pthread_mutex_unlock(&lock);
}

void vd_queue_wait(CUstream stream)
{
    pthread_mutex_lock(&lock);
    run_all(false, stream);
    pthread_mutex_unlock(&lock);
}
