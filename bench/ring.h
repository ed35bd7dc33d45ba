/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rings of 1080p 4:2:0 frames that are colder than the cache, and the order of measured times; for programs here. */
#ifndef VIDRIERA_BENCH_RING_H
#define VIDRIERA_BENCH_RING_H

#include "vidriera/effect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 1920
#define HEIGHT 1080
#define MAX_PAIRS 1000

struct ring {
    int frames;
    size_t frame_bytes;
    uint8_t *source, *target; /* frames after one another */
};

/* From sysfs, as sysconf() is wrong by a factor of ten in some virtual machines. At least 32 MiB: a cache that a
 * machine does not tell of must not make frames hot. */
static inline size_t last_level_cache(void)
{
    const size_t least = (size_t)32 << 20;
    long bytes = 0, kib;
    FILE *f = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r");
    if (f) {
        if (fscanf(f, "%ldK", &kib) == 1)
            bytes = kib * 1024;
        fclose(f);
    }
#ifdef _SC_LEVEL3_CACHE_SIZE
    if (bytes <= 0)
        bytes = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
    return bytes > (long)least ? (size_t)bytes : least;
}

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline struct vd_planes planes(uint8_t *frame, int word)
{
    const ptrdiff_t luma = (ptrdiff_t)WIDTH * HEIGHT * word;
    return (struct vd_planes){
        .data = {frame, frame + luma, frame + luma + luma / 4},
        .stride = {WIDTH * word, WIDTH / 2 * word, WIDTH / 2 * word},
    };
}

/* The default tint for frames of that depth, and a ring of at least four times the last-level cache for them, source
 * and target. -1 when there is no memory, with a word on standard error. */
static inline int ring_open(struct ring *r, struct vd_effect_plan *plan, int depth)
{
    const struct vd_layout layout = {
        .width = WIDTH, .height = HEIGHT, .depth = depth, .log2_chroma_w = 1, .log2_chroma_h = 1, .matrix = 1};
    struct vd_effect_params params;
    struct vd_err err;
    vd_effect_defaults(&params);
    if (vd_effect_plan(plan, &params, &layout, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }

    *r = (struct ring){.frame_bytes = (size_t)WIDTH * HEIGHT * 3 / 2 * (depth > 8 ? 2 : 1)};
    r->frames = (int)(4 * last_level_cache() / r->frame_bytes) + 1;
    size_t bytes = (size_t)r->frames * r->frame_bytes;
    r->source = aligned_alloc(64, bytes);
    r->target = aligned_alloc(64, bytes);
    if (!r->source || !r->target) {
        fprintf(stderr, "no memory for two rings of %zu bytes\n", bytes);
        free(r->source);
        free(r->target);
        return -1;
    }
    memset(r->source, 1, bytes);
    memset(r->target, 2, bytes);
    return 0;
}

static inline void ring_close(struct ring *r)
{
    free(r->source);
    free(r->target);
}

#endif
