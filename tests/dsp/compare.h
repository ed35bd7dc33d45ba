/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compares an instruction set with the definition, written out here once more in 64-bit arithmetic. libc alone, as
 * neon_check.c runs where there is no cmocka. Each check_…() returns NULL, or what differs; one thread.
 */
#ifndef VIDRIERA_TESTS_COMPARE_H
#define VIDRIERA_TESTS_COMPARE_H

#include "kernels/tint.h"
#include "vidriera/dsp.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t model8(uint64_t x, uint64_t a, uint64_t b)
{
    return ((x * 256 * a / 65536 + b) / 256) % 256;
}

static uint64_t model16(uint64_t word, uint64_t a, uint64_t b, int depth, int shift)
{
    uint64_t sum = ((word >> shift) * a + b) % (UINT64_C(1) << 32);
    return (sum >> (32 - depth)) << shift;
}

static uint16_t get16(const uint8_t *p)
{
    uint16_t word;
    memcpy(&word, p, 2);
    return word;
}

static const char *differs(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static const char *differs(const char *fmt, ...)
{
    static char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return text;
}

/* The same numbers in every run. */
static uint32_t noise(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

/* All codes at even places, then all at odd ones, for 101 strengths and every tint. */
static inline const char *check_codes8(const struct vd_dsp *set)
{
    uint8_t src[514], dst[514];
    for (int i = 0; i < 514; i++)
        src[i] = (uint8_t)(i < 256 ? i : i - 1);

    for (int s = 0; s <= 100; s++) {
        for (int c = 0; c < 256; c++) {
            int part = c % 3, n[3] = {0};
            n[part] = 514;
            struct vd_tint tint = {.a = vd_tint_a(s / 100.0, 8), .depth = 8};
            tint.b[part][0] = vd_tint_b(s / 100.0, c, 8);
            tint.b[part][1] = vd_tint_b(s / 100.0, 255 - c, 8);
            set->tint8(dst, 0, src, 0, n, 1, &tint);
            for (int i = 0; i < 514; i++) {
                if (dst[i] != model8(src[i], tint.a, tint.b[part][i & 1]))
                    return differs("%s: code %d, a %u, b %u gives %d", set->name, src[i], tint.a, tint.b[part][i & 1],
                                   dst[i]);
            }
        }
    }
    return NULL;
}

static inline const char *check_tint16(const struct vd_dsp *set, const struct vd_tint *tint, uint8_t *src, uint8_t *dst,
                                       int words)
{
    set->tint16(dst, 0, src, 0, (const int[3]){0, words, 0}, 1, tint);
    for (int i = 0; i < words; i++) {
        unsigned word = get16(src + 2 * i), got = get16(dst + 2 * i);
        if (got != model16(word, tint->a, tint->b[1][i & 1], tint->depth, tint->shift))
            return differs("%s: word %#x, %d bits up %d, a %u, b %u gives %#x", set->name, word, tint->depth,
                           tint->shift, tint->a, tint->b[1][i & 1], got);
    }
    return NULL;
}

/* All codes of 9 to 12 bits in both places, held up as in P010 and not; then words that are no codes. */
static inline const char *check_codes16(const struct vd_dsp *set)
{
    enum { WORDS = 2 * 4096 + 2 };
    static uint8_t src[2 * WORDS], dst[2 * WORDS];

    for (int depth = 9; depth <= 12; depth++) {
        for (int shift = 0; shift <= 16 - depth; shift += 16 - depth) {
            for (int k = 0; k < 21 * 16; k++) {
                int codes = 1 << depth, words = 2 * codes + 2;
                double s = k / 16 / 20.0, c = (k % 16) / 15.0 * (codes - 1);
                struct vd_tint tint = {.a = vd_tint_a(s, depth), .depth = depth, .shift = shift};
                tint.b[1][0] = vd_tint_b(s, c, depth);
                tint.b[1][1] = vd_tint_b(s, codes - 1 - c, depth);
                for (int i = 0; i < words; i++) {
                    int code = (i <= codes ? i : i - 1) % codes;
                    uint16_t word = (uint16_t)(code << shift);
                    memcpy(src + 2 * i, &word, 2);
                }
                const char *wrong = check_tint16(set, &tint, src, dst, words);
                if (wrong)
                    return wrong;
                for (int i = 0; k % 16 == 0 && i < 2 * words; i++)
                    src[i] = (uint8_t)noise();
                wrong = check_tint16(set, &tint, src, dst, words);
                if (wrong)
                    return wrong;
            }
        }
    }
    return NULL;
}

/* A picture's place in memory. */
struct shape {
    bool wide;
    int n[3], rows;
    int at;       /* byte at which it begins in its arena; -1: it ends where readable memory ends */
    int gap;      /* bytes between rows */
    bool flipped; /* negative stride */
};

#define ARENA 16384

/* ARENA bytes between two pages that cannot be touched. Never freed. */
static inline uint8_t *arena(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (ARENA + page - 1) / page * page;
    uint8_t *p = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + page, size, PROT_READ | PROT_WRITE) != 0) {
        perror("arena");
        exit(1);
    }
    return p + page + size - ARENA;
}

static inline int row_bytes(const struct shape *s)
{
    return (s->n[0] + s->n[1] + s->n[2]) * (s->wide ? 2 : 1);
}

/* The first row in the order of the picture. */
static inline uint8_t *place(uint8_t *base, const struct shape *s, ptrdiff_t *stride)
{
    ptrdiff_t pitch = row_bytes(s) + s->gap, total = s->rows * pitch - s->gap;
    uint8_t *top = base + (s->at >= 0 ? s->at : ARENA - total);
    *stride = s->flipped ? -pitch : pitch;
    return s->flipped ? top + (s->rows - 1) * pitch : top;
}

static inline void expect(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride,
                          const struct shape *s, const struct vd_tint *tint)
{
    for (int y = 0; y < s->rows; y++) {
        for (int x = 0, part = 0, in_part = 0; part < 3;) {
            if (in_part == s->n[part]) {
                part++;
                in_part = 0;
                continue;
            }
            uint32_t b = tint->b[part][in_part & 1];
            if (s->wide) {
                unsigned word = get16(src + y * src_stride + 2 * x);
                uint16_t out = (uint16_t)model16(word, tint->a, b, tint->depth, tint->shift);
                memcpy(dst + y * dst_stride + 2 * x, &out, 2);
            } else {
                dst[y * dst_stride + x] = (uint8_t)model8(src[y * src_stride + x], tint->a, b);
            }
            x++;
            in_part++;
        }
    }
}

/* The whole arenas are compared: what lies around and between the rows is the guard. In place when to is from. */
static inline const char *check_shape(const struct vd_dsp *set, const struct shape *from, const struct shape *to,
                                      const struct vd_tint *tint)
{
    static uint8_t *src, *dst, *want, before[ARENA];
    if (!src) {
        src = arena();
        dst = arena();
        want = arena();
        for (int i = 0; i < ARENA; i++)
            before[i] = (uint8_t)noise();
    }
    memcpy(src, before, ARENA);
    memset(dst, 0x5a, ARENA);

    ptrdiff_t src_stride, dst_stride, want_stride;
    uint8_t *in_place = from == to ? src : dst;
    uint8_t *from_row = place(src, from, &src_stride), *to_row = place(in_place, to, &dst_stride);
    memcpy(want, in_place, ARENA);
    uint8_t *want_row = place(want, to, &want_stride);
    expect(want_row, want_stride, from_row, src_stride, from, tint);

    vd_tint_fn *fn = from->wide ? set->tint16 : set->tint8;
    fn(to_row, dst_stride, from_row, src_stride, from->n, from->rows, tint);

    const char *what = memcmp(in_place, want, ARENA) != 0 ? "output" : NULL;
    if (!what && in_place == dst && memcmp(src, before, ARENA) != 0)
        what = "source";
    if (!what)
        return NULL;
    return differs("%s: %s differs: %d+%d+%d samples of %d bytes, %d rows, from %d to %d, strides %td to %td%s",
                   set->name, what, from->n[0], from->n[1], from->n[2], from->wide ? 2 : 1, from->rows, from->at,
                   to->at, src_stride, dst_stride, from == to ? ", in place" : "");
}

/* Every width to 200, cut at several places, at all sorts of addresses. */
static inline const char *check_shapes(const struct vd_dsp *set)
{
    struct vd_tint narrow = {.a = vd_tint_a(0.3, 8), .depth = 8};
    struct vd_tint p010 = {.a = vd_tint_a(0.3, 10), .depth = 10, .shift = 6};
    for (int i = 0; i < 6; i++) {
        narrow.b[i / 2][i % 2] = vd_tint_b(0.3, 250 - 40 * i, 8);
        p010.b[i / 2][i % 2] = vd_tint_b(0.3, 1000 - 160 * i, 10);
    }
    struct vd_tint ten = p010;
    ten.shift = 0;
    const struct vd_tint *tints[] = {&narrow, &ten, &p010};

    for (int width = 1; width <= 200; width++) {
        const int cuts[][2] = {{0, 0},
                               {0, 1},
                               {width / 2, 0},
                               {width / 2, 1},
                               {width / 3, width / 3},
                               {width, 0},
                               {width - 1, 1},
                               {(width & ~1) / 2, 2},
                               {(int)(noise() % (unsigned)width), 0}};
        for (size_t k = 0; k < 3 * sizeof cuts / sizeof cuts[0]; k++) {
            int left = cuts[k / 3][0], middle = cuts[k / 3][1];
            if (left + middle > width)
                continue;
            struct vd_tint own = *tints[k % 3], *tint = &own;
            for (int i = 0; i < 3 && (width | left | middle) % 2 != 0; i++)
                own.b[i][1] = own.b[i][0]; /* not interleaved */
            struct shape from = {.wide = tint->depth > 8, .n = {left, middle, width - left - middle}, .rows = 3};
            from.at = (int)(noise() % 67);
            from.gap = (int)(noise() % 35);
            struct shape to = from;
            to.at = (int)(noise() % 67);
            to.gap = (int)(noise() % 35);

            struct shape end = from, flipped = from, flipped_to = to;
            end.at = -1;
            flipped.flipped = flipped_to.flipped = true;
            const struct shape begin = {.wide = from.wide, .n = {left, middle, width - left - middle}, .rows = 1};
            const struct shape *pairs[][2] = {{&from, &from},  {&from, &to},         {&end, &end},
                                              {&end, &to},     {&from, &end},        {&flipped, &flipped},
                                              {&flipped, &to}, {&from, &flipped_to}, {&begin, &begin}};
            for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
                const char *wrong = check_shape(set, pairs[i][0], pairs[i][1], tint);
                if (wrong)
                    return wrong;
            }
        }
    }
    struct shape nothing = {.rows = 3}, no_rows = {.n = {20, 0, 20}};
    const char *wrong = check_shape(set, &nothing, &nothing, &narrow);
    return wrong ? wrong : check_shape(set, &no_rows, &no_rows, &narrow);
}

static const struct {
    const char *name;
    const char *(*check)(const struct vd_dsp *set);
} checks[] = {
    {"codes of 8 bits", check_codes8},
    {"codes of 9 to 12 bits", check_codes16},
    {"shapes", check_shapes},
};

#define N_CHECKS (sizeof checks / sizeof checks[0])

#endif
