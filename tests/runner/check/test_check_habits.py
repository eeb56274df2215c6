"""What Python 3 reads but runs differently, or not at all, is found where it can be seen."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pyflink_stream.check import check_source


def found(text: str) -> list[tuple[int, int, str]]:
    return [(finding.line, finding.column, finding.code) for finding in check_source(dedent(text), "old.py")]


@pytest.mark.parametrize(
    ("expression", "column", "code", "python_3"),
    [
        ("d.has_key('a')", 3, "has-key", "'a' in d"),
        ("x = map(d.has_key, keys)", 11, "has-key", "key in d"),
        ("d.iteritems()", 3, "dict-method", "d.items()"),
        ("d.itervalues()", 3, "dict-method", "d.values()"),
        ("d.iterkeys()", 3, "dict-method", "d.keys()"),
        ("d.viewitems()", 3, "dict-method", "d.items()"),
        ("xrange(3)", 1, "removed-builtin", "range"),
        ("unicode('a')", 1, "removed-builtin", "str"),
        ("isinstance(a, basestring)", 15, "removed-builtin", "str"),
        ("long(1)", 1, "removed-builtin", "int"),
        ("raw_input()", 1, "removed-builtin", "input"),
        ("reduce(f, xs)", 1, "removed-builtin", "functools.reduce"),
        ("unichr(65)", 1, "removed-builtin", "chr"),
        ("cmp(a, b)", 1, "removed-builtin", "(a > b) - (a < b)"),
        ("file('a')", 1, "removed-builtin", "open"),
        ("execfile('a')", 1, "removed-builtin", "exec(open(path).read())"),
        ("apply(f, xs)", 1, "removed-builtin", "f(*arguments)"),
        ("intern('a')", 1, "removed-builtin", "sys.intern"),
        ("reload(m)", 1, "removed-builtin", "importlib.reload"),
        ("sorted(xs, cmp=f)", 1, "sort-cmp", "functools.cmp_to_key"),
        ("sorted(xs, f)", 1, "sort-cmp", "functools.cmp_to_key"),
        ("xs.sort(cmp=f)", 4, "sort-cmp", "functools.cmp_to_key"),
        ("xs.sort(lambda a, b: a - b)", 4, "sort-cmp", "functools.cmp_to_key"),
        ("d.keys()[0]", 1, "iterator-index", "list(d.keys())"),
        ("map(f, xs)[0]", 1, "iterator-index", "list(map(f, xs))"),
        ("filter(f, xs)[-1]", 1, "iterator-index", "list(filter(f, xs))"),
        ("zip(a, b)[i]", 1, "iterator-index", "list(zip(a, b))"),
        ("len(map(f, xs))", 1, "iterator-length", "list(map(f, xs))"),
        ("d.keys().sort()", 10, "iterator-method", "sorted(d)"),
        ("d.items() + e.items()", 1, "iterator-sum", "list(d.items())"),
        ("range(3) + [1]", 1, "iterator-sum", "list(range(3))"),
        ("map(f, xs)", 1, "lazy-call", "for loop"),
        ("'a'.encode('hex')", 5, "text-codec", "hex()"),
        ("a.decode('hex')", 3, "text-codec", "bytes.fromhex"),
        ("'a'.encode('base64')", 5, "text-codec", "base64.b64encode"),
        ("'a'.decode('utf-8')", 5, "str-decode", "leave decode out"),
        ("str(a).strip().decode('utf-8')", 16, "str-decode", "leave decode out"),
        ("str.decode(a)", 5, "str-decode", "leave decode out"),
        ("f.func_name", 3, "function-attribute", "__name__"),
        ("x = map(None, a, b)", 5, "map-none", "itertools.zip_longest(a, b)"),
        ("x = map(None, a)", 5, "map-none", "list(a)"),
        ("__metaclass__ = Meta", 1, "metaclass", "metaclass=Meta"),
        ("b'a|b'.split('|')", 8, "bytes-text", "b'a|b'.decode().split(...)"),
        ("open('a', 'rb').read().replace('a', b'b')", 24, "bytes-text", ".decode().replace(...)"),
        ("sock.recv(10).split('|')", 15, "bytes-text", "sock.recv(10).decode().split(...)"),
        ("iter(a).next()", 9, "iterator-next", "next(iter(a))"),
        ("lines.next()", 7, "iterator-next", "next(lines)"),
        ("open('a', 'rU')", 1, "open-mode", 'mode "r"'),
        ("7 / 2", 1, "int-division", "7 // 2"),
        ("len(a) / 2", 1, "int-division", "len(a) // 2"),
        ("(len(a) + 1) / ord(b)", 1, "int-division", "//"),
    ],
)
def test_a_habit_is_found_with_what_to_write_instead(expression: str, column: int, code: str, python_3: str) -> None:
    (finding,) = check_source(expression, "old.py")

    assert (finding.line, finding.column, finding.code) == (1, column, code)
    assert python_3 in finding.suggestion


@pytest.mark.parametrize(
    ("module", "expression", "python_3"),
    [
        ("string", "string.letters", "string.ascii_letters"),
        ("string", "string.join(a)", "separator.join(strings)"),
        ("string", "string.maketrans(a, b)", "str.maketrans"),
        ("sys", "sys.maxint", "sys.maxsize"),
        ("os", "os.getcwdu()", "os.getcwd"),
        ("itertools", "itertools.izip(a, b)", "zip"),
        ("urllib", "urllib.urlencode(a)", "urllib.parse.urlencode"),
        ("time", "time.clock()", "time.perf_counter"),
    ],
)
def test_a_member_that_its_module_lost_is_found_under_any_name_of_the_module(
    module: str, expression: str, python_3: str
) -> None:
    plain = check_source(f"import {module}\n{expression}\n", "old.py")
    renamed = check_source(f"import {module} as m\n{expression.replace(module, 'm', 1)}\n", "old.py")

    for findings in (plain, renamed):
        assert [(finding.line, finding.code) for finding in findings] == [(2, "moved-name")]
        assert python_3 in findings[0].suggestion


@pytest.mark.parametrize(
    ("module", "expression", "code", "python_3"),
    [
        ("json", "json.loads(x, 'UTF-8')", "json-encoding", "json.loads(x)"),
        ("json", "json.load(f, 'UTF-8')", "json-encoding", "json.load(f)"),
        ("json", "json.dumps(x, encoding='UTF-8')", "json-encoding", "json.dumps(x)"),
        ("json", "json.dump(x, f, encoding='UTF-8')", "json-encoding", "json.dump(x, f)"),
        ("socket", "socket.socket().send('text')", "socket-text", "'text'.encode()"),
        ("socket", "sock.sendall('a %s' % b)", "socket-text", "('a %s' % b).encode()"),
        ("socket", "socket.create_connection(a).sendto('text', b)", "socket-text", "'text'.encode()"),
    ],
)
def test_text_where_bytes_travel_is_found(module: str, expression: str, code: str, python_3: str) -> None:
    (finding,) = check_source(f"import {module}\n{expression}\n", "old.py")
    assert (finding.line, finding.code, finding.suggestion) == (2, code, python_3)


@pytest.mark.parametrize(
    "text",
    [
        "import socket\nsock.send(b'text')\nsock.send('text'.encode())\nsock.recv(10).split(b'|')\n",
        "import json\njson.loads(x)\njson.dumps(x, indent=2)\njson.dump(x, f)\n",
        "generator.send('text')\n",
        "x = filter(None, a)\n",
        "def show(record):\n    return record.func_name\n",
        "for record in records:\n    x = record.inner.func_name\n",
        "__metaclass__ = type\n",
    ],
)
def test_what_only_looks_like_a_habit_is_not_found(text: str) -> None:
    assert found(text) == []


def test_the_attributes_of_what_is_called_or_defined_are_those_of_functions() -> None:
    text = """
        def named(f):
            def call(*args):
                return f(*args)
            return call, f.func_name
        x = named.func_name, self.named.im_func
    """
    assert [each for each in found(text) if each[2] == "function-attribute"] == [
        (5, 20, "function-attribute"),
        (6, 11, "function-attribute"),
        (6, 33, "function-attribute"),
    ]


def test_a_list_of_python_2_is_followed_through_its_name() -> None:
    text = """
        def f(self, line):
            words = map(str.lower, line.split())
            names = {}.keys()
            words.sort()
            print(words[0])
            return names[0], len(words)
    """

    assert found(text) == [
        (5, 11, "iterator-method"),
        (6, 11, "iterator-index"),
        (7, 12, "iterator-index"),
        (7, 22, "iterator-length"),
    ]


def test_counters_of_functions_and_objects_are_ints() -> None:
    text = """
        class Average(object):
            def __init__(self):
                self.count = 0

            def apply(self, values):
                total = 0
                for index, value in enumerate(values):
                    total += index
                    self.count += 1
                total /= 2
                return total / self.count, total / self.unknown, total / 2.0
    """

    assert found(text) == [(11, 9, "int-division"), (12, 16, "int-division")]


@pytest.mark.parametrize(
    "text",
    [
        "from __future__ import division\n7 / 2",
        "int(len(a) / 2)",
        "7 // 2",
        "7 / 2.0",
        "a / b",
        "count = 0\ncount = f()\ncount / 2",
        "x: int = 1\n7 / 2",
    ],
)
def test_a_division_that_may_be_meant_as_it_is_stays_unmentioned(text: str) -> None:
    assert found(text) == []


def test_the_hexadecimal_form_of_a_uuid_is_an_attribute_now() -> None:
    text = """
        import uuid
        name = uuid.uuid4()
        print(name.get_hex())
    """

    (finding,) = check_source(dedent(text), "old.py")

    assert (finding.line, finding.column, finding.code) == (4, 12, "uuid-method")
    assert finding.suggestion == "name.hex"


def test_special_methods_of_python_2_are_found_unless_the_new_ones_are_there() -> None:
    text = """
        class Old(object):
            __metaclass__ = Meta
            def __nonzero__(self): return True
            def __cmp__(self, other): return 0
            def __unicode__(self): return u''
            def __div__(self, other): return 1
            def __getslice__(self, i, j): return 1
            def __iter__(self): return self
            def next(self): return 1

        class Both(object):
            def __nonzero__(self): return True
            __bool__ = __nonzero__
            def __cmp__(self, other): return 0
            def __lt__(self, other): return False
            def __unicode__(self): return u''
            def __str__(self): return ''
            def __div__(self, other): return 1
            __truediv__ = __div__
            def __iter__(self): return self
            def next(self): return 1
            __next__ = next
    """

    assert found(text) == [
        (3, 5, "metaclass"),
        (4, 5, "special-method"),
        (5, 5, "special-method"),
        (6, 5, "special-method"),
        (7, 5, "special-method"),
        (8, 5, "special-method"),
        (10, 5, "special-method"),
    ]


def test_what_exceptions_no_longer_carry_is_found() -> None:
    text = """
        try:
            run()
        except (ValueError, TypeError) as e:
            print(e.message)
            print(e[0])
        except OwnError as e:
            print(e.message)
        raise "failed"
    """

    assert found(text) == [(5, 13, "exception-message"), (6, 11, "exception-index"), (9, 1, "string-exception")]


def test_a_habit_inside_an_f_string_is_found_at_the_string() -> None:
    assert found("print(f'''\n{d.iteritems()} {xrange(3)}''')") == [(1, 7, "dict-method"), (1, 7, "removed-builtin")]
