"""A connection becomes the environment of a process, and nothing of the worker's own accounts does."""

import pytest

from readstate_jobs.airflow.environment import connection_environment, without_worker_secrets


def test_an_api_key_is_passed_with_the_account_that_it_belongs_to() -> None:
    environ = connection_environment(
        login="SK1", password="secret", extra={"account_sid": "AC1", "edge": "", "region": None}
    )

    assert environ == {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "secret", "TWILIO_ACCOUNT_SID": "AC1"}


@pytest.mark.parametrize(("login", "account_sid"), [("AC1", None), ("", "AC1"), (None, "AC1")])
def test_an_account_with_its_token_needs_no_key(login: str | None, account_sid: str | None) -> None:
    environ = connection_environment(login=login, password="token", extra={"account_sid": account_sid})

    assert environ == {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token"}


def test_the_way_to_twilio_is_the_connections() -> None:
    environ = connection_environment(
        login="SK1", password="s", extra={"edge": "dublin", "region": "ie1", "base_url": "http://127.0.0.1:1"}
    )

    assert (environ["TWILIO_EDGE"], environ["TWILIO_REGION"]) == ("dublin", "ie1")
    assert environ["READSTATE_BASE_URL"] == "http://127.0.0.1:1"


@pytest.mark.parametrize(("login", "password", "missing"), [("SK1", "", "secret"), ("", "s", "login")])
def test_what_is_missing_is_named(login: str, password: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        connection_environment(login=login, password=password, extra={})


def test_the_workers_own_account_address_and_secrets_stay_with_the_worker() -> None:
    worker = {
        "PATH": "/bin",
        "READSTATE_MAX_RATE": "50",
        "READSTATE_BASE_URL": "http://127.0.0.1:9",
        "TWILIO_AUTH_TOKEN": "another account's",
        "AIRFLOW__CORE__FERNET_KEY": "secret",
        "AIRFLOW_CONN_OTHER": "secret",
    }

    assert without_worker_secrets(worker) == {"PATH": "/bin", "READSTATE_MAX_RATE": "50"}
