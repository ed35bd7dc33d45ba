/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bits.h"

#include <stdlib.h>
#include <string.h>

static void put_raw(struct vd_bits *bits, uint8_t byte)
{
    if (bits->size == bits->room) {
        bits->room = bits->room ? 2 * bits->room : 4096;
        bits->data = realloc(bits->data, bits->room);
        if (!bits->data)
            abort();
    }
    bits->data[bits->size++] = byte;
}

static void put_byte(struct vd_bits *bits, uint8_t byte)
{
    if (bits->zeros >= 2 && byte <= 3) {
        put_raw(bits, 3);
        bits->zeros = 0;
    }
    put_raw(bits, byte);
    bits->zeros = byte ? 0 : bits->zeros + 1;
}

void vd_nal_begin(struct vd_bits *bits, const uint8_t *header, int length)
{
    static const uint8_t start[] = {0, 0, 0, 1};
    for (size_t i = 0; i < sizeof(start); i++)
        put_raw(bits, start[i]);
    bits->zeros = 0;
    for (int i = 0; i < length; i++)
        put_byte(bits, header[i]);
}

void vd_nal_end(struct vd_bits *bits)
{
    vd_put(bits, 1, 1);
    vd_put_align(bits);
}

void vd_put(struct vd_bits *bits, int count, uint32_t value)
{
    while (count--) {
        bits->byte = bits->byte << 1 | (value >> count & 1);
        if (++bits->filled == 8) {
            put_byte(bits, (uint8_t)bits->byte);
            bits->byte = 0;
            bits->filled = 0;
        }
    }
}

void vd_put_ue(struct vd_bits *bits, uint32_t value)
{
    int length = 0;
    while ((value + 1) >> (length + 1))
        length++;
    vd_put(bits, length, 0);
    vd_put(bits, length + 1, value + 1);
}

void vd_put_se(struct vd_bits *bits, int32_t value)
{
    vd_put_ue(bits, value > 0 ? 2 * (uint32_t)value - 1 : 2 * (uint32_t)-value);
}

void vd_put_align(struct vd_bits *bits)
{
    while (bits->filled)
        vd_put(bits, 1, 0);
}

void vd_put_bytes(struct vd_bits *bits, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_byte(bits, bytes[i]);
}

size_t vd_unescape(uint8_t *plain, const uint8_t *nal, size_t size)
{
    size_t length = 0;
    int zeros = 0;
    for (size_t i = 0; i < size; i++) {
        if (zeros >= 2 && nal[i] == 3) {
            zeros = 0;
            continue;
        }
        plain[length++] = nal[i];
        zeros = nal[i] ? 0 : zeros + 1;
    }
    return length;
}

uint32_t vd_get(struct vd_reader *reader, int count)
{
    uint32_t value = 0;
    for (; count; count--, reader->at++) {
        unsigned byte = reader->at / 8 < reader->size ? reader->data[reader->at / 8] : 0;
        value = value << 1 | (byte >> (7 - reader->at % 8) & 1);
    }
    return value;
}

uint32_t vd_get_ue(struct vd_reader *reader)
{
    int zeros = 0;
    while (zeros < 31 && !vd_get(reader, 1))
        zeros++;
    return (1u << zeros) - 1 + vd_get(reader, zeros);
}

int32_t vd_get_se(struct vd_reader *reader)
{
    uint32_t value = vd_get_ue(reader);
    return value & 1 ? (int32_t)(value / 2 + 1) : -(int32_t)(value / 2);
}
