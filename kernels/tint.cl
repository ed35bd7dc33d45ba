/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tint of one plane on an OpenCL device, and, compiled to PTX, on NVIDIA's: kernels/tint.h around memory. OpenCL C
 * 1.2, without a library function where it is PTX. dst may be src. What the plane's bounds leave out is not touched; the
 * size of an image does not count, as a surface may be larger than its picture.
 */
#include "kernels/tint.h"
#include "kernels/tint_plane.h"

#ifdef __NVPTX__
#define WORK_ITEM(axis)                                                                                                \
    (int)(__nvvm_read_ptx_sreg_ctaid_##axis() * __nvvm_read_ptx_sreg_ntid_##axis() + __nvvm_read_ptx_sreg_tid_##axis())
#define WORK_ITEMS(axis) (int)(__nvvm_read_ptx_sreg_nctaid_##axis() * __nvvm_read_ptx_sreg_ntid_##axis())
#else
#define WORK_ITEM(axis) (int)get_global_id(AXIS_##axis)
#define WORK_ITEMS(axis) (int)get_global_size(AXIS_##axis)
#define AXIS_x 0
#define AXIS_y 1
#endif

/* 0 first, 1 straddling, 2 the rest. */
static inline int part_of(int at, const struct vd_tint_plane *plane)
{
    return (at >= plane->first) + (at >= plane->first + plane->straddle);
}

static inline uint tinted(uint word, uint b, const struct vd_tint_plane *plane)
{
    return plane->depth == 8 ? vd_tint8(word, plane->a, b) : vd_tint16(word, plane->a, b, plane->depth, plane->shift);
}

#ifdef VD_BY_LINES

/*
 * A processor: a work-item is some rows, in stretches of one pair of constants. In scalars all arithmetic would be 32
 * bits wide; vectors of words stay what they are. Two bytes lie in a word, where even and odd ones are apart already.
 * The type is for any address, and stands in for vstore16(), which PoCL does byte by byte.
 */
struct __attribute__((packed)) bytes {
    ushort16 words;
};

/* A stretch of two components begins at an even sample. */
static inline ushort16 two_by_two(ushort16 v, uint a, const uint b[2])
{
    const ushort upper = a >> 8, lower = a & 0xff, even = b[0], odd = b[1];
    return (VD_TINT8_SUM(v & (ushort)0xff, upper, lower, even) >> (ushort)8) |
           (VD_TINT8_SUM(v >> (ushort)8, upper, lower, odd) & (ushort)0xff00);
}

static void stretch_uchar(global uchar *dst, global const uchar *src, int from, int to, const uint b[2],
                          const struct vd_tint_plane *plane)
{
    const int last = to - (int)sizeof(struct bytes);
    if (last < from) {
        for (int x = from; x < to; x++)
            dst[x] = (uchar)vd_tint8(src[x], plane->a, b[x & 1]);
        return;
    }
    /* These overlap the ones before, which in place are tinted by the time they are written. */
    const ushort16 end = ((global const struct bytes *)(src + last))->words;
    for (int x = from; x < last; x += sizeof(struct bytes)) {
        const ushort16 v = ((global const struct bytes *)(src + x))->words;
        ((global struct bytes *)(dst + x))->words = two_by_two(v, plane->a, b);
    }
    ((global struct bytes *)(dst + last))->words = two_by_two(end, plane->a, b);
}

/* That dst may be src does not stand in the way of vectors: each sample is read before it is written, and by nobody
 * else. */
#define STRETCH(b)                                                                                                     \
    _Pragma("clang loop vectorize(assume_safety)") for (int x = from; x < to; x++)                                     \
        dst[x] = (ushort)vd_tint16(src[x], a, b, depth, shift)

static void stretch_ushort(global ushort *dst, global const ushort *src, int from, int to, const uint b[2],
                           const struct vd_tint_plane *plane)
{
    const uint a = plane->a, even = b[0], odd = b[1];
    const int depth = plane->depth, shift = plane->shift;
    if (even == odd)
        STRETCH(even);
    else
        STRETCH(x & 1 ? odd : even);
}

#define BUFFER(name, type)                                                                                             \
    kernel void name(global uchar *dst, global const uchar *src, const struct vd_tint_plane plane)                     \
    {                                                                                                                  \
        const int each = (plane.rows + WORK_ITEMS(x) - 1) / WORK_ITEMS(x), begin = WORK_ITEM(x) * each;                \
        const int first = min(plane.first, plane.width);                                                               \
        const int middle = min(plane.first + plane.straddle, plane.width);                                             \
        for (int y = begin; y < min(begin + each, plane.rows); y++) {                                                  \
            global type *to = (global type *)(dst + plane.dst_offset + (long)y * plane.dst_stride);                    \
            global const type *from = (global const type *)(src + plane.src_offset + (long)y * plane.src_stride);      \
            if (plane.by_rows) {                                                                                       \
                stretch_##type(to, from, 0, plane.width, plane.b[part_of(y, &plane)], &plane);                         \
            } else {                                                                                                   \
                stretch_##type(to, from, 0, first, plane.b[0], &plane);                                                \
                stretch_##type(to, from, first, middle, plane.b[1], &plane);                                           \
                stretch_##type(to, from, middle, plane.width, plane.b[2], &plane);                                     \
            }                                                                                                          \
        }                                                                                                              \
    }

#else

/* A graphics processor: neighbours take neighbouring samples, and go on by as many as they are. */
#define BUFFER(name, type)                                                                                             \
    kernel void name(global uchar *dst, global const uchar *src, const struct vd_tint_plane plane)                     \
    {                                                                                                                  \
        for (int y = WORK_ITEM(y); y < plane.rows; y += WORK_ITEMS(y)) {                                               \
            global type *to = (global type *)(dst + plane.dst_offset + (long)y * plane.dst_stride);                    \
            global const type *from = (global const type *)(src + plane.src_offset + (long)y * plane.src_stride);      \
            for (int x = WORK_ITEM(x); x < plane.width; x += WORK_ITEMS(x))                                            \
                to[x] = (type)tinted(from[x], plane.b[part_of(plane.by_rows ? y : x, &plane)][x & 1], &plane);         \
        }                                                                                                              \
    }

#endif

BUFFER(vd_tint_buffer8, uchar)
BUFFER(vd_tint_buffer16, ushort)

#ifndef __NVPTX__

constant sampler_t exactly = CLK_NORMALIZED_COORDS_FALSE | CLK_ADDRESS_CLAMP_TO_EDGE | CLK_FILTER_NEAREST;

/* A sample as the image gives it, 0 to 1, to a code word and back. */
static inline float through(float value, int x, int y, int component, const struct vd_tint_plane *plane)
{
    const float most = plane->depth == 8 ? 255.0f : 65535.0f;
    const uint b = plane->b[part_of(plane->by_rows ? y : x, plane)][component];
    return (float)tinted((uint)(value * most + 0.5f), b, plane) / most;
}

/* channels 2: Cb and Cr in one pixel, which then counts as two samples of a row. */
kernel void vd_tint_image(write_only image2d_t dst, read_only image2d_t src, const struct vd_tint_plane plane,
                          const int channels)
{
    for (int y = WORK_ITEM(y); y < plane.rows; y += WORK_ITEMS(y))
        for (int x = WORK_ITEM(x) * channels; x < plane.width; x += WORK_ITEMS(x) * channels) {
            const int2 at = (int2)(x / channels, y);
            float4 pixel = read_imagef(src, exactly, at);
            pixel.x = through(pixel.x, x, y, channels == 2 ? 0 : x & 1, &plane);
            if (channels == 2)
                pixel.y = through(pixel.y, x, y, 1, &plane);
            write_imagef(dst, at, pixel);
        }
}

#endif
