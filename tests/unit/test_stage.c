/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inputs opened, outputs put in place. Every test of a commit runs twice: with a file that has no name while it grows,
 * and as where the file system knows no O_TMPFILE and no RENAME_NOREPLACE (linked with --wrap).
 */
#include "capture.h"

#include "vidriera/store.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <xxhash.h>

static bool old_file_system; /* no O_TMPFILE, no renameat2() */
static int failing_fsync;    /* the n-th from now; 0: none */

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __real_renameat2(int from, const char *name, int to, const char *wanted, unsigned flags);
int __wrap_renameat2(int from, const char *name, int to, const char *wanted, unsigned flags);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    if (old_file_system && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return __real_openat(dir, path, flags, mode);
}

int __wrap_renameat2(int from, const char *name, int to, const char *wanted, unsigned flags)
{
    if (old_file_system) {
        errno = EINVAL;
        return -1;
    }
    return __real_renameat2(from, name, to, wanted, flags);
}

int __wrap_fsync(int fd)
{
    if (failing_fsync && --failing_fsync == 0) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

static char folder[32];

static int make_new(void **state)
{
    (void)state;
    old_file_system = false;
    failing_fsync = 0;
    folder_make(folder);
    return 0;
}

static int make_old(void **state)
{
    make_new(state);
    old_file_system = true;
    return 0;
}

static int drop(void **state)
{
    (void)state;
    folder_drop(folder);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char paths[2][320];
    static int turn;
    char *path = paths[turn = !turn];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put_file(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void assert_file(const char *name, const char *text)
{
    char got[64] = "";
    FILE *file = fopen(in_folder(name), "r");
    assert_non_null(file);
    got[fread(got, 1, sizeof got - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(got, text);
}

static void create(struct vd_stage *stage, const char *text)
{
    struct vd_err err = {0};
    assert_int_equal(vd_stage_create(stage, folder, "job", &err), 0);
    assert_int_equal(write(stage->fd, text, strlen(text)), strlen(text));
    assert_int_equal(stage->part[0] != '\0', old_file_system);
    assert_int_equal(folder_count(folder) > 0 && stage->part[0], old_file_system);
}

/* The commit is refused, and nothing is left but `left` names. */
static void assert_refused(const char *name, bool replace, enum vd_code code, const char *word, int left)
{
    struct vd_stage stage;
    struct vd_err err = {0};
    create(&stage, "new");
    assert_int_equal(vd_stage_commit(&stage, name, replace, &err), -1);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, word))
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
    vd_stage_drop(&stage);
    assert_int_equal(folder_count(folder), left);
}

static void commits(void **state)
{
    struct vd_stage stage;
    struct vd_err err = {0};
    struct stat st;
    (void)state;
    umask(027);
    create(&stage, "new");
    assert_int_equal(vd_stage_commit(&stage, "a \"name\"\n.mp4", false, &err), 0);
    umask(022);
    assert_int_equal(stage.fd, -1);
    assert_int_equal(stage.dir, -1);
    assert_int_equal(folder_count(folder), 1);
    assert_file("a \"name\"\n.mp4", "new");
    assert_int_equal(stat(in_folder("a \"name\"\n.mp4"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_nlink, 1);
    vd_stage_drop(&stage); /* of an empty one */
}

static void drops(void **state)
{
    struct vd_stage stage, none = VD_STAGE_NONE;
    (void)state;
    create(&stage, "new");
    vd_stage_drop(&stage);
    vd_stage_drop(&stage);
    vd_stage_drop(&none);
    assert_int_equal(folder_count(folder), 0);
}

static void taken(void **state)
{
    (void)state;
    put_file("out.mp4", "old");
    assert_refused("out.mp4", false, VD_NO_OUTPUT, "--overwrite", 1);
    assert_file("out.mp4", "old");
    assert_int_equal(symlink("nowhere", in_folder("link.mp4")), 0);
    assert_refused("link.mp4", false, VD_NO_OUTPUT, "exists", 2);
}

static void replaces(void **state)
{
    struct vd_stage stage;
    struct vd_err err = {0};
    (void)state;
    put_file("out.mp4", "old");
    create(&stage, "new");
    assert_int_equal(vd_stage_commit(&stage, "out.mp4", true, &err), 0);
    assert_file("out.mp4", "new");
    assert_int_equal(folder_count(folder), 1);
    create(&stage, "first");
    assert_int_equal(vd_stage_commit(&stage, "other.mp4", true, &err), 0);
    assert_file("other.mp4", "first");
    assert_int_equal(folder_count(folder), 2);
}

static void refuses_folders(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_folder("out.mp4"), 0777), 0);
    assert_refused("out.mp4", false, VD_NO_OUTPUT, "out.mp4", 1);
    assert_refused("out.mp4", true, VD_NO_OUTPUT, "folder", 1);
}

static void refuses_long_names(void **state)
{
    char name[300];
    (void)state;
    memset(name, 'n', sizeof name);
    name[256] = '\0';
    assert_refused(name, false, VD_NO_OUTPUT, "too long", 0);
    assert_refused(name, true, VD_NO_OUTPUT, "too long", 0);
}

/* Of the file, then of the folder: neither leaves anything behind that looks whole. */
static void failed_fsync_is_final(void **state)
{
    (void)state;
    for (int n = 1; n <= 2; n++) {
        failing_fsync = n;
        assert_refused("out.mp4", false, VD_IO, "disk", 0);
    }
    put_file("out.mp4", "old");
    failing_fsync = 1;
    assert_refused("out.mp4", true, VD_IO, "disk", 1);
    assert_file("out.mp4", "old");
}

static void bad_folders(void **state)
{
    struct vd_stage stage;
    struct vd_err err = {0};
    (void)state;
    put_file("file", "");
    assert_int_equal(vd_stage_create(&stage, in_folder("nowhere"), "job", &err), -1);
    assert_int_equal(err.code, VD_NO_OUTPUT);
    assert_int_equal(vd_stage_create(&stage, in_folder("file"), "job", &err), -1);
    assert_int_equal(err.code, VD_NO_OUTPUT);
    assert_int_equal(vd_stage_create(&stage, "/proc", "job", &err), -1);
    assert_int_equal(err.code, VD_NO_OUTPUT);
    vd_stage_drop(&stage);
}

static void folder_vanishes(void **state)
{
    struct vd_stage stage;
    struct vd_err err = {0};
    (void)state;
    create(&stage, "new");
    folder_drop(folder);
    assert_int_equal(vd_stage_commit(&stage, "out.mp4", false, &err), -1);
    assert_int_equal(err.code, VD_NO_OUTPUT);
    vd_stage_drop(&stage);
    assert_int_equal(access(folder, F_OK), -1);
    assert_int_equal(mkdir(folder, 0777), 0);
}

/* It is the folder that counts, not its name. */
static void folder_moves(void **state)
{
    struct vd_stage stage;
    struct vd_err err = {0};
    char moved[64];
    (void)state;
    snprintf(moved, sizeof moved, "%s.moved", folder);
    create(&stage, "new");
    assert_int_equal(rename(folder, moved), 0);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(vd_stage_commit(&stage, "out.mp4", false, &err), 0);
    assert_int_equal(folder_count(folder), 0);
    assert_int_equal(folder_count(moved), 1);
    folder_drop(moved);
}

/* Killed between any two steps, there is no file under the final name, or the whole one. */
static void killed(void **state)
{
    (void)state;
    for (int round = 0; round < 60; round++) {
        int ready[2];
        char byte;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        if (child == 0) {
            struct vd_stage stage;
            static char text[1 << 20];
            memset(text, 'x', sizeof text);
            if (vd_stage_create(&stage, folder, "job", NULL) < 0)
                _exit(1);
            for (int i = 0; i < 4; i++)
                if (write(stage.fd, text, sizeof text) != (ssize_t)sizeof text ||
                    (i == 1 && write(ready[1], "", 1) != 1))
                    _exit(1);
            _exit(vd_stage_commit(&stage, "out.mp4", round % 2, NULL) < 0);
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        close(ready[0]);
        usleep((useconds_t)round * 150);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        struct stat st;
        if (stat(in_folder("out.mp4"), &st) == 0)
            assert_int_equal(st.st_size, 4 << 20);
        unlink(in_folder("out.mp4"));
    }
}

/* Two at once for one name: one wins, the other is told. */
static void races(void **state)
{
    struct vd_stage first, second;
    struct vd_err err = {0};
    (void)state;
    create(&first, "first");
    create(&second, "second");
    assert_int_equal(vd_stage_commit(&second, "out.mp4", false, &err), 0);
    assert_int_equal(vd_stage_commit(&first, "out.mp4", false, &err), -1);
    assert_int_equal(err.code, VD_NO_OUTPUT);
    vd_stage_drop(&first);
    assert_file("out.mp4", "second");
    assert_int_equal(folder_count(folder), 1);
}

/* Runs in a process with a mount namespace of its own. Returns the exit status: 77 when that cannot be had. */
static int on_full_disk(void)
{
    struct vd_stage stage;
    struct vd_err err = {0};
    char block[4096] = "";
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", folder, "tmpfs", 0, "size=64k") < 0)
        return 77;
    if (vd_stage_create(&stage, folder, "job", &err) < 0)
        return 1;
    ssize_t wrote;
    while ((wrote = write(stage.fd, block, sizeof block)) == (ssize_t)sizeof block)
        ;
    if (wrote >= 0 || errno != ENOSPC)
        return 2;
    vd_stage_drop(&stage);
    return folder_count(folder) == 0 ? 0 : 3;
}

static void full_disk(void **state)
{
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0)
        _exit(on_full_disk());
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("a tiny disk cannot be mounted here: skipped\n");
        skip();
    }
    assert_int_equal(status, 0);
}

static void inputs(void **state)
{
    struct vd_err err = {0};
    struct stat st;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    static char longer[5000];
    (void)state;
    memset(longer, 'n', sizeof longer - 1);
    put_file("empty", "");
    put_file("good", "12345");
    assert_int_equal(mkfifo(in_folder("fifo"), 0666), 0);
    assert_int_equal(symlink("good", in_folder("link")), 0);
    assert_int_equal(symlink("loop", in_folder("loop")), 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", in_folder("socket"));
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    close(listener);
    const struct {
        const char *path;
        enum vd_code code;
    } rows[] = {{in_folder("nothing"), VD_NO_INPUT},
                {"", VD_NO_INPUT},
                {longer, VD_NO_INPUT},
                {folder, VD_INPUT},
                {"/dev/zero", VD_INPUT},
                {"/dev/tty", VD_INPUT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = vd_input_open(rows[i].path, &st, &err);
        assert_int_equal(fd, -1);
        if (strcmp(rows[i].path, "/dev/tty")) /* there may be none */
            assert_int_equal(err.code, rows[i].code);
    }
    static const char *const unfit[] = {"empty", "fifo", "loop", "socket"};
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++) {
        assert_int_equal(vd_input_open(in_folder(unfit[i]), &st, &err), -1);
        assert_int_equal(err.code, VD_INPUT);
    }
    assert_int_equal(vd_input_open(in_folder("good/more"), &st, &err), -1);
    assert_int_equal(err.code, VD_NO_INPUT);
    int fd = vd_input_open(in_folder("link"), &st, &err);
    assert_true(fd >= 0);
    assert_int_equal(st.st_size, 5);
    assert_true(vd_input_unchanged(fd, &st));
    put_file("good", "123456");
    assert_false(vd_input_unchanged(fd, &st));
    close(fd);
}

static void assert_digest(const char *name, const char *text, const char *digest)
{
    char got[VD_DIGEST_TEXT];
    struct vd_err err = {0};
    put_file(name, text);
    int fd = open(in_folder(name), O_RDONLY);
    assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
    struct vd_digest_watch watch = {0};
    assert_int_equal(vd_digest_fd(fd, &watch, got, &err), 0);
    assert_int_equal(watch.bytes, strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
    assert_string_equal(got, digest);
    close(fd);
}

/* Against the published value of no bytes, and xxhash's own function for the whole at once. */
static void digests(void **state)
{
    enum { LONG = 1000003 };
    char digest[VD_DIGEST_TEXT], *text = calloc(1, LONG + 1);
    struct vd_err err = {0};
    (void)state;
    assert_digest("none", "", "xxh3-128:99aa06d3014798d86001c324468d497f");
    for (int i = 0; i < LONG; i++)
        text[i] = (char)('a' + i % 23);
    XXH128_hash_t hash = XXH3_128bits(text, LONG);
    snprintf(digest, sizeof digest, "xxh3-128:%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
    assert_digest("long", text, digest);
    free(text);
    struct vd_digest_watch watch = {0}, stopped = {.stop = true};
    assert_int_equal(vd_digest_fd(-1, &watch, digest, &err), -1);
    assert_int_equal(err.code, VD_IO);
    int fd = open(in_folder("long"), O_RDONLY);
    assert_int_equal(vd_digest_fd(fd, &stopped, digest, &err), -1);
    assert_int_equal(err.code, VD_AGAIN);
    close(fd);
}

#define NEW_AND_OLD(test)                                                                                              \
    {#test " (no name while it grows)", test, make_new, drop, NULL},                                                   \
    {                                                                                                                  \
#test " (old file system)", test, make_old, drop, NULL                                                         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        NEW_AND_OLD(commits),
        NEW_AND_OLD(drops),
        NEW_AND_OLD(taken),
        NEW_AND_OLD(replaces),
        NEW_AND_OLD(refuses_folders),
        NEW_AND_OLD(refuses_long_names),
        NEW_AND_OLD(failed_fsync_is_final),
        NEW_AND_OLD(bad_folders),
        NEW_AND_OLD(folder_vanishes),
        NEW_AND_OLD(folder_moves),
        NEW_AND_OLD(killed),
        NEW_AND_OLD(races),
        NEW_AND_OLD(full_disk),
        cmocka_unit_test_setup_teardown(inputs, make_new, drop),
        cmocka_unit_test_setup_teardown(digests, make_new, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
