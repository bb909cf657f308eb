import pytest

from readstate.errors import ExitCode
from readstate_jobs.cli.secrets_in_environment import without_secrets
from tests.helpers.cli_shell import RunCommand


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


def test_the_secret_of_the_environment_is_refused_wherever_it_stands(readstate: RunCommand) -> None:
    address = f"https://AC1:{'0f' * 16}@proxy.example.com"
    output = readstate("doctor", "--base-url", address, env={"TWILIO_AUTH_TOKEN": "0f" * 16})

    assert output.code == ExitCode.USAGE
    assert "0f0f" not in output.stdout + output.stderr


def test_words_that_only_look_like_a_secrets_name_are_taken(readstate: RunCommand) -> None:
    output = readstate("snapshots", "/data/token=3")

    assert output.code == ExitCode.DONE


def test_a_switch_of_the_simulator_is_no_secret(readstate: RunCommand) -> None:
    output = readstate("simulate", "--behaviour", "page_without_token=by_numbers")

    assert output.code == ExitCode.BAD_INPUT
    assert "page_without_token" in output.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_API_SECRET", "sesame"),
        ("READSTATE_SHARED_PACE", "redis://:sesame@host"),
        ("READSTATE_SHARED_PACE", "redis://%73esame@host"),
        ("https_proxy", "http://me:sesame@proxy:3128"),
    ],
)
def test_a_secret_is_taken_out_of_a_text(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)

    assert "sesame" not in without_secrets(f"it failed: {value} (sesame)")
    assert without_secrets("it failed") == "it failed"
