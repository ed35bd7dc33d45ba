/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "topic_table.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS "86400000"
#define DAYS_90_MS "7776000000"
#define HOUR_MS "3600000"

#define KEPT(what) "compaction would drop all but the last message of a " what

/*
 * Brokers have defaults of their own for what is not named here (log.retention.bytes, log.cleanup.policy …), so that
 * whatever could lose a job is named. Partitions of jobs are the parallelism of all workers together; results and
 * status have as many, so that one partition never waits for another. Dead letters are few, and read by people.
 * Control is read whole by every worker, in one order.
 */
static const struct vd_topic_row rows[] = {
    [VD_TOPIC_JOBS] = {12,
                       "at most so many jobs run at a time",
                       {{"cleanup.policy", "delete", VD_SETTING_SAME, KEPT("job")},
                        {"retention.ms", "-1", VD_SETTING_AT_LEAST, "jobs that wait longer are lost"},
                        {"retention.bytes", "-1", VD_SETTING_AT_LEAST,
                         "when more is waiting, the oldest jobs are lost"}}},
    [VD_TOPIC_RESULTS] = {12,
                          NULL,
                          {{"cleanup.policy", "delete", VD_SETTING_SAME, KEPT("job")},
                           {"retention.ms", DAYS_90_MS, VD_SETTING_AT_LEAST,
                            "readers that are away longer miss results"}}},
    [VD_TOPIC_DLQ] = {3,
                      NULL,
                      {{"cleanup.policy", "delete", VD_SETTING_SAME, KEPT("job")},
                       {"retention.ms", DAYS_90_MS, VD_SETTING_AT_LEAST, "refused jobs are gone sooner"}}},
    [VD_TOPIC_STATUS] = {12,
                         NULL,
                         {{"cleanup.policy", "compact,delete", VD_SETTING_SAME, "states of old jobs pile up"},
                          {"retention.ms", DAY_MS, VD_SETTING_AT_MOST, "states of old jobs stay longer"},
                          {"segment.ms", HOUR_MS, VD_SETTING_AT_MOST, "states of old jobs stay longer"}}},
    [VD_TOPIC_CONTROL] = {1,
                          NULL,
                          {{"cleanup.policy", "compact", VD_SETTING_SAME,
                            "a cancellation may be gone before its job comes, or never go"}}},
};

_Static_assert(sizeof rows / sizeof *rows == VD_TOPICS, "a row for each topic");

const struct vd_topic_row *vd_topic_row(enum vd_topic topic)
{
    return &rows[topic];
}

/* Is each word of the first among those of the second? */
static bool words_among(const char *words, const char *others)
{
    while (*words) {
        size_t length = strcspn(words, ",");
        const char *other = others;
        while (*other && (strcspn(other, ",") != length || strncmp(other, words, length) != 0)) {
            other += strcspn(other, ",");
            other += *other == ',';
        }
        if (!*other && length)
            return false;
        words += length;
        words += *words == ',';
    }
    return true;
}

/* -1 is no end: more than any other. */
static unsigned long long amount(const char *value)
{
    return strtoull(value, NULL, 10);
}

bool vd_topic_setting_fits(const struct vd_topic_setting *setting, const char *value)
{
    if (setting->fit == VD_SETTING_AT_LEAST)
        return amount(value) >= amount(setting->value);
    if (setting->fit == VD_SETTING_AT_MOST)
        return amount(value) <= amount(setting->value);
    return words_among(value, setting->value) && words_among(setting->value, value);
}
