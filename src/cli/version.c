/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vidriera --version`: the libraries as they are loaded, which need not be those of the build. */
#include "cli.h"

#include "vidriera/bus.h"
#include "vidriera/codecs.h"
#include "vidriera/web.h"

#include <confuse.h>
#include <jansson.h>
#include <seccomp.h>
#include <string.h>
#include <xxhash.h>

static void print_library(FILE *to, const char *name, const char *version)
{
    fprintf(to, "  %-14s %s\n", name, version);
}

void vd_version_print(FILE *to)
{
    const char *name;
    char text[32];
    const struct scmp_version *seccomp = seccomp_version();
    unsigned xxhash = XXH_versionNumber();
    fprintf(to, "vidriera " VD_VERSION "\n");
    print_library(to, "FFmpeg", vd_codecs_ffmpeg());
    for (int i = 0; (name = vd_codecs_library(i, text)); i++)
        print_library(to, name, text);
    print_library(to, "librdkafka", vd_bus_library());
    print_library(to, "libmicrohttpd", vd_web_library());
    print_library(to, "jansson", jansson_version_str());
    print_library(to, "libconfuse",
                  strrchr(confuse_version, ' ') ? strrchr(confuse_version, ' ') + 1 : confuse_version);
    snprintf(text, sizeof text, "%u.%u.%u", seccomp->major, seccomp->minor, seccomp->micro);
    print_library(to, "libseccomp", text);
    snprintf(text, sizeof text, "%u.%u.%u", xxhash / 10000, xxhash / 100 % 100, xxhash % 100);
    print_library(to, "xxHash", text);
    fprintf(to, "vidriera doctor tells of the drivers of OpenCL, VAAPI and CUDA.\n");
}
