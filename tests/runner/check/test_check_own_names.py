"""What the author defined, or provided for, is not taken for Python 2's; a Python 3 script gives no findings."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from pyflink_stream.check import check_files, check_source


def codes(text: str, filename: str = "script.py") -> list[str]:
    return [finding.code for finding in check_source(dedent(text), filename)]


def test_a_python_3_script_gives_no_findings() -> None:
    text = '''
        """Averages; print x is what Python 2 wrote."""
        from __future__ import annotations

        import itertools
        import string
        from functools import reduce


        class Cursor:
            def __init__(self, rows: list[str]) -> None:
                self.rows = rows
                self.position = 0

            def next(self) -> str:
                self.position += 1
                return self.rows[self.position - 1]

            def has_key(self, key: str) -> bool:
                return key in self.rows


        def long(text: str, *, file=None) -> str:
            print(text, file=file, end="")
            return f"{text:>{len(text)}} {text!r}"


        async def main(factory):
            cursor = Cursor(["a", "b"])
            cursor.next()
            cursor.has_key("a")
            half = len(cursor.rows) / 2
            keys = sorted({"a": 1}.keys(), key=lambda pair: pair[0])
            total = reduce(lambda a, b: a + b, map(len, keys))
            try:
                value = list(zip(keys, string.ascii_letters))[0]
            except (ValueError, IndexError) as error:
                raise RuntimeError("empty", error.args) from error
            return half, total, long("x"), value, b"".decode("utf-8"), bytes.fromhex("00"), itertools.count()
    '''

    assert codes(text) == []


@pytest.mark.parametrize("folder", ["runner", "examples"])
def test_this_projects_own_sources_give_no_findings(folder: str) -> None:
    root = Path(__file__).resolve().parents[3]

    assert check_files([str(root / folder)]) == []


@pytest.mark.parametrize(
    "text",
    [
        "from functools import reduce\nreduce(f, xs)",
        "from past.builtins import basestring\nisinstance(a, basestring)",
        "from six.moves import xrange, zip\nxrange(3)\nzip(a, b)[0]",
        "from compatibility import *\nunicode(a)",
        "unicode = str\nunicode(a)",
        "def long(a): return a\nlong(1)",
        "def f(file, cmp=None): return file, cmp",
        "[unicode for unicode in a]",
        "def f():\n    global unicode\n    unicode = str\ndef g():\n    return unicode(a)",
        "with open(a) as file:\n    file.read()",
        "f = lambda long: long + 1",
    ],
)
def test_a_name_that_the_script_binds_is_its_own(text: str) -> None:
    assert codes(text) == []


def test_a_method_does_not_bind_the_name_for_functions() -> None:
    text = """
        class Sum(ReduceFunction):
            def reduce(self, a, b):
                return reduce(f, a + b)
    """

    assert codes(text) == ["removed-builtin"]


def test_a_star_import_from_the_standard_library_binds_no_old_names() -> None:
    assert codes("from math import *\nunicode(a)") == ["removed-builtin"]


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle",
        "try:\n    import queue\nexcept ImportError:\n    import Queue as queue",
        "try:\n    from itertools import izip\nexcept ImportError:\n    izip = zip",
        "try:\n    import urllib2\nexcept:\n    urllib2 = None",
        "try:\n    text = unicode\nexcept NameError:\n    text = str",
        "try:\n    items = d.iteritems()\nexcept AttributeError:\n    items = d.items()",
        "import sys\nif sys.version_info[0] < 3:\n    text = unicode\nelse:\n    text = str",
        "text = unicode if PY2 else str",
        "if hasattr(d, 'iteritems'):\n    d.iteritems()",
        "hasattr(d, 'has_key') and d.has_key(a)",
    ],
)
def test_what_is_provided_for_both_pythons_is_respected(text: str) -> None:
    assert codes(text) == []


def test_a_handler_for_everything_does_not_excuse_the_whole_program() -> None:
    assert codes("try:\n    d.iteritems()\n    xrange(3)\nexcept Exception:\n    pass") == [
        "dict-method",
        "removed-builtin",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "class A:\n    def next(self): return 1\nA().next()",
        "class A:\n    def has_key(self, k): return True\nA().has_key(1)",
        "class A:\n    def keys(self): return [1]\nA().keys()[0]",
        "while it.hasNext():\n    it.next()",
        "page.next(2)",
        "six.iteritems(d)",
        "class A:\n    def __iter__(self): return iter([])\n    def next(self): return 1",
        "class A(PythonIterator):\n    def hasNext(self): return True\n    def next(self): return 1",
        "class A:\n    __metaclass__ = type",
        "async def f():\n    await socket.send('a')\n    return d.keys()[0], page.next()",
    ],
)
def test_methods_of_the_scripts_own_objects_are_not_taken_for_old_ones(text: str) -> None:
    assert codes(text) == []
