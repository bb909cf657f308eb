from pathlib import Path

import pytest

from readstate.errors import ExitCode
from readstate.settings.settings import Settings
from tests.helpers.cli_shell import RunCommand


def test_every_setting_is_shown_with_its_value_and_the_default_as_its_origin(readstate: RunCommand) -> None:
    document = readstate("settings", "--json").document

    assert document["settings"].keys() == set(Settings.__struct_fields__)
    assert {setting["from"] for setting in document["settings"].values()} == {"default"}
    assert document["settings"]["max_in_flight"] == {"value": 500, "from": "default"}


def test_people_get_a_table_with_values_as_a_file_would_have_them(readstate: RunCommand) -> None:
    output = readstate("settings", "--production-first")

    lines = {line.split()[0]: line.split()[1:] for line in output.stdout.splitlines() if line.strip()}
    assert output.code == ExitCode.DONE
    assert lines["production_first"] == ["true", "flag", "--production-first"]
    assert lines["metrics_file"] == ["-", "default"]


def test_secrets_are_masked_and_what_names_them_is_shortened(readstate: RunCommand) -> None:
    secrets = {"TWILIO_AUTH_TOKEN": "5ec1e7" * 5, "TWILIO_API_SECRET": "5ec2e7" * 5}
    names = {"TWILIO_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2, "TWILIO_API_KEY": "SK" + "fedcba9876543210" * 2}
    env = secrets | names | {"TWILIO_EDGE": "dublin", "TWILIO_REGION": "ie1"}

    table, document = readstate("settings", env=env), readstate("settings", "--json", env=env)

    for output in (table, document):
        assert output.code == ExitCode.DONE
        assert not any(value in output.stdout + output.stderr for value in (secrets | names).values())
    assert document.document["profile"] is None
    assert document.document["twilio"] == {
        name: {"value": value, "from": f"environment {name}"}
        for name, value in {
            "TWILIO_ACCOUNT_SID": "AC…cdef",
            "TWILIO_AUTH_TOKEN": "set, not shown",
            "TWILIO_API_KEY": "SK…3210",
            "TWILIO_API_SECRET": "set, not shown",
            "TWILIO_EDGE": "dublin",
            "TWILIO_REGION": "ie1",
        }.items()
    }
    assert document.document["settings"]["base_url"] == {
        "value": "https://conversations.dublin.ie1.twilio.com",
        "from": "environment TWILIO_EDGE, TWILIO_REGION",
    }


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("max_in_flite = 3", "did you mean 'max_in_flight'?"),
        ("transport = 'lean'", "own.toml: transport = 'lean'"),
    ],
)
def test_a_wrong_setting_is_code_10_with_its_place(file: str, message: str, readstate: RunCommand) -> None:
    Path("own.toml").write_text(file)

    output = readstate("settings", "--config", "own.toml")

    assert output.code == ExitCode.BAD_INPUT
    assert message in output.stderr
    assert output.stdout == ""


def test_the_password_of_a_shared_pace_is_not_shown(readstate: RunCommand) -> None:
    for words in ([], ["--json"]):
        shown = readstate("settings", *words, env={"READSTATE_SHARED_PACE": "redis://:sesame@localhost:6379/0"})
        assert "sesame" not in shown.stdout
        assert "redis://localhost:6379/0" in shown.stdout
