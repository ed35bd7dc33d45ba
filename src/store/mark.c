/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * STATE/roots/<name> has a line for each path by which the root was reached ("<identity> <path>"), because machines
 * that share the folders may have mounted them elsewhere. The identity is what the marker says, or inode and file
 * system of a root that nobody could mark. Lines are only added: two workers that start at once write the same.
 */
#include "mark.h"

#include "vidriera/text.h"

#include "files.h"
#include "names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { IDENTITY = 64, REMEMBERED_BYTES = 1 << 16 };

static const char by_inode[] = "inode-";

/* Fit for a line. A root beneath data is the same one wherever data is mounted. */
static void path_key(const struct vd_roots *roots, enum vd_root root, char key[VD_ORDER_PATH])
{
    const char *path = roots->path[root];
    size_t size = strlen(roots->data);
    bool beneath = !strncmp(path, roots->data, size) && path[size] == '/';
    snprintf(key, VD_ORDER_PATH, "%s", beneath ? path + size + 1 : path);
    vd_text_clean(key);
}

static int open_memory(const struct vd_roots *roots)
{
    return openat(roots->state, "roots", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The lines; "" when there are none yet. NULL: they cannot be read. The caller frees. */
static char *recall_all(int memory, enum vd_root root)
{
    size_t size;
    char *text = vd_file_read(memory, vd_root_name(root), REMEMBERED_BYTES, &size);
    return text || errno != ENOENT ? text : strdup("");
}

/* 1: identity is what was remembered of that path. */
static int find_line(const char *text, const char *key, char identity[IDENTITY])
{
    size_t size = strlen(key);
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n"), word = strcspn(line, " \n");
        if (line[word] == ' ' && length - word - 1 == size && !memcmp(line + word + 1, key, size) && word < IDENTITY) {
            memcpy(identity, line, word);
            identity[word] = '\0';
            return 1;
        }
        line += length + (line[length] == '\n');
    }
    return 0;
}

static int recall(const struct vd_roots *roots, enum vd_root root, char identity[IDENTITY])
{
    char key[VD_ORDER_PATH], *text = NULL;
    int memory = open_memory(roots);
    if (memory >= 0)
        text = recall_all(memory, root);
    vd_close(memory);
    if (!text)
        return -1;
    path_key(roots, root, key);
    int ret = find_line(text, key, identity);
    free(text);
    return ret;
}

static int remember(const struct vd_roots *roots, enum vd_root root, const char *identity)
{
    char key[VD_ORDER_PATH], *text = NULL, *whole = NULL;
    int memory = open_memory(roots), ret = -1;
    path_key(roots, root, key);
    if (memory >= 0)
        text = recall_all(memory, root);
    if (text && asprintf(&whole, "%s%s %s\n", text, identity, key) >= 0) {
        ret = vd_file_replace(memory, vd_root_name(root), whole, strlen(whole));
        free(whole);
    }
    free(text);
    vd_close(memory);
    return ret;
}

static int read_mark(int fd, char identity[IDENTITY])
{
    size_t size;
    char *text = vd_file_read(fd, VD_MARK, IDENTITY - 1, &size);
    if (!text)
        return -1;
    size_t word = strspn(text, "0123456789abcdef");
    snprintf(identity, IDENTITY, "%.*s", (int)word, text);
    free(text);
    errno = EBADMSG;
    return word ? 0 : -1;
}

static int make_mark(int fd)
{
    unsigned long long id[2];
    char text[IDENTITY];
    if (getrandom(id, sizeof id, 0) != (ssize_t)sizeof id)
        return -1;
    int size = snprintf(text, sizeof text, "%016llx%016llx\n", id[0], id[1]);
    return vd_file_new(fd, VD_MARK, text, (size_t)size);
}

static int inode_identity(int fd, char identity[IDENTITY])
{
    struct stat st;
    struct statfs fs;
    if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
        return -1;
    snprintf(identity, IDENTITY, "%s%llu-%lx", by_inode, (unsigned long long)st.st_ino, (unsigned long)fs.f_type);
    return 0;
}

/* Of two that do this at once, one makes the marker and both read it. */
static int mark(int fd, char identity[IDENTITY])
{
    if (read_mark(fd, identity) == 0)
        return 0;
    if (errno != ENOENT)
        return -1;
    if (make_mark(fd) < 0 && errno != EEXIST)
        return errno == EACCES || errno == EPERM || errno == EROFS ? inode_identity(fd, identity) : -1;
    return read_mark(fd, identity);
}

int vd_mark_known(const struct vd_roots *roots, enum vd_root root)
{
    char identity[IDENTITY];
    return recall(roots, root, identity);
}

int vd_mark_away(const struct vd_roots *roots, enum vd_root root, const char *why, struct vd_err *err)
{
    return vd_fail(err, VD_IO, "root",
                   "%s is not the folder it was: %s, is it mounted?; mount it, or remove %s/.vidriera/roots/%s when it "
                   "was replaced on purpose",
                   vd_root_name(root), why, roots->on_host ? roots->on_host : roots->data, vd_root_name(root));
}

static int fail_memory(enum vd_root root, struct vd_err *err)
{
    return vd_fail(err, VD_IO, "root", ".vidriera/roots/%s: %s; check the disk that has the state folder",
                   vd_root_name(root), strerror(errno));
}

int vd_mark_check(const struct vd_roots *roots, enum vd_root root, int fd, struct vd_err *err)
{
    char known[IDENTITY], now[IDENTITY];
    int ret = recall(roots, root, known);
    if (ret < 0)
        return fail_memory(root, err);
    if (ret == 0) {
        if (mark(fd, now) < 0)
            return vd_fail(err, VD_IO, "root", "%s cannot be marked as ours: %s; check the disk", vd_root_name(root),
                           strerror(errno));
        return remember(roots, root, now) < 0 ? fail_memory(root, err) : 0;
    }
    bool marked = strncmp(known, by_inode, sizeof by_inode - 1) != 0;
    if ((marked ? read_mark(fd, now) : inode_identity(fd, now)) < 0)
        return vd_mark_away(roots, root, errno == ENOENT ? "its " VD_MARK " is gone" : strerror(errno), err);
    if (strcmp(now, known) != 0)
        return vd_mark_away(roots, root, marked ? "its " VD_MARK " is another one" : "its inode is another one", err);
    return 0;
}
