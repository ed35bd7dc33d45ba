/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which devices could be tried, on a machine made of a folder: what /dev, /sys and /proc would be. A plain file named
 * renderD128 or nvidia0 in it is told to be a character device. */
#include "capture.h"

#include "find.h"

#include "vidriera/node.h"

#include <grp.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

static char root[32];
static struct vd_candidate list[VD_CANDIDATES];

int __real_stat(const char *path, struct stat *st);

int __wrap_stat(const char *path, struct stat *st)
{
    int ret = __real_stat(path, st);
    const char *render = strstr(path, "/dev/dri/renderD"), *nvidia = strstr(path, "/dev/nvidia");
    if (ret < 0 || strncmp(path, root, strlen(root)) || (!render && !nvidia) || st->st_size)
        return ret;
    st->st_mode = S_IFCHR | (st->st_mode & 0777);
    st->st_rdev = render ? makedev(226, (unsigned)atoi(render + 16)) : makedev(195, (unsigned)atoi(nvidia + 11));
    return ret;
}

static const struct vd_backend first = {
    .name = "vaapi-opencl", .words = "vaapi", .automatic = true, .places = VD_PLACES_RENDER};
static const struct vd_backend second = {
    .name = "cuda", .words = "cuda", .automatic = true, .places = VD_PLACES_NVIDIA};
static const struct vd_backend third = {
    .name = "vaapi-host", .words = "vaapi", .automatic = true, .places = VD_PLACES_RENDER};
static const struct vd_backend processor = {.name = "cpu", .words = "cpu", .automatic = true};
static const struct vd_backend opencl = {.name = "opencl", .words = "opencl"};
static const struct vd_backend *const rows[] = {&first, &second, &third, &processor, &opencl};

static int find(const char *wanted)
{
    memset(list, 0x55, sizeof list);
    return vd_find_candidates(root, rows, 5, wanted, list);
}

static int machine(void **state)
{
    (void)state;
    folder_make(root);
    assert_int_equal(chmod(root, 0755), 0);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    folder_drop(root);
    return 0;
}

static void put(const char *path, const char *text)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s%s", root, path);
    for (char *slash = whole + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(whole, 0755);
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* A GPU by its render node, made by Intel unless told. */
static void put_gpu(int number, const char *vendor, const char *driver)
{
    char path[128], link[160];
    snprintf(path, sizeof path, "/dev/dri/renderD%d", number);
    put(path, "");
    snprintf(path, sizeof path, "/sys/dev/char/226:%d/device/vendor", number);
    put(path, vendor);
    snprintf(path, sizeof path, "/sys/dev/char/226:%d/device/device", number);
    put(path, "0x9a49\n");
    snprintf(link, sizeof link, "%s/sys/dev/char/226:%d/device/driver", root, number);
    snprintf(path, sizeof path, "../../../bus/pci/drivers/%s", driver);
    assert_int_equal(symlink(path, link), 0);
}

static void put_nvidia(int number)
{
    char path[128], text[128];
    snprintf(path, sizeof path, "/dev/nvidia%d", number);
    put(path, "");
    put("/dev/nvidia-uvm", "");
    put("/sys/module/nvidia/version", "550.163.01\n");
    snprintf(path, sizeof path, "/proc/driver/nvidia/gpus/0000:0%d:00.0/information", number);
    snprintf(text, sizeof text, "Model: \t\t NVIDIA T4\nDevice Minor: \t %d\n", number);
    put(path, text);
    snprintf(path, sizeof path, "/sys/bus/pci/devices/0000:0%d:00.0/vendor", number);
    put(path, "0x10de\n");
    snprintf(path, sizeof path, "/sys/bus/pci/devices/0000:0%d:00.0/device", number);
    put(path, "0x1eb8\n");
}

static void assert_words(int count, const char *const *words)
{
    for (int i = 0; i < count; i++)
        assert_string_equal(list[i].words, words[i]);
}

static void assert_refused(int i, const char *word)
{
    if (!strstr(list[i].refusal, word))
        fail_msg("%s: \"%s\" does not say \"%s\"", list[i].words, list[i].refusal, word);
}

static void bare(void **state)
{
    (void)state;
    assert_int_equal(find("auto"), 4);
    assert_words(4, (const char *const[]){"vaapi-opencl", "cuda", "vaapi-host", "cpu"});
    assert_refused(0, "no render node");
    assert_refused(1, "/dev/nvidia0");
    assert_string_equal(list[3].refusal, "");
    assert_int_equal(find("vaapi"), 2);
    assert_refused(1, "no render node");
    assert_int_equal(find("vaapi-host:0"), 1);
    assert_refused(0, "no render node");
    assert_int_equal(find("cpu"), 1);
    assert_int_equal(find("opencl:1"), 1);
    assert_words(1, (const char *const[]){"opencl:1"});
    assert_int_equal(find("quantum"), 0);
}

/* On WSL and Jetson NVIDIA's driver has other nodes: who demands it may have it. */
static void nvidia_without_nodes(void **state)
{
    (void)state;
    assert_int_equal(find("cuda"), 1);
    assert_string_equal(list[0].refusal, "");
    assert_int_equal(find("cuda:1"), 1);
    assert_words(1, (const char *const[]){"cuda:1"});
    assert_string_equal(list[0].refusal, "");
}

/* A media process cannot have it made. */
static void nvidia_without_uvm(void **state)
{
    char path[128];
    (void)state;
    put_nvidia(0);
    snprintf(path, sizeof path, "%s/dev/nvidia-uvm", root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(find("cuda"), 1);
    assert_refused(0, "/dev/nvidia-uvm: no such node");
    assert_refused(0, "nvidia-modprobe");
    assert_int_equal(find("auto"), 4);
    assert_refused(1, "/dev/nvidia-uvm: no such node");
}

static void many(void **state)
{
    (void)state;
    put_gpu(129, "0x1002\n", "amdgpu");
    put_gpu(128, "0x8086\n", "i915");
    put_nvidia(10);
    put_nvidia(2);
    put("/dev/nvidiactl", "");
    assert_int_equal(find("auto"), 7);
    assert_words(7, (const char *const[]){"vaapi-opencl:/dev/dri/renderD128", "vaapi-opencl:/dev/dri/renderD129",
                                          "cuda:0", "cuda:1", "vaapi-host:/dev/dri/renderD128",
                                          "vaapi-host:/dev/dri/renderD129", "cpu"});
    for (int i = 0; i < 7; i++)
        assert_string_equal(list[i].refusal, "");
    assert_non_null(strstr(list[0].key, "8086:9a49 i915"));
    assert_non_null(strstr(list[1].key, "1002:9a49 amdgpu"));
    assert_non_null(strstr(list[2].key, "10de:1eb8 nvidia 550.163.01"));
    assert_string_not_equal(list[0].key, list[4].key);
    assert_int_equal(find("vaapi:1"), 2);
    assert_words(2, (const char *const[]){"vaapi-opencl:/dev/dri/renderD129", "vaapi-host:/dev/dri/renderD129"});
    assert_int_equal(find("vaapi:2"), 2);
    assert_refused(0, "there are 2 such devices");
    assert_int_equal(find("vaapi-host:/dev/dri/renderD128"), 1);
    assert_int_equal(find("cuda:/dev/nvidia10"), 1);
    assert_words(1, (const char *const[]){"cuda:1"});
    assert_int_equal(find("cuda:/dev/nvidiactl"), 1);
    assert_refused(0, "no node of a GPU");
    assert_int_equal(find("cuda:x"), 1);
    assert_refused(0, "there are 2");
}

/* More than there is room for: the processor stays the last. */
static void crowd(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        put_gpu(128 + i, "0x1002\n", "amdgpu");
        put_nvidia(i);
    }
    int count = find("auto");
    assert_true(count <= VD_CANDIDATES);
    assert_string_equal(list[count - 1].words, "cpu");
}

static void no_gpu(void **state)
{
    (void)state;
    put("/dev/dri/renderD128", "text"); /* stays a plain file */
    put("/dev/dri/renderD129", "");     /* without a line in sysfs: vgem and the like */
    assert_int_equal(find("auto"), 6);
    assert_refused(0, "no node of a GPU");
    assert_refused(1, "no node of a GPU");
    /* but who demands it may try */
    assert_int_equal(find("vaapi:/dev/dri/renderD128"), 2);
    assert_string_equal(list[0].refusal, "");
    assert_string_equal(list[1].refusal, "");
    assert_int_equal(find("vaapi:/dev/dri/renderD130"), 2);
    assert_refused(0, "there is no such node");
}

static void nvidias_own(void **state)
{
    (void)state;
    put_gpu(128, "0x10de\n", "nvidia");
    put_gpu(129, "0x10de\n", "nouveau");
    find("auto");
    assert_refused(0, "use cuda");
    assert_string_equal(list[1].refusal, "");
    find("vaapi:0");
    assert_string_equal(list[0].refusal, "");
}

static int as_nobody(void)
{
    if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
        return 99;
    find("vaapi:/dev/dri/renderD128");
    if (!strstr(list[0].refusal, "permission denied, it is for the group with gid 23456") ||
        !strstr(list[0].refusal, "--group-add 23456"))
        return 1;
    find("auto");
    if (!strstr(list[1].refusal, "for group audio (gid 29); usermod -aG audio USER"))
        return 2;
    if (!strstr(list[2].refusal, "mode 600"))
        return 3;
    return *list[3].refusal ? 4 : 0;
}

static void own(int number, gid_t gid, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/dev/dri/renderD%d", root, number);
    assert_int_equal(chown(path, 0, gid), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void permissions(void **state)
{
    int status;
    (void)state;
    if (geteuid() != 0) {
        print_message("this needs a second user, so root: skipped\n");
        skip();
    }
    for (int i = 128; i < 132; i++)
        put_gpu(i, "0x8086\n", "i915");
    own(128, 23456, 0660);
    own(129, 29, 0660);
    own(130, 29, 0600);
    own(131, 29, 0666);
    pid_t child = fork();
    if (child == 0)
        _exit(as_nobody());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static const char *ffmpeg = "5.1.6";

const char *__wrap_av_version_info(void);

const char *__wrap_av_version_info(void)
{
    return ffmpeg;
}

static char before[sizeof list->key];

static void assert_other(const char *what)
{
    find("auto");
    if (!strcmp(list[0].key, before))
        fail_msg("%s, and it is the same device", what);
    strcpy(before, list[0].key);
    find("auto");
    assert_string_equal(list[0].key, before);
}

static void assert_same(const char *what)
{
    find("auto");
    if (strcmp(list[0].key, before) != 0)
        fail_msg("%s, and it is another device", what);
}

/* Another driver, what is between it and us, or a word to it, and it is another device. */
static void keys(void **state)
{
    (void)state;
    put_gpu(128, "0x8086\n", "i915");
    put("/usr/lib/x86_64-linux-gnu/dri/iHD_drv_video.so", "1");
    put("/usr/lib/x86_64-linux-gnu/libva.so.2", "1");
    put("/usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so", "1");
    put("/usr/lib/x86_64-linux-gnu/libpocl.so.2", "1");
    put("/etc/OpenCL/vendors/intel.icd", "/usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so\n");
    put("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2");
    *before = '\0';
    assert_other("nothing");
    put("/usr/lib/x86_64-linux-gnu/dri/i965_drv_video.so", "1");
    assert_other("a VA driver more");
    put("/usr/lib/x86_64-linux-gnu/libva.so.2", "12");
    assert_other("another libva");
    put("/usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so", "12");
    assert_other("another NEO");
    put("/usr/lib/x86_64-linux-gnu/libpocl.so.2", "12");
    assert_other("another PoCL");
    put("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.3");
    assert_other("a vendor's file with another word");
    ffmpeg = "7.1.1";
    assert_other("another FFmpeg");
}

static void keys_of_the_environment(void **state)
{
    (void)state;
    put_gpu(128, "0x8086\n", "i915");
    *before = '\0';
    assert_other("nothing");
    setenv("LIBVA_DRIVER_NAME", "i965", 1);
    assert_other("another driver by name");
    unsetenv("LIBVA_DRIVER_NAME");
    assert_other("the usual driver again");
    setenv("RUSTICL_ENABLE", "radeonsi", 1);
    assert_other("rusticl");
    setenv("CUDA_CACHE_PATH", "/elsewhere", 1);
    setenv("cl_cache_dir", "/elsewhere", 1);
    setenv("VD_OTHER", "1", 1);
    assert_same("another folder for what was compiled");
    unsetenv("RUSTICL_ENABLE");
    unsetenv("CUDA_CACHE_PATH");
    unsetenv("cl_cache_dir");
    unsetenv("VD_OTHER");
}

static void here(void **state)
{
    (void)state;
    int count = vd_device_candidates("auto", list);
    assert_true(count >= 1);
    assert_string_equal(list[count - 1].words, "cpu");
    assert_string_equal(list[count - 1].refusal, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bare, machine, drop),
        cmocka_unit_test_setup_teardown(nvidia_without_nodes, machine, drop),
        cmocka_unit_test_setup_teardown(nvidia_without_uvm, machine, drop),
        cmocka_unit_test_setup_teardown(many, machine, drop),
        cmocka_unit_test_setup_teardown(crowd, machine, drop),
        cmocka_unit_test_setup_teardown(no_gpu, machine, drop),
        cmocka_unit_test_setup_teardown(nvidias_own, machine, drop),
        cmocka_unit_test_setup_teardown(permissions, machine, drop),
        cmocka_unit_test_setup_teardown(keys, machine, drop),
        cmocka_unit_test_setup_teardown(keys_of_the_environment, machine, drop),
        cmocka_unit_test_setup_teardown(here, machine, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
