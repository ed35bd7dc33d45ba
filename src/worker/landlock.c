/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "landlock.h"

#include "vidriera/environment.h"

#include <fcntl.h>
#include <glob.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Later than the headers of Debian 12; the numbers are the kernel's for ever. */
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_AND_CONNECT_TCP UINT64_C(3)
#define SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS UINT64_C(3)

struct ruleset {
    uint64_t fs, net, scoped; /* what is handled, and so refused: no rule allows any of it */
};

static struct ruleset everything_of(int abi)
{
    struct ruleset set = {.fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1}; /* the last of ABI 1 */
    set.fs |= abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
    set.fs |= abi >= 3 ? FS_TRUNCATE : 0;
    set.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
    set.net = abi >= 4 ? NET_BIND_AND_CONNECT_TCP : 0;
    set.scoped = abi >= 6 ? SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS : 0;
    return set;
}

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_EXECUTE)
#define USE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | FS_IOCTL_DEV)

/* Where drivers lie and what they read, and the nodes that they drive. Of /etc what they are known to open: our configuration
 * lies there too. All of /proc: the entry of a process is another one when the kernel has forgotten it meanwhile. */
static const struct {
    const char *pattern; /* of glob() */
    uint64_t access;
} system_paths[] = {
    {"/usr", READ},
    {"/lib*", READ},
    {"/opt", READ},
    {"/proc", READ},
    {"/sys", READ},
    {"/etc/ld.so.*", READ}, /* the loader's */
    {"/etc/OpenCL", READ},
    {"/etc/libva.conf", READ},
    {"/etc/igfx_user_feature*", READ}, /* Intel's VA driver */
    {"/etc/drirc", READ},              /* Mesa */
    {"/etc/nvidia", READ},
    {"/dev/dri", USE},
    {"/dev/nvidia*", USE},
    {"/dev/kfd", USE},
    {"/dev/dxg", USE}, /* WSL */
    {"/dev/null", USE},
    {"/dev/zero", USE},
    {"/dev/urandom", READ},
};

/* Variables that name, with colons between, where else drivers lie. */
static const char *const variables[] = {"LD_LIBRARY_PATH", "LIBVA_DRIVERS_PATH", "OCL_ICD_VENDORS", "OPENCL_LAYERS"};

/* A path that is not there needs no rule. A file takes no rights of folders. */
static void allow(int ruleset, const char *path, uint64_t access, const struct ruleset *set)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        access &= LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
                  FS_TRUNCATE | FS_IOCTL_DEV;
    struct landlock_path_beneath_attr rule = {.allowed_access = access & set->fs, .parent_fd = fd};
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(fd);
}

static void allow_pattern(int ruleset, const char *pattern, uint64_t access, const struct ruleset *set)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            allow(ruleset, found.gl_pathv[i], access, set);
    globfree(&found);
}

static void allow_listed(int ruleset, const char *value, uint64_t access, const struct ruleset *set)
{
    char path[4096];
    for (; value && *value; value += strcspn(value, ":"), value += *value == ':') {
        snprintf(path, sizeof path, "%.*s", (int)strcspn(value, ":"), value);
        allow(ruleset, path, access, set);
    }
}

static void allow_hardware(int ruleset, const struct ruleset *set, const char *words)
{
    const char *place = strchr(words, ':');
    for (size_t i = 0; i < sizeof system_paths / sizeof *system_paths; i++)
        allow_pattern(ruleset, system_paths[i].pattern, system_paths[i].access, set);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        allow_listed(ruleset, getenv(variables[i]), READ, set);
    for (int i = 0; i < VD_ENVIRONMENT_CACHES; i++) {
        const char *value = getenv(vd_environment_caches[i]);
        if (value)
            allow(ruleset, value, set->fs, set);
    }
    if (place && place[1] == '/')
        allow(ruleset, place + 1, USE, set);
}

/* words: NULL allows nothing. */
static int restrict_files(const char *words)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 0)
        return -1;
    struct ruleset set = everything_of(abi);
    /* an older kernel takes the longer struct as long as the rest is 0 */
    int fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
    if (fd < 0)
        return -1;
    if (words)
        allow_hardware(fd, &set, words);
    int ret = (int)syscall(SYS_landlock_restrict_self, fd, 0);
    close(fd);
    return ret < 0 ? -1 : abi;
}

int vd_landlock_restrict(void)
{
    return restrict_files(NULL);
}

int vd_landlock_hardware(const char *words)
{
    return restrict_files(words);
}
