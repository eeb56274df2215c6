"""Collections as sources: copied into the plan if possible, otherwise read in the script's own process."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NoReturn

from stream_engine.api.capture.pickling import complaint, pickled
from stream_engine.api.capture.snapshot import refuse
from stream_engine.api.jdk import NoSuchElementException
from stream_engine.graph.specs import ClientSource, CollectionSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Elements pickled as one list: few enough that a worker need not hold a large collection at once.
_CHUNK = 1024


class PythonIterator:
    """``hasNext()`` tells whether ``next()`` has another element; without one it raises NoSuchElementException."""


def collection_source(collection: Any) -> CollectionSource | ClientSource:
    """The source of a collection's elements, as they are now.

    Raises InvalidProgramException if it is no collection, or has elements that cannot be pickled.
    """
    if isinstance(collection, str | bytes | bytearray):
        refuse(f"from_collection() takes a collection; for the one element {collection!r} call from_elements().")
    if hasattr(collection, "hasNext") and hasattr(collection, "next"):
        return ClientSource(_elements(collection))
    try:
        elements = iter(collection)
    except TypeError:
        refuse(f"from_collection() takes something that can be iterated over, not {collection!r}.")
    # A range may be very large, and cannot change.
    if not hasattr(collection, "__len__") or isinstance(collection, range):
        return ClientSource(collection)
    return _copied(elements)


def _copied(elements: Iterator[Any]) -> CollectionSource:
    chunks: list[bytes] = []
    count = 0
    while chunk := list(islice(elements, _CHUNK)):
        try:
            chunks.append(pickled(chunk))
        except Exception as error:
            _refuse(chunk, count, error)
        count += len(chunk)
    return CollectionSource(tuple(chunks), count)


def _refuse(chunk: list[Any], first: int, error: Exception) -> NoReturn:
    for index, element in enumerate(chunk, first):
        try:
            pickled(element)
        except Exception as cause:
            refuse(complaint(f"Element {index}", element, cause), cause)
    raise error


def _elements(iterator: Any) -> Iterable[Any]:
    while iterator.hasNext():
        try:
            element = iterator.next()
        except NoSuchElementException:
            return
        yield element
