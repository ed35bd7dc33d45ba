/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "last_error.h"

#include <stdio.h>
#include <string.h>

static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
    struct vd_last_error *last = opaque;
    (void)rk;
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && last->code)
        return; /* what was said before tells more */
    last->code = (rd_kafka_resp_err_t)code;
    const char *detail = strstr(reason, " (after "); /* how long in which state, how often */
    snprintf(last->text, sizeof last->text, "%.*s", detail ? (int)(detail - reason) : (int)strlen(reason), reason);
}

void vd_last_error_watch(rd_kafka_conf_t *conf, struct vd_last_error *last)
{
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, last);
}

static const char *brokers(const struct vd_bus_setup *setup)
{
    const char *found = "bootstrap.servers, which is not set";
    for (int i = 0; i < setup->count; i++)
        if (!strcmp(setup->kafka[i].name, "bootstrap.servers") || !strcmp(setup->kafka[i].name, "metadata.broker.list"))
            found = setup->kafka[i].value;
    return found;
}

int vd_last_error_fail(const struct vd_last_error *last, const struct vd_bus_setup *setup, int timeout_ms,
                       struct vd_err *err)
{
    if (last->code == RD_KAFKA_RESP_ERR__AUTHENTICATION)
        return vd_fail(err, VD_CONFIG, "kafka", "kafka: %s refuses the login: %s; check sasl.* in kafka { }",
                       brokers(setup), last->text);
    return vd_fail(err, VD_UNAVAILABLE, "kafka",
                   "kafka: no answer from %s within %.1f s%s%s; check that the broker runs and can be reached",
                   brokers(setup), timeout_ms / 1000.0, last->code ? ": " : "", last->text);
}

void vd_refusal_words(rd_kafka_resp_err_t code, const char *may, enum vd_topic topic, char *text, size_t size)
{
    const char *name = vd_topic_name(topic);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
        snprintf(text, size, "this user may not; allow it %s on topic %s", may, name);
    else if (code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        snprintf(text, size, "there is no topic %s; make it with: vidriera topics --create", name);
    else
        snprintf(text, size, "%s", rd_kafka_err2str(code));
}
