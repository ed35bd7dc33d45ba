/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A failed recording comes back to where it was, whole, once, and in nobody's place. As in test_archive.c most tests run
 * three times: by rename, by a second name, and from another file system.
 */
#include "across.h"

#include "vidriera/archive.h"

static const char path[] = "abc/x.mp4", text[] = "the recording";
static json_t *document;

static enum vd_archived restore(void)
{
    struct vd_err err = {0};
    enum vd_archived ret = vd_restore(&roots, document, &err);
    assert_int_equal(ret == VD_ARCHIVE_CANNOT || ret == VD_ARCHIVE_LATER, err.code != VD_OK);
    return ret;
}

static void forget_document(void)
{
    json_decref(document);
    document = NULL;
}

static void archive(const char *name)
{
    forget_document();
    document = document_of(name, "failed");
    assert_int_equal(vd_archive(&roots, document, NULL), VD_ARCHIVE_MOVED);
}

static int end(void **state)
{
    forget_document();
    return elsewhere[0] ? drop_across(state) : tree_drop(state);
}

static void comes_back(void **state)
{
    struct stat before, after;
    (void)state;
    put("recordings/abc/x.mp4", text);
    put("recordings/abc/metadata.json", "{}");
    put("recordings/abc/.vidriera-final", "");
    assert_int_equal(chmod(at("recordings/abc/x.mp4"), 0640), 0);
    assert_int_equal(stat(at("recordings/abc/x.mp4"), &before), 0);
    archive(path);
    assert_int_equal(rmdir(at("recordings/abc")), 0);
    int descriptors = open_descriptors();
    assert_int_equal(restore(), VD_ARCHIVE_MOVED);
    assert_int_equal(open_descriptors(), descriptors);
    assert_text("recordings/abc/x.mp4", text);
    assert_int_equal(stat(at("recordings/abc/x.mp4"), &after), 0);
    assert_int_equal(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    assert_int_equal(after.st_mode, before.st_mode);
    assert_true(exists("recordings/abc/metadata.json"));
    assert_true(exists("recordings/abc/.vidriera-final"));
    assert_int_equal(count("failed/abc"), 0);
    assert_int_equal(restore(), VD_ARCHIVE_MOVED); /* again, after a crash */
    assert_int_equal(count("recordings/abc"), 3);
}

/* It got another name there; the one that has its name is another's. */
static void under_another_name(void **state)
{
    (void)state;
    put("failed/abc/x.mp4", "first");
    put("failed/abc/x.mp4.reason.json", "{}");
    put("recordings/abc/x.mp4", text);
    archive(path);
    assert_text("failed/abc/x.2.mp4", text);
    assert_true(exists("failed/abc/x.2.mp4.reason.json"));
    assert_int_equal(restore(), VD_ARCHIVE_MOVED);
    assert_text("recordings/abc/x.mp4", text);
    assert_text("failed/abc/x.mp4", "first");
    assert_text("failed/abc/x.mp4.reason.json", "{}");
    assert_int_equal(count("failed/abc"), 2);
    assert_int_equal(count("recordings/abc"), 1);
}

static void its_place_is_taken(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    archive(path);
    put("recordings/abc/x.mp4", "another");
    assert_int_equal(restore(), VD_ARCHIVE_CHANGED);
    assert_text("recordings/abc/x.mp4", "another");
    assert_text("failed/abc/x.mp4", text);
    assert_true(exists("failed/abc/x.mp4.reason.json"));
    assert_int_equal(count("recordings/abc"), 1);
    assert_int_equal(unlink(at("recordings/abc/x.mp4")) | rmdir(at("recordings/abc")), 0);
    put("recordings/abc", "a file");
    assert_int_equal(vd_restore(&roots, document, NULL), VD_ARCHIVE_CHANGED);
    assert_text("failed/abc/x.mp4", text);
}

/* Somebody has copied it back already, with its time; or what only looks so. */
static void by_hand(void **state)
{
    static const char *const copies[] = {"the recording", "THE RECORDING"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct stat st;
        unlink(at("failed/abc/x.mp4"));
        put("recordings/abc/x.mp4", text);
        archive(path);
        assert_int_equal(stat(at("failed/abc/x.mp4"), &st), 0);
        put("recordings/abc/x.mp4", copies[i]);
        const struct timespec times[] = {st.st_mtim, st.st_mtim};
        assert_int_equal(utimensat(AT_FDCWD, at("recordings/abc/x.mp4"), times, 0), 0);
        assert_int_equal(restore(), i ? VD_ARCHIVE_CHANGED : VD_ARCHIVE_MOVED);
        assert_text("recordings/abc/x.mp4", copies[i]);
        assert_int_equal(exists("failed/abc/x.mp4"), i);
        assert_int_equal(count("recordings/abc"), 1);
    }
}

static void not_that_file(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    archive(path);
    put("failed/abc/x.mp4", "written to since");
    assert_int_equal(restore(), VD_ARCHIVE_GONE);
    assert_text("failed/abc/x.mp4", "written to since");
    assert_int_equal(unlink(at("failed/abc/x.mp4")), 0);
    assert_int_equal(symlink(at("kept"), at("failed/abc/x.mp4")), 0);
    assert_int_equal(restore(), VD_ARCHIVE_GONE);
    assert_int_equal(count("recordings/abc"), 0);
}

/* It was never moved: nothing is done, and nothing is made. */
static void never_away(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    document = document_of(path, "failed");
    assert_int_equal(restore(), VD_ARCHIVE_MOVED);
    assert_text("recordings/abc/x.mp4", text);
    assert_int_equal(unlink(at("recordings/abc/x.mp4")) | rmdir(at("recordings/abc")), 0);
    assert_int_equal(restore(), VD_ARCHIVE_GONE);
    assert_false(exists("recordings/abc"));
    json_object_set_new(json_object_get(document, "input"), "root", json_string("failed"));
    assert_int_equal(restore(), VD_ARCHIVE_MOVED);
    json_object_set_new(json_object_get(document, "input"), "path", json_null());
    assert_int_equal(restore(), VD_ARCHIVE_MOVED);
}

static void others_stay(void **state)
{
    (void)state;
    put("recordings/abc/y.mp4", "the other");
    put("recordings/abc/x.mp4", text);
    archive("abc/y.mp4");
    put("recordings/abc/metadata.json", "{}");
    archive(path);
    assert_true(exists("failed/abc/metadata.json"));
    assert_int_equal(restore(), VD_ARCHIVE_MOVED);
    assert_text("recordings/abc/x.mp4", text);
    assert_text("failed/abc/y.mp4", "the other");
    assert_true(exists("failed/abc/y.mp4.reason.json"));
    assert_true(exists("failed/abc/metadata.json")); /* of what is left there */
    assert_int_equal(count("recordings/abc"), 1);
}

static void away(void **state)
{
    (void)state;
    put("recordings/abc/x.mp4", text);
    archive(path);
    static const char *const markers[][2] = {{"failed/.vidriera-root", "failed/kept"},
                                             {"recordings/.vidriera-root", "recordings/kept"}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rename(at(markers[i][0]), at(markers[i][1])), 0);
        assert_int_equal(restore(), VD_ARCHIVE_LATER);
        assert_int_equal(rename(at(markers[i][1]), at(markers[i][0])), 0);
    }
    assert_text("failed/abc/x.mp4", text);
    assert_int_equal(restore(), VD_ARCHIVE_MOVED);
}

static void restore_first(void)
{
    (void)vd_restore(&roots, document, NULL);
}

static void prepare(void)
{
    static const char *const left[] = {"failed/abc/x.mp4", "failed/abc/x.mp4.reason.json", "failed/abc/metadata.json",
                                       "recordings/abc/metadata.json"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        unlink(at(left[i]));
    put("recordings/abc/x.mp4", text);
    put("recordings/abc/metadata.json", "{}");
    archive(path);
}

static void assert_not_lost(void)
{
    if (exists("recordings/abc/x.mp4"))
        assert_text("recordings/abc/x.mp4", text);
    else
        assert_text("failed/abc/x.mp4", text);
}

static void assert_restored(void)
{
    assert_text("recordings/abc/x.mp4", text);
    assert_true(exists("recordings/abc/metadata.json"));
    assert_int_equal(count("recordings/abc") - count_like("recordings/abc", ".part"), 2);
    assert_int_equal(count("failed/abc"), 0);
}

static void killed_anywhere(void **state)
{
    int n = 1;
    (void)state;
    prepare();
    for (; fault_kills(n, restore_first); n++) {
        assert_not_lost();
        for (int m = 1; m < 40; m += 5)
            (void)fault_kills(m, restore_first);
        assert_not_lost();
        assert_int_equal(restore(), VD_ARCHIVE_MOVED);
        assert_restored();
        prepare();
    }
    assert_true(n > 8);
    assert_restored();
}

/* Killed, then archived once more by whoever cleans up, then restored: nothing is lost, nothing is there twice. */
static void killed_and_archived_again(void **state)
{
    (void)state;
    prepare();
    for (int n = 1; fault_kills(n, restore_first); n++) {
        enum vd_archived again = vd_archive(&roots, document, NULL);
        assert_true(again == VD_ARCHIVE_MOVED || again == VD_ARCHIVE_CHANGED); /* a copy is another file */
        assert_not_lost();
        assert_int_equal(restore(), VD_ARCHIVE_MOVED);
        assert_restored();
        prepare();
    }
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
            enum vd_archived ret = restore();
            bool met = fault_disarm();
            assert_int_equal(open_descriptors(), before);
            assert_true(ret == VD_ARCHIVE_MOVED || ret == VD_ARCHIVE_LATER);
            assert_not_lost();
            assert_int_equal(restore(), VD_ARCHIVE_MOVED);
            assert_restored();
            if (!met)
                break;
        }
}

#define THRICE(test)                                                                                                   \
    cmocka_unit_test_setup_teardown(test, tree_make, end),                                                             \
        {#test ", old file system", test, tree_make_old, end, NULL},                                                   \
    {                                                                                                                  \
#test ", from another file system", test, make_across, end, NULL                                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        THRICE(comes_back),         THRICE(under_another_name),
        THRICE(its_place_is_taken), THRICE(by_hand),
        THRICE(not_that_file),      THRICE(never_away),
        THRICE(others_stay),        THRICE(away),
        THRICE(killed_anywhere),    THRICE(killed_and_archived_again),
        THRICE(every_call_fails),
    };
    return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
