/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `process --device opencl` in its sandbox: the very file that the processor makes, and what the result says of the way. */
#include "make.h"
#include "proc.h"
#include "suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct folder folder;
static bool there; /* an OpenCL device is; in CI, and where PoCL is, one must be */

/* The result document, for the caller to drop. */
static json_t *process(const char *device, const char *out, int *code)
{
    char cache[sizeof folder.path + 8];
    snprintf(cache, sizeof cache, "%s/cache", folder.path);
    char *argv[] = {suite_vidriera(), "process", "in.mkv", "-o",     (char *)out, "--overwrite", "--device",
                    (char *)device,   "--cache", cache,    "--json", "--preset",  "ultrafast",   NULL};
    struct outcome outcome;
    proc_run(&outcome, folder.path, argv);
    *code = proc_code(&outcome);
    json_t *result = json_loads(outcome.out, 0, NULL);
    if (!result)
        fail_msg("%s: no result: %s", device, outcome.err);
    proc_forget(&outcome);
    return result;
}

static const char *message_of(const json_t *result)
{
    return json_string_value(json_object_get(json_object_get(result, "error"), "message"));
}

static int set_up(void **state)
{
    int code;
    (void)state;
    folder_make(&folder);
    make_by(&folder, "ff" PICTURE "-frames:v 2" X264 "in.mkv");
    json_t *result = process("opencl", "try.mp4", &code);
    there = code == 0;
    if (!there)
        print_message("%s\n", message_of(result));
    json_decref(result);
    return there || (!getenv("CI") && !getenv("OCL_ICD_VENDORS")) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    folder_drop(&folder);
    return 0;
}

struct recording {
    const char *make;
    double least, most; /* copies of a picture; how many of a decoder's own may be written to varies */
};

static void test_same_file(void **state)
{
    const struct recording *recording = *state;
    size_t ours_size, theirs_size;
    int code;
    if (!there)
        skip();
    make_by(&folder, recording->make);
    json_decref(process("cpu", "cpu.mp4", &code));
    assert_int_equal(code, 0);
    json_t *result = process("opencl", "opencl.mp4", &code), *device = json_object_get(result, "device");
    assert_int_equal(code, 0);
    assert_string_equal(json_string_value(json_object_get(device, "backend")), "opencl");
    assert_string_equal(json_string_value(json_object_get(device, "kernel")), "opencl-buffer");
    double copies = json_number_value(json_object_get(device, "copies_per_frame"));
    if (copies < recording->least || copies > recording->most)
        fail_msg("%g copies of a picture", copies);
    uint8_t *ours = read_file(folder_path(&folder, "opencl.mp4"), &ours_size);
    uint8_t *theirs = read_file(folder_path(&folder, "cpu.mp4"), &theirs_size);
    if (ours_size != theirs_size || memcmp(ours, theirs, ours_size) != 0)
        fail_msg("the file is another one than the processor's");
    free(ours);
    free(theirs);
    json_decref(result);
}

static void test_no_such_device(void **state)
{
    int code;
    (void)state;
    make_by(&folder, "ff" PICTURE "-frames:v 2" X264 "in.mkv");
    json_t *result = process("opencl:99", "out.mp4", &code);
    assert_int_equal(code, 69);
    assert_non_null(strstr(message_of(result), "opencl"));
    json_decref(result);
}

#define ROW(name, ...)                                                                                                 \
    {                                                                                                                  \
        name, test_same_file, NULL, NULL, &(struct recording)                                                          \
        {                                                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW("h264", "ff" PICTURE X264 "in.mkv", 0, 0),
        ROW("hevc, 10 bits", "ff" PICTURE "-frames:v 6 -pix_fmt yuv420p10le" X265 " in.mkv", 0, 0),
        ROW("mjpeg, odd", "ff" PICTURE "-frames:v 6 -vf scale=191:143 -c:v mjpeg -pix_fmt yuvj420p in.mkv", 0, 0),
        ROW("grey", "ff" PICTURE "-frames:v 6 -pix_fmt gray -c:v ffv1 in.mkv", 0, 0),
        /* libdav1d's own memory, and swscale's */
        ROW("av1", "ff" PICTURE "-frames:v 6 -c:v libaom-av1 -cpu-used 8 -usage realtime -threads 1 in.mkv", 1, 2),
        ROW("rgb", "ff" PICTURE "-frames:v 6 -c:v libx264rgb -preset ultrafast -pix_fmt rgb24 in.mkv", 2, 2),
        cmocka_unit_test(test_no_such_device),
    };
    return cmocka_run_group_tests_name("opencl", tests, set_up, tear_down);
}
