/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Libraries that open files of the system when they are first used, in a process that can open nothing by then. */
#include "vidriera/media.h"

#include <dlfcn.h>
#include <libavutil/random_seed.h>
#include <sys/random.h>

/*
 * In place of libavutil's: that of FFmpeg 5.1 opens /dev/urandom, and where it cannot, counts the clock's ticks for 30 ms.
 * The Matroska muxer wants one for each file.
 */
uint32_t av_get_random_seed(void)
{
    uint32_t seed = 0;
    while (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        ;
    return seed;
}

/* libx265 asks libnuma which processors are near which memory, and that keeps the answer. Where it cannot read it, it
 * writes to stderr, and x265 takes all processors for each node's. We are not linked with it; FFmpeg may be. */
static void read_numa_nodes(void)
{
    int (*available)(void), (*max_node)(void), (*node_to_cpus)(int node, void *mask);
    void *(*allocate)(void), (*release)(void *mask);
    *(void **)&available = dlsym(RTLD_DEFAULT, "numa_available");
    *(void **)&max_node = dlsym(RTLD_DEFAULT, "numa_max_node");
    *(void **)&node_to_cpus = dlsym(RTLD_DEFAULT, "numa_node_to_cpus");
    *(void **)&allocate = dlsym(RTLD_DEFAULT, "numa_allocate_cpumask");
    *(void **)&release = dlsym(RTLD_DEFAULT, "numa_bitmask_free");
    if (!available || !max_node || !node_to_cpus || !allocate || !release || available() < 0)
        return;
    void *mask = allocate();
    for (int node = 0; node <= max_node(); node++)
        node_to_cpus(node, mask);
    release(mask);
}

void vd_media_prepare(void)
{
    read_numa_nodes();
}
