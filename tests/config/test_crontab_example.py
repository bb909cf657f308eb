"""The example for cron: cron reads every line of it, and a night that went well is not mailed."""

import re
import shlex

import pytest

from tests.helpers.repository import ROOT

LINES = [
    line.strip()
    for line in (ROOT / "config" / "crontab.example").read_text(encoding="utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]
JOBS = [line for line in LINES if not re.match(r"[A-Z_]+=", line)]


def test_cron_is_given_a_path_and_somebody_to_mail_to() -> None:
    assert {line.partition("=")[0] for line in LINES if line not in JOBS} == {"MAILTO", "PATH"}


@pytest.mark.parametrize("job", JOBS)
def test_every_line_is_a_time_and_a_quiet_command(job: str) -> None:
    *time, command = job.split(None, 5)
    program, *arguments = shlex.split(command)

    assert all(re.fullmatch(r"\*|\d+", field) for field in time), time
    assert program == "readstate"
    assert "-q" in arguments
    assert not re.search(r"(?<!\\)%", command), "cron ends a command at %"


def test_the_second_export_begins_after_the_deadline_of_the_first() -> None:
    first, second = (job for job in JOBS if " export " in job)
    begins = [int(job.split()[1]) * 60 + int(job.split()[0]) for job in (first, second)]
    hours = re.search(r"--deadline (\d+)h", first)

    assert hours is not None
    assert begins[0] + int(hours[1]) * 60 < begins[1]
