/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/environment.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const vd_environment_caches[VD_ENVIRONMENT_CACHES] = {"POCL_CACHE_DIR", "NEO_CACHE_DIR",
                                                                  "cl_cache_dir" /* of NEO before 23 */,
                                                                  "CUDA_CACHE_PATH", "MESA_SHADER_CACHE_DIR"};

/* By how they begin. */
static const struct {
    const char *begins;
    bool decides;
} variables[] = {
    {"LD_LIBRARY_PATH=", true},
    {"LD_PRELOAD=", true},
    {"PATH=", false}, /* some start programs that compile */
    {"LIBVA_", true},
    {"OCL_ICD_", true},
    {"OPENCL_", true},
    {"POCL_", true},
    {"NEO", true},
    {"CUDA_", true},
    {"NVIDIA_", true},
    {"MESA_", true},
    {"RUSTICL_", true},
    {"VD_", false}, /* of the doubles in tests */
};

static bool is_cache(const char *entry)
{
    for (int i = 0; i < VD_ENVIRONMENT_CACHES; i++) {
        size_t size = strlen(vd_environment_caches[i]);
        if (!strncmp(entry, vd_environment_caches[i], size) && entry[size] == '=')
            return true;
    }
    return false;
}

static bool listed(const char *entry, bool deciding)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (!strncmp(entry, variables[i].begins, strlen(variables[i].begins)))
            return variables[i].decides || !deciding;
    return false;
}

bool vd_environment_for_drivers(const char *entry)
{
    return is_cache(entry) || listed(entry, false);
}

bool vd_environment_decides(const char *entry)
{
    return !is_cache(entry) && listed(entry, true);
}

bool vd_environment_cache_folder(const char *cache, char path[PATH_MAX])
{
    if ((size_t)snprintf(path, PATH_MAX, "%s/drivers", cache) >= PATH_MAX)
        return false;
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}
