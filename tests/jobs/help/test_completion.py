import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from readstate_jobs.cli.main import readstate


@pytest.mark.process  # bash is asked for its version
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_readstate(shell: str) -> None:
    script = CliRunner().invoke(readstate, ["completion", shell]).stdout

    assert f"_READSTATE_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "incomplete", "completed"),
    [
        ([], "exp", {("plain", "export")}),
        (["apply"], "--confirm", {("plain", "--confirm-deletes")}),
        (["export", "--on-incomplete"], "", {("plain", "publish"), ("plain", "refuse")}),
        (["export", "--out"], "snap", {("file", "snap")}),
        (["snapshots"], "snap", {("file", "snap")}),
        (["plan"], "changes", {("file", "changes")}),
        (["apply"], "plans/p-", {("file", "plans/p-")}),
    ],
)
def test_commands_options_and_files_are_completed(
    words: list[str], incomplete: str, completed: set[tuple[str, str]]
) -> None:
    found = BashComplete(readstate, {}, "readstate", "_READSTATE_COMPLETE").get_completions(words, incomplete)

    assert {(item.type, item.value) for item in found} == completed
