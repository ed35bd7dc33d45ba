/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "find.h"

#include "vidriera/environment.h"
#include "vidriera/node.h"

#include <glob.h>
#include <libavcodec/avcodec.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xxhash.h>

enum { VENDOR_NVIDIA = 0x10de };

/* The machine, and what was found on it so far: nodes are looked for once, and not before a row wants them. */
struct search {
    const char *root;
    bool automatic;
    struct vd_candidate *list;
    int count;
    bool looked[2];
    int nodes[2];
    struct vd_node node[2][VD_NODES];
    XXH64_hash_t about; /* what all keys have in common */
    bool about_known;
};

static void take_text(XXH3_state_t *state, const char *text)
{
    XXH3_64bits_update(state, text, strlen(text) + 1);
}

/* A file or folder as it is now: another driver there, and it is another one. */
static void take_file(XXH3_state_t *state, const char *path)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return;
    take_text(state, path);
    XXH3_64bits_update(state, &st.st_mtim.tv_sec, sizeof st.st_mtim.tv_sec);
    XXH3_64bits_update(state, &st.st_mtim.tv_nsec, sizeof st.st_mtim.tv_nsec);
    XXH3_64bits_update(state, &st.st_size, sizeof st.st_size);
}

static void take_all(XXH3_state_t *state, const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            take_file(state, found.gl_pathv[i]);
    globfree(&found);
}

/* The library that a vendor's file names. */
static void take_icd(XXH3_state_t *state, const char *root, const char *icd)
{
    char name[PATH_MAX], path[2 * PATH_MAX];
    FILE *file = fopen(icd, "re");
    if (file && fgets(name, sizeof name, file)) {
        name[strcspn(name, "\r\n")] = '\0';
        snprintf(path, sizeof path, *name == '/' ? "%s%s" : "%s/usr/lib*/%s", root, name);
        take_all(state, path);
        if (*name != '/') {
            snprintf(path, sizeof path, "%s/usr/lib/*/%s", root, name);
            take_all(state, path);
        }
    }
    if (file)
        fclose(file);
}

static void take_files(XXH3_state_t *state, const char *root)
{
    static const char *const patterns[] = {"/usr/lib/*/dri",         "/usr/lib*/dri",         "/usr/lib/*/libcuda.so.1",
                                           "/usr/lib*/libcuda.so.1", "/usr/lib/*/libva.so.2", "/usr/lib*/libva.so.2",
                                           "/etc/OpenCL/vendors"};
    char path[PATH_MAX];
    glob_t found;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        snprintf(path, sizeof path, "%s%s", root, patterns[i]);
        take_all(state, path);
    }
    snprintf(path, sizeof path, "%s/etc/OpenCL/vendors/*.icd", root);
    if (glob(path, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            take_file(state, found.gl_pathv[i]);
            take_icd(state, root, found.gl_pathv[i]);
        }
    globfree(&found);
}

/* What changes which driver is loaded, and the files that it names, with colons between. */
static void take_environment(XXH3_state_t *state)
{
    char path[PATH_MAX];
    for (char **entry = environ; entry && *entry; entry++) {
        if (!vd_environment_decides(*entry))
            continue;
        take_text(state, *entry);
        for (const char *at = strchr(*entry, '='); at; at = strchr(at + 1, ':')) {
            snprintf(path, sizeof path, "%.*s", (int)strcspn(at + 1, ":"), at + 1);
            take_file(state, path);
        }
    }
}

static void take_user(XXH3_state_t *state)
{
    gid_t groups[256];
    const uid_t uid = geteuid();
    const gid_t gid = getegid();
    int count = getgroups(256, groups);
    XXH3_64bits_update(state, &uid, sizeof uid);
    XXH3_64bits_update(state, &gid, sizeof gid);
    XXH3_64bits_update(state, groups, count > 0 ? (size_t)count * sizeof *groups : 0);
}

static XXH64_hash_t about(struct search *search)
{
    struct utsname system;
    if (search->about_known)
        return search->about;
    XXH3_state_t *state = XXH3_createState();
    if (!state || XXH3_64bits_reset(state) != XXH_OK) {
        XXH3_freeState(state);
        return (XXH64_hash_t)getpid(); /* good for nobody else */
    }
    if (uname(&system) == 0)
        take_text(state, system.release);
    take_files(state, search->root);
    take_environment(state);
    take_user(state);
    take_text(state, VD_VERSION);
    take_text(state, av_version_info());
    take_text(state, avcodec_configuration());
    take_file(state, "/proc/self/exe");
    search->about = XXH3_64bits_digest(state);
    search->about_known = true;
    XXH3_freeState(state);
    return search->about;
}

static struct vd_candidate *add(struct search *search, const char *backend, const char *place)
{
    if (search->count == VD_CANDIDATES)
        return NULL;
    struct vd_candidate *candidate = &search->list[search->count++];
    *candidate = (struct vd_candidate){0};
    snprintf(candidate->words, sizeof candidate->words, "%s%s%s", backend, *place ? ":" : "", place);
    snprintf(candidate->key, sizeof candidate->key, "%s", candidate->words);
    return candidate;
}

/* A node as the row's words tell it: NVIDIA's driver counts, all others take paths. */
static void add_node(struct search *search, const struct vd_backend *row, const struct vd_node *node, int index)
{
    char number[16];
    snprintf(number, sizeof number, "%d", index);
    bool nvidia = row->places == VD_PLACES_NVIDIA;
    struct vd_candidate *candidate = add(search, row->name, nvidia ? number : node->path);
    if (!candidate)
        return;
    snprintf(candidate->key, sizeof candidate->key, "%.63s %04x:%04x %.47s %016llx", candidate->words, node->vendor,
             node->device, node->driver, (unsigned long long)about(search));
    if (!node->open || search->automatic || nvidia)
        snprintf(candidate->refusal, sizeof candidate->refusal, "%s", node->refusal);
    if (!*candidate->refusal && search->automatic && !nvidia && node->vendor == VENDOR_NVIDIA &&
        !strcmp(node->driver, "nvidia"))
        snprintf(candidate->refusal, sizeof candidate->refusal,
                 "%s: NVIDIA's own driver gives VAAPI no encoder; use cuda", node->path);
}

static int look(struct search *search, enum vd_node_kind kind)
{
    if (!search->looked[kind])
        search->nodes[kind] = vd_nodes_find(search->root, kind, search->node[kind]);
    search->looked[kind] = true;
    return search->nodes[kind];
}

static void add_none(struct search *search, const struct vd_backend *row, enum vd_node_kind kind)
{
    struct vd_candidate *candidate = add(search, row->name, "");
    if (candidate)
        snprintf(candidate->refusal, sizeof candidate->refusal, "%s", vd_node_none(kind));
}

/* By path: of a list, or any other. */
static void add_path(struct search *search, const struct vd_backend *row, enum vd_node_kind kind, const char *path)
{
    struct vd_node other;
    int count = look(search, kind);
    for (int i = 0; i < count; i++)
        if (!strcmp(search->node[kind][i].path, path)) {
            add_node(search, row, &search->node[kind][i], i);
            return;
        }
    vd_node_look(search->root, kind, path, &other);
    if (kind == VD_NODE_NVIDIA && !*other.refusal)
        snprintf(other.refusal, sizeof other.refusal, "%s: it is no node of a GPU; see ls -l /dev/nvidia*", path);
    add_node(search, row, &other, 0);
}

static void add_index(struct search *search, const struct vd_backend *row, enum vd_node_kind kind, const char *index)
{
    char *end;
    int count = look(search, kind);
    long at = strtol(index, &end, 10);
    if (!*end && at >= 0 && at < count) {
        add_node(search, row, &search->node[kind][at], (int)at);
        return;
    }
    struct vd_candidate *candidate = add(search, row->name, index);
    if (!candidate || (kind == VD_NODE_NVIDIA && !count))
        return; /* NVIDIA's driver need not have nodes there: on WSL, on Jetson */
    if (count)
        snprintf(candidate->refusal, sizeof candidate->refusal,
                 "%.63s: there are %d such devices, counted from 0; see vidriera doctor", candidate->words, count);
    else
        snprintf(candidate->refusal, sizeof candidate->refusal, "%s", vd_node_none(kind));
}

static void add_row(struct search *search, const struct vd_backend *row, const char *place)
{
    enum vd_node_kind kind = row->places == VD_PLACES_NVIDIA ? VD_NODE_NVIDIA : VD_NODE_RENDER;
    if (row->places == VD_PLACES_NONE) {
        add(search, row->name, place);
        return;
    }
    if (*place == '/') {
        add_path(search, row, kind, place);
        return;
    }
    if (*place) {
        add_index(search, row, kind, place);
        return;
    }
    int count = look(search, kind);
    for (int i = 0; i < count; i++)
        add_node(search, row, &search->node[kind][i], i);
    if (!count && kind == VD_NODE_NVIDIA && !search->automatic)
        add(search, row->name, "");
    else if (!count)
        add_none(search, row, kind);
}

int vd_find_candidates(const char *root, const struct vd_backend *const *rows, int count, const char *wanted,
                       struct vd_candidate list[VD_CANDIDATES])
{
    struct search search = {.root = root, .list = list, .automatic = !strcmp(wanted, "auto")};
    for (int i = 0; i < count; i++) {
        const char *place = search.automatic ? "" : vd_backend_place(rows[i], wanted);
        if (search.automatic ? rows[i]->automatic : place != NULL)
            add_row(&search, rows[i], place);
    }
    return search.count;
}

int vd_device_candidates(const char *wanted, struct vd_candidate list[VD_CANDIDATES])
{
    int count;
    const struct vd_backend *const *rows = vd_backends(&count);
    return vd_find_candidates("", rows, count, wanted, list);
}
