import json
import logging

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import redact

from readstate.simulator.server.server import RunningSimulator
from readstate_jobs.airflow.hook import TwilioConversationsHook
from readstate_jobs.airflow.provider import CONNECTION_TYPE, FIELDS


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch):
    def connect_(*, login: str = "", password: str = "", **extra: str) -> TwilioConversationsHook:
        connection = {"conn_type": CONNECTION_TYPE, "login": login, "password": password, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_TWILIO_TESTED", json.dumps(connection))
        return TwilioConversationsHook("twilio_tested")

    return connect_


def test_a_good_connection_says_whose_account_it_is(connect, connected_twilio: RunningSimulator) -> None:
    account = connected_twilio.credentials
    hook = connect(login=account.account_sid, password=account.auth_token, base_url=connected_twilio.base_url)

    good, message = hook.test_connection()

    assert good, message
    assert "may read account" in message
    assert account.auth_token not in message


def test_a_wrong_secret_is_refused_with_what_to_do(connect, connected_twilio: RunningSimulator) -> None:
    hook = connect(
        login=connected_twilio.credentials.account_sid, password="f" * 32, base_url=connected_twilio.base_url
    )

    good, message = hook.test_connection()

    assert not good
    assert "credentials" in message
    assert "f" * 32 not in message


def test_an_unfinished_form_is_refused_without_a_request(connect) -> None:
    good, message = connect(login="SK1").test_connection()

    assert not good
    assert message.startswith("the secret is missing")


def test_a_task_with_an_unfinished_connection_is_not_tried_again(connect) -> None:
    with pytest.raises(AirflowFailException, match="twilio_tested: the login is missing"):
        connect(password="secret").environment()


def test_the_secret_is_masked_in_whatever_a_task_logs(connect, caplog: pytest.LogCaptureFixture) -> None:
    hook = connect(login="SK1", password="a-secret-of-some-length")
    with caplog.at_level(logging.INFO):
        hook.environment()

    assert "a-secret-of-some-length" not in caplog.text
    assert redact("key: a-secret-of-some-length") == "key: ***"


def test_airflow_knows_the_type_its_fields_and_their_names() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    hook = manager.hooks[CONNECTION_TYPE]
    shown = {name.rpartition("__")[2] for name in manager.connection_form_widgets if CONNECTION_TYPE in name}

    assert hook is not None
    assert (hook.hook_name, hook.package_name) == ("Twilio Conversations", "readstate")
    assert hook.connection_testable
    assert shown == set(FIELDS)
    assert manager.field_behaviours[CONNECTION_TYPE]["relabeling"]["login"] == "API key SID"
