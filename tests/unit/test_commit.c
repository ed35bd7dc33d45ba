/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Video and sidecar, whole or not at all: whatever fails, and wherever the process ends. Most tests run twice, the
 * second time as on a file system that knows neither O_TMPFILE nor RENAME_NOREPLACE.
 */
#include "tree.h"

#include "vidriera/commit.h"

#include <time.h>

static const char input[] = "abc/x.mp4", video[] = "the video", job_1[] = "job-1";

static json_t *document(const char *job, const char *path, const char *digest)
{
    json_t *made = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:{s:i, s:s}}", "job", job, "status", "completed",
                             "finished", "2024-01-01T00:00:00.000Z", "input", "root", "recordings", "path", path,
                             "output", "bytes", (int)strlen(video), "digest", digest);
    assert_non_null(made);
    return made;
}

/* A stage as the worker has it when the media work is done. */
static void stage_video(struct vd_stage *stage, const char *job, const char *text, char digest[VD_DIGEST_TEXT])
{
    struct vd_digest_watch watch = {0};
    struct vd_err err = {0};
    int folder = vd_folder_open(&roots, VD_PROCESSED, "abc", true, &err);
    if (folder < 0 || vd_stage_create_at(stage, folder, "processed/abc", job, &err) < 0)
        fail_msg("%s", err.text);
    close(folder);
    assert_int_equal(__real_write(stage->fd, text, strlen(text)), strlen(text));
    assert_int_equal(vd_digest_fd(stage->fd, &watch, digest, &err), 0);
}

static int commit_text(const char *job, const char *text, json_t **made, struct vd_err *err)
{
    struct vd_stage stage;
    struct vd_target target;
    char digest[VD_DIGEST_TEXT];
    int at_call = fault.at;
    fault.at = 0;
    stage_video(&stage, job, text, digest);
    vd_target_make(&target, input, "mp4");
    *made = document(job, input, digest);
    json_object_set_new(json_object_get(*made, "output"), "bytes", json_integer((json_int_t)strlen(text)));
    fault.at = at_call;
    int ret = vd_commit(&roots, &target, &stage, job, *made, err);
    assert_int_equal(stage.fd, -1);
    vd_stage_drop(&stage);
    return ret;
}

static void commit(const char *job, const char *text)
{
    struct vd_err err = {0};
    json_t *made;
    if (commit_text(job, text, &made, &err) < 0)
        fail_msg("%s", err.text);
    json_decref(made);
}

/* What is there of the job; its output's path. */
static int recover(const char *job, char path[64])
{
    json_t *found = NULL;
    struct vd_err err = {0};
    int ret = vd_commit_recover(&roots, input, job, &found, &err);
    if (ret < 0)
        fail_msg("%s", err.text);
    assert_int_equal(ret, found != NULL);
    if (found && path)
        snprintf(path, 64, "%s", json_string_value(json_object_get(json_object_get(found, "output"), "path")));
    json_decref(found);
    return ret;
}

static void names(void **state)
{
    static const struct {
        const char *path, *container, *folder, *name;
    } rows[] = {{"abc/x.mp4", "mp4", "abc", "x.mp4"},
                {"a/b/c.d.webm", "mkv", "a/b", "c.d.mkv"},
                {"x", "mp4", "", "x.mp4"},
                {"abc/.hidden", "mov", "abc", ".hidden.mov"}};
    struct vd_target target, other;
    char longest[300] = "abc/";
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        vd_target_make(&target, rows[i].path, rows[i].container);
        assert_string_equal(target.folder, rows[i].folder);
        assert_string_equal(target.name, rows[i].name);
        assert_false(target.shortened);
    }
    for (int i = 0; i < 125; i++)
        strcat(longest, "é");
    strcat(longest, "1.mp4");
    vd_target_make(&target, longest, "mp4");
    assert_true(target.shortened);
    assert_true(strlen(target.name) + strlen(".12345678.json") <= 255);
    json_t *utf8 = json_string(target.name); /* refuses what is not */
    assert_non_null(utf8);
    json_decref(utf8);
    longest[strlen(longest) - 5] = '2';
    vd_target_make(&other, longest, "mp4");
    assert_string_not_equal(target.name, other.name);
    vd_target_make(&target, longest, "mkv");
    assert_int_equal(strncmp(target.name, other.name, strlen(other.name) - 3), 0);
}

static void commits(void **state)
{
    char path[64], text[600] = "";
    struct stat st;
    (void)state;
    commit(job_1, video);
    assert_int_equal(count("processed/abc"), 2);
    assert_text("processed/abc/x.mp4", video);
    assert_int_equal(stat(at("processed/abc/x.mp4"), &st), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(st.st_mode & 07777, 0644);
    FILE *file = fopen(at("processed/abc/x.mp4.json"), "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(strncmp(text, "{\n  \"", 5), 0);
    assert_string_equal(text + strlen(text) - 2, "}\n");
    assert_non_null(strstr(text, "\"root\": \"processed\""));
    assert_int_equal(recover(job_1, path), 1);
    assert_string_equal(path, "abc/x.mp4");
    assert_int_equal(recover("job-2", NULL), 0);
    assert_int_equal(count("processed/abc"), 2);
}

static void nothing_is_there(void **state)
{
    json_t *found;
    (void)state;
    assert_int_equal(recover(job_1, NULL), 0);
    assert_int_equal(vd_commit_find(&roots, "recordings", input, &found, NULL), 0);
    assert_false(exists("processed/abc"));
}

/* Neither name of anybody else is touched. */
static void taken_names(void **state)
{
    char first[64], second[64], own[80];
    (void)state;
    put("processed/abc/x.mp4", "foreign");
    commit(job_1, video);
    assert_int_equal(recover(job_1, first), 1);
    assert_string_not_equal(first, "abc/x.mp4");
    assert_text("processed/abc/x.mp4", "foreign");
    assert_false(exists("processed/abc/x.mp4.json"));
    assert_int_equal(strlen(first), strlen("abc/x.12345678.mp4"));
    snprintf(own, sizeof own, "processed/%s", first);
    assert_text(own, video);

    assert_int_equal(unlink(at("processed/abc/x.mp4")), 0);
    put("processed/abc/x.mp4.json", "{}");
    commit("job-2", video);
    assert_int_equal(recover("job-2", second), 1);
    assert_string_not_equal(second, first);
    assert_text("processed/abc/x.mp4.json", "{}");
    assert_false(exists("processed/abc/x.mp4"));
    assert_int_equal(count("processed/abc"), 5);
}

/* The same bytes as another job's output are still that job's. */
static void same_bytes_of_another_job(void **state)
{
    char path[64];
    (void)state;
    commit("job-2", video);
    commit(job_1, video);
    assert_int_equal(recover(job_1, path), 1);
    assert_string_not_equal(path, "abc/x.mp4");
    assert_int_equal(recover("job-2", path), 1);
    assert_string_equal(path, "abc/x.mp4");
    assert_int_equal(count("processed/abc"), 4);
}

static void both_names_taken(void **state)
{
    struct vd_err err = {0};
    char path[64], own[80];
    json_t *made;
    (void)state;
    put("processed/abc/x.mp4", "foreign");
    commit(job_1, video);
    assert_int_equal(recover(job_1, path), 1);
    snprintf(own, sizeof own, "processed/%s", path);
    put(own, "foreign as well");
    assert_int_equal(commit_text(job_1, video, &made, &err), -1);
    json_decref(made);
    assert_int_equal(err.code, VD_AGAIN);
    assert_text(own, "foreign as well");
    assert_int_equal(count("processed/abc"), 3);
}

/* A video that a crash left is known by its digest, and goes on. */
static void goes_on_with_our_video(void **state)
{
    char path[64];
    (void)state;
    put("processed/abc/x.mp4", video);
    commit(job_1, video);
    assert_int_equal(recover(job_1, path), 1);
    assert_string_equal(path, "abc/x.mp4");
    assert_int_equal(count("processed/abc"), 2);
}

static void moved_folder(void **state)
{
    struct vd_err err = {0};
    struct vd_stage stage;
    struct vd_target target;
    char digest[VD_DIGEST_TEXT];
    (void)state;
    vd_target_make(&target, input, "mp4");
    stage_video(&stage, job_1, video, digest);
    json_t *made = document(job_1, input, digest);
    assert_int_equal(rename(at("processed/abc"), at("processed/other")), 0);
    assert_int_equal(vd_commit(&roots, &target, &stage, job_1, made, &err), -1);
    assert_int_equal(err.code, VD_AGAIN);
    assert_int_equal(count("processed/other"), 0);
    stage_video(&stage, job_1, video, digest);
    assert_int_equal(rename(at("processed"), at("kept")), 0);
    assert_int_equal(vd_commit(&roots, &target, &stage, job_1, made, &err), -1);
    assert_int_equal(err.code, VD_IO);
    assert_int_equal(count("kept/abc"), 0);
    json_decref(made);
}

/* The bytes of both, the video's name, the folder, the sidecar's name, the folder (f: file, d: folder, n: a name). */
static void order_on_disk(void **state)
{
    (void)state;
    assert_int_equal(recover(job_1, NULL), 0);
    put("processed/abc/other", "");
    memset(fault.did, 0, sizeof fault.did);
    commit(job_1, video);
    assert_string_equal(fault.did, fault.old ? "ffnudnud" : "ffndnd"); /* u: the part's name goes */
}

static void commit_first(void)
{
    json_t *made;
    (void)commit_text(job_1, video, &made, NULL);
    json_decref(made);
}

static void recover_first(void)
{
    json_t *found;
    (void)vd_commit_recover(&roots, input, job_1, &found, NULL);
    json_decref(found);
}

/* One video, one sidecar, no part; or nothing at all, and then it is made again. */
static void assert_recovers(void)
{
    int found = recover(job_1, NULL);
    assert_int_equal(recover(job_1, NULL), found);
    assert_int_equal(count_like("processed/abc", ".part"), 0);
    assert_int_equal(count("processed/abc"), found ? 2 : 0);
    if (!found)
        commit(job_1, video);
    assert_text("processed/abc/x.mp4", video);
    assert_true(exists("processed/abc/x.mp4.json"));
    assert_int_equal(count("processed/abc"), 2);
}

static void start_again(void)
{
    assert_int_equal(unlink(at("processed/abc/x.mp4")), 0);
    assert_int_equal(unlink(at("processed/abc/x.mp4.json")), 0);
}

static void killed_anywhere(void **state)
{
    int n = 1;
    (void)state;
    for (; fault_kills(n, commit_first); n++) {
        assert_recovers();
        start_again();
    }
    assert_true(n > 8);
    assert_recovers();
}

static void killed_in_recovery(void **state)
{
    (void)state;
    for (int n = 1; fault_kills(n, commit_first); n++) {
        for (int m = 1; fault_kills(m, recover_first); m++)
            ;
        assert_recovers();
        start_again();
        if (fault_kills(n, commit_first))
            for (int m = 1; m < 40; m += 3)
                (void)fault_kills(m, recover_first);
        assert_recovers();
        start_again();
    }
}

/* Told as a fault of the machine; nothing of ours is left, nothing half is visible, nothing stays open. */
static void every_call_fails(void **state)
{
    static const int causes[] = {EIO, ENOSPC};
    (void)state;
    for (size_t c = 0; c < sizeof causes / sizeof *causes; c++)
        for (int n = 1;; n++) {
            struct vd_err err = {0};
            json_t *made;
            int before = open_descriptors();
            fault_arm(n, causes[c]);
            int ret = commit_text(job_1, video, &made, &err);
            bool met = fault_disarm();
            json_decref(made);
            assert_int_equal(open_descriptors(), before);
            if (ret < 0) {
                assert_int_equal(err.code, VD_IO);
                if (!strcmp(err.stage, "commit"))
                    assert_no_host_path(&err);
                assert_int_equal(count("processed/abc"), 0);
            }
            assert_recovers();
            start_again();
            if (!met)
                break;
        }
}

static void every_call_fails_in_recovery(void **state)
{
    int last;
    (void)state;
    for (last = 1; fault_kills(last, commit_first); last++) {
        assert_recovers();
        start_again();
    }
    assert_recovers();
    start_again();
    for (int k = 1; k < last; k++)
        for (int n = 1;; n++) {
            struct vd_err err = {0};
            json_t *found = NULL;
            (void)fault_kills(k, commit_first);
            int before = open_descriptors();
            fault_arm(n, EIO);
            int ret = vd_commit_recover(&roots, input, job_1, &found, &err);
            bool met = fault_disarm();
            assert_int_equal(found != NULL, ret == 1);
            json_decref(found);
            if (ret < 0)
                assert_int_equal(err.code, VD_IO);
            assert_int_equal(open_descriptors(), before);
            assert_recovers();
            start_again();
            if (!met)
                break;
        }
}

/* A pending sidecar of a video that never got its name, or of one that is not the one it tells of. */
static void pending_of_nothing(void **state)
{
    (void)state;
    put("processed/abc/.vd-job-1-0123456789abcdef.part",
        "{\"job\":\"job-1\",\"output\":{\"path\":\"abc/x.mp4\",\"digest\":\"xxh3-128:00\"}}");
    assert_int_equal(recover("job-2", NULL), 0);
    assert_int_equal(count("processed/abc"), 1);
    put("processed/abc/x.mp4", "foreign");
    assert_int_equal(recover(job_1, NULL), 0);
    assert_text("processed/abc/x.mp4", "foreign");
    assert_int_equal(count("processed/abc"), 1);
    put("processed/abc/.vd-job-1-0123456789abcdef.part", "{\"job\":\"job-2\",\"output\":{\"path\":\"abc/x.mp4\"}}");
    assert_int_equal(recover(job_1, NULL), 0);
    assert_int_equal(count("processed/abc"), 1);
    put("processed/abc/.vd-job-1-0123456789abcdef.part", "{\"job\":\"job-1\",\"output\":{\"path\":\"../../x\"}}");
    assert_int_equal(recover(job_1, NULL), 0);
    assert_int_equal(count("processed/abc"), 1);
}

static void finds_by_input(void **state)
{
    json_t *found, *made;
    struct vd_err err = {0};
    (void)state;
    commit(job_1, video);
    commit("job-2", "another video");
    put("processed/abc/x.json", "{}");
    put("processed/abc/x.mp4.more.json", "{}");
    assert_int_equal(vd_commit_find(&roots, "recordings", input, &found, &err), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(found, "input"), "path")), input);
    json_decref(found);
    assert_int_equal(vd_commit_find(&roots, "archived", input, &found, &err), 0);
    assert_int_equal(vd_commit_find(&roots, "recordings", "abc/y.mp4", &found, &err), 0);
    assert_int_equal(vd_commit_find(&roots, "recordings", "abc/x.mkv", &found, &err), 0);
    assert_int_equal(unlink(at("processed/abc/x.mp4.json")), 0); /* the one that is left has a name of its own */
    assert_int_equal(vd_commit_find(&roots, "recordings", input, &found, &err), 1);
    assert_string_equal(json_string_value(json_object_get(found, "job")), "job-2");
    json_object_set_new(found, "finished", json_string("2025-01-01T00:00:00.000Z"));
    json_object_set_new(found, "job", json_string("job-3"));
    assert_int_equal(json_dump_file(found, at("processed/abc/x.00000000.mp4.json"), 0), 0);
    json_decref(found);
    assert_int_equal(vd_commit_find(&roots, "recordings", input, &made, &err), 1); /* the latest */
    assert_string_equal(json_string_value(json_object_get(made, "job")), "job-3");
    json_decref(made);
}

static void age(const char *path, time_t by)
{
    struct timespec times[2] = {{.tv_sec = time(NULL) - by}, {.tv_sec = time(NULL) - by}};
    assert_int_equal(utimensat(AT_FDCWD, at(path), times, AT_SYMLINK_NOFOLLOW), 0);
}

static void collects_parts(void **state)
{
    struct vd_claim held, died;
    (void)state;
    assert_int_equal(vd_claim_take(&held, &roots, "held", NULL), 0);
    assert_int_equal(vd_claim_take(&died, &roots, "died", NULL), 0);
    vd_claim_release(&died);
    put("processed/abc/.vd-held-0123456789abcdef.part", "growing");
    put("processed/abc/deep/er/.vd-died-0123456789abcdef.part", "garbage");
    put("processed/.vd-process-0123456789abcdef.part", "of a command that claims nothing");
    put("processed/.vd-forgotten-0123456789abcdef.part", "of a job that is long over");
    put("processed/abc/.vd-not a part-0123456789abcdef.part", "other");
    put("processed/abc/.vd-died-0123456789abcde.part", "other");
    put("archived/.vd-died-0123456789abcdef.part", "a copy in the making");
    put("archived/abc/.vd-died-0123456789abcdef.part", "a copy that was given up");
    put(".vidriera/done/.vd-died-0123456789abcdef.part", "half an end");
    age("processed/.vd-forgotten-0123456789abcdef.part", 200000);
    age("archived/abc/.vd-died-0123456789abcdef.part", 200000);
    age(".vidriera/done/.vd-died-0123456789abcdef.part", 200000);
    assert_int_equal(symlink(data, at("processed/abc/loop")), 0);
    assert_int_equal(vd_parts_collect(&roots), 4);
    assert_int_equal(vd_parts_collect(&roots), 0);
    assert_true(exists("processed/abc/.vd-held-0123456789abcdef.part"));
    assert_true(exists("processed/.vd-process-0123456789abcdef.part"));
    assert_true(exists("archived/.vd-died-0123456789abcdef.part"));
    assert_int_equal(count(".vidriera/claims"), 2); /* looking made no claims */
    vd_claim_release(&held);
}

static void collect_first(void)
{
    (void)vd_parts_collect(&roots);
}

/* Nobody comes back for the job itself: what was complete but for a name is completed. */
static void collects_after_a_kill(void **state)
{
    struct vd_claim claim;
    (void)state;
    for (int n = 1;; n++) {
        bool killed = fault_kills(n, commit_first);
        assert_int_equal(vd_claim_take(&claim, &roots, job_1, NULL), 0);
        vd_claim_release(&claim);
        for (int m = 1; killed && m < 60; m += 7)
            (void)fault_kills(m, collect_first);
        (void)vd_parts_collect(&roots);
        assert_int_equal(count_like("processed/abc", ".part"), 0);
        assert_int_equal(exists("processed/abc/x.mp4"), exists("processed/abc/x.mp4.json"));
        assert_recovers();
        start_again();
        if (!killed)
            break;
    }
}

#define BOTH(test)                                                                                                     \
    cmocka_unit_test_setup_teardown(test, tree_make, tree_drop),                                                       \
    {                                                                                                                  \
#test ", old file system", test, tree_make_old, tree_drop, NULL                                                \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        BOTH(commits),
        BOTH(nothing_is_there),
        BOTH(taken_names),
        BOTH(same_bytes_of_another_job),
        BOTH(both_names_taken),
        BOTH(goes_on_with_our_video),
        BOTH(moved_folder),
        BOTH(order_on_disk),
        BOTH(killed_anywhere),
        BOTH(killed_in_recovery),
        BOTH(every_call_fails),
        BOTH(every_call_fails_in_recovery),
        BOTH(pending_of_nothing),
        BOTH(finds_by_input),
        BOTH(collects_parts),
        BOTH(collects_after_a_kill),
    };
    return cmocka_run_group_tests_name("commit", tests, NULL, NULL);
}
