"""A Kafka sink in a subtask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stream_engine.configuration.options import CHECKPOINT_INTERVAL
from stream_engine.connectors.kafka.client import log
from stream_engine.connectors.kafka.sink import KafkaWriter
from stream_engine.connectors.kafka.transactions import TransactionalWriter
from stream_engine.operators.connector_sink import connector_sink

if TYPE_CHECKING:
    from stream_engine.configuration import Configuration
    from stream_engine.graph.stream_graph import StreamNode
    from stream_engine.operators.operator import Operator


def kafka_sink(node: StreamNode, index: int, width: int, configuration: Configuration) -> Operator:
    """The operator that writes what ``node`` says; its transactional ids are made of name, uid and index."""
    sink: Any = node.operator
    transactional = sink.transactional
    if transactional and not configuration.get(CHECKPOINT_INTERVAL):
        # As Flink does.
        log.warning(
            "%s: exactly once needs checkpoints, and %s is 0: its records are written as they come, at least once",
            node.name,
            CHECKPOINT_INTERVAL.key,
        )
        transactional = False
    if transactional:
        function: Any = TransactionalWriter(sink, f"{node.name} {node.uid}", index, width)
    else:
        function = KafkaWriter(sink, index, width)
    return connector_sink(node.id, node.name, function, sink.takes_context, transactional)
