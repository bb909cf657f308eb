"""Credentials come from the environment, an API key first, and are never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.errors import NotPermitted
from readstate.settings.account import account_in
from readstate.settings.credentials import Credentials, load_credentials

KEY = {"TWILIO_API_KEY": "SK" + "1" * 32, "TWILIO_API_SECRET": "key-secret"}
TOKEN = {"TWILIO_ACCOUNT_SID": "AC" + "2" * 32, "TWILIO_AUTH_TOKEN": "auth-token"}


@pytest.mark.parametrize(
    ("environ", "account", "username", "secret"),
    [
        (KEY | TOKEN, "AC" + "2" * 32, "SK" + "1" * 32, "key-secret"),
        (KEY, None, "SK" + "1" * 32, "key-secret"),
        (TOKEN, "AC" + "2" * 32, "AC" + "2" * 32, "auth-token"),
    ],
    ids=["a key goes before the token", "a key does not need its account", "the token alone"],
)
def test_a_key_or_a_token_is_read(environ: dict[str, str], account: str | None, username: str, secret: str) -> None:
    credentials = load_credentials(account_in(environ))

    assert (credentials.account_sid, credentials.username, credentials.secret) == (account, username, secret)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "readstate demo"),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, "no Twilio credentials"),
        ({"TWILIO_API_KEY": "SK1"}, "TWILIO_API_SECRET is not set"),
        ({"TWILIO_API_SECRET": "s"}, "TWILIO_API_KEY is not set"),
        (TOKEN | {"TWILIO_API_KEY": "SK1"}, "TWILIO_API_SECRET is not set, and TWILIO_API_KEY is"),
        (TOKEN | {"TWILIO_API_SECRET": "s"}, "TWILIO_API_KEY is not set, and TWILIO_API_SECRET is"),
        ({"TWILIO_API_KEY": "", "TWILIO_API_SECRET": ""}, "no Twilio credentials"),
    ],
)
def test_what_is_missing_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(NotPermitted, match=message):
        load_credentials(account_in(environ))


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("{}\n", "ends with a line end"),
        ("{}\r", "ends with a line end"),
        (" {}", "has a blank at its beginning or end"),
        ("{}\t", "has a blank at its beginning or end"),
        ("{}\xa0", "has a blank at its beginning or end"),
        ('"{}"', "has a quotation mark"),
        ("'{}", "has a quotation mark"),
        ("“{}”", "has a quotation mark"),
        ("{} {}", "another character that no SID"),
        ("{}\x1b{}", "another character that no SID"),
        ("\ufeff{}", "another character that no SID"),
        ("{}é", "another character that no SID"),
        ("{}:{}", "another character that no SID"),
        ("\udcff{}", "another character that no SID"),
    ],
)
@pytest.mark.parametrize("name", [*KEY, *TOKEN])
def test_what_stands_around_a_value_is_told_without_the_value(name: str, value: str, wrong: str) -> None:
    given = {**KEY, **TOKEN}

    with pytest.raises(NotPermitted, match=f"{name} .*{wrong}.*nothing was sent") as refused:
        load_credentials(account_in(given | {name: value.format(given[name], given[name])}))

    assert given[name] not in str(refused.value)


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)

    assert load_credentials().secret == "key-secret"


@given(st.text(min_size=5), st.text())
def test_the_secret_is_never_shown(secret: str, username: str) -> None:
    credentials = Credentials(None, "SK" + "1" * 32, "\x00" + secret)

    assert "\x00" + secret not in f"{credentials!r} {credentials} {credentials.masked()}"
    assert repr(credentials) == "Credentials(SK…1111)"
