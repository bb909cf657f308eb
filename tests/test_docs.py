"""The documentation covers every command, flag, code and setting, and its links and examples work."""

import re
import signal
from pathlib import Path

import click
import pytest

from readstate.errors import ExitCode
from readstate.settings.settings import Settings
from readstate_jobs.help.command import load
from readstate_jobs.help.commands import COMMANDS
from tests.helpers.readme_console import shell, type_examples
from tests.helpers.repository import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND_PAGE = (ROOT / "jobs" / "README.md").read_text(encoding="utf-8")


PAGES = [
    *ROOT.glob("*.md"),
    *(page for part in (".github", "pipeline", "jobs", "config", "tests") for page in (ROOT / part).rglob("*.md")),
]


def _commands() -> dict[str, click.Command]:
    return {name: load(name) for name in COMMANDS}


def test_every_command_has_a_section_and_its_summary_is_its_own() -> None:
    for name, command in _commands().items():
        assert f"## readstate {name}" in COMMAND_PAGE, name
        assert command.help, name


def test_every_flag_of_every_command_is_documented() -> None:
    shared = COMMAND_PAGE.split("## readstate ")[0]
    sections = {part.split()[0]: part for part in COMMAND_PAGE.split("## readstate ")[1:]}
    missing = [
        f"{name} {option}"
        for name, command in _commands().items()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if f"`{option}" not in sections[name] + shared
    ]
    assert missing == []


def test_no_flag_is_documented_that_does_not_exist() -> None:
    known = {option for command in _commands().values() for parameter in command.params for option in parameter.opts}
    documented = set(re.findall(r"^\| `(--[a-z-]+)", COMMAND_PAGE, re.MULTILINE))

    assert documented - known == set()


def test_every_exit_code_is_documented() -> None:
    table = README.split("## Exit codes")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
    documented = {int(number) for row in rows for number in row.split(",")}

    assert documented == {int(code) for code in ExitCode}


def test_no_exit_code_is_99_because_airflow_reads_it_as_skipped() -> None:
    assert 99 not in {int(code) for code in ExitCode}


def test_every_setting_is_documented() -> None:
    page = (ROOT / "config" / "README.md").read_text(encoding="utf-8") + (ROOT / "config" / "readstate.toml").read_text(
        encoding="utf-8"
    )

    assert [name for name in Settings.__struct_fields__ if name not in page] == []


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert broken == []


def _shape(line: str) -> str:
    """*line* without what differs from run to run: numbers, ids, digests, widths."""
    return " ".join(re.sub(r"(?<=[-…])[0-9a-f]{4,}\b|\d+([ ,.]\d+)*", "0", line).split())


def _shown(lines: list[str]) -> str:
    """A pattern of the output that *lines* of a page show: `…` is any number of lines, or any part of one."""
    return "".join(
        r"(?:.*\n)*" if line == "…" else re.escape(_shape(line)).replace("…", ".*") + r"\n" for line in lines
    )


@pytest.mark.parametrize("page", ["README.md"])
def test_examples_give_what_the_page_says(page: str, tmp_path: Path) -> None:
    """Every line after a `$` is typed; its output is what the page shows, as whole lines and in their order."""
    for example in type_examples((ROOT / page).read_text(encoding="utf-8"), tmp_path):
        assert not example.failed, example
        output = "".join(f"{_shape(line)}\n" for line in example.printed)
        assert re.fullmatch(_shown(example.shown), output), f"{example.typed} printed:\n{example.output}"


def test_examples_whose_simulator_dies_end_soon_and_leave_no_process(tmp_path: Path) -> None:
    page = "```console\n$ sleep 600 & sleep 0 &\n$ echo never typed > typed\n```"

    with pytest.raises(AssertionError, match="the simulator died"):
        type_examples(page, tmp_path)

    assert not (tmp_path / "typed").exists()


def test_nothing_that_an_example_started_outlives_it(tmp_path: Path) -> None:
    with shell("(sleep 20; echo outlived) & echo begun; sleep 60", tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"

    assert process.stdout.read() == "", "a pipe ends when no process holds it any more"


def test_a_signal_exists_for_each_code_of_a_signal() -> None:
    assert ExitCode.INTERRUPTED == 128 + signal.SIGINT
    assert ExitCode.TERMINATED == 128 + signal.SIGTERM
