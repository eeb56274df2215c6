"""A subtask and all that it means, whoever hosts it: inputs, watermarks, end of input, timers, sources, failures.

A host gives it a Slot (see ``host``): where records go, the time, tables for keys, files to write. The worker processes
are one host, ``--local-debug`` is another, and a host of plain lists in the tests shows that nothing else is needed.
"""
