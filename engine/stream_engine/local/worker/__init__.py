"""A worker process: one loop over sockets, timers, inputs and sources, which hosts the subtasks of one index."""
