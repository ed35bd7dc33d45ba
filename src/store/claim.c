/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file has a line for each event, "<begin|end|death> <time> <worker or how>". A begin without an end before the next
 * begin is an attempt whose supervisor died; so is a line that was torn by a crash, and gets a "?" at its end later.
 */
#include "vidriera/claim.h"

#include "vidriera/log.h"
#include "vidriera/text.h"

#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 100, LINE = 256 };

static int fail_claim(const char *job, struct vd_err *err)
{
    return vd_fail(err, VD_IO, "claim", ".vidriera/claims/%s: %s; %s", job, strerror(errno),
                   errno == ENOSPC ? "free some space" : "check the disk that has the state folder");
}

static int open_folder(const struct vd_roots *roots)
{
    return openat(roots->state, "claims", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_file(struct vd_claim *claim, int folder)
{
    enum { HOW = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC };
    claim->fd = openat(folder, claim->job, HOW | O_CREAT | O_EXCL, 0600);
    claim->fresh = claim->fd >= 0;
    if (claim->fd < 0 && errno == EEXIST)
        claim->fd = openat(folder, claim->job, HOW);
    return claim->fd;
}

/* Has the name, or did its owner remove it between our open and our lock? */
static int still_named(const struct vd_claim *claim, int folder)
{
    struct stat ours, named;
    if (fstat(claim->fd, &ours) < 0)
        return -1;
    if (fstatat(folder, claim->job, &named, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : -1;
    return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* 0: ours; 1: held; 2: try again; -1: errno. */
static int try_once(struct vd_claim *claim, int folder)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (open_file(claim, folder) < 0)
        return errno == ENOENT ? 2 : -1;
    if (fcntl(claim->fd, F_OFD_SETLK, &lock) < 0)
        return errno == EAGAIN || errno == EACCES ? 1 : -1;
    int named = still_named(claim, folder);
    return named < 0 ? -1 : named ? 0 : 2;
}

static void count_line(struct vd_claim *claim, const char *line, bool *open_attempt)
{
    const char *end = strchr(line, '\n');
    bool whole = end && end > line && end[-1] != '?';
    if (line[0] == 'b') {
        claim->attempts++;
        claim->unended += *open_attempt;
        *open_attempt = true;
    } else if (whole && (!strncmp(line, "end ", 4) || !strncmp(line, "death ", 6))) {
        *open_attempt = false;
        if (line[0] == 'd') {
            claim->deaths++;
            claim->last_death[0] = '\0';
            sscanf(line, "death %*s %31[^\n]", claim->last_death);
        }
    }
}

/* Its own file, written under this very lock: bounded only in the length of a line. */
static int read_attempts(struct vd_claim *claim)
{
    char line[LINE];
    bool open_attempt = false;
    int fd = fcntl(claim->fd, F_DUPFD_CLOEXEC, 0);
    FILE *file = fd < 0 || lseek(fd, 0, SEEK_SET) < 0 ? NULL : fdopen(fd, "r");
    if (!file) {
        vd_close(fd);
        return -1;
    }
    while (fgets(line, sizeof line, file))
        count_line(claim, line, &open_attempt);
    claim->unended += open_attempt;
    int ret = ferror(file) ? -1 : 0;
    fclose(file);
    return ret;
}

int vd_claim_take(struct vd_claim *claim, const struct vd_roots *roots, const char *job, struct vd_err *err)
{
    *claim = VD_CLAIM_NONE;
    if (!vd_job_id_valid(job))
        return vd_fail(err, VD_DEFECT, "claim", "\"%s\" is no job's id; report this", job);
    snprintf(claim->job, sizeof claim->job, "%s", job);
    int folder = open_folder(roots), ret = folder < 0 ? -1 : 2;
    for (int i = 0; i < TRIES && ret == 2; i++) {
        vd_claim_release(claim);
        ret = try_once(claim, folder);
    }
    if (ret == 2)
        errno = EBUSY;
    if (ret == 0)
        ret = read_attempts(claim);
    if (ret == -1 || ret == 2)
        ret = fail_claim(job, err);
    vd_close(folder);
    if (ret != 0)
        vd_claim_release(claim);
    return ret;
}

static bool is_torn(int fd, off_t size)
{
    char last = '\n';
    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* One write(); a part of a line, left by a full disk, is taken away again. */
static int append(struct vd_claim *claim, const char *event, const char *word, bool sync)
{
    char line[LINE];
    struct stat st;
    if (fstat(claim->fd, &st) < 0)
        return -1;
    int size = snprintf(line, sizeof line, "%s%s %lld %.80s", is_torn(claim->fd, st.st_size) ? "?\n" : "", event,
                        (long long)time(NULL), word);
    vd_text_clean(line + 2 * (line[0] == '?'));
    line[size++] = '\n';
    ssize_t wrote = write(claim->fd, line, (size_t)size);
    if (wrote == size && (!sync || fsync(claim->fd) == 0))
        return 0;
    int cause = wrote >= 0 && wrote < size ? ENOSPC : errno;
    if (ftruncate(claim->fd, st.st_size) < 0)
        vd_log(VD_LOG_WARNING, "an attempt that was not made stays recorded: %s", strerror(errno));
    errno = cause;
    return -1;
}

int vd_claim_begin(struct vd_claim *claim, const char *worker, struct vd_err *err)
{
    if (append(claim, "begin", worker, true) < 0)
        return fail_claim(claim->job, err);
    claim->attempts++;
    claim->unended++;
    return 0;
}

int vd_claim_reset(struct vd_claim *claim, struct vd_err *err)
{
    if (ftruncate(claim->fd, 0) < 0 || fsync(claim->fd) < 0)
        return fail_claim(claim->job, err);
    claim->attempts = claim->deaths = claim->unended = 0;
    claim->last_death[0] = '\0';
    return 0;
}

void vd_claim_end(struct vd_claim *claim, const char *how, bool death)
{
    /* two deaths reject a recording, so a death must not be forgotten */
    if (append(claim, death ? "death" : "end", how, death) < 0)
        vd_log(VD_LOG_WARNING, ".vidriera/claims/%s: the end of an attempt is not recorded: %s", claim->job,
               strerror(errno));
    claim->unended -= claim->unended > 0;
    if (death) {
        claim->deaths++;
        snprintf(claim->last_death, sizeof claim->last_death, "%.31s", how);
    }
}

void vd_claim_release(struct vd_claim *claim)
{
    vd_close(claim->fd);
    claim->fd = -1;
}

void vd_claim_remove(struct vd_claim *claim, const struct vd_roots *roots)
{
    int folder = open_folder(roots);
    if (claim->fd >= 0 && (folder < 0 || unlinkat(folder, claim->job, 0) < 0))
        vd_log(VD_LOG_WARNING, ".vidriera/claims/%s cannot be removed: %s", claim->job, strerror(errno));
    vd_close(folder);
    vd_claim_release(claim);
}

int vd_claims_list(const struct vd_roots *roots, bool (*each)(void *opaque, const char *job), void *opaque,
                   struct vd_err *err)
{
    int fd = open_folder(roots);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    if (!folder) {
        vd_close(fd);
        return fail_claim("", err);
    }
    for (errno = 0; (entry = readdir(folder)); errno = 0)
        if (vd_job_id_valid(entry->d_name) && !each(opaque, entry->d_name))
            break;
    int ret = !entry && errno ? fail_claim("", err) : 0;
    closedir(folder);
    return ret;
}
