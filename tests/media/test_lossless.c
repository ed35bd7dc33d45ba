/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quality 0 by x264 with an effect that changes nothing: the pictures come out as they went in. */
#include "scratch.h"

#include "vidriera/media.h"

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

static void ignore_plan(void *opaque, const char *container)
{
    (void)opaque;
    (void)container;
}

static void ignore_progress(void *opaque, const struct vd_media_progress *progress)
{
    (void)opaque;
    (void)progress;
}

/* in to out */
static void process(int in, int out)
{
    struct vd_err err = {0};
    struct vd_job job;
    json_t *report;
    const struct vd_media_io io = {.input = in, .output = out, .preview = -1};
    const struct vd_media_watch watch = {ignore_plan, ignore_progress, NULL};
    struct vd_device *cpu = vd_device_open("cpu", &err);
    assert_non_null(cpu);
    vd_job_defaults(&job);
    job.recipe.quality = 0;
    strcpy(job.recipe.preset, "ultrafast");
    strcpy(job.recipe.effect.name, "none");
    if (vd_media_run(&job, cpu, &io, &watch, &report, &err) < 0)
        fail_msg("%s", err.text);
    json_decref(report);
    vd_device_close(cpu);
}

static void of_aspect(const char *ratio)
{
    static const char *const planes[] = {"y", "u", "v"};
    struct vd_err err = {0};
    struct vd_limits limits;
    struct vd_job job;
    json_t *report;
    char path[256], told[64];
    vd_job_defaults(&job);
    limits = job.limits;
    scratch_run(&scratch,
                "ffmpeg -v error -y -f lavfi -i mandelbrot=s=352x288:r=25 -frames:v 5 -vf setsar=%s:max=65535 "
                "-pix_fmt yuv420p -c:v ffv1 in.mkv",
                ratio);
    int in = scratch_open(&scratch, "in.mkv");
    snprintf(path, sizeof path, "%s/out.mkv", scratch.path);
    int out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(out >= 0);
    process(in, out);
    assert_int_equal(vd_media_compare(in, out, &limits, &report, &err), 0);
    for (int i = 0; i < 3; i++)
        if (!json_is_null(json_object_get(json_object_get(report, "psnr"), planes[i])))
            fail_msg("%s: %s is not as it was", ratio, planes[i]);
    json_decref(report);
    close(in);
    close(out);

    scratch_run(&scratch,
                "ffprobe -v error -show_entries stream=sample_aspect_ratio -of csv=p=0 out.mkv | tr : / > told");
    snprintf(path, sizeof path, "%s/told", scratch.path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%63s", told), 1);
    fclose(file);
    assert_string_equal(told, ratio);
}

static void whatever_the_aspect(void **state)
{
    (void)state;
    of_aspect("16/11");
    of_aspect("5792/5769");
}

int main(void)
{
    vd_media_log_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whatever_the_aspect, make_folder, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
