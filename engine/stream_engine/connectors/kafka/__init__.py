"""Kafka topics as sources and sinks, by confluent-kafka (librdkafka), which is imported where a job uses them.

The reader is a pull source. Its partitions follow from their topic's name and number alone, so that each subtask knows
its own without asking anybody, and the offsets of a checkpoint find their subtask again at any parallelism. A thread
finds partitions and where to begin in each (``discovery``), so that no broker that is slow or away keeps the worker's
loop waiting. Records are taken in that loop, without waiting; another thread waits where there are none (``reader``).

The sink either produces as records come (``producer``), or in transactions (``transactions``, which says how).
"""
