/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A recording leaves when its job is over: whole, once, and in nobody's place. Most tests run three times: by rename,
 * by a second name (a file system without RENAME_NOREPLACE), and to another file system.
 */
#include "across.h"

#include "vidriera/archive.h"

#include "names.h"

static const char path[] = "abc/x.mp4", text[] = "the recording";

static enum vd_archived archive(const json_t *made)
{
    struct vd_err err = {0};
    enum vd_archived ret = vd_archive(&roots, made, &err);
    assert_int_equal(ret == VD_ARCHIVE_CANNOT || ret == VD_ARCHIVE_LATER, err.code != VD_OK);
    return ret;
}

static void moves(void **state)
{
    struct stat before, after;
    (void)state;
    put("recordings/abc/x.mp4", text);
    assert_int_equal(chmod(at("recordings/abc/x.mp4"), 0640), 0);
    json_t *made = document_of(path, "completed");
    assert_int_equal(stat(at("recordings/abc/x.mp4"), &before), 0);
    int descriptors = open_descriptors();
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    assert_int_equal(open_descriptors(), descriptors);
    assert_text("archived/abc/x.mp4", text);
    assert_int_equal(stat(at("archived/abc/x.mp4"), &after), 0);
    assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_int_equal(after.st_nlink, 1);
    assert_int_equal(count("recordings/abc"), 0);
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED); /* again, after a crash */
    assert_int_equal(count("archived/abc"), 1);
    assert_int_equal(unlink(at("archived/abc/x.mp4")), 0);
    assert_int_equal(archive(made), VD_ARCHIVE_GONE);
    json_decref(made);
}

static void failed_ones_get_a_reason(void **state)
{
    json_error_t why;
    (void)state;
    put("recordings/abc/x.mp4", text);
    json_t *made = document_of(path, "failed");
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    assert_text("failed/abc/x.mp4", text);
    json_t *reason = json_load_file(at("failed/abc/x.mp4.reason.json"), 0, &why);
    assert_true(json_equal(reason, made));
    json_decref(reason);
    assert_int_equal(unlink(at("failed/abc/x.mp4.reason.json")), 0); /* a crash before it was written */
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    assert_true(exists("failed/abc/x.mp4.reason.json"));
    assert_int_equal(count("failed/abc"), 2);
    assert_false(exists("archived/abc"));
    json_decref(made);
}

static void taken_names_stay(void **state)
{
    (void)state;
    put("archived/abc/x.mp4", "first");
    put("archived/abc/x.2.mp4", "second");
    put("recordings/abc/x.mp4", text);
    put("failed/abc/y.mp4.reason.json", "{}");
    put("recordings/abc/y.mp4", text);
    json_t *made = document_of(path, "completed");
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
    assert_text("archived/abc/x.mp4", "first");
    assert_text("archived/abc/x.2.mp4", "second");
    assert_text("archived/abc/x.3.mp4", text);
    made = document_of("abc/y.mp4", "failed");
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
    assert_text("failed/abc/y.mp4.reason.json", "{}");
    assert_text("failed/abc/y.mp4", text);
}

static void changed_ones_stay(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    json_t *made = document_of(path, "completed");
    put("recordings/abc/x.mp4", "the recording, and more");
    assert_int_equal(archive(made), VD_ARCHIVE_CHANGED);
    assert_int_equal(rename(at("recordings/abc/x.mp4"), at("kept")), 0);
    put("recordings/abc/x.mp4", text);
    assert_int_equal(archive(made), VD_ARCHIVE_CHANGED);
    assert_int_equal(unlink(at("recordings/abc/x.mp4")), 0);
    assert_int_equal(symlink(at("kept"), at("recordings/abc/x.mp4")), 0);
    assert_int_equal(archive(made), VD_ARCHIVE_CHANGED);
    assert_int_equal(unlink(at("recordings/abc/x.mp4")), 0);
    assert_int_equal(mkfifo(at("recordings/abc/x.mp4"), 0666), 0);
    assert_int_equal(archive(made), VD_ARCHIVE_CHANGED);
    assert_int_equal(unlink(at("recordings/abc/x.mp4")) | rmdir(at("recordings/abc")), 0);
    assert_int_equal(archive(made), VD_ARCHIVE_GONE);
    assert_false(exists("archived/abc"));
    json_decref(made);
}

static void the_session_follows_its_last(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    put("recordings/abc/y.MKV", text);
    put("recordings/abc/metadata.json", "{}");
    put("recordings/abc/.vidriera-final", "");
    put("recordings/abc/notes.txt", "notes");
    put("recordings/abc/.x.mp4", "hidden");
    put("archived/abc/metadata.json", "another");
    json_t *made = document_of(path, "completed");
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
    assert_true(exists("recordings/abc/metadata.json"));
    assert_true(exists("recordings/abc/.vidriera-final"));
    made = document_of("abc/y.MKV", "completed");
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    assert_int_equal(count("recordings/abc"), 2);
    assert_text("archived/abc/metadata.json", "another");
    assert_text("archived/abc/metadata.2.json", "{}");
    assert_true(exists("archived/abc/.vidriera-final"));
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
}

static void the_root_has_no_session(void **state)
{
    (void)state;
    put("recordings/x.mp4", text);
    put("recordings/metadata.json", "{}");
    json_t *made = document_of("x.mp4", "completed");
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
    assert_text("archived/x.mp4", text);
    assert_true(exists("recordings/metadata.json"));
}

static void long_names(void **state)
{
    char name[300] = "abc/", whole[320];
    (void)state;
    memset(name + 4, 'n', 251);
    strcpy(name + 4 + 251, ".mp4"); /* 255 bytes */
    snprintf(whole, sizeof whole, "recordings/%s", name);
    put(whole, text);
    snprintf(whole, sizeof whole, "failed/%s", name);
    put(whole, "first");
    json_t *made = document_of(name, "failed");
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
    assert_text(whole, "first");
    assert_int_equal(count("failed/abc"), 3);
    assert_int_equal(count_like("failed/abc", ".2.mp4"), 1);
    assert_int_equal(count_like("failed/abc", ".reason.json"), 1);
    assert_int_equal(count("recordings/abc"), 0);
}

static void not_to_be_moved(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    json_t *made = document_of(path, "completed"), *where = json_object_get(made, "input");
    json_object_set_new(where, "path", json_null());
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_object_set_new(where, "path", json_string(path));
    json_object_set_new(where, "root", json_string("processed"));
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_object_set_new(where, "root", json_string("archived"));
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
    assert_text("recordings/abc/x.mp4", text);
    assert_int_equal(count("archived"), 1);
}

static void away(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    json_t *made = document_of(path, "completed");
    assert_int_equal(rename(at("archived/.vidriera-root"), at("kept")), 0);
    assert_int_equal(archive(made), VD_ARCHIVE_LATER);
    assert_int_equal(rename(at("kept"), at("archived/.vidriera-root")), 0);
    assert_int_equal(rename(at("recordings/.vidriera-root"), at("kept")), 0);
    assert_int_equal(archive(made), VD_ARCHIVE_LATER); /* and not: it is gone */
    assert_int_equal(rename(at("kept"), at("recordings/.vidriera-root")), 0);
    assert_text("recordings/abc/x.mp4", text);
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
}

/* The original's name goes when the other is on disk (f: file, d: folder, n: a name, u: one less). */
static void order_on_disk(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    put("archived/abc/y.mp4", text);
    json_t *made = document_of(path, "completed");
    memset(fault.did, 0, sizeof fault.did);
    assert_int_equal(archive(made), VD_ARCHIVE_MOVED);
    json_decref(made);
    assert_string_equal(fault.did, elsewhere[0] ? "nfndud" : fault.old ? "ndud" : "ndd");
}

static json_t *doomed;

static void archive_first(void)
{
    (void)vd_archive(&roots, doomed, NULL);
}

static void prepare(void)
{
    static const char *const left[] = {"failed/abc/x.mp4", "failed/abc/x.mp4.reason.json", "failed/abc/metadata.json",
                                       "failed/abc/.vidriera-final"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        unlink(at(left[i]));
    put("recordings/abc/x.mp4", text);
    put("recordings/abc/metadata.json", "{}");
    put("recordings/abc/.vidriera-final", "");
    json_decref(doomed);
    doomed = document_of(path, "failed");
}

/* At every moment there is a whole recording under one of its two names. */
static void assert_not_lost(void)
{
    if (exists("failed/abc/x.mp4"))
        assert_text("failed/abc/x.mp4", text);
    else
        assert_text("recordings/abc/x.mp4", text);
}

static void assert_archived(void)
{
    assert_text("failed/abc/x.mp4", text);
    assert_true(exists("failed/abc/x.mp4.reason.json"));
    assert_true(exists("failed/abc/metadata.json"));
    assert_true(exists("failed/abc/.vidriera-final"));
    assert_int_equal(count("failed/abc") - count_like("failed/abc", ".part"), 4);
    assert_int_equal(count("recordings/abc"), 0);
}

static void killed_anywhere(void **state)
{
    int n = 1;
    (void)state;
    prepare();
    for (; fault_kills(n, archive_first); n++) {
        assert_not_lost();
        for (int m = 1; m < 40; m += 5)
            (void)fault_kills(m, archive_first);
        assert_not_lost();
        assert_int_equal(archive(doomed), VD_ARCHIVE_MOVED);
        assert_archived();
        prepare();
    }
    assert_true(n > 8);
    assert_archived();
    json_decref(doomed);
    doomed = NULL;
}

static void every_call_fails(void **state)
{
    static const int causes[] = {EIO, ENOSPC};
    (void)state;
    for (size_t c = 0; c < sizeof causes / sizeof *causes; c++)
        for (int n = 1;; n++) {
            prepare();
            int before = open_descriptors();
            fault_arm(n, causes[c]);
            enum vd_archived ret = archive(doomed);
            bool met = fault_disarm();
            assert_int_equal(open_descriptors(), before);
            assert_true(ret == VD_ARCHIVE_MOVED || ret == VD_ARCHIVE_LATER);
            assert_not_lost();
            assert_int_equal(archive(doomed), VD_ARCHIVE_MOVED);
            assert_archived();
            if (!met)
                break;
        }
    json_decref(doomed);
    doomed = NULL;
}

static int archive_as_nobody(void)
{
    struct vd_err err = {0};
    char command[300];
    enum vd_archived ret = vd_archive(&roots, doomed, &err);
    snprintf(command, sizeof command, "run as root: setfacl -m u:65534:rwx '%s'", at("recordings/it'\\''s"));
    if (ret != VD_ARCHIVE_CANNOT)
        return 1;
    return strstr(err.text, command) && !strncmp(err.text, "recordings/it's/x.mp4", 21) ? 0 : 2;
}

static int archive_as_nobody_sticky(void)
{
    struct vd_err err = {0};
    return vd_archive(&roots, doomed, &err) == VD_ARCHIVE_CANNOT && strstr(err.text, "chmod -t") ? 0 : 1;
}

static int archive_as_nobody_closed(void)
{
    struct vd_err err = {0};
    return vd_archive(&roots, doomed, &err) == VD_ARCHIVE_CANNOT && strstr(err.text, "setfacl -m u:65534:rx") ? 0 : 1;
}

static int archive_as_nobody_allowed(void)
{
    return vd_archive(&roots, doomed, NULL) == VD_ARCHIVE_MOVED ? 0 : 1;
}

/* Jibri's folder: 0755, another user's. */
static void folder_of_another_user(void **state)
{
    static const char *const ours[] = {"processed", "archived", "failed", ".vidriera", ".vidriera/roots"};
    (void)state;
    if (!as_root())
        skip();
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        assert_int_equal(chown(at(ours[i]), 65534, 65534), 0);
    for (int i = 0; i < VD_ROOTS; i++) {
        char name[64];
        snprintf(name, sizeof name, ".vidriera/roots/%s", vd_root_name((enum vd_root)i));
        assert_int_equal(chown(at(name), 65534, 65534), 0);
    }
    put("recordings/it's/x.mp4", text);
    doomed = document_of("it's/x.mp4", "completed");
    assert_int_equal(as_nobody(archive_as_nobody), 0);
    assert_int_equal(count("archived"), 1); /* not even an empty folder */
    assert_int_equal(chmod(at("recordings/it's"), 01777), 0);
    assert_int_equal(as_nobody(archive_as_nobody_sticky), 0);
    assert_int_equal(chmod(at("recordings/it's"), 0700), 0);
    assert_int_equal(as_nobody(archive_as_nobody_closed), 0);
    assert_text("recordings/it's/x.mp4", text);
    assert_int_equal(chmod(at("recordings/it's"), 0777), 0);
    assert_int_equal(as_nobody(archive_as_nobody_allowed), 0);
    assert_text("archived/it's/x.mp4", text);
    json_decref(doomed);
    doomed = NULL;
}

/* What the user is told to run means that very folder, whoever named it. */
static void commands_survive_a_shell(void **state)
{
    static const char *const folders[] = {"plain", "it's",    "a b;rm -rf $HOME `x` \"y\" \\", "two\nlines", "é\t'\\x",
                                          "-",     "\xc2\x85"};
    const struct vd_roots none = VD_ROOTS_NONE;
    char mend[VD_MEND], got[200], whole[VD_MEND + 32], longer[400];
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct vd_err err;
        vd_fail(&err, VD_IO, "archive", "%s", vd_mend(mend, &none, "printf %s", "/top", folders[i]));
        assert_int_equal(strncmp(err.text, "run as root: ", 13), 0);
        assert_int_equal(setenv("SHOWN", err.text + 13, 1), 0);
        snprintf(whole, sizeof whole, "bash -c \"$SHOWN\"");
        FILE *shell = popen(whole, "r");
        assert_non_null(shell);
        got[fread(got, 1, sizeof got - 1, shell)] = '\0';
        pclose(shell);
        assert_int_equal(strncmp(got, "/top/", 5), 0);
        assert_string_equal(got + 5, folders[i]);
    }
    memset(longer, '\'', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(strchr(vd_mend(mend, &none, "printf %s", "/top", longer), '\'')); /* none, rather than half of one */
}

/* In a container it sees other paths than whoever runs the command. */
static void commands_are_for_the_host(void **state)
{
    struct vd_roots inside = {.data = "/data", .on_host = "/srv/it's", .state = -1};
    char mend[VD_MEND];
    (void)state;
    assert_string_equal(vd_mend(mend, &inside, "c", "/data/recordings", "a b"),
                        "run as root: c '/srv/it'\\''s/recordings/a b'");
    assert_string_equal(vd_mend(mend, &inside, "c", "/data", ""), "run as root: c '/srv/it'\\''s'");
    assert_string_equal(vd_mend(mend, &inside, "c", "/database", "x"), "run as root: c '/database/x'");
    inside.on_host = "./data";
    assert_string_equal(vd_mend(mend, &inside, "c", "/data/failed", ""),
                        "run as root, where docker-compose.yml is: c './data/failed'");
    assert_string_equal(vd_mend(mend, &inside, "c", "/elsewhere", ""), "run as root: c '/elsewhere'");
    inside.on_host = "~/.jitsi-meet-cfg/storage";
    assert_string_equal(vd_mend(mend, &inside, "c", "/data/recordings", "a b"),
                        "run as root, by sudo: c ~/'.jitsi-meet-cfg/storage/recordings/a b'");
}

static void second_file_system(void **state)
{
    make_across(state);
    bool there = elsewhere[0];
    drop_across(state);
    if (!there) {
        print_message("/dev/shm is no file system of its own here: what is called across is not: skipped\n");
        skip();
    }
}

static void media_names(void **state)
{
    static const char *const good[] = {"x.mp4", "x.MKV", "a.b.webm", "x.ts"};
    static const char *const bad[] = {"x", "mp4", ".mp4", ".x.mp4", "x.mp4.part", "x.mp4.json", "metadata.json", "x."};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(vd_is_media_name(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(vd_is_media_name(bad[i]));
}

#define ALL(test)                                                                                                      \
    cmocka_unit_test_setup_teardown(test, tree_make, tree_drop),                                                       \
        {#test ", old file system", test, tree_make_old, tree_drop, NULL},                                             \
    {                                                                                                                  \
#test ", across", test, make_across, drop_across, NULL                                                         \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(moves),
        ALL(failed_ones_get_a_reason),
        ALL(taken_names_stay),
        ALL(changed_ones_stay),
        ALL(the_session_follows_its_last),
        ALL(the_root_has_no_session),
        ALL(long_names),
        ALL(not_to_be_moved),
        ALL(order_on_disk),
        ALL(killed_anywhere),
        ALL(every_call_fails),
        cmocka_unit_test_setup_teardown(away, tree_make, tree_drop),
        ALL(folder_of_another_user),
        cmocka_unit_test(commands_survive_a_shell),
        cmocka_unit_test(commands_are_for_the_host),
        cmocka_unit_test(second_file_system),
        cmocka_unit_test(media_names),
    };
    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}
