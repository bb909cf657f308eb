"""The files for cron, containers, Kubernetes and systemd are well-formed, and the commands in them exist."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from readstate_jobs.help.command import load
from readstate_jobs.help.commands import COMMANDS
from tests.helpers.repository import ROOT

CONFIG = ROOT / "config"
DOCKERFILE = (CONFIG / "Dockerfile").read_text(encoding="utf-8")
CRONJOB = CONFIG / "kubernetes" / "cronjob.yaml"
UNITS = sorted((CONFIG / "systemd").iterdir())


def _instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with what follows it."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def _pod() -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load(CRONJOB.read_text(encoding="utf-8"))["spec"]["jobTemplate"]["spec"]
    return job


def _commands() -> Iterator[list[str]]:
    """Every readstate command in a shipped file, without its first word."""
    for container in _pod()["template"]["spec"]["containers"]:
        yield container["args"]
    for path in (CONFIG / "crontab.example", CONFIG / "Dockerfile", *UNITS):
        text = re.sub(r"\\\n#?", " ", path.read_text(encoding="utf-8"))
        for found in re.findall(r"(?:^|[ /])readstate ([a-z][a-z-]* [^\n;|&>]*)", text):
            if found.split()[0] in COMMANDS:
                yield shlex.split(re.split(r" \d?$", found)[0])


COMMAND_LINES = list(_commands())


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_every_command_takes_its_options(words: list[str]) -> None:
    command = load(words[0])
    context = click.Context(command)
    given, _, _ = command.make_parser(context).parse_args(words[1:])

    for parameter in command.params:
        if parameter.name in given and parameter.callback is None:  # callbacks take effect, such as -q
            parameter.type_cast_value(context, given[parameter.name])


def test_no_file_is_without_a_command() -> None:
    assert [words[0] for words in COMMAND_LINES].count("export") >= 4


def test_the_image_runs_without_rights_compiler_or_secrets() -> None:
    instructions = _instructions()
    by_name: dict[str, list[str]] = {}
    for name, rest in instructions:
        by_name.setdefault(name, []).append(rest)

    assert all(re.match(r"python:3\.\d+-slim\b", base) for base in by_name["FROM"]), "a small base of a fixed version"
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", by_name["USER"][-1]), "a number, so that runAsNonRoot can check it"
    assert instructions[-2:] == [("ENTRYPOINT", '["readstate"]'), ("CMD", '["--help"]')], "signals reach readstate"
    assert not {"ADD", "MAINTAINER"} & by_name.keys()
    assert not re.search(r"apt-get|sudo|curl |(ENV|ARG) .*(TOKEN|SECRET|KEY)", " ".join(map(" ".join, instructions)))
    (installs,) = [step for step in by_name["RUN"] if "pip" in step and "install " in step]
    assert {"--no-cache-dir", "--only-binary", "--constraint"} <= set(installs.split())


def test_all_that_is_copied_into_the_image_is_there() -> None:
    copied = [
        source
        for name, rest in _instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    ]

    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert {"pyproject.toml", "pipeline", "jobs", "config/constraints.txt"} <= set(copied)


def test_the_pod_has_no_rights_and_keeps_its_work() -> None:
    job = _pod()
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert mounts.keys() == volumes.keys()
    assert volumes["secret"]["secret"]["defaultMode"] & 0o007 == 0, "others cannot read the secret"
    assert "persistentVolumeClaim" in volumes["work"], "the next pod resumes"
    assert pod["terminationGracePeriodSeconds"] > 20
    (rule,) = job["podFailurePolicy"]["rules"]
    assert pod["restartPolicy"] == "Never", "as podFailurePolicy requires"
    assert 15 not in rule["onExitCodes"]["values"], "a deadline is resumed"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not there")
def test_systemd_takes_its_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/readstate/bin/readstate", shutil.which("true") or "")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")

    verified = subprocess.run(
        ["systemd-analyze", "verify", *(tmp_path / unit.name for unit in UNITS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (verified.returncode, verified.stderr) == (0, "")
