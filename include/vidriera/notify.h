/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * systemd's notify protocol (sd_notify(3)): a datagram to $NOTIFY_SOCKET, a path or an abstract name. Without that
 * variable every call does nothing. One thread; nothing blocks.
 */
#ifndef VIDRIERA_NOTIFY_H
#define VIDRIERA_NOTIFY_H

/* Once, when the event loop runs for the first time. */
void vd_notify_ready(void);

/* One line for `systemctl status`; sent only when it differs from the last. */
void vd_notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* By the event loop, each time round: sent when half of WATCHDOG_USEC is over (and WATCHDOG_PID is ours or unset). */
void vd_notify_alive(double now);

/* Seconds after which the loop must come round at the latest; INFINITY without a watchdog. */
double vd_notify_patience(void);

void vd_notify_stopping(void);

/* While draining: systemd waits at least that much longer before it kills. */
void vd_notify_extend(double seconds);

#endif
