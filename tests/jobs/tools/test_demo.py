"""``readstate demo``: a real export without an account, and three commands that work as they are printed."""

import re
import shlex
from pathlib import Path

import pytest

from readstate.errors import ExitCode
from tests.helpers.published import published_rows
from tests.jobs.conftest import Type


def test_it_exports_a_world_of_its_own_and_says_what_to_type_next(typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "of a real account, which a demo must not touch")
    monkeypatch.setenv("READSTATE_BASE_URL", "http://127.0.0.1:9")

    given = typed("demo", "--users", "80", "--out", "tried")

    assert given.code == ExitCode.DONE, given.err
    assert "A simulated Twilio listens on http://127.0.0.1:" in given.err
    assert "Published tried/_snapshots/" in given.out
    assert len(published_rows(Path("tried"))) > 80
    assert not Path("tried/.work").exists()
    following = re.findall(r"^  (\S.*)$", given.out.split("Worth typing next:")[1], re.MULTILINE)
    assert len(following) == 3
    readstate, *words = shlex.split(following[0])
    assert readstate.endswith("readstate")
    assert typed(*words).code == ExitCode.DONE


def test_it_can_be_repeated(typed: Type) -> None:
    words = ["demo", "--users", "10", "--out", "tried", "--seed", "4"]

    assert typed(*words).code == typed(*words).code == ExitCode.DONE
    assert len(list(Path("tried").glob("user_conversations/*/*.parquet"))) == 1
