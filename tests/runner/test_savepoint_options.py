"""What the command line can say of savepoints, and what of that is refused before a script is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyflink_stream.cli import Request, parse

if TYPE_CHECKING:
    from here import CommandHere
    from launched import Command


@pytest.fixture
def script(command: Command, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(command.directory)
    command.write("conf/flink-conf.yaml", "execution.savepoint.path: from-the-file\n")
    (command.directory / "taken").mkdir()
    return str(command.write("s.py", "print('imported')"))


@pytest.mark.parametrize(
    ("args", "values"),
    [
        ([], ("from-the-file", False, "", False)),
        (["-s", "taken"], ("taken", False, "", False)),
        (["--from-savepoint=taken", "--allow-non-restored-state"], ("taken", True, "", False)),
        (["--savepoint", "kept"], ("from-the-file", False, "kept", False)),
        (["--stop-with-savepoint", "kept"], ("from-the-file", False, "kept", True)),
        (["--savepoint", "kept", "--stop-with-savepoint", "kept"], ("from-the-file", False, "kept", True)),
    ],
)
def test_each_option_is_a_key_of_the_configuration(script: str, args: list[str], values: tuple[object, ...]) -> None:
    request = parse([*args, script])
    assert isinstance(request, Request)
    assert values == tuple(
        request.configuration.get(key)
        for key in (
            "execution.savepoint.path",
            "execution.savepoint.ignore-unclaimed-state",
            "state.savepoints.dir",
            "execution.savepoint.on-stop",
        )
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-s", "gone"], "-s gone: no such savepoint or checkpoint"),
        (["-s", "file://host/taken"], "-s: cannot use file://host/taken: it names a file of the machine 'host';"),
        (
            ["--savepoint", "a", "--stop-with-savepoint", "b"],
            "--savepoint and --stop-with-savepoint must name the same directory",
        ),
        (["--local-debug", "-s", "taken"], "--local-debug takes no checkpoints, so -s has no effect"),
        (["--local-debug", "--savepoint", "a"], "--local-debug takes no checkpoints, so --savepoint has no effect"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    script: str, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    assert parse([*args, script]) == 2
    assert f"Error: {message}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--savepoint", "s.py"], "Cannot write a savepoint to {directory}/s.py: {directory}/s.py is not a directory."),
        (["--savepoint", "s.py/x"], "Cannot write a savepoint to {directory}/s.py/x: {directory}/s.py is not a dir"),
        (["-D", "execution.savepoint.on-stop=true"], "execution.savepoint.on-stop: the savepoint needs a directory"),
        (["-s", "empty"], "There is no complete savepoint or checkpoint in empty: it would have a file _metadata."),
    ],
)
def test_a_place_that_is_of_no_use_is_an_error_before_a_record_is_read(
    quick: CommandHere, given: list[str], message: str
) -> None:
    (quick.directory / "empty").mkdir()
    quick.write(
        "s.py",
        """
        def main(factory):
            env = factory.get_execution_environment()
            env.from_elements(1).map(print).write_as_text("out")
            env.execute()
        """,
    )
    done = quick.run(*given, "s.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message.format(directory=quick.directory)), done.stderr
    assert not (quick.directory / "out").exists()
