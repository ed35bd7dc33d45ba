/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

enum { BLOCK = 256 * 1024 };

static int read_all(int fd, uint8_t *block, XXH3_state_t *state, struct vd_digest_watch *watch)
{
    off_t at = 0;
    while (!atomic_load_explicit(&watch->stop, memory_order_relaxed)) {
        ssize_t got = pread(fd, block, BLOCK, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (int)got;
        XXH3_128bits_update(state, block, (size_t)got);
        at += got;
        atomic_store_explicit(&watch->bytes, at, memory_order_relaxed);
    }
    errno = ECANCELED;
    return -1;
}

int vd_digest_fd(int fd, struct vd_digest_watch *watch, char out[VD_DIGEST_TEXT], struct vd_err *err)
{
    uint8_t *block = malloc(BLOCK);
    XXH3_state_t *state = XXH3_createState();
    int ret = -1;
    errno = ENOMEM;
    if (block && state && XXH3_128bits_reset(state) == XXH_OK)
        ret = read_all(fd, block, state, watch);
    if (ret < 0) {
        vd_fail(err, errno == ECANCELED ? VD_AGAIN : VD_IO, "verify",
                "a file cannot be read for its digest: %s; check the disk", strerror(errno));
    } else {
        XXH128_hash_t hash = XXH3_128bits_digest(state);
        snprintf(out, VD_DIGEST_TEXT, "xxh3-128:%016llx%016llx", (unsigned long long)hash.high64,
                 (unsigned long long)hash.low64);
    }
    XXH3_freeState(state);
    free(block);
    return ret;
}
