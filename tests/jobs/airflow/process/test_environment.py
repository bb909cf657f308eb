import pytest

from readstate_jobs.airflow.process.environment import connection_environment, without_worker_secrets


@pytest.mark.parametrize(
    ("login", "extra", "environ"),
    [
        (
            "SK1",
            {"account_sid": "AC1", "edge": "", "region": None},
            {"TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "secret", "TWILIO_ACCOUNT_SID": "AC1"},
        ),
        ("AC1", {}, {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret"}),
        (None, {"account_sid": "AC1"}, {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "secret"}),
        (
            "SK1",
            {"edge": "dublin", "region": "ie1", "base_url": "http://127.0.0.1:1"},
            {
                "TWILIO_API_KEY": "SK1",
                "TWILIO_API_SECRET": "secret",
                "TWILIO_EDGE": "dublin",
                "TWILIO_REGION": "ie1",
                "READSTATE_BASE_URL": "http://127.0.0.1:1",
            },
        ),
    ],
)
def test_a_connection_is_passed_with_its_account_and_the_way_to_it(
    login: str | None, extra: dict[str, str | None], environ: dict[str, str]
) -> None:
    assert connection_environment(login=login, password="secret", extra=extra) == environ


@pytest.mark.parametrize(("login", "password", "missing"), [("SK1", "", "secret"), ("", "s", "login")])
def test_what_is_missing_is_named(login: str, password: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        connection_environment(login=login, password=password, extra={})


def test_the_workers_own_account_address_and_secrets_stay_with_the_worker() -> None:
    worker = {
        "PATH": "/bin",
        "READSTATE_MAX_RATE": "50",
        "READSTATE_BASE_URL": "http://127.0.0.1:9",
        "READSTATE_CONFIG": "/etc/readstate.toml",
        "READSTATE_PROFILE": "another account's",
        "TWILIO_AUTH_TOKEN": "another account's",
        "AIRFLOW__CORE__FERNET_KEY": "secret",
        "AIRFLOW_CONN_OTHER": "secret",
    }

    assert without_worker_secrets(worker) == {"PATH": "/bin", "READSTATE_MAX_RATE": "50"}
