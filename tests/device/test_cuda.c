/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cuda backend on the double of NVIDIA's driver (tests/doubles/cuda): its pictures against C's, bit for bit, the
 * copies that the double counts, and what is said of each failure.
 */
#include "cuda_pictures.h"

#include "kernels/source.h"

#include "vidriera/drivers.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What the build made and the loader finds, unless a test wants it otherwise (-Wl,--wrap). */
extern const char __real_vd_tint_ptx[];
void *__real_dlopen(const char *name, int flags);
void *__real_dlsym(void *library, const char *symbol);
char __wrap_vd_tint_ptx[1 << 20];
void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlsym(void *library, const char *symbol);

static bool no_library;
static const char *lacking = "";
static char log_path[] = "/tmp/vidriera-test-XXXXXX";

void *__wrap_dlopen(const char *name, int flags)
{
    return __real_dlopen(no_library && !strcmp(name, "libcuda.so.1") ? "libcuda-absent.so.1" : name, flags);
}

void *__wrap_dlsym(void *library, const char *symbol)
{
    return strcmp(symbol, lacking) != 0 ? __real_dlsym(library, symbol) : NULL;
}

/* Pictures that crossed between host and device, as the double counts planes. */
static int crossed(void)
{
    char line[512];
    int planes = 0;
    FILE *log = fopen(log_path, "r");
    assert_non_null(log);
    while (fgets(line, sizeof line, log))
        planes += !strncmp(line, "memcpy kind=HtoD ", 17) || !strncmp(line, "memcpy kind=DtoH ", 17);
    fclose(log);
    assert_int_equal(planes % 2, 0);
    return planes / 2;
}

static struct vd_device *device_at(const char *words)
{
    struct vd_err err = {0};
    struct vd_device *device = vd_device_open(words, &err);
    if (!device)
        fail_msg("%s", err.text);
    return device;
}

static struct vd_filter *filter_on(struct vd_device *device, const struct look *look, int held)
{
    struct vd_err err = {0};
    struct vd_effect_plan plan = plan_of(look);
    struct vd_picture picture = picture_of(look);
    struct vd_filter *filter = vd_filter_open(device, &plan, &picture, held, &err);
    if (!filter)
        fail_msg("%s", err.text);
    return filter;
}

/* One picture through the filter: what came out, as host memory, is what C makes of it. */
static void check_picture(struct vd_device *device, struct vd_filter *filter, const struct look *look, AVFrame *frame,
                          const AVFrame *host, int copies)
{
    struct vd_err err = {0};
    AVFrame *expected = expected_of(look, host);
    struct vd_filter_facts before = vd_filter_facts(filter);
    int crossed_before = crossed();
    assert_int_equal(vd_filter_process(filter, &frame, &err), 0);
    assert_int_equal(crossed() - crossed_before, copies);
    assert_int_equal(vd_filter_facts(filter).copies - before.copies, copies);
    assert_int_equal(vd_filter_facts(filter).frames - before.frames, 1);

    assert_int_equal(frame->format, vd_device_traits(device)->surface);
    assert_ptr_equal(frame->hw_frames_ctx->data, vd_filter_frames(filter)->data);
    assert_int_equal(frame->pts, host->pts);
    AVFrame *shown;
    assert_int_equal(vd_filter_show(filter, frame, &shown, &err), 0);
    assert_int_equal(vd_filter_facts(filter).copies - before.copies, copies);
    assert_same_pixels(shown, expected);
    av_frame_free(&shown);
    assert_int_equal(vd_filter_download(filter, &frame, &err), 0);
    assert_int_equal(vd_filter_facts(filter).copies - before.copies, copies + 1);
    assert_int_equal(crossed() - crossed_before, copies + 2);
    assert_int_equal(frame->pts, host->pts);
    assert_same_pixels(frame, expected);
    av_frame_free(&frame);
    av_frame_free(&expected);
}

static void check_surface(struct vd_device *device, const struct look *look)
{
    struct vd_filter *filter = filter_on(device, look, 2);
    for (uint32_t seed = 1; seed < 3; seed++) {
        AVFrame *host = noise(look, seed), *after = av_frame_alloc();
        AVFrame *surface = surface_of(device, host), *given = av_frame_clone(surface);
        assert_non_null(after);
        assert_non_null(given);
        check_picture(device, filter, look, given, host, 0);
        assert_string_equal(vd_filter_facts(filter).kernel, "ptx");

        assert_int_equal(av_hwframe_transfer_data(after, surface, 0), 0);
        assert_same_pixels(after, host);
        av_frame_free(&after);
        av_frame_free(&surface);
        av_frame_free(&host);
    }
    vd_filter_close(filter);
}

static const enum AVPixelFormat formats[] = {AV_PIX_FMT_NV12, AV_PIX_FMT_P010};

static void test_surfaces(void **state)
{
    (void)state;
    static const int sizes[][2] = {{2, 2}, {34, 18}, {146, 146}, {258, 6}, {642, 362}};
    static const int splits[] = {0, 3333, 5000, 10000};
    struct vd_device *device = device_at("cuda");
    for (int f = 0; f < 2; f++)
        for (int s = 0; s < 5; s++)
            for (int edge = VD_EDGE_LEFT; edge <= VD_EDGE_BOTTOM; edge++)
                check_surface(device, &(struct look){formats[f], sizes[s][0], sizes[s][1], (enum vd_edge)edge,
                                                     splits[(s + edge) % 4], 0.3});
    vd_device_close(device);
}

/* Even where nothing is to be done the encoder gets a picture of its own pool. */
static void test_identity(void **state)
{
    (void)state;
    struct vd_device *device = device_at("cuda:0");
    for (int f = 0; f < 2; f++)
        check_surface(device, &(struct look){formats[f], 66, 34, VD_EDGE_LEFT, 5000, 0});
    vd_device_close(device);
}

static void test_host_frames(void **state)
{
    (void)state;
    static const int sizes[][2] = {{641, 361}, {33, 18}, {146, 147}, {640, 360}};
    struct vd_device *device = device_at("cuda");
    for (int i = 0; i < 8; i++) {
        struct look look = {formats[i % 2], sizes[i / 2][0], sizes[i / 2][1], (enum vd_edge)(i / 2), 5000, 0.3};
        struct vd_filter *filter = filter_on(device, &look, 2);
        AVFrame *host = noise(&look, 7);
        check_picture(device, filter, &look, av_frame_clone(host), host, 1);
        assert_string_equal(vd_filter_facts(filter).kernel, "c");
        av_frame_free(&host);
        vd_filter_close(filter);
    }
    vd_device_close(device);
}

/* NVENC registers the address of each picture: there are as many as were asked for, from first to last. */
static void test_pool_is_stable(void **state)
{
    (void)state;
    enum { HELD = 3 };
    struct look look = {AV_PIX_FMT_NV12, 146, 146, VD_EDGE_LEFT, 5000, 0.3};
    struct vd_err err = {0};
    struct vd_device *device = device_at("cuda");
    struct vd_filter *filter = filter_on(device, &look, HELD);
    AVFrame *host = noise(&look, 1), *held[HELD] = {NULL};
    const uint8_t *seen[HELD] = {NULL};
    int count = 0;
    for (int i = 0; i < 20; i++) {
        AVFrame *frame = surface_of(device, host);
        av_frame_free(&held[i % HELD]);
        assert_int_equal(vd_filter_process(filter, &frame, &err), 0);
        held[i % HELD] = frame;
        int known = 0;
        while (known < count && seen[known] != frame->data[0])
            known++;
        assert_true(known < HELD);
        if (known == count)
            seen[count++] = frame->data[0];
    }
    vd_filter_close(filter);
    vd_device_close(device);
    /* what is still out there outlives both */
    for (int i = 0; i < HELD; i++)
        av_frame_free(&held[i]);
    av_frame_free(&host);
}

static void test_traits(void **state)
{
    (void)state;
    struct vd_device *device = device_at("cuda");
    const struct vd_device_traits *traits = vd_device_traits(device);
    assert_string_equal(traits->backend, "cuda");
    assert_string_equal(traits->model, "vidriera's double of a GPU");
    assert_int_equal(traits->family, VD_FAMILY_NVENC);
    assert_int_equal(traits->surface, AV_PIX_FMT_CUDA);
    assert_int_equal(((const AVHWDeviceContext *)traits->hardware->data)->type, AV_HWDEVICE_TYPE_CUDA);
    vd_device_close(device);
}

static void check_code(const char *words, enum vd_code code, const char *said)
{
    struct vd_err err = {0};
    assert_null(vd_device_open(words, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.stage, "open");
    if (!strstr(err.text, said))
        fail_msg("not said: %s\nbut: %s", said, err.text);
}

static void check_refusal(const char *words, const char *said)
{
    check_code(words, VD_UNAVAILABLE, said);
}

static void test_refusals(void **state)
{
    (void)state;
    no_library = true;
    check_refusal("cuda", "cuda: no NVIDIA driver here (libcuda-absent.so.1: ");
    no_library = false;

    lacking = "cuLaunchKernel";
    check_refusal("cuda", "cuda: the NVIDIA driver has no cuLaunchKernel; install a newer driver");
    lacking = "";

    setenv("VD_DOUBLE_FAIL", "no-device", 1);
    check_refusal("cuda", "cuda: the NVIDIA driver sees no device; ");
    setenv("VD_DOUBLE_FAIL", "module", 1);
    check_refusal("cuda", "is too old for our PTX (CUDA_ERROR_INVALID_PTX); install a newer driver");
    setenv("VD_DOUBLE_FAIL", "launch", 1);
    check_refusal("cuda", "cuda: the kernels do not run: CUDA_ERROR_LAUNCH_FAILED; ");
    setenv("VD_DOUBLE_FAIL", "alloc", 1);
    check_code("cuda", VD_AGAIN, "cuda: the kernels do not run: CUDA_ERROR_OUT_OF_MEMORY; ");
    unsetenv("VD_DOUBLE_FAIL");

    check_refusal("cuda:1", "cuda:1: no such NVIDIA device (of 1, counted from 0); ");
    check_refusal("cuda:-1", "cuda:-1: no such NVIDIA device");
    check_refusal("cuda:0x", "cuda:0x: no such NVIDIA device");
    check_refusal("cuda:99999999999999999999", "no such NVIDIA device");
    vd_device_close(device_at("cuda"));
}

/* The places of cuModuleLoadData()'s text that a driver looks at first. */
static void test_ptx_of_the_build(void **state)
{
    (void)state;
    char kept = *__wrap_vd_tint_ptx;
    assert_true(vd_drivers_cuda_built());
    *__wrap_vd_tint_ptx = 0;
    assert_false(vd_drivers_cuda_built());
    check_refusal("cuda", "cuda: this build has no PTX; build with clang >= 15");
    *__wrap_vd_tint_ptx = kept;

    char *target = strstr(__wrap_vd_tint_ptx, ".target sm_");
    assert_non_null(target);
    target += strlen(".target sm_");
    char digits[2] = {target[0], target[1]};
    memcpy(target, "99", 2);
    check_refusal("cuda", "is too old for our PTX (CUDA_ERROR_NO_BINARY_FOR_GPU); ");
    memcpy(target, digits, 2);

    char *name = strstr(__wrap_vd_tint_ptx, ".entry vd_tint_buffer16");
    assert_non_null(name);
    name += strlen(".entry ");
    *name = 'x';
    check_refusal("cuda", "cuda: the kernels do not run: CUDA_ERROR_NOT_FOUND; ");
    *name = 'v';
    vd_device_close(device_at("cuda"));
}

/* What has failed once goes on failing; another opening is another context. */
static void test_launch_fails(void **state)
{
    (void)state;
    struct look look = {AV_PIX_FMT_NV12, 146, 146, VD_EDGE_LEFT, 5000, 0.3};
    struct vd_device *device = device_at("cuda");
    struct vd_filter *filter = filter_on(device, &look, 2);
    AVFrame *host = noise(&look, 1);
    AVFrame *frame = surface_of(device, host), *later = av_frame_clone(host), *kept = av_frame_clone(frame), *shown;
    assert_non_null(later);
    assert_non_null(kept);

    struct vd_err err = {0};
    setenv("VD_DOUBLE_FAIL", "launch", 1);
    assert_int_equal(vd_filter_process(filter, &frame, &err), -1);
    unsetenv("VD_DOUBLE_FAIL");
    assert_null(frame);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_string_equal(err.stage, "effect");
    assert_string_equal(err.text, "cuda: the kernel fails: CUDA_ERROR_LAUNCH_FAILED; see vidriera doctor");

    err = (struct vd_err){0};
    assert_int_equal(vd_filter_process(filter, &later, &err), -1);
    assert_null(later);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_string_equal(err.text,
                        "cuda: a picture cannot be sent to the device: CUDA_ERROR_LAUNCH_FAILED; see vidriera doctor");

    static const char unread[] = "cuda: a picture cannot be read back: CUDA_ERROR_LAUNCH_FAILED; see vidriera doctor";
    err = (struct vd_err){0};
    assert_int_equal(vd_filter_show(filter, kept, &shown, &err), -1);
    assert_null(shown);
    assert_string_equal(err.text, unread);
    err = (struct vd_err){0};
    assert_int_equal(vd_filter_download(filter, &kept, &err), -1);
    assert_null(kept);
    assert_int_equal(err.code, VD_UNAVAILABLE);
    assert_string_equal(err.text, unread);
    vd_filter_close(filter);
    vd_device_close(device);
    av_frame_free(&host);

    device = device_at("cuda");
    check_surface(device, &look);
    vd_device_close(device);
}

static void test_no_device_memory(void **state)
{
    (void)state;
    struct look look = {AV_PIX_FMT_P010, 146, 146, VD_EDGE_LEFT, 5000, 0.3};
    struct vd_effect_plan plan = plan_of(&look);
    struct vd_picture picture = picture_of(&look);
    struct vd_device *device = device_at("cuda");
    struct vd_err err = {0};
    setenv("VD_DOUBLE_FAIL", "alloc", 1);
    assert_null(vd_filter_open(device, &plan, &picture, 4, &err));
    unsetenv("VD_DOUBLE_FAIL");
    assert_int_equal(err.code, VD_AGAIN);
    assert_non_null(strstr(err.text, "cuda: no memory on the device for 4 pictures of 146x146: "));

    err = (struct vd_err){0};
    struct vd_filter *filter = filter_on(device, &look, 1);
    AVFrame *host = noise(&look, 1);
    AVFrame *first = surface_of(device, host), *second = av_frame_clone(first);
    assert_non_null(second);
    assert_int_equal(vd_filter_process(filter, &first, &err), 0);
    setenv("VD_DOUBLE_FAIL", "alloc", 1);
    assert_int_equal(vd_filter_process(filter, &second, &err), -1);
    unsetenv("VD_DOUBLE_FAIL");
    assert_null(second);
    assert_int_equal(err.code, VD_AGAIN);
    assert_non_null(strstr(err.text, "cuda: no memory on the device for a picture: "));
    av_frame_free(&first);
    av_frame_free(&host);
    vd_filter_close(filter);
    vd_device_close(device);
}

static int set_up(void **state)
{
    (void)state;
    setenv("VD_CPU", "c", 1);
    int log = mkstemp(log_path);
    setenv("VD_DOUBLE_LOG", log_path, 1);
    if (log < 0 || strlen(__real_vd_tint_ptx) >= sizeof __wrap_vd_tint_ptx)
        return -1;
    close(log);
    strcpy(__wrap_vd_tint_ptx, __real_vd_tint_ptx);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(log_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traits),           cmocka_unit_test(test_surfaces),
        cmocka_unit_test(test_identity),         cmocka_unit_test(test_host_frames),
        cmocka_unit_test(test_pool_is_stable),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_ptx_of_the_build), cmocka_unit_test(test_launch_fails),
        cmocka_unit_test(test_no_device_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
