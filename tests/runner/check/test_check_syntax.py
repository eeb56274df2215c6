"""What only Python 2 can read is found, with its place and the Python 3 form."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pyflink_stream.check import Finding, check_source


def found(text: str) -> list[tuple[int, int, str]]:
    return [(finding.line, finding.column, finding.code) for finding in check_source(text, "old.py")]


def only(text: str) -> Finding:
    (finding,) = check_source(text, "old.py")
    return finding


@pytest.mark.parametrize(
    ("statement", "code", "python_3"),
    [
        ("print", "print-statement", "print()"),
        ("print 'a', b", "print-statement", "print('a', b)"),
        ('print"a"', "print-statement", 'print("a")'),
        ("print a,", "print-statement", 'print(a, end=" ")'),
        ("print -1", "print-statement", "print(-1)"),
        ("print not a", "print-statement", "print(not a)"),
        ("print [a][0]", "print-statement", "print([a][0])"),
        ("print lambda a, b: a, c", "print-statement", "print(lambda a, b: a, c)"),
        ("print >>f, a", "print-statement", "print(a, file=f)"),
        ("print >>f, a,", "print-statement", 'print(a, end=" ", file=f)'),
        ("print >> f", "print-statement", "print(file=f)"),
        ("print ('%s') % a", "print-statement", "print(('%s') % a)"),
        ("print (a), b", "print-statement", "print((a), b)"),
        ("print ('{}').format(a)", "print-statement", "print(('{}').format(a))"),
        ("exec code", "exec-statement", "exec(code)"),
        ("exec 'a = 1' in names", "exec-statement", "exec('a = 1', names)"),
        ("exec code in g, l", "exec-statement", "exec(code, g, l)"),
        ("exec (code) in g", "exec-statement", "exec((code), g)"),
        ("raise ValueError, 'bad'", "raise-comma", "raise ValueError('bad')"),
        ("raise ValueError, 'bad %s' % (a)", "raise-comma", "raise ValueError('bad %s' % (a))"),
        ("raise ValueError, ('bad', 1)", "raise-comma", "raise ValueError('bad', 1)"),
        ("raise ValueError, None, tb", "raise-comma", "raise ValueError().with_traceback(tb)"),
        ("raise m.Bad, 'bad', tb", "raise-comma", "raise m.Bad('bad').with_traceback(tb)"),
        ("raise info[0], info[1], info[2]", "raise-comma", "raise info[1].with_traceback(info[2])"),
    ],
)
def test_a_statement_of_python_2_is_shown_as_the_call_it_is_now(statement: str, code: str, python_3: str) -> None:
    finding = only(statement + "  # print 'no'\n")

    assert (finding.line, finding.column, finding.code) == (1, 1, code)
    assert finding.suggestion == python_3
    compile(finding.suggestion, "new.py", "exec")


@pytest.mark.parametrize(
    ("expression", "column", "code", "python_3"),
    [
        ("a <> b", 3, "not-equal", "!="),
        ("0777", 1, "octal", "0o777"),
        ("0017L", 1, "octal", "0o17"),
        ("a, 10L", 4, "long-literal", "10"),
        ("0xFFL", 1, "long-literal", "0xFF"),
        (r"ur'\d'", 1, "ur-string", r"r'\d'"),
        ("a + `b`", 5, "backticks", "repr(b)"),
        ("`1, 2`", 1, "backticks", "repr((1, 2))"),
        ("f(async=True)", 3, "reserved-word", "async_"),
    ],
)
def test_a_spelling_of_python_2_is_found(expression: str, column: int, code: str, python_3: str) -> None:
    finding = only(expression)

    assert (finding.column, finding.code) == (column, code)
    assert python_3 in finding.suggestion


@pytest.mark.parametrize("number", ["0", "00", "0.5", "08.5", "0777e1", "0j", "1_000", "0o17", "0xFF", "0b1"])
def test_the_numbers_of_python_3_are_not_octal(number: str) -> None:
    assert found(f"x = {number}") == []


@pytest.mark.parametrize(
    ("caught", "python_3"),
    [
        ("except ValueError, e:", "except ValueError as e:"),
        ("except (ValueError, KeyError), e:", "except (ValueError, KeyError) as e:"),
        ("except ValueError, (a, b):", "except ... as error, and take (a, b) from it below"),
    ],
)
def test_the_comma_of_except_is_found(caught: str, python_3: str) -> None:
    finding = only(f"try:\n    pass\n{caught}\n    pass\n")

    assert (finding.line, finding.column, finding.code) == (3, 1, "except-comma")
    assert finding.suggestion == python_3


@pytest.mark.parametrize(
    ("definition", "column"),
    [
        ("def f((a, b)): pass", 7),
        ("def f(self, (a, b), c=(1, 2)): pass", 13),
        ("def f(x=1, (a, b)=(1, 2)): pass", 12),
        ("def f(((a, b), c)): pass", 7),
        ("f = lambda (a, b): a", 12),
        ("sorted(x, key=lambda n, (a, b): b)", 25),
    ],
)
def test_a_tuple_among_the_parameters_is_found(definition: str, column: int) -> None:
    assert found(definition) == [(1, column, "tuple-parameter")]


def test_an_indentation_of_tabs_and_spaces_mixed_is_found_at_its_first_line() -> None:
    text = "def f(x):\n\tif x:\n\t    return 1\n        return 2\n        return 3\n"

    assert found(text) == [(4, 1, "mixed-indentation")]


def test_tabs_alone_are_as_good_as_spaces_alone() -> None:
    assert found("def f(x):\n\tif x:\n\t\treturn 1\n\treturn 2\ndef g():\n    return 3\n") == []


def test_several_statements_on_a_line_are_each_found_at_their_column() -> None:
    assert found("if a: print 'b'; print 'c', 1L") == [
        (1, 7, "print-statement"),
        (1, 18, "print-statement"),
        (1, 29, "long-literal"),
    ]


def test_the_python_3_form_of_a_statement_has_all_its_corrections() -> None:
    print_statement = check_source("print `a`, 10L, 0777", "old.py")[0]

    assert print_statement.suggestion == "print(repr(a), 10, 0o777)"


def test_strings_and_comments_are_never_found() -> None:
    text = dedent('''
        """print x, `y` <> 0777"""
        # print x; raise E, "x"
        a = 'it''s 10L' "print x" r"ur''"
        b = b"`x`"
        c = f"{a!r:>{10}} print x {'`'}"
    ''')

    assert found(text) == []


def test_print_is_no_statement_once_imported_from_the_future() -> None:
    assert found("from __future__ import print_function\nprint\nprint >>f, 'x'\n") == []


@pytest.mark.parametrize(
    "statement",
    ["print('a', b)", "print(a) if a else None", "print (a) or b", "print(a), print(b)", "print = a", "exec(a, b)"],
)
def test_print_and_exec_as_functions_are_not_found(statement: str) -> None:
    assert found(statement) == []


def test_runtime_habits_are_found_beside_the_syntax_at_their_own_columns() -> None:
    text = "def f((k, v)):\n    print 'é', `k`, d.has_key(v), ur'x', xrange(3)\n"

    assert found(text) == [
        (1, 7, "tuple-parameter"),
        (2, 5, "print-statement"),
        (2, 16, "backticks"),
        (2, 23, "has-key"),
        (2, 35, "ur-string"),
        (2, 42, "removed-builtin"),
    ]


def test_what_neither_python_reads_is_found_and_the_rest_still_checked() -> None:
    assert found("foo bar\nif x y:\n    print 1\nelse:\n    xrange(3)\n") == [
        (1, 1, "syntax"),
        (2, 1, "syntax"),
        (3, 5, "print-statement"),
        (5, 5, "removed-builtin"),
    ]


def test_lines_count_the_same_whatever_ends_them() -> None:
    for end in ("\n", "\r\n", "\r"):
        assert found(f"\ufeffx = 1{end}\x0c{end}s = '\u2028'{end}print x{end}") == [(4, 1, "print-statement")]


def test_a_text_cut_off_anywhere_is_checked_without_failing() -> None:
    text = "def f((a, b)):\n    print >>f, `a`, f\"{x['y']:{z}}\", ur'''\n''', 0777L\n    raise E, 'x', tb\n"
    text += "except A, e: exec a in b\n"

    for end in range(len(text)):
        check_source(text[:end], "old.py")


@pytest.mark.parametrize("text", ["\0", "(" * 300, "x = " + "-" * 100_000 + "1"])
def test_a_text_that_no_parser_takes_is_one_finding(text: str) -> None:
    assert [code for _, _, code in found(text)] == ["syntax"]
