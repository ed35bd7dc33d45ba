/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What must be refused: with the right exit status, in one line, with nothing left behind and nothing touched. */
#include "row.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOOD "ff" PICTURE SOUND "-frames:v 10 -shortest" X264 AAC "in.mp4\n"

struct refusal {
    const char *name;
    const char *make; /* NULL: nothing is there */
    void (*craft)(const struct folder *f, const char *path);
    const char *input;  /* NULL: none given */
    const char *output; /* NULL: not given */
    const char *options;
    int status, or_status; /* or_status: also right, where the contract leaves it open; 0: none */
    const char *says[2];   /* parts of the line; "a|b": either */
};

#if LIBAVFORMAT_VERSION_MAJOR < 61
static void craft_90(const struct folder *f, const char *path)
{
    (void)f;
    patch_display_matrix(path, (const int32_t[9]){0, 1 << 16, 0, -(1 << 16), 0, 0, 144 << 16, 0, 1 << 30});
}
#endif

/* moov is behind mdat when ffmpeg is not asked otherwise. */
static void craft_no_moov(const struct folder *f, const char *path)
{
    (void)f;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
}

/* The index is whole, not one picture is. */
static void craft_no_pictures(const struct folder *f, const char *path)
{
    (void)f;
    size_t size;
    uint8_t *data = read_file(path, &size);
    uint8_t *media = memmem(data, size, "mdat", 4);
    assert_non_null(media);
    memset(media + 4, 0x55, size - (size_t)(media + 4 - data));
    write_file(path, data, size);
    free(data);
}

static const struct refusal refusals[] = {
    /* ---- inputs ---- */
    {.name = "missing file", .input = "in.mp4", .status = 66, .says = {"in.mp4"}},
    {.name = "missing folder", .input = "no/in.mp4", .status = 66, .says = {"no/in.mp4"}},
    {.name = "folder", .make = "mkdir in.mp4", .input = "in.mp4", .status = 65, .says = {"in.mp4"}},
    {.name = "fifo", .make = "mkfifo in.mp4", .input = "in.mp4", .status = 65, .says = {"in.mp4"}},
    {.name = "device", .input = "/dev/zero", .output = "out.mp4", .status = 65, .says = {"/dev/zero"}},
    {.name = "dangling link", .make = "ln -s nowhere in.mp4", .input = "in.mp4", .status = 66, .says = {"in.mp4"}},
    {.name = "empty file", .make = ": > in.mp4", .input = "in.mp4", .status = 65, .says = {"empty"}},
    {.name = "text file", .make = "yes some text | head -c 9999 > in.mp4", .input = "in.mp4", .status = 65},
    {.name = "one byte", .make = "printf x > in.mp4", .input = "in.mp4", .status = 65},
    {.name = "zeros", .make = "head -c 100000 /dev/zero > in.mp4", .input = "in.mp4", .status = 65},
    {.name = "a terabyte of nothing", .make = "truncate -s 1T in.mp4", .input = "in.mp4", .status = 65},
    {.name = "audio only", .make = "ff" SOUND AAC "in.mp4", .input = "in.mp4", .status = 65, .says = {"video"}},
    {.name = "audio only, with cover art",
     .make = "ff -f lavfi -i mandelbrot=s=300x300 -frames:v 1 c.png; ff" SOUND
             "-i c.png -map 0 -map 1 -c:v png -disposition:v:0 attached_pic" AAC "in.mp4; rm c.png",
     .input = "in.mp4",
     .status = 65,
     .says = {"video"}},
    {.name = "wav", .make = "ff" SOUND "in.wav", .input = "in.wav", .status = 65},
    {.name = "picture", .make = "ff" PICTURE "-frames:v 1 in.png", .input = "in.png", .status = 65},
    {.name = "gif", .make = "ff" PICTURE "-frames:v 5 in.gif", .input = "in.gif", .status = 65},
    {.name = "moov missing", .make = GOOD, .craft = craft_no_moov, .input = "in.mp4", .status = 65},
    {.name = "nothing decodes",
     .make = "ff" PICTURE X264 "-movflags +faststart in.mp4",
     .craft = craft_no_pictures,
     .input = "in.mp4",
     .status = 65},
    {.name = "encrypted",
     .make = "ff" PICTURE SOUND X264 AAC "-encryption_scheme cenc-aes-ctr -encryption_key "
             "76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8 in.mp4",
     .input = "in.mp4",
     .status = 65,
     .says = {"encrypted"}},
    {.name = "a picture over the limit",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--max-pixels 20000",
     .status = 65,
     .says = {"192x144", "20000"}},
    {.name = "streams over the limit",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--max-streams 1",
     .status = 65,
     .says = {"stream"}},
    {.name = "longer than the limit",
     .make = "ff -f lavfi -i testsrc2=s=192x144:r=5:d=4" X264 "in.mp4",
     .input = "in.mp4",
     .options = "--max-duration 2",
     .status = 65},

    /* ---- outputs ---- */
    {.name = "no such folder", .make = GOOD, .input = "in.mp4", .output = "no/out.mp4", .status = 73, .says = {"no"}},
    {.name = "a file for a folder", .make = GOOD, .input = "in.mp4", .output = "in.mp4/out.mp4", .status = 73},
    {.name = "a folder for a file", .make = GOOD "mkdir out.mp4", .input = "in.mp4", .output = "out.mp4", .status = 73},
    {.name = "a folder for a file, overwriting",
     .make = GOOD "mkdir out.mp4",
     .input = "in.mp4",
     .output = "out.mp4",
     .options = "--overwrite",
     .status = 73},
    {.name = "a folder that takes no files", .make = GOOD, .input = "in.mp4", .output = "/proc/out.mp4", .status = 73},
    {.name = "existing output",
     .make = GOOD "echo precious > out.mp4",
     .input = "in.mp4",
     .output = "out.mp4",
     .status = 73,
     .says = {"out.mp4", "--overwrite"}},
    {.name = "existing default output",
     .make = GOOD "echo precious > in.tinted.mp4",
     .input = "in.mp4",
     .status = 73,
     .says = {"in.tinted.mp4"}},
    {.name = "existing link to nowhere",
     .make = GOOD "ln -s nowhere out.mp4",
     .input = "in.mp4",
     .output = "out.mp4",
     .status = 73},
    {.name = "output is the input", .make = GOOD, .input = "in.mp4", .output = "in.mp4", .status = 64, .or_status = 73},
    {.name = "output is the input, overwriting",
     .make = GOOD,
     .input = "in.mp4",
     .output = "in.mp4",
     .options = "--overwrite",
     .status = 64,
     .or_status = 73},
    {.name = "output is the input by another way",
     .make = GOOD "mkdir sub",
     .input = "in.mp4",
     .output = "sub/.././in.mp4",
     .options = "--overwrite",
     .status = 64,
     .or_status = 73},
    {.name = "output is a symbolic link to the input",
     .make = GOOD "ln -s in.mp4 out.mp4",
     .input = "in.mp4",
     .output = "out.mp4",
     .options = "--overwrite",
     .status = 64,
     .or_status = 73},
    {.name = "input is a symbolic link to the output",
     .make = GOOD "mv in.mp4 out.mp4; ln -s out.mp4 in.mp4",
     .input = "in.mp4",
     .output = "out.mp4",
     .options = "--overwrite",
     .status = 64,
     .or_status = 73},
    {.name = "output is a hard link to the input",
     .make = GOOD "ln in.mp4 out.mp4",
     .input = "in.mp4",
     .output = "out.mp4",
     .options = "--overwrite",
     .status = 64,
     .or_status = 73},

    /* ---- command lines ---- */
    {.name = "no input", .status = 64},
    {.name = "two inputs", .make = GOOD "cp in.mp4 too.mp4", .input = "in.mp4", .options = "too.mp4", .status = 64},
    {.name = "unknown option",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--frobnicate",
     .status = 64,
     .says = {"frobnicate"}},
    {.name = "option without its value", .make = GOOD, .input = "in.mp4", .options = "--left", .status = 64},
    {.name = "unknown colour",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--left octarine",
     .status = 64,
     .says = {"octarine"}},
    {.name = "colour with a bad digit",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--right #12345g",
     .status = 64,
     .says = {"#12345g"}},
    {.name = "too strong", .make = GOOD, .input = "in.mp4", .options = "--strength 1.5", .status = 64},
    {.name = "strength that is no number", .make = GOOD, .input = "in.mp4", .options = "--strength nan", .status = 64},
    {.name = "split outside", .make = GOOD, .input = "in.mp4", .options = "--split -0.1", .status = 64},
    {.name = "split too fine", .make = GOOD, .input = "in.mp4", .options = "--split 0.12345", .status = 64},
    {.name = "unknown effect",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--effect sepia",
     .status = 64,
     .says = {"sepia"}},
    {.name = "unknown codec",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--codec theora",
     .status = 64,
     .says = {"theora"}},
    {.name = "unknown preset",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--preset warp",
     .status = 64,
     .says = {"warp"}},
    {.name = "quality outside", .make = GOOD, .input = "in.mp4", .options = "--quality 99", .status = 64},
    {.name = "threads that are no number", .make = GOOD, .input = "in.mp4", .options = "--threads many", .status = 64},
    {.name = "unknown progress", .make = GOOD, .input = "in.mp4", .options = "--progress often", .status = 64},
    {.name = "unknown container",
     .make = GOOD,
     .input = "in.mp4",
     .output = "out.ogg",
     .status = 64,
     .says = {"mp4", "mkv"}},
    {.name = "no extension", .make = GOOD, .input = "in.mp4", .output = "out", .status = 64, .says = {"mp4"}},
    {.name = "missing configuration",
     .make = GOOD,
     .input = "in.mp4",
     .options = "--config no.conf",
     .status = 78,
     .says = {"no.conf"}},
    {.name = "too small for the codec",
     .make = "ff -f lavfi -i testsrc2=s=8x8:r=25:d=0.4" X264 "in.mp4",
     .input = "in.mp4",
     .output = "out.mp4",
     .options = "--codec hevc",
     .status = 64,
     .says = {"h264"}},
    {.name = "a FIFO as configuration",
     .make = GOOD "mkfifo conf",
     .input = "in.mp4",
     .options = "--config conf",
     .status = 78,
     .says = {"conf"}},
#if LIBAVFORMAT_VERSION_MAJOR < 60
    {.name = "pcm to mp4",
     .make = "ff" PICTURE SOUND X264 "-c:a pcm_s16le in.mov",
     .input = "in.mov",
     .output = "out.mp4",
     .status = 64,
     .says = {"mkv|mov"}},
    {.name = "flac to mp4",
     .make = "ff" PICTURE SOUND X264 "-c:a flac in.mkv",
     .input = "in.mkv",
     .output = "out.mp4",
     .status = 64,
     .says = {"mkv"}},
#endif
#if LIBAVFORMAT_VERSION_MAJOR < 61
    {.name = "rotation to mkv",
     .make = GOOD,
     .craft = craft_90,
     .input = "in.mp4",
     .output = "out.mkv",
     .status = 64,
     .says = {"mp4"}},
#endif
};

static struct folder folder;
static struct outcome outcome;
static char *before, *after; /* what state_of() told */

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    proc_forget(&outcome);
    free(before);
    free(after);
    before = after = NULL;
    folder_drop(&folder);
    return 0;
}

static void want_one_line(const char *text)
{
    const char *end = strchr(text, '\n');
    if (strncmp(text, "vidriera: ", 10) != 0 || !end || end[1])
        fail_msg("wanted one line that begins with \"vidriera: \", got:\n%s", text);
    for (const char *c = text; c < end; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            fail_msg("there is a control character in: %s", text);
}

/* Names, sizes and contents: whatever a run that is refused could have changed. */
static char *state_of(const struct folder *of)
{
    struct outcome listing;
    char *argv[] = {"sh", "-c", "ls -lAR --time-style=full-iso; find . -type f -size -9M -exec cksum {} + | sort",
                    NULL};
    proc_run(&listing, of->path, argv);
    char *text = strdup(listing.out);
    proc_forget(&listing);
    return text;
}

static void want_refused(const char *input, const char *output, const char *options, int status, int or_status)
{
    before = state_of(&folder);
    proc_run(&outcome, folder.path, process_argv(input, output, options));
    after = state_of(&folder);
    if (outcome.timed_out)
        fail_msg("it hangs");
    int code = proc_code(&outcome);
    if (code != status && (!or_status || code != or_status))
        fail_msg("exit %d, wanted %d: %s", code, status, outcome.err);
    want_one_line(outcome.err);
    assert_string_equal(outcome.out, "");
    assert_string_equal(after, before);
}

static bool says_one_of(const char *text, const char *parts)
{
    for (;;) {
        char part[64];
        size_t length = strcspn(parts, "|");
        snprintf(part, sizeof(part), "%.*s", (int)length, parts);
        if (strcasestr(text, part))
            return true;
        if (!parts[length])
            return false;
        parts += length + 1;
    }
}

static void test_refusal(void **state)
{
    const struct refusal *refusal = *state;
    if (refusal->make)
        make_by(&folder, refusal->make);
    if (refusal->craft)
        refusal->craft(&folder, folder_path(&folder, refusal->input));
    want_refused(refusal->input, refusal->output, refusal->options, refusal->status, refusal->or_status);
    for (int i = 0; i < 2; i++)
        if (refusal->says[i] && !says_one_of(outcome.err, refusal->says[i]))
            fail_msg("does not name \"%s\": %s", refusal->says[i], outcome.err);
}

/* A loopback port that must see nobody. */
static int listen_on(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* What FFmpeg would follow to other files and hosts, under the name of a recording. %s: the secret, %d: the port. */
struct playlist {
    const char *name, *text;
};

static const struct playlist playlists[] = {
    {"hls named mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n"},
    {"hls to a host", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:%d/x.ts\n#EXT-X-ENDLIST\n"},
    {"ffconcat named mp4", "ffconcat version 1.0\nfile %s\n"},
    {"ffconcat to a host", "ffconcat version 1.0\nfile 'http://127.0.0.1:%d/x.mp4'\n"},
    {"dash named mp4",
     "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" "
     "mediaPresentationDuration=\"PT1S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period>"
     "<AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>%s</BaseURL>"
     "</Representation></AdaptationSet></Period></MPD>\n"},
    {"dash to a host",
     "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" "
     "mediaPresentationDuration=\"PT1S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period>"
     "<AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\">"
     "<BaseURL>http://127.0.0.1:%d/x.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>\n"},
    {"sdp named mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video %d RTP/AVP 96\n"
                      "a=rtpmap:96 H264/90000\n"},
    {"smil of rtsp named mp4", "[reference]\nref1=rtsp://127.0.0.1:%d/x\n"},
};

static void write_playlist(const struct playlist *playlist, const char *secret, int port)
{
    char text[2048];
    const char *place = strstr(playlist->text, "%s");
    if (!place)
        place = strstr(playlist->text, "%d");
    int length = snprintf(text, sizeof(text), "%.*s", (int)(place - playlist->text), playlist->text);
    if (place[1] == 's')
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%s%s", secret, place + 2);
    else
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%d%s", port, place + 2);
    write_file(folder_path(&folder, "in.mp4"), text, (size_t)length);
}

static void test_playlist(void **state)
{
    make_by(&folder, "mkdir else; ff" PICTURE "-frames:v 5" X264 "else/secret.mp4\n");
    char secret[1024];
    snprintf(secret, sizeof(secret), "%s", folder_path(&folder, "else/secret.mp4"));
    int port;
    int host = listen_on(&port);
    write_playlist(*state, secret, port);

    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    before = state_of(&folder);
    assert_true(inotify_add_watch(watch, secret, IN_OPEN | IN_ACCESS) >= 0);
    proc_run(&outcome, folder.path, process_argv("in.mp4", NULL, NULL));
    char event[512];
    ssize_t opened = read(watch, event, sizeof(event));
    close(watch);
    int guest = accept4(host, NULL, NULL, SOCK_CLOEXEC);
    close(host);
    after = state_of(&folder);

    assert_int_equal(proc_code(&outcome), 65);
    want_one_line(outcome.err);
    if (opened > 0)
        fail_msg("%s was opened", secret);
    if (guest >= 0)
        fail_msg("a host was called");
    assert_string_equal(after, before);
}

/* ---- a disk that is full, a folder that is read-only: in a mount namespace of the test's own ---- */

static void in_own_mounts(const char *mount, int status)
{
    struct outcome able;
    char *try[] = {"unshare", "-m", "true", NULL};
    proc_run(&able, NULL, try);
    bool can = proc_code(&able) == 0;
    proc_forget(&able);
    if (!can) {
        print_message("skipped: no mount namespace here\n");
        skip();
    }
    make_by(&folder, "mkdir full; ff -f lavfi -i testsrc2=s=640x360:r=25:d=2" X264 "-crf 10 in.mp4");
    char script[1024];
    snprintf(script, sizeof(script),
             "mount -t tmpfs -o %s none full || exit 99\n"
             "\"$0\" process in.mp4 -o full/out.mp4 --quality 5 --preset ultrafast --progress none\n"
             "status=$?; ls -A full > left; exit $status",
             mount);
    char *argv[] = {"unshare", "-m", "sh", "-c", script, suite_vidriera(), NULL};
    proc_run(&outcome, folder.path, argv);
    if (proc_code(&outcome) == 99) {
        print_message("skipped: nothing can be mounted here\n");
        skip();
    }
    if (proc_code(&outcome) != status)
        fail_msg("exit %d, wanted %d: %s", proc_code(&outcome), status, outcome.err);
    want_one_line(outcome.err);
    size_t size;
    char *left = (char *)read_file(folder_path(&folder, "left"), &size);
    assert_string_equal(left, "");
    free(left);
}

static void test_full_disk(void **state)
{
    (void)state;
    in_own_mounts("size=64k", 74);
}

static void test_read_only(void **state)
{
    (void)state;
    in_own_mounts("size=64k,ro", 73);
}

/* ---- the answer to a refusal in JSON ---- */

static void test_json_of_a_refusal(void **state)
{
    (void)state;
    write_file(folder_path(&folder, "in.mp4"), "text", 4);
    proc_run(&outcome, folder.path, process_argv("in.mp4", NULL, "--json"));
    assert_int_equal(proc_code(&outcome), 65);
    want_one_line(outcome.err);
    json_error_t error;
    json_t *result = json_loads(outcome.out, JSON_REJECT_DUPLICATES, &error);
    if (!result)
        fail_msg("stdout is not one JSON document: %s\n%s", error.text, outcome.out);
    assert_string_equal(json_string_value(json_object_get(result, "schema")), "vidriera.result.v1");
    assert_string_equal(json_string_value(json_object_get(result, "status")), "failed");
    json_t *told = json_object_get(result, "error");
    assert_true(json_is_string(json_object_get(told, "message")));
    assert_non_null(json_object_get(told, "class"));
    assert_non_null(json_object_get(told, "code"));
    assert_non_null(json_object_get(told, "stage"));
    json_decref(result);
}

/* Bytes of a hostile name come out as something that a terminal can stand. */
static void test_control_characters(void **state)
{
    (void)state;
    want_refused("no\n\x1b]0;x\x07\x1b[31m\xff.mp4", NULL, NULL, 66, 0);
}

/* What a media process is started as is no command for people. */
static void test_slot_by_hand(void **state)
{
    (void)state;
    proc_run(&outcome, folder.path, (char *[]){suite_vidriera(), "slot", NULL});
    assert_int_equal(proc_code(&outcome), 64);
    want_one_line(outcome.err);
    proc_forget(&outcome);
    proc_run(&outcome, folder.path, (char *[]){suite_vidriera(), "--help", NULL});
    assert_null(strstr(outcome.out, "slot"));
}

int main(void)
{
    enum { REFUSALS = sizeof(refusals) / sizeof(*refusals), PLAYLISTS = sizeof(playlists) / sizeof(*playlists) };
    static struct CMUnitTest tests[REFUSALS + PLAYLISTS + 5];
    size_t count = 0;
    for (size_t i = 0; i < REFUSALS; i++)
        tests[count++] = (struct CMUnitTest){refusals[i].name, test_refusal, setup, teardown,
                                             (void *)(uintptr_t)&refusals[i]};
    for (size_t i = 0; i < PLAYLISTS; i++)
        tests[count++] = (struct CMUnitTest){playlists[i].name, test_playlist, setup, teardown,
                                             (void *)(uintptr_t)&playlists[i]};
    tests[count++] = (struct CMUnitTest){"full disk", test_full_disk, setup, teardown, NULL};
    tests[count++] = (struct CMUnitTest){"read-only disk", test_read_only, setup, teardown, NULL};
    tests[count++] = (struct CMUnitTest){"json of a refusal", test_json_of_a_refusal, setup, teardown, NULL};
    tests[count++] = (struct CMUnitTest){"control characters", test_control_characters, setup, teardown, NULL};
    tests[count++] = (struct CMUnitTest){"slot by hand", test_slot_by_hand, setup, teardown, NULL};
    return _cmocka_run_group_tests("bad_input", tests, count, NULL, NULL);
}
