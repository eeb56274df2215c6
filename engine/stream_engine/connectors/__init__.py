"""Where records come from and go to: plain objects that know no process, no operator and no host.

A pull source (collection, sequence, text) has

- ``read(limit)``: the next records, at least one and at most ``limit``, as a list or range; None at the end of input;
- ``position()`` and ``seek(position)``: a new reader of the same input that seeks to a position continues exactly after
  the records that had been returned when the position was taken. Positions are small and can be pickled;
- ``take_share(positions, subtask, parallelism)``, if it can be divided: a new reader resumes with its share of what was
  left at the positions of all subtasks of another parallelism;
- ``close()``.

Kafka's reader (kafka) gives messages in place of records, and knows no end; where there are none for now it says when
there are again.

A push source (socket) has ``run(collect)``, which calls ``collect`` with each record until the input ends, and
``cancel()``, which makes it return and may be called from any thread. A sink (text_writer, socket_writer) connects or
opens its file when it is made; ``close()`` hands over what is left.

Whatever opens a file asks ``filesystem.resolve`` for the file system of its path. Another file system implements the
protocol ``filesystem.FileSystem``, and ``resolve`` returns it for its scheme.
"""
