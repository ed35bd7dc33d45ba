/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/topics.h"

#include "deadline.h"
#include "kafka_conf.h"
#include "last_error.h"
#include "lookup.h"
#include "topic_table.h"

#include <assert.h>
#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* One topic on the broker. */
struct found {
    bool there, made;
    int partitions;
};

struct check {
    struct vd_last_error last;
    const struct vd_bus_setup *setup;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue; /* of answers to administrative requests */
    int timeout_ms;
    int64_t until_ms;
    struct found topics[VD_TOPICS];
    vd_topics_say *say;
    void *opaque;
};

/* At least 1, so that what is at hand is still taken. */
static int left_ms(const struct check *check)
{
    int left = vd_left_ms(check->until_ms);
    return left ? left : 1;
}

static void say(const struct check *check, bool good, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void say(const struct check *check, bool good, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    check->say(check->opaque, good, line);
}

static int check_open(struct check *check, struct vd_err *err)
{
    rd_kafka_conf_t *conf = vd_kafka_conf(check->setup, "topics", err);
    if (!conf)
        return -1;
    vd_last_error_watch(conf, &check->last);
    /* else a broker makes a topic that is merely asked for, with its own defaults */
    if (vd_kafka_conf_set(conf, "allow.auto.create.topics", "false", err) == 0)
        check->rk = vd_kafka_new(RD_KAFKA_PRODUCER, &conf, err);
    if (conf)
        rd_kafka_conf_destroy(conf);
    if (!check->rk)
        return -1;
    check->queue = rd_kafka_queue_new(check->rk);
    return 0;
}

static void check_close(struct check *check)
{
    if (check->queue)
        rd_kafka_queue_destroy(check->queue);
    if (check->rk)
        rd_kafka_destroy(check->rk);
}

static int fail_unavailable(struct check *check, struct vd_err *err)
{
    rd_kafka_poll(check->rk, 0);
    return vd_last_error_fail(&check->last, check->setup, check->timeout_ms, err);
}

static int fail_refused(const struct check *check, enum vd_topic topic, rd_kafka_resp_err_t code, const char *may,
                        const char *what, struct vd_err *err)
{
    char words[256];
    vd_refusal_words(code, may, topic, words, sizeof words);
    say(check, false, "%s: %s: %s", vd_topic_name(topic), what, words);
    return vd_fail(err, VD_CONFIG, "kafka", "%s: %s: %s", vd_topic_name(topic), what, words);
}

/* Is the topic there? Asked again while no broker answers. */
static int look_up(struct check *check, enum vd_topic topic, struct vd_err *err)
{
    struct found *found = &check->topics[topic];
    rd_kafka_resp_err_t answer;
    while (vd_topic_look_up(check->rk, topic, left_ms(check), &answer, &found->partitions)) {
        if (!vd_left_ms(check->until_ms))
            return fail_unavailable(check, err);
        rd_kafka_poll(check->rk, 100); /* a while */
    }
    found->there = !answer || answer == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    if (found->there || answer == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        return 0;
    return fail_refused(check, topic, answer, "Describe", "it cannot be looked up", err);
}

/* The next answer to an administrative request, whatever its outcome. NULL: none within the time. */
static rd_kafka_event_t *await(struct check *check)
{
    return rd_kafka_queue_poll(check->queue, left_ms(check) + 500); /* the request times out before */
}

static rd_kafka_AdminOptions_t *admin_options(struct check *check, rd_kafka_admin_op_t operation)
{
    char why[128];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(check->rk, operation);
    rd_kafka_AdminOptions_set_request_timeout(options, left_ms(check), why, sizeof why);
    return options;
}

static rd_kafka_NewTopic_t *new_topic(enum vd_topic topic, int replicas)
{
    char why[128];
    const struct vd_topic_row *row = vd_topic_row(topic);
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(vd_topic_name(topic), row->partitions, replicas, why, sizeof why);
    assert(made); /* a row that librdkafka does not take */
    for (const struct vd_topic_setting *setting = row->settings; setting->name; setting++)
        rd_kafka_NewTopic_set_config(made, setting->name, setting->value);
    return made;
}

/* Asks for all that are missing at once. replicas -1: as many as the broker gives by default. */
static rd_kafka_event_t *request_topics(struct check *check, int replicas)
{
    rd_kafka_NewTopic_t *wanted[VD_TOPICS];
    size_t count = 0;
    rd_kafka_AdminOptions_t *options = admin_options(check, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    for (int i = 0; i < VD_TOPICS; i++)
        if (!check->topics[i].there)
            wanted[count++] = new_topic((enum vd_topic)i, replicas);
    rd_kafka_CreateTopics(check->rk, wanted, count, options, check->queue);
    rd_kafka_NewTopic_destroy_array(wanted, count);
    rd_kafka_AdminOptions_destroy(options);
    return await(check);
}

static enum vd_topic topic_named(const char *name)
{
    int i = 0;
    while (i < VD_TOPICS - 1 && strcmp(vd_topic_name((enum vd_topic)i), name) != 0)
        i++;
    return (enum vd_topic)i;
}

/* What became of one. */
static int take_made(struct check *check, const rd_kafka_topic_result_t *result, struct vd_err *err)
{
    enum vd_topic topic = topic_named(rd_kafka_topic_result_name(result));
    struct found *found = &check->topics[topic];
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(result);
    const char *words = rd_kafka_topic_result_error_string(result);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) /* somebody else did it at the same time */
        return look_up(check, topic, err);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
        return fail_refused(check, topic, code, "Create", "it cannot be made", err);
    if (code) {
        say(check, false, "%s: it cannot be made: %s", vd_topic_name(topic), words ? words : rd_kafka_err2str(code));
        return vd_fail(err, VD_CONFIG, "kafka", "%s: it cannot be made: %s; make it with the broker's own tools",
                       vd_topic_name(topic), words ? words : rd_kafka_err2str(code));
    }
    *found = (struct found){true, true, vd_topic_row(topic)->partitions};
    return 0;
}

static int create_missing(struct check *check, struct vd_err *err)
{
    rd_kafka_event_t *event = request_topics(check, -1);
    if (event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
        rd_kafka_event_destroy(event);
        event = request_topics(check, 1); /* before Kafka 2.4 a number had to be named */
    }
    const rd_kafka_CreateTopics_result_t *results = event ? rd_kafka_event_CreateTopics_result(event) : NULL;
    int ret = 0;
    if (!results || rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        ret = fail_unavailable(check, err);
    } else if (rd_kafka_event_error(event)) {
        ret = vd_fail(err, VD_CONFIG, "kafka",
                      "kafka: topics cannot be made: %s; make them with the broker's own tools",
                      rd_kafka_event_error_string(event));
    } else {
        size_t count;
        const rd_kafka_topic_result_t **topics = rd_kafka_CreateTopics_result_topics(results, &count);
        for (size_t i = 0; i < count; i++)
            if (take_made(check, topics[i], ret < 0 ? NULL : err) < 0)
                ret = -1;
    }
    if (event)
        rd_kafka_event_destroy(event);
    return ret;
}

/* The table's settings of a topic, as one text: "retention.ms=-1, …". */
static const char *settings_text(enum vd_topic topic, char *text, size_t size)
{
    size_t used = 0;
    *text = '\0';
    for (const struct vd_topic_setting *setting = vd_topic_row(topic)->settings; setting->name && used < size;
         setting++)
        used += (size_t)snprintf(text + used, size - used, "%s%s=%s", used ? ", " : "", setting->name, setting->value);
    return text;
}

static const char *value_of(const rd_kafka_ConfigEntry_t **entries, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), name))
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

/* Tells what differs, a line each, or that nothing does. */
static void compare(const struct check *check, enum vd_topic topic, const rd_kafka_ConfigEntry_t **entries,
                    size_t count)
{
    char text[256];
    const char *name = vd_topic_name(topic);
    const struct vd_topic_row *row = vd_topic_row(topic);
    int partitions = check->topics[topic].partitions;
    bool good = !row->fewer || partitions >= row->partitions;
    if (!good)
        say(check, false, "%s: %d partitions instead of %d: %s; kafka-topics --alter --topic %s --partitions %d", name,
            partitions, row->partitions, row->fewer, name, row->partitions);
    for (const struct vd_topic_setting *setting = row->settings; setting->name; setting++) {
        const char *value = value_of(entries, count, setting->name);
        if (!value || vd_topic_setting_fits(setting, value))
            continue;
        good = false;
        say(check, false, "%s: %s=%s instead of %s: %s; kafka-configs --alter --topic %s --add-config %s=%s%s%s", name,
            setting->name, value, setting->value, setting->otherwise, name, setting->name,
            strchr(setting->value, ',') ? "[" : "", setting->value, strchr(setting->value, ',') ? "]" : "");
    }
    if (good)
        say(check, true, "%s: %d partitions, %s: as it should be", name, partitions,
            settings_text(topic, text, sizeof text));
}

static void take_settings(const struct check *check, const rd_kafka_ConfigResource_t *resource)
{
    char words[256];
    size_t count;
    enum vd_topic topic = topic_named(rd_kafka_ConfigResource_name(resource));
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resource);
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    if (!code) {
        compare(check, topic, entries, count);
        return;
    }
    vd_refusal_words(code, "DescribeConfigs", topic, words, sizeof words);
    say(check, false, "%s: %d partitions; its settings cannot be read: %s", vd_topic_name(topic),
        check->topics[topic].partitions, words);
}

/* Of the topics that were there before. A broker that does not tell is not worth failing for. */
static void describe(struct check *check)
{
    rd_kafka_ConfigResource_t *asked[VD_TOPICS];
    size_t count = 0;
    for (int i = 0; i < VD_TOPICS; i++)
        if (check->topics[i].there && !check->topics[i].made)
            asked[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, vd_topic_name((enum vd_topic)i));
    if (count == 0)
        return;
    rd_kafka_AdminOptions_t *options = admin_options(check, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(check->rk, asked, count, options, check->queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_event_t *event = await(check);
    const rd_kafka_DescribeConfigs_result_t *result = event ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
    if (result && !rd_kafka_event_error(event)) {
        size_t told;
        const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(result, &told);
        for (size_t i = 0; i < told; i++)
            take_settings(check, resources[i]);
    } else {
        for (size_t i = 0; i < count; i++)
            say(check, false, "%s: there; its settings cannot be read: %s", rd_kafka_ConfigResource_name(asked[i]),
                event ? rd_kafka_event_error_string(event) : "no answer");
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy_array(asked, count);
}

/* Those that are not there, after whatever was made. */
static int report_missing(const struct check *check, struct vd_err *err)
{
    char names[160] = "";
    size_t used = 0;
    for (int i = 0; i < VD_TOPICS; i++) {
        const char *name = vd_topic_name((enum vd_topic)i);
        if (check->topics[i].there)
            continue;
        say(check, false, "%s: missing", name);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", name);
    }
    if (!used)
        return 0;
    return vd_fail(err, VD_CONFIG, "kafka", "kafka: missing: %s; make what is missing with: vidriera topics --create",
                   names);
}

static void report_made(const struct check *check)
{
    char text[256];
    for (int i = 0; i < VD_TOPICS; i++)
        if (check->topics[i].made)
            say(check, true, "%s: made, %d partitions, %s", vd_topic_name((enum vd_topic)i),
                check->topics[i].partitions, settings_text((enum vd_topic)i, text, sizeof text));
}

static int run(struct check *check, bool create, struct vd_err *err)
{
    bool missing = false;
    for (int i = 0; i < VD_TOPICS; i++) {
        if (look_up(check, (enum vd_topic)i, err) < 0)
            return -1;
        missing = missing || !check->topics[i].there;
    }
    int ret = missing && create ? create_missing(check, err) : 0;
    report_made(check);
    describe(check);
    if (missing && !create)
        ret = report_missing(check, err);
    return ret;
}

int vd_topics_check(const struct vd_bus_setup *setup, bool create, int timeout_ms, vd_topics_say *told, void *opaque,
                    struct vd_err *err)
{
    struct check check = {.setup = setup,
                          .timeout_ms = timeout_ms,
                          .until_ms = vd_monotonic_ms() + timeout_ms,
                          .say = told,
                          .opaque = opaque};
    if (setup->embedded) { /* it makes them itself, and answers no such question */
        for (int i = 0; i < VD_TOPICS; i++)
            say(&check, true, "%s: on the embedded broker", vd_topic_name((enum vd_topic)i));
        return 0;
    }
    int ret = check_open(&check, err);
    if (ret == 0)
        ret = run(&check, create, err);
    check_close(&check);
    return ret;
}
