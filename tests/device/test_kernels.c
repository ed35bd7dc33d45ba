/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernels/tint.cl on the first OpenCL device: buffers byte by byte what tests/dsp/compare.h wants of every instruction set,
 * and whole pictures as the definition in C makes them, with the work split either way; images within one code.
 *
 * `device_kernels few` launches few kernels, for a device that looks at each access (oclgrind).
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "opencl.h"

#include "tests/dsp/compare.h"
#include "tests/dsp/formats.h"

#include <setjmp.h>

#include <cmocka.h>

static struct opencl cl;
static struct vd_program program;

/* ---- a vd_tint_fn that runs on the device ---- */

static void must(cl_int code)
{
    if (code)
        fail_msg("%s", vd_program_error(code));
}

/* What a picture with that stride covers, from its lowest byte. */
struct span {
    const uint8_t *begin;
    size_t size;
    cl_mem mem;
};

static struct span span_of(const uint8_t *first, ptrdiff_t stride, int bytes, int rows)
{
    ptrdiff_t back = stride < 0 ? -stride * (rows - 1) : 0, forth = stride > 0 ? stride * (rows - 1) : 0;
    return (struct span){.begin = first - back, .size = (size_t)(back + forth + bytes)};
}

static void upload(struct span *span)
{
    cl_int code;
    span->mem = clCreateBuffer(cl.context, CL_MEM_COPY_HOST_PTR, span->size, (void *)span->begin, &code);
    must(code);
}

static void run(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3], int rows,
                const struct vd_tint *tint, bool wide)
{
    struct vd_plane_plan plan = {.width = n[0] + n[1] + n[2], .rows = rows, .tint = *tint};
    memcpy(plan.n, n, sizeof plan.n);
    int bytes = plan.width * (wide ? 2 : 1);
    if (!bytes || !rows)
        return;
    struct span from = span_of(src, src_stride, bytes, rows), to = span_of(dst, dst_stride, bytes, rows);
    bool in_place = dst == src;
    upload(&from);
    if (!in_place)
        upload(&to);
    struct vd_tint_plane plane = vd_program_plane(&plan);
    plane.src_offset = (vd_s32)(src - from.begin);
    plane.dst_offset = (vd_s32)(dst - to.begin);
    plane.src_stride = (vd_s32)src_stride;
    plane.dst_stride = (vd_s32)dst_stride;
    must(vd_program_buffer(&program, cl.queue, wide, in_place ? from.mem : to.mem, from.mem, &plane));
    must(vd_program_wait(&program, cl.queue));
    must(clEnqueueReadBuffer(cl.queue, in_place ? from.mem : to.mem, CL_TRUE, 0, to.size, (void *)to.begin, 0, NULL,
                             NULL));
    clReleaseMemObject(from.mem);
    if (!in_place)
        clReleaseMemObject(to.mem);
}

static void run8(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3], int rows,
                 const struct vd_tint *tint)
{
    run(dst, dst_stride, src, src_stride, n, rows, tint, false);
}

static void run16(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *src, ptrdiff_t src_stride, const int n[3],
                  int rows, const struct vd_tint *tint)
{
    run(dst, dst_stride, src, src_stride, n, rows, tint, true);
}

static const struct vd_dsp on_device = {"opencl", run8, run16};

static int build(bool by_lines)
{
    struct vd_err err;
    if (vd_program_build_split(&program, cl.context, cl.device, by_lines, &err) == 0)
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int build_lines(void **state)
{
    (void)state;
    return build(true);
}

static int build_pieces(void **state)
{
    (void)state;
    return build(false);
}

static int finish(void **state)
{
    (void)state;
    vd_program_finish(&program);
    return 0;
}

static void buffers(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CHECKS; i++) {
        const char *wrong = checks[i].check(&on_device);
        if (wrong)
            fail_msg("%s", wrong);
    }
}

/* ---- whole pictures, as vd_effect_apply() makes them in C ---- */

enum { PICTURE = 1 << 22 }; /* bytes for one, all planes */

static struct vd_planes planes_in(uint8_t *base, const struct vd_effect_plan *plan, int gap, size_t *bytes)
{
    struct vd_planes planes = {0};
    size_t at = (size_t)gap;
    for (int i = 0; i < plan->planes; i++) {
        planes.stride[i] = plan->plane[i].width * (plan->wide ? 2 : 1) + gap;
        planes.data[i] = base + at;
        at += (size_t)planes.stride[i] * (size_t)plan->plane[i].rows;
    }
    assert_true(at <= PICTURE);
    *bytes = at - (size_t)gap; /* nothing follows the last row */
    return planes;
}

static void enqueue(const struct vd_effect_plan *plan, cl_mem dst, const struct vd_planes *to, const uint8_t *dst_base,
                    cl_mem src, const struct vd_planes *from, const uint8_t *src_base)
{
    for (int i = 0; i < plan->planes; i++) {
        struct vd_tint_plane plane = vd_program_plane(&plan->plane[i]);
        plane.dst_offset = (vd_s32)(to->data[i] - dst_base);
        plane.src_offset = (vd_s32)(from->data[i] - src_base);
        plane.dst_stride = (vd_s32)to->stride[i];
        plane.src_stride = (vd_s32)from->stride[i];
        must(vd_program_buffer(&program, cl.queue, plan->wide, dst, src, &plane));
    }
    must(vd_program_wait(&program, cl.queue));
}

/* In place and into another picture of other strides. What lies between the rows is the guard. */
static void check_picture(const struct vd_layout *layout, const struct vd_effect_params *params)
{
    static uint8_t src[PICTURE], dst[PICTURE], want[PICTURE], got[PICTURE];
    struct span source = {.begin = src}, target = {.begin = dst};
    struct vd_effect_plan plan;
    struct vd_err err;
    assert_int_equal(vd_effect_plan(&plan, params, layout, &err), 0);
    struct vd_planes from = planes_in(src, &plan, 4, &source.size), to = planes_in(dst, &plan, 10, &target.size);
    struct vd_planes made = planes_in(want, &plan, 10, &target.size);
    if (dst[0] == 0)
        for (int i = 0; i < PICTURE; i++)
            dst[i] = (uint8_t)(noise() | (i == 0));
    for (size_t i = 0; i < source.size; i++) /* codes, and words that are none */
        src[i] = dst[PICTURE - 1 - i];
    memcpy(want, dst, target.size);
    vd_effect_apply(&plan, &made, &from);

    upload(&source);
    upload(&target);
    enqueue(&plan, target.mem, &to, dst, source.mem, &from, src);
    must(clEnqueueReadBuffer(cl.queue, target.mem, CL_TRUE, 0, target.size, got, 0, NULL, NULL));
    bool wrong = memcmp(got, want, target.size) != 0;

    enqueue(&plan, source.mem, &from, src, source.mem, &from, src);
    must(clEnqueueReadBuffer(cl.queue, source.mem, CL_TRUE, 0, source.size, got, 0, NULL, NULL));
    clReleaseMemObject(source.mem);
    clReleaseMemObject(target.mem);
    vd_effect_apply(&plan, &from, &from);
    if (wrong || memcmp(got, src, source.size) != 0)
        fail_msg("%dx%d, depth %d up %d, chroma %d,%d%s, edge %d, split %d, strength %g: %s differs", layout->width,
                 layout->height, layout->depth, layout->shift, layout->log2_chroma_w, layout->log2_chroma_h,
                 layout->interleaved ? " interleaved" : "", layout->left, params->split, params->strength,
                 wrong ? "another picture" : "the picture in place");
}

static void every_format(int width, int height, int split, double strength)
{
    struct vd_effect_params params;
    vd_effect_defaults(&params);
    params.split = split;
    params.strength = strength;
    for (size_t i = 0; i < 4 * N_FORMATS; i++) {
        struct vd_layout layout = formats[i / 4];
        layout.left = (enum vd_edge)(i % 4);
        layout.width = width;
        layout.height = height;
        check_picture(&layout, &params);
    }
}

/* Every way to cut so few samples. */
static void small_pictures(void **state)
{
    const int splits[] = {0, 1112, 2223, 3334, 4445, 5556, 6667, 7778, 8889, 10000};
    (void)state;
    for (int i = 0; i < 81 * 10; i++)
        every_format(1 + i / 10 % 9, 1 + i / 90, splits[i % 10], 0.3);
}

static void real_pictures(void **state)
{
    const int sizes[][2] = {{853, 479}, {175, 143}, {320, 180}, {66, 50}}, splits[] = {0, 3333, 5000, 6000, 10000};
    (void)state;
    for (int i = 0; i < 4 * 5; i++)
        every_format(sizes[i / 5][0], sizes[i / 5][1], splits[i % 5], 0.3);
    for (int i = 0; i <= 4; i++)
        every_format(101, 35, 4321, i / 4.0);
}

/* Larger than a group of work-items, and than what one does by lines. */
static void few_pictures(void **state)
{
    (void)state;
    every_format(66, 18, 4700, 0.3);
}

/* ---- images ---- */

enum { IMAGE_W = 96, IMAGE_H = 48, TRUE_ROWS = 45 }; /* a surface is larger than its picture */

static bool has_format(cl_image_format format)
{
    cl_image_format list[256];
    cl_uint count = 0;
    must(clGetSupportedImageFormats(cl.context, CL_MEM_READ_WRITE, CL_MEM_OBJECT_IMAGE2D, 256, list, &count));
    for (cl_uint i = 0; i < count && i < 256; i++)
        if (list[i].image_channel_order == format.image_channel_order &&
            list[i].image_channel_data_type == format.image_channel_data_type)
            return true;
    return false;
}

static cl_mem image(cl_image_format format, int width, void *pixels)
{
    const cl_image_desc desc = {
        .image_type = CL_MEM_OBJECT_IMAGE2D, .image_width = (size_t)width, .image_height = IMAGE_H};
    cl_int code;
    cl_mem made = clCreateImage(cl.context, CL_MEM_COPY_HOST_PTR, &format, &desc, pixels, &code);
    must(code);
    return made;
}

/* One plane of NV12 (8 bits) or P010, luma or chroma, whose components alternate. */
static void check_image(int channels, bool wide, bool interleaved, bool by_rows)
{
    const cl_image_format format = {channels == 2 ? CL_RG : CL_R, wide ? CL_UNORM_INT16 : CL_UNORM_INT8};
    static uint16_t words[IMAGE_W * IMAGE_H], out[IMAGE_W * IMAGE_H];
    static uint8_t bytes[IMAGE_W * IMAGE_H], narrow[IMAGE_W * IMAGE_H];
    struct vd_plane_plan plan = {.n = {40, 2, 54}, .width = IMAGE_W, .rows = TRUE_ROWS, .by_rows = by_rows};
    if (by_rows)
        memcpy(plan.n, (int[]){20, 1, TRUE_ROWS - 21}, sizeof plan.n);
    plan.tint = (struct vd_tint){.a = vd_tint_a(0.3, wide ? 10 : 8), .depth = wide ? 10 : 8, .shift = wide ? 6 : 0};
    for (int i = 0; i < 6; i++)
        plan.tint.b[i / 2][i % 2] = vd_tint_b(0.3, (wide ? 4 : 1) * (20 + 30 * (interleaved ? i : i & ~1)),
                                              plan.tint.depth);
    for (int i = 0; i < IMAGE_W * IMAGE_H; i++) {
        words[i] = (uint16_t)(noise() % 1024 << 6);
        bytes[i] = (uint8_t)noise();
    }
    if (!has_format(format)) {
        if (channels == 1 || VD_PAIRS)
            fail_msg("%s has no images of %d channels and %d bits", cl.name, channels, wide ? 16 : 8);
        print_message("%s has no images of %d channels and %d bits\n", cl.name, channels, wide ? 16 : 8);
        skip();
    }
    cl_mem src = image(format, IMAGE_W / channels, wide ? (void *)words : bytes);
    cl_mem dst = image(format, IMAGE_W / channels, wide ? (void *)words : bytes);
    struct vd_tint_plane plane = vd_program_plane(&plan);
    const size_t origin[3] = {0}, region[3] = {(size_t)(IMAGE_W / channels), IMAGE_H, 1};
    must(vd_program_image(&program, cl.queue, dst, src, channels, &plane));
    must(vd_program_wait(&program, cl.queue));
    must(clEnqueueReadImage(cl.queue, dst, CL_TRUE, origin, region, 0, 0, wide ? (void *)out : narrow, 0, NULL, NULL));
    clReleaseMemObject(src);
    clReleaseMemObject(dst);
    for (int y = 0; y < IMAGE_H; y++)
        for (int x = 0; x < IMAGE_W; x++) {
            int at = y * IMAGE_W + x, along = by_rows ? y : x, got = wide ? out[at] >> 6 : narrow[at];
            int part = (along >= plan.n[0]) + (along >= plan.n[0] + plan.n[1]);
            uint32_t b = plan.tint.b[part][x & 1];
            int before = wide ? words[at] >> 6 : bytes[at];
            int want = (int)(wide ? model16(words[at], plan.tint.a, b, 10, 6) >> 6 : model8(bytes[at], plan.tint.a, b));
            if (y >= TRUE_ROWS ? got != before : abs(got - want) > 1)
                fail_msg("%d channels of %d bits, at %d, %d: %d becomes %d, wanted %d", channels, wide ? 16 : 8, x, y,
                         before, got, y >= TRUE_ROWS ? before : want);
        }
}

static void images(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        check_image(1, i & 1, false, i & 2);
        check_image(1, i & 1, true, i & 2); /* a chroma plane that came as one channel */
    }
}

/* PoCL 3.1 (Debian 12) has no such images; PoCL 6 (Debian 13) has, and there VD_PAIRS says that they must be. */
static void images_of_pairs(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        check_image(2, i & 1, true, i & 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(buffers, build_lines, finish),
        cmocka_unit_test_setup_teardown(buffers, build_pieces, finish),
        cmocka_unit_test_setup_teardown(small_pictures, build_lines, finish),
        cmocka_unit_test_setup_teardown(small_pictures, build_pieces, finish),
        cmocka_unit_test_setup_teardown(real_pictures, build_lines, finish),
        cmocka_unit_test_setup_teardown(real_pictures, build_pieces, finish),
        cmocka_unit_test_setup_teardown(images, build_pieces, finish),
        cmocka_unit_test_setup_teardown(images_of_pairs, build_pieces, finish),
    };
    const struct CMUnitTest few[] = {
        cmocka_unit_test_setup_teardown(few_pictures, build_lines, finish),
        cmocka_unit_test_setup_teardown(few_pictures, build_pieces, finish),
        cmocka_unit_test_setup_teardown(images, build_pieces, finish),
        cmocka_unit_test_setup_teardown(images_of_pairs, build_pieces, finish),
    };
    setenv("VD_CPU", "c", 1);
    opencl_open(&cl);
    print_message("device: %s\n", cl.name);
    int failed = argc > 1 && strcmp(argv[1], "few") == 0 ? cmocka_run_group_tests(few, NULL, NULL)
                                                         : cmocka_run_group_tests(all, NULL, NULL);
    opencl_close(&cl);
    return failed;
}
