/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recordings in pieces, from the folders they may come from, and news of jobs as they happen. */
#include "web_fixture.h"

#include "parse.h"

#include <dirent.h>
#include <pthread.h>

enum { BYTES = 300000 };

static const double patient_s = 30; /* for what comes at once on a machine that is not busy */

static char bytes[BYTES + 1];

static int make(void **state)
{
    site_make(state);
    for (int i = 0; i < BYTES; i++)
        bytes[i] = (char)('a' + i % 25013 * 31 % 26);
    put("recordings/x.mp4", bytes, BYTES);
    put("processed/x.mkv", bytes, 1000);
    post_result("job-1", "x.mp4", BYTES, "x.mkv", 1000);
    site.setup.media = true;
    return 0;
}

static int make_and_start(void **state)
{
    make(state);
    site_start();
    return 0;
}

static const char original[] = "/media/job-1/original", result[] = "/media/job-1/result";

static void test_whole(void **state)
{
    (void)state;
    struct reply reply = get(original);
    assert_int_equal(reply.code, 200);
    assert_header(reply, "Content-Type", "video/mp4");
    assert_header(reply, "Accept-Ranges", "bytes");
    assert_header(reply, "Cache-Control", "no-store");
    assert_header(reply, "Cross-Origin-Resource-Policy", "same-origin");
    assert_header(reply, "X-Content-Type-Options", "nosniff");
    assert_null(header(&reply, "Content-Range"));
    assert_int_equal(reply.size, BYTES);
    assert_memory_equal(reply.body, bytes, BYTES);
    reply = get(result);
    assert_int_equal(reply.code, 200);
    assert_header(reply, "Content-Type", "video/x-matroska");
    assert_int_equal(reply.size, 1000);
    reply = ask("HEAD", original, NULL, NULL);
    assert_int_equal(reply.code, 200);
    assert_header(reply, "Content-Length", "300000");
    assert_int_equal(reply.size, 0);
}

static void test_ranges(void **state)
{
    static const struct {
        const char *range;
        int code;
        size_t from, size;
    } rows[] = {
        {"bytes=0-0", 206, 0, 1},
        {"bytes=0-", 206, 0, BYTES},
        {"bytes=0-99", 206, 0, 100},
        {"BYTES=0-99", 206, 0, 100},
        {"bytes=100000-199999", 206, 100000, 100000},
        {"bytes=299999-", 206, BYTES - 1, 1},
        {"bytes=299990-400000", 206, BYTES - 10, 10},
        {"bytes=299990-99999999999999999999999", 206, BYTES - 10, 10},
        {"bytes=-1", 206, BYTES - 1, 1},
        {"bytes=-500", 206, BYTES - 500, 500},
        {"bytes=-400000", 206, 0, BYTES},
        {"bytes=300000-", 416, 0, 0},
        {"bytes=300000-300001", 416, 0, 0},
        {"bytes=99999999999999999999-", 416, 0, 0},
        {"bytes=-0", 416, 0, 0},
        /* several, and what is none */
        {"bytes=0-1,5-6", 200, 0, BYTES},
        {"bytes=5-4", 200, 0, BYTES},
        {"bytes=", 200, 0, BYTES},
        {"bytes=-", 200, 0, BYTES},
        {"bytes=--1", 200, 0, BYTES},
        {"bytes=1", 200, 0, BYTES},
        {"bytes=a-b", 200, 0, BYTES},
        {"bytes=0x1-2", 200, 0, BYTES},
        {"frames=0-1", 200, 0, BYTES},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char line[100], range[100];
        snprintf(line, sizeof line, "Range: %s\r\n", rows[i].range);
        struct reply reply = ask("GET", original, line, NULL);
        if (reply.code != rows[i].code || reply.size != rows[i].size)
            fail_msg("%s: %d, %zu bytes", rows[i].range, reply.code, reply.size);
        assert_memory_equal(reply.body, bytes + rows[i].from, rows[i].size);
        snprintf(range, sizeof range, "bytes %zu-%zu/%d", rows[i].from, rows[i].from + rows[i].size - 1, BYTES);
        if (reply.code == 206)
            assert_header(reply, "Content-Range", range);
        else if (reply.code == 416)
            assert_header(reply, "Content-Range", "bytes */300000");
        else
            assert_null(header(&reply, "Content-Range"));
    }
}

static void test_if_range(void **state)
{
    char lines[1200];
    (void)state;
    struct reply reply = get(original);
    snprintf(lines, sizeof lines, "Range: bytes=5-9\r\nIf-Range: %s\r\n", header(&reply, "ETag"));
    assert_int_equal(ask("GET", original, lines, NULL).code, 206);
    assert_int_equal(ask("GET", original, "Range: bytes=5-9\r\nIf-Range: \"other\"\r\n", NULL).code, 200);
    reply = ask("HEAD", original, "Range: bytes=5-9\r\n", NULL);
    assert_int_equal(reply.code, 200);
    assert_header(reply, "Content-Length", "300000");
}

/* Two on one connection. */
static void test_kept_alive(void **state)
{
    char request[300];
    size_t size;
    bool ended;
    (void)state;
    int fd = site_connect();
    for (int i = 0; i < 2; i++) {
        int length = snprintf(request, sizeof request,
                              "GET %s HTTP/1.1\r\nHost: localhost\r\nRange: bytes=%d-%d\r\n\r\n", original, i, i);
        assert_true(say(fd, request, (size_t)length));
        char *text = hear(fd, (char[]){'\r', '\n', '\r', '\n', bytes[i], 0}, patient_s, &size, &ended);
        assert_false(ended);
        assert_ptr_equal(strstr(text, "HTTP/1.1 206"), text);
        assert_int_equal(text[size - 1], bytes[i]);
        free(text);
    }
    close(fd);
}

static void test_off(void **state)
{
    (void)state;
    site.setup.media = false;
    site_start();
    assert_int_equal(get(original).code, 404);
    assert_int_equal(get(result).code, 404);
    assert_null(strstr(get("/api/jobs").body, "x.mp4"));
    assert_null(strstr(get("/api/jobs").body, "meet.example.org"));
}

/* The original goes to other folders when its job is over, perhaps under another name. */
static void test_moved(void **state)
{
    (void)state;
    static const char *const to[] = {"archived/x.mp4", "failed/x.mp4", "archived/x.2.mp4", "failed/x.9.mp4"};
    const char *from = "recordings/x.mp4";
    put("archived/other.mp4", bytes, 10);
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        assert_int_equal(rename(at(from), at(to[i])), 0);
        struct reply reply = get(original);
        if (reply.code != 200 || reply.size != BYTES)
            fail_msg("%s: %d", to[i], reply.code);
        from = to[i];
    }
    put("recordings/x.mp4", "a new one", 9); /* of that name, and not that file */
    assert_int_equal(get(original).size, BYTES);
    assert_int_equal(unlink(at(from)), 0);
    struct reply reply = get(original);
    assert_int_equal(reply.code, 404);
    assert_null(strstr(reply.body, "x.mp4"));
    put("processed/x.mkv", "a new one", 9);
    assert_int_equal(get(result).code, 404);
    assert_int_equal(get("/media/job-2/original").code, 404);
}

/* What the document tells of the recording tells it from others of its name. */
static void test_known_by(void **state)
{
    static const char twin[] = "/media/twin/original";
    struct stat st;
    struct vd_replay replay = {.topic = "vidriera.jobs"};
    char finished[32];
    (void)state;
    assert_int_equal(stat(at("recordings/x.mp4"), &st), 0);
    replay.inode = st.st_ino + 1; /* of another file system, before it was moved */
    replay.bytes = st.st_size;
    replay.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    vd_time_text(vd_wall(), finished);
    json_t *made = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "job", "twin", "status", "completed",
                             "finished", finished, "input", "root", "recordings", "path", "x.mp4", "output", "root",
                             "processed", "path", "x.mkv");
    assert_int_equal(vd_replay_put(made, &replay), 0);
    vd_board_result(site.board, "twin", made);
    assert_int_equal(get(twin).code, 200);
    assert_int_equal(rename(at("recordings/x.mp4"), at("archived/x.mp4")), 0);
    put("recordings/x.mp4", bytes + 1, BYTES); /* as long, of another time */
    assert_int_equal(get(twin).body[0], bytes[0]);
    assert_int_equal(unlink(at("archived/x.mp4")), 0);
    assert_int_equal(get(twin).code, 404);

    json_object_del(made, "replay");
    json_object_set_new(made, "job", json_string("vague"));
    vd_board_result(site.board, "vague", made);
    assert_int_equal(get("/media/vague/original").code, 404);
    assert_int_equal(get("/media/vague/result").code, 404);
    json_decref(made);
}

/* Of what a document names, so that its length is no reason to refuse it. */
static json_int_t size_of(const char *root, const char *path)
{
    char whole[128];
    struct stat st;
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    return stat(*path == '/' ? path : at(whole), &st) == 0 ? st.st_size : 6;
}

/* Documents come from Kafka: they may name what they like. */
static void test_documents_lie(void **state)
{
    static const struct {
        const char *input_root, *input, *output_root, *output;
    } rows[] = {
        {"recordings", "../outside.mp4", "processed", "../outside.mp4"},
        {"recordings", "/etc/passwd", "processed", "/etc/passwd"},
        {"recordings", "link.mp4", "processed", "link.mp4"},
        {"recordings", "linked/outside.mp4", "processed", "linked/outside.mp4"},
        {"recordings", "metadata.json", "processed", "x.mkv.json"},
        {"recordings", ".hidden.mp4", "processed", ".hidden.mp4"},
        {"recordings", "folder.mp4", "processed", "folder.mp4"},
        {"recordings", "fifo.mp4", "processed", "fifo.mp4"},
        {"recordings", "empty.mp4", "processed", "empty.mp4"},
        {"recordings", "", "processed", ""},
        {"recordings", "nothing.mp4", "recordings", "x.mp4"},
        {"nowhere", "nothing.mp4", "nowhere", "x.mkv"},
    };
    (void)state;
    put("outside.mp4", "secret", 6);
    assert_int_equal(mkdir(at("elsewhere"), 0755), 0);
    put("elsewhere/outside.mp4", "secret", 6);
    static const char *const roots[] = {"recordings", "processed"};
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/metadata.json", roots[i]);
        put(path, "{}", 2);
        snprintf(path, sizeof path, "%s/x.mkv.json", roots[i]);
        put(path, "{}", 2);
        snprintf(path, sizeof path, "%s/.hidden.mp4", roots[i]);
        put(path, "secret", 6);
        snprintf(path, sizeof path, "%s/empty.mp4", roots[i]);
        put(path, "", 0);
        snprintf(path, sizeof path, "%s/link.mp4", roots[i]);
        assert_int_equal(symlink("../outside.mp4", at(path)), 0);
        snprintf(path, sizeof path, "%s/linked", roots[i]);
        assert_int_equal(symlink("../elsewhere", at(path)), 0);
        snprintf(path, sizeof path, "%s/folder.mp4", roots[i]);
        assert_int_equal(mkdir(at(path), 0755), 0);
        snprintf(path, sizeof path, "%s/fifo.mp4", roots[i]);
        assert_int_equal(mkfifo(at(path), 0644), 0);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char job[32], path[64], finished[32];
        vd_time_text(vd_wall(), finished);
        snprintf(job, sizeof job, "lie-%zu", i);
        json_t *made = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:I}, s:{s:s, s:s, s:I}}", "job", job, "status",
                                 "completed", "finished", finished, "input", "root", rows[i].input_root, "path",
                                 rows[i].input, "bytes", size_of(rows[i].input_root, rows[i].input), "output", "root",
                                 rows[i].output_root, "path", rows[i].output, "bytes",
                                 size_of(rows[i].output_root, rows[i].output));
        vd_board_result(site.board, job, made);
        json_decref(made);
        for (int k = 0; k < 2; k++) {
            snprintf(path, sizeof path, "/media/%s/%s", job, k ? "result" : "original");
            struct reply reply = get(path);
            if (reply.code != 404)
                fail_msg("%s %s: %d", path, k ? rows[i].output : rows[i].input, reply.code);
        }
    }
}

static void test_root_away(void **state)
{
    (void)state;
    assert_int_equal(rename(at("processed"), at("away")), 0);
    struct reply reply = get(result);
    assert_int_equal(reply.code, 503);
    assert_null(strstr(reply.body, site.data));
    assert_int_equal(rename(at("away"), at("processed")), 0);
    assert_int_equal(get(result).code, 200);
}

/* A recording that gets shorter while it is sent ends the connection; the length was promised. */
static void test_cut_off(void **state)
{
    enum { LONG = 8 << 20 };
    size_t size;
    bool ended;
    static const char request[] = "GET /media/long/original HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    (void)state;
    put("recordings/long.mp4", "x", 1);
    assert_int_equal(truncate(at("recordings/long.mp4"), LONG), 0);
    post_result("long", "long.mp4", LONG, "none.mp4", 1);
    int fd = site_connect();
    assert_true(say(fd, request, sizeof request - 1));
    free(hear(fd, "\r\n\r\n", patient_s, &size, &ended));
    assert_int_equal(truncate(at("recordings/long.mp4"), 100), 0);
    char *text = hear(fd, NULL, patient_s, &size, &ended);
    assert_true(ended);
    assert_true(size < LONG);
    free(text);
    close(fd);
    assert_int_equal(get("/version").code, 200);
}

static void test_types(void **state)
{
    (void)state;
    assert_string_equal(vd_media_type("a/b.MP4"), "video/mp4");
    assert_string_equal(vd_media_type("b.webm"), "video/webm");
    static const char *const none[] = {"",       "mp4",        ".mp4",   "a/.b.mp4", "a.mp4/b",
                                       "a.json", "a.mp4.json", "a.html", "a."};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(vd_media_type(none[i]));
}

/* --- events */

struct listener {
    int fd;
    bool ended;
    char *text; /* what has come of the next event, or more */
    size_t size;
};

static struct listener listen_with(const char *query, const char *headers)
{
    char request[400];
    struct listener listener = {.fd = site_connect(), .text = strdup("")};
    assert_non_null(listener.text);
    int size = snprintf(request, sizeof request,
                        "GET /events%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n", query, headers);
    assert_true(say(listener.fd, request, (size_t)size));
    return listener;
}

static void hang_up(struct listener *listener)
{
    close(listener->fd);
    free(listener->text);
}

/* Behind the end of the first event; NULL: it is not whole within the time. */
static char *hear_event(struct listener *listener, double seconds)
{
    char *end;
    size_t size;
    for (double until = vd_monotonic() + seconds; !(end = strstr(listener->text, "}\n\n"));) {
        double left = until - vd_monotonic();
        if (listener->ended || left <= 0)
            return NULL;
        char *more = hear(listener->fd, "}\n\n", left, &size, &listener->ended);
        listener->text = realloc(listener->text, listener->size + size + 1);
        assert_non_null(listener->text);
        memcpy(listener->text + listener->size, more, size + 1);
        listener->size += size;
        free(more);
    }
    return end + 3;
}

/* The next event's document; NULL: none within the time. */
static json_t *next_event(struct listener *listener, double seconds, uint64_t *id)
{
    *id = 0;
    char *end = hear_event(listener, seconds);
    if (!end)
        return NULL;
    char *line = strstr(listener->text, "id: "), *data = line ? strstr(line, "\ndata: ") : NULL;
    assert_true(data && data < end);
    *id = strtoull(line + 4, NULL, 10);
    json_t *look = json_loads(data + 7, JSON_DISABLE_EOF_CHECK, NULL);
    assert_int_equal(json_integer_value(json_object_get(look, "version")), *id);
    listener->size -= (size_t)(end - listener->text);
    memmove(listener->text, end, listener->size + 1);
    return look;
}

static size_t jobs_of(json_t *look)
{
    size_t count = json_array_size(json_object_get(look, "jobs"));
    json_decref(look);
    return count;
}

/* Who comes hears at once how it is; of ten, some find the machine at rest. */
static void test_first_event(void **state)
{
    bool at_once = false;
    uint64_t id;
    (void)state;
    for (int i = 0; i < 10 && !at_once; i++) {
        double began = vd_monotonic();
        struct listener one = listen_with("", "");
        json_t *look = next_event(&one, patient_s, &id);
        at_once = vd_monotonic() - began < 0.9; /* news come each second */
        assert_true(json_is_true(json_object_get(look, "complete")));
        assert_int_equal(jobs_of(look), 1);
        hang_up(&one);
    }
    assert_true(at_once);
}

/* News are told in order, none is lost, and a burst is not an event each: they are a second apart. */
static void test_events(void **state)
{
    enum { BURST = 50 };
    uint64_t first, last, id;
    size_t jobs = 0;
    int events = 0;
    (void)state;
    struct listener one = listen_with("", "");
    assert_int_equal(jobs_of(next_event(&one, patient_s, &first)), 1);
    double began = vd_monotonic();
    post_result("job-2", "y.mp4", 1, "y.mp4", 1);
    assert_int_equal(jobs_of(next_event(&one, patient_s, &last)), 1);
    assert_true(last > first);
    for (int i = 0; i < BURST; i++) {
        char job[32];
        snprintf(job, sizeof job, "burst-%d", i);
        post_result(job, "y.mp4", 1, "y.mp4", 1);
    }
    for (; jobs < BURST; events++) {
        json_t *look = next_event(&one, patient_s, &id);
        assert_non_null(look);
        assert_true(id > last);
        last = id;
        jobs += jobs_of(look);
    }
    assert_int_equal(jobs, BURST);
    assert_true(events <= vd_monotonic() - began);
    assert_null(next_event(&one, 1.5, &id));
    assert_false(one.ended);
    hang_up(&one);
}

/* Where nothing happens a sign of life comes, which scripts see. */
static void test_sign_of_life(void **state)
{
    static const char sign[] = "event: alive\ndata:\n\n";
    uint64_t id;
    size_t size;
    bool ended;
    (void)state;
    struct listener one = listen_with("", "");
    json_decref(next_event(&one, patient_s, &id));
    char *text = hear(one.fd, sign, 2 * patient_s, &size, &ended);
    assert_false(ended);
    assert_non_null(strstr(text, sign));
    assert_null(strstr(text, "id:")); /* where a page goes on stays as it is */
    free(text);
    hang_up(&one);
}

static void test_since(void **state)
{
    uint64_t first, id;
    char text[80];
    (void)state;
    struct listener one = listen_with("", "");
    json_decref(next_event(&one, 10, &first));
    hang_up(&one);
    snprintf(text, sizeof text, "?since=%llu", (unsigned long long)first);
    one = listen_with(text, "");
    assert_null(next_event(&one, 1.5, &id)); /* nothing is new; but it is open */
    assert_false(one.ended);
    post_result("job-2", "y.mp4", 1, "y.mp4", 1);
    assert_int_equal(jobs_of(next_event(&one, patient_s, &id)), 1);
    hang_up(&one);
    /* a page that comes back tells the last one it had, and its address still has the first */
    snprintf(text, sizeof text, "Last-Event-ID: %llu\r\n", (unsigned long long)first);
    one = listen_with("?since=1", text);
    assert_int_equal(jobs_of(next_event(&one, patient_s, &id)), 1);
    hang_up(&one);
    one = listen_with("?since=1", "");
    assert_int_equal(jobs_of(next_event(&one, patient_s, &id)), 2);
    hang_up(&one);
    assert_int_equal(get("/events?since=x").code, 400);
    assert_int_equal(ask("GET", "/events", "Last-Event-ID: x\r\n", NULL).code, 400);
}

/* Whoever is signed out hears no more. */
static void test_signed_out(void **state)
{
    uint64_t id;
    char cookie[200];
    (void)state;
    site.setup.listen = "0.0.0.0:0";
    site.setup.token_file = site.token_file;
    site_start();
    struct reply reply = ask("POST", "/login", "Content-Type: application/x-www-form-urlencoded\r\n", "token=" TOKEN);
    const char *set = header(&reply, "Set-Cookie");
    snprintf(cookie, sizeof cookie, "Cookie: %.*s\r\n", (int)strcspn(set, ";"), set);
    struct listener one = listen_with("", cookie);
    json_decref(next_event(&one, patient_s, &id));
    assert_int_equal(ask("POST", "/logout", cookie, "").code, 403); /* without an Origin */
    snprintf(cookie + strlen(cookie), sizeof cookie - strlen(cookie), "Origin: http://127.0.0.1:%u\r\n", site_port());
    assert_int_equal(ask("POST", "/logout", cookie, "").code, 204);
    assert_null(next_event(&one, patient_s, &id));
    assert_true(one.ended);
    hang_up(&one);
}

static void test_many_listeners(void **state)
{
    enum { MOST = 20 };
    struct listener all[MOST];
    uint64_t id;
    (void)state;
    for (int i = 0; i < MOST; i++) {
        all[i] = listen_with("", "");
        json_decref(next_event(&all[i], patient_s, &id));
    }
    assert_int_equal(get("/events").code, 503);
    assert_int_equal(get("/healthz").code, 200);
    for (int i = 0; i < MOST; i++)
        hang_up(&all[i]);
    int code = 503; /* the places are free when their threads have seen it */
    for (double until = vd_monotonic() + patient_s; code == 503 && vd_monotonic() < until;) {
        struct listener one = listen_with("", "");
        json_t *look = next_event(&one, 1, &id);
        code = look ? 200 : 503;
        json_decref(look);
        hang_up(&one);
    }
    assert_int_equal(code, 200);
}

/* --- a folder that does not answer, as an NFS mount whose server is gone */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hangs, reached;
} folder = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

ssize_t __real_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset);

ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset)
{
    pthread_mutex_lock(&folder.lock);
    folder.reached = true;
    pthread_cond_broadcast(&folder.changed);
    while (folder.hangs)
        pthread_cond_wait(&folder.changed, &folder.lock);
    pthread_mutex_unlock(&folder.lock);
    return __real_pread(fd, buffer, size, offset);
}

static void let_hang(bool hangs)
{
    pthread_mutex_lock(&folder.lock);
    folder.hangs = hangs;
    folder.reached = false;
    pthread_cond_broadcast(&folder.changed);
    pthread_mutex_unlock(&folder.lock);
}

static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *task; (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* The end does not wait for a disk either. */
static void test_folder_hangs(void **state)
{
    static const char request[] = "GET /media/job-1/original HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static struct vd_web *left; /* what is left is reached from here */
    (void)state;
    site_stop();
    int before = threads();
    site_start();
    left = site.web;
    let_hang(true);
    int fd = site_connect();
    assert_true(say(fd, request, sizeof request - 1));
    pthread_mutex_lock(&folder.lock);
    while (!folder.reached)
        pthread_cond_wait(&folder.changed, &folder.lock);
    pthread_mutex_unlock(&folder.lock);
    site.web = NULL;
    assert_false(vd_web_stop(left));
    close(fd);
    let_hang(false);
    double until = vd_monotonic() + patient_s;
    while (threads() > before && vd_monotonic() < until)
        poll(NULL, 0, 20);
    assert_int_equal(threads(), before); /* nobody uses the board any more */
}

/* The end does not wait for those who listen. */
static void test_stop(void **state)
{
    uint64_t id;
    (void)state;
    struct listener one = listen_with("", "");
    json_decref(next_event(&one, patient_s, &id));
    double began = vd_monotonic();
    site_stop();
    assert_true(vd_monotonic() - began < 10);
    assert_null(next_event(&one, patient_s, &id));
    assert_true(one.ended);
    hang_up(&one);
}

#define test(name) cmocka_unit_test_setup_teardown(name, make_and_start, site_drop)
#define test_stopped(name) cmocka_unit_test_setup_teardown(name, make, site_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_whole),
        test(test_ranges),
        test(test_if_range),
        test(test_kept_alive),
        test_stopped(test_off),
        test(test_moved),
        test(test_known_by),
        test(test_documents_lie),
        test(test_root_away),
        test(test_cut_off),
        cmocka_unit_test(test_types),
        test(test_first_event),
        test(test_events),
        test(test_sign_of_life),
        test(test_since),
        test_stopped(test_signed_out),
        test(test_many_listeners),
        test(test_stop),
        test(test_folder_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
