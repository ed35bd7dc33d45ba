/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera doctor`: the lines to paste, the text for a person, and the command on devices whose slots are doubles. */
#include "fake_slot.h"

#include "doctor.h"

#include "vidriera/drivers.h"
#include "vidriera/now.h"
#include "vidriera/patience.h"

#include <poll.h>

static const struct vd_command doctor = {"doctor", "[FILE]", "…", VD_COMMAND_DOCTOR, vd_cmd_doctor};

static const char *const *machine; /* its devices, NULL behind the last */
static char folder[32], notes[64], said[8000], text[64000];
static json_t *document;
static bool cuda_built = true;
static enum { DRIVERS_ANSWER, DRIVERS_CRASH, DRIVERS_HANG, DRIVERS_COMPUTE } drivers;

const struct vd_command *vd_command_at(int i)
{
    (void)i;
    return NULL;
}

int __wrap_vd_device_candidates(const char *wanted, struct vd_candidate *list);
bool __wrap_vd_device_known(const char *words);
int __wrap_vd_drivers_opencl(struct vd_opencl_facts *list);
bool __wrap_vd_drivers_cuda_built(void);

/* As a driver on a machine that does much else: some of the time, for longer than one that hangs is waited for. */
static void compute(void)
{
    double end = vd_monotonic() + VD_PATIENCE_S + 1.5;
    while (vd_monotonic() < end) {
        double piece = vd_monotonic() + 0.02;
        while (vd_monotonic() < piece)
            ;
        poll(NULL, 0, 40);
    }
}

int __wrap_vd_device_candidates(const char *wanted, struct vd_candidate *list)
{
    int count = 0;
    for (int i = 0; machine[i]; i++)
        if (!strcmp(wanted, "auto") || !strcmp(wanted, machine[i])) {
            list[count] = (struct vd_candidate){0};
            snprintf(list[count++].words, sizeof list->words, "%s", machine[i]);
        }
    return count;
}

bool __wrap_vd_device_known(const char *words)
{
    return strcmp(words, "opencl") != 0;
}

bool __wrap_vd_drivers_cuda_built(void)
{
    return cuda_built;
}

int __wrap_vd_drivers_opencl(struct vd_opencl_facts *list)
{
    fputs("what a driver prints\n", stdout);
    fflush(stdout);
    if (drivers == DRIVERS_CRASH)
        fake_crash();
    while (drivers == DRIVERS_HANG)
        pause();
    if (drivers == DRIVERS_COMPUTE)
        compute();
    if (getenv("POCL_CACHE_DIR")) {
        char path[96];
        snprintf(path, sizeof path, "%s/compiled", getenv("POCL_CACHE_DIR"));
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    list[0] = (struct vd_opencl_facts){"A platform", "A device", "1.2", true, false, true};
    return 1;
}

static int prepare(void **state)
{
    (void)state;
    drivers = DRIVERS_ANSWER;
    folder_make(folder);
    snprintf(notes, sizeof notes, "%s/notes", folder);
    setenv(FAKE_NOTES, notes, 1);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    json_decref(document);
    document = NULL;
    folder_drop(folder);
    return 0;
}

/* The exit status. With --json the document is there, else the text. */
static int run(const char *const *devices, const char *device, const char *file, bool json)
{
    char cache[64];
    struct capture out, err;
    machine = devices;
    snprintf(cache, sizeof cache, "%s/cache", folder);
    char *argv[9] = {(char *)"doctor", (char *)"--device", (char *)device, (char *)"--cache", cache};
    int argc = 5;
    if (json)
        argv[argc++] = (char *)"--json";
    if (file)
        argv[argc++] = (char *)file;
    json_decref(document);
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    int status = vd_cmd_doctor(&doctor, argc, argv);
    capture_end(&err, said, sizeof said);
    capture_end(&out, text, sizeof text);
    document = json ? json_loads(text, 0, NULL) : NULL;
    assert_true(!json || document);
    return status;
}

static void assert_has(const char *word)
{
    if (!strstr(text, word))
        fail_msg("\"%s\" is not in:\n%s", word, text);
}

/* Of a person's terminal. */
static void assert_fits(void)
{
    char copy[sizeof text];
    strcpy(copy, text);
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        size_t size = 0;
        for (const char *c = line; *c; c++)
            size += (*c & 0xc0) != 0x80;
        if (size > 100 || line[strlen(line) - 1] == ' ')
            fail_msg("%zu columns: \"%s\"", size, line);
    }
}

static const json_t *candidate(int i)
{
    return json_array_get(json_object_get(document, "candidates"), (size_t)i);
}

static const char *taken(void)
{
    return json_string_value(json_object_get(json_object_get(document, "takes"), "device"));
}

#define MACHINE(...) ((const char *const[]){__VA_ARGS__, NULL})

static void as_a_document(void **state)
{
    (void)state;
    assert_int_equal(run(MACHINE("wrong:0", "crash:0", "right:0", "cpu"), "auto", NULL, true), 0);
    assert_string_equal(taken(), "right:0");
    assert_int_equal(json_array_size(json_object_get(document, "candidates")), 4);
    assert_true(json_is_true(json_object_get(candidate(2), "works")));
    assert_int_equal(json_array_size(json_object_get(candidate(2), "trials")), 2);
    assert_string_equal(json_string_value(json_object_get(candidate(0), "error")),
                        "wrong: the pixels are not right; see vidriera doctor");
    /* the processor is tried as well, really */
    assert_true(json_is_true(json_object_get(candidate(3), "works")));
    const json_t *opencl = json_object_get(document, "opencl");
    assert_true(json_is_null(json_object_get(opencl, "problem")));
    assert_int_equal(json_array_size(json_object_get(opencl, "devices")), 1);
    const json_t *codecs = json_object_get(document, "ffmpeg_codecs");
    assert_int_equal(json_array_size(codecs), 3);
    const json_t *software = json_object_get(json_array_get(codecs, 0), "encoders");
    assert_string_equal(json_string_value(json_array_get(software, 0)), "libx264");
    /* what was remembered does not count */
    remove(notes);
    assert_int_equal(run(MACHINE("right:0", "cpu"), "auto", NULL, true), 0);
    assert_int_equal(access(notes, F_OK), 0);
}

static void as_a_text(void **state)
{
    (void)state;
    assert_int_equal(run(MACHINE("wrong:0", "right:0", "cpu"), "auto", NULL, false), 0);
    assert_fits();
    assert_has("\nWhat this FFmpeg has, whatever the devices can\n  software   encoders: libx264 ");
    assert_has("\nOpenCL devices\n  A device, A platform, driver 1.2: a GPU, maps VAAPI's surfaces\n");
    assert_has("\n  wrong:0\n      does not work: wrong: the pixels are not right; see vidriera doctor\n");
    assert_has("\n  right:0       640x368  h264_fake   fake           h264_fake        2   48.5    9.5\n"
               "                640x362  h264_fake   fake           h264_fake        2   48.5    9.5\n");
    assert_has("\n--device auto takes right:0\n  not wrong:0: wrong: the pixels are not right\n");
    assert_null(strstr(text, "what a driver prints"));
    assert_null(strstr(text, "without the cuda backend"));
}

static void without_a_backend(void **state)
{
    (void)state;
    cuda_built = false;
    assert_int_equal(run(MACHINE("right:0"), "auto", NULL, false), 0);
    cuda_built = true;
    assert_fits();
    assert_has("\nbuilt without the cuda backend: there was no clang >= 15");
}

static void demanded(void **state)
{
    (void)state;
    assert_int_equal(run(MACHINE("cuda:wrong", "cpu"), "cuda:wrong", NULL, false), 69);
    assert_fits();
    assert_has("\n--device cuda:wrong does not work here\n");
    assert_non_null(strstr(said, "--device cuda:wrong: does not work here"));
    assert_int_equal(run(MACHINE("cuda:busy"), "cuda:busy", NULL, true), 69);
    assert_null(taken());
    assert_int_equal(run(MACHINE("cuda:right"), "cuda:right", NULL, true), 0);
    assert_string_equal(taken(), "cuda:right");
    assert_int_equal(run(MACHINE("cpu"), "cuda:1", NULL, true), 69);
    assert_int_equal(run(MACHINE("cpu"), "opencl", NULL, false), 69); /* not in this build */
    assert_int_equal(run(MACHINE("cpu"), "cpu", "/nowhere/x.mp4", false), 66);
}

static const char *opencl_problem(void)
{
    assert_int_equal(run(MACHINE("right:0"), "auto", NULL, true), 0);
    return json_string_value(json_object_get(json_object_get(document, "opencl"), "problem"));
}

/* Whatever OpenCL's drivers do, the rest is told. */
static void bad_drivers(void **state)
{
    (void)state;
    drivers = DRIVERS_CRASH;
    assert_non_null(strstr(opencl_problem(), "a driver crashed (SIGSEGV)"));
    drivers = DRIVERS_HANG;
    assert_non_null(strstr(opencl_problem(), "no answer within "));
}

static void slow_drivers(void **state)
{
    char path[96];
    (void)state;
    drivers = DRIVERS_COMPUTE;
    assert_null(opencl_problem());
    snprintf(path, sizeof path, "%s/cache/drivers/compiled", folder);
    assert_int_equal(access(path, F_OK), 0);
}

static const json_t *run_of(int i)
{
    return json_array_get(json_object_get(json_object_get(document, "clip"), "runs"), (size_t)i);
}

static void assert_run(int i, const char *device, bool works, const char *error)
{
    const json_t *made = run_of(i);
    const char *said_of = json_string_value(json_object_get(made, "error"));
    assert_string_equal(json_string_value(json_object_get(made, "device")), device);
    assert_int_equal(json_is_true(json_object_get(made, "works")), works);
    assert_int_equal(said_of != NULL, error != NULL);
    if (error && !strstr(said_of, error))
        fail_msg("\"%s\" is not in: %s", error, said_of);
}

/* The verdict is on what is taken, by what it made of the recording. */
static void a_clip(void **state)
{
    static const char clip[] = VD_CLIPS_FOLDER "/bikes.mp4";
    (void)state;
    if (access(clip, R_OK) < 0) {
        print_message("no clip: skipped\n");
        skip();
    }
    assert_int_equal(run(MACHINE("wrong:0", "fickle:0", "leaving:0", "cpu"), "auto", clip, true), 69);
    assert_non_null(strstr(said, "--device auto: takes fickle:0, which fails at this recording"));
    assert_null(run_of(3)); /* wrong:0 does not work */
    assert_run(0, "cpu", true, NULL);
    assert_true(json_number_value(json_object_get(run_of(0), "speed")) > 0);
    assert_run(1, "fickle:0", false, "fickle: a surface is lost; see dmesg");
    assert_run(2, "leaving:0", false, "the media process died (status 3)");
    /* what is not taken may fail */
    assert_int_equal(run(MACHINE("cpu", "fragile:0"), "auto", clip, true), 0);
    assert_run(1, "fragile:0", false, "the media process died of SIGSEGV");
}

static void a_clip_with_wrong_pixels(void **state)
{
    static const char clip[] = VD_CLIPS_FOLDER "/bikes.mp4";
    (void)state;
    if (access(clip, R_OK) < 0) {
        print_message("no clip: skipped\n");
        skip();
    }
    assert_int_equal(run(MACHINE("cuda:idle"), "cuda:idle", clip, true), 69);
    assert_run(1, "cuda:idle", false, "its pictures are not the processor's: a PSNR of ");
    assert_true(json_number_value(json_object_get(json_object_get(run_of(1), "psnr"), "y")) > 0);
    assert_int_equal(run(MACHINE("cuda:idle"), "cuda:idle", clip, false), 69);
    assert_fits();
    assert_has("\n  cuda:idle\n      its pictures are not the processor's: ");
}

static json_t *node(const char *path, const char *kind, int gid, const char *pci, const char *driver)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:b, s:n}", "path", path, "kind", kind, "gid", gid, "group", "g",
                     "pci", pci, "driver", driver, "usable", 1, "refusal");
}

static const char *lines(const json_t *deploy, const char *member)
{
    const char *value = json_string_value(json_object_get(deploy, member));
    assert_non_null(value);
    return value;
}

static void to_paste(void **state)
{
    (void)state;
    json_t *nodes = json_array(), *deploy = vd_doctor_deploy(nodes);
    assert_true(json_is_null(deploy));
    json_array_append_new(nodes, node("/dev/dri/renderD128", "render", 105, "8086:9a49", "i915"));
    json_array_append_new(nodes, node("/dev/dri/renderD129", "render", 105, "1002:73bf", "amdgpu"));
    deploy = vd_doctor_deploy(nodes);
    assert_string_equal(lines(deploy, "docker_compose"), "services:\n"
                                                         "  worker:\n"
                                                         "    devices:\n"
                                                         "      - /dev/dri/renderD128:/dev/dri/renderD128\n"
                                                         "      - /dev/dri/renderD129:/dev/dri/renderD129\n"
                                                         "    group_add:\n"
                                                         "      - \"105\"\n"
                                                         "    environment:\n"
                                                         "      VIDRIERA_PROCESS_DEVICE: auto\n"
                                                         "      VIDRIERA_CACHE: /tmp/vidriera\n");
    assert_string_equal(lines(deploy, "kubernetes"),
                        "spec:\n"
                        "  securityContext:\n"
                        "    supplementalGroups: [105]\n"
                        "  containers:\n"
                        "    - name: vidriera\n"
                        "      resources:\n"
                        "        limits:\n"
                        "          gpu.intel.com/i915: 1 # or gpu.intel.com/xe, as Intel's device plugin has it\n"
                        "          amd.com/gpu: 1\n");
    json_decref(deploy);
    json_array_clear(nodes);
    json_array_append_new(nodes, node("/dev/dri/renderD128", "render", 105, "10de:1eb8", "nvidia"));
    json_array_append_new(nodes, node("/dev/nvidia0", "nvidia", 0, "10de:1eb8", "nvidia 550"));
    deploy = vd_doctor_deploy(nodes);
    assert_null(strstr(lines(deploy, "docker_compose"), "renderD128"));
    assert_non_null(strstr(lines(deploy, "docker_compose"), "            - driver: nvidia\n"));
    assert_non_null(strstr(lines(deploy, "kubernetes"), "          nvidia.com/gpu: 1\n"));
    assert_null(strstr(lines(deploy, "kubernetes"), "supplementalGroups"));
    json_decref(deploy);
    json_decref(nodes);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "slot"))
        return fake_slot();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_a_document, prepare, drop),
        cmocka_unit_test_setup_teardown(as_a_text, prepare, drop),
        cmocka_unit_test_setup_teardown(without_a_backend, prepare, drop),
        cmocka_unit_test_setup_teardown(demanded, prepare, drop),
        cmocka_unit_test_setup_teardown(bad_drivers, prepare, drop),
        cmocka_unit_test_setup_teardown(slow_drivers, prepare, drop),
        cmocka_unit_test_setup_teardown(a_clip, prepare, drop),
        cmocka_unit_test_setup_teardown(a_clip_with_wrong_pixels, prepare, drop),
        cmocka_unit_test(to_paste),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
