"""The loop that kafka_lines.py would be if one wrote it by hand: kafka_lines_bare.py BROKERS TOPIC."""

from __future__ import annotations

import sys
from importlib import import_module

from kafka_lines import Length
from totals import Total


def main(brokers, topic):
    length, total = Length().map, Total()
    client = import_module("confluent_kafka")
    # By default the client pauses for a second whenever it has fetched enough, which is not what is compared.
    settings = {"group.id": "bench", "enable.auto.commit": False, "fetch.queue.backoff.ms": 20}
    consumer = client.Consumer({"bootstrap.servers": brokers, **settings})
    consumer.assign([client.TopicPartition(topic, 0, 0)])
    while True:
        for message in consumer.consume(1000, 1):
            if message.error() is not None:
                raise client.KafkaException(message.error())
            line = message.value().decode("utf-8")
            if line == "END":
                print(total.total)
                consumer.close()
                return
            total.invoke(length(line))


main(*sys.argv[1:])
