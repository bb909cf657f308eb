import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from readstate.errors import ExitCode
from readstate.simulator.api.behaviour import Behaviour, OrderedList
from readstate.simulator.faults.faults import Faults
from readstate.simulator.server.account_profile import load_profile
from readstate.simulator.server.server import RunningSimulator
from tests.helpers.cli_shell import RunCommand


def test_an_account_as_assumed_is_a_table_a_file_and_exit_0(connected: RunCommand, twilio: RunningSimulator) -> None:
    output = connected("probe", "--yes")

    assert output.code == ExitCode.DONE
    assert "users: the order" in output.stdout
    assert "as assumed" in output.stdout
    assert "not asked: there is no TLS to choose it by" in output.stdout
    assert "0 differences" in output.stderr
    assert load_profile(Path("probe.json")).behaviour == Behaviour()
    assert {path for method, path, _ in twilio.counters().answers if method != "GET"} == set()


def test_what_is_not_as_assumed_is_exit_3_and_can_be_simulated(connected: RunCommand, twilio: RunningSimulator) -> None:
    twilio.behaviour = Behaviour(users=OrderedList(order="updated", direction="desc"), token_form="sort_key")

    output = connected("probe", "--yes", "--json", "--out", "other.json")

    assert output.code == ExitCode.SOME_FAILED
    assert output.document == {"schema": "probe/1"} | json.loads(Path("other.json").read_text())
    assert load_profile(Path("other.json")).behaviour == twilio.behaviour


@pytest.mark.parametrize(
    ("faults", "code", "message"),
    [
        (Faults(suspended=True), ExitCode.NOT_PERMITTED, "the account answered 401/20003"),
        (Faults(requests_per_second_cap=0.001, requests_burst=40), ExitCode.STOPPED_EARLY, "answered 429/20429"),
        (Faults(outage="503", html_share=0), ExitCode.SOME_FAILED, "differences"),
    ],
)
def test_refusals_end_it_and_are_named(
    faults: Faults, code: ExitCode, message: str, connected: RunCommand, twilio: RunningSimulator
) -> None:
    twilio.faults = replace(faults, concurrency_cap=None)

    output = connected("probe", "--yes")

    assert output.code == code
    assert message in output.stderr


def test_without_a_yes_and_a_terminal_nothing_is_asked(connected: RunCommand, twilio: RunningSimulator) -> None:
    output = connected("probe")

    assert output.code == ExitCode.CONSENT_MISSING
    assert "add --yes" in output.stderr
    assert twilio.counters().requests == 0


def test_a_wrong_service_is_refused_before_anything_is_asked(connected: RunCommand, twilio: RunningSimulator) -> None:
    assert connected("probe", "--yes", "--service", "default").code == ExitCode.BAD_INPUT
    assert twilio.counters().requests == 0
