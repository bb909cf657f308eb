import errno
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from readstate.errors import ExitCode
from readstate_jobs.help.commands import COMMANDS
from tests.helpers.cli_shell import CommandOutput, RunCommand
from tests.helpers.processes import LONGEST_SECONDS

HEAVY = {
    "aiohttp",
    "pyarrow",
    "pandas",
    "duckdb",
    "rich.console",
    "jinja2",
    "prometheus_client",
    "pygal",
    "tenacity",
    "obstore",
    "urllib.request",
    "importlib.metadata",
    "msgspec",
    "asyncio",
    "sqlite3",
}


def _python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=LONGEST_SECONDS
    ).stdout


def _imported_by(*command_lines: list[str]) -> set[str]:
    """Return the modules that a process has imported when it has run *command_lines*."""
    printed = _python(
        "import contextlib, io, json, sys\nfrom readstate_jobs.cli.main import main\n"
        "from readstate_jobs.cli.optional_imports import block_optional_imports\nblock_optional_imports()\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        f"    assert not any([main(words) for words in {command_lines!r}])\n"
        "print(json.dumps(list(sys.modules)))"
    )
    return set(json.loads(printed))


def _rooms(imported: set[str]) -> set[str]:
    return {name.split(".")[1] for name in imported if name.startswith("readstate_jobs.")}


def test_the_list_of_commands_imports_nothing_heavy_and_no_command() -> None:
    imported = _imported_by(["--help"])

    assert HEAVY & imported == set()
    assert _rooms(imported) == {"cli", "help", "outcome", "output"}
    assert "readstate_jobs.cli.options" not in imported


def test_the_help_of_every_command_imports_neither_its_job_nor_anything_heavy() -> None:
    imported = _imported_by(*([name, "--help"] for name in COMMANDS))

    assert HEAVY & imported == {"msgspec"}
    assert _rooms(imported) - {"cli", "help", "outcome", "output", "commands"} == {"applying"}
    assert {name for name in imported if name.startswith("readstate_jobs.applying.")} == {
        "readstate_jobs.applying.typed_options"
    }


@pytest.mark.parametrize(
    ("words", "used"),
    [
        (["settings"], {"msgspec"}),
        (["doctor"], {"asyncio", "msgspec"}),
        (["export", "--out", "root", "--json"], {"asyncio", "msgspec", "pyarrow", "sqlite3"}),
        (["plan", "changes.csv", "--op", "delete", "--json"], {"asyncio", "jinja2", "msgspec", "pyarrow", "sqlite3"}),
    ],
)
def test_a_command_imports_only_what_it_uses(words: list[str], used: set[str], connected: RunCommand) -> None:
    Path("changes.csv").write_text(f"user,conversation\nUS{0:032},CH{0:032}\n")

    assert HEAVY & _imported_by(words) == used


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
    ("words", "message"),
    [
        (["plan", ""], "the argument after plan is empty"),
        (["show", "--plans", "", "p-1"], "the argument after --plans is empty"),
        (["export", "--out="], "--out is empty"),
        (["report", ""], "the argument after report is empty"),
        ([""], "the argument after readstate is empty"),
    ],
)
def test_an_empty_word_is_told_as_that(words: list[str], message: str, readstate: RunCommand) -> None:
    output = readstate(*words)

    assert output.code == ExitCode.USAGE
    assert output.stderr.splitlines() == [
        f"error: {message}",
        "Is a variable of the shell, or of the scheduler, not set?",
    ]


@pytest.mark.parametrize("words", [["--metrics-file", ""], ["--work-dir="], ["--base-url", ""], ["--shared-pace", ""]])
def test_a_setting_may_be_empty_where_that_stands_for_its_default(words: list[str], readstate: RunCommand) -> None:
    assert readstate("settings", *words).code == ExitCode.DONE


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("--account", "export TWILIO_ACCOUNT_SID"),
        ("--account-sid", "export TWILIO_ACCOUNT_SID"),
        ("--region", "Export TWILIO_EDGE and TWILIO_REGION"),
    ],
)
@pytest.mark.parametrize("name", ["export", "plan", "doctor", "settings", "apply"])
def test_an_option_of_other_tools_leads_to_the_variable(
    name: str, option: str, advice: str, readstate: RunCommand
) -> None:
    output = readstate(name, option, "x")

    assert output.code == ExitCode.USAGE
    assert f"No such option '{option}'" in output.stderr.replace(f": {option}", f" '{option}'")
    assert advice in output.stderr


@pytest.fixture
def settings_raise(readstate: RunCommand, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], CommandOutput]:
    """Runs ``readstate -- settings``, which raises an exception."""

    def run(error: BaseException) -> CommandOutput:
        def carry_out(**_: object) -> None:
            raise error

        monkeypatch.setattr("readstate_jobs.tools.settings.carry_out", carry_out)
        return readstate("--", "settings")

    return run


def test_a_bug_whose_details_cannot_be_written_shows_them(
    settings_raise: Callable[[BaseException], CommandOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(Path.cwd() / "missing"))

    output = settings_raise(ZeroDivisionError("one thing over nothing"))

    assert output.code == ExitCode.INTERNAL
    assert "could not be written to a file" in output.stderr
    assert re.search(r"It happened in .*test_main.py:\d+", output.stderr)


@pytest.mark.parametrize("reason", [errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_a_file_that_the_disk_refuses_is_named_and_no_bug(
    reason: int, settings_raise: Callable[[BaseException], CommandOutput]
) -> None:
    output = settings_raise(OSError(reason, os.strerror(reason), "/disk/part-1.arrow"))

    assert output.code == ExitCode.LOCAL_DISK
    assert f"error: /disk/part-1.arrow: {os.strerror(reason)}" in output.stderr
    assert "run the same command again" in output.stderr


def test_a_bug_leaves_a_file_with_the_details_and_tells_no_secret_there_nor_on_the_screen(
    settings_raise: Callable[[BaseException], CommandOutput], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(Path.cwd()))
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "hunter2hunter2")
    monkeypatch.setenv("READSTATE_SHARED_PACE", "redis://:se/same@redis.example.com/0")

    output = settings_raise(ValueError("hunter2hunter2 at redis://:se/same@redis.example.com/0"))

    assert output.code == ExitCode.INTERNAL
    assert "a bug in readstate: ValueError: (secret) at redis" in output.stderr
    (details,) = Path.cwd().glob("readstate-*.txt")
    assert str(details) in output.stderr
    assert "Traceback" in details.read_text()
    for text in (output.stderr, details.read_text()):
        assert "(secret) at redis://(secret)@redis.example.com/0" in text
        assert "hunter2" not in text
        assert "same" not in text


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
