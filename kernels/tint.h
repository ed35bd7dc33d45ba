/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The arithmetic of the tint, shared by every target: C17 and OpenCL C 1.2, whose `unsigned` is 32 bits wide alike.
 *
 * out = (1 - s) * in + s * c on code values, in fixed point, with x the code, s the strength and c the tint's own code,
 * real-valued. Within 0.5 + 2^-7 of the real result for 0 <= s <= 1 and 0 <= c <= 2^depth - 1, where nothing overflows;
 * the identity for s = 0. Words that are no code of their depth (damaged streams) give some code, the same everywhere.
 */
#ifndef VIDRIERA_TINT_H
#define VIDRIERA_TINT_H

/*
 * 8 bits, a byte to a byte: ((((x << 8) * a) >> 16) + b) >> 8, the product taken in the two halves of a, as nothing is
 * rounded between them. Of the sum 16 bits count, and no step needs more: it may be done in vectors of such words.
 */
#define VD_TINT8_SUM(x, a_upper, a_lower, b) ((x) * (a_upper) + (((x) * (a_lower)) >> 8) + (b))

static inline unsigned vd_tint8(unsigned x, unsigned a, unsigned b)
{
    return (unsigned short)VD_TINT8_SUM(x, a >> 8, a & 0xff, b) >> 8;
}

/* 9 to 12 bits: a 16-bit word, its code held up by shift, to such a word. */
static inline unsigned vd_tint16(unsigned word, unsigned a, unsigned b, int depth, int shift)
{
    return (((word >> shift) * a + b) >> (32 - depth)) << shift;
}

#ifndef __OPENCL_C_VERSION__ /* the constants are the host's: OpenCL devices may lack double */

/* Bits of fraction in a and b. */
static inline int vd_tint_fraction(int depth)
{
    return depth == 8 ? 8 : 32 - depth;
}

static inline unsigned vd_tint_a(double s, int depth)
{
    if (depth > 8)
        return (unsigned)((1 - s) * (1u << vd_tint_fraction(depth)) + 0.5);

    /* 2^16 itself has no room in 16 bits; 65535 is the identity too, thanks to the half in b. */
    unsigned a = (unsigned)((1 - s) * 65536 + 0.5);
    return a < 65535 ? a : 65535;
}

static inline unsigned vd_tint_b(double s, double c, int depth)
{
    unsigned one = 1u << vd_tint_fraction(depth);
    return (unsigned)(s * c * one + 0.5) + one / 2;
}

#endif
#endif
