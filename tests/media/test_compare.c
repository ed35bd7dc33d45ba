/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two recordings, held against each other. */
#include "scratch.h"

#include "vidriera/slot.h"

#include <math.h>

static struct scratch scratch;

static int make_folder(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int drop_folder(void **state)
{
    (void)state;
    scratch_drop(&scratch);
    return 0;
}

/* what: options of ffmpeg behind its input. */
static void make(const char *name, const char *size, const char *what)
{
    scratch_run(&scratch, "ffmpeg -v error -y -f lavfi -i testsrc2=s=%s:r=25 -bitexact %s %s", size, what, name);
}

static int compare(const char *a, const char *b, json_t **report, struct vd_err *err)
{
    struct vd_job job;
    int fd_a = scratch_open(&scratch, a), fd_b = scratch_open(&scratch, b);
    vd_job_defaults(&job);
    *err = (struct vd_err){0};
    int ret = vd_media_compare(fd_a, fd_b, &job.limits, report, err);
    close(fd_a);
    close(fd_b);
    return ret;
}

static void assert_refused(const char *a, const char *b, const char *words)
{
    struct vd_err err;
    json_t *report;
    assert_int_equal(compare(a, b, &report, &err), -1);
    assert_null(report);
    assert_int_equal(err.code, VD_INPUT);
    if (!strstr(err.text, words))
        fail_msg("it says: %s", err.text);
}

/* dB of all planes lie between these; 0, 0: the recordings are equal. */
static void assert_apart(const char *a, const char *b, int frames, double least, double most)
{
    static const char *const planes[] = {"y", "u", "v"};
    struct vd_err err;
    json_t *report;
    if (compare(a, b, &report, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(json_integer_value(json_object_get(report, "frames")), frames);
    for (int i = 0; i < 3; i++) {
        json_t *psnr = json_object_get(json_object_get(report, "psnr"), planes[i]);
        double value = json_number_value(psnr);
        if (least == 0 ? !json_is_null(psnr) : value < least || value > most)
            fail_msg("%s and %s: %s is %g dB", a, b, planes[i], value);
    }
    json_decref(report);
}

static void equal_ones(void **state)
{
    (void)state;
    make("a.mkv", "320x180", "-frames:v 10 -pix_fmt yuv420p -c:v ffv1");
    scratch_run(&scratch, "ffmpeg -v error -y -i a.mkv -c:v libx264 -qp 0 b.mov");
    assert_apart("a.mkv", "a.mkv", 10, 0, 0);
    assert_apart("a.mkv", "b.mov", 10, 0, 0);
}

static void coded_anew(void **state)
{
    (void)state;
    make("a.mkv", "320x180", "-frames:v 10 -pix_fmt yuv420p -c:v ffv1");
    scratch_run(&scratch, "ffmpeg -v error -y -i a.mkv -c:v libx264 -crf 20 fine.mp4");
    scratch_run(&scratch, "ffmpeg -v error -y -i a.mkv -c:v libx264 -crf 45 coarse.mp4");
    assert_apart("a.mkv", "fine.mp4", 10, 35, 60);
    assert_apart("fine.mp4", "a.mkv", 10, 35, 60);
    assert_apart("a.mkv", "coarse.mp4", 10, 15, 32);
}

/* FFmpeg's own filter is who says how far apart they are. */
static void as_ffmpeg_says(void **state)
{
    double y, u, v;
    (void)state;
    make("a.mkv", "320x180", "-frames:v 10 -pix_fmt yuv420p10le -c:v ffv1");
    scratch_run(&scratch, "ffmpeg -v error -y -i a.mkv -c:v libx265 -x265-params log-level=none -crf 30 b.mkv && "
                          "ffmpeg -v info -i a.mkv -i b.mkv -lavfi psnr -f null - 2>&1 | grep -o 'y:.*' > told");
    char path[256];
    snprintf(path, sizeof path, "%s/told", scratch.path);
    FILE *told = fopen(path, "r");
    assert_int_equal(fscanf(told, "y:%lf u:%lf v:%lf", &y, &u, &v), 3);
    fclose(told);
    struct vd_err err;
    json_t *report, *psnr;
    assert_int_equal(compare("a.mkv", "b.mkv", &report, &err), 0);
    psnr = json_object_get(report, "psnr");
    assert_true(fabs(json_real_value(json_object_get(psnr, "y")) - y) < 0.02);
    assert_true(fabs(json_real_value(json_object_get(psnr, "u")) - u) < 0.02);
    assert_true(fabs(json_real_value(json_object_get(psnr, "v")) - v) < 0.02);
    json_decref(report);
}

static void of_other_formats(void **state)
{
    (void)state;
    make("a.mkv", "320x180", "-frames:v 5 -pix_fmt yuv420p -c:v ffv1");
    scratch_run(&scratch, "ffmpeg -v error -y -i a.mkv -pix_fmt yuv420p10le -c:v ffv1 deep.mkv");
    scratch_run(&scratch, "ffmpeg -v error -y -i a.mkv -pix_fmt bgr0 -c:v ffv1 rgb.mkv");
    assert_apart("a.mkv", "deep.mkv", 5, 0, 0);
    assert_apart("deep.mkv", "a.mkv", 5, 0, 0);
    assert_apart("a.mkv", "rgb.mkv", 5, 28, 70);
    assert_apart("rgb.mkv", "a.mkv", 5, 20, 70);
    assert_apart("rgb.mkv", "rgb.mkv", 5, 0, 0);
}

static void refused(void **state)
{
    (void)state;
    make("a.mkv", "320x180", "-frames:v 10 -pix_fmt yuv420p -c:v ffv1");
    make("long.mkv", "320x180", "-frames:v 11 -pix_fmt yuv420p -c:v ffv1");
    make("wide.mkv", "336x180", "-frames:v 10 -pix_fmt yuv420p -c:v ffv1");
    scratch_run(&scratch, "head -c 4000 /dev/urandom > noise.mkv");
    assert_refused("a.mkv", "long.mkv", "the second recording has more pictures than the 10 of the other");
    assert_refused("long.mkv", "a.mkv", "the first recording has more pictures than the 10 of the other");
    assert_refused("a.mkv", "wide.mkv", "picture 1: 320x180 in the first recording, 336x180 in the second recording");
    assert_refused("a.mkv", "noise.mkv", "the second recording: not a readable recording");
    assert_refused("noise.mkv", "a.mkv", "the first recording: not a readable recording");
}

/* Concealed is not decoded. */
static void damaged(void **state)
{
    (void)state;
    make("a.mkv", "320x180", "-frames:v 50 -c:v libx264 -qp 10 -pix_fmt yuv420p");
    scratch_run(&scratch, "cp a.mkv bad.mkv && half=$(($(stat -c %%s a.mkv) / 2)) && "
                          "head -c 2000 /dev/zero | dd of=bad.mkv bs=1 seek=$half conv=notrunc 2>/dev/null");
    assert_refused("a.mkv", "bad.mkv", "the second recording: the h264 video does not decode");
}

/* In a process that can open nothing any more: this program, started as a slot. */
static void compares_locked_in(void **state)
{
    struct vd_slot slot;
    struct vd_slot_message message;
    struct vd_err err = {0};
    struct vd_job job;
    (void)state;
    vd_job_defaults(&job);
    make("a.mkv", "320x180", "-frames:v 10 -c:v libx264 -pix_fmt yuv420p");
    int fd = scratch_open(&scratch, "a.mkv");
    assert_int_equal(vd_slot_start(&slot, &(struct vd_slot_setup){.limits = &job.limits}, &err), 0);
    assert_int_equal(vd_slot_compare(&slot, fd, fd, &job.limits), 0);
    vd_slot_receive(&slot, &message);
    assert_int_equal(message.event, VD_SLOT_DONE);
    assert_int_equal(json_integer_value(json_object_get(message.report, "frames")), 10);
    json_decref(message.report);
    assert_int_equal(vd_slot_finish(&slot), 0);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return vd_slot_main();
    vd_media_log_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_ones, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(coded_anew, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(as_ffmpeg_says, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(of_other_formats, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(refused, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(damaged, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(compares_locked_in, make_folder, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
