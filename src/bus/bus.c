/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/bus.h"

#include "consumer.h"
#include "control.h"
#include "deadline.h"
#include "publisher.h"
#include "status.h"

#include "vidriera/join.h"
#include "vidriera/log.h"

#include <stdlib.h>
#include <string.h>

enum { STATUS_FLUSH_MS = 1000 };

struct vd_bus {
    struct vd_bus_setup setup; /* a copy, in `strings` */
    struct vd_pair *pairs;
    char *strings;
    struct vd_inbox inbox;
    struct vd_consumer *consumer;
    struct vd_publisher *publisher;
    struct vd_control *control;
    rd_kafka_t *status;
    int pending;
    bool joined;
    int64_t close_by_ms;
};

static size_t length(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *keep(char **at, const char *text)
{
    char *to = *at;
    if (!text)
        return NULL;
    *at = stpcpy(to, text) + 1;
    return to;
}

/* The caller's texts may go; the topics are looked after much later. */
static int copy_setup(struct vd_bus *bus, const struct vd_bus_setup *setup)
{
    struct vd_bus_setup *to = &bus->setup;
    *to = *setup;
    to->group = setup->group && *setup->group ? setup->group : "vidriera";
    to->source = setup->source && *setup->source ? setup->source : "vidriera";
    size_t size = length(to->group) + length(to->source) + length(to->instance) + 1;
    for (int i = 0; i < setup->count; i++)
        size += length(setup->kafka[i].name) + length(setup->kafka[i].value);
    bus->strings = malloc(size);
    bus->pairs = calloc((size_t)setup->count + 1, sizeof *bus->pairs);
    if (!bus->strings || !bus->pairs)
        return -1;
    char *at = bus->strings;
    to->group = keep(&at, to->group);
    to->source = keep(&at, to->source);
    to->instance = keep(&at, to->instance);
    for (int i = 0; i < setup->count; i++)
        bus->pairs[i] = (struct vd_pair){keep(&at, setup->kafka[i].name), keep(&at, setup->kafka[i].value)};
    to->kafka = bus->pairs;
    return 0;
}

/* Blocks; whatever there is of it. */
static void *destroy(void *opaque)
{
    struct vd_bus *bus = opaque;
    vd_publisher_close(bus->publisher, bus->close_by_ms);
    vd_consumer_close(bus->consumer, bus->close_by_ms);
    vd_control_close(bus->control);
    int left = vd_left_ms(bus->close_by_ms);
    vd_status_close(bus->status, left < STATUS_FLUSH_MS ? left : STATUS_FLUSH_MS);
    vd_inbox_finish(&bus->inbox);
    free(bus->pairs);
    free(bus->strings);
    free(bus);
    return NULL;
}

int vd_bus_open(struct vd_bus **out, const struct vd_bus_setup *setup, struct vd_err *err)
{
    int at;
    struct vd_bus *bus = calloc(1, sizeof *bus);
    if (!bus)
        return vd_fail(err, VD_AGAIN, "", "no memory; try again later");
    bus->inbox.fd = -1;
    if (copy_setup(bus, setup) < 0) {
        vd_fail(err, VD_AGAIN, "", "no memory; try again later");
        goto destroy_bus;
    }
    if (vd_kafka_check(setup->kafka, setup->count, &at, err) < 0 || vd_inbox_init(&bus->inbox, err) < 0 ||
        vd_consumer_open(&bus->consumer, &bus->setup, &bus->inbox, err) < 0 ||
        vd_publisher_open(&bus->publisher, &bus->setup, vd_consumer_handle(bus->consumer), &bus->inbox, err) < 0 ||
        vd_control_open(&bus->control, &bus->setup, &bus->inbox, err) < 0 ||
        !(bus->status = vd_status_open(&bus->setup, err)))
        goto destroy_bus;
    *out = bus;
    return 0;

destroy_bus:
    destroy(bus);
    return -1;
}

int vd_bus_fd(const struct vd_bus *bus)
{
    return bus->inbox.fd;
}

/* Joins the group when it is time to. */
static void serve_group(struct vd_bus *bus)
{
    if (!bus->joined && vd_control_ready(bus->control)) {
        bus->joined = true;
        vd_consumer_join(bus->consumer, bus->publisher);
    }
    vd_consumer_serve(bus->consumer);
}

void vd_bus_next(struct vd_bus *bus, bool take_orders, struct vd_bus_event *event)
{
    *event = (struct vd_bus_event){.type = VD_BUS_NOTHING};
    vd_inbox_clear(&bus->inbox);
    serve_group(bus);
    if (vd_inbox_take(&bus->inbox, event)) {
        const struct vd_publication *publication = event->publication;
        bus->pending -= publication != NULL;
        if (publication && event->type == VD_BUS_PUBLISHED)
            vd_consumer_free_partition(bus->consumer, publication->partition, publication->epoch);
        return;
    }
    if (take_orders && (event->message = vd_consumer_next(bus->consumer)))
        event->type = VD_BUS_ORDER;
}

void vd_bus_publish(struct vd_bus *bus, struct vd_publication *publication)
{
    bus->pending++;
    vd_publisher_send(bus->publisher, publication);
}

void vd_bus_status(struct vd_bus *bus, const char *job, const char *text)
{
    vd_status_send(bus->status, job, text);
}

const char *vd_bus_cluster(struct vd_bus *bus)
{
    return vd_control_cluster(bus->control);
}

int vd_bus_committed(struct vd_bus *bus, int32_t partition, int timeout_ms, int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, vd_topic_name(VD_TOPIC_JOBS), partition);
    rd_kafka_resp_err_t code = rd_kafka_committed(vd_consumer_handle(bus->consumer), list, timeout_ms);
    const rd_kafka_topic_partition_t *got = &list->elems[0];
    int ret = code || got->err ? -1 : 0;
    if (ret == 0)
        *offset = got->offset < 0 ? -1 : got->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return ret;
}

int vd_bus_pending(const struct vd_bus *bus)
{
    return bus->pending;
}

void vd_bus_close(struct vd_bus *bus, int timeout_ms)
{
    pthread_t thread;
    if (!bus)
        return;
    bus->close_by_ms = vd_monotonic_ms() + timeout_ms;
    if (pthread_create(&thread, NULL, destroy, bus) != 0) {
        destroy(bus);
        return;
    }
    /* a little more: librdkafka's threads end when they look up the next time */
    if (!vd_join_for(thread, timeout_ms + 2000)) {
        vd_log(VD_LOG_DEBUG, "kafka: the clients do not end in time; left to themselves");
        pthread_detach(thread);
    }
}
