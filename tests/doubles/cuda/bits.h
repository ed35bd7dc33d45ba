/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bits of NAL units, written and read. */
#ifndef VIDRIERA_TESTS_BITS_H
#define VIDRIERA_TESTS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins as zero; the owner frees data. */
struct vd_bits {
    uint8_t *data;
    size_t size, room;
    unsigned byte; /* begun, its bits so far */
    int filled;
    int zeros; /* bytes of zero that the last ones were */
};

/* A start code and the header's bytes; what follows is kept from looking like a start code. */
void vd_nal_begin(struct vd_bits *bits, const uint8_t *header, int length);
/* The stop bit, and zeros up to a byte. */
void vd_nal_end(struct vd_bits *bits);

void vd_put(struct vd_bits *bits, int count, uint32_t value);
void vd_put_ue(struct vd_bits *bits, uint32_t value);
void vd_put_se(struct vd_bits *bits, int32_t value);
/* Zeros up to a byte. */
void vd_put_align(struct vd_bits *bits);
/* At a byte's begin. */
void vd_put_bytes(struct vd_bits *bits, const uint8_t *bytes, size_t count);

/* What was escaped as plain bytes, in memory of the caller's; its length, at most size. */
size_t vd_unescape(uint8_t *plain, const uint8_t *nal, size_t size);

struct vd_reader {
    const uint8_t *data;
    size_t size, at; /* bytes; bits */
};

/* Past the end all bits are 0. */
uint32_t vd_get(struct vd_reader *reader, int count);
uint32_t vd_get_ue(struct vd_reader *reader);
int32_t vd_get_se(struct vd_reader *reader);

#endif
