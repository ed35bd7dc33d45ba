/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The spool of a worker: orders that `submit` could not deliver are brought to Kafka by whoever is there, a watch or a worker.
 * Two that do it at once are harmless: an order's id is the same. One thread.
 */
#ifndef VIDRIERA_WORKER_COURIER_H
#define VIDRIERA_WORKER_COURIER_H

#include "watch_send.h"

struct vd_courier {
    struct vd_watch_setup setup;
    struct vd_recipe recipe;     /* what holds where an order is silent, to check it by */
    struct vd_watch_state state; /* counts alone */
    struct vd_watch_tree tree;   /* empty: no files of its own */
    struct vd_watch_out out;
    bool open;
};

/* Roots and bus must outlive it; it stays where it is. */
void vd_courier_init(struct vd_courier *courier, const struct vd_roots *roots, const struct vd_bus_setup *bus,
                     const struct vd_recipe *recipe);

/* Does what can be done without waiting. True: something is under way, come again soon. */
bool vd_courier_round(struct vd_courier *courier);

void vd_courier_finish(struct vd_courier *courier);

#endif
