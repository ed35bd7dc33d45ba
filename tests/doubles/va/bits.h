/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bits of H.264 and HEVC: a reader of what comes without emulation prevention bytes, a writer that puts them in. Both
 * know the ends of their memory; nothing here allocates but vd_unescape().
 */
#ifndef VD_DOUBLE_BITS_H
#define VD_DOUBLE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vd_bits {
    const uint8_t *data;
    size_t position, end; /* in bits */
};

/* The RBSP of a NAL unit, without start code: a copy of `size` bytes at most, for free(). NULL: no memory. */
uint8_t *vd_unescape(const uint8_t *nal, size_t size, size_t *rbsp_size);

/* Reads from a bit on to the stop bit of the RBSP, which is the end. False: there is none, or it lies before `from`. */
bool vd_bits_open(struct vd_bits *bits, const uint8_t *rbsp, size_t size, size_t from);

/* ue(v) of clause 9.1; UINT32_MAX past the end and for codes of more than 31 bits. */
uint32_t vd_bits_ue(struct vd_bits *bits);

/* Whether the bits up to the next whole byte are there and zero; moves there. */
bool vd_bits_align(struct vd_bits *bits);

/* The next `size` whole bytes where the position is aligned; NULL: they are not there. */
const uint8_t *vd_bits_bytes(struct vd_bits *bits, size_t size);

struct vd_sink {
    uint8_t *data;
    size_t size, room;
    bool full;      /* something had no room */
    unsigned zeros; /* zero bytes before, within the NAL unit */
    unsigned partial, partial_bits;
};

/* As it is, start codes included. */
void vd_sink_raw(struct vd_sink *sink, const uint8_t *data, size_t size);

/* From here on a NAL unit begins, whose start code has been written. */
void vd_sink_nal(struct vd_sink *sink);

void vd_sink_bits(struct vd_sink *sink, uint32_t value, unsigned count);
void vd_sink_ue(struct vd_sink *sink, uint32_t value);

/* Zero bits up to the next whole byte. */
void vd_sink_align(struct vd_sink *sink);

/* Where the position is aligned. */
void vd_sink_bytes(struct vd_sink *sink, const uint8_t *data, size_t size);

#endif
