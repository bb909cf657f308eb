import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest

from readstate.errors import ExitCode
from readstate_jobs.cli.main import COMMANDS, main
from tests.helpers.cli_shell import CommandOutput, RunCommand
from tests.helpers.processes import LONGEST_SECONDS
from tests.helpers.repository import ROOT

HEAVY = {
    "aiohttp",
    "pyarrow",
    "pandas",
    "duckdb",
    "rich",
    "jinja2",
    "prometheus_client",
    "msgspec",
    "asyncio",
    "sqlite3",
}


def _python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=LONGEST_SECONDS
    ).stdout


def test_help_imports_nothing_heavy_and_no_command() -> None:
    loaded = json.loads(
        _python(
            "import contextlib, io, json, sys\nfrom readstate_jobs.cli.main import main\n"
            "with contextlib.redirect_stdout(io.StringIO()): assert main(['--help']) == 0\n"
            "print(json.dumps(sorted(sys.modules)))"
        )
    )

    assert HEAVY.intersection(loaded) == set()
    assert [name for name in loaded if name.startswith("readstate_jobs.")] == [
        "readstate_jobs.cli",
        "readstate_jobs.cli.main",
        "readstate_jobs.cli.messages",
        "readstate_jobs.cli.streams",
    ]


def test_help_lists_every_command_and_each_has_its_own(readstate: RunCommand) -> None:
    listed = readstate("--help").stdout

    for name in COMMANDS:
        output = readstate(name, "--help")

        assert output.code == ExitCode.DONE, name
        assert f"  {name} " in listed
        assert f"Usage: readstate {name}" in output.stdout
        assert "%Y" not in output.stdout, "a format for machines instead of words"


def test_nothing_typed_is_answered_with_the_help_and_not_with_an_error(readstate: RunCommand) -> None:
    output = readstate()

    assert output.code == ExitCode.USAGE
    assert output.stderr.startswith("Usage: readstate")
    assert output.stdout == ""


@pytest.mark.parametrize(
    ("words", "message", "page"),
    [
        (["exprot"], "there is no command 'exprot'; did you mean 'export'?\n", "readstate"),
        (["xyzzy"], "there is no command 'xyzzy'\n", "readstate"),
        (["export"], "--out", "readstate export"),
        (["export", "--out", "x", "--nonsense"], "--nonsense", "readstate export"),
        (["export", "--out", "x", "--date", "23.11.2026"], "YYYY-MM-DD", "readstate export"),
        (["doctor", "superfluous"], "superfluous", "readstate doctor"),
    ],
)
def test_a_wrong_command_line_is_code_64_and_names_what_is_wrong(
    words: list[str], message: str, page: str, readstate: RunCommand
) -> None:
    output = readstate(*words)

    assert output.code == ExitCode.USAGE
    assert message in output.stderr
    assert f"See {page} --help" in output.stderr
    assert output.stdout == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--auth-token", "hunter2hunter2"],
        ["--auth-token=hunter2hunter2"],
        ["--api_key=hunter2hunter2"],
        ["TWILIO_AUTH_TOKEN=hunter2hunter2"],
        ["--Twilio-Auth-Token=hunter2hunter2"],
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(words: list[str], readstate: RunCommand) -> None:
    output = readstate("doctor", *words)

    assert output.code == ExitCode.USAGE
    assert "hunter2" not in output.stdout + output.stderr
    assert "can be read by every user" in output.stderr
    assert "Export TWILIO_API_KEY" in output.stderr


def test_the_secret_of_the_environment_is_refused_wherever_it_stands(
    readstate: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "0f" * 16)

    output = readstate("doctor", "--base-url", f"https://AC1:{'0f' * 16}@proxy.example.com")

    assert output.code == ExitCode.USAGE
    assert "0f0f" not in output.stdout + output.stderr


def test_words_that_only_look_like_a_secrets_name_are_taken(readstate: RunCommand) -> None:
    output = readstate("snapshots", "/data/token=3")

    assert output.code == ExitCode.DONE


@pytest.fixture
def settings_raise(readstate: RunCommand, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], CommandOutput]:
    """Runs ``readstate -- settings``, which raises an exception."""

    def run(error: BaseException) -> CommandOutput:
        @click.command()
        def command() -> None:
            raise error

        monkeypatch.setattr(import_module("readstate_jobs.tools.settings"), "command", command)
        return readstate("--", "settings")

    return run


def test_a_bug_leaves_a_file_with_the_details_and_no_traceback(
    settings_raise: Callable[[BaseException], CommandOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(Path.cwd()))

    output = settings_raise(ZeroDivisionError("one thing over nothing"))

    assert output.code == ExitCode.INTERNAL
    assert "a bug in readstate: ZeroDivisionError: one thing over nothing" in output.stderr
    (details,) = Path.cwd().glob("readstate-*.txt")
    assert str(details) in output.stderr
    assert "Traceback" in details.read_text()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyboardInterrupt(), "Nothing that was saved is lost. To resume:  readstate -- settings"),
        (click.Abort(), "not confirmed; nothing was done"),
    ],
)
def test_ctrl_c_and_a_prompt_that_is_left_are_code_130(
    error: BaseException, message: str, settings_raise: Callable[[BaseException], CommandOutput]
) -> None:
    output = settings_raise(error)

    assert output.code == ExitCode.INTERRUPTED
    assert output.stderr.rstrip().endswith(message)


def test_foreign_text_in_an_error_cannot_steer_the_terminal(readstate: RunCommand) -> None:
    output = readstate("export", "--out", "x", "--users", "evil\x1b]0;title\x07.txt")

    assert output.code == ExitCode.BAD_INPUT
    assert "\x1b]" not in output.stderr
    assert "\x07" not in output.stderr
    assert "evil" in output.stderr


def test_what_is_written_is_readable_by_its_owner_alone(clean_environment: None) -> None:
    before = os.umask(0o022)
    try:
        main(["settings"])

        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)
