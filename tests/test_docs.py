"""The documentation tells everything there is, and nothing that is not so."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from jobs.cli import COMMANDS
from pipeline.errors import ExitCode
from pipeline.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND_PAGE = (ROOT / "jobs" / "README.md").read_text(encoding="utf-8")


def _commands() -> dict[str, click.Command]:
    return {name: import_module(entry.module).command for name, entry in COMMANDS.items()}


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
        for page in [ROOT / "README.md", *ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md")]
        if ".venv" not in page.parts
        for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if not target.startswith("http") and not (page.parent / target).exists()
    ]
    assert broken == []


def _shape(text: str) -> str:
    """*text* without what differs from run to run: numbers, widths, the path of the machine."""
    return " ".join(re.sub(r"[\d,.]+", "0", text).split())


def _free_port() -> int:
    """A port of our own: whoever else tries the examples at this moment has a simulator at theirs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("page", ["README.md"])
def test_examples_give_what_the_page_says(page: str, tmp_path: Path) -> None:
    """Every line after a `$` is typed; every line that the page shows of its output comes."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("8123", str(_free_port()))
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    expected: list[list[str]] = []
    script = ["set -u", "trap 'kill %1 2>/dev/null' EXIT"]
    for line in "".join(blocks).splitlines():
        if line.startswith("$ "):
            script.append(f"echo '--- {len(expected)}'; {line[2:]}")
            script.append("sleep 1" if line.endswith("&") else 'echo "--- code $?"')
            expected.append([])
        else:
            expected[-1].append(line)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "COLUMNS": "200",
        "LANG": "C.UTF-8",
    }
    bash = shutil.which("bash")
    assert bash is not None
    run = subprocess.run(
        [bash, "-c", "\n".join(script)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    outputs = re.split(r"^--- \d+$", run.stdout, flags=re.MULTILINE)[1:]
    assert len(outputs) == len(expected), run.stdout
    for number, (output, lines) in enumerate(zip(outputs, expected, strict=True)):
        assert "--- code" not in output or "--- code 0" in output, output
        for line in lines:
            assert _shape(line) in _shape(output), f"example {number}: {line!r} is not in\n{output}"


def test_a_signal_exists_for_each_code_of_a_signal() -> None:
    assert ExitCode.INTERRUPTED == 128 + signal.SIGINT
    assert ExitCode.TERMINATED == 128 + signal.SIGTERM
