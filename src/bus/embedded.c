/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vidriera/embedded.h"

#include "kafka_conf.h"
#include "topic_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <librdkafka/rdkafka.h>
/* after rdkafka.h */
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct vd_embedded {
    rd_kafka_t *rk; /* which the mock cluster lives in; no client */
    rd_kafka_mock_cluster_t *cluster;
};

/* librdkafka 2.0 aborts the process when its mock cannot listen. */
static int try_to_listen(struct vd_err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ret = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0 ? -1 : 0;
    if (ret < 0)
        vd_fail(err, VD_UNAVAILABLE, "kafka",
                "the embedded broker cannot listen on 127.0.0.1: %s; check the loopback interface and the limit of "
                "open files",
                strerror(errno));
    if (fd >= 0)
        close(fd);
    return ret;
}

static int make_topics(const struct vd_embedded *embedded, struct vd_err *err)
{
    for (int i = 0; i < VD_TOPICS; i++) {
        const char *name = vd_topic_name((enum vd_topic)i);
        rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(embedded->cluster, name,
                                                              vd_topic_row((enum vd_topic)i)->partitions, 1);
        if (code)
            return vd_fail(err, VD_DEFECT, "kafka", "%s: the embedded broker did not make it: %s; report this", name,
                           rd_kafka_err2str(code));
    }
    return 0;
}

int vd_embedded_open(struct vd_embedded **opened, struct vd_err *err)
{
    const struct vd_bus_setup setup = {.embedded = true};
    struct vd_embedded *embedded = calloc(1, sizeof *embedded);
    rd_kafka_conf_t *conf = NULL;
    *opened = NULL;
    if (!embedded)
        return vd_fail(err, VD_AGAIN, "kafka", "no memory for the embedded broker; free some");
    if (try_to_listen(err) < 0 || !(conf = vd_kafka_conf(&setup, "broker", err)))
        goto close;
    embedded->rk = vd_kafka_new(RD_KAFKA_PRODUCER, &conf, err);
    if (!embedded->rk)
        goto close;
    embedded->cluster = rd_kafka_mock_cluster_new(embedded->rk, 1);
    if (!embedded->cluster) {
        vd_fail(err, VD_UNAVAILABLE, "kafka", "the embedded broker does not start; check the limits of this user");
        goto close;
    }
    if (make_topics(embedded, err) < 0)
        goto close;
    *opened = embedded;
    return 0;
close:
    if (conf)
        rd_kafka_conf_destroy(conf);
    vd_embedded_close(embedded);
    return -1;
}

const char *vd_embedded_address(const struct vd_embedded *embedded)
{
    return rd_kafka_mock_cluster_bootstraps(embedded->cluster);
}

void vd_embedded_close(struct vd_embedded *embedded)
{
    if (!embedded)
        return;
    if (embedded->cluster)
        rd_kafka_mock_cluster_destroy(embedded->cluster);
    if (embedded->rk)
        rd_kafka_destroy(embedded->rk);
    free(embedded);
}
