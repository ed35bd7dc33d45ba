/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The headers that an application writes itself (VAEncPackedHeader...), and the coded buffer that they go to. They come
 * escaped; the header of a slice may end in mid-byte, and the emulation prevention of what follows depends on it.
 */
#ifndef VD_DOUBLE_PACKED_H
#define VD_DOUBLE_PACKED_H

#include "bits.h"
#include "driver.h"

struct vd_packed {
    struct vd_buffer *coded; /* NULL: not known yet */
    struct vd_sink sink;
    uint32_t type; /* of the data that comes next */
    uint32_t bits;
    const struct vd_buffer *slice; /* a slice's header, not written yet; its bits are slice_bits */
    uint32_t slice_bits;
};

/* The buffer that the picture's parameters name; NULL and other kinds are refused. */
VAStatus vd_packed_open(struct vd_packed *packed, struct vd_buffer *coded);

/* Takes up parameters and data of packed headers; whole ones are written. Passes over all other buffers. */
VAStatus vd_packed_buffer(struct vd_packed *packed, const struct vd_buffer *buffer);

/* Writes the slice's header that has come last, up to its last bit. False: none has, or it is no NAL unit. */
bool vd_packed_slice(struct vd_packed *packed);

/* Fills in the coded buffer's segment. Returns `status`, or what has gone wrong beside it. */
VAStatus vd_packed_close(struct vd_packed *packed, VAStatus status);

#endif
