/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the machine is, without trying anything; OpenCL's drivers are loaded in a child. */
#include "doctor.h"

#include "vidriera/codecs.h"
#include "vidriera/drivers.h"
#include "vidriera/environment.h"
#include "vidriera/node.h"
#include "vidriera/patience.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GROUPS = 64, ANSWER_MAX = 32 * 1024 };

static json_t *group(gid_t gid)
{
    const struct group *known = getgrgid(gid);
    return json_pack("{s:I, s:s?}", "gid", (json_int_t)gid, "name", known ? known->gr_name : NULL);
}

json_t *vd_doctor_machine(void)
{
    gid_t gids[GROUPS];
    struct utsname system = {0};
    char kernel[sizeof system];
    json_t *groups = json_array();
    int count = getgroups(GROUPS, gids);
    const struct passwd *user = getpwuid(geteuid());
    uname(&system);
    snprintf(kernel, sizeof kernel, "%s %s %s", system.sysname, system.release, system.machine);
    json_array_append_new(groups, group(getegid()));
    for (int i = 0; i < count; i++)
        if (gids[i] != getegid())
            json_array_append_new(groups, group(gids[i]));
    return json_pack("{s:s, s:{s:I, s:s?}, s:o}", "kernel", kernel, "user", "uid", (json_int_t)geteuid(), "name",
                     user ? user->pw_name : NULL, "groups", groups);
}

static json_t *node_object(const struct vd_node *node, const char *kind)
{
    char pci[16] = "";
    if (node->vendor)
        snprintf(pci, sizeof pci, "%04x:%04x", node->vendor, node->device);
    return json_pack("{s:s, s:s, s:I, s:s?, s:s?, s:s?, s:b, s:s?}", "path", node->path, "kind", kind, "gid",
                     (json_int_t)node->gid, "group", *node->group ? node->group : NULL, "pci", *pci ? pci : NULL,
                     "driver", *node->driver ? node->driver : NULL, "usable", !*node->refusal, "refusal",
                     *node->refusal ? node->refusal : NULL);
}

json_t *vd_doctor_nodes(void)
{
    struct vd_node list[VD_NODES];
    json_t *nodes = json_array();
    int count = vd_nodes_find("", VD_NODE_RENDER, list);
    for (int i = 0; i < count; i++)
        json_array_append_new(nodes, node_object(&list[i], "render"));
    count = vd_nodes_find("", VD_NODE_NVIDIA, list);
    for (int i = 0; i < count; i++)
        json_array_append_new(nodes, node_object(&list[i], "nvidia"));
    return nodes;
}

static json_t *opencl_devices(void)
{
    struct vd_opencl_facts list[VD_OPENCL_DEVICES];
    json_t *devices = json_array();
    int count = vd_drivers_opencl(list);
    for (int i = 0; i < count; i++)
        json_array_append_new(devices,
                              json_pack("{s:s, s:s, s:s, s:b, s:b, s:b}", "platform", list[i].platform, "name",
                                        list[i].name, "version", list[i].version, "gpu", list[i].gpu, "shares_memory",
                                        list[i].shares_memory, "maps_vaapi", list[i].maps_vaapi));
    return devices;
}

/* Drivers keep what they compile where those of slots do. */
static void set_caches(const char *cache)
{
    char folder[PATH_MAX];
    if (!cache || !vd_environment_cache_folder(cache, folder))
        return;
    for (int i = 0; i < VD_ENVIRONMENT_CACHES; i++)
        setenv(vd_environment_caches[i], folder, 0);
}

/* Only the answer leaves the child: what drivers print is not ours. */
static _Noreturn void answer_opencl(int to, const char *cache)
{
    int null = open("/dev/null", O_RDWR);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    set_caches(cache);
    _exit(json_dumpfd(opencl_devices(), to, JSON_COMPACT) < 0);
}

/* Until the end of what the child says, or of patience. */
static size_t read_answer(int from, struct vd_patience *patience, char *text, size_t size)
{
    size_t used = 0;
    while (used < size && vd_patience_waits(patience)) {
        struct pollfd polled = {.fd = from, .events = POLLIN};
        if (poll(&polled, 1, VD_PATIENCE_LOOK_MS) <= 0)
            continue;
        ssize_t got = read(from, text + used, size - used);
        if (got <= 0)
            return used;
        used += (size_t)got;
    }
    return 0;
}

static json_t *opencl_answer(json_t *devices, const char *problem)
{
    return json_pack("{s:o, s:s?}", "devices", devices ? devices : json_array(), "problem", problem);
}

/* Why a child that was killed gave no answer. */
static json_t *no_answer(int status, double seconds)
{
    static const char cure[] = "take files out of /etc/OpenCL/vendors until it does not";
    char problem[160];
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        snprintf(problem, sizeof problem, "a driver crashed (SIG%s) while it was loaded; %s",
                 sigabbrev_np(WTERMSIG(status)), cure);
    else if (WIFEXITED(status))
        snprintf(problem, sizeof problem, "a driver ended the process while it was loaded; %s", cure);
    else
        snprintf(problem, sizeof problem, "no answer within %.0f s: a driver hangs; %s", seconds, cure);
    return opencl_answer(NULL, problem);
}

json_t *vd_doctor_opencl(const char *cache)
{
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return opencl_answer(NULL, "no pipe to be had; try again later");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        answer_opencl(ends[1], cache);
    close(ends[1]);
    struct vd_patience patience = vd_patience_begin(child);
    char *text = malloc(ANSWER_MAX);
    size_t size = child > 0 && text ? read_answer(ends[0], &patience, text, ANSWER_MAX) : 0;
    json_t *devices = size ? json_loadb(text, size, 0, NULL) : NULL;
    free(text);
    close(ends[0]);
    if (child < 0)
        return opencl_answer(NULL, "no process to be had; try again later");
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return devices ? opencl_answer(devices, NULL) : no_answer(status, vd_patience_spent(&patience));
}

static json_t *name_list(const char *const *names, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

json_t *vd_doctor_codecs(void)
{
    static const struct {
        const char *name;
        enum vd_family family;
    } families[] = {{"software", VD_FAMILY_SOFTWARE}, {"vaapi", VD_FAMILY_VAAPI}, {"nvenc", VD_FAMILY_NVENC}};
    const char *names[VD_CODECS_MAX];
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        json_t *encoders = name_list(names, vd_codecs_encoders(families[i].family, names));
        json_t *decoders = name_list(names, vd_codecs_decoders(families[i].family, names));
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:o}", "family", families[i].name, "encoders", encoders, "decoders", decoders));
    }
    return list;
}
