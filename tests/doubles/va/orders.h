/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a double is told to do wrong (VD_DOUBLE_FAIL), and the log of what it did (VD_DOUBLE_LOG). Read once, when the
 * double is loaded: later the process may be allowed to open nothing. The log is line by line, safe between processes.
 */
#ifndef VD_DOUBLE_ORDERS_H
#define VD_DOUBLE_ORDERS_H

#include <stdbool.h>

/* Numbers count from 1: that call and all after it fail. 0: never. room: so many surfaces at once, 0: as many as there may
 * be. */
struct vd_orders {
    unsigned surface, sync, decode, encode, hang, room;
    unsigned no_profile, no_decode, no_encode, tall, hang_init, crash_init; /* 0 or 1 */
    unsigned surfaces, syncs, decodes, encodes, pictures;                   /* how many there have been */
    unsigned node;                                                          /* nothing of it on others; 0: on all */
    bool main10;                                                            /* VD_DOUBLE_MAIN10 */
};

/* For that node, by its number. False, and words on standard error: an order that nobody knows. */
bool vd_orders_read(struct vd_orders *orders, unsigned node);

/* Counts, and tells whether this one is to fail; `what` is for the log. */
bool vd_orders_fail(const char *what, unsigned *count, unsigned order);

/* Until the process dies. */
_Noreturn void vd_orders_hang(const char *where);

/* Opens the log where one is wanted. */
void vd_log_open(void);

/* A line; the process's id goes in front. */
__attribute__((format(printf, 1, 2))) void vd_log(const char *format, ...);

#endif
