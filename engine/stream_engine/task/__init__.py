"""A subtask and its semantics, for any host: inputs, watermarks, end of input, timers, sources, loops, failures.

A host gives a subtask a Slot (see ``host``): where its records go, the time, tables for keys, files to write. Worker
processes are one host, ``--local-debug`` is another, and a host of plain lists in the tests shows that a host needs
nothing else.

``inputs`` decides that the event time of a subtask is that of its slowest channel; ``feedback`` keeps records that are
fed back, in memory and beyond that on disk.
"""
