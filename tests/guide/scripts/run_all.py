"""Runs all the other scripts in one process, one job after the other."""

from __future__ import annotations

import filter_numbers
import flat_map_ints
import flat_map_lists
import flat_map_strings
import from_collection
import from_elements
import from_iterator
import generate_sequence
import iterations
import keyed_reduce
import map_records
import output_with_identifier
import socket_sink
import socket_source
import split_select
import text_files
import time_characteristic
import union_streams
import user_types
import window_apply

SCRIPTS = (
    filter_numbers,
    flat_map_ints,
    flat_map_lists,
    flat_map_strings,
    from_collection,
    from_elements,
    from_iterator,
    generate_sequence,
    iterations,
    keyed_reduce,
    map_records,
    output_with_identifier,
    socket_sink,
    socket_source,
    split_select,
    text_files,
    time_characteristic,
    union_streams,
    user_types,
    window_apply,
)


def main(factory):
    for script in SCRIPTS:
        print(f"-- {script.__name__}", flush=True)
        script.main(factory)
