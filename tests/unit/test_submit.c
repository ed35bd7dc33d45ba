/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command as it is called, against the mock cluster; a thread plays the worker. */
#include "kafka.h"

#include "cli.h"

#include "vidriera/order.h"
#include "vidriera/roots.h"
#include "vidriera/state.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

static const struct vd_command submit = {"submit", "PATH...", "…", VD_COMMAND_SUBMIT, vd_cmd_submit};

/* main.c has the program's. */
const struct vd_command *vd_command_at(int i)
{
    return i == 0 ? &submit : NULL;
}

struct fixture {
    char data[32];
    struct mock mock;
    struct vd_roots roots;
    char out[8192], said[8192]; /* by the last call */
};

static void put_file(const struct fixture *fixture, const char *path, const char *content)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", fixture->data, path);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(content, file);
    fclose(file);
}

static void put_folder(const struct fixture *fixture, const char *path)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", fixture->data, path);
    assert_int_equal(mkdir(full, 0755), 0);
}

static int begin(void **state)
{
    static struct fixture fixture;
    struct vd_err err;
    fixture = (struct fixture){.roots = VD_ROOTS_NONE};
    folder_make(fixture.data);
    assert_int_equal(vd_roots_open(&fixture.roots, fixture.data, NULL, (const char *const[VD_ROOTS]){NULL}, &err), 0);
    put_folder(&fixture, "recordings/s");
    put_folder(&fixture, "recordings/s/deep");
    put_folder(&fixture, "recordings/empty");
    put_file(&fixture, "recordings/s/good.mp4", "1");
    put_file(&fixture, "recordings/s/deep/bad one.mkv", "2");
    put_file(&fixture, "recordings/s/.hidden.mp4", "3");
    put_file(&fixture, "recordings/s/metadata.json", "{}");
    put_file(&fixture, "outside.mp4", "4");
    mock_open(&fixture.mock);
    mock_topics(&fixture.mock, 2);
    assert_int_equal(setenv("VIDRIERA_DATA", fixture.data, 1), 0);
    assert_int_equal(setenv("VIDRIERA_KAFKA_BOOTSTRAP_SERVERS", fixture.mock.pairs[0].value, 1), 0);
    *state = &fixture;
    return 0;
}

static int finish(void **state)
{
    struct fixture *fixture = *state;
    vd_roots_close(&fixture->roots);
    mock_close(&fixture->mock);
    folder_drop(fixture->data);
    return 0;
}

/* Words with blanks between; @ stands for the data folder, _ in a path for a blank. */
static int call(struct fixture *fixture, const char *words)
{
    char texts[16][256] = {"submit"}, *argv[17] = {texts[0]};
    struct capture out, said;
    int argc = 1;
    for (const char *word = words; *word; word += strspn(word, " ")) {
        int length = (int)strcspn(word, " ");
        snprintf(texts[argc], sizeof texts[argc], "%s%.*s", *word == '@' ? fixture->data : "", length - (*word == '@'),
                 word + (*word == '@'));
        for (char *blank = texts[argc]; *word == '@' && (blank = strchr(blank, '_'));)
            *blank = ' ';
        argv[argc] = texts[argc];
        argc++;
        word += length;
    }
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&said, STDERR_FILENO);
    int status = vd_cmd_submit(&submit, argc, argv);
    capture_end(&said, fixture->said, sizeof fixture->said);
    capture_end(&out, fixture->out, sizeof fixture->out);
    return status;
}

static void want_said(const struct fixture *fixture, const char *text)
{
    if (!strstr(fixture->said, text))
        fail_msg("\"%s\" is not said in: %s", text, fixture->said);
}

/* The orders in the spool, and the last one's. */
struct spooled {
    int count;
    struct vd_order order;
    struct vd_recipe worker; /* what the worker does where an order is silent */
};

static bool read_spooled(void *opaque, const char *name, const char *text, size_t size)
{
    struct spooled *spooled = opaque;
    struct vd_err err;
    (void)name;
    vd_order_finish(&spooled->order);
    assert_int_equal(vd_order_parse(&spooled->order, text, size, NULL, 0, &spooled->worker, &err), 0);
    spooled->count++;
    return true;
}

static void refuses(void **state)
{
    struct fixture *fixture = *state;
    struct spooled spooled = {0};
    char words[64];
    assert_int_equal(call(fixture, "@/recordings/s/nothing.mp4"), 66);
    want_said(fixture, "nothing.mp4: no such file");
    assert_int_equal(call(fixture, "@/outside.mp4"), 64);
    snprintf(words, sizeof words, "%s/recordings", fixture->data);
    want_said(fixture, words);
    assert_int_equal(call(fixture, "@/recordings/empty"), 66);
    want_said(fixture, "no recording in it");
    assert_int_equal(call(fixture, "--json @/recordings/s/good.mp4"), 64);
    /* one that is wrong, and none goes */
    assert_int_equal(call(fixture, "@/recordings/s/good.mp4 @/outside.mp4"), 64);
    assert_int_equal(vd_spool_each(&fixture->roots, read_spooled, &spooled, NULL), 0);
    assert_int_equal(call(fixture, "@/recordings/s --left colourless"), 64);
}

static void keeps_without_broker(void **state)
{
    struct fixture *fixture = *state;
    struct spooled spooled = {0};
    struct vd_job defaults;
    vd_job_defaults(&defaults);
    spooled.worker = defaults.recipe;
    spooled.worker.effect.strength = 0.9;
    unsetenv("VIDRIERA_KAFKA_BOOTSTRAP_SERVERS");
    assert_int_equal(call(fixture, "@/recordings @/recordings/s/good.mp4"), 0);
    want_said(fixture, "s/good.mp4: kept in the spool");
    assert_int_equal(vd_spool_each(&fixture->roots, read_spooled, &spooled, NULL), 2);
    assert_string_equal(spooled.order.root, "recordings");
    assert_string_equal(spooled.order.path, "s/good.mp4");
    assert_true(spooled.order.recipe.effect.strength == 0.9); /* nobody asked for another */
    assert_int_equal(setenv("VIDRIERA_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", 1), 0);
    /* asked for, although it is what submit's own configuration says */
    assert_int_equal(call(fixture, "@/recordings/s/deep/bad_one.mkv --strength 0.3 --left blue --codec hevc"), 0);
    want_said(fixture, "Connection refused");
    assert_int_equal(vd_spool_each(&fixture->roots, read_spooled, &spooled, NULL), 3);
    assert_string_equal(spooled.order.path, "s/deep/bad one.mkv");
    assert_true(spooled.order.recipe.effect.strength == 0.3);
    assert_int_equal(spooled.order.recipe.codec, VD_CODEC_HEVC);
    vd_order_finish(&spooled.order);
}

/* Plays the worker, as the names of recordings tell it. */
struct player {
    const char *servers;
    pthread_t thread;
    atomic_bool stop;
    atomic_int taken;
    char id[VD_JOB_ID]; /* of the last job */
};

static void answer(rd_kafka_t *producer, const char *job, const char *order)
{
    char text[512];
    client_put(producer, VD_TOPIC_STATUS, job, "{\"state\":\"running\",\"fraction\":0.5}");
    client_put(producer, VD_TOPIC_RESULTS, "somebody-else", "{\"status\":\"failed\"}");
    snprintf(text, sizeof text, "{\"job\":\"%s\",\"status\":\"completed\",\"output\":{\"path\":\"x.mp4\"}}", job);
    if (strstr(order, "bad"))
        snprintf(text, sizeof text,
                 "{\"job\":\"%s\",\"status\":\"failed\",\"error\":{\"code\":\"input\",\"message\":\"is torn\"}}", job);
    if (strstr(order, "again"))
        client_put(producer, VD_TOPIC_STATUS, job, "{\"state\":\"completed\"}");
    else
        client_put(producer, VD_TOPIC_RESULTS, job, text);
}

static void *play(void *opaque)
{
    struct player *player = opaque;
    rd_kafka_t *producer = client_open(player->servers, RD_KAFKA_PRODUCER);
    rd_kafka_t *consumer = client_open(player->servers, RD_KAFKA_CONSUMER);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    for (int i = 0; i < 2; i++)
        rd_kafka_topic_partition_list_add(list, vd_topic_name(VD_TOPIC_JOBS), i)->offset = 0;
    rd_kafka_assign(consumer, list);
    rd_kafka_topic_partition_list_destroy(list);
    while (!player->stop) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
        if (message && !message->err) {
            char order[1024];
            snprintf(player->id, sizeof player->id, "%.*s", (int)message->key_len, (const char *)message->key);
            snprintf(order, sizeof order, "%.*s", (int)message->len, (const char *)message->payload);
            player->taken++;
            answer(producer, player->id, order);
        }
        if (message)
            rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    rd_kafka_destroy(producer);
    return NULL;
}

static void waits(void **state)
{
    struct fixture *fixture = *state;
    struct player player = {.servers = fixture->mock.pairs[0].value};
    char first[VD_JOB_ID];
    assert_int_equal(pthread_create(&player.thread, NULL, play, &player), 0);
    assert_int_equal(call(fixture, "--wait @/recordings/s/good.mp4"), 0);
    assert_string_equal(fixture->out, "");
    want_said(fixture, "s/good.mp4: completed: processed/x.mp4");
    strcpy(first, player.id);

    assert_int_equal(call(fixture, "--wait --json @/recordings/s"), 65);
    want_said(fixture, "s/deep/bad one.mkv: failed: is torn");
    json_t *document = json_loads(strstr(fixture->out, "{"), JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(json_object_get(document, "status"));
    json_decref(document);
    assert_non_null(strchr(strchr(fixture->out, '\n') + 1, '\n')); /* two of them */
    assert_int_equal(player.taken, 3);

    put_file(fixture, "recordings/s/again.mp4", "5"); /* done before: there is no result */
    assert_int_equal(call(fixture, "--wait @/recordings/s/again.mp4"), 0);
    assert_int_equal(call(fixture, "--wait @/recordings/s/good.mp4"), 0);
    assert_string_equal(player.id, first);
    player.stop = true;
    pthread_join(player.thread, NULL);
}

/* The worker is there, but no broker is: it finds the order in the spool, and the end is in the state folder. */
static void *work_from_spool(void *opaque)
{
    struct fixture *fixture = opaque;
    struct spooled spooled = {0};
    json_t *document;
    struct vd_job defaults;
    vd_job_defaults(&defaults);
    spooled.worker = defaults.recipe;
    while (vd_spool_each(&fixture->roots, read_spooled, &spooled, NULL) == 0)
        poll(NULL, 0, 20);
    document = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:s}}", "job", spooled.order.id, "status",
                         "rejected", "input", "root", "recordings", "path", "s/good.mp4", "error", "code", "no-input",
                         "message", "is gone", "replay", "topic", "vidriera.jobs");
    assert_int_equal(vd_done_write(&fixture->roots, document, NULL), 0);
    json_decref(document);
    vd_order_finish(&spooled.order);
    return NULL;
}

static void waits_without_broker(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    unsetenv("VIDRIERA_KAFKA_BOOTSTRAP_SERVERS");
    assert_int_equal(pthread_create(&thread, NULL, work_from_spool, fixture), 0);
    assert_int_equal(call(fixture, "--wait --json @/recordings/s/good.mp4"), 66);
    pthread_join(thread, NULL);
    want_said(fixture, "s/good.mp4: rejected: is gone");
    assert_non_null(strstr(fixture->out, "\"rejected\""));
    assert_null(strstr(fixture->out, "replay"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses, begin, finish),
        cmocka_unit_test_setup_teardown(keeps_without_broker, begin, finish),
        cmocka_unit_test_setup_teardown(waits, begin, finish),
        cmocka_unit_test_setup_teardown(waits_without_broker, begin, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
