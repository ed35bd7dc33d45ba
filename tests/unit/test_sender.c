/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kafka.h"

#include "vidriera/sender.h"

/* What was said of orders. */
struct fate {
    int acknowledged, given_back;
    char last[VD_JOB_ID], why_not[400];
};

static void note(void *opaque, const char *job, bool acknowledged, const char *why_not)
{
    struct fate *fate = opaque;
    *(acknowledged ? &fate->acknowledged : &fate->given_back) += 1;
    snprintf(fate->last, sizeof fate->last, "%s", job);
    snprintf(fate->why_not, sizeof fate->why_not, "%s", why_not ? why_not : "");
}

static void settle(struct vd_sender *sender)
{
    while (vd_sender_poll(sender, 1000) > 0)
        ;
}

/* The first message of a topic of one partition. */
static rd_kafka_message_t *first_of(rd_kafka_t *consumer, enum vd_topic topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, vd_topic_name(topic), 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(consumer, list), 0);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 10000);
    assert_non_null(message);
    assert_int_equal(message->err, 0);
    return message;
}

static void assert_header(const rd_kafka_headers_t *headers, const char *name, const char *wanted)
{
    const void *value = NULL;
    size_t size;
    int ret = rd_kafka_header_get_last(headers, name, &value, &size);
    if (!wanted)
        assert_int_not_equal(ret, 0);
    else
        assert_string_equal(ret == 0 ? value : "none", wanted);
}

static void assert_message(const rd_kafka_message_t *message, const char *key, const char *text)
{
    assert_int_equal(message->key_len, strlen(key));
    assert_memory_equal(message->key, key, message->key_len);
    assert_int_equal(message->len, strlen(text));
    assert_memory_equal(message->payload, text, message->len);
}

static void sends(void **state)
{
    static const char trace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    struct mock mock;
    struct fate fate = {0};
    struct vd_sender *sender;
    struct vd_err err;
    rd_kafka_headers_t *headers;
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 1);
    assert_int_equal(vd_sender_open(&sender, &mock.setup, 10000, note, &fate, &err), 0);
    assert_int_equal(vd_sender_send(sender, "job-1", "{\"input\":{}}", trace, &err), 0);
    settle(sender);
    assert_int_equal(vd_sender_control(sender, "job-2", "cancel", &err), 0);
    settle(sender);
    assert_int_equal(fate.acknowledged, 2);
    assert_string_equal(fate.last, "job-2");
    vd_sender_close(sender);

    rd_kafka_t *consumer = client_open(mock.pairs[0].value, RD_KAFKA_CONSUMER);
    rd_kafka_message_t *message = first_of(consumer, VD_TOPIC_JOBS);
    assert_message(message, "job-1", "{\"input\":{}}");
    assert_int_equal(rd_kafka_message_headers(message, &headers), 0);
    assert_header(headers, "content-type", "application/json");
    assert_header(headers, "ce_specversion", "1.0");
    assert_header(headers, "ce_id", "job-1");
    assert_header(headers, "ce_source", "unit");
    assert_header(headers, "ce_type", "vidriera.job.requested.v1");
    assert_header(headers, "traceparent", trace);
    rd_kafka_message_destroy(message);
    message = first_of(consumer, VD_TOPIC_CONTROL);
    assert_message(message, "job-2", "{\"job\":\"job-2\",\"action\":\"cancel\"}");
    rd_kafka_message_destroy(message);
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    mock_close(&mock);
}

static void no_broker(void **state)
{
    const struct vd_pair pair = {"bootstrap.servers", "127.0.0.1:1"};
    const struct vd_bus_setup setup = {.kafka = &pair, .count = 1};
    struct fate fate = {0};
    struct vd_sender *sender;
    struct vd_err err;
    (void)state;
    assert_int_equal(vd_sender_open(&sender, &setup, 300, note, &fate, &err), 0);
    assert_int_equal(vd_sender_send(sender, "job-1", "{}", NULL, &err), 0);
    settle(sender);
    assert_int_equal(fate.given_back, 1);
    assert_string_equal(fate.last, "job-1");
    assert_non_null(strstr(fate.why_not, "Connection refused"));
    vd_sender_close(sender);
}

/* Nothing that was taken gets lost without a word. */
static void closes_with_orders(void **state)
{
    const struct vd_pair pair = {"bootstrap.servers", "127.0.0.1:1"};
    const struct vd_bus_setup setup = {.kafka = &pair, .count = 1};
    struct fate fate = {0};
    struct vd_sender *sender;
    struct vd_err err = {0};
    int sent = 0;
    (void)state;
    assert_int_equal(vd_sender_open(&sender, &setup, 3600000, note, &fate, &err), 0);
    while (vd_sender_send(sender, "job-1", "{}", "", &err) == 0)
        sent++;
    assert_int_equal(err.code, VD_AGAIN);
    assert_int_equal(vd_sender_poll(sender, 0), sent);
    vd_sender_close(sender);
    assert_int_equal(fate.given_back, sent);
    assert_int_equal(fate.acknowledged, 0);
    vd_sender_close(NULL);
}

static void no_topic(void **state)
{
    struct mock mock;
    struct fate fate = {0};
    struct vd_sender *sender;
    struct vd_err err;
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 1);
    rd_kafka_mock_topic_set_error(mock.cluster, "vidriera.jobs", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_int_equal(vd_sender_open(&sender, &mock.setup, 2000, note, &fate, &err), 0);
    assert_int_equal(vd_sender_send(sender, "job-1", "{}", NULL, &err), 0);
    settle(sender);
    assert_int_equal(fate.given_back, 1);
    assert_string_equal(fate.why_not, "there is no topic vidriera.jobs; make it with: vidriera topics --create");
    vd_sender_close(sender);
    mock_close(&mock);
}

/* An idempotent producer that has lost count is useless for ever; the sender is not. */
static void survives_fatal_error(void **state)
{
    struct mock mock;
    struct fate fate = {0};
    struct vd_sender *sender;
    struct vd_err err;
    (void)state;
    mock_open(&mock);
    mock_topics(&mock, 1);
    assert_int_equal(vd_sender_open(&sender, &mock.setup, 10000, note, &fate, &err), 0);
    rd_kafka_mock_push_request_errors(mock.cluster, 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_int_equal(vd_sender_send(sender, "job-1", "{}", NULL, &err), 0);
    settle(sender);
    assert_int_equal(fate.given_back, 1);
    assert_int_equal(vd_sender_send(sender, "job-2", "{}", NULL, &err), 0);
    settle(sender);
    assert_int_equal(fate.acknowledged, 1);
    assert_string_equal(fate.last, "job-2");
    vd_sender_close(sender);
    mock_close(&mock);
}

static void bad_configuration(void **state)
{
    const struct vd_pair pair = {"security.protocol", "carrier pigeon"};
    const struct vd_bus_setup setup = {.kafka = &pair, .count = 1};
    struct vd_sender *sender;
    struct vd_err err = {0};
    (void)state;
    assert_int_equal(vd_sender_open(&sender, &setup, 1000, note, NULL, &err), -1);
    assert_null(sender);
    assert_int_equal(err.code, VD_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sends),
                                       cmocka_unit_test(no_broker),
                                       cmocka_unit_test(closes_with_orders),
                                       cmocka_unit_test(no_topic),
                                       cmocka_unit_test(survives_fatal_error),
                                       cmocka_unit_test(bad_configuration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
