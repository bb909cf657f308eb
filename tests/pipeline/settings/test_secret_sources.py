"""A secret is read from where it is kept, and told of without being told."""

import shlex
import sys
from pathlib import Path

import pytest

from readstate.errors import NotPermitted
from readstate.settings.account import Account
from readstate.settings.credentials import load_credentials

SECRET = "5ec1e7" * 5 + "ab"
PROFILE = "rs.toml [profiles.emea]"


def account(reference: str, place: str, profile: str | None = None) -> Account:
    return Account({"TWILIO_ACCOUNT_SID": "AC1", f"TWILIO_AUTH_TOKEN_{reference}": place}, profile)


def python(code: str) -> str:
    return shlex.join([sys.executable, "-S", "-c", code])


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The secret in each place that it may be kept in."""
    (tmp_path / "token").write_text(f"{SECRET}\r\n")
    monkeypatch.setenv("EMEA_TOKEN", SECRET)
    return {"FILE": str(tmp_path / "token"), "ENV": "EMEA_TOKEN", "COMMAND": python(f"print('{SECRET}')")}


@pytest.mark.parametrize("reference", ["FILE", "ENV", pytest.param("COMMAND", marks=pytest.mark.process)])
@pytest.mark.parametrize(
    ("profile", "origin"), [(None, "environment TWILIO_AUTH_TOKEN_{}"), (PROFILE, PROFILE + ": auth_token_{}")]
)
def test_a_secret_is_read_from_its_place_which_is_remembered(
    reference: str, profile: str | None, origin: str, places: dict[str, str]
) -> None:
    found = load_credentials(account(reference, places[reference], profile))

    assert found.secret == SECRET
    assert found.origin == origin.format(reference if profile is None else reference.lower())
    assert SECRET not in repr(found)
    assert SECRET not in repr(account(reference, places[reference]))


@pytest.mark.process
def test_a_command_gets_neither_a_shell_nor_our_input() -> None:
    command = python("import sys; print(sys.stdin.read() + sys.argv[1])") + " $HOME;ls"

    assert load_credentials(account("COMMAND", command)).secret == "$HOME;ls"


_UNREADABLE = [
    ("FILE", "/none/there", "/none/there: No such file"),
    ("FILE", "/", "/: Is a directory"),
    ("FILE", "/dev/null", "the secret kept there is empty"),
    ("FILE", SECRET, "(not shown: it may be the secret itself): No such file"),
    ("ENV", "NOT_SET_ANYWHERE", "the variable NOT_SET_ANYWHERE is not set"),
    ("ENV", SECRET, "the variable (not shown: it may be the secret itself) is not set"),
]
_FAILING = [
    ("COMMAND", "/none/there --token hunter2", "/none/there cannot be run: No such file"),
    ("COMMAND", SECRET, "(not shown: it may be the secret itself) cannot be run"),
    ("COMMAND", "it's hunter2", "not a command: no closing quotation"),
    ("COMMAND", " ", "cannot be run: no command"),
    ("COMMAND", python(f"import sys; print('{SECRET}'); sys.exit('{SECRET}')"), "failed with exit code 1; what it"),
    ("COMMAND", python(f"print('{SECRET}\\n{SECRET}')"), "the secret kept there holds a blank, a line end"),
    ("COMMAND", python("import os; os.write(1, b'\\xff')"), "the secret kept there holds a blank"),
    ("COMMAND", "false", "false failed with exit code 1"),
]


@pytest.mark.parametrize("profile", [None, PROFILE])
@pytest.mark.parametrize(
    ("reference", "place", "message"),
    [*_UNREADABLE, *(pytest.param(*case, marks=pytest.mark.process) for case in _FAILING)],
)
def test_a_secret_that_cannot_be_had_is_told_with_its_name_and_without_any_part_of_it(
    reference: str, place: str, message: str, profile: str | None
) -> None:
    with pytest.raises(NotPermitted) as refused:
        load_credentials(account(reference, place, profile))

    label = f"TWILIO_AUTH_TOKEN_{reference}" if profile is None else f"{PROFILE}: auth_token_{reference.lower()}"
    assert str(refused.value).startswith(f"{label}: ")
    assert message in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_secret_in_two_places_is_refused() -> None:
    both = Account({"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": SECRET, "TWILIO_AUTH_TOKEN_FILE": "/x"})

    with pytest.raises(NotPermitted, match="TWILIO_AUTH_TOKEN and TWILIO_AUTH_TOKEN_FILE are both set"):
        load_credentials(both)


def test_only_the_secret_that_is_used_is_read() -> None:
    key = {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": SECRET, "TWILIO_AUTH_TOKEN_FILE": "/none/there"}

    assert load_credentials(Account(key)).username == "SK1"


def test_a_profile_without_credentials_is_told_what_to_give_it() -> None:
    with pytest.raises(NotPermitted, match=r"emea\] has no credentials\n.*api_secret_file"):
        load_credentials(Account({"TWILIO_EDGE": "dublin"}, PROFILE))
