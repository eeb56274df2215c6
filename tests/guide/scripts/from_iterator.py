"""The elements of an iterator that knows whether it has a next one."""

from __future__ import annotations

from java.util import NoSuchElementException
from org.apache.flink.streaming.python.util import PythonIterator


class Powers(PythonIterator):
    def __init__(self, base, limit):
        self._base = base
        self._next = 1
        self._limit = limit

    def hasNext(self):
        return self._next < self._limit

    def next(self):
        if not self.hasNext():
            raise NoSuchElementException()
        self._next *= self._base
        return self._next // self._base


def main(factory):
    env = factory.get_execution_environment()
    env.from_collection(Powers(base=3, limit=100)).map(lambda power: power - 1).output()
    env.execute("from iterator")
