"""The connection to Twilio as Airflow keeps it."""

import os
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import mask_secret

from readstate_jobs.airflow.process.environment import connection_environment, without_worker_secrets
from readstate_jobs.airflow.process.parent_process import ReadstateProcess
from readstate_jobs.airflow.provider import CONNECTION_TYPE

_ABOUT_THIS_MACHINE = {"work folder"}
"""The connection is tested on the web server, and used on a worker."""


class TwilioConversationsHook(BaseHook):
    """A connection of type ``twilio_conversations``, as the environment of a readstate process."""

    conn_name_attr = "twilio_conn_id"
    default_conn_name = "twilio_conversations_default"
    conn_type = CONNECTION_TYPE
    hook_name = "Twilio Conversations"

    def __init__(self, twilio_conn_id: str = default_conn_name, **more: Any) -> None:
        super().__init__(**more)
        self.twilio_conn_id = twilio_conn_id

    def environment(self) -> dict[str, str]:
        """Return the variables of a readstate process: this worker's, with the connection's account.

        Raise `AirflowFailException` where the connection lacks something: a retry would not change that.
        """
        try:
            return self._environment()
        except ValueError as error:
            raise AirflowFailException(f"connection {self.twilio_conn_id}: {error}") from None

    def service_sid(self) -> str | None:
        """Return the service that the connection names, if any."""
        return self.get_connection(self.twilio_conn_id).extra_dejson.get("service_sid") or None

    def test_connection(self) -> tuple[bool, str]:
        """Check the credentials with Twilio, as ``readstate doctor`` does."""
        try:
            environ = self._environment()
        except ValueError as error:
            return False, str(error)
        result = ReadstateProcess(["doctor", "--json"], environ).run(self._log_message)
        findings = [one for one in result.document.get("findings", ()) if one["subject"] not in _ABOUT_THIS_MACHINE]
        if not findings:
            return False, "\n".join(result.last_lines)
        bad = [one for one in findings if not one["good"]]
        return not bad, "; ".join(
            " ".join(filter(None, (f"{one['subject']}: {one['text']}.", one["hint"]))) for one in bad or findings
        )

    def _log_message(self, level: int, message: str) -> None:
        self.log.log(level, "%s", message)

    def _environment(self) -> dict[str, str]:
        connection = self.get_connection(self.twilio_conn_id)
        if connection.password:
            mask_secret(connection.password)
        return without_worker_secrets(os.environ) | connection_environment(
            login=connection.login, password=connection.password, extra=connection.extra_dejson
        )
