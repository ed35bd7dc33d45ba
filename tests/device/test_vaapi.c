/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both VAAPI backends through vidriera/device.h, on FFmpeg's own VAAPI and OpenCL code and the driver and the OpenCL
 * layer of tests/doubles/va/, which ctest puts into the environment. Surfaces are filled as a decoder would.
 *
 * Drivers are loaded once in a process. What needs another environment runs this program again: "WORDS" opens that device
 * and does one picture, and says in one line what came of it.
 */
#include "surfaces.h"

#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NODE "/dev/null" /* the doubles take any */
#define MAPPED "vaapi-opencl:" NODE
#define HOST "vaapi-host:" NODE

static const struct shape hd = {AV_PIX_FMT_NV12, 1920, 1080, 1088};
static const struct shape small = {AV_PIX_FMT_NV12, 640, 362, 368};
static const struct shape deep = {AV_PIX_FMT_P010, 640, 362, 368};

/* A surface goes in, one of the encoder's pool comes out, and the decoder's is as it was. */
static void surface_case(const char *words, const struct shape *shape, int tolerance, int copies)
{
    struct bench b;
    bench_open(&b, words, shape, 3);
    AVFrame *source = noise_frame(shape);
    AVFrame *want = tinted_frame(&b, source);
    AVBufferRef *decoder = decoder_pool(&b, shape, 2);
    AVFrame *surface = decoded_surface(decoder, source, shape);
    AVFrame *frame = av_frame_clone(surface);
    frame->pts = 4711;

    must(vd_filter_process(b.filter, &frame, &b.err), &b.err);
    assert_int_equal(frame->format, AV_PIX_FMT_VAAPI);
    assert_ptr_equal(frame->hw_frames_ctx->data, vd_filter_frames(b.filter)->data);
    assert_true(frame->width == shape->width && frame->height == shape->height);
    assert_int_equal(frame->pts, 4711);
    struct vd_filter_facts facts = vd_filter_facts(b.filter);
    assert_int_equal(facts.frames, 1);
    assert_int_equal(facts.copies, copies);
    assert_string_equal(facts.kernel, copies ? vd_dsp()->name : "opencl-image");

    must(vd_filter_download(b.filter, &frame, &b.err), &b.err);
    assert_int_equal(frame->format, shape->format);
    assert_same(frame, want, shape, tolerance);
    must(vd_filter_download(b.filter, &surface, &b.err), &b.err);
    assert_same(surface, source, shape, 0);

    av_frame_free(&frame);
    av_frame_free(&surface);
    av_buffer_unref(&decoder);
    av_frame_free(&want);
    av_frame_free(&source);
    bench_close(&b);
}

static void mapped(void **state)
{
    (void)state;
    surface_case(MAPPED, &small, 1, 0);
}

static void mapped_of_more_rows(void **state)
{
    (void)state;
    surface_case(MAPPED, &hd, 1, 0);
}

static void mapped_of_ten_bits(void **state)
{
    (void)state;
    surface_case(MAPPED, &deep, 1, 0);
}

static void through_the_host(void **state)
{
    (void)state;
    surface_case(HOST, &small, 0, 2);
    surface_case(HOST, &hd, 0, 2);
    surface_case(HOST, &deep, 0, 2);
}

/* Decoded in software: one way only, whichever the backend. */
static void host_case(const char *words, const struct shape *shape)
{
    struct bench b;
    bench_open(&b, words, shape, 2);
    AVFrame *source = noise_frame(shape);
    AVFrame *want = tinted_frame(&b, source);
    AVFrame *frame = av_frame_clone(source);
    frame->height = shape->height;
    must(vd_filter_process(b.filter, &frame, &b.err), &b.err);
    assert_int_equal(frame->format, AV_PIX_FMT_VAAPI);
    assert_true(frame->width == b.picture.padded_width && frame->height == b.picture.padded_height);
    assert_int_equal(vd_filter_facts(b.filter).copies, 1);
    assert_string_equal(vd_filter_facts(b.filter).kernel, vd_dsp()->name);
    must(vd_filter_download(b.filter, &frame, &b.err), &b.err);
    assert_same(frame, want, shape, 0);
    assert_padded(frame, &b.picture);
    av_frame_free(&frame);
    av_frame_free(&want);
    av_frame_free(&source);
    bench_close(&b);
}

static void decoded_in_software(void **state)
{
    static const struct shape odd = {AV_PIX_FMT_NV12, 853, 479, 479}, odd_deep = {AV_PIX_FMT_P010, 853, 479, 479};
    (void)state;
    host_case(MAPPED, &small);
    host_case(HOST, &small);
    host_case(HOST, &odd);
    host_case(MAPPED, &odd_deep);
}

/* Strength 0: the encoder still reads from its own pool. */
static void nothing_to_do(void **state)
{
    static const char *const words[] = {MAPPED, HOST};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench b;
        bench_open_with(&b, words[i], &small, 2, 0);
        AVFrame *source = noise_frame(&small);
        AVBufferRef *decoder = decoder_pool(&b, &small, 1);
        AVFrame *frame = decoded_surface(decoder, source, &small);
        must(vd_filter_process(b.filter, &frame, &b.err), &b.err);
        assert_ptr_equal(frame->hw_frames_ctx->data, vd_filter_frames(b.filter)->data);
        must(vd_filter_download(b.filter, &frame, &b.err), &b.err);
        assert_same(frame, source, &small, 0);
        av_frame_free(&frame);
        av_frame_free(&source);
        av_buffer_unref(&decoder);
        bench_close(&b);
    }
}

/* A decoder that begins anew has new surfaces; the pictures of the old ones may still be on their way. */
static void another_pool(void **state)
{
    struct bench b;
    (void)state;
    bench_open(&b, MAPPED, &small, 4);
    for (int i = 0; i < 3; i++) {
        AVFrame *source = noise_frame(&small);
        AVFrame *want = tinted_frame(&b, source);
        AVBufferRef *decoder = decoder_pool(&b, &small, 1);
        AVFrame *frame = decoded_surface(decoder, source, &small);
        av_buffer_unref(&decoder);
        must(vd_filter_process(b.filter, &frame, &b.err), &b.err);
        must(vd_filter_download(b.filter, &frame, &b.err), &b.err);
        assert_same(frame, want, &small, 1);
        av_frame_free(&frame);
        av_frame_free(&want);
        av_frame_free(&source);
    }
    bench_close(&b);
}

/* The pool holds what it was asked to: one more is an error, not a surface that the encoder still reads. */
static void all_are_out(void **state)
{
    static const char *const words[] = {MAPPED, HOST};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct bench b;
        AVFrame *out[3];
        bench_open(&b, words[i], &small, 3);
        AVFrame *source = noise_frame(&small);
        AVBufferRef *decoder = decoder_pool(&b, &small, 1);
        AVFrame *surface = decoded_surface(decoder, source, &small);
        for (int k = 0; k < 3; k++) {
            out[k] = av_frame_clone(surface);
            must(vd_filter_process(b.filter, &out[k], &b.err), &b.err);
        }
        AVFrame *frame = av_frame_clone(surface);
        assert_int_equal(vd_filter_process(b.filter, &frame, &b.err), -1);
        assert_null(frame);
        assert_int_equal(b.err.code, VD_UNAVAILABLE);
        assert_string_equal(b.err.stage, "effect");
        assert_non_null(strstr(b.err.text, "no surface is free"));
        av_frame_free(&out[1]);
        frame = av_frame_clone(surface);
        must(vd_filter_process(b.filter, &frame, &b.err), &b.err);
        /* what is still out there outlives the filter */
        bench_close(&b);
        av_frame_free(&frame);
        av_frame_free(&out[0]);
        av_frame_free(&out[2]);
        av_frame_free(&surface);
        av_frame_free(&source);
        av_buffer_unref(&decoder);
    }
}

static void traits(void **state)
{
    struct vd_err err = {0};
    (void)state;
    struct vd_device *device = vd_device_open("vaapi:" NODE, &err);
    assert_non_null(device);
    const struct vd_device_traits *t = vd_device_traits(device);
    assert_string_equal(t->backend, "vaapi-opencl");
    assert_int_equal(t->family, VD_FAMILY_VAAPI);
    assert_int_equal(t->surface, AV_PIX_FMT_VAAPI);
    assert_non_null(t->hardware);
    assert_true(strlen(t->model) > 0);
    vd_device_close(device);
}

/* This program again, in another environment; its line, and that it came to an end of its own. */
static char said[700];

static const char *elsewhere(const char *environment, const char *words)
{
    char command[1400], self[512];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(size > 0);
    self[size] = 0;
    snprintf(command, sizeof command, "env %s %s %s", environment, self, words);
    FILE *out = popen(command, "r"); // NOLINT(cert-env33-c)
    assert_non_null(out);
    size_t got = fread(said, 1, sizeof said - 1, out);
    said[got] = 0;
    assert_int_equal(pclose(out), 0);
    return said;
}

static void assert_said(const char *part)
{
    if (!strstr(said, part))
        fail_msg("no \"%s\" in: %s", part, said);
}

static void no_sharing(void **state)
{
    (void)state;
    elsewhere("-u OPENCL_LAYERS", MAPPED);
    assert_said("unavailable open");
    assert_said("cl_intel_va_api_media_sharing");
    assert_said("intel-opencl-icd");
    assert_string_equal(elsewhere("-u OPENCL_LAYERS", "vaapi:" NODE), "vaapi-host ok");
}

static void no_node(void **state)
{
    (void)state;
    elsewhere("", "vaapi-host:/dev/dri/renderD999");
    assert_said("unavailable open");
    assert_said("there is no such node");
    assert_said("--device /dev/dri");
    elsewhere("", "vaapi:200");
    assert_said("not so many render nodes");
}

static void no_nodes(void **state)
{
    (void)state;
    if (access("/dev/dri", F_OK) == 0) {
        print_message("there is a /dev/dri here: skipped\n");
        skip();
    }
    elsewhere("", "vaapi");
    assert_said("/dev/dri: no render node");
}

static void no_driver(void **state)
{
    (void)state;
    elsewhere("-u LD_PRELOAD", HOST);
    assert_said("not the render node of a GPU");
    elsewhere("LIBVA_DRIVERS_PATH=/nowhere", HOST);
    assert_said("no VA driver answers");
}

static void not_permitted(void **state)
{
    char folder[] = "/tmp/vidriera-node-XXXXXX", path[64], words[96], group[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(path, sizeof path, "%s/node", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    struct stat st;
    assert_int_equal(chmod(path, 0060), 0); /* root becomes nobody for it, anybody else is kept out as its owner */
    assert_int_equal(stat(path, &st), 0);
    const struct group *known = getgrgid(st.st_gid);
    snprintf(words, sizeof words, "vaapi-host:%s", path);
    elsewhere("VD_TEST_AS_NOBODY=1", words);
    assert_said("permission denied");
    snprintf(group, sizeof group, "--group-add %u", (unsigned)st.st_gid);
    assert_said(group);
    snprintf(group, sizeof group, "usermod -aG %s USER", known ? known->gr_name : "render");
    assert_said(group);
    assert_int_equal(chmod(path, 0), 0);
    elsewhere("VD_TEST_AS_NOBODY=1", words);
    assert_said("its mode 000 lets no group in");
    unlink(path);
    rmdir(folder);
}

/* The surfaces of the trial when it is opened, of the encoder's pool, of the decoder's. */
static void surfaces_fail(void **state)
{
    char fail[64];
    (void)state;
    for (int n = 1; n <= 6; n++) {
        snprintf(fail, sizeof fail, "VD_DOUBLE_FAIL=surface:%d", n);
        elsewhere(fail, MAPPED);
        assert_said(n <= 2 ? "unavailable open: vaapi-opencl: the device gives no 2 surfaces of 64x64"
                           : "unavailable effect: vaapi-opencl: the device gives no 4 surfaces of 640x362");
    }
    assert_string_equal(elsewhere("VD_DOUBLE_FAIL=surface:8", MAPPED), "vaapi-opencl ok");
    for (int n = 1; n <= 4; n++) {
        snprintf(fail, sizeof fail, "VD_DOUBLE_FAIL=surface:%d", n);
        elsewhere(fail, HOST);
        assert_said("unavailable effect: vaapi-host: the device gives no 4 surfaces of 640x362");
    }
    assert_string_equal(elsewhere("VD_DOUBLE_FAIL=surface:6", HOST), "vaapi-host ok");
}

/* For fewer than the pools have, and for one of another size. */
static void there_is_no_room(void **state)
{
    (void)state;
    elsewhere("VD_DOUBLE_FAIL=room:3", MAPPED);
    assert_said("again effect: vaapi-opencl: the device gives no 4 surfaces of 640x362 in nv12: no room; ");
    elsewhere("VD_DOUBLE_FAIL=room:3", HOST);
    assert_said("again effect: vaapi-host: the device gives no 4 surfaces of 640x362 in nv12: no room; ");
}

/* A picture waits for both planes of two surfaces, and so does the trial. */
static void syncs_fail(void **state)
{
    char fail[64];
    (void)state;
    for (int n = 1; n <= 8; n++) {
        snprintf(fail, sizeof fail, "VD_DOUBLE_FAIL=sync:%d", n);
        elsewhere(fail, MAPPED);
        assert_said(n <= 4 ? "unavailable open: " : "unavailable effect: ");
        assert_said("vaapi-opencl: a surface cannot be mapped for OpenCL");
    }
    assert_string_equal(elsewhere("VD_DOUBLE_FAIL=sync:9", MAPPED), "vaapi-opencl ok");
    elsewhere("VD_DOUBLE_FAIL=sync:1", HOST);
    assert_said("unavailable effect: vaapi-host: a surface cannot be read");
    elsewhere("VD_DOUBLE_FAIL=sync:2", HOST);
    assert_said("unavailable effect: vaapi-host: a surface cannot be written");
    assert_string_equal(elsewhere("VD_DOUBLE_FAIL=sync:3", HOST), "vaapi-host ok");
}

/* One picture; the line on stdout. */
static int picture_of(const char *words)
{
    struct vd_err err = {0};
    if (getenv("VD_TEST_AS_NOBODY") && geteuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        return 1;
    struct vd_device *device = vd_device_open(words, &err);
    if (!device) {
        printf("%s %s: %s", vd_code_name(err.code), err.stage, err.text);
        return 0;
    }
    AVFrame *frame = one_picture(device, &small, &err);
    if (frame)
        printf("%s ok", vd_device_traits(device)->backend);
    else
        printf("%s %s: %s", vd_code_name(err.code), err.stage, err.text);
    av_frame_free(&frame);
    vd_device_close(device);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traits),
        cmocka_unit_test(mapped),
        cmocka_unit_test(mapped_of_more_rows),
        cmocka_unit_test(mapped_of_ten_bits),
        cmocka_unit_test(through_the_host),
        cmocka_unit_test(decoded_in_software),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(another_pool),
        cmocka_unit_test(all_are_out),
        cmocka_unit_test(no_sharing),
        cmocka_unit_test(no_node),
        cmocka_unit_test(no_nodes),
        cmocka_unit_test(no_driver),
        cmocka_unit_test(not_permitted),
        cmocka_unit_test(surfaces_fail),
        cmocka_unit_test(there_is_no_room),
        cmocka_unit_test(syncs_fail),
    };
    return argc > 1 ? picture_of(argv[1]) : cmocka_run_group_tests(tests, NULL, NULL);
}
