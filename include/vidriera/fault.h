/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Named steps of a job's life at which a test lets the program die: built with -DVD_FAULT_POINTS=ON, VIDRIERA_FAULT=step (or
 * step:n, the n-th time) ends the process there by SIGKILL. Otherwise nothing. Any thread.
 */
#ifndef VIDRIERA_FAULT_H
#define VIDRIERA_FAULT_H

#if defined(VD_FAULT_POINTS)
void vd_fault_point(const char *step);
#else
#define vd_fault_point(step) ((void)0)
#endif

#endif
