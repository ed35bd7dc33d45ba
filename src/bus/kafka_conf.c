/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kafka_conf.h"

#include "vidriera/log.h"
#include "vidriera/now.h"

#include <fnmatch.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { LINES_A_SECOND = 20 };

#define LEAVE_OUT "leave it out"
#define COMMITS "an order's offset is committed with its result, by us alone"
#define TRANSACTIONS "results are sent exactly once, in transactions that depend on it"
#define EMBEDDING "it is for programs that embed librdkafka"

/* What would break a promise, by pattern. The rest is the user's. */
static const struct {
    const char *pattern, *why, *cure;
} protected[] = {
    {"*_cb", EMBEDDING, LEAVE_OUT},
    {"acks", TRANSACTIONS, LEAVE_OUT},
    {"allow.auto.create.topics", "topics are made with their settings", "use `vidriera topics --create`"},
    {"auto.commit.enable", COMMITS, LEAVE_OUT},
    {"auto.commit.interval.ms", COMMITS, LEAVE_OUT},
    {"auto.offset.reset", "a new group begins with the oldest order, so that none is left", LEAVE_OUT},
    {"consume.callback.max.messages", EMBEDDING, LEAVE_OUT},
    {"default_topic_conf", EMBEDDING, LEAVE_OUT},
    {"delivery.report.only.error", "every acknowledgement is awaited", LEAVE_OUT},
    {"delivery.timeout.ms", TRANSACTIONS, LEAVE_OUT},
    {"enable.auto.commit", COMMITS, LEAVE_OUT},
    {"enable.auto.offset.store", COMMITS, LEAVE_OUT},
    {"enable.gapless.guarantee", TRANSACTIONS, LEAVE_OUT},
    {"enable.idempotence", TRANSACTIONS, LEAVE_OUT},
    {"enable.partition.eof", "nothing here waits for a partition's end", LEAVE_OUT},
    {"enabled_events", EMBEDDING, LEAVE_OUT},
    {"group.id", "it is a setting of its own", "use the setting `group`"},
    {"group.instance.id", "it belongs together with the transactional id", "use the setting `instance`"},
    {"group.protocol*", "orders are shared by the classic protocol, cooperatively", LEAVE_OUT},
    {"group.remote.assignor", "orders are shared by the classic protocol, cooperatively", LEAVE_OUT},
    {"interceptors", EMBEDDING, LEAVE_OUT},
    {"internal.*", EMBEDDING, LEAVE_OUT},
    {"isolation.level", "an order of an aborted transaction must not be taken", LEAVE_OUT},
    {"log.queue", EMBEDDING, LEAVE_OUT},
    {"max.in.flight*", TRANSACTIONS, LEAVE_OUT},
    {"message.send.max.retries", TRANSACTIONS, LEAVE_OUT},
    {"message.timeout.ms", TRANSACTIONS, LEAVE_OUT},
    {"msg_order_cmp", EMBEDDING, LEAVE_OUT},
    {"offset.store.*", COMMITS, LEAVE_OUT},
    {"opaque", EMBEDDING, LEAVE_OUT},
    {"partition.assignment.strategy", "a rebalance must leave running orders where they are", LEAVE_OUT},
    {"plugin.library.paths", "it would load foreign code beside the secrets", LEAVE_OUT},
    {"request.required.acks", TRANSACTIONS, LEAVE_OUT},
    {"retries", TRANSACTIONS, LEAVE_OUT},
    {"ssl_*", EMBEDDING, "use ssl.key.location, ssl.certificate.location, ssl.ca.location"},
    {"test.mock.*", "it would replace the broker by one that forgets", "use `vidriera run`"},
    {"transaction.timeout.ms", TRANSACTIONS, LEAVE_OUT},
    {"transactional.id", "it is made of group and instance", "use the setting `instance`"},
    {"ut_*", EMBEDDING, LEAVE_OUT},
};

/* Names whose values must not be quoted. */
static const char *const secret[] = {"*password*", "*secret*", "*.pem", "*username*", "*oauthbearer.config"};

static int check_protected(const char *name, struct vd_err *err)
{
    for (size_t i = 0; i < sizeof protected / sizeof *protected; i++)
        if (fnmatch(protected[i].pattern, name, 0) == 0)
            return vd_fail(err, VD_CONFIG, "", "kafka %s: not to be changed: %s; %s", name, protected[i].why,
                           protected[i].cure);
    return 0;
}

int vd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, struct vd_err *err)
{
    char why[256] = "";
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return 0;
    why[strcspn(why, "\n")] = '\0';
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        if (fnmatch(secret[i], name, 0) == 0)
            snprintf(why, sizeof why, "librdkafka refuses its value");
    return vd_fail(err, VD_CONFIG, "", "kafka %s: %s; see librdkafka's CONFIGURATION.md", name, why);
}

int vd_kafka_conf_default(rd_kafka_conf_t *conf, const struct vd_bus_setup *setup, const char *name, const char *value,
                          struct vd_err *err)
{
    for (int i = 0; i < setup->count; i++)
        if (strcmp(setup->kafka[i].name, name) == 0)
            return 0;
    return vd_kafka_conf_set(conf, name, value, err);
}

/* False: so many lines came within this second that this one is left out. */
static bool allow_line(void)
{
    static atomic_llong second;
    static atomic_int said;
    int64_t now = vd_monotonic_ms() / 1000;
    if (atomic_exchange(&second, now) != now) {
        int left_out = atomic_exchange(&said, 0) - LINES_A_SECOND;
        if (left_out > 0)
            vd_log(VD_LOG_DEBUG, "kafka: %d more lines left out", left_out);
    }
    return atomic_fetch_add(&said, 1) < LINES_A_SECOND;
}

/* On librdkafka's threads. What matters to people comes as events; these lines are for whoever looks for a cause. */
static void on_line(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    enum { SYSLOG_DEBUG = 7 };
    enum vd_level as = level >= SYSLOG_DEBUG ? VD_LOG_TRACE : VD_LOG_DEBUG;
    if (vd_log_get().level < as || (as == VD_LOG_DEBUG && !allow_line()))
        return;
    vd_log(as, "kafka: %s: %s: %s", rk ? rd_kafka_name(rk) : "", facility, text);
}

rd_kafka_conf_t *vd_kafka_conf(const struct vd_bus_setup *setup, const char *client, struct vd_err *err)
{
    char id[64];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(id, sizeof id, "vidriera-%s", client);
    int ret = vd_kafka_conf_set(conf, "client.id", id, err);
    for (int i = 0; i < setup->count && ret == 0; i++)
        ret = vd_kafka_conf_set(conf, setup->kafka[i].name, setup->kafka[i].value, err);
    if (ret < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_log_cb(conf, on_line);
    return conf;
}

rd_kafka_t *vd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t **conf, struct vd_err *err)
{
    char why[256] = "";
    rd_kafka_t *rk = rd_kafka_new(type, *conf, why, sizeof why);
    if (!rk) {
        bool refused = rd_kafka_last_error() == RD_KAFKA_RESP_ERR__INVALID_ARG;
        why[strcspn(why, "\n")] = '\0';
        vd_fail(err, refused ? VD_CONFIG : VD_AGAIN, "", "kafka: %s; %s", why,
                refused ? "see librdkafka's CONFIGURATION.md" : "try again later");
        rd_kafka_conf_destroy(*conf);
    }
    *conf = NULL;
    return rk;
}

/* Whether they go together shows when a client is made of them; without addresses it connects to nobody. */
static int check_together(const struct vd_pair *pairs, int count, rd_kafka_type_t type, struct vd_err *err)
{
    struct vd_bus_setup none = {0};
    rd_kafka_conf_t *conf = vd_kafka_conf(&none, "check", err);
    if (!conf)
        return -1;
    for (int i = 0; i < count; i++)
        if (strcmp(pairs[i].name, "bootstrap.servers") != 0 && strcmp(pairs[i].name, "metadata.broker.list") != 0)
            rd_kafka_conf_set(conf, pairs[i].name, pairs[i].value, NULL, 0);
    rd_kafka_t *rk = vd_kafka_new(type, &conf, err);
    if (!rk)
        return -1;
    rd_kafka_destroy(rk);
    return 0;
}

int vd_kafka_check(const struct vd_pair *pairs, int count, int *at, struct vd_err *err)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int ret = 0;
    for (int i = 0; i < count && ret == 0; i++) {
        *at = i;
        ret = check_protected(pairs[i].name, err);
        if (ret == 0)
            ret = vd_kafka_conf_set(conf, pairs[i].name, pairs[i].value, err);
    }
    rd_kafka_conf_destroy(conf);
    if (ret < 0)
        return ret;
    *at = -1;
    ret = check_together(pairs, count, RD_KAFKA_CONSUMER, err);
    return ret < 0 ? ret : check_together(pairs, count, RD_KAFKA_PRODUCER, err);
}
