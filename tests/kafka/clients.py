# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are not ours: what goes into Kafka and what comes out, by confluent-kafka."""
import json
import uuid

from confluent_kafka import (OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition)
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

from broker import QUICK
from children import PATIENCE, wait_for

JOBS, RESULTS, DLQ = "vidriera.jobs", "vidriera.results", "vidriera.jobs.dlq"
STATUS, CONTROL = "vidriera.status", "vidriera.control"
DAY = 24 * 3600 * 1000
# Partitions and settings, as they are to be.
TOPICS = {
    JOBS: (12, {"cleanup.policy": "delete", "retention.ms": str(-1)}),
    RESULTS: (12, {"cleanup.policy": "delete", "retention.ms": str(90 * DAY)}),
    DLQ: (3, {"cleanup.policy": "delete", "retention.ms": str(90 * DAY)}),
    STATUS: (12, {"cleanup.policy": "compact,delete", "retention.ms": str(DAY), "segment.ms": str(DAY // 24)}),
    CONTROL: (1, {"cleanup.policy": "compact"}),
}


class Message:
    """One record: topic, partition, offset, timestamp (s), key and value (bytes or None), headers (a dict of bytes)."""

    def __init__(self, record):
        self.topic, self.partition, self.offset = record.topic(), record.partition(), record.offset()
        self.timestamp = record.timestamp()[1] / 1000
        self.key, self.value = record.key(), record.value()
        self.headers = dict(record.headers() or [])

    def header(self, name):
        """As text; None when there is none."""
        value = self.headers.get(name)
        return None if value is None else value.decode()

    def json(self):
        return json.loads(self.value)

    def __repr__(self):
        return f"<{self.topic}-{self.partition}-{self.offset} {self.key} {self.headers} {self.value}>"


class Admin:
    """Topics of one broker."""

    def __init__(self, address):
        self._address = address
        self._client = AdminClient({"bootstrap.servers": address, "log_level": 0, **QUICK})

    def names(self):
        return {name for name in self._client.list_topics(timeout=10).topics if not name.startswith("__")}

    def partitions(self, topic):
        return len(self._client.list_topics(topic, timeout=10).topics[topic].partitions)

    def settings(self, topic):
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        entries = self._client.describe_configs([resource])[resource].result(10)
        return {name: entry.value for name, entry in entries.items()}

    def lag(self, group, topic):
        """Messages of the topic that the group has not committed."""
        client = Consumer({"bootstrap.servers": self._address, "group.id": group, "log_level": 0, **QUICK})
        try:
            partitions = [TopicPartition(topic, p) for p in range(self.partitions(topic))]
            done = {place.partition: max(place.offset, 0) for place in client.committed(partitions, timeout=10)}
            return sum(client.get_watermark_offsets(place, timeout=10)[1] - done[place.partition]
                       for place in partitions)
        except KafkaException:
            return -1
        finally:
            client.close()

    def delete_all(self):
        names = list(self.names())
        if names:
            for future in self._client.delete_topics(names, operation_timeout=10).values():
                future.result(10)
        wait_for(lambda: not self.names(), 10, "the topics are deleted")

    def create(self, names=tuple(TOPICS), **settings):
        """As `vidriera topics --create` does; settings (with _ for .) go to each of them."""
        more = {name.replace("_", "."): value for name, value in settings.items()}
        topics = [NewTopic(name, TOPICS[name][0], 1, config={**TOPICS[name][1], **more}) for name in names]
        for future in self._client.create_topics(topics).values():
            future.result(10)
        wait_for(lambda: set(names) <= self.names(), 10, "the topics are made")


class Sender:
    """Produces, and knows where each record went."""

    def __init__(self, address):
        self._producer = Producer({"bootstrap.servers": address, "log_level": 0, "linger.ms": 0, **QUICK})

    def send(self, topic, value, key=None, headers=None, partition=None):
        """Acknowledged when this returns. (partition, offset)"""
        return self.send_all([(topic, value, key, headers, partition)])[0]

    def send_all(self, records):
        """(topic, value, key, headers, partition) each, the last three may be None."""
        placed = [None] * len(records)

        def remember(i):
            def told(error, record):
                if error:
                    raise KafkaException(error)
                placed[i] = (record.partition(), record.offset())
            return told

        for i, (topic, value, key, headers, partition) in enumerate(records):
            where = {} if partition is None else {"partition": partition}
            self._producer.produce(topic, value=value, key=key, headers=headers, on_delivery=remember(i), **where)
        left = self._producer.flush(30 * PATIENCE)
        if left or None in placed:
            raise AssertionError(f"{left} of {len(records)} records are not acknowledged")
        return placed


class Reader:
    """Everything in a topic, from its beginning. committed: as read_committed consumers see it."""

    def __init__(self, address, topic, committed=True):
        self._consumer = Consumer({"bootstrap.servers": address, "group.id": f"reader-{uuid.uuid4()}", "log_level": 0,
                                   "isolation.level": "read_committed" if committed else "read_uncommitted",
                                   "enable.auto.commit": False, "enable.partition.eof": True,
                                   "fetch.wait.max.ms": 20, **QUICK})
        self.topic = topic
        self.messages = []
        self._partitions = wait_for(self._look, 20, f"there is a topic {topic}")
        self._consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in self._partitions])

    def _look(self):
        try:
            topic = self._consumer.list_topics(self.topic, timeout=5).topics[self.topic]
            return None if topic.error else list(topic.partitions)
        except KafkaException:
            return None

    def poll(self):
        """All that has ever come, until now."""
        self._take()
        return self.messages

    def _take(self):
        """Partitions whose end was met."""
        ended = set()
        while (record := self._consumer.poll(0)) is not None:  # a tombstone counts as false
            if record.error() is None:
                self.messages.append(Message(record))
                ended.discard(record.partition())
            elif record.error().code() == KafkaError._PARTITION_EOF:
                ended.add(record.partition())
        return ended

    def to_end(self, seconds=20):
        """All that is there now, up to the end of every partition (of what is decided, for read_committed)."""
        ended = set()

        def look():
            ended.update(self._take())
            return len(ended) == len(self._partitions)

        wait_for(look, seconds, f"{self.topic} is read to its end")
        return self.messages

    def close(self):
        self._consumer.close()


def read_all(address, topic, committed=True):
    reader = Reader(address, topic, committed)
    try:
        return reader.to_end()
    finally:
        reader.close()
