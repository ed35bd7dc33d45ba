/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint8_t *vd_unescape(const uint8_t *nal, size_t size, size_t *rbsp_size)
{
    uint8_t *rbsp = malloc(size ? size : 1);
    if (!rbsp)
        return NULL;

    size_t written = 0;
    unsigned zeros = 0;
    for (size_t i = 0; i < size; i++) {
        if (zeros >= 2 && nal[i] == 3) {
            zeros = 0;
            continue;
        }
        zeros = nal[i] ? 0 : zeros + 1;
        rbsp[written++] = nal[i];
    }
    *rbsp_size = written;
    return rbsp;
}

bool vd_bits_open(struct vd_bits *bits, const uint8_t *rbsp, size_t size, size_t from)
{
    while (size && !rbsp[size - 1])
        size--;
    if (!size)
        return false;
    *bits = (struct vd_bits){
        .data = rbsp, .position = from, .end = size * 8 - 1 - (size_t)__builtin_ctz(rbsp[size - 1])};
    return from <= bits->end;
}

static unsigned bit(const struct vd_bits *bits, size_t position)
{
    return bits->data[position / 8] >> (7 - position % 8) & 1;
}

uint32_t vd_bits_ue(struct vd_bits *bits)
{
    unsigned zeros = 0;
    while (bits->position < bits->end && !bit(bits, bits->position)) {
        zeros++;
        bits->position++;
    }
    if (zeros > 31 || bits->end - bits->position < zeros + 1)
        return UINT32_MAX;
    uint64_t value = 0;
    for (unsigned i = 0; i <= zeros; i++)
        value = value << 1 | bit(bits, bits->position++);
    return (uint32_t)(value - 1);
}

bool vd_bits_align(struct vd_bits *bits)
{
    while (bits->position % 8) {
        if (bits->position >= bits->end || bit(bits, bits->position))
            return false;
        bits->position++;
    }
    return true;
}

const uint8_t *vd_bits_bytes(struct vd_bits *bits, size_t size)
{
    assert(bits->position % 8 == 0);
    if (bits->position > bits->end || (bits->end - bits->position) / 8 < size)
        return NULL;
    const uint8_t *bytes = bits->data + bits->position / 8;
    bits->position += size * 8;
    return bytes;
}

static void put(struct vd_sink *sink, uint8_t byte)
{
    if (sink->size == sink->room) {
        sink->full = true;
        return;
    }
    sink->data[sink->size++] = byte;
}

static void put_escaped(struct vd_sink *sink, uint8_t byte)
{
    if (sink->zeros >= 2 && byte <= 3) {
        put(sink, 3);
        sink->zeros = 0;
    }
    put(sink, byte);
    sink->zeros = byte ? 0 : sink->zeros + 1;
}

void vd_sink_raw(struct vd_sink *sink, const uint8_t *data, size_t size)
{
    assert(!sink->partial_bits);
    if (size > sink->room - sink->size) {
        sink->full = true;
        return;
    }
    memcpy(sink->data + sink->size, data, size);
    sink->size += size;
}

void vd_sink_nal(struct vd_sink *sink)
{
    assert(!sink->partial_bits);
    sink->zeros = 0;
}

void vd_sink_bits(struct vd_sink *sink, uint32_t value, unsigned count)
{
    assert(count <= 32);
    for (unsigned i = count; i > 0; i--) {
        sink->partial = sink->partial << 1 | (value >> (i - 1) & 1);
        if (++sink->partial_bits < 8)
            continue;
        put_escaped(sink, (uint8_t)sink->partial);
        sink->partial = 0;
        sink->partial_bits = 0;
    }
}

void vd_sink_ue(struct vd_sink *sink, uint32_t value)
{
    assert(value < UINT32_MAX);
    unsigned length = 32 - (unsigned)__builtin_clz(value + 1);
    vd_sink_bits(sink, 0, length - 1);
    vd_sink_bits(sink, value + 1, length);
}

void vd_sink_align(struct vd_sink *sink)
{
    if (sink->partial_bits)
        vd_sink_bits(sink, 0, 8 - sink->partial_bits);
}

void vd_sink_bytes(struct vd_sink *sink, const uint8_t *data, size_t size)
{
    assert(!sink->partial_bits);
    for (size_t i = 0; i < size; i++)
        put_escaped(sink, data[i]);
}
