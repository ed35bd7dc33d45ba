/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue between two stages, with real threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { ITEMS = 20000, PRODUCERS = 2 };

static atomic_int released;

static void release(void *item)
{
    (void)item;
    atomic_fetch_add(&released, 1);
}

struct producer {
    struct vd_queue *queue;
    int number;
    int pushed;
};

/* Items are 1, 2, 3 … with the producer's number in the lowest bit. */
static void *produce(void *opaque)
{
    struct producer *producer = opaque;
    for (intptr_t i = 1; i <= ITEMS; i++) {
        if (!vd_queue_push(producer->queue, (void *)(i * PRODUCERS + producer->number)))
            break;
        producer->pushed++;
    }
    vd_queue_done(producer->queue);
    return NULL;
}

static void start(struct vd_queue *queue, struct producer *producers, pthread_t *threads)
{
    atomic_store(&released, 0);
    vd_queue_init(queue, 4, PRODUCERS, release);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){.queue = queue, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
}

static void test_all_arrive_in_order(void **state)
{
    struct vd_queue queue;
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    intptr_t last[PRODUCERS] = {0}, item;
    int got = 0;
    (void)state;
    start(&queue, producers, threads);
    for (; (item = (intptr_t)vd_queue_pop(&queue)); got++) {
        assert_int_equal(item / PRODUCERS, last[item % PRODUCERS] + 1);
        last[item % PRODUCERS]++;
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    vd_queue_finish(&queue);
    assert_int_equal(got, PRODUCERS * ITEMS);
    assert_int_equal(released, 0);
}

/* Whatever was taken over is either popped or released, and everybody gets to the end. */
static void test_abort_loses_nothing(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct vd_queue queue;
        struct producer producers[PRODUCERS];
        pthread_t threads[PRODUCERS];
        int popped = 0;
        start(&queue, producers, threads);
        for (; popped < round; popped++)
            assert_non_null(vd_queue_pop(&queue));
        vd_queue_abort(&queue);
        assert_null(vd_queue_pop(&queue));
        for (int i = 0; i < PRODUCERS; i++)
            pthread_join(threads[i], NULL);
        vd_queue_finish(&queue);
        /* each producer's last push was refused, and released as well */
        assert_int_equal(released + popped, producers[0].pushed + producers[1].pushed + PRODUCERS);
    }
}

static void *pop_one(void *opaque)
{
    return vd_queue_pop(opaque);
}

static void test_abort_wakes_a_waiting_consumer(void **state)
{
    struct vd_queue queue;
    pthread_t consumer;
    void *got;
    (void)state;
    vd_queue_init(&queue, 1, 1, release);
    assert_int_equal(pthread_create(&consumer, NULL, pop_one, &queue), 0);
    vd_queue_abort(&queue);
    pthread_join(consumer, &got);
    assert_null(got);
    vd_queue_finish(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_arrive_in_order),
        cmocka_unit_test(test_abort_loses_nothing),
        cmocka_unit_test(test_abort_wakes_a_waiting_consumer),
    };
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
