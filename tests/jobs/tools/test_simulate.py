import json
import re
import shlex
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from readstate.errors import Usage
from readstate.simulator.world.dump import load_world
from readstate_jobs.commands.tools import simulate
from tests.helpers.certificate import write_certificate
from tests.helpers.processes import LONGEST_SECONDS

RUN = [sys.executable, "-c", "from readstate_jobs.commands.tools import simulate; simulate()"]


@contextmanager
def _simulate(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen([*RUN, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def _control(base_url: str, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{base_url}/_simulator/{path}") as response:
        content: dict[str, Any] = json.load(response)
        return content


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_listens_and_ends_when_told(number: signal.Signals, tmp_path: Path) -> None:
    like = tmp_path / "account.json"
    like.write_text('{"account": {"behaviour": {"token_form": "sort_key"}, "faults": {"latency_ms": 2, "rtt_ms": 1}}}')
    options = ["--like", str(like), "--fault", "latency_ms=3", "--behaviour", "users.order=updated"]
    with _simulate("--users", "1000000", *options) as (process, base_url):
        faults, behaviour = _control(base_url, "faults"), _control(base_url, "behaviour")
        process.send_signal(number)
        rest, story = process.communicate(timeout=LONGEST_SECONDS)

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", base_url)
    assert (faults["latency_ms"], faults["rtt_ms"]) == (3, 1)
    assert (behaviour["users"]["order"], behaviour["token_form"]) == ("updated", "sort_key")
    assert (rest, process.returncode) == ("", 0)
    assert f"READSTATE_BASE_URL={base_url}" in story


def test_with_a_certificate_it_says_how_to_trust_it(tmp_path: Path) -> None:
    both = tmp_path / "key and certificate.pem"
    write_certificate(both)
    with _simulate("--users", "1", "--tls", str(both)) as (process, base_url):
        assert process.stderr is not None
        exported = dict(word.split("=", 1) for word in shlex.split(process.stderr.readline())[1:])
        context = ssl.create_default_context(cafile=exported["SSL_CERT_FILE"])
        with urllib.request.urlopen(f"{base_url}/_simulator/faults", context=context) as response:
            status = response.status

    assert status == 200
    assert re.fullmatch(r"https://127\.0\.0\.1:\d+", exported["READSTATE_BASE_URL"])
    assert exported["REQUESTS_CA_BUNDLE"] == exported["SSL_CERT_FILE"] == str(both)


def test_a_world_is_dumped_at_the_end_and_loaded_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"

    def stop_when_introduced(_line: str, *, err: bool = False) -> None:
        if err:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("readstate_jobs.tools.simulate.click.echo", stop_when_introduced)

    dumped = CliRunner().invoke(simulate, ["--users", "3", "--seed", "5", "--dump", str(first)])
    loaded = CliRunner().invoke(simulate, ["--world", str(first), "--dump", str(second)])
    again = CliRunner().invoke(simulate, ["--world", str(second)])

    assert (dumped.exit_code, loaded.exit_code, again.exit_code) == (0, 0, 0)
    assert (load_world(first).shape.users, load_world(first).shape.seed) == (3, 5)
    assert first.read_bytes() == second.read_bytes()


def test_a_port_that_is_taken_is_said() -> None:
    with _simulate() as (_, base_url):
        port = base_url.rpartition(":")[2]
        result = CliRunner().invoke(simulate, ["--port", port])

    assert isinstance(result.exception, Usage)
    assert f"127.0.0.1:{port}" in str(result.exception)


def test_a_world_that_cannot_be_read_is_refused_with_the_reason() -> None:
    result = CliRunner().invoke(simulate, ["--world", "/nonexistent/world"])

    assert isinstance(result.exception, Usage)
    assert "cannot read the world" in str(result.exception)
