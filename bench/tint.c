/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tint of 1080p 4:2:0 frames on one core against memcpy of the same bytes, whole frames through vd_effect_apply().
 *
 *     tint [REPETITIONS]
 *
 * Cold: rings of frames at least four times the last-level cache, source and target each, as a decoder's frames come.
 * Hot: the same frame again and again. Every tint pass has its own memcpy pass right beside it, in alternating order;
 * the ratio is the median of the paired ratios, so that a noisy neighbour moves both.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "ring.h"

#include <sys/wait.h>

/* Seconds for one pass over the ring; hot stays on its first frame. Without a plan: memcpy. */
static double pass(const struct ring *r, const struct vd_effect_plan *plan, bool in_place, bool hot)
{
    double start = now();
    for (int i = 0; i < r->frames; i++) {
        size_t at = hot ? 0 : (size_t)i * r->frame_bytes;
        if (!plan) {
            memcpy(r->target + at, r->source + at, r->frame_bytes);
            continue;
        }
        struct vd_planes src = planes(r->source + at, plan->wide ? 2 : 1);
        struct vd_planes dst = planes((in_place ? r->source : r->target) + at, plan->wide ? 2 : 1);
        vd_effect_apply(plan, &dst, &src);
    }
    return now() - start;
}

static void row(const struct ring *r, const struct vd_effect_plan *plan, bool in_place, bool hot, int pairs)
{
    double seconds[MAX_PAIRS], ratio[MAX_PAIRS];
    pass(r, plan, in_place, hot);
    for (int i = 0; i < pairs; i++) {
        double copy = i % 2 ? 0 : pass(r, NULL, false, hot);
        seconds[i] = pass(r, plan, in_place, hot);
        if (i % 2)
            copy = pass(r, NULL, false, hot);
        ratio[i] = seconds[i] / copy;
    }
    qsort(seconds, (size_t)pairs, sizeof *seconds, ascending);
    qsort(ratio, (size_t)pairs, sizeof *ratio, ascending);
    printf("%-6s %2d bits  %-8s  %-4s  %6.1f GB/s  %5.2f  (%.2f %.2f..%.2f %.2f)\n", vd_dsp()->name,
           plan->plane[0].tint.depth, in_place ? "in place" : "to other", hot ? "hot" : "cold",
           (double)r->frames * (double)r->frame_bytes / seconds[pairs / 2] / 1e9, ratio[pairs / 2], ratio[0],
           ratio[pairs / 4], ratio[pairs - 1 - pairs / 4], ratio[pairs - 1]);
    fflush(stdout);
}

static int measure(int depth, int pairs)
{
    struct vd_effect_plan plan;
    struct ring r;
    if (ring_open(&r, &plan, depth) < 0)
        return 1;
    for (int i = 0; i < 4; i++)
        row(&r, &plan, i % 2 == 0, i >= 2, pairs);
    ring_close(&r);
    return 0;
}

int main(int argc, char **argv)
{
    int pairs = argc > 1 ? atoi(argv[1]) : 15;
    if (pairs < 1 || pairs > MAX_PAIRS) {
        fprintf(stderr, "usage: tint [REPETITIONS, 1 to %d]\n", MAX_PAIRS);
        return 64;
    }
    printf("1080p 4:2:0, rings of at least %zu MiB, %d pairs; time over memcpy's: median (min quartiles max)\n",
           4 * last_level_cache() >> 20, pairs);
    fflush(stdout);

    /* A process for each set: the choice is made once in a process. */
    int failed = 0;
    for (int i = 0; vd_dsp_at(i); i++) {
        pid_t child = fork();
        if (child == 0) {
            setenv("VD_CPU", vd_dsp_at(i)->name, 1);
            _exit(measure(8, pairs) || measure(10, pairs));
        }
        int status = 1;
        waitpid(child, &status, 0);
        failed |= status != 0;
    }
    return failed;
}
