"""Credentials come from the environment, an API key first, and are never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readstate.credentials import Credentials, load_credentials
from readstate.errors import NotPermitted

KEY = {"TWILIO_API_KEY": "SK" + "1" * 32, "TWILIO_API_SECRET": "key-secret"}
TOKEN = {"TWILIO_ACCOUNT_SID": "AC" + "2" * 32, "TWILIO_AUTH_TOKEN": "auth-token"}


def test_an_api_key_goes_before_the_token() -> None:
    credentials = load_credentials(KEY | TOKEN)

    assert (credentials.account_sid, credentials.username, credentials.secret) == (
        "AC" + "2" * 32,
        "SK" + "1" * 32,
        "key-secret",
    )


def test_a_key_does_not_need_its_account() -> None:
    assert load_credentials(KEY).account_sid is None


def test_the_token_does_where_there_is_no_key() -> None:
    assert load_credentials(TOKEN).secret == "auth-token"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "readstate demo"),
        ({"TWILIO_ACCOUNT_SID": "AC1"}, "no Twilio credentials"),
        ({"TWILIO_API_KEY": "SK1"}, "TWILIO_API_SECRET is not set"),
        ({"TWILIO_API_SECRET": "s"}, "TWILIO_API_KEY is not set"),
        ({"TWILIO_API_KEY": "", "TWILIO_API_SECRET": ""}, "no Twilio credentials"),
    ],
)
def test_what_is_missing_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(NotPermitted, match=message):
        load_credentials(environ)


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)

    assert load_credentials().secret == "key-secret"


@given(st.text(min_size=5), st.text())
def test_the_secret_is_never_shown(secret: str, username: str) -> None:
    credentials = Credentials(None, "SK" + "1" * 32, "\x00" + secret)

    assert "\x00" + secret not in f"{credentials!r} {credentials} {credentials.masked()}"
    assert repr(credentials) == "Credentials(SK…1111)"
