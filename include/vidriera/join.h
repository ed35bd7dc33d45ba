/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a thread while staying able to do something else. Any thread. */
#ifndef VIDRIERA_JOIN_H
#define VIDRIERA_JOIN_H

#include <pthread.h>
#include <stdbool.h>

/* Joins the thread, or gives up after that time. True: it has ended, and is joined. */
bool vd_join_for(pthread_t thread, int milliseconds);

#endif
