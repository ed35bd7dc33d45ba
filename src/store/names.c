/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names.h"

#include "vidriera/text.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

void vd_hash8(char hex[9], const char *text, size_t size)
{
    snprintf(hex, 9, "%08x", (unsigned)(XXH3_64bits(text, size) & 0xffffffff));
}

bool vd_name_join(char name[VD_NAME], const char *stem, size_t size, const char *ending, size_t most)
{
    char hex[9];
    size_t kept = size;
    bool cut = size + strlen(ending) > most;
    if (cut) {
        kept = most - strlen(ending) - 1 - 8;
        while (kept > 0 && (stem[kept] & 0xc0) == 0x80) /* in the middle of a character */
            kept--;
    }
    vd_hash8(hex, stem, size);
    snprintf(name, VD_NAME, "%.*s%s%s%s", (int)kept, stem, cut ? "-" : "", cut ? hex : "", ending);
    return cut;
}

size_t vd_stem_size(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? (size_t)(dot - name) : strlen(name);
}

const char *vd_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void vd_path_folder(const char *path, char folder[VD_ORDER_PATH])
{
    size_t size = (size_t)(vd_path_name(path) - path);
    snprintf(folder, VD_ORDER_PATH, "%.*s", size ? (int)size - 1 : 0, path);
}

/* In single quotes; what would not survive being shown goes as octal into the $'…' that bash, ksh and zsh know. */
static bool quote(char *to, size_t size, const char *path)
{
    char shown[2 * VD_ORDER_PATH];
    snprintf(shown, sizeof shown, "%s", path);
    vd_text_clean(shown);
    bool escape = strcmp(shown, path) != 0;
    size_t used = (size_t)snprintf(to, size, escape ? "$'" : "'");
    for (const char *c = path; *c && used + 8 < size; c++) {
        if (escape && (*c < ' ' || *c == 0x7f || *c == '\'' || *c == '\\'))
            used += (size_t)snprintf(to + used, size - used, "\\%03o", (unsigned char)*c);
        else if (*c == '\'')
            used += (size_t)snprintf(to + used, size - used, "'\\''");
        else
            to[used++] = *c;
    }
    if (used + 8 >= size)
        return false;
    snprintf(to + used, size - used, "'");
    return true;
}

/* A path on the host that is relative is so to the project's folder, as Compose has it; `~` is of whoever calls. */
static const char *where(const struct vd_roots *roots)
{
    if (!strncmp(roots->on_host, "~/", 2))
        return ", by sudo";
    return *roots->on_host != '/' ? ", where docker-compose.yml is" : "";
}

const char *vd_mend(char mend[VD_MEND], const struct vd_roots *roots, const char *command, const char *top,
                    const char *rest)
{
    char path[2 * VD_ORDER_PATH];
    size_t size = roots->on_host ? strlen(roots->data) : 0;
    bool beneath = size && !strncmp(top, roots->data, size) && (!top[size] || top[size] == '/');
    int used = snprintf(mend, VD_MEND, "run as root%s: %s ", beneath ? where(roots) : "", command);
    snprintf(path, sizeof path, "%s%s%s%s", beneath ? roots->on_host : "", beneath ? top + size : top, *rest ? "/" : "",
             rest);
    bool home = !strncmp(path, "~/", 2); /* a shell knows it outside of quotes alone */
    if (home)
        used += snprintf(mend + used, VD_MEND - (size_t)used, "~/");
    if (!quote(mend + used, VD_MEND - (size_t)used, path + (home ? 2 : 0)))
        snprintf(mend, VD_MEND, "run as root on its folder: %s", command);
    return mend;
}
